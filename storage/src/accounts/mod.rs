//! Accounts that people and machines sign in to, for a server that has its own: handles of organizations,
//! passwords, sessions, clients, access tokens, identities of other systems, links that work once, and what
//! repeatable requests were answered.
//!
//! Secrets never come here. Of a password there is the PHC string that the server has made, of everything else
//! that is secret its SHA-256 digest. Each change is one transaction with its audit event, and is durable when
//! the function returns; what only notes that somebody was here (`seen_at`, `used_at`) and what clears away what
//! is over has no event.

mod clients;
mod deliveries;
mod error;
pub(crate) mod handles;
mod identities;
mod links;
mod mailing;
mod passwords;
mod remembered;
mod sessions;
mod tokens;
mod upkeep;

use guestlist_contract::{
    rights::{HostPermissions, Rights},
    types::{Principal, UserRef},
};

pub(crate) use clients::{COLUMNS as CLIENT_COLUMNS, read as read_client};
pub use clients::{Client, NewClient};
pub use deliveries::{DeliveryRecord, DeliveryState, NewDelivery};
pub use error::AccountError;
pub use handles::{Handled, Step, is_handle};
pub(crate) use handles::{SetHandle, path_of};
pub use identities::{Identity, SignedInAs};
pub use passwords::Login;
pub use remembered::Remembered;
pub use sessions::{NewSession, Session, SignIn};
pub use tokens::{AccessToken, NewToken};

use crate::{
    Database, audit, codec,
    error::{DbError, OperationError},
    people::Judged,
    sql::{Connection, Operation, values},
};

/// SHA-256 of something secret.
pub type Digest = [u8; 32];

/// Accounts, for the server that people and machines sign in to. Cloning it shares the database.
#[derive(Clone, Debug)]
pub struct Accounts {
    database: Database,
    /// Absent: what is changed is the server's own business.
    judged: Option<Judged>,
}

/// One who acts, as the audit trail names them.
#[derive(Clone, Debug, PartialEq)]
pub struct Actor {
    /// The person or machine; [`Principal::System`] for the server itself, [`Principal::Anonymous`] for somebody
    /// who is not signed in (yet).
    pub who: Principal,
    /// The id of the request; empty where there is none.
    pub request_id: String,
    /// What the server calls that which they do, as `sign-in`: a word of its own, never what somebody wrote.
    pub operation: String,
}

impl Actor {
    fn internal(&self) -> Result<audit::Actor, DbError> {
        Ok(audit::Actor {
            who: codec::principal(&self.who)?,
            request_id: self.request_id.clone(),
            operation: self.operation.clone(),
        })
    }
}

impl Database {
    /// The accounts of this database, for a server that people and machines sign in to.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        Accounts { database: self.clone(), judged: None }
    }
}

impl Accounts {
    /// The same accounts, where changes of passwords, identities and clients are judged as
    /// [`Administration::acting_as`](crate::Administration::acting_as) judges those of people, in their commit, by
    /// the rights of the [`Actor`]: they have to have `needs` in the organization of the account or client, and
    /// every right that it has, there and elsewhere. Of the actor's rights `most` count: those that their token
    /// lets through. Whatever is refused is [`NotPermitted`](AccountError::NotPermitted).
    #[must_use]
    pub fn judged(&self, needs: HostPermissions, most: Rights) -> Self {
        Self { database: self.database.clone(), judged: Some(Judged { needs, most }) }
    }

    async fn ask<O: Operation>(&self, operation: O) -> Result<O::Output, AccountError> {
        Ok(self.database.perform(None, operation).await?)
    }
}

/// The longest time that anything may be good for, in milliseconds: ten years.
const LONGEST: u64 = 10 * 366 * 24 * 3_600_000;

/// Checks a length of time: 1 millisecond to ten years.
fn lifetime(what: &str, length: u64) -> Result<i64, OperationError> {
    let length = Some(length).filter(|length| (1..=LONGEST).contains(length));
    let length = length.and_then(|length| i64::try_from(length).ok());
    length.ok_or_else(|| {
        AccountError::Invalid(format!("{what} is 1 millisecond to ten years, {LONGEST} milliseconds")).into()
    })
}

/// Checks a text that somebody chose: 1 to `most` bytes.
fn text(what: &str, value: &str, most: usize) -> Result<(), OperationError> {
    if value.is_empty() || value.len() > most {
        return Err(AccountError::Invalid(format!("{what} has 1 to {most} bytes")).into());
    }
    Ok(())
}

fn no_organization(id: &str) -> OperationError {
    AccountError::NotFound(format!("there is no organization `{id}`")).into()
}

fn no_account(account: &UserRef) -> OperationError {
    let UserRef { organization, id } = account;
    AccountError::NotFound(format!("organization `{organization}` has no account `{id}`")).into()
}

/// Tells whether an account is enabled; `None` where nobody is resident there by this id, or the organization was
/// deleted.
async fn is_active<C: Connection>(db: &mut C, account: &UserRef) -> Result<Option<bool>, DbError> {
    let sql = "select p.active from person p join organization o on o.id = p.organization and o.deleted = 0 \
               where p.organization = $1 and p.id = $2 and p.account_organization = $1 and p.account_id = $2";
    let row = db.row(sql, values![&account.organization, &account.id]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// Judges a change of an account, where it is made on behalf of the actor.
async fn judge_resident<C: Connection>(
    db: &mut C,
    judged: Option<Judged>,
    actor: &Actor,
    account: &UserRef,
) -> Result<(), OperationError> {
    match judged {
        Some(judged) => judged.of_resident(db, &actor.who, account).await,
        None => Ok(()),
    }
}

/// Refuses an account that nobody is resident by, or that is disabled.
async fn require_active<C: Connection>(db: &mut C, account: &UserRef) -> Result<(), OperationError> {
    match is_active(db, account).await? {
        Some(true) => Ok(()),
        Some(false) => Err(AccountError::NotActive.into()),
        None => Err(no_account(account)),
    }
}

/// Refuses an organization that is not there, or was deleted.
async fn require_organization<C: Connection>(db: &mut C, id: &str) -> Result<(), OperationError> {
    let sql = "select 1 from organization where id = $1 and deleted = 0";
    db.row(sql, values![id]).await?.map(drop).ok_or_else(|| no_organization(id))
}
