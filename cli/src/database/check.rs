//! `guestlist database check`: does it answer?

use clap::Args;
use serde_json::json;

use super::{Where, print};
use crate::{Done, Failure, Format};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Where,
    /// For people or for machines.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub async fn run(arguments: &Arguments) -> Result<Done, Failure> {
    let health = arguments.place.open().await?.check().await?;
    let text = match arguments.format {
        Format::Text => {
            format!("{}, schema {}, its time is {}\n", health.kind, health.schema, health.now)
        }
        Format::Json => {
            let json = json!({ "kind": health.kind.to_string(), "schema": health.schema, "now": health.now });
            format!("{json:#}\n")
        }
    };
    print(&text)?;
    Ok(Done::Yes)
}
