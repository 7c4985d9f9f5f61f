//! Everything that the host knows, as data.
//!
//! Two halves that a real host may keep in two systems: the organizations with their people
//! ([`Organization`]), and what the invitation store keeps for each of them ([`Tenant`]). The store's
//! half survives the deletion of an organization, as an archive would.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    clock::Clock,
    entropy::Entropy,
    mailbox::Mailbox,
    people::People,
    person::Person,
    rule::Rule,
    settings::{SettingsPatch, default_settings, set},
    store::canonical_all,
};
use guestlist_contract::{
    AddressDomains,
    audit::Event,
    lifecycle::is_terminal,
    lookup::DEFAULT_STORE,
    rights::Rights,
    settings::Values,
    types::{
        Grant, GrantKind, Invitation, InvitationKey, MessageKind, Permissions, Principal, State, Step,
        Subject, UserRef,
    },
};

/// Everything that a host knows, and nothing of what is in people's mailboxes. A host with a database is
/// filled with one, and shows all that it has as one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Realm {
    pub(super) clock: Clock,
    pub(super) entropy: Entropy,
    /// The number of contexts that were made: it numbers the request ids. No part of what is stored, so that
    /// a call which changes nothing leaves it the same.
    #[serde(skip)]
    pub(super) requests: u64,
    /// Organizations by id.
    pub organizations: BTreeMap<String, Organization>,
    /// The store's half of each organization.
    pub tenants: BTreeMap<String, Tenant>,
    /// The audit trail, oldest first.
    pub audit: Vec<Event>,
    /// Most e-mails that one person gets in a day, from all organizations together; absent: no limit.
    pub mails_per_day: Option<u32>,
    /// Stands for people's mailboxes, so it is no part of what the host stores.
    #[serde(skip)]
    pub(super) mailbox: Mailbox,
    /// The invitation that each live digest leads to. Rebuilt from the rows.
    #[serde(skip)]
    pub(super) codes: BTreeMap<String, InvitationKey>,
}

/// An organization with its people, groups, roles and rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Organization {
    /// Its name.
    pub name: String,
    /// Absent for a root organization.
    pub parent: Option<String>,
    /// Tells whether it works, that is, was not suspended.
    pub active: bool,
    /// Deleted: nobody finds it any more, but its id stays spent.
    pub deleted: bool,
    /// The names of its user stores, in capital letters.
    #[serde(deserialize_with = "canonical_all")]
    pub stores: BTreeSet<String>,
    /// Names of the stores that do not answer at present.
    #[serde(deserialize_with = "canonical_all")]
    pub silent_stores: BTreeSet<String>,
    /// Residents and guests, by local id.
    pub people: People,
    /// Ids of people who were deleted: never given again.
    pub spent: BTreeSet<String>,
    /// Its groups, by id.
    pub groups: BTreeMap<String, Target>,
    /// Its roles, by id.
    pub roles: BTreeMap<String, Role>,
    /// The people and clients who may do something here, and what.
    pub permissions: Vec<Entitled>,
    /// The settings that it has configured.
    pub settings: Values,
    /// Places that invitations may lead to after accepting: absolute `https` URLs, and what lies below them.
    #[serde(default)]
    pub landings: Vec<String>,
    /// The domains of the addresses that may be invited; absent: everybody's.
    pub address_domains: Option<AddressDomains>,
    /// Its scripted policy.
    pub policy: Vec<Rule>,
    /// The minutes to add to UTC for its local time.
    #[serde(default)]
    pub utc_offset_minutes: i32,
}

/// A person or client and what they may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entitled {
    /// A user or a client.
    pub who: Principal,
    /// The permissions that they have.
    pub permissions: Permissions,
}

/// A group, or what a role has in common with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// The people and clients who may give it; absent: everybody who may invite.
    pub grantable_by: Option<Vec<Principal>>,
    /// The roles in the parent organization of which somebody has to have one to receive it; absent:
    /// everybody may receive it.
    pub receivable_by: Option<Vec<String>>,
}

