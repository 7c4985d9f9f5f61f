//! What is SQLite's own: its file, its one writer, and what becomes of both when the machine fails them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use guestlist_connect::GrantRecords as _;
use guestlist_contract::{
    audit::EventKind,
    host::{Call, Operation, Storage as _},
    storage::{
        Batch, Change, ClockGuard, CodeChange, Draft, Guard, Inserted, LifetimeChange, RefusedItem,
        StoreError, Transitioned,
    },
    types::{
        AcceptWith, Grant, GrantKind, HostError, InvitationKey, Notify, Principal, State, Step, Subject,
        UserRef,
    },
};
use guestlist_memory::MemoryHost;
use guestlist_storage::{Clock, Database, Invitations, Kind, Options, StorageError};
use tempfile::TempDir;

const WORLD: &str = "
organizations:
  - { id: root, users: [{ id: u-alice, name: alice, email: alice@example.com }] }
  - { id: acme, parent: root, users: [{ id: u-ann, name: ann }], permissions: { u-ann: [all] } }
";

struct Desk {
    folder: TempDir,
    memory: Arc<MemoryHost>,
    store: Invitations,
}

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

impl Desk {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let memory = Arc::new(MemoryHost::from_yaml(WORLD).unwrap());
        let store = open(&folder, &memory).await;
        Self { folder, memory, store }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("guestlist.db")
    }

    fn admin(&self) -> Call {
        let ann = UserRef { organization: "acme".into(), id: "u-ann".into() };
        self.memory.call(Operation::Invite, Some("acme"), Principal::User(ann))
    }

    async fn claim(&self, store: &Invitations, number: usize) -> Transitioned {
        let guard = Guard { version: 1, states: vec![State::Pending], clock: ClockGuard::BeforeExpiry };
        store.transition(&self.admin(), key(number), guard, to(State::Accepting)).await.unwrap()
    }

    async fn insert(&self, number: usize) -> Result<Inserted, StoreError> {
        let batch = batch(number);
        self.store.insert(&self.admin(), "acme".into(), batch).await?.remove(0)
    }
}

async fn open(folder: &TempDir, memory: &Arc<MemoryHost>) -> Invitations {
    let url = url(&folder.path().join("guestlist.db"));
    Database::open(&url, Options::default()).await.unwrap().invitations(memory.clone())
}

fn key(number: usize) -> InvitationKey {
    InvitationKey { organization: "acme".into(), id: format!("inv-{number}") }
}

