//! Members, groups and roles, each step of an invitation at most once.
//!
//! The log of applied steps never forgets: a membership that an administrator takes away leaves its
//! step in the log, so that an accept which is still running, or is repeated, cannot bring it back.

use std::collections::{BTreeMap, btree_map::Entry};

use async_trait::async_trait;

use super::{
    MemoryHost,
    audit::Of,
    person::Person,
    realm::{Organization, Realm, Target},
};
use guestlist_contract::{
    audit::EventKind,
    bounds,
    host::{Call, Membership},
    lookup::DEFAULT_STORE,
    membership::{Eligibility, Resolved},
    types::{
        Grant, HostError, InvitationKey, Permissions, Principal, State, Step, StepOutcome, StepResult,
        Subject, UserRef,
    },
};

/// The invitation and the person that steps are applied for.
struct Applying<'a> {
    call: &'a Call,
    organization: &'a str,
    invitation: &'a str,
    user: &'a UserRef,
}

fn not_that_invitation() -> HostError {
    HostError::Denied("this call may not apply anything for that invitation".into())
}

impl Realm {
    fn resolve(
        &self,
        call: &Call,
        organization: &str,
        inviter: &Principal,
        grants: &[Grant],
    ) -> Result<Vec<Option<Resolved>>, HostError> {
        self.concerns(call, organization)?;
        bounds::grants(grants)?;
        let rights = self.rights(organization, inviter).unwrap_or_default();
        let resolved = |grant: &Grant| {
            let place = self.organization(organization)?;
            let target = place.target(grant)?;
            let listed = target.grantable_by.as_ref().is_none_or(|givers| givers.contains(inviter));
            // INVARIANT: nobody lets others do what they may not do themselves.
            let grantable = listed
                && rights.contains(Permissions::INVITE.into())
                && rights.contains(place.rights_given_by(grant));
            Some(Resolved { display_name: target.name.clone(), grantable })
        };
        Ok(grants.iter().map(resolved).collect())
    }

    fn eligible(
        &self,
        call: &Call,
        organization: &str,
        users: &[UserRef],
        grants: &[Grant],
    ) -> Result<Vec<Eligibility>, HostError> {
        self.concerns(call, organization)?;
        bounds::count("users", users.len(), 100)?;
        bounds::grants(grants)?;
        let place = self.organization(organization);
        let eligibility = |user: &UserRef| Eligibility {
            member: place.is_some_and(|place| place.person(user).is_some()),
            name_taken: place.is_some_and(|place| self.is_name_taken(place, user)),
            address_allowed: place.is_some_and(|place| self.has_allowed_address(place, user)),
            withheld: (0u32..)
                .zip(grants)
                .filter(|(_, grant)| !place.is_some_and(|place| self.may_receive(place, user, grant)))
                .map(|(index, _)| index)
                .collect(),
        };
        Ok(users.iter().map(eligibility).collect())
    }

    /// Tells whether somebody else has the user name that this one would get.
    fn is_name_taken(&self, place: &Organization, user: &UserRef) -> bool {
        let name = self.resident(user).map(|resident| resident.name.as_str());
        place.person(user).is_none() && name.is_some_and(|name| place.people.named(name).next().is_some())
    }

    /// Tells whether the address is allowed; somebody without one has none that is.
    fn has_allowed_address(&self, place: &Organization, user: &UserRef) -> bool {
        let Some(domains) = &place.address_domains else { return true };
        let address = self.resident(user).and_then(|resident| resident.email.as_deref());
        address.is_some_and(|address| domains.allow(address))
    }

    /// A group or role that does not exist is nobody's to withhold: `resolve` reports it.
    fn may_receive(&self, place: &Organization, user: &UserRef, grant: &Grant) -> bool {
        let Some(Target { receivable_by: Some(roles), .. }) = place.target(grant) else { return true };
        let parent = place.parent.as_deref().and_then(|parent| self.organization(parent));
        let person = parent.and_then(|parent| parent.person(user));
        person.is_some_and(|(_, person)| roles.iter().any(|role| person.roles.contains_key(role)))
    }

