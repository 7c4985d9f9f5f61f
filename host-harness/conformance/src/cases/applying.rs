//! `membership.apply`: each step at most once for an invitation, for ever.

use super::prelude::*;
use StepOutcome::{AlreadyApplied, Applied, NameTaken, NoSuchTarget, NotAMember};

const AREA: &str = "applying";

pub(super) const CASES: &[Case] = &[
    case!(AREA, each_step_is_applied, "Each step is applied, and answered in order; he is a member then."),
    case!(AREA, once_for_ever, "Repeated steps are `already-applied`, however often."),
    case!(
        AREA,
        some_now_and_some_later,
        "Steps may come in parts; what is new is applied, what is not is not."
    ),
    case!(AREA, nothing_to_apply, "No steps are no outcomes, and change nothing."),
    case!(
        AREA,
        what_has_vanished,
        "A group that was deleted, or never was, is `no-such-target`; the others are applied."
    ),
    case!(AREA, a_role_is_no_group, "A role that is named as a group is `no-such-target`."),
    case!(AREA, an_account_that_is_gone, "An account that was deleted becomes no member."),
    case!(
        AREA,
        a_grant_needs_the_membership,
        "A grant to who is no member is `not-a-member`, and can be applied later."
    ),
    case!(
        AREA,
        a_name_that_is_taken,
        "Where a local user has the name it is `name-taken`, and grants are `not-a-member`."
    ),
    case!(
        AREA,
        only_while_it_is_accepting,
        "Before the claim and after the end `apply` is `denied` and changes nothing."
    ),
    case!(
        AREA,
        only_for_its_subject,
        "For any user but the subject it is `denied`, also for one of the same id elsewhere."
    ),
    case!(
        AREA,
        only_for_those_who_see_it,
        "Others' calls are `denied`: another invitee, nobody, another organization."
    ),
    case!(AREA, unknown_invitations, "An invitation that does not exist is `denied`."),
    case!(AREA, the_sweep_applies_for_the_subject, "The sweep applies for the subject."),
    case!(
        AREA,
        a_bearer_applies_for_the_subject,
        "So does a bearer, in the call in which his code was found."
    ),
    case!(
        AREA,
        a_claim_that_was_taken_over,
        "After a take-over the log is the same: nothing is applied twice."
    ),
    case!(AREA, fifty_one_steps, "51 steps are applied; 52 are `invalid`, and none of them is applied."),
];

fn grant(id: &str) -> Step {
    Step::Grant(group(id))
}

/// `a`, for alice, is being accepted.
pub(super) async fn accepting(ground: &Ground) -> Outcome<Trial> {
    let t = ground.company().await?;
    t.claimed("a", alice()).await?;
    Ok(t)
}

pub(super) async fn applies(t: &Trial, steps: Vec<Step>, expected: &[StepOutcome]) -> Outcome {
    let what = format!("apply of {steps:?}");
    same(&what, &t.apply("a", alice(), steps).await?, &expected.to_vec())
}

async fn each_step_is_applied(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    same("a member before", &t.is_member(alice()).await?, &false)?;
    applies(&t, steps(), &[Applied; 3]).await?;
    same("a member after", &t.is_member(alice()).await?, &true)
}

async fn once_for_ever(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    applies(&t, steps(), &[Applied; 3]).await?;
    for _ in 0..3 {
        applies(&t, steps(), &[AlreadyApplied; 3]).await?;
    }
    Ok(())
}

async fn some_now_and_some_later(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    applies(&t, vec![Step::Member], &[Applied]).await?;
    applies(&t, vec![grant("g-help"), Step::Member], &[Applied, AlreadyApplied]).await?;
    applies(&t, vec![grant("g-ops"), grant("g-help")], &[Applied, AlreadyApplied]).await
}

async fn nothing_to_apply(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    applies(&t, vec![], &[]).await?;
    same("a member", &t.is_member(alice()).await?, &false)
}

async fn what_has_vanished(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    t.happen(Event::DeleteGroup { organization: "acme".into(), id: "g-help".into() }).await?;
    let steps = vec![Step::Member, grant("g-help"), grant("g-never"), grant("g-ops")];
    applies(&t, steps, &[Applied, NoSuchTarget, NoSuchTarget, Applied]).await
}

async fn a_role_is_no_group(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    let steps = vec![Step::Member, grant("r-admin"), Step::Grant(role("g-help")), grant("g-root")];
    applies(&t, steps, &[Applied, NoSuchTarget, NoSuchTarget, NoSuchTarget]).await
}

async fn an_account_that_is_gone(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    t.happen(Event::DeleteUser { organization: "root".into(), id: "u-alice".into() }).await?;
    applies(&t, vec![Step::Member], &[NoSuchTarget]).await
}

