//! Makes histories from a seed: the same number, the same history, on every machine.
//!
//! What the contract leaves open is not generated: a second invitation with a used id, an illegal pair whose
//! guard does not hold, an operation that is repeated after it may have been forgotten.

use super::act::{Act, Ask, Changed, Clock, Insert, Made, NewCode, Person, Row, Who};
use crate::{
    ClockKind, Event, Profile,
    make::{LONG, deputy, group},
};
use guestlist_contract::{
    audit::Word,
    lifecycle,
    storage::DeliveryOutcome,
    types::{AcceptWith, MessageKind, Permissions, Principal, SortKey, State},
};
use guestlist_memory::default_settings;
use guestlist_testkit::Dice;

const DAY: u64 = 24 * 3_600_000;

/// A history in the making.
struct Writer {
    dice: Dice,
    real: bool,
    external: bool,
    rows: usize,
    /// Rows that are probably there and open, and whom they were made for: most of what is done is done to
    /// them.
    open: Vec<(Row, Person)>,
    /// Acts that go on with what was done last: claimed, then applied; applied, removed, applied again.
    next: Vec<Act>,
    codes: usize,
    /// Operations are not used again after a day: each has the day in its name.
    days: usize,
    passed: u64,
}

/// The history of this seed.
pub(super) fn history(seed: u64, acts: u32, clock: ClockKind, profile: Profile) -> Vec<Act> {
    let (real, external) = (clock == ClockKind::Real, profile == Profile::External);
    let mut writer = Writer {
        dice: Dice::new(seed),
        real,
        external,
        rows: 0,
        open: Vec::new(),
        next: Vec::new(),
        codes: 0,
        days: 0,
        passed: 0,
    };
    // The first row is where both stores' clocks are read.
    let mut history = vec![Act::Ask(Who::Ann, writer.first())];
    history.extend((0..acts).map(|_| writer.act()));
    history
}

impl Writer {
    fn first(&mut self) -> Ask {
        let row = self.new_row(false);
        let made = Made {
            row,
            person: Person::Gus,
            lifetime: None,
            awaits: false,
            accept_with: AcceptWith::Invitee,
        };
        Ask::Insert(Insert {
            operation: "first".into(),
            other_request: false,
            drafts: vec![made],
            refused: 0,
            limit: None,
            told: false,
            external: false,
            hold: LONG,
        })
    }

    fn act(&mut self) -> Act {
        if !self.dice.once_in(4)
            && let Some(next) = self.next.pop()
        {
            return next;
        }
        match self.dice.below(100) {
            0..=21 => self.insert(),
            22..=46 => self.change(),
            47..=58 => self.apply(),
            59..=61 => Act::Ask(Who::Sweep, Ask::Close(self.row())),
            62..=64 => self.dismiss(),
            65..=70 => Act::Happens(self.event()),
            71..=76 => self.pass(),
            77..=81 => Act::Ask(Who::Sweep, Ask::Due { hold: self.hold() }),
            82..=86 => self.settle(),
            87..=91 => self.look(),
            _ => self.read(),
        }
    }

    fn new_row(&mut self, in_globex: bool) -> Row {
        self.rows += 1;
        Row { in_globex, number: self.rows }
    }

    /// Mostly one that is open, with its invitee; else one of those that were made lately, and anybody.
    fn row_and_person(&mut self) -> (Row, Person) {
        let chosen = self.dice.below(self.open.len());
        match self.open.get(chosen).copied() {
            Some(open) if !self.dice.once_in(4) => open,
            _ => {
                let back = self.dice.below(6).min(self.rows.saturating_sub(1));
                let in_globex = self.dice.once_in(6);
                (Row { in_globex, number: self.rows - back }, self.person())
            }
        }
    }

    fn row(&mut self) -> Row {
        self.row_and_person().0
    }

    fn person(&mut self) -> Person {
        let [first, others @ ..] = Person::ALL;
        self.dice.of(first, others)
    }

    fn hold(&mut self) -> u64 {
        self.dice.of(0, [0, LONG])
    }

    fn new_code(&mut self) -> String {
        self.codes += 1;
        format!("code-{}", self.codes)
    }

