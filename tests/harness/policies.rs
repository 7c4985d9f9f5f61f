//! An organization's own rules, as a component: which are let in, what they are asked, and what becomes
//! of their answers.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_trait::async_trait;
use guestlist_contract::{
    audit::Word,
    exports::{
        invitations::{InviteRequest, Invited, ItemRefusal, LifetimeChoice},
        invitee::{Handle, InviteeRefusal, Obstacle},
    },
    facts::FactSource,
    host::{Call, Host, Operation, Policy},
    policy as asked,
    rules::{AcceptFacts, Candidate, Held, InviteFacts, Inviter, NamedGrant, Surroundings},
    types::{
        AcceptWith, Approval, Grant, GrantKind, HostError, InvitationKey, Narrowed, Notify, Principal,
        UserRef, Verdict,
    },
};
use guestlist_harness::{
    BUNDLED, Engine, EngineOptions, Limits, Plugin, Pooling, Reason, Session,
    policy::{Policies, PolicyComponent, PolicyHost, PolicyLimits, PolicyUnavailable, Rules},
};
use guestlist_memory::MemoryHost;
use guestlist_testkit::Judged as _;

use guestlist_hostile::guests::{
    Behaviour, guest_of, policy, policy_answering, policy_contract, policy_that_names_the_organization,
    policy_that_starts_so, policy_that_talks,
};
use serde_json::Value;

/// One instance: a call of the plugin fills the engine, and its policy runs all the same.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(&EngineOptions::fuel().instances(1)).unwrap());
static EPOCH: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(&EngineOptions::default().pooling(Pooling::Never)).unwrap());
static PLUGIN: LazyLock<Plugin> = LazyLock::new(|| Plugin::bundled(&ENGINE).unwrap());

const HOUR: u64 = 3_600_000;

const WORLD: &str = r#"
clock: 2026-03-02T09:00:00Z
organizations:
  - id: root
    users:
      - { id: u-alice, name: alice, email: Alice@Example.COM }
      - { id: u-bob, name: bob, store: SECONDARY, email: bob@sub.example.com }
    groups: [{ id: g-support, name: Support, members: [u-alice] }]
  - id: acme
    name: Acme
    parent: root
    utc-offset: +05:30
    users: [{ id: u-ann, name: ann }]
    groups: [{ id: g-help, name: Help desk, members: [u-ann] }]
    roles: [{ id: r-admin, members: [u-ann] }]
    permissions: { u-ann: [all] }
    policy: [{ refuse: "the script says no" }]
  - id: globex
    parent: root
    users: [{ id: u-gina, name: gina, email: gina@globex.example }]
    permissions: { u-gina: [all] }
"#;

fn load(bytes: &[u8]) -> PolicyComponent {
    PolicyComponent::load(&ENGINE, bytes).unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    PolicyComponent::load(&ENGINE, bytes).unwrap_err().to_string()
}

fn user(organization: &str, id: &str) -> UserRef {
    UserRef { organization: organization.into(), id: id.into() }
}

fn ann() -> Principal {
    Principal::User(user("acme", "u-ann"))
}

fn help() -> Grant {
    Grant { kind: GrantKind::Group, id: "g-help".into() }
}

fn world() -> (Arc<MemoryHost>, Session) {
    let host = Arc::new(MemoryHost::from_yaml(WORLD).unwrap());
    let session = PLUGIN.session(host.clone().host(), Limits::default());
    (host, session)
}

/// The same with a policy in Acme.
fn world_with(policy: &[u8]) -> (Arc<MemoryHost>, Session) {
    let (host, session) = world();
    host.set_policy_component(Some("acme"), load(policy));
    (host, session)
}

/// Ann invites somebody to be with the help desk for an hour.
async fn invite(host: &MemoryHost, session: &Session, name: &str) -> Result<Invited, ItemRefusal> {
    let request = InviteRequest {
        names: vec![name.into()],
        userstore_domain: name.split_once('/').map(|(store, _)| store.to_owned()),
        grants: vec![help()],
        lifetime: LifetimeChoice::Lasting(HOUR),
        notify: None,
        template: None,
        language: None,
        landing: None,
        metadata: vec![],
        idempotency_key: None,
    };
    let answer = session.invite(host.context(Some("acme"), ann()), request).await;
    answer.unwrap().unwrap().pop().unwrap()
}

fn handle(invited: &Invited) -> Handle {
    Handle::Id(InvitationKey { organization: "acme".into(), id: invited.id.clone() })
}

