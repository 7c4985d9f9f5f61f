//! Encrypted connections, with a server that listens on this machine and certificates of the tests' own.

use std::fs;

use guestlist_durability::server::{Fresh, Server};
use guestlist_storage::{Database, StorageError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::support::{impatient, owner};

const NAME: &str = "db.canary.example";

/// An authority, and a server with a certificate of it.
struct Place {
    server: Server,
    folder: TempDir,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

impl Place {
    fn new() -> Self {
        let (own, other) = (authority(), authority());
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &own).unwrap();
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("own.pem"), own.pem()).unwrap();
        fs::write(folder.path().join("other.pem"), other.pem()).unwrap();
        let server = Server::start_listening(Some((&certificate.pem(), &key.serialize_pem()))).unwrap();
        Self { server, folder }
    }

    fn root(&self, name: &str) -> String {
        format!("&sslrootcert={}", self.folder.path().join(name).display())
    }
}

/// Over the network, to a host of this name.
fn url(server: &Server, fresh: &Fresh<'_>, host: &str, more: &str) -> String {
    let port = server.port().unwrap();
    format!("postgres://postgres@{host}:{port}/{}?hostaddr=127.0.0.1{more}", fresh.name)
}

/// Tells whether the connections of a database's host are encrypted.
async fn encrypted(fresh: &Fresh<'_>, url: &str) -> Result<bool, StorageError> {
    let database = Database::open(url, impatient()).await?;
    database.check().await?;
    let found = "select bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid) \
                 where application_name = 'guestlist' and datname = current_database()";
    Ok(owner(fresh).await.query_one(found, &[]).await.unwrap().get(0))
}

async fn refused(url: &str) -> String {
    Database::open(url, impatient()).await.expect_err(url).to_string()
}

#[tokio::test]
async fn tls_connections_are_encrypted_and_who_answers_is_checked() {
    let place = Place::new();
    let fresh = place.server.fresh().await.unwrap();
    let url = |host: &str, more: &str| url(&place.server, &fresh, host, more);
    let (own, other) = (place.root("own.pem"), place.root("other.pem"));
    for (host, more, is_encrypted) in [
        (NAME, "", true),
        (NAME, "&sslmode=disable", false),
        (NAME, "&sslmode=prefer", true),
        ("another.example", "&sslmode=require", true),
        ("another.example", &format!("&sslmode=require{own}"), true),
        ("another.example", &format!("&sslmode=verify-ca{own}"), true),
        (NAME, &format!("&sslmode=verify-full{own}"), true),
    ] {
        assert_eq!(encrypted(&fresh, &url(host, more)).await.unwrap(), is_encrypted, "{host} {more}");
    }
    for (host, more, said) in [
        (
            NAME,
            format!("&sslmode=verify-full{other}"),
            "name the certificate of who did as `sslrootcert=FILE`",
        ),
        (NAME, format!("&sslmode=verify-ca{other}"), "name the certificate of who did as `sslrootcert=FILE`"),
        (NAME, format!("&sslmode=require{other}"), "name the certificate of who did as `sslrootcert=FILE`"),
        ("another.example", format!("&sslmode=verify-full{own}"), "it was made for another host name"),
    ] {
        let told = refused(&url(host, &more)).await;
        assert!(told.contains(said) && told.contains("certificate is not believed"), "{told}");
        assert!(!told.contains(NAME) && !told.contains("BEGIN"), "the certificate is not told: {told}");
    }
}

#[tokio::test]
async fn tls_is_not_given_up_where_the_server_has_none() {
    let server = Server::start_listening(None).unwrap();
    let fresh = server.fresh().await.unwrap();
    for more in ["&sslmode=require", "&sslmode=verify-full&sslrootcert=system"] {
        let told = refused(&url(&server, &fresh, NAME, more)).await;
        let is_clear = told.contains("server does not support TLS; switch it on there")
            || told.contains("this machine has none");
        assert!(is_clear, "{told}");
    }
    assert!(!encrypted(&fresh, &url(&server, &fresh, NAME, "&sslmode=prefer")).await.unwrap());
}