    fn insert(&mut self) -> Act {
        let in_globex = self.dice.once_in(6);
        let who = if in_globex { Who::Gina } else { self.dice.of(Who::Ann, [Who::Ann, Who::Machine]) };
        // With a clock of its own each row of a batch may have its own time.
        let count = if self.real { 1 } else { 1 + self.dice.below(3) };
        let drafts: Vec<_> = (0..count).map(|_| self.made(in_globex)).collect();
        if self.next.is_empty()
            && self.dice.once_in(4)
            && let Some(first) = drafts.first()
        {
            let (row, kind, outcome) = (first.row, MessageKind::Invitation, DeliveryOutcome::Sending);
            let sweeper = if in_globex { Who::Gina } else { Who::Sweep };
            let sending = Act::Ask(sweeper, Ask::Settle { row, version: 1, kind, outcome });
            self.next = vec![Act::Ask(Who::Sweep, Ask::Due { hold: 0 }), sending];
        }
        let operation = format!("operation-{}-{}", self.days, self.dice.below(8));
        Act::Ask(
            who,
            Ask::Insert(Insert {
                operation,
                other_request: self.dice.once_in(12),
                drafts,
                refused: self.dice.of(0, [0, 1]),
                limit: self.dice.of(None, [None, Some(2), Some(3)]),
                told: self.dice.once_in(2),
                external: self.dice.once_in(5),
                hold: self.hold(),
            }),
        )
    }

    fn made(&mut self, in_globex: bool) -> Made {
        let (row, person) = (self.new_row(in_globex), self.person());
        if !self.open.iter().any(|(open, who)| open.in_globex == in_globex && *who == person) {
            self.open.push((row, person));
        }
        Made {
            row,
            person,
            lifetime: self.dice.of(Some(LONG), [Some(2 * LONG), None]),
            awaits: self.dice.once_in(4),
            accept_with: self.dice.of(AcceptWith::Invitee, [AcceptWith::Code, AcceptWith::InviteeAndCode]),
        }
    }

    fn change(&mut self) -> Act {
        use State::{Accepted, Accepting, AwaitingApproval, Declined, Expired, Failed, Pending, Revoked};
        let (row, invitee) = self.row_and_person();
        let to = self.dice.of(
            Accepting,
            [Accepting, Accepting, Pending, Accepted, Declined, Revoked, Expired, Failed, Pending],
        );
        // Only drawn pairs: whether a guard or the pair is judged first is the host's choice.
        let (from, clock) = match to {
            Pending => (vec![AwaitingApproval, Pending], Clock::Before),
            Accepting if self.dice.once_in(3) => {
                (vec![Accepting], self.dice.of(Clock::LeaseOver, [Clock::None]))
            }
            Accepting | Declined => (vec![Pending], Clock::Before),
            Revoked => (vec![AwaitingApproval, Pending], Clock::Before),
            Expired => (vec![AwaitingApproval, Pending], Clock::After),
            Accepted | Failed | AwaitingApproval => (vec![Accepting], Clock::None),
        };
        let mut changed = Changed {
            to,
            from,
            stale: self.dice.once_in(8),
            clock,
            lease: (to == Accepting).then_some(if self.real { 1 } else { 30_000 }),
            code: None,
            restart: None,
            reason: self.dice.of(None, [None, Some("a reason".into())]),
            messages: vec![],
            resend: false,
            adopts: false,
            word: self.dice.of(None, [Some(Word::Policy)]),
            hold: self.hold(),
        };
        match to {
            Pending => {
                changed.code = Some(NewCode { name: self.new_code(), replaces: self.dice.once_in(2) });
                changed.restart = self.dice.of(None, [Some(Some(LONG)), Some(None)]);
                changed.resend = self.dice.once_in(2);
                changed.adopts = self.dice.once_in(4);
                changed.messages = self.dice.of(vec![MessageKind::Invitation], [vec![]]);
                if self.next.is_empty() && self.dice.once_in(3) {
                    // What becomes of its mail, and of the code that the row had at first.
                    let sweeper = if row.in_globex { Who::Gina } else { Who::Sweep };
                    let outcome = self.dice.of(DeliveryOutcome::Taken, [DeliveryOutcome::Delivered]);
                    let kind = MessageKind::Invitation;
                    let settle = Act::Ask(sweeper, Ask::Settle { row, version: 1_000, kind, outcome });
                    let code = Ask::ByCode { code: row.name(), of: row };
                    self.next = vec![Act::Ask(Who::Invitee(invitee), code), settle];
                }
            }
            Accepted => changed.messages = self.dice.of(vec![], [vec![MessageKind::Accepted]]),
            Declined => changed.messages = self.dice.of(vec![], [vec![MessageKind::Declined]]),
            Expired => changed.messages = self.dice.of(vec![], [vec![MessageKind::Expired]]),
            _ => {}
        }
        let owner = if row.in_globex { Who::Gina } else { Who::Ann };
        if lifecycle::is_terminal(to) && self.dice.once_in(3) {
            self.open.retain(|(open, _)| *open != row);
        }
        if lifecycle::is_terminal(to) && self.next.is_empty() && self.dice.once_in(3) {
            self.next = vec![self.list(), Act::Ask(owner, Ask::Dismiss(row))];
        }
        if to == Accepting && self.next.is_empty() && self.dice.once_in(2) {
            self.next = vec![self.apply_to(row, invitee)];
            // Where members are elsewhere, what was seen when is the host's own.
            if !self.external && self.dice.once_in(2) {
                let (organization, account) = (row.organization().to_owned(), invitee.account());
                let removed = Act::Happens(Event::RemoveMember { organization, account });
                self.next = vec![self.apply_to(row, invitee), removed, self.apply_to(row, invitee)];
            }
        }
        // Whether a guard or an invitee who adopts is judged first is the host's choice.
        let who = match changed.adopts {
            true if row.in_globex => owner,
            true => self.dice.of(owner, [Who::Machine]),
            false => self.dice.of(owner, [owner, owner, Who::Invitee(invitee), Who::Sweep]),
        };
        Act::Ask(who, Ask::Change(row, changed))
    }

