//! Every two operations at the same time, from two processes: what came of it must be what one after the
//! other would have come to.
//!
//! Each run has an organization and people of its own, so that thousands use one database and none disturbs
//! another. Time stands still. The host in memory, with the same plugin, says what each order comes to
//! ([`model`]); answers, mails and all that is stored are compared in a [`normal`] form. An answer that means
//! "not now" counts as an operation without effect, where the two have overlapped.
//!
//! A call of the plugin is several host calls, and some of its documented outcomes exist only between them: an
//! accept whose inviter loses their right after the claim ends as `failed`. Such a run is explained by one
//! operation that happens wholly between two host calls of the other. Host calls themselves are raced without
//! the plugin, and there nothing counts but the two orders.

pub mod model;
pub mod normal;
pub mod ops;
pub mod scene;

use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver},
    },
    time::{Duration, Instant},
};

use guestlist_contract::{code, types::InvitationKey};
use guestlist_memory::Realm;
use guestlist_storage::Clock;
use guestlist_testkit::guarantees::Word;
use serde::Serialize;

use self::{
    model::{Explained, Models},
    normal::{REQUESTS, Run, by_run, part_of},
    ops::Op,
    scene::{Cast, START, Scene, merged},
};
use crate::{
    act::{Act, Answer, Answered, Letter},
    check::slices,
    command::Finding,
    host::{Dice, Stage, micros, plugin},
    place::Place,
    rest::to_rest,
    worker::{Orders, Said, Worker},
};

/// Runs on one database.
const CHUNK: usize = 400;
/// Runs under way at the same time.
const WINDOW: usize = 10;
/// One of the two begins so much later at most, in microseconds.
const JITTER: usize = 1200;
const NOTICE: u64 = 300;
const PATIENCE: Duration = Duration::from_secs(300);

/// What to try.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Runs of each pair.
    pub runs: usize,
    pub seed: u64,
}

/// What came of one pair.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pair {
    pub runs: usize,
    /// Runs in which the two overlapped in time.
    pub overlapped: usize,
    /// Explained by the first before the second.
    pub in_order: usize,
    /// Explained by the second before the first.
    pub reversed: usize,
    /// Explained by both: the order makes no difference.
    pub either: usize,
    /// One was told "not now".
    pub not_now: usize,
    /// One happened between two host calls of the other, by the place.
    pub within: BTreeMap<String, Within>,
}

/// What came of one operation in the middle of another.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Within {
    pub runs: usize,
    pub why: &'static str,
    /// How it differs from what each order comes to.
    pub differs: Vec<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// By the two, as in `accept | revoke`.
    pub pairs: BTreeMap<String, Pair>,
    pub runs: usize,
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
        writeln!(
            to,
            "{:<34}{:>7}{:>8}{:>9}{:>9}{:>8}{:>9}{:>8}",
            "pair", "runs", "at once", "in order", "reversed", "either", "not now", "within"
        )?;
        for (name, pair) in &self.pairs {
            let within: usize = pair.within.values().map(|within| within.runs).sum();
            writeln!(
                to,
                "{name:<34}{:>7}{:>8}{:>9}{:>9}{:>8}{:>9}{within:>8}",
                pair.runs, pair.overlapped, pair.in_order, pair.reversed, pair.either, pair.not_now
            )?;
        }
        writeln!(to, "{} runs of {} pairs in {:.1} s", self.runs, self.pairs.len(), self.seconds)?;
        write!(to, "violations   {}", self.violations.len())?;
        self.violations.iter().take(20).try_for_each(|why| write!(to, "\n- {why}"))
    }
}

/// Two that act at once.
#[derive(Clone, Copy, Debug)]
struct Meeting {
    scene: Scene,
    ops: [Op; 2],
    strictly: bool,
}

/// One meeting in one place.
struct Staged {
    meeting: Meeting,
    cast: Cast,
    letters: Vec<Letter>,
    replies: [Option<Answered>; 2],
}

/// Every pair of these, each so often, in the scenes where they have an effect.
fn meetings(ops: &[Op], runs: usize, strictly: bool) -> Vec<Meeting> {
    let mut all = Vec::new();
    for (index, first) in ops.iter().enumerate() {
        for second in &ops[index..] {
            let scenes = scenes([*first, *second]);
            let meeting =
                |run: usize| Meeting { scene: scenes[run % scenes.len()], ops: [*first, *second], strictly };
            all.extend((0..runs).map(meeting));
        }
    }
    all
}

/// Where both have an effect; where there is no such scene, where one of them has.
#[must_use]
pub fn scenes(ops: [Op; 2]) -> Vec<Scene> {
    let [first, second] = ops.map(Op::scenes);
    let both: Vec<_> = first.iter().filter(|scene| second.contains(scene)).copied().collect();
    if !both.is_empty() {
        return both;
    }
    let longest = first.len().max(second.len());
    let taken = (0..longest).flat_map(|at| first.get(at).into_iter().chain(second.get(at)));
    taken.copied().collect()
}

