//! `storage.transition`: one row, one guard, one commit.

use super::prelude::*;
use crate::lifecycle::legal;

const AREA: &str = "changing";

pub(super) const CASES: &[Case] = &[
    case!(AREA, pairs_from_awaiting_approval, "From `awaiting-approval` exactly the drawn changes are made."),
    case!(AREA, pairs_from_pending, "From `pending` exactly the drawn changes are made."),
    case!(AREA, pairs_from_accepting, "From `accepting` exactly the drawn changes are made."),
    case!(AREA, pairs_from_accepted, "From `accepted` nothing leads on."),
    case!(AREA, pairs_from_declined, "From `declined` nothing leads on."),
    case!(AREA, pairs_from_revoked, "From `revoked` nothing leads on."),
    case!(AREA, pairs_from_expired, "From `expired` nothing leads on."),
    case!(AREA, pairs_from_failed, "From `failed` nothing leads on."),
    case!(
        AREA,
        a_change_raises_the_version,
        "A change raises `version` by one, is the `last-operation`, and is answered with the row."
    ),
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
    case!(
        AREA,
        an_approval_sets_the_approver,
        "An approval stores who approved, the code, the mail, and starts the lifetime."
    ),
    case!(AREA, an_approval_may_have_no_end, "`restart` without a lifetime: it never expires."),
    case!(AREA, a_resend_counts, "An explicit resend counts, and keeps the end."),
    case!(AREA, pending_needs_a_code, "Nothing becomes pending without a code, and nothing else gets one."),
    case!(AREA, reasons_are_kept, "A reason replaces the one before; a change without one keeps it."),
    case!(
        AREA,
        outcomes_are_kept_in_order,
        "Outcomes are stored in order, and stay where a change brings none."
    ),
    case!(AREA, fifty_one_outcomes, "51 outcomes are stored, 52 are `invalid`."),
    case!(AREA, malformed_changes, "Malformed changes are `invalid`, and nothing is applied."),
    case!(AREA, what_is_not_there, "A row that does not exist cannot be changed."),
    case!(
        AREA,
        other_administrators_change_nothing,
        "Administrators of other organizations change no row of this, whatever the guard."
    ),
    case!(
        AREA,
        the_invitee_changes_his_own,
        "The invitee may claim and decline his own; another person and nobody may not."
    ),
    case!(
        AREA,
        a_bearer_claims_what_his_code_admits,
        "A bearer claims what `by-code` has returned in this call."
    ),
    case!(
        AREA,
        what_the_invitee_never_saw_he_cannot_change,
        "The invitee changes nothing that awaits approval."
    ),
];

/// Brings `name` into a state by legal ways; `expired` takes the time of a unit.
async fn bring(t: &Trial, name: &str, who: UserRef, to: State) -> Outcome<Invitation> {
    match to {
        State::AwaitingApproval => drop(t.insert(awaiting(name, who)).await?),
        State::Expired => {
            t.insert(Draft { lifetime: Some(t.unit), ..draft(name, who) }).await?;
            t.pass(t.unit).await?;
            t.go(name, State::Expired).await?;
        }
        _ => drop(t.insert(draft(name, who)).await?),
    }
    match to {
        State::Accepted | State::Failed => {
            t.go(name, State::Accepting).await?;
            t.go(name, to).await?;
        }
        State::Accepting | State::Declined | State::Revoked => drop(t.go(name, to).await?),
        State::AwaitingApproval | State::Pending | State::Expired => {}
    }
    let row = t.row(name).await?;
    same("the state that it was brought to", &row.state, &to)?;
    Ok(row)
}

fn with_code(to: State) -> Change {
    let code = if to == State::Pending { CodeChange::Add(code("more")) } else { CodeChange::Keep };
    Change { code, ..change(to) }
}

async fn pairs(ground: Ground, from: State) -> Outcome {
    let t = ground.company().await?;
    let row = bring(&t, "a", alice(), from).await?;
    for to in STATES {
        let what = format!("{} to {}", word(from), word(to));
        let guard = guard(row.version, &STATES);
        if !legal(from, to) {
            let answer = t.host.storage.transition(&t.admin(), key("a"), guard, with_code(to)).await;
            denied(&what, &answer)?;
            same(&format!("the row after {what}"), &t.row("a").await?, &row)?;
        }
    }
    for to in STATES.into_iter().filter(|to| legal(from, *to)) {
        let t = ground.company().await?;
        let what = format!("{} to {}", word(from), word(to));
        if to == State::Expired {
            let made =
                if from == State::AwaitingApproval { awaiting("a", alice()) } else { draft("a", alice()) };
            t.insert(Draft { lifetime: Some(t.unit), ..made }).await?;
            t.pass(t.unit).await?;
        } else {
            bring(&t, "a", alice(), from).await?;
        }
        let done = ok(&what, t.try_change("a", with_code(to)).await?)?;
        must(&what, done.applied && done.row.state == to, "applied", &done)?;
    }
    Ok(())
}

