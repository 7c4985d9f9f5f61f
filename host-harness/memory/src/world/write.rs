//! Writes a world as a world file.
//!
//! A world file says less than a world has. What it cannot say is left out, and listed in comments at its
//! top, where nothing else depends on it; where something does, the error names it.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use chrono::DateTime;
use serde::{Serialize, Serializer};

use super::{World, WorldError, dangling};
use crate::{
    person::Person,
    realm::{Organization, Realm, Role, Target},
    rule::Rule,
};
use guestlist_contract::{
    AddressDomains,
    lookup::DEFAULT_STORE,
    rights::Rights,
    settings::{Codes, Notices},
    types::{AcceptWith, Grant, GrantKind, Notify, Permissions, Principal, UserRef},
};
use guestlist_documents::HumanDuration;

/// The reason why a world cannot be written as a world file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsayable {
    /// Read again, an organization would be another: it has something that a world file has no words for, as
    /// an id that reads like a reference.
    #[error("a world file cannot say all of organization `{0}`")]
    Organization(String),
    /// Read again, it would be refused.
    #[error("a world file cannot say this world: {0}")]
    World(WorldError),
    /// The world could not be written as YAML.
    #[error("{0}")]
    Yaml(String),
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mails_per_day: Option<u32>,
    organizations: Vec<WrittenOrganization<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct WrittenOrganization<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    utc_offset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stores: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<WrittenUser<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<WrittenTarget<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<WrittenRole<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "mapping")]
    permissions: Vec<(String, Vec<&'static str>)>,
    settings: WrittenSettings<'a>,
    #[serde(skip_serializing_if = "<[Rule]>::is_empty")]
    policy: &'a [Rule],
}

#[derive(Serialize)]
struct WrittenUser<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resident: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct WrittenTarget<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grantable_by: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receivable_by: Option<&'a [String]>,
}

/// The keys of a target, with those that only a role has.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct WrittenRole<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    groups: &'a BTreeSet<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    permissions: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    standard: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grantable_by: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receivable_by: Option<&'a [String]>,
}

/// All of them, so that the file says the same in a version with other defaults.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct WrittenSettings<'a> {
    lifetime: HumanDuration,
    lifetime_min: HumanDuration,
    lifetime_max: HumanDuration,
    allow_never: bool,
    accept_with: &'static str,
    notify: &'static str,
    codes: &'static str,
    limits: WrittenLimits,
    lease: HumanDuration,
    takeovers_max: u32,
    mail_tries: u32,
    mail_retry: HumanDuration,
    retention: HumanDuration,
    resend_limit: u32,
    pending_limit: Option<u32>,
    reminder_before: Option<HumanDuration>,
    notices: Vec<&'static str>,
    ceiling: Option<Vec<String>>,
    privileged: Vec<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    landings: &'a [String],
    address_domains: Option<&'a AddressDomains>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct WrittenLimits {
    users: u32,
    grants: u32,
    name_bytes: u32,
}

