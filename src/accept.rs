//! Accepting, exactly once.
//!
//! The order of the steps is what makes it right under crashes, lost answers, leases that run out and
//! rights that are lost meanwhile:
//!
//! 1. find the invitation;
//! 2. check, reading only: a no here changes nothing, and the invitation stays usable;
//! 3. claim it by one guarded transition: of many accepts one wins, and from here it only goes forward;
//! 4. check again, because the world may have moved since 2: a no now closes the invitation, so that
//!    nobody can apply anything for it any more, and ends it;
//! 5. apply membership and grants, each once for this invitation, for ever;
//! 6. finish, with what became of each step.
//!
//! When a run breaks off after 3, the sweep takes the claim over and goes on from 4. Without the close
//! in 4 an accept that was only slow could apply its grants after somebody else had ended it.

use crate::{
    Capabilities, answers,
    answers::out_of_step,
    contract::{
        exports::invitee::{Accepted, Ended, Handle, InviteeRefusal},
        imports::{
            audit::Word,
            settings::{Notices, Values},
            types::{
                AcceptWith, Context, HostError, Invitation, MessageKind, Obstacle, State, Step, StepOutcome,
                StepResult,
            },
        },
    },
    eligibility::{self, Blocked, Plan},
    entropy::Entropy,
    refusals::{About, account, audited, ended, obstacle_word},
    resolve_handle::{Found, resolve_handle},
    settings,
    state::Move,
    transition::{self, RETRIES, Unmoved, change, is_uncertain, notice, remaining_lease, shift},
};

/// The end that a claimed invitation came to.
pub enum Carried {
    /// The invitation is accepted, with what became of each step.
    Accepted(Vec<StepResult>),
    /// The accept failed: nothing was applied, and nothing ever will be.
    Failed,
    /// The claim was taken over by somebody else; this is how it stands.
    Elsewhere(Box<Invitation>),
}

/// `invitee.accept`
///
/// # Errors
/// Why it was not accepted. Except for `ended(failed)`, the invitation is as it was before.
pub fn accept(
    host: &impl Capabilities,
    context: &Context,
    handle: &Handle,
) -> Result<Accepted, InviteeRefusal> {
    let mut about = About::default();
    let answer = try_accept(host, context, handle, &mut about);
    audited(host, context, "invitee.accept", &about, answer)
}

fn try_accept(
    host: &impl Capabilities,
    context: &Context,
    handle: &Handle,
    about: &mut About,
) -> Result<Accepted, InviteeRefusal> {
    for _ in 0..RETRIES {
        // Found anew each time: a code that was replaced meanwhile must not work.
        let found = resolve_handle(host, context, handle)?;
        *about = About::row(&found.row);
        if found.row.state != State::Pending {
            return as_it_stands(host, context, found.is_invitee, found.settings.lease, found.row);
        }
        settings::fit(&found.settings)?;
        if found.accept_with == AcceptWith::InviteeAndCode && !found.by_code {
            return Err(InviteeRefusal::Obstacle(Obstacle::CodeRequired));
        }
        may_be_accepted(host, &found)?;

        let operation = Entropy::draw(host, context.now, 1, 0)?.id()?;
        let claimed = match claim(host, &found.row, Move::Claim, &operation, &found.settings) {
            Ok(claimed) => claimed,
            Err(Unmoved::Lost(row)) if row.state == State::Pending => continue,
            Err(Unmoved::Lost(row)) => {
                return as_it_stands(host, context, found.is_invitee, found.settings.lease, *row);
            }
            Err(unmoved) => return Err(unmoved.into()),
        };
        return match carry_through(host, &claimed, &found.settings, &operation, found.is_invitee)? {
            Carried::Accepted(outcomes) => Ok(Accepted {
                member: outcomes.first().is_some_and(|first| makes_member(first.outcome)),
                key: claimed.key,
                outcomes,
                repeated: false,
                landing: claimed.landing,
            }),
            Carried::Failed => Err(InviteeRefusal::Ended(Ended::Failed)),
            Carried::Elsewhere(row) => {
                as_it_stands(host, context, found.is_invitee, found.settings.lease, *row)
            }
        };
    }
    Err(InviteeRefusal::Conflict)
}

/// The checks before the claim.
fn may_be_accepted(host: &impl Capabilities, found: &Found) -> Result<(), InviteeRefusal> {
    match eligibility::check(host, &found.row, &found.settings) {
        Ok(plan) if plan.signed_in_only && !found.is_invitee => {
            Err(InviteeRefusal::Obstacle(Obstacle::Policy("sign in as the invited user".into())))
        }
        Ok(_) => Ok(()),
        Err(Blocked::By(obstacle)) => Err(InviteeRefusal::Obstacle(obstacle)),
        Err(Blocked::NoVerdict(after)) => Err(InviteeRefusal::Obstacle(Obstacle::PolicyUnavailable(after))),
        Err(Blocked::Failed(error)) => Err(error.into()),
    }
}

