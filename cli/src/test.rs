//! `guestlist test`: plays scenarios.

mod progress;
mod watch;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::{Args, ValueEnum};
use guestlist_contract::text;
use guestlist_documents::files::{self, LARGEST_COMPONENT};
use guestlist_harness::{Engine, EngineOptions, Plugin, policy::Policies};
use guestlist_policies::{FolderError, MANIFEST, PathError};
use guestlist_scenario::{
    self as scenario, Ending, FileProblem, Loading, NotBlessed, Options, Report, Runner, Suite, SuiteError,
    compare, schema,
};

use guestlist_policies::ReadPolicies as _;
use guestlist_testkit::Judged as _;
use guestlist_trial::Places;

use crate::{Done, Failure, Told, cache, coverage, database::url_of_variable, policy::facts};

#[derive(Args)]
pub struct Arguments {
    /// Scenario files, or folders of them.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Only what has this in its path or name, or as a tag.
    #[arg(long)]
    filter: Option<String>,
    /// Scenarios at the same time; as many as there are processors by default.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Plays on a database instead of in memory, in places of their own beside what it holds: `sqlite:PATH` or
    /// `postgres://USER@HOST/NAME`; `env` takes the URL from the variable `GUESTLIST_DATABASE`, where a
    /// password is not seen by others.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Plays each scenario once: not a second time to compare, and not again for the failures that it asks
    /// for.
    #[arg(long)]
    once: bool,
    /// Begins no scenario after one has failed.
    #[arg(long)]
    fail_fast: bool,
    /// Lists every scenario, with how it ended and how long it took.
    #[arg(long, short)]
    verbose: bool,
    /// Lists the scenarios that took the longest.
    #[arg(long, value_name = "N")]
    slowest: Option<usize>,
    /// Fails every host call of every scenario in turn, and checks the guarantees.
    #[arg(long)]
    faults: bool,
    /// Shows what every step asked and changed.
    #[arg(long)]
    explain: bool,
    /// Writes what policies were asked into a file that `guestlist policy eval --facts` takes.
    #[arg(long, value_name = "FILE", requires = "explain", conflicts_with_all = ["against", "watch"])]
    write_facts: Option<PathBuf>,
    /// Writes what came into the files, as the effects that must come: those of the whole story, and
    /// those of steps that list theirs. Only where everything else came as the file says; nothing but
    /// these lists is touched.
    #[arg(long, conflicts_with = "seed")]
    bless: bool,
    /// Entropy for all scenarios, instead of their own.
    #[arg(long)]
    seed: Option<u64>,
    /// The longest that one scenario may take, in seconds; 60 by default, and 120 on a database.
    #[arg(long)]
    timeout: Option<u64>,
    /// Another plugin than the one that this command was built with.
    #[arg(long)]
    plugin: Option<PathBuf>,
    /// A policy component that is asked for every organization, before the worlds' scripted policies; or a
    /// folder with a `policies.yaml` that says which organization has which. Instead of what `suite.yaml`
    /// names.
    #[arg(long)]
    policy: Option<PathBuf>,
    /// Plays with this older plugin, too, and shows what is decided differently; expectations do not
    /// count. With `--policy` it is an older policy.
    #[arg(long, value_name = "OLD", conflicts_with_all = ["bless", "coverage", "coverage_rules", "coverage_min"])]
    against: Option<PathBuf>,
    /// Worlds may be outside of the suite's folder, and scenarios links that lead out of it.
    #[arg(long)]
    allow_outside: bool,
    /// For people, for programs, for build servers, or for GitHub workflows.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Plays again what is concerned when a file changes, until it is interrupted.
    #[arg(long, conflicts_with_all = ["against", "bless", "coverage", "coverage_rules", "coverage_min"])]
    watch: bool,
    /// Prints the JSON Schema of scenario files, or of another kind of file, for editors.
    #[arg(long, value_enum, value_name = "OF", num_args = 0..=1, require_equals = true, default_missing_value = "scenario")]
    schema: Option<SchemaOf>,
    #[command(flatten)]
    coverage: coverage::CoverageArguments,
}

/// A kind of file.
#[derive(Clone, Copy, ValueEnum)]
enum SchemaOf {
    Scenario,
    World,
    /// `suite.yaml`, which marks the folder of a suite.
    Suite,
    /// `policies.yaml`, which says whose the policies of a folder are.
    Policies,
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
    if let Some(of) = arguments.schema {
        let schema = match of {
            SchemaOf::Scenario => schema::of_scenarios(),
            SchemaOf::World => schema::of_worlds(),
            SchemaOf::Suite => schema::of_suites(),
            SchemaOf::Policies => schema::of_policies(),
        };
        print(&format!("{schema:#}\n"))?;
        return Ok(Done::Yes);
    }
    if arguments.watch {
        watch::run(arguments)?;
        return Ok(Done::Yes);
    }
    played(arguments).map_err(|stop| stop.told(arguments))
}

