//! Groups and roles.

use guestlist_contract::{
    rights::Rights,
    types::{Grant, GrantKind},
};
use guestlist_memory::{Assignee, Role, Target};
use guestlist_storage::TargetDetail;
use serde::Deserialize;
use serde_json::Value;

use super::{
    asked::{Answer, Asked, Reply, check_name},
    shown,
};
use crate::problem::Problem;

/// The parameters of the lists.
pub const FILTERS: &[&str] = &["namePrefix", "limit", "after"];

fn grant(asked: &Asked, kind: GrantKind) -> Grant {
    Grant { kind, id: asked.named("id") }
}

/// Lists.
pub async fn list(asked: Asked, kind: GrantKind) -> Answer {
    let reading = asked.app.database.reading();
    let prefix = asked.parameter("namePrefix");
    let rows = reading.targets(asked.organization()?, kind, prefix, &asked.page()?).await?;
    Ok(Reply::ok(shown::listed(rows, shown::target)))
}

fn shown(detail: &TargetDetail) -> Value {
    match detail.target.grant.kind {
        GrantKind::Group => shown::group(detail),
        GrantKind::Role => shown::role(detail),
    }
}

async fn found(asked: &Asked, grant: &Grant) -> Result<TargetDetail, Problem> {
    let found = asked.app.database.reading().target(asked.organization()?, grant).await?;
    found.ok_or_else(|| Problem::not_found(grant.kind.text()))
}

/// Shows one.
pub async fn one(asked: Asked, kind: GrantKind) -> Answer {
    Ok(Reply::ok(shown(&found(&asked, &grant(&asked, kind)).await?)))
}

/// Lists who is in a group, or has a role.
pub async fn members(asked: Asked, kind: GrantKind) -> Answer {
    let grant = grant(&asked, kind);
    found(&asked, &grant).await?;
    let organization = asked.organization()?;
    let rows = asked.app.database.reading().members(organization, &grant, &asked.page()?).await?;
    Ok(Reply::ok(shown::listed(rows, |row| shown::person(row, organization))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewGroup {
    name: String,
}

fn target(name: String) -> Result<Target, Problem> {
    check_name("name", &name)?;
    Ok(Target { name, ..Target::default() })
}

/// Makes a group.
pub async fn create_group(asked: Asked) -> Answer {
    let NewGroup { name } = asked.body()?;
    let id = uuid::Uuid::new_v4().to_string();
    asked.administration().create_group(asked.organization()?, &id, target(name)?).await?;
    let group = Grant { kind: GrantKind::Group, id: id.clone() };
    Ok(Reply::created(shown(&found(&asked, &group).await?)).at(asked.at(&format!("/groups/{id}"))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRole {
    name: String,
    #[serde(default)]
    rights: Rights,
}

/// Makes a role.
pub async fn create_role(asked: Asked) -> Answer {
    let NewRole { name, rights } = asked.body()?;
    let id = uuid::Uuid::new_v4().to_string();
    let role = Role { target: target(name)?, rights, ..Role::default() };
    asked.administration().create_role(asked.organization()?, &id, role).await?;
    let role = Grant { kind: GrantKind::Role, id: id.clone() };
    Ok(Reply::created(shown(&found(&asked, &role).await?)).at(asked.at(&format!("/roles/{id}"))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupChange {
    name: String,
}

/// Gives a group another name.
pub async fn change_group(asked: Asked) -> Answer {
    let GroupChange { name } = asked.body()?;
    check_name("name", &name)?;
    let group = grant(&asked, GrantKind::Group);
    asked.administration().rename_target(asked.organization()?, &group, &name).await?;
    Ok(Reply::ok(shown(&found(&asked, &group).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleChange {
    name: Option<String>,
    rights: Option<Rights>,
}

/// Gives a role another name, or other rights.
pub async fn change_role(asked: Asked) -> Answer {
    let change: RoleChange = asked.body()?;
    let role = grant(&asked, GrantKind::Role);
    let (organization, administration) = (asked.organization()?, asked.administration());
    match change {
        RoleChange { name: Some(name), rights: None } => {
            check_name("name", &name)?;
            administration.rename_target(organization, &role, &name).await?;
        }
        RoleChange { name: None, rights: Some(rights) } => {
            administration.set_role_rights(organization, &role.id, rights).await?;
        }
        _ => return Err(super::one_thing("`name` or `rights`")),
    }
    Ok(Reply::ok(shown(&found(&asked, &role).await?)))
}

/// Deletes one.
pub async fn delete(asked: Asked, kind: GrantKind) -> Answer {
    let (organization, administration, id) =
        (asked.organization()?, asked.administration(), asked.named("id"));
    match kind {
        GrantKind::Group => administration.delete_group(organization, &id).await?,
        GrantKind::Role => administration.delete_role(organization, &id).await?,
    }
    Ok(Reply::done())
}

/// Gives a group a role.
pub async fn assign_group(asked: Asked) -> Answer {
    let to = Assignee::Group(asked.named("group"));
    asked.administration().assign_role(asked.organization()?, &asked.named("id"), &to).await?;
    Ok(Reply::done())
}

/// Takes it away.
pub async fn unassign_group(asked: Asked) -> Answer {
    let from = Assignee::Group(asked.named("group"));
    asked.administration().unassign_role(asked.organization()?, &asked.named("id"), &from).await?;
    Ok(Reply::done())
}

/// Gives a client of the organization a role.
pub async fn assign_client(asked: Asked) -> Answer {
    let (organization, client) = (asked.organization()?, asked.named("client"));
    let known = asked.app.accounts.client(organization, &client).await?;
    known.ok_or_else(|| Problem::not_found("client"))?;
    asked.administration().assign_role(organization, &asked.named("id"), &Assignee::Client(client)).await?;
    Ok(Reply::done())
}

/// Takes it away.
pub async fn unassign_client(asked: Asked) -> Answer {
    let from = Assignee::Client(asked.named("client"));
    asked.administration().unassign_role(asked.organization()?, &asked.named("id"), &from).await?;
    Ok(Reply::done())
}
