//! Histories: what is asked and what happens, as a text of one line and at random.
//!
//! ```text
//! invite:ann@acme:alice,bob+g-help;advance:72h;accept:alice:0.0!fail-after#2
//! ```
//!
//! Steps are separated by `;`. A call is `operation:who@place:what`, where `what` is
//!
//! - for `invite`: names, then `+` and grants, then `~` and options;
//! - else: the invitation, counted from the newest (`0`); where a code is shown, `.` and the code, counted
//!   from the newest too; then `~` and options. `none` is an invitation that never was.
//!
//! `!fault#3` lets the third host call of this operation fail, `!fault#3+` all later ones too. Everything
//! else is an event of life, one of [`LIFE`], or a movement of the clock.

use std::{fmt, str::FromStr, time::Duration};

use guestlist_contract::{Function, host::Operation};
use guestlist_memory::Moment;
use guestlist_testkit::{Fault, FaultAt};
use proptest::{prelude::*, sample::select};

/// Who acts.
pub const WHO: [(&str, &str); 20] = [
    // Whoever the invitation is for.
    ("himself", "*"),
    ("ann", "acme/u-ann"),
    ("ben", "acme/u-ben"),
    ("system", ""),
    ("alice", "root/u-alice"),
    ("bob", "root/u-bob"),
    ("gus", "partner/p-gus"),
    ("carol", "root/u-carol"),
    ("dave", "root/u-dave"),
    ("mia", "root/u-mia"),
    // The same name as Alice, once hers is free.
    ("alice2", "root/u-alice2"),
    ("bea", "beta/u-bea"),
    ("no-invite", "acme/u-no-invite"),
    ("no-view", "acme/u-no-view"),
    ("no-revoke", "acme/u-no-revoke"),
    ("no-resend", "acme/u-no-resend"),
    ("no-approve", "acme/u-no-approve"),
    ("hr", "client:hr"),
    ("anonymous", "-"),
    ("erin", "root/u-erin"),
];
const HIMSELF: u8 = 0;
const ANN: u8 = 1;
const BEN: u8 = 2;
const SYSTEM: u8 = 3;
const ALICE_2: u8 = 10;
const BEA: u8 = 11;
const ALICE: u8 = 0;
const NAME_IN_BETA: u8 = 10;
const SILENT: u8 = 11;

/// Where; the first is nowhere.
pub const PLACES: [&str; 3] = ["", "acme", "beta"];

/// Whom one may try to invite.
pub const NAMES: [&str; 14] = [
    "alice",
    "bob",
    "gus",
    "carol@example.com",
    "SECONDARY/dave",
    "Alice",
    "mia",
    "erin",
    "fred",
    "nobody",
    "bea",
    // An address of one account alone, and one that is the user name of another.
    "mia@example.com",
    "alice@example.com",
    // Nothing but white space.
    "blank",
];

/// The name as it is asked for.
pub fn name(index: u8) -> &'static str {
    match NAMES[usize::from(index)] {
        "blank" => "  ",
        name => name,
    }
}

/// What one may try to give.
pub const GRANTS: [&str; 6] =
    ["group:g-help", "group:g-ops", "role:r-audit", "group:g-vault", "role:r-admin", "group:g-none"];

/// What else may be said.
pub const OPTIONS: [&str; 17] = [
    "external",
    "hour",
    "never",
    "key-1",
    "key-2",
    "store",
    "twice",
    "reason",
    "inviter",
    "cut",
    "pending",
    "ended",
    "german",
    "landing",
    "astray",
    "dismissed",
    "listed",
];

