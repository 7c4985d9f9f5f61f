//! Lets things happen in the world between two calls.

use serde_saphyr::Spanned;

use super::{
    failure::Failure,
    format::{
        Assigning, Event, Giving, Leased, Leasing, NewPlace, NewTarget, RenameGroup, RenameRole, RoleRights,
        Settled, Step, Text,
    },
    people::person,
    stage::Stage,
};
use guestlist_contract::{
    rights::Rights,
    types::{Grant, GrantKind, Permissions},
};
use guestlist_memory::{Assignee, EventError};

/// Lets the event of a step happen.
pub(super) fn happen(stage: &Stage, step: &Spanned<Step>, event: &Event) -> Result<(), Failure> {
    let host = &stage.host;
    let within = stage.organization(&step.value);
    let place = || {
        let missing = || Failure::at(step, "in which organization?").helped("say so with `in`");
        within.as_ref().map(|text| text.value.as_str()).ok_or_else(missing)
    };
    let failed = |error: EventError| Failure::at(step, error.to_string());
    let here = within.as_ref().map(|text| text.value.as_str());
    // An account is changed where it is resident; everywhere else it is the same account.
    let account = |who: &Text| stage.account(here, who);
    let done = |result: Result<(), EventError>| result.map_err(failed);
    if let Some(who) = &event.disable_user {
        let user = account(who)?;
        done(host.set_user_active(&user.organization, &user.id, false))?;
    }
    if let Some(who) = &event.enable_user {
        let user = account(who)?;
        done(host.set_user_active(&user.organization, &user.id, true))?;
    }
    if let Some(who) = &event.delete_user {
        let user = account(who)?;
        done(host.remove_user(&user.organization, &user.id))?;
    }
    if let Some(user) = &event.create_user {
        done(host.add_user(place()?, user.clone()))?;
    }
    if let Some(rename) = &event.rename_user {
        let user = account(&rename.user)?;
        done(host.rename_user(&user.organization, &user.id, &rename.to))?;
    }
    if let Some(change) = &event.change_email {
        let user = account(&change.user)?;
        done(host.set_email(&user.organization, &user.id, change.to.as_deref()))?;
    }
    if let Some(moving) = &event.move_to_store {
        let user = account(&moving.user)?;
        done(host.set_user_store(&user.organization, &user.id, &moving.to))?;
    }
    if let Some(who) = &event.add_member {
        done(host.add_member(place()?, &account(who)?))?;
    }
    if let Some(who) = &event.remove_member {
        done(host.remove_member(place()?, &account(who)?))?;
    }
    if let Some(giving) = &event.give {
        done(host.add_grant(place()?, &account(&giving.user)?, &grant(step, giving)?))?;
    }
    if let Some(giving) = &event.take {
        done(host.remove_grant(place()?, &account(&giving.user)?, &grant(step, giving)?))?;
    }
    if let Some(NewTarget { id, name }) = &event.create_group {
        done(host.create_group(place()?, id, name.as_ref().unwrap_or(id)))?;
    }
    if let Some(NewTarget { id, name }) = &event.create_role {
        done(host.create_role(place()?, id, name.as_ref().unwrap_or(id)))?;
    }
    if let Some(RenameGroup { group, to }) = &event.rename_group {
        let group = Grant { kind: GrantKind::Group, id: group.clone() };
        done(host.rename_target(place()?, &group, to))?;
    }
    if let Some(RenameRole { role, to }) = &event.rename_role {
        let role = Grant { kind: GrantKind::Role, id: role.clone() };
        done(host.rename_target(place()?, &role, to))?;
    }
    if let Some(id) = &event.delete_group {
        done(host.delete_group(place()?, &id.value))?;
    }
    if let Some(id) = &event.delete_role {
        done(host.delete_role(place()?, &id.value))?;
    }
    if let Some(NewPlace { id, name, below }) = &event.create_organization {
        let below = below.as_ref().map(|text| text.value.as_str());
        done(host.create_organization(id, name.as_ref().unwrap_or(id), below))?;
    }
    if let Some(id) = &event.suspend_organization {
        done(host.set_organization_active(&id.value, false))?;
    }
    if let Some(id) = &event.resume_organization {
        done(host.set_organization_active(&id.value, true))?;
    }
    if let Some(id) = &event.delete_organization {
        done(host.delete_organization(&id.value))?;
    }
    if let Some(moving) = &event.move_organization {
        let below = moving.below.as_ref().map(|text| text.value.as_str());
        done(host.move_organization(&moving.organization.value, below))?;
    }
    if let Some(RoleRights { role, to }) = &event.set_rights {
        done(host.set_role_rights(place()?, role, rights(step, to)?))?;
    }
    if let Some(assigning) = &event.assign_role {
        done(host.assign_role(place()?, &assigning.role, &assigned(step, assigning)?))?;
    }
    if let Some(assigning) = &event.unassign_role {
        done(host.unassign_role(place()?, &assigning.role, &assigned(step, assigning)?))?;
    }
    if let Some(Leasing { user, issuer, roles, lasting }) = &event.lease_roles {
        let until = host.store_now().saturating_add(lasting.0);
        done(host.lease_roles(place()?, &account(user)?, issuer, roles, until))?;
    }
    if let Some(Leased { user, issuer }) = &event.end_leases {
        done(host.end_leases(place()?, &account(user)?, issuer))?;
    }
    if let Some(entries) = &event.set_permissions {
        for (who, words) in entries {
            let who = person(host, here, who).map_err(|why| Failure::at(step, why))?;
            host.set_permissions(place()?, who, permissions(step, words)?).map_err(failed)?;
        }
    }
    if let Some(patch) = &event.change_settings {
        done(host.change_settings(place()?, patch))?;
    }
    if let Some(rules) = &event.set_policy {
        let rules = rules.iter().map(|rule| rule.value.clone()).collect();
        done(host.set_policy(place()?, rules))?;
    }
    if let Some(store) = &event.silence_store {
        done(host.set_store_answers(place()?, store, false))?;
    }
    if let Some(store) = &event.wake_store {
        done(host.set_store_answers(place()?, store, true))?;
    }
    if let Some(mode) = event.mail {
        host.set_mail_mode(mode);
    }
    if let Some(settled) = event.settle_mail {
        host.settle_taken(matches!(settled, Settled::Delivered));
    }
    Ok(())
}

