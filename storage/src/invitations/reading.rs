//! Reading one invitation: by its key, and by a code.

use guestlist_contract::{
    bounds,
    host::Call,
    storage::StoreError,
    types::{AcceptWith, HostError, Invitation, InvitationKey},
};

use super::{
    access::Asker,
    rows::{COLUMNS, OPEN, Stored, WIDTH, read},
};
use crate::{
    error::{DbError, OperationError},
    sql::{Connection, Operation, Scope, values},
};

/// A row, and whether it has or had a code.
pub(crate) async fn find<C: Connection>(
    db: &mut C,
    key: &InvitationKey,
) -> Result<Option<(Stored, bool)>, DbError> {
    let sql = format!(
        "select {COLUMNS}, (select count(*) from code c where c.organization = invitation.organization \
         and c.invitation = invitation.id) from invitation where organization = $1 and id = $2"
    );
    let found = db.row(&sql, values![&key.organization, &key.id]).await?;
    found.map(|row| Ok((read(&row, 0)?, row.get::<i64>(WIDTH)? > 0))).transpose()
}

/// `get`.
pub(super) struct Get {
    asker: Asker,
    key: InvitationKey,
}

impl Get {
    pub(super) fn new(call: &Call, key: InvitationKey) -> Result<Self, OperationError> {
        let asker = Asker::of(call, [&key])?;
        if asker.is_elsewhere(&key.organization) {
            return Err(StoreError::NotFound.into());
        }
        Ok(Self { asker, key })
    }
}

impl Operation for Get {
    type Output = Invitation;
    const NAME: &'static str = "storage.get";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Asker::within(&self.key.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Invitation, OperationError> {
        let found = find(db, &self.key).await?.filter(|(row, told)| self.asker.sees(row, *told));
        let (row, _) = found.ok_or(StoreError::NotFound)?;
        Ok(row.at(db.now()))
    }
}

/// `by-code`.
pub(super) struct ByCode {
    asker: Asker,
    code: [u8; 32],
    /// The caller's organization lets in whoever has a code.
    bearers: bool,
}

impl ByCode {
    /// `accept_with` is what the organization of the context asks for; absent where there is none.
    pub(super) fn new(
        call: &Call,
        code: &[u8],
        accept_with: Option<AcceptWith>,
    ) -> Result<Self, OperationError> {
        let code = bounds::digest("the digest of the code", code)?;
        let bearers = accept_with == Some(AcceptWith::Code);
        Ok(Self { asker: Asker::of(call, [])?, code, bearers })
    }
}

impl Operation for ByCode {
    /// The row and the time at which it was read.
    type Output = Option<(Stored, i64)>;
    const NAME: &'static str = "storage.by-code";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        self.asker.around()
    }

    /// One statement with the condition about the caller in it: a lookup that first finds the row and then
    /// decides tells a stranger by its duration that the code exists.
    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let columns: Vec<_> = COLUMNS.split(',').map(|column| format!("i.{}", column.trim())).collect();
        let sql = format!(
            "select {} from code c join invitation i on i.organization = c.organization and i.id = c.invitation \
             where c.digest = $1 and ((i.subject_organization = $2 and i.subject_id = $3) \
             or (i.organization = $4 and i.accept_with = 'code' and i.state = 'pending' \
             and (i.expires_at is null or i.expires_at > $5)))",
            columns.join(", ")
        );
        let user = self.asker.user();
        let organization = self.asker.organization.as_ref().filter(|_| self.bearers);
        let values = values![
            self.code,
            user.map(|user| &user.organization),
            user.map(|user| &user.id),
            organization,
            db.now()
        ];
        let now = db.now();
        Ok(db.row(&sql, values).await?.map(|row| Ok::<_, DbError>((read(&row, 0)?, now))).transpose()?)
    }
}

/// The answer of `by-code`. Whoever came by the code alone may see the row for the rest of the call.
pub(super) fn admit(call: &Call, found: Option<(Stored, i64)>) -> Option<Invitation> {
    let (row, now) = found?;
    if !call.user().is_some_and(|user| row.is_for(user)) {
        call.admit(&row.invitation.key);
    }
    Some(row.at(now))
}

/// The condition, in SQL, that an invitation's time has run out at `now` while nobody had claimed it.
pub(super) fn run_out(now: &str) -> String {
    format!("state in {OPEN} and expires_at is not null and expires_at <= {now}")
}

/// Refusals that only a host can mean.
pub(super) fn invalid(text: &str) -> OperationError {
    HostError::Invalid(text.into()).into()
}
