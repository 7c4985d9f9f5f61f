//! Tests who sees which row, and in which state.

use super::*;

#[tokio::test]
async fn a_row_reads_expired_from_the_exact_instant_before_anything_is_written() {
    for (after, state) in [(HOUR - 1, State::Pending), (HOUR, State::Expired), (HOUR + 1, State::Expired)] {
        let host = invited().await;
        host.advance(after);
        assert_eq!(host.get(&admin(&host), key("inv-a")).await.unwrap().state, state);
        assert_eq!(stored(&host, "inv-a").state, State::Pending);
    }
}

#[tokio::test]
async fn an_invitation_without_an_end_does_not_expire() {
    let host = host();
    insert(&host, Draft { lifetime: None, ..draft(0, "inv-a", alice(), 10) }).await.unwrap();
    host.set_clock(u64::MAX);
    assert_eq!(host.get(&admin(&host), key("inv-a")).await.unwrap().state, State::Pending);
}

#[tokio::test]
async fn an_administrator_sees_the_rows_of_his_organization_alone() {
    let host = invited().await;
    let gina = host.call(Operation::Get, Some("globex"), person(user("globex", "u-gina")));
    assert!(host.get(&admin(&host), key("inv-a")).await.is_ok());
    assert!(matches!(host.get(&gina, key("inv-a")).await, Err(StoreError::NotFound)));
    let answer = host.transition(&gina, key("inv-a"), guard(1, State::Pending), change(State::Revoked)).await;
    assert!(matches!(answer, Err(StoreError::NotFound)), "before the guard is looked at");
    assert_eq!(stored(&host, "inv-a").version, 1);
}

#[tokio::test]
async fn being_the_invitee_counts_in_the_invitees_operations_alone() {
    let host = invited().await;
    assert!(host.get(&dashboard(&host, alice()), key("inv-a")).await.is_ok());
    let as_admin = host.call(Operation::Get, None, person(alice()));
    assert!(matches!(host.get(&as_admin, key("inv-a")).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn in_an_invitees_call_even_the_contexts_organization_opens_no_foreign_row() {
    let host = invited().await;
    let bob = host.call(Operation::Accept, Some("acme"), person(bob()));
    assert!(matches!(host.get(&bob, key("inv-a")).await, Err(StoreError::NotFound)));
    let admitted = Call::new(Operation::Accept, bob.context.clone());
    admitted.admit(&key("inv-a"));
    assert!(host.get(&admitted, key("inv-a")).await.is_ok());
    let next = Call::new(Operation::Accept, bob.context.clone());
    assert!(matches!(host.get(&next, key("inv-a")).await, Err(StoreError::NotFound)), "once per call");
}

#[tokio::test]
async fn an_account_of_the_same_id_elsewhere_is_somebody_else() {
    let host = invited().await;
    let stranger = user("partner", "u-alice");
    assert!(matches!(host.get(&dashboard(&host, stranger), key("inv-a")).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn an_invitation_that_was_never_pending_does_not_exist_for_its_invitee() {
    let host = host();
    insert(&host, awaiting(0, "inv-a", alice())).await.unwrap();
    let his = dashboard(&host, alice());
    let unseen = async || {
        let got = host.get(&his, key("inv-a")).await;
        let mine = host.mine(&his, vec![], None, 10).await.unwrap();
        matches!(got, Err(StoreError::NotFound)) && mine.items.is_empty()
    };
    assert!(unseen().await, "awaiting");
    host.advance(HOUR);
    assert!(unseen().await, "expired without ever having been approved");
}
