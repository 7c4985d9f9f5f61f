//! Turns files into scenarios: found, read, and checked before anything runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    check,
    format::{Scenario, Text, WorldSource},
    table,
};
use guestlist_documents::{
    Problem, WorldError,
    files::{self, LONGEST_TEXT},
};
use guestlist_memory::{MemoryHost, World};

/// The file that marks the folder of a suite: references may go as far up as to it.
pub const MARK: &str = "suite.yaml";

/// Scenarios that are run together.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Its scenarios, in the order of their paths.
    pub cases: Vec<Case>,
    /// Every file that was read: scenarios, and the worlds that they name.
    pub files: BTreeSet<PathBuf>,
    /// Paths with the name of a scenario in a folder that are no regular files, and what they are: they were
    /// not opened.
    pub skipped: BTreeMap<PathBuf, &'static str>,
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
    world_file: Option<PathBuf>,
    /// The row of its table that it is told for, from 1.
    pub(super) row: Option<usize>,
    name: String,
    /// The policy that its suite names.
    pub(super) policy: Option<PathBuf>,
}

/// The content of `suite.yaml`, beside marking the folder of a suite.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SuiteFile {
    /// The policies that answer the questions of every organization: a component of world `tenant-policy`, or
    /// a folder with a `policies.yaml`, relative to this file.
    #[schemars(with = "Option<String>")]
    policy: Option<Text>,
}

impl Case {
    /// The scenario that a file at `path` with this text would be.
    pub(super) fn at(path: &Path, text: &str, loading: &Loading) -> Result<Self, SuiteError> {
        let mut reader = Reader::new(loading);
        let mut cases = reader.scenario(path, text).map_err(SuiteError::of)?;
        match (cases.pop(), reader.problems()) {
            (Some(case), _) if case.row.is_some() => {
                let problem =
                    Problem::with(&case.scenario.name, "a table of rows is not recorded into".into());
                Err(SuiteError::of(FileProblem::new(path, WorldError::new(vec![problem]).in_source(text))))
            }
            (Some(case), problems) if problems.is_empty() => Ok(case),
            (_, problems) => Err(SuiteError { problems, files: reader.named }),
        }
    }

    /// A sentence about what it shows; for a row of a table with what tells it from the others.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The row of its table that it is told for, from 1; absent where it has none.
    #[must_use]
    pub fn row(&self) -> Option<usize> {
        self.row
    }

    /// The file that its world stands in.
    pub(super) fn world_path(&self) -> &Path {
        self.world_file.as_deref().unwrap_or(&self.path)
    }

    /// The line that its name stands on.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.scenario.name.referenced.line()
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.scenario.tags
    }

    /// The files that it is told in: its own, and its world's.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.path.as_path()).chain(self.world_file.as_deref())
    }

    /// Tells whether its path or name contains `text`, or a tag is `text`, in whatever case.
    #[must_use]
    pub fn is_about(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let path = self.path.to_string_lossy().to_lowercase();
        path.contains(&text)
            || self.name().to_lowercase().contains(&text)
            || self.tags().iter().any(|tag| tag.to_lowercase() == text)
    }
}

/// The way in which scenarios are found.
#[derive(Clone, Debug, Default)]
pub struct Loading {
    /// Files may be referred to, also by links, that are outside of the suite's folder.
    pub allow_outside: bool,
}

/// The reason why a suite cannot be run. Nothing was run. Written out, it shows the lines.
#[derive(Debug)]
pub struct SuiteError {
    /// The problems, in the order of the files: at least one.
    pub problems: Vec<FileProblem>,
    /// Every file that was read, or that is missing.
    pub files: BTreeSet<PathBuf>,
}

/// The problems of a file.
#[derive(Debug)]
pub struct FileProblem {
    /// The file: a scenario or a world.
    pub path: PathBuf,
    /// The problems in it.
    pub error: WorldError,
}

impl FileProblem {
    fn new(path: &Path, error: WorldError) -> Self {
        Self { path: path.to_owned(), error: error.in_file(path) }
    }

    fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::whole(path, format!("`{}` cannot be read: {error}", path.display()))
    }

    /// A problem of a file as a whole, or of what else a path means.
    #[must_use]
    pub fn whole(path: &Path, message: String) -> Self {
        Self { path: path.to_owned(), error: WorldError::new(vec![Problem::nowhere(message)]) }
    }
}