/// A role: a target that gives rights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Its name, and who may give and receive it.
    #[serde(flatten)]
    pub target: Target,
    /// What those who have it may do.
    #[serde(default)]
    pub rights: Rights,
    /// The groups that have it: whoever is in one of them has it.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// The clients that have it.
    #[serde(default)]
    pub clients: BTreeSet<String>,
    /// Tells whether it is one of those that a new organization begins with.
    #[serde(default)]
    pub standard: bool,
}

/// The part that the store keeps for one organization.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tenant {
    /// Its invitations, by id.
    pub rows: BTreeMap<String, StoredInvitation>,
    /// Messages that wait.
    pub outbox: Vec<OutboxEntry>,
    /// Records of idempotent operations, oldest first.
    pub operations: Vec<RecordedOperation>,
    /// The log of applied steps, by invitation.
    pub applied: BTreeMap<String, AppliedSteps>,
    /// The ids of each subject's invitations. Rebuilt from the rows.
    #[serde(skip)]
    pub(super) by_subject: BTreeMap<(String, String), Vec<String>>,
}

/// A row of the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredInvitation {
    /// The fields; `state` is the stored one, whatever the clock says.
    pub invitation: Invitation,
    /// Digests of its live codes, oldest first. They stay after its end, so that its invitee can be
    /// told what has become of it.
    pub codes: Vec<String>,
    /// The version of the row that each of these was made for.
    pub code_versions: Vec<u64>,
    /// The time at which the e-mail system accepted the last e-mail with a code.
    pub mailed_at: Option<u64>,
    /// A reminder was written for the present lifetime.
    pub reminded: bool,
    /// Handed out as due work: not again before this instant.
    pub hidden_until: u64,
}

/// A message that waits to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// The invitation that it is about.
    pub invitation: String,
    /// The kind of message to send.
    pub kind: MessageKind,
    /// The version of the invitation that asked for it.
    pub version: u64,
    /// The time at which it falls due.
    pub due_at: u64,
    /// Failed tries so far.
    pub tries: u32,
    /// The host's e-mail pipeline has it and settles it by itself.
    pub taken: bool,
}

/// The record of one operation of one caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedOperation {
    /// The caller whose operation it is.
    pub caller: Principal,
    /// Its id.
    pub operation: String,
    /// The digest of the request.
    pub fingerprint: String,
    /// The time at which something was last recorded.
    pub at: u64,
    /// The outcome of each position.
    pub items: BTreeMap<u32, RecordedItem>,
}

/// The outcome of one position of an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedItem {
    /// The invitation that was made.
    Row(String),
    /// The refusal, in the plugin's words.
    Refused(String),
}

/// The log that makes each step happen once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AppliedSteps {
    /// Tells whether nothing may be applied any more.
    pub closed: bool,
    /// The steps that were applied, in order. A step stays here when its effect is taken away.
    pub steps: Vec<Step>,
}

impl StoredInvitation {
    /// Tells whether nothing has ended it, and nobody has claimed it.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.invitation.state, State::AwaitingApproval | State::Pending)
    }

    /// Its time has run out while nobody had claimed it, written or not.
    pub(super) fn has_run_out(&self, now: u64) -> bool {
        self.is_open() && self.invitation.expires_at.is_some_and(|end| end <= now)
    }

    /// The row as it reads at `now`.
    pub(super) fn read(&self, now: u64) -> Invitation {
        let mut row = self.invitation.clone();
        row.state = self.state_at(now);
        row
    }

    pub(super) fn state_at(&self, now: u64) -> State {
        if self.has_run_out(now) { State::Expired } else { self.invitation.state }
    }

    /// Tells whether it is or was once pending: there was something to tell its invitee.
    pub(super) fn was_pending(&self) -> bool {
        !self.codes.is_empty()
    }

    pub(super) fn is_for(&self, user: &UserRef) -> bool {
        matches!(&self.invitation.subject, Subject::User(subject) if subject == user)
    }
}

