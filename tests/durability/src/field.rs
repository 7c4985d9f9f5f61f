//! A database with as many invitations as one likes.
//!
//! One organization is made by the plugin itself: a hundred invitations, some of them accepted, declined and
//! revoked. All others are copies of its rows, made inside of the database: the plugin would need hours.

use std::sync::Arc;

use guestlist_contract::{
    exports::invitee::Handle,
    types::{InvitationKey, Principal, UserRef},
};
use guestlist_harness::{Plugin, operations as op};
use guestlist_memory::default_settings;
use guestlist_storage::{Clock, Database, Observer};

use crate::{
    act::{Act, Answer, Command, Letter, invite},
    host::{Post, Stage, micros},
    place::{Place, options},
    server::connect,
    world,
};

/// Invitations that are made once, and copied.
pub const HUNDRED: usize = 100;

/// A filled database, and the plugin on it.
pub struct Field {
    pub database: Database,
    stage: Stage,
    post: Arc<Post>,
    /// Mails of the original organization.
    pub letters: Vec<Letter>,
    /// Who was never invited.
    next: usize,
    place: Place,
}

/// Tables with rows of an invitation, and how a copy of each column is written: those that are not named here
/// stay as they are. `k` numbers the copies.
const COPIED: [(&str, &str); 4] = [
    ("invitation", "id subject_id name"),
    ("code", "invitation digest"),
    ("audit", "invitation subject_id"),
    ("grant_log", "invitation"),
];

/// Accounts in proportion: everybody has a password, a session, a token and an identity, and is in one group of the
/// parent; there are as many clients, each organization has a handle, each invitation an e-mail, and each person a request that was
/// answered. `{digest}` of a text is 32 bytes that nobody else has.
const ACCOUNTS: [&str; 10] = [
    "insert into handle (root, handle, organization, current) select 'root', 'h-' || id, id, 1 from organization",
    "insert into password (organization, person, phc, set_at) select organization, id, '$x$y', 1 from person \
     where account_organization = organization",
    "insert into session (digest, organization, person, root, begun_at, seen_at, idle, ends_at) \
     select {digest}, organization, id, 'root', 1, 1, 9000000000000000, 9000000000000000 from person \
     where account_organization = organization",
    "insert into client (id, organization, name, secret, made_at) \
     select 'c-' || id, 'org-0', name, {digest}, 1 from person where organization = 'root'",
    "insert into token (digest, organization, account_organization, account_id, scopes, made_at, expires_at) \
     select {digest}, organization, organization, id, '[]', 1, 9000000000000000 from person \
     where account_organization = organization",
    "insert into identity (root, issuer, subject, organization, person, linked_at) \
     select 'root', 'https://idp.example', organization || ' ' || id, organization, id, 1 from person \
     where account_organization = organization",
    "insert into remembered (organization, caller, request, fingerprint, at, answer) \
     select 'org-0', organization || ' ' || id, 'key', {digest}, 9000000000000000, '{}' from person",
    "insert into delivery (organization, invitation, kind, version, state, at) \
     select organization, id, 'invitation', 1, 'handed-over', 1 from invitation",
    "insert into target (organization, kind, id, name) values ('root', 'group', 'g-all', 'All')",
    "insert into held (organization, person, kind, target) select organization, id, 'group', 'g-all' from person \
     where organization = 'root'",
];

impl Field {
    /// So many organizations with so many invitations each, a multiple of a hundred, and so many people who
    /// were never invited.
    ///
    /// # Errors
    /// The database does not answer.
    ///
    /// # Panics
    /// Somebody cannot be invited.
    pub async fn new(
        plugin: &Plugin,
        place: Place,
        organizations: usize,
        each: usize,
        others: usize,
        observer: Observer,
    ) -> Result<Self, String> {
        let mut realm = world::realm(HUNDRED + others, organizations, &default_settings());
        // Reminders are looked for, too. Who has due work is found by asking each organization that reminds.
        if let Some(first) = realm.organizations.get_mut(&world::child(0)) {
            first.settings.reminder_before = Some(3_600_000);
        }
        drop(place.with(&realm, Clock::Machine).await?);
        let (database, stage) = open(plugin, &place, observer).await?;
        let post = Arc::new(Post::default());
        let mut field = Self { database, stage, post, letters: Vec::new(), next: HUNDRED, place };
        field.original().await;
        let hundreds = each / HUNDRED;
        field.copy(organizations * hundreds, hundreds).await?;
        Ok(field)
    }

