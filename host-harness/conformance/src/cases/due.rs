//! `storage.due`: what is handed out, when, and to whom.

use super::prelude::*;

const AREA: &str = "due";

pub(super) const CASES: &[Case] = &[
    case!(AREA, nothing_is_due, "Where nothing waits nothing is due."),
    case!(
        AREA,
        a_mail_is_due_after_its_hold,
        "A mail is due when the hold of its batch is over, with its row, kind and tries."
    ),
    case!(AREA, a_hold_at_the_very_instant, "It is due at the very instant at which the hold is over.")
        .exact(),
    case!(
        AREA,
        what_is_handed_out_is_hidden,
        "What was handed out is hidden for the hold, and due again after it."
    ),
    case!(
        AREA,
        no_more_than_the_limit,
        "No more than `limit` is handed out, and the rest to the next who asks."
    ),
    case!(AREA, limits_are_1_to_200, "Limits are 1 to 200."),
    case!(AREA, a_lease_is_due_when_it_is_over, "An accept is due when its lease is over, and not before."),
    case!(AREA, a_take_over_is_due_at_its_own_end, "A take-over is due at the end of its own lease."),
    case!(
        AREA,
        an_expiry_is_due,
        "What has run out is due as `expiry`, pending or awaiting, and reads `expired`."
    ),
    case!(AREA, an_expiry_that_was_written_is_not_due, "When it was written it is due no more."),
    case!(AREA, a_mail_with_a_dead_code_is_not_due, "The mail of what has run out is not handed out."),
    case!(AREA, in_the_order_of_the_contract, "Leases come before mails before expiries before reminders."),
    case!(AREA, the_most_overdue_come_first, "Among equals the most overdue come first."),
    case!(
        AREA,
        only_for_its_own_organization,
        "The sweep of another organization, an administrator of one and an invitee get nothing."
    ),
];

pub(super) async fn kinds(t: &Trial, hold: u64) -> Outcome<Vec<(String, String)>> {
    Ok(due_kinds(&t.due(hold).await?).into_iter().map(|(kind, name, _)| (kind, name)).collect())
}

pub(super) fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(kind, name)| ((*kind).to_owned(), (*name).to_owned())).collect()
}

/// Stores a draft whose e-mail is due after `hold`.
pub(super) async fn store(t: &Trial, draft: Draft, hold: u64) -> Outcome {
    let request = Batch { hold, ..batch(&format!("store-{}", draft.name), vec![draft]) };
    let items = t.batch(&t.admin(), request).await?;
    ok("insert", item("insert", &items, 0)?.clone()).map(drop)
}

pub(super) async fn sent(t: &Trial, name: &str) -> Outcome {
    let (invitation, kind) = (id(name), MessageKind::Invitation);
    t.settle(vec![Delivery { invitation, version: 1, kind, outcome: DeliveryOutcome::Delivered }]).await
}

async fn nothing_is_due(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    same("due", &kinds(&t, 0).await?, &vec![])?;
    t.insert(draft("a", alice())).await?;
    same("due while everything is held", &kinds(&t, 0).await?, &vec![])
}

async fn a_mail_is_due_after_its_hold(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    store(&t, draft("a", alice()), t.unit).await?;
    t.pass(t.unit).await?;
    let items = t.due(0).await?;
    same("due", &due_kinds(&items), &vec![("mail".into(), "a".into(), Some(MessageKind::Invitation))])?;
    let found = item("due", &items, 0)?;
    same("its row and tries", &(found.row.clone(), found.tries), &(t.row("a").await?, 0))
}

async fn a_hold_at_the_very_instant(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    store(&t, draft("a", alice()), 10_000).await?;
    t.pass(9_999).await?;
    same("a millisecond before", &kinds(&t, 0).await?, &vec![])?;
    t.pass(1).await?;
    same("at its instant", &kinds(&t, 5_000).await?, &pairs(&[("mail", "a")]))?;
    t.pass(4_999).await?;
    same("hidden", &kinds(&t, 0).await?, &vec![])?;
    t.pass(1).await?;
    same("due again", &kinds(&t, 0).await?, &pairs(&[("mail", "a")]))
}

async fn what_is_handed_out_is_hidden(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    store(&t, draft("a", alice()), 0).await?;
    store(&t, Draft { lifetime: Some(t.unit), ..awaiting("b", bob()) }, 0).await?;
    t.insert(draft("c", carol())).await?;
    t.change("c", Change { lease: Some(t.unit), ..change(State::Accepting) }).await?;
    t.pass(t.unit).await?;
    let all = pairs(&[("lease", "c"), ("mail", "a"), ("expiry", "b")]);
    same("due", &kinds(&t, 2 * t.unit).await?, &all)?;
    same("due again at once", &kinds(&t, 0).await?, &vec![])?;
    t.pass(2 * t.unit).await?;
    same("due again after the hold", &kinds(&t, 0).await?, &all)
}

