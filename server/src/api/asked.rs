//! A request of our own interface, and the one way to its answer: query, body and idempotency key are judged here,
//! alike for all routes.

use std::{collections::BTreeMap, pin::Pin, sync::Arc};

use axum::{
    body::Bytes,
    extract::{RawPathParams, RawQuery, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use guestlist_contract::rights::Rights;
use guestlist_documents::files::without_mark;
use guestlist_storage::{Accounts, Actor, Administration, PageOf, Remembered};
use serde::{Deserialize as _, de::DeserializeOwned};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    app::App,
    guard::Granted,
    problem::Problem,
    secret::Digest,
    table::{Needs, Operation},
};

/// The header by which a client repeats a request safely.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Members of an answer that are told once and never again.
const SECRETS: [&str; 2] = ["confirmationCode", "secret"];

/// The future of an answer.
pub type Told<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A request that may be done.
pub struct Asked {
    pub app: Arc<App>,
    pub granted: Granted,
    operation: Operation,
    path: BTreeMap<String, String>,
    query: Vec<(String, String)>,
    /// The path, up to and with `/api/v1`.
    base: String,
    headers: HeaderMap,
    body: Bytes,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    location: Option<String>,
    body: Option<Value>,
}

pub type Answer = Result<Reply, Problem>;

impl Reply {
    /// Shows something.
    pub fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, location: None, body: Some(body) }
    }

    /// It is done, and there is nothing to show.
    pub fn done() -> Self {
        Self { status: StatusCode::NO_CONTENT, location: None, body: None }
    }

    /// Something was made.
    pub fn created(body: Value) -> Self {
        Self { status: StatusCode::CREATED, location: None, body: Some(body) }
    }

    /// The same, with the place where it is from now on.
    pub fn at(self, location: String) -> Self {
        Self { location: Some(location), ..self }
    }

    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => (self.status, axum::Json(body)).into_response(),
            None => self.status.into_response(),
        };
        if let Some(place) = self.location.and_then(|place| HeaderValue::from_str(&place).ok()) {
            response.headers_mut().insert(header::LOCATION, place);
        }
        response
    }

    /// What is kept of it: everything but secrets.
    fn kept(&self) -> String {
        let mut body = self.body.clone();
        if let Some(body) = &mut body {
            forget_secrets(body);
        }
        json!({ "status": self.status.as_u16(), "location": self.location, "body": body }).to_string()
    }

    fn of_kept(text: &str) -> Option<Self> {
        let mut kept: Value = serde_json::from_str(text).ok()?;
        let status = u16::try_from(kept.get("status")?.as_u64()?).ok()?;
        Some(Self {
            status: StatusCode::from_u16(status).ok()?,
            location: kept.get("location")?.as_str().map(str::to_owned),
            body: kept.get_mut("body").map(Value::take).filter(|body| !body.is_null()),
        })
    }
}

fn forget_secrets(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !SECRETS.contains(&name.as_str()));
            fields.values_mut().for_each(forget_secrets);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_secrets),
        _ => {}
    }
}

/// How repeating a request is made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeating {
    /// It can be repeated as it is, or the plugin remembers it.
    AsItIs,
    /// The server remembers what it answered.
    Remembered,
}

type Head = (State<Arc<App>>, Granted, Uri, Method);

