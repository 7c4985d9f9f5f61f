//! `membership.apply` and `membership.close`: each step of an invitation at most once, for ever.
//!
//! Both lock the invitation first, so that of all who apply, close, claim or remove the member at the same
//! time one is after the other. Then they read what there is, decide, and write the effects, the log and the
//! events in the same commit. The log never forgets: a membership that an administrator takes away leaves its
//! step there, so that an accept which is still running, or is repeated, cannot bring it back.

use std::collections::BTreeMap;

use guestlist_contract::{
    audit::EventKind,
    bounds,
    host::Call,
    types::{
        Grant, GrantKind, HostError, InvitationKey, State, Step, StepOutcome, StepResult, Subject, UserRef,
    },
};

use super::{
    guests::{Joining, can_join, join},
    in_the_way, is_askable,
    persons::listed_grants,
};
use crate::{
    audit::{Event, Of, note},
    bulk_sql,
    codec::{Word as _, from_json, json},
    error::{DbError, OperationError},
    invitations::{
        access::Asker,
        rows::{COLUMNS, Stored, read},
    },
    sql::{Connection, Operation, Row, Scope, Value, values},
};

fn not_that_invitation() -> OperationError {
    HostError::Denied("this call may not apply anything for that invitation".into()).into()
}

/// An invitation that nobody else changes before the transaction ends, and what was applied for it.
struct Locked {
    row: Stored,
    closed: bool,
    log: Vec<Step>,
}

impl Locked {
    /// Reads what the call may see.
    async fn of<C: Connection>(
        db: &mut C,
        asker: &Asker,
        key: &InvitationKey,
    ) -> Result<Self, OperationError> {
        if !is_askable(&key.organization) || !is_askable(&key.id) {
            return Err(not_that_invitation());
        }
        let sql = format!(
            "select {COLUMNS} from invitation where organization = $1 and id = $2{}",
            db.for_update()
        );
        let keys = values![&key.organization, &key.id];
        let row = read(&db.row(&sql, keys).await?.ok_or_else(not_that_invitation)?, 0)?;
        // A statement of its own: together with the lock it would see what was there before it waited.
        let sql = "select place, step from grant_log where organization = $1 and invitation = $2 \
            union all select -1, 'closed' from grant_closed where organization = $1 and invitation = $2 \
            union all select -2, 'told' from code where organization = $1 and invitation = $2 order by 1";
        let (mut log, mut closed, mut told) = (Vec::new(), false, false);
        for mark in db.rows(sql, keys).await? {
            match mark.get::<i64>(0)? {
                -1 => closed = true,
                -2 => told = true,
                _ => log.push(from_json(&mark.get::<String>(1)?)?),
            }
        }
        if asker.sees(&row, told) { Ok(Self { row, closed, log }) } else { Err(not_that_invitation()) }
    }
}

/// A group or role, as a key.
type Named = (&'static str, String);

fn named(grant: &Grant) -> Named {
    (grant.kind.word(), grant.id.clone())
}

/// The local account of somebody.
struct Local {
    id: String,
    /// The invitation that made them a member.
    invitation: Option<String>,
    /// Their groups and roles, each with the invitation that it is owed to.
    held: BTreeMap<Named, Option<String>>,
}

impl Local {
    /// Reads it; `None` where they have none, or the organization was deleted.
    async fn read<C: Connection>(
        db: &mut C,
        organization: &str,
        user: &UserRef,
    ) -> Result<Option<Self>, DbError> {
        let sql = "select p.id, p.invitation, h.kind, h.target, h.invitation from person p \
            join organization o on o.id = p.organization and o.deleted = 0 \
            left join held h on h.organization = p.organization and h.person = p.id \
            where p.organization = $1 and p.account_organization = $2 and p.account_id = $3";
        let rows = db.rows(sql, values![organization, &user.organization, &user.id]).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let held = |row: &Row| {
            let kind = row.get::<Option<String>>(2)?;
            kind.map(|kind| Ok(((GrantKind::of(&kind)?.word(), row.get(3)?), row.get(4)?))).transpose()
        };
        Ok(Some(Self {
            id: first.get(0)?,
            invitation: first.get(1)?,
            held: rows.iter().filter_map(|row| held(row).transpose()).collect::<Result<_, DbError>>()?,
        }))
    }
}

/// The effect that an invitation had is still in force. The same membership or grant, given anew by another
/// way, is another effect.
fn is_there(local: Option<&Local>, invitation: &str, step: &Step) -> bool {
    let owed = local.and_then(|local| match step {
        Step::Member => local.invitation.as_ref(),
        Step::Grant(grant) => local.held.get(&named(grant)).and_then(Option::as_ref),
    });
    owed.is_some_and(|owed| owed == invitation)
}

/// `apply`.
pub(super) struct Apply {
    asker: Asker,
    key: InvitationKey,
    user: UserRef,
    steps: Vec<Step>,
}

impl Apply {
    pub(super) fn new(
        call: &Call,
        organization: String,
        invitation: String,
        user: UserRef,
        steps: Vec<Step>,
    ) -> Result<Self, DbError> {
        let key = InvitationKey { organization, id: invitation };
        Ok(Self { asker: Asker::of(call, [&key])?, key, user, steps })
    }

    /// Finds which of the groups and roles exist.
    async fn targets<C: Connection>(&self, db: &mut C) -> Result<Vec<Named>, DbError> {
        let grants: Vec<_> = self.steps.iter().filter_map(granted).cloned().collect();
        let Some((wanted, values)) = listed_grants(values![&self.key.organization], &grants) else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "select kind, id from target where {wanted} \
             and exists (select 1 from organization o where o.id = target.organization and o.deleted = 0)"
        );
        let target = |row: &Row| Ok((GrantKind::of(&row.get::<String>(0)?)?.word(), row.get(1)?));
        db.rows(&sql, &values).await?.iter().map(target).collect()
    }
}

