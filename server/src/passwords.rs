//! Passwords, as argon2id digests.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::SaltString,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The shortest password that is taken, in characters.
pub const SHORTEST: usize = 12;

/// The longest password that is taken, in bytes.
pub const LONGEST: usize = 256;

/// A password that cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// It is too short or too long.
    #[error("a password has {SHORTEST} characters at least, and {LONGEST} bytes at most")]
    Length,
    /// The operating system has no entropy, or the parameters are refused.
    #[error("the password cannot be kept: {0}")]
    Failed(String),
}

fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Failed(error.to_string())
}

/// OWASP's parameters for argon2id: 19 MiB, two passes, one lane.
fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Tells whether a password has a length that is taken.
#[must_use]
pub fn fits(password: &str) -> bool {
    password.chars().count() >= SHORTEST && password.len() <= LONGEST
}

/// The PHC string of a password. It takes some 20 ms of one core, so not on a thread that others wait for.
///
/// # Errors
/// [`PasswordError`].
pub fn digest(password: &str) -> Result<String, PasswordError> {
    if !fits(password) {
        return Err(PasswordError::Length);
    }
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(failed)?;
    let salt = SaltString::encode_b64(&salt).map_err(failed)?;
    Ok(hasher()?.hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
}

/// Compares a password with its PHC string; for nobody it takes as long, and is no.
#[must_use]
pub fn is_right(password: &str, phc: Option<&str>) -> bool {
    if password.len() > LONGEST {
        return false;
    }
    let Ok(hasher) = hasher() else { return false };
    let Some(phc) = phc else {
        let mut out = [0; 32];
        let _ = hasher.hash_password_into(password.as_bytes(), b"nobody is there", &mut out);
        return false;
    };
    PasswordHash::new(phc).is_ok_and(|known| hasher.verify_password(password.as_bytes(), &known).is_ok())
}

/// Draws a password of 120 bits.
///
/// # Errors
/// The operating system has no entropy.
pub fn draw() -> Result<String, PasswordError> {
    let mut bytes = [0; 15];
    getrandom::fill(&mut bytes).map_err(failed)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_right_or_wrong_and_nobody_has_one() {
        let phc = digest("correct horse battery").unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(is_right("correct horse battery", Some(&phc)));
        assert!(!is_right("correct horse batterx", Some(&phc)));
        assert!(!is_right("correct horse battery", None));
        assert!(!is_right("correct horse battery", Some("$argon2id$damaged")));
        assert!(matches!(digest("eleven char"), Err(PasswordError::Length)));
        assert!(matches!(digest(&"x".repeat(257)), Err(PasswordError::Length)));
        assert_ne!(draw().unwrap(), draw().unwrap());
    }
}