    fn dismiss(&mut self) -> Act {
        let row = self.row();
        let owner = if row.in_globex { Who::Gina } else { Who::Ann };
        Act::Ask(self.dice.of(owner, [owner, Who::Machine]), Ask::Dismiss(row))
    }

    fn apply(&mut self) -> Act {
        let (row, person) = self.row_and_person();
        self.apply_to(row, person)
    }

    fn apply_to(&mut self, row: Row, person: Person) -> Act {
        let all = vec!["member", "g-help", "r-admin"];
        // Whether a group that is not there is missed before a membership is where members are.
        let two =
            if self.external && row.in_globex { ["member", "g-ops"] } else { ["g-ops", "member"] }.to_vec();
        let steps = self.dice.of(all.clone(), [all, vec!["member"], two, vec!["g-help"]]);
        let who = self.dice.of(Who::Invitee(person), [Who::Invitee(person), Who::Sweep]);
        Act::Ask(who, Ask::Apply { row, person, steps })
    }

    fn event(&mut self) -> Event {
        let (organization, account) = ("acme".to_owned(), self.person().account());
        let grant = group("g-help");
        // Where members are elsewhere, what was seen when is the host's own.
        let kind = if self.external { 5 + self.dice.below(4) } else { self.dice.below(9) };
        match kind {
            0 | 1 => Event::RemoveMember { organization, account },
            2 => Event::AddMember { organization, account },
            3 => Event::Give { organization, account, grant },
            4 => match self.dice.below(3) {
                0 => Event::DeleteGroup { organization, id: "g-ops".into() },
                _ => Event::Take { organization, account, grant },
            },
            5 => {
                let active = self.dice.once_in(2);
                Event::SetUserActive { organization: "root".into(), id: "u-alice".into(), active }
            }
            6 => {
                let permissions =
                    self.dice.of(Permissions::VIEW, [Permissions::INVITE, Permissions::empty()]);
                Event::SetPermissions { organization, who: Principal::User(deputy()), permissions }
            }
            7 => {
                let email = self.dice.of(None, [Some("alice@new.example"), Some("alice@example.com")]);
                let (organization, id) = ("root".into(), "u-alice".into());
                Event::SetEmail { organization, id, email: email.map(str::to_owned) }
            }
            _ => {
                let mut settings = default_settings();
                settings.accept_with = self.dice.of(AcceptWith::Code, [AcceptWith::Invitee]);
                settings.reminder_before = self.dice.of(None, [Some(LONG / 2), Some(3 * LONG)]);
                Event::SetSettings { organization, settings }
            }
        }
    }

