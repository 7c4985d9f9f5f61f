//! `membership.apply`: each step at most once for an invitation, for ever.

use super::prelude::*;
use StepOutcome::{
    AlreadyApplied, AlreadyPresent, Applied, Closed, NameTaken, NoSuchTarget, NotAMember, WasRemoved,
};

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
        a_removed_member_is_not_brought_back,
        "A member who was removed stays removed: `was-removed`, for his grants too."
    ),
    case!(
        AREA,
        a_member_again_by_another_way,
        "Where the removal was seen and he is a member again by another way, nothing is added to that."
    ),
    case!(
        AREA,
        removed_and_added_again_unseen,
        "So it is where nobody has looked between; members that are elsewhere may be taken for the invitation's own."
    ),
    case!(
        AREA,
        a_grant_that_was_taken_away,
        "A group that was taken away is not given again: `was-removed`."
    ),
    case!(
        AREA,
        a_grant_that_came_back_by_another_way,
        "Nor when it was given anew by another way; members that are elsewhere may be taken for the invitation's own."
    ),
    case!(
        AREA,
        a_group_that_was_deleted_after_it_was_given,
        "A group that was given and deleted is `was-removed`."
    ),
    case!(
        AREA,
        a_member_by_another_way,
        "Who is a member by another way is `already-present`, and gets his grants."
    ),
    case!(AREA, a_grant_by_another_way, "A grant that he has by another way is `already-present`."),
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
    case!(
        AREA,
        two_invitations_have_two_logs,
        "What one invitation has given is `already-present` for the next."
    ),
    case!(
        AREA,
        removed_while_it_is_accepted,
        "Who was a member by another way and is removed during an accept does not come back by it: `closed`. Where \
         members are elsewhere the removal is not seen, and `applied` is right too."
    ),
    case!(
        AREA,
        removed_before_the_claim,
        "A removal before the claim closes nothing: the accept is another decision."
    ),
    case!(
        AREA,
        only_the_removed_is_closed,
        "A removal closes the accepts of who was removed, and of nobody else."
    ),
];

fn grant(id: &str) -> Step {
    Step::Grant(group(id))
}

/// `a`, for alice, is being accepted.
async fn accepting(ground: &Ground) -> Outcome<Trial> {
    let t = ground.company().await?;
    t.claimed("a", alice()).await?;
    Ok(t)
}

async fn applies(t: &Trial, steps: Vec<Step>, expected: &[StepOutcome]) -> Outcome {
    let what = format!("apply of {steps:?}");
    same(&what, &t.apply("a", alice(), steps).await?, &expected.to_vec())
}

fn removed() -> Event {
    Event::RemoveMember { organization: "acme".into(), account: alice() }
}

fn added() -> Event {
    Event::AddMember { organization: "acme".into(), account: alice() }
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

async fn a_removed_member_is_not_brought_back(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    applies(&t, steps(), &[Applied; 3]).await?;
    t.happen(removed()).await?;
    for _ in 0..2 {
        applies(&t, steps(), &[WasRemoved; 3]).await?;
    }
    same("a member", &t.is_member(alice()).await?, &false)
}

async fn a_member_again_by_another_way(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    applies(&t, vec![Step::Member], &[Applied]).await?;
    t.happen(removed()).await?;
    applies(&t, vec![Step::Member], &[WasRemoved]).await?;
    t.happen(added()).await?;
    applies(&t, steps(), &[WasRemoved, NotAMember, NotAMember]).await?;
    same("a member", &t.is_member(alice()).await?, &true)
}

async fn removed_and_added_again_unseen(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    applies(&t, vec![Step::Member], &[Applied]).await?;
    t.happen(removed()).await?;
    t.happen(added()).await?;
    let outcomes = t.apply("a", alice(), steps()).await?;
    let taken_for_its_own =
        ground.profile() == Profile::External && outcomes == [AlreadyApplied, Applied, Applied];
    must(
        "apply",
        taken_for_its_own || outcomes == [WasRemoved, NotAMember, NotAMember],
        "`was-removed`, and `not-a-member` for grants",
        &outcomes,
    )
}

async fn a_grant_that_was_taken_away(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    applies(&t, steps(), &[Applied; 3]).await?;
    t.happen(Event::Take { organization: "acme".into(), account: alice(), grant: group("g-help") }).await?;
    applies(&t, steps(), &[AlreadyApplied, WasRemoved, AlreadyApplied]).await
}

async fn a_grant_that_came_back_by_another_way(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    applies(&t, steps(), &[Applied; 3]).await?;
    let (organization, account, grant) = ("acme".to_owned(), alice(), group("g-help"));
    t.happen(Event::Take {
        organization: organization.clone(),
        account: account.clone(),
        grant: grant.clone(),
    })
    .await?;
    t.happen(Event::Give { organization, account, grant }).await?;
    let outcomes = t.apply("a", alice(), steps()).await?;
    let taken_for_its_own = ground.profile() == Profile::External && outcomes == [AlreadyApplied; 3];
    must(
        "apply",
        taken_for_its_own || outcomes == [AlreadyApplied, WasRemoved, AlreadyApplied],
        "`was-removed` for the group",
        &outcomes,
    )
}

async fn a_group_that_was_deleted_after_it_was_given(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    applies(&t, steps(), &[Applied; 3]).await?;
    t.happen(Event::DeleteGroup { organization: "acme".into(), id: "g-help".into() }).await?;
    t.happen(Event::DeleteRole { organization: "acme".into(), id: "r-admin".into() }).await?;
    applies(&t, steps(), &[AlreadyApplied, WasRemoved, WasRemoved]).await
}

async fn a_member_by_another_way(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    t.happen(added()).await?;
    for _ in 0..2 {
        applies(&t, vec![Step::Member], &[AlreadyPresent]).await?;
    }
    applies(&t, steps(), &[AlreadyPresent, Applied, Applied]).await
}

async fn a_grant_by_another_way(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    t.happen(added()).await?;
    t.happen(Event::Give { organization: "acme".into(), account: alice(), grant: group("g-help") }).await?;
    applies(&t, steps(), &[AlreadyPresent, AlreadyPresent, Applied]).await
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

async fn two_invitations_have_two_logs(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    applies(&t, vec![Step::Member, grant("g-help")], &[Applied; 2]).await?;
    t.go("a", State::Accepted).await?;
    t.claimed("b", alice()).await?;
    same("the next", &t.apply("b", alice(), steps()).await?, &vec![AlreadyPresent, AlreadyPresent, Applied])?;
    t.happen(removed()).await?;
    t.go("b", State::Accepted).await?;
    t.claimed("c", alice()).await?;
    same("one after his removal", &t.apply("c", alice(), steps()).await?, &vec![Applied; 3])
}

async fn removed_while_it_is_accepted(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    t.happen(added()).await?;
    t.happen(removed()).await?;
    let outcomes = t.apply("a", alice(), steps()).await?;
    let unseen = ground.profile() == Profile::External && outcomes == [Applied; 3];
    must("apply", unseen || outcomes == [Closed; 3], "`closed` for each", &outcomes)?;
    same("a member", &t.is_member(alice()).await?, &unseen)
}

async fn removed_before_the_claim(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.happen(added()).await?;
    t.happen(removed()).await?;
    t.go("a", State::Accepting).await?;
    applies(&t, steps(), &[Applied; 3]).await
}

async fn only_the_removed_is_closed(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    t.happen(Event::AddMember { organization: "acme".into(), account: bob() }).await?;
    t.happen(Event::RemoveMember { organization: "acme".into(), account: bob() }).await?;
    applies(&t, steps(), &[Applied; 3]).await
}
