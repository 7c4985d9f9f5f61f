//! Identities: who signs in as whom by another system.

use guestlist_contract::{audit::EventKind, types::UserRef};

use super::{AccountError, Accounts, Actor, is_active, judge_resident, no_account, path_of, text};
use crate::{
    audit::{Of, note},
    error::OperationError,
    people::{Judged, in_the_way},
    sql::{Connection, Operation, Scope, values},
};

/// An identity of another system, as OpenID Connect names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The issuer, as its tokens say it; 1 to 2048 bytes.
    pub issuer: String,
    /// Who it is there; 1 to 255 bytes.
    pub subject: String,
}

/// The account that an identity signs in as.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedInAs {
    /// The account, where it is resident.
    pub account: UserRef,
    /// Its user name.
    pub name: String,
    /// False: they may not sign in.
    pub active: bool,
}

impl Accounts {
    /// Lets an identity sign in as this account, in the root that the account is in. Doing it twice changes
    /// nothing.
    ///
    /// # Errors
    /// [`Taken`](AccountError::Taken) where it signs in as another there; [`NotFound`](AccountError::NotFound)
    /// where nobody is resident by this id; [`Invalid`](AccountError::Invalid).
    pub async fn link_identity(
        &self,
        actor: &Actor,
        account: &UserRef,
        identity: &Identity,
    ) -> Result<(), AccountError> {
        self.ask(Link {
            actor: actor.clone(),
            account: account.clone(),
            identity: identity.clone(),
            judged: self.judged,
        })
        .await
    }

    /// Lets an identity sign in as this account no longer; false where it did not.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn unlink_identity(
        &self,
        actor: &Actor,
        account: &UserRef,
        identity: &Identity,
    ) -> Result<bool, AccountError> {
        self.ask(Unlink {
            actor: actor.clone(),
            account: account.clone(),
            identity: identity.clone(),
            judged: self.judged,
        })
        .await
    }

    /// The account that an identity signs in as at this root, enabled or not. Absent where its account is gone, or
    /// has moved to another root with its organization.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn account_of(
        &self,
        root: &str,
        identity: &Identity,
    ) -> Result<Option<SignedInAs>, AccountError> {
        self.ask(Find { root: root.to_owned(), identity: identity.clone() }).await
    }

    /// The identities that sign in as this account, in any order; at most 200.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn identities_of(&self, account: &UserRef) -> Result<Vec<Identity>, AccountError> {
        self.ask(OfAccount { account: account.clone() }).await
    }
}

fn within(account: &UserRef) -> Scope {
    Scope { organization: Some(account.organization.clone()), ..Scope::default() }
}

struct Link {
    actor: Actor,
    account: UserRef,
    identity: Identity,
    judged: Option<Judged>,
}

impl Operation for Link {
    type Output = ();
    const NAME: &'static str = "accounts.link-identity";

    fn scope(&self) -> Scope {
        within(&self.account)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<(), OperationError> {
        let (UserRef { organization, id }, Identity { issuer, subject }) = (&self.account, &self.identity);
        text("an issuer", issuer, 2048)?;
        text("the subject of an identity", subject, 255)?;
        is_active(db, &self.account).await?.ok_or_else(|| no_account(&self.account))?;
        judge_resident(db, self.judged, &self.actor, &self.account).await?;
        let path = path_of(db, organization).await?;
        let root = path.last().ok_or_else(|| no_account(&self.account))?;
        let sql = "insert into identity (root, issuer, subject, organization, person, linked_at) \
                   values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
        let row = values![root, issuer, subject, organization, id, db.now()];
        if db.change(sql, row).await.map_err(in_the_way)? == 0 {
            let own = "select 1 from identity where root = $1 and issuer = $2 and subject = $3 \
                       and organization = $4 and person = $5";
            let taken = || AccountError::Taken("this identity signs in as another account here".into());
            db.row(own, values![root, issuer, subject, organization, id]).await?.ok_or_else(taken)?;
            return Ok(());
        }
        let of = Of::user(&self.account);
        let event = self.actor.internal()?.event(Some(organization), EventKind::AccountIdentityLinked, &of);
        Ok(note(db, &[event]).await?)
    }
}

struct Unlink {
    actor: Actor,
    account: UserRef,
    identity: Identity,
    judged: Option<Judged>,
}

impl Operation for Unlink {
    type Output = bool;
    const NAME: &'static str = "accounts.unlink-identity";

    fn scope(&self) -> Scope {
        within(&self.account)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<bool, OperationError> {
        let (UserRef { organization, id }, Identity { issuer, subject }) = (&self.account, &self.identity);
        judge_resident(db, self.judged, &self.actor, &self.account).await?;
        let sql =
            "delete from identity where organization = $1 and person = $2 and issuer = $3 and subject = $4";
        if db.change(sql, values![organization, id, issuer, subject]).await? == 0 {
            return Ok(false);
        }
        let of = Of::user(&self.account);
        let event = self.actor.internal()?.event(Some(organization), EventKind::AccountIdentityUnlinked, &of);
        note(db, &[event]).await?;
        Ok(true)
    }
}

struct Find {
    root: String,
    identity: Identity,
}

impl Operation for Find {
    type Output = Option<SignedInAs>;
    const NAME: &'static str = "accounts.account-of";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope { organization: Some(self.root.clone()), ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Option<SignedInAs>, OperationError> {
        let sql = "select p.organization, p.id, p.name, p.active from identity i \
                   join person p on p.organization = i.organization and p.id = i.person \
                   where i.root = $1 and i.issuer = $2 and i.subject = $3";
        let asked = values![&self.root, &self.identity.issuer, &self.identity.subject];
        let Some(row) = db.row(sql, asked).await? else { return Ok(None) };
        let account = UserRef { organization: row.get(0)?, id: row.get(1)? };
        let path = path_of(db, &account.organization).await?;
        let found = SignedInAs { account, name: row.get(2)?, active: row.get(3)? };
        Ok(Some(found).filter(|_| path.last() == Some(&self.root)))
    }
}

struct OfAccount {
    account: UserRef,
}

impl Operation for OfAccount {
    type Output = Vec<Identity>;
    const NAME: &'static str = "accounts.identities-of";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        within(&self.account)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Vec<Identity>, OperationError> {
        let sql = "select issuer, subject from identity where organization = $1 and person = $2 limit 200";
        let rows = db.rows(sql, values![&self.account.organization, &self.account.id]).await?;
        let identity = |row: &crate::sql::Row| Ok(Identity { issuer: row.get(0)?, subject: row.get(1)? });
        rows.iter().map(identity).collect()
    }
}
