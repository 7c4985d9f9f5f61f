use guestlist_tokens::{CHALLENGE, Issuers, MAX_TOKEN, Reason};
use ring::hmac;
use serde_json::{Value, json};

use crate::{
    issuer::{NOW, Server, at, judged},
    signer::{Signer, encoded},
};

struct Desk {
    server: Server,
    signer: Signer,
    issuers: Issuers,
}

impl Desk {
    async fn new(algorithm: &str) -> Self {
        let server = Server::start().await;
        let signer = Signer::new(algorithm, "k1");
        server.publish(&[&signer]);
        let issuers = server.issuers();
        let token = signer.token(&server.claims());
        assert!(judged(&issuers, &token, NOW).await.is_ok(), "what is refused below differs in one thing");
        Self { server, signer, issuers }
    }

    async fn refused(&self, token: &str) -> Reason {
        let error = self.issuers.verify(token, at(NOW)).await.unwrap_err();
        assert!(!error.is_unavailable(), "{error}");
        let words = format!("{error} {error:?}");
        assert!(!words.contains("u-ann") && !words.contains("k1"), "nothing of the token: {words}");
        error.reason
    }

    /// Changes the header, and signs.
    async fn header(&self, name: &str, value: Value) -> Reason {
        let mut header = self.signer.header();
        header[name] = value;
        self.refused(&self.signer.with_header(&header, &self.server.claims())).await
    }

    async fn claims(&self, others: Value) -> Reason {
        self.refused(&self.signer.token(&self.server.but(others))).await
    }
}

fn claim(name: &str) -> Reason {
    Reason::Claim(name.to_owned())
}

#[tokio::test]
async fn what_is_no_signed_jwt_is_refused() {
    let desk = Desk::new("ES256").await;
    let good = desk.signer.token(&desk.server.claims());
    for bad in ["", ".", "..", "...", "a.b.c", "a.b", "Bearer x", "\u{1f600}.\u{1f600}.\u{1f600}"] {
        assert_eq!(desk.refused(bad).await, Reason::Malformed, "{bad}");
    }
    for bad in [format!("{good}.x"), format!(" {good}"), format!("{good}.x.y.z"), good.replace('.', "=.")] {
        assert_eq!(desk.refused(&bad).await, Reason::Malformed, "{bad}");
    }
    for (header, claims) in [("[]", "{}"), ("{}", "{}"), ("null", "{}"), ("\"x\"", "{}")] {
        assert_eq!(desk.refused(&desk.signer.raw(header, claims)).await, Reason::Malformed, "{header}");
    }
    // Members that are there twice are read in two ways by two readers.
    let twice =
        desk.server.claims().to_string().replacen('{', &format!("{{\"iss\":\"{}\",", desk.server.address), 1);
    let token = desk.signer.raw(&desk.signer.header().to_string(), &twice);
    assert_eq!(desk.refused(&token).await, Reason::Malformed);
    let twice = desk.server.claims().to_string().replacen('{', "{\"aud\":\"x\",", 1);
    let token = desk.signer.raw(&desk.signer.header().to_string(), &twice);
    assert_eq!(desk.refused(&token).await, Reason::Malformed);
    let listed = json!([desk.server.address]).to_string();
    let token = desk.signer.raw(&desk.signer.header().to_string(), &listed);
    assert_eq!(desk.refused(&token).await, Reason::Malformed);
    assert_eq!(desk.server.asked(), 1, "keys are fetched for none of them");
}

#[tokio::test]
async fn what_is_too_long_is_not_looked_at() {
    let desk = Desk::new("EdDSA").await;
    let empty = desk.signer.token(&desk.server.but(json!({ "pad": "" }))).len();
    let longest =
        desk.signer.token(&desk.server.but(json!({ "pad": "x".repeat((MAX_TOKEN - empty) / 4 * 3) })));
    assert!((MAX_TOKEN - 4..=MAX_TOKEN).contains(&longest.len()), "{}", longest.len());
    assert!(judged(&desk.issuers, &longest, NOW).await.is_ok());
    let pad = "x".repeat((MAX_TOKEN - empty) / 4 * 3 + 4);
    assert_eq!(desk.claims(json!({ "pad": pad })).await, Reason::TooLong);
    assert_eq!(desk.refused(&".".repeat(10_000_000)).await, Reason::TooLong);
}

