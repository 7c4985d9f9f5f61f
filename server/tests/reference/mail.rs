//! E-mails, from an invite to the mail system and back.

use std::{collections::BTreeSet, path::Path};

use guestlist_contract::types::MessageKind;
use guestlist_mail::{Folder, Kept};
use guestlist_storage::{DeliveryRecord, DeliveryState};
use serde_json::{Value, json};

use crate::{
    http::Ask,
    place::{DAY, Guests, HOUR, Place, run, until, user},
    stub::{Act, Script, Stub},
};

fn world(first: &str, settings: &str) -> String {
    let child = |id: &str| {
        format!(
            r"  - id: {id}
    name: {id} Inc
    parent: vendor
    users:
      - {{ id: u-ann, name: ann, email: ann@{id}.example }}
      - {{ id: u-cleo, name: cleo, email: cleo@{id}.example }}
      - {{ id: u-cyd, name: cyd, email: cyd@{id}.example }}
      - {{ id: u-ian, name: ian, email: ian@{id}.example }}
    groups: [{{ id: g-help, name: Help desk }}]
    roles:
      - {{ id: administrator, name: Administrator, permissions: [all], members: [u-ann] }}
      - {{ id: r-approver, name: Approver, permissions: [approve, view], members: [u-cleo, u-cyd] }}
      - {{ id: r-inviter, name: Inviter, permissions: [invite, view], members: [u-ian] }}
      - {{ id: r-lead, name: Lead, permissions: [view] }}
    settings: {settings}
"
        )
    };
    let parent = r"organizations:
  - id: vendor
    name: Vendor Inc
    users:
      - { id: u-alice, name: alice, email: alice@vendor.example }
      - { id: u-bob, name: bob, email: bob@vendor.example }
      - { id: u-carol, name: carol, email: carol@vendor.example }
";
    [first, parent, &child("acme"), &child("beta"), &child("gamma")].concat()
}

/// A server that sends by a mail system which does what a test asks for.
async fn with(acts: &[(&'static str, Act)], first: &str) -> (Stub, Place) {
    let stub = Stub::start(Script { acts: acts.to_vec(), ..Script::default() }).await;
    let place = Place::start(&world(first, "{}"), |config| {
        config.mail.host = Some("localhost".into());
        config.mail.port = Some(stub.address.port());
        config.mail.ca_file = Some(stub.ca());
        config.limits.shutdown.0 = 100;
    })
    .await;
    (stub, place)
}

async fn guests<'a>(place: &'a Place, organization: &str) -> Guests<'a> {
    let token = place.token_of(organization, &user(organization, "u-ann")).await;
    Guests { place, root: "vendor", organization: organization.into(), token }
}

async fn alice(place: &Place) -> String {
    place.token_of("vendor", &user("vendor", "u-alice")).await
}

/// What is known of the newest e-mail with a code, as soon as it is in this state.
async fn record(at: &Guests<'_>, id: &str, state: DeliveryState) -> DeliveryRecord {
    let look = async || {
        let all = at.place.accounts.deliveries_of(&at.organization, id).await.unwrap();
        let of_code = all.into_iter().find(|record| record.kind == MessageKind::Invitation);
        of_code.filter(|record| record.state == state)
    };
    until(&format!("an e-mail that is {state:?}"), look).await
}

/// The word for the e-mail that the list has.
async fn mail_word(at: &Guests<'_>) -> Value {
    at.list("?view=extended").await.is(200).json()["invitations"][0]["mail"].clone()
}

/// A message that the mail system got.
async fn read(message: &str) -> Kept {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("1.eml"), message).unwrap();
    Folder::open(folder.path()).await.unwrap().list().await.unwrap().remove(0)
}

async fn code_of(message: &str) -> String {
    let kept = read(message).await;
    let link = kept.links.first().unwrap_or_else(|| panic!("no link in {message}"));
    let (page, code) = link.split_once('#').unwrap();
    assert_eq!(page, "https://id.example/t/vendor/invitation");
    code.to_owned()
}

