//! Several calls at the same time. With a runtime of one thread they still interleave wherever a host waits.
//!
//! A host may answer `unavailable` or `throttled` to one that lost (a serialization failure that was rolled
//! back, say): then it is asked again.

use super::prelude::*;
use super::tasks::{PATIENCE, TASKS, at_once, insist};

const AREA: &str = "at_once";

pub(super) const CASES: &[Case] = &[
    case!(AREA, one_claim_wins, "Of several claims at once exactly one is applied."),
    case!(
        AREA,
        one_row_for_a_subject,
        "Of several inserts for one subject at once one is stored, and the others are answered with it."
    ),
    case!(AREA, one_operation_has_one_effect, "One request, several times at once, makes one row."),
    case!(
        AREA,
        crosswise_bulks_end,
        "Bulks with the same people in opposite orders both end, with one row for each person."
    ),
    case!(
        AREA,
        what_ran_out_is_written_off_once,
        "Several inserts over one that has run out write it off once and store one."
    ),
    case!(AREA, due_work_is_handed_out_once, "Several sweeps at once get each due item once, between them."),
    case!(AREA, a_reminder_is_handed_out_once, "So it is with reminders."),
    case!(AREA, an_approval_and_a_rejection, "Of an approval and a rejection at once one is applied."),
    case!(
        AREA,
        a_resend_and_a_delivery,
        "A resend and the delivery of the older mail at once: the newer mail is still sent."
    ),
    case!(
        AREA,
        every_change_is_counted,
        "Changes that insist, each with the version that it has seen, are all counted."
    ),
    case!(AREA, steps_are_applied_once, "Several accepts that apply the same steps at once apply each once."),
    case!(AREA, closing_and_applying, "Whatever `close` does not tell of is not there afterwards."),
    case!(
        AREA,
        a_removal_and_an_accept,
        "Who is removed during his accept is no member afterwards, whichever came first, or was made one by it after a removal that found none."
    ),
    case!(AREA, purges_share_the_work, "Several purges at once delete each row once."),
    case!(AREA, each_change_has_its_event, "After all this each change has exactly one event."),
];

async fn try_to(t: &Trial, name: &str, version: u64, change: Change) -> Outcome<Transitioned> {
    let (version, name) = (version, name.to_owned());
    let answer = insist(t, || async {
        t.host.storage.transition(&t.admin(), key(&name), guard(version, &STATES), change.clone()).await
    });
    ok("a change", answer.await?)
}

async fn store(t: &Trial, operation: &str, drafts: Vec<Draft>) -> Outcome<Vec<Result<Inserted, StoreError>>> {
    let answer = insist(t, || async {
        t.try_batch(&t.admin(), Batch { hold: 0, ..batch(operation, drafts.clone()) }).await
    });
    ok("insert", answer.await?)
}

async fn one_claim_wins(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let claims = at_once(TASKS, |_| {
        let t = t.clone();
        async move { Ok(try_to(&t, "a", 1, change(State::Accepting)).await?.applied) }
    });
    let applied = claims.await?.into_iter().filter(|applied| *applied).count();
    same("claims that were applied", &applied, &1)?;
    let row = t.row("a").await?;
    same("claims and version of the row", &(row.claims, row.version), &(1, 2))
}

async fn one_row_for_a_subject(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let items = at_once(TASKS, |number| {
        let t = t.clone();
        async move {
            let name = format!("n{number}");
            let items = store(&t, &name, vec![draft(&name, alice())]).await?;
            item("insert", &items, 0).cloned()
        }
    });
    let items = items.await?;
    let stored: Vec<_> = items.iter().filter_map(|item| item.as_ref().ok()).collect();
    same("rows that were stored", &stored.len(), &1)?;
    let rows = t.list(all(), page(SortKey::Name, 10)).await?.items;
    same("rows that are there", &rows.len(), &1)?;
    let first = item("list", &rows, 0)?;
    for item in &items {
        let told = item.is_ok() || matches!(item, Err(StoreError::Exists(found)) if *found == first.key);
        must("what the others are answered", told, "`exists`, with the row", item)?;
    }
    Ok(())
}

