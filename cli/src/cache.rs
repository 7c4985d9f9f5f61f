//! Where this command keeps compiled policies: those with an interpreter take many seconds to compile.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use guestlist_contract::text;
use guestlist_harness::{CompileCache, Engine, EngineOptions};

use crate::Failure;

/// Where it is, unless `--cache` says so.
const VARIABLE: &str = "GUESTLIST_CACHE";

/// The word for no cache.
const OFF: &str = "off";

/// From here on people are told what they wait for, in bytes.
const LONG: usize = 1 << 20;

static GIVEN: OnceLock<PathBuf> = OnceLock::new();

/// Takes what stands on the command line.
pub fn choose(folder: Option<PathBuf>) {
    if let Some(folder) = folder {
        // There is one command line.
        let _ = GIVEN.set(folder);
    }
}

/// An engine that reads what was compiled before.
pub fn engine(options: EngineOptions) -> Result<Engine, Failure> {
    let variable = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let cache = match GIVEN.get().cloned().or(variable) {
        Some(folder) if folder.as_os_str() == OFF => None,
        // Somebody wants this very folder.
        Some(folder) => Some(CompileCache::open(&folder)?),
        None => usual().and_then(|folder| {
            let opened = CompileCache::open(&folder);
            opened
                .inspect_err(|error| {
                    eprintln!("remark: {}; policies are compiled each time", text::line(&error.to_string()))
                })
                .ok()
        }),
    };
    Ok(Engine::new(&options.cache(cache))?)
}

/// `guestlist` among this user's caches.
fn usual() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).filter(|folder: &OsString| Path::new(folder).is_absolute());
    let caches = folder("XDG_CACHE_HOME").map(PathBuf::from);
    let caches = caches.or_else(|| Some(PathBuf::from(folder("HOME")?).join(".cache")))?;
    Some(caches.join("guestlist"))
}

/// Says what is about to take long.
pub fn announce(engine: &Engine, path: &Path, bytes: &[u8]) {
    if bytes.len() >= LONG && engine.has_to_compile(bytes) {
        let size = bytes.len() / 1_000_000;
        eprintln!("compiling {}, {size} MB ..", text::line(&path.display().to_string()));
    }
}
