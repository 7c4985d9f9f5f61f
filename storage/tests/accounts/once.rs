//! What happens once: links, and requests that are repeated.

use guestlist_contract::{audit::EventKind, types::Principal};
use guestlist_storage::{AccountError, NewSession, NewToken, Remembered};

use super::desk::{DAY, Desk, HOUR, actor, ann, digest};

#[tokio::test]
async fn a_link_works_once_and_only_the_newest() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    let ends = accounts.make_link(&actor(), "first-start", &digest(1), HOUR).await.unwrap();
    assert_eq!(ends, desk.now() + HOUR);
    accounts.make_link(&actor(), "first-start", &digest(2), HOUR).await.unwrap();
    accounts.make_link(&actor(), "another", &digest(3), HOUR).await.unwrap();
    assert!(!accounts.is_link("first-start", &digest(1)).await.unwrap(), "a newer one is there");
    assert!(!accounts.use_link(&actor(), "first-start", &digest(1)).await.unwrap());
    assert!(
        !accounts.use_link(&actor(), "first-start", &digest(3)).await.unwrap(),
        "it is for something else"
    );
    assert!(accounts.is_link("first-start", &digest(2)).await.unwrap(), "looking uses nothing");
    assert!(accounts.use_link(&actor(), "first-start", &digest(2)).await.unwrap());
    assert!(!accounts.use_link(&actor(), "first-start", &digest(2)).await.unwrap());
    desk.pass(HOUR);
    assert!(!accounts.use_link(&actor(), "another", &digest(3)).await.unwrap(), "its time is over");
    let used = desk.events(EventKind::LinkUsed).await;
    assert_eq!((used.len(), used[0].about.as_deref()), (1, Some("first-start")));
    assert_eq!(desk.events(EventKind::LinkMade).await.len(), 3);
    for wrong in ["", "First Start", "zoe@example.com", &"x".repeat(64)] {
        let said = accounts.make_link(&actor(), wrong, &digest(1), HOUR).await.unwrap_err();
        assert!(matches!(said, AccountError::Invalid(_)), "{said}");
    }
}

#[tokio::test]
async fn a_request_that_is_repeated_is_answered_as_before() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    let caller = Principal::User(ann());
    let ask = async |organization: Option<&'static str>, fingerprint| {
        accounts.remember(organization, &caller, "key-1", &digest(fingerprint)).await.unwrap()
    };
    assert_eq!(ask(Some("acme"), 1).await, Remembered::Fresh);
    assert_eq!(ask(Some("acme"), 1).await, Remembered::UnderWay(desk.now()));
    assert_eq!(ask(Some("acme"), 2).await, Remembered::Other);
    assert_eq!(ask(Some("lab"), 2).await, Remembered::Fresh, "in another organization it is another");
    assert_eq!(ask(None, 2).await, Remembered::Fresh);
    assert!(accounts.keep_answer(Some("acme"), &caller, "key-1", r#"{"id":"x"}"#).await.unwrap());
    assert!(!accounts.keep_answer(Some("acme"), &caller, "key-1", "{}").await.unwrap(), "it stays");
    assert!(!accounts.forget(Some("acme"), &caller, "key-1").await.unwrap());
    assert_eq!(ask(Some("acme"), 1).await, Remembered::Answer(r#"{"id":"x"}"#.into()));
    assert_eq!(ask(Some("acme"), 2).await, Remembered::Other);
    let other = Principal::Client("c-1".into());
    let theirs = accounts.remember(Some("acme"), &other, "key-1", &digest(2)).await.unwrap();
    assert_eq!(theirs, Remembered::Fresh, "keys are each caller's own");
    assert!(accounts.forget(Some("lab"), &caller, "key-1").await.unwrap());
    assert_eq!(ask(Some("lab"), 3).await, Remembered::Fresh);
    assert!(accounts.keep_answer(None, &caller, "key-1", "1").await.unwrap());
    assert_eq!(ask(None, 2).await, Remembered::Answer("1".into()));
    desk.pass(DAY - 1);
    assert_eq!(ask(Some("acme"), 2).await, Remembered::Other);
    desk.pass(1);
    assert_eq!(ask(Some("acme"), 2).await, Remembered::Fresh, "a day is over");
    let said = accounts.remember(None, &caller, "", &digest(1)).await.unwrap_err();
    assert!(matches!(said, AccountError::Invalid(_)), "{said}");
}

#[tokio::test]
async fn what_is_over_is_cleared_away_and_nothing_else() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    let holder = Principal::User(ann());
    for (number, length) in [(1, HOUR), (2, 3 * DAY)] {
        let session = NewSession { idle: length, lifetime: length, ..desk.session(number) };
        accounts.begin_session(&actor(), &session).await.unwrap();
        let (organization, scopes) = ("acme".into(), Vec::new());
        let digest = digest(number);
        let token = NewToken { digest, organization, holder: holder.clone(), scopes, lifetime: length };
        accounts.issue_token(&actor(), &token).await.unwrap();
        accounts.make_link(&actor(), &format!("purpose-{number}"), &digest, length).await.unwrap();
    }
    accounts.remember(Some("acme"), &holder, "old", &digest(1)).await.unwrap();
    assert_eq!(accounts.purge_over(100).await, Ok(0));
    desk.pass(DAY);
    accounts.remember(Some("acme"), &holder, "new", &digest(1)).await.unwrap();
    assert_eq!(accounts.purge_over(100).await, Ok(4));
    assert_eq!(accounts.purge_over(100).await, Ok(0));
    assert!(accounts.resume_session(&digest(2)).await.unwrap().is_some());
    assert!(accounts.find_token(&digest(2)).await.unwrap().is_some());
    assert!(accounts.is_link("purpose-2", &digest(2)).await.unwrap());
    let known = accounts.remember(Some("acme"), &holder, "new", &digest(1)).await.unwrap();
    assert_eq!(known, Remembered::UnderWay(desk.now()));
}

#[tokio::test]
async fn a_world_that_is_loaded_has_no_accounts() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    accounts.set_handle(&actor(), "acme", "sales").await.unwrap();
    accounts.begin_session(&actor(), &desk.session(1)).await.unwrap();
    accounts.make_link(&actor(), "first-start", &digest(1), HOUR).await.unwrap();
    let world = desk.database.dump().await.unwrap();
    desk.database.load(&world).await.unwrap();
    assert_eq!(accounts.resume_session(&digest(1)).await.unwrap(), None);
    assert!(!accounts.is_link("first-start", &digest(1)).await.unwrap());
    assert_eq!(accounts.organization_by_handle("root", "sales").await.unwrap(), None);
    accounts.set_handle(&actor(), "globex", "sales").await.unwrap();
}