async fn one_operation_has_one_effect(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let items = at_once(TASKS, |number| {
        let t = t.clone();
        async move {
            let draft = draft(&format!("n{number}"), alice());
            let items = store(&t, "one", vec![draft]).await?;
            ok("an item", item("insert", &items, 0)?.clone())
        }
    });
    let items = items.await?;
    same("rows that are there", &t.list(all(), page(SortKey::Name, 10)).await?.items.len(), &1)?;
    let made = items.iter().filter(|row| !row.existed).count();
    must("who made it", made == 1, "exactly one", &items)
}

async fn crosswise_bulks_end(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    at_once(TASKS, |number| {
        let t = t.clone();
        async move {
            let draft =
                |person: usize| draft(&format!("n{number}-{person}"), of_root(&format!("{person:03}")));
            let mut drafts: Vec<_> = (0..20).map(draft).collect();
            if number % 2 == 1 {
                drafts.reverse();
            }
            let answer = insist(&t, || async {
                let request = Batch { grants: vec![], ..batch(&format!("bulk-{number}"), drafts.clone()) };
                t.try_batch(&t.admin(), request).await
            });
            ok("a bulk", answer.await?)
        }
    })
    .await?;
    same("rows", &t.list(all(), page(SortKey::Name, 200)).await?.items.len(), &20)
}

async fn what_ran_out_is_written_off_once(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("old", alice()) }).await?;
    t.pass(t.unit).await?;
    at_once(TASKS, |number| {
        let t = t.clone();
        async move {
            let name = format!("n{number}");
            store(&t, &name, vec![draft(&name, alice())]).await
        }
    })
    .await?;
    let old = t.row("old").await?;
    same("state and version of the old one", &(old.state, old.version), &(State::Expired, 2))?;
    same("rows", &t.list(all(), page(SortKey::Name, 10)).await?.items.len(), &2)
}

/// All that several sweeps get, until none of them gets anything.
async fn sweep_all(t: &Trial) -> Outcome<Vec<(String, String)>> {
    let handed_out = at_once(4, |_| {
        let t = t.clone();
        async move {
            let mut seen = Vec::new();
            for _ in 0..PATIENCE {
                let answer =
                    insist(&t, || async { t.host.storage.due(&t.sweep(), "acme".into(), 3, LONG).await });
                let items = ok("due", answer.await?)?;
                if items.is_empty() {
                    return Ok(seen);
                }
                seen.extend(due_kinds(&items).into_iter().map(|(kind, name, _)| (kind, name)));
                tokio::task::yield_now().await;
            }
            Err(broken("sweeping while nothing is settled", "an end", &seen))
        }
    });
    let mut all: Vec<_> = handed_out.await?.into_iter().flatten().collect();
    all.sort();
    Ok(all)
}

async fn due_work_is_handed_out_once(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let drafts: Vec<_> =
        (0..24).map(|number| draft(&format!("n{number:02}"), of_root(&format!("{number:03}")))).collect();
    let expected: Vec<_> = drafts.iter().map(|draft| ("mail".to_owned(), draft.name.clone())).collect();
    t.batch(&t.admin(), Batch { hold: 0, grants: vec![], ..batch("one", drafts) }).await?;
    same("what was handed out", &sweep_all(&t).await?, &expected)
}

async fn a_reminder_is_handed_out_once(ground: Ground) -> Outcome {
    let t = ground.acme(|settings| settings.reminder_before = Some(2 * LONG)).await?;
    let mut expected = Vec::new();
    for (name, who) in [("a", alice()), ("b", bob()), ("c", carol()), ("d", dave())] {
        t.insert(Draft { lifetime: Some(12 * t.unit), ..draft(name, who) }).await?;
        let (invitation, kind) = (id(name), MessageKind::Invitation);
        t.settle(vec![Delivery { invitation, version: 1, kind, outcome: DeliveryOutcome::Delivered }])
            .await?;
        expected.push(("reminder".to_owned(), name.to_owned()));
    }
    // Nobody is reminded before half of the time has passed.
    t.pass(7 * t.unit).await?;
    same("what was handed out", &sweep_all(&t).await?, &expected)
}

