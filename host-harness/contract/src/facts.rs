//! Facts that the rules of organizations judge by: what the plugin asks about, filled up from a host's own
//! tables.

use async_trait::async_trait;

use crate::{host::Call, policy, rules, types::HostError};

/// Gathers the facts that a policy component judges by.
///
/// The plugin's question names people and grants by their ids; a component is told what they are called, which
/// groups and roles people have, in which user store they are. Every field is described in `wit/policy.wit`.
/// An implementation checks the call as any other import does: it answers only for the organization that the
/// call acts in, or for the invitation that the call may see.
#[async_trait]
pub trait FactSource: Send + Sync {
    /// The facts about an invite: one candidate for each that is asked about, in the same order.
    ///
    /// # Errors
    /// The facts cannot be read, or the call may not see them: nobody is let in.
    async fn invite_facts(
        &self,
        call: &Call,
        asked: policy::InviteFacts,
    ) -> Result<rules::InviteFacts, HostError>;

    /// The facts about an accept, from the invitation as it is stored.
    ///
    /// # Errors
    /// As above.
    async fn accept_facts(
        &self,
        call: &Call,
        asked: policy::AcceptFacts,
    ) -> Result<rules::AcceptFacts, HostError>;
}

#[async_trait]
impl<F: FactSource + ?Sized> FactSource for std::sync::Arc<F> {
    async fn invite_facts(
        &self,
        call: &Call,
        asked: policy::InviteFacts,
    ) -> Result<rules::InviteFacts, HostError> {
        (**self).invite_facts(call, asked).await
    }

    async fn accept_facts(
        &self,
        call: &Call,
        asked: policy::AcceptFacts,
    ) -> Result<rules::AcceptFacts, HostError> {
        (**self).accept_facts(call, asked).await
    }
}