/// What happens outside of all calls.
pub const LIFE: [&str; 67] = [
    "mail-fails",
    "mail-works",
    "mail-takes",
    "taken-arrives",
    "taken-returns",
    "suspend",
    "resume",
    "delete",
    "move",
    "move-back",
    "delete-beta",
    "disable-alice",
    "enable-alice",
    "remove-alice",
    "recreate-alice",
    "disable-bob",
    "enable-bob",
    "remove-gus",
    "disable-gus",
    "enable-gus",
    "remove-bob",
    "ann-loses",
    "ann-regains",
    "ann-nothing",
    "remove-ann",
    "hr-loses",
    "hr-regains",
    "delete-help",
    "delete-ops",
    "delete-audit",
    "unmember-alice",
    "unmember-bob",
    "unmember-newest",
    "member-newest",
    "member-alice",
    "member-bob",
    "take-help-from-alice",
    "give-help-to-alice",
    "accept-with=code",
    "accept-with=invitee",
    "accept-with=invitee-and-code",
    "notices=all",
    "notices=none",
    "reminder",
    "no-reminder",
    "privileged",
    "unprivileged",
    "ceiling",
    "no-ceiling",
    "pending-limit",
    "no-pending-limit",
    "resend-limit",
    "domains",
    "no-domains",
    "few",
    "give-up",
    "keep-short",
    "policy=approval",
    "policy=narrow",
    "codes=invitee-only",
    "codes=see-code",
    "codes=see-code-even-alone",
    "namesake-joins",
    "namesake-leaves",
    "settings-contradict",
    "settings-agree",
    "email-of-alice",
];
/// Rules that say no, and the absence of rules.
pub const POLICIES: [&str; 6] = [
    "policy=none",
    "policy=no-bob",
    "policy=not-now",
    "policy=approval-of-bob",
    "policy=approval-of-less",
    "policy=too-short",
];

/// How a host call fails; `late` is later than the host's time-out, `slow` just in time. A policy that is
/// `silent` gives no answer when somebody accepts, or is sent to; or when somebody is invited.
pub const FAULTS: [&str; 13] = [
    "fail-before",
    "fail-after",
    "timeout",
    "late",
    "slow",
    "conflict",
    "throttled",
    "denied",
    "full",
    "crash-before",
    "crash-after",
    "silent",
    "silent-to-invite",
];

/// A movement of the clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clock {
    Advance(u64),
    /// To the end of an invitation's time, or of its lease, and so much further.
    Expiry(u8, i64),
    Lease(u8, i64),
    Back(u64),
    Far,
}

/// A call. Numbers are places in the tables above.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub operation: Operation,
    pub who: u8,
    pub place: u8,
    /// Invitations, counted from the newest; [`NEVER`] is none.
    pub rows: Vec<u8>,
    /// A code, counted from the newest; absent: the id.
    pub code: Option<u8>,
    pub names: Vec<u8>,
    pub grants: Vec<u8>,
    pub options: Vec<u8>,
}

/// An invitation that never was.
pub const NEVER: u8 = u8::MAX;

/// Where a fault strikes within one call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strike {
    pub fault: u8,
    pub nth: u32,
    pub then_on: bool,
}

impl Strike {
    pub fn plan(self) -> FaultAt {
        FaultAt { function: self.function(), nth: self.nth, then_on: self.then_on, fault: self.fault() }
    }

    /// Of which function it counts the calls; absent: of all.
    fn function(self) -> Option<Function> {
        match FAULTS[usize::from(self.fault)] {
            "silent" => Some(Function::PolicyDecideAccept),
            "silent-to-invite" => Some(Function::PolicyDecideInvite),
            _ => None,
        }
    }

    /// Which question a silent policy does not answer.
    pub fn silent(self) -> Option<Moment> {
        match FAULTS[usize::from(self.fault)] {
            "silent" => Some(Moment::Accept),
            "silent-to-invite" => Some(Moment::Invite),
            _ => None,
        }
    }

