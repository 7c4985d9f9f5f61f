//! `notifications.send`: who may be written to, and what with.
//!
//! E-mails are really sent: a candidate gives an e-mail system that keeps them to itself.

use super::prelude::*;

const AREA: &str = "sending";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        each_message_has_an_answer,
        "Each message has one entry, in order, whatever became of the others."
    ),
    case!(
        AREA,
        a_code_goes_to_the_subject_alone,
        "A code is sent to the invitation's subject and to nobody else."
    ),
    case!(AREA, notices_go_to_the_inviter, "Notices go to the inviter and to nobody else."),
    case!(AREA, who_has_no_address, "Who has no address is `no-address`."),
    case!(AREA, other_organizations_are_denied, "Nothing is sent in the name of another organization."),
    case!(AREA, at_most_100, "100 messages are taken, 101 are `invalid`."),
    case!(
        AREA,
        only_so_many_a_day,
        "Beyond what one person gets in a day the answer is `throttled`, for him alone, over all organizations."
    ),
    case!(
        AREA,
        organizations_take_turns,
        "While the mail of one organization waits for a person, another that was the last to write is `throttled`."
    )
    .exact(),
    case!(
        AREA,
        nobody_waits_for_what_has_ended,
        "A mail that is not to be sent any more keeps no other organization waiting."
    )
    .exact(),
];

fn message(name: &str, to: UserRef) -> Message {
    Message {
        invitation: id(name),
        version: 1,
        kind: MessageKind::Invitation,
        to: Recipient::User(to),
        inviter: Principal::User(ann()),
        code: Some("inv1_0000000000000000000000000000000000000000000000000".into()),
        expires_at: None,
        language: None,
    }
}

fn notice(kind: MessageKind, to: UserRef) -> Message {
    Message { kind, code: None, ..message("a", to) }
}

type Sent = Vec<Result<guestlist_contract::notifications::Sent, SendError>>;

async fn send(t: &Trial, messages: Vec<Message>) -> Outcome<Sent> {
    let count = messages.len();
    let answer = t.host.notifications.send(&t.admin(), "acme".into(), None, messages).await;
    let sent = ok("send", answer)?;
    same("the length of what `send` answers", &sent.len(), &count)?;
    Ok(sent)
}

fn words(sent: &Sent) -> Vec<&'static str> {
    let word = |sent: &Result<_, SendError>| match sent {
        Ok(_) => "sent",
        Err(SendError::NoAddress) => "no-address",
        Err(SendError::Host(HostError::Denied(_))) => "denied",
        Err(SendError::Host(HostError::Throttled(_))) => "throttled",
        Err(_) => "another error",
    };
    sent.iter().map(word).collect()
}

async fn each_message_has_an_answer(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (name, who) in [("a", alice()), ("b", of_root("mute")), ("c", carol())] {
        t.insert(draft(name, who)).await?;
    }
    let messages = vec![
        message("c", carol()),
        message("b", of_root("mute")),
        message("a", bob()),
        message("a", alice()),
    ];
    same("send", &words(&send(&t, messages).await?), &vec!["sent", "no-address", "denied", "sent"])
}

async fn a_code_goes_to_the_subject_alone(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let others = [bob(), ann(), user("partner", "u-alice")];
    let mut messages: Vec<_> = others.into_iter().map(|who| message("a", who)).collect();
    messages.push(message("never", alice()));
    same("send", &words(&send(&t, messages).await?), &vec!["denied"; 4])
}

async fn notices_go_to_the_inviter(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let messages = vec![
        notice(MessageKind::Accepted, ann()),
        notice(MessageKind::Declined, alice()),
        notice(MessageKind::Expired, deputy()),
        notice(MessageKind::Failed, ann()),
        notice(MessageKind::Failed, alice()),
        notice(MessageKind::Revoked, ann()),
        notice(MessageKind::Revoked, alice()),
    ];
    let expected = vec!["sent", "denied", "denied", "sent", "denied", "sent", "denied"];
    same("send", &words(&send(&t, messages).await?), &expected)
}

