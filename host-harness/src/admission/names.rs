//! Compares what can be told from names: interfaces, their versions, and their functions.

use std::collections::BTreeSet;

use wasmtime::{
    Engine,
    component::{
        Component,
        types::{ComponentInstance, ComponentItem},
    },
};

use super::{AdmissionProblem, CONTRACT, PACKAGE, name::Name, world::World};
use crate::lending::{LOG, LOG_FUNCTIONS, Loans};
use guestlist_contract::{Function, host::Operation};

/// Compares the component's imports and exports with the contract.
pub(super) fn compare(component: &Component, world: World, loans: &Loans) -> Vec<AdmissionProblem> {
    let mut problems = match world {
        World::Extension => imports(component),
        World::TenantPolicy => barred(component, loans),
    };
    let (engine, shape) = (component.engine(), component.component_type());
    let exports: Vec<_> = shape.exports(engine).collect();
    let names: Vec<&str> = exports.iter().map(|(name, _)| *name).collect();
    for interface in world.exports() {
        let wanted = format!("{PACKAGE}/{interface}@{CONTRACT}");
        let name = match exported(&names, interface) {
            Some(Ok(name)) => name,
            Some(Err(name)) => {
                problems.push(AdmissionProblem::WrongVersion {
                    name: name.to_owned(),
                    ours: CONTRACT.to_owned(),
                });
                continue;
            }
            None => {
                problems.push(AdmissionProblem::MissingExport(wanted));
                continue;
            }
        };
        let item = exports.iter().find(|(found, _)| *found == name).map(|(_, export)| &export.ty);
        let Some(ComponentItem::ComponentInstance(instance)) = item else {
            problems.push(AdmissionProblem::MissingExport(wanted));
            continue;
        };
        for function in world.functions(interface) {
            let found = instance.get_export(engine, function).map(|export| export.ty);
            if !matches!(found, Some(ComponentItem::ComponentFunc(_))) {
                let (interface, function) = (name.to_owned(), function.to_owned());
                problems.push(AdmissionProblem::MissingFunction { interface, function });
            }
        }
    }
    problems
}

fn imports(component: &Component) -> Vec<AdmissionProblem> {
    let (engine, shape) = (component.engine(), component.component_type());
    let imports = shape.imports(engine).map(|(name, import)| match import.ty {
        ComponentItem::ComponentInstance(instance) => import_problems(name, &asked(engine, &instance)),
        _ => vec![AdmissionProblem::Unknown(name.to_owned())],
    });
    imports.flatten().collect()
}

/// Takes whatever a component imports but types, its log and what it is lent, as one problem: in a policy all
/// of it is.
fn barred(component: &Component, loans: &Loans) -> Vec<AdmissionProblem> {
    let (engine, shape) = (component.engine(), component.component_type());
    let lends = |interface: &str, function: &str| {
        let same = |lent: &str| match (Name::parse(lent), Name::parse(interface)) {
            (Some(lent), Some(asked)) => lent.is_compatible(&asked),
            _ => lent == interface,
        };
        let log = LOG_FUNCTIONS.map(|function| (LOG, function));
        loans.names().chain(log).any(|(lent, name)| name == function && same(lent))
    };
    let imports = shape.imports(engine).map(|(name, import)| match import.ty {
        ComponentItem::ComponentInstance(instance) => {
            let items = asked(engine, &instance).into_iter().filter(|(item, _)| !lends(name, item));
            items.map(|(item, _)| format!("`{item}` of `{name}`")).collect()
        }
        ComponentItem::Type(_) => Vec::new(),
        _ => vec![format!("`{name}`")],
    });
    let imports: Vec<_> = imports.flatten().collect();
    if imports.is_empty() { Vec::new() } else { vec![AdmissionProblem::Barred(imports)] }
}

/// The versions of the contract that names of interfaces speak.
pub(crate) fn contracts<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let ours = names.filter_map(Name::parse).filter(|name| name.package == PACKAGE);
    let versions: BTreeSet<_> = ours.filter_map(|name| name.version).collect();
    versions.iter().map(ToString::to_string).collect()
}

