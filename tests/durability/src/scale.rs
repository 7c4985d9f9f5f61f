//! What a call takes where there are a million invitations, and where there are a thousand.
//!
//! The two sides take turns, so that a machine whose speed drifts slows both. Of each side the median counts,
//! with the interval that holds it in 95 of 100 cases; it needs no assumption about how times are spread.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use guestlist_harness::contract::{exports::invitee::Handle, types::Principal};
use guestlist_storage::{Clock, Observer};
use serde::Serialize;

use crate::{
    act::{Act, Answer, Command, Letter, request},
    command::Finding,
    field::{Field, HUNDRED, key_of},
    host::{Post, Stage, micros, plugin},
    place::Place,
    world,
};

/// What a call may take on the larger side, compared with the smaller.
pub const GOAL: f64 = 1.3;
/// How much later all invitations have run out, in milliseconds.
const LATER: u64 = 80 * 60 * 60 * 1000;
/// Organizations whose sweep finds what has run out.
const OVERDUE: usize = 9;

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// On the larger side; each has a hundred invitations.
    pub organizations: usize,
    pub repeats: usize,
}

/// A median and the interval around it, in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Median {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

/// What one operation takes on both sides.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Measured {
    pub operation: &'static str,
    pub small: Median,
    pub large: Median,
    pub ratio: f64,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    pub invitations: [usize; 2],
    /// What it took to fill each side, in seconds.
    pub filled: [f64; 2],
    pub measured: Vec<Measured>,
    violations: Vec<String>,
}

impl Finding for Outcome {
    fn violations(&self) -> &[String] {
        &self.violations
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [small, large] = self.invitations;
        let [first, second] = self.filled;
        writeln!(to, "filled in {first:.1} s and {second:.1} s")?;
        let heads = (format!("{small} invitations"), format!("{large} invitations"));
        writeln!(to, "{:<26}{:>32}{:>32}{:>8}", "us, median and 95 % interval", heads.0, heads.1, "ratio")?;
        for Measured { operation, small, large, ratio } in &self.measured {
            writeln!(to, "{operation:<28}{small:>32}{large:>32}{ratio:>8.2}")?;
        }
        write!(to, "goal: a ratio of at most {GOAL}")?;
        self.violations.iter().try_for_each(|why| write!(to, "\n- {why}"))
    }
}

impl fmt::Display for Median {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.pad(&format!("{:.0} [{:.0}, {:.0}]", self.median, self.low, self.high))
    }
}

/// The median of some times. Its interval is that of the binomial distribution of how many are below it.
#[must_use]
pub fn median(times: &[Duration]) -> Median {
    let mut times: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e6).collect();
    times.sort_by(f64::total_cmp);
    let count = times.len() as f64;
    let half = 1.96 * count.sqrt() / 2.0;
    let at = |place: f64| times[(place.max(0.0) as usize).min(times.len() - 1)];
    Median { median: at(count / 2.0), low: at(count / 2.0 - half), high: at(count / 2.0 + half) }
}

/// One side, and what it takes there.
struct Side {
    field: Field,
    times: Vec<Vec<Duration>>,
}

/// What is measured, in the order in which one round does it.
const OPERATIONS: [&str; 7] = [
    "list, a page of 50",
    "get",
    "introspect, by code",
    "invite of one",
    "accept",
    "sweep, nothing due",
    "sweep, 50 due",
];

