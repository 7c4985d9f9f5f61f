//! The log that operators see of an SQLite file that fails: the cause of each failure, and nothing of anybody.
//!
//! A file that is moved away stays open, and a new one that cannot be opened is told by `Database::open`
//! itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use guestlist_contract::{
    host::{Call, Operation, Storage as _},
    storage::{
        Batch, Change, ClockGuard, CodeChange, Draft, Guard, Inserted, LifetimeChange, StoreError,
        Transitioned,
    },
    types::{AcceptWith, HostError, InvitationKey, Notify, Principal, State, Subject, UserRef},
};
use guestlist_memory::MemoryHost;
use guestlist_storage::{Database, Invitations, Observer, Options};
use guestlist_testkit::log;
use tempfile::TempDir;

const WORLD: &str = "
organizations:
  - { id: root, users: [{ id: u-zoe, name: zoe-canary, email: zoe@canary.example }] }
  - { id: acme, parent: root, users: [{ id: u-ann, name: ann-canary }], permissions: { u-ann: [all] } }
";

/// None of these is in any line: names, addresses, accounts, and the digest of a code as text or as numbers.
const CANARIES: [&str; 6] = ["canary", "zoe", "u-ann", "CODE-DIGEST", "67, 79, 68", "434f4445"];

const CODE: &[u8; 32] = b"CODE-DIGEST of thirty-two bytes.";

const UNAVAILABLE: StoreError = StoreError::Host(HostError::Unavailable(None));

/// Code and message of a statement that failed.
type Heard = (Option<String>, String);

struct Desk {
    folder: TempDir,
    memory: Arc<MemoryHost>,
    store: Invitations,
    /// The request id of all its calls: the tests of this process write one log.
    request: &'static str,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Desk {
    /// A file with one pending invitation of Zoe.
    async fn new(request: &'static str) -> Self {
        log();
        let folder = TempDir::new().unwrap();
        let memory = Arc::new(MemoryHost::from_yaml(WORLD).unwrap());
        let heard = Arc::<Mutex<Vec<_>>>::default();
        let mut options = Options::default();
        options.patience = Duration::from_millis(20);
        options.observer = Observer::new({
            let heard = heard.clone();
            move |statement| {
                if let Some(error) = statement.error {
                    assert_eq!(statement.rows, None);
                    heard.lock().unwrap().push((error.code.map(str::to_owned), error.message.to_owned()));
                }
            }
        });
        let store = Self::open(&folder, &memory, options).await;
        let desk = Self { folder, memory, store, request, heard };
        desk.insert(&desk.store, "first", "u-zoe").await.unwrap();
        desk
    }

    async fn open(folder: &TempDir, memory: &Arc<MemoryHost>, options: Options) -> Invitations {
        let url = format!("sqlite:{}", folder.path().join("guestlist.db").display());
        Database::open(&url, options).await.unwrap().invitations(memory.clone())
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("guestlist.db")
    }

