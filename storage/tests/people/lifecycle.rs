//! What becomes of codes, mails and rows: each answer and all that is stored is what the in-memory host has.

use std::sync::Arc;

use guestlist_contract::{
    audit::{EventKind, Refusal, Word},
    host::{Call, Operation},
    settings::Values,
    storage::{
        ClockGuard, CodeChange, Delivery, DeliveryOutcome, DueKind, Guard, LifetimeChange, RefusedItem,
        StoreError, Transitioned,
    },
    types::{HostError, InvitationFilter, MessageKind, PageRequest, Principal, SortKey, State, UserRef},
};

use super::both::{Both, alice, ann, batch, change, key, user};

const HOUR: u64 = 3_600_000;

fn admin(both: &Both) -> Call {
    both.memory.call(Operation::Resend, Some("acme"), ann())
}

fn digest(number: u8) -> Vec<u8> {
    vec![number; 32]
}

/// A resend with one more code, and its mail.
fn renewed(code: CodeChange) -> guestlist_contract::storage::Change {
    let messages = vec![MessageKind::Invitation];
    guestlist_contract::storage::Change { code, messages, ..change(State::Pending) }
}

/// Changes `inv-a` in both.
async fn go(
    both: &Both,
    call: &Call,
    version: u64,
    change: guestlist_contract::storage::Change,
) -> Result<Transitioned, StoreError> {
    let states = vec![State::AwaitingApproval, State::Pending, State::Accepting];
    both.ask(call, |host, call: Arc<Call>| {
        let guard = Guard { version, states: states.clone(), clock: ClockGuard::None };
        let change = change.clone();
        async move { host.storage.transition(&call, key("inv-a"), guard, change).await }
    })
    .await
}

async fn settle(both: &Both, version: u64, outcome: DeliveryOutcome) {
    let sweep = both.memory.call(Operation::Sweep, Some("acme"), Principal::System);
    let kind = MessageKind::Invitation;
    let delivery = Delivery { invitation: "inv-a".into(), version, kind, outcome };
    both.ask(&sweep, |host, call: Arc<Call>| {
        let delivery = delivery.clone();
        async move { host.storage.settle(&call, "acme".into(), vec![delivery]).await }
    })
    .await
    .unwrap();
    both.compare().await;
}

/// What is due now, and for which row.
async fn due(both: &Both) -> Vec<(DueKind, Option<MessageKind>)> {
    let sweep = both.memory.call(Operation::Sweep, Some("acme"), Principal::System);
    let due =
        both.ask(&sweep, |host, call: Arc<Call>| async move {
            host.storage.due(&call, "acme".into(), 10, 1).await
        })
        .await
        .unwrap();
    due.into_iter().map(|item| (item.kind, item.message)).collect()
}

/// Those of these codes that lead alice to the invitation.
async fn live(both: &Both, codes: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let call = both.memory.call(Operation::Accept, None, Principal::User(alice()));
    let mut live = Vec::new();
    for code in codes {
        let found =
            both.ask(&call, |host, call: Arc<Call>| async move {
                host.storage.by_code(&call, digest(code)).await
            })
            .await;
        if found.unwrap().is_some() {
            live.push(code);
        }
    }
    live
}

#[tokio::test]
async fn older_codes_live_until_the_mail_with_a_newer_one_has_arrived() {
    let both = Both::new().await;
    both.invite(alice()).await;
    for number in 1..=3 {
        go(&both, &admin(&both), number.into(), renewed(CodeChange::Add(digest(number)))).await.unwrap();
    }
    assert_eq!(live(&both, 1..=3).await, [1, 2, 3]);
    settle(&both, 4, DeliveryOutcome::Taken).await;
    assert_eq!(live(&both, 1..=3).await, [1, 2, 3], "that somebody has taken it over kills nothing");
    settle(&both, 3, DeliveryOutcome::Delivered).await;
    assert_eq!(live(&both, 1..=3).await, [1, 2, 3], "that was the mail before, and its entry is gone");
    settle(&both, 4, DeliveryOutcome::Delivered).await;
    assert_eq!(live(&both, 1..=3).await, [3]);
    go(&both, &admin(&both), 4, renewed(CodeChange::Replace(digest(4)))).await.unwrap();
    assert_eq!(live(&both, 1..=4).await, [4]);
    both.compare().await;
}

