//! Requests that somebody else has made: other sites, forged headers, forms of other sessions.

use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpSocket};

use crate::{
    browser::{Browser, Form, PASSWORD, acme, form, forms, start},
    http::{Answer, Ask, read},
    place::{Place, run, until},
};

fn body(form: &Form) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish()
}

/// Sends a form from another address of this machine.
pub async fn from_elsewhere(place: &Place, form: &Form, address: &str) -> Answer {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(place.address()).await.unwrap();
    let body = body(form);
    let text = format!(
        "POST {} HTTP/1.1\r\nConnection: close\r\nHost: id.example\r\nOrigin: https://id.example\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        form.action,
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    read(&mut stream).await
}

#[test]
fn a_form_counts_only_from_a_page_of_this_server() {
    run(async {
        let place = start(|_| {}).await;
        let code = acme(&place).await.code_for("alice").await;
        let mut browser = Browser::new(&place);
        browser.sign_in("vendor", "alice").await;
        let page = browser.get("/t/vendor/invitation").await;
        let accept = form(&page, "/t/vendor/invitation/accept");
        let key = form(&page, "/t/vendor/sign-out").field("form").to_owned();
        let foreign: &[&[(&str, &str)]] = &[
            &[],
            &[("Origin", "https://evil.example")],
            &[("Origin", "null")],
            &[("Origin", "http://id.example")],
            &[("Origin", "https://id.example:8443")],
            &[("Sec-Fetch-Site", "cross-site")],
            &[("Sec-Fetch-Site", "same-site")],
            &[("Referer", "https://id.example/t/vendor/invitation")],
        ];
        let by_code = Form {
            action: "/t/vendor/invitation/accept".into(),
            fields: vec![("form".into(), key.clone()), ("code".into(), code)],
        };
        for headers in foreign {
            for form in [&accept, &by_code] {
                let answer = browser.post_from(form, headers).await;
                assert!(answer.is(403).text.contains("From another site"), "{headers:?} {}", answer.text);
            }
        }
        // Nor without a session: nobody is signed in by another site.
        let mut stranger = Browser::new(&place);
        let sign_in = stranger.sign_in_form("vendor", "vendor", "alice", PASSWORD).await;
        for headers in foreign {
            stranger.post_from(&sign_in, headers).await.is(403);
            assert_eq!(stranger.cookies(), []);
        }
        let out = form(&page, "/t/vendor/sign-out");
        browser.post_from(&out, &[("Origin", "https://evil.example")]).await.is(403);
        assert_eq!(browser.who().await.as_deref(), Some("alice"));
        // Nothing was changed, and a browser that says it otherwise is one, too.
        browser.post_from(&accept, &[("Sec-Fetch-Site", "same-origin")]).await.is(200);
    });
}

#[test]
fn a_form_belongs_to_one_session() {
    run(async {
        let place = start(|_| {}).await;
        acme(&place).await.code_for("alice").await;
        let (mut alice, mut bob) = (Browser::new(&place), Browser::new(&place));
        alice.sign_in("vendor", "alice").await;
        bob.sign_in("vendor", "bob").await;
        let page = alice.get("/t/vendor/invitation").await;
        let accept = form(&page, "/t/vendor/invitation/accept");
        let key = form(&bob.get("/t/vendor").await, "/t/vendor/sign-out").field("form").to_owned();
        assert_ne!(key, accept.field("form"));
        for wrong in [
            accept.clone().with("form", &key),
            accept.clone().with("form", ""),
            accept.clone().without("form"),
        ] {
            let answer = alice.post(&wrong).await;
            assert!(answer.is(403).text.contains("This form is out of date"), "{}", answer.text);
        }
        let mut out = form(&page, "/t/vendor/sign-out");
        out.fields.clear();
        alice.post(&out).await.is(403);
        // A token in place of a session has no form.
        let token = place.token_of("vendor", &crate::place::user("vendor", "u-alice")).await;
        let fields: Vec<_> =
            accept.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let ask =
            Ask::post(&accept.action).form(&fields).bearer(&token).header("Origin", "https://id.example");
        place.send(ask).await.is(403);
        alice.post(&accept).await.is(200);
    });
}

#[test]
fn a_session_at_an_interface_needs_the_origin_of_this_server_and_a_token_does_not() {
    run(async {
        let place = start(|_| {}).await;
        let mut ann = Browser::new(&place);
        ann.sign_in("acme", "ann").await;
        let path = "/t/vendor/o/acme/api/server/v1/guests";
        let list = ann.get(&format!("{path}/invitations")).await;
        assert_eq!(list.is(200).json(), json!({}));
        let invite = |name: &str| Ask::post(&format!("{path}/invite")).json(&json!({ "usernames": [name] }));
        assert_eq!(ann.send(invite("alice")).await.problem(), (403, "GL-40308".into()));
        let foreign = invite("alice").header("Origin", "https://evil.example");
        assert_eq!(ann.send(foreign).await.problem(), (403, "GL-40308".into()));
        let list = ann.get(&format!("{path}/invitations")).await;
        assert_eq!(list.json(), json!({}), "nobody was invited");
        ann.send(invite("alice").header("Origin", "https://id.example")).await.is(200);
        // A token counts before the cookie, and is sent by nobody's browser unasked.
        let bob = place.token_of("vendor", &crate::place::user("vendor", "u-bob")).await;
        let as_bob = Ask::get("/t/vendor/o/api/server/v1/guests/invitations").bearer(&bob);
        assert_eq!(ann.send(as_bob).await.status, 403);
        let token = place.token_of("acme", &crate::place::user("acme", "u-ann")).await;
        Browser::new(&place).send(invite("bob").bearer(&token)).await.is(200);
    });
}

#[test]
fn what_a_header_says_of_the_address_changes_no_byte() {
    run(async {
        let place = start(|_| {}).await;
        let forged = [
            ("Host", "evil.example"),
            ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Proto", "http"),
            ("X-Forwarded-Port", "1"),
            ("X-Forwarded-Prefix", "/evil"),
            ("Forwarded", "host=evil.example;proto=http"),
            ("X-Original-URL", "/evil"),
            ("X-Request-Id", "same"),
        ];
        for path in ["/", "/t/vendor", "/t/vendor/sign-in?then=/t/vendor", "/t/vendor/invitation", "/nowhere"]
        {
            let mut plain = Browser::new(&place);
            plain.headers.push(("X-Request-Id".into(), "same".into()));
            let mut other = Browser::new(&place);
            other.headers.extend(forged.map(|(name, value)| (name.to_owned(), value.to_owned())));
            let (plain, other) = (plain.get(path).await, other.get(path).await);
            assert_eq!((plain.status, &plain.text), (other.status, &other.text), "{path}");
        }
        // Signing in leads to a path, and its cookie is the same.
        let mut other = Browser::new(&place);
        other.headers.extend(forged.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let answer = other.try_sign_in("vendor", "alice", PASSWORD).await;
        assert_eq!(answer.is(303).header("location"), Some("/t/vendor/invitation"));
        assert!(answer.header("set-cookie").unwrap().starts_with("__Host-"), "{answer:?}");
        // A forged host is no origin.
        let mut foreign = Browser::new(&place);
        foreign.headers.extend(forged.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let sign_in = foreign.sign_in_form("vendor", "vendor", "alice", PASSWORD).await;
        foreign.post_from(&sign_in, &[("Origin", "https://evil.example")]).await.is(403);
        // E-mails of a request with forged headers.
        let token = place.token_of("acme", &crate::place::user("acme", "u-ann")).await;
        let mut ask = Ask::post("/t/vendor/o/acme/api/server/v1/guests/invite")
            .json(&json!({ "usernames": ["alice"] }))
            .bearer(&token);
        for (name, value) in forged {
            ask = ask.header(name, value);
        }
        place.send(ask).await.is(200);
        let mails =
            until("an e-mail", async || Some(place.mails().await).filter(|mails| !mails.is_empty())).await;
        for mail in mails {
            assert!(!mail.links.is_empty());
            for link in mail.links {
                assert!(link.starts_with("https://id.example/t/vendor/invitation#inv1_"), "{link}");
            }
        }
    });
}

#[test]
fn a_server_below_a_path_has_it_in_each_link() {
    run(async {
        let place =
            start(|config| config.public_url = Some("https://id.example/guests".parse().unwrap())).await;
        let mut browser = Browser::new(&place);
        let page = browser.get("/t/vendor/sign-in?then=/guests/t/vendor").await;
        let sign_in = forms(&page.is(200).text).pop().unwrap();
        assert_eq!(
            (sign_in.action.as_str(), sign_in.field("then")),
            ("/guests/t/vendor/sign-in", "/guests/t/vendor")
        );
        for part in page.text.split("href=\"").skip(1) {
            assert!(part.starts_with("/guests/"), "{part}");
        }
        // What lies beside it on the host is somebody else's.
        let page = browser.get("/t/vendor/sign-in?then=/elsewhere").await;
        assert_eq!(forms(&page.text).pop().unwrap().field("then"), "");
        let page = browser.get("/t/vendor/sign-in?then=/guests/../elsewhere").await;
        assert_eq!(forms(&page.text).pop().unwrap().field("then"), "");
    });
}

#[test]
fn a_form_that_is_none_is_told_so_on_a_page() {
    run(async {
        let place = start(|_| {}).await;
        let mut browser = Browser::new(&place);
        let own = |ask: Ask| ask.header("Origin", "https://id.example");
        let json = own(Ask::post("/t/vendor/sign-in").json(&json!({ "name": "alice" })));
        let twice = own(Ask::post("/t/vendor/sign-in").form(&[("name", "alice"), ("name", "bob")]));
        for ask in [json, twice] {
            let answer = browser.send(ask).await;
            assert!(answer.is(400).text.contains("That was not understood"), "{}", answer.text);
        }
        let long = "x".repeat(place.config.limits.body + 1);
        let answer = browser.send(own(Ask::post("/t/vendor/sign-in").form(&[("name", &long)]))).await;
        assert!(answer.is(413).text.contains("longer than the server takes"), "{}", answer.text);
        // A password that is longer than any is wrong, and nothing worse.
        let long = "x".repeat(5000);
        browser.try_sign_in("vendor", "alice", &long).await.is(403);
    });
}