    /// A connection of somebody who edits the file by hand.
    fn by_hand(&self, sql: &str) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.file()).unwrap();
        connection.execute_batch(sql).unwrap();
        connection
    }

    fn call(&self) -> Call {
        let ann = UserRef { organization: "acme".into(), id: "u-ann".into() };
        let mut call = self.memory.call(Operation::Invite, Some("acme"), Principal::User(ann));
        call.context.request_id = self.request.into();
        call
    }

    async fn insert(&self, store: &Invitations, id: &str, subject: &str) -> Result<Inserted, StoreError> {
        let draft = Draft {
            position: 0,
            id: id.into(),
            subject: Subject::User(UserRef { organization: "root".into(), id: subject.into() }),
            name: format!("{subject}-canary"),
            grants: None,
            lifetime: Some(3_600_000),
            accept_with: AcceptWith::Invitee,
            code: Some(if id == "first" { CODE.to_vec() } else { format!("{id:->32}").into_bytes() }),
            approval: None,
            replaces: None,
        };
        let batch = Batch {
            operation: format!("{id}-{subject}"),
            fingerprint: vec![1; 32],
            parent: "root".into(),
            grants: Vec::new(),
            notify: Notify::Internal,
            template: None,
            language: None,
            landing: None,
            metadata: Vec::new(),
            active_limit: None,
            announce: false,
            report_expired: false,
            hold: 1_000,
            drafts: vec![draft],
            refused: Vec::new(),
        };
        store.insert(&self.call(), "acme".into(), batch).await?.remove(0)
    }

    async fn claim(&self) -> Result<Transitioned, StoreError> {
        let guard = Guard { version: 1, states: vec![State::Pending], clock: ClockGuard::BeforeExpiry };
        let change = Change {
            operation: "claim".into(),
            to: State::Accepting,
            lease: Some(30_000),
            code: CodeChange::Keep,
            lifetime: LifetimeChange::Keep,
            reason: Some("canary: a reason that somebody wrote".into()),
            word: None,
            adopt: false,
            outcomes: None,
            count_resend: false,
            messages: Vec::new(),
            hold: 0,
        };
        self.store.transition(&self.call(), key(), guard, change).await
    }

    /// The only warning, which holds all of these; and nothing that anybody wrote is in the log.
    fn warned(&self, parts: &[&str]) {
        let request = format!("request_id={:?}", self.request);
        let warnings = log().with(&["WARN", &request]);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        for part in [
            "database=\"sqlite\"",
            "call=\"invite\"",
            "organization=\"acme\"",
            "outcome=\"unavailable\"",
            "rolled back",
        ] {
            assert!(warnings[0].contains(part), "{part}: {warnings:?}");
        }
        for part in parts {
            assert!(warnings[0].contains(part), "{part}: {warnings:?}");
        }
        for canary in CANARIES {
            assert!(!log().holds(canary), "{canary} is in the log");
        }
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

fn key() -> InvitationKey {
    InvitationKey { organization: "acme".into(), id: "first".into() }
}

#[tokio::test]
async fn an_operation_is_a_span_and_what_goes_well_is_no_event() {
    let desk = Desk::new("went-well").await;
    assert!(desk.claim().await.unwrap().applied);
    let lines = log().with(&["request_id=\"went-well\""]);
    let spans = log().with(&["DEBUG", "span storage", "request_id=\"went-well\""]);
    assert_eq!(lines, spans);
    for operation in ["secret", "storage.insert", "storage.transition"] {
        assert!(spans.iter().any(|span| span.contains(&format!("operation={operation:?}"))), "{spans:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_by_its_case_to_who_looks_closely() {
    let desk = Desk::new("refused-as-usual").await;
    let key = InvitationKey { id: "no-such-canary".into(), ..key() };
    let guard = Guard { version: 1, states: vec![State::Pending], clock: ClockGuard::None };
    let change = Change { operation: "x".into(), to: State::Revoked, ..change() };
    assert_eq!(desk.store.transition(&desk.call(), key, guard, change).await, Err(StoreError::NotFound));
    let told = log().with(&["event", "request_id=\"refused-as-usual\""]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("DEBUG") && told[0].contains("outcome=\"not-found\""), "{told:?}");
    assert!(!log().holds("no-such-canary"));
}

fn change() -> Change {
    Change {
        operation: String::new(),
        to: State::Revoked,
        lease: None,
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
async fn a_damaged_row_names_its_column() {
    for (request, column, value, cause) in [
        ("damaged-cut", "grants", "'[{\"canary\"'", "ends too early"),
        ("damaged-shape", "metadata", "'{\"zoe\": \"canary\"}'", "another shape"),
        ("damaged-word", "mail", "'canary'", "no word for the state of a mail"),
        ("damaged-type", "claims", "-1", "a number that does not belong there"),
    ] {
        let desk = Desk::new(request).await;
        desk.by_hand(&format!("update invitation set {column} = {value}"));
        assert_eq!(desk.store.get(&desk.call(), key()).await, Err(UNAVAILABLE));
        let column = format!("invitation.{column}");
        desk.warned(&["operation=\"storage.get\"", "failure=\"damaged\"", &column, cause]);
    }
}

/// The rules of the file can be stricter than the program knows: as those of a later version.
#[tokio::test]
async fn a_change_that_a_trigger_refuses_is_told_with_the_words_of_the_trigger() {
    let desk = Desk::new("trigger").await;
    desk.by_hand(
        "create trigger stricter before update on invitation \
         when old.state = 'pending' and new.state = 'accepting' \
         begin select raise(abort, 'this change of state is illegal'); end",
    );
    assert_eq!(desk.claim().await, Err(UNAVAILABLE));
    desk.warned(&[
        "operation=\"storage.transition\"",
        "failure=\"refused\"",
        "sqlite_code=\"1811\"",
        "this change of state is illegal",
    ]);
    assert_eq!(desk.heard(), [(Some("1811".into()), "this change of state is illegal".into())]);
}

#[tokio::test]
async fn a_row_that_is_there_already_is_told_by_its_index() {
    let desk = Desk::new("unique").await;
    desk.insert(&desk.store, "second", "u-yan").await.unwrap();
    // Stricter than this program knows, as a later version may be.
    desk.by_hand(
        "update invitation set reason = 'canary: a reason that somebody wrote' where id = 'second'; \
         create unique index one_reason on invitation (reason)",
    );
    assert_eq!(desk.claim().await, Err(UNAVAILABLE));
    desk.warned(&[
        "failure=\"duplicate\"",
        "sqlite_code=\"2067\"",
        "UNIQUE constraint failed: invitation.reason",
    ]);
}

#[tokio::test]
async fn who_holds_the_file_for_too_long_is_told_after_each_try() {
    let desk = Desk::new("busy").await;
    let other = desk.by_hand("begin immediate");
    assert_eq!(desk.claim().await, Err(UNAVAILABLE));
    let again = log().with(&["DEBUG", "event", "request_id=\"busy\"", "tried again"]);
    assert_eq!(again.len(), 4, "{again:?}");
    assert!(again[3].contains("tried=4") && again[3].contains("sqlite_code=\"5\""), "{again:?}");
    desk.warned(&["failure=\"conflict\"", "sqlite_code=\"5\"", "database is locked"]);
    other.execute_batch("rollback").unwrap();
    assert!(desk.claim().await.unwrap().applied);
}

#[tokio::test]
async fn a_full_disk_is_told() {
    let desk = Desk::new("full").await;
    let mut options = Options::default();
    options.most_bytes = Some(600_000);
    let small = Desk::open(&desk.folder, &desk.memory, options).await;
    let mut number = 0;
    let error = loop {
        match desk.insert(&small, &format!("n-{number}"), &format!("u-{number}")).await {
            Ok(_) => number += 1,
            Err(error) => break error,
        }
        assert!(number < 10_000, "the file grows beyond its limit");
    };
    assert_eq!(error, UNAVAILABLE);
    desk.warned(&["failure=\"unwritable\"", "sqlite_code=\"13\"", "database or disk is full"]);
}

#[tokio::test]
async fn a_file_that_somebody_wrote_over_is_told() {
    let desk = Desk::new("overwritten").await;
    drop(desk.by_hand("pragma wal_checkpoint(truncate)"));
    let length = std::fs::metadata(desk.file()).unwrap().len();
    std::fs::write(desk.file(), "zoe-canary ".repeat(length as usize / 11)).unwrap();
    assert_eq!(desk.claim().await, Err(UNAVAILABLE));
    desk.warned(&["failure=\"damaged\""]);
}
