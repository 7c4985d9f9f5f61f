//! A request of a browser, and what it posts.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    body::Bytes,
    extract::{ConnectInfo, FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use guestlist_contract::types::Principal;
use guestlist_mail::{Language, one_line};

use super::{language, page::Page, trouble};
use crate::{
    app::App,
    guard::{Granted, RequestId},
    problem::Problem,
    session,
};

/// The longest name that a page shows, in characters.
const NAME: usize = 120;

/// A request of a browser. It has no `Debug`: it knows the session.
pub struct Visit {
    pub app: Arc<App>,
    /// Absent for pages of the server as a whole.
    pub granted: Option<Granted>,
    pub request_id: String,
    pub language: Language,
    chosen: bool,
    query: Vec<(String, String)>,
    /// The token of the session of who is signed in by one.
    session: Option<String>,
    /// Where the connection comes from. What a header says of it is what anybody says.
    pub source: IpAddr,
}

impl Visit {
    /// What a request says.
    pub fn of(
        app: Arc<App>,
        headers: &HeaderMap,
        uri: &Uri,
        granted: Option<Granted>,
        request_id: &str,
    ) -> Self {
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let lang = query.iter().find(|(name, _)| name == "lang");
        let chosen = lang.and_then(|(_, tag)| Language::of(tag));
        let by_session = granted
            .as_ref()
            .filter(|granted| granted.caller.as_ref().is_some_and(|caller| caller.by_session));
        let session = by_session
            .and_then(|granted| session::token(headers, &granted.place.handle, &app.links))
            .map(str::to_owned);
        Self {
            language: chosen.unwrap_or_else(|| language::accepted(headers)),
            chosen: chosen.is_some(),
            query,
            session,
            granted,
            request_id: request_id.to_owned(),
            source: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            app,
        }
    }

    /// A value of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The token of the session.
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Who is signed in.
    pub fn principal(&self) -> Option<&Principal> {
        self.granted.as_ref()?.caller.as_ref().map(|caller| &caller.principal)
    }

    /// What stands around a page at a path, which begins without a slash. `kept` names what of the query goes along
    /// when the language is changed.
    pub async fn page(&self, path: &str, kept: &[&str]) -> Result<Page, Problem> {
        let mut page = self.bare_page(path, kept);
        if let Some(Principal::User(account)) = self.principal() {
            let names = self.app.database.reading().names_of_accounts(std::slice::from_ref(account)).await?;
            page.who = names.into_iter().next().flatten().map(|name| one_line(&name, NAME));
        }
        Ok(page)
    }

    /// The same without asking the database who is signed in.
    pub fn bare_page(&self, path: &str, kept: &[&str]) -> Page {
        let query = self.query.iter().filter(|(name, _)| kept.contains(&name.as_str())).cloned().collect();
        Page {
            language: self.language,
            chosen: self.chosen,
            server: self.app.config.mail.name.clone(),
            base: self.app.links.path(""),
            path: path.to_owned(),
            query,
            root: self.granted.as_ref().map(|granted| granted.place.handle.clone()),
            who: None,
            form_key: self.session.as_deref().map(session::form_key).unwrap_or_default(),
        }
    }

    /// The answer of a handler, or a page that says why there is none.
    pub fn told(&self, answer: Result<Response, Problem>) -> Response {
        answer.unwrap_or_else(|problem| trouble::page(self, &problem))
    }
}

/// Leads to another page of this server.
pub fn lead(to: &str) -> Response {
    Redirect::to(to).into_response()
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let extensions = &parts.extensions;
        let granted = extensions.get::<Granted>().cloned();
        let id = extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        let source = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        let mut visit = Self::of(app.clone(), &parts.headers, &parts.uri, granted, &id);
        visit.source = source.unwrap_or(visit.source);
        Ok(visit)
    }
}

/// A form that was sent, and belongs to the session where there is one.
pub struct Posted {
    pub visit: Visit,
    fields: Vec<(String, String)>,
}

/// The field that binds a form to its session.
const KEY: &str = "form";

impl Posted {
    /// A field; empty where it is not there.
    pub fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    fn read(visit: Visit, headers: &HeaderMap, body: &[u8]) -> Result<Self, Box<(Visit, Problem)>> {
        let kind =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Box::new((visit, Problem::invalid("This takes a form, as browsers send it."))));
        }
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
        let mut names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
        names.sort();
        if names.windows(2).any(|two| matches!(two, [one, other] if one == other)) {
            return Err(Box::new((visit, Problem::invalid("A field of the form is there twice."))));
        }
        let posted = Self { visit, fields };
        // INVARIANT: nothing is changed for somebody by a form that was not made for their session.
        let bound = match posted.visit.session() {
            Some(session) => session::is_form_key(session, posted.field(KEY)),
            None => posted.visit.principal().is_none(),
        };
        match bound {
            true => Ok(posted),
            false => Err(Box::new((posted.visit, Problem::stale_form()))),
        }
    }
}

impl FromRequest<Arc<App>> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visit = match Visit::from_request_parts(&mut parts, app).await {
            Ok(visit) => visit,
            Err(never) => match never {},
        };
        let headers = parts.headers.clone();
        let body = match Bytes::from_request(Request::from_parts(parts, body), app).await {
            Ok(body) => body,
            Err(refused) => {
                let status = refused.status();
                let problem = match status {
                    StatusCode::PAYLOAD_TOO_LARGE => {
                        Problem { status, ..Problem::invalid("The form is too long.") }
                    }
                    _ => Problem::invalid("The form did not arrive as a whole."),
                };
                return Err(trouble::page(&visit, &problem));
            }
        };
        Self::read(visit, &headers, &body).map_err(|refused| {
            let (visit, problem) = *refused;
            trouble::page(&visit, &problem)
        })
    }
}
