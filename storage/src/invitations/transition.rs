//! Changing one row.
//!
//! The whole safety of accepting rests on this one statement: it names the version, the stored states, the
//! clock and the caller's right to the row, and whether it has changed a row decides. Nothing is looked up
//! before it. What follows it in the transaction (codes, outbox, audit) happens with it or not at all.

use guestlist_contract::{
    bounds,
    host::Call,
    lifecycle::{event, is_terminal, legal},
    storage::{Change, ClockGuard, CodeChange, Guard, LifetimeChange, StoreError, Transitioned},
    types::{HostError, InvitationKey, MessageKind, Principal, State},
};

use super::{
    access::Asker,
    outbox::{ANEW, INTO, Waiting, senseless},
    reading::{find, invalid, run_out},
    rows::{COLUMNS, Stored, read, states},
};
use crate::{
    audit::{self, Of},
    bulk_sql, codec,
    codec::Word as _,
    error::{DbError, OperationError},
    sql::{Connection, Operation, Scope, Value, values},
};

/// Most codes of one invitation that are live at the same time.
const LIVE_CODES: usize = 32;

/// `transition`.
pub(super) struct Transition {
    asker: Asker,
    key: InvitationKey,
    guard: Guard,
    change: Change,
    /// The digest of the new code, or what is wrong with the change. It is told only to who may see the row.
    code: Result<Option<[u8; 32]>, HostError>,
}

/// Values and their placeholders, as a statement is put together.
#[derive(Default)]
struct Bound(Vec<Value>);

impl Bound {
    fn add(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }
}

impl Transition {
    pub(super) fn new(
        call: &Call,
        key: InvitationKey,
        guard: Guard,
        change: Change,
    ) -> Result<Self, OperationError> {
        let asker = Asker::of(call, [&key])?;
        if asker.is_elsewhere(&key.organization) {
            return Err(StoreError::NotFound.into());
        }
        let code = bounds::change(&change);
        Ok(Self { asker, key, guard, change, code })
    }

    fn is_unnamed(&self) -> bool {
        matches!(self.asker.caller, Principal::Anonymous)
    }

    /// The stored states that the change may start from: those of the guard that lead to where it goes.
    fn from(&self) -> Vec<State> {
        let approves = |from: &State| *from == State::AwaitingApproval && self.change.to == State::Pending;
        let from = self.guard.states.iter().filter(|from| legal(**from, self.change.to));
        let needs_name = |from: &State| self.change.adopt || approves(from);
        let mut from: Vec<_> =
            from.filter(|from| !(needs_name(from) && self.is_unnamed())).copied().collect();
        from.sort_by_key(|state| state.word());
        from.dedup();
        from
    }

