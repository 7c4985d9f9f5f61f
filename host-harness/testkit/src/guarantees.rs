//! Asks what `docs/guarantees.md` promises, as questions to a snapshot of everything.
//!
//! Each question is a plain function over plain data, so that a test can break the data and see that
//! the question notices. A failure starts with the name of the guarantee. Data that cannot be, such as
//! an event in an organization that there is not, is an answer too: nothing here panics.

use std::collections::{BTreeMap, BTreeSet};

use guestlist_contract::{
    audit::EventKind,
    code,
    exports::{invitations::Invited, invitee::Handle},
    lifecycle::NEVER,
    types::{
        AcceptWith, Grant, GrantKind, Invitation, InvitationKey, MailState, MessageKind, Notify, Permissions,
        Principal, State, Step, StepOutcome, StepResult, Subject, UserRef,
    },
};
use guestlist_harness::{Reply, Request};
use guestlist_memory::{
    AuditEvent, MemberView, MemoryHost, OrganizationView, OutboxEntry, OutboxView, Role, Snapshot,
    StoredInvitation,
};
use serde::{Deserialize, Serialize};

/// The record of what callers were told, and when: what a snapshot alone cannot know.
#[derive(Clone, Debug, Default)]
pub struct History(pub Vec<Told>);

/// One thing that was said.
#[derive(Clone, Debug)]
pub struct Told {
    /// The number of events that were in the audit trail when it was said.
    pub at: usize,
    /// The word that was said.
    pub word: Word,
}

/// Words that callers can be told and that bind the future.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Word {
    /// The invitation was made, and its e-mail stands like this.
    Invited(InvitationKey, MailState),
    /// The invitation was accepted, with these outcomes.
    Accepted(InvitationKey, Vec<StepResult>),
    /// The invitation was revoked or declined.
    Ended(InvitationKey, State),
    /// A new code was made; these digests were live before. They die when the e-mail with a new one has been
    /// accepted by the e-mail system, or at once where the new code was in the answer.
    Resent(InvitationKey, Vec<String>),
    /// The policy of that organization gives no answer, and gives none until the end.
    Silent(String),
    /// Something is in the way of accepting it, until the end: what asks its invitee to accept waits.
    Obstructed(InvitationKey),
    /// An administrator has removed a member.
    Removed(String, UserRef),
    /// Invitations that were shown to an administrator of that organization.
    Shown(String, Vec<InvitationKey>),
}

/// Digests of the codes that are live in this world, by invitation.
#[must_use]
pub fn codes(world: &Snapshot) -> Vec<(InvitationKey, Vec<String>)> {
    world.invitations.iter().map(|row| (row.invitation.key.clone(), row.codes.clone())).collect()
}

/// Invitations that an answer says were made, or sent again.
#[must_use]
pub fn invited(reply: &Reply) -> Vec<&Invited> {
    match reply {
        Reply::Invite(Ok(items)) => items.iter().flatten().collect(),
        Reply::Resend(Ok(items)) => items.iter().flatten().collect(),
        Reply::Approve(Ok(invited)) => vec![invited],
        _ => Vec::new(),
    }
}

impl Word {
    /// The organization that it is about.
    #[must_use]
    pub fn organization(&self) -> &str {
        match self {
            Self::Invited(key, _)
            | Self::Accepted(key, _)
            | Self::Ended(key, _)
            | Self::Resent(key, _)
            | Self::Obstructed(key) => &key.organization,
            Self::Silent(organization) | Self::Removed(organization, _) | Self::Shown(organization, _) => {
                organization
            }
        }
    }

