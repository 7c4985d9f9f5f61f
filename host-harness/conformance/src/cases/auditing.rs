//! The audit trail: one event for each change and each refusal, of ids, times and the words of the contract,
//! and of nothing that somebody wrote.

use super::prelude::*;

const AREA: &str = "auditing";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        a_new_invitation,
        "A new invitation has one event: who, in which request and operation, where and which."
    ),
    case!(AREA, a_batch_has_an_event_for_each_row, "A batch leaves one event for each row, in order."),
    case!(AREA, every_change_has_its_word, "Each change of state leaves one event with its word."),
    case!(
        AREA,
        the_actor_is_the_caller,
        "The actor is who called: the invitee, the sweep, a machine, nobody."
    ),
    case!(AREA, reasons_are_told, "An event has the word of its change, and nothing that somebody wrote."),
    case!(
        AREA,
        every_event_names_its_subject,
        "Each event of an invitation, from its creation to its purge, names it and the account it is for."
    ),
    case!(
        AREA,
        what_awaits_approval_says_so,
        "The creation of one that awaits approval has the word `needs-approval`."
    ),
    case!(
        AREA,
        a_refused_name_is_a_keyed_digest,
        "Of a refused name the trail has a digest: equal for equal names, not the name, and none that can be guessed."
    ),
    case!(
        AREA,
        no_words_of_people,
        "No reason, name, message, language or landing place is in the trail, whatever has happened."
    ),
    case!(
        AREA,
        what_expires_on_the_way,
        "What an insert writes off on its way has an event of its own, before that of the new row."
    ),
    case!(AREA, refused_items, "Each refused item leaves one event with its reason, once for an operation."),
    case!(AREA, items_without_room, "So does each draft that met `exists` or `over-limit`."),
    case!(AREA, repeating_leaves_none, "Repeating a batch leaves no event."),
    case!(AREA, what_was_not_applied_leaves_none, "What was not applied, denied or invalid leaves none."),
    case!(AREA, reading_leaves_none, "Reading, handing out and settling leave none."),
    case!(
        AREA,
        what_is_applied,
        "Each step that is applied leaves one event with whom it is for and which group or role, none when repeated."
    ),
    case!(AREA, refusals, "Each refusal is one event: operation, word, invitation, subject, actor, request."),
    case!(
        AREA,
        refusals_of_items,
        "A refusal with a name is `item-refused`, with its digest and its subject."
    ),
    case!(AREA, a_refusal_without_an_organization, "A refusal may have no organization, and no invitation."),
    case!(AREA, refusals_elsewhere_are_denied, "A refusal in the name of another organization is `denied`."),
    case!(
        AREA,
        an_invitee_is_refused_where_he_is_invited,
        "An invitee's refusal names the organization of his invitation, and no other."
    ),
    case!(
        AREA,
        a_bearer_is_refused_where_his_code_leads,
        "A refusal of whoever was admitted by a code stands in that organization, and in no other."
    ),
    case!(
        AREA,
        a_hundred_refusals,
        "100 refusals are written, in order; 101, and a name of 1025 bytes, are `invalid`."
    ),
    case!(AREA, no_code_in_the_trail, "No digest of a code is in the trail."),
    case!(AREA, times_do_not_go_back, "The times of the events are the store's, and never go back."),
];

