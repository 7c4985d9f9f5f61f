//! People of an organization, residents and guests.

use guestlist_contract::{
    lookup::folded,
    types::{Grant, GrantKind, UserRef},
};

use super::{
    Listed, PageOf, Reading,
    page::{Statement, Turn, name_and_id, named},
    refuse_nul,
};
use crate::{
    AccountError,
    codec::Word as _,
    error::{DbError, OperationError},
    sql::{Connection, Operation, Row, Scope, values},
};

/// Which people are asked for: those for whom all of this is so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PeopleFilter {
    /// Their user name begins so, whatever the case.
    pub name_prefix: Option<String>,
    /// This is their user name, whatever the case.
    pub name: Option<String>,
    /// This is their e-mail address, whatever the case, of residents only.
    pub email: Option<String>,
    /// They are in this group.
    pub group: Option<String>,
    /// They have this role themselves: not by a group, nor for a time by the word of an issuer.
    pub role: Option<String>,
}

/// A person as their organization has them.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonRow {
    /// Their id in this organization.
    pub id: String,
    /// Their user name.
    pub name: String,
    /// Their user store.
    pub store: String,
    /// Their e-mail address; of a guest, who has it where they are resident, absent.
    pub email: Option<String>,
    /// False: they are disabled here.
    pub active: bool,
    /// Their account where they are resident. It is of another organization where they are a guest.
    pub account: UserRef,
}

impl PersonRow {
    /// Tells whether they are a guest of this organization, which was asked about.
    #[must_use]
    pub fn is_guest(&self, organization: &str) -> bool {
        self.account.organization != organization
    }
}

/// A group or role that somebody has.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Which it is.
    pub grant: Grant,
    /// Its name.
    pub name: String,
    /// The invitation that they have it by, where it was one.
    pub invitation: Option<String>,
}

/// A person with their groups and roles.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonDetail {
    /// The person.
    pub person: PersonRow,
    /// The invitation that made them a member, where it was one.
    pub invitation: Option<String>,
    /// The groups and roles that they have themselves, groups first, by name.
    pub held: Vec<Held>,
}

impl Reading {
    /// People of an organization, by name; where a group or role is asked for and no name and address, by id. A
    /// page costs what is on it; with a group or role beside a name, up to what there is of that name.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid), [`InvalidCursor`](AccountError::InvalidCursor).
    pub async fn people(
        &self,
        organization: &str,
        filter: &PeopleFilter,
        page: &PageOf,
    ) -> Result<Listed<PersonRow>, AccountError> {
        let (organization, filter) = (organization.to_owned(), filter.clone());
        self.ask(List { organization, filter, page: page.clone(), secret: self.secret().await? }).await
    }

    /// Who is in a group, or has a role themselves, by id.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid), [`InvalidCursor`](AccountError::InvalidCursor).
    pub async fn members(
        &self,
        organization: &str,
        grant: &Grant,
        page: &PageOf,
    ) -> Result<Listed<PersonRow>, AccountError> {
        let id = Some(grant.id.clone());
        let filter = match grant.kind {
            GrantKind::Group => PeopleFilter { group: id, ..PeopleFilter::default() },
            GrantKind::Role => PeopleFilter { role: id, ..PeopleFilter::default() },
        };
        self.people(organization, &filter, page).await
    }

    /// One person of an organization, by their id there.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn person(&self, organization: &str, id: &str) -> Result<Option<PersonDetail>, AccountError> {
        let which = Which::Id(id.to_owned());
        self.ask(Get { organization: organization.to_owned(), which }).await
    }

    /// The same, by the account that they have where they are resident.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn person_of(
        &self,
        organization: &str,
        account: &UserRef,
    ) -> Result<Option<PersonDetail>, AccountError> {
        let which = Which::Account(account.clone());
        self.ask(Get { organization: organization.to_owned(), which }).await
    }
}

const COLUMNS: &str = "p.id, p.name, p.store, p.email, p.active, p.account_organization, p.account_id";

fn read(row: &Row) -> Result<PersonRow, DbError> {
    Ok(PersonRow {
        id: row.get(0)?,
        name: row.get(1)?,
        store: row.get(2)?,
        email: row.get(3)?,
        active: row.get(4)?,
        account: UserRef { organization: row.get(5)?, id: row.get(6)? },
    })
}

struct List {
    organization: String,
    filter: PeopleFilter,
    page: PageOf,
    secret: [u8; 32],
}

impl List {
    fn check(&self) -> Result<(), OperationError> {
        let PeopleFilter { name_prefix, name, email, group, role } = &self.filter;
        let texts = [name_prefix, name, email, group, role];
        let texts: Vec<&str> = texts.into_iter().flatten().map(String::as_str).collect();
        refuse_nul(&texts)?;
        refuse_nul(&[&self.organization])?;
        if texts.iter().any(|text| text.len() > 1024) {
            return Err(AccountError::Invalid("a filter has at most 1024 bytes".into()).into());
        }
        Ok(())
    }
}

