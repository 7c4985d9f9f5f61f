//! `directory`.

use guestlist_harness::{
    bounds,
    contract::{
        directory::{Found, LookupError, Organization, OrganizationState, User},
        types::{HostError, Permissions, Principal, UserRef},
    },
    host::Call,
};

use super::{
    DEFAULT_STORE, is_askable,
    persons::{self, Seen},
    seen::{concerns, concerns_people_of},
};
use crate::{
    codec::folded,
    error::{Failure, Halt},
    invitations::asker::Asker,
    sql::{Connection, Operation, Scope, values},
};

/// `get-organization`.
pub(super) struct GetOrganization {
    asker: Asker,
    id: String,
}

impl GetOrganization {
    pub(super) fn new(call: &Call, id: String) -> Result<Self, Failure> {
        Ok(Self { asker: Asker::around_call(call)?, id })
    }
}

impl Operation for GetOrganization {
    type Output = Option<Organization>;
    const READS: bool = true;

    fn scope(&self) -> Scope {
        self.asker.around()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, Halt> {
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

/// Where a name is to be looked up.
enum Lookup<'a> {
    Nowhere,
    /// The store cannot answer just now.
    Silent,
    In {
        store: &'a str,
        /// In lower case.
        name: String,
    },
}

/// The user stores of an organization, and whether each answers.
struct Stores(Vec<(String, bool)>);

impl Stores {
    /// `None`: there is no such organization.
    async fn read<C: Connection>(db: &mut C, organization: &str) -> Result<Option<Self>, Failure> {
        let sql = "select s.name, s.answers from organization o left join userstore s on s.organization = o.id \
                   where o.id = $1 and o.deleted = 0 order by s.name";
        let rows = db.rows(sql, values![organization]).await?;
        let store = |row: &crate::sql::Row| {
            let name: Option<String> = row.get(0)?;
            name.map(|name| Ok((name, row.get(1)?))).transpose()
        };
        let stores = rows.iter().filter_map(|row| store(row).transpose()).collect::<Result<_, Failure>>()?;
        Ok((!rows.is_empty()).then_some(Self(stores)))
    }

    fn named(&self, name: &str) -> Option<&str> {
        self.0.iter().map(|(store, _)| store.as_str()).find(|store| store.eq_ignore_ascii_case(name))
    }

    fn lookup<'a>(&'a self, domain: &'a str, name: &str) -> Lookup<'a> {
        let (store, name) = match name.split_once('/') {
            None => (Some(domain), name),
            Some((store, name)) => (self.named(store), name),
        };
        match store {
            None => Lookup::Nowhere,
            Some(store) if self.0.iter().any(|(known, answers)| known == store && !answers) => Lookup::Silent,
            Some(_) if !is_askable(name) => Lookup::Nowhere,
            Some(store) => Lookup::In { store, name: folded(name) },
        }
    }
}

/// The one of that name or, where the name is an address that one alone has in this store, of that address.
fn one_of<'a>(people: &'a [Seen], store: &str, name: &str) -> Option<&'a Seen> {
    let mut of_store = people.iter().filter(|person| person.store == store);
    let addressed = |person: &&Seen| name.contains('@') && person.folded_email.as_deref() == Some(name);
    of_store.clone().find(|person| person.folded == name).or_else(|| {
        let found = of_store.find(addressed)?;
        of_store.find(addressed).is_none().then_some(found)
    })
}

impl FindUsers {
    pub(super) fn new(
        call: &Call,
        organization: String,
        domain: Option<String>,
        names: Vec<String>,
    ) -> Result<Self, Failure> {
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
    const READS: bool = true;

    fn scope(&self) -> Scope {
        self.asker.around()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, Halt> {
        concerns_people_of(db, &self.asker, &self.organization).await?;
        self.check()?;
        let Some(known) = Stores::read(db, &self.organization).await? else {
            return Ok(Ok(self.names.iter().map(|_| Ok(Found::Nobody)).collect()));
        };
        let domain = match &self.domain {
            None => DEFAULT_STORE,
            Some(name) => match known.named(name) {
                None => return Ok(Err(LookupError::UnknownUserstore(name.clone()))),
                Some(store) => store,
            },
        };
        let lookups: Vec<_> = self.names.iter().map(|name| known.lookup(domain, name)).collect();
        let (mut stores, mut names) = (Vec::new(), Vec::new());
        for lookup in &lookups {
            if let Lookup::In { store, name } = lookup {
                stores.push((*store).to_owned());
                names.push(name.clone());
            }
        }
        stores.sort_unstable();
        stores.dedup();
        let people = match names.is_empty() {
            true => Vec::new(),
            false => persons::named(db, &self.organization, &stores, &names).await?,
        };
        let answer = |lookup: &Lookup<'_>| match lookup {
            Lookup::Nowhere => Ok(Found::Nobody),
            Lookup::Silent => Err(HostError::Unavailable(None)),
            Lookup::In { store, name } => {
                let person = one_of(&people, store, name);
                Ok(person.map_or(Found::Nobody, |person| Found::One(person.user(&self.organization))))
            }
        };
        Ok(Ok(lookups.iter().map(answer).collect()))
    }
}

/// `get-users`.
pub(super) struct GetUsers {
    asker: Asker,
    organization: String,
    accounts: Vec<UserRef>,
}

impl GetUsers {
    pub(super) fn new(call: &Call, organization: String, accounts: Vec<UserRef>) -> Result<Self, Failure> {
        Ok(Self { asker: Asker::around_call(call)?, organization, accounts })
    }
}

impl Operation for GetUsers {
    type Output = Vec<Option<User>>;
    const READS: bool = true;

    fn scope(&self) -> Scope {
        self.asker.around()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, Halt> {
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
    pub(super) fn new(call: &Call, organization: String, who: Principal) -> Result<Self, Failure> {
        Ok(Self { asker: Asker::around_call(call)?, organization, who })
    }
}

impl Operation for Standing {
    type Output = Option<Permissions>;
    const READS: bool = true;

    fn scope(&self) -> Scope {
        self.asker.around()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, Halt> {
        concerns(db, &self.asker, &self.organization).await?;
        Ok(persons::standing(db, &self.organization, &self.who).await?)
    }
}