    /// Lists what the answer to a request in this organization promises. `before` are the codes that were live
    /// when it was asked for.
    #[must_use]
    pub fn of(
        organization: &str,
        request: &Request,
        reply: &Reply,
        before: &[(InvitationKey, Vec<String>)],
    ) -> Vec<Self> {
        let key = |id: &String| InvitationKey { organization: organization.to_owned(), id: id.clone() };
        let revoked = |id| Self::Ended(key(id), State::Revoked);
        let shown = |keys| vec![Self::Shown(organization.to_owned(), keys)];
        let mut words = match (request, reply) {
            (Request::Resend(asked), Reply::Resend(Ok(items))) => {
                let live = |id| before.iter().find(|(known, _)| *known == key(id));
                let older = |id| live(id).map(|(_, codes)| codes.clone()).unwrap_or_default();
                let sent = asked.ids.iter().zip(items);
                let same = sent.filter(|(id, item)| item.as_ref().is_ok_and(|sent| sent.id == **id));
                same.map(|(id, _)| Self::Resent(key(id), older(id))).collect()
            }
            (Request::Revoke(asked), Reply::Revoke(Ok(()))) => vec![revoked(&asked.id)],
            (Request::Reject(asked), Reply::Reject(Ok(()))) => vec![revoked(&asked.id)],
            (_, Reply::RevokeAll(Ok(all))) => all.revoked.iter().map(revoked).collect(),
            (Request::Decline(asked), Reply::Decline(Ok(()))) => {
                let by_code = |code: &str| {
                    let digest = code::stored_digest(code)?;
                    before.iter().find(|(_, codes)| codes.contains(&digest)).map(|(key, _)| key.clone())
                };
                let declined = match &asked.handle {
                    Handle::Id(key) => Some(key.clone()),
                    Handle::Code(code) => by_code(code),
                };
                declined.into_iter().map(|key| Self::Ended(key, State::Declined)).collect()
            }
            (_, Reply::Accept(Ok(done))) => vec![Self::Accepted(done.key.clone(), done.outcomes.clone())],
            (_, Reply::List(Ok(page))) => shown(page.items.iter().map(|row| row.key.clone()).collect()),
            (_, Reply::Get(Ok(row))) => shown(vec![row.key.clone()]),
            _ => Vec::new(),
        };
        words.extend(invited(reply).into_iter().map(|made| Self::Invited(key(&made.id), made.mail)));
        words
    }
}

impl History {
    /// Notes that it was said now.
    pub fn note(&mut self, host: &MemoryHost, word: Word) {
        self.0.push(Told { at: host.audit().len(), word });
    }
}

type Found = Result<(), String>;

/// Asks one guarantee; the error says how it is broken.
pub type Question = fn(&Snapshot, &History) -> Found;

/// Questions by name, asked at every instant.
pub const ALWAYS: [(&str, Question); 14] = [
    ("I-MEM", member_by_accepting),
    ("I-ONE", once),
    ("I-ORPHAN", no_grant_without_member),
    ("I-REV", nothing_after_the_end),
    ("I-GONE", nothing_after_removal),
    ("I-STATE", legal_path),
    ("I-UNIQ", one_active),
    ("I-SUBJ", only_the_invited),
    ("I-LEAST", granted_was_invited),
    ("I-TEN", no_other_tenant),
    ("I-TTL", claimed_in_time),
    ("I-SEC2", older_codes_dead),
    ("I-AUD", one_event_for_a_change),
    ("I-ACK", said_is_true),
];

/// Questions by name, asked when all calls have ended and the sweep has run.
pub const AT_REST: [(&str, Question); 2] = [("I-REST", ended_and_applied), ("I-LIVE", nothing_waits)];

/// Each promise that is broken, and how.
pub fn broken(questions: &[(&str, Question)], world: &Snapshot, history: &History) -> Vec<String> {
    let asked = questions.iter().map(|(name, question)| (name, question(world, history)));
    asked.filter_map(|(name, found)| found.err().map(|why| format!("{name}: {why}"))).collect()
}

/// The question of this name, `I-ONE` say, whenever it is asked.
#[must_use]
pub fn question(name: &str) -> Option<Question> {
    let mut all = ALWAYS.iter().chain(&AT_REST);
    all.find_map(|(known, question)| (*known == name).then_some(*question))
}

fn must(holds: bool, why: impl FnOnce() -> String) -> Found {
    if holds { Ok(()) } else { Err(why()) }
}

