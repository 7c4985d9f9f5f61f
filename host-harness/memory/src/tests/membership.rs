//! Steps at most once, and who may give and receive what.

use super::*;
use crate::SettingsPatch;
use guestlist_contract::{
    AddressDomains,
    host::Membership as _,
    types::{Step, StepOutcome, StepResult},
};

fn steps() -> Vec<Step> {
    vec![Step::Member, Step::Grant(group("g-help")), Step::Grant(role("r-admin"))]
}

async fn apply(host: &MemoryHost, steps: Vec<Step>) -> Vec<StepOutcome> {
    try_apply(host, &dashboard(host, alice()), alice(), steps).await.unwrap()
}

async fn try_apply(
    host: &MemoryHost,
    call: &Call,
    who: UserRef,
    steps: Vec<Step>,
) -> Result<Vec<StepOutcome>, HostError> {
    host.apply(call, "acme".into(), "inv-a".into(), who, steps).await
}

async fn close(host: &MemoryHost) -> Vec<StepResult> {
    host.close(&sweep(host), "acme".into(), "inv-a".into()).await.unwrap()
}

async fn claimed() -> MemoryHost {
    let host = invited().await;
    go(&host, "inv-a", State::Accepting).await.unwrap();
    host
}

use StepOutcome::{
    AlreadyApplied, AlreadyPresent, Applied, Closed, NameTaken, NoSuchTarget, NotAMember, WasRemoved,
};

#[tokio::test]
async fn each_step_is_applied_once_with_its_provenance_and_one_event() {
    let host = claimed().await;
    assert_eq!(apply(&host, steps()).await, [Applied; 3]);
    assert_eq!(apply(&host, steps()).await, [AlreadyApplied; 3]);
    let member = &host.members("acme")[0];
    assert_eq!((member.name.as_str(), &member.account), ("alice", &alice()));
    let owed = Some("inv-a".to_owned());
    assert_eq!(
        (&member.invitation, &member.groups["g-help"], &member.roles["r-admin"]),
        (&owed, &owed, &owed)
    );
    let added: Vec<_> = events(&host).into_iter().filter(|event| event.ends_with(".added")).collect();
    assert_eq!(added, ["member.added", "grant.added", "grant.added"]);
}

#[tokio::test]
async fn a_member_who_was_removed_is_not_brought_back() {
    let host = claimed().await;
    apply(&host, steps()).await;
    host.remove_member("acme", &alice()).unwrap();
    assert_eq!(apply(&host, steps()).await, [WasRemoved; 3]);
    assert!(host.members("acme").is_empty());
}

#[tokio::test]
async fn nothing_more_is_granted_to_a_member_who_was_removed_even_when_he_is_a_member_again() {
    let host = claimed().await;
    apply(&host, vec![Step::Member]).await;
    host.remove_member("acme", &alice()).unwrap();
    host.add_member("acme", &alice()).unwrap();
    assert_eq!(apply(&host, steps()).await, [WasRemoved, NotAMember, NotAMember]);
    assert!(host.members("acme")[0].groups.is_empty());
}

#[tokio::test]
async fn a_group_that_was_taken_away_or_deleted_is_not_given_again() {
    let host = claimed().await;
    apply(&host, steps()).await;
    host.remove_grant("acme", &alice(), &group("g-help")).unwrap();
    host.delete_role("acme", "r-admin").unwrap();
    assert_eq!(apply(&host, steps()).await, [AlreadyApplied, WasRemoved, WasRemoved]);
    host.add_grant("acme", &alice(), &group("g-help")).unwrap();
    assert_eq!(apply(&host, steps()).await[1], WasRemoved, "it came back by another way");
}

#[tokio::test]
async fn what_was_there_by_another_way_is_left_and_is_no_step_of_the_invitation() {
    let host = claimed().await;
    host.add_member("acme", &alice()).unwrap();
    host.add_grant("acme", &alice(), &group("g-help")).unwrap();
    assert_eq!(apply(&host, steps()).await, [AlreadyPresent, AlreadyPresent, Applied]);
    let member = &host.members("acme")[0];
    assert_eq!((&member.invitation, &member.groups["g-help"]), (&None, &None));
    let applied = close(&host).await;
    assert_eq!(applied, [StepResult { step: Step::Grant(role("r-admin")), outcome: Applied }]);
}

#[tokio::test]
async fn what_has_vanished_is_no_target() {
    let host = claimed().await;
    host.delete_group("acme", "g-help").unwrap();
    assert_eq!(apply(&host, steps()).await, [Applied, NoSuchTarget, Applied]);
    let gone = claimed().await;
    gone.remove_user("root", "u-alice").unwrap();
    assert_eq!(apply(&gone, vec![Step::Member]).await, [NoSuchTarget]);
}

#[tokio::test]
async fn a_grant_needs_the_membership() {
    let host = claimed().await;
    assert_eq!(apply(&host, vec![Step::Grant(group("g-help"))]).await, [NotAMember]);
}

#[tokio::test]
async fn a_local_user_of_that_name_stands_in_the_way() {
    let host = claimed().await;
    let other = crate::NewUser { id: "u-x".into(), name: "ALICE".into(), store: None, email: None };
    host.add_user("acme", other).unwrap();
    assert_eq!(apply(&host, steps()).await, [NameTaken, NotAMember, NotAMember]);
}

