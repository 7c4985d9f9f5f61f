//! The format of scenario files.
//!
//! These types are the format: the parser, the JSON Schema and the checks of a file all come from them.
//! A step is one flat mapping with exactly one action among its keys, because then a misspelt key is
//! found by the parser, with its place. Every text that refers to something carries its place as well.

mod calls;
mod event;
mod faults;
mod keys;
mod outcome;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use serde_saphyr::Spanned;

pub use calls::{Handle, Invite, List, ListMine, Notifying, RevokeAll, SortBy, Sweep};
pub use event::{
    Assigning, Event, Giving, Leased, Leasing, NewPlace, NewTarget, RenameGroup, RenameRole, RoleRights,
    Settled,
};
pub use faults::{FaultEntry, Faults};
pub(crate) use keys::{EVENT_KEYS, MAIL_KEYS};
pub use outcome::Outcome;

use super::schema_parts as schema;
use faults::FaultsSchema;
use guestlist_documents::HumanDuration;
use guestlist_memory::World;

/// A text and where it stands.
pub type Text = Spanned<String>;

/// A scenario: a world, what happens in it, and what must have come of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// A sentence about what it shows.
    #[schemars(with = "String")]
    pub name: Text,
    /// More about it, for people.
    #[serde(default)]
    pub about: Option<String>,
    /// Words for `--filter`, beside the name and the path.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Tells the scenario once for each row: a value that is written where the text says `$each`, or a mapping
    /// whose values are written where the text says `$COLUMN`.
    #[serde(default, rename = "for")]
    pub rows: Vec<Value>,
    /// A world file, relative to this file, or a world written here.
    #[schemars(with = "WorldSchema")]
    pub world: Spanned<WorldSource>,
    /// The time at which the clock starts, as in `2026-03-02T09:00:00Z`; the world's by default.
    #[serde(default)]
    #[schemars(with = "Option<schema::Instant>")]
    pub clock: Option<Text>,
    /// The number from which entropy starts; the world's by default.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The organization of every administrator's step that names none.
    #[serde(default, rename = "in")]
    #[schemars(with = "Option<String>")]
    pub organization: Option<Text>,
    /// The caller who acts in every step that names nobody.
    #[serde(default, rename = "as")]
    #[schemars(with = "Option<String>")]
    pub caller: Option<Text>,
    /// One instance for all calls, or a fresh one for each.
    #[serde(default)]
    pub instance: Instances,
    /// Steps before the story: they must work, and what they do is no part of `expect`.
    #[serde(default)]
    #[schemars(with = "Vec<Step>")]
    pub given: Vec<Spanned<Step>>,
    /// The story, in order.
    #[schemars(with = "Vec<Step>")]
    pub steps: Vec<Spanned<Step>>,
    /// Expectations of what must have come of all steps together.
    #[serde(default)]
    #[schemars(with = "Option<Outcome>")]
    pub expect: Option<Spanned<Outcome>>,
    /// Failures of the host, counted over all steps; or `sweep`: the scenario is run again with every
    /// host call failing in turn, in every way, and each guarantee is checked.
    #[serde(default)]
    #[schemars(with = "FaultsSchema")]
    pub faults: Faults,
}

/// Tells whether calls share an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Instances {
    /// A fresh instance for each call.
    #[default]
    Fresh,
    /// One instance for all calls, until a `restart`.
    Kept,
}

/// A world, here or in a file.
#[derive(Clone, Debug)]
pub enum WorldSource {
    /// Relative to the file that names it.
    File(String),
    /// A world, as in a world file.
    Here(Box<World>),
}

impl<'de> Deserialize<'de> for WorldSource {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> de::Visitor<'de> for Either {
            type Value = WorldSource;

            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str("a world, or the path of a world file")
            }

            fn visit_str<E: de::Error>(self, path: &str) -> Result<WorldSource, E> {
                Ok(WorldSource::File(path.to_owned()))
            }

            fn visit_map<M: de::MapAccess<'de>>(self, map: M) -> Result<WorldSource, M::Error> {
                let world = World::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(WorldSource::Here(Box::new(world)))
            }
        }

        from.deserialize_any(Either)
    }
}

/// The path of a world file, or a world.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes `WorldSource`")]
enum WorldSchema {
    File(String),
    Here(World),
}

