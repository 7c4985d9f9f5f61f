//! The table of attacks: what each component does, who is attacked by it, and what has to contain it.

use std::fmt::Write as _;

use guestlist_contract::types::{Narrowed, Verdict};
use guestlist_harness::{BUNDLED, Reason};

use crate::guests::{
    AGAIN, Behaviour, Body, LIST, VERDICTS, build, contract, data, guest, guest_of, guest_that_starts_so,
    policy, policy_answering, policy_contract, policy_that_starts_so,
};

/// How a component is brought to do its worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// `Plugin::load`.
    LoadPlugin,
    /// `PolicyComponent::load`.
    LoadPolicy,
    /// It is loaded once and called: `sweep`.
    Plugin,
    /// The same, with a look at what the host has answered.
    WatchedPlugin,
    /// The same, and no function of the host that reads settings ever answers.
    PluginOnDeafHost,
    /// It is loaded once and asked: `judge-invite` with one candidate and one group.
    Policy,
    /// The same by way of the honest plugin, which has to make something of the verdict: `invite`.
    PolicyThroughPlugin,
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was ended.
    Ended(Reason),
    /// It was ended by its own hand, after the host had refused every call that it made.
    Denied(Reason),
    /// It was not loaded: the kinds of the problems, and the first in words.
    NotAdmitted(Vec<&'static str>, String),
    /// It could not be instantiated.
    NoInstance(String),
    /// The policy gave verdicts for others than it was asked about.
    Miscounted,
    /// The inviter was refused, in these words.
    Refused(String),
    /// It got something, or was let in: what.
    Got(String),
}

/// What has to contain a class.
#[derive(Clone, Copy, Debug)]
pub enum Held {
    Deadline,
    Memory,
    HostCalls,
    HostCallBytes,
    StackOverflow,
    Panicked,
    /// A rule of the component model, in the engine's words.
    Rule(&'static str),
    Denied,
    Miscounted,
    Widened,
    /// Not loaded, for this kind of problem, with these words.
    NotAdmitted(&'static str, &'static str),
    /// Not loaded, for whatever reason.
    CutOff,
    /// Not loaded, or it does whatever it now says, within its limits.
    AnyWay,
}

impl Held {
    /// Whether this is what became of it.
    #[must_use]
    pub fn fits(self, outcome: &Outcome) -> bool {
        match (self, outcome) {
            (Self::Denied, Outcome::Denied(_)) => true,
            (Self::Miscounted, Outcome::Miscounted) => true,
            (Self::Widened, Outcome::Refused(words)) => words.contains("allow more than was asked"),
            (Self::NotAdmitted(kind, words), Outcome::NotAdmitted(kinds, said)) => {
                kinds.contains(&kind) && said.contains(words)
            }
            (Self::CutOff, Outcome::NotAdmitted(..)) | (Self::AnyWay, _) => true,
            (held, Outcome::Ended(reason) | Outcome::Denied(reason)) => match (held, reason) {
                (Self::Deadline, Reason::Deadline(_))
                | (Self::Memory, Reason::Memory(_))
                | (Self::HostCalls, Reason::HostCalls(_))
                | (Self::HostCallBytes, Reason::HostCallBytes(_))
                | (Self::StackOverflow, Reason::StackOverflow)
                | (Self::Panicked, Reason::Panicked) => true,
                (Self::Rule(words), Reason::Other(said)) => said.contains(words),
                _ => false,
            },
            _ => false,
        }
    }

    /// For the report.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Deadline => "deadline".into(),
            Self::Memory => "memory limit".into(),
            Self::HostCalls => "host-call budget".into(),
            Self::HostCallBytes => "host-call bytes".into(),
            Self::StackOverflow => "stack overflow".into(),
            Self::Panicked => "panicked".into(),
            Self::Rule(words) => format!("engine: {words}"),
            Self::Denied => "host: denied".into(),
            Self::Miscounted => "miscounted".into(),
            Self::Widened => "plugin: refused".into(),
            Self::NotAdmitted(kind, _) => format!("not loaded: {kind}"),
            Self::CutOff => "not loaded".into(),
            Self::AnyWay => "not loaded, or the limits".into(),
        }
    }
}

