//! Passwords, as PHC strings that the server makes and judges. They never come here themselves.

use guestlist_contract::{audit::EventKind, lookup::DEFAULT_STORE, types::UserRef};

use super::{AccountError, Accounts, Actor, is_active, judge_resident, no_account, text};
use crate::{
    audit::{Of, note},
    codec::folded,
    error::OperationError,
    people::{Judged, in_the_way},
    sql::{Connection, Operation, Scope, values},
};

/// What a server needs to judge a password. It has no `Debug`: the PHC string is the password to whoever can try
/// enough of them.
#[derive(Clone, PartialEq)]
pub struct Login {
    /// Who signs in.
    pub account: UserRef,
    /// Their user name as it is spelt.
    pub name: String,
    /// False: they may not sign in, whatever their password is.
    pub active: bool,
    /// The PHC string; absent where they have no password.
    pub phc: Option<String>,
}

impl Accounts {
    /// Gives an account this password, instead of the one that it has. `phc` is a PHC string that the server has
    /// made, at most 1024 bytes. Sessions and tokens stay: end them with
    /// [`end_sessions_of`](Self::end_sessions_of) and [`revoke_tokens_of`](Self::revoke_tokens_of).
    ///
    /// # Errors
    /// [`NotFound`](AccountError::NotFound) where nobody is resident by this id; [`Invalid`](AccountError::Invalid)
    /// where it is no PHC string.
    pub async fn set_password(
        &self,
        actor: &Actor,
        account: &UserRef,
        phc: &str,
    ) -> Result<(), AccountError> {
        let phc = Some(phc.to_owned());
        self.ask(SetPassword { actor: actor.clone(), account: account.clone(), phc, judged: self.judged })
            .await
            .map(drop)
    }

    /// Takes an account's password away; false where it has none.
    ///
    /// # Errors
    /// [`NotFound`](AccountError::NotFound) where nobody is resident by this id.
    pub async fn remove_password(&self, actor: &Actor, account: &UserRef) -> Result<bool, AccountError> {
        self.ask(SetPassword {
            actor: actor.clone(),
            account: account.clone(),
            phc: None,
            judged: self.judged,
        })
        .await
    }

    /// The resident of an organization who has this user name in the default user store, whatever case it is
    /// written in. Whoever is not found should cost the server as much as who is: it makes a PHC string for nobody.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn password_of(&self, organization: &str, name: &str) -> Result<Option<Login>, AccountError> {
        self.ask(Find { organization: organization.to_owned(), name: name.to_owned() }).await
    }
}

struct SetPassword {
    actor: Actor,
    account: UserRef,
    phc: Option<String>,
    judged: Option<Judged>,
}

impl Operation for SetPassword {
    type Output = bool;
    const NAME: &'static str = "accounts.set-password";

    fn scope(&self) -> Scope {
        Scope { organization: Some(self.account.organization.clone()), ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<bool, OperationError> {
        let UserRef { organization, id } = &self.account;
        if let Some(phc) = &self.phc {
            text("a PHC string", phc, 1024)?;
            if !phc.starts_with('$') || phc.contains(|letter: char| !letter.is_ascii_graphic()) {
                let wrong = "that is no PHC string, which begins with `$`; a password itself is never stored";
                return Err(AccountError::Invalid(wrong.into()).into());
            }
        }
        is_active(db, &self.account).await?.ok_or_else(|| no_account(&self.account))?;
        judge_resident(db, self.judged, &self.actor, &self.account).await?;
        let kind = match &self.phc {
            Some(phc) => {
                let sql = "insert into password (organization, person, phc, set_at) values ($1, $2, $3, $4) \
                           on conflict (organization, person) do update set phc = excluded.phc, \
                           set_at = excluded.set_at";
                // Whoever is deleted meanwhile is found to be gone by the next try.
                db.change(sql, values![organization, id, phc, db.now()]).await.map_err(in_the_way)?;
                EventKind::AccountPasswordSet
            }
            None => {
                let sql = "delete from password where organization = $1 and person = $2";
                if db.change(sql, values![organization, id]).await? == 0 {
                    return Ok(false);
                }
                EventKind::AccountPasswordRemoved
            }
        };
        let event = self.actor.internal()?.event(Some(organization), kind, &Of::user(&self.account));
        note(db, &[event]).await?;
        Ok(true)
    }
}

struct Find {
    organization: String,
    name: String,
}

impl Operation for Find {
    type Output = Option<Login>;
    const NAME: &'static str = "accounts.password-of";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope {
            organization: Some(self.organization.clone()).filter(|id| !id.contains('\0')),
            ..Scope::default()
        }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Option<Login>, OperationError> {
        if self.organization.contains('\0') || self.name.contains('\0') {
            return Ok(None);
        }
        let sql = "select p.id, p.name, p.active, w.phc from person p \
                   join organization o on o.id = p.organization and o.deleted = 0 \
                   left join password w on w.organization = p.organization and w.person = p.id \
                   where p.organization = $1 and p.store = $2 and p.folded = $3 \
                   and p.account_organization = $1 and p.account_id = p.id";
        let asked = values![&self.organization, DEFAULT_STORE, folded(&self.name)];
        let Some(row) = db.row(sql, asked).await? else { return Ok(None) };
        let account = UserRef { organization: self.organization.clone(), id: row.get(0)? };
        Ok(Some(Login { account, name: row.get(1)?, active: row.get(2)?, phc: row.get(3)? }))
    }
}
