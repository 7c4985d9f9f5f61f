//! Asks what the organization's policy makes of each candidate.

use crate::{
    Capabilities, answers,
    contract::{
        exports::invitations::{ItemRefusal, Refusal},
        imports::{
            policy::{self, PolicyError},
            types::{AcceptWith, Context, Grant, Invitation, Narrowed, Verdict},
        },
    },
    eligibility,
    invite::{Answers, Candidate, Terms, put, put_all},
    refusals::account,
    request,
    transition::retry_after,
};

/// A candidate who will be invited, and on which terms.
pub struct Judged {
    pub candidate: Candidate,
    /// Indexes into the requested grants; `None`: all.
    pub grants: Option<Vec<u32>>,
    pub lifetime: Option<u64>,
    pub accept_with: AcceptWith,
    /// The reason why somebody else has to approve, where that is so.
    pub approval: Option<String>,
}

/// Asks the policy once for all. A policy that does not answer allows nothing.
pub fn judge(
    host: &impl Capabilities,
    terms: &Terms<'_>,
    candidates: Vec<Candidate>,
    answers: &mut Answers,
) -> Vec<Judged> {
    if candidates.is_empty() {
        return Vec::new();
    }
    let facts = policy::InviteFacts {
        organization: terms.organization.to_owned(),
        parent: terms.parent.to_owned(),
        inviter: terms.context.caller.clone(),
        grants: terms.grants.to_vec(),
        lifetime: terms.lifetime,
        notify: terms.notify,
        metadata: terms.metadata.to_vec(),
        candidates: candidates
            .iter()
            .map(|candidate| policy::Candidate {
                account: candidate.user.account.clone(),
                via: candidate.user.via.clone(),
                name: candidate.name.clone(),
            })
            .collect(),
    };
    let verdicts = match host.decide_invite(&facts) {
        Ok(verdicts) if verdicts.len() == candidates.len() => verdicts,
        other => {
            let refusal = match other {
                Err(PolicyError::Host(error)) => ItemRefusal::Unavailable(retry_after(&error)),
                Err(PolicyError::Silent(after)) => ItemRefusal::PolicyUnavailable(after),
                Ok(_) => ItemRefusal::PolicyUnavailable(None),
            };
            put_all(answers, &candidates, &refusal);
            return Vec::new();
        }
    };
    let mut judged = Vec::with_capacity(candidates.len());
    for (candidate, verdict) in candidates.into_iter().zip(verdicts) {
        let position = candidate.position;
        match on_terms(terms, candidate, verdict) {
            Ok(item) => judged.push(item),
            Err(why) => put(answers, position, Err(ItemRefusal::Refused(request::bounded(why)))),
        }
    }
    judged
}

/// Asks whether the policy would let the caller make this very invitation: nothing less, and without approval.
///
/// # Errors
/// `not-invitable`, or the failure of the host.
pub fn would_be_allowed(
    host: &impl Capabilities,
    context: &Context,
    row: &Invitation,
) -> Result<(), Refusal> {
    let Some(account) = account(&row.subject) else {
        return Err(Refusal::Unsupported("this kind of subject is not supported".into()));
    };
    let user = answers::one(host.get_users(&row.parent, std::slice::from_ref(account))?)?;
    let candidate = policy::Candidate {
        account: account.clone(),
        via: user.and_then(|user| user.via),
        name: row.name.clone(),
    };
    let facts = policy::InviteFacts {
        organization: row.key.organization.clone(),
        parent: row.parent.clone(),
        inviter: context.caller.clone(),
        grants: row.grants.clone(),
        lifetime: row.lifetime,
        notify: row.notify,
        metadata: row.metadata.clone(),
        candidates: vec![candidate],
    };
    let verdict = match host.decide_invite(&facts) {
        Ok(verdicts) => <[Verdict; 1]>::try_from(verdicts).ok(),
        Err(PolicyError::Host(error)) => return Err(Refusal::Host(error)),
        Err(PolicyError::Silent(after)) => {
            return Err(Refusal::NotInvitable(ItemRefusal::PolicyUnavailable(after)));
        }
    };
    let is_less = |narrowed: &Narrowed| {
        narrowed.grants.len() != row.grants.len()
            || narrowed.lifetime.is_some_and(|shorter| row.lifetime.is_none_or(|lifetime| shorter < lifetime))
            || (narrowed.signed_in_only && row.accept_with == AcceptWith::Code)
    };
    let refusal = match verdict {
        None => ItemRefusal::PolicyUnavailable(None),
        Some([Verdict::Allow]) => return Ok(()),
        Some([Verdict::AllowWith(narrowed)]) if !is_less(&narrowed) => return Ok(()),
        Some([Verdict::AllowWith(_)]) => {
            ItemRefusal::Refused("the policy allows less than this invitation gives: invite anew".into())
        }
        Some([Verdict::RequireApproval(_)]) => ItemRefusal::NeedsApproval,
        Some([Verdict::Refuse(why)]) => ItemRefusal::Refused(request::bounded(why)),
        Some([Verdict::Other(_)]) => {
            ItemRefusal::Refused("the policy's answer is not understood: update the plugin".into())
        }
    };
    Err(Refusal::NotInvitable(refusal))
}