    fn pass(&mut self) -> Act {
        if self.real {
            return Act::Passes(2);
        }
        let passes = match self.dice.once_in(10) {
            true => DAY + 1,
            false => self.dice.of(1, [30_000, LONG / 2, LONG - 1, LONG]),
        };
        self.passed += passes;
        if self.passed > DAY / 2 {
            self.passed = 0;
            self.days += 1;
            self.open.clear();
        }
        Act::Passes(passes)
    }

    fn settle(&mut self) -> Act {
        let wait = if self.real { LONG } else { 30_000 };
        let (row, version) = (self.row(), self.dice.of(1, [1, 2, 3, 1_000]));
        let mail = MessageKind::Invitation;
        let kind = self.dice.of(
            mail.clone(),
            [mail, MessageKind::Reminder, MessageKind::ApprovalRequested, MessageKind::Accepted],
        );
        let undeliverable = DeliveryOutcome::Undeliverable("gone".into());
        let outcome = self.dice.of(
            DeliveryOutcome::Delivered,
            [
                DeliveryOutcome::Taken,
                DeliveryOutcome::Sending,
                DeliveryOutcome::Retry(wait),
                DeliveryOutcome::Postponed(wait),
                undeliverable,
            ],
        );
        let who = self.dice.of(Who::Sweep, [Who::Sweep, Who::Gina]);
        Act::Ask(who, Ask::Settle { row, version, kind, outcome })
    }

    fn states(&mut self) -> Vec<State> {
        self.dice
            .of(vec![], [vec![State::Pending], vec![State::Expired, State::Revoked], vec![State::Accepting]])
    }

    fn look(&mut self) -> Act {
        if self.dice.once_in(3) {
            return Act::Ask(Who::Ann, Ask::Get(self.row()));
        }
        if self.dice.once_in(3) {
            return Act::Ask(Who::Invitee(self.person()), Ask::Mine { states: self.states(), limit: 2 });
        }
        self.list()
    }

    fn list(&mut self) -> Act {
        let prefix = self.dice.of(None, [None, Some("a00".into()), Some("a01".into())]);
        let invitee = self.dice.of(None, [None, Some(Person::Alice)]);
        let sort = self.dice.of(SortKey::Name, [SortKey::CreatedAt, SortKey::ExpiresAt]);
        let (descending, limit) = (self.dice.once_in(2), self.dice.of(3, [1, 200]));
        let (states, dismissed) = (self.states(), self.dice.of(None, [None, Some(true), Some(false)]));
        let who = self.dice.of(Who::Ann, [Who::Gina]);
        Act::Ask(who, Ask::List { states, prefix, invitee, dismissed, sort, descending, limit })
    }

    fn read(&mut self) -> Act {
        let (of, person) = self.row_and_person();
        let anybody = Who::Invitee(person);
        match self.dice.below(14) {
            0 => Act::Ask(
                Who::Ann,
                Ask::Recall { operation: format!("operation-{}-{}", self.days, self.dice.below(8)) },
            ),
            1 | 2 => Act::Ask(self.dice.of(Who::Ann, [anybody, Who::Bearer, Who::Gina]), Ask::Get(of)),
            3..=5 => {
                let latest = format!("code-{}", self.codes);
                let code = self.dice.of(of.name(), [latest]);
                Act::Ask(self.dice.of(anybody, [Who::Bearer]), Ask::ByCode { code, of })
            }
            6 => Act::Ask(Who::Ann, Ask::Resolve),
            7 | 8 => Act::Ask(Who::Ann, Ask::Eligible),
            9 => Act::Ask(Who::Ann, Ask::Users),
            10 => Act::Ask(Who::Ann, Ask::Standing),
            11 => Act::Ask(self.dice.of(Who::Ann, [anybody]), Ask::Settings),
            12 => Act::Ask(Who::Sweep, Ask::Purge { retention: DAY }),
            _ => Act::Ask(self.dice.of(Who::Ann, [Who::Bearer]), Ask::Refuse(self.dice.of(None, [Some(of)]))),
        }
    }
}
