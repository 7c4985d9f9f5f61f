//! Policies in Python: componentize-py, in an environment of the policy's own.

use std::{env, ffi::OsString, path::Path, process::Command};

use guestlist_harness::files::{self, LONGEST_TEXT};

use super::{
    Part,
    tool::{run, say},
};
use crate::Failure;

const INSTALL: &str =
    "install Python 3.10 or newer with venv (Debian: `apt-get install python3 python3-venv`)";

/// Fails where Python is too old or cannot make environments: Debian has that in a package of its own.
const PROBE: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";

pub fn build(folder: &Path) -> Result<Vec<u8>, Failure> {
    for file in ["requirements.txt", "app.py"] {
        if !folder.join(file).is_file() {
            return Err(
                format!("`{file}` is missing; `guestlist policy new --language python` writes one").into()
            );
        }
    }
    let environment = folder.join(".venv");
    let python = environment.join("bin/python");
    prepare(folder, &environment, &python)?;
    say("componentize-py (some 10 s)");
    let part = Part::beside(&folder.join("policy.wasm"))?;
    let mut componentize = Command::new(&python);
    // Its own backtrace says nothing about a mistake in the policy.
    componentize.current_dir(folder).env("RUST_BACKTRACE", "0");
    // It asks the first Python that it finds where packages are: only those of the environment may get in.
    componentize.env("PATH", first(&environment.join("bin"))).env_remove("PYTHONPATH");
    // Started by name: the folder may have moved, and its scripts know their old place.
    componentize.arg(environment.join("bin/componentize-py")).args(["-d", "wit", "-w", "tenant-policy"]);
    componentize.args(["componentize", "app", "--stub-wasi", "-o"]).arg(part.file());
    run(&mut componentize, INSTALL)?;
    part.take()
}

/// The search path with this folder before all others.
fn first(folder: &Path) -> OsString {
    let rest = env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(folder.to_owned()).chain(env::split_paths(&rest));
    env::join_paths(all).unwrap_or_else(|_| folder.as_os_str().to_owned())
}

/// Installs what `requirements.txt` says, unless that was done. The note of it is written last.
fn prepare(folder: &Path, environment: &Path, python: &Path) -> Result<(), Failure> {
    let wanted = files::read(&folder.join("requirements.txt"), LONGEST_TEXT)
        .map_err(|error| format!("`requirements.txt` cannot be read: {error}"))?;
    let note = environment.join("requirements.txt");
    if python.exists() && files::read(&note, LONGEST_TEXT).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    say("pip install (80 MB, once)");
    run(Command::new("python3").args(["-c", PROBE]), INSTALL)
        .map_err(|error| format!("{error}; {INSTALL}"))?;
    let mut make = Command::new("python3");
    run(make.args(["-m", "venv", "--clear"]).arg(environment), INSTALL)?;
    let mut pip = Command::new(python);
    pip.current_dir(folder).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    run(pip.args(["-r", "requirements.txt"]), INSTALL)?;
    files::replace(&note, wanted)
        .map_err(|error| format!("`{}` cannot be written: {error}", note.display()).into())
}