fn row<'a>(world: &'a Snapshot, organization: &str, id: &str) -> Option<&'a Invitation> {
    let mut rows = world.invitations.iter().map(|row| &row.invitation);
    rows.find(|row| row.key.organization == organization && row.key.id == id)
}

fn is_of(event: &AuditEvent, organization: &str, id: &str) -> bool {
    event.organization.as_deref() == Some(organization) && event.invitation.as_deref() == Some(id)
}

/// The events since there were that many.
fn since(world: &Snapshot, at: usize) -> Result<&[AuditEvent], String> {
    world.audit.get(at..).ok_or_else(|| {
        format!("{at} events had been seen, and the audit trail has only {}", world.audit.len())
    })
}

/// The events that had happened when there were that many.
fn until(world: &Snapshot, at: usize) -> Result<&[AuditEvent], String> {
    since(world, at)?;
    Ok(world.audit.get(..at).unwrap_or_default())
}

fn place<'a>(world: &'a Snapshot, organization: &str) -> Result<&'a OrganizationView, String> {
    world.organizations.get(organization).ok_or_else(|| format!("there is no organization {organization}"))
}

fn is_change(event: &AuditEvent) -> bool {
    event.kind.is_change()
}

fn is_grant(event: &AuditEvent) -> bool {
    event.kind.is_grant()
}

fn was_purged(world: &Snapshot, organization: &str, id: &str) -> bool {
    world.audit.iter().any(|event| event.text() == "invitation.purged" && is_of(event, organization, id))
}

/// A debt of somebody to an invitation.
struct Debt<'a> {
    organization: &'a str,
    member: &'a MemberView,
    invitation: &'a str,
    /// The grant; absent: their membership.
    grant: Option<Grant>,
}

fn debts(world: &Snapshot) -> Vec<Debt<'_>> {
    let mut debts = Vec::new();
    for (organization, view) in &world.organizations {
        for member in &view.members {
            let owed = |invitation, grant| Debt { organization, member, invitation, grant };
            debts.extend(member.invitation.iter().map(|by| owed(by.as_str(), None)));
            for (kind, held) in [(GrantKind::Group, &member.groups), (GrantKind::Role, &member.roles)] {
                let grant = |id: &String| Some(Grant { kind, id: id.clone() });
                debts.extend(held.iter().filter_map(|(id, by)| Some(owed(by.as_deref()?, grant(id)))));
            }
        }
    }
    debts
}

fn member_by_accepting(world: &Snapshot, _: &History) -> Found {
    for Debt { organization, member, invitation, .. } in debts(world) {
        let state = row(world, organization, invitation).map(|row| row.state);
        let right = matches!(state, Some(State::Accepting | State::Accepted));
        must(right || was_purged(world, organization, invitation), || {
            format!("{:?} is a member on account of {invitation}, which is {state:?}", member.account)
        })?;
    }
    // Also where it was taken away since.
    for event in world.audit.iter().filter(|event| is_grant(event)) {
        let (organization, id) =
            event.organization.as_deref().zip(event.invitation.as_deref()).unwrap_or_default();
        let ended = row(world, organization, id).map(|row| row.state).filter(|state| {
            matches!(state, State::Declined | State::Revoked | State::Expired | State::Failed)
        });
        must(ended.is_none(), || format!("{id} is {ended:?}, and it gave something: {event:?}"))?;
    }
    Ok(())
}

fn once(world: &Snapshot, _: &History) -> Found {
    let mut seen = BTreeSet::new();
    for event in world.audit.iter().filter(|event| is_grant(event)) {
        let grant = event.grant.as_ref().map(|grant| (grant.kind.text(), &grant.id));
        let what = (&event.organization, &event.invitation, event.text(), grant);
        must(seen.insert(what), || format!("applied twice: {event:?}"))?;
    }
    for (id, log) in world.applied.values().flatten() {
        let earlier = |count, step| log.steps.iter().take(count).any(|earlier| earlier == step);
        let twice = log.steps.iter().enumerate().find(|(index, step)| earlier(*index, *step));
        must(twice.is_none(), || format!("{id} has a step twice in its log: {twice:?}"))?;
    }
    for (organization, view) in &world.organizations {
        let mut seen = BTreeSet::new();
        for UserRef { organization: home, id } in view.members.iter().map(|member| &member.account) {
            must(seen.insert((home, id)), || format!("{id} is a member of {organization} twice"))?;
        }
    }
    Ok(())
}

