//! Seeing, accepting and declining one's own invitations.

use guestlist_contract::types::{Grant, GrantKind, Principal, UserRef};
use guestlist_memory::SettingsPatch;
use serde_json::json;

use crate::{
    browser::{Browser, Form, acme, form, forms, start, unescaped},
    http::Answer,
    place::{DAY, Guests, Place, run, user},
};

const PATH: &str = "/t/vendor/invitation";

/// The text of a page as one reads it.
fn read(answer: &Answer) -> String {
    let mut text = String::new();
    let main = answer.text.split_once("<main>").unwrap().1.split_once("</main>").unwrap().0;
    for part in main.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        text.push(' ');
    }
    unescaped(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[track_caller]
fn says(answer: &Answer, words: &[&str]) {
    let text = read(answer);
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

async fn signed_in<'a>(place: &'a Place, name: &str) -> Browser<'a> {
    let mut browser = Browser::new(place);
    browser.sign_in("vendor", name).await;
    browser
}

/// Fills the code in, as the script or somebody who pastes it.
async fn by_code(browser: &mut Browser<'_>, code: &str) -> Answer {
    let page = browser.get(PATH).await;
    browser.post(&form(page.is(200), PATH).with("code", code)).await
}

async fn is_member(place: &Place, account: &UserRef) -> bool {
    let (people, who) = (place.database.people(), Principal::User(account.clone()));
    people.rights("acme", &who).await.unwrap().is_some()
}

async fn set(place: &Place, patch: &str) {
    let patch: SettingsPatch = serde_json::from_str(patch).unwrap();
    place.database.administration().change_settings("acme", &patch).await.unwrap();
}

/// Invites Alice to the help desk.
async fn invite(guests: &Guests<'_>) -> String {
    let body = json!({
        "usernames": ["alice"],
        "groups": ["g-help"],
        "roles": ["auditor"],
        "properties": [{ "key": "manageNotificationsInternally", "value": "false" }],
    });
    let answer = guests.invite(&body).await;
    answer.is(200).json()[0]["confirmationCode"].as_str().unwrap().to_owned()
}

#[test]
fn who_is_not_signed_in_is_led_to_it_and_back_and_sees_the_invitation_then() {
    run(async {
        let place = start(|_| {}).await;
        let code = invite(&acme(&place).await).await;
        let mut browser = Browser::new(&place);
        let page = browser.get(PATH).await;
        says(page.is(200), &["sign in with the account that was invited"]);
        assert!(forms(&page.text).is_empty(), "nothing can be answered here: {}", page.text);
        let link = page.text.split("href=\"").find(|part| part.starts_with("/t/vendor/sign-in")).unwrap();
        let link = unescaped(link.split_once('"').unwrap().0);
        let page = browser.get(&link).await;
        let asked = form(page.is(200), "/t/vendor/sign-in").with("name", "alice");
        let answer = browser.post(&asked.with("password", crate::browser::PASSWORD)).await;
        assert_eq!(answer.is(303).header("location"), Some(PATH));
        let page = by_code(&mut browser, &code).await;
        says(
            page.is(200),
            &["Acme", "ann has invited you", "Groups Help desk", "Roles Auditor", "Valid until"],
        );
    });
}

#[test]
fn accepting_by_code_makes_a_member_and_says_what_one_has_now_and_twice_is_told_so() {
    run(async {
        let place = start(|_| {}).await;
        let code = invite(&acme(&place).await).await;
        let alice = user("vendor", "u-alice");
        let mut browser = signed_in(&place, "alice").await;
        // The whole link is as good as the code in it.
        let page = by_code(&mut browser, &format!(" https://id.example/t/vendor/invitation#{code}\n")).await;
        assert!(!is_member(&place, &alice).await, "looking changes nothing");
        let accept = form(page.is(200), "/t/vendor/invitation/accept");
        let answer = browser.post(&accept).await;
        says(
            answer.is(200),
            &["You are a member of Acme", "Group Help desk yours now", "Role Auditor yours now"],
        );
        assert!(is_member(&place, &alice).await);
        let again = browser.post(&accept).await;
        says(again.is(200), &["You are a member of Acme", "accepted this invitation before"]);
        says(&browser.get(PATH).await, &["There is no invitation for you to answer"]);
        // An old link brings nobody back.
        place.database.administration().remove_member("acme", &alice).await.unwrap();
        let again = browser.post(&accept).await;
        says(again.is(200), &["You are not a member of Acme any more", "invite you again"]);
        assert!(!is_member(&place, &alice).await);
    });
}

