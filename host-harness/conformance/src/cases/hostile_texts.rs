//! Texts come from people: whatever they write is stored and found as it is, or refused, and nothing else.

use super::prelude::*;

const AREA: &str = "hostile_texts";

pub(super) const CASES: &[Case] = &[
    case!(AREA, names_are_kept, "A name is stored and listed letter for letter."),
    case!(AREA, a_name_is_found_by_itself, "A name is found by itself as the prefix, and finds no other."),
    case!(AREA, reasons_are_kept, "The reason of a change is stored letter for letter."),
    case!(AREA, metadata_is_kept, "Keys and values of pairs are stored letter for letter."),
    case!(AREA, operations_are_kept_apart, "Operation ids that only look alike are different operations."),
    case!(AREA, templates_and_refusals, "Templates and the names and reasons of refused items are kept."),
    case!(AREA, strange_keys_find_nothing, "Keys that nobody was given find nothing, in reads and changes."),
    case!(AREA, strange_people_find_nothing, "User names, stores and accounts that nobody has find nobody."),
    case!(AREA, strange_filters_find_nothing, "Filters with strange ids find nothing and break nothing."),
    case!(AREA, strange_codes_find_nothing, "Digests of zeros, ones and quotes find nothing."),
    case!(
        AREA,
        nul_is_kept_or_invalid,
        "A text with NUL is kept as it is or is `invalid`: not every database has that letter."
    ),
    case!(
        AREA,
        endless_times,
        "The longest lifetime, lease and hold there are end nothing early: they are stored as the end of time, or are `invalid`."
    ),
];

/// Each at most 64 bytes, so that it fits everywhere.
const TEXTS: [&str; 20] = [
    "'; drop table invitations; --",
    "' or '1'='1",
    "\" or 1=1 /*",
    "a%' union select * from users --",
    "%",
    "_",
    "a_b%c",
    "\\",
    "\\'",
    "$1 $$ ${x} {{x}} %s",
    "NULL",
    "null",
    " leading and trailing ",
    "tab\tand\nline\r\n",
    "\u{1F600}\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}",
    "\u{202E}gnp.exe\u{202C}",
    "e\u{301} and \u{e9}",
    "\u{FEFF}\u{200B}\u{FFFD}\u{10FFFF}",
    "<script>alert(1)</script>",
    "{\"a\":[1,2]}",
];

async fn names_are_kept(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let draft = |(number, text): (usize, &&str)| Draft {
        name: (*text).to_owned(),
        ..draft(&format!("n{number}"), of_root(&format!("{number:03}")))
    };
    let drafts: Vec<_> = TEXTS.iter().enumerate().map(draft).collect();
    t.batch(&t.admin(), Batch { grants: vec![], ..batch("one", drafts) }).await?;
    for (number, text) in TEXTS.iter().enumerate() {
        same("get", &t.row(&format!("n{number}")).await?.name.as_str(), text)?;
    }
    let rows = t.list(all(), page(SortKey::Name, 200)).await?.items;
    let mut names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
    let mut expected = TEXTS.to_vec();
    names.sort_unstable();
    expected.sort_unstable();
    same("list", &names, &expected)
}

async fn a_name_is_found_by_itself(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let draft = |(number, text): (usize, &&str)| Draft {
        name: (*text).to_owned(),
        ..draft(&format!("n{number}"), of_root(&format!("{number:03}")))
    };
    let drafts: Vec<_> = TEXTS.iter().enumerate().map(draft).collect();
    t.batch(&t.admin(), Batch { grants: vec![], ..batch("one", drafts) }).await?;
    for text in TEXTS {
        let filter = InvitationFilter { name_prefix: Some(text.into()), ..all() };
        let found = t.list(filter, page(SortKey::CreatedAt, 200)).await?.items;
        let mut names: Vec<_> = found.iter().map(|row| row.name.as_str()).collect();
        names.sort_unstable();
        let mut expected: Vec<_> = TEXTS.into_iter().filter(|other| other.starts_with(text)).collect();
        expected.sort_unstable();
        same(&format!("names that begin with {text:?}"), &names, &expected)?;
    }
    Ok(())
}

async fn reasons_are_kept(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    for text in TEXTS {
        let row = t.change("a", Change { reason: Some(text.into()), ..change(State::Pending) }).await?;
        same("the answer", &row.reason.as_deref(), &Some(text))?;
        same("get", &t.row("a").await?.reason.as_deref(), &Some(text))?;
    }
    Ok(())
}

