//! The policies of a host as a folder: components, and `policies.yaml`, which says whose they are.

use std::{
    collections::BTreeMap,
    io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use guestlist_documents::{
    Problem, WorldError,
    files::{self, LARGEST_COMPONENT},
};
use guestlist_harness::policy::{Listed, Policies, PolicyError, Rules};

/// The file that says whose the policies are.
pub const MANIFEST: &str = "policies.yaml";

/// The name for no rules.
const NONE: &str = "none";

/// `policies.yaml` cannot be read or says nothing that makes sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// The file cannot be read.
    #[error("{}: {error}; a folder of policies has a `{MANIFEST}`, and of a single policy the component is meant", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the file system.
        error: io::Error,
    },
    /// The file says nothing that makes sense: what is wrong with it, and where.
    #[error(transparent)]
    Malformed(WorldError),
}

/// A report on what was put in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FolderReport {
    /// Policies in `policies.yaml`.
    pub policies: usize,
    /// Organizations that it names.
    pub organizations: usize,
    /// Policies that cannot be loaded: nobody is let in where they should judge.
    pub broken: Vec<BrokenPolicy>,
}

/// A policy of a folder that cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BrokenPolicy {
    /// Its name in `policies.yaml`.
    pub name: String,
    /// The reason, and what to do.
    pub why: String,
    /// The organizations that are named as having it.
    pub organizations: Vec<String>,
    /// Tells whether it is for all organizations that are not named, too.
    pub others: bool,
}

/// The content of `policies.yaml`: whose the policies of a folder are.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Each policy by its name.
    #[serde(default)]
    policies: BTreeMap<String, Entry>,
    /// The name of each organization's policy, or `none`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    organizations: BTreeMap<String, Spanned<String>>,
    /// The policy of whoever is not named, or `none`. The last line, and never absent: a file that is cut off
    /// is wrong, and not one without rules.
    #[schemars(with = "String")]
    others: Spanned<String>,
}

/// A policy.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Its file, inside of the folder.
    #[schemars(with = "String")]
    component: Spanned<String>,
    /// The digest that it must have, in hex.
    #[schemars(with = "String")]
    sha256: Spanned<String>,
}

/// The reason why what a path has is not in force.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The file cannot be read.
    #[error("`{}` cannot be read: {error}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the file system.
        error: io::Error,
    },
    /// The file is no policy that this host takes.
    #[error("{}: {error}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The reason why it is not.
        error: PolicyError,
    },
    /// The folder says nothing that makes sense.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A policy of the folder cannot be loaded.
    #[error("the policy `{name}` cannot be loaded: {why}")]
    Broken {
        /// Its name in `policies.yaml`.
        name: String,
        /// The reason.
        why: String,
    },
}

/// Reads policies from files.
pub trait ReadPolicies {
    /// Puts in force what the `policies.yaml` of a folder says, all of it at once and in place of what a folder
    /// said before:
    ///
    /// ```yaml
    /// policies:
    ///   help-desk: { component: help-desk.wasm, sha256: 9f86d0.. }   # all 64 digits
    /// organizations:
    ///   org-7: help-desk
    ///   org-8: none           # no rules, whatever the others have
    /// others: help-desk       # whoever is not named; `none` where they have no rules
    /// ```
    ///
    /// A component that cannot be loaded, or is not the one that is pinned, is reported, and whoever has it is
    /// [broken](Rules::Broken): nobody is let in there until the folder is mended and read again. It touches
    /// no other organization. Compiling takes a while, so not on a thread that others wait for.
    ///
    /// # Errors
    ///
    /// When `policies.yaml` itself is wrong; then everything is as it was. A host that starts must not go on.
    fn read_folder(&self, folder: &Path) -> Result<FolderReport, FolderError>;

    /// Puts what a path has in force for all organizations: a component, or what a [folder](Self::read_folder)
    /// says. For tests, where a policy that cannot be loaded is a mistake.
    ///
    /// # Errors
    ///
    /// What cannot be read or loaded.
    fn read_path(&self, path: &Path) -> Result<(), PathError>;
}

impl ReadPolicies for Policies {
    fn read_folder(&self, folder: &Path) -> Result<FolderReport, FolderError> {
        self.replace_listed(|policies| read(policies, folder))
    }

