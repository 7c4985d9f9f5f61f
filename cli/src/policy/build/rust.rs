//! Policies in Rust: cargo makes a module, which becomes a component here.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use guestlist_documents::files::{self, LARGEST_COMPONENT};
use serde::Deserialize;
use wit_component::ComponentEncoder;

use super::tool::{ask, say};
use crate::Failure;

const TARGET: &str = "wasm32-unknown-unknown";
const INSTALL: &str = "install Rust from https://rustup.rs";

/// What the standard library has in a module that can ask for the time; where nothing asks, the linker
/// leaves it out.
const NO_CLOCK: &[u8] = b"time not implemented on this platform";

pub fn build(folder: &Path) -> Result<Vec<u8>, Failure> {
    say("cargo build --release");
    let module = compile(folder)?;
    let bytes = files::read(&module, LARGEST_COMPONENT)
        .map_err(|error| format!("`{}` cannot be read: {error}", module.display()))?;
    if bytes.windows(NO_CLOCK.len()).any(|words| words == NO_CLOCK) {
        return Err("the policy asks for the time of a clock (`SystemTime::now`, `Instant::now`), and would break off \
                    there: a policy has none; the time is `surroundings.now` among the facts"
            .into());
    }
    let mut encoder = ComponentEncoder::default();
    let component = encoder.validate(true).module(&bytes).and_then(ComponentEncoder::encode);
    component.map_err(|error| format!("the module cannot become a component: {error:#}").into())
}

/// What cargo says of a crate that it has compiled; its other messages name no files.
#[derive(Deserialize)]
struct Artifact {
    filenames: Vec<PathBuf>,
}

/// Compiles the policy and answers with the path of its module.
fn compile(folder: &Path) -> Result<PathBuf, Failure> {
    let mut cargo = cargo(folder)?;
    cargo.args(["build", "--release", "--lib", "--target", TARGET]);
    cargo.arg("--message-format=json-render-diagnostics");
    let messages = ask(&mut cargo, INSTALL)?;
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
    let mut files = artifacts.flat_map(|artifact| artifact.filenames);
    // The policy is compiled after all that it depends on.
    files.rfind(|file| file.extension().is_some_and(|extension| extension == "wasm")).ok_or_else(|| {
        "the build makes no module; `Cargo.toml` needs `[lib]` with `crate-type = [\"cdylib\"]`".into()
    })
}

/// The cargo whose compiler can make modules.
fn cargo(folder: &Path) -> Result<Command, Failure> {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(folder).args(["--print", "target-libdir", "--target", TARGET]);
    // The folder is told for a target that is not installed, too.
    let mut cargo = if Path::new(ask(&mut rustc, INSTALL)?.trim()).is_dir() {
        Command::new("cargo")
    } else {
        fall_back(folder).ok_or_else(|| {
            format!("the compiler has no target `{TARGET}`; run `rustup target add {TARGET}`")
        })?
    };
    cargo.current_dir(folder).env("CARGO_ENCODED_RUSTFLAGS", flags(folder).join("\u{1f}"));
    Ok(cargo)
}

/// The same component wherever it is built: panics name files, and those have no home.
fn flags(folder: &Path) -> Vec<String> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let from = [(Some(folder.to_owned()), "policy"), (home, "cargo")];
    from.into_iter()
        .filter_map(|(from, to)| Some(format!("--remap-path-prefix={}={to}", from?.display())))
        .collect()
}

/// A distribution's compiler, which builds the standard library first. `scripts/setup` of this project
/// chose it, for all that is below the project's folder.
fn fall_back(folder: &Path) -> Option<Command> {
    let chosen = |folder: PathBuf| fs::read_to_string(folder.join("guest-toolchain.env")).ok();
    let own = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).and_then(chosen);
    let text = own.or_else(|| folder.ancestors().find_map(|folder| chosen(folder.join("target"))))?;
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let mut cargo = Command::new(value("CARGO")?);
    cargo.env_remove("RUSTUP_TOOLCHAIN").env("RUSTC", value("RUSTC")?).env("RUSTC_BOOTSTRAP", "1");
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", value("LINKER")?);
    cargo.env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort");
    Some(cargo)
}