#[test]
fn accepting_from_the_list_needs_no_code_and_tells_of_a_group_that_is_gone() {
    run(async {
        let place = start(|_| {}).await;
        invite(&acme(&place).await).await;
        let grant = Grant { kind: GrantKind::Group, id: "g-help".into() };
        place.database.administration().rename_target("acme", &grant, "<b>Help & more</b>").await.unwrap();
        let mut browser = signed_in(&place, "alice").await;
        let page = browser.get(PATH).await;
        says(page.is(200), &["Groups <b>Help & more</b>"]);
        assert!(!page.text.contains("<b>"), "a name is text: {}", page.text);
        let accept = form(&page, "/t/vendor/invitation/accept");
        assert!(!accept.fields.iter().any(|(name, _)| name == "code"), "{accept:?}");
        place.database.administration().delete_group("acme", "g-help").await.unwrap();
        let answer = browser.post(&accept).await;
        says(
            answer.is(200),
            &["You are a member of Acme", "does not exist any more", "Role Auditor yours now"],
        );
    });
}

#[test]
fn declining_says_no_with_a_reason_and_the_invitation_is_over() {
    run(async {
        let place = start(|_| {}).await;
        let guests = acme(&place).await;
        let code = invite(&guests).await;
        let mut browser = signed_in(&place, "alice").await;
        let page = browser.get(PATH).await;
        let decline = form(&page, "/t/vendor/invitation/decline");
        let long = browser.post(&decline.clone().with("reason", &"ä".repeat(251))).await;
        says(long.is(400), &["The reason is too long", "The invitation is as it was"]);
        let answer = browser.post(&decline.clone().with("reason", "no time")).await;
        says(answer.is(200), &["You have declined"]);
        assert!(!is_member(&place, &user("vendor", "u-alice")).await);
        let row = place.database.dump().await.unwrap();
        let reasons = format!("{row:?}");
        assert!(reasons.contains("no time"), "the inviter sees the reason");
        says(browser.post(&decline).await.is(200), &["You have declined"]);
        let page = by_code(&mut browser, &code).await;
        says(page.is(404), &["This invitation is over", "You have declined it before"]);
        // Declining by the code of an e-mail.
        let code = invite(&guests).await;
        let page = by_code(&mut browser, &code).await;
        let answer = browser.post(&form(page.is(200), "/t/vendor/invitation/decline")).await;
        says(answer.is(200), &["You have declined"]);
    });
}