async fn metadata_is_kept(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let metadata: Vec<_> =
        TEXTS.iter().map(|text| Property { key: (*text).into(), value: (*text).into() }).collect();
    let request = Batch { metadata: metadata.clone(), ..batch("one", vec![draft("a", alice())]) };
    let items = t.batch(&t.admin(), request).await?;
    ok("insert", item("insert", &items, 0)?.clone())?;
    same("the pairs", &t.row("a").await?.metadata, &metadata)
}

async fn operations_are_kept_apart(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let alike = ["key", "KEY", "key ", "kéy", "ke\u{301}y", "k%y", "k_y", "' or '1'='1"];
    let refused = |reason: &str| vec![refused_item(0, "x", reason)];
    for operation in alike {
        let request = Batch { refused: refused(operation), ..batch(operation, vec![]) };
        t.batch(&t.admin(), request).await?;
    }
    for operation in alike {
        let print = fingerprint(operation);
        let answer = t.host.storage.recall(&t.admin(), "acme".into(), operation.into(), print).await;
        let outcomes: Vec<_> = ok("recall", answer)?.into_iter().map(|recorded| recorded.outcome).collect();
        same(
            &format!("recall of {operation:?}"),
            &outcomes,
            &vec![RecordedOutcome::Refused(operation.into())],
        )?;
    }
    Ok(())
}

async fn templates_and_refusals(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (number, text) in TEXTS.into_iter().enumerate() {
        let (name, operation) = (format!("n{number}"), format!("one-{number}"));
        let refused = vec![refused_item(1, text, text)];
        let draft = draft(&name, alice());
        let request = Batch { template: Some(text.into()), refused, ..batch(&operation, vec![draft]) };
        let items = t.batch(&t.admin(), request).await?;
        ok("insert", item("insert", &items, 0)?.clone())?;
        same("the template", &t.row(&name).await?.template.as_deref(), &Some(text))?;
        let print = fingerprint(&operation);
        let answer = t.host.storage.recall(&t.admin(), "acme".into(), operation, print).await;
        let outcome = ok("recall", answer)?.into_iter().nth(1).map(|recorded| recorded.outcome);
        same("the refusal", &outcome, &Some(RecordedOutcome::Refused(text.into())))?;
        t.go(&name, State::Revoked).await?;
    }
    Ok(())
}

/// Demands that nothing was found, or that the key was refused by its form.
fn finds_nothing<T: std::fmt::Debug>(what: &str, answer: &Result<T, StoreError>) -> Outcome {
    let holds =
        answer.as_ref().is_err_and(|error| error.is_not_found() || error.is_denied() || error.is_invalid());
    must(what, holds, "`not-found` (or `denied`, or `invalid`)", answer)
}

async fn strange_keys_find_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    for text in TEXTS.into_iter().chain(["", "acme"]) {
        for (organization, invitation) in [(text.to_owned(), id("a")), ("acme".to_owned(), text.to_owned())] {
            let key = guestlist_contract::types::InvitationKey { organization, id: invitation };
            let what = format!("the key {key:?}");
            if key.organization == "acme" && key.id == id("a") {
                continue;
            }
            finds_nothing(&what, &t.host.storage.get(&t.admin(), key.clone()).await)?;
            let answer =
                t.host.storage.transition(&t.admin(), key, guard(1, &STATES), change(State::Revoked)).await;
            finds_nothing(&what, &answer)?;
        }
    }
    same("the version of the only row", &t.row("a").await?.version, &1)
}

async fn strange_people_find_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let names: Vec<_> = TEXTS.iter().map(|text| (*text).to_owned()).collect();
    let answer = t.host.directory.find_users(&t.admin(), "root".into(), None, names).await;
    let found = ok("find-users", answer)?;
    must(
        "find-users",
        found.iter().all(|one| matches!(one, Ok(Found::Nobody))),
        "`nobody` for each",
        &found,
    )?;
    let accounts: Vec<_> =
        TEXTS.iter().flat_map(|text| [user("root", text), user(text, "u-alice")]).collect();
    let users =
        ok("get-users", t.host.directory.get_users(&t.admin(), "root".into(), accounts.clone()).await)?;
    must("get-users", users.iter().all(Option::is_none), "`none` for each", &users)?;
    let found =
        ok("eligible", t.host.membership.eligible(&t.admin(), "acme".into(), accounts, vec![]).await)?;
    must("eligible", found.iter().all(|found| !found.member), "no member", &found)?;
    for text in TEXTS {
        let answer = t
            .host
            .directory
            .find_users(&t.admin(), "root".into(), Some(text.into()), vec!["alice".into()])
            .await;
        fits!("find-users in a strange store", answer, Err(LookupError::UnknownUserstore(name)) if name == text);
    }
    Ok(())
}

