//! Host calls as data, to race them without the plugin.

use guestlist_contract::{
    host::{Call, Host, Operation},
    storage::{Batch, Change, Delivery, Guard},
    types::{InvitationKey, Step, UserRef},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A host call in an organization: that of the call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Import {
    Insert(Batch),
    Recall { operation: String, fingerprint: Vec<u8> },
    Get(String),
    Transition { id: String, guard: Guard, change: Change },
    Due { limit: u32, hold: u64 },
    Settle(Vec<Delivery>),
    Purge { retention: u64, limit: u32 },
    Apply { id: String, user: UserRef, steps: Vec<Step> },
    Close(String),
}

impl Import {
    /// The operation in which such a call comes.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match self {
            Self::Insert(_) | Self::Recall { .. } => Operation::Invite,
            _ => Operation::Sweep,
        }
    }

    /// The answer, as JSON.
    pub async fn ask(self, host: &Host, call: &Call) -> Value {
        let Some(organization) = call.context.organization.clone() else { return Value::Null };
        let key = |id| InvitationKey { organization: organization.clone(), id };
        match self {
            Self::Insert(batch) => json!(host.storage.insert(call, organization, batch).await),
            Self::Recall { operation, fingerprint } => {
                json!(host.storage.recall(call, organization, operation, fingerprint).await)
            }
            Self::Get(id) => json!(host.storage.get(call, key(id)).await),
            Self::Transition { id, guard, change } => {
                json!(host.storage.transition(call, key(id), guard, change).await)
            }
            Self::Due { limit, hold } => json!(host.storage.due(call, organization, limit, hold).await),
            Self::Settle(deliveries) => json!(host.storage.settle(call, organization, deliveries).await),
            Self::Purge { retention, limit } => {
                json!(host.storage.purge(call, organization, retention, limit).await)
            }
            Self::Apply { id, user, steps } => {
                json!(host.membership.apply(call, organization, id, user, steps).await)
            }
            Self::Close(id) => json!(host.membership.close(call, organization, id).await),
        }
    }
}
