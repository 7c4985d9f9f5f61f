//! `storage.transition` with `adopt`: the caller becomes the inviter of one whose inviter is gone.

use super::prelude::*;

const AREA: &str = "adopting";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        the_caller_becomes_the_inviter,
        "With `adopt` the caller is the inviter from then on; without it nobody becomes another's inviter."
    ),
    case!(
        AREA,
        the_approval_is_forgotten,
        "`approver` is cleared: it was given to somebody else's invitation."
    ),
    case!(AREA, a_machine_adopts, "A machine that adopts is stored as the inviter that it is."),
    case!(
        AREA,
        not_by_the_invitee,
        "The row's subject is `denied`, from wherever they call, and nothing is applied."
    ),
    case!(AREA, it_is_told, "Its event is `invitation.adopted`, with who did it and whom it is for."),
    case!(
        AREA,
        a_guard_that_does_not_hold,
        "Where the guard does not hold the inviter stays, and there is no event."
    ),
];

fn adopt(code_name: &str) -> Change {
    Change { adopt: true, ..resend(code_name) }
}

async fn by_deputy(t: &Trial, version: u64, change: Change) -> Outcome<Transitioned> {
    let call = t.call(Operation::Resend, Some("acme"), Principal::User(deputy()));
    ok("an adoption", t.host.storage.transition(&call, key("a"), guard(version, &STATES), change).await)
}

async fn the_caller_becomes_the_inviter(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let kept = by_deputy(&t, 1, resend("more")).await?;
    same("the inviter after a resend by the deputy", &kept.row.inviter, &Principal::User(ann()))?;
    let done = by_deputy(&t, 2, adopt("again")).await?;
    same("the inviter after an adoption", &done.row.inviter, &Principal::User(deputy()))?;
    same("version and resends", &(done.row.version, done.row.resends), &(3, 2))?;
    same("the row as it is read", &t.row("a").await?, &done.row)
}

async fn the_approval_is_forgotten(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(awaiting("a", alice())).await?;
    let approved = t.change("a", approve("first", Some(LONG))).await?;
    same("the approver", &approved.approver, &Some(Principal::User(ann())))?;
    let kept = by_deputy(&t, 2, resend("more")).await?;
    same("after a resend", &kept.row.approver, &Some(Principal::User(ann())))?;
    same("after an adoption", &by_deputy(&t, 3, adopt("again")).await?.row.approver, &None)
}

async fn a_machine_adopts(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let call = t.call(Operation::Resend, Some("acme"), hr());
    let done = t.host.storage.transition(&call, key("a"), guard(1, &STATES), adopt("more")).await;
    same("the inviter", &ok("an adoption", done)?.row.inviter, &hr())
}

async fn not_by_the_invitee(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let before = t.row("a").await?;
    let here = t.call(Operation::Resend, Some("acme"), Principal::User(alice()));
    for (what, call) in [("in the organization", here), ("from the dashboard", t.invitee(alice()))] {
        let answer = t.host.storage.transition(&call, key("a"), guard(1, &STATES), adopt("mine")).await;
        denied(what, &answer)?;
    }
    same("the row", &t.row("a").await?, &before)?;
    same("the invitee's own code", &t.by_code(&t.invitee(alice()), "mine").await?, &None)
}

async fn it_is_told(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    by_deputy(&t, 1, adopt("more")).await?;
    let trail = t.trail().await?;
    same("the words", &t.words().await?, &vec!["invitation.created", "invitation.adopted"])?;
    let event = item("the trail", &trail, 1)?;
    same(
        "who and for whom",
        &(event.actor.clone(), event.subject.clone(), event.invitation.clone()),
        &(Principal::User(deputy()), Some(alice()), Some(id("a"))),
    )
}

async fn a_guard_that_does_not_hold(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let done = by_deputy(&t, 7, adopt("more")).await?;
    same("applied", &done.applied, &false)?;
    same("the inviter", &t.row("a").await?.inviter, &Principal::User(ann()))?;
    same("the words", &t.words().await?, &vec!["invitation.created"])
}
