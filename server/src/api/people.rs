//! People of an organization: residents, and guests who are members.

use guestlist_contract::types::{Grant, GrantKind, Principal, UserRef};
use guestlist_memory::NewUser;
use guestlist_storage::{Identity, PeopleFilter, PersonDetail};
use serde::Deserialize;

use super::{
    asked::{Answer, Asked, Reply, check_name, present},
    shown,
};
use crate::{
    passwords::{self, PasswordError},
    problem::Problem,
};

/// The parameters of the list.
pub const FILTERS: &[&str] = &["usernamePrefix", "username", "email", "group", "role", "limit", "after"];

/// Lists.
pub async fn list(asked: Asked) -> Answer {
    let text = |name: &str| asked.parameter(name).map(str::to_owned);
    let filter = PeopleFilter {
        name_prefix: text("usernamePrefix"),
        name: text("username"),
        email: text("email"),
        group: text("group"),
        role: text("role"),
    };
    let organization = asked.organization()?;
    let rows = asked.app.database.reading().people(organization, &filter, &asked.page()?).await?;
    Ok(Reply::ok(shown::listed(rows, |row| shown::person(row, organization))))
}

/// The person of the path.
pub async fn found(asked: &Asked) -> Result<PersonDetail, Problem> {
    let found = asked.app.database.reading().person(asked.organization()?, &asked.named("person")).await?;
    found.ok_or_else(|| Problem::not_found("person"))
}

/// The account of the person of the path, who is resident here.
async fn resident(asked: &Asked) -> Result<UserRef, Problem> {
    let account = found(asked).await?.person.account;
    match account.organization == asked.organization()? {
        true => Ok(account),
        false => Err(Problem::new(
            axum::http::StatusCode::CONFLICT,
            "GL-40911",
            "A guest.",
            "They are resident in another organization: their password and identities are looked after there.",
        )),
    }
}

async fn shown_person(asked: &Asked, detail: &PersonDetail) -> Result<serde_json::Value, Problem> {
    let identities = asked.app.accounts.identities_of(&detail.person.account).await?;
    Ok(shown::person_detail(detail, &identities, asked.organization()?))
}

