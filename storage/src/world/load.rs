//! A world, as rows.

use std::collections::BTreeSet;

use guestlist_contract::{lifecycle::NEVER, lookup::store_name, rights::Rights, types::GrantKind};
use guestlist_memory::{
    Organization, Person, Realm, RecordedItem, RecordedOperation, StoredInvitation, Target, Tenant,
};

use super::bytes;
use crate::{
    StorageError, audit, bulk_sql,
    codec::{Word as _, folded, json, message, planned, principal},
    error::OperationError,
    invitations::rows::{self, Stored},
    sql::{Connection, Operation, Scope, Value, values},
};

/// Every table that a world replaces, with its columns, those first that others refer to. No world has a log
/// of members who are elsewhere: that is emptied.
const TABLES: [(&str, &str); 20] = [
    (
        "organization",
        "id, name, parent, active, deleted, utc_offset_minutes, settings, address_domains, landings, policy, \
         retention, reminder_before",
    ),
    ("userstore", "organization, name, answers"),
    (
        "person",
        "organization, id, name, folded, store, email, folded_email, active, account_organization, account_id, \
         invitation",
    ),
    ("spent", "organization, id"),
    ("target", "organization, kind, id, name, grantable_by, receivable_by, rights, standard"),
    ("held", "organization, person, kind, target, invitation"),
    ("role_group", "organization, role, group_id"),
    ("role_client", "organization, role, client"),
    ("role_lease", "organization, person, role, issuer, until"),
    ("permission", "organization, who, permissions, place"),
    ("invitation", rows::COLUMNS),
    ("code", "digest, organization, invitation, version"),
    ("outbox", "organization, invitation, kind, version, due_at, tries, taken"),
    ("operation", "organization, caller, operation, fingerprint, at"),
    ("operation_item", "organization, caller, operation, position, invitation, refused"),
    ("grant_log", "organization, invitation, step, place"),
    ("grant_closed", "organization, invitation"),
    ("external_log", "organization, invitation, closed, purged_at"),
    (
        "external_step",
        "organization, invitation, step, place, account_organization, account_id, progress, version, changed_at",
    ),
    ("audit", audit::COLUMNS),
];

/// Every table of a server with accounts of its own, those first that others refer to. No world has accounts:
/// these are emptied.
const ACCOUNTS: [&str; 10] = [
    "handle",
    "password",
    "session",
    "client",
    "token",
    "identity",
    "link",
    "remembered",
    "delivery",
    "mailing",
];

/// The number of rows that are copied at a time, to be bound.
const PIECE: usize = 5_000;

/// Everything of a world, by table, ready to be written.
pub(super) struct Load {
    /// The rows of each table in its order: a row is looked at once, however many there are.
    rows: [Vec<Vec<Value>>; TABLES.len()],
    mails_per_day: Option<u32>,
}

fn invalid(text: String) -> StorageError {
    StorageError::Invalid(text)
}

fn digest(hex: &str) -> Result<Value, StorageError> {
    bytes(hex).map(Value::from).ok_or_else(|| invalid(format!("`{hex}` is not 64 hexadecimal digits")))
}

impl Load {
    pub(super) fn of(world: &Realm) -> Result<Self, StorageError> {
        let mut load = Self { rows: Default::default(), mails_per_day: world.mails_per_day };
        for (id, organization) in &world.organizations {
            if let Some(parent) =
                organization.parent.as_ref().filter(|it| !world.organizations.contains_key(*it))
            {
                return Err(invalid(format!("the parent `{parent}` of organization `{id}` is not there")));
            }
            load.organization(id, organization)?;
        }
        for (organization, tenant) in &world.tenants {
            load.tenant(organization, tenant)?;
        }
        for event in &world.audit {
            let row = audit::Event {
                organization: event.organization.clone(),
                actor: principal(&event.actor)?,
                request_id: event.request_id.clone(),
                kind: event.kind,
                word: event.word,
                operation: event.operation.clone(),
                invitation: event.invitation.clone(),
                subject: event.subject.clone(),
                name: event.name.clone(),
                grant: event.grant.clone(),
                about: event.about.clone(),
            };
            load.put("audit", &row.values(event.at));
        }
        Ok(load)
    }

    fn put(&mut self, table: &'static str, row: &[Value]) {
        let of = TABLES.iter().zip(&mut self.rows).find(|((name, _), _)| *name == table);
        if let Some((_, rows)) = of {
            rows.push(row.to_vec());
        }
    }

