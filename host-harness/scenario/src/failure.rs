//! Tells what did not come as a scenario says.

use serde::Serialize;
use serde_saphyr::{Location, Spanned};

use guestlist_documents::Problem;

/// One expectation that was not met, or a step that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The line of the scenario that it stands on, from 1; 0 where there is none.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// The mistake, in words.
    pub message: String,
    /// The text that the scenario has, where two texts can be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The text that came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// Advice about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl From<Problem> for Failure {
    fn from(Problem { line, column, message, help }: Problem) -> Self {
        Self { line, column, message, expected: None, actual: None, help }
    }
}

impl Failure {
    /// A failure at a place of the file.
    pub(super) fn at<T>(place: &Spanned<T>, message: impl Into<String>) -> Self {
        Self::at_location(place.referenced, message)
    }

    pub(super) fn at_location(place: Location, message: impl Into<String>) -> Self {
        let (line, column) = (place.line(), place.column());
        Self { line, column, message: message.into(), expected: None, actual: None, help: None }
    }

    pub(super) fn compared(self, expected: String, actual: String) -> Self {
        Self { expected: Some(expected), actual: Some(actual), ..self }
    }

    pub(super) fn helped(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}
