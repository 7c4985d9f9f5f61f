//! `storage.list` and `storage.mine`: filters, orders, and walks that show each row once.

use super::prelude::*;

const AREA: &str = "lists";

pub(super) const CASES: &[Case] = &[
    case!(AREA, nothing_is_an_empty_page, "Without rows the page is empty and the last."),
    case!(AREA, sorted_by_creation, "By creation the oldest come first, descending the newest."),
    case!(AREA, sorted_by_name, "By name they come in the order of the names, either way."),
    case!(AREA, sorted_by_the_end, "By end those that never expire come last, descending first."),
    case!(AREA, filtered_by_state, "By state: any of those given; none given is any."),
    case!(
        AREA,
        states_are_judged_by_the_clock,
        "What has run out is found as `expired` and not as `pending`, written or not."
    ),
    case!(AREA, states_at_the_very_instant, "It changes sides at the very instant of its end.").exact(),
    case!(AREA, filtered_by_grant, "By group or role: those that carry it; a role is no group of that id."),
    case!(AREA, filtered_by_inviter, "By inviter: a person or a machine."),
    case!(AREA, filtered_by_invitee, "By invitee: his account, not another of the same id."),
    case!(AREA, filtered_by_prefix, "By the beginning of the name, byte by byte."),
    case!(
        AREA,
        percent_and_underscore_are_letters,
        "In a prefix `%`, `_`, `*` and `\\` are letters like others."
    ),
    case!(AREA, conditions_hold_together, "All conditions hold together."),
    case!(
        AREA,
        pages_add_up_to_the_whole,
        "Whatever the size of the pages, they add up to the whole, in order, for each sort and direction."
    ),
    case!(AREA, the_last_page_has_no_cursor, "The last page has no cursor, also when it is full."),
    case!(AREA, equals_are_shown_once, "Rows with equal keys are shown once each, across pages."),
    case!(
        AREA,
        a_walk_is_stable,
        "Rows that are there throughout a walk are shown once, while others come, change and go."
    ),
    case!(AREA, a_walk_may_change_its_limit, "A walk goes on with pages of another size."),
    case!(AREA, a_page_of_200, "A page has up to 200 rows; 0 and 201 are `invalid`."),
    case!(
        AREA,
        a_cursor_belongs_to_its_walk,
        "A cursor is `invalid-cursor` with another sort, direction or filter."
    ),
    case!(AREA, a_cursor_belongs_to_its_organization, "And in another organization."),
    case!(AREA, a_cut_cursor, "Cut, prolonged and made-up cursors are `invalid-cursor`."),
    case!(AREA, others_see_no_page, "Other organizations, invitees and nobody are `denied`."),
    case!(AREA, a_list_is_the_organizations_own, "A list has rows of its own organization alone."),
    case!(AREA, malformed_filters, "A prefix of 255 bytes and more states than there are are `invalid`."),
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

async fn names(t: &Trial, filter: InvitationFilter, request: PageRequest) -> Outcome<Vec<String>> {
    Ok(t.list(filter, request).await?.items.into_iter().map(|row| row.name).collect())
}

async fn names_of(t: &Trial, filter: InvitationFilter) -> Outcome<Vec<String>> {
    names(t, filter, page(SortKey::Name, 200)).await
}

/// All pages of a walk.
async fn walk(t: &Trial, filter: InvitationFilter, request: PageRequest) -> Outcome<Vec<Invitation>> {
    let (mut seen, mut after) = (Vec::new(), None);
    for _ in 0..=PEOPLE {
        let page = t.list(filter.clone(), PageRequest { after, ..request.clone() }).await?;
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        must("the length of a page", page.items.len() <= limit, "at most the limit", &page.items.len())?;
        seen.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(seen),
        }
    }
    Err(broken("a walk", "an end", &"page after page"))
}