    fn organization(&mut self, id: &str, place: &Organization) -> Result<(), StorageError> {
        self.put(
            "organization",
            values![
                id,
                &place.name,
                place.parent.as_ref(),
                place.active,
                place.deleted,
                i64::from(place.utc_offset_minutes),
                json(&place.settings)?,
                place.address_domains.as_ref().map(json).transpose()?,
                json(&place.landings)?,
                json(&place.policy)?,
                planned(place.settings.retention),
                place.settings.reminder_before.map(planned)
            ],
        );
        let canonical = |stores: &BTreeSet<String>| stores.iter().map(|name| store_name(name)).collect();
        let (stores, silent): (BTreeSet<_>, BTreeSet<_>) =
            (canonical(&place.stores), canonical(&place.silent_stores));
        if let Some(silent) = silent.difference(&stores).next() {
            return Err(invalid(format!(
                "organization `{id}` has no user store `{silent}` that could be silent"
            )));
        }
        for store in &stores {
            self.put("userstore", values![id, store, !silent.contains(store)]);
        }
        for (group, target) in &place.groups {
            self.target(id, GrantKind::Group, group, target, Rights::empty(), false)?;
        }
        for (role, known) in &place.roles {
            self.target(id, GrantKind::Role, role, &known.target, known.rights, known.standard)?;
            for group in &known.groups {
                if !place.groups.contains_key(group) {
                    return Err(invalid(format!(
                        "the group `{group}` has the role `{role}` of `{id}`, and is not there"
                    )));
                }
                self.put("role_group", values![id, role, group]);
            }
            for client in &known.clients {
                self.put("role_client", values![id, role, client]);
            }
        }
        for (local, person) in &place.people {
            let store = store_name(&person.store);
            if !stores.contains(&store) {
                return Err(invalid(format!(
                    "user `{local}` of `{id}` is in the user store `{store}`, which is not there"
                )));
            }
            self.person(id, place, local, person)?;
        }
        for spent in &place.spent {
            self.put("spent", values![id, spent]);
        }
        let mut known = BTreeSet::new();
        for (number, entry) in (0_u32..).zip(&place.permissions) {
            let (who, permissions) = (principal(&entry.who)?, json(&entry.permissions)?);
            // The first entry counts.
            if known.insert(who.clone()) {
                self.put("permission", values![id, who, permissions, number]);
            }
        }
        Ok(())
    }

    fn target(
        &mut self,
        organization: &str,
        kind: GrantKind,
        id: &str,
        target: &Target,
        rights: Rights,
        standard: bool,
    ) -> Result<(), StorageError> {
        let Target { name, grantable_by, receivable_by } = target;
        let grantable_by = grantable_by.as_ref().map(json).transpose()?;
        let receivable_by = receivable_by.as_ref().map(json).transpose()?;
        let rights = json(&rights)?;
        let kind = kind.word();
        self.put(
            "target",
            values![organization, kind, id, name, grantable_by, receivable_by, rights, standard],
        );
        Ok(())
    }

    fn person(
        &mut self,
        organization: &str,
        place: &Organization,
        id: &str,
        person: &Person,
    ) -> Result<(), StorageError> {
        if let Some(email) = person.email.as_ref().filter(|email| email.contains(char::is_control)) {
            return Err(invalid(format!(
                "the address `{}` of user `{id}` of `{organization}` has control characters",
                email.escape_debug()
            )));
        }
        self.put(
            "person",
            values![
                organization,
                id,
                &person.name,
                folded(&person.name),
                store_name(&person.store),
                person.email.as_ref(),
                person.email.as_deref().map(folded),
                person.active,
                &person.account.organization,
                &person.account.id,
                person.invitation.as_ref()
            ],
        );
        let missing = |kind: GrantKind, target: &str| {
            let kind = kind.word();
            invalid(format!("user `{id}` of `{organization}` has the {kind} `{target}`, which is not there"))
        };
        let is_there = |kind: GrantKind, target: &String| match kind {
            GrantKind::Group => place.groups.contains_key(target),
            GrantKind::Role => place.roles.contains_key(target),
        };
        for (kind, held) in [(GrantKind::Group, &person.groups), (GrantKind::Role, &person.roles)] {
            for (target, invitation) in held {
                if !is_there(kind, target) {
                    return Err(missing(kind, target));
                }
                self.put("held", values![organization, id, kind.word(), target, invitation.as_ref()]);
            }
        }
        for (issuer, roles) in &person.leases {
            for (role, until) in roles {
                if !is_there(GrantKind::Role, role) {
                    return Err(missing(GrantKind::Role, role));
                }
                self.put("role_lease", values![organization, id, role, issuer, *until]);
            }
        }
        Ok(())
    }

