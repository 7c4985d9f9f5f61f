//! Facts and verdicts in the words of the language that a policy is written in.
//!
//! The contract has names in kebab case; each language's bindings write them in their own way, and so does
//! this: `sent-lately` is `sentLately` in JavaScript and `sent_lately` in Python and Rust. A value is what
//! serde makes of a type of [`contract`](guestlist_contract), and its types are read from the contract's
//! text: a field that is added there is shown and read here without another line.

mod names;
mod read;
mod show;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wit_parser::{Field, Resolve, SourceMap, Type, TypeDefKind, TypeId};

use guestlist_harness::policy::Language;
pub use names::{camel, pascal, snake};
pub use read::FactsError;

/// The function of a policy that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Asked {
    /// `judge-invite`.
    Invite,
    /// `judge-accept`.
    Accept,
}

impl Asked {
    /// The type of the facts, as the contract calls it.
    #[must_use]
    pub fn facts(self) -> &'static str {
        match self {
            Self::Invite => "invite-facts",
            Self::Accept => "accept-facts",
        }
    }
}

/// The part of the contract that policies have.
static WIT: [(&str, &str); 3] = [
    ("policy.wit", include_str!("../../../../policies/wit/policy.wit")),
    ("types.wit", include_str!("../../../../policies/wit/types.wit")),
    ("world.wit", include_str!("../../../../policies/wit/world.wit")),
];

/// The contract is a part of this library, so only a change of it can make it absent; then the words are those
/// of serde.
static CONTRACT: LazyLock<Option<Resolve>> = LazyLock::new(|| {
    let mut files = SourceMap::default();
    WIT.iter().for_each(|(name, text)| files.push_str(name, *text));
    let mut resolve = Resolve::default();
    resolve.push_group(files.parse().ok()?).ok()?;
    Some(resolve)
});

/// A value of a type of the contract, as one would write it in the language: `None` for the contract's own
/// words.
#[must_use]
pub fn shown(kind: Asked, facts: &Value, language: Option<Language>) -> String {
    of(kind.facts(), |ty| show::literal(&ty, facts, language)).unwrap_or_else(|| facts.to_string())
}

/// A verdict, or the list of them that an invite gets, likewise.
#[must_use]
pub fn shown_verdict(verdict: &Value, language: Option<Language>) -> String {
    let one = |value: &Value| {
        of("verdict", |ty| show::literal(&ty, value, language)).unwrap_or_else(|| value.to_string())
    };
    match verdict {
        Value::Array(all) => format!("[{}]", all.iter().map(one).collect::<Vec<_>>().join(", ")),
        one_alone => one(one_alone),
    }
}

/// Facts as JSON with the language's names, which [`read`](fn@read) takes.
#[must_use]
pub fn written(kind: Asked, facts: &Value, language: Option<Language>) -> Value {
    of(kind.facts(), |ty| show::json(&ty, facts, language)).unwrap_or_else(|| facts.clone())
}

/// A verdict as JSON, likewise.
#[must_use]
pub fn written_verdict(verdict: &Value, language: Option<Language>) -> Value {
    of("verdict", |ty| show::json(&ty, verdict, language)).unwrap_or_else(|| verdict.clone())
}

/// Facts from JSON, in the names of whatever language: what serde makes of the contract's type.
///
/// # Errors
///
/// The first place where they are not what the contract says.
pub fn read(kind: Asked, facts: &Value) -> Result<Value, FactsError> {
    of(kind.facts(), |ty| read::value(&ty, facts, "facts")).unwrap_or_else(|| Ok(facts.clone()))
}

fn of<T>(name: &str, with: impl FnOnce(Typed<'static>) -> T) -> Option<T> {
    let resolve = CONTRACT.as_ref()?;
    let (id, _) =
        resolve.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name) && !is_alias(&ty.kind))?;
    Some(with(Typed { resolve, ty: Type::Id(id) }))
}

/// `use types.{verdict}` makes a type of the same name.
fn is_alias(kind: &TypeDefKind) -> bool {
    matches!(kind, TypeDefKind::Type(_))
}

/// A type of the contract.
#[derive(Clone, Copy)]
struct Typed<'a> {
    resolve: &'a Resolve,
    ty: Type,
}

