//! What a browser does: cookies, forms, and the headers that say where a request comes from.

use std::{collections::BTreeMap, sync::LazyLock};

use guestlist_contract::audit::Event;
use guestlist_server::{Config, passwords};
use guestlist_storage::{PageOf, TrailFilter};

use crate::{
    http::{Answer, Ask},
    place::{Guests, Place, actor, user},
};

/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery";

static PHC: LazyLock<String> = LazyLock::new(|| passwords::digest(PASSWORD).unwrap());

/// The world of `guestlist serve --dev`, and a root beside it.
const WORLD: &str = concat!(
    include_str!("../../src/dev.yaml"),
    "  - id: other\n    name: Other\n    users:\n      - { id: u-alice, name: alice, email: alice@other.example }\n"
);

/// Starts a server whose people have a password.
pub async fn start(change: impl FnOnce(&mut Config)) -> Place {
    let place = Place::start(WORLD, change).await;
    for (organization, id) in [
        ("vendor", "u-rita"),
        ("vendor", "u-alice"),
        ("vendor", "u-bob"),
        ("acme", "u-ann"),
        ("acme-labs", "u-lea"),
        ("other", "u-alice"),
    ] {
        place.accounts.set_password(&actor(), &user(organization, id), &PHC).await.unwrap();
    }
    place
}

/// The reference's interface of Acme, as Ann who administers it.
pub async fn acme(place: &Place) -> Guests<'_> {
    let token = place.token_of("acme", &user("acme", "u-ann")).await;
    Guests { place, root: "vendor", organization: "acme".into(), token }
}

/// The kinds of events of an organization, newest first.
pub async fn events(place: &Place, organization: &str) -> Vec<Event> {
    let page = PageOf { after: None, limit: 200 };
    place.database.reading().trail(organization, &TrailFilter::default(), &page).await.unwrap().items
}

/// A browser.
pub struct Browser<'a> {
    place: &'a Place,
    cookies: BTreeMap<String, String>,
    /// What it sends with everything.
    pub headers: Vec<(String, String)>,
}

/// A form of a page.
#[derive(Clone, Debug)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Form {
    /// The same with a field filled in, or changed.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value.into(),
            None => panic!("the form has no field `{name}`: {self:?}"),
        }
        self
    }

    /// The same without a field.
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self
    }

    pub fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap()
    }
}

/// The text of an attribute or an element, as it is meant.
pub fn unescaped(text: &str) -> String {
    text.replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
}

/// An attribute of a tag.
pub fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| unescaped(value))
}

/// The forms of a page.
pub fn forms(page: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    for part in page.split("<form ").skip(1) {
        let form = part.split_once("</form>").unwrap().0;
        let action = attribute(&format!(" {form}"), "action").unwrap();
        let field = |tag: &str| {
            let tag = format!(" {}", tag.split('>').next().unwrap());
            Some((attribute(&tag, "name")?, attribute(&tag, "value").unwrap_or_default()))
        };
        forms.push(Form { action, fields: form.split("<input ").skip(1).filter_map(field).collect() });
    }
    forms
}

/// The form that goes to a path.
#[track_caller]
pub fn form(answer: &Answer, action: &str) -> Form {
    let found = forms(&answer.text).into_iter().find(|form| form.action.split('?').next() == Some(action));
    found.unwrap_or_else(|| panic!("no form goes to {action}: {}", answer.text))
}

impl<'a> Browser<'a> {
    pub fn new(place: &'a Place) -> Self {
        let headers = vec![("Accept".to_owned(), "text/html,application/xhtml+xml,*/*;q=0.8".to_owned())];
        Self { place, cookies: BTreeMap::new(), headers }
    }

    pub fn cookies(&self) -> Vec<(String, String)> {
        self.cookies.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    pub fn take_cookies_of(&mut self, other: &Browser<'_>) {
        self.cookies = other.cookies.clone();
    }

    pub fn rename_cookie(&mut self, from: &str, to: &str) {
        let value = self.cookies.remove(from).unwrap();
        self.cookies.insert(to.into(), value);
    }

    pub fn origin(&self) -> String {
        self.place.config.public_url.as_ref().unwrap().origin().ascii_serialization()
    }

    /// Sends what it is given, with the cookies, and keeps those of the answer.
    pub async fn send(&mut self, mut ask: Ask) -> Answer {
        for (name, value) in &self.headers {
            ask = ask.header(name, value);
        }
        if !self.cookies.is_empty() {
            let all: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            ask = ask.header("Cookie", &all.join("; "));
        }
        let answer = self.place.send(ask).await;
        for (_, set) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (pair, attributes) = set.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match attributes.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.into(), value.into()),
            };
        }
        answer
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Ask::get(path)).await
    }

    /// Sends a form as a page of the server does it.
    pub async fn post(&mut self, form: &Form) -> Answer {
        let origin = self.origin();
        self.post_from(form, &[("Origin", &origin)]).await
    }

    /// Sends a form with these headers.
    pub async fn post_from(&mut self, form: &Form, headers: &[(&str, &str)]) -> Answer {
        let fields: Vec<_> =
            form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut ask = Ask::post(&form.action).form(&fields);
        for (name, value) in headers {
            ask = ask.header(name, value);
        }
        self.send(ask).await
    }

    /// The form at `/t/ROOT/sign-in`, filled in.
    pub async fn sign_in_form(&mut self, root: &str, organization: &str, name: &str, password: &str) -> Form {
        let path = format!("/t/{root}/sign-in");
        let page = self.get(&path).await;
        let form = form(page.is(200), &path).with("organization", organization).with("name", name);
        form.with("password", password)
    }

    pub async fn try_sign_in(&mut self, organization: &str, name: &str, password: &str) -> Answer {
        let form = self.sign_in_form("vendor", organization, name, password).await;
        self.post(&form).await
    }

    /// Signs in below `vendor`.
    pub async fn sign_in(&mut self, organization: &str, name: &str) {
        let answer = self.try_sign_in(organization, name, PASSWORD).await;
        assert_eq!(answer.is(303).header("location"), Some("/t/vendor/invitation"));
    }

    /// The name of who is signed in, as the front page says it.
    pub async fn who(&mut self) -> Option<String> {
        let page = self.get("/t/vendor").await;
        let (_, rest) = page.is(200).text.split_once("<span class=\"who\">")?;
        rest.split_once('<').map(|(who, _)| who.trim_start_matches("Signed in as ").to_owned())
    }
}
