//! `storage.insert`: what is stored, what is in the way, and what is refused as a whole.

use super::prelude::*;

const AREA: &str = "inserting";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        a_row_is_as_draft_and_batch_say,
        "A new row carries what batch and draft say, version 1, and the caller as inviter."
    ),
    case!(
        AREA,
        the_answer_describes_the_row,
        "The answer has id, version, state, end and mail of the row, and `existed` is false."
    ),
    case!(AREA, times_are_the_stores, "Created is the store's time, and the end is the lifetime later."),
    case!(
        AREA,
        without_a_lifetime_there_is_no_end,
        "A draft without a lifetime makes a row that never expires."
    ),
    case!(AREA, one_that_awaits_approval, "A draft with a reason for approval awaits it: no code, no mail."),
    case!(AREA, external_notifications_queue_no_mail, "With external notifications nothing is queued."),
    case!(
        AREA,
        a_draft_chooses_grants_by_index,
        "A draft names its grants by their index in the batch, or has all."
    ),
    case!(AREA, a_client_is_an_inviter, "A machine is stored as the inviter that it is."),
    case!(AREA, accept_with_is_kept, "Each way of accepting is stored as it was said."),
    case!(AREA, replaces_is_kept, "The invitation that a draft replaces is stored with it."),
    case!(AREA, answers_come_in_the_order_of_the_drafts, "A hundred drafts get a hundred answers, in order."),
    case!(
        AREA,
        a_hundred_and_one_drafts_are_too_many,
        "More than 100 drafts are `invalid`, and none is stored."
    ),
    case!(
        AREA,
        drafts_and_refusals_count_together,
        "100 drafts and refusals together are allowed, 101 are not."
    ),
    case!(AREA, fifty_grants_are_allowed, "An invitation carries up to 50 grants; 51 are `invalid`."),
    case!(
        AREA,
        malformed_batches_are_refused_as_a_whole,
        "A malformed field makes the whole batch `invalid`: nothing of it is stored."
    ),
    case!(
        AREA,
        longest_texts_are_stored_whole,
        "A name of 254 bytes, a reason of 1024, an id of 255: each is stored whole."
    ),
    case!(
        AREA,
        metadata_is_kept_in_order,
        "20 pairs with a key of 64 and a value of 254 bytes are stored, in order; 21 are `invalid`."
    ),
    case!(
        AREA,
        other_organizations_are_denied,
        "Ann inserts in her own organization alone: not in its parent, its sibling, its child or where there is none."
    ),
    case!(AREA, invitees_and_nobody_are_denied, "An invitee's call and one of nobody insert nothing."),
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

/// Whether anything of the batch was stored.
async fn nothing_stored(t: &Trial, what: &str) -> Outcome {
    let rows = t.list(all(), page(SortKey::Name, 200)).await?;
    same(what, &rows.items.len(), &0)
}

async fn a_row_is_as_draft_and_batch_say(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let metadata = vec![Property { key: "ticket".into(), value: "7".into() }];
    let request = Batch {
        template: Some("short".into()),
        metadata: metadata.clone(),
        ..batch("one", vec![draft("a", alice())])
    };
    ok("insert", item("insert", &t.batch(&t.admin(), request).await?, 0)?.clone())?;
    let row = t.row("a").await?;
    same("key", &row.key, &key("a"))?;
    same("version, schema and state", &(row.version, row.schema, row.state), &(1, 1, State::Pending))?;
    same("subject and name", &(row.subject, row.name.as_str()), &(Subject::User(alice()), "a"))?;
    same("inviter and parent", &(row.inviter, row.parent.as_str()), &(Principal::User(ann()), "root"))?;
    same("grants", &row.grants, &vec![group("g-help"), role("r-admin")])?;
    same("template and metadata", &(row.template, row.metadata), &(Some("short".to_owned()), metadata))?;
    same("notify and mail", &(row.notify, row.mail), &(Notify::Internal, MailState::Queued))?;
    same("last operation", &row.last_operation.as_str(), &"one")?;
    same("claims, resends, outcomes", &(row.claims, row.resends, row.outcomes.len()), &(0, 0, 0))?;
    let unset = (row.approver, row.ended_at, row.reason, row.lease_until, row.replaces);
    same("approver, end, reason, lease and replaced", &unset, &(None, None, None, None, None))
}

