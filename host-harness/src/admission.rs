//! Whether a component may be loaded: it imports what the contract lends and exports what the contract
//! asks for.
//!
//! The engine would find the same, with a message about types. Here the cause is named, before
//! anything runs.

use wasmparser::Parser;
use wasmtime::component::{
    Component,
    types::{ComponentInstance, ComponentItem},
};

use crate::{Function, host::Operation};

/// The version of the contract that this harness speaks.
pub const CONTRACT: &str = "0.1.0";

const PACKAGE: &str = "guestlist:invitation";

/// A plugin that was not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are no WebAssembly at all.
    #[error("this is no WebAssembly component; give the `guestlist.wasm` that the build writes")]
    NotAComponent,
    /// They are what a compiler makes before it is wrapped.
    #[error("this is a core module, not a component; wrap it with `wasm-tools component new` first")]
    CoreModule,
    /// A component that is damaged, or that uses WebAssembly features that are switched off.
    #[error("the component does not compile: {0}")]
    Invalid(String),
    /// It asks for something that it does not get, or lacks something.
    #[error("the component was not admitted: {}", join(.0))]
    NotAdmitted(Vec<Problem>),
    /// The names fit and the types do not.
    #[error(
        "the component was built for another shape of contract {CONTRACT}: {0}; build it again from the \
         `wit/` of this version"
    )]
    Mismatch(String),
}

fn join(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// One reason not to admit a component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A capability that exists in other hosts and is kept from plugins on purpose.
    #[error("it imports `{0}`, which is withheld: a plugin gets no files, sockets, clocks or environment")]
    Withheld(String),
    /// Nobody here knows this import.
    #[error("it imports `{0}`, which this host does not know; remove the import")]
    Unknown(String),
    /// It needs more than this contract has.
    #[error("it imports `{0}`, which is newer than contract {CONTRACT}; update the host")]
    TooNew(String),
    /// It speaks an incompatible version of the contract.
    #[error("it speaks `{0}` and this host speaks {CONTRACT}; build it against `wit/` of this version")]
    WrongVersion(String),
    /// The contract asks for this interface.
    #[error("it does not export `{0}`; is it a plugin of world `extension`?")]
    MissingExport(String),
    /// The contract asks for this function.
    #[error("its export `{0}` lacks the function `{1}`; build it against `wit/` of this version")]
    MissingFunction(String, String),
}

/// What can be told without compiling.
pub(crate) fn check_kind(bytes: &[u8]) -> Result<(), LoadError> {
    if Parser::is_core_wasm(bytes) {
        return Err(LoadError::CoreModule);
    }
    if Parser::is_component(bytes) { Ok(()) } else { Err(LoadError::NotAComponent) }
}

/// Compares the component's imports and exports with the contract.
pub(crate) fn check(component: &Component) -> Result<(), LoadError> {
    let engine = component.engine();
    let shape = component.component_type();
    let mut problems = Vec::new();
    for (name, import) in shape.imports(engine) {
        match import.ty {
            ComponentItem::ComponentInstance(instance) => {
                let functions = functions(engine, &instance);
                problems.extend(check_import(name, functions.iter().map(String::as_str)));
            }
            _ => problems.push(Problem::Unknown(name.to_owned())),
        }
    }

    let exports: Vec<_> = shape.exports(engine).collect();
    for interface in ["invitations", "invitee", "maintenance"] {
        let wanted = format!("{PACKAGE}/{interface}@{CONTRACT}");
        let same =
            |name: &str| Name::parse(name).is_some_and(|n| n.package == PACKAGE && n.interface == interface);
        let Some((name, export)) = exports.iter().find(|(name, _)| same(name)) else {
            problems.push(Problem::MissingExport(wanted));
            continue;
        };
        if !Name::parse(name).is_some_and(|name| name.is_ours()) {
            problems.push(Problem::WrongVersion((*name).to_owned()));
            continue;
        }
        let ComponentItem::ComponentInstance(instance) = &export.ty else {
            problems.push(Problem::MissingExport(wanted));
            continue;
        };
        let functions = functions(engine, instance);
        for operation in Operation::ALL.into_iter().filter(|operation| exported_by(*operation) == interface) {
            if !functions.iter().any(|function| function == operation.name()) {
                problems.push(Problem::MissingFunction((*name).to_owned(), operation.name().to_owned()));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(LoadError::NotAdmitted(problems)) }
}

fn functions(engine: &wasmtime::Engine, instance: &ComponentInstance) -> Vec<String> {
    let function = |(name, item): (&str, wasmtime::component::types::ComponentExtern<'_>)| {
        matches!(item.ty, ComponentItem::ComponentFunc(_)).then(|| name.to_owned())
    };
    instance.exports(engine).filter_map(function).collect()
}

fn exported_by(operation: Operation) -> &'static str {
    match operation {
        Operation::Sweep => "maintenance",
        operation if operation.is_invitees() => "invitee",
        _ => "invitations",
    }
}

fn check_import<'a>(full: &str, functions: impl Iterator<Item = &'a str>) -> Vec<Problem> {
    let Some(name) = Name::parse(full) else { return vec![Problem::Unknown(full.to_owned())] };
    let known: Vec<&str> = Function::ALL
        .iter()
        .filter(|function| {
            Name::parse(function.interface()).is_some_and(|known| known.is_same_interface(&name))
        })
        .map(|function| function.short_name())
        .collect();
    // It holds types only, so no function tells of it.
    let is_types = name.package == PACKAGE && name.interface == "types";
    if known.is_empty() && !is_types {
        return vec![match name.package {
            PACKAGE if name.is_newer() => Problem::TooNew(full.to_owned()),
            package if package.starts_with("wasi:") => Problem::Withheld(full.to_owned()),
            _ => Problem::Unknown(full.to_owned()),
        }];
    }
    let compatible = if name.package == PACKAGE { name.is_ours() } else { name.is_wasi() };
    if !compatible {
        return vec![Problem::WrongVersion(full.to_owned())];
    }
    let missing = |function: &str| {
        let import = format!("{}.{function}", name.interface);
        if name.package == PACKAGE { Problem::TooNew(import) } else { Problem::Withheld(import) }
    };
    functions.filter(|function| !known.contains(function)).map(missing).collect()
}

/// `package:name/interface@version`
struct Name<'a> {
    package: &'a str,
    interface: &'a str,
    version: (u64, u64, u64),
}

impl<'a> Name<'a> {
    fn parse(full: &'a str) -> Option<Self> {
        let (path, version) = full.split_once('@')?;
        let (package, interface) = path.split_once('/')?;
        let mut numbers = version.split(['-', '+']).next()?.split('.').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self { package, interface, version: (next()?, next()?, next()?) })
    }

    fn is_same_interface(&self, other: &Self) -> bool {
        self.package == other.package && self.interface == other.interface
    }

    /// Until 1.0 the middle number is the one that breaks.
    fn is_ours(&self) -> bool {
        (self.version.0, self.version.1) == (0, 1)
    }

    fn is_newer(&self) -> bool {
        self.version > (0, 1, 0)
    }

    fn is_wasi(&self) -> bool {
        (self.version.0, self.version.1) == (0, 2)
    }
}
