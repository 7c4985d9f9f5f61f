//! The people of an organization, found by what they are asked for.
//!
//! A world may have half a million of them, and every operation asks for some by name, by address or by
//! account. So there is an index beside the map. It is made when it is first asked for, follows the changes
//! that the host itself makes, and is forgotten when somebody else takes hold of the map: it is never wrong.

use std::{
    collections::{BTreeMap, HashMap, btree_map},
    ops::{Deref, DerefMut},
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Serialize};

use super::person::Person;
use guestlist_contract::lookup::folded;
use guestlist_contract::types::UserRef;

/// The residents and guests of an organization, by local id: a map, and found by more than its keys.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct People {
    by_id: BTreeMap<String, Person>,
    #[serde(skip)]
    index: OnceLock<Arc<Index>>,
}

/// Local ids, by what leads to them.
#[derive(Clone, Debug, Default)]
struct Index {
    /// Local ids by user name, in lower case: in different stores two may have one.
    names: HashMap<String, Vec<String>>,
    /// Local ids by address, in lower case: as many may have one as like to.
    addresses: HashMap<String, Vec<String>>,
    /// Local ids by account, where that has another id than the local one.
    accounts: HashMap<(String, String), String>,
    /// The organizations where they are resident, and how many people of each.
    homes: BTreeMap<String, usize>,
}

fn account_key(account: &UserRef) -> (String, String) {
    (account.organization.clone(), account.id.clone())
}

fn forget(places: &mut HashMap<String, Vec<String>>, key: &str, id: &str) {
    if let Some(ids) = places.get_mut(key) {
        ids.retain(|known| known != id);
        if ids.is_empty() {
            places.remove(key);
        }
    }
}

impl Index {
    fn of(people: &BTreeMap<String, Person>) -> Self {
        let mut index = Self::default();
        people.iter().for_each(|(id, person)| index.add(id, person));
        index
    }

    fn add(&mut self, id: &str, person: &Person) {
        self.names.entry(folded(&person.name)).or_default().push(id.to_owned());
        if let Some(email) = &person.email {
            self.addresses.entry(folded(email)).or_default().push(id.to_owned());
        }
        if person.account.id != id {
            self.accounts.insert(account_key(&person.account), id.to_owned());
        }
        *self.homes.entry(person.account.organization.clone()).or_default() += 1;
    }

    fn remove(&mut self, id: &str, person: &Person) {
        forget(&mut self.names, &folded(&person.name), id);
        if let Some(email) = &person.email {
            forget(&mut self.addresses, &folded(email), id);
        }
        let account = account_key(&person.account);
        if self.accounts.get(&account).is_some_and(|known| known == id) {
            self.accounts.remove(&account);
        }
        if let btree_map::Entry::Occupied(mut home) = self.homes.entry(person.account.organization.clone()) {
            *home.get_mut() -= 1;
            if *home.get() == 0 {
                home.remove();
            }
        }
    }
}

impl People {
    fn index(&self) -> &Index {
        self.index.get_or_init(|| Arc::new(Index::of(&self.by_id)))
    }

