//! Entropy for one call, drawn from the host at once, and what is made of it.

use uuid::Builder;

use crate::{
    Capabilities,
    code::{self, Code},
    contract::imports::types::HostError,
};

/// Random bytes of an id.
pub const ID: usize = 10;

/// Unused random bytes of this call.
pub struct Entropy {
    now: u64,
    /// The number that the next id counts from; drawn with the first one.
    next: Option<u16>,
    bytes: std::vec::IntoIter<u8>,
}

impl Entropy {
    /// Draws enough for `ids` ids and `codes` confirmation codes of a call that was made at `now`.
    ///
    /// # Errors
    /// `unavailable` when the host answers another number of bytes: nothing weaker is made instead.
    pub fn draw(host: &impl Capabilities, now: u64, ids: usize, codes: usize) -> Result<Self, HostError> {
        let wanted = ids * ID + codes * code::BYTES;
        let bytes = host.random(wanted);
        if bytes.len() == wanted {
            Ok(Self { now, next: None, bytes: bytes.into_iter() })
        } else {
            Err(exhausted())
        }
    }

    /// An id: a UUID of version 7, with the time of the call, a counter that starts at random (RFC 9562,
    /// section 6.2) and 62 random bits. Ids of one time are neighbours in every index that they are in, so
    /// that a store writes few pages for a hundred of them, and those of one call sort in the order in which
    /// they were made.
    ///
    /// # Errors
    /// `unavailable` when more is taken than was drawn.
    pub fn id(&mut self) -> Result<String, HostError> {
        let mut bytes: [u8; ID] = self.take()?;
        let [high, low, ..] = &mut bytes;
        // The highest of its 12 bits is free at first, so that a call never counts beyond them.
        let count = self.next.unwrap_or_else(|| u16::from_be_bytes([*high, *low]) & 0x07ff);
        [*high, *low] = count.to_be_bytes();
        self.next = Some(count.wrapping_add(1));
        let uuid = Builder::from_unix_timestamp_millis(self.now, &bytes).into_uuid();
        let mut text = [0; 36];
        Ok(uuid.hyphenated().encode_lower(&mut text).to_owned())
    }

    /// A confirmation code.
    ///
    /// # Errors
    /// `unavailable` when more is taken than was drawn, or when the generator is stuck.
    pub fn code(&mut self) -> Result<Code, HostError> {
        let bytes: [u8; code::BYTES] = self.take()?;
        // A generator that repeats one byte 32 times is broken; a sound one does so never.
        if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
            return Err(exhausted());
        }
        Ok(Code::new(bytes))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], HostError> {
        let taken = self.bytes.as_slice().first_chunk::<N>().copied().ok_or_else(exhausted)?;
        self.bytes.nth(N - 1);
        Ok(taken)
    }
}

fn exhausted() -> HostError {
    HostError::Unavailable(None)
}

/// Tells whether this is an id as this plugin makes them.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == 36
        && !text.bytes().any(|byte| byte.is_ascii_uppercase())
        && uuid::Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_lower_case_hyphenated_uuid_and_nothing_else() {
        assert!(is_id("8c8f0e3a-1b2c-4d5e-8f90-a1b2c3d4e5f6"));
        for wrong in [
            "",
            "8C8F0E3A-1B2C-4D5E-8F90-A1B2C3D4E5F6",
            "8c8f0e3a1b2c4d5e8f90a1b2c3d4e5f6",
            "{8c8f0e3a-1b2c-4d5e-8f90-a1b2c3d4e5f6}",
            "urn:uuid:8c8f0e3a-1b2c-4d5e-8f90-a1b2c3d4e5f6",
            "8c8f0e3a-1b2c-4d5e-8f90-a1b2c3d4e5fg",
            "8c8f0e3a-1b2c-4d5e-8f90-a1b2c3d4e5f",
        ] {
            assert!(!is_id(wrong), "{wrong}");
        }
    }
}
