//! Checks an expectation: that it can be met, and can be judged where it stands.

use serde_json::Value;
use serde_saphyr::Spanned;

use super::Checker;
use crate::{
    ask::BROKEN,
    edit::tree::Node,
    format::{EVENT_KEYS, MAIL_KEYS, Outcome},
    pattern::Bound,
    render::{STATES, state_name},
};
use guestlist_contract::Function;
use guestlist_documents::Problem;
use guestlist_testkit::coverage;

/// The scope of an expectation: only some of them can be judged there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
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
const ANSWER_KEYS: [&str; 46] = [
    "accept-with",
    "approver",
    "broken",
    "claims",
    "code",
    "created-at",
    "dismissed",
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
    "landing",
    "language",
    "last-operation",
    "lease-until",
    "lifetime",
    "mail",
    "member",
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
];

/// A line and a column.
type At = (u64, u64);

fn problem((line, column): At, message: String) -> Problem {
    Problem { line, column, message, help: None }
}

/// Inside of a reason, where texts are somebody's.
const WORDS: &str = "";

impl Checker<'_> {
    pub(super) fn outcome(&mut self, outcome: &Spanned<Outcome>, scope: Scope) {
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
        for (pattern, within) in [(&it.answer, None), (&it.refused, Some("refused"))] {
            let Some(pattern) = pattern else { continue };
            let place = (pattern.referenced.line(), pattern.referenced.column());
            let node = self.document.and_then(|document| document.node_at(place));
            self.answer_pattern(place, node, &pattern.value, within);
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

    /// A pattern of an answer: words that no answer has would match nothing, or, as `null`, everything. `node`
    /// is what the file has there.
    fn answer_pattern(&mut self, place: At, node: Option<&Node>, pattern: &Value, within: Option<&str>) {
        let place = node.map_or(place, |node| self.place(node).unwrap_or(place));
        match pattern {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let node = node.and_then(|node| node.children.get(index));
                    self.answer_pattern(place, node, item, within);
                }
            }
            Value::Object(fields) => {
                for (key, value) in fields {
                    let (named, node) = node.and_then(|node| node.field(key)).unzip();
                    let at = named.and_then(|named| self.place(named)).unwrap_or(place);
                    if value.is_null() && !ANSWER_KEYS.contains(&key.as_str()) {
                        let problem = problem(at, format!("no answer has a `{key}`"));
                        self.problems.push(problem.choose(key, ANSWER_KEYS));
                    }
                    if within == Some("refused") && key != "any-of" {
                        self.word(at, key, coverage::refusals().collect());
                    }
                    // What is in a reason are somebody's words.
                    let within = match (key.as_str(), within) {
                        ("any-of", within) => within,
                        (_, Some("refused" | WORDS)) => Some(WORDS),
                        (key, _) => Some(key),
                    };
                    self.answer_pattern(at, node, value, within);
                }
            }
            Value::String(text) if text != "*" => match within {
                Some("state") => self.word(place, text, STATES.map(state_name).to_vec()),
                Some("refused") => self.word(place, text, coverage::refusals().collect()),
                _ => {}
            },
            _ => {}
        }
    }

    /// One of a few words; of a refusal those are shown that this call can have.
    fn word(&mut self, place: At, text: &str, known: Vec<&str>) {
        if known.contains(&text) {
            return;
        }
        let here: Vec<_> = coverage::refusals_of(self.speaks).filter(|word| known.contains(word)).collect();
        let problem = problem(place, format!("`{text}` is no word of an answer"));
        self.problems.push(problem.choose(text, if here.is_empty() { known } else { here }));
    }

    /// The place in the file where a node stands.
    fn place(&self, node: &Node) -> Option<At> {
        self.document.map(|document| document.place(node.range.start))
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
        let place = (pattern.referenced.line(), pattern.referenced.column());
        let node = self.document.and_then(|document| document.node_at(place));
        for key in fields.keys().filter(|key| !known.contains(&key.as_str())) {
            let named = node.and_then(|node| node.field(key)).and_then(|(named, _)| self.place(named));
            let problem = problem(named.unwrap_or(place), format!("{what} has no `{key}`"));
            self.problems.push(problem.choose(key, known.iter().copied()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ANSWER_KEYS;
    use crate::wit::Contract;

    #[test]
    fn the_keys_of_answers_are_those_of_the_contract() {
        let contract = Contract::read();
        let mut keys = vec!["broken".to_owned(), "refused".to_owned()];
        for interface in ["invitations", "invitee", "maintenance"] {
            let id = format!("guestlist:invitation/{interface}@0.1.0");
            for function in contract.functions(&id) {
                for (name, ty) in contract.fields(contract.answer(&id, &function)) {
                    // A page has its records in it.
                    let items = if name == "items" { contract.fields(ty) } else { Vec::new() };
                    keys.extend(items.into_iter().map(|(name, _)| name));
                    keys.push(name);
                }
            }
        }
        for key in keys.iter_mut().filter(|key| ["id", "key"].contains(&key.as_str())) {
            *key = "invitation".into();
        }
        keys.sort();
        keys.dedup();
        assert_eq!(ANSWER_KEYS.as_slice(), keys);
    }
}
