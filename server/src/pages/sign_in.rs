//! Signing in with a password, and out.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::Response,
};
use guestlist_contract::{
    audit::Word,
    types::{Principal, UserRef},
};
use guestlist_storage::{AccountError, Actor, Login, NewSession, SignIn};

use super::{
    field::Field,
    page::{Page, html},
    texts,
    visit::{Posted, Visit, lead},
};
use crate::{app::App, guard::Granted, passwords, problem::Problem, secret, session, table::Operation};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Form {
    page: Page,
    action: String,
    fields: Vec<Field>,
    /// Why nobody is signed in.
    error: String,
    /// Where to go afterwards; empty where nothing was said.
    then: String,
}

/// The path of the page, without a slash in front.
fn path(granted: &Granted) -> String {
    let root = &granted.place.handle;
    match &granted.place.organization {
        Some(organization) => format!("t/{root}/o/{organization}/sign-in"),
        None => format!("t/{root}/sign-in"),
    }
}

/// What somebody typed.
struct Typed<'a> {
    organization: &'a str,
    name: &'a str,
    then: &'a str,
}

async fn form(visit: &Visit, granted: &Granted, typed: &Typed<'_>, error: String) -> Result<Form, Problem> {
    let page = visit.page(&path(granted), &["then"]).await?;
    let language = page.language;
    let mut fields = Vec::new();
    if granted.place.organization.is_none() {
        fields.push(Field {
            value: typed.organization.to_owned(),
            hint: texts::organization_hint(language),
            ..Field::text("organization", texts::organization(language), "organization")
        });
    }
    fields.push(Field {
        value: typed.name.to_owned(),
        ..Field::text("name", texts::user_name(language), "username")
    });
    fields.push(Field::password("password", texts::password(language), "current-password"));
    let action = page.to(&path(granted));
    Ok(Form { page, action, fields, error, then: typed.then.to_owned() })
}

/// A place to go to afterwards, if it is one of this server.
fn checked<'a>(app: &App, then: &'a str) -> &'a str {
    if app.links.is_own_path(then) { then } else { "" }
}

/// The form. It changes nothing, who ever opens it.
pub async fn show(visit: Visit, granted: Granted) -> Response {
    let shown = async {
        let then = checked(&visit.app, visit.query("then").unwrap_or_default());
        let typed = Typed { organization: &granted.place.handle, name: "", then };
        Ok(html(StatusCode::OK, &form(&visit, &granted, &typed, String::new()).await?))
    };
    visit.told(shown.await)
}

/// The reason why somebody is not let in.
enum Refused {
    /// Name, password or organization are wrong, or the account is disabled: who does not know the password learns
    /// no more than this.
    Wrong,
    /// There were too many wrong ones from there; the time to wait is in milliseconds.
    TooMany(u64),
    Failed(Problem),
}

impl<E: Into<Problem>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Signs in.
pub async fn sign_in(granted: Granted, posted: Posted) -> Response {
    let visit = &posted.visit;
    let typed = Typed {
        organization: posted.field("organization"),
        name: posted.field("name"),
        then: checked(&visit.app, posted.field("then")),
    };
    let told = match enter(visit, &granted, &typed, posted.field("password")).await {
        Ok(token) => entered(visit, &granted, &typed, &token),
        Err(Refused::Failed(problem)) => Err(problem),
        Err(Refused::Wrong) => {
            let error = texts::wrong_sign_in(visit.language);
            form(visit, &granted, &typed, error).await.map(|form| html(StatusCode::FORBIDDEN, &form))
        }
        Err(Refused::TooMany(after)) => {
            let seconds = after.div_ceil(1000);
            let error = texts::too_many_tries(visit.language, seconds);
            form(visit, &granted, &typed, error).await.map(|form| {
                let mut response = html(StatusCode::TOO_MANY_REQUESTS, &form);
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                response
            })
        }
    };
    visit.told(told)
}

fn entered(visit: &Visit, granted: &Granted, typed: &Typed<'_>, token: &str) -> Result<Response, Problem> {
    let page = visit.bare_page("", &[]);
    let to = if typed.then.is_empty() { page.below("/invitation") } else { typed.then.to_owned() };
    let mut response = lead(&to);
    let cookie = session::cookie(&granted.place.handle, &visit.app.links, Some(token));
    response.headers_mut().insert(header::SET_COOKIE, cookie.ok_or_else(Problem::unavailable)?);
    Ok(response)
}

fn actor(granted: &Granted, who: Principal, operation: Operation) -> Actor {
    Actor { who, request_id: granted.request_id.clone(), operation: operation.name().into() }
}

