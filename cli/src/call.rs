//! `guestlist call`: any operation, on a world file.

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::{Args, ValueEnum};
use guestlist_contract::{
    exports::invitations::Refusal,
    host, text,
    types::{HostError, Principal},
};
use guestlist_documents::files::{self, LARGEST_STATE, LONGEST_REQUEST, LONGEST_TEXT};
use guestlist_harness::{Export, Limits, Plugin, Session, Trace, operations};
use guestlist_memory::MemoryHost;
use guestlist_rest::{Asked, RestError, invite_answer, invited};
use guestlist_scenario::{Recorder, Request};
use serde_json::{Value, json};

use crate::{Done, Failure, output, plugin, state};

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
    /// Keeps what happened for the next call. Made from the world when there is none yet; once it is there
    /// it has the world, and `--world` is not read. It has the mailboxes, and so live codes: only its owner
    /// may read it.
    #[arg(long)]
    state: Option<PathBuf>,
    /// The longest to wait, in seconds, while another call uses the same state.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    wait: u64,
    /// Lets this much time pass before the call, as in 71h59m.
    #[arg(long, value_name = "TIME")]
    advance: Option<String>,
    /// Adds the call with its answer to this scenario, which `guestlist test` plays. The scenario is
    /// made by the first call on a fresh state; with `--state`, each call after it is added.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Shows on standard error what the plugin asked its host.
    #[arg(long)]
    trace: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Operation {
    /// {"usernames": [..], "groups": [..], "roles": [..], "userDomain", "properties", "lifetime",
    /// "template", "language", "landing", "idempotencyKey"}
    Invite,
    /// {"status": [..], "group", "role", "inviter" (as of `revoke-all`), "invitee", "usernamePrefix",
    /// "dismissed", "sortBy", "sortOrder", "after", "limit"}
    List,
    /// {"id"}
    Get,
    /// {"ids": [..]}
    Resend,
    /// {"id", "reason"}
    Revoke,
    /// {"invitee" or "inviter": {"organization", "id"}, "reason"}; an inviter also as {"client"},
    /// "ORGANIZATION/ID" or "client:ID"
    RevokeAll,
    /// {"id"}
    Approve,
    /// {"id", "reason"}
    Reject,
    /// {"id"}
    Dismiss,
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

impl Operation {
    fn exported(self) -> Result<host::Operation, Failure> {
        let name = self.to_possible_value().ok_or("an operation without a name")?;
        let known = host::Operation::ALL.into_iter().find(|known| known.name() == name.get_name());
        known.ok_or_else(|| format!("the plugin has no operation `{}`", name.get_name()).into())
    }
}

pub async fn run(arguments: Arguments) -> Result<Done, Failure> {
    // Before anything is held: whoever pipes it may take their time.
    let request = request()?;
    if let (Some(state), Some(record)) = (&arguments.state, &arguments.record)
        && files::resolved(state) == files::resolved(record)
    {
        return Err(
            format!("`{}` cannot be the state and the scenario: name two files", state.display()).into()
        );
    }
    // Until the answer is written.
    let wait = Duration::from_secs(arguments.wait);
    let files = [&arguments.state, &arguments.record].into_iter().flatten();
    let _held = files.map(|file| state::hold(file, wait)).collect::<Result<Vec<_>, _>>()?;
    let host = Arc::new(load(&arguments)?);
    let plugin = plugin()?;
    let mut recorder = match &arguments.record {
        Some(file) => Some(recorder(&plugin, file, &arguments, &host).await?),
        None => None,
    };
    if let Some(time) = &arguments.advance {
        let time = guestlist_rest::duration(time)?;
        host.advance(time);
        if let Some(recorder) = &mut recorder {
            recorder.advance(time)?;
        }
    }
    let organization = arguments.organization.as_deref();
    if let Some(id) = organization
        && !host.snapshot().organizations.contains_key(id)
    {
        return Err(format!("the world has no organization `{id}`; see `--organization`").into());
    }
    let who = arguments.caller.as_deref().ok_or("who acts? give `--as`, as in `--as ann`")?;
    let caller = caller(&host, organization, who)?;
    let request = Request::read(arguments.operation.exported()?, &request)?;
    let mails_before = host.mails().len();
    // Before the call itself: what cannot be recorded is not done.
    let mut recorded = None;
    if let Some(recorder) = &mut recorder {
        recorder.call(request.clone(), organization, &caller).await?;
        recorded = Some(recorder.finish().await?);
    }

    let session = plugin.session(host.clone().host(), Limits::default()).recording();
    let mut one = One { host: &host, session, organization, caller, trace: None };
    let answer = one.call(request).await;

    for mail in host.mails().iter().skip(mails_before) {
        let (address, subject) = (text::line(&mail.address), text::line(&mail.subject));
        eprintln!("mail to {address}: {subject}{}", link(mail.link.as_deref()));
    }
    if arguments.trace
        && let Some(trace) = &one.trace
    {
        eprint!("{}", text::lines(&trace.to_string()));
    }
    // Also after a call that broke off: what the plugin had done until then is done.
    if let Some(state) = &arguments.state {
        written(state, files::replace_private(state, host.save()?))?;
    }
    if let (Some(file), Some(text)) = (&arguments.record, recorded) {
        written(file, files::replace(file, text))?;
    }
    let answer = answer?;
    let shown = match &answer {
        Ok(value) => value.clone(),
        Err(problem) => json!({ "error": problem }),
    };
    writeln!(io::stdout(), "{}", text::json(&serde_json::to_string_pretty(&shown)?))?;
    Ok(if answer.is_ok() { Done::Yes } else { Done::Refused })
}

fn link(link: Option<&str>) -> String {
    link.map(|link| format!("\n  {link}")).unwrap_or_default()
}

fn load(arguments: &Arguments) -> Result<MemoryHost, Failure> {
    let in_file = |path: &Path, error: String| format!("{}: {error}", path.display());
    if let Some(state) = arguments.state.as_deref().filter(|state| state.exists()) {
        let host = MemoryHost::load(&read(state, LARGEST_STATE)?);
        let host = host.map_err(|error| in_file(state, error.to_string()))?;
        if let Some(world) = &arguments.world {
            eprintln!(
                "note: `{}` is not read: the world is in `{}`; delete that one, or name another, to begin anew",
                text::line(&world.display().to_string()),
                text::line(&state.display().to_string()),
            );
        }
        return Ok(host);
    }
    let world = arguments.world.as_deref().ok_or(match &arguments.state {
        Some(state) => format!("`{}` does not exist yet: give `--world` to make it", state.display()),
        None => "there is no world: give `--world`".to_owned(),
    })?;
    MemoryHost::from_yaml(&read(world, LONGEST_TEXT)?)
        .map_err(|error| in_file(world, error.to_string()).into())
}

fn read(path: &Path, most: u64) -> Result<String, String> {
    files::read_text(path, most).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))
}

