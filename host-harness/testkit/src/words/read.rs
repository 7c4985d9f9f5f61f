//! Turns somebody's JSON into serde's form of a value.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use wit_parser::Type;

use super::{Kind, Typed, names::letters, pascal, snake};
use guestlist_documents::nearest;

/// Facts are not what the contract says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {what}")]
#[non_exhaustive]
pub struct FactsError {
    /// The place, as `facts.candidates[0].name`.
    pub path: String,
    /// The mistake, and what would be right.
    pub what: String,
}

fn wrong(path: &str, what: impl Into<String>) -> FactsError {
    FactsError { path: path.to_owned(), what: what.into() }
}

pub(super) fn value(of: &Typed<'_>, given: &Value, path: &str) -> Result<Value, FactsError> {
    match of.kind() {
        Kind::Option(_) if given.is_null() => Ok(Value::Null),
        Kind::Option(some) => value(&of.with(some), given, path),
        Kind::List(item) => {
            let Value::Array(items) = given else { return Err(another(path, "a list", given)) };
            let item = |(index, given)| value(&of.with(item), given, &format!("{path}[{index}]"));
            items.iter().enumerate().map(item).collect()
        }
        Kind::Record(name, fields) => {
            let Value::Object(given) = given else {
                return Err(another(path, &format!("a `{name}`, which is an object"), given));
            };
            let mut left: BTreeSet<&str> = given.keys().map(String::as_str).collect();
            let mut read = Map::new();
            for field in fields {
                let found: Vec<_> =
                    given.iter().filter(|(name, _)| letters(name) == letters(&field.name)).collect();
                if let [_, (again, _), ..] = found.as_slice() {
                    return Err(wrong(&format!("{path}.{again}"), "this field is given twice"));
                }
                let said = found.first().map_or(field.name.as_str(), |(said, _)| said.as_str());
                left.remove(said);
                let of = of.with(field.ty);
                let it = found.first().map_or(&Value::Null, |(_, it)| *it);
                if found.is_empty() && !matches!(of.kind(), Kind::Option(_)) {
                    let (name, field) = (name, &field.name);
                    return Err(wrong(path, format!("the field `{field}` of a `{name}` is missing")));
                }
                read.insert(snake(&field.name), value(&of, it, &format!("{path}.{said}"))?);
            }
            match left.into_iter().next() {
                None => Ok(Value::Object(read)),
                Some(unknown) => {
                    let names = fields.iter().map(|field| field.name.as_str());
                    Err(wrong(&format!("{path}.{unknown}"), unknown_word("field", name, unknown, names)))
                }
            }
        }
        Kind::Cases { name, cases, .. } => {
            let (said, payload) =
                case(given).ok_or_else(|| another(path, &format!("one of the cases of `{name}`"), given))?;
            let found = cases.iter().find(|(case, _)| letters(case) == letters(said));
            let Some((case, ty)) = found else {
                let what = unknown_word("case", name, said, cases.iter().map(|(case, _)| *case));
                return Err(wrong(path, what));
            };
            match (ty, payload) {
                (None, None) => Ok(pascal(case).into()),
                (None, Some(_)) => Err(wrong(path, format!("`{case}` carries nothing"))),
                (Some(_), None) => Err(wrong(path, format!("`{case}` has to carry a value"))),
                (Some(ty), Some(payload)) => {
                    let inner = value(&of.with(*ty), payload, &format!("{path}.{said}"))?;
                    Ok(Value::Object(Map::from_iter([(pascal(case), inner)])))
                }
            }
        }
        Kind::Plain(ty) => plain(ty, given, path),
    }
}

/// The case that a value names, written as `case`, as `{ case: value }` or as JavaScript does.
fn case(given: &Value) -> Option<(&str, Option<&Value>)> {
    match given {
        Value::String(case) => Some((case, None)),
        Value::Object(fields) => {
            if let Some(tag) = fields.get("tag").and_then(Value::as_str)
                && fields.keys().all(|key| matches!(key.as_str(), "tag" | "val"))
            {
                return Some((tag, fields.get("val")));
            }
            let mut all = fields.iter();
            let (case, value) = all.next()?;
            all.next().is_none().then_some((case.as_str(), Some(value)))
        }
        _ => None,
    }
}

fn plain(ty: Type, given: &Value, path: &str) -> Result<Value, FactsError> {
    let (what, fits) = match ty {
        Type::Bool => ("true or false".to_owned(), given.is_boolean()),
        Type::String | Type::Char => ("a text".to_owned(), given.is_string()),
        Type::U8 => whole(given, 0, u8::MAX.into()),
        Type::U16 => whole(given, 0, u16::MAX.into()),
        Type::U32 => whole(given, 0, u32::MAX.into()),
        Type::U64 => whole(given, 0, u64::MAX.into()),
        Type::S8 => whole(given, i8::MIN.into(), i8::MAX.into()),
        Type::S16 => whole(given, i16::MIN.into(), i16::MAX.into()),
        Type::S32 => whole(given, i32::MIN.into(), i32::MAX.into()),
        Type::S64 => whole(given, i64::MIN.into(), i64::MAX.into()),
        _ => ("a number".to_owned(), given.is_number()),
    };
    if fits { Ok(given.clone()) } else { Err(another(path, &what, given)) }
}

