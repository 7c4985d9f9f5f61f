//! Where the mail system is, and how to talk to it.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;

/// Where the mail system is, and how to talk to it. It has no `Debug`, because a password is in it.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Its host, by the name that its certificate has.
    pub host: String,
    /// Its port; absent: 587 for STARTTLS, 465 for TLS from the start, 25 without encryption.
    pub port: Option<u16>,
    /// How the connection is encrypted.
    pub encryption: Encryption,
    /// A file of PEM certificates that are believed, instead of those of this machine.
    pub ca: Option<PathBuf>,
    /// How to sign in, where the mail system asks for it. Never done on a connection that is not encrypted.
    pub login: Option<Login>,
    /// The name by which this server introduces itself; absent: `[127.0.0.1]`, which many mail systems do not mind.
    pub hello: Option<String>,
    /// Time for the connection and its encryption.
    pub connect_within: Duration,
    /// Time for each answer.
    pub answer_within: Duration,
    /// Time for the answer to the message itself, which mail systems look into before they take it. What takes longer
    /// is [`Unknown`](crate::NotSent::Unknown), so it is long.
    pub take_within: Duration,
    /// Most connections at once; at least one.
    pub connections: usize,
    /// An unused connection is closed after this time. Shorter than the mail system's own patience, which is often
    /// five minutes.
    pub idle: Duration,
}

impl SmtpSettings {
    /// STARTTLS on port 587, no login, ten seconds to connect, 30 for an answer, five minutes for the message, four
    /// connections that are closed after a minute.
    #[must_use]
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: None,
            encryption: Encryption::StartTls,
            ca: None,
            login: None,
            hello: None,
            connect_within: Duration::from_secs(10),
            answer_within: Duration::from_secs(30),
            take_within: Duration::from_mins(5),
            connections: 4,
            idle: Duration::from_mins(1),
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port.unwrap_or(match self.encryption {
            Encryption::StartTls => 587,
            Encryption::Tls => 465,
            Encryption::None => 25,
        })
    }
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// From the answer to `STARTTLS` on. A mail system that does not offer it gets nothing.
    #[default]
    StartTls,
    /// From the start.
    Tls,
    /// Not at all: for a mail system on the same machine. Whoever listens on the way can accept the invitations.
    None,
}

/// How to sign in. It has no `Debug`, because it is a secret.
#[derive(Clone)]
pub enum Login {
    /// By a password.
    Password {
        /// The account.
        user: String,
        /// Its password.
        password: String,
    },
    /// By an access token (`XOAUTH2`).
    Xoauth2 {
        /// The account.
        user: String,
        /// Where tokens come from.
        tokens: Arc<dyn AccessTokens>,
    },
}

/// Gives access tokens, which expire: asked before each sign-in.
#[async_trait]
pub trait AccessTokens: Send + Sync {
    /// Gets a token that is valid now.
    ///
    /// # Errors
    ///
    /// There is none at the moment. The text is for operators, and has no secret in it.
    async fn token(&self) -> Result<String, String>;
}

/// Settings that nothing can be sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSettings(pub(super) String);

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidSettings {}
