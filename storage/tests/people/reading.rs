//! What is only read: every question, by everybody, about every place, in two worlds.

use guestlist_contract::{
    directory::LookupError,
    host::{Call, Operation},
    types::{HostError, Principal, UserRef},
};

use super::both::{Both, alice, ann, group, key, role, user};

const PLACES: [&str; 6] = ["root", "acme", "globex", "partner", "nowhere", "ro\0ot"];

fn accounts() -> Vec<UserRef> {
    let ids = ["u-alice", "u-bob", "u-bob2", "u-carl", "u-dora", "u-gus", "u-nobody", "u-al\0ice"];
    let mut accounts: Vec<_> = ids.iter().map(|id| user("root", id)).collect();
    accounts.extend([
        user("root", "u-namesake"),
        user("acme", "u-ann"),
        user("partner", "u-gus0"),
        user("globex", "u-gina"),
        user("x", ""),
    ]);
    accounts
}

/// Calls of every kind.
fn calls(both: &Both) -> Vec<Call> {
    let person = |account| Principal::User(account);
    let call = |operation, place, caller| both.memory.call(operation, place, caller);
    let found = call(Operation::Accept, Some("acme"), Principal::Anonymous);
    found.admit(&key("inv-a"));
    vec![
        call(Operation::Invite, Some("acme"), ann()),
        call(Operation::Sweep, Some("acme"), Principal::System),
        call(Operation::List, Some("globex"), person(user("globex", "u-gina"))),
        call(Operation::List, Some("root"), person(alice())),
        call(Operation::Accept, None, person(alice())),
        call(Operation::Accept, Some("acme"), person(alice())),
        call(Operation::ListMine, None, person(user("root", "u-bob"))),
        call(Operation::Introspect, None, Principal::Anonymous),
        call(Operation::Accept, Some("acme"), Principal::Anonymous),
        found,
    ]
}

/// Asks everything that there is to be asked.
async fn ask_everything(both: &Both) {
    let principals = accounts().into_iter().map(Principal::User);
    let others = ["hr", "xx"].map(|id| Principal::Client(id.into()));
    let principals: Vec<_> =
        principals.chain(others).chain([Principal::Anonymous, Principal::System]).collect();
    let grants =
        || vec![group("g-help"), role("r-admin"), group("r-admin"), group("g-own"), group("g\0help")];
    for call in calls(both) {
        for place in PLACES {
            let there = || place.to_owned();
            let organization = |host: guestlist_contract::host::Host, call: std::sync::Arc<Call>| async move {
                host.directory.get_organization(&call, there()).await
            };
            both.ask(&call, organization).await.ok();
            both.ask(&call, |host, call| async move { host.settings.get(&call, there()).await }).await.ok();
            both.ask(&call, |host, call| async move {
                host.directory.get_users(&call, there(), accounts()).await
            })
            .await
            .ok();
            both.ask(&call, |host, call| async move {
                host.membership.eligible(&call, there(), accounts(), grants()).await
            })
            .await
            .ok();
            for who in &principals {
                both.ask(&call, |host, call| async move {
                    host.directory.standing(&call, there(), who.clone()).await
                })
                .await
                .ok();
                both.ask(&call, |host, call| async move {
                    host.membership.resolve(&call, there(), who.clone(), grants()).await
                })
                .await
                .ok();
            }
            find_everybody(both, &call, place).await;
        }
    }
}

async fn find_everybody(both: &Both, call: &Call, place: &str) {
    let names = [
        "alice",
        "ALICE",
        "al\u{131}ce",
        "al\0ice",
        "alice@example.com",
        "PRIMARY/alice",
        "primary/alice",
        "secondary/bob",
        "SECONDARY/BOB@EXAMPLE.COM",
        "bob",
        "Bob",
        "bob@example.com",
        "nowhere/bob",
        "silent/bob",
        "dora@example.com",
        "gus.guest",
        "gus@partner.example",
        "\u{212A}arl",
        "carl",
        "carl/alice",
        "/alice",
        "",
        "%",
        "ann",
    ];
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    for domain in
        [None, Some("PRIMARY"), Some("secondary"), Some("SILENT"), Some("nowhere"), Some("PRI\0MARY")]
    {
        let names = names.clone();
        both.ask(call, |host, call| {
            let (names, domain) = (names.clone(), domain.map(str::to_owned));
            async move {
                match host.directory.find_users(&call, place.to_owned(), domain, names).await {
                    Ok(found) => Ok(found),
                    Err(LookupError::Host(error)) => Err(format!("{error:?}")),
                    Err(other) => Err(format!("{other:?}")),
                }
            }
        })
        .await
        .ok();
    }
}

#[tokio::test]
async fn every_question_has_the_same_answer() {
    let both = Both::new().await;
    ask_everything(&both).await;
    let call = both.memory.call(Operation::Invite, Some("acme"), ann());
    let namesake = both
        .ask(&call, |host, call| async move {
            host.membership.eligible(&call, "acme".into(), vec![user("root", "u-namesake")], vec![]).await
        })
        .await;
    assert!(namesake.unwrap()[0].name_taken);
    both.invite(alice()).await;
    both.memory.set_store_answers("root", "silent", false).unwrap();
    both.administration().set_store_answers("root", "silent", false).await.unwrap();
    ask_everything(&both).await;
}

#[tokio::test]
async fn every_question_has_the_same_answer_when_much_is_gone() {
    let both = Both::new().await;
    both.invite(alice()).await;
    let (memory, administration) = (&both.memory, both.administration());
    memory.move_organization("acme", Some("partner")).unwrap();
    administration.move_organization("acme", Some("partner")).await.unwrap();
    memory.remove_user("partner", "u-gus0").unwrap();
    administration.remove_user("partner", "u-gus0").await.unwrap();
    ask_everything(&both).await;
    memory.delete_organization("acme").unwrap();
    administration.delete_organization("acme").await.unwrap();
    ask_everything(&both).await;
    memory.delete_organization("root").unwrap();
    administration.delete_organization("root").await.unwrap();
    ask_everything(&both).await;
}

#[tokio::test]
async fn what_is_too_much_is_refused_in_the_same_words() {
    let both = Both::new().await;
    let call = both.memory.call(Operation::Invite, Some("acme"), ann());
    let names = |count: usize, bytes: usize| vec!["x".repeat(bytes); count];
    for (names, domain) in
        [(names(101, 1), None), (names(1, 255), None), (names(1, 1), Some("x".repeat(256)))]
    {
        let refused = both
            .ask(&call, |host, call| {
                let (names, domain) = (names.clone(), domain.clone());
                async move {
                    match host.directory.find_users(&call, "root".into(), domain, names).await {
                        Err(LookupError::Host(error)) => error,
                        other => panic!("{other:?}"),
                    }
                }
            })
            .await;
        assert!(matches!(refused, HostError::Invalid(_)));
    }
    let many = || vec![alice(); 101];
    both.ask(&call, |host, call| async move { host.directory.get_users(&call, "root".into(), many()).await })
        .await
        .unwrap_err();
    both.ask(&call, |host, call| async move {
        host.membership.eligible(&call, "acme".into(), many(), Vec::new()).await
    })
    .await
    .unwrap_err();
    for grants in [vec![group("g"); 51], vec![group("")], vec![group(&"x".repeat(256))]] {
        both.ask(&call, |host, call| {
            let grants = grants.clone();
            async move { host.membership.resolve(&call, "acme".into(), ann(), grants).await }
        })
        .await
        .unwrap_err();
    }
}
