//! Taking an ended invitation off the list.

use guestlist_contract::{
    audit::EventKind,
    host::Call,
    storage::StoreError,
    types::{Invitation, InvitationKey},
};

use super::{
    access::Asker,
    reading::find,
    rows::{ACTIVE, COLUMNS, read},
};
use crate::{
    audit::{self, Of},
    error::OperationError,
    sql::{Connection, Operation, Scope, values},
};

/// `dismiss`.
pub(super) struct Dismiss {
    asker: Asker,
    key: InvitationKey,
}

impl Dismiss {
    pub(super) fn new(call: &Call, key: InvitationKey) -> Result<Self, OperationError> {
        call.acts_in(&key.organization)?;
        Ok(Self { asker: Asker::of(call, [])?, key })
    }
}

impl Operation for Dismiss {
    type Output = Invitation;
    const NAME: &'static str = "storage.dismiss";

    fn scope(&self) -> Scope {
        Asker::within(&self.key.organization)
    }

    /// One statement decides, so that of two who do it at the same time one leaves the event.
    async fn run<C: Connection>(&self, db: &mut C) -> Result<Invitation, OperationError> {
        let InvitationKey { organization, id } = &self.key;
        let sql = format!(
            "update invitation set dismissed = 1 where organization = $1 and id = $2 and dismissed = 0 \
             and state not in {ACTIVE} returning {COLUMNS}"
        );
        let now = db.now();
        let Some(row) = db.row(&sql, values![organization, id]).await? else {
            let (row, _) = find(db, &self.key).await?.ok_or(StoreError::NotFound)?;
            return Ok(row.at(now));
        };
        let row = read(&row, 0)?.invitation;
        let told = self.asker.actor.event(Some(organization), EventKind::InvitationDismissed, &Of::row(&row));
        audit::note(db, &[told]).await?;
        Ok(row)
    }
}