/// Shows one, with groups, roles and identities.
pub async fn one(asked: Asked) -> Answer {
    let detail = found(&asked).await?;
    Ok(Reply::ok(shown_person(&asked, &detail).await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct New {
    username: String,
    user_domain: Option<String>,
    email: Option<String>,
}

/// Makes an account for a resident.
pub async fn create(asked: Asked) -> Answer {
    let New { username, user_domain, email } = asked.body()?;
    check_name("username", &username)?;
    let id = uuid::Uuid::new_v4().to_string();
    let user = NewUser { id: id.clone(), name: username, store: user_domain, email };
    let organization = asked.organization()?;
    asked.administration().add_user(organization, user).await?;
    let made = asked.app.database.reading().person(organization, &id).await?;
    let made = made.ok_or_else(Problem::unavailable)?;
    Ok(Reply::created(shown_person(&asked, &made).await?).at(asked.at(&format!("/people/{id}"))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    username: Option<String>,
    #[serde(default, deserialize_with = "present")]
    email: Option<Option<String>>,
    active: Option<bool>,
}

/// Changes one thing of somebody.
pub async fn change(asked: Asked) -> Answer {
    let change: Change = asked.body()?;
    let (organization, id) = (asked.organization()?, asked.named("person"));
    let administration = asked.administration();
    match change {
        Change { username: Some(name), email: None, active: None } => {
            check_name("username", &name)?;
            administration.rename_user(organization, &id, &name).await?;
        }
        Change { username: None, email: Some(email), active: None } => {
            administration.set_user_email(organization, &id, email.as_deref()).await?;
        }
        Change { username: None, email: None, active: Some(active) } => {
            administration.set_user_active(organization, &id, active).await?;
        }
        _ => return Err(super::one_thing("`username`, `email` or `active`")),
    }
    let detail = found(&asked).await?;
    Ok(Reply::ok(shown_person(&asked, &detail).await?))
}

/// Deletes an account.
pub async fn delete(asked: Asked) -> Answer {
    let detail = found(&asked).await?;
    let organization = asked.organization()?;
    // A guest goes by the way that also closes the accepts that are under way.
    match detail.person.is_guest(organization) {
        true => asked.administration().remove_member(organization, &detail.person.account).await?,
        false => asked.administration().remove_user(organization, &detail.person.id).await?,
    }
    Ok(Reply::done())
}

/// A password. It has no `Debug`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    password: String,
}

/// Sets a password, and ends whatever somebody is signed in with.
pub async fn set_password(asked: Asked) -> Answer {
    let Password { password } = asked.body()?;
    let account = resident(&asked).await?;
    let digest = tokio::task::spawn_blocking(move || passwords::digest(&password));
    let digest = digest.await.map_err(|_| Problem::unavailable())?;
    let phc = digest.map_err(|error| match error {
        PasswordError::Length => Problem::invalid(format!("`password`: {error}.")),
        PasswordError::Failed(_) => {
            tracing::error!(%error, "a password was not kept");
            Problem::unavailable()
        }
    })?;
    asked.accounts().set_password(&asked.actor(), &account, &phc).await?;
    sign_out(&asked, &account).await?;
    Ok(Reply::done())
}

/// Takes a password away.
pub async fn remove_password(asked: Asked) -> Answer {
    let account = resident(&asked).await?;
    if !asked.accounts().remove_password(&asked.actor(), &account).await? {
        return Err(Problem::not_found("password"));
    }
    sign_out(&asked, &account).await?;
    Ok(Reply::done())
}

/// Whoever knew the old password is out.
async fn sign_out(asked: &Asked, account: &UserRef) -> Result<(), Problem> {
    let (accounts, actor) = (&asked.app.accounts, asked.actor());
    accounts.end_sessions_of(&actor, account, None).await?;
    accounts.revoke_tokens_of(&actor, &Principal::User(account.clone())).await?;
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Linked {
    issuer: String,
    subject: String,
}

/// Lets an identity of another system sign in as somebody.
pub async fn link(asked: Asked) -> Answer {
    let Linked { issuer, subject } = asked.body()?;
    let account = resident(&asked).await?;
    let identity = Identity { issuer, subject };
    asked.accounts().link_identity(&asked.actor(), &account, &identity).await?;
    Ok(Reply::created(shown::identity(&identity)))
}

/// Lets it no longer.
pub async fn unlink(asked: Asked) -> Answer {
    let missing =
        || Problem::invalid("Say which identity: the parameters `issuer` and `subject` are needed.");
    let text = |name: &str| asked.parameter(name).map(str::to_owned).ok_or_else(missing);
    let identity = Identity { issuer: text("issuer")?, subject: text("subject")? };
    let account = resident(&asked).await?;
    match asked.accounts().unlink_identity(&asked.actor(), &account, &identity).await? {
        true => Ok(Reply::done()),
        false => Err(Problem::not_found("identity")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    organization: String,
    id: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    roles: Vec<String>,
}

/// Makes somebody a member who is resident elsewhere below the same root.
pub async fn add_member(asked: Asked) -> Answer {
    let Member { organization: home, id, groups, roles } = asked.body()?;
    if groups.len() + roles.len() > 50 {
        return Err(Problem::invalid("`groups` and `roles` have at most 50 entries together."));
    }
    let account = UserRef { organization: super::organization_named(&asked, &home).await?.id, id };
    let of = |kind, ids: Vec<String>| ids.into_iter().map(move |id| Grant { kind, id });
    let grants: Vec<Grant> = of(GrantKind::Group, groups).chain(of(GrantKind::Role, roles)).collect();
    let organization = asked.organization()?;
    asked.administration().add_member_with(organization, &account, &grants).await?;
    let made = asked.app.database.reading().person_of(organization, &account).await?;
    let made = made.ok_or_else(Problem::unavailable)?;
    let place = asked.at(&format!("/people/{}", made.person.id));
    Ok(Reply::created(shown_person(&asked, &made).await?).at(place))
}

/// Puts somebody into a group, or gives them a role.
pub async fn give(asked: Asked, kind: GrantKind) -> Answer {
    let grant = Grant { kind, id: asked.named("id") };
    let account = found(&asked).await?.person.account;
    asked.administration().add_grant(asked.organization()?, &account, &grant).await?;
    Ok(Reply::done())
}

/// Takes it away.
pub async fn take(asked: Asked, kind: GrantKind) -> Answer {
    let grant = Grant { kind, id: asked.named("id") };
    let account = found(&asked).await?.person.account;
    asked.administration().remove_grant(asked.organization()?, &account, &grant).await?;
    Ok(Reply::done())
}
