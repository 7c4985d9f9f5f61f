//! `typings/`: what `wit_world` has when a policy is built, for editors and type checkers.

use std::{collections::BTreeSet, fmt::Write};

use guestlist_testkit::words::{pascal, snake};
use wit_parser::{Type, TypeDefKind};

use super::{
    NOTICE,
    contract::{Contract, Named},
};

/// The interface that the policy imports: types only.
const TYPES: &str = "types";

pub fn stubs(contract: &Contract) -> Vec<(&'static str, String)> {
    let rules = contract.rules().0;
    let home =
        |home: &str| contract.types().into_iter().filter(|named| named.home == home).collect::<Vec<_>>();
    vec![
        ("typings/wit_world/__init__.pyi", format!("# {NOTICE}\n")),
        ("typings/wit_world/imports/__init__.pyi", format!("# {NOTICE}\nfrom . import {TYPES} as {TYPES}\n")),
        ("typings/wit_world/imports/types.pyi", module(contract, TYPES, &home(TYPES))),
        ("typings/wit_world/exports/__init__.pyi", protocol(contract)),
        ("typings/wit_world/exports/rules.pyi", module(contract, rules, &home(rules))),
    ]
}

fn module(contract: &Contract, home: &str, types: &[Named<'_>]) -> String {
    let mut text = format!("# {NOTICE}\n");
    let docs = if home == contract.rules().0 { contract.rules().1 } else { "" };
    docstring(&mut text, "", docs);
    let kinds: BTreeSet<_> = types.iter().map(|named| imported(named.kind)).collect();
    let mut needs = String::new();
    for need in kinds {
        needs += need;
    }
    text.push_str(&needs);
    if home != TYPES {
        let _ = writeln!(text, "\nfrom ..imports import {TYPES}");
    }
    types.iter().for_each(|named| declaration(&mut text, contract, home, named));
    text
}

fn imported(kind: &TypeDefKind) -> &'static str {
    match kind {
        TypeDefKind::Record(_) | TypeDefKind::Variant(_) => "from dataclasses import dataclass\n",
        TypeDefKind::Enum(_) => "from enum import Enum\n",
        TypeDefKind::Flags(_) => "from enum import Flag\n",
        _ => "",
    }
}

fn declaration(text: &mut String, contract: &Contract, home: &str, named: &Named<'_>) {
    let name = named.class();
    let typed = |ty: Type| type_of(contract, home, ty);
    // Writing to a string cannot fail.
    match named.kind {
        TypeDefKind::Record(record) => {
            let _ = writeln!(text, "\n\n@dataclass\nclass {name}:");
            docstring(text, "    ", named.docs);
            for field in &record.fields {
                let _ = writeln!(text, "    {}: {}", snake(&field.name), typed(field.ty));
                docstring(text, "    ", field.docs.contents.as_deref().unwrap_or_default());
            }
        }
        TypeDefKind::Variant(variant) => {
            let class = |case: &str| format!("{name}_{}", pascal(case));
            for case in &variant.cases {
                let docs = case.docs.contents.as_deref().unwrap_or_default();
                let _ = writeln!(text, "\n\n@dataclass\nclass {}:", class(&case.name));
                docstring(text, "    ", docs);
                match case.ty {
                    Some(ty) => {
                        let _ = writeln!(text, "    value: {}", typed(ty));
                    }
                    None if docs.is_empty() => text.push_str("    pass\n"),
                    None => {}
                }
            }
            let all: Vec<_> = variant.cases.iter().map(|case| class(&case.name)).collect();
            let _ = writeln!(text, "\n\n{name} = {}", all.join(" | "));
            docstring(text, "", named.docs);
        }
        TypeDefKind::Enum(all) => {
            let _ = writeln!(text, "\n\nclass {name}(Enum):");
            docstring(text, "    ", named.docs);
            for (index, case) in all.cases.iter().enumerate() {
                let _ = writeln!(text, "    {} = {index}", snake(&case.name).to_ascii_uppercase());
                docstring(text, "    ", case.docs.contents.as_deref().unwrap_or_default());
            }
        }
        TypeDefKind::Flags(flags) => {
            let _ = writeln!(text, "\n\nclass {name}(Flag):");
            docstring(text, "    ", named.docs);
            for (index, flag) in flags.flags.iter().enumerate() {
                let _ = writeln!(
                    text,
                    "    {} = {}",
                    snake(&flag.name).to_ascii_uppercase(),
                    1u64 << index.min(63)
                );
            }
        }
        // A name for something else is not there when a policy is built.
        _ => {}
    }
}

