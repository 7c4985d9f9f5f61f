//! What an organization has set, and what a group or role is.

use guestlist_contract::{
    AddressDomains,
    rights::Rights,
    settings::Values,
    types::{Grant, GrantKind},
};

use super::{Reading, TargetRow, refuse_nul};
use crate::{
    AccountError,
    codec::{Word as _, from_json},
    error::{DbError, OperationError},
    sql::{Connection, Operation, Row, Scope, values},
};

/// What an organization has set.
#[derive(Clone, Debug, PartialEq)]
pub struct OrganizationSettings {
    /// What the plugin sees.
    pub values: Values,
    /// The domains of the addresses that may be invited; absent: any.
    pub address_domains: Option<AddressDomains>,
    /// The places that invitations may lead to.
    pub landings: Vec<String>,
}

/// A group or role with all that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetDetail {
    /// The group or role.
    pub target: TargetRow,
    /// What those who have it may do. A group gives what its roles give.
    pub rights: Rights,
    /// Tells whether it is one of the roles that the organization began with.
    pub standard: bool,
    /// Of a role the groups that have it, of a group the roles that it has, by id; at most 1,000.
    pub assigned: Vec<Grant>,
    /// Of a role the clients that have it, by id; at most 1,000.
    pub clients: Vec<String>,
}

impl Reading {
    /// What an organization has set; absent where it was deleted.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn settings(&self, organization: &str) -> Result<Option<OrganizationSettings>, AccountError> {
        self.ask(GetSettings { organization: organization.to_owned() }).await
    }

    /// A group or role of an organization.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn target(
        &self,
        organization: &str,
        grant: &Grant,
    ) -> Result<Option<TargetDetail>, AccountError> {
        self.ask(GetTarget { organization: organization.to_owned(), grant: grant.clone() }).await
    }
}

struct GetSettings {
    organization: String,
}

impl Operation for GetSettings {
    type Output = Option<OrganizationSettings>;
    const NAME: &'static str = "reading.settings";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope::default()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        refuse_nul(&[&self.organization])?;
        let sql =
            "select settings, address_domains, landings from organization where id = $1 and deleted = 0";
        let Some(row) = db.row(sql, values![&self.organization]).await? else { return Ok(None) };
        Ok(Some(OrganizationSettings {
            values: from_json(&row.get::<String>(0)?)?,
            address_domains: row.get::<Option<String>>(1)?.as_deref().map(from_json).transpose()?,
            landings: from_json(&row.get::<String>(2)?)?,
        }))
    }
}

struct GetTarget {
    organization: String,
    grant: Grant,
}

impl Operation for GetTarget {
    type Output = Option<TargetDetail>;
    const NAME: &'static str = "reading.target";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope { organization: Some(self.organization.clone()), ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let Self { organization, grant } = self;
        refuse_nul(&[organization, &grant.id])?;
        let sql =
            "select name, rights, standard from target where organization = $1 and kind = $2 and id = $3";
        let Some(row) = db.row(sql, values![organization, grant.kind.word(), &grant.id]).await? else {
            return Ok(None);
        };
        let ids =
            |rows: Vec<Row>| rows.iter().map(|row| row.get(0)).collect::<Result<Vec<String>, DbError>>();
        let (sql, kind) = match grant.kind {
            GrantKind::Role => (
                "select group_id from role_group where organization = $1 and role = $2 order by 1 limit 1000",
                GrantKind::Group,
            ),
            GrantKind::Group => (
                "select role from role_group where organization = $1 and group_id = $2 order by 1 limit 1000",
                GrantKind::Role,
            ),
        };
        let assigned = ids(db.rows(sql, values![organization, &grant.id]).await?)?;
        let clients = match grant.kind {
            GrantKind::Role => {
                let sql = "select client from role_client where organization = $1 and role = $2 order by 1 limit 1000";
                ids(db.rows(sql, values![organization, &grant.id]).await?)?
            }
            GrantKind::Group => Vec::new(),
        };
        Ok(Some(TargetDetail {
            target: TargetRow { grant: grant.clone(), name: row.get(0)? },
            rights: from_json(&row.get::<String>(1)?)?,
            standard: row.get(2)?,
            assigned: assigned.into_iter().map(|id| Grant { kind, id }).collect(),
            clients,
        }))
    }
}
