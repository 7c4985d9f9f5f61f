//! The interface of the reference for inviting users of the parent organization, of WSO2 Identity Server 7.
//!
//! Below a root (`/t/{root}/o/api/..`, the organization is the token's), below an organization
//! (`/t/{root}/o/{organization}/api/..`), and without `/t/{root}` where there is a `default-root`. The page
//! `docs/api.md` has each difference.

mod answers;
mod requests;

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use guestlist_contract::{
    exports::{
        invitations::Refusal,
        invitee::{Handle, InviteeRefusal},
    },
    host,
    types::{Invitation, InvitationFilter, PageRequest, SortKey, State as Status},
};
use serde_json::{Value, json};

use self::requests::{Asked, Confirmation, Listing};
use crate::{
    app::App,
    config::Compatibility,
    guard::{Granted, Routes, Taste},
    problem::Problem,
    table::Operation,
};

/// The most invitations that one list shows. The reference's has no pages.
const LISTED: usize = 10_000;

type Answer = Result<Response, Problem>;

/// Adds the routes of one place in front of them.
fn below(routes: Routes, base: &str) -> Routes {
    let at = |path: &str| format!("{base}/api/server/v1/guests{path}");
    routes
        .add(Method::POST, &at("/invite"), Operation::Invite, told(invite))
        .add(Method::POST, &at("/invitation/introspect"), Operation::Answer, told(introspect))
        .add(Method::POST, &at("/invitation/accept"), Operation::Answer, told(accept))
        .add(Method::GET, &at("/invitations"), Operation::ViewInvitations, list_told)
        .add(Method::DELETE, &at("/invitations/{id}"), Operation::Revoke, delete_told)
}

/// All routes of the reference's interface.
pub fn routes(app: Arc<App>) -> Routes {
    let mut routes = Routes::new(app, Taste::Reference);
    for base in ["/t/{root}/o", "/t/{root}/o/{organization}", "/o", "/o/{organization}"] {
        routes = below(routes, base);
    }
    // The page behind the reference's links accepts here, without any organization.
    for base in ["/t/{root}", ""] {
        let path = format!("{base}/api/server/v1/guests/invitation/accept");
        routes = routes.add(Method::POST, &path, Operation::Answer, told(accept));
    }
    routes
}

/// Makes a handler of what takes a body.
fn told<F, R>(
    run: F,
) -> impl Fn(State<Arc<App>>, Granted, RawQuery, Bytes) -> Told + Clone + Send + Sync + 'static
where
    F: Fn(Arc<App>, Granted, Option<String>, Bytes) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Answer> + Send + 'static,
{
    move |State(app), granted, RawQuery(query), body| {
        let running = run(app, granted.clone(), query, body);
        Box::pin(async move { running.await.unwrap_or_else(|problem| granted.tell(problem)) })
    }
}

type Told = std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

async fn list_told(State(app): State<Arc<App>>, granted: Granted, RawQuery(query): RawQuery) -> Response {
    list(&app, &granted, query.as_deref().unwrap_or_default())
        .await
        .unwrap_or_else(|problem| granted.tell(problem))
}

async fn delete_told(
    State(app): State<Arc<App>>,
    granted: Granted,
    Path(named): Path<Vec<(String, String)>>,
) -> Response {
    let id = named.into_iter().find(|(name, _)| name == "id").map(|(_, id)| id).unwrap_or_default();
    delete(&app, &granted, id).await.unwrap_or_else(|problem| granted.tell(problem))
}

/// Tells whether the answer shall have what the reference's does not.
fn is_extended(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair == "view=extended"))
}

async fn invite(app: Arc<App>, granted: Granted, query: Option<String>, body: Bytes) -> Answer {
    granted.organization()?;
    let wso2 = app.config.compatibility == Compatibility::Wso2;
    let asked = Asked::read(&body, wso2)?;
    if wso2 && asked.names.is_empty() && granted.rights.contains(Operation::Invite.needs().rights()) {
        return Ok(Json(json!([])).into_response());
    }
    let names = asked.names.clone();
    let asked = asked.into_request()?;
    let answer = app.session.invite(granted.context(&app), asked).await?;
    let items = answer.map_err(|refusal| answers::invite_refused(&refusal, wso2))?;
    let body = match is_extended(query.as_deref()) {
        true => guestlist_rest::invite_answer(&names, &items),
        false => answers::invited(&names, &items),
    };
    Ok(Json(body).into_response())
}

