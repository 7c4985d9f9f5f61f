//! Builds the plugin and wraps it as a component, so that the harness always embeds the plugin of the
//! same sources.
//!
//! The plugin is compiled by a cargo of its own in a target folder of its own (`<target>/guest`): one
//! build serves every profile, and the running cargo, which holds the lock of the outer folder, is not
//! in its way. The results are, in `OUT_DIR` and for people also in `<target>`:
//!
//! - `guestlist.wasm`: the component without any custom section but the comments of the contract;
//! - `guestlist.core.wasm`: the core module in it, for runtimes without components;
//! - `guestlist.wit` and `guestlist.wit.json`: the contract as text, and as data for code generators;
//! - `guestlist.symbols`: a line `index name` for each function that the names were taken from, so
//!   that a backtrace of the stripped component can be read;
//! - `tenant-policy.wasm` (in `OUT_DIR` alone): a policy that judges nothing, to compare others with.
//!
//! Where `GUESTLIST_COMPONENT` names a component, that one is embedded and nothing is built: a released
//! one, say, whose digest somebody has checked. A `guestlist.symbols` beside it is used.

use std::{
    env,
    error::Error,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, exit},
};

use wit_component::{StringEncoding, WitPrinter};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, PackageId, PackageMetadata, Resolve};

type Outcome<T> = Result<T, Box<dyn Error>>;

const TARGET: &str = "wasm32-unknown-unknown";

/// 64 KiB is several times what the deepest call uses. A smaller stack makes a fresh instance cheaper,
/// because the pages below it are what has to be reset.
const LINK_ARGUMENTS: [&str; 1] = ["-zstack-size=65536"];

fn main() {
    if let Err(error) = build() {
        eprintln!("error: {error}");
        exit(1);
    }
}

fn build() -> Outcome<()> {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let root = manifest.parent().ok_or("the harness has no parent folder")?.to_owned();
    let out = PathBuf::from(variable("OUT_DIR")?);
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=GUESTLIST_COMPONENT");
    println!("cargo:rerun-if-changed={}", root.join("wit").display());
    let (resolve, package) = contract(&root.join("wit"))?;
    fs::write(out.join("tenant-policy.wasm"), policy(&resolve, package)?)?;
    if let Some(given) = env::var_os("GUESTLIST_COMPONENT") {
        embed(Path::new(&given), &out)?;
        let component = fs::read(out.join("guestlist.wasm"))?;
        return write(&[&out], &component, &resolve, package);
    }
    for input in ["src", "rules", "Cargo.toml", "Cargo.lock"] {
        println!("cargo:rerun-if-changed={}", root.join(input).display());
    }

    let target = target_folder(&out)?;
    let toolchain = Toolchain::choose(&target)?;
    let module = fs::read(compile(&root, &target, &toolchain)?)?;
    let named = wit_component::ComponentEncoder::default().validate(true).module(&module)?.encode()?;
    let mut component = without_custom_sections(&named)?;
    let comments = PackageMetadata::extract(&resolve, package).encode()?;
    custom_section(PackageMetadata::SECTION_NAME, &comments, &mut component);
    let symbols = symbols(&named)?;
    for folder in [&out, &target] {
        fs::write(folder.join("guestlist.wasm"), &component)?;
        fs::write(folder.join("guestlist.symbols"), &symbols)?;
    }
    write(&[&out, &target], &component, &resolve, package)
}

fn contract(wit: &Path) -> Outcome<(Resolve, PackageId)> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit)?;
    Ok((resolve, package))
}

/// Writes what hosts on runtimes without components are built on: the core module, and the contract as data.
fn write(folders: &[&PathBuf], component: &[u8], resolve: &Resolve, package: PackageId) -> Outcome<()> {
    let sections = sections(component)?;
    let module =
        sections.iter().find(|(id, _)| *id == CORE_MODULE).ok_or("the component has no core module")?.1;
    let mut printer = WitPrinter::default();
    let others: Vec<_> = resolve.packages.iter().map(|(id, _)| id).filter(|id| *id != package).collect();
    printer.print(resolve, package, &others)?;
    for folder in folders {
        fs::write(folder.join("guestlist.core.wasm"), module)?;
        fs::write(folder.join("guestlist.wit"), printer.output.to_string())?;
        fs::write(folder.join("guestlist.wit.json"), serde_json::to_string(resolve)? + "\n")?;
    }
    Ok(())
}

