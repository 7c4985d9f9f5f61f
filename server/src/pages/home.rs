//! The front pages: of the server, and of a root.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::{
    page::{Page, html},
    texts,
    visit::{Visit, lead},
};
use crate::{guard::Granted, problem::Problem};

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    page: Page,
    /// The heading.
    title: String,
    /// The example of an address, where no root is named.
    example: Option<String>,
}

/// The front page of the server.
pub async fn server(visit: Visit) -> Response {
    let mut page = visit.bare_page("", &[]);
    page.root.clone_from(&visit.app.config.default_root);
    let title = page.server.clone();
    let example = page.root.is_none().then(|| visit.app.links.to("t/example"));
    html(StatusCode::OK, &Home { page, title, example })
}

/// The front page of a root.
pub async fn root(visit: Visit, granted: Granted) -> Response {
    let shown = async {
        let page = visit.page(&format!("t/{}", granted.place.handle), &[]).await?;
        let names = visit
            .app
            .database
            .reading()
            .names_of_organizations(std::slice::from_ref(&granted.place.root))
            .await?;
        let title = names.into_iter().next().flatten().unwrap_or_else(|| page.server.clone());
        let title = guestlist_mail::one_line(&title, 120);
        Ok::<_, Problem>(html(StatusCode::OK, &Home { page, title, example: None }))
    };
    visit.told(shown.await)
}

/// Leads to the front page of the root.
pub async fn back(visit: Visit) -> Response {
    lead(&visit.bare_page("", &[]).below(""))
}
