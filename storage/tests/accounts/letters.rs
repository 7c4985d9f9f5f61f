//! What a server needs to know for writing e-mails, and the roles that somebody has for a time.

use guestlist_contract::{
    rights::Rights,
    types::{Principal, Subject},
};
use guestlist_memory::{Role, Target};
use guestlist_storage::{Contact, RoleLease};

use super::{
    deliveries::invite,
    desk::{DAY, Desk, actor, ann, role, user},
};

async fn add_role(desk: &Desk, id: &str, rights: &[&str]) {
    let target = Target { name: format!("The {id}"), ..Target::default() };
    let rights = Rights::of_words(rights.iter().copied()).unwrap();
    let role = Role { target, rights, ..Role::default() };
    desk.administration().create_role("acme", id, role).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_names_are_those_of_the_account_where_it_is_resident() {
    let desk = Desk::new().await;
    let nobody = user("root", "u-nobody");
    let found = desk.reading().contacts(&[ann(), nobody, user("acme", "u-cid")]).await.unwrap();
    let contact =
        |name: &str| Some(Contact { name: name.into(), email: Some(format!("{name}@example.com")) });
    assert_eq!(found, [contact("Ann"), None, contact("cid")]);
    assert_eq!(desk.reading().contacts(&[]).await.unwrap(), []);
    assert!(desk.reading().contacts(&vec![ann(); 201]).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_names_the_organization_and_leads_to_its_root() {
    let desk = Desk::new().await;
    let facts = desk.reading().letter_facts("lab").await.unwrap().unwrap();
    assert_eq!(
        (facts.name.as_str(), facts.root_handle.as_str()),
        ("The lab", "root"),
        "an id without a handle"
    );
    desk.accounts().set_handle(&actor(), "root", "vendor").await.unwrap();
    assert_eq!(desk.reading().letter_facts("lab").await.unwrap().unwrap().root_handle, "vendor");
    assert_eq!(desk.reading().letter_facts("nowhere").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_are_read_by_id_in_their_organization_alone() {
    let desk = Desk::new().await;
    invite(&desk, "one", user("root", "u-bob")).await;
    let ids = ["two".to_owned(), "one".to_owned()];
    let found = desk.reading().invitations("acme", &ids).await.unwrap();
    assert!(found[0].is_none());
    assert_eq!(found[1].as_ref().unwrap().subject, Subject::User(user("root", "u-bob")));
    assert_eq!(desk.reading().invitations("globex", &ids).await.unwrap(), [None, None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn approvers_are_those_who_may_approve_now_by_whatever_role() {
    let desk = Desk::new().await;
    let (administration, reading) = (desk.administration(), desk.reading());
    let cid = user("acme", "u-cid");
    assert_eq!(reading.approvers("acme").await.unwrap(), []);
    add_role(&desk, "r-approver", &["approve"]).await;
    add_role(&desk, "r-viewer", &["view"]).await;
    administration.add_grant("acme", &cid, &role("r-viewer")).await.unwrap();
    assert_eq!(reading.approvers("acme").await.unwrap(), []);
    administration.add_grant("acme", &cid, &role("r-approver")).await.unwrap();
    let until = desk.now() + DAY;
    administration.lease_roles("acme", &ann(), "issuer", &["r-approver".into()], until).await.unwrap();
    assert_eq!(reading.approvers("acme").await.unwrap(), [cid.clone(), ann()]);
    administration.set_user_active("acme", "u-cid", false).await.unwrap();
    assert_eq!(reading.approvers("acme").await.unwrap(), [ann()]);
    desk.pass(DAY);
    assert_eq!(reading.approvers("acme").await.unwrap(), []);
    let approve = Rights::of_words(["approve"]).unwrap().permissions;
    administration.set_permissions("acme", Principal::User(ann()), approve).await.unwrap();
    assert_eq!(reading.approvers("acme").await.unwrap(), [ann()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_are_listed_wherever_they_are() {
    let desk = Desk::new().await;
    let (administration, reading) = (desk.administration(), desk.reading());
    assert_eq!(reading.leases(&ann(), "issuer").await.unwrap(), []);
    add_role(&desk, "r-viewer", &["view"]).await;
    let target = Target { name: "Home".into(), ..Target::default() };
    administration.create_role("root", "r-home", Role { target, ..Role::default() }).await.unwrap();
    let until = desk.now() + DAY;
    administration.lease_roles("acme", &ann(), "issuer", &["r-viewer".into()], until).await.unwrap();
    administration.lease_roles("root", &ann(), "issuer", &["r-home".into()], until).await.unwrap();
    administration.lease_roles("root", &ann(), "another", &["r-home".into()], until).await.unwrap();
    let lease = |organization: &str, role: &str| RoleLease {
        organization: organization.into(),
        role: role.into(),
        until,
    };
    let mut found = reading.leases(&ann(), "issuer").await.unwrap();
    found.sort_by(|one, other| one.organization.cmp(&other.organization));
    assert_eq!(found, [lease("acme", "r-viewer"), lease("root", "r-home")]);
    assert_eq!(reading.leases(&user("root", "u-bob"), "issuer").await.unwrap(), []);
}
