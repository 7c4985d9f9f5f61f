//! Asks whom a text means, and who has which name: `find-users` where a text fits two, `eligible` where a
//! name is taken.

use super::prelude::*;

const AREA: &str = "naming";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        a_name_that_is_anothers_address,
        "A text that is the user name of one and the address of another is `ambiguous`, in any letters."
    ),
    case!(AREA, an_address_of_two, "So is an address that two have."),
    case!(AREA, a_disabled_one_counts, "Whichever of the two is disabled."),
    case!(AREA, a_guests_address_counts, "The address of a guest is the one where they are resident."),
    case!(AREA, every_store_counts, "An address is looked for in every user store, whichever is asked."),
    case!(
        AREA,
        one_account_is_one,
        "An account whose user name is its own address, or who has the name twice in a request, is one."
    ),
    case!(AREA, others_are_found_beside_it, "The other names of the request are answered as by themselves."),
    case!(AREA, it_ends_with_its_reason, "When only one is left that the text fits, that one is meant."),
    case!(
        AREA,
        a_taken_name_is_told,
        "`name-taken` for whoever would get the user name of somebody else in the organization, and for no other."
    ),
    case!(AREA, a_member_takes_no_name, "A member has their name: `name-taken` is false."),
    case!(
        AREA,
        the_name_at_home_counts,
        "A guest of the parent would get the user name where they are resident."
    ),
    case!(AREA, a_name_that_is_free_again, "It is asked anew each time: a rename takes a name or frees it."),
];

async fn find(t: &Trial, store: Option<&str>, names: &[&str]) -> Outcome<Vec<Found>> {
    let asked: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let answer =
        t.host.directory.find_users(&t.admin(), "root".into(), store.map(str::to_owned), asked).await;
    let found = ok("find-users", answer)?;
    same("the length of what `find-users` answers", &found.len(), &names.len())?;
    found.into_iter().map(|one| ok("an item of `find-users`", one)).collect()
}

async fn ambiguous(t: &Trial, text: &str) -> Outcome {
    let found = find(t, None, &[text]).await?;
    must(&format!("whom `{text}` means"), found == [Found::Ambiguous], "`ambiguous`", &found)
}

async fn means(t: &Trial, text: &str, who: UserRef) -> Outcome {
    let found = find(t, None, &[text]).await?;
    let is_meant = matches!(found.as_slice(), [Found::One(user)] if user.account == who);
    must(&format!("whom `{text}` means"), is_meant, &format!("{who:?}"), &found)
}

async fn rename(t: &Trial, id: &str, name: &str) -> Outcome {
    t.happen(Event::RenameUser { organization: "root".into(), id: id.into(), name: name.into() }).await
}

async fn new_user(t: &Trial, organization: &str, id: &str, name: &str, email: Option<&str>) -> Outcome {
    let user = NewUser { id: id.into(), name: name.into(), store: None, email: email.map(str::to_owned) };
    t.happen(Event::AddUser { organization: organization.into(), user }).await
}

async fn disable(t: &Trial, id: &str) -> Outcome {
    t.happen(Event::SetUserActive { organization: "root".into(), id: id.into(), active: false }).await
}

async fn a_name_that_is_anothers_address(ground: Ground) -> Outcome {
    for name in ["alice@example.com", "ALICE@example.com"] {
        let t = ground.company().await?;
        means(&t, "alice@example.com", alice()).await?;
        rename(&t, "u-bob", name).await?;
        for text in ["alice@example.com", "Alice@Example.COM", "ALICE@EXAMPLE.COM"] {
            ambiguous(&t, text).await?;
        }
        means(&t, "alice", alice()).await?;
        means(&t, "bob@example.com", bob()).await?;
    }
    Ok(())
}

async fn an_address_of_two(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    new_user(&t, "root", "u-second", "second", Some("Alice@example.com")).await?;
    for text in ["alice@example.com", "ALICE@example.com"] {
        ambiguous(&t, text).await?;
    }
    means(&t, "alice", alice()).await?;
    means(&t, "second", of_root("second")).await
}

async fn a_disabled_one_counts(ground: Ground) -> Outcome {
    for disabled in ["u-alice", "u-second"] {
        let t = ground.company().await?;
        new_user(&t, "root", "u-second", "second", Some("alice@example.com")).await?;
        disable(&t, disabled).await?;
        ambiguous(&t, "alice@example.com").await?;
    }
    let t = ground.company().await?;
    rename(&t, "u-bob", "carl@example.com").await?;
    ambiguous(&t, "carl@example.com").await?;
    disable(&t, "u-bob").await?;
    ambiguous(&t, "carl@example.com").await
}