#[test]
fn an_invitation_is_handed_over_with_the_words_of_the_mail_system() {
    run(async {
        let (stub, place) = with(&[], "").await;
        let at = guests(&place, "acme").await;
        at.invite(&json!({ "usernames": ["alice"], "groups": ["g-help"] })).await.is(200);
        let id = at.id_of("alice").await;
        let record = record(&at, &id, DeliveryState::HandedOver).await;
        assert_eq!((record.words.as_deref(), record.next_at), (Some("queued as 4711"), None));
        assert_eq!(mail_word(&at).await, "SENT");
        let [message] = stub.messages().try_into().unwrap();
        assert_eq!(read(&message).await.to, "alice@vendor.example");
        at.accept(Some(&alice(&place).await), &code_of(&message).await).await.is(204);
    });
}

#[test]
fn what_is_not_taken_for_now_is_tried_again() {
    run(async {
        let (stub, place) = with(&[("RCPT", Act::Say("451 4.3.0 come back later"))], "").await;
        let at = guests(&place, "acme").await;
        at.invite(&json!({ "usernames": ["alice"] })).await.is(200);
        let id = at.id_of("alice").await;
        let waiting = record(&at, &id, DeliveryState::Retrying).await;
        assert!(waiting.words.unwrap().contains("come back later"));
        assert_eq!(mail_word(&at).await, "QUEUED");
        let next = waiting.next_at.unwrap();
        assert!(next > place.now(), "it is not tried at once");
        assert_eq!(stub.messages().len(), 0);
        place.pass(next - place.now());
        record(&at, &id, DeliveryState::HandedOver).await;
        let [message] = stub.messages().try_into().unwrap();
        at.accept(Some(&alice(&place).await), &code_of(&message).await).await.is(204);
    });
}

#[test]
fn what_is_refused_is_told_with_the_words_and_not_tried_again() {
    run(async {
        let (stub, place) = with(&[("RCPT", Act::Say("550 5.1.1 nobody of that name"))], "").await;
        let at = guests(&place, "acme").await;
        at.invite(&json!({ "usernames": ["alice"] })).await.is(200);
        let id = at.id_of("alice").await;
        let refused = record(&at, &id, DeliveryState::Refused).await;
        assert!(refused.words.unwrap().contains("nobody of that name"));
        let word = async || Some(mail_word(&at).await).filter(|word| word == "UNDELIVERABLE");
        until("the list says so", word).await;
        assert_eq!((refused.next_at, stub.messages().len()), (None, 0));
    });
}

#[test]
fn a_connection_that_is_cut_at_the_end_of_a_message_means_sending_it_once_more() {
    run(async {
        let (stub, place) = with(&[(".", Act::Drop)], "").await;
        let at = guests(&place, "acme").await;
        at.invite(&json!({ "usernames": ["alice"] })).await.is(200);
        let id = at.id_of("alice").await;
        let waiting = record(&at, &id, DeliveryState::Retrying).await;
        let first = code_of(&stub.messages()[0]).await;
        let alice = alice(&place).await;
        at.introspect(Some(&alice), &first).await.is(200);
        place.pass(waiting.next_at.unwrap() - place.now());
        record(&at, &id, DeliveryState::HandedOver).await;
        let second = code_of(&stub.messages()[1]).await;
        assert_ne!(first, second);
        let dead = async || (at.introspect(Some(&alice), &first).await.status == 400).then_some(());
        until("the code of the first is dead", dead).await;
        at.accept(Some(&alice), &second).await.is(204);
    });
}

#[test]
fn what_a_server_had_when_it_went_is_given_out_again_by_the_next() {
    run(async {
        let (stub, mut place) = with(&[("RCPT", Act::Hang)], "").await;
        let at = guests(&place, "acme").await;
        at.invite(&json!({ "usernames": ["alice"] })).await.is(200);
        let id = at.id_of("alice").await;
        record(&at, &id, DeliveryState::Queued).await;
        let begun = async || stub.commands().iter().any(|line| line.contains("RCPT")).then_some(());
        until("it is on its way", begun).await;
        assert_eq!(mail_word(&at).await, "QUEUED");
        place.stop().await;
        assert_eq!(stub.messages().len(), 0);
        // Nobody says any more that it is taken care of.
        place.pass(91_000);
        place.begin().await;
        let at = guests(&place, "acme").await;
        record(&at, &id, DeliveryState::HandedOver).await;
        let [message] = stub.messages().try_into().unwrap();
        at.accept(Some(&alice(&place).await), &code_of(&message).await).await.is(204);
    });
}

/// A server with a mailbox of files.
async fn with_folder(settings: &str) -> Place {
    Place::start(&world("", settings), |_| {}).await
}