    /// Gives everybody an account to sign in with, as a server with accounts of its own has them.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn fill_accounts(&self) -> Result<(), String> {
        let Some(file) = self.place.file() else {
            let client = connect(self.place.url()).await.map_err(|error| error.to_string())?;
            let digest = "sha256((organization || ' ' || id)::bytea)";
            let of_organization = "sha256(id::bytea)";
            let all = ACCOUNTS.map(|sql| {
                let digest = if sql.contains("from organization") { of_organization } else { digest };
                sql.replace("{digest}", digest)
            });
            let sql = format!("set search_path to guestlist; {}; analyze", all.join("; "));
            return client.batch_execute(&sql).await.map_err(|error| error.to_string());
        };
        let all = ACCOUNTS.map(|sql| sql.replace("{digest}", "randomblob(32)")).join("; ");
        let filled = move || {
            let connection = rusqlite::Connection::open(file)?;
            connection.busy_timeout(std::time::Duration::from_secs(60))?;
            connection.execute_batch(&format!("begin immediate; {all}; commit"))
        };
        let filled: Result<(), rusqlite::Error> =
            tokio::task::spawn_blocking(filled).await.map_err(|error| error.to_string())?;
        filled.map_err(|error| error.to_string())
    }

    /// Closes the database, and opens it again when this has happened.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn reopened(self, plugin: &Plugin, closed: impl Future<Output = ()>) -> Result<Self, String> {
        let Self { database, stage, post, letters, next, place } = self;
        drop((database, stage));
        closed.await;
        let (database, stage) = open(plugin, &place, Observer::default()).await?;
        Ok(Self { database, stage, post, letters, next, place })
    }

    async fn original(&mut self) {
        let names = (0..HUNDRED).map(world::name).collect();
        self.manage(invite(names, vec![world::group("g-help")])).await;
        self.letters = self.post.letters();
        for (number, letter) in self.letters.clone().iter().enumerate() {
            let key = key_of(letter);
            match number % 10 {
                0..3 => drop(self.answer(op::Accept { handle: Handle::Id(key) }, number).await),
                3 => drop(self.answer(op::Decline { handle: Handle::Id(key), reason: None }, number).await),
                4 => drop(self.manage(op::Revoke { id: key.id, reason: None }).await),
                _ => {}
            }
        }
    }

    /// Mails of invitations that are still pending.
    #[must_use]
    pub fn pending(&self) -> Vec<Letter> {
        let pending = self.letters.iter().enumerate().filter(|(number, _)| number % 10 > 4);
        pending.map(|(_, letter)| letter.clone()).collect()
    }

    /// The first administrator of the original organization does something.
    pub async fn manage(&self, act: impl Into<Act>) -> Answer {
        let organization = world::child(0);
        self.act(Some(organization.clone()), world::admin(&organization, 1), act.into()).await
    }

    /// The host does something there.
    pub async fn upkeep(&self, act: impl Into<Act>) -> Answer {
        self.act(Some(world::child(0)), Principal::System, act.into()).await
    }

    /// A person of the parent does something.
    pub async fn answer(&self, act: impl Into<Act>, person: usize) -> Answer {
        self.act(None, Principal::User(world::resident(person)), act.into()).await
    }

    async fn act(&self, organization: Option<String>, caller: Principal, act: Act) -> Answer {
        let request = "a-request".to_owned();
        let command = Command { number: 0, at: 0, organization, caller, request, act };
        self.stage.act(&command, self.post.clone()).await
    }

    /// Somebody who was never invited.
    pub fn somebody(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    /// The newest mail to somebody.
    #[must_use]
    pub fn mail_to(&self, person: usize) -> Option<Letter> {
        let account = world::resident(person);
        let is_his = |letter: &Letter| {
            use guestlist_contract::notifications::Recipient;
            matches!(&letter.message.to, Recipient::User(UserRef { id, .. }) if *id == account.id)
        };
        self.post.letters().into_iter().rev().find(is_his)
    }

    /// The file, where it is one.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Makes copies of the original's rows until there are so many hundreds in all.
    async fn copy(&self, hundreds: usize, hundreds_each: usize) -> Result<(), String> {
        if hundreds <= 1 {
            return Ok(());
        }
        match self.place.file() {
            Some(file) => {
                let copied = move || {
                    let connection = rusqlite::Connection::open(file)?;
                    connection.busy_timeout(std::time::Duration::from_secs(60))?;
                    connection.execute_batch("begin immediate; insert into loading values (1)")?;
                    for (table, changed) in COPIED {
                        let columns: Vec<String> = connection
                            .prepare(&format!("select name from pragma_table_info('{table}')"))?
                            .query_map([], |row| row.get(0))?
                            .collect::<Result<_, _>>()?;
                        let sql =
                            copy_of(table, &columns, changed, "randomblob(32)", hundreds, hundreds_each);
                        connection.execute_batch(&sql)?;
                    }
                    connection.execute_batch("delete from loading; commit")
                };
                let copied: Result<(), rusqlite::Error> =
                    tokio::task::spawn_blocking(copied).await.map_err(|error| error.to_string())?;
                copied.map_err(|error| error.to_string())
            }
            None => self.copy_on_server(hundreds, hundreds_each).await.map_err(|error| error.to_string()),
        }
    }

    async fn copy_on_server(&self, hundreds: usize, hundreds_each: usize) -> std::io::Result<()> {
        let client = connect(self.place.url()).await?;
        let told = std::io::Error::other;
        let begin = "begin; set local search_path to guestlist; insert into loading values (1)";
        client.batch_execute(begin).await.map_err(told)?;
        let digest = "sha256((k || ' ' || t.invitation || ' ' || t.version)::bytea)";
        for (table, changed) in COPIED {
            let names = "select attname::text from pg_attribute where attrelid = $1::text::regclass \
                         and attnum > 0 and not attisdropped order by attnum";
            let rows = client.query(names, &[&table]).await.map_err(told)?;
            let columns: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            let sql = copy_of(table, &columns, changed, digest, hundreds, hundreds_each);
            client.batch_execute(&sql).await.map_err(told)?;
        }
        client.batch_execute("delete from loading; commit; analyze").await.map_err(told)
    }
}

