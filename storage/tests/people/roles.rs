//! What roles give, and to whom: as in memory.

use std::collections::BTreeSet;

use guestlist_contract::{
    host::Operation,
    rights::Rights,
    types::{GrantKind, Principal, UserRef},
};
use guestlist_memory::{Assignee, Role, Target};

use super::both::{Both, alice, ann, group, role, user};

fn rights(words: &[&str]) -> Rights {
    Rights::of_words(words.iter().copied()).unwrap()
}

fn deputy() -> UserRef {
    user("acme", "u-deputy")
}

fn help() -> Assignee {
    Assignee::Group("g-help".into())
}

fn robot() -> Assignee {
    Assignee::Client("robot".into())
}

/// Does the same in both, and compares what they were told, all that they store, and what everybody may do.
macro_rules! both {
    ($both:expr, $function:ident ( $($argument:expr),* $(,)? )) => {{
        let in_memory = $both.memory.$function($($argument),*);
        let done = Both::same(in_memory, $both.administration().$function($($argument),*).await);
        $both.compare().await;
        everybody(&$both).await;
        done
    }};
}

/// Both hosts say the same of everybody, everywhere.
async fn everybody(both: &Both) {
    let clients = ["hr", "robot", "nobody"].map(|id| Principal::Client(id.into()));
    let people =
        [alice(), user("partner", "u-gus0"), deputy(), user("acme", "u-ann"), user("root", "u-carl")];
    let people = people.into_iter().map(Principal::User);
    let all: Vec<_> = people.chain(clients).chain([Principal::System, Principal::Anonymous]).collect();
    let in_database = both.database.people();
    for organization in ["root", "acme", "globex", "nowhere"] {
        for who in &all {
            let expected = both.memory.rights(organization, who);
            assert_eq!(
                in_database.rights(organization, who).await.unwrap(),
                expected,
                "{organization} {who:?}"
            );
        }
    }
}

async fn may(both: &Both, who: &Principal) -> Option<Rights> {
    everybody(both).await;
    both.memory.rights("acme", who)
}

#[tokio::test]
async fn rights_come_by_roles_as_in_memory() {
    let both = Both::new().await;
    assert!(both!(both, set_role_rights("acme", "r-admin", rights(&["approve", "manage-people"]))));
    assert!(!both!(both, set_role_rights("acme", "g-help", rights(&["approve"]))), "a group has none");
    assert_eq!(may(&both, &Principal::User(deputy())).await, Some(rights(&["view"])));
    assert!(both!(both, add_grant("acme", &deputy(), &role("r-admin"))));
    let more = rights(&["view", "approve", "manage-people"]);
    assert_eq!(may(&both, &Principal::User(deputy())).await, Some(more));
    assert!(both!(both, remove_grant("acme", &deputy(), &role("r-admin"))));
    assert!(both!(both, assign_role("acme", "r-admin", &help())));
    assert!(both!(both, assign_role("acme", "r-admin", &help())), "and again");
    assert!(both!(both, add_grant("acme", &deputy(), &group("g-help"))));
    assert_eq!(may(&both, &Principal::User(deputy())).await, Some(more));
    assert!(both!(both, set_user_active("acme", "u-deputy", false)));
    assert_eq!(may(&both, &Principal::User(deputy())).await, None);
    assert!(both!(both, set_user_active("acme", "u-deputy", true)));
    // What the plugin sees of it are its own permissions.
    let call = both.memory.call(Operation::Invite, Some("acme"), ann());
    let standing = both
        .ask(&call, |host, call| async move {
            host.directory.standing(&call, "acme".into(), Principal::User(deputy())).await
        })
        .await;
    assert_eq!(standing, Ok(Some(more.permissions)));
    assert!(both!(both, unassign_role("acme", "r-admin", &help())));
    assert!(!both!(both, unassign_role("acme", "r-admin", &help())));
    assert_eq!(may(&both, &Principal::User(deputy())).await, Some(rights(&["view"])));
    assert!(both!(both, add_member("acme", &alice())));
    assert_eq!(may(&both, &Principal::User(alice())).await, Some(Rights::empty()));
}

#[tokio::test]
async fn clients_have_roles_as_in_memory() {
    let both = Both::new().await;
    assert!(both!(both, assign_role("acme", "r-admin", &robot())));
    assert_eq!(may(&both, &Principal::Client("robot".into())).await, Some(Rights::empty()), "it has access");
    assert!(both!(both, set_role_rights("acme", "r-admin", Rights::all())));
    assert_eq!(may(&both, &Principal::Client("robot".into())).await, Some(Rights::all()));
    assert!(both!(both, assign_role("acme", "r-admin", &Assignee::Client("hr".into()))));
    assert_eq!(may(&both, &Principal::Client("hr".into())).await, Some(Rights::all()), "and what it had");
    for wrong in ["", &"x".repeat(256)] {
        let assigned =
            both.administration().assign_role("acme", "r-admin", &Assignee::Client(wrong.into())).await;
        assert!(
            assigned.is_err()
                && both.memory.assign_role("acme", "r-admin", &Assignee::Client(wrong.into())).is_err()
        );
    }
    for (there, to) in [("no-role", robot()), ("r-admin", Assignee::Group("no-group".into()))] {
        assert!(!both!(both, assign_role("acme", there, &to)));
        assert!(!both!(both, unassign_role("acme", there, &to)));
    }
    assert!(both!(both, unassign_role("acme", "r-admin", &robot())));
    assert_eq!(may(&both, &Principal::Client("robot".into())).await, None);
    assert!(both!(both, delete_role("acme", "r-admin")));
    assert_eq!(may(&both, &Principal::Client("hr".into())).await, Some(rights(&["invite"])));
}

