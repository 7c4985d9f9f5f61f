//! From files to scenarios: found, read, and checked before anything runs.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use super::{
    check,
    format::{Scenario, WorldSource},
};
use crate::memory::{Problem, World, WorldError};

/// The file that marks the folder of a suite: references may go as far up as to it.
pub const MARK: &str = "suite.yaml";

/// Scenarios that are run together.
#[derive(Debug)]
pub struct Suite {
    /// In the order of their paths.
    pub cases: Vec<Case>,
}

/// A scenario and where it is from.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub text: Arc<str>,
    pub(super) scenario: Arc<Scenario>,
    pub(super) world: Arc<World>,
}

impl Case {
    /// The scenario that a file at `path` with this text would be.
    pub(super) fn at(path: &Path, text: &str, loading: &Loading) -> Result<Self, SuiteError> {
        let problem = |why| SuiteError { problems: vec![FileProblem { path: path.to_owned(), why }] };
        in_place(path, text, loading, &mut BTreeMap::new()).map_err(problem)
    }

    /// What it shows.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.scenario.name.value
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.scenario.tags
    }

    /// Whether its path, name or a tag contains `text`, in whatever case.
    #[must_use]
    pub fn is_about(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let path = self.path.to_string_lossy().to_lowercase();
        path.contains(&text)
            || self.name().to_lowercase().contains(&text)
            || self.tags().iter().any(|tag| tag.to_lowercase() == text)
    }
}

/// How scenarios are found.
#[derive(Clone, Debug, Default)]
pub struct Loading {
    /// Files may be referred to that are outside of the suite's folder.
    pub allow_outside: bool,
}

/// Why a suite cannot be run. Nothing was run.
#[derive(Debug)]
pub struct SuiteError {
    /// At least one, in the order of the files.
    pub problems: Vec<FileProblem>,
}

/// What is wrong with a file.
#[derive(Debug)]
pub struct FileProblem {
    /// Which.
    pub path: PathBuf,
    /// What; written out, it shows the lines.
    pub why: Why,
}

/// What can be wrong with a file.
#[derive(Debug)]
pub enum Why {
    /// It cannot be read.
    Unreadable(String),
    /// It is not understood.
    Wrong(WorldError),
}

impl std::error::Error for SuiteError {}

impl fmt::Display for SuiteError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(to, "\n")?;
            }
            match &problem.why {
                Why::Unreadable(why) => write!(to, "{}: {why}", problem.path.display())?,
                Why::Wrong(error) => write!(to, "{}:\n{error}", problem.path.display())?,
            }
        }
        Ok(())
    }
}

impl Suite {
    /// Reads the scenarios at `paths`: files, or folders with all `*.yaml` below them (worlds, which
    /// are no scenarios, and the mark of a suite are left out).
    ///
    /// # Errors
    /// Everything that is wrong with the files, at once.
    pub fn load(paths: &[PathBuf], loading: &Loading) -> Result<Self, SuiteError> {
        let mut files = Vec::new();
        let mut problems = Vec::new();
        for path in paths {
            if let Err(error) = find(path, &mut files) {
                let why = Why::Unreadable(format!("it cannot be read: {error}"));
                problems.push(FileProblem { path: path.clone(), why });
            }
        }
        files.sort();
        files.dedup();
        let mut worlds = BTreeMap::new();
        let mut cases = Vec::new();
        for path in files {
            match read(&path, loading, &mut worlds) {
                Ok(Some(case)) => cases.push(case),
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self { cases }) } else { Err(SuiteError { problems }) }
    }

    /// A suite of one scenario that stands in no file. References to files are refused.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(name: &str, yaml: &str) -> Result<Self, SuiteError> {
        let path = PathBuf::from(name);
        let case =
            parse(&path, yaml.into(), |file| Err(format!("`{file}` is a file, and there are none here")));
        match case {
            Ok(case) => Ok(Self { cases: vec![case] }),
            Err(why) => Err(SuiteError { problems: vec![FileProblem { path, why }] }),
        }
    }

    /// Keeps only what is about `text`.
    #[must_use]
    pub fn filtered(mut self, text: &str) -> Self {
        self.cases.retain(|case| case.is_about(text));
        self
    }
}

/// All scenario files at a path.
fn find(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let (kind, path) = (entry.file_type()?, entry.path());
        if kind.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
            && path.file_name().is_none_or(|name| name != MARK)
        {
            files.push(path);
        }
    }
    Ok(())
}

