//! `storage.purge`: what has ended is deleted in the end, and nothing else.

use super::prelude::*;

const AREA: &str = "purging";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        ended_rows_go,
        "Rows that ended longer ago than the retention are deleted and counted, whatever their end."
    ),
    case!(AREA, younger_rows_stay, "Rows that ended later than that stay."),
    case!(
        AREA,
        the_retention_at_its_very_instant,
        "A row stays until it has ended longer ago than the retention."
    )
    .exact(),
    case!(AREA, open_rows_stay, "What has not ended stays, also when its time has run out."),
    case!(AREA, no_more_than_the_limit, "No more than `limit` go in one call."),
    case!(AREA, limits_are_1_to_200, "Limits are 1 to 200."),
    case!(AREA, the_audit_trail_stays, "Their audit events stay, and each deletion has its own."),
    case!(AREA, its_messages_go_with_it, "Messages of a deleted row are due no more."),
    case!(AREA, the_member_stays, "Whoever became a member by it stays one."),
    case!(
        AREA,
        only_its_own_organization,
        "Nothing of another organization is deleted, and only its own calls delete."
    ),
];

async fn revoked(t: &Trial, name: &str, who: UserRef) -> Outcome {
    t.insert(draft(name, who)).await?;
    t.go(name, State::Revoked).await.map(drop)
}

async fn is_there(t: &Trial, name: &str) -> Outcome<bool> {
    match t.host.storage.get(&t.admin(), key(name)).await {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound) => Ok(false),
        Err(error) => Err(broken("get", "the row or `not-found`", &error)),
    }
}

async fn ended_rows_go(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (name, who, to) in [("a", alice(), State::Accepted), ("b", bob(), State::Failed)] {
        t.claimed(name, who).await?;
        t.go(name, to).await?;
    }
    for (name, who, to) in [("c", carol(), State::Declined), ("d", dave(), State::Revoked)] {
        t.insert(draft(name, who)).await?;
        t.go(name, to).await?;
    }
    t.insert(Draft { lifetime: Some(t.unit), ..draft("e", gus()) }).await?;
    t.pass(t.unit).await?;
    t.go("e", State::Expired).await?;
    t.pass(3).await?;
    same("purged", &t.purge(0, 200).await?, &5)?;
    for name in ["a", "b", "c", "d", "e"] {
        same(&format!("`{name}` is there"), &is_there(&t, name).await?, &false)?;
    }
    Ok(())
}

async fn younger_rows_stay(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    revoked(&t, "a", alice()).await?;
    t.pass(8 * t.unit).await?;
    revoked(&t, "b", bob()).await?;
    t.pass(3).await?;
    same("purged", &t.purge(7 * t.unit, 200).await?, &1)?;
    same("the older and the younger", &(is_there(&t, "a").await?, is_there(&t, "b").await?), &(false, true))?;
    same("purged with a long retention", &t.purge(u64::from(u32::MAX), 200).await?, &0)
}

async fn the_retention_at_its_very_instant(ground: Ground) -> Outcome {
    for (after, purged) in [(999, 0), (1_000, 0), (1_001, 1)] {
        let t = ground.company().await?;
        revoked(&t, "a", alice()).await?;
        t.pass(after).await?;
        same(
            &format!("purged {after} ms after the end, with a retention of 1000 ms"),
            &t.purge(1_000, 10).await?,
            &purged,
        )?;
    }
    Ok(())
}

async fn open_rows_stay(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.insert(awaiting("b", bob())).await?;
    t.claimed("c", carol()).await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("d", dave()) }).await?;
    t.pass(2 * t.unit).await?;
    same("purged", &t.purge(0, 200).await?, &0)?;
    same("rows", &t.list(all(), page(SortKey::Name, 10)).await?.items.len(), &4)
}

async fn no_more_than_the_limit(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (name, who) in [("a", alice()), ("b", bob()), ("c", carol())] {
        revoked(&t, name, who).await?;
    }
    t.pass(3).await?;
    for expected in [2, 1, 0] {
        same("purged", &t.purge(0, 2).await?, &expected)?;
    }
    Ok(())
}

async fn limits_are_1_to_200(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for limit in [0, 201] {
        invalid(
            &format!("a limit of {limit}"),
            &t.host.storage.purge(&t.sweep(), "acme".into(), 0, limit).await,
        )?;
    }
    same("purged of nothing", &t.purge(0, 200).await?, &0)
}

async fn the_audit_trail_stays(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    revoked(&t, "a", alice()).await?;
    t.pass(3).await?;
    t.purge(0, 10).await?;
    let events = t.trail().await?;
    let words: Vec<_> = events.iter().map(|event| event.text()).collect();
    same("the trail", &words, &vec!["invitation.created", "invitation.revoked", "invitation.purged"])?;
    same("its invitation", &item("the trail", &events, 2)?.invitation, &Some(id("a")))
}

async fn its_messages_go_with_it(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.change("a", Change { messages: vec![MessageKind::Declined], hold: 0, ..change(State::Declined) })
        .await?;
    same("due before", &t.due(0).await?.len(), &1)?;
    t.pass(3).await?;
    t.purge(0, 10).await?;
    same("due after", &t.due(0).await?.len(), &0)
}

async fn the_member_stays(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.claimed("a", alice()).await?;
    t.apply("a", alice(), steps()).await?;
    t.go("a", State::Accepted).await?;
    t.pass(3).await?;
    same("purged", &t.purge(0, 10).await?, &1)?;
    same("she is a member", &t.is_member(alice()).await?, &true)
}

async fn only_its_own_organization(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    revoked(&t, "a", alice()).await?;
    t.pass(3).await?;
    let elsewhere = || t.call(Operation::Sweep, Some("globex"), Principal::System);
    denied("the sibling's sweep", &t.host.storage.purge(&elsewhere(), "acme".into(), 0, 10).await)?;
    denied("the invitee", &t.host.storage.purge(&t.invitee(alice()), "acme".into(), 0, 10).await)?;
    let theirs = t.host.storage.purge(&elsewhere(), "globex".into(), 0, 10).await;
    same("purged in the sibling", &ok("purge", theirs)?, &0)?;
    same("it is there", &is_there(&t, "a").await?, &true)
}
