//! Roles that somebody has for a time, by the word of an outside issuer.

use guestlist_contract::types::UserRef;

use super::Reading;
use crate::{
    AccountError,
    error::{DbError, OperationError},
    sql::{Connection, Operation, Row, Scope, values},
};

/// A role for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleLease {
    /// Where.
    pub organization: String,
    /// Which.
    pub role: String,
    /// Until when, in milliseconds since 1970.
    pub until: u64,
}

impl Reading {
    /// The roles that an account has by the word of an issuer, in all organizations, whether their time is over or
    /// not. At most 1,000.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn leases(&self, account: &UserRef, issuer: &str) -> Result<Vec<RoleLease>, AccountError> {
        self.ask(Leases { account: account.clone(), issuer: issuer.to_owned() }).await
    }
}

struct Leases {
    account: UserRef,
    issuer: String,
}

impl Operation for Leases {
    type Output = Vec<RoleLease>;
    const NAME: &'static str = "reading.leases";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        // In whatever organization they are a guest.
        Scope { everything: true, ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        super::refuse_nul(&[&self.account.organization, &self.account.id, &self.issuer])?;
        // Where they are resident, and where they are a guest: each has an index of its own.
        let sql = "select l.organization, l.role, l.until from role_lease l \
                where l.organization = $1 and l.person = $2 and l.issuer = $3 \
            union all select l.organization, l.role, l.until from person p join role_lease l \
                on l.organization = p.organization and l.person = p.id and l.issuer = $3 \
                where p.account_organization = $1 and p.account_id = $2 and p.account_organization <> p.organization \
            limit 1000";
        let rows = db.rows(sql, values![&self.account.organization, &self.account.id, &self.issuer]).await?;
        let lease = |row: &Row| {
            Ok::<_, DbError>(RoleLease { organization: row.get(0)?, role: row.get(1)?, until: row.get(2)? })
        };
        Ok(rows.iter().map(lease).collect::<Result<_, _>>()?)
    }
}