fn granted(step: &Step) -> Option<&Grant> {
    if let Step::Grant(grant) = step { Some(grant) } else { None }
}

impl Operation for Apply {
    type Output = Vec<StepOutcome>;
    const NAME: &'static str = "membership.apply";

    fn scope(&self) -> Scope {
        Asker::within(&self.key.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        bounds::count("steps", self.steps.len(), bounds::GRANTS + 1)?;
        let Locked { row, closed, log } = Locked::of(db, &self.asker, &self.key).await?;
        if !row.is_for(&self.user) {
            return Err(not_that_invitation());
        }
        // Somebody whose claim was taken over must learn that it is closed, also when the invitation has come
        // to its end meanwhile.
        if closed {
            return Ok(self.steps.iter().map(|_| StepOutcome::Closed).collect());
        }
        if row.invitation.state != State::Accepting {
            return Err(not_that_invitation());
        }
        let organization = &self.key.organization;
        let joining = match self.steps.contains(&Step::Member) && !log.contains(&Step::Member) {
            true => Some(can_join(db, organization, &self.user).await?),
            false => None,
        };
        let mut applying = Applying {
            invitation: &self.key.id,
            before: log.len(),
            log,
            local: Local::read(db, organization, &self.user).await?,
            targets: self.targets(db).await?,
            joining,
        };
        let outcomes = self.steps.iter().map(|step| applying.step(step)).collect();
        self.write(db, applying).await?;
        Ok(outcomes)
    }
}

/// The state while steps are applied, one after the other. Nothing is written yet.
struct Applying<'a> {
    invitation: &'a str,
    /// The number of steps that were applied by earlier calls.
    before: usize,
    log: Vec<Step>,
    local: Option<Local>,
    targets: Vec<Named>,
    /// Absent where nobody is to become a member.
    joining: Option<Joining>,
}

impl Applying<'_> {
    fn step(&mut self, step: &Step) -> StepOutcome {
        if self.log.contains(step) {
            return match is_there(self.local.as_ref(), self.invitation, step) {
                true => StepOutcome::AlreadyApplied,
                false => StepOutcome::WasRemoved,
            };
        }
        let outcome = match step {
            Step::Member => self.member(),
            Step::Grant(grant) => self.grant(grant),
        };
        if outcome == StepOutcome::Applied {
            self.log.push(step.clone());
        }
        outcome
    }

    fn member(&mut self) -> StepOutcome {
        match self.joining {
            None | Some(Joining::NoSuchTarget) => StepOutcome::NoSuchTarget,
            Some(Joining::AlreadyPresent) => StepOutcome::AlreadyPresent,
            Some(Joining::NameTaken) => StepOutcome::NameTaken,
            Some(Joining::Possible(_)) => {
                // They get their id when they are written.
                let invitation = Some(self.invitation.to_owned());
                self.local = Some(Local { id: String::new(), invitation, held: BTreeMap::new() });
                StepOutcome::Applied
            }
        }
    }

    fn grant(&mut self, grant: &Grant) -> StepOutcome {
        let named = named(grant);
        if !self.targets.contains(&named) {
            return StepOutcome::NoSuchTarget;
        }
        // INVARIANT: what an administrator has removed comes back only by a new invitation. Where the
        // membership that THIS invitation gave was taken away, a later membership is not its own, and nothing
        // is added to it.
        let removed = self.log.contains(&Step::Member)
            && !is_there(self.local.as_ref(), self.invitation, &Step::Member);
        let Some(local) = self.local.as_mut().filter(|_| !removed) else { return StepOutcome::NotAMember };
        if local.held.contains_key(&named) {
            return StepOutcome::AlreadyPresent;
        }
        local.held.insert(named, Some(self.invitation.to_owned()));
        StepOutcome::Applied
    }
}