/// Makes a handler. `allowed`: the parameters that its query may have.
#[allow(clippy::type_complexity, reason = "the arguments of one handler")]
pub fn told<F, R>(
    operation: Operation,
    allowed: &'static [&'static str],
    repeating: Repeating,
    run: F,
) -> impl Fn(
    Head,
    Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>,
    RawQuery,
    HeaderMap,
    Result<Bytes, BytesRejection>,
) -> Told<Response>
+ Clone
+ Send
+ Sync
+ 'static
where
    F: Fn(Asked) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Answer> + Send + 'static,
{
    move |(State(app), granted, uri, method), path, RawQuery(query), headers, body| {
        let run = run.clone();
        Box::pin(async move {
            let answer = async {
                let body = body.map_err(|rejection| too_large(&rejection))?;
                let path = path.map_err(|_| Problem::invalid("The path is no UTF-8."))?;
                let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                let query = read_query(query.as_deref().unwrap_or_default(), allowed)?;
                let base = uri.path().find("/api/v1").map_or(0, |place| place + "/api/v1".len());
                let base = uri.path().get(..base).unwrap_or_default().to_owned();
                let print = fingerprint(&method, uri.path(), &query, &body);
                let key = match repeating {
                    Repeating::AsItIs => None,
                    Repeating::Remembered => key(&headers)?,
                };
                let asked = Asked {
                    app: app.clone(),
                    granted: granted.clone(),
                    operation,
                    path,
                    query,
                    base,
                    headers,
                    body,
                };
                match key {
                    None => run(asked).await,
                    Some(key) => once(&app, &granted, &key, &print, run(asked)).await,
                }
            };
            match answer.await {
                Ok(reply) => reply.into_response(),
                Err(problem) => granted.tell(problem),
            }
        })
    }
}

fn too_large(rejection: &BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "GL-41300",
            "Too large.",
            "The body is longer than this server takes.",
        ),
        _ => Problem::invalid("The body broke off."),
    }
}

/// Does something once for a key, and tells whoever repeats it the same.
async fn once(
    app: &App,
    granted: &Granted,
    key: &str,
    print: &Digest,
    running: impl Future<Output = Answer>,
) -> Answer {
    let (who, place) = (granted.principal(), granted.place.organization.as_deref());
    let conflict = |code: &str, detail: &str| {
        Problem::new(StatusCode::CONFLICT, code, "Idempotency key used before.", detail)
    };
    match app.accounts.remember(place, &who, key, print).await? {
        Remembered::Fresh => {}
        Remembered::Answer(text) => return Reply::of_kept(&text).ok_or_else(Problem::unavailable),
        Remembered::Other => {
            return Err(conflict("GL-40902", "The key belongs to another request: take a new one."));
        }
        Remembered::UnderWay(_) => {
            return Err(conflict(
                "GL-40910",
                "A request with this key was begun and has no answer: look whether it was done, and take a new key if \
                 not.",
            ));
        }
    }
    let answer = running.await;
    let settled = match &answer {
        Ok(reply) => app.accounts.keep_answer(place, &who, key, &reply.kept()).await,
        // Nothing was done, so that it can be tried again.
        Err(problem) if problem.status.is_client_error() => app.accounts.forget(place, &who, key).await,
        // It may have been done or not.
        Err(_) => Ok(false),
    };
    if let Err(error) = settled {
        tracing::warn!(%error, "what a request was answered is not kept");
    }
    answer
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut all = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| (1..=255).contains(&text.len()) && all.next().is_none());
    let text = text
        .ok_or_else(|| Problem::invalid("`Idempotency-Key` is one header of 1 to 255 visible characters."))?;
    Ok(Some(text.to_owned()))
}

fn fingerprint(method: &Method, path: &str, query: &[(String, String)], body: &[u8]) -> Digest {
    let mut digest = Sha256::new();
    digest.update(json!([method.as_str(), path, query]).to_string());
    digest.update(body);
    digest.finalize().into()
}

/// The parameters of a query, each of which is one of those allowed. Only `status` may be there more than once.
fn read_query(query: &str, allowed: &[&str]) -> Result<Vec<(String, String)>, Problem> {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    for (place, (name, _)) in pairs.iter().enumerate() {
        if !allowed.contains(&name.as_str()) {
            let known = match allowed.is_empty() {
                true => "there are none here".to_owned(),
                false => format!(
                    "there are {}",
                    allowed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
                ),
            };
            return Err(Problem::invalid(format!("The parameter `{name}` is not known: {known}.")));
        }
        if name != "status" && pairs.iter().skip(place + 1).any(|(other, _)| other == name) {
            return Err(Problem::invalid(format!("The parameter `{name}` is there twice.")));
        }
    }
    Ok(pairs)
}

