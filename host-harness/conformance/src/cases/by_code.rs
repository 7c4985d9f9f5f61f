//! `storage.by-code`: whom a code leads where, and how codes die.

use super::prelude::*;

const AREA: &str = "by_code";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        it_leads_the_invitee_from_anywhere,
        "The invitee finds his invitation by its code, wherever he calls."
    ),
    case!(AREA, an_unknown_code_is_nothing, "A code that nobody was given leads to nothing."),
    case!(
        AREA,
        the_invitee_learns_what_became_of_it,
        "He finds it by its code in whatever state it has ended."
    ),
    case!(
        AREA,
        to_others_it_is_nothing,
        "Where the invitee has to sign in, a code is nothing to anybody else, also to the administrator."
    ),
    case!(
        AREA,
        in_mode_code_the_bearer_is_admitted,
        "In mode `code` whoever calls in the organization finds it."
    ),
    case!(AREA, in_mode_code_only_in_its_organization, "But nobody who calls elsewhere does."),
    case!(
        AREA,
        in_mode_code_only_while_it_is_pending,
        "Claimed, declined, revoked: the code is nothing to a bearer any more."
    ),
    case!(AREA, in_mode_code_not_after_its_end, "Nor is it when its time has run out."),
    case!(AREA, in_mode_code_at_the_very_instant, "A bearer's code dies at the very instant of the end.")
        .exact(),
    case!(
        AREA,
        the_stricter_of_row_and_setting_counts,
        "A row in mode `code` in an organization that is stricter by now admits no bearer, and the other way round."
    ),
    case!(
        AREA,
        added_codes_live_together,
        "`add` leaves the earlier codes alive, while no mail is delivered."
    ),
    case!(
        AREA,
        a_delivered_mail_kills_older_codes,
        "When the mail with a code is delivered the older codes die, and the newest lives."
    ),
    case!(
        AREA,
        what_has_not_arrived_kills_nothing,
        "A mail that is taken, about to be sent, tried again, postponed or undeliverable kills no code."
    ),
    case!(
        AREA,
        what_was_taken_kills_when_it_arrives,
        "A mail that was taken kills the older codes when it is settled as delivered."
    ),
    case!(
        AREA,
        a_late_mail_kills_nothing,
        "The late delivery of an older mail kills neither its code nor others."
    ),
    case!(
        AREA,
        a_later_version_kills_no_newest_code,
        "A delivery for a later version than that of the newest code leaves that code alive."
    ),
    case!(AREA, another_kind_kills_nothing, "A reminder or notice that is delivered kills no code."),
    case!(AREA, thirty_two_are_live_and_the_oldest_dies, "32 codes live together; of more the oldest dies."),
    case!(AREA, a_replaced_code_is_dead, "`replace` kills all earlier codes, for the invitee as well."),
    case!(AREA, codes_stay_after_a_change_that_keeps_them, "`keep` keeps every code."),
    case!(
        AREA,
        the_code_of_an_approval_leads_to_it,
        "An approved invitation is found by the code of its approval."
    ),
    case!(AREA, a_purged_code_is_nothing, "When the row is purged its code leads nowhere."),
    case!(
        AREA,
        a_code_is_not_taken_from_another,
        "The digest of another invitation cannot be added, and leads where it led."
    ),
    case!(AREA, a_digest_has_32_bytes, "A digest of another length is `invalid`."),
];

fn by_code_draft(name: &str) -> Draft {
    Draft { accept_with: AcceptWith::Code, ..draft(name, alice()) }
}

/// A world where a code is enough.
async fn codes_suffice(ground: &Ground) -> Outcome<Trial> {
    ground.acme(|settings| settings.accept_with = AcceptWith::Code).await
}

async fn it_leads_the_invitee_from_anywhere(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let here = t.call(Operation::Introspect, Some("acme"), Principal::User(alice()));
    let elsewhere = t.call(Operation::Accept, Some("globex"), Principal::User(alice()));
    for call in [t.invitee(alice()), here, elsewhere] {
        same("by-code", &t.by_code(&call, "a").await?, &Some(id("a")))?;
    }
    Ok(())
}

