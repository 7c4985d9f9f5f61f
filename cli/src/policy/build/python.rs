//! Policies in Python: componentize-py, in an environment of the policy's own.

use std::{env, ffi::OsString, path::Path, process::Command};

use guestlist_documents::files::{self, LONGEST_TEXT};

use super::{
    Part,
    around::{Around, WORLD},
    tool::{run, say},
};
use crate::{Failure, policy::language::Language};

/// What is built: it imports the policy as `app`.
const MODULE: &str = "guestlist_policy";
const AROUND: [(&str, &str); 1] = [("guestlist_policy.py", include_str!("around/policy.py"))];

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
    if environment.join("bin/mypy").is_file() && folder.join("typings").is_dir() {
        say("mypy (types)");
        let mut check = Command::new(&python);
        check.current_dir(folder).env("MYPYPATH", "typings").args(["-m", "mypy", "app.py"]);
        run(&mut check, INSTALL)?;
    }
    let around = Around::new(folder, environment.join("guestlist"), Language::Python, &AROUND)?;
    say("componentize-py (some 10 s)");
    let part = Part::beside(&folder.join("policy.wasm"))?;
    let mut componentize = Command::new(&python);
    // Its own backtrace says nothing about a mistake in the policy.
    componentize.current_dir(folder).env("RUST_BACKTRACE", "0");
    // It asks the first Python that it finds where packages are: only those of the environment may get in.
    componentize.env("PATH", first(&environment.join("bin"))).env_remove("PYTHONPATH");
    // Started by name: the folder may have moved, and its scripts know their old place.
    componentize.arg(environment.join("bin/componentize-py")).arg("-d").arg(around.wit()).args(["-w", WORLD]);
    componentize.args(["componentize", MODULE, "-p"]).arg(around.folder()).args(["-p", "."]);
    componentize.args(["--stub-wasi", "-o"]).arg(part.file());
    run(&mut componentize, INSTALL)?;
    part.take().map(signed)
}

/// The component with a word of what it was written in, which the compiler does not leave in it.
fn signed(mut component: Vec<u8>) -> Vec<u8> {
    // Component sections have lengths of one byte here, as all texts are short.
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    let field = |name: &str, value: &str| [&text(name)[..], &[1], &text(value), &text("")].concat();
    let fields = [field("language", "Python"), field("processed-by", "componentize-py")].concat();
    let content = [&text("producers")[..], &[2], &fields].concat();
    component.extend([0, content.len() as u8]);
    component.extend(content);
    component
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
