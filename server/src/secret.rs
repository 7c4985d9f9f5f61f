//! Secrets that the server makes, and the digests that it keeps of them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// The digest of a secret of 256 random bits. It cannot be tried out, so it needs no salt.
pub type Digest = [u8; 32];

/// The operating system has no entropy.
#[derive(Debug, thiserror::Error)]
#[error("the operating system has no entropy: {0}")]
pub struct NoEntropy(String);

/// Draws a secret of 256 bits, with a prefix by which scanners find one that has leaked.
///
/// # Errors
/// The operating system has no entropy.
pub fn draw(prefix: &str) -> Result<String, NoEntropy> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| NoEntropy(error.to_string()))?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// The digest under which a secret is kept.
#[must_use]
pub fn digest(secret: &str) -> Digest {
    Sha256::digest(secret.as_bytes()).into()
}
