//! Lists and their cursors.

use super::*;
use guestlist_contract::types::{InvitationFilter, Page, PageRequest, SortKey};

fn all() -> InvitationFilter {
    InvitationFilter::default()
}

fn by(sort: SortKey, descending: bool) -> PageRequest {
    PageRequest { sort, descending, after: None, limit: 2 }
}

async fn list(host: &MemoryHost, filter: InvitationFilter, page: PageRequest) -> Result<Page, StoreError> {
    host.list(&admin(host), "acme".into(), filter, page).await
}

fn ids(page: &Page) -> Vec<String> {
    page.items.iter().map(|row| row.key.id.clone()).collect()
}

/// Five invitations, some made at one instant, one without an end.
async fn five() -> MemoryHost {
    let host = host();
    for (number, id) in ["c", "a", "e", "b", "d"].into_iter().enumerate() {
        let code = u8::try_from(number).unwrap();
        let lifetime = (id != "a").then_some(HOUR);
        let somebody = user("root", &format!("u{number}"));
        insert(&host, Draft { lifetime, ..draft(0, id, somebody, code) }).await.unwrap();
        host.advance(u64::from(code % 2) * 1_000);
    }
    host
}

async fn walk(host: &MemoryHost, sort: SortKey, descending: bool) -> Vec<String> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = list(host, all(), PageRequest { after, ..by(sort, descending) }).await.unwrap();
        seen.extend(ids(&page));
        match page.next {
            Some(next) => after = Some(next),
            None => return seen,
        }
    }
}

