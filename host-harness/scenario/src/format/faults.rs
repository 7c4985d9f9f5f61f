//! Failures of the host, as a scenario asks for them.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use serde_saphyr::Spanned;

use super::Text;
use crate::schema_parts as schema;
use guestlist_documents::HumanDuration;

/// Failures of the host.
#[derive(Clone, Debug, Default)]
pub enum Faults {
    /// None.
    #[default]
    None,
    /// Every host call in turn.
    Sweep,
    /// Failures at exact places.
    These(Vec<Spanned<FaultEntry>>),
}

impl<'de> Deserialize<'de> for Faults {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> de::Visitor<'de> for Either {
            type Value = Faults;

            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str("`sweep`, or a list of faults")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Faults, E> {
                match word {
                    "sweep" => Ok(Faults::Sweep),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_seq<S: de::SeqAccess<'de>>(self, seq: S) -> Result<Faults, S::Error> {
                Vec::deserialize(de::value::SeqAccessDeserializer::new(seq)).map(Faults::These)
            }
        }

        from.deserialize_any(Either)
    }
}

/// `sweep`, or single failures.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes `Faults`")]
pub(super) enum FaultsSchema {
    Sweep(SweepWord),
    These(Vec<FaultEntry>),
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes `Faults`")]
pub(super) enum SweepWord {
    Sweep,
}

/// A failure at an exact place.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FaultEntry {
    /// The function, as in `membership.apply`; absent: whichever is called.
    #[serde(default)]
    #[schemars(with = "Option<schema::Call>")]
    pub call: Option<Text>,
    /// The number of the call that fails, from 1; the first by default.
    #[serde(default)]
    pub nth: Option<u32>,
    /// All later ones too.
    #[serde(default)]
    pub then_on: bool,
    /// An error of the function in the contract (`unavailable`, `outcome-unknown`, `denied` and so on), or
    /// `conflict`, `full`, `timeout`, `crash`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub outcome: Option<Text>,
    /// Tells whether it was applied before, for `outcome-unknown`, `timeout` and `crash`.
    #[serde(default)]
    pub applied: bool,
    /// Each item of the answer fails, not the call as a whole.
    #[serde(default)]
    pub items: bool,
    /// The answer comes after this time; the clock moves on meanwhile.
    #[serde(default)]
    #[schemars(with = "Option<schema::Length>")]
    pub takes: Option<HumanDuration>,
}
