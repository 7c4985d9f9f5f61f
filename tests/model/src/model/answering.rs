//! What invitees do, and the host's upkeep: claiming, applying, finishing.

use guestlist_contract::{
    settings::Notices,
    types::{
        AcceptWith, Invitation, MailState, MessageKind, Permissions, Principal, State, Step, StepOutcome,
        StepResult, Subject, UserRef,
    },
};

use super::mail::Sent;
use super::{
    Answer, Fault, Means, MemberView, Model, Moment, SILENT, Stop, account, grants, grants_mut, is_active,
    makes_sense, must, new_code, says, state, strictest,
};

/// An invitation that concerns the caller.
pub(super) struct Found {
    row: Invitation,
    accept_with: AcceptWith,
    is_invitee: bool,
    by_code: bool,
}

/// How a claimed invitation ended.
enum Carried {
    Accepted(Vec<StepResult>),
    Failed,
    Elsewhere,
}

/// What became of it, in the words for its invitee.
fn ended(state: State) -> &'static str {
    match state {
        State::Accepted => "used",
        State::Declined => "declined",
        State::Revoked => "revoked",
        State::Expired => "expired",
        State::Failed => "failed",
        State::AwaitingApproval | State::Pending | State::Accepting => "in-progress",
    }
}

/// What an invitee is told who has accepted.
pub fn accepted(again: bool, member: bool, landing: &Option<String>, outcomes: &[StepResult]) -> String {
    let again = if again { " again" } else { "" };
    format!("accepted{again}, member {member}, to {landing:?}: {outcomes:?}")
}

fn is_for(row: &Invitation, who: &Principal) -> bool {
    matches!((who, &row.subject), (Principal::User(user), Subject::User(invited)) if user == invited)
}

impl Model {
    pub(super) fn list_mine(&mut self, states: &[State]) -> Answer<Vec<String>> {
        must(matches!(self.who, Principal::User(_)), "invalid")?;
        self.read()?;
        let mine = self.seen.rows.values().filter(|stored| is_for(&stored.invitation, &self.who));
        // Of what was never pending nobody was told.
        let told = mine.filter(|stored| !stored.codes.is_empty()).map(|stored| &stored.invitation);
        let wanted = |row: &&Invitation| states.is_empty() || states.contains(&state(row, self.clock));
        let shown = |row: &Invitation| format!("{} {:?}", row.key.id, state(row, self.clock));
        Ok(told.filter(wanted).map(shown).collect())
    }

    /// One answer for everything that is not the caller's.
    fn find(&mut self, means: &Means) -> Answer<Found> {
        must(!matches!(means, Means::Malformed), "malformed")?;
        self.read()?;
        let stored = match means {
            Means::Malformed | Means::Code(None) => None,
            Means::Code(Some((id, code))) => {
                self.seen.rows.get(id).filter(|stored| stored.codes.contains(&code.to_string()))
            }
            Means::Id(key) => self.seen.rows.get(&key.id).filter(|stored| {
                stored.invitation.key == *key
                    && is_for(&stored.invitation, &self.who)
                    && !stored.codes.is_empty()
            }),
        };
        let Some(mut row) = stored.map(|stored| stored.invitation.clone()) else { return says("not-usable") };
        row.state = state(&row, self.clock);
        let is_invitee = is_for(&row, &self.who);
        let by_code = matches!(means, Means::Code(_));
        let accept_with = strictest(row.accept_with, self.settings(&row.key.organization).accept_with);
        let bearer = by_code
            && accept_with == AcceptWith::Code
            && row.state == State::Pending
            && self.place.as_ref() == Some(&row.key.organization);
        must(is_invitee || bearer, "not-usable")?;
        self.read()?;
        Ok(Found { row, accept_with, is_invitee, by_code })
    }

    pub(super) fn introspect(&mut self, means: &Means) -> Answer {
        let found = self.find(means)?;
        Ok(format!("{} {:?} {:?}", found.row.key.id, found.row.state, found.accept_with))
    }

