//! Lets things happen that happen in life while an invitation is under way.
//!
//! Accounts are disabled, groups vanish, administrators lose their rights. Each of these is one atomic
//! change of the world with its audit event, by the host itself and outside of any call.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    MailMode, MemoryHost, Rule, SettingsPatch,
    audit::Of,
    person::Person,
    realm::{Entitled, Organization, Realm, Role, Target},
    settings::judge,
};
use guestlist_contract::{
    audit::EventKind,
    lookup::{DEFAULT_STORE, new_store_name, store_name},
    settings::Values,
    types::{Grant, GrantKind, Permissions, Principal, StepOutcome, UserRef},
};

/// The reason why something cannot happen to this world. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The organization does not exist (any more).
    #[error("there is no organization `{0}`")]
    NoOrganization(String),
    /// The organization has no user of that id or account.
    #[error("organization `{organization}` has no user `{user}`")]
    NoUser {
        /// The organization in which they were looked for.
        organization: String,
        /// Their id.
        user: String,
    },
    /// The organization has no such group or role.
    #[error("organization `{organization}` has no group or role `{id}`")]
    NoTarget {
        /// The organization in which it was looked for.
        organization: String,
        /// Its id.
        id: String,
    },
    /// The world does not allow it.
    #[error("{0}")]
    Impossible(String),
}

/// A person who gets an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NewUser {
    /// Their id: one that nobody has or had in the organization.
    pub id: String,
    /// Their user name.
    pub name: String,
    /// The user store, in whatever letter case; absent: `PRIMARY`.
    #[serde(default)]
    pub store: Option<String>,
    /// A verified address. It has no control characters; what is no address for another reason
    /// ([`address_domain`](guestlist_contract::address_domain)) is as none.
    #[serde(default)]
    pub email: Option<String>,
}

impl NewUser {
    /// The person's user store, in its one spelling.
    ///
    /// # Errors
    /// The name of the store, or the address, is one that nothing may have.
    pub fn checked_store(&self) -> Result<String, EventError> {
        self.email.as_deref().map_or(Ok(()), check_address)?;
        new_store_name(self.store.as_deref().unwrap_or(DEFAULT_STORE)).map_err(EventError::Impossible)
    }
}

type Done = Result<(), EventError>;

impl Realm {
    fn living(&mut self, organization: &str) -> Result<&mut Organization, EventError> {
        self.organizations
            .get_mut(organization)
            .filter(|place| !place.deleted)
            .ok_or_else(|| EventError::NoOrganization(organization.to_owned()))
    }

    /// Takes out all guests whose account there is no more: those of one account, or of a whole organization.
    /// A name that such a guest kept would be nobody's, for ever.
    fn remove_guests_of(&mut self, home: &str, account: Option<&str>) {
        let mut gone = Vec::new();
        for (id, place) in &mut self.organizations {
            // A deleted organization is an archive.
            if id == home || place.deleted || !place.people.homes().any(|known| known == home) {
                continue;
            }
            let locals: Vec<String> = match account {
                Some(account) => {
                    let person = place.person(&local(home, account));
                    person.map(|(local, _)| local.clone()).into_iter().collect()
                }
                None => {
                    let resident = |(_, person): &(&String, &Person)| person.account.organization == home;
                    place.people.iter().filter(resident).map(|(local, _)| local.clone()).collect()
                }
            };
            for local in locals {
                if let Some(person) = place.people.remove(&local) {
                    place.spent.insert(local);
                    gone.push((id.clone(), person.account.id));
                }
            }
        }
        gone.sort_unstable();
        for (place, account) in gone {
            self.note_world(&place, EventKind::WorldMemberRemoved, &Of::user(&local(home, &account)));
        }
    }
}

impl Organization {
    fn target_mut(&mut self, grant: &Grant) -> Option<&mut Target> {
        match grant.kind {
            GrantKind::Group => self.groups.get_mut(&grant.id),
            GrantKind::Role => self.roles.get_mut(&grant.id).map(|role| &mut role.target),
        }
    }

