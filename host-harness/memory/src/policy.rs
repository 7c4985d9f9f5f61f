//! Judges by an organization's component, where it has one, or else by its scripted policy. The scripts are
//! enough to show what each verdict does, without a component.

use async_trait::async_trait;

use super::{
    MemoryHost,
    person::Person,
    realm::Realm,
    rule::{Asked, Moment, Rule},
};
use guestlist_contract::{
    bounds,
    facts::FactSource,
    host::{Call, Policy},
    policy::{AcceptFacts, Candidate, InviteFacts, PolicyError},
    rules,
    types::{HostError, Principal, Subject, Verdict},
};

fn not_to_be_seen() -> HostError {
    HostError::Denied("this call may not see that invitation".into())
}

/// A verdict, and the rule that it is from.
type Scripted<'a> = (Option<&'a Rule>, Verdict);

impl Realm {
    fn verdict(&self, organization: &str, asked: &Asked<'_>) -> Scripted<'_> {
        let rules = self.organization(organization).map(|place| place.policy.as_slice()).unwrap_or_default();
        let rule = rules.iter().find(|rule| rule.concerns(asked));
        (rule, rule.map_or(Verdict::Allow, |rule| rule.verdict(asked)))
    }

    /// The inviter as somebody of the organization.
    fn asking(&self, organization: &str, inviter: &Principal) -> Option<&Person> {
        let Principal::User(account) = inviter else { return None };
        self.organization(organization)?.person(account).map(|(_, person)| person)
    }

    /// The local account of a candidate in the parent, and its id.
    fn local(&self, parent: &str, candidate: &Candidate) -> Option<(&str, &Person)> {
        let (id, person) = self.organization(parent)?.person(&candidate.account)?;
        Some((id, person))
    }

    fn may_ask_about(&self, call: &Call, facts: &InviteFacts) -> Result<(), HostError> {
        self.concerns(call, &facts.organization)?;
        let parent = self.organization(&facts.organization).and_then(|place| place.parent.as_ref());
        if parent != Some(&facts.parent) || facts.inviter != call.context.caller {
            return Err(HostError::Denied("this call is of another inviter, or of another parent".into()));
        }
        bounds::count("candidates", facts.candidates.len(), 100)?;
        bounds::grants(&facts.grants)?;
        bounds::metadata(&facts.metadata)
    }

    fn decide_invite(&self, call: &Call, facts: &InviteFacts) -> Result<Vec<Scripted<'_>>, HostError> {
        self.may_ask_about(call, facts)?;
        let inviter = self.asking(&facts.organization, &facts.inviter);
        let verdict = |candidate: &Candidate| {
            let asked = Asked {
                moment: Moment::Invite,
                account: Some(&candidate.account),
                local: self.local(&facts.parent, candidate),
                inviter,
                grants: &facts.grants,
                lifetime: facts.lifetime,
            };
            self.verdict(&facts.organization, &asked)
        };
        Ok(facts.candidates.iter().map(verdict).collect())
    }

    fn decide_accept(&self, call: &Call, facts: &AcceptFacts) -> Result<Scripted<'_>, HostError> {
        let row = &facts.invitation;
        if !self.admits(call, &row.key) {
            return Err(not_to_be_seen());
        }
        bounds::grants(&row.grants)?;
        let account = match &row.subject {
            Subject::User(account) => Some(account),
            Subject::Contact(_) => None,
        };
        let parent = self.organization(&row.parent);
        let local = account.and_then(|account| parent?.person(account));
        let asked = Asked {
            moment: Moment::Accept,
            account,
            local: local.map(|(id, person)| (id.as_str(), person)),
            inviter: self.asking(&row.key.organization, &row.inviter),
            grants: &row.grants,
            lifetime: row.lifetime,
        };
        Ok(self.verdict(&row.key.organization, &asked))
    }
}

impl MemoryHost {
    /// Notes what a scripted policy has decided.
    fn scripted(&self, organization: &str, (rule, verdict): Scripted<'_>) -> Verdict {
        self.tally().decided(organization, rule, verdict)
    }
}

#[async_trait]
impl FactSource for MemoryHost {
    async fn invite_facts(&self, call: &Call, asked: InviteFacts) -> Result<rules::InviteFacts, HostError> {
        let realm = self.lock();
        realm.may_ask_about(call, &asked)?;
        Ok(realm.facts_of_invite(asked))
    }

    async fn accept_facts(&self, call: &Call, asked: AcceptFacts) -> Result<rules::AcceptFacts, HostError> {
        let realm = self.lock();
        let key = &asked.invitation.key;
        let row = realm.row(key).filter(|row| realm.admits(call, &row.invitation.key));
        row.and_then(|row| realm.facts_of_accept(row)).ok_or_else(not_to_be_seen)
    }
}

#[async_trait]
impl Policy for MemoryHost {
    async fn decide_invite(&self, call: &Call, facts: InviteFacts) -> Result<Vec<Verdict>, PolicyError> {
        let Some(judge) = self.judge_of(&facts.organization) else {
            let realm = self.lock();
            let verdicts = realm.decide_invite(call, &facts).map_err(PolicyError::Host)?;
            return Ok(verdicts.into_iter().map(|one| self.scripted(&facts.organization, one)).collect());
        };
        let facts = self.invite_facts(call, facts).await.map_err(PolicyError::Host)?;
        let verdicts = judge.judge_invite(call, &facts).await?;
        let organization = &facts.surroundings.organization;
        Ok(verdicts.into_iter().map(|one| self.tally().decided(organization, None, one)).collect())
    }

    async fn decide_accept(&self, call: &Call, facts: AcceptFacts) -> Result<Verdict, PolicyError> {
        let Some(judge) = self.judge_of(&facts.invitation.key.organization) else {
            let realm = self.lock();
            let verdict = realm.decide_accept(call, &facts).map_err(PolicyError::Host)?;
            return Ok(self.scripted(&facts.invitation.key.organization, verdict));
        };
        let facts = self.accept_facts(call, facts).await.map_err(PolicyError::Host)?;
        let verdict = judge.judge_accept(call, &facts).await?;
        Ok(self.tally().decided(&facts.surroundings.organization, None, verdict))
    }
}
