//! Says whether the server lives, can answer, and what it is.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    app::App,
    config::Compatibility,
    guard::{Routes, Taste},
    table::Operation,
};

/// What monitors ask, on paths without a root.
pub fn routes(app: Arc<App>) -> Routes {
    Routes::new(app, Taste::Problems)
        .open(Method::GET, "/livez", Operation::Live, live)
        .open(Method::GET, "/readyz", Operation::Ready, ready)
        .open(Method::GET, "/api/v1/server", Operation::Describe, describe)
}

async fn live() -> &'static str {
    "ok\n"
}

/// The server answers when its database does.
async fn ready(State(app): State<Arc<App>>) -> Response {
    match app.invitations.with_due_work(1).await {
        Ok(_) => "ok\n".into_response(),
        Err(error) => {
            tracing::warn!(error = ?error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

/// The version, and what can be done: no secret, and nothing of any organization.
async fn describe(State(app): State<Arc<App>>) -> Response {
    let wso2 = app.config.compatibility == Compatibility::Wso2;
    Json(json!({
        "name": "guestlist",
        "version": env!("CARGO_PKG_VERSION"),
        "contract": guestlist_harness::CONTRACT,
        "plugin": app.session.plugin().digest(),
        "compatibility": if wso2 { "wso2-7" } else { "none" },
        "abilities": ["guests-v1", "invitations-v1", "client-credentials", "organization-switch"],
    }))
    .into_response()
}