async fn words_are(t: &Trial, expected: &[&str]) -> Outcome {
    same("the trail", &t.words().await?, &expected.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
}

async fn last(t: &Trial) -> Outcome<AuditEvent> {
    let events = t.trail().await?;
    events.last().cloned().ok_or_else(|| broken("the trail", "an event", &events))
}

async fn a_new_invitation(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let call = t.admin();
    t.batch(&call, batch("one", vec![draft("a", alice())])).await?;
    words_are(&t, &["invitation.created"]).await?;
    let event = last(&t).await?;
    same("who", &event.actor, &Principal::User(ann()))?;
    same(
        "request and operation",
        &(event.request_id, event.operation.as_str()),
        &(call.context.request_id, "invite"),
    )?;
    same(
        "where and which",
        &(event.organization, event.invitation),
        &(Some("acme".to_owned()), Some(id("a"))),
    )
}

async fn a_batch_has_an_event_for_each_row(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let drafts = vec![draft("c", alice()), awaiting("a", bob()), draft("b", carol())];
    t.batch(&t.admin(), batch("one", drafts)).await?;
    words_are(&t, &["invitation.created"; 3]).await?;
    let about: Vec<_> = t.trail().await?.into_iter().filter_map(|event| event.invitation).collect();
    same("the rows", &about, &vec![id("c"), id("a"), id("b")])
}

async fn every_change_has_its_word(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(awaiting("a", alice())).await?;
    t.change("a", approve("first", Some(LONG))).await?;
    t.change("a", resend("second")).await?;
    t.go("a", State::Accepting).await?;
    t.go("a", State::Accepting).await?;
    t.go("a", State::Accepted).await?;
    let expected = [
        "invitation.created",
        "invitation.approved",
        "invitation.renewed",
        "invitation.claimed",
        "invitation.taken-over",
        "invitation.accepted",
    ];
    words_are(&t, &expected).await?;
    for (name, to, word) in [("b", State::Declined, "declined"), ("c", State::Revoked, "revoked")] {
        t.insert(draft(name, bob())).await?;
        t.go(name, to).await?;
        same("the word", &last(&t).await?.text().to_owned(), &format!("invitation.{word}"))?;
    }
    t.claimed("d", carol()).await?;
    t.go("d", State::Failed).await?;
    same("the word", &last(&t).await?.text(), &"invitation.failed")?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("e", dave()) }).await?;
    t.pass(t.unit).await?;
    t.go("e", State::Expired).await?;
    same("the word", &last(&t).await?.text(), &"invitation.expired")
}

async fn the_actor_is_the_caller(ground: Ground) -> Outcome {
    let t = ground.acme(|settings| settings.accept_with = AcceptWith::Code).await?;
    let by_code = Draft { accept_with: AcceptWith::Code, ..draft("a", alice()) };
    t.insert(by_code).await?;
    let call = t.bearer();
    t.by_code(&call, "a").await?;
    let claim = t.host.storage.transition(&call, key("a"), guard(1, &STATES), change(State::Accepting)).await;
    ok("a claim", claim)?;
    let event = last(&t).await?;
    same("a bearer", &(event.actor, event.operation.as_str()), &(Principal::Anonymous, "accept"))?;
    let finish =
        t.host.storage.transition(&t.sweep(), key("a"), guard(2, &STATES), change(State::Accepted)).await;
    ok("the end", finish)?;
    let event = last(&t).await?;
    same("the sweep", &(event.actor, event.operation.as_str()), &(Principal::System, "sweep"))?;
    t.insert(draft("b", bob())).await?;
    let his = t.call(Operation::Decline, None, Principal::User(bob()));
    let decline = t.host.storage.transition(&his, key("b"), guard(1, &STATES), change(State::Declined)).await;
    ok("a decline", decline)?;
    let event = last(&t).await?;
    same("the invitee", &(event.actor, event.operation.as_str()), &(Principal::User(bob()), "decline"))
}

async fn reasons_are_told(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let word = Some(Word::Policy);
    t.change("a", Change { reason: Some("left us".into()), word, ..change(State::Revoked) }).await?;
    let event = last(&t).await?;
    same("the word and whom it is about", &(event.word, event.subject.clone()), &(word, Some(alice())))?;
    must("the trail", !format!("{event:?}").contains("left us"), "nothing that somebody wrote", &event)
}

