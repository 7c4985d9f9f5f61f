//! What happens in life while an invitation is under way.
//!
//! Accounts are disabled, groups vanish, administrators lose their rights. Each of these is one atomic
//! change of the world with its audit event, by the host itself and outside of any call.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    MailMode, MemoryHost, Rule, SettingsPatch,
    audit::Of,
    directory::{DEFAULT_STORE, same_name},
    realm::{Entitled, Organization, Person, Realm, Target},
};
use crate::contract::{
    audit::EventKind,
    settings::Values,
    types::{Grant, GrantKind, Permissions, Principal, StepOutcome, UserRef},
};

/// Why something cannot happen to this world. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// There is none (any more).
    #[error("there is no organization `{0}`")]
    NoOrganization(String),
    /// The organization has no user of that id or account.
    #[error("organization `{organization}` has no user `{user}`")]
    NoUser {
        /// Where he was looked for.
        organization: String,
        /// His id.
        user: String,
    },
    /// The organization has no such group or role.
    #[error("organization `{organization}` has no group or role `{id}`")]
    NoTarget {
        /// Where it was looked for.
        organization: String,
        /// Its id.
        id: String,
    },
    /// The world does not allow it.
    #[error("{0}")]
    Impossible(String),
}

/// Somebody who gets an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NewUser {
    /// His id: one that nobody has or had in the organization.
    pub id: String,
    /// His user name.
    pub name: String,
    /// The user store; absent: `PRIMARY`.
    #[serde(default)]
    pub store: Option<String>,
    /// A verified address.
    #[serde(default)]
    pub email: Option<String>,
}

type Done = Result<(), EventError>;

impl Realm {
    fn living(&mut self, organization: &str) -> Result<&mut Organization, EventError> {
        self.organizations
            .get_mut(organization)
            .filter(|place| !place.deleted)
            .ok_or_else(|| EventError::NoOrganization(organization.to_owned()))
    }
}

impl Organization {
    fn targets_mut(&mut self, kind: GrantKind) -> &mut BTreeMap<String, Target> {
        match kind {
            GrantKind::Group => &mut self.groups,
            GrantKind::Role => &mut self.roles,
        }
    }

    fn guest(&mut self, organization: &str, account: &UserRef) -> Result<&mut Person, EventError> {
        self.person_mut(account).ok_or_else(|| no_user(organization, &account.id))
    }
}

fn no_user(organization: &str, user: &str) -> EventError {
    EventError::NoUser { organization: organization.to_owned(), user: user.to_owned() }
}

