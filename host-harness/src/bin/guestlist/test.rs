//! `guestlist test`: plays scenarios.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use clap::Args;
use guestlist_harness::{
    Engine, EngineOptions, Plugin,
    policy::PolicyComponent,
    scenario::{CaseReport, Ending, Loading, NotBlessed, Options, Report, Runner, Suite, shown},
};

use crate::{Done, Failure, coverage};

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
    /// Writes what came into the files, as the effects that must come: those of the whole story, and
    /// those of steps that list theirs. Only where everything else came as the file says; nothing but
    /// these lists is touched.
    #[arg(long, conflicts_with = "seed")]
    bless: bool,
    /// Entropy for all scenarios, instead of their own.
    #[arg(long)]
    seed: Option<u64>,
    /// The longest that one scenario may take, in seconds.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
    /// Another plugin than the one that this command was built with.
    #[arg(long)]
    plugin: Option<PathBuf>,
    /// A policy component that is asked for every organization, before the worlds' scripted policies.
    #[arg(long)]
    policy: Option<PathBuf>,
    /// Worlds may be outside of the suite's folder.
    #[arg(long)]
    allow_outside: bool,
    #[command(flatten)]
    coverage: coverage::CoverageArguments,
}

pub fn run(arguments: &Arguments) -> Result<Done, Failure> {
    let suite = load(arguments)?;
    let mut options = Options::default();
    options.faults = arguments.faults;
    options.explain = arguments.explain;
    options.bless = arguments.bless;
    options.seed = arguments.seed;
    options.timeout = std::time::Duration::from_secs(arguments.timeout);
    if let Some(jobs) = arguments.jobs {
        options.jobs = jobs.max(1);
    }
    let plugin = plugin(arguments)?;
    if let Some(path) = &arguments.policy {
        let policy = PolicyComponent::load(plugin.engine(), &read(path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        options.prepare = Arc::new(move |host| host.set_policy_component(None, policy.clone()));
    }
    let runner = Runner::new(plugin, options);
    let (count, total) = (AtomicUsize::new(0), suite.cases.len());
    let progress = io::stderr().is_terminal();
    let report = runner.run_with_progress(&suite, |_| {
        let done = count.fetch_add(1, Ordering::SeqCst) + 1;
        if progress {
            eprint!("\r{done} of {total}");
        }
    });
    if progress {
        eprint!("\r\x1b[K");
    }
    text(&suite, &report, arguments.explain)?;
    let (covered, below) = arguments.coverage.judge(&report.coverage.report());
    if let Some(covered) = covered {
        print!("{covered}");
    }
    for why in &below {
        eprintln!("error: {why}");
    }
    let blessed = !arguments.bless || bless(&suite, &report)?;
    Ok(if report.failed() == 0 && below.is_empty() && blessed { Done::Yes } else { Done::Refused })
}

/// Writes the effects of what passed into its files. Answers whether it could.
fn bless(suite: &Suite, report: &Report) -> Result<bool, Failure> {
    let mut out = String::new();
    let (mut written, mut all) = (0, true);
    for (case, ran) in suite.cases.iter().zip(&report.cases).filter(|(_, ran)| ran.ending == Ending::Passed) {
        match case.bless(ran) {
            Ok(true) => {
                written += 1;
                out += &format!("blessed {}\n", case.path.display());
            }
            Ok(false) => {}
            Err(why) => {
                out += &format!("not blessed {}: {why}\n", case.path.display());
                // A race with many ends is fine as it is.
                all &= matches!(why, NotBlessed::ManyEnds);
            }
        }
    }
    out += &format!("{written} files written\n");
    io::stdout().write_all(out.as_bytes())?;
    Ok(all)
}

fn load(arguments: &Arguments) -> Result<Suite, Failure> {
    let loading = Loading { allow_outside: arguments.allow_outside };
    let mut suite = Suite::load(&arguments.paths, &loading)?;
    if let Some(filter) = &arguments.filter {
        suite = suite.filtered(filter);
    }
    if suite.cases.is_empty() {
        return Err("no scenario is selected; see the paths and `--filter`".into());
    }
    Ok(suite)
}

fn plugin(arguments: &Arguments) -> Result<Plugin, Failure> {
    let engine = Engine::new(&EngineOptions::fuel().instances(64))?;
    Ok(match &arguments.plugin {
        None => Plugin::bundled(&engine)?,
        Some(path) => {
            Plugin::load(&engine, &read(path)?).map_err(|error| format!("{}: {error}", path.display()))?
        }
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()).into())
}

fn text(suite: &Suite, report: &Report, explain: bool) -> Result<(), Failure> {
    let mut out = String::new();
    let texts: BTreeMap<_, _> = suite.cases.iter().map(|case| (&case.path, &case.text)).collect();
    for case in &report.cases {
        if case.ending == Ending::Failed {
            out += &format!("FAIL {}\n  {}\n", case.path.display(), case.name);
            for failure in &case.failures {
                let source = texts.get(&case.path).map_or("", |text| text);
                shown(&mut out, &case.path, source, failure)?;
            }
        }
        if explain {
            explained(&mut out, case);
        }
    }
    let (failed, all) = (report.failed(), report.cases.len());
    let disturbed: u64 = report.cases.iter().map(|case| case.disturbed).sum();
    out += &format!(
        "{} scenarios, {} passed, {failed} failed, in {:.1} s ({:.0} a minute)\n",
        all,
        all - failed,
        report.time.as_secs_f64(),
        report.pace()
    );
    if disturbed > 0 {
        out += &format!("{disturbed} playings with a failing host call\n");
    }
    io::stdout().write_all(out.as_bytes())?;
    Ok(())
}

fn explained(out: &mut String, case: &CaseReport) {
    *out += &format!("{}\n  {}\n", case.path.display(), case.name);
    for step in &case.steps {
        *out += &format!("  line {}: {}\n", step.line, step.title);
        for line in &step.trace {
            *out += &format!("    {line}\n");
        }
        if let Some(answer) = &step.answer {
            *out += &format!("    = {answer}\n");
        }
        for effect in &step.effects {
            *out += &format!("    * {effect}\n");
        }
        if step.host_calls > 0 {
            *out +=
                &format!("    fuel {}, host calls {}, memory {}\n", step.fuel, step.host_calls, step.memory);
        }
    }
}