async fn every_event_names_its_subject(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(awaiting("a", alice())).await?;
    t.change("a", approve("first", Some(LONG))).await?;
    t.change("a", resend("second")).await?;
    t.change("a", Change { adopt: true, ..resend("third") }).await?;
    t.go("a", State::Accepting).await?;
    t.go("a", State::Accepting).await?;
    t.go("a", State::Accepted).await?;
    t.insert(draft("b", bob())).await?;
    t.go("b", State::Declined).await?;
    ok("dismiss", t.host.storage.dismiss(&t.admin(), key("b")).await)?;
    t.claimed("c", carol()).await?;
    t.close("c").await?;
    t.go("c", State::Failed).await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("d", dave()) }).await?;
    t.pass(t.unit).await?;
    t.go("d", State::Expired).await?;
    t.pass(2).await?;
    same("purged", &t.purge(0, 10).await?, &4)?;
    let trail = t.trail().await?;
    let subjects = [("a", alice()), ("b", bob()), ("c", carol()), ("d", dave())];
    for event in &trail {
        let its = subjects.iter().find(|(name, _)| event.invitation == Some(id(name)));
        let told = its.is_some_and(|(_, subject)| event.subject.as_ref() == Some(subject));
        must("each event", told, "an invitation and the account that it is for", event)?;
        same("its organization", &event.organization.as_deref(), &Some("acme"))?;
    }
    for (name, subject) in subjects {
        let purged = trail.iter().filter(|event| event.text() == "invitation.purged");
        let its: Vec<_> = purged.filter(|event| event.invitation == Some(id(name))).collect();
        same(&format!("the purge of the invitation of {}", subject.id), &its.len(), &1)?;
    }
    Ok(())
}

async fn what_awaits_approval_says_so(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.batch(&t.admin(), batch("one", vec![awaiting("a", alice()), draft("b", bob())])).await?;
    let words: Vec<_> = t.trail().await?.into_iter().map(|event| event.word).collect();
    same("the words", &words, &vec![Some(Word::NeedsApproval), None])
}

async fn a_refused_name_is_a_keyed_digest(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let names = ["bo@example.com", "bo@example.com", "someone", "bo@example.co"];
    let refused = (0..).zip(names).map(|(position, name)| refused_item(position, name, "not-a-parent-user"));
    t.batch(&t.admin(), Batch { refused: refused.collect(), ..batch("one", vec![]) }).await?;
    let trail = t.trail().await?;
    let digests: Vec<_> = trail.iter().filter_map(|event| event.name.clone()).collect();
    same("the number of digests", &digests.len(), &names.len())?;
    for ((one, digest), (other, another)) in
        names.iter().zip(&digests).flat_map(|one| names.iter().zip(&digests).map(move |other| (one, other)))
    {
        same(
            &format!("whether `{one}` and `{other}` have one digest"),
            &(digest == another),
            &(one == other),
        )?;
    }
    for (name, digest) in names.into_iter().zip(&digests) {
        same("the length of a digest", &digest.len(), &32)?;
        let guessed = must_not_be(name).contains(digest);
        must("the digest", !guessed, "one that nobody can make who knows the name and no key", digest)?;
        let text = format!("{trail:?}");
        must("the trail", !text.contains(name), "no name that was refused", &text)?;
    }
    Ok(())
}

/// Guesses what a digest without a key would be, in the usual spellings.
fn must_not_be(name: &str) -> Vec<Vec<u8>> {
    use sha2::{Digest as _, Sha256};
    let spellings = [name.to_owned(), name.to_uppercase(), format!("{name}\n"), format!("acme{name}")];
    let mut guesses: Vec<_> = spellings.iter().map(|text| Sha256::digest(text).to_vec()).collect();
    // With a key of nothing.
    guesses.push(guestlist_contract::trail::name_digest(&[0; 32], name));
    guesses
}

