//! A host in memory and one with a database, side by side in one world.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use guestlist_contract::{
    host::{Call, Host, Operation},
    storage::{Batch, Change, ClockGuard, CodeChange, Draft, Guard, LifetimeChange},
    types::{AcceptWith, Grant, GrantKind, InvitationKey, Notify, Principal, State, Subject, UserRef},
};
use guestlist_memory::{EventError, MemoryHost, Realm};
use guestlist_storage::{Administration, AdministrationError, Clock, Database, Options};
use serde_json::{Value, json};

use super::somewhere::{self, Kept};

/// The world of `guestlist_memory`'s own tests, with names and addresses that are hard to tell apart.
pub const WORLD: &str = r#"
clock: 2026-03-02T09:00:00Z
organizations:
  - id: root
    name: Root Inc
    stores: [silent]
    users:
      - { id: u-alice, name: alice, email: alice@example.com }
      - { id: u-bob, name: bob, store: SECONDARY, email: bob@example.com }
      - { id: u-bob2, name: Bob, email: BOB@example.com }
      - { id: u-bob3, name: bob.three, email: bob@example.com }
      - { id: u-carl, name: carl, active: false, email: carl@evil-example.com }
      - { id: u-dora, name: dora@example.com, email: dora@example.org }
      - { id: u-dora2, name: dora2, email: dora@example.com }
      - { id: u-gus, name: gus.guest, resident: partner/u-gus0 }
      - { id: u-namesake, name: ANN, email: namesake@example.com }
    roles:
      - { id: r-lead, name: Lead, members: [u-alice, u-gus] }
  - id: acme
    name: Acme
    parent: root
    users:
      - { id: u-ann, name: ann, email: ann@acme.example }
      - { id: u-deputy, name: deputy }
    groups:
      - { id: g-help, name: Help desk, members: [u-ann] }
      - { id: g-own, name: Own, grantable-by: [u-deputy, "client:hr"] }
    roles:
      - { id: r-admin, name: Administrator, receivable-by: [r-lead] }
    permissions: { u-ann: [all], u-deputy: [view], "client:hr": [invite], u-carl: [invite] }
    settings: { address-domains: [example.com], lifetime: 1h, landings: ["https://app.example/start"] }
  - id: globex
    parent: root
    state: disabled
    users: [{ id: u-gina, name: gina }]
    permissions: { u-gina: [all] }
  - id: partner
    users: [{ id: u-gus0, name: gus, email: gus@partner.example }]
"#;

/// A database of one test alone.
pub struct Place {
    pub kept: Kept,
    url: String,
    options: Options,
}

impl Place {
    pub async fn new(clock: Clock) -> Self {
        let (url, kept) = somewhere::new().await;
        let mut options = Options::default();
        options.clock = clock;
        options.connections = 3;
        // Tests run at the same time.
        options.patience = Duration::from_secs(30);
        options.statement = Duration::from_secs(60);
        Self { kept, url, options }
    }

    /// As one more process has it.
    pub async fn open(&self) -> Database {
        Database::open(&self.url, self.options.clone()).await.unwrap()
    }
}

/// Both hosts.
pub struct Both {
    pub memory: Arc<MemoryHost>,
    pub database: Database,
    pub place: Place,
}

impl Both {
    pub async fn new() -> Self {
        let memory = Arc::new(MemoryHost::from_yaml(WORLD).unwrap());
        let time = memory.clone();
        let place = Place::new(Clock::Moved(Arc::new(move || time.store_now()))).await;
        let database = place.open().await;
        database.load(&memory.realm()).await.unwrap();
        Self { memory, database, place }
    }

    /// An invitation of acme, `inv-a`, for somebody.
    pub async fn invite(&self, user: UserRef) {
        let call = self.memory.call(Operation::Invite, Some("acme"), ann());
        for host in self.hosts() {
            let batch = batch("inv-a", user.clone());
            host.storage.insert(&call, "acme".into(), batch).await.unwrap().remove(0).unwrap();
        }
    }

    /// Takes `inv-a` from one state to another.
    pub async fn go(&self, version: u64, from: State, to: State) {
        let call = self.memory.call(Operation::Sweep, Some("acme"), Principal::System);
        for host in self.hosts() {
            let guard = Guard { version, states: vec![from], clock: ClockGuard::None };
            let done = host.storage.transition(&call, key("inv-a"), guard, change(to)).await.unwrap();
            assert!(done.applied);
        }
    }

    pub fn hosts(&self) -> [Host; 2] {
        let memory = self.memory.clone().host();
        [memory.clone(), self.database.host(memory)]
    }

    pub fn administration(&self) -> Administration {
        self.database.administration()
    }

