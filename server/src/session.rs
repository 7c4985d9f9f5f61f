//! Sessions of browsers: the cookie, what binds a form to it, and whether a request comes from a page of ours.

use axum::http::{HeaderMap, HeaderValue, Method, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::{app::Links, secret};

/// The letters that tokens of sessions begin with.
pub const TOKEN: &str = "gls_";

/// The name of the cookie at a root: a session of one is unknown at another. `__Host-` keeps hosts below this one
/// from setting it; browsers take that name with TLS only.
fn cookie_name(root: &str, secure: bool) -> String {
    let prefix = if secure { "__Host-" } else { "" };
    format!("{prefix}guestlist-{root}")
}

/// The token of the session at a root. `None` where there is none, or more than one: nobody knows then which one
/// the server has set.
pub fn token<'a>(headers: &'a HeaderMap, root: &str, links: &Links) -> Option<&'a str> {
    let name = cookie_name(root, links.is_secure());
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut ours = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(|(known, _)| *known == name)
        .map(|(_, value)| value);
    let token = ours.next()?;
    (ours.next().is_none() && token.starts_with(TOKEN) && token.len() <= 64).then_some(token)
}

/// The header that gives a browser its token; without one, takes it away.
pub fn cookie(root: &str, links: &Links, token: Option<&str>) -> Option<HeaderValue> {
    let name = cookie_name(root, links.is_secure());
    let secure = if links.is_secure() { "; Secure" } else { "" };
    let over = if token.is_some() { "" } else { "; Max-Age=0" };
    let value = token.unwrap_or_default();
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{over}");
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What a form of a session has in it, so that no other site can make one. It says nothing of the token.
pub fn form_key(token: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"guestlist form\0");
    hash.update(token.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// Tells whether a form has the key of the session. It takes as long wherever the two differ.
pub fn is_form_key(token: &str, given: &str) -> bool {
    secret::digest(given) == secret::digest(&form_key(token))
}

/// Tells whether a method changes nothing.
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Tells whether a browser sent a request from a page of this server: by its `Origin`, or, where it says none, by
/// `Sec-Fetch-Site`. Whoever says neither is no browser of today, and has no business with a cookie.
pub fn is_own_page(headers: &HeaderMap, links: &Links) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (Some(origin), None) => origin.as_bytes() == links.origin().as_bytes(),
        (None, _) => headers.get("sec-fetch-site").is_some_and(|site| site.as_bytes() == b"same-origin"),
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn links(url: &str) -> Links {
        Links::new(&url.parse().unwrap())
    }

    fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_token_of_one_root_is_none_at_another_and_two_are_none() {
        let plain = links("http://127.0.0.1:8080");
        let secure = links("https://id.example");
        let one = headers(&[("cookie", "a=b; guestlist-vendor=gls_1; guestlist-acme=gls_2")]);
        assert_eq!(token(&one, "vendor", &plain), Some("gls_1"));
        assert_eq!(token(&one, "acme", &plain), Some("gls_2"));
        assert_eq!(token(&one, "other", &plain), None);
        assert_eq!(token(&one, "vendor", &secure), None, "it was set without TLS");
        let host = headers(&[("cookie", "__Host-guestlist-vendor=gls_1"), ("cookie", "c=d")]);
        assert_eq!(token(&host, "vendor", &secure), Some("gls_1"));
        assert_eq!(token(&host, "vendor", &plain), None);
        let two = headers(&[("cookie", "guestlist-vendor=gls_1"), ("cookie", "guestlist-vendor=gls_2")]);
        assert_eq!(token(&two, "vendor", &plain), None);
        let other = headers(&[("cookie", "guestlist-vendor=gla_1")]);
        assert_eq!(token(&other, "vendor", &plain), None);
    }

    #[test]
    fn a_page_of_ours_has_our_origin_or_says_that_it_is_of_the_same() {
        let links = links("https://id.example/guests");
        for (ours, all) in [
            (true, &[("origin", "https://id.example")][..]),
            (true, &[("sec-fetch-site", "same-origin")]),
            (false, &[]),
            (false, &[("origin", "null")]),
            (false, &[("origin", "http://id.example")]),
            (false, &[("origin", "https://id.example:444")]),
            (false, &[("origin", "https://id.example.evil.example")]),
            (false, &[("sec-fetch-site", "same-site")]),
            (false, &[("sec-fetch-site", "none")]),
            (false, &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")]),
            (false, &[("origin", "https://id.example"), ("origin", "https://id.example")]),
        ] {
            assert_eq!(is_own_page(&headers(all), &links), ours, "{all:?}");
        }
    }

    #[test]
    fn a_form_belongs_to_one_session() {
        assert!(is_form_key("gls_1", &form_key("gls_1")));
        assert!(!is_form_key("gls_1", &form_key("gls_2")));
        assert!(!is_form_key("gls_1", ""));
        assert!(!form_key("gls_1").contains("gls_1"));
    }
}
