//! Which policy judges for which organization: from calls, from a folder, replaced while others are at
//! work; and functions that a host lends to policies.

use std::{
    fs,
    future::{Future, poll_fn},
    path::{Path, PathBuf},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use guestlist_contract::{
    rules::{AcceptFacts, Candidate, Inviter, Surroundings},
    types::{AcceptWith, Principal, UserRef, Verdict},
};
use guestlist_harness::{
    BUNDLED, Engine, EngineOptions, Reason,
    policy::{Lent, Loans, Policies, PolicyError, PolicyLimits, PolicyUnavailable, Rules},
};
use guestlist_hostile::guests::{policy_answering, policy_contract};
use guestlist_policies::FolderError;
use guestlist_policies::ReadPolicies as _;
use tokio::sync::Semaphore;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

fn engine() -> Engine {
    Engine::new(&EngineOptions::fuel().instances(1)).unwrap()
}

fn refusing(why: &str) -> Vec<u8> {
    policy_answering(&[Verdict::Refuse(why.into())])
}

fn facts(organization: &str) -> AcceptFacts {
    let account = UserRef { organization: "root".into(), id: "u-alice".into() };
    AcceptFacts {
        surroundings: Surroundings {
            organization: organization.into(),
            organization_name: "An organization".into(),
            parent: "root".into(),
            pending: 1,
            now: 1_772_442_000_000,
            utc_offset_minutes: 0,
        },
        inviter: Inviter { who: Principal::System, groups: vec![], roles: vec![] },
        invitee: Candidate {
            account,
            via: None,
            name: "alice".into(),
            as_written: "alice".into(),
            userstore: "PRIMARY".into(),
            active: true,
            address_domain: None,
            groups: vec![],
            roles: vec![],
            sent_lately: 0,
        },
        grants: vec![],
        accept_with: AcceptWith::Invitee,
        created_at: 1,
        expires_at: None,
        metadata: vec![],
    }
}

/// What an organization says of somebody who accepts, in a word or with its reason.
async fn said(policies: &Policies, organization: &str) -> String {
    match policies.rules_of(organization).judge_accept(&facts(organization)).await {
        None => "no rules".into(),
        Some(Ok(ruling)) => match ruling.answer {
            Verdict::Refuse(why) => why,
            Verdict::Allow => "allowed".into(),
            other => panic!("{other:?}"),
        },
        Some(Err(unavailable)) => unavailable.to_string(),
    }
}

#[tokio::test]
async fn an_organization_has_its_own_rules_or_those_of_the_others() {
    let policies = Policies::new(&engine());
    assert_eq!(said(&policies, "acme").await, "no rules");
    policies.set_others(policies.load(&refusing("not here"), None).unwrap());
    policies.set("acme", policies.load(&refusing("not at Acme"), None).unwrap());
    policies.set("globex", Rules::None);
    policies.set("initech", Rules::Broken("it is gone".into()));
    assert_eq!(said(&policies, "acme").await, "not at Acme");
    assert_eq!(said(&policies, "globex").await, "no rules");
    assert_eq!(
        said(&policies, "initech").await,
        "the policy cannot be loaded: it is gone; until it is repaired nobody is let in"
    );
    assert_eq!(said(&policies, "umbrella").await, "not here");
    policies.remove("acme");
    assert_eq!(said(&policies, "acme").await, "not here");
}

#[test]
fn a_thousand_organizations_share_what_was_compiled_once() {
    let policies = Policies::new(&engine());
    let distinct: Vec<_> = (0..3).map(|number| refusing(&number.to_string())).collect();
    for (number, bytes) in (0..1000).zip(distinct.iter().cycle()) {
        policies.set(&format!("org-{number}"), policies.load(bytes, None).unwrap());
    }
    assert_eq!(policies.compiled(), 3);
    // What nobody has is not kept.
    for number in (0..1000).step_by(3) {
        policies.remove(&format!("org-{number}"));
    }
    assert_eq!(policies.compiled(), 2);
}

#[test]
fn another_digest_than_the_pinned_one_is_not_taken() {
    let policies = Policies::new(&engine());
    let (mine, other) = (refusing("mine"), refusing("another"));
    let pinned = policies.load(&mine, None).unwrap().digest().to_owned();
    assert!(policies.load(&mine, Some(&pinned.to_uppercase())).is_ok());
    let PolicyError::OtherDigest { pinned: named, found } = policies.load(&other, Some(&pinned)).unwrap_err()
    else {
        panic!("another error")
    };
    assert_eq!((named, found.len()), (pinned, 64));
    assert!(matches!(policies.load(b"no component", None), Err(PolicyError::Load(_))));
}

/// A folder with components and a manifest, in which `{name}` is the digest of a component.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, components: &[(&str, &[u8])], manifest: &str) -> Self {
        let folder = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("policies-{name}")));
        fs::create_dir_all(folder.path()).unwrap();
        folder.write(components, manifest);
        folder
    }

    fn write(&self, components: &[(&str, &[u8])], manifest: &str) {
        let policies = Policies::new(&engine());
        let mut manifest = manifest.to_owned();
        for (name, bytes) in components {
            fs::write(self.path().join(format!("{name}.wasm")), bytes).unwrap();
            let Err(PolicyError::OtherDigest { found, .. }) = policies.load(bytes, Some("none")) else {
                panic!("a digest that none has")
            };
            manifest = manifest.replace(&format!("{{{name}}}"), &found);
        }
        fs::write(self.path().join("policies.yaml"), manifest).unwrap();
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

#[tokio::test]
async fn a_folder_says_whose_the_policies_are_and_is_read_again_when_it_has_changed() {
    let manifest = "
policies:
  strict: { component: strict.wasm, sha256: '{strict}' }
  lenient: { component: ./lenient.wasm, sha256: '{lenient}' }
organizations:
  acme: strict
  globex: none
others: lenient
";
    let (strict, lenient) = (refusing("strict"), policy_answering(&[Verdict::Allow]));
    let folder = Folder::new("read-again", &[("strict", &strict), ("lenient", &lenient)], manifest);
    let policies = Policies::new(&engine());
    let report = policies.read_folder(folder.path()).unwrap();
    assert_eq!((report.policies, report.organizations, report.broken.len()), (2, 2, 0));
    assert_eq!(said(&policies, "acme").await, "strict");
    assert_eq!(said(&policies, "globex").await, "no rules");
    assert_eq!(said(&policies, "initech").await, "allowed");

    folder.write(&[("strict", &refusing("stricter"))], &manifest.replace("others: lenient", "others: none"));
    // What stands for the digest of the other one is not replaced here: nothing changes.
    assert!(matches!(policies.read_folder(folder.path()), Err(FolderError::Malformed(_))));
    assert_eq!(said(&policies, "acme").await, "strict");

    folder.write(
        &[("strict", &refusing("stricter")), ("lenient", &lenient)],
        &manifest.replace("others: lenient", "others: none"),
    );
    policies.read_folder(folder.path()).unwrap();
    assert_eq!(said(&policies, "acme").await, "stricter");
    assert_eq!(said(&policies, "initech").await, "no rules");
}

#[tokio::test]
async fn what_cannot_be_loaded_lets_nobody_in_and_touches_nobody_else() {
    let manifest = "
policies:
  fine: { component: fine.wasm, sha256: '{fine}' }
  swapped: { component: swapped.wasm, sha256: '{fine}' }
  gone: { component: gone.wasm, sha256: '{fine}' }
  plugin: { component: plugin.wasm, sha256: '{plugin}' }
organizations: { acme: fine, globex: swapped, initech: gone, umbrella: swapped }
others: gone
";
    let fine = refusing("fine");
    let folder = Folder::new(
        "broken",
        &[("fine", &fine), ("swapped", &refusing("swapped")), ("plugin", BUNDLED)],
        manifest,
    );
    let policies = Policies::new(&engine());
    let report = policies.read_folder(folder.path()).unwrap();
    let broken: Vec<_> = report
        .broken
        .iter()
        .map(|broken| (broken.name.as_str(), broken.organizations.len(), broken.others))
        .collect();
    assert_eq!(broken, [("gone", 1, true), ("plugin", 0, false), ("swapped", 2, false)]);
    assert!(
        report.broken[1].why.contains("is it a policy of world `tenant-policy`?"),
        "{:?}",
        report.broken[1]
    );
    assert_eq!(said(&policies, "acme").await, "fine");
    let globex = said(&policies, "globex").await;
    assert!(globex.starts_with("the policy cannot be loaded: `swapped`: "), "{globex}");
    assert!(globex.contains("is pinned; pin the other one if it is the one that you mean"), "{globex}");
    assert!(said(&policies, "initech").await.contains("gone.wasm"));
    assert!(matches!(policies.rules_of("umbrella"), Rules::Broken(_)));
}

#[test]
fn what_is_wrong_with_a_manifest_is_shown_where_it_stands() {
    let digest = "0".repeat(64);
    let manifest = format!(
        "policies:
  a-policy: {{ component: ../a.wasm, sha256: '{digest}' }}
  another: {{ component: b.wasm, sha256: abc }}
organizations:
  acme: a-polisy
others: nobodys
"
    );
    let folder = Folder::new("wrong", &[], &manifest);
    let error = Policies::new(&engine()).read_folder(folder.path()).unwrap_err().to_string();
    for (place, what, help) in [
        ("2:26", "`../a.wasm` is not inside of the folder", "copy the component into the folder"),
        ("3:41", "`abc` is no SHA-256", "write the 64 hexadecimal digits"),
        ("5:9", "there is no policy `a-polisy`", "did you mean `a-policy`?"),
        ("6:9", "there is no policy `nobodys`", "describe it under `policies`"),
    ] {
        let at = error.find(what).unwrap_or_else(|| panic!("{what} in {error}"));
        let shown = &error[at..];
        let end = shown.find("\nerror: ").unwrap_or(shown.len());
        assert!(shown[..end].contains(&format!("policies.yaml:{place}\n")), "{shown}");
        assert!(shown[..end].contains(help), "{shown}");
    }
    let none = Policies::new(&engine()).read_folder("/nowhere".as_ref()).unwrap_err().to_string();
    assert!(none.contains("a folder of policies has a `policies.yaml`"), "{none}");
}

/// A policy that asks its host for the case of its verdict: `standing: func() -> u32`.
fn asking(name: &str) -> Vec<u8> {
    let lent =
        format!("interface {name} {{ standing: func() -> u32; }}\nworld tenant-policy {{\n import {name};");
    let (resolve, world) = policy_contract(|text| text.replace("world tenant-policy {", &lent));
    let rules = "guestlist:invitation/rules@0.1.0";
    let module = format!(
        r#"(module
            (import "guestlist:invitation/{name}@0.1.0" "standing" (func $standing (result i32)))
            (memory (export "memory") 64)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
            (func (export "{rules}#judge-invite") (param i32) (result i32) (i32.const 16))
            (func (export "{rules}#judge-accept") (param i32) (result i32)
                (i32.store8 (i32.const 1024) (call $standing))
                (i32.const 1024)))"#
    );
    let mut module = wat::parse_str(module).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

fn lending(lent: impl Fn(&str) -> Result<u32, String> + Send + Sync + 'static) -> Policies {
    let loans = Loans::default().function(
        "guestlist:invitation/register@0.1.0",
        "standing",
        move |organization: Arc<str>, (): ()| {
            let answer = lent(&organization);
            Box::pin(async move { answer.map(|case| (case,)) })
        },
    );
    Policies::with(&engine(), loans, PolicyLimits::default())
}

#[tokio::test]
async fn a_policy_may_import_what_its_host_lends_and_no_more() {
    let policies = lending(|organization| match organization {
        "acme" => Ok(0),
        "globex" => Ok(1),
        _ => Err("the register is away".into()),
    });
    policies.set_others(policies.load(&asking("register"), None).unwrap());
    assert_eq!(said(&policies, "acme").await, "allowed");
    assert_eq!(said(&policies, "globex").await, "");
    let away = said(&policies, "initech").await;
    assert!(away.contains("`guestlist:invitation/register@0.1.0.standing`: the register is away"), "{away}");

    let more = policies.load(&asking("diary"), None).unwrap_err().to_string();
    assert!(more.contains("it imports `standing` of `guestlist:invitation/diary@0.1.0`"), "{more}");
    let none = Policies::new(&engine()).load(&asking("register"), None).unwrap_err().to_string();
    assert!(none.contains("it imports `standing` of `guestlist:invitation/register@0.1.0`"), "{none}");
}

#[tokio::test]
async fn a_judgement_that_has_begun_ends_under_the_rules_it_began_with() {
    let (begun, may_end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let gates = (begun.clone(), may_end.clone());
    let loans = Loans::default().function(
        "guestlist:invitation/register@0.1.0",
        "standing",
        move |_: Arc<str>, (): ()| {
            let (begun, may_end) = gates.clone();
            Box::pin(async move {
                begun.add_permits(1);
                may_end.acquire().await.map_err(|error| error.to_string())?.forget();
                Ok((0u32,))
            })
        },
    );
    let policies = Policies::with(&engine(), loans, PolicyLimits::default());
    policies.set("acme", policies.load(&asking("register"), None).unwrap());
    let later = policies.clone();
    let replaced = async {
        begun.acquire().await.unwrap().forget();
        later.set("acme", later.load(&refusing("not any more"), None).unwrap());
        let next = said(&later, "acme").await;
        may_end.add_permits(1);
        next
    };
    let (before, after) = tokio::join!(said(&policies, "acme"), replaced);
    assert_eq!((before.as_str(), after.as_str()), ("allowed", "not any more"));
    // The code of the one that was replaced is gone with it.
    assert_eq!(policies.compiled(), 1);
}

#[tokio::test]
async fn a_lent_function_that_does_not_answer_takes_the_judgements_time() {
    let loans = Loans::default().function(
        "guestlist:invitation/register@0.1.0",
        "standing",
        |_: Arc<str>, (): ()| Box::pin(std::future::pending::<Result<(u32,), String>>()),
    );
    let limits = PolicyLimits::default().time(Duration::from_millis(30));
    let policies = Policies::with(&engine(), loans, limits);
    let rules = Rules::from(policies.load(&asking("register"), None).unwrap());
    let answer = rules.judge_accept(&facts("acme")).await.unwrap();
    let time = Reason::Deadline(Duration::from_millis(30));
    assert_eq!(answer, Err(PolicyUnavailable::Ended(time)));
}

#[tokio::test]
async fn an_organization_that_keeps_all_its_places_leaves_those_of_the_others() {
    let answers = |organization: Arc<str>, (): ()| -> Lent<(u32,)> {
        if &*organization == "acme" { Box::pin(std::future::pending()) } else { Box::pin(async { Ok((0,)) }) }
    };
    let loans = Loans::default().function("guestlist:invitation/register@0.1.0", "standing", answers);
    let limits = PolicyLimits::default().time(Duration::from_secs(3600));
    let policies = Policies::with(&engine(), loans, limits);
    policies.set_others(policies.load(&asking("register"), None).unwrap());
    let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(said(&policies, "acme"))).collect();
    for one in &mut waiting {
        assert!(poll_fn(|context| Poll::Ready(one.as_mut().poll(context))).await.is_pending());
    }
    let globex = tokio::time::timeout(Duration::from_secs(60), said(&policies, "globex"));
    assert_eq!(globex.await.expect("a place"), "allowed");
}

#[tokio::test]
async fn a_manifest_that_is_cut_off_anywhere_changes_nothing() {
    let manifest = "policies:\n  closed: { component: closed.wasm, sha256: '{closed}' }\norganizations:\n  acme: closed\nothers: closed\n";
    let closed = refusing("closed");
    let folder = Folder::new("cut-off", &[("closed", &closed)], manifest);
    let path = folder.path().join("policies.yaml");
    let whole = fs::read_to_string(&path).unwrap();
    let policies = Policies::new(&engine());
    policies.read_folder(folder.path()).unwrap();
    for end in 0..whole.trim_end().len() {
        fs::write(&path, &whole[..end]).unwrap();
        assert!(policies.read_folder(folder.path()).is_err(), "{}", &whole[..end]);
    }
    assert_eq!(said(&policies, "initech").await, "closed");
}

#[tokio::test]
async fn what_was_set_counts_before_what_a_folder_says() {
    let folder = Folder::new("set", &[], "organizations: { acme: none }\nothers: none\n");
    let policies = Policies::new(&engine());
    policies.set("acme", policies.load(&refusing("closed"), None).unwrap());
    policies.read_folder(folder.path()).unwrap();
    assert_eq!(said(&policies, "acme").await, "closed");
    policies.remove("acme");
    assert_eq!(said(&policies, "acme").await, "no rules");
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_so_and_does_not_wait_for_ever() {
    let hung = |_: Arc<str>, (): ()| -> Lent<(u32,)> { Box::pin(std::future::pending()) };
    let loans = Loans::default().function("guestlist:invitation/register@0.1.0", "standing", hung);
    let limits = PolicyLimits::default().time(Duration::from_secs(3600));
    let policies = Policies::with(&engine(), loans, limits);
    let policy = policies.load(&asking("register"), None).unwrap();
    policies.set_others(policy.clone());
    let mut waiting: Vec<_> = (0..8).map(|_| Box::pin(said(&policies, "acme"))).collect();
    for one in &mut waiting {
        assert!(poll_fn(|context| Poll::Ready(one.as_mut().poll(context))).await.is_pending());
    }
    let soon = Duration::from_millis(10);
    let hasty = policy.with_limits(PolicyLimits::default().time(soon));
    assert_eq!(hasty.judge_accept(&facts("acme")).await.unwrap_err(), PolicyUnavailable::Busy(soon));
}
