//! Requests as they go over the wire, so that a test can send what no client library would.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Status and code, in whichever taste.
    pub fn problem(&self) -> (u16, String) {
        let json = self.json();
        let code = json["code"].as_str().or(json["error"].as_str()).unwrap_or_default();
        (self.status, code.to_owned())
    }

    /// Everything but what differs from request to request.
    pub fn comparable(&self) -> (u16, Value) {
        let mut json = if self.text.is_empty() { Value::Null } else { self.json() };
        if let Value::Object(fields) = &mut json {
            fields.remove("traceId");
            fields.remove("instance");
        }
        (self.status, json)
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

/// A request.
#[derive(Clone)]
pub struct Ask {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Ask {
    pub fn new(method: &str, path: &str) -> Self {
        let path = path.replace(' ', "%20");
        Self { method: method.into(), path, headers: Vec::new(), body: Vec::new() }
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.text(&body.to_string())
    }

    pub fn text(mut self, body: &str) -> Self {
        self.body = body.into();
        self.header("Content-Type", "application/json")
    }

    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body = text.into();
        self.header("Content-Type", "application/x-www-form-urlencoded")
    }

    fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", self.method, self.path);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str("Host: id.example\r\n");
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        head
    }

    pub async fn send(&self, to: SocketAddr) -> Answer {
        let mut stream = TcpStream::connect(to).await.unwrap();
        stream.write_all(self.head().as_bytes()).await.unwrap();
        // A server that does not want the body may answer before it has read it.
        let _ = stream.write_all(&self.body).await;
        read(&mut stream).await
    }
}

/// Reads an answer to its end.
pub async fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let mut some = [0; 16 << 10];
    // Where the server resets the connection after its answer, what came before counts.
    while let Ok(count @ 1..) = stream.read(&mut some).await {
        bytes.extend_from_slice(&some[..count]);
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer but `{text}`"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    assert!(!headers.iter().any(|(name, _)| name == "transfer-encoding"), "{head}");
    Answer { status, headers, text: body.to_owned() }
}
