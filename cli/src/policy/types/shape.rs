//! The types of verdicts as data, which a built policy compares its answers with.

use guestlist_testkit::words::{camel, pascal, snake};
use serde_json::{Map, Value, json};
use wit_parser::{Type, TypeDefKind};

use super::contract::{Contract, Named};
use crate::policy::language::Language;

/// Every type that is named, as the language calls it: `{ "narrowed": { "record": { "grants": { "list":
/// "u32" } } } }`.
pub fn shape(contract: &Contract, language: Language) -> Value {
    let one = |named: Named<'_>| (called(&named, language), of(contract, &named, language));
    Value::Object(contract.types().into_iter().map(one).collect())
}

fn called(named: &Named<'_>, language: Language) -> String {
    if language == Language::Python { named.class() } else { named.name.to_owned() }
}

fn of(contract: &Contract, named: &Named<'_>, language: Language) -> Value {
    let python = language == Language::Python;
    let field = |name: &str| if python { snake(name) } else { camel(name) };
    let case =
        |name: &str| if python { format!("{}_{}", named.class(), pascal(name)) } else { name.to_owned() };
    let mut shape = match named.kind {
        TypeDefKind::Record(record) => {
            let fields = record.fields.iter().map(|it| (field(&it.name), kind(contract, it.ty, language)));
            json!({ "record": Map::from_iter(fields) })
        }
        TypeDefKind::Variant(variant) => {
            let payload = |ty: Option<Type>| ty.map_or(Value::Null, |ty| kind(contract, ty, language));
            let cases = variant.cases.iter().map(|it| (case(&it.name), payload(it.ty)));
            json!({ "cases": Map::from_iter(cases) })
        }
        TypeDefKind::Enum(all) => {
            let word = |it: &wit_parser::EnumCase| {
                if python {
                    format!("{}.{}", named.class(), snake(&it.name).to_ascii_uppercase())
                } else {
                    it.name.clone()
                }
            };
            json!({ "enum": all.cases.iter().map(word).collect::<Vec<_>>() })
        }
        _ => json!({}),
    };
    if python && let Some(shape) = shape.as_object_mut() {
        let folder = if named.home == contract.rules().0 { "exports" } else { "imports" };
        shape.insert("module".into(), format!("wit_world.{folder}.{}", snake(named.home)).into());
    }
    shape
}

fn kind(contract: &Contract, ty: Type, language: Language) -> Value {
    match (ty, contract.known(ty)) {
        (Type::Id(_), Ok(named)) => match named.kind {
            TypeDefKind::Type(meant) => kind(contract, *meant, language),
            TypeDefKind::Record(_) | TypeDefKind::Variant(_) | TypeDefKind::Enum(_) => {
                json!({ "named": called(&named, language) })
            }
            other => made_of(contract, other, language),
        },
        (Type::Id(_), Err(made)) => made_of(contract, made, language),
        (Type::Bool, _) => "bool".into(),
        (Type::String, _) => "string".into(),
        (Type::U8, _) => "u8".into(),
        (Type::U16, _) => "u16".into(),
        (Type::U32, _) => "u32".into(),
        (Type::U64, _) => "u64".into(),
        (Type::S8, _) => "s8".into(),
        (Type::S16, _) => "s16".into(),
        (Type::S32, _) => "s32".into(),
        (Type::S64, _) => "s64".into(),
        _ => "anything".into(),
    }
}

fn made_of(contract: &Contract, made: &TypeDefKind, language: Language) -> Value {
    match made {
        TypeDefKind::Option(ty) => json!({ "option": kind(contract, *ty, language) }),
        TypeDefKind::List(ty) => json!({ "list": kind(contract, *ty, language) }),
        _ => "anything".into(),
    }
}