async fn the_answer_describes_the_row(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let inserted = t.insert(draft("a", alice())).await?;
    let row = t.row("a").await?;
    same("id", &inserted.id, &id("a"))?;
    same("version and state", &(inserted.version, inserted.state), &(1, State::Pending))?;
    same("end and mail", &(inserted.expires_at, inserted.mail), &(row.expires_at, MailState::Queued))?;
    same("existed", &inserted.existed, &false)
}

async fn times_are_the_stores(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.pass(t.unit).await?;
    t.insert(draft("b", bob())).await?;
    let (first, second) = (t.row("a").await?, t.row("b").await?);
    same("the first end", &first.expires_at, &Some(first.created_at + LONG))?;
    same("the lifetime", &first.lifetime, &Some(LONG))?;
    let between = second.created_at.saturating_sub(first.created_at);
    must("time between the two", between >= t.unit, "at least the time that has passed", &between)
}

async fn without_a_lifetime_there_is_no_end(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { lifetime: None, ..draft("a", alice()) }).await?;
    t.pass(t.unit).await?;
    let row = t.row("a").await?;
    same("lifetime, end and state", &(row.lifetime, row.expires_at, row.state), &(None, None, State::Pending))
}

async fn one_that_awaits_approval(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let inserted = t.insert(awaiting("a", alice())).await?;
    same("state and mail", &(inserted.state, inserted.mail), &(State::AwaitingApproval, MailState::None))?;
    let row = t.row("a").await?;
    same("reason", &row.reason.as_deref(), &Some("privileged"))?;
    same("what is due", &t.due(0).await?.len(), &0)
}

async fn external_notifications_queue_no_mail(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let request = Batch { notify: Notify::External, hold: 0, ..batch("one", vec![draft("a", alice())]) };
    t.batch(&t.admin(), request).await?;
    let row = t.row("a").await?;
    same("notify and mail", &(row.notify, row.mail), &(Notify::External, MailState::None))?;
    same("what is due", &t.due(0).await?.len(), &0)
}

async fn a_draft_chooses_grants_by_index(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let drafts = vec![
        Draft { grants: Some(vec![1]), ..draft("a", alice()) },
        Draft { grants: Some(vec![]), ..draft("b", bob()) },
        draft("c", carol()),
    ];
    t.batch(&t.admin(), batch("one", drafts)).await?;
    same("grants of the first", &t.row("a").await?.grants, &vec![role("r-admin")])?;
    same("grants of the second", &t.row("b").await?.grants, &vec![])?;
    same("grants of the third", &t.row("c").await?.grants.len(), &2)
}

async fn a_client_is_an_inviter(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let call = t.call(Operation::Invite, Some("acme"), hr());
    let items = t.batch(&call, batch("one", vec![draft("a", alice())])).await?;
    ok("insert", item("insert", &items, 0)?.clone())?;
    same("inviter", &t.row("a").await?.inviter, &hr())
}

async fn accept_with_is_kept(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let modes = [AcceptWith::Invitee, AcceptWith::InviteeAndCode, AcceptWith::Code];
    for (mode, (name, who)) in modes.into_iter().zip([("a", alice()), ("b", bob()), ("c", carol())]) {
        t.insert(Draft { accept_with: mode, ..draft(name, who) }).await?;
        same("accept-with", &t.row(name).await?.accept_with, &mode)?;
    }
    Ok(())
}