/// What there is to attack: something of another organization.
#[derive(Clone, Debug)]
pub struct Victim {
    /// An organization that is not the attacker's.
    pub organization: &'static str,
    /// An invitation of it.
    pub invitation: String,
}

/// Makes the component of a run: they are numbered, for those that are different every time.
type Component = Box<dyn Fn(&Victim, usize) -> Vec<u8> + Send + Sync>;

/// One kind of attack.
pub struct Class {
    /// As in `plugin/loop`.
    pub name: String,
    /// In a few words.
    pub does: &'static str,
    pub attack: Attack,
    pub held: Held,
    pub component: Component,
}

impl Class {
    /// It is not to be loaded at all.
    #[must_use]
    pub fn loads(&self) -> bool {
        matches!(self.attack, Attack::LoadPlugin | Attack::LoadPolicy)
    }

    /// Every run has a component of its own.
    #[must_use]
    pub fn varies(&self) -> bool {
        matches!(self.held, Held::CutOff | Held::AnyWay)
    }
}

fn class(
    name: impl Into<String>,
    attack: Attack,
    held: Held,
    does: &'static str,
    component: impl Fn(&Victim, usize) -> Vec<u8> + Send + Sync + 'static,
) -> Class {
    Class { name: name.into(), does, attack, held, component: Box::new(component) }
}

/// All of them.
#[must_use]
pub fn classes() -> Vec<Class> {
    let mut all = Vec::new();
    for (name, held, does, body) in guests() {
        let own = body.clone();
        all.push(class(format!("plugin/{name}"), Attack::Plugin, held, does, move |_, _| {
            build(&contract(world_of(&own)), &own.clone().with_all(240))
        }));
        // One verdict, `allow`, for those that come as far as to answer.
        let fields = body.fields.clone() + &data(LIST, &[0, 4, 0, 0, 1]);
        all.push(class(format!("policy/{name}"), Attack::Policy, held, does, move |_, _| {
            let body = Body { fields: fields.clone(), ..body.clone() };
            build(&policy_contract(world_of(&body)), &body.with_all(1000))
        }));
    }
    all.extend(plugins());
    all.extend(policies());
    all.extend(loads());
    all
}

fn same(text: String) -> String {
    text
}

/// A contract in which a guest that makes resources may do so.
fn world_of(body: &Body) -> fn(String) -> String {
    if body.imports.is_empty() {
        return same;
    }
    |text| {
        let text =
            text.replace("\nworld extension {", "\ninterface chairs { resource chair; }\nworld extension {");
        text.replace("export invitee;", "export invitee;\n    export chairs;")
            .replace("export rules;", "export rules;\n    export chairs;")
    }
}

/// Stands for the size of the memory in bytes, in what is run and in the asking where to put something.
const ALL: &str = "<all>";
const LOOP: &str = "(loop (br 0))";
/// An answer: a list with one verdict, or a sweep that has swept nothing.
const ANSWER: &str = "(return (i32.const <list-or-verdict>))";

impl Body {
    /// Where it speaks of its whole memory it begins with so many pages: nearly all that it may have.
    fn with_all(mut self, pages: u32) -> Self {
        let bytes = (pages << 16).to_string();
        for text in [&mut self.run, &mut self.realloc] {
            if text.contains(ALL) {
                *text = text.replace(ALL, &bytes);
                self.pages = pages;
            }
        }
        self
    }

    fn fields(self, fields: impl Into<String>) -> Self {
        Self { fields: fields.into(), ..self }
    }

    fn realloc(self, realloc: impl Into<String>) -> Self {
        Self { realloc: realloc.into(), ..self }
    }
}

