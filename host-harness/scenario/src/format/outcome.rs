//! Expectations of a scenario.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::Text;
use crate::schema_parts as schema;

/// Expectations of what must come of a step, or of all. What is not mentioned is not checked, but each list
/// is whole: what it leaves out must not have happened.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Outcome {
    /// The answer: a pattern.
    #[schemars(with = "Option<Value>")]
    pub answer: Option<Spanned<Value>>,
    /// The refusal of the whole call: a pattern.
    #[schemars(with = "Option<Value>")]
    pub refused: Option<Spanned<Value>>,
    /// The reason why there is no answer, because the instance was ended, as in `crash`.
    #[schemars(with = "Option<schema::Broken>")]
    pub broken: Option<Text>,
    /// Everything that it changed, a line each, in any order.
    #[schemars(with = "Option<Vec<String>>")]
    pub effects: Option<Spanned<Vec<Text>>>,
    /// The e-mails that arrived, in any order: patterns over `to`, `kind`, `subject`, `of` and the like.
    #[schemars(with = "Option<Vec<Value>>")]
    pub mails: Option<Spanned<Vec<Spanned<Value>>>>,
    /// The audit events, in order: patterns over `event`, `by`, `of`, `reason`, `operation`.
    #[schemars(with = "Option<Vec<Value>>")]
    pub audit: Option<Spanned<Vec<Spanned<Value>>>>,
    /// The host calls, in order: a name, or a name with a pattern of its arguments.
    #[schemars(with = "Option<Vec<Value>>")]
    pub calls: Option<Spanned<Vec<Spanned<Value>>>>,
    /// The host calls, in any order.
    #[schemars(with = "Option<Vec<Value>>")]
    pub calls_in_any_order: Option<Spanned<Vec<Spanned<Value>>>>,
    /// Some of the host calls, in this order.
    #[schemars(with = "Option<Vec<Value>>")]
    pub calls_include: Option<Spanned<Vec<Spanned<Value>>>>,
    /// Host calls that must not be there.
    #[schemars(with = "Option<Vec<Value>>")]
    pub calls_exclude: Option<Spanned<Vec<Spanned<Value>>>>,
    /// Bound for the fuel, as in `<= 400000`.
    #[schemars(with = "Option<schema::Budget>")]
    pub fuel: Option<Text>,
    /// Bound for the host calls, as in `<= 8`.
    #[schemars(with = "Option<schema::Budget>")]
    pub host_calls: Option<Text>,
    /// Bound for the memory, as in `<= 1MiB`.
    #[schemars(with = "Option<schema::Budget>")]
    pub memory: Option<Text>,
}

impl Outcome {
    pub(crate) fn is_about_changes(&self) -> bool {
        self.effects.is_some() || self.mails.is_some() || self.audit.is_some()
    }

    pub(crate) fn is_about_calls(&self) -> bool {
        self.calls.is_some()
            || self.calls_in_any_order.is_some()
            || self.calls_include.is_some()
            || self.calls_exclude.is_some()
    }
}
