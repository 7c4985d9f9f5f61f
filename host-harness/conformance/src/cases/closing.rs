//! `membership.close`: from here on nothing is applied.

use super::prelude::*;
use StepOutcome::{Applied, Closed, WasRemoved};

const AREA: &str = "closing";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        nothing_is_applied_afterwards,
        "After `close` every step is `closed`, and nothing is applied."
    ),
    case!(AREA, what_was_applied_is_told, "`close` tells what the invitation had applied, in order."),
    case!(AREA, what_was_removed_is_told, "What was taken away since is told as `was-removed`."),
    case!(AREA, what_was_there_is_not_told, "What was there by another way is no step of it."),
    case!(AREA, what_was_not_applied_is_not_told, "Neither is a step that met no target."),
    case!(AREA, again_and_again, "Closing again gives the same answer."),
    case!(AREA, whoever_comes_too_late_is_told, "`closed` is answered also after the invitation has ended."),
    case!(AREA, what_was_applied_stays, "Closing takes nothing away."),
    case!(AREA, no_other_invitation_is_closed, "Other invitations of the same person stay open."),
    case!(
        AREA,
        only_for_those_who_see_it,
        "Others' calls and unknown invitations are `denied`, and close nothing."
    ),
];

fn result(step: Step, outcome: StepOutcome) -> StepResult {
    StepResult { step, outcome }
}

async fn accepting(ground: &Ground) -> Outcome<Trial> {
    let t = ground.company().await?;
    t.claimed("a", alice()).await?;
    Ok(t)
}

async fn nothing_is_applied_afterwards(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    same("close", &t.close("a").await?, &vec![])?;
    same("apply", &t.apply("a", alice(), steps()).await?, &vec![Closed; 3])?;
    same("a member", &t.is_member(alice()).await?, &false)
}

async fn what_was_applied_is_told(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    t.apply("a", alice(), steps()).await?;
    let expected: Vec<_> = steps().into_iter().map(|step| result(step, Applied)).collect();
    same("close", &t.close("a").await?, &expected)
}

async fn what_was_removed_is_told(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    t.apply("a", alice(), steps()).await?;
    t.happen(Event::Take { organization: "acme".into(), account: alice(), grant: group("g-help") }).await?;
    let outcomes: Vec<_> = t.close("a").await?.into_iter().map(|result| result.outcome).collect();
    same("close", &outcomes, &vec![Applied, WasRemoved, Applied])?;
    t.happen(Event::RemoveMember { organization: "acme".into(), account: alice() }).await?;
    let outcomes: Vec<_> = t.close("a").await?.into_iter().map(|result| result.outcome).collect();
    same("close after his removal", &outcomes, &vec![WasRemoved; 3])
}

async fn what_was_there_is_not_told(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    t.happen(Event::AddMember { organization: "acme".into(), account: alice() }).await?;
    t.happen(Event::Give { organization: "acme".into(), account: alice(), grant: group("g-help") }).await?;
    t.apply("a", alice(), steps()).await?;
    same("close", &t.close("a").await?, &vec![result(Step::Grant(role("r-admin")), Applied)])
}

async fn what_was_not_applied_is_not_told(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    t.apply("a", alice(), vec![Step::Member, Step::Grant(group("g-never"))]).await?;
    same("close", &t.close("a").await?, &vec![result(Step::Member, Applied)])
}

async fn again_and_again(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    t.apply("a", alice(), steps()).await?;
    let first = t.close("a").await?;
    same("close again", &t.close("a").await?, &first)
}

async fn whoever_comes_too_late_is_told(ground: Ground) -> Outcome {
    for end in [State::Failed, State::Accepted] {
        let t = accepting(&ground).await?;
        t.close("a").await?;
        t.go("a", end).await?;
        let outcomes = t.apply("a", alice(), steps()).await?;
        same(&format!("apply when it was closed and is {}", word(end)), &outcomes, &vec![Closed; 3])?;
    }
    Ok(())
}

async fn what_was_applied_stays(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    t.apply("a", alice(), steps()).await?;
    t.close("a").await?;
    same("apply", &t.apply("a", alice(), steps()).await?, &vec![Closed; 3])?;
    same("a member", &t.is_member(alice()).await?, &true)
}

async fn no_other_invitation_is_closed(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    t.close("a").await?;
    t.go("a", State::Failed).await?;
    t.claimed("b", alice()).await?;
    same("the next", &t.apply("b", alice(), steps()).await?, &vec![Applied; 3])
}

async fn only_for_those_who_see_it(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    let elsewhere = t.call(Operation::Sweep, Some("globex"), Principal::System);
    for (what, call) in
        [("another invitee", t.invitee(bob())), ("nobody", t.bearer()), ("the sibling's sweep", elsewhere)]
    {
        denied(what, &t.host.membership.close(&call, "acme".into(), id("a")).await)?;
    }
    denied("an unknown one", &t.host.membership.close(&t.sweep(), "acme".into(), id("never")).await)?;
    same("apply", &t.apply("a", alice(), steps()).await?, &vec![Applied; 3])
}