/// The answer for an invitation that cannot be claimed (any more). A stranger with a code learns
/// nothing from it.
fn as_it_stands(
    host: &impl Capabilities,
    context: &Context,
    is_invitee: bool,
    lease: u64,
    row: Invitation,
) -> Result<Accepted, InviteeRefusal> {
    match row.state {
        State::Accepting => Err(InviteeRefusal::InProgress(remaining_lease(context, &row, lease))),
        State::Pending => Err(InviteeRefusal::Conflict),
        _ if !is_invitee => Err(InviteeRefusal::NotUsable),
        State::Accepted => Ok(Accepted {
            member: is_member(host, &row)?,
            key: row.key,
            outcomes: row.outcomes,
            repeated: true,
            landing: row.landing,
        }),
        state => Err(ended(state).map_or(InviteeRefusal::NotUsable, InviteeRefusal::Ended)),
    }
}

/// Tells whether the invitee is a member at this moment: they may have been removed since. Where the
/// organization is gone nobody is.
fn is_member(host: &impl Capabilities, row: &Invitation) -> Result<bool, HostError> {
    let Some(account) = account(&row.subject) else { return Ok(false) };
    match host.eligible(&row.key.organization, std::slice::from_ref(account), &[]) {
        Ok(list) => Ok(answers::one(list)?.member),
        Err(HostError::Denied(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Tells whether somebody is a member after this outcome of the first step.
const fn makes_member(outcome: StepOutcome) -> bool {
    matches!(outcome, StepOutcome::Applied | StepOutcome::AlreadyApplied | StepOutcome::AlreadyPresent)
}

/// Takes the invitation for this run.
///
/// # Errors
/// Somebody else has it, or the host failed.
pub fn claim(
    host: &impl Capabilities,
    row: &Invitation,
    by: Move,
    operation: &str,
    settings: &Values,
) -> Result<Invitation, Unmoved> {
    let mut change = change(by, operation);
    change.lease = Some(settings.lease);
    shift(host, row, by, &change)
}

/// Brings a claimed invitation to its end: from the second check on. `by_invitee` says that nobody but the
/// invitee themselves can have claimed it.
///
/// # Errors
/// The host failed; the claim stands, and the sweep goes on when its lease has run out.
pub fn carry_through(
    host: &impl Capabilities,
    claimed: &Invitation,
    settings: &Values,
    operation: &str,
    by_invitee: bool,
) -> Result<Carried, HostError> {
    let plan = match eligibility::check(host, claimed, settings) {
        // The policy has come to ask for them since.
        Ok(plan) if plan.signed_in_only && !by_invitee => {
            return close(host, claimed, settings, operation, Word::Policy);
        }
        Ok(plan) => plan,
        Err(Blocked::By(obstacle)) => {
            return close(host, claimed, settings, operation, obstacle_word(&obstacle));
        }
        // The claim stands, and the invitation with it: the sweep asks again.
        Err(Blocked::NoVerdict(after)) => return Err(HostError::Unavailable(after)),
        Err(Blocked::Failed(error)) => return Err(error),
    };
    let mut outcomes = match apply(host, claimed, &plan) {
        // Nothing is applied for an invitation that has ended: somebody else may have been faster.
        Err(error @ HostError::Denied(_)) => return elsewhere(host, claimed, error),
        outcomes => outcomes?,
    };
    if outcomes.iter().any(|result| result.outcome == StepOutcome::Closed) {
        // Closed by a run that either has ended it, and then this claim is lost, or broke off right
        // before its end: then nobody else would ever bring it there.
        return close(host, claimed, settings, operation, Word::Closed);
    }
    match outcomes.first().map(|result| result.outcome) {
        Some(StepOutcome::NoSuchTarget) => close(host, claimed, settings, operation, Word::InviteeNotActive),
        // Somebody has taken it since the check.
        Some(StepOutcome::NameTaken) => close(host, claimed, settings, operation, Word::NameTaken),
        _ => {
            outcomes.extend(withheld(host, claimed, plan.withheld)?);
            finish(host, claimed, settings, operation, outcomes)
        }
    }
}

/// Membership and grants in one call; when its answer is lost the same call is made once more, which
/// applies nothing twice.
fn apply(host: &impl Capabilities, claimed: &Invitation, plan: &Plan) -> Result<Vec<StepResult>, HostError> {
    let key = &claimed.key;
    let once = || host.apply(&key.organization, &key.id, &plan.user, &plan.steps);
    let outcomes = match once() {
        Err(error) if is_uncertain(&error) => once()?,
        answer => answer?,
    };
    if outcomes.len() != plan.steps.len() {
        return Err(out_of_step());
    }
    let stored = |outcome| match outcome {
        StepOutcome::AlreadyApplied => StepOutcome::Applied,
        outcome => outcome,
    };
    let steps = plan.steps.iter().cloned();
    Ok(steps.zip(outcomes).map(|(step, outcome)| StepResult { step, outcome: stored(outcome) }).collect())
}

/// Tells what became of the grants that a policy takes away now: an earlier run may have given some of them
/// before it broke off. That is only known for good once nothing can be applied any more.
fn withheld(
    host: &impl Capabilities,
    claimed: &Invitation,
    mut withheld: Vec<StepResult>,
) -> Result<Vec<StepResult>, HostError> {
    if withheld.is_empty() || claimed.claims < 2 {
        return Ok(withheld);
    }
    let applied = applied_for_good(host, claimed)?;
    for result in &mut withheld {
        if let Some(earlier) = applied.iter().find(|earlier| earlier.step == result.step) {
            result.outcome = earlier.outcome;
        }
    }
    Ok(withheld)
}

/// Closes the invitation and answers what had been applied.
fn applied_for_good(host: &impl Capabilities, claimed: &Invitation) -> Result<Vec<StepResult>, HostError> {
    let once = || host.close(&claimed.key.organization, &claimed.key.id);
    let applied = match once() {
        Err(error) if is_uncertain(&error) => once()?,
        answer => answer?,
    };
    let steps = steps(claimed);
    let can_be = |result: &StepResult| {
        steps.contains(&result.step)
            && matches!(result.outcome, StepOutcome::Applied | StepOutcome::WasRemoved)
    };
    if !applied.iter().all(can_be) {
        return Err(HostError::Other("the host named steps that it cannot have applied".into()));
    }
    Ok(applied)
}

/// All that accepting this invitation could do.
fn steps(row: &Invitation) -> Vec<Step> {
    std::iter::once(Step::Member).chain(row.grants.iter().cloned().map(Step::Grant)).collect()
}

/// Ends a claimed invitation that may not be accepted after all: first nobody can apply anything for
/// it any more, and only then is it known what had been applied.
///
/// # Errors
/// As [`carry_through`].
pub fn close(
    host: &impl Capabilities,
    claimed: &Invitation,
    settings: &Values,
    operation: &str,
    why: Word,
) -> Result<Carried, HostError> {
    let applied = applied_for_good(host, claimed)?;
    if !applied.is_empty() {
        let outcome_of = |step: &Step| {
            let result = applied.iter().find(|result| result.step == *step);
            result.map_or(StepOutcome::Withheld, |result| result.outcome)
        };
        let outcome = |step| StepResult { outcome: outcome_of(&step), step };
        let outcomes = steps(claimed).into_iter().map(outcome).collect();
        return finish(host, claimed, settings, operation, outcomes);
    }
    let mut change = change(Move::Fail, &[operation, "/end"].concat());
    change.reason = Some(reason(why).to_owned());
    change.word = Some(why);
    change.messages = notice(claimed, settings, Notices::FAILED, MessageKind::Failed);
    match shift(host, claimed, Move::Fail, &change) {
        Ok(_) => Ok(Carried::Failed),
        Err(unmoved) => unfinished(unmoved),
    }
}

/// The reason why an accept was ended, as it stands on the invitation.
const fn reason(why: Word) -> &'static str {
    match why {
        Word::OrganizationNotActive => "organization-not-active",
        Word::OrganizationMoved => "organization-moved",
        Word::InviteeNotActive => "invitee-not-active",
        Word::InviterNotEntitled => "inviter-not-entitled",
        Word::GrantsNotAllowed => "grants-not-allowed",
        Word::AddressNotAllowed => "address-not-allowed",
        Word::NameTaken => "name-taken",
        Word::Policy => "policy",
        Word::GivenUp => "given-up",
        Word::Closed => "closed",
        _ => "other",
    }
}

fn finish(
    host: &impl Capabilities,
    claimed: &Invitation,
    settings: &Values,
    operation: &str,
    outcomes: Vec<StepResult>,
) -> Result<Carried, HostError> {
    let mut change = change(Move::Finish, &[operation, "/end"].concat());
    change.outcomes = Some(outcomes.clone());
    change.messages = notice(claimed, settings, Notices::ACCEPTED, MessageKind::Accepted);
    match shift(host, claimed, Move::Finish, &change) {
        Ok(_) => Ok(Carried::Accepted(outcomes)),
        Err(unmoved) => unfinished(unmoved),
    }
}

fn unfinished(unmoved: Unmoved) -> Result<Carried, HostError> {
    match unmoved {
        Unmoved::Lost(row) => Ok(Carried::Elsewhere(row)),
        Unmoved::Gone => Err(HostError::Other("a claimed invitation has vanished".into())),
        Unmoved::Failed(error) => Err(error),
    }
}

/// Tells what has become of it, if somebody else has moved it since the claim; otherwise `error` stands.
fn elsewhere(host: &impl Capabilities, claimed: &Invitation, error: HostError) -> Result<Carried, HostError> {
    match transition::read(host, &claimed.key) {
        Ok(row) if row.version != claimed.version => Ok(Carried::Elsewhere(Box::new(row))),
        _ => Err(error),
    }
}
