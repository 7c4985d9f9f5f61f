//! World files and what is said about wrong ones.

use super::*;
use crate::{World, default_settings};
use guestlist_contract::{rights::Rights, types::Permissions};

fn error(yaml: &str) -> String {
    MemoryHost::from_yaml(yaml).expect_err("it is wrong").to_string()
}

#[tokio::test]
async fn settings_are_the_defaults_with_the_changes_of_the_file() {
    let yaml = "
organizations:
  - id: acme
    groups: [{ id: g }]
    settings:
      lifetime: 1h30m
      lifetime-min: 2m
      lifetime-max: 30d
      allow-never: true
      accept-with: invitee-and-code
      notify: external
      limits: { users: 10 }
      lease: 5s
      takeovers-max: 1
      mail-tries: 2
      mail-retry: 2s
      retention: 1d
      resend-limit: 3
      pending-limit: 7
      reminder-before: 1h
      notices: [expired, accepted]
      ceiling: ['group:g']
      privileged: ['group:g']
";
    let host = MemoryHost::from_yaml(yaml).unwrap();
    let call = host.call(Operation::Invite, Some("acme"), Principal::System);
    let values = host.get_settings(&call).await;
    let expected = default_settings();
    assert_eq!(
        (values.lifetime, values.lifetime_min, values.lifetime_max),
        (5_400_000, 120_000, 2_592_000_000)
    );
    assert_eq!((values.limits.users, values.limits.grants), (10, expected.limits.grants));
    assert_eq!((values.mail_retry, values.reminder_before), (2_000, Some(HOUR)));
    assert_eq!(values.ceiling, Some(vec![group("g")]));
    assert_eq!(values.accept_with, AcceptWith::InviteeAndCode);
}

impl MemoryHost {
    async fn get_settings(&self, call: &Call) -> guestlist_contract::settings::Values {
        guestlist_contract::host::Settings::get(self, call, "acme".into()).await.unwrap()
    }
}

#[tokio::test]
async fn an_organization_without_settings_has_the_defaults() {
    let host = host();
    assert_eq!(host.get_settings(&admin(&host)).await, default_settings());
    let foreign = guestlist_contract::host::Settings::get(&host, &admin(&host), "globex".into()).await;
    assert!(matches!(foreign, Err(HostError::Denied(_))));
}

#[test]
fn the_example_of_the_documentation_is_a_world() {
    let documentation = include_str!("../world.rs");
    let yaml: Vec<_> = documentation
        .lines()
        .skip_while(|line| *line != "//! ```yaml")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| line.strip_prefix("//! ").unwrap_or_default())
        .collect();
    let host = MemoryHost::from_yaml(&yaml.join("\n")).unwrap();
    assert_eq!(host.members("acme").len(), 1);
    assert_eq!(
        host.context(Some("acme"), Principal::Client("hr".into())).permissions,
        Permissions::INVITE | Permissions::VIEW
    );
    assert_eq!(host.now(), 1_772_442_000_000);
}

