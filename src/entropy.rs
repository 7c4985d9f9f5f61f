//! Entropy for one call, drawn from the host at once, and what is made of it.

use uuid::Builder;

use crate::{
    Capabilities,
    code::{self, Code},
    contract::imports::types::HostError,
};

/// Bytes of an id.
pub const ID: usize = 16;

/// Unused random bytes of this call.
pub struct Entropy {
    bytes: std::vec::IntoIter<u8>,
}

impl Entropy {
    /// Draws enough for `ids` ids and `codes` confirmation codes.
    ///
    /// # Errors
    /// `unavailable` when the host answers another number of bytes: nothing weaker is made instead.
    pub fn draw(host: &impl Capabilities, ids: usize, codes: usize) -> Result<Self, HostError> {
        let wanted = ids * ID + codes * code::BYTES;
        let bytes = host.random(wanted);
        if bytes.len() == wanted { Ok(Self { bytes: bytes.into_iter() }) } else { Err(exhausted()) }
    }

    /// An id: 122 random bits as UUID text.
    ///
    /// # Errors
    /// `unavailable` when more is taken than was drawn.
    pub fn id(&mut self) -> Result<String, HostError> {
        let uuid = Builder::from_random_bytes(self.take()?).into_uuid();
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

/// Whether this is an id as this plugin makes them.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == 36
        && !text.bytes().any(|byte| byte.is_ascii_uppercase())
        && uuid::Uuid::try_parse(text).is_ok()
}