impl MemoryHost {
    /// One change of one organization, and its event.
    fn happen(
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

    /// Disables or enables a local account; that of a resident counts wherever he is a guest.
    pub fn set_user_active(&self, organization: &str, id: &str, active: bool) -> Done {
        let event = if active { EventKind::WorldUserEnabled } else { EventKind::WorldUserDisabled };
        self.happen(organization, event, &Of::user(&local(organization, id)), |place| {
            let person = place.people.get_mut(id).ok_or_else(|| no_user(organization, id))?;
            person.active = active;
            Ok(())
        })
    }

    /// Deletes a local account. That of a resident is gone wherever he is a guest, too. Its id is spent.
    pub fn remove_user(&self, organization: &str, id: &str) -> Done {
        self.happen(organization, EventKind::WorldUserRemoved, &Of::user(&local(organization, id)), |place| {
            place.people.remove(id).ok_or_else(|| no_user(organization, id))?;
            place.spent.insert(id.to_owned());
            Ok(())
        })
    }

    /// Makes an account for a resident. A name that is free again may be used again, an id may not.
    pub fn add_user(&self, organization: &str, user: NewUser) -> Done {
        let account = local(organization, &user.id);
        self.happen(organization, EventKind::WorldUserAdded, &Of::user(&account), |place| {
            let NewUser { id, name, store, email } = user;
            if place.people.contains_key(&id) || place.spent.contains(&id) {
                return Err(EventError::Impossible(format!("user id `{id}` is or was somebody else's")));
            }
            if place.people.values().any(|person| same_name(&person.name, &name)) {
                return Err(EventError::Impossible(format!("user name `{name}` is taken")));
            }
            let store = store.unwrap_or_else(|| DEFAULT_STORE.to_owned());
            place.stores.insert(store.clone());
            let account = local(organization, &id);
            let (groups, roles) = (BTreeMap::new(), BTreeMap::new());
            let person =
                Person { name, store, email, active: true, account, groups, roles, invitation: None };
            place.people.insert(id, person);
            Ok(())
        })
    }

    /// Gives a resident another user name. Whoever he is a guest with knows him by the old one.
    pub fn rename_user(&self, organization: &str, id: &str, name: &str) -> Done {
        self.happen(organization, EventKind::WorldUserRenamed, &Of::user(&local(organization, id)), |place| {
            if place.people.iter().any(|(other, person)| other != id && same_name(&person.name, name)) {
                return Err(EventError::Impossible(format!("user name `{name}` is taken")));
            }
            let person = place.people.get_mut(id).ok_or_else(|| no_user(organization, id))?;
            person.name = name.to_owned();
            Ok(())
        })
    }

    /// Gives a resident another verified address, or none.
    pub fn set_email(&self, organization: &str, id: &str, email: Option<&str>) -> Done {
        let user = local(organization, id);
        self.happen(organization, EventKind::WorldEmailChanged, &Of::user(&user), |place| {
            let person = place.people.get_mut(id).ok_or_else(|| no_user(organization, id))?;
            person.email = email.map(str::to_owned);
            Ok(())
        })
    }

    /// Moves a resident to another user store of the organization.
    pub fn set_user_store(&self, organization: &str, id: &str, store: &str) -> Done {
        let user = local(organization, id);
        self.happen(organization, EventKind::WorldUserMoved, &Of::user(&user), |place| {
            let known = place.stores.iter().find(|known| same_name(known, store)).cloned();
            let known = known.ok_or_else(|| {
                EventError::Impossible(format!("organization `{organization}` has no user store `{store}`"))
            })?;
            let name = &place.people.get(id).ok_or_else(|| no_user(organization, id))?.name;
            let same = |(other, person): (&String, &Person)| {
                other != id && person.store == known && same_name(&person.name, name)
            };
            if place.people.iter().any(same) {
                return Err(EventError::Impossible(format!("user name `{name}` is taken in `{known}`")));
            }
            place.people.entry(id.to_owned()).and_modify(|person| person.store = known);
            Ok(())
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

    /// Takes a guest's membership away, with his groups and roles. An accept that is under way and has
    /// not made him a member yet is closed: it must not bring back who was just removed.
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
            let grants = place.guest(organization, account)?.grants_mut(grant.kind);
            grants.entry(grant.id.clone()).or_insert(None);
            Ok(())
        })
    }

    /// Takes a group or role away from somebody.
    pub fn remove_grant(&self, organization: &str, account: &UserRef, grant: &Grant) -> Done {
        let of = Of { subject: Some(account), ..Of::grant(grant) };
        self.happen(organization, EventKind::WorldGrantRemoved, &of, |place| {
            let grants = place.guest(organization, account)?.grants_mut(grant.kind);
            grants.remove(&grant.id).map(|_| ()).ok_or_else(|| no_target(organization, &grant.id))
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
            let targets = place.targets_mut(kind);
            if targets.contains_key(id) {
                return Err(EventError::Impossible(format!(
                    "organization `{organization}` has `{id}` already"
                )));
            }
            let target = Target { name: name.to_owned(), grantable_by: None, receivable_by: None };
            targets.insert(id.to_owned(), target);
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
            let target = place.targets_mut(grant.kind).get_mut(&grant.id);
            target.ok_or_else(|| no_target(organization, &grant.id))?.name = name.to_owned();
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
            place.targets_mut(kind).remove(id).ok_or(missing)?;
            for person in place.people.values_mut() {
                person.grants_mut(kind).remove(id);
            }
            Ok(())
        })
    }

    /// Makes an organization with default settings and the user store `PRIMARY`, below another or as a root. An
    /// id that an organization has or had cannot be given again.
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

    /// Deletes an organization. What the store has of it stays.
    pub fn delete_organization(&self, organization: &str) -> Done {
        self.happen(organization, EventKind::WorldOrganizationDeleted, &Of::default(), |place| {
            place.deleted = true;
            Ok(())
        })
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

    /// Changes some settings of an organization.
    pub fn change_settings(&self, organization: &str, patch: &SettingsPatch) -> Done {
        self.happen(organization, EventKind::WorldSettingsChanged, &Of::default(), |place| {
            patch.apply_to(place);
            Ok(())
        })
    }

    /// Replaces the settings of an organization.
    pub fn set_settings(&self, organization: &str, settings: Values) -> Done {
        self.happen(organization, EventKind::WorldSettingsChanged, &Of::default(), |place| {
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
        self.happen(organization, event, &Of::id(store), |place| {
            if answers {
                place.silent_stores.remove(store);
            } else {
                place.silent_stores.insert(store.to_owned());
            }
            Ok(())
        })
    }

    /// How the mail system behaves from now on.
    pub fn set_mail_mode(&self, mode: MailMode) {
        self.lock().mailbox.mode = mode;
    }

    /// Lets every mail fail, or be delivered again.
    pub fn fail_mail(&self, fail: bool) {
        self.set_mail_mode(if fail { MailMode::Fail } else { MailMode::Deliver });
    }

    /// Ends what the mail system has taken over: it was delivered, or came back. Returns how many.
    pub fn settle_taken(&self, delivered: bool) -> usize {
        self.lock().settle_taken(delivered)
    }
}

fn local(organization: &str, id: &str) -> UserRef {
    UserRef { organization: organization.to_owned(), id: id.to_owned() }
}

fn no_target(organization: &str, id: &str) -> EventError {
    EventError::NoTarget { organization: organization.to_owned(), id: id.to_owned() }
}