async fn open(plugin: &Plugin, place: &Place, observer: Observer) -> Result<(Database, Stage), String> {
    let mut options = options(Clock::Machine);
    options.observer = observer;
    let database = Database::open(place.url(), options).await.map_err(|error| error.to_string())?;
    let stage = Stage::on(plugin, &database, || micros() / 1000);
    Ok((database, stage))
}

/// The statement that copies the rows of one table.
fn copy_of(
    table: &str,
    columns: &[String],
    changed: &str,
    digest: &str,
    hundreds: usize,
    each: usize,
) -> String {
    let changed: Vec<_> = changed.split(' ').collect();
    let columns: Vec<_> =
        columns.iter().map(String::as_str).filter(|column| (table, *column) != ("audit", "place")).collect();
    let value = |column: &&str| match *column {
        "organization" => format!("'org-' || (k / {each})"),
        "digest" => digest.to_owned(),
        column if changed.contains(&column) => format!("t.{column} || '-' || k"),
        column => format!("t.{column}"),
    };
    let values: Vec<_> = columns.iter().map(value).collect();
    format!(
        "with recursive numbers(k) as (select 1 union all select k + 1 from numbers where k < {}) \
         insert into {table} ({}) select {} from numbers, {table} t where t.organization = 'org-0'",
        hundreds - 1,
        columns.join(", "),
        values.join(", ")
    )
}

/// What a mail is about.
#[must_use]
pub fn key_of(letter: &Letter) -> InvitationKey {
    InvitationKey { organization: letter.organization.clone(), id: letter.message.invitation.clone() }
}
