//! Handles, and where they lead.

use guestlist_contract::audit::EventKind;
use guestlist_storage::AccountError;

use super::desk::{Desk, actor};

async fn set(desk: &Desk, organization: &str, handle: &str) -> Result<(), AccountError> {
    desk.accounts().set_handle(&actor(), organization, handle).await
}

/// The id that a handle or an id leads to at a root.
async fn found(desk: &Desk, root: &str, text: &str) -> Option<String> {
    desk.accounts().organization_by_handle(root, text).await.unwrap().map(|found| found.id)
}

async fn root(desk: &Desk, handle: &str) -> Option<String> {
    desk.accounts().root_by_handle(handle).await.unwrap().map(|found| found.id)
}

fn is_taken(done: Result<(), AccountError>) -> bool {
    matches!(done, Err(AccountError::Taken(_)))
}

#[tokio::test]
async fn a_handle_has_a_form() {
    let desk = Desk::new().await;
    for fine in ["a", "9", "a-1", "api-2", &"x".repeat(63)] {
        set(&desk, "acme", fine).await.unwrap();
    }
    for wrong in ["", "-a", "a-", "-", "A", "a_b", "a.b", "ä", "api", "a b", "a\0", &"x".repeat(64)] {
        let said = set(&desk, "acme", wrong).await.unwrap_err();
        assert!(matches!(said, AccountError::Invalid(_)), "{wrong}: {said}");
    }
    assert!(matches!(set(&desk, "nowhere", "a").await, Err(AccountError::NotFound(_))));
}

#[tokio::test]
async fn a_handle_is_unique_in_its_root_and_that_of_a_root_in_the_server() {
    let desk = Desk::new().await;
    set(&desk, "root", "first").await.unwrap();
    assert!(is_taken(set(&desk, "other", "first").await));
    assert!(is_taken(set(&desk, "acme", "first").await), "the root is one of its own");
    set(&desk, "acme", "sales").await.unwrap();
    assert!(is_taken(set(&desk, "lab", "sales").await));
    assert!(is_taken(set(&desk, "root", "sales").await));
    set(&desk, "branch", "sales").await.unwrap();
    set(&desk, "other", "second").await.unwrap();
    assert_eq!(root(&desk, "first").await.as_deref(), Some("root"));
    assert_eq!(root(&desk, "second").await.as_deref(), Some("other"));
    assert_eq!(root(&desk, "sales").await, None, "it is none of a root");
    assert_eq!(found(&desk, "root", "sales").await.as_deref(), Some("acme"));
    assert_eq!(found(&desk, "other", "sales").await.as_deref(), Some("branch"));
    let events = desk.events(EventKind::OrganizationHandleSet).await;
    assert_eq!(events.len(), 4, "one for each that was set");
    assert_eq!((events[0].organization.as_deref(), events[0].operation.as_str()), (Some("root"), "test"));
}

#[tokio::test]
async fn nobody_gets_a_handle_that_another_had() {
    let desk = Desk::new().await;
    set(&desk, "acme", "old").await.unwrap();
    set(&desk, "acme", "new").await.unwrap();
    assert_eq!(found(&desk, "root", "old").await, None, "it leads nowhere");
    assert!(is_taken(set(&desk, "globex", "old").await));
    set(&desk, "acme", "old").await.unwrap();
    assert_eq!(found(&desk, "root", "old").await.as_deref(), Some("acme"), "it was its own");
    assert_eq!(found(&desk, "root", "new").await, None);
    set(&desk, "other", "gone").await.unwrap();
    desk.administration().delete_organization("branch").await.unwrap();
    desk.administration().delete_organization("other").await.unwrap();
    assert_eq!(root(&desk, "gone").await, None);
    assert!(is_taken(set(&desk, "root", "gone").await));
}

#[tokio::test]
async fn ids_and_handles_of_one_root_lead_nowhere_else() {
    let desk = Desk::new().await;
    set(&desk, "acme", "sales").await.unwrap();
    for (text, id) in [("acme", "acme"), ("sales", "acme"), ("lab", "lab"), ("root", "root")] {
        assert_eq!(found(&desk, "root", text).await.as_deref(), Some(id));
        assert_eq!(found(&desk, "other", text).await, None, "{text}");
        assert_eq!(found(&desk, "acme", text).await, None, "{text}: acme is no root");
    }
    assert_eq!(found(&desk, "root", "branch").await, None);
    assert_eq!(found(&desk, "root", "a\0").await, None);
    assert!(is_taken(set(&desk, "globex", "lab").await), "an id leads to whom it belongs");
    set(&desk, "branch", "acme").await.unwrap();
    assert_eq!(found(&desk, "other", "acme").await.as_deref(), Some("branch"), "that id is another root's");
    assert_eq!(found(&desk, "root", "acme").await.as_deref(), Some("acme"));
    desk.administration().delete_organization("lab").await.unwrap();
    assert_eq!(found(&desk, "root", "lab").await, None);
    assert!(is_taken(set(&desk, "globex", "lab").await), "nor does it lead to another when that is gone");
}

#[tokio::test]
async fn an_organization_that_moves_to_another_root_leaves_its_handle_there() {
    let desk = Desk::new().await;
    set(&desk, "acme", "sales").await.unwrap();
    set(&desk, "branch", "sales").await.unwrap();
    desk.administration().move_organization("acme", Some("other")).await.unwrap();
    assert_eq!(found(&desk, "other", "sales").await.as_deref(), Some("branch"));
    assert_eq!(found(&desk, "root", "sales").await, None);
    assert!(is_taken(set(&desk, "globex", "sales").await));
    let seen = desk.accounts().organization_by_handle("other", "acme").await.unwrap().unwrap();
    assert_eq!(seen.handle, None);
    set(&desk, "acme", "purchasing").await.unwrap();
    assert_eq!(found(&desk, "other", "purchasing").await.as_deref(), Some("acme"));
    // A root that is none any more.
    set(&desk, "other", "second").await.unwrap();
    desk.administration().move_organization("other", Some("root")).await.unwrap();
    assert_eq!(root(&desk, "second").await, None);
    desk.administration().move_organization("acme", Some("root")).await.unwrap();
    assert_eq!(found(&desk, "root", "sales").await.as_deref(), Some("acme"), "it is back");
}

#[tokio::test]
async fn the_path_leads_from_the_root_down() {
    let desk = Desk::new().await;
    set(&desk, "acme", "sales").await.unwrap();
    let path = desk.accounts().path_of("lab").await.unwrap();
    let shown: Vec<_> = path.iter().map(|step| (step.id.as_str(), step.handle.as_deref())).collect();
    assert_eq!(shown, [("root", None), ("acme", Some("sales")), ("lab", None)]);
    assert_eq!(path[2].name, "The lab");
    assert_eq!(desk.accounts().root_of("lab").await.unwrap().as_deref(), Some("root"));
    assert_eq!(desk.accounts().root_of("root").await.unwrap().as_deref(), Some("root"));
    assert_eq!(desk.accounts().root_of("nowhere").await.unwrap(), None);
    desk.administration().delete_organization("acme").await.unwrap();
    assert_eq!(desk.accounts().root_of("lab").await.unwrap(), None, "what is above it is gone");
    assert!(desk.accounts().path_of("lab").await.unwrap().is_empty());
}
