//! Clears away what is over.

use super::{AccountError, Accounts, mailing, remembered::KEPT};
use crate::{
    error::OperationError,
    sql::{Connection, Operation, Scope, values},
};

impl Accounts {
    /// Deletes sessions, tokens, links, remembered requests and counts of e-mails that are over, at most `limit` of each; tells how
    /// many. Nothing depends on it: what is over is over before. A clock of the server asks for it once in a while.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn purge_over(&self, limit: u32) -> Result<u64, AccountError> {
        self.ask(PurgeOver { limit }).await
    }
}

struct PurgeOver {
    limit: u32,
}

impl Operation for PurgeOver {
    type Output = u64;
    const NAME: &'static str = "accounts.purge-over";

    fn scope(&self) -> Scope {
        Scope { everything: true, ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<u64, OperationError> {
        let now = db.now();
        let skip = db.for_update_skip_locked();
        let mut gone = 0;
        for (table, column) in [("session", "ends_at"), ("token", "expires_at")] {
            let sql = format!(
                "delete from {table} where digest in \
                 (select digest from {table} where {column} <= $1 order by {column} limit $2{skip})"
            );
            gone += db.change(&sql, values![now, self.limit]).await?;
        }
        gone += db.change("delete from link where expires_at <= $1", values![now]).await?;
        let sql = format!(
            "delete from remembered where (organization, caller, request) in \
             (select organization, caller, request from remembered where at <= $1 order by at limit $2{skip})"
        );
        gone += db.change(&sql, values![now.saturating_sub(KEPT), self.limit]).await?;
        let sql = format!(
            "delete from mailing where (account_organization, account_id, organization, at) in \
             (select account_organization, account_id, organization, at from mailing where at <= $1 order by at \
             limit $2{skip})"
        );
        gone += db.change(&sql, values![now.saturating_sub(mailing::KEPT), self.limit]).await?;
        Ok(gone)
    }
}
