//! Asks whether an invitation is still right: the questions that invite and accept have in common.
//!
//! Between inviting and accepting up to three days pass in which everything may change: organizations
//! are suspended or moved, people leave, groups vanish, rights are lost. So accepting asks again, and
//! all of it only reads.

use crate::{
    Capabilities,
    contract::{
        exports::invitations::{ItemRefusal, Refusal},
        imports::{
            membership::Resolved,
            policy::{AcceptFacts, PolicyError},
            settings::{Codes, Values},
            types::{
                AcceptWith, Context, Grant, HostError, Invitation, Obstacle, Permissions, Principal, Step,
                StepOutcome, StepResult, Subject, UserRef, Verdict,
            },
        },
    },
    known::Known,
    request,
};

/// A plan of what an accept may do now.
pub struct Plan {
    /// The user who becomes a member.
    pub user: UserRef,
    /// Membership first, then each grant.
    pub steps: Vec<Step>,
    /// The steps that a policy took away since.
    pub withheld: Vec<StepResult>,
    /// The policy asks for the invitee themselves, even where a code would do.
    pub signed_in_only: bool,
}

/// The reason why there is no plan.
pub enum Blocked {
    /// An obstacle: somebody or something says no.
    By(Obstacle),
    /// The policy gave no answer; when to ask again.
    NoVerdict(Option<u64>),
    /// The host failed, so it could not be found out.
    Failed(HostError),
}

impl From<HostError> for Blocked {
    fn from(error: HostError) -> Self {
        Self::Failed(error)
    }
}

impl From<Obstacle> for Blocked {
    fn from(obstacle: Obstacle) -> Self {
        Self::By(obstacle)
    }
}

/// The terms under which an invitation is checked.
pub struct Terms<'a> {
    /// The invitation as it stands.
    pub row: &'a Invitation,
    /// The one who answers for it: its inviter, or whoever is about to become that.
    pub inviter: &'a Principal,
    /// Tells whether somebody else has approved it, or is about to.
    pub approved: bool,
}

impl<'a> Terms<'a> {
    /// Takes the invitation as it is.
    #[must_use]
    pub const fn of(row: &'a Invitation) -> Self {
        Self { row, inviter: &row.inviter, approved: row.approver.is_some() }
    }
}

/// Checks everything that accepting depends on, in the order in which the obstacles are named.
///
/// # Errors
/// The first obstacle, or the failure of the host that hid whether there is one.
pub fn check(host: &impl Capabilities, row: &Invitation, settings: &Values) -> Result<Plan, Blocked> {
    check_with(host, &mut Known::default(), &Terms::of(row), settings)
}

/// The same, for one of several invitations of an organization: what the host has said in this call is not
/// asked again.
///
/// # Errors
/// As [`check`].
pub fn check_with(
    host: &impl Capabilities,
    known: &mut Known,
    terms: &Terms<'_>,
    settings: &Values,
) -> Result<Plan, Blocked> {
    let row = terms.row;
    let organization = row.key.organization.as_str();
    let Subject::User(subject) = &row.subject else {
        return Err(Obstacle::Other("this kind of subject is not supported".into()).into());
    };
    match known.active(host, organization)? {
        Some(found) if found.parent.as_ref() == Some(&row.parent) => {}
        Some(_) => return Err(Obstacle::OrganizationMoved.into()),
        None => return Err(Obstacle::OrganizationNotActive.into()),
    }
    match known.user(host, &row.parent, subject)? {
        Some(user) if user.active && user.account == *subject => {}
        _ => return Err(Obstacle::InviteeNotActive.into()),
    }
    match known.standing(host, organization, terms.inviter)? {
        Some(permissions) if permissions.contains(Permissions::INVITE) => {}
        _ => return Err(Obstacle::InviterNotEntitled.into()),
    }
    may_receive(host, known, terms, subject, settings)?;
    known.spent += 1;
    let (kept, signed_in_only) = policy(host, row, terms.approved)?;
    let (mut steps, mut withheld) = (vec![Step::Member], Vec::new());
    for (grant, kept) in row.grants.iter().zip(kept) {
        let step = Step::Grant(grant.clone());
        if kept {
            steps.push(step);
        } else {
            withheld.push(StepResult { step, outcome: StepOutcome::Withheld });
        }
    }
    Ok(Plan { user: subject.clone(), steps, withheld, signed_in_only })
}

/// The outcome of a check, for somebody who wants to send the invitation.
///
/// # Errors
/// `not-invitable` with the obstacle, or the failure of the host.
pub fn sendable(checked: Result<Plan, Blocked>) -> Result<(), Refusal> {
    let obstacle = match checked {
        Ok(_) => return Ok(()),
        Err(Blocked::By(obstacle)) => obstacle,
        Err(Blocked::NoVerdict(after)) => Obstacle::PolicyUnavailable(after),
        Err(Blocked::Failed(error)) => return Err(Refusal::Host(error)),
    };
    Err(Refusal::NotInvitable(ItemRefusal::Obstacle(obstacle)))
}

