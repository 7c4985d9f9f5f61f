//! Gives somebody another address: whoever reads the old mailbox has codes that must be worth nothing.

use super::prelude::*;

const AREA: &str = "readdressing";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        codes_of_pending_ones_die,
        "With another address all codes of a resident's pending invitations die, in every organization."
    ),
    case!(AREA, for_a_bearer_as_well, "Where a code is enough, nobody comes in with an old one."),
    case!(
        AREA,
        the_invitee_still_sees_them,
        "The rows stay pending and as they were, and their invitee goes on seeing and claiming them."
    ),
    case!(
        AREA,
        a_later_code_works,
        "A code that is made afterwards works, and its mail is delivered as any."
    ),
    case!(AREA, codes_of_others_live, "Codes of other people live on."),
    case!(
        AREA,
        what_has_ended_keeps_its_code,
        "What has ended is still found by its code, so that its invitee is told what became of it."
    ),
    case!(AREA, who_has_none_any_more, "It is the same for somebody who has no address any more."),
];

async fn readdress(t: &Trial, organization: &str, id: &str, email: Option<&str>) -> Outcome {
    let (organization, id) = (organization.to_owned(), id.to_owned());
    t.happen(Event::SetEmail { organization, id, email: email.map(str::to_owned) }).await
}

async fn alice_moves(t: &Trial) -> Outcome {
    readdress(t, "root", "u-alice", Some("alice@new.example")).await
}

async fn codes_of_pending_ones_die(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.change("a", Change { code: CodeChange::Add(code("more")), ..change(State::Pending) }).await?;
    let request = Batch { grants: vec![], ..batch("one", vec![draft("g", alice())]) };
    ok("insert", t.host.storage.insert(&t.by(gina()), "globex".into(), request).await)?;
    alice_moves(&t).await?;
    for name in ["a", "more", "g"] {
        same(&format!("code {name}"), &t.by_code(&t.invitee(alice()), name).await?, &None)?;
    }
    t.insert(draft("p", gus())).await?;
    readdress(&t, "partner", "p-gus", Some("gus@new.example")).await?;
    same("a guest's code", &t.by_code(&t.invitee(gus()), "p").await?, &None)
}

async fn for_a_bearer_as_well(ground: Ground) -> Outcome {
    let t = ground.acme(|settings| settings.accept_with = AcceptWith::Code).await?;
    t.insert(Draft { accept_with: AcceptWith::Code, ..draft("a", alice()) }).await?;
    same("before", &t.by_code(&t.bearer(), "a").await?, &Some(id("a")))?;
    alice_moves(&t).await?;
    same("after", &t.by_code(&t.bearer(), "a").await?, &None)
}

async fn the_invitee_still_sees_them(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let before = t.row("a").await?;
    alice_moves(&t).await?;
    same("the row", &t.row("a").await?, &before)?;
    let mine = ok("mine", t.host.storage.mine(&t.invitee(alice()), vec![], None, 10).await)?;
    same("mine", &ids(&mine.items), &vec![id("a")])?;
    ok("get", t.host.storage.get(&t.invitee(alice()), key("a")).await)?;
    let call = t.invitee(alice());
    let claim = t.host.storage.transition(&call, key("a"), guard(1, &STATES), change(State::Accepting)).await;
    same("a claim", &ok("a claim", claim)?.applied, &true)
}

async fn a_later_code_works(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    alice_moves(&t).await?;
    let later = Change { code: CodeChange::Add(code("later")), ..resend("later") };
    let version = t.change("a", later).await?.version;
    same("the later code", &t.by_code(&t.invitee(alice()), "later").await?, &Some(id("a")))?;
    let (invitation, kind) = (id("a"), MessageKind::Invitation);
    t.settle(vec![Delivery { invitation, version, kind, outcome: DeliveryOutcome::Delivered }]).await?;
    same("when its mail was delivered", &t.by_code(&t.invitee(alice()), "later").await?, &Some(id("a")))?;
    same("the older one", &t.by_code(&t.invitee(alice()), "a").await?, &None)?;
    ok("get", t.host.storage.get(&t.invitee(alice()), key("a")).await).map(drop)
}

async fn codes_of_others_live(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.insert(draft("b", bob())).await?;
    // Of the same id in another organization.
    readdress(&t, "partner", "u-alice", Some("other@new.example")).await?;
    same("alice's", &t.by_code(&t.invitee(alice()), "a").await?, &Some(id("a")))?;
    alice_moves(&t).await?;
    same("bob's", &t.by_code(&t.invitee(bob()), "b").await?, &Some(id("b")))
}

async fn what_has_ended_keeps_its_code(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    t.go("a", State::Revoked).await?;
    alice_moves(&t).await?;
    same("by-code", &t.by_code(&t.invitee(alice()), "a").await?, &Some(id("a")))
}

async fn who_has_none_any_more(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    readdress(&t, "root", "u-alice", None).await?;
    same("by-code", &t.by_code(&t.invitee(alice()), "a").await?, &None)?;
    ok("get", t.host.storage.get(&t.invitee(alice()), key("a")).await).map(drop)
}
