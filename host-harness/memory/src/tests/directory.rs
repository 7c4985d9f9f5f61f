//! Organizations, names and rights.

use super::*;
use crate::{EventError, NewUser};
use guestlist_contract::{
    directory::{Found, LookupError, OrganizationState, User},
    host::Directory as _,
    types::Permissions,
};

async fn meant(host: &MemoryHost, domain: Option<&str>, name: &str) -> Found {
    let call = admin(host);
    let found = host.find_users(&call, "root".into(), domain.map(str::to_owned), vec![name.into()]).await;
    found.unwrap().remove(0).unwrap()
}

async fn find(host: &MemoryHost, domain: Option<&str>, name: &str) -> Option<User> {
    match meant(host, domain, name).await {
        Found::One(user) => Some(user),
        Found::Nobody => None,
        Found::Ambiguous => panic!("`{name}` is ambiguous"),
    }
}

async fn found(host: &MemoryHost, domain: Option<&str>, name: &str) -> Option<String> {
    find(host, domain, name).await.map(|user| user.account.id)
}

#[tokio::test]
async fn a_name_is_looked_up_in_the_store_that_is_asked_for() {
    let host = host();
    let alice = Some("u-alice".to_owned());
    let bob = Some("u-bob".to_owned());
    assert_eq!(found(&host, None, "alice").await, alice);
    assert_eq!(found(&host, None, "ALICE").await, alice, "the store ignores ASCII case");
    assert_eq!(found(&host, None, "alice@example.com").await, alice);
    assert_eq!(found(&host, None, "bob").await, None, "he is in another store");
    assert_eq!(found(&host, Some("secondary"), "bob").await, bob);
    assert_eq!(found(&host, None, "SECONDARY/bob").await, bob);
    assert_eq!(found(&host, Some("SECONDARY"), "primary/alice").await, alice);
    assert_eq!(found(&host, None, "NOWHERE/bob").await, None);
    assert_eq!(found(&host, None, "ann").await, None, "not in a child");
}

#[tokio::test]
async fn an_unknown_store_is_an_error_of_the_whole_request() {
    let host = host();
    let call = admin(&host);
    let answer = host.find_users(&call, "root".into(), Some("NOWHERE".into()), vec!["alice".into()]).await;
    assert!(matches!(answer, Err(LookupError::UnknownUserstore(name)) if name == "NOWHERE"));
}

#[tokio::test]
async fn letters_that_only_look_alike_are_different() {
    let host = host();
    host.add_user("root", NewUser { id: "u-k".into(), name: "kim".into(), store: None, email: None })
        .unwrap();
    assert_eq!(found(&host, None, "\u{212a}im").await, None, "the Kelvin sign is no k");
}

#[tokio::test]
async fn a_store_that_does_not_answer_concerns_its_names_alone() {
    let host = host();
    host.set_store_answers("root", "SECONDARY", false).unwrap();
    let names = vec!["alice".into(), "SECONDARY/bob".into()];
    let answer = host.find_users(&admin(&host), "root".into(), None, names).await.unwrap();
    assert!(matches!(answer[0], Ok(Found::One(_))));
    assert_eq!(answer[1], Err(HostError::Unavailable(None)));
}

#[tokio::test]
async fn a_guest_is_known_by_his_resident_account() {
    let host = host();
    let gus = find(&host, None, "gus.guest").await.unwrap();
    assert_eq!(gus.account, user("partner", "u-gus0"));
    assert_eq!(gus.via, Some(user("root", "u-gus")));
    assert!(gus.active && gus.has_email, "the address is where he is resident");
    host.set_user_active("partner", "u-gus0", false).unwrap();
    assert!(!find(&host, None, "gus.guest").await.unwrap().active);
    host.remove_user("partner", "u-gus0").unwrap();
    let again = host.get_users(&admin(&host), "root".into(), vec![gus.account]).await.unwrap();
    assert_eq!(again, [None]);
}

#[tokio::test]
async fn administration_refuses_what_no_mail_may_hold_and_a_store_that_is_not_there() {
    let host = host();
    let user = |store: Option<&str>, email: &str| NewUser {
        id: "u-new".into(),
        name: "new".into(),
        store: store.map(str::to_owned),
        email: Some(email.into()),
    };
    let refused = |done: Result<(), EventError>| done.unwrap_err().to_string();
    let text = refused(host.add_user("root", user(None, "a@x\r\nBcc: b@y")));
    assert_eq!(text, r"the address `a@x\r\nBcc: b@y` has control characters");
    assert!(refused(host.add_user("root", user(Some("a/b"), "a@x"))).contains("is no name of a user store"));
    let text = refused(host.set_store_answers("root", "SECNDARY", false));
    assert_eq!(text, "organization `root` has no user store `SECNDARY`; there are `PRIMARY`, `SECONDARY`");
    host.add_user("root", user(Some("primary"), "-")).unwrap();
    let new = find(&host, None, "new").await.unwrap();
    assert!(!new.has_email, "a dash is no address");
}

#[tokio::test]
async fn with_a_resident_go_the_guests_that_he_was_and_his_name_is_free() {
    let host = host();
    let gus = user("partner", "u-gus0");
    host.add_member("acme", &gus).unwrap();
    host.add_member("globex", &gus).unwrap();
    host.delete_organization("globex").unwrap();
    host.remove_user("partner", "u-gus0").unwrap();
    assert_eq!(host.members("acme"), []);
    assert_eq!(host.members("root"), []);
    let audit = host.audit();
    let told: Vec<_> =
        audit.iter().map(|event| (event.organization.as_deref().unwrap(), event.text())).collect();
    assert_eq!(
        told[3..],
        [
            ("partner", "world.user-removed"),
            ("acme", "world.member-removed"),
            ("root", "world.member-removed"),
        ]
    );
    let namesake =
        |name: &str| NewUser { id: format!("u-{name}"), name: name.into(), store: None, email: None };
    host.add_user("acme", namesake("gus")).unwrap();
    host.add_user("root", namesake("gus.guest")).unwrap();
    host.add_member("acme", &alice()).unwrap();
    host.delete_organization("root").unwrap();
    assert_eq!(host.members("acme"), []);
}

