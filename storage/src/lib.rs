//! Durable storage for Guestlist, on SQLite or PostgreSQL.
//!
//! A [`Database`] answers five of the plugin's imports: `storage` and `audit`, which are about invitations,
//! and `directory`, `membership` and `settings`, which are about people. A host that has people of its own
//! uses [`Invitations`] with its own directory and membership; one that has none uses [`People`] as well. One
//! whose members are in a system of their own keeps its grant log in [`Grants`].
//!
//! Every call is one transaction, and its answer is given when that is durable. What makes accepting safe is
//! in the database itself, where no program can forget it: a transition is one guarded statement, an
//! account has one active invitation by a unique index, and triggers refuse every change that the contract
//! does not know.

mod accounts;
mod audit;
mod bulk_sql;
mod check;
mod clock;
mod codec;
mod database;
mod error;
mod grants;
mod invitations;
mod kind;
mod log;
mod migrate;
mod observe;
mod options;
mod people;
mod postgres;
mod reading;
mod sql;
mod sqlite;
mod world;

pub use accounts::{
    AccessToken, AccountError, Accounts, Actor, Client, DeliveryRecord, DeliveryState, Digest, Handled,
    Identity, Login, NewClient, NewDelivery, NewSession, NewToken, Remembered, Session, SignIn, SignedInAs,
    Step, is_handle,
};
pub use check::Health;
pub use clock::Clock;
pub use database::Database;
pub use error::StorageError;
pub use grants::Grants;
pub use invitations::{Invitations, TakenMessage};
pub use kind::Kind;
pub use observe::{Observer, Statement, StatementError};
pub use options::Options;
pub use people::{
    ADMINISTRATOR, Administration, AdministrationError, NewOrganization, People, standard_roles,
};
pub use reading::{
    Contact, Held, LetterFacts, Listed, MembershipRow, OrganizationRow, OrganizationSettings, Organizations,
    PageOf, PeopleFilter, PersonDetail, PersonRow, Reading, RoleLease, TargetDetail, TargetRow, TrailFilter,
};

/// The programs in the documentation are compiled by the tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/storage.md")]
struct Storing;
#[cfg(doctest)]
#[doc = include_str!("../../docs/external-members.md")]
struct MembersElsewhere;
