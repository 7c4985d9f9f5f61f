//! A server with a world of its own, on a port of its own, with a clock that a test moves.

use std::{
    net::SocketAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use guestlist_contract::types::{Principal, UserRef};
use guestlist_mail::{Folder, Kept};
use guestlist_memory::MemoryHost;
use guestlist_server::{Config, Server, config::Compatibility, secret};
use guestlist_storage::{Accounts, Actor, Clock, Database, NewToken, Options};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::http::{Answer, Ask};

/// All servers run here, so that one can serve several tests.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap());

/// Runs a test to its end.
pub fn run<F: Future>(test: F) -> F::Output {
    RUNTIME.block_on(test)
}

pub const HOUR: u64 = 3_600_000;
pub const DAY: u64 = 24 * HOUR;

/// A server, and everything that it has.
pub struct Place {
    pub config: Config,
    pub database: Database,
    pub accounts: Accounts,
    clock: Arc<AtomicU64>,
    server: Option<Server>,
    folder: TempDir,
}

/// Who does what a test prepares.
pub fn actor() -> Actor {
    Actor { who: Principal::System, request_id: String::new(), operation: "first-start".into() }
}

pub fn user(organization: &str, id: &str) -> UserRef {
    UserRef { organization: organization.into(), id: id.into() }
}

impl Place {
    /// Starts a server with this world, whose organizations are called by their ids.
    pub async fn start(world: &str, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
        let clock = Arc::new(AtomicU64::new(u64::try_from(now).unwrap()));
        let mut config = Config {
            public_url: Some("https://id.example".parse().unwrap()),
            database: format!("sqlite:{}", folder.path().join("guestlist.db").display()),
            ..Config::default()
        };
        config.listen.http = Some("127.0.0.1:0".parse().unwrap());
        config.listen.metrics = None;
        config.mail.folder = Some(folder.path().join("mailbox"));
        config.mail.from = Some("guestlist@id.example".into());
        change(&mut config);
        let options = options(&clock);
        Database::migrate(&config.database, &options).await.unwrap();
        let database = Database::open(&config.database, options).await.unwrap();
        let realm = MemoryHost::from_yaml(world).unwrap_or_else(|error| panic!("{error}")).realm();
        database.load(&realm).await.unwrap();
        let accounts = database.accounts();
        for id in realm.organizations.keys() {
            accounts.set_handle(&actor(), id, id).await.unwrap();
        }
        let mut place = Self { config, database, accounts, clock, server: None, folder };
        place.begin().await;
        place
    }

    /// Starts the server (again).
    pub async fn begin(&mut self) {
        let options = options(&self.clock);
        self.server = Some(Server::start_with(self.config.clone(), options).await.unwrap());
    }

    /// Stops the server.
    pub async fn stop(&mut self) {
        self.server.take().unwrap().stop().await;
    }

    /// Takes the server, to be stopped by the test.
    pub fn take(&mut self) -> Server {
        self.server.take().unwrap()
    }

    pub fn address(&self) -> SocketAddr {
        self.server.as_ref().unwrap().http().unwrap()
    }

    pub fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub fn is_wso2(&self) -> bool {
        self.config.compatibility == Compatibility::Wso2
    }

    /// The time, in milliseconds since 1970. It stands still.
    pub fn now(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub fn pass(&self, milliseconds: u64) {
        self.clock.fetch_add(milliseconds, Ordering::SeqCst);
    }

    pub async fn send(&self, ask: Ask) -> Answer {
        ask.send(self.address()).await
    }

    /// A token of the server's own, good for a year. Without scopes it allows all that its holder may.
    pub async fn token(&self, organization: &str, holder: Principal, scopes: &[&str]) -> String {
        let token = secret::draw("gla_").unwrap();
        let new = NewToken {
            digest: secret::digest(&token),
            organization: organization.into(),
            holder,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            lifetime: 365 * DAY,
        };
        self.accounts.issue_token(&actor(), &new).await.unwrap();
        token
    }

    pub async fn token_of(&self, organization: &str, of: &UserRef) -> String {
        self.token(organization, Principal::User(of.clone()), &[]).await
    }

    /// What is in the mailbox of files, the newest first.
    pub async fn mails(&self) -> Vec<Kept> {
        Folder::open(self.config.mail.folder.as_ref().unwrap()).await.unwrap().list().await.unwrap()
    }

    /// The code in the newest e-mail to an address, as soon as there are so many to it.
    pub async fn mailed_code(&self, address: &str, count: usize) -> String {
        let look = async || {
            let mails = self.mails().await;
            let to: Vec<_> = mails.iter().filter(|mail| mail.to == address).collect();
            let newest = (to.len() >= count).then(|| to[0].clone())?;
            let link =
                newest.links.iter().find(|link| link.contains('#')).unwrap_or_else(|| panic!("no link"));
            link.split_once('#').map(|(_, code)| code.to_owned())
        };
        until("an e-mail to the invitee", look).await
    }
}

fn options(clock: &Arc<AtomicU64>) -> Options {
    let clock = clock.clone();
    let mut options = Options::default();
    options.clock = Clock::Moved(Arc::new(move || clock.load(Ordering::SeqCst)));
    options
}

/// Asks again and again until there is an answer. That there is one is what is tested, and not when: where there
/// never is, this fails after a time in which everything else would have happened.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..1200 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never happened: {what}")
}

/// The reference's interface of one organization, as one caller.
pub struct Guests<'a> {
    pub place: &'a Place,
    /// The handle of the root.
    pub root: &'a str,
    /// The id of the organization.
    pub organization: String,
    /// The token of the caller.
    pub token: String,
}