/// `a` to `e`: made in the order c, a, e, b, d; `a` has no end, of the others those made later end earlier.
async fn five(ground: &Ground) -> Outcome<Trial> {
    let t = ground.company().await?;
    let people = [alice(), bob(), carol(), dave(), gus()];
    for ((name, who), number) in ["c", "a", "e", "b", "d"].into_iter().zip(people).zip(0..) {
        let lifetime = (name != "a").then_some((9 - number) * LONG);
        t.insert(Draft { lifetime, ..draft(name, who) }).await?;
        t.pass(3).await?;
    }
    Ok(t)
}

async fn nothing_is_an_empty_page(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let page = t.list(all(), page(SortKey::CreatedAt, 10)).await?;
    same("rows and cursor", &(page.items.len(), page.next), &(0, None))
}

async fn sorted(ground: Ground, sort: SortKey, expected: [&str; 5]) -> Outcome {
    let t = five(&ground).await?;
    same("ascending", &names(&t, all(), page(sort, 200)).await?, &expected.to_vec())?;
    let mut expected = expected.to_vec();
    expected.reverse();
    let descending = PageRequest { descending: true, ..page(sort, 200) };
    same("descending", &names(&t, all(), descending).await?, &expected)
}

async fn sorted_by_creation(ground: Ground) -> Outcome {
    sorted(ground, SortKey::CreatedAt, ["c", "a", "e", "b", "d"]).await
}

async fn sorted_by_name(ground: Ground) -> Outcome {
    sorted(ground, SortKey::Name, ["a", "b", "c", "d", "e"]).await
}

async fn sorted_by_the_end(ground: Ground) -> Outcome {
    sorted(ground, SortKey::ExpiresAt, ["d", "b", "e", "c", "a"]).await
}

fn in_states(states: &[State]) -> InvitationFilter {
    InvitationFilter { states: states.to_vec(), ..all() }
}

async fn filtered_by_state(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.insert(awaiting("b", bob())).await?;
    t.insert(draft("c", carol())).await?;
    t.claimed("d", dave()).await?;
    t.go("c", State::Revoked).await?;
    for (states, expected) in [
        (&[][..], &["a", "b", "c", "d"][..]),
        (&[State::Pending], &["a"]),
        (&[State::AwaitingApproval, State::Accepting], &["b", "d"]),
        (&[State::Revoked, State::Declined], &["c"]),
        (&[State::Expired, State::Failed, State::Accepted], &[]),
    ] {
        same(&format!("in {states:?}"), &names_of(&t, in_states(states)).await?, &expected.to_vec())?;
    }
    Ok(())
}

async fn states_are_judged_by_the_clock(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { lifetime: Some(t.unit), ..draft("a", alice()) }).await?;
    t.insert(Draft { lifetime: Some(t.unit), ..awaiting("b", bob()) }).await?;
    t.insert(draft("c", carol())).await?;
    t.pass(t.unit).await?;
    same("expired", &names_of(&t, in_states(&[State::Expired])).await?, &vec!["a", "b"])?;
    let open = [State::Pending, State::AwaitingApproval];
    same("pending or awaiting", &names_of(&t, in_states(&open)).await?, &vec!["c"])
}

async fn states_at_the_very_instant(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.pass(LONG - 1).await?;
    same("pending, before", &names_of(&t, in_states(&[State::Pending])).await?, &vec!["a"])?;
    t.pass(1).await?;
    same("pending, at its end", &names_of(&t, in_states(&[State::Pending])).await?.len(), &0)?;
    same("expired, at its end", &names_of(&t, in_states(&[State::Expired])).await?, &vec!["a"])
}

async fn filtered_by_grant(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(Draft { grants: Some(vec![0]), ..draft("a", alice()) }).await?;
    t.insert(Draft { grants: Some(vec![1]), ..draft("b", bob()) }).await?;
    t.insert(draft("c", carol())).await?;
    let with = |grant: Grant| InvitationFilter { grant: Some(grant), ..all() };
    same("g-help", &names_of(&t, with(group("g-help"))).await?, &vec!["a", "c"])?;
    same("r-admin", &names_of(&t, with(role("r-admin"))).await?, &vec!["b", "c"])?;
    same("a role named g-help", &names_of(&t, with(role("g-help"))).await?.len(), &0)?;
    same("the beginning of an id", &names_of(&t, with(group("g-hel"))).await?.len(), &0)
}

