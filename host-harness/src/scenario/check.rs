//! What can be said of a scenario before it runs.
//!
//! A misspelt name is found here, with its line and what was probably meant, and not by a step that
//! fails in the middle of a story.

use serde_saphyr::Spanned;

use serde_json::{Map, Value};

use super::{
    ask::BROKEN,
    format::{ACTIONS, Event, FaultEntry, Faults, Handle, Outcome, Scenario, Step, Text},
    pattern::Bound,
    shown::{STATES, state_name},
    strike,
};
use crate::{
    Function, coverage,
    memory::{MemoryHost, Problem, SettingsPatch, Snapshot, World},
};

/// Keys that are there and say nothing, which the parser takes for absent ones: in the scenario, in its
/// steps and in what they expect.
pub(super) fn empty_keys(scenario: &Scenario, text: &str) -> Vec<Problem> {
    let Ok(Value::Object(file)) = serde_saphyr::from_str::<Value>(text) else { return Vec::new() };
    let mut checker = Checker { world: Snapshot::default(), made: Vec::new(), problems: Vec::new() };
    checker.empty("the scenario", &scenario.name, &file);
    let expected = |fields: &Map<String, Value>| fields.get("expect").and_then(Value::as_object).cloned();
    if let Some(fields) = expected(&file) {
        checker.empty("`expect`", &scenario.name, &fields);
    }
    for (key, steps) in [("given", &scenario.given), ("steps", &scenario.steps)] {
        let written = file.get(key).and_then(Value::as_array);
        for (step, fields) in steps.iter().zip(written.into_iter().flatten()) {
            checker.empty_in_step(step, fields);
        }
    }
    checker.problems
}

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
    checker.clock(scenario.clock.as_ref());
    for step in all() {
        checker.step(step, Place::Story);
    }
    if let Faults::These(entries) = &scenario.faults {
        for entry in entries {
            checker.fault(entry);
        }
    }
    if let Some(expect) = &scenario.expect {
        checker.outcome(expect, Scope::Whole);
    }
    for entry in all().flat_map(with_racers).filter_map(|step| step.value.fault.as_ref()) {
        checker.counted(entry);
    }
    if let Faults::These(entries) = &scenario.faults {
        entries.iter().for_each(|entry| checker.counted(entry));
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

/// Where a step stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Story,
    Race,
}

/// What an expectation is about: only some of them can be judged there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// A call.
    Call,
    /// A call that races: what it alone has changed cannot be told.
    Racer,
    /// Something that happens without a call, or a race as a whole.
    Happening,
    /// All steps together.
    Whole,
}

/// Everything that an answer can have, for `null` in patterns.
const ANSWER_KEYS: [&str; 42] = [
    "accept-with",
    "approver",
    "claims",
    "code",
    "created-at",
    "ended-at",
    "existed",
    "expired",
    "expires-at",
    "failed",
    "finished",
    "grants",
    "in-progress",
    "invitation",
    "inviter",
    "items",
    "last-operation",
    "lease-until",
    "lifetime",
    "mail",
    "metadata",
    "more",
    "name",
    "next",
    "notify",
    "outcomes",
    "parent",
    "purged",
    "reason",
    "refused",
    "repeated",
    "replaces",
    "resends",
    "revoked",
    "schema",
    "sent",
    "state",
    "subject",
    "template",
    "version",
    "withheld",
    "broken",
];

/// Inside of a reason, where texts are somebody's.
const WORDS: &str = "";

/// Expectations that are lists, and may be empty ones.
const EXPECTED_LISTS: [&str; 6] =
    ["effects", "mails", "audit", "calls", "calls-in-any-order", "calls-include"];

/// The keys of the patterns of mails and of audit events.
const MAIL_KEYS: [&str; 9] =
    ["to", "address", "kind", "of", "subject", "from", "template", "code", "expires-at"];
const EVENT_KEYS: [&str; 6] = ["event", "by", "operation", "of", "in", "reason"];

fn one_of_the_actions() -> String {
    let actions: Vec<_> = ACTIONS.iter().map(|name| format!("`{name}`")).collect();
    format!("give one of {}", actions.join(", "))
}

impl Checker {
    fn learn(&mut self, step: &Step) {
        let Some(event) = &step.event else { return };
        if let Some(user) = &event.create_user {
            self.made.extend([user.id.clone(), user.name.clone()]);
        }
        self.made.extend(event.rename_user.iter().map(|rename| rename.to.clone()));
    }

