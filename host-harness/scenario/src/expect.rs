//! Checks whether what came is what the scenario says.

use serde_json::{Map, Value, json};
use serde_saphyr::Spanned;

use super::{
    came::Came,
    effects,
    failure::Failure,
    format::{Outcome, Text},
    names::{account, principal},
    pattern::{Bound, as_far_as, matches},
    people::person,
    render::{Showing, single},
    stage::{Kind, Stage, Told},
};
use guestlist_documents::yaml::flow;
use guestlist_harness::Trace;
use guestlist_memory::{AuditEvent, Mail, Snapshot};

/// The things that came of a step, or of all.
pub(super) struct Seen<'a> {
    /// Absent where no call was made, and for all steps together.
    pub(super) told: Option<&'a Told>,
    pub(super) effects: Vec<String>,
    pub(super) mails: Vec<Value>,
    pub(super) audit: Vec<Value>,
    pub(super) calls: Vec<Value>,
    pub(super) fuel: u64,
    pub(super) host_calls: u32,
    pub(super) memory: usize,
}

/// The parts of what came that have to be known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Effects, e-mails and audit events.
    pub(super) changes: bool,
    /// Host calls with their arguments.
    pub(super) calls: bool,
}

impl<'a> Seen<'a> {
    /// Collects what happened between two instants.
    pub(super) fn between(
        before: &Snapshot,
        after: &Snapshot,
        stage: &Stage,
        told: Option<&'a Told>,
        wanted: Wanted,
    ) -> Self {
        let showing = Showing { names: &stage.names, now: after.store_now };
        let spoken = told.map(|told| &told.spoken);
        let mut seen = Self {
            told,
            effects: Vec::new(),
            mails: Vec::new(),
            audit: Vec::new(),
            calls: Vec::new(),
            fuel: spoken.map_or(0, |spoken| spoken.fuel),
            host_calls: spoken.map_or(0, |spoken| spoken.host_calls),
            memory: spoken.map_or(0, |spoken| spoken.memory),
        };
        if wanted.changes {
            let mails = after.mails.iter().skip(before.mails.len());
            let events = after.audit.iter().skip(before.audit.len());
            let events = events.filter(|event| !event.kind.is_worldly());
            seen.effects = effects::effects(before, after, &stage.names);
            seen.mails = mails.map(|mail| shown_mail(mail, &showing)).collect();
            seen.audit = events.map(|event| shown_event(event, &showing)).collect();
        }
        if wanted.calls
            && let Some(trace) = spoken.and_then(|spoken| spoken.trace.as_ref())
        {
            seen.calls = calls(trace, &showing);
        }
        seen
    }
}

fn shown_mail(mail: &Mail, showing: &Showing<'_>) -> Value {
    let mut shown = json!({
        "to": account(&mail.to),
        "address": mail.address,
        "kind": effects::kind(&mail.kind),
        "of": showing.names.or_id(&mail.invitation),
        "subject": mail.subject,
        "from": principal(&mail.inviter),
    });
    if let Value::Object(fields) = &mut shown {
        fields.extend(mail.template.as_ref().map(|template| ("template".to_owned(), json!(template))));
        fields.extend(mail.code.as_ref().map(|_| ("code".to_owned(), json!("<code>"))));
        fields.extend(mail.expires_at.map(|at| ("expires-at".to_owned(), json!(showing.instant(at)))));
    }
    shown
}

fn shown_event(event: &AuditEvent, showing: &Showing<'_>) -> Value {
    let mut shown = json!({
        "event": event.text(),
        "by": principal(&event.actor),
        "operation": event.operation,
    });
    if let Value::Object(fields) = &mut shown {
        let of = event.invitation.as_ref().map(|id| ("of".to_owned(), json!(showing.names.or_id(id))));
        fields.extend(of);
        fields.extend(event.organization.as_ref().map(|place| ("in".to_owned(), json!(place))));
        fields.extend(event.subject.as_ref().map(|user| ("for".to_owned(), json!(account(user)))));
        fields.extend(event.name.as_ref().map(|_| ("name".to_owned(), json!("<digest>"))));
        let grant = event.grant.as_ref().map(|grant| format!("{}:{}", grant.kind.text(), grant.id));
        fields.extend(grant.map(|grant| ("grant".to_owned(), json!(grant))));
        fields.extend(event.about.as_ref().map(|id| ("about".to_owned(), json!(id))));
        fields.extend(event.word.map(|word| ("reason".to_owned(), json!(word.text()))));
    }
    shown
}

