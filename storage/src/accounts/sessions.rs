//! Sessions of people, and what became of attempts to sign in.

use guestlist_contract::{
    audit::{EventKind, Word},
    types::UserRef,
};

use super::{AccountError, Accounts, Actor, Digest, lifetime, require_active, text};
use crate::{
    audit::{self, Of, note},
    error::{DbError, OperationError},
    people::in_the_way,
    sql::{Connection, Operation, Row, Scope, Value, values},
};

/// A session that is to begin. The token is the server's; here is its digest.
#[derive(Clone)]
pub struct NewSession {
    /// SHA-256 of the token: at least 128 random bits, made by the server.
    pub digest: Digest,
    /// Who has signed in, where they are resident.
    pub account: UserRef,
    /// The root where they have.
    pub root: String,
    /// The longest time without a request, in milliseconds.
    pub idle: u64,
    /// The longest time in all, in milliseconds.
    pub lifetime: u64,
}

/// A session that goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Whose it is.
    pub account: UserRef,
    /// The root where they signed in.
    pub root: String,
    /// When it began, in milliseconds since 1970, as the others.
    pub begun_at: u64,
    /// When it was last used; written down once a minute, or ten times in its `idle` where that is less.
    pub seen_at: u64,
    /// When it ends if nobody uses it.
    pub idle_until: u64,
    /// When it ends in any case.
    pub ends_at: u64,
}

/// What became of an attempt to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// They are who they say, and no session begins: as with the password grant of an API.
    /// ([`begin_session`](Accounts::begin_session) writes its own event.)
    Done,
    /// They are not let in, and why: as `wrong-secret`, `not-found`, `not-active`, `too-many`.
    Refused(Word),
}

impl Accounts {
    /// Writes down what became of an attempt to sign in. `account` where the name that was typed is somebody's;
    /// the name itself is not written down.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn note_sign_in(
        &self,
        actor: &Actor,
        organization: &str,
        account: Option<&UserRef>,
        outcome: SignIn,
    ) -> Result<(), AccountError> {
        self.ask(Note {
            actor: actor.clone(),
            organization: organization.to_owned(),
            account: account.cloned(),
            outcome,
        })
        .await
    }

    /// Begins a session, with the event that they have signed in.
    ///
    /// # Errors
    /// [`NotFound`](AccountError::NotFound) where nobody is resident by this id, [`NotActive`](AccountError::NotActive)
    /// where they are disabled, [`Taken`](AccountError::Taken) where the digest is another session's.
    pub async fn begin_session(&self, actor: &Actor, new: &NewSession) -> Result<Session, AccountError> {
        self.ask(Begin { actor: actor.clone(), new: new.clone() }).await
    }

    /// The session that a token belongs to, which goes on with that. One that is over, or whose person is disabled
    /// or gone, ends for good: it does not come back when they are enabled again.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn resume_session(&self, digest: &Digest) -> Result<Option<Session>, AccountError> {
        match self.ask(Look { digest: *digest }).await? {
            Looked::Gone => Ok(None),
            Looked::Fresh(session) => Ok(Some(session)),
            Looked::Stale => self.ask(Touch { digest: *digest }).await,
        }
    }

    /// Ends a session; false where there is none.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn end_session(&self, actor: &Actor, digest: &Digest) -> Result<bool, AccountError> {
        self.ask(End { actor: actor.clone(), digest: *digest }).await
    }

    /// Ends all sessions of an account but that with the digest `except`; tells how many.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn end_sessions_of(
        &self,
        actor: &Actor,
        account: &UserRef,
        except: Option<&Digest>,
    ) -> Result<u64, AccountError> {
        self.ask(EndAll { actor: actor.clone(), account: account.clone(), except: except.copied() }).await
    }
}

/// The host itself looks for what a digest belongs to: whose rows those are is found out by that.
fn anywhere() -> Scope {
    Scope { everything: true, ..Scope::default() }
}

/// The longest time between two that a use is written down, in milliseconds.
const TOUCHED_EVERY: i64 = 60_000;

