//! `storage.mine`: the invitee's own, across organizations.

use super::prelude::*;

const AREA: &str = "mine";

pub(super) const CASES: &[Case] = &[
    case!(AREA, mine_spans_organizations, "The invitee sees his own of all organizations, newest first."),
    case!(
        AREA,
        mine_has_what_was_ever_pending,
        "Of his own all that were ever pending, ended or not, and nothing that awaits approval."
    ),
    case!(AREA, mine_is_filtered_by_state, "By state, judged by the clock."),
    case!(AREA, mine_goes_page_by_page, "Page by page; a cursor belongs to its caller and his states."),
    case!(AREA, mine_is_nobodys_else, "Another person, a machine and nobody have none of them."),
    case!(AREA, mine_has_its_limits, "A page of 0 or 201 is `invalid`."),
];

async fn mine(t: &Trial, who: UserRef, states: &[State]) -> Outcome<Vec<String>> {
    let answer = t.host.storage.mine(&t.invitee(who), states.to_vec(), None, 200).await;
    Ok(ok("mine", answer)?.items.into_iter().map(|row| row.name).collect())
}

async fn in_globex(t: &Trial, drafts: Vec<Draft>) -> Outcome {
    let request = Batch { grants: vec![], ..batch("globex", drafts) };
    let items = ok("insert", t.host.storage.insert(&t.by(gina()), "globex".into(), request).await)?;
    must("insert", items.iter().all(Result::is_ok), "all stored", &items)
}

async fn mine_spans_organizations(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.pass(3).await?;
    in_globex(&t, vec![draft("g", alice()), draft("h", bob())]).await?;
    same("hers", &mine(&t, alice(), &[]).await?, &vec!["g", "a"])?;
    same("his", &mine(&t, bob(), &[]).await?, &vec!["h"])
}

async fn mine_has_what_was_ever_pending(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.go("a", State::Revoked).await?;
    t.pass(3).await?;
    t.insert(awaiting("b", alice())).await?;
    same("while one awaits approval", &mine(&t, alice(), &[]).await?, &vec!["a"])?;
    t.go("b", State::Revoked).await?;
    same("when that was rejected", &mine(&t, alice(), &[]).await?, &vec!["a"])?;
    t.pass(3).await?;
    t.insert(awaiting("c", alice())).await?;
    t.change("c", approve("first", Some(LONG))).await?;
    same("when another was approved", &mine(&t, alice(), &[]).await?, &vec!["c", "a"])
}

async fn mine_is_filtered_by_state(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("a", alice()) }).await?;
    in_globex(&t, vec![draft("g", alice())]).await?;
    t.pass(t.unit).await?;
    same("pending, later", &mine(&t, alice(), &[State::Pending]).await?, &vec!["g"])?;
    same("expired, later", &mine(&t, alice(), &[State::Expired]).await?, &vec!["a"])
}

async fn mine_goes_page_by_page(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.pass(3).await?;
    in_globex(&t, vec![draft("g", alice()), draft("h", bob())]).await?;
    let ask = |who: UserRef, states: Vec<State>, after: Option<String>| {
        let call = t.invitee(who);
        let t = &t;
        async move { t.host.storage.mine(&call, states, after, 1).await }
    };
    let first = ok("the first page", ask(alice(), vec![], None).await)?;
    same("the first page", &ids(&first.items), &vec![id("g")])?;
    let second = ok("the second page", ask(alice(), vec![], first.next.clone()).await)?;
    same("the second page", &(ids(&second.items), second.next), &(vec![id("a")], None))?;
    fits!("another's cursor", ask(bob(), vec![], first.next.clone()).await, Err(StoreError::InvalidCursor));
    let other = ask(alice(), vec![State::Pending], first.next).await;
    fits!("the cursor with other states", other, Err(StoreError::InvalidCursor));
    fits!("a made-up one", ask(alice(), vec![], Some("x".into())).await, Err(StoreError::InvalidCursor));
    Ok(())
}

async fn mine_is_nobodys_else(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let nobody = t.call(Operation::ListMine, None, Principal::Anonymous);
    let machine = t.call(Operation::ListMine, None, hr());
    for call in [t.invitee(bob()), t.invitee(user("partner", "u-alice")), nobody, machine] {
        let answer = t.host.storage.mine(&call, vec![], None, 10).await;
        let none = answer.as_ref().map_or_else(|error| error.is_denied(), |page| page.items.is_empty());
        must("somebody else's list", none, "empty, or `denied` to who is no person", &answer)?;
    }
    Ok(())
}

async fn mine_has_its_limits(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for limit in [0, 201] {
        let answer = t.host.storage.mine(&t.invitee(alice()), vec![], None, limit).await;
        invalid(&format!("a page of {limit}"), &answer)?;
    }
    Ok(())
}