impl SuiteError {
    /// One problem.
    #[must_use]
    pub fn of(problem: FileProblem) -> Self {
        Self { problems: vec![problem], files: BTreeSet::new() }
    }

    /// The number of problems, those included that are not told.
    #[must_use]
    pub fn count(&self) -> usize {
        self.problems.iter().map(|file| file.error.count()).sum()
    }

    /// Each problem with its file.
    pub fn places(&self) -> impl Iterator<Item = (&Path, &Problem)> {
        self.problems
            .iter()
            .flat_map(|file| file.error.problems.iter().map(|problem| (file.path.as_path(), problem)))
    }
}

impl std::error::Error for SuiteError {}

impl fmt::Display for SuiteError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let gap = if index > 0 { "\n" } else { "" };
            writeln!(to, "{gap}{}", problem.error)?;
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
        let mut reader = Reader::new(loading);
        let (mut cases, mut problems, mut found) = (Vec::new(), Vec::new(), Found::default());
        for path in paths {
            if let Err(error) = found.find(path) {
                problems.push(FileProblem::unreadable(path, &error));
            }
        }
        let Found { mut files, skipped } = found;
        for path in &files {
            match reader.read(path) {
                Ok(read) => cases.extend(read),
                Err(error) => problems.push(error),
            }
        }
        problems.extend(reader.problems());
        files.extend(reader.named);
        problems.sort_by(|one, other| one.path.cmp(&other.path));
        if problems.is_empty() {
            Ok(Self { cases, files, skipped })
        } else {
            Err(SuiteError { problems, files })
        }
    }

    /// A suite of one scenario that stands in no file. References to files are refused.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(name: &str, yaml: &str) -> Result<Self, SuiteError> {
        let path = PathBuf::from(name);
        let files = BTreeSet::new();
        let none = |file: &str| Err(Refused::Because(format!("`{file}` is a file, and there are none here")));
        match tell(&path, yaml, none) {
            Ok(cases) => Ok(Self { cases, files, skipped: BTreeMap::new() }),
            Err(error) => {
                let problems = error.into_iter().map(|error| FileProblem::new(&path, error)).collect();
                Err(SuiteError { problems, files })
            }
        }
    }

    /// The policies that suites name for their scenarios, as [`Options::policies`](super::Options::policies) wants
    /// them.
    #[must_use]
    pub fn policies(&self) -> BTreeSet<PathBuf> {
        self.cases.iter().filter_map(|case| case.policy.clone()).collect()
    }

    /// Keeps only what is about `text`.
    #[must_use]
    pub fn filtered(self, text: &str) -> Self {
        self.only(|case| case.is_about(text))
    }

    /// Keeps only these scenarios.
    #[must_use]
    pub fn only(mut self, these: impl Fn(&Case) -> bool) -> Self {
        self.cases.retain(these);
        self
    }
}

/// The files that are at a path.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: BTreeSet<PathBuf>,
    skipped: BTreeMap<PathBuf, &'static str>,
}

impl Found {
    /// All scenario files at a path.
    pub(super) fn find(&mut self, path: &Path) -> io::Result<()> {
        if !fs::metadata(path)?.is_dir() {
            self.files.insert(path.to_owned());
            return Ok(());
        }
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() {
                self.find(&path)?;
            } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
                && path.file_name().is_none_or(|name| name != MARK)
            {
                // Of a link, what it leads to; one that leads nowhere is found out when it is read.
                match fs::metadata(&path).ok().as_ref().and_then(files::irregular) {
                    Some(what) => drop(self.skipped.insert(path, what)),
                    None => drop(self.files.insert(path)),
                }
            }
        }
        Ok(())
    }
}

/// The reason why a scenario has no world.
#[derive(Debug)]
enum Refused {
    /// The file may not be named, or is none: a problem of the scenario.
    Because(String),
    /// The world is wrong, and that is a problem of its own file.
    Wrong,
}

/// The text of a file.
pub(super) fn text_of(path: &Path) -> Result<String, SuiteError> {
    let problem = |error: io::Error| SuiteError::of(FileProblem::unreadable(path, &error));
    files::read_text(path, LONGEST_TEXT).map_err(problem)
}

/// Reads files; each world once.
struct Reader<'a> {
    loading: &'a Loading,
    worlds: BTreeMap<PathBuf, Result<Arc<World>, FileProblem>>,
    /// The marks of the folders of suites, by folder: the policy that each names.
    marks: BTreeMap<PathBuf, Result<Option<PathBuf>, FileProblem>>,
    /// Files that others name, there or not.
    named: BTreeSet<PathBuf>,
}

