//! `storage.recall` and the idempotence of `insert`: one operation, one effect.

use super::prelude::*;

const AREA: &str = "recalling";
/// A row that no case outlives, in an operation that is remembered for a day.
const DAY: u64 = 24 * 3_600_000;

pub(super) const CASES: &[Case] = &[
    case!(AREA, nothing_was_recorded, "An operation that never was is recalled as nothing."),
    case!(
        AREA,
        rows_by_position_in_order,
        "What was stored is recalled by position, in order, with `existed`."
    ),
    case!(AREA, rows_are_recalled_as_they_are_now, "A recalled row has its present version and state."),
    case!(AREA, what_ran_out_is_recalled_as_expired, "A recalled row whose time has run out is `expired`."),
    case!(
        AREA,
        refused_items_are_recalled,
        "Refused items are recalled with their reason, beside the rows, by position."
    ),
    case!(
        AREA,
        exists_is_recalled,
        "A draft that met `exists` is recalled as refused: `active-invitation:` and the id."
    ),
    case!(
        AREA,
        over_limit_is_recalled,
        "A draft over the limit is recalled as refused: `over-limit:` and the limit."
    ),
    case!(AREA, an_empty_operation_is_recorded, "An operation is recorded also when nothing was stored."),
    case!(AREA, the_same_batch_has_no_second_effect, "The same batch again answers the rows that it made."),
    case!(
        AREA,
        a_stored_position_stays_what_it_is,
        "For a position that is stored the earlier row is answered, whatever the draft says now."
    ),
    case!(
        AREA,
        a_new_position_is_stored,
        "A position that the operation has not recorded is stored when it comes with the others."
    ),
    case!(
        AREA,
        another_fingerprint_is_reused,
        "Another request under the id of an operation is `operation-reused`, and nothing is applied."
    ),
    case!(AREA, a_key_belongs_to_its_caller, "The same operation id of another caller is another operation."),
    case!(
        AREA,
        a_key_belongs_to_its_organization,
        "The same operation id in another organization is another operation."
    ),
    case!(
        AREA,
        after_a_revoke_it_is_not_made_again,
        "Repeating the request of a revoked invitation makes none."
    ),
    case!(AREA, remembered_for_a_day, "An operation is remembered for 24 hours after it was recorded.")
        .exact(),
    case!(
        AREA,
        malformed_recalls,
        "A fingerprint of another length and an empty operation id are `invalid`."
    ),
    case!(AREA, others_recall_nothing, "Other organizations' operations and invitees' calls are `denied`."),
];

type Recalled = Vec<(u32, RecordedOutcome)>;

async fn recall(t: &Trial, call: &Call, operation: &str) -> Outcome<Recalled> {
    let print = fingerprint(operation);
    let answer = t.host.storage.recall(call, "acme".into(), operation.into(), print).await;
    let recorded = ok("recall", answer)?;
    Ok(recorded.into_iter().map(|recorded| (recorded.position, recorded.outcome)).collect())
}

fn told(recalled: &Recalled) -> Vec<(u32, String)> {
    let word = |outcome: &RecordedOutcome| match outcome {
        RecordedOutcome::Row(row) => row.id.clone(),
        RecordedOutcome::Refused(reason) => reason.clone(),
    };
    recalled.iter().map(|(position, outcome)| (*position, word(outcome))).collect()
}

fn row_of(recalled: &Recalled) -> Outcome<&Inserted> {
    match item("recall", recalled, 0)? {
        (_, RecordedOutcome::Row(row)) => Ok(row),
        other => Err(broken("recall", "a row", other)),
    }
}

fn refusal(position: u32, reason: &str) -> guestlist_contract::storage::RefusedItem {
    refused_item(position, &format!("name{position}"), reason)
}

async fn nothing_was_recorded(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    same("recall", &recall(&t, &t.admin(), "never").await?, &vec![])
}

