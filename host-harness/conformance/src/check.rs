//! Says what a case has to say when the host has answered otherwise.

use std::fmt::Debug;

use super::Trouble;
use guestlist_contract::{
    storage::StoreError,
    types::{HostError, Invitation},
};

/// Longest answer that is shown: a page of 200 rows helps nobody.
const SHOWN: usize = 2_000;

/// The reason why a case ends before its end.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stop {
    /// The host has answered otherwise.
    Broken(Broken),
    /// The question cannot be asked of this host.
    LeftOut(String),
}

/// The question, what should have come, and what came.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Broken {
    pub(super) what: String,
    pub(super) expected: String,
    pub(super) came: String,
}

pub(super) type Outcome<T = ()> = Result<T, Stop>;

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Unsupported(why) => Self::LeftOut(why),
            Trouble::Failed(why) => broken("the candidate", "it can be tried", &why),
        }
    }
}

pub(super) fn broken(what: &str, expected: &str, came: &impl Debug) -> Stop {
    let mut came = format!("{came:?}");
    if let Some((end, _)) = came.char_indices().nth(SHOWN) {
        came.truncate(end);
        came.push_str(" ...");
    }
    Stop::Broken(Broken { what: what.to_owned(), expected: expected.to_owned(), came })
}

/// The two are equal.
pub(super) fn same<T: Debug + PartialEq<E>, E: Debug>(what: &str, came: &T, expected: &E) -> Outcome {
    if came == expected { Ok(()) } else { Err(broken(what, &format!("{expected:?}"), came)) }
}

/// Demands that something holds; `expected` says what, in words.
pub(super) fn must(what: &str, holds: bool, expected: &str, came: &impl Debug) -> Outcome {
    if holds { Ok(()) } else { Err(broken(what, expected, came)) }
}

/// Demands that it was answered, and with no error.
pub(super) fn ok<T, E: Debug>(what: &str, answer: Result<T, E>) -> Outcome<T> {
    answer.map_err(|error| broken(what, "an answer, not an error", &error))
}

/// The item of a list, which has to be there.
pub(super) fn item<'a, T: Debug>(what: &str, list: &'a [T], index: usize) -> Outcome<&'a T> {
    list.get(index).ok_or_else(|| broken(what, &format!("an item {index}"), &list))
}

/// An error of the contract, in either of its two shapes.
pub(super) trait Refusal: Debug {
    fn host(&self) -> Option<&HostError>;

    fn is_denied(&self) -> bool {
        matches!(self.host(), Some(HostError::Denied(_)))
    }

    fn is_invalid(&self) -> bool {
        matches!(self.host(), Some(HostError::Invalid(_)))
    }

    /// The row does not exist for this call.
    fn is_not_found(&self) -> bool {
        false
    }
}

impl Refusal for HostError {
    fn host(&self) -> Option<&HostError> {
        Some(self)
    }
}

impl Refusal for StoreError {
    fn host(&self) -> Option<&HostError> {
        match self {
            Self::Host(error) => Some(error),
            _ => None,
        }
    }

    fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound)
    }
}

impl Refusal for guestlist_contract::directory::LookupError {
    fn host(&self) -> Option<&HostError> {
        match self {
            Self::Host(error) => Some(error),
            _ => None,
        }
    }
}

/// `denied`.
pub(super) fn denied<T: Debug, E: Refusal>(what: &str, answer: &Result<T, E>) -> Outcome {
    let holds = answer.as_ref().is_err_and(Refusal::is_denied);
    must(what, holds, "`denied`", answer)
}

/// `invalid`.
pub(super) fn invalid<T: Debug, E: Refusal>(what: &str, answer: &Result<T, E>) -> Outcome {
    let holds = answer.as_ref().is_err_and(Refusal::is_invalid);
    must(what, holds, "`invalid`", answer)
}

/// The row does not exist for this call: `not-found`, or `denied` where the key names an organization that
/// the call may not see.
pub(super) fn hidden<T: Debug, E: Refusal>(what: &str, answer: &Result<T, E>) -> Outcome {
    let holds = answer.as_ref().is_err_and(|error| error.is_not_found() || error.is_denied());
    must(what, holds, "`not-found` (or `denied`)", answer)
}

/// The ids of rows, in order.
pub(super) fn ids(rows: &[Invitation]) -> Vec<String> {
    rows.iter().map(|row| row.key.id.clone()).collect()
}

/// The answer has this shape.
macro_rules! fits {
    ($what:expr, $came:expr, $pattern:pat $(if $guard:expr)?) => {
        match &$came {
            $pattern $(if $guard)? => {}
            came => {
                let expected = stringify!($pattern $(if $guard)?);
                return Err($crate::check::broken($what, expected, came));
            }
        }
    };
}
pub(super) use fits;
