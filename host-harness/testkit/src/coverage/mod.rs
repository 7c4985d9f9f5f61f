//! Measures how much of the contract was exercised: which refusals were answered, which changes of state
//! happened, which errors of the host the plugin met.
//!
//! A test that passes says nothing about what it never reached. A [`Coverage`] collects what was
//! reached, over any number of calls and worlds, and its [`Report`] names what was not:
//!
//! ```
//! use guestlist_contract::exports::maintenance::SweepRefusal;
//! use guestlist_testkit::coverage::Coverage;
//!
//! let mut coverage = Coverage::default();
//! coverage.answer(&SweepRefusal::NotPermitted);
//! let report = coverage.report();
//! assert_eq!(report.reasons.covered, ["maintenance.sweep-refusal/not-permitted"]);
//! assert!(report.reasons.missing.contains(&"invitee.obstacle/policy".to_owned()));
//! ```
//!
//! Tests compare the lists that it counts against with `wit/`, so that nothing of a new contract is
//! forgotten.

mod reasons;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

pub use reasons::Reasons;
use serde::{Deserialize, Serialize};

use crate::guarantees;
use guestlist_contract::{Function, lifecycle::legal, types::State};
use guestlist_harness::Trace;
use guestlist_memory::AuditEvent;

/// The things that were reached. Every name is stable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Coverage {
    /// Refusals that were answered, as in `invitations.item-refusal/duplicate`.
    pub reasons: BTreeSet<String>,
    /// Changes of state that happened, as in `pending -> accepting` or `(new) -> pending`.
    pub transitions: BTreeSet<String>,
    /// Errors that host functions answered with, as in `storage.get/denied`; of an item of an answer as
    /// in `storage.insert/item/exists`.
    pub errors: BTreeSet<String>,
}

impl Coverage {
    /// Notes the refusals in an answer of an export.
    pub fn answer(&mut self, answer: &impl Reasons) {
        answer.reasons(&mut |reason| _ = self.reasons.insert(reason.to_owned()));
    }

    /// Notes the errors that the host answered with in a call.
    pub fn trace(&mut self, trace: &Trace) {
        for entry in &trace.entries {
            let (error, items) = entry.function.failures_in(&entry.outcome);
            self.errors.extend(error.map(|case| error_name(entry.function, case.name())));
            self.errors.extend(items.iter().map(|case| item_error_name(entry.function, case.name())));
        }
    }

    /// Notes the changes of state in an audit trail, which has to begin with the creation of the
    /// invitations. What is illegal is not noted: asking for that is the guarantees' task.
    pub fn transitions(&mut self, trail: &[AuditEvent]) {
        let mut states = BTreeMap::new();
        for event in trail {
            let (Some(organization), Some(id)) = (&event.organization, &event.invitation) else { continue };
            let from = states.get(&(organization, id)).copied();
            if let Some(to) = guarantees::step(from, event) {
                self.transitions.insert(transition(from, to));
                states.insert((organization, id), to);
            }
        }
    }

    /// Adds what another has reached.
    pub fn merge(&mut self, other: Self) {
        self.reasons.extend(other.reasons);
        self.transitions.extend(other.transitions);
        self.errors.extend(other.errors);
    }

    /// Reports what was reached of everything that there is.
    #[must_use]
    pub fn report(&self) -> Report {
        Report {
            reasons: Part::of(reasons::all().map(str::to_owned), &self.reasons, reasons::RESERVED),
            transitions: Part::of(transitions(), &self.transitions, &[]),
            errors: Part::of(errors(), &self.errors, &[]),
        }
    }
}

/// The report of what was reached, of how much, and what was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Every case of every refusal that the exports answer.
    pub reasons: Part,
    /// Every legal change of state, and every way to begin.
    pub transitions: Part,
    /// Every error of every host function.
    pub errors: Part,
}

impl Report {
    /// Tells whether nothing is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.parts().iter().all(|(_, part)| part.missing.is_empty())
    }

    fn parts(&self) -> [(&'static str, &Part); 3] {
        [("reasons", &self.reasons), ("transitions", &self.transitions), ("errors", &self.errors)]
    }
}

/// The counts, then what is missing and what is reserved, a line each.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, Part { covered, missing, percent, .. }) in self.parts() {
            let all = covered.len() + missing.len();
            writeln!(f, "{name:<11}  {:>3} of {all:>3}  {percent:>3} %", covered.len())?;
        }
        for (_, part) in self.parts() {
            part.missing.iter().try_for_each(|name| writeln!(f, "missing   {name}"))?;
        }
        for (_, part) in self.parts() {
            let mut reserved = part.reserved.iter();
            reserved.try_for_each(|Reserved { name, why }| writeln!(f, "reserved  {name}: {why}"))?;
        }
        Ok(())
    }
}

