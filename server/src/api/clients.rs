//! Clients: machines with credentials of their own.

use guestlist_documents::HumanDuration;
use guestlist_storage::{Client, NewClient};
use serde::Deserialize;
use serde_json::Value;

use super::{
    asked::{Answer, Asked, Nothing, Reply, check_name},
    shown,
};
use crate::{problem::Problem, secret};

/// The letters that secrets of clients begin with.
const SECRET: &str = "gls_";

/// Lists.
pub async fn list(asked: Asked) -> Answer {
    let rows = asked.app.database.reading().clients(asked.organization()?, &asked.page()?).await?;
    Ok(Reply::ok(shown::listed(rows, shown::client)))
}

/// Shows one.
pub async fn one(asked: Asked) -> Answer {
    let found = asked.app.accounts.client(asked.organization()?, &asked.named("id")).await?;
    Ok(Reply::ok(shown::client(&found.ok_or_else(|| Problem::not_found("client"))?)))
}

fn draw() -> Result<String, Problem> {
    secret::draw(SECRET).map_err(|error| {
        tracing::error!(%error, "there is no entropy");
        Problem::unavailable()
    })
}

fn with_secret(client: &Client, secret: String) -> Value {
    let mut shown = shown::client(client);
    if let Value::Object(fields) = &mut shown {
        fields.insert("secret".into(), secret.into());
    }
    shown
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    lifetime: Option<HumanDuration>,
}

/// Makes one. Its secret is in the answer, once.
pub async fn create(asked: Asked) -> Answer {
    let New { name, lifetime } = asked.body()?;
    check_name("name", &name)?;
    let secret = draw()?;
    let new = NewClient {
        id: uuid::Uuid::new_v4().to_string(),
        name,
        secret: secret::digest(&secret),
        lifetime: lifetime.map(|lifetime| lifetime.0),
    };
    let made = asked.accounts().create_client(&asked.actor(), asked.organization()?, &new).await?;
    let place = asked.at(&format!("/clients/{}", made.id));
    Ok(Reply::created(with_secret(&made, secret)).at(place))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotation {
    lifetime: Option<HumanDuration>,
}

/// Gives one another secret.
pub async fn rotate(asked: Asked) -> Answer {
    let Rotation { lifetime } = asked.body()?;
    let lifetime = lifetime.map(|lifetime| lifetime.0);
    let secret = draw()?;
    let (accounts, actor, id) = (asked.accounts(), asked.actor(), asked.named("id"));
    let digest = secret::digest(&secret);
    let client = accounts.rotate_client_secret(&actor, asked.organization()?, &id, &digest, lifetime).await?;
    Ok(Reply::ok(with_secret(&client, secret)))
}

/// Takes its credentials away, for ever.
pub async fn revoke(asked: Asked) -> Answer {
    asked.body::<Nothing>()?;
    let (actor, id) = (asked.actor(), asked.named("id"));
    let client = asked.accounts().revoke_client(&actor, asked.organization()?, &id).await?;
    Ok(Reply::ok(shown::client(&client)))
}