impl Operation for List {
    type Output = Listed<PersonRow>;
    const NAME: &'static str = "reading.people";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope::default()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        self.check()?;
        let PeopleFilter { name_prefix, name, email, group, role } = &self.filter;
        let prefix = name_prefix.as_deref().map(folded);
        let (name, email) = (name.as_deref().map(folded), email.as_deref().map(folded));
        let about = ("people", &self.organization, &prefix, &name, &email, group, role);
        let turn = Turn::new(self.secret, &about, &self.page)?;
        let mut statement = Statement::default();
        let mut held: Vec<_> = [(GrantKind::Group, group), (GrantKind::Role, role)]
            .into_iter()
            .filter_map(|(kind, id)| id.as_ref().map(|id| (kind, id)))
            .collect();
        // Of a name or an address there are few. Else those of a group or role are found by that.
        let by_name = prefix.is_some() || name.is_some() || email.is_some() || held.is_empty();
        let (table, order) = if by_name {
            statement.equal("p.organization", &self.organization);
            ("p", "p.folded, p.id")
        } else {
            let (kind, id) = held.remove(0);
            statement.equal("h.organization", &self.organization);
            statement.equal("h.kind", kind.word());
            statement.equal("h.target", id);
            ("h", "h.person")
        };
        if let Some(name) = &name {
            statement.equal("p.folded", name);
        }
        if let Some(email) = &email {
            statement.equal("p.folded_email", email);
        }
        let person = if by_name { "p.id" } else { "h.person" };
        for (kind, id) in held {
            let (kind, id) = (statement.bind(kind.word()), statement.bind(id));
            statement.require(format!(
                "exists (select 1 from held x where x.organization = {table}.organization and x.person = {person} \
                 and x.kind = {kind} and x.target = {id})"
            ));
        }
        if by_name {
            statement.range(["p.folded", "p.id"], prefix.as_deref(), turn.after.clone())?;
        } else if let Some(place) = turn.after.clone() {
            let id = statement.bind(name_and_id(place)?.1);
            statement.require(format!("h.person > {id}"));
        }
        let rest = format!("order by {order} limit {}", statement.bind(turn.rows()));
        let rows = if by_name {
            statement.rows(db, &format!("select {COLUMNS} from person p"), &rest).await?
        } else {
            // The page is cut before anybody is looked at.
            let select = format!("select {COLUMNS} from (select h.organization, h.person from held h");
            let rest = format!(
                "{rest}) page cross join person p where p.organization = page.organization \
                 and p.id = page.person order by page.person"
            );
            statement.rows(db, &select, &rest).await?
        };
        let row = |row: &Row| {
            let person = read(row)?;
            let name = if by_name { folded(&person.name) } else { String::new() };
            let place = named(&name, &person.id);
            Ok::<_, DbError>((person, place))
        };
        Ok(turn.page(rows.iter().map(row).collect::<Result<_, _>>()?))
    }
}

enum Which {
    Id(String),
    Account(UserRef),
}

struct Get {
    organization: String,
    which: Which,
}

impl Operation for Get {
    type Output = Option<PersonDetail>;
    const NAME: &'static str = "reading.person";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope::default()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let select = format!("select {COLUMNS}, p.invitation from person p where p.organization = $1");
        let organization = &self.organization;
        let row = match &self.which {
            Which::Id(id) => {
                refuse_nul(&[organization, id])?;
                db.row(&format!("{select} and p.id = $2"), values![organization, id]).await?
            }
            Which::Account(UserRef { organization: home, id }) => {
                refuse_nul(&[organization, home, id])?;
                let sql = format!("{select} and p.account_organization = $2 and p.account_id = $3");
                db.row(&sql, values![organization, home, id]).await?
            }
        };
        let Some(row) = row else { return Ok(None) };
        let (person, invitation) = (read(&row)?, row.get(7)?);
        let sql = "select h.kind, h.target, t.name, h.invitation from held h join target t \
                   on t.organization = h.organization and t.kind = h.kind and t.id = h.target \
                   where h.organization = $1 and h.person = $2 order by h.kind, t.name, t.id";
        let held = |row: &Row| {
            let grant = Grant { kind: GrantKind::of(&row.get::<String>(0)?)?, id: row.get(1)? };
            Ok::<_, DbError>(Held { grant, name: row.get(2)?, invitation: row.get(3)? })
        };
        let rows = db.rows(sql, values![organization, &person.id]).await?;
        let held = rows.iter().map(held).collect::<Result<_, _>>()?;
        Ok(Some(PersonDetail { person, invitation, held }))
    }
}
