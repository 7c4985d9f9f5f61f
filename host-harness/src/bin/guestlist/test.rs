//! `guestlist test`: plays scenarios.

mod progress;

use std::{
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, ValueEnum};
use guestlist_harness::{
    Engine, EngineOptions, Plugin,
    scenario::{self, Loading, Options, Runner, Suite, SuiteError},
};

use crate::{Done, Failure};

#[derive(Args)]
pub struct Arguments {
    /// Scenario files, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Only what has this in its path or name, or as a tag.
    #[arg(long)]
    filter: Option<String>,
    /// Scenarios at the same time; as many as there are processors by default.
    #[arg(long)]
    jobs: Option<usize>,
    /// Fails every host call of every scenario in turn, and checks the guarantees.
    #[arg(long)]
    faults: bool,
    /// Shows what every step asked and changed.
    #[arg(long)]
    explain: bool,
    /// Entropy for all scenarios, instead of their own.
    #[arg(long)]
    seed: Option<u64>,
    /// The longest that one scenario may take, in seconds.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
    /// Another plugin than the one that this command was built with.
    #[arg(long)]
    plugin: Option<PathBuf>,
    /// Worlds may be outside of the suite's folder.
    #[arg(long)]
    allow_outside: bool,
    /// For people, for programs, for build servers, or for GitHub workflows.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// See [`scenario::Format`].
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
    Junit,
    Github,
}

impl From<Format> for scenario::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Json => Self::Json,
            Format::Junit => Self::Junit,
            Format::Github => Self::Github,
        }
    }
}

pub fn run(arguments: &Arguments) -> Result<Done, Failure> {
    let suite = match load(arguments) {
        Ok(suite) => suite,
        Err(error) => return Err(broken(arguments, &error)?),
    };
    if suite.cases.is_empty() {
        return Err("no scenario is selected; see the paths and `--filter`".into());
    }
    let runner = Runner::new(plugin(arguments)?, options(arguments));
    let report = progress::shown(suite.cases.len(), |told| runner.run_with_progress(&suite, told));
    print(&report.shown(arguments.format.into(), &suite))?;
    Ok(if report.failed() == 0 { Done::Yes } else { Done::Refused })
}

fn options(arguments: &Arguments) -> Options {
    let mut options = Options::default();
    options.faults = arguments.faults;
    options.explain = arguments.explain;
    options.seed = arguments.seed;
    options.timeout = Duration::from_secs(arguments.timeout);
    if let Some(jobs) = arguments.jobs {
        options.jobs = jobs.max(1);
    }
    options
}

fn load(arguments: &Arguments) -> Result<Suite, SuiteError> {
    let loading = Loading { allow_outside: arguments.allow_outside };
    let suite = Suite::load(&arguments.paths, &loading)?;
    Ok(match &arguments.filter {
        Some(filter) => suite.filtered(filter),
        None => suite,
    })
}

/// Shows what is wrong with files: to people where errors go, to programs where the report would be.
fn broken(arguments: &Arguments, error: &SuiteError) -> io::Result<Failure> {
    match arguments.format {
        Format::Text => io::stderr().write_all(format!("{}\n", error.shown(scenario::Format::Text)).as_bytes())?,
        format => print(&error.shown(format.into()))?,
    }
    let (problems, files) = (error.places().count(), error.problems.len());
    let (problems, files) = (counted(problems, "problem"), counted(files, "file"));
    Ok(format!("nothing was played: {problems} in {files}").into())
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn print(text: &str) -> io::Result<()> {
    io::stdout().write_all(text.as_bytes())
}

fn plugin(arguments: &Arguments) -> Result<Plugin, Failure> {
    let engine = Engine::new(&EngineOptions::fuel().instances(64))?;
    Ok(match &arguments.plugin {
        None => Plugin::bundled(&engine)?,
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
            Plugin::load(&engine, &bytes)?
        }
    })
}
