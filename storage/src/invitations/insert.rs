//! Making invitations, a batch at a time, each position of an operation once.
//!
//! A batch is one transaction of few statements, however many drafts it has: what is there is read first,
//! the drafts are judged in their order, and what came of it is written at the end. The unique indexes
//! decide where somebody else does the same at the same time: then the transaction begins anew.

mod operation;
mod prepared;

use guestlist_contract::{
    bounds::{self, CheckedDraft},
    host::Call,
    storage::{Batch, Inserted, Recorded, StoreError},
};

use self::{operation::Remembered, prepared::Judging};
use super::{access::Asker, reading::invalid};
use crate::{
    codec::from_json,
    error::{DbError, OperationError},
    sql::{Connection, Operation, Scope, values},
};

/// The time for which an operation is remembered after it has last recorded something, in milliseconds.
const REMEMBERED: i64 = 24 * 60 * 60 * 1000;

/// `insert`.
pub(super) struct Insert {
    asker: Asker,
    pub(super) organization: String,
    batch: Batch,
    fingerprint: [u8; 32],
    /// The key of the digests that stand for names.
    pub(super) names: [u8; 32],
    /// The places where the organization's invitations may lead; absent: the database knows.
    pub(super) landings: Option<Vec<String>>,
}

impl Insert {
    pub(super) fn new(call: &Call, organization: String, batch: Batch) -> Result<Self, OperationError> {
        call.acts_in(&organization)?;
        call.named()?;
        bounds::batch(&batch)?;
        batch.drafts.iter().try_for_each(|draft| bounds::draft(&batch, draft).map(|_| ()))?;
        let fingerprint = bounds::digest("the fingerprint", &batch.fingerprint)?;
        let asker = Asker::of(call, [])?;
        Ok(Self { asker, organization, batch, fingerprint, names: [0; 32], landings: None })
    }

    /// The landing place is one of those that the organization allows.
    async fn check_landing<C: Connection>(&self, db: &mut C) -> Result<(), OperationError> {
        let Some(landing) = &self.batch.landing else { return Ok(()) };
        let allowed = match &self.landings {
            Some(allowed) => allowed.clone(),
            None => {
                let sql = "select landings from organization where id = $1 and deleted = 0";
                let row = db.row(sql, values![&self.organization]).await?;
                row.map_or(Ok(Vec::new()), |row| from_json(&row.get::<String>(0)?))?
            }
        };
        if bounds::is_allowed_landing(&allowed, landing) {
            return Ok(());
        }
        Err(invalid("the landing place is none of those that the organization allows"))
    }

    fn drafts(&self) -> Result<Vec<CheckedDraft<'_>>, OperationError> {
        Ok(self
            .batch
            .drafts
            .iter()
            .map(|draft| bounds::draft(&self.batch, draft))
            .collect::<Result<_, _>>()?)
    }
}

impl Operation for Insert {
    type Output = Vec<Result<Inserted, StoreError>>;
    const NAME: &'static str = "storage.insert";

    fn scope(&self) -> Scope {
        Asker::within(&self.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let drafts = self.drafts()?;
        self.check_landing(db).await?;
        let known = self.remember(db).await?;
        let mut judging = Judging::begin(self, db, known, &drafts).await?;
        let items = drafts.iter().map(|draft| judging.judge(draft)).collect::<Result<_, DbError>>()?;
        judging.refuse();
        judging.write(db).await?;
        Ok(items)
    }
}

/// `recall`.
pub(super) struct Recall {
    asker: Asker,
    organization: String,
    operation: String,
    fingerprint: [u8; 32],
}

impl Recall {
    pub(super) fn new(
        call: &Call,
        organization: String,
        operation: String,
        fingerprint: &[u8],
    ) -> Result<Self, OperationError> {
        call.acts_in(&organization)?;
        bounds::id("the operation id", &operation)?;
        let fingerprint = bounds::digest("the fingerprint", fingerprint)?;
        Ok(Self { asker: Asker::of(call, [])?, organization, operation, fingerprint })
    }
}

impl Operation for Recall {
    type Output = Vec<Recorded>;
    const NAME: &'static str = "storage.recall";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Asker::within(&self.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let since = db.now().saturating_sub(REMEMBERED);
        let known = Remembered::read(db, &self.organization, &self.asker.actor.who, &self.operation).await?;
        match known.filter(|known| known.at >= since) {
            None => Ok(Vec::new()),
            Some(known) if known.fingerprint != self.fingerprint => Err(StoreError::OperationReused.into()),
            Some(known) => Ok(known.recorded(db.now())),
        }
    }
}