#[tokio::test]
async fn of_33_codes_the_oldest_dies() {
    let both = Both::new().await;
    both.invite(alice()).await;
    for number in 1..=33 {
        go(&both, &admin(&both), number.into(), renewed(CodeChange::Add(digest(number)))).await.unwrap();
    }
    assert_eq!(live(&both, 1..=33).await, (2..=33).collect::<Vec<_>>());
    // A code that is there already becomes the newest, and is one.
    go(&both, &admin(&both), 34, renewed(CodeChange::Add(digest(2)))).await.unwrap();
    go(&both, &admin(&both), 35, renewed(CodeChange::Add(digest(40)))).await.unwrap();
    let expected: Vec<u8> = [2].into_iter().chain(4..=33).chain([40]).collect();
    assert_eq!(live(&both, 1..=40).await, expected);
    both.compare().await;
}

#[tokio::test]
async fn what_is_about_to_be_sent_never_falls_due_by_itself() {
    let both = Both::new().await;
    both.invite(alice()).await;
    both.memory.advance(1_000);
    assert_eq!(due(&both).await, [(DueKind::Mail, Some(MessageKind::Invitation))]);
    settle(&both, 1, DeliveryOutcome::Sending).await;
    both.memory.advance(HOUR / 2);
    assert_eq!(due(&both).await, []);
    settle(&both, 1, DeliveryOutcome::Postponed(5)).await;
    assert_eq!(due(&both).await, []);
    both.memory.advance(5);
    assert_eq!(due(&both).await, [(DueKind::Mail, Some(MessageKind::Invitation))]);
    for outcome in [DeliveryOutcome::Sending, DeliveryOutcome::Retry(7), DeliveryOutcome::Taken] {
        settle(&both, 1, outcome).await;
    }
    settle(&both, 1, DeliveryOutcome::Sending).await;
    both.memory.advance(7);
    assert_eq!(due(&both).await, [], "the host's mail system has it");
    settle(&both, 1, DeliveryOutcome::Delivered).await;
    assert!(both.database.dump().await.unwrap().tenants["acme"].outbox.is_empty());
}

#[tokio::test]
async fn whoever_sends_for_an_inviter_who_is_gone_becomes_the_inviter() {
    let both = Both::new().await;
    both.invite(alice()).await;
    let adopt = |code| guestlist_contract::storage::Change {
        adopt: true,
        word: Some(Word::InviterNotEntitled),
        ..renewed(CodeChange::Add(digest(code)))
    };
    let deputy = Principal::User(user("acme", "u-deputy"));
    for wrong in [Principal::Anonymous, Principal::User(alice())] {
        let call = both.memory.call(Operation::Resend, Some("acme"), wrong);
        let denied = go(&both, &call, 1, adopt(1)).await;
        assert!(matches!(denied, Err(StoreError::Host(HostError::Denied(_)))), "{denied:?}");
        both.compare().await;
    }
    let call = both.memory.call(Operation::Resend, Some("acme"), deputy.clone());
    let row = go(&both, &call, 1, adopt(1)).await.unwrap().row;
    assert_eq!((row.inviter, row.approver), (deputy, None));
    both.compare().await;
    let audit = both.database.dump().await.unwrap().audit;
    let last = audit.last().unwrap();
    assert_eq!((last.kind, last.word), (EventKind::InvitationAdopted, Some(Word::InviterNotEntitled)));
    assert_eq!(last.subject, Some(alice()));
}

/// The ids of a list.
async fn listed(both: &Both, dismissed: Option<bool>) -> Vec<String> {
    let call = both.memory.call(Operation::List, Some("acme"), ann());
    let page = both
        .ask(&call, |host, call: Arc<Call>| async move {
            let filter = InvitationFilter { dismissed, ..InvitationFilter::default() };
            let page = PageRequest { sort: SortKey::CreatedAt, descending: false, after: None, limit: 10 };
            host.storage.list(&call, "acme".into(), filter, page).await.map(|page| page.items)
        })
        .await;
    page.unwrap().into_iter().map(|row| row.key.id).collect()
}

