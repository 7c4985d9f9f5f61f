//! `storage.list`: filters and orders.

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
    case!(AREA, others_see_no_page, "Other organizations, invitees and nobody are `denied`."),
    case!(AREA, a_list_is_the_organizations_own, "A list has rows of its own organization alone."),
    case!(AREA, malformed_filters, "A prefix of 255 bytes and more states than there are are `invalid`."),
];

async fn names(t: &Trial, filter: InvitationFilter, request: PageRequest) -> Outcome<Vec<String>> {
    Ok(t.list(filter, request).await?.items.into_iter().map(|row| row.name).collect())
}

async fn names_of(t: &Trial, filter: InvitationFilter) -> Outcome<Vec<String>> {
    names(t, filter, page(SortKey::Name, 200)).await
}

/// `a` to `e`: made in the order c, a, e, b, d; `a` has no end, of the others those made later end earlier.
pub(super) async fn five(ground: &Ground) -> Outcome<Trial> {
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

pub(super) fn in_states(states: &[State]) -> InvitationFilter {
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
        dismissed: None,
    };
    same("all fit one row", &names_of(&t, filter("c")).await?, &vec!["c"])?;
    same("one does not fit", &names_of(&t, filter("d")).await?.len(), &0)?;
    let other = InvitationFilter { states: vec![State::Pending], ..filter("c") };
    same("the state does not fit", &names_of(&t, other).await?.len(), &0)
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
