//! E-mails: what became of them, and what a process had taken that is gone.

use std::sync::Arc;

use guestlist_contract::{
    host::{Call, Operation, Storage as _},
    storage::{
        Batch, Change, ClockGuard, CodeChange, Delivery, DeliveryOutcome, Draft, DueKind, Guard,
        LifetimeChange,
    },
    types::{
        AcceptWith, Context, HostError, InvitationKey, MessageKind, Notify, Permissions, Principal, State,
        Subject, UserRef,
    },
};
use guestlist_storage::{AccountError, Database, DeliveryState, Invitations, NewDelivery, TakenMessage};

use super::desk::{Desk, HOUR, MINUTE, ann, user};

pub fn call(desk: &Desk, operation: Operation, caller: Principal) -> Call {
    let context = Context {
        organization: Some("acme".into()),
        caller,
        permissions: Permissions::all(),
        request_id: "request-2".into(),
        now: desk.now(),
    };
    Call::new(operation, context)
}

pub fn cid() -> Principal {
    Principal::User(user("acme", "u-cid"))
}

/// With a lease of a minute.
pub fn store(database: &Database) -> Invitations {
    database.invitations(Arc::new(database.people())).with_taken_lease(MINUTE)
}

/// Stores a pending invitation of acme, whose e-mail is due.
pub async fn invite(desk: &Desk, id: &str, invitee: UserRef) {
    let mut code = vec![0; 32];
    code[..id.len()].copy_from_slice(id.as_bytes());
    let draft = Draft {
        position: 0,
        id: id.into(),
        subject: Subject::User(invitee),
        name: "somebody".into(),
        grants: None,
        lifetime: Some(24 * HOUR),
        accept_with: AcceptWith::Invitee,
        code: Some(code),
        approval: None,
        replaces: None,
    };
    let batch = Batch {
        operation: format!("insert-{id}"),
        fingerprint: vec![1; 32],
        parent: "root".into(),
        grants: Vec::new(),
        notify: Notify::Internal,
        template: None,
        language: None,
        landing: None,
        metadata: Vec::new(),
        active_limit: None,
        announce: false,
        report_expired: false,
        hold: 0,
        drafts: vec![draft],
        refused: Vec::new(),
    };
    let invite = call(desk, Operation::Invite, cid());
    store(&desk.database).insert(&invite, "acme".into(), batch).await.unwrap().remove(0).unwrap();
}

pub async fn settle(desk: &Desk, store: &Invitations, id: &str, outcome: DeliveryOutcome) {
    let delivery = Delivery { invitation: id.into(), version: 1, kind: MessageKind::Invitation, outcome };
    let sweep = call(desk, Operation::Sweep, Principal::System);
    store.settle(&sweep, "acme".into(), vec![delivery]).await.unwrap();
}

/// The invitations whose e-mail is due, which takes them out for a millisecond.
pub async fn due(desk: &Desk, store: &Invitations) -> Vec<String> {
    let sweep = call(desk, Operation::Sweep, Principal::System);
    let items = store.due(&sweep, "acme".into(), 100, 1).await.unwrap();
    desk.pass(1);
    items.into_iter().filter(|item| item.kind == DueKind::Mail).map(|item| item.row.key.id).collect()
}

pub fn message(id: &str) -> TakenMessage {
    TakenMessage { invitation: id.into(), kind: MessageKind::Invitation, version: 1 }
}

fn delivery(version: u64, state: DeliveryState) -> NewDelivery {
    let (next_at, words) = match state {
        DeliveryState::Retrying => (Some(7), Some("451 try again".to_owned())),
        _ => (None, None),
    };
    NewDelivery { invitation: "i-1".into(), kind: MessageKind::Invitation, version, state, next_at, words }
}

