//! Which organizations have work for a sweep.

use std::sync::Arc;

use guestlist_contract::{
    host::{Operation, Storage as _},
    storage::{ClockGuard, Delivery, DeliveryOutcome, Guard},
    types::{MessageKind, Principal, State},
};
use guestlist_memory::MemoryHost;
use guestlist_storage::Clock;

use super::both::{Place, ann, batch, change, key, user};

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

/// Three children: of one what is old goes soon, one reminds.
const WORLD: &str = "
organizations:
  - { id: root, users: [{ id: u-alice, name: alice, email: alice@example.com }] }
  - { id: acme, parent: root, users: [{ id: u-ann, name: ann }], permissions: { u-ann: [all] },
      settings: { retention: 2d } }
  - { id: globex, parent: root, users: [{ id: u-ann, name: ann }], permissions: { u-ann: [all] },
      settings: { reminder-before: 1h } }
  - { id: initech, parent: root, users: [{ id: u-ann, name: ann }], permissions: { u-ann: [all] },
      settings: { retention: 30d } }
";

#[tokio::test]
async fn an_organization_has_work_when_something_of_it_is_due_and_not_before() {
    let memory = Arc::new(MemoryHost::from_yaml(WORLD).unwrap());
    let lifetime = 3 * DAY;
    for organization in ["acme", "globex", "initech"] {
        let id = format!("inv-{organization}");
        let call = memory.call(Operation::Invite, Some(organization), ann());
        let mut batch = batch(&id, user("root", "u-alice"));
        batch.drafts[0].lifetime = Some(lifetime);
        memory.insert(&call, organization.into(), batch).await.unwrap().remove(0).unwrap();
        let delivered = Delivery {
            invitation: id.clone(),
            kind: MessageKind::Invitation,
            version: 1,
            outcome: DeliveryOutcome::Delivered,
        };
        memory.settle(&call, organization.into(), vec![delivered]).await.unwrap();
        if organization != "globex" {
            let mut key = key(&id);
            key.organization = organization.into();
            let guard = Guard { version: 1, states: vec![State::Pending], clock: ClockGuard::None };
            memory.transition(&call, key, guard, change(State::Revoked)).await.unwrap();
        }
    }
    let time = memory.clone();
    let place = Place::new(Clock::Moved(Arc::new(move || time.store_now()))).await;
    let database = place.open().await;
    database.load(&memory.realm()).await.unwrap();
    let store = database.invitations(Arc::new(database.people()));
    let mut passed = 0;
    let mut after = async |time: u64| {
        memory.advance(time - passed);
        passed = time;
        let mut found = store.with_due_work(10).await.unwrap();
        found.sort();
        found
    };
    let none: [&str; 0] = [];
    assert_eq!(after(0).await, none);
    assert_eq!(after(2 * DAY).await, none);
    assert_eq!(after(2 * DAY + 1).await, ["acme"], "what has ended is two days old");
    assert_eq!(after(lifetime - HOUR - 1).await, ["acme"]);
    assert_eq!(after(lifetime - HOUR).await, ["acme", "globex"], "it ends in an hour");
    let sweep = memory.call(Operation::Sweep, Some("acme"), Principal::System);
    assert_eq!(store.purge(&sweep, "acme".into(), 2 * DAY, 10).await, Ok(1));
    assert_eq!(after(lifetime - HOUR).await, ["globex"]);
    assert_eq!(after(30 * DAY + 1).await, ["globex", "initech"]);
}
