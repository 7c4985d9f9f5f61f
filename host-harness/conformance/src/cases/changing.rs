//! `storage.transition`: what a change sets, and who may make it.

use super::prelude::*;

const AREA: &str = "changing";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        a_change_raises_the_version,
        "A change raises `version` by one, is the `last-operation`, and is answered with the row."
    ),
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

async fn a_change_raises_the_version(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let row = t.change("a", Change { operation: "mine".into(), ..change(State::Revoked) }).await?;
    same("version and operation", &(row.version, row.last_operation.as_str()), &(2, "mine"))?;
    same("the row as it is read", &t.row("a").await?, &row)
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
