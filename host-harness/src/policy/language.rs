//! What a policy was written in, as its component says it.

use std::fmt;

use serde::Serialize;

use crate::producers::producers;

/// A language that policies are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
#[allow(missing_docs, reason = "names of languages")]
pub enum Language {
    Rust,
    JavaScript,
    Python,
}

impl Language {
    /// What the compiler has noted in a component; absent where it was taken out, and for other languages.
    #[must_use]
    pub fn of(component: &[u8]) -> Option<Self> {
        let told = producers(component);
        let said = |words: &str| told.values().flatten().any(|value| value.starts_with(words));
        // JavaScript and Python run in engines that were made of other languages, which say so as well.
        let signs = [
            ("ComponentizeJS", Self::JavaScript),
            ("componentize-py", Self::Python),
            ("wit-bindgen-rust", Self::Rust),
            ("Rust", Self::Rust),
        ];
        signs.into_iter().find(|(sign, _)| said(sign)).map(|(_, language)| language)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
        })
    }
}
