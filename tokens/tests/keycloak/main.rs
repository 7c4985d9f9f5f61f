//! Tokens of a real Keycloak: only where it is asked for by name, as `make test-all` does. What is missing fails.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, SystemTime},
};

use guestlist_tokens::{ClaimedRoles, Issuer, Issuers, Reason, RoleMapping};
use serde_json::Value;

const API: &str = "https://guests.example";

/// A Keycloak that ends with its test, and keeps nothing.
struct Keycloak {
    process: Child,
    port: u16,
}

impl Drop for Keycloak {
    fn drop(&mut self) {
        // The process is a shell, which passes on this signal and no stronger one.
        let _ = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

impl Keycloak {
    fn start() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("keycloak");
        assert!(folder.join("installed").exists(), "run scripts/setup-keycloak");
        let home = folder.join("home");
        fs::create_dir_all(home.join("data/import")).unwrap();
        let realm = include_str!("acme-realm.json");
        fs::write(home.join("data/import/acme-realm.json"), realm).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("sh")
            .args(["bin/kc.sh", "start-dev", "--db=dev-mem", "--http-host=127.0.0.1", "--import-realm"])
            .arg(format!("--http-port={port}"))
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut started = Self { process, port };
        let mut lines = BufReader::new(started.process.stdout.take().unwrap()).lines();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let mut before = String::new();
            for line in lines.by_ref().map_while(Result::ok) {
                if line.contains("Listening on") {
                    tell.send(Ok(())).unwrap();
                    // Read on, or it would wait for somebody who does.
                    return lines.for_each(drop);
                }
                before = before + &line + "\n";
            }
            let _ = tell.send(Err(before));
        });
        told.recv().unwrap().unwrap_or_else(|before| panic!("Keycloak does not start:\n{before}"));
        started
    }

    fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}/realms/acme", self.port)
    }

    /// Tokens for a form; no client for HTTP is needed for that.
    fn tokens(&self, form: &str) -> Value {
        let form = format!("client_id=portal&client_secret=not-secret&{form}");
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "POST /realms/acme/protocol/openid-connect/token HTTP/1.0\r\nhost: 127.0.0.1:{}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
            self.port,
            form.len()
        );
        stream.write_all((head + &form).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{answer}");
        serde_json::from_str(body).unwrap()
    }
}

#[tokio::test]
async fn keycloak_gives_access_tokens_with_roles_inside_organizations() {
    let keycloak = Keycloak::start();
    let mut issuer = Issuer::new(keycloak.issuer(), [API]);
    issuer.roles = RoleMapping::Keycloak;
    let issuers = Issuers::new(vec![issuer.clone()]).unwrap();
    let now = SystemTime::now();

    let form = "grant_type=password&username=ann&password=not-secret&scope=openid+organization:partner";
    let given = keycloak.tokens(form);
    let token = |name: &str| given[name].as_str().unwrap();
    let mut ann = issuers.verify(token("access_token"), now).await.unwrap();
    assert_eq!((ann.client_id.as_deref(), ann.is_service_account), (Some("portal"), false));
    assert_eq!(ann.claims["preferred_username"], "ann");
    assert!(ann.scopes.contains(&"organization:partner".to_owned()), "{:?}", ann.scopes);
    // Their order is another one each time.
    ann.roles.iter_mut().for_each(|organization| organization.roles.sort());
    let roles = vec!["guestlist-invite".to_owned(), "guestlist-view".to_owned()];
    assert_eq!(ann.roles, [ClaimedRoles { organization: "partner".to_owned(), roles }]);
    assert!(ann.expires_at <= now + Duration::from_secs(301));

    let machine = keycloak.tokens("grant_type=client_credentials");
    let machine = issuers.verify(machine["access_token"].as_str().unwrap(), now).await.unwrap();
    assert!(machine.is_service_account && machine.roles.is_empty(), "{machine:?}");

    // Neither of the others is an access token, even where the audience is mistaken.
    issuer.audiences = vec!["portal".to_owned(), keycloak.issuer()];
    let mistaken = Issuers::new(vec![issuer]).unwrap();
    let reason = |error: guestlist_tokens::TokenError| error.reason;
    let id = mistaken.verify(token("id_token"), now).await.map_err(reason);
    assert_eq!(id.unwrap_err(), Reason::NotAccessToken);
    let refresh = mistaken.verify(token("refresh_token"), now).await.map_err(reason);
    assert_eq!(refresh.unwrap_err(), Reason::Algorithm);
}
