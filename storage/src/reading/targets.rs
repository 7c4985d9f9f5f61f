//! Groups and roles, and clients.

use guestlist_contract::types::{Grant, GrantKind};

use super::{
    Listed, PageOf, Reading,
    page::{Statement, Turn, named},
    refuse_nul,
};
use crate::{
    AccountError, Client,
    accounts::{CLIENT_COLUMNS, read_client},
    codec::Word as _,
    error::OperationError,
    sql::{Connection, Operation, Scope},
};

/// A group or role.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetRow {
    /// Which it is.
    pub grant: Grant,
    /// Its name, for people.
    pub name: String,
}

impl Reading {
    /// The groups or roles of an organization, by name; those whose name begins so, where there is a prefix, in the
    /// case in which it is written.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid), [`InvalidCursor`](AccountError::InvalidCursor).
    pub async fn targets(
        &self,
        organization: &str,
        kind: GrantKind,
        prefix: Option<&str>,
        page: &PageOf,
    ) -> Result<Listed<TargetRow>, AccountError> {
        let (organization, prefix) = (organization.to_owned(), prefix.map(str::to_owned));
        self.ask(Targets { organization, kind, prefix, page: page.clone(), secret: self.secret().await? })
            .await
    }

    /// The clients of an organization, by name, revoked ones too.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid), [`InvalidCursor`](AccountError::InvalidCursor).
    pub async fn clients(&self, organization: &str, page: &PageOf) -> Result<Listed<Client>, AccountError> {
        let organization = organization.to_owned();
        self.ask(Clients { organization, page: page.clone(), secret: self.secret().await? }).await
    }
}

struct Targets {
    organization: String,
    kind: GrantKind,
    prefix: Option<String>,
    page: PageOf,
    secret: [u8; 32],
}

impl Operation for Targets {
    type Output = Listed<TargetRow>;
    const NAME: &'static str = "reading.targets";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope::default()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let Self { organization, kind, prefix, page, secret } = self;
        refuse_nul(&[organization, prefix.as_deref().unwrap_or_default()])?;
        let turn = Turn::new(*secret, &("targets", organization, kind.word(), prefix), page)?;
        let mut statement = Statement::default();
        statement.equal("organization", organization);
        statement.equal("kind", kind.word());
        statement.range(["name", "id"], prefix.as_deref(), turn.after.clone())?;
        let rest = format!("order by name, id limit {}", statement.bind(turn.rows()));
        let rows = statement.rows(db, "select id, name from target", &rest).await?;
        let mut found = Vec::new();
        for row in rows {
            let (id, name): (String, String) = (row.get(0)?, row.get(1)?);
            let place = named(&name, &id);
            found.push((TargetRow { grant: Grant { kind: *kind, id }, name }, place));
        }
        Ok(turn.page(found))
    }
}

struct Clients {
    organization: String,
    page: PageOf,
    secret: [u8; 32],
}

impl Operation for Clients {
    type Output = Listed<Client>;
    const NAME: &'static str = "reading.clients";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope { organization: Some(self.organization.clone()), ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let turn = Turn::new(self.secret, &("clients", &self.organization), &self.page)?;
        let mut statement = Statement::default();
        statement.equal("organization", &self.organization);
        statement.range(["name", "id"], None, turn.after.clone())?;
        let rest = format!("order by name, id limit {}", statement.bind(turn.rows()));
        let rows = statement.rows(db, &format!("select {CLIENT_COLUMNS} from client"), &rest).await?;
        let mut found = Vec::new();
        for row in rows {
            let client = read_client(&row)?;
            let place = named(&client.name, &client.id);
            found.push((client, place));
        }
        Ok(turn.page(found))
    }
}
