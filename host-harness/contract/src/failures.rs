//! Every error that a host function can answer with, by its name in the contract: to make each one on
//! purpose, and to know each one in a trace.
//!
//! The names stand here once. A test reads `wit/` and compares.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Function,
    directory::LookupError,
    notifications::SendError,
    policy::PolicyError,
    storage::StoreError,
    types::{HostError, InvitationKey},
};

/// The text that fills the texts of an error that was made on purpose.
const TEXT: &str = "injected";

/// The number that fills its times, in milliseconds.
const TIME: u64 = 1000;

/// The invitation that stands in the way, as far as a made `exists` knows.
const INVITATION: &str = "00000000-0000-4000-8000-000000000000";

/// An error that a function of the host can answer with, or an item of its answer.
///
/// It is named as in the contract. Where an error has a case `host`, the cases of the `host-error`
/// in it stand in its place: `storage.get` has `not-found` and `denied`. The `other` of the inner one is
/// `host-other` there. [`Function::error`] and [`Function::item_error`] make one from its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ErrorCase(&'static str);

impl ErrorCase {
    /// The name: `over-limit`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for ErrorCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for ErrorCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A text names no error of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownErrorCase {
    function: Function,
    item: bool,
    name: String,
}

impl fmt::Display for UnknownErrorCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, item, name } = self;
        let (whose, known) = match item {
            true => ("an item of the answer of ", function.item_errors()),
            false => ("", function.errors()),
        };
        if known.is_empty() {
            return write!(f, "{whose}`{function}` has no errors, and so no `{name}`");
        }
        write!(f, "{whose}`{function}` has no error `{name}`; its errors are `{}`", known.join("`, `"))
    }
}

impl std::error::Error for UnknownErrorCase {}

/// The error types of the host functions.
#[derive(Clone, Copy)]
enum Errors {
    None,
    Host,
    Lookup,
    Store,
    Send,
    Policy,
}

impl Errors {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::Host => &["unavailable", "throttled", "outcome-unknown", "denied", "invalid", "other"],
            Self::Lookup => &[
                "unavailable",
                "throttled",
                "outcome-unknown",
                "denied",
                "invalid",
                "host-other",
                "unknown-userstore",
                "other",
            ],
            Self::Store => &[
                "unavailable",
                "throttled",
                "outcome-unknown",
                "denied",
                "invalid",
                "host-other",
                "not-found",
                "exists",
                "over-limit",
                "operation-reused",
                "invalid-cursor",
                "other",
            ],
            Self::Send => &[
                "unavailable",
                "throttled",
                "outcome-unknown",
                "denied",
                "invalid",
                "host-other",
                "no-address",
                "other",
            ],
            Self::Policy => {
                &["unavailable", "throttled", "outcome-unknown", "denied", "invalid", "other", "silent"]
            }
        }
    }

    fn case(self, name: &str) -> Option<ErrorCase> {
        self.names().iter().find(|known| **known == name).map(|known| ErrorCase(known))
    }

    /// The error as JSON, or `None` where this type has none of that name.
    fn make(self, case: ErrorCase, organization: &str) -> Option<Value> {
        let text = || TEXT.to_owned();
        let inner = |case: &str| host_error(if case == "host-other" { "other" } else { case });
        let made = match (self, case.name()) {
            (Self::None, _) => return None,
            (Self::Host, name) => serde_json::to_value(host_error(name)?),
            (Self::Lookup, name) => serde_json::to_value(match name {
                "unknown-userstore" => LookupError::UnknownUserstore(text()),
                "other" => LookupError::Other(text()),
                name => LookupError::Host(inner(name)?),
            }),
            (Self::Store, name) => serde_json::to_value(match name {
                "not-found" => StoreError::NotFound,
                "exists" => StoreError::Exists(InvitationKey {
                    organization: organization.to_owned(),
                    id: INVITATION.to_owned(),
                }),
                "over-limit" => StoreError::OverLimit(1),
                "operation-reused" => StoreError::OperationReused,
                "invalid-cursor" => StoreError::InvalidCursor,
                "other" => StoreError::Other(text()),
                name => StoreError::Host(inner(name)?),
            }),
            (Self::Send, name) => serde_json::to_value(match name {
                "no-address" => SendError::NoAddress,
                "other" => SendError::Other(text()),
                name => SendError::Host(inner(name)?),
            }),
            (Self::Policy, name) => serde_json::to_value(match name {
                "silent" => PolicyError::Silent(None),
                name => PolicyError::Host(host_error(name)?),
            }),
        };
        made.ok()
    }

    /// Tells which error a JSON is.
    fn read(self, error: &Value) -> Option<ErrorCase> {
        let (name, inner) = case_of(error)?;
        match (self, name.as_str()) {
            (Self::Host, name) => self.case(name),
            (Self::Policy, "host") => self.case(&case_of(inner)?.0),
            (_, "host") => match case_of(inner)?.0.as_str() {
                "other" => self.case("host-other"),
                name => self.case(name),
            },
            (_, name) => self.case(name),
        }
    }
}

