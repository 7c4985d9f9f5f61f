//! The outbox: which messages wait, and which are dropped because they make no sense any more.

use super::due::{kinds, pairs, reminding, sent, store};
use super::prelude::*;

const AREA: &str = "outbox";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        a_reminder_is_due_once,
        "A reminder is due when the end is near, once, and is a mail from then on."
    ),
    case!(
        AREA,
        nobody_is_reminded_of_what_was_sent_just_now,
        "Nobody is reminded before half of the time between the last mail and the end has passed."
    ),
    case!(
        AREA,
        half_of_the_time_to_the_very_instant,
        "It is due at the very instant at which half has passed."
    )
    .exact(),
    case!(
        AREA,
        a_resend_starts_the_half_anew,
        "A mail that is delivered later, as that of a resend, puts the reminder off."
    )
    .exact(),
    case!(AREA, nobody_is_reminded_of_what_was_not_sent, "Nobody is reminded of what was not mailed to him."),
    case!(
        AREA,
        without_the_setting_nobody_is_reminded,
        "Nobody is reminded where the organization does not want it, nor of what never ends."
    ),
    case!(
        AREA,
        leaving_pending_drops_its_mails,
        "Claimed, declined, revoked: the mail with the code goes, notices stay."
    ),
    case!(
        AREA,
        a_decision_drops_the_request_for_it,
        "When it is approved or rejected, approvers are not asked any more."
    ),
    case!(
        AREA,
        notices_stay_after_the_end,
        "A notice to the inviter is due also when the invitation has ended."
    ),
    case!(
        AREA,
        one_live_message_of_a_kind,
        "At most one message of a kind is live: a resend starts it anew, with no tries."
    ),
    case!(
        AREA,
        an_announcement,
        "`announce` asks approvers for each draft that awaits them, and for no other."
    ),
    case!(
        AREA,
        a_report_of_what_expired_on_the_way,
        "`report-expired` tells the inviter of what was written off on the way, and nobody else."
    ),
];

async fn nobody_is_reminded_of_what_was_sent_just_now(ground: Ground) -> Outcome {
    let t = reminding(&ground, Some(2 * LONG)).await?;
    t.insert(draft("a", alice())).await?;
    sent(&t, "a").await?;
    same("due, although the end is near", &kinds(&t, 0).await?, &vec![])?;
    let t = reminding(&ground, Some(LONG)).await?;
    t.insert(Draft { lifetime: Some(12 * t.unit), ..draft("a", alice()) }).await?;
    sent(&t, "a").await?;
    t.pass(7 * t.unit).await?;
    same("due after more than half", &kinds(&t, 0).await?, &pairs(&[("reminder", "a")]))
}

async fn half_of_the_time_to_the_very_instant(ground: Ground) -> Outcome {
    // Of an hour that has begun ten seconds before the mail was delivered; and of a reminder that is asked later.
    for (before, instant) in [(LONG, (LONG - 10_000) / 2), (LONG / 4, LONG * 3 / 4 - 10_000)] {
        let t = reminding(&ground, Some(before)).await?;
        t.insert(draft("a", alice())).await?;
        t.pass(10_000).await?;
        sent(&t, "a").await?;
        t.pass(instant - 1).await?;
        same("a millisecond before", &kinds(&t, 0).await?, &vec![])?;
        t.pass(1).await?;
        same("at its instant", &kinds(&t, 0).await?, &pairs(&[("reminder", "a")]))?;
    }
    Ok(())
}

async fn a_resend_starts_the_half_anew(ground: Ground) -> Outcome {
    let t = reminding(&ground, Some(LONG)).await?;
    t.insert(draft("a", alice())).await?;
    sent(&t, "a").await?;
    t.pass(LONG / 2).await?;
    t.change("a", resend("more")).await?;
    let (invitation, kind) = (id("a"), MessageKind::Invitation);
    t.settle(vec![Delivery { invitation, version: 2, kind, outcome: DeliveryOutcome::Delivered }]).await?;
    t.pass(LONG / 4 - 1).await?;
    same("after half of the first", &kinds(&t, 0).await?, &vec![])?;
    t.pass(1).await?;
    same("after half of the second", &kinds(&t, 0).await?, &pairs(&[("reminder", "a")]))
}

async fn a_reminder_is_due_once(ground: Ground) -> Outcome {
    let t = reminding(&ground, Some(LONG)).await?;
    t.insert(Draft { lifetime: Some(12 * t.unit), ..draft("a", alice()) }).await?;
    sent(&t, "a").await?;
    t.pass(7 * t.unit).await?;
    same("due", &kinds(&t, t.unit).await?, &pairs(&[("reminder", "a")]))?;
    same("due at once again", &kinds(&t, 0).await?, &vec![])?;
    t.pass(t.unit).await?;
    let again = due_kinds(&t.due(0).await?);
    same(
        "due when nobody has settled it",
        &again,
        &vec![("mail".into(), "a".into(), Some(MessageKind::Reminder))],
    )?;
    let (invitation, kind) = (id("a"), MessageKind::Reminder);
    let delivery = Delivery { invitation, version: 1, kind, outcome: DeliveryOutcome::Delivered };
    t.settle(vec![delivery]).await?;
    t.pass(t.unit).await?;
    same("due when it was delivered", &kinds(&t, 0).await?, &vec![])?;
    same("the mail of the row", &t.row("a").await?.mail, &MailState::Sent)
}

