//! Rows, as a world.

use std::collections::{BTreeMap, BTreeSet};

use guestlist_contract::{
    lifecycle::NEVER,
    types::{GrantKind, UserRef},
};
use guestlist_memory::{
    Entitled, Organization, OutboxEntry, People, Person, Realm, RecordedItem, RecordedOperation, Role,
    StoredInvitation, Target,
};

use super::hex;
use crate::{
    audit,
    codec::{Word as _, from_json, message_of},
    error::{DbError, OperationError},
    invitations::rows,
    sql::{Connection, Operation, Row, Scope},
};

/// Reads everything.
pub(super) struct Dump;

impl Operation for Dump {
    type Output = Realm;
    const NAME: &'static str = "dump";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope { everything: true, ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Realm, OperationError> {
        let mut realm = Realm::default();
        let mails = db.row("select mails_per_day from realm", &[]).await?;
        realm.mails_per_day = mails.map_or(Ok(None), |row| row.get(0))?;
        organizations(db, &mut realm).await?;
        people(db, &mut realm).await?;
        rules(db, &mut realm).await?;
        invitations(db, &mut realm).await?;
        operations(db, &mut realm).await?;
        applied(db, &mut realm).await?;
        trail(db, &mut realm).await?;
        Ok(realm)
    }
}

fn damaged(what: &str) -> DbError {
    DbError::Damaged(format!("there is a row of {what} that belongs to nothing").into())
}

fn place<'a>(realm: &'a mut Realm, row: &Row, what: &str) -> Result<&'a mut Organization, DbError> {
    realm.organizations.get_mut(&row.get::<String>(0)?).ok_or_else(|| damaged(what))
}

fn listed<T: serde::de::DeserializeOwned>(row: &Row, column: usize) -> Result<Option<T>, DbError> {
    row.get::<Option<String>>(column)?.as_deref().map(from_json).transpose()
}

async fn organizations<C: Connection>(db: &mut C, realm: &mut Realm) -> Result<(), DbError> {
    let sql = "select id, name, parent, active, deleted, utc_offset_minutes, settings, address_domains, landings, \
               policy from organization";
    for row in db.rows(sql, &[]).await? {
        let offset = i32::try_from(row.get::<i64>(5)?)
            .map_err(|_| DbError::Damaged("an offset from UTC is out of all bounds".into()))?;
        let organization = Organization {
            name: row.get(1)?,
            parent: row.get(2)?,
            active: row.get(3)?,
            deleted: row.get(4)?,
            stores: BTreeSet::new(),
            silent_stores: BTreeSet::new(),
            people: People::default(),
            spent: BTreeSet::new(),
            groups: BTreeMap::new(),
            roles: BTreeMap::new(),
            permissions: Vec::new(),
            settings: from_json(&row.get::<String>(6)?)?,
            address_domains: listed(&row, 7)?,
            landings: from_json(&row.get::<String>(8)?)?,
            policy: from_json(&row.get::<String>(9)?)?,
            utc_offset_minutes: offset,
        };
        realm.organizations.insert(row.get(0)?, organization);
    }
    for row in db.rows("select organization, name, answers from userstore", &[]).await? {
        let place = place(realm, &row, "userstore")?;
        let name: String = row.get(1)?;
        if !row.get::<bool>(2)? {
            place.silent_stores.insert(name.clone());
        }
        place.stores.insert(name);
    }
    Ok(())
}

async fn people<C: Connection>(db: &mut C, realm: &mut Realm) -> Result<(), DbError> {
    let sql = "select organization, id, name, store, email, active, account_organization, account_id, invitation \
               from person";
    for row in db.rows(sql, &[]).await? {
        let person = Person {
            name: row.get(2)?,
            store: row.get(3)?,
            email: row.get(4)?,
            active: row.get(5)?,
            account: UserRef { organization: row.get(6)?, id: row.get(7)? },
            groups: BTreeMap::new(),
            roles: BTreeMap::new(),
            leases: BTreeMap::new(),
            invitation: row.get(8)?,
        };
        place(realm, &row, "person")?.people.insert(row.get(1)?, person);
    }
    for row in db.rows("select organization, person, kind, target, invitation from held", &[]).await? {
        let people = &mut place(realm, &row, "held")?.people;
        let person = people.get_mut(&row.get::<String>(1)?).ok_or_else(|| damaged("held"))?;
        let held = match GrantKind::of(&row.get::<String>(2)?)? {
            GrantKind::Group => &mut person.groups,
            GrantKind::Role => &mut person.roles,
        };
        held.insert(row.get(3)?, row.get(4)?);
    }
    for row in db.rows("select organization, person, issuer, role, until from role_lease", &[]).await? {
        let people = &mut place(realm, &row, "role_lease")?.people;
        let person = people.get_mut(&row.get::<String>(1)?).ok_or_else(|| damaged("role_lease"))?;
        person.leases.entry(row.get(2)?).or_default().insert(row.get(3)?, row.get(4)?);
    }
    for row in db.rows("select organization, id from spent", &[]).await? {
        place(realm, &row, "spent")?.spent.insert(row.get(1)?);
    }
    Ok(())
}

