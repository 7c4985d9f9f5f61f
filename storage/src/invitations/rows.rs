//! A row of the table `invitation`, and what it says at an instant.

use guestlist_contract::types::{
    AcceptWith, Invitation, InvitationKey, MailState, Notify, State, Subject, UserRef,
};

use crate::{
    codec::{Word as _, from_json, json},
    error::DbError,
    sql::{FromValue, Row, Value},
};

/// All columns, in the order of [`read`] and [`written`].
pub(crate) const COLUMNS: &str = "organization, id, parent, schema, version, state, subject_organization, \
    subject_id, name, inviter, approver, grants, outcomes, accept_with, notify, mail, template, language, \
    landing, metadata, created_at, lifetime, expires_at, ended_at, reason, claims, lease_until, resends, \
    last_operation, replaces, dismissed, reminded, hidden_until, mailed_at";

/// The number of columns.
pub(crate) const WIDTH: usize = 34;

/// The shape of the rows that this store writes.
pub(crate) const SCHEMA: u32 = 1;

/// A row as it is stored: `state` is the stored one, whatever the clock says.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) invitation: Invitation,
    /// A reminder was written for the present lifetime.
    pub(crate) reminded: bool,
    /// Handed out as due work: not again before this instant.
    pub(crate) hidden_until: u64,
    /// The time when the e-mail system accepted the last e-mail with a code.
    pub(crate) mailed_at: Option<u64>,
}

impl Stored {
    /// Its time has run out while nobody had claimed it, written or not.
    pub(crate) fn has_run_out(&self, now: i64) -> bool {
        let open = matches!(self.invitation.state, State::AwaitingApproval | State::Pending);
        open && self.invitation.expires_at.is_some_and(|end| end <= instant(now))
    }

    /// The row as it reads at `now`.
    pub(crate) fn at(mut self, now: i64) -> Invitation {
        self.invitation.state = self.state_at(now);
        self.invitation
    }

    pub(crate) fn state_at(&self, now: i64) -> State {
        if self.has_run_out(now) { State::Expired } else { self.invitation.state }
    }

    pub(crate) fn is_for(&self, user: &UserRef) -> bool {
        matches!(&self.invitation.subject, Subject::User(subject) if subject == user)
    }
}

/// Reads what a column of the clock says.
pub(crate) fn instant(column: i64) -> u64 {
    u64::try_from(column).unwrap_or_default()
}

/// One of [`COLUMNS`].
fn column<T: FromValue>(row: &Row, first: usize, place: usize) -> Result<T, DbError> {
    named(place, row.get(first + place))
}

/// Adds the name of the column to a failure: by it the damaged rows can be found.
fn named<T>(place: usize, read: Result<T, DbError>) -> Result<T, DbError> {
    read.map_err(|failure| match failure {
        DbError::Damaged(cause) => {
            let column = COLUMNS.split(',').nth(place).unwrap_or_default().trim();
            DbError::Damaged(format!("`invitation.{column}`: {}", cause.text()).into())
        }
        other => other,
    })
}

/// The columns of [`COLUMNS`] from the one with the number `first`.
pub(crate) fn read(row: &Row, first: usize) -> Result<Stored, DbError> {
    let text = |place| column::<String>(row, first, place);
    let absent = |place| column::<Option<String>>(row, first, place);
    let number = |place| column::<u32>(row, first, place);
    let time = |place| column::<u64>(row, first, place);
    let no_time = |place| column::<Option<u64>>(row, first, place);
    let truth = |place| column::<bool>(row, first, place);
    let invitation = Invitation {
        key: InvitationKey { organization: text(0)?, id: text(1)? },
        parent: text(2)?,
        schema: number(3)?,
        version: time(4)?,
        state: named(5, State::of(&text(5)?))?,
        subject: Subject::User(UserRef { organization: text(6)?, id: text(7)? }),
        name: text(8)?,
        inviter: named(9, from_json(&text(9)?))?,
        approver: named(10, absent(10)?.as_deref().map(from_json).transpose())?,
        grants: named(11, from_json(&text(11)?))?,
        outcomes: named(12, from_json(&text(12)?))?,
        accept_with: named(13, AcceptWith::of(&text(13)?))?,
        notify: named(14, Notify::of(&text(14)?))?,
        mail: named(15, MailState::of(&text(15)?))?,
        template: absent(16)?,
        language: absent(17)?,
        landing: absent(18)?,
        metadata: named(19, from_json(&text(19)?))?,
        created_at: time(20)?,
        lifetime: no_time(21)?,
        expires_at: no_time(22)?,
        ended_at: no_time(23)?,
        reason: absent(24)?,
        claims: number(25)?,
        lease_until: no_time(26)?,
        resends: number(27)?,
        last_operation: text(28)?,
        replaces: absent(29)?,
        dismissed: truth(30)?,
    };
    Ok(Stored { invitation, reminded: truth(31)?, hidden_until: time(32)?, mailed_at: no_time(33)? })
}

/// The values of [`COLUMNS`].
pub(crate) fn written(stored: &Stored) -> Result<[Value; WIDTH], DbError> {
    let row = &stored.invitation;
    let Subject::User(subject) = &row.subject else {
        return Err(DbError::Refused("contacts are not supported".into()));
    };
    Ok([
        (&row.key.organization).into(),
        (&row.key.id).into(),
        (&row.parent).into(),
        row.schema.into(),
        row.version.into(),
        row.state.word().into(),
        (&subject.organization).into(),
        (&subject.id).into(),
        (&row.name).into(),
        json(&row.inviter)?.into(),
        row.approver.as_ref().map(json).transpose()?.into(),
        json(&row.grants)?.into(),
        json(&row.outcomes)?.into(),
        row.accept_with.word().into(),
        row.notify.word().into(),
        row.mail.word().into(),
        row.template.as_ref().into(),
        row.language.as_ref().into(),
        row.landing.as_ref().into(),
        json(&row.metadata)?.into(),
        row.created_at.into(),
        row.lifetime.into(),
        row.expires_at.into(),
        row.ended_at.into(),
        row.reason.as_ref().into(),
        row.claims.into(),
        row.lease_until.into(),
        row.resends.into(),
        (&row.last_operation).into(),
        row.replaces.as_ref().into(),
        row.dismissed.into(),
        stored.reminded.into(),
        stored.hidden_until.into(),
        stored.mailed_at.into(),
    ])
}

/// The stored states that lead on, as a list in SQL: what the partial indexes are made for.
pub(crate) const ACTIVE: &str = "('awaiting-approval', 'pending', 'accepting')";

/// The states in which time can run out.
pub(crate) const OPEN: &str = "('awaiting-approval', 'pending')";

/// A list of states in SQL. Their words are this program's own, never somebody's text.
pub(crate) fn states(states: impl IntoIterator<Item = State>) -> String {
    let words: Vec<_> = states.into_iter().map(|state| format!("'{}'", state.word())).collect();
    format!("({})", words.join(", "))
}
