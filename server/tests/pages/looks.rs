//! What holds for every page: its headers, its language, nothing from elsewhere.

use serde_json::json;

use crate::{
    browser::{Browser, PASSWORD, acme, attribute, form, start},
    http::{Answer, Ask},
    place::{Place, run},
};

/// One of each page.
async fn all(place: &Place, language: &str) -> Vec<(&'static str, Answer)> {
    let mut browser = Browser::new(place);
    browser.headers.push(("Accept-Language".into(), language.into()));
    let own = |ask: Ask| ask.header("Origin", "https://id.example");
    let link =
        guestlist_server::first::FirstStart::on(place.database.clone()).link(&place.config).await.unwrap();
    let link = link.strip_prefix("https://id.example").unwrap().to_owned();
    let invitation = "/t/vendor/invitation";
    let mut pages = Vec::new();
    pages.push(("front", browser.get("/").await));
    pages.push(("front of a root", browser.get("/t/vendor").await));
    pages.push(("sign-in", browser.get("/t/vendor/sign-in").await));
    pages.push(("wrong password", browser.try_sign_in("vendor", "alice", "wrong horse battery").await));
    pages.push(("not signed in", browser.get(invitation).await));
    pages.push(("first start", browser.get(&link).await));
    pages.push(("first start, mistake", browser.send(own(Ask::post(&link).form(&[("name", "")]))).await));
    pages.push(("first start, over", browser.get("/first-start/glf_nothing").await));
    pages.push(("nowhere", browser.get("/nowhere").await));
    pages.push(("no such root", browser.get("/t/nobody/sign-in").await));
    pages.push(("another site", browser.send(Ask::post("/t/vendor/sign-in").form(&[])).await));
    let code = acme(place).await.code_for("alice").await;
    let asked = browser.sign_in_form("vendor", "vendor", "alice", PASSWORD).await;
    browser.post(&asked).await.is(303);
    let list = browser.get(invitation).await;
    pages.push(("list", list.clone()));
    let by_code = form(&list, invitation);
    pages.push(("no code", browser.post(&by_code).await));
    pages.push(("invitation", browser.post(&by_code.clone().with("code", &code)).await));
    pages.push(("refused", browser.post(&by_code.with("code", "inv1_cut")).await));
    pages.push(("declined", browser.post(&form(&list, "/t/vendor/invitation/decline")).await));
    acme(place).await.code_for("alice").await;
    let list = browser.get(invitation).await;
    pages.push(("accepted", browser.post(&form(&list, "/t/vendor/invitation/accept")).await));
    pages
}

#[test]
fn no_page_has_anything_from_elsewhere_or_inline() {
    run(async {
        let place = start(|_| {}).await;
        for (name, page) in all(&place, "en").await {
            assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{name}: {page:?}");
            let policy = "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; \
                          frame-ancestors 'none'; base-uri 'none'";
            assert_eq!(page.header("content-security-policy"), Some(policy), "{name}");
            assert_eq!(page.header("cache-control"), Some("no-store"), "{name}");
            assert_eq!(page.header("referrer-policy"), Some("same-origin"), "{name}");
            assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{name}");
            for inline in
                ["<style", " style=", "<script>", " onclick", " onload", "javascript:", "<img", "<iframe"]
            {
                assert!(!page.text.contains(inline), "{name} has {inline}: {}", page.text);
            }
            for part in page.text.split('<').skip(1) {
                let tag = format!(" {part}");
                for address in ["href", "src", "action", "formaction"] {
                    if let Some(to) = attribute(&tag, address) {
                        assert!(to.starts_with('/') && !to.starts_with("//"), "{name}: {to}");
                    }
                }
                if part.starts_with("form ") {
                    assert_eq!(attribute(&tag, "method").as_deref(), Some("post"), "{name}");
                }
            }
        }
    });
}