fn surroundings() -> Surroundings {
    Surroundings {
        organization: "acme".into(),
        organization_name: "Acme".into(),
        parent: "root".into(),
        pending: 0,
        now: 1_772_442_000_000,
        utc_offset_minutes: 330,
    }
}

fn held(id: &str, display_name: &str) -> Held {
    Held { id: id.into(), display_name: display_name.into() }
}

fn inviter() -> Inviter {
    Inviter { who: ann(), groups: vec![held("g-help", "Help desk")], roles: vec![held("r-admin", "r-admin")] }
}

fn alice(sent_lately: u32) -> Candidate {
    Candidate {
        account: user("root", "u-alice"),
        via: None,
        name: "alice".into(),
        as_written: "alice".into(),
        userstore: "PRIMARY".into(),
        active: true,
        address_domain: Some("example.com".into()),
        groups: vec![held("g-support", "Support")],
        roles: vec![],
        sent_lately,
    }
}

fn invite_facts() -> InviteFacts {
    InviteFacts {
        surroundings: surroundings(),
        inviter: inviter(),
        grants: vec![NamedGrant { grant: help(), display_name: "Help desk".into() }],
        lifetime: Some(HOUR),
        notify: Notify::Internal,
        metadata: vec![],
        candidates: vec![alice(0)],
    }
}

/// Why it gives no answer.
async fn ended(engine: &Engine, behaviour: Behaviour, limits: PolicyLimits) -> Reason {
    let policy = PolicyComponent::load(engine, &policy(behaviour)).unwrap().with_limits(limits);
    match policy.judge_invite(&invite_facts()).await.unwrap_err() {
        PolicyUnavailable::Ended(reason) => reason,
        other => panic!("{other}"),
    }
}

#[test]
fn a_policy_of_the_contract_is_admitted_though_it_imports_types() {
    let bytes = policy_answering(&[]);
    assert_eq!(load(&bytes).digest().len(), 64);
    let imports = Plugin::inspect(&ENGINE, &bytes).imports;
    assert_eq!(imports.len(), 1, "{imports:?}");
    assert_eq!(imports[0].name, "guestlist:invitation/types@0.1.0");
}

#[test]
fn a_function_that_a_policy_imports_is_named() {
    let component = r#"(component
        (import "wasi:clocks/wall-clock@0.2.6" (instance (export "now" (func)) (export "resolution" (func))))
        (import "fetch" (func)))"#;
    let text = refusal(&wat::parse_str(component).unwrap());
    assert_eq!(
        text,
        "the component was not admitted: it imports `now` of `wasi:clocks/wall-clock@0.2.6`, `resolution` of \
         `wasi:clocks/wall-clock@0.2.6`, `fetch`; a policy judges by the facts that it is given and may import no \
         function: remove the imports (build it for `wasm32-unknown-unknown`, or without WASI); it does not export \
         `guestlist:invitation/rules@0.1.0`; is it a policy of world `tenant-policy`?"
    );
}

#[test]
fn what_is_no_policy_is_turned_down_with_the_cause() {
    let plugin = refusal(BUNDLED);
    assert!(
        plugin.contains("`guestlist:invitation/rules@0.1.0`; is it a policy of world `tenant-policy`?"),
        "{plugin}"
    );
    assert!(plugin.contains("and may import no function"), "{plugin}");
    let as_plugin = Plugin::load(&ENGINE, &policy_answering(&[])).unwrap_err().to_string();
    assert!(as_plugin.contains("is it a plugin of world `extension`?"), "{as_plugin}");

    let changed = |from: &str, to: &str| {
        refusal(&guest_of(&policy_contract(|text| text.replace(from, to)), Behaviour::Panics))
    };
    assert_eq!(
        changed("judge-accept: func", "judge-all: func"),
        "the component was not admitted: its export `guestlist:invitation/rules@0.1.0` lacks the function \
         `judge-accept`; build it against `wit/` of this version"
    );
    assert_eq!(
        changed("sent-lately: u32,", "sent-lately: u32, shoe-size: u8,"),
        "the component was not admitted: its export `rules.judge-invite` and 1 more function have a newer shape: \
         record `candidate` has the field `shoe-size`, which this host does not know; update the host"
    );
    assert!(changed("@0.1.0", "@0.2.0").contains("this host speaks 0.1.0"));
}

#[test]
fn a_policy_whose_start_does_not_end_is_turned_down() {
    let text = refusal(&policy_that_starts_so(Behaviour::Loops));
    assert!(
        text.contains("no instance of it can be made: it uses more than 100000000 units of fuel"),
        "{text}"
    );
}