/// Judges a password and begins a session; answers with its token. Whoever is not found costs as much.
async fn enter(
    visit: &Visit,
    granted: &Granted,
    typed: &Typed<'_>,
    password: &str,
) -> Result<String, Refused> {
    let app = &visit.app;
    let stranger = actor(granted, Principal::Anonymous, Operation::SignIn);
    // Who names none is of the root, as the form says before anything is typed.
    let wanted = match typed.organization.trim() {
        "" => granted.place.handle.as_str(),
        named => named,
    };
    let organization = match &granted.place.organization {
        Some(organization) => Some(organization.clone()),
        None => {
            let found = app.accounts.organization_by_handle(&granted.place.root, wanted).await?;
            found.map(|found| found.id)
        }
    };
    let at = organization.as_deref().unwrap_or(&granted.place.root);
    let refuse = async |account: Option<&UserRef>, word| -> Result<(), Refused> {
        Ok(app.accounts.note_sign_in(&stranger, at, account, SignIn::Refused(word)).await?)
    };
    if let Err(too_many) = app.signing_in.tries.take(visit.source, app.now()) {
        // One event says it, not one for each knock.
        if too_many.first {
            refuse(None, Word::TooMany).await?;
        }
        return Err(Refused::TooMany(too_many.after));
    }
    let login = match &organization {
        Some(organization) => app.accounts.password_of(organization, typed.name.trim()).await?,
        None => None,
    };
    let phc = login.as_ref().and_then(|login| login.phc.clone());
    let is_right = judge(app, password.to_owned(), phc).await?;
    let account = login.as_ref().map(|login| &login.account);
    match login {
        Some(Login { ref account, active: true, .. }) if is_right => {
            let token = match begin(app, granted, account).await {
                Ok(token) => token,
                // They were disabled or deleted a moment ago.
                Err(AccountError::NotActive | AccountError::NotFound(_)) => {
                    refuse(Some(account), Word::NotActive).await?;
                    return Err(Refused::Wrong);
                }
                Err(error) => return Err(error.into()),
            };
            app.signing_in.tries.give_back(visit.source);
            if let Some(old) = visit.session() {
                let who = actor(granted, Principal::User(account.clone()), Operation::SignIn);
                app.accounts.end_session(&who, &secret::digest(old)).await?;
            }
            Ok(token)
        }
        Some(Login { active, .. }) => {
            refuse(account, if active { Word::WrongSecret } else { Word::NotActive }).await?;
            Err(Refused::Wrong)
        }
        None => {
            refuse(None, Word::NotFound).await?;
            Err(Refused::Wrong)
        }
    }
}

/// Compares a password where nobody else waits for it, and not more at once than there are cores.
async fn judge(app: &App, password: String, phc: Option<String>) -> Result<bool, Problem> {
    let place = app.signing_in.hashing.clone().acquire_owned().await.map_err(|_| Problem::unavailable())?;
    let judging = tokio::task::spawn_blocking(move || {
        let is_right = passwords::is_right(&password, phc.as_deref());
        drop(place);
        is_right
    });
    judging.await.map_err(|_| Problem::unavailable())
}

/// Begins a session with a token of its own: what a browser had before is worth nothing afterwards.
async fn begin(app: &App, granted: &Granted, account: &UserRef) -> Result<String, AccountError> {
    let token = secret::draw(session::TOKEN).map_err(|error| AccountError::Database(error.to_string()))?;
    let new = NewSession {
        digest: secret::digest(&token),
        account: account.clone(),
        root: granted.place.root.clone(),
        idle: app.config.sessions.idle.0,
        lifetime: app.config.sessions.lifetime.0,
    };
    let who = actor(granted, Principal::User(account.clone()), Operation::SignIn);
    app.accounts.begin_session(&who, &new).await?;
    Ok(token)
}

/// Signs out: the session ends here and in the database.
pub async fn out(granted: Granted, posted: Posted) -> Response {
    let visit = &posted.visit;
    let ended = async {
        if let Some(token) = visit.session() {
            let who = actor(&granted, granted.principal(), Operation::SignOut);
            visit.app.accounts.end_session(&who, &secret::digest(token)).await?;
        }
        let mut response = lead(&visit.bare_page("", &[]).below(""));
        let cookie = session::cookie(&granted.place.handle, &visit.app.links, None);
        response.headers_mut().insert(header::SET_COOKIE, cookie.ok_or_else(Problem::unavailable)?);
        Ok(response)
    };
    visit.told(ended.await)
}
