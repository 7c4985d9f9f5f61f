//! People's mailboxes.
//!
//! This is the only place that has confirmation codes, because that is where they end up in life. It
//! is kept apart from everything that the host stores.

use async_trait::async_trait;

use super::{
    MemoryHost,
    mailbox::{Mail, MailMode, Posted, Waiting},
    realm::{Realm, StoredInvitation},
};
use guestlist_contract::{
    bounds,
    host::{Call, Notifications},
    lifecycle::makes_sense,
    notifications::{Message, Recipient, SendError, Sent},
    storage::{Delivery, DeliveryOutcome},
    types::{HostError, InvitationKey, MessageKind, Permissions, Principal, UserRef},
};

/// The page that links lead to. The code follows in the fragment, so that no server's log has it.
const LINK: &str = "https://id.example/invitation#";

const HOUR: u64 = 60 * 60 * 1000;
const DAY: u64 = 24 * HOUR;

fn subject_line(kind: &MessageKind, organization: &str) -> String {
    // A line break in a name must not become a header.
    let organization: String = organization.chars().filter(|letter| !letter.is_control()).collect();
    match kind {
        MessageKind::Invitation => format!("You are invited to {organization}"),
        MessageKind::Reminder => format!("Your invitation to {organization} ends soon"),
        MessageKind::Expired => format!("Your invitation to {organization} was not answered"),
        MessageKind::Accepted => format!("Your invitation to {organization} was accepted"),
        MessageKind::Declined => format!("Your invitation to {organization} was declined"),
        MessageKind::Failed => format!("Your invitation to {organization} could not be accepted"),
        MessageKind::Revoked => format!("Your invitation to {organization} was taken back"),
        MessageKind::ApprovalRequested => format!("An invitation to {organization} awaits approval"),
        MessageKind::Other(kind) => format!("{organization}: {kind}"),
    }
}

impl Realm {
    fn send(
        &mut self,
        call: &Call,
        organization: &str,
        template: Option<&str>,
        messages: Vec<Message>,
    ) -> Result<Vec<Result<Sent, SendError>>, HostError> {
        self.concerns(call, organization)?;
        bounds::count("messages", messages.len(), 100)?;
        bounds::text("the template", template.unwrap_or_default(), 100)?;
        if messages.iter().any(|message| message.code.is_some() != (message.kind == MessageKind::Invitation))
        {
            return Err(HostError::Invalid("an invitation has a code, and nothing else has one".into()));
        }
        Ok(messages.into_iter().map(|message| self.send_one(call, organization, template, message)).collect())
    }

    fn send_one(
        &mut self,
        call: &Call,
        organization: &str,
        template: Option<&str>,
        message: Message,
    ) -> Result<Sent, SendError> {
        let key = InvitationKey { organization: organization.to_owned(), id: message.invitation.clone() };
        if !self.admits(call, &key) || !self.is_addressee(&key, &message) {
            let text = "this message may not be sent to that person".into();
            return Err(SendError::Host(HostError::Denied(text)));
        }
        if self.mailbox.mode == MailMode::Fail {
            return Err(SendError::Host(HostError::Unavailable(None)));
        }
        match message.to.clone() {
            Recipient::User(user) => self.post(organization, template, &message, user),
            Recipient::Approvers => {
                let mut sent = Err(SendError::NoAddress);
                for user in self.approvers(&key) {
                    // It is out when one of them has it: the others may have no address, or enough mail.
                    let posted = self.post(organization, template, &message, user);
                    sent = sent.or(posted);
                }
                sent
            }
        }
    }

    fn post(
        &mut self,
        organization: &str,
        template: Option<&str>,
        message: &Message,
        to: UserRef,
    ) -> Result<Sent, SendError> {
        let address = self.resident(&to).and_then(|resident| resident.address().map(str::to_owned));
        let address = address.ok_or(SendError::NoAddress)?;
        self.take_from_quota(organization, &to).map_err(SendError::Host)?;
        let name = self.organization(organization).map_or("", |place| place.name.as_str());
        let mail = Mail {
            at: self.clock.wall(),
            address,
            organization: organization.to_owned(),
            invitation: message.invitation.clone(),
            version: message.version,
            template: template.map(str::to_owned),
            subject: subject_line(&message.kind, name),
            kind: message.kind.clone(),
            inviter: message.inviter.clone(),
            link: message.code.as_ref().map(|code| format!("{LINK}{code}")),
            code: message.code.clone(),
            expires_at: message.expires_at,
            language: message.language.clone(),
            to,
        };
        if self.mailbox.mode == MailMode::Take {
            self.mailbox.taken.push(mail);
            return Ok(Sent::Taken);
        }
        self.mailbox.delivered.push(mail);
        Ok(Sent::Delivered)
    }

    /// Codes go to the invitee alone, notices to the inviter, requests to those who may approve.
    fn is_addressee(&self, key: &InvitationKey, message: &Message) -> bool {
        let Some(row) = self.row(key) else { return false };
        match (&message.kind, &message.to) {
            (MessageKind::Invitation | MessageKind::Reminder, Recipient::User(to)) => row.is_for(to),
            (
                MessageKind::Expired
                | MessageKind::Accepted
                | MessageKind::Declined
                | MessageKind::Failed
                | MessageKind::Revoked
                | MessageKind::Other(_),
                Recipient::User(to),
            ) => row.invitation.inviter == Principal::User(to.clone()),
            (kind, Recipient::Approvers) => *kind == MessageKind::ApprovalRequested,
            (MessageKind::ApprovalRequested, Recipient::User(_)) => false,
        }
    }

