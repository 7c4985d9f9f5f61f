//! What became of e-mails about an invitation, for whoever looks at it.
//!
//! The outbox says what is to be sent, and forgets it when that is done. This is for people: it stays as long as the
//! invitation, and nothing is decided by it.

use guestlist_contract::types::MessageKind;

use super::{AccountError, Accounts};
use crate::{
    codec::{self, Word, message, message_of},
    error::{DbError, OperationError},
    people::in_the_way,
    sql::{Connection, Operation, Row, Scope, values},
};

/// The state of an e-mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It waits for a sender.
    Queued,
    /// The mail system has accepted it.
    HandedOver,
    /// It was not accepted for now, and is tried again.
    Retrying,
    /// The mail system does not take it, for ever.
    Refused,
    /// It was tried for long enough.
    GivenUp,
}

impl Word for DeliveryState {
    const FOR: &'static str = "the state of an e-mail";
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Queued, "queued"),
        (Self::HandedOver, "handed-over"),
        (Self::Retrying, "retrying"),
        (Self::Refused, "refused"),
        (Self::GivenUp, "given-up"),
    ];
}

impl DeliveryState {
    /// Its word in the database: `handed-over`.
    #[must_use]
    pub fn text(self) -> &'static str {
        self.word()
    }
}

/// What has become of an e-mail now.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDelivery {
    /// The invitation that it is about.
    pub invitation: String,
    /// What kind of message it is.
    pub kind: MessageKind,
    /// The version of the invitation that asked for it, as in the message.
    pub version: u64,
    /// What has become of it.
    pub state: DeliveryState,
    /// When it is tried again, in milliseconds since 1970.
    pub next_at: Option<u64>,
    /// The words of the mail system, at most 1024 bytes.
    pub words: Option<String>,
}

/// What is known of an e-mail.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryRecord {
    /// What kind of message it is.
    pub kind: MessageKind,
    /// The version of the invitation that asked for it.
    pub version: u64,
    /// What has become of it.
    pub state: DeliveryState,
    /// Since when, in milliseconds since 1970.
    pub at: u64,
    /// When it is tried again.
    pub next_at: Option<u64>,
    /// The words of the mail system.
    pub words: Option<String>,
}

impl Accounts {
    /// Writes down what has become of an e-mail. What was handed over, refused or given up stays so: a later word
    /// about the same e-mail is dropped, and so is one about an invitation that is gone. Tells whether it was
    /// written.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid) where the words are too long.
    pub async fn record_delivery(&self, organization: &str, new: &NewDelivery) -> Result<bool, AccountError> {
        self.ask(Record { organization: organization.to_owned(), new: new.clone() }).await
    }

    /// What became of the e-mails about an invitation, newest first; at most 200.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn deliveries_of(
        &self,
        organization: &str,
        invitation: &str,
    ) -> Result<Vec<DeliveryRecord>, AccountError> {
        self.ask(OfInvitation { organization: organization.to_owned(), invitation: invitation.to_owned() })
            .await
    }
}

fn within(organization: &str) -> Scope {
    Scope { organization: Some(organization.to_owned()), ..Scope::default() }
}

struct Record {
    organization: String,
    new: NewDelivery,
}

impl Operation for Record {
    type Output = bool;
    const NAME: &'static str = "accounts.record-delivery";

    fn scope(&self) -> Scope {
        within(&self.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<bool, OperationError> {
        let NewDelivery { invitation, kind, version, state, next_at, words } = &self.new;
        if words.as_ref().is_some_and(|words| words.len() > 1024) {
            return Err(
                AccountError::Invalid("the words about an e-mail have at most 1024 bytes".into()).into()
            );
        }
        let there = "select 1 from invitation where organization = $1 and id = $2";
        if db.row(there, values![&self.organization, invitation]).await?.is_none() {
            return Ok(false);
        }
        let sql = "insert into delivery (organization, invitation, kind, version, state, at, next_at, words) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8) \
                   on conflict (organization, invitation, kind, version) do update set state = excluded.state, \
                   at = excluded.at, next_at = excluded.next_at, words = excluded.words \
                   where delivery.state in ('queued', 'retrying')";
        let row = values![
            &self.organization,
            invitation,
            message(kind),
            *version,
            state.word(),
            db.now(),
            *next_at,
            words.as_ref()
        ];
        // An invitation that is purged meanwhile is found to be gone by the next try.
        Ok(db.change(sql, row).await.map_err(in_the_way)? > 0)
    }
}

struct OfInvitation {
    organization: String,
    invitation: String,
}

impl Operation for OfInvitation {
    type Output = Vec<DeliveryRecord>;
    const NAME: &'static str = "accounts.deliveries-of";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        within(&self.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Vec<DeliveryRecord>, OperationError> {
        let sql = "select kind, version, state, at, next_at, words from delivery \
                   where organization = $1 and invitation = $2 order by version desc, at desc, kind limit 200";
        let rows = db.rows(sql, values![&self.organization, &self.invitation]).await?;
        let record = |row: &Row| {
            Ok(DeliveryRecord {
                kind: message_of(&row.get::<String>(0)?)?,
                version: row.get(1)?,
                state: codec::Word::of(&row.get::<String>(2)?)?,
                at: row.get(3)?,
                next_at: row.get(4)?,
                words: row.get(5)?,
            })
        };
        Ok(rows.iter().map(record).collect::<Result<_, DbError>>()?)
    }
}
