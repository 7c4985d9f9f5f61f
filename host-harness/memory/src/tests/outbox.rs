//! Due work, deliveries and the end of old rows.

use super::{super::SettingsPatch, *};
use guestlist_contract::{
    storage::{Delivery, DeliveryOutcome, DueItem, DueKind},
    types::{MailState, MessageKind},
};
use guestlist_documents::HumanDuration;

async fn due(host: &MemoryHost) -> Vec<DueItem> {
    host.due(&sweep(host), "acme".into(), 200, 5_000).await.unwrap()
}

fn kinds(items: &[DueItem]) -> Vec<(DueKind, &str)> {
    items.iter().map(|item| (item.kind, item.row.key.id.as_str())).collect()
}

async fn settle(host: &MemoryHost, id: &str, outcome: DeliveryOutcome) {
    settle_kind(host, id, MessageKind::Invitation, outcome).await;
}

async fn settle_kind(host: &MemoryHost, id: &str, kind: MessageKind, outcome: DeliveryOutcome) {
    let delivery = Delivery { invitation: id.into(), version: u64::MAX, kind, outcome };
    host.settle(&sweep(host), "acme".into(), vec![delivery]).await.unwrap();
}

fn remind(host: &MemoryHost) {
    let patch =
        SettingsPatch { reminder_before: Some(Some(HumanDuration(HOUR / 2))), ..SettingsPatch::default() };
    host.change_settings("acme", &patch).unwrap();
}

#[tokio::test]
async fn a_mail_falls_due_after_its_hold_and_is_handed_out_once() {
    let host = invited().await;
    host.advance(999);
    assert!(due(&host).await.is_empty());
    host.advance(1);
    let items = due(&host).await;
    assert_eq!(kinds(&items), [(DueKind::Mail, "inv-a")]);
    assert_eq!((items[0].message.clone(), items[0].tries), (Some(MessageKind::Invitation), 0));
    host.advance(4_999);
    assert!(due(&host).await.is_empty(), "hidden");
    host.advance(1);
    assert_eq!(due(&host).await.len(), 1, "nobody has settled it");
}

#[tokio::test]
async fn a_delivery_ends_the_entry_and_the_row_says_what_became_of_it() {
    let gone_up = || DeliveryOutcome::Undeliverable("gone".into());
    for (outcome, mail) in
        [(DeliveryOutcome::Delivered, MailState::Sent), (gone_up(), MailState::Undeliverable)]
    {
        let host = invited().await;
        settle(&host, "inv-a", outcome).await;
        let row = stored(&host, "inv-a");
        assert_eq!((row.mail, row.version), (mail, 1), "the version does not change");
        assert!(host.snapshot().outbox.is_empty());
        settle(&host, "inv-a", gone_up()).await;
        assert_eq!(stored(&host, "inv-a").mail, mail, "it is live no more");
    }
}

#[tokio::test]
async fn a_retry_counts_and_waits() {
    let host = invited().await;
    settle(&host, "inv-a", DeliveryOutcome::Retry(60_000)).await;
    host.advance(59_999);
    assert!(due(&host).await.is_empty());
    host.advance(1);
    assert_eq!(due(&host).await[0].tries, 1);
    assert_eq!(stored(&host, "inv-a").mail, MailState::Queued);
}

#[tokio::test]
async fn what_the_host_has_taken_is_not_due_any_more() {
    let host = invited().await;
    settle(&host, "inv-a", DeliveryOutcome::Taken).await;
    host.advance(HOUR - 1);
    assert!(due(&host).await.is_empty());
    assert_eq!(stored(&host, "inv-a").mail, MailState::Queued);
}

#[tokio::test]
async fn leaving_pending_drops_the_mails_that_needed_it_and_keeps_the_notices() {
    for to in [State::Accepting, State::Declined, State::Revoked] {
        let host = invited().await;
        let leave = Change { messages: vec![MessageKind::Declined], ..change(to) };
        go_with(&host, "inv-a", leave).await.unwrap();
        let outbox = host.snapshot().outbox;
        assert_eq!(outbox.len(), 1);
        assert_eq!(outbox[0].entry.kind, MessageKind::Declined);
        assert_eq!(stored(&host, "inv-a").mail, MailState::None);
    }
}

#[tokio::test]
async fn a_resend_starts_the_one_entry_anew() {
    let host = invited().await;
    settle(&host, "inv-a", DeliveryOutcome::Retry(0)).await;
    let resend = Change {
        code: CodeChange::Replace(digest(11)),
        count_resend: true,
        messages: vec![MessageKind::Invitation],
        ..change(State::Pending)
    };
    let row = go_with(&host, "inv-a", resend).await.unwrap();
    assert_eq!((row.resends, row.mail), (1, MailState::Queued));
    let outbox = host.snapshot().outbox;
    assert_eq!((outbox.len(), outbox[0].entry.tries), (1, 0));
}

#[tokio::test]
async fn a_mail_with_a_dead_code_is_not_handed_out() {
    let host = invited().await;
    host.advance(HOUR);
    assert_eq!(kinds(&due(&host).await), [(DueKind::Expiry, "inv-a")]);
}

#[tokio::test]
async fn an_expiry_is_due_from_its_instant_and_hidden_while_it_is_handled() {
    let host = invited().await;
    settle(&host, "inv-a", DeliveryOutcome::Delivered).await;
    insert(&host, awaiting(0, "inv-b", bob())).await.unwrap();
    host.advance(HOUR - 1);
    assert!(due(&host).await.is_empty());
    host.advance(1);
    let items = due(&host).await;
    assert_eq!(kinds(&items), [(DueKind::Expiry, "inv-a"), (DueKind::Expiry, "inv-b")]);
    assert!(items.iter().all(|item| item.row.state == State::Expired));
    assert!(due(&host).await.is_empty());
    host.advance(5_000);
    assert_eq!(due(&host).await.len(), 2);
}

