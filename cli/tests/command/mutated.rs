//! Whatever a file or a request says, the command answers: it does not panic, and it does not wait for ever.
//!
//! Scenarios, worlds, states, requests and folders of policies that are right are changed at random, from a
//! seed that is printed; `SEED=7` plays that one again. Every loader has to be reached with what it takes and
//! with what it does not, and what was understood is used: scenarios are played, states are called.

#[path = "mutated/change.rs"]
mod change;

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use guestlist_contract::{host::Operation, types::Principal};
use guestlist_documents::HumanDuration;
use guestlist_harness::{
    Engine, EngineOptions, Inspection, Limits, Plugin, operations,
    policy::{Policies, PolicyComponent},
};
use guestlist_hostile::guests::{Behaviour, policy};
use guestlist_memory::MemoryHost;
use guestlist_policies::FolderError;
use guestlist_policies::ReadPolicies as _;
use guestlist_scenario::{Format, Loading, Options, Recorder, Request, Runner, Suite, SuiteError};
use serde_json::Value;

use change::Chance;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const FORMATS: [Format; 4] = [Format::Text, Format::Json, Format::Junit, Format::Github];
/// Far beyond what anything here takes: this is not about speed.
const FOR_EVER: Duration = Duration::from_secs(120);

/// What has to be reached, besides each operation's requests.
const PARTS: [&str; 20] = [
    "scenario: understood",
    "scenario: refused",
    "scenario: played",
    "scenario: failed",
    "scenario: blessed",
    "world: understood",
    "world: refused",
    "world: written again",
    "state: understood",
    "state: no state",
    "state: contradicts itself",
    "state: called",
    "policies: understood",
    "policies: refused",
    "policies: a broken one",
    "lines: recorded",
    "lines: refused",
    "time: understood",
    "time: refused",
    "component: refused",
];

/// One round: what is tried next, what it came to, and how often each part was reached.
#[derive(Default)]
struct Reached {
    parts: BTreeMap<String, u64>,
    now: String,
}

struct Desk {
    folder: PathBuf,
    chance: Chance,
    reached: Arc<Mutex<Reached>>,
    plugin: Plugin,
    engine: Engine,
    runtime: tokio::runtime::Runtime,
}

impl Desk {
    fn reach(&self, part: impl Into<String>) {
        *self.reached.lock().unwrap().parts.entry(part.into()).or_default() += 1;
    }

    /// Tries something; what makes it panic is kept for whoever mends it.
    fn with<T>(&self, what: &str, input: &str, work: impl FnOnce() -> T) -> T {
        self.reached.lock().unwrap().now = format!("{what}, after {} changes", self.chance.drawn());
        let kept = self.folder.join("last-input.txt");
        fs::write(&kept, input).unwrap();
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            panic!("{what}: it panics with SEED={} and `{}`", self.chance.seed, kept.display())
        })
    }

    fn shown(&self, error: &SuiteError, length: usize) {
        for format in FORMATS {
            let shown = error.shown(format);
            check_text(format, &shown);
            assert!(shown.len() < 200_000, "{} bytes are said of {length}", shown.len());
        }
    }
}

fn check_text(format: Format, text: &str) {
    if matches!(format, Format::Text | Format::Github) {
        let steers = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
        assert!(!text.contains(steers) && !text.contains(['\u{202e}', '\u{2028}']), "{text:?}");
    }
}

