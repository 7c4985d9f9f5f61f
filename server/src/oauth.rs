//! Tokens of this server: a client's own (`client_credentials`, RFC 6749), and the reference's switch to another
//! organization (`organization_switch`).

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use guestlist_contract::types::Principal;
use guestlist_storage::{Actor, NewToken};
use serde_json::json;

use crate::{
    app::App,
    caller::{self, Caller, TOKEN},
    guard::{Granted, Routes, Taste},
    problem::Problem,
    secret,
    table::Operation,
};

/// The routes of tokens.
pub fn routes(app: Arc<App>) -> Routes {
    Routes::new(app, Taste::Problems)
        .add(Method::POST, "/t/{root}/oauth2/token", Operation::Token, token)
        .add(Method::POST, "/oauth2/token", Operation::Token, token)
        .add(Method::POST, "/t/{root}/oauth2/revoke", Operation::Token, revoke)
        .add(Method::POST, "/oauth2/revoke", Operation::Token, revoke)
}

/// Why there is no token, in the words of RFC 6749.
enum Refused {
    InvalidRequest(&'static str),
    InvalidClient,
    InvalidGrant(&'static str),
    InvalidScope(&'static str),
    UnsupportedGrant,
    UnsupportedToken,
    Failed(Problem),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

impl From<guestlist_storage::AccountError> for Refused {
    fn from(error: guestlist_storage::AccountError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<guestlist_contract::types::HostError> for Refused {
    fn from(error: guestlist_contract::types::HostError) -> Self {
        Self::Failed(error.into())
    }
}

impl Refused {
    fn answer(self, request_id: &str) -> Response {
        let (status, error, description) = match self {
            Self::InvalidRequest(what) => (StatusCode::BAD_REQUEST, "invalid_request", what),
            Self::InvalidClient => (
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "The client is unknown, revoked or expired, or its secret is another.",
            ),
            Self::InvalidGrant(what) => (StatusCode::BAD_REQUEST, "invalid_grant", what),
            Self::InvalidScope(what) => (StatusCode::BAD_REQUEST, "invalid_scope", what),
            Self::UnsupportedGrant => (
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "There are client_credentials and organization_switch.",
            ),
            Self::UnsupportedToken => (
                StatusCode::BAD_REQUEST,
                "unsupported_token_type",
                "The token is none of this server's: it is revoked where it was issued.",
            ),
            Self::Failed(problem) => return problem.into_problem(request_id),
        };
        let body = Json(json!({ "error": error, "error_description": description }));
        let mut response = (status, body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let basic = header::HeaderValue::from_static("Basic realm=\"guestlist\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
        }
        response
    }
}

/// The fields of a form, each at most once.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(body: &[u8]) -> Result<Self, Refused> {
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
        let twice = fields
            .iter()
            .enumerate()
            .any(|(place, (name, _))| fields.iter().skip(place + 1).any(|(other, _)| other == name));
        if twice {
            return Err(Refused::InvalidRequest("A field is there twice."));
        }
        Ok(Self(fields))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn scopes(&self) -> Vec<String> {
        self.get("scope").unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect()
    }
}

/// The id and secret of a client: by HTTP Basic, or in the form.
fn credentials(headers: &HeaderMap, form: &Form) -> Result<Option<(String, String)>, Refused> {
    let in_form = form.get("client_id").zip(form.get("client_secret"));
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(in_form.map(|(id, secret)| (id.to_owned(), secret.to_owned())));
    };
    let basic = value.to_str().ok().and_then(|text| text.split_once(' '));
    let Some((_, encoded)) = basic.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic")) else {
        return Ok(in_form.map(|(id, secret)| (id.to_owned(), secret.to_owned())));
    };
    if in_form.is_some() {
        return Err(Refused::InvalidRequest(
            "The client says who it is twice: in the header and in the form.",
        ));
    }
    let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = decoded.as_deref().and_then(|text| text.split_once(':')).ok_or(Refused::InvalidClient)?;
    // Both are form-encoded before (RFC 6749, 2.3.1). Ours need no escapes.
    Ok(Some((pair.0.to_owned(), pair.1.to_owned())))
}

async fn token(State(app): State<Arc<App>>, granted: Granted, headers: HeaderMap, body: Bytes) -> Response {
    let given = async {
        let form = Form::read(&body)?;
        match form.get("grant_type") {
            Some("client_credentials") => of_client(&app, &granted, &headers, &form).await,
            Some("organization_switch") => switched(&app, &granted, &form).await,
            Some(_) => Err(Refused::UnsupportedGrant),
            None => Err(Refused::InvalidRequest("`grant_type` is missing.")),
        }
    };
    given.await.unwrap_or_else(|refused| refused.answer(&granted.request_id))
}

async fn of_client(
    app: &App,
    granted: &Granted,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Response, Refused> {
    let (id, secret) = credentials(headers, form)?.ok_or(Refused::InvalidClient)?;
    let client = app.accounts.authenticate_client(&id, &secret::digest(&secret)).await?;
    let client = client.ok_or(Refused::InvalidClient)?;
    let root = app.accounts.root_of(&client.organization).await?;
    if root.as_deref() != Some(granted.place.root.as_str()) {
        return Err(Refused::InvalidClient);
    }
    let scopes = form.scopes();
    if !scopes.is_empty() && caller::most(&scopes).is_none() {
        return Err(Refused::InvalidScope("None of these scopes means anything here."));
    }
    issue(app, granted, Principal::Client(client.id), (client.organization, None), scopes).await
}

async fn switched(app: &App, granted: &Granted, form: &Form) -> Result<Response, Refused> {
    let given = form.get("token").ok_or(Refused::InvalidRequest("`token` is missing."))?;
    let wanted = form
        .get("switching_organization")
        .ok_or(Refused::InvalidRequest("`switching_organization` is missing."))?;
    let no_token =
        Refused::InvalidGrant("The token is unknown, has expired, was revoked, or is for another root.");
    let Some(caller) = app.who(&granted.place.root, given).await? else { return Err(no_token) };
    // Whether there is such an organization is nobody's business who is not in it.
    let not_there = || Refused::InvalidGrant("The holder of the token is not in that organization.");
    let found = app.accounts.organization_by_handle(&granted.place.root, wanted).await?;
    let organization = found.ok_or_else(not_there)?.id;
    if app.people.rights(&organization, &caller.principal).await?.is_none() {
        return Err(not_there());
    }
    let scopes = narrowed(&caller, form.scopes())?;
    issue(app, granted, caller.principal, (organization, caller.left), scopes).await
}

/// The scopes of a new token: never more than the old one's.
fn narrowed(caller: &Caller, asked: Vec<String>) -> Result<Vec<String>, Refused> {
    let Some(most) = caller.most else { return Ok(asked) };
    // A token without scopes allows all that its holder may, so one that lets nothing through has no heir.
    if most.is_empty() {
        return Err(Refused::InvalidScope("The token has no scope that means anything here."));
    }
    if asked.is_empty() {
        return Ok(most.words().map(|word| format!("{}{word}", caller::OURS)).collect());
    }
    let wanted =
        caller::most(&asked).ok_or(Refused::InvalidScope("None of these scopes means anything here."))?;
    match most.contains(wanted) {
        true => Ok(asked),
        false => Err(Refused::InvalidScope("The token does not have all of these scopes.")),
    }
}

async fn issue(
    app: &App,
    granted: &Granted,
    holder: Principal,
    (organization, left): (String, Option<u64>),
    scopes: Vec<String>,
) -> Result<Response, Refused> {
    let token = secret::draw(TOKEN).map_err(|error| {
        tracing::error!(%error, "there is no entropy");
        Problem::unavailable()
    })?;
    // What comes of a token ends with it at the latest.
    let lifetime =
        left.map_or(app.config.token_lifetime.0, |left| left.min(app.config.token_lifetime.0)).max(1);
    let actor = Actor {
        who: holder.clone(),
        request_id: granted.request_id.clone(),
        operation: Operation::Token.name().into(),
    };
    let new =
        NewToken { digest: secret::digest(&token), organization, holder, scopes: scopes.clone(), lifetime };
    app.accounts.issue_token(&actor, &new).await?;
    let mut body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": lifetime / 1000 });
    if let (false, Some(fields)) = (scopes.is_empty(), body.as_object_mut()) {
        fields.insert("scope".into(), scopes.join(" ").into());
    }
    Ok(Json(body).into_response())
}

/// Ends a token (RFC 7009). Whoever has it may; what is no token is ended already.
async fn revoke(State(app): State<Arc<App>>, granted: Granted, body: Bytes) -> Response {
    let given = async {
        let form = Form::read(&body)?;
        let token = form.get("token").ok_or(Refused::InvalidRequest("`token` is missing."))?;
        if !token.starts_with(TOKEN) {
            return Err(Refused::UnsupportedToken);
        }
        let digest = secret::digest(token);
        let Some(found) = app.accounts.find_token(&digest).await? else {
            return Ok(StatusCode::OK.into_response());
        };
        let actor = Actor {
            who: found.holder,
            request_id: granted.request_id.clone(),
            operation: Operation::Token.name().into(),
        };
        app.accounts.revoke_token(&actor, &digest).await?;
        Ok(StatusCode::OK.into_response())
    };
    given.await.unwrap_or_else(|refused: Refused| refused.answer(&granted.request_id))
}
