//! `membership.resolve` and `membership.eligible`: what exists, and who may give and receive it.

use super::prelude::*;

const AREA: &str = "resolving";

pub(super) const CASES: &[Case] = &[
    case!(AREA, what_exists, "Each grant has an answer, in order: `none` for what does not exist."),
    case!(AREA, kinds_are_two, "A group is no role of that id, and one of another organization is none."),
    case!(AREA, it_has_a_name, "What exists is answered with the name that people know."),
    case!(AREA, what_was_deleted_is_gone, "A group that was deleted is `none` from then on."),
    case!(AREA, who_may_give, "`grantable` says what the inviter may give, for each inviter by himself."),
    case!(AREA, fifty_grants, "50 grants are answered, 51 are `invalid`; none are no answers."),
    case!(AREA, other_organizations_are_denied, "Only the call's own organization is answered."),
    case!(
        AREA,
        the_invitee_may_ask,
        "An invitee's call is answered for the organization of his invitation, and for no other."
    ),
    case!(AREA, who_is_a_member, "`eligible` says in order who is a member, by whatever way: also by birth."),
    case!(
        AREA,
        a_member_since_now,
        "Who has become a member is one from then on, and who was removed is none."
    ),
    case!(
        AREA,
        nothing_is_withheld_without_a_rule,
        "Without a rule every address is allowed and nothing is withheld."
    ),
    case!(AREA, who_may_receive, "`withheld` has the indexes of what each user may not receive."),
    case!(
        AREA,
        addresses_by_domain,
        "Addresses are judged by their domain, where the account is resident; without one none is allowed."
    ),
    case!(AREA, a_hundred_users, "100 users and 50 grants are answered, more are `invalid`."),
    case!(AREA, unknown_users_are_no_members, "Accounts that do not exist are no members."),
    case!(AREA, reading_changes_nothing, "Asking again gives the same answer and writes nothing."),
];

async fn resolve(t: &Trial, who: Principal, grants: Vec<Grant>) -> Outcome<Vec<Option<bool>>> {
    let asked = grants.len();
    let found = ok("resolve", t.host.membership.resolve(&t.admin(), "acme".into(), who, grants).await)?;
    same("the length of what `resolve` answers", &found.len(), &asked)?;
    Ok(found.into_iter().map(|found| found.map(|found| found.grantable)).collect())
}

fn by_ann() -> Principal {
    Principal::User(ann())
}

async fn what_exists(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let grants = vec![group("g-never"), role("r-admin"), group("g-help"), role("r-never"), group("g-help")];
    let found = resolve(&t, by_ann(), grants).await?;
    same("resolve", &found, &vec![None, Some(true), Some(true), None, Some(true)])
}

async fn kinds_are_two(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let grants = vec![role("g-help"), group("r-admin"), group("g-root"), role("r-lead")];
    same("resolve", &resolve(&t, by_ann(), grants).await?, &vec![None; 4])
}

async fn it_has_a_name(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let grants = vec![group("g-help"), role("r-admin")];
    let found = ok("resolve", t.host.membership.resolve(&t.admin(), "acme".into(), by_ann(), grants).await)?;
    let names: Vec<_> = found.into_iter().flatten().map(|found| found.display_name).collect();
    same("names", &names, &vec!["Help desk", "Administrator"])
}

async fn what_was_deleted_is_gone(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.happen(Event::DeleteGroup { organization: "acme".into(), id: "g-help".into() }).await?;
    let found = resolve(&t, by_ann(), vec![group("g-help"), group("g-ops")]).await?;
    same("resolve", &found, &vec![None, Some(true)])
}

async fn who_may_give(ground: Ground) -> Outcome {
    let t = ground.world("givers").await?;
    let grants = || vec![group("g-help"), group("g-ops")];
    same("ann", &resolve(&t, by_ann(), grants()).await?, &vec![Some(true), Some(false)])?;
    same(
        "the deputy",
        &resolve(&t, Principal::User(deputy()), grants()).await?,
        &vec![Some(true), Some(true)],
    )
}

async fn fifty_grants(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let grants = |count: usize| (0..count).map(|number| group(&format!("g-{number:02}"))).collect::<Vec<_>>();
    same("none", &resolve(&t, by_ann(), vec![]).await?, &vec![])?;
    same("50", &resolve(&t, by_ann(), grants(50)).await?, &vec![Some(true); 50])?;
    let answer = t.host.membership.resolve(&t.admin(), "acme".into(), by_ann(), grants(51)).await;
    invalid("51", &answer)
}

