//! `directory`: people, exactly there and now.

use super::prelude::*;
use guestlist_contract::directory::User;

const AREA: &str = "people";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        names_are_found_in_order,
        "Each name has one entry, in order: the account where it is resident, or `none`."
    ),
    case!(AREA, exactly_there, "Names are looked up in the organization asked: not above it, not below it."),
    case!(AREA, by_address, "An address finds the user who has it."),
    case!(
        AREA,
        by_address_in_any_store,
        "An address is looked up in every store, whichever is asked for, and one with a slash is found as well."
    ),
    case!(
        AREA,
        a_guest_by_address,
        "A guest is found by the address that they have where they are resident."
    ),
    case!(
        AREA,
        what_fits_two_accounts,
        "A text that fits two accounts, by user name or address, in any letters, disabled or not, means nobody."
    ),
    case!(
        AREA,
        what_is_no_address,
        "A text that is no address, or that could be read as two, is none: `has-email` is false, nobody is found \
         by it, and it is of no domain."
    ),
    case!(
        AREA,
        a_guest_is_found_where_he_is_resident,
        "A guest is answered as his resident account, with his local one as `via`; a resident has none."
    ),
    case!(AREA, who_is_disabled_and_who_has_mail, "`active` and `has-email` are told for each."),
    case!(
        AREA,
        a_guest_is_judged_where_he_is_resident,
        "A guest is disabled when his resident account is, and his address is the one there."
    ),
    case!(
        AREA,
        a_new_name_counts_at_once,
        "A user who was renamed is found by his new name, and by the old one no more."
    ),
    case!(AREA, another_account_of_that_name, "An account made anew under a name is another account."),
    case!(
        AREA,
        stores_are_kept_apart,
        "Unqualified names are looked up in the store asked, or in the default one."
    ),
    case!(
        AREA,
        a_qualified_name_names_its_store,
        "A qualified name ignores the store asked; one of an unknown store is unknown."
    ),
    case!(
        AREA,
        an_unknown_store,
        "A store that is not there is an error of the whole request, with its name."
    ),
    case!(
        AREA,
        stores_in_any_letters,
        "Names of user stores are the same in any letter case, where they are made and where they are asked for."
    ),
    case!(AREA, a_store_that_does_not_answer, "A store that does not answer fails its own names alone."),
    case!(AREA, a_hundred_names, "100 names are answered; 101, and one of 255 bytes, are `invalid`."),
    case!(
        AREA,
        whose_users_may_be_asked,
        "Users of the organization and its parent may be asked for, those of others are `denied`."
    ),
    case!(
        AREA,
        accounts_in_order,
        "`get-users` answers each account in order: `none` for one that is no user there."
    ),
    case!(AREA, accounts_that_are_gone, "An account that was deleted is `none`, also where it was a guest."),
    case!(
        AREA,
        who_is_gone_is_no_guest,
        "With an account, or with its organization, the guests that it was are deleted: their names are free."
    ),
    case!(AREA, a_hundred_accounts, "100 accounts are answered, 101 are `invalid`."),
    case!(
        AREA,
        the_former_parent,
        "After a move an invitation's former parent may still be asked about its people."
    ),
];

type Answers = Vec<Result<Found, HostError>>;

async fn find(t: &Trial, store: Option<&str>, names: &[&str]) -> Outcome<Answers> {
    let asked = names.iter().map(|name| (*name).to_owned()).collect();
    let answer =
        t.host.directory.find_users(&t.admin(), "root".into(), store.map(str::to_owned), asked).await;
    let found = ok("find-users", answer)?;
    same("the length of what `find-users` answers", &found.len(), &names.len())?;
    Ok(found)
}

/// The accounts that names lead to, each where it is resident.
async fn found(t: &Trial, store: Option<&str>, names: &[&str]) -> Outcome<Vec<Option<UserRef>>> {
    let found = find(t, store, names).await?;
    found.into_iter().map(|one| Ok(account_of(ok("an item of `find-users`", one)?))).collect()
}

