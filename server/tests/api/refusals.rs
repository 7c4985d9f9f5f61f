//! What is refused, and how it is told; what is repeated; pages.

use serde_json::{Value, json};

use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_told_as_a_problem_that_names_it() {
    let world = World::new().await;
    let ann = world.token("ann");
    let told = world.ask("POST", "/api/v1/groups").with(&ann).text("application/json", "{ name").send().await;
    assert!(told.problem(400).1.contains("line 1"));
    let body = json!({ "name": "A", "colour": "red" });
    let told = world.ask("POST", "/api/v1/groups").with(&ann).json(&body).send().await;
    assert!(told.problem(400).1.contains("unknown field `colour`, expected `name`"));
    let told = world.ask("POST", "/api/v1/groups").with(&ann).text("text/plain", "{}").send().await;
    assert_eq!(told.problem(415).0, "GL-41500");
    let told = world.ask("PUT", "/api/v1/groups").with(&ann).send().await;
    let mut allow: Vec<_> = told.header("allow").split(',').map(str::to_owned).collect();
    allow.sort();
    assert_eq!(allow, ["GET", "HEAD", "POST"]);
    assert_eq!(told.problem(405).0, "GL-40500");
    let told = world.ask("GET", "/api/v1/people?name=ann").with(&ann).send().await;
    let (_, detail) = told.problem(400);
    assert!(detail.contains("`name` is not known") && detail.contains("`usernamePrefix`"), "{detail}");
    for (path, words) in [
        ("/people?limit=0", "`limit` is `0`: say a number from 1 to 200."),
        ("/people?limit=201", "`limit` is `201`"),
        ("/people?limit=1&limit=2", "`limit` is there twice"),
        ("/people?after=x", "begin with the first page"),
        ("/invitations?status=OPEN", "`OPEN` is not a status"),
        ("/invitations?group=a&role=b", "not by both"),
        ("/invitations?dismissed=maybe", "say true or false"),
        ("/invitations?inviter=ann", "client:ID"),
        ("/invitations?invitee=ann", "`ORGANIZATION/ID`"),
        ("/trail?kind=nothing", "there is no such event"),
        ("/trail?from=today", "say an instant"),
        ("/trail?actor=ann", "`ORGANIZATION/ID`"),
    ] {
        let told = world.ask("GET", &format!("/api/v1{path}")).with(&ann).send().await;
        let (_, detail) = told.problem(400);
        assert!(detail.contains(words), "{path}: {detail}");
    }
    let one = json!({ "username": "a", "active": true });
    let told = world.ask("PATCH", "/api/v1/people/u-omar").with(&ann).json(&one).send().await;
    assert!(told.problem(400).1.contains("One thing"));
    let told =
        world.ask("PATCH", "/api/v1/settings").with(&ann).json(&json!({ "lifetimeMax": "1m" })).send().await;
    let (_, detail) = told.problem(400);
    assert!(detail.contains("`lifetimeMax`") || detail.contains("`lifetime`"), "{detail}");
    let settings = world.ask("GET", "/api/v1/settings").with(&ann).send().await.expect(200);
    for key in settings.as_object().unwrap().keys() {
        let value = if key == "limits" { json!({ "nameBytes": true }) } else { json!({ "no": "value" }) };
        let told =
            world.ask("PATCH", "/api/v1/settings").with(&ann).json(&json!({ key: value })).send().await;
        let (_, detail) = told.problem(400);
        assert!(detail.starts_with(&format!("`{key}` is not understood")), "{detail}");
    }
    let told =
        world.ask("PATCH", "/api/v1/settings").with(&ann).json(&json!({ "lifetime-max": "1h" })).send().await;
    assert!(told.problem(400).1.contains("`lifetime-max` is no setting: there are `lifetime`"));
    let password = json!({ "password": "short" });
    let told = world.ask("PUT", "/api/v1/people/u-omar/password").with(&ann).json(&password).send().await;
    assert!(told.problem(400).1.contains("12 characters"));
    for (method, path) in [
        ("GET", "/people/none"),
        ("GET", "/groups/none"),
        ("GET", "/clients/none"),
        ("GET", "/organizations/vendor"),
        ("GET", "/invitations/none"),
        ("DELETE", "/roles/none"),
        ("PUT", "/roles/inviter/clients/none"),
    ] {
        world.ask(method, &format!("/api/v1{path}")).with(&ann).send().await.problem(404);
    }
    world.ask("GET", "/api/v1/nothing").with(&ann).send().await.problem(404);
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_repeated_with_its_key_is_done_once_and_tells_no_secret_again() {
    let world = World::new().await;
    let ann = world.token("ann");
    let make = |name: &str| {
        let asking = world.ask("POST", "/api/v1/clients").with(&ann).header("idempotency-key", "k-1");
        asking.json(&json!({ "name": name })).send()
    };
    let first = make("hr").await;
    let again = make("hr").await;
    assert_eq!(first.header("location"), again.header("location"));
    let (mut first, again) = (first.expect(201), again.expect(201));
    assert!(first.as_object_mut().unwrap().remove("secret").is_some());
    assert_eq!(first, again);
    assert_eq!(make("other").await.problem(409).0, "GL-40902");
    let all = world.ask("GET", "/api/v1/clients").with(&ann).send().await.expect(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 1);

    // What was refused can be tried again with the same key.
    let group = |name: &str| {
        let asking = world.ask("POST", "/api/v1/groups").with(&ann).header("idempotency-key", "k-2");
        asking.json(&json!({ "name": name })).send()
    };
    group("").await.problem(400);
    group("A").await.expect(201);

    let invite = || {
        let asking = world.ask("POST", "/api/v1/invitations").with(&ann).header("idempotency-key", "k-3");
        asking.json(&json!({ "usernames": ["alice"] })).send()
    };
    let first = invite().await.expect(201);
    let again = invite().await.expect(200);
    assert_eq!(again["items"][0]["existed"], true);
    assert_eq!(first["items"][0]["id"], again["items"][0]["id"]);
    let both = json!({ "usernames": ["bob"], "idempotencyKey": "k-5" });
    let told =
        world.ask("POST", "/api/v1/invitations").with(&ann).header("idempotency-key", "k-4").json(&both);
    assert!(told.send().await.problem(400).1.contains("differ"));
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_each_row_once() {
    let world = World::new().await;
    let ann = world.token("ann");
    for name in ["A", "B", "C", "D", "E"] {
        let body = json!({ "name": name });
        world.ask("POST", "/api/v1/groups").with(&ann).json(&body).send().await.expect(201);
    }
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let page =
            world.ask("GET", &format!("/api/v1/groups?limit=2{after}")).with(&ann).send().await.expect(200);
        let items = page["items"].as_array().unwrap();
        assert!((1..=2).contains(&items.len()));
        names.extend(items.iter().map(|row| row["name"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["A", "B", "C", "D", "E", "Help desk", "Inviters"]);
    // A cursor is of one list.
    world.ask("GET", &format!("/api/v1/roles?limit=2{after}")).with(&ann).send().await.problem(400);
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reaches_beyond_what_they_may_do_themselves() {
    let world = World::new().await;
    let ann = world.token("ann");
    let made = |path: &str, body: Value| world.ask("POST", path).with(&ann).json(&body).send();
    let role =
        made("/api/v1/roles", json!({ "name": "Desk", "rights": ["manage-people", "manage-roles"] })).await;
    let role = role.expect(201)["id"].as_str().unwrap().to_owned();
    world.ask("PUT", &format!("/api/v1/roles/{role}/members/u-omar")).with(&ann).send().await.expect(204);
    let nina = made("/api/v1/people", json!({ "username": "nina" })).await.expect(201);
    let nina = nina["id"].as_str().unwrap().to_owned();
    let client = made("/api/v1/clients", json!({ "name": "hr" })).await.expect(201);
    let client = client["id"].as_str().unwrap().to_owned();
    let strong = format!("/api/v1/roles/inviter/clients/{client}");
    world.ask("PUT", &strong).with(&ann).send().await.expect(204);

    let omar = world.token("omar");
    let password = json!({ "password": "correct horse battery" });
    let identity = json!({ "issuer": "https://id.example", "subject": "omar" });
    let changes = |person: &str| {
        [
            ("PUT", format!("/people/{person}/password"), password.clone()),
            ("POST", format!("/people/{person}/identities"), identity.clone()),
            ("PATCH", format!("/people/{person}"), json!({ "email": "omar@acme.example" })),
            ("PATCH", format!("/people/{person}"), json!({ "username": "somebody" })),
            ("PATCH", format!("/people/{person}"), json!({ "active": false })),
            ("DELETE", format!("/people/{person}"), Value::Null),
        ]
    };
    let ask = |method: &str, path: &str, body: &Value, token: &str| {
        let asking = world.ask(method, &format!("/api/v1{path}")).with(token);
        if body.is_null() { asking.send() } else { asking.json(body).send() }
    };
    for (method, path, body) in changes("u-ann") {
        let (code, detail) = ask(method, &path, &body, &omar).await.problem(403);
        assert_eq!(code, "GL-40305", "{method} {path}");
        assert!(detail.contains("manage-rules"), "{detail}");
    }
    for (method, path, body) in changes(&nina) {
        let told = ask(method, &path, &body, &omar).await;
        assert!(told.status.is_success(), "{method} {path}: {}", told.body);
    }
    for (method, path, body) in [
        ("POST", format!("/clients/{client}/rotate"), Value::Null),
        ("POST", format!("/clients/{client}/revoke"), Value::Null),
        ("POST", "/roles".into(), json!({ "name": "More", "rights": ["invite"] })),
        ("PUT", "/roles/administrator/members/u-omar".into(), Value::Null),
        ("PUT", "/roles/inviter/groups/g-help".into(), Value::Null),
        ("PATCH", format!("/roles/{role}"), json!({ "rights": ["all"] })),
    ] {
        assert_eq!(ask(method, &path, &body, &omar).await.problem(403).0, "GL-40305", "{method} {path}");
    }
    // A token lets through less than its holder may.
    let narrow = world.token_with("ann", Some("acme"), &["manage-roles"]);
    let more = json!({ "name": "More", "rights": ["invite"] });
    assert_eq!(ask("POST", "/roles", &more, &narrow).await.problem(403).0, "GL-40305");
    // An organization keeps its last administrator.
    let administrator = json!({ "organization": "acme", "id": "u-ann" });
    let shop = json!({ "name": "Shop", "handle": "shop", "administrator": administrator });
    ask("POST", "/organizations", &shop, &ann).await.expect(201);
    let anywhere = world.token_with("ann", None, &[]);
    let people = world.ask("GET", "/o/shop/api/v1/people").with(&anywhere).send().await.expect(200);
    let own =
        format!("/o/shop/api/v1/roles/administrator/members/{}", people["items"][0]["id"].as_str().unwrap());
    let told = world.ask("DELETE", &own).with(&anywhere).send().await;
    assert_eq!(told.problem(409).0, "GL-40912");
    // Nobody of another root is let in, and nothing of it is found.
    let body = json!({ "organization": "elsewhere", "id": "u-x" });
    ask("POST", "/members", &body, &ann).await.problem(404);
    world.server.stop().await;
}