impl Guests<'_> {
    pub fn path(&self, end: &str) -> String {
        format!("/t/{}/o/api/server/v1/guests{end}", self.root)
    }

    pub async fn ask(&self, method: &str, end: &str, body: Option<&Value>) -> Answer {
        let mut ask = Ask::new(method, &self.path(end)).bearer(&self.token);
        if let Some(body) = body {
            ask = ask.json(body);
        }
        self.place.send(ask).await
    }

    /// Invites. Time passes, so that invitations have an order.
    pub async fn invite(&self, body: &Value) -> Answer {
        self.place.pass(1);
        self.ask("POST", "/invite", Some(body)).await
    }

    /// Invites one person; the answer has the code.
    pub async fn code_for(&self, name: &str) -> String {
        let body = json!({
            "usernames": [name],
            "properties": [{ "key": "manageNotificationsInternally", "value": "false" }],
        });
        let answer = self.invite(&body).await;
        let code = answer.is(200).json()[0]["confirmationCode"].as_str().map(str::to_owned);
        code.unwrap_or_else(|| panic!("{answer:?}"))
    }

    pub async fn list(&self, query: &str) -> Answer {
        self.ask("GET", &format!("/invitations{query}"), None).await
    }

    /// The rows of the list.
    pub async fn rows(&self) -> Vec<Value> {
        let answer = self.list("").await;
        answer.is(200).json()["invitations"].as_array().cloned().unwrap_or_default()
    }

    pub async fn delete(&self, id: &str) -> Answer {
        self.ask("DELETE", &format!("/invitations/{id}"), None).await
    }

    /// Does something with a code, with a token or without.
    pub async fn with_code(&self, what: &str, token: Option<&str>, code: &str) -> Answer {
        let mut ask = Ask::post(&self.path(&format!("/invitation/{what}")));
        if let Some(token) = token {
            ask = ask.bearer(token);
        }
        self.place.send(ask.json(&json!({ "confirmationCode": code }))).await
    }

    pub async fn accept(&self, token: Option<&str>, code: &str) -> Answer {
        self.with_code("accept", token, code).await
    }

    pub async fn introspect(&self, token: Option<&str>, code: &str) -> Answer {
        self.with_code("introspect", token, code).await
    }

    /// The id of the invitation of somebody, also where it is on no list.
    pub async fn id_of(&self, name: &str) -> String {
        let rows = self.rows().await;
        let row = rows.iter().find(|row| row["username"] == name);
        row.unwrap_or_else(|| panic!("{name} is not in {rows:?}"))["id"].as_str().unwrap().to_owned()
    }
}