/// The account of whoever is meant.
fn account_of(found: Found) -> Option<UserRef> {
    match found {
        Found::One(user) => Some(user.account),
        Found::Nobody | Found::Ambiguous => None,
    }
}

async fn one(t: &Trial, name: &str) -> Outcome<User> {
    let found = find(t, None, &[name]).await?;
    match item("find-users", &found, 0)? {
        Ok(Found::One(user)) => Ok(user.clone()),
        other => Err(broken(&format!("find-users of `{name}`"), "a user", other)),
    }
}

async fn names_are_found_in_order(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let names = ["bob", "never", "alice", "bob", "carol"];
    let expected = vec![Some(bob()), None, Some(alice()), Some(bob()), Some(carol())];
    same("accounts", &found(&t, None, &names).await?, &expected)?;
    same("no names", &found(&t, None, &[]).await?, &vec![])
}

async fn exactly_there(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    same("below", &found(&t, None, &["ann", "lee", "gina"]).await?, &vec![None; 3])?;
    let lee = t.by(user("lab", "u-lee"));
    let names = vec!["alice".to_owned(), "ann".to_owned()];
    let answer = ok("find-users", t.host.directory.find_users(&lee, "acme".into(), None, names).await)?;
    let accounts: Vec<_> = answer.into_iter().map(|one| one.ok().and_then(account_of)).collect();
    same("in `acme`, of somebody above it and somebody there", &accounts, &vec![None, Some(ann())])
}

async fn by_address(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let names = ["alice@example.com", "never@example.com", "carol@example.org"];
    same("accounts", &found(&t, None, &names).await?, &vec![Some(alice()), None, Some(carol())])
}

async fn by_address_in_any_store(ground: Ground) -> Outcome {
    let t = ground.world("addresses").await?;
    let names = ["alice@example.com", "DAVE@example.com", "o/slash@example.com", "own@example.com"];
    let expected = vec![Some(alice()), Some(dave()), Some(of_root("slash")), Some(of_root("own"))];
    for store in [None, Some("SECOND"), Some("PRIMARY")] {
        same(&format!("asked for {store:?}"), &found(&t, store, &names).await?, &expected)?;
    }
    let names = ["SECOND/dave@example.com", "PRIMARY/dave@example.com", "PRIMARY/o/slash@example.com"];
    let expected = vec![Some(dave()), None, Some(of_root("slash"))];
    same("qualified", &found(&t, None, &names).await?, &expected)
}

async fn a_guest_by_address(ground: Ground) -> Outcome {
    let t = ground.world("addresses").await?;
    let names = ["gus@partner.example", "quinn@partner.example"];
    same("accounts", &found(&t, None, &names).await?, &vec![Some(gus()), None])?;
    let guest = one(&t, "GUS@partner.example").await?;
    same("where they are a guest", &guest.via.map(|via| via.organization), &Some("root".to_owned()))
}

async fn what_fits_two_accounts(ground: Ground) -> Outcome {
    let t = ground.world("addresses").await?;
    for (why, text) in [
        ("two have the address, one of them disabled and in another store", "same@example.com"),
        ("it is the address of one and the user name of another", "vera@example.com"),
        ("the same, in the store that both are in", "PRIMARY/VERA@example.com"),
        ("a user and a guest have the address", "pia@partner.example"),
    ] {
        let found = find(&t, None, &[text]).await?;
        must(why, matches!(item("find-users", &found, 0)?, Ok(Found::Ambiguous)), "`ambiguous`", &found)?;
    }
    let names = ["same1", "SECOND/same2", "vera", "pia", "piaguest", "mallory@example.com"];
    let by_name = found(&t, None, &names).await?;
    same("found by what is theirs alone", &by_name.iter().flatten().count(), &names.len())?;
    same(
        "qualified by the store of one",
        &found(&t, None, &["SECOND/same@example.com"]).await?,
        &vec![Some(of_root("same2"))],
    )?;
    t.happen(Event::DeleteUser { organization: "root".into(), id: "u-mallory".into() }).await?;
    same("when one is left", &found(&t, None, &["vera@example.com"]).await?, &vec![Some(of_root("vera"))])
}

