//! Messages that a process of the host's own has taken to send, and what becomes of them when it is gone.
//!
//! Who takes a message with a lease says again and again that it still has it. Where nobody says so any more the
//! message falls due again, whichever process notices. So a process that dies, or that is cut off from the
//! database, keeps nothing for ever, and another that is only slow keeps what it has.

use std::collections::{BTreeMap, BTreeSet};

use guestlist_contract::types::{HostError, MessageKind};

use super::{Invitations, access::Asker, transition::later};
use crate::{
    bulk_sql, codec,
    error::{DbError, OperationError},
    sql::{Connection, Operation, Row, Scope, Value, values},
};

/// A message that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct TakenMessage {
    /// The invitation that it is about.
    pub invitation: String,
    /// What kind of message it is.
    pub kind: MessageKind,
    /// The version of the invitation, as in the message.
    pub version: u64,
}

impl Invitations {
    /// Lets what is settled as `taken` be taken for so long only, in milliseconds, unless it is
    /// [renewed](Self::renew_taken): for a host that sends e-mails itself. Without it a message is taken for as long
    /// as it takes, as by a pipeline that keeps it on a disk of its own.
    #[must_use]
    pub fn with_taken_lease(mut self, lease: u64) -> Self {
        self.taken_lease = Some(lease);
        self
    }

    /// Says of messages that they are still about to be sent, so that their lease begins again. Answers for each
    /// whether it is: what is not (a resend has begun it anew, it was settled, or given back and taken by somebody
    /// else meanwhile) should not be sent. At most 200.
    ///
    /// # Errors
    /// [`Invalid`](HostError::Invalid) for more, or without a [lease](Self::with_taken_lease); the database does not
    /// answer.
    pub async fn renew_taken(
        &self,
        organization: &str,
        held: &[TakenMessage],
    ) -> Result<Vec<bool>, HostError> {
        let Some(lease) = self.taken_lease else {
            return Err(HostError::Invalid("what is taken without a lease is not renewed".into()));
        };
        if held.len() > MOST {
            return Err(HostError::Invalid(format!("at most {MOST} messages are renewed at once")));
        }
        let (organization, held) = (organization.to_owned(), held.to_vec());
        self.tell(None, Ok(Renew { organization, held, lease })).await
    }

    /// Gives back what was taken with a lease that nobody has renewed in time, of all organizations, at most
    /// `limit`, those first that ended first; tells how many. An invitation, and whatever is sent until it arrives,
    /// falls due at once. What is sent at most once stays where it is: nobody knows whether it was sent.
    ///
    /// Any process may ask at any time, when it starts and once in a while: it takes nothing from a process that
    /// renews what it has.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn release_taken(&self, limit: u32) -> Result<u64, HostError> {
        self.tell(None, Ok(Release { limit })).await
    }
}

/// The most messages of one call.
const MOST: usize = 200;

struct Renew {
    organization: String,
    held: Vec<TakenMessage>,
    lease: u64,
}

impl Operation for Renew {
    type Output = Vec<bool>;
    const NAME: &'static str = "renew-taken";

    fn scope(&self) -> Scope {
        Asker::within(&self.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Vec<bool>, OperationError> {
        let until = later(db.now(), self.lease);
        let key = |held: &TakenMessage| (codec::message(&held.kind), held.invitation.clone());
        let mut alike: BTreeMap<(String, u64), Vec<&str>> = BTreeMap::new();
        for held in &self.held {
            alike.entry((codec::message(&held.kind), held.version)).or_default().push(&held.invitation);
        }
        let mut renewed = BTreeSet::new();
        for ((kind, version), invitations) in alike {
            let mut bound = values![until, &self.organization, &kind, version].to_vec();
            let list = bulk_sql::list(5, invitations.len());
            bound.extend(invitations.into_iter().map(Value::from));
            let sql = format!(
                "update outbox set taken_until = $1 where organization = $2 and kind = $3 and version <= $4 \
                 and taken = 1 and taken_until is not null and invitation in {list} returning invitation"
            );
            for row in db.rows(&sql, &bound).await? {
                renewed.insert((kind.clone(), row.get::<String>(0)?));
            }
        }
        Ok(self.held.iter().map(|held| renewed.contains(&key(held))).collect())
    }
}

struct Release {
    limit: u32,
}

impl Operation for Release {
    type Output = u64;
    const NAME: &'static str = "release-taken";

    fn scope(&self) -> Scope {
        Scope { everything: true, ..Scope::default() }
    }

    /// Rows that somebody else has locked are settled or renewed just now, so they are left alone.
    async fn run<C: Connection>(&self, db: &mut C) -> Result<u64, OperationError> {
        let now = db.now();
        let sql = format!(
            "select organization, invitation, kind from outbox where taken = 1 and taken_until is not null \
             and taken_until <= $1 order by taken_until limit $2{}",
            db.for_update_skip_locked()
        );
        let read =
            |row: &Row| Ok::<(String, String, String), DbError>((row.get(0)?, row.get(1)?, row.get(2)?));
        let rows = db.rows(&sql, values![now, self.limit]).await?;
        let over = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let mut released = 0;
        let mut alike: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for (organization, invitation, kind) in &over {
            alike.entry((organization, kind)).or_default().push(invitation);
        }
        for ((organization, kind), invitations) in alike {
            let mut bound = values![now, organization, kind].to_vec();
            let list = bulk_sql::list(4, invitations.len());
            bound.extend(invitations.into_iter().map(Value::from));
            // Without a time it is sent at most once.
            let sql = format!(
                "update outbox set taken = 0, taken_until = null, \
                 due_at = case when due_at is null then null else cast($1 as bigint) end \
                 where organization = $2 and kind = $3 and invitation in {list}"
            );
            released += db.change(&sql, &bound).await?;
        }
        Ok(released)
    }
}
