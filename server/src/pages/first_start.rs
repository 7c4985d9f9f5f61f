//! The form behind the link of the first start: the first organization with its administrator.

use askama::Template;
use axum::{extract::Path, http::StatusCode, response::Response};
use guestlist_contract::types::Principal;
use guestlist_storage::Actor;

use super::{
    field::Field,
    page::{Page, html},
    texts,
    visit::{Posted, Visit, lead},
};
use crate::{
    first::{First, FirstError, FirstStart, Mistake, PURPOSE},
    passwords::{self, PasswordError},
    problem::Problem,
    secret,
    table::Operation,
};

#[derive(Template)]
#[template(path = "first_start.html")]
struct Form {
    page: Page,
    action: String,
    fields: Vec<Field>,
    is_wrong: bool,
}

#[derive(Template)]
#[template(path = "first_start_over.html")]
struct Over {
    page: Page,
}

/// A mistake in the form.
enum Wrong {
    Field(Mistake),
    /// The two passwords differ.
    Repetition,
    HandleTaken,
}

fn form(visit: &Visit, path: &str, typed: &dyn Fn(&str) -> String, wrong: Option<&Wrong>) -> Form {
    let page = visit.bare_page(path, &[]);
    let language = page.language;
    let text =
        |name, label, autocomplete| Field { value: typed(name), ..Field::text(name, label, autocomplete) };
    let mut fields = vec![
        Field {
            hint: texts::first_organization_hint(language),
            ..text("organization", texts::first_organization(language), "organization")
        },
        Field { hint: texts::handle_hint(language), ..text("handle", texts::handle(language), "off") },
        text("name", texts::first_user(language), "username"),
        Field { kind: "email", ..text("email", texts::email(language), "email") },
        Field {
            hint: texts::password_hint(language, passwords::SHORTEST),
            ..Field::password("password", texts::password(language), "new-password")
        },
        Field::password("repetition", texts::repetition(language), "new-password"),
    ];
    let (name, error) = match wrong {
        None => ("", String::new()),
        Some(Wrong::Field(Mistake::Organization)) => ("organization", texts::wrong_organization(language)),
        Some(Wrong::Field(Mistake::Handle)) => ("handle", texts::handle_hint(language)),
        Some(Wrong::HandleTaken) => ("handle", texts::handle_taken(language)),
        Some(Wrong::Field(Mistake::User)) => ("name", texts::wrong_user(language)),
        Some(Wrong::Field(Mistake::Email)) => ("email", texts::wrong_email(language)),
        Some(Wrong::Field(Mistake::Password)) => {
            ("password", texts::password_hint(language, passwords::SHORTEST))
        }
        Some(Wrong::Repetition) => ("repetition", texts::wrong_repetition(language)),
    };
    for field in fields.iter_mut().filter(|field| field.name == name) {
        if field.hint == error {
            field.hint.clear();
        }
        field.error.clone_from(&error);
    }
    let action = page.to(path);
    Form { page, action, fields, is_wrong: wrong.is_some() }
}

fn over(visit: &Visit) -> Response {
    html(StatusCode::GONE, &Over { page: visit.bare_page("", &[]) })
}

/// The form, as long as the link works.
pub async fn show(visit: Visit, Path(secret): Path<String>) -> Response {
    let shown = async {
        if !visit.app.accounts.is_link(PURPOSE, &secret::digest(&secret)).await? {
            return Ok(over(&visit));
        }
        let path = format!("first-start/{secret}");
        Ok::<_, Problem>(html(StatusCode::OK, &form(&visit, &path, &|_| String::new(), None)))
    };
    visit.told(shown.await)
}

/// Makes the organization and its administrator, once.
pub async fn make(Path(secret): Path<String>, posted: Posted) -> Response {
    let visit = &posted.visit;
    let first = First {
        organization: posted.field("organization").trim().to_owned(),
        handle: posted.field("handle").trim().to_owned(),
        user: posted.field("name").trim().to_owned(),
        email: posted.field("email").trim().to_owned(),
        password: posted.field("password").to_owned(),
    };
    let made = async {
        let app = &visit.app;
        let path = format!("first-start/{secret}");
        let digest = secret::digest(&secret);
        let again = |wrong: &Wrong| {
            html(
                StatusCode::BAD_REQUEST,
                &form(visit, &path, &|name| posted.field(name).to_owned(), Some(wrong)),
            )
        };
        // Of two at once in this process the second waits to see whether the first makes it.
        let _alone = app.signing_in.first.lock().await;
        if !app.accounts.is_link(PURPOSE, &digest).await? {
            return Ok(over(visit));
        }
        if let Err(mistake) = first.check() {
            return Ok(again(&Wrong::Field(mistake)));
        }
        if first.password != posted.field("repetition") {
            return Ok(again(&Wrong::Repetition));
        }
        if app.accounts.root_by_handle(&first.handle).await?.is_some() {
            return Ok(again(&Wrong::HandleTaken));
        }
        let actor = Actor {
            who: Principal::Anonymous,
            request_id: visit.request_id.clone(),
            operation: Operation::FirstStart.name().into(),
        };
        // INVARIANT: one administrator for one link. The database says who has it, also among several processes;
        // who then makes nobody gives it back.
        if !app.accounts.use_link(&actor, PURPOSE, &digest).await? {
            return Ok(over(visit));
        }
        let made = FirstStart::on(app.database.clone()).make(&first).await;
        if let Err(error) = made {
            app.accounts.make_link(&actor, PURPOSE, &digest, app.config.first_link.0).await?;
            return match error {
                FirstError::Mistake(mistake) => Ok(again(&Wrong::Field(mistake))),
                FirstError::Password(PasswordError::Length) => Ok(again(&Wrong::Field(Mistake::Password))),
                FirstError::Account(guestlist_storage::AccountError::Taken(_)) => {
                    Ok(again(&Wrong::HandleTaken))
                }
                error => {
                    tracing::error!(%error, "the first administrator was not made");
                    Err(Problem::unavailable())
                }
            };
        }
        Ok(lead(&visit.bare_page("", &[]).to(&format!("t/{}/sign-in", first.handle))))
    };
    visit.told(made.await)
}