#[tokio::test]
async fn only_what_has_ended_is_taken_off_the_list_and_stays_in_the_history() {
    let both = Both::new().await;
    both.invite(alice()).await;
    let dismiss = async |id: &'static str, place: &'static str, who: Principal| {
        let call = both.memory.call(Operation::Dismiss, Some(place), who);
        let answer = both
            .ask(&call, |host, call: Arc<Call>| async move { host.storage.dismiss(&call, key(id)).await })
            .await;
        both.compare().await;
        answer
    };
    assert!(!dismiss("inv-a", "acme", ann()).await.unwrap().dismissed, "it is pending");
    both.memory.advance(HOUR);
    let run_out = dismiss("inv-a", "acme", ann()).await.unwrap();
    assert_eq!((run_out.state, run_out.dismissed), (State::Expired, false), "nobody has written it yet");
    go(&both, &admin(&both), 1, change(State::Expired)).await.unwrap();
    assert!(matches!(dismiss("inv-a", "globex", ann()).await, Err(StoreError::Host(HostError::Denied(_)))));
    assert_eq!(dismiss("inv-z", "acme", ann()).await, Err(StoreError::NotFound));
    assert_eq!(listed(&both, Some(false)).await, ["inv-a"]);
    for _ in 0..2 {
        let row = dismiss("inv-a", "acme", ann()).await.unwrap();
        assert_eq!((row.version, row.dismissed), (2, true));
    }
    let audit = both.database.dump().await.unwrap().audit;
    let events = audit.iter().filter(|event| event.kind == EventKind::InvitationDismissed);
    assert_eq!(events.count(), 1);
    assert_eq!(listed(&both, Some(false)).await, [""; 0]);
    assert_eq!(listed(&both, Some(true)).await, ["inv-a"]);
    assert_eq!(listed(&both, None).await, ["inv-a"]);
}

#[tokio::test]
async fn languages_and_landing_places_are_checked_and_kept() {
    let both = Both::new().await;
    let call = both.memory.call(Operation::Invite, Some("acme"), ann());
    let insert = async |language: &str, landing: &str| {
        let made = guestlist_contract::storage::Batch {
            language: Some(language.into()),
            landing: Some(landing.into()),
            ..batch("inv-a", alice())
        };
        let answer = both
            .ask(&call, |host, call: Arc<Call>| {
                let made = made.clone();
                async move { host.storage.insert(&call, "acme".into(), made).await }
            })
            .await;
        both.compare().await;
        answer
    };
    for (language, landing) in [
        ("DE", "https://app.example/start"),
        ("de", "https://app.example/"),
        ("de", "https://app.example.org/start"),
        ("de", "http://app.example/start"),
        ("de", "https://app.example/start/../admin"),
        ("de", "https://app.example/starting"),
    ] {
        let refused = insert(language, landing).await;
        assert!(matches!(refused, Err(StoreError::Host(HostError::Invalid(_)))), "{landing}: {refused:?}");
        assert!(both.database.dump().await.unwrap().tenants.values().all(|tenant| tenant.rows.is_empty()));
    }
    insert("pt-BR", "https://app.example/start/here?a=1").await.unwrap().remove(0).unwrap();
    let row = both.database.dump().await.unwrap().tenants["acme"].rows["inv-a"].invitation.clone();
    assert_eq!(row.language.as_deref(), Some("pt-BR"));
    assert_eq!(row.landing.as_deref(), Some("https://app.example/start/here?a=1"));
}

#[tokio::test]
async fn of_a_refused_name_the_trail_has_a_digest() {
    let both = Both::new().await;
    both.invite(alice()).await;
    let call = both.memory.call(Operation::Invite, Some("acme"), ann());
    let item = |position, name: &str, subject, word: Word| RefusedItem {
        position,
        name: name.into(),
        subject,
        word,
        reason: format!("{} as ann said", word.text()),
    };
    let mut made = batch("inv-b", alice());
    made.refused = vec![
        item(1, "Zoe@else.example", None, Word::NotAParentUser),
        item(2, "carl", Some(user("root", "u-carl")), Word::InviteeNotActive),
        item(3, " zoe@ELSE.example", None, Word::Ambiguous),
    ];
    both.ask(&call, |host, call: Arc<Call>| {
        let made = made.clone();
        async move { host.storage.insert(&call, "acme".into(), made).await }
    })
    .await
    .unwrap();
    both.compare().await;
    let refusal = |name: Option<&str>, word| Refusal {
        operation: "invitations.resend".into(),
        invitation: Some("inv-a".into()),
        subject: Some(alice()),
        name: name.map(str::to_owned),
        word,
    };
    let refusals = vec![refusal(Some("zoe@else.example"), Word::NoEmail), refusal(None, Word::InProgress)];
    let invitee = |user: UserRef| both.memory.call(Operation::Accept, None, Principal::User(user));
    for (call, allowed) in [(call, true), (invitee(alice()), true), (invitee(user("root", "u-bob")), false)] {
        let noted = both
            .ask(&call, |host, call: Arc<Call>| {
                let refusals = refusals.clone();
                async move { host.audit.record_refusals(&call, Some("acme".into()), refusals).await }
            })
            .await;
        assert_eq!(noted.is_ok(), allowed, "{noted:?}");
        both.compare().await;
    }
    let audit = both.database.dump().await.unwrap().audit;
    let of = |kind| audit.iter().filter(move |event| event.kind == kind);
    assert_eq!(of(EventKind::Refused).count(), 2);
    let items: Vec<_> = of(EventKind::ItemRefused).collect();
    let words: Vec<_> = items.iter().filter_map(|event| event.word).collect();
    let no_email = [Word::NoEmail; 2];
    assert_eq!(
        words[..4],
        [Word::ActiveInvitation, Word::NotAParentUser, Word::InviteeNotActive, Word::Ambiguous]
    );
    assert_eq!(words[4..], no_email);
    let zoe: Vec<_> = [1, 3, 4, 5].iter().map(|index| items[*index].name.clone().unwrap()).collect();
    assert!(zoe.iter().all(|name| *name == zoe[0] && name.len() == 32));
    assert!(items[0].name != items[2].name && items[2].name.as_ref() != Some(&zoe[0]));
    assert_eq!(
        (items[0].subject.clone(), items[2].subject.clone()),
        (Some(alice()), Some(user("root", "u-carl")))
    );
    let text = serde_json::to_string(&audit).unwrap();
    assert!(!text.contains("as ann said") && !text.to_lowercase().contains("zoe"), "{text}");
}

