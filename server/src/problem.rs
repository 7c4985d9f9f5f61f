//! Answers for what was not done, in two tastes: problems (RFC 9457) on the server's own interface, and
//! code, message and description on the reference's.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use guestlist_contract::{
    exports::{
        invitations::{ItemRefusal, Refusal},
        invitee::InviteeRefusal,
    },
    host::Operation,
    types::HostError,
};
use guestlist_harness::CallError;
use guestlist_memory::EventError;
use guestlist_rest::{Asked, RestError};
use guestlist_storage::{AccountError, AdministrationError};
use serde_json::{Value, json};

/// The code of a request that another site has made.
pub const FOREIGN: &str = "GL-40308";

/// The code of a form of another session.
pub const STALE: &str = "GL-40309";

/// Something that was asked and not done.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The status.
    pub status: StatusCode,
    /// A code that programs can compare: the reference's, or one of ours.
    pub code: String,
    /// The kind of problem.
    pub title: String,
    /// What to do.
    pub detail: String,
    /// When to come back, in milliseconds.
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem.
    pub fn new(status: StatusCode, code: &str, title: &str, detail: impl Into<String>) -> Self {
        Self { status, code: code.into(), title: title.into(), detail: detail.into(), retry_after: None }
    }

    /// A request that is not understood.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "UE-10000", "Invalid Request", detail)
    }

    /// There is nothing of that name that the caller may know of.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "GL-40400", "Not found.", format!("There is no such {what} here."))
    }

    /// Nobody is signed in, or the token is none that counts here.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "GL-40100", "Not signed in.", detail)
    }

    /// Somebody is signed in, and may not do it.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "GL-40300", "Forbidden.", detail)
    }

    /// A browser sends a cookie with it, and it does not come from a page of this server.
    pub fn foreign() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            FOREIGN,
            "From another site.",
            "A request with a session has to come from a page of this server: its `Origin` is not the one of \
             `public-url`.",
        )
    }

    /// A form that does not belong to the session.
    pub fn stale_form() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            STALE,
            "Out of date.",
            "The form is of another session: open it again.",
        )
    }

    /// The server cannot answer at present. The cause is in the log.
    pub fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "GL-50300",
            "Temporarily unavailable.",
            "Try again in a moment.",
        )
        .after(1000)
    }

    /// The same with a time after which another try is worth it, in milliseconds.
    pub fn after(mut self, milliseconds: u64) -> Self {
        self.retry_after = Some(milliseconds);
        self
    }

    /// A refusal of an administrator's operation.
    pub fn of_refusal(operation: Operation, refusal: &Refusal) -> Self {
        Self::told(RestError::from((Asked::of(operation), refusal)), of_refusal(refusal))
    }

    /// A refusal of an invitee's operation.
    pub fn of_invitee(operation: Operation, refusal: &InviteeRefusal) -> Self {
        let status = match refusal {
            InviteeRefusal::NotUsable | InviteeRefusal::Ended(_) => (StatusCode::NOT_FOUND, None),
            InviteeRefusal::Malformed | InviteeRefusal::Invalid(_) => (StatusCode::BAD_REQUEST, None),
            InviteeRefusal::Obstacle(_) => (StatusCode::CONFLICT, None),
            InviteeRefusal::InProgress(after) => (StatusCode::CONFLICT, Some(*after)),
            InviteeRefusal::Conflict => (StatusCode::CONFLICT, None),
            InviteeRefusal::Unsupported(_) => (StatusCode::NOT_IMPLEMENTED, None),
            InviteeRefusal::Host(error) => of_host(error),
            InviteeRefusal::Other(_) => (StatusCode::INTERNAL_SERVER_ERROR, None),
        };
        Self::told(RestError::from((Asked::of(operation), refusal)), status)
    }

    /// An item of a request that was not done.
    pub fn of_item(refusal: &ItemRefusal) -> Self {
        Self::told(guestlist_rest::item_problem(refusal), (StatusCode::CONFLICT, None))
    }

    fn told(error: RestError, (status, retry_after): (StatusCode, Option<u64>)) -> Self {
        let RestError { code, message, description } = error;
        Self { status, code, title: message, detail: description, retry_after }
    }

    /// The problem as a member of an answer.
    pub fn body(&self) -> Value {
        json!({
            "type": "about:blank",
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        })
    }

    /// The answer of the server's own interface.
    pub fn into_problem(self, request_id: &str) -> Response {
        let mut body = self.body();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("instance".into(), format!("urn:request:{request_id}").into());
        }
        let json = HeaderValue::from_static("application/problem+json");
        self.finish(([(header::CONTENT_TYPE, json)], body.to_string()).into_response())
    }

    /// The answer of the reference's interface.
    pub fn into_reference(self, request_id: &str) -> Response {
        let body = json!({
            "code": self.code,
            "message": self.title,
            "description": self.detail,
            "traceId": request_id,
        });
        self.finish(Json(body).into_response())
    }

    /// Adds status and headers to a body.
    pub fn finish(&self, mut response: Response) -> Response {
        *response.status_mut() = self.status;
        let mut add = |name: HeaderName, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        };
        if let Some(after) = self.retry_after {
            add(header::RETRY_AFTER, after.div_ceil(1000).to_string());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            add(header::WWW_AUTHENTICATE, "Bearer realm=\"guestlist\", error=\"invalid_token\"".into());
        }
        response
    }
}