    pub(super) fn accept(&mut self, means: &Means, known: &mut Option<String>) -> Answer {
        let Found { row, accept_with, is_invitee, by_code } = self.find(means)?;
        *known = Some(row.key.id.clone());
        match row.state {
            State::Pending => {}
            State::Accepted => {
                let member = self.is_still_member(&row)?;
                return Ok(accepted(true, member, &row.landing, &row.outcomes));
            }
            state => return says(ended(state)),
        }
        self.sound_settings(&row.key.organization, Stop::Fails)?;
        must(accept_with != AcceptWith::InviteeAndCode || by_code, "code-required")?;
        let signed_in_only = self.check(&row, Stop::Says(SILENT.into()))?.1;
        must(is_invitee || !signed_in_only, "policy")?;
        self.read()?;
        self.claim(&row, "claimed")?;
        match self.carry_through(&row, is_invitee)? {
            Carried::Accepted(outcomes) => {
                let member =
                    matches!(outcomes[0].outcome, StepOutcome::Applied | StepOutcome::AlreadyPresent);
                Ok(accepted(false, member, &row.landing, &outcomes))
            }
            Carried::Failed => says("failed"),
            Carried::Elsewhere => says("in-progress"),
        }
    }

    /// They may have been removed since. Whoever may not see that sees no member.
    fn is_still_member(&mut self, row: &Invitation) -> Answer<bool> {
        match self.read() {
            Err(Stop::Fails) if matches!(self.luck.fault, Some(Fault::Denied)) => Ok(false),
            read => read.map(|()| self.is_member(&row.key.organization, &account(&row.subject))),
        }
    }

    fn claim(&mut self, row: &Invitation, by: &str) -> Answer<()> {
        let lease = self.settings(&row.key.organization).lease;
        self.turn(&row.key.id, by, None, |stored, now| {
            stored.invitation.state = State::Accepting;
            stored.invitation.claims += 1;
            stored.invitation.lease_until = Some(now.saturating_add(lease));
        })
    }

    /// Whether it may be accepted now: what remains of its grants, and whether the policy wants to see
    /// the invitee themselves. `silent` is what becomes of it when the policy gives no answer.
    pub(super) fn check(&mut self, row: &Invitation, silent: Stop) -> Answer<(Vec<bool>, bool)> {
        self.read()?;
        let (place, user) = (row.key.organization.clone(), account(&row.subject));
        self.must_be_active(&place)?;
        must(self.facts[&place].parent.as_ref() == Some(&row.parent), "organization-moved")?;
        must(self.is_user_of(&row.parent, &user), "invitee-not-active")?;
        must(self.standing(&place, &row.inviter).contains(Permissions::INVITE), "inviter-not-entitled")?;
        must(self.may_be_written_to(&place, &user), "address-not-allowed")?;
        must(!self.is_name_taken(&place, &user), "name-taken")?;
        let settings = self.settings(&place);
        let allowed = |grant| {
            !self.exists(&place, grant)
                || (self.may_give(&place, &row.inviter, grant)
                    && self.may_receive(&place, &user, grant)
                    && (row.approver.is_some() || !settings.privileged.contains(grant))
                    && settings.ceiling.as_ref().is_none_or(|ceiling| ceiling.contains(grant)))
        };
        must(row.grants.iter().all(allowed), "grants-not-allowed")?;
        if self.is_silent(Moment::Accept)? {
            return Err(silent);
        }
        let rule = self.rule(&place, Moment::Accept, &user).unwrap_or_default();
        let approved = rule.require_approval.is_none() || row.approver.is_some();
        must(rule.refuse.is_none() && approved, "policy")?;
        let narrow = rule.narrow.unwrap_or_default();
        Ok((
            row.grants.iter().map(|grant| !narrow.without.contains(&grant.id)).collect(),
            narrow.signed_in_only,
        ))
    }

    /// Something is in the way of accepting it.
    pub fn is_obstructed(&mut self, id: &str) -> bool {
        let row = self.seen.rows.get(id).map(|stored| stored.invitation.clone());
        row.is_some_and(|row| self.check(&row, Stop::Fails).is_err())
    }

