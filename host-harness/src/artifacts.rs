//! Artifacts that the build makes of the plugin and of the contract.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

/// The plugin that this version of the harness was built with, as a component.
pub static BUNDLED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/guestlist.wasm"));

/// The core module inside of [`BUNDLED`], for runtimes without components: it needs Wasm 2.0 and a codec of
/// the canonical ABI, which [`CONTRACT_JSON`] drives. Its imports are the contract's functions.
pub static CORE_MODULE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/guestlist.core.wasm"));

/// The contract as data: packages, worlds, interfaces, functions and types with their comments, in the form
/// that `wasm-tools component wit --json` prints.
pub static CONTRACT_JSON: &str = include_str!(concat!(env!("OUT_DIR"), "/guestlist.wit.json"));

/// The contract as text, in one file.
pub static CONTRACT_WIT: &str = include_str!(concat!(env!("OUT_DIR"), "/guestlist.wit"));

pub(crate) static BUNDLED_SYMBOLS: &str = include_str!(concat!(env!("OUT_DIR"), "/guestlist.symbols"));

pub(crate) static BUNDLED_DIGEST: LazyLock<String> = LazyLock::new(|| digest(BUNDLED));

/// The SHA-256 of bytes, in lower-case hex.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