#[tokio::test]
async fn after_close_nothing_is_applied_and_what_was_is_told() {
    let host = claimed().await;
    apply(&host, vec![Step::Member, Step::Grant(group("g-help"))]).await;
    host.remove_grant("acme", &alice(), &group("g-help")).unwrap();
    let first = close(&host).await;
    let outcomes: Vec<_> = first.iter().map(|result| result.outcome).collect();
    assert_eq!(outcomes, [Applied, WasRemoved]);
    assert_eq!(close(&host).await, first, "closing again is the same");
    assert_eq!(apply(&host, steps()).await, [Closed; 3]);
    go(&host, "inv-a", State::Accepted).await.unwrap();
    assert_eq!(apply(&host, steps()).await, [Closed; 3], "also for the holder who comes too late");
    assert!(host.members("acme")[0].roles.is_empty());
}

#[tokio::test]
async fn apply_is_denied_to_all_but_the_subject_of_a_claimed_invitation() {
    let claim = claimed().await;
    let alices = dashboard(&claim, alice());
    let denied = |answer| matches!(answer, Err(HostError::Denied(_)));
    assert!(denied(try_apply(&claim, &alices, bob(), steps()).await), "another account");
    assert!(denied(try_apply(&claim, &dashboard(&claim, bob()), alice(), steps()).await), "another call");
    let gina = claim.call(Operation::Accept, Some("globex"), person(user("globex", "u-gina")));
    assert!(denied(try_apply(&claim, &gina, alice(), steps()).await));
    for state in [State::Pending, State::Revoked] {
        let host = invited().await;
        if state != State::Pending {
            go(&host, "inv-a", state).await.unwrap();
        }
        assert!(denied(try_apply(&host, &dashboard(&host, alice()), alice(), steps()).await), "{state:?}");
        assert!(host.members("acme").is_empty());
    }
}

#[tokio::test]
async fn the_sweep_and_a_bearer_may_apply_for_the_subject() {
    let host = claimed().await;
    assert_eq!(try_apply(&host, &sweep(&host), alice(), steps()).await.unwrap(), [Applied; 3]);
    let host = claimed().await;
    let bearer = host.call(Operation::Accept, Some("acme"), Principal::Anonymous);
    bearer.admit(&key("inv-a"));
    assert_eq!(try_apply(&host, &bearer, alice(), steps()).await.unwrap(), [Applied; 3]);
}

#[tokio::test]
async fn at_most_51_steps() {
    let host = claimed().await;
    let answer = try_apply(&host, &sweep(&host), alice(), vec![Step::Member; 52]).await;
    assert!(matches!(answer, Err(HostError::Invalid(_))));
}

#[tokio::test]
async fn resolve_tells_what_exists_and_what_the_inviter_may_give() {
    let host = host();
    let grants = vec![group("g-help"), group("g-own"), role("g-help"), role("r-admin")];
    let call = admin(&host);
    let ask = |who: Principal| host.resolve(&call, "acme".into(), who, grants.clone());
    let grantable = |answer: Vec<Option<guestlist_contract::membership::Resolved>>| {
        answer.into_iter().map(|found| found.map(|found| found.grantable)).collect::<Vec<_>>()
    };
    assert_eq!(grantable(ask(ann()).await.unwrap()), [Some(true), Some(false), None, Some(true)]);
    let deputy = person(user("acme", "u-deputy"));
    let none = [Some(false), Some(false), None, Some(false)];
    assert_eq!(grantable(ask(deputy).await.unwrap()), none, "he may not invite");
    assert_eq!(grantable(ask(person(alice())).await.unwrap()), none);
}

#[tokio::test]
async fn eligible_tells_members_and_what_is_withheld_from_whom() {
    let host = host();
    let call = admin(&host);
    let grants = vec![group("g-help"), role("r-admin")];
    let users = vec![alice(), bob(), user("acme", "u-ann")];
    let answer = host.eligible(&call, "acme".into(), users, grants).await.unwrap();
    let told: Vec<_> = answer.into_iter().map(|one| (one.member, one.withheld)).collect();
    assert_eq!(told, [(false, vec![]), (false, vec![1]), (true, vec![1])]);
}

#[tokio::test]
async fn addresses_are_judged_by_the_host_where_the_account_lives() {
    let host = host();
    let gus = user("partner", "u-gus0");
    let patch = |domains: &str| {
        let world = format!("organizations: [{{ id: x, settings: {{ address-domains: {domains} }} }}]");
        MemoryHost::from_yaml(&world).unwrap().snapshot().organizations["x"].address_domains.clone()
    };
    let allowed = async |host: &MemoryHost| {
        let users = vec![alice(), gus.clone(), user("root", "u-carl")];
        let found = host.eligible(&admin(host), "acme".into(), users, vec![]).await.unwrap();
        found.iter().map(|found| found.address_allowed).collect::<Vec<_>>()
    };
    assert_eq!(allowed(&host).await, [true, true, true], "no rule");
    assert_eq!(patch("[partner.example]").unwrap(), AddressDomains::new(["partner.example"]).unwrap());
    let world = WORLD
        .replace("  - id: acme\n", "  - id: acme\n    settings: { address-domains: [partner.example] }\n");
    let host = MemoryHost::from_yaml(&world).unwrap();
    assert_eq!(allowed(&host).await, [false, true, false], "carl has no address");
    let lift: SettingsPatch = serde_saphyr::from_str("address-domains: null").unwrap();
    host.change_settings("acme", &lift).unwrap();
    assert_eq!(allowed(&host).await, [true, true, true]);
    let wrong = MemoryHost::from_yaml("organizations: [{ id: x, settings: { address-domains: [com] } }]");
    let text = wrong.unwrap_err().to_string();
    assert!(text.contains("`com` is no domain; write `example.com`"), "{text}");
}
