//! What a scenario file can say.
//!
//! These types are the format: the parser, the JSON Schema and the checks of a file all come from them.
//! A step is one flat mapping with exactly one action among its keys, because then a misspelt key is
//! found by the parser, with its place. Every text that refers to something carries its place as well.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::schema;
use crate::memory::{HumanDuration, MailMode, Rule, SettingsPatch, World};

/// A text and where it stands.
pub type Text = Spanned<String>;

/// A scenario: a world, what happens in it, and what must have come of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in a sentence.
    #[schemars(with = "String")]
    pub name: Text,
    /// More about it, for people.
    #[serde(default)]
    pub about: Option<String>,
    /// For `--filter`, beside the name and the path.
    #[serde(default)]
    pub tags: Vec<String>,
    /// A world file, relative to this file, or a world written here.
    #[schemars(with = "WorldSchema")]
    pub world: Spanned<WorldSource>,
    /// When the clock starts, as in `2026-03-02T09:00:00Z`; the world's by default.
    #[serde(default)]
    #[schemars(with = "Option<schema::Instant>")]
    pub clock: Option<Text>,
    /// Where entropy starts; the world's by default.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The organization of every administrator's step that names none.
    #[serde(default, rename = "in")]
    #[schemars(with = "Option<String>")]
    pub organization: Option<Text>,
    /// Who acts in every step that names nobody.
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
    /// What must have come of all steps together.
    #[serde(default)]
    #[schemars(with = "Option<Outcome>")]
    pub expect: Option<Spanned<Outcome>>,
    /// Failures of the host, counted over all steps; or `sweep`: the scenario is run again with every
    /// host call failing in turn, in every way, and each guarantee is checked.
    #[serde(default)]
    #[schemars(with = "FaultsSchema")]
    pub faults: Faults,
}

/// Whether calls share an instance.
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
    /// As in a world file.
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
pub(super) const ACTIONS: [&str; 18] = [
    "invite",
    "list",
    "get",
    "resend",
    "revoke",
    "revoke-all",
    "approve",
    "reject",
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
    /// The caller's own invitations, everywhere.
    pub list_mine: Option<ListMine>,
    /// What the caller would accept.
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
    /// Who acts: a user by id or name, as `ORGANIZATION/USER`, `client:ID`, `anonymous` or `system`.
    #[serde(rename = "as")]
    #[schemars(with = "Option<String>")]
    pub caller: Option<Text>,
    /// The organization that the step acts in.
    #[serde(rename = "in")]
    #[schemars(with = "Option<String>")]
    pub organization: Option<Text>,
    /// Of a revoke, reject, revoke-all or decline.
    pub reason: Option<String>,
    /// A failure of the host during this step.
    #[schemars(with = "Option<FaultEntry>")]
    pub fault: Option<Spanned<FaultEntry>>,
    /// What must come of it. Without it a call must be answered with success.
    #[schemars(with = "Option<Outcome>")]
    pub expect: Option<Spanned<Outcome>>,
}

/// `invite`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Invite {
    /// User names of the parent organization.
    pub users: Vec<String>,
    /// Ids of groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Ids of roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Where plain names are looked up; the default store by default.
    #[serde(default)]
    pub userstore_domain: Option<String>,
    /// As in `24h`, or `never`; the organization's setting by default.
    #[serde(default)]
    #[schemars(with = "Option<schema::Lifetime>")]
    pub lifetime: Option<Text>,
    /// `internal` or `external`; the organization's setting by default.
    #[serde(default)]
    pub notify: Option<Notifying>,
    /// The mail template.
    #[serde(default)]
    pub template: Option<String>,
    /// Pairs that are stored with the invitation.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Makes repeating it harmless.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// Who brings the code.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Notifying {
    /// The plugin, by mail.
    Internal,
    /// The caller, who gets it in the answer.
    External,
}

