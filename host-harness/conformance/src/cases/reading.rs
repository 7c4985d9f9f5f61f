//! `storage.get`: who sees which row, and in which state.

use super::prelude::*;

const AREA: &str = "reading";

pub(super) const CASES: &[Case] = &[
    case!(AREA, what_is_not_there, "A row that does not exist is `not-found`."),
    case!(
        AREA,
        other_administrators_see_nothing,
        "Whoever administers another organization sees no row of this."
    ),
    case!(
        AREA,
        foreign_and_unknown_are_one_answer,
        "A row of another organization is answered as one that does not exist."
    ),
    case!(
        AREA,
        the_sweep_sees_its_organization,
        "The sweep and a machine see the rows of their organization."
    ),
    case!(
        AREA,
        a_row_reads_expired,
        "A row whose time has run out reads `expired` before anything is written."
    ),
    case!(AREA, at_its_very_instant, "It does so from the very instant of its end.").exact(),
    case!(AREA, awaiting_reads_expired_too, "So does one that awaits approval."),
    case!(AREA, a_claim_does_not_expire, "A row that is being accepted stays `accepting` past its end."),
    case!(
        AREA,
        the_invitee_sees_his_own,
        "The invitee sees his own row in his own operations, from anywhere."
    ),
    case!(AREA, the_invitee_sees_every_end, "He sees it in whatever state it has ended."),
    case!(
        AREA,
        what_was_never_pending_is_not_there_for_him,
        "What awaits approval, or ended so, does not exist for the invitee."
    ),
    case!(AREA, what_was_approved_is_there_for_him, "From its approval on it does."),
    case!(
        AREA,
        others_see_nothing,
        "Somebody else's invitation does not exist for an invitee, nor for nobody."
    ),
    case!(
        AREA,
        being_the_invitee_counts_in_his_operations,
        "Being the invitee opens nothing in an administrator's operation."
    ),
    case!(
        AREA,
        the_contexts_organization_opens_nothing_to_invitees,
        "In an invitee's call the organization of the context opens no row of others."
    ),
    case!(
        AREA,
        an_account_of_the_same_id,
        "An account of the same id in another organization is a stranger."
    ),
    case!(
        AREA,
        a_code_admits_in_its_call_alone,
        "What `by-code` has returned may be seen in that call, and in no other."
    ),
    case!(
        AREA,
        the_contexts_time_does_not_count,
        "Lifetimes are judged by the store's clock, whatever the context says."
    ),
];

async fn what_is_not_there(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let answer = t.host.storage.get(&t.admin(), key("a")).await;
    fits!("a row that never was", answer, Err(StoreError::NotFound));
    Ok(())
}

async fn other_administrators_see_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    for (what, who) in
        [("the parent's", of_root("rita")), ("the sibling's", gina()), ("the child's", user("lab", "u-lee"))]
    {
        hidden(&format!("{what} administrator"), &t.host.storage.get(&t.by(who), key("a")).await)?;
    }
    Ok(())
}

async fn foreign_and_unknown_are_one_answer(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let foreign = t.host.storage.get(&t.by(gina()), key("a")).await;
    let unknown = t.host.storage.get(&t.by(gina()), key("never")).await;
    same("the answer for a foreign row", &foreign, &unknown)
}

async fn the_sweep_sees_its_organization(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let machine = t.call(Operation::Get, Some("acme"), hr());
    for call in [t.sweep(), machine] {
        ok("get", t.host.storage.get(&call, key("a")).await)?;
    }
    let elsewhere = t.call(Operation::Sweep, Some("globex"), Principal::System);
    hidden("the sweep of the sibling", &t.host.storage.get(&elsewhere, key("a")).await)
}

async fn a_row_reads_expired(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("a", alice()) }).await?;
    t.pass(t.unit).await?;
    let row = t.row("a").await?;
    same("state, version and end", &(row.state, row.version, row.ended_at), &(State::Expired, 1, None))
}

async fn at_its_very_instant(ground: Ground) -> Outcome {
    for (after, state) in [(LONG - 1, State::Pending), (LONG, State::Expired), (LONG + 1, State::Expired)] {
        let t = ground.company().await?;
        t.insert(draft("a", alice())).await?;
        t.pass(after).await?;
        same(&format!("{after} ms after one for {LONG} ms"), &t.row("a").await?.state, &state)?;
    }
    Ok(())
}

async fn awaiting_reads_expired_too(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { lifetime: Some(t.unit), ..awaiting("a", alice()) }).await?;
    same("before", &t.row("a").await?.state, &State::AwaitingApproval)?;
    t.pass(t.unit).await?;
    same("after", &t.row("a").await?.state, &State::Expired)
}