#[tokio::test]
async fn it_is_asked_with_the_facts_of_the_contract() {
    let policy = load(&policy_that_names_the_organization());
    let ruling = policy.judge_invite(&invite_facts()).await.unwrap();
    assert_eq!(ruling.answer, [Verdict::Refuse("Acme".into())]);
    assert!(ruling.fuel.is_some_and(|fuel| fuel > 0));
    let facts = AcceptFacts {
        surroundings: surroundings(),
        inviter: inviter(),
        invitee: alice(0),
        grants: vec![],
        accept_with: AcceptWith::Invitee,
        created_at: 1,
        expires_at: None,
        metadata: vec![],
    };
    assert_eq!(policy.judge_accept(&facts).await.unwrap().answer, Verdict::Refuse("Acme".into()));
}

#[tokio::test]
async fn every_verdict_comes_out_as_it_was_given() {
    let narrowed = Narrowed { grants: vec![0], lifetime: Some(60_000), signed_in_only: true };
    let verdicts = [
        Verdict::AllowWith(narrowed),
        Verdict::Allow,
        Verdict::RequireApproval(Approval { reason: "a contractor".into(), narrowed: None }),
        Verdict::Other("later".into()),
        Verdict::Refuse("no".into()),
    ];
    let facts = InviteFacts { candidates: vec![alice(0); 5], ..invite_facts() };
    assert_eq!(load(&policy_answering(&verdicts)).judge_invite(&facts).await.unwrap().answer, verdicts);
}

#[tokio::test]
async fn what_does_not_answer_is_ended_within_its_limits() {
    let time = Duration::from_millis(50);
    let quick = PolicyLimits::default().time(time).fuel(None);
    assert_eq!(ended(&EPOCH, Behaviour::Loops, quick.clone()).await, Reason::Deadline(time));
    assert_eq!(ended(&ENGINE, Behaviour::Loops, quick).await, Reason::Deadline(time));
    let little = PolicyLimits::default().fuel(Some(10_000));
    assert_eq!(ended(&ENGINE, Behaviour::Loops, little).await, Reason::OutOfFuel(10_000));
    for engine in [&*ENGINE, &*EPOCH] {
        let limits = PolicyLimits::default;
        assert_eq!(ended(engine, Behaviour::Panics, limits()).await, Reason::Panicked);
        assert_eq!(ended(engine, Behaviour::Recurses, limits()).await, Reason::StackOverflow);
        assert_eq!(ended(engine, Behaviour::Swells, limits().memory(8 << 20)).await, Reason::Memory(8 << 20));
        // More than these engines have for an instance: the smaller counts.
        assert_eq!(
            ended(engine, Behaviour::Swells, limits().memory(100 << 20)).await,
            Reason::Memory(64 << 20)
        );
    }
    let long = load(&policy_answering(&[Verdict::Refuse("x".repeat(300 << 10))]));
    let error = long.judge_invite(&invite_facts()).await.unwrap_err();
    assert_eq!(error, PolicyUnavailable::Ended(Reason::HostCallBytes(256 << 10)));
}

#[tokio::test]
async fn another_number_of_verdicts_is_no_answer() {
    let policy = load(&policy_answering(&[Verdict::Allow, Verdict::Allow]));
    let error = policy.judge_invite(&invite_facts()).await.unwrap_err();
    assert_eq!(error, PolicyUnavailable::Miscounted { asked: 1, answered: 2 });
}

#[tokio::test]
async fn it_judges_instead_of_the_script_by_the_facts_of_the_host() {
    let (host, session) = world_with(&policy_answering(&[Verdict::Allow]));
    let invited = invite(&host, &session, "alice").await.unwrap();
    let dashboard = host.context(None, Principal::User(user("root", "u-alice")));
    session.accept(dashboard, handle(&invited)).await.unwrap().unwrap();

    let log = host.policy_log();
    // Accepting asks before the claim and after it.
    assert_eq!(log.len(), 3);
    assert_eq!(log[0].facts, serde_json::to_value(invite_facts()).unwrap());
    assert_eq!(log[0].verdict, Ok(serde_json::json!(["Allow"])));
    assert_eq!((log[0].organization.as_str(), log[0].request.as_str()), ("acme", "request-1"));
    assert!(log[0].fuel.is_some());
    let accepting = AcceptFacts {
        surroundings: Surroundings { pending: 1, ..surroundings() },
        inviter: inviter(),
        invitee: alice(1),
        grants: invite_facts().grants,
        accept_with: AcceptWith::Invitee,
        created_at: surroundings().now,
        expires_at: Some(surroundings().now + HOUR),
        metadata: vec![],
    };
    for judgement in &log[1..] {
        assert_eq!(judgement.facts, serde_json::to_value(&accepting).unwrap());
    }
}

