//! A database with two roots, and a clock that stands still.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use guestlist_contract::{
    audit::{Event, EventKind},
    types::{Grant, GrantKind, Principal, UserRef},
};
use guestlist_memory::{NewUser, Role, Target};
use guestlist_storage::{
    Accounts, Actor, Administration, Clock, Database, Digest, NewOrganization, NewSession, Options, Reading,
};

use super::somewhere::{self, Kept};

pub const MINUTE: u64 = 60_000;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// `root` with `acme`, which has `lab`, and `globex`; `other` with `branch`. Ann and Bob are resident in `root`,
/// Ann is a guest of `acme`, where Cid is resident.
pub struct Desk {
    pub database: Database,
    pub kept: Kept,
    url: String,
    options: Options,
    time: Arc<AtomicU64>,
}

impl Desk {
    pub async fn new() -> Self {
        let (url, kept) = somewhere::new().await;
        let time = Arc::new(AtomicU64::new(1_772_442_000_000));
        let shown = time.clone();
        let mut options = Options::default();
        options.clock = Clock::Moved(Arc::new(move || shown.load(Ordering::SeqCst)));
        options.connections = 3;
        // Tests run at the same time.
        options.patience = Duration::from_secs(30);
        options.statement = Duration::from_secs(60);
        let database = Database::open(&url, options.clone()).await.unwrap();
        let desk = Self { database, kept, url, options, time };
        for (id, parent) in [
            ("root", None),
            ("acme", Some("root")),
            ("lab", Some("acme")),
            ("globex", Some("root")),
            ("other", None),
            ("branch", Some("other")),
        ] {
            desk.create(id, parent).await;
        }
        desk.add_user("root", "u-ann", "Ann").await;
        desk.add_user("root", "u-bob", "bob").await;
        desk.add_user("acme", "u-cid", "cid").await;
        desk.administration().add_member("acme", &ann()).await.unwrap();
        desk
    }

    /// As one more process has it.
    pub async fn open(&self) -> Database {
        Database::open(&self.url, self.options.clone()).await.unwrap()
    }

    pub fn accounts(&self) -> Accounts {
        self.database.accounts()
    }

    pub fn reading(&self) -> Reading {
        self.database.reading()
    }

    pub fn administration(&self) -> Administration {
        self.database.administration()
    }

    pub async fn create(&self, id: &str, parent: Option<&str>) {
        let new = NewOrganization {
            id: id.into(),
            name: format!("The {id}"),
            parent: parent.map(str::to_owned),
            utc_offset_minutes: 0,
        };
        self.administration().create_organization(new).await.unwrap();
    }

    pub async fn add_user(&self, organization: &str, id: &str, name: &str) {
        let email = Some(format!("{name}@example.com"));
        let user = NewUser { id: id.into(), name: name.into(), store: None, email };
        self.administration().add_user(organization, user).await.unwrap();
    }

    pub async fn add_target(&self, organization: &str, grant: &Grant, name: &str) {
        let target = Target { name: name.into(), ..Target::default() };
        let done = match grant.kind {
            GrantKind::Group => self.administration().create_group(organization, &grant.id, target).await,
            GrantKind::Role => {
                let role = Role { target, ..Role::default() };
                self.administration().create_role(organization, &grant.id, role).await
            }
        };
        done.unwrap();
    }

    pub fn now(&self) -> u64 {
        self.time.load(Ordering::SeqCst)
    }

    pub fn pass(&self, time: u64) {
        self.time.fetch_add(time, Ordering::SeqCst);
    }

    /// Events of this kind, in order.
    pub async fn events(&self, kind: EventKind) -> Vec<Event> {
        let trail = self.database.dump().await.unwrap().audit;
        trail.into_iter().filter(|event| event.kind == kind).collect()
    }

    /// Ann's, of an hour, of which ten minutes may be idle.
    pub fn session(&self, number: u8) -> NewSession {
        NewSession {
            digest: digest(number),
            account: ann(),
            root: "root".into(),
            idle: 10 * MINUTE,
            lifetime: HOUR,
        }
    }
}

pub fn actor() -> Actor {
    Actor {
        who: Principal::User(user("root", "u-bob")),
        request_id: "request-1".into(),
        operation: "test".into(),
    }
}

pub fn digest(number: u8) -> Digest {
    [number; 32]
}

pub fn user(organization: &str, id: &str) -> UserRef {
    UserRef { organization: organization.into(), id: id.into() }
}

pub fn ann() -> UserRef {
    user("root", "u-ann")
}

pub fn group(id: &str) -> Grant {
    Grant { kind: GrantKind::Group, id: id.into() }
}

pub fn role(id: &str) -> Grant {
    Grant { kind: GrantKind::Role, id: id.into() }
}
