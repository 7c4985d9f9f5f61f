//! Listens, with TLS and without.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use axum_server::{Handle, tls_rustls::RustlsConfig};
use guestlist_documents::files;
use hyper_util::rt::TokioTimer;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

/// The longest time for the head of a request.
const HEAD: Duration = Duration::from_secs(15);

/// The longest head of a request, in bytes.
const HEAD_BYTES: usize = 64 << 10;

/// The longest file with a certificate or key, in bytes.
const LONGEST: u64 = 1 << 20;

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Somebody else listens there, say.
    #[error("`{address}` cannot be listened on: {error}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// The reason.
        error: io::Error,
    },
    /// A certificate or key cannot be read.
    #[error("`{}` cannot be read: {error}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// A certificate or key is none.
    #[error("the certificate and key of `listen.https` cannot be used: {0}")]
    Certificate(String),
}

/// A certificate and its key, in PEM.
pub struct Identity {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Identity {
    /// Reads both from files.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, ListenError> {
        let read = |file: &Path| {
            files::read(file, LONGEST)
                .map_err(|error| ListenError::Unreadable { file: file.to_owned(), error })
        };
        Ok(Self { certificate: read(certificate)?, key: read(key)? })
    }

    /// Makes one for the loopback, for as long as the process runs.
    pub fn made() -> Result<Self, ListenError> {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names)
            .map_err(|error| ListenError::Certificate(error.to_string()))?;
        Ok(Self {
            certificate: made.cert.pem().into_bytes(),
            key: made.signing_key.serialize_pem().into_bytes(),
        })
    }

    fn config(&self) -> Result<RustlsConfig, ListenError> {
        let wrong = |error: &dyn std::fmt::Display| ListenError::Certificate(error.to_string());
        let chain = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| wrong(&error))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| wrong(&error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| wrong(&error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(RustlsConfig::from_config(Arc::new(config)))
    }
}

/// A listener that has an address.
pub struct Bound {
    listener: TcpListener,
    /// Its address, with the port that it got.
    pub address: SocketAddr,
}

/// Takes an address, so that whoever starts a server knows at once that it can be reached.
pub fn bind(address: SocketAddr) -> Result<Bound, ListenError> {
    let failed = |error| ListenError::Address { address, error };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Bound { listener, address })
}

/// Serves until the handle says stop.
pub async fn serve(
    bound: Bound,
    identity: Option<&Identity>,
    router: Router,
    handle: Handle<SocketAddr>,
) -> Result<impl Future<Output = ()> + Send + 'static, ListenError> {
    let Bound { listener, address } = bound;
    let failed = move |error: io::Error| tracing::error!(%address, %error, "the listener has ended");
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let unusable = |error| ListenError::Address { address, error };
    let tls = identity.map(Identity::config).transpose()?;
    let plain = axum_server::from_tcp(listener).map_err(unusable)?.handle(handle);
    Ok(async move {
        let ended = match tls {
            Some(tls) => {
                let mut server = plain.acceptor(axum_server::tls_rustls::RustlsAcceptor::new(tls));
                bounded(server.http_builder());
                server.serve(service).await
            }
            None => {
                let mut server = plain;
                bounded(server.http_builder());
                server.serve(service).await
            }
        };
        ended.unwrap_or_else(failed);
    })
}

fn bounded<E>(builder: &mut hyper_util::server::conn::auto::Builder<E>) {
    let mut http = builder.http1();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES);
}
