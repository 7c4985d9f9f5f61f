//! The way out for e-mails that the configuration asks for.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use guestlist_documents::files;
use guestlist_mail::{
    AccessTokens, Encryption, Folder, InvalidSettings, Kind, Language, Letter, Login, NotComposed, NotSent,
    Sender, Smtp, SmtpSettings, Transport, compose,
};
use url::Url;

use crate::config::{Config, Mail, MailTls};

/// E-mails cannot be sent so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The mailbox of files, or a file with a secret, cannot be used.
    #[error("`{}` cannot be used: {error}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// The settings of the mail server contradict each other.
    #[error("`mail`: {0}")]
    Settings(#[from] InvalidSettings),
    /// The sender is no address.
    #[error("`mail.from`: {0}")]
    Sender(#[from] NotComposed),
    /// There is no way out.
    #[error("`mail` names neither `host` nor `folder`")]
    Nowhere,
}

/// The longest secret in a file, in bytes.
const LONGEST: u64 = 64 << 10;

/// A secret in a file: its first line.
fn secret(path: &Path) -> Result<String, TransportError> {
    let text = files::read_text(path, LONGEST)
        .map_err(|error| TransportError::File { path: path.to_owned(), error })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// A token that somebody renews in a file.
struct InFile(PathBuf);

#[async_trait::async_trait]
impl AccessTokens for InFile {
    async fn token(&self) -> Result<String, String> {
        secret(&self.0).map_err(|error| error.to_string())
    }
}

/// The way out that the configuration asks for.
pub async fn of(mail: &Mail) -> Result<Arc<dyn Transport>, TransportError> {
    if let Some(host) = &mail.host {
        let mut settings = SmtpSettings::new(host.clone());
        settings.port = mail.port;
        settings.encryption = match mail.tls {
            MailTls::Starttls => Encryption::StartTls,
            MailTls::Implicit => Encryption::Tls,
            MailTls::None => Encryption::None,
        };
        settings.ca.clone_from(&mail.ca_file);
        settings.connections = mail.connections;
        settings.login = match (&mail.user, &mail.password_file, &mail.token_file) {
            (Some(user), Some(file), _) => {
                Some(Login::Password { user: user.clone(), password: secret(file)? })
            }
            (Some(user), None, Some(file)) => {
                Some(Login::Xoauth2 { user: user.clone(), tokens: Arc::new(InFile(file.clone())) })
            }
            _ => None,
        };
        return Ok(Arc::new(Smtp::new(settings)?));
    }
    let folder = mail.folder.as_ref().ok_or(TransportError::Nowhere)?;
    let opened = Folder::open(folder).await;
    Ok(Arc::new(opened.map_err(|error| TransportError::File { path: folder.clone(), error })?))
}

/// The sender of all e-mails: the server, by its name.
pub fn sender(mail: &Mail, public: &Url) -> Result<Sender, TransportError> {
    Ok(Sender::new(&mail.name, mail.from.as_deref().unwrap_or_default(), public.domain())?)
}

/// The reason why an e-mail was not sent to try it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailTestError {
    /// The configuration says too little.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// It cannot be written.
    #[error(transparent)]
    Letter(#[from] NotComposed),
    /// The mail system did not take it.
    #[error(transparent)]
    NotSent(#[from] NotSent),
}

/// Sends an e-mail as the configuration says; answers with the words of the mail system.
///
/// # Errors
/// It was not sent.
pub async fn test_mail(config: &Config, address: &str) -> Result<String, MailTestError> {
    let public = config.public_url.clone().ok_or(TransportError::Nowhere)?;
    let sender = sender(&config.mail, &public)?;
    let letter = Letter {
        link: Some(public.to_string()),
        ..Letter::new(Kind::Reminder, address, config.mail.name.clone(), config.mail.name.clone())
    };
    let message = compose(&letter, Language::English, &sender)?;
    Ok(of(&config.mail).await?.hand_over(&message).await?.words)
}
