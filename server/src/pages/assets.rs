//! The style sheet and the script: files of the server itself, small enough to be asked for each time.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::secret;

const STYLE: &str = include_str!("assets/style.css");

const SCRIPT: &str = include_str!("assets/invitation.js");

/// The style sheet of all pages.
pub async fn style(headers: HeaderMap) -> Response {
    answer(&headers, "text/css; charset=utf-8", STYLE)
}

/// The script of the page of invitations.
pub async fn script(headers: HeaderMap) -> Response {
    answer(&headers, "text/javascript; charset=utf-8", SCRIPT)
}

/// Keeps a copy in the browser, which asks whether it is still the one.
fn answer(headers: &HeaderMap, kind: &'static str, text: &'static str) -> Response {
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(secret::digest(text)));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
