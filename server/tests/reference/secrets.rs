//! Secrets stay where they belong: a story is told with everything that is secret in it, and then logs, database and
//! e-mails are searched.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use guestlist_server::{passwords, secret};
use guestlist_storage::NewClient;
use serde_json::json;

use crate::{
    http::Ask,
    place::{Guests, Place, actor, run, user},
    tokens::access,
};

const WORLD: &str = r"organizations:
  - id: vendor
    users:
      - { id: u-alice, name: alice, email: alice@vendor.example }
      - { id: u-bob, name: bob, email: bob@vendor.example }
      - { id: u-dora, name: dora, email: dora@vendor.example }
      - { id: u-rita, name: rita, email: rita@vendor.example }
    roles: [{ id: administrator, permissions: [all], members: [u-rita] }]
  - id: acme
    name: Acme
    parent: vendor
    users: [{ id: u-ann, name: ann, email: ann@acme.example }]
    roles:
      - { id: administrator, permissions: [all], members: [u-ann] }
      - { id: machines, permissions: [view], members: ['client:hr'] }
    settings: { codes: see-code, notices: [accepted, revoked] }
";

/// The log of this process, of all tests in it, with everything that anybody says at any level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn has(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

#[test]
fn no_secret_is_in_a_log_the_database_or_an_email_of_somebody_else() {
    let log = Log::default();
    let writer = log.clone();
    let everything = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(everything).unwrap();
    run(async {
        let mut place = Place::start(WORLD, |_| {}).await;
        let (password, client_secret) =
            ("a-password-that-nobody-else-has", "gls_a-secret-that-nobody-else-has");
        let phc = passwords::digest(password).unwrap();
        place.accounts.set_password(&actor(), &user("vendor", "u-alice"), &phc).await.unwrap();
        let new = NewClient {
            id: "hr".into(),
            name: "HR".into(),
            secret: secret::digest(client_secret),
            lifetime: None,
        };
        place.accounts.create_client(&actor(), "acme", &new).await.unwrap();
        let token = place.token_of("acme", &user("acme", "u-ann")).await;
        let rita = place.token_of("vendor", &user("vendor", "u-rita")).await;
        let at = Guests { place: &place, root: "vendor", organization: "acme".into(), token: token.clone() };
        // Codes: in an e-mail, shown, used, wrong, and taken back.
        at.invite(&json!({ "usernames": ["alice"] })).await.is(200);
        let mailed = place.mailed_code("alice@vendor.example", 1).await;
        let shown = at.code_for("bob").await;
        let revoked = at.code_for("dora").await;
        let alice = place.token_of("vendor", &user("vendor", "u-alice")).await;
        let bob = place.token_of("vendor", &user("vendor", "u-bob")).await;
        at.introspect(Some(&alice), &mailed).await.is(200);
        at.accept(Some(&token), &mailed).await.is(400);
        at.accept(None, &shown).await.is(400);
        at.accept(Some(&alice), &mailed).await.is(204);
        at.accept(Some(&bob), &shown).await.is(204);
        at.delete(&at.id_of("dora").await).await.is(204);
        at.accept(Some(&bob), &revoked).await.is(400);
        at.accept(Some("gla_a-token-that-is-wrong"), &revoked).await.is(401);
        // A password: set, right and wrong. The token of the session is a secret, too.
        let set = Ask::new("PUT", "/t/vendor/o/vendor/api/v1/people/u-bob/password").bearer(&rita);
        let another = "another-password-of-somebody";
        let set = place.send(set.json(&json!({ "password": another }))).await;
        assert!((200..300).contains(&set.status), "{set:?}");
        let sign_in = |password: &str| {
            let form = [("name", "bob"), ("password", password), ("organization", "vendor"), ("then", "")];
            Ask::post("/t/vendor/sign-in").form(&form).header("Origin", "https://id.example")
        };
        let answer = place.send(sign_in(another)).await;
        let cookie = answer.header("set-cookie").unwrap_or_else(|| panic!("{answer:?}"));
        let session = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
        assert!(session.starts_with("gls_"), "{cookie}");
        let wrong = "a-password-that-is-wrong";
        assert_eq!(place.send(sign_in(wrong)).await.header("set-cookie"), None);
        // A client, by its secret and by a wrong one.
        let form = |secret: &str| {
            let fields =
                [("grant_type", "client_credentials"), ("client_id", "hr"), ("client_secret", secret)];
            Ask::post("/t/vendor/oauth2/token").form(&fields)
        };
        let clients = access(&place.send(form(client_secret)).await);
        place.send(form("gls_a-secret-that-is-wrong")).await.is(401);
        let list = Ask::get(&at.path("/invitations")).bearer(&clients);
        place.send(list.header("X-Request-Id", "a-canary-of-the-log")).await.is(200);
        let switch = [
            ("grant_type", "organization_switch"),
            ("token", token.as_str()),
            ("switching_organization", "acme"),
        ];
        let switched = access(&place.send(Ask::post("/t/vendor/oauth2/token").form(&switch)).await);
        place.send(Ask::post("/t/vendor/oauth2/revoke").form(&[("token", &switched)])).await.is(200);
        place.send(Ask::post("/t/vendor/oauth2/revoke").form(&[("token", "ey.outside.token")])).await.is(400);
        let ask = Ask::get(&at.path("/invitations")).bearer("ey.outside.token");
        place.send(ask.header("X-Request-Id", "a-canary-of-the-refused")).await.is(401);

        let secrets = [
            password,
            another,
            wrong,
            &session,
            &rita,
            client_secret,
            "gls_a-secret-that-is-wrong",
            "gla_a-token-that-is-wrong",
            "ey.outside.token",
            &token,
            &alice,
            &bob,
            &clients,
            &switched,
            &mailed,
            &shown,
            &revoked,
        ];
        // The server has ended what it was about to write.
        place.stop().await;
        let logged = log.0.lock().unwrap().clone();
        assert!(has(&logged, "a-canary-of-the-refused"), "the log is searched");
        let mut database = Vec::new();
        for entry in std::fs::read_dir(place.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                database.extend(std::fs::read(path).unwrap());
            }
        }
        assert!(
            has(&database, "alice@vendor.example") && has(&database, "$argon2id$"),
            "the database is searched"
        );
        for secret in secrets {
            assert!(!has(&logged, secret), "the log has `{secret}`");
            assert!(!has(&database, secret), "the database has `{secret}`");
        }
        let mut found = Vec::new();
        for mail in place.mails().await {
            let text = std::fs::read_to_string(&mail.path).unwrap().replace("=\r\n", "");
            let all = secrets.iter().filter(|secret| text.contains(**secret));
            found.extend(all.map(|secret| (mail.to.clone(), (*secret).to_owned())));
        }
        assert_eq!(found, [("alice@vendor.example".to_owned(), mailed.clone())]);
    });
}