type Worlds = BTreeMap<PathBuf, Result<Arc<World>, String>>;

/// A scenario, or nothing where the file is a world.
fn read(path: &Path, loading: &Loading, worlds: &mut Worlds) -> Result<Option<Case>, FileProblem> {
    let problem = |why| FileProblem { path: path.to_owned(), why };
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| problem(Why::Unreadable(format!("it cannot be read: {error}"))))?;
    // A folder of scenarios may have its worlds beside them.
    let is_world = || World::parse(&text).is_ok();
    match in_place(path, &text, loading, worlds) {
        Ok(case) => Ok(Some(case)),
        Err(_) if is_world() => Ok(None),
        Err(why) => Err(problem(why)),
    }
}

/// The text of a file.
pub(super) fn text_of(path: &Path) -> Result<String, SuiteError> {
    let problem = |error: std::io::Error| {
        let why = Why::Unreadable(format!("it cannot be read: {error}"));
        SuiteError { problems: vec![FileProblem { path: path.to_owned(), why }] }
    };
    fs::read_to_string(path).map_err(problem)
}

/// The scenario that a file with this text would be.
fn in_place(path: &Path, text: &str, loading: &Loading, worlds: &mut Worlds) -> Result<Case, Why> {
    let root = root(path);
    parse(path, text.into(), |file| {
        let target = path.parent().unwrap_or(Path::new("")).join(file);
        if !loading.allow_outside && !is_inside(&root, &target) {
            return Err(format!(
                "`{file}` is outside of the suite's folder `{}`; `--allow-outside` allows it, and a `{MARK}` marks the \
                 folder of a suite",
                root.display()
            ));
        }
        let world = worlds.entry(target.clone()).or_insert_with(|| {
            let yaml =
                fs::read_to_string(&target).map_err(|error| format!("`{file}` cannot be read: {error}"))?;
            let world = World::parse(&yaml).map_err(|error| format!("`{file}`: {error}"))?;
            MemoryWorld::check(&world).map_err(|error| format!("`{file}`: {}", error.in_source(&yaml)))?;
            Ok(Arc::new(world))
        });
        world.clone()
    })
}

/// A world that can be built.
struct MemoryWorld;

impl MemoryWorld {
    fn check(world: &World) -> Result<(), WorldError> {
        crate::memory::MemoryHost::from_world(world).map(drop)
    }
}

fn parse(
    path: &Path,
    text: Arc<str>,
    mut world: impl FnMut(&str) -> Result<Arc<World>, String>,
) -> Result<Case, Why> {
    let wrong = |error: WorldError| Why::Wrong(error.in_source(&text));
    let scenario: Scenario =
        serde_saphyr::from_str(&text).map_err(|error| wrong(WorldError::from_parser(&error)))?;
    let world = match &scenario.world.value {
        WorldSource::Here(world) => {
            MemoryWorld::check(world).map_err(wrong)?;
            Arc::new((**world).clone())
        }
        WorldSource::File(file) => {
            world(file).map_err(|why| wrong(WorldError::new(vec![Problem::with(&scenario.world, why)])))?
        }
    };
    let problems = check::problems(&scenario, &world);
    if !problems.is_empty() {
        return Err(wrong(WorldError::new(problems)));
    }
    Ok(Case { path: path.to_owned(), text, scenario: Arc::new(scenario), world })
}

/// The folder that a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The folder that references of a file stay in: the nearest above it with a mark, else its own.
pub(super) fn root(path: &Path) -> PathBuf {
    let own = folder(path).to_owned();
    let absolute = std::path::absolute(&own).unwrap_or(own);
    let marked = absolute.ancestors().find(|folder| folder.join(MARK).is_file()).map(Path::to_owned);
    marked.unwrap_or(absolute)
}

/// Whether a path leads into a folder: by its words, and by where its links lead.
pub(super) fn is_inside(root: &Path, path: &Path) -> bool {
    let Ok(absolute) = std::path::absolute(path) else { return false };
    let mut plain = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    let really = match (fs::canonicalize(root), fs::canonicalize(path)) {
        (Ok(root), Ok(path)) => path.starts_with(root),
        // What does not exist leads nowhere.
        _ => true,
    };
    plain.starts_with(root) && really
}
