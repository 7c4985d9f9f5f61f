//! Tests what the in-memory host promises, rule by rule.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod adopting;
mod codes;
mod configuring;
mod directory;
mod dismissing;
mod growth;
mod inserting;
mod mail;
mod membership;
mod outbox;
mod paging;
mod rows;
mod trail;
mod transitions;
mod turns;
mod whole;
mod world;
mod writing;

use super::MemoryHost;
use guestlist_contract::{
    audit::Word,
    host::{Call, Operation, Storage as _},
    storage::{
        Batch, Change, ClockGuard, CodeChange, Draft, Guard, Inserted, LifetimeChange, RefusedItem,
        StoreError, Transitioned,
    },
    types::{
        AcceptWith, Grant, GrantKind, HostError, Invitation, InvitationKey, Notify, Principal, State,
        Subject, UserRef,
    },
};

/// `acme` and `globex` are children of `root`; ann administers acme and is resident there.
const WORLD: &str = r#"
clock: 2026-03-02T09:00:00Z
seed: 7
organizations:
  - id: root
    name: Root Inc
    users:
      - { id: u-alice, name: alice, email: alice@example.com }
      - { id: u-bob, name: bob, store: SECONDARY, email: bob@example.com }
      - { id: u-carl, name: carl, active: false }
      - { id: u-gus, name: gus.guest, resident: partner/u-gus0 }
    roles:
      - { id: r-lead, name: Lead, members: [u-alice] }
  - id: acme
    name: Acme
    parent: root
    users:
      - { id: u-ann, name: ann, email: ann@acme.example }
      - { id: u-deputy, name: deputy }
    groups:
      - { id: g-help, name: Help desk }
      - { id: g-own, name: Own, grantable-by: [u-deputy] }
    roles:
      - { id: r-admin, name: Administrator, receivable-by: [r-lead] }
    permissions: { u-ann: [all], u-deputy: [view], "client:hr": [invite] }
  - id: globex
    parent: root
    users: [{ id: u-gina, name: gina }]
    permissions: { u-gina: [all] }
  - id: partner
    users: [{ id: u-gus0, name: gus, email: gus@partner.example }]
"#;

/// The lifetime of the invitations that the tests make.
const HOUR: u64 = 3_600_000;

fn host() -> MemoryHost {
    MemoryHost::from_yaml(WORLD).unwrap()
}

fn user(organization: &str, id: &str) -> UserRef {
    UserRef { organization: organization.into(), id: id.into() }
}

fn alice() -> UserRef {
    user("root", "u-alice")
}

fn bob() -> UserRef {
    user("root", "u-bob")
}

fn person(account: UserRef) -> Principal {
    Principal::User(account)
}

fn ann() -> Principal {
    person(user("acme", "u-ann"))
}

/// A call of acme's administrator.
fn admin(host: &MemoryHost) -> Call {
    host.call(Operation::Invite, Some("acme"), ann())
}

fn sweep(host: &MemoryHost) -> Call {
    host.call(Operation::Sweep, Some("acme"), Principal::System)
}

/// A call of somebody from their own dashboard.
fn dashboard(host: &MemoryHost, who: UserRef) -> Call {
    host.call(Operation::Accept, None, person(who))
}

fn key(id: &str) -> InvitationKey {
    InvitationKey { organization: "acme".into(), id: id.into() }
}

fn group(id: &str) -> Grant {
    Grant { kind: GrantKind::Group, id: id.into() }
}

fn role(id: &str) -> Grant {
    Grant { kind: GrantKind::Role, id: id.into() }
}

fn digest(byte: u8) -> Vec<u8> {
    vec![byte; 32]
}

/// A pending invitation of `account` for an hour, whose code has `code` as its digest.
fn draft(position: u32, id: &str, account: UserRef, code: u8) -> Draft {
    Draft {
        position,
        id: id.into(),
        subject: Subject::User(account),
        name: format!("name-{id}"),
        grants: None,
        lifetime: Some(HOUR),
        accept_with: AcceptWith::Invitee,
        code: Some(digest(code)),
        approval: None,
        replaces: None,
    }
}

fn awaiting(position: u32, id: &str, account: UserRef) -> Draft {
    Draft { code: None, approval: Some("privileged".into()), ..draft(position, id, account, 0) }
}

fn batch(operation: &str, drafts: Vec<Draft>) -> Batch {
    Batch {
        operation: operation.into(),
        fingerprint: digest(1),
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
        hold: 1_000,
        drafts,
        refused: Vec::new(),
    }
}

fn refused(position: u32, name: &str, word: Word) -> RefusedItem {
    RefusedItem { position, name: name.into(), subject: None, word, reason: word.text().into() }
}

async fn insert(host: &MemoryHost, draft: Draft) -> Result<Inserted, StoreError> {
    let operation = format!("insert-{}", draft.id);
    let call = admin(host);
    host.insert(&call, "acme".into(), batch(&operation, vec![draft])).await.unwrap().remove(0)
}

/// `inv-a`, for alice, with code 10.
async fn invited() -> MemoryHost {
    let host = host();
    insert(&host, draft(0, "inv-a", alice(), 10)).await.unwrap();
    host
}

fn guard(version: u64, state: State) -> Guard {
    Guard { version, states: vec![state], clock: ClockGuard::None }
}

fn change(to: State) -> Change {
    Change {
        operation: format!("to-{to:?}"),
        to,
        lease: (to == State::Accepting).then_some(30_000),
        code: CodeChange::Keep,
        lifetime: LifetimeChange::Keep,
        reason: None,
        word: None,
        adopt: false,
        outcomes: None,
        count_resend: false,
        messages: Vec::new(),
        hold: 1_000,
    }
}

async fn go(host: &MemoryHost, id: &str, to: State) -> Result<Invitation, StoreError> {
    go_with(host, id, change(to)).await
}

/// A change whose guard fits the stored row.
async fn go_with(host: &MemoryHost, id: &str, change: Change) -> Result<Invitation, StoreError> {
    let row = stored(host, id);
    let call = admin(host);
    applied(host.transition(&call, key(id), guard(row.version, row.state), change).await)
}

/// The changed row; a guard that did not hold is an error here.
fn applied(answer: Result<Transitioned, StoreError>) -> Result<Invitation, StoreError> {
    let stale = || StoreError::Other("stale".into());
    answer.and_then(|done| if done.applied { Ok(done.row) } else { Err(stale()) })
}

/// The row as it is stored.
fn stored(host: &MemoryHost, id: &str) -> Invitation {
    let rows = host.snapshot().invitations;
    rows.into_iter().map(|row| row.invitation).find(|row| row.key.id == id).expect("the row is there")
}

fn events(host: &MemoryHost) -> Vec<String> {
    host.audit().into_iter().map(|event| event.text().to_owned()).collect()
}

fn is_denied<T: std::fmt::Debug>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Host(HostError::Denied(_))))
}

fn is_invalid<T: std::fmt::Debug>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Host(HostError::Invalid(_))))
}

fn is_stale<T: std::fmt::Debug>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Other(text)) if text == "stale")
}