/// What a plugin and a policy can do alike.
fn guests() -> Vec<(&'static str, Held, &'static str, Body)> {
    let of = Body::from;
    let new = |run: &str| Body::new(run);
    vec![
        ("loop", Held::Deadline, "runs for ever", of(Behaviour::Loops)),
        (
            "fill",
            Held::Deadline,
            "fills its whole memory, again and again, with one instruction each",
            new("(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const <all>)) (br 0))"),
        ),
        (
            "copy",
            Held::Deadline,
            "copies its whole memory onto itself, again and again",
            new(
                "(loop (memory.copy (i32.const 1) (i32.const 0) (i32.sub (i32.const <all>) (i32.const 1))) (br 0))",
            ),
        ),
        (
            "table-fill",
            Held::Deadline,
            "fills the largest table, again and again",
            new("(loop (table.fill $t (i32.const 0) (ref.func $realloc) (i32.const 10000)) (br 0))")
                .fields("(table $t 10000 funcref) (elem declare func $realloc)"),
        ),
        ("memory", Held::Memory, "takes memory until there is none", of(Behaviour::Swells)),
        (
            "table",
            Held::Panicked,
            "takes places in a table until there are none",
            new("(loop (br_if 0 (i32.ne (table.grow $t (ref.null func) (i32.const 100)) (i32.const -1))))")
                .fields("(table $t 0 funcref)"),
        ),
        ("recursion", Held::StackOverflow, "calls itself for ever", of(Behaviour::Recurses)),
        ("panic", Held::Panicked, "panics", of(Behaviour::Panics)),
        (
            "names",
            Held::Panicked,
            "panics in a function whose name is 90 kB and mangled",
            new("(call $deep)")
                .fields(format!("(func $deep (@name \"_ZN{}E\") (unreachable))", "8aaaaaaaa".repeat(10_000))),
        ),
        (
            "handles",
            Held::Rule("handle limit exceeded"),
            "makes resources of its own and never gives one back",
            new("(loop (drop (call $chair (i32.const 0))) (br 0))").with_chairs(),
        ),
        (
            "after",
            Held::Deadline,
            "answers, and does not end afterwards",
            Body { after: LOOP.into(), ..new(ANSWER) },
        ),
        (
            "realloc-loops",
            Held::Deadline,
            "does not end when it is asked where to put its arguments",
            new(ANSWER).realloc(LOOP.to_owned() + "(unreachable)"),
        ),
        (
            "realloc-outside",
            Held::Rule("realloc return: beyond end of memory"),
            "has its arguments put where there is no memory",
            new(ANSWER).realloc("(i32.const 0xfffffff0)"),
        ),
        (
            "realloc-at-end",
            Held::Rule("realloc return: beyond end of memory"),
            "has its arguments put over the end of its memory",
            new(ANSWER).realloc("(i32.sub (i32.const <all>) (i32.const 8))"),
        ),
        (
            "realloc-grows",
            Held::Memory,
            "takes all memory when it is asked where to put its arguments",
            new(ANSWER).realloc(
                "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)",
            ),
        ),
        (
            "answer-outside",
            Held::Rule("pointer"),
            "answers with an address that is none",
            new("(return (i32.const 0xfffffff0))"),
        ),
        (
            "answer-odd",
            Held::Rule("pointer not aligned"),
            "answers with an odd address",
            new("(return (i32.const 17))"),
        ),
    ]
}

impl Body {
    /// With a resource, which its world has to have as well.
    fn with_chairs(self) -> Self {
        let chair = r#"(import "[export]guestlist:invitation/chairs@0.1.0" "[resource-new]chair" (func $chair (param i32) (result i32)))"#;
        Self { imports: chair.into(), ..self }
    }
}

/// `record-refusals` with this organization (tag, start, length) and these refusals (start, length).
fn told(organization: [u32; 3], refusals: [u32; 2]) -> String {
    let arguments = organization.iter().chain(&refusals).chain(&[0xf000]);
    let arguments: String = arguments.map(|argument| format!("(i32.const {argument})")).collect();
    format!("(call $audit.record-refusals {arguments})")
}