    /// From the second check on: an obstacle closes the invitation; otherwise each step is applied once.
    /// `by_invitee`: nobody but the invitee can have begun it.
    fn carry_through(&mut self, row: &Invitation, by_invitee: bool) -> Answer<Carried> {
        let (kept, signed_in_only) = match self.check(row, Stop::Fails) {
            Err(Stop::Says(obstacle)) => return self.close(row, &obstacle),
            checked => checked?,
        };
        if signed_in_only && !by_invitee {
            return self.close(row, "policy");
        }
        let grants = || row.grants.iter().cloned().map(Step::Grant).zip(kept.iter().copied());
        let steps: Vec<_> =
            std::iter::once(Step::Member).chain(grants().filter(|step| step.1).map(|step| step.0)).collect();
        let mut outcomes =
            self.write(|model| steps.iter().map(|step| model.apply(row, step)).collect::<Vec<_>>())?;
        match outcomes[0].outcome {
            StepOutcome::Closed => return self.close(row, "closed"),
            StepOutcome::NoSuchTarget => return self.close(row, "invitee-not-active"),
            StepOutcome::NameTaken => return self.close(row, "name-taken"),
            _ => {}
        }
        let withheld: Vec<_> = grants().filter(|step| !step.1).map(|step| step.0).collect();
        // An accept that broke off may have given what a policy takes away now.
        let broke_off = row.claims > 0 && !withheld.is_empty();
        let applied = if broke_off { self.applied_for_good(row)? } else { vec![] };
        outcomes.extend(withheld.into_iter().map(|step| self.result(row, &applied, step)));
        self.finish(row, outcomes)
    }

    /// What became of a step, by the log of what was applied.
    fn result(&self, row: &Invitation, applied: &[Step], step: Step) -> StepResult {
        let outcome = match (applied.contains(&step), self.is_there(row, &step)) {
            (false, _) => StepOutcome::Withheld,
            (true, true) => StepOutcome::Applied,
            (true, false) => StepOutcome::WasRemoved,
        };
        StepResult { step, outcome }
    }

    /// Nothing is ever applied again; what had been applied stays.
    fn applied_for_good(&mut self, row: &Invitation) -> Answer<Vec<Step>> {
        let id = &row.key.id;
        self.write(|model| {
            let log = model.seen.applied.entry(id.clone()).or_default();
            let (newly, steps) = (!log.closed, log.steps.clone());
            log.closed = true;
            if newly {
                model.note_of(id, "member.closed", None);
            }
            steps
        })
    }

    fn close(&mut self, row: &Invitation, reason: &str) -> Answer<Carried> {
        let id = &row.key.id;
        let applied = self.applied_for_good(row)?;
        if !applied.is_empty() {
            let all = std::iter::once(Step::Member).chain(row.grants.iter().cloned().map(Step::Grant));
            let outcomes = all.map(|step| self.result(row, &applied, step)).collect();
            return self.finish(row, outcomes);
        }
        let reason = reason.to_owned();
        let notice = self.notice(row, Notices::FAILED, MessageKind::Failed);
        let turned = self.turn(id, "failed", notice, |stored, _| {
            stored.invitation.state = State::Failed;
            stored.invitation.reason = Some(reason);
        });
        Self::or_elsewhere(turned, Carried::Failed)
    }

    fn finish(&mut self, row: &Invitation, outcomes: Vec<StepResult>) -> Answer<Carried> {
        let notice = self.notice(row, Notices::ACCEPTED, MessageKind::Accepted);
        let written = outcomes.clone();
        let turned = self.turn(&row.key.id, "accepted", notice, |stored, _| {
            stored.invitation.state = State::Accepted;
            stored.invitation.outcomes = written;
        });
        Self::or_elsewhere(turned, Carried::Accepted(outcomes))
    }

    fn or_elsewhere(turned: Answer<()>, carried: Carried) -> Answer<Carried> {
        match turned {
            Err(Stop::Says(_)) => Ok(Carried::Elsewhere),
            turned => turned.map(|()| carried),
        }
    }

    /// The notice to the inviter that the organization wants, if the inviter is a person.
    pub(super) fn notice(&self, row: &Invitation, wanted: Notices, kind: MessageKind) -> Option<MessageKind> {
        let wanted = self.settings(&row.key.organization).notices.contains(wanted);
        Some(kind).filter(|_| wanted && matches!(row.inviter, Principal::User(_)))
    }

    /// The effect that this invitation had is still in force.
    fn is_there(&self, row: &Invitation, step: &Step) -> bool {
        let owed = |by: &Option<String>| by.as_deref() == Some(row.key.id.as_str());
        let guest = self.guest(&row.key.organization, &account(&row.subject));
        guest.filter(|_| self.living(&row.key.organization).is_some()).is_some_and(|guest| match step {
            Step::Member => owed(&guest.invitation),
            Step::Grant(grant) => grants(guest, grant.kind).get(&grant.id).is_some_and(owed),
        })
    }