/// One pending invitation, of a user of its own.
fn batch(number: usize) -> Batch {
    let mut code = vec![0; 32];
    code[..8].copy_from_slice(&(number as u64).to_be_bytes());
    Batch {
        operation: format!("insert-{number}"),
        fingerprint: vec![1; 32],
        parent: "root".into(),
        grants: vec![Grant { kind: GrantKind::Group, id: "g".into() }],
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
            id: key(number).id,
            subject: Subject::User(UserRef { organization: "root".into(), id: format!("u-{number}") }),
            name: format!("user {number}"),
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

fn to(state: State) -> Change {
    Change {
        operation: format!("to-{state:?}"),
        to: state,
        lease: (state == State::Accepting).then_some(30_000),
        code: CodeChange::Keep,
        lifetime: LifetimeChange::Keep,
        reason: None,
        word: None,
        adopt: false,
        outcomes: None,
        count_resend: false,
        messages: Vec::new(),
        hold: 0,
    }
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart() {
    let desk = Desk::new().await;
    let made = desk.insert(1).await.unwrap();
    assert_eq!((made.state, made.version, made.existed), (State::Pending, 1, false));
    assert!(desk.claim(&desk.store, 1).await.applied);
    let again = open(&desk.folder, &desk.memory).await;
    let row = again.get(&desk.admin(), key(1)).await.unwrap();
    assert_eq!((row.state, row.version, row.claims), (State::Accepting, 2, 1));
    let claimed = desk.claim(&again, 1).await;
    assert!(!claimed.applied, "the guard names a version that is gone");
    assert_eq!(claimed.row, row);
}

#[tokio::test]
async fn of_many_claims_at_once_one_is_applied() {
    let desk = Arc::new(Desk::new().await);
    let other = open(&desk.folder, &desk.memory).await;
    for number in 0..20 {
        desk.insert(number).await.unwrap();
        let claims = (0..8).map(|racer| {
            let (desk, store) =
                (desk.clone(), if racer % 2 == 0 { desk.store.clone() } else { other.clone() });
            tokio::spawn(async move { desk.claim(&store, number).await.applied })
        });
        let mut applied = 0;
        for claim in claims.collect::<Vec<_>>() {
            applied += usize::from(claim.await.unwrap());
        }
        assert_eq!(applied, 1);
    }
}

#[tokio::test]
async fn a_url_that_names_nothing_is_refused() {
    for url in ["", "sqlite:", "mysql://x", "guestlist.db"] {
        let refused = Database::open(url, Options::default()).await;
        assert!(matches!(refused, Err(StorageError::Url(_))), "{url}: {refused:?}");
    }
    let refused = Database::open("mysql://ann:secret@host/db", Options::default()).await;
    assert!(!refused.unwrap_err().to_string().contains("secret"));
}

#[tokio::test]
async fn a_full_file_is_told_and_loses_nothing() {
    let desk = Desk::new().await;
    desk.insert(0).await.unwrap();
    let mut options = Options::default();
    options.most_bytes = Some(1_000_000);
    let small = Database::open(&url(&desk.file()), options).await.unwrap().invitations(desk.memory.clone());
    let mut number = 1;
    let error = loop {
        match small.insert(&desk.admin(), "acme".into(), batch(number)).await {
            Ok(_) => number += 1,
            Err(error) => break error,
        }
        assert!(number < 10_000, "the file grows beyond its limit");
    };
    assert_eq!(error, StoreError::Host(HostError::Unavailable(None)), "nothing was applied, for certain");
    assert_eq!(desk.store.get(&desk.admin(), key(number)).await, Err(StoreError::NotFound));
    assert!(desk.store.get(&desk.admin(), key(number - 1)).await.is_ok(), "what was answered is there");
    desk.insert(number).await.expect("where there is room it works again");
}

/// What a loss of power leaves of the log is some first part of it. The file must be whole with any.
#[tokio::test]
async fn a_log_that_is_cut_off_anywhere_leaves_whole_changes() {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + 4096;
    let desk = Desk::new().await;
    for number in 0..10 {
        desk.insert(number).await.unwrap();
        assert!(desk.claim(&desk.store, number).await.applied);
    }
    let file = desk.file();
    let (data, log) = (std::fs::read(&file).unwrap(), std::fs::read(file.with_extension("db-wal")).unwrap());
    assert!(log.len() > HEADER + 40 * FRAME, "the log was not written back yet");
    let whole = (HEADER..=log.len()).step_by(FRAME);
    // And within frames, at places that differ.
    let cuts = whole.flat_map(|cut| [cut, cut + 1 + cut * 7 % (FRAME - 1)]);
    let mut before = (0, 0);
    for cut in cuts.filter(|cut| *cut <= log.len()) {
        let copy = desk.folder.path().join("copy.db");
        std::fs::write(&copy, &data).unwrap();
        std::fs::write(copy.with_extension("db-wal"), &log[..cut]).unwrap();
        let _ = std::fs::remove_file(copy.with_extension("db-shm"));
        let connection = rusqlite::Connection::open(&copy).unwrap();
        let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap_or(0);
        let intact: String = connection.query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(intact, "ok", "cut at {cut}");
        let rows = one("select count(*) from invitation");
        let claimed = one("select count(*) from invitation where state = 'accepting' and version = 2");
        let events = one("select count(*) from audit");
        assert_eq!(events, rows + claimed, "each change has its event, cut at {cut}");
        assert_eq!(one("select count(*) from code"), rows, "cut at {cut}");
        assert_eq!(one("select count(*) from operation_item"), rows, "cut at {cut}");
        assert_eq!(one("select count(*) from outbox"), rows - claimed, "cut at {cut}");
        assert!((rows, claimed) >= before, "a longer log has more");
        before = (rows, claimed);
    }
    assert_eq!(before, (10, 10), "the whole log has all");
}

#[tokio::test]
async fn two_hosts_that_start_at_once_make_one_schema() {
    let folder = TempDir::new().unwrap();
    let url = url(&folder.path().join("guestlist.db"));
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Database::open(&url, Options::default()).await.map(drop) })
        })
        .collect();
    for start in starts {
        start.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_left_alone() {
    let desk = Desk::new().await;
    let connection = rusqlite::Connection::open(desk.file()).unwrap();
    let next = "insert into migration (version, needs) values (2, 1)";
    connection.execute(next, []).unwrap();
    let url = url(&desk.file());
    // The neighbour of this version gets along with it.
    Database::open(&url, Options::default()).await.unwrap();
    connection.execute("insert into migration (version, needs) values (3, 2)", []).unwrap();
    let refused = Database::open(&url, Options::default()).await;
    assert!(matches!(refused, Err(StorageError::Newer { found: 3, needs: 2, own: 1 })), "{refused:?}");
}

#[tokio::test]
async fn what_is_no_database_is_told() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(
        &file,
        "these are notes, and not a few of them, of no interest to a database at all\n".repeat(9),
    )
    .unwrap();
    for path in [file.as_path(), folder.path(), &folder.path().join("no/such/folder.db")] {
        let refused = Database::open(&url(path), Options::default()).await;
        let told = refused.expect_err("it is no database").to_string();
        assert!(told.contains(&path.display().to_string()), "{told}");
    }
}

