//! `guestlist policy new`: the folder of a small policy that works.
//!
//! It decides the same in each language, so one suite of scenarios is true of all three. What builds it
//! is what builds the examples in `policies/`.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use guestlist_documents::files;
use serde_json::json;

use super::{language::Language, types};
use crate::{Done, Failure, Format};

#[derive(Args)]
pub struct Arguments {
    /// What the policy is written in.
    #[arg(long, value_enum)]
    language: Language,
    /// The folder to make; its last part is the name of the policy.
    #[arg(value_name = "NAME")]
    folder: PathBuf,
    /// For people or for machines.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A path below the folder, and the text there.
type File = (&'static str, &'static str);

macro_rules! template {
    ($($path:literal: $source:literal),* $(,)?) => { &[$(($path, include_str!($source))),*] };
}

const ALL: &[File] = template! {
    "wit/policy.wit": "../../../policies/wit/policy.wit",
    "wit/types.wit": "../../../policies/wit/types.wit",
    "wit/world.wit": "../../../policies/wit/world.wit",
    "wit/deps/debug/debug.wit": "../../../policies/wit/deps/debug/debug.wit",
    "scenarios/world.yaml": "templates/scenarios/world.yaml",
    "scenarios/who-is-invited.yaml": "templates/scenarios/who-is-invited.yaml",
    "scenarios/who-left-the-help-desk.yaml": "templates/scenarios/who-left-the-help-desk.yaml",
};

const RUST: &[File] = template! {
    ".gitignore": "../../../policies/help-desk/.gitignore",
    "Cargo.toml": "../../../policies/help-desk/Cargo.toml",
    "Cargo.lock": "../../../policies/help-desk/Cargo.lock",
    "src/lib.rs": "templates/rust/lib.rs",
    "src/debug.rs": "../../../policies/help-desk/src/debug.rs",
    "src/heap.rs": "../../../policies/help-desk/src/heap.rs",
    "README.md": "templates/rust/README.md",
};

const JAVASCRIPT: &[File] = template! {
    ".gitignore": "../../../policies/partner-domains/.gitignore",
    ".npmrc": "../../../policies/partner-domains/.npmrc",
    "package.json": "../../../policies/partner-domains/package.json",
    "package-lock.json": "../../../policies/partner-domains/package-lock.json",
    "build.mjs": "../../../policies/partner-domains/build.mjs",
    "jsconfig.json": "../../../policies/partner-domains/jsconfig.json",
    "policy.js": "templates/javascript/policy.js",
    "policy.test.js": "templates/javascript/policy.test.js",
    "README.md": "templates/javascript/README.md",
};

const PYTHON: &[File] = template! {
    ".gitignore": "../../../policies/group-quota/.gitignore",
    "requirements.txt": "../../../policies/group-quota/requirements.txt",
    "app.py": "templates/python/app.py",
    "README.md": "templates/python/README.md",
};

const LONGEST_NAME: usize = 50;

pub fn run(arguments: &Arguments) -> Result<Done, Failure> {
    let folder = &arguments.folder;
    let name = name(folder)?;
    refuse_what_is_there(folder)?;
    let files = match arguments.language {
        Language::Rust => RUST,
        Language::JavaScript => JAVASCRIPT,
        Language::Python => PYTHON,
    };
    for (path, text) in ALL.iter().chain(files) {
        write(&folder.join(path), &named(text, name))?;
    }
    for (path, text) in types::files(folder, arguments.language)? {
        write(&folder.join(path), &text)?;
    }
    print(arguments)?;
    Ok(Done::Yes)
}

/// A name that every package manager takes, and every shell without quotes.
fn name(folder: &Path) -> Result<&str, Failure> {
    let name = folder.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(fits)
        && !name.ends_with('-')
        && name.len() <= LONGEST_NAME;
    if good {
        return Ok(name);
    }
    Err(format!(
        "`{}` does not end in a name for a policy: it begins with a letter, has lower-case letters, digits and \
         hyphens between words, and at most {LONGEST_NAME} of them, as in `help-desk`",
        folder.display()
    )
    .into())
}

fn refuse_what_is_there(folder: &Path) -> Result<(), Failure> {
    let shown = folder.display();
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(format!("`{shown}` is not empty, and nothing was written; name a new folder").into())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("`{shown}` cannot be a folder for a policy: {error}").into()),
    }
}

/// The text with the policy's own name instead of an example's.
fn named(text: &str, name: &str) -> String {
    let package = format!("{name}-policy");
    let text = text.replace("help-desk-policy", &package).replace("partner-domains-policy", &package);
    text.replace("# NAME\n", &format!("# {name}\n"))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| files::replace(path, text));
    written.map_err(|error| format!("`{}` cannot be written: {error}", path.display()).into())
}

fn print(arguments: &Arguments) -> Result<(), Failure> {
    let folder = quoted(&arguments.folder.display().to_string());
    let next = [
        format!("guestlist policy build {folder}"),
        format!("guestlist test {folder}/scenarios --policy {folder}/policy.wasm"),
    ];
    let mut out = io::stdout().lock();
    match arguments.format {
        Format::Text => {
            let shown = arguments.folder.display();
            writeln!(out, "`{shown}` is a policy in {}. Next:\n", arguments.language)?;
            next.iter().try_for_each(|command| writeln!(out, "  {command}"))?;
        }
        Format::Json => {
            let made = json!({ "folder": arguments.folder, "language": arguments.language, "next": next });
            writeln!(out, "{made:#}")?;
        }
    }
    Ok(())
}

/// As a shell takes it for one word.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}