async fn no_words_of_people(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let refused = refused_item(1, "SECRET name", "refused:SECRET reason");
    let property = Property { key: "SECRET key".into(), value: "SECRET value".into() };
    let request = Batch {
        template: Some("SECRET template".into()),
        language: Some("de".into()),
        metadata: vec![property],
        refused: vec![refused],
        announce: true,
        ..batch("one", vec![Draft { approval: Some("SECRET why".into()), ..awaiting("SECRET a", alice()) }])
    };
    t.batch(&t.admin(), request).await?;
    t.change("SECRET a", approve("first", Some(LONG))).await?;
    let words =
        Change { reason: Some("SECRET words".into()), word: Some(Word::Other), ..change(State::Revoked) };
    t.change("SECRET a", words).await?;
    let named = Refusal {
        name: Some("SECRET somebody".into()),
        ..refusal("invitations.resend", Word::Refused, None)
    };
    ok("record-refusals", record(&t, &t.admin(), Some("acme"), vec![named]).await)?;
    t.pass(2).await?;
    t.purge(0, 10).await?;
    let trail = t.trail().await?;
    same("the number of events", &trail.len(), &6)?;
    let text = format!("{trail:?}");
    must("the trail", !text.contains("SECRET"), "nothing that somebody wrote", &text)
}

async fn what_expires_on_the_way(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("a", alice()) }).await?;
    t.pass(t.unit).await?;
    t.insert(draft("b", alice())).await?;
    words_are(&t, &["invitation.created", "invitation.expired", "invitation.created"]).await?;
    same("of the second", &item("the trail", &t.trail().await?, 1)?.invitation, &Some(id("a")))
}

async fn refused_items(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let refused = |position, reason: &str| refused_item(position, "x", reason);
    for _ in 0..2 {
        let request =
            Batch { refused: vec![refused(0, "no-email"), refused(1, "duplicate")], ..batch("one", vec![]) };
        t.batch(&t.admin(), request).await?;
    }
    words_are(&t, &["item.refused"; 2]).await?;
    let trail = t.trail().await?;
    let words: Vec<_> = trail.iter().filter_map(|event| event.word).collect();
    same("the words", &words, &vec![Word::NoEmail, Word::Duplicate])?;
    let names: Vec<_> = trail.iter().filter_map(|event| event.name.clone()).collect();
    let one = item("the digests of the name", &names, 0)?;
    must(
        "them",
        names.len() == 2 && names.iter().all(|name| name == one && name.len() == 32),
        "one digest",
        &names,
    )
}

async fn items_without_room(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let full = Batch { active_limit: Some(1), ..batch("one", vec![draft("b", alice()), draft("c", bob())]) };
    t.batch(&t.admin(), full).await?;
    words_are(&t, &["invitation.created", "item.refused", "item.refused"]).await?;
    let told: Vec<_> =
        t.trail().await?.into_iter().skip(1).map(|event| (event.word, event.subject)).collect();
    let expected = vec![(Some(Word::ActiveInvitation), Some(alice())), (Some(Word::OverLimit), Some(bob()))];
    same("the words, and whom they are about", &told, &expected)
}

async fn repeating_leaves_none(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for _ in 0..3 {
        t.batch(&t.admin(), batch("one", vec![draft("a", alice()), draft("b", bob())])).await?;
    }
    words_are(&t, &["invitation.created"; 2]).await
}

async fn what_was_not_applied_leaves_none(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let stale =
        t.host.storage.transition(&t.admin(), key("a"), guard(9, &STATES), change(State::Revoked)).await;
    same("applied", &ok("a stale change", stale)?.applied, &false)?;
    denied("an illegal one", &t.try_change("a", change(State::Accepted)).await?)?;
    invalid(
        "a malformed one",
        &t.try_change("a", Change { lease: None, ..change(State::Accepting) }).await?,
    )?;
    hidden(
        "a foreign one",
        &t.host.storage.transition(&t.by(gina()), key("a"), guard(1, &STATES), change(State::Revoked)).await,
    )?;
    denied("an apply", &t.try_apply(&t.sweep(), "a", alice(), steps()).await)?;
    words_are(&t, &["invitation.created"]).await
}

async fn reading_leaves_none(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.batch(&t.admin(), Batch { hold: 0, ..batch("one", vec![draft("a", alice())]) }).await?;
    t.row("a").await?;
    t.list(all(), page(SortKey::Name, 10)).await?;
    t.by_code(&t.invitee(alice()), "a").await?;
    ok("mine", t.host.storage.mine(&t.invitee(alice()), vec![], None, 10).await)?;
    ok("recall", t.host.storage.recall(&t.admin(), "acme".into(), "one".into(), fingerprint("one")).await)?;
    t.due(0).await?;
    let (invitation, kind) = (id("a"), MessageKind::Invitation);
    t.settle(vec![Delivery { invitation, version: 1, kind, outcome: DeliveryOutcome::Delivered }]).await?;
    same("purged", &t.purge(0, 10).await?, &0)?;
    words_are(&t, &["invitation.created"]).await
}