/// The empty component of world `tenant-policy`. The plugin shows the types of its own world only.
fn policy(resolve: &Resolve, package: PackageId) -> Outcome<Vec<u8>> {
    let world = resolve.select_world(&[package], Some("tenant-policy"))?;
    let mut module = wit_component::dummy_module(resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    wit_component::embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8)?;
    Ok(wit_component::ComponentEncoder::default().module(&module)?.encode()?)
}

/// Takes a component that was built elsewhere.
fn embed(component: &Path, out: &Path) -> Outcome<()> {
    let symbols = component.with_file_name("guestlist.symbols");
    for input in [component, &symbols] {
        println!("cargo:rerun-if-changed={}", input.display());
    }
    fs::copy(component, out.join("guestlist.wasm"))
        .map_err(|error| format!("`GUESTLIST_COMPONENT` is `{}`: {error}", component.display()))?;
    fs::write(out.join("guestlist.symbols"), fs::read(&symbols).unwrap_or_default())?;
    Ok(())
}

fn variable(name: &str) -> Outcome<OsString> {
    env::var_os(name).ok_or_else(|| format!("`{name}` is not set; run this through cargo").into())
}

/// The folder that the outer cargo builds in, whatever it was told: the one that it has tagged.
fn target_folder(out: &Path) -> Outcome<PathBuf> {
    let tagged = out.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    Ok(tagged
        .or_else(|| out.ancestors().nth(4))
        .ok_or("there is no target folder above `OUT_DIR`")?
        .to_owned())
}

/// The compiler that builds the plugin.
enum Toolchain {
    /// The one that builds everything else.
    Same { cargo: OsString, rustc: OsString },
    /// A distribution's, which has to build the standard library first. `scripts/setup` chose it.
    FallBack { cargo: String, rustc: String, linker: String },
}

impl Toolchain {
    fn choose(target: &Path) -> Outcome<Self> {
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        // Asking whether the target is installed is not enough: only its folder proves it.
        let asked = Command::new(&rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
        if let Ok(answer) = asked
            && answer.status.success()
            && Path::new(String::from_utf8_lossy(&answer.stdout).trim()).is_dir()
        {
            return Ok(Self::Same { cargo: variable("CARGO")?, rustc });
        }
        let file = target.join("guest-toolchain.env");
        if !file.is_file() {
            return Err(format!(
                "the compiler has no target `{TARGET}`; run `scripts/setup` and build again"
            )
            .into());
        }
        println!("cargo:rerun-if-changed={}", file.display());
        let text = fs::read_to_string(&file)?;
        let value = |name: &str| -> Outcome<String> {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            Ok(line
                .ok_or_else(|| format!("`{}` lacks `{name}`; run `scripts/setup`", file.display()))?
                .to_owned())
        };
        Ok(Self::FallBack { cargo: value("CARGO")?, rustc: value("RUSTC")?, linker: value("LINKER")? })
    }

    /// A folder for each compiler: what one has built is rubbish to the other.
    fn folder(&self) -> &'static str {
        match self {
            Self::Same { .. } => "guest",
            Self::FallBack { .. } => "guest-fallback",
        }
    }
}

/// Compiles the plugin and returns the path of its core module.
fn compile(root: &Path, target: &Path, toolchain: &Toolchain) -> Outcome<PathBuf> {
    let folder = target.join(toolchain.folder());
    let mut cargo = match toolchain {
        Toolchain::Same { cargo, rustc } => {
            let mut command = undisturbed(cargo);
            command.env("RUSTC", rustc);
            command
        }
        Toolchain::FallBack { cargo, rustc, linker } => {
            let mut command = undisturbed(cargo);
            command.env_remove("RUSTUP_TOOLCHAIN").env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            command
        }
    };
    cargo.current_dir(root).args(["build", "--quiet", "--package", "guestlist", "--lib"]);
    cargo.args(["--profile", "guest", "--target", TARGET, "--target-dir"]).arg(&folder);
    if root.join("Cargo.lock").is_file() {
        cargo.arg("--locked");
    }
    if let Toolchain::FallBack { .. } = toolchain {
        cargo.args(["-Z", "build-std=std,panic_abort"]);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(root).join("\u{1f}"));

    let status = cargo.status().map_err(|error| format!("the nested cargo did not start: {error}"))?;
    if !status.success() {
        return Err("the plugin did not compile; the errors above are those of its own build".into());
    }
    Ok(folder.join(TARGET).join("guest").join("guestlist.wasm"))
}

