//! Builds a world from a world file: every reference is followed, and every dangling one reported.

mod rules;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use chrono::FixedOffset;
use serde_saphyr::Spanned;

use super::{OrganizationEntry, RoleEntry, StateWord, TargetEntry, Text, UserEntry, World};
use crate::{
    clock::Clock,
    entropy::Entropy,
    people::People,
    person::Person,
    realm::{Entitled, Organization, Realm, Role, Target},
    settings::{self, default_settings},
};
use guestlist_contract::lookup::new_store_name;
use guestlist_contract::{
    lookup::DEFAULT_STORE,
    rights::Rights,
    types::{GrantKind, Permissions, Principal, UserRef},
};
use guestlist_documents::{Problem, WorldError, instant};

pub use rules::{Dangling, LATER, dangling};

/// 2026-03-02T09:00:00Z
const START: u64 = 1_772_442_000_000;

/// The most problems for which the nearest name is looked for among all people.
const SUGGESTED: usize = 20;

/// A world under construction. Problems are gathered, so that all are seen at once.
#[derive(Default)]
struct Builder {
    organizations: BTreeMap<String, Organization>,
    problems: Vec<Problem>,
}

impl World {
    /// Follows every reference.
    pub(crate) fn build(&self) -> Result<Realm, WorldError> {
        let mut builder = Builder::default();
        let start = builder.start(self.clock.as_ref());
        for entry in &self.organizations {
            builder.add_organization(entry);
        }
        for entry in &self.organizations {
            builder.link_parent(entry);
        }
        for entry in &self.organizations {
            builder.link_guests(entry);
        }
        for entry in &self.organizations {
            builder.link_people(entry);
        }
        for entry in &self.organizations {
            builder.link_rules(entry);
        }
        if !builder.problems.is_empty() {
            return Err(WorldError::new(builder.problems));
        }
        Ok(Realm {
            clock: Clock::starting_at(start),
            entropy: Entropy::seeded(self.seed.unwrap_or(1)),
            organizations: builder.organizations,
            mails_per_day: self.mails_per_day,
            ..Realm::default()
        })
    }
}

impl Builder {
    fn problem<T>(&mut self, at: &Spanned<T>, message: String) {
        self.problems.push(Problem::with(at, message));
    }

    fn start(&mut self, clock: Option<&Text>) -> u64 {
        clock.map_or(Ok(START), instant).unwrap_or_else(|problem| {
            self.problems.push(problem);
            START
        })
    }

    fn utc_offset(&mut self, offset: Option<&Text>) -> i32 {
        let Some(text) = offset else { return 0 };
        if let Ok(offset) = text.value.parse::<FixedOffset>() {
            return offset.local_minus_utc() / 60;
        }
        let problem = Problem::with(text, format!("`{}` is no offset from UTC", text.value));
        self.problems.push(problem.helped("write it as `+01:00`".into()));
        0
    }

    fn add_organization(&mut self, entry: &OrganizationEntry) {
        self.check_id(&entry.id, "organization");
        if self.organizations.contains_key(&entry.id.value) {
            self.problem(&entry.id, format!("organization `{}` is there twice", entry.id.value));
            return;
        }
        let mut organization = Organization {
            name: entry.name.clone().unwrap_or_else(|| entry.id.value.clone()),
            parent: None,
            active: entry.state == StateWord::Active,
            deleted: false,
            stores: self.stores(&entry.stores),
            silent_stores: BTreeSet::new(),
            people: People::default(),
            spent: BTreeSet::new(),
            groups: self.targets(entry.groups.iter(), "group"),
            roles: self.roles(&entry.roles),
            permissions: Vec::new(),
            settings: default_settings(),
            landings: Vec::new(),
            address_domains: None,
            policy: entry.policy.iter().map(|rule| rule.value.clone()).collect(),
            utc_offset_minutes: self.utc_offset(entry.utc_offset.as_ref()),
        };
        entry.settings.apply_to(&mut organization);
        for user in &entry.users {
            self.add_user(&entry.id.value, &mut organization, user);
        }
        self.organizations.insert(entry.id.value.clone(), organization);
    }

    fn check_id(&mut self, id: &Text, what: &str) {
        if id.value.is_empty() || id.value.len() > 255 {
            self.problem(id, format!("the id of a {what} has 1 to 255 bytes"));
        }
    }

    fn roles(&mut self, entries: &[RoleEntry]) -> BTreeMap<String, Role> {
        let targets = self.targets(entries.iter().map(|entry| &entry.target), "role");
        let role = |(id, target)| (id, Role { target, ..Role::default() });
        let mut roles: BTreeMap<_, _> = targets.into_iter().map(role).collect();
        for entry in entries {
            let known = Rights::each().collect::<Vec<_>>();
            let rights = self.flags(&entry.permissions, &known, Rights::all());
            if let Some(role) = roles.get_mut(&entry.target.id.value) {
                (role.rights, role.standard) = (rights, entry.standard);
            }
        }
        roles
    }

