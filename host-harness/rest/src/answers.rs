//! Answers that callers get.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::asked::Asked;
use guestlist_contract::{
    exports::{
        invitations::{Invited, ItemRefusal, Refusal},
        invitee::{Accepted, Ended, InviteeRefusal, Obstacle, Preview},
        maintenance::SweepRefusal,
    },
    types::{
        Grant, GrantKind, HostError, Invitation, MailState, Principal, State, Step, StepOutcome, StepResult,
    },
};

/// An error in the reference's shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RestError {
    /// The reference's, or one of ours (`GL-..`).
    pub code: String,
    /// The kind of problem.
    pub message: String,
    /// Advice about it.
    pub description: String,
}

impl RestError {
    /// One of several invitations that were to be sent again, and for which one call does not suffice.
    #[must_use]
    pub fn too_many_for_one_call(left: usize) -> Self {
        let these = if left == 1 { "invitation is as it was" } else { "invitations are as they were" };
        Self::new(
            "GL-42900",
            "Too many for one call.",
            format!(
                "The bound on host calls of one call was met, and {left} {these}: call `resend` again with the ids that \
                 have this error."
            ),
        )
    }

    fn new(code: &str, message: &str, description: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), description: description.into() }
    }
}

/// The answer of `invite`: one entry for each user name, in order.
#[must_use]
pub fn invite_answer(usernames: &[String], answers: &[Result<Invited, ItemRefusal>]) -> Value {
    usernames.iter().zip(answers).map(|(username, answer)| entry(username, answer)).collect()
}

/// An invitation that was made, resent or approved.
#[must_use]
pub fn invited(invited: &Invited) -> Value {
    let mut shown = json!({
        "id": invited.id,
        "status": status(invited.state),
        "mail": mail(invited.mail),
    });
    let fields = [
        ("expiredAt", invited.expires_at.map(|at| json!(time(at)))),
        ("confirmationCode", invited.code.as_ref().map(|code| json!(code))),
        ("existed", invited.existed.then_some(Value::Bool(true))),
        ("withheld", (!invited.withheld.is_empty()).then(|| json!(invited.withheld))),
    ];
    add(&mut shown, fields);
    shown
}

fn entry(username: &str, answer: &Result<Invited, ItemRefusal>) -> Value {
    match answer {
        Ok(done) => {
            let mut entry = invited(done);
            let fields =
                [("username", Some(json!(username))), ("result", Some(json!({ "status": "Successful" })))];
            add(&mut entry, fields);
            entry
        }
        Err(refusal) => {
            let problem = item_problem(refusal);
            json!({
                "username": username,
                "result": {
                    "status": "Failed",
                    "errorCode": problem.code,
                    "errorMessage": problem.message,
                    "errorDescription": problem.description,
                },
            })
        }
    }
}