#[tokio::test]
async fn every_sort_key_orders_with_the_id_for_equals() {
    let host = five().await;
    assert_eq!(walk(&host, SortKey::CreatedAt, false).await, ["a", "c", "b", "e", "d"]);
    assert_eq!(walk(&host, SortKey::CreatedAt, true).await, ["d", "e", "b", "c", "a"]);
    assert_eq!(walk(&host, SortKey::ExpiresAt, false).await, ["c", "b", "e", "d", "a"]);
    assert_eq!(walk(&host, SortKey::ExpiresAt, true).await, ["a", "d", "e", "b", "c"]);
    assert_eq!(walk(&host, SortKey::Name, false).await, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn a_walk_shows_each_row_once_while_rows_come_and_change() {
    for descending in [false, true] {
        let host = five().await;
        let first = list(&host, all(), by(SortKey::Name, descending)).await.unwrap();
        let mut seen = ids(&first);
        for (id, code) in [("aa", 50), ("cc", 51), ("zz", 52)] {
            insert(&host, draft(0, id, user("root", id), code)).await.unwrap();
        }
        go(&host, "c", State::Revoked).await.unwrap();
        let mut after = first.next;
        while after.is_some() {
            let page =
                list(&host, all(), PageRequest { after, ..by(SortKey::Name, descending) }).await.unwrap();
            seen.extend(ids(&page));
            after = page.next;
        }
        for id in ["a", "b", "c", "d", "e"] {
            assert_eq!(seen.iter().filter(|seen| *seen == id).count(), 1, "{id} in {seen:?}");
        }
    }
}

#[tokio::test]
async fn the_last_page_has_no_cursor_even_when_it_is_full() {
    let host = five().await;
    let page = list(&host, all(), PageRequest { limit: 5, ..by(SortKey::Name, false) }).await.unwrap();
    assert_eq!((page.items.len(), page.next), (5, None));
}

#[tokio::test]
async fn a_cursor_is_of_use_with_its_own_filter_sort_and_organization_alone() {
    let host = five().await;
    let page = list(&host, all(), by(SortKey::Name, false)).await.unwrap();
    let cursor = page.next.unwrap();
    let with = |sort, descending| PageRequest { after: Some(cursor.clone()), ..by(sort, descending) };
    let other_filter = InvitationFilter { name_prefix: Some("n".into()), ..all() };
    assert!(list(&host, all(), with(SortKey::Name, false)).await.is_ok());
    for answer in [
        list(&host, all(), with(SortKey::Name, true)).await,
        list(&host, all(), with(SortKey::CreatedAt, false)).await,
        list(&host, other_filter, with(SortKey::Name, false)).await,
    ] {
        assert!(matches!(answer, Err(StoreError::InvalidCursor)));
    }
    let gina = host.call(Operation::List, Some("globex"), person(user("globex", "u-gina")));
    let answer = host.list(&gina, "globex".into(), all(), with(SortKey::Name, false)).await;
    assert!(matches!(answer, Err(StoreError::InvalidCursor)));
}

#[tokio::test]
async fn no_letter_of_a_cursor_can_be_altered() {
    let host = five().await;
    let cursor = list(&host, all(), by(SortKey::Name, false)).await.unwrap().next.unwrap();
    for index in 0..cursor.len() {
        let mut altered: Vec<char> = cursor.chars().collect();
        altered[index] = if altered[index] == 'A' { 'B' } else { 'A' };
        let after = Some(altered.into_iter().collect());
        let answer = list(&host, all(), PageRequest { after, ..by(SortKey::Name, false) }).await;
        assert!(matches!(answer, Err(StoreError::InvalidCursor)), "letter {index}");
    }
    for text in [String::new(), "?".into(), "e30".into(), "A".repeat(5_000)] {
        let page = PageRequest { after: Some(text), ..by(SortKey::Name, false) };
        assert!(matches!(list(&host, all(), page).await, Err(StoreError::InvalidCursor)));
    }
}

#[tokio::test]
async fn filters_hold_together_and_states_are_judged_by_the_clock() {
    let host = five().await;
    host.advance(HOUR);
    let big = |filter| list(&host, filter, PageRequest { limit: 200, ..by(SortKey::Name, false) });
    let states = |states| InvitationFilter { states, ..all() };
    assert_eq!(ids(&big(states(vec![State::Pending])).await.unwrap()), ["a"]);
    assert_eq!(ids(&big(states(vec![State::Expired])).await.unwrap()), ["b", "c", "d", "e"]);
    let of = |filter| async { ids(&big(filter).await.unwrap()) };
    assert_eq!(of(InvitationFilter { name_prefix: Some("name-b".into()), ..all() }).await, ["b"]);
    assert!(of(InvitationFilter { name_prefix: Some("NAME".into()), ..all() }).await.is_empty());
    assert_eq!(of(InvitationFilter { invitee: Some(user("root", "u0")), ..all() }).await, ["c"]);
    assert_eq!(of(InvitationFilter { grant: Some(group("g-help")), ..all() }).await.len(), 5);
    assert!(of(InvitationFilter { grant: Some(role("g-help")), ..all() }).await.is_empty());
    assert_eq!(of(InvitationFilter { inviter: Some(ann()), ..all() }).await.len(), 5);
    let both = InvitationFilter { inviter: Some(ann()), invitee: Some(alice()), ..all() };
    assert!(of(both).await.is_empty());
}

#[tokio::test]
async fn a_page_has_1_to_200_rows_of_the_calls_organization() {
    let host = five().await;
    for limit in [0, 201] {
        assert!(is_invalid(&list(&host, all(), PageRequest { limit, ..by(SortKey::Name, false) }).await));
    }
    let page = || PageRequest { limit: 200, ..by(SortKey::Name, false) };
    assert!(is_denied(&host.list(&admin(&host), "globex".into(), all(), page()).await));
    assert!(is_denied(&host.list(&dashboard(&host, alice()), "acme".into(), all(), page()).await));
}

#[tokio::test]
async fn mine_spans_organizations_newest_first_without_what_awaits_approval() {
    let host = invited().await;
    host.advance(1);
    let gina = host.call(Operation::Invite, Some("globex"), person(user("globex", "u-gina")));
    let elsewhere = batch("x", vec![draft(0, "inv-g", alice(), 11), awaiting(1, "inv-w", bob())]);
    host.insert(&gina, "globex".into(), elsewhere).await.unwrap();
    let call = dashboard(&host, alice());
    let first = host.mine(&call, vec![], None, 1).await.unwrap();
    assert_eq!(ids(&first), ["inv-g"]);
    let second = host.mine(&call, vec![], first.next.clone(), 200).await.unwrap();
    assert_eq!((ids(&second), second.next.clone()), (vec!["inv-a".to_owned()], None));
    let stolen = host.mine(&dashboard(&host, bob()), vec![], first.next, 1).await;
    assert!(matches!(stolen, Err(StoreError::InvalidCursor)));
    assert!(host.mine(&dashboard(&host, bob()), vec![], None, 10).await.unwrap().items.is_empty());
    let nobody = host.call(Operation::ListMine, None, Principal::Anonymous);
    assert!(host.mine(&nobody, vec![], None, 10).await.unwrap().items.is_empty());
}
