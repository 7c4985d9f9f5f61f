//! A host is killed in the middle of its work, again and again, and nothing that it said is undone.
//!
//! Where the database is a server of the trial's own, every other time the server is stopped instead, as by a
//! crash, and started again: the host has to answer with failures meanwhile and go on by itself.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};

use guestlist_contract::{audit::EventKind, types::State};
use guestlist_harness::Plugin;
use guestlist_memory::{AuditEvent, default_settings};
use guestlist_testkit::guarantees::Word;
use serde::Serialize;

use crate::{
    act::Letter,
    check::slices,
    command::Finding,
    host::{Dice, Stage, micros, plugin},
    load::{Done, Given},
    place::{self, Place},
    rest::to_rest,
    server::Server,
    worker::{Orders, Said, Worker},
    world,
};

/// Hosts that are ready before they are needed: compiling the plugin takes longer than a life.
const SPARE: usize = 2;
/// A database is used by so many hosts, one after the other, before a new world is loaded: what is checked
/// grows with each.
const LIVES: usize = 12;
const RESIDENTS: usize = 24;
const CHILDREN: usize = 6;
const TASKS: usize = 4;
/// How long a host lives, in milliseconds.
const LIFE: (u64, u64) = (5, 250);
const PATIENCE: Duration = Duration::from_secs(120);

/// What to try.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub kills: usize,
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    pub kills: usize,
    /// Crashes of the server, under a host that survived.
    pub stops: usize,
    /// Answers that bind, by their kind.
    pub acknowledged: BTreeMap<&'static str, usize>,
    /// Answers that the database failed, while its server was away.
    pub failed: usize,
    /// Accepts that a death had interrupted and the sweep brought to their end.
    pub recovered: usize,
    pub databases: usize,
    pub seconds: f64,
    pub violations: Vec<String>,
}

impl Finding for Outcome {
    fn violations(&self) -> &[String] {
        &self.violations
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.kills as f64 / self.seconds.max(1e-9);
        writeln!(to, "kills         {} in {:.1} s, {rate:.1} a second", self.kills, self.seconds)?;
        writeln!(to, "stops         {}", self.stops)?;
        writeln!(to, "databases     {}", self.databases)?;
        writeln!(to, "acknowledged  {}", self.acknowledged.values().sum::<usize>())?;
        for (kind, count) in &self.acknowledged {
            writeln!(to, "  {kind:<11} {count}")?;
        }
        writeln!(to, "failed        {}", self.failed)?;
        writeln!(to, "recovered     {}", self.recovered)?;
        write!(to, "violations    {}", self.violations.len())?;
        self.violations.iter().take(20).try_for_each(|why| write!(to, "\n- {why}"))
    }
}

/// The kind of what was said, for a count.
fn kind(word: &Word) -> &'static str {
    match word {
        Word::Invited(..) => "invited",
        Word::Accepted(..) => "accepted",
        Word::Ended(_, State::Declined) => "declined",
        Word::Ended(..) => "revoked",
        Word::Resent(..) => "resent",
        Word::Removed(..) => "removed",
        Word::Silent(_) | Word::Obstructed(_) | Word::Shown(..) => "other",
    }
}

/// One database and all that was said of it.
struct Life {
    letters: Vec<Letter>,
    told: Vec<Word>,
    /// The trail that was seen last.
    trail: Vec<AuditEvent>,
}

struct Killing<'a> {
    plan: Plan,
    place: &'a Place,
    program: &'a Path,
    plugin: Plugin,
    dice: Dice,
    /// How far the database's clock is ahead of the machine's: the store's time never goes back, not even
    /// for a new world.
    ahead: Arc<AtomicU64>,
    spare: VecDeque<(usize, Worker)>,
    started: usize,
    heard: Sender<(usize, Option<Said>)>,
    said: Receiver<(usize, Option<Said>)>,
    ready: Vec<usize>,
    outcome: Outcome,
}

/// Kills hosts. `told` hears how many were killed.
///
/// # Errors
/// The trial could not be made.
pub async fn run(plan: Plan, place: &Place, program: &Path, told: impl Fn(usize)) -> Result<Outcome, String> {
    let (heard, said) = mpsc::channel();
    let mut killing = Killing {
        plan,
        place,
        program,
        plugin: plugin(),
        dice: Dice::new(plan.seed),
        ahead: Arc::default(),
        spare: VecDeque::new(),
        started: 0,
        heard,
        said,
        ready: Vec::new(),
        outcome: Outcome::default(),
    };
    let begun = Instant::now();
    while killing.outcome.kills < plan.kills {
        let mut life = killing.new_world().await?;
        for _ in 0..LIVES.min(plan.kills - killing.outcome.kills) {
            let server = place.server().filter(|_| killing.outcome.kills % 2 == 1);
            killing.kill_one(&mut life, server.as_deref())?;
            killing.look(&mut life).await?;
            told(killing.outcome.kills);
            if !killing.outcome.violations.is_empty() {
                break;
            }
        }
        if !killing.outcome.violations.is_empty() {
            break;
        }
    }
    killing.outcome.seconds = begun.elapsed().as_secs_f64();
    Ok(killing.outcome)
}