#[tokio::test]
async fn leases_come_before_mails_before_expiries_before_reminders_and_the_most_overdue_first() {
    let host = host();
    remind(&host);
    for (position, id, account) in
        [(0, "inv-lease", alice()), (1, "inv-mail", bob()), (2, "inv-old", user("root", "u-carl"))]
    {
        insert(&host, draft(0, id, account, 20 + position)).await.unwrap();
    }
    go(&host, "inv-lease", State::Accepting).await.unwrap();
    settle(&host, "inv-old", DeliveryOutcome::Delivered).await;
    host.advance(HOUR / 2);
    insert(&host, draft(0, "inv-new", user("partner", "u-gus0"), 30)).await.unwrap();
    host.advance(1_000);
    let items = due(&host).await;
    assert_eq!(
        kinds(&items),
        [
            (DueKind::Lease, "inv-lease"),
            (DueKind::Mail, "inv-mail"),
            (DueKind::Mail, "inv-new"),
            (DueKind::Reminder, "inv-old"),
        ],
        "nobody is reminded of what was not mailed"
    );
}

#[tokio::test]
async fn a_reminder_is_due_once_and_is_an_entry_from_then_on() {
    let host = invited().await;
    remind(&host);
    settle(&host, "inv-a", DeliveryOutcome::Delivered).await;
    host.advance(HOUR / 2 - 1);
    assert!(due(&host).await.is_empty());
    host.advance(1);
    assert_eq!(kinds(&due(&host).await), [(DueKind::Reminder, "inv-a")]);
    host.advance(5_000);
    let again = due(&host).await;
    assert_eq!(again[0].message, Some(MessageKind::Reminder), "it was not settled");
    settle_kind(&host, "inv-a", MessageKind::Reminder, DeliveryOutcome::Delivered).await;
    assert_eq!(stored(&host, "inv-a").mail, MailState::Sent);
    host.advance(5_000);
    assert!(due(&host).await.is_empty());
}

#[tokio::test]
async fn a_take_over_makes_the_next_lease_due_at_its_own_end() {
    let host = invited().await;
    go(&host, "inv-a", State::Accepting).await.unwrap();
    host.advance(30_000);
    assert_eq!(kinds(&due(&host).await), [(DueKind::Lease, "inv-a")]);
    go(&host, "inv-a", State::Accepting).await.unwrap();
    host.advance(29_999);
    assert!(due(&host).await.is_empty());
    host.advance(1);
    assert_eq!(due(&host).await.len(), 1);
}

#[tokio::test]
async fn ended_rows_are_purged_when_they_are_older_than_the_retention() {
    for (after, purged) in [(999, 0), (1_000, 0), (1_001, 1)] {
        let host = invited().await;
        go(&host, "inv-a", State::Revoked).await.unwrap();
        insert(&host, draft(0, "inv-b", alice(), 11)).await.unwrap();
        host.advance(after);
        let call = sweep(&host);
        assert_eq!(host.purge(&call, "acme".into(), 1_000, 10).await.unwrap(), purged);
        assert_eq!(host.snapshot().invitations.len(), 2 - purged as usize);
        assert!(events(&host).contains(&"invitation.revoked".to_owned()), "the trail stays");
    }
}

#[tokio::test]
async fn a_purge_takes_the_oldest_first_and_no_more_than_its_limit() {
    let host = invited().await;
    insert(&host, draft(0, "inv-b", bob(), 11)).await.unwrap();
    go(&host, "inv-b", State::Revoked).await.unwrap();
    host.advance(1);
    go(&host, "inv-a", State::Revoked).await.unwrap();
    host.advance(1);
    assert_eq!(host.purge(&sweep(&host), "acme".into(), 0, 1).await.unwrap(), 1);
    assert_eq!(host.snapshot().invitations[0].invitation.key.id, "inv-a");
}

#[tokio::test]
async fn limits_are_1_to_200() {
    let host = invited().await;
    for limit in [0, 201] {
        let answer = host.due(&sweep(&host), "acme".into(), limit, 1).await;
        assert!(matches!(answer, Err(HostError::Invalid(_))));
        let answer = host.purge(&sweep(&host), "acme".into(), 0, limit).await;
        assert!(matches!(answer, Err(HostError::Invalid(_))));
    }
}

#[tokio::test]
async fn an_invitee_settles_the_mails_of_his_own_invitation_alone() {
    let host = invited().await;
    insert(&host, draft(0, "inv-b", bob(), 11)).await.unwrap();
    let delivered = |id: &str| Delivery {
        version: 1,
        invitation: id.into(),
        kind: MessageKind::Invitation,
        outcome: DeliveryOutcome::Delivered,
    };
    let call = dashboard(&host, alice());
    host.settle(&call, "acme".into(), vec![delivered("inv-a"), delivered("inv-b")]).await.unwrap();
    assert_eq!(stored(&host, "inv-a").mail, MailState::Sent);
    assert_eq!(stored(&host, "inv-b").mail, MailState::Queued);
}

#[tokio::test]
async fn organizations_with_due_work_are_known_without_handing_anything_out() {
    let host = invited().await;
    assert!(host.with_due_work().is_empty());
    host.advance(1_000);
    assert_eq!(host.with_due_work(), ["acme"]);
    assert_eq!(due(&host).await.len(), 1);
    assert!(host.with_due_work().is_empty(), "somebody is at it");
    go(&host, "inv-a", State::Revoked).await.unwrap();
    host.advance(crate::default_settings().retention + 1);
    assert_eq!(host.with_due_work(), ["acme"], "to be purged");
}
