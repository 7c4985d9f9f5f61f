//! Asks what stands in the way of an insert: one active invitation for a subject, and the limit.

use super::prelude::*;

const AREA: &str = "room";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        one_active_for_a_subject,
        "A subject with an active invitation is answered `exists`, with its key."
    ),
    case!(
        AREA,
        a_claim_is_active_past_its_end,
        "An invitation that is being accepted is in the way also when its time has run out."
    ),
    case!(
        AREA,
        after_each_end_there_is_room,
        "After accepted, declined, revoked and failed the subject can be invited anew."
    ),
    case!(
        AREA,
        organizations_do_not_stand_in_each_others_way,
        "One person may be invited by two organizations at once."
    ),
    case!(AREA, accounts_of_one_id_are_two_subjects, "The same user id in two organizations is two people."),
    case!(
        AREA,
        two_drafts_of_one_subject_make_one_row,
        "Of two drafts for one subject in a batch the first is stored, the second is `exists`."
    ),
    case!(
        AREA,
        what_ran_out_is_written_off,
        "An invitation whose time has run out is marked `expired` on the way and is no obstacle."
    ),
    case!(
        AREA,
        what_awaited_in_vain_is_written_off,
        "So is one that awaited approval until its time ran out."
    ),
    case!(
        AREA,
        what_ran_out_exactly_now,
        "One millisecond before its end it is in the way, at its end no more."
    )
    .exact(),
    case!(
        AREA,
        a_code_in_use_is_not_taken_over,
        "A draft with the digest of another invitation is not stored, and the digest leads where it led."
    ),
    case!(
        AREA,
        an_id_in_use_is_not_overwritten,
        "A draft with the id of another invitation changes nothing of it."
    ),
    case!(
        AREA,
        the_limit_counts_active_rows,
        "No draft is stored beyond `active-limit`, in the order of the drafts; rows that have run out do not count."
    ),
    case!(
        AREA,
        exists_comes_before_over_limit,
        "Whoever is invited already is told that, also when the limit is reached."
    ),
    case!(
        AREA,
        over_limit_writes_nothing_off,
        "What has run out stays as it is when its subject's draft is over the limit."
    ),
    case!(
        AREA,
        other_organizations_do_not_count,
        "Invitations of other organizations do not count against the limit."
    ),
];

fn items_are<'a>(items: &'a [Result<Inserted, StoreError>]) -> Vec<&'a str> {
    let word = |item: &'a Result<_, StoreError>| match item {
        Ok(_) => "stored",
        Err(StoreError::Exists(_)) => "exists",
        Err(StoreError::OverLimit(_)) => "over-limit",
        Err(_) => "another error",
    };
    items.iter().map(word).collect()
}

async fn one_active_for_a_subject(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.insert(awaiting("b", bob())).await?;
    for (account, first, what) in [(alice(), "a", "pending"), (bob(), "b", "awaiting approval")] {
        let answer = t.try_insert(draft("again", account)).await?;
        fits!(&format!("one is {what}"), answer, Err(StoreError::Exists(found)) if *found == key(first));
    }
    hidden("the row that was not stored", &t.host.storage.get(&t.admin(), key("again")).await)
}

async fn a_claim_is_active_past_its_end(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("a", alice()) }).await?;
    t.go("a", State::Accepting).await?;
    t.pass(t.unit).await?;
    let answer = t.try_insert(draft("b", alice())).await?;
    fits!("one is accepting", answer, Err(StoreError::Exists(found)) if *found == key("a"));
    Ok(())
}

async fn after_each_end_there_is_room(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (number, to) in
        [State::Accepted, State::Declined, State::Revoked, State::Failed].into_iter().enumerate()
    {
        let name = format!("n{number}");
        t.insert(draft(&name, alice())).await?;
        if matches!(to, State::Accepted | State::Failed) {
            t.go(&name, State::Accepting).await?;
        }
        t.go(&name, to).await?;
    }
    t.insert(draft("last", alice())).await.map(drop)
}

async fn organizations_do_not_stand_in_each_others_way(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let request = Batch { grants: vec![], ..batch("one", vec![draft("g", alice())]) };
    let items = ok("insert", t.host.storage.insert(&t.by(gina()), "globex".into(), request).await)?;
    same("what became of the other", &items_are(&items), &vec!["stored"])
}

async fn accounts_of_one_id_are_two_subjects(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.insert(draft("b", user("partner", "u-alice"))).await?;
    let found = t.host.storage.get(&t.invitee(user("partner", "u-alice")), key("a")).await;
    hidden("the invitation of the other account", &found)
}

async fn two_drafts_of_one_subject_make_one_row(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let drafts = vec![draft("a", alice()), draft("b", alice()), draft("c", bob())];
    let items = t.batch(&t.admin(), batch("one", drafts)).await?;
    same("the items", &items_are(&items), &vec!["stored", "exists", "stored"])?;
    fits!("the second", item("items", &items, 1)?, Err(StoreError::Exists(found)) if *found == key("a"));
    Ok(())
}

