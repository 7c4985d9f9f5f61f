//! The host as a whole: policy, refusals, contexts, copies and files.

use super::*;
use crate::Rule;
use guestlist_contract::{
    audit::{Refusal, Word},
    host::{Audit as _, Policy as _, Random as _},
    policy::{AcceptFacts, Candidate, InviteFacts},
    types::{Approval, Narrowed, Permissions, Verdict},
};

fn rules(yaml: &str) -> Vec<Rule> {
    serde_saphyr::from_str(yaml).unwrap()
}

async fn judged(host: &MemoryHost, names: &[&str]) -> Vec<Verdict> {
    // A rule is about accounts: what was written is for people.
    let account =
        |name: &str| user("root", &format!("u-{}", name.trim_start_matches("PRIMARY/").to_lowercase()));
    let candidate = |name: &&str| Candidate { account: account(name), via: None, name: (*name).into() };
    let facts = InviteFacts {
        organization: "acme".into(),
        parent: "root".into(),
        inviter: ann(),
        grants: vec![group("g-help"), role("r-admin")],
        lifetime: Some(2 * HOUR),
        notify: Notify::Internal,
        metadata: vec![],
        candidates: names.iter().map(candidate).collect(),
    };
    host.decide_invite(&admin(host), facts).await.unwrap()
}

#[tokio::test]
async fn the_first_rule_that_concerns_somebody_decides() {
    let more = "\n      - { id: u-carol, name: carol }\n      - { id: u-dave, name: dave }\n      - { id: u-eve, name: eve }\n";
    let world = WORLD.replacen("\n      - { id: u-carl,", &format!("{more}      - {{ id: u-carl,"), 1);
    let host = MemoryHost::from_yaml(&world).unwrap();
    assert_eq!(judged(&host, &["bob"]).await, [Verdict::Allow]);
    let script = "
- { names: [bob], refuse: 'not bob' }
- { names: [eve], at: accept, refuse: 'not any more' }
- { names: [carol], require-approval: 'a contractor' }
- { names: [dave], allow: true }
- narrow: { without: [r-admin], lifetime: 1h, signed-in-only: true }
";
    host.set_policy("acme", rules(script)).unwrap();
    let narrowed =
        Verdict::AllowWith(Narrowed { grants: vec![0], lifetime: Some(HOUR), signed_in_only: true });
    assert_eq!(
        judged(&host, &["bob", "PRIMARY/Bob", "carol", "dave", "eve"]).await,
        [
            Verdict::Refuse("not bob".into()),
            Verdict::Refuse("not bob".into()),
            Verdict::RequireApproval(Approval { reason: "a contractor".into(), narrowed: None }),
            Verdict::Allow,
            narrowed,
        ]
    );
    let eve = user("root", "u-eve");
    insert(&host, Draft { name: "eve".into(), ..draft(0, "inv-a", eve.clone(), 10) }).await.unwrap();
    let facts = AcceptFacts { invitation: stored(&host, "inv-a") };
    let verdict = host.decide_accept(&dashboard(&host, eve), facts).await.unwrap();
    assert_eq!(verdict, Verdict::Refuse("not any more".into()));
    assert!(host.set_policy("acme", rules("- { names: [x] }")).is_err());
}

#[tokio::test]
async fn a_refusal_is_recorded_with_the_actor_of_the_call() {
    let host = host();
    let call = dashboard(&host, bob());
    let refusal = Refusal {
        operation: "invitee.accept".into(),
        invitation: None,
        subject: None,
        name: None,
        word: Word::NotUsable,
    };
    host.record_refusals(&call, None, vec![refusal]).await.unwrap();
    let event = host.audit().remove(0);
    assert_eq!((event.text(), event.operation.as_str()), ("refused", "invitee.accept"));
    assert_eq!((event.actor, event.word), (person(bob()), Some(Word::NotUsable)));
    assert_eq!(event.request_id, call.context.request_id);
    let foreign = host.record_refusals(&admin(&host), Some("globex".into()), vec![]).await;
    assert!(matches!(foreign, Err(HostError::Denied(_))));
}

#[test]
fn a_context_has_the_callers_rights_the_time_and_a_number() {
    let host = host();
    let context = host.context(Some("acme"), ann());
    assert_eq!((context.permissions, context.now), (Permissions::all(), host.now()));
    assert_eq!(context.request_id, "request-1");
    assert_eq!(host.context(None, ann()).permissions, Permissions::empty());
    assert_eq!(host.context(Some("globex"), ann()).permissions, Permissions::empty());
    let system = host.context(Some("acme"), Principal::System);
    assert_eq!((system.permissions, system.request_id.as_str()), (Permissions::empty(), "request-4"));
}

#[tokio::test]
async fn a_fork_goes_its_own_way_and_a_restore_comes_back() {
    let host = invited().await;
    let fork = host.fork();
    go(&host, "inv-a", State::Revoked).await.unwrap();
    assert_eq!(stored(&fork, "inv-a").state, State::Pending);
    assert!(fork.by_code(&dashboard(&fork, alice()), digest(10)).await.unwrap().is_some());
    host.restore(&fork);
    assert_eq!(stored(&host, "inv-a").state, State::Pending);
    assert_eq!(host.bytes(40), fork.bytes(40));
}

#[tokio::test]
async fn a_saved_host_goes_on_as_if_nothing_had_happened() {
    let host = invited().await;
    host.bytes(5);
    let again = MemoryHost::load(&host.save().unwrap()).unwrap();
    assert_eq!(again.stored_text().unwrap(), host.stored_text().unwrap());
    assert_eq!(again.bytes(32), host.bytes(32));
    assert!(again.by_code(&dashboard(&again, alice()), digest(10)).await.unwrap().is_some());
    let answer = insert(&again, draft(0, "inv-b", alice(), 11)).await;
    assert!(matches!(answer, Err(StoreError::Exists(_))), "the indexes are there");
    let third = MemoryHost::load(&host.save().unwrap()).unwrap();
    assert_eq!(third.context(None, ann()).request_id, host.context(None, ann()).request_id);
    assert!(MemoryHost::load("{}").is_err());
}

#[tokio::test]
async fn the_snapshot_shows_everything_as_json() {
    let host = invited().await;
    let json = serde_json::to_value(host.snapshot()).unwrap();
    assert_eq!(json["invitations"][0]["invitation"]["key"]["id"], "inv-a");
    assert_eq!(json["outbox"][0]["organization"], "acme");
    assert_eq!(json["organizations"]["root"]["members"][0]["name"], "gus.guest");
    assert_eq!(json["audit"][0]["kind"], "InvitationCreated");
}
