//! Names for ids, many at once, for showing lists.

use std::collections::BTreeMap;

use guestlist_contract::types::{Grant, UserRef};

use super::Reading;
use crate::{
    AccountError, bulk_sql,
    codec::Word as _,
    error::OperationError,
    sql::{Connection, Operation, Scope, Value},
};

/// The most names that are asked for at once.
const MOST: usize = 200;

impl Reading {
    /// The user names of accounts where they are resident, in the order of the accounts; absent where there is none
    /// (any more). At most 200.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid) for more.
    pub async fn names_of_accounts(&self, accounts: &[UserRef]) -> Result<Vec<Option<String>>, AccountError> {
        let keys = accounts.iter().map(|account| (account.organization.clone(), account.id.clone()));
        self.ask(Names::of(Table::Person, keys)?).await
    }

    /// The names of groups and roles of an organization, in their order. At most 200.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid) for more.
    pub async fn names_of_grants(
        &self,
        organization: &str,
        grants: &[Grant],
    ) -> Result<Vec<Option<String>>, AccountError> {
        let keys = grants.iter().map(|grant| (grant.kind.word().to_owned(), grant.id.clone()));
        self.ask(Names::of(Table::Target(organization.to_owned()), keys)?).await
    }

    /// The names of organizations, in their order; also of those that were deleted. At most 200.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid) for more.
    pub async fn names_of_organizations(
        &self,
        organizations: &[String],
    ) -> Result<Vec<Option<String>>, AccountError> {
        let keys = organizations.iter().map(|id| (String::new(), id.clone()));
        self.ask(Names::of(Table::Organization, keys)?).await
    }
}

enum Table {
    Person,
    /// Of this organization.
    Target(String),
    Organization,
}

struct Names {
    table: Table,
    keys: Vec<(String, String)>,
}

impl Names {
    fn of(table: Table, keys: impl Iterator<Item = (String, String)>) -> Result<Self, AccountError> {
        let keys: Vec<_> = keys.collect();
        if keys.len() > MOST {
            return Err(AccountError::Invalid(format!("at most {MOST} names are answered at once")));
        }
        Ok(Self { table, keys })
    }
}

impl Operation for Names {
    type Output = Vec<Option<String>>;
    const NAME: &'static str = "reading.names";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope::default()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let askable = |(one, other): &&(String, String)| !one.contains('\0') && !other.contains('\0');
        let keys = || self.keys.iter().filter(askable).map(|(one, other)| (one.as_str(), other.as_str()));
        if keys().next().is_none() {
            return Ok(self.keys.iter().map(|_| None).collect());
        }
        let (sql, bound) = match &self.table {
            Table::Person => {
                let mut bound = Vec::new();
                let those = bulk_sql::either(None, ["organization", "id"], keys(), &mut bound);
                // Whether they are resident is no condition: PostgreSQL would read all residents to find them.
                let resident =
                    "case when account_organization = organization and account_id = id then 1 else 0 end";
                (format!("select organization, id, name, {resident} from person where {those}"), bound)
            }
            Table::Target(organization) if organization.contains('\0') => {
                return Ok(self.keys.iter().map(|_| None).collect());
            }
            Table::Target(organization) => {
                let mut bound = vec![Value::from(organization)];
                let those = bulk_sql::either(Some("organization = $1"), ["kind", "id"], keys(), &mut bound);
                (format!("select kind, id, name, 1 from target where {those}"), bound)
            }
            Table::Organization => {
                let bound: Vec<_> = keys().map(|(_, id)| Value::from(id)).collect();
                let list = bulk_sql::list(1, bound.len());
                (format!("select '', id, name, 1 from organization where id in {list}"), bound)
            }
        };
        let mut known: BTreeMap<(String, String), String> = BTreeMap::new();
        for row in db.rows(&sql, &bound).await? {
            if row.get::<bool>(3)? {
                known.insert((row.get(0)?, row.get(1)?), row.get(2)?);
            }
        }
        Ok(self.keys.iter().map(|key| known.get(key).cloned()).collect())
    }
}