async fn filtered_by_inviter(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let machine = t.call(Operation::Invite, Some("acme"), hr());
    t.batch(&machine, batch("one", vec![draft("b", bob())])).await?;
    let by = |inviter: Principal| InvitationFilter { inviter: Some(inviter), ..all() };
    same("ann", &names_of(&t, by(Principal::User(ann()))).await?, &vec!["a"])?;
    same("the machine", &names_of(&t, by(hr())).await?, &vec!["b"])?;
    for nobody in [
        Principal::User(deputy()),
        Principal::Client("u-ann".into()),
        Principal::System,
        Principal::Anonymous,
    ] {
        same(&format!("{nobody:?}"), &names_of(&t, by(nobody)).await?.len(), &0)?;
    }
    Ok(())
}

async fn filtered_by_invitee(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.insert(draft("b", user("partner", "u-alice"))).await?;
    let of = |who: UserRef| InvitationFilter { invitee: Some(who), ..all() };
    same("alice", &names_of(&t, of(alice())).await?, &vec!["a"])?;
    same("her namesake", &names_of(&t, of(user("partner", "u-alice"))).await?, &vec!["b"])?;
    same("bob", &names_of(&t, of(bob())).await?.len(), &0)
}

async fn named(t: &Trial, rows: &[&str]) -> Outcome {
    let people = [alice(), bob(), carol(), dave(), gus(), of_root("erin"), of_root("mute"), of_root("carl")];
    for (number, (name, who)) in rows.iter().zip(people).enumerate() {
        t.insert(Draft { name: (*name).to_owned(), ..draft(&format!("n{number}"), who) }).await?;
    }
    Ok(())
}

async fn with_prefix(t: &Trial, prefix: &str) -> Outcome<Vec<String>> {
    let mut found = names_of(t, InvitationFilter { name_prefix: Some(prefix.into()), ..all() }).await?;
    found.sort();
    Ok(found)
}

async fn filtered_by_prefix(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    named(&t, &["anna", "annabel", "Anna", "bert", "xanna"]).await?;
    for (prefix, expected) in [
        ("", &["Anna", "anna", "annabel", "bert", "xanna"][..]),
        ("anna", &["anna", "annabel"]),
        ("annab", &["annabel"]),
        ("A", &["Anna"]),
        ("annabella", &[]),
        ("á", &[]),
    ] {
        same(&format!("beginning with `{prefix}`"), &with_prefix(&t, prefix).await?, &expected.to_vec())?;
    }
    Ok(())
}

async fn percent_and_underscore_are_letters(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    named(&t, &["50%off", "50xoff", "a_b", "axb", "c*d", "cxd", "e\\f", "ef"]).await?;
    for (prefix, expected) in [("50%", "50%off"), ("a_", "a_b"), ("c*", "c*d"), ("e\\", "e\\f")] {
        same(&format!("beginning with `{prefix}`"), &with_prefix(&t, prefix).await?, &vec![expected])?;
    }
    for prefix in ["%", "_", "*", "\\", "__"] {
        same(&format!("beginning with `{prefix}`"), &with_prefix(&t, prefix).await?.len(), &0)?;
    }
    Ok(())
}

async fn conditions_hold_together(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    t.go("c", State::Revoked).await?;
    let filter = |name: &str| InvitationFilter {
        states: vec![State::Revoked],
        grant: Some(group("g-help")),
        inviter: Some(Principal::User(ann())),
        invitee: Some(alice()),
        name_prefix: Some(name.into()),
    };
    same("all fit one row", &names_of(&t, filter("c")).await?, &vec!["c"])?;
    same("one does not fit", &names_of(&t, filter("d")).await?.len(), &0)?;
    let other = InvitationFilter { states: vec![State::Pending], ..filter("c") };
    same("the state does not fit", &names_of(&t, other).await?.len(), &0)
}

const SORTS: [SortKey; 3] = [SortKey::CreatedAt, SortKey::ExpiresAt, SortKey::Name];

