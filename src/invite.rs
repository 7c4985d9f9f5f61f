//! Inviting users of the parent organization, many at once.
//!
//! First the request is judged as a whole, then each name by itself: the first reason that applies is
//! its answer, and no answer depends on another item, except that a repeated account is a duplicate.
//! Each question goes to the host once for all items, so a hundred users cost as many host calls as
//! one. All invitations are stored in one commit; only then are the e-mails sent.

mod persist;
mod policy_decision;

pub use persist::{Terms, is_final};
pub use policy_decision::would_be_allowed;

use crate::{
    Capabilities, answers,
    contract::{
        exports::invitations::{InviteRequest, Invited, ItemRefusal, LifetimeChoice, Refusal},
        imports::{
            audit::Word,
            directory::{Found, LookupError, User},
            settings::Values,
            storage::{Inserted, RecordedOutcome},
            types::{Context, Grant, GrantKind, Invitation, Notify, Permissions, Principal, Subject},
        },
    },
    eligibility,
    refusals::{About, audited, item_from_text, permitted, record},
    request, settings,
    transition::retry_after,
};

const OPERATION: &str = "invitations.invite";

/// One item's answer.
pub type Answer = Result<Invited, ItemRefusal>;

/// Answers to the items of a request, by position; `None` while an item is still in question.
pub type Answers = Vec<Option<Answer>>;

/// A person who may turn out to be invited.
pub struct Candidate {
    /// The position of the item in the request.
    pub position: u32,
    /// The name as the inviter wrote it.
    pub name: String,
    /// The user as the parent organization knows them.
    pub user: User,
}

/// `invitations.invite`
///
/// # Errors
/// What is wrong with the request as a whole; then nothing was stored.
pub fn invite(
    host: &impl Capabilities,
    context: &Context,
    request: &InviteRequest,
) -> Result<Vec<Answer>, Refusal> {
    let about = About::default();
    let answers = audited(host, context, OPERATION, &about, try_invite(host, context, request))?;
    // Such an item is not refused for good, so the batch has no event of it.
    if answers.iter().any(|answer| matches!(answer, Err(ItemRefusal::PolicyUnavailable(_)))) {
        record(host, context, &about, &[about.event(OPERATION, Word::PolicyUnavailable)]);
    }
    Ok(answers)
}

fn try_invite(
    host: &impl Capabilities,
    context: &Context,
    request: &InviteRequest,
) -> Result<Vec<Answer>, Refusal> {
    let organization = permitted(context, Permissions::INVITE)?;
    let settings = settings::of(host, organization)?;
    request::check(request, &settings)?;
    let notify = request.notify.unwrap_or(settings.notify);
    may_see_codes(context, &settings, notify)?;
    let lifetime = request::lifetime(request.lifetime, &settings)?;

    let mut answers: Answers = vec![None; request.names.len()];
    let mut fingerprint = request::no_fingerprint();
    if let Some(key) = &request.idempotency_key {
        fingerprint = request::fingerprint(request);
        recall(host, organization, key, &fingerprint, &mut answers)?;
        if answers.iter().all(Option::is_some) {
            return Ok(finished(answers));
        }
    }

    let parent = answers::parent_of(host, organization)?;
    let forbidden = grants_that_exist(host, organization, &context.caller, &request.grants)?;
    let mut terms = Terms {
        context,
        organization,
        parent: &parent,
        settings: &settings,
        forbidden: eligibility::over_ceiling(&settings, &request.grants, forbidden),
        grants: &request.grants,
        lifetime,
        notify,
        template: request.template.as_deref(),
        language: request.language.as_deref(),
        landing: request.landing.as_deref(),
        metadata: &request.metadata,
        operation: request.idempotency_key.as_deref(),
        fingerprint,
        names: &request.names,
        accounts: vec![None; request.names.len()],
        replaces: None,
    };
    let found = find(host, &mut terms, request.userstore_domain.as_deref(), &mut answers)?;
    let eligible = eligible(host, &terms, found, &mut answers);
    let judged = policy_decision::judge(host, &terms, eligible, &mut answers);
    persist::store_and_send(host, &terms, judged, &mut answers)?;
    Ok(finished(answers))
}

