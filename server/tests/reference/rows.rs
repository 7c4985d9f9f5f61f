//! Each row of the table in `docs/api.md`, "The reference's interface", with both values of `compatibility`.

use std::{collections::BTreeSet, pin::Pin};

use guestlist_contract::types::{Grant, GrantKind, Principal};
use guestlist_server::config::Compatibility;
use serde_json::{Value, json};

use crate::{
    http::{Answer, Ask},
    place::{Guests, HOUR, Place, run, user},
};

type Play = for<'a> fn(&'a Guests<'a>) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

macro_rules! rows {
    ($($name:ident),* $(,)?) => {
        /// The rows, by the names of their functions.
        const ROWS: &[(&str, Play)] = &[$((stringify!($name), |at| Box::pin($name(at)))),*];
    };
}

fn ids() -> impl Iterator<Item = String> {
    ROWS.iter().map(|(name, _)| name.replace('_', "-"))
}

async fn play_all(place: &Place) {
    for ((_, play), id) in ROWS.iter().zip(ids()) {
        println!("row {id}");
        play(&row(place, &id).await).await;
    }
}

rows! {
    paths_organization, paths_of_a_tenant, errors_members, errors_not_json, token_missing, token_rights,
    invite_status, invite_members, invite_nobody, invite_fields, invite_order, invite_user_domain, invite_no_parent,
    invite_group_twice, invite_name_twice, invite_two_spellings, invite_after_a_guest, invite_many, invite_reasons,
    invite_property_twice, invite_property_words, invite_code_shown,
    introspect_who, introspect_words, introspect_expired, expiry_instant,
    accept_who, accept_one_answer, accept_blank, accept_wrong_token, accept_expired, accept_already_member, accept_gone,
    accept_twice, accept_obstacle,
    list_members, list_audience, list_gone, list_states, list_empty, list_time, list_paging, list_sort_by, list_filter,
    list_filter_glued,
    delete_unknown, delete_ended, delete_twice,
}

fn world() -> String {
    let mut world = String::from(
        r"organizations:
  - id: vendor
    name: Vendor Inc
    users:
      - { id: u-rita, name: rita, email: rita@vendor.example }
      - { id: u-alice, name: alice, email: alice@vendor.example }
      - { id: u-bob, name: bob, email: bob@vendor.example }
      - { id: u-dan, name: dan }
      - { id: u-eve, name: eve, email: eve@vendor.example, active: false }
      - { id: u-fred, name: fred, store: SECONDARY, email: fred@vendor.example }
      - { id: u-gus, name: gus, resident: partner/p-gus }
    roles:
      - { id: administrator, name: Administrator, permissions: [all], members: [u-rita] }
  - id: partner
    users: [{ id: p-gus, name: gus, email: gus@partner.example }]
  - id: rival
    users: [{ id: u-ron, name: ron, email: ron@rival.example }]
",
    );
    for id in ids() {
        world.push_str(&format!(
            r"  - id: {id}
    name: Organization {id}
    parent: vendor
    users:
      - {{ id: u-ann, name: ann, email: ann@acme.example }}
      - {{ id: u-ian, name: ian, email: ian@acme.example }}
    groups: [{{ id: g-help, name: Help desk }}, {{ id: g-gone, name: Gone }}]
    roles:
      - {{ id: administrator, name: Administrator, permissions: [all], members: [u-ann] }}
      - {{ id: r-inviter, name: Inviter, permissions: [invite, view, revoke], members: [u-ian] }}
      - {{ id: r-auditor, name: Auditor, permissions: [view] }}
    settings: {{ codes: see-code }}
"
        ));
    }
    world
}

async fn row<'a>(place: &'a Place, id: &str) -> Guests<'a> {
    let token = place.token_of(id, &user(id, "u-ann")).await;
    Guests { place, root: "vendor", organization: id.to_owned(), token }
}

#[test]
fn each_row_holds_by_default() {
    run(async { play_all(&Place::start(&world(), |_| {}).await).await });
}

#[test]
fn each_row_holds_where_the_reference_is_asked_for() {
    let wso2 = |config: &mut guestlist_server::Config| config.compatibility = Compatibility::Wso2;
    run(async { play_all(&Place::start(&world(), wso2).await).await });
}

#[test]
fn the_table_has_these_rows() {
    let page = include_str!("../../../docs/api.md");
    let section = page.split("## The reference's interface").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let section = section.split("| id | the reference |").nth(1).unwrap();
    let told: Vec<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(id, _)| id))
        .collect();
    let tested: Vec<String> = ids().collect();
    let sorted = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(sorted(&told), tested.iter().cloned().collect(), "docs/api.md and the tests");
    assert_eq!(told.len(), tested.len(), "a row is there twice");
}