/// Races all pairs of operations, and all pairs of host calls. `told` hears how many runs are done, of how
/// many.
///
/// # Errors
/// The trial could not be made; whatever it has shown is in the outcome.
pub async fn run(
    plan: Plan,
    place: &Place,
    program: &Path,
    told: impl Fn(usize, usize),
) -> Result<Outcome, String> {
    let mut all = meetings(&Op::OPERATIONS, plan.runs, false);
    all.extend(meetings(&Op::IMPORTS, plan.runs, true));
    let mut dice = Dice::new(plan.seed);
    // Neighbours are of different pairs, so that what one of them does to the machine is spread.
    for end in (1..all.len()).rev() {
        all.swap(end, dice.below(end + 1));
    }
    let plugin = plugin();
    let mut trial = Trial { models: Models::new(&plugin).await, plugin, dice, outcome: Outcome::default() };
    let begun = Instant::now();
    let many = all.len();
    // The store's time never goes back, so each database is used once.
    let chunk = if place.is_given() { many } else { CHUNK };
    for (number, chunk) in all.chunks(chunk).enumerate() {
        let own;
        let place = if number == 0 {
            place
        } else {
            own = place.another().await?;
            &own
        };
        trial.race(chunk, number * CHUNK, place, program).await?;
        told(trial.outcome.runs, many);
    }
    trial.outcome.seconds = begun.elapsed().as_secs_f64();
    Ok(trial.outcome)
}

struct Trial {
    plugin: guestlist_harness::Plugin,
    models: Models,
    dice: Dice,
    outcome: Outcome,
}

impl Trial {
    /// So many meetings on one database.
    async fn race(
        &mut self,
        meetings: &[Meeting],
        first: usize,
        place: &Place,
        program: &Path,
    ) -> Result<(), String> {
        let mut realms = Vec::new();
        let mut staged = Vec::new();
        for (index, meeting) in meetings.iter().enumerate() {
            let (realm, letters, cast) = self.models.template(meeting.scene).copy((first + index) as u64);
            realms.push(realm);
            staged.push(Staged { meeting: *meeting, cast, letters, replies: [None, None] });
        }
        let standing = Clock::Moved(Arc::new(|| START));
        let database = place.with(&merged(realms), standing).await?;
        self.act(&mut staged, place, program)?;
        let realm = database.dump().await.map_err(|error| error.to_string())?;
        self.explain(&staged, &realm).await;

        let ahead = Arc::new(AtomicU64::new(0));
        let (clock, moved) = (ahead.clone(), ahead.clone());
        let later = place.open(Clock::Moved(Arc::new(move || START + clock.load(Ordering::SeqCst)))).await?;
        let stage = Stage::on(&self.plugin, &later, move || START + moved.load(Ordering::SeqCst));
        let mut letters = match to_rest(&stage, &later, &ahead).await {
            Ok(letters) => letters,
            Err(why) => {
                self.outcome.violations.push(why);
                return Ok(());
            }
        };
        let mut told = Vec::new();
        for staged in &staged {
            letters.extend(staged.letters.iter().cloned());
            letters.extend(staged.replies.iter().flatten().flat_map(|reply| reply.letters.clone()));
            // What host calls do without the plugin is nothing that people were promised.
            if !staged.meeting.strictly {
                told.extend(staged.acknowledged());
            }
        }
        let realm = later.dump().await.map_err(|error| error.to_string())?;
        let strict: Vec<_> = staged
            .iter()
            .filter(|staged| staged.meeting.strictly)
            .map(|staged| &staged.cast.organization)
            .collect();
        for slice in slices(realm, &letters, &told) {
            if strict.contains(&&slice.organization) {
                continue;
            }
            let broken = slice.broken(true);
            if let Some(staged) = staged.iter().find(|staged| staged.cast.organization == slice.organization)
                && !broken.is_empty()
            {
                self.outcome.violations.push(format!("{}: {}", staged.meeting, broken.join("; ")));
            }
        }
        Ok(())
    }

    /// Lets two processes do it.
    fn act(&mut self, staged: &mut [Staged], place: &Place, program: &Path) -> Result<(), String> {
        let (heard, said) = mpsc::channel();
        let orders = Orders::serve(place.url(), Some(START));
        let mut workers = [0, 1].map(|number| Worker::start(program, &orders, number, heard.clone()));
        for _ in &workers {
            match said.recv_timeout(PATIENCE) {
                Ok((_, Some(Said::Ready))) => {}
                other => return Err(format!("a worker did not start: {other:?}")),
            }
        }
        let mut under_way = 0;
        for index in 0..staged.len() {
            if under_way == WINDOW {
                under_way -= hear(&said, staged)?;
            }
            let at = micros() + NOTICE;
            // Now and then the second begins first.
            let late =
                [self.dice.below(2) * self.dice.below(JITTER), self.dice.below(2) * self.dice.below(JITTER)];
            let Staged { meeting, cast, .. } = &staged[index];
            for (side, worker) in workers.iter_mut().enumerate() {
                let mut command = meeting.ops[side].command(cast, REQUESTS[side]);
                command.number = index as u64;
                command.at = at + late[side] as u64;
                worker.tell(&command);
            }
            under_way += 1;
        }
        while under_way > 0 {
            under_way -= hear(&said, staged)?;
        }
        Ok(())
    }

