//! Policies in JavaScript: the policy's own `build.mjs` calls componentize-js, which `npm` installs.

use std::{fs, path::Path, process::Command};

use super::{
    Part,
    tool::{ask, run, say},
};
use crate::Failure;

const NODE: u32 = 20;
const INSTALL: &str = "install Node.js 20 or newer with npm (Debian: `apt-get install nodejs npm`)";

pub fn build(folder: &Path) -> Result<Vec<u8>, Failure> {
    let version = ask(Command::new("node").arg("--version"), INSTALL)?;
    if major(&version).is_none_or(|major| major < NODE) {
        return Err(format!("`node` is {}: {INSTALL}", version.trim()).into());
    }
    if !folder.join("build.mjs").is_file() {
        return Err("`build.mjs` is missing, which makes the component; \
                    `guestlist policy new --language javascript` writes one"
            .into());
    }
    if !is_installed(folder) {
        say("npm ci (200 MB, once)");
        run(Command::new("npm").current_dir(folder).arg("ci"), INSTALL)?;
    }
    say("node build.mjs");
    let part = Part::beside(&folder.join("policy.wasm"))?;
    run(Command::new("node").current_dir(folder).arg("build.mjs").arg(part.file()), INSTALL)?;
    part.take()
}

/// `v20.11.1`
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Whether the packages are those of the lock: npm writes its own copy of it last.
fn is_installed(folder: &Path) -> bool {
    let changed = |file: &str| fs::metadata(folder.join(file)).and_then(|file| file.modified()).ok();
    let installed = changed("node_modules/.package-lock.json");
    installed.is_some() && installed >= changed("package-lock.json")
}