fn protocol(contract: &Contract) -> String {
    let (rules, docs) = contract.rules();
    let mut text = format!(
        "# {NOTICE}\nfrom abc import abstractmethod\nfrom typing import Protocol\n\nfrom . import {rules} as {rules}\n\
         from ..imports import {TYPES}\n\n\nclass {}(Protocol):\n",
        pascal(rules)
    );
    docstring(&mut text, "    ", docs);
    for function in contract.functions() {
        let typed = |ty: Type| type_of(contract, "", ty);
        let parameter = |it: &wit_parser::Param| format!(", {}: {}", snake(&it.name), typed(it.ty));
        let parameters: String = function.params.iter().map(parameter).collect();
        let answer = function.result.map_or("None".to_owned(), typed);
        let _ = writeln!(
            text,
            "\n    @abstractmethod\n    def {}(self{parameters}) -> {answer}:",
            snake(&function.name)
        );
        docstring(&mut text, "        ", function.docs.contents.as_deref().unwrap_or_default());
        text.push_str("        ...\n");
    }
    text
}

/// A type as it is called in the module of `home`.
fn type_of(contract: &Contract, home: &str, ty: Type) -> String {
    match (ty, contract.known(ty)) {
        (Type::Id(_), Ok(named)) => match named.kind {
            TypeDefKind::Type(meant) => type_of(contract, home, *meant),
            kind @ (TypeDefKind::Option(_) | TypeDefKind::List(_) | TypeDefKind::Tuple(_)) => {
                made_of(contract, home, kind)
            }
            _ if named.home == home => named.class(),
            _ => format!("{}.{}", named.home, named.class()),
        },
        (Type::Id(_), Err(kind)) => made_of(contract, home, kind),
        (Type::Bool, _) => "bool".into(),
        (Type::String | Type::Char, _) => "str".into(),
        (Type::F32 | Type::F64, _) => "float".into(),
        _ => "int".into(),
    }
}

fn made_of(contract: &Contract, home: &str, kind: &TypeDefKind) -> String {
    let inner = |ty: &Type| type_of(contract, home, *ty);
    match kind {
        TypeDefKind::Type(ty) => inner(ty),
        TypeDefKind::Option(ty) => format!("{} | None", inner(ty)),
        TypeDefKind::List(ty) => format!("list[{}]", inner(ty)),
        TypeDefKind::Tuple(tuple) => {
            format!("tuple[{}]", tuple.types.iter().map(inner).collect::<Vec<_>>().join(", "))
        }
        _ => "object".into(),
    }
}

fn docstring(text: &mut String, indent: &str, docs: &str) {
    let docs = docs.trim().replace('\\', "\\\\").replace("\"\"\"", "'''");
    let lines: Vec<_> = docs.lines().collect();
    match lines.as_slice() {
        [] => {}
        [one] if !one.ends_with('"') => text.push_str(&format!("{indent}\"\"\"{one}\"\"\"\n")),
        lines => {
            text.push_str(&format!("{indent}\"\"\"\n"));
            lines
                .iter()
                .for_each(|line| text.push_str(&format!("{}\n", format!("{indent}{line}").trim_end())));
            text.push_str(&format!("{indent}\"\"\"\n"));
        }
    }
}