async fn an_approval_and_a_rejection(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(awaiting("a", alice())).await?;
    let done = at_once(TASKS, |number| {
        let t = t.clone();
        let change = if number % 2 == 0 {
            approve(&format!("code-{number}"), Some(LONG))
        } else {
            change(State::Revoked)
        };
        async move { Ok(try_to(&t, "a", 1, change).await?.applied) }
    });
    same("changes that were applied", &done.await?.into_iter().filter(|applied| *applied).count(), &1)?;
    same("the version", &t.row("a").await?.version, &2)
}

async fn a_resend_and_a_delivery(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.batch(&t.admin(), Batch { hold: 0, ..batch("one", vec![draft("a", alice())]) }).await?;
    at_once(TASKS, |number| {
        let t = t.clone();
        async move {
            if number == TASKS / 2 {
                let done = try_to(&t, "a", 1, Change { hold: 0, ..resend("more") }).await?;
                return same("the resend", &done.applied, &true);
            }
            let answer = insist(&t, || async {
                let (invitation, kind) = (id("a"), MessageKind::Invitation);
                let delivery = Delivery { invitation, version: 1, kind, outcome: DeliveryOutcome::Delivered };
                t.host.storage.settle(&t.sweep(), "acme".into(), vec![delivery]).await
            });
            ok("settle", answer.await?)
        }
    })
    .await?;
    same("the mail of the row", &t.row("a").await?.mail, &MailState::Queued)?;
    same("mails that are due", &t.due(0).await?.len(), &1)
}

async fn every_change_is_counted(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    at_once(TASKS, |number| {
        let t = t.clone();
        async move {
            for _ in 0..PATIENCE {
                let seen = t.row("a").await?.version;
                let resent = Change { hold: LONG, ..resend(&format!("code-{number}")) };
                if try_to(&t, "a", seen, resent).await?.applied {
                    return Ok(());
                }
            }
            Err(broken("a change that insists", "applied in the end", &"never"))
        }
    })
    .await?;
    let row = t.row("a").await?;
    let count = u32::try_from(TASKS).unwrap_or(0);
    same("resends and version", &(row.resends, row.version), &(count, u64::from(count) + 1))?;
    let mut live = 0;
    for number in 0..TASKS {
        live += usize::from(t.by_code(&t.invitee(alice()), &format!("code-{number}")).await?.is_some());
    }
    same("codes that are live", &live, &1)
}

async fn apply(t: &Trial) -> Outcome<Vec<StepOutcome>> {
    let answer = insist(t, || async { t.try_apply(&t.invitee(alice()), "a", alice(), steps()).await });
    match answer.await? {
        // Members that are elsewhere: part of it is there, and the rest is for the next call.
        Err(HostError::OutcomeUnknown) if t.profile == Profile::External => {
            t.apply("a", alice(), steps()).await
        }
        answer => ok("apply", answer),
    }
}

async fn steps_are_applied_once(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.claimed("a", alice()).await?;
    let outcomes = at_once(TASKS, |_| {
        let t = t.clone();
        async move { apply(&t).await }
    });
    let outcomes = outcomes.await?;
    for (place, step) in steps().iter().enumerate() {
        let of_step: Vec<_> = outcomes.iter().filter_map(|outcomes| outcomes.get(place)).collect();
        let applied = of_step.iter().filter(|outcome| ***outcome == StepOutcome::Applied).count();
        let others = of_step
            .iter()
            .all(|outcome| matches!(outcome, StepOutcome::Applied | StepOutcome::AlreadyApplied));
        // Members that are elsewhere: the look of another may have been faster than the answer of the write.
        let once = applied == 1 || (applied == 0 && t.profile == Profile::External);
        must(
            &format!("{step:?}"),
            once && others,
            "applied once, and already applied for the others",
            &of_step,
        )?;
    }
    same("apply afterwards", &t.apply("a", alice(), steps()).await?, &vec![StepOutcome::AlreadyApplied; 3])
}