#[tokio::test]
async fn its_no_reaches_the_inviter_and_the_invitee_in_its_words() {
    let (host, session) = world();
    host.set_policy_component(Some("acme"), load(&policy_answering(&[Verdict::Allow])));
    let invited = invite(&host, &session, "alice").await.unwrap();

    host.set_policy_component(Some("acme"), load(&policy_answering(&[Verdict::Refuse("not today".into())])));
    assert_eq!(invite(&host, &session, "SECONDARY/bob").await, Err(ItemRefusal::Refused("not today".into())));
    let facts = &host.policy_log()[1].facts["candidates"][0];
    assert_eq!(
        (&facts["userstore"], &facts["address_domain"]),
        (&"SECONDARY".into(), &"sub.example.com".into())
    );
    let dashboard = host.context(None, Principal::User(user("root", "u-alice")));
    let accepted = session.accept(dashboard, handle(&invited)).await.unwrap();
    assert_eq!(accepted, Err(InviteeRefusal::Obstacle(Obstacle::Policy("not today".into()))));
}

#[tokio::test]
async fn while_it_gives_no_answer_nobody_is_let_in_and_nothing_is_final() {
    let (host, session) = world_with(&policy_answering(&[Verdict::Allow]));
    let invited = invite(&host, &session, "alice").await.unwrap();

    host.set_policy_component(Some("acme"), load(&policy(Behaviour::Panics)));
    assert_eq!(invite(&host, &session, "SECONDARY/bob").await, Err(ItemRefusal::PolicyUnavailable(None)));
    let accept = async || {
        let dashboard = host.context(None, Principal::User(user("root", "u-alice")));
        session.accept(dashboard, handle(&invited)).await.unwrap()
    };
    assert_eq!(accept().await, Err(InviteeRefusal::Obstacle(Obstacle::PolicyUnavailable(None))));
    // Whoever reads the audit trail sees why.
    let reasons: Vec<_> = host.audit().into_iter().filter_map(|event| event.word).collect();
    assert_eq!(reasons, [Word::PolicyUnavailable; 2]);
    assert_eq!(host.members("acme"), []);
    let why = "the policy gives no answer: it broke off (a panic, or an exception that nothing caught); repair it, until \
         then nobody is let in";
    assert_eq!(host.policy_log()[1].verdict, Err(why.into()));

    host.set_policy_component(Some("acme"), load(&policy_answering(&[Verdict::Allow])));
    accept().await.unwrap();
    invite(&host, &session, "SECONDARY/bob").await.unwrap();
}

#[tokio::test]
async fn an_answer_that_widens_is_refused() {
    let all = |grants: &[u32], lifetime| {
        Verdict::AllowWith(Narrowed { grants: grants.to_vec(), lifetime, signed_in_only: false })
    };
    let widened = "the policy tried to allow more than was asked";
    for (verdict, words) in [
        (all(&[1], None), widened),
        (all(&[0, 0], None), widened),
        (all(&[u32::MAX], None), widened),
        (all(&[0], Some(HOUR + 1)), widened),
        (all(&[0], Some(0)), widened),
        (Verdict::Other("yes".into()), "the policy's answer is not understood: update the plugin"),
    ] {
        let (host, session) = world_with(&policy_answering(std::slice::from_ref(&verdict)));
        let answer = invite(&host, &session, "alice").await;
        assert_eq!(answer, Err(ItemRefusal::Refused(words.into())), "{verdict:?}");
    }
    let (host, session) = world_with(&policy_answering(&[Verdict::Refuse("é".repeat(300))]));
    assert_eq!(invite(&host, &session, "alice").await, Err(ItemRefusal::Refused("é".repeat(250))));
}

