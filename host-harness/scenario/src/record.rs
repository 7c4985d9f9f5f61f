//! Recording: calls that were made become a scenario that passes.
//!
//! A recorder makes each call on a host of its own, which starts where the scenario starts, and writes
//! it down with what was answered. What it hands out has been played: the calls came to the same end,
//! and everything that the file expects holds.

use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::{
    ask::Request,
    bless::NotBlessed,
    edit::with_item,
    failure::Failure,
    people::person,
    play::{Manner, replay},
    report::shown,
    runner::{Options, Runner},
    stage::{Defaults, Stage},
    suite::{Case, Loading, SuiteError, folder, is_inside, root},
    to_step,
};
use crate::format::Instances;
use guestlist_contract::{host::Operation, types::Principal};
use guestlist_documents::yaml::flow;
use guestlist_documents::{HumanDuration, WorldError};
use guestlist_harness::{Limits, Plugin};
use guestlist_memory::MemoryHost;
use guestlist_rest::InvalidRequest;

/// Writes a scenario, call by call.
pub struct Recorder {
    path: PathBuf,
    text: String,
    stage: Stage,
    plugin: Plugin,
}

/// The reason why there is no recording.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file is no scenario.
    #[error("{0}")]
    Suite(#[from] SuiteError),
    /// The world cannot be built.
    #[error("{0}")]
    World(#[from] WorldError),
    /// A line of calls is not understood.
    #[error("line {0}: {1}")]
    Line(usize, String),
    /// A request is not understood.
    #[error("{0}")]
    Request(#[from] InvalidRequest),
    /// The beginning, which the file has so far, does not pass any more, or cannot be gone on with.
    #[error("nothing can be added to `{path}`:\n{failures}")]
    Beginning {
        /// The file.
        path: PathBuf,
        /// The failures, as `guestlist test` shows them.
        failures: String,
    },
    /// A call that scenarios cannot tell.
    #[error("{0}")]
    Untold(String),
    /// The file is written in a way that no step can be added to.
    #[error("no step can be added to `{0}`: {1}")]
    Layout(PathBuf, String),
    /// The effects cannot be written.
    #[error("{0}")]
    Effects(#[from] NotBlessed),
    /// The recording does not pass, or ends elsewhere.
    #[error("the recording does not come to the same end when it is played, so it was not written:\n{0}")]
    Otherwise(String),
    /// A state cannot be compared.
    #[error("a state cannot be written as JSON: {0}")]
    State(#[from] serde_json::Error),
}

/// A call, as a line of JSON.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Line {
    operation: String,
    #[serde(rename = "as")]
    caller: Option<String>,
    #[serde(rename = "in")]
    organization: Option<String>,
    #[serde(default)]
    request: Value,
    /// Passes before the call.
    advance: Option<HumanDuration>,
}

impl Recorder {
    /// Starts a scenario that will stand at `path`, in the world of a file. The scenario refers to
    /// the file where a suite may, and has the world in it otherwise.
    ///
    /// # Errors
    /// A world that cannot be built.
    pub fn begin(
        plugin: Plugin,
        path: &Path,
        name: &str,
        file: &Path,
        world: &str,
    ) -> Result<Self, RecordError> {
        let near = is_inside(&root(path), file).then(|| relative(folder(path), file));
        match near.flatten() {
            Some(file) => Self::start(plugin, path, name, &format!("world: {}", flow(&file.into())), world),
            None => Self::begin_here(plugin, path, name, world),
        }
    }

    /// Starts a scenario that has its world in it.
    ///
    /// # Errors
    /// A world that cannot be built.
    pub fn begin_here(plugin: Plugin, path: &Path, name: &str, world: &str) -> Result<Self, RecordError> {
        let line = |line: &str| if line.trim().is_empty() { "\n".to_owned() } else { format!("  {line}\n") };
        let inner: String = world.trim_end().lines().map(line).collect();
        Self::start(plugin, path, name, &format!("world:\n{}", inner.trim_end_matches('\n')), world)
    }

    fn start(
        plugin: Plugin,
        path: &Path,
        name: &str,
        source: &str,
        world: &str,
    ) -> Result<Self, RecordError> {
        let host = MemoryHost::from_yaml(world)?;
        let text = format!("name: {}\n{source}\nsteps:\n", flow(&name.into()));
        let stage =
            Stage::new(host.into(), plugin.clone(), Limits::default(), Instances::Fresh, Defaults::default());
        Ok(Self { path: path.to_owned(), text, stage, plugin })
    }

    /// Goes on with the scenario at `path`.
    ///
    /// # Errors
    /// A file that is no scenario, or that does not pass.
    pub async fn resume(plugin: Plugin, path: &Path) -> Result<Self, RecordError> {
        let text = super::suite::text_of(path)?;
        let case = Case::at(path, &text, &Loading::default())?;
        let runner = Runner::new(plugin.clone(), Options::default());
        let stage = replay(&runner.props(&case, None, Manner::Told)).await;
        let failed = |failures: Vec<Failure>| RecordError::Beginning {
            path: path.to_owned(),
            failures: listed(path, &text, &failures),
        };
        Ok(Self { path: path.to_owned(), stage: stage.map_err(failed)?, text: text.clone(), plugin })
    }

    /// Tells whether the recording is where `host` is: the same calls, the same entropy, the same clock.
    ///
    /// # Errors
    /// A state that is no JSON.
    pub fn is_at(&self, host: &MemoryHost) -> Result<bool, RecordError> {
        Ok(self.stage.host.save()? == host.save()?)
    }

    /// Lets time pass, in milliseconds.
    ///
    /// # Errors
    /// A file that no step can be added to.
    pub fn advance(&mut self, time: u64) -> Result<(), RecordError> {
        self.stage.host.advance(time);
        self.add(&format!("- advance: {}\n", HumanDuration(time)))
    }

    /// Makes a call, and writes it down with its answer.
    ///
    /// # Errors
    /// A call that a scenario cannot tell.
    pub async fn call(
        &mut self,
        request: Request,
        organization: Option<&str>,
        caller: &Principal,
    ) -> Result<(), RecordError> {
        let step = to_step::step(&self.stage, &request, organization, caller).map_err(RecordError::Untold)?;
        let request = match request {
            Request::Resend(ids, _) => {
                let names = ids.iter().map(|id| self.stage.names.or_id(id).to_owned()).collect();
                Request::Resend(ids, names)
            }
            other => other,
        };
        let before = self.stage.host.snapshot();
        let session = self.stage.session(None, None);
        let context = self.stage.host.context(organization, caller.clone());
        let spoken = request.ask(&session, context).await;
        let told = self.stage.hear(spoken, &before);
        self.add(&format!("{step}{}", to_step::expectation(&told)))
    }

    /// Makes the calls of JSON lines: `{"operation": "invite", "as": "ann", "in": "acme", "request":
    /// {..}}`, with `advance` for time that passes before. Where a request has an id or a code, it may
    /// have the name of the invitation.
    ///
    /// # Errors
    /// The first line that is not understood, or that a scenario cannot tell.
    pub async fn lines(&mut self, text: &str) -> Result<(), RecordError> {
        for (index, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let wrong = |why: String| RecordError::Line(index + 1, why);
            let line: Line = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
            self.line(line).await.map_err(|error| wrong(error.to_string()))?;
        }
        Ok(())
    }

    async fn line(&mut self, line: Line) -> Result<(), RecordError> {
        let operation = Operation::ALL.into_iter().find(|known| known.name() == line.operation);
        let operation = operation
            .ok_or_else(|| RecordError::Untold(format!("there is no operation `{}`", line.operation)))?;
        let place = line.organization.as_deref();
        if let Some(id) = place.filter(|id| !self.stage.host.snapshot().organizations.contains_key(*id)) {
            return Err(RecordError::Untold(format!("the world has no organization `{id}`")));
        }
        let caller = match line.caller.as_deref() {
            None if operation == Operation::Sweep => Principal::System,
            None => return Err(RecordError::Untold("who acts? say so with `as`".into())),
            Some(who) => person(&self.stage.host, place, who).map_err(RecordError::Untold)?,
        };
        let json = if line.request.is_null() { String::new() } else { line.request.to_string() };
        let request = Request::read(operation, &json)?;
        if let Some(time) = line.advance {
            self.advance(time.0)?;
        }
        let request = to_step::by_name(&self.stage, request);
        self.call(request, place, &caller).await
    }

    fn add(&mut self, step: &str) -> Result<(), RecordError> {
        let layout = |why| RecordError::Layout(self.path.clone(), why);
        self.text = with_item(&self.text, "steps", step).map_err(layout)?;
        Ok(())
    }

    /// The scenario, with all effects at its end. It has been played, and passes.
    ///
    /// # Errors
    /// It does not, or it comes to another end than the calls did.
    pub async fn finish(&self) -> Result<String, RecordError> {
        let at = |text: &str| Case::at(&self.path, text, &Loading::default());
        let case = at(&self.text)?;
        let options = Options { bless: true, ..Options::default() };
        let report = Runner::new(self.plugin.clone(), options).case(&case).await.0;
        let text = match report.failures.as_slice() {
            [] => case.blessed(&report.came)?.unwrap_or_else(|| self.text.clone()),
            failures => return Err(RecordError::Otherwise(listed(&self.path, &self.text, failures))),
        };
        let case = at(&text)?;
        let runner = Runner::new(self.plugin.clone(), Options::default());
        let failures = match runner.case(&case).await.0.failures {
            failures if failures.is_empty() => match replay(&runner.props(&case, None, Manner::Told)).await {
                Ok(end) if self.is_at(&end.host)? => return Ok(text),
                Ok(_) => return Err(RecordError::Otherwise("  it leaves another world behind".into())),
                Err(failures) => failures,
            },
            failures => failures,
        };
        Err(RecordError::Otherwise(listed(&self.path, &text, &failures)))
    }
}

fn listed(path: &Path, text: &str, failures: &[Failure]) -> String {
    let mut list = String::new();
    for failure in failures {
        // Writing to a text does not fail.
        let _ = shown(&mut list, path, text, failure);
    }
    list.trim_end().to_owned()
}

/// The way from a folder to a file, as a scenario writes it.
fn relative(from: &Path, to: &Path) -> Option<String> {
    let parts = |path: &Path| -> Option<Vec<String>> {
        let absolute = std::path::absolute(path).ok()?;
        let mut parts = Vec::new();
        for part in absolute.components() {
            match part {
                Component::ParentDir => {
                    parts.pop();
                }
                Component::CurDir => {}
                part => parts.push(part.as_os_str().to_str()?.to_owned()),
            }
        }
        Some(parts)
    };
    let (from, to) = (parts(from)?, parts(to)?);
    let same = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = from.iter().skip(same).map(|_| "..");
    Some(up.chain(to.iter().skip(same).map(String::as_str)).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_from_a_folder() {
        for (from, to, way) in [
            ("a/b", "a/b/w.yaml", "w.yaml"),
            ("a/b", "a/worlds/w.yaml", "../worlds/w.yaml"),
            ("a/./b", "a/c/../w.yaml", "../w.yaml"),
            (".", "w.yaml", "w.yaml"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)).as_deref(), Some(way), "{from} {to}");
        }
    }
}
