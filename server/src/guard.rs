//! The one way to a handler: finds the place and the caller, and compares their rights with
//! [the table](crate::table).
//!
//! A route is made by [`Routes::add`], which takes its operation: there is no route without one. A handler takes
//! [`Granted`], which only this module makes.

use std::{convert::Infallible, sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{FromRequestParts, RawPathParams, Request, State, rejection::RawPathParamsRejection},
    handler::Handler,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::Response,
    routing::{MethodFilter, on},
};
use guestlist_contract::{
    rights::Rights,
    types::{Context, Principal},
};

use crate::{
    app::App,
    caller::Caller,
    pages,
    places::{Named, Place},
    problem::Problem,
    session,
    table::{Needs, Operation},
};

/// The taste in which problems are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taste {
    /// RFC 9457.
    Problems,
    /// Code, message and description.
    Reference,
    /// A page, for people. Whatever it changes has to come from a page of this server, who ever calls.
    Page,
}

/// A request that may be done: who asks, where, and what they may.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The place that the path and the token name.
    pub place: Place,
    /// Absent: nobody is signed in.
    pub caller: Option<Caller>,
    /// What the caller may do in the organization, as far as the token lets it through.
    pub rights: Rights,
    /// The id of the request, in logs, the trail and answers.
    pub request_id: String,
    /// How problems are told.
    pub taste: Taste,
}

impl Granted {
    /// Who asks.
    pub fn principal(&self) -> Principal {
        self.caller.as_ref().map_or(Principal::Anonymous, |caller| caller.principal.clone())
    }

    /// The organization that is acted in.
    ///
    /// # Errors
    /// Neither the path nor the token names one.
    pub fn organization(&self) -> Result<&str, Problem> {
        self.place.organization.as_deref().ok_or_else(|| {
            Problem::invalid(
                "Neither the path nor the token names an organization: say `/o/ORGANIZATION/` in the path.",
            )
        })
    }

    /// The context of a call of the plugin, in the organization of the path or the token.
    pub fn context(&self, app: &App) -> Context {
        let organization = self.place.organization.as_deref();
        app.context(organization, self.principal(), self.rights.permissions, &self.request_id)
    }

    /// The context of somebody who answers an invitation of their own.
    pub fn invitees_context(&self, app: &App) -> Context {
        app.context(None, self.principal(), Rights::empty().permissions, &self.request_id)
    }

    /// Tells a problem in the taste of an interface. Pages tell theirs by [`Visit`](crate::pages::Visit), which
    /// knows the language.
    pub fn tell(&self, problem: Problem) -> Response {
        tell(self.taste, problem, &self.request_id)
    }
}

/// Tells a problem in a taste.
pub fn tell(taste: Taste, problem: Problem, request_id: &str) -> Response {
    match taste {
        Taste::Problems | Taste::Page => problem.into_problem(request_id),
        Taste::Reference => problem.into_reference(request_id),
    }
}

/// Taken by handlers. It is there because the guard ran before.
impl<S: Sync> FromRequestParts<S> for Granted {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let granted = parts.extensions.get::<Self>().cloned();
        granted.ok_or_else(|| Problem::unavailable().into_problem("none"))
    }
}

/// The id of a request, which the outermost layer has given it.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

#[derive(Clone)]
struct Guard {
    app: Arc<App>,
    operation: Operation,
    taste: Taste,
}

/// A method and a path, with its operation.
pub type Route = (Method, String, Operation);

/// Routes, each with its operation.
pub struct Routes {
    app: Arc<App>,
    taste: Taste,
    router: Router<Arc<App>>,
    /// The paths and operations, for whoever asks what there is.
    pub listed: Vec<Route>,
}

impl Routes {
    /// No routes, which tell problems in a taste.
    pub fn new(app: Arc<App>, taste: Taste) -> Self {
        Self { app, taste, router: Router::new(), listed: Vec::new() }
    }