/// Each host call as `name: arguments`.
pub(super) fn calls(trace: &Trace, showing: &Showing<'_>) -> Vec<Value> {
    let call = |entry: &guestlist_harness::Entry| {
        single(entry.function.name().to_owned(), showing.value(entry.arguments.clone()))
    };
    trace.entries.iter().map(call).collect()
}

/// Everything that is not as the scenario says. With `came`, effects are written down there instead.
pub(super) fn check(
    outcome: &Spanned<Outcome>,
    seen: &Seen<'_>,
    stage: &Stage,
    came: Option<&mut Came>,
) -> Vec<Failure> {
    let it = &outcome.value;
    let mut failures = Vec::new();
    answer(outcome, seen, &mut failures);
    match (&it.effects, came) {
        (Some(effects), Some(came)) => failures.extend(came.note(effects, &seen.effects)),
        (Some(effects), None) => failures.extend(other_effects(effects, &seen.effects)),
        (None, _) => {}
    }
    if let Some(mails) = &it.mails {
        any_order("mails", mails, &seen.mails, stage, &mut failures);
    }
    if let Some(audit) = &it.audit {
        in_order("audit events", audit, &seen.audit, stage, &mut failures);
    }
    if let Some(calls) = &it.calls {
        in_order("host calls", calls, &seen.calls, stage, &mut failures);
    }
    if let Some(calls) = &it.calls_in_any_order {
        any_order("host calls", calls, &seen.calls, stage, &mut failures);
    }
    if let Some(calls) = &it.calls_include {
        let mut rest = seen.calls.iter();
        for pattern in &calls.value {
            if !rest.any(|call| fits(pattern, call, stage)) {
                let failure =
                    Failure::at(pattern, "this host call was not made, or not after those before it");
                failures.push(failure.compared(items(&[flow(&pattern.value)]), list(&seen.calls)));
            }
        }
    }
    for pattern in it.calls_exclude.iter().flat_map(|calls| &calls.value) {
        if let Some(call) = seen.calls.iter().find(|call| fits(pattern, call, stage)) {
            failures
                .push(Failure::at(pattern, "this host call was made").compared(String::new(), flow(call)));
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "budgets are far below 2^52")]
    let budgets = [
        ("fuel", &it.fuel, seen.fuel as f64),
        ("host calls", &it.host_calls, f64::from(seen.host_calls)),
        ("bytes of memory", &it.memory, seen.memory as f64),
    ];
    for (what, bound, actual) in budgets {
        if let Some(text) = bound {
            failures.extend(budget(what, text, actual));
        }
    }
    failures
}

fn other_effects(effects: &Spanned<Vec<Text>>, actual: &[String]) -> Option<Failure> {
    let mut expected: Vec<_> = effects.value.iter().map(|line| line.value.clone()).collect();
    let mut actual = actual.to_vec();
    expected.sort();
    actual.sort();
    let failure = || {
        let failure = Failure::at(effects, "it had other effects");
        failure
            .compared(expected.join("\n"), actual.join("\n"))
            .helped("`--bless` writes down what came; look at the difference before you keep it")
    };
    (expected != actual).then(failure)
}

fn budget(what: &str, text: &Text, actual: f64) -> Option<Failure> {
    match Bound::parse(&text.value) {
        Err(why) => Some(Failure::at(text, why)),
        Ok(bound) if bound.holds(actual) => None,
        Ok(_) => {
            let failure = Failure::at(text, format!("over the budget of {what}"));
            Some(failure.compared(text.value.clone(), format!("{actual}")))
        }
    }
}

fn answer(outcome: &Spanned<Outcome>, seen: &Seen<'_>, failures: &mut Vec<Failure>) {
    let it = &outcome.value;
    let Some(told) = seen.told else {
        if it.answer.is_some() || it.refused.is_some() || it.broken.is_some() {
            failures.push(Failure::at(outcome, "nobody is asked here, so there is no answer"));
        }
        return;
    };
    if let Some(pattern) = &it.answer {
        compare(pattern, &told.shown, "the answer is another", failures);
    }
    if let Some(pattern) = &it.refused {
        let wanted = single("refused".into(), pattern.value.clone());
        if !matches(&wanted, &told.shown) {
            let failure = Failure::at(pattern, "it was not refused like this");
            let (expected, actual) = (yaml(&wanted), yaml(&as_far_as(&wanted, &told.shown)));
            let failure = failure.compared(expected, actual);
            failures.push(match told.shown {
                Value::Array(_) => failure.helped(
                    "`refused` is about the call as a whole; of one of its items say `answer: [{ NAME: { refused: .. } }]`",
                ),
                _ => failure,
            });
        }
    }
    if let Some(word) = &it.broken
        && (told.kind != Kind::Broken || told.shown.get("broken") != Some(&Value::from(word.value.as_str())))
    {
        let failure = Failure::at(word, "it did not break off like this");
        failures.push(failure.compared(format!("broken: {}", word.value), yaml(&told.shown)));
    }
}

