//! `guestlist policy types`: what a policy is asked and answers, in the types of its language, from its `wit`
//! folder and with the comments there.

mod contract;
mod javascript;
mod python;
mod shape;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use guestlist_documents::files;

use super::language::Language;
use crate::{Done, Failure};
pub use contract::Contract;
pub use shape::shape;

#[derive(Args)]
pub struct Arguments {
    /// The folder of the policy.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// What stands at the top of each file; `#` or `//` before it.
const NOTICE: &str = "Made from wit/ by `guestlist policy types`; run that again when wit/ has changed.";

pub fn run(arguments: &Arguments) -> Result<Done, Failure> {
    let folder = &arguments.folder;
    let language = Language::of(folder)?;
    let files = files(folder, language)?;
    if files.is_empty() {
        return Err(
            "a policy in Rust has its types from `wit_bindgen::generate!`, whenever it is compiled".into()
        );
    }
    for (path, text) in files {
        let path = folder.join(path);
        let written =
            path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| files::replace(&path, text));
        written.map_err(|error| format!("`{}` cannot be written: {error}", path.display()))?;
        writeln!(io::stdout(), "{}", path.display())?;
    }
    Ok(Done::Yes)
}

/// The files of a policy's types, below its folder.
pub fn files(folder: &Path, language: Language) -> Result<Vec<(&'static str, String)>, Failure> {
    Ok(match language {
        Language::Rust => Vec::new(),
        Language::JavaScript => vec![("types.d.ts", javascript::declarations(&Contract::of(folder)?))],
        Language::Python => python::stubs(&Contract::of(folder)?),
    })
}