async fn rows_by_position_in_order(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let mut request = batch("one", vec![draft("a", alice()), draft("b", bob()), draft("c", carol())]);
    for (draft, position) in request.drafts.iter_mut().zip([7, 2, 40]) {
        draft.position = position;
    }
    t.batch(&t.admin(), request).await?;
    let recalled = recall(&t, &t.admin(), "one").await?;
    same("recall", &told(&recalled), &vec![(2, id("b")), (7, id("a")), (40, id("c"))])?;
    let row = row_of(&recalled)?;
    same("existed, version, mail", &(row.existed, row.version, row.mail), &(true, 1, MailState::Queued))
}

async fn rows_are_recalled_as_they_are_now(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.batch(&t.admin(), batch("one", vec![draft("a", alice())])).await?;
    t.go("a", State::Revoked).await?;
    let recalled = recall(&t, &t.admin(), "one").await?;
    let row = row_of(&recalled)?;
    same(
        "version, state and mail",
        &(row.version, row.state, row.mail),
        &(2, State::Revoked, MailState::None),
    )
}

async fn what_ran_out_is_recalled_as_expired(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let short = Draft { lifetime: Some(t.unit), ..draft("a", alice()) };
    t.batch(&t.admin(), batch("one", vec![short])).await?;
    t.pass(t.unit).await?;
    let recalled = recall(&t, &t.admin(), "one").await?;
    same("the state", &row_of(&recalled)?.state, &State::Expired)
}

async fn refused_items_are_recalled(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let refused = vec![refusal(2, "no-email"), refusal(1, "not-a-parent-user")];
    let request = Batch { refused, ..batch("one", vec![draft("a", alice())]) };
    t.batch(&t.admin(), request).await?;
    let recalled = told(&recall(&t, &t.admin(), "one").await?);
    same("recall", &recalled, &vec![(0, id("a")), (1, "not-a-parent-user".into()), (2, "no-email".into())])
}

async fn exists_is_recalled(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.batch(&t.admin(), batch("one", vec![draft("b", alice())])).await?;
    let recalled = told(&recall(&t, &t.admin(), "one").await?);
    same("recall", &recalled, &vec![(0, format!("active-invitation:{}", id("a")))])
}

async fn over_limit_is_recalled(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let request = batch("one", vec![draft("a", alice()), draft("b", bob())]);
    t.batch(&t.admin(), Batch { active_limit: Some(1), ..request }).await?;
    let recalled = told(&recall(&t, &t.admin(), "one").await?);
    same("recall", &recalled, &vec![(0, id("a")), (1, "over-limit:1".into())])
}

async fn an_empty_operation_is_recorded(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.batch(&t.admin(), batch("one", vec![])).await?;
    let other = Batch { fingerprint: fingerprint("other"), ..batch("one", vec![draft("a", alice())]) };
    let answer = t.try_batch(&t.admin(), other).await;
    fits!("another request under its id", answer, Err(StoreError::OperationReused));
    Ok(())
}

async fn the_same_batch_has_no_second_effect(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let request = || {
        let refused = vec![refusal(2, "no-email")];
        Batch { refused, ..batch("one", vec![draft("a", alice()), draft("b", bob())]) }
    };
    t.batch(&t.admin(), request()).await?;
    let before = t.list(all(), page(SortKey::Name, 200)).await?.items;
    for item in t.batch(&t.admin(), request()).await? {
        let row = ok("an item of the second batch", item)?;
        same("existed and version", &(row.existed, row.version), &(true, 1))?;
    }
    same("the rows", &t.list(all(), page(SortKey::Name, 200)).await?.items, &before)
}

async fn a_stored_position_stays_what_it_is(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.batch(&t.admin(), batch("one", vec![draft("a", alice())])).await?;
    let items = t.batch(&t.admin(), batch("one", vec![draft("b", bob())])).await?;
    let row = ok("the item", item("insert", &items, 0)?.clone())?;
    same("id and existed", &(row.id, row.existed), &(id("a"), true))?;
    hidden("what the draft says now", &t.host.storage.get(&t.admin(), key("b")).await)
}

