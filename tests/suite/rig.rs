//! A world, the component on it, and short words for what people do.
//!
//! A rig looks for confirmation codes when it is dropped: whatever a test did, no code may be anywhere
//! but in the mailbox (I-SEC1).

use std::sync::{Arc, LazyLock, Mutex};

use guestlist_contract::{
    exports::{
        invitations::{InviteRequest, Invited, ItemRefusal, LifetimeChoice, Refusal},
        invitee::{Accepted, Handle, InviteeRefusal},
        maintenance::Swept,
    },
    types::{
        Context, Grant, GrantKind, Invitation, InvitationFilter, InvitationKey, Notify, PageRequest,
        Principal, SortKey, State, UserRef,
    },
};
use guestlist_harness::{
    CallError, Completed, Engine, EngineOptions, Export, Limits, Plugin, Session, Trace, operations,
};
use guestlist_memory::{MemoryHost, Rule, SettingsPatch};
use guestlist_testkit::Intercept as _;
use guestlist_testkit::Interceptor;

pub const WORLD: &str = include_str!("world.yaml");

/// The lifetime of an invitation where nobody says otherwise.
pub const HOURS_72: u64 = 72 * 3_600_000;

/// Compiled once. Metered by fuel, so that costs can be compared.
pub static PLUGIN: LazyLock<Plugin> = LazyLock::new(|| {
    let engine = Engine::new(&EngineOptions::fuel()).expect("this machine runs WebAssembly");
    Plugin::bundled(&engine).expect("the component that was built with this test")
});

pub struct Rig {
    pub host: Arc<MemoryHost>,
    pub session: Session,
    /// What left the sandbox in any call: traces and answers, as text.
    seen: Mutex<Vec<String>>,
    /// Codes that were shown on purpose: answers of external invites.
    shown: Mutex<Vec<String>>,
    /// Somebody else looks at the same world for codes.
    pub unscanned: bool,
}

pub fn user(organization: &str, id: &str) -> UserRef {
    UserRef { organization: organization.into(), id: id.into() }
}

pub fn alice() -> Principal {
    Principal::User(user("root", "u-alice"))
}

pub fn bob() -> Principal {
    Principal::User(user("root", "u-bob"))
}

/// The administrator of Acme.
pub fn ann() -> Principal {
    Principal::User(user("acme", "u-ann"))
}

/// Another administrator of Acme.
pub fn ben() -> Principal {
    Principal::User(user("acme", "u-ben"))
}

pub fn group(id: &str) -> Grant {
    Grant { kind: GrantKind::Group, id: id.into() }
}

pub fn role(id: &str) -> Grant {
    Grant { kind: GrantKind::Role, id: id.into() }
}

/// An invite of these people with these grants, everything else left to the settings.
pub fn request(names: &[&str], grants: &[Grant]) -> InviteRequest {
    InviteRequest {
        names: names.iter().map(ToString::to_string).collect(),
        userstore_domain: None,
        grants: grants.to_vec(),
        lifetime: LifetimeChoice::Default,
        notify: None,
        template: None,
        language: None,
        landing: None,
        metadata: Vec::new(),
        idempotency_key: None,
    }
}

