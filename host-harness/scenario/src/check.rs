//! Checks what can be said of a scenario before it runs.
//!
//! A misspelt name is found here, with its line and what was probably meant, and not by a step that
//! fails in the middle of a story.

mod empty;
mod expected;
mod steps;
mod stores;

use serde_saphyr::Spanned;

use super::{
    edit::tree::Document,
    fault,
    format::{Faults, Instances, Scenario, Step, Text},
    render::{STATES, state_name},
};
use expected::Scope;
use guestlist_documents::{Problem, files::without_mark};
use guestlist_memory::{MemoryHost, Realm, Snapshot, World};
use steps::Place;
use stores::Stores;

/// Everything that is wrong with the scenario that `text` holds.
pub(super) fn problems(scenario: &Scenario, text: &str, world: &World) -> Vec<Problem> {
    let mut problems = empty::keys(scenario, text);
    let Ok(host) = MemoryHost::from_world(world) else { return problems };
    let document = Document::parse(without_mark(text)).ok();
    let mut checker = Checker {
        document: document.as_ref(),
        speaks: "invitations",
        world: host.snapshot(),
        realm: host.realm(),
        stores: Stores::new(host.user_stores(), scenario),
        made: Vec::new(),
        moves: false,
        problems: Vec::new(),
    };
    let all = || scenario.given.iter().chain(&scenario.steps);
    for step in all().flat_map(with_racers) {
        checker.learn(&step.value);
    }
    checker.organization(scenario.organization.as_ref());
    checker.person(scenario.caller.as_ref());
    checker.clock(scenario.clock.as_ref());
    for step in all() {
        checker.step(step, Place::Story, scenario.organization.as_ref());
        let racers = step.value.race.iter().flat_map(|race| &race.of);
        if scenario.instance == Instances::Kept && racers.filter(|one| one.value.is_call()).count() > 1 {
            checker.wrong(step, "one instance makes one call at a time: none race", "leave `instance` out");
        }
    }
    if let Faults::These(entries) = &scenario.faults {
        problems.extend(entries.iter().filter_map(|entry| fault::understood(entry).err()));
    }
    if let Some(expect) = &scenario.expect {
        checker.outcome(expect, Scope::Whole);
    }
    if scenario.steps.is_empty() {
        problems.push(Problem::with(&scenario.name, "a scenario without steps shows nothing".into()));
    }
    problems.append(&mut checker.problems);
    problems
}

fn with_racers(step: &Spanned<Step>) -> impl Iterator<Item = &Spanned<Step>> {
    let racers = step.value.race.iter().flat_map(|race| &race.of);
    std::iter::once(step).chain(racers)
}

struct Checker<'a> {
    /// The file, to say where parts of it stand.
    document: Option<&'a Document<'a>>,
    /// The interface that the present step asks, which has words of its own.
    speaks: &'static str,
    world: Snapshot,
    realm: Realm,
    stores: Stores,
    /// Names of the people, groups, roles and organizations that are made, or renamed, in the course of the
    /// story.
    made: Vec<String>,
    /// Organizations get other parents.
    moves: bool,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn learn(&mut self, step: &Step) {
        self.stores.learn(step);
        let Some(event) = &step.event else { return };
        if let Some(user) = &event.create_user {
            self.made.extend([user.id.clone(), user.name.clone()]);
        }
        self.made.extend(event.rename_user.iter().map(|rename| rename.to.clone()));
        let targets = event.create_group.iter().chain(&event.create_role).map(|target| target.id.clone());
        self.made.extend(targets);
        self.made.extend(event.create_organization.iter().map(|place| place.id.clone()));
        self.moves |= event.move_organization.is_some();
    }

    fn wrong<T>(&mut self, place: &Spanned<T>, message: impl Into<String>, help: &str) {
        self.problems.push(Problem::with(place, message.into()).helped(help.to_owned()));
    }

    fn state(&mut self, word: &Text) {
        let names = STATES.map(state_name);
        if !names.contains(&word.value.as_str()) {
            let message = format!("`{}` is no state of an invitation", word.value);
            self.problems.push(Problem::with(word, message).suggest(&word.value, names));
        }
    }

    fn organization(&mut self, text: Option<&Text>) {
        let Some(text) = text else { return };
        if !self.world.organizations.contains_key(&text.value) && !self.made.contains(&text.value) {
            let message = format!("the world has no organization `{}`", text.value);
            let known = self.world.organizations.keys().map(String::as_str);
            let problem = Problem::with(text, message).suggest(&text.value, known);
            self.problems.push(problem);
        }
    }

    fn person(&mut self, text: Option<&Text>) {
        let Some(text) = text else { return };
        let name = text.value.as_str();
        if name.starts_with("client:") || name == "anonymous" || name == "system" {
            return;
        }
        let name = match name.split_once('/') {
            Some((place, id))
                if self.world.organizations.contains_key(place)
                    || self.made.iter().any(|made| made == place) =>
            {
                id
            }
            _ => name,
        };
        let residents = self.world.organizations.values().flat_map(|place| &place.residents);
        let members = self.world.organizations.values().flat_map(|place| &place.members);
        let known: Vec<&str> = residents
            .flat_map(|(id, person)| [id.as_str(), person.name.as_str()])
            .chain(members.flat_map(|member| [member.id.as_str(), member.name.as_str()]))
            .chain(self.made.iter().map(String::as_str))
            .collect();
        if !known.contains(&name) {
            let message = format!("the world has no user `{}`", text.value);
            self.problems.push(Problem::with(text, message).suggest(name, known));
        }
    }
}
