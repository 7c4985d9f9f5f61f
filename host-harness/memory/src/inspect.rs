//! Looking at everything that there is.
//!
//! A test that knows only the answers of the plugin cannot see what it did besides. A [`Snapshot`] is
//! complete, ordered, and can be written as JSON, so that two runs can be compared as text.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    AuditEvent, Entitled, Mail, MemoryHost, OutboxEntry, Person, RecordedOperation, Rule,
    realm::{AppliedSteps, Organization, Realm, Role, StoredInvitation, Target},
};
use guestlist_contract::{
    AddressDomains,
    settings::Values,
    types::{Invitation, InvitationKey, UserRef},
};

/// Everything, at one instant.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// The machine's clock.
    pub now: u64,
    /// The store's clock.
    pub store_now: u64,
    /// Each organization, by id.
    pub organizations: BTreeMap<String, OrganizationView>,
    /// Every row as it is stored, by organization and id.
    pub invitations: Vec<StoredInvitation>,
    /// Messages that wait.
    pub outbox: Vec<OutboxView>,
    /// Records of idempotent operations, by organization.
    pub operations: BTreeMap<String, Vec<RecordedOperation>>,
    /// The log of applied steps, by organization and invitation.
    pub applied: BTreeMap<String, BTreeMap<String, AppliedSteps>>,
    /// The audit trail, oldest first.
    pub audit: Vec<AuditEvent>,
    /// The e-mails in people's mailboxes, oldest first. With codes: they are nowhere else but here and in
    /// `taken`.
    pub mails: Vec<Mail>,
    /// E-mails that the e-mail system has taken over and not yet delivered. With codes, too.
    pub taken: Vec<Mail>,
}

/// An organization as it is.
#[derive(Clone, Debug, Serialize)]
pub struct OrganizationView {
    /// Its name.
    pub name: String,
    /// Absent for a root organization.
    pub parent: Option<String>,
    /// Tells whether it works, that is, was not suspended.
    pub active: bool,
    /// Deleted: only the archive has it.
    pub deleted: bool,
    /// People whose account is resident here, by id.
    pub residents: BTreeMap<String, Person>,
    /// People whose account is elsewhere.
    pub members: Vec<MemberView>,
    /// The names of its groups, by id.
    pub groups: BTreeMap<String, String>,
    /// The names of its roles, by id.
    pub roles: BTreeMap<String, String>,
    /// Roles that give rights, or that groups and clients have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rights: BTreeMap<String, Role>,
    /// The people and clients who may do something here directly, and what.
    pub permissions: Vec<Entitled>,
    /// The settings that it has configured.
    pub settings: Values,
    /// The domains of the addresses that may be invited; absent: everybody's.
    pub address_domains: Option<AddressDomains>,
    /// Its scripted policy.
    pub policy: Vec<Rule>,
    /// The minutes to add to UTC for its local time.
    pub utc_offset_minutes: i32,
}

/// A guest: whose account is elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemberView {
    /// The local id.
    pub id: String,
    /// The local user name.
    pub name: String,
    /// The account where they are resident.
    pub account: UserRef,
    /// The invitation that made them a member; absent: another way.
    pub invitation: Option<String>,
    /// Their groups, and the invitation that each is owed to.
    pub groups: BTreeMap<String, Option<String>>,
    /// Their roles, and the invitation that each is owed to.
    pub roles: BTreeMap<String, Option<String>>,
    /// Roles that they have for a time, as [`Person`] has them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub leases: BTreeMap<String, BTreeMap<String, u64>>,
}

/// An outbox entry and where it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutboxView {
    /// The organization whose outbox it is in.
    pub organization: String,
    /// The entry.
    #[serde(flatten)]
    pub entry: OutboxEntry,
}

fn member(id: &str, person: &Person) -> MemberView {
    MemberView {
        id: id.to_owned(),
        name: person.name.clone(),
        account: person.account.clone(),
        invitation: person.invitation.clone(),
        groups: person.groups.clone(),
        roles: person.roles.clone(),
        leases: person.leases.clone(),
    }
}

fn members(organization: &str, place: &Organization) -> Vec<MemberView> {
    let guests = place.people.iter().filter(|(_, person)| person.account.organization != organization);
    guests.map(|(id, person)| member(id, person)).collect()
}