/// Codes are nowhere, and what was deleted is overwritten.
#[tokio::test]
async fn the_file_forgets_what_was_deleted() {
    let desk = Desk::new().await;
    let mut named = batch(1);
    named.drafts[0].name = "a name that nobody else has".into();
    desk.store.insert(&desk.admin(), "acme".into(), named).await.unwrap();
    let row = desk.store.get(&desk.admin(), key(1)).await.unwrap();
    let guard = Guard { version: row.version, states: vec![State::Pending], clock: ClockGuard::None };
    desk.store.transition(&desk.admin(), key(1), guard, to(State::Revoked)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let sweep = desk.memory.call(Operation::Sweep, Some("acme"), Principal::System);
    assert_eq!(desk.store.purge(&sweep, "acme".into(), 0, 10).await, Ok(1));
    let connection = rusqlite::Connection::open(desk.file()).unwrap();
    connection.execute_batch("pragma wal_checkpoint(truncate)").unwrap();
    let bytes = std::fs::read(desk.file()).unwrap();
    let found = bytes.windows(27).any(|window| window == b"a name that nobody else has");
    assert!(!found, "the name is still in the file");
}

#[tokio::test]
async fn a_file_says_that_it_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    options.clock = Clock::Moved(Arc::new(|| 10_000));
    let database = Database::open(&url(&folder.path().join("store.db")), options).await.unwrap();
    let health = database.check().await.unwrap();
    assert_eq!((health.kind, health.schema, health.now), (Kind::Sqlite, 1, 10_000));
}

#[tokio::test]
async fn a_file_without_its_keys_is_not_well() {
    let desk = Desk::new().await;
    let database = Database::open(&url(&desk.file()), Options::default()).await.unwrap();
    let connection = rusqlite::Connection::open(desk.file()).unwrap();
    connection.execute("delete from secret where name = 'names'", []).unwrap();
    let told = database.check().await.unwrap_err().to_string();
    assert!(told.contains("the key of names is missing"), "{told}");
}

