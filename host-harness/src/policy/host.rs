//! The `policy` import of a host whose organizations have components, or no rules at all.

use async_trait::async_trait;
use guestlist_contract::{
    facts::FactSource,
    host::{Call, Policy},
    policy::{AcceptFacts, InviteFacts, PolicyError},
    types::{HostError, Subject, Verdict},
};

use super::{Policies, Rules};

/// Lets everybody in: the `policy` import of a host that has no rules of organizations.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

#[async_trait]
impl Policy for AllowAll {
    async fn decide_invite(&self, _: &Call, facts: InviteFacts) -> Result<Vec<Verdict>, PolicyError> {
        Ok(vec![Verdict::Allow; facts.candidates.len()])
    }

    async fn decide_accept(&self, _: &Call, _: AcceptFacts) -> Result<Verdict, PolicyError> {
        Ok(Verdict::Allow)
    }
}

/// Asks the component of each organization, with facts from the host's own tables.
///
/// It fails closed: an organization whose component cannot be loaded, gives no answer, or cannot be told the
/// facts lets nobody in until that is mended, and touches no other organization. An organization without rules
/// lets everybody in.
#[derive(Clone, Debug)]
pub struct PolicyHost<F> {
    policies: Policies,
    facts: F,
}

impl<F> PolicyHost<F> {
    /// Components from a registry, and facts from a source.
    pub fn new(policies: Policies, facts: F) -> Self {
        Self { policies, facts }
    }

    /// The rules of an organization, or why nobody can judge; `None` where it has none.
    fn rules(&self, organization: &str) -> Result<Option<Rules>, PolicyError> {
        match self.policies.rules_of(organization) {
            Rules::None => Ok(None),
            rules @ Rules::Broken(_) => Err(rules.unavailable().into()),
            rules @ Rules::Policy(_) => Ok(Some(rules)),
        }
    }
}

fn other_facts() -> PolicyError {
    PolicyError::Host(HostError::Other("the facts are about others than was asked".to_owned()))
}

#[async_trait]
impl<F: FactSource> Policy for PolicyHost<F> {
    async fn decide_invite(&self, call: &Call, asked: InviteFacts) -> Result<Vec<Verdict>, PolicyError> {
        let Some(rules) = self.rules(&asked.organization)? else {
            return AllowAll.decide_invite(call, asked).await;
        };
        let accounts: Vec<_> = asked.candidates.iter().map(|one| one.account.clone()).collect();
        let organization = asked.organization.clone();
        let facts = self.facts.invite_facts(call, asked).await.map_err(PolicyError::Host)?;
        let told = facts.candidates.iter().map(|one| &one.account);
        // A verdict counts for whoever stands at its place, so a source that mixes them up lets in the wrong ones.
        if facts.surroundings.organization != organization || !told.eq(&accounts) {
            return Err(other_facts());
        }
        let ruling = rules.judge_invite(&facts).await;
        ruling.map_or(Err(PolicyError::Silent(None)), |ruling| Ok(ruling?.answer))
    }

    async fn decide_accept(&self, call: &Call, asked: AcceptFacts) -> Result<Verdict, PolicyError> {
        let organization = asked.invitation.key.organization.clone();
        let Some(rules) = self.rules(&organization)? else {
            return AllowAll.decide_accept(call, asked).await;
        };
        let subject = asked.invitation.subject.clone();
        let facts = self.facts.accept_facts(call, asked).await.map_err(PolicyError::Host)?;
        let is_about_them = Subject::User(facts.invitee.account.clone()) == subject;
        if facts.surroundings.organization != organization || !is_about_them {
            return Err(other_facts());
        }
        let ruling = rules.judge_accept(&facts).await;
        ruling.map_or(Err(PolicyError::Silent(None)), |ruling| Ok(ruling?.answer))
    }
}
