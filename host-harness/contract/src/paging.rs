//! Cursors, for whoever implements the store's lists.
//!
//! Pages are cut by key and not by number: a cursor says after which row the next page begins, so a
//! row that exists throughout the walk is shown exactly once, whatever is inserted meanwhile. The
//! cursor is sealed, and bound to what the walk is about: the organization (or the caller), the filter and
//! the sort.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    storage::StoreError,
    types::{Invitation, SortKey},
};

/// Longest cursor that is looked at. One that was given out is shorter.
const CURSOR: usize = 4096;

/// The place of a row in the order: by the sort key, then by id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The key that the walk sorts by.
    pub key: Key,
    /// The organization of the row.
    pub organization: String,
    /// Its id.
    pub id: String,
}

/// The value that a row is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Key {
    /// The time at which it was made or runs out.
    Time(u64),
    /// The name as invited, compared byte by byte.
    Name(String),
    /// The place after every time, of rows that never expire.
    Never,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    after: Place,
    seal: String,
}

impl Place {
    /// The place of a row in a walk that sorts by `sort`.
    #[must_use]
    pub fn of(row: &Invitation, sort: SortKey) -> Self {
        let key = match sort {
            SortKey::CreatedAt => Key::Time(row.created_at),
            SortKey::ExpiresAt => row.expires_at.map_or(Key::Never, Key::Time),
            SortKey::Name => Key::Name(row.name.clone()),
        };
        Self { key, organization: row.key.organization.clone(), id: row.key.id.clone() }
    }
}

/// A walk through the rows. A cursor of one is no cursor of another.
#[derive(Debug)]
pub struct Walk {
    secret: [u8; 32],
    about: String,
}

impl Walk {
    /// A walk that is about `about`: whose rows, which filter, which order. All processes of a host that
    /// know the same `secret` understand each other's cursors.
    ///
    /// # Errors
    /// `about` cannot be written as JSON.
    pub fn new(secret: [u8; 32], about: &impl Serialize) -> Result<Self, StoreError> {
        let about = serde_json::to_string(about).map_err(|error| StoreError::Other(error.to_string()))?;
        Ok(Self { secret, about })
    }

    fn seal(&self, after: &Place) -> Option<String> {
        let digest = Sha256::new()
            .chain_update(self.secret)
            .chain_update(Sha256::digest(&self.about))
            .chain_update(serde_json::to_vec(after).ok()?)
            .finalize();
        Some(URL_SAFE_NO_PAD.encode(digest))
    }

    /// The cursor of the page that begins after this place.
    #[must_use]
    pub fn cursor(&self, after: Place) -> Option<String> {
        let seal = self.seal(&after)?;
        Some(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&Cursor { after, seal }).ok()?))
    }

    /// The place where a page begins; `None`: at the first row.
    ///
    /// # Errors
    /// The cursor is none of this walk.
    pub fn start(&self, cursor: Option<&str>) -> Result<Option<Place>, StoreError> {
        let Some(cursor) = cursor else { return Ok(None) };
        let read = |cursor: &str| -> Option<Place> {
            let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
            let cursor: Cursor = serde_json::from_slice(&bytes).ok()?;
            (self.seal(&cursor.after)? == cursor.seal).then_some(cursor.after)
        };
        let place = if cursor.len() > CURSOR { None } else { read(cursor) };
        place.map(Some).ok_or(StoreError::InvalidCursor)
    }
}
