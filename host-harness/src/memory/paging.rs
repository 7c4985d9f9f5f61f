//! Lists, a page at a time.
//!
//! Pages are cut by key and not by number: a cursor says after which row the next page begins, so a
//! row that exists throughout the walk is shown exactly once, whatever is inserted meanwhile. The
//! cursor is signed and bound to the organization (or the caller), the filter and the sort.

use std::cmp::Ordering;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{admission::within_context, bounds, realm::Realm, realm::StoredInvitation};
use crate::{
    contract::{
        storage::StoreError,
        types::{Grant, HostError, Invitation, InvitationFilter, Page, PageRequest, SortKey, State, Subject},
    },
    host::Call,
};

/// Longest cursor that is looked at. One that was given out is shorter.
const CURSOR: usize = 4096;

/// Where a row stands in the order: by the sort key, then by id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    key: Key,
    organization: String,
    id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Key {
    Time(u64),
    Name(String),
    /// After every time: rows that never expire.
    Never,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    after: Place,
    seal: String,
}

fn place(row: &Invitation, sort: SortKey) -> Place {
    let key = match sort {
        SortKey::CreatedAt => Key::Time(row.created_at),
        SortKey::ExpiresAt => row.expires_at.map_or(Key::Never, Key::Time),
        SortKey::Name => Key::Name(row.name.clone()),
    };
    Place { key, organization: row.key.organization.clone(), id: row.key.id.clone() }
}

fn ordered(one: &Place, other: &Place, descending: bool) -> Ordering {
    if descending { other.cmp(one) } else { one.cmp(other) }
}

fn matches(filter: &InvitationFilter, row: &StoredInvitation, now: u64) -> bool {
    let stored = &row.invitation;
    let same_grant = |grant: &Grant| stored.grants.contains(grant);
    (filter.states.is_empty() || filter.states.contains(&row.state_at(now)))
        && filter.grant.as_ref().is_none_or(same_grant)
        && filter.inviter.as_ref().is_none_or(|inviter| stored.inviter == *inviter)
        && filter.invitee.as_ref().is_none_or(|user| stored.subject == Subject::User(user.clone()))
        && filter
            .name_prefix
            .as_ref()
            .is_none_or(|prefix| stored.name.as_bytes().starts_with(prefix.as_bytes()))
}

fn check_filter(filter: &InvitationFilter) -> Result<(), HostError> {
    bounds::count("states", filter.states.len(), 8)?;
    bounds::text("the prefix", filter.name_prefix.as_deref().unwrap_or_default(), bounds::NAME)?;
    if let Some(grant) = &filter.grant {
        bounds::id("the id of a grant", &grant.id)?;
    }
    Ok(())
}

/// What a walk is about. A cursor of one is no cursor of another.
struct Walk<'a> {
    key: [u8; 32],
    about: String,
    request: &'a PageRequest,
}

impl<'a> Walk<'a> {
    fn new(realm: &Realm, about: &impl Serialize, request: &'a PageRequest) -> Result<Self, StoreError> {
        let about = serde_json::to_string(&(about, request.sort, request.descending))
            .map_err(|error| StoreError::Other(error.to_string()))?;
        Ok(Self { key: realm.entropy.key("cursors"), about, request })
    }

    fn seal(&self, after: &Place) -> Option<String> {
        let digest = Sha256::new()
            .chain_update(self.key)
            .chain_update(Sha256::digest(&self.about))
            .chain_update(serde_json::to_vec(after).ok()?)
            .finalize();
        Some(URL_SAFE_NO_PAD.encode(digest))
    }

    fn write(&self, after: Place) -> Option<String> {
        let seal = self.seal(&after)?;
        Some(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&Cursor { after, seal }).ok()?))
    }

    fn start(&self) -> Result<Option<Place>, StoreError> {
        let Some(cursor) = &self.request.after else { return Ok(None) };
        let read = |cursor: &str| -> Option<Place> {
            let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
            let cursor: Cursor = serde_json::from_slice(&bytes).ok()?;
            (self.seal(&cursor.after)? == cursor.seal).then_some(cursor.after)
        };
        let place = if cursor.len() > CURSOR { None } else { read(cursor) };
        place.map(Some).ok_or(StoreError::InvalidCursor)
    }

    fn page<'r>(
        &self,
        rows: impl Iterator<Item = &'r StoredInvitation>,
        limit: usize,
        now: u64,
    ) -> Result<Page, StoreError> {
        let (sort, descending) = (self.request.sort, self.request.descending);
        let start = self.start()?;
        let follows = |place: &Place| {
            start.as_ref().is_none_or(|start| ordered(start, place, descending) == Ordering::Less)
        };
        let mut found: Vec<_> =
            rows.map(|row| (place(&row.invitation, sort), row)).filter(|(place, _)| follows(place)).collect();
        found.sort_by(|(one, _), (other, _)| ordered(one, other, descending));
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().map(|(place, _)| place.clone()).filter(|_| more);
        let items = found.into_iter().map(|(_, row)| row.read(now)).collect();
        Ok(Page { items, next: last.and_then(|last| self.write(last)) })
    }
}

impl Realm {
    pub(super) fn list(
        &self,
        call: &Call,
        organization: &str,
        filter: &InvitationFilter,
        request: &PageRequest,
    ) -> Result<Page, StoreError> {
        let limit = within_context(call, organization)
            .and_then(|()| check_filter(filter))
            .and_then(|()| bounds::limit(request.limit))
            .map_err(StoreError::Host)?;
        let now = self.clock.store();
        let walk = Walk::new(self, &(organization, filter), request)?;
        let rows = self.tenants.get(organization).into_iter().flat_map(|tenant| tenant.rows.values());
        walk.page(rows.filter(|row| matches(filter, row, now)), limit, now)
    }

    /// Somebody who is not a signed-in person has no invitations.
    pub(super) fn mine(
        &self,
        call: &Call,
        states: &[State],
        after: Option<String>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let limit = bounds::count("states", states.len(), 8)
            .and_then(|()| bounds::limit(limit))
            .map_err(StoreError::Host)?;
        let now = self.clock.store();
        // `limit` stands in the request only for completeness: a walk may change it.
        let request = PageRequest { sort: SortKey::CreatedAt, descending: true, after, limit: 0 };
        let walk = Walk::new(self, &("mine", call.user(), states), &request)?;
        let shown = |row: &&StoredInvitation| {
            let state = row.state_at(now);
            row.was_pending() && (states.is_empty() || states.contains(&state))
        };
        let rows = call
            .user()
            .into_iter()
            .flat_map(|user| self.tenants.values().flat_map(move |tenant| tenant.of_subject(user)));
        walk.page(rows.filter(shown), limit, now)
    }
}