#[tokio::test]
async fn an_organization_is_judged_by_its_own_policy_or_by_the_one_for_all() {
    let (host, session) = world();
    let said = async |host: &MemoryHost| invite(host, &session, "alice").await.unwrap_err();
    let refusing = |words: &str| load(&policy_answering(&[Verdict::Refuse(words.into())]));
    let refused = |words: &str| ItemRefusal::Refused(words.into());
    assert_eq!(said(&host).await, refused("the script says no"));
    host.set_policy_component(Some("globex"), refusing("globex says no"));
    assert_eq!(said(&host).await, refused("the script says no"));
    host.set_policy_component(None, refusing("no for all"));
    assert_eq!(said(&host).await, refused("no for all"));
    host.set_policy_component(Some("acme"), refusing("acme says no"));
    assert_eq!(said(&host).await, refused("acme says no"));
}

#[tokio::test]
async fn a_copy_has_the_same_policies_and_a_saved_state_has_none() {
    let (host, _) = world_with(&policy_answering(&[Verdict::Refuse("acme says no".into())]));
    let saved = host.save().unwrap();
    let loaded = MemoryHost::load(&saved).unwrap();
    let earlier = host.fork();
    for (host, words) in [(loaded, "the script says no"), (earlier.fork(), "acme says no")] {
        host.restore(&earlier);
        let host = Arc::new(host);
        let session = PLUGIN.session(host.clone().host(), Limits::default());
        let answer = invite(&host, &session, "alice").await;
        assert_eq!(answer, Err(ItemRefusal::Refused(words.into())));
    }
    assert!(earlier.policy_log().is_empty());
}

#[test]
fn an_offset_that_is_none_is_reported_with_its_line() {
    let error = MemoryHost::from_yaml(&WORLD.replace("+05:30", "Mumbai")).unwrap_err().to_string();
    assert!(error.contains("`Mumbai` is no offset from UTC"), "{error}");
    assert!(error.contains("+01:00"), "{error}");
}

#[tokio::test]
async fn the_host_tells_nothing_of_people_that_the_plugin_has_no_business_with() {
    let (host, _) = world_with(&policy_answering(&[Verdict::Allow]));
    let call = host.call(Operation::Invite, Some("acme"), ann());
    let ask = async |parent: &str, inviter: Principal, account: UserRef| {
        let candidate = asked::Candidate { account, via: None, name: "somebody".into() };
        let facts = asked::InviteFacts {
            organization: "acme".into(),
            parent: parent.into(),
            inviter,
            grants: vec![],
            lifetime: None,
            notify: Notify::Internal,
            metadata: vec![],
            candidates: vec![candidate],
        };
        Policy::decide_invite(&*host, &call, facts).await
    };
    let (alice, gina) = (user("root", "u-alice"), user("globex", "u-gina"));
    assert_eq!(ask("root", ann(), alice.clone()).await, Ok(vec![Verdict::Allow]));
    for answer in
        [ask("globex", ann(), gina.clone()).await, ask("root", Principal::User(alice), gina.clone()).await]
    {
        assert!(matches!(answer, Err(asked::PolicyError::Host(HostError::Denied(_)))), "{answer:?}");
    }
    // She is somebody, and nobody of the parent.
    assert_eq!(ask("root", ann(), gina).await, Ok(vec![Verdict::Allow]));
    let told = &host.policy_log()[1].facts["candidates"][0];
    assert_eq!((&told["active"], &told["address_domain"]), (&false.into(), &Value::Null));
}

#[tokio::test]
async fn only_who_watches_hears_what_a_policy_says() {
    let policy =
        load(&policy_that_talks("looking\u{1b}[2J", 3, "TypeError: no such group\n  at policy.js:7"));
    let facts = invite_facts();
    let unheard = policy.judge_invite(&facts).await.unwrap_err();
    assert_eq!(unheard, PolicyUnavailable::Ended(Reason::Panicked));
    assert!(!format!("{unheard} {unheard:?}").contains("TypeError"));

    let watched = policy.watch_invite(&facts).await;
    assert_eq!(watched.ruling, Err(unheard));
    assert_eq!(watched.log.printed, ["looking\\u{1b}[2J"; 3]);
    assert_eq!(watched.log.failed.as_deref(), Some("TypeError: no such group\n  at policy.js:7"));

    // The host in memory is one for tests.
    let (host, session) = world_with(&policy_that_talks("looking", 1, "why"));
    assert_eq!(invite(&host, &session, "alice").await, Err(ItemRefusal::PolicyUnavailable(None)));
    assert_eq!(host.policy_log()[0].log.why().as_deref(), Some("why"));
    let audit = format!("{:?}", host.audit());
    assert!(!audit.contains("why") && !audit.contains("looking"), "{audit}");
}

