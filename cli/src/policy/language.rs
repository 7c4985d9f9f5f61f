//! The languages that a policy can be written in, and how a folder tells which one it is.

use std::{fmt, path::Path};

use clap::ValueEnum;
use serde::Serialize;

use crate::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
#[value(rename_all = "kebab-case")]
pub enum Language {
    Rust,
    #[value(name = "javascript")]
    #[serde(rename = "javascript")]
    JavaScript,
    Python,
}

/// A file at the top of a policy's folder, and the language of which it is a sign.
const SIGNS: [(&str, Language); 4] = [
    ("Cargo.toml", Language::Rust),
    ("package.json", Language::JavaScript),
    ("requirements.txt", Language::Python),
    ("app.py", Language::Python),
];

impl Language {
    /// The language of the policy in a folder.
    pub fn of(folder: &Path) -> Result<Self, Failure> {
        let shown = folder.display();
        if !folder.is_dir() {
            return Err(format!("`{shown}` is no folder; give the one that the policy is in").into());
        }
        let mut found = SIGNS.iter().filter(|(file, _)| folder.join(file).is_file());
        let Some((sign, language)) = found.next() else {
            return Err(format!(
                "`{shown}` has no policy: there is none of {}; `guestlist policy new` makes one",
                SIGNS.map(|(file, _)| format!("`{file}`")).join(", ")
            )
            .into());
        };
        match found.find(|(_, other)| other != language) {
            None => Ok(*language),
            Some((other, _)) => Err(format!(
                "`{shown}` has `{sign}` and `{other}`: which is the policy? Give each a folder of its own"
            )
            .into()),
        }
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
