//! Clients: machines with credentials of their own.

use guestlist_contract::audit::EventKind;

use super::{AccountError, Accounts, Actor, Digest, lifetime, require_organization, text};
use crate::{
    audit::{Of, note},
    error::{DbError, OperationError},
    people::{Judged, in_the_way},
    sql::{Connection, Operation, Row, Scope, values},
};

/// A machine that is to have credentials.
#[derive(Clone)]
pub struct NewClient {
    /// Its id: a random UUID, made by the server. It is unique in the server, and never given again.
    pub id: String,
    /// Its name, for people; 1 to 254 bytes.
    pub name: String,
    /// SHA-256 of its secret: at least 128 random bits, made by the server.
    pub secret: Digest,
    /// How long the secret is good, in milliseconds; absent: until it is revoked.
    pub lifetime: Option<u64>,
}

/// A machine with credentials of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its id, which is that of `Principal::Client`.
    pub id: String,
    /// Whose it is.
    pub organization: String,
    /// Its name, for people.
    pub name: String,
    /// When it was made, in milliseconds since 1970, as the others.
    pub made_at: u64,
    /// When its secret ends; absent: never by itself.
    pub expires_at: Option<u64>,
    /// When it was revoked, for ever.
    pub revoked_at: Option<u64>,
    /// When it was last used; written down once a minute.
    pub used_at: Option<u64>,
}

impl Accounts {
    /// Makes a client of an organization.
    ///
    /// # Errors
    /// [`NotFound`](AccountError::NotFound) where there is no such organization, [`Taken`](AccountError::Taken)
    /// where the id is another's, [`Invalid`](AccountError::Invalid).
    pub async fn create_client(
        &self,
        actor: &Actor,
        organization: &str,
        new: &NewClient,
    ) -> Result<Client, AccountError> {
        self.ask(Create {
            actor: actor.clone(),
            organization: organization.to_owned(),
            new: new.clone(),
            judged: self.judged,
        })
        .await
    }

    /// A client of an organization. [`Reading::clients`](crate::Reading::clients) lists them.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn client(&self, organization: &str, id: &str) -> Result<Option<Client>, AccountError> {
        self.ask(Get { organization: organization.to_owned(), id: id.to_owned() }).await
    }

    /// Takes a client's credentials away, for ever, with its tokens. Doing it twice changes nothing.
    ///
    /// # Errors
    /// [`NotFound`](AccountError::NotFound).
    pub async fn revoke_client(
        &self,
        actor: &Actor,
        organization: &str,
        id: &str,
    ) -> Result<Client, AccountError> {
        let change = ClientChange::Revoke;
        self.change_client(actor, organization, id, change).await
    }

    /// Gives a client another secret. The former one and its tokens are good for nothing from now on. `lifetime`
    /// as in [`NewClient`].
    ///
    /// # Errors
    /// [`NotFound`](AccountError::NotFound), [`NotActive`](AccountError::NotActive) where it was revoked.
    pub async fn rotate_client_secret(
        &self,
        actor: &Actor,
        organization: &str,
        id: &str,
        secret: &Digest,
        lifetime: Option<u64>,
    ) -> Result<Client, AccountError> {
        let change = ClientChange::Rotate(*secret, lifetime);
        self.change_client(actor, organization, id, change).await
    }

    async fn change_client(
        &self,
        actor: &Actor,
        organization: &str,
        id: &str,
        change: ClientChange,
    ) -> Result<Client, AccountError> {
        let (organization, id) = (organization.to_owned(), id.to_owned());
        self.ask(Changing { actor: actor.clone(), organization, id, change, judged: self.judged }).await
    }

    /// The client that has this id and secret, where it is good: neither revoked nor expired, and its
    /// organization is there. Its use is written down at most once a minute.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn authenticate_client(
        &self,
        id: &str,
        secret: &Digest,
    ) -> Result<Option<Client>, AccountError> {
        let found = self.ask(Authenticate { id: id.to_owned(), secret: *secret }).await?;
        match found {
            Some((_, true)) => self.ask(Used { id: id.to_owned(), secret: *secret }).await,
            found => Ok(found.map(|(client, _)| client)),
        }
    }
}

/// The columns of [`read`], of the table `client`.
pub(crate) const COLUMNS: &str = "id, organization, name, made_at, expires_at, revoked_at, used_at";

pub(crate) fn read(row: &Row) -> Result<Client, DbError> {
    Ok(Client {
        id: row.get(0)?,
        organization: row.get(1)?,
        name: row.get(2)?,
        made_at: row.get(3)?,
        expires_at: row.get(4)?,
        revoked_at: row.get(5)?,
        used_at: row.get(6)?,
    })
}

/// The longest time between two that a use is written down, in milliseconds.
const TOUCHED_EVERY: i64 = 60_000;

/// The condition that a client is good at `$2`.
pub(super) const GOOD: &str = "client.revoked_at is null \
    and (client.expires_at is null or client.expires_at > $2) and exists \
    (select 1 from organization o where o.id = client.organization and o.deleted = 0)";

fn within(organization: &str) -> Scope {
    Scope { organization: Some(organization.to_owned()), ..Scope::default() }
}

fn no_client(organization: &str, id: &str) -> OperationError {
    AccountError::NotFound(format!("organization `{organization}` has no client `{id}`")).into()
}