/// Finds which of a component's exports the engine takes for an interface of the contract: the one of the
/// very version, else the newest compatible one. The error is one of another version.
pub(super) fn exported<'a>(names: &[&'a str], interface: &str) -> Option<Result<&'a str, &'a str>> {
    let wanted = format!("{PACKAGE}/{interface}@{CONTRACT}");
    let wanted = Name::parse(&wanted)?;
    let parsed = names.iter().filter_map(|full| Some((*full, Name::parse(full)?)));
    let same: Vec<_> = parsed.filter(|(_, name)| name.is_same_interface(&wanted)).collect();
    let compatible = same.iter().filter(|(_, name)| name.is_compatible(&wanted));
    let best = compatible.max_by_key(|(_, name)| (name.version == wanted.version, name.version.clone()));
    best.map(|(full, _)| Ok(*full)).or_else(|| same.first().map(|(full, _)| Err(*full)))
}

/// The place of an operation's function in the contract: the interface in full, and its name.
pub(crate) fn export_of(operation: Operation) -> (String, &'static str) {
    (format!("{PACKAGE}/{}@{CONTRACT}", exported_by(operation)), operation.name())
}

pub(super) fn exported_by(operation: Operation) -> &'static str {
    match operation {
        Operation::Sweep => "maintenance",
        operation if operation.is_invitees() => "invitee",
        _ => "invitations",
    }
}

/// Lists what an imported interface has to be given: everything but its types, which are only names for what
/// its functions take and answer.
fn asked(engine: &Engine, instance: &ComponentInstance) -> Vec<(String, bool)> {
    let items = instance.exports(engine).filter(|(_, item)| !matches!(item.ty, ComponentItem::Type(_)));
    items.map(|(name, item)| (name.to_owned(), matches!(item.ty, ComponentItem::ComponentFunc(_)))).collect()
}

/// `asked` are names, and whether each is a function.
fn import_problems(full: &str, asked: &[(String, bool)]) -> Vec<AdmissionProblem> {
    if asked.is_empty() {
        return Vec::new();
    }
    let Some(name) = Name::parse(full) else { return vec![AdmissionProblem::Unknown(full.to_owned())] };
    let (ours, known) = known(&name);
    let Some(ours) = ours else {
        return vec![match name.package {
            PACKAGE if World::exporting(name.interface).is_none() => {
                AdmissionProblem::TooNew(full.to_owned())
            }
            package if package.starts_with("wasi:") => AdmissionProblem::Withheld(full.to_owned()),
            _ => AdmissionProblem::Unknown(full.to_owned()),
        }];
    };
    if !ours.is_compatible(&name) {
        let ours = ours.version.map(|version| version.to_string()).unwrap_or_default();
        return vec![AdmissionProblem::WrongVersion { name: full.to_owned(), ours }];
    }
    let missing = |item: &str| {
        let import = format!("{}.{item}", name.interface);
        if name.package == PACKAGE {
            AdmissionProblem::TooNew(import)
        } else {
            AdmissionProblem::Withheld(import)
        }
    };
    let lent = |item: &str, is_function: bool| is_function && known.contains(&item);
    asked.iter().filter(|(item, function)| !lent(item, *function)).map(|(item, _)| missing(item)).collect()
}

/// The interface of this host that has this name, in whatever version, and its functions.
fn known(name: &Name<'_>) -> (Option<Name<'static>>, Vec<&'static str>) {
    let mut ours = None;
    let mut functions = Vec::new();
    for function in Function::ALL {
        let found = Name::parse(function.interface()).filter(|ours| ours.is_same_interface(name));
        if let Some(found) = found {
            ours = Some(found);
            functions.push(function.short_name());
        }
    }
    // It holds types only, so no function tells of it.
    if name.package == PACKAGE && name.interface == "types" {
        ours = Some(Name { package: PACKAGE, interface: "types", version: CONTRACT.parse().ok() });
    }
    (ours, functions)
}

/// Tells whether this is an interface of the host, in a version that it has.
pub(super) fn is_lent(name: &Name<'_>) -> bool {
    known(name).0.is_some_and(|ours| ours.is_compatible(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_versions_the_very_one_is_taken_then_the_newest_compatible_one() {
        let all = ["0.2.0", "0.1.3", "0.1.0", "0.1.7"].map(|v| format!("{PACKAGE}/invitee@{v}"));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(exported(&all, "invitee"), Some(Ok("guestlist:invitation/invitee@0.1.0")));
        let later: Vec<&str> = all.iter().copied().filter(|name| !name.ends_with("0.1.0")).collect();
        assert_eq!(exported(&later, "invitee"), Some(Ok("guestlist:invitation/invitee@0.1.7")));
        assert_eq!(
            exported(&["guestlist:invitation/invitee@0.2.0"], "invitee").map(|r| r.is_err()),
            Some(true)
        );
        assert_eq!(exported(&all, "maintenance"), None);
    }
}