/// Invites the invitee of an expired invitation anew, as the caller and under the rules of now: whoever
/// may not invite may not do so by resending either.
///
/// # Errors
/// Why not; then nothing was stored.
pub fn anew(
    host: &impl Capabilities,
    context: &Context,
    expired: &Invitation,
    settings: &Values,
) -> Result<Invited, Refusal> {
    let Subject::User(account) = &expired.subject else {
        return Err(Refusal::Unsupported("this kind of subject is not supported".into()));
    };
    let organization = permitted(context, Permissions::INVITE)?;
    let request = InviteRequest {
        names: vec![expired.name.clone()],
        userstore_domain: None,
        grants: expired.grants.clone(),
        lifetime: expired.lifetime.map_or(LifetimeChoice::Never, LifetimeChoice::Lasting),
        notify: Some(expired.notify),
        template: expired.template.clone(),
        language: expired.language.clone(),
        landing: expired.landing.clone(),
        metadata: expired.metadata.clone(),
        idempotency_key: None,
    };
    request::check(&request, settings)?;
    may_see_codes(context, settings, expired.notify)?;
    let lifetime = request::lifetime(request.lifetime, settings)
        .or_else(|_| request::lifetime(LifetimeChoice::Default, settings))?;
    let parent = answers::parent_of(host, organization)?;
    let forbidden = grants_that_exist(host, organization, &context.caller, &request.grants)?;
    let terms = Terms {
        context,
        organization,
        parent: &parent,
        settings,
        forbidden: eligibility::over_ceiling(settings, &request.grants, forbidden),
        grants: &request.grants,
        lifetime,
        notify: expired.notify,
        template: request.template.as_deref(),
        language: request.language.as_deref(),
        landing: request.landing.as_deref(),
        metadata: &request.metadata,
        operation: None,
        fingerprint: request::no_fingerprint(),
        names: &request.names,
        accounts: vec![Some(account.clone())],
        replaces: Some(&expired.key.id),
    };
    let mut answers: Answers = vec![None];
    let mut candidates = Vec::new();
    match answers::one(host.get_users(&parent, std::slice::from_ref(account))?)? {
        Some(user) if user.active && user.account == *account => {
            candidates.push(Candidate { position: 0, name: expired.name.clone(), user });
        }
        _ => put(&mut answers, 0, Err(ItemRefusal::NotAParentUser)),
    }
    let eligible = eligible(host, &terms, candidates, &mut answers);
    let judged = policy_decision::judge(host, &terms, eligible, &mut answers);
    persist::store_and_send(host, &terms, judged, &mut answers)?;
    let answer = finished(answers).pop().unwrap_or(Err(ItemRefusal::Unavailable(None)));
    answer.map_err(Refusal::NotInvitable)
}

/// Refuses a request whose answer would show codes to somebody who may not see them.
fn may_see_codes(context: &Context, settings: &Values, notify: Notify) -> Result<(), Refusal> {
    if notify == Notify::External && !eligibility::may_see_code(context, settings) {
        return Err(Refusal::MayNotSeeCode);
    }
    Ok(())
}

/// Answers what an earlier call with the same key has settled for good.
fn recall(
    host: &impl Capabilities,
    organization: &str,
    key: &str,
    fingerprint: &[u8],
    answers: &mut Answers,
) -> Result<(), Refusal> {
    for recorded in host.recall(organization, key, fingerprint)? {
        let answer = match recorded.outcome {
            RecordedOutcome::Row(row) => Ok(existing(row)),
            RecordedOutcome::Refused(text) => Err(item_from_text(&text)),
        };
        put(answers, recorded.position, answer);
    }
    Ok(())
}

/// The answer for an invitation that an earlier call made. Its code cannot be shown again.
fn existing(row: Inserted) -> Invited {
    Invited {
        id: row.id,
        state: row.state,
        expires_at: row.expires_at,
        withheld: Vec::new(),
        mail: row.mail,
        code: None,
        existed: true,
    }
}

/// All roles exist, then all groups exist; the indexes of those that the inviter may not give.
fn grants_that_exist(
    host: &impl Capabilities,
    organization: &str,
    inviter: &Principal,
    grants: &[Grant],
) -> Result<Vec<u32>, Refusal> {
    if grants.is_empty() {
        return Ok(Vec::new());
    }
    let resolved = answers::resolve(host, organization, inviter, grants)?;
    for kind in [GrantKind::Role, GrantKind::Group] {
        let unknown: Vec<_> = grants
            .iter()
            .zip(&resolved)
            .filter(|(grant, resolved)| grant.kind == kind && resolved.is_none())
            .map(|(grant, _)| grant.clone())
            .collect();
        if !unknown.is_empty() {
            return Err(Refusal::UnknownGrants(unknown));
        }
    }
    Ok(eligibility::not_grantable(&resolved))
}