const COLUMNS: &str = "organization, person, root, begun_at, seen_at, idle, ends_at";

/// A row of [`COLUMNS`].
struct Stored {
    account: UserRef,
    root: String,
    begun_at: i64,
    seen_at: i64,
    idle: i64,
    ends_at: i64,
}

impl Stored {
    fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            account: UserRef { organization: row.get(0)?, id: row.get(1)? },
            root: row.get(2)?,
            begun_at: row.get(3)?,
            seen_at: row.get(4)?,
            idle: row.get(5)?,
            ends_at: row.get(6)?,
        })
    }

    fn is_over(&self, now: i64) -> bool {
        self.ends_at <= now || self.seen_at.saturating_add(self.idle) <= now
    }

    fn is_fresh(&self, now: i64) -> bool {
        now.saturating_sub(self.seen_at) < TOUCHED_EVERY.min(self.idle / 10)
    }

    fn shown(self) -> Session {
        let instant = |at: i64| u64::try_from(at).unwrap_or_default();
        Session {
            account: self.account,
            root: self.root,
            begun_at: instant(self.begun_at),
            seen_at: instant(self.seen_at),
            idle_until: instant(self.seen_at.saturating_add(self.idle).min(self.ends_at)),
            ends_at: instant(self.ends_at),
        }
    }
}

/// The condition that the person of a session is there and enabled.
const WORKS: &str = "exists (select 1 from person p join organization o on o.id = p.organization and o.deleted = 0 \
    where p.organization = session.organization and p.id = session.person and p.active = 1 \
    and p.account_organization = p.organization and p.account_id = p.id)";

struct Note {
    actor: Actor,
    organization: String,
    account: Option<UserRef>,
    outcome: SignIn,
}

impl Operation for Note {
    type Output = ();
    const NAME: &'static str = "accounts.note-sign-in";

