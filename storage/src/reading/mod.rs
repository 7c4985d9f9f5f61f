//! Lists for people who look after organizations, a page at a time, and names for the ids in them.
//!
//! Pages are cut by key, as those of invitations: a page costs what is on it, wherever it is. Who may see what is
//! for the server to say; each list is of one organization, and holds nothing of another.

mod leases;
mod letters;
mod memberships;
mod names;
mod organizations;
mod page;
mod people;
mod rules;
mod targets;
mod trail;

use std::sync::Arc;

use tokio::sync::OnceCell;

pub use leases::RoleLease;
pub use letters::{Contact, LetterFacts};
pub use memberships::MembershipRow;
pub use organizations::{OrganizationRow, Organizations};
pub use page::{Listed, PageOf};
pub use people::{Held, PeopleFilter, PersonDetail, PersonRow};
pub use rules::{OrganizationSettings, TargetDetail};
pub use targets::TargetRow;
pub use trail::TrailFilter;

use crate::{AccountError, Database, error::OperationError, invitations::lists::Secret, sql::Operation};

/// Lists for people who look after organizations. Cloning it shares the database.
#[derive(Clone)]
pub struct Reading {
    database: Database,
    /// The key that seals cursors. Read once.
    secret: Arc<OnceCell<[u8; 32]>>,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Reading").field("database", &self.database).finish_non_exhaustive()
    }
}

impl Database {
    /// Lists of what this database has, for people who look after organizations.
    #[must_use]
    pub fn reading(&self) -> Reading {
        Reading { database: self.clone(), secret: Arc::new(OnceCell::new_with(self.cursor_key)) }
    }
}

impl Reading {
    async fn ask<O: Operation>(&self, operation: O) -> Result<O::Output, AccountError> {
        Ok(self.database.perform(None, operation).await?)
    }

    async fn secret(&self) -> Result<[u8; 32], AccountError> {
        let read = || async { self.ask(Secret("cursors")).await };
        self.secret.get_or_try_init(read).await.copied()
    }
}

/// Nothing that is stored has the character NUL, and PostgreSQL cannot even be asked for it.
fn refuse_nul(texts: &[&str]) -> Result<(), OperationError> {
    if texts.iter().any(|text| text.contains('\0')) {
        return Err(AccountError::Invalid("a text holds the character NUL, which nothing has".into()).into());
    }
    Ok(())
}
