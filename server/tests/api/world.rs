//! A server to look at in a folder of its own, and a client of it.

use std::collections::BTreeSet;

use axum::{
    body::Bytes,
    http::{HeaderMap, Method, Request, StatusCode},
};
use guestlist_contract::rights::Rights;
use guestlist_server::{Server, dev::Dev, table::Operation};
use guestlist_storage::{Database, Options};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub struct Told {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Told {
    /// The answer, which has to have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// A problem of this status: its code and its detail.
    #[track_caller]
    pub fn problem(self, status: u16) -> (String, String) {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert!(self.body["instance"].as_str().unwrap().starts_with("urn:request:"));
        let text = |name: &str| self.body[name].as_str().unwrap().to_owned();
        assert!(!text("title").is_empty());
        (text("code"), text("detail"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A request that is not sent yet.
pub struct Asking<'a> {
    world: &'a World,
    method: Method,
    path: String,
    token: Option<String>,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl Asking<'_> {
    pub fn with(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.text("application/json", &body.to_string())
    }

    pub fn text(mut self, kind: &str, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self.header("content-type", kind)
    }

    pub async fn send(self) -> Told {
        let uri = format!("http://{}{}", self.world.server.http().unwrap(), self.path);
        let mut request = Request::builder().method(self.method).uri(uri);
        if let Some(token) = self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(self.body.unwrap_or_default()))).unwrap();
        let (parts, body) = self.world.client.request(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes).unwrap(),
        };
        Told { status: parts.status, headers: parts.headers, body }
    }
}

pub struct World {
    pub server: Server,
    dev: Dev,
    client: Client<HttpConnector, Full<Bytes>>,
    _folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dev = Dev::new(folder.path().join("dev"));
        dev.prepare().await.unwrap();
        let config = dev.config("127.0.0.1:0".parse().unwrap(), None);
        let server = Server::start_development(config).await.unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { server, dev, client, _folder: folder }
    }

    /// The database of the server, for what no route shows any more.
    pub async fn database(&self) -> Database {
        Database::open(&self.dev.database(), Options::default()).await.unwrap()
    }

    pub fn ask(&self, method: &str, path: &str) -> Asking<'_> {
        let method = method.parse().unwrap();
        Asking { world: self, method, path: path.to_owned(), token: None, headers: Vec::new(), body: None }
    }

    /// A token of somebody of the sample world that lets through these rights; all, where there are none.
    pub fn token_with(&self, name: &str, organization: Option<&str>, rights: &[&str]) -> String {
        let who = Dev::sample(name).unwrap().unwrap();
        let scopes: Vec<_> = rights.iter().map(|right| format!("guestlist:{right}")).collect();
        self.dev.token(&who.account, organization, &scopes).unwrap()
    }

    /// A token of somebody who acts in Acme.
    pub fn token(&self, name: &str) -> String {
        self.token_with(name, Some("acme"), &[])
    }

    /// The routes of our own interface without what stands before them, with their operations.
    pub fn routes(&self) -> Vec<(Method, String, Operation)> {
        let own = |(method, path, operation): &(Method, String, Operation)| {
            let (base, rest) = path.split_once("/api/v1")?;
            // What the server is says it as a whole, without any place.
            let is_own = rest.starts_with('/') && base.is_empty() && *operation != Operation::Describe;
            is_own.then(|| (method.clone(), rest.to_owned(), *operation))
        };
        self.server.routes().iter().filter_map(own).collect()
    }

    /// What stands before a route of our own interface.
    pub fn bases(&self, method: &Method, route: &str) -> BTreeSet<String> {
        let wanted = format!("/api/v1{route}");
        let all = self.server.routes().iter().filter(|(known, ..)| known == method);
        all.filter_map(|(_, path, _)| path.strip_suffix(wanted.as_str()).map(str::to_owned)).collect()
    }
}

/// The words of all rights but these.
pub fn all_but(rights: Rights) -> Vec<&'static str> {
    Rights::all().without(rights).words().collect()
}