    /// Takes a group or role out; nobody has it any more.
    fn remove_target(&mut self, grant: &Grant) -> bool {
        let (kind, id) = (grant.kind, &grant.id);
        let was_there = match kind {
            GrantKind::Group => self.groups.remove(id).is_some(),
            GrantKind::Role => self.roles.remove(id).is_some(),
        };
        if kind == GrantKind::Group {
            self.roles.values_mut().for_each(|role| role.groups.retain(|group| group != id));
        }
        let is_leased = |person: &Person| person.leases.values().any(|roles| roles.contains_key(id));
        let has = |(_, person): &(&String, &Person)| {
            person.grants(kind).contains_key(id) || (kind == GrantKind::Role && is_leased(person))
        };
        let having: Vec<_> = self.people.iter().filter(has).map(|(local, _)| local.clone()).collect();
        for local in having {
            self.people.change(&local, |person| {
                person.grants_mut(kind).remove(id);
                if kind == GrantKind::Role {
                    person.leases.values_mut().for_each(|roles| roles.retain(|role, _| role != id));
                    person.leases.retain(|_, roles| !roles.is_empty());
                }
            });
        }
        was_there
    }
}

pub(super) fn no_user(organization: &str, user: &str) -> EventError {
    EventError::NoUser { organization: organization.to_owned(), user: user.to_owned() }
}

impl MemoryHost {
    /// One change of one organization, and its event.
    pub(super) fn happen(
        &self,
        organization: &str,
        kind: EventKind,
        of: &Of<'_>,
        change: impl FnOnce(&mut Organization) -> Done,
    ) -> Done {
        let mut realm = self.lock();
        change(realm.living(organization)?)?;
        realm.note_world(organization, kind, of);
        Ok(())
    }

    /// Lets time pass.
    pub fn advance(&self, milliseconds: u64) {
        self.lock().clock.advance(milliseconds);
    }

    /// Sets the machine's clock, also back. The store's clock does not follow it back.
    pub fn set_clock(&self, instant: u64) {
        self.lock().clock.set(instant);
    }

    /// Disables or enables a local account; that of a resident counts wherever they are a guest.
    pub fn set_user_active(&self, organization: &str, id: &str, active: bool) -> Done {
        let event = if active { EventKind::WorldUserEnabled } else { EventKind::WorldUserDisabled };
        self.happen(organization, event, &Of::user(&local(organization, id)), |place| {
            let changed = place.people.change(id, |person| person.active = active);
            changed.ok_or_else(|| no_user(organization, id))
        })
    }

    /// Deletes a local account. That of a resident is gone wherever they are a guest, too: they are no
    /// member there any more, and their name is free. Its id is spent.
    pub fn remove_user(&self, organization: &str, id: &str) -> Done {
        let mut realm = self.lock();
        let place = realm.living(organization)?;
        let person = place.people.remove(id).ok_or_else(|| no_user(organization, id))?;
        place.spent.insert(id.to_owned());
        realm.note_world(organization, EventKind::WorldUserRemoved, &Of::user(&local(organization, id)));
        if person.account.organization == organization {
            realm.remove_guests_of(organization, Some(id));
        }
        Ok(())
    }

    /// Makes an account for a resident. A name that is free again may be used again, an id may not.
    pub fn add_user(&self, organization: &str, user: NewUser) -> Done {
        let account = local(organization, &user.id);
        self.happen(organization, EventKind::WorldUserAdded, &Of::user(&account), |place| {
            let store = user.checked_store()?;
            let NewUser { id, name, email, .. } = user;
            if place.people.contains_key(&id) || place.spent.contains(&id) {
                return Err(EventError::Impossible(format!("user id `{id}` is or was somebody else's")));
            }
            if place.people.named(&name).next().is_some() {
                return Err(EventError::Impossible(format!("user name `{name}` is taken")));
            }
            place.stores.insert(store.clone());
            let account = local(organization, &id);
            let (groups, roles, leases) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
            let (active, invitation) = (true, None);
            let person = Person { name, store, email, active, account, groups, roles, leases, invitation };
            place.people.insert(id, person);
            Ok(())
        })
    }

    /// Gives a resident another user name. Whoever they are a guest with knows them by the old one.
    pub fn rename_user(&self, organization: &str, id: &str, name: &str) -> Done {
        self.happen(organization, EventKind::WorldUserRenamed, &Of::user(&local(organization, id)), |place| {
            if place.people.named(name).any(|(other, _)| other != id) {
                return Err(EventError::Impossible(format!("user name `{name}` is taken")));
            }
            let renamed = place.people.change(id, |person| name.clone_into(&mut person.name));
            renamed.ok_or_else(|| no_user(organization, id))
        })
    }

