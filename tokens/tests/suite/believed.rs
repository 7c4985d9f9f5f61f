use std::time::Duration;

use guestlist_tokens::{AccessTokens, Algorithm, Issuers, Reason};
use serde_json::{Value, json};

use crate::{
    issuer::{NOW, Server, at, judged},
    signer::Signer,
};

#[tokio::test]
async fn a_token_says_who_calls_by_which_application_and_until_when() {
    let server = Server::start().await;
    let signer = Signer::new("ES256", "k1");
    server.publish(&[&signer]);
    let claims = server.but(json!({ "azp": "other", "name": "Ann" }));
    let caller = judged(&server.issuers(), &signer.token(&claims), NOW).await.unwrap();
    assert_eq!(caller.issuer, server.address);
    assert_eq!(caller.subject, "u-ann");
    assert_eq!(caller.client_id.as_deref(), Some("portal"));
    assert_eq!(caller.scopes, ["invite", "view"]);
    assert_eq!(caller.expires_at, at(NOW + 300));
    assert_eq!(caller.claims, claims);
    assert!(!caller.is_service_account && caller.roles.is_empty());
    assert!(!format!("{caller:?}").contains("Ann"), "claims are personal");
}

#[tokio::test]
async fn every_algorithm_of_the_list_is_verified_and_no_other() {
    let server = Server::start().await;
    let signers = ["RS256", "PS256", "ES256", "EdDSA", "ES384"].map(|name| Signer::new(name, name));
    server.publish(&signers.iter().collect::<Vec<_>>());
    let issuers = server.issuers();
    for signer in &signers[..4] {
        let judged = judged(&issuers, &signer.token(&server.claims()), NOW).await;
        assert!(judged.is_ok(), "{}: {judged:?}", signer.algorithm());
    }
    let token = signers[4].token(&server.claims());
    assert_eq!(judged(&issuers, &token, NOW).await.unwrap_err(), Reason::Algorithm);
    let mut issuer = server.issuer();
    issuer.algorithms = vec![Algorithm::ES384];
    let issuers = Issuers::new(vec![issuer]).unwrap();
    assert!(judged(&issuers, &token, NOW).await.is_ok());
    let token = signers[0].token(&server.claims());
    assert_eq!(judged(&issuers, &token, NOW).await.unwrap_err(), Reason::Algorithm);
}

#[tokio::test]
async fn of_several_issuers_and_audiences_the_named_ones_count() {
    let (one, other) = (Server::start().await, Server::start().await);
    let (first, second) = (Signer::new("ES256", "k"), Signer::new("ES256", "k"));
    one.publish(&[&first]);
    other.publish(&[&second]);
    let mut issuer = other.issuer();
    issuer.audiences.push("https://guests.example".to_owned());
    let issuers = Issuers::new(vec![one.issuer(), issuer]).unwrap();
    let found = judged(&issuers, &first.token(&one.claims()), NOW).await.unwrap();
    assert_eq!(found.issuer, one.address);
    let claims = other.but(json!({ "aud": ["x", "https://guests.example"] }));
    assert_eq!(judged(&issuers, &second.token(&claims), NOW).await.unwrap().issuer, other.address);
    // The key of one issuer signs nothing for another.
    let error = issuers.verify(&second.token(&one.claims()), at(NOW)).await.unwrap_err();
    assert_eq!((error.issuer.as_deref(), &error.reason), (Some(one.address.as_str()), &Reason::Signature));
    let claims = one.but(json!({ "aud": "https://guests.example" }));
    assert_eq!(judged(&issuers, &first.token(&claims), NOW).await.unwrap_err(), Reason::Audience);
}

#[tokio::test]
async fn times_are_kept_to_the_second_with_the_difference_of_clocks() {
    let server = Server::start().await;
    let signer = Signer::new("ES256", "k1");
    server.publish(&[&signer]);
    let mut issuer = server.issuer();
    issuer.skew = Duration::from_secs(20);
    let issuers = Issuers::new(vec![issuer]).unwrap();
    let token = signer.token(&server.claims());
    for (second, expected) in [
        (NOW - 31, Some(Reason::NotYetValid)),
        (NOW - 30, None),
        (NOW + 319, None),
        (NOW + 320, Some(Reason::Expired)),
    ] {
        assert_eq!(judged(&issuers, &token, second).await.err(), expected, "{second}");
    }
    for claim in ["iat", "nbf"] {
        let token = signer.token(&server.but(json!({ claim: NOW + 21 })));
        assert_eq!(judged(&issuers, &token, NOW).await.unwrap_err(), Reason::NotYetValid, "{claim}");
        // They may be missing, and have fractions.
        assert!(judged(&issuers, &signer.token(&server.without(claim)), NOW).await.is_ok(), "{claim}");
        let token = signer.token(&server.but(json!({ claim: NOW as f64 - 0.5 })));
        assert!(judged(&issuers, &token, NOW).await.is_ok(), "{claim}");
    }
}

