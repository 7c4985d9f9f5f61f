//! Handing messages to a mail system by SMTP.

mod connection;
mod failure;
mod line;
mod settings;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use async_trait::async_trait;
use lettre::{
    Message,
    transport::smtp::{
        authentication::Mechanism,
        client::{Certificate, CertificateStore, TlsParameters},
        extension::ClientId,
    },
};
use tokio::sync::Semaphore;

use self::connection::Connection;
pub use self::settings::{AccessTokens, Encryption, InvalidSettings, Login, SmtpSettings};
use crate::{HandedOver, NotSent, Stage, Transport};

/// A mail system that is reached by SMTP. It keeps a few connections open; cloning is done by an `Arc` around it.
pub struct Smtp {
    settings: SmtpSettings,
    hello: ClientId,
    /// Absent where nothing is encrypted.
    tls: Option<TlsParameters>,
    /// As many as there may be connections.
    places: Semaphore,
    idle: Mutex<Vec<(Connection, Instant)>>,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp").field("host", &self.settings.host).finish_non_exhaustive()
    }
}

impl Smtp {
    /// Reads the certificates and checks the settings. It connects to nothing yet.
    ///
    /// # Errors
    ///
    /// Nothing could ever be sent with these settings.
    pub fn new(settings: SmtpSettings) -> Result<Self, InvalidSettings> {
        if settings.login.is_some() && settings.encryption == Encryption::None {
            return Err(InvalidSettings(
                "signing in needs an encrypted connection: choose STARTTLS or TLS, or leave out the login"
                    .to_owned(),
            ));
        }
        if settings.connections == 0 {
            return Err(InvalidSettings("no connection is allowed; at least one is needed".to_owned()));
        }
        let is_host = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b':'))
        };
        if !is_host(&settings.host) {
            return Err(InvalidSettings(format!(
                "`{}` is not the name or address of a host; write it without scheme and port",
                crate::names::one_line(&settings.host, crate::names::NAME)
            )));
        }
        let hello = match &settings.hello {
            Some(name) if !is_host(name) => {
                return Err(InvalidSettings(format!(
                    "`{}` is not a name to introduce this server by; write its host name",
                    crate::names::one_line(name, crate::names::NAME)
                )));
            }
            Some(name) => ClientId::Domain(name.clone()),
            None => ClientId::default(),
        };
        let tls = match settings.encryption {
            Encryption::None => None,
            Encryption::StartTls | Encryption::Tls => Some(tls(&settings)?),
        };
        let places = Semaphore::new(settings.connections.min(Semaphore::MAX_PERMITS));
        Ok(Self { settings, hello, tls, places, idle: Mutex::new(Vec::new()) })
    }

    /// Tries whether the mail system can be reached and lets this server in, without sending anything: for the check
    /// at the start.
    ///
    /// # Errors
    ///
    /// It cannot, or it does not; the failure says where it stopped.
    pub async fn check(&self) -> Result<(), NotSent> {
        let _place = self.places.acquire().await;
        let connection = self.connection().await?;
        self.keep(connection);
        Ok(())
    }

    /// A connection that is ready for a message: one that is open, or a new one.
    async fn connection(&self) -> Result<Connection, NotSent> {
        loop {
            let Some((mut connection, since)) = self.idle().pop() else { break };
            if since.elapsed() < self.settings.idle && connection.is_alive(&self.settings).await {
                return Ok(connection);
            }
        }
        let mut connection = Connection::open(&self.settings, &self.hello, self.tls.as_ref()).await?;
        match &self.settings.login {
            None => {}
            Some(Login::Password { user, password }) => {
                let mechanisms = [Mechanism::Plain, Mechanism::Login];
                connection.login(&self.settings, &mechanisms, user, password).await?;
            }
            Some(Login::Xoauth2 { user, tokens }) => {
                let token = tokens.token().await.map_err(|why| failure::before(Stage::Login, &why))?;
                connection.login(&self.settings, &[Mechanism::Xoauth2], user, &token).await?;
            }
        }
        Ok(connection)
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle();
        // The one that waited longest is not waited for again.
        idle.retain(|(_, since)| since.elapsed() < self.settings.idle);
        idle.push((connection, Instant::now()));
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Connection, Instant)>> {
        // Nothing can be half done under this lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for Smtp {
    /// A connection whose answers are in doubt is closed, and so is that of a call that was dropped.
    async fn hand_over(&self, message: &Message) -> Result<HandedOver, NotSent> {
        // It is never closed, so it always opens.
        let _place = self.places.acquire().await;
        let mut connection = self.connection().await?;
        let result = connection.send(&self.settings, message).await;
        if result.is_ok() || connection.begin_anew(&self.settings).await {
            self.keep(connection);
        }
        result
    }
}

fn tls(settings: &SmtpSettings) -> Result<TlsParameters, InvalidSettings> {
    let refused =
        |error: lettre::transport::smtp::Error| InvalidSettings(format!("TLS cannot be used: {error}"));
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(file) = &settings.ca {
        let unread = |why: &dyn std::fmt::Display| {
            InvalidSettings(format!("the certificates in `{}` cannot be read: {why}", file.display()))
        };
        let pem = std::fs::read(file).map_err(|error| unread(&error))?;
        if !pem.windows(27).any(|part| part == b"-----BEGIN CERTIFICATE-----") {
            return Err(unread(&"there is none in it; PEM is needed"));
        }
        let certificates = Certificate::from_pem(&pem).map_err(|error| unread(&error))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificates);
    }
    builder.build().map_err(refused)
}