#[test]
fn what_is_over_foreign_or_cut_says_what_to_do() {
    run(async {
        let place = start(|_| {}).await;
        let guests = acme(&place).await;
        let code = invite(&guests).await;
        let mut bob = signed_in(&place, "bob").await;
        let page = by_code(&mut bob, &code).await;
        says(
            page.is(404),
            &["No invitation for this account", "signed in with the account that was invited"],
        );
        let foreign = read(&page);
        let key = form(&bob.get(PATH).await, PATH).field("form").to_owned();
        let fields = |more: &[(&str, &str)]| {
            let own = [("form", key.as_str())];
            own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let forged =
            |end: &str, more: &[(&str, &str)]| Form { action: format!("{PATH}{end}"), fields: fields(more) };
        for end in ["/accept", "/decline"] {
            let page = bob.post(&forged(end, &[("code", &code)])).await;
            assert_eq!(read(page.is(404)), foreign, "one answer for all that is not one's own");
            let id = guests.id_of("alice").await;
            let page = bob.post(&forged(end, &[("organization", "acme"), ("id", &id)])).await;
            assert_eq!(read(page.is(404)), foreign);
            let page = bob.post(&forged(end, &[("organization", "nowhere"), ("id", "nothing")])).await;
            assert_eq!(read(page.is(404)), foreign);
            let page = bob.post(&forged(end, &[])).await;
            says(page.is(400), &["Enter the invitation code"]);
        }
        let unknown = "inv1_".to_owned() + &"a".repeat(code.len() - 5);
        let page = by_code(&mut bob, &unknown).await;
        assert!([400, 404].contains(&page.status), "{page:?}");
        let page = by_code(&mut bob, &code[..20]).await;
        says(page.is(400), &["The invitation code is incomplete", "Copy the whole link"]);
        says(by_code(&mut bob, "").await.is(400), &["Enter the invitation code"]);
        // It is still there for whom it is for, until it expires.
        let mut alice = signed_in(&place, "alice").await;
        says(by_code(&mut alice, &code).await.is(200), &["Acme"]);
        place.pass(365 * DAY);
        let mut alice = signed_in(&place, "alice").await;
        says(by_code(&mut alice, &code).await.is(404), &["This invitation is over", "It has expired"]);
        says(&alice.get(PATH).await, &["There is no invitation for you to answer"]);
    });
}

#[test]
fn an_obstacle_says_what_is_in_the_way_and_nothing_is_lost() {
    run(async {
        let place = start(|_| {}).await;
        invite(&acme(&place).await).await;
        let mut browser = signed_in(&place, "alice").await;
        let page = browser.get(PATH).await;
        let accept = form(&page, "/t/vendor/invitation/accept");
        let administration = place.database.administration();
        administration.set_organization_active("acme", false).await.unwrap();
        let answer = browser.post(&accept).await;
        says(answer.is(409), &["cannot be accepted now", "The organization is suspended"]);
        administration.set_organization_active("acme", true).await.unwrap();
        administration.rename_user("acme", "u-omar", "alice").await.unwrap();
        let answer = browser.post(&accept).await;
        says(answer.is(409), &["cannot be accepted now", "has your user name"]);
        administration.rename_user("acme", "u-omar", "omar").await.unwrap();
        says(browser.post(&accept).await.is(200), &["You are a member of Acme"]);
    });
}

#[test]
fn where_the_organization_wants_the_code_too_the_list_asks_for_it_and_takes_no_other() {
    run(async {
        let place = start(|_| {}).await;
        set(&place, r#"{ "accept-with": "invitee-and-code" }"#).await;
        let guests = acme(&place).await;
        let code = invite(&guests).await;
        let mut browser = signed_in(&place, "alice").await;
        let page = browser.get(PATH).await;
        says(page.is(200), &["This organization also wants the invitation code"]);
        let accept = form(&page, "/t/vendor/invitation/accept");
        let without = browser.post(&accept.clone().without("code")).await;
        says(without.is(409), &["cannot be accepted now", "also wants the invitation code"]);
        let bobs = guests.code_for("bob").await;
        let answer = browser.post(&accept.clone().with("code", &bobs)).await;
        says(answer.is(404), &["No invitation for this account"]);
        says(browser.post(&accept.with("code", &code)).await.is(200), &["You are a member of Acme"]);
    });
}

#[test]
fn the_code_of_another_invitation_of_ones_own_accepts_neither() {
    run(async {
        let place = start(|_| {}).await;
        let administration = place.database.administration();
        let new = guestlist_storage::NewOrganization {
            id: "beta".into(),
            name: "Beta".into(),
            parent: Some("vendor".into()),
            utc_offset_minutes: 0,
        };
        let rita = user("vendor", "u-rita");
        administration.create_standard_organization(new, Some(&rita)).await.unwrap();
        place.accounts.set_handle(&crate::place::actor(), "beta", "beta").await.unwrap();
        let administrator = Grant { kind: GrantKind::Role, id: guestlist_storage::ADMINISTRATOR.into() };
        administration.add_grant("beta", &rita, &administrator).await.ok();
        let token = place.token_of("beta", &rita).await;
        let beta = Guests { place: &place, root: "vendor", organization: "beta".into(), token };
        let of_beta = beta.code_for("alice").await;
        invite(&acme(&place).await).await;
        let mut browser = signed_in(&place, "alice").await;
        let page = browser.get(PATH).await;
        let of_acme = forms(&page.text)
            .into_iter()
            .find(|form| form.fields.contains(&("organization".into(), "acme".into())))
            .unwrap();
        let mut both = of_acme.clone();
        both.fields.push(("code".into(), of_beta.clone()));
        let answer = browser.post(&both).await;
        says(answer.is(400), &["The code belongs to another invitation", "Nothing was changed"]);
        let page = browser.get(PATH).await;
        assert_eq!(page.text.matches("class=\"card\"").count(), 2, "{}", page.text);
    });
}

#[test]
fn opening_a_link_changes_nothing_who_ever_opens_it_and_however_often() {
    run(async {
        let place = start(|_| {}).await;
        let code = invite(&acme(&place).await).await;
        let mut alice = signed_in(&place, "alice").await;
        let before = place.database.dump().await.unwrap();
        for _ in 0..3 {
            alice.get(PATH).await.is(200);
            by_code(&mut alice, &code).await.is(200);
            for end in ["/accept", "/decline"] {
                let answer = alice.get(&format!("{PATH}{end}?code={code}")).await;
                assert_eq!(answer.is(303).header("location"), Some(PATH));
            }
            Browser::new(&place).get(PATH).await.is(200);
            alice.get("/t/vendor/sign-out").await.is(303);
        }
        assert_eq!(alice.who().await.as_deref(), Some("alice"));
        let after = place.database.dump().await.unwrap();
        assert_eq!(format!("{:?}", before.tenants), format!("{:?}", after.tenants));
        assert_eq!(format!("{:?}", before.audit), format!("{:?}", after.audit));
    });
}

#[test]
fn whose_session_is_over_signs_in_again_and_nothing_was_done() {
    run(async {
        let place = start(|_| {}).await;
        invite(&acme(&place).await).await;
        let mut browser = signed_in(&place, "alice").await;
        let accept = form(&browser.get(PATH).await, "/t/vendor/invitation/accept");
        place.pass(13 * 3_600_000);
        let answer = browser.post(&accept).await;
        let to = "/t/vendor/sign-in?then=%2Ft%2Fvendor%2Finvitation";
        assert_eq!(answer.is(303).header("location"), Some(to));
        assert!(!is_member(&place, &user("vendor", "u-alice")).await);
    });
}

#[test]
fn after_accepting_one_goes_where_the_organization_says_and_many_invitations_have_pages() {
    run(async {
        let place = start(|_| {}).await;
        set(&place, r#"{ "landings": ["https://app.acme.example/"] }"#).await;
        let guests = acme(&place).await;
        let body = json!({
            "usernames": ["alice"],
            "properties": [
                { "key": "manageNotificationsInternally", "value": "false" },
            ],
            "landing": "https://app.acme.example/welcome?a=1&b=2",
        });
        let answer = guests.invite(&body).await;
        answer.is(200);
        let mut browser = signed_in(&place, "alice").await;
        let page = browser.get(PATH).await;
        let answer = browser.post(&form(&page, "/t/vendor/invitation/accept")).await;
        let link = "href=\"https://app.acme.example/welcome?a=1&#38;b=2\"";
        assert!(answer.is(200).text.contains(link), "{}", answer.text);
    });
}
