//! Tokens of an issuer that the configuration names: whom they are believed, what they let through, and the roles
//! that they claim.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use guestlist_contract::types::{Permissions, Principal, UserRef};
use guestlist_server::{Server, dev::Dev};
use guestlist_storage::Identity;
use guestlist_tokens::{Algorithm, Issuer, KeySource, RoleMapping};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::{
    http::Ask,
    place::{DAY, HOUR, Place, actor, run, user},
    tokens::{WORLD, access, listed},
};

const ISSUER: &str = "https://login.example/realms/acme";
const KEYCLOAK: &str = "https://keycloak.example/realms/acme";
const LIST: &str = "internal_org_guest_mgt_invite_list";

fn pair() -> Ed25519KeyPair {
    let made = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
    Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap()
}

/// A server that believes two issuers, which have one key.
struct Outside {
    place: Place,
    pair: Ed25519KeyPair,
    _keys: tempfile::TempDir,
}

impl Outside {
    async fn start() -> Self {
        let pair = pair();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "one", "x": x }] });
        std::fs::write(&file, keys.to_string()).unwrap();
        let issuer = |name: &str, roles| {
            let mut issuer = Issuer::new(name, ["guestlist"]);
            issuer.keys = KeySource::File(file.clone());
            issuer.algorithms = vec![Algorithm::EdDSA];
            issuer.roles = roles;
            issuer
        };
        let one = RoleMapping::OneOrganization {
            organization: "/org_id".parse().unwrap(),
            roles: vec!["/roles".parse().unwrap()],
        };
        let issuers = vec![issuer(ISSUER, one), issuer(KEYCLOAK, RoleMapping::Keycloak)];
        let place = Place::start(WORLD, |config| {
            config.issuers = issuers;
            // Longer than what a token claims: a lease is what ends.
            config.token_lifetime.0 = 30 * DAY;
        })
        .await;
        let outside = Self { place, pair, _keys: folder };
        outside.link("alice-there", &user("vendor", "u-alice")).await;
        outside.link("rita-there", &user("vendor", "u-rita")).await;
        outside
    }

    async fn link(&self, subject: &str, account: &UserRef) {
        for issuer in [ISSUER, KEYCLOAK] {
            let identity = Identity { issuer: issuer.into(), subject: subject.into() };
            self.place.accounts.link_identity(&actor(), account, &identity).await.unwrap();
        }
    }

    /// A token that is good for an hour, with these claims besides.
    fn token(&self, subject: &str, more: &Value) -> String {
        self.signed(&self.pair, subject, more)
    }

    fn signed(&self, pair: &Ed25519KeyPair, subject: &str, more: &Value) -> String {
        let now = self.place.now() / 1000;
        let mut claims =
            json!({ "iss": ISSUER, "aud": "guestlist", "sub": subject, "iat": now, "exp": now + 3600 });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "one" });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()).as_ref()))
    }

    async fn listed(&self, token: &str) -> u16 {
        listed(&self.place, "vendor", token).await
    }

    /// The roles that alice has by the word of the issuer, with their ends.
    async fn leases(&self) -> Vec<(String, u64)> {
        let alice = user("vendor", "u-alice");
        let leases = self.place.database.reading().leases(&alice, ISSUER).await.unwrap();
        leases.into_iter().map(|lease| (lease.role, lease.until)).collect()
    }
}

fn claims(roles: &[&str]) -> Value {
    json!({ "org_id": "acme", "scope": LIST, "roles": roles })
}