    /// Adds a route.
    pub fn add<H, T>(mut self, method: Method, path: &str, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        let guard = Guard { app: self.app.clone(), operation, taste: self.taste };
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::TRACE);
        let guarded = on(filter, handler).layer(middleware::from_fn_with_state(guard, before));
        self.router = self.router.route(path, guarded);
        self.listed.push((method, path.to_owned(), operation));
        self
    }

    /// Adds a route of the server as a whole: it has no place, and anybody may ask.
    pub fn open<H, T>(mut self, method: Method, path: &str, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        // A line that needs somebody cannot be kept without a place.
        debug_assert_eq!(operation.needs(), Needs::Nothing);
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::TRACE);
        let mut routed = on(filter, handler);
        if self.taste == Taste::Page {
            routed = routed.layer(middleware::from_fn_with_state(self.app.clone(), own_pages_only));
        }
        self.router = self.router.route(path, routed);
        self.listed.push((method, path.to_owned(), operation));
        self
    }

    /// Adds the routes of others.
    pub fn merge(mut self, others: Self) -> Self {
        self.router = self.router.merge(others.router);
        self.listed.extend(others.listed);
        self
    }

    /// The router, and what it has.
    pub fn finish(self) -> (Router<Arc<App>>, Vec<Route>) {
        (self.router, self.listed)
    }
}

async fn before(
    State(guard): State<Guard>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Result<Response, Infallible> {
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let named = match params {
        Ok(params) => Named::of(&params),
        Err(_) => return Ok(tell(guard.taste, Problem::invalid("The path is no UTF-8."), &request_id)),
    };
    let (began, figures) = (Instant::now(), guard.app.figures.clone());
    figures.begin();
    let response = match guard.judge(named, request.method(), request.headers(), &request_id).await {
        Ok(granted) => {
            request.extensions_mut().insert(granted);
            in_its_taste(guard.taste, next.run(request).await, &request_id)
        }
        Err(problem) => {
            tracing::info!(
                operation = guard.operation.name(),
                request_id,
                status = problem.status.as_u16(),
                code = problem.code,
                "a request was not let through"
            );
            match guard.taste {
                Taste::Page => {
                    pages::trouble(&guard.app, request.headers(), request.uri(), &problem, &request_id)
                }
                taste => tell(taste, problem, &request_id),
            }
        }
    };
    figures.answered(guard.operation.name(), response.status().as_u16(), began.elapsed());
    Ok(response)
}

/// Tells what was refused before the route's own code ran, a body that is too long say, as everything else is told.
fn in_its_taste(taste: Taste, response: Response, request_id: &str) -> Response {
    let status = response.status();
    let is_told = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind != PLAIN);
    if !status.is_client_error() || is_told || taste == Taste::Page {
        return response;
    }
    let problem = match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(status, "GL-41300", "Too long.", "The body is longer than `limits.body` allows.")
        }
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(
            status,
            "GL-40500",
            "Method not allowed.",
            "The header `Allow` has what this path takes.",
        ),
        _ => Problem { status, ..Problem::invalid("The request cannot be read.") },
    };
    let allowed = response.headers().get(header::ALLOW).cloned();
    let mut told = tell(taste, problem, request_id);
    if let Some(allowed) = allowed {
        told.headers_mut().insert(header::ALLOW, allowed);
    }
    told
}

/// The kind of text that extractors refuse with.
const PLAIN: &str = "text/plain; charset=utf-8";

/// The taste of a path, for whoever refuses before there is a route.
pub fn taste_of(path: &str) -> Taste {
    if path.contains("/api/server/v1/") { Taste::Reference } else { Taste::Problems }
}