/// The keys of a step that are actions.
pub(super) const ACTIONS: [&str; 19] = [
    "invite",
    "list",
    "get",
    "resend",
    "revoke",
    "revoke-all",
    "approve",
    "reject",
    "dismiss",
    "list-mine",
    "introspect",
    "accept",
    "decline",
    "sweep",
    "advance",
    "clock",
    "restart",
    "event",
    "race",
];

/// One step: exactly one action, and what goes with it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Step {
    // What the plugin does.
    /// Invites users of the parent organization.
    pub invite: Option<Invite>,
    /// Invitations of the organization.
    pub list: Option<List>,
    /// One invitation.
    #[schemars(with = "Option<String>")]
    pub get: Option<Text>,
    /// Sends again.
    #[schemars(with = "Option<Vec<String>>")]
    pub resend: Option<Vec<Text>>,
    /// Ends an invitation.
    #[schemars(with = "Option<String>")]
    pub revoke: Option<Text>,
    /// Ends all active invitations of somebody.
    pub revoke_all: Option<RevokeAll>,
    /// Lets a waiting invitation become pending.
    #[schemars(with = "Option<String>")]
    pub approve: Option<Text>,
    /// Ends a waiting invitation.
    #[schemars(with = "Option<String>")]
    pub reject: Option<Text>,
    /// Takes this ended one off the list.
    #[schemars(with = "Option<String>")]
    pub dismiss: Option<Text>,
    /// The caller's own invitations, everywhere.
    pub list_mine: Option<ListMine>,
    /// Shows what the caller would accept.
    pub introspect: Option<Handle>,
    /// Becomes a member.
    pub accept: Option<Handle>,
    /// Says no.
    pub decline: Option<Handle>,
    /// The host's upkeep of one organization.
    pub sweep: Option<Sweep>,

    // What happens around it.
    /// Lets time pass, as in `71h59m`.
    #[schemars(with = "Option<schema::Length>")]
    pub advance: Option<HumanDuration>,
    /// Sets the machine's clock, also back.
    #[schemars(with = "Option<schema::Instant>")]
    pub clock: Option<Text>,
    /// `true`: the host is stopped and started: what is stored is all that is left, and the next call
    /// gets a fresh instance.
    pub restart: Option<bool>,
    /// Something in the world.
    pub event: Option<Event>,
    /// Several calls at once.
    pub race: Option<Race>,

    // What goes with it.
    /// The caller who acts: a user by id or name, as `ORGANIZATION/USER`, `client:ID`, `anonymous` or
    /// `system`.
    #[serde(rename = "as")]
    #[schemars(with = "Option<String>")]
    pub caller: Option<Text>,
    /// The organization that the step acts in.
    #[serde(rename = "in")]
    #[schemars(with = "Option<String>")]
    pub organization: Option<Text>,
    /// The reason of a revoke, reject, revoke-all or decline.
    pub reason: Option<String>,
    /// A failure of the host during this step.
    #[schemars(with = "Option<FaultEntry>")]
    pub fault: Option<Spanned<FaultEntry>>,
    /// Expectations of what must come of it. Without any, a call must be answered with success.
    #[schemars(with = "Option<Outcome>")]
    pub expect: Option<Spanned<Outcome>>,
}

impl Step {
    /// Tells whether it asks the plugin, if it does anything.
    pub(super) fn is_call(&self) -> bool {
        let others = [
            self.advance.is_some(),
            self.clock.is_some(),
            self.restart.is_some(),
            self.event.is_some(),
            self.race.is_some(),
        ];
        !others.contains(&true)
    }
}

/// Several calls at once. Each stops before every host call, and the schedule decides who goes on; what
/// follows the race in the scenario is run and checked after every schedule.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Race {
    /// Two or more calls or events. `expect` of each is checked in every schedule.
    #[schemars(with = "Vec<Step>")]
    pub of: Vec<Spanned<Step>>,
    /// Random schedules start from this seed. Absent: all schedules with at most `switches`.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The number of random schedules; 20 by default.
    #[serde(default)]
    pub runs: Option<u32>,
    /// The most interruptions of somebody who could go on, in schedules without a seed; 1 by default.
    #[serde(default)]
    pub switches: Option<usize>,
    /// The number of calls that must be answered with success, in every schedule.
    #[serde(default)]
    pub succeed: Option<usize>,
}