/// Numbers of 32 bits at a place.
fn words(at: u32, words: &[u32]) -> String {
    data(at, &words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>())
}

/// Writes `value` into each word from `from` to `to`.
fn scattered(from: u32, to: u32, step: u32, value: u32) -> String {
    format!(
        "(global.set $i (i32.const {from}))
        (loop (i32.store (global.get $i) (i32.const {value}))
            (global.set $i (i32.add (global.get $i) (i32.const {step})))
            (br_if 0 (i32.lt_u (global.get $i) (i32.const {to}))))"
    )
}

const COUNTER: &str = "(global $i (mut i32) (i32.const 0))";

fn plugins() -> Vec<Class> {
    use Attack::{Plugin, PluginOnDeafHost, WatchedPlugin};
    let of = |name: &str, held, does, body: Body| {
        class(format!("plugin/{name}"), Plugin, held, does, move |_, _| build(&contract(same), &body))
    };
    // An answer of `sweep`: refused as `invalid`, with a text.
    let invalid = |start, length| words(LIST, &[1, 0, 1, 0, start, length]);
    vec![
        of("storm", Held::HostCalls, "calls the host for ever", Behaviour::Storms.into()),
        of(
            "flood",
            Held::HostCallBytes,
            "hands over a text of 15 MiB",
            Body { pages: 250, ..Body::new(told([1, 0, 15 << 20], [0, 0])) },
        ),
        of(
            "giant-list",
            Held::Rule("out of bounds"),
            "hands over a list of 2^31 elements",
            Body::new(told([0, 0, 0], [0, 1 << 31])),
        ),
        of(
            "text-outside",
            Held::Rule("out of bounds"),
            "hands over a text that ends behind its memory",
            Body::new(told([1, (64 << 16) - 1, 2], [0, 0])),
        ),
        of(
            "overlapping",
            Held::HostCallBytes,
            "hands over 2,000 records whose texts of 64 KiB are all the same one",
            Body::new(scattered(0, 60_000, 4, 1 << 16) + &told([0, 0, 0], [0, 2000])).fields(COUNTER),
        ),
        of(
            "hoard",
            Held::Deadline,
            "hands over 7 MiB for the audit trail, again and again",
            Body::new(
                // Behind the place of the host's answer.
                "(i32.store (i32.const 40) (i32.const 1))".to_owned()
                    + &format!("(i32.store (i32.const 44) (i32.const {}))", 1 << 16)
                    + &format!("(i32.store (i32.const 48) (i32.const {}))", 7 << 20)
                    + &format!("(loop {} (br 0))", told([1, 28, 4], [0, 1])),
            )
            .pages(200)
            .fields(data(28, b"evil")),
        ),
        of(
            "bad-text",
            Held::Rule("utf-8"),
            "hands over a text that is none",
            Body::new(told([1, 8, 1], [0, 0])).fields(data(8, &[0xff])),
        ),
        of(
            "bad-answer",
            Held::Rule("utf-8"),
            "answers with a text that is none",
            Body::new(ANSWER).fields(invalid(64, 1) + &data(64, &[0xff])),
        ),
        of(
            "no-case",
            Held::Rule("discriminant"),
            "answers with a case that there is not",
            Body::new(ANSWER).fields(words(LIST, &[7])),
        ),
        of(
            "giant-answer",
            Held::HostCallBytes,
            "answers with a text of 15 MiB",
            Body { pages: 250, ..Body::new(ANSWER).fields(invalid(64, 15 << 20)) },
        ),
        of(
            "deep-calls",
            Held::StackOverflow,
            "calls the host from every depth of its stack",
            Body::new(format!(
                "(global.set $i (i32.add (global.get $i) (i32.const 1)))
            (if (i32.eqz (i32.rem_u (global.get $i) (i32.const 256))) (then {}))
            {AGAIN}",
                told([0, 0, 0], [0, 0])
            ))
            .fields(COUNTER),
        ),
        of(
            "realloc-calls",
            Held::Rule("cannot leave component instance"),
            "calls the host when it is asked where to put its arguments",
            Body::new(ANSWER).realloc(told([0, 0, 0], [0, 0]) + "(i32.const 1024)"),
        ),
        of(
            "after-calls",
            Held::Rule("cannot leave component instance"),
            "answers, and calls the host afterwards",
            Body { after: told([0, 0, 0], [0, 0]), ..Body::new(ANSWER) },
        ),
        class(
            "plugin/slow-host",
            PluginOnDeafHost,
            Held::Deadline,
            "asks what the host never answers, again and again",
            |_, _| {
                let body = Body::new(
                    "(loop (call $settings.get (i32.const 0) (i32.const 0) (i32.const 64)) (br 0))",
                );
                build(&contract(same), &body)
            },
        ),
        class(
            "plugin/other-organizations",
            WatchedPlugin,
            Held::Denied,
            "names another organization and its invitation",
            |victim, _| build(&contract(same), &trespasser(victim)),
        ),
        class(
            "plugin/too-many-rows",
            WatchedPlugin,
            Held::Denied,
            "asks for more rows than a page may have",
            |_, _| {
                let evil = "(i32.const 64) (i32.const 4)";
                let body = Body::new(format!(
                    "(call $storage.due {evil} (i32.const -1) (i64.const 0) (i32.const 1024))
                (call $storage.purge {evil} (i64.const 0) (i32.const -1) (i32.const 1024))
                (call $storage.mine (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                    (i32.const -1) (i32.const 1024))"
                ))
                .fields(data(64, b"evil"));
                build(&contract(same), &body)
            },
        ),
    ]
}

/// Whatever can be asked in a few words about somebody else's organization.
fn trespasser(victim: &Victim) -> Body {
    let (there, id) = (victim.organization, &victim.invitation);
    let organization = format!("(i32.const 64) (i32.const {})", there.len());
    let invitation = format!("(i32.const 128) (i32.const {})", id.len());
    let answer = "(i32.const 1024)";
    Body::new(format!(
        "(call $directory.get-organization {organization} {answer})
        (call $settings.get {organization} {answer})
        (call $storage.get {organization} {invitation} {answer})
        (call $storage.due {organization} (i32.const 100) (i64.const 0) {answer})
        (call $storage.purge {organization} (i64.const 0) (i32.const 200) {answer})
        (call $membership.close {organization} {invitation} {answer})
        (call $audit.record-refusals (i32.const 1) {organization} (i32.const 0) (i32.const 0) {answer})"
    ))
    .fields(data(64, there.as_bytes()) + &data(128, id.as_bytes()))
}

fn policies() -> Vec<Class> {
    use Attack::{Policy, PolicyThroughPlugin};
    let of = |name: &str, held, does, body: Body| {
        class(format!("policy/{name}"), Policy, held, does, move |_, _| build(&policy_contract(same), &body))
    };
    // An answer: one verdict, `refuse`, with a text.
    let refusing = |start, length| {
        Body::new(ANSWER).fields(words(LIST, &[VERDICTS, 1]) + &words(VERDICTS, &[1, 0, start, length]))
    };
    let listing = |start, length| Body::new(ANSWER).fields(words(LIST, &[start, length]));
    let miscounting = |name: &str, does, count: usize| {
        class(format!("policy/{name}"), Policy, Held::Miscounted, does, move |_, _| {
            policy_answering(&vec![Verdict::Allow; count])
        })
    };
    let widening = |name: &str, does, grants: &'static [u32], lifetime| {
        class(format!("policy/{name}"), PolicyThroughPlugin, Held::Widened, does, move |_, _| {
            let narrowed = Narrowed { grants: grants.to_vec(), lifetime, signed_in_only: false };
            policy_answering(&[Verdict::AllowWith(narrowed)])
        })
    };
    vec![
        of(
            "realloc-odd",
            Held::Rule("realloc return: result not aligned"),
            "has its arguments put at an odd address",
            Body::new(ANSWER).realloc("(i32.const 1025)"),
        ),
        of("giant-list", Held::Rule("out of bounds"), "gives 2^31 verdicts", listing(0, 1 << 31)),
        of(
            "list-outside",
            Held::Rule("out of bounds"),
            "gives verdicts that lie behind its memory",
            listing((64 << 16) - 40, 2),
        ),
        of(
            "giant-text",
            Held::HostCallBytes,
            "refuses with 60 MiB of words",
            Body { pages: 1000, ..refusing(64, 60 << 20) },
        ),
        of(
            "text-outside",
            Held::Rule("out of bounds"),
            "refuses with words that end behind its memory",
            refusing((64 << 16) - 1, 2),
        ),
        of("bad-text", Held::Rule("utf-8"), "refuses with words that are no text", {
            let body = refusing(64, 1);
            Body { fields: body.fields.clone() + &data(64, &[0xff]), ..body }
        }),
        of(
            "no-case",
            Held::Rule("discriminant"),
            "gives a verdict that there is not",
            Body::new(ANSWER).fields(words(LIST, &[VERDICTS, 1]) + &words(VERDICTS, &[9])),
        ),
        of(
            "overlapping",
            Held::HostCallBytes,
            "gives 1,000 verdicts whose words of 64 KiB are all the same ones",
            Body::new(
                scattered(VERDICTS, VERDICTS + 40_000, 40, 1)
                    + &scattered(VERDICTS + 8, VERDICTS + 40_000, 40, 1 << 16)
                    + &scattered(VERDICTS + 12, VERDICTS + 40_000, 40, 1 << 16)
                    + ANSWER,
            )
            .fields(COUNTER.to_owned() + &words(LIST, &[VERDICTS, 1000])),
        ),
        miscounting("fewer", "gives fewer verdicts than there are candidates", 0),
        miscounting("more", "gives more verdicts than there are candidates", 100),
        widening("no-such-grant", "allows a grant that was not asked for", &[1], None),
        widening("grant-twice", "allows a grant twice", &[0, 0], None),
        widening("grant-far", "allows the grant 4294967295", &[u32::MAX], None),
        widening("longer", "allows it for longer", &[0], Some(u64::MAX)),
    ]
}

