//! Encryption of connections, as libpq's `sslmode` and `sslrootcert` ask for it.
//!
//! The driver knows `disable`, `prefer` and `require`; whose certificate is believed is decided here.

use std::{fmt, path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error;
use crate::StorageError;

/// Maker of connections: the driver's settings, and what encrypts it.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

impl fmt::Debug for Connector {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The settings hide their password themselves.
        to.debug_struct("Connector").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Values of `sslmode`, as libpq names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Mode {
    fn of(word: &str) -> Result<Self, StorageError> {
        Ok(match word {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => {
                return Err(invalid(
                    "`sslmode` in the URL of the database is none of `disable`, `prefer`, `require`, `verify-ca` \
                     and `verify-full`; over a network use `verify-full`",
                ));
            }
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// Parameters of the URL that the driver does not know.
#[derive(Debug, Default, PartialEq)]
struct Own {
    mode: Option<Mode>,
    root: Option<String>,
}

impl Connector {
    /// Reads a URL. No error repeats it, so that no password is shown.
    pub(super) fn of(url: &str) -> Result<Self, StorageError> {
        let (rest, own) = split(url)?;
        let mut config: Config = rest.parse().map_err(|error| {
            invalid(format!("the URL of the database cannot be read: {}", error::text(&error)))
        })?;
        let is_local = |host: &Host| matches!(host, Host::Unix(_));
        // As libpq does: what stays on this machine is not encrypted.
        let is_local = config.get_hostaddrs().is_empty() && config.get_hosts().iter().all(is_local);
        let mode = if is_local { Mode::Disable } else { own.mode.unwrap_or(Mode::Prefer) };
        config.ssl_mode(match mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        });
        Ok(Self { tls: MakeRustlsConnect::new(client(mode, own.root.as_deref())?), config })
    }

    /// Text for operators about a connection that could not be made.
    pub(super) fn text(&self, error: &tokio_postgres::Error) -> String {
        let text = error::text(error);
        let advice = if text.contains("server does not support TLS") {
            "switch it on there (`ssl = on`), or say `sslmode=disable` where nobody else can listen"
        } else {
            let mut source = std::error::Error::source(error);
            let mut found = None;
            while let Some(cause) = source {
                let of_tls = cause.downcast_ref::<TlsError>().or_else(|| {
                    cause.downcast_ref::<std::io::Error>()?.get_ref()?.downcast_ref::<TlsError>()
                });
                if let Some(TlsError::InvalidCertificate(error)) = of_tls {
                    found = Some(advice(error));
                    break;
                }
                source = cause.source();
            }
            match found {
                Some(advice) => return format!("the server's certificate is not believed: {advice}"),
                None => return text,
            }
        };
        format!("{text}; {advice}")
    }
}

/// Advice about a certificate that is not believed, without a word of it.
fn advice(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it was made for another host name; write the name of the server's certificate as the host of the URL, \
             and its address as `hostaddr`"
        }
        // The other: somebody of the same name has signed it, with another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "nobody who is believed has signed it; name the certificate of who did as `sslrootcert=FILE`"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired; give the server a new one"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet; compare the clocks of both machines"
        }
        _ => {
            "it is damaged, revoked, or of a kind that is not known here; look at it with `openssl x509 -text`"
        }
    }
}

fn invalid(text: impl Into<String>) -> StorageError {
    StorageError::Invalid(text.into())
}

/// Takes out of a URL what the driver does not know.
fn split(url: &str) -> Result<(String, Own), StorageError> {
    let mut own = Own::default();
    let Some((front, query)) = url.split_once('?') else { return Ok((url.to_owned(), own)) };
    let mut rest = Vec::new();
    for parameter in query.split('&') {
        match parameter.split_once('=') {
            Some(("sslmode", word)) => own.mode = Some(Mode::of(word)?),
            Some(("sslrootcert", file)) => own.root = Some(decoded(file)?),
            _ => rest.push(parameter),
        }
    }
    let rest = if rest.is_empty() { front.to_owned() } else { format!("{front}?{}", rest.join("&")) };
    Ok((rest, own))
}

/// The text of a part of a URL.
fn decoded(part: &str) -> Result<String, StorageError> {
    let wrong =
        || invalid("`sslrootcert` in the URL of the database has a `%` that is followed by no two digits");
    let mut bytes = Vec::new();
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).ok_or_else(wrong);
        let code = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(code).unwrap_or_default());
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

fn client(mode: Mode, root: Option<&str>) -> Result<ClientConfig, StorageError> {
    let provider = Arc::new(ring::default_provider());
    let refused = |error: TlsError| StorageError::Database(format!("TLS cannot be used: {error}"));
    let verifier: Arc<dyn ServerCertVerifier> = match (mode, root) {
        (Mode::Disable | Mode::Prefer, _) | (Mode::Require, None) => Arc::new(Anybody(provider.clone())),
        // As libpq does, for the sake of those who have a root and never heard of the other modes.
        (Mode::Require | Mode::VerifyCa, root) => {
            Arc::new(Signed { roots: roots(mode, root)?, provider: provider.clone() })
        }
        (Mode::VerifyFull, root) => {
            let roots = Arc::new(roots(mode, root)?);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build();
            verifier.map_err(|error| StorageError::Database(format!("TLS cannot be used: {error}")))?
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

/// Certificates that are believed: those of a file, or of this machine's system.
fn roots(mode: Mode, file: Option<&str>) -> Result<RootCertStore, StorageError> {
    let mut roots = RootCertStore::empty();
    let Some(file) = file.filter(|file| *file != "system") else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(invalid(format!(
                "`sslmode={}` needs certificates to believe, and this machine has none; install them \
                 (`ca-certificates`), or name a file as `sslrootcert=FILE`",
                mode.name()
            )));
        }
        return Ok(roots);
    };
    let unread = |error: &dyn fmt::Display| {
        invalid(format!("`sslrootcert` names `{file}`, which cannot be read as PEM certificates: {error}"))
    };
    let certificates = CertificateDer::pem_file_iter(Path::new(file)).map_err(|error| unread(&error))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unread(&error))?;
        roots.add(certificate).map_err(|error| unread(&error))?;
    }
    if roots.is_empty() {
        return Err(unread(&"there is none in it"));
    }
    Ok(roots)
}

