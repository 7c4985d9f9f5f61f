use std::{fs, time::Duration};

use guestlist_tokens::{AccessTokens, Algorithm, Issuer, Issuers, KeySource, RoleMapping};
use serde_json::{Value, json};

fn read(written: Value) -> Result<Issuer, String> {
    serde_json::from_value(written).map_err(|error| error.to_string())
}

fn refused(others: Value) -> String {
    let mut written = json!({ "issuer": "https://id.example", "audiences": ["guestlist"] });
    for (name, value) in others.as_object().unwrap() {
        written[name] = value.clone();
    }
    match read(written) {
        Err(error) => error,
        Ok(issuer) => Issuers::new(vec![issuer]).unwrap_err().to_string(),
    }
}

#[test]
fn little_has_to_be_written() {
    let issuer = read(json!({ "issuer": "https://id.example", "audiences": ["guestlist"] })).unwrap();
    assert_eq!(issuer.keys, KeySource::Discovery);
    assert_eq!(issuer.algorithms, [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA, Algorithm::PS256]);
    assert_eq!(issuer.access_tokens, AccessTokens::Either);
    assert_eq!((issuer.skew, issuer.scope_claim.as_str()), (Duration::from_secs(60), "scope"));
    assert_eq!(issuer.roles, RoleMapping::None);
    assert!(Issuers::new(vec![issuer]).is_ok());
}

#[test]
fn everything_can_be_written() {
    let issuer = read(json!({
        "issuer": "https://id.example",
        "audiences": ["guestlist", "https://guests.example"],
        "keys": { "jwks-uri": "https://id.example/keys" },
        "algorithms": ["ES384", "RS512"],
        "access-tokens": { "claim": { "at": "/use", "value": "access" } },
        "skew": 300,
        "scope-claim": "scp",
        "roles": "keycloak",
    }))
    .unwrap();
    assert_eq!(issuer.keys, KeySource::JwksUri("https://id.example/keys".to_owned()));
    assert_eq!(issuer.skew, Duration::from_secs(300));
    assert_eq!(issuer.roles, RoleMapping::Keycloak);
    assert!(Issuers::new(vec![issuer]).is_ok());
}

#[test]
fn what_is_wrong_says_what_to_do() {
    for (others, words) in [
        (json!({ "audience": "x" }), "unknown field `audience`"),
        (json!({ "audiences": [] }), "issuer `https://id.example` has no `audiences`; name at least one"),
        (json!({ "audiences": [""] }), "has no `audiences`"),
        (json!({ "issuer": "" }), "has no `issuer`"),
        (json!({ "scope-claim": "" }), "has no `scope-claim`"),
        (json!({ "algorithms": [] }), "has no `algorithms`"),
        (json!({ "algorithms": ["HS256"] }), "unknown variant `HS256`"),
        (json!({ "algorithms": ["none"] }), "unknown variant `none`"),
        (json!({ "skew": 301 }), "`skew` is 301 seconds, and 300 at most"),
        (json!({ "issuer": "id.example" }), "is no address; write it as `https://"),
        (json!({ "issuer": "http://id.example" }), "is not `https`; `http` is for this machine only"),
        (json!({ "issuer": "http://127.0.0.1.evil.example" }), "is not `https`"),
        (json!({ "issuer": "https://a:b@id.example" }), "has a name or a password in it"),
        (json!({ "keys": { "jwks-uri": "ftp://id.example" } }), "is not `https`"),
        (json!({ "roles": { "fixed": {} } }), "missing field `organization`"),
        (
            json!({ "roles": { "fixed": { "organization": "a", "roles": ["roles"] } } }),
            "`roles` is no path to a claim; write it as `/roles`",
        ),
        (json!({ "access-tokens": { "claim": { "at": "/a~2", "value": "x" } } }), "`/a~2` is no path"),
        (json!({ "ca-file": "/nowhere/ca.pem" }), "`/nowhere/ca.pem` cannot be read"),
    ] {
        let told = refused(others.clone());
        assert!(told.contains(words), "{others}: `{words}` is not in: {told}");
    }
    let mut issuer = Issuer::new("https://id.example", ["guestlist"]);
    let twice = Issuers::new(vec![issuer.clone(), issuer.clone()]).unwrap_err().to_string();
    assert_eq!(twice, "issuer `https://id.example` is there twice; put its audiences into one entry");
    issuer.skew = Duration::from_secs(301);
    let skew = Issuers::new(vec![issuer]).unwrap_err().to_string();
    assert_eq!(skew, "issuer `https://id.example` has a `skew` of more than 300 seconds");
}

#[test]
fn this_machine_may_speak_http() {
    for address in
        ["http://127.0.0.1:8080/realms/acme", "http://[::1]:8080", "http://localhost/", "http://127.1.2.3"]
    {
        assert!(Issuers::new(vec![Issuer::new(address, ["guestlist"])]).is_ok(), "{address}");
    }
}

#[test]
fn a_file_without_certificates_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let wrong = |text: &str| {
        fs::write(&file, text).unwrap();
        refused(json!({ "ca-file": file }))
    };
    assert!(wrong("").contains("has no certificates; `ca-file` is a file in PEM"));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(wrong(broken).contains("has a certificate that cannot be used"));
}
