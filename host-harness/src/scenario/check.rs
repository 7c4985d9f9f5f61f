//! What can be said of a scenario before it runs.
//!
//! A misspelt name is found here, with its line and what was probably meant, and not by a step that
//! fails in the middle of a story.

use serde_saphyr::Spanned;

use super::{
    ask::BROKEN,
    format::{ACTIONS, Event, Faults, Outcome, Scenario, Step, Text},
    pattern::Bound,
    shown::{STATES, state_name},
    strike,
};
use crate::memory::{MemoryHost, Problem, Snapshot, World};

/// Everything that is wrong.
pub(super) fn problems(scenario: &Scenario, world: &World) -> Vec<Problem> {
    let Ok(host) = MemoryHost::from_world(world) else { return Vec::new() };
    let mut checker = Checker { world: host.snapshot(), made: Vec::new(), problems: Vec::new() };
    let all = || scenario.given.iter().chain(&scenario.steps);
    for step in all().flat_map(with_racers) {
        checker.learn(&step.value);
    }
    checker.organization(scenario.organization.as_ref());
    checker.person(scenario.caller.as_ref());
    for step in all() {
        checker.step(step);
    }
    if let Faults::These(entries) = &scenario.faults {
        for entry in entries {
            checker.fault(entry);
        }
    }
    if let Some(expect) = &scenario.expect {
        checker.outcome(expect);
    }
    if scenario.steps.is_empty() {
        checker.problems.push(Problem::with(&scenario.name, "a scenario without steps shows nothing".into()));
    }
    checker.problems
}

fn with_racers(step: &Spanned<Step>) -> impl Iterator<Item = &Spanned<Step>> {
    let racers = step.value.race.iter().flat_map(|race| &race.of);
    std::iter::once(step).chain(racers)
}

struct Checker {
    world: Snapshot,
    /// People who are made, or renamed, in the course of the story.
    made: Vec<String>,
    problems: Vec<Problem>,
}

impl Checker {
    fn learn(&mut self, step: &Step) {
        let Some(event) = &step.event else { return };
        if let Some(user) = &event.create_user {
            self.made.extend([user.id.clone(), user.name.clone()]);
        }
        self.made.extend(event.rename_user.iter().map(|rename| rename.to.clone()));
    }

    fn step(&mut self, step: &Spanned<Step>) {
        let it = &step.value;
        let actions = [
            it.invite.is_some(),
            it.list.is_some(),
            it.get.is_some(),
            it.resend.is_some(),
            it.revoke.is_some(),
            it.revoke_all.is_some(),
            it.approve.is_some(),
            it.reject.is_some(),
            it.list_mine.is_some(),
            it.introspect.is_some(),
            it.accept.is_some(),
            it.decline.is_some(),
            it.sweep.is_some(),
            it.advance.is_some(),
            it.clock.is_some(),
            it.restart.is_some(),
            it.event.is_some(),
            it.race.is_some(),
        ];
        let count = actions.into_iter().filter(|given| *given).count();
        if count != 1 {
            let message =
                if count == 0 { "this step does nothing" } else { "this step does more than one thing" };
            let actions: Vec<_> = ACTIONS.iter().map(|name| format!("`{name}`")).collect();
            let help = format!("give one of {}", actions.join(", "));
            self.problems.push(Problem::with(step, message.into()).helped(help));
        }
        self.organization(it.organization.as_ref());
        self.person(it.caller.as_ref());
        for state in it.list.iter().flat_map(|list| &list.states) {
            self.state(state);
        }
        for state in it.list_mine.iter().flat_map(|list| &list.states) {
            self.state(state);
        }
        if let Some(list) = &it.list {
            self.person(list.inviter.as_ref());
            self.person(list.invitee.as_ref());
        }
        if let Some(all) = &it.revoke_all {
            self.person(all.invitee.as_ref());
            self.person(all.inviter.as_ref());
        }
        if let Some(event) = &it.event {
            self.event(event);
        }
        if let Some(fault) = &it.fault {
            self.fault(fault);
        }
        if let Some(expect) = &it.expect {
            self.outcome(expect);
        }
        if let Some(race) = &it.race {
            if race.of.len() < 2 {
                let problem = Problem::with(step, "a race has two calls at least".into());
                self.problems.push(problem.helped("list them under `of`".into()));
            }
            for one in &race.of {
                if one.value.race.is_some() {
                    self.problems.push(Problem::with(one, "a race has no races in it".into()));
                }
                self.step(one);
            }
        }
    }

    fn event(&mut self, event: &Event) {
        let people = [
            &event.disable_user,
            &event.enable_user,
            &event.delete_user,
            &event.add_member,
            &event.remove_member,
        ];
        for who in people {
            self.person(who.as_ref());
        }
        self.person(event.rename_user.as_ref().map(|rename| &rename.user));
        self.person(event.give.as_ref().map(|giving| &giving.user));
        self.person(event.take.as_ref().map(|giving| &giving.user));
        for id in [&event.suspend_organization, &event.resume_organization, &event.delete_organization] {
            self.organization(id.as_ref());
        }
        if let Some(moving) = &event.move_organization {
            self.organization(Some(&moving.organization));
            self.organization(moving.below.as_ref());
        }
    }

    fn fault(&mut self, entry: &Spanned<super::format::FaultEntry>) {
        if let Err(failure) = strike::understood(entry) {
            self.problems.push(Problem {
                line: failure.line,
                column: failure.column,
                message: failure.message,
                help: failure.help,
            });
        }
    }

    fn outcome(&mut self, outcome: &Spanned<Outcome>) {
        let it = &outcome.value;
        for bound in [&it.fuel, &it.host_calls, &it.memory].into_iter().flatten() {
            if let Err(why) = Bound::parse(&bound.value) {
                self.problems.push(Problem::with(bound, why));
            }
        }
        if let Some(word) = &it.broken
            && !BROKEN.contains(&word.value.as_str())
        {
            let message = format!("`{}` is no way to break off", word.value);
            self.problems.push(Problem::with(word, message).suggest(&word.value, BROKEN));
        }
        let answers = [it.answer.is_some(), it.refused.is_some(), it.broken.is_some()];
        if answers.into_iter().filter(|given| *given).count() > 1 {
            let message = "expect one of `answer`, `refused` and `broken`".into();
            self.problems.push(Problem::with(outcome, message));
        }
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
        if !self.world.organizations.contains_key(&text.value) {
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
            Some((place, id)) if self.world.organizations.contains_key(place) => id,
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