impl<'a> Reader<'a> {
    fn new(loading: &'a Loading) -> Self {
        Self { loading, worlds: BTreeMap::new(), marks: BTreeMap::new(), named: BTreeSet::new() }
    }

    /// Finds what is wrong with files that others name.
    fn problems(&mut self) -> Vec<FileProblem> {
        let worlds = std::mem::take(&mut self.worlds).into_values().filter_map(Result::err);
        worlds.chain(std::mem::take(&mut self.marks).into_values().filter_map(Result::err)).collect()
    }

    /// Scenarios, or nothing where the file is a world.
    fn read(&mut self, path: &Path) -> Result<Vec<Case>, FileProblem> {
        if path.file_name().is_some_and(|name| name == MARK) {
            let problem =
                Problem::nowhere(format!("`{MARK}` marks the folder of a suite, and is no scenario"));
            let problem = problem.helped("name the folder that it is in".into());
            return Err(FileProblem::new(path, WorldError::new(vec![problem])));
        }
        self.must_stay(path)?;
        let text =
            files::read_text(path, LONGEST_TEXT).map_err(|error| FileProblem::unreadable(path, &error))?;
        // A folder of scenarios may have its worlds beside them.
        if is_world(&text) {
            self.world(&plain(path));
            return Ok(Vec::new());
        }
        self.scenario(path, &text)
    }

    /// The scenarios that a file with this text is or would be; none, where its world is wrong, and that is said
    /// of the world's file.
    fn scenario(&mut self, path: &Path, text: &str) -> Result<Vec<Case>, FileProblem> {
        self.must_stay(path)?;
        let root = root(path);
        let policy = self.mark(&root);
        let cases = tell(path, text, |file| {
            let target = plain(&path.parent().unwrap_or(Path::new("")).join(file));
            if let Some(why) = self.outside(&root, &target, file) {
                return Err(Refused::Because(why));
            }
            self.named.insert(target.clone());
            if let Err(error) = fs::metadata(&target) {
                return Err(Refused::Because(format!("`{file}` cannot be read: {error}")));
            }
            Ok((self.world(&target).ok_or(Refused::Wrong)?, target))
        });
        match cases {
            Ok(mut cases) => {
                cases.iter_mut().for_each(|case| case.policy.clone_from(&policy));
                Ok(cases)
            }
            Err(Some(error)) => Err(FileProblem::new(path, error)),
            Err(None) => Ok(Vec::new()),
        }
    }

    /// Says why a file may not be referred to from inside of a suite.
    fn outside(&self, root: &Path, target: &Path, written: &str) -> Option<String> {
        let outside = !self.loading.allow_outside && !is_inside(root, target);
        outside.then(|| {
            format!(
                "`{written}` is outside of the suite's folder `{}`; `--allow-outside` allows it, and a `{MARK}` marks \
                 the folder of a suite",
                root.display()
            )
        })
    }

    /// The policy that the suite of a folder names; what is wrong with that is said of its own file.
    fn mark(&mut self, root: &Path) -> Option<PathBuf> {
        let path = root.join(MARK);
        if !self.marks.contains_key(root) && path.is_file() {
            let read = self.mark_at(root, &path);
            self.marks.insert(root.to_owned(), read);
            self.named.insert(path);
        }
        self.marks.get(root)?.as_ref().ok().cloned().flatten()
    }

    fn mark_at(&self, root: &Path, path: &Path) -> Result<Option<PathBuf>, FileProblem> {
        let text =
            files::read_text(path, LONGEST_TEXT).map_err(|error| FileProblem::unreadable(path, &error))?;
        let said = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        if !text.lines().any(said) {
            return Ok(None);
        }
        let wrong = |error: WorldError| FileProblem::new(path, error.in_source(&text));
        let suite: SuiteFile =
            guestlist_documents::yaml::read(&text).map_err(|error| FileProblem::new(path, error))?;
        let Some(policy) = suite.policy else { return Ok(None) };
        let target = plain(&root.join(&policy.value));
        let problem = match self.outside(root, &target, &policy.value) {
            Some(why) => Some(why),
            None => {
                fs::metadata(&target).err().map(|error| format!("`{}` cannot be read: {error}", policy.value))
            }
        };
        match problem {
            Some(why) => Err(wrong(WorldError::new(vec![Problem::with(&policy, why)]))),
            None => Ok(Some(target)),
        }
    }

