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

    /// The text that goes into the e-mail: the only place where a code is readable.
    #[must_use]
    pub fn reveal(&self) -> String {
        let body = URL_SAFE_NO_PAD.encode(self.0);
        let checksum = checksum_of(&body);
        [PREFIX, &body, &checksum].concat()
    }

    /// The digest that is stored.
    #[must_use]
    pub fn digest(&self) -> Vec<u8> {
        let hash = Sha256::new().chain_update(b"inv-code/v1\0").chain_update(self.0);
        hash.finalize().to_vec()
    }
}

/// CRC-32 (IEEE 802.3) of the body, in base64url: against slips of the hand and of mail programs, not
/// against people. A cryptographic hash would cost as much as the digest and add nothing.
fn checksum_of(body: &str) -> String {
    const NIBBLES: [u32; 16] = [
        0x0000_0000,
        0x1db7_1064,
        0x3b6e_20c8,
        0x26d9_30ac,
        0x76dc_4190,
        0x6b6b_51f4,
        0x4db2_6158,
        0x5005_713c,
        0xedb8_8320,
        0xf00f_9344,
        0xd6d6_a3e8,
        0xcb61_b38c,
        0x9b64_c2b0,
        0x86d3_d2d4,
        0xa00a_e278,
        0xbdbd_f21c,
    ];
    let step = |crc: u32, nibble: u32| NIBBLES.get((nibble & 15) as usize).unwrap_or(&0) ^ (crc >> 4);
    let crc = body.bytes().fold(u32::MAX, |crc, byte| {
        let crc = step(crc, crc ^ u32::from(byte));
        step(crc, crc ^ (u32::from(byte) >> 4))
    });
    URL_SAFE_NO_PAD.encode((!crc).to_be_bytes())
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
    fn the_checksum_is_the_standard_one() {
        // The check value of CRC-32/ISO-HDLC for the digits 1 to 9.
        assert_eq!(checksum_of("123456789"), URL_SAFE_NO_PAD.encode(0xcbf4_3926_u32.to_be_bytes()));
    }

    #[test]
    fn the_digest_is_the_published_one() {
        use sha2::{Digest, Sha256};
        let mut input = b"inv-code/v1\0".to_vec();
        input.extend([9; BYTES]);
        assert_eq!(Code::new([9; BYTES]).digest(), Sha256::digest(&input).to_vec());
    }
}