/// Every YAML file below a folder with its text, in order.
fn texts(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(texts(&path));
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            all.push((path.clone(), fs::read_to_string(&path).unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn no_input_makes_it_panic_or_wait_for_ever() {
    let seed = std::env::var("SEED").map_or(7, |seed| seed.parse().expect("SEED is a number"));
    println!("seed {seed}");
    let reached = Arc::new(Mutex::new(Reached::default()));
    let (done, ended) = mpsc::channel();
    let told = reached.clone();
    let worker = std::thread::spawn(move || {
        let mut desk = Desk::new(seed, told);
        desk.worlds(500);
        desk.scenarios(900);
        desk.states(500);
        desk.requests(2_500);
        desk.policies(500);
        desk.lines(150);
        desk.components(200);
        let _ = done.send(());
    });
    let mut last = String::new();
    while let Err(mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(FOR_EVER) {
        let now = reached.lock().unwrap().now.clone();
        assert_ne!(now, last, "it does not come to an end, with SEED={seed}");
        last = now;
    }
    if let Err(panic) = worker.join() {
        std::panic::resume_unwind(panic);
    }
    let parts = &reached.lock().unwrap().parts;
    for (part, count) in parts {
        println!("{count:>6}  {part}");
    }
    let requests = Operation::ALL.into_iter().flat_map(|operation| {
        ["understood", "refused"].map(|end| format!("request of {}: {end}", operation.name()))
    });
    let missing: Vec<_> = PARTS
        .into_iter()
        .map(str::to_owned)
        .chain(requests)
        .filter(|part| !parts.contains_key(part))
        .collect();
    assert!(missing.is_empty(), "not reached with SEED={seed}: {missing:?}");
}

impl Desk {
    fn new(seed: u64, reached: Arc<Mutex<Reached>>) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("mutated");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("suite")).unwrap();
        fs::write(folder.join("suite/suite.yaml"), "").unwrap();
        let engine = Engine::new(&EngineOptions::fuel().instances(16)).unwrap();
        let plugin = Plugin::bundled(&engine).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { folder, chance: Chance::new(seed), reached, plugin, engine, runtime }
    }

    fn worlds(&mut self, count: usize) {
        let worlds = texts(&Path::new(ROOT).join("tests/scenarios/worlds"));
        for _ in 0..count {
            let text = self.chance.of(&worlds).1.clone();
            let text = self.chance.changed(&text);
            self.with("a world", &text, || match MemoryHost::from_yaml(&text) {
                Ok(host) => {
                    self.reach("world: understood");
                    if host.realm().to_yaml().is_ok() {
                        self.reach("world: written again");
                    }
                    let again = MemoryHost::load(&host.save().unwrap());
                    assert!(again.is_ok(), "what is a world is a state, too: {:?}", again.err());
                }
                Err(error) => {
                    self.reach("world: refused");
                    let shown = error.to_string();
                    check_text(Format::Text, &shown);
                    assert!(shown.len() < 200_000, "{} bytes are said of {}", shown.len(), text.len());
                }
            });
        }
    }

    fn scenarios(&mut self, count: usize) {
        let folder = self.folder.join("suite");
        let all = texts(&Path::new(ROOT).join("tests/scenarios"));
        let (worlds, scenarios): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(path, _)| path.parent().is_some_and(|up| up.ends_with("worlds")));
        fs::create_dir_all(folder.join("worlds")).unwrap();
        fs::create_dir_all(folder.join("stories")).unwrap();
        for (path, text) in worlds {
            fs::write(folder.join("worlds").join(path.file_name().unwrap()), text).unwrap();
        }
        let path = folder.join("stories/story.yaml");
        let mut options = Options::default();
        options.bless = true;
        options.once = true;
        options.explain = true;
        options.timeout = Duration::from_secs(2);
        let runner = Runner::new(self.plugin.clone(), options);
        for _ in 0..count {
            let text = self.chance.of(&scenarios).1.clone();
            let text = self.chance.changed(&text);
            fs::write(&path, &text).unwrap();
            self.with("a scenario", &text, || {
                match Suite::load(std::slice::from_ref(&path), &Loading::default()) {
                    Ok(suite) => {
                        self.reach("scenario: understood");
                        let report = runner.run(&suite);
                        self.reach(if report.failed() == 0 {
                            "scenario: played"
                        } else {
                            "scenario: failed"
                        });
                        for format in FORMATS {
                            check_text(format, &report.shown(format, &suite));
                        }
                        for (case, report) in suite.cases.iter().zip(&report.cases) {
                            if case.bless(report).is_ok() {
                                self.reach("scenario: blessed");
                                let blessed = Suite::load(std::slice::from_ref(&path), &Loading::default());
                                assert!(blessed.is_ok(), "what is blessed is a scenario still");
                            }
                        }
                    }
                    Err(error) => {
                        self.reach("scenario: refused");
                        self.shown(&error, text.len());
                    }
                }
            });
        }
    }

    /// A state in which something has happened.
    fn state(&self) -> Value {
        let yaml = fs::read_to_string(Path::new(ROOT).join("cli/src/demo.yaml")).unwrap();
        let host = Arc::new(MemoryHost::from_yaml(&yaml).unwrap());
        for (operation, who, request) in [
            ("invite", "acme/u-ann", r#"{ "usernames": ["alice", "bob"], "groups": ["g-help"] }"#),
            ("list", "acme/u-ann", ""),
            ("sweep", "", ""),
        ] {
            self.call(&host, operation, who, request);
        }
        host.advance(3_600_000);
        serde_json::from_str(&host.save().unwrap()).unwrap()
    }

    fn call(&self, host: &Arc<MemoryHost>, operation: &str, who: &str, request: &str) {
        let operation = Operation::ALL.into_iter().find(|known| known.name() == operation).unwrap();
        let caller = match who.split_once('/') {
            Some((place, id)) => host.account(place, id).map(Principal::User),
            None => Some(Principal::System),
        };
        let caller = caller.unwrap_or(Principal::Anonymous);
        let session = self.plugin.session(host.clone().host(), Limits::default());
        let context = host.context(Some("acme"), caller);
        // What it answers is told elsewhere. Here it has to.
        let _ = match Request::read(operation, request).unwrap() {
            Request::Invite(request) => {
                self.runtime.block_on(session.run(context, operations::Invite { request })).map(drop)
            }
            Request::List(filter, page) => {
                self.runtime.block_on(session.run(context, operations::List { filter, page })).map(drop)
            }
            Request::Sweep(limit) => {
                self.runtime.block_on(session.run(context, operations::Sweep { limit })).map(drop)
            }
            other => panic!("{other:?} is not asked here"),
        };
    }

    fn states(&mut self, count: usize) {
        let state = self.state();
        for _ in 0..count {
            let text = self.chance.changed_json(&state);
            self.with("a state", &text, || match MemoryHost::load(&text) {
                Ok(host) => {
                    self.reach("state: understood");
                    let host = Arc::new(host);
                    self.call(&host, "invite", "acme/u-ann", r#"{ "usernames": ["carol", "bob"] }"#);
                    self.call(&host, "list", "acme/u-ann", r#"{ "status": ["PENDING"] }"#);
                    host.advance(u64::MAX / 3);
                    self.call(&host, "sweep", "", "");
                    host.advance(u64::MAX);
                    self.call(&host, "sweep", "", "");
                    self.reach("state: called");
                    let saved = MemoryHost::load(&host.save().unwrap());
                    assert!(saved.is_ok(), "what a host saves it can load: {:?}", saved.err());
                    // It may have what a world has no words for, and says so.
                    let _ = host.realm().to_yaml().map_err(|error| error.to_string());
                }
                Err(error) => {
                    let contradicts = matches!(error, guestlist_memory::StateError::Contradicts(_));
                    self.reach(if contradicts { "state: contradicts itself" } else { "state: no state" });
                    assert!(error.to_string().len() < 100_000);
                }
            });
        }
    }

    fn requests(&mut self, count: usize) {
        let known = r#"{"usernames": ["alice"], "groups": ["g"], "roles": null, "userDomain": "PRIMARY", "lifetime": "1h",
            "properties": [{"key": "manageNotificationsInternally", "value": "true"}], "idempotencyKey": "k"}"#;
        let handle = r#"{"confirmationCode": "inv1_abc"}"#;
        let id = r#"{"id": "x", "reason": "y"}"#;
        let base = |operation: Operation| match operation {
            Operation::Invite => known,
            Operation::List => {
                r#"{"status": ["PENDING"], "group": "g", "sortBy": "username", "sortOrder": "ASC", "limit": 7}"#
            }
            Operation::Resend => r#"{"ids": ["a", "b"]}"#,
            Operation::RevokeAll => r#"{"invitee": {"organization": "root", "id": "u"}, "reason": "y"}"#,
            Operation::ListMine => r#"{"status": ["EXPIRED"], "after": "x", "limit": 3}"#,
            Operation::Introspect | Operation::Accept => handle,
            Operation::Decline => r#"{"organization": "acme", "id": "x", "reason": "no"}"#,
            Operation::Sweep => r#"{"limit": 10}"#,
            _ => id,
        };
        for _ in 0..count {
            let operation = *self.chance.of(&Operation::ALL);
            let base: Value = serde_json::from_str(base(operation)).unwrap();
            let text = self.chance.changed_json(&base);
            self.with("a request", &text, || {
                let end = match Request::read(operation, &text) {
                    Ok(_) => "understood",
                    Err(error) => {
                        assert!(error.to_string().len() < 100_000);
                        "refused"
                    }
                };
                self.reach(format!("request of {}: {end}", operation.name()));
            });
            let time = self.chance.changed("1d2h3m4s5ms");
            let understood = self.with("a time", &time, || time.parse::<HumanDuration>().is_ok());
            self.reach(if understood { "time: understood" } else { "time: refused" });
        }
    }

    fn policies(&mut self, count: usize) {
        let folder = self.folder.join("policies");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("strict.wasm"), policy(Behaviour::Panics)).unwrap();
        let digest = PolicyComponent::inspect(&self.engine, &policy(Behaviour::Panics)).digest;
        let manifest = format!(
            "policies:\n  strict: {{ component: strict.wasm, sha256: '{digest}' }}\norganizations:\n  acme: strict\n  \
             root: none\nothers: none\n"
        );
        for _ in 0..count {
            let text = self.chance.changed(&manifest);
            fs::write(folder.join("policies.yaml"), &text).unwrap();
            let policies = Policies::new(&self.engine);
            self.with("a folder of policies", &text, || match policies.read_folder(&folder) {
                Ok(report) if report.broken.is_empty() => self.reach("policies: understood"),
                Ok(_) => self.reach("policies: a broken one"),
                Err(error) => {
                    assert!(matches!(error, FolderError::Malformed(_)), "{error}");
                    self.reach("policies: refused");
                    check_text(Format::Text, &error.to_string());
                    assert!(error.to_string().len() < 200_000);
                }
            });
        }
    }

    fn lines(&mut self, count: usize) {
        let world = fs::read_to_string(Path::new(ROOT).join("cli/src/demo.yaml")).unwrap();
        let line = serde_json::json!({ "operation": "invite", "as": "ann", "in": "acme", "advance": "3h",
            "request": { "usernames": ["alice"], "groups": ["g-help"] } });
        let path = self.folder.join("recording.yaml");
        for _ in 0..count {
            let text = self.chance.changed_json(&line).replace('\n', " ");
            let plugin = self.plugin.clone();
            self.with("a line of calls", &text, || {
                let recorded = self.runtime.block_on(async {
                    let mut recorder = Recorder::begin_here(plugin, &path, "A recording", &world)?;
                    recorder.lines(&text).await?;
                    recorder.finish().await
                });
                let _ = recorded.as_ref().map_err(ToString::to_string);
                self.reach(if recorded.is_ok() { "lines: recorded" } else { "lines: refused" });
            });
        }
    }

    fn components(&mut self, count: usize) {
        let whole = policy(Behaviour::Panics);
        for _ in 0..count {
            let bytes = self.chance.changed_bytes(&whole);
            let inspected: Inspection = self.with("a component", &format!("{bytes:?}"), || {
                PolicyComponent::inspect(&self.engine, &bytes)
            });
            if !inspected.admitted {
                self.reach("component: refused");
            }
        }
    }
}
