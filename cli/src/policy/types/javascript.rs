//! `types.d.ts`: for editors, and for the type check of a build.

use std::fmt::Write;

use guestlist_testkit::words::{camel, pascal};
use wit_parser::{Type, TypeDefKind};

use super::{
    NOTICE,
    contract::{Contract, Named},
};

pub fn declarations(contract: &Contract) -> String {
    let mut text = format!("// {NOTICE}\n");
    for named in contract.types() {
        text.push('\n');
        comment(&mut text, "", named.docs);
        declaration(&mut text, contract, &named);
    }
    let (name, docs) = contract.rules();
    text.push('\n');
    comment(&mut text, "", docs);
    let _ = writeln!(text, "export interface {} {{", pascal(name));
    for function in contract.functions() {
        comment(&mut text, "  ", function.docs.contents.as_deref().unwrap_or_default());
        let parameter = |it: &wit_parser::Param| format!("{}: {}", camel(&it.name), type_of(contract, it.ty));
        let parameters: Vec<_> = function.params.iter().map(parameter).collect();
        let answer = function.result.map_or("void".to_owned(), |ty| type_of(contract, ty));
        let _ = writeln!(text, "  {}({}): {answer};", camel(&function.name), parameters.join(", "));
    }
    text + "}\n"
}

fn declaration(text: &mut String, contract: &Contract, named: &Named<'_>) {
    let name = named.class();
    // Writing to a string cannot fail.
    let _ = match named.kind {
        TypeDefKind::Record(record) => {
            let _ = writeln!(text, "export interface {name} {{");
            for field in &record.fields {
                comment(text, "  ", field.docs.contents.as_deref().unwrap_or_default());
                let (mark, ty) = match contract.known(field.ty) {
                    Err(TypeDefKind::Option(some)) => ("?", type_of(contract, *some)),
                    _ => ("", type_of(contract, field.ty)),
                };
                let _ = writeln!(text, "  {}{mark}: {ty};", camel(&field.name));
            }
            writeln!(text, "}}")
        }
        TypeDefKind::Variant(variant) => {
            let _ = write!(text, "export type {name} =");
            for case in &variant.cases {
                text.push('\n');
                comment(text, "  ", case.docs.contents.as_deref().unwrap_or_default());
                let value = case.ty.map(|ty| format!("; val: {}", type_of(contract, ty))).unwrap_or_default();
                let _ = write!(text, "  | {{ tag: '{}'{value} }}", case.name);
            }
            writeln!(text, ";")
        }
        TypeDefKind::Enum(all) => {
            let _ = write!(text, "export type {name} =");
            for case in &all.cases {
                text.push('\n');
                comment(text, "  ", case.docs.contents.as_deref().unwrap_or_default());
                let _ = write!(text, "  | '{}'", case.name);
            }
            writeln!(text, ";")
        }
        TypeDefKind::Flags(flags) => {
            let _ = writeln!(text, "export interface {name} {{");
            for flag in &flags.flags {
                comment(text, "  ", flag.docs.contents.as_deref().unwrap_or_default());
                let _ = writeln!(text, "  {}?: boolean;", camel(&flag.name));
            }
            writeln!(text, "}}")
        }
        kind => writeln!(text, "export type {name} = {};", made_of(contract, kind)),
    };
}

fn type_of(contract: &Contract, ty: Type) -> String {
    match (ty, contract.known(ty)) {
        (Type::Id(_), Ok(named)) => named.class(),
        (Type::Id(_), Err(kind)) => made_of(contract, kind),
        (Type::Bool, _) => "boolean".into(),
        (Type::String | Type::Char, _) => "string".into(),
        (Type::U64 | Type::S64, _) => "bigint".into(),
        _ => "number".into(),
    }
}

fn made_of(contract: &Contract, kind: &TypeDefKind) -> String {
    let inner = |ty: &Type| type_of(contract, *ty);
    match kind {
        TypeDefKind::Type(ty) => inner(ty),
        TypeDefKind::Option(ty) => format!("({} | undefined)", inner(ty)),
        TypeDefKind::List(ty) => format!("{}[]", inner(ty)),
        TypeDefKind::Tuple(tuple) => {
            format!("[{}]", tuple.types.iter().map(inner).collect::<Vec<_>>().join(", "))
        }
        _ => "unknown".into(),
    }
}

fn comment(text: &mut String, indent: &str, docs: &str) {
    let lines: Vec<_> = docs.trim().lines().map(|line| line.replace("*/", "* /")).collect();
    match lines.as_slice() {
        [] => {}
        [one] => text.push_str(&format!("{indent}/** {one} */\n")),
        lines => {
            text.push_str(&format!("{indent}/**\n"));
            lines
                .iter()
                .for_each(|line| text.push_str(&format!("{}\n", format!("{indent} * {line}").trim_end())));
            text.push_str(&format!("{indent} */\n"));
        }
    }
}