/// Changes to settings, as in a world file.
pub fn patch(json: &str) -> SettingsPatch {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// A scripted policy, as in a world file.
pub fn rules(json: &str) -> Vec<Rule> {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

pub fn everything() -> InvitationFilter {
    InvitationFilter::default()
}

pub fn first_page() -> PageRequest {
    PageRequest { sort: SortKey::CreatedAt, descending: false, after: None, limit: 200 }
}

/// Acme, where Ann may do everything, and this many people of its parent.
pub fn crowd(count: usize) -> (Rig, Vec<String>) {
    let people: Vec<_> =
        (0..count).map(|n| format!("{{ id: u{n}, name: p{n}, email: p{n}@x.example }}")).collect();
    let rig = Rig::of(&format!(
        "organizations:\n  - id: root\n    users: [{}]\n  - id: acme\n    parent: root\n    users: [{{ id: u-ann, name: ann }}]\n    permissions: {{ u-ann: [all] }}\n",
        people.join(", ")
    ));
    (rig, (0..count).map(|n| format!("p{n}")).collect())
}

impl Rig {
    pub fn new() -> Self {
        Self::of(WORLD)
    }

    pub fn of(world: &str) -> Self {
        let host = Arc::new(MemoryHost::from_yaml(world).unwrap_or_else(|error| panic!("{error}")));
        Self::on(host)
    }

    pub fn on(host: Arc<MemoryHost>) -> Self {
        let session = PLUGIN.session(host.clone().host(), Limits::default()).recording();
        Self { host, session, seen: Mutex::default(), shown: Mutex::default(), unscanned: false }
    }

    /// A rig of its own on a copy of this world.
    pub fn fork(&self) -> Self {
        let fork = Self::on(Arc::new(self.host.fork()));
        fork.shown.lock().unwrap().extend(self.shown.lock().unwrap().iter().cloned());
        fork
    }

    /// Calls an export as somebody in an organization, and keeps what was seen for the canary scan.
    pub async fn run<E: Export>(
        &self,
        organization: Option<&str>,
        caller: Principal,
        export: E,
    ) -> Result<Completed<E::Answer>, CallError> {
        let context = self.host.context(organization, caller);
        self.run_in(&self.session, context, export).await
    }

    /// The same with something around each host call.
    pub async fn run_with<E: Export>(
        &self,
        interceptor: Arc<dyn Interceptor>,
        organization: Option<&str>,
        caller: Principal,
        export: E,
    ) -> Result<Completed<E::Answer>, CallError> {
        let context = self.host.context(organization, caller);
        let session = self.session.clone().with_interceptor(interceptor);
        self.run_in(&session, context, export).await
    }

    async fn run_in<E: Export>(
        &self,
        session: &Session,
        context: Context,
        export: E,
    ) -> Result<Completed<E::Answer>, CallError> {
        let done = session.run(context, export).await;
        match &done {
            Ok(completed) => self.see(completed.trace.as_ref()),
            Err(error) => {
                self.seen.lock().unwrap().push(format!("{error} {error:?}"));
                self.see(error.trapped().and_then(|trapped| trapped.trace.as_ref()));
            }
        }
        done
    }

    fn see(&self, trace: Option<&Trace>) {
        if let Some(trace) = trace {
            let json = serde_json::to_string(trace).expect("a trace can be written");
            self.seen.lock().unwrap().extend([trace.to_string(), json]);
        }
    }

    /// `invite` by Ann in Acme.
    pub async fn invite(&self, request: InviteRequest) -> Result<Vec<Result<Invited, ItemRefusal>>, Refusal> {
        self.invite_as("acme", ann(), request).await
    }

    pub async fn invite_as(
        &self,
        organization: &str,
        caller: Principal,
        request: InviteRequest,
    ) -> Result<Vec<Result<Invited, ItemRefusal>>, Refusal> {
        let answer =
            self.run(Some(organization), caller, operations::Invite { request }).await.unwrap().answer;
        for invited in answer.iter().flatten().flatten() {
            self.shown.lock().unwrap().extend(invited.code.clone());
        }
        answer
    }

    /// A code that was in an answer, as it should be there.
    pub fn shown_on_purpose(&self, code: Option<String>) {
        self.shown.lock().unwrap().extend(code);
    }

    /// Ann invites one person of the parent into Acme: the invitation's key and the code from the mail.
    pub async fn invited(&self, name: &str, grants: &[Grant]) -> (InvitationKey, String) {
        let invited = self.invite(request(&[name], grants)).await.unwrap().remove(0).unwrap();
        let code = self.code_of(&invited.id);
        (InvitationKey { organization: "acme".into(), id: invited.id }, code)
    }

    /// The newest code that was mailed for an invitation.
    pub fn code_of(&self, id: &str) -> String {
        let mails = self.host.mails();
        mails
            .iter()
            .rev()
            .find_map(|mail| mail.code.clone().filter(|_| mail.invitation == id))
            .expect("a mail")
    }

    /// Without an organization: as from the invitee's own dashboard.
    pub async fn accept(&self, caller: Principal, code: &str) -> Result<Accepted, InviteeRefusal> {
        let handle = Handle::Code(code.into());
        self.run(None, caller, operations::Accept { handle }).await.unwrap().answer
    }

    pub async fn accept_by_id(
        &self,
        caller: Principal,
        key: &InvitationKey,
    ) -> Result<Accepted, InviteeRefusal> {
        let handle = Handle::Id(key.clone());
        self.run(None, caller, operations::Accept { handle }).await.unwrap().answer
    }

    pub async fn sweep(&self, organization: &str) -> Swept {
        let sweep = operations::Sweep { limit: 200 };
        self.run(Some(organization), Principal::System, sweep).await.unwrap().answer.unwrap()
    }

    /// Lets time pass and sweeps until nothing is left to do, for as long as mails are tried.
    pub async fn settle(&self) {
        for round in 0..8 {
            self.host.advance(120_000);
            while self.sweep("acme").await.more {}
            let world = self.host.snapshot();
            let accepting = world.invitations.iter().any(|row| row.invitation.state == State::Accepting);
            assert!(!accepting, "I-LIVE: an interrupted accept outlives its lease and one sweep");
            if round > 0 && world.outbox.is_empty() {
                return;
            }
        }
    }

    /// As it reads now.
    pub fn row(&self, key: &InvitationKey) -> Invitation {
        self.host.invitation(key).expect("the invitation")
    }

    /// Every code that was ever handed out.
    pub fn codes(&self) -> Vec<String> {
        let mailed = self.host.mails().into_iter().filter_map(|mail| mail.code);
        mailed.chain(self.shown.lock().unwrap().iter().cloned()).collect()
    }

    /// I-SEC1: no code in any row, event, trace or error. Of a code its body counts: the part between
    /// the prefix and the checksum is the secret.
    pub fn find_leaks(&self) {
        let mut seen = self.seen.lock().unwrap().clone();
        seen.push(self.host.stored_text().expect("the stored state can be written"));
        for code in self.codes() {
            let secret = &code[5..48];
            for text in &seen {
                assert!(!text.contains(secret), "I-SEC1: a confirmation code leaked into: {text}");
            }
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if !self.unscanned && !std::thread::panicking() {
            self.find_leaks();
        }
    }
}

/// `Notify` by its effect: the code comes back in the answer.
pub fn externally(mut request: InviteRequest) -> InviteRequest {
    request.notify = Some(Notify::External);
    request
}
