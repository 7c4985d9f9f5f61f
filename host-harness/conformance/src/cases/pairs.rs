//! The table of states: from each state exactly the drawn changes are made.

use super::prelude::*;
use guestlist_contract::lifecycle::legal;

const AREA: &str = "pairs";

pub(super) const CASES: &[Case] = &[
    case!(AREA, pairs_from_awaiting_approval, "From `awaiting-approval` exactly the drawn changes are made."),
    case!(AREA, pairs_from_pending, "From `pending` exactly the drawn changes are made."),
    case!(AREA, pairs_from_accepting, "From `accepting` exactly the drawn changes are made."),
    case!(AREA, pairs_from_accepted, "From `accepted` nothing leads on."),
    case!(AREA, pairs_from_declined, "From `declined` nothing leads on."),
    case!(AREA, pairs_from_revoked, "From `revoked` nothing leads on."),
    case!(AREA, pairs_from_expired, "From `expired` nothing leads on."),
    case!(AREA, pairs_from_failed, "From `failed` nothing leads on."),
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