fn no_grant_without_member(world: &Snapshot, _: &History) -> Found {
    for (organization, view) in &world.organizations {
        for member in &view.members {
            let exist = member.groups.keys().all(|id| view.groups.contains_key(id))
                && member.roles.keys().all(|id| view.roles.contains_key(id));
            must(exist, || format!("{organization}: a grant of nothing: {member:?}"))?;
        }
    }
    for (index, event) in world.audit.iter().enumerate().filter(|(_, event)| event.text() == "grant.added") {
        let (Some(organization), Some(id)) = (&event.organization, &event.invitation) else {
            return Err(format!("given to nobody: {event:?}"));
        };
        let Some(Subject::User(user)) = row(world, organization, id).map(|row| &row.subject) else {
            continue;
        };
        let view = place(world, organization)?;
        let there = view.members.iter().any(|member| member.account == *user);
        let left = |later: &AuditEvent| {
            later.kind.is_worldly() && later.subject.as_ref().is_some_and(|left| left.id == user.id)
        };
        must(there || view.deleted || since(world, index)?.iter().any(left), || {
            format!("{user:?} is no member: {event:?}")
        })?;
    }
    Ok(())
}

fn nothing_after_the_end(world: &Snapshot, history: &History) -> Found {
    for Told { at, word } in &history.0 {
        let Word::Ended(key, state) = word else { continue };
        let mut later = since(world, *at)?.iter().filter(|event| is_grant(event));
        let granted = later.find(|event| is_of(event, &key.organization, &key.id));
        must(granted.is_none(), || format!("{state:?} was answered, then {granted:?}"))?;
    }
    Ok(())
}

/// An invitation that nobody had claimed before the removal counts as a new one: accepting it is a
/// decision of its own.
fn nothing_after_removal(world: &Snapshot, history: &History) -> Found {
    for Told { at, word } in &history.0 {
        let Word::Removed(organization, account) = word else { continue };
        for event in since(world, *at)?.iter().filter(|event| is_grant(event)) {
            let Some(id) = event.invitation.as_deref().filter(|id| is_of(event, organization, id)) else {
                continue;
            };
            let his =
                row(world, organization, id).is_some_and(|row| row.subject == Subject::User(account.clone()));
            let claimed = |before: &AuditEvent| {
                before.text() == "invitation.claimed" && is_of(before, organization, id)
            };
            must(!his || !until(world, *at)?.iter().any(claimed), || {
                format!("{account:?} was removed, then {event:?}")
            })?;
        }
    }
    Ok(())
}

/// The state after an event, or `None` where it may not happen.
pub(crate) fn step(from: Option<State>, event: &AuditEvent) -> Option<State> {
    use State::{Accepted, Accepting, AwaitingApproval, Declined, Expired, Failed, Pending, Revoked};
    match (from, event.text()) {
        (None, "invitation.created") => Some(if event.word.is_some() { AwaitingApproval } else { Pending }),
        (Some(AwaitingApproval), "invitation.approved")
        | (Some(Pending), "invitation.renewed" | "invitation.adopted") => Some(Pending),
        (Some(Pending), "invitation.claimed") | (Some(Accepting), "invitation.taken-over") => Some(Accepting),
        (Some(Accepting), "invitation.accepted") => Some(Accepted),
        (Some(Accepting), "invitation.failed") => Some(Failed),
        (Some(Pending), "invitation.declined") => Some(Declined),
        (Some(AwaitingApproval | Pending), "invitation.revoked") => Some(Revoked),
        (Some(AwaitingApproval | Pending), "invitation.expired") => Some(Expired),
        _ => None,
    }
}