async fn a_claim_does_not_expire(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("a", alice()) }).await?;
    t.go("a", State::Accepting).await?;
    t.pass(t.unit).await?;
    same("the state", &t.row("a").await?.state, &State::Accepting)
}

async fn the_invitee_sees_his_own(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let at_the_door = t.call(Operation::Decline, Some("acme"), Principal::User(alice()));
    let elsewhere = t.call(Operation::Introspect, Some("globex"), Principal::User(alice()));
    for call in [t.invitee(alice()), at_the_door, elsewhere] {
        ok("his own", t.host.storage.get(&call, key("a")).await)?;
    }
    Ok(())
}

async fn the_invitee_sees_every_end(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let ends = [State::Accepted, State::Declined, State::Revoked, State::Failed];
    for (number, end) in ends.into_iter().enumerate() {
        let name = format!("n{number}");
        t.insert(draft(&name, alice())).await?;
        if matches!(end, State::Accepted | State::Failed) {
            t.go(&name, State::Accepting).await?;
        }
        t.go(&name, end).await?;
        let row = ok(word(end), t.host.storage.get(&t.invitee(alice()), key(&name)).await)?;
        same("the state", &row.state, &end)?;
    }
    t.insert(Draft { lifetime: Some(t.unit), ..draft("last", alice()) }).await?;
    t.pass(t.unit).await?;
    let row = ok("expired", t.host.storage.get(&t.invitee(alice()), key("last")).await)?;
    same("the state", &row.state, &State::Expired)
}

async fn what_was_never_pending_is_not_there_for_him(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(awaiting("a", alice())).await?;
    hidden("it awaits approval", &t.host.storage.get(&t.invitee(alice()), key("a")).await)?;
    t.go("a", State::Revoked).await?;
    hidden("it was rejected", &t.host.storage.get(&t.invitee(alice()), key("a")).await)?;
    t.insert(Draft { lifetime: Some(t.unit), ..awaiting("b", alice()) }).await?;
    t.pass(t.unit).await?;
    hidden("it expired", &t.host.storage.get(&t.invitee(alice()), key("b")).await)
}

async fn what_was_approved_is_there_for_him(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(awaiting("a", alice())).await?;
    t.change("a", approve("first", Some(LONG))).await?;
    ok("approved", t.host.storage.get(&t.invitee(alice()), key("a")).await).map(drop)
}

async fn others_see_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    hidden("another person", &t.host.storage.get(&t.invitee(bob()), key("a")).await)?;
    hidden("nobody", &t.host.storage.get(&t.bearer(), key("a")).await)
}

async fn being_the_invitee_counts_in_his_operations(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let without = t.call(Operation::Get, None, Principal::User(alice()));
    hidden("`get` without an organization", &t.host.storage.get(&without, key("a")).await)?;
    let elsewhere = t.call(Operation::Get, Some("root"), Principal::User(alice()));
    hidden("`get` in her own organization", &t.host.storage.get(&elsewhere, key("a")).await)
}

async fn the_contexts_organization_opens_nothing_to_invitees(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    for who in [bob(), ann()] {
        let call = t.call(Operation::Accept, Some("acme"), Principal::User(who));
        hidden("`accept` by somebody else", &t.host.storage.get(&call, key("a")).await)?;
    }
    Ok(())
}

async fn an_account_of_the_same_id(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    hidden("the namesake", &t.host.storage.get(&t.invitee(user("partner", "u-alice")), key("a")).await)
}

async fn a_code_admits_in_its_call_alone(ground: Ground) -> Outcome {
    let t = ground.acme(|settings| settings.accept_with = AcceptWith::Code).await?;
    t.insert(Draft { accept_with: AcceptWith::Code, ..draft("a", alice()) }).await?;
    let call = t.bearer();
    hidden("before `by-code`", &t.host.storage.get(&call, key("a")).await)?;
    same("by-code", &t.by_code(&call, "a").await?, &Some(id("a")))?;
    ok("after `by-code`", t.host.storage.get(&call, key("a")).await)?;
    hidden("the next call", &t.host.storage.get(&t.bearer(), key("a")).await)
}

async fn the_contexts_time_does_not_count(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    for now in [0, 4_000_000_000_000] {
        let mut call = t.admin();
        call.context.now = now;
        let row = ok("get", t.host.storage.get(&call, key("a")).await)?;
        same(&format!("the state for a context at {now}"), &row.state, &State::Pending)?;
    }
    Ok(())
}
