//! People as an organization sees them, and what they may do there.

use guestlist_harness::contract::{
    directory::User,
    types::{Grant, Permissions, Principal, UserRef},
};

use super::is_askable;
use crate::{
    codec::{Word as _, from_json, principal},
    error::Failure,
    many,
    sql::{Connection, Row, Value, values},
};

/// A local account with what is known of it where it is resident: the columns of [`Seen::read`]. The one of
/// a resident is its own.
const SEEN: &str = "select p.id, p.folded, p.store, p.folded_email, p.active, p.account_organization, \
    p.account_id, r.active, r.email from person p left join person r \
    on r.organization = p.account_organization and r.id = p.account_id \
    and r.account_organization = r.organization and r.account_id = r.id \
    and exists (select 1 from organization o where o.id = r.organization and o.deleted = 0)";

/// A local account.
pub(super) struct Seen {
    id: String,
    pub(super) folded: String,
    pub(super) store: String,
    pub(super) folded_email: Option<String>,
    active: bool,
    pub(super) account: UserRef,
    resident: Option<Resident>,
}

struct Resident {
    active: bool,
    has_email: bool,
}

impl Seen {
    fn read(row: &Row) -> Result<Self, Failure> {
        let resident = |active| {
            Ok::<_, Failure>(Resident { active, has_email: row.get::<Option<String>>(8)?.is_some() })
        };
        Ok(Self {
            id: row.get(0)?,
            folded: row.get(1)?,
            store: row.get(2)?,
            folded_email: row.get(3)?,
            active: row.get(4)?,
            account: UserRef { organization: row.get(5)?, id: row.get(6)? },
            resident: row.get::<Option<bool>>(7)?.map(resident).transpose()?,
        })
    }

    /// A guest whose account is gone is nobody any more.
    pub(super) fn has_account(&self) -> bool {
        self.resident.is_some()
    }

    /// As `organization`, whose local account it is, sees him.
    pub(super) fn user(&self, organization: &str) -> User {
        let is_guest = self.account.organization != organization;
        User {
            account: self.account.clone(),
            via: is_guest.then(|| UserRef { organization: organization.to_owned(), id: self.id.clone() }),
            active: self.active && self.resident.as_ref().is_some_and(|resident| resident.active),
            has_email: self.resident.as_ref().is_some_and(|resident| resident.has_email),
        }
    }
}

/// The people of an organization who have one of these names or addresses, in lower case, in one of these
/// stores. No list is empty.
pub(super) async fn named<C: Connection>(
    db: &mut C,
    organization: &str,
    stores: &[String],
    names: &[String],
) -> Result<Vec<Seen>, Failure> {
    let (first_store, first_name) = (2, 2 + stores.len());
    let (in_stores, in_names) = (many::list(first_store, stores.len()), many::list(first_name, names.len()));
    // Each half has an index of its own, and nothing else to begin with. With `or` between them SQLite looks
    // through the whole store; with both as a list of ids PostgreSQL may, as long as it does not know how many
    // people an organization has.
    let half = |name: &str| {
        format!("{SEEN} where p.organization = $1 and p.store in {in_stores} and p.{name} in {in_names}")
    };
    let sql = format!("{} union {}", half("folded"), half("folded_email"));
    let values =
        [organization.to_owned()].iter().chain(stores).chain(names).map(Value::from).collect::<Vec<_>>();
    db.rows(&sql, &values).await?.iter().map(Seen::read).collect()
}

/// The users of an organization with these accounts; nobody where it was deleted.
pub(super) async fn with_accounts<C: Connection>(
    db: &mut C,
    organization: &str,
    accounts: &[UserRef],
) -> Result<Vec<Seen>, Failure> {
    const ACCOUNT: [&str; 2] = ["p.account_organization", "p.account_id"];
    let Some((accounts, values)) =
        listed(Some("p.organization = $1"), ACCOUNT, values![organization], accounts)
    else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "{SEEN} where {accounts} \
         and exists (select 1 from organization o where o.id = p.organization and o.deleted = 0)"
    );
    db.rows(&sql, &values).await?.iter().map(Seen::read).collect()
}

/// The condition that two columns are one of these accounts, with the values of the statement: those that
/// come `before`, and its own. `within` is what all share. `None` where none can be.
pub(super) fn listed(
    within: Option<&str>,
    columns: [&str; 2],
    before: &[Value],
    accounts: &[UserRef],
) -> Option<(String, Vec<Value>)> {
    pairs(
        within,
        columns,
        before,
        accounts.iter().map(|account| (account.organization.as_str(), account.id.as_str())),
    )
}

/// The same for groups and roles of the organization that is the first value.
pub(super) fn listed_grants(before: &[Value], grants: &[Grant]) -> Option<(String, Vec<Value>)> {
    pairs(
        Some("organization = $1"),
        ["kind", "id"],
        before,
        grants.iter().map(|grant| (grant.kind.word(), grant.id.as_str())),
    )
}

fn pairs<'a>(
    within: Option<&str>,
    columns: [&str; 2],
    before: &[Value],
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Option<(String, Vec<Value>)> {
    let mut askable = pairs.filter(|(one, other)| is_askable(one) && is_askable(other)).peekable();
    askable.peek()?;
    let mut bound = before.to_vec();
    let condition = many::either(within, columns, askable, &mut bound);
    Some((condition, bound))
}

/// What `who` may do in an organization now; `None` when he has no access to it.
pub(super) async fn standing<C: Connection>(
    db: &mut C,
    organization: &str,
    who: &Principal,
) -> Result<Option<Permissions>, Failure> {
    if *who == Principal::Anonymous {
        return Ok(None);
    }
    let account = if let Principal::User(user) = who { Some(user) } else { None };
    if account.is_some_and(|user| !is_askable(&user.organization) || !is_askable(&user.id)) {
        return Ok(None);
    }
    let sql = "select \
        (select e.permissions from permission e where e.organization = o.id and e.who = $2), \
        (select p.active from person p where p.organization = o.id and p.account_organization = $3 \
            and p.account_id = $4), \
        (select r.active from person r where r.organization = $3 and r.id = $4 \
            and r.account_organization = $3 and r.account_id = $4 \
            and exists (select 1 from organization h where h.id = r.organization and h.deleted = 0)) \
        from organization o where o.id = $1 and o.deleted = 0";
    let values = values![
        organization,
        principal(who)?,
        account.map(|user| &user.organization),
        account.map(|user| &user.id)
    ];
    let Some(row) = db.row(sql, values).await? else { return Ok(None) };
    let entitled: Option<Permissions> =
        row.get::<Option<String>>(0)?.as_deref().map(from_json).transpose()?;
    let (local, resident) = (row.get::<Option<bool>>(1)?, row.get::<Option<bool>>(2)?);
    Ok(match who {
        Principal::Anonymous => None,
        Principal::System => Some(Permissions::empty()),
        Principal::Client(_) => entitled,
        Principal::User(_) => {
            let works = resident == Some(true) && local != Some(false);
            entitled.or_else(|| local.map(|_| Permissions::empty())).filter(|_| works)
        }
    })
}
