use std::{fs, sync::Arc, time::Duration};

use guestlist_tokens::{
    FRESH, FetchError, Issuers, KEEP, KeySource, MAX_DOCUMENT, MIN_REFRESH, RETRY, Reason,
};
use serde_json::json;
use tokio::task::{JoinSet, yield_now};

use crate::{
    issuer::{NOW, Server, judged},
    signer::Signer,
};

const PAUSE: u64 = MIN_REFRESH.as_secs();

/// Claims that outlive all waiting in these tests.
fn lasting(server: &Server) -> serde_json::Value {
    server.but(json!({ "exp": NOW + 1_000_000 }))
}

#[tokio::test]
async fn a_new_key_is_found_and_a_removed_one_stops_working() {
    let server = Server::start().await;
    let (old, new) = (Signer::new("ES256", "old"), Signer::new("EdDSA", "new"));
    server.publish(&[&old]);
    let issuers = server.issuers();
    let (by_old, by_new) = (old.token(&lasting(&server)), new.token(&lasting(&server)));
    assert!(judged(&issuers, &by_old, NOW).await.is_ok());

    server.publish(&[&old, &new]);
    assert!(judged(&issuers, &by_new, NOW + PAUSE).await.is_ok());
    assert!(judged(&issuers, &by_old, NOW + PAUSE).await.is_ok());
    assert_eq!(server.asked(), 2);

    // Nobody asks for an unknown key, so the removal is seen when the keys are no longer fresh.
    server.publish(&[&new]);
    let fresh = NOW + PAUSE + FRESH.as_secs();
    assert!(judged(&issuers, &by_old, fresh).await.is_ok());
    assert_eq!(server.asked(), 2);
    assert_eq!(judged(&issuers, &by_old, fresh + 1).await.unwrap_err(), Reason::UnknownKey);
    assert!(judged(&issuers, &by_new, fresh + 1).await.is_ok());
    assert_eq!(server.asked(), 3);
}

#[tokio::test]
async fn a_key_with_the_same_id_is_replaced() {
    let server = Server::start().await;
    let (old, new) = (Signer::new("ES256", "k"), Signer::new("ES256", "k"));
    server.publish(&[&old]);
    let issuers = server.issuers();
    assert!(judged(&issuers, &old.token(&lasting(&server)), NOW).await.is_ok());
    server.publish(&[&new]);
    let later = NOW + FRESH.as_secs() + 1;
    assert!(judged(&issuers, &new.token(&lasting(&server)), later).await.is_ok());
    assert_eq!(judged(&issuers, &old.token(&lasting(&server)), later).await.unwrap_err(), Reason::Signature);
}

#[tokio::test]
async fn unknown_keys_are_looked_for_once_in_a_while() {
    let server = Server::start().await;
    let (signer, stranger) = (Signer::new("ES256", "k1"), Signer::new("ES256", "k2"));
    server.publish(&[&signer]);
    let issuers = server.issuers();
    let token = stranger.token(&lasting(&server));
    for second in 0..3 * PAUSE {
        assert_eq!(judged(&issuers, &token, NOW + second).await.unwrap_err(), Reason::UnknownKey);
        let by_now = usize::try_from(second / PAUSE).unwrap() + 1;
        assert_eq!(server.asked(), by_now, "after {second} s");
    }
    // A clock that was set back far does not stop it.
    assert_eq!(judged(&issuers, &token, NOW - 100).await.unwrap_err(), Reason::UnknownKey);
    assert_eq!(server.asked(), 4);
}

