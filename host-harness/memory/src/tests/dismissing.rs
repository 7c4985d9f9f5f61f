//! Ended invitations that are taken off the list.

use super::*;
use guestlist_contract::types::{InvitationFilter, PageRequest, SortKey};

async fn listed(host: &MemoryHost, dismissed: Option<bool>) -> Vec<String> {
    let filter = InvitationFilter { dismissed, ..InvitationFilter::default() };
    let page = PageRequest { sort: SortKey::Name, descending: false, after: None, limit: 10 };
    let rows = host.list(&admin(host), "acme".into(), filter, page).await.unwrap().items;
    rows.into_iter().map(|row| row.key.id).collect()
}

#[tokio::test]
async fn one_that_has_ended_is_taken_off_once_and_nothing_else_changes() {
    let host = invited().await;
    insert(&host, draft(0, "inv-b", bob(), 11)).await.unwrap();
    let before = go(&host, "inv-a", State::Revoked).await.unwrap();
    for _ in 0..2 {
        let row = host.dismiss(&admin(&host), key("inv-a")).await.unwrap();
        assert_eq!(row, Invitation { dismissed: true, ..before.clone() });
    }
    assert_eq!(stored(&host, "inv-a").version, before.version);
    let dismissed: Vec<_> = events(&host).into_iter().filter(|text| text == "invitation.dismissed").collect();
    assert_eq!(dismissed.len(), 1);
    assert_eq!(listed(&host, None).await, ["inv-a", "inv-b"]);
    assert_eq!(listed(&host, Some(true)).await, ["inv-a"]);
    assert_eq!(listed(&host, Some(false)).await, ["inv-b"]);
    let mine = host.mine(&dashboard(&host, alice()), vec![], None, 10).await.unwrap();
    assert_eq!(mine.items.len(), 1, "its invitee goes on seeing it");
}

#[tokio::test]
async fn one_that_has_not_ended_as_it_is_stored_is_left_as_it_is() {
    let host = invited().await;
    assert!(!host.dismiss(&admin(&host), key("inv-a")).await.unwrap().dismissed);
    host.advance(HOUR);
    let row = host.dismiss(&admin(&host), key("inv-a")).await.unwrap();
    assert_eq!((row.state, row.dismissed), (State::Expired, false), "it was not written yet");
    assert_eq!(host.audit().len(), 1);
    assert_eq!(stored(&host, "inv-a").version, 1);
}

#[tokio::test]
async fn other_organizations_and_the_invitee_dismiss_nothing() {
    let host = invited().await;
    go(&host, "inv-a", State::Revoked).await.unwrap();
    let gina = host.call(Operation::Dismiss, Some("globex"), person(user("globex", "u-gina")));
    for call in [gina, dashboard(&host, alice())] {
        let answer = host.dismiss(&call, key("inv-a")).await;
        assert!(is_denied(&answer) || matches!(answer, Err(StoreError::NotFound)), "{answer:?}");
    }
    let unknown = host.dismiss(&admin(&host), key("inv-x")).await;
    assert!(matches!(unknown, Err(StoreError::NotFound)));
    assert!(!stored(&host, "inv-a").dismissed);
}
