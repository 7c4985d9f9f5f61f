//! Access tokens that the server itself has given out.

use guestlist_contract::{
    audit::EventKind,
    types::{Principal, UserRef},
};

use super::{
    AccountError, Accounts, Actor, Digest, clients::GOOD, lifetime, require_active, require_organization,
    text,
};
use crate::{
    audit::{Event, Of, note},
    codec::{from_json, json},
    error::{DbError, OperationError},
    people::in_the_way,
    sql::{Connection, Operation, Row, Scope, values},
};

/// A token that is to be given out.
#[derive(Clone)]
pub struct NewToken {
    /// SHA-256 of the token: at least 128 random bits, made by the server.
    pub digest: Digest,
    /// The organization in which it is good.
    pub organization: String,
    /// Who has it: a person or a client.
    pub holder: Principal,
    /// What it is good for; at most 100 of at most 255 bytes.
    pub scopes: Vec<String>,
    /// How long it is good, in milliseconds.
    pub lifetime: u64,
}

/// A token that is good.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessToken {
    /// The organization in which it is good.
    pub organization: String,
    /// Who has it.
    pub holder: Principal,
    /// What it is good for, in the order in which that was said.
    pub scopes: Vec<String>,
    /// When it ends, in milliseconds since 1970.
    pub expires_at: u64,
}

impl Accounts {
    /// Writes a token down; tells when it ends, in milliseconds since 1970.
    ///
    /// # Errors
    /// [`NotFound`](AccountError::NotFound) where there is no such organization, account or client;
    /// [`NotActive`](AccountError::NotActive) where the holder may not sign in; [`Taken`](AccountError::Taken)
    /// where the digest is another token's; [`Invalid`](AccountError::Invalid) for a holder who is neither a
    /// person nor a client.
    pub async fn issue_token(&self, actor: &Actor, new: &NewToken) -> Result<u64, AccountError> {
        self.ask(Issue { actor: actor.clone(), new: new.clone() }).await
    }

    /// The token with this digest, where it is good: it is not over, and its holder may still sign in.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn find_token(&self, digest: &Digest) -> Result<Option<AccessToken>, AccountError> {
        self.ask(Find { digest: *digest }).await
    }

    /// Revokes a token; false where there is none.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn revoke_token(&self, actor: &Actor, digest: &Digest) -> Result<bool, AccountError> {
        self.ask(Revoke { actor: actor.clone(), whose: Whose::Digest(*digest) }).await.map(|count| count > 0)
    }

    /// Revokes all tokens of a person or client; tells how many.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn revoke_tokens_of(&self, actor: &Actor, holder: &Principal) -> Result<u64, AccountError> {
        self.ask(Revoke { actor: actor.clone(), whose: Whose::Holder(holder.clone()) }).await
    }
}

/// The event of a token.
fn event(actor: &Actor, kind: EventKind, organization: &str, holder: &Principal) -> Result<Event, DbError> {
    let of = match holder {
        Principal::User(account) => Of::user(account),
        Principal::Client(client) => Of::id(client),
        Principal::Anonymous | Principal::System => Of::default(),
    };
    Ok(actor.internal()?.event(Some(organization), kind, &of))
}

/// The holder in the columns `account_organization`, `account_id` and `client`, which are the first.
fn holder(row: &Row) -> Result<Principal, DbError> {
    let account = row.get::<Option<String>>(0)?.zip(row.get(1)?);
    let client: Option<String> = row.get(2)?;
    let account = account.map(|(organization, id)| Principal::User(UserRef { organization, id }));
    let nobody = || DbError::Damaged("a token belongs to nobody".into());
    account.or_else(|| client.map(Principal::Client)).ok_or_else(nobody)
}

fn anywhere() -> Scope {
    Scope { everything: true, ..Scope::default() }
}

struct Issue {
    actor: Actor,
    new: NewToken,
}

impl Operation for Issue {
    type Output = u64;
    const NAME: &'static str = "accounts.issue-token";