    fn wrong<T>(&mut self, place: &Spanned<T>, message: impl Into<String>, help: &str) {
        self.problems.push(Problem::with(place, message.into()).helped(help.to_owned()));
    }

    fn step(&mut self, step: &Spanned<Step>, place: Place) {
        let it = &step.value;
        let calls = [
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
        ];
        let others = [
            it.advance.is_some(),
            it.clock.is_some(),
            it.restart.is_some(),
            it.event.is_some(),
            it.race.is_some(),
        ];
        let given = |keys: &[bool]| keys.iter().filter(|given| **given).count();
        match given(&calls) + given(&others) {
            0 => self.wrong(step, "this step does nothing", &one_of_the_actions()),
            1 => {}
            _ => self.wrong(step, "this step does more than one thing", &one_of_the_actions()),
        }
        let is_call = given(&calls) > 0;
        if !is_call && it.caller.is_some() {
            self.wrong(step, "nobody acts here", "leave `as` out: it goes with calls of the plugin");
        }
        if !is_call && let Some(fault) = &it.fault {
            self.wrong(
                fault,
                "the host is not asked here, so it cannot fail",
                "`fault` goes with calls of the plugin",
            );
        }
        let with_reason =
            [it.revoke.is_some(), it.reject.is_some(), it.revoke_all.is_some(), it.decline.is_some()];
        if it.reason.is_some() && given(&with_reason) == 0 {
            self.wrong(
                step,
                "a reason is of no use here",
                "it goes with `revoke`, `revoke-all`, `reject` and `decline`",
            );
        }
        if it.restart == Some(false) {
            self.wrong(step, "`restart: false` does nothing", "write `restart: true`, or leave the step out");
        }
        self.organization(it.organization.as_ref());
        self.person(it.caller.as_ref());
        self.clock(it.clock.as_ref());
        self.call(step);
        if let Some(event) = &it.event {
            self.event(step, event);
        }
        if let Some(fault) = &it.fault {
            self.fault(fault);
        }
        if let Some(expect) = &it.expect {
            self.outcome(
                expect,
                match (is_call, place) {
                    (true, Place::Story) => Scope::Call,
                    (true, Place::Race) => Scope::Racer,
                    (false, _) => Scope::Happening,
                },
            );
        }
        if let Some(race) = &it.race {
            if race.of.len() < 2 {
                self.wrong(step, "a race has two calls at least", "list them under `of`");
            }
            if race.runs.is_some() && race.seed.is_none() {
                self.wrong(
                    step,
                    "`runs` counts random schedules, and there are none",
                    "give a `seed`, or leave `runs` out",
                );
            }
            if race.switches.is_some() && race.seed.is_some() {
                self.wrong(step, "random schedules switch as they like", "give either `seed` or `switches`");
            }
            for one in &race.of {
                if one.value.race.is_some() {
                    self.problems.push(Problem::with(one, "a race has no races in it".into()));
                }
                self.step(one, Place::Race);
            }
        }
    }

    /// What is given to a call.
    fn call(&mut self, step: &Spanned<Step>) {
        let it = &step.value;
        let states = it.list.iter().flat_map(|list| &list.states);
        for state in states.chain(it.list_mine.iter().flat_map(|list| &list.states)) {
            self.state(state);
        }
        if let Some(list) = &it.list {
            self.person(list.inviter.as_ref());
            self.person(list.invitee.as_ref());
            if list.group.is_some() && list.role.is_some() {
                self.wrong(step, "a list is filtered by one group or role", "say either `group` or `role`");
            }
        }
        if let Some(all) = &it.revoke_all {
            self.person(all.invitee.as_ref());
            self.person(all.inviter.as_ref());
            if all.invitee.is_some() == all.inviter.is_some() {
                self.wrong(step, "whose invitations?", "say either `invitee` or `inviter`");
            }
        }
        for handle in [&it.introspect, &it.accept, &it.decline].into_iter().flatten() {
            self.handle(step, handle);
        }
    }

    fn handle(&mut self, step: &Spanned<Step>, handle: &Handle) {
        let ways =
            [handle.code.is_some(), handle.invitation.is_some(), handle.text.is_some(), handle.never_issued];
        if ways.into_iter().filter(|given| *given).count() != 1 {
            let help = "say one of `code`, `invitation`, `text` and `never-issued`";
            self.wrong(step, "which invitation is meant?", help);
        }
        if handle.code.is_none() && (handle.nth.is_some() || handle.cut.is_some()) {
            self.wrong(step, "`nth` and `cut` are of a code", "give `code`");
        }
    }