async fn pages_add_up_to_the_whole(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    for sort in SORTS {
        for descending in [false, true] {
            let request = |limit| PageRequest { descending, ..page(sort, limit) };
            let whole = ids(&walk(&t, all(), request(200)).await?);
            same("the whole", &whole.len(), &5)?;
            for limit in [1, 2, 4, 5] {
                let what = format!("pages of {limit} by {sort:?}, descending: {descending}");
                same(&what, &ids(&walk(&t, all(), request(limit)).await?), &whole)?;
            }
        }
    }
    Ok(())
}

async fn the_last_page_has_no_cursor(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    let full = t.list(all(), page(SortKey::Name, 5)).await?;
    same("rows and cursor", &(full.items.len(), full.next), &(5, None))
}

/// So many rows of one batch: many have the same time, and every second one the same name.
async fn crowd(ground: &Ground, count: usize) -> Outcome<Trial> {
    let t = ground.world("crowd").await?;
    let draft = |number: usize| Draft {
        name: format!("name{:02}", number % 7),
        ..draft(&format!("n{number}"), of_root(&format!("{number:03}")))
    };
    let drafts: Vec<_> = (0..count).map(draft).collect();
    for (number, part) in drafts.chunks(100).enumerate() {
        let request = Batch { grants: vec![], ..batch(&format!("part-{number}"), part.to_vec()) };
        t.batch(&t.admin(), request).await?;
    }
    Ok(t)
}

async fn equals_are_shown_once(ground: Ground) -> Outcome {
    let t = crowd(&ground, 23).await?;
    for sort in SORTS {
        for descending in [false, true] {
            let mut seen = ids(&walk(&t, all(), PageRequest { descending, ..page(sort, 3) }).await?);
            seen.sort();
            seen.dedup();
            same(&format!("rows in a walk by {sort:?}"), &seen.len(), &23)?;
        }
    }
    Ok(())
}

async fn a_walk_is_stable(ground: Ground) -> Outcome {
    for sort in SORTS {
        let t = five(&ground).await?;
        let first = t.list(all(), page(sort, 2)).await?;
        let mut seen: Vec<_> = first.items.iter().map(|row| row.name.clone()).collect();
        for (name, who) in [("aa", of_root("erin")), ("zz", of_root("mute"))] {
            t.insert(draft(name, who)).await?;
        }
        t.go("c", State::Revoked).await?;
        t.go("d", State::Accepting).await?;
        let mut after = first.next;
        while after.is_some() {
            let next = t.list(all(), PageRequest { after, ..page(sort, 2) }).await?;
            seen.extend(next.items.into_iter().map(|row| row.name));
            after = next.next;
            must("the walk", seen.len() < 20, "an end", &seen)?;
        }
        for name in ["a", "b", "c", "d", "e"] {
            let count = seen.iter().filter(|seen| *seen == name).count();
            must(&format!("`{name}` in a walk by {sort:?}"), count == 1, "once", &seen)?;
        }
    }
    Ok(())
}

async fn a_walk_may_change_its_limit(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    let first = t.list(all(), page(SortKey::Name, 1)).await?;
    let rest = t.list(all(), PageRequest { after: first.next, ..page(SortKey::Name, 100) }).await?;
    let seen: Vec<_> = rest.items.into_iter().map(|row| row.name).collect();
    same("the rest", &seen, &vec!["b", "c", "d", "e"])
}

async fn a_page_of_200(ground: Ground) -> Outcome {
    let t = crowd(&ground, PEOPLE).await?;
    for limit in [0, 201, u32::MAX] {
        let answer = t.host.storage.list(&t.admin(), "acme".into(), all(), page(SortKey::Name, limit)).await;
        invalid(&format!("a page of {limit}"), &answer)?;
    }
    let first = t.list(all(), page(SortKey::CreatedAt, 200)).await?;
    same("rows of the first page", &first.items.len(), &200)?;
    let rest = t.list(all(), PageRequest { after: first.next, ..page(SortKey::CreatedAt, 200) }).await?;
    same("rows and cursor of the second", &(rest.items.len(), rest.next), &(PEOPLE - 200, None))
}

