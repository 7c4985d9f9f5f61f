//! INVARIANT: an organization that has an active administrator keeps one, whatever is taken from whom.
//!
//! Counted are people who have the standard role of that name with all rights, by hand, by an invitation or by a
//! group: what an outside issuer says for a time may be gone tomorrow. Whoever may lose one waits for others who may
//! lose one of the same organization.

use std::collections::BTreeSet;

use guestlist_contract::rights::Rights;

use super::{
    ADMINISTRATOR,
    change::{Change, Changing},
};
use crate::{
    codec::from_json,
    error::{DbError, OperationError},
    people::guests::letting_in,
    sql::{Connection, values},
};

/// The people who have the standard role `$2` of the organization `$1`, by one of two ways.
const ACTIVE: &str = "join person p on p.organization = h.organization and p.id = h.person and p.active = 1 \
    join person r on r.organization = p.account_organization and r.id = p.account_id and r.active = 1 \
    and r.account_organization = r.organization and r.account_id = r.id \
    join organization o on o.id = r.organization and o.deleted = 0";

impl Changing {
    /// The organizations that have an administrator now and may lose them by this change. Nobody else takes away an
    /// administrator of theirs before the transaction ends.
    pub(super) async fn guarded<C: Connection>(&self, db: &mut C) -> Result<Vec<String>, OperationError> {
        let own = &self.organization;
        let concerned = match &self.change {
            Change::RemoveGrant(..)
            | Change::DeleteTarget(_)
            | Change::UnassignRole(..)
            | Change::SetRoleRights(..)
            | Change::RemoveMember(_) => vec![own.clone()],
            Change::SetUserActive { id, active: false } | Change::RemoveUser(id) => {
                // Nobody lets them in anywhere in the meantime: that guest would not be seen.
                db.advisory_lock(&letting_in(own, id)).await?;
                let mut places = places_of_guests(db, own, Some(id)).await?;
                places.push(own.clone());
                places
            }
            Change::DeleteOrganization => places_of_guests(db, own, None).await?,
            _ => Vec::new(),
        };
        let mut guarded = Vec::new();
        // In one order, so that no two wait for each other.
        for place in BTreeSet::from_iter(concerned) {
            if !is_standard(db, &place).await? {
                continue;
            }
            db.advisory_lock(&format!("administrators of {place}")).await?;
            if has_administrator(db, &place).await? {
                guarded.push(place);
            }
        }
        Ok(guarded)
    }

    /// Refuses a change by which one of these organizations has lost its last administrator.
    pub(super) async fn check_administrators<C: Connection>(
        &self,
        db: &mut C,
        guarded: Vec<String>,
    ) -> Result<(), OperationError> {
        for place in guarded {
            if !has_administrator(db, &place).await? {
                return Err(OperationError::LastAdministrator(place));
            }
        }
        Ok(())
    }
}

/// The organizations in which residents of this one are guests: all of them, or one.
async fn places_of_guests<C: Connection>(
    db: &mut C,
    home: &str,
    account: Option<&str>,
) -> Result<Vec<String>, DbError> {
    let which = if account.is_some() { "and p.account_id = $2" } else { "" };
    let sql = format!(
        "select distinct p.organization from person p \
         join organization o on o.id = p.organization and o.deleted = 0 \
         where p.account_organization = $1 {which} and p.account_organization <> p.organization"
    );
    let whose: Vec<_> = [Some(home), account].into_iter().flatten().map(Into::into).collect();
    db.rows(&sql, &whose).await?.iter().map(|row| row.get(0)).collect()
}

/// Tells whether it has a standard role of administrators that gives all rights.
async fn is_standard<C: Connection>(db: &mut C, organization: &str) -> Result<bool, DbError> {
    let sql =
        "select rights from target where organization = $1 and kind = 'role' and id = $2 and standard = 1";
    let Some(row) = db.row(sql, values![organization, ADMINISTRATOR]).await? else { return Ok(false) };
    Ok(from_json::<Rights>(&row.get::<String>(0)?)?.contains(Rights::all()))
}

async fn has_administrator<C: Connection>(db: &mut C, organization: &str) -> Result<bool, DbError> {
    if !is_standard(db, organization).await? {
        return Ok(false);
    }
    let sql = format!(
        "select 1 from held h {ACTIVE} where h.organization = $1 and h.kind = 'role' and h.target = $2 \
         union all select 1 from role_group g cross join held h {ACTIVE} \
         where g.organization = $1 and g.role = $2 \
         and h.organization = g.organization and h.kind = 'group' and h.target = g.group_id limit 1"
    );
    Ok(db.row(&sql, values![organization, ADMINISTRATOR]).await?.is_some())
}