    fn apply(&mut self, applying: &Applying<'_>, steps: &[Step]) -> Result<Vec<StepOutcome>, HostError> {
        bounds::count("steps", steps.len(), bounds::GRANTS + 1)?;
        let Applying { call, organization, invitation, user } = applying;
        let key = InvitationKey { organization: (*organization).to_owned(), id: (*invitation).to_owned() };
        let row = self.row(&key).filter(|row| self.admits(call, &key) && row.is_for(user));
        let state = row.ok_or_else(not_that_invitation)?.invitation.state;
        let tenant = self.tenants.get(*organization);
        let log = tenant.and_then(|tenant| tenant.applied.get(*invitation));
        // Somebody whose claim was taken over must learn that it is closed, also when the invitation
        // has come to its end meanwhile.
        if log.is_some_and(|log| log.closed) {
            return Ok(steps.iter().map(|_| StepOutcome::Closed).collect());
        }
        if state != State::Accepting {
            return Err(not_that_invitation());
        }
        Ok(steps.iter().map(|step| self.apply_step(applying, step)).collect())
    }

    fn apply_step(&mut self, applying: &Applying<'_>, step: &Step) -> StepOutcome {
        let Applying { call, organization, invitation, user } = applying;
        if self.is_logged(organization, invitation, step) {
            return match self.is_there(organization, invitation, user, step) {
                true => StepOutcome::AlreadyApplied,
                false => StepOutcome::WasRemoved,
            };
        }
        let outcome = match step {
            Step::Member => self.add_member(organization, Some(invitation), user),
            Step::Grant(grant) => self.add_grant(applying, grant),
        };
        if matches!(outcome, StepOutcome::Applied) {
            let tenant = self.tenants.entry((*organization).to_owned()).or_default();
            tenant.applied.entry((*invitation).to_owned()).or_default().steps.push(step.clone());
            let (kind, grant) = match step {
                Step::Member => (EventKind::MemberAdded, None),
                Step::Grant(grant) => (EventKind::GrantAdded, Some(grant)),
            };
            let of = Of { invitation: Some(invitation), subject: Some(user), grant, ..Of::default() };
            self.note(call, Some(organization), kind, &of);
        }
        outcome
    }

    fn is_logged(&self, organization: &str, invitation: &str, step: &Step) -> bool {
        let log = self.tenants.get(organization).and_then(|tenant| tenant.applied.get(invitation));
        log.is_some_and(|log| log.steps.contains(step))
    }

    /// The effect that this invitation had is still in force. The same membership or grant, given
    /// anew by another way, is another effect.
    fn is_there(&self, organization: &str, invitation: &str, user: &UserRef, step: &Step) -> bool {
        let person = self.organization(organization).and_then(|place| place.person(user));
        let owed_to = |owed: &Option<String>| owed.as_deref() == Some(invitation);
        person.is_some_and(|(_, person)| match step {
            Step::Member => owed_to(&person.invitation),
            Step::Grant(grant) => person.grants(grant.kind).get(&grant.id).is_some_and(owed_to),
        })
    }

    /// Makes somebody a member, with the user name that they have where they are resident.
    pub(super) fn add_member(
        &mut self,
        organization: &str,
        invitation: Option<&str>,
        user: &UserRef,
    ) -> StepOutcome {
        let Some(name) = self.resident(user).map(|resident| resident.name.clone()) else {
            return StepOutcome::NoSuchTarget;
        };
        let Some(place) = self.organizations.get_mut(organization).filter(|place| !place.deleted) else {
            return StepOutcome::NoSuchTarget;
        };
        if place.person(user).is_some() {
            return StepOutcome::AlreadyPresent;
        }
        if place.people.named(&name).next().is_some() {
            return StepOutcome::NameTaken;
        }
        let id = place.new_guest_id();
        let person = Person {
            name,
            store: DEFAULT_STORE.to_owned(),
            email: None,
            active: true,
            account: user.clone(),
            groups: BTreeMap::new(),
            roles: BTreeMap::new(),
            leases: BTreeMap::new(),
            invitation: invitation.map(str::to_owned),
        };
        place.people.insert(id, person);
        StepOutcome::Applied
    }