impl Apply {
    /// Writes the steps that are new, and nothing else.
    async fn write<C: Connection>(&self, db: &mut C, applied: Applying<'_>) -> Result<(), DbError> {
        let InvitationKey { organization, id: invitation } = &self.key;
        let new: Vec<_> = applied.log.iter().enumerate().skip(applied.before).collect();
        let mut person = applied.local.map(|local| local.id).unwrap_or_default();
        if let Some(Joining::Possible(name)) = &applied.joining {
            person = join(db, organization, Some(invitation), &self.user, name).await?;
        }
        let held = new.iter().filter_map(|(_, step)| granted(step)).map(|grant| {
            [
                Value::from(organization),
                Value::from(&person),
                Value::from(grant.kind.word()),
                Value::from(&grant.id),
                Value::from(invitation),
            ]
        });
        let into = "held (organization, person, kind, target, invitation)";
        // A group may go, or be given by hand, between the look at it and here.
        bulk_sql::insert(db, into, held.collect(), "").await.map_err(in_the_way)?;
        let mut steps = Vec::new();
        for (place, step) in &new {
            let place = i64::try_from(*place).unwrap_or(i64::MAX);
            steps.push([
                Value::from(organization),
                Value::from(invitation),
                Value::from(json(step)?),
                Value::from(place),
            ]);
        }
        bulk_sql::insert(db, "grant_log (organization, invitation, step, place)", steps, "").await?;
        let event = |step: &Step| -> Event {
            let (kind, grant) = match step {
                Step::Member => (EventKind::MemberAdded, None),
                Step::Grant(grant) => (EventKind::GrantAdded, Some(grant)),
            };
            let of = Of { invitation: Some(invitation), grant, ..Of::user(&self.user) };
            self.asker.actor.event(Some(organization), kind, &of)
        };
        note(db, &new.iter().map(|(_, step)| event(step)).collect::<Vec<_>>()).await
    }
}

/// `close`.
pub(super) struct Close {
    asker: Asker,
    key: InvitationKey,
}

impl Close {
    pub(super) fn new(call: &Call, organization: String, invitation: String) -> Result<Self, DbError> {
        let key = InvitationKey { organization, id: invitation };
        Ok(Self { asker: Asker::of(call, [&key])?, key })
    }
}

impl Operation for Close {
    type Output = Vec<StepResult>;
    const NAME: &'static str = "membership.close";

    fn scope(&self) -> Scope {
        Asker::within(&self.key.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let Locked { row, log, .. } = Locked::of(db, &self.asker, &self.key).await?;
        let InvitationKey { organization, id: invitation } = &self.key;
        let Subject::User(user) = &row.invitation.subject else { return Err(not_that_invitation()) };
        if close(db, organization, invitation).await? {
            let of = Of::row(&row.invitation);
            let event = self.asker.actor.event(Some(organization), EventKind::MemberClosed, &of);
            note(db, &[event]).await?;
        }
        let local = Local::read(db, organization, user).await?;
        let result = |step: Step| StepResult {
            outcome: match is_there(local.as_ref(), invitation, &step) {
                true => StepOutcome::Applied,
                false => StepOutcome::WasRemoved,
            },
            step,
        };
        Ok(log.into_iter().map(result).collect())
    }
}

/// Forbids every later `apply` for an invitation that is locked; answers whether it was allowed until now.
pub(super) async fn close<C: Connection>(
    db: &mut C,
    organization: &str,
    invitation: &str,
) -> Result<bool, DbError> {
    let sql = "insert into grant_closed (organization, invitation) values ($1, $2) on conflict do nothing";
    Ok(db.change(sql, values![organization, invitation]).await? > 0)
}
