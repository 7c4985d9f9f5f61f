//! Two at the same time: whatever the order, one is wholly before the other.

use std::sync::Arc;

use guestlist_contract::{
    audit::EventKind,
    host::{Host, Operation},
    types::{Principal, State, Step, StepOutcome},
};
use guestlist_storage::AdministrationError;
use tokio::{sync::Barrier, task::JoinSet};

use super::both::{Both, alice, group, role, user};

fn steps() -> Vec<Step> {
    vec![Step::Member, Step::Grant(group("g-help")), Step::Grant(role("r-admin"))]
}

async fn claimed() -> Both {
    let both = Both::new().await;
    both.invite(alice()).await;
    both.go(1, State::Pending, State::Accepting).await;
    both
}

async fn apply(both: &Both, host: &Host) -> Vec<StepOutcome> {
    let call = both.memory.call(Operation::Accept, None, Principal::User(alice()));
    host.membership.apply(&call, "acme".into(), "inv-a".into(), alice(), steps()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_apply_one_does() {
    let both = Arc::new(claimed().await);
    let barrier = Arc::new(Barrier::new(8));
    let mut tasks = JoinSet::new();
    for number in 0..8 {
        let (both, barrier) = (both.clone(), barrier.clone());
        let database = if number % 2 == 0 { both.database.clone() } else { both.place.open().await };
        tasks.spawn(async move {
            let host = database.host(both.memory.clone().host());
            barrier.wait().await;
            apply(&both, &host).await
        });
    }
    let answers = tasks.join_all().await;
    let count = |outcome| answers.iter().filter(|answer| **answer == [outcome; 3]).count();
    assert_eq!((count(StepOutcome::Applied), count(StepOutcome::AlreadyApplied)), (1, 7));
    let realm = both.database.dump().await.unwrap();
    let added = realm.audit.iter().filter(|event| event.kind.is_grant()).count();
    assert_eq!(added, 3, "each step has one event");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_removed_while_he_accepts_stays_removed() {
    for (round, was_member) in [false, true].into_iter().cycle().take(20).enumerate() {
        let both = Arc::new(claimed().await);
        if was_member {
            both.administration().add_member("acme", &alice()).await.unwrap();
        }
        let (other, barrier) = (both.place.open().await, Arc::new(Barrier::new(2)));
        let (applier, at) = (both.clone(), barrier.clone());
        let applying = tokio::spawn(async move {
            let host = applier.database.host(applier.memory.clone().host());
            at.wait().await;
            apply(&applier, &host).await
        });
        barrier.wait().await;
        let removed = other.administration().remove_member("acme", &alice()).await;
        let outcomes = applying.await.unwrap();
        let [_, host] = both.hosts();
        let is_member = || async {
            let realm = both.database.dump().await.unwrap();
            realm.organizations["acme"].people.values().any(|person| person.account == alice())
        };
        match removed {
            Ok(()) => {
                assert!(!is_member().await, "round {round}: {outcomes:?}");
                let again = apply(&both, &host).await;
                assert!(
                    !again.contains(&StepOutcome::Applied),
                    "round {round}: {outcomes:?}, then {again:?}"
                );
                assert!(!is_member().await);
            }
            Err(error) => {
                // It came before they were a member.
                assert!(!was_member && matches!(error, AdministrationError::Impossible(_)), "{error}");
                assert_eq!(outcomes, [StepOutcome::Applied; 3]);
                assert!(is_member().await);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_make_him_a_member_one_does() {
    let both = Arc::new(Both::new().await);
    let barrier = Arc::new(Barrier::new(6));
    let mut tasks = JoinSet::new();
    for number in 0..6 {
        let barrier = barrier.clone();
        let database = if number % 2 == 0 { both.database.clone() } else { both.place.open().await };
        // Two accounts of one name.
        let account = if number < 3 { alice() } else { user("partner", "u-alice") };
        if number == 3 {
            let same = guestlist_memory::NewUser {
                id: "u-alice".into(),
                name: "Alice".into(),
                store: None,
                email: None,
            };
            both.administration().add_user("partner", same).await.unwrap();
        }
        tasks.spawn(async move {
            barrier.wait().await;
            database.administration().add_member("acme", &account).await.is_ok()
        });
    }
    let done = tasks.join_all().await;
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "one, of whichever account: the name is taken");
    let realm = both.database.dump().await.unwrap();
    let guests =
        realm.organizations["acme"].people.values().filter(|person| person.account.organization != "acme");
    assert_eq!(guests.count(), 1);
    assert_eq!(realm.audit.iter().filter(|event| event.kind == EventKind::WorldMemberAdded).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_ring_is_made_by_two_moves() {
    for _ in 0..10 {
        let both = Both::new().await;
        let other = both.place.open().await;
        let (one, two) = (both.administration(), other.administration());
        let (there, back) = tokio::join!(
            tokio::spawn(async move { one.move_organization("globex", Some("partner")).await.is_ok() }),
            tokio::spawn(async move { two.move_organization("partner", Some("globex")).await.is_ok() }),
        );
        assert_eq!([there.unwrap(), back.unwrap()].iter().filter(|done| **done).count(), 1);
    }
}
