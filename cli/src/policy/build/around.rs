//! What a build puts around a policy in JavaScript or Python.
//!
//! The rules are somebody's, and stay as they are. Around them stands a small program in their language: it
//! gives them surroundings that are the same in every judgement, compares their answers with the contract,
//! and tells the words of an exception before it ends the judgement. What is told goes to the import
//! `guestlist:debug/log`, where only tests listen.

use std::{
    fs,
    path::{Path, PathBuf},
};

use guestlist_documents::files::{self, LONGEST_TEXT};

use crate::{
    Failure,
    policy::{
        language::Language,
        types::{Contract, shape},
    },
};

/// The interface of the log.
const DEBUG: &str = include_str!("../../../../policies/wit/deps/debug/debug.wit");

/// The world that a built policy is.
pub const WORLD: &str = "told-policy";

/// Files of a build, in a folder of its own.
pub struct Around {
    folder: PathBuf,
}

impl Around {
    /// Makes the folder anew: the contract of the policy with the log in it, and these files, where `SHAPE`
    /// becomes the types of verdicts.
    pub fn new(
        policy: &Path,
        folder: PathBuf,
        language: Language,
        files: &[(&str, &str)],
    ) -> Result<Self, Failure> {
        let wit = folder.join("wit");
        let made = fs::remove_dir_all(&folder).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        });
        made.and_then(|()| fs::create_dir_all(&wit)).map_err(|error| cannot(&folder, &error))?;
        copy(&policy.join("wit"), &wit)?;
        let debug = wit.join("deps/debug");
        fs::create_dir_all(&debug).map_err(|error| cannot(&debug, &error))?;
        write(&debug.join("debug.wit"), DEBUG)?;
        let package = package(&wit)?;
        let world = format!(
            "world {WORLD} {{\n    include tenant-policy;\n    import guestlist:debug/log@0.1.0;\n}}\n"
        );
        write(&wit.join("told-policy.wit"), &format!("{package}\n\n{world}"))?;
        let shape = shape(&Contract::of(policy)?, language).to_string();
        for (name, text) in files {
            write(&folder.join(name), &text.replace("SHAPE_OF_VERDICTS", &shape))?;
        }
        Ok(Self { folder })
    }

    pub fn wit(&self) -> PathBuf {
        self.folder.join("wit")
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The line that says whose the world is.
fn package(wit: &Path) -> Result<String, Failure> {
    let path = wit.join("world.wit");
    let text =
        fs::read_to_string(&path).map_err(|error| format!("`wit/world.wit` cannot be read: {error}"))?;
    let line = text.lines().find(|line| line.starts_with("package "));
    line.map(str::to_owned).ok_or_else(|| "`wit/world.wit` has no line `package ..;`".into())
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let entries =
        fs::read_dir(from).map_err(|error| format!("`{}` cannot be read: {error}", from.display()))?;
    for entry in entries {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        let to = to.join(name);
        if path.is_dir() {
            fs::create_dir_all(&to).map_err(|error| cannot(&to, &error))?;
            copy(&path, &to)?;
        } else {
            let bytes = files::read(&path, LONGEST_TEXT);
            let bytes = bytes.map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
            fs::write(&to, bytes).map_err(|error| cannot(&to, &error))?;
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| cannot(path, &error))
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    format!("`{}` cannot be written: {error}", path.display()).into()
}
