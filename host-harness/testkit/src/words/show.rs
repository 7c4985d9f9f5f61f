//! Turns serde's form of a value into that of a language.

use serde_json::{Map, Value};
use wit_parser::Type;

use super::{Kind, Typed, camel, names::letters, pascal, snake};
use guestlist_documents::yaml::flow;
use guestlist_harness::policy::Language;

const JS: Option<Language> = Some(Language::JavaScript);
const PYTHON: Option<Language> = Some(Language::Python);
const RUST: Option<Language> = Some(Language::Rust);

/// Writes a value as one would in a program.
pub(super) fn literal(of: &Typed<'_>, value: &Value, language: Option<Language>) -> String {
    let inner = |ty: Type, value: &Value| literal(&of.with(ty), value, language);
    match of.kind() {
        Kind::Option(_) if value.is_null() => none(language).to_owned(),
        Kind::Option(some) if language == RUST => format!("Some({})", inner(some, value)),
        Kind::Option(some) => inner(some, value),
        Kind::List(item) => {
            let items = value.as_array().into_iter().flatten().map(|value| inner(item, value));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Kind::Record(name, fields) => {
            let between = if language == PYTHON { "=" } else { ": " };
            let fields = fields.iter().map(|field| {
                format!(
                    "{}{between}{}",
                    named(&field.name, language),
                    inner(field.ty, part(value, &field.name))
                )
            });
            let fields = fields.collect::<Vec<_>>().join(", ");
            match language {
                PYTHON => format!("{}({fields})", pascal(name)),
                RUST => format!("{} {{ {fields} }}", pascal(name)),
                _ => format!("{{ {fields} }}"),
            }
        }
        Kind::Cases { name, cases, is_enum } => {
            let (case, payload) = taken(&cases, value);
            let payload = payload.map(|(ty, value)| inner(ty, value));
            case_literal((name, case, is_enum), payload, language)
        }
        Kind::Plain(ty) => plain(ty, value, language),
    }
}

fn case_literal(
    (name, case, is_enum): (&str, &str, bool),
    payload: Option<String>,
    language: Option<Language>,
) -> String {
    match (language, payload) {
        (JS, _) if is_enum => format!("'{case}'"),
        (JS, None) => format!("{{ tag: '{case}' }}"),
        (JS, Some(payload)) => format!("{{ tag: '{case}', val: {payload} }}"),
        (PYTHON, _) if is_enum => format!("{}.{}", pascal(name), snake(case).to_ascii_uppercase()),
        (PYTHON, payload) => {
            format!("{}_{}({})", pascal(name), pascal(case), payload.unwrap_or_default())
        }
        (RUST, None) => format!("{}::{}", pascal(name), pascal(case)),
        (RUST, Some(payload)) => format!("{}::{}({payload})", pascal(name), pascal(case)),
        (_, None) => case.to_owned(),
        (_, Some(payload)) => format!("{{ {case}: {payload} }}"),
    }
}

fn none(language: Option<Language>) -> &'static str {
    match language {
        JS => "undefined",
        PYTHON | RUST => "None",
        _ => "null",
    }
}

fn plain(ty: Type, value: &Value, language: Option<Language>) -> String {
    match (value, language) {
        (Value::Bool(true), PYTHON) => "True".into(),
        (Value::Bool(false), PYTHON) => "False".into(),
        (Value::String(text), JS)
            if !text.contains(['\'', '\\', '"']) && !text.contains(char::is_control) =>
        {
            format!("'{text}'")
        }
        (Value::String(text), RUST) => format!("\"{}\"", rust_text(text)),
        (Value::String(_), None) => flow(value),
        // Their whole numbers of 64 bits are of a type of their own.
        (Value::Number(number), JS) if matches!(ty, Type::U64 | Type::S64) => format!("{number}n"),
        _ => value.to_string(),
    }
}

fn rust_text(text: &str) -> String {
    let escaped = |letter: char| match letter {
        '"' => "\\\"".to_owned(),
        letter if letter.is_control() || letter == '\\' => letter.escape_debug().to_string(),
        letter => letter.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// Writes a value as JSON with the names of a language.
pub(super) fn json(of: &Typed<'_>, value: &Value, language: Option<Language>) -> Value {
    let inner = |ty: Type, value: &Value| json(&of.with(ty), value, language);
    match of.kind() {
        Kind::Option(_) if value.is_null() => Value::Null,
        Kind::Option(some) => inner(some, value),
        Kind::List(item) => value.as_array().into_iter().flatten().map(|value| inner(item, value)).collect(),
        Kind::Record(_, fields) => {
            let field = |name: &str, ty| (named(name, language), inner(ty, part(value, name)));
            Value::Object(fields.iter().map(|it| field(&it.name, it.ty)).collect())
        }
        Kind::Cases { cases, is_enum, .. } => {
            let (case, payload) = taken(&cases, value);
            let payload = payload.map(|(ty, value)| inner(ty, value));
            let entry = |name: &str, value| (name.to_owned(), value);
            match (language, payload) {
                (JS, payload) if !is_enum => {
                    let val = payload.map(|payload| entry("val", payload));
                    Value::Object([entry("tag", case.into())].into_iter().chain(val).collect())
                }
                (_, Some(payload)) => Value::Object(Map::from_iter([entry(case, payload)])),
                (_, None) => case.into(),
            }
        }
        Kind::Plain(_) => value.clone(),
    }
}

/// A field's name.
pub(super) fn named(name: &str, language: Option<Language>) -> String {
    match language {
        JS => camel(name),
        PYTHON | RUST => snake(name),
        _ => name.to_owned(),
    }
}

/// A field of serde's form. A name that is a word of Rust has another letter there.
fn part<'a>(value: &'a Value, name: &str) -> &'a Value {
    let name = snake(name);
    value.get(&name).or_else(|| value.get(format!("{name}_"))).unwrap_or(&Value::Null)
}

/// Finds which case a value is, and what it carries.
fn taken<'a, 'b>(
    cases: &[(&'a str, Option<Type>)],
    value: &'b Value,
) -> (&'a str, Option<(Type, &'b Value)>) {
    let (said, payload) = match value {
        Value::Object(fields) => {
            fields.iter().next().map_or(("", None), |(case, it)| (case.as_str(), Some(it)))
        }
        other => (other.as_str().unwrap_or_default(), None),
    };
    let found = cases.iter().find(|(case, _)| letters(case) == letters(said));
    found.map_or(("", None), |(case, ty)| (*case, ty.zip(payload)))
}