/// Who has got which e-mail, sorted, as soon as there are so many.
async fn mailed(place: &Place, count: usize) -> Vec<(String, String)> {
    let look = async || Some(place.mails().await).filter(|mails| mails.len() >= count);
    let mails = until(&format!("{count} e-mails"), look).await;
    let mut all: Vec<_> = mails.into_iter().map(|mail| (mail.to, mail.subject)).collect();
    all.sort();
    all
}

#[test]
fn notices_go_to_the_inviter_alone() {
    run(async {
        let place = with_folder("{ notices: [accepted, declined, expired] }").await;
        let at = guests(&place, "acme").await;
        at.invite(&json!({ "usernames": ["alice", "bob", "carol"] })).await.is(200);
        let code = place.mailed_code("alice@vendor.example", 1).await;
        at.accept(Some(&alice(&place).await), &code).await.is(204);
        let to = |mails: &[(String, String)]| mails.iter().map(|(to, _)| to.clone()).collect::<Vec<_>>();
        let invited = ["alice@vendor.example", "bob@vendor.example", "carol@vendor.example"];
        let and_ann =
            |count: usize| [&invited[..1], &vec!["ann@acme.example"; count][..], &invited[1..]].concat();
        assert_eq!(to(&mailed(&place, 4).await), and_ann(1));
        let carol = place.token_of("vendor", &user("vendor", "u-carol")).await;
        let code = place.mailed_code("carol@vendor.example", 1).await;
        let decline = Ask::post("/t/vendor/api/v1/me/invitations/decline").bearer(&carol);
        let declined =
            place.send(decline.json(&json!({ "confirmationCode": code, "reason": "no time" }))).await;
        assert!((200..300).contains(&declined.status), "{declined:?}");
        assert_eq!(to(&mailed(&place, 5).await), and_ann(2));
        place.pass(73 * HOUR);
        let all = mailed(&place, 6).await;
        assert_eq!(to(&all), and_ann(3));
        let said: BTreeSet<_> =
            all.iter().filter(|(to, _)| to == "ann@acme.example").map(|(_, said)| said).collect();
        assert_eq!(said.len(), 3, "they say what has happened: {said:?}");
        // A notice has no code.
        for mail in place.mails().await.iter().filter(|mail| mail.to == "ann@acme.example") {
            assert!(mail.links.iter().all(|link| !link.contains('#')), "{:?}", mail.links);
        }
    });
}

#[test]
fn everybody_who_may_approve_is_asked_and_the_inviter_is_not() {
    run(async {
        let place = with_folder("{ privileged: ['role:r-lead'], notices: [approval-requested] }").await;
        let mut at = guests(&place, "acme").await;
        at.token = place.token_of("acme", &user("acme", "u-ann")).await;
        at.invite(&json!({ "usernames": ["alice"], "roles": ["r-lead"] })).await.is(200);
        let to: Vec<_> = mailed(&place, 2).await.into_iter().map(|(to, _)| to).collect();
        assert_eq!(to, ["cleo@acme.example", "cyd@acme.example"]);
    });
}

#[test]
fn the_request_chooses_the_language() {
    run(async {
        let place = with_folder("{}").await;
        let at = guests(&place, "acme").await;
        at.invite(&json!({ "usernames": ["alice"], "language": "de-AT" })).await.is(200);
        at.invite(&json!({ "usernames": ["bob"] })).await.is(200);
        let mails = mailed(&place, 2).await;
        assert_eq!(mails[0].1, "Einladung in die Organisation acme Inc");
        assert_eq!(mails[1].1, "Invitation to join the acme Inc organization");
        let template = at.invite(&json!({ "usernames": ["bob"], "template": "party" })).await;
        assert_eq!(template.problem(), (400, "UE-10000".into()));
    });
}

