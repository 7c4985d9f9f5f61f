//! `guestlist-storage test`: plays scenarios on a database.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clap::{Args, ValueEnum};
use guestlist_harness::{
    Engine, EngineOptions, Plugin,
    files::{self, LARGEST_COMPONENT},
    policy::Policies,
    scenario::{FileProblem, Format, Loading, Options, Progress, Runner, Suite, SuiteError},
    text,
};
use guestlist_storage::trial::Places;

use crate::{Done, Failure, Where, print};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Where,
    /// Scenario files, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Only what has this in its path or name, or as a tag.
    #[arg(long)]
    filter: Option<String>,
    /// Scenarios at the same time; as many as there are processors by default.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Play each scenario once: not a second time to compare, and not again for the failures that it asks for.
    #[arg(long)]
    once: bool,
    /// Shows what every step asked and changed.
    #[arg(long)]
    explain: bool,
    /// The longest that one scenario may take, in seconds.
    #[arg(long, default_value_t = 120)]
    timeout: u64,
    /// Another plugin than the one that this command was built with.
    #[arg(long)]
    plugin: Option<PathBuf>,
    /// Worlds may be outside of the suite's folder.
    #[arg(long)]
    allow_outside: bool,
    /// For people, for programs, for build servers, or for GitHub workflows.
    #[arg(long, value_enum, default_value_t)]
    format: Shown,
}

/// See [`Format`].
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Shown {
    #[default]
    Text,
    Json,
    Junit,
    Github,
}

impl From<Shown> for Format {
    fn from(format: Shown) -> Self {
        match format {
            Shown::Text => Self::Text,
            Shown::Json => Self::Json,
            Shown::Junit => Self::Junit,
            Shown::Github => Self::Github,
        }
    }
}

pub fn run(arguments: &Arguments) -> Result<Done, Failure> {
    played(arguments).map_err(|failure| told(arguments, failure))
}

/// Shows why nothing was played: to people where errors go, to programs where the report would be.
fn told(arguments: &Arguments, failure: Failure) -> Failure {
    let format = arguments.format.into();
    let written = match failure.downcast_ref::<SuiteError>() {
        Some(error) if format == Format::Text => {
            io::stderr().write_all(format!("{}\n", error.shown(format)).as_bytes())
        }
        Some(error) => print(&error.shown(format)),
        None if format == Format::Text => return failure,
        None => {
            let whole = FileProblem::whole(Path::new("guestlist-storage"), failure.to_string());
            print(&SuiteError::of(whole).shown(format))
        }
    };
    match written {
        Err(error) => error.into(),
        Ok(()) if failure.is::<SuiteError>() => "nothing was played".into(),
        Ok(()) => failure,
    }
}

fn played(arguments: &Arguments) -> Result<Done, Failure> {
    let format = arguments.format.into();
    let loading = Loading { allow_outside: arguments.allow_outside };
    let suite = Suite::load(&arguments.paths, &loading)?;
    for (path, what) in &suite.skipped {
        let path = path.display().to_string();
        eprintln!("skipped `{}`: it is {what}, and no regular file", text::line(&path));
    }
    let suite = match &arguments.filter {
        Some(filter) => suite.filtered(filter),
        None => suite,
    };
    if suite.cases.is_empty() {
        return Err("no scenario is selected; see the paths and `--filter`".into());
    }
    let engine = Engine::new(&EngineOptions::fuel().instances(64))?;
    let plugin = match &arguments.plugin {
        None => Plugin::bundled(&engine)?,
        Some(path) => {
            let bytes = files::read(path, LARGEST_COMPONENT)
                .map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
            Plugin::load(&engine, &bytes).map_err(|error| format!("{}: {error}", path.display()))?
        }
    };
    let mut options = Options::default();
    options.explain = arguments.explain;
    options.once = arguments.once;
    options.timeout = Duration::from_secs(arguments.timeout);
    for path in suite.policies() {
        let policies = Policies::new(&engine);
        policies.read_path(&path)?;
        options.policies.insert(path, policies);
    }
    options.backing = Some(Arc::new(Places::new(&arguments.place.url()?)?));
    if let Some(jobs) = arguments.jobs {
        options.jobs = usize::from(jobs);
    }
    let (ended, total) = (AtomicUsize::new(0), suite.cases.len());
    let report = Runner::new(plugin, options).run_with_progress(&suite, |progress| {
        if let (Progress::Ended(_), true) = (progress, io::stderr().is_terminal()) {
            eprint!("\r{} of {total}", ended.fetch_add(1, Ordering::SeqCst) + 1);
        }
    });
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    print(&report.shown(format, &suite))?;
    Ok(if report.failed() == 0 { Done::Yes } else { Done::Refused })
}
