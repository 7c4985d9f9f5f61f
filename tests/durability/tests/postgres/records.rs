//! The log of a host whose members are elsewhere, where somebody else holds the row of an invitation.

use std::time::Duration;

use guestlist_connect::{GrantRecords, Progress, Put, Recipient};
use guestlist_contract::types::{HostError, Step, UserRef};
use guestlist_storage::{Database, Options};
use tokio::time::sleep;

use crate::support::{fresh, impatient, owner};

const HELD: &str = "begin; set local guestlist.everything = 'on'; update external_log set closed = closed";

fn alice() -> Recipient {
    let user = UserRef { organization: "root".into(), id: "u-alice".into() };
    Recipient { organization: "acme".into(), invitation: "i".into(), user }
}

#[tokio::test]
async fn a_record_that_waited_is_as_old_as_from_the_end_of_the_wait() {
    let fresh = fresh().await;
    let grants = Database::open(&fresh.url, Options::default()).await.unwrap().grant_records();
    assert_eq!(grants.put(&alice(), &Step::Member, 0, Progress::Unwritten).await, Ok(Put::Written));
    let client = owner(&fresh).await;
    client.batch_execute(HELD).await.unwrap();
    let ends = async {
        sleep(Duration::from_millis(600)).await;
        client.batch_execute("commit").await.unwrap();
    };
    let to = alice();
    let (put, ()) = tokio::join!(grants.put(&to, &Step::Member, 1, Progress::Doubtful), ends);
    assert_eq!(put, Ok(Put::Written));
    let known = grants.read("acme", "i").await.unwrap();
    assert!(known.records[0].age < Duration::from_millis(500), "{known:?}");
}

#[tokio::test]
async fn who_waits_too_long_has_changed_nothing() {
    let fresh = fresh().await;
    let grants = Database::open(&fresh.url, impatient()).await.unwrap().grant_records();
    grants.put(&alice(), &Step::Member, 0, Progress::Doubtful).await.unwrap();
    let client = owner(&fresh).await;
    client.batch_execute(HELD).await.unwrap();
    let away = Err(HostError::Unavailable(None));
    assert_eq!(
        grants.put(&alice(), &Step::Member, 1, Progress::Applied).await,
        away.clone().map(|()| Put::Stale)
    );
    assert_eq!(grants.close("acme", "i").await, away);
    client.batch_execute("rollback").await.unwrap();
    let known = grants.read("acme", "i").await.unwrap();
    assert!(!known.closed && known.records[0].progress == Progress::Doubtful, "{known:?}");
}
