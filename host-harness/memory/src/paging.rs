//! Lists, a page at a time.

use std::cmp::Ordering;

use serde::Serialize;

use super::{realm::Realm, realm::StoredInvitation};
use guestlist_contract::{
    bounds,
    host::Call,
    paging::{Place, Walk},
    storage::StoreError,
    types::{Grant, InvitationFilter, Page, PageRequest, SortKey, State, Subject},
};

fn ordered(one: &Place, other: &Place, descending: bool) -> Ordering {
    if descending { other.cmp(one) } else { one.cmp(other) }
}

fn matches(filter: &InvitationFilter, row: &StoredInvitation, now: u64) -> bool {
    let stored = &row.invitation;
    let same_grant = |grant: &Grant| stored.grants.contains(grant);
    (filter.states.is_empty() || filter.states.contains(&row.state_at(now)))
        && filter.grant.as_ref().is_none_or(same_grant)
        && filter.dismissed.is_none_or(|dismissed| stored.dismissed == dismissed)
        && filter.inviter.as_ref().is_none_or(|inviter| stored.inviter == *inviter)
        && filter.invitee.as_ref().is_none_or(|user| stored.subject == Subject::User(user.clone()))
        && filter
            .name_prefix
            .as_ref()
            .is_none_or(|prefix| stored.name.as_bytes().starts_with(prefix.as_bytes()))
}

/// The page of `walk` that a request asks for.
fn page<'r>(
    walk: &Walk,
    request: &PageRequest,
    rows: impl Iterator<Item = &'r StoredInvitation>,
    limit: usize,
    now: u64,
) -> Result<Page, StoreError> {
    let (sort, descending) = (request.sort, request.descending);
    let start = walk.start(request.after.as_deref())?;
    let follows = |place: &Place| {
        start.as_ref().is_none_or(|start| ordered(start, place, descending) == Ordering::Less)
    };
    let placed = rows.map(|row| (Place::of(&row.invitation, sort), row));
    let mut found: Vec<_> = placed.filter(|(place, _)| follows(place)).collect();
    found.sort_by(|(one, _), (other, _)| ordered(one, other, descending));
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().map(|(place, _)| place.clone()).filter(|_| more);
    let items = found.into_iter().map(|(_, row)| row.read(now)).collect();
    Ok(Page { items, next: last.and_then(|last| walk.cursor(last)) })
}

impl Realm {
    fn walk(&self, about: &impl Serialize, request: &PageRequest) -> Result<Walk, StoreError> {
        Walk::new(self.entropy.key("cursors"), &(about, request.sort, request.descending))
    }

    pub(super) fn list(
        &self,
        call: &Call,
        organization: &str,
        filter: &InvitationFilter,
        request: &PageRequest,
    ) -> Result<Page, StoreError> {
        let limit = call
            .acts_in(organization)
            .and_then(|()| bounds::filter(filter))
            .and_then(|()| bounds::limit(request.limit))
            .map_err(StoreError::Host)?;
        let now = self.clock.store();
        let walk = self.walk(&(organization, filter), request)?;
        let rows = self.tenants.get(organization).into_iter().flat_map(|tenant| tenant.rows.values());
        page(&walk, request, rows.filter(|row| matches(filter, row, now)), limit, now)
    }

    /// Pages through the caller's invitations; somebody who is not a signed-in person has none.
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
        let walk = self.walk(&("mine", call.user(), states), &request)?;
        let shown = |row: &&StoredInvitation| {
            let state = row.state_at(now);
            row.was_pending() && (states.is_empty() || states.contains(&state))
        };
        let rows = call
            .user()
            .into_iter()
            .flat_map(|user| self.tenants.values().flat_map(move |tenant| tenant.of_subject(user)));
        page(&walk, &request, rows.filter(shown), limit, now)
    }
}