#[test]
fn who_is_linked_is_somebody_here_and_who_is_not_is_nobody() {
    run(async {
        let outside = Outside::start().await;
        assert_eq!(outside.listed(&outside.token("rita-there", &claims(&[]))).await, 200);
        assert_eq!(outside.listed(&outside.token("mallory-there", &claims(&[]))).await, 401);
        let rita = |more: Value| {
            let mut all = claims(&[]);
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            outside.token("rita-there", &all)
        };
        for (wrong, more) in [
            ("another audience", json!({ "aud": "another" })),
            ("another issuer", json!({ "iss": "https://other.example" })),
            ("over", json!({ "exp": outside.place.now() / 1000 - 3600 })),
            ("an ID token", json!({ "at_hash": "x" })),
        ] {
            assert_eq!(outside.listed(&rita(more)).await, 401, "{wrong}");
        }
        let forged = outside.signed(&pair(), "rita-there", &claims(&[]));
        assert_eq!(outside.listed(&forged).await, 401, "another key");
        let good = rita(json!({}));
        assert_eq!(listed(&outside.place, "rival", &good).await, 401, "nobody is linked at that root");
        let mut unsigned = good.rsplit_once('.').unwrap().0.to_owned();
        unsigned.push('.');
        assert_eq!(outside.listed(&unsigned).await, 401);
    });
}

