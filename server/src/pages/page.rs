//! What all pages have: language, head and foot, and the headers of the answer.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use guestlist_mail::Language;

use super::texts;

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const CONTENT: &str = "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; \
                       frame-ancestors 'none'; base-uri 'none'";

/// What stands around every page.
pub struct Page {
    /// The language of its texts.
    pub language: Language,
    /// It was chosen on a page, so that links say it again.
    pub chosen: bool,
    /// The name of the server.
    pub server: String,
    /// What paths of links begin with.
    pub base: String,
    /// Its own path without the base, for a change of language.
    pub path: String,
    /// What its query has beside the language.
    pub query: Vec<(String, String)>,
    /// The handle of the root, where the page is below one.
    pub root: Option<String>,
    /// The name of who is signed in.
    pub who: Option<String>,
    /// What binds its forms to the session; empty where there is none.
    pub form_key: String,
}

impl Page {
    /// A text of the catalogue that has nothing to fill in.
    pub fn text(&self, of: impl Fn(Language) -> String) -> String {
        of(self.language)
    }

    fn link(&self, path: &str, language: Option<Language>, query: &[(String, String)]) -> String {
        let mut all = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in query {
            all.append_pair(name, value);
        }
        if let Some(language) = language {
            all.append_pair("lang", language.tag());
        }
        let query = all.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{path}{mark}{query}", self.base)
    }

    /// The address of a page, which goes on in the language that was chosen.
    pub fn to(&self, path: &str) -> String {
        self.link(path, self.chosen.then_some(self.language), &[])
    }

    /// The same for a page below the root of this one.
    pub fn below(&self, path: &str) -> String {
        let root = self.root.as_deref().unwrap_or_default();
        self.to(&format!("t/{root}{path}"))
    }

    /// The front page of the root, or of the server.
    pub fn front(&self) -> String {
        if self.root.is_some() { self.below("") } else { self.to("") }
    }

    /// The address at which people sign in and come back to a page below the root.
    pub fn sign_in_and(&self, path: &str) -> String {
        let root = self.root.as_deref().unwrap_or_default();
        let then = ("then".to_owned(), self.below(path));
        self.link(&format!("t/{root}/sign-in"), self.chosen.then_some(self.language), &[then])
    }

    /// The address of this page in another language.
    pub fn in_language(&self, language: &Language) -> String {
        self.link(&self.path, Some(*language), &self.query)
    }

    /// The address of a page of assets.
    pub fn asset(&self, name: &str) -> String {
        format!("{}assets/{name}", self.base)
    }

    /// The languages that there are, each in its own.
    pub fn languages(&self) -> [(Language, &'static str); 2] {
        [(Language::English, "English"), (Language::German, "Deutsch")]
    }

    /// Says who is signed in.
    pub fn signed_in_as(&self) -> Option<String> {
        self.who.as_ref().map(|who| texts::signed_in_as(self.language, who))
    }
}

/// The answer with a page.
pub fn html(status: StatusCode, template: &impl Template) -> Response {
    let body = match template.render() {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "a page was not written");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, CONTENT),
        // Without any, browsers would not say of their forms where they come from.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    (status, headers.map(|(name, value)| (name, HeaderValue::from_static(value))), body).into_response()
}