fn host_error(name: &str) -> Option<HostError> {
    Some(match name {
        "unavailable" => HostError::Unavailable(None),
        "throttled" => HostError::Throttled(TIME),
        "outcome-unknown" => HostError::OutcomeUnknown,
        "denied" => HostError::Denied(TEXT.to_owned()),
        "invalid" => HostError::Invalid(TEXT.to_owned()),
        "other" => HostError::Other(TEXT.to_owned()),
        _ => return None,
    })
}

/// The case of a variant in JSON, named as in the contract, and what it carries.
fn case_of(variant: &Value) -> Option<(String, &Value)> {
    let (name, inner) = match variant {
        Value::String(name) => (name, &Value::Null),
        Value::Object(fields) => fields.iter().next()?,
        _ => return None,
    };
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    Some((kebab, inner))
}

/// An error of the contract, which is told by the name of its case.
pub trait Failed {
    /// The case, without what it carries: texts and ids stay behind.
    fn case(&self) -> ErrorCase;
}

impl Failed for HostError {
    fn case(&self) -> ErrorCase {
        ErrorCase(match self {
            Self::Unavailable(_) => "unavailable",
            Self::Throttled(_) => "throttled",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::Denied(_) => "denied",
            Self::Invalid(_) => "invalid",
            Self::Other(_) => "other",
        })
    }
}

/// The case of a host's error within an error that has an `other` of its own.
fn within(error: &HostError) -> ErrorCase {
    match error {
        HostError::Other(_) => ErrorCase("host-other"),
        error => error.case(),
    }
}

impl Failed for LookupError {
    fn case(&self) -> ErrorCase {
        match self {
            Self::Host(error) => within(error),
            Self::UnknownUserstore(_) => ErrorCase("unknown-userstore"),
            Self::Other(_) => ErrorCase("other"),
        }
    }
}

impl Failed for StoreError {
    fn case(&self) -> ErrorCase {
        match self {
            Self::Host(error) => within(error),
            Self::NotFound => ErrorCase("not-found"),
            Self::Exists(_) => ErrorCase("exists"),
            Self::OverLimit(_) => ErrorCase("over-limit"),
            Self::OperationReused => ErrorCase("operation-reused"),
            Self::InvalidCursor => ErrorCase("invalid-cursor"),
            Self::Other(_) => ErrorCase("other"),
        }
    }
}

impl Failed for SendError {
    fn case(&self) -> ErrorCase {
        match self {
            Self::Host(error) => within(error),
            Self::NoAddress => ErrorCase("no-address"),
            Self::Other(_) => ErrorCase("other"),
        }
    }
}

impl Failed for PolicyError {
    fn case(&self) -> ErrorCase {
        match self {
            Self::Host(error) => error.case(),
            Self::Silent(_) => ErrorCase("silent"),
        }
    }
}

impl ErrorCase {
    /// A failure of the host, and no refusal: somebody should look after it.
    #[must_use]
    pub fn is_trouble(self) -> bool {
        let trouble = ["unavailable", "throttled", "outcome-unknown", "host-other", "other", "silent"];
        trouble.contains(&self.0)
    }
}

impl Function {
    fn error_type(self) -> Errors {
        match self {
            Self::RandomGetRandomBytes => Errors::None,
            Self::DirectoryFindUsers => Errors::Lookup,
            Self::StorageRecall
            | Self::StorageInsert
            | Self::StorageGet
            | Self::StorageDismiss
            | Self::StorageTransition
            | Self::StorageList
            | Self::StorageMine => Errors::Store,
            Self::PolicyDecideInvite | Self::PolicyDecideAccept => Errors::Policy,
            _ => Errors::Host,
        }
    }

    fn item_error_type(self) -> Errors {
        match self {
            Self::DirectoryFindUsers => Errors::Host,
            Self::StorageInsert => Errors::Store,
            Self::NotificationsSend => Errors::Send,
            _ => Errors::None,
        }
    }

