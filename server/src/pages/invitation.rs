//! The page behind the link of the e-mail, and one's own invitations.
//!
//! Opening it changes nothing: programs of mail systems open links, too. The code never comes in an address; the
//! script takes it from behind the `#` into a form.

mod shown;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use guestlist_contract::{
    exports::invitee::{Handle, InviteeRefusal},
    host,
    types::{InvitationKey, State},
};

use self::shown::{Card, Done, Shower};
use super::{
    page::{Page, html},
    texts,
    visit::{Posted, Visit, lead},
    words,
};
use crate::{guard::Granted, problem::Problem};

/// Invitations on one page.
const ON_A_PAGE: u32 = 20;

/// The longest reason of who declines, in bytes, as the contract has it.
const REASON: usize = 500;

#[derive(Template)]
#[template(path = "invitations.html")]
struct Invitations {
    page: Page,
    cards: Vec<Card>,
    /// The address of the next page.
    more: Option<String>,
    /// It begins at the newest.
    is_first: bool,
    /// What is wrong with the code.
    error: String,
}

#[derive(Template)]
#[template(path = "invited.html")]
struct NotSignedIn {
    page: Page,
}

#[derive(Template)]
#[template(path = "invitation.html")]
struct One {
    page: Page,
    card: Card,
}

#[derive(Template)]
#[template(path = "answered.html")]
struct Answered {
    page: Page,
    title: String,
    detail: String,
    /// It did not work.
    is_refused: bool,
    /// The groups and roles, and what became of each.
    done: Vec<Done>,
    /// Where the organization sends who has accepted.
    landing: Option<String>,
}

fn path(granted: &Granted) -> String {
    format!("t/{}/invitation", granted.place.handle)
}

/// The page: whoever is signed in sees their invitations, and whoever is not is led to where they do that.
pub async fn show(visit: Visit, granted: Granted) -> Response {
    let shown = async {
        if granted.caller.is_none() {
            let page = visit.page(&path(&granted), &[]).await?;
            return Ok(html(StatusCode::OK, &NotSignedIn { page }));
        }
        listed(&visit, &granted, StatusCode::OK, String::new()).await
    };
    visit.told(shown.await)
}

async fn listed(
    visit: &Visit,
    granted: &Granted,
    status: StatusCode,
    error: String,
) -> Result<Response, Problem> {
    let page = visit.page(&path(granted), &["after"]).await?;
    let after = visit.query("after").map(str::to_owned);
    let is_first = after.is_none();
    let states = vec![State::Pending, State::Accepting];
    let app = &visit.app;
    let answer = app.session.list_mine(granted.invitees_context(app), states, after, ON_A_PAGE).await?;
    let found = match answer {
        Ok(found) => found,
        Err(refusal) => return refused(visit, granted, host::Operation::ListMine, &refusal).await,
    };
    let cards = Shower::new(visit, &page).cards(&found.items, None).await?;
    let more = found.next.map(|next| {
        let next = url::form_urlencoded::Serializer::new(String::new()).append_pair("after", &next).finish();
        let here = page.below("/invitation");
        format!("{here}{}{next}", if here.contains('?') { '&' } else { '?' })
    });
    Ok(html(status, &Invitations { page, cards, more, is_first, error }))
}

/// Leads to the page with the forms.
pub async fn back(visit: Visit) -> Response {
    lead(&visit.bare_page("", &[]).below("/invitation"))
}

/// The code of a form. Who copies the whole link means the code in it.
fn code(posted: &Posted) -> &str {
    let typed = posted.field("code").trim();
    typed.rsplit_once('#').map_or(typed, |(_, code)| code)
}

/// Leads somebody whose session is over to where they sign in, and back.
fn sign_in_first(visit: &Visit) -> Response {
    lead(&visit.bare_page("", &[]).sign_in_and("/invitation"))
}

/// Shows the invitation of a code. It only reads.
pub async fn look(granted: Granted, posted: Posted) -> Response {
    let visit = &posted.visit;
    let shown = async {
        if granted.caller.is_none() {
            return Ok(sign_in_first(visit));
        }
        let code = code(&posted);
        if code.is_empty() {
            return listed(visit, &granted, StatusCode::BAD_REQUEST, texts::no_code(visit.language)).await;
        }
        let app = &visit.app;
        let handle = Handle::Code(code.to_owned());
        match app.session.introspect(granted.invitees_context(app), handle).await? {
            Ok(preview) => {
                let page = visit.page(&path(&granted), &[]).await?;
                let mut cards = Shower::new(visit, &page).cards(&[preview], Some(code)).await?;
                let card = cards.pop().ok_or_else(Problem::unavailable)?;
                Ok(html(StatusCode::OK, &One { page, card }))
            }
            Err(refusal) => refused(visit, &granted, host::Operation::Introspect, &refusal).await,
        }
    };
    visit.told(shown.await)
}

/// The invitation that a form means.
enum Meant {
    One(Handle),
    /// There is a code, and it is another invitation's.
    Another,
    Refused(InviteeRefusal),
}