#[test]
fn a_dangling_reference_is_shown_with_its_line_and_the_nearest_name() {
    let yaml = "organizations:\n  - id: root\n    users: [{ id: u-bob, name: bob }]\n  - id: acme\n    parent: root\n    members: [u-bbo]\n";
    assert_eq!(
        error(yaml),
        "error: there is no user `u-bbo` in `acme` or above it\n  |\n6 |     members: [u-bbo]\n  |               ^\n  at line 6, column 15\n  help: did you mean `u-bob`?"
    );
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_or_all_known_ones() {
    let text = error("organizations:\n  - id: root\n    nmae: Root\n");
    assert!(text.contains("`nmae`") && text.contains("did you mean `name`?"), "{text}");
    let far = error("organizations:\n  - id: root\n    quixotic: Root\n");
    assert!(far.contains("there are id, name, parent"), "{far}");
    assert!(text.contains("3 |     nmae: Root\n  |     ^"), "{text}");
}

#[test]
fn a_role_says_what_it_gives_and_to_whom() {
    let host = MemoryHost::from_yaml(
        "
organizations:
  - id: acme
    users: [{ id: u-ann, name: ann }, { id: u-ben, name: ben }]
    groups: [{ id: g, members: [u-ben] }]
    roles:
      - { id: r, permissions: [invite, manage-people], groups: [g], members: [u-ann, 'client:hr'] }
      - { id: administrator, permissions: [all], standard: true }
    permissions: { u-ben: [view], 'client:hr': [revoke] }
",
    )
    .unwrap();
    let rights = |words: &[&str]| Some(Rights::of_words(words.iter().copied()).unwrap());
    let may = |who: Principal| host.rights("acme", &who);
    assert_eq!(may(person(user("acme", "u-ann"))), rights(&["invite", "manage-people"]));
    assert_eq!(may(person(user("acme", "u-ben"))), rights(&["invite", "view", "manage-people"]));
    assert_eq!(may(Principal::Client("hr".into())), rights(&["invite", "revoke", "manage-people"]));
    let role = &host.realm().organizations["acme"].roles["administrator"];
    assert!(role.standard && role.rights == Rights::all());
}

#[test]
fn a_role_that_names_what_is_not_there_is_refused_with_the_nearest_name() {
    let text = error(
        "
organizations:
  - id: acme
    groups: [{ id: g-help }, { id: g-ops, permissions: [view] }]
",
    );
    assert!(text.contains("`permissions`"), "a group gives nothing: {text}");
    let text = error(
        "
organizations:
  - id: acme
    groups: [{ id: g-help }]
    roles: [{ id: r, permissions: [manage-peopel], groups: [g-hlep], members: [u-nobody] }]
    permissions: { 'client:hr': [manage-people] }
",
    );
    for expected in [
        "5 |     roles: [{ id: r, permissions: [manage-peopel], groups: [g-hlep]",
        "unknown permission `manage-peopel`, expected one of `invite`",
        "did you mean `manage-people`?",
        "organization `acme` has no group `g-hlep`",
        "did you mean `g-help`?",
        "there is no user `u-nobody`",
        "unknown permission `manage-people`, expected one of `invite`, `view`, `revoke`, `resend`, `approve`, \
         `see-code`, `onboard`, `all`",
    ] {
        assert!(text.contains(expected), "{expected:?} is missing in:\n{text}");
    }
}

#[test]
fn every_wrong_reference_is_reported_at_once() {
    let text = error(
        "
clock: yesterday
organizations:
  - id: root
    parent: rot
    roles: [{ id: r, members: [u-x] }]
    permissions: { u-y: [invit] }
    settings: { privileged: ['role:q'] }
    policy: [{ names: [x] }]
  - id: root
  - id: acme
    parent: root
    users: [{ id: u-a, name: a }, { id: u-a, name: A }, { id: u-g, name: g, resident: nobody }]
    groups: [{ id: g, grantable-by: [u-z], receivable-by: [rr] }]
",
    );
    for expected in [
        "`yesterday` is no instant",
        "there is no organization `rot`",
        "there is no user `u-x`",
        "there is no user `u-y`",
        "unknown permission `invit`, expected one of `invite`",
        "has no group or role `q`",
        "a rule needs exactly one verdict",
        "organization `root` is there twice",
        "user `u-a` is there twice",
        "user name `A` is there twice",
        "`nobody` does not say where the account is",
        "there is no user `u-z`",
        "has no role `rr`",
        "did you mean `r`?",
    ] {
        assert!(text.contains(expected), "{expected:?} is missing in:\n{text}");
    }
}

#[test]
fn wrong_values_are_explained_where_they_stand() {
    for (settings, expected) in [
        ("{ lifetime: 3 weeks }", "is not a length of time"),
        ("{ accept-with: anybody }", "there are invitee, invitee-and-code, code"),
        ("{ privileged: [r] }", "is no grant"),
    ] {
        let text = error(&format!("organizations:\n  - id: acme\n    settings: {settings}\n"));
        assert!(text.contains(expected) && text.contains("3 | "), "{text}");
    }
}

#[test]
fn what_comes_twice_is_refused_in_any_letters() {
    for (users, expected) in [
        (
            "{ id: a, name: Ada, store: ldap }, { id: b, name: ADA, store: LDAP }",
            "user name `ADA` is there twice",
        ),
        ("{ id: a, name: ada, store: primary }, { id: b, name: ada }", "user name `ada` is there twice"),
        (
            "{ id: a, name: a, resident: partner/p }, { id: b, name: b, resident: partner/p }",
            "is a user of `root` already",
        ),
        ("{ id: a, name: a, resident: partner/g }", "`partner/g` is a guest there himself"),
    ] {
        let text = error(&format!(
            "organizations: [{{ id: root, users: [{users}] }}, {{ id: partner, users: [{{ id: p, name: p }}, \
             {{ id: g, name: g, resident: far/f }}] }}, {{ id: far, users: [{{ id: f, name: f }}] }}]"
        ));
        assert!(text.contains(expected), "{expected:?} is missing in:\n{text}");
    }
}

#[test]
fn addresses_with_control_characters_and_stores_that_cannot_be_named_are_refused() {
    for (user, expected) in [
        (
            r#"email: "a@x.example\r\nBcc: b@y.example""#,
            r"the address `a@x.example\r\nBcc: b@y.example` has control characters",
        ),
        (r#"email: "a@x.example\u0085""#, "control characters"),
        (r#"store: """#, "`` is no name of a user store"),
        (r#"store: "a/b""#, "`a/b` is no name of a user store"),
    ] {
        let text = error(&format!(
            "organizations:\n  - id: root\n    users:\n      - {{ id: u, name: u, {user} }}\n"
        ));
        assert!(text.contains(expected) && text.contains("at line 4"), "{expected:?} is missing in:\n{text}");
    }
    let text = error("organizations:\n  - id: root\n    stores: [a/b]\n");
    assert!(text.contains("at line 3"), "{text}");
}

#[test]
fn a_text_beyond_a_bound_is_told_the_bound() {
    let aliases: String =
        (0..20_000).map(|number| format!("  - {{ id: o{number}, name: *name }}\n")).collect();
    let text = error(&format!("organizations:\n  - {{ id: o, name: &name Name }}\n{aliases}"));
    assert!(text.contains("more than 10 aliases (`*`) for each anchor"), "{text}");
    let nodes: String =
        (0..60_000).map(|number| format!("  - {{ id: o{number}, name: n, groups: [] }}\n")).collect();
    let host = MemoryHost::from_yaml(&format!("organizations:\n{nodes}")).unwrap();
    assert_eq!(host.realm().organizations.len(), 60_000);
}

#[test]
fn a_rule_names_what_is_there_or_says_that_it_comes_later() {
    let with = |rule: &str| {
        format!(
            "organizations:
  - id: root
    users: [{{ id: u-bob, name: bob }}, {{ id: u-tim, name: u-bob2 }}, {{ id: u-bob2, name: tim }}]
    groups: [{{ id: g-root }}]
    roles: [{{ id: r-root }}]
  - id: acme
    parent: root
    users: [{{ id: u-ann, name: ann }}]
    groups: [{{ id: g-acme }}]
    roles: [{{ id: r-acme }}]
    policy: [{{ {rule}, refuse: no }}]
  - {{ id: partner, users: [{{ id: p-gus, name: gus }}] }}
"
        )
    };
    for rule in [
        "names: [BOB, u-bob, primary/bob, root/u-bob, partner/p-gus]",
        "in-groups: [g-root], in-roles: [r-root], inviter-in-groups: [g-acme], inviter-in-roles: [r-acme]",
        "grants: [g-acme, r-acme, 'group:g-acme', 'role:r-acme']",
        "names: [nobody], in-groups: [nothing], grants: [nothing], later: true",
    ] {
        MemoryHost::from_yaml(&with(rule)).unwrap_or_else(|error| panic!("{rule}: {error}"));
    }
    for (rule, expected, help) in [
        ("names: [bbo]", "`root`, the parent of `acme`, has no user `bbo`", "did you mean `bob`?"),
        ("names: [ann]", "`root`, the parent of `acme`, has no user `ann`", "`later: true`"),
        ("names: [gus]", "has no user `gus`", "`later: true`"),
        ("names: [bob@root.example]", "has no user `bob@root.example`", "`later: true`"),
        ("names: [SECONDARY/bob]", "has no user `SECONDARY/bob`", ""),
        ("names: [u-bob2]", "`u-bob2` is the id of one user and the user name of another", ""),
        ("in-groups: [g-acme]", "`root`, the parent of `acme`, has no group `g-acme`", ""),
        ("in-roles: [r-rot]", "has no role `r-rot`", "did you mean `r-root`?"),
        ("inviter-in-groups: [g-root]", "organization `acme` has no group `g-root`", ""),
        ("inviter-in-roles: [g-acme]", "organization `acme` has no role `g-acme`", ""),
        ("grants: ['group:r-acme']", "organization `acme` has no group `r-acme`", ""),
        ("grants: ['role:g-acme']", "organization `acme` has no role `g-acme`", ""),
    ] {
        let text = error(&with(rule));
        assert!(text.contains(expected) && text.contains("11 | ") && text.contains(help), "{rule}: {text}");
    }
    let without = with("names: [bob]").replace("refuse: no", "narrow: { without: ['role:g-acme'] }");
    assert!(error(&without).contains("organization `acme` has no role `g-acme`"));
}

#[test]
fn a_ring_of_parents_is_refused() {
    let text = error("organizations: [{ id: a, parent: b }, { id: b, parent: a }]");
    assert!(text.contains("its own ancestor"), "{text}");
}

#[test]
fn a_world_may_stand_inside_another_document() {
    #[derive(serde::Deserialize)]
    struct Scenario {
        world: World,
    }
    let yaml = "world:\n  organizations:\n    - id: acme\n      members: [nobody]\n";
    let scenario: Scenario = serde_saphyr::from_str(yaml).unwrap();
    let error = MemoryHost::from_world(&scenario.world).unwrap_err().in_source(yaml);
    assert_eq!(error.problems[0].line, 4);
}
