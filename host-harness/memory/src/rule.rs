//! Rules of a scripted policy: what they say, and whom they concern.
//!
//! A rule is about accounts and about what is asked, never about how somebody was written: whoever is refused
//! by their user name is refused under their address as well.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::person::{Person, same_name};
use guestlist_contract::types::{Approval, Grant, GrantKind, Narrowed, UserRef, Verdict};
use guestlist_documents::HumanDuration;

/// One rule of a scripted policy. The first rule that concerns somebody decides about them; without one
/// they are allowed. A rule concerns somebody when each of its conditions holds; a list holds when one of
/// its members does.
///
/// ```yaml
/// - { names: [bob], refuse: "not bob" }
/// - { names: [u-eve], at: accept, refuse: "not any more" }
/// - { in-groups: [g-contractors], require-approval: "a contractor" }
/// - { names: [dan], require-approval: "less, and not alone", narrow: { without: [r-admin] } }
/// - { grants: ["role:r-admin"], inviter-in-roles: [r-owner], allow: true }
/// - { lifetime-over: 24h, refuse: "a day at most" }
/// - narrow: { without: [r-admin], lifetime: 1h, signed-in-only: true }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Rule {
    /// People whom it concerns: user names or ids in the parent organization, `STORE/NAME`, or
    /// `ORGANIZATION/ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Concerns whoever is in one of these groups of the parent organization, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_groups: Option<Vec<String>>,
    /// Concerns whoever has one of these roles of the parent organization, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_roles: Option<Vec<String>>,
    /// Concerns what somebody asks for who is in one of these groups of the organization, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inviter_in_groups: Option<Vec<String>>,
    /// Concerns what somebody asks for who has one of these roles of the organization, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inviter_in_roles: Option<Vec<String>>,
    /// Invitations that carry one of these, as `group:ID`, `role:ID`, or an id alone for both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<String>>,
    /// Invitations that are asked to be valid for longer than this, or for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime_over: Option<HumanDuration>,
    /// The moment at which it is asked.
    pub at: Moment,
    /// Tells whether those whom it names, and what it names, may come to be later; else a name that the world
    /// does not have is a mistake.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub later: bool,
    /// Says no, with these words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refuse: Option<String>,
    /// Wants somebody else's approval, with these words; with `narrow` of less than was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_approval: Option<String>,
    /// Allows less than was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrow: Option<Narrow>,
    /// Says yes, and keeps later rules from being asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow: bool,
}

/// The moments at which a rule is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Asked when somebody is invited, and again when they accept.
    #[default]
    Always,
    /// Asked when somebody is invited.
    Invite,
    /// Asked when somebody accepts.
    Accept,
}

/// The parts of an invitation that a rule takes away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Narrow {
    /// Groups and roles that are not given: `group:ID`, `role:ID`, or an id alone for both.
    pub without: Vec<String>,
    /// The longest lifetime.
    pub lifetime: Option<HumanDuration>,
    /// The invitee has to sign in.
    pub signed_in_only: bool,
}

/// The matter that a rule is asked about.
pub(super) struct Asked<'a> {
    pub(super) moment: Moment,
    /// The person who is or was invited, where that is somebody with an account.
    pub(super) account: Option<&'a UserRef>,
    /// Their account in the parent organization, and its id.
    pub(super) local: Option<(&'a str, &'a Person)>,
    /// The inviter in the organization.
    pub(super) inviter: Option<&'a Person>,
    pub(super) grants: &'a [Grant],
    /// Absent: for ever.
    pub(super) lifetime: Option<u64>,
}

impl Asked<'_> {
    fn is_called(&self, listed: &str) -> bool {
        let here = self.local.is_some_and(|(id, person)| is_called(id, person, listed));
        let anywhere = listed.split_once('/').is_some_and(|(place, id)| {
            self.account.is_some_and(|account| account.organization == place && account.id == id)
        });
        here || anywhere
    }
}

