//! Tells what waits rightly when everything is at rest.

use std::sync::Arc;

use super::stage::Stage;
use guestlist_contract::{
    exports::invitee::{Handle, InviteeRefusal},
    types::{AcceptWith, InvitationKey, MessageKind, Principal, Subject},
};
use guestlist_memory::OutboxView;

/// Tells whether this asks its invitee for something that they could not do: such a message waits until the
/// obstacle is gone. A copy of the host tells, in which the invitee accepts, signed in and without any code.
pub(super) async fn is_obstructed(stage: &Stage, waiting: &OutboxView) -> bool {
    let OutboxView { organization, entry, .. } = waiting;
    if !matches!(entry.kind, MessageKind::Invitation | MessageKind::Reminder) {
        return false;
    }
    let copy = Arc::new(stage.host.fork());
    let mut realm = copy.realm();
    let place = realm.organizations.get_mut(organization);
    let row = realm.tenants.get_mut(organization).and_then(|tenant| tenant.rows.get_mut(&entry.invitation));
    let (Some(place), Some(row)) = (place, row) else { return false };
    place.settings.accept_with = AcceptWith::Invitee;
    row.invitation.accept_with = AcceptWith::Invitee;
    let Subject::User(invitee) = row.invitation.subject.clone() else { return false };
    copy.set_realm(realm);
    let key = InvitationKey { organization: organization.clone(), id: entry.invitation.clone() };
    let context = copy.context(None, Principal::User(invitee));
    let answer = stage.session_with(copy).accept(context, Handle::Id(key)).await;
    matches!(answer, Ok(Err(InviteeRefusal::Obstacle(_))))
}