impl Killing<'_> {
    async fn new_world(&mut self) -> Result<Life, String> {
        let mut settings = default_settings();
        settings.mail_tries = 3;
        let realm = world::realm(RESIDENTS, CHILDREN, &settings);
        self.place.with(&realm, place::ahead(self.ahead.clone())).await?;
        self.outcome.databases += 1;
        Ok(Life { letters: Vec::new(), told: Vec::new(), trail: Vec::new() })
    }

    /// A host that has everything but a database.
    fn host(&mut self) -> Result<(usize, Worker), String> {
        while self.spare.len() <= SPARE {
            self.started += 1;
            let worker = Worker::start(self.program, &Orders::load(), self.started, self.heard.clone());
            self.spare.push_back((self.started, worker));
        }
        let next = self.spare.pop_front().ok_or("there is no host")?;
        while !self.ready.contains(&next.0) {
            match self.said.recv_timeout(PATIENCE) {
                Ok((number, Some(Said::Ready))) => self.ready.push(number),
                other => return Err(format!("a host did not start: {other:?}")),
            }
        }
        self.ready.retain(|number| *number != next.0);
        Ok(next)
    }

    /// Lets a host work, kills it, and hears what it had said until then. Where there is a server it is
    /// stopped and started before that, and the host has to go on.
    fn kill_one(&mut self, life: &mut Life, server: Option<&Server>) -> Result<(), String> {
        let (number, mut host) = self.host()?;
        let seed = self.dice.roll();
        let given = Given {
            database: self.place.url().to_owned(),
            ahead: self.ahead.load(Ordering::SeqCst),
            seed,
            requests: format!("life-{number}"),
            tasks: TASKS,
            residents: RESIDENTS,
            children: CHILDREN,
            letters: life.letters.clone(),
        };
        host.tell(&given);
        self.work(life, number)?;
        if let Some(server) = server {
            server.stop_immediate().map_err(|error| error.to_string())?;
            self.listen(life, number, true, |said| matches!(said, Said::Done(Done::Failed(_))))?;
            server.start_again().map_err(|error| error.to_string())?;
            self.outcome.stops += 1;
            // What was under way may still be told as a failure.
            let binds = |said: &Said| matches!(said, Said::Done(Done::Acknowledged(_)));
            self.listen(life, number, true, binds)?;
            self.listen(life, number, true, binds)?;
        }
        host.kill();
        self.outcome.kills += 1;
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok((other, Some(Said::Ready))) => self.ready.push(other),
                Ok((from, Some(said))) if from == number => self.hear(life, &said, server.is_some()),
                Ok((from, None)) if from == number => return Ok(()),
                other => return Err(format!("a host that was killed goes on: {other:?}")),
            }
        }
    }

    /// Lets a host work for a while: from its start, or from the first thing that it has done.
    fn work(&mut self, life: &mut Life, number: usize) -> Result<(), String> {
        if self.dice.below(2) == 0 {
            self.listen(life, number, false, |_| true)?;
        }
        let (shortest, longest) = LIFE;
        let time = Duration::from_millis(shortest + self.dice.roll() % (longest - shortest));
        let end = Instant::now() + time;
        loop {
            match self.said.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok((other, Some(Said::Ready))) => self.ready.push(other),
                Ok((from, Some(said))) if from == number => self.hear(life, &said, false),
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                other => return Err(format!("a host ended by itself: {other:?}")),
            }
        }
    }

    /// Hears a host until it says this.
    fn listen(
        &mut self,
        life: &mut Life,
        number: usize,
        may_fail: bool,
        until: impl Fn(&Said) -> bool,
    ) -> Result<(), String> {
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok((other, Some(Said::Ready))) => self.ready.push(other),
                Ok((from, Some(said))) if from == number => {
                    self.hear(life, &said, may_fail);
                    if until(&said) {
                        return Ok(());
                    }
                }
                other => return Err(format!("a host did not outlive its server: {other:?}")),
            }
        }
    }

    fn hear(&mut self, life: &mut Life, said: &Said, may_fail: bool) {
        match said {
            Said::Mail(letter) => life.letters.push(letter.clone()),
            Said::Done(Done::Acknowledged(told)) => {
                *self.outcome.acknowledged.entry(kind(told)).or_default() += 1;
                life.told.push(told.clone());
            }
            Said::Done(Done::Failed(_)) if may_fail => self.outcome.failed += 1,
            // Nothing was wrong with the database.
            Said::Done(Done::Failed(why)) => {
                self.outcome.violations.push(format!("a host was alone, and failed: {why}"));
            }
            Said::Done(Done::Answered) | Said::Ready | Said::Answered(_) => {}
        }
    }

    /// Brings the database to rest and asks for every guarantee.
    async fn look(&mut self, life: &mut Life) -> Result<(), String> {
        self.place.quiet().await?;
        self.outcome.violations.extend(self.place.damage()?);
        let ahead = self.ahead.clone();
        let database = self.place.open(place::ahead(ahead.clone())).await?;
        let stage =
            Stage::on(&self.plugin, &database, move || micros() / 1000 + ahead.load(Ordering::SeqCst));
        match to_rest(&stage, &database, &self.ahead).await {
            Ok(letters) => life.letters.extend(letters),
            Err(why) => self.outcome.violations.push(why),
        }
        let realm = database.dump().await.map_err(|error| error.to_string())?;
        if !realm.audit.starts_with(&life.trail) {
            self.outcome.violations.push("I-AUD: the audit trail lost what it had".into());
        }
        let new = realm.audit.iter().skip(life.trail.len());
        self.outcome.recovered += new.filter(|event| event.kind == EventKind::InvitationTakenOver).count();
        life.trail.clone_from(&realm.audit);
        for slice in slices(realm, &life.letters, &life.told) {
            self.outcome.violations.extend(slice.broken(true));
        }
        if !self.outcome.violations.is_empty() {
            let (kill, seed) = (self.outcome.kills, self.plan.seed);
            self.outcome.violations.push(format!("all this after kill {kill} of seed {seed}"));
        }
        Ok(())
    }
}