fn add<const N: usize>(to: &mut Value, fields: [(&str, Option<Value>); N]) {
    if let Value::Object(object) = to {
        object.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
}

/// Says why one user was not invited.
#[must_use]
pub fn item_problem(refusal: &ItemRefusal) -> RestError {
    match refusal {
        ItemRefusal::Invalid(what) => RestError::new("UE-10000", "Invalid Request", what),
        ItemRefusal::Ambiguous => RestError::new(
            "GL-10007",
            "More than one user is meant.",
            "The name fits more than one user: use a user name that is nobody's address, or `STORE/name`.",
        ),
        ItemRefusal::NameTaken => RestError::new(
            "GL-10008",
            "The user name is taken.",
            "The organization has another user of that name: rename one of the two.",
        ),
        ItemRefusal::NeedsApproval => RestError::new(
            "GL-10009",
            "Approval needed.",
            "An invitation of yours would need approval, and one that was sent never goes back to it: revoke it \
             and invite anew.",
        ),
        ItemRefusal::Obstacle(obstacle) => RestError::new(
            "GL-10010",
            "It could not be accepted.",
            format!("Nothing was sent, because it could not be accepted now. {}", in_words(obstacle)),
        ),
        ItemRefusal::Duplicate => RestError::new(
            "OUI-10018",
            "Invitation already exists.",
            "The request names this user more than once.",
        ),
        ItemRefusal::NotAParentUser => RestError::new(
            "OUI-10011",
            "Invalid user identification provided.",
            "Could not find an user with given username.",
        ),
        ItemRefusal::AlreadyMember => RestError::new(
            "OUI-10032",
            "Couldn't create the invitation.",
            "User is already exists in the invited organization",
        ),
        ItemRefusal::NoEmail => RestError::new(
            "OUI-10030",
            "Failed to resolve the email of the invited user.",
            "Could not find the email of the invited user.",
        ),
        ItemRefusal::AddressNotAllowed => RestError::new(
            "GL-10005",
            "Address not allowed.",
            "The organization allows no addresses of the domain that the user's is in.",
        ),
        ItemRefusal::MayNotGrant(which) => RestError::new(
            "GL-10001",
            "Not allowed to give these groups or roles.",
            format!("The inviter may not give {}.", numbered(which)),
        ),
        ItemRefusal::MayNotReceive(which) => RestError::new(
            "OUI-10031",
            "Not allowed to receive these groups or roles.",
            format!("The invited user may not receive {}.", numbered(which)),
        ),
        ItemRefusal::Refused(why) => RestError::new("GL-10002", "Refused by the organization's rules.", why),
        ItemRefusal::ActiveInvitation(_) => RestError::new(
            "OUI-10018",
            "Invitation already exists.",
            "An active invitation already exists for the user.",
        ),
        ItemRefusal::OverLimit(limit) => RestError::new(
            "GL-10003",
            "Too many active invitations.",
            format!("The organization may have {limit} active invitations; revoke some or wait."),
        ),
        ItemRefusal::Unsupported(what) => RestError::new("GL-10004", "Not supported.", what),
        ItemRefusal::PolicyUnavailable(after) => RestError::new(
            "GL-10006",
            "Nobody can be invited now.",
            format!(
                "The organization's policy gives no answer: have it repaired, or try again{}.",
                after.map(in_seconds).unwrap_or_default()
            ),
        ),
        ItemRefusal::Unavailable(after) => RestError::new(
            "OUI-10012",
            "Unable to create the invitation.",
            format!("Temporarily unavailable: try again{}.", after.map(in_seconds).unwrap_or_default()),
        ),
        ItemRefusal::Other(what) => RestError::new("GL-10000", "Not done.", what),
    }
}

fn numbered(which: &[u32]) -> String {
    let numbers: Vec<_> = which.iter().map(|index| format!("{}", index + 1)).collect();
    format!("group or role number {} of the request", numbers.join(", "))
}

fn in_seconds(after: u64) -> String {
    format!(" in {} s", after.div_ceil(1000))
}

impl From<(Asked, &Refusal)> for RestError {
    fn from((asked, refusal): (Asked, &Refusal)) -> Self {
        match refusal {
            Refusal::NotPermitted => {
                Self::new("GL-40300", "Forbidden.", "The caller lacks the permission for this operation.")
            }
            Refusal::OrganizationNotActive => Self::new(
                "GL-40301",
                "Organization not active.",
                "The organization does not exist or is suspended.",
            ),
            Refusal::NoParent => Self::new(
                "OUI-65001",
                "No parent organization.",
                "A root organization has nobody to invite from.",
            ),
            Refusal::UnknownGrants(grants) if grants.iter().any(|grant| grant.kind == GrantKind::Role) => {
                Self::new("OUI-60013", "Invalid role list provided.", unknown("roles", grants))
            }
            Refusal::UnknownGrants(grants) => {
                Self::new("OUI-60014", "Invalid group list provided.", unknown("groups", grants))
            }
            Refusal::UnknownUserstore(name) => Self::new(
                "OUI-10036",
                "Invalid user store domain specified in the invitation.",
                format!("Could not find a user store domain with identifier {name}."),
            ),
            Refusal::TooMany(excess) => Self::new(
                "GL-40001",
                "Over a limit.",
                format!(
                    "`{}`: {} given, {} allowed.",
                    asked.field(&excess.what),
                    excess.actual,
                    excess.limit
                ),
            ),
            Refusal::Invalid(what) => Self::new("UE-10000", "Invalid Request", asked.in_its_words(what)),
            Refusal::MayNotSeeCode => Self::new(
                "GL-40304",
                "Codes are not shown.",
                "The answer would show codes, and the organization's setting or the caller's permission `see-code` \
                 does not allow it: let the notifications be managed internally.",
            ),
            Refusal::ContradictorySettings(what) => Self::new(
                "GL-40905",
                "The organization's settings contradict each other.",
                format!("{what}."),
            ),
            Refusal::LifetimeOutOfBounds(bounds) => Self::new(
                "GL-40002",
                "Lifetime out of bounds.",
                format!(
                    "Between {} s and {} s{}.",
                    bounds.min / 1000,
                    bounds.max / 1000,
                    if bounds.never { ", or never" } else { "" }
                ),
            ),
            Refusal::NotFound => Self::new(
                "OUI-60001",
                "Invalid invitation.",
                "There is no invitation with this id in the organization.",
            ),
            Refusal::InProgress(after) => in_progress(*after),
            Refusal::WrongState(state) => {
                Self::new("GL-40900", "Not possible now.", format!("The invitation is {}.", status(*state)))
            }
            Refusal::ResendLimit(limit) => Self::new(
                "GL-40901",
                "Resent too often.",
                format!("An invitation can be resent {limit} times; revoke it and invite anew."),
            ),
            Refusal::OperationReused => Self::new(
                "GL-40902",
                "Idempotency key used before.",
                "The key belongs to another request: take a new one.",
            ),
            Refusal::Conflict => conflict(),
            Refusal::OwnInvitation => Self::new(
                "GL-40302",
                "Own invitation.",
                "Somebody else has to do it: its invitee may not, nor may its inviter approve or reject it.",
            ),
            Refusal::NotInvitable(ItemRefusal::Unavailable(after)) => {
                host(asked, &HostError::Unavailable(*after))
            }
            Refusal::NotInvitable(item) => item_problem(item),
            Refusal::Unsupported(what) => Self::new("GL-50100", "Not supported.", what),
            Refusal::Host(error) => host(asked, error),
            Refusal::Other(what) => Self::new("GL-50000", "Not done.", what),
        }
    }
}

impl From<(Asked, &InviteeRefusal)> for RestError {
    fn from((asked, refusal): (Asked, &InviteeRefusal)) -> Self {
        let not_active =
            |description: &str| Self::new("OUI-60010", "Invalid confirmation code.", description);
        match refusal {
            InviteeRefusal::NotUsable => not_active("This is not an invitation that the caller can use."),
            InviteeRefusal::Malformed => Self::new(
                "UE-10000",
                "Invalid Request",
                "The confirmation code is incomplete: copy the whole link.",
            ),
            InviteeRefusal::Ended(Ended::Expired) => not_active("The invitation has expired."),
            InviteeRefusal::Ended(Ended::Revoked) => not_active("The invitation was revoked."),
            InviteeRefusal::Ended(Ended::Used) => not_active("The invitation was used."),
            InviteeRefusal::Ended(Ended::Declined) => not_active("The invitation was declined."),
            InviteeRefusal::Ended(Ended::Failed) => not_active("The invitation could not be completed."),
            InviteeRefusal::Obstacle(obstacle) => {
                Self::new("GL-40303", "Cannot be accepted now.", in_words(obstacle))
            }
            InviteeRefusal::InProgress(after) => in_progress(*after),
            InviteeRefusal::Invalid(what) => {
                Self::new("UE-10000", "Invalid Request", asked.in_its_words(what))
            }
            InviteeRefusal::Conflict => conflict(),
            InviteeRefusal::Unsupported(what) => Self::new("GL-50100", "Not supported.", what),
            InviteeRefusal::Host(error) => host(asked, error),
            InviteeRefusal::Other(what) => Self::new("GL-50000", "Not done.", what),
        }
    }
}

impl From<(Asked, &SweepRefusal)> for RestError {
    fn from((asked, refusal): (Asked, &SweepRefusal)) -> Self {
        match refusal {
            SweepRefusal::NotPermitted => Self::new("GL-40300", "Forbidden.", "Only the host itself sweeps."),
            SweepRefusal::Invalid(what) => Self::new("UE-10000", "Invalid Request", asked.in_its_words(what)),
            SweepRefusal::Host(error) => host(asked, error),
            SweepRefusal::Other(what) => Self::new("GL-50000", "Not done.", what),
        }
    }
}

fn unknown(what: &str, grants: &[Grant]) -> String {
    let ids: Vec<_> = grants.iter().map(|grant| format!("`{}`", grant.id)).collect();
    format!("The organization has no {what} {}.", ids.join(", "))
}

fn in_progress(after: u64) -> RestError {
    RestError::new(
        "GL-40903",
        "Being accepted.",
        format!("The invitation is being accepted at this moment: try again{}.", in_seconds(after)),
    )
}

fn conflict() -> RestError {
    RestError::new("GL-40904", "Changed meanwhile.", "Others kept changing the invitation: try again.")
}

fn host(asked: Asked, error: &HostError) -> RestError {
    let (code, message) = asked.unable();
    let what = match error {
        HostError::Unavailable(None) => "Temporarily unavailable: try again.".into(),
        HostError::Unavailable(Some(after)) | HostError::Throttled(after) => {
            format!("Temporarily unavailable: try again{}.", in_seconds(*after))
        }
        HostError::OutcomeUnknown => "It is not known whether it was done: try again.".into(),
        HostError::Denied(what) => format!("The host does not allow it: {what}."),
        HostError::Invalid(what) | HostError::Other(what) => what.clone(),
    };
    RestError::new(code, message, what)
}

fn in_words(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::OrganizationNotActive => "The organization is suspended.".into(),
        Obstacle::OrganizationMoved => "The organization has another parent organization by now.".into(),
        Obstacle::InviteeNotActive => "The account is disabled or no longer a user of the parent.".into(),
        Obstacle::InviterNotEntitled => "The inviter may not invite any more.".into(),
        Obstacle::GrantsNotAllowed(grants) => {
            let ids: Vec<_> = grants.iter().map(|grant| grant.id.as_str()).collect();
            format!("These groups or roles may not be given any more: {}.", ids.join(", "))
        }
        Obstacle::AddressNotAllowed => {
            "The organization allows no addresses of the domain that the invitee's is in.".into()
        }
        Obstacle::NameTaken => "Another user of the organization has the user name.".into(),
        Obstacle::Policy(why) => why.clone(),
        Obstacle::PolicyUnavailable(_) => "The organization's policy gives no answer.".into(),
        Obstacle::CodeRequired => "The organization asks for the code from the mail.".into(),
        Obstacle::Other(what) => what.clone(),
    }
}