    /// Gives a resident another verified address, or none. The codes of their pending invitations die in the
    /// same commit, because whoever reads the old mailbox has them; a resend sends another.
    pub fn set_email(&self, organization: &str, id: &str, email: Option<&str>) -> Done {
        if let Some(email) = email.filter(|email| email.contains(char::is_control)) {
            let text = format!("the address `{}` has control characters", email.escape_debug());
            return Err(EventError::Impossible(text));
        }
        let account = local(organization, id);
        let mut realm = self.lock();
        let place = realm.living(organization)?;
        if place.people.get(id).is_none_or(|person| person.account != account) {
            return Err(no_user(organization, id));
        }
        let new = email.map(str::to_owned);
        let before = place.people.change(id, |person| std::mem::replace(&mut person.email, new)).flatten();
        realm.note_world(organization, EventKind::WorldEmailChanged, &Of::user(&account));
        if before.as_deref() != email {
            realm.kill_codes_of(&account);
        }
        Ok(())
    }

    /// Moves a resident to another user store of the organization, named in whatever letter case.
    pub fn set_user_store(&self, organization: &str, id: &str, store: &str) -> Done {
        let user = local(organization, id);
        self.happen(organization, EventKind::WorldUserMoved, &Of::user(&user), |place| {
            let known = store_name(store);
            if !place.stores.contains(&known) {
                return Err(no_store(organization, &known, &place.stores));
            }
            let name = &place.people.get(id).ok_or_else(|| no_user(organization, id))?.name;
            if place.people.named(name).any(|(other, person)| other != id && person.store == known) {
                return Err(EventError::Impossible(format!("user name `{name}` is taken in `{known}`")));
            }
            let moved = place.people.change(id, |person| person.store = known);
            moved.ok_or_else(|| no_user(organization, id))
        })
    }

    /// Makes somebody a member by hand, without any invitation.
    pub fn add_member(&self, organization: &str, account: &UserRef) -> Done {
        let mut realm = self.lock();
        realm.living(organization)?;
        match realm.add_member(organization, None, account) {
            StepOutcome::Applied => {
                realm.note_world(organization, EventKind::WorldMemberAdded, &Of::user(account));
                Ok(())
            }
            StepOutcome::NameTaken => Err(EventError::Impossible("the user name is taken".into())),
            StepOutcome::AlreadyPresent => Err(EventError::Impossible("he is a member".into())),
            _ => Err(no_user(&account.organization, &account.id)),
        }
    }

    /// Takes a guest's membership away, with their groups and roles. An accept that is under way and has not
    /// made them a member yet is closed: it must not bring back who was just removed.
    pub fn remove_member(&self, organization: &str, account: &UserRef) -> Done {
        let mut realm = self.lock();
        let place = realm.living(organization)?;
        let id = place.person(account).map(|(id, _)| id.clone());
        let id = id.filter(|_| account.organization != organization);
        let id = id.ok_or_else(|| no_user(organization, &account.id))?;
        place.people.remove(&id);
        place.spent.insert(id);
        realm.note_world(organization, EventKind::WorldMemberRemoved, &Of::user(account));
        realm.close_accepts_of(organization, account);
        Ok(())
    }

    /// Gives a group or role by hand.
    pub fn add_grant(&self, organization: &str, account: &UserRef, grant: &Grant) -> Done {
        let of = Of { subject: Some(account), ..Of::grant(grant) };
        self.happen(organization, EventKind::WorldGrantAdded, &of, |place| {
            let missing = || no_target(organization, &grant.id);
            place.target(grant).ok_or_else(missing)?;
            let give = |grants: &mut BTreeMap<String, _>| {
                grants.entry(grant.id.clone()).or_insert(None);
            };
            place.change_grants(account, grant.kind, give).ok_or_else(|| no_user(organization, &account.id))
        })
    }

    /// Takes a group or role away from somebody.
    pub fn remove_grant(&self, organization: &str, account: &UserRef, grant: &Grant) -> Done {
        let of = Of { subject: Some(account), ..Of::grant(grant) };
        self.happen(organization, EventKind::WorldGrantRemoved, &of, |place| {
            let taken = place.change_grants(account, grant.kind, |grants| grants.remove(&grant.id));
            let taken = taken.ok_or_else(|| no_user(organization, &account.id))?;
            taken.map(|_| ()).ok_or_else(|| no_target(organization, &grant.id))
        })
    }

    /// Makes a group that nobody is in, which everybody who may invite may give and everybody may receive.
    pub fn create_group(&self, organization: &str, id: &str, name: &str) -> Done {
        self.create_target(organization, GrantKind::Group, id, name)
    }

    /// Makes a role that nobody has, which everybody who may invite may give and everybody may receive.
    pub fn create_role(&self, organization: &str, id: &str, name: &str) -> Done {
        self.create_target(organization, GrantKind::Role, id, name)
    }

