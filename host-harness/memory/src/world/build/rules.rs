//! Checks whether what rules of scripted policies name is there.

use std::collections::BTreeMap;

use super::{Builder, OrganizationEntry, Problem};
use crate::{
    Rule,
    realm::Organization,
    rule::{is_called, which},
};

/// A name in a rule that leads nowhere, or to more than one.
pub struct Dangling {
    /// The name that the rule has.
    pub name: String,
    /// The mistake, in words.
    pub message: String,
    /// Names that would have been right.
    pub known: Vec<String>,
}

type Organizations = BTreeMap<String, Organization>;

/// Finds what a rule of an organization names that is not there; nothing of a rule that says `later`.
pub fn dangling(organizations: &Organizations, place: &str, rule: &Rule) -> Vec<Dangling> {
    let Some(own) = organizations.get(place).filter(|_| !rule.later) else { return Vec::new() };
    let parent = own.parent.as_deref().and_then(|parent| organizations.get(parent));
    let mut all = Vec::new();
    for name in rule.names.iter().flatten() {
        all.extend(person(organizations, place, own, name));
    }
    // Nobody is invited into an organization without a parent; it may get one.
    let above = parent.unwrap_or(own);
    let where_above = match (&own.parent, parent) {
        (Some(parent), Some(_)) => format!("`{parent}`, the parent of `{place}`,"),
        _ => format!("`{place}`"),
    };
    let here = format!("organization `{place}`");
    let groups = |place: &Organization| place.groups.keys().cloned().collect::<Vec<_>>();
    let roles = |place: &Organization| place.roles.keys().cloned().collect::<Vec<_>>();
    let lists = [
        (&rule.in_groups, &where_above, "group", groups(above)),
        (&rule.in_roles, &where_above, "role", roles(above)),
        (&rule.inviter_in_groups, &here, "group", groups(own)),
        (&rule.inviter_in_roles, &here, "role", roles(own)),
    ];
    for (list, whose, what, targets) in lists {
        for id in list.iter().flatten().filter(|id| !targets.contains(*id)) {
            let known = targets.clone();
            all.push(Dangling { name: id.clone(), message: format!("{whose} has no {what} `{id}`"), known });
        }
    }
    let without = rule.narrow.iter().flat_map(|narrow| &narrow.without);
    for name in rule.grants.iter().flatten().chain(without) {
        all.extend(grant(own, &here, name));
    }
    all
}

fn grant(own: &Organization, here: &str, name: &str) -> Option<Dangling> {
    use guestlist_contract::types::GrantKind::{Group, Role};
    let (kind, id) = which(name);
    let there = (kind != Some(Role) && own.groups.contains_key(id))
        || (kind != Some(Group) && own.roles.contains_key(id));
    let what = match kind {
        Some(Group) => "group",
        Some(Role) => "role",
        None => "group or role",
    };
    let dangling = || Dangling {
        name: id.to_owned(),
        message: format!("{here} has no {what} `{id}`"),
        known: own.groups.keys().chain(own.roles.keys()).cloned().collect(),
    };
    (!there).then(dangling)
}

fn person(organizations: &Organizations, place: &str, own: &Organization, name: &str) -> Option<Dangling> {
    let elsewhere = name.split_once('/').and_then(|(place, id)| organizations.get(place)?.people.get(id));
    let parent = own.parent.as_deref().and_then(|parent| Some((parent, organizations.get(parent)?)));
    let (whose, people) = match parent {
        Some((parent, above)) => (format!("`{parent}`, the parent of `{place}`,"), &above.people),
        None => (format!("organization `{place}`"), &own.people),
    };
    let mut found = people.iter().filter(|(id, person)| is_called(id, person, name));
    let message = match (found.next(), found.next()) {
        (None, _) if elsewhere.is_none() => format!("{whose} has no user `{name}`"),
        // A name alone is that of each user store; an id is somebody's alone.
        (Some(_), Some(_)) if people.contains_key(name) => {
            format!("`{name}` is the id of one user and the user name of another")
        }
        _ => return None,
    };
    let known = people.iter().flat_map(|(id, person)| [person.name.clone(), id.clone()]).collect();
    Some(Dangling { name: name.to_owned(), message, known })
}

impl Builder {
    /// The scripted policy: each rule has one verdict, and names what is there.
    pub(super) fn link_policy(&mut self, entry: &OrganizationEntry) {
        for rule in &entry.policy {
            for Dangling { name, message, known } in
                dangling(&self.organizations, &entry.id.value, &rule.value)
            {
                let problem = Problem::with(rule, message).suggest(&name, known.iter().map(String::as_str));
                self.problems.push(if problem.help.is_some() {
                    problem
                } else {
                    problem.helped(LATER.into())
                });
            }
            if rule.value.verdicts() != 1 {
                let problem = Problem::with(rule, "a rule needs exactly one verdict".into());
                let help = "give one of `allow: true`, `refuse`, `require-approval` (of less with `narrow`) and `narrow`";
                self.problems.push(problem.helped(help.into()));
            }
        }
    }
}

/// Advice about a name that is not there yet.
pub const LATER: &str = "`later: true` in the rule says that it comes to be in the course of things";
