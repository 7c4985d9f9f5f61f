//! A saved state is checked as a world is: somebody may have edited it by hand.
//!
//! What a world file cannot say is refused here, where it would be misunderstood later or not end: an
//! organization below itself, an account under two ids, a number that cannot be counted on from.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    realm::{Organization, Realm, StoredInvitation, Tenant},
    settings::judge,
};
use guestlist_contract::types::Principal;

/// The most mistakes that are told.
const MOST: usize = 20;
/// The largest number that may be counted on from here: that reaches its end in no lifetime.
const LARGEST: u64 = u64::MAX >> 1;
const LARGEST_SHORT: u32 = u32::MAX >> 1;
const LONGEST_ID: usize = 255;
const DAY_IN_MINUTES: u32 = 24 * 60;

/// Mistakes, with the place of each.
#[derive(Default)]
struct Found {
    mistakes: Vec<String>,
    more: usize,
}

impl Found {
    fn add(&mut self, mistake: String) {
        if self.mistakes.len() < MOST { self.mistakes.push(mistake) } else { self.more += 1 }
    }

    fn count(&mut self, what: &str, of: &str, number: u64, most: u64) {
        if number > most {
            self.add(format!("{what} of {of} is {number}; the largest that is read is {most}"));
        }
    }

    fn id(&mut self, what: &str, id: &str) {
        if id.is_empty() || id.len() > LONGEST_ID {
            self.add(format!("the id of {what} has {} bytes, and not 1 to {LONGEST_ID}", id.len()));
        }
    }
}

impl Realm {
    /// Tells whether a host can work with it.
    ///
    /// # Errors
    /// What contradicts itself, a line each.
    pub(super) fn check(&self) -> Result<(), String> {
        let mut found = Found::default();
        found.count("the number of requests", "the host", self.requests, LARGEST);
        let mut passed = BTreeSet::new();
        for (id, place) in &self.organizations {
            self.check_parents(id, &mut passed, &mut found);
            check_place(id, place, &mut found);
        }
        let mut codes = BTreeMap::new();
        for (organization, tenant) in &self.tenants {
            check_tenant(organization, tenant, &mut codes, &mut found);
        }
        if found.mistakes.is_empty() {
            return Ok(());
        }
        if found.more > 0 {
            found.mistakes.push(format!("and {} more", found.more));
        }
        Err(found.mistakes.join("\n- "))
    }

    /// Each organization is passed once, however deep it lies.
    fn check_parents<'a>(&'a self, id: &'a str, passed: &mut BTreeSet<&'a str>, found: &mut Found) {
        let mut here = Some(id);
        let mut way = BTreeSet::new();
        while let Some(id) = here.filter(|id| !passed.contains(id)) {
            if !way.insert(id) {
                found.add(format!("organization `{id}` is its own ancestor"));
                break;
            }
            here = self.organizations.get(id).and_then(|place| place.parent.as_deref());
            if let Some(parent) = here.filter(|parent| !self.organizations.contains_key(*parent)) {
                found.add(format!("there is no organization `{parent}`, the parent of `{id}`"));
                break;
            }
        }
        passed.append(&mut way);
    }
}

fn check_place(id: &str, place: &Organization, found: &mut Found) {
    found.id("an organization", id);
    if place.utc_offset_minutes.unsigned_abs() >= DAY_IN_MINUTES {
        let minutes = place.utc_offset_minutes;
        found.add(format!("organization `{id}` is {minutes} minutes from UTC, which is more than a day"));
    }
    if let Err(why) = judge(&place.settings) {
        found.add(format!("the settings of `{id}` contradict each other: {why}"));
    }
    let mut accounts = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (local, person) in &place.people {
        found.id(&format!("a user of `{id}`"), local);
        let account = &person.account;
        if account.organization == *id && account.id != *local {
            found.add(format!("the account of user `{local}` of `{id}` has another id, `{}`", account.id));
        }
        if !accounts.insert((&account.organization, &account.id)) {
            found.add(format!(
                "two users of `{id}` have one account, `{}/{}`",
                account.organization, account.id
            ));
        }
        if !names.insert((&person.store, person.name.to_ascii_lowercase())) {
            found.add(format!("two users of `{id}` have one name, `{}`", person.name));
        }
    }
    for target in place.groups.keys().chain(place.roles.keys()) {
        found.id(&format!("a group or role of `{id}`"), target);
    }
    for entry in &place.permissions {
        if matches!(entry.who, Principal::Anonymous | Principal::System) {
            found.add(format!("permissions of `{id}` are neither a user's nor a client's"));
        }
    }
    if place.policy.iter().any(|rule| rule.verdicts() != 1) {
        found.add(format!("a rule of `{id}` does not have exactly one verdict"));
    }
}

fn check_tenant<'a>(
    organization: &str,
    tenant: &'a Tenant,
    codes: &mut BTreeMap<&'a str, &'a str>,
    found: &mut Found,
) {
    for (id, row) in &tenant.rows {
        found.id(&format!("an invitation of `{organization}`"), id);
        check_row(organization, id, row, found);
        for code in &row.codes {
            if code.len() != 64 || !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                found.add(format!("a digest of invitation `{id}` is no SHA-256"));
            }
            if codes.insert(code, id).is_some_and(|other| other != id) {
                found.add(format!("invitation `{id}` has the code of another one"));
            }
        }
    }
    for entry in &tenant.outbox {
        let of = format!("a message about `{}`", entry.invitation);
        found.count("the version", &of, entry.version, LARGEST);
        found.count("the number of tries", &of, entry.tries.into(), LARGEST_SHORT.into());
    }
}

fn check_row(organization: &str, id: &str, row: &StoredInvitation, found: &mut Found) {
    let row = &row.invitation;
    if row.key.organization != organization || row.key.id != id {
        let key = format!("{}/{}", row.key.organization, row.key.id);
        found.add(format!("invitation `{organization}/{id}` calls itself `{key}`"));
    }
    let of = format!("invitation `{id}`");
    found.count("the version", &of, row.version, LARGEST);
    found.count("the number of claims", &of, row.claims.into(), LARGEST_SHORT.into());
    found.count("the number of resends", &of, row.resends.into(), LARGEST_SHORT.into());
}