/// What has to be turned down before anybody calls it.
fn loads() -> Vec<Class> {
    use Attack::{LoadPlugin, LoadPolicy};
    let both = |name: &str, held, does, component: fn(bool) -> Vec<u8>| {
        [("plugin", LoadPlugin, true), ("policy", LoadPolicy, false)].map(|(kind, attack, plugin)| {
            class(format!("{kind}/{name}"), attack, held, does, move |_, _| component(plugin))
        })
    };
    let refused = Held::NotAdmitted;
    let mut all = vec![
        class("plugin/imports", LoadPlugin, refused("withheld", "filesystem"), "wants files", |_, _| {
            with(
                &guest(Behaviour::Panics),
                r#"(import "wasi:filesystem/preopens@0.2.6" (instance (export "get-directories" (func))))"#,
            )
        }),
        class("policy/imports", LoadPolicy, refused("barred", "filesystem"), "wants files", |_, _| {
            with(
                &policy(Behaviour::Panics),
                r#"(import "wasi:filesystem/preopens@0.2.6" (instance (export "get-directories" (func))))"#,
            )
        }),
        class(
            "plugin/second-memory",
            LoadPlugin,
            refused("start", "memory count"),
            "has a second memory, which a plugin has no place for",
            |_, _| with(&empty(true), "(core module $m (memory 1)) (core instance (instantiate $m))"),
        ),
        class(
            "policy/plugin",
            LoadPolicy,
            refused("barred", "may import no function"),
            "is a plugin",
            |_, _| BUNDLED.to_vec(),
        ),
        class(
            "plugin/start-calls",
            LoadPlugin,
            refused("start", "before anybody has called it"),
            "calls the host when it is made",
            |_, _| guest_that_starts_so(Behaviour::Storms),
        ),
    ];
    for classes in [
        both(
            "version",
            refused("wrong-version", "0.2.0"),
            "speaks another version of the contract",
            |plugin| {
                let newer = |text: String| text.replace("invitation@0.1.0", "invitation@0.2.0");
                guest_of(&if plugin { contract(newer) } else { policy_contract(newer) }, Behaviour::Panics)
            },
        ),
        both("start-loops", refused("start", "longer than"), "does not end when it is made", |plugin| {
            if plugin {
                guest_that_starts_so(Behaviour::Loops)
            } else {
                policy_that_starts_so(Behaviour::Loops)
            }
        }),
        both(
            "start-swells",
            refused("start", "bytes of memory"),
            "takes all memory when it is made",
            |plugin| {
                if plugin {
                    guest_that_starts_so(Behaviour::Swells)
                } else {
                    policy_that_starts_so(Behaviour::Swells)
                }
            },
        ),
        both("born-big", refused("invalid", "memory"), "begins with 1 GiB of memory", |plugin| {
            one(plugin, Body::new("").pages(16_384))
        }),
        both(
            "born-wide",
            refused("invalid", "table"),
            "begins with a table of 10 million places",
            |plugin| one(plugin, Body::new("").fields("(table 10000000 funcref)")),
        ),
        both("instances", refused("invalid", "instances"), "has 1,000 core instances", |plugin| {
            with(
                &empty(plugin),
                &format!("(core module $m) {}", "(core instance (instantiate $m))".repeat(1000)),
            )
        }),
        both("memories", refused("invalid", "memories"), "has 60 memories", |plugin| {
            with(
                &empty(plugin),
                &format!("(core module $m (memory 1)) {}", "(core instance (instantiate $m))".repeat(60)),
            )
        }),
        both("tables", refused("invalid", "table"), "has 600 tables", |plugin| {
            with(
                &empty(plugin),
                &format!(
                    "(core module $m {}) {}",
                    "(table 1 funcref)".repeat(10),
                    "(core instance (instantiate $m))".repeat(60)
                ),
            )
        }),
        both("threads", refused("invalid", "threads"), "waits on memory that it shares", |plugin| {
            with(
                &empty(plugin),
                "(core module (memory 1 1 shared)
                (func (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))",
            )
        }),
        both(
            "many-blocks",
            refused("invalid", "blocks and branches"),
            "has a function with 200,000 blocks, one behind the other",
            |plugin| with(&empty(plugin), &format!("(core module (func {}))", "(block)".repeat(200_000))),
        ),
        both(
            "many-branches",
            refused("invalid", "blocks and branches"),
            "has a function with 300,000 branches to one place",
            |plugin| {
                let targets = "0 ".repeat(300_000);
                let table = format!("(block (br_table {targets} (local.get 0)))");
                with(&empty(plugin), &format!("(core module (func (param i32) {table}))"))
            },
        ),
        both(
            "damaged-and-heavy",
            refused("invalid", "damaged"),
            "has a function that cannot be read, and one with 200,000 blocks behind it",
            |plugin| {
                let heavy = format!("(func {})", "(block)".repeat(200_000));
                let mut bytes =
                    with(&empty(plugin), &format!("(core module (func (i32.const 77) drop) {heavy})"));
                let first = [0x41, 0xcd, 0x00, 0x1a];
                let at = bytes.windows(4).rposition(|window| window == first).unwrap();
                bytes[at] = 0xff;
                bytes
            },
        ),
        both(
            "many-functions",
            refused("invalid", "blocks and branches"),
            "has 400 functions with 3,000 blocks each",
            |plugin| {
                let function = format!("(func {})", "(block)".repeat(3000));
                with(&empty(plugin), &format!("(core module {})", function.repeat(400)))
            },
        ),
        both("many-locals", refused("invalid", "locals"), "has a function with 40,000 locals", |plugin| {
            with(&empty(plugin), &format!("(core module (func (local {})))", "i64 ".repeat(40_000)))
        }),
        both(
            "long-function",
            refused("invalid", "bytes"),
            "has a function of 3 MB without a branch",
            |plugin| {
                let lines = "(drop (i32.add (i32.const 7) (i32.const 9)))".repeat(500_000);
                with(&empty(plugin), &format!("(core module (func {lines}))"))
            },
        ),
        both(
            "nested-components",
            refused("invalid", "32 deep"),
            "has components in components, 1,000 deep",
            |plugin| {
                let mut bytes = EMPTY_COMPONENT.to_vec();
                for _ in 0..1000 {
                    bytes = nested(&bytes);
                }
                [empty(plugin), bytes[8..].to_vec()].concat()
            },
        ),
        both(
            "nested-types",
            refused("invalid", ""),
            "has a type of lists in lists, 100,000 deep",
            |plugin| {
                let mut types = String::from("(type $t0 (list u8))");
                for depth in 1..100_000 {
                    write!(types, "(type $t{depth} (list $t{}))", depth - 1).unwrap();
                }
                with(&empty(plugin), &types)
            },
        ),
        both("doubled-types", refused("invalid", ""), "has a type that doubles 40 times", |plugin| {
            let mut types = String::from("(type $t0 (tuple u8 u8))");
            for depth in 1..40 {
                write!(types, "(type $t{depth} (tuple $t{0} $t{0}))", depth - 1).unwrap();
            }
            with(&empty(plugin), &types)
        }),
        both("zeros", refused("not-a-component", ""), "is 50 MB of zeros", |_| vec![0; 50_000_000]),
        both(
            "headed-zeros",
            refused("invalid", ""),
            "is a component's first 8 bytes and 50 MB of zeros",
            |_| {
                let mut bytes = EMPTY_COMPONENT.to_vec();
                bytes.resize(50_000_000, 0);
                bytes
            },
        ),
    ] {
        all.extend(classes);
    }
    for (kind, attack, plugin) in [("plugin", Attack::Plugin, true), ("policy", Attack::Policy, false)] {
        let load = if plugin { LoadPlugin } else { LoadPolicy };
        all.push(class(format!("{kind}/cut"), load, Held::CutOff, "is cut off somewhere", move |_, run| {
            let whole = empty(plugin);
            whole[..chance(run) % whole.len()].to_vec()
        }));
        all.push(class(
            format!("{kind}/damaged"),
            attack,
            Held::AnyWay,
            "has two bits turned somewhere",
            move |_, run| {
                let mut damaged = empty(plugin);
                for turn in [2 * run, 2 * run + 1] {
                    let place = 8 + chance(turn) % (damaged.len() - 8);
                    damaged[place] ^= 1 << (chance(turn) >> 20 & 7);
                }
                damaged
            },
        ));
    }
    all
}

impl Body {
    fn pages(self, pages: u32) -> Self {
        Self { pages, ..self }
    }
}

const EMPTY_COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";

/// A number that looks like chance and is the same every time.
fn chance(run: usize) -> usize {
    let mixed = (run as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from((mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32).unwrap()
}

fn one(plugin: bool, body: Body) -> Vec<u8> {
    build(&if plugin { contract(same) } else { policy_contract(same) }, &body)
}

/// A component that does nothing.
fn empty(plugin: bool) -> Vec<u8> {
    one(plugin, Body::new(""))
}

/// A component, and more in it.
fn with(component: &[u8], more: &str) -> Vec<u8> {
    let text = wasmprinter::print_bytes(component).unwrap();
    let (before, end) = text.rsplit_once(')').unwrap();
    wat::parse_str(format!("{before} {more}){end}")).unwrap()
}

/// A component with nothing but this one in it.
fn nested(inner: &[u8]) -> Vec<u8> {
    let mut bytes = EMPTY_COMPONENT.to_vec();
    bytes.push(4);
    let mut length = inner.len();
    while length >= 0x80 {
        bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap());
    bytes.extend(inner);
    bytes
}