#[tokio::test]
async fn encrypted_tokens_are_refused() {
    let desk = Desk::new("ES256").await;
    let header = encoded(json!({ "alg": "RSA-OAEP", "enc": "A256GCM", "kid": "k1" }).to_string());
    assert_eq!(desk.refused(&format!("{header}.k.i.c.t")).await, Reason::Encrypted);
    assert_eq!(desk.header("enc", json!("A256GCM")).await, Reason::Critical);
}

#[tokio::test]
async fn unsigned_tokens_and_shared_secrets_are_refused() {
    let desk = Desk::new("RS256").await;
    let claims = encoded(desk.server.claims().to_string());
    for none in ["none", "None", "NONE", "nOnE"] {
        let header = encoded(json!({ "alg": none, "kid": "k1", "typ": "at+jwt" }).to_string());
        assert_eq!(desk.refused(&format!("{header}.{claims}.")).await, Reason::Algorithm);
        let signed = desk.signer.token(&desk.server.claims());
        let signature = signed.rsplit('.').next().unwrap();
        assert_eq!(desk.refused(&format!("{header}.{claims}.{signature}")).await, Reason::Algorithm);
    }
    // The public key, in each form that a careless verifier could take for the secret.
    let jwk = desk.signer.jwk();
    let forms =
        [jwk.to_string(), jwk["n"].as_str().unwrap().to_owned(), json!({ "keys": [jwk] }).to_string()];
    for secret in forms {
        let header = encoded(json!({ "alg": "HS256", "kid": "k1", "typ": "at+jwt" }).to_string());
        let message = format!("{header}.{claims}");
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let token = format!("{message}.{}", encoded(hmac::sign(&key, message.as_bytes())));
        assert_eq!(desk.refused(&token).await, Reason::Algorithm);
    }
}

#[tokio::test]
async fn a_secret_that_an_issuer_publishes_is_no_key() {
    let server = Server::start().await;
    let secret = encoded("0123456789abcdef0123456789abcdef");
    server.publish_keys(vec![json!({ "kty": "oct", "kid": "k1", "k": secret, "alg": "HS256" })]);
    let header = encoded(json!({ "alg": "ES256", "kid": "k1", "typ": "at+jwt" }).to_string());
    let message = format!("{header}.{}", encoded(server.claims().to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"0123456789abcdef0123456789abcdef");
    let token = format!("{message}.{}", encoded(hmac::sign(&key, message.as_bytes())));
    assert_eq!(judged(&server.issuers(), &token, NOW).await.unwrap_err(), Reason::UnknownKey);
}

#[tokio::test]
async fn a_header_cannot_bring_or_point_to_a_key() {
    let desk = Desk::new("ES256").await;
    let stranger = Signer::new("ES256", "k1");
    let elsewhere = Server::start().await;
    elsewhere.publish(&[&stranger]);
    for (name, value) in [
        ("jwk", stranger.jwk()),
        ("jku", json!(format!("{}/keys", elsewhere.address))),
        ("x5u", json!(format!("{}/keys", elsewhere.address))),
    ] {
        let mut header = stranger.header();
        header[name] = value;
        let token = stranger.with_header(&header, &desk.server.claims());
        assert_eq!(desk.refused(&token).await, Reason::Signature, "{name}");
    }
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn headers_that_change_how_a_token_is_read_are_refused() {
    let desk = Desk::new("ES256").await;
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!("x")),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
    ] {
        assert_eq!(desk.header(name, value.clone()).await, Reason::Critical, "{name} {value}");
    }
    for (name, value) in [("kid", json!(1)), ("typ", json!(["at+jwt"])), ("alg", json!(["ES256"]))] {
        assert_eq!(desk.header(name, value).await, Reason::Malformed, "{name}");
    }
    assert_eq!(desk.header("kid", Value::Null).await, Reason::NoKeyId);
}

