//! Four servers in small, each a program of its own in `src/bin`: `embed` runs the plugin on a host in memory,
//! `on-sqlite` keeps everything in a file, `members-elsewhere` keeps members in another system, and
//! `with-policies` asks the rules of each organization. This has what they share: the world of the story, and
//! an invite and an accept in it.

use std::time::{SystemTime, UNIX_EPOCH};

use guestlist_contract::{
    exports::{
        invitations::{InviteRequest, LifetimeChoice},
        invitee::Handle,
    },
    types::{Context, Grant, GrantKind, InvitationKey, Permissions, Principal, StepOutcome, UserRef},
};
use guestlist_harness::Session;

/// A vendor, its customer Acme, and a group there. Alice is the vendor's, Ann administers Acme.
pub const WORLD: &str = "organizations:
  - { id: vendor, users: [{ id: u-alice, name: alice, email: alice@vendor.example }] }
  - id: acme
    parent: vendor
    users: [{ id: u-ann, name: ann }]
    groups: [{ id: g-help, name: Help desk }]
    permissions: { u-ann: [invite, view] }";

/// A failure, which ends an example.
pub type Failure = Box<dyn std::error::Error>;

/// Somebody with an account in an organization.
#[must_use]
pub fn person(organization: &str, id: &str) -> Principal {
    Principal::User(UserRef { organization: organization.into(), id: id.into() })
}

/// Makes the context of a call: who calls, where, and what they may do there. A server makes it from the
/// session of whoever is signed in; `organization` is absent where somebody answers an invitation of their
/// own.
///
/// # Errors
/// The clock of this machine stands before 1970.
pub fn context(
    organization: Option<&str>,
    caller: Principal,
    permissions: Permissions,
) -> Result<Context, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    Ok(Context {
        organization: organization.map(str::to_owned),
        caller,
        permissions,
        request_id: "request-1".into(),
        now: u64::try_from(now)?,
    })
}

/// Lets Ann invite Alice to the help desk of Acme, and answers with the invitation.
///
/// # Errors
/// Alice was not invited, and why.
pub async fn invite(session: &Session, ann: Context) -> Result<InvitationKey, Failure> {
    let request = InviteRequest {
        names: vec!["alice".into()],
        userstore_domain: None,
        grants: vec![Grant { kind: GrantKind::Group, id: "g-help".into() }],
        lifetime: LifetimeChoice::Default,
        notify: None,
        template: None,
        language: None,
        landing: None,
        metadata: vec![],
        idempotency_key: None,
    };
    let answer = session.invite(ann, request).await?.map_err(|refusal| format!("{refusal:?}"))?;
    let mut invited = answer.into_iter();
    let alice = invited.next().ok_or("there is an answer for each name")?;
    let id = alice.map_err(|refusal| format!("{refusal:?}"))?.id;
    Ok(InvitationKey { organization: "acme".into(), id })
}

/// Lets Alice accept, and says what she has got.
///
/// # Errors
/// She could not accept, and why.
pub async fn accept(session: &Session, alice: Context, key: InvitationKey) -> Result<String, Failure> {
    let accepted = session.accept(alice, Handle::Id(key)).await?;
    let accepted = accepted.map_err(|refusal| format!("{refusal:?}"))?;
    let applied = accepted.outcomes.iter().filter(|result| result.outcome == StepOutcome::Applied);
    Ok(format!("{} of {} steps applied", applied.count(), accepted.outcomes.len()))
}