    /// A file of the suite is no link that leads out of its folder.
    fn must_stay(&self, path: &Path) -> Result<(), FileProblem> {
        let root = root(path);
        if self.loading.allow_outside || is_inside(&root, path) {
            return Ok(());
        }
        let message = format!(
            "`{}` is a link that leads out of the suite's folder `{}`; `--allow-outside` allows it, and a `{MARK}` \
             marks the folder of a suite",
            path.display(),
            root.display()
        );
        Err(FileProblem::whole(path, message))
    }

    fn world(&mut self, path: &Path) -> Option<Arc<World>> {
        let read = || {
            let yaml = files::read_text(path, LONGEST_TEXT)
                .map_err(|error| FileProblem::unreadable(path, &error))?;
            let wrong = |error: WorldError| FileProblem::new(path, error.in_source(&yaml));
            let world = World::parse(&yaml).map_err(wrong)?;
            MemoryHost::from_world(&world).map_err(wrong)?;
            Ok(Arc::new(world))
        };
        self.worlds.entry(path.to_owned()).or_insert_with(read).as_ref().ok().cloned()
    }
}

/// Tells by its keys whether it is a world, because it may be wrong otherwise.
fn is_world(text: &str) -> bool {
    let text = files::without_mark(text);
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    has("organizations:") && !has("steps:") && !has("world:")
}

/// A scenario, or one for each row of its table. What is wrong is nothing, where it is said of the world's file.
fn tell(
    path: &Path,
    text: &str,
    mut world: impl FnMut(&str) -> Result<(Arc<World>, PathBuf), Refused>,
) -> Result<Vec<Case>, Option<WorldError>> {
    let rows = table::told(text).map_err(|error| Some(error.in_source(text)))?;
    if rows.is_empty() {
        return Ok(vec![parse(path, text.into(), &mut world)?]);
    }
    let case = |row: table::Told| {
        let mut case = parse(path, row.text.into(), &mut world)?;
        case.row = Some(row.row);
        case.name = row.label.map_or(case.name.clone(), |label| format!("{} ({label})", case.name));
        Ok(case)
    };
    rows.into_iter().map(case).collect()
}

/// Parses a scenario. The error is nothing where it is said of the world's file.
fn parse(
    path: &Path,
    text: Arc<str>,
    mut world: impl FnMut(&str) -> Result<(Arc<World>, PathBuf), Refused>,
) -> Result<Case, Option<WorldError>> {
    let wrong = |error: WorldError| Some(error.in_source(&text));
    let scenario: Scenario = guestlist_documents::yaml::read(&text).map_err(Some)?;
    let (world, world_file) = match &scenario.world.value {
        WorldSource::Here(world) => {
            MemoryHost::from_world(world).map_err(wrong)?;
            (Arc::new((**world).clone()), None)
        }
        WorldSource::File(file) => match world(file) {
            Ok((world, file)) => (world, Some(file)),
            Err(Refused::Because(why)) => {
                return Err(wrong(WorldError::new(vec![Problem::with(&scenario.world, why)])));
            }
            Err(Refused::Wrong) => return Err(None),
        },
    };
    let problems = check::problems(&scenario, &text, &world);
    if !problems.is_empty() {
        return Err(wrong(WorldError::new(problems)));
    }
    let name = scenario.name.value.clone();
    let (path, scenario) = (path.to_owned(), Arc::new(scenario));
    Ok(Case { path, text, scenario, world, world_file, row: None, name, policy: None })
}

/// The folder that a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The folder that references of a file stay in: the nearest above it with a mark, else its own.
pub(super) fn root(path: &Path) -> PathBuf {
    let own = folder(path).to_owned();
    let absolute = plain(&std::path::absolute(&own).unwrap_or(own));
    let marked = absolute.ancestors().find(|folder| folder.join(MARK).is_file()).map(Path::to_owned);
    marked.unwrap_or(absolute)
}

/// Tells whether a path leads into a folder: by its words, and by where its links lead.
pub(super) fn is_inside(root: &Path, path: &Path) -> bool {
    let Ok(absolute) = std::path::absolute(path) else { return false };
    let really = match (fs::canonicalize(root), fs::canonicalize(path)) {
        (Ok(root), Ok(path)) => path.starts_with(root),
        // What does not exist leads nowhere.
        _ => true,
    };
    plain(&absolute).starts_with(root) && really
}

/// The path without `..` after a name.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}