/// The users of the parent that the names mean, without those who were named before.
fn find(
    host: &impl Capabilities,
    terms: &mut Terms<'_>,
    userstore: Option<&str>,
    answers: &mut Answers,
) -> Result<Vec<Candidate>, Refusal> {
    let (mut asked, mut names) = (Vec::new(), Vec::new());
    for (position, name) in (0..).zip(terms.names) {
        if let Some(problem) = request::name_problem(name, terms.settings) {
            put(answers, position, Err(ItemRefusal::Invalid(problem)));
            continue;
        }
        // At most a hundred short texts: comparing them all is cheaper than any index.
        if terms.names.iter().take(position as usize).any(|earlier| earlier == name) {
            put(answers, position, Err(ItemRefusal::Duplicate));
        } else if is_open(answers, position) {
            asked.push(position);
            names.push(name.clone());
        }
    }
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let users = match host.find_users(terms.parent, userstore, &names) {
        Ok(users) if users.len() == names.len() => users,
        Ok(_) => names.iter().map(|_| Err(answers::out_of_step())).collect(),
        Err(LookupError::UnknownUserstore(name)) => return Err(Refusal::UnknownUserstore(name)),
        Err(LookupError::Host(error)) => names.iter().map(|_| Err(error.clone())).collect(),
        Err(LookupError::Other(_)) => names.iter().map(|_| Err(answers::out_of_step())).collect(),
    };

    let mut candidates: Vec<Candidate> = Vec::with_capacity(users.len());
    for ((position, name), user) in asked.into_iter().zip(names).zip(users) {
        match user {
            Err(error) => put(answers, position, Err(ItemRefusal::Unavailable(retry_after(&error)))),
            Ok(Found::Ambiguous) => put(answers, position, Err(ItemRefusal::Ambiguous)),
            Ok(Found::One(user)) if user.active => {
                terms.is_about(position, &user.account);
                if candidates.iter().any(|earlier| earlier.user.account == user.account) {
                    put(answers, position, Err(ItemRefusal::Duplicate));
                } else {
                    candidates.push(Candidate { position, name, user });
                }
            }
            Ok(Found::One(user)) => {
                terms.is_about(position, &user.account);
                put(answers, position, Err(ItemRefusal::NotAParentUser));
            }
            Ok(Found::Nobody) => put(answers, position, Err(ItemRefusal::NotAParentUser)),
        }
    }
    Ok(candidates)
}

/// Keeps those who are not members yet, can be reached, and may be given what the inviter may give.
fn eligible(
    host: &impl Capabilities,
    terms: &Terms<'_>,
    candidates: Vec<Candidate>,
    answers: &mut Answers,
) -> Vec<Candidate> {
    if candidates.is_empty() {
        return candidates;
    }
    let accounts: Vec<_> = candidates.iter().map(|candidate| candidate.user.account.clone()).collect();
    let eligibility = match host.eligible(terms.organization, &accounts, terms.grants) {
        Ok(list) if list.len() == accounts.len() => list,
        other => {
            let error = other.err().unwrap_or_else(answers::out_of_step);
            put_all(answers, &candidates, &ItemRefusal::Unavailable(retry_after(&error)));
            return Vec::new();
        }
    };
    let mut remaining = Vec::with_capacity(candidates.len());
    for (candidate, eligibility) in candidates.into_iter().zip(eligibility) {
        let refusal = if eligibility.member {
            ItemRefusal::AlreadyMember
        } else if eligibility.name_taken {
            ItemRefusal::NameTaken
        } else if terms.notify == Notify::Internal && !candidate.user.has_email {
            ItemRefusal::NoEmail
        } else if !eligibility.address_allowed {
            ItemRefusal::AddressNotAllowed
        } else if !terms.forbidden.is_empty() {
            ItemRefusal::MayNotGrant(terms.forbidden.clone())
        } else if !eligibility.withheld.is_empty() {
            ItemRefusal::MayNotReceive(eligibility.withheld)
        } else {
            remaining.push(candidate);
            continue;
        };
        put(answers, candidate.position, Err(refusal));
    }
    remaining
}

/// Answers one item, unless it has its answer already.
fn put(answers: &mut Answers, position: u32, answer: Answer) {
    if let Some(slot @ None) = answers.get_mut(position as usize) {
        *slot = Some(answer);
    }
}

fn put_all(answers: &mut Answers, candidates: &[Candidate], refusal: &ItemRefusal) {
    for candidate in candidates {
        put(answers, candidate.position, Err(refusal.clone()));
    }
}

fn is_open(answers: &Answers, position: u32) -> bool {
    matches!(answers.get(position as usize), Some(None))
}

/// One answer for each item, whatever happened.
fn finished(answers: Answers) -> Vec<Answer> {
    answers.into_iter().map(|answer| answer.unwrap_or(Err(ItemRefusal::Unavailable(None)))).collect()
}
