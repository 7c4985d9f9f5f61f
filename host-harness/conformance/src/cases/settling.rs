//! `storage.settle`: what became of e-mails.

use super::prelude::*;

const AREA: &str = "settling";

pub(super) const CASES: &[Case] = &[
    case!(AREA, delivered, "A delivered mail is due no more, and its row says `sent`."),
    case!(AREA, undeliverable, "One that was given up is due no more, and its row says `undeliverable`."),
    case!(AREA, no_version_changes, "What becomes of a mail changes no version."),
    case!(AREA, a_retry_counts_and_waits, "A retry waits, counts as a try, and leaves the row `queued`."),
    case!(AREA, a_postponed_mail_waits_and_does_not_count, "A postponed mail waits and does not count."),
    case!(AREA, waits_end_at_the_very_instant, "Both are due again at the very instant.").exact(),
    case!(
        AREA,
        what_is_taken_is_not_due,
        "What the host has taken is due no more, and the row stays `queued`."
    ),
    case!(AREA, what_is_taken_is_settled_later, "What was taken is settled by a later call."),
    case!(
        AREA,
        what_is_being_sent_is_not_due,
        "What is about to be sent never falls due by itself, however long it takes, and its row stays `queued`."
    ),
    case!(
        AREA,
        what_is_being_sent_is_settled_later,
        "`delivered` and `undeliverable` end what is about to be sent; `retry` and `postponed` let it wait again."
    ),
    case!(
        AREA,
        a_notice_that_is_being_sent,
        "It is the same for notices: one that was throttled is not lost, one that broke off is not sent twice."
    ),
    case!(AREA, repeating_is_harmless, "A second delivery of what is settled changes nothing."),
    case!(
        AREA,
        an_older_mail_settles_nothing_newer,
        "A delivery for an older version does not settle what a resend has asked for."
    ),
    case!(
        AREA,
        a_newer_version_settles,
        "A delivery for the version of the entry, or a later one, settles it."
    ),
    case!(AREA, kinds_are_settled_by_themselves, "A notice is settled by itself; it is not the row's mail."),
    case!(
        AREA,
        what_does_not_exist_is_ignored,
        "Deliveries for unknown invitations and kinds are ignored, beside others."
    ),
    case!(
        AREA,
        an_invitee_settles_his_own_alone,
        "An invitee's call settles the mails of his own invitation and no others."
    ),
    case!(AREA, another_organizations_mails, "No call settles mails of another organization."),
    case!(AREA, at_most_200, "200 deliveries are taken, 201 are `invalid`; so is a reason of 1025 bytes."),
];

fn of(name: &str, version: u64, outcome: DeliveryOutcome) -> Delivery {
    Delivery { invitation: id(name), version, kind: MessageKind::Invitation, outcome }
}

/// `a`, for alice, with a mail that is due.
async fn mailed(ground: &Ground) -> Outcome<Trial> {
    let t = ground.company().await?;
    t.batch(&t.admin(), Batch { hold: 0, ..batch("one", vec![draft("a", alice())]) }).await?;
    same("what is due", &t.due(0).await?.len(), &1)?;
    Ok(t)
}

async fn state_of_mail(t: &Trial, due: usize, mail: MailState) -> Outcome {
    same("the mail of the row", &t.row("a").await?.mail, &mail)?;
    same("what is due", &t.due(0).await?.len(), &due)
}

async fn delivered(ground: Ground) -> Outcome {
    let t = mailed(&ground).await?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Delivered)]).await?;
    state_of_mail(&t, 0, MailState::Sent).await
}

async fn undeliverable(ground: Ground) -> Outcome {
    let t = mailed(&ground).await?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Undeliverable("gone".into()))]).await?;
    state_of_mail(&t, 0, MailState::Undeliverable).await
}

async fn no_version_changes(ground: Ground) -> Outcome {
    let t = mailed(&ground).await?;
    let before = t.row("a").await?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Retry(0))]).await?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Delivered)]).await?;
    same("the row but for its mail", &Invitation { mail: MailState::Queued, ..t.row("a").await? }, &before)
}

async fn a_retry_counts_and_waits(ground: Ground) -> Outcome {
    let t = mailed(&ground).await?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Retry(2 * t.unit))]).await?;
    state_of_mail(&t, 0, MailState::Queued).await?;
    t.pass(2 * t.unit).await?;
    same("tries", &item("due", &t.due(0).await?, 0)?.tries, &1)?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Retry(0))]).await?;
    same("tries after another", &item("due", &t.due(0).await?, 0)?.tries, &2)
}