async fn other_organizations_are_denied(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for other in ["root", "globex", "lab", "partner", "nowhere"] {
        let answer =
            t.host.membership.resolve(&t.admin(), other.into(), by_ann(), vec![group("g-help")]).await;
        denied(&format!("resolve in `{other}`"), &answer)?;
        let answer = t.host.membership.eligible(&t.admin(), other.into(), vec![alice()], vec![]).await;
        denied(&format!("eligible in `{other}`"), &answer)?;
    }
    Ok(())
}

async fn the_invitee_may_ask(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let ask = |who: UserRef, organization: &str| {
        let (call, organization) = (t.invitee(who), organization.to_owned());
        let host = t.host.clone();
        async move { host.membership.eligible(&call, organization, vec![alice()], vec![]).await }
    };
    let found = ok("eligible", ask(alice(), "acme").await)?;
    same("she is a member", &item("eligible", &found, 0)?.member, &false)?;
    denied("in another organization", &ask(alice(), "globex").await)?;
    denied("somebody without an invitation", &ask(bob(), "acme").await)
}

async fn members(t: &Trial, users: Vec<UserRef>) -> Outcome<Vec<bool>> {
    let asked = users.len();
    let found = ok("eligible", t.host.membership.eligible(&t.admin(), "acme".into(), users, vec![]).await)?;
    same("the length of what `eligible` answers", &found.len(), &asked)?;
    Ok(found.into_iter().map(|found| found.member).collect())
}

async fn who_is_a_member(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let users = vec![alice(), ann(), user("partner", "u-alice"), deputy(), gina()];
    same("members", &members(&t, users).await?, &vec![false, true, false, true, false])
}

async fn a_member_since_now(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.happen(Event::AddMember { organization: "acme".into(), account: alice() }).await?;
    same("members", &members(&t, vec![bob(), alice()]).await?, &vec![false, true])?;
    t.happen(Event::RemoveMember { organization: "acme".into(), account: alice() }).await?;
    same("members after the removal", &members(&t, vec![bob(), alice()]).await?, &vec![false, false])
}

async fn nothing_is_withheld_without_a_rule(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let (users, grants) = (vec![alice(), bob(), of_root("mute")], vec![group("g-help"), role("r-admin")]);
    let found = ok("eligible", t.host.membership.eligible(&t.admin(), "acme".into(), users, grants).await)?;
    let free = found.iter().all(|found| found.address_allowed && found.withheld.is_empty());
    must("eligible", free, "every address allowed, nothing withheld", &found)
}

async fn who_may_receive(ground: Ground) -> Outcome {
    let t = ground.world("receivers").await?;
    let grants = vec![role("r-admin"), group("g-help"), role("r-admin")];
    let users = vec![bob(), alice(), gus()];
    let found = ok("eligible", t.host.membership.eligible(&t.admin(), "acme".into(), users, grants).await)?;
    let withheld: Vec<_> = found.into_iter().map(|found| found.withheld).collect();
    same("withheld", &withheld, &vec![vec![0, 2], vec![], vec![0, 2]])
}

async fn addresses_by_domain(ground: Ground) -> Outcome {
    let t = ground.world("domains").await?;
    let users = vec![alice(), carol(), gus(), of_root("mute"), bob()];
    let found = ok("eligible", t.host.membership.eligible(&t.admin(), "acme".into(), users, vec![]).await)?;
    let allowed: Vec<_> = found.into_iter().map(|found| found.address_allowed).collect();
    same("allowed", &allowed, &vec![true, false, false, false, true])
}

async fn a_hundred_users(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let users = |count: usize| (0..count).map(|number| of_root(&format!("{number:03}"))).collect::<Vec<_>>();
    let grants = |count: usize| vec![group("g-00"); count];
    let ask = |users, grants| {
        let host = t.host.clone();
        let call = t.admin();
        async move { host.membership.eligible(&call, "acme".into(), users, grants).await }
    };
    same("100 users", &ok("eligible", ask(users(100), grants(50)).await)?.len(), &100)?;
    invalid("101 users", &ask(users(101), vec![]).await)?;
    invalid("51 grants", &ask(users(1), grants(51)).await)
}

async fn unknown_users_are_no_members(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let users = vec![of_root("never"), user("nowhere", "u-alice"), user("acme", "u-alice")];
    same("members", &members(&t, users).await?, &vec![false; 3])
}

async fn reading_changes_nothing(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let first =
        (resolve(&t, by_ann(), vec![group("g-help")]).await?, members(&t, vec![alice(), ann()]).await?);
    let again =
        (resolve(&t, by_ann(), vec![group("g-help")]).await?, members(&t, vec![alice(), ann()]).await?);
    same("the second answer", &again, &first)?;
    same("the audit trail", &t.words().await?, &Vec::<String>::new())
}
