//! The largest that the contract allows, within the limits that a host has by default.

use std::sync::Arc;

use guestlist_contract::{
    Function,
    exports::invitations::InviteRequest,
    types::{Grant, Principal, Property},
};
use guestlist_harness::operations as op;
use guestlist_testkit::{Fault, FaultPlan};
use serde_json::{Value, json};

use crate::rig::*;

/// An id of 255 bytes.
fn id(what: &str, number: usize) -> String {
    format!("{what}{number:0width$}", width = 255 - what.len())
}

fn grants() -> Vec<Grant> {
    (0..50).map(|n| group(&id("g", n))).collect()
}

fn metadata() -> Vec<Property> {
    (0..20).map(|n| Property { key: format!("{n:064}"), value: "v".repeat(254) }).collect()
}

/// 200 rows, each as large as a row can be: accepted, approved and with a reason.
fn largest_page(mut answer: Value) -> Value {
    let row = &mut answer["Ok"]["items"][0];
    let steps = grants().into_iter().map(|grant| json!({ "Grant": grant }));
    let steps = steps.chain([json!("Member")]);
    let outcomes: Vec<_> = steps.map(|step| json!({ "step": step, "outcome": "AlreadyPresent" })).collect();
    row["outcomes"] = outcomes.into();
    row["grants"] = json!(grants());
    row["metadata"] = json!(metadata());
    row["approver"] = json!(Principal::User(user(&id("o", 0), &id("u", 0))));
    row["inviter"] = row["approver"].clone();
    row["parent"] = id("o", 0).into();
    row["name"] = "n".repeat(254).into();
    row["template"] = "t".repeat(100).into();
    row["reason"] = "r".repeat(1024).into();
    row["last_operation"] = id("k", 0).into();
    let rows: Vec<_> = (0..200)
        .map(|n| {
            let mut row = row.clone();
            row["key"]["id"] = format!("00000000-0000-4000-8000-{n:012}").into();
            row
        })
        .collect();
    answer["Ok"]["items"] = rows.into();
    answer
}

fn lying(function: Function) -> Arc<FaultPlan> {
    Arc::new(FaultPlan::always(function, Fault::Hostile(Arc::new(largest_page))))
}

#[tokio::test]
async fn a_page_of_two_hundred_of_the_largest_rows_is_shown() {
    let rig = Rig::new();
    rig.invited("alice", &[]).await;
    let list = op::List { filter: everything(), page: first_page() };
    let page = rig.run_with(lying(Function::StorageList), Some("acme"), ann(), list).await.unwrap();
    let items = page.answer.unwrap().items;
    assert_eq!(items.len(), 200);
    assert!(
        items.iter().all(|row| (row.grants.len(), row.outcomes.len(), row.metadata.len()) == (50, 51, 20))
    );
    let mine = op::ListMine { states: vec![], after: None, limit: 200 };
    let page = rig.run_with(lying(Function::StorageMine), None, alice(), mine).await.unwrap();
    assert_eq!(page.answer.unwrap().items.len(), 200);
}

#[tokio::test]
async fn a_hundred_of_the_longest_names_are_invited() {
    let (root, acme, administrator) = (id("o", 1), id("o", 2), id("u", 999));
    let names: Vec<_> = (0..100).map(|n| format!("p{n:0253}")).collect();
    let people: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(n, name)| format!("{{ id: {}, name: {name}, email: p{n}@x.example }}", id("u", n)))
        .collect();
    let groups: Vec<_> = grants().iter().map(|grant| format!("{{ id: {} }}", grant.id)).collect();
    let rig = Rig::of(&format!(
        "organizations:\n  - id: {root}\n    users: [{}]\n  - id: {acme}\n    parent: {root}\n    users: [{{ id: {administrator}, name: ann }}]\n    groups: [{}]\n    permissions: {{ {administrator}: [all] }}\n",
        people.join(", "),
        groups.join(", ")
    ));
    let largest = InviteRequest {
        names,
        grants: grants(),
        metadata: metadata(),
        template: Some("t".repeat(100)),
        idempotency_key: Some(id("k", 0)),
        ..request(&["x"], &[])
    };
    let caller = Principal::User(user(&acme, &administrator));
    for again in [false, true] {
        let answers = rig.invite_as(&acme, caller.clone(), largest.clone()).await.unwrap();
        assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|invited| invited.existed == again)));
    }
    assert_eq!(rig.host.mails().len(), 100);
}
