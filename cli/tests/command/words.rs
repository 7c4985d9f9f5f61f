//! What `guestlist call` says of a request is said in the words of that request.

use serde_json::{Value, json};

use super::{Desk, WORLD, text};

const ANN: [&str; 4] = ["--organization", "acme", "--as", "ann"];

impl Desk {
    /// The error of a call that is refused.
    fn refused(&self, operation: &str, request: &Value) -> Value {
        let output = self.call(&[&[operation][..], &ANN].concat(), &request.to_string());
        assert_eq!(output.status.code(), Some(1), "{}{}", text(&output.stdout), text(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["error"].clone()
    }
}

#[test]
fn a_request_is_refused_with_the_names_of_its_own_fields() {
    let desk = Desk::new("own-fields", WORLD);
    let long = "x".repeat(300);
    let many: Vec<_> = (0..101).map(|number| format!("user-{number}")).collect();
    let grants: Vec<_> = (0..51).map(|number| format!("g-{number}")).collect();
    let pairs: Vec<_> = (0..21).map(|number| json!({ "key": number.to_string(), "value": "" })).collect();
    for (request, said) in [
        (json!({ "usernames": [] }), "`usernames` is empty: name at least one user"),
        (json!({ "usernames": null }), "`usernames` is empty: name at least one user"),
        (json!({ "usernames": many }), "`usernames`: 101 given, 100 allowed."),
        (json!({ "usernames": ["alice"], "groups": grants }), "`groups`: 51 given, 50 allowed."),
        (json!({ "usernames": ["alice"], "roles": grants }), "`roles`: 51 given, 50 allowed."),
        (json!({ "usernames": ["alice"], "groups": ["a", "a"] }), "`groups` names one group or role twice"),
        (
            json!({ "usernames": ["alice"], "groups": [""], "roles": ["r"] }),
            "`groups: id` or `roles: id` is empty",
        ),
        (json!({ "usernames": ["alice"], "userDomain": long }), "`userDomain` is longer than 255 bytes"),
        (json!({ "usernames": ["alice"], "idempotencyKey": "" }), "`idempotencyKey` is empty"),
        (json!({ "usernames": ["alice"], "properties": pairs }), "`properties`: 21 given, 20 allowed."),
    ] {
        assert_eq!(desk.refused("invite", &request)["description"], said);
    }
    assert_eq!(
        desk.refused("resend", &json!({ "ids": null }))["description"],
        "`ids` is empty: name at least one invitation"
    );
}

#[test]
fn what_the_host_refuses_is_said_of_what_was_asked() {
    let desk = Desk::new("own-words", WORLD);
    let long = "x".repeat(300);
    let many = ["PENDING"; 9];
    for request in [json!({ "usernamePrefix": long }), json!({ "group": long }), json!({ "status": many })] {
        let error = desk.refused("list", &request);
        assert_eq!(error["message"], "Unable to list the invitations.", "{error}");
    }
    let output = desk.call(&["list-mine", "--as", "root/alice"], &json!({ "status": many }).to_string());
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["error"]["message"], "Unable to list your invitations.", "{answer}");
}

#[test]
fn a_resend_of_more_than_one_call_can_do_says_so_and_what_to_do() {
    let people: Vec<_> =
        (0..100).map(|n| format!("{{ id: u-{n}, name: user-{n}, email: u{n}@root.example }}")).collect();
    let world = WORLD.replace(
        "    users:\n      - { id: u-alice",
        &format!("    users:\n      - {}\n      - {{ id: u-alice", people.join("\n      - ")),
    );
    let desk = Desk::new("resend-many", &world);
    let names: Vec<_> = (0..100).map(|n| format!("user-{n}")).collect();
    let invited = desk.done(&[&["invite"][..], &ANN].concat(), &json!({ "usernames": names }).to_string());
    let mut ids: Vec<_> = invited.as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    assert_eq!(ids.len(), 100);
    // What has expired is made anew, which takes more.
    let mut rounds = 0;
    while !ids.is_empty() {
        let later: &[&str] = if rounds == 0 { &["--advance", "72h"] } else { &[] };
        let answer = desk.done(&[&["resend"][..], &ANN, later].concat(), &json!({ "ids": ids }).to_string());
        let answers = answer.as_array().unwrap();
        let left: Vec<_> = ids.iter().zip(answers).filter(|(_, item)| item["error"].is_object()).collect();
        for (_, item) in &left {
            let error = &item["error"];
            assert_eq!(
                (&error["code"], &error["message"]),
                (&json!("GL-42900"), &json!("Too many for one call."))
            );
            let said = format!(
                "The bound on host calls of one call was met, and {} invitations are as they were: call",
                left.len()
            );
            assert!(error["description"].as_str().unwrap().starts_with(&said), "{error}");
        }
        let left: Vec<_> = left.into_iter().map(|(id, _)| id.clone()).collect();
        assert!(left.len() < ids.len(), "each call does a part");
        assert!(rounds > 0 || !left.is_empty(), "one call does not suffice for a hundred");
        ids = left;
        rounds += 1;
    }
}

#[test]
fn a_request_may_begin_with_a_byte_order_mark_and_have_lists_that_are_null() {
    let desk = Desk::new("marks", &format!("\u{feff}{WORLD}"));
    let request =
        "\u{feff}{ \"usernames\": [\"alice\"], \"groups\": null, \"roles\": null, \"properties\": null }";
    let invited = desk.done(&[&["invite"][..], &ANN].concat(), request);
    assert_eq!(invited[0]["status"], "PENDING");
    let list = desk.done(&[&["list"][..], &ANN].concat(), "\u{feff}{ \"status\": null }");
    assert_eq!(list["invitations"].as_array().map(Vec::len), Some(1));
    let line = "\u{feff}{\"operation\": \"invite\", \"as\": \"ann\", \"in\": \"acme\", \"request\": {\"usernames\": [\"bob\"], \"groups\": null}}\n";
    let recorded = desk.run(&["record", "--world", "world.yaml", "-o", "story.yaml"], line);
    assert!(recorded.status.success(), "{}", text(&recorded.stderr));
    // As a scenario, too.
    let story = std::fs::read_to_string(desk.0.join("story.yaml")).unwrap();
    let story = format!("\u{feff}{}", story.replace("users: [bob]", "users: [bob], roles: , groups: null"));
    std::fs::write(desk.0.join("story.yaml"), &story).unwrap();
    let played = desk.run(&["test", "story.yaml"], "");
    assert!(
        story.contains("groups: null") && played.status.success(),
        "{story}{}{}",
        text(&played.stdout),
        text(&played.stderr)
    );
}
