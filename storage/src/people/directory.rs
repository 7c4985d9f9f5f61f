//! `directory`.

use std::collections::BTreeSet;

use guestlist_contract::{
    bounds,
    directory::{Found, LookupError, Organization, OrganizationState, User},
    host::Call,
    lookup::{By, Look, readings, store_name},
    types::{HostError, Permissions, Principal, UserRef},
};

use super::{
    is_askable,
    persons::{self, Seen},
    rights::rights,
    visibility::{concerns, concerns_people_of},
};
use crate::{
    error::{DbError, OperationError},
    invitations::access::Asker,
    sql::{Connection, Operation, Scope, values},
};

/// `get-organization`.
pub(super) struct GetOrganization {
    asker: Asker,
    id: String,
}

impl GetOrganization {
    pub(super) fn new(call: &Call, id: String) -> Result<Self, DbError> {
        Ok(Self { asker: Asker::around_call(call)?, id })
    }
}

impl Operation for GetOrganization {
    type Output = Option<Organization>;
    const NAME: &'static str = "directory.get-organization";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        self.asker.around()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        concerns(db, &self.asker, &self.id).await?;
        let sql = "select name, parent, active from organization where id = $1 and deleted = 0";
        let Some(row) = db.row(sql, values![&self.id]).await? else { return Ok(None) };
        let active: bool = row.get(2)?;
        Ok(Some(Organization {
            id: self.id.clone(),
            parent: row.get(1)?,
            state: if active { OrganizationState::Active } else { OrganizationState::Disabled },
            display_name: row.get(0)?,
        }))
    }
}

/// `find-users`.
pub(super) struct FindUsers {
    asker: Asker,
    organization: String,
    domain: Option<String>,
    names: Vec<String>,
}

type Answers = Vec<Result<Found, HostError>>;

/// The user stores of an organization, and whether each answers.
struct Stores(Vec<(String, bool)>);

impl Stores {
    /// `None`: there is no such organization.
    async fn read<C: Connection>(db: &mut C, organization: &str) -> Result<Option<Self>, DbError> {
        let sql = "select s.name, s.answers from organization o left join userstore s on s.organization = o.id \
                   where o.id = $1 and o.deleted = 0 order by s.name";
        let rows = db.rows(sql, values![organization]).await?;
        let store = |row: &crate::sql::Row| {
            let name: Option<String> = row.get(0)?;
            name.map(|name| Ok((name, row.get(1)?))).transpose()
        };
        let stores = rows.iter().filter_map(|row| store(row).transpose()).collect::<Result<_, DbError>>()?;
        Ok((!rows.is_empty()).then_some(Self(stores)))
    }

    fn has(&self, store: &str) -> bool {
        self.0.iter().any(|(known, _)| known == store)
    }

    /// The readings of a name; an error where a store that is needed for it cannot answer just now.
    fn readings(&self, domain: Option<&str>, name: &str) -> Result<Vec<Look>, HostError> {
        let looks = readings(name, domain, |store| self.has(store));
        let silent = |(known, answers): &(String, bool), look: &Look| {
            !answers && look.store.as_ref().is_none_or(|store| store == known)
        };
        if looks.iter().any(|look| look.is_needed && self.0.iter().any(|store| silent(store, look))) {
            return Err(HostError::Unavailable(None));
        }
        Ok(looks.into_iter().filter(|look| is_askable(&look.text)).collect())
    }
}

/// Finds whom a text may mean, by any of its readings: two accounts at most, because that is one too many.
/// Whether they are enabled is no question here, and a guest whose account is gone is nobody.
fn fitting<'a>(people: &'a [Seen], looks: &[Look]) -> Vec<&'a Seen> {
    let mut fitting: Vec<&Seen> = Vec::new();
    for person in people.iter().filter(|person| person.has_account()) {
        if fitting.iter().all(|known| known.account != person.account)
            && looks.iter().any(|look| person.fits(look))
        {
            fitting.push(person);
        }
        if fitting.len() > 1 {
            break;
        }
    }
    fitting
}

