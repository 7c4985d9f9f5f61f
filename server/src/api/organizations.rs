//! Organizations below another.

use guestlist_contract::types::UserRef;
use guestlist_storage::{Handled, NewOrganization, Organizations};
use serde::Deserialize;

use super::{
    asked::{Answer, Asked, Reply, check_name},
    organization_named, shown,
};
use crate::problem::Problem;

/// The parameters of the list.
pub const FILTERS: &[&str] = &["below", "limit", "after"];

/// Lists the children, or all below.
pub async fn list(asked: Asked) -> Answer {
    let organization = asked.organization()?.to_owned();
    let which = match asked.flag("below")? {
        Some(true) => Organizations::Below(organization),
        _ => Organizations::Children(organization),
    };
    let rows = asked.app.database.reading().organizations(&which, &asked.page()?).await?;
    Ok(Reply::ok(shown::listed(rows, shown::organization_row)))
}

/// The organization of the path's end, which is a child of the one that is acted in.
async fn child(asked: &Asked) -> Result<Handled, Problem> {
    let found = organization_named(asked, &asked.named("child")).await?;
    match found.parent.as_deref() == Some(asked.organization()?) {
        true => Ok(found),
        false => Err(Problem::not_found("organization below this one")),
    }
}

/// Shows one.
pub async fn one(asked: Asked) -> Answer {
    Ok(Reply::ok(shown::organization(&child(&asked).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    organization: String,
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct New {
    name: String,
    handle: String,
    administrator: Account,
    #[serde(default)]
    utc_offset_minutes: i32,
}

/// Makes one, with the standard roles, a handle and its first administrator.
pub async fn create(asked: Asked) -> Answer {
    let New { name, handle, administrator, utc_offset_minutes } = asked.body()?;
    check_name("name", &name)?;
    if !(-14 * 60..=14 * 60).contains(&utc_offset_minutes) {
        return Err(Problem::invalid("`utcOffsetMinutes` is between -840 and 840."));
    }
    let home = organization_named(&asked, &administrator.organization).await?;
    let administrator = UserRef { organization: home.id, id: administrator.id };
    let id = uuid::Uuid::new_v4().to_string();
    let parent = asked.organization()?.to_owned();
    let new = NewOrganization { id: id.clone(), name, parent: Some(parent), utc_offset_minutes };
    let administration = asked.administration();
    administration.create_standard_organization_with_handle(new, &handle, Some(&administrator)).await?;
    let made = organization_named(&asked, &id).await?;
    Ok(Reply::created(shown::organization(&made)).at(asked.at(&format!("/organizations/{id}"))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    active: Option<bool>,
    parent: Option<String>,
    handle: Option<String>,
}

/// Suspends one, lets it work again, moves it or gives it another handle.
pub async fn change(asked: Asked) -> Answer {
    let change: Change = asked.body()?;
    let id = child(&asked).await?.id;
    match change {
        Change { active: Some(active), parent: None, handle: None } => {
            asked.administration().set_organization_active(&id, active).await?;
        }
        Change { active: None, parent: Some(parent), handle: None } => {
            let parent = organization_named(&asked, &parent).await?.id;
            asked.administration().move_organization(&id, Some(&parent)).await?;
        }
        Change { active: None, parent: None, handle: Some(handle) } => {
            asked.app.accounts.set_handle(&asked.actor(), &id, &handle).await?;
        }
        _ => return Err(super::one_thing("`active`, `parent` or `handle`")),
    }
    Ok(Reply::ok(shown::organization(&organization_named(&asked, &id).await?)))
}

/// Deletes one, which has to be suspended before.
pub async fn delete(asked: Asked) -> Answer {
    let id = child(&asked).await?.id;
    asked.administration().delete_organization(&id).await?;
    Ok(Reply::done())
}
