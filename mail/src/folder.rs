//! A folder of messages, for development.

use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use lettre::Message;
use mail_parser::{Address, MessageParser};
use tokio::fs;

use crate::{Failure, HandedOver, NotSent, Stage, Transport, names};

/// A transport that keeps each message as a file, for development: nobody gets anything. Whoever may read the
/// folder can accept the invitations in it, so its files are for their owner only.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    next: AtomicU64,
}

/// A message in a [`Folder`]. It has no `Debug`, because codes are in the links.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its file, `.eml`.
    pub path: PathBuf,
    /// Its subject.
    pub subject: String,
    /// The address that it is to.
    pub to: String,
    /// The links that stand alone on a line of its text, in their order.
    pub links: Vec<String>,
}

impl Folder {
    /// Opens a folder, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// It cannot be made, or is no folder.
    pub async fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref().to_owned();
        let mut maker = fs::DirBuilder::new();
        maker.recursive(true);
        #[cfg(unix)]
        maker.mode(0o700);
        maker.create(&path).await?;
        Ok(Self { path, next: AtomicU64::new(0) })
    }

    /// Lists the messages, the newest first.
    ///
    /// # Errors
    ///
    /// The folder or one of its files cannot be read. A file that is no message is listed with an empty subject.
    pub async fn list(&self) -> io::Result<Vec<Kept>> {
        let mut paths = Vec::new();
        let mut entries = fs::read_dir(&self.path).await?;
        while let Some(entry) = entries.next_entry().await? {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "eml") {
                paths.push(path);
            }
        }
        paths.sort_unstable_by(|one, other| other.cmp(one));
        let mut messages = Vec::with_capacity(paths.len());
        for path in paths {
            match fs::read(&path).await {
                Ok(bytes) => messages.push(kept(path, &bytes)),
                // Somebody has tidied up meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(messages)
    }

    /// Writes a file that is whole or not there.
    async fn keep(&self, bytes: &[u8]) -> io::Result<PathBuf> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        options.mode(0o600);
        loop {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = self.path.join(format!("{now:017}-{number:06}.eml"));
            let unfinished = path.with_extension("part");
            let mut file = match options.open(&unfinished).await {
                // Another process writes here as well.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            tokio::io::AsyncWriteExt::write_all(&mut file, bytes).await?;
            file.sync_all().await?;
            fs::rename(&unfinished, &path).await?;
            return Ok(path);
        }
    }
}

#[async_trait]
impl Transport for Folder {
    async fn hand_over(&self, message: &Message) -> Result<HandedOver, NotSent> {
        match self.keep(&message.formatted()).await {
            Ok(path) => Ok(HandedOver { words: names::one_line(&path.display().to_string(), names::REASON) }),
            Err(error) => Err(NotSent::Transient(Failure {
                stage: Stage::Connect,
                code: None,
                words: names::one_line(&format!("{}: {error}", self.path.display()), names::REASON),
            })),
        }
    }
}

fn kept(path: PathBuf, bytes: &[u8]) -> Kept {
    let Some(message) = MessageParser::default().parse(bytes) else {
        return Kept { path, subject: String::new(), to: String::new(), links: Vec::new() };
    };
    let to = message.to().and_then(Address::first).and_then(|to| to.address()).unwrap_or_default();
    let text = message.body_text(0).unwrap_or_default();
    let is_link = |line: &&str| line.starts_with("https://") || line.starts_with("http://");
    Kept {
        path,
        subject: message.subject().unwrap_or_default().to_owned(),
        to: to.to_owned(),
        links: text.lines().map(str::trim).filter(is_link).map(str::to_owned).collect(),
    }
}