async fn what_is_applied(ground: Ground) -> Outcome {
    if ground.profile() == Profile::External {
        return Err(Stop::LeftOut(
            "members are elsewhere: no commit has both the effect and its event".into(),
        ));
    }
    let t = ground.company().await?;
    t.claimed("a", alice()).await?;
    for _ in 0..2 {
        t.apply("a", alice(), steps()).await?;
    }
    let events: Vec<_> = t.trail().await?.into_iter().skip(2).collect();
    let words: Vec<_> = events.iter().map(|event| event.text()).collect();
    same("the events", &words, &vec!["member.added", "grant.added", "grant.added"])?;
    must(
        "their invitation",
        events.iter().all(|event| event.invitation == Some(id("a"))),
        "the one that was accepted",
        &events,
    )?;
    must(
        "whom they are for",
        events.iter().all(|event| event.subject == Some(alice())),
        "the invitee",
        &events,
    )?;
    let grants: Vec<_> = events.into_iter().map(|event| event.grant).collect();
    same("what was given", &grants, &vec![None, Some(group("g-help")), Some(role("r-admin"))])
}

fn refusal(operation: &str, word: Word, invitation: Option<String>) -> Refusal {
    Refusal { operation: operation.into(), invitation, subject: None, name: None, word }
}

async fn record(
    t: &Trial,
    call: &Call,
    organization: Option<&str>,
    refusals: Vec<Refusal>,
) -> Result<(), HostError> {
    t.host.audit.record_refusals(call, organization.map(str::to_owned), refusals).await
}

async fn refusals(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let call = t.admin();
    let about_alice = refusal("invitations.revoke", Word::WrongState, Some(id("a")));
    let refused = vec![
        Refusal { subject: Some(alice()), ..about_alice },
        refusal("invitations.get", Word::NotFound, None),
    ];
    ok("record-refusals", record(&t, &call, Some("acme"), refused).await)?;
    let events: Vec<_> = t.trail().await?.into_iter().skip(1).collect();
    same("the number of events", &events.len(), &2)?;
    let event = item("the trail", &events, 0)?;
    same("the word", &event.text(), &"refused")?;
    same(
        "operation and word",
        &(event.operation.as_str(), event.word),
        &("invitations.revoke", Some(Word::WrongState)),
    )?;
    same(
        "invitation, subject and organization",
        &(event.invitation.clone(), event.subject.clone(), event.organization.as_deref()),
        &(Some(id("a")), Some(alice()), Some("acme")),
    )?;
    same(
        "actor and request",
        &(&event.actor, &event.request_id),
        &(&Principal::User(ann()), &call.context.request_id),
    )
}

async fn refusals_of_items(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let request = Batch { refused: vec![refused_item(0, "bo", "ambiguous")], ..batch("one", vec![]) };
    t.batch(&t.admin(), request).await?;
    let named = Refusal {
        subject: Some(bob()),
        name: Some("bo".into()),
        ..refusal("invitations.invite", Word::NameTaken, None)
    };
    ok("record-refusals", record(&t, &t.admin(), Some("acme"), vec![named]).await)?;
    words_are(&t, &["item.refused"; 2]).await?;
    let trail = t.trail().await?;
    let (first, second) = (item("the trail", &trail, 0)?, item("the trail", &trail, 1)?);
    must("the name of both", first.name.is_some() && first.name == second.name, "one digest", &trail)?;
    same("subject and word", &(second.subject.clone(), second.word), &(Some(bob()), Some(Word::NameTaken)))
}