fn view(id: &str, place: &Organization) -> OrganizationView {
    fn names<'a>(targets: impl Iterator<Item = (&'a String, &'a Target)>) -> BTreeMap<String, String> {
        targets.map(|(id, target)| (id.clone(), target.name.clone())).collect()
    }
    let roles = || place.roles.iter();
    let gives = |(_, role): &(&String, &Role)| {
        !(role.rights.is_empty() && role.groups.is_empty() && role.clients.is_empty())
    };
    let residents = place.people.iter().filter(|(_, person)| person.account.organization == id);
    OrganizationView {
        name: place.name.clone(),
        parent: place.parent.clone(),
        active: place.active,
        deleted: place.deleted,
        residents: residents.map(|(id, person)| (id.clone(), person.clone())).collect(),
        members: members(id, place),
        groups: names(place.groups.iter()),
        roles: names(roles().map(|(id, role)| (id, &role.target))),
        rights: roles().filter(gives).map(|(id, role)| (id.clone(), role.clone())).collect(),
        permissions: place.permissions.clone(),
        settings: place.settings.clone(),
        address_domains: place.address_domains.clone(),
        policy: place.policy.clone(),
        utc_offset_minutes: place.utc_offset_minutes,
    }
}

impl Realm {
    fn snapshot(&self) -> Snapshot {
        let tenants = || self.tenants.iter();
        let outbox = tenants().flat_map(|(organization, tenant)| {
            let entry =
                |entry: &OutboxEntry| OutboxView { organization: organization.clone(), entry: entry.clone() };
            tenant.outbox.iter().map(entry)
        });
        Snapshot {
            now: self.clock.wall(),
            store_now: self.clock.store(),
            organizations: self
                .organizations
                .iter()
                .map(|(id, place)| (id.clone(), view(id, place)))
                .collect(),
            invitations: tenants().flat_map(|(_, tenant)| tenant.rows.values().cloned()).collect(),
            outbox: outbox.collect(),
            operations: tenants().map(|(id, tenant)| (id.clone(), tenant.operations.clone())).collect(),
            applied: tenants().map(|(id, tenant)| (id.clone(), tenant.applied.clone())).collect(),
            audit: self.audit.clone(),
            mails: self.mailbox.delivered.clone(),
            taken: self.mailbox.taken.clone(),
        }
    }
}

impl MemoryHost {
    /// Everything, at this instant.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.lock().snapshot()
    }

    /// All that the host stores, as JSON: everything but people's mailboxes. No code may ever be found
    /// in it.
    pub fn stored_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&*self.lock())
    }

    /// The user stores of each organization.
    pub fn user_stores(&self) -> BTreeMap<String, BTreeSet<String>> {
        let realm = self.lock();
        realm.organizations.iter().map(|(id, place)| (id.clone(), place.stores.clone())).collect()
    }

    /// The guests of an organization.
    #[must_use]
    pub fn members(&self, organization: &str) -> Vec<MemberView> {
        let realm = self.lock();
        realm.organization(organization).map(|place| members(organization, place)).unwrap_or_default()
    }

    /// An invitation as it reads now.
    #[must_use]
    pub fn invitation(&self, key: &InvitationKey) -> Option<Invitation> {
        let realm = self.lock();
        realm.row(key).map(|row| row.read(realm.clock.store()))
    }

    /// The e-mails in people's mailboxes, oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.lock().mailbox.delivered.clone()
    }

    /// The latest e-mail to an account.
    #[must_use]
    pub fn last_mail(&self, to: &UserRef) -> Option<Mail> {
        self.lock().mailbox.delivered.iter().rev().find(|mail| mail.to == *to).cloned()
    }

    /// The audit trail, oldest first.
    #[must_use]
    pub fn audit(&self) -> Vec<AuditEvent> {
        self.lock().audit.clone()
    }

    /// The organizations that have work for a sweep now. What is handed out at present is no work.
    #[must_use]
    pub fn with_due_work(&self) -> Vec<String> {
        self.lock().with_due_work()
    }

    /// The account of a person by their local id or user name in an organization.
    #[must_use]
    pub fn account(&self, organization: &str, id_or_name: &str) -> Option<UserRef> {
        let realm = self.lock();
        let people = &realm.organization(organization)?.people;
        let mut named = people.named(id_or_name).map(|(_, person)| person);
        let named = || named.find(|person| person.name == id_or_name);
        people.get(id_or_name).or_else(named).map(|person| person.account.clone())
    }

    /// An account that is gone, by its id: that of somebody who was deleted, or of an organization that was.
    #[must_use]
    pub fn gone_account(&self, organization: &str, id: &str) -> Option<UserRef> {
        let realm = self.lock();
        let place = realm.organizations.get(organization)?;
        let deleted = place.people.get(id).filter(|_| place.deleted).map(|person| person.account.clone());
        let spent = || UserRef { organization: organization.to_owned(), id: id.to_owned() };
        deleted.or_else(|| place.spent.contains(id).then(spent))
    }
}
