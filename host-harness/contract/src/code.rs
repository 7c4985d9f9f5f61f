//! Confirmation codes as a host or a test needs them: to know one by its digest, and to make one that
//! was never handed out.
//!
//! The format is the plugin's own; it is written here a second time because a host must not need the
//! plugin's crate. A test of the whole system shows that both agree.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// The letters that a code starts with, so that scanners find leaked ones.
pub const PREFIX: &str = "inv1_";

/// Random bytes of a code.
pub const BYTES: usize = 32;

/// Characters of the random bytes in base64url.
const BODY: usize = 43;

/// A whole code of these bytes. Of bytes that no plugin has drawn it is one that nobody was given.
#[must_use]
pub fn from_bytes(bytes: [u8; BYTES]) -> String {
    let body = URL_SAFE_NO_PAD.encode(bytes);
    let checksum = checksum(&body);
    [PREFIX, &body, &checksum].concat()
}

/// The digest that `storage` is given instead of the code, or `None` when the text is not a whole code.
#[must_use]
pub fn digest(code: &str) -> Option<[u8; 32]> {
    let (body, rest) = code.strip_prefix(PREFIX)?.split_at_checked(BODY)?;
    let bytes: [u8; BYTES] = URL_SAFE_NO_PAD.decode(body).ok()?.try_into().ok()?;
    let hash = || Sha256::new().chain_update(b"inv-code/v1\0").chain_update(bytes).finalize();
    (rest == checksum(body)).then(|| hash().into())
}

/// The form in which the host in memory keeps it: 64 hexadecimal digits.
#[must_use]
pub fn stored_digest(code: &str) -> Option<String> {
    digest(code).map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// CRC-32 (IEEE 802.3) of the body, in base64url.
fn checksum(body: &str) -> String {
    let crc = body.bytes().fold(u32::MAX, |crc, byte| {
        let bit = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        (0..8).fold(crc ^ u32::from(byte), bit)
    });
    URL_SAFE_NO_PAD.encode((!crc).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_standard_one() {
        // The check value of CRC-32/ISO-HDLC for the digits 1 to 9.
        assert_eq!(checksum("123456789"), URL_SAFE_NO_PAD.encode(0xcbf4_3926_u32.to_be_bytes()));
    }

    #[test]
    fn a_made_code_has_a_digest_and_a_mangled_one_has_none() {
        let code = from_bytes([7; BYTES]);
        let hash = Sha256::digest([&b"inv-code/v1\0"[..], &[7; BYTES]].concat());
        assert_eq!(digest(&code), Some(hash.into()));
        assert_eq!(stored_digest(&code), Some(format!("{hash:x}")));
        for mangled in
            [String::new(), code.replace("inv1_", "inv2_"), format!("{code}A"), code.replacen('B', "C", 1)]
        {
            assert_eq!(digest(&mangled), None, "{mangled}");
        }
    }
}