impl Guests<'_> {
    fn is_wso2(&self) -> bool {
        self.place.is_wso2()
    }

    /// A token of somebody of the parent, for the parent.
    async fn of(&self, name: &str) -> String {
        self.place.token_of("vendor", &user("vendor", &format!("u-{name}"))).await
    }

    async fn names(&self, names: &[&str]) -> Answer {
        self.invite(&json!({ "usernames": names })).await
    }

    /// One value by default, and another where the reference is asked for.
    fn either<T>(&self, default: T, wso2: T) -> T {
        if self.is_wso2() { wso2 } else { default }
    }

    #[track_caller]
    fn refused(&self, answer: &Answer, default: (u16, &str), wso2: (u16, &str)) {
        let (status, code) = self.either(default, wso2);
        assert_eq!(answer.problem(), (status, code.to_owned()), "{answer:?}");
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("{value}")).keys().map(String::as_str).collect()
}

fn result(answer: &Answer, place: usize) -> String {
    let json = answer.is(200).json();
    let result = &json[place]["result"];
    result["errorCode"].as_str().or(result["status"].as_str()).unwrap().to_owned()
}

// ---- The interface as a whole

async fn paths_organization(at: &Guests<'_>) {
    at.names(&["alice"]).await.is(200);
    assert_eq!(at.rows().await.len(), 1, "the token says where");
    let below = |organization: &str| {
        Ask::get(&format!("/t/vendor/o/{organization}/api/server/v1/guests/invitations")).bearer(&at.token)
    };
    let named = at.place.send(below(&at.organization)).await;
    assert_eq!(named.is(200).json()["invitations"].as_array().unwrap().len(), 1, "the path may say it, too");
    assert_eq!(at.place.send(below("invite-status")).await.problem(), (403, "GL-40300".into()));
    assert_eq!(at.place.send(below("rival")).await.status, 404, "another root's is none");
    let elsewhere = Ask::get("/t/rival/o/api/server/v1/guests/invitations").bearer(&at.token);
    at.place.send(elsewhere).await.is(401);
}

async fn paths_of_a_tenant(at: &Guests<'_>) {
    let path = |end: &str| format!("/t/vendor/api/server/v1/guests{end}");
    for (method, end) in [("POST", "/invite"), ("POST", "/invitation/introspect"), ("GET", "/invitations")] {
        at.place.send(Ask::new(method, &path(end)).bearer(&at.token)).await.is(404);
    }
    let code = at.code_for("alice").await;
    let ask = Ask::post(&path("/invitation/accept")).bearer(&at.of("alice").await);
    at.place.send(ask.json(&json!({ "confirmationCode": code }))).await.is(204);
}

