//! Reports what a component is, for whoever is about to deploy it, by the very code that lets plugins in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;
use wasmtime::component::{Component, types::ComponentItem};

use crate::{
    AdmissionProblem, Engine, Plugin, admission,
    artifacts::digest,
    lending::{Loans, PolicyLimits},
    policy::PolicyComponent,
    producers::producers,
};

/// A report on a component: what it is, what it asks for, and whether this host would take it.
///
/// Its JSON is for machines and stays as it is; more may be added. Its [`Display`](fmt::Display) is for
/// people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// Tells whether [`Plugin::load`](crate::Plugin::load) or [`PolicyComponent::load`], whichever was asked
    /// for, takes it, in an engine that was made alike.
    pub admitted: bool,
    /// SHA-256 of the bytes, in lower-case hex.
    pub digest: String,
    /// Its size in bytes.
    pub size: usize,
    /// The versions of the contract that it speaks, in ascending order; usually one.
    pub contract: Vec<String>,
    /// Its own words about its making, as `language`: `Rust`; empty for one that was stripped.
    pub producers: BTreeMap<String, BTreeSet<String>>,
    /// Interfaces and functions that it asks for.
    pub imports: Vec<Item>,
    /// Interfaces and functions that it offers.
    pub exports: Vec<Item>,
    /// All that speaks against it: what `load` says.
    pub problems: Vec<AdmissionProblem>,
}

/// An import or an export of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Item {
    /// Its name in the component: `guestlist:invitation/storage@0.1.0`.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// The functions of an interface, in the order of the component.
    pub functions: Vec<String>,
}

/// The kinds of imports and exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
#[allow(missing_docs, reason = "words of the component model")]
pub enum Kind {
    Interface,
    Function,
    Module,
    Component,
    Type,
    Resource,
}

impl PolicyComponent {
    /// Reports what a component is, and whether [`load`](Self::load) takes it. Takes as long.
    #[must_use]
    pub fn inspect(engine: &Engine, bytes: &[u8]) -> Inspection {
        Inspection::by(engine, bytes, |component| {
            admission::admit_policy(engine, component, &Loans::default(), &PolicyLimits::default()).err()
        })
    }
}

impl Inspection {
    /// Reports on a plugin.
    pub(crate) fn of(engine: &Engine, bytes: &[u8]) -> Self {
        Self::by(engine, bytes, |component| admission::admit(engine, component).err())
    }

    fn by(
        engine: &Engine,
        bytes: &[u8],
        problems: impl FnOnce(&Component) -> Option<Vec<AdmissionProblem>>,
    ) -> Self {
        let mut inspection = Self {
            admitted: false,
            digest: digest(bytes),
            size: bytes.len(),
            contract: Vec::new(),
            producers: producers(bytes),
            imports: Vec::new(),
            exports: Vec::new(),
            problems: Vec::new(),
        };
        match admission::compile(engine, bytes) {
            Err(problem) => inspection.problems.push(problem),
            Ok(component) => {
                inspection.read(&component);
                inspection.problems = problems(&component).unwrap_or_default();
            }
        }
        inspection.admitted = inspection.problems.is_empty();
        inspection
    }

    fn read(&mut self, component: &Component) {
        let engine = component.engine();
        let shape = component.component_type();
        let item = |name: &str, item: &ComponentItem| Item {
            name: name.to_owned(),
            kind: Kind::of(item),
            functions: functions(engine, item),
        };
        self.imports = shape.imports(engine).map(|(name, import)| item(name, &import.ty)).collect();
        self.exports = shape.exports(engine).map(|(name, export)| item(name, &export.ty)).collect();
        let all = self.imports.iter().chain(&self.exports);
        self.contract = admission::contracts(all.map(|item| item.name.as_str()));
    }
}

fn functions(engine: &wasmtime::Engine, item: &ComponentItem) -> Vec<String> {
    let ComponentItem::ComponentInstance(instance) = item else { return Vec::new() };
    let functions = instance.exports(engine).filter(|(_, item)| Kind::of(&item.ty) == Kind::Function);
    functions.map(|(name, _)| name.to_owned()).collect()
}

impl Kind {
    fn of(item: &ComponentItem) -> Self {
        match item {
            ComponentItem::ComponentInstance(_) => Self::Interface,
            ComponentItem::ComponentFunc(_) | ComponentItem::CoreFunc(_) => Self::Function,
            ComponentItem::Module(_) => Self::Module,
            ComponentItem::Component(_) => Self::Component,
            ComponentItem::Type(_) => Self::Type,
            ComponentItem::Resource(_) => Self::Resource,
        }
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "size      {} bytes", self.size)?;
        writeln!(f, "sha256    {}", self.digest)?;
        if !self.contract.is_empty() {
            writeln!(f, "contract  {}", self.contract.join(", "))?;
        }
        for (title, values) in &self.producers {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            writeln!(f, "{title:<9} {}", values.join(", "))?;
        }
        for (title, items) in [("imports", &self.imports), ("exports", &self.exports)] {
            if !items.is_empty() {
                writeln!(f, "{title}")?;
            }
            for item in items {
                write!(f, "  {}", item.name)?;
                match item.kind {
                    Kind::Interface if item.functions.is_empty() => writeln!(f, ": types only")?,
                    Kind::Interface => writeln!(f, ": {}", item.functions.join(", "))?,
                    Kind::Function => writeln!(f, ", a function")?,
                    Kind::Module => writeln!(f, ", a core module")?,
                    Kind::Component => writeln!(f, ", a component")?,
                    Kind::Type => writeln!(f, ", a type")?,
                    Kind::Resource => writeln!(f, ", a resource")?,
                }
            }
        }
        if self.admitted {
            return writeln!(f, "This host takes it.");
        }
        writeln!(f, "This host does not take it:")?;
        self.problems.iter().try_for_each(|problem| writeln!(f, "- {problem}"))
    }
}

impl Plugin {
    /// Reports what a component is and asks for, and whether [`load`](Self::load) takes it. Takes as long.
    #[must_use]
    pub fn inspect(engine: &Engine, bytes: &[u8]) -> Inspection {
        Inspection::of(engine, bytes)
    }
}
