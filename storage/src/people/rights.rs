//! What somebody may do in an organization: directly, and by their roles.

use guestlist_contract::{
    rights::Rights,
    types::{Grant, GrantKind, Permissions, Principal},
};

use super::is_askable;
use crate::{
    bulk_sql,
    codec::{Word as _, from_json, principal},
    error::{DbError, OperationError},
    sql::{Connection, Operation, Row, Scope, Value, values},
};

/// The roles of the local account `$2` of an organization `$1`, at the instant `$3`: by hand or by an
/// invitation, by a group, or for a time by the word of an issuer. `cross join`, here and below, keeps SQLite from
/// beginning with all roles of the organization.
const OF_PERSON: &str = "select t.rights from target t where t.organization = $1 and t.kind = 'role' and t.id in ( \
    select h.target from held h where h.organization = $1 and h.person = $2 and h.kind = 'role' \
    union all select g.role from held h cross join role_group g \
        where h.organization = $1 and h.person = $2 and h.kind = 'group' \
        and g.organization = h.organization and g.group_id = h.target \
    union all select l.role from role_lease l where l.organization = $1 and l.person = $2 and l.until > $3)";

/// The roles of the client `$2`.
const OF_CLIENT: &str = "select t.rights from role_client c cross join target t \
    where c.organization = $1 and c.client = $2 \
    and t.organization = c.organization and t.kind = 'role' and t.id = c.role";

fn all(rows: &[Row], column: usize) -> Result<Rights, DbError> {
    let read = |row: &Row| from_json::<Rights>(&row.get::<String>(column)?);
    rows.iter().map(read).collect()
}

/// What `who` has in an organization, whether it counts at present or not.
pub(super) struct Known {
    /// What they may do directly; absent where nothing says so.
    direct: Option<Rights>,
    /// What their roles give them; absent for somebody who is no member, and a client without a role.
    by_roles: Option<Rights>,
    /// Neither their local account nor where they are resident is disabled, or gone.
    pub(super) works: bool,
}

impl Known {
    /// All rights that they would have if they worked; `None`: they have no access.
    pub(super) fn rights(&self) -> Option<Rights> {
        [self.direct, self.by_roles].into_iter().flatten().reduce(Rights::union)
    }

    /// `None`: there is no such organization.
    pub(super) async fn read<C: Connection>(
        db: &mut C,
        organization: &str,
        who: &Principal,
    ) -> Result<Option<Self>, DbError> {
        let account = if let Principal::User(user) = who { Some(user) } else { None };
        if account.is_some_and(|user| !is_askable(&user.organization) || !is_askable(&user.id)) {
            return Ok(None);
        }
        let sql = "select \
            (select e.permissions from permission e where e.organization = o.id and e.who = $2), \
            p.id, p.active, \
            (select r.active from person r where r.organization = $3 and r.id = $4 \
                and r.account_organization = $3 and r.account_id = $4 \
                and exists (select 1 from organization h where h.id = r.organization and h.deleted = 0)) \
            from organization o left join person p on p.organization = o.id and p.account_organization = $3 \
                and p.account_id = $4 where o.id = $1 and o.deleted = 0";
        let values = values![
            organization,
            principal(who)?,
            account.map(|user| &user.organization),
            account.map(|user| &user.id)
        ];
        let Some(row) = db.row(sql, values).await? else { return Ok(None) };
        let direct = row.get::<Option<String>>(0)?.as_deref().map(from_json::<Permissions>).transpose()?;
        let (local, active, resident): (Option<String>, Option<bool>, Option<bool>) =
            (row.get(1)?, row.get(2)?, row.get(3)?);
        let by_roles = match (who, &local) {
            (Principal::User(_), Some(local)) => {
                let rows = db.rows(OF_PERSON, values![organization, local, db.now()]).await?;
                Some(all(&rows, 0)?)
            }
            (Principal::Client(client), _) if is_askable(client) => {
                let rows = db.rows(OF_CLIENT, values![organization, client]).await?;
                (!rows.is_empty()).then(|| all(&rows, 0)).transpose()?
            }
            _ => None,
        };
        let works = account.is_none() || (resident == Some(true) && active != Some(false));
        Ok(Some(Self { direct: direct.map(Rights::from), by_roles, works }))
    }
}

/// The rights of `who` in an organization now; `None` when they have no access to it.
pub(crate) async fn rights<C: Connection>(
    db: &mut C,
    organization: &str,
    who: &Principal,
) -> Result<Option<Rights>, DbError> {
    match who {
        Principal::Anonymous => Ok(None),
        Principal::System => {
            let sql = "select id from organization where id = $1 and deleted = 0";
            Ok(db.row(sql, values![organization]).await?.map(|_| Rights::empty()))
        }
        Principal::User(_) | Principal::Client(_) => {
            let known = Known::read(db, organization, who).await?;
            Ok(known.filter(|known| known.works).and_then(|known| known.rights()))
        }
    }
}

/// What each of these groups and roles of an organization gives to whoever has it. A group gives what the
/// roles do that it has.
pub(super) async fn given_by<C: Connection>(
    db: &mut C,
    organization: &str,
    grants: &[Grant],
) -> Result<Vec<(Grant, Rights)>, DbError> {
    let ids = |kind: GrantKind| {
        let ids = grants.iter().filter(move |grant| grant.kind == kind).map(|grant| grant.id.as_str());
        ids.filter(|id| is_askable(id)).collect::<Vec<_>>()
    };
    let (roles, groups) = (ids(GrantKind::Role), ids(GrantKind::Group));
    let sql = format!(
        "select 'role', t.id, t.rights from target t \
         where t.organization = $1 and t.kind = 'role' and t.id in {} \
         union all select 'group', g.group_id, t.rights from role_group g \
         join target t on t.organization = g.organization and t.kind = 'role' and t.id = g.role \
         where g.organization = $1 and g.group_id in {}",
        bulk_sql::list(2, roles.len()),
        bulk_sql::list(2 + roles.len(), groups.len())
    );
    let bound: Vec<Value> =
        std::iter::once(organization).chain(roles).chain(groups).map(Value::from).collect();
    let mut given: Vec<_> = grants.iter().map(|grant| (grant.clone(), Rights::empty())).collect();
    for row in db.rows(&sql, &bound).await? {
        let of = Grant { kind: GrantKind::of(&row.get::<String>(0)?)?, id: row.get(1)? };
        let rights: Rights = from_json(&row.get::<String>(2)?)?;
        for (_, known) in given.iter_mut().filter(|(grant, _)| *grant == of) {
            *known = known.union(rights);
        }
    }
    Ok(given)
}

/// The rights of somebody, for whoever makes a context or judges a request.
pub(super) struct GetRights {
    pub(super) organization: String,
    pub(super) who: Principal,
}

impl Operation for GetRights {
    type Output = Option<Rights>;
    const NAME: &'static str = "rights";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope { organization: Some(self.organization.clone()), ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        if !is_askable(&self.organization) {
            return Ok(None);
        }
        Ok(rights(db, &self.organization, &self.who).await?)
    }
}
