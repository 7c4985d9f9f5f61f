//! What somebody may do in an organization, and the roles that say so.
//!
//! It is what they may do directly and what their roles give them: those that they have by hand or by an
//! invitation, those of their groups, and those that an outside issuer vouches for at present.

use std::collections::{BTreeMap, BTreeSet};

use guestlist_contract::{
    audit::EventKind,
    rights::Rights,
    types::{Grant, GrantKind, Permissions, Principal, UserRef},
};

use super::{
    EventError, MemoryHost,
    audit::Of,
    events::{no_target, no_user},
    person::Person,
    realm::{Organization, Realm, Role},
};

type Done = Result<(), EventError>;

/// A group or a client that has a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assignee {
    /// A group of the organization, by its id.
    Group(String),
    /// A client, by its id.
    Client(String),
}

impl Assignee {
    /// The assignee as an event of the audit trail names it: `group:g-help`, `client:hr`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Group(id) => format!("group:{id}"),
            Self::Client(id) => format!("client:{id}"),
        }
    }
}

impl Organization {
    /// The rights that somebody has by their roles.
    fn rights_of(&self, person: &Person, now: u64) -> Rights {
        let leased = |role: &String| {
            person.leases.values().any(|roles| roles.get(role).is_some_and(|until| *until > now))
        };
        let has = |(id, role): &(&String, &Role)| {
            person.roles.contains_key(*id)
                || leased(id)
                || role.groups.iter().any(|group| person.groups.contains_key(group))
        };
        self.roles.iter().filter(has).map(|(_, role)| role.rights).collect()
    }

    /// The rights that a group or role gives to whoever has it.
    pub(super) fn rights_given_by(&self, grant: &Grant) -> Rights {
        let gives = |(id, role): &(&String, &Role)| match grant.kind {
            GrantKind::Role => **id == grant.id,
            GrantKind::Group => role.groups.contains(&grant.id),
        };
        self.roles.iter().filter(gives).map(|(_, role)| role.rights).collect()
    }

    /// The accounts that may approve by a role.
    pub(super) fn approvers_by_role(&self, now: u64) -> Vec<UserRef> {
        let approve = Rights::from(Permissions::APPROVE);
        if !self.roles.values().any(|role| role.rights.contains(approve)) {
            return Vec::new();
        }
        let may = |person: &&Person| self.rights_of(person, now).contains(approve);
        self.people.values().filter(may).map(|person| person.account.clone()).collect()
    }
}

impl Realm {
    /// The rights of `who` in an organization now; `None` when they have no access to it.
    #[must_use]
    pub fn rights(&self, organization: &str, who: &Principal) -> Option<Rights> {
        let place = self.organization(organization)?;
        let entitled = place.permissions.iter().find(|entry| entry.who == *who);
        let direct = entitled.map(|entry| Rights::from(entry.permissions));
        let with = |others: Option<Rights>| [direct, others].into_iter().flatten().reduce(Rights::union);
        match who {
            Principal::Anonymous => None,
            Principal::System => Some(Rights::empty()),
            Principal::Client(id) => {
                let roles = place.roles.values().filter(|role| role.clients.contains(id));
                with(roles.map(|role| role.rights).reduce(Rights::union))
            }
            Principal::User(account) => {
                let local = place.person(account).map(|(_, person)| person);
                let works = self.resident(account).is_some_and(|resident| resident.active)
                    && local.is_none_or(|person| person.active);
                with(local.map(|person| place.rights_of(person, self.clock.store()))).filter(|_| works)
            }
        }
    }

    /// The permissions of `who` in an organization now; `None` when they have no access to it.
    pub(super) fn standing(&self, organization: &str, who: &Principal) -> Option<Permissions> {
        Some(self.rights(organization, who)?.permissions)
    }
}

impl MemoryHost {
    /// The rights of `who` in an organization now; `None` when they have no access to it.
    #[must_use]
    pub fn rights(&self, organization: &str, who: &Principal) -> Option<Rights> {
        self.lock().rights(organization, who)
    }

