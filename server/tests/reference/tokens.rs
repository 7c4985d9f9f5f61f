//! Tokens of the server's own, as RFC 6749 and the reference have them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use guestlist_contract::types::Principal;
use guestlist_server::secret;
use guestlist_storage::NewClient;

use crate::{
    http::{Answer, Ask},
    place::{DAY, HOUR, Place, actor, run, user},
};

pub const WORLD: &str = r"organizations:
  - id: vendor
    name: Vendor Inc
    users:
      - { id: u-rita, name: rita, email: rita@vendor.example }
      - { id: u-alice, name: alice, email: alice@vendor.example }
      - { id: u-bob, name: bob, email: bob@vendor.example }
    roles: [{ id: administrator, name: Administrator, permissions: [all], members: [u-rita] }]
  - id: acme
    name: Acme
    parent: vendor
    users: [{ id: u-ann, name: ann, email: ann@acme.example }]
    members: [u-alice, u-rita]
    roles:
      - { id: administrator, name: Administrator, permissions: [all], members: [u-ann, u-rita] }
      - { id: r-auditor, name: Auditor, permissions: [view] }
      - { id: machines, name: Machines, permissions: [invite, view], members: ['client:hr'] }
  - id: labs
    name: Labs
    parent: acme
    users: [{ id: u-lea, name: lea, email: lea@labs.example }]
  - id: rival
    name: Rival
    users: [{ id: u-ron, name: ron, email: ron@rival.example }]
    roles: [{ id: administrator, permissions: [all], members: [u-ron] }]
";

const SECRET: &str = "gls_the-secret-of-a-client";

async fn start() -> Place {
    let place = Place::start(WORLD, |_| {}).await;
    let client = NewClient {
        id: "hr".into(),
        name: "HR".into(),
        secret: secret::digest(SECRET),
        lifetime: Some(30 * DAY),
    };
    place.accounts.create_client(&actor(), "acme", &client).await.unwrap();
    place
}

/// Asks for a token.
async fn token(place: &Place, root: &str, fields: &[(&str, &str)]) -> Answer {
    place.send(Ask::post(&format!("/t/{root}/oauth2/token")).form(fields)).await
}

const BY_FORM: [(&str, &str); 3] =
    [("grant_type", "client_credentials"), ("client_id", "hr"), ("client_secret", SECRET)];

async fn of_client(place: &Place, scope: &str) -> String {
    let mut fields = BY_FORM.to_vec();
    fields.push(("scope", scope));
    access(&token(place, "vendor", &fields).await)
}

#[track_caller]
pub fn access(answer: &Answer) -> String {
    let json = answer.is(200).json();
    assert_eq!(json["token_type"], "Bearer");
    json["access_token"].as_str().unwrap().to_owned()
}

/// What a token gets from the list of invitations.
pub async fn listed(place: &Place, root: &str, token: &str) -> u16 {
    place.send(Ask::get(&format!("/t/{root}/o/api/server/v1/guests/invitations")).bearer(token)).await.status
}