async fn an_unknown_code_is_nothing(ground: Ground) -> Outcome {
    let t = codes_suffice(&ground).await?;
    t.insert(by_code_draft("a")).await?;
    for call in [t.invitee(alice()), t.bearer(), t.admin()] {
        same("by-code", &t.by_code(&call, "never").await?, &None)?;
    }
    Ok(())
}

async fn the_invitee_learns_what_became_of_it(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let ends = [State::Accepted, State::Declined, State::Revoked, State::Failed];
    for (number, end) in ends.into_iter().enumerate() {
        let name = format!("n{number}");
        t.insert(draft(&name, alice())).await?;
        if matches!(end, State::Accepted | State::Failed) {
            t.go(&name, State::Accepting).await?;
        }
        t.go(&name, end).await?;
        let found = ok("by-code", t.host.storage.by_code(&t.invitee(alice()), code(&name)).await)?;
        same("the state", &found.map(|row| row.state), &Some(end))?;
    }
    t.insert(Draft { lifetime: Some(t.unit), ..draft("last", alice()) }).await?;
    t.pass(t.unit).await?;
    let found = ok("by-code", t.host.storage.by_code(&t.invitee(alice()), code("last")).await)?;
    same("the state", &found.map(|row| row.state), &Some(State::Expired))
}

async fn to_others_it_is_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.insert(Draft { accept_with: AcceptWith::InviteeAndCode, ..draft("b", bob()) }).await?;
    for name in ["a", "b"] {
        for call in [t.bearer(), t.invitee(carol()), t.admin(), t.by(gina())] {
            same("by-code", &t.by_code(&call, name).await?, &None)?;
            hidden("the row afterwards", &t.host.storage.get(&t.bearer(), key(name)).await)?;
        }
    }
    Ok(())
}

async fn in_mode_code_the_bearer_is_admitted(ground: Ground) -> Outcome {
    let t = codes_suffice(&ground).await?;
    t.insert(by_code_draft("a")).await?;
    let signed_in = t.call(Operation::Accept, Some("acme"), Principal::User(bob()));
    for call in [t.bearer(), signed_in] {
        same("by-code", &t.by_code(&call, "a").await?, &Some(id("a")))?;
        ok("get in the same call", t.host.storage.get(&call, key("a")).await)?;
    }
    Ok(())
}

async fn in_mode_code_only_in_its_organization(ground: Ground) -> Outcome {
    let t = codes_suffice(&ground).await?;
    t.insert(by_code_draft("a")).await?;
    for place in [Some("root"), Some("globex"), Some("lab"), None] {
        for who in [Principal::Anonymous, Principal::User(bob())] {
            let call = t.call(Operation::Accept, place, who);
            same(&format!("by-code in {place:?}"), &t.by_code(&call, "a").await?, &None)?;
            hidden("get in the same call", &t.host.storage.get(&call, key("a")).await)?;
        }
    }
    Ok(())
}

async fn in_mode_code_only_while_it_is_pending(ground: Ground) -> Outcome {
    for to in [State::Accepting, State::Declined, State::Revoked] {
        let t = codes_suffice(&ground).await?;
        t.insert(by_code_draft("a")).await?;
        t.go("a", to).await?;
        same(
            &format!("a bearer's code of one that is {}", word(to)),
            &t.by_code(&t.bearer(), "a").await?,
            &None,
        )?;
        same("the invitee's", &t.by_code(&t.invitee(alice()), "a").await?, &Some(id("a")))?;
    }
    Ok(())
}

async fn in_mode_code_not_after_its_end(ground: Ground) -> Outcome {
    let t = codes_suffice(&ground).await?;
    t.insert(Draft { lifetime: Some(t.unit), ..by_code_draft("a") }).await?;
    t.pass(t.unit).await?;
    same("by-code", &t.by_code(&t.bearer(), "a").await?, &None)
}

