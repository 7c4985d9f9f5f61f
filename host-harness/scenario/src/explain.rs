//! Explains what a step is, asked and did, in lines for people.

use super::{
    format::{Handle, Step, Text},
    render::{Showing, lasting},
};
use guestlist_documents::yaml::flow;
use guestlist_harness::{Entry, Trace};
use guestlist_testkit::{Judgement, words};

/// A trace for people: numbered, with names for ids.
pub(super) fn explained(trace: &Trace, showing: &Showing<'_>) -> Vec<String> {
    let line = |entry: &Entry| {
        let (asked, got) = (showing.value(entry.arguments.clone()), showing.value(entry.outcome.clone()));
        let fault = entry.fault.as_ref().map(|fault| format!("  [{fault}]")).unwrap_or_default();
        format!("{:>3}  {} {} -> {}{fault}", entry.index, entry.function, flow(&asked), flow(&got))
    };
    trace.entries.iter().map(line).collect()
}

/// Tells what a policy component was told, in the words of its language, and what it said.
pub(super) fn judged(judgement: &Judgement) -> Vec<String> {
    let Judgement { language, asked, log, .. } = judgement;
    let verdict = match &judgement.verdict {
        Ok(verdict) => words::shown_verdict(verdict, *language),
        Err(why) => why.clone(),
    };
    let facts = words::shown(*asked, &judgement.facts, *language);
    let mut lines = vec![format!("     policy of {}: {facts} -> {verdict}", judgement.organization)];
    let mut say = |mark: &str, text: &str| {
        lines.extend(text.lines().map(|line| format!("     {mark} {line}")));
    };
    log.printed.iter().for_each(|text| say(">", text));
    if log.dropped > 0 {
        say(">", &format!(".. and {} texts more", log.dropped));
    }
    if let Some(why) = log.why() {
        say("!", &why);
    }
    lines
}

/// Names a step, in a few words.
pub(super) fn title(step: &Step) -> String {
    let who = step.caller.as_ref().map(|who| format!(" as {}", who.value)).unwrap_or_default();
    let of = |text: &Text| text.value.clone();
    let handle = |handle: &Handle| {
        let code = handle.code.as_ref().map(|text| format!("the code of {}", text.value));
        code.or_else(|| handle.invitation.as_ref().map(of)).unwrap_or_else(|| "a text".into())
    };
    let what = if let Some(invite) = &step.invite {
        format!("invite {}", invite.users.join(", "))
    } else if step.list.is_some() {
        "list".into()
    } else if let Some(it) = &step.get {
        format!("get {}", it.value)
    } else if let Some(them) = &step.resend {
        format!("resend {}", them.iter().map(of).collect::<Vec<_>>().join(", "))
    } else if let Some(it) = &step.revoke {
        format!("revoke {}", it.value)
    } else if step.revoke_all.is_some() {
        "revoke-all".into()
    } else if let Some(it) = &step.approve {
        format!("approve {}", it.value)
    } else if let Some(it) = &step.dismiss {
        format!("dismiss {}", it.value)
    } else if let Some(it) = &step.reject {
        format!("reject {}", it.value)
    } else if step.list_mine.is_some() {
        "list-mine".into()
    } else if let Some(it) = &step.introspect {
        format!("introspect {}", handle(it))
    } else if let Some(it) = &step.accept {
        format!("accept {}", handle(it))
    } else if let Some(it) = &step.decline {
        format!("decline {}", handle(it))
    } else if step.sweep.is_some() {
        "sweep".into()
    } else if let Some(time) = &step.advance {
        format!("advance {}", lasting(time.0))
    } else if let Some(clock) = &step.clock {
        format!("clock {}", clock.value)
    } else if step.restart.is_some() {
        "restart".into()
    } else if step.race.is_some() {
        "race".into()
    } else {
        "event".into()
    };
    format!("{what}{who}")
}