#[tokio::test]
async fn what_became_of_an_email_is_known_as_long_as_its_invitation() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    invite(&desk, "i-1", ann()).await;
    use DeliveryState::{GivenUp, HandedOver, Queued, Refused, Retrying};
    for (version, state, is_news) in [
        (1, Queued, true),
        (1, Retrying, true),
        (1, Retrying, true),
        (1, HandedOver, true),
        (1, Queued, false),
        (1, GivenUp, false),
        (2, Refused, true),
        (2, HandedOver, false),
    ] {
        desk.pass(1);
        let written = accounts.record_delivery("acme", &delivery(version, state)).await.unwrap();
        assert_eq!(written, is_news, "{version} {state:?}");
    }
    let known = accounts.deliveries_of("acme", "i-1").await.unwrap();
    let shown: Vec<_> =
        known.iter().map(|known| (known.version, known.state, known.words.as_deref())).collect();
    assert_eq!(shown, [(2, Refused, None), (1, HandedOver, None)]);
    assert_eq!(known[1].at, desk.now() - 4);
    assert_eq!(accounts.deliveries_of("other", "i-1").await.unwrap(), []);
    assert!(!accounts.record_delivery("other", &delivery(1, Queued)).await.unwrap(), "it is not theirs");
    let long = NewDelivery { words: Some("x".repeat(1025)), ..delivery(3, Queued) };
    let said = accounts.record_delivery("acme", &long).await.unwrap_err();
    assert!(matches!(said, AccountError::Invalid(_)), "{said}");
    // It goes with the invitation.
    let store = store(&desk.database);
    let key = InvitationKey { organization: "acme".into(), id: "i-1".into() };
    let guard = Guard { version: 1, states: vec![State::Pending], clock: ClockGuard::None };
    let revoked = Change {
        operation: "revoke".into(),
        to: State::Revoked,
        lease: None,
        code: CodeChange::Keep,
        lifetime: LifetimeChange::Keep,
        reason: None,
        word: None,
        adopt: false,
        outcomes: None,
        count_resend: false,
        messages: Vec::new(),
        hold: 0,
    };
    store.transition(&call(&desk, Operation::Revoke, cid()), key, guard, revoked).await.unwrap();
    desk.pass(2);
    let sweep = call(&desk, Operation::Sweep, Principal::System);
    assert_eq!(store.purge(&sweep, "acme".into(), 1, 10).await, Ok(1));
    assert_eq!(accounts.deliveries_of("acme", "i-1").await.unwrap(), []);
    assert!(!accounts.record_delivery("acme", &delivery(1, Queued)).await.unwrap());
}

#[tokio::test]
async fn what_a_process_has_taken_that_is_gone_falls_due_again() {
    let desk = Desk::new().await;
    let [gone, other] = [store(&desk.database), store(&desk.open().await)];
    invite(&desk, "i-1", ann()).await;
    assert_eq!(due(&desk, &gone).await, ["i-1"]);
    settle(&desk, &gone, "i-1", DeliveryOutcome::Taken).await;
    desk.pass(MINUTE - 1);
    assert_eq!(other.release_taken(100).await, Ok(0), "it may still be there");
    assert_eq!(due(&desk, &other).await, [""; 0]);
    assert_eq!(other.release_taken(100).await, Ok(1));
    assert_eq!(due(&desk, &other).await, ["i-1"]);
    settle(&desk, &other, "i-1", DeliveryOutcome::Taken).await;
    assert_eq!(other.release_taken(100).await, Ok(0), "another has it");
    settle(&desk, &other, "i-1", DeliveryOutcome::Delivered).await;
    desk.pass(HOUR);
    assert_eq!(other.release_taken(100).await, Ok(0), "it is settled");
    assert_eq!(gone.renew_taken("acme", &[message("i-1")]).await, Ok(vec![false]));
}

#[tokio::test]
async fn who_renews_what_it_has_keeps_it() {
    let desk = Desk::new().await;
    let [slow, other] = [store(&desk.database), store(&desk.open().await)];
    invite(&desk, "i-1", ann()).await;
    invite(&desk, "i-2", user("root", "u-bob")).await;
    for id in ["i-1", "i-2"] {
        settle(&desk, &slow, id, DeliveryOutcome::Taken).await;
    }
    for _ in 0..5 {
        desk.pass(MINUTE / 2);
        let held = [message("i-1"), message("i-9")];
        assert_eq!(slow.renew_taken("acme", &held).await, Ok(vec![true, false]));
        other.release_taken(100).await.unwrap();
    }
    assert_eq!(due(&desk, &other).await, ["i-2"], "nobody has renewed that");
    assert_eq!(slow.renew_taken("other", &[message("i-1")]).await, Ok(vec![false]), "it is acme's");
    assert_eq!(slow.renew_taken("acme", &[message("i-2")]).await, Ok(vec![false]), "it was given back");
    // A resend begins it anew: what is older is not to be sent.
    let older = TakenMessage { version: 0, ..message("i-1") };
    assert_eq!(slow.renew_taken("acme", &[older]).await, Ok(vec![false]));
    let many: Vec<_> = (0..201).map(|number| message(&format!("i-{number}"))).collect();
    assert!(matches!(slow.renew_taken("acme", &many).await, Err(HostError::Invalid(_))));
}