/// A walk by name that has begun, and its cursor.
async fn begun(t: &Trial) -> Outcome<String> {
    let first = t.list(all(), page(SortKey::Name, 2)).await?;
    first.next.clone().ok_or_else(|| broken("a first page of two out of five", "a cursor", &first.next))
}

async fn a_cursor_belongs_to_its_walk(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    let cursor = begun(&t).await?;
    let after = |sort| PageRequest { after: Some(cursor.clone()), ..page(sort, 2) };
    let filter = InvitationFilter { name_prefix: Some("a".into()), ..all() };
    for (what, filter, request) in [
        ("another sort", all(), after(SortKey::CreatedAt)),
        ("another sort", all(), after(SortKey::ExpiresAt)),
        ("the other direction", all(), PageRequest { descending: true, ..after(SortKey::Name) }),
        ("another prefix", filter, after(SortKey::Name)),
        ("other states", in_states(&[State::Pending]), after(SortKey::Name)),
    ] {
        let answer = t.host.storage.list(&t.admin(), "acme".into(), filter, request).await;
        fits!(what, answer, Err(StoreError::InvalidCursor));
    }
    t.list(all(), after(SortKey::Name)).await.map(drop)
}

async fn a_cursor_belongs_to_its_organization(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    let request = PageRequest { after: Some(begun(&t).await?), ..page(SortKey::Name, 2) };
    let answer = t.host.storage.list(&t.by(gina()), "globex".into(), all(), request).await;
    fits!("a cursor of `acme` in `globex`", answer, Err(StoreError::InvalidCursor));
    Ok(())
}

async fn a_cut_cursor(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    let cursor = begun(&t).await?;
    let half: String = cursor.chars().take(cursor.chars().count() / 2).collect();
    let mut turned: Vec<char> = cursor.chars().collect();
    turned.reverse();
    let made_up =
        ["".into(), "?".into(), "e30".into(), "1".into(), "' or 1=1 --".into(), "A".repeat(5_000), half];
    for after in made_up.into_iter().chain([format!("{cursor}A"), turned.into_iter().collect()]) {
        let what = format!("the cursor `{}`", after.chars().take(80).collect::<String>());
        let request = PageRequest { after: Some(after), ..page(SortKey::Name, 2) };
        let answer = t.host.storage.list(&t.admin(), "acme".into(), all(), request).await;
        fits!(&what, answer, Err(StoreError::InvalidCursor));
    }
    Ok(())
}

async fn others_see_no_page(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    for (what, call) in [
        ("the parent's administrator", t.by(of_root("rita"))),
        ("the sibling's administrator", t.by(gina())),
        ("the child's administrator", t.by(user("lab", "u-lee"))),
        ("an invitee", t.invitee(alice())),
        ("a bearer", t.bearer()),
    ] {
        let answer = t.host.storage.list(&call, "acme".into(), all(), page(SortKey::Name, 2)).await;
        denied(what, &answer)?;
    }
    Ok(())
}

async fn a_list_is_the_organizations_own(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    let request = Batch { grants: vec![], ..batch("one", vec![draft("g", alice())]) };
    ok("insert", t.host.storage.insert(&t.by(gina()), "globex".into(), request).await)?;
    let answer = t.host.storage.list(&t.by(gina()), "globex".into(), all(), page(SortKey::Name, 200)).await;
    same("the sibling's list", &ids(&ok("list", answer)?.items), &vec![id("g")])?;
    same("the own list", &names_of(&t, all()).await?.len(), &5)
}

async fn malformed_filters(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (what, filter) in [
        ("a prefix of 255 bytes", InvitationFilter { name_prefix: Some("x".repeat(255)), ..all() }),
        ("nine states", in_states(&[State::Pending; 9])),
    ] {
        let answer = t.host.storage.list(&t.admin(), "acme".into(), filter, page(SortKey::Name, 2)).await;
        invalid(what, &answer)?;
    }
    Ok(())
}

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
