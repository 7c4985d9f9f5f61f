//! Guards and clocks of `storage.transition`: the whole safety of accepting.

use super::prelude::*;

const AREA: &str = "claiming";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        a_stale_version_applies_nothing,
        "A guard with another version applies nothing and is answered with the row as it is."
    ),
    case!(
        AREA,
        another_state_applies_nothing,
        "A guard without the stored state applies nothing; one that has it among others holds."
    ),
    case!(
        AREA,
        a_guard_before_expiry,
        "`before-expiry` holds until the time has run out, and without an end for ever."
    ),
    case!(AREA, a_guard_after_expiry, "`after-expiry` holds from then on, and never without an end."),
    case!(AREA, a_guard_for_a_lease, "`lease-over` holds when the lease is over, and never without one."),
    case!(
        AREA,
        a_claim_at_the_very_instant,
        "A claim is made until the millisecond before the end, and not at the end."
    )
    .exact(),
    case!(AREA, a_lease_at_the_very_instant, "A lease is over at its very instant, and not before.").exact(),
    case!(
        AREA,
        an_expiry_at_the_very_instant,
        "`expired` is written from the instant of the end, and not before."
    )
    .exact(),
    case!(
        AREA,
        a_claim_has_a_lease,
        "A claim has a lease from the store's time on and counts in `claims`; so does each take-over."
    ),
    case!(AREA, the_end_of_a_claim, "The end of a claim has no lease, has an end, and keeps its claims."),
    case!(
        AREA,
        only_one_claim_wins,
        "Of two claims with one guard the first is applied and the second is not."
    ),
    case!(
        AREA,
        what_ran_out_goes_nowhere_else,
        "When the time has run out only `expired` is written, also where the guard forgot the clock."
    ),
    case!(AREA, nothing_expires_early, "Before its time nothing is made `expired`."),
];

/// Tries to revoke with this guard; says whether it was applied, and checks that nothing was where not.
async fn revokes(t: &Trial, name: &str, guard: Guard) -> Outcome<bool> {
    let before = t.row(name).await?;
    let what = format!("a change guarded by {guard:?}");
    let done =
        ok(&what, t.host.storage.transition(&t.admin(), key(name), guard, change(State::Revoked)).await)?;
    let after = t.row(name).await?;
    same("the row that was answered", &done.row, &after)?;
    if !done.applied {
        same("the row where nothing was applied", &after, &before)?;
    }
    Ok(done.applied)
}

async fn a_stale_version_applies_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    for version in [0, 2, 9_000] {
        same("applied", &revokes(&t, "a", guard(version, &STATES)).await?, &false)?;
    }
    same("applied with the version that it has", &revokes(&t, "a", guard(1, &STATES)).await?, &true)
}

async fn another_state_applies_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    for states in [&[][..], &[State::AwaitingApproval], &[State::Accepting, State::Expired, State::Revoked]] {
        same("applied", &revokes(&t, "a", guard(1, states)).await?, &false)?;
    }
    let among = guard(1, &[State::AwaitingApproval, State::Pending]);
    same("applied with its state among others", &revokes(&t, "a", among).await?, &true)
}

fn on_clock(clock: ClockGuard) -> Guard {
    Guard { clock, ..guard(1, &STATES) }
}

async fn a_guard_before_expiry(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.insert(Draft { lifetime: None, ..draft("b", bob()) }).await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("c", carol()) }).await?;
    t.pass(t.unit).await?;
    for (name, holds) in [("a", true), ("b", true), ("c", false)] {
        same(name, &revokes(&t, name, on_clock(ClockGuard::BeforeExpiry)).await?, &holds)?;
    }
    Ok(())
}

async fn a_guard_after_expiry(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.insert(Draft { lifetime: None, ..draft("b", bob()) }).await?;
    for name in ["a", "b"] {
        same(name, &revokes(&t, name, on_clock(ClockGuard::AfterExpiry)).await?, &false)?;
    }
    t.insert(Draft { lifetime: Some(t.unit), ..draft("c", carol()) }).await?;
    t.pass(t.unit).await?;
    let guard = on_clock(ClockGuard::AfterExpiry);
    let answer = t.host.storage.transition(&t.sweep(), key("c"), guard, change(State::Expired)).await;
    let done = ok("an expiry when the time has run out", answer)?;
    must("an expiry", done.applied && done.row.state == State::Expired, "applied", &done)
}

async fn a_guard_for_a_lease(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    same("without a claim", &revokes(&t, "a", on_clock(ClockGuard::LeaseOver)).await?, &false)?;
    t.change("a", Change { lease: Some(t.unit), ..change(State::Accepting) }).await?;
    t.claimed("b", bob()).await?;
    t.pass(t.unit).await?;
    for (name, holds) in [("a", true), ("b", false)] {
        let guard = Guard { clock: ClockGuard::LeaseOver, ..guard(2, &[State::Accepting]) };
        let answer = t.host.storage.transition(&t.sweep(), key(name), guard, change(State::Accepting)).await;
        same(&format!("taking over {name}"), &ok("a take-over", answer)?.applied, &holds)?;
    }
    Ok(())
}