    fn tenant(&mut self, organization: &str, tenant: &Tenant) -> Result<(), StorageError> {
        for (id, row) in &tenant.rows {
            let key = &row.invitation.key;
            if key.organization != organization || key.id != *id {
                return Err(invalid(format!("invitation `{id}` of `{organization}` has another key")));
            }
            self.invitation(row)?;
        }
        let known = |id: &str| match tenant.rows.contains_key(id) {
            true => Ok(()),
            false => Err(invalid(format!("there is no invitation `{id}` in `{organization}`"))),
        };
        for entry in &tenant.outbox {
            known(&entry.invitation)?;
            let kind = message(&entry.kind);
            self.put(
                "outbox",
                values![
                    organization,
                    &entry.invitation,
                    kind,
                    entry.version,
                    Some(entry.due_at).filter(|due_at| *due_at < NEVER),
                    entry.tries,
                    entry.taken
                ],
            );
        }
        for operation in &tenant.operations {
            self.operation(organization, operation)?;
        }
        for (id, applied) in &tenant.applied {
            known(id)?;
            if applied.closed {
                self.put("grant_closed", values![organization, id]);
            }
            for (place, step) in (0_u32..).zip(&applied.steps) {
                self.put("grant_log", values![organization, id, json(step)?, place]);
            }
        }
        Ok(())
    }

    fn invitation(&mut self, row: &StoredInvitation) -> Result<(), StorageError> {
        let StoredInvitation { invitation, codes, code_versions, mailed_at, reminded, hidden_until } = row;
        let stored = Stored {
            invitation: invitation.clone(),
            reminded: *reminded,
            hidden_until: *hidden_until,
            mailed_at: *mailed_at,
        };
        let written = rows::written(&stored).map_err(|failure| invalid(failure.text().to_owned()))?;
        self.put("invitation", &written);
        let key = &invitation.key;
        if codes.len() != code_versions.len() {
            return Err(invalid(format!("invitation `{}` has codes without a version", key.id)));
        }
        for (code, version) in codes.iter().zip(code_versions) {
            self.put("code", values![digest(code)?, &key.organization, &key.id, *version]);
        }
        Ok(())
    }

    fn operation(&mut self, organization: &str, known: &RecordedOperation) -> Result<(), StorageError> {
        let caller = principal(&known.caller)?;
        let fingerprint = digest(&known.fingerprint)?;
        self.put("operation", values![organization, &caller, &known.operation, fingerprint, known.at]);
        for (position, item) in &known.items {
            let (row, refused) = match item {
                RecordedItem::Row(id) => (Some(id), None),
                RecordedItem::Refused(reason) => (None, Some(reason)),
            };
            let item = values![organization, &caller, &known.operation, *position, row, refused];
            self.put("operation_item", item);
        }
        Ok(())
    }
}

impl Operation for Load {
    type Output = ();
    const NAME: &'static str = "load";

    fn scope(&self) -> Scope {
        Scope { everything: true, owner: true, ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<(), OperationError> {
        // Triggers let rows in, and events out, only as long as this row is there.
        db.change("insert into loading (one) values (1)", &[]).await?;
        for table in ACCOUNTS.iter().rev() {
            db.change(&format!("delete from {table}"), &[]).await?;
        }
        for (table, _) in TABLES.iter().rev() {
            db.change(&format!("delete from {table}"), &[]).await?;
        }
        db.change("update realm set mails_per_day = $1", values![self.mails_per_day]).await?;
        for ((table, columns), rows) in TABLES.iter().zip(&self.rows) {
            for piece in rows.chunks(PIECE) {
                bulk_sql::insert(db, &format!("{table} ({columns})"), piece.to_vec(), "").await?;
            }
        }
        db.change("delete from loading", &[]).await?;
        Ok(db.analyze(&TABLES.map(|(table, _)| table)).await?)
    }
}
