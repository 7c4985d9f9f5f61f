//! Signing in and out.

use guestlist_contract::audit::{EventKind, Word};

use crate::{
    browser::{Browser, PASSWORD, attribute, events, form, start},
    place::{HOUR, run},
};

#[test]
fn the_right_password_signs_in_and_signing_out_ends_the_session_for_good() {
    run(async {
        let place = start(|_| {}).await;
        let mut browser = Browser::new(&place);
        assert_eq!(browser.who().await, None);
        browser.sign_in("vendor", "ALICE").await;
        assert_eq!(browser.who().await.as_deref(), Some("alice"));
        let mut thief = Browser::new(&place);
        thief.take_cookies_of(&browser);
        assert_eq!(thief.who().await.as_deref(), Some("alice"));
        let page = browser.get("/t/vendor").await;
        let out = browser.post(&form(&page, "/t/vendor/sign-out")).await;
        assert_eq!(out.is(303).header("location"), Some("/t/vendor"));
        assert_eq!(browser.cookies(), []);
        assert_eq!(thief.who().await, None, "the session is over, and not only the cookie");
        let kinds: Vec<_> = events(&place, "vendor").await.iter().map(|event| event.kind).take(2).collect();
        assert_eq!(kinds, [EventKind::AccountSignedOut, EventKind::AccountSignedIn]);
    });
}

#[test]
fn wrong_unknown_and_disabled_are_one_answer_and_each_leaves_its_event() {
    run(async {
        let place = start(|_| {}).await;
        let administration = place.database.administration();
        administration.set_user_active("vendor", "u-bob", false).await.unwrap();
        let mut answers = Vec::new();
        for (organization, name, password) in [
            ("vendor", "alice", "wrong horse battery"),
            ("vendor", "nobody", PASSWORD),
            ("vendor", "bob", PASSWORD),
            ("nowhere", "alice", PASSWORD),
            // Carol has no password. Alice of the other root is nobody here.
            ("vendor", "carol", PASSWORD),
            ("other", "alice", PASSWORD),
            ("vendor", "", ""),
        ] {
            let mut browser = Browser::new(&place);
            let answer = browser.try_sign_in(organization, name, password).await;
            assert_eq!(browser.cookies(), [], "{name}");
            // What was typed is there again, but for the password.
            let again = form(answer.is(403), "/t/vendor/sign-in");
            assert_eq!(
                (again.field("organization"), again.field("name"), again.field("password")),
                (organization, name, "")
            );
            let text = answer.text.replace(&format!("value=\"{organization}\""), "value=\"\"");
            answers.push(text.replace(&format!("value=\"{name}\""), "value=\"\""));
        }
        assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:#?}");
        let refused: Vec<_> = events(&place, "vendor")
            .await
            .into_iter()
            .filter(|event| event.kind == EventKind::AccountSignInRefused)
            .map(|event| event.word.unwrap())
            .collect();
        // The newest first.
        let expected = [
            Word::NotFound,
            Word::NotFound,
            Word::WrongSecret,
            Word::NotFound,
            Word::NotActive,
            Word::NotFound,
            Word::WrongSecret,
        ];
        assert_eq!(refused, expected);
    });
}

#[test]
fn people_of_any_organization_of_the_root_sign_in_in_their_own() {
    run(async {
        let place = start(|_| {}).await;
        let mut browser = Browser::new(&place);
        browser.sign_in("acme-labs", "lea").await;
        assert_eq!(browser.who().await.as_deref(), Some("lea"));
        // At the address of an organization nobody is asked for it.
        let mut browser = Browser::new(&place);
        let path = "/t/vendor/o/acme/sign-in";
        let page = browser.get(path).await;
        let asked = form(page.is(200), path);
        assert!(!asked.fields.iter().any(|(name, _)| name == "organization"), "{asked:?}");
        browser.post(&asked.with("name", "ann").with("password", PASSWORD)).await.is(303);
        assert_eq!(browser.who().await.as_deref(), Some("ann"));
        browser.get("/t/vendor/o/other/sign-in").await.is(404);
    });
}