    /// Finds the people of that user name, in whatever store.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = (&String, &Person)> {
        self.all(self.index().names.get(&folded(name)))
    }

    /// Finds the people who have that text as their address here.
    pub(super) fn addressed(&self, address: &str) -> impl Iterator<Item = (&String, &Person)> {
        self.all(self.index().addresses.get(&folded(address)))
    }

    fn all(&self, ids: Option<&Vec<String>>) -> impl Iterator<Item = (&String, &Person)> {
        let ids = ids.map(Vec::as_slice).unwrap_or_default().iter();
        ids.filter_map(|id| self.by_id.get_key_value(id)).inspect(|_| steps::take(1))
    }

    /// Finds somebody by their local id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Person> {
        steps::take(1);
        self.by_id.get(id)
    }

    /// Tells whether there is somebody of that local id.
    #[must_use]
    pub fn contains_key(&self, id: &str) -> bool {
        self.get(id).is_some()
    }

    /// The local account of somebody, and its id.
    pub(super) fn with_account(&self, account: &UserRef) -> Option<(&String, &Person)> {
        steps::take(1);
        let same_account = |(_, person): &(&String, &Person)| person.account == *account;
        let same_id = self.by_id.get_key_value(&account.id).filter(same_account);
        same_id.or_else(|| self.by_id.get_key_value(self.index().accounts.get(&account_key(account))?))
    }

    /// The organizations in which they are resident.
    pub(super) fn homes(&self) -> impl Iterator<Item = &String> {
        self.index().homes.keys()
    }

    /// Adds somebody under an id; answers with whom it was before.
    pub fn insert(&mut self, id: String, person: Person) -> Option<Person> {
        let before = self.remove(&id);
        if let Some(index) = self.index.get_mut() {
            Arc::make_mut(index).add(&id, &person);
        }
        self.by_id.insert(id, person);
        before
    }

    /// Takes somebody out.
    pub fn remove(&mut self, id: &str) -> Option<Person> {
        steps::take(1);
        let (id, person) = self.by_id.remove_entry(id)?;
        if let Some(index) = self.index.get_mut() {
            Arc::make_mut(index).remove(&id, &person);
        }
        Some(person)
    }

    /// Changes somebody; `None` where there is nobody of that id.
    pub(super) fn change<T>(&mut self, id: &str, change: impl FnOnce(&mut Person) -> T) -> Option<T> {
        let mut person = self.remove(id)?;
        let changed = change(&mut person);
        self.insert(id.to_owned(), person);
        Some(changed)
    }
}

/// Compares the people; the index follows from them.
impl PartialEq for People {
    fn eq(&self, other: &Self) -> bool {
        self.by_id == other.by_id
    }
}

impl Deref for People {
    type Target = BTreeMap<String, Person>;

    /// Lends the map; whoever takes the whole of it may walk through it.
    fn deref(&self) -> &Self::Target {
        steps::take(self.by_id.len());
        &self.by_id
    }
}

impl DerefMut for People {
    fn deref_mut(&mut self) -> &mut Self::Target {
        steps::take(self.by_id.len());
        self.index = OnceLock::new();
        &mut self.by_id
    }
}

impl FromIterator<(String, Person)> for People {
    fn from_iter<I: IntoIterator<Item = (String, Person)>>(people: I) -> Self {
        Self { by_id: people.into_iter().collect(), index: OnceLock::new() }
    }
}

impl IntoIterator for People {
    type Item = (String, Person);
    type IntoIter = btree_map::IntoIter<String, Person>;

    fn into_iter(self) -> Self::IntoIter {
        self.by_id.into_iter()
    }
}

impl<'a> IntoIterator for &'a People {
    type Item = (&'a String, &'a Person);
    type IntoIter = btree_map::Iter<'a, String, Person>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut People {
    type Item = (&'a String, &'a mut Person);
    type IntoIter = btree_map::IterMut<'a, String, Person>;

    fn into_iter(self) -> Self::IntoIter {
        (**self).iter_mut()
    }
}

#[cfg(not(test))]
mod steps {
    pub(super) fn take(_: usize) {}
}

/// Counts how many people are looked at, so that a test can tell a look-up from a walk through all of them.
#[cfg(test)]
pub(super) mod steps {
    use std::cell::Cell;

    thread_local!(static TAKEN: Cell<usize> = const { Cell::new(0) });

    pub(super) fn take(steps: usize) {
        TAKEN.set(TAKEN.get() + steps);
    }

    /// Counts the steps that this takes.
    pub(crate) fn of<T>(work: impl FnOnce() -> T) -> (T, usize) {
        let before = total();
        let done = work();
        (done, total() - before)
    }

    /// All that were taken.
    pub(crate) fn total() -> usize {
        TAKEN.get()
    }
}
