//! `guestlist call`: any operation, on a world file.

use std::{
    fs,
    io::{self, IsTerminal, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, ValueEnum};
use guestlist_harness::{
    Export, Limits, Session, Trace,
    contract::types::Principal,
    memory::MemoryHost,
    operations,
    reference::{
        ById, ByIds, Decline, Invite, List, ListMine, Named, Problem, RevokeAll, Sweep, TakeHandle,
        invite_answer, invited,
    },
};
use serde_json::{Value, json};

use crate::{Done, Failure, output, plugin};

#[derive(Args)]
pub struct Arguments {
    /// What to do.
    #[arg(value_enum)]
    operation: Operation,
    /// The world: organizations, people, groups and rules, in YAML. Not needed once there is a state.
    #[arg(long)]
    world: Option<PathBuf>,
    /// The organization to act in, by id. Not needed for what an invitee does.
    #[arg(long)]
    organization: Option<String>,
    /// Who acts: a user by id or name (of the organization or its parents) or as ORGANIZATION/USER,
    /// `client:ID`, `anonymous`, or `system` for a sweep.
    #[arg(long = "as", value_name = "WHO", default_value_if("operation", "sweep", "system"))]
    caller: Option<String>,
    /// Keeps what happened for the next call. Made from the world when there is none yet.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Lets this much time pass before the call, as in 71h59m.
    #[arg(long, value_name = "TIME")]
    advance: Option<String>,
    /// Shows on standard error what the plugin asked its host.
    #[arg(long)]
    trace: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Operation {
    /// {"usernames": [..], "groups": [..], "roles": [..], "userDomain", "properties", "lifetime", "idempotencyKey"}
    Invite,
    /// {"status": [..], "group", "role", "inviter", "invitee", "usernamePrefix", "sortBy", "sortOrder", "after", "limit"}
    List,
    /// {"id"}
    Get,
    /// {"ids": [..]}
    Resend,
    /// {"id", "reason"}
    Revoke,
    /// {"invitee" or "inviter": {"organization", "id"}, "reason"}
    RevokeAll,
    /// {"id"}
    Approve,
    /// {"id", "reason"}
    Reject,
    /// {"status": [..], "after", "limit"}
    ListMine,
    /// {"confirmationCode"} or {"organization", "id"}
    Introspect,
    /// {"confirmationCode"} or {"organization", "id"}
    Accept,
    /// {"confirmationCode"} or {"organization", "id"}, {"reason"}
    Decline,
    /// {"limit"}
    Sweep,
}

pub async fn run(arguments: Arguments) -> Result<Done, Failure> {
    let host = Arc::new(load(&arguments)?);
    if let Some(time) = &arguments.advance {
        host.advance(guestlist_harness::reference::duration(time)?);
    }
    let organization = arguments.organization.as_deref();
    if let Some(id) = organization
        && !host.snapshot().organizations.contains_key(id)
    {
        return Err(format!("the world has no organization `{id}`; see `--organization`").into());
    }
    let who = arguments.caller.as_deref().ok_or("who acts? give `--as`, as in `--as ann`")?;
    let caller = caller(&host, organization, who)?;
    let request = request()?;
    let mails_before = host.mails().len();

    let session = plugin()?.session(host.clone().host(), Limits::default()).recording();
    let mut one = One { host: &host, session, organization, caller, trace: None, called: false };
    let answer = one.call(arguments.operation, &request).await;

    for mail in host.mails().iter().skip(mails_before) {
        eprintln!("mail to {}: {}{}", mail.address, mail.subject, link(mail.link.as_deref()));
    }
    if arguments.trace
        && let Some(trace) = &one.trace
    {
        eprint!("{trace}");
    }
    // Also after a call that broke off: what the plugin had done until then is done.
    if let Some(state) = arguments.state.as_ref().filter(|_| one.called) {
        save(state, &host.save()?)?;
    }
    let answer = answer?;
    let shown = match &answer {
        Ok(value) => value.clone(),
        Err(problem) => json!({ "error": problem }),
    };
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&shown)?)?;
    Ok(if answer.is_ok() { Done::Yes } else { Done::Refused })
}

fn link(link: Option<&str>) -> String {
    link.map(|link| format!("\n  {link}")).unwrap_or_default()
}

fn load(arguments: &Arguments) -> Result<MemoryHost, Failure> {
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))
    };
    let in_file = |path: &Path, error: String| format!("{}: {error}", path.display());
    if let Some(state) = arguments.state.as_deref().filter(|state| state.exists()) {
        return MemoryHost::load(&read(state)?).map_err(|error| in_file(state, error.to_string()).into());
    }
    let world = arguments.world.as_deref().ok_or(match &arguments.state {
        Some(state) => format!("`{}` does not exist yet: give `--world` to make it", state.display()),
        None => "there is no world: give `--world`".to_owned(),
    })?;
    MemoryHost::from_yaml(&read(world)?).map_err(|error| in_file(world, error.to_string()).into())
}

/// Written beside and moved into place: a call that is interrupted leaves the state as it was.
fn save(path: &Path, text: &str) -> Result<(), Failure> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|error| format!("`{}` cannot be written: {error}", path.display()).into())
}