async fn a_grant_needs_the_membership(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    applies(&t, vec![grant("g-help")], &[NotAMember]).await?;
    applies(&t, vec![Step::Member, grant("g-help")], &[Applied, Applied]).await
}

async fn a_name_that_is_taken(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    let namesake = NewUser { id: "u-other".into(), name: "alice".into(), store: None, email: None };
    t.happen(Event::AddUser { organization: "acme".into(), user: namesake }).await?;
    applies(&t, steps(), &[NameTaken, NotAMember, NotAMember]).await
}

async fn only_while_it_is_accepting(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let states = [State::Pending, State::Declined, State::Revoked, State::Accepted, State::Failed];
    for (number, state) in states.into_iter().enumerate() {
        let name = format!("n{number}");
        t.insert(draft(&name, alice())).await?;
        if matches!(state, State::Accepted | State::Failed) {
            t.go(&name, State::Accepting).await?;
        }
        if state != State::Pending {
            t.go(&name, state).await?;
        }
        for call in [t.invitee(alice()), t.sweep()] {
            denied(
                &format!("apply while {}", word(state)),
                &t.try_apply(&call, &name, alice(), steps()).await,
            )?;
        }
        if state == State::Pending {
            t.go(&name, State::Revoked).await?;
        }
    }
    t.insert(awaiting("w", alice())).await?;
    denied("apply while awaiting approval", &t.try_apply(&t.sweep(), "w", alice(), steps()).await)?;
    same("a member", &t.is_member(alice()).await?, &false)
}

async fn only_for_its_subject(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    for who in [bob(), user("partner", "u-alice")] {
        for call in [t.sweep(), t.invitee(alice())] {
            denied(&format!("apply for {who:?}"), &t.try_apply(&call, "a", who.clone(), steps()).await)?;
        }
        same("a member", &t.is_member(who).await?, &false)?;
    }
    Ok(())
}

async fn only_for_those_who_see_it(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    let elsewhere = t.call(Operation::Sweep, Some("globex"), Principal::System);
    for (what, call) in [
        ("another invitee", t.invitee(bob())),
        ("nobody", t.bearer()),
        ("the sibling's sweep", elsewhere),
        ("the parent's administrator", t.by(of_root("rita"))),
    ] {
        denied(what, &t.try_apply(&call, "a", alice(), steps()).await)?;
    }
    let answer = t.host.membership.apply(&t.sweep(), "globex".into(), id("a"), alice(), steps()).await;
    denied("in another organization", &answer)?;
    same("a member", &t.is_member(alice()).await?, &false)
}

async fn unknown_invitations(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    denied("apply", &t.try_apply(&t.sweep(), "never", alice(), steps()).await)
}

async fn the_sweep_applies_for_the_subject(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    let outcomes = ok("apply", t.try_apply(&t.sweep(), "a", alice(), steps()).await)?;
    same("outcomes", &outcomes, &vec![Applied; 3])
}

async fn a_bearer_applies_for_the_subject(ground: Ground) -> Outcome {
    let t = ground.acme(|settings| settings.accept_with = AcceptWith::Code).await?;
    t.insert(Draft { accept_with: AcceptWith::Code, ..draft("a", alice()) }).await?;
    let call = t.bearer();
    t.by_code(&call, "a").await?;
    let claim = t.host.storage.transition(&call, key("a"), guard(1, &STATES), change(State::Accepting)).await;
    same("the claim", &ok("a claim", claim)?.applied, &true)?;
    let outcomes = ok("apply", t.try_apply(&call, "a", alice(), steps()).await)?;
    same("outcomes", &outcomes, &vec![Applied; 3])?;
    denied("the next call", &t.try_apply(&t.bearer(), "a", alice(), steps()).await)
}

async fn a_claim_that_was_taken_over(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    applies(&t, vec![Step::Member], &[Applied]).await?;
    t.go("a", State::Accepting).await?;
    applies(&t, steps(), &[AlreadyApplied, Applied, Applied]).await
}

async fn fifty_one_steps(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let many = |count: usize| {
        let groups = (0..count).map(|number| grant(&format!("g-{number:02}")));
        [Step::Member].into_iter().chain(groups).collect::<Vec<_>>()
    };
    let who = of_root("000");
    let request = Batch { grants: vec![], ..batch("one", vec![draft("a", who.clone())]) };
    t.batch(&t.admin(), request).await?;
    t.go("a", State::Accepting).await?;
    invalid("52 steps", &t.try_apply(&t.invitee(who.clone()), "a", who.clone(), many(51)).await)?;
    same("a member", &t.is_member(who.clone()).await?, &false)?;
    same("51 steps", &t.apply("a", who, many(50)).await?, &vec![Applied; 51])
}
