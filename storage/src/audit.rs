//! Writing the audit trail.
//!
//! Events are written in the transaction of the change that they tell of, so there is neither without the
//! other. They hold ids, times and words of the contract: no code, and no text that somebody wrote. Of a name
//! that was refused there is a keyed digest.

use guestlist_contract::{
    audit::{self, EventKind, Word},
    host::Call,
    types::{Grant, GrantKind, Invitation, Principal, Subject, UserRef},
};

use crate::{
    bulk_sql,
    codec::{self, Word as _, from_json},
    error::DbError,
    sql::{Connection, Row, Value},
};

/// The columns of an event, in the order of [`Event::values`].
pub(crate) const COLUMNS: &str = "at, organization, actor, request_id, kind, word, operation, invitation, \
    subject_organization, subject_id, name, grant_kind, grant_id, about";

/// The number of columns.
pub(crate) const WIDTH: usize = 14;

/// The one who acts, and the call in which they do.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    /// The principal, as JSON.
    pub(crate) who: String,
    pub(crate) request_id: String,
    /// The export; empty for what is done from outside of any call.
    pub(crate) operation: String,
}

/// The things that an event is about, beside its kind.
#[derive(Default)]
pub(crate) struct Of<'a> {
    pub(crate) invitation: Option<&'a str>,
    pub(crate) subject: Option<&'a UserRef>,
    /// The keyed digest of a name.
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) grant: Option<&'a Grant>,
    pub(crate) about: Option<&'a str>,
    pub(crate) word: Option<Word>,
}

impl<'a> Of<'a> {
    /// An invitation and whom it is for.
    pub(crate) fn row(row: &'a Invitation) -> Self {
        let subject = match &row.subject {
            Subject::User(user) => Some(user),
            Subject::Contact(_) => None,
        };
        Self { invitation: Some(&row.key.id), subject, ..Self::default() }
    }

    pub(crate) fn user(user: &'a UserRef) -> Self {
        Self { subject: Some(user), ..Self::default() }
    }

    pub(crate) fn grant(grant: &'a Grant) -> Self {
        Self { grant: Some(grant), ..Self::default() }
    }

    pub(crate) fn id(id: &'a str) -> Self {
        Self { about: Some(id), ..Self::default() }
    }
}

/// Something that happened, or that was asked and refused: a row without its time.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Absent for a refusal in a call without an organization.
    pub(crate) organization: Option<String>,
    /// The principal, as JSON.
    pub(crate) actor: String,
    pub(crate) request_id: String,
    pub(crate) kind: EventKind,
    pub(crate) word: Option<Word>,
    pub(crate) operation: String,
    pub(crate) invitation: Option<String>,
    pub(crate) subject: Option<UserRef>,
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) grant: Option<Grant>,
    pub(crate) about: Option<String>,
}

impl Actor {
    /// The caller.
    pub(crate) fn of(call: &Call) -> Result<Self, DbError> {
        Ok(Self {
            who: codec::principal(&call.context.caller)?,
            request_id: call.context.request_id.clone(),
            operation: call.operation.name().to_owned(),
        })
    }

    /// The host itself, outside of any call.
    pub(crate) fn host() -> Result<Self, DbError> {
        let who = codec::principal(&Principal::System)?;
        Ok(Self { who, request_id: String::new(), operation: String::new() })
    }

    /// An event about what they did.
    pub(crate) fn event(&self, organization: Option<&str>, kind: EventKind, of: &Of<'_>) -> Event {
        Event {
            organization: organization.map(str::to_owned),
            actor: self.who.clone(),
            request_id: self.request_id.clone(),
            kind,
            word: of.word,
            operation: self.operation.clone(),
            invitation: of.invitation.map(str::to_owned),
            subject: of.subject.cloned(),
            name: of.name.clone(),
            grant: of.grant.cloned(),
            about: of.about.map(str::to_owned),
        }
    }
}

impl Event {
    /// The values of [`COLUMNS`].
    pub(crate) fn values(&self, at: impl Into<Value>) -> [Value; WIDTH] {
        let (subject, grant) = (self.subject.as_ref(), self.grant.as_ref());
        [
            at.into(),
            self.organization.as_ref().into(),
            (&self.actor).into(),
            (&self.request_id).into(),
            self.kind.text().into(),
            self.word.map(Word::text).into(),
            (&self.operation).into(),
            self.invitation.as_ref().into(),
            subject.map(|subject| &subject.organization).into(),
            subject.map(|subject| &subject.id).into(),
            self.name.clone().map_or(Value::Null, Value::Bytes),
            grant.map(|grant| grant.kind.text()).into(),
            grant.map(|grant| &grant.id).into(),
            self.about.as_ref().into(),
        ]
    }
}

/// An event from the columns of [`COLUMNS`].
pub(crate) fn read(row: &Row) -> Result<audit::Event, DbError> {
    let no_word =
        |what: &str| DbError::Damaged(format!("`audit.{what}` holds no word of the audit trail").into());
    let kind: String = row.get(4)?;
    let word: Option<String> = row.get(5)?;
    let grant = row.get::<Option<String>>(11)?.as_deref().map(GrantKind::of).transpose()?;
    Ok(audit::Event {
        at: row.get(0)?,
        organization: row.get(1)?,
        actor: from_json(&row.get::<String>(2)?)?,
        request_id: row.get(3)?,
        kind: EventKind::of_text(&kind).ok_or_else(|| no_word("kind"))?,
        word: word.map(|word| Word::of_text(&word).ok_or_else(|| no_word("word"))).transpose()?,
        operation: row.get(6)?,
        invitation: row.get(7)?,
        subject: row
            .get::<Option<_>>(8)?
            .zip(row.get(9)?)
            .map(|(organization, id)| UserRef { organization, id }),
        name: row.get(10)?,
        grant: grant.zip(row.get(12)?).map(|(kind, id)| Grant { kind, id }),
        about: row.get(13)?,
    })
}

/// Appends events, in order, with the time of the transaction.
pub(crate) async fn note<C: Connection>(db: &mut C, events: &[Event]) -> Result<(), DbError> {
    let at = db.now();
    let rows = events.iter().map(|event| event.values(at)).collect();
    bulk_sql::insert(db, &format!("audit ({COLUMNS})"), rows, "").await?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// The words in the list that follows this.
    fn listed<'a>(schema: &'a str, after: &str) -> Vec<&'a str> {
        let (_, rest) = schema.split_once("create trigger audit_words").unwrap();
        let (list, _) = rest.split_once(after).unwrap().1.split_once(')').unwrap();
        list.split(',').map(|word| word.trim().trim_matches('\'')).collect()
    }

    #[test]
    fn a_database_takes_the_words_of_the_contract_and_no_others() {
        for schema in [include_str!("sqlite/0001.sql"), include_str!("postgres/0001.sql")] {
            let kinds: Vec<_> = EventKind::ALL.iter().map(|kind| kind.text()).collect();
            assert_eq!(listed(schema, "new.kind not in ("), kinds);
            let words: Vec<_> = Word::ALL.iter().map(|word| word.text()).collect();
            assert_eq!(listed(schema, "new.word not in ("), words);
        }
    }
}