async fn replaces_is_kept(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.go("a", State::Revoked).await?;
    t.insert(Draft { replaces: Some(id("a")), ..draft("b", alice()) }).await?;
    same("replaced", &t.row("b").await?.replaces, &Some(id("a")))
}

/// One draft for each of the first people of the crowd.
fn of_crowd(count: usize) -> Vec<Draft> {
    let person = |number: usize| draft(&format!("n{number:03}"), crowd_person(number));
    (0..count.min(PEOPLE)).map(person).collect()
}

fn crowd_person(number: usize) -> UserRef {
    of_root(&format!("{number:03}"))
}

fn of_the_crowd(drafts: Vec<Draft>) -> Batch {
    Batch { grants: vec![group("g-00")], ..batch("crowd", drafts) }
}

async fn answers_come_in_the_order_of_the_drafts(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let mut drafts = of_crowd(100);
    drafts.reverse();
    let expected: Vec<_> = drafts.iter().map(|draft| draft.id.clone()).collect();
    let items = t.batch(&t.admin(), of_the_crowd(drafts)).await?;
    let came: Vec<_> = items.into_iter().filter_map(|item| item.ok().map(|row| row.id)).collect();
    same("the ids that were stored", &came, &expected)
}

async fn a_hundred_and_one_drafts_are_too_many(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    invalid("101 drafts", &t.try_batch(&t.admin(), of_the_crowd(of_crowd(101))).await)?;
    nothing_stored(&t, "what was stored of 101 drafts").await
}

async fn drafts_and_refusals_count_together(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let refused = |count: u32| {
        let item = |number| RefusedItem {
            position: 99 + number,
            name: "nobody".into(),
            reason: "not-a-parent-user".into(),
        };
        (0..count).map(item).collect::<Vec<_>>()
    };
    let request = Batch { refused: refused(2), ..of_the_crowd(of_crowd(99)) };
    invalid("99 drafts and 2 refusals", &t.try_batch(&t.admin(), request).await)?;
    nothing_stored(&t, "what was stored of them").await?;
    let request = Batch { refused: refused(1), ..of_the_crowd(of_crowd(99)) };
    same("99 drafts and a refusal", &t.batch(&t.admin(), request).await?.len(), &99)
}

async fn fifty_grants_are_allowed(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let grants = |count: usize| (0..count).map(|number| group(&format!("g-{number:02}"))).collect::<Vec<_>>();
    let many = Batch { grants: grants(51), ..batch("many", of_crowd(1)) };
    invalid("51 grants", &t.try_batch(&t.admin(), many).await)?;
    let request = Batch { grants: grants(50), ..batch("fifty", of_crowd(1)) };
    t.batch(&t.admin(), request).await?;
    same("what was stored", &t.row("n000").await?.grants, &grants(50))
}