fn grant(step: &Spanned<Step>, giving: &Giving) -> Result<Grant, Failure> {
    match (&giving.group, &giving.role) {
        (Some(id), None) => Ok(Grant { kind: GrantKind::Group, id: id.clone() }),
        (None, Some(id)) => Ok(Grant { kind: GrantKind::Role, id: id.clone() }),
        _ => Err(Failure::at(step, "say either `group` or `role`")),
    }
}

fn assigned(step: &Spanned<Step>, assigning: &Assigning) -> Result<Assignee, Failure> {
    match (&assigning.group, &assigning.client) {
        (Some(id), None) => Ok(Assignee::Group(id.clone())),
        (None, Some(id)) => Ok(Assignee::Client(id.clone())),
        _ => Err(Failure::at(step, "say either `group` or `client`")),
    }
}

fn rights(step: &Spanned<Step>, words: &[String]) -> Result<Rights, Failure> {
    Rights::of_words(words.iter().map(String::as_str)).map_err(|why| Failure::at(step, why.to_string()))
}

/// The direct permissions of these words: those of the host come by a role only.
fn permissions(step: &Spanned<Step>, words: &[String]) -> Result<Permissions, Failure> {
    let mut flags = Permissions::empty();
    for word in words {
        let known = Rights::PERMISSIONS.iter().find(|(known, _)| known == word).map(|(_, flag)| *flag);
        flags |= match known {
            Some(flag) => flag,
            None if word == Rights::ALL => Permissions::all(),
            None => {
                let message = format!("`{word}` is no permission");
                let words = Rights::PERMISSIONS.map(|(word, _)| format!("`{word}`")).join(", ");
                return Err(Failure::at(step, message).helped(format!("there are {words} and `all`")));
            }
        };
    }
    Ok(flags)
}