/// `list`: all conditions that are given hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct List {
    /// As in `pending`; empty: any.
    #[schemars(with = "Vec<schema::State>")]
    pub states: Vec<Text>,
    /// Those that carry this group.
    pub group: Option<String>,
    /// Those that carry this role.
    pub role: Option<String>,
    /// Those by this person.
    #[schemars(with = "Option<String>")]
    pub inviter: Option<Text>,
    /// Those for this person.
    #[schemars(with = "Option<String>")]
    pub invitee: Option<Text>,
    /// Those whose user name starts like this.
    pub name_prefix: Option<String>,
    /// `created-at`, `expires-at` or `name`.
    pub sort: Option<SortBy>,
    /// The greatest first.
    pub descending: bool,
    /// `next` of the `list` before, or a text that is no cursor.
    pub after: Option<String>,
    /// Most invitations of a page; 200 by default.
    pub limit: Option<u32>,
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SortBy {
    /// When they were made.
    CreatedAt,
    /// When they run out.
    ExpiresAt,
    /// The user name.
    Name,
}

/// `list-mine`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ListMine {
    /// As in `pending`; empty: any.
    #[schemars(with = "Vec<schema::State>")]
    pub states: Vec<Text>,
    /// `next` of the `list-mine` before, or a text that is no cursor.
    pub after: Option<String>,
    /// Most invitations of a page; 200 by default.
    pub limit: Option<u32>,
}

/// `revoke-all`: of an invitee or of an inviter.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RevokeAll {
    /// Whose invitations to the organization.
    #[schemars(with = "Option<String>")]
    pub invitee: Option<Text>,
    /// Who has sent them.
    #[schemars(with = "Option<String>")]
    pub inviter: Option<Text>,
}

/// Which invitation is meant by somebody who answers one: `code` or `invitation`, or a code that is
/// none (`text`, `never-issued`).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Handle {
    /// The code that was handed out for this invitation, as in `alice's invitation`.
    #[schemars(with = "Option<String>")]
    pub code: Option<Text>,
    /// With `code`: the first, second .. that was handed out; the last by default.
    pub nth: Option<usize>,
    /// With `code`: only its first characters, as a link that a mail program has cut.
    pub cut: Option<usize>,
    /// By id, as from the invitee's own dashboard.
    #[schemars(with = "Option<String>")]
    pub invitation: Option<Text>,
    /// This text, whatever it is.
    pub text: Option<String>,
    /// `true`: a whole code that nobody was ever given.
    pub never_issued: bool,
}

/// `sweep`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Sweep {
    /// Most items; 100 by default.
    pub limit: Option<u32>,
}

/// Something in the world: exactly one of these. `in` says in which organization.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Event {
    /// Disables an account.
    #[schemars(with = "Option<String>")]
    pub disable_user: Option<Text>,
    /// Enables it again.
    #[schemars(with = "Option<String>")]
    pub enable_user: Option<Text>,
    /// Deletes an account.
    #[schemars(with = "Option<String>")]
    pub delete_user: Option<Text>,
    /// Makes an account, also with the name of somebody who was deleted.
    #[schemars(with = "Option<NewUserSchema>")]
    pub create_user: Option<crate::memory::NewUser>,
    /// Gives somebody another user name.
    pub rename_user: Option<Rename>,
    /// Makes somebody a member by hand.
    #[schemars(with = "Option<String>")]
    pub add_member: Option<Text>,
    /// Removes a member.
    #[schemars(with = "Option<String>")]
    pub remove_member: Option<Text>,
    /// Gives a member a group or role by hand.
    pub give: Option<Giving>,
    /// Takes it away.
    pub take: Option<Giving>,
    /// Deletes a group.
    #[schemars(with = "Option<String>")]
    pub delete_group: Option<Text>,
    /// Deletes a role.
    #[schemars(with = "Option<String>")]
    pub delete_role: Option<Text>,
    /// Suspends an organization.
    #[schemars(with = "Option<String>")]
    pub suspend_organization: Option<Text>,
    /// Lets it work again.
    #[schemars(with = "Option<String>")]
    pub resume_organization: Option<Text>,
    /// Deletes it.
    #[schemars(with = "Option<String>")]
    pub delete_organization: Option<Text>,
    /// Gives it another parent, or none.
    pub move_organization: Option<Moving>,
    /// Sets what people may do, by reference.
    pub set_permissions: Option<BTreeMap<String, Vec<String>>>,
    /// Changes settings, as in a world file.
    #[schemars(with = "Option<SettingsPatch>")]
    pub change_settings: Option<SettingsPatch>,
    /// Replaces the scripted policy.
    #[schemars(with = "Option<Vec<Rule>>")]
    pub set_policy: Option<Vec<Rule>>,
    /// A user store stops answering.
    pub silence_store: Option<String>,
    /// It answers again.
    pub wake_store: Option<String>,
    /// How the mail system behaves from now on: `deliver`, `fail` or `take`.
    #[schemars(with = "Option<schema::Mailing>")]
    pub mail: Option<MailMode>,
    /// Ends what the mail system had taken: `delivered` or `bounced`.
    pub settle_mail: Option<Settled>,
}

