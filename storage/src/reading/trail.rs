//! The audit trail of an organization.

use guestlist_contract::{
    audit::{Event, EventKind},
    paging::{Key, Place},
    types::Principal,
};

use super::{
    Listed, PageOf, Reading,
    page::{Statement, Turn},
    refuse_nul,
};
use crate::{
    AccountError, audit, codec,
    error::OperationError,
    sql::{Connection, Operation, Scope},
};

/// Which events are asked for; by default all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrailFilter {
    /// What happened: one of these.
    pub kind: Option<EventKind>,
    /// Who did it.
    pub actor: Option<Principal>,
    /// The invitation that it is about.
    pub invitation: Option<String>,
    /// Not before this time, in milliseconds since 1970.
    pub from: Option<u64>,
    /// Before this time.
    pub until: Option<u64>,
}

impl Reading {
    /// The audit trail of an organization, newest first. With an invitation, an actor or a kind a page costs what is
    /// on it; with several of them, up to what there is of the first of these.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid), [`InvalidCursor`](AccountError::InvalidCursor).
    pub async fn trail(
        &self,
        organization: &str,
        filter: &TrailFilter,
        page: &PageOf,
    ) -> Result<Listed<Event>, AccountError> {
        let (organization, filter) = (organization.to_owned(), filter.clone());
        self.ask(Trail { organization, filter, page: page.clone(), secret: self.secret().await? }).await
    }
}

struct Trail {
    organization: String,
    filter: TrailFilter,
    page: PageOf,
    secret: [u8; 32],
}

impl Operation for Trail {
    type Output = Listed<Event>;
    const NAME: &'static str = "reading.trail";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope { organization: Some(self.organization.clone()), ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let TrailFilter { kind, actor, invitation, from, until } = &self.filter;
        refuse_nul(&[invitation.as_deref().unwrap_or_default()])?;
        let actor = actor.as_ref().map(codec::principal).transpose()?;
        let kind = kind.map(EventKind::text);
        let about = ("trail", &self.organization, kind, &actor, invitation, from, until);
        let turn = Turn::new(self.secret, &about, &self.page)?;
        let mut statement = Statement::default();
        statement.equal("organization", &self.organization);
        // An index is used for the first of these, and none is there for an expression.
        let mut is_found = false;
        let mut by = |statement: &mut Statement, column: &str, value: Option<&str>| {
            if let Some(value) = value {
                let column = if is_found { format!("{column} || ''") } else { column.to_owned() };
                statement.equal(&column, value);
                is_found = true;
            }
        };
        by(&mut statement, "invitation", invitation.as_deref());
        by(&mut statement, "actor", actor.as_deref());
        by(&mut statement, "kind", kind);
        if let Some(from) = from {
            let from = statement.bind(*from);
            statement.require(format!("at >= {from}"));
        }
        // What comes after the cursor is before the end, too, and of two ends a database may take the later.
        if let Some(until) = until.filter(|_| turn.after.is_none()) {
            let until = statement.bind(until);
            statement.require(format!("at < {until}"));
        }
        if let Some(after) = &turn.after {
            let place = after.id.parse::<u64>().map_err(|_| AccountError::InvalidCursor)?;
            let Key::Time(at) = after.key else { return Err(AccountError::InvalidCursor.into()) };
            let (at, place) = (statement.bind(at), statement.bind(place));
            statement.require(format!("(at, place) < ({at}, {place})"));
        }
        let rest = format!("order by at desc, place desc limit {}", statement.bind(turn.rows()));
        let select = format!("select {}, place from audit", audit::COLUMNS);
        let mut found = Vec::new();
        for row in statement.rows(db, &select, &rest).await? {
            let event = audit::read(&row)?;
            let place: u64 = row.get(audit::WIDTH)?;
            let at = Key::Time(event.at);
            found.push((event, Place { key: at, organization: String::new(), id: place.to_string() }));
        }
        Ok(turn.page(found))
    }
}