#[tokio::test]
async fn what_is_taken_without_a_lease_is_never_given_back() {
    let desk = Desk::new().await;
    let store = desk.database.invitations(Arc::new(desk.database.people()));
    invite(&desk, "i-1", ann()).await;
    settle(&desk, &store, "i-1", DeliveryOutcome::Taken).await;
    desk.pass(24 * HOUR - 1);
    assert_eq!(store.release_taken(100).await, Ok(0), "a pipeline has it on its disk");
    assert!(matches!(store.renew_taken("acme", &[message("i-1")]).await, Err(HostError::Invalid(_))));
}

#[tokio::test]
async fn what_is_sent_at_most_once_does_not_fall_due_again() {
    let desk = Desk::new().await;
    let store = store(&desk.database);
    invite(&desk, "i-1", ann()).await;
    settle(&desk, &store, "i-1", DeliveryOutcome::Sending).await;
    settle(&desk, &store, "i-1", DeliveryOutcome::Taken).await;
    desk.pass(HOUR);
    assert_eq!(store.release_taken(100).await, Ok(1));
    assert_eq!(due(&desk, &store).await, [""; 0], "nobody knows whether it was sent");
    settle(&desk, &store, "i-1", DeliveryOutcome::Retry(0)).await;
    desk.pass(1);
    assert_eq!(due(&desk, &store).await, ["i-1"], "now somebody does");
}

/// Lets one person have so many e-mails a day.
async fn bound(desk: &Desk, most: u32) {
    let mut world = desk.database.dump().await.unwrap();
    world.mails_per_day = Some(most);
    desk.database.load(&world).await.unwrap();
}

#[tokio::test]
async fn one_person_gets_so_many_emails_a_day_from_all_organizations_together() {
    const DAY: u64 = 24 * HOUR;
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    let bob = user("root", "u-bob");
    let count = async |organization: &str, to: &UserRef| {
        desk.pass(1);
        accounts.count_mails(organization, std::slice::from_ref(to)).await.unwrap().remove(0)
    };
    for _ in 0..3 {
        assert_eq!(count("acme", &ann()).await, None, "there is no bound");
    }
    bound(&desk, 3).await;
    let start = desk.now();
    assert_eq!(count("acme", &ann()).await, None);
    assert_eq!(count("acme", &ann()).await, None);
    // One organization has all but one; others have that one; and somebody else is not concerned.
    assert_eq!(count("acme", &ann()).await, Some(start + 1 + DAY - desk.now()));
    assert_eq!(count("lab", &ann()).await, None);
    assert_eq!(count("globex", &ann()).await, Some(start + 1 + DAY - desk.now()));
    assert_eq!(count("acme", &bob).await, None);
    // Who got none after all has room.
    accounts.uncount_mail("lab", &ann()).await.unwrap();
    assert_eq!(count("globex", &ann()).await, None);
    assert!(count("lab", &ann()).await.is_some());
    // Of several some may go. Who is there twice counts twice.
    desk.pass(2 * DAY);
    let several = [ann(), ann(), ann(), user("acme", "u-cid")];
    let answers = accounts.count_mails("acme", &several).await.unwrap();
    assert_eq!(answers.iter().map(Option::is_none).collect::<Vec<_>>(), [true, true, false, true]);
    // What is over is cleared away, and what is not is kept.
    assert_eq!(accounts.purge_over(100).await.unwrap(), 1, "that of Bob");
    assert_eq!(accounts.purge_over(100).await.unwrap(), 0);
    assert!(count("acme", &ann()).await.is_some());
}

#[tokio::test]
async fn whose_email_waits_goes_before_who_wrote_last() {
    let desk = Desk::new().await;
    bound(&desk, 1).await;
    let accounts = desk.accounts();
    let bob = user("root", "u-bob");
    let count = async |organization: &str| {
        desk.pass(1);
        accounts.count_mails(organization, std::slice::from_ref(&bob)).await.unwrap().remove(0)
    };
    assert_eq!(count("globex").await, None);
    assert!(count("acme").await.is_some(), "the day is full");
    desk.pass(12 * HOUR);
    invite(&desk, "i-1", bob.clone()).await;
    desk.pass(12 * HOUR);
    assert_eq!(count("globex").await, Some(HOUR), "it is the turn of acme");
    assert_eq!(count("acme").await, None);
    // Whose e-mail makes no sense any more keeps nobody back.
    desk.pass(24 * HOUR);
    assert_eq!(count("globex").await, None);
    assert!(count("acme").await.is_some());
    desk.pass(24 * HOUR);
    assert_eq!(count("globex").await, None, "the invitation of acme is over");
}