impl Guard {
    async fn judge(
        &self,
        named: Named,
        method: &Method,
        headers: &HeaderMap,
        request_id: &str,
    ) -> Result<Granted, Problem> {
        let app = &self.app;
        if self.taste == Taste::Page
            && !session::is_safe(method)
            && !session::is_own_page(headers, &app.links)
        {
            return Err(Problem::foreign());
        }
        let mut place = app.place(named).await?;
        // Whoever asks for a token says by other means who they are: `Authorization` has a client's secret there.
        let caller = match self.operation {
            Operation::Token => None,
            _ => app.caller(&place, method, headers).await?,
        };
        // A token is for one organization. Where the path names another, the token does not count there.
        if let Some(bound) = caller.as_ref().and_then(|caller| caller.organization.clone()) {
            match &place.organization {
                None => place.organization = Some(bound),
                Some(named) if *named == bound => {}
                Some(_) => {
                    return Err(Problem::forbidden(
                        "The token is for another organization: switch it, or name its own in the path.",
                    ));
                }
            }
        }
        let rights = match (&caller, &place.organization) {
            (Some(caller), Some(organization)) => app.rights(caller, organization).await?,
            _ => Rights::empty(),
        };
        let granted = Granted { place, caller, rights, request_id: request_id.to_owned(), taste: self.taste };
        self.compare(granted)
    }

    fn compare(&self, granted: Granted) -> Result<Granted, Problem> {
        let needs = self.operation.needs();
        if needs != Needs::Nothing && granted.caller.is_none() {
            return Err(Problem::unauthorized("Nobody is signed in: send `Authorization: Bearer TOKEN`."));
        }
        match needs {
            Needs::Nothing | Needs::SignedIn => Ok(granted),
            // The plugin refuses what is missing, and leaves an event of it.
            Needs::Permission(_) => {
                granted.organization()?;
                Ok(granted)
            }
            Needs::OneOf(several) => {
                granted.organization()?;
                match several.iter().any(|one| granted.rights.contains(one.rights())) {
                    true => Ok(granted),
                    false => {
                        let several: Vec<_> =
                            several.iter().map(|one| format!("`{}`", one.rights())).collect();
                        let several = several.join(", ");
                        Err(Problem::forbidden(format!("This needs one of the permissions {several} here.")))
                    }
                }
            }
            Needs::Host(_) => {
                granted.organization()?;
                let lacking = needs.rights().without(granted.rights);
                match lacking.is_empty() {
                    true => Ok(granted),
                    false => Err(Problem::forbidden(format!("This needs the permission `{lacking}` here."))),
                }
            }
        }
    }
}

impl App {
    /// What a caller may do in an organization now, as far as their token lets it through.
    pub async fn rights(&self, caller: &Caller, organization: &str) -> Result<Rights, Problem> {
        let rights = self.people.rights(organization, &caller.principal).await?.unwrap_or_default();
        Ok(match caller.most {
            None => rights,
            Some(most) => rights.without(rights.without(most)),
        })
    }
}

/// Gives each request an id: its own `X-Request-Id` where that is a plain one, else a new one. The answer has it.
pub async fn identified(mut request: Request, next: Next) -> Response {
    let given = request.headers().get("x-request-id").and_then(|value| value.to_str().ok());
    let plain = |text: &&str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let id = given.filter(plain).map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// Turns away what another site has made somebody's browser send.
async fn own_pages_only(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if session::is_safe(request.method()) || session::is_own_page(request.headers(), &app.links) {
        return next.run(request).await;
    }
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    pages::trouble(&app, request.headers(), request.uri(), &Problem::foreign(), &id)
}

/// The answer for a path that leads nowhere.
pub async fn nowhere(State(app): State<Arc<App>>, request: Request) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let problem = Problem::new(StatusCode::NOT_FOUND, "GL-40400", "Not found.", "Nothing is at this path.");
    pages::trouble_as_accepted(&app, request.headers(), request.uri(), problem, &id)
}

/// The answer for a path that is there, and a method that is not.
pub async fn wrong_method(request: Request) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "GL-40500",
        "Method not allowed.",
        format!("Nothing here is asked by `{}`: the header `Allow` says what is.", request.method()),
    );
    let is_reference = request.uri().path().contains("/api/server/v1/guests/");
    tell(if is_reference { Taste::Reference } else { Taste::Problems }, problem, &id)
}
