//! Organizations and people.

use async_trait::async_trait;

use super::{
    MemoryHost,
    person::Person,
    realm::{Organization, Realm},
};
use guestlist_contract::{
    bounds,
    directory::{self, Found, LookupError, OrganizationState, User},
    host::{Call, Directory},
    lookup::{By, Look, readings, store_name},
    types::{HostError, Permissions, Principal, UserRef},
};

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
        let domain = domain.map(|name| (name, store_name(name)));
        if let Some((name, _)) = domain.as_ref().filter(|(_, store)| !place.stores.contains(store)) {
            return Err(LookupError::UnknownUserstore((*name).to_owned()));
        }
        let domain = domain.as_ref().map(|(_, store)| store.as_str());
        Ok(names.iter().map(|name| self.find_user(organization, place, domain, name)).collect())
    }

    fn find_user(
        &self,
        id: &str,
        place: &Organization,
        domain: Option<&str>,
        name: &str,
    ) -> Result<Found, HostError> {
        let looks = readings(name, domain, |store| place.stores.contains(store));
        let is_silent = |look: &Look| match &look.store {
            Some(store) => place.silent_stores.contains(store),
            None => !place.silent_stores.is_empty(),
        };
        if looks.iter().any(|look| look.is_needed && is_silent(look)) {
            return Err(HostError::Unavailable(None));
        }
        Ok(match self.fitting(place, &looks).as_slice() {
            [] => Found::Nobody,
            [person] => self.user(id, place, person).map_or(Found::Nobody, Found::One),
            _ => Found::Ambiguous,
        })
    }

    /// Finds whom a text may mean in an organization, by any of its readings: two accounts at most, because
    /// that is one too many. Whether they are enabled is no question here. A guest's address is where they
    /// are resident, and one whose account is gone is nobody.
    fn fitting<'a>(&'a self, place: &'a Organization, looks: &'a [Look]) -> Vec<&'a Person> {
        let mut fitting: Vec<&Person> = Vec::new();
        for look in looks {
            let (named, addressed) = match look.by {
                By::Name => (Some(place.people.named(&look.text).map(|(_, person)| person)), None),
                By::Address => (None, Some(self.addressed(place, &look.text))),
            };
            let in_store = |person: &&Person| look.store.as_ref().is_none_or(|store| person.store == *store);
            let all = named.into_iter().flatten().chain(addressed.into_iter().flatten());
            for person in all.filter(in_store) {
                let is_new = fitting.iter().all(|known| known.account != person.account);
                if is_new && self.resident(&person.account).is_some() {
                    fitting.push(person);
                }
                if fitting.len() > 1 {
                    return fitting;
                }
            }
        }
        fitting
    }

    /// The people of an organization who have this address, each where they are resident.
    fn addressed<'a>(
        &'a self,
        place: &'a Organization,
        address: &'a str,
    ) -> impl Iterator<Item = &'a Person> {
        let homes = place.people.homes().filter_map(|home| Some((home, self.organization(home)?)));
        let residents = homes.flat_map(move |(home, there)| {
            let is_resident = move |(id, person): &(&String, &Person)| {
                person.account.id == **id && person.account.organization == *home
            };
            there.people.addressed(address).filter(is_resident)
        });
        residents.filter_map(|(_, resident)| Some(place.person(&resident.account)?.1))
    }

    /// Shows one of an organization's people as it sees them; the address is where they are resident.
    fn user(&self, organization: &str, place: &Organization, person: &Person) -> Option<User> {
        let resident = self.resident(&person.account);
        let (local_id, _) = place.person(&person.account)?;
        let is_guest = person.account.organization != organization;
        Some(User {
            account: person.account.clone(),
            via: is_guest.then(|| UserRef { organization: organization.to_owned(), id: local_id.clone() }),
            active: person.active && resident.is_some_and(|resident| resident.active),
            has_email: resident.is_some_and(|resident| resident.address().is_some()),
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
