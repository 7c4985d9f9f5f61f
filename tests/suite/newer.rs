//! Rows that a newer plugin wrote are left alone, also where they come in many or in the middle.

use std::sync::Arc;

use guestlist_contract::{
    Function,
    exports::invitations::{Owner, Refusal},
    types::{HostError, State},
};
use guestlist_harness::operations as op;
use guestlist_testkit::{Fault, FaultPlan};
use serde_json::Value;

use crate::rig::*;

const ACME: Option<&str> = Some("acme");

/// The answers of this function show rows of a newer plugin, and no change of ours.
fn newer(function: Function) -> Arc<FaultPlan> {
    fn change(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match name.as_str() {
                        "schema" => *value = 2.into(),
                        "applied" => *value = false.into(),
                        "last_operation" | "last-operation" => *value = "theirs".into(),
                        _ => change(value),
                    }
                }
            }
            Value::Array(entries) => entries.iter_mut().for_each(change),
            _ => {}
        }
    }
    let lie = |mut answer: Value| {
        change(&mut answer);
        answer
    };
    Arc::new(FaultPlan::always(function, Fault::Hostile(Arc::new(lie))))
}

#[tokio::test]
async fn revoking_all_leaves_them_alone_and_names_them() {
    let rig = Rig::new();
    let (key, _) = rig.invited("alice", &[]).await;
    let whose = Owner::Inviter(ann());
    let revoke = op::RevokeAll { whose, reason: None };
    let all = rig.run_with(newer(Function::StorageList), ACME, ann(), revoke).await.unwrap().answer.unwrap();
    assert_eq!((all.revoked, all.failed), (vec![], vec![key.id.clone()]));
    assert_eq!(rig.row(&key).state, State::Pending);
}

#[tokio::test]
async fn one_that_was_rewritten_meanwhile_is_not_judged() {
    let rig = Rig::new();
    let (key, _) = rig.invited("alice", &[]).await;
    let revoke = op::Revoke { id: key.id, reason: None };
    let answer = rig.run_with(newer(Function::StorageTransition), ACME, ann(), revoke).await.unwrap().answer;
    assert!(matches!(answer, Err(Refusal::Host(HostError::Invalid(_)))), "{answer:?}");
}