async fn introspect(app: Arc<App>, granted: Granted, _: Option<String>, body: Bytes) -> Answer {
    let Confirmation { code } = Confirmation::read(&body)?;
    let context = granted.context(&app);
    let answer = app.session.introspect(context, Handle::Code(code.clone())).await?;
    let wso2 = app.config.compatibility == Compatibility::Wso2;
    let preview = answer.map_err(|refusal| match refusal {
        // An expired one is shown as that to whom it is for.
        InviteeRefusal::Host(_) => Problem::of_invitee(host::Operation::Introspect, &refusal),
        _ => answers::unknown_code(&code, wso2),
    })?;
    let status = match preview.state {
        Status::Pending | Status::Accepting => "PENDING",
        Status::Expired => "EXPIRED",
        _ => return Err(answers::unknown_code(&code, wso2)),
    };
    Ok(Json(json!({
        "confirmationCode": code,
        "username": preview.name,
        "userOrganization": preview.parent,
        "initiatedOrganization": preview.key.organization,
        "status": status,
    }))
    .into_response())
}

async fn accept(app: Arc<App>, granted: Granted, _: Option<String>, body: Bytes) -> Answer {
    let Confirmation { code } = Confirmation::read(&body)?;
    let answer = app.session.accept(granted.context(&app), Handle::Code(code.clone())).await?;
    let wso2 = app.config.compatibility == Compatibility::Wso2;
    let accepted = answer.map_err(|refusal| answers::accept_refused(&refusal, &code, wso2))?;
    if wso2 && accepted.repeated {
        return Err(answers::not_accepted(&code, wso2));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn list(app: &App, granted: &Granted, query: &str) -> Answer {
    let wso2 = app.config.compatibility == Compatibility::Wso2;
    let Listing { states } = Listing::read(query, wso2)?;
    let mut rows: Vec<Invitation> = Vec::new();
    let mut after = None;
    loop {
        let filter = InvitationFilter {
            states: states.clone(),
            grant: None,
            inviter: None,
            invitee: None,
            name_prefix: None,
            dismissed: Some(false),
        };
        let page = PageRequest { sort: SortKey::CreatedAt, descending: false, after, limit: 200 };
        let answer = app.session.list(granted.context(app), filter, page).await?;
        let page = answer.map_err(|refusal| Problem::of_refusal(host::Operation::List, &refusal))?;
        rows.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
        if rows.len() >= LISTED {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "GL-40906",
                "Too many for one list.",
                format!(
                    "There are more than {LISTED} invitations: read them in pages, at `/api/v1/invitations`."
                ),
            ));
        }
    }
    let items = match is_extended(Some(query)) {
        true => rows.iter().map(guestlist_rest::invitation).collect(),
        false => answers::listed(app, granted.organization()?, &rows, wso2).await?,
    };
    let body = match items {
        Value::Array(items) if items.is_empty() && wso2 => json!({}),
        items => json!({ "invitations": items }),
    };
    Ok(Json(body).into_response())
}

/// Revokes what is open and takes what has ended off the list.
async fn delete(app: &App, granted: &Granted, id: String) -> Answer {
    let wso2 = app.config.compatibility == Compatibility::Wso2;
    let context = || granted.context(app);
    let refused = |refusal: Refusal| answers::delete_refused(&refusal, &id, wso2);
    let before =
        app.database.reading().invitations(granted.organization()?, std::slice::from_ref(&id)).await?;
    match app.session.revoke(context(), id.clone(), None).await? {
        Ok(()) | Err(Refusal::WrongState(_)) => {}
        Err(refusal) => return Err(refused(refusal)),
    }
    app.session.dismiss(context(), id.clone()).await?.map_err(refused)?;
    if wso2 && before.iter().flatten().any(|row| row.dismissed) {
        return Err(answers::not_there(&id));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}