async fn in_mode_code_at_the_very_instant(ground: Ground) -> Outcome {
    let t = codes_suffice(&ground).await?;
    t.insert(by_code_draft("a")).await?;
    t.pass(LONG - 1).await?;
    same("a millisecond before", &t.by_code(&t.bearer(), "a").await?, &Some(id("a")))?;
    t.pass(1).await?;
    same("at its end", &t.by_code(&t.bearer(), "a").await?, &None)
}

async fn the_stricter_of_row_and_setting_counts(ground: Ground) -> Outcome {
    use AcceptWith::{Code, Invitee, InviteeAndCode};
    for (of_row, setting) in
        [(Code, Invitee), (Code, InviteeAndCode), (Invitee, Code), (InviteeAndCode, Code)]
    {
        let t = ground.acme(|settings| settings.accept_with = setting).await?;
        t.insert(Draft { accept_with: of_row, ..draft("a", alice()) }).await?;
        let what = format!("a bearer, where the row says {of_row:?} and the setting {setting:?}");
        same(&what, &t.by_code(&t.bearer(), "a").await?, &None)?;
    }
    Ok(())
}

/// One more code, for one more mail; the version of the row.
async fn add(t: &Trial, name: &str) -> Outcome<u64> {
    let more = Change { code: CodeChange::Add(code(name)), hold: 0, ..resend(name) };
    Ok(t.change("a", more).await?.version)
}

async fn settle(t: &Trial, version: u64, outcome: DeliveryOutcome) -> Outcome {
    settle_kind(t, version, MessageKind::Invitation, outcome).await
}

async fn settle_kind(t: &Trial, version: u64, kind: MessageKind, outcome: DeliveryOutcome) -> Outcome {
    t.settle(vec![Delivery { invitation: id("a"), version, kind, outcome }]).await
}

/// Compares which of these codes lead the invitee to the row.
async fn live(t: &Trial, names: &[&str], expected: &[&str]) -> Outcome {
    let mut live = Vec::new();
    for name in names {
        match t.by_code(&t.invitee(alice()), name).await? {
            None => {}
            Some(found) => {
                same(&format!("code {name}"), &found, &id("a"))?;
                live.push(*name);
            }
        }
    }
    same("the codes that are alive", &live, &expected.to_vec())
}

async fn added_codes_live_together(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    for name in ["b", "c", "d"] {
        add(&t, name).await?;
    }
    live(&t, &["a", "b", "c", "d"], &["a", "b", "c", "d"]).await
}

async fn a_delivered_mail_kills_older_codes(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    settle(&t, 1, DeliveryOutcome::Delivered).await?;
    live(&t, &["a"], &["a"]).await?;
    add(&t, "b").await?;
    let version = add(&t, "c").await?;
    live(&t, &["a", "b", "c"], &["a", "b", "c"]).await?;
    settle(&t, version, DeliveryOutcome::Delivered).await?;
    live(&t, &["a", "b", "c"], &["c"]).await?;
    same("of a mail that was delivered, the row", &t.row("a").await?.mail, &MailState::Sent)
}

async fn what_has_not_arrived_kills_nothing(ground: Ground) -> Outcome {
    for outcome in [
        DeliveryOutcome::Taken,
        DeliveryOutcome::Sending,
        DeliveryOutcome::Retry(0),
        DeliveryOutcome::Postponed(0),
        DeliveryOutcome::Undeliverable("full".into()),
    ] {
        let t = ground.company().await?;
        t.insert(draft("a", alice())).await?;
        let version = add(&t, "b").await?;
        settle(&t, version, outcome).await?;
        live(&t, &["a", "b"], &["a", "b"]).await?;
    }
    Ok(())
}

async fn what_was_taken_kills_when_it_arrives(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let version = add(&t, "b").await?;
    settle(&t, version, DeliveryOutcome::Taken).await?;
    t.pass(2).await?;
    settle(&t, version, DeliveryOutcome::Delivered).await?;
    live(&t, &["a", "b"], &["b"]).await
}