fn whole(given: &Value, least: i128, most: i128) -> (String, bool) {
    let number = given.as_i64().map(i128::from).or_else(|| given.as_u64().map(i128::from));
    let fits = number.is_some_and(|number| (least..=most).contains(&number));
    (format!("a whole number from {least} to {most}"), fits)
}

fn another(path: &str, wanted: &str, given: &Value) -> FactsError {
    let text = given.to_string();
    let shown: String = text.chars().take(40).collect();
    let more = if shown.len() < text.len() { ".." } else { "" };
    let what = match given {
        Value::Null => format!("this is {wanted}, and nothing is given"),
        _ => format!("this is {wanted}, and not {shown}{more}"),
    };
    wrong(path, what)
}

fn unknown_word<'a>(word: &str, name: &str, said: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.collect();
    let help = match nearest(said, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            format!("there are {}", known.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", "))
        }
    };
    let said: String = said.chars().take(60).flat_map(char::escape_debug).collect();
    format!("a `{name}` has no {word} `{said}`; {help}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::super::{Asked, read, written};
    use guestlist_contract::{
        rules::{Candidate, Held, InviteFacts, Inviter, NamedGrant, Surroundings},
        types::{Grant, GrantKind, Notify, Principal, UserRef},
    };
    use guestlist_harness::policy::Language;

    fn facts() -> serde_json::Value {
        let account = UserRef { organization: "company".into(), id: "u-hana".into() };
        let surroundings = Surroundings {
            organization: "production".into(),
            organization_name: "Production".into(),
            parent: "company".into(),
            pending: 0,
            now: 1,
            utc_offset_minutes: -60,
        };
        let grant = Grant { kind: GrantKind::Role, id: "r-desk".into() };
        let candidate = json!({
            "account": account, "via": null, "name": "hana", "as_written": "hana", "userstore": "PRIMARY", "active": true,
            "address_domain": "company.example", "sent_lately": 2, "roles": [],
            "groups": [Held { id: "g-help".into(), display_name: "Help desk".into() }],
        });
        let inviter = Inviter { who: Principal::User(account), groups: vec![], roles: vec![] };
        json!({
            "surroundings": surroundings, "inviter": inviter,
            "grants": [NamedGrant { grant, display_name: "Desk".into() }],
            "lifetime": 60_000, "notify": Notify::Internal, "metadata": [], "candidates": [candidate],
        })
    }

    #[test]
    fn facts_are_read_as_they_were_written_in_every_language() {
        let languages = [Language::Rust, Language::JavaScript, Language::Python];
        for language in languages.into_iter().map(Some).chain([None]) {
            let written = written(Asked::Invite, &facts(), language);
            assert_eq!(read(Asked::Invite, &written).unwrap(), facts(), "{language:?}: {written:#}");
        }
        let shown = written(Asked::Invite, &facts(), Some(Language::JavaScript));
        assert_eq!(shown["candidates"][0]["sentLately"], 2);
        assert_eq!(shown["inviter"]["who"]["tag"], "user");
    }

    #[test]
    fn what_is_read_is_what_the_contract_has() {
        let whole: Result<InviteFacts, _> = serde_json::from_value(read(Asked::Invite, &facts()).unwrap());
        let candidate: Candidate = whole.unwrap().candidates.remove(0);
        assert_eq!((candidate.sent_lately, candidate.groups.len()), (2, 1));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (change, said) in [
            (
                json!({ "sentLatly": 2 }),
                "`facts.candidates[0].sentLatly`: a `candidate` has no field `sentLatly`; did you mean `sent-lately`?",
            ),
            (json!({ "sentLately": 2 }), "`facts.candidates[0].sent_lately`: this field is given twice"),
            (
                json!({ "active": "yes" }),
                "`facts.candidates[0].active`: this is true or false, and not \"yes\"",
            ),
            (
                json!({ "sent_lately": -1 }),
                "`facts.candidates[0].sent_lately`: this is a whole number from 0 to 4294967295, and not -1",
            ),
            (json!({ "groups": {} }), "`facts.candidates[0].groups`: this is a list, and not {}"),
        ] {
            let mut facts = facts();
            let candidate = facts["candidates"][0].as_object_mut().unwrap();
            candidate.extend(change.as_object().unwrap().clone());
            assert_eq!(read(Asked::Invite, &facts).unwrap_err().to_string(), said);
        }
        let mut missing = facts();
        missing.as_object_mut().unwrap().remove("grants");
        let said = read(Asked::Invite, &missing).unwrap_err().to_string();
        assert_eq!(said, "`facts`: the field `grants` of a `invite-facts` is missing");
        let mut case = facts();
        case["notify"] = "inside".into();
        let said = read(Asked::Invite, &case).unwrap_err().to_string();
        assert!(said.starts_with("`facts.notify`: a `notify` has no case `inside`; there are "), "{said}");
    }
}
