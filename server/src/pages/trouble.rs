//! Pages for what did not work.

use std::sync::Arc;

use askama::Template;
use axum::{
    http::{HeaderMap, StatusCode, Uri, header},
    response::Response,
};

use super::{
    page::{Page, html},
    texts,
    visit::Visit,
};
use crate::{
    app::App,
    problem::{FOREIGN, Problem, STALE},
};

#[derive(Template)]
#[template(path = "trouble.html")]
struct Trouble {
    page: Page,
    title: String,
    detail: String,
    request_id: String,
}

/// The page that tells a problem.
pub fn page(visit: &Visit, problem: &Problem) -> Response {
    let (title, detail) = words(visit, problem);
    let page = visit.bare_page("", &[]);
    let response =
        html(problem.status, &Trouble { page, title, detail, request_id: visit.request_id.clone() });
    problem.finish(response)
}

/// The page that tells a problem of a request which no handler has seen.
pub fn trouble(
    app: &Arc<App>,
    headers: &HeaderMap,
    uri: &Uri,
    problem: &Problem,
    request_id: &str,
) -> Response {
    page(&Visit::of(app.clone(), headers, uri, None, request_id), problem)
}

/// The same where the browser takes a page; else the problem as programs read it.
pub fn trouble_as_accepted(
    app: &Arc<App>,
    headers: &HeaderMap,
    uri: &Uri,
    problem: Problem,
    request_id: &str,
) -> Response {
    match accepts_pages(headers) {
        true => trouble(app, headers, uri, &problem, request_id),
        false => problem.into_problem(request_id),
    }
}

/// Tells whether a browser asks: programs do not name HTML.
fn accepts_pages(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/html")
    })
}

/// What happened, and what to do.
fn words(visit: &Visit, problem: &Problem) -> (String, String) {
    let language = visit.language;
    let public = visit.app.links.to("");
    match (problem.status, problem.code.as_str()) {
        (_, FOREIGN) => (texts::foreign_title(language), texts::foreign_detail(language, public)),
        (_, STALE) => (texts::stale_title(language), texts::stale_detail(language)),
        (StatusCode::NOT_FOUND, _) => (texts::not_found_title(language), texts::not_found_detail(language)),
        (StatusCode::UNAUTHORIZED, _) => {
            (texts::unauthorized_title(language), texts::unauthorized_detail(language))
        }
        (StatusCode::FORBIDDEN, _) => (texts::forbidden_title(language), texts::forbidden_detail(language)),
        (StatusCode::PAYLOAD_TOO_LARGE, _) => {
            (texts::too_long_title(language), texts::too_long_detail(language))
        }
        (StatusCode::GATEWAY_TIMEOUT, _) => (texts::slow_title(language), texts::slow_detail(language)),
        (status, _) if status.is_client_error() => {
            (texts::not_understood_title(language), texts::not_understood_detail(language))
        }
        _ => (texts::unavailable_title(language), texts::unavailable_detail(language)),
    }
}