impl Event {
    /// How many things it says: one is right.
    pub(super) fn count(&self) -> usize {
        let given = [
            self.disable_user.is_some(),
            self.enable_user.is_some(),
            self.delete_user.is_some(),
            self.create_user.is_some(),
            self.rename_user.is_some(),
            self.add_member.is_some(),
            self.remove_member.is_some(),
            self.give.is_some(),
            self.take.is_some(),
            self.delete_group.is_some(),
            self.delete_role.is_some(),
            self.suspend_organization.is_some(),
            self.resume_organization.is_some(),
            self.delete_organization.is_some(),
            self.move_organization.is_some(),
            self.set_permissions.is_some(),
            self.change_settings.is_some(),
            self.set_policy.is_some(),
            self.silence_store.is_some(),
            self.wake_store.is_some(),
            self.mail.is_some(),
            self.settle_mail.is_some(),
        ];
        given.into_iter().filter(|given| *given).count()
    }
}

/// An account.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(dead_code, reason = "describes `NewUser`")]
struct NewUserSchema {
    id: String,
    name: String,
    store: Option<String>,
    email: Option<String>,
}

/// Another user name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rename {
    /// Who.
    #[schemars(with = "String")]
    pub user: Text,
    /// His new name.
    pub to: String,
}

/// A group or role of somebody.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Giving {
    /// Whose.
    #[schemars(with = "String")]
    pub user: Text,
    /// A group's id.
    #[serde(default)]
    pub group: Option<String>,
    /// Or a role's.
    #[serde(default)]
    pub role: Option<String>,
}

/// Another parent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Moving {
    /// Which organization.
    #[schemars(with = "String")]
    pub organization: Text,
    /// Below this one; absent: it becomes a root.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub below: Option<Text>,
}

/// How a mail ended.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Settled {
    /// It is in the mailbox.
    Delivered,
    /// It came back.
    Bounced,
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
    /// How many random schedules; 20 by default.
    #[serde(default)]
    pub runs: Option<u32>,
    /// Without a seed: how often somebody may be interrupted who could go on; 1 by default.
    #[serde(default)]
    pub switches: Option<usize>,
    /// So many of the calls must be answered with success, in every schedule.
    #[serde(default)]
    pub succeed: Option<usize>,
}