fn changes<'a>(world: &'a Snapshot, key: &'a InvitationKey) -> impl Iterator<Item = &'a AuditEvent> {
    let changes = world.audit.iter().filter(|event| is_change(event));
    changes.filter(|event| is_of(event, &key.organization, &key.id))
}

fn legal_path(world: &Snapshot, _: &History) -> Found {
    for StoredInvitation { invitation: row, .. } in &world.invitations {
        let mut state = None;
        for event in changes(world, &row.key) {
            let next = step(state, event);
            must(next.is_some(), || format!("{} was {state:?}, then {}", row.key.id, event.text()))?;
            state = next;
        }
        must(state == Some(row.state), || {
            format!("{} is {:?}, and came to be {state:?}", row.key.id, row.state)
        })?;
    }
    Ok(())
}

fn one_event_for_a_change(world: &Snapshot, _: &History) -> Found {
    for StoredInvitation { invitation: row, .. } in &world.invitations {
        let events = changes(world, &row.key).count();
        must(events as u64 == row.version, || {
            format!("{} has version {} and {events} events", row.key.id, row.version)
        })?;
    }
    for event in world.audit.iter().filter(|event| is_change(event)) {
        let (organization, id) = (event.organization.as_deref(), event.invitation.as_deref());
        let (organization, id) =
            organization.zip(id).ok_or_else(|| format!("a change of nothing: {event:?}"))?;
        must(row(world, organization, id).is_some() || was_purged(world, organization, id), || {
            format!("an event without its change: {event:?}")
        })?;
    }
    Ok(())
}

fn one_active(world: &Snapshot, _: &History) -> Found {
    let mut seen = BTreeSet::new();
    for StoredInvitation { invitation: row, .. } in &world.invitations {
        let active = matches!(row.state, State::AwaitingApproval | State::Pending | State::Accepting);
        let whose = (&row.key.organization, format!("{:?}", row.subject));
        must(!active || seen.insert(whose), || format!("two are active for {:?}", row.subject))?;
    }
    Ok(())
}

fn only_the_invited(world: &Snapshot, _: &History) -> Found {
    for Debt { organization, member, invitation, .. } in debts(world) {
        let Some(row) = row(world, organization, invitation) else { continue };
        must(row.subject == Subject::User(member.account.clone()), || {
            format!("{:?} is a member by the invitation of {:?}", member.account, row.subject)
        })?;
    }
    for event in world.audit.iter().filter(|event| event.text() == "invitation.claimed") {
        let (organization, id) =
            event.organization.as_deref().zip(event.invitation.as_deref()).unwrap_or_default();
        let Some(row) = row(world, organization, id) else { continue };
        let himself = matches!((&event.actor, &row.subject), (Principal::User(one), Subject::User(other)) if one == other);
        must(himself || row.accept_with == AcceptWith::Code, || {
            format!("{:?} claimed the invitation of {:?}", event.actor, row.subject)
        })?;
    }
    Ok(())
}

fn granted_was_invited(world: &Snapshot, _: &History) -> Found {
    for (organization, steps) in &world.applied {
        for (id, log) in steps {
            let Some(row) = row(world, organization, id) else { continue };
            let given = log
                .steps
                .iter()
                .filter_map(|step| if let Step::Grant(grant) = step { Some(grant) } else { None });
            for grant in given {
                must(row.grants.contains(grant), || format!("{id} gave {grant:?}, which was not invited"))?;
            }
            let view = place(world, organization)?;
            // The last event by which somebody may have lost a right.
            let lost = world.audit.iter().rposition(|known| {
                known.organization.as_ref() == Some(organization) && takes_rights(known, &row.inviter)
            });
            let given =
                world.audit.iter().rposition(|event| is_grant(event) && is_of(event, organization, id));
            // A right that is lost after the check that follows the claim counts as lost later.
            let claimed = until(world, given.unwrap_or(0))?
                .iter()
                .position(|event| event.text() == "invitation.claimed" && is_of(event, organization, id));
            // What somebody has for a time, they had if it had not ended by then.
            let then =
                claimed.and_then(|index| world.audit.get(index)).map_or(world.store_now, |event| event.at);
            must(may_invite(view, &row.inviter, then) || claimed < lost, || {
                format!("{id} gave in the name of {:?}, who may not invite", row.inviter)
            })?;
        }
    }
    for (index, event) in world.audit.iter().enumerate().filter(|(_, event)| event.text() == "grant.added") {
        let gone = until(world, index)?.iter().find(|earlier| {
            matches!(earlier.text(), "world.group-deleted" | "world.role-deleted")
                && (&earlier.organization, &earlier.grant) == (&event.organization, &event.grant)
        });
        must(gone.is_none(), || format!("given though it was gone: {event:?}"))?;
    }
    for Debt { organization, member, invitation, grant } in debts(world) {
        let (Some(row), Some(grant)) = (row(world, organization, invitation), grant) else { continue };
        must(row.grants.contains(&grant), || format!("{:?} has {grant:?} by {invitation}", member.account))?;
    }
    Ok(())
}

