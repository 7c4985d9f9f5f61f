//! `--watch`: plays again what a change concerns.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use guestlist_scenario::{Case, CaseReport, Glance, MARK, Runner};

use super::{Arguments, Stop, load, print, progress, runner};
use crate::Failure;

const POLL: Duration = Duration::from_millis(300);

/// What is known between two changes.
#[derive(Default)]
struct Known {
    runner: Option<Runner>,
    /// What came of each scenario that no change has concerned since.
    reports: BTreeMap<(PathBuf, Option<usize>), CaseReport>,
    /// The policies that the suites name.
    judges: BTreeSet<PathBuf>,
    /// What has changed since the files were understood last.
    changed: BTreeSet<PathBuf>,
}

/// Until it is interrupted, or cannot write.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let components: Vec<&Path> =
        [&arguments.plugin, &arguments.policy].into_iter().flatten().map(|path| &**path).collect();
    let mut files: BTreeSet<PathBuf> = components.iter().map(|path| path.to_path_buf()).collect();
    let mut known = Known::default();
    loop {
        // Before the files are read: what changes meanwhile is seen.
        let mut glance = Glance::at(&arguments.paths, files.iter().map(PathBuf::as_path));
        if io::stdout().is_terminal() {
            print("\x1b[2J\x1b[3J\x1b[H")?;
        }
        match known.round(arguments, &mut files) {
            Ok(text) => print(&text)?,
            Err(stop) => eprintln!("error: {}", stop.told(arguments)),
        }
        glance.add(files.iter().map(PathBuf::as_path));
        eprintln!("watching {} files", glance.count());
        let changed = loop {
            thread::sleep(POLL);
            let changed = glance.changed(&Glance::at(&arguments.paths, files.iter().map(PathBuf::as_path)));
            if !changed.is_empty() {
                break changed;
            }
        };
        // What a suite names may be a folder; and it may come to name another.
        let judged =
            |file: &PathBuf| known.judges.contains(file) || file.file_name().is_some_and(|name| name == MARK);
        if components.iter().any(|component| changed.contains(*component)) || changed.iter().any(judged) {
            known = Known::default();
        }
        known.changed.extend(changed);
    }
}

impl Known {
    /// Reads the files, plays what has to be played, and shows how everything stands.
    fn round(&mut self, arguments: &Arguments, files: &mut BTreeSet<PathBuf>) -> Result<String, Stop> {
        let suite = match load(arguments) {
            Ok(suite) => suite,
            Err(stop) => {
                if let Stop::Before(error) = &stop {
                    files.extend(error.files.iter().cloned());
                }
                return Err(stop);
            }
        };
        files.extend(suite.files.iter().cloned());
        files.extend(suite.policies());
        let runner = match self.runner.take() {
            Some(runner) => runner,
            None => runner(arguments, &suite, arguments.plugin.as_deref(), arguments.policy.as_deref())?,
        };
        self.judges = suite.policies();
        let changed = std::mem::take(&mut self.changed);
        let untouched = suite.cases.iter().filter(|case| !case.files().any(|file| changed.contains(file)));
        let mut reports: BTreeMap<_, _> =
            untouched.filter_map(|case| self.reports.remove_entry(&key(case))).collect();
        let concerned = suite.clone().only(|case| !reports.contains_key(&key(case)));
        let report =
            progress::shown(concerned.cases.len(), |told| runner.run_with_progress(&concerned, told));
        let report = report.with_earlier(std::mem::take(&mut reports).into_values());
        self.reports =
            report.cases.iter().map(|case| ((case.path.clone(), case.row), case.clone())).collect();
        self.runner = Some(runner);
        let again = format!("played {} of {}\n", concerned.cases.len(), suite.cases.len());
        eprint!("{again}");
        Ok(report.shown(arguments.format.into(), &suite))
    }
}

fn key(case: &Case) -> (PathBuf, Option<usize>) {
    (case.path.clone(), case.row())
}