    fn clock(&mut self, text: Option<&Text>) {
        let Some(text) = text else { return };
        if chrono::DateTime::parse_from_rfc3339(&text.value).is_err() {
            self.wrong(text, format!("`{}` is no instant", text.value), "write it as `2026-03-02T09:00:00Z`");
        }
    }

    fn event(&mut self, step: &Spanned<Step>, event: &Event) {
        match event.count() {
            0 => self.wrong(step, "the event says nothing", "say what happens, as in `disable-user: alice`"),
            1 => {}
            _ => self.wrong(step, "one event a step, please", "write a step for each"),
        }
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
        for giving in [&event.give, &event.take].into_iter().flatten() {
            self.person(Some(&giving.user));
            if giving.group.is_some() == giving.role.is_some() {
                self.wrong(step, "a group or a role?", "say either `group` or `role`");
            }
        }
        for id in [&event.suspend_organization, &event.resume_organization, &event.delete_organization] {
            self.organization(id.as_ref());
        }
        if let Some(moving) = &event.move_organization {
            self.organization(Some(&moving.organization));
            self.organization(moving.below.as_ref());
        }
        let grants = event.change_settings.iter().flat_map(SettingsPatch::grants);
        let grants: Vec<_> = grants.map(|grant| (grant.referenced, grant.value.id.clone())).collect();
        let narrowed = event.set_policy.iter().flatten().filter_map(|rule| rule.narrow.as_ref());
        let narrowed: Vec<_> = narrowed.flat_map(|narrow| narrow.without.clone()).collect();
        let named = grants.into_iter().chain(narrowed.into_iter().map(|id| (step.referenced, id)));
        for (place, id) in named {
            let targets =
                self.world.organizations.values().flat_map(|one| one.groups.keys().chain(one.roles.keys()));
            let known: Vec<&str> = targets.map(String::as_str).collect();
            if !known.contains(&id.as_str()) {
                let message = format!("the world has no group or role `{id}`");
                let problem = Problem::at(Some(place), message).suggest(&id, known);
                self.problems.push(problem);
            }
        }
    }

    fn fault(&mut self, entry: &Spanned<FaultEntry>) {
        if let Err(failure) = strike::understood(entry) {
            self.problems.push(Problem {
                line: failure.line,
                column: failure.column,
                message: failure.message,
                help: failure.help,
            });
        }
    }