/// What is handed out as due, and who has work, at each of these times after the invitation was made.
async fn reminded(both: &Both, mailed_after: Option<u64>, expected: &[(u64, bool)]) {
    both.invite(alice()).await;
    settle(both, 1, DeliveryOutcome::Delivered).await;
    let mut passed = 0;
    if let Some(after) = mailed_after {
        both.memory.advance(after);
        passed = after;
        go(both, &admin(both), 1, renewed(CodeChange::Add(digest(1)))).await.unwrap();
        settle(both, 2, DeliveryOutcome::Delivered).await;
    }
    let store = both.database.invitations(Arc::new(both.database.people()));
    for (at, is_due) in expected {
        both.memory.advance(at - passed);
        passed = *at;
        let found = store.with_due_work(10).await.unwrap();
        assert_eq!(!found.is_empty(), *is_due, "who has work after {at} ms");
        let handed_out = due(both).await;
        assert_eq!(handed_out.iter().any(|(kind, _)| *kind == DueKind::Reminder), *is_due, "after {at} ms");
    }
    both.compare().await;
}

/// Invitations of acme last for an hour.
async fn reminding(before: u64) -> Both {
    let both = Both::new().await;
    let settings = Values {
        reminder_before: Some(before),
        ..both.memory.realm().organizations["acme"].settings.clone()
    };
    both.memory.set_settings("acme", settings.clone()).unwrap();
    both.administration().set_settings("acme", settings).await.unwrap();
    both
}

#[tokio::test]
async fn a_reminder_comes_in_time_before_the_end() {
    let both = reminding(HOUR / 4).await;
    reminded(&both, None, &[(HOUR / 2, false), (HOUR * 3 / 4 - 1, false), (HOUR * 3 / 4, true)]).await;
}

#[tokio::test]
async fn nobody_is_reminded_of_what_they_were_sent_a_moment_ago() {
    let both = reminding(HOUR - 1).await;
    reminded(&both, None, &[(1, false), (HOUR / 2 - 1, false), (HOUR / 2, true)]).await;
    let both = reminding(HOUR / 4).await;
    // 40 minutes after: half of the last 20 minutes is over ten minutes later.
    let minute = HOUR / 60;
    let expected = [(45 * minute, false), (50 * minute - 1, false), (50 * minute, true)];
    reminded(&both, Some(40 * minute), &expected).await;
}

#[tokio::test]
async fn a_longer_life_begins_a_new_time_to_be_reminded() {
    let both = reminding(HOUR / 4).await;
    both.invite(alice()).await;
    settle(&both, 1, DeliveryOutcome::Delivered).await;
    both.memory.advance(HOUR * 3 / 4);
    assert_eq!(due(&both).await.len(), 1);
    let longer = guestlist_contract::storage::Change {
        lifetime: LifetimeChange::Restart(Some(2 * HOUR)),
        ..renewed(CodeChange::Add(digest(1)))
    };
    go(&both, &admin(&both), 1, longer).await.unwrap();
    settle(&both, 2, DeliveryOutcome::Delivered).await;
    both.memory.advance(HOUR);
    let reminder = |due: Vec<(DueKind, Option<MessageKind>)>| {
        due.iter().filter(|(kind, _)| *kind == DueKind::Reminder).count()
    };
    assert_eq!(reminder(due(&both).await), 0);
    both.memory.advance(HOUR * 3 / 4);
    assert_eq!(reminder(due(&both).await), 1);
    both.compare().await;
}