/// Tells whether somebody may invite in an organization: directly, or by a role.
fn may_invite(view: &OrganizationView, who: &Principal, now: u64) -> bool {
    let direct = view
        .permissions
        .iter()
        .any(|known| known.who == *who && known.permissions.contains(Permissions::INVITE));
    let held = match who {
        Principal::User(user) => {
            let member = view.members.iter().find(|member| member.account == *user);
            let resident = view.residents.get(&user.id).filter(|person| person.account == *user);
            member
                .map(|member| (&member.groups, &member.roles, &member.leases))
                .or_else(|| resident.map(|person| (&person.groups, &person.roles, &person.leases)))
        }
        _ => None,
    };
    let has = |(id, role): (&String, &Role)| match who {
        Principal::Client(client) => role.clients.contains(client),
        _ => held.is_some_and(|(groups, roles, leases)| {
            roles.contains_key(id)
                || role.groups.iter().any(|group| groups.contains_key(group))
                || leases.values().any(|leased| leased.get(id).is_some_and(|until| *until > now))
        }),
    };
    direct || view.rights.iter().any(|role| role.1.rights.contains(Permissions::INVITE.into()) && has(role))
}

/// Tells whether somebody may have fewer rights after this event.
fn takes_rights(event: &AuditEvent, who: &Principal) -> bool {
    use EventKind as Kind;
    let is_theirs = matches!(who, Principal::User(user) if event.subject.as_ref() == Some(user));
    match event.kind {
        // What a role gives, and who has it, is said of nobody.
        Kind::WorldPermissionsSet
        | Kind::WorldRoleRightsSet
        | Kind::WorldRoleUnassigned
        | Kind::WorldGroupDeleted
        | Kind::WorldRoleDeleted => true,
        Kind::WorldRolesLeased
        | Kind::WorldLeasesEnded
        | Kind::WorldGrantRemoved
        | Kind::WorldMemberRemoved => is_theirs,
        _ => false,
    }
}

fn no_other_tenant(world: &Snapshot, history: &History) -> Found {
    let mut places = BTreeMap::new();
    for event in world.audit.iter().filter(|event| !event.request_id.is_empty()) {
        let elsewhere = event.invitation.as_ref().is_some_and(|id| {
            let mut rows = world.invitations.iter().map(|row| &row.invitation.key);
            rows.any(|key| key.id == *id && event.organization.as_ref() != Some(&key.organization))
        });
        let invitees = event.operation.starts_with("invitee.");
        must(invitees || !elsewhere, || format!("of another organization: {event:?}"))?;
        let place = places.entry(&event.request_id).or_insert(&event.organization);
        must(invitees || *place == &event.organization, || {
            format!("one call, two organizations: {event:?}")
        })?;
    }
    for told in &history.0 {
        let Word::Shown(organization, keys) = &told.word else { continue };
        let other = keys.iter().find(|key| key.organization != *organization);
        must(other.is_none(), || format!("{organization} was shown {other:?}"))?;
    }
    Ok(())
}

