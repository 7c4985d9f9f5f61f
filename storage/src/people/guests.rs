//! Making somebody a member.
//!
//! The local id of a guest is derived from their account and from how often they were removed, not counted: a
//! count would be one row that all who are let in at the same time wait for. Whatever two of them could want
//! at once, their account, their id or their name, a unique index gives to one alone.

use guestlist_contract::{lookup::DEFAULT_STORE, types::UserRef};
use sha2::{Digest as _, Sha256};

use super::is_askable;
use crate::{
    bulk_sql,
    codec::folded,
    error::DbError,
    sql::{Connection, Value, values},
};

/// Tells whether somebody can become a member.
pub(super) enum Joining {
    /// The account or the organization does not exist.
    NoSuchTarget,
    AlreadyPresent,
    /// Another local user has the name that they would get.
    NameTaken,
    /// They can, with the user name that they have where they are resident.
    Possible(String),
}

/// The part of the code in which an account becomes a guest, or is deleted: one at a time.
pub(super) fn letting_in(organization: &str, id: &str) -> String {
    format!("guests of {} bytes {organization}/{id}", organization.len())
}

pub(super) async fn can_join<C: Connection>(
    db: &mut C,
    organization: &str,
    account: &UserRef,
) -> Result<Joining, DbError> {
    if !is_askable(&account.organization) || !is_askable(&account.id) {
        return Ok(Joining::NoSuchTarget);
    }
    db.advisory_lock(&letting_in(&account.organization, &account.id)).await?;
    let resident = "select r.name, r.folded, m.id from person r \
        join organization h on h.id = r.organization and h.deleted = 0 \
        join organization o on o.id = $1 and o.deleted = 0 \
        left join person m on m.organization = o.id and m.account_organization = r.organization \
            and m.account_id = r.id \
        where r.organization = $2 and r.id = $3 and r.account_organization = $2 and r.account_id = $3";
    let found = db.row(resident, values![organization, &account.organization, &account.id]).await?;
    let Some(found) = found else { return Ok(Joining::NoSuchTarget) };
    if found.get::<Option<String>>(2)?.is_some() {
        return Ok(Joining::AlreadyPresent);
    }
    let same_name = "select id from person where organization = $1 and folded = $2 limit 1";
    if db.row(same_name, values![organization, found.get::<String>(1)?]).await?.is_some() {
        return Ok(Joining::NameTaken);
    }
    Ok(Joining::Possible(found.get(0)?))
}

/// Makes somebody a member who can become one; answers with their local id.
pub(super) async fn join<C: Connection>(
    db: &mut C,
    organization: &str,
    invitation: Option<&str>,
    account: &UserRef,
    name: &str,
) -> Result<String, DbError> {
    let id = new_id(db, organization, account).await?;
    let insert = "insert into person (organization, id, name, folded, store, email, folded_email, active, \
        account_organization, account_id, invitation) \
        values ($1, $2, $3, $4, $5, null, null, 1, $6, $7, $8) on conflict do nothing";
    let values = values![
        organization,
        &id,
        name,
        folded(name),
        DEFAULT_STORE,
        &account.organization,
        &account.id,
        invitation
    ];
    match db.change(insert, values).await? {
        0 => Err(DbError::Conflict("somebody else was made a member just now".into())),
        _ => Ok(id),
    }
}

/// A local id that nobody has or had.
async fn new_id<C: Connection>(db: &mut C, organization: &str, account: &UserRef) -> Result<String, DbError> {
    let (mut first, mut count) = (0_u64, 4_u64);
    loop {
        let ids: Vec<_> =
            (first..first + count).map(|removals| guest_id(organization, account, removals)).collect();
        let in_ids = bulk_sql::list(2, ids.len());
        let sql = format!(
            "select id from spent where organization = $1 and id in {in_ids} \
             union all select id from person where organization = $1 and id in {in_ids}"
        );
        let values: Vec<_> =
            [Value::from(organization)].into_iter().chain(ids.iter().map(Value::from)).collect();
        let used = db.rows(&sql, &values).await?;
        let used = used.iter().map(|row| row.get(0)).collect::<Result<Vec<String>, _>>()?;
        if let Some(free) = ids.into_iter().find(|id| !used.contains(id)) {
            return Ok(free);
        }
        // Somebody who comes and goes for years is found a new one in a few steps as well.
        (first, count) = (first + count, (count * 4).min(4096));
    }
}

/// The id of somebody who was removed so often before.
fn guest_id(organization: &str, account: &UserRef, removals: u64) -> String {
    let mut hash = Sha256::new();
    for part in [organization, &account.organization, &account.id] {
        // With its length in front, so that no two lists of parts are the same bytes.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.update(removals.to_be_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let digits: Vec<_> = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("guest-{}", digits.concat())
}