    fn add_grant(&mut self, applying: &Applying<'_>, grant: &Grant) -> StepOutcome {
        let Applying { organization, invitation, user, .. } = applying;
        let place = self.organizations.get(*organization).filter(|place| !place.deleted);
        if place.is_none_or(|place| place.target(grant).is_none()) {
            return StepOutcome::NoSuchTarget;
        }
        // INVARIANT: what an administrator has removed comes back only by a new invitation. Where the
        // membership that THIS invitation gave was taken away, a later membership is not its own, and
        // nothing is added to it.
        let removed = self.is_logged(organization, invitation, &Step::Member)
            && !self.is_there(organization, invitation, user, &Step::Member);
        let place = self.organizations.get_mut(*organization).filter(|_| !removed);
        let give = |grants: &mut BTreeMap<_, _>| match grants.entry(grant.id.clone()) {
            Entry::Occupied(_) => StepOutcome::AlreadyPresent,
            Entry::Vacant(free) => {
                free.insert(Some((*invitation).to_owned()));
                StepOutcome::Applied
            }
        };
        let given = place.and_then(|place| place.change_grants(user, grant.kind, give));
        given.unwrap_or(StepOutcome::NotAMember)
    }

    /// Closes accepts of somebody who was a member by another way and is none any more: what has been claimed
    /// for them before is not applied after. Where the accept itself had made them a member its log says so
    /// already.
    pub(super) fn close_accepts_of(&mut self, organization: &str, account: &UserRef) {
        let Some(tenant) = self.tenants.get_mut(organization) else { return };
        let claimed = tenant.of_subject(account).filter(|row| row.invitation.state == State::Accepting);
        let ids: Vec<_> = claimed.map(|row| row.invitation.key.id.clone()).collect();
        for id in ids {
            let log = tenant.applied.entry(id).or_default();
            log.closed |= !log.steps.contains(&Step::Member);
        }
    }

    fn close(
        &mut self,
        call: &Call,
        organization: &str,
        invitation: &str,
    ) -> Result<Vec<StepResult>, HostError> {
        let key = InvitationKey { organization: organization.to_owned(), id: invitation.to_owned() };
        let row = self.row(&key).filter(|_| self.admits(call, &key)).ok_or_else(not_that_invitation)?;
        let Subject::User(user) = row.invitation.subject.clone() else { return Err(not_that_invitation()) };
        let tenant = self.tenants.entry(key.organization).or_default();
        let log = tenant.applied.entry(key.id).or_default();
        let newly = !std::mem::replace(&mut log.closed, true);
        let steps = log.steps.clone();
        if newly {
            let of = Of { invitation: Some(invitation), subject: Some(&user), ..Of::default() };
            self.note(call, Some(organization), EventKind::MemberClosed, &of);
        }
        let result = |step: Step| StepResult {
            outcome: match self.is_there(organization, invitation, &user, &step) {
                true => StepOutcome::Applied,
                false => StepOutcome::WasRemoved,
            },
            step,
        };
        Ok(steps.into_iter().map(result).collect())
    }
}

impl Organization {
    /// A local id that nobody has or had.
    fn new_guest_id(&self) -> String {
        let id = |number: u64| format!("guest-{number}");
        let is_free = |number| !self.people.contains_key(&id(number)) && !self.spent.contains(&id(number));
        // Ids are given in order, so what is taken comes before what is free: not each has to be looked at.
        let (mut taken, mut free) = (0, 1);
        while !is_free(free) {
            (taken, free) = (free, free.saturating_mul(2));
        }
        while free - taken > 1 {
            let middle = taken + (free - taken) / 2;
            if is_free(middle) { free = middle } else { taken = middle }
        }
        id(free)
    }
}

#[async_trait]
impl Membership for MemoryHost {
    async fn resolve(
        &self,
        call: &Call,
        organization: String,
        inviter: Principal,
        grants: Vec<Grant>,
    ) -> Result<Vec<Option<Resolved>>, HostError> {
        self.lock().resolve(call, &organization, &inviter, &grants)
    }

    async fn eligible(
        &self,
        call: &Call,
        organization: String,
        users: Vec<UserRef>,
        grants: Vec<Grant>,
    ) -> Result<Vec<Eligibility>, HostError> {
        self.lock().eligible(call, &organization, &users, &grants)
    }

    async fn apply(
        &self,
        call: &Call,
        organization: String,
        invitation: String,
        user: UserRef,
        steps: Vec<Step>,
    ) -> Result<Vec<StepOutcome>, HostError> {
        let applying = Applying { call, organization: &organization, invitation: &invitation, user: &user };
        self.lock().apply(&applying, &steps)
    }

    async fn close(
        &self,
        call: &Call,
        organization: String,
        invitation: String,
    ) -> Result<Vec<StepResult>, HostError> {
        self.lock().close(call, &organization, &invitation)
    }
}
