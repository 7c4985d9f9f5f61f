//! An issuer on loopback that publishes what a test says, and counts how often it is asked.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use guestlist_tokens::{Issuer, Issuers, KeySource, Reason, Verified};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::Semaphore,
};

use crate::signer::Signer;

/// The time at which tests begin; it is nowhere near that of the machine.
pub const NOW: u64 = 2_000_000_000;

pub fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// What the issuer answers.
#[derive(Clone)]
pub struct Answer {
    pub status: &'static str,
    pub headers: String,
    pub body: String,
}

#[derive(Clone)]
pub struct Server {
    pub address: String,
    keys: Arc<Mutex<Answer>>,
    discovered: Arc<Mutex<Option<Value>>>,
    pub asked: Arc<AtomicUsize>,
    /// Answers to `/keys` wait for a permit while it has none.
    pub gate: Arc<Semaphore>,
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self::at(format!("http://{}", listener.local_addr().unwrap()));
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.serve(stream).await });
            }
        });
        server
    }

    pub fn at(address: String) -> Self {
        Self {
            address,
            keys: Arc::new(Mutex::new(Answer {
                status: "404 Not Found",
                headers: String::new(),
                body: String::new(),
            })),
            discovered: Arc::default(),
            asked: Arc::default(),
            gate: Arc::new(Semaphore::new(1000)),
        }
    }

    pub async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut stream = BufReader::new(stream);
        let (mut path, mut line) = (String::new(), String::new());
        while stream.read_line(&mut line).await.is_ok_and(|read| read > 2) {
            if path.is_empty() {
                path = line.split(' ').nth(1).unwrap().to_owned();
            }
            line.clear();
        }
        let answer = if path == "/keys" {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.gate.acquire().await.unwrap().forget();
            self.keys.lock().unwrap().clone()
        } else {
            assert_eq!(path, "/.well-known/openid-configuration");
            let usual = json!({ "issuer": self.address, "jwks_uri": format!("{}/keys", self.address) });
            let body = self.discovered.lock().unwrap().clone().unwrap_or(usual).to_string();
            Answer { status: "200 OK", headers: String::new(), body }
        };
        let Answer { status, headers, body } = answer;
        let head = format!(
            "HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        // Whoever asked may have gone.
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        let _ = stream.shutdown().await;
    }

    pub fn publish(&self, signers: &[&Signer]) {
        self.publish_keys(signers.iter().map(|signer| signer.jwk()).collect());
    }

    pub fn publish_keys(&self, keys: Vec<Value>) {
        self.answer("200 OK", "", &json!({ "keys": keys }).to_string());
    }

    pub fn answer(&self, status: &'static str, headers: &str, body: &str) {
        *self.keys.lock().unwrap() = Answer { status, headers: headers.to_owned(), body: body.to_owned() };
    }

    pub fn discovered(&self, document: Value) {
        *self.discovered.lock().unwrap() = Some(document);
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The issuer that this server is.
    pub fn issuer(&self) -> Issuer {
        let mut issuer = Issuer::new(&self.address, ["guestlist"]);
        issuer.keys = KeySource::JwksUri(format!("{}/keys", self.address));
        issuer
    }

    pub fn issuers(&self) -> Issuers {
        Issuers::new(vec![self.issuer()]).unwrap()
    }

    /// Claims that are believed at `NOW`.
    pub fn claims(&self) -> Value {
        json!({
            "iss": self.address,
            "sub": "u-ann",
            "aud": "guestlist",
            "iat": NOW - 10,
            "nbf": NOW - 10,
            "exp": NOW + 300,
            "client_id": "portal",
            "scope": "invite view",
        })
    }

    /// Those claims with others.
    pub fn but(&self, others: Value) -> Value {
        let mut claims = self.claims();
        for (name, value) in others.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    /// Those claims without one.
    pub fn without(&self, claim: &str) -> Value {
        let mut claims = self.claims();
        claims.as_object_mut().unwrap().remove(claim).unwrap();
        claims
    }
}

/// The answer for a token at a second.
pub async fn judged(issuers: &Issuers, token: &str, second: u64) -> Result<Verified, Reason> {
    issuers.verify(token, at(second)).await.map_err(|error| error.reason)
}