    /// One step for one invitation, at most once for ever.
    fn apply(&mut self, row: &Invitation, step: &Step) -> StepResult {
        let (place, id) = (&row.key.organization, &row.key.id);
        let log = self.seen.applied.get(id).cloned().unwrap_or_default();
        let outcome = if log.closed {
            StepOutcome::Closed
        } else if log.steps.contains(step) {
            if self.is_there(row, step) { StepOutcome::Applied } else { StepOutcome::WasRemoved }
        } else {
            match step {
                Step::Member => self.add_member(place, id, &account(&row.subject)),
                Step::Grant(grant) if self.exists(place, grant) => {
                    let lost = log.steps.contains(&Step::Member) && !self.is_there(row, &Step::Member);
                    let members = self.seen.members.get_mut(place).filter(|_| !lost);
                    let guest = members
                        .and_then(|all| all.iter_mut().find(|one| one.account == account(&row.subject)));
                    match guest.map(|guest| grants_mut(guest, grant.kind)) {
                        None => StepOutcome::NotAMember,
                        Some(held) if held.contains_key(&grant.id) => StepOutcome::AlreadyPresent,
                        Some(held) => {
                            held.insert(grant.id.clone(), Some(id.clone()));
                            StepOutcome::Applied
                        }
                    }
                }
                Step::Grant(_) => StepOutcome::NoSuchTarget,
            }
        };
        if outcome == StepOutcome::Applied && !log.steps.contains(step) {
            self.seen.applied.entry(id.clone()).or_default().steps.push(step.clone());
            let (event, grant) = match step {
                Step::Member => ("member.added", None),
                Step::Grant(grant) => ("grant.added", Some(grant.clone())),
            };
            self.note_of(id, event, None).grant = grant;
        }
        StepResult { step: step.clone(), outcome }
    }

    /// An administrator has taken their membership away: what was claimed for them before, and has not made
    /// them a member, is closed.
    pub fn removed(&mut self, place: &str, user: &UserRef) {
        for stored in self.seen.rows.values() {
            let row = &stored.invitation;
            if row.key.organization == place
                && row.state == State::Accepting
                && account(&row.subject) == *user
            {
                let log = self.seen.applied.entry(row.key.id.clone()).or_default();
                log.closed |= !log.steps.contains(&Step::Member);
            }
        }
    }

    /// Whoever reads the old mailbox has the codes of all pending invitations: a digest that belongs to no
    /// code takes their place.
    pub fn address_changed(&mut self, user: &UserRef, address: &str) {
        if self.resident(user).and_then(|person| person.email.as_deref()) == Some(address) {
            return;
        }
        for stored in self.seen.rows.values_mut() {
            if stored.invitation.state == State::Pending && account(&stored.invitation.subject) == *user {
                new_code(stored, true);
            }
        }
    }

    fn add_member(&mut self, place: &str, id: &str, user: &UserRef) -> StepOutcome {
        let Some(name) = self.resident(user).map(|person| person.name.clone()) else {
            return StepOutcome::NoSuchTarget;
        };
        let Some(view) = self.living(place) else { return StepOutcome::NoSuchTarget };
        if self.guest(place, user).is_some() {
            return StepOutcome::AlreadyPresent;
        }
        let guests = self.seen.members[place].iter().map(|guest| &guest.name);
        let mut names = view.residents.values().map(|person| &person.name).chain(guests);
        if names.any(|taken| taken.eq_ignore_ascii_case(&name)) {
            return StepOutcome::NameTaken;
        }
        let member = MemberView {
            id: String::new(),
            name,
            account: user.clone(),
            invitation: Some(id.to_owned()),
            groups: Default::default(),
            roles: Default::default(),
            leases: Default::default(),
        };
        let members = self.seen.members.entry(place.to_owned()).or_default();
        members.push(member);
        members.sort_by_cached_key(|member| format!("{:?}", member.account));
        StepOutcome::Applied
    }

    pub(super) fn decline(
        &mut self,
        means: &Means,
        reason: Option<&str>,
        known: &mut Option<String>,
    ) -> Answer {
        let row = self.find(means)?.row;
        *known = Some(row.key.id.clone());
        match row.state {
            State::Pending => self.read()?,
            State::Declined => return Ok("ok".into()),
            state => return says(ended(state)),
        }
        let notice = self.notice(&row, Notices::DECLINED, MessageKind::Declined);
        self.turn(&row.key.id, "declined", notice, |stored, _| {
            stored.invitation.state = State::Declined;
            stored.invitation.reason = reason.map(str::to_owned).or(stored.invitation.reason.take());
        })?;
        Ok("ok".into())
    }

