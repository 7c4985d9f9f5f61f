//! Whom the measurements invite, and the plugin that does it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use guestlist_contract::{
    exports::{
        invitations::{InviteRequest, LifetimeChoice},
        invitee::Handle,
    },
    host::Host,
    notifications::{Message, Recipient},
    types::{Context, Grant, GrantKind, Permissions, Principal, UserRef},
};
use guestlist_durability::{
    act::Letter,
    host::{Post, Stage, plugin},
};
use guestlist_harness::{Export, Limits, Session, operations};
use guestlist_memory::{MemoryHost, Realm};
use guestlist_storage::Database;

/// The parent of all organizations.
pub const ROOT: &str = "root";

/// The organization with this number.
pub fn organization(number: usize) -> String {
    format!("org-{number}")
}

pub fn admin(organization: &str) -> UserRef {
    UserRef { organization: organization.into(), id: "admin".into() }
}

pub fn helpers() -> Grant {
    Grant { kind: GrantKind::Group, id: "g-help".into() }
}

/// One of each, to be copied: a file with all of them would be too long.
const FEW: &str = "
organizations:
  - { id: root, users: [{ id: u-0, name: user-0, email: u0@example.com }] }
  - { id: org-0, parent: root, users: [{ id: admin, name: admin }], groups: [{ id: g-help }],
      permissions: { admin: [all] } }
";

/// A world with so many organizations, and so many people who can be invited into them.
pub fn world(organizations: usize, users: usize) -> Realm {
    let mut realm = MemoryHost::from_yaml(FEW).expect("a world").realm();
    let first = realm.organizations["org-0"].clone();
    for number in 1..organizations {
        let (id, mut copy) = (organization(number), first.clone());
        for person in copy.people.values_mut() {
            person.account.organization.clone_from(&id);
        }
        for entitled in &mut copy.permissions {
            entitled.who = Principal::User(admin(&id));
        }
        realm.organizations.insert(id, copy);
    }
    let people = &mut realm.organizations.get_mut(ROOT).expect("the root").people;
    let first = people["u-0"].clone();
    for number in 1..users {
        let mut copy = first.clone();
        copy.account.id = format!("u-{number}");
        copy.name = format!("user-{number}");
        copy.email = Some(format!("u{number}@example.com"));
        people.insert(copy.account.id.clone(), copy);
    }
    realm
}

/// The plugin on a database, and people who were not invited yet.
#[derive(Clone)]
pub struct Crowd {
    session: Session,
    post: Arc<Post>,
    next: Arc<AtomicUsize>,
    users: usize,
}

impl Crowd {
    /// People from number `first` on, of a world with so many.
    pub fn new(database: &Database, first: usize, users: usize) -> Self {
        let post = Arc::new(Post::default());
        let host = Host { notifications: post.clone(), ..Stage::host_on(database) };
        let session = plugin().session(host, Limits::default());
        Self { session, post, next: Arc::new(AtomicUsize::new(first)), users }
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    /// So many who were never taken before.
    pub fn take(&self, count: usize) -> Vec<usize> {
        let first = self.next.fetch_add(count, Ordering::SeqCst);
        assert!(first + count <= self.users, "there are not enough people in this world");
        (first..first + count).collect()
    }

    pub async fn invite(&self, organization: &str, people: &[usize]) {
        let invite = operations::Invite { request: request(people) };
        let done = self.session.run(by_admin(organization), invite).await.expect("an answer");
        let made = done.answer.unwrap_or_else(|refusal| panic!("{refusal:?}"));
        assert!(made.iter().all(Result::is_ok), "{made:?}");
    }

    /// The codes that were mailed since this was last asked, and to whom.
    pub fn codes(&self) -> Vec<(UserRef, String)> {
        let code = |letter: Letter| match letter.message {
            Message { to: Recipient::User(who), code: Some(code), .. } => Some((who, code)),
            _ => None,
        };
        self.post.take().into_iter().filter_map(code).collect()
    }

    pub async fn accept(&self, who: &UserRef, code: &str) {
        let accept = operations::Accept { handle: Handle::Code(code.to_owned()) };
        let done = self.session.run(by_invitee(who), accept).await.expect("an answer");
        done.answer.unwrap_or_else(|refusal| panic!("{refusal:?}"));
    }

    /// How many host calls an export makes.
    pub async fn calls<E: Export>(&self, context: Context, export: E) -> usize {
        let done = self.session.clone().recording().run(context, export).await.expect("an answer");
        done.trace.map_or(0, |trace| trace.entries.len())
    }
}

/// Everybody of these, into one group.
pub fn request(people: &[usize]) -> InviteRequest {
    InviteRequest {
        names: people.iter().map(|number| format!("user-{number}")).collect(),
        userstore_domain: None,
        grants: vec![helpers()],
        lifetime: LifetimeChoice::Default,
        notify: None,
        template: None,
        language: None,
        landing: None,
        metadata: Vec::new(),
        idempotency_key: None,
    }
}

/// Somebody on their own dashboard.
pub fn by_invitee(who: &UserRef) -> Context {
    by(None, who.clone(), Permissions::empty())
}

pub fn by_admin(organization: &str) -> Context {
    by(Some(organization), admin(organization), Permissions::all())
}

fn by(organization: Option<&str>, who: UserRef, permissions: Permissions) -> Context {
    Context {
        organization: organization.map(str::to_owned),
        caller: Principal::User(who),
        permissions,
        request_id: "bench".into(),
        now: guestlist_durability::host::micros() / 1000,
    }
}
