//! Links that work once, as the one by which the first administrator comes in.

use guestlist_contract::audit::EventKind;

use super::{AccountError, Accounts, Actor, Digest, lifetime};
use crate::{
    audit::{Of, note},
    error::OperationError,
    sql::{Connection, Operation, Scope, values},
};

impl Accounts {
    /// Makes a link that works once, instead of any other of this purpose; tells when it ends, in milliseconds
    /// since 1970. `purpose` is a word of the server, 1 to 63 of `a` to `z`, `0` to `9` and `-`; it stands in the
    /// audit trail. `digest` is SHA-256 of what makes the link secret, `lifetime` in milliseconds.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid).
    pub async fn make_link(
        &self,
        actor: &Actor,
        purpose: &str,
        digest: &Digest,
        lifetime: u64,
    ) -> Result<u64, AccountError> {
        let (actor, purpose) = (actor.clone(), purpose.to_owned());
        self.ask(Make { actor, purpose, digest: *digest, lifetime }).await
    }

    /// Tells whether a link would work now. It goes on working.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn is_link(&self, purpose: &str, digest: &Digest) -> Result<bool, AccountError> {
        self.ask(Look { purpose: purpose.to_owned(), digest: *digest }).await
    }

    /// Uses a link: true once, and never again. Of two at once, one is told so.
    ///
    /// # Errors
    /// The database does not answer. After [`Unknown`](AccountError::Unknown) the link may be used up: make
    /// another.
    pub async fn use_link(
        &self,
        actor: &Actor,
        purpose: &str,
        digest: &Digest,
    ) -> Result<bool, AccountError> {
        self.ask(Use { actor: actor.clone(), purpose: purpose.to_owned(), digest: *digest }).await
    }
}

/// Links belong to no organization.
fn servers() -> Scope {
    Scope { everything: true, ..Scope::default() }
}

fn check(purpose: &str) -> Result<(), OperationError> {
    let letters = purpose.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if letters && (1..=63).contains(&purpose.len()) {
        return Ok(());
    }
    let text = "the purpose of a link has 1 to 63 of `a` to `z`, `0` to `9` and `-`";
    Err(AccountError::Invalid(text.into()).into())
}

struct Make {
    actor: Actor,
    purpose: String,
    digest: Digest,
    lifetime: u64,
}

impl Operation for Make {
    type Output = u64;
    const NAME: &'static str = "accounts.make-link";

    fn scope(&self) -> Scope {
        servers()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<u64, OperationError> {
        check(&self.purpose)?;
        let now = db.now();
        let expires_at = now.saturating_add(lifetime("the lifetime of a link", self.lifetime)?);
        let sql = "insert into link (purpose, digest, made_at, expires_at) values ($1, $2, $3, $4) \
                   on conflict (purpose) do update set digest = excluded.digest, made_at = excluded.made_at, \
                   expires_at = excluded.expires_at";
        db.change(sql, values![&self.purpose, self.digest, now, expires_at]).await?;
        let event = self.actor.internal()?.event(None, EventKind::LinkMade, &Of::id(&self.purpose));
        note(db, &[event]).await?;
        Ok(u64::try_from(expires_at).unwrap_or_default())
    }
}

struct Look {
    purpose: String,
    digest: Digest,
}

impl Operation for Look {
    type Output = bool;
    const NAME: &'static str = "accounts.is-link";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        servers()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<bool, OperationError> {
        check(&self.purpose)?;
        let sql = "select 1 from link where purpose = $1 and digest = $2 and expires_at > $3";
        Ok(db.row(sql, values![&self.purpose, self.digest, db.now()]).await?.is_some())
    }
}

struct Use {
    actor: Actor,
    purpose: String,
    digest: Digest,
}

impl Operation for Use {
    type Output = bool;
    const NAME: &'static str = "accounts.use-link";

    fn scope(&self) -> Scope {
        servers()
    }

    /// INVARIANT: a link works once. One statement decides, and whoever waits for it finds nothing.
    async fn run<C: Connection>(&self, db: &mut C) -> Result<bool, OperationError> {
        check(&self.purpose)?;
        let sql = "delete from link where purpose = $1 and digest = $2 and expires_at > $3";
        if db.change(sql, values![&self.purpose, self.digest, db.now()]).await? == 0 {
            return Ok(false);
        }
        let event = self.actor.internal()?.event(None, EventKind::LinkUsed, &Of::id(&self.purpose));
        note(db, &[event]).await?;
        Ok(true)
    }
}
