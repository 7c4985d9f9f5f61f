//! `storage.insert`: what is stored, and by whom.

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
    case!(
        AREA,
        a_language_is_kept,
        "The language of a batch is stored with each of its rows, in its spelling."
    ),
    case!(
        AREA,
        a_landing_place_is_kept,
        "A landing place that the organization allows is stored with each row, query and all."
    ),
    case!(AREA, replaces_is_kept, "The invitation that a draft replaces is stored with it."),
    case!(
        AREA,
        other_organizations_are_denied,
        "Ann inserts in her own organization alone: not in its parent, its sibling, its child or where there is none."
    ),
    case!(AREA, invitees_and_nobody_are_denied, "An invitee's call and one of nobody insert nothing."),
];

/// Demands that nothing of the batch was stored.
pub(super) async fn nothing_stored(t: &Trial, what: &str) -> Outcome {
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

async fn a_language_is_kept(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (number, tag) in ["de", "pt-BR", "zh-Hant-TW", "sl-rozaj-biske-1994"].into_iter().enumerate() {
        let (name, language) = (format!("n{number}"), Some(tag.to_owned()));
        let drafts = vec![Draft { lifetime: None, ..draft(&name, alice()) }];
        t.batch(&t.admin(), Batch { language: language.clone(), ..batch(&name, drafts) }).await?;
        let row = t.row(&name).await?;
        same("language and landing place", &(row.language, row.landing), &(language, None))?;
        t.go(&name, State::Revoked).await?;
    }
    t.insert(draft("a", alice())).await?;
    same("without one", &t.row("a").await?.language, &None)
}

async fn a_landing_place_is_kept(ground: Ground) -> Outcome {
    let t = ground.world("landings").await?;
    let places = [
        "https://app.example/welcome",
        "https://app.example/welcome/home?from=mail&x=1#top",
        "https://other.example/",
        "https://other.example/any/where",
    ];
    for (number, place) in places.into_iter().enumerate() {
        let (name, landing) = (format!("n{number}"), Some(place.to_owned()));
        let drafts = vec![draft(&name, alice())];
        t.batch(&t.admin(), Batch { landing: landing.clone(), ..batch(&name, drafts) }).await?;
        same("the landing place", &t.row(&name).await?.landing, &landing)?;
        t.go(&name, State::Revoked).await?;
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