/// The kind of a type, with the name that it has.
enum Kind<'a> {
    Record(&'a str, &'a [Field]),
    /// Each case with what it carries; an enum is a variant that carries nothing.
    Cases {
        name: &'a str,
        cases: Vec<(&'a str, Option<Type>)>,
        is_enum: bool,
    },
    Option(Type),
    List(Type),
    /// A number, a text, or what the contract of policies has none of.
    Plain(Type),
}

impl<'a> Typed<'a> {
    fn with(self, ty: Type) -> Self {
        Self { ty, ..self }
    }

    fn kind(self) -> Kind<'a> {
        let Type::Id(id) = self.ty else { return Kind::Plain(self.ty) };
        self.kind_of(id).unwrap_or(Kind::Plain(self.ty))
    }

    fn kind_of(self, id: TypeId) -> Option<Kind<'a>> {
        let found = self.resolve.types.get(id)?;
        let name = found.name.as_deref().unwrap_or_default();
        Some(match &found.kind {
            TypeDefKind::Type(meant) => self.with(*meant).kind(),
            TypeDefKind::Record(record) => Kind::Record(name, &record.fields),
            TypeDefKind::Variant(variant) => Kind::Cases {
                name,
                cases: variant.cases.iter().map(|case| (case.name.as_str(), case.ty)).collect(),
                is_enum: false,
            },
            TypeDefKind::Enum(all) => Kind::Cases {
                name,
                cases: all.cases.iter().map(|case| (case.name.as_str(), None)).collect(),
                is_enum: true,
            },
            TypeDefKind::Option(some) => Kind::Option(*some),
            TypeDefKind::List(item) => Kind::List(*item),
            _ => Kind::Plain(self.ty),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;
    use guestlist_contract::types::{Narrowed, Verdict};

    #[test]
    fn the_contract_of_policies_is_read() {
        assert!(CONTRACT.is_some());
        for kind in [Asked::Invite, Asked::Accept] {
            assert!(of(kind.facts(), |ty| matches!(ty.kind(), Kind::Record(..))).unwrap());
        }
    }

    #[test]
    fn a_verdict_is_written_as_in_each_language() {
        let narrowed = Narrowed { grants: vec![0, 2], lifetime: Some(60_000), signed_in_only: false };
        let all = serde_json::to_value([Verdict::Allow, Verdict::AllowWith(narrowed)]).unwrap();
        for (language, shown) in [
            (
                Some(Language::JavaScript),
                "[{ tag: 'allow' }, { tag: 'allow-with', val: { grants: [0, 2], lifetime: 60000n, signedInOnly: false } }]",
            ),
            (
                Some(Language::Python),
                "[Verdict_Allow(), Verdict_AllowWith(Narrowed(grants=[0, 2], lifetime=60000, signed_in_only=False))]",
            ),
            (
                Some(Language::Rust),
                "[Verdict::Allow, Verdict::AllowWith(Narrowed { grants: [0, 2], lifetime: Some(60000), signed_in_only: false })]",
            ),
            (None, "[allow, { allow-with: { grants: [0, 2], lifetime: 60000, signed-in-only: false } }]"),
        ] {
            assert_eq!(shown_verdict(&all, language), shown);
        }
        assert_eq!(
            written_verdict(&all.as_array().unwrap()[1], Some(Language::JavaScript)),
            json!({ "tag": "allow-with", "val": { "grants": [0, 2], "lifetime": 60000, "signedInOnly": false } })
        );
    }

    #[test]
    fn texts_cannot_end_early() {
        let refused = serde_json::to_value(Verdict::Refuse("it's \"no\"\n\u{1b}".into())).unwrap();
        let shown = |language| shown_verdict(&refused, Some(language));
        assert_eq!(shown(Language::JavaScript), r#"{ tag: 'refuse', val: "it's \"no\"\n\u001b" }"#);
        assert_eq!(shown(Language::Python), r#"Verdict_Refuse("it's \"no\"\n\u001b")"#);
        assert_eq!(shown(Language::Rust), r#"Verdict::Refuse("it's \"no\"\n\u{1b}")"#);
    }
}