async fn a_claim_at_the_very_instant(ground: Ground) -> Outcome {
    for (after, holds) in [(LONG - 1, true), (LONG, false), (LONG + 1, false)] {
        let t = ground.company().await?;
        t.insert(draft("a", alice())).await?;
        t.pass(after).await?;
        let guard = on_clock(ClockGuard::BeforeExpiry);
        let answer =
            t.host.storage.transition(&t.invitee(alice()), key("a"), guard, change(State::Accepting)).await;
        let done = ok("a claim", answer)?;
        same(&format!("applied {after} ms after one for {LONG} ms"), &done.applied, &holds)?;
        let state = if holds { State::Accepting } else { State::Expired };
        same("the state that is answered", &done.row.state, &state)?;
    }
    Ok(())
}

async fn a_lease_at_the_very_instant(ground: Ground) -> Outcome {
    for (after, over) in [(29_999, false), (30_000, true), (30_001, true)] {
        let t = ground.company().await?;
        t.insert(draft("a", alice())).await?;
        t.change("a", Change { lease: Some(30_000), ..change(State::Accepting) }).await?;
        t.pass(after).await?;
        let guard = Guard { clock: ClockGuard::LeaseOver, ..guard(2, &STATES) };
        let answer = t.host.storage.transition(&t.sweep(), key("a"), guard, change(State::Accepting)).await;
        same(
            &format!("taken over {after} ms after a claim for 30000 ms"),
            &ok("a take-over", answer)?.applied,
            &over,
        )?;
    }
    Ok(())
}

async fn an_expiry_at_the_very_instant(ground: Ground) -> Outcome {
    for (after, holds) in [(LONG - 1, false), (LONG, true)] {
        let t = ground.company().await?;
        t.insert(draft("a", alice())).await?;
        t.pass(after).await?;
        let guard = on_clock(ClockGuard::AfterExpiry);
        let answer = t.host.storage.transition(&t.sweep(), key("a"), guard, change(State::Expired)).await;
        same(
            &format!("applied {after} ms after one for {LONG} ms"),
            &ok("an expiry", answer)?.applied,
            &holds,
        )?;
    }
    Ok(())
}

async fn a_claim_has_a_lease(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let first = t.go("a", State::Accepting).await?;
    must(
        "the lease",
        first.lease_until >= Some(first.created_at + LONG),
        "an hour from the claim on",
        &first,
    )?;
    same("claims", &first.claims, &1)?;
    t.pass(t.unit).await?;
    let second = t.go("a", State::Accepting).await?;
    same("claims after a take-over", &second.claims, &2)?;
    must(
        "the lease of the take-over",
        second.lease_until > first.lease_until,
        "later than the first",
        &second,
    )
}

async fn the_end_of_a_claim(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (name, who, to) in [("a", alice(), State::Accepted), ("b", bob(), State::Failed)] {
        t.claimed(name, who).await?;
        t.pass(2).await?;
        let row = t.go(name, to).await?;
        same("lease and claims", &(row.lease_until, row.claims), &(None, 1))?;
        must("the end", row.ended_at > Some(row.created_at), "the store's time", &row)?;
    }
    Ok(())
}

async fn only_one_claim_wins(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    for applied in [true, false] {
        let guard = Guard { clock: ClockGuard::BeforeExpiry, ..guard(1, &[State::Pending]) };
        let answer =
            t.host.storage.transition(&t.invitee(alice()), key("a"), guard, change(State::Accepting)).await;
        same("applied", &ok("a claim", answer)?.applied, &applied)?;
    }
    let row = t.row("a").await?;
    same("claims and version", &(row.claims, row.version), &(1, 2))
}

async fn what_ran_out_goes_nowhere_else(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("a", alice()) }).await?;
    t.pass(t.unit).await?;
    let renewed = Change { lifetime: LifetimeChange::Restart(None), ..resend("more") };
    for change in [change(State::Accepting), change(State::Declined), change(State::Revoked), renewed] {
        let what = format!("`{}` after the end", word(change.to));
        let answer = t.try_change("a", change).await?;
        let refused = answer.as_ref().map_or_else(|error| error.is_denied(), |done| !done.applied);
        must(&what, refused, "not applied", &answer)?;
        let row = t.row("a").await?;
        same("state and version", &(row.state, row.version), &(State::Expired, 1))?;
    }
    t.go("a", State::Expired).await.map(drop)
}

async fn nothing_expires_early(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.insert(Draft { lifetime: None, ..awaiting("b", bob()) }).await?;
    for name in ["a", "b"] {
        let answer = t.try_change(name, change(State::Expired)).await?;
        let refused = answer.as_ref().map_or_else(|error| error.is_denied(), |done| !done.applied);
        must("`expired` before the end", refused, "not applied", &answer)?;
        same("the version", &t.row(name).await?.version, &1)?;
    }
    Ok(())
}