impl FindUsers {
    pub(super) fn new(
        call: &Call,
        organization: String,
        domain: Option<String>,
        names: Vec<String>,
    ) -> Result<Self, DbError> {
        Ok(Self { asker: Asker::around_call(call)?, organization, domain, names })
    }

    fn check(&self) -> Result<(), HostError> {
        bounds::count("names", self.names.len(), 100)?;
        self.names.iter().try_for_each(|name| bounds::text("a name", name, bounds::NAME))?;
        bounds::text("the user store", self.domain.as_deref().unwrap_or_default(), 255)
    }
}

impl Operation for FindUsers {
    type Output = Result<Answers, LookupError>;
    const NAME: &'static str = "directory.find-users";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        self.asker.around()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        concerns_people_of(db, &self.asker, &self.organization).await?;
        self.check()?;
        let Some(known) = Stores::read(db, &self.organization).await? else {
            return Ok(Ok(self.names.iter().map(|_| Ok(Found::Nobody)).collect()));
        };
        let domain = self.domain.as_ref().map(|name| store_name(name));
        if let (Some(store), Some(name)) = (&domain, &self.domain)
            && !known.has(store)
        {
            return Ok(Err(LookupError::UnknownUserstore(name.clone())));
        }
        let readings: Vec<_> =
            self.names.iter().map(|name| known.readings(domain.as_deref(), name)).collect();
        let (mut names, mut addresses) = (Vec::new(), Vec::new());
        let stores: BTreeSet<String> =
            readings.iter().flatten().flatten().filter_map(|look| look.store.clone()).collect();
        let stores: Vec<String> = stores.into_iter().collect();
        for look in readings.iter().flatten().flatten() {
            match look.by {
                By::Name => names.push(look.text.clone()),
                By::Address => addresses.push(look.text.clone()),
            }
        }
        let people = persons::named(db, &self.organization, &stores, &names, &addresses).await?;
        let answer = |looks: Result<Vec<Look>, HostError>| {
            Ok(match fitting(&people, &looks?).as_slice() {
                [] => Found::Nobody,
                [person] => Found::One(person.user(&self.organization)),
                _ => Found::Ambiguous,
            })
        };
        Ok(Ok(readings.into_iter().map(answer).collect()))
    }
}

/// `get-users`.
pub(super) struct GetUsers {
    asker: Asker,
    organization: String,
    accounts: Vec<UserRef>,
}

impl GetUsers {
    pub(super) fn new(call: &Call, organization: String, accounts: Vec<UserRef>) -> Result<Self, DbError> {
        Ok(Self { asker: Asker::around_call(call)?, organization, accounts })
    }
}

impl Operation for GetUsers {
    type Output = Vec<Option<User>>;
    const NAME: &'static str = "directory.get-users";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        self.asker.around()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        concerns_people_of(db, &self.asker, &self.organization).await?;
        bounds::count("accounts", self.accounts.len(), 100)?;
        let people = persons::with_accounts(db, &self.organization, &self.accounts).await?;
        let user = |account: &UserRef| {
            let person = people.iter().find(|person| person.account == *account)?;
            person.has_account().then(|| person.user(&self.organization))
        };
        Ok(self.accounts.iter().map(user).collect())
    }
}

/// `standing`.
pub(super) struct Standing {
    asker: Asker,
    organization: String,
    who: Principal,
}

impl Standing {
    pub(super) fn new(call: &Call, organization: String, who: Principal) -> Result<Self, DbError> {
        Ok(Self { asker: Asker::around_call(call)?, organization, who })
    }
}

impl Operation for Standing {
    type Output = Option<Permissions>;
    const NAME: &'static str = "directory.standing";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        self.asker.around()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        concerns(db, &self.asker, &self.organization).await?;
        let rights = rights(db, &self.organization, &self.who).await?;
        Ok(rights.map(|rights| rights.permissions))
    }
}