/// Fills two databases of the kind of `place` and measures on both. `told` hears of each step.
///
/// # Errors
/// A database does not answer.
///
/// # Panics
/// A call is refused.
pub async fn run(plan: Plan, place: Place, told: impl Fn(&str)) -> Result<Outcome, String> {
    let plugin = plugin();
    let mut filled = [0.0, 0.0];
    let mut sides = Vec::new();
    let small = (plan.organizations / 1000).max(OVERDUE + 1);
    let other = place.another().await?;
    for (index, (place, organizations)) in
        [(place, small), (other, plan.organizations)].into_iter().enumerate()
    {
        told(&format!("filling {} invitations", organizations * HUNDRED));
        let begun = Instant::now();
        let field = Field::new(&plugin, place, organizations, HUNDRED, Observer::default()).await?;
        filled[index] = begun.elapsed().as_secs_f64();
        sides.push(Side { field, times: vec![Vec::new(); OPERATIONS.len()] });
    }
    for round in 0..plan.repeats {
        for side in &mut sides {
            side.round(round).await;
        }
        if round % 20 == 19 {
            told(&format!("{} of {} rounds", round + 1, plan.repeats));
        }
    }
    let mut later = Vec::new();
    for side in &sides {
        let database = side.field.place().open(Clock::Moved(Arc::new(|| micros() / 1000 + LATER))).await?;
        later.push(Stage::on(&plugin, &database, || micros() / 1000 + LATER));
    }
    for organization in 1..=OVERDUE {
        for (side, stage) in sides.iter_mut().zip(&later) {
            side.overdue(stage, organization).await;
        }
    }
    let [small_side, large_side] = sides.as_slice() else { return Err("there are two sides".into()) };
    let mut violations = Vec::new();
    let mut measured = Vec::new();
    for (index, operation) in OPERATIONS.into_iter().enumerate() {
        let [small, large] = [small_side, large_side].map(|side| median(&side.times[index]));
        let ratio = large.median / small.median;
        // Only what is surely over: the whole of the one interval against the whole of the other.
        if large.low > small.high * GOAL {
            violations.push(format!("{operation}: {ratio:.2} times as long is over the goal of {GOAL}"));
        }
        measured.push(Measured { operation, small, large, ratio });
    }
    let invitations = [small * HUNDRED, plan.organizations * HUNDRED];
    Ok(Outcome { invitations, filled, measured, violations })
}

fn succeeded(answer: &Answer) {
    let text = format!("{answer:?}");
    assert!(!text.contains("Err(") && !text.contains("Broken"), "{text}");
}

impl Side {
    async fn round(&mut self, round: usize) {
        let pending = self.field.pending();
        let letter: &Letter = &pending[round % pending.len()];
        let person = (0..HUNDRED)
            .find(|person| self.field.letters[*person].message.invitation == letter.message.invitation)
            .expect("its invitee");
        let code = Handle::Code(letter.message.code.clone().expect("a code"));
        let somebody = self.field.somebody();
        let invite = Act::Invite(request(vec![world::name(somebody)], vec![world::group("g-help")]));
        let begun = Instant::now();
        succeeded(&self.field.manage(Act::List).await);
        let begun = self.took(0, begun);
        succeeded(&self.field.manage(Act::Get(key_of(letter).id)).await);
        let begun = self.took(1, begun);
        succeeded(&self.field.answer(Act::Introspect(code), person).await);
        let begun = self.took(2, begun);
        succeeded(&self.field.manage(invite).await);
        self.took(3, begun);
        let mail = self.field.mail_to(somebody).expect("a mail");
        let accept = Act::Accept(Handle::Code(mail.message.code.expect("a code")));
        let begun = Instant::now();
        succeeded(&self.field.answer(accept, somebody).await);
        let begun = self.took(4, begun);
        succeeded(&self.field.upkeep(Act::Sweep).await);
        self.took(5, begun);
    }

    /// A sweep of an organization in which everything that was pending has run out.
    async fn overdue(&mut self, stage: &Stage, organization: usize) {
        let command = Command {
            number: 0,
            at: 0,
            organization: Some(world::child(organization)),
            caller: Principal::System,
            request: "an-overdue-sweep".into(),
            seed: None,
            act: Act::Sweep,
        };
        let begun = Instant::now();
        let answer = stage.act(&command, Arc::new(Post::default())).await;
        self.took(6, begun);
        assert!(matches!(&answer, Answer::Sweep(Ok(swept)) if swept.expired == 50), "{answer:?}");
    }

    fn took(&mut self, operation: usize, begun: Instant) -> Instant {
        self.times[operation].push(begun.elapsed());
        Instant::now()
    }
}