/// The status of a refusal, and when to come back.
fn of_refusal(refusal: &Refusal) -> (StatusCode, Option<u64>) {
    let status = match refusal {
        Refusal::NotPermitted
        | Refusal::OrganizationNotActive
        | Refusal::OwnInvitation
        | Refusal::MayNotSeeCode => StatusCode::FORBIDDEN,
        Refusal::NoParent
        | Refusal::UnknownGrants(_)
        | Refusal::UnknownUserstore(_)
        | Refusal::TooMany(_)
        | Refusal::Invalid(_)
        | Refusal::LifetimeOutOfBounds(_) => StatusCode::BAD_REQUEST,
        Refusal::NotFound => StatusCode::NOT_FOUND,
        Refusal::InProgress(after) => return (StatusCode::CONFLICT, Some(*after)),
        Refusal::WrongState(_)
        | Refusal::OperationReused
        | Refusal::Conflict
        | Refusal::ContradictorySettings(_)
        | Refusal::NotInvitable(_) => StatusCode::CONFLICT,
        Refusal::ResendLimit(_) => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Unsupported(_) => StatusCode::NOT_IMPLEMENTED,
        Refusal::Host(error) => return of_host(error),
        Refusal::Other(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, None)
}

fn of_host(error: &HostError) -> (StatusCode, Option<u64>) {
    match error {
        HostError::Unavailable(after) => (StatusCode::SERVICE_UNAVAILABLE, Some(after.unwrap_or(1000))),
        HostError::Throttled(after) => (StatusCode::TOO_MANY_REQUESTS, Some(*after)),
        HostError::Denied(_) => (StatusCode::FORBIDDEN, None),
        HostError::Invalid(_) => (StatusCode::BAD_REQUEST, None),
        HostError::OutcomeUnknown | HostError::Other(_) => (StatusCode::SERVICE_UNAVAILABLE, None),
    }
}

/// The plugin gave no answer. The harness has told the log why.
impl From<CallError> for Problem {
    fn from(_: CallError) -> Self {
        Self::unavailable()
    }
}

/// A failure of the database below what the plugin does.
impl From<HostError> for Problem {
    fn from(error: HostError) -> Self {
        tracing::warn!(error = ?error, "a host function did not answer");
        let (status, retry_after) = of_host(&error);
        Self { retry_after, status, ..Self::unavailable() }
    }
}

/// The outcome of a commit is not known.
fn unknown() -> Problem {
    let detail = "It is not known whether it was done: look before you try again.";
    Problem { code: "GL-50320".into(), detail: detail.into(), ..Problem::unavailable() }
}

impl From<AdministrationError> for Problem {
    fn from(error: AdministrationError) -> Self {
        let text = format!("{error}.");
        match error {
            AdministrationError::Impossible(EventError::Impossible(_)) => {
                Self::new(StatusCode::CONFLICT, "GL-40909", "Not possible.", text)
            }
            AdministrationError::Impossible(_) => Self { detail: text, ..Self::not_found("thing") },
            AdministrationError::Settings(_) => Self::invalid(text),
            AdministrationError::NotPermitted { lacking, .. } => above(lacking),
            AdministrationError::LastAdministrator(_) => {
                Self::new(StatusCode::CONFLICT, "GL-40912", "The last administrator.", text)
            }
            AdministrationError::Unknown(_) => {
                tracing::warn!(text, "the database did not answer a commit");
                unknown()
            }
            error => {
                tracing::warn!(%error, "the database did not answer");
                Self::unavailable()
            }
        }
    }
}

/// Whoever asks would reach beyond what they may do themselves.
fn above(lacking: guestlist_contract::rights::Rights) -> Problem {
    Problem {
        code: "GL-40305".into(),
        ..Problem::forbidden(format!(
            "It needs, gives or concerns rights that the one who asks lacks here: {lacking}."
        ))
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        let text = error.to_string();
        match error {
            AccountError::NotFound(_) => Self { detail: text, ..Self::not_found("thing") },
            AccountError::NotPermitted { lacking, .. } => above(lacking),
            AccountError::Unknown(_) => {
                tracing::warn!(text, "the database did not answer a commit");
                unknown()
            }
            AccountError::NotActive => Self::new(StatusCode::CONFLICT, "GL-40907", "Not active.", text),
            AccountError::Taken(_) => Self::new(StatusCode::CONFLICT, "GL-40908", "Taken.", text),
            AccountError::Invalid(_) | AccountError::InvalidCursor => Self::invalid(text),
            error => {
                tracing::warn!(%error, "the database did not answer");
                Self::unavailable()
            }
        }
    }
}