async fn invited(place: &Place, token: &str) -> u16 {
    let ask = Ask::post("/t/vendor/o/api/server/v1/guests/invite").bearer(token);
    place.send(ask.text(r#"{"usernames":["bob"]}"#)).await.status
}

async fn switch(place: &Place, root: &str, given: &str, to: &str, scope: Option<&str>) -> Answer {
    let mut fields =
        vec![("grant_type", "organization_switch"), ("token", given), ("switching_organization", to)];
    fields.extend(scope.map(|scope| ("scope", scope)));
    token(place, root, &fields).await
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

#[test]
fn a_client_gets_a_token_by_form_and_by_basic() {
    run(async {
        let place = start().await;
        let by_form = token(&place, "vendor", &BY_FORM).await;
        assert_eq!(by_form.json()["expires_in"], 3600);
        assert_eq!((by_form.json().get("scope"), by_form.header("cache-control")), (None, Some("no-store")));
        assert_eq!(listed(&place, "vendor", &access(&by_form)).await, 200);
        let ask = || Ask::post("/t/vendor/oauth2/token").form(&[("grant_type", "client_credentials")]);
        let by_basic = place.send(ask().header("Authorization", &basic("hr", SECRET))).await;
        assert_eq!(invited(&place, &access(&by_basic)).await, 200);
        let twice = Ask::post("/t/vendor/oauth2/token").form(&BY_FORM);
        let answer = place.send(twice.header("Authorization", &basic("hr", SECRET))).await;
        assert_eq!(answer.problem(), (400, "invalid_request".into()));
    });
}

#[test]
fn whoever_is_no_client_gets_no_token_and_is_told_in_one_way() {
    run(async {
        let place = start().await;
        let wrong =
            |id, secret| [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        let mut answers = vec![
            token(&place, "vendor", &wrong("hr", "gls_another")).await,
            token(&place, "vendor", &wrong("nobody", SECRET)).await,
            token(&place, "rival", &BY_FORM).await,
            token(&place, "vendor", &[("grant_type", "client_credentials")]).await,
        ];
        let by_basic = Ask::post("/t/vendor/oauth2/token").form(&[("grant_type", "client_credentials")]);
        for header in [basic("hr", "gls_another"), "Basic !".into(), "Basic aHI=".into()] {
            answers.push(place.send(by_basic.clone().header("Authorization", &header)).await);
        }
        for answer in &answers {
            assert_eq!(answer.problem(), (401, "invalid_client".into()), "{answer:?}");
            assert_eq!(answer.comparable(), answers[0].comparable());
            assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "));
        }
        for (fields, error) in [
            (vec![], "invalid_request"),
            (vec![("grant_type", "password")], "unsupported_grant_type"),
            (
                vec![("grant_type", "client_credentials"), ("grant_type", "client_credentials")],
                "invalid_request",
            ),
        ] {
            assert_eq!(token(&place, "vendor", &fields).await.problem(), (400, error.into()));
        }
        token(&place, "nowhere", &BY_FORM).await.is(404);
    });
}

#[test]
fn a_client_that_is_revoked_or_over_has_nothing_any_more() {
    run(async {
        let place = start().await;
        let given = of_client(&place, "").await;
        assert_eq!(listed(&place, "vendor", &given).await, 200);
        place.accounts.revoke_client(&actor(), "acme", "hr").await.unwrap();
        assert_eq!(listed(&place, "vendor", &given).await, 401);
        assert_eq!(token(&place, "vendor", &BY_FORM).await.problem(), (401, "invalid_client".into()));
        let place = start().await;
        place.pass(30 * DAY);
        assert_eq!(token(&place, "vendor", &BY_FORM).await.problem(), (401, "invalid_client".into()));
    });
}

#[test]
fn a_token_ends_and_counts_below_its_root_alone() {
    run(async {
        let place = start().await;
        let given = of_client(&place, "").await;
        assert_eq!(listed(&place, "rival", &given).await, 401);
        place.pass(HOUR - 1);
        assert_eq!(listed(&place, "vendor", &given).await, 200);
        place.pass(1);
        assert_eq!(listed(&place, "vendor", &given).await, 401);
    });
}

#[test]
fn scopes_let_through_less_and_never_more() {
    run(async {
        let place = start().await;
        let listing = of_client(&place, "internal_org_guest_mgt_invite_list openid").await;
        assert_eq!((listed(&place, "vendor", &listing).await, invited(&place, &listing).await), (200, 403));
        let ours = of_client(&place, "guestlist:invite").await;
        assert_eq!((listed(&place, "vendor", &ours).await, invited(&place, &ours).await), (403, 200));
        // It may not revoke, whatever the token lets through.
        let all = of_client(&place, "guestlist:all internal_org_guest_mgt_invite_delete").await;
        let ask = Ask::new("DELETE", "/t/vendor/o/api/server/v1/guests/invitations/x").bearer(&all);
        assert_eq!(place.send(ask).await.status, 403);
        let mut fields = BY_FORM.to_vec();
        fields.push(("scope", "openid profile guestlist:everything"));
        assert_eq!(token(&place, "vendor", &fields).await.problem(), (400, "invalid_scope".into()));
    });
}

#[test]
fn somebody_switches_to_an_organization_that_they_are_in() {
    run(async {
        let place = start().await;
        let rita = place.token_of("vendor", &user("vendor", "u-rita")).await;
        let answer = switch(&place, "vendor", &rita, "acme", None).await;
        assert_eq!(answer.json().get("scope"), None, "as much as before");
        let there = access(&answer);
        assert_eq!((listed(&place, "vendor", &there).await, invited(&place, &there).await), (200, 200));
        let mut answers = Vec::new();
        for to in ["labs", "rival", "nowhere", ""] {
            answers.push(switch(&place, "vendor", &rita, to, None).await);
        }
        for answer in &answers {
            assert_eq!(answer.problem(), (400, "invalid_grant".into()));
            assert_eq!(answer.comparable(), answers[0].comparable(), "nobody learns what there is");
        }
        for given in ["gla_unknown", "no.such.token"] {
            assert_eq!(
                switch(&place, "vendor", given, "acme", None).await.problem(),
                (400, "invalid_grant".into())
            );
        }
        assert_eq!(
            switch(&place, "rival", &rita, "rival", None).await.problem(),
            (400, "invalid_grant".into())
        );
    });
}

#[test]
fn who_switches_never_gets_more_than_the_token_lets_through() {
    run(async {
        let place = start().await;
        let rita = Principal::User(user("vendor", "u-rita"));
        let narrow = place.token("vendor", rita, &["internal_org_guest_mgt_invite_list", "other"]).await;
        let more = "internal_org_guest_mgt_invite_list internal_org_guest_mgt_invite_add";
        for scope in [more, "guestlist:all", "nothing"] {
            let answer = switch(&place, "vendor", &narrow, "acme", Some(scope)).await;
            assert_eq!(answer.problem(), (400, "invalid_scope".into()), "{scope}");
        }
        for scope in [None, Some("guestlist:view"), Some("internal_org_guest_mgt_invite_list")] {
            let there = access(&switch(&place, "vendor", &narrow, "acme", scope).await);
            assert_eq!((listed(&place, "vendor", &there).await, invited(&place, &there).await), (200, 403));
            // Neither does switching once more.
            let back = switch(&place, "vendor", &there, "acme", Some("guestlist:invite")).await;
            assert_eq!(back.problem(), (400, "invalid_scope".into()));
            let again = access(&switch(&place, "vendor", &there, "acme", None).await);
            assert_eq!(invited(&place, &again).await, 403);
        }
        let none = place.token("vendor", Principal::User(user("vendor", "u-rita")), &["other"]).await;
        for scope in [None, Some("guestlist:view"), Some("other")] {
            let there = switch(&place, "vendor", &none, "acme", scope).await;
            assert_eq!(there.problem(), (400, "invalid_scope".into()), "it lets nothing through");
        }
    });
}

#[test]
fn a_token_is_revoked_by_whoever_has_it() {
    run(async {
        let place = start().await;
        let given = of_client(&place, "").await;
        let revoke = |fields: &[(&str, &str)]| Ask::post("/t/vendor/oauth2/revoke").form(fields);
        assert_eq!(place.send(revoke(&[])).await.problem(), (400, "invalid_request".into()));
        place.send(revoke(&[("token", "gla_unknown")])).await.is(200);
        let outside = place.send(revoke(&[("token", "ey.of.another")])).await;
        assert_eq!(outside.problem(), (400, "unsupported_token_type".into()));
        assert_eq!(listed(&place, "vendor", &given).await, 200);
        let credentials = revoke(&[("token", &given)]).header("Authorization", &basic("hr", SECRET));
        place.send(credentials).await.is(200);
        assert_eq!(listed(&place, "vendor", &given).await, 401);
    });
}

#[test]
fn http_basic_is_refused_elsewhere_and_says_what_to_send() {
    run(async {
        let place = start().await;
        let path = "/t/vendor/o/api/server/v1/guests/invitations";
        for header in [basic("hr", SECRET), "Bearer".into(), "Digest x".into()] {
            let answer = place.send(Ask::get(path).header("Authorization", &header)).await;
            assert_eq!(answer.problem(), (401, "GL-40100".into()));
            assert!(answer.text.contains("`Bearer TOKEN`"), "{answer:?}");
        }
        let given = of_client(&place, "").await;
        let twice = Ask::get(path).bearer(&given).bearer(&given);
        assert_eq!(place.send(twice).await.problem(), (401, "GL-40100".into()));
    });
}
