//! A group and a role of one id are two things, also for the questions about the guarantees.

use guestlist_contract::{
    audit::{Event, EventKind},
    types::{GrantKind, Step},
};
use guestlist_memory::{MemberView, Snapshot};

use crate::{
    asking::{self, Case},
    guarantees::{ALWAYS, AT_REST, always, at_rest, broken},
    rig::*,
};

const WORLD: &str = "
organizations:
  - { id: root, users: [{ id: u-alice, name: alice, email: alice@example.com }] }
  - id: acme
    parent: root
    users: [{ id: u-ann, name: ann }]
    groups: [{ id: ops }]
    roles: [{ id: ops }]
    permissions: { u-ann: [all] }
";

/// Alice has accepted an invitation with both.
async fn lived() -> Case {
    let invite = asking::invite(request(&["alice"], &[group("ops"), role("ops")]));
    let mut case = Case::new(Rig::of(WORLD), Some("acme"), ann(), invite);
    assert_eq!(case.ask(None).await.words.unwrap(), ["ok"]);
    let id = case.rig.host.mails().pop().unwrap().invitation;
    (case.organization, case.caller) = (None, alice());
    case.ask = asking::accept(case.rig.code_of(&id));
    assert_eq!(case.ask(None).await.words.unwrap(), ["ok"]);
    case.rig.settle().await;
    case
}

fn alices(world: &mut Snapshot) -> &mut MemberView {
    let members = &mut world.organizations.get_mut("acme").unwrap().members;
    members.iter_mut().find(|member| member.account.id == "u-alice").unwrap()
}

fn given(world: &Snapshot, kind: GrantKind) -> Event {
    let is_it = |event: &&Event| {
        event.kind == EventKind::GrantAdded && event.grant.as_ref().is_some_and(|grant| grant.kind == kind)
    };
    world.audit.iter().find(is_it).unwrap().clone()
}

fn deleted(world: &Snapshot, grant: GrantKind, kind: EventKind) -> Event {
    Event { kind, invitation: None, subject: None, request_id: String::new(), ..given(world, grant) }
}

fn steps(world: &mut Snapshot) -> &mut Vec<Step> {
    &mut world.applied.get_mut("acme").unwrap().values_mut().next().unwrap().steps
}

/// The group was deleted after it had been given, which is right.
fn group_deleted(world: &mut Snapshot) {
    let event = deleted(world, GrantKind::Group, EventKind::WorldGroupDeleted);
    world.audit.push(event);
    world.organizations.get_mut("acme").unwrap().groups.remove("ops");
    alices(world).groups.remove("ops");
}

type Damage = fn(&mut Snapshot);

const DAMAGES: &[(&str, Damage)] = &[
    ("I-ONE", |world| world.audit.push(given(world, GrantKind::Role))),
    ("I-ONE", |world| world.audit.push(given(world, GrantKind::Group))),
    ("I-ONE", |world| {
        steps(world).pop();
        let group = steps(world).last().unwrap().clone();
        steps(world).push(group);
    }),
    ("I-LEAST", |world| {
        let event = deleted(world, GrantKind::Group, EventKind::WorldGroupDeleted);
        world.audit.insert(0, event);
    }),
    ("I-LEAST", |world| {
        let event = deleted(world, GrantKind::Role, EventKind::WorldRoleDeleted);
        world.audit.insert(0, event);
    }),
    ("I-LEAST", |world| {
        world
            .invitations
            .iter_mut()
            .for_each(|row| row.invitation.grants.retain(|grant| *grant == group("ops")));
    }),
    ("I-REST", |world| {
        group_deleted(world);
        alices(world).roles.remove("ops");
    }),
];

#[tokio::test]
async fn a_group_and_a_role_of_one_id_are_told_apart() {
    let case = lived().await;
    always(&case.rig, &case.history);
    at_rest(&case.rig, &case.history);
    let questions = [ALWAYS.as_slice(), AT_REST.as_slice()].concat();
    let found = |damage: Damage| {
        let mut world = case.rig.host.snapshot();
        damage(&mut world);
        broken(&questions, &world, &case.history)
    };
    assert_eq!(found(group_deleted), [""; 0]);
    for (index, (name, damage)) in DAMAGES.iter().enumerate() {
        let found = found(*damage);
        assert!(found.iter().any(|why| why.starts_with(name)), "damage {index}, {name}: {found:#?}");
    }
}