    fn statement(
        &self,
        from: &[State],
        now: i64,
        clock: impl Fn(&str) -> String,
    ) -> Result<(String, Vec<Value>), DbError> {
        let Change { to, lease, lifetime, reason, outcomes, count_resend, messages, .. } = &self.change;
        let mut bound = Bound::default();
        let key = [bound.add(&self.key.organization), bound.add(&self.key.id)];
        let version = bound.add(self.guard.version);
        let at = clock(&bound.add(now));
        let mailed = messages.contains(&MessageKind::Invitation);
        let reminded = messages.contains(&MessageKind::Reminder);
        let mut set = vec![
            format!("state = '{}'", to.word()),
            "version = version + 1".into(),
            format!("last_operation = {}", bound.add(&self.change.operation)),
            "hidden_until = 0".into(),
            match lease {
                Some(lease) => format!("lease_until = {at} + {}", bound.add(bearable(*lease, now))),
                None => "lease_until = null".into(),
            },
            if is_terminal(*to) { format!("ended_at = {at}") } else { "ended_at = null".into() },
        ];
        if lease.is_some() {
            set.push("claims = claims + 1".into());
        }
        if *count_resend {
            set.push("resends = resends + 1".into());
        }
        if let LifetimeChange::Restart(lifetime) = lifetime {
            set.push(format!("lifetime = {}", bound.add(*lifetime)));
            set.push(match lifetime {
                Some(lifetime) => format!("expires_at = {at} + {}", bound.add(bearable(*lifetime, now))),
                None => "expires_at = null".into(),
            });
        }
        if reminded || matches!(lifetime, LifetimeChange::Restart(_)) {
            set.push(format!("reminded = {}", u8::from(reminded)));
        }
        if let Some(reason) = reason {
            set.push(format!("reason = {}", bound.add(reason)));
        }
        if let Some(outcomes) = outcomes {
            set.push(format!("outcomes = {}", bound.add(codec::json(outcomes)?)));
        }
        if self.change.adopt {
            set.push(format!("inviter = {}, approver = null", bound.add(&self.asker.actor.who)));
        } else if *to == State::Pending {
            let approver = bound.add(&self.asker.actor.who);
            set.push(format!(
                "approver = case when state = 'awaiting-approval' then {approver} else approver end"
            ));
        }
        if mailed {
            set.push("mail = 'queued'".into());
        } else if *to != State::Pending {
            set.push("mail = case when mail = 'queued' then 'none' else mail end".into());
        }
        let mut when = vec![
            format!("organization = {} and id = {} and version = {version}", key[0], key[1]),
            format!("state in {}", states(from.iter().copied())),
        ];
        when.extend(match self.guard.clock {
            ClockGuard::None => None,
            ClockGuard::BeforeExpiry => Some(format!("(expires_at is null or expires_at > {at})")),
            ClockGuard::AfterExpiry => Some(format!("expires_at <= {at}")),
            ClockGuard::LeaseOver => Some(format!("lease_until <= {at}")),
        });
        // INVARIANT: once seen expired, always expired. From the instant of its expiry the row goes
        // nowhere else, even where the guard forgot to ask the clock; and not there before.
        let run_out = run_out(&at);
        when.push(if *to == State::Expired { run_out } else { format!("not ({run_out})") });
        // Nobody becomes the inviter of their own invitation.
        if let Some(user) = self.asker.user().filter(|_| self.change.adopt) {
            let (organization, id) = (bound.add(&user.organization), bound.add(&user.id));
            when.push(format!("not (subject_organization = {organization} and subject_id = {id})"));
        }
        if self.asker.is_invitee() && !self.asker.is_admitted(&self.key) {
            let user = self.asker.user();
            let organization = bound.add(user.map(|user| &user.organization));
            let id = bound.add(user.map(|user| &user.id));
            when.push(format!("subject_organization = {organization} and subject_id = {id}"));
            when.push(
                "exists (select 1 from code c where c.organization = invitation.organization \
                 and c.invitation = invitation.id)"
                    .into(),
            );
        }
        let sql = format!(
            "update invitation set {} where {} returning {COLUMNS}",
            set.join(", "),
            when.join(" and ")
        );
        Ok((sql, bound.0))
    }

    /// Answers what is told where no row was changed.
    async fn unchanged<C: Connection>(&self, db: &mut C) -> Result<Transitioned, OperationError> {
        let found = find(db, &self.key).await?.filter(|(row, told)| self.asker.sees(row, *told));
        let (row, _) = found.ok_or(StoreError::NotFound)?;
        self.code.clone()?;
        let now = db.now();
        let denied = |text: &str| Err(HostError::Denied(text.into()).into());
        let stored = row.invitation.state;
        if self.holds(&row, now) {
            if !legal(stored, self.change.to) {
                return denied("this change of state is illegal");
            }
            if !row.has_run_out(now) {
                if self.change.to == State::Expired {
                    return denied("its time has not run out");
                }
                let approves = stored == State::AwaitingApproval && self.change.to == State::Pending;
                if (approves || self.change.adopt) && self.is_unnamed() {
                    return denied("nobody is signed in");
                }
                if self.change.adopt && self.asker.user().is_some_and(|user| row.is_for(user)) {
                    return denied("an invitee cannot become the inviter");
                }
            }
        }
        Ok(Transitioned { applied: false, row: row.at(now) })
    }

    fn holds(&self, row: &Stored, now: i64) -> bool {
        let row = &row.invitation;
        let now = u64::try_from(now).unwrap_or_default();
        let clock = match self.guard.clock {
            ClockGuard::None => true,
            ClockGuard::BeforeExpiry => row.expires_at.is_none_or(|end| now < end),
            ClockGuard::AfterExpiry => row.expires_at.is_some_and(|end| end <= now),
            ClockGuard::LeaseOver => row.lease_until.is_some_and(|end| end <= now),
        };
        clock && self.guard.version == row.version && self.guard.states.contains(&row.state)
    }

