//! Two at the same time: whatever the order, one is wholly before the other.

use std::sync::Arc;

use guestlist_contract::{
    audit::EventKind,
    storage::DeliveryOutcome,
    types::{Principal, UserRef},
};
use guestlist_storage::{AccountError, Database, Identity, NewClient, Remembered};
use tokio::{sync::Barrier, task::JoinSet};

use super::{
    deliveries::{due, invite, message, settle, store},
    desk::{Desk, HOUR, MINUTE, actor, ann, digest, user},
};

/// Lets so many do something at once, on databases of two processes; each is told its number.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    desk: &Desk,
    count: usize,
    act: impl Fn(Database, usize) -> F,
) -> Vec<T> {
    let (barrier, mut tasks) = (Arc::new(Barrier::new(count)), JoinSet::new());
    for number in 0..count {
        let database = if number % 2 == 0 { desk.database.clone() } else { desk.open().await };
        let (barrier, doing) = (barrier.clone(), act(database, number));
        tasks.spawn(async move {
            barrier.wait().await;
            doing.await
        });
    }
    tasks.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_use_one_link_one_does() {
    let desk = Desk::new().await;
    for round in 0..10 {
        desk.accounts().make_link(&actor(), "first-start", &digest(round), HOUR).await.unwrap();
        let used = at_once(&desk, 6, |database, _| async move {
            database.accounts().use_link(&actor(), "first-start", &digest(round)).await.unwrap()
        });
        assert_eq!(used.await.into_iter().filter(|used| *used).count(), 1, "round {round}");
    }
    assert_eq!(desk.events(EventKind::LinkUsed).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_want_one_handle_one_gets_it() {
    let desk = Desk::new().await;
    for round in 0..10 {
        let done = at_once(&desk, 4, |database, number| async move {
            let organization = ["acme", "globex", "lab", "root"][number];
            database.accounts().set_handle(&actor(), organization, &format!("wanted-{round}")).await
        });
        let done = done.await;
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1, "round {round}: {done:?}");
        let refused = done.into_iter().filter_map(Result::err);
        assert!(refused.into_iter().all(|error| matches!(error, AccountError::Taken(_))));
        let handle = format!("wanted-{round}");
        assert!(desk.accounts().organization_by_handle("root", &handle).await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_organization_that_gets_two_handles_at_once_has_one() {
    let desk = Desk::new().await;
    for round in 0..10 {
        let done = at_once(&desk, 4, |database, number| async move {
            database.accounts().set_handle(&actor(), "root", &format!("name-{round}-{number}")).await
        });
        assert!(done.await.iter().all(Result::is_ok), "round {round}");
        let (mut below, mut roots) = (0, 0);
        for number in 0..4 {
            let handle = format!("name-{round}-{number}");
            below +=
                usize::from(desk.accounts().organization_by_handle("root", &handle).await.unwrap().is_some());
            roots += usize::from(desk.accounts().root_by_handle(&handle).await.unwrap().is_some());
        }
        assert_eq!((below, roots), (1, 1), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_who_was_suspended_goes_on_with_a_session() {
    let desk = Desk::new().await;
    for round in 0..10 {
        desk.accounts().begin_session(&actor(), &desk.session(round)).await.unwrap();
        // Its use is to be written down, so that it is changed at the same time.
        desk.pass(2 * MINUTE);
        let resumed = at_once(&desk, 5, |database, number| async move {
            if number == 0 {
                database.administration().set_user_active("root", "u-ann", false).await.unwrap();
                return None;
            }
            database.accounts().resume_session(&digest(round)).await.unwrap()
        });
        resumed.await;
        for database in [desk.database.clone(), desk.open().await] {
            let after = database.accounts().resume_session(&digest(round)).await.unwrap();
            assert_eq!(after, None, "round {round}: whoever resumes after the suspension is told so");
        }
        desk.administration().set_user_active("root", "u-ann", true).await.unwrap();
        assert_eq!(desk.accounts().resume_session(&digest(round)).await.unwrap(), None, "round {round}");
    }
    assert_eq!(desk.events(EventKind::AccountSignedOut).await.len(), 10, "each ended once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_to_sign_in_with_is_left_of_who_is_deleted_at_the_same_time() {
    for round in 0..5 {
        let desk = Desk::new().await;
        let identity = Identity { issuer: "https://idp.example".into(), subject: "1".into() };
        let session = desk.session(1);
        let done = at_once(&desk, 4, |database, number| {
            let (identity, session) = (identity.clone(), session.clone());
            async move {
                let accounts = database.accounts();
                match number {
                    0 => database
                        .administration()
                        .remove_user("root", "u-ann")
                        .await
                        .map_err(|e| e.to_string()),
                    1 => {
                        accounts.begin_session(&actor(), &session).await.map(drop).map_err(|e| e.to_string())
                    }
                    2 => accounts.link_identity(&actor(), &ann(), &identity).await.map_err(|e| e.to_string()),
                    _ => accounts.set_password(&actor(), &ann(), "$x$y").await.map_err(|e| e.to_string()),
                }
            }
        });
        for said in done.await.into_iter().filter_map(Result::err) {
            assert!(said.contains("has no account"), "round {round}: {said}");
        }
        let accounts = desk.accounts();
        assert_eq!(accounts.resume_session(&digest(1)).await.unwrap(), None);
        assert_eq!(accounts.account_of("root", &identity).await.unwrap(), None);
        assert!(accounts.password_of("root", "ann").await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_repeat_a_request_one_does_it() {
    let desk = Desk::new().await;
    let caller = Principal::User(ann());
    for round in 0..10 {
        let known = at_once(&desk, 6, |database, number| {
            let caller = caller.clone();
            async move {
                let (key, fingerprint) = (format!("key-{round}"), digest(u8::from(number == 5)));
                database.accounts().remember(Some("acme"), &caller, &key, &fingerprint).await.unwrap()
            }
        });
        let known = known.await;
        assert_eq!(known.iter().filter(|known| **known == Remembered::Fresh).count(), 1, "{known:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_take_one_identity_or_client_id_one_gets_it() {
    let desk = Desk::new().await;
    for round in 0..5 {
        let identity = Identity { issuer: "https://idp.example".into(), subject: format!("s-{round}") };
        let linked = at_once(&desk, 3, |database, number| {
            let identity = identity.clone();
            let account: UserRef = [ann(), user("root", "u-bob"), user("acme", "u-cid")][number].clone();
            async move { database.accounts().link_identity(&actor(), &account, &identity).await.is_ok() }
        });
        assert_eq!(linked.await.into_iter().filter(|linked| *linked).count(), 1, "round {round}");
        let made = at_once(&desk, 4, |database, number| async move {
            let organization = ["acme", "other"][number % 2];
            let id = format!("c-{round}");
            let new = NewClient { id, name: "A client".into(), secret: digest(1), lifetime: None };
            database.accounts().create_client(&actor(), organization, &new).await.is_ok()
        });
        assert_eq!(made.await.into_iter().filter(|made| *made).count(), 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_is_given_back_once_or_renewed_and_not_both() {
    let desk = Desk::new().await;
    invite(&desk, "i-1", ann()).await;
    for round in 0..10 {
        settle(&desk, &store(&desk.database), "i-1", DeliveryOutcome::Taken).await;
        desk.pass(MINUTE);
        let done = at_once(&desk, 4, |database, number| async move {
            let store = store(&database);
            if number == 0 {
                let held = store.renew_taken("acme", &[message("i-1")]).await.unwrap();
                return (u64::from(held[0]), 0);
            }
            (0, store.release_taken(100).await.unwrap())
        });
        let done = done.await;
        let (renewed, released): (u64, u64) =
            done.iter().fold((0, 0), |(one, other), (renewed, released)| (one + renewed, other + released));
        assert_eq!(renewed + released, 1, "round {round}: {done:?}");
        assert_eq!(due(&desk, &store(&desk.database)).await.len() as u64, released, "round {round}");
    }
}
