//! Sending, and writing down what became of it.

use super::*;

/// What became of one message.
#[derive(Clone, Copy)]
pub(super) enum Sent {
    Out,
    Taken,
    /// About to go out, at most once.
    Sending,
    /// Not now; whether that counts as a try.
    Not {
        counts: bool,
    },
    /// There is no address; or nobody knows whether it went out, and it goes out at most once.
    Never,
}

impl Sent {
    pub(super) fn shown(self) -> MailState {
        match self {
            Self::Out => MailState::Sent,
            Self::Taken | Self::Sending | Self::Not { .. } => MailState::Queued,
            Self::Never => MailState::Undeliverable,
        }
    }
}

impl Model {
    /// Sends, then writes down what became of it. What fails is queued: the sweep comes to it.
    pub(super) fn deliver(&mut self, letters: &[(String, MessageKind)]) -> Answer<Vec<Sent>> {
        if letters.is_empty() {
            return Ok(vec![]);
        }
        let sent =
            self.write(|model| letters.iter().map(|(id, kind)| model.send(id, kind)).collect::<Vec<_>>());
        let sent = match sent {
            Err(Stop::Crashes) => return Err(Stop::Crashes),
            Err(_) => letters.iter().map(|(id, kind)| self.unsent(id, kind)).collect(),
            Ok(sent) => sent,
        };
        let settled = self.write(|model| {
            for ((id, kind), sent) in letters.iter().zip(&sent) {
                model.settle(id, kind, model.version(id), *sent);
            }
        });
        if matches!(settled, Err(Stop::Crashes)) {
            return Err(Stop::Crashes);
        }
        Ok(sent)
    }

    /// The mail system has failed. A code is sent until it arrives, because another one does no harm; everything
    /// else is sent at most once, so again only what was certainly not sent.
    fn unsent(&self, id: &str, kind: &MessageKind) -> Sent {
        let certainly_not = match &self.luck.fault {
            Some(Fault::Throttled(_)) => return Sent::Not { counts: false },
            Some(Fault::FailBefore | Fault::Full | Fault::Conflict) => true,
            _ => false,
        };
        if *kind == MessageKind::Invitation || (certainly_not && self.may_be_tried_again(id, kind)) {
            return Sent::Not { counts: true };
        }
        Sent::Never
    }

    fn may_be_tried_again(&self, id: &str, kind: &MessageKind) -> bool {
        let place = &self.seen.rows[id].invitation.key.organization;
        self.tries(id, kind) + 1 < self.settings(place).mail_tries
    }

    pub(super) fn tries(&self, id: &str, kind: &MessageKind) -> u32 {
        let is_it = |mail: &&OutboxView| mail.entry.invitation == id && mail.entry.kind == *kind;
        self.seen.outbox.iter().find(is_it).map_or(0, |mail| mail.entry.tries)
    }

    pub(super) fn send(&mut self, id: &str, kind: &MessageKind) -> Sent {
        if self.mail == MailMode::Fail {
            let again = *kind == MessageKind::Invitation || self.may_be_tried_again(id, kind);
            return if again { Sent::Not { counts: true } } else { Sent::Never };
        }
        let row = self.seen.rows[id].invitation.clone();
        let inviter = if let Principal::User(user) = &row.inviter { Some(user.clone()) } else { None };
        let to: Vec<UserRef> = match kind {
            MessageKind::Invitation | MessageKind::Reminder => vec![account(&row.subject)],
            MessageKind::ApprovalRequested => {
                let all = self.living(&row.key.organization).map_or(vec![], |view| view.permissions.clone());
                let users = all
                    .into_iter()
                    .filter_map(|one| if let Principal::User(user) = one.who { Some(user) } else { None });
                let judges = users.filter(|user| {
                    let standing = self.standing(&row.key.organization, &Principal::User(user.clone()));
                    standing.contains(Permissions::APPROVE)
                        && Some(user) != inviter.as_ref()
                        && *user != account(&row.subject)
                });
                judges.collect()
            }
            _ => inviter.into_iter().collect(),
        };
        let for_invitee = matches!(kind, MessageKind::Invitation | MessageKind::Reminder);
        let mut reached = false;
        for to in to {
            let Some(address) = self.resident(&to).and_then(|person| person.email.clone()) else { continue };
            reached = true;
            let code = (*kind == MessageKind::Invitation).then(|| self.seen.rows[id].codes.last().cloned());
            let mail = Mail {
                at: self.wall,
                to,
                address,
                organization: row.key.organization.clone(),
                invitation: id.to_owned(),
                version: row.version,
                template: None,
                kind: kind.clone(),
                subject: String::new(),
                inviter: row.inviter.clone(),
                code: code.flatten(),
                link: None,
                expires_at: row.expires_at,
                language: row.language.clone().filter(|_| for_invitee),
            };
            if self.mail == MailMode::Take { self.seen.taken.push(mail) } else { self.seen.mails.push(mail) }
        }
        match (reached, self.mail) {
            (false, _) => Sent::Never,
            (true, MailMode::Take) => Sent::Taken,
            (true, _) => Sent::Out,
        }
    }

    pub(super) fn version(&self, id: &str) -> u64 {
        self.seen.rows.get(id).map_or(u64::MAX, |stored| stored.invitation.version)
    }

    /// What became of a message of that version settles no entry that was made since.
    pub(super) fn settle(&mut self, id: &str, kind: &MessageKind, version: u64, sent: Sent) {
        let is_it =
            |entry: &OutboxEntry| entry.invitation == id && entry.kind == *kind && entry.version <= version;
        let Some(at) = self.seen.outbox.iter().position(|mail| is_it(&mail.entry)) else { return };
        let entry = &mut self.seen.outbox[at].entry;
        match sent {
            Sent::Not { counts } => {
                entry.tries += u32::from(counts);
                entry.taken = false;
            }
            Sent::Taken => entry.taken = true,
            Sent::Sending => entry.taken = false,
            Sent::Out | Sent::Never => {
                self.seen.outbox.remove(at);
                let Some(stored) = self.seen.rows.get_mut(id) else { return };
                if *kind != MessageKind::Invitation {
                    return;
                }
                stored.invitation.mail = sent.shown();
                if matches!(sent, Sent::Out) {
                    // The invitee has the code of this mail: the older ones die.
                    stored.mailed_at = Some(self.clock);
                    let its = stored.code_versions.iter().filter(|made| **made <= version).max().copied();
                    let dead = stored.code_versions.iter().filter(|made| Some(**made) < its).count();
                    stored.codes.drain(..dead);
                    stored.code_versions.drain(..dead);
                }
            }
        }
    }

    /// The mail system ends what it has taken.
    pub fn settle_taken(&mut self, delivered: bool) {
        for mail in std::mem::take(&mut self.seen.taken) {
            let sent = if delivered { Sent::Out } else { Sent::Never };
            self.settle(&mail.invitation, &mail.kind, mail.version, sent);
            self.seen.mails.extend(Some(mail).filter(|_| delivered));
        }
    }
}