    // Upkeep.

    pub(super) fn sweep(&mut self) -> Answer {
        let Some(place) = self.place.clone().filter(|_| self.who == Principal::System) else {
            return says("not-permitted");
        };
        self.read()?;
        self.sound_settings(&place, Stop::Says("invalid".into()))?;
        let mut swept = Swept::default();
        let mut letters = vec![];
        let worked = self.work(&place, &mut swept, &mut letters);
        if matches!(worked, Err(Stop::Crashes)) {
            return Err(Stop::Crashes);
        }
        for sent in self.deliver(&letters)? {
            *if matches!(sent, Sent::Out | Sent::Taken) { &mut swept.sent } else { &mut swept.failed } += 1;
        }
        worked?;
        match self.write(|model| model.purge(&place)) {
            Err(Stop::Crashes) => return Err(Stop::Crashes),
            Err(_) => swept.failed += 1,
            Ok(purged) => swept.purged = purged,
        }
        Ok(format!("{swept:?}"))
    }

    /// Interrupted accepts go on, what is over is marked, what is due is written.
    fn work(
        &mut self,
        place: &str,
        swept: &mut Swept,
        letters: &mut Vec<(String, MessageKind)>,
    ) -> Answer<()> {
        let due = self.write(|model| model.due_now(place))?;
        if due.is_empty() {
            return Ok(());
        }
        self.read()?;
        for (id, work) in due {
            let done = match work {
                Work::Lease => self.take_over(&id, swept),
                Work::Expiry => self.expire(&id, swept),
                Work::Mail(kind) => self.write_letter(&id, kind, letters),
            };
            match done {
                Err(Stop::Crashes) => return Err(Stop::Crashes),
                Err(Stop::Fails) => swept.failed += 1,
                // Somebody else was faster.
                Ok(()) | Err(Stop::Says(_) | Stop::Noted(_)) => {}
            }
        }
        Ok(())
    }

    /// Most overdue first, leases before mails before expiries before reminders.
    fn due_now(&mut self, place: &str) -> Vec<(String, Work)> {
        let now = self.clock;
        let before = self.settings(place).reminder_before;
        let mut due = vec![];
        for mail in self.seen.outbox.iter().filter(|mail| mail.organization == place && !mail.entry.taken) {
            let (id, kind) = (mail.entry.invitation.clone(), mail.entry.kind.clone());
            let moot = !makes_sense(&kind, state(&self.seen.rows[&id].invitation, now));
            let since = self.due.get(&(id.clone(), format!("{kind:?}"))).copied().unwrap_or_default();
            due.extend((!moot).then_some((1, since, id, Work::Mail(kind))));
        }
        for (id, stored) in &self.seen.rows {
            let (row, visible) = (&stored.invitation, self.hidden.get(id).is_none_or(|until| *until <= now));
            if row.key.organization != place || !visible {
                continue;
            }
            let remind = !stored.reminded && row.mail == MailState::Sent && row.state == State::Pending;
            // Nobody is reminded before half of the time since their mail has passed.
            let mailed = stored.mailed_at.unwrap_or(row.created_at);
            let half = |end: u64| mailed + end.saturating_sub(mailed) / 2;
            let reminder =
                row.expires_at.zip(before).map(|(end, before)| end.saturating_sub(before).max(half(end)));
            let found = if row.state == State::Accepting {
                row.lease_until.map(|end| (0, end, Work::Lease))
            } else if state(row, now) != row.state {
                row.expires_at.map(|end| (2, end, Work::Expiry))
            } else {
                reminder.filter(|_| remind).map(|time| (3, time, Work::Mail(MessageKind::Reminder)))
            };
            due.extend(found.map(|(rank, since, work)| (rank, since, id.clone(), work)));
        }
        due.retain(|(_, since, ..)| *since <= now);
        due.sort_by_key(|(rank, since, id, _)| (*rank, *since, self.order[id].clone()));
        for (_, _, id, _) in due.iter().filter(|(rank, ..)| *rank == 3) {
            if let Some(stored) = self.seen.rows.get_mut(id) {
                stored.reminded = true;
            }
            self.enqueue(id, MessageKind::Reminder);
        }
        due.into_iter().map(|(_, _, id, work)| (id, work)).collect()
    }