async fn closing_and_applying(ground: Ground) -> Outcome {
    for _ in 0..3 {
        let t = ground.company().await?;
        t.claimed("a", alice()).await?;
        let told = at_once(2, |number| {
            let t = t.clone();
            async move {
                if number == 0 {
                    apply(&t).await?;
                    return Ok(None);
                }
                let answer = insist(&t, || async {
                    t.host.membership.close(&t.sweep(), "acme".into(), id("a")).await
                });
                ok("close", answer.await?).map(Some)
            }
        });
        let told: Vec<_> = told.await?.into_iter().flatten().flatten().collect();
        let member = told.iter().any(|result| result.step == Step::Member);
        let is_member = t.is_member(alice()).await?;
        // Members that are elsewhere: a write that was under way may land late, and is taken back.
        if t.profile == Profile::Transactional {
            same("a member", &is_member, &member)?;
        }
        same("close again", &t.close("a").await?, &told)?;
        same("apply afterwards", &t.apply("a", alice(), steps()).await?, &vec![StepOutcome::Closed; 3])?;
    }
    Ok(())
}

async fn a_removal_and_an_accept(ground: Ground) -> Outcome {
    if ground.profile() == Profile::External {
        return Err(Stop::LeftOut(
            "members are elsewhere: a removal in the window of a write is not seen".into(),
        ));
    }
    let t = ground.company().await?;
    t.claimed("a", alice()).await?;
    t.happen(Event::AddMember { organization: "acme".into(), account: alice() }).await?;
    let outcomes = at_once(2, |number| {
        let t = t.clone();
        async move {
            if number == 0 {
                return apply(&t).await;
            }
            t.happen(Event::RemoveMember { organization: "acme".into(), account: alice() }).await?;
            Ok(vec![])
        }
    });
    outcomes.await?;
    same("a member", &t.is_member(alice()).await?, &false)?;
    t.apply("a", alice(), steps()).await?;
    same("a member after another try", &t.is_member(alice()).await?, &false)
}

async fn purges_share_the_work(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let drafts: Vec<_> =
        (0..12).map(|number| draft(&format!("n{number}"), of_root(&format!("{number:03}")))).collect();
    t.batch(&t.admin(), Batch { grants: vec![], ..batch("one", drafts) }).await?;
    for number in 0..12 {
        t.go(&format!("n{number}"), State::Revoked).await?;
    }
    t.pass(3).await?;
    let purged = at_once(4, |_| {
        let t = t.clone();
        async move {
            let answer =
                insist(&t, || async { t.host.storage.purge(&t.sweep(), "acme".into(), 0, 200).await });
            ok("purge", answer.await?)
        }
    });
    same("rows that were deleted", &purged.await?.into_iter().sum::<u32>(), &12)?;
    same("rows", &t.list(all(), page(SortKey::Name, 10)).await?.items.len(), &0)
}

async fn each_change_has_its_event(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    at_once(TASKS, |number| {
        let t = t.clone();
        async move {
            let name = format!("n{number}");
            store(&t, &name, vec![draft(&name, alice())]).await?;
            try_to(&t, "a", 1, change(if number == 0 { State::Revoked } else { State::Declined })).await
        }
    })
    .await?;
    let events = t.trail().await?;
    let rows = t.list(all(), page(SortKey::Name, 10)).await?.items;
    for row in &rows {
        let its = events.iter().filter(|event| event.invitation.as_ref() == Some(&row.key.id)).count();
        same(&format!("events of `{}`", row.name), &u64::try_from(its).unwrap_or(u64::MAX), &row.version)?;
    }
    Ok(())
}