/// An invitation for administrators.
#[must_use]
pub fn invitation(row: &Invitation) -> Value {
    let mut shown = json!({
        "id": row.key.id,
        "username": row.name,
        "status": status(row.state),
        "roles": ids(&row.grants, GrantKind::Role),
        "groups": ids(&row.grants, GrantKind::Group),
        "inviter": principal(&row.inviter),
        "createdAt": time(row.created_at),
        "mail": mail(row.mail),
        "resends": row.resends,
        "properties": row.metadata.iter().map(|pair| json!({ "key": pair.key, "value": pair.value })).collect::<Value>(),
    });
    let fields = [
        ("expiredAt", row.expires_at.map(|at| json!(time(at)))),
        ("endedAt", row.ended_at.map(|at| json!(time(at)))),
        ("reason", row.reason.as_ref().map(|reason| json!(reason))),
        ("approver", row.approver.as_ref().map(principal)),
        ("replaces", row.replaces.as_ref().map(|id| json!(id))),
        ("language", row.language.as_ref().map(|tag| json!(tag))),
        ("landing", row.landing.as_ref().map(|url| json!(url))),
        ("dismissed", row.dismissed.then_some(Value::Bool(true))),
        ("outcomes", (!row.outcomes.is_empty()).then(|| outcomes(&row.outcomes))),
    ];
    add(&mut shown, fields);
    shown
}

