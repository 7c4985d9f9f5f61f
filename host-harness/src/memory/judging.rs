//! Organizations' policies as components: gathering the facts, asking, and keeping a log of it.
//!
//! The facts are read in one atomic step like everything else. The component runs outside of it, so a
//! slow one holds up nobody but its own request.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{MutexGuard, PoisonError},
};

use serde::Serialize;
use serde_json::Value;

use super::{
    MemoryHost,
    realm::{Realm, StoredInvitation, Target},
};
use crate::{
    contract::{
        policy::{self, PolicyError},
        rules::{AcceptFacts, Candidate, Held, InviteFacts, Inviter, NamedGrant, Surroundings},
        types::{Grant, Principal, Subject, UserRef, Verdict},
    },
    host::Call,
    policy::{Policies, PolicyComponent, PolicyUnavailable, Rules, Ruling},
};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// How many judgements are remembered.
const REMEMBERED: usize = 256;

/// The components, which are code and no part of what the host stores.
#[derive(Clone, Debug, Default)]
pub(super) struct Judges {
    everywhere: Rules,
    /// By organization.
    own: BTreeMap<String, Rules>,
    /// Asked where neither of these is.
    policies: Option<Policies>,
    log: VecDeque<Judgement>,
}

/// What a policy component was asked, and what it made of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Judgement {
    /// The request id of the call that it was asked in.
    pub request: String,
    /// Whose policy.
    pub organization: String,
    /// SHA-256 of the component, in hex; absent where it could not be loaded.
    pub digest: Option<String>,
    /// The facts, with the field names of the contract's types.
    pub facts: Value,
    /// The verdict or verdicts as the component gave them, or why there is none. What the plugin made of
    /// them is in its answer.
    pub verdict: Result<Value, String>,
    /// What it cost, where it has answered and the engine meters by fuel.
    pub fuel: Option<u64>,
}

impl Judges {
    pub(super) fn of(&self, organization: &str) -> Rules {
        match (self.own.get(organization).unwrap_or(&self.everywhere), &self.policies) {
            (Rules::None, Some(policies)) => policies.rules_of(organization),
            (rules, _) => rules.clone(),
        }
    }

    /// The same components, with nothing remembered.
    pub(super) fn afresh(&self) -> Self {
        Self { log: VecDeque::new(), ..self.clone() }
    }
}

impl MemoryHost {
    /// Lets a component judge instead of the scripted policy: in one organization or, without one, in all
    /// that have none of their own. A [`fork`](Self::fork) has the same components; a saved state has none.
    pub fn set_policy_component(&self, organization: Option<&str>, policy: PolicyComponent) {
        let mut judges = self.judges();
        match organization {
            Some(organization) => drop(judges.own.insert(organization.to_owned(), policy.into())),
            None => judges.everywhere = policy.into(),
        }
    }

    /// Lets the policies of a registry judge, where [`set_policy_component`](Self::set_policy_component) has
    /// set none. A change in the registry counts from the next question on, in a [`fork`](Self::fork) too.
    pub fn set_policies(&self, policies: Policies) {
        self.judges().policies = Some(policies);
    }

    /// The last judgements of components, oldest first; at most 256.
    #[must_use]
    pub fn policy_log(&self) -> Vec<Judgement> {
        self.judges().log.iter().cloned().collect()
    }

    pub(super) fn judges(&self) -> MutexGuard<'_, Judges> {
        self.judges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn judge_invite(
        &self,
        call: &Call,
        judge: Result<&PolicyComponent, PolicyUnavailable>,
        facts: &InviteFacts,
    ) -> Result<Vec<Verdict>, PolicyError> {
        let digest = judge.as_ref().ok().map(|policy| policy.digest().to_owned());
        let ruling = match judge {
            Ok(policy) => policy.judge_invite(facts).await,
            Err(unavailable) => Err(unavailable),
        };
        self.ruled(call, &facts.surroundings, digest, serde_json::to_value(facts), ruling)
    }

    pub(super) async fn judge_accept(
        &self,
        call: &Call,
        judge: Result<&PolicyComponent, PolicyUnavailable>,
        facts: &AcceptFacts,
    ) -> Result<Verdict, PolicyError> {
        let digest = judge.as_ref().ok().map(|policy| policy.digest().to_owned());
        let ruling = match judge {
            Ok(policy) => policy.judge_accept(facts).await,
            Err(unavailable) => Err(unavailable),
        };
        self.ruled(call, &facts.surroundings, digest, serde_json::to_value(facts), ruling)
    }

    /// Writes a ruling down and answers the plugin. That nobody judges refuses, and is worth another try.
    fn ruled<T: Serialize>(
        &self,
        call: &Call,
        surroundings: &Surroundings,
        digest: Option<String>,
        facts: serde_json::Result<Value>,
        ruling: Result<Ruling<T>, PolicyUnavailable>,
    ) -> Result<T, PolicyError> {
        let shown = ruling.as_ref().map(|ruling| serde_json::to_value(&ruling.answer).unwrap_or_default());
        let judgement = Judgement {
            request: call.context.request_id.clone(),
            organization: surroundings.organization.clone(),
            digest,
            facts: facts.unwrap_or_default(),
            verdict: shown.map_err(ToString::to_string),
            fuel: ruling.as_ref().ok().and_then(|ruling| ruling.fuel),
        };
        let mut judges = self.judges();
        if judges.log.len() == REMEMBERED {
            judges.log.pop_front();
        }
        judges.log.push_back(judgement);
        ruling.map(|ruling| ruling.answer).map_err(|unavailable| match unavailable {
            // It would have answered.
            PolicyUnavailable::Busy(waited) => PolicyError::Silent(u64::try_from(waited.as_millis()).ok()),
            _ => PolicyError::Silent(None),
        })
    }
}