    fn scope(&self) -> Scope {
        Scope { organization: Some(self.organization.clone()), ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<(), OperationError> {
        let (kind, word) = match self.outcome {
            SignIn::Done => (EventKind::AccountSignedIn, None),
            SignIn::Refused(word) => (EventKind::AccountSignInRefused, Some(word)),
        };
        let of = Of { subject: self.account.as_ref(), word, ..Of::default() };
        let event = self.actor.internal()?.event(Some(&self.organization), kind, &of);
        Ok(note(db, &[event]).await?)
    }
}

struct Begin {
    actor: Actor,
    new: NewSession,
}

impl Operation for Begin {
    type Output = Session;
    const NAME: &'static str = "accounts.begin-session";

    fn scope(&self) -> Scope {
        Scope { organization: Some(self.new.account.organization.clone()), ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Session, OperationError> {
        let NewSession { digest, account, root, idle, lifetime: length } = &self.new;
        text("the id of a root", root, 255)?;
        let (idle, length) =
            (lifetime("the idle time of a session", *idle)?, lifetime("the lifetime of a session", *length)?);
        require_active(db, account).await?;
        let now = db.now();
        let sql = format!(
            "insert into session (digest, {COLUMNS}) values ($1, $2, $3, $4, $5, $5, $6, $7) \
             on conflict do nothing returning {COLUMNS}"
        );
        let ends_at = now.saturating_add(length);
        let row = values![*digest, &account.organization, &account.id, root, now, idle, ends_at];
        let Some(row) = db.row(&sql, row).await.map_err(in_the_way)? else {
            return Err(AccountError::Taken("the token is in use; make another".into()).into());
        };
        let event = self.actor.internal()?.event(
            Some(&account.organization),
            EventKind::AccountSignedIn,
            &Of::user(account),
        );
        note(db, &[event]).await?;
        Ok(Stored::read(&row)?.shown())
    }
}

/// Reads a session, which mostly is all that is to be done.
struct Look {
    digest: Digest,
}

enum Looked {
    /// There is none.
    Gone,
    /// It goes on, and its use was written down a moment ago.
    Fresh(Session),
    /// Its use is to be written down, or its end.
    Stale,
}

impl Operation for Look {
    type Output = Looked;
    const NAME: &'static str = "accounts.look-at-session";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        anywhere()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Looked, OperationError> {
        let sql = "select s.organization, s.person, s.root, s.begun_at, s.seen_at, s.idle, s.ends_at, o.id from session s \
                   left join person p on p.organization = s.organization and p.id = s.person and p.active = 1 \
                       and p.account_organization = p.organization and p.account_id = p.id \
                   left join organization o on o.id = p.organization and o.deleted = 0 where s.digest = $1";
        let Some(row) = db.row(sql, values![self.digest]).await? else { return Ok(Looked::Gone) };
        let (stored, works) = (Stored::read(&row)?, row.get::<Option<String>>(7)?.is_some());
        let now = db.now();
        if works && !stored.is_over(now) && stored.is_fresh(now) {
            return Ok(Looked::Fresh(stored.shown()));
        }
        Ok(Looked::Stale)
    }
}

/// Writes down that a session is used, or that it is over.
struct Touch {
    digest: Digest,
}

impl Operation for Touch {
    type Output = Option<Session>;
    const NAME: &'static str = "accounts.resume-session";

    fn scope(&self) -> Scope {
        anywhere()
    }

    /// One statement decides. What it did not find is over.
    async fn run<C: Connection>(&self, db: &mut C) -> Result<Option<Session>, OperationError> {
        let now = db.now();
        let touch = format!(
            "update session set seen_at = $2 where digest = $1 and seen_at + idle > $2 and ends_at > $2 and {WORKS} \
             returning {COLUMNS}"
        );
        if let Some(row) = db.row(&touch, values![self.digest, now]).await? {
            return Ok(Some(Stored::read(&row)?.shown()));
        }
        let end = format!("delete from session where digest = $1 returning {COLUMNS}");
        if let Some(row) = db.row(&end, values![self.digest]).await? {
            let over = Stored::read(&row)?;
            let word = if over.is_over(now) { Word::Expired } else { Word::NotActive };
            let of = Of { word: Some(word), ..Of::user(&over.account) };
            let actor = audit::Actor::host()?;
            let event = actor.event(Some(&over.account.organization), EventKind::AccountSignedOut, &of);
            note(db, &[event]).await?;
        }
        Ok(None)
    }
}

struct End {
    actor: Actor,
    digest: Digest,
}

impl Operation for End {
    type Output = bool;
    const NAME: &'static str = "accounts.end-session";

    fn scope(&self) -> Scope {
        anywhere()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<bool, OperationError> {
        let sql = "delete from session where digest = $1 returning organization, person";
        let Some(row) = db.row(sql, values![self.digest]).await? else { return Ok(false) };
        let account = UserRef { organization: row.get(0)?, id: row.get(1)? };
        let event = self.actor.internal()?.event(
            Some(&account.organization),
            EventKind::AccountSignedOut,
            &Of::user(&account),
        );
        note(db, &[event]).await?;
        Ok(true)
    }
}

struct EndAll {
    actor: Actor,
    account: UserRef,
    except: Option<Digest>,
}

impl Operation for EndAll {
    type Output = u64;
    const NAME: &'static str = "accounts.end-sessions-of";

    fn scope(&self) -> Scope {
        Scope { organization: Some(self.account.organization.clone()), ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<u64, OperationError> {
        let mut whose = values![&self.account.organization, &self.account.id].to_vec();
        let mut sql = "delete from session where organization = $1 and person = $2".to_owned();
        if let Some(except) = self.except {
            sql += " and digest <> $3";
            whose.push(Value::from(except));
        }
        let ended = db.change(&sql, &whose).await?;
        if ended > 0 {
            let of = Of { word: Some(Word::Revoked), ..Of::user(&self.account) };
            let organization = Some(self.account.organization.as_str());
            let event = self.actor.internal()?.event(organization, EventKind::AccountSignedOut, &of);
            note(db, &[event]).await?;
        }
        Ok(ended)
    }
}
