//! Pages for people: forms that work without a script, in the language of the browser.
//!
//! A handler takes [`Visit`], and where something is changed [`Posted`]: its fields are there only when the form
//! belongs to the session. Every text stands in [`texts`], every page in `templates/`.

mod assets;
mod field;
mod first_start;
mod home;
mod invitation;
mod language;
mod page;
mod sign_in;
mod texts;
mod trouble;
mod visit;
mod words;

use std::sync::Arc;

use axum::http::Method;

pub use self::trouble::{trouble, trouble_as_accepted};
use crate::{
    app::App,
    guard::{Routes, Taste},
    table::Operation,
};

/// The routes of all pages.
pub fn routes(app: Arc<App>) -> Routes {
    let mut routes = Routes::new(app, Taste::Page)
        .open(Method::GET, "/", Operation::Home, home::server)
        .open(Method::GET, "/assets/style.css", Operation::Home, assets::style)
        .open(Method::GET, "/assets/invitation.js", Operation::Home, assets::script)
        .open(Method::GET, "/first-start/{secret}", Operation::FirstStart, first_start::show)
        .open(Method::POST, "/first-start/{secret}", Operation::FirstStart, first_start::make)
        .add(Method::GET, "/t/{root}", Operation::Home, home::root)
        .add(Method::GET, "/t/{root}/sign-out", Operation::Home, home::back)
        .add(Method::POST, "/t/{root}/sign-out", Operation::SignOut, sign_in::out);
    for path in ["/t/{root}/sign-in", "/t/{root}/o/{organization}/sign-in"] {
        routes = routes.add(Method::GET, path, Operation::SignIn, sign_in::show).add(
            Method::POST,
            path,
            Operation::SignIn,
            sign_in::sign_in,
        );
    }
    routes
        .add(Method::GET, "/t/{root}/invitation", Operation::Answer, invitation::show)
        .add(Method::POST, "/t/{root}/invitation", Operation::Answer, invitation::look)
        .add(Method::POST, "/t/{root}/invitation/accept", Operation::Answer, invitation::accept)
        .add(Method::POST, "/t/{root}/invitation/decline", Operation::Answer, invitation::decline)
        // Whoever goes back to these with the address bar lands on the page with the forms.
        .add(Method::GET, "/t/{root}/invitation/accept", Operation::Home, invitation::back)
        .add(Method::GET, "/t/{root}/invitation/decline", Operation::Home, invitation::back)
}
