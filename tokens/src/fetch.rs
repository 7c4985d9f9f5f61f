//! Fetching the public keys of an issuer: bounded in time and size, and only from where nobody else can answer.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use reqwest::{Client, Url, redirect::Policy};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::{io::AsyncReadExt, time::timeout};

use crate::{
    config::{ConfigError, Issuer, KeySource},
    error::FetchError,
};

/// Time in which keys have to be there, discovery included.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// Largest document that is read from an issuer, in bytes.
pub const MAX_DOCUMENT: usize = 256 * 1024;

const DISCOVERED: &str = "discovery document (JSON with `issuer` and `jwks_uri`)";
const KEY_SET: &str = "key set (JSON with a list `keys`)";

/// The place where an issuer's keys are.
pub(crate) enum Source {
    Discovery { issuer: String, client: Web },
    Address { address: String, client: Web },
    File(PathBuf),
}

/// Ways to ask: addresses of this machine are never asked through a proxy.
pub(crate) struct Web {
    outward: Client,
    loopback: Client,
}

#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Source {
    pub(crate) fn new(issuer: &Issuer) -> Result<Self, ConfigError> {
        Ok(match &issuer.keys {
            KeySource::File(file) => Self::File(file.clone()),
            KeySource::Discovery => {
                Self::Discovery { issuer: issuer.issuer.clone(), client: Web::new(issuer)? }
            }
            KeySource::JwksUri(address) => {
                Self::Address { address: address.clone(), client: Web::new(issuer)? }
            }
        })
    }

    /// The keys as they are published, each still to be read.
    pub(crate) async fn load(&self) -> Result<Vec<Value>, FetchError> {
        timeout(TIMEOUT, self.ask()).await.unwrap_or(Err(FetchError::TimedOut))
    }

    async fn ask(&self) -> Result<Vec<Value>, FetchError> {
        let set: KeySet = match self {
            Self::File(file) => {
                let place = file.display().to_string();
                parse(&place, &read(file).await?, KEY_SET)?
            }
            Self::Address { address, client } => client.get(address, KEY_SET).await?,
            Self::Discovery { issuer, client } => {
                let place = discovery(issuer);
                let found: Discovered = client.get(&place, DISCOVERED).await?;
                if found.issuer != *issuer {
                    return Err(FetchError::OtherIssuer(place));
                }
                if let Err(problem) = address(&found.jwks_uri) {
                    return Err(FetchError::Address { place, problem });
                }
                client.get(&found.jwks_uri, KEY_SET).await?
            }
        };
        Ok(set.keys)
    }
}

impl Web {
    fn new(issuer: &Issuer) -> Result<Self, ConfigError> {
        let wrong = |problem| ConfigError::Certificates { issuer: issuer.issuer.clone(), problem };
        let tls = tls(issuer.ca_file.as_deref()).map_err(wrong)?;
        let builder = || Client::builder().tls_backend_preconfigured(tls.clone()).redirect(Policy::none());
        let built = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| wrong(format!("TLS cannot be used: {error}")))
        };
        Ok(Self { outward: built(builder())?, loopback: built(builder().no_proxy())? })
    }

    async fn get<T: DeserializeOwned>(&self, place: &str, expected: &'static str) -> Result<T, FetchError> {
        let broken = |error: reqwest::Error| FetchError::Connection {
            address: place.to_owned(),
            cause: causes(&error.without_url()),
        };
        let url =
            address(place).map_err(|problem| FetchError::Address { place: place.to_owned(), problem })?;
        let client = if is_loopback(&url) { &self.loopback } else { &self.outward };
        let mut response =
            client.get(url).header("accept", "application/json").send().await.map_err(broken)?;
        if response.status() != 200 {
            let status = response.status().as_u16();
            return Err(FetchError::Status { address: place.to_owned(), status });
        }
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(broken)? {
            if body.len() + part.len() > MAX_DOCUMENT {
                return Err(FetchError::TooLong(place.to_owned()));
            }
            body.extend_from_slice(&part);
        }
        parse(place, &body, expected)
    }
}

/// An error of the client with what is behind it: alone it says "error sending request".
fn causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        next = cause.source();
    }
    words
}

fn parse<T: DeserializeOwned>(place: &str, text: &[u8], expected: &'static str) -> Result<T, FetchError> {
    serde_json::from_slice(text).map_err(|_| FetchError::Shape { place: place.to_owned(), expected })
}

async fn read(file: &Path) -> Result<Vec<u8>, FetchError> {
    let place = || file.display().to_string();
    let unreadable = |error: std::io::Error| FetchError::File { file: place(), cause: error.to_string() };
    let opened = tokio::fs::File::open(file).await.map_err(unreadable)?;
    let mut text = Vec::new();
    opened.take(MAX_DOCUMENT as u64 + 1).read_to_end(&mut text).await.map_err(unreadable)?;
    if text.len() > MAX_DOCUMENT { Err(FetchError::TooLong(place())) } else { Ok(text) }
}

/// Where an issuer describes itself.
pub(crate) fn discovery(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}

/// An address that keys may be fetched from, or what is wrong with it.
pub(crate) fn address(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is no address; write it as `https://id.example/realms/acme`")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a name or a password in it; keys are public, so leave it out");
    }
    if url.host_str().is_none() {
        return Err("names no host; write it as `https://id.example/realms/acme`");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err("is not `https`; `http` is for this machine only (`127.0.0.1`, `[::1]`, `localhost`)"),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || ip.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// Certificates that are believed: those of a file, or of this machine.
fn tls(file: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match file {
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Some(file) => {
            let name = file.display();
            let text = fs::read(file).map_err(|error| format!("`{name}` cannot be read: {error}"))?;
            for certificate in CertificateDer::pem_slice_iter(&text) {
                certificate
                    .map_err(|error| error.to_string())
                    .and_then(|one| roots.add(one).map_err(|error| error.to_string()))
                    .map_err(|error| format!("`{name}` has a certificate that cannot be used: {error}"))?;
            }
            if roots.is_empty() {
                return Err(format!("`{name}` has no certificates; `ca-file` is a file in PEM"));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be used: {error}"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