fn caller(host: &MemoryHost, organization: Option<&str>, text: &str) -> Result<Principal, Failure> {
    if let Some(id) = text.strip_prefix("client:") {
        return Ok(Principal::Client(id.to_owned()));
    }
    match text {
        "anonymous" => return Ok(Principal::Anonymous),
        "system" => return Ok(Principal::System),
        _ => {}
    }
    if let Some((place, id)) = text.split_once('/')
        && let Some(user) = host.account(place, id)
    {
        return Ok(Principal::User(user));
    }
    let organizations = host.snapshot().organizations;
    let mut place = organization.map(str::to_owned);
    while let Some(id) = place {
        if let Some(user) = host.account(&id, text) {
            return Ok(Principal::User(user));
        }
        place = organizations.get(&id).and_then(|organization| organization.parent.clone());
    }
    let hint = if organization.is_none() { "; without `--organization` write ORGANIZATION/USER" } else { "" };
    Err(format!("the world has no user `{text}`{hint}; see `--as`").into())
}

fn request() -> Result<String, Failure> {
    let mut text = String::new();
    if !io::stdin().is_terminal() {
        io::stdin().read_to_string(&mut text)?;
    }
    Ok(text)
}

/// One call, and what it left behind.
struct One<'a> {
    host: &'a MemoryHost,
    session: Session,
    organization: Option<&'a str>,
    caller: Principal,
    trace: Option<Trace>,
    /// The request was understood and given to the plugin.
    called: bool,
}

impl One<'_> {
    async fn run<E: Export>(&mut self, export: E) -> Result<E::Answer, Failure> {
        let context = self.host.context(self.organization, self.caller.clone());
        self.called = true;
        let completed = self.session.run(context, export).await?;
        self.trace = completed.trace;
        Ok(completed.answer)
    }

    async fn call(&mut self, operation: Operation, text: &str) -> Result<output::Answer, Failure> {
        Ok(match operation {
            Operation::Invite => {
                let request = Invite::read(text)?.into_request()?;
                let names = request.names.clone();
                let answer = self.run(operations::Invite { request }).await?;
                shown(answer, |items| invite_answer(&names, items))
            }
            Operation::List => {
                let (filter, page) = List::read(text)?.into_request()?;
                shown(self.run(operations::List { filter, page }).await?, output::page)
            }
            Operation::Get => {
                let id = ById::read(text)?.id;
                shown(self.run(operations::Get { id }).await?, output::one)
            }
            Operation::Resend => {
                let ids = ByIds::read(text)?.ids;
                shown(self.run(operations::Resend { ids }).await?, |items| {
                    let item = |item: &Result<_, _>| match item {
                        Ok(done) => invited(done),
                        Err(refusal) => json!({ "error": Problem::from(refusal) }),
                    };
                    items.iter().map(item).collect()
                })
            }
            Operation::Revoke => {
                let ById { id, reason } = ById::read(text)?;
                shown(self.run(operations::Revoke { id, reason }).await?, |()| json!({ "status": "REVOKED" }))
            }
            Operation::RevokeAll => {
                let mut request = RevokeAll::read(text)?;
                let whose = request.owner()?;
                let reason = request.reason;
                shown(self.run(operations::RevokeAll { whose, reason }).await?, output::revoked)
            }
            Operation::Approve => {
                let id = ById::read(text)?.id;
                shown(self.run(operations::Approve { id }).await?, invited)
            }
            Operation::Reject => {
                let ById { id, reason } = ById::read(text)?;
                shown(self.run(operations::Reject { id, reason }).await?, |()| json!({ "status": "REVOKED" }))
            }
            Operation::ListMine => {
                let request = ListMine::read(text)?;
                let (states, limit) = (request.states()?, request.limit());
                let after = request.after;
                shown(self.run(operations::ListMine { states, after, limit }).await?, output::mine)
            }
            Operation::Introspect => {
                let handle = TakeHandle::read(text)?.handle()?;
                let answer = self.run(operations::Introspect { handle }).await?;
                shown(answer, guestlist_harness::reference::preview)
            }
            Operation::Accept => {
                let handle = TakeHandle::read(text)?.handle()?;
                shown(self.run(operations::Accept { handle }).await?, output::accepted)
            }
            Operation::Decline => {
                let mut request = Decline::read(text)?;
                let reason = request.reason.take();
                let handle = request.handle()?;
                shown(
                    self.run(operations::Decline { handle, reason }).await?,
                    |()| json!({ "status": "DECLINED" }),
                )
            }
            Operation::Sweep => {
                let limit = Sweep::read(text)?.limit();
                shown(self.run(operations::Sweep { limit }).await?, output::swept)
            }
        })
    }
}

fn shown<T, E>(answer: Result<T, E>, show: impl FnOnce(&T) -> Value) -> output::Answer
where
    for<'a> Problem: From<&'a E>,
{
    match answer {
        Ok(value) => Ok(show(&value)),
        Err(refusal) => Err(Problem::from(&refusal)),
    }
}