async fn a_late_mail_kills_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let second = add(&t, "b").await?;
    settle(&t, second, DeliveryOutcome::Taken).await?;
    let third = add(&t, "c").await?;
    for version in [1, second] {
        settle(&t, version, DeliveryOutcome::Delivered).await?;
        live(&t, &["a", "b", "c"], &["a", "b", "c"]).await?;
    }
    settle(&t, third, DeliveryOutcome::Delivered).await?;
    live(&t, &["a", "b", "c"], &["c"]).await
}

async fn a_later_version_kills_no_newest_code(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    add(&t, "b").await?;
    let version = t.go("a", State::Pending).await?.version;
    settle(&t, version, DeliveryOutcome::Delivered).await?;
    live(&t, &["a", "b"], &["b"]).await
}

async fn another_kind_kills_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let more = Change { messages: vec![MessageKind::Reminder], ..resend("b") };
    let row = t.change("a", Change { code: CodeChange::Add(code("b")), ..more }).await?;
    settle_kind(&t, row.version, MessageKind::Reminder, DeliveryOutcome::Delivered).await?;
    live(&t, &["a", "b"], &["a", "b"]).await
}

async fn thirty_two_are_live_and_the_oldest_dies(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let added: Vec<_> = (1..=32).map(|number| format!("more-{number}")).collect();
    let names: Vec<_> = ["a"].into_iter().chain(added.iter().map(String::as_str)).collect();
    let (early, last) = names.split_at(32);
    for name in early.iter().skip(1) {
        add(&t, name).await?;
    }
    live(&t, early, early).await?;
    for name in last {
        add(&t, name).await?;
    }
    live(&t, &names, names.get(1..).unwrap_or_default()).await
}

async fn a_replaced_code_is_dead(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.change("a", Change { code: CodeChange::Add(code("b")), ..change(State::Pending) }).await?;
    t.change("a", resend("c")).await?;
    for (name, live) in [("a", false), ("b", false), ("c", true)] {
        let found = t.by_code(&t.invitee(alice()), name).await?;
        same(&format!("code {name}"), &found, &live.then(|| id("a")))?;
    }
    Ok(())
}

async fn codes_stay_after_a_change_that_keeps_them(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.change("a", Change { code: CodeChange::Add(code("b")), ..change(State::Pending) }).await?;
    t.go("a", State::Pending).await?;
    for name in ["a", "b"] {
        same(&format!("code {name}"), &t.by_code(&t.invitee(alice()), name).await?, &Some(id("a")))?;
    }
    Ok(())
}

async fn the_code_of_an_approval_leads_to_it(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(awaiting("a", alice())).await?;
    t.change("a", approve("first", Some(LONG))).await?;
    same("by-code", &t.by_code(&t.invitee(alice()), "first").await?, &Some(id("a")))
}

async fn a_purged_code_is_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.go("a", State::Revoked).await?;
    t.pass(2).await?;
    same("purged", &t.purge(0, 200).await?, &1)?;
    same("by-code", &t.by_code(&t.invitee(alice()), "a").await?, &None)
}

async fn a_code_is_not_taken_from_another(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.insert(draft("b", bob())).await?;
    let theft = Change { code: CodeChange::Add(code("a")), ..change(State::Pending) };
    let answer = t.try_change("b", theft).await?;
    must("adding the code of another", answer.is_err(), "an error", &answer)?;
    same("the code", &t.by_code(&t.invitee(alice()), "a").await?, &Some(id("a")))?;
    same("the version of the thief", &t.row("b").await?.version, &1)
}

async fn a_digest_has_32_bytes(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for length in [0, 31, 33] {
        let answer = t.host.storage.by_code(&t.invitee(alice()), vec![7; length]).await;
        invalid(&format!("{length} bytes"), &answer)?;
    }
    Ok(())
}
