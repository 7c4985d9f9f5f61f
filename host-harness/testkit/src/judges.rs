//! Organizations' policies as components of the host in memory: asking them, and keeping a log of it.
//!
//! The host reads the facts in one atomic step like everything else. The component runs outside of it, so a
//! slow one holds up nobody but its own request.

use std::{
    any::Any,
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use guestlist_contract::{
    host::Call,
    policy::PolicyError,
    rules::{AcceptFacts, InviteFacts, Surroundings},
    types::Verdict,
};
use guestlist_harness::policy::{Language, Log, Policies, PolicyComponent, Rules, Watched};
use guestlist_memory::{Judge, MemoryHost};
use serde::Serialize;
use serde_json::Value;

use crate::words::Asked;

/// The number of judgements that are remembered.
const REMEMBERED: usize = 256;

/// A judgement: what a policy component was asked, and what it made of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Judgement {
    /// The request id of the call that it was asked in.
    pub request: String,
    /// The organization whose policy it is.
    pub organization: String,
    /// SHA-256 of the component, in hex; absent where it could not be loaded.
    pub digest: Option<String>,
    /// The language of the policy, where its component says so.
    pub language: Option<Language>,
    /// The function that was asked, of its two.
    pub asked: Asked,
    /// The facts, with the field names of the contract's types; [`words`](crate::words) has those of
    /// the policy's language.
    pub facts: Value,
    /// The verdict or verdicts as the component gave them, or why there is none. What the plugin made of
    /// them is in its answer.
    pub verdict: Result<Value, String>,
    /// The fuel that it cost, where it has answered and the engine meters by fuel.
    pub fuel: Option<u64>,
    /// Its words meanwhile.
    pub log: Log,
}

/// The components of a host's organizations.
#[derive(Clone, Debug, Default)]
struct Table {
    everywhere: Rules,
    /// By organization.
    own: BTreeMap<String, Rules>,
    /// Asked where neither of these is.
    policies: Option<Policies>,
    log: VecDeque<Judgement>,
}

#[derive(Debug, Default)]
struct Judges(Mutex<Table>);

/// Notes of a judgement before there is a ruling.
struct Asking<'a> {
    call: &'a Call,
    surroundings: &'a Surroundings,
    rules: &'a Rules,
    asked: Asked,
    facts: Value,
}

/// Lets policy components judge for a [`MemoryHost`], and shows what they were asked.
pub trait Judged {
    /// Lets a component judge instead of the scripted policy: in one organization or, without one, in all
    /// that have none of their own. A fork of the host has the same components; a saved state has none.
    fn set_policy_component(&self, organization: Option<&str>, policy: PolicyComponent);

    /// Lets the policies of a registry judge, where [`set_policy_component`](Self::set_policy_component) has
    /// set none. A change in the registry counts from the next question on, in a fork of the host too.
    fn set_policies(&self, policies: Policies);

    /// The last judgements of components, oldest first; at most 256.
    fn policy_log(&self) -> Vec<Judgement>;
}

impl Judged for MemoryHost {
    fn set_policy_component(&self, organization: Option<&str>, policy: PolicyComponent) {
        change(self, |table| match organization {
            Some(organization) => drop(table.own.insert(organization.to_owned(), policy.into())),
            None => table.everywhere = policy.into(),
        });
    }

    fn set_policies(&self, policies: Policies) {
        change(self, |table| table.policies = Some(policies));
    }

    fn policy_log(&self) -> Vec<Judgement> {
        let judge = self.judge();
        let judges = judge.as_deref().and_then(own);
        judges.map(|judges| judges.table().log.iter().cloned().collect()).unwrap_or_default()
    }
}

fn own(judge: &dyn Judge) -> Option<&Judges> {
    let any: &dyn Any = judge;
    any.downcast_ref()
}

fn change(host: &MemoryHost, how: impl FnOnce(&mut Table)) {
    let judge = host.judge().filter(|judge| own(&**judge).is_some());
    let judge = judge.unwrap_or_else(|| {
        let judge: Arc<dyn Judge> = Arc::new(Judges::default());
        host.set_judge(judge.clone());
        judge
    });
    if let Some(judges) = own(&*judge) {
        how(&mut judges.table());
    }
}

impl Table {
    fn of(&self, organization: &str) -> Rules {
        match (self.own.get(organization).unwrap_or(&self.everywhere), &self.policies) {
            (Rules::None, Some(policies)) => policies.rules_of(organization),
            (rules, _) => rules.clone(),
        }
    }
}

impl Judges {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a ruling down and answers the plugin. That nobody judges refuses, and is worth another try.
    fn ruled<T: Serialize>(&self, asking: Asking<'_>, watched: Watched<T>) -> Result<T, PolicyError> {
        let Asking { call, surroundings, rules, asked, facts } = asking;
        let Watched { ruling, log } = watched;
        let shown = ruling.as_ref().map(|ruling| serde_json::to_value(&ruling.answer).unwrap_or_default());
        let policy = match rules {
            Rules::Policy(policy) => Some(policy),
            Rules::None | Rules::Broken(_) => None,
        };
        let judgement = Judgement {
            request: call.context.request_id.clone(),
            organization: surroundings.organization.clone(),
            digest: policy.map(|policy| policy.digest().to_owned()),
            language: policy.and_then(PolicyComponent::language),
            asked,
            facts,
            verdict: shown.map_err(ToString::to_string),
            fuel: ruling.as_ref().ok().and_then(|ruling| ruling.fuel),
            log,
        };
        let mut table = self.table();
        if table.log.len() == REMEMBERED {
            table.log.pop_front();
        }
        table.log.push_back(judgement);
        ruling.map(|ruling| ruling.answer).map_err(PolicyError::from)
    }
}

#[async_trait]
impl Judge for Judges {
    fn has_rules(&self, organization: &str) -> bool {
        !matches!(self.table().of(organization), Rules::None)
    }

    async fn judge_invite(&self, call: &Call, facts: &InviteFacts) -> Result<Vec<Verdict>, PolicyError> {
        let surroundings = &facts.surroundings;
        let rules = self.table().of(&surroundings.organization);
        let watched = match &rules {
            Rules::Policy(policy) => policy.watch_invite(facts).await,
            rules => Watched { ruling: Err(rules.unavailable()), log: Log::default() },
        };
        let facts = serde_json::to_value(facts).unwrap_or_default();
        self.ruled(Asking { call, surroundings, rules: &rules, asked: Asked::Invite, facts }, watched)
    }

    async fn judge_accept(&self, call: &Call, facts: &AcceptFacts) -> Result<Verdict, PolicyError> {
        let surroundings = &facts.surroundings;
        let rules = self.table().of(&surroundings.organization);
        let watched = match &rules {
            Rules::Policy(policy) => policy.watch_accept(facts).await,
            rules => Watched { ruling: Err(rules.unavailable()), log: Log::default() },
        };
        let facts = serde_json::to_value(facts).unwrap_or_default();
        self.ruled(Asking { call, surroundings, rules: &rules, asked: Asked::Accept, facts }, watched)
    }

    fn afresh(&self) -> Arc<dyn Judge> {
        let table = Table { log: VecDeque::new(), ..self.table().clone() };
        Arc::new(Self(Mutex::new(table)))
    }
}