    /// Its holder may be of another organization.
    fn scope(&self) -> Scope {
        anywhere()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<u64, OperationError> {
        let NewToken { digest, organization, holder, scopes, lifetime: length } = &self.new;
        if scopes.len() > 100 {
            return Err(AccountError::Invalid("a token has at most 100 scopes".into()).into());
        }
        scopes.iter().try_for_each(|scope| text("a scope", scope, 255))?;
        require_organization(db, organization).await?;
        let now = db.now();
        let (account, client) = match holder {
            Principal::User(account) => {
                require_active(db, account).await?;
                (Some(account), None)
            }
            Principal::Client(client) => {
                let good = format!("select 1 from client where id = $1 and {GOOD}");
                if db.row(&good, values![client, now]).await?.is_none() {
                    let there = db.row("select 1 from client where id = $1", values![client]).await?;
                    let none = || AccountError::NotFound(format!("there is no client `{client}`"));
                    return Err(there.map_or_else(none, |_| AccountError::NotActive).into());
                }
                (None, Some(client))
            }
            Principal::Anonymous | Principal::System => {
                let wrong = "a token belongs to a person or a client";
                return Err(AccountError::Invalid(wrong.into()).into());
            }
        };
        let expires_at = now.saturating_add(lifetime("the lifetime of a token", *length)?);
        let sql = "insert into token (digest, organization, account_organization, account_id, client, scopes, \
                   made_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing";
        let row = values![
            *digest,
            organization,
            account.map(|account| &account.organization),
            account.map(|account| &account.id),
            client,
            json(scopes)?,
            now,
            expires_at
        ];
        if db.change(sql, row).await.map_err(in_the_way)? == 0 {
            return Err(AccountError::Taken("the token is in use; make another".into()).into());
        }
        note(db, &[event(&self.actor, EventKind::TokenIssued, organization, holder)?]).await?;
        Ok(u64::try_from(expires_at).unwrap_or_default())
    }
}

struct Find {
    digest: Digest,
}

impl Operation for Find {
    type Output = Option<AccessToken>;
    const NAME: &'static str = "accounts.find-token";
    const READS: bool = true;

    /// The host itself looks for what a digest belongs to: whose row it is is found out by that.
    fn scope(&self) -> Scope {
        anywhere()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Option<AccessToken>, OperationError> {
        // Each of them is looked up by its key. Of `exists` within an `or` PostgreSQL may make a list of everybody.
        let sql = "select t.account_organization, t.account_id, t.client, t.organization, t.scopes, t.expires_at \
                   from token t join organization place on place.id = t.organization and place.deleted = 0 \
                   left join client c on c.id = t.client and c.revoked_at is null \
                       and (c.expires_at is null or c.expires_at > $2) \
                   left join person p on p.organization = t.account_organization and p.id = t.account_id \
                       and p.active = 1 and p.account_organization = p.organization and p.account_id = p.id \
                   join organization home on home.id = coalesce(c.organization, p.organization) and home.deleted = 0 \
                   where t.digest = $1 and t.expires_at > $2";
        let Some(row) = db.row(sql, values![self.digest, db.now()]).await? else { return Ok(None) };
        Ok(Some(AccessToken {
            holder: holder(&row)?,
            organization: row.get(3)?,
            scopes: from_json(&row.get::<String>(4)?)?,
            expires_at: row.get(5)?,
        }))
    }
}

enum Whose {
    Digest(Digest),
    Holder(Principal),
}

struct Revoke {
    actor: Actor,
    whose: Whose,
}

impl Operation for Revoke {
    type Output = u64;
    const NAME: &'static str = "accounts.revoke-token";

    fn scope(&self) -> Scope {
        anywhere()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<u64, OperationError> {
        let (which, values) = match &self.whose {
            Whose::Digest(digest) => ("digest = $1", values![*digest].to_vec()),
            Whose::Holder(Principal::User(account)) => (
                "account_organization = $1 and account_id = $2",
                values![&account.organization, &account.id].to_vec(),
            ),
            Whose::Holder(Principal::Client(client)) => ("client = $1", values![client].to_vec()),
            Whose::Holder(Principal::Anonymous | Principal::System) => return Ok(0),
        };
        let sql = format!(
            "delete from token where {which} returning account_organization, account_id, client, organization"
        );
        let gone = db.rows(&sql, &values).await?;
        let told =
            |row: &Row| event(&self.actor, EventKind::TokenRevoked, &row.get::<String>(3)?, &holder(row)?);
        let told = gone.iter().map(told).collect::<Result<Vec<_>, DbError>>()?;
        note(db, &told).await?;
        Ok(gone.len() as u64)
    }
}
