//! The form behind the link of the first start.

use guestlist_contract::types::Principal;
use guestlist_server::first::FirstStart;

use crate::{
    browser::{Browser, Form, PASSWORD, form, start},
    http::Answer,
    place::{HOUR, Place, run},
};

/// A new link, as a path.
async fn link(place: &Place) -> String {
    let link = FirstStart::on(place.database.clone()).link(&place.config).await.unwrap();
    link.strip_prefix("https://id.example").unwrap().to_owned()
}

async fn filled(browser: &mut Browser<'_>, path: &str) -> Form {
    let page = browser.get(path).await;
    form(page.is(200), path)
        .with("organization", "Initech")
        .with("handle", "initech")
        .with("name", "peter")
        .with("email", "peter@initech.example")
        .with("password", PASSWORD)
        .with("repetition", PASSWORD)
}

async fn is_made(place: &Place) -> bool {
    place.accounts.root_by_handle("initech").await.unwrap().is_some()
}

async fn sign_in(place: &Place, root: &str, name: &str) -> Answer {
    let mut browser = Browser::new(place);
    let form = browser.sign_in_form(root, root, name, PASSWORD).await;
    browser.post(&form).await
}

#[test]
fn the_link_makes_one_administrator_and_leads_to_where_they_sign_in() {
    run(async {
        let place = start(|_| {}).await;
        let path = link(&place).await;
        let mut browser = Browser::new(&place);
        let form = filled(&mut browser, &path).await;
        let answer = browser.post(&form).await;
        assert_eq!(answer.is(303).header("location"), Some("/t/initech/sign-in"));
        sign_in(&place, "initech", "peter").await.is(303);
        let root = place.accounts.root_by_handle("initech").await.unwrap().unwrap();
        let login = place.accounts.password_of(&root.id, "peter").await.unwrap().unwrap();
        let rights = place.database.people().rights(&root.id, &Principal::User(login.account)).await.unwrap();
        assert_eq!(rights, Some(guestlist_contract::rights::Rights::all()));
        // It is over, and says so to whoever opens it or sends the form.
        for answer in [browser.get(&path).await, browser.post(&form.with("handle", "initrode")).await] {
            assert!(answer.is(410).text.contains("guestlist admin link"), "{}", answer.text);
        }
        assert!(place.accounts.root_by_handle("initrode").await.unwrap().is_none());
    });
}

#[test]
fn a_mistake_is_said_beside_its_field_and_does_not_use_the_link() {
    run(async {
        let place = start(|_| {}).await;
        let path = link(&place).await;
        let mut browser = Browser::new(&place);
        let right = filled(&mut browser, &path).await;
        for (field, value, words) in [
            ("organization", "  ", "Give a name of 1 to 200 characters"),
            ("organization", "two\nlines", "Give a name of 1 to 200 characters"),
            ("handle", "Initech", "1 to 63 small letters"),
            ("handle", "api", "1 to 63 small letters"),
            ("handle", "vendor", "has or had this short name"),
            ("name", "", "Give a user name"),
            ("email", "peter", "That is no e-mail address"),
            ("password", "eleven char", "At least 12 characters"),
            ("repetition", "correct horse batterx", "The two passwords differ"),
        ] {
            let answer = browser.post(&right.clone().with(field, value)).await;
            let text = &answer.is(400).text;
            let error = format!("<p class=\"error\" id=\"{field}-error\">{words}");
            assert!(text.contains(&error), "{field}: {text}");
            assert_eq!(text.matches("class=\"error\"").count(), 1, "{text}");
            let again = form(&answer, &path);
            assert_eq!(
                (again.field("password"), again.field("repetition")),
                ("", ""),
                "no password comes back"
            );
            let other = if field == "name" { "email" } else { "name" };
            assert_eq!(again.field(other), right.field(other), "what was right is still there");
        }
        assert!(!is_made(&place).await);
        browser.post(&right).await.is(303);
    });
}

#[test]
fn a_handle_that_was_somebody_elses_is_a_mistake_too_and_nothing_stays_behind() {
    run(async {
        let place = start(|_| {}).await;
        let system = crate::place::actor();
        place.accounts.set_handle(&system, "other", "initech").await.unwrap();
        place.accounts.set_handle(&system, "other", "other").await.unwrap();
        let path = link(&place).await;
        let mut browser = Browser::new(&place);
        let right = filled(&mut browser, &path).await;
        let before = place.database.dump().await.unwrap();
        let answer = browser.post(&right).await;
        assert!(answer.is(400).text.contains("has or had this short name"), "{}", answer.text);
        let after = place.database.dump().await.unwrap();
        let organizations = |realm: &guestlist_memory::Realm| {
            realm
                .organizations
                .iter()
                .filter(|(_, at)| !at.deleted)
                .map(|(id, _)| id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(organizations(&before), organizations(&after));
        // The link works yet.
        browser.post(&right.with("handle", "initrode")).await.is(303);
    });
}

#[test]
fn of_two_at_once_one_makes_the_administrator() {
    run(async {
        let place = start(|_| {}).await;
        let path = link(&place).await;
        let (mut one, mut other) = (Browser::new(&place), Browser::new(&place));
        let peter = filled(&mut one, &path).await;
        let bill = filled(&mut other, &path).await.with("handle", "initrode").with("name", "bill");
        let (one, other) = tokio::join!(one.post(&peter), other.post(&bill));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 410]);
        let made =
            [is_made(&place).await, place.accounts.root_by_handle("initrode").await.unwrap().is_some()];
        assert_eq!(made, [one.status == 303, other.status == 303]);
    });
}

#[test]
fn a_link_is_secret_and_ends_and_the_newest_counts() {
    run(async {
        let place = start(|_| {}).await;
        let mut browser = Browser::new(&place);
        browser.get("/first-start/glf_nothing").await.is(410);
        let older = link(&place).await;
        let newer = link(&place).await;
        browser.get(&older).await.is(410);
        browser.get(&newer).await.is(200);
        let form = filled(&mut browser, &newer).await;
        // Another site cannot send it.
        browser.post_from(&form, &[("Origin", "https://evil.example")]).await.is(403);
        place.pass(HOUR);
        browser.get(&newer).await.is(410);
        browser.post(&form).await.is(410);
        assert!(!is_made(&place).await);
    });
}