#[test]
fn a_cookie_is_for_browsers_alone_and_bound_to_tls_where_there_is_some() {
    run(async {
        for (public, name, secure) in [
            ("https://id.example", "__Host-guestlist-vendor", true),
            ("http://127.0.0.1:8080", "guestlist-vendor", false),
        ] {
            let place = start(|config| config.public_url = Some(public.parse().unwrap())).await;
            let mut browser = Browser::new(&place);
            let answer = browser.try_sign_in("vendor", "alice", PASSWORD).await;
            let set = answer.is(303).header("set-cookie").unwrap().to_owned();
            let mut parts = set.split("; ");
            let (known, token) = parts.next().unwrap().split_once('=').unwrap();
            assert_eq!(known, name);
            // 256 bits.
            assert!(token.starts_with("gls_") && token.len() == 4 + 43, "{token}");
            let attributes: Vec<_> = parts.collect();
            let mut expected = vec!["Path=/", "HttpOnly", "SameSite=Lax"];
            expected.extend(secure.then_some("Secure"));
            assert_eq!(attributes, expected);
            assert_eq!(browser.who().await.as_deref(), Some("alice"));
            let dump = std::fs::read(place.path().join("guestlist.db")).unwrap();
            let wal = std::fs::read(place.path().join("guestlist.db-wal")).unwrap_or_default();
            for bytes in [dump, wal] {
                let found = bytes.windows(token.len()).any(|window| window == token.as_bytes());
                assert!(!found, "the database has the token itself");
            }
        }
    });
}

#[test]
fn each_sign_in_has_a_token_of_its_own_and_ends_the_session_before() {
    run(async {
        let place = start(|_| {}).await;
        let mut browser = Browser::new(&place);
        browser.sign_in("vendor", "alice").await;
        let mut before = Browser::new(&place);
        before.take_cookies_of(&browser);
        browser.sign_in("vendor", "bob").await;
        assert_eq!(browser.who().await.as_deref(), Some("bob"));
        assert_ne!(browser.cookies(), before.cookies());
        assert_eq!(before.who().await, None);
        // Nobody can choose the token of somebody else's session.
        let mut fixed = Browser::new(&place);
        fixed.take_cookies_of(&before);
        let planted = fixed.cookies();
        fixed.sign_in("vendor", "alice").await;
        assert_ne!(fixed.cookies(), planted);
    });
}

#[test]
fn a_session_ends_when_nobody_uses_it_and_in_any_case_and_with_the_account() {
    run(async {
        let place = start(|config| {
            config.sessions.idle = "1h".parse().unwrap();
            config.sessions.lifetime = "3h".parse().unwrap();
        })
        .await;
        let mut browser = Browser::new(&place);
        browser.sign_in("vendor", "alice").await;
        for _ in 0..3 {
            place.pass(HOUR - 120_000);
            assert_eq!(browser.who().await.as_deref(), Some("alice"));
        }
        place.pass(HOUR / 4);
        assert_eq!(browser.who().await, None, "three hours are over");
        browser.sign_in("vendor", "alice").await;
        place.pass(HOUR);
        assert_eq!(browser.who().await, None, "nobody used it for an hour");
        browser.sign_in("vendor", "alice").await;
        let administration = place.database.administration();
        administration.set_user_active("vendor", "u-alice", false).await.unwrap();
        assert_eq!(browser.who().await, None, "the account is disabled");
        administration.set_user_active("vendor", "u-alice", true).await.unwrap();
        assert_eq!(browser.who().await, None, "it does not come back");
    });
}

#[test]
fn a_session_of_one_root_is_nobody_at_another() {
    run(async {
        let place = start(|_| {}).await;
        let mut browser = Browser::new(&place);
        browser.sign_in("vendor", "alice").await;
        let page = browser.get("/t/other").await;
        assert!(!page.is(200).text.contains("class=\"who\""), "{}", page.text);
        // Nor does it help to call the cookie otherwise.
        browser.rename_cookie("__Host-guestlist-vendor", "__Host-guestlist-other");
        let page = browser.get("/t/other").await;
        assert!(!page.is(200).text.contains("class=\"who\""), "{}", page.text);
        assert_eq!(browser.who().await, None);
    });
}