async fn nobody_is_reminded_of_what_was_not_sent(ground: Ground) -> Outcome {
    let t = reminding(&ground, Some(2 * LONG)).await?;
    t.insert(draft("a", alice())).await?;
    let external = Batch { notify: Notify::External, ..batch("one", vec![draft("b", bob())]) };
    t.batch(&t.admin(), external).await?;
    t.insert(awaiting("c", carol())).await?;
    same("due", &kinds(&t, 0).await?, &vec![])
}

async fn without_the_setting_nobody_is_reminded(ground: Ground) -> Outcome {
    let t = reminding(&ground, None).await?;
    t.insert(draft("a", alice())).await?;
    sent(&t, "a").await?;
    same("due without the setting", &kinds(&t, 0).await?, &vec![])?;
    let t = reminding(&ground, Some(2 * LONG)).await?;
    t.insert(Draft { lifetime: None, ..draft("a", alice()) }).await?;
    sent(&t, "a").await?;
    same("due without an end", &kinds(&t, 0).await?, &vec![])
}

async fn leaving_pending_drops_its_mails(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let ways =
        [("a", alice(), State::Accepting), ("b", bob(), State::Declined), ("c", carol(), State::Revoked)];
    for (name, who, to) in ways {
        store(&t, draft(name, who), 0).await?;
        let row = t.change(name, change(to)).await?;
        same(&format!("the mail of one that is {}", word(to)), &row.mail, &MailState::None)?;
    }
    same("due", &kinds(&t, 0).await?, &vec![])
}

async fn a_decision_drops_the_request_for_it(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let drafts = vec![awaiting("a", alice()), awaiting("b", bob())];
    t.batch(&t.admin(), Batch { announce: true, hold: 0, ..batch("one", drafts) }).await?;
    same("due before", &t.due(0).await?.len(), &2)?;
    t.change("a", approve("first", Some(LONG))).await?;
    t.go("b", State::Revoked).await?;
    same("due after", &kinds(&t, 0).await?, &vec![])
}

async fn notices_stay_after_the_end(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.claimed("a", alice()).await?;
    t.change("a", Change { messages: vec![MessageKind::Accepted], hold: 0, ..change(State::Accepted) })
        .await?;
    t.insert(draft("b", bob())).await?;
    t.change("b", Change { messages: vec![MessageKind::Declined], hold: 0, ..change(State::Declined) })
        .await?;
    t.claimed("c", carol()).await?;
    t.change("c", Change { messages: vec![MessageKind::Failed], hold: 0, ..change(State::Failed) }).await?;
    t.insert(draft("d", dave())).await?;
    t.change("d", Change { messages: vec![MessageKind::Revoked], hold: 0, ..change(State::Revoked) }).await?;
    let mut due = due_kinds(&t.due(0).await?);
    due.sort_by(|one, other| one.1.cmp(&other.1));
    let notice = |name: &str, kind| ("mail".to_owned(), name.to_owned(), Some(kind));
    let expected = vec![
        notice("a", MessageKind::Accepted),
        notice("b", MessageKind::Declined),
        notice("c", MessageKind::Failed),
        notice("d", MessageKind::Revoked),
    ];
    same("due", &due, &expected)
}

async fn one_live_message_of_a_kind(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    store(&t, draft("a", alice()), 0).await?;
    let retry = DeliveryOutcome::Retry(0);
    t.settle(vec![Delivery {
        invitation: id("a"),
        version: 1,
        kind: MessageKind::Invitation,
        outcome: retry,
    }])
    .await?;
    same("tries before", &item("due", &t.due(0).await?, 0)?.tries, &1)?;
    t.change("a", Change { hold: 0, ..resend("more") }).await?;
    let items = t.due(0).await?;
    same(
        "due after a resend",
        &due_kinds(&items),
        &vec![("mail".into(), "a".into(), Some(MessageKind::Invitation))],
    )?;
    same("tries after a resend", &item("due", &items, 0)?.tries, &0)
}

async fn an_announcement(ground: Ground) -> Outcome {
    for announce in [true, false] {
        let t = ground.company().await?;
        let drafts = vec![awaiting("a", alice()), draft("b", bob())];
        t.batch(&t.admin(), Batch { announce, hold: 0, ..batch("one", drafts) }).await?;
        let due = due_kinds(&t.due(0).await?);
        let asked = due.iter().filter(|(_, _, message)| *message == Some(MessageKind::ApprovalRequested));
        let names: Vec<_> = asked.map(|(_, name, _)| name.as_str()).collect();
        same("whose approvers are asked", &names, &if announce { vec!["a"] } else { vec![] })?;
    }
    Ok(())
}

async fn a_report_of_what_expired_on_the_way(ground: Ground) -> Outcome {
    for report_expired in [true, false] {
        let t = ground.company().await?;
        t.insert(Draft { lifetime: Some(t.unit), ..draft("a", alice()) }).await?;
        t.pass(t.unit).await?;
        t.batch(&t.admin(), Batch { report_expired, ..batch("one", vec![draft("b", alice())]) }).await?;
        let expected = vec![("mail".to_owned(), "a".to_owned(), Some(MessageKind::Expired))];
        same("due", &due_kinds(&t.due(0).await?), &if report_expired { expected } else { vec![] })?;
    }
    Ok(())
}
