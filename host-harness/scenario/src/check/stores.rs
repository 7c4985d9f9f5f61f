//! User stores that a step names.

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::Spanned;

use super::Checker;
use crate::format::{Scenario, Step};
use guestlist_contract::lookup::{new_store_name, store_name};
use guestlist_documents::Problem;

/// User stores of each organization, by their one spelling.
#[derive(Default)]
pub(super) struct Stores {
    of: BTreeMap<String, BTreeSet<String>>,
    /// The organization where the story plays.
    organization: Option<String>,
    /// Organizations get other parents in the course of the story.
    moving: bool,
}

impl Stores {
    pub(super) fn new(of: BTreeMap<String, BTreeSet<String>>, scenario: &Scenario) -> Self {
        let organization = scenario.organization.as_ref().map(|text| text.value.clone());
        Self { of, organization, moving: false }
    }

    fn place<'a>(&'a self, step: &'a Step) -> Option<&'a str> {
        let own = step.organization.as_ref().map(|text| text.value.as_str());
        own.or(self.organization.as_deref())
    }

    /// An event may make a store, or move those whose store is asked for.
    pub(super) fn learn(&mut self, step: &Step) {
        let Some(event) = &step.event else { return };
        self.moving |= event.move_organization.is_some();
        let Some(user) = &event.create_user else { return };
        let Some(stores) = self.place(step).map(str::to_owned).and_then(|place| self.of.get_mut(&place))
        else {
            return;
        };
        stores.extend(user.store.as_deref().and_then(|name| new_store_name(name).ok()));
    }

    /// The stores that an organization has.
    fn in_place(&self, step: &Step) -> BTreeSet<&str> {
        self.among(self.place(step))
    }

    /// The stores that plain names of an invitation are looked up in.
    fn above(&self, step: &Step, parent: impl FnOnce(&str) -> Option<String>) -> BTreeSet<&str> {
        let parent = self.place(step).and_then(parent).filter(|_| !self.moving);
        self.among(parent.as_deref())
    }

    /// The stores of an organization; all of them, where it is not known.
    fn among(&self, place: Option<&str>) -> BTreeSet<&str> {
        let those = place.and_then(|place| self.of.get(place));
        let all = self.of.values().filter(|_| those.is_none());
        those.into_iter().chain(all).flatten().map(String::as_str).collect()
    }
}

impl Checker<'_> {
    pub(super) fn user_stores(&mut self, step: &Spanned<Step>) {
        let it = &step.value;
        let mut problems = Vec::new();
        let mut unknown = |name: &str, known: BTreeSet<&str>| {
            let store = store_name(name);
            if !known.contains(store.as_str()) {
                let listed: Vec<_> = known.iter().map(|store| format!("`{store}`")).collect();
                let message = format!("there is no user store `{name}`; there are {}", listed.join(", "));
                problems.push(Problem::with(step, message).suggest(&store, known));
            }
        };
        for name in it.event.iter().flat_map(|event| [&event.silence_store, &event.wake_store]).flatten() {
            unknown(name, self.stores.in_place(it));
        }
        // Somebody may want to see how such a request is refused.
        let refused = it.expect.as_ref().is_some_and(|expect| expect.value.refused.is_some());
        let asked = it.invite.as_ref().and_then(|invite| invite.userstore_domain.as_ref());
        if let Some(name) = asked.filter(|_| !refused) {
            let parent = |place: &str| self.world.organizations.get(place)?.parent.clone();
            unknown(name, self.stores.above(it, parent));
        }
        self.problems.append(&mut problems);
    }
}
