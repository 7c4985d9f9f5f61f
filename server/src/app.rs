//! What all requests share.

use std::sync::Arc;

use guestlist_contract::types::{Context, Permissions, Principal};
use guestlist_harness::Session;
use guestlist_storage::{Accounts, Clock, Database, Invitations, People};
use guestlist_tokens::Issuers;
use tokio::sync::{Mutex, Semaphore};
use url::Url;

use crate::{config::Config, figures::Figures, tries::Tries};

/// State that all requests share. One for each server.
pub struct App {
    pub config: Config,
    pub database: Database,
    pub people: Arc<People>,
    pub invitations: Arc<Invitations>,
    pub accounts: Accounts,
    /// The plugin, in its sandbox.
    pub session: Session,
    /// Issuers whose tokens are believed.
    pub issuers: Issuers,
    pub links: Links,
    pub figures: Figures,
    /// The clock of the database.
    pub clock: Clock,
    /// State that signing in shares.
    pub signing_in: SigningIn,
}

/// State that all who sign in share.
pub struct SigningIn {
    /// Bounds how many passwords are hashed at once: each takes a core and 19 MiB.
    pub hashing: Arc<Semaphore>,
    /// Wrong passwords by source.
    pub tries: Tries,
    /// One at a time makes the first administrator.
    pub first: Mutex<()>,
}

impl SigningIn {
    /// Nobody has signed in yet.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { hashing: Arc::new(Semaphore::new(cores)), tries: Tries::default(), first: Mutex::default() }
    }
}

/// Addresses of pages, all from `public-url`.
#[derive(Clone, Debug)]
pub struct Links(Url);

impl Links {
    pub fn new(public: &Url) -> Self {
        let mut base = public.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", public.path()));
        }
        Self(base)
    }

    /// The address of a path, which begins without a slash.
    pub fn to(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The path of a path, as it stands in links of pages: with what `public-url` has in front of it.
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.0.path())
    }

    /// Tells whether a text leads to a page of this server, and to no other place: a path from its root.
    pub fn is_own_path(&self, text: &str) -> bool {
        let plain = text.len() <= 2000 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let resolved = self.0.join(text);
        plain
            && text.starts_with(self.0.path())
            && !text.starts_with("//")
            && resolved
                .is_ok_and(|url| url.origin() == self.0.origin() && url.path().starts_with(self.0.path()))
    }

    /// The page of an invitation, with its code where nobody but the browser sees it.
    pub fn invitation(&self, root: &str, code: &str) -> String {
        self.to(&format!("t/{root}/invitation#{code}"))
    }

    /// Tells whether browsers reach the server by TLS.
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The part of an address that a browser compares: scheme, host and port.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl App {
    /// The context of a call of the plugin.
    pub fn context(
        &self,
        organization: Option<&str>,
        caller: Principal,
        permissions: Permissions,
        request_id: &str,
    ) -> Context {
        Context {
            organization: organization.map(str::to_owned),
            caller,
            permissions,
            request_id: request_id.to_owned(),
            now: self.now(),
        }
    }

    /// The time, in milliseconds since 1970: that of the database's clock, so that a test moves both.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }
}
