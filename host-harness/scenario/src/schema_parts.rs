//! Texts of which the schema knows more than that they are texts.

use std::borrow::Cow;

use guestlist_contract::Function;
use guestlist_documents::HumanDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{
    ask::BROKEN,
    render::{STATES, state_name},
};

/// A text of which more is known than that it is one.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $schema:expr;)*) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

texts! {
    /// A state of an invitation.
    State: words(STATES.map(state_name));
    /// A host function.
    Call: words(Function::ALL.iter().map(|function| function.name()));
    /// The reason why there is no answer.
    Broken: words(BROKEN);
    /// A length of time.
    Length: json_schema!({ "type": "string", "minLength": 1, "pattern": HumanDuration::PATTERN });
    /// A length of time, or none.
    Lifetime: json_schema!({
        "anyOf": [{ "const": "never" }, { "type": "string", "minLength": 1, "pattern": HumanDuration::PATTERN }],
    });
    /// An instant.
    Instant: json_schema!({ "type": "string", "format": "date-time" });
    /// A bound that a number must keep to.
    Budget: json_schema!({
        "type": "string",
        "pattern": r"^(<=|>=|<|>|=)?\s*[0-9][0-9_]*(\.[0-9]+)?\s*(KiB|MiB|k|M)?$",
    });
    /// The behaviour of the e-mail system.
    Mailing: words(["deliver", "fail", "take"]);
}

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Schema {
    json_schema!({ "type": "string", "enum": words.into_iter().collect::<Vec<_>>() })
}