async fn who_has_no_address(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", of_root("mute"))).await?;
    same("send", &words(&send(&t, vec![message("a", of_root("mute"))]).await?), &vec!["no-address"])
}

async fn other_organizations_are_denied(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let answer =
        t.host.notifications.send(&t.by(gina()), "acme".into(), None, vec![message("a", alice())]).await;
    denied("by the sibling's administrator", &answer)?;
    let answer =
        t.host.notifications.send(&t.admin(), "globex".into(), None, vec![message("a", alice())]).await;
    denied("in the sibling's name", &answer)
}

async fn at_most_100(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", of_root("mute"))).await?;
    let many = |count: usize| vec![message("a", of_root("mute")); count];
    invalid("101 messages", &t.host.notifications.send(&t.admin(), "acme".into(), None, many(101)).await)?;
    same("100 messages", &words(&send(&t, many(100)).await?), &vec!["no-address"; 100])
}

async fn only_so_many_a_day(ground: Ground) -> Outcome {
    let t = ground.world("mails").await?;
    t.insert(draft("a", alice())).await?;
    t.insert(draft("b", bob())).await?;
    let request = Batch { grants: vec![], ..batch("one", vec![draft("g", alice())]) };
    ok("insert", t.host.storage.insert(&t.by(gina()), "globex".into(), request).await)?;
    let theirs = vec![Message { inviter: Principal::User(gina()), ..message("g", alice()) }];
    let sent = ok("send", t.host.notifications.send(&t.by(gina()), "globex".into(), None, theirs).await)?;
    same("the first, by another organization", &words(&sent), &vec!["sent"])?;
    let messages = vec![message("a", alice()), message("a", alice()), message("b", bob())];
    same("the others", &words(&send(&t, messages).await?), &vec!["sent", "throttled", "sent"])
}

const DAY: u64 = 24 * 3_600_000;

/// Alice, who gets one mail in a day, is invited to `acme` (`a`) and to `globex` (`g`), for ever.
async fn two_who_write(ground: &Ground) -> Outcome<Trial> {
    let t = ground.world("one-mail").await?;
    t.insert(Draft { lifetime: None, ..draft("a", alice()) }).await?;
    let theirs = Draft { lifetime: None, ..draft("g", alice()) };
    let request = Batch { grants: vec![], ..batch("one", vec![theirs]) };
    ok("insert", t.host.storage.insert(&t.by(gina()), "globex".into(), request).await)?;
    Ok(t)
}

async fn write(t: &Trial, organization: &str) -> Outcome<Vec<&'static str>> {
    let (who, name) = if organization == "acme" { (ann(), "a") } else { (gina(), "g") };
    let inviter = Principal::User(who.clone());
    let messages = vec![Message { inviter, ..message(name, alice()) }];
    let answer = t.host.notifications.send(&t.by(who), organization.into(), None, messages).await;
    Ok(words(&ok("send", answer)?))
}

async fn organizations_take_turns(ground: Ground) -> Outcome {
    let t = two_who_write(&ground).await?;
    same("the first", &write(&t, "globex").await?, &vec!["sent"])?;
    same("the other on the same day", &write(&t, "acme").await?, &vec!["throttled"])?;
    t.pass(DAY).await?;
    same("the first again, on the next day", &write(&t, "globex").await?, &vec!["throttled"])?;
    same("the one that waits", &write(&t, "acme").await?, &vec!["sent"])?;
    t.pass(DAY).await?;
    same("the other way round", &write(&t, "acme").await?, &vec!["throttled"])?;
    same("the one that waits now", &write(&t, "globex").await?, &vec!["sent"])
}

async fn nobody_waits_for_what_has_ended(ground: Ground) -> Outcome {
    let t = two_who_write(&ground).await?;
    write(&t, "globex").await?;
    same("the other on the same day", &write(&t, "acme").await?, &vec!["throttled"])?;
    t.go("a", State::Revoked).await?;
    t.pass(DAY).await?;
    same("the first again", &write(&t, "globex").await?, &vec!["sent"])
}