/// Believes any certificate. Who listens learns nothing; who stands in between learns everything.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

/// Believes a certificate that somebody has signed who is believed, whatever name it has.
#[derive(Debug)]
struct Signed {
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
}

/// Signatures of the handshake are checked in any case: whoever answers has the key of the certificate.
macro_rules! signatures {
    ($provider:ident) => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, TlsError> {
            let known = &self.$provider().signature_verification_algorithms;
            verify_tls12_signature(message, certificate, signature, known)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, TlsError> {
            let known = &self.$provider().signature_verification_algorithms;
            verify_tls13_signature(message, certificate, signature, known)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.$provider().signature_verification_algorithms.supported_schemes()
        }
    };
}

impl Anybody {
    fn provider(&self) -> &CryptoProvider {
        &self.0
    }
}

impl Signed {
    fn provider(&self) -> &CryptoProvider {
        &self.provider
    }
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    signatures!(provider);
}

impl ServerCertVerifier for Signed {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let certificate = ParsedCertificate::try_from(certificate)?;
        let known = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, known)?;
        Ok(ServerCertVerified::assertion())
    }

    signatures!(provider);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn what_the_driver_does_not_know_is_taken_out_of_the_url() {
        for (url, rest, mode, root) in [
            ("postgres://u@h/d", "postgres://u@h/d", None, None),
            ("postgres://u@h/d?sslmode=verify-full", "postgres://u@h/d", Some(Mode::VerifyFull), None),
            (
                "postgres://u@h/d?a=b&sslrootcert=/my%20own/root.pem&sslmode=verify-ca&c=d",
                "postgres://u@h/d?a=b&c=d",
                Some(Mode::VerifyCa),
                Some("/my own/root.pem"),
            ),
        ] {
            let (found, own) = split(url).unwrap();
            assert_eq!((found.as_str(), own.mode, own.root.as_deref()), (rest, mode, root), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_is_told_without_the_url() {
        for url in [
            "postgres://u:secret@h/d?sslmode=verify",
            "postgres://u:secret@h/d?sslmode=verify-full&sslrootcert=%zz",
            "postgres://u:secret@h/d?sslmode=verify-full&sslrootcert=/no/such/file",
            "postgres://u:secret@h/d?sslmode=require&port=x",
        ] {
            let told = Connector::of(url).unwrap_err().to_string();
            assert!(!told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn what_stays_on_this_machine_is_not_encrypted() {
        for (url, mode) in [
            ("postgres://u@/d?host=/run/postgresql&sslmode=require", SslMode::Disable),
            ("postgres://u@h/d?sslmode=require", SslMode::Require),
            ("postgres://u@h/d", SslMode::Prefer),
        ] {
            assert_eq!(Connector::of(url).unwrap().config.get_ssl_mode(), mode, "{url}");
        }
    }
}