/// Tells whether somebody of an organization is meant by a name in a rule: by their id, by their user name in
/// whatever case, or by their user store and name. Never by an address, and a guest never by the name that they
/// have at home: others choose it.
pub(super) fn is_called(id: &str, person: &Person, listed: &str) -> bool {
    let in_store =
        |(store, name): (&str, &str)| same_name(&person.store, store) && same_name(&person.name, name);
    id == listed || same_name(&person.name, listed) || listed.split_once('/').is_some_and(in_store)
}

/// Tells whether a grant is meant by `group:ID`, `role:ID` or an id alone.
pub(super) fn is_meant(grant: &Grant, listed: &str) -> bool {
    let (kind, id) = which(listed);
    grant.id == id && kind.is_none_or(|kind| kind == grant.kind)
}

/// Reads what a name of a group or role says: which of the two, where it does, and the id.
pub fn which(listed: &str) -> (Option<GrantKind>, &str) {
    match listed.split_once(':') {
        Some(("group", id)) => (Some(GrantKind::Group), id),
        Some(("role", id)) => (Some(GrantKind::Role), id),
        _ => (None, listed),
    }
}

/// Tells whether one of a list holds; a list that is not there asks for nothing.
fn one_of(list: Option<&Vec<String>>, holds: impl Fn(&str) -> bool) -> bool {
    list.is_none_or(|list| list.iter().any(|one| holds(one)))
}

impl Rule {
    /// The number of verdicts that it gives: one is right. Approval of less is one.
    #[must_use]
    pub fn verdicts(&self) -> usize {
        usize::from(self.refuse.is_some())
            + usize::from(self.require_approval.is_some())
            + usize::from(self.narrow.is_some() && self.require_approval.is_none())
            + usize::from(self.allow)
    }

    pub(super) fn concerns(&self, asked: &Asked<'_>) -> bool {
        let local = asked.local.map(|(_, person)| person);
        let in_group =
            |person: Option<&Person>, id: &str| person.is_some_and(|person| person.groups.contains_key(id));
        let in_role =
            |person: Option<&Person>, id: &str| person.is_some_and(|person| person.roles.contains_key(id));
        let longer = |most: HumanDuration| asked.lifetime.is_none_or(|lifetime| lifetime > most.0);
        (self.at == Moment::Always || self.at == asked.moment)
            && one_of(self.names.as_ref(), |name| asked.is_called(name))
            && one_of(self.in_groups.as_ref(), |id| in_group(local, id))
            && one_of(self.in_roles.as_ref(), |id| in_role(local, id))
            && one_of(self.inviter_in_groups.as_ref(), |id| in_group(asked.inviter, id))
            && one_of(self.inviter_in_roles.as_ref(), |id| in_role(asked.inviter, id))
            && one_of(self.grants.as_ref(), |name| asked.grants.iter().any(|grant| is_meant(grant, name)))
            && self.lifetime_over.is_none_or(longer)
    }

    pub(super) fn verdict(&self, asked: &Asked<'_>) -> Verdict {
        if let Some(reason) = &self.refuse {
            return Verdict::Refuse(reason.clone());
        }
        let narrowed = self.narrow.as_ref().map(|narrow| narrow.narrowed(asked));
        if let Some(reason) = &self.require_approval {
            return Verdict::RequireApproval(Approval { reason: reason.clone(), narrowed });
        }
        narrowed.map_or(Verdict::Allow, Verdict::AllowWith)
    }
}

impl Narrow {
    fn narrowed(&self, asked: &Asked<'_>) -> Narrowed {
        let goes = |grant: &Grant| self.without.iter().any(|listed| is_meant(grant, listed));
        let kept = (0u32..).zip(asked.grants).filter(|(_, grant)| !goes(grant));
        let shorter = |most: HumanDuration| asked.lifetime.map_or(most.0, |lifetime| lifetime.min(most.0));
        Narrowed {
            grants: kept.map(|(index, _)| index).collect(),
            lifetime: self.lifetime.map(shorter),
            signed_in_only: self.signed_in_only,
        }
    }
}
