use guestlist_tokens::{ClaimedRoles, Issuers, Reason, RoleMapping};
use serde_json::{Value, json};

use crate::{
    issuer::{NOW, Server, judged},
    signer::Signer,
};

fn mapping(written: Value) -> RoleMapping {
    serde_json::from_value(written).unwrap()
}

/// What is found, as `ORGANIZATION: ROLES`.
fn found(mapping: &RoleMapping, claims: &Value) -> Vec<String> {
    let told = |one: ClaimedRoles| format!("{}: {}", one.organization, one.roles.join(" "));
    mapping.read(claims).unwrap().into_iter().map(told).collect()
}

fn keycloak() -> Value {
    json!({
        "realm_access": { "roles": ["offline_access"] },
        "organization": {
            "partner": {
                "id": "5f0f",
                "realm_access": { "roles": ["guestlist-invite", "guestlist-view"] },
                "groups": ["/inviters"],
            },
            "supplier": { "id": "77aa" },
        },
    })
}

#[test]
fn keycloak_has_roles_inside_organizations() {
    let by_alias = found(&RoleMapping::Keycloak, &keycloak());
    assert_eq!(by_alias, ["partner: guestlist-invite guestlist-view", "supplier: "]);
    let by_id = found(&mapping(json!("keycloak-by-id")), &keycloak());
    assert_eq!(by_id, ["5f0f: guestlist-invite guestlist-view", "77aa: "]);
    // Roles of the realm are in no organization.
    assert!(found(&RoleMapping::Keycloak, &json!({ "realm_access": { "roles": ["admin"] } })).is_empty());
    // Without details the claim is a list of aliases.
    assert_eq!(found(&RoleMapping::Keycloak, &json!({ "organization": ["partner"] })), ["partner: "]);
    let missing = RoleMapping::KeycloakById.read(&json!({ "organization": { "partner": {} } }));
    assert_eq!(missing.unwrap_err(), "/id");
    let names = RoleMapping::KeycloakById.read(&json!({ "organization": ["partner"] }));
    assert_eq!(names.unwrap_err(), "/organization");
}

#[test]
fn roles_come_from_several_claims_each_once() {
    let groups = mapping(json!({ "per-organization": {
        "organizations": "/organization",
        "roles": ["/groups", "/realm_access/roles", "/groups"],
    } }));
    let told = found(&groups, &keycloak());
    assert_eq!(told, ["partner: /inviters guestlist-invite guestlist-view", "supplier: "]);
}

#[test]
fn plain_roles_are_in_one_organization() {
    let fixed = mapping(json!({ "fixed": { "organization": "acme" } }));
    assert_eq!(found(&fixed, &json!({ "roles": ["a", "b"] })), ["acme: a b"]);
    assert_eq!(found(&fixed, &json!({ "roles": "a" })), ["acme: a"]);
    assert!(found(&fixed, &json!({})).is_empty());
    let named = mapping(json!({ "one-organization": { "organization": "/https:~1~1x.example~1org" } }));
    assert_eq!(found(&named, &json!({ "https://x.example/org": "o1", "roles": ["a"] })), ["o1: a"]);
    assert!(found(&named, &json!({ "roles": ["a"] })).is_empty());
    assert!(found(&RoleMapping::None, &keycloak()).is_empty());
}

#[test]
fn claims_of_another_type_are_told_by_their_path() {
    let named = mapping(json!({ "one-organization": { "organization": "/org" } }));
    for (claims, path) in [
        (json!({ "org": 1 }), "/org"),
        (json!({ "org": "" }), "/org"),
        (json!({ "org": ["a"] }), "/org"),
        (json!({ "org": "a", "roles": {} }), "/roles"),
        (json!({ "org": "a", "roles": [1] }), "/roles"),
        (json!({ "org": "a", "roles": null }), "/roles"),
    ] {
        assert_eq!(named.read(&claims).unwrap_err(), path, "{claims}");
    }
    for organizations in [json!("partner"), json!(null), json!([1]), json!([{ "partner": {} }])] {
        let claims = json!({ "organization": organizations });
        assert_eq!(RoleMapping::Keycloak.read(&claims).unwrap_err(), "/organization", "{claims}");
    }
}

#[tokio::test]
async fn a_token_has_its_roles_or_is_refused() {
    let server = Server::start().await;
    let signer = Signer::new("ES256", "k1");
    server.publish(&[&signer]);
    let mut issuer = server.issuer();
    issuer.roles = RoleMapping::Keycloak;
    let issuers = Issuers::new(vec![issuer]).unwrap();
    let caller = judged(&issuers, &signer.token(&server.but(keycloak())), NOW).await.unwrap();
    let roles = vec!["guestlist-invite".to_owned(), "guestlist-view".to_owned()];
    assert_eq!(caller.roles[0], ClaimedRoles { organization: "partner".to_owned(), roles });
    let broken = json!({ "organization": { "partner": { "realm_access": { "roles": 1 } } } });
    let error = judged(&issuers, &signer.token(&server.but(broken)), NOW).await.unwrap_err();
    assert_eq!(error, Reason::Claim("/realm_access/roles".to_owned()));
}