async fn what_ran_out_is_written_off(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("a", alice()) }).await?;
    t.pass(t.unit).await?;
    t.insert(draft("b", alice())).await?;
    let old = t.row("a").await?;
    same("state and version", &(old.state, old.version), &(State::Expired, 2))?;
    must("its end", old.ended_at.is_some(), "the time at which it was written off", &old.ended_at)?;
    let mails = t.due(0).await?;
    must("mails of the old one", mails.iter().all(|item| item.row.name != "a"), "none", &due_kinds(&mails))
}

async fn what_awaited_in_vain_is_written_off(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let request = Batch {
        announce: true,
        hold: 0,
        ..batch("one", vec![Draft { lifetime: Some(t.unit), ..awaiting("a", alice()) }])
    };
    t.batch(&t.admin(), request).await?;
    t.pass(t.unit).await?;
    t.insert(draft("b", alice())).await?;
    let old = t.row("a").await?;
    same("state and version", &(old.state, old.version), &(State::Expired, 2))?;
    same("what is due", &due_kinds(&t.due(0).await?), &vec![])
}

async fn what_ran_out_exactly_now(ground: Ground) -> Outcome {
    for (after, free) in [(LONG - 1, false), (LONG, true), (LONG + 1, true)] {
        let t = ground.company().await?;
        t.insert(draft("a", alice())).await?;
        t.pass(after).await?;
        let answer = t.try_insert(draft("b", alice())).await?;
        must(
            &format!("an insert {after} ms after one for {LONG} ms"),
            answer.is_ok() == free,
            if free { "stored" } else { "`exists`" },
            &answer,
        )?;
    }
    Ok(())
}

/// Tells whether nothing was stored, by an error of the whole or of each item.
fn refused(answer: &Result<Vec<Result<Inserted, StoreError>>, StoreError>) -> bool {
    answer.as_ref().map_or(true, |items| items.iter().all(Result::is_err))
}

async fn a_code_in_use_is_not_taken_over(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let thief = Draft { code: Some(code("a")), ..draft("b", bob()) };
    let answer = t.try_batch(&t.admin(), batch("thief", vec![thief])).await;
    must("a second invitation with one code", refused(&answer), "not stored", &answer)?;
    same("whom the code leads to", &t.by_code(&t.invitee(alice()), "a").await?, &Some(id("a")))
}

async fn an_id_in_use_is_not_overwritten(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let before = t.row("a").await?;
    let other = Draft { id: id("a"), ..draft("b", bob()) };
    let answer = t.try_batch(&t.admin(), batch("other", vec![other])).await;
    must("a second invitation with one id", refused(&answer), "not stored", &answer)?;
    same("the first", &t.row("a").await?, &before)
}

async fn the_limit_counts_active_rows(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let limited = |operation: &str, drafts| Batch { active_limit: Some(2), ..batch(operation, drafts) };
    let short = Draft { lifetime: Some(t.unit), ..draft("a", alice()) };
    let three = vec![short, awaiting("b", bob()), draft("c", carol())];
    let items = t.batch(&t.admin(), limited("one", three)).await?;
    same("three drafts where two may be", &items_are(&items), &vec!["stored", "stored", "over-limit"])?;
    fits!("the third", item("items", &items, 2)?, Err(StoreError::OverLimit(2)));
    t.pass(t.unit).await?;
    let items = t.batch(&t.admin(), limited("two", vec![draft("c", carol()), draft("d", dave())])).await?;
    same("two more, when one has run out", &items_are(&items), &vec!["stored", "over-limit"])
}

async fn exists_comes_before_over_limit(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let full = Batch { active_limit: Some(1), ..batch("one", vec![draft("b", alice()), draft("c", bob())]) };
    let items = t.batch(&t.admin(), full).await?;
    same("the items", &items_are(&items), &vec!["exists", "over-limit"])
}

async fn over_limit_writes_nothing_off(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("a", alice()) }).await?;
    t.insert(draft("b", bob())).await?;
    t.pass(t.unit).await?;
    let full = Batch { active_limit: Some(1), ..batch("full", vec![draft("c", alice())]) };
    same("the item", &items_are(&t.batch(&t.admin(), full).await?), &vec!["over-limit"])?;
    same("the version of what ran out", &t.row("a").await?.version, &1)
}

async fn other_organizations_do_not_count(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let request = Batch { grants: vec![], ..batch("one", vec![draft("g", alice()), draft("h", bob())]) };
    ok("insert", t.host.storage.insert(&t.by(gina()), "globex".into(), request).await)?;
    let limited = Batch { active_limit: Some(1), ..batch("two", vec![draft("a", alice())]) };
    same("the item", &items_are(&t.batch(&t.admin(), limited).await?), &vec!["stored"])
}