/// An invitation for its invitee.
#[must_use]
pub fn preview(preview: &Preview) -> Value {
    let mut shown = json!({
        "id": preview.key.id,
        "username": preview.name,
        "userOrganization": preview.parent,
        "initiatedOrganization": preview.key.organization,
        "status": status(preview.state),
        "inviter": principal(&preview.inviter),
        "roles": ids(&preview.grants, GrantKind::Role),
        "groups": ids(&preview.grants, GrantKind::Group),
        "createdAt": time(preview.created_at),
    });
    let fields = [
        ("expiredAt", preview.expires_at.map(|at| json!(time(at)))),
        ("language", preview.language.as_ref().map(|tag| json!(tag))),
        ("landing", preview.landing.as_ref().map(|url| json!(url))),
        ("outcomes", (!preview.outcomes.is_empty()).then(|| outcomes(&preview.outcomes))),
    ];
    add(&mut shown, fields);
    shown
}

/// An invitation that was accepted: what became of each step, whether the invitee is a member now, and where
/// to go from here.
#[must_use]
pub fn accepted(accepted: &Accepted) -> Value {
    let mut shown = json!({
        "id": accepted.key.id,
        "organization": accepted.key.organization,
        "outcomes": outcomes(&accepted.outcomes),
        "repeated": accepted.repeated,
        "member": accepted.member,
    });
    add(&mut shown, [("landing", accepted.landing.as_ref().map(|url| json!(url)))]);
    shown
}

