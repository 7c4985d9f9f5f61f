//! Confirmation codes: `inv1_`, 32 random bytes in base64url, and a checksum.
//!
//! The prefix lets scanners find leaked codes; the checksum tells a mistyped or cut-off code from a
//! wrong one without asking anybody. Only the SHA-256 digest is ever stored, and a code is found by
//! its digest, so no secret is compared. With 256 random bits a plain digest cannot be searched.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Random bytes of a code.
pub const BYTES: usize = 32;

const PREFIX: &str = "inv1_";
const BODY: usize = 43;
const CHECKSUM: usize = 6;

/// Characters of a code.
pub const LENGTH: usize = PREFIX.len() + BODY + CHECKSUM;

/// A confirmation code. It has no `Debug` and no `Display`, so that it is not logged by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Code([u8; BYTES]);

impl Code {
    /// The code of these random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads a code, or `None` when the text is not a whole one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (body, checksum) = text.strip_prefix(PREFIX)?.split_at_checked(BODY)?;
        let mut bytes = [0; BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(body, &mut bytes).ok()?;
        (length == BYTES && checksum == checksum_of(body)).then_some(Self(bytes))
    }

    /// The text that goes into the mail: the only place where a code is readable.
    #[must_use]
    pub fn reveal(&self) -> String {
        let body = URL_SAFE_NO_PAD.encode(self.0);
        let checksum = checksum_of(&body);
        [PREFIX, &body, &checksum].concat()
    }

    /// What is stored.
    #[must_use]
    pub fn digest(&self) -> Vec<u8> {
        let hash = Sha256::new().chain_update(b"inv-code/v1\0").chain_update(self.0);
        hash.finalize().to_vec()
    }
}

fn checksum_of(body: &str) -> String {
    let hash = Sha256::new().chain_update(b"inv-checksum/v1\0").chain_update(body).finalize();
    let mut checksum = URL_SAFE_NO_PAD.encode(hash);
    checksum.truncate(CHECKSUM);
    checksum
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_being_shown_and_read() {
        for seed in 0..=255 {
            let code = Code::new([seed; BYTES]);
            let text = code.reveal();
            assert_eq!(text.len(), LENGTH);
            assert!(Code::parse(&text) == Some(code));
        }
    }

    #[test]
    fn every_single_changed_character_is_noticed() {
        let text = Code::new(std::array::from_fn(|i| (i * 37 + 11) as u8)).reveal();
        for at in 0..text.len() {
            for with in ["A", "b", "0", "-", "_", "=", " ", "/"] {
                let mut changed = text.clone();
                changed.replace_range(at..=at, with);
                assert!(changed == text || Code::parse(&changed).is_none(), "{at} {with}");
            }
        }
    }

    #[test]
    fn what_is_cut_off_or_longer_is_no_code() {
        let text = Code::new([7; BYTES]).reveal();
        for end in 0..text.len() {
            assert!(Code::parse(&text[..end]).is_none());
        }
        assert!(Code::parse(&format!("{text}A")).is_none());
        assert!(Code::parse("").is_none());
        assert!(Code::parse("inv1_ééééééééééééééééééééééééééééééé").is_none());
    }

    #[test]
    fn the_digest_is_the_published_one() {
        use sha2::{Digest, Sha256};
        let mut input = b"inv-code/v1\0".to_vec();
        input.extend([9; BYTES]);
        assert_eq!(Code::new([9; BYTES]).digest(), Sha256::digest(&input).to_vec());
    }
}
