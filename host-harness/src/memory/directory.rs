//! Organizations and people.

use async_trait::async_trait;

use super::{
    MemoryHost,
    realm::{Organization, Person, Realm},
};
use crate::{
    bounds,
    contract::{
        directory::{self, Found, LookupError, OrganizationState, User},
        types::{HostError, Permissions, Principal, UserRef},
    },
    host::{Call, Directory},
};

/// The user store that everybody has and where unqualified names are looked up.
pub(super) const DEFAULT_STORE: &str = "PRIMARY";

/// Whether two user names are the same to this directory: ASCII case does not count, nothing else is
/// folded. A wider folding makes strangers equal, as the Kelvin sign and the letter k.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

impl Organization {
    fn store(&self, name: &str) -> Option<&str> {
        self.stores.iter().map(String::as_str).find(|store| same_name(store, name))
    }

    /// The user of that name or, where the name is an address that one user alone has, of that address.
    fn named(&self, store: &str, name: &str) -> Option<&Person> {
        let mut of_store = self.people.values().filter(|person| person.store == store);
        let addressed = |person: &&Person| {
            person.email.as_deref().is_some_and(|email| name.contains('@') && same_name(email, name))
        };
        of_store.clone().find(|person| same_name(&person.name, name)).or_else(|| {
            let found = of_store.find(addressed)?;
            of_store.find(addressed).is_none().then_some(found)
        })
    }
}

impl Realm {
    fn get_organization(&self, call: &Call, id: &str) -> Result<Option<directory::Organization>, HostError> {
        self.concerns(call, id)?;
        Ok(self.organization(id).map(|organization| directory::Organization {
            id: id.to_owned(),
            parent: organization.parent.clone(),
            state: if organization.active { OrganizationState::Active } else { OrganizationState::Disabled },
            display_name: organization.name.clone(),
        }))
    }

    fn find_users(
        &self,
        call: &Call,
        organization: &str,
        domain: Option<&str>,
        names: &[String],
    ) -> Result<Vec<Result<Found, HostError>>, LookupError> {
        self.concerns_people_of(call, organization)
            .and_then(|()| bounds::count("names", names.len(), 100))
            .and_then(|()| names.iter().try_for_each(|name| bounds::text("a name", name, bounds::NAME)))
            .and_then(|()| bounds::text("the user store", domain.unwrap_or_default(), 255))
            .map_err(LookupError::Host)?;
        let Some(place) = self.organization(organization) else {
            return Ok(names.iter().map(|_| Ok(Found::Nobody)).collect());
        };
        let domain = match domain {
            None => DEFAULT_STORE,
            Some(name) => place.store(name).ok_or_else(|| LookupError::UnknownUserstore(name.to_owned()))?,
        };
        Ok(names.iter().map(|name| self.find_user(organization, place, domain, name)).collect())
    }

    fn find_user(
        &self,
        id: &str,
        place: &Organization,
        domain: &str,
        name: &str,
    ) -> Result<Found, HostError> {
        let (store, name) = match name.split_once('/') {
            Some((store, name)) => match place.store(store) {
                Some(store) => (store, name),
                None => return Ok(Found::Nobody),
            },
            None => (domain, name),
        };
        if place.silent_stores.contains(store) {
            return Err(HostError::Unavailable(None));
        }
        let user = place.named(store, name).and_then(|person| self.user(id, place, person));
        Ok(user.map_or(Found::Nobody, Found::One))
    }

    /// How an organization sees one of its people; the address is where he is resident.
    fn user(&self, organization: &str, place: &Organization, person: &Person) -> Option<User> {
        let resident = self.resident(&person.account);
        let (local_id, _) = place.person(&person.account)?;
        let is_guest = person.account.organization != organization;
        Some(User {
            account: person.account.clone(),
            via: is_guest.then(|| UserRef { organization: organization.to_owned(), id: local_id.clone() }),
            active: person.active && resident.is_some_and(|resident| resident.active),
            has_email: resident.is_some_and(|resident| resident.email.is_some()),
        })
    }

    fn get_users(
        &self,
        call: &Call,
        organization: &str,
        accounts: &[UserRef],
    ) -> Result<Vec<Option<User>>, HostError> {
        self.concerns_people_of(call, organization)?;
        bounds::count("accounts", accounts.len(), 100)?;
        let user = |account: &UserRef| {
            let place = self.organization(organization)?;
            // A guest whose account is gone is nobody any more.
            self.resident(account)?;
            let (_, person) = place.person(account)?;
            self.user(organization, place, person)
        };
        Ok(accounts.iter().map(user).collect())
    }

    /// What `who` may do in an organization now; `None` when he has no access to it.
    pub(super) fn standing(&self, organization: &str, who: &Principal) -> Option<Permissions> {
        let place = self.organization(organization)?;
        let entitled = place.permissions.iter().find(|entry| entry.who == *who);
        let permissions = entitled.map(|entry| entry.permissions);
        match who {
            Principal::Anonymous => None,
            Principal::System => Some(Permissions::empty()),
            Principal::Client(_) => permissions,
            Principal::User(account) => {
                let local = place.person(account);
                let works = self.resident(account).is_some_and(|resident| resident.active)
                    && local.is_none_or(|(_, person)| person.active);
                permissions.or_else(|| local.map(|_| Permissions::empty())).filter(|_| works)
            }
        }
    }
}

#[async_trait]
impl Directory for MemoryHost {
    async fn get_organization(
        &self,
        call: &Call,
        id: String,
    ) -> Result<Option<directory::Organization>, HostError> {
        self.lock().get_organization(call, &id)
    }

    async fn find_users(
        &self,
        call: &Call,
        organization: String,
        userstore_domain: Option<String>,
        names: Vec<String>,
    ) -> Result<Vec<Result<Found, HostError>>, LookupError> {
        self.lock().find_users(call, &organization, userstore_domain.as_deref(), &names)
    }

    async fn get_users(
        &self,
        call: &Call,
        organization: String,
        accounts: Vec<UserRef>,
    ) -> Result<Vec<Option<User>>, HostError> {
        self.lock().get_users(call, &organization, &accounts)
    }

    async fn standing(
        &self,
        call: &Call,
        organization: String,
        who: Principal,
    ) -> Result<Option<Permissions>, HostError> {
        let realm = self.lock();
        realm.concerns(call, &organization)?;
        Ok(realm.standing(&organization, &who))
    }
}