/// A group that vanished is no obstacle: it is skipped and recorded. One that exists and may no longer
/// be given, or has come to need an approval that this invitation never had, is.
fn may_receive(
    host: &impl Capabilities,
    known: &mut Known,
    terms: &Terms<'_>,
    subject: &UserRef,
    settings: &Values,
) -> Result<(), Blocked> {
    let row = terms.row;
    let organization = row.key.organization.as_str();
    let eligibility = known.eligible(host, organization, subject, &row.grants)?;
    if !eligibility.address_allowed {
        return Err(Obstacle::AddressNotAllowed.into());
    }
    if eligibility.name_taken && !eligibility.member {
        return Err(Obstacle::NameTaken.into());
    }
    if row.grants.is_empty() {
        return Ok(());
    }
    let resolved = known.resolved(host, organization, terms.inviter, &row.grants)?;
    let mut forbidden = not_grantable(&resolved);
    forbidden.extend(eligibility.withheld);
    if !terms.approved {
        forbidden.extend(indexes_of(&row.grants, |grant| is_privileged(settings, grant)));
    }
    let forbidden = over_ceiling(settings, &row.grants, forbidden);
    let forbidden: Vec<_> = (0..)
        .zip(row.grants.iter().zip(&resolved))
        .filter(|(index, (_, resolved))| resolved.is_some() && forbidden.contains(index))
        .map(|(_, (grant, _))| grant.clone())
        .collect();
    if forbidden.is_empty() { Ok(()) } else { Err(Obstacle::GrantsNotAllowed(forbidden).into()) }
}

/// Asks for each grant whether the policy leaves it, and whether the invitee themselves have to sign in.
fn policy(host: &impl Capabilities, row: &Invitation, approved: bool) -> Result<(Vec<bool>, bool), Blocked> {
    let everything = vec![true; row.grants.len()];
    let no = |why: String| Err(Obstacle::Policy(request::bounded(why)).into());
    let facts = AcceptFacts { invitation: row.clone() };
    let verdict = host.decide_accept(&facts).map_err(|error| match error {
        PolicyError::Host(error) => Blocked::Failed(error),
        PolicyError::Silent(after) => Blocked::NoVerdict(after),
    })?;
    let narrowed = match verdict {
        Verdict::Allow => None,
        Verdict::AllowWith(narrowed) => Some(narrowed),
        Verdict::RequireApproval(approval) if approved => approval.narrowed,
        Verdict::RequireApproval(_) => {
            return no("it needs approval, which has to be given before it is sent".into());
        }
        Verdict::Refuse(why) => return no(why),
        Verdict::Other(_) => return no("the policy's answer is not understood: update the plugin".into()),
    };
    match narrowed {
        None => Ok((everything, false)),
        Some(narrowed) if is_selection(&narrowed.grants, row.grants.len()) => {
            let kept = (0..).zip(everything).map(|(index, _)| narrowed.grants.contains(&index)).collect();
            Ok((kept, narrowed.signed_in_only))
        }
        Some(_) => no("the policy tried to allow more than was asked".into()),
    }
}

/// Tells whether the caller may be shown codes: the organization lets somebody see them, and the caller is
/// one of those.
#[must_use]
pub fn may_see_code(context: &Context, settings: &Values) -> bool {
    settings.codes != Codes::InviteeOnly && context.permissions.contains(Permissions::SEE_CODE)
}

/// Indexes of the grants that exist and that the inviter may not give.
#[must_use]
pub fn not_grantable(resolved: &[Option<Resolved>]) -> Vec<u32> {
    indexes_of(resolved, |resolved| resolved.as_ref().is_some_and(|found| !found.grantable)).collect()
}

/// Adds the grants that the organization's settings do not let into any invitation.
#[must_use]
pub fn over_ceiling(settings: &Values, grants: &[Grant], mut forbidden: Vec<u32>) -> Vec<u32> {
    if let Some(ceiling) = &settings.ceiling {
        forbidden.extend(indexes_of(grants, |grant| !ceiling.contains(grant)));
        forbidden.sort_unstable();
        forbidden.dedup();
    }
    forbidden
}

/// Tells whether this needs somebody else's approval.
#[must_use]
pub fn is_privileged(settings: &Values, grant: &Grant) -> bool {
    settings.privileged.contains(grant)
}

fn indexes_of<T>(list: &[T], wanted: impl Fn(&T) -> bool) -> impl Iterator<Item = u32> {
    (0..).zip(list).filter(move |(_, item)| wanted(item)).map(|(index, _)| index)
}

/// Tells whether these are distinct indexes of a list of that length.
#[must_use]
pub fn is_selection(indexes: &[u32], length: usize) -> bool {
    let mut seen = vec![false; length];
    indexes.iter().all(|index| match seen.get_mut(*index as usize) {
        Some(slot) => !std::mem::replace(slot, true),
        None => false,
    })
}

/// The stricter of what the invitation was made with and what the organization wants now.
#[must_use]
pub fn strictest(one: AcceptWith, other: AcceptWith) -> AcceptWith {
    match (one, other) {
        (AcceptWith::InviteeAndCode, _) | (_, AcceptWith::InviteeAndCode) => AcceptWith::InviteeAndCode,
        (AcceptWith::Invitee, _) | (_, AcceptWith::Invitee) => AcceptWith::Invitee,
        (AcceptWith::Code, AcceptWith::Code) => AcceptWith::Code,
    }
}
