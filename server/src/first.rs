//! The first start: a root organization and its first administrator, where there is nobody yet.

use guestlist_contract::{
    address_domain, bounds,
    types::{Grant, GrantKind, Principal, UserRef},
};
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

/// Something that cannot be what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mistake {
    /// The name of the organization.
    #[error("the name of the organization has 1 to 200 characters on one line")]
    Organization,
    /// The handle.
    #[error(
        "a handle has 1 to 63 of `a` to `z`, `0` to `9` and `-`, begins and ends with none of `-`, and is not `api`"
    )]
    Handle,
    /// The user name.
    #[error("a user name has 1 to 254 bytes on one line")]
    User,
    /// The address.
    #[error("that is no e-mail address, as `ada@example.com`")]
    Email,
    /// The password.
    #[error(
        "a password has {} characters at least, and {} bytes at most",
        passwords::SHORTEST,
        passwords::LONGEST
    )]
    Password,
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
    /// Something of it cannot be so. Nothing was made.
    #[error(transparent)]
    Mistake(#[from] Mistake),
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

impl First {
    /// Finds the first mistake, as far as it can be seen without a database.
    ///
    /// # Errors
    /// [`Mistake`].
    pub fn check(&self) -> Result<(), Mistake> {
        let is_line = |text: &str| !text.trim().is_empty() && !text.contains(char::is_control);
        let checks = [
            (is_line(&self.organization) && self.organization.chars().count() <= 200, Mistake::Organization),
            (guestlist_storage::is_handle(&self.handle), Mistake::Handle),
            (is_line(&self.user) && self.user.len() <= bounds::NAME, Mistake::User),
            (address_domain(&self.email).is_some(), Mistake::Email),
            (passwords::fits(&self.password), Mistake::Password),
        ];
        checks.into_iter().find(|(fits, _)| !fits).map_or(Ok(()), |(_, mistake)| Err(mistake))
    }
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
    /// [`FirstError`]. What was made before the error is taken back, as far as the database lets it.
    pub async fn make(&self, first: &First) -> Result<(), FirstError> {
        first.check()?;
        let password = first.password.clone();
        let phc = tokio::task::spawn_blocking(move || passwords::digest(&password));
        let phc = phc.await.map_err(|error| PasswordError::Failed(error.to_string()))??;
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
        let made = self.fill(first, &account, &phc).await;
        if made.is_err()
            && let Err(error) = administration.delete_organization(&organization).await
        {
            tracing::warn!(organization, %error, "an organization without an administrator stays behind");
        }
        made
    }

    /// Gives the organization its handle and its administrator.
    async fn fill(&self, first: &First, account: &UserRef, phc: &str) -> Result<(), FirstError> {
        let administration = self.database.administration();
        let organization = &account.organization;
        // First what somebody else may have.
        self.accounts.set_handle(&actor(), organization, &first.handle).await?;
        let user = NewUser {
            id: account.id.clone(),
            name: first.user.clone(),
            store: None,
            email: Some(first.email.clone()),
        };
        administration.add_user(organization, user).await?;
        let administrator = Grant { kind: GrantKind::Role, id: ADMINISTRATOR.into() };
        administration.add_grant(organization, account, &administrator).await?;
        self.accounts.set_password(&actor(), account, phc).await?;
        Ok(())
    }
}