/// The part that was reached of one kind of thing, in the order of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Part {
    /// Reached of those that count, in percent, rounded down: 100 means all.
    pub percent: usize,
    /// Reached.
    pub covered: Vec<String>,
    /// Things that were not reached.
    pub missing: Vec<String>,
    /// Things that were not reached and are not counted, because this version cannot get there. One that was
    /// reached all the same is counted.
    pub reserved: Vec<Reserved>,
}

/// A thing that is not counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reserved {
    /// Its name.
    pub name: String,
    /// The reason why it cannot be reached.
    pub why: String,
}

impl Part {
    fn of(
        all: impl Iterator<Item = String>,
        reached: &BTreeSet<String>,
        out_of_reach: &[(&str, &str)],
    ) -> Self {
        let (covered, rest): (Vec<_>, Vec<_>) = all.partition(|name| reached.contains(name));
        let (mut missing, mut reserved) = (Vec::new(), Vec::new());
        for name in rest {
            match out_of_reach.iter().find(|(known, _)| *known == name) {
                Some((_, why)) => reserved.push(Reserved { name, why: (*why).to_owned() }),
                None => missing.push(name),
            }
        }
        let counted = covered.len() + missing.len();
        let percent = (covered.len() * 100).checked_div(counted).unwrap_or(100);
        Self { percent, covered, missing, reserved }
    }
}

/// Every word that a refusal can be, whichever type it is of.
pub fn refusals() -> impl Iterator<Item = &'static str> {
    reasons::all().filter_map(|name| name.rsplit_once('/').map(|(_, case)| case)).chain(enclosing())
}

/// The words that have a reason of their own in them, as in `{ obstacle: organization-moved }`.
fn enclosing() -> impl Iterator<Item = &'static str> {
    let types = reasons::all().filter_map(|name| Some(name.split_once('.')?.1.split_once('/')?.0));
    types.filter(|name| !name.ends_with("refusal"))
}

/// The words of refusals of one interface, as in `invitations`.
pub fn refusals_of(interface: &str) -> impl Iterator<Item = &'static str> {
    let is_of = move |name: &&str| name.split('.').next() == Some(interface);
    let cases = reasons::all().filter(is_of).filter_map(|name| name.rsplit_once('/').map(|(_, case)| case));
    cases.chain(enclosing().filter(move |_| interface == "invitee"))
}

fn error_name(function: Function, case: &str) -> String {
    format!("{function}/{case}")
}

fn item_error_name(function: Function, case: &str) -> String {
    format!("{function}/item/{case}")
}

fn errors() -> impl Iterator<Item = String> {
    Function::ALL.iter().copied().flat_map(|function| {
        let errors = function.errors().iter().map(move |case| error_name(function, case));
        errors.chain(function.item_errors().iter().map(move |case| item_error_name(function, case)))
    })
}

pub use guestlist_contract::lifecycle::STATES;

/// The name of a state, as in the contract.
pub fn state_name(state: State) -> &'static str {
    match state {
        State::AwaitingApproval => "awaiting-approval",
        State::Pending => "pending",
        State::Accepting => "accepting",
        State::Accepted => "accepted",
        State::Declined => "declined",
        State::Revoked => "revoked",
        State::Expired => "expired",
        State::Failed => "failed",
    }
}

fn transition(from: Option<State>, to: State) -> String {
    format!("{} -> {}", from.map_or("(new)", state_name), state_name(to))
}