async fn a_guests_address_counts(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    means(&t, "gus@partner.example", gus()).await?;
    rename(&t, "u-bob", "gus@partner.example").await?;
    ambiguous(&t, "gus@partner.example").await?;
    ambiguous(&t, "GUS@partner.example").await?;
    rename(&t, "u-bob", "bob").await?;
    new_user(&t, "root", "u-second", "second", Some("gus@partner.example")).await?;
    ambiguous(&t, "gus@partner.example").await
}

async fn every_store_counts(ground: Ground) -> Outcome {
    let t = ground.world("stores").await?;
    means(&t, "bob@example.com", bob()).await?;
    new_user(&t, "root", "u-second", "second", Some("bob@example.com")).await?;
    ambiguous(&t, "bob@example.com").await?;
    let t = ground.world("stores").await?;
    rename(&t, "u-alice", "bob@example.com").await?;
    ambiguous(&t, "bob@example.com").await
}

async fn one_account_is_one(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    rename(&t, "u-alice", "alice@example.com").await?;
    means(&t, "alice@example.com", alice()).await?;
    let found = find(&t, None, &["alice@example.com", "bob", "ALICE@example.com"]).await?;
    must("each", found.iter().all(|one| matches!(one, Found::One(_))), "a user", &found)
}

async fn others_are_found_beside_it(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    rename(&t, "u-bob", "alice@example.com").await?;
    let found =
        find(&t, None, &["carol", "alice@example.com", "never", "never@example.com", "alice"]).await?;
    let words: Vec<_> = found
        .iter()
        .map(|one| match one {
            Found::One(user) => user.account.id.as_str(),
            Found::Nobody => "nobody",
            Found::Ambiguous => "ambiguous",
        })
        .collect();
    same("the answers", &words, &vec!["u-carol", "ambiguous", "nobody", "nobody", "u-alice"])
}

async fn it_ends_with_its_reason(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    rename(&t, "u-bob", "alice@example.com").await?;
    ambiguous(&t, "alice@example.com").await?;
    rename(&t, "u-bob", "bob").await?;
    means(&t, "alice@example.com", alice()).await?;
    new_user(&t, "root", "u-second", "second", Some("alice@example.com")).await?;
    ambiguous(&t, "alice@example.com").await?;
    t.happen(Event::DeleteUser { organization: "root".into(), id: "u-second".into() }).await?;
    means(&t, "alice@example.com", alice()).await
}

async fn taken(t: &Trial, users: Vec<UserRef>) -> Outcome<Vec<bool>> {
    let answer = t.host.membership.eligible(&t.admin(), "acme".into(), users, vec![]).await;
    Ok(ok("eligible", answer)?.into_iter().map(|one| one.name_taken).collect())
}

async fn a_taken_name_is_told(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    same("while no name is taken", &taken(&t, vec![alice(), bob(), gus()]).await?, &vec![false; 3])?;
    new_user(&t, "acme", "u-other", "alice", None).await?;
    new_user(&t, "globex", "u-other", "bob", None).await?;
    let found = taken(&t, vec![bob(), alice(), user("partner", "u-alice"), carol()]).await?;
    same("name-taken", &found, &vec![false, true, true, false])
}

async fn a_member_takes_no_name(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.happen(Event::AddMember { organization: "acme".into(), account: alice() }).await?;
    let found = taken(&t, vec![alice(), ann(), user("partner", "u-alice")]).await?;
    same("two members, and somebody of the name of one", &found, &vec![false, false, true])
}

async fn the_name_at_home_counts(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    new_user(&t, "acme", "u-other", "gusguest", None).await?;
    same("the name in the parent is taken", &taken(&t, vec![gus()]).await?, &vec![false])?;
    new_user(&t, "acme", "u-another", "gus", None).await?;
    same("the name at home is taken", &taken(&t, vec![gus()]).await?, &vec![true])
}

async fn a_name_that_is_free_again(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    new_user(&t, "acme", "u-other", "alice", None).await?;
    same("taken", &taken(&t, vec![alice()]).await?, &vec![true])?;
    rename(&t, "u-alice", "alicia").await?;
    same("when the invitee was renamed", &taken(&t, vec![alice()]).await?, &vec![false])?;
    rename(&t, "u-alice", "alice").await?;
    t.happen(Event::DeleteUser { organization: "acme".into(), id: "u-other".into() }).await?;
    same("when the other is gone", &taken(&t, vec![alice()]).await?, &vec![false])
}