    pub fn fault(self) -> Fault {
        match FAULTS[usize::from(self.fault)] {
            "fail-before" => Fault::FailBefore,
            "fail-after" => Fault::FailAfter,
            "timeout" => Fault::Timeout,
            "late" => Fault::Late(Duration::from_secs(3600)),
            "slow" => Fault::Late(Duration::ZERO),
            "conflict" => Fault::Conflict,
            "throttled" => Fault::Throttled(Duration::from_secs(5)),
            "denied" => Fault::Denied,
            "full" => Fault::Full,
            "crash-before" => Fault::CrashBefore,
            "crash-after" => Fault::CrashAfter,
            _ => Fault::Error(Function::PolicyDecideAccept.error("silent").expect("an error of policies")),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Call(Asked, Option<Strike>),
    Clock(Clock),
    Life(&'static str),
}

/// What is asked and what happens, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct History(pub Vec<Step>);

impl Asked {
    pub fn has(&self, option: &str) -> bool {
        self.options.iter().any(|index| OPTIONS[usize::from(*index)] == option)
    }
}

// As text.

fn joined(of: &[&str], list: &[u8]) -> String {
    list.iter().map(|index| of[usize::from(*index)]).collect::<Vec<_>>().join(",")
}

fn row(index: u8) -> String {
    if index == NEVER { "none".into() } else { index.to_string() }
}

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

fn time(milliseconds: u64) -> String {
    let (unit, length) =
        UNITS.iter().find(|(_, length)| milliseconds.is_multiple_of(*length)).unwrap_or(&UNITS[4]);
    format!("{}{unit}", milliseconds / length)
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.operation.name(), WHO[usize::from(self.who)].0)?;
        if self.place > 0 {
            write!(f, "@{}", PLACES[usize::from(self.place)])?;
        }
        let rows = self.rows.iter().map(|index| row(*index)).collect::<Vec<_>>().join(",");
        write!(f, ":{}{rows}", joined(&NAMES, &self.names))?;
        if let Some(code) = self.code {
            write!(f, ".{code}")?;
        }
        if !self.grants.is_empty() {
            write!(f, "+{}", joined(&GRANTS, &self.grants).replace("group:", "").replace("role:", ""))?;
        }
        if !self.options.is_empty() {
            write!(f, "~{}", joined(&OPTIONS, &self.options))?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(asked, None) => write!(f, "{asked}"),
            Self::Call(asked, Some(strike)) => {
                let then_on = if strike.then_on { "+" } else { "" };
                write!(f, "{asked}!{}#{}{then_on}", FAULTS[usize::from(strike.fault)], strike.nth)
            }
            Self::Clock(Clock::Advance(length)) => write!(f, "advance:{}", time(*length)),
            Self::Clock(Clock::Back(length)) => write!(f, "back:{}", time(*length)),
            Self::Clock(Clock::Expiry(index, more)) => write!(f, "expiry:{}:{more}", row(*index)),
            Self::Clock(Clock::Lease(index, more)) => write!(f, "lease:{}:{more}", row(*index)),
            Self::Clock(Clock::Far) => f.write_str("far"),
            Self::Life(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&steps.join(";"))
    }
}

fn index(of: &[&str], word: &str) -> Result<u8, String> {
    let found =
        of.iter().position(|known| *known == word || known.split_once(':').is_some_and(|(_, id)| id == word));
    found.and_then(|at| u8::try_from(at).ok()).ok_or_else(|| format!("`{word}` is none of {}", of.join(", ")))
}

fn list(of: &[&str], text: &str) -> Result<Vec<u8>, String> {
    text.split(',').filter(|word| !word.is_empty()).map(|word| index(of, word)).collect()
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

fn row_of(text: &str) -> Result<u8, String> {
    if text == "none" { Ok(NEVER) } else { number(text) }
}

fn length(text: &str) -> Result<u64, String> {
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(split);
    let known = UNITS.iter().find(|(known, _)| *known == unit);
    Ok(number::<u64>(count)? * known.ok_or_else(|| format!("`{text}` is no length of time"))?.1)
}

fn call_of(operation: Operation, rest: &str) -> Result<Asked, String> {
    let (who, what) = rest.split_once(':').unwrap_or((rest, ""));
    let (who, place) = who.split_once('@').unwrap_or((who, ""));
    let (what, options) = what.split_once('~').unwrap_or((what, ""));
    let (what, grants) = what.split_once('+').unwrap_or((what, ""));
    let invites = operation == Operation::Invite;
    let (rows, code) =
        what.rsplit_once('.').filter(|_| !invites).map_or((what, None), |(rows, code)| (rows, Some(code)));
    Ok(Asked {
        operation,
        who: index(&WHO.map(|(name, _)| name), who)?,
        place: index(&PLACES, place)?,
        rows: if invites {
            vec![]
        } else {
            rows.split(',').filter(|word| !word.is_empty()).map(row_of).collect::<Result<_, _>>()?
        },
        code: code.map(number).transpose()?,
        names: if invites { list(&NAMES, what)? } else { vec![] },
        grants: list(&GRANTS, grants)?,
        options: list(&OPTIONS, options)?,
    })
}

fn strike_of(text: &str) -> Result<Strike, String> {
    let (fault, nth) = text.split_once('#').ok_or("a fault has a place, as in `!timeout#2`")?;
    let then_on = nth.ends_with('+');
    Ok(Strike { fault: index(&FAULTS, fault)?, nth: number(nth.trim_end_matches('+'))?, then_on })
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (what, fault) = text.split_once('!').unwrap_or((text, ""));
        let (word, rest) = what.split_once(':').unwrap_or((what, ""));
        if let Some(operation) = Operation::ALL.into_iter().find(|operation| operation.name() == word) {
            let fault = if fault.is_empty() { None } else { Some(strike_of(fault)?) };
            return Ok(Self::Call(call_of(operation, rest)?, fault));
        }
        let at = || -> Result<(u8, i64), String> {
            let (index, more) = rest.split_once(':').unwrap_or((rest, "0"));
            Ok((row_of(index)?, number(more)?))
        };
        let clock = match word {
            "advance" => Clock::Advance(length(rest)?),
            "back" => Clock::Back(length(rest)?),
            "expiry" => at().map(|(index, more)| Clock::Expiry(index, more))?,
            "lease" => at().map(|(index, more)| Clock::Lease(index, more))?,
            "far" => Clock::Far,
            word => {
                let known = LIFE.iter().chain(&POLICIES).find(|known| **known == word);
                return Ok(Self::Life(known.ok_or_else(|| format!("`{word}` does not happen here"))?));
            }
        };
        Ok(Self::Clock(clock))
    }
}

impl FromStr for History {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(';')
            .map(str::trim)
            .filter(|step| !step.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

// At random.

/// Small numbers mostly: the newest invitations.
fn which() -> impl Strategy<Value = u8> {
    prop_oneof![30 => 0..1u8, 12 => 0..2u8, 8 => 0..6u8, 1 => Just(NEVER)]
}

fn some_of(words: &'static [(u32, u8)]) -> impl Strategy<Value = Vec<u8>> {
    let chances: Vec<_> =
        words.iter().map(|(chance, _)| proptest::bool::weighted(f64::from(*chance) / 100.0)).collect();
    chances.prop_map(move |taken| {
        words.iter().zip(taken).filter(|(_, taken)| *taken).map(|((_, index), _)| *index).collect()
    })
}

/// Somebody somewhere, mostly who may.
fn administrator() -> impl Strategy<Value = (u8, u8)> {
    let others = select((4..WHO.len()).collect::<Vec<_>>());
    let others = others.prop_map(|who| (u8::try_from(who).unwrap_or_default(), 1));
    prop_oneof![12 => Just((ANN, 1)), 12 => Just((BEN, 1)), 2 => Just((BEA, 2)), 3 => others, 1 => select(vec![(ANN, 0), (ANN, 2), (BEA, 1)])]
}

fn asked(operation: Operation, (who, place): (u8, u8)) -> Asked {
    Asked { operation, who, place, rows: vec![], code: None, names: vec![], grants: vec![], options: vec![] }
}

fn invite() -> impl Strategy<Value = Asked> {
    let name = prop_oneof![12 => 0..5u8, 3 => 5..14u8];
    let names =
        prop_oneof![9 => prop::collection::vec(name.clone(), 1..3), 1 => prop::collection::vec(name, 0..5)];
    let grants = some_of(&[(50, 0), (30, 1), (30, 2), (3, 3), (4, 4), (3, 5)]);
    let options =
        some_of(&[(15, 0), (12, 1), (5, 2), (8, 3), (4, 4), (1, 5), (2, 6), (8, 12), (8, 13), (1, 14)]);
    let who = prop_oneof![3 => Just((ANN, 1)), 1 => administrator()];
    (who, names, grants, options).prop_map(|(who, names, grants, options)| Asked {
        names,
        grants,
        options,
        ..asked(Operation::Invite, who)
    })
}

fn managing() -> impl Strategy<Value = Asked> {
    use Operation::{Approve, Dismiss, Get, List, Reject, Resend, Revoke, RevokeAll};
    let judging = (
        prop_oneof![4 => Just(Approve), 1 => Just(Reject)],
        prop_oneof![10 => Just((BEN, 1)), 2 => administrator(), 1 => Just((HIMSELF, 1))],
    );
    let other = (
        prop_oneof![6 => Just(Resend), 2 => Just(Revoke), 2 => Just(Dismiss), 1 => select(vec![List, Get, RevokeAll])],
        administrator(),
    );
    let options = some_of(&[(20, 7), (40, 8), (15, 10), (10, 11), (10, 15), (10, 16)]);
    let more = prop_oneof![5 => Just(None), 1 => which().prop_map(Some)];
    (prop_oneof![judging, other], which(), more, options).prop_map(
        |((operation, who), first, more, options)| {
            let rows =
                if operation == Resend { Some(first).into_iter().chain(more).collect() } else { vec![first] };
            Asked { rows, options, ..asked(operation, who) }
        },
    )
}

fn answering(operation: impl Strategy<Value = Operation>) -> impl Strategy<Value = Asked> {
    let others =
        select((1..WHO.len()).collect::<Vec<_>>()).prop_map(|who| u8::try_from(who).unwrap_or_default());
    let who = prop_oneof![12 => Just(HIMSELF), 2 => others];
    let place = prop_oneof![3 => Just(0), 2 => Just(1), 1 => Just(2)];
    let code = prop_oneof![4 => Just(None), 6 => Just(Some(0)), 1 => (0..4u8).prop_map(Some)];
    let options = some_of(&[(30, 7), (1, 9), (15, 10), (10, 11)]);
    (operation, who, place, which(), code, options).prop_map(
        |(operation, who, place, first, code, options)| Asked {
            rows: vec![first],
            code,
            options,
            ..asked(operation, (who, place))
        },
    )
}

fn any_answer() -> impl Strategy<Value = Asked> {
    use Operation::{Accept, Decline, Introspect, ListMine};
    answering(prop_oneof![8 => Just(Accept), 2 => Just(Decline), 1 => Just(Introspect), 1 => Just(ListMine)])
}

fn sweeping() -> impl Strategy<Value = Asked> {
    let who = prop_oneof![30 => Just((SYSTEM, 1)), 3 => Just((SYSTEM, 2)), 1 => select(vec![(ANN, 1), (SYSTEM, 0)])];
    who.prop_map(|who| asked(Operation::Sweep, who))
}

fn clock() -> impl Strategy<Value = Clock> {
    let lengths = vec![1, 10_000, 60_000, 120_000, 3_600_000, 86_400_000, 72 * 3_600_000, 31 * 86_400_000];
    let near = || select(vec![-1, 0, 0, 1i64]);
    prop_oneof![
        6 => select(lengths).prop_map(Clock::Advance),
        3 => (which(), near()).prop_map(|(index, more)| Clock::Expiry(index, more)),
        3 => (which(), near()).prop_map(|(index, more)| Clock::Lease(index, more)),
        1 => select(vec![1, 3_600_000, 3 * 86_400_000]).prop_map(Clock::Back),
        1 => prop_oneof![12 => Just(Clock::Advance(1000)), 1 => Just(Clock::Far)],
    ]
}

fn strike(nth: impl Strategy<Value = u32>) -> impl Strategy<Value = Option<Strike>> {
    let fault = (0..u8::try_from(FAULTS.len()).unwrap_or_default(), nth, proptest::bool::weighted(0.3));
    fault.prop_map(|(fault, nth, then_on)| Some(Strike { fault, nth, then_on }))
}

fn life() -> impl Strategy<Value = Step> {
    prop_oneof![6 => select(LIFE.to_vec()), 1 => select(POLICIES.to_vec())].prop_map(Step::Life)
}

fn step() -> impl Strategy<Value = Step> {
    let call = prop_oneof![5 => invite(), 5 => managing(), 8 => any_answer(), 4 => sweeping()];
    prop_oneof![
        14 => (call, prop_oneof![6 => Just(None), 1 => strike(1..16u32)]).prop_map(|(asked, strike)| Step::Call(asked, strike)),
        3 => clock().prop_map(Step::Clock),
        4 => life(),
    ]
}

fn mostly(step: impl Strategy<Value = Step>) -> impl Strategy<Value = Option<Step>> {
    proptest::option::weighted(0.95, step)
}

/// Some things need a story: an accept breaks off, the world moves, the sweep goes on with it.
fn broken_accept() -> impl Strategy<Value = Vec<Option<Step>>> {
    let accept = answering(Just(Operation::Accept));
    let breaks = (accept, strike(9..21u32)).prop_map(|(asked, strike)| Step::Call(asked, strike));
    let grave = vec![
        "unmember-newest",
        "unmember-newest",
        "unmember-newest",
        "take-help-from-alice",
        "member-newest",
        "remove-alice",
        "disable-bob",
        "ann-loses",
        "remove-ann",
        "delete-help",
        "suspend",
        "delete",
        "move",
        "give-up",
        "ceiling",
        "privileged",
        "policy=narrow",
    ];
    let meanwhile =
        proptest::option::weighted(0.7, prop_oneof![1 => step(), 3 => select(grave).prop_map(Step::Life)]);
    let lease = select(vec![-1, 0, 1i64]).prop_map(|more| Step::Clock(Clock::Lease(0, more)));
    let sweep = (sweeping(), prop_oneof![3 => Just(None), 1 => strike(1..24u32)])
        .prop_map(|(asked, strike)| Step::Call(asked, strike));
    (mostly(breaks), meanwhile, mostly(lease), mostly(sweep))
        .prop_map(|(one, two, three, four)| vec![one, two, three, four])
}

/// An invitation needs approval, and is judged.
fn approval() -> impl Strategy<Value = Vec<Option<Step>>> {
    let rule = select(vec!["policy=approval", "privileged", "policy=approval-of-bob"]).prop_map(Step::Life);
    let invite = invite().prop_map(|asked| Step::Call(asked, None));
    let judge = managing().prop_map(|asked| Step::Call(asked, None));
    (mostly(rule), mostly(invite), mostly(judge)).prop_map(|(one, two, three)| vec![one, two, three])
}

/// Somebody else gets the name of somebody who was invited.
fn namesake() -> impl Strategy<Value = Vec<Option<Step>>> {
    let invite = invite().prop_map(|asked| Step::Call(Asked { names: vec![ALICE], ..asked }, None));
    let accept = answering(Just(Operation::Accept))
        .prop_map(|asked| Step::Call(Asked { who: ALICE_2, ..asked }, None));
    (
        mostly(invite),
        mostly(Just(Step::Life("remove-alice"))),
        mostly(Just(Step::Life("recreate-alice"))),
        mostly(accept),
    )
        .prop_map(|(one, two, three, four)| vec![one, two, three, four])
}

/// A rule gets stricter, and somebody meets it.
fn stricter() -> impl Strategy<Value = Vec<Option<Step>>> {
    let rule = select(vec!["resend-limit", "domains", "few", "pending-limit", "policy=no-bob", "ceiling"])
        .prop_map(Step::Life);
    let resend = || administrator().prop_map(|who| Asked { rows: vec![0], ..asked(Operation::Resend, who) });
    let meet = || {
        prop_oneof![1 => invite(), 1 => any_answer(), 2 => resend()].prop_map(|asked| Step::Call(asked, None))
    };
    (mostly(rule), mostly(meet()), mostly(meet())).prop_map(|(one, two, three)| vec![one, two, three])
}

/// An invitation runs out, the world moves, and somebody sends it again.
fn anew() -> impl Strategy<Value = Vec<Option<Step>>> {
    let over = (which(), Just(0)).prop_map(|(index, more)| Step::Clock(Clock::Expiry(index, more)));
    let meanwhile = proptest::option::weighted(0.8, step());
    let resend = (administrator(), which())
        .prop_map(|(who, index)| Asked { rows: vec![index], ..asked(Operation::Resend, who) });
    let resend = (resend, prop_oneof![4 => Just(None), 1 => strike(1..20u32)])
        .prop_map(|(asked, strike)| Step::Call(asked, strike));
    (mostly(over), meanwhile, mostly(resend)).prop_map(|(one, two, three)| vec![one, two, three])
}

/// Their name is taken where they are invited.
fn taken_name() -> impl Strategy<Value = Vec<Option<Step>>> {
    let invite = Asked { names: vec![NAME_IN_BETA], ..asked(Operation::Invite, (BEA, 2)) };
    let accept = answering(Just(Operation::Accept)).prop_map(|asked| Step::Call(asked, None));
    (mostly(Just(Step::Call(invite, None))), mostly(accept)).prop_map(|(one, two)| vec![one, two])
}

/// Something comes in the way of an invitation, and somebody sends it or approves it all the same.
fn obstructed() -> impl Strategy<Value = Vec<Option<Step>>> {
    let rule = proptest::option::weighted(0.3, select(vec!["policy=approval", "privileged", "reminder"]));
    let names = select(vec![0u8, 1, 1, 2]);
    let invite =
        (invite(), names).prop_map(|(asked, name)| Step::Call(Asked { names: vec![name], ..asked }, None));
    let waits = proptest::option::weighted(0.4, Just(Step::Life("mail-fails")));
    let in_the_way = select(vec![
        "suspend",
        "move",
        "disable-alice",
        "disable-bob",
        "disable-gus",
        "remove-alice",
        "ann-loses",
        "ann-nothing",
        "remove-ann",
        "namesake-joins",
        "ceiling",
        "privileged",
        "domains",
        "policy=not-now",
        "policy=no-bob",
        "settings-contradict",
        "codes=invitee-only",
    ]);
    let silent = |nth: u32| {
        let nth = proptest::option::weighted(0.2, Just(nth));
        nth.prop_map(|nth| nth.map(|nth| Strike { fault: SILENT, nth, then_on: true }))
    };
    let send = (
        prop_oneof![
            4 => administrator().prop_map(|who| Asked { rows: vec![0], ..asked(Operation::Resend, who) }),
            2 => Just(Asked { rows: vec![0], ..asked(Operation::Approve, (BEN, 1)) }),
            3 => Just(asked(Operation::Sweep, (SYSTEM, 1))),
            1 => any_answer(),
        ],
        silent(1),
    );
    let send = send.prop_map(|(asked, strike)| Step::Call(asked, strike));
    let later = proptest::option::weighted(0.5, select(vec![120_000, 36 * 3_600_000, 71 * 3_600_000]));
    let works = proptest::option::weighted(0.4, Just(Step::Life("mail-works")));
    (
        rule,
        mostly(waits.prop_map(|step| step.unwrap_or(Step::Life("mail-works")))),
        mostly(invite),
        mostly(in_the_way.prop_map(Step::Life)),
        later,
        works,
        mostly(send),
    )
        .prop_map(|(rule, waits, invite, way, later, works, send)| {
            let later = later.map(|time| Step::Clock(Clock::Advance(time)));
            vec![rule.map(Step::Life), waits, invite, way, later, works, send]
        })
}

/// The inviter is gone, and somebody takes the invitation over.
fn taken_over() -> impl Strategy<Value = Vec<Option<Step>>> {
    let invite = invite().prop_map(|asked| Step::Call(asked, None));
    let gone = select(vec!["ann-loses", "ann-nothing", "remove-ann", "hr-loses"]).prop_map(Step::Life);
    let meanwhile = proptest::option::weighted(
        0.5,
        select(vec![
            "privileged",
            "policy=approval",
            "policy=narrow",
            "policy=too-short",
            "policy=no-bob",
            "policy=none",
            "ceiling",
            "ann-regains",
            "hr-regains",
            "notices=all",
        ]),
    );
    let who = prop_oneof![
        6 => Just((BEN, 1)),
        2 => Just((ANN, 1)),
        2 => Just((HIMSELF, 1)),
        3 => administrator(),
    ];
    let resend = (who, prop_oneof![3 => Just(None), 1 => strike(1..20u32)]).prop_map(|(who, strike)| {
        Step::Call(Asked { rows: vec![0], ..asked(Operation::Resend, who) }, strike)
    });
    let accept = answering(Just(Operation::Accept)).prop_map(|asked| Step::Call(asked, None));
    (mostly(invite), mostly(gone), meanwhile, mostly(resend), mostly(accept))
        .prop_map(|(one, two, three, four, five)| vec![one, two, three.map(Step::Life), four, five])
}

/// A claimed accept meets a policy that gives no answer, and the sweep comes back to it.
fn silenced() -> impl Strategy<Value = Vec<Option<Step>>> {
    let accept = (answering(Just(Operation::Accept)), 1..4u32)
        .prop_map(|(asked, nth)| Step::Call(asked, Some(Strike { fault: SILENT, nth, then_on: true })));
    let give_up = proptest::option::weighted(0.6, Just(Step::Life("give-up")));
    let lease = || select(vec![0, 1i64]).prop_map(|more| Step::Clock(Clock::Lease(0, more)));
    let sweep = || {
        proptest::option::weighted(0.8, Just(1)).prop_map(|nth| {
            let strike = nth.map(|nth| Strike { fault: SILENT, nth, then_on: true });
            Step::Call(asked(Operation::Sweep, (SYSTEM, 1)), strike)
        })
    };
    let end = proptest::option::weighted(0.3, Just(Step::Clock(Clock::Expiry(0, 0))));
    (give_up, mostly(accept), mostly(lease()), mostly(sweep()), end, mostly(lease()), mostly(sweep()))
        .prop_map(|(zero, one, two, three, four, five, six)| vec![zero, one, two, three, four, five, six])
}

/// A history that begins with an invite, so that there is something to go on with.
pub fn history() -> impl Strategy<Value = History> {
    let first = invite().prop_map(|asked| Step::Call(asked, None));
    let one = step().prop_map(|step| vec![Some(step)]);
    let episode = prop_oneof![64 => one, 16 => broken_accept(), 5 => approval(), 2 => namesake(), 1 => taken_name(), 4 => stricter(), 6 => anew(), 14 => obstructed(), 8 => taken_over(), 4 => silenced()];
    (first, prop::collection::vec(episode, 0..22)).prop_map(|(first, episodes)| {
        History(std::iter::once(first).chain(episodes.into_iter().flatten().flatten()).collect())
    })
}