fn transitions() -> impl Iterator<Item = String> {
    let begin = [(None, State::AwaitingApproval), (None, State::Pending)];
    let pairs = STATES.into_iter().flat_map(|from| STATES.into_iter().map(move |to| (from, to)));
    let legal = pairs.filter(|(from, to)| legal(*from, *to)).map(|(from, to)| (Some(from), to));
    begin.into_iter().chain(legal).map(|(from, to)| transition(from, to))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;
    use guestlist_contract::{
        audit::{EventKind, Word},
        exports::{
            invitations::{Invited, ItemRefusal, Refusal},
            invitee::{Accepted, Ended, InviteeRefusal, Obstacle},
        },
        host::Operation,
        types::Principal,
    };
    use guestlist_harness::Entry;

    fn names(of: &BTreeSet<String>) -> Vec<&str> {
        of.iter().map(String::as_str).collect()
    }

    #[test]
    fn refusals_are_found_wherever_they_stand_in_an_answer() {
        let mut coverage = Coverage::default();
        let items = vec![Err(ItemRefusal::Duplicate), Err(ItemRefusal::OverLimit(3))];
        coverage.answer(&Ok::<Vec<Result<Invited, _>>, Refusal>(items));
        coverage
            .answer(&Err::<Vec<Result<Invited, Refusal>>, _>(Refusal::NotInvitable(ItemRefusal::NoEmail)));
        coverage.answer(&Err::<Accepted, _>(InviteeRefusal::Ended(Ended::Used)));
        coverage.answer(&Err::<(), _>(InviteeRefusal::Obstacle(Obstacle::Policy(String::new()))));
        coverage.answer(&Ok::<(), InviteeRefusal>(()));
        let expected = [
            "invitations.item-refusal/duplicate",
            "invitations.item-refusal/no-email",
            "invitations.item-refusal/over-limit",
            "invitations.refusal/not-invitable",
            "invitee.ended/used",
            "invitee.obstacle/policy",
        ];
        assert_eq!(names(&coverage.reasons), expected);
    }

    fn entry(function: Function, outcome: serde_json::Value) -> Entry {
        let arguments = serde_json::Value::Null;
        let entry = json!({
            "index": 1, "function": function, "arguments": arguments, "outcome": outcome, "fuel": null,
            "bytes": 0, "fault": null,
        });
        serde_json::from_value(entry).unwrap()
    }

    #[test]
    fn errors_are_found_in_answers_and_in_their_items() {
        let entries = vec![
            entry(Function::StorageGet, json!({ "Err": "NotFound" })),
            entry(Function::StorageGet, json!({ "Err": { "Host": { "Throttled": 5 } } })),
            entry(Function::SettingsGet, json!({ "Err": { "Unavailable": null } })),
            entry(Function::StorageInsert, json!({ "Ok": [{ "Ok": {} }, { "Err": { "OverLimit": 3 } }] })),
            // No items that could fail, whatever the text says; a call that was cut off; entropy.
            entry(Function::StorageList, json!({ "Ok": [{ "Err": "NotFound" }] })),
            entry(Function::StorageGet, serde_json::Value::Null),
            entry(Function::RandomGetRandomBytes, json!({ "length": 32 })),
        ];
        let mut coverage = Coverage::default();
        coverage.trace(&Trace::new(Operation::Invite, entries));
        let expected = [
            "settings.get/unavailable",
            "storage.get/not-found",
            "storage.get/throttled",
            "storage.insert/item/over-limit",
        ];
        assert_eq!(names(&coverage.errors), expected);
    }

    fn event(text: &str, invitation: &str, word: Option<Word>) -> AuditEvent {
        AuditEvent {
            at: 0,
            organization: Some("acme".to_owned()),
            actor: Principal::System,
            request_id: String::new(),
            kind: EventKind::of_text(text).unwrap(),
            operation: String::new(),
            invitation: Some(invitation.to_owned()),
            subject: None,
            name: None,
            grant: None,
            about: None,
            word,
        }
    }

    #[test]
    fn changes_of_state_are_followed_by_invitation() {
        let mut coverage = Coverage::default();
        coverage.transitions(&[
            event("invitation.created", "a", None),
            event("invitation.created", "b", Some(Word::NeedsApproval)),
            event("member.added", "a", None),
            event("invitation.claimed", "a", None),
            event("invitation.approved", "b", None),
            event("invitation.accepted", "a", None),
            // Neither happens: what is illegal is not counted.
            event("invitation.revoked", "a", None),
            event("invitation.claimed", "c", None),
        ]);
        let expected = [
            "(new) -> awaiting-approval",
            "(new) -> pending",
            "accepting -> accepted",
            "awaiting-approval -> pending",
            "pending -> accepting",
        ];
        assert_eq!(names(&coverage.transitions), expected);
        let report = coverage.report().transitions;
        assert_eq!((report.covered.len(), report.missing.len(), report.percent), (5, 8, 38));
    }

    #[test]
    fn a_report_says_what_is_missing_and_what_is_reserved() {
        let nothing = Coverage::default().report();
        assert!(!nothing.is_complete());
        let text = nothing.to_string();
        assert!(
            text.starts_with("reasons        0 of  59    0 %\ntransitions    0 of  13    0 %\n"),
            "{text}"
        );
        assert!(text.contains("\nmissing   storage.insert/item/exists\n"), "{text}");
        assert!(
            text.contains("\nreserved  maintenance.sweep-refusal/other: for newer plugins; this one"),
            "{text}"
        );
        assert_eq!(serde_json::to_value(&nothing).unwrap()["transitions"]["percent"], 0);
    }

    #[test]
    fn it_is_complete_when_each_has_been_reached_somewhere() {
        let Report { reasons, transitions, errors } = Coverage::default().report();
        let mut all = Coverage::default();
        let (reasons, transitions) = (reasons.missing, transitions.missing);
        for (reasons, transitions, errors) in
            [(reasons, vec![], vec![]), (vec![], transitions, vec![]), (vec![], vec![], errors.missing)]
        {
            assert!(!all.report().is_complete());
            let one = json!({ "reasons": reasons, "transitions": transitions, "errors": errors });
            all.merge(serde_json::from_value(one).unwrap());
        }
        let report = all.report();
        assert!(report.is_complete());
        assert_eq!(report.reasons.reserved.len(), reasons::RESERVED.len());
        // What was reached cannot be out of reach.
        all.reasons.insert("invitee.obstacle/other".to_owned());
        let shown = all.report().reasons;
        assert_eq!(shown.covered.len(), report.reasons.covered.len() + 1);
        assert_eq!(shown.reserved.len(), report.reasons.reserved.len() - 1);
    }
}