#[test]
fn afterwards_one_comes_to_a_page_of_this_server_and_nowhere_else() {
    run(async {
        let place = start(|_| {}).await;
        for (then, to) in [
            ("/t/vendor", "/t/vendor"),
            ("/t/vendor/invitation?lang=de", "/t/vendor/invitation?lang=de"),
            ("https://evil.example/", "/t/vendor/invitation"),
            ("//evil.example/", "/t/vendor/invitation"),
            ("/\\evil.example/", "/t/vendor/invitation"),
            ("\\/evil.example/", "/t/vendor/invitation"),
            ("/\t/evil.example/", "/t/vendor/invitation"),
            ("/\r\nSet-Cookie: a=b", "/t/vendor/invitation"),
            ("javascript:alert(1)", "/t/vendor/invitation"),
            ("t/vendor", "/t/vendor/invitation"),
            ("", "/t/vendor/invitation"),
        ] {
            let mut browser = Browser::new(&place);
            let query =
                url::form_urlencoded::Serializer::new(String::new()).append_pair("then", then).finish();
            let page = browser.get(&format!("/t/vendor/sign-in?{query}")).await;
            let asked = form(page.is(200), "/t/vendor/sign-in");
            let asked = asked.with("name", "alice").with("password", PASSWORD);
            let answer = browser.post(&asked).await;
            assert_eq!(answer.is(303).header("location"), Some(to), "{then:?}");
            // Also where the form was tampered with.
            let mut browser = Browser::new(&place);
            let page = browser.get("/t/vendor/sign-in").await;
            let asked = form(&page, "/t/vendor/sign-in").with("then", then);
            let answer = browser.post(&asked.with("name", "alice").with("password", PASSWORD)).await;
            assert_eq!(answer.is(303).header("location"), Some(to), "{then:?}");
        }
    });
}

#[test]
fn who_tries_too_often_waits_and_nobody_else_does() {
    run(async {
        let place = start(|_| {}).await;
        let mut browser = Browser::new(&place);
        let mut answer = browser.try_sign_in("vendor", "alice", "wrong horse battery").await;
        let mut count = 1;
        while answer.status == 403 {
            answer = browser.try_sign_in("vendor", "alice", "wrong horse battery").await;
            count += 1;
            assert!(count < 100, "it never ends");
        }
        let after: u64 = answer.is(429).header("retry-after").unwrap().parse().unwrap();
        assert!(after > 0, "{answer:?}");
        assert!(answer.text.contains(&format!("{after} seconds")), "{}", answer.text);
        browser.try_sign_in("vendor", "alice", PASSWORD).await.is(429);
        let too_many = events(&place, "vendor").await;
        let too_many = too_many.iter().filter(|event| event.word == Some(Word::TooMany)).count();
        assert_eq!(too_many, 1, "one event says it, not one for each knock");
        // From elsewhere the right password counts.
        let asked = browser.sign_in_form("vendor", "vendor", "alice", PASSWORD).await;
        let elsewhere = crate::requests::from_elsewhere(&place, &asked, "127.0.0.2").await;
        assert!(elsewhere.is(303).header("set-cookie").is_some(), "{elsewhere:?}");
        // The right one uses nothing up.
        place.pass(1000 * after);
        for _ in 0..30 {
            browser.try_sign_in("vendor", "alice", PASSWORD).await.is(303);
        }
    });
}

#[test]
fn the_form_says_what_it_wants_to_people_and_their_programs() {
    run(async {
        let place = start(|_| {}).await;
        let mut browser = Browser::new(&place);
        let page = browser.get("/t/vendor/sign-in").await;
        for (name, autocomplete) in
            [("organization", "organization"), ("name", "username"), ("password", "current-password")]
        {
            let tag =
                page.text.split("<input ").find(|tag| tag.contains(&format!("name=\"{name}\""))).unwrap();
            let tag = format!(" {tag}");
            assert_eq!(attribute(&tag, "autocomplete").as_deref(), Some(autocomplete));
            let id = attribute(&tag, "id").unwrap();
            assert!(page.text.contains(&format!("<label for=\"{id}\">")), "{name} has no label");
        }
    });
}