async fn a_new_position_is_stored(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.batch(&t.admin(), batch("one", vec![draft("a", alice())])).await?;
    let both = batch("one", vec![draft("x", alice()), draft("b", bob())]);
    let items = t.batch(&t.admin(), both).await?;
    let existed: Vec<_> = items.into_iter().filter_map(|item| item.ok().map(|row| row.existed)).collect();
    same("existed", &existed, &vec![true, false])?;
    let recalled = told(&recall(&t, &t.admin(), "one").await?);
    same("recall", &recalled, &vec![(0, id("a")), (1, id("b"))])
}

async fn another_fingerprint_is_reused(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.batch(&t.admin(), batch("one", vec![draft("a", alice())])).await?;
    let other = Batch { fingerprint: fingerprint("other"), ..batch("one", vec![draft("b", bob())]) };
    let answer = t.try_batch(&t.admin(), other).await;
    fits!("insert", answer, Err(StoreError::OperationReused));
    let print = fingerprint("other");
    let answer = t.host.storage.recall(&t.admin(), "acme".into(), "one".into(), print).await;
    fits!("recall", answer, Err(StoreError::OperationReused));
    hidden("the other draft", &t.host.storage.get(&t.admin(), key("b")).await)
}

async fn a_key_belongs_to_its_caller(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.batch(&t.admin(), batch("one", vec![draft("a", alice())])).await?;
    let machine = || t.call(Operation::Invite, Some("acme"), hr());
    same("what the other recalls", &recall(&t, &machine(), "one").await?, &vec![])?;
    let other = Batch { fingerprint: fingerprint("other"), ..batch("one", vec![draft("b", bob())]) };
    let items = t.batch(&machine(), other).await?;
    ok("what the other inserts", item("insert", &items, 0)?.clone())?;
    same("what the first recalls", &told(&recall(&t, &t.admin(), "one").await?), &vec![(0, id("a"))])
}

async fn a_key_belongs_to_its_organization(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let both = t.call(Operation::Invite, Some("globex"), Principal::User(ann()));
    t.batch(&t.admin(), batch("one", vec![draft("a", alice())])).await?;
    let request = Batch { fingerprint: fingerprint("other"), ..batch("one", vec![draft("g", alice())]) };
    let answer = t.host.storage.insert(&both, "globex".into(), request).await;
    let items = ok("the same operation in another organization", answer)?;
    ok("its item", item("insert", &items, 0)?.clone()).map(drop)
}

async fn after_a_revoke_it_is_not_made_again(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let request = || batch("one", vec![draft("a", alice())]);
    t.batch(&t.admin(), request()).await?;
    t.go("a", State::Revoked).await?;
    let items = t.batch(&t.admin(), request()).await?;
    let row = ok("the item", item("insert", &items, 0)?.clone())?;
    same("id, existed and state", &(row.id, row.existed, row.state), &(id("a"), true, State::Revoked))
}

async fn remembered_for_a_day(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let lasting = Draft { lifetime: None, ..draft("a", alice()) };
    t.batch(&t.admin(), batch("one", vec![lasting])).await?;
    t.pass(DAY - 1).await?;
    let recalled = told(&recall(&t, &t.admin(), "one").await?);
    same("recall, a millisecond before", &recalled, &vec![(0, id("a"))])
}

async fn malformed_recalls(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (what, operation, print) in [
        ("a fingerprint of 31 bytes", "one".to_owned(), vec![0; 31]),
        ("a fingerprint of 33 bytes", "one".to_owned(), vec![0; 33]),
        ("no operation id", String::new(), fingerprint("one")),
        ("an operation id of 256 bytes", "x".repeat(256), fingerprint("one")),
    ] {
        let answer = t.host.storage.recall(&t.admin(), "acme".into(), operation, print).await;
        invalid(what, &answer)?;
    }
    Ok(())
}

async fn others_recall_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.batch(&t.admin(), batch("one", vec![draft("a", alice())])).await?;
    for (what, call) in [
        ("the sibling's administrator", t.by(gina())),
        ("the parent's administrator", t.by(of_root("rita"))),
        ("the invitee", t.invitee(alice())),
    ] {
        let print = fingerprint("one");
        denied(what, &t.host.storage.recall(&call, "acme".into(), "one".into(), print).await)?;
    }
    Ok(())
}
