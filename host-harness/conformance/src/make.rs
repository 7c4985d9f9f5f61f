//! Makes what cases are made of: people, ids, drafts, changes.

use sha2::{Digest as _, Sha256};
use uuid::Builder;

use guestlist_contract::{
    audit::Word,
    storage::{Batch, Change, ClockGuard, CodeChange, Draft, Guard, LifetimeChange, RefusedItem},
    types::{
        AcceptWith, Grant, GrantKind, InvitationFilter, InvitationKey, MessageKind, Notify, PageRequest,
        Principal, SortKey, State, Step, Subject, UserRef,
    },
};

/// A lifetime that no case outlives.
pub(super) const LONG: u64 = 3_600_000;

pub(super) use guestlist_contract::lifecycle::STATES;

pub(super) fn user(organization: &str, id: &str) -> UserRef {
    UserRef { organization: organization.into(), id: id.into() }
}

/// A user of `root`, by the name that their id ends with.
pub(super) fn of_root(name: &str) -> UserRef {
    user("root", &format!("u-{name}"))
}

pub(super) fn alice() -> UserRef {
    of_root("alice")
}

pub(super) fn bob() -> UserRef {
    of_root("bob")
}

pub(super) fn carol() -> UserRef {
    of_root("carol")
}

pub(super) fn dave() -> UserRef {
    of_root("dave")
}

pub(super) fn gus() -> UserRef {
    user("partner", "p-gus")
}

pub(super) fn ann() -> UserRef {
    user("acme", "u-ann")
}

pub(super) fn deputy() -> UserRef {
    user("acme", "u-deputy")
}

pub(super) fn gina() -> UserRef {
    user("globex", "u-gina")
}

pub(super) fn hr() -> Principal {
    Principal::Client("hr".into())
}

/// A UUID for a name, always the same.
pub(super) fn id(name: &str) -> String {
    let digest = Sha256::digest(format!("id {name}"));
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, from)| *byte = from);
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// The digest of a code, by a name for it.
pub(super) fn code(name: &str) -> Vec<u8> {
    Sha256::digest(format!("code {name}")).to_vec()
}

/// The digest of a request, by a name for it.
pub(super) fn fingerprint(name: &str) -> Vec<u8> {
    Sha256::digest(format!("request {name}")).to_vec()
}

pub(super) fn key(name: &str) -> InvitationKey {
    key_in("acme", name)
}

pub(super) fn key_in(organization: &str, name: &str) -> InvitationKey {
    InvitationKey { organization: organization.into(), id: id(name) }
}

pub(super) fn group(id: &str) -> Grant {
    Grant { kind: GrantKind::Group, id: id.into() }
}

pub(super) fn role(id: &str) -> Grant {
    Grant { kind: GrantKind::Role, id: id.into() }
}

/// Membership, a group and a role: what the batches of the cases carry.
pub(super) fn steps() -> Vec<Step> {
    vec![Step::Member, Step::Grant(group("g-help")), Step::Grant(role("r-admin"))]
}

/// A pending invitation, by name: its id and its code are made from it.
pub(super) fn draft(name: &str, account: UserRef) -> Draft {
    Draft {
        position: 0,
        id: id(name),
        subject: Subject::User(account),
        name: name.into(),
        grants: None,
        lifetime: Some(LONG),
        accept_with: AcceptWith::Invitee,
        code: Some(code(name)),
        approval: None,
        replaces: None,
    }
}

/// One that somebody has to approve.
pub(super) fn awaiting(name: &str, account: UserRef) -> Draft {
    Draft { code: None, approval: Some("privileged".into()), ..draft(name, account) }
}

/// A batch of `acme`; its drafts are numbered in order.
pub(super) fn batch(operation: &str, drafts: Vec<Draft>) -> Batch {
    let numbered = (0..).zip(drafts).map(|(position, draft)| Draft { position, ..draft });
    Batch {
        operation: operation.into(),
        fingerprint: fingerprint(operation),
        parent: "root".into(),
        grants: vec![group("g-help"), role("r-admin")],
        notify: Notify::Internal,
        template: None,
        language: None,
        landing: None,
        metadata: Vec::new(),
        active_limit: None,
        announce: false,
        report_expired: false,
        hold: LONG,
        drafts: numbered.collect(),
        refused: Vec::new(),
    }
}

/// A refused item; the word is that of the reason, where it is one.
pub(super) fn refused_item(position: u32, name: &str, reason: &str) -> RefusedItem {
    let word = Word::of_text(reason).unwrap_or(Word::Other);
    RefusedItem { position, name: name.into(), subject: None, word, reason: reason.into() }
}

pub(super) fn guard(version: u64, states: &[State]) -> Guard {
    Guard { version, states: states.to_vec(), clock: ClockGuard::None }
}

/// A change to a state and nothing else; a claim gets a long lease.
pub(super) fn change(to: State) -> Change {
    Change {
        operation: format!("to-{}", word(to)),
        to,
        lease: (to == State::Accepting).then_some(LONG),
        code: CodeChange::Keep,
        lifetime: LifetimeChange::Keep,
        reason: None,
        word: None,
        adopt: false,
        outcomes: None,
        count_resend: false,
        messages: Vec::new(),
        hold: LONG,
    }
}

/// Resends as the plugin does: a new code, a new e-mail.
pub(super) fn resend(code_name: &str) -> Change {
    Change {
        operation: format!("resend-{code_name}"),
        code: CodeChange::Replace(code(code_name)),
        count_resend: true,
        messages: vec![MessageKind::Invitation],
        ..change(State::Pending)
    }
}

/// Approves as the plugin does.
pub(super) fn approve(code_name: &str, lifetime: Option<u64>) -> Change {
    Change {
        operation: format!("approve-{code_name}"),
        code: CodeChange::Replace(code(code_name)),
        lifetime: LifetimeChange::Restart(lifetime),
        messages: vec![MessageKind::Invitation],
        ..change(State::Pending)
    }
}

/// A state as it is written in the contract.
pub(super) fn word(state: State) -> &'static str {
    match state {
        State::AwaitingApproval => "awaiting-approval",
        State::Pending => "pending",
        State::Accepting => "accepting",
        State::Accepted => "accepted",
        State::Declined => "declined",
        State::Revoked => "revoked",
        State::Expired => "expired",
        State::Failed => "failed",
    }
}

/// Every row.
pub(super) fn all() -> InvitationFilter {
    InvitationFilter::default()
}

pub(super) fn page(sort: SortKey, limit: u32) -> PageRequest {
    PageRequest { sort, descending: false, after: None, limit }
}