/// Why nothing was played, or what went wrong behind the report.
enum Stop {
    /// What is wrong with the suite, or with what it was to be played with.
    Before(SuiteError),
    /// The report was printed.
    Behind(Failure),
}

impl Stop {
    /// Something of the whole run, or of a file that it is to be played with.
    fn about(path: &Path, why: impl std::fmt::Display) -> Self {
        Self::Before(SuiteError::of(FileProblem::whole(path, why.to_string())))
    }

    /// Shows it: to people where errors go, to programs where the report would be.
    fn told(self, arguments: &Arguments) -> Failure {
        let error = match self {
            Self::Before(error) => error,
            Self::Behind(failure) => return failure,
        };
        let written = match arguments.format {
            Format::Text => {
                let shown = format!("{}\n", error.shown(scenario::Format::Text));
                io::stderr().write_all(shown.as_bytes())
            }
            format => print(&error.shown(format.into())),
        };
        let (problems, files) = (counted(error.count(), "problem"), counted(error.problems.len(), "file"));
        let what = format!("nothing was played: {problems} in {files}");
        written.map_or_else(Into::into, |()| Told(what).into())
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Behind(failure)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Behind(error.into())
    }
}

/// Options of the command line that make no sense, in the form that the report would have had.
pub fn misunderstood(format: &str, why: &str) -> Option<String> {
    let format = Format::from_str(format, false).ok().filter(|format| *format != Format::Text)?;
    let error = SuiteError::of(FileProblem::whole(Path::new("guestlist"), why.to_owned()));
    Some(error.shown(format.into()))
}

fn played(arguments: &Arguments) -> Result<Done, Stop> {
    let suite = load(arguments)?;
    let runner = runner(arguments, &suite, arguments.plugin.as_deref(), arguments.policy.as_deref())?;
    if let Some(old) = &arguments.against {
        let (plugin, policy) = match &arguments.policy {
            Some(_) => (arguments.plugin.as_deref(), Some(old.as_path())),
            None => (Some(old.as_path()), None),
        };
        let old = self::runner(arguments, &suite, plugin, policy)?;
        let total = suite.cases.len() * 2;
        let report = progress::shown(total, |told| compare(&suite, &old, &runner, told));
        print(&report.shown(arguments.format.into(), &suite))?;
        return Ok(done(report.failed() == 0));
    }
    let mut report = progress::shown(suite.cases.len(), |told| runner.run_with_progress(&suite, told));
    measure_rules(arguments, &runner, &suite, &mut report)?;
    if arguments.verbose {
        remark(arguments, &report.listed())?;
    }
    print(&report.shown(arguments.format.into(), &suite))?;
    if let Some(path) = &arguments.write_facts {
        facts::write(path, &report)?;
    }
    if let Some(count) = arguments.slowest {
        remark(arguments, &report.slowest(count))?;
    }
    let (covered, below) = arguments.coverage.judge(&report.coverage.report(), report.rules.as_ref());
    if let Some(covered) = covered {
        remark(arguments, &covered)?;
    }
    for why in &below {
        eprintln!("error: {why}");
    }
    let blessed = !arguments.bless || bless(arguments, &suite, &report)?;
    Ok(done(report.failed() == 0 && below.is_empty() && blessed))
}

/// Measures what of the rules has decided; and what could be dropped, where that was asked for and nothing
/// has failed.
fn measure_rules(
    arguments: &Arguments,
    runner: &Runner,
    suite: &Suite,
    report: &mut Report,
) -> Result<(), Failure> {
    if !arguments.coverage.counts_rules() {
        return Ok(());
    }
    let tries = arguments.coverage.tries_rules();
    if tries && report.failed() > 0 {
        eprintln!("no rule was tried: what a scenario notices is only known where all pass");
    }
    report.rules = Some(if tries && report.failed() == 0 {
        let said = AtomicBool::new(false);
        progress::shown_of(|told| {
            runner.try_rules(suite, report, &|total, progress| {
                if !said.swap(true, Ordering::SeqCst) {
                    eprintln!("without each rule, part of a rule, setting and verdict: {total} playings");
                }
                told(total, progress);
            })
        })
    } else {
        runner.rules(suite, report)
    });
    Ok(())
}

/// Writes the effects of what passed into its files. Answers whether it could.
fn bless(arguments: &Arguments, suite: &Suite, report: &Report) -> Result<bool, Failure> {
    let mut out = String::new();
    let (mut written, mut all) = (0, true);
    for (case, ran) in suite.cases.iter().zip(&report.cases).filter(|(_, ran)| ran.ending == Ending::Passed) {
        match case.bless(ran) {
            Ok(true) => {
                written += 1;
                out += &format!("blessed {}\n", shown(&case.path));
            }
            Ok(false) => {}
            Err(why) => {
                out += &format!("not blessed {}: {why}\n", shown(&case.path));
                // A race with many ends, or a table, is fine as it is.
                all &= matches!(why, NotBlessed::ManyEnds | NotBlessed::Table);
            }
        }
    }
    out += &format!("{written} files written\n");
    remark(arguments, &out)?;
    Ok(all)
}