async fn strange_filters_find_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    for text in TEXTS {
        for filter in [
            InvitationFilter { grant: Some(group(text)), ..all() },
            InvitationFilter { inviter: Some(Principal::Client(text.into())), ..all() },
            InvitationFilter { inviter: Some(Principal::User(user("acme", text))), ..all() },
            InvitationFilter { invitee: Some(user(text, "u-alice")), ..all() },
        ] {
            let what = format!("rows by {filter:?}");
            same(&what, &t.list(filter, page(SortKey::Name, 10)).await?.items.len(), &0)?;
        }
    }
    Ok(())
}

async fn strange_codes_find_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    for byte in [0, 0x25, 0x27, 0x5c, 0xff] {
        let found = ok("by-code", t.host.storage.by_code(&t.invitee(alice()), vec![byte; 32]).await)?;
        same("by-code", &found, &None)?;
    }
    t.change("a", Change { code: CodeChange::Add(vec![0x27; 32]), ..change(State::Pending) }).await?;
    let found = ok("by-code", t.host.storage.by_code(&t.invitee(alice()), vec![0x27; 32]).await)?;
    same("a code of quotes that was given", &found.map(|row| row.key.id), &Some(id("a")))
}

async fn nul_is_kept_or_invalid(ground: Ground) -> Outcome {
    const NUL: &str = "before\0after";
    let t = ground.company().await?;
    let answer =
        t.try_batch(&t.admin(), batch("one", vec![Draft { name: NUL.into(), ..draft("a", alice()) }])).await;
    match &answer {
        Ok(items) => {
            if let Ok(row) = item("insert", items, 0)? {
                same("its id", &row.id, &id("a"))?;
                same("the name", &t.row("a").await?.name.as_str(), &NUL)?;
            } else {
                let refused = items.iter().all(|item| item.as_ref().is_err_and(|error| error.is_invalid()));
                must("a name with NUL", refused, "stored, or `invalid`", &answer)?;
            }
        }
        Err(_) => invalid("a name with NUL", &answer)?,
    }
    t.insert(draft("b", bob())).await?;
    let reason = Change { reason: Some(NUL.into()), ..change(State::Revoked) };
    match t.try_change("b", reason).await? {
        Ok(done) => same("the reason", &done.row.reason.as_deref(), &Some(NUL)),
        answer => invalid("a reason with NUL", &answer),
    }
}

async fn endless_times(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (number, (lifetime, hold)) in
        [(u64::MAX, 0), (LONG, u64::MAX), (u64::from(u32::MAX) * 1_000, 0)].into_iter().enumerate()
    {
        let name = format!("n{number}");
        let draft = Draft { lifetime: Some(lifetime), ..draft(&name, alice()) };
        let answer = t.try_batch(&t.admin(), Batch { hold, ..batch(&name, vec![draft]) }).await;
        let stored = match &answer {
            Ok(items) => item("insert", items, 0)?
                .as_ref()
                .map_or_else(|error| if error.is_invalid() { None } else { Some(false) }, |_| Some(true)),
            Err(error) => {
                if error.is_invalid() {
                    None
                } else {
                    Some(false)
                }
            }
        };
        match stored {
            None => continue,
            Some(holds) => must("a time without end", holds, "stored, or `invalid`", &answer)?,
        }
        same("its state", &t.row(&name).await?.state, &State::Pending)?;
        let due = due_kinds(&t.due(0).await?);
        let waits = !due.iter().any(|(kind, _, _)| kind == "expiry") && (hold == 0 || due.is_empty());
        must("what is due", waits, "no expiry, and no mail that is held for ever", &due)?;
        match t.try_change(&name, Change { lease: Some(u64::MAX), ..change(State::Accepting) }).await? {
            Ok(done) => {
                must("a lease without end", done.applied, "applied", &done)?;
                same("what is due of it", &t.due(0).await?.len(), &0)?;
                t.go(&name, State::Failed).await?;
            }
            answer => {
                invalid("a lease without end", &answer)?;
                t.go(&name, State::Revoked).await?;
            }
        }
    }
    same("purged with a retention without end", &t.purge(u64::MAX, 10).await?, &0)
}
