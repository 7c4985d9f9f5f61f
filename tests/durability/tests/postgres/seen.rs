//! The log that operators see of a server that fails: the cause of each failure, and nothing of anybody.
//!
//! A full disk is not among them: a server of a test's own has no disk of its own. Its state, `53100`, is
//! sorted by a test of the storage crate.

use std::sync::{Arc, Mutex};

use guestlist_contract::{
    host::{Call, Operation, Storage as _},
    storage::{Change, ClockGuard, CodeChange, Guard, LifetimeChange, StoreError, Transitioned},
    types::{HostError, InvitationKey, Principal, State, UserRef},
};
use guestlist_durability::server::{Disk, Fresh, Server};
use guestlist_memory::MemoryHost;
use guestlist_storage::{Database, Invitations, Observer};
use guestlist_testkit::log;

use crate::support::{fresh, impatient, owner};

const WORLD: &str = "
organizations:
  - { id: parent, users: [{ id: u-zoe, name: zoe-canary, email: zoe@canary.example }] }
  - { id: acme, parent: parent, users: [{ id: u-ann, name: ann-canary }], permissions: { u-ann: [all] } }
";

/// None of these is in any line: names, addresses, accounts, and the digest of a code.
const CANARIES: [&str; 5] = ["canary", "zoe", "u-ann", "c0de", "192, 222"];

const UNAVAILABLE: StoreError = StoreError::Host(HostError::Unavailable(None));

/// Code and message of a statement that failed.
type Heard = (Option<String>, String);

struct Desk {
    memory: MemoryHost,
    store: Invitations,
    request: &'static str,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Desk {
    /// A database with one pending invitation of Zoe.
    async fn new(fresh: &Fresh<'_>, request: &'static str) -> Self {
        log();
        let row = crate::support::invitation("acme", "u-zoe").replace("\"system\"", "\"System\"");
        let code = "insert into code values (decode(repeat('c0de', 16), 'hex'), 'acme', 'u-zoe', 1)";
        owner(fresh).await.batch_execute(&(row + code)).await.unwrap();
        let heard = Arc::<Mutex<Vec<_>>>::default();
        let mut options = impatient();
        options.observer = Observer::new({
            let heard = heard.clone();
            move |statement| {
                if let Some(error) = statement.error {
                    heard.lock().unwrap().push((error.code.map(str::to_owned), error.message.to_owned()));
                }
            }
        });
        let memory = MemoryHost::from_yaml(WORLD).unwrap();
        let database = Database::open(&fresh.url, options).await.unwrap();
        let store = database.invitations(Arc::new(database.people()));
        Self { memory, store, request, heard }
    }

    fn call(&self) -> Call {
        let ann = UserRef { organization: "acme".into(), id: "u-ann".into() };
        let mut call = self.memory.call(Operation::Invite, Some("acme"), Principal::User(ann));
        call.context.request_id = self.request.into();
        call
    }