    async fn explain(&mut self, staged: &[Staged], realm: &Realm) {
        let casts: Vec<_> = staged.iter().map(|staged| &staged.cast).collect();
        let events = by_run(&realm.audit, &casts);
        for (staged, events) in staged.iter().zip(events) {
            let run = staged.run(part_of(realm, &events, &staged.cast));
            let model = self.models.of(staged.meeting.scene, staged.meeting.ops).await;
            let overlapped = staged.overlapped();
            let explained = model.explain(&run, overlapped, staged.meeting.strictly).await;
            let name = staged.meeting.name();
            let pair = self.outcome.pairs.entry(name).or_default();
            self.outcome.runs += 1;
            pair.runs += 1;
            pair.overlapped += usize::from(overlapped);
            match explained {
                Explained::First([true, true]) => pair.either += 1,
                Explained::First([true, false]) => pair.in_order += 1,
                Explained::First(_) => pair.reversed += 1,
                Explained::NotNow(_) => pair.not_now += 1,
                Explained::Within { place, why: Some(why), differs } => {
                    let within = pair.within.entry(place).or_default();
                    *within = Within { runs: within.runs + 1, why, differs };
                }
                Explained::Within { place, why: None, mut differs } => {
                    differs.push(format!("as if {place}, and nothing says that it may be"));
                    self.outcome.violations.push(staged.told(&run, &differs));
                }
                Explained::Not(differs) => {
                    self.outcome.violations.push(staged.told(&run, &differs));
                }
            }
        }
    }
}

/// Hears one reply; answers how many runs have ended by it.
fn hear(said: &Receiver<(usize, Option<Said>)>, staged: &mut [Staged]) -> Result<usize, String> {
    match said.recv_timeout(PATIENCE) {
        Ok((side, Some(Said::Answered(reply)))) => {
            let staged = &mut staged[reply.number as usize];
            staged.replies[side] = Some(*reply);
            Ok(usize::from(staged.replies.iter().all(Option::is_some)))
        }
        other => Err(format!("a worker did not answer: {other:?}")),
    }
}

impl fmt::Display for Meeting {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} ({:?})", self.name(), self.scene)
    }
}

impl Meeting {
    fn name(&self) -> String {
        let [first, second] = self.ops;
        let level = if self.strictly { "host " } else { "" };
        format!("{level}{first:?} | {second:?}")
    }
}

impl Staged {
    fn run(&self, realm: Realm) -> Run {
        let part = |reply: &Option<Answered>| {
            reply.as_ref().map(|reply| (reply.answer.clone(), reply.letters.clone()))
        };
        let parts = [part(&self.replies[0]), part(&self.replies[1])];
        Run { cast: self.cast.clone(), letters: self.letters.clone(), parts, realm }
    }

    fn overlapped(&self) -> bool {
        let [Some(one), Some(other)] = &self.replies else { return false };
        one.began < other.ended && other.began < one.ended
    }

    /// What the two were promised.
    fn acknowledged(&self) -> Vec<Word> {
        let older: Vec<_> = self
            .letters
            .iter()
            .filter_map(|letter| code::stored_digest(letter.message.code.as_ref()?))
            .collect();
        let parts = self.meeting.ops.iter().zip(&self.replies);
        let told = parts.flat_map(|(op, reply)| {
            let command = op.command(&self.cast, "");
            reply
                .iter()
                .flat_map(|reply| promised(&command.act, &reply.answer, &self.cast, &older))
                .collect::<Vec<_>>()
        });
        told.collect()
    }

    /// For people.
    fn told(&self, run: &Run, differs: &[String]) -> String {
        let mut text = format!("{} in {}: no order explains it", self.meeting, self.cast.organization);
        for (op, reply) in self.meeting.ops.iter().zip(&self.replies) {
            if let Some(Answered { began, ended, answer, .. }) = reply {
                text += &format!("\n    {op:?} from {began} to {ended} us: {answer:?}");
            }
        }
        for event in &run.realm.audit {
            text += &format!(
                "\n    {} {} {} {}",
                event.request_id,
                event.text(),
                event.invitation.as_deref().unwrap_or("-"),
                event.detail().unwrap_or_default()
            );
        }
        differs.iter().for_each(|differs| text += &format!("\n    {differs}"));
        text
    }
}

fn promised(act: &Act, answer: &Answer, cast: &Cast, older: &[String]) -> Vec<Word> {
    match (act, answer) {
        (Act::Call(request), Answer::Call(reply)) => {
            let key = InvitationKey { organization: cast.organization.clone(), id: cast.invitation.clone() };
            Word::of(&cast.organization, request, reply, &[(key, older.to_vec())])
        }
        (Act::RemoveMember(account), Answer::Changed(Ok(()))) => {
            vec![Word::Removed(cast.organization.clone(), account.clone())]
        }
        _ => Vec::new(),
    }
}