/// The code counts where there is one. It has to be that of the invitation on which it was typed.
async fn meant(granted: &Granted, posted: &Posted) -> Result<Option<Meant>, Problem> {
    let code = code(posted);
    let key = InvitationKey {
        organization: posted.field("organization").to_owned(),
        id: posted.field("id").to_owned(),
    };
    let has_key = !key.organization.is_empty() && !key.id.is_empty();
    if code.is_empty() {
        return Ok(has_key.then_some(Meant::One(Handle::Id(key))));
    }
    let handle = Handle::Code(code.to_owned());
    if !has_key {
        return Ok(Some(Meant::One(handle)));
    }
    let app = &posted.visit.app;
    Ok(Some(match app.session.introspect(granted.invitees_context(app), handle.clone()).await? {
        Ok(preview) if preview.key == key => Meant::One(handle),
        Ok(_) => Meant::Another,
        Err(refusal) => Meant::Refused(refusal),
    }))
}

/// Accepts an invitation.
pub async fn accept(granted: Granted, posted: Posted) -> Response {
    let visit = &posted.visit;
    let answered = async {
        let handle = match which(&granted, &posted, host::Operation::Accept).await? {
            Ok(handle) => handle,
            Err(response) => return Ok(response),
        };
        let app = &visit.app;
        match app.session.accept(granted.invitees_context(app), handle).await? {
            Ok(accepted) => {
                let page = visit.page(&path(&granted), &[]).await?;
                let language = page.language;
                let shower = Shower::new(visit, &page);
                let organization = shower.organization(&accepted.key.organization).await?;
                let done = shower.done(&accepted.key.organization, &accepted.outcomes).await?;
                let (title, detail) = match (accepted.member, accepted.repeated) {
                    (true, false) => {
                        (texts::accepted_title(language, &organization), texts::accepted_detail(language))
                    }
                    (true, true) => (
                        texts::accepted_title(language, &organization),
                        texts::accepted_before_detail(language),
                    ),
                    (false, _) => (
                        texts::removed_title(language, &organization),
                        texts::removed_detail(language, &organization),
                    ),
                };
                // Checked when it was taken, and once more: it becomes a link.
                let landing = accepted
                    .landing
                    .filter(|url| accepted.member && guestlist_contract::bounds::landing(url).is_ok());
                Ok(html(StatusCode::OK, &Answered { page, title, detail, is_refused: false, done, landing }))
            }
            Err(refusal) => refused(visit, &granted, host::Operation::Accept, &refusal).await,
        }
    };
    visit.told(answered.await)
}

/// Declines an invitation.
pub async fn decline(granted: Granted, posted: Posted) -> Response {
    let visit = &posted.visit;
    let answered = async {
        let handle = match which(&granted, &posted, host::Operation::Decline).await? {
            Ok(handle) => handle,
            Err(response) => return Ok(response),
        };
        let reason = Some(posted.field("reason").trim()).filter(|reason| !reason.is_empty());
        if reason.is_some_and(|reason| reason.len() > REASON) {
            let (title, detail) =
                (texts::not_understood_title(visit.language), texts::reason_too_long(visit.language, REASON));
            return told(visit, &granted, StatusCode::BAD_REQUEST, title, detail).await;
        }
        let app = &visit.app;
        let answer =
            app.session.decline(granted.invitees_context(app), handle, reason.map(str::to_owned)).await?;
        match answer {
            Ok(()) => {
                let page = visit.page(&path(&granted), &[]).await?;
                let (title, detail) =
                    (texts::declined_title(page.language), texts::declined_detail(page.language));
                let (done, landing) = (Vec::new(), None);
                Ok(html(StatusCode::OK, &Answered { page, title, detail, is_refused: false, done, landing }))
            }
            Err(refusal) => refused(visit, &granted, host::Operation::Decline, &refusal).await,
        }
    };
    visit.told(answered.await)
}

/// The invitation that is answered; else the page that says why there is none.
async fn which(
    granted: &Granted,
    posted: &Posted,
    operation: host::Operation,
) -> Result<Result<Handle, Response>, Problem> {
    let visit = &posted.visit;
    if granted.caller.is_none() {
        return Ok(Err(sign_in_first(visit)));
    }
    let language = visit.language;
    Ok(match meant(granted, posted).await? {
        Some(Meant::One(handle)) => Ok(handle),
        Some(Meant::Another) => {
            let (title, detail) = (texts::other_code_title(language), texts::other_code_detail(language));
            Err(told(visit, granted, StatusCode::BAD_REQUEST, title, detail).await?)
        }
        Some(Meant::Refused(refusal)) => Err(refused(visit, granted, operation, &refusal).await?),
        None => Err(listed(visit, granted, StatusCode::BAD_REQUEST, texts::no_code(language)).await?),
    })
}

/// Says why it was not done, with the status that programs get, too.
async fn refused(
    visit: &Visit,
    granted: &Granted,
    operation: host::Operation,
    refusal: &InviteeRefusal,
) -> Result<Response, Problem> {
    let problem = Problem::of_invitee(operation, refusal);
    let words = words::refused(visit.language, refusal);
    Ok(problem.finish(told(visit, granted, problem.status, words.title, words.detail).await?))
}

async fn told(
    visit: &Visit,
    granted: &Granted,
    status: StatusCode,
    title: String,
    detail: String,
) -> Result<Response, Problem> {
    let page = visit.page(&path(granted), &[]).await?;
    let (done, landing) = (Vec::new(), None);
    Ok(html(status, &Answered { page, title, detail, is_refused: true, done, landing }))
}
