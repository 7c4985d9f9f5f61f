//! The first start: a root organization and its first administrator, where there is nobody yet.

use guestlist_contract::types::{Grant, GrantKind, Principal, UserRef};
use guestlist_memory::NewUser;
use guestlist_storage::{
    ADMINISTRATOR, AccountError, Accounts, Actor, AdministrationError, Database, NewOrganization, Options,
    StorageError,
};

use crate::{
    app::Links,
    config::Config,
    passwords::{self, PasswordError},
    secret,
    table::Operation,
};

/// What links of the first start are called in the database.
pub const PURPOSE: &str = "first-start";

/// The first administrator, and their organization.
#[derive(Clone)]
pub struct First {
    /// The name of the root organization.
    pub organization: String,
    /// Its handle.
    pub handle: String,
    /// The administrator's user name.
    pub user: String,
    /// Their address.
    pub email: String,
    /// Their password.
    pub password: String,
}

/// The reason why there is no first administrator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FirstError {
    /// The database cannot be used.
    #[error("the database cannot be used: {0}")]
    Database(#[from] StorageError),
    /// The organization or the account was not made.
    #[error(transparent)]
    Administration(#[from] AdministrationError),
    /// The handle, say, is none.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The password is none.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// There is no entropy.
    #[error(transparent)]
    Entropy(#[from] secret::NoEntropy),
    /// There is no `public-url`.
    #[error("`public-url` is missing")]
    NoAddress,
}

/// The database of a server that starts for the first time.
pub struct FirstStart {
    database: Database,
    accounts: Accounts,
}

fn actor() -> Actor {
    Actor {
        who: Principal::System,
        request_id: String::new(),
        operation: Operation::FirstStart.name().into(),
    }
}

impl FirstStart {
    /// Opens the database; a new SQLite file gets its tables.
    ///
    /// # Errors
    /// [`FirstError::Database`].
    pub async fn open(config: &Config) -> Result<Self, FirstError> {
        let options = Options::default();
        if config.database.starts_with("sqlite:") {
            Database::migrate(&config.database, &options).await?;
        }
        Ok(Self::on(Database::open(&config.database, options).await?))
    }

    /// The same for a database that is open.
    #[must_use]
    pub fn on(database: Database) -> Self {
        Self { accounts: database.accounts(), database }
    }

    /// Tells whether there is nobody yet.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn is_needed(&self) -> Result<bool, FirstError> {
        Ok(self.database.is_empty().await?)
    }

    /// Makes a link, once and for a while. The one before leads nowhere any more.
    ///
    /// # Errors
    /// [`FirstError`].
    pub async fn link(&self, config: &Config) -> Result<String, FirstError> {
        let public = config.public_url.as_ref().ok_or(FirstError::NoAddress)?;
        let secret = secret::draw("glf_")?;
        let digest = secret::digest(&secret);
        self.accounts.make_link(&actor(), PURPOSE, &digest, config.first_link.0).await?;
        Ok(Links::new(public).to(&format!("first-start/{secret}")))
    }

    /// Makes a root organization with its first administrator.
    ///
    /// # Errors
    /// [`FirstError`]. What was made before the error stays, and making it again goes on from there.
    pub async fn make(&self, first: &First) -> Result<(), FirstError> {
        let phc = passwords::digest(&first.password)?;
        let organization = uuid::Uuid::new_v4().to_string();
        let administration = self.database.administration();
        let account = UserRef { organization: organization.clone(), id: uuid::Uuid::new_v4().to_string() };
        let new = NewOrganization {
            id: organization.clone(),
            name: first.organization.clone(),
            parent: None,
            utc_offset_minutes: 0,
        };
        administration.create_standard_organization(new, None).await?;
        let user = NewUser {
            id: account.id.clone(),
            name: first.user.clone(),
            store: None,
            email: Some(first.email.clone()),
        };
        administration.add_user(&organization, user).await?;
        let administrator = Grant { kind: GrantKind::Role, id: ADMINISTRATOR.into() };
        administration.add_grant(&organization, &account, &administrator).await?;
        self.accounts.set_handle(&actor(), &organization, &first.handle).await?;
        self.accounts.set_password(&actor(), &account, &phc).await?;
        Ok(())
    }
}