fn done(well: bool) -> Done {
    if well { Done::Yes } else { Done::Refused }
}

/// What plays scenarios with a plugin, or with the one of this command.
fn runner(
    arguments: &Arguments,
    suite: &Suite,
    plugin: Option<&Path>,
    policy: Option<&Path>,
) -> Result<Runner, Stop> {
    let own = |error: &dyn std::fmt::Display| Stop::about(Path::new("guestlist"), error);
    let metered = EngineOptions::fuel().instances(64);
    // What is small is not worth a folder.
    let engine = if policy.is_some() || !suite.policies().is_empty() {
        cache::engine(metered).map_err(|error| own(&error))?
    } else {
        Engine::new(&metered).map_err(|error| own(&error))?
    };
    let plugin = match plugin {
        None => Plugin::bundled(&engine).map_err(|error| own(&error))?,
        Some(path) => {
            let plugin = Plugin::load(&engine, &read(path)?);
            plugin.map_err(|error| Stop::about(path, format_args!("{}: {error}", path.display())))?
        }
    };
    let mut options = options(arguments);
    if let Some(database) = &arguments.database {
        let places = places(database)
            .map_err(|error| own(&format_args!("no scenario can be played on that database: {error}")))?;
        options.backing = Some(Arc::new(places));
    }
    match policy {
        Some(path) => {
            let policies = policies(&engine, path)?;
            // Also instead of those that suites name.
            options.policies = suite.policies().into_iter().map(|path| (path, policies.clone())).collect();
            options.prepare = Arc::new(move |host| host.set_policies(policies.clone()));
        }
        None => {
            for path in suite.policies() {
                let policies = policies(&engine, &path)?;
                options.policies.insert(path, policies);
            }
        }
    }
    Ok(Runner::new(plugin, options))
}

/// Makes the places in which scenarios are played on a database.
fn places(database: &str) -> Result<Places, Failure> {
    let url = if database == "env" { url_of_variable()? } else { database.to_owned() };
    let places = Places::new(&url)?;
    places.probe()?;
    Ok(places)
}

/// What judges: a component for all organizations, or what a folder says.
fn policies(engine: &Engine, path: &Path) -> Result<Policies, Stop> {
    let policies = Policies::new(engine);
    if path.is_dir() {
        eprintln!("loading the policies of {} ..", shown(path));
    } else {
        cache::announce(engine, path, &read(path)?);
    }
    policies.read_path(path).map_err(|error| match error {
        PathError::Folder(FolderError::Malformed(error)) => {
            Stop::Before(SuiteError::of(FileProblem { path: path.join(MANIFEST), error }))
        }
        error => Stop::about(path, error),
    })?;
    Ok(policies)
}

fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    let unreadable = |error| Stop::about(path, format_args!("`{}` cannot be read: {error}", path.display()));
    files::read(path, LARGEST_COMPONENT).map_err(unreadable)
}

fn options(arguments: &Arguments) -> Options {
    let mut options = Options::default();
    options.faults = arguments.faults;
    options.fail_fast = arguments.fail_fast;
    options.explain = arguments.explain;
    options.bless = arguments.bless;
    options.seed = arguments.seed;
    let longest = if arguments.database.is_some() { 120 } else { 60 };
    options.timeout = Duration::from_secs(arguments.timeout.unwrap_or(longest));
    options.once = arguments.once;
    if let Some(jobs) = arguments.jobs {
        options.jobs = usize::from(jobs);
    }
    options
}

fn load(arguments: &Arguments) -> Result<Suite, Stop> {
    let loading = Loading { allow_outside: arguments.allow_outside };
    let suite = Suite::load(&arguments.paths, &loading).map_err(Stop::Before)?;
    for (path, what) in &suite.skipped {
        eprintln!("skipped `{}`: it is {what}, and no regular file", shown(path));
    }
    let suite = match &arguments.filter {
        Some(filter) => suite.filtered(filter),
        None => suite,
    };
    if suite.cases.is_empty() {
        let path = arguments.paths.first().map_or(Path::new("."), PathBuf::as_path);
        return Err(Stop::about(path, "no scenario is selected; see the paths and `--filter`"));
    }
    Ok(suite)
}

fn shown(path: &Path) -> String {
    text::line(&path.display().to_string()).into_owned()
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What is said besides the report: where it cannot get into a program's way.
fn remark(arguments: &Arguments, text: &str) -> io::Result<()> {
    match arguments.format {
        Format::Text => print(text),
        _ => io::stderr().write_all(text.as_bytes()),
    }
}

fn print(text: &str) -> io::Result<()> {
    io::stdout().write_all(text.as_bytes())
}