/// When a secret ends that is good for this long from `now`.
fn end(now: i64, length: Option<u64>) -> Result<Option<i64>, OperationError> {
    let length = length.map(|length| lifetime("the lifetime of a secret", length)).transpose()?;
    Ok(length.map(|length| now.saturating_add(length)))
}

struct Create {
    actor: Actor,
    organization: String,
    new: NewClient,
    judged: Option<Judged>,
}

impl Operation for Create {
    type Output = Client;
    const NAME: &'static str = "accounts.create-client";

    fn scope(&self) -> Scope {
        within(&self.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Client, OperationError> {
        let NewClient { id, name, secret, lifetime } = &self.new;
        text("the id of a client", id, 255)?;
        text("the name of a client", name, 254)?;
        require_organization(db, &self.organization).await?;
        if let Some(judged) = self.judged {
            judged.of_client(db, &self.actor.who, &self.organization, id).await?;
        }
        let now = db.now();
        let sql = format!(
            "insert into client (id, organization, name, secret, made_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning {COLUMNS}"
        );
        let row = values![id, &self.organization, name, *secret, now, end(now, *lifetime)?];
        let Some(row) = db.row(&sql, row).await.map_err(in_the_way)? else {
            return Err(AccountError::Taken("the client id is or was another's; make another".into()).into());
        };
        let actor = self.actor.internal()?;
        let event = actor.event(Some(&self.organization), EventKind::ClientCreated, &Of::id(id));
        note(db, &[event]).await?;
        Ok(read(&row)?)
    }
}

struct Get {
    organization: String,
    id: String,
}

impl Operation for Get {
    type Output = Option<Client>;
    const NAME: &'static str = "accounts.client";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        within(&self.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Option<Client>, OperationError> {
        let sql = format!("select {COLUMNS} from client where id = $1 and organization = $2");
        let row = db.row(&sql, values![&self.id, &self.organization]).await?;
        Ok(row.map(|row| read(&row)).transpose()?)
    }
}

enum ClientChange {
    Revoke,
    Rotate(Digest, Option<u64>),
}

struct Changing {
    actor: Actor,
    organization: String,
    id: String,
    change: ClientChange,
    judged: Option<Judged>,
}

impl Operation for Changing {
    type Output = Client;
    const NAME: &'static str = "accounts.change-client";

    /// Its tokens may be good in other organizations.
    fn scope(&self) -> Scope {
        Scope { everything: true, ..within(&self.organization) }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Client, OperationError> {
        let Self { organization, id, .. } = self;
        if let Some(judged) = self.judged {
            judged.of_client(db, &self.actor.who, organization, id).await?;
        }
        let now = db.now();
        let (kind, row) = match &self.change {
            ClientChange::Revoke => {
                let sql = format!(
                    "update client set revoked_at = $3 where id = $1 and organization = $2 and revoked_at is null \
                     returning {COLUMNS}"
                );
                (EventKind::ClientRevoked, db.row(&sql, values![id, organization, now]).await?)
            }
            ClientChange::Rotate(secret, length) => {
                let sql = format!(
                    "update client set secret = $3, expires_at = $4 where id = $1 and organization = $2 \
                     and revoked_at is null returning {COLUMNS}"
                );
                let new = values![id, organization, *secret, end(now, *length)?];
                (EventKind::ClientSecretRotated, db.row(&sql, new).await?)
            }
        };
        let Some(row) = row else {
            let sql = format!("select {COLUMNS} from client where id = $1 and organization = $2");
            let known = db.row(&sql, values![id, organization]).await?;
            let known = read(&known.ok_or_else(|| no_client(organization, id))?)?;
            return match self.change {
                ClientChange::Revoke => Ok(known),
                ClientChange::Rotate(..) => Err(AccountError::NotActive.into()),
            };
        };
        db.change("delete from token where client = $1", values![id]).await?;
        let event = self.actor.internal()?.event(Some(organization), kind, &Of::id(id));
        note(db, &[event]).await?;
        Ok(read(&row)?)
    }
}

struct Authenticate {
    id: String,
    secret: Digest,
}

impl Operation for Authenticate {
    /// And whether its use is to be written down.
    type Output = Option<(Client, bool)>;
    const NAME: &'static str = "accounts.authenticate-client";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope { everything: true, ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        if self.id.contains('\0') {
            return Ok(None);
        }
        let sql = format!("select {COLUMNS} from client where id = $1 and {GOOD} and secret = $3");
        let now = db.now();
        let Some(row) = db.row(&sql, values![&self.id, now, self.secret]).await? else { return Ok(None) };
        let used_at: Option<i64> = row.get(6)?;
        let is_stale = used_at.is_none_or(|used_at| now.saturating_sub(used_at) >= TOUCHED_EVERY);
        Ok(Some((read(&row)?, is_stale)))
    }
}

struct Used {
    id: String,
    secret: Digest,
}

impl Operation for Used {
    type Output = Option<Client>;
    const NAME: &'static str = "accounts.client-is-used";

    fn scope(&self) -> Scope {
        Scope { everything: true, ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Option<Client>, OperationError> {
        let sql = format!(
            "update client set used_at = $2 where id = $1 and {GOOD} and secret = $3 returning {COLUMNS}"
        );
        let row = db.row(&sql, values![&self.id, db.now(), self.secret]).await?;
        Ok(row.map(|row| read(&row)).transpose()?)
    }
}
