//! Who judges: an organization's component, where it has one, or else its scripted policy. The scripts
//! are enough to show what each verdict does, without a component.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MemoryHost, directory::same_name, duration::HumanDuration, realm::Realm};
use crate::{
    bounds,
    contract::{
        policy::{AcceptFacts, InviteFacts, PolicyError},
        types::{Approval, Grant, HostError, Narrowed, Verdict},
    },
    host::{Call, Policy},
};

/// One rule of a scripted policy. The first rule that concerns somebody decides about him; without one
/// he is allowed.
///
/// ```yaml
/// - { names: [bob], refuse: "not bob" }
/// - { names: [eve], at: accept, refuse: "not any more" }
/// - { names: [carol], require-approval: "a contractor" }
/// - { names: [dan], require-approval: "less, and not alone", narrow: { without: [r-admin] } }
/// - narrow: { without: [r-admin], lifetime: 1h, signed-in-only: true }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Rule {
    /// Whom it concerns, by the name as invited, without the user store; absent: everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// When it is asked.
    pub at: Moment,
    /// Says no, with these words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refuse: Option<String>,
    /// Wants somebody else's approval, with these words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_approval: Option<String>,
    /// Allows less than was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrow: Option<Narrow>,
    /// Says yes, and keeps later rules from being asked.
    pub allow: bool,
}

/// When a rule is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// When somebody is invited, and again when he accepts.
    #[default]
    Always,
    /// When somebody is invited.
    Invite,
    /// When somebody accepts.
    Accept,
}

/// What a rule takes away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Narrow {
    /// Ids of groups and roles that are not given.
    pub without: Vec<String>,
    /// The longest lifetime.
    pub lifetime: Option<HumanDuration>,
    /// The invitee has to sign in.
    pub signed_in_only: bool,
}

impl Rule {
    /// How many of its verdicts are given: one is right. Approval of less is one.
    #[must_use]
    pub fn verdicts(&self) -> usize {
        usize::from(self.refuse.is_some())
            + usize::from(self.require_approval.is_some())
            + usize::from(self.narrow.is_some() && self.require_approval.is_none())
            + usize::from(self.allow)
    }

    fn concerns(&self, moment: Moment, name: &str) -> bool {
        let plain = name.rsplit('/').next().unwrap_or(name);
        let named = |names: &Vec<String>| names.iter().any(|listed| same_name(listed, plain));
        (self.at == Moment::Always || self.at == moment) && self.names.as_ref().is_none_or(named)
    }

    fn verdict(&self, grants: &[Grant], lifetime: Option<u64>) -> Verdict {
        if let Some(reason) = &self.refuse {
            return Verdict::Refuse(reason.clone());
        }
        let narrowed = self.narrow.as_ref().map(|narrow| narrow.narrowed(grants, lifetime));
        if let Some(reason) = &self.require_approval {
            return Verdict::RequireApproval(Approval { reason: reason.clone(), narrowed });
        }
        narrowed.map_or(Verdict::Allow, Verdict::AllowWith)
    }
}

impl Narrow {
    fn narrowed(&self, grants: &[Grant], lifetime: Option<u64>) -> Narrowed {
        let narrow = self;
        let kept = (0u32..).zip(grants).filter(|(_, grant)| !narrow.without.contains(&grant.id));
        let shorter = narrow.lifetime.map(|most| lifetime.map_or(most.0, |asked| asked.min(most.0)));
        Narrowed {
            grants: kept.map(|(index, _)| index).collect(),
            lifetime: shorter,
            signed_in_only: narrow.signed_in_only,
        }
    }
}

fn not_to_be_seen() -> HostError {
    HostError::Denied("this call may not see that invitation".into())
}

impl Realm {
    fn verdict(
        &self,
        organization: &str,
        moment: Moment,
        name: &str,
        grants: &[Grant],
        lifetime: Option<u64>,
    ) -> Verdict {
        let rules = self.organization(organization).map(|place| place.policy.as_slice()).unwrap_or_default();
        let rule = rules.iter().find(|rule| rule.concerns(moment, name));
        rule.map_or(Verdict::Allow, |rule| rule.verdict(grants, lifetime))
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

    fn decide_invite(&self, call: &Call, facts: &InviteFacts) -> Result<Vec<Verdict>, HostError> {
        self.may_ask_about(call, facts)?;
        let (organization, grants) = (&facts.organization, &facts.grants);
        let names = facts.candidates.iter().map(|candidate| &candidate.name);
        Ok(names
            .map(|name| self.verdict(organization, Moment::Invite, name, grants, facts.lifetime))
            .collect())
    }

    fn decide_accept(&self, call: &Call, facts: &AcceptFacts) -> Result<Verdict, HostError> {
        let row = &facts.invitation;
        if !self.admits(call, &row.key) {
            return Err(not_to_be_seen());
        }
        bounds::grants(&row.grants)?;
        Ok(self.verdict(&row.key.organization, Moment::Accept, &row.name, &row.grants, row.lifetime))
    }
}

#[async_trait]
impl Policy for MemoryHost {
    async fn decide_invite(&self, call: &Call, facts: InviteFacts) -> Result<Vec<Verdict>, PolicyError> {
        let rules = self.judges().of(&facts.organization);
        let Some(judge) = rules.judge() else {
            return self.lock().decide_invite(call, &facts).map_err(PolicyError::Host);
        };
        let facts = {
            let realm = self.lock();
            realm.may_ask_about(call, &facts).map_err(PolicyError::Host)?;
            realm.facts_of_invite(facts)
        };
        self.judge_invite(call, judge, &facts).await
    }

    async fn decide_accept(&self, call: &Call, facts: AcceptFacts) -> Result<Verdict, PolicyError> {
        let rules = self.judges().of(&facts.invitation.key.organization);
        let Some(judge) = rules.judge() else {
            return self.lock().decide_accept(call, &facts).map_err(PolicyError::Host);
        };
        let facts = {
            let realm = self.lock();
            let row = realm.row(&facts.invitation.key).filter(|row| realm.admits(call, &row.invitation.key));
            row.and_then(|row| realm.facts_of_accept(row))
                .ok_or_else(|| PolicyError::Host(not_to_be_seen()))?
        };
        self.judge_accept(call, judge, &facts).await
    }
}