/// What must come of a step, or of all. What is not mentioned is not checked, but each list is whole:
/// what it leaves out must not have happened.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Outcome {
    /// The answer: a pattern.
    #[schemars(with = "Option<Value>")]
    pub answer: Option<Spanned<Value>>,
    /// The refusal of the whole call: a pattern.
    #[schemars(with = "Option<Value>")]
    pub refused: Option<Spanned<Value>>,
    /// There is no answer, because the instance was ended: why, as in `crash`.
    #[schemars(with = "Option<schema::Broken>")]
    pub broken: Option<Text>,
    /// Everything that it changed, a line each, in any order.
    #[schemars(with = "Option<Vec<String>>")]
    pub effects: Option<Spanned<Vec<Text>>>,
    /// The mails that arrived, in any order: patterns over `to`, `kind`, `subject`, `of` ..
    #[schemars(with = "Option<Vec<Value>>")]
    pub mails: Option<Spanned<Vec<Spanned<Value>>>>,
    /// The audit events, in order: patterns over `event`, `by`, `of`, `reason`, `operation`.
    #[schemars(with = "Option<Vec<Value>>")]
    pub audit: Option<Spanned<Vec<Spanned<Value>>>>,
    /// The host calls, in order: a name, or a name with a pattern of its arguments.
    #[schemars(with = "Option<Vec<Value>>")]
    pub calls: Option<Spanned<Vec<Spanned<Value>>>>,
    /// The host calls, in any order.
    #[schemars(with = "Option<Vec<Value>>")]
    pub calls_in_any_order: Option<Spanned<Vec<Spanned<Value>>>>,
    /// Some of the host calls, in this order.
    #[schemars(with = "Option<Vec<Value>>")]
    pub calls_include: Option<Spanned<Vec<Spanned<Value>>>>,
    /// Host calls that must not be there.
    #[schemars(with = "Option<Vec<Value>>")]
    pub calls_exclude: Option<Spanned<Vec<Spanned<Value>>>>,
    /// As in `<= 400000`.
    #[schemars(with = "Option<schema::Budget>")]
    pub fuel: Option<Text>,
    /// As in `<= 8`.
    #[schemars(with = "Option<schema::Budget>")]
    pub host_calls: Option<Text>,
    /// As in `<= 1MiB`.
    #[schemars(with = "Option<schema::Budget>")]
    pub memory: Option<Text>,
}

impl Outcome {
    pub(super) fn is_about_changes(&self) -> bool {
        self.effects.is_some() || self.mails.is_some() || self.audit.is_some()
    }

    pub(super) fn is_about_calls(&self) -> bool {
        self.calls.is_some()
            || self.calls_in_any_order.is_some()
            || self.calls_include.is_some()
            || self.calls_exclude.is_some()
    }
}

/// Failures of the host.
#[derive(Clone, Debug, Default)]
pub enum Faults {
    /// None.
    #[default]
    None,
    /// Every host call in turn.
    Sweep,
    /// These.
    These(Vec<Spanned<FaultEntry>>),
}

impl<'de> Deserialize<'de> for Faults {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> de::Visitor<'de> for Either {
            type Value = Faults;

            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str("`sweep`, or a list of faults")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Faults, E> {
                match word {
                    "sweep" => Ok(Faults::Sweep),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_seq<S: de::SeqAccess<'de>>(self, seq: S) -> Result<Faults, S::Error> {
                Vec::deserialize(de::value::SeqAccessDeserializer::new(seq)).map(Faults::These)
            }
        }

        from.deserialize_any(Either)
    }
}

/// `sweep`, or single failures.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes `Faults`")]
enum FaultsSchema {
    Sweep(SweepWord),
    These(Vec<FaultEntry>),
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes `Faults`")]
enum SweepWord {
    Sweep,
}

/// A failure at an exact place.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FaultEntry {
    /// The function, as in `membership.apply`; absent: whichever is called.
    #[serde(default)]
    #[schemars(with = "Option<schema::Call>")]
    pub call: Option<Text>,
    /// Which of its calls; the first by default.
    #[serde(default)]
    pub nth: Option<u32>,
    /// All later ones too.
    #[serde(default)]
    pub then_on: bool,
    /// An error of the function in the contract (`unavailable`, `outcome-unknown`, `denied` ..), or
    /// `conflict`, `full`, `timeout`, `crash`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub outcome: Option<Text>,
    /// For `outcome-unknown`, `timeout` and `crash`: it was applied before.
    #[serde(default)]
    pub applied: bool,
    /// Each item of the answer fails, not the call as a whole.
    #[serde(default)]
    pub items: bool,
    /// The answer comes after this time; the clock moves on meanwhile.
    #[serde(default)]
    #[schemars(with = "Option<schema::Length>")]
    pub takes: Option<HumanDuration>,
}