    /// Finds everybody whose word it waits for.
    fn approvers(&self, key: &InvitationKey) -> Vec<UserRef> {
        let Some(row) = self.row(key) else { return Vec::new() };
        let Some(place) = self.organization(&key.organization) else { return Vec::new() };
        let entitled = place.permissions.iter().filter_map(|entitled| match &entitled.who {
            Principal::User(user) => Some(user.clone()),
            _ => None,
        });
        let mut users: Vec<UserRef> = entitled.collect();
        for user in place.approvers_by_role(self.clock.store()) {
            if !users.contains(&user) {
                users.push(user);
            }
        }
        let may_approve = |user: &UserRef| {
            let who = Principal::User(user.clone());
            let standing = self.standing(&key.organization, &who);
            who != row.invitation.inviter
                && !row.is_for(user)
                && standing.is_some_and(|standing| standing.contains(Permissions::APPROVE))
        };
        users.retain(may_approve);
        users
    }

    /// Counts one more mail of an organization to somebody, unless they have had enough for a day, or it is
    /// another organization's turn.
    ///
    /// One organization alone has all but one of the day's mails. Whose mail had to wait goes before whoever
    /// wrote to that person later, so that nobody who asks often starves the others.
    fn take_from_quota(&mut self, organization: &str, to: &UserRef) -> Result<(), HostError> {
        let Some(limit) = self.mails_per_day else { return Ok(()) };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let now = self.clock.store();
        self.mailbox.posted.retain(|mail| now.saturating_sub(mail.at) < 2 * DAY);
        self.mailbox.waiting.retain(|waiting| now.saturating_sub(waiting.tried_at) <= DAY + HOUR);
        let held_back = self.held_back(organization, to, limit, now);
        self.mailbox.waiting.retain(|waiting| waiting.to != *to || waiting.organization != organization);
        let (to, organization) = (to.clone(), organization.to_owned());
        match held_back {
            Some(after) => {
                self.mailbox.waiting.push(Waiting { to, organization, tried_at: now });
                Err(HostError::Throttled(after))
            }
            None => {
                self.mailbox.posted.push(Posted { to, organization, at: now });
                Ok(())
            }
        }
    }

    /// The time for which a mail has to wait; `None`: it may go now.
    fn held_back(&self, organization: &str, to: &UserRef, limit: usize, now: u64) -> Option<u64> {
        let to_them = || self.mailbox.posted.iter().filter(|mail| mail.to == *to);
        let today = || to_them().filter(|mail| now.saturating_sub(mail.at) < DAY);
        let all: Vec<u64> = today().map(|mail| mail.at).collect();
        let own: Vec<u64> =
            today().filter(|mail| mail.organization == organization).map(|mail| mail.at).collect();
        // When the one at the bound is a day old there is room again.
        let until_room = |mails: &[u64], bound: usize| match mails.len().checked_sub(bound) {
            None => 0,
            Some(index) => mails.get(index).map_or(DAY, |at| at.saturating_add(DAY).saturating_sub(now)),
        };
        let share = limit.saturating_sub(1).max(1);
        let wait = until_room(&all, limit).max(until_room(&own, share));
        if wait > 0 {
            return Some(wait);
        }
        let last = |of: &str| to_them().filter(|mail| mail.organization == of).map(|mail| mail.at).max();
        let goes_before = |waiting: &&Waiting| {
            let other = waiting.organization.as_str();
            waiting.to == *to
                && other != organization
                && last(other) < last(organization)
                && self.organization(other).is_some_and(|place| place.active)
                && self.has_mail_for(other, to)
        };
        let earlier = self.mailbox.waiting.iter().filter(goes_before).count();
        (earlier >= limit.saturating_sub(all.len())).then_some(HOUR)
    }

    /// Tells whether an organization has a mail for somebody that still makes sense.
    fn has_mail_for(&self, organization: &str, to: &UserRef) -> bool {
        let now = self.clock.store();
        self.tenants.get(organization).is_some_and(|tenant| {
            tenant.outbox.iter().any(|entry| {
                let row = tenant.rows.get(&entry.invitation);
                let is_theirs = |row: &StoredInvitation| match entry.kind {
                    MessageKind::Invitation | MessageKind::Reminder => row.is_for(to),
                    // Whoever may approve.
                    MessageKind::ApprovalRequested => true,
                    _ => row.invitation.inviter == Principal::User(to.clone()),
                };
                row.is_some_and(|row| is_theirs(row) && makes_sense(&entry.kind, row.state_at(now)))
            })
        })
    }

    /// The end of every e-mail that was taken over.
    pub(super) fn settle_taken(&mut self, delivered: bool) -> usize {
        let taken = std::mem::take(&mut self.mailbox.taken);
        for mail in &taken {
            let outcome = match delivered {
                true => DeliveryOutcome::Delivered,
                false => DeliveryOutcome::Undeliverable("returned by the mail system".into()),
            };
            let (invitation, version, kind) = (mail.invitation.clone(), mail.version, mail.kind.clone());
            self.settle_one(&mail.organization, &Delivery { invitation, version, kind, outcome });
        }
        let count = taken.len();
        if delivered {
            self.mailbox.delivered.extend(taken);
        }
        count
    }
}

#[async_trait]
impl Notifications for MemoryHost {
    async fn send(
        &self,
        call: &Call,
        organization: String,
        template: Option<String>,
        messages: Vec<Message>,
    ) -> Result<Vec<Result<Sent, SendError>>, HostError> {
        self.lock().send(call, &organization, template.as_deref(), messages)
    }
}