    fn change_role(
        &self,
        organization: &str,
        (kind, of): (EventKind, &Of<'_>),
        role: &str,
        change: impl FnOnce(&mut Role, &BTreeSet<String>) -> Done,
    ) -> Done {
        self.happen(organization, kind, of, |place| {
            let groups = place.groups.keys().cloned().collect();
            let known = place.roles.get_mut(role).ok_or_else(|| no_target(organization, role))?;
            change(known, &groups)
        })
    }

    /// Sets what those who have a role may do.
    pub fn set_role_rights(&self, organization: &str, role: &str, rights: Rights) -> Done {
        let grant = named(role);
        self.change_role(
            organization,
            (EventKind::WorldRoleRightsSet, &Of::grant(&grant)),
            role,
            |known, _| {
                known.rights = rights;
                Ok(())
            },
        )
    }

    /// Gives a group or a client a role. That it has it already is no error.
    pub fn assign_role(&self, organization: &str, role: &str, to: &Assignee) -> Done {
        let (grant, name) = (named(role), to.name());
        let of = Of { about: Some(&name), ..Of::grant(&grant) };
        self.change_role(organization, (EventKind::WorldRoleAssigned, &of), role, |known, groups| {
            match to {
                Assignee::Group(id) if !groups.contains(id) => return Err(no_target(organization, id)),
                Assignee::Group(id) => known.groups.insert(id.clone()),
                Assignee::Client(id) if id.is_empty() || id.len() > 255 => {
                    return Err(EventError::Impossible("the id of a client has 1 to 255 bytes".into()));
                }
                Assignee::Client(id) => known.clients.insert(id.clone()),
            };
            Ok(())
        })
    }

    /// Takes a role away from a group or a client.
    pub fn unassign_role(&self, organization: &str, role: &str, from: &Assignee) -> Done {
        let (grant, name) = (named(role), from.name());
        let of = Of { about: Some(&name), ..Of::grant(&grant) };
        self.change_role(organization, (EventKind::WorldRoleUnassigned, &of), role, |known, _| {
            let (had, id) = match from {
                Assignee::Group(id) => (known.groups.remove(id), id),
                Assignee::Client(id) => (known.clients.remove(id), id),
            };
            if had { Ok(()) } else { Err(no_target(organization, id)) }
        })
    }

    /// Lets somebody have these roles until an instant, by the word of an issuer, and none of those that the
    /// same issuer gave them before.
    pub fn lease_roles(
        &self,
        organization: &str,
        account: &UserRef,
        issuer: &str,
        roles: &[String],
        until: u64,
    ) -> Done {
        let of = Of { about: Some(issuer), ..Of::user(account) };
        let kind = if roles.is_empty() { EventKind::WorldLeasesEnded } else { EventKind::WorldRolesLeased };
        self.happen(organization, kind, &of, |place| {
            if let Some(missing) = roles.iter().find(|role| !place.roles.contains_key(*role)) {
                return Err(no_target(organization, missing));
            }
            let leased: BTreeMap<_, _> = roles.iter().map(|role| (role.clone(), until)).collect();
            let id = place.person(account).map(|(id, _)| id.clone());
            let changed = id.and_then(|id| {
                place.people.change(&id, |person| match leased.is_empty() {
                    true => person.leases.remove(issuer),
                    false => person.leases.insert(issuer.to_owned(), leased),
                })
            });
            changed.map(drop).ok_or_else(|| no_user(organization, &account.id))
        })
    }

    /// Ends what an issuer has given somebody.
    pub fn end_leases(&self, organization: &str, account: &UserRef, issuer: &str) -> Done {
        self.lease_roles(organization, account, issuer, &[], 0)
    }
}

fn named(role: &str) -> Grant {
    Grant { kind: GrantKind::Role, id: role.to_owned() }
}