async fn a_refusal_without_an_organization(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    ok(
        "record-refusals",
        record(&t, &t.bearer(), None, vec![refusal("invitee.accept", Word::NotUsable, None)]).await,
    )?;
    let event = last(&t).await?;
    same(
        "actor, organization and invitation",
        &(event.actor, event.organization, event.invitation),
        &(Principal::Anonymous, None, None),
    )
}

async fn refusals_elsewhere_are_denied(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for other in ["root", "globex", "lab", "nowhere"] {
        let answer =
            record(&t, &t.admin(), Some(other), vec![refusal("invitations.get", Word::NotFound, None)]).await;
        denied(&format!("in the name of `{other}`"), &answer)?;
    }
    words_are(&t, &[]).await
}

async fn an_invitee_is_refused_where_he_is_invited(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let refused = || vec![refusal("invitee.accept", Word::WrongState, Some(id("a")))];
    denied("somebody else", &record(&t, &t.invitee(bob()), Some("acme"), refused()).await)?;
    denied("another organization", &record(&t, &t.invitee(alice()), Some("globex"), refused()).await)?;
    ok("her own", record(&t, &t.invitee(alice()), Some("acme"), refused()).await)?;
    words_are(&t, &["invitation.created", "refused"]).await?;
    let event = last(&t).await?;
    same(
        "organization and actor",
        &(event.organization.as_deref(), &event.actor),
        &(Some("acme"), &Principal::User(alice())),
    )
}

async fn a_bearer_is_refused_where_his_code_leads(ground: Ground) -> Outcome {
    let t = ground.acme(|settings| settings.accept_with = AcceptWith::Code).await?;
    t.insert(Draft { accept_with: AcceptWith::Code, ..draft("a", alice()) }).await?;
    let refused = || vec![refusal("invitee.accept", Word::NameTaken, Some(id("a")))];
    let call = t.bearer();
    denied("before they have shown a code", &record(&t, &t.bearer(), Some("globex"), refused()).await)?;
    t.by_code(&call, "a").await?;
    denied("in another organization", &record(&t, &call, Some("globex"), refused()).await)?;
    ok("where it leads", record(&t, &call, Some("acme"), refused()).await)?;
    words_are(&t, &["invitation.created", "refused"]).await
}

async fn a_hundred_refusals(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let many = |count: usize| {
        (0..count)
            .map(|number| refusal(&format!("operation {number}"), Word::InProgress, None))
            .collect::<Vec<_>>()
    };
    invalid("101 refusals", &record(&t, &t.admin(), Some("acme"), many(101)).await)?;
    let named = Refusal { name: Some("x".repeat(1025)), ..refusal("invitations.get", Word::NotFound, None) };
    let long = vec![named];
    invalid("a name of 1025 bytes", &record(&t, &t.admin(), Some("acme"), long).await)?;
    words_are(&t, &[]).await?;
    ok("100 refusals", record(&t, &t.admin(), Some("acme"), many(100)).await)?;
    let operations: Vec<_> = t.trail().await?.into_iter().map(|event| event.operation).collect();
    let expected: Vec<_> = (0..100).map(|number| format!("operation {number}")).collect();
    same("the operations", &operations, &expected)
}

async fn no_code_in_the_trail(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.change("a", resend("second")).await?;
    t.go("a", State::Revoked).await?;
    let text = format!("{:?}", t.trail().await?);
    for name in ["a", "second"] {
        let digest = code(name);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let found = text.to_lowercase().contains(&hex) || text.contains(&format!("{digest:?}"));
        must("the trail", !found, "no digest of a code", &text)?;
    }
    Ok(())
}

async fn times_do_not_go_back(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (name, who) in [("a", alice()), ("b", bob()), ("c", carol())] {
        t.insert(draft(name, who)).await?;
        t.pass(2).await?;
    }
    let times: Vec<_> = t.trail().await?.into_iter().map(|event| event.at).collect();
    must("the times", times.is_sorted(), "in order", &times)?;
    let created = t.row("c").await?.created_at;
    let near = times.last().is_some_and(|last| last.abs_diff(created) <= LONG);
    must("the last, beside the creation of its row", near, "of the same clock", &(times, created))
}