async fn a_postponed_mail_waits_and_does_not_count(ground: Ground) -> Outcome {
    let t = mailed(&ground).await?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Postponed(2 * t.unit))]).await?;
    state_of_mail(&t, 0, MailState::Queued).await?;
    t.pass(2 * t.unit).await?;
    same("tries", &item("due", &t.due(0).await?, 0)?.tries, &0)
}

async fn waits_end_at_the_very_instant(ground: Ground) -> Outcome {
    for outcome in [DeliveryOutcome::Retry(10_000), DeliveryOutcome::Postponed(10_000)] {
        let t = mailed(&ground).await?;
        t.settle(vec![of("a", 1, outcome)]).await?;
        t.pass(9_999).await?;
        same("a millisecond before", &t.due(0).await?.len(), &0)?;
        t.pass(1).await?;
        same("at its instant", &t.due(0).await?.len(), &1)?;
    }
    Ok(())
}

async fn what_is_taken_is_not_due(ground: Ground) -> Outcome {
    let t = mailed(&ground).await?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Taken)]).await?;
    t.pass(t.unit).await?;
    state_of_mail(&t, 0, MailState::Queued).await
}

async fn what_is_taken_is_settled_later(ground: Ground) -> Outcome {
    let ends = [
        (DeliveryOutcome::Delivered, MailState::Sent),
        (DeliveryOutcome::Undeliverable("x".into()), MailState::Undeliverable),
    ];
    for (outcome, mail) in ends {
        let t = mailed(&ground).await?;
        t.settle(vec![of("a", 1, DeliveryOutcome::Taken)]).await?;
        t.settle(vec![of("a", 1, outcome)]).await?;
        state_of_mail(&t, 0, mail).await?;
    }
    let t = mailed(&ground).await?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Taken)]).await?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Retry(0))]).await?;
    state_of_mail(&t, 1, MailState::Queued).await
}

async fn what_is_being_sent_is_not_due(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let request = Batch { hold: 0, ..batch("one", vec![Draft { lifetime: None, ..draft("a", alice()) }]) };
    t.batch(&t.admin(), request).await?;
    same("what is due", &t.due(0).await?.len(), &1)?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Sending)]).await?;
    state_of_mail(&t, 0, MailState::Queued).await?;
    t.pass(3 * t.unit).await?;
    state_of_mail(&t, 0, MailState::Queued).await?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Sending)]).await?;
    state_of_mail(&t, 0, MailState::Queued).await
}

async fn what_is_being_sent_is_settled_later(ground: Ground) -> Outcome {
    for (outcome, due, mail) in [
        (DeliveryOutcome::Delivered, 0, MailState::Sent),
        (DeliveryOutcome::Undeliverable("x".into()), 0, MailState::Undeliverable),
        (DeliveryOutcome::Retry(0), 1, MailState::Queued),
        (DeliveryOutcome::Postponed(0), 1, MailState::Queued),
    ] {
        let t = mailed(&ground).await?;
        t.settle(vec![of("a", 1, DeliveryOutcome::Sending)]).await?;
        t.settle(vec![of("a", 1, outcome)]).await?;
        state_of_mail(&t, due, mail).await?;
    }
    let t = mailed(&ground).await?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Sending)]).await?;
    t.change("a", Change { hold: 0, ..resend("more") }).await?;
    state_of_mail(&t, 1, MailState::Queued).await
}

async fn a_notice_that_is_being_sent(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.change("a", Change { messages: vec![MessageKind::Declined], hold: 0, ..change(State::Declined) })
        .await?;
    let notice = |outcome| Delivery { kind: MessageKind::Declined, ..of("a", 2, outcome) };
    same("due at first", &t.due(0).await?.len(), &1)?;
    t.settle(vec![notice(DeliveryOutcome::Sending)]).await?;
    t.pass(3 * t.unit).await?;
    same("due when nobody has said what became of it", &t.due(0).await?.len(), &0)?;
    t.settle(vec![notice(DeliveryOutcome::Postponed(0))]).await?;
    let items = t.due(0).await?;
    same("due when it was throttled", &items.len(), &1)?;
    same("its tries", &item("due", &items, 0)?.tries, &0)?;
    t.settle(vec![notice(DeliveryOutcome::Sending)]).await?;
    t.settle(vec![notice(DeliveryOutcome::Delivered)]).await?;
    same("due when it was delivered", &t.due(0).await?.len(), &0)
}

async fn repeating_is_harmless(ground: Ground) -> Outcome {
    let t = mailed(&ground).await?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Delivered)]).await?;
    for outcome in [
        DeliveryOutcome::Delivered,
        DeliveryOutcome::Undeliverable("late".into()),
        DeliveryOutcome::Retry(0),
        DeliveryOutcome::Taken,
        DeliveryOutcome::Sending,
    ] {
        t.settle(vec![of("a", 1, outcome)]).await?;
        state_of_mail(&t, 0, MailState::Sent).await?;
    }
    Ok(())
}

