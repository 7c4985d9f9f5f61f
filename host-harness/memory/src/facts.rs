//! The facts that a policy component judges by, as this host has them.

use guestlist_contract::{
    address_domain, policy,
    rules::{AcceptFacts, Candidate, Held, InviteFacts, Inviter, NamedGrant, Surroundings},
    types::{Grant, GrantKind, Principal, Subject, UserRef},
};

use super::realm::{Realm, StoredInvitation};

const DAY: u64 = 24 * 60 * 60 * 1000;

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

    /// Collects what the store knows of the invitation; `None` where nobody with an account is invited.
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
        let named = |kind: GrantKind| {
            let name = |id: &String| {
                let target = place.target(&Grant { kind, id: id.clone() });
                target.map_or(id, |target| &target.name).clone()
            };
            let ids = person.grants(kind).keys();
            ids.map(|id| Held { display_name: name(id), id: id.clone() }).collect()
        };
        (named(GrantKind::Group), named(GrantKind::Role))
    }

    /// A grant that is gone keeps its id as a name.
    fn named(&self, organization: &str, grants: Vec<Grant>) -> Vec<NamedGrant> {
        let place = self.organization(organization);
        let name = |grant: &Grant| Some(place?.target(grant)?.name.clone());
        let named =
            |grant: Grant| NamedGrant { display_name: name(&grant).unwrap_or(grant.id.clone()), grant };
        grants.into_iter().map(named).collect()
    }

    /// Shows somebody as the parent sees them; their address is where they are resident. `places` are the
    /// organization and its parent.
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
            address_domain: email.and_then(address_domain),
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
        let theirs =
            mails.filter(|mail| mail.organization == organization && mail.to == *to && mail.at > since);
        u32::try_from(theirs.count()).unwrap_or(u32::MAX)
    }
}