fn mapping<S: Serializer>(entries: &[(String, Vec<&'static str>)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(entries.iter().map(|(who, words)| (who, words)))
}

impl Realm {
    /// The organizations and people as a world file, from which a host of the same organizations can be made.
    ///
    /// It has nothing of what the invitation store keeps, nor by which invitation somebody got what they
    /// have, nor the seed of entropy. Left out, and said in comments at its top, are deleted organizations,
    /// ids that are spent, user stores that do not answer at present, and what refers to accounts, groups or
    /// roles that are gone.
    ///
    /// # Errors
    /// The world has something that a world file has no words for.
    pub fn to_yaml(&self) -> Result<String, Unsayable> {
        let (realm, left_out) = self.sayable();
        let organizations = realm.organizations.iter();
        let clock = i64::try_from(self.clock.wall()).ok().filter(|wall| *wall > 0);
        let written = Written {
            clock: clock.and_then(DateTime::from_timestamp_millis).map(|instant| instant.to_rfc3339()),
            mails_per_day: self.mails_per_day,
            organizations: organizations.map(|(id, organization)| write(id, organization)).collect(),
        };
        let yaml = serde_saphyr::to_string(&written).map_err(|error| Unsayable::Yaml(error.to_string()))?;
        let comments = left_out.iter().fold(String::new(), |mut text, what| {
            // Writing to a string cannot fail. A name may have line breaks.
            let _ = writeln!(text, "# left out: {}", what.escape_debug());
            text
        });
        // Whatever would be read as something else is found here.
        let again =
            World::parse(&yaml).and_then(|world| world.build().map_err(|error| error.in_source(&yaml)));
        let again = again.map_err(Unsayable::World)?;
        let same = |one: Option<&Organization>, other: &Organization| {
            serde_json::to_value(one).ok() == serde_json::to_value(other).ok()
        };
        match realm.organizations.iter().find(|(id, place)| !same(again.organizations.get(*id), place)) {
            Some((id, _)) => Err(Unsayable::Organization(id.clone())),
            None => Ok(comments + &yaml),
        }
    }

    /// Separates what a world file can say of it from what that leaves out.
    fn sayable(&self) -> (Self, Vec<String>) {
        let mut left_out = Vec::new();
        let mut said = Self { organizations: self.organizations.clone(), ..Self::default() };
        let known: BTreeMap<_, BTreeSet<_>> = said
            .organizations
            .iter()
            .filter(|(_, place)| !place.deleted)
            .map(|(id, place)| {
                let residents = place.people.iter().filter(|(_, person)| person.account.organization == *id);
                (id.clone(), residents.map(|(id, _)| id.clone()).collect())
            })
            .collect();
        let exists = |account: &UserRef| {
            known.get(&account.organization).is_some_and(|residents| residents.contains(&account.id))
        };
        let roles: BTreeMap<_, BTreeSet<_>> = said
            .organizations
            .iter()
            .map(|(id, place)| (id.clone(), place.roles.keys().cloned().collect()))
            .collect();
        said.organizations.retain(|id, place| {
            if place.deleted {
                left_out.push(format!("organization `{id}`, which was deleted"));
            }
            !place.deleted
        });
        for (id, place) in &mut said.organizations {
            let mut leave = |what: String| left_out.push(format!("of organization `{id}`: {what}"));
            for spent in std::mem::take(&mut place.spent) {
                leave(format!("that the user id `{spent}` is spent"));
            }
            for store in std::mem::take(&mut place.silent_stores) {
                leave(format!("that the user store `{store}` does not answer"));
            }
            for (local, _) in place.people.iter().filter(|(_, person)| !person.leases.is_empty()) {
                leave(format!("the roles that `{local}` has for a time"));
            }
            let above = place.parent.as_ref().and_then(|parent| roles.get(parent));
            forget_invitations(place);
            forget_the_gone(place, &exists, above, &mut leave);
        }
        said.await_the_gone();
        (said, left_out)
    }
}

impl Realm {
    /// A rule about what is gone is read again as one about what may come.
    fn await_the_gone(&mut self) {
        let rules = self.organizations.iter().flat_map(|(id, place)| {
            place.policy.iter().enumerate().map(move |(index, rule)| (id, index, rule))
        });
        let awaited: Vec<_> = rules
            .filter(|(id, _, rule)| !dangling(&self.organizations, id, rule).is_empty())
            .map(|(id, index, _)| (id.clone(), index))
            .collect();
        for (id, index) in awaited {
            let rule = self.organizations.get_mut(&id).and_then(|place| place.policy.get_mut(index));
            rule.into_iter().for_each(|rule| rule.later = true);
        }
    }
}

fn forget_invitations(place: &mut Organization) {
    for person in place.people.values_mut() {
        person.invitation = None;
        person.leases.clear();
        person.groups.values_mut().chain(person.roles.values_mut()).for_each(|owed| *owed = None);
    }
}

/// Takes away what refers to what is not there, and with it has no effect.
fn forget_the_gone(
    place: &mut Organization,
    exists: &impl Fn(&UserRef) -> bool,
    roles_above: Option<&BTreeSet<String>>,
    leave: &mut impl FnMut(String),
) {
    let mut keep = |what: String, kept: bool| {
        if !kept {
            leave(what);
        }
        kept
    };
    place.people.retain(|id, person| {
        keep(format!("the guest `{id}`, whose account is gone"), exists(&person.account))
    });
    let is_somebody = |who: &Principal| match who {
        Principal::User(account) => exists(account),
        Principal::Client(_) => true,
        Principal::Anonymous | Principal::System => false,
    };
    let mut seen = BTreeSet::new();
    place.permissions.retain(|entry| {
        let counts = seen.insert(name(&entry.who)) && is_somebody(&entry.who);
        keep(format!("the permissions of {}, which are without effect", name(&entry.who)), counts)
    });
    let roles = place.roles.iter_mut().map(|(id, role)| (id, &mut role.target));
    for (id, target) in place.groups.iter_mut().chain(roles) {
        for giver in target.grantable_by.iter_mut() {
            giver.retain(|who| keep(format!("that {} may give `{id}`", name(who)), is_somebody(who)));
        }
        for needed in target.receivable_by.iter_mut() {
            needed.retain(|role| {
                let there = roles_above.is_some_and(|roles| roles.contains(role));
                keep(format!("that `{id}` may be received with the role `{role}`, which is gone"), there)
            });
        }
    }
    let (groups, roles) = (&place.groups, &place.roles);
    let is_there = |grant: &Grant| match grant.kind {
        GrantKind::Group => groups.contains_key(&grant.id),
        GrantKind::Role => roles.contains_key(&grant.id),
    };
    let settings = &mut place.settings;
    for grants in settings.ceiling.iter_mut().chain([&mut settings.privileged]) {
        grants
            .retain(|grant| keep(format!("a setting about `{}`, which is gone", grant.id), is_there(grant)));
    }
}

fn name(who: &Principal) -> String {
    match who {
        Principal::User(account) => format!("`{}/{}`", account.organization, account.id),
        Principal::Client(id) => format!("`client:{id}`"),
        Principal::Anonymous => "nobody".to_owned(),
        Principal::System => "the host".to_owned(),
    }
}

fn write<'a>(id: &'a str, place: &'a Organization) -> WrittenOrganization<'a> {
    let implied: BTreeSet<_> =
        place.people.values().map(|person| person.store.as_str()).chain([DEFAULT_STORE]).collect();
    WrittenOrganization {
        id,
        name: &place.name,
        parent: place.parent.as_deref(),
        utc_offset: (place.utc_offset_minutes != 0).then(|| offset(place.utc_offset_minutes)),
        state: (!place.active).then_some("disabled"),
        stores: place.stores.iter().map(String::as_str).filter(|store| !implied.contains(store)).collect(),
        users: place.people.iter().map(|(local, person)| write_user(id, local, person)).collect(),
        groups: write_targets(id, place, GrantKind::Group),
        roles: write_roles(id, place),
        permissions: place
            .permissions
            .iter()
            .map(|entry| {
                (reference(id, &entry.who), words(entry.permissions.into(), Permissions::all().into()))
            })
            .collect(),
        settings: write_settings(place),
        policy: &place.policy,
    }
}

fn offset(minutes: i32) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

fn write_user<'a>(organization: &str, id: &'a str, person: &'a Person) -> WrittenUser<'a> {
    let UserRef { organization: home, id: account } = &person.account;
    WrittenUser {
        id,
        name: &person.name,
        store: Some(person.store.as_str()).filter(|store| *store != DEFAULT_STORE),
        email: person.email.as_deref(),
        active: (!person.active).then_some(false),
        resident: (home != organization).then(|| format!("{home}/{account}")),
    }
}

fn write_targets<'a>(organization: &str, place: &'a Organization, kind: GrantKind) -> Vec<WrittenTarget<'a>> {
    let targets: Vec<(&'a String, &'a Target)> = match kind {
        GrantKind::Group => place.groups.iter().collect(),
        GrantKind::Role => place.roles.iter().map(|(id, role)| (id, &role.target)).collect(),
    };
    let givers = |givers: &[Principal]| givers.iter().map(|who| reference(organization, who)).collect();
    let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (local, person) in &place.people {
        person.grants(kind).keys().for_each(|id| members.entry(id).or_default().push(local));
    }
    let mut target = |(id, target): (&'a String, &'a Target)| WrittenTarget {
        id,
        name: &target.name,
        members: members.remove(id.as_str()).unwrap_or_default(),
        grantable_by: target.grantable_by.as_deref().map(givers),
        receivable_by: target.receivable_by.as_deref(),
    };
    targets.into_iter().map(&mut target).collect()
}

