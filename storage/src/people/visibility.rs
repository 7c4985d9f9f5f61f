//! Decides which organizations a call may see. It decides itself, whatever the plugin says.

use guestlist_contract::host::Call;

use super::is_askable;
use crate::{
    bulk_sql,
    error::{DbError, OperationError},
    invitations::access::Asker,
    sql::{Connection, Value, values},
};

/// The organization of the context, or of an invitation that the call may see.
pub(super) async fn concerns<C: Connection>(
    db: &mut C,
    asker: &Asker,
    organization: &str,
) -> Result<(), OperationError> {
    if is_own(asker, organization)
        || is_found_in(asker, organization)
        || is_invited_into(db, asker, organization).await?
    {
        Ok(())
    } else {
        Err(denied())
    }
}

/// Such an organization or its parent, where the people are who can be invited. An organization may have
/// moved: then its invitations still speak of the former parent.
pub(super) async fn concerns_people_of<C: Connection>(
    db: &mut C,
    asker: &Asker,
    organization: &str,
) -> Result<(), OperationError> {
    if is_own(asker, organization) {
        return Ok(());
    }
    if !is_askable(organization) {
        return Err(denied());
    }
    let seen = is_parent_of_own(db, asker, organization).await?
        || if asker.is_invitee() {
            is_above_invitations(db, asker, organization).await?
                || is_above_found(db, asker, organization).await?
        } else {
            is_former_parent_of_own(db, asker, organization).await?
        };
    if seen { Ok(()) } else { Err(denied()) }
}

fn denied() -> OperationError {
    Call::not_there().into()
}

fn is_own(asker: &Asker, organization: &str) -> bool {
    asker.organization.as_deref() == Some(organization)
}

/// A code has led there in this call.
fn is_found_in(asker: &Asker, organization: &str) -> bool {
    asker.is_invitee() && asker.admitted.iter().any(|key| key.organization == organization)
}

async fn is_invited_into<C: Connection>(
    db: &mut C,
    asker: &Asker,
    organization: &str,
) -> Result<bool, DbError> {
    let Some(user) = asker.user().filter(|_| asker.is_invitee() && is_askable(organization)) else {
        return Ok(false);
    };
    let sql = "select id from invitation \
               where organization = $1 and subject_organization = $2 and subject_id = $3 limit 1";
    Ok(db.row(sql, values![organization, &user.organization, &user.id]).await?.is_some())
}

async fn is_parent_of_own<C: Connection>(
    db: &mut C,
    asker: &Asker,
    organization: &str,
) -> Result<bool, DbError> {
    let Some(own) = &asker.organization else { return Ok(false) };
    let sql = "select id from organization where id = $1 and parent = $2 and deleted = 0";
    Ok(db.row(sql, values![own, organization]).await?.is_some())
}

async fn is_former_parent_of_own<C: Connection>(
    db: &mut C,
    asker: &Asker,
    organization: &str,
) -> Result<bool, DbError> {
    let Some(own) = &asker.organization else { return Ok(false) };
    let sql = "select id from invitation where organization = $1 and parent = $2 limit 1";
    Ok(db.row(sql, values![own, organization]).await?.is_some())
}

/// Tells whether the caller is invited into it or into a child of it; or was, when the child was there, and
/// was told so.
async fn is_above_invitations<C: Connection>(
    db: &mut C,
    asker: &Asker,
    organization: &str,
) -> Result<bool, DbError> {
    let Some(user) = asker.user() else { return Ok(false) };
    let sql = "select i.id from invitation i where i.subject_organization = $1 and i.subject_id = $2 \
               and (i.organization = $3 \
               or exists (select 1 from organization o where o.id = i.organization and o.parent = $3 \
                   and o.deleted = 0) \
               or (i.parent = $3 and exists (select 1 from code c where c.organization = i.organization \
                   and c.invitation = i.id))) limit 1";
    Ok(db.row(sql, values![&user.organization, &user.id, organization]).await?.is_some())
}

/// The former parent of what a code has led to.
async fn is_above_found<C: Connection>(
    db: &mut C,
    asker: &Asker,
    organization: &str,
) -> Result<bool, DbError> {
    if asker.admitted.is_empty() {
        return Ok(false);
    }
    let mut bound = vec![Value::from(organization)];
    let keys = asker.admitted.iter().map(|key| (key.organization.as_str(), key.id.as_str()));
    let those = bulk_sql::either(None, ["organization", "id"], keys, &mut bound);
    let sql = format!("select id from invitation where {those} and parent = $1 limit 1");
    Ok(db.row(&sql, &bound).await?.is_some())
}