#[tokio::test]
async fn what_a_policy_says_without_end_is_bounded_and_costs_nobody_an_answer() {
    let policy = load(&policy_that_talks(&"x".repeat(200 << 10), 1000, "why"));
    assert_eq!(
        policy.judge_invite(&invite_facts()).await.unwrap_err(),
        PolicyUnavailable::Ended(Reason::Panicked),
        "it came to its end: nothing was read"
    );
    let watched = policy.watch_invite(&invite_facts()).await;
    assert!(watched.log.printed.len() <= 100 && watched.log.printed.iter().all(|text| text.len() < 5000));
}

#[tokio::test]
async fn where_a_policy_broke_off_without_a_word_is_known() {
    let watched = load(&policy(Behaviour::Panics)).watch_invite(&invite_facts()).await;
    assert!(watched.log.failed.is_none() && watched.log.printed.is_empty());
    assert!(!watched.log.place.is_empty(), "{:?}", watched.log);
}

/// The world with its policies behind the host of components instead of the host in memory.
fn world_of_components(
    facts: impl FactSource + 'static,
    rules: impl Into<Rules>,
) -> (Arc<MemoryHost>, Session) {
    let host = Arc::new(MemoryHost::from_yaml(WORLD).unwrap());
    let policies = Policies::new(&ENGINE);
    policies.set("acme", rules);
    let policy = Arc::new(PolicyHost::new(policies, facts));
    let session = PLUGIN.session(Host { policy, ..host.clone().host() }, Limits::default());
    (host, session)
}

#[tokio::test]
async fn a_host_of_components_answers_as_the_host_in_memory_does() {
    let narrowed =
        Verdict::AllowWith(Narrowed { grants: vec![], lifetime: Some(HOUR / 2), signed_in_only: false });
    for verdict in [Verdict::Allow, Verdict::Refuse("not today".into()), narrowed] {
        let component = policy_answering(&[verdict]);
        let (host, session) = world_with(&component);
        let facts = Arc::new(MemoryHost::from_yaml(WORLD).unwrap());
        let (other, components) = world_of_components(facts, load(&component));
        for name in ["alice", "SECONDARY/bob"] {
            let known = invite(&host, &session, name).await.map(|invited| invited.expires_at);
            let found = invite(&other, &components, name).await.map(|invited| invited.expires_at);
            assert_eq!(found, known, "{name}");
        }
    }
}

fn for_alice() -> InviteRequest {
    InviteRequest {
        names: vec!["alice".into()],
        userstore_domain: None,
        grants: vec![],
        lifetime: LifetimeChoice::Default,
        notify: None,
        template: None,
        language: None,
        landing: None,
        metadata: vec![],
        idempotency_key: None,
    }
}

/// Facts that cannot be had, or are about somebody else.
struct Odd(Option<Arc<MemoryHost>>);

#[async_trait]
impl FactSource for Odd {
    async fn invite_facts(&self, call: &Call, asked: asked::InviteFacts) -> Result<InviteFacts, HostError> {
        let Some(host) = &self.0 else { return Err(HostError::Unavailable(None)) };
        let mut facts = host.invite_facts(call, asked).await?;
        facts.candidates[0].account = user("root", "u-somebody-else");
        Ok(facts)
    }

    async fn accept_facts(&self, _: &Call, _: asked::AcceptFacts) -> Result<AcceptFacts, HostError> {
        Err(HostError::Unavailable(None))
    }
}

#[tokio::test]
async fn a_host_of_components_lets_nobody_in_where_it_cannot_ask() {
    let allow = || load(&policy_answering(&[Verdict::Allow]));
    let world = Arc::new(MemoryHost::from_yaml(WORLD).unwrap());
    for (facts, rules) in [
        (Odd(None), Rules::from(allow())),
        (Odd(Some(world.clone())), Rules::from(allow())),
        (Odd(Some(world.clone())), Rules::Broken("it was lost".into())),
    ] {
        let (host, session) = world_of_components(facts, rules);
        let answer = session.invite(host.context(Some("acme"), ann()), for_alice()).await.unwrap();
        let let_in = answer.is_ok_and(|items| items.iter().any(Result::is_ok));
        assert!(!let_in && host.mails().is_empty());
    }
    // Nobody else is touched: this organization has no rules.
    let (host, session) = world_of_components(Odd(None), Rules::Broken("it was lost".into()));
    let gina = Principal::User(user("globex", "u-gina"));
    let answer = session.invite(host.context(Some("globex"), gina), for_alice()).await.unwrap();
    assert!(answer.unwrap()[0].is_ok());
}