async fn an_older_mail_settles_nothing_newer(ground: Ground) -> Outcome {
    let t = mailed(&ground).await?;
    t.change("a", Change { hold: 0, ..resend("more") }).await?;
    for outcome in [
        DeliveryOutcome::Delivered,
        DeliveryOutcome::Undeliverable("late".into()),
        DeliveryOutcome::Retry(LONG),
        DeliveryOutcome::Taken,
        DeliveryOutcome::Sending,
    ] {
        t.settle(vec![of("a", 1, outcome)]).await?;
        state_of_mail(&t, 1, MailState::Queued).await?;
        same("tries", &item("due", &t.due(0).await?, 0)?.tries, &0)?;
    }
    t.settle(vec![of("a", 2, DeliveryOutcome::Delivered)]).await?;
    state_of_mail(&t, 0, MailState::Sent).await
}

async fn a_newer_version_settles(ground: Ground) -> Outcome {
    let t = mailed(&ground).await?;
    t.go("a", State::Pending).await?;
    t.settle(vec![of("a", 2, DeliveryOutcome::Delivered)]).await?;
    state_of_mail(&t, 0, MailState::Sent).await
}

async fn kinds_are_settled_by_themselves(ground: Ground) -> Outcome {
    let t = mailed(&ground).await?;
    t.settle(vec![of("a", 1, DeliveryOutcome::Delivered)]).await?;
    t.go("a", State::Accepting).await?;
    t.change("a", Change { messages: vec![MessageKind::Accepted], hold: 0, ..change(State::Accepted) })
        .await?;
    let notice = |outcome| Delivery { kind: MessageKind::Accepted, ..of("a", 3, outcome) };
    t.settle(vec![of("a", 3, DeliveryOutcome::Undeliverable("x".into()))]).await?;
    state_of_mail(&t, 1, MailState::Sent).await?;
    t.settle(vec![notice(DeliveryOutcome::Undeliverable("x".into()))]).await?;
    state_of_mail(&t, 0, MailState::Sent).await
}

async fn what_does_not_exist_is_ignored(ground: Ground) -> Outcome {
    let t = mailed(&ground).await?;
    let unknown_kind =
        Delivery { kind: MessageKind::Other("fax".into()), ..of("a", 1, DeliveryOutcome::Delivered) };
    let done = DeliveryOutcome::Delivered;
    t.settle(vec![of("never", 1, done.clone()), unknown_kind, of("a", 1, done)]).await?;
    state_of_mail(&t, 0, MailState::Sent).await
}

async fn an_invitee_settles_his_own_alone(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let drafts = vec![draft("a", alice()), draft("b", bob())];
    t.batch(&t.admin(), Batch { hold: 0, ..batch("one", drafts) }).await?;
    let both = vec![of("a", 1, DeliveryOutcome::Delivered), of("b", 1, DeliveryOutcome::Delivered)];
    ok("settle", t.host.storage.settle(&t.invitee(alice()), "acme".into(), both).await)?;
    same("her mail", &t.row("a").await?.mail, &MailState::Sent)?;
    same("his mail", &t.row("b").await?.mail, &MailState::Queued)
}

async fn another_organizations_mails(ground: Ground) -> Outcome {
    let t = mailed(&ground).await?;
    let elsewhere = t.call(Operation::Sweep, Some("globex"), Principal::System);
    let delivered = || vec![of("a", 1, DeliveryOutcome::Delivered)];
    denied("settling in `acme`", &t.host.storage.settle(&elsewhere, "acme".into(), delivered()).await)?;
    ok("settling in its own", t.host.storage.settle(&elsewhere, "globex".into(), delivered()).await)?;
    denied("a stranger", &t.host.storage.settle(&t.invitee(bob()), "acme".into(), delivered()).await)?;
    state_of_mail(&t, 1, MailState::Queued).await
}

async fn at_most_200(ground: Ground) -> Outcome {
    let t = mailed(&ground).await?;
    let many = |count: usize| vec![of("a", 1, DeliveryOutcome::Delivered); count];
    invalid("201 deliveries", &t.host.storage.settle(&t.sweep(), "acme".into(), many(201)).await)?;
    let long = vec![of("a", 1, DeliveryOutcome::Undeliverable("x".repeat(1025)))];
    invalid("a reason of 1025 bytes", &t.host.storage.settle(&t.sweep(), "acme".into(), long).await)?;
    state_of_mail(&t, 1, MailState::Queued).await?;
    t.settle(many(200)).await?;
    state_of_mail(&t, 0, MailState::Sent).await
}
