//! Every route: nobody without a token, nobody without the right, and whoever has it; and each change leaves an event.

use std::collections::BTreeSet;

use axum::http::Method;
use guestlist_contract::{rights::Rights, types::Permissions};
use guestlist_server::table::{Needs, Operation};
use guestlist_storage::{PageOf, TrailFilter};
use serde_json::{Value, json};

use super::world::{Told, World, all_but};

/// The routes that were tried, and those that there are.
struct Tried {
    world: World,
    routes: Vec<(Method, String, Operation)>,
    tried: BTreeSet<(String, String)>,
    count: u32,
}

/// A try of one route.
struct Try<'a> {
    method: &'a str,
    route: &'a str,
    names: &'a [(&'a str, &'a str)],
    query: &'a str,
    body: Value,
    /// Who asks; by default the administrator with nothing but the right that the table names.
    who: &'a str,
    /// It gives or concerns more rights than its own line names.
    all: bool,
    /// Where its event is.
    place: &'a str,
}

fn a_try<'a>(method: &'a str, route: &'a str) -> Try<'a> {
    Try { method, route, names: &[], query: "", body: Value::Null, who: "ann", all: false, place: "acme" }
}

impl Try<'_> {
    fn path(&self) -> String {
        let named = |path: String, (name, value): &(&str, &str)| path.replace(&format!("{{{name}}}"), value);
        let path = self.names.iter().fold(format!("/api/v1{}{}", self.route, self.query), named);
        assert!(!path.contains('{'), "{path}");
        path
    }
}

impl Tried {
    async fn send(&mut self, a_try: &Try<'_>, base: &str, token: Option<&str>) -> (String, Told) {
        self.count += 1;
        let id = format!("try-{}", self.count);
        let mut asking = self.world.ask(a_try.method, &format!("{base}{}", a_try.path()));
        asking = asking.header("x-request-id", &id);
        if let Some(token) = token {
            asking = asking.with(token);
        }
        if !a_try.body.is_null() {
            asking = asking.json(&a_try.body);
        }
        (id, asking.send().await)
    }

    /// Tries a route with no token, without the right, and with it; answers what it answers then.
    async fn go(&mut self, a_try: Try<'_>) -> Value {
        let Try { method, route, who, .. } = a_try;
        let found = self.routes.iter().find(|(known, path, _)| known == method && path == route);
        let (known, _, operation) =
            found.unwrap_or_else(|| panic!("there is no route {method} {route}")).clone();
        self.tried.insert((method.to_owned(), route.to_owned()));
        let bases = ["", "/o/{organization}", "/t/{root}", "/t/{root}/o/{organization}"].map(str::to_owned);
        assert_eq!(self.world.bases(&known, route), BTreeSet::from(bases), "{route}");
        let needs = operation.needs();
        if needs != Needs::Nothing {
            for base in ["", "/o/acme", "/t/vendor", "/t/vendor/o/acme"] {
                let (_, told) = self.send(&a_try, base, None).await;
                assert_eq!(told.header("www-authenticate").split(' ').next(), Some("Bearer"));
                assert_eq!(told.problem(401).0, "GL-40100", "{method} {base}{route}");
            }
        }
        if !needs.rights().is_empty() {
            let stranger = self.world.token("bob");
            let without = self.world.token_with(who, Some("acme"), &all_but(needs.rights()));
            for token in [stranger, without] {
                let (_, told) = self.send(&a_try, "", Some(&token)).await;
                assert_eq!(told.problem(403).0, "GL-40300", "{method} {route}");
            }
        }
        let words: Vec<_> = needs.rights().words().collect();
        let token = match a_try.all || words.is_empty() {
            true => self.world.token(who),
            false => self.world.token_with(who, Some("acme"), &words),
        };
        let (id, told) = self.send(&a_try, "/t/vendor", Some(&token)).await;
        assert!(told.status.is_success(), "{method} {route}: {}", told.body);
        let is_read = method == "GET" || route.ends_with("/introspect");
        if told.status.as_u16() == 201 && told.body.get("id").is_some() {
            assert!(told.header("location").starts_with("/t/vendor/api/v1/"), "{route}");
        }
        let place = match a_try.place {
            "the new one" => told.body["id"].as_str().unwrap().to_owned(),
            place => place.to_owned(),
        };
        assert_eq!(self.has_event(&place, &id).await, !is_read, "{method} {route}");
        told.body
    }