fn write_roles<'a>(organization: &str, place: &'a Organization) -> Vec<WrittenRole<'a>> {
    let targets = write_targets(organization, place, GrantKind::Role);
    let role = |(target, role): (WrittenTarget<'a>, &'a Role)| {
        let WrittenTarget { id, name, members, grantable_by, receivable_by } = target;
        let clients = role.clients.iter().map(|client| Cow::from(format!("client:{client}")));
        WrittenRole {
            id,
            name,
            members: members.into_iter().map(Cow::from).chain(clients).collect(),
            groups: &role.groups,
            permissions: words(role.rights, Rights::all()),
            standard: role.standard.then_some(true),
            grantable_by,
            receivable_by,
        }
    };
    targets.into_iter().zip(place.roles.values()).map(role).collect()
}

/// The reference by which a world file names somebody in an organization.
fn reference(organization: &str, who: &Principal) -> String {
    match who {
        Principal::User(account) if account.organization == organization && is_plain(&account.id) => {
            account.id.clone()
        }
        _ => name(who).trim_matches('`').to_owned(),
    }
}

/// Tells whether it cannot be taken for a reference to something else.
fn is_plain(id: &str) -> bool {
    !id.contains('/') && !id.starts_with("client:")
}

/// The words of rights; one where they are all that there can be.
fn words(rights: Rights, all: Rights) -> Vec<&'static str> {
    if rights == all { vec![Rights::ALL] } else { rights.words().collect() }
}