#[tokio::test]
async fn a_key_is_for_its_algorithm_only() {
    let server = Server::start().await;
    let (rsa, pss) = (Signer::new("RS256", "rsa"), Signer::new("PS256", "pss"));
    let (p256, ed) = (Signer::new("ES256", "p256"), Signer::new("EdDSA", "ed"));
    let mut bound = pss.jwk();
    bound["alg"] = json!("RS256");
    let with = |signer: &Signer, name: &str, value: Value| {
        let mut jwk = signer.jwk();
        jwk["kid"] = json!(name);
        jwk[if name == "ops" { "key_ops" } else { name }] = value;
        jwk
    };
    server.publish_keys(vec![
        json!({ "kty": "EC", "kid": "p256", "crv": "secp256k1", "x": "AA", "y": "AA" }),
        json!("no key"),
        rsa.jwk(),
        bound,
        p256.jwk(),
        ed.jwk(),
        Signer::new("ES384", "p384").jwk(),
        with(&p256, "use", json!("enc")),
        with(&p256, "ops", json!(["sign"])),
        with(&p256, "alg", json!("ECDH-ES")),
    ]);
    let issuers = server.issuers();
    for signer in [&rsa, &p256, &ed] {
        assert!(judged(&issuers, &signer.token(&server.claims()), NOW).await.is_ok(), "{}", signer.id);
    }
    assert_eq!(judged(&issuers, &pss.token(&server.claims()), NOW).await.unwrap_err(), Reason::UnfitKey);
    for signer in [&rsa, &p256, &ed] {
        for id in ["rsa", "p256", "p384", "ed"].into_iter().filter(|id| *id != signer.id) {
            let mut header = signer.header();
            header["kid"] = json!(id);
            let token = signer.with_header(&header, &server.claims());
            assert_eq!(judged(&issuers, &token, NOW).await.unwrap_err(), Reason::UnfitKey, "{id}");
        }
    }
    for id in ["use", "ops", "alg"] {
        let mut header = p256.header();
        header["kid"] = json!(id);
        let token = p256.with_header(&header, &server.claims());
        assert_eq!(judged(&issuers, &token, NOW).await.unwrap_err(), Reason::UnknownKey, "{id}");
    }
}

#[tokio::test]
async fn a_wrong_signature_is_refused() {
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let desk = Desk::new(algorithm).await;
        let token = desk.signer.token(&desk.server.claims());
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let others = encoded(desk.server.but(json!({ "sub": "u-bob" })).to_string());
        for signature in [signature, "", &encoded([0; 64]), &encoded([0; 256]), &signature[4..]] {
            let forged = format!("{header}.{others}.{signature}");
            assert_eq!(desk.refused(&forged).await, Reason::Signature, "{algorithm}");
        }
    }
}

#[tokio::test]
async fn claims_are_there_and_of_their_type() {
    let desk = Desk::new("ES256").await;
    for name in ["iss", "sub", "aud", "exp"] {
        assert_eq!(desk.refused(&desk.signer.token(&desk.server.without(name))).await, claim(name));
    }
    let listed = json!([desk.server.address]);
    for (name, value) in [
        ("iss", listed),
        ("iss", json!({ "x": 1 })),
        ("iss", json!(1)),
        ("iss", json!("")),
        ("sub", json!(["u-ann"])),
        ("sub", json!(1)),
        ("sub", json!("")),
        ("sub", Value::Null),
        ("aud", json!(1)),
        ("aud", json!({ "guestlist": true })),
        ("aud", json!(["guestlist", 1])),
        ("aud", Value::Null),
        ("exp", json!("2000000300")),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("exp", json!(u64::MAX)),
        ("exp", json!([NOW + 300])),
        ("exp", Value::Null),
        ("nbf", json!("1")),
        ("nbf", Value::Null),
        ("iat", json!(true)),
        ("iat", json!(-5)),
        ("client_id", json!(["portal"])),
        ("azp", json!({})),
    ] {
        assert_eq!(desk.claims(json!({ name: value })).await, claim(name), "{name} {value}");
    }
    for name in ["", "guestlist2", "Guestlist", "guestlist "] {
        assert_eq!(desk.claims(json!({ "aud": name })).await, Reason::Audience, "{name}");
    }
    assert_eq!(desk.claims(json!({ "aud": [] })).await, Reason::Audience);
    assert_eq!(desk.claims(json!({ "exp": NOW - 60 })).await, Reason::Expired);
    assert_eq!(desk.claims(json!({ "cnf": { "jkt": "x" } })).await, Reason::Bound);
}

#[tokio::test]
async fn issuers_are_compared_letter_for_letter() {
    let desk = Desk::new("ES256").await;
    let own = &desk.server.address;
    for other in ["https://id.example", &format!("{own}/"), &own.to_uppercase(), &format!(" {own}")] {
        let token = desk.signer.token(&desk.server.but(json!({ "iss": other })));
        let error = desk.issuers.verify(&token, at(NOW)).await.unwrap_err();
        assert_eq!((error.issuer.as_deref(), &error.reason), (None, &Reason::Issuer), "{other}");
        let words = "token of an unknown issuer: its `iss` is not configured";
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn outward_there_is_one_answer() {
    assert_eq!(CHALLENGE, r#"Bearer error="invalid_token""#);
}