/// Of a host whose organizations are elsewhere.
#[tokio::test]
async fn a_host_says_itself_where_invitations_may_lead() {
    let desk = Desk::new().await;
    let leading = |number: usize| Batch { landing: Some("https://app.example/in".into()), ..batch(number) };
    let refused = desk.store.insert(&desk.admin(), "acme".into(), leading(1)).await;
    assert!(matches!(refused, Err(StoreError::Host(HostError::Invalid(_)))), "{refused:?}");
    let store = desk.store.clone().with_landings(|organization| match organization {
        "acme" => vec!["https://app.example".into()],
        _ => Vec::new(),
    });
    store.insert(&desk.admin(), "acme".into(), leading(1)).await.unwrap().remove(0).unwrap();
}

/// The events of a name can be found by whoever has the key.
#[tokio::test]
async fn digests_of_names_are_made_with_the_key_that_was_given() {
    let folder = TempDir::new().unwrap();
    let memory = Arc::new(MemoryHost::from_yaml(WORLD).unwrap());
    let mut options = Options::default();
    options.name_key = Some([9; 32]);
    let database = Database::open(&url(&folder.path().join("names.db")), options).await.unwrap();
    let desk = Desk { folder, memory: memory.clone(), store: database.invitations(memory) };
    let (subject, word) = (None, guestlist_contract::audit::Word::NotAParentUser);
    let item =
        RefusedItem { position: 1, name: "Zoe".into(), subject, word, reason: "not-a-parent-user".into() };
    let request = Batch { refused: vec![item], ..batch(1) };
    desk.store.insert(&desk.admin(), "acme".into(), request).await.unwrap();
    let names: Vec<_> =
        database.dump().await.unwrap().audit.into_iter().filter_map(|event| event.name).collect();
    assert_eq!(names, [guestlist_contract::trail::name_digest(&[9; 32], "zoe")]);
}

/// A database as the first schema's programs made it.
const SCHEMA_1: &str = include_str!("../fixtures/sqlite-1.sql");

#[tokio::test]
async fn a_database_of_every_earlier_schema_is_migrated_with_all_that_it_has() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("old.db");
    rusqlite::Connection::open(&file).unwrap().execute_batch(SCHEMA_1).unwrap();
    let database = Database::open(&url(&file), Options::default()).await.unwrap();
    let world = database.dump().await.unwrap();
    let states: Vec<_> = world.tenants["acme"].rows.values().map(|row| row.invitation.state).collect();
    assert_eq!(states.iter().filter(|state| **state == State::Accepted).count(), 1);
    assert_eq!(states.iter().filter(|state| **state == State::Pending).count(), 2);
    assert!(world.tenants["acme"].rows.values().all(|row| row.codes.len() == 1));
    assert_eq!(world.tenants["acme"].applied.values().map(|log| log.steps.len()).sum::<usize>(), 3);
    assert!(world.audit.iter().any(|event| event.kind == EventKind::InvitationAccepted));
    let grants = database.grant_records();
    let watched = grants.watched("acme", 10).await.unwrap();
    let found: Vec<_> = watched.iter().map(|record| (record.to.user.id.as_str(), &record.step)).collect();
    let help = Step::Grant(Grant { kind: GrantKind::Group, id: "g-help".into() });
    assert_eq!(found, [("u-carol", &help)]);
    assert!(grants.read("acme", &watched[0].to.invitation).await.unwrap().closed);
    // What has come of it is what a new database is.
    Database::open(&url(&folder.path().join("new.db")), Options::default()).await.unwrap();
    assert_eq!(schema(&file), schema(&folder.path().join("new.db")));
}

/// What a database is made of.
fn schema(file: &Path) -> Vec<(String, String)> {
    let connection = rusqlite::Connection::open(file).unwrap();
    let sql = "select name, sql from sqlite_master where sql is not null order by name";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}