async fn errors_members(at: &Guests<'_>) {
    let ask = Ask::post(&at.path("/invite")).bearer(&at.token).header("X-Request-Id", "a-request-of-mine");
    let answer = at.place.send(ask.json(&json!({ "usernames": null }))).await;
    let json = answer.is(400).json();
    assert_eq!(keys(&json), ["code", "description", "message", "traceId"]);
    assert_eq!(json["code"], "UE-10000");
    assert_eq!(json["description"], "Property usernames cannot be null.");
    assert_eq!(json["traceId"], "a-request-of-mine");
    assert_eq!(answer.header("x-request-id"), Some("a-request-of-mine"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

async fn errors_not_json(at: &Guests<'_>) {
    for body in ["", "{", "[]", "\"alice\"", r#"{"usernames":"alice"}"#] {
        for end in ["/invite", "/invitation/accept", "/invitation/introspect"] {
            let answer = at.place.send(Ask::post(&at.path(end)).bearer(&at.token).text(body)).await;
            assert_eq!(answer.problem(), (400, "UE-10000".into()), "{body} to {end}: {answer:?}");
        }
    }
}

async fn token_missing(at: &Guests<'_>) {
    for (method, end) in [("POST", "/invite"), ("GET", "/invitations"), ("DELETE", "/invitations/x")] {
        for token in [None, Some("gla_unknown"), Some("no.such.token")] {
            let mut ask = Ask::new(method, &at.path(end));
            if let Some(token) = token {
                ask = ask.bearer(token);
            }
            let answer = at.place.send(ask).await;
            assert_eq!(answer.problem(), (401, "GL-40100".into()));
            assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
            assert_eq!(keys(&answer.json()), ["code", "description", "message", "traceId"]);
        }
    }
}

async fn token_rights(at: &Guests<'_>) {
    let token = async |scopes: &[&str]| {
        let ann = Principal::User(user(&at.organization, "u-ann"));
        let token = at.place.token(&at.organization, ann, scopes).await;
        Guests { place: at.place, root: at.root, organization: at.organization.clone(), token }
    };
    let add = token(&["internal_org_guest_mgt_invite_add"]).await;
    let list = token(&["internal_org_guest_mgt_invite_list"]).await;
    let delete = token(&["internal_org_guest_mgt_invite_delete"]).await;
    add.names(&["alice"]).await.is(200);
    list.list("").await.is(200);
    let id = at.id_of("alice").await;
    for other in [&list, &delete] {
        assert_eq!(other.names(&["bob"]).await.problem().0, 403);
    }
    for other in [&add, &delete] {
        assert_eq!(other.list("").await.problem().0, 403);
    }
    for other in [&add, &list] {
        assert_eq!(other.delete(&id).await.problem().0, 403);
    }
    delete.delete(&id).await.is(204);
    assert_eq!(at.rows().await, Vec::<Value>::new());
}

// ---- Inviting

async fn invite_status(at: &Guests<'_>) {
    let answer = at.names(&["bob", "nobody", "alice"]).await;
    let names: Vec<_> =
        answer.is(200).json().as_array().unwrap().iter().map(|entry| entry["username"].clone()).collect();
    assert_eq!(names, ["bob", "nobody", "alice"]);
    at.names(&["nobody"]).await.is(200);
}

async fn invite_members(at: &Guests<'_>) {
    let body = json!({ "usernames": ["alice", "nobody"], "groups": ["g-help"], "roles": ["r-auditor"] });
    let answer = at.invite(&body).await.is(200).json();
    assert_eq!(answer[0], json!({ "username": "alice", "result": { "status": "Successful" } }));
    let failed = json!({
        "username": "nobody",
        "result": {
            "status": "Failed",
            "errorCode": "OUI-10011",
            "errorMessage": "Invalid user identification provided.",
            "errorDescription": "Could not find an user with given username.",
        },
    });
    assert_eq!(answer[1], failed);
    let extended = at.ask("POST", "/invite?view=extended", Some(&json!({ "usernames": ["bob"] }))).await;
    assert_eq!(
        keys(&extended.is(200).json()[0]),
        ["expiredAt", "id", "mail", "result", "status", "username"]
    );
    assert_eq!(keys(&json!({ "confirmationCode": at_external(at, "fred").await })), ["confirmationCode"]);
}

async fn at_external(at: &Guests<'_>, name: &str) -> Value {
    let body = json!({
        "usernames": [format!("SECONDARY/{name}")],
        "properties": [{ "key": "manageNotificationsInternally", "value": "FALSE" }],
    });
    let entry = at.invite(&body).await.is(200).json()[0].clone();
    assert_eq!(keys(&entry), ["confirmationCode", "result", "username"]);
    entry["confirmationCode"].clone()
}

async fn invite_nobody(at: &Guests<'_>) {
    for body in [json!({}), json!({ "usernames": [] })] {
        let answer = at.invite(&body).await;
        match at.is_wso2() {
            true => assert_eq!(answer.is(200).json(), json!([])),
            false => assert_eq!(answer.problem(), (400, "UE-10000".into())),
        }
    }
    assert_eq!(at.invite(&json!({ "usernames": null })).await.problem(), (400, "UE-10000".into()));
    let auditor = Principal::User(user(&at.organization, "u-ann"));
    let token = at.place.token(&at.organization, auditor, &["guestlist:view"]).await;
    let ask = Ask::post(&at.path("/invite")).bearer(&token).json(&json!({}));
    assert_eq!(at.place.send(ask).await.status, 403, "who may not invite is told so, whomever they name");
}

async fn invite_fields(at: &Guests<'_>) {
    for (field, value) in [("username", json!("alice")), ("userRedirectUrl", json!("https://x.example"))] {
        let answer = at.invite(&json!({ "usernames": ["alice"], field: value })).await;
        assert_eq!(answer.problem(), (400, "UE-10000".into()));
        assert!(answer.text.contains(field), "{answer:?}");
    }
    assert_eq!(at.rows().await.len(), 0);
}

async fn invite_order(at: &Guests<'_>) {
    let all = json!({ "usernames": ["alice"], "roles": ["r-no"], "groups": ["g-no"], "userDomain": "NONE" });
    assert_eq!(at.invite(&all).await.problem(), (400, "OUI-60013".into()));
    let group = json!({ "usernames": ["alice"], "groups": ["g-help", "g-no"], "userDomain": "NONE" });
    assert_eq!(at.invite(&group).await.problem(), (400, "OUI-60014".into()));
    assert_eq!(at.rows().await.len(), 0, "nobody was invited");
}

async fn invite_user_domain(at: &Guests<'_>) {
    let answer = at.invite(&json!({ "usernames": ["alice"], "userDomain": "NONE" })).await;
    at.refused(&answer, (400, "OUI-10036"), (500, "OUI-65001"));
    let answer = at.invite(&json!({ "usernames": ["fred"], "userDomain": "secondary" })).await;
    assert_eq!(result(&answer, 0), "Successful");
}

async fn invite_no_parent(at: &Guests<'_>) {
    let token = at.of("rita").await;
    let root = Guests { place: at.place, root: "vendor", organization: "vendor".into(), token };
    let answer = root.names(&["alice"]).await;
    at.refused(&answer, (400, "OUI-65001"), (500, "OUI-65001"));
}

async fn invite_group_twice(at: &Guests<'_>) {
    let answer = at.invite(&json!({ "usernames": ["alice"], "groups": ["g-help", "g-help"] })).await;
    at.refused(&answer, (400, "UE-10000"), (400, "UE-10000"));
}

async fn invite_name_twice(at: &Guests<'_>) {
    let answer = at.names(&["alice", "alice"]).await;
    assert_eq!([result(&answer, 0), result(&answer, 1)], ["Successful", "OUI-10018"]);
}

async fn invite_two_spellings(at: &Guests<'_>) {
    assert_eq!(result(&at.names(&["SECONDARY/fred"]).await, 0), "Successful");
    let answer = at.invite(&json!({ "usernames": ["fred"], "userDomain": "SECONDARY" })).await;
    assert_eq!(result(&answer, 0), "OUI-10018");
    assert_eq!(at.rows().await[0]["username"], "SECONDARY/fred", "as it was written");
}

async fn invite_after_a_guest(at: &Guests<'_>) {
    let answer = at.names(&["gus", "alice"]).await;
    assert_eq!([result(&answer, 0), result(&answer, 1)], ["Successful", "Successful"]);
    let rows = at.rows().await;
    let email = |name: &str| rows.iter().find(|row| row["username"] == name).unwrap()["email"].clone();
    assert_eq!([email("gus"), email("alice")], ["gus@partner.example", "alice@vendor.example"]);
}

async fn invite_many(at: &Guests<'_>) {
    let names: Vec<String> = (0..101).map(|number| format!("p{number}")).collect();
    let answer = at.invite(&json!({ "usernames": names })).await;
    assert_eq!(answer.problem(), (400, "GL-40001".into()));
    assert_eq!(
        at.invite(&json!({ "usernames": names[..100] })).await.is(200).json().as_array().unwrap().len(),
        100
    );
}

async fn invite_reasons(at: &Guests<'_>) {
    at.place.database.administration().add_member(&at.organization, &user("vendor", "u-bob")).await.unwrap();
    at.names(&["alice"]).await.is(200);
    let answer = at.names(&["bob", "alice", "nobody", "eve", "dan"]).await;
    let codes: Vec<_> = (0..5).map(|place| result(&answer, place)).collect();
    assert_eq!(codes, ["OUI-10032", "OUI-10018", "OUI-10011", "OUI-10011", "OUI-10030"]);
}

fn properties(values: &[&str]) -> Value {
    let pair = |value: &&str| json!({ "key": "manageNotificationsInternally", "value": value });
    values.iter().map(pair).collect()
}

async fn invite_property_twice(at: &Guests<'_>) {
    let body = json!({ "usernames": ["alice"], "properties": properties(&["true", "false"]) });
    let answer = at.invite(&body).await;
    match at.is_wso2() {
        true => assert!(answer.is(200).json()[0]["confirmationCode"].is_string(), "the last counts"),
        false => assert_eq!(answer.problem(), (400, "UE-10000".into())),
    }
}

async fn invite_property_words(at: &Guests<'_>) {
    let answer = at.invite(&json!({ "usernames": ["alice"], "properties": properties(&["TRUE"]) })).await;
    assert_eq!(keys(&answer.is(200).json()[0]), ["result", "username"]);
    let answer = at.invite(&json!({ "usernames": ["bob"], "properties": properties(&["yes"]) })).await;
    match at.is_wso2() {
        true => assert!(answer.is(200).json()[0]["confirmationCode"].is_string(), "it is false"),
        false => assert_eq!(answer.problem(), (400, "UE-10000".into())),
    }
}

async fn invite_code_shown(at: &Guests<'_>) {
    let token = at.place.token_of(&at.organization, &user(&at.organization, "u-ian")).await;
    let inviter = Guests { place: at.place, root: "vendor", organization: at.organization.clone(), token };
    let body = json!({ "usernames": ["alice"], "properties": properties(&["false"]) });
    let answer = inviter.invite(&body).await;
    assert_eq!(answer.problem(), (403, "GL-40304".into()), "who invites may not see codes by that");
    assert_eq!(at.rows().await.len(), 0, "nobody was invited");
    inviter.names(&["alice"]).await.is(200);
}

// ---- Looking at a code

async fn introspect_who(at: &Guests<'_>) {
    let code = at.code_for("alice").await;
    let alice = at.of("alice").await;
    let answer = at.introspect(Some(&alice), &code).await;
    let shown = json!({
        "confirmationCode": code,
        "username": "alice",
        "userOrganization": "vendor",
        "initiatedOrganization": at.organization,
        "status": "PENDING",
    });
    assert_eq!(answer.is(200).json(), shown);
    let unknown = at.introspect(Some(&alice), "390feadd-4e03-404c-95bd-1c451acc2bad").await;
    assert_eq!(unknown.problem(), (400, "OUI-60002".into()));
    for token in [None, Some(&at.token), Some(&at.of("bob").await)] {
        let answer = at.introspect(token.map(String::as_str), &code).await;
        assert_eq!(answer.problem(), (400, "OUI-60002".into()));
    }
}

async fn introspect_words(at: &Guests<'_>) {
    let unknown = "390feadd-4e03-404c-95bd-1c451acc2bad";
    let answer = at.introspect(Some(&at.token), unknown).await;
    let description = answer.json()["description"].as_str().unwrap().to_owned();
    let reference = format!("Could not validate the confirmation code {unknown}.");
    assert_eq!(description == reference, at.is_wso2(), "{description}");
    assert_eq!(description.contains(unknown), at.is_wso2(), "{description}");
}

async fn introspect_expired(at: &Guests<'_>) {
    let code = at.code_for("alice").await;
    let alice = at.of("alice").await;
    at.place.pass(73 * HOUR);
    assert_eq!(at.introspect(Some(&alice), &code).await.is(200).json()["status"], "EXPIRED");
}

async fn expiry_instant(at: &Guests<'_>) {
    let code = at.code_for("alice").await;
    let alice = at.of("alice").await;
    at.place.pass(72 * HOUR - 1);
    assert_eq!(at.introspect(Some(&alice), &code).await.is(200).json()["status"], "PENDING");
    at.place.pass(1);
    assert_eq!(at.introspect(Some(&alice), &code).await.is(200).json()["status"], "EXPIRED");
    assert_eq!(at.rows().await[0]["status"], "EXPIRED");
    at.accept(Some(&alice), &code).await.is(400);
}

// ---- Accepting

async fn accept_who(at: &Guests<'_>) {
    let body = json!({
        "usernames": ["alice"],
        "groups": ["g-help"],
        "properties": properties(&["false"]),
    });
    let code = at.invite(&body).await.is(200).json()[0]["confirmationCode"].as_str().unwrap().to_owned();
    for token in [None, Some(at.token.clone()), Some(at.of("bob").await)] {
        let answer = at.accept(token.as_deref(), &code).await;
        assert_eq!(answer.problem(), (400, "OUI-60010".into()));
    }
    let answer = at.accept(Some(&at.of("alice").await), &code).await;
    assert_eq!((answer.is(204).text.as_str(), answer.header("content-type")), ("", None));
    assert!(groups_of(at, "alice").await.contains(&"g-help".to_owned()));
}

/// The groups that somebody of the parent has by now.
async fn groups_of(at: &Guests<'_>, name: &str) -> Vec<String> {
    let account = user("vendor", &format!("u-{name}"));
    let reading = at.place.database.reading();
    let person = reading.person_of(&at.organization, &account).await.unwrap();
    let held = person.map(|person| person.held).unwrap_or_default();
    held.into_iter().filter(|held| held.grant.kind == GrantKind::Group).map(|held| held.grant.id).collect()
}

async fn accept_one_answer(at: &Guests<'_>) {
    let live = at.code_for("alice").await;
    let own = at.code_for("bob").await;
    let bob = at.of("bob").await;
    let mut cut = live.clone();
    cut.pop();
    let reference = |code: &str| {
        format!("Could not accept the invitation since the confirmation code {code} is not valid.")
    };
    let mut answers = BTreeSet::new();
    for code in [live.as_str(), &cut, "2663329b-c8c5-4c71-9500-9ea8c4e77d94", "x"] {
        for token in [None, Some(at.token.as_str()), Some(bob.as_str())] {
            let answer = at.accept(token, code).await;
            assert_eq!(answer.problem(), (400, "OUI-60010".into()), "{code}");
            let (status, mut json) = answer.comparable();
            if at.is_wso2() {
                assert_eq!(json["description"], reference(code));
                json["description"] = json!("the same with the code");
            }
            answers.insert(format!("{status} {json}"));
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers.first().unwrap().contains("`accept-with`"), !at.is_wso2());
    at.accept(Some(&bob), &own).await.is(204);
    at.accept(Some(&at.of("alice").await), &live).await.is(204);
}

async fn accept_blank(at: &Guests<'_>) {
    let answer = at.accept(Some(&at.token), "").await;
    assert_eq!(answer.problem(), (400, "OUI-60010".into()));
    let reference = "Could not accept the invitation since the confirmation code %s is not valid.";
    let description = answer.json()["description"].as_str().unwrap().to_owned();
    assert_eq!((description == reference, description.contains("%s")), (at.is_wso2(), at.is_wso2()));
    let answer = at.introspect(Some(&at.token), " ").await;
    assert_eq!(answer.text.contains("the confirmation code %s."), at.is_wso2());
}

async fn accept_wrong_token(at: &Guests<'_>) {
    let code = at.code_for("alice").await;
    assert_eq!(at.accept(Some("gla_wrong"), &code).await.problem(), (401, "GL-40100".into()));
    at.accept(Some(&at.of("alice").await), &code).await.is(204);
}

async fn accept_expired(at: &Guests<'_>) {
    let code = at.code_for("alice").await;
    let alice = at.of("alice").await;
    at.place.pass(73 * HOUR);
    for _ in 0..2 {
        assert_eq!(at.accept(Some(&alice), &code).await.problem(), (400, "OUI-60010".into()));
        assert_eq!(at.introspect(Some(&alice), &code).await.is(200).json()["status"], "EXPIRED");
        assert_eq!(at.rows().await[0]["status"], "EXPIRED", "it stays");
    }
    assert_eq!(result(&at.names(&["alice"]).await, 0), "Successful", "and does not keep them from another");
}

async fn accept_already_member(at: &Guests<'_>) {
    let body = json!({
        "usernames": ["alice"],
        "groups": ["g-help"],
        "properties": properties(&["false"]),
    });
    let code = at.invite(&body).await.is(200).json()[0]["confirmationCode"].as_str().unwrap().to_owned();
    at.place
        .database
        .administration()
        .add_member(&at.organization, &user("vendor", "u-alice"))
        .await
        .unwrap();
    at.accept(Some(&at.of("alice").await), &code).await.is(204);
    assert_eq!(groups_of(at, "alice").await, ["g-help"]);
}

async fn accept_gone(at: &Guests<'_>) {
    let body = json!({
        "usernames": ["alice"],
        "groups": ["g-gone", "g-help"],
        "properties": properties(&["false"]),
    });
    let code = at.invite(&body).await.is(200).json()[0]["confirmationCode"].as_str().unwrap().to_owned();
    at.place.database.administration().delete_group(&at.organization, "g-gone").await.unwrap();
    at.accept(Some(&at.of("alice").await), &code).await.is(204);
    assert_eq!(groups_of(at, "alice").await, ["g-help"]);
}

async fn accept_twice(at: &Guests<'_>) {
    let code = at.code_for("alice").await;
    let alice = at.of("alice").await;
    at.accept(Some(&alice), &code).await.is(204);
    let again = at.accept(Some(&alice), &code).await;
    match at.is_wso2() {
        true => assert_eq!(again.problem(), (400, "OUI-60010".into())),
        false => assert_eq!((again.status, again.text.as_str()), (204, "")),
    }
}

async fn accept_obstacle(at: &Guests<'_>) {
    let code = at.code_for("alice").await;
    let alice = at.of("alice").await;
    let administration = at.place.database.administration();
    administration.set_organization_active(&at.organization, false).await.unwrap();
    let answer = at.accept(Some(&alice), &code).await;
    at.refused(&answer, (409, "GL-40303"), (400, "OUI-60010"));
    administration.set_organization_active(&at.organization, true).await.unwrap();
    at.accept(Some(&alice), &code).await.is(204);
}

// ---- Listing

async fn list_members(at: &Guests<'_>) {
    let body = json!({ "usernames": ["alice"], "groups": ["g-help"], "roles": ["r-auditor"] });
    at.invite(&body).await.is(200);
    at.names(&["bob"]).await.is(200);
    let rows = at.rows().await;
    assert_eq!(keys(&rows[0]), ["email", "expiredAt", "groups", "id", "roles", "status", "username"]);
    assert_eq!(
        keys(&rows[1]),
        ["email", "expiredAt", "id", "status", "username"],
        "what is empty is left out"
    );
    assert_eq!(rows[0]["groups"], json!([{ "displayName": "Help desk", "id": "g-help" }]));
    assert_eq!([&rows[0]["email"], &rows[1]["email"]], ["alice@vendor.example", "bob@vendor.example"]);
    let administration = at.place.database.administration();
    administration.set_user_email("vendor", "u-bob", Some("robert@vendor.example")).await.unwrap();
    assert_eq!(at.rows().await[1]["email"], "robert@vendor.example", "as the directory has it now");
    administration.set_user_email("vendor", "u-bob", Some("bob@vendor.example")).await.unwrap();
    let extended = at.list("?view=extended").await.is(200).json();
    let row = &extended["invitations"][0];
    assert_eq!((&row["groups"], &row["mail"].is_string()), (&json!(["g-help"]), &true));
    assert!(row["inviter"].is_object() && row["createdAt"].is_string(), "{row}");
}

async fn list_audience(at: &Guests<'_>) {
    at.invite(&json!({ "usernames": ["alice"], "roles": ["r-auditor"] })).await.is(200);
    let audience = json!([{
        "value": at.organization,
        "display": format!("Organization {}", at.organization),
        "type": "organization",
    }]);
    let role = json!({ "displayName": "Auditor", "id": "r-auditor", "audience": audience });
    assert_eq!(at.rows().await[0]["roles"], json!([role]));
}

async fn list_gone(at: &Guests<'_>) {
    let body = json!({ "usernames": ["alice"], "groups": ["g-gone"], "roles": ["r-auditor"] });
    at.invite(&body).await.is(200);
    let administration = at.place.database.administration();
    administration.delete_group(&at.organization, "g-gone").await.unwrap();
    let role = Grant { kind: GrantKind::Role, id: "r-auditor".into() };
    administration.rename_target(&at.organization, &role, "Reader").await.unwrap();
    let row = at.rows().await.remove(0);
    assert_eq!((row.get("groups"), &row["roles"][0]["displayName"]), (None, &json!("Reader")));
}

async fn list_states(at: &Guests<'_>) {
    at.names(&["alice"]).await.is(200);
    at.place.pass(73 * HOUR);
    let code = at.code_for("bob").await;
    let fred = at.invite(&json!({ "usernames": ["gus"] })).await;
    assert_eq!(result(&fred, 0), "Successful");
    at.accept(Some(&at.of("bob").await), &code).await.is(204);
    let states: Vec<_> =
        at.rows().await.iter().map(|row| (row["username"].clone(), row["status"].clone())).collect();
    assert_eq!(states, [(json!("alice"), json!("EXPIRED")), (json!("gus"), json!("PENDING"))]);
}

async fn list_empty(at: &Guests<'_>) {
    let expected = at.either(json!({ "invitations": [] }), json!({}));
    assert_eq!(at.list("").await.is(200).json(), expected);
}

async fn list_time(at: &Guests<'_>) {
    at.names(&["alice"]).await.is(200);
    let end = at.rows().await[0]["expiredAt"].as_str().unwrap().to_owned();
    let (day, time) = end.split_once(at.either('T', ' ')).unwrap_or_else(|| panic!("{end}"));
    assert_eq!(day.len(), 10);
    assert_eq!(time.ends_with('Z'), !at.is_wso2(), "{end}");
    let instant = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
    let said = instant(&format!("{day}T{}Z", time.trim_end_matches('Z')));
    assert_eq!(u64::try_from(said).unwrap(), at.place.now() + 72 * HOUR, "{end}");
}

async fn list_paging(at: &Guests<'_>) {
    for (query, code) in [
        ("?limit=0", "OUI-60004"),
        ("?offset=1&limit=1&filter=x", "OUI-60004"),
        ("?offset=", "OUI-60005"),
        ("?sortBy=x&sortOrder=ASC", "OUI-60006"),
        ("?sortBy=x", "OUI-60007"),
    ] {
        let answer = at.list(query).await;
        assert_eq!(answer.problem(), (400, code.into()), "{query}");
        assert_eq!(answer.json()["message"], "Unsupported param.");
    }
    at.list("?sortOrder=&sortBy=").await.is(200);
}

async fn list_sort_by(at: &Guests<'_>) {
    let description = at.list("?sortBy=username").await.is(400).json()["description"].clone();
    let expected = at.either("Sort by param is not supported yet.", "Sort order param is not supported yet.");
    assert_eq!(description, expected);
}

async fn list_filter(at: &Guests<'_>) {
    at.names(&["alice"]).await.is(200);
    at.place.pass(73 * HOUR);
    at.names(&["bob"]).await.is(200);
    for (filter, name) in [("PENDING", "bob"), ("EXPIRED", "alice")] {
        let list = at.list(&format!("?filter=status eq {filter}")).await.is(200).json();
        let rows = list["invitations"].as_array().unwrap();
        assert_eq!((rows.len(), &rows[0]["username"]), (1, &json!(name)));
    }
    for wrong in
        ["status eq pending", "status ne PENDING", "foo status eq PENDING", "status eq PENDING ", "x"]
    {
        let answer = at.list(&format!("?filter={wrong}")).await;
        assert_eq!(answer.problem(), (400, "OUI-60009".into()), "{wrong}");
    }
    assert_eq!(at.list("?filter=").await.is(200).json()["invitations"].as_array().unwrap().len(), 2);
}

async fn list_filter_glued(at: &Guests<'_>) {
    at.names(&["alice"]).await.is(200);
    at.place.pass(73 * HOUR);
    at.names(&["bob"]).await.is(200);
    let answer = at.list("?filter=xstatus eq PENDING").await;
    match at.is_wso2() {
        true => assert_eq!(answer.is(200).json()["invitations"].as_array().unwrap().len(), 2, "no filter"),
        false => assert_eq!(answer.problem(), (400, "OUI-60009".into())),
    }
}

// ---- Deleting

async fn delete_unknown(at: &Guests<'_>) {
    let other = row(at.place, "invite-status").await;
    let theirs = match other.rows().await.first() {
        Some(row) => row["id"].as_str().unwrap().to_owned(),
        None => panic!("the row before has invited somebody"),
    };
    for id in ["390feadd-4e03-404c-95bd-1c451acc2bad", &theirs, "x"] {
        let answer = at.delete(id).await;
        at.refused(&answer, (404, "OUI-60001"), (400, "OUI-60001"));
        let description = answer.json()["description"].as_str().unwrap().to_owned();
        assert_eq!(description == format!("Provided invitation with the id {id} is invalid."), at.is_wso2());
    }
    let found = other.rows().await;
    assert!(found.iter().any(|row| row["id"] == theirs.as_str()), "it is there");
}

async fn delete_ended(at: &Guests<'_>) {
    at.names(&["alice"]).await.is(200);
    let expired = at.id_of("alice").await;
    at.place.pass(73 * HOUR);
    let code = at.code_for("bob").await;
    let accepted = at.id_of("bob").await;
    at.accept(Some(&at.of("bob").await), &code).await.is(204);
    for id in [&expired, &accepted] {
        assert_eq!(at.delete(id).await.is(204).text, "");
    }
    assert_eq!(at.rows().await, Vec::<Value>::new());
    assert_eq!(result(&at.names(&["bob"]).await, 0), "OUI-10032", "who has accepted stays");
}

async fn delete_twice(at: &Guests<'_>) {
    let code = at.code_for("alice").await;
    let id = at.id_of("alice").await;
    at.delete(&id).await.is(204);
    let again = at.delete(&id).await;
    match at.is_wso2() {
        true => assert_eq!(again.problem(), (400, "OUI-60001".into())),
        false => assert_eq!((again.status, again.text.as_str()), (204, "")),
    }
    assert_eq!(at.accept(Some(&at.of("alice").await), &code).await.problem(), (400, "OUI-60010".into()));
    assert_eq!(result(&at.names(&["alice"]).await, 0), "Successful");
}
