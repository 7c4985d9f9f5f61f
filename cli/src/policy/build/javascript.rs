//! Policies in JavaScript: the policy's own `build.mjs` calls componentize-js, which `npm` installs.

use std::{fs, path::Path, process::Command};

use super::{
    Part,
    around::{Around, WORLD},
    tool::{ask, run, say},
};
use crate::{Failure, policy::language::Language};

/// Where the build has its files: `build.mjs` makes a component of the first one.
const FOLDER: &str = "node_modules/.guestlist";
const AROUND: [(&str, &str); 3] = [
    ("policy.js", include_str!("around/policy.js")),
    ("surroundings.js", include_str!("around/surroundings.js")),
    ("package.json", "{ \"type\": \"module\" }\n"),
];

/// The compiler that knows types, if it is among the packages, and what it is to check.
const TYPES: [&str; 2] = ["node_modules/typescript/bin/tsc", "jsconfig.json"];

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
        say("npm ci (210 MB, once)");
        run(Command::new("npm").current_dir(folder).arg("ci"), INSTALL)?;
    }
    if TYPES.iter().all(|file| folder.join(file).is_file()) {
        say("tsc (types)");
        let [compiler, project] = TYPES;
        let mut check = Command::new("node");
        run(
            check.current_dir(folder).args([compiler, "--noEmit", "--pretty", "false", "-p", project]),
            INSTALL,
        )?;
    }
    Around::new(folder, folder.join(FOLDER), Language::JavaScript, &AROUND)?;
    say("node build.mjs");
    let part = Part::beside(&folder.join("policy.wasm"))?;
    let mut build = Command::new("node");
    build.current_dir(folder).arg("build.mjs").arg(part.file());
    build.args([&format!("{FOLDER}/policy.js"), &format!("{FOLDER}/wit"), WORLD]);
    run(&mut build, INSTALL)?;
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