    fn create_target(&self, organization: &str, kind: GrantKind, id: &str, name: &str) -> Done {
        let event = match kind {
            GrantKind::Group => EventKind::WorldGroupCreated,
            GrantKind::Role => EventKind::WorldRoleCreated,
        };
        let grant = Grant { kind, id: id.to_owned() };
        self.happen(organization, event, &Of::grant(&grant), |place| {
            if id.is_empty() || id.len() > 255 {
                return Err(EventError::Impossible("an id has 1 to 255 bytes".into()));
            }
            if place.target(&grant).is_some() {
                return Err(EventError::Impossible(format!(
                    "organization `{organization}` has `{id}` already"
                )));
            }
            let target = Target { name: name.to_owned(), ..Target::default() };
            match kind {
                GrantKind::Group => drop(place.groups.insert(id.to_owned(), target)),
                GrantKind::Role => {
                    place.roles.insert(id.to_owned(), Role { target, ..Role::default() });
                }
            }
            Ok(())
        })
    }

    /// Gives a group or role another name.
    pub fn rename_target(&self, organization: &str, grant: &Grant, name: &str) -> Done {
        let event = match grant.kind {
            GrantKind::Group => EventKind::WorldGroupRenamed,
            GrantKind::Role => EventKind::WorldRoleRenamed,
        };
        self.happen(organization, event, &Of::grant(grant), |place| {
            place.target_mut(grant).ok_or_else(|| no_target(organization, &grant.id))?.name = name.to_owned();
            Ok(())
        })
    }

    /// Deletes a group.
    pub fn delete_group(&self, organization: &str, id: &str) -> Done {
        self.delete_target(organization, GrantKind::Group, id)
    }

    /// Deletes a role.
    pub fn delete_role(&self, organization: &str, id: &str) -> Done {
        self.delete_target(organization, GrantKind::Role, id)
    }

    fn delete_target(&self, organization: &str, kind: GrantKind, id: &str) -> Done {
        let (event, missing) = match kind {
            GrantKind::Group => (EventKind::WorldGroupDeleted, no_target(organization, id)),
            GrantKind::Role => (EventKind::WorldRoleDeleted, no_target(organization, id)),
        };
        let grant = Grant { kind, id: id.to_owned() };
        self.happen(organization, event, &Of::grant(&grant), |place| {
            if place.remove_target(&grant) { Ok(()) } else { Err(missing) }
        })
    }

    /// Makes an organization with default settings and the user store `PRIMARY`, below another or as a root.
    /// An id that an organization has or had cannot be given again.
    pub fn create_organization(&self, id: &str, name: &str, parent: Option<&str>) -> Done {
        let mut realm = self.lock();
        if id.is_empty() || id.len() > 255 {
            return Err(EventError::Impossible("an id has 1 to 255 bytes".into()));
        }
        if realm.organizations.contains_key(id) {
            return Err(EventError::Impossible(format!("organization id `{id}` is or was another's")));
        }
        if let Some(parent) = parent {
            realm.living(parent)?;
        }
        let organization = Organization::new(name.to_owned(), parent.map(str::to_owned));
        realm.organizations.insert(id.to_owned(), organization);
        realm.note_world(id, EventKind::WorldOrganizationCreated, &Of::default());
        Ok(())
    }

    /// Suspends an organization or lets it work again.
    pub fn set_organization_active(&self, organization: &str, active: bool) -> Done {
        let event =
            if active { EventKind::WorldOrganizationEnabled } else { EventKind::WorldOrganizationDisabled };
        self.happen(organization, event, &Of::default(), |place| {
            place.active = active;
            Ok(())
        })
    }

    /// Gives an organization another parent, or none.
    pub fn move_organization(&self, organization: &str, parent: Option<&str>) -> Done {
        let mut realm = self.lock();
        realm.living(organization)?;
        let mut above = parent.map(str::to_owned);
        while let Some(ancestor) = above {
            if ancestor == organization {
                let text = format!("`{organization}` would be its own ancestor");
                return Err(EventError::Impossible(text));
            }
            above = realm.living(&ancestor)?.parent.clone();
        }
        realm.living(organization)?.parent = parent.map(str::to_owned);
        realm.note_world(
            organization,
            EventKind::WorldOrganizationMoved,
            &Of { about: parent, ..Of::default() },
        );
        Ok(())
    }

    /// Deletes an organization. What the store has of it stays. Its residents are gone wherever they are
    /// guests.
    pub fn delete_organization(&self, organization: &str) -> Done {
        let mut realm = self.lock();
        realm.living(organization)?.deleted = true;
        realm.note_world(organization, EventKind::WorldOrganizationDeleted, &Of::default());
        realm.remove_guests_of(organization, None);
        Ok(())
    }

