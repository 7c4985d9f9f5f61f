//! Organizations and people: the imports `directory`, `membership` and `settings`, and what a host's own
//! administration does.

mod administration;
mod applying;
mod directory;
mod facts;
mod guests;
mod membership;
mod persons;
mod rights;
mod settings;
mod visibility;

use async_trait::async_trait;
use guestlist_contract::{
    directory::{Found, LookupError, Organization, User},
    facts::FactSource,
    host::{Call, Directory, Membership, Settings},
    membership::{Eligibility, Resolved},
    policy,
    rights::Rights,
    rules,
    settings::Values,
    types::{Grant, HostError, Permissions, Principal, Step, StepOutcome, StepResult, UserRef},
};

pub(crate) use administration::Judged;
pub use administration::{
    ADMINISTRATOR, Administration, AdministrationError, NewOrganization, standard_roles,
};
pub(crate) use rights::rights;

use crate::{
    Database,
    error::{DbError, OperationError},
    sql::Operation,
};

/// The part of a host that knows organizations and people. It implements [`Directory`], [`Membership`] and
/// [`Settings`]. Cloning it shares the database.
#[derive(Clone, Debug)]
pub struct People {
    database: Database,
}

impl Database {
    /// The organizations and people of this database, for the plugin.
    #[must_use]
    pub fn people(&self) -> People {
        People { database: self.clone() }
    }

    /// The organizations and people of this database, for those who administer them.
    #[must_use]
    pub fn administration(&self) -> Administration {
        Administration::of(self.clone())
    }
}

impl People {
    /// The rights of `who` in an organization at present; `None` when they have no access to it. A server
    /// makes the context of a call with them.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn rights(&self, organization: &str, who: &Principal) -> Result<Option<Rights>, HostError> {
        let asked = rights::GetRights { organization: organization.to_owned(), who: who.clone() };
        self.database.perform(None, asked).await.map_err(OperationError::into_host)
    }

    async fn ask<O: Operation>(
        &self,
        call: &Call,
        operation: Result<O, DbError>,
    ) -> Result<O::Output, HostError> {
        let operation = operation.map_err(|failure| failure.to_host_error())?;
        self.database.perform(Some(call), operation).await.map_err(OperationError::into_host)
    }
}

/// No text that is stored has the character NUL, and PostgreSQL cannot even be asked for one. What a guest
/// asks with it is known by nobody.
fn is_askable(text: &str) -> bool {
    !text.contains('\0')
}

/// Takes a transaction that met somebody else's change for one that is done again from the start, and finds
/// what they did: a row that is there by now, or one that is gone by now and that another was to refer to.
pub(crate) fn in_the_way(failure: DbError) -> DbError {
    match failure {
        DbError::Duplicate(cause) | DbError::Refused(cause) => DbError::Conflict(cause),
        other => other,
    }
}

#[async_trait]
impl Directory for People {
    async fn get_organization(&self, call: &Call, id: String) -> Result<Option<Organization>, HostError> {
        self.ask(call, directory::GetOrganization::new(call, id)).await
    }

    async fn find_users(
        &self,
        call: &Call,
        organization: String,
        userstore_domain: Option<String>,
        names: Vec<String>,
    ) -> Result<Vec<Result<Found, HostError>>, LookupError> {
        let asked = directory::FindUsers::new(call, organization, userstore_domain, names);
        self.ask(call, asked).await.map_err(LookupError::Host)?
    }

    async fn get_users(
        &self,
        call: &Call,
        organization: String,
        accounts: Vec<UserRef>,
    ) -> Result<Vec<Option<User>>, HostError> {
        self.ask(call, directory::GetUsers::new(call, organization, accounts)).await
    }

    async fn standing(
        &self,
        call: &Call,
        organization: String,
        who: Principal,
    ) -> Result<Option<Permissions>, HostError> {
        self.ask(call, directory::Standing::new(call, organization, who)).await
    }
}

#[async_trait]
impl Membership for People {
    async fn resolve(
        &self,
        call: &Call,
        organization: String,
        inviter: Principal,
        grants: Vec<Grant>,
    ) -> Result<Vec<Option<Resolved>>, HostError> {
        self.ask(call, membership::Resolve::new(call, organization, inviter, grants)).await
    }

    async fn eligible(
        &self,
        call: &Call,
        organization: String,
        users: Vec<UserRef>,
        grants: Vec<Grant>,
    ) -> Result<Vec<Eligibility>, HostError> {
        self.ask(call, membership::Eligible::new(call, organization, users, grants)).await
    }

    async fn apply(
        &self,
        call: &Call,
        organization: String,
        invitation: String,
        user: UserRef,
        steps: Vec<Step>,
    ) -> Result<Vec<StepOutcome>, HostError> {
        self.ask(call, applying::Apply::new(call, organization, invitation, user, steps)).await
    }

    async fn close(
        &self,
        call: &Call,
        organization: String,
        invitation: String,
    ) -> Result<Vec<StepResult>, HostError> {
        self.ask(call, applying::Close::new(call, organization, invitation)).await
    }
}

/// The facts of [`guestlist_contract::rules`], with one difference: of several e-mails that the mail system
/// has accepted for one invitation within a day, `sent-lately` counts the last.
#[async_trait]
impl FactSource for People {
    async fn invite_facts(
        &self,
        call: &Call,
        asked: policy::InviteFacts,
    ) -> Result<rules::InviteFacts, HostError> {
        self.ask(call, facts::OfInvite::new(call, asked)).await
    }

    async fn accept_facts(
        &self,
        call: &Call,
        asked: policy::AcceptFacts,
    ) -> Result<rules::AcceptFacts, HostError> {
        self.ask(call, facts::OfAccept::new(call, &asked)).await
    }
}

#[async_trait]
impl Settings for People {
    async fn get(&self, call: &Call, organization: String) -> Result<Values, HostError> {
        self.ask(call, settings::Get::new(call, organization)).await
    }
}