#[tokio::test]
async fn an_issuers_word_counts_for_its_time_as_in_memory() {
    let both = Both::new().await;
    assert!(both!(both, set_role_rights("acme", "r-admin", rights(&["approve"]))));
    let until = both.memory.store_now() + 1_000;
    let roles = ["r-admin".to_owned()];
    assert!(both!(both, lease_roles("acme", &deputy(), "sso", &roles, until)));
    let who = Principal::User(deputy());
    assert_eq!(may(&both, &who).await, Some(rights(&["view", "approve"])));
    both.memory.advance(999);
    assert_eq!(may(&both, &who).await, Some(rights(&["view", "approve"])));
    both.memory.advance(1);
    assert_eq!(may(&both, &who).await, Some(rights(&["view"])), "at that instant it has ended");
    let until = both.memory.store_now() + 1_000;
    assert!(both!(both, lease_roles("acme", &deputy(), "sso", &roles, until)));
    assert!(both!(both, lease_roles("acme", &deputy(), "other", &roles, until)));
    assert!(both!(both, end_leases("acme", &deputy(), "sso")));
    assert_eq!(may(&both, &who).await, Some(rights(&["view", "approve"])), "the other issuer's is left");
    assert!(both!(both, lease_roles("acme", &deputy(), "other", &[], until)));
    assert_eq!(may(&both, &who).await, Some(rights(&["view"])));
    assert!(!both!(both, lease_roles("acme", &deputy(), "sso", &["no-role".to_owned()], until)));
    assert!(!both!(both, lease_roles("acme", &alice(), "sso", &roles, until)), "no member");
    assert!(both!(both, lease_roles("acme", &deputy(), "sso", &roles, until)));
    assert!(both!(both, delete_role("acme", "r-admin")));
    assert_eq!(may(&both, &who).await, Some(rights(&["view"])));
}

#[tokio::test]
async fn groups_and_roles_are_made_renamed_and_deleted_with_what_hangs_on_them() {
    let both = Both::new().await;
    assert!(both!(both, rename_target("acme", &group("g-help"), "Helpers")));
    assert!(both!(both, rename_target("acme", &role("r-admin"), "Chief")));
    assert!(!both!(both, rename_target("acme", &role("g-help"), "Nobody")));
    let made = Role {
        target: Target { name: "Watchers".into(), ..Target::default() },
        rights: rights(&["view", "read-trail"]),
        groups: BTreeSet::from(["g-help".to_owned()]),
        clients: BTreeSet::from(["robot".to_owned()]),
        standard: false,
    };
    both.administration().create_role("acme", "r-watch", made.clone()).await.unwrap();
    both.memory.create_role("acme", "r-watch", "Watchers").unwrap();
    both.memory.set_role_rights("acme", "r-watch", made.rights).unwrap();
    both.memory.assign_role("acme", "r-watch", &help()).unwrap();
    both.memory.assign_role("acme", "r-watch", &robot()).unwrap();
    let stored = both.database.dump().await.unwrap();
    assert_eq!(stored.organizations["acme"].roles["r-watch"], made);
    everybody(&both).await;
    both.administration().delete_group("acme", "g-help").await.unwrap();
    both.memory.delete_group("acme", "g-help").unwrap();
    everybody(&both).await;
    let stored = both.database.dump().await.unwrap();
    assert!(stored.organizations["acme"].roles["r-watch"].groups.is_empty());
    // A new group of that id does not have the role.
    both.administration().create_group("acme", "g-help", made.target.clone()).await.unwrap();
    let stored = both.database.dump().await.unwrap();
    assert!(stored.organizations["acme"].roles["r-watch"].groups.is_empty());
    let told = both.administration().create_role("acme", "r-watch", made).await.unwrap_err().to_string();
    assert_eq!(told, "role `r-watch` is there already");
}

/// A group means what its roles do: whoever has less may not invite into it.
#[tokio::test]
async fn nobody_may_give_more_than_they_have_as_in_memory() {
    let both = Both::new().await;
    let hr = Principal::Client("hr".into());
    assert!(both!(both, set_role_rights("acme", "r-admin", rights(&["approve"]))));
    let grants = [group("g-help"), role("r-admin")];
    let call = both.memory.call(Operation::Invite, Some("acme"), hr.clone());
    let grantable = async |who: &Principal| {
        let answer = both
            .ask(&call, |host, call| {
                let (who, grants) = (who.clone(), grants.to_vec());
                async move { host.membership.resolve(&call, "acme".into(), who, grants).await }
            })
            .await;
        answer.unwrap().into_iter().map(|found| found.unwrap().grantable).collect::<Vec<_>>()
    };
    assert_eq!(grantable(&hr).await, [true, false]);
    assert!(both!(both, assign_role("acme", "r-admin", &help())));
    assert_eq!(grantable(&hr).await, [false, false]);
    assert_eq!(grantable(&ann()).await, [true, true]);
    assert!(both!(both, set_role_rights("acme", "r-admin", rights(&["manage-roles"]))));
    assert_eq!(grantable(&ann()).await, [true, true], "she is in that group");
    assert!(both!(both, remove_grant("acme", &user("acme", "u-ann"), &group("g-help"))));
    assert_eq!(grantable(&ann()).await, [false, false], "what she may do directly is the plugin's alone");
    assert!(both!(both, assign_role("acme", "r-admin", &Assignee::Client("hr".into()))));
    assert_eq!(grantable(&hr).await, [true, true]);
    assert_eq!(grants[0].kind, GrantKind::Group);
}