    /// Asks both, with the same call.
    pub async fn ask<T: PartialEq + Debug, F: Future<Output = T>>(
        &self,
        call: &Call,
        ask: impl Fn(Host, Arc<Call>) -> F,
    ) -> T {
        let [memory, database] = self.hosts();
        let (one, other) = (ask(memory, copy(call)).await, ask(database, copy(call)).await);
        assert_eq!(one, other, "in memory first, then from the database");
        one
    }

    /// What both were told of a change.
    pub fn same(in_memory: Result<(), EventError>, in_database: Result<(), AdministrationError>) -> bool {
        let told = |error: AdministrationError| match error {
            AdministrationError::Impossible(error) => error,
            other => panic!("{other}"),
        };
        assert_eq!(in_memory, in_database.map_err(told));
        in_memory.is_ok()
    }

    /// Whether all that is stored is the same.
    pub async fn compare(&self) {
        compare(&self.memory.realm(), &self.database.dump().await.unwrap());
    }
}

/// The same call, for another host: what was found in it is found in the other's.
fn copy(call: &Call) -> Arc<Call> {
    let copied = Call::new(call.operation, call.context.clone());
    call.found().iter().for_each(|key| copied.admit(key));
    Arc::new(copied)
}

/// Two worlds, apart from what is each host's own: ids of guests, time, and the order of messages and
/// operations.
pub fn compare(one: &Realm, other: &Realm) {
    assert_eq!(plain(one), plain(other));
}

fn plain(realm: &Realm) -> Value {
    let mut realm = realm.clone();
    for (id, place) in &mut realm.organizations {
        let people = std::mem::take(&mut place.people);
        for (local, person) in people {
            let is_guest = person.account.organization != *id;
            let name = format!("guest {}/{}", person.account.organization, person.account.id);
            place.people.insert(if is_guest { name } else { local }, person);
        }
        let guests = place.spent.iter().filter(|id| id.starts_with("guest-")).count();
        place.spent.retain(|id| !id.starts_with("guest-"));
        place.spent.insert(format!("{guests} guests"));
    }
    realm.tenants.retain(|_, tenant| {
        tenant.outbox.sort_by_key(|entry| (entry.invitation.clone(), format!("{:?}", entry.kind)));
        tenant.operations.sort_by_key(|known| (format!("{:?}", known.caller), known.operation.clone()));
        !(tenant.rows.is_empty() && tenant.operations.is_empty() && tenant.applied.is_empty())
    });
    // Each host has a key of its own for the digests of names: the same name has the same number.
    let mut names = Vec::new();
    for name in realm.audit.iter_mut().filter_map(|event| event.name.as_mut()) {
        let number = names.iter().position(|known| known == name).unwrap_or_else(|| {
            names.push(name.clone());
            names.len() - 1
        });
        *name = vec![u8::try_from(number).unwrap()];
    }
    let mut json = serde_json::to_value(realm).unwrap();
    json["clock"] = json!(null);
    json["entropy"] = json!(null);
    json
}

pub fn user(organization: &str, id: &str) -> UserRef {
    UserRef { organization: organization.into(), id: id.into() }
}

pub fn alice() -> UserRef {
    user("root", "u-alice")
}

pub fn ann() -> Principal {
    Principal::User(user("acme", "u-ann"))
}

pub fn group(id: &str) -> Grant {
    Grant { kind: GrantKind::Group, id: id.into() }
}

pub fn role(id: &str) -> Grant {
    Grant { kind: GrantKind::Role, id: id.into() }
}

pub fn key(id: &str) -> InvitationKey {
    InvitationKey { organization: "acme".into(), id: id.into() }
}

/// Makes one pending invitation, with a code that follows from its id.
pub fn batch(id: &str, user: UserRef) -> Batch {
    let mut code = vec![0; 32];
    code[..id.len()].copy_from_slice(id.as_bytes());
    Batch {
        operation: format!("insert-{id}"),
        fingerprint: vec![1; 32],
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
        drafts: vec![Draft {
            position: 0,
            id: id.into(),
            subject: Subject::User(user),
            name: format!("name-{id}"),
            grants: None,
            lifetime: Some(3_600_000),
            accept_with: AcceptWith::Invitee,
            code: Some(code),
            approval: None,
            replaces: None,
        }],
        refused: Vec::new(),
    }
}

pub fn change(to: State) -> Change {
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

/// The YAML files of worlds in this repository, by path.
pub fn world_files() -> BTreeMap<PathBuf, String> {
    let has_worlds = |folder: &&Path| folder.join("tests/scenarios/worlds").is_dir();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(has_worlds).unwrap();
    let worlds = std::fs::read_dir(root.join("tests/scenarios/worlds")).unwrap();
    let mut files: Vec<_> = worlds.map(|entry| entry.unwrap().path()).collect();
    files.push(root.join("tests/model/src/world.yaml"));
    files.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}