/// A message without what differs each time.
fn normal(file: &Path, code: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap().replace("=\r\n", "").replace(code, "CODE");
    let boundaries: Vec<String> = text
        .split("boundary=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"').map(|(boundary, _)| boundary.to_owned()))
        .collect();
    let text = boundaries.iter().fold(text, |text, boundary| text.replace(boundary, "BOUNDARY"));
    let varies = |line: &&str| !line.starts_with("Date:") && !line.starts_with("Message-ID:");
    text.lines().filter(varies).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_header_of_a_request_changes_a_byte_of_an_email() {
    run(async {
        let place = with_folder("{}").await;
        let mut texts = Vec::new();
        for (organization, forged) in [("acme", false), ("acme", true)] {
            let at = guests(&place, organization).await;
            let mut ask = Ask::post(&at.path("/invite")).bearer(&at.token);
            if forged {
                for (name, value) in [
                    ("Host", "evil.example"),
                    ("X-Forwarded-Host", "evil.example"),
                    ("X-Forwarded-Proto", "http"),
                    ("X-Forwarded-Prefix", "/evil"),
                    ("Forwarded", "host=evil.example;proto=http"),
                    ("X-Original-Host", "evil.example"),
                    ("Origin", "https://evil.example"),
                    ("Referer", "https://evil.example/x"),
                    ("Accept-Language", "de"),
                    ("User-Agent", "evil"),
                ] {
                    ask = ask.header(name, value);
                }
            }
            place.send(ask.json(&json!({ "usernames": ["alice"] }))).await.is(200);
            let code = place.mailed_code("alice@vendor.example", texts.len() + 1).await;
            let newest = place.mails().await.remove(0);
            texts.push(normal(&newest.path, &code));
            assert!(texts.last().unwrap().contains("CODE"), "{texts:?}");
            at.delete(&at.id_of("alice").await).await.is(204);
        }
        assert!(!texts[1].contains("evil"), "{}", texts[1]);
        assert_eq!(texts[0], texts[1]);
    });
}

// ---- How many e-mails somebody gets in a day

/// The organizations that have written to alice, in order, once that many e-mails are there.
async fn writers(stub: &Stub, count: usize) -> Vec<String> {
    let look = async || Some(stub.messages()).filter(|messages| messages.len() >= count);
    let mut writers = Vec::new();
    for message in until(&format!("{count} messages"), look).await {
        let subject = read(&message).await.subject;
        writers.push(subject.split(' ').nth(4).unwrap_or_default().to_owned());
    }
    writers
}

#[test]
fn one_person_gets_so_many_emails_a_day_and_organizations_take_turns() {
    run(async {
        let (stub, place) = with(&[], "mails-per-day: 2\n").await;
        let acme = guests(&place, "acme").await;
        let (beta, gamma) = (guests(&place, "beta").await, guests(&place, "gamma").await);
        let alice = json!({ "usernames": ["alice"] });
        acme.invite(&alice).await.is(200);
        assert_eq!(writers(&stub, 1).await, ["acme"]);
        // One organization alone has all but one of the day's.
        acme.delete(&acme.id_of("alice").await).await.is(204);
        acme.invite(&alice).await.is(200);
        assert_eq!(mail_word(&acme).await, "QUEUED");
        beta.invite(&alice).await.is(200);
        assert_eq!(writers(&stub, 2).await, ["acme", "beta"]);
        gamma.invite(&alice).await.is(200);
        assert_eq!(mail_word(&gamma).await, "QUEUED");
        // Somebody else gets theirs.
        gamma.invite(&json!({ "usernames": ["bob"] })).await.is(200);
        writers(&stub, 3).await;
        // There is no room before a day has passed, and then whoever wrote to her last waits for the others.
        place.pass(DAY - 1_000);
        let id = gamma.id_of("alice").await;
        assert_eq!(place.accounts.deliveries_of("gamma", &id).await.unwrap(), [], "nothing was handed over");
        for _ in 0..3 {
            place.pass(2 * HOUR);
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let all = writers(&stub, 5).await;
        let mut rest = all[3..].to_vec();
        rest.sort();
        assert_eq!(rest, ["acme", "gamma"], "{all:?}");
    });
}

#[test]
fn an_email_that_nobody_got_does_not_count() {
    run(async {
        let (stub, place) = with(&[("RCPT", Act::Say("550 no"))], "mails-per-day: 1\n").await;
        let acme = guests(&place, "acme").await;
        let alice = json!({ "usernames": ["alice"] });
        acme.invite(&alice).await.is(200);
        record(&acme, &acme.id_of("alice").await, DeliveryState::Refused).await;
        let beta = guests(&place, "beta").await;
        beta.invite(&alice).await.is(200);
        assert_eq!(writers(&stub, 1).await, ["beta"]);
        let gamma = guests(&place, "gamma").await;
        gamma.invite(&alice).await.is(200);
        assert_eq!(mail_word(&gamma).await, "QUEUED", "that one counts");
    });
}
