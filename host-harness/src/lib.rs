//! Embed, test and explore the Guestlist invitation component.
pub mod contract;
pub mod host;
pub mod reference;