async fn rules<C: Connection>(db: &mut C, realm: &mut Realm) -> Result<(), DbError> {
    let sql =
        "select organization, kind, id, name, grantable_by, receivable_by, rights, standard from target";
    for row in db.rows(sql, &[]).await? {
        let target =
            Target { name: row.get(3)?, grantable_by: listed(&row, 4)?, receivable_by: listed(&row, 5)? };
        let place = place(realm, &row, "target")?;
        match GrantKind::of(&row.get::<String>(1)?)? {
            GrantKind::Group => drop(place.groups.insert(row.get(2)?, target)),
            GrantKind::Role => {
                let (rights, standard) = (from_json(&row.get::<String>(6)?)?, row.get(7)?);
                let role = Role { target, rights, standard, ..Role::default() };
                place.roles.insert(row.get(2)?, role);
            }
        }
    }
    let sql = "select organization, role, group_id, null from role_group \
               union all select organization, role, null, client from role_client";
    for row in db.rows(sql, &[]).await? {
        let roles = &mut place(realm, &row, "role_group or role_client")?.roles;
        let role =
            roles.get_mut(&row.get::<String>(1)?).ok_or_else(|| damaged("role_group or role_client"))?;
        role.groups.extend(row.get::<Option<String>>(2)?);
        role.clients.extend(row.get::<Option<String>>(3)?);
    }
    let sql = "select organization, who, permissions from permission order by organization, place";
    for row in db.rows(sql, &[]).await? {
        let (who, permissions) = (from_json(&row.get::<String>(1)?)?, from_json(&row.get::<String>(2)?)?);
        place(realm, &row, "permission")?.permissions.push(Entitled { who, permissions });
    }
    Ok(())
}

async fn invitations<C: Connection>(db: &mut C, realm: &mut Realm) -> Result<(), DbError> {
    let sql = format!("select {} from invitation", rows::COLUMNS);
    for row in db.rows(&sql, &[]).await? {
        let rows::Stored { invitation, reminded, hidden_until, mailed_at } = rows::read(&row, 0)?;
        let tenant = realm.tenants.entry(invitation.key.organization.clone()).or_default();
        let id = invitation.key.id.clone();
        let (codes, code_versions) = (Vec::new(), Vec::new());
        let row = StoredInvitation { invitation, codes, code_versions, mailed_at, reminded, hidden_until };
        tenant.rows.insert(id, row);
    }
    let sql = "select organization, invitation, digest, version from code \
               order by organization, invitation, version, digest";
    for row in db.rows(sql, &[]).await? {
        let tenant = realm.tenants.get_mut(&row.get::<String>(0)?).ok_or_else(|| damaged("code"))?;
        let invitation = tenant.rows.get_mut(&row.get::<String>(1)?).ok_or_else(|| damaged("code"))?;
        invitation.codes.push(hex(&row.get::<Vec<u8>>(2)?));
        invitation.code_versions.push(row.get(3)?);
    }
    let sql = "select organization, invitation, kind, version, due_at, tries, taken from outbox \
               order by organization, due_at, invitation, kind";
    for row in db.rows(sql, &[]).await? {
        let entry = OutboxEntry {
            invitation: row.get(1)?,
            kind: message_of(&row.get::<String>(2)?)?,
            version: row.get(3)?,
            due_at: row.get::<Option<u64>>(4)?.unwrap_or(NEVER),
            tries: row.get(5)?,
            taken: row.get(6)?,
        };
        realm.tenants.entry(row.get(0)?).or_default().outbox.push(entry);
    }
    Ok(())
}

async fn operations<C: Connection>(db: &mut C, realm: &mut Realm) -> Result<(), DbError> {
    let sql = "select organization, caller, operation, position, invitation, refused from operation_item";
    let mut items: BTreeMap<(String, String, String), BTreeMap<u32, RecordedItem>> = BTreeMap::new();
    for row in db.rows(sql, &[]).await? {
        let item = match (row.get(4)?, row.get(5)?) {
            (Some(invitation), None) => RecordedItem::Row(invitation),
            (None, Some(refused)) => RecordedItem::Refused(refused),
            _ => return Err(DbError::Damaged("an item has not one outcome".into())),
        };
        let operation = (row.get(0)?, row.get(1)?, row.get(2)?);
        items.entry(operation).or_default().insert(row.get(3)?, item);
    }
    let sql = "select organization, caller, operation, fingerprint, at from operation \
               order by organization, at, caller, operation";
    for row in db.rows(sql, &[]).await? {
        let key: (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let operation = RecordedOperation {
            caller: from_json(&key.1)?,
            operation: key.2.clone(),
            fingerprint: hex(&row.get::<Vec<u8>>(3)?),
            at: row.get(4)?,
            items: items.remove(&key).unwrap_or_default(),
        };
        realm.tenants.entry(key.0).or_default().operations.push(operation);
    }
    Ok(())
}

async fn applied<C: Connection>(db: &mut C, realm: &mut Realm) -> Result<(), DbError> {
    let sql = "select organization, invitation, step from grant_log order by organization, invitation, place";
    for row in db.rows(sql, &[]).await? {
        let log = &mut realm.tenants.entry(row.get(0)?).or_default().applied;
        log.entry(row.get(1)?).or_default().steps.push(from_json(&row.get::<String>(2)?)?);
    }
    for row in db.rows("select organization, invitation from grant_closed", &[]).await? {
        realm.tenants.entry(row.get(0)?).or_default().applied.entry(row.get(1)?).or_default().closed = true;
    }
    Ok(())
}

async fn trail<C: Connection>(db: &mut C, realm: &mut Realm) -> Result<(), DbError> {
    let sql = format!("select {} from audit order by place", audit::COLUMNS);
    for row in db.rows(&sql, &[]).await? {
        realm.audit.push(audit::read(&row)?);
    }
    Ok(())
}