/// Tells what became of each step.
#[must_use]
pub fn outcomes(results: &[StepResult]) -> Value {
    results
        .iter()
        .map(|result| {
            let (what, id) = match &result.step {
                Step::Member => ("member", None),
                Step::Grant(Grant { kind: GrantKind::Group, id }) => ("group", Some(id)),
                Step::Grant(Grant { kind: GrantKind::Role, id }) => ("role", Some(id)),
            };
            json!({ "step": what, "id": id, "outcome": outcome(result.outcome) })
        })
        .collect()
}

fn outcome(outcome: StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Applied => "APPLIED",
        StepOutcome::AlreadyApplied => "ALREADY_APPLIED",
        StepOutcome::AlreadyPresent => "ALREADY_PRESENT",
        StepOutcome::WasRemoved => "WAS_REMOVED",
        StepOutcome::NoSuchTarget => "NO_SUCH_TARGET",
        StepOutcome::NameTaken => "NAME_TAKEN",
        StepOutcome::NotAMember => "NOT_A_MEMBER",
        StepOutcome::Closed => "CLOSED",
        StepOutcome::Withheld => "WITHHELD",
    }
}

fn ids(grants: &[Grant], kind: GrantKind) -> Vec<&str> {
    grants.iter().filter(|grant| grant.kind == kind).map(|grant| grant.id.as_str()).collect()
}

fn principal(who: &Principal) -> Value {
    match who {
        Principal::User(user) => json!({ "organization": user.organization, "id": user.id }),
        Principal::Client(id) => json!({ "client": id }),
        Principal::Anonymous => json!("anonymous"),
        Principal::System => json!("system"),
    }
}

fn mail(state: MailState) -> &'static str {
    match state {
        MailState::None => "NONE",
        MailState::Queued => "QUEUED",
        MailState::Sent => "SENT",
        MailState::Undeliverable => "UNDELIVERABLE",
    }
}

/// The reference's word for a state, and ours for those that it lacks.
#[must_use]
pub fn status(state: State) -> &'static str {
    match state {
        State::AwaitingApproval => "AWAITING_APPROVAL",
        State::Pending => "PENDING",
        State::Accepting => "ACCEPTING",
        State::Accepted => "ACCEPTED",
        State::Declined => "DECLINED",
        State::Revoked => "REVOKED",
        State::Expired => "EXPIRED",
        State::Failed => "FAILED",
    }
}

/// An instant in ISO 8601, in UTC.
#[must_use]
pub fn time(at: u64) -> String {
    let instant = i64::try_from(at).ok().and_then(DateTime::<Utc>::from_timestamp_millis);
    instant.map_or_else(|| at.to_string(), |instant| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use guestlist_contract::host::Operation;

    #[test]
    fn what_the_host_refuses_is_said_of_what_was_asked() {
        for operation in Operation::ALL {
            let asked = Asked::of(operation);
            let error = HostError::Unavailable(None);
            let item = Refusal::NotInvitable(ItemRefusal::Unavailable(None));
            let all = [
                RestError::from((asked, &Refusal::Host(error.clone()))),
                RestError::from((asked, &InviteeRefusal::Host(error.clone()))),
                RestError::from((asked, &SweepRefusal::Host(error))),
                RestError::from((asked, &item)),
            ];
            for problem in all {
                assert_eq!(
                    (problem.code.as_str(), problem.message.as_str()),
                    asked.unable(),
                    "{operation:?}"
                );
            }
        }
    }
}