    fn targets<'a>(
        &mut self,
        entries: impl Iterator<Item = &'a TargetEntry>,
        what: &str,
    ) -> BTreeMap<String, Target> {
        let mut targets = BTreeMap::new();
        for entry in entries {
            self.check_id(&entry.id, what);
            let name = entry.name.clone().unwrap_or_else(|| entry.id.value.clone());
            let target = Target { name, ..Target::default() };
            if targets.insert(entry.id.value.clone(), target).is_some() {
                self.problem(&entry.id, format!("{what} `{}` is there twice", entry.id.value));
            }
        }
        targets
    }

    fn add_user(&mut self, organization: &str, place: &mut Organization, user: &UserEntry) {
        self.check_id(&user.id, "user");
        let store = self.store(user.store.as_ref());
        let name = user.name.value.as_str();
        if place.people.named(name).any(|(_, person)| person.store == store) {
            self.problem(&user.name, format!("user name `{}` is there twice", user.name.value));
        }
        if place.people.contains_key(&user.id.value) {
            self.problem(&user.id, format!("user `{}` is there twice", user.id.value));
        }
        if !place.stores.contains(&store) {
            place.stores.insert(store.clone());
        }
        let account = match &user.resident {
            None => UserRef { organization: organization.to_owned(), id: user.id.value.clone() },
            Some(resident) => self.written_account(resident),
        };
        let person = Person {
            name: user.name.value.clone(),
            store,
            email: user.email.as_ref().map(|email| self.address(email)),
            active: user.active,
            account,
            groups: BTreeMap::new(),
            roles: BTreeMap::new(),
            leases: BTreeMap::new(),
            invitation: None,
        };
        place.people.insert(user.id.value.clone(), person);
    }

    fn stores(&mut self, names: &[Text]) -> BTreeSet<String> {
        let mut stores = BTreeSet::from([DEFAULT_STORE.to_owned()]);
        stores.extend(names.iter().map(|name| self.store(Some(name))));
        stores
    }

    /// The one spelling of the name of a user store.
    fn store(&mut self, name: Option<&Text>) -> String {
        let Some(text) = name else { return DEFAULT_STORE.to_owned() };
        new_store_name(&text.value).unwrap_or_else(|problem| {
            self.problem(text, problem);
            DEFAULT_STORE.to_owned()
        })
    }

    /// Takes an address. What is no address is as none. A control character is more than a slip: `a@x`, a
    /// line break and `Bcc:` would be a header of the mail in a host that takes addresses as they are.
    fn address(&mut self, text: &Text) -> String {
        if text.value.contains(char::is_control) {
            let message = format!("the address `{}` has control characters", text.value.escape_debug());
            let help = "an address is one line, as in `ada@example.com`".to_owned();
            self.problems.push(Problem::with(text, message).helped(help));
        }
        text.value.clone()
    }

    fn written_account(&mut self, resident: &Text) -> UserRef {
        let (organization, id) = resident.value.split_once('/').unwrap_or_else(|| {
            let message = format!("`{}` does not say where the account is", resident.value);
            let problem = Problem::with(resident, message).helped("write it as `ORGANIZATION/ID`".into());
            self.problems.push(problem);
            ("", "")
        });
        UserRef { organization: organization.to_owned(), id: id.to_owned() }
    }

    fn link_parent(&mut self, entry: &OrganizationEntry) {
        let Some(parent) = &entry.parent else { return };
        if !self.organizations.contains_key(&parent.value) {
            let problem = Problem::with(parent, format!("there is no organization `{}`", parent.value));
            let problem = problem.suggest(&parent.value, self.organizations.keys().map(String::as_str));
            self.problems.push(problem);
            return;
        }
        let mut above = Some(parent.value.clone());
        while let Some(ancestor) = above {
            if ancestor == entry.id.value {
                self.problem(parent, format!("`{ancestor}` would be its own ancestor"));
                return;
            }
            above = self.organizations.get(&ancestor).and_then(|place| place.parent.clone());
        }
        if let Some(place) = self.organizations.get_mut(&entry.id.value) {
            place.parent = Some(parent.value.clone());
        }
    }

    fn link_guests(&mut self, entry: &OrganizationEntry) {
        for user in &entry.users {
            let Some(resident) = user.resident.as_ref().filter(|text| text.value.contains('/')) else {
                continue;
            };
            let Some(Principal::User(account)) = self.person(&entry.id.value, resident) else { continue };
            let written = resident.value.split_once('/').unwrap_or_default();
            if written.0 == entry.id.value {
                self.problem(resident, "a guest is resident in another organization".into());
            } else if written != (account.organization.as_str(), account.id.as_str()) {
                let message = format!("`{}` is a guest there himself", resident.value);
                let help = format!("his account is `{}/{}`", account.organization, account.id);
                self.problems.push(Problem::with(resident, message).helped(help));
            } else if self.local_id(&entry.id.value, &account).is_some_and(|id| *id != user.id.value) {
                self.problem(
                    resident,
                    format!("`{}` is a user of `{}` already", resident.value, entry.id.value),
                );
            }
        }
        for member in &entry.members {
            if let Some(Principal::User(account)) = self.person(&entry.id.value, member) {
                self.add_member(entry, member, &account);
            }
        }
    }

    fn local_id(&self, organization: &str, account: &UserRef) -> Option<&String> {
        self.organizations.get(organization)?.person(account).map(|(id, _)| id)
    }

    fn add_member(&mut self, entry: &OrganizationEntry, member: &Text, account: &UserRef) {
        let resident =
            self.organizations.get(&account.organization).and_then(|place| place.people.get(&account.id));
        let name = resident.map(|person| person.name.clone()).unwrap_or_default();
        let Some(place) = self.organizations.get_mut(&entry.id.value) else { return };
        let id = format!("member-{}", account.id);
        if place.person(account).is_some() || place.people.contains_key(&id) {
            self.problem(member, format!("`{}` is a user of `{}` already", member.value, entry.id.value));
        } else if place.people.named(&name).next().is_some() {
            let message =
                format!("the user name `{name}` of `{}` is taken in `{}`", member.value, entry.id.value);
            self.problem(member, message);
        } else {
            let person = Person {
                name,
                store: DEFAULT_STORE.to_owned(),
                email: None,
                active: true,
                account: account.clone(),
                groups: BTreeMap::new(),
                roles: BTreeMap::new(),
                leases: BTreeMap::new(),
                invitation: None,
            };
            place.people.insert(id, person);
        }
    }

    fn link_people(&mut self, entry: &OrganizationEntry) {
        let id = &entry.id.value;
        for group in &entry.groups {
            group.members.iter().for_each(|member| self.put_into(id, group, false, member));
        }
        for role in &entry.roles {
            role.target.members.iter().for_each(|member| self.put_into(id, &role.target, true, member));
            let clients = role.clients.iter().filter_map(|client| match self.person(id, client) {
                Some(Principal::Client(client)) => Some(client),
                _ => None,
            });
            let clients = clients.collect();
            let groups = role.groups.iter().filter(|group| self.is_group(id, group));
            let groups = groups.map(|group| group.value.clone()).collect();
            let place = self.organizations.get_mut(id);
            if let Some(known) = place.and_then(|place| place.roles.get_mut(&role.target.id.value)) {
                (known.clients, known.groups) = (clients, groups);
            }
        }
    }

    fn is_group(&mut self, organization: &str, group: &Text) -> bool {
        let groups = self.organizations.get(organization).map(|place| &place.groups);
        if groups.is_some_and(|groups| groups.contains_key(&group.value)) {
            return true;
        }
        let message = format!("organization `{organization}` has no group `{}`", group.value);
        let names = groups.into_iter().flat_map(BTreeMap::keys).map(String::as_str);
        let problem = Problem::with(group, message).suggest(&group.value, names);
        self.problems.push(problem);
        false
    }

    fn put_into(&mut self, organization: &str, target: &TargetEntry, is_role: bool, member: &Text) {
        let Some(who) = self.person(organization, member) else { return };
        let place = self.organizations.get_mut(organization);
        let kind = if is_role { GrantKind::Role } else { GrantKind::Group };
        let given = match &who {
            Principal::User(account) => place.and_then(|place| {
                place.change_grants(account, kind, |grants| grants.insert(target.id.value.clone(), None))
            }),
            _ => None,
        };
        if given.is_none() {
            let message = format!("`{}` is no member of organization `{organization}`", member.value);
            let help = format!("list him under `members` of `{organization}` first");
            self.problems.push(Problem::with(member, message).helped(help));
        }
    }

    fn link_rules(&mut self, entry: &OrganizationEntry) {
        let id = &entry.id.value;
        entry.groups.iter().for_each(|group| self.link_target(id, group, false));
        entry.roles.iter().for_each(|role| self.link_target(id, &role.target, true));
        let mut permissions = Vec::new();
        let known = Rights::PERMISSIONS.map(|(word, flag)| (word, Rights::from(flag)));
        let all = Rights::from(Permissions::all());
        for (who, words) in &entry.permissions.0 {
            let flags = self.flags(words, &known, all).permissions;
            if let Some(who) = self.person(id, who) {
                permissions.push(Entitled { who, permissions: flags });
            }
        }
        if let Some(place) = self.organizations.get_mut(id) {
            place.permissions = permissions;
        }
        for grant in entry.settings.grants() {
            let missing =
                self.organizations.get(id).is_some_and(|place| place.target(&grant.value.grant()).is_none());
            if missing {
                self.problem(grant, format!("organization `{id}` has no group or role `{}`", grant.value.id));
            }
        }
        let judged = self.organizations.get(id).map(|place| settings::judge(&place.settings));
        let judged = judged.map(|judged| judged.and_then(|()| entry.settings.judge_landings()));
        if let Some(Err(why)) = judged {
            self.problems
                .push(Problem::with(&entry.id, format!("the settings of `{id}` cannot work: {why}")));
        }
        self.link_policy(entry);
    }

    fn link_target(&mut self, organization: &str, entry: &TargetEntry, is_role: bool) {
        let givers = entry.grantable_by.as_ref().map(|givers| {
            givers.iter().filter_map(|giver| self.person(organization, giver)).collect::<Vec<_>>()
        });
        let roles = entry.receivable_by.as_ref().map(|roles| {
            roles
                .iter()
                .filter(|role| self.is_parents_role(organization, role))
                .map(|role| role.value.clone())
                .collect()
        });
        let Some(place) = self.organizations.get_mut(organization) else { return };
        let target = match is_role {
            true => place.roles.get_mut(&entry.id.value).map(|role| &mut role.target),
            false => place.groups.get_mut(&entry.id.value),
        };
        if let Some(target) = target {
            target.grantable_by = givers;
            target.receivable_by = roles;
        }
    }

    fn is_parents_role(&mut self, organization: &str, role: &Text) -> bool {
        let parent = self.organizations.get(organization).and_then(|place| place.parent.as_ref());
        let roles = parent.and_then(|parent| self.organizations.get(parent)).map(|place| &place.roles);
        if roles.is_some_and(|roles| roles.contains_key(&role.value)) {
            return true;
        }
        let message = format!("the parent of `{organization}` has no role `{}`", role.value);
        let names = roles.into_iter().flat_map(BTreeMap::keys).map(String::as_str);
        let problem = Problem::with(role, message).suggest(&role.value, names);
        self.problems.push(problem);
        false
    }

    fn flags(&mut self, words: &[Text], known: &[(&'static str, Rights)], all: Rights) -> Rights {
        let mut flags = Rights::empty();
        for word in words {
            match known.iter().find(|(name, _)| *name == word.value) {
                Some((_, flag)) => flags = flags.union(*flag),
                None if word.value == Rights::ALL => flags = flags.union(all),
                None => {
                    let names = known.iter().map(|(name, _)| *name).chain([Rights::ALL]);
                    let known: Vec<_> = names.clone().map(|name| format!("`{name}`")).collect();
                    let message =
                        format!("unknown permission `{}`, expected one of {}", word.value, known.join(", "));
                    self.problems.push(Problem::with(word, message).suggest(&word.value, names));
                }
            }
        }
        flags
    }

    /// Finds whom a reference means; `None` was reported.
    fn person(&mut self, organization: &str, text: &Text) -> Option<Principal> {
        let reference = text.value.as_str();
        if let Some(client) = reference.strip_prefix("client:") {
            return Some(Principal::Client(client.to_owned()));
        }
        let qualified = reference.split_once('/').and_then(|(place, id)| {
            self.organizations.get(place)?.people.get(id).map(|person| person.account.clone())
        });
        let mut found = qualified;
        let mut place = Some(organization.to_owned());
        while let (None, Some(id)) = (&found, &place) {
            let Some(here) = self.organizations.get(id) else { break };
            found = here.people.get(reference).map(|person| person.account.clone());
            place = here.parent.clone();
        }
        if found.is_none() {
            let message = format!("there is no user `{reference}` in `{organization}` or above it");
            let problem = Problem::with(text, message);
            // Whoever has that many slips in a file has another trouble than a slip; and a look at everybody
            // for each of them would take for ever.
            let problem = match self.problems.len() {
                0..SUGGESTED => self.suggest(problem, organization, reference),
                _ => problem,
            };
            self.problems.push(problem);
        }
        found.map(Principal::User)
    }

    /// Suggests the nearest of all who could be meant.
    fn suggest(&self, problem: Problem, organization: &str, reference: &str) -> Problem {
        let mut names: Vec<Cow<'_, str>> = Vec::new();
        let mut place = Some(organization);
        while let Some(here) = place.and_then(|id| self.organizations.get(id)) {
            names.extend(here.people.keys().map(|id| Cow::from(id.as_str())));
            place = here.parent.as_deref();
        }
        let everybody = self
            .organizations
            .iter()
            .flat_map(|(place, here)| here.people.keys().map(move |id| Cow::from(format!("{place}/{id}"))));
        names.extend(everybody);
        problem.suggest(reference, names.iter().map(AsRef::as_ref))
    }
}