/// The recording so far, which must be where the state is.
async fn recorder(
    plugin: &Plugin,
    file: &Path,
    arguments: &Arguments,
    host: &MemoryHost,
) -> Result<Recorder, Failure> {
    let recorder = match &arguments.world {
        _ if file.exists() => Recorder::resume(plugin.clone(), file).await?,
        None => {
            return Err(format!("`{}` does not exist yet: give `--world` to make it", file.display()).into());
        }
        Some(world) => {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().replace(['-', '_'], " ");
            Recorder::begin(plugin.clone(), file, &name, world, &read(world, LONGEST_TEXT)?)?
        }
    };
    if recorder.is_at(host)? {
        return Ok(recorder);
    }
    let why = match &arguments.state {
        Some(state) => format!(
            "`{}` is not where `{}` ends: record every call from a fresh state on",
            state.display(),
            file.display()
        ),
        None => format!("`{}` has calls already: give `--state` to go on after them", file.display()),
    };
    Err(why.into())
}

fn written(path: &Path, done: io::Result<()>) -> Result<(), Failure> {
    done.map_err(|error| format!("`{}` cannot be written: {error}", path.display()).into())
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
    // Also one that is gone: what is answered then is a story, too.
    if let Some((place, id)) = text.split_once('/')
        && let Some(user) = host.account(place, id).or_else(|| host.gone_account(place, id))
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
    if io::stdin().is_terminal() {
        return Ok(String::new());
    }
    let text = files::read_text_from(io::stdin().lock(), LONGEST_REQUEST);
    Ok(text.map_err(|error| format!("the request on standard input cannot be read: {error}"))?)
}

