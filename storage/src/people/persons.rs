//! People as an organization sees them, and what they may do there.

use guestlist_contract::{
    address_domain,
    directory::User,
    lookup::{By, Look},
    types::{Grant, UserRef},
};

use super::is_askable;
use crate::{
    bulk_sql,
    codec::{Word as _, folded},
    error::DbError,
    sql::{Connection, Row, Value, values},
};

/// A local account `p` with what is known of it where it is resident, `r`: what [`Seen::read`] reads.
const COLUMNS: &str =
    "p.id, p.folded, p.store, p.active, p.account_organization, p.account_id, r.active, r.email";

/// `r` is a resident of an organization that was not deleted.
const RESIDENT: &str = "r.account_organization = r.organization and r.account_id = r.id \
    and exists (select 1 from organization o where o.id = r.organization and o.deleted = 0)";

/// All local accounts. The one of a resident is its own. Whether it is one, and its organization is there,
/// is no condition of the join: PostgreSQL would believe that few people are left, and read them all to find
/// them.
fn seen() -> &'static str {
    "select p.id, p.folded, p.store, p.active, p.account_organization, p.account_id, \
     case when o.id is null or r.account_organization <> r.organization or r.account_id <> r.id then null \
     else r.active end, r.email from person p \
     left join person r on r.organization = p.account_organization and r.id = p.account_id \
     left join organization o on o.id = r.organization and o.deleted = 0"
}

/// A local account.
pub(super) struct Seen {
    id: String,
    pub(super) folded: String,
    pub(super) store: String,
    active: bool,
    pub(super) account: UserRef,
    resident: Option<Resident>,
}

struct Resident {
    active: bool,
    email: Option<String>,
}

impl Seen {
    fn read(row: &Row) -> Result<Self, DbError> {
        let resident = |active| Ok::<_, DbError>(Resident { active, email: row.get(7)? });
        Ok(Self {
            id: row.get(0)?,
            folded: row.get(1)?,
            store: row.get(2)?,
            active: row.get(3)?,
            account: UserRef { organization: row.get(4)?, id: row.get(5)? },
            resident: row.get::<Option<bool>>(6)?.map(resident).transpose()?,
        })
    }

    /// A guest whose account is gone is nobody any more.
    pub(super) fn has_account(&self) -> bool {
        self.resident.is_some()
    }

    /// Tells whether a look is for them: by their user name, or by their address where they are resident.
    pub(super) fn fits(&self, look: &Look) -> bool {
        let email = self.resident.as_ref().and_then(|resident| resident.email.as_ref());
        let fits = match look.by {
            By::Name => self.folded == look.text,
            By::Address => email.is_some_and(|email| folded(email) == look.text),
        };
        fits && look.store.as_ref().is_none_or(|store| self.store == *store)
    }

    /// Shows them as `organization`, whose local account it is, sees them.
    pub(super) fn user(&self, organization: &str) -> User {
        let is_guest = self.account.organization != organization;
        User {
            account: self.account.clone(),
            via: is_guest.then(|| UserRef { organization: organization.to_owned(), id: self.id.clone() }),
            active: self.active && self.resident.as_ref().is_some_and(|resident| resident.active),
            has_email: self
                .resident
                .as_ref()
                .is_some_and(|resident| resident.email.as_deref().and_then(address_domain).is_some()),
        }
    }
}

/// The people of an organization who have one of these names, or one of these addresses where they are
/// resident, in lower case.
pub(super) async fn named<C: Connection>(
    db: &mut C,
    organization: &str,
    stores: &[String],
    names: &[String],
    addresses: &[String],
) -> Result<Vec<Seen>, DbError> {
    if names.is_empty() && addresses.is_empty() {
        return Ok(Vec::new());
    }
    let texts = [organization.to_owned()];
    let mut bound: Vec<Value> = texts.iter().chain(names).chain(stores).map(Value::from).collect();
    // Each half has an index of its own, and nothing else to begin with. With `or` between them SQLite looks
    // through the whole organization; with both as a list of ids PostgreSQL may, as long as it does not know
    // how many people an organization has.
    let in_names = bulk_sql::list(2, names.len());
    let in_stores = bulk_sql::list(2 + names.len(), stores.len());
    // By the unique index of names PostgreSQL knows that few will be found, and looks each of them up.
    let mut sql =
        format!("{} where p.organization = $1 and p.store in {in_stores} and p.folded in {in_names}", seen());
    if !addresses.is_empty() {
        let in_addresses = bulk_sql::list(bound.len() + 1, addresses.len());
        bound.extend(addresses.iter().map(Value::from));
        // From one organization to the next in which somebody of this one is resident: those are few, and in
        // others anybody may have given this address to as many accounts as they like. `cross join` keeps
        // SQLite from beginning at the other end.
        sql = format!(
            "with recursive home (id) as ( \
                select min(account_organization) from person where organization = $1 \
                union all \
                select (select min(n.account_organization) from person n \
                    where n.organization = $1 and n.account_organization > home.id) \
                from home where home.id is not null) \
             {sql} union select {COLUMNS} from home h cross join person r cross join person p \
             where r.organization = h.id and r.folded_email in {in_addresses} and {RESIDENT} \
             and p.organization = $1 and p.account_organization = r.organization and p.account_id = r.id"
        );
    }
    db.rows(&sql, &bound).await?.iter().map(Seen::read).collect()
}

/// The users of an organization with these accounts; nobody where it was deleted.
pub(super) async fn with_accounts<C: Connection>(
    db: &mut C,
    organization: &str,
    accounts: &[UserRef],
) -> Result<Vec<Seen>, DbError> {
    const ACCOUNT: [&str; 2] = ["p.account_organization", "p.account_id"];
    let Some((accounts, values)) =
        listed(Some("p.organization = $1"), ACCOUNT, values![organization], accounts)
    else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "{} where {accounts} \
         and exists (select 1 from organization o where o.id = p.organization and o.deleted = 0)",
        seen()
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
    let condition = bulk_sql::either(within, columns, askable, &mut bound);
    Some((condition, bound))
}