/// Checks a call without an expectation of the answer: it must succeed.
pub(super) fn unasked<T>(step: &Spanned<T>, outcome: Option<&Outcome>, told: &Told) -> Option<Failure> {
    let said = outcome.is_some_and(|it| it.answer.is_some() || it.refused.is_some() || it.broken.is_some());
    if said || told.success {
        return None;
    }
    let message = match &told.spoken.answer {
        Err(broken) => format!("there was no answer: {}", broken.text),
        Ok(_) => "it was not done, and the scenario does not say so".to_owned(),
    };
    let failure = Failure::at(step, message).compared(String::new(), yaml(&told.shown));
    Some(failure.helped("say what you expect with `expect: { answer: .. }` or `expect: { refused: .. }`"))
}

fn compare(pattern: &Spanned<Value>, actual: &Value, message: &str, failures: &mut Vec<Failure>) {
    if !matches(&pattern.value, actual) {
        let shown = as_far_as(&pattern.value, actual);
        failures.push(Failure::at(pattern, message).compared(yaml(&pattern.value), yaml(&shown)));
    }
}

/// A pattern of a list that may be a name alone, and in which people are called as in steps.
fn fits(pattern: &Spanned<Value>, actual: &Value, stage: &Stage) -> bool {
    match &pattern.value {
        Value::String(name) => {
            actual.get("event").and_then(Value::as_str) == Some(name)
                || actual.get("kind").and_then(Value::as_str) == Some(name)
                || actual.as_object().is_some_and(|fields| fields.len() == 1 && fields.contains_key(name))
        }
        Value::Object(fields) => matches(&Value::Object(resolved(fields, stage)), actual),
        other => matches(other, actual),
    }
}

/// `by: ann` as `by: acme/u-ann`.
fn resolved(fields: &Map<String, Value>, stage: &Stage) -> Map<String, Value> {
    let people = ["by", "to", "from"];
    let field = |(name, value): (&String, &Value)| {
        let who = value.as_str().filter(|_| people.contains(&name.as_str()));
        let who = who.and_then(|who| person(&stage.host, None, who).ok());
        (name.clone(), who.map_or_else(|| value.clone(), |who| Value::from(principal(&who))))
    };
    fields.iter().map(field).collect()
}

fn in_order(
    what: &str,
    patterns: &Spanned<Vec<Spanned<Value>>>,
    actual: &[Value],
    stage: &Stage,
    failures: &mut Vec<Failure>,
) {
    let fit = patterns.value.len() == actual.len()
        && patterns.value.iter().zip(actual).all(|(pattern, one)| fits(pattern, one, stage));
    if !fit {
        let mut lines = Vec::new();
        let mut rest = patterns.value.iter();
        for one in actual {
            let pattern = rest.next();
            lines.push(match pattern {
                Some(pattern) if fits(pattern, one, stage) => flow(&pattern.value),
                Some(pattern) => flow(&as_far_as(&pattern.value, one)),
                None => flow(one),
            });
        }
        let expected: Vec<_> = patterns.value.iter().map(|pattern| flow(&pattern.value)).collect();
        let failure = Failure::at(patterns, format!("there were other {what}"));
        failures.push(failure.compared(items(&expected), items(&lines)));
    }
}

fn any_order(
    what: &str,
    patterns: &Spanned<Vec<Spanned<Value>>>,
    actual: &[Value],
    stage: &Stage,
    failures: &mut Vec<Failure>,
) {
    let mut left: Vec<&Value> = actual.iter().collect();
    let mut missing = Vec::new();
    for pattern in &patterns.value {
        match left.iter().position(|one| fits(pattern, one, stage)) {
            Some(index) => {
                left.remove(index);
            }
            None => missing.push(flow(&pattern.value)),
        }
    }
    if !missing.is_empty() || !left.is_empty() {
        let more: Vec<_> = left.into_iter().map(flow).collect();
        let failure = Failure::at(patterns, format!("there were other {what}"));
        failures
            .push(failure.compared(items(&missing), items(&more)).helped("shown is only what has no match"));
    }
}

fn items(texts: &[String]) -> String {
    texts.iter().map(|text| format!("- {text}")).collect::<Vec<_>>().join("\n")
}

fn list(values: &[Value]) -> String {
    items(&values.iter().map(flow).collect::<Vec<_>>())
}

/// A value as a scenario would write it.
pub(super) fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).unwrap_or_default().trim_end().to_owned()
}