    fn read_path(&self, path: &Path) -> Result<(), PathError> {
        if path.is_dir() {
            let report = self.read_folder(path)?;
            let broken = report.broken.into_iter().next();
            return broken
                .map_or(Ok(()), |BrokenPolicy { name, why, .. }| Err(PathError::Broken { name, why }));
        }
        let here = path.to_owned();
        let bytes = match files::read(path, LARGEST_COMPONENT) {
            Ok(bytes) => bytes,
            Err(error) => return Err(PathError::Unreadable { path: here, error }),
        };
        let policy = self.load(&bytes, None).map_err(|error| PathError::Unusable { path: here, error })?;
        self.set_others(policy);
        Ok(())
    }
}

fn read(policies: &Policies, folder: &Path) -> Result<(Listed, FolderReport), FolderError> {
    let path = folder.join(MANIFEST);
    let text = files::read_text(&path, files::LONGEST_TEXT)
        .map_err(|error| FolderError::Unreadable { path: path.clone(), error })?;
    let manifest = understood(&text).map_err(|error| FolderError::Malformed(error.in_file(&path)))?;

    let mut report = FolderReport::default();
    let mut rules = BTreeMap::from([(NONE.to_owned(), Rules::None)]);
    for (name, entry) in manifest.policies {
        report.policies += 1;
        let loaded = load(policies, folder, &entry).unwrap_or_else(|why| {
            let named = manifest.organizations.iter().filter(|(_, policy)| policy.value == name);
            let organizations = named.map(|(organization, _)| organization.clone()).collect();
            let others = manifest.others.value == name;
            let broken = BrokenPolicy { name: name.clone(), why: why.clone(), organizations, others };
            report.broken.push(broken);
            Rules::Broken(Arc::from(format!("`{name}`: {why}")))
        });
        rules.insert(name, loaded);
    }
    report.organizations = manifest.organizations.len();
    let nowhere = || Rules::Broken(Arc::from("its name leads nowhere"));
    let of = |name: &str| rules.get(name).cloned().unwrap_or_else(nowhere);
    let own =
        manifest.organizations.into_iter().map(|(organization, policy)| (organization, of(&policy.value)));
    let others = of(&manifest.others.value);
    Ok((Listed { own: own.collect(), others }, report))
}

/// The manifest, if every name in it leads somewhere.
fn understood(text: &str) -> Result<Manifest, WorldError> {
    let manifest: Manifest = guestlist_documents::yaml::read(text)?;
    let mut problems = Vec::new();
    let mut wrong = |at: &Spanned<String>, what: String, help: String| {
        problems.push(Problem::with(at, what).helped(help));
    };
    for (name, entry) in &manifest.policies {
        if name == NONE {
            let what = format!("`{NONE}` means that there are no rules");
            wrong(&entry.component, what, "give the policy another name".into());
        }
        if !is_inside(&entry.component.value) {
            let what = format!("`{}` is not inside of the folder", entry.component.value);
            wrong(&entry.component, what, "copy the component into the folder".into());
        }
        if entry.sha256.value.len() != 64 || !entry.sha256.value.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            let help = "write the 64 hexadecimal digits of its SHA-256, in quotes if they are all numbers";
            wrong(&entry.sha256, format!("`{}` is no SHA-256", entry.sha256.value), help.into());
        }
    }
    for policy in manifest.organizations.values().chain([&manifest.others]) {
        let name = policy.value.as_str();
        if name != NONE && !manifest.policies.contains_key(name) {
            let problem = Problem::with(policy, format!("there is no policy `{name}`"))
                .helped(format!("describe it under `policies`, or write `{NONE}`"));
            problems.push(problem.suggest(name, manifest.policies.keys().map(String::as_str)));
        }
    }
    if problems.is_empty() { Ok(manifest) } else { Err(WorldError::new(problems).in_source(text)) }
}

fn is_inside(component: &str) -> bool {
    let mut parts = Path::new(component).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// The error says what is wrong and what to do.
fn load(policies: &Policies, folder: &Path, entry: &Entry) -> Result<Rules, String> {
    let path = folder.join(&entry.component.value);
    let bytes = files::read(&path, LARGEST_COMPONENT)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let policy = policies.load(&bytes, Some(&entry.sha256.value));
    policy.map(Rules::Policy).map_err(|error| format!("{}: {error}", path.display()))
}