async fn pairs_from_awaiting_approval(ground: Ground) -> Outcome {
    pairs(ground, State::AwaitingApproval).await
}

async fn pairs_from_pending(ground: Ground) -> Outcome {
    pairs(ground, State::Pending).await
}

async fn pairs_from_accepting(ground: Ground) -> Outcome {
    pairs(ground, State::Accepting).await
}

async fn pairs_from_accepted(ground: Ground) -> Outcome {
    pairs(ground, State::Accepted).await
}

async fn pairs_from_declined(ground: Ground) -> Outcome {
    pairs(ground, State::Declined).await
}

async fn pairs_from_revoked(ground: Ground) -> Outcome {
    pairs(ground, State::Revoked).await
}

async fn pairs_from_expired(ground: Ground) -> Outcome {
    pairs(ground, State::Expired).await
}

async fn pairs_from_failed(ground: Ground) -> Outcome {
    pairs(ground, State::Failed).await
}

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

async fn a_change_raises_the_version(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let row = t.change("a", Change { operation: "mine".into(), ..change(State::Revoked) }).await?;
    same("version and operation", &(row.version, row.last_operation.as_str()), &(2, "mine"))?;
    same("the row as it is read", &t.row("a").await?, &row)
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

async fn an_approval_sets_the_approver(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(awaiting("a", alice())).await?;
    t.pass(t.unit).await?;
    let row = t.change("a", approve("first", Some(LONG))).await?;
    same("approver", &row.approver, &Some(Principal::User(ann())))?;
    same("state and mail", &(row.state, row.mail), &(State::Pending, MailState::Queued))?;
    must(
        "the end",
        row.expires_at >= Some(row.created_at + t.unit + LONG),
        "an hour from the approval on",
        &row,
    )?;
    same("the inviter", &row.inviter, &Principal::User(ann()))
}

async fn an_approval_may_have_no_end(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(awaiting("a", alice())).await?;
    let row = t.change("a", approve("first", None)).await?;
    same("lifetime and end", &(row.lifetime, row.expires_at), &(None, None))
}

async fn a_resend_counts(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let before = t.row("a").await?;
    t.pass(2).await?;
    let row = t.change("a", resend("more")).await?;
    same(
        "resends, state and mail",
        &(row.resends, row.state, row.mail),
        &(1, State::Pending, MailState::Queued),
    )?;
    same("the end", &row.expires_at, &before.expires_at)?;
    let kept = t.go("a", State::Pending).await?;
    same("resends after a change that is none", &kept.resends, &1)
}

async fn pending_needs_a_code(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(awaiting("a", alice())).await?;
    invalid("an approval without a code", &t.try_change("a", change(State::Pending)).await?)?;
    let with_code = Change { code: CodeChange::Add(code("x")), ..change(State::Revoked) };
    invalid("a revoke with a code", &t.try_change("a", with_code).await?)?;
    same("the version", &t.row("a").await?.version, &1)
}

async fn reasons_are_kept(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(awaiting("a", alice())).await?;
    let row = t.change("a", approve("first", Some(LONG))).await?;
    same("after a change without one", &row.reason.as_deref(), &Some("privileged"))?;
    let reason = "r".repeat(1024);
    let row = t.change("a", Change { reason: Some(reason.clone()), ..change(State::Revoked) }).await?;
    same("after a change with one", &row.reason, &Some(reason))
}

async fn outcomes_are_kept_in_order(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.claimed("a", alice()).await?;
    let all = [StepOutcome::Applied, StepOutcome::NoSuchTarget, StepOutcome::Withheld];
    let results: Vec<_> =
        steps().into_iter().zip(all).map(|(step, outcome)| StepResult { step, outcome }).collect();
    t.change("a", Change { outcomes: Some(results.clone()), ..change(State::Accepting) }).await?;
    let row = t.go("a", State::Accepted).await?;
    same("outcomes", &row.outcomes, &results)
}

async fn fifty_one_outcomes(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.claimed("a", alice()).await?;
    let result = |number: usize| StepResult {
        step: Step::Grant(group(&format!("g-{number}"))),
        outcome: StepOutcome::NoSuchTarget,
    };
    let results = |count: usize| (0..count).map(result).collect::<Vec<_>>();
    let ended = |count| Change { outcomes: Some(results(count)), ..change(State::Accepted) };
    invalid("52 outcomes", &t.try_change("a", ended(52)).await?)?;
    same("51 outcomes", &t.change("a", ended(51)).await?.outcomes, &results(51))
}

async fn malformed_changes(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let before = t.row("a").await?;
    for (what, change) in [
        ("no operation id", Change { operation: String::new(), ..change(State::Revoked) }),
        ("an operation id of 256 bytes", Change { operation: "x".repeat(256), ..change(State::Revoked) }),
        ("a reason of 1025 bytes", Change { reason: Some("x".repeat(1025)), ..change(State::Revoked) }),
        ("a code of 31 bytes", Change { code: CodeChange::Add(vec![1; 31]), ..change(State::Pending) }),
        (
            "a new code of 33 bytes",
            Change { code: CodeChange::Replace(vec![1; 33]), ..change(State::Pending) },
        ),
        ("a claim without a lease", Change { lease: None, ..change(State::Accepting) }),
        ("a lease without a claim", Change { lease: Some(1), ..change(State::Revoked) }),
    ] {
        invalid(what, &t.try_change("a", change).await?)?;
    }
    same("the row", &t.row("a").await?, &before)
}

async fn what_is_not_there(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let answer =
        t.host.storage.transition(&t.admin(), key("a"), guard(1, &STATES), change(State::Revoked)).await;
    fits!("a change of a row that never was", answer, Err(StoreError::NotFound));
    Ok(())
}

async fn other_administrators_change_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    for who in [of_root("rita"), gina(), user("lab", "u-lee")] {
        for version in [1, 2] {
            let guard = guard(version, &STATES);
            let answer =
                t.host.storage.transition(&t.by(who.clone()), key("a"), guard, change(State::Revoked)).await;
            hidden(&format!("a change by {who:?}"), &answer)?;
        }
    }
    same("the version", &t.row("a").await?.version, &1)
}