#[test]
fn without_a_scope_of_this_server_a_token_lets_nothing_through() {
    run(async {
        let outside = Outside::start().await;
        let token = |scope: &str| outside.token("rita-there", &json!({ "org_id": "acme", "scope": scope }));
        for scope in ["", "openid profile email", "guestlist:everything", "internal_guest"] {
            assert_eq!(outside.listed(&token(scope)).await, 403, "{scope}");
        }
        let list = token(&format!("openid {LIST}"));
        assert_eq!(outside.listed(&list).await, 200);
        let invite = Ask::post("/t/vendor/o/api/server/v1/guests/invite").text(r#"{"usernames":["bob"]}"#);
        assert_eq!(outside.place.send(invite.clone().bearer(&list)).await.status, 403);
        let fields = |token: &str| {
            let pairs =
                [("grant_type", "organization_switch"), ("switching_organization", "acme"), ("token", token)];
            Ask::post("/t/vendor/oauth2/token").form(&pairs)
        };
        for scope in ["", "openid"] {
            let switched = outside.place.send(fields(&token(scope))).await;
            assert_eq!(
                switched.problem(),
                (400, "invalid_scope".into()),
                "nor does it become another that does"
            );
        }
        let all = token("guestlist:all");
        assert_eq!(outside.place.send(invite.bearer(&all)).await.status, 200);
    });
}

#[test]
fn the_roles_of_a_token_are_leased_renewed_and_ended_with_the_claim() {
    run(async {
        let outside = Outside::start().await;
        let place = &outside.place;
        assert_eq!(outside.listed(&outside.token("alice-there", &claims(&[]))).await, 403);
        let with_role = |roles: &[&str]| outside.token("alice-there", &claims(roles));
        assert_eq!(outside.listed(&with_role(&["Auditor", "No such role"])).await, 200);
        let first = place.now() + 14 * DAY;
        assert_eq!(outside.leases().await, [("r-auditor".to_owned(), first)]);
        place.pass(3 * DAY);
        assert_eq!(outside.listed(&with_role(&["r-auditor"])).await, 200);
        assert_eq!(outside.leases().await, [("r-auditor".to_owned(), first)], "it is not written each time");
        place.pass(5 * DAY);
        assert_eq!(outside.listed(&with_role(&["Auditor"])).await, 200);
        let renewed = place.now() + 14 * DAY;
        assert_eq!(outside.leases().await, [("r-auditor".to_owned(), renewed)]);
        // A token that names no role any more.
        assert_eq!(outside.listed(&with_role(&[])).await, 403);
        assert_eq!(outside.leases().await, []);
        // And one that does not even name the organization.
        assert_eq!(outside.listed(&with_role(&["Auditor"])).await, 200);
        let without = outside.token("alice-there", &json!({ "scope": LIST }));
        let there = Ask::get("/t/vendor/o/acme/api/server/v1/guests/invitations").bearer(&without);
        assert_eq!(place.send(there).await.status, 403);
        assert_eq!(outside.leases().await, []);
    });
}

#[test]
fn a_leased_role_outlives_the_token_and_ends_by_itself() {
    run(async {
        let outside = Outside::start().await;
        let place = &outside.place;
        let theirs = outside.token("alice-there", &claims(&["Auditor"]));
        let fields = [
            ("grant_type", "organization_switch"),
            ("token", theirs.as_str()),
            ("switching_organization", "acme"),
        ];
        let own = access(&place.send(Ask::post("/t/vendor/oauth2/token").form(&fields)).await);
        assert_eq!((outside.listed(&theirs).await, outside.listed(&own).await), (200, 200));
        let alice = Principal::User(user("vendor", "u-alice"));
        let views = async || {
            let rights = place.database.people().rights("acme", &alice).await.unwrap().unwrap_or_default();
            rights.permissions.contains(Permissions::VIEW)
        };
        // What comes of their token ends with it; what it claimed does not.
        place.pass(2 * HOUR);
        assert_eq!((outside.listed(&theirs).await, outside.listed(&own).await), (401, 401));
        assert!(views().await);
        place.pass(14 * DAY - 2 * HOUR - 1);
        assert!(views().await);
        place.pass(1);
        assert!(!views().await);
    });
}

#[test]
fn who_is_deleted_or_disabled_is_nobody_whatever_their_token_says() {
    run(async {
        let outside = Outside::start().await;
        let administration = outside.place.database.administration();
        let token = outside.token("alice-there", &claims(&["Auditor"]));
        assert_eq!(outside.listed(&token).await, 200);
        administration.set_user_active("vendor", "u-alice", false).await.unwrap();
        assert_eq!(outside.listed(&token).await, 401);
        administration.set_user_active("vendor", "u-alice", true).await.unwrap();
        assert_eq!(outside.listed(&token).await, 200);
        assert_eq!(outside.leases().await.len(), 1);
        administration.remove_user("vendor", "u-alice").await.unwrap();
        assert_eq!(outside.listed(&token).await, 401);
        assert_eq!(outside.leases().await, []);
    });
}

#[test]
fn a_token_of_keycloak_names_organizations_by_alias() {
    run(async {
        let outside = Outside::start().await;
        let token = |organization: Value| {
            let more = json!({ "iss": KEYCLOAK, "scope": LIST, "organization": organization });
            outside.token("alice-there", &more)
        };
        let roles = |roles: &[&str]| json!({ "realm_access": { "roles": roles } });
        let one = token(json!({ "acme": roles(&["Auditor"]) }));
        assert_eq!(outside.listed(&one).await, 200);
        // With two the path has to say which.
        let two = token(json!({ "acme": roles(&["Auditor"]), "labs": roles(&[]) }));
        assert_eq!(outside.listed(&two).await, 400);
        let named = Ask::get("/t/vendor/o/acme/api/server/v1/guests/invitations").bearer(&two);
        assert_eq!(outside.place.send(named).await.status, 200);
        // One that is not here is no reason to turn them away.
        let elsewhere = token(json!({ "acme": roles(&["Auditor"]), "rival": roles(&["administrator"]) }));
        let named = Ask::get("/t/vendor/o/acme/api/server/v1/guests/invitations").bearer(&elsewhere);
        assert_eq!(outside.place.send(named).await.status, 200);
    });
}

#[test]
fn a_production_server_believes_no_token_of_a_server_to_look_at() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let dev = Dev::new(folder.path().join("dev"));
        dev.prepare().await.unwrap();
        let token = dev.token(&user("vendor", "u-rita"), Some("acme"), &[]).unwrap();
        let outside = Outside::start().await;
        let place = &outside.place;
        let identity =
            Identity { issuer: guestlist_server::dev::ISSUER.into(), subject: "vendor/u-rita".into() };
        place.accounts.link_identity(&actor(), &user("vendor", "u-rita"), &identity).await.unwrap();
        assert_eq!(outside.listed(&token).await, 401, "even where somebody is linked so");
        // Neither by a list of issuers that somebody has copied, nor by the key that only `--dev` has.
        let issuer = dev.config("127.0.0.1:0".parse().unwrap(), None).development.unwrap();
        let mut config = place.config.clone();
        config.issuers.push(issuer.clone());
        let error = Server::start(config).await.err().unwrap().to_string();
        assert!(error.contains("`guestlist serve --dev`"), "{error}");
        let mut config = place.config.clone();
        config.development = Some(issuer);
        let error = Server::start(config).await.err().unwrap().to_string();
        assert!(error.contains("`guestlist serve --dev`"), "{error}");
    });
}
