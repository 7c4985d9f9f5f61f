//! `guestlist demo`: the whole story, for somebody who has never seen it.

use std::{io::Write, path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use guestlist_contract::{
    exports::{
        invitations::{InviteRequest, LifetimeChoice},
        invitee::Handle,
    },
    host::Operation,
    types::{Grant, GrantKind, InvitationFilter, PageRequest, Principal, SortKey, UserRef},
};
use guestlist_harness::{BUNDLED, Export, Limits, Plugin, Session, operations};
use guestlist_memory::MemoryHost;
use guestlist_rest::{Asked, RestError, invite_answer, status};
use guestlist_scenario::{Recorder, Request};
use serde_json::{Value, json};

use crate::{Done, Failure, Format, output, plugin};

const WORLD: &str = include_str!("demo.yaml");
const HOUR: u64 = 3_600_000;

pub async fn run(format: Format) -> Result<Done, Failure> {
    let mut story = Story::new(&plugin()?, format)?;
    story.tell().await?;
    if format == Format::Json {
        story.print(&serde_json::to_string_pretty(&story.told)?)?;
    }
    Ok(Done::Yes)
}

/// The same story as a scenario that will stand at `path`.
pub async fn record(path: &Path) -> Result<String, Failure> {
    let plugin = plugin()?;
    // Nothing is printed on the way.
    let mut story = Story::new(&plugin, Format::Json)?;
    let name = "The demo: four people are invited, and each invitation ends in another way";
    story.recorder = Some(Recorder::begin_here(plugin, path, name, WORLD)?);
    story.tell().await?;
    let recorder = story.recorder.ok_or("nothing was recorded")?;
    Ok(recorder.finish().await?)
}

struct Story {
    digest: String,
    recorder: Option<Recorder>,
    host: Arc<MemoryHost>,
    session: Session,
    format: Format,
    /// The story for machines.
    told: Vec<Value>,
}

fn user(organization: &str, id: &str) -> Principal {
    Principal::User(UserRef { organization: organization.into(), id: id.into() })
}

impl Story {
    fn new(plugin: &Plugin, format: Format) -> Result<Self, Failure> {
        let host = Arc::new(MemoryHost::from_yaml(WORLD)?);
        let digest = plugin.digest().get(..12).unwrap_or_default().to_owned();
        let session = plugin.session(host.clone().host(), Limits::default());
        Ok(Self { digest, recorder: None, host, session, format, told: Vec::new() })
    }

    async fn tell(&mut self) -> Result<(), Failure> {
        let digest = &self.digest;
        let size = BUNDLED.len().div_ceil(1000);
        self.say(&format!(
            "Every decision below is made by one WebAssembly component ({size} kB, sha256 {digest}..) that\n\
             has no files, no sockets and no clock. Users, storage and mail are a host in memory.\n"
        ))?;
        self.world()?;
        self.invited().await?;
        self.wrong_person().await?;
        self.right_person().await?;
        self.managed().await?;
        self.too_late().await?;
        self.audited()
    }

    fn world(&mut self) -> Result<(), Failure> {
        self.say(&format!("The world, {}\n", self.clock()))?;
        self.say("  Root Inc        alice, bob, carol")?;
        self.say("  └─ Acme         a customer of Root Inc; ann administers it; nobody of Root is a member\n")
    }

    async fn invited(&mut self) -> Result<(), Failure> {
        self.title(
            "1",
            "Ann invites four people of Root Inc into Acme, for the groups Help desk and Operations",
        )?;
        let names: Vec<String> = ["alice", "bob", "carol", "zoe"].map(str::to_owned).into();
        let grants = ["g-help", "g-ops"].map(|id| Grant { kind: GrantKind::Group, id: id.into() });
        let request = InviteRequest {
            names: names.clone(),
            userstore_domain: None,
            grants: grants.into(),
            lifetime: LifetimeChoice::Default,
            notify: None,
            template: None,
            language: None,
            landing: None,
            metadata: Vec::new(),
            idempotency_key: None,
        };
        let answer = self.call(Some("acme"), user("acme", "u-ann"), operations::Invite { request }).await?;
        let items = answer.map_err(|no| RestError::from((Asked::of(Operation::Invite), &no)).description)?;
        self.note("invite", "ann", &Ok(invite_answer(&names, &items)));
        for (name, item) in names.iter().zip(&items) {
            let line = match item {
                Ok(invited) => {
                    let until = invited.expires_at.map(clock).unwrap_or_default();
                    format!("  {name:<8} invited, mail sent, valid until {until}")
                }
                Err(refusal) => {
                    let problem = guestlist_rest::item_problem(refusal);
                    format!("  {name:<8} not invited: {} ({})", problem.description, problem.code)
                }
            };
            self.say(&line)?;
        }
        self.title("2", "What is in Alice's mailbox")?;
        let mail = self.host.mails().into_iter().find(|mail| mail.to.id == "u-alice").ok_or("no mail")?;
        self.say(&format!("  To:      {}\n  Subject: {}", mail.address, mail.subject))?;
        self.say(&format!("  {}", mail.link.unwrap_or_default()))?;
        self.say("  The code is in the mail and nowhere else: the host keeps its SHA-256 only.")
    }

    fn code_for(&self, id: &str) -> Result<String, Failure> {
        let mails = self.host.mails();
        let code = mails.into_iter().find(|mail| mail.to.id == id).and_then(|mail| mail.code);
        code.ok_or_else(|| format!("no mail for {id}").into())
    }

    async fn wrong_person(&mut self) -> Result<(), Failure> {
        self.title("3", "Bob got hold of Alice's mail and tries her link")?;
        self.accept("bob", "u-alice").await?;
        self.say("  He is told the same as for a code that never existed, and her invitation is untouched.")
    }

    async fn right_person(&mut self) -> Result<(), Failure> {
        self.title("4", "Alice opens her link and accepts")?;
        self.accept("alice", "u-alice").await?;
        self.title("5", "The members of Acme now")?;
        let groups = self.host.snapshot().organizations.get("acme").map(|acme| acme.groups.clone());
        let groups = groups.unwrap_or_default();
        for member in self.host.members("acme") {
            let names: Vec<_> = member.groups.keys().filter_map(|id| groups.get(id)).cloned().collect();
            self.say(&format!("  {:<8} in {}", member.name, names.join(" and ")))?;
        }
        Ok(())
    }

    async fn accept(&mut self, who: &str, whose: &str) -> Result<(), Failure> {
        let handle = Handle::Code(self.code_for(whose)?);
        let caller = user("root", &format!("u-{who}"));
        let answer = self.call(None, caller, operations::Accept { handle }).await?;
        let answer = answer.map(|accepted| output::accepted(&accepted));
        let answer = answer.map_err(|no| RestError::from((Asked::of(Operation::Accept), &no)));
        self.note("accept", who, &answer);
        match &answer {
            Ok(accepted) => {
                for step in accepted.get("outcomes").and_then(Value::as_array).into_iter().flatten() {
                    let text =
                        |name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                    self.say(&format!(
                        "  {:<7} {:<8} {}",
                        text("step"),
                        text("id"),
                        text("outcome").to_lowercase()
                    ))?;
                }
                Ok(())
            }
            Err(problem) => self.say(&format!("  refused: {} ({})", problem.description, problem.code)),
        }
    }

    async fn managed(&mut self) -> Result<(), Failure> {
        self.title("6", "Ann takes Carol's invitation back and looks at the list")?;
        let mails = self.host.mails();
        let carols = mails.iter().find(|mail| mail.to.id == "u-carol").ok_or("no mail")?.invitation.clone();
        let revoke = operations::Revoke { id: carols, reason: Some("the project ended".into()) };
        let answer = self.call(Some("acme"), user("acme", "u-ann"), revoke).await?;
        let answer = answer.map(|()| json!({ "status": "REVOKED" }));
        let answer = answer.map_err(|no| RestError::from((Asked::of(Operation::Revoke), &no)));
        self.note("revoke", "ann", &answer);
        self.list().await
    }

    async fn list(&mut self) -> Result<(), Failure> {
        let filter = InvitationFilter {
            states: Vec::new(),
            grant: None,
            inviter: None,
            invitee: None,
            name_prefix: None,
            dismissed: Some(false),
        };
        let page = PageRequest { sort: SortKey::Name, descending: false, after: None, limit: 50 };
        let list = operations::List { filter, page };
        let answer = self.call(Some("acme"), user("acme", "u-ann"), list).await?;
        let page = answer.map_err(|no| RestError::from((Asked::of(Operation::List), &no)).description)?;
        self.note("list", "ann", &Ok(output::page(&page)));
        for row in &page.items {
            let why = row.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            self.say(&format!("  {:<8} {}{why}", row.name, status(row.state).to_lowercase()))?;
        }
        Ok(())
    }

    async fn too_late(&mut self) -> Result<(), Failure> {
        self.title("7", "73 hours later Bob opens his own link")?;
        self.host.advance(73 * HOUR);
        if let Some(recorder) = &mut self.recorder {
            recorder.advance(73 * HOUR)?;
        }
        self.accept("bob", "u-bob").await?;
        self.title("8", "The host sweeps; the list again")?;
        let sweep = operations::Sweep { limit: 100 };
        let answer = self.call(Some("acme"), Principal::System, sweep).await?;
        let answer = answer.map(|swept| output::swept(&swept));
        let answer = answer.map_err(|no| RestError::from((Asked::of(Operation::Sweep), &no)));
        self.note("sweep", "system", &answer);
        self.list().await
    }

    fn audited(&mut self) -> Result<(), Failure> {
        self.title("9", "What the audit trail says")?;
        let events = self.host.audit();
        if self.format == Format::Json {
            self.told.push(json!({ "audit": events }));
        }
        for event in events {
            let who = match &event.actor {
                Principal::User(user) => user.id.trim_start_matches("u-").to_owned(),
                Principal::Client(id) => id.clone(),
                Principal::Anonymous => "anonymous".into(),
                Principal::System => "host".into(),
            };
            let detail = event.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
            self.say(&format!("  {}  {who:<6} {}{detail}", clock(event.at), event.text()))?;
        }
        Ok(())
    }

    async fn call<E: Export + Clone + Into<Request>>(
        &mut self,
        organization: Option<&str>,
        caller: Principal,
        export: E,
    ) -> Result<E::Answer, Failure> {
        if let Some(recorder) = &mut self.recorder {
            recorder.call(export.clone().into(), organization, &caller).await?;
        }
        let context = self.host.context(organization, caller);
        Ok(self.session.run(context, export).await?.answer)
    }

    fn note(&mut self, operation: &str, caller: &str, answer: &output::Answer) {
        let at = guestlist_rest::time(self.host.now());
        self.told.push(match answer {
            Ok(answer) => json!({ "at": at, "operation": operation, "as": caller, "answer": answer }),
            Err(problem) => json!({ "at": at, "operation": operation, "as": caller, "error": problem }),
        });
    }

    fn title(&self, number: &str, text: &str) -> Result<(), Failure> {
        self.say(&format!("\n{number}. {text}"))
    }

    fn say(&self, text: &str) -> Result<(), Failure> {
        if self.format == Format::Text { self.print(text) } else { Ok(()) }
    }

    fn print(&self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(std::io::stdout(), "{text}")?)
    }

    fn clock(&self) -> String {
        clock(self.host.now())
    }
}

/// As people say it.
fn clock(at: u64) -> String {
    let instant = i64::try_from(at).ok().and_then(DateTime::<Utc>::from_timestamp_millis);
    instant.map(|instant| instant.format("%a %-d %b, %H:%M UTC").to_string()).unwrap_or_default()
}
