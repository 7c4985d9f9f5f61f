//! Checks what can be said of a step.

use serde_saphyr::Spanned;

use super::{Checker, expected::Scope};
use crate::{
    fault,
    format::{ACTIONS, Event, Handle, Step, Text},
};
use guestlist_documents::{Problem, instant};
use guestlist_memory::{Dangling, LATER, Rule, SettingsPatch, dangling};

/// The place where a step stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Story,
    Race,
}

fn one_of_the_actions() -> String {
    let actions: Vec<_> = ACTIONS.iter().map(|name| format!("`{name}`")).collect();
    format!("give one of {}", actions.join(", "))
}

impl Checker<'_> {
    pub(super) fn step(&mut self, step: &Spanned<Step>, place: Place, within: Option<&Text>) {
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
            it.dismiss.is_some(),
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
        self.user_stores(step);
        if let Some(event) = &it.event {
            self.event(step, event, it.organization.as_ref().or(within));
        }
        self.problems.extend(it.fault.as_ref().and_then(|fault| fault::understood(fault).err()));
        if let Some(expect) = &it.expect {
            let invitees =
                [it.list_mine.is_some(), it.introspect.is_some(), it.accept.is_some(), it.decline.is_some()];
            self.speaks = match () {
                () if it.sweep.is_some() => "maintenance",
                () if given(&invitees) > 0 => "invitee",
                () => "invitations",
            };
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
                self.step(one, Place::Race, within);
            }
        }
    }

    /// Checks what is given to a call.
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

    pub(super) fn clock(&mut self, text: Option<&Text>) {
        self.problems.extend(text.and_then(|text| instant(text).err()));
    }

    fn event(&mut self, step: &Spanned<Step>, event: &Event, within: Option<&Text>) {
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
        for rename in [&event.rename_user, &event.move_to_store].into_iter().flatten() {
            self.person(Some(&rename.user));
        }
        self.person(event.change_email.as_ref().map(|change| &change.user));
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
        self.organization(event.create_organization.as_ref().and_then(|place| place.below.as_ref()));
        for grant in event.change_settings.iter().flat_map(SettingsPatch::grants) {
            let targets =
                self.world.organizations.values().flat_map(|one| one.groups.keys().chain(one.roles.keys()));
            let known: Vec<&str> = targets.chain(&self.made).map(String::as_str).collect();
            let id = grant.value.id.as_str();
            if !known.contains(&id) {
                let message = format!("the world has no group or role `{id}`");
                self.problems.push(Problem::with(grant, message).suggest(id, known));
            }
        }
        let rules = event.set_policy.iter().flatten();
        rules.for_each(|rule| self.rule(rule, within));
    }

    /// A rule that is set in the course of the story: of what the world has, or the story makes.
    fn rule(&mut self, rule: &Spanned<Rule>, within: Option<&Text>) {
        if rule.value.verdicts() != 1 {
            let help = "give one of `allow: true`, `refuse`, `require-approval` (of less with `narrow`) and `narrow`";
            self.wrong(rule, "a rule needs exactly one verdict", help);
        }
        // Below another parent other people, groups and roles are meant.
        let Some(place) = within.filter(|_| !self.moves) else { return };
        for Dangling { name, message, known } in
            dangling(&self.realm.organizations, &place.value, &rule.value)
        {
            let plain = name.rsplit('/').next().unwrap_or(&name);
            if !self.made.iter().any(|made| made.eq_ignore_ascii_case(plain)) {
                let problem = Problem::with(rule, message).suggest(&name, known.iter().map(String::as_str));
                self.problems.push(if problem.help.is_some() {
                    problem
                } else {
                    problem.helped(LATER.into())
                });
            }
        }
    }
}