fn claimed_in_time(world: &Snapshot, _: &History) -> Found {
    for StoredInvitation { invitation: row, .. } in &world.invitations {
        let claim = changes(world, &row.key).find(|event| event.text() == "invitation.claimed");
        let late = claim.zip(row.expires_at).filter(|(claim, end)| claim.at >= *end);
        must(late.is_none(), || format!("{} was claimed after its end: {late:?}", row.key.id))?;
    }
    Ok(())
}

/// Demands that older codes are dead. What was answered by a resend that asks for a mail binds from when that
/// mail, or a later one, was accepted: then the row says `sent`. Until then an older code may be the only one
/// that its invitee has.
fn older_codes_dead(world: &Snapshot, history: &History) -> Found {
    for told in &history.0 {
        let Word::Resent(key, older) = &told.word else { continue };
        for stored in &world.invitations {
            let row = &stored.invitation;
            let waits = row.key == *key && row.notify == Notify::Internal && row.mail != MailState::Sent;
            let live = stored.codes.iter().any(|code| older.contains(code));
            must(waits || !live, || format!("an older code of {} works", key.id))?;
        }
    }
    for stored in &world.invitations {
        newer_mail_only(world, stored)?;
    }
    Ok(())
}

/// Demands that no code of a row whose last mail has been accepted lives that is older than what that mail
/// can have brought: one that was made for the change that asked for it, or for a later one.
fn newer_mail_only(world: &Snapshot, stored: &StoredInvitation) -> Found {
    let row = &stored.invitation;
    let is_it = |entry: &OutboxEntry| entry.invitation == row.key.id && entry.kind == MessageKind::Invitation;
    let waits = world.outbox.iter().any(|waiting| is_it(&waiting.entry));
    if row.mail != MailState::Sent || waits {
        return Ok(());
    }
    let asked = changes(world, &row.key).zip(1u64..).filter(|(event, _)| {
        let resent = matches!(event.text(), "invitation.renewed" | "invitation.adopted");
        matches!(event.text(), "invitation.created" | "invitation.approved")
            || (resent && event.operation == "resend")
    });
    let newest = asked.map(|(_, version)| version).max().unwrap_or(0);
    let older = stored.code_versions.iter().find(|made| **made < newest);
    must(older.is_none(), || format!("a code of {} outlives the mail that was sent after it", row.key.id))
}

fn said_is_true(world: &Snapshot, history: &History) -> Found {
    for told in &history.0 {
        let (Word::Invited(key, _) | Word::Accepted(key, _) | Word::Ended(key, _) | Word::Resent(key, _)) =
            &told.word
        else {
            continue;
        };
        let Some(row) = row(world, &key.organization, &key.id) else {
            must(was_purged(world, &key.organization, &key.id), || format!("{} is lost", key.id))?;
            continue;
        };
        let holds = match &told.word {
            Word::Accepted(_, outcomes) => row.state == State::Accepted && row.outcomes == *outcomes,
            Word::Ended(_, state) => row.state == *state,
            Word::Invited(_, MailState::Sent) => world.mails.iter().any(|mail| mail.invitation == key.id),
            _ => true,
        };
        must(holds, || format!("{:?} was answered, now it is {row:?}", told.word))?;
    }
    Ok(())
}

