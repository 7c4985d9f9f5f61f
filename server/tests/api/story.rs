//! Rights by a group: who is in it may invite, and what becomes of that when the group loses them.

use serde_json::{Value, json};

use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_let_in_with_a_group_invites_a_colleague_until_the_group_loses_the_role() {
    let world = World::new().await;
    let ann = world.token("ann");
    let group =
        world.ask("POST", "/api/v1/groups").with(&ann).json(&json!({ "name": "Partners" })).send().await;
    let group = group.expect(201)["id"].as_str().unwrap().to_owned();
    let assigned = format!("/api/v1/roles/inviter/groups/{group}");
    world.ask("PUT", &assigned).with(&ann).send().await.expect(204);
    let invite =
        |token: &str, body: Value| world.ask("POST", "/api/v1/invitations").with(token).json(&body).send();
    let told = invite(&ann, json!({ "usernames": ["alice"], "groups": [group] })).await;
    let first = told.header("location").to_owned();
    let id = told.expect(201)["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(first, format!("/api/v1/invitations/{id}"));

    let alice = world.token_with("alice", None, &[]);
    let mine = world.ask("GET", "/t/vendor/api/v1/me/invitations").with(&alice).send().await.expect(200);
    assert_eq!(mine["items"][0]["id"], id.as_str());
    let own = json!({ "organization": "acme", "id": id });
    let accept = world.ask("POST", "/t/vendor/api/v1/me/invitations/accept").with(&alice).json(&own);
    assert_eq!(accept.send().await.expect(200)["member"], true);

    let form = format!("grant_type=organization_switch&switching_organization=acme&token={alice}");
    let switched =
        world.ask("POST", "/t/vendor/oauth2/token").text("application/x-www-form-urlencoded", &form);
    let switched = switched.send().await.expect(200);
    let alice = switched["access_token"].as_str().unwrap().to_owned();
    let me = world.ask("GET", "/api/v1/me").with(&alice).send().await.expect(200);
    assert_eq!((&me["username"], &me["organization"]), (&json!("alice"), &json!("acme")));
    assert_eq!(me["rights"], json!(["invite", "view", "revoke", "resend"]));
    let told = invite(&alice, json!({ "usernames": ["bob"] })).await.expect(201);
    let colleague = told["items"][0]["id"].as_str().unwrap().to_owned();

    world.ask("DELETE", &assigned).with(&ann).send().await.expect(204);
    let (code, _) = invite(&alice, json!({ "usernames": ["carol"] })).await.problem(403);
    assert_eq!(code, "GL-40300");
    let bob = world.token_with("bob", None, &[]);
    let own = json!({ "organization": "acme", "id": colleague });
    let told = world.ask("POST", "/api/v1/me/invitations/accept").with(&bob).json(&own).send().await;
    let (code, detail) = told.problem(409);
    assert_eq!((code.as_str(), detail.as_str()), ("GL-40303", "The inviter may not invite any more."));
    let trail = format!("/api/v1/trail?invitation={colleague}");
    let trail = world.ask("GET", &trail).with(&ann).send().await.expect(200);
    assert_eq!(trail["items"][0]["word"], "inviter-not-entitled", "{trail}");
    world.server.stop().await;
}