    /// Sets what somebody may do in an organization.
    pub fn set_permissions(&self, organization: &str, who: Principal, permissions: Permissions) -> Done {
        let (subject, about) = match &who {
            Principal::User(user) => (Some(user.clone()), None),
            Principal::Client(client) => (None, Some(format!("client:{client}"))),
            Principal::Anonymous | Principal::System => (None, None),
        };
        let of = Of { subject: subject.as_ref(), about: about.as_deref(), ..Of::default() };
        self.happen(organization, EventKind::WorldPermissionsSet, &of, |place| {
            place.permissions.retain(|entry| entry.who != who);
            place.permissions.push(Entitled { who, permissions });
            Ok(())
        })
    }

    /// Changes some settings of an organization. What they would be as a whole is judged first
    /// ([`judge`]): where they contradict each other none is changed.
    pub fn change_settings(&self, organization: &str, patch: &SettingsPatch) -> Done {
        self.happen(organization, EventKind::WorldSettingsChanged, &Of::default(), |place| {
            let mut settings = place.settings.clone();
            patch.apply(&mut settings);
            judge(&settings).and_then(|()| patch.judge_landings()).map_err(EventError::Impossible)?;
            patch.apply_to(place);
            Ok(())
        })
    }

    /// Replaces the settings of an organization, where they do not contradict each other ([`judge`]).
    pub fn set_settings(&self, organization: &str, settings: Values) -> Done {
        self.happen(organization, EventKind::WorldSettingsChanged, &Of::default(), |place| {
            judge(&settings).map_err(EventError::Impossible)?;
            place.settings = settings;
            Ok(())
        })
    }

    /// Replaces the scripted policy of an organization.
    pub fn set_policy(&self, organization: &str, rules: Vec<Rule>) -> Done {
        self.happen(organization, EventKind::WorldPolicySet, &Of::default(), |place| {
            if rules.iter().any(|rule| rule.verdicts() != 1) {
                return Err(EventError::Impossible("a rule needs exactly one verdict".into()));
            }
            place.policy = rules;
            Ok(())
        })
    }

    /// Lets a user store answer, or keeps it from answering.
    pub fn set_store_answers(&self, organization: &str, store: &str, answers: bool) -> Done {
        let event = if answers { EventKind::WorldStoreAnswers } else { EventKind::WorldStoreSilent };
        let store = store_name(store);
        self.happen(organization, event, &Of::id(&store), |place| {
            if !place.stores.contains(&store) {
                return Err(no_store(organization, &store, &place.stores));
            }
            if answers {
                place.silent_stores.remove(&store);
            } else {
                place.silent_stores.insert(store.clone());
            }
            Ok(())
        })
    }

    /// Sets how the e-mail system behaves from now on.
    pub fn set_mail_mode(&self, mode: MailMode) {
        self.lock().mailbox.mode = mode;
    }

    /// Lets every e-mail fail, or be delivered again.
    pub fn fail_mail(&self, fail: bool) {
        self.set_mail_mode(if fail { MailMode::Fail } else { MailMode::Deliver });
    }

    /// Ends what the e-mail system has taken over: it was delivered, or came back. Returns how many.
    pub fn settle_taken(&self, delivered: bool) -> usize {
        self.lock().settle_taken(delivered)
    }
}

/// Tells whether a text may be kept as somebody's address. What is none is taken, and is as none; but a line
/// break, say, would be a header of the e-mail in a host that takes addresses as they are.
///
/// # Errors
/// It has control characters.
pub fn check_address(email: &str) -> Result<(), EventError> {
    if email.contains(char::is_control) {
        let text = format!("the address `{}` has control characters", email.escape_debug());
        return Err(EventError::Impossible(text));
    }
    Ok(())
}

/// An organization has no user store of that name, but these.
#[must_use]
pub fn no_store(organization: &str, store: &str, stores: &BTreeSet<String>) -> EventError {
    let known: Vec<_> = stores.iter().map(|store| format!("`{store}`")).collect();
    let known = known.join(", ");
    EventError::Impossible(format!(
        "organization `{organization}` has no user store `{store}`; there are {known}"
    ))
}

fn local(organization: &str, id: &str) -> UserRef {
    UserRef { organization: organization.to_owned(), id: id.to_owned() }
}

pub(super) fn no_target(organization: &str, id: &str) -> EventError {
    EventError::NoTarget { organization: organization.to_owned(), id: id.to_owned() }
}