fn ended_and_applied(world: &Snapshot, history: &History) -> Found {
    let is_silent = |organization: &String| {
        history.0.iter().any(|told| matches!(&told.word, Word::Silent(place) if place == organization))
    };
    for StoredInvitation { invitation: row, .. } in &world.invitations {
        // Without a verdict nobody is let in, and nobody is turned away before the invitation's own end.
        let waits =
            is_silent(&row.key.organization) && row.expires_at.is_none_or(|end| world.store_now < end);
        must(row.state != State::Accepting || waits, || format!("{} is still being accepted", row.key.id))?;
        must(row.state != State::Accepted || row.outcomes.len() == 1 + row.grants.len(), || {
            format!("{} does not say what became of each step", row.key.id)
        })?;
        let Subject::User(user) = &row.subject else { continue };
        let since = world.audit.iter().skip_while(|event| {
            !(event.text() == "invitation.claimed" && is_of(event, &row.key.organization, &row.key.id))
        });
        let since: Vec<_> = since.collect();
        for StepResult { step, outcome } in &row.outcomes {
            let grant = if let Step::Grant(grant) = step { Some(grant) } else { None };
            // What an administrator has taken away while or after it was accepted is not there, rightly.
            let taken = since.iter().any(|event| {
                let lost = event.text().ends_with("removed") || event.text().ends_with("deleted");
                let theirs = event.subject.as_ref().is_some_and(|who| who.id == user.id);
                lost && if event.grant.is_some() { event.grant.as_ref() == grant } else { theirs }
            });
            let there = debts(world).iter().any(|debt| {
                (debt.organization, debt.invitation) == (&row.key.organization, &row.key.id)
                    && debt.grant.as_ref() == grant
            });
            must(*outcome != StepOutcome::Applied || taken || there, || {
                format!("{} says {step:?} was applied, and it is not there", row.key.id)
            })?;
        }
    }
    Ok(())
}

fn nothing_waits(world: &Snapshot, history: &History) -> Found {
    let waiting = world.outbox.iter().find(|waiting| !may_wait(waiting, history));
    must(waiting.is_none(), || format!("a message waits: {waiting:?}"))?;
    for StoredInvitation { invitation: row, codes, .. } in &world.invitations {
        let mailed = row.state == State::Pending && row.notify == Notify::Internal;
        must(!mailed || row.mail != MailState::None, || format!("{} was never mailed", row.key.id))?;
        let arrived = world.mails.iter().filter(|mail| mail.invitation == row.key.id);
        let mut works = false;
        for code in arrived.filter_map(|mail| mail.code.as_ref()) {
            // What it says stays out of the answer: it may be most of a real code.
            let digest = code::stored_digest(code)
                .ok_or_else(|| format!("what was mailed for {} is no code", row.key.id))?;
            works |= codes.contains(&digest);
        }
        let goes_elsewhere = has_another_address(world, row);
        must(!(mailed && row.mail == MailState::Sent) || works || goes_elsewhere, || {
            format!("no code that was mailed for {} works", row.key.id)
        })?;
    }
    Ok(())
}

/// The invitee has another address since the last mail, so that its codes are dead: somebody has to send
/// again.
fn has_another_address(world: &Snapshot, row: &Invitation) -> bool {
    let sends = |event: &AuditEvent| {
        let kinds = [
            EventKind::InvitationCreated,
            EventKind::InvitationApproved,
            EventKind::InvitationRenewed,
            EventKind::InvitationAdopted,
        ];
        kinds.contains(&event.kind) && is_of(event, &row.key.organization, &row.key.id)
    };
    let changes = |event: &AuditEvent| {
        let Subject::User(user) = &row.subject else { return false };
        event.kind == EventKind::WorldEmailChanged && event.subject.as_ref() == Some(user)
    };
    world.audit.iter().rposition(changes) > world.audit.iter().rposition(sends)
}

/// Tells whether it stands in an outbox and is nothing that the sweep has yet to do.
fn may_wait(waiting: &OutboxView, history: &History) -> bool {
    let entry = &waiting.entry;
    let for_invitee = matches!(entry.kind, MessageKind::Invitation | MessageKind::Reminder);
    let obstructed = history.0.iter().any(|told| {
        matches!(&told.word, Word::Obstructed(key)
            if key.organization == waiting.organization && key.id == entry.invitation)
    });
    // A notice that a run was about to send when it was lost: it is sent at most once.
    let was_on_its_way = entry.kind != MessageKind::Invitation && entry.due_at >= NEVER;
    entry.taken || was_on_its_way || (for_invitee && obstructed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guarantee_is_found_by_its_name() {
        for (name, asked) in ALWAYS.iter().chain(&AT_REST) {
            assert!(question(name).is_some_and(|found| std::ptr::fn_addr_eq(found, *asked)), "{name}");
        }
        assert!(question("I-NOT").is_none());
    }
}