#[tokio::test]
async fn an_account_made_anew_under_the_same_name_is_another() {
    let host = host();
    host.remove_user("root", "u-alice").unwrap();
    let anew = |id: &str| NewUser { id: id.into(), name: "alice".into(), store: None, email: None };
    assert!(host.add_user("root", anew("u-alice")).is_err(), "an id is not used again");
    host.add_user("root", anew("u-alice2")).unwrap();
    let accounts = vec![alice(), user("root", "u-alice2")];
    let users = host.get_users(&admin(&host), "root".into(), accounts).await.unwrap();
    assert!(users[0].is_none() && users[1].is_some());
}

#[tokio::test]
async fn organizations_beyond_the_call_are_denied() {
    let host = invited().await;
    let denied = |answer: Result<_, HostError>| matches!(answer, Err(HostError::Denied(_)));
    let call = admin(&host);
    let acme = host.get_organization(&call, "acme".into()).await.unwrap().unwrap();
    assert_eq!((acme.parent.as_deref(), acme.state), (Some("root"), OrganizationState::Active));
    for other in ["globex", "partner", "nowhere"] {
        assert!(denied(host.get_organization(&call, other.into()).await.map(|_| ())), "{other}");
        assert!(denied(host.get_users(&call, other.into(), vec![]).await.map(|_| ())), "{other}");
    }
    let invitees = dashboard(&host, alice());
    assert!(host.get_organization(&invitees, "acme".into()).await.is_ok());
    assert!(host.get_users(&invitees, "root".into(), vec![alice()]).await.is_ok());
    assert!(denied(host.get_organization(&invitees, "globex".into()).await.map(|_| ())));
    let bobs = dashboard(&host, bob());
    assert!(denied(host.get_organization(&bobs, "acme".into()).await.map(|_| ())));
}

#[tokio::test]
async fn standing_is_what_somebody_may_do_now() {
    let host = host();
    let call = admin(&host);
    let standing = |who: Principal| host.standing(&call, "acme".into(), who);
    assert_eq!(standing(ann()).await.unwrap(), Some(Permissions::all()));
    assert_eq!(standing(Principal::Client("hr".into())).await.unwrap(), Some(Permissions::INVITE));
    assert_eq!(standing(Principal::Client("xx".into())).await.unwrap(), None);
    assert_eq!(standing(person(alice())).await.unwrap(), None, "she has no access");
    host.set_permissions("acme", ann(), Permissions::VIEW).unwrap();
    assert_eq!(standing(ann()).await.unwrap(), Some(Permissions::VIEW));
    host.set_user_active("acme", "u-ann", false).unwrap();
    assert_eq!(standing(ann()).await.unwrap(), None);
}

#[tokio::test]
async fn an_organization_is_suspended_moved_and_deleted() {
    let host = host();
    let call = admin(&host);
    host.set_organization_active("acme", false).unwrap();
    host.move_organization("acme", Some("partner")).unwrap();
    let acme = host.get_organization(&call, "acme".into()).await.unwrap().unwrap();
    assert_eq!((acme.parent.as_deref(), acme.state), (Some("partner"), OrganizationState::Disabled));
    assert!(host.move_organization("partner", Some("acme")).is_err(), "no rings");
    host.delete_organization("acme").unwrap();
    assert_eq!(host.get_organization(&call, "acme".into()).await.unwrap(), None);
    assert!(host.delete_organization("acme").is_err());
    assert_eq!(events(&host).len(), 3);
}

#[tokio::test]
async fn the_former_parent_of_an_invitation_is_still_seen_after_a_move() {
    let host = invited().await;
    host.move_organization("acme", Some("partner")).unwrap();
    for call in [dashboard(&host, alice()), sweep(&host)] {
        assert!(host.get_users(&call, "root".into(), vec![alice()]).await.is_ok());
        assert!(host.get_users(&call, "partner".into(), vec![]).await.is_ok());
        assert!(host.get_users(&call, "globex".into(), vec![]).await.is_err());
    }
}

#[tokio::test]
async fn a_text_that_fits_two_accounts_is_ambiguous_whichever_is_found_first_or_disabled() {
    let host = host();
    let user = |id: &str, name: &str, email: Option<&str>| NewUser {
        id: id.into(),
        name: name.into(),
        store: None,
        email: email.map(str::to_owned),
    };
    host.add_user("root", user("a-first", "BOB@example.com", None)).unwrap();
    host.add_user("root", user("z-last", "last", Some("Gus@partner.example"))).unwrap();
    for text in ["bob@example.com", "BOB@EXAMPLE.COM", "gus@partner.example"] {
        assert_eq!(meant(&host, None, text).await, Found::Ambiguous, "{text}");
    }
    let everywhere = meant(&host, Some("SECONDARY"), "gus@partner.example").await;
    assert_eq!(everywhere, Found::Ambiguous, "an address is looked up in every store");
    host.set_user_active("root", "a-first", false).unwrap();
    assert_eq!(meant(&host, None, "bob@example.com").await, Found::Ambiguous);
    host.remove_user("root", "a-first").unwrap();
    assert_eq!(found(&host, None, "bob@example.com").await, Some("u-bob".into()));
}
