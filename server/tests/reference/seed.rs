//! The requests of the reference's guide, as they stand there, with a real token, a real root and real codes.
//!
//! `seed-002.json` has them as data.

use std::{collections::BTreeSet, sync::LazyLock};

use guestlist_contract::types::{GrantKind, Principal};
use guestlist_storage::NewClient;
use serde_json::{Value, json};

use crate::{
    http::{Answer, Ask},
    place::{Place, actor, run, user},
};

static SEED: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(include_str!("seed-002.json")).unwrap());

fn request(name: &str) -> &'static Value {
    SEED["requests"].as_array().unwrap().iter().find(|request| request["name"] == name).unwrap()
}

/// The request with the token and root of a place, and with another body where one is given.
fn ask(request: &Value, root: &str, token: &str, body: Option<Value>) -> Ask {
    let path = request["path"].as_str().unwrap().replace("{{ organization_name }}", root);
    let mut ask = Ask::new(request["method"].as_str().unwrap(), &path);
    for (name, value) in request["headers"].as_object().unwrap() {
        let placeholder = "<access-token-obtained-for-the-organization>";
        let value = value.as_str().unwrap().replace(placeholder, token);
        // The body brings its own.
        if name != "Content-Type" {
            ask = ask.header(name, &value);
        }
    }
    ask.json(&body.unwrap_or_else(|| request["body"].clone()))
}

/// A world in which the users, roles and groups of the guide exist.
fn world(settings: &str) -> String {
    let body = &request("invite")["body"];
    let list = |of: &str| -> Vec<&str> {
        body[of].as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect()
    };
    let mut world = String::from("organizations:\n  - id: vendor\n    users:\n");
    for (place, name) in list("usernames").iter().enumerate() {
        world.push_str(&format!("      - {{ id: u-{place}, name: '{name}', email: '{name}' }}\n"));
    }
    world.push_str("  - id: acme\n    parent: vendor\n    groups:\n");
    for id in list("groups") {
        world.push_str(&format!("      - {{ id: '{id}' }}\n"));
    }
    world.push_str("    roles:\n      - { id: machines, permissions: [invite, view, see-code, all], members: ['client:hr'] }\n");
    for id in list("roles") {
        world.push_str(&format!("      - {{ id: '{id}', permissions: [view] }}\n"));
    }
    world.push_str(&format!("    settings: {settings}\n"));
    world
}

/// A server, and the token of a client of the organization.
async fn start(settings: &str) -> (Place, String) {
    let place = Place::start(&world(settings), |_| {}).await;
    let client = NewClient { id: "hr".into(), name: "HR".into(), secret: [7; 32], lifetime: None };
    place.accounts.create_client(&actor(), "acme", &client).await.unwrap();
    let token = place.token("acme", Principal::Client("hr".into()), &[]).await;
    (place, token)
}

fn code(answer: &Answer, place: usize) -> String {
    answer.is(200).json()[place]["confirmationCode"].as_str().unwrap().to_owned()
}

/// The groups and roles that a user of the guide has by now; absent for one who is no member.
async fn held(place: &Place, id: &str, kind: GrantKind) -> Option<BTreeSet<String>> {
    let person = place.database.reading().person_of("acme", &user("vendor", id)).await.unwrap()?;
    let of_kind = person.held.into_iter().filter(|held| held.grant.kind == kind);
    Some(of_kind.map(|held| held.grant.id).collect())
}

#[test]
fn the_requests_of_the_guide_work_where_the_code_alone_is_enough() {
    run(async {
        let (place, token) = start("{ codes: see-code-even-alone, accept-with: code }").await;
        let answer = place.send(ask(request("invite"), "vendor", &token, None)).await;
        // As the guide shows it, with codes of its own.
        let mut expected = request("invite")["answer"].clone();
        for (at, entry) in expected.as_array_mut().unwrap().iter_mut().enumerate() {
            entry["confirmationCode"] = json!(code(&answer, at));
        }
        assert_eq!(answer.json(), expected);
        assert_ne!(code(&answer, 0), code(&answer, 1));
        for at in 0..2 {
            let body = json!({ "confirmationCode": code(&answer, at) });
            let accepted = place.send(ask(request("accept"), "vendor", &token, Some(body))).await;
            assert_eq!(accepted.is(204).text, "");
            for (kind, of) in [(GrantKind::Role, "roles"), (GrantKind::Group, "groups")] {
                let invited: Vec<String> =
                    serde_json::from_value(request("invite")["body"][of].clone()).unwrap();
                let held = held(&place, &format!("u-{at}"), kind).await;
                assert_eq!(held, Some(invited.into_iter().collect()), "{of}");
            }
        }
        assert!(place.mails().await.is_empty(), "others notify");
        // Its own code is none of this server.
        let unknown = place.send(ask(request("accept"), "vendor", &token, None)).await;
        assert_eq!(unknown.problem(), (400, "OUI-60010".into()));
    });
}

#[test]
fn by_default_the_accept_of_the_guide_is_answered_in_one_way_and_uses_nothing_up() {
    run(async {
        let (place, token) = start("{ codes: see-code }").await;
        let invited = place.send(ask(request("invite"), "vendor", &token, None)).await;
        let (live, used) = (code(&invited, 0), code(&invited, 1));
        let owner = async |id: &str| place.token_of("vendor", &user("vendor", id)).await;
        let body = |code: &str| Some(json!({ "confirmationCode": code }));
        let own = owner("u-1").await;
        place.send(ask(request("accept"), "vendor", &own, body(&used))).await.is(204);
        let mut answers = BTreeSet::new();
        for body in [body(&live), body(&used), None, body("x")] {
            let answer = place.send(ask(request("accept"), "vendor", &token, body)).await;
            let (status, json) = answer.comparable();
            answers.insert(format!("{status} {json}"));
        }
        assert_eq!(answers.len(), 1, "{answers:?}");
        let answer = answers.first().unwrap();
        assert!(answer.starts_with("400 ") && answer.contains("`accept-with`"), "{answer}");
        assert_eq!(held(&place, "u-0", GrantKind::Group).await, None);
        let own = owner("u-0").await;
        place.send(ask(request("accept"), "vendor", &own, body(&live))).await.is(204);
    });
}

#[test]
fn by_default_the_invite_of_the_guide_shows_no_code() {
    run(async {
        let (place, token) = start("{ lifetime: 72h }").await;
        let answer = place.send(ask(request("invite"), "vendor", &token, None)).await;
        assert_eq!(answer.problem(), (403, "GL-40304".into()));
    });
}