    fn take_over(&mut self, id: &str, swept: &mut Swept) -> Answer<()> {
        let row = self.seen.rows[id].invitation.clone();
        if row.expires_at.is_none_or(|end| end > self.wall) {
            // A silent policy uses up no take-over before the invitation's own end.
            match self.check(&row, Stop::Noted(SILENT.into())) {
                Err(Stop::Noted(_)) => return Err(Stop::Fails),
                Err(Stop::Crashes) => return Err(Stop::Crashes),
                _ => {}
            }
        }
        self.claim(&row, "taken-over")?;
        // Before this one it was claimed by the accept and by `claims - 1` take-overs.
        let carried = if row.claims > self.settings(&row.key.organization).takeovers_max {
            self.close(&row, "given-up")?
        } else {
            self.carry_through(&row, row.accept_with != AcceptWith::Code)?
        };
        swept.finished += u32::from(!matches!(carried, Carried::Elsewhere));
        Ok(())
    }

    fn expire(&mut self, id: &str, swept: &mut Swept) -> Answer<()> {
        self.expire_row(&self.seen.rows[id].invitation.clone())?;
        swept.expired += 1;
        Ok(())
    }

    pub(super) fn expire_row(&mut self, row: &Invitation) -> Answer<()> {
        let notice = self.notice(row, Notices::EXPIRED, MessageKind::Expired);
        self.turn(&row.key.id, "expired", notice, |stored, _| stored.invitation.state = State::Expired)
    }

    fn write_letter(
        &mut self,
        id: &str,
        kind: MessageKind,
        letters: &mut Vec<(String, MessageKind)>,
    ) -> Answer<()> {
        let row = self.seen.rows[id].invitation.clone();
        let settings = self.settings(&row.key.organization);
        if matches!(kind, MessageKind::Invitation | MessageKind::Reminder) {
            if self.tries(id, &kind) >= settings.mail_tries {
                return self.write(|model| model.settle(id, &kind, model.version(id), Sent::Never));
            }
            // What could not be accepted is held back until it can be.
            match self.check(&row, Stop::Says(SILENT.into())) {
                Err(Stop::Says(_)) => return self.write(|_| ()),
                checked => checked?,
            };
        }
        if kind == MessageKind::Invitation {
            // The mail of an earlier try may have arrived after all: its code goes on working.
            self.turn(id, "renewed", None, |stored, _| new_code(stored, false))?;
        } else {
            let nobody = kind != MessageKind::Reminder
                && kind != MessageKind::ApprovalRequested
                && !matches!(row.inviter, Principal::User(_));
            // Written down as on its way first, so that nobody gets it twice.
            let on_its_way = if nobody { Sent::Never } else { Sent::Sending };
            self.write(|model| model.settle(id, &kind, model.version(id), on_its_way))?;
            if nobody {
                return Ok(());
            }
        }
        letters.push((id.to_owned(), kind));
        Ok(())
    }

    fn purge(&mut self, place: &str) -> u32 {
        // No shorter than an idempotent request is remembered.
        let (now, retention) = (self.clock, self.settings(place).retention.max(24 * 3_600_000));
        let old = |row: &Invitation| {
            !is_active(row.state)
                && row.key.organization == place
                && row.ended_at.is_some_and(|end| now.saturating_sub(end) > retention)
        };
        let rows = self.seen.rows.values().map(|stored| &stored.invitation);
        let ids: Vec<_> = rows.filter(|row| old(row)).map(|row| row.key.id.clone()).collect();
        for id in &ids {
            self.note_of(id, "invitation.purged", None);
            self.seen.rows.remove(id);
            self.seen.applied.remove(id);
            self.seen.outbox.retain(|mail| mail.entry.invitation != *id);
        }
        u32::try_from(ids.len()).unwrap_or(u32::MAX)
    }
}

/// Work that is due for an invitation.
enum Work {
    Lease,
    Mail(MessageKind),
    Expiry,
}

/// As `maintenance.swept`.
#[derive(Debug, Default)]
struct Swept {
    finished: u32,
    sent: u32,
    expired: u32,
    purged: u32,
    failed: u32,
}