async fn malformed_batches_are_refused_as_a_whole(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let good = || draft("a", alice());
    let of = |draft: Draft| batch("one", vec![draft]);
    let whole = || of(good());
    let pair = |key: &str| Property { key: key.into(), value: "x".into() };
    let same_position = Batch { drafts: vec![good(), Draft { position: 0, ..draft("b", bob()) }], ..whole() };
    for (what, request) in [
        ("a code of 31 bytes", of(Draft { code: Some(vec![1; 31]), ..good() })),
        ("a code of 33 bytes", of(Draft { code: Some(vec![1; 33]), ..good() })),
        ("neither code nor approval", of(Draft { code: None, ..good() })),
        ("both code and approval", of(Draft { approval: Some("x".into()), ..good() })),
        ("a name of 255 bytes", of(Draft { name: "x".repeat(255), ..good() })),
        ("a reason of 1025 bytes", of(Draft { approval: Some("x".repeat(1025)), ..awaiting("a", alice()) })),
        ("a contact", of(Draft { subject: Subject::Contact("c".into()), ..good() })),
        ("a subject without an id", of(draft("a", user("root", "")))),
        ("a grant that is not there", of(Draft { grants: Some(vec![2]), ..good() })),
        ("two drafts at one position", same_position),
        ("no operation id", Batch { operation: String::new(), ..whole() }),
        ("an operation id of 256 bytes", Batch { operation: "x".repeat(256), ..whole() }),
        ("a fingerprint of 31 bytes", Batch { fingerprint: vec![1; 31], ..whole() }),
        ("a template of 101 bytes", Batch { template: Some("x".repeat(101)), ..whole() }),
        ("a pair without a key", Batch { metadata: vec![pair("")], ..whole() }),
        ("a key of 65 bytes", Batch { metadata: vec![pair(&"k".repeat(65))], ..whole() }),
        ("a key twice", Batch { metadata: vec![pair("k"), pair("k")], ..whole() }),
        ("a parent without a name", Batch { parent: String::new(), ..whole() }),
    ] {
        invalid(what, &t.try_batch(&t.admin(), request).await)?;
    }
    nothing_stored(&t, "what was stored of malformed batches").await?;
    let half = vec![good(), Draft { code: Some(vec![1; 31]), ..draft("b", bob()) }];
    invalid("a good draft and a malformed one", &t.try_batch(&t.admin(), batch("two", half)).await)?;
    nothing_stored(&t, "what was stored of the good draft beside a malformed one").await
}

async fn longest_texts_are_stored_whole(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let (name, reason, operation) = ("n".repeat(254), "r".repeat(1024), "o".repeat(255));
    let long = Draft { name: name.clone(), approval: Some(reason.clone()), ..awaiting("a", alice()) };
    let request = Batch { template: Some("t".repeat(100)), ..batch(&operation, vec![long]) };
    ok("insert", item("insert", &t.batch(&t.admin(), request).await?, 0)?.clone())?;
    let row = t.row("a").await?;
    same("the name", &row.name, &name)?;
    same("the reason", &row.reason, &Some(reason))?;
    same("the operation id", &row.last_operation, &operation)?;
    same("the template", &row.template, &Some("t".repeat(100)))
}

async fn metadata_is_kept_in_order(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let pair = |number: usize| Property { key: format!("{:064}", 99 - number), value: "v".repeat(254) };
    let pairs = |count: usize| (0..count).map(pair).collect::<Vec<_>>();
    let of = |count| Batch { metadata: pairs(count), ..batch("one", vec![draft("a", alice())]) };
    invalid("21 pairs", &t.try_batch(&t.admin(), of(21)).await)?;
    t.batch(&t.admin(), of(20)).await?;
    same("the pairs", &t.row("a").await?.metadata, &pairs(20))
}

async fn other_organizations_are_denied(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for other in ["root", "globex", "lab", "partner", "nowhere"] {
        let request = batch("one", vec![draft("a", alice())]);
        let answer = t.host.storage.insert(&t.admin(), other.into(), request).await;
        denied(&format!("an insert into `{other}` by the administrator of `acme`"), &answer)?;
    }
    for (who, of) in
        [(of_root("rita"), "the parent"), (gina(), "the sibling"), (user("lab", "u-lee"), "the child")]
    {
        let answer = t.try_batch(&t.by(who), batch("one", vec![draft("a", alice())])).await;
        denied(&format!("an insert into `acme` by the administrator of {of}"), &answer)?;
    }
    nothing_stored(&t, "what was stored").await
}

async fn invitees_and_nobody_are_denied(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let at_the_door = t.call(Operation::Accept, Some("acme"), Principal::User(alice()));
    let nobody = t.call(Operation::Invite, Some("acme"), Principal::Anonymous);
    for (what, call) in
        [("an invitee", t.invitee(alice())), ("an invitee at the door", at_the_door), ("nobody", nobody)]
    {
        denied(what, &t.try_batch(&call, batch("one", vec![draft("a", alice())])).await)?;
    }
    nothing_stored(&t, "what was stored").await
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

/// Whether nothing was stored, by an error of the whole or of each item.
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