async fn what_is_no_address(ground: Ground) -> Outcome {
    let t = ground.world("addresses").await?;
    let texts = [
        ("empty", ""),
        ("dash", "-"),
        ("bare", "bare"),
        ("twice", "twice@evil.example@example.com"),
        ("angle", "x@evil.example <angle@example.com"),
        ("dot", "dot@example.com."),
        ("wide", "wide@ｅｘａｍｐｌｅ.com"),
        ("quote", "\"quote\"@example.com"),
        ("list", "list@example.com,x@evil.example"),
    ];
    let accounts: Vec<_> = texts.iter().map(|(name, _)| of_root(name)).chain([alice()]).collect();
    let allowed =
        ok("eligible", t.host.membership.eligible(&t.admin(), "acme".into(), accounts, vec![]).await)?;
    let allowed: Vec<_> = allowed.into_iter().map(|one| one.address_allowed).collect();
    let expected: Vec<_> = texts.iter().map(|_| false).chain([true]).collect();
    same("whose address is of the domain", &allowed, &expected)?;
    for (name, text) in texts {
        same(&format!("whether {name} has mail"), &one(&t, name).await?.has_email, &false)?;
        let expected = (name == text).then(|| of_root(name));
        same(&format!("whom `{text}` finds"), &found(&t, None, &[text]).await?, &vec![expected])?;
    }
    same("whether alice has mail", &one(&t, "alice").await?.has_email, &true)
}

async fn a_guest_is_found_where_he_is_resident(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let guest = one(&t, "gusguest").await?;
    same("his account", &guest.account, &gus())?;
    same("where they are a guest", &guest.via.map(|via| via.organization), &Some("root".to_owned()))?;
    same("a resident", &one(&t, "alice").await?.via, &None)
}

async fn who_is_disabled_and_who_has_mail(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (name, expected) in [("alice", (true, true)), ("mute", (true, false)), ("carl", (false, true))] {
        let user = one(&t, name).await?;
        same(&format!("whether {name} is active and has mail"), &(user.active, user.has_email), &expected)?;
    }
    t.happen(Event::SetUserActive { organization: "root".into(), id: "u-alice".into(), active: false })
        .await?;
    same("alice, when she was disabled", &one(&t, "alice").await?.active, &false)
}

async fn a_guest_is_judged_where_he_is_resident(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let guest = one(&t, "gusguest").await?;
    same("active and mail", &(guest.active, guest.has_email), &(true, true))?;
    t.happen(Event::SetUserActive { organization: "partner".into(), id: "p-gus".into(), active: false })
        .await?;
    same("active, when he was disabled at home", &one(&t, "gusguest").await?.active, &false)
}

async fn a_new_name_counts_at_once(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.happen(Event::RenameUser { organization: "root".into(), id: "u-alice".into(), name: "alicia".into() })
        .await?;
    same("accounts", &found(&t, None, &["alicia", "alice"]).await?, &vec![Some(alice()), None])
}

async fn another_account_of_that_name(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.happen(Event::DeleteUser { organization: "root".into(), id: "u-alice".into() }).await?;
    same("while there is none", &found(&t, None, &["alice"]).await?, &vec![None])?;
    let anew = NewUser { id: "u-alice2".into(), name: "alice".into(), store: None, email: None };
    t.happen(Event::AddUser { organization: "root".into(), user: anew }).await?;
    same("when there is another", &found(&t, None, &["alice"]).await?, &vec![Some(of_root("alice2"))])?;
    let asked = vec![alice(), of_root("alice2")];
    let users = ok("get-users", t.host.directory.get_users(&t.admin(), "root".into(), asked).await)?;
    let there: Vec<_> = users.iter().map(Option::is_some).collect();
    same("the old and the new account", &there, &vec![false, true])
}