    /// The names of all errors that it can answer with; see [`ErrorCase`].
    #[must_use]
    pub fn errors(self) -> &'static [&'static str] {
        self.error_type().names()
    }

    /// The names of all errors that a single item of its answer can be. Empty where an item cannot fail
    /// by itself.
    #[must_use]
    pub fn item_errors(self) -> &'static [&'static str] {
        self.item_error_type().names()
    }

    /// The error of this name.
    ///
    /// # Errors
    ///
    /// When it has none; the message names those that it has.
    pub fn error(self, name: &str) -> Result<ErrorCase, UnknownErrorCase> {
        let unknown = || UnknownErrorCase { function: self, item: false, name: name.to_owned() };
        self.error_type().case(name).ok_or_else(unknown)
    }

    /// The error of this name of an item.
    ///
    /// # Errors
    ///
    /// When its items have none; the message names those that they have.
    pub fn item_error(self, name: &str) -> Result<ErrorCase, UnknownErrorCase> {
        let unknown = || UnknownErrorCase { function: self, item: true, name: name.to_owned() };
        self.item_error_type().case(name).ok_or_else(unknown)
    }

    /// The answer that is this error, as JSON. `None` where there is no such answer.
    pub fn failing(self, case: ErrorCase, organization: &str) -> Option<Value> {
        Some(json!({ "Err": self.error_type().make(case, organization)? }))
    }

    /// The answer in which each of so many items is this error, as JSON. `None` where there is no such
    /// answer.
    pub fn failing_items(self, case: ErrorCase, organization: &str, items: usize) -> Option<Value> {
        let item = json!({ "Err": self.item_error_type().make(case, organization)? });
        Some(json!({ "Ok": vec![item; items] }))
    }

    /// The error that an answer is, and those that its items are.
    pub fn failures_in(self, answer: &Value) -> (Option<ErrorCase>, Vec<ErrorCase>) {
        let error = |of: Errors, answer: &Value| of.read(answer.get("Err")?);
        let items = answer.get("Ok").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let items = items.iter().filter_map(|item| error(self.item_error_type(), item));
        (error(self.error_type(), answer), items.collect())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use wit_parser::Type;

    use super::*;
    use crate::wit::Contract;

    /// The names that [`ErrorCase`] gives the cases of an error type.
    fn flattened(contract: &Contract, error: Option<Type>) -> Vec<String> {
        let Some(error) = error else { return Vec::new() };
        let cases = contract.cases(error);
        // Where both have an `other`, that of the host is told apart.
        let has_other = |case: &str| case == "other" && cases.iter().any(|(name, _)| name == "other");
        let flat = cases.iter().flat_map(|(name, inner)| match (name.as_str(), inner) {
            ("host", Some(inner)) => {
                let inner = contract.cases(*inner).into_iter().map(|(name, _)| name);
                inner.map(|name| if has_other(&name) { "host-other".to_owned() } else { name }).collect()
            }
            _ => vec![name.clone()],
        });
        flat.collect()
    }

    #[test]
    fn the_errors_are_those_of_the_contract() {
        let contract = Contract::read();
        for function in Function::ALL {
            let (error, item_error) = contract.errors(function.interface(), function.short_name());
            assert_eq!(function.errors(), flattened(&contract, error), "{function}");
            assert_eq!(function.item_errors(), flattened(&contract, item_error), "{function}, items");
        }
        let item_wise = Function::ALL.iter().filter(|function| !function.item_errors().is_empty());
        assert_eq!(item_wise.count(), 3, "the test has looked for items");
    }

    #[test]
    fn every_error_is_made_and_read_back() {
        for function in Function::ALL {
            for name in function.errors() {
                let case = function.error(name).unwrap();
                let answer = function.failing(case, "acme").unwrap();
                assert_eq!(function.failures_in(&answer), (Some(case), vec![]), "{function}: {answer}");
            }
            for name in function.item_errors() {
                let case = function.item_error(name).unwrap();
                let answer = function.failing_items(case, "acme", 2).unwrap();
                assert_eq!(function.failures_in(&answer), (None, vec![case; 2]), "{function}: {answer}");
            }
            assert_eq!(function.failures_in(&Value::Null), (None, vec![]));
        }
    }

    #[test]
    fn every_error_knows_its_case() {
        fn case<E: Failed + serde::de::DeserializeOwned>(error: &Value) -> ErrorCase {
            serde_json::from_value::<E>(error.clone()).unwrap().case()
        }
        let types = [Errors::Host, Errors::Lookup, Errors::Store, Errors::Send, Errors::Policy];
        for errors in types {
            for name in errors.names() {
                let error = errors.make(errors.case(name).unwrap(), "acme").unwrap();
                let found = match errors {
                    Errors::None => unreachable!(),
                    Errors::Host => case::<HostError>(&error),
                    Errors::Lookup => case::<LookupError>(&error),
                    Errors::Store => case::<StoreError>(&error),
                    Errors::Send => case::<SendError>(&error),
                    Errors::Policy => case::<PolicyError>(&error),
                };
                assert_eq!(found.name(), *name);
            }
        }
    }

    #[test]
    fn an_unknown_error_is_told_which_there_are() {
        let asked = |function: Function, name| function.error(name).unwrap_err().to_string();
        assert_eq!(
            asked(Function::SettingsGet, "not-found"),
            "`settings.get` has no error `not-found`; its errors are `unavailable`, `throttled`, \
             `outcome-unknown`, `denied`, `invalid`, `other`"
        );
        assert_eq!(
            asked(Function::RandomGetRandomBytes, "denied"),
            "`random.get-random-bytes` has no errors, and so no `denied`"
        );
        assert_eq!(
            Function::StorageGet.item_error("denied").unwrap_err().to_string(),
            "an item of the answer of `storage.get` has no errors, and so no `denied`"
        );
    }
}