async fn no_more_than_the_limit(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (name, who) in [("a", alice()), ("b", bob()), ("c", carol())] {
        store(&t, draft(name, who), 0).await?;
        t.pass(3).await?;
    }
    let mut seen = Vec::new();
    for expected in [2, 1, 0] {
        let items = ok("due", t.host.storage.due(&t.sweep(), "acme".into(), 2, LONG).await)?;
        same("items of one call", &items.len(), &expected)?;
        seen.extend(items.into_iter().map(|item| item.row.name));
    }
    same("all that was handed out", &seen, &vec!["a", "b", "c"])
}

async fn limits_are_1_to_200(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for limit in [0, 201] {
        invalid(
            &format!("a limit of {limit}"),
            &t.host.storage.due(&t.sweep(), "acme".into(), limit, 0).await,
        )?;
    }
    ok("a limit of 200", t.host.storage.due(&t.sweep(), "acme".into(), 200, 0).await).map(drop)
}

async fn a_lease_is_due_when_it_is_over(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.claimed("a", alice()).await?;
    t.insert(draft("b", bob())).await?;
    t.change("b", Change { lease: Some(t.unit), ..change(State::Accepting) }).await?;
    t.pass(t.unit).await?;
    let items = t.due(0).await?;
    same("due", &due_kinds(&items), &vec![("lease".into(), "b".into(), None)])?;
    same("the state", &item("due", &items, 0)?.row.state, &State::Accepting)
}

async fn a_take_over_is_due_at_its_own_end(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.change("a", Change { lease: Some(t.unit), ..change(State::Accepting) }).await?;
    t.pass(t.unit).await?;
    same("due", &kinds(&t, LONG).await?, &pairs(&[("lease", "a")]))?;
    t.change("a", Change { lease: Some(t.unit), ..change(State::Accepting) }).await?;
    t.pass(t.unit).await?;
    same(
        "due after the take-over, although it was hidden",
        &kinds(&t, LONG).await?,
        &pairs(&[("lease", "a")]),
    )?;
    t.go("a", State::Accepting).await?;
    same("due while a lease runs", &kinds(&t, 0).await?, &vec![])
}

async fn an_expiry_is_due(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    store(&t, Draft { lifetime: Some(t.unit), ..draft("a", alice()) }, LONG).await?;
    store(&t, Draft { lifetime: Some(2 * t.unit), ..awaiting("b", bob()) }, LONG).await?;
    t.pass(2 * t.unit).await?;
    let items = t.due(0).await?;
    same(
        "due",
        &due_kinds(&items),
        &vec![("expiry".into(), "a".into(), None), ("expiry".into(), "b".into(), None)],
    )?;
    must("their states", items.iter().all(|item| item.row.state == State::Expired), "expired", &items)
}

async fn an_expiry_that_was_written_is_not_due(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("a", alice()) }).await?;
    t.pass(t.unit).await?;
    t.go("a", State::Expired).await?;
    same("due", &kinds(&t, 0).await?, &vec![])
}

async fn a_mail_with_a_dead_code_is_not_due(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    store(&t, Draft { lifetime: Some(t.unit), ..draft("a", alice()) }, 0).await?;
    t.pass(t.unit).await?;
    same("due", &kinds(&t, 0).await?, &pairs(&[("expiry", "a")]))
}

/// A world where people are reminded so long before the end.
pub(super) async fn reminding(ground: &Ground, before: Option<u64>) -> Outcome<Trial> {
    ground.acme(|settings| settings.reminder_before = before).await
}

async fn in_the_order_of_the_contract(ground: Ground) -> Outcome {
    let t = reminding(&ground, Some(2 * LONG)).await?;
    store(&t, Draft { lifetime: Some(12 * t.unit), ..draft("reminder", dave()) }, LONG).await?;
    sent(&t, "reminder").await?;
    t.insert(Draft { lifetime: Some(t.unit), ..awaiting("expiry", carol()) }).await?;
    t.insert(draft("lease", alice())).await?;
    t.change("lease", Change { lease: Some(t.unit), ..change(State::Accepting) }).await?;
    store(&t, draft("mail", bob()), t.unit).await?;
    t.pass(7 * t.unit).await?;
    let expected: Vec<_> =
        ["lease", "mail", "expiry", "reminder"].map(|kind| (kind.to_owned(), kind.to_owned())).into();
    same("due", &kinds(&t, 0).await?, &expected)
}

async fn the_most_overdue_come_first(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (name, who) in [("c", alice()), ("a", bob()), ("b", carol())] {
        store(&t, draft(name, who), 0).await?;
        t.pass(3).await?;
    }
    same("due", &kinds(&t, 0).await?, &pairs(&[("mail", "c"), ("mail", "a"), ("mail", "b")]))
}

async fn only_for_its_own_organization(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    store(&t, draft("a", alice()), 0).await?;
    let elsewhere = t.call(Operation::Sweep, Some("globex"), Principal::System);
    for (what, call) in [
        ("the sibling's sweep", elsewhere),
        ("the parent's administrator", t.by(of_root("rita"))),
        ("an invitee", t.invitee(alice())),
    ] {
        denied(what, &t.host.storage.due(&call, "acme".into(), 10, 0).await)?;
    }
    let elsewhere = t.call(Operation::Sweep, Some("globex"), Principal::System);
    let theirs = ok("due", t.host.storage.due(&elsewhere, "globex".into(), 10, 0).await)?;
    same("what is due in the sibling", &theirs.len(), &0)
}