impl Organization {
    /// One that has nobody and nothing yet but the user store that all have.
    pub(super) fn new(name: String, parent: Option<String>) -> Self {
        Self {
            name,
            parent,
            active: true,
            deleted: false,
            stores: BTreeSet::from([DEFAULT_STORE.to_owned()]),
            silent_stores: BTreeSet::new(),
            people: People::default(),
            spent: BTreeSet::new(),
            groups: BTreeMap::new(),
            roles: BTreeMap::new(),
            permissions: Vec::new(),
            settings: default_settings(),
            landings: Vec::new(),
            address_domains: None,
            policy: Vec::new(),
            utc_offset_minutes: 0,
        }
    }

    pub(super) fn target(&self, grant: &Grant) -> Option<&Target> {
        match grant.kind {
            GrantKind::Group => self.groups.get(&grant.id),
            GrantKind::Role => self.roles.get(&grant.id).map(|role| &role.target),
        }
    }

    /// The local account of somebody, and its id.
    pub(super) fn person(&self, account: &UserRef) -> Option<(&String, &Person)> {
        self.people.with_account(account)
    }

    /// Changes the groups or the roles of somebody; `None` where they have no account here.
    pub(super) fn change_grants<T>(
        &mut self,
        account: &UserRef,
        kind: GrantKind,
        change: impl FnOnce(&mut BTreeMap<String, Option<String>>) -> T,
    ) -> Option<T> {
        let id = self.person(account)?.0.clone();
        self.people.change(&id, |person| change(person.grants_mut(kind)))
    }
}

impl Tenant {
    /// Everything that was ever made for `user`, oldest first.
    pub(super) fn of_subject(&self, user: &UserRef) -> impl Iterator<Item = &StoredInvitation> {
        let ids = self.by_subject.get(&subject_key(user)).map(Vec::as_slice).unwrap_or_default();
        ids.iter().filter_map(|id| self.rows.get(id))
    }

    /// The number of invitations that count against the organization's limit.
    pub(super) fn active(&self, now: u64) -> usize {
        let counts = |row: &&StoredInvitation| !is_terminal(row.state_at(now));
        self.rows.values().filter(counts).count()
    }

    pub(super) fn index(&mut self, user: &UserRef, id: &str) {
        self.by_subject.entry(subject_key(user)).or_default().push(id.to_owned());
    }

    pub(super) fn unindex(&mut self, subject: &Subject, id: &str) {
        if let Subject::User(user) = subject
            && let Some(ids) = self.by_subject.get_mut(&subject_key(user))
        {
            ids.retain(|known| known != id);
        }
    }
}

fn subject_key(user: &UserRef) -> (String, String) {
    (user.organization.clone(), user.id.clone())
}

impl Realm {
    /// The organization, unless it was deleted.
    pub(super) fn organization(&self, id: &str) -> Option<&Organization> {
        self.organizations.get(id).filter(|organization| !organization.deleted)
    }

    /// Finds somebody where they are resident.
    pub(super) fn resident(&self, account: &UserRef) -> Option<&Person> {
        self.organization(&account.organization)?
            .people
            .get(&account.id)
            .filter(|person| person.account == *account)
    }

    pub(super) fn row(&self, key: &InvitationKey) -> Option<&StoredInvitation> {
        self.tenants.get(&key.organization)?.rows.get(&key.id)
    }

    /// Restores what is derived from the rows, after loading.
    pub(super) fn rebuild_indexes(&mut self) {
        self.codes.clear();
        for tenant in self.tenants.values_mut() {
            tenant.by_subject.clear();
            let mut rows: Vec<_> = tenant.rows.values().collect();
            rows.sort_by_key(|row| row.invitation.created_at);
            for row in rows {
                for code in &row.codes {
                    self.codes.insert(code.clone(), row.invitation.key.clone());
                }
                if let Subject::User(user) = &row.invitation.subject {
                    let ids = tenant.by_subject.entry(subject_key(user)).or_default();
                    ids.push(row.invitation.key.id.clone());
                }
            }
        }
    }
}

impl SettingsPatch {
    /// Makes the changes, those included that the plugin never sees.
    pub(super) fn apply_to(&self, place: &mut Organization) {
        self.apply(&mut place.settings);
        set(&mut place.address_domains, self.address_domains.clone());
        set(&mut place.landings, self.landings.clone());
    }
}
