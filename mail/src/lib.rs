//! The e-mails of a server that embeds Guestlist: their texts, their form, and the way to a mail system.
//!
//! ```
//! use guestlist_mail::{Folder, Kind, Language, Letter, Sender, Transport, compose};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let sender = Sender::new("Guestlist", "guestlist@id.example", None)?;
//! let letter = Letter {
//!     inviter: Some("Ines Vogel".to_owned()),
//!     link: Some("https://id.example/accept#code=k3v9".to_owned()),
//!     ..Letter::new(Kind::Invitation, "guest@example.org", "Acme", "Guestlist")
//! };
//! let message = compose(&letter, Language::choose(Some("de-AT"), None, None), &sender)?;
//! let folder = Folder::open(folder).await?;
//! folder.hand_over(&message).await?;
//! for kept in folder.list().await? {
//!     println!("{} to {}: {:?}", kept.subject, kept.to, kept.links);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It knows nothing of the plugin: a server fills a [`Letter`] from the message that it was asked to send.

mod backoff;
mod catalogue;
mod compose;
mod folder;
mod language;
mod letter;
mod names;
mod smtp;
pub mod text;
mod transport;
mod when;

pub use backoff::Backoff;
pub use catalogue::Entry;
pub use compose::{NotComposed, Sender, compose};
pub use folder::{Folder, Kept};
pub use language::Language;
pub use letter::{Kind, Letter};
pub use lettre::Message;
pub use names::one_line;
pub use smtp::{AccessTokens, Encryption, InvalidSettings, Login, Smtp, SmtpSettings};
pub use transport::{Failure, HandedOver, NotSent, Stage, Transport};
pub use when::moment;