#[tokio::test]
async fn an_application_that_calls_for_itself_is_told_from_a_person() {
    let server = Server::start().await;
    let signer = Signer::new("ES256", "k1");
    server.publish(&[&signer]);
    let issuers = server.issuers();
    for (others, is_one) in [
        (json!({ "sub": "portal" }), true),
        (json!({ "preferred_username": "service-account-portal" }), true),
        (json!({ "preferred_username": "service-account-other" }), false),
        (json!({ "preferred_username": "ann", "azp": "u-ann" }), false),
        (json!({ "client_id": "service", "azp": "portal", "sub": "portal" }), false),
    ] {
        let caller = judged(&issuers, &signer.token(&server.but(others.clone())), NOW).await.unwrap();
        assert_eq!(caller.is_service_account, is_one, "{others}");
    }
    let mut claims = server.without("client_id");
    claims["azp"] = json!("u-ann");
    let caller = judged(&issuers, &signer.token(&claims), NOW).await.unwrap();
    assert_eq!((caller.client_id.as_deref(), caller.is_service_account), (Some("u-ann"), true));
}

#[tokio::test]
async fn scopes_are_text_or_a_list_in_the_claim_of_the_issuer() {
    let server = Server::start().await;
    let signer = Signer::new("ES256", "k1");
    server.publish(&[&signer]);
    let mut issuer = server.issuer();
    issuer.scope_claim = "scp".to_owned();
    let issuers = Issuers::new(vec![issuer]).unwrap();
    for (value, expected) in
        [(json!(" a  b "), vec!["a", "b"]), (json!(["a", "b c"]), vec!["a", "b c"]), (json!([]), vec![])]
    {
        let token = signer.token(&server.but(json!({ "scp": value })));
        assert_eq!(judged(&issuers, &token, NOW).await.unwrap().scopes, expected);
    }
    assert!(judged(&issuers, &signer.token(&server.claims()), NOW).await.unwrap().scopes.is_empty());
    for value in [json!(1), json!([1]), json!({}), Value::Null] {
        let token = signer.token(&server.but(json!({ "scp": value })));
        let claim = Reason::Claim("scp".to_owned());
        assert_eq!(judged(&issuers, &token, NOW).await.unwrap_err(), claim, "{value}");
    }
}

#[tokio::test]
async fn an_access_token_is_told_from_an_id_token_as_configured() {
    let server = Server::start().await;
    let signer = Signer::new("ES256", "k1");
    server.publish(&[&signer]);
    let claim = AccessTokens::Claim { at: "/token/use".parse().unwrap(), value: "access".to_owned() };
    let used = json!({ "token": { "use": "access" } });
    // By header, by the claim of Keycloak, by another claim.
    let cases = [
        (json!("at+jwt"), json!({}), [true, true, false, false]),
        (json!("application/AT+JWT"), json!({}), [true, true, false, false]),
        (json!("JWT"), json!({ "typ": "Bearer" }), [true, false, true, false]),
        (Value::Null, json!({ "typ": "Bearer" }), [true, false, true, false]),
        (json!("JWT"), used.clone(), [false, false, false, true]),
        (json!("JWT"), json!({ "token": used["token"], "nonce": "n" }), [false; 4]),
        (json!("JWT"), json!({}), [false; 4]),
        (Value::Null, json!({ "nonce": "n" }), [false; 4]),
        (json!("JWT"), json!({ "token": { "use": "id" } }), [false; 4]),
        // Whatever else it says, it is an ID token, or one to get others with.
        (json!("at+jwt"), json!({ "typ": "ID", "token": used["token"] }), [false; 4]),
        (json!("at+jwt"), json!({ "typ": "Refresh", "token": used["token"] }), [false; 4]),
        (json!("at+jwt"), json!({ "typ": "Bearer", "at_hash": "h", "token": used["token"] }), [false; 4]),
        (json!("at+jwt"), json!({ "typ": "Bearer", "c_hash": "h", "token": used["token"] }), [false; 4]),
    ];
    for (index, how) in
        [AccessTokens::Either, AccessTokens::Header, AccessTokens::Bearer, claim].into_iter().enumerate()
    {
        let mut issuer = server.issuer();
        issuer.access_tokens = how.clone();
        let issuers = Issuers::new(vec![issuer]).unwrap();
        for (typ, others, expected) in &cases {
            let mut header = signer.header();
            header["typ"] = typ.clone();
            let token = signer.with_header(&header, &server.but(others.clone()));
            let error = judged(&issuers, &token, NOW).await.err();
            let wanted = (!expected[index]).then_some(Reason::NotAccessToken);
            assert_eq!(error, wanted, "{how:?}: {typ} {others}");
        }
    }
}
