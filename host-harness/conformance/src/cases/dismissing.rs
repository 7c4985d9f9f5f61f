//! `storage.dismiss`: ended invitations that are taken off the list.

use super::prelude::*;

const AREA: &str = "dismissing";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        one_that_has_ended,
        "One that has ended, in whatever way, is answered and read as dismissed."
    ),
    case!(AREA, nothing_else_changes, "Neither its `version` nor anything else of it changes."),
    case!(
        AREA,
        only_what_has_ended,
        "What awaits approval, is pending or is being accepted is left as it is."
    ),
    case!(
        AREA,
        what_has_run_out_and_was_not_written,
        "What has only run out is left as it is until its end is written."
    ),
    case!(AREA, again_is_harmless, "A second time changes nothing and leaves no event."),
    case!(AREA, it_is_told_once, "Its event is `invitation.dismissed`, with who did it and whom it is for."),
    case!(
        AREA,
        the_list_is_filtered,
        "`dismissed` in a filter gives those that were, those that were not, or both."
    ),
    case!(
        AREA,
        the_invitee_goes_on_seeing_it,
        "Its invitee finds it by `mine`, `get` and its code as before."
    ),
    case!(
        AREA,
        other_organizations_dismiss_nothing,
        "Other organizations, the invitee and nobody dismiss nothing; a row that never was is not found."
    ),
];

async fn dismiss(t: &Trial, name: &str) -> Outcome<Invitation> {
    ok("dismiss", t.host.storage.dismiss(&t.admin(), key(name)).await)
}

async fn one_that_has_ended(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let ends = [State::Accepted, State::Declined, State::Revoked, State::Failed, State::Expired];
    for (number, end) in ends.into_iter().enumerate() {
        let name = format!("n{number}");
        let lifetime = (end == State::Expired).then_some(t.unit).or(Some(LONG));
        t.insert(Draft { lifetime, ..draft(&name, alice()) }).await?;
        if matches!(end, State::Accepted | State::Failed) {
            t.go(&name, State::Accepting).await?;
        }
        if end == State::Expired {
            t.pass(t.unit).await?;
        }
        same("a new row", &t.row(&name).await?.dismissed, &false)?;
        t.go(&name, end).await?;
        let row = dismiss(&t, &name).await?;
        same(&format!("one that is {}", word(end)), &(row.dismissed, row.state), &(true, end))?;
        same("the row as it is read", &t.row(&name).await?, &row)?;
    }
    Ok(())
}

async fn nothing_else_changes(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let before = t.change("a", Change { reason: Some("why".into()), ..change(State::Revoked) }).await?;
    t.pass(2).await?;
    same("the row", &dismiss(&t, "a").await?, &Invitation { dismissed: true, ..before })
}

async fn only_what_has_ended(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(awaiting("a", alice())).await?;
    t.insert(draft("b", bob())).await?;
    t.claimed("c", carol()).await?;
    for name in ["a", "b", "c"] {
        let before = t.row(name).await?;
        same("the answer", &dismiss(&t, name).await?, &before)?;
        same("the row", &t.row(name).await?, &before)?;
    }
    let words = t.words().await?;
    must("the trail", !words.contains(&"invitation.dismissed".to_owned()), "no event of a dismissal", &words)
}

async fn what_has_run_out_and_was_not_written(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("a", alice()) }).await?;
    t.pass(t.unit).await?;
    let row = dismiss(&t, "a").await?;
    same("before it is written", &(row.state, row.dismissed, row.version), &(State::Expired, false, 1))?;
    t.go("a", State::Expired).await?;
    same("when it was written", &dismiss(&t, "a").await?.dismissed, &true)
}

async fn again_is_harmless(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.go("a", State::Revoked).await?;
    let first = dismiss(&t, "a").await?;
    let events = t.words().await?;
    same("the second answer", &dismiss(&t, "a").await?, &first)?;
    same("the trail", &t.words().await?, &events)
}

async fn it_is_told_once(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.go("a", State::Revoked).await?;
    let call = t.call(Operation::Dismiss, Some("acme"), Principal::User(ann()));
    ok("dismiss", t.host.storage.dismiss(&call, key("a")).await)?;
    let trail = t.trail().await?;
    same("the number of events", &trail.len(), &3)?;
    let event = item("the trail", &trail, 2)?;
    same("the word", &event.text(), &"invitation.dismissed")?;
    same(
        "who, in which operation and request",
        &(&event.actor, event.operation.as_str(), &event.request_id),
        &(&Principal::User(ann()), "dismiss", &call.context.request_id),
    )?;
    same(
        "where, which and for whom",
        &(event.organization.as_deref(), event.invitation.clone(), event.subject.clone()),
        &(Some("acme"), Some(id("a")), Some(alice())),
    )
}

async fn the_list_is_filtered(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (name, who) in [("a", alice()), ("b", bob()), ("c", carol())] {
        t.insert(draft(name, who)).await?;
        t.go(name, State::Revoked).await?;
    }
    t.insert(draft("d", alice())).await?;
    dismiss(&t, "b").await?;
    let expected =
        [(None, vec!["a", "b", "c", "d"]), (Some(true), vec!["b"]), (Some(false), vec!["a", "c", "d"])];
    for (dismissed, names) in expected {
        let filter = InvitationFilter { dismissed, ..all() };
        let found = t.list(filter.clone(), page(SortKey::Name, 10)).await?;
        let found: Vec<_> = found.items.into_iter().map(|row| row.name).collect();
        same(&format!("listed with {dismissed:?}"), &found, &names)?;
        // A condition holds for a page at a time as well.
        let first = t.list(filter, page(SortKey::Name, 1)).await?;
        same("whether there are more", &first.next.is_some(), &(names.len() > 1))?;
    }
    let both = InvitationFilter { dismissed: Some(false), states: vec![State::Revoked], ..all() };
    same("with another condition", &t.list(both, page(SortKey::Name, 10)).await?.items.len(), &2)
}

async fn the_invitee_goes_on_seeing_it(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.go("a", State::Revoked).await?;
    dismiss(&t, "a").await?;
    let mine = ok("mine", t.host.storage.mine(&t.invitee(alice()), vec![], None, 10).await)?;
    same("mine", &ids(&mine.items), &vec![id("a")])?;
    ok("get", t.host.storage.get(&t.invitee(alice()), key("a")).await)?;
    same("by-code", &t.by_code(&t.invitee(alice()), "a").await?, &Some(id("a")))
}

async fn other_organizations_dismiss_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.go("a", State::Revoked).await?;
    for (what, call) in [
        ("the sibling's administrator", t.by(gina())),
        ("the parent's", t.by(of_root("rita"))),
        ("the invitee", t.invitee(alice())),
        ("nobody", t.bearer()),
    ] {
        hidden(what, &t.host.storage.dismiss(&call, key("a")).await)?;
    }
    hidden("one that never was", &t.host.storage.dismiss(&t.admin(), key("never")).await)?;
    same("the row", &t.row("a").await?.dismissed, &false)
}