/// A cargo that sees nothing of the settings for the outer build (clippy's wrapper, coverage flags,
/// another target, profile overrides), only where its home and its registries are.
fn undisturbed(cargo: impl Into<OsString>) -> Command {
    let mut command = Command::new(cargo.into());
    let kept = |name: &str| {
        name == "CARGO_HOME"
            || ["CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR"].iter().any(|p| name.starts_with(p))
    };
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        let disturbs = name.starts_with("CARGO") || name.starts_with("RUSTC") || name.ends_with("RUSTFLAGS");
        if disturbs && !kept(&name) {
            command.env_remove(&*name);
        }
    }
    command
}

fn flags(root: &Path) -> Vec<String> {
    let mut flags: Vec<String> =
        LINK_ARGUMENTS.iter().map(|argument| format!("-Clink-arg={argument}")).collect();
    // Panic locations are data of the component: without this it would differ from machine to machine.
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    for (from, to) in [(Some(root.to_owned()), "guestlist"), (home, "cargo")] {
        if let Some(from) = from {
            flags.push(format!("--remap-path-prefix={}={to}", from.display()));
        }
    }
    flags
}

/// The sections of a module or a component, as (id, content).
fn sections(wasm: &[u8]) -> Outcome<Vec<(u8, &[u8])>> {
    let mut rest = wasm.get(8..).ok_or("the compiler wrote no WebAssembly")?;
    let mut found = Vec::new();
    while let Some((id, after)) = rest.split_first() {
        let (length, content) = number(after)?;
        let (content, after) = content.split_at_checked(length).ok_or("a section is cut off")?;
        found.push((*id, content));
        rest = after;
    }
    Ok(found)
}

/// An unsigned LEB128 number and what follows it.
fn number(bytes: &[u8]) -> Outcome<(usize, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, bytes.get(index + 1..).unwrap_or_default()));
        }
    }
    Err("a number in the module is malformed".into())
}

fn write_number(mut value: usize, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

const CUSTOM: u8 = 0;
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;

/// Tells by the header whether it is a component: 1 there is a core module, more than that a component.
fn is_component(wasm: &[u8]) -> bool {
    wasm.get(6).is_some_and(|layer| *layer != 0)
}

/// The same component without names, producers and other custom sections, at every depth: they are a
/// quarter of its size and a host has no use for them.
fn without_custom_sections(wasm: &[u8]) -> Outcome<Vec<u8>> {
    let mut stripped = wasm.get(..8).ok_or("the compiler wrote no WebAssembly")?.to_vec();
    for (id, content) in sections(wasm)? {
        if id == CUSTOM {
            continue;
        }
        let nested = is_component(wasm) && (id == CORE_MODULE || id == COMPONENT);
        let inner = if nested { without_custom_sections(content)? } else { content.to_vec() };
        stripped.push(id);
        write_number(inner.len(), &mut stripped);
        stripped.extend(inner);
    }
    Ok(stripped)
}

fn custom_section(name: &str, content: &[u8], to: &mut Vec<u8>) {
    let mut section = Vec::new();
    write_number(name.len(), &mut section);
    section.extend(name.as_bytes());
    section.extend(content);
    to.push(CUSTOM);
    write_number(section.len(), to);
    to.extend(section);
}

/// The function names of the first core module, which is the plugin itself.
fn symbols(component: &[u8]) -> Outcome<String> {
    const FUNCTION_NAMES: u8 = 1;
    let modules = sections(component)?;
    let module =
        modules.iter().find(|(id, _)| *id == CORE_MODULE).ok_or("the component has no core module")?.1;
    let mut text = String::new();
    for (id, content) in sections(module)? {
        let (length, content) = if id == CUSTOM { number(content)? } else { continue };
        let Some((b"name", mut rest)) = content.split_at_checked(length) else { continue };
        while let Some((kind, after)) = rest.split_first() {
            let (length, content) = number(after)?;
            let (names, after) = content.split_at_checked(length).ok_or("the name section is cut off")?;
            rest = after;
            if *kind != FUNCTION_NAMES {
                continue;
            }
            let (count, mut names) = number(names)?;
            for _ in 0..count {
                let (index, after) = number(names)?;
                let (length, after) = number(after)?;
                let (name, after) = after.split_at_checked(length).ok_or("a function name is cut off")?;
                names = after;
                text += &format!("{index} {:#}\n", rustc_demangle::demangle(std::str::from_utf8(name)?));
            }
        }
    }
    Ok(text)
}
