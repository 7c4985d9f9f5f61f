//! Events that can happen in the world of a scenario.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::Text;
use crate::schema_parts as schema;
use guestlist_documents::HumanDuration;
use guestlist_memory::{MailMode, NewUser, Rule, SettingsPatch};

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
    pub create_user: Option<NewUser>,
    /// Gives somebody another user name.
    pub rename_user: Option<Rename>,
    /// Gives somebody another verified address; without `to` they have none.
    pub change_email: Option<Addressing>,
    /// Moves somebody to another user store of the organization that they are of.
    pub move_to_store: Option<Rename>,
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
    /// Makes a group.
    pub create_group: Option<NewTarget>,
    /// Makes a role.
    pub create_role: Option<NewTarget>,
    /// Gives a group another name.
    pub rename_group: Option<RenameGroup>,
    /// Gives a role another name.
    pub rename_role: Option<RenameRole>,
    /// Deletes a group.
    #[schemars(with = "Option<String>")]
    pub delete_group: Option<Text>,
    /// Deletes a role.
    #[schemars(with = "Option<String>")]
    pub delete_role: Option<Text>,
    /// Makes an organization, with default settings.
    pub create_organization: Option<NewPlace>,
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
    /// Sets what those who have a role may do.
    pub set_rights: Option<RoleRights>,
    /// Gives a group or a client a role.
    pub assign_role: Option<Assigning>,
    /// Takes it away from a group or a client.
    pub unassign_role: Option<Assigning>,
    /// Lets somebody have roles for a time, by the word of an issuer, in place of those that the same issuer gave
    /// them before.
    pub lease_roles: Option<Leasing>,
    /// Ends what an issuer has given somebody.
    pub end_leases: Option<Leased>,
    /// Sets what people may do directly, by reference.
    pub set_permissions: Option<BTreeMap<String, Vec<String>>>,
    /// Changes settings, as in a world file.
    #[schemars(with = "Option<SettingsPatch>")]
    pub change_settings: Option<SettingsPatch>,
    /// Replaces the scripted policy.
    #[schemars(with = "Option<Vec<Rule>>")]
    pub set_policy: Option<Vec<Spanned<Rule>>>,
    /// A user store stops answering.
    pub silence_store: Option<String>,
    /// A user store answers again.
    pub wake_store: Option<String>,
    /// The behaviour of the e-mail system from now on: `deliver`, `fail` or `take`.
    #[schemars(with = "Option<schema::Mailing>")]
    pub mail: Option<MailMode>,
    /// Ends what the e-mail system had taken: `delivered` or `bounced`.
    pub settle_mail: Option<Settled>,
}

impl Event {
    /// The number of things that it says: one is right.
    pub(crate) fn count(&self) -> usize {
        let given = [
            self.disable_user.is_some(),
            self.enable_user.is_some(),
            self.delete_user.is_some(),
            self.create_user.is_some(),
            self.rename_user.is_some(),
            self.change_email.is_some(),
            self.move_to_store.is_some(),
            self.create_group.is_some(),
            self.create_role.is_some(),
            self.rename_group.is_some(),
            self.rename_role.is_some(),
            self.create_organization.is_some(),
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
            self.set_rights.is_some(),
            self.assign_role.is_some(),
            self.unassign_role.is_some(),
            self.lease_roles.is_some(),
            self.end_leases.is_some(),
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

/// Another user name, or another user store.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rename {
    /// The user who is meant.
    #[schemars(with = "String")]
    pub user: Text,
    /// The new name, or the store.
    pub to: String,
}

/// Another address.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Addressing {
    /// The user whose address it is.
    #[schemars(with = "String")]
    pub user: Text,
    /// The new address.
    #[serde(default)]
    pub to: Option<String>,
}

/// A group or role that is made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NewTarget {
    /// One that no other of its kind has in the organization.
    pub id: String,
    /// The id by default.
    #[serde(default)]
    pub name: Option<String>,
}

/// Another name of a group.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RenameGroup {
    /// Its id.
    pub group: String,
    /// The new name.
    pub to: String,
}

/// Another name of a role.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RenameRole {
    /// Its id.
    pub role: String,
    /// The new name.
    pub to: String,
}

/// Rights of a role.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RoleRights {
    /// Its id.
    pub role: String,
    /// The words, as in a world file.
    pub to: Vec<String>,
}

/// A role of a group or of a client.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Assigning {
    /// The role's id.
    pub role: String,
    /// A group's id.
    #[serde(default)]
    pub group: Option<String>,
    /// Or a client's.
    #[serde(default)]
    pub client: Option<String>,
}

/// Roles that somebody has for a time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Leasing {
    /// The user who has them.
    #[schemars(with = "String")]
    pub user: Text,
    /// The issuer by whose word they have them.
    pub issuer: String,
    /// The roles' ids.
    pub roles: Vec<String>,
    /// For how long from now, as in `8h`.
    #[serde(rename = "for")]
    #[schemars(with = "String")]
    pub lasting: HumanDuration,
}

/// Roles that an issuer has given somebody.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Leased {
    /// The user who has them.
    #[schemars(with = "String")]
    pub user: Text,
    /// The issuer.
    pub issuer: String,
}

/// An organization that is made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NewPlace {
    /// One that no other has or had.
    pub id: String,
    /// The id by default.
    #[serde(default)]
    pub name: Option<String>,
    /// Below this one; absent: it is a root.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub below: Option<Text>,
}

/// A group or role of somebody.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Giving {
    /// The user whose it is.
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
    /// The organization that is moved.
    #[schemars(with = "String")]
    pub organization: Text,
    /// Below this one; absent: it becomes a root.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub below: Option<Text>,
}

/// The ways in which an e-mail ends.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Settled {
    /// The e-mail is in the mailbox.
    Delivered,
    /// The e-mail came back.
    Bounced,
}