    /// The new code, and the end of older ones.
    async fn change_code<C: Connection>(&self, db: &mut C, row: &Stored) -> Result<(), OperationError> {
        let InvitationKey { organization, id } = &self.key;
        let Some(code) = self.code.clone()? else {
            let any = "select 1 from code where organization = $1 and invitation = $2 limit 1";
            if self.change.to == State::Pending && db.row(any, values![organization, id]).await?.is_none() {
                return Err(invalid("a pending invitation needs a code"));
            }
            return Ok(());
        };
        let kept = if matches!(self.change.code, CodeChange::Replace(_)) { 0 } else { LIVE_CODES - 1 };
        let mut dead = format!(
            "delete from code where organization = $1 and invitation = $2 and (digest = $3 or digest not in \
             (select digest from code where organization = $1 and invitation = $2 and digest <> $3 \
             order by version desc limit {kept}))"
        );
        if kept == 0 {
            dead = "delete from code where organization = $1 and invitation = $2".into();
            db.change(&dead, values![organization, id]).await?;
        } else {
            db.change(&dead, values![organization, id, code]).await?;
        }
        let insert = "insert into code (digest, organization, invitation, version) values ($1, $2, $3, $4) \
                      on conflict (digest) do nothing";
        let new = db.change(insert, values![code, organization, id, row.invitation.version]).await?;
        // Should two invitations ever get one code, the later must not steal the earlier's.
        if new == 0 { Err(invalid("the code belongs to another invitation")) } else { Ok(()) }
    }

    async fn change_outbox<C: Connection>(&self, db: &mut C, row: &Stored) -> Result<(), DbError> {
        let InvitationKey { organization, id } = &self.key;
        if let Some(kinds) = senseless(self.change.to) {
            let sql =
                format!("delete from outbox where organization = $1 and invitation = $2 and kind in {kinds}");
            db.change(&sql, values![organization, id]).await?;
        }
        let due_at = later(db.now(), self.change.hold);
        let mut kinds: Vec<&MessageKind> = Vec::new();
        for kind in &self.change.messages {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let version = row.invitation.version;
        let waiting = |kind| Waiting { invitation: id, kind, version, due_at }.values(organization);
        bulk_sql::insert(db, INTO, kinds.into_iter().map(waiting).collect(), ANEW).await?;
        Ok(())
    }
}

impl Operation for Transition {
    type Output = Transitioned;
    const NAME: &'static str = "storage.transition";

    fn scope(&self) -> Scope {
        Asker::within(&self.key.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Transitioned, OperationError> {
        if self.code.is_err() {
            return self.unchanged(db).await;
        }
        let now = db.now();
        let mut changed = None;
        for from in self.starts() {
            let (sql, values) = self.statement(&from, now, |now| db.clock(now))?;
            if let Some(row) = db.row(&sql, &values).await? {
                changed = Some((from, read(&row, 0)?));
                break;
            }
        }
        let Some((from, row)) = changed else { return self.unchanged(db).await };
        self.change_code(db, &row).await?;
        self.change_outbox(db, &row).await?;
        let kind = event(self.came_from(&from, &row), self.change.to, self.change.adopt);
        let of = Of { word: self.change.word, ..Of::row(&row.invitation) };
        let told = self.asker.actor.event(Some(&self.key.organization), kind, &of);
        audit::note(db, &[told]).await?;
        Ok(Transitioned { applied: true, row: row.at(now) })
    }
}

impl Transition {
    /// The states to start from, a statement for each group of them: after it the row tells from which of a
    /// group it came.
    fn starts(&self) -> Vec<Vec<State>> {
        let from = self.from();
        match self.change.to {
            State::Pending => from.into_iter().map(|state| vec![state]).collect(),
            _ if from.is_empty() => Vec::new(),
            _ => vec![from],
        }
    }

    /// The state before, as far as the name of the event depends on it.
    fn came_from(&self, group: &[State], after: &Stored) -> State {
        let taken_over = self.change.to == State::Accepting && after.invitation.claims > 1;
        match group {
            _ if taken_over => State::Accepting,
            [only] => *only,
            _ => State::Pending,
        }
    }
}

/// A length of time that can be added to `now` without leaving the numbers that a database has.
pub(super) fn bearable(length: u64, now: i64) -> i64 {
    // An hour less, because a statement may look at its row later than its transaction began.
    const HOUR: i64 = 3_600_000;
    i64::try_from(length).unwrap_or(i64::MAX).min(i64::MAX.saturating_sub(now).saturating_sub(HOUR).max(0))
}

/// The instant that is this much later.
pub(super) fn later(now: i64, length: u64) -> i64 {
    now.saturating_add(i64::try_from(length).unwrap_or(i64::MAX))
}