/// One call, and what it left behind.
struct One<'a> {
    host: &'a MemoryHost,
    session: Session,
    organization: Option<&'a str>,
    caller: Principal,
    trace: Option<Trace>,
}

impl One<'_> {
    async fn run<E: Export>(&mut self, export: E) -> Result<E::Answer, Failure> {
        let context = self.host.context(self.organization, self.caller.clone());
        let completed = self.session.run(context, export).await?;
        self.trace = completed.trace;
        Ok(completed.answer)
    }

    async fn call(&mut self, request: Request) -> Result<output::Answer, Failure> {
        let status = |status: &str| json!({ "status": status });
        let asked = Asked::of(request.operation());
        Ok(match request {
            Request::Invite(request) => {
                let (names, asked) = (request.names.clone(), asked.granting(&request.grants));
                let answer = self.run(operations::Invite { request }).await?;
                shown(asked, answer, |items| invite_answer(&names, items))
            }
            Request::List(filter, page) => {
                shown(asked, self.run(operations::List { filter, page }).await?, output::page)
            }
            Request::Get(id) => shown(asked, self.run(operations::Get { id }).await?, output::one),
            Request::Resend(ids, _) => {
                let answer = self.run(operations::Resend { ids }).await?;
                let one_call_is_not_enough = !self.trace.as_ref().is_some_and(host_was_unavailable);
                let is_left = |item: &Result<_, Refusal>| {
                    one_call_is_not_enough && matches!(item, Err(Refusal::Host(HostError::Unavailable(None))))
                };
                shown(asked, answer, |items| {
                    let left = items.iter().filter(|item| is_left(item)).count();
                    let item = |item: &Result<_, _>| match item {
                        Ok(done) => invited(done),
                        Err(_) if is_left(item) => json!({ "error": RestError::too_many_for_one_call(left) }),
                        Err(refusal) => json!({ "error": RestError::from((asked, refusal)) }),
                    };
                    items.iter().map(item).collect()
                })
            }
            Request::Revoke(id, reason) => {
                shown(asked, self.run(operations::Revoke { id, reason }).await?, |()| status("REVOKED"))
            }
            Request::RevokeAll(whose, reason) => {
                shown(asked, self.run(operations::RevokeAll { whose, reason }).await?, output::revoked)
            }
            Request::Approve(id) => shown(asked, self.run(operations::Approve { id }).await?, invited),
            Request::Reject(id, reason) => {
                shown(asked, self.run(operations::Reject { id, reason }).await?, |()| status("REVOKED"))
            }
            Request::Dismiss(id) => {
                shown(asked, self.run(operations::Dismiss { id }).await?, |()| json!({ "dismissed": true }))
            }
            Request::ListMine(states, after, limit) => {
                shown(asked, self.run(operations::ListMine { states, after, limit }).await?, output::mine)
            }
            Request::Introspect(handle) => {
                let answer = self.run(operations::Introspect { handle }).await?;
                shown(asked, answer, guestlist_rest::preview)
            }
            Request::Accept(handle) => {
                shown(asked, self.run(operations::Accept { handle }).await?, output::accepted)
            }
            Request::Decline(handle, reason) => {
                shown(asked, self.run(operations::Decline { handle, reason }).await?, |()| status("DECLINED"))
            }
            Request::Sweep(limit) => {
                shown(asked, self.run(operations::Sweep { limit }).await?, output::swept)
            }
        })
    }
}

/// The plugin refuses what would take more host calls than one call has in the words of a host that is not
/// there for a while. Where this host was there, that is what it means.
fn host_was_unavailable(trace: &Trace) -> bool {
    fn says_so(value: &Value) -> bool {
        match value {
            Value::Object(fields) => {
                fields.iter().any(|(name, field)| name == "Unavailable" || says_so(field))
            }
            Value::Array(items) => items.iter().any(says_so),
            _ => false,
        }
    }
    trace.entries.iter().any(|entry| says_so(&entry.outcome))
}

fn shown<T, E>(asked: Asked, answer: Result<T, E>, show: impl FnOnce(&T) -> Value) -> output::Answer
where
    for<'a> RestError: From<(Asked, &'a E)>,
{
    match answer {
        Ok(value) => Ok(show(&value)),
        Err(refusal) => Err(RestError::from((asked, &refusal))),
    }
}