    fn outcome(&mut self, outcome: &Spanned<Outcome>, scope: Scope) {
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
            self.wrong(
                outcome,
                "more than one answer is expected",
                "expect one of `answer`, `refused` and `broken`",
            );
        }
        self.judgeable(outcome, scope);
        if let Some(pattern) = &it.answer {
            self.answer_pattern(pattern, &pattern.value, None);
        }
        if let Some(pattern) = &it.refused {
            self.answer_pattern(pattern, &pattern.value, Some("refused"));
        }
        let calls = [&it.calls, &it.calls_in_any_order, &it.calls_include, &it.calls_exclude];
        for pattern in calls.into_iter().flatten().flat_map(|calls| &calls.value) {
            self.call_pattern(pattern);
        }
        for pattern in it.mails.iter().flat_map(|mails| &mails.value) {
            self.keys(pattern, "a mail", &MAIL_KEYS);
        }
        for pattern in it.audit.iter().flat_map(|audit| &audit.value) {
            self.keys(pattern, "an audit event", &EVENT_KEYS);
        }
    }

    /// An expectation that cannot be judged where it stands would pass whatever comes.
    fn judgeable(&mut self, outcome: &Spanned<Outcome>, scope: Scope) {
        let it = &outcome.value;
        let answer = it.answer.is_some() || it.refused.is_some() || it.broken.is_some();
        let (changes, calls) = (it.is_about_changes(), it.is_about_calls());
        let budgets = it.fuel.is_some() || it.host_calls.is_some();
        let (wrong, help) = match scope {
            Scope::Call if it.broken.is_some() && it.fuel.is_some() => {
                (true, "what a call that broke off has used is not known: leave `fuel` out")
            }
            Scope::Call => (false, ""),
            Scope::Racer => (
                changes,
                "in a race `effects`, `mails` and `audit` are expected of the race as a whole, or after it",
            ),
            Scope::Happening => (
                answer || calls || budgets || it.memory.is_some(),
                "nobody is asked here: only `effects`, `mails` and `audit` can be expected",
            ),
            Scope::Whole => (
                answer || calls || it.memory.is_some(),
                "of all steps together `effects`, `mails`, `audit`, `fuel` and `host-calls` can be expected",
            ),
        };
        if wrong {
            self.wrong(outcome, "something is expected that cannot be judged here", help);
        }
    }

    /// A pattern of an answer: words that no answer has would match nothing, or, as `null`, everything.
    fn answer_pattern(&mut self, place: &Spanned<Value>, pattern: &Value, within: Option<&str>) {
        match pattern {
            Value::Array(items) => items.iter().for_each(|item| self.answer_pattern(place, item, within)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    if value.is_null() && !ANSWER_KEYS.contains(&key.as_str()) {
                        let message = format!("no answer has a `{key}`");
                        let problem = Problem::with(place, message).suggest(key, ANSWER_KEYS);
                        self.problems.push(problem);
                    }
                    // What is in a reason are somebody's words.
                    let within = match (key.as_str(), within) {
                        ("any-of", within) => within,
                        (_, Some("refused" | WORDS)) => Some(WORDS),
                        (key, _) => Some(key),
                    };
                    self.answer_pattern(place, value, within);
                }
            }
            Value::String(text) if text != "*" => {
                let known: Vec<&str> = match within {
                    Some("state") => STATES.map(state_name).to_vec(),
                    Some("refused") => coverage::refusals().collect(),
                    _ => return,
                };
                if !known.contains(&text.as_str()) {
                    let message = format!("`{text}` is no word of an answer");
                    self.problems.push(Problem::with(place, message).suggest(text, known));
                }
            }
            _ => {}
        }
    }

    fn empty_in_step(&mut self, step: &Spanned<Step>, written: &Value) {
        let Some(fields) = written.as_object() else { return };
        self.empty("the step", step, fields);
        if let Some(expected) = fields.get("expect").and_then(Value::as_object) {
            self.empty("`expect`", step, expected);
        }
        let racers = fields.get("race").and_then(|race| race.get("of")).and_then(Value::as_array);
        let of = step.value.race.iter().flat_map(|race| &race.of);
        for (one, fields) in of.zip(racers.into_iter().flatten()) {
            self.empty_in_step(one, fields);
        }
    }

    fn counted(&mut self, entry: &Spanned<FaultEntry>) {
        if entry.value.nth == Some(0) {
            self.wrong(entry, "this fault never happens", "`nth` counts from 1");
        }
    }

    /// Keys that are there and say nothing: whoever leaves out what he expects expects nothing.
    fn empty<T>(&mut self, what: &str, place: &Spanned<T>, fields: &Map<String, Value>) {
        for key in fields.iter().filter(|(_, value)| value.is_null()).map(|(key, _)| key) {
            let help = if EXPECTED_LISTS.contains(&key.as_str()) {
                "write `[]` for none"
            } else {
                "say what, or leave the key out"
            };
            self.wrong(place, format!("`{key}` of {what} is empty"), help);
        }
    }

    fn call_pattern(&mut self, pattern: &Spanned<Value>) {
        let name = match &pattern.value {
            Value::String(name) => Some(name.as_str()),
            Value::Object(fields) if fields.len() == 1 => fields.keys().next().map(String::as_str),
            _ => None,
        };
        let Some(name) = name else {
            let help = "write `storage.insert`, or `storage.insert: { organization: acme }`";
            self.wrong(pattern, "this is no host call", help);
            return;
        };
        if let Err(error) = name.parse::<Function>() {
            let names = Function::ALL.iter().map(|function| function.name());
            self.problems.push(Problem::with(pattern, error.to_string()).suggest(name, names));
        }
        let arguments =
            pattern.value.as_object().and_then(|fields| fields.get(name)).and_then(Value::as_object);
        if let (Some(arguments), Ok(function)) = (arguments, name.parse::<Function>()) {
            // As they are shown: the key of an invitation is its name.
            let shown =
                |name: &&str| if *name == "key" { "invitation".to_owned() } else { name.replace('_', "-") };
            let known: Vec<String> = function.arguments().iter().map(shown).collect();
            for key in arguments.keys().filter(|key| !known.contains(*key)) {
                let problem = Problem::with(pattern, format!("`{name}` has no argument `{key}`"));
                self.problems.push(problem.suggest(key, known.iter().map(String::as_str)));
            }
        }
    }

    fn keys(&mut self, pattern: &Spanned<Value>, what: &str, known: &[&str]) {
        let Value::Object(fields) = &pattern.value else { return };
        for key in fields.keys().filter(|key| !known.contains(&key.as_str())) {
            let message = format!("{what} has no `{key}`");
            self.problems.push(Problem::with(pattern, message).suggest(key, known.iter().copied()));
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