fn write_settings(place: &Organization) -> WrittenSettings<'_> {
    let values = &place.settings;
    let grants = |grants: &[Grant]| grants.iter().map(grant_name).collect::<Vec<_>>();
    let notices = [
        ("expired", Notices::EXPIRED),
        ("accepted", Notices::ACCEPTED),
        ("declined", Notices::DECLINED),
        ("approval-requested", Notices::APPROVAL_REQUESTED),
        ("failed", Notices::FAILED),
        ("revoked", Notices::REVOKED),
    ];
    WrittenSettings {
        lifetime: HumanDuration(values.lifetime),
        lifetime_min: HumanDuration(values.lifetime_min),
        lifetime_max: HumanDuration(values.lifetime_max),
        allow_never: values.allow_never,
        accept_with: match values.accept_with {
            AcceptWith::Invitee => "invitee",
            AcceptWith::InviteeAndCode => "invitee-and-code",
            AcceptWith::Code => "code",
        },
        notify: match values.notify {
            Notify::Internal => "internal",
            Notify::External => "external",
        },
        codes: match values.codes {
            Codes::InviteeOnly => "invitee-only",
            Codes::SeeCode => "see-code",
            Codes::SeeCodeEvenAlone => "see-code-even-alone",
        },
        limits: WrittenLimits {
            users: values.limits.users,
            grants: values.limits.grants,
            name_bytes: values.limits.name_bytes,
        },
        lease: HumanDuration(values.lease),
        takeovers_max: values.takeovers_max,
        mail_tries: values.mail_tries,
        mail_retry: HumanDuration(values.mail_retry),
        retention: HumanDuration(values.retention),
        resend_limit: values.resend_limit,
        pending_limit: values.pending_limit,
        reminder_before: values.reminder_before.map(HumanDuration),
        notices: notices
            .iter()
            .filter(|(_, flag)| values.notices.contains(*flag))
            .map(|(word, _)| *word)
            .collect(),
        ceiling: values.ceiling.as_deref().map(grants),
        privileged: grants(&values.privileged),
        landings: &place.landings,
        address_domains: place.address_domains.as_ref(),
    }
}

fn grant_name(grant: &Grant) -> String {
    match grant.kind {
        GrantKind::Group => format!("group:{}", grant.id),
        GrantKind::Role => format!("role:{}", grant.id),
    }
}