impl Asked {
    /// A name of the path.
    pub fn named(&self, name: &str) -> String {
        self.path.get(name).cloned().unwrap_or_default()
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter; one may be several with commas between them.
    pub fn parameters(&self, name: &str) -> Vec<&str> {
        let all = self.query.iter().filter(|(known, _)| known == name);
        all.flat_map(|(_, value)| value.split(',')).filter(|value| !value.is_empty()).collect()
    }

    /// A parameter that is `true` or `false`.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.parameter(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(Problem::invalid(format!("`{name}` is `{other}`: say true or false."))),
        }
    }

    /// A parameter that is an instant, in milliseconds since 1970.
    pub fn instant(&self, name: &str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.parameter(name) else { return Ok(None) };
        let read = chrono::DateTime::parse_from_rfc3339(text).ok();
        let at = read.and_then(|at| u64::try_from(at.timestamp_millis()).ok());
        at.map(Some).ok_or_else(|| {
            Problem::invalid(format!("`{name}` is `{text}`: say an instant, as in `2026-01-31T12:00:00Z`."))
        })
    }

    /// How many rows a page shall have.
    pub fn limit(&self) -> Result<u32, Problem> {
        let Some(text) = self.parameter("limit") else { return Ok(50) };
        let limit = text.parse().ok().filter(|limit| (1..=200).contains(limit));
        limit.ok_or_else(|| Problem::invalid(format!("`limit` is `{text}`: say a number from 1 to 200.")))
    }

    /// The page that is asked for.
    pub fn page(&self) -> Result<PageOf, Problem> {
        Ok(PageOf { limit: self.limit()?, after: self.parameter("after").map(str::to_owned) })
    }

    /// The body as text: JSON, and nothing for an empty object.
    pub fn text(&self) -> Result<&str, Problem> {
        let text = std::str::from_utf8(&self.body).map_err(|_| Problem::invalid("The body is no UTF-8."))?;
        let text = without_mark(text);
        if text.trim().is_empty() {
            return Ok("{}");
        }
        let kind =
            self.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "GL-41500",
                "Not JSON.",
                "The body has to be JSON: send `Content-Type: application/json`.",
            ));
        }
        Ok(text)
    }

    /// The body, read as what the operation takes.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_str(self.text()?)
            .map_err(|error| Problem::invalid(format!("The request is not understood: {error}.")))
    }

    /// The idempotency key, for what the plugin remembers by itself.
    pub fn idempotency_key(&self) -> Result<Option<String>, Problem> {
        key(&self.headers)
    }

    /// The organization that is acted in.
    pub fn organization(&self) -> Result<&str, Problem> {
        self.granted.organization()
    }

    /// The place of something, for `Location`.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Whoever asks, as the trail names them.
    pub fn actor(&self) -> Actor {
        Actor {
            who: self.granted.principal(),
            request_id: self.granted.request_id.clone(),
            operation: self.operation.name().into(),
        }
    }

    fn most(&self) -> Rights {
        self.granted.caller.as_ref().and_then(|caller| caller.most).unwrap_or_else(Rights::all)
    }

    /// Changes on behalf of whoever asks, judged in their commit.
    pub fn administration(&self) -> Administration {
        let needs = self.operation.needs().host();
        let administration = self.app.database.administration();
        administration
            .acting_as(self.granted.principal(), needs, self.granted.request_id.clone())
            .with_at_most(self.most())
    }

    /// Accounts, whose changes are judged in their commit.
    pub fn accounts(&self) -> Accounts {
        self.app.accounts.judged(self.operation.needs().host(), self.most())
    }
}

impl Needs {
    /// The permissions of the host that it takes.
    fn host(self) -> guestlist_contract::rights::HostPermissions {
        match self {
            Self::Host(host) => host,
            _ => guestlist_contract::rights::HostPermissions::empty(),
        }
    }
}

/// Checks a name that somebody chose.
pub fn check_name(what: &str, name: &str) -> Result<(), Problem> {
    let fits = (1..=254).contains(&name.len()) && !name.chars().any(char::is_control) && name.trim() == name;
    match fits {
        true => Ok(()),
        false => Err(Problem::invalid(format!(
            "`{what}` has 1 to 254 bytes, no control characters and no white space around it."
        ))),
    }
}

/// Reads a member that may be `null`, so that it differs from one that is missing.
pub fn present<'de, D: serde::Deserializer<'de>, T: serde::Deserialize<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

/// Nothing is taken.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}
