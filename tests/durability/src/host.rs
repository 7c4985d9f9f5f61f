//! A host for these trials, on a database or in memory.
//!
//! People and invitations are answered from there. Everybody is allowed by policy, mail is kept for whoever
//! tries something, and entropy comes from the operating system.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use guestlist_contract::{
    host::{Call, Host, Membership, Notifications, Operation},
    notifications::{Message, SendError, Sent},
    types::{Context, HostError, Permissions, Principal},
};
use guestlist_harness::{
    CallError, Engine, EngineOptions, Limits, OsRandom, Plugin, Reply, Request, policy::AllowAll,
};
use guestlist_memory::MemoryHost;
use guestlist_storage::{Administration, Database};
pub use guestlist_testkit::Dice;
use guestlist_testkit::Intercept as _;
use guestlist_testkit::Interceptor;

use crate::act::{Act, Answer, Command, Letter};

/// The time of this machine, in microseconds since 1970.
#[must_use]
pub fn micros() -> u64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(passed.as_micros()).unwrap_or(u64::MAX)
}

type Telling = Box<dyn Fn(&Letter) + Send + Sync>;

/// Where mails end. They arrive at once.
#[derive(Default)]
pub struct Post {
    letters: Mutex<Vec<Letter>>,
    /// Hears of each mail before the plugin does.
    told: Option<Telling>,
}

impl Post {
    /// One that tells of each mail.
    #[must_use]
    pub fn telling(told: impl Fn(&Letter) + Send + Sync + 'static) -> Self {
        Self { letters: Mutex::default(), told: Some(Box::new(told)) }
    }