async fn stores_are_kept_apart(ground: Ground) -> Outcome {
    let t = ground.world("stores").await?;
    let names = ["alice", "bob"];
    same("the default store", &found(&t, None, &names).await?, &vec![Some(alice()), None])?;
    same("the other one", &found(&t, Some("SECONDARY"), &names).await?, &vec![None, Some(bob())])
}

async fn a_qualified_name_names_its_store(ground: Ground) -> Outcome {
    let t = ground.world("stores").await?;
    let names = ["SECONDARY/bob", "PRIMARY/alice", "PRIMARY/bob", "NOWHERE/bob"];
    let expected = vec![Some(bob()), Some(alice()), None, None];
    for store in [None, Some("PRIMARY"), Some("SECONDARY")] {
        same(&format!("asked for {store:?}"), &found(&t, store, &names).await?, &expected)?;
    }
    Ok(())
}

async fn an_unknown_store(ground: Ground) -> Outcome {
    let t = ground.world("stores").await?;
    let names = vec!["alice".to_owned()];
    let answer = t.host.directory.find_users(&t.admin(), "root".into(), Some("NOWHERE".into()), names).await;
    fits!("find-users", answer, Err(LookupError::UnknownUserstore(name)) if name == "NOWHERE");
    Ok(())
}

async fn stores_in_any_letters(ground: Ground) -> Outcome {
    let t = ground.world("addresses").await?;
    for store in ["SECOND", "second", "Second"] {
        same(store, &found(&t, Some(store), &["dave"]).await?, &vec![Some(dave())])?;
        same("qualified", &found(&t, None, &[format!("{store}/dave").as_str()]).await?, &vec![Some(dave())])?;
    }
    let user = |id: &str, store: &str| NewUser {
        id: id.into(),
        name: id.into(),
        store: Some(store.into()),
        email: None,
    };
    for (id, store) in [("u-new", "primary"), ("u-newer", "Third")] {
        t.happen(Event::AddUser { organization: "root".into(), user: user(id, store) }).await?;
    }
    let names = ["u-new", "PRIMARY/u-new", "third/u-newer", "THIRD/u-newer", "u-newer"];
    let (new, newer) = (Some(of_root("new")), Some(of_root("newer")));
    let expected = vec![new.clone(), new, newer.clone(), newer, None];
    same("made in small letters", &found(&t, None, &names).await?, &expected)
}

async fn a_store_that_does_not_answer(ground: Ground) -> Outcome {
    let mut realm = crate::worlds::world("stores")?.realm()?;
    if let Some(root) = realm.organizations.get_mut("root") {
        root.silent_stores.insert("SECONDARY".into());
    }
    let t = ground.realm(realm).await?;
    let found = find(&t, None, &["alice", "SECONDARY/bob"]).await?;
    must(
        "the name in the store that answers",
        matches!(item("find-users", &found, 0)?, Ok(Found::One(_))),
        "a user",
        &found,
    )?;
    let silent = matches!(item("find-users", &found, 1)?, Err(HostError::Unavailable(_)));
    must("the name in the store that does not", silent, "`unavailable`", &found)
}

async fn a_hundred_names(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let names: Vec<String> = (0..101).map(|number| format!("person{number:03}")).collect();
    let some: Vec<&str> = names.iter().take(100).map(String::as_str).collect();
    let expected: Vec<_> = (0..100).map(|number| Some(of_root(&format!("{number:03}")))).collect();
    same("100 names", &found(&t, None, &some).await?, &expected)?;
    for (what, names) in [("101 names", names), ("a name of 255 bytes", vec!["x".repeat(255)])] {
        invalid(what, &t.host.directory.find_users(&t.admin(), "root".into(), None, names).await)?;
    }
    same("a name of 254 bytes", &found(&t, None, &["x".repeat(254).as_str()]).await?, &vec![None])
}

