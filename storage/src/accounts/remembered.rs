//! What repeatable requests were answered: a client that repeats one, because an answer did not come, is told the
//! same and nothing is done twice.

use guestlist_contract::types::Principal;

use super::{AccountError, Accounts, Digest, text};
use crate::{
    codec,
    error::{DbError, OperationError},
    sql::{Connection, Operation, Scope, values},
};

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// Nothing: it is this caller's to do from now on. Tell what became of it with
    /// [`keep_answer`](Accounts::keep_answer), or with [`forget`](Accounts::forget) where nothing was done.
    Fresh,
    /// It was answered with this JSON.
    Answer(String),
    /// Somebody has begun with it, at this time in milliseconds since 1970, and has not answered. They are about
    /// to, or their process is gone: then nobody knows whether it was done.
    UnderWay(u64),
    /// The key was used for another request within a day. Nothing is to be done.
    Other,
}

/// How long a request is remembered, in milliseconds: a day.
pub(super) const KEPT: i64 = 24 * 3_600_000;

impl Accounts {
    /// Asks what is known of a request, and claims it where nothing is. `key` is the client's, 1 to 255 bytes;
    /// `fingerprint` is SHA-256 of the request. `organization` is the one in which it is asked; absent for what is
    /// about none. Kept for 24 hours.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid) where the key is empty or too long.
    pub async fn remember(
        &self,
        organization: Option<&str>,
        caller: &Principal,
        key: &str,
        fingerprint: &Digest,
    ) -> Result<Remembered, AccountError> {
        let of = Request::of(organization, caller, key)?;
        self.ask(Remember { of, fingerprint: *fingerprint }).await
    }

    /// Keeps the answer of a request that was [`Fresh`](Remembered::Fresh): JSON, at most 64 KiB. It is told to
    /// whoever repeats the request, so it must not hold a secret. False where it was answered or forgotten by now.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid) where it is too long.
    pub async fn keep_answer(
        &self,
        organization: Option<&str>,
        caller: &Principal,
        key: &str,
        answer: &str,
    ) -> Result<bool, AccountError> {
        let of = Request::of(organization, caller, key)?;
        self.ask(Settle { of, answer: Some(answer.to_owned()) }).await
    }

    /// Forgets a request for which nothing was done, so that it can be tried again. False where it was answered or
    /// forgotten by now.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn forget(
        &self,
        organization: Option<&str>,
        caller: &Principal,
        key: &str,
    ) -> Result<bool, AccountError> {
        let of = Request::of(organization, caller, key)?;
        self.ask(Settle { of, answer: None }).await
    }
}

struct Request {
    /// Empty: none.
    organization: String,
    caller: String,
    key: String,
}

impl Request {
    fn of(organization: Option<&str>, caller: &Principal, key: &str) -> Result<Self, AccountError> {
        text("an idempotency key", key, 255)?;
        let caller = codec::principal(caller).map_err(OperationError::from)?;
        Ok(Self { organization: organization.unwrap_or_default().to_owned(), caller, key: key.to_owned() })
    }

    fn scope(&self) -> Scope {
        if self.organization.is_empty() {
            return Scope { everything: true, ..Scope::default() };
        }
        Scope { organization: Some(self.organization.clone()), ..Scope::default() }
    }
}

const THAT: &str = "where organization = $1 and caller = $2 and request = $3";

struct Remember {
    of: Request,
    fingerprint: Digest,
}

impl Operation for Remember {
    type Output = Remembered;
    const NAME: &'static str = "accounts.remember";

    fn scope(&self) -> Scope {
        self.of.scope()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Remembered, OperationError> {
        let Request { organization, caller, key } = &self.of;
        let now = db.now();
        let new = "insert into remembered (organization, caller, request, fingerprint, at) \
                   values ($1, $2, $3, $4, $5) on conflict do nothing";
        let row = values![organization, caller, key, self.fingerprint, now];
        if db.change(new, row).await? > 0 {
            return Ok(Remembered::Fresh);
        }
        let anew =
            format!("update remembered set fingerprint = $4, at = $5, answer = null {THAT} and at <= $6");
        let row = values![organization, caller, key, self.fingerprint, now, now.saturating_sub(KEPT)];
        if db.change(&anew, row).await? > 0 {
            return Ok(Remembered::Fresh);
        }
        let known = format!("select fingerprint, at, answer from remembered {THAT}");
        let known = db.row(&known, values![organization, caller, key]).await?;
        let gone = || DbError::Conflict("it was forgotten at the same time".into());
        let known = known.ok_or_else(gone)?;
        if known.get::<Vec<u8>>(0)? != self.fingerprint {
            return Ok(Remembered::Other);
        }
        let begun = known.get(1)?;
        Ok(known.get::<Option<String>>(2)?.map_or(Remembered::UnderWay(begun), Remembered::Answer))
    }
}

struct Settle {
    of: Request,
    /// Absent: it is forgotten.
    answer: Option<String>,
}

impl Operation for Settle {
    type Output = bool;
    const NAME: &'static str = "accounts.settle-request";

    fn scope(&self) -> Scope {
        self.of.scope()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<bool, OperationError> {
        let Request { organization, caller, key } = &self.of;
        let Some(answer) = &self.answer else {
            let sql = format!("delete from remembered {THAT} and answer is null");
            return Ok(db.change(&sql, values![organization, caller, key]).await? > 0);
        };
        if answer.len() > 64 * 1024 {
            return Err(AccountError::Invalid("an answer that is kept has at most 64 KiB".into()).into());
        }
        let sql = format!("update remembered set answer = $4 {THAT} and answer is null");
        Ok(db.change(&sql, values![organization, caller, key, answer]).await? > 0)
    }
}