async fn the_invitee_changes_his_own(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.insert(draft("b", bob())).await?;
    for (what, call) in [("another person", t.invitee(carol())), ("nobody", t.bearer())] {
        let answer =
            t.host.storage.transition(&call, key("a"), guard(1, &STATES), change(State::Declined)).await;
        hidden(what, &answer)?;
    }
    same("the version", &t.row("a").await?.version, &1)?;
    let claim = t
        .host
        .storage
        .transition(&t.invitee(alice()), key("a"), guard(1, &STATES), change(State::Accepting))
        .await;
    same("a claim", &ok("a claim", claim)?.applied, &true)?;
    let no = t
        .host
        .storage
        .transition(&t.invitee(bob()), key("b"), guard(1, &STATES), change(State::Declined))
        .await;
    same("a decline", &ok("a decline", no)?.applied, &true)
}

async fn a_bearer_claims_what_his_code_admits(ground: Ground) -> Outcome {
    let t = ground.acme(|settings| settings.accept_with = AcceptWith::Code).await?;
    t.insert(Draft { accept_with: AcceptWith::Code, ..draft("a", alice()) }).await?;
    let call = t.bearer();
    t.by_code(&call, "a").await?;
    let answer =
        t.host.storage.transition(&call, key("a"), guard(1, &STATES), change(State::Accepting)).await;
    same("applied", &ok("a bearer's claim", answer)?.applied, &true)?;
    let answer = t.host.storage.transition(&call, key("a"), guard(2, &STATES), change(State::Accepted)).await;
    same("applied", &ok("the end of it, in the same call", answer)?.applied, &true)
}

async fn what_the_invitee_never_saw_he_cannot_change(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(awaiting("a", alice())).await?;
    for change in [approve("mine", Some(LONG)), change(State::Revoked)] {
        let answer =
            t.host.storage.transition(&t.invitee(alice()), key("a"), guard(1, &STATES), change).await;
        hidden("a change by the invitee", &answer)?;
    }
    same("the version", &t.row("a").await?.version, &1)
}