    /// Tells whether the trail of an organization, deleted or not, has an event of a request.
    async fn has_event(&self, place: &str, request: &str) -> bool {
        let page = PageOf { limit: 200, after: None };
        let trail = self.world.database().await.reading().trail(place, &TrailFilter::default(), &page).await;
        trail.unwrap().items.iter().any(|event| event.request_id == request)
    }

    /// Invites somebody as somebody, aside from all tries.
    async fn invited(&self, inviter: &str, name: &str, groups: &[&str]) -> String {
        let asked = json!({ "usernames": [name], "groups": groups });
        let token = self.world.token(inviter);
        let told = self.world.ask("POST", "/api/v1/invitations").with(&token).json(&asked).send().await;
        let told = told.expect(201);
        told["items"][0]["id"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
    }
}

fn id(told: &Value) -> String {
    told["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_for_whoever_has_its_right_and_each_change_leaves_an_event() {
    let world = World::new().await;
    let routes = world.routes();
    let mut tried = Tried { world, routes, tried: BTreeSet::new(), count: 0 };
    of_invitations(&mut tried).await;
    of_invitees(&mut tried).await;
    of_people(&mut tried).await;
    of_groups_and_roles(&mut tried).await;
    of_clients(&mut tried).await;
    of_organizations(&mut tried).await;
    tried.go(a_try("GET", "/trail")).await;
    let all: BTreeSet<_> =
        tried.routes.iter().map(|(method, path, _)| (method.to_string(), path.clone())).collect();
    assert_eq!(tried.tried, all, "a route without a try");
    tried.world.server.stop().await;
}

async fn of_invitations(to: &mut Tried) {
    let ann = to.world.token("ann");
    to.world.ask("PUT", "/api/v1/roles/inviter/members/u-omar").with(&ann).send().await.expect(204);

    let body = json!({ "usernames": ["alice"] });
    let told = to.go(Try { body, ..a_try("POST", "/invitations") }).await;
    let first = id(&told["items"][0]);
    let told =
        to.go(Try { query: "?status=PENDING,EXPIRED&sortBy=username", ..a_try("GET", "/invitations") }).await;
    assert_eq!(told["items"][0]["id"], first.as_str());
    let names = &[("id", first.as_str())][..];
    let told = to.go(Try { names, ..a_try("GET", "/invitations/{id}") }).await;
    assert_eq!(told["username"], "alice");
    assert!(told["deliveries"].is_array(), "{told}");
    let told = to.go(Try { names, ..a_try("GET", "/invitations/{id}/history") }).await;
    assert_eq!(told["items"][0]["kind"], "invitation.created");
    let told = to.go(Try { names, ..a_try("POST", "/invitations/{id}/resend") }).await;
    assert_eq!(told["id"], first.as_str());
    let told =
        to.go(Try { body: json!({ "ids": [first, "none"] }), ..a_try("POST", "/invitations/resend") }).await;
    assert_eq!(told["items"][0]["status"], "PENDING");
    assert_eq!(told["items"][1]["problem"]["status"], 404, "{told}");
    let body = json!({ "reason": "a mistake" });
    to.go(Try { names, body, ..a_try("POST", "/invitations/{id}/revoke") }).await;
    to.go(Try { names, ..a_try("POST", "/invitations/{id}/dismiss") }).await;

    let second = to.invited("ann", "alice", &[]).await;
    let body = json!({ "invitee": { "organization": "vendor", "id": "u-alice" } });
    let told = to.go(Try { body, ..a_try("POST", "/invitations/revoke-all") }).await;
    assert_eq!(told["revoked"], json!([second]));

    let body = json!({ "privileged": ["group:g-help"] });
    let told = to.go(Try { body, ..a_try("PATCH", "/settings") }).await;
    assert_eq!(to.go(a_try("GET", "/settings")).await, told);
    let waiting = to.invited("omar", "carol", &["g-help"]).await;
    let told = to.go(Try { names: &[("id", &waiting)], ..a_try("POST", "/invitations/{id}/approve") }).await;
    assert_eq!(told["status"], "PENDING");
    let waiting = to.invited("omar", "alice", &["g-help"]).await;
    to.go(Try { names: &[("id", &waiting)], ..a_try("POST", "/invitations/{id}/reject") }).await;
}

async fn of_invitees(to: &mut Tried) {
    let told = to.go(a_try("GET", "/me")).await;
    assert_eq!((&told["username"], &told["organization"]), (&json!("ann"), &json!("acme")));
    let told = to.go(Try { who: "carol", ..a_try("GET", "/me/invitations") }).await;
    let body = json!({ "organization": "acme", "id": told["items"][0]["id"] });
    let who = "carol";
    let told = to.go(Try { who, body: body.clone(), ..a_try("POST", "/me/invitations/introspect") }).await;
    assert_eq!(told["username"], "carol");
    let told = to.go(Try { who, body, ..a_try("POST", "/me/invitations/accept") }).await;
    assert_eq!(told["member"], true);
    let told = to.go(Try { who, ..a_try("GET", "/me/organizations") }).await;
    let handles: Vec<_> = told["items"].as_array().unwrap().iter().collect();
    assert_eq!(
        handles.iter().map(|row| &row["organization"]["handle"]).collect::<Vec<_>>(),
        ["acme", "vendor"]
    );
    let third = to.invited("ann", "alice", &[]).await;
    let body = json!({ "organization": "acme", "id": third, "reason": "no time" });
    to.go(Try { who: "alice", body, ..a_try("POST", "/me/invitations/decline") }).await;
}

async fn of_people(to: &mut Tried) {
    let told = to.go(Try { query: "?usernamePrefix=a", ..a_try("GET", "/people") }).await;
    assert_eq!(told["items"][0]["username"], "ann");
    let body = json!({ "username": "nina", "email": "nina@acme.example" });
    let nina = id(&to.go(Try { body, ..a_try("POST", "/people") }).await);
    let names = &[("person", nina.as_str())][..];
    let body = json!({ "active": false });
    assert_eq!(to.go(Try { names, body, ..a_try("PATCH", "/people/{person}") }).await["active"], false);
    let body = json!({ "password": "correct horse battery" });
    to.go(Try { names, body, ..a_try("PUT", "/people/{person}/password") }).await;
    to.go(Try { names, ..a_try("DELETE", "/people/{person}/password") }).await;
    let body = json!({ "issuer": "https://id.example", "subject": "nina" });
    to.go(Try { names, body: body.clone(), ..a_try("POST", "/people/{person}/identities") }).await;
    let told = to.go(Try { names, ..a_try("GET", "/people/{person}") }).await;
    assert_eq!(told["identities"], json!([body]));
    let query = "?issuer=https://id.example&subject=nina";
    to.go(Try { names, query, ..a_try("DELETE", "/people/{person}/identities") }).await;
    to.go(Try { names, ..a_try("DELETE", "/people/{person}") }).await;
    let body = json!({ "organization": "vendor", "id": "u-rita", "groups": ["g-help"] });
    let told = to.go(Try { body, ..a_try("POST", "/members") }).await;
    assert_eq!((&told["guest"], &told["groups"][0]["id"]), (&json!(true), &json!("g-help")));
}

async fn of_groups_and_roles(to: &mut Tried) {
    let mut made = Vec::new();
    for (kind, one, change) in [
        ("/groups", "/groups/{id}", json!({ "name": "B" })),
        ("/roles", "/roles/{id}", json!({ "name": "B" })),
    ] {
        let target = id(&to.go(Try { body: json!({ "name": "A" }), ..a_try("POST", kind) }).await);
        let names = &[("id", target.as_str()), ("person", "u-omar")][..];
        assert_eq!(to.go(Try { names, body: change, ..a_try("PATCH", one) }).await["name"], "B");
        assert_eq!(to.go(Try { names, ..a_try("GET", one) }).await["name"], "B");
        let told = to.go(Try { query: "?namePrefix=B", ..a_try("GET", kind) }).await;
        assert_eq!(told["items"][0]["id"], target.as_str());
        let member = format!("{one}/members/{{person}}");
        to.go(Try { names, ..a_try("PUT", &member) }).await;
        let told = to.go(Try { names, ..a_try("GET", &format!("{one}/members")) }).await;
        assert_eq!(told["items"][0]["id"], "u-omar");
        to.go(Try { names, ..a_try("DELETE", &member) }).await;
        made.push(target);
    }
    let names = &[("id", made[1].as_str()), ("group", made[0].as_str())][..];
    to.go(Try { names, ..a_try("PUT", "/roles/{id}/groups/{group}") }).await;
    assert_eq!(to.go(Try { names, ..a_try("GET", "/roles/{id}") }).await["groups"], json!([made[0]]));
    to.go(Try { names, ..a_try("DELETE", "/roles/{id}/groups/{group}") }).await;
    to.go(Try { names: &[("id", &made[0])], ..a_try("DELETE", "/groups/{id}") }).await;
    to.go(Try { names: &[("id", &made[1])], ..a_try("DELETE", "/roles/{id}") }).await;
}

async fn of_clients(to: &mut Tried) {
    let told =
        to.go(Try { body: json!({ "name": "hr", "lifetime": "1d" }), ..a_try("POST", "/clients") }).await;
    let client = id(&told);
    let role = id(&to.go(Try { body: json!({ "name": "Machines" }), ..a_try("POST", "/roles") }).await);
    let names = &[("id", role.as_str()), ("client", client.as_str())][..];
    to.go(Try { names, ..a_try("PUT", "/roles/{id}/clients/{client}") }).await;
    to.go(Try { names, ..a_try("DELETE", "/roles/{id}/clients/{client}") }).await;
    let names = &[("id", client.as_str())][..];
    let rotated = to.go(Try { names, ..a_try("POST", "/clients/{id}/rotate") }).await;
    assert_ne!(rotated["secret"], told["secret"]);
    to.go(Try { names, ..a_try("POST", "/clients/{id}/revoke") }).await;
    let one = to.go(Try { names, ..a_try("GET", "/clients/{id}") }).await;
    assert!(one["revokedAt"].is_string() && one.get("secret").is_none(), "{one}");
    assert_eq!(to.go(a_try("GET", "/clients")).await["items"], json!([one]));
}

async fn of_organizations(to: &mut Tried) {
    let administrator = json!({ "organization": "acme", "id": "u-ann" });
    let body = json!({ "name": "Acme Shop", "handle": "shop", "administrator": administrator });
    let place = "the new one";
    let told = to.go(Try { body, all: true, place, ..a_try("POST", "/organizations") }).await;
    assert_eq!(told["handle"], "shop");
    let shop = id(&told);
    let told = to.go(a_try("GET", "/organizations")).await;
    assert_eq!(told["items"].as_array().unwrap().len(), 2);
    let names = &[("child", "shop")][..];
    assert_eq!(to.go(Try { names, ..a_try("GET", "/organizations/{child}") }).await["id"], shop.as_str());
    let body = json!({ "active": false });
    let one = to.go(Try { names, body, place, ..a_try("PATCH", "/organizations/{child}") }).await;
    assert_eq!(one["active"], false);
    let place = shop.as_str();
    to.go(Try { names, all: true, place, ..a_try("DELETE", "/organizations/{child}") }).await;
    let told = to.world.ask("GET", "/api/v1/organizations/shop").with(&to.world.token("ann")).send().await;
    told.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_demands_what_the_plugin_demands() {
    let world = World::new().await;
    let owner = json!({ "inviter": { "client": "nobody" } });
    let calls: [(&str, &str, Value); 11] = [
        ("POST", "/invitations", json!({ "usernames": ["nobody"] })),
        ("GET", "/invitations", Value::Null),
        ("GET", "/invitations/{id}", Value::Null),
        ("GET", "/invitations/{id}/history", Value::Null),
        ("POST", "/invitations/resend", json!({ "ids": ["none"] })),
        ("POST", "/invitations/{id}/resend", json!({})),
        ("POST", "/invitations/{id}/revoke", json!({})),
        ("POST", "/invitations/revoke-all", owner),
        ("POST", "/invitations/{id}/approve", json!({})),
        ("POST", "/invitations/{id}/reject", json!({})),
        ("POST", "/invitations/{id}/dismiss", json!({})),
    ];
    let routes = world.routes();
    let plugins = routes.iter().filter(|(_, _, operation)| matches!(operation.needs(), Needs::Permission(_)));
    assert_eq!(plugins.count(), calls.len(), "an operation of the plugin without a call");
    for (method, route, body) in calls {
        let (_, _, operation) =
            routes.iter().find(|(known, path, _)| known == method && path == route).unwrap();
        for (word, permission) in Rights::PERMISSIONS {
            let token = world.token_with("ann", Some("acme"), &[word]);
            let path = format!("/api/v1{}", route.replace("{id}", "none"));
            let mut asking = world.ask(method, &path).with(&token);
            if !body.is_null() {
                asking = asking.json(&body);
            }
            let told = asking.send().await;
            let is_refused = told.status.as_u16() == 403 && told.body["code"] == "GL-40300";
            let is_enough = Rights::from(permission).contains(operation.needs().rights());
            assert_eq!(is_refused, !is_enough, "{method} {route} with {word}: {}", told.body);
        }
    }
    assert_eq!(Operation::Invite.needs(), Needs::Permission(Permissions::INVITE));
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_has_each_route_with_its_permission() {
    let page = include_str!("../../../docs/api.md");
    let world = World::new().await;
    let row = |method: &Method, route: &str| {
        let begin = format!("| `{method} {route}` | ");
        let line = page.lines().find_map(|line| line.strip_prefix(begin.as_str()));
        line.unwrap_or_else(|| panic!("the page lacks {method} {route}"))
            .split(" | ")
            .next()
            .unwrap()
            .to_owned()
    };
    let routes = world.routes();
    for (method, route, operation) in &routes {
        let words = match operation.needs() {
            Needs::Nothing => "one's own".to_owned(),
            Needs::SignedIn => "signed in".to_owned(),
            Needs::OneOf(_) if route != "/groups" => "as `GET /groups`".to_owned(),
            Needs::OneOf(several) => {
                let words: Vec<_> = several.iter().map(|one| format!("`{}`", one.rights())).collect();
                let (last, first) = words.split_last().unwrap();
                format!("{} or {last}", first.join(", "))
            }
            needs => format!("`{}`", needs.rights()),
        };
        assert_eq!(row(method, route), words, "{method} {route}");
    }
    let begins = |line: &&str| {
        ["GET", "POST", "PUT", "PATCH", "DELETE"].iter().any(|word| line.starts_with(&format!("| `{word} /")))
    };
    let section = page.split("## Our own interface").nth(1).unwrap().split("\n## ").next().unwrap();
    assert_eq!(
        section.lines().filter(begins).count(),
        routes.len(),
        "the page has a route that is not there"
    );
    world.server.stop().await;
}
