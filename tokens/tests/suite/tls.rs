use std::{fs, sync::Arc};

use guestlist_tokens::{FetchError, Issuer, Issuers, KeySource, Reason};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

use crate::{
    issuer::{NOW, Server, judged},
    signer::Signer,
};

#[tokio::test]
async fn an_issuer_is_believed_by_its_certificate() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::at(format!("https://{}", listener.local_addr().unwrap()));
    let (own, acceptor) = (server.clone(), TlsAcceptor::from(Arc::new(config)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                own.serve(stream).await;
            }
        }
    });
    let signer = Signer::new("ES256", "k1");
    server.publish(&[&signer]);
    let token = signer.token(&server.claims());

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, cert.pem()).unwrap();
    let with = |ca_file| {
        Issuers::new(vec![Issuer { ca_file, keys: KeySource::Discovery, ..server.issuer() }]).unwrap()
    };
    assert!(judged(&with(Some(file.clone())), &token, NOW).await.is_ok());

    // Neither the machine nor another authority knows it.
    let other = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap().cert.pem();
    fs::write(&file, other).unwrap();
    for issuers in [with(None), with(Some(file))] {
        let error = judged(&issuers, &token, NOW).await.unwrap_err();
        assert!(matches!(error, Reason::Unavailable(FetchError::Connection { .. })), "{error:?}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    assert_eq!(server.asked(), 1);
}