fn on_terms(terms: &Terms<'_>, candidate: Candidate, verdict: Verdict) -> Result<Judged, String> {
    let mut judged = Judged {
        candidate,
        grants: None,
        lifetime: terms.lifetime,
        accept_with: terms.settings.accept_with,
        approval: None,
    };
    match verdict {
        Verdict::Allow => {}
        Verdict::Refuse(why) => return Err(why),
        Verdict::RequireApproval(approval) => {
            if let Some(narrowed) = approval.narrowed {
                narrow(terms, &mut judged, narrowed)?;
            }
            judged.approval = Some(request::bounded(approval.reason));
        }
        Verdict::AllowWith(narrowed) => narrow(terms, &mut judged, narrowed)?,
        Verdict::Other(_) => return Err("the policy's answer is not understood: update the plugin".into()),
    }
    let is_privileged =
        judged.remaining(terms).any(|grant| eligibility::is_privileged(terms.settings, grant));
    if judged.approval.is_none() && is_privileged {
        judged.approval = Some("a privileged group or role needs approval".into());
    }
    Ok(judged)
}

fn narrow(terms: &Terms<'_>, judged: &mut Judged, narrowed: Narrowed) -> Result<(), String> {
    let widened = || Err("the policy tried to allow more than was asked".to_owned());
    if !eligibility::is_selection(&narrowed.grants, terms.grants.len()) {
        return widened();
    }
    if let Some(shorter) = narrowed.lifetime {
        if shorter == 0 || terms.lifetime.is_some_and(|asked| shorter > asked) {
            return widened();
        }
        if shorter < terms.settings.lifetime_min {
            return Err("the policy allows less time than the organization's shortest, `lifetime-min`".into());
        }
        judged.lifetime = Some(shorter);
    }
    if narrowed.grants.len() < terms.grants.len() {
        judged.grants = Some(narrowed.grants);
    }
    if narrowed.signed_in_only && judged.accept_with == AcceptWith::Code {
        judged.accept_with = AcceptWith::Invitee;
    }
    Ok(())
}

impl Judged {
    /// The grants that are left of those asked for.
    fn remaining<'a>(&self, terms: &Terms<'a>) -> impl Iterator<Item = &'a Grant> {
        let is_kept = |index: u32| self.grants.as_ref().is_none_or(|kept| kept.contains(&index));
        (0..).zip(terms.grants).filter(move |(index, _)| is_kept(*index)).map(|(_, grant)| grant)
    }

    /// Indexes of the requested grants that the policy took away.
    pub fn withheld(&self, terms: &Terms<'_>) -> Vec<u32> {
        let Some(kept) = &self.grants else { return Vec::new() };
        (0..).zip(terms.grants).map(|(index, _)| index).filter(|index| !kept.contains(index)).collect()
    }
}
