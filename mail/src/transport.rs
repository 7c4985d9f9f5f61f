//! Handing messages over, whatever takes them.

use std::fmt;

use async_trait::async_trait;
use lettre::Message;

/// A way out for messages.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Hands a message over, once. It answers when the mail system has said that it has the message, and not before.
    ///
    /// # Errors
    ///
    /// The message was not sent, or nobody knows: see [`NotSent`]. It is not tried again in here.
    async fn hand_over(&self, message: &Message) -> Result<HandedOver, NotSent>;
}

/// The mail system has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOver {
    /// What it said, on one line of at most 500 characters and without fragments of links: often the number under
    /// which its log has the message.
    pub words: String,
}

/// A message was not sent, as far as one can know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The mail system has not got it, and may take it later.
    #[error("not sent, try again later: {0}")]
    Transient(Failure),
    /// The mail system does not take it, however often it is asked.
    #[error("not sent: {0}")]
    Permanent(Failure),
    /// It was handed over, and the answer was lost: it may have been sent. Whoever tries again may send it twice.
    #[error("it may have been sent: {0}")]
    Unknown(Failure),
}

impl NotSent {
    /// What happened.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        let (Self::Transient(failure) | Self::Permanent(failure) | Self::Unknown(failure)) = self;
        failure
    }

    /// Tells whether the address is the reason for good: trying again, even with another message, does not help.
    #[must_use]
    pub fn is_about_the_address(&self) -> bool {
        matches!(self, Self::Permanent(failure) if failure.stage == Stage::Recipient)
    }
}

/// What happened, and how far the message had come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where it happened.
    pub stage: Stage,
    /// The mail system's code, where it has answered: 400 to 599.
    pub code: Option<u16>,
    /// The mail system's words or the error's, on one line of at most 500 characters. They may name the address. The
    /// fragment of a link is left out, because the code is in it.
    pub words: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.stage)?;
        if let Some(code) = self.code {
            write!(f, "{code} ")?;
        }
        f.write_str(&self.words)
    }
}

/// A step of handing over. Up to [`Stage::Login`] it is about the connection, so every message fails alike, and an
/// operator has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Reaching the mail system, or the folder.
    Connect,
    /// Its greeting.
    Greeting,
    /// Encryption.
    Tls,
    /// Signing in.
    Login,
    /// Naming the sender.
    Sender,
    /// Naming the recipient.
    Recipient,
    /// Announcing the message.
    Data,
    /// The message itself, and the answer to it.
    Content,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Greeting => "greeting",
            Self::Tls => "encryption",
            Self::Login => "signing in",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Data => "announcing the message",
            Self::Content => "message",
        })
    }
}