#[test]
fn every_page_is_in_the_language_that_the_browser_wishes() {
    run(async {
        for (wish, tag, other) in
            [("en-GB,en;q=0.9", "en", "de"), ("fr;q=0.9, de-AT;q=0.8, en;q=0.1", "de", "en")]
        {
            let place = start(|_| {}).await;
            for (name, page) in all(&place, wish).await {
                assert!(page.text.contains(&format!("<html lang=\"{tag}\">")), "{name}: {}", page.text);
                assert!(page.text.contains(&format!("hreflang=\"{other}\"")), "{name}: {}", page.text);
                let german = page.text.contains(">Sprache<") || page.text.contains("\"Sprache\"");
                assert_eq!(german, tag == "de", "{name}: {}", page.text);
                assert!(page.text.contains("name=\"viewport\""), "{name}");
            }
        }
    });
}

#[test]
fn a_language_that_was_chosen_goes_along_through_forms_and_links() {
    run(async {
        let place = start(|_| {}).await;
        let mut browser = Browser::new(&place);
        let page = browser.get("/t/vendor/sign-in?then=/t/vendor&lang=de").await;
        assert!(page.is(200).text.contains("<h1>Anmelden</h1>"), "{}", page.text);
        let asked = form(&page, "/t/vendor/sign-in");
        assert_eq!((asked.action.as_str(), asked.field("then")), ("/t/vendor/sign-in?lang=de", "/t/vendor"));
        assert!(page.text.contains("/t/vendor/sign-in?then=%2Ft%2Fvendor&#38;lang=en"), "{}", page.text);
        let answer = browser.post(&asked.clone().with("name", "alice").with("password", "wrong")).await;
        assert!(answer.is(403).text.contains("Das hat nicht geklappt"), "{}", answer.text);
        let asked = asked.with("then", "").with("name", "alice").with("password", PASSWORD);
        let answer = browser.post(&asked).await;
        assert_eq!(answer.is(303).header("location"), Some("/t/vendor/invitation?lang=de"));
        // A language that there is not is none that was chosen.
        let page = browser.get("/t/vendor?lang=tlh").await;
        assert!(page.is(200).text.contains("<html lang=\"en\">"));
    });
}

#[test]
fn trouble_is_a_page_for_browsers_and_a_problem_for_programs() {
    run(async {
        let place = start(|config| config.limits.requests = 0).await;
        let mut browser = Browser::new(&place);
        let page = browser.get("/t/vendor").await;
        assert!(page.is(503).text.contains("The server cannot answer at present"), "{}", page.text);
        assert!(page.header("retry-after").is_some(), "{page:?}");
        assert_eq!(place.send(Ask::get("/t/vendor")).await.problem(), (503, "GL-50300".into()));
        let place = start(|_| {}).await;
        assert_eq!(place.send(Ask::get("/nowhere")).await.problem(), (404, "GL-40400".into()));
        let mut browser = Browser::new(&place);
        browser.headers.push(("X-Request-Id".into(), "ticket-7".into()));
        let page = browser.get("/nowhere").await;
        assert!(page.is(404).text.contains("<code>ticket-7</code>"), "{}", page.text);
        let program =
            Ask::post("/t/vendor/o/acme/api/server/v1/guests/invite").json(&json!({ "usernames": [] }));
        assert_eq!(place.send(program).await.status, 401);
    });
}

#[test]
fn style_and_script_are_files_of_the_server_that_a_browser_asks_for_again() {
    run(async {
        let place = start(|_| {}).await;
        for (path, kind) in [
            ("/assets/style.css", "text/css; charset=utf-8"),
            ("/assets/invitation.js", "text/javascript; charset=utf-8"),
        ] {
            let file = place.send(Ask::get(path)).await;
            assert_eq!(file.is(200).header("content-type"), Some(kind));
            assert_eq!(file.header("cache-control"), Some("no-cache"));
            let tag = file.header("etag").unwrap().to_owned();
            let again = place.send(Ask::get(path).header("If-None-Match", &tag)).await;
            assert_eq!((again.is(304).text.as_str(), again.header("etag")), ("", Some(tag.as_str())));
            place.send(Ask::get(path).header("If-None-Match", "\"older\"")).await.is(200);
            assert!(!file.text.contains("//") || !file.text.contains("http"), "{path} has an address");
        }
        place.send(Ask::get("/assets/nothing")).await.is(404);
    });
}