#[tokio::test]
async fn many_callers_at_once_wait_for_one_fetch() {
    let server = Server::start().await;
    let signer = Signer::new("ES256", "k1");
    server.publish(&[&signer]);
    server.gate.forget_permits(1000);
    let (issuers, token) = (Arc::new(server.issuers()), signer.token(&lasting(&server)));
    let mut callers = JoinSet::new();
    for second in [0, 1, 0, 1, 2, 0, 1, 0] {
        let (issuers, token) = (issuers.clone(), token.clone());
        callers.spawn(async move { judged(&issuers, &token, NOW + second).await.is_ok() });
    }
    while server.asked() == 0 {
        yield_now().await;
    }
    server.gate.add_permits(1000);
    assert_eq!(callers.join_all().await, [true; 8]);
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn whoever_has_a_key_does_not_wait_and_whoever_goes_away_stops_nothing() {
    let server = Server::start().await;
    let signer = Signer::new("ES256", "k1");
    server.publish(&[&signer]);
    let (issuers, token) = (Arc::new(server.issuers()), signer.token(&lasting(&server)));
    assert!(judged(&issuers, &token, NOW).await.is_ok());
    server.gate.forget_permits(1000);

    let later = NOW + FRESH.as_secs() + 1;
    let first = tokio::spawn({
        let (issuers, token) = (issuers.clone(), token.clone());
        async move { judged(&issuers, &token, later).await.is_ok() }
    });
    while server.asked() == 1 {
        yield_now().await;
    }
    // The answer is held back, and this one goes on with the last keys.
    assert!(judged(&issuers, &token, later).await.is_ok());
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let new = Signer::new("ES256", "k2");
    server.publish(&[&new]);
    server.gate.add_permits(1000);
    // It waits for the fetch of the one who went away.
    assert!(judged(&issuers, &new.token(&lasting(&server)), later).await.is_ok());
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn an_issuer_that_is_away_keeps_its_last_keys_for_a_while() {
    let server = Server::start().await;
    let (signer, new) = (Signer::new("ES256", "k1"), Signer::new("ES256", "k2"));
    server.publish(&[&signer]);
    let issuers = server.issuers();
    let (token, by_new) = (signer.token(&lasting(&server)), new.token(&lasting(&server)));
    assert!(judged(&issuers, &token, NOW).await.is_ok());

    server.answer("503 Service Unavailable", "", "");
    let away = || {
        let address = format!("{}/keys", server.address);
        Reason::Unavailable(FetchError::Status { address, status: 503 })
    };
    let keep = NOW + KEEP.as_secs();
    assert!(judged(&issuers, &token, keep).await.is_ok());
    // Its key may be a new one.
    assert_eq!(judged(&issuers, &by_new, keep).await.unwrap_err(), away());
    assert_eq!(server.asked(), 2, "no more often than when it answers");
    let error = issuers.verify(&token, crate::issuer::at(keep + 1)).await.unwrap_err();
    assert!(error.is_unavailable());
    assert_eq!(error.reason, away());

    // It comes back with new keys, and is asked again soon because there are none.
    server.publish(&[&new]);
    assert!(judged(&issuers, &by_new, keep + 1 + RETRY.as_secs()).await.is_ok());
    assert_eq!(judged(&issuers, &token, keep + 1 + RETRY.as_secs()).await.unwrap_err(), Reason::UnknownKey);
}

#[tokio::test]
async fn an_issuer_that_was_never_there_is_asked_every_few_seconds() {
    let server = Server::start().await;
    let signer = Signer::new("ES256", "k1");
    let (issuers, token) = (server.issuers(), signer.token(&lasting(&server)));
    for second in 0..2 * RETRY.as_secs() {
        let error = judged(&issuers, &token, NOW + second).await.unwrap_err();
        assert!(matches!(error, Reason::Unavailable(FetchError::Status { status: 404, .. })), "{error}");
        assert_eq!(server.asked(), usize::try_from(second / RETRY.as_secs()).unwrap() + 1);
    }
    server.publish(&[&signer]);
    assert!(judged(&issuers, &token, NOW + 2 * RETRY.as_secs()).await.is_ok());
}

#[tokio::test]
async fn answers_that_are_no_keys_are_told_as_that() {
    let server = Server::start().await;
    let signer = Signer::new("ES256", "k1");
    let token = signer.token(&server.claims());
    let place = format!("{}/keys", server.address);
    let elsewhere = Server::start().await;
    elsewhere.publish(&[&signer]);
    let redirect = format!("location: {}/keys\r\n", elsewhere.address);
    let good = json!({ "keys": [signer.jwk()] }).to_string();
    let padded = |length: usize| good.clone() + &" ".repeat(length - good.len());
    let expected = "key set (JSON with a list `keys`)";
    for (status, headers, body, error) in [
        (
            "302 Found",
            redirect.as_str(),
            String::new(),
            FetchError::Status { address: place.clone(), status: 302 },
        ),
        ("200 OK", "", "<html>".to_owned(), FetchError::Shape { place: place.clone(), expected }),
        (
            "200 OK",
            "",
            json!({ "key": [] }).to_string(),
            FetchError::Shape { place: place.clone(), expected },
        ),
        ("200 OK", "", padded(MAX_DOCUMENT + 1), FetchError::TooLong(place.clone())),
    ] {
        server.answer(status, headers, &body);
        let judged = judged(&server.issuers(), &token, NOW).await;
        assert_eq!(judged.unwrap_err(), Reason::Unavailable(error));
    }
    assert_eq!(elsewhere.asked(), 0, "redirects are not followed");
    server.answer("200 OK", "", &padded(MAX_DOCUMENT));
    assert!(judged(&server.issuers(), &token, NOW).await.is_ok());
    // No keys at all are an answer, too.
    server.publish(&[]);
    assert_eq!(judged(&server.issuers(), &token, NOW).await.unwrap_err(), Reason::UnknownKey);
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_never_answers_is_not_waited_for() {
    let server = Server::start().await;
    server.gate.forget_permits(1000);
    let signer = Signer::new("ES256", "k1");
    let (issuers, token) = (server.issuers(), signer.token(&server.claims()));
    let (one, other) = tokio::join!(judged(&issuers, &token, NOW), judged(&issuers, &token, NOW));
    assert_eq!(one.unwrap_err(), Reason::Unavailable(FetchError::TimedOut));
    assert_eq!(other.unwrap_err(), Reason::Unavailable(FetchError::TimedOut));
}

#[tokio::test]
async fn an_issuer_that_is_not_there_is_told_with_the_cause() {
    let signer = Signer::new("ES256", "k1");
    // Nobody listens at this port any more.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = Server::at(format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    let error = judged(&nobody.issuers(), &signer.token(&nobody.claims()), NOW).await.unwrap_err();
    assert!(matches!(error, Reason::Unavailable(FetchError::Connection { .. })), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn keys_are_discovered_where_the_issuer_says() {
    let server = Server::start().await;
    let signer = Signer::new("ES256", "k1");
    server.publish(&[&signer]);
    let token = signer.token(&server.claims());
    let discovering = || {
        let mut issuer = server.issuer();
        issuer.keys = KeySource::Discovery;
        Issuers::new(vec![issuer]).unwrap()
    };
    assert!(judged(&discovering(), &token, NOW).await.is_ok());

    let place = format!("{}/.well-known/openid-configuration", server.address);
    let keys = format!("{}/keys", server.address);
    server.discovered(json!({ "issuer": "https://other.example", "jwks_uri": keys }));
    let error = judged(&discovering(), &token, NOW).await.unwrap_err();
    assert_eq!(error, Reason::Unavailable(FetchError::OtherIssuer(place.clone())));
    for address in ["http://keys.example/", "file:///etc/passwd", "keys", "https://a:b@keys.example"] {
        server.discovered(json!({ "issuer": server.address, "jwks_uri": address }));
        let error = judged(&discovering(), &token, NOW).await.unwrap_err();
        let Reason::Unavailable(FetchError::Address { place: told, .. }) = &error else {
            panic!("{error:?}")
        };
        assert_eq!(told, &place);
        assert!(!error.to_string().contains("a:b"), "{error}");
    }
    server.discovered(json!({ "issuer": server.address }));
    let error = judged(&discovering(), &token, NOW).await.unwrap_err();
    assert!(matches!(&error, Reason::Unavailable(FetchError::Shape { .. })), "{error:?}");
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn keys_in_a_file_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let (old, new) = (Signer::new("ES256", "old"), Signer::new("ES256", "new"));
    let mut issuer = guestlist_tokens::Issuer::new("acme", ["guestlist"]);
    issuer.keys = KeySource::File(file.clone());
    let issuers = Issuers::new(vec![issuer]).unwrap();
    let claims = lasting(&Server::at("acme".to_owned()));

    let error = judged(&issuers, &old.token(&claims), NOW).await.unwrap_err();
    assert!(matches!(&error, Reason::Unavailable(FetchError::File { .. })), "{error:?}");
    fs::write(&file, json!({ "keys": [old.jwk()] }).to_string()).unwrap();
    assert!(judged(&issuers, &old.token(&claims), NOW + RETRY.as_secs()).await.is_ok());
    fs::write(&file, json!({ "keys": [new.jwk()] }).to_string()).unwrap();
    let later = NOW + RETRY.as_secs() + PAUSE;
    assert!(judged(&issuers, &new.token(&claims), later).await.is_ok());
    assert_eq!(judged(&issuers, &old.token(&claims), later).await.unwrap_err(), Reason::UnknownKey);
    fs::write(&file, vec![b' '; MAX_DOCUMENT + 1]).unwrap();
    let much_later = later + KEEP.as_secs() + 1;
    let error = judged(&issuers, &new.token(&claims), much_later).await.unwrap_err();
    assert_eq!(error, Reason::Unavailable(FetchError::TooLong(file.display().to_string())));
}

#[test]
fn limits_fit_together() {
    assert!(RETRY < MIN_REFRESH && MIN_REFRESH < FRESH && FRESH < KEEP);
    assert!(guestlist_tokens::TIMEOUT <= Duration::from_secs(10));
}