impl Realm {
    pub(super) fn facts_of_invite(&self, asked: policy::InviteFacts) -> InviteFacts {
        let candidate = |candidate: policy::Candidate| {
            self.candidate(
                (&asked.organization, &asked.parent),
                candidate.account,
                candidate.via,
                candidate.name,
            )
        };
        InviteFacts {
            surroundings: self.surroundings(&asked.organization, &asked.parent),
            inviter: self.inviter(&asked.organization, &asked.inviter),
            grants: self.named(&asked.organization, asked.grants),
            lifetime: asked.lifetime,
            notify: asked.notify,
            metadata: asked.metadata,
            candidates: asked.candidates.into_iter().map(candidate).collect(),
        }
    }

    /// As the store has the invitation; `None` where nobody with an account is invited.
    pub(super) fn facts_of_accept(&self, row: &StoredInvitation) -> Option<AcceptFacts> {
        let row = row.invitation.clone();
        let Subject::User(account) = row.subject else { return None };
        let organization = row.key.organization;
        let via = self.organization(&row.parent).and_then(|parent| {
            let (id, _) = parent.person(&account).filter(|_| account.organization != row.parent)?;
            Some(UserRef { organization: row.parent.clone(), id: id.clone() })
        });
        Some(AcceptFacts {
            surroundings: self.surroundings(&organization, &row.parent),
            inviter: self.inviter(&organization, &row.inviter),
            invitee: self.candidate((&organization, &row.parent), account, via, row.name),
            grants: self.named(&organization, row.grants),
            accept_with: row.accept_with,
            created_at: row.created_at,
            expires_at: row.expires_at,
            metadata: row.metadata,
        })
    }

    fn surroundings(&self, organization: &str, parent: &str) -> Surroundings {
        let place = self.organization(organization);
        let now = self.clock.store();
        let pending = self.tenants.get(organization).map_or(0, |tenant| tenant.active(now));
        Surroundings {
            organization: organization.to_owned(),
            organization_name: place.map(|place| place.name.clone()).unwrap_or_default(),
            parent: parent.to_owned(),
            pending: u32::try_from(pending).unwrap_or(u32::MAX),
            now,
            utc_offset_minutes: place.map_or(0, |place| place.utc_offset_minutes),
        }
    }

    fn inviter(&self, organization: &str, who: &Principal) -> Inviter {
        let (groups, roles) = match who {
            Principal::User(account) => self.held(organization, account),
            _ => Default::default(),
        };
        Inviter { who: who.clone(), groups, roles }
    }

    /// The groups and the roles that somebody has in an organization.
    fn held(&self, organization: &str, account: &UserRef) -> (Vec<Held>, Vec<Held>) {
        let Some(place) = self.organization(organization) else { return Default::default() };
        let Some((_, person)) = place.person(account) else { return Default::default() };
        let named = |ids: &BTreeMap<String, Option<String>>, targets: &BTreeMap<String, Target>| {
            let name = |id: &String| targets.get(id).map_or(id, |target| &target.name).clone();
            ids.keys().map(|id| Held { display_name: name(id), id: id.clone() }).collect()
        };
        (named(&person.groups, &place.groups), named(&person.roles, &place.roles))
    }

    /// A grant that is gone keeps its id as a name.
    fn named(&self, organization: &str, grants: Vec<Grant>) -> Vec<NamedGrant> {
        let place = self.organization(organization);
        let name = |grant: &Grant| Some(place?.target(grant)?.name.clone());
        let named =
            |grant: Grant| NamedGrant { display_name: name(&grant).unwrap_or(grant.id.clone()), grant };
        grants.into_iter().map(named).collect()
    }

    /// Somebody as the parent sees him; his address is where he is resident. `places` are the organization
    /// and its parent.
    fn candidate(
        &self,
        (organization, parent): (&str, &str),
        account: UserRef,
        via: Option<UserRef>,
        as_written: String,
    ) -> Candidate {
        let resident = self.resident(&account);
        let local = self.organization(parent).and_then(|place| place.person(&account));
        // Of somebody who is not of the parent nothing is told.
        let email = local.and(resident).and_then(|resident| resident.email.as_deref());
        let (groups, roles) = self.held(parent, &account);
        Candidate {
            via,
            name: local.map(|(_, person)| person.name.clone()).unwrap_or_default(),
            as_written,
            userstore: local.map(|(_, person)| person.store.clone()).unwrap_or_default(),
            active: resident.is_some_and(|person| person.active)
                && local.is_some_and(|(_, person)| person.active),
            address_domain: email
                .and_then(|email| email.rsplit_once('@'))
                .map(|(_, domain)| domain.to_lowercase()),
            groups,
            roles,
            sent_lately: self.sent_lately(organization, &account),
            account,
        }
    }

    /// Mails of the organization in the last day, those on their way included.
    fn sent_lately(&self, organization: &str, to: &UserRef) -> u32 {
        let since = self.clock.wall().saturating_sub(DAY);
        let mails = self.mailbox.delivered.iter().chain(&self.mailbox.taken);
        let his = mails.filter(|mail| mail.organization == organization && mail.to == *to && mail.at > since);
        u32::try_from(his.count()).unwrap_or(u32::MAX)
    }
}
