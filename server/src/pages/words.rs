//! Words for what the plugin answers to invitees: what happened, and what to do.

use guestlist_contract::{
    exports::invitee::{Ended, InviteeRefusal, Obstacle},
    types::{HostError, StepOutcome},
};
use guestlist_mail::{Language, one_line};

use super::texts;

/// The longest text of an organization's policy that is shown, in characters.
const POLICY: usize = 500;

/// What happened, and what to do.
pub struct Words {
    pub title: String,
    pub detail: String,
}

/// Says why nothing was done.
pub fn refused(language: Language, refusal: &InviteeRefusal) -> Words {
    let over = |detail: String| Words { title: texts::over_title(language), detail };
    let later = |detail: String| Words { title: texts::later_title(language), detail };
    match refusal {
        InviteeRefusal::NotUsable => {
            Words { title: texts::not_usable_title(language), detail: texts::not_usable_detail(language) }
        }
        InviteeRefusal::Malformed => {
            Words { title: texts::malformed_title(language), detail: texts::malformed_detail(language) }
        }
        InviteeRefusal::Ended(Ended::Expired) => over(texts::ended_expired(language)),
        InviteeRefusal::Ended(Ended::Revoked) => over(texts::ended_revoked(language)),
        InviteeRefusal::Ended(Ended::Used) => over(texts::ended_used(language)),
        InviteeRefusal::Ended(Ended::Declined) => over(texts::ended_declined(language)),
        InviteeRefusal::Ended(Ended::Failed) => over(texts::ended_failed(language)),
        InviteeRefusal::Obstacle(obstacle) => {
            Words { title: texts::obstacle_title(language), detail: in_the_way(language, obstacle) }
        }
        InviteeRefusal::InProgress(after) => later(texts::in_progress(language, after.div_ceil(1000).max(1))),
        InviteeRefusal::Conflict => later(texts::conflict(language)),
        InviteeRefusal::Invalid(what) => Words {
            title: texts::not_understood_title(language),
            detail: texts::invalid(language, one_line(what, POLICY)),
        },
        InviteeRefusal::Unsupported(what) => Words {
            title: texts::not_possible_title(language),
            detail: texts::unsupported(language, one_line(what, POLICY)),
        },
        InviteeRefusal::Host(error) => host(language, error),
        InviteeRefusal::Other(what) => Words {
            title: texts::not_possible_title(language),
            detail: texts::unknown_refusal(language, one_line(what, POLICY)),
        },
    }
}

fn in_the_way(language: Language, obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::OrganizationNotActive => texts::organization_not_active(language),
        Obstacle::OrganizationMoved => texts::organization_moved(language),
        Obstacle::InviteeNotActive => texts::invitee_not_active(language),
        Obstacle::InviterNotEntitled => texts::inviter_not_entitled(language),
        Obstacle::GrantsNotAllowed(_) => texts::grants_not_allowed(language),
        Obstacle::AddressNotAllowed => texts::address_not_allowed(language),
        Obstacle::NameTaken => texts::name_taken(language),
        Obstacle::Policy(why) => texts::policy(language, one_line(why, POLICY)),
        Obstacle::PolicyUnavailable(Some(after)) => {
            texts::policy_unavailable_for(language, after.div_ceil(1000).max(1))
        }
        Obstacle::PolicyUnavailable(None) => texts::policy_unavailable(language),
        Obstacle::CodeRequired => texts::code_required(language),
        Obstacle::Other(what) => texts::unknown_refusal(language, one_line(what, POLICY)),
    }
}

fn host(language: Language, error: &HostError) -> Words {
    let later = |detail: String| Words { title: texts::later_title(language), detail };
    match error {
        HostError::Unavailable(None) | HostError::Other(_) => later(texts::unavailable_detail(language)),
        HostError::Unavailable(Some(after)) | HostError::Throttled(after) => {
            later(texts::unavailable_for(language, after.div_ceil(1000).max(1)))
        }
        HostError::OutcomeUnknown => later(texts::outcome_unknown(language)),
        HostError::Denied(_) => {
            Words { title: texts::forbidden_title(language), detail: texts::forbidden_detail(language) }
        }
        HostError::Invalid(what) => Words {
            title: texts::not_understood_title(language),
            detail: texts::invalid(language, one_line(what, POLICY)),
        },
    }
}

/// Says what became of a group or role.
pub fn outcome(language: Language, outcome: StepOutcome) -> String {
    match outcome {
        StepOutcome::Applied | StepOutcome::AlreadyApplied => texts::step_applied(language),
        StepOutcome::AlreadyPresent => texts::step_present(language),
        StepOutcome::WasRemoved => texts::step_removed(language),
        StepOutcome::NoSuchTarget => texts::step_gone(language),
        StepOutcome::NameTaken => texts::step_name_taken(language),
        StepOutcome::NotAMember => texts::step_not_a_member(language),
        StepOutcome::Closed => texts::step_closed(language),
        StepOutcome::Withheld => texts::step_withheld(language),
    }
}
