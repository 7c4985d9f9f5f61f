//! `membership.apply` when life goes on beside it: who was removed stays removed.

use super::applying::{accepting, applies};
use super::prelude::*;
use StepOutcome::{AlreadyApplied, AlreadyPresent, Applied, Closed, NotAMember, WasRemoved};

const AREA: &str = "removing";

pub(super) const CASES: &[Case] = &[
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

fn removed() -> Event {
    Event::RemoveMember { organization: "acme".into(), account: alice() }
}

fn added() -> Event {
    Event::AddMember { organization: "acme".into(), account: alice() }
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

async fn two_invitations_have_two_logs(ground: Ground) -> Outcome {
    let t = accepting(&ground).await?;
    applies(&t, vec![Step::Member, Step::Grant(group("g-help"))], &[Applied; 2]).await?;
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
