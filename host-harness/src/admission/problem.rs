//! Says why a component is not let in, in words that say what to do.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{CONTRACT, name::Name, world::World};

/// A plugin or policy that was not loaded, with every reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError(Vec<AdmissionProblem>);

impl LoadError {
    /// The reasons: at least one.
    #[must_use]
    pub fn problems(&self) -> &[AdmissionProblem] {
        &self.0
    }
}

impl From<AdmissionProblem> for LoadError {
    fn from(problem: AdmissionProblem) -> Self {
        Self(vec![problem])
    }
}

impl From<Vec<AdmissionProblem>> for LoadError {
    fn from(problems: Vec<AdmissionProblem>) -> Self {
        Self(problems)
    }
}

impl std::error::Error for LoadError {}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [
            problem @ (AdmissionProblem::NotAComponent
            | AdmissionProblem::CoreModule
            | AdmissionProblem::Invalid(_)),
        ] = &*self.0
        {
            return problem.fmt(f);
        }
        let problems: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "the component was not admitted: {}", problems.join("; "))
    }
}

/// One reason not to admit a component. Written as JSON it is its kind, the names that it is about and
/// the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdmissionProblem {
    /// The bytes are no WebAssembly at all.
    #[error("this is no WebAssembly component; give the `.wasm` file that its build writes")]
    NotAComponent,
    /// The bytes are what a compiler makes before it is wrapped.
    #[error("this is a core module, not a component; wrap it with `wasm-tools component new` first")]
    CoreModule,
    /// A component that is damaged, or that uses WebAssembly features that are switched off.
    #[error("the component does not compile: {0}")]
    Invalid(String),
    /// A capability that exists in other hosts and is kept from plugins on purpose.
    #[error("it imports `{0}`, which is withheld: a plugin gets no files, sockets, clocks or environment")]
    Withheld(String),
    /// The host does not know this import.
    #[error("it imports `{0}`, which this host does not know; remove the import")]
    Unknown(String),
    /// Functions that a policy imports: there is none that it may.
    #[error(
        "it imports {}; a policy judges by the facts that it is given and may import no function: remove the \
         imports (build it for `wasm32-unknown-unknown`, or without WASI)", some(.0)
    )]
    Barred(Vec<String>),
    /// The component needs more than this contract has.
    #[error("it imports `{0}`, which is newer than contract {CONTRACT}; update the host")]
    TooNew(String),
    /// The component speaks an incompatible version of an interface.
    #[error("it speaks `{name}` and this host speaks {ours}; build it against `wit/` of this version")]
    WrongVersion {
        /// The interface, as the component names it.
        name: String,
        /// The version that this host has of it.
        ours: String,
    },
    /// The contract asks for this interface.
    #[error("it does not export `{0}`; is it a {kind}?", kind = built_for(.0))]
    MissingExport(String),
    /// The contract asks for this function.
    #[error(
        "its export `{interface}` lacks the function `{function}`; build it against `wit/` of this version"
    )]
    MissingFunction {
        /// The interface, as the component names it.
        interface: String,
        /// The function that it lacks.
        function: String,
    },
    /// The names fit and a type does not.
    #[error("{} {}: {difference}; {}", subject(functions), age.words(), age.remedy())]
    Reshaped {
        /// All functions that have to do with the type, as in `storage.by-code`.
        functions: Vec<String>,
        /// The difference, in words.
        difference: String,
        /// Tells which of the two has to follow the other.
        age: Age,
    },
    /// The names fit and the types do not, in a way that only the engine can tell.
    #[error(
        "it was built for another shape of contract {CONTRACT}: {0}; build it against `wit/` of this version"
    )]
    Mismatch(String),
    /// No instance of it can be made.
    #[error(
        "no instance of it can be made: {0}; what runs at its start has to end soon, in little memory and \
         without the host"
    )]
    Start(String),
}

/// Tells whether a component's types have more or less than the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// The component's types have more.
    Newer,
    /// The component's types have less.
    Older,
    /// The component's types have something else.
    Unclear,
}

impl Age {
    fn words(self) -> &'static str {
        match self {
            Self::Newer => "a newer shape",
            Self::Older => "an older shape",
            Self::Unclear => "another shape",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Newer => "update the host",
            Self::Older | Self::Unclear => "build it against `wit/` of this version",
        }
    }
}

/// "`now` of `wasi:clocks/wall-clock@0.2.6` and 3 more": all of a few.
fn some(imports: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<&str> = imports.iter().take(SHOWN).map(String::as_str).collect();
    match imports.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

/// Names the kind of component that exports this interface.
fn built_for(interface: &str) -> &'static str {
    match Name::parse(interface).and_then(|name| World::exporting(name.interface)) {
        Some(World::TenantPolicy) => "policy of world `tenant-policy`",
        _ => "plugin of world `extension`",
    }
}

/// "its import `storage.get` has", "its import `storage.get` and 3 more functions have"
fn subject(functions: &[String]) -> String {
    let first = functions.first().map_or("", String::as_str);
    let exported = first.split('.').next().and_then(World::exporting);
    let side = if exported.is_some() { "export" } else { "import" };
    match functions.len() {
        0 | 1 => format!("its {side} `{first}` has"),
        2 => format!("its {side} `{first}` and 1 more function have"),
        more => format!("its {side} `{first}` and {} more functions have", more.saturating_sub(1)),
    }
}

impl AdmissionProblem {
    /// A word for the kind of the problem, for machines: `too-new`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotAComponent => "not-a-component",
            Self::CoreModule => "core-module",
            Self::Invalid(_) => "invalid",
            Self::Withheld(_) => "withheld",
            Self::Unknown(_) => "unknown",
            Self::Barred(_) => "barred",
            Self::TooNew(_) => "too-new",
            Self::WrongVersion { .. } => "wrong-version",
            Self::MissingExport(_) => "missing-export",
            Self::MissingFunction { .. } => "missing-function",
            Self::Reshaped { age: Age::Newer, .. } => "newer-shape",
            Self::Reshaped { age: Age::Older, .. } => "older-shape",
            Self::Reshaped { age: Age::Unclear, .. } | Self::Mismatch(_) => "other-shape",
            Self::Start(_) => "start",
        }
    }

    /// The interfaces or functions that it is about.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Withheld(name) | Self::Unknown(name) | Self::TooNew(name) | Self::MissingExport(name) => {
                vec![name]
            }
            Self::WrongVersion { name, .. } => vec![name],
            Self::Barred(imports) => imports.iter().map(String::as_str).collect(),
            Self::MissingFunction { interface, function } => vec![interface, function],
            Self::Reshaped { functions, .. } => functions.iter().map(String::as_str).collect(),
            Self::NotAComponent
            | Self::CoreModule
            | Self::Invalid(_)
            | Self::Mismatch(_)
            | Self::Start(_) => Vec::new(),
        }
    }
}

impl Serialize for AdmissionProblem {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut problem = to.serialize_struct("AdmissionProblem", 3)?;
        problem.serialize_field("kind", self.kind())?;
        problem.serialize_field("names", &self.names())?;
        problem.serialize_field("message", &self.to_string())?;
        problem.end()
    }
}