async fn whose_users_may_be_asked(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for own in ["acme", "root"] {
        ok(own, t.host.directory.find_users(&t.admin(), own.into(), None, vec!["x".into()]).await)?;
        ok(own, t.host.directory.get_users(&t.admin(), own.into(), vec![alice()]).await)?;
    }
    for other in ["globex", "lab", "partner", "nowhere"] {
        let names = vec!["gus".to_owned()];
        denied(other, &t.host.directory.find_users(&t.admin(), other.into(), None, names).await)?;
        denied(other, &t.host.directory.get_users(&t.admin(), other.into(), vec![gus()]).await)?;
    }
    denied(
        "an invitee of nobody",
        &t.host.directory.get_users(&t.invitee(bob()), "root".into(), vec![bob()]).await,
    )
}

async fn accounts_in_order(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let asked = vec![gus(), of_root("never"), alice(), ann(), user("partner", "u-alice"), of_root("carl")];
    let users = ok("get-users", t.host.directory.get_users(&t.admin(), "root".into(), asked).await)?;
    let told: Vec<_> = users.into_iter().map(|user| user.map(|user| (user.account, user.active))).collect();
    let expected =
        vec![Some((gus(), true)), None, Some((alice(), true)), None, None, Some((of_root("carl"), false))];
    same("users", &told, &expected)
}

async fn accounts_that_are_gone(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.happen(Event::DeleteUser { organization: "root".into(), id: "u-alice".into() }).await?;
    t.happen(Event::DeleteUser { organization: "partner".into(), id: "p-gus".into() }).await?;
    let users =
        ok("get-users", t.host.directory.get_users(&t.admin(), "root".into(), vec![alice(), gus()]).await)?;
    same("users", &users, &vec![None, None])
}

async fn who_is_gone_is_no_guest(ground: Ground) -> Outcome {
    let t = ground.world("addresses").await?;
    t.happen(Event::AddMember { organization: "acme".into(), account: gus() }).await?;
    t.happen(Event::DeleteUser { organization: "partner".into(), id: "p-gus".into() }).await?;
    same(
        "as whom they were known",
        &found(&t, None, &["gusguest", "gus@partner.example"]).await?,
        &vec![None; 2],
    )?;
    let anew = |name: &str| NewUser { id: format!("u-{name}2"), name: name.into(), store: None, email: None };
    t.happen(Event::AddUser { organization: "root".into(), user: anew("gusguest") }).await?;
    same("who has the name", &found(&t, None, &["gusguest"]).await?, &vec![Some(of_root("gusguest2"))])?;
    t.happen(Event::AddUser { organization: "acme".into(), user: anew("gus") }).await?;
    t.happen(Event::DeleteOrganization { organization: "partner".into() }).await?;
    same("of a deleted organization", &found(&t, None, &["piaguest"]).await?, &vec![None])?;
    t.happen(Event::AddUser { organization: "root".into(), user: anew("piaguest") }).await?;
    same("who has that name", &found(&t, None, &["piaguest"]).await?, &vec![Some(of_root("piaguest2"))])?;
    same(
        "who has the address",
        &found(&t, None, &["pia@partner.example"]).await?,
        &vec![Some(of_root("pia"))],
    )
}

async fn a_hundred_accounts(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let accounts =
        |count: usize| (0..count).map(|number| of_root(&format!("{number:03}"))).collect::<Vec<_>>();
    let users = ok("get-users", t.host.directory.get_users(&t.admin(), "root".into(), accounts(100)).await)?;
    same("users found", &users.iter().flatten().count(), &100)?;
    invalid("101 accounts", &t.host.directory.get_users(&t.admin(), "root".into(), accounts(101)).await)
}

async fn the_former_parent(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.happen(Event::MoveOrganization { organization: "acme".into(), parent: Some("partner".into()) }).await?;
    for call in [t.invitee(alice()), t.sweep()] {
        let users = ok("get-users", t.host.directory.get_users(&call, "root".into(), vec![alice()]).await)?;
        same("users found", &users.iter().flatten().count(), &1)?;
        denied("another", &t.host.directory.get_users(&call, "globex".into(), vec![gina()]).await)?;
    }
    Ok(())
}
