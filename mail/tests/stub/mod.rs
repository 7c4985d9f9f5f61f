//! A mail system that does what a test asks for, on a port of its own.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// What it does when it is asked something.
#[derive(Clone, Copy)]
pub enum Act {
    /// Answers, each line as it is written.
    Say(&'static str),
    /// The same, a byte at a time, and somebody else is served after each.
    Slowly(&'static str),
    /// Says nothing, and keeps the connection.
    Hang,
    /// Closes the connection.
    Drop,
    /// Answers, and closes the connection.
    Last(&'static str),
}

/// When a connection is encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    Never,
    OnDemand,
    FromTheStart,
    /// Somebody on the way has added answers to the one to `STARTTLS`.
    Injected(&'static str),
}

/// Whatever deviates from a mail system that takes everything: by the first word of the command, by `greeting`, and
/// by `.` for the end of the message. An act is done once; then it takes what is asked.
#[derive(Clone)]
pub struct Script {
    pub tls: Tls,
    /// What it offers besides.
    pub offers: &'static [&'static str],
    pub acts: Vec<(&'static str, Act)>,
    /// The name of its certificate.
    pub name: &'static str,
}

impl Default for Script {
    fn default() -> Self {
        Self { tls: Tls::OnDemand, offers: &["8BITMIME"], acts: Vec::new(), name: "localhost" }
    }
}

/// What it has heard.
#[derive(Default)]
pub struct Heard {
    pub connections: usize,
    /// Commands of all connections, with a star before those that came encrypted.
    pub commands: Vec<String>,
    /// Messages that it got whole, whatever it said then.
    pub messages: Vec<String>,
}

pub struct Stub {
    pub address: SocketAddr,
    pub heard: Arc<Mutex<Heard>>,
    folder: TempDir,
}

struct Place {
    script: Script,
    acts: Mutex<Vec<(&'static str, Act)>>,
    heard: Arc<Mutex<Heard>>,
    tls: TlsAcceptor,
}

impl Stub {
    pub async fn start(script: Script) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tls = certified(folder.path(), script.name);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let acts = Mutex::new(script.acts.clone());
        let place = Arc::new(Place { script, acts, heard: heard.clone(), tls });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                place.heard.lock().unwrap().connections += 1;
                tokio::spawn(serve(place.clone(), stream));
            }
        });
        Self { address, heard, folder }
    }

    /// The certificate of who has signed its own.
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub fn commands(&self) -> Vec<String> {
        self.heard.lock().unwrap().commands.clone()
    }

    pub fn messages(&self) -> Vec<String> {
        self.heard.lock().unwrap().messages.clone()
    }

    pub fn connections(&self) -> usize {
        self.heard.lock().unwrap().connections
    }
}

/// A certificate for a name, and that of its issuer as a file.
fn certified(folder: &Path, name: &str) -> TlsAcceptor {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(folder.join("ca.pem"), issuer.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let certificate = CertificateDer::from(own.der().to_vec());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(place: Arc<Place>, stream: TcpStream) {
    if place.script.tls == Tls::FromTheStart {
        if let Ok(stream) = place.tls.accept(stream).await {
            talk(&place, stream, true, true).await;
        }
        return;
    }
    let Some(stream) = talk(&place, stream, true, false).await else { return };
    // A client that does not believe the certificate hangs up.
    if let Ok(stream) = place.tls.accept(stream).await {
        talk(&place, stream, false, true).await;
    }
}

/// Talks until the connection ends or is to be encrypted.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    place: &Place,
    stream: S,
    greets: bool,
    is_encrypted: bool,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    if greets {
        place.act(&mut stream, "greeting", "220 stub ESMTP").await?;
    }
    loop {
        let line = read(&mut stream).await?;
        let star = if is_encrypted { "*" } else { "" };
        place.heard.lock().unwrap().commands.push(format!("{star}{line}"));
        let verb = line.split(' ').next().unwrap().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => {
                let mut offers = vec!["stub"];
                offers.extend(place.script.offers);
                if !is_encrypted && place.script.tls != Tls::Never {
                    offers.push("STARTTLS");
                }
                let last = offers.pop().unwrap();
                let lines: String = offers.iter().map(|offer| format!("250-{offer}\r\n")).collect();
                place.act(&mut stream, "EHLO", &format!("{lines}250 {last}")).await?;
            }
            "STARTTLS" => {
                let added = if let Tls::Injected(added) = place.script.tls { added } else { "" };
                say(&mut stream, &format!("220 go ahead\r\n{added}")).await?;
                return Some(stream.into_inner());
            }
            "AUTH" => place.act(&mut stream, "AUTH", "235 welcome").await.map(drop)?,
            "DATA" => {
                if place.act(&mut stream, "DATA", "354 go on").await?.starts_with("354") {
                    let mut message = String::new();
                    loop {
                        let line = read(&mut stream).await?;
                        if line == "." {
                            break;
                        }
                        message.push_str(line.strip_prefix('.').unwrap_or(&line));
                        message.push_str("\r\n");
                    }
                    place.heard.lock().unwrap().messages.push(message);
                    place.act(&mut stream, ".", "250 queued as 4711").await?;
                }
            }
            "QUIT" => {
                say(&mut stream, "221 bye\r\n").await?;
                return None;
            }
            other => place.act(&mut stream, other, "250 fine").await.map(drop)?,
        }
    }
}

async fn read(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut line = String::new();
    let count = stream.read_line(&mut line).await.ok()?;
    (count > 0).then(|| line.trim_end().to_owned())
}

async fn say(stream: &mut (impl AsyncWriteExt + Unpin), text: &str) -> Option<()> {
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

impl Place {
    /// Does what the script has for this, or answers otherwise. The answer, unless the connection ended.
    async fn act<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufReader<S>,
        what: &str,
        otherwise: &str,
    ) -> Option<String> {
        let act = {
            let mut acts = self.acts.lock().unwrap();
            let at = acts.iter().position(|(on, _)| *on == what);
            at.map(|at| acts.remove(at).1)
        };
        match act {
            None => {
                say(stream, &format!("{otherwise}\r\n")).await?;
                Some(otherwise.to_owned())
            }
            Some(Act::Say(text)) => {
                say(stream, &format!("{text}\r\n")).await?;
                Some(text.to_owned())
            }
            Some(Act::Slowly(text)) => {
                for byte in format!("{text}\r\n").bytes() {
                    stream.write_all(&[byte]).await.ok()?;
                    stream.flush().await.ok()?;
                    tokio::task::yield_now().await;
                }
                Some(text.to_owned())
            }
            Some(Act::Hang) => {
                while read(stream).await.is_some() {}
                None
            }
            Some(Act::Drop) => None,
            Some(Act::Last(text)) => {
                say(stream, &format!("{text}\r\n")).await?;
                None
            }
        }
    }
}