    /// All mails since this was last asked.
    pub fn take(&self) -> Vec<Letter> {
        std::mem::take(&mut *self.letters.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All mails, oldest first.
    pub fn letters(&self) -> Vec<Letter> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Notifications for Post {
    async fn send(
        &self,
        _: &Call,
        organization: String,
        _: Option<String>,
        messages: Vec<Message>,
    ) -> Result<Vec<Result<Sent, SendError>>, HostError> {
        let sent = |message| {
            let letter = Letter { organization: organization.clone(), message };
            self.told.iter().for_each(|told| told(&letter));
            self.letters.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
            Ok(Sent::Delivered)
        };
        Ok(messages.into_iter().map(sent).collect())
    }
}

/// Who administers people.
#[derive(Clone)]
enum Office {
    Memory(Arc<MemoryHost>),
    Database(Administration),
}

/// The plugin on a host.
#[derive(Clone)]
pub struct Stage {
    plugin: Plugin,
    host: Host,
    office: Office,
    /// What callers are told that the time is, in milliseconds since 1970.
    now: Arc<dyn Fn() -> u64 + Send + Sync>,
    limits: Limits,
}

/// The plugin, compiled. Once for a process.
///
/// # Panics
/// This machine does not run WebAssembly.
#[must_use]
pub fn plugin() -> Plugin {
    let engine = Engine::new(&EngineOptions::default().instances(200)).expect("an engine");
    Plugin::bundled(&engine).expect("the plugin")
}

impl Stage {
    /// On a database. Host calls and calls may take as long as many processes on a slow machine need.
    #[must_use]
    pub fn on(plugin: &Plugin, database: &Database, now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let host = database.host(others());
        let office = Office::Database(database.administration());
        Self { plugin: plugin.clone(), host, office, now: Arc::new(now), limits: patient() }
    }

    /// The imports, with a database behind them.
    #[must_use]
    pub fn host_on(database: &Database) -> Host {
        database.host(Host { random: Arc::new(OsRandom), ..others() })
    }

    /// In memory.
    #[must_use]
    pub fn in_memory(plugin: &Plugin, memory: Arc<MemoryHost>) -> Self {
        let Host { directory, membership, settings, storage, audit, .. } = memory.clone().host();
        let host = Host { directory, membership, settings, storage, audit, ..others() };
        let (office, clock) = (Office::Memory(memory.clone()), memory);
        Self {
            plugin: plugin.clone(),
            host,
            office,
            now: Arc::new(move || clock.store_now()),
            limits: patient(),
        }
    }

    /// Lets somebody else keep members.
    pub fn set_membership(&mut self, membership: Arc<dyn Membership>) {
        self.host.membership = membership;
    }

    /// Does what a command says.
    pub async fn act(&self, command: &Command, post: Arc<Post>) -> Answer {
        self.act_with(command, post, None).await
    }

    /// The same with something around each host call of the plugin.
    pub async fn act_with(
        &self,
        command: &Command,
        post: Arc<Post>,
        around: Option<Arc<dyn Interceptor>>,
    ) -> Answer {
        let doing = Doing { stage: self, command, post, around };
        match doing.done().await {
            Ok(answer) => answer,
            Err(error) => Answer::Broken(error.to_string()),
        }
    }

    /// The permissions of somebody now.
    async fn permissions(&self, organization: &str, who: &Principal) -> Permissions {
        let context = Context {
            organization: Some(organization.to_owned()),
            caller: Principal::System,
            permissions: Permissions::empty(),
            request_id: String::new(),
            now: (self.now)(),
        };
        let call = Call::new(Operation::Get, context);
        let standing = self.host.directory.standing(&call, organization.to_owned(), who.clone()).await;
        standing.ok().flatten().unwrap_or(Permissions::empty())
    }

    async fn context(&self, command: &Command) -> Context {
        let permissions = match &command.organization {
            Some(organization) => self.permissions(organization, &command.caller).await,
            None => Permissions::empty(),
        };
        Context {
            organization: command.organization.clone(),
            caller: command.caller.clone(),
            permissions,
            request_id: command.request.clone(),
            now: (self.now)(),
        }
    }

    async fn administer(&self, organization: &str, act: &Act) -> Result<(), String> {
        match &self.office {
            Office::Memory(memory) => match act {
                Act::RemoveMember(account) => memory.remove_member(organization, account),
                Act::AddMember(account) => memory.add_member(organization, account),
                Act::DeleteGroup(id) => memory.delete_group(organization, id),
                Act::SetPermissions(who, permissions) => {
                    memory.set_permissions(organization, who.clone(), *permissions)
                }
                _ => Ok(()),
            }
            .map_err(|error| error.to_string()),
            Office::Database(office) => match act {
                Act::RemoveMember(account) => office.remove_member(organization, account).await,
                Act::AddMember(account) => office.add_member(organization, account).await,
                Act::DeleteGroup(id) => office.delete_group(organization, id).await,
                Act::SetPermissions(who, permissions) => {
                    office.set_permissions(organization, who.clone(), *permissions).await
                }
                _ => Ok(()),
            }
            .map_err(|error| error.to_string()),
        }
    }
}

fn patient() -> Limits {
    Limits::default().time(Duration::from_secs(60)).host_call_time(Duration::from_secs(30))
}

/// The imports that no database answers.
fn others() -> Host {
    let memory = Arc::new(MemoryHost::default()).host();
    Host { notifications: Arc::new(Post::default()), policy: Arc::new(AllowAll), ..memory }
}

/// Something that is being done.
struct Doing<'a> {
    stage: &'a Stage,
    command: &'a Command,
    post: Arc<Post>,
    around: Option<Arc<dyn Interceptor>>,
}

impl Doing<'_> {
    async fn call(&self, request: Request) -> Result<Reply, CallError> {
        let host =
            Host { notifications: self.post.clone(), random: Arc::new(OsRandom), ..self.stage.host.clone() };
        let mut session = self.stage.plugin.session(host, self.stage.limits.clone());
        if let Some(around) = &self.around {
            session = session.with_interceptor(around.clone());
        }
        Ok(session.run(self.stage.context(self.command).await, request).await?.answer)
    }

    async fn done(&self) -> Result<Answer, CallError> {
        Ok(match &self.command.act {
            Act::Call(request) => Answer::Call(self.call(request.clone()).await?),
            Act::Import(import) => {
                let call = Call::new(import.operation(), self.stage.context(self.command).await);
                Answer::Import(import.clone().ask(&self.stage.host, &call).await)
            }
            act @ (Act::RemoveMember(_)
            | Act::AddMember(_)
            | Act::DeleteGroup(_)
            | Act::SetPermissions(..)) => {
                let organization = self.command.organization.as_deref().unwrap_or_default();
                Answer::Changed(self.stage.administer(organization, act).await)
            }
        })
    }
}