    async fn claim(&self) -> Result<Transitioned, StoreError> {
        let guard = Guard { version: 1, states: vec![State::Pending], clock: ClockGuard::None };
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

    /// The newest warning holds all of these; and nothing that anybody wrote is in the log.
    fn warned(&self, parts: &[&str]) {
        let warnings = log().with(&["WARN", &format!("request_id={:?}", self.request)]);
        let newest = warnings.last().expect("a warning");
        let common =
            ["database=\"postgres\"", "call=\"invite\"", "organization=\"acme\"", "outcome=\"unavailable\""];
        for part in common.iter().chain(parts) {
            assert!(newest.contains(part), "{part}: {newest}");
        }
        for canary in CANARIES {
            let lines = log().with(&[self.request, canary]);
            assert_eq!(lines, [""; 0], "{canary} is in the log");
        }
    }
}

fn key() -> InvitationKey {
    InvitationKey { organization: "acme".into(), id: "u-zoe".into() }
}

#[tokio::test]
async fn seen_a_damaged_row_names_its_column() {
    let fresh = fresh().await;
    let desk = Desk::new(&fresh, "damaged").await;
    owner(&fresh)
        .await
        .batch_execute("update invitation set metadata = '{\"canary\": \"zoe\"}'")
        .await
        .unwrap();
    assert_eq!(desk.store.get(&desk.call(), key()).await, Err(UNAVAILABLE));
    desk.warned(&[
        "operation=\"storage.get\"",
        "failure=\"damaged\"",
        "invitation.metadata",
        "another shape",
    ]);
}

#[tokio::test]
async fn seen_a_change_that_a_trigger_refuses_is_told_with_the_words_of_the_trigger() {
    let fresh = fresh().await;
    let desk = Desk::new(&fresh, "trigger").await;
    // Stricter than this program knows, as a later version may be. Its detail quotes the row.
    let stricter = "create function stricter() returns trigger language plpgsql as $$ begin \
         raise exception using message = 'this change of state is illegal', detail = old.name || ' zoe-canary', \
         hint = 'zoe-canary'; end $$; \
         create trigger stricter before update on invitation for each row \
         when (old.state = 'pending' and new.state = 'accepting') execute function stricter()";
    owner(&fresh).await.batch_execute(stricter).await.unwrap();
    assert_eq!(desk.claim().await, Err(UNAVAILABLE));
    desk.warned(&[
        "operation=\"storage.transition\"",
        "failure=\"refused\"",
        "sqlstate=\"P0001\"",
        "severity=\"ERROR\"",
        "this change of state is illegal",
    ]);
    let heard = desk.heard.lock().unwrap().clone();
    assert_eq!(heard, [(Some("P0001".into()), "this change of state is illegal".into())]);
}

#[tokio::test]
async fn seen_a_row_that_row_level_security_refuses_is_told_with_its_table() {
    let fresh = fresh().await;
    let desk = Desk::new(&fresh, "row-level-security").await;
    let stricter = "create policy stricter on invitation as restrictive for update using (true) \
         with check (state <> 'accepting')";
    owner(&fresh).await.batch_execute(stricter).await.unwrap();
    assert_eq!(desk.claim().await, Err(UNAVAILABLE));
    desk.warned(&[
        "failure=\"refused\"",
        "sqlstate=\"42501\"",
        "violates row-level security policy \\\"stricter\\\" for table \\\"invitation\\\"",
    ]);
}

#[tokio::test]
async fn seen_a_row_that_is_there_already_is_told_by_its_constraint_without_its_values() {
    let fresh = fresh().await;
    let desk = Desk::new(&fresh, "unique").await;
    // The detail of the server is `Key (reason)=(canary: ..) already exists.`
    let unique = crate::support::invitation("acme", "u-yan")
        + "update invitation set reason = 'canary: a reason that somebody wrote' where id = 'u-yan'; \
           create unique index one_reason on invitation (reason)";
    owner(&fresh).await.batch_execute(&unique).await.unwrap();
    assert_eq!(desk.claim().await, Err(UNAVAILABLE));
    desk.warned(&[
        "failure=\"duplicate\"",
        "sqlstate=\"23505\"",
        "schema=\"guestlist\"",
        "table=\"invitation\"",
        "constraint=\"one_reason\"",
        "duplicate key value",
    ]);
}

/// The message itself quotes the value here, not only the detail.
#[tokio::test]
async fn seen_a_value_that_the_server_turns_down_is_not_quoted() {
    let fresh = fresh().await;
    let desk = Desk::new(&fresh, "value").await;
    let quoting = "create function quoting() returns trigger language plpgsql as $$ begin \
         perform new.reason::bigint; return new; end $$; \
         create trigger quoting before update on invitation for each row execute function quoting()";
    owner(&fresh).await.batch_execute(quoting).await.unwrap();
    assert_eq!(desk.claim().await, Err(UNAVAILABLE));
    desk.warned(&["failure=\"refused\"", "sqlstate=\"22P02\"", "a value was turned down"]);
}

#[tokio::test]
async fn seen_who_holds_a_row_for_too_long_is_told_after_each_try() {
    let fresh = fresh().await;
    let desk = Desk::new(&fresh, "in-the-way").await;
    let other = owner(&fresh).await;
    other.batch_execute("begin; select from invitation for update").await.unwrap();
    assert_eq!(desk.claim().await, Err(UNAVAILABLE));
    let again = log().with(&["DEBUG", "event", "request_id=\"in-the-way\"", "tried again"]);
    assert_eq!(again.len(), 4, "{again:?}");
    assert!(again[3].contains("tried=4") && again[3].contains("sqlstate=\"55P03\""), "{again:?}");
    desk.warned(&["failure=\"conflict\"", "sqlstate=\"55P03\"", "lock timeout"]);
    other.batch_execute("rollback").await.unwrap();
    assert!(desk.claim().await.unwrap().applied);
}

#[tokio::test]
async fn seen_a_server_that_is_away_is_told() {
    let server = Server::start(Disk::Lazy).unwrap();
    let fresh = server.fresh().await.unwrap();
    let desk = Desk::new(&fresh, "away").await;
    desk.store.get(&desk.call(), key()).await.unwrap();
    server.stop_immediate().unwrap();
    for _ in 0..2 {
        assert_eq!(desk.claim().await, Err(UNAVAILABLE));
        desk.warned(&["failure=\"away\"", "cause="]);
    }
    // By now there is no connection that was made before.
    desk.warned(&["error connecting to server"]);
    server.start_again().unwrap();
    assert!(desk.claim().await.unwrap().applied);
}
