//! What a mail system may do, and what is said of the message then.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod stub;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use guestlist_mail::{
    AccessTokens, Encryption, Failure, Kind, Language, Letter, Login, Message, NotSent, Sender, Smtp,
    SmtpSettings, Stage, Transport, compose,
};
use stub::{Act, Script, Stub, Tls};

const LINK: &str = "https://id.example/accept#code=Zm9vYmFyYmF6cXV4";

fn message_to(to: &str) -> Message {
    let letter =
        Letter { link: Some(LINK.to_owned()), ..Letter::new(Kind::Invitation, to, "Acme", "Guestlist") };
    let sender = Sender::new("Guestlist", "no-reply@id.example", None).unwrap();
    compose(&letter, Language::German, &sender).unwrap()
}

fn message() -> Message {
    message_to("guest@example.org")
}

fn settings(stub: &Stub) -> SmtpSettings {
    SmtpSettings {
        port: Some(stub.address.port()),
        ca: Some(stub.ca()),
        hello: Some("id.example".to_owned()),
        ..SmtpSettings::new("localhost")
    }
}

async fn with(acts: &[(&'static str, Act)]) -> (Stub, Smtp) {
    let stub = Stub::start(Script { acts: acts.to_vec(), ..Script::default() }).await;
    let smtp = Smtp::new(settings(&stub)).unwrap();
    (stub, smtp)
}

fn transient(result: Result<impl Sized, NotSent>) -> Failure {
    match result.map(|_| ()) {
        Err(NotSent::Transient(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

fn permanent(result: Result<impl Sized, NotSent>) -> Failure {
    match result.map(|_| ()) {
        Err(NotSent::Permanent(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

fn unknown(result: Result<impl Sized, NotSent>) -> Failure {
    match result.map(|_| ()) {
        Err(NotSent::Unknown(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

fn has_no_secret(commands: &[String]) -> bool {
    commands.iter().all(|command| {
        ["MAIL", "RCPT", "DATA", "AUTH"].iter().all(|verb| !command.trim_start_matches('*').starts_with(verb))
    })
}

#[tokio::test]
async fn it_is_sent_when_the_mail_system_has_said_so_and_encrypted() {
    let (stub, smtp) = with(&[]).await;
    let message = message();
    let handed_over = smtp.hand_over(&message).await.unwrap();
    assert_eq!(handed_over.words, "queued as 4711");
    // The end of the message is on a line of its own.
    assert_eq!(stub.messages(), [String::from_utf8(message.formatted()).unwrap() + "\r\n"]);
    assert_eq!(
        stub.commands(),
        [
            "EHLO id.example",
            "STARTTLS",
            "*EHLO id.example",
            "*MAIL FROM:<no-reply@id.example>",
            "*RCPT TO:<guest@example.org>",
            "*DATA"
        ]
    );
}

#[tokio::test]
async fn tls_from_the_start_has_nothing_in_the_clear() {
    let stub = Stub::start(Script { tls: Tls::FromTheStart, ..Script::default() }).await;
    let smtp = Smtp::new(SmtpSettings { encryption: Encryption::Tls, ..settings(&stub) }).unwrap();
    smtp.hand_over(&message()).await.unwrap();
    assert_eq!(stub.messages().len(), 1);
    assert!(stub.commands().iter().all(|command| command.starts_with('*')), "{:?}", stub.commands());
}

#[tokio::test]
async fn a_mail_system_without_encryption_gets_nothing_unless_it_is_said() {
    let stub = Stub::start(Script { tls: Tls::Never, ..Script::default() }).await;
    let failure = transient(Smtp::new(settings(&stub)).unwrap().hand_over(&message()).await);
    assert_eq!(failure.stage, Stage::Tls);
    assert!(failure.words.contains("does not offer STARTTLS"), "{failure}");
    assert!(has_no_secret(&stub.commands()), "{:?}", stub.commands());

    let plain = SmtpSettings { encryption: Encryption::None, ..settings(&stub) };
    Smtp::new(plain).unwrap().hand_over(&message()).await.unwrap();
    assert_eq!(stub.messages().len(), 1);
}

#[tokio::test]
async fn a_certificate_that_is_not_believed_gets_nothing() {
    for (tls, encryption) in [(Tls::OnDemand, Encryption::StartTls), (Tls::FromTheStart, Encryption::Tls)] {
        let stub = Stub::start(Script { tls, ..Script::default() }).await;
        let other = Stub::start(Script::default()).await;
        // Another authority, those of this machine, and a name that it was not made for.
        for (host, ca, advice) in [
            ("localhost", Some(other.ca()), "nobody who is believed has signed it"),
            ("localhost", None, "nobody who is believed has signed it"),
            ("127.0.0.1", Some(stub.ca()), "made for another host name"),
        ] {
            let settings = SmtpSettings { encryption, ca, host: host.to_owned(), ..settings(&stub) };
            let failure = transient(Smtp::new(settings).unwrap().hand_over(&message()).await);
            assert_eq!(failure.stage, Stage::Tls, "{failure}");
            assert!(failure.words.contains(advice), "{failure}");
        }
        assert!(has_no_secret(&stub.commands()), "{:?}", stub.commands());
    }
}

#[tokio::test]
async fn answers_that_somebody_adds_before_the_encryption_are_not_taken_for_the_mail_systems() {
    let answers = "250 stub\r\n250 fine\r\n250 fine\r\n354 go on\r\n250 queued as 1\r\n";
    let stub = Stub::start(Script { tls: Tls::Injected(answers), ..Script::default() }).await;
    let failure = transient(Smtp::new(settings(&stub)).unwrap().hand_over(&message()).await);
    assert_eq!(failure.stage, Stage::Tls, "{failure}");
    assert!(has_no_secret(&stub.commands()), "{:?}", stub.commands());
}

#[tokio::test]
async fn what_the_mail_system_refuses_for_now_may_be_sent_later() {
    for (on, stage) in
        [("MAIL", Stage::Sender), ("RCPT", Stage::Recipient), ("DATA", Stage::Data), (".", Stage::Content)]
    {
        let (stub, smtp) = with(&[(on, Act::Say("451-4.7.1 greylisted\r\n451 come back later"))]).await;
        let failure = transient(smtp.hand_over(&message()).await);
        assert_eq!((failure.stage, failure.code), (stage, Some(451)));
        assert_eq!(failure.words, "4.7.1 greylisted come back later");
        // The same connection takes the next try.
        smtp.hand_over(&message()).await.unwrap();
        assert_eq!(stub.connections(), 1);
    }
}

#[tokio::test]
async fn what_the_mail_system_refuses_for_good_is_told_in_its_words() {
    for (on, stage) in
        [("MAIL", Stage::Sender), ("RCPT", Stage::Recipient), ("DATA", Stage::Data), (".", Stage::Content)]
    {
        let (stub, smtp) = with(&[(on, Act::Say("550 no such\u{7f}\tuser"))]).await;
        let result = smtp.hand_over(&message()).await;
        assert_eq!(result.as_ref().unwrap_err().is_about_the_address(), stage == Stage::Recipient);
        let failure = permanent(result);
        assert_eq!((failure.stage, failure.code), (stage, Some(550)));
        assert_eq!(failure.words, "no such user");
        smtp.hand_over(&message()).await.unwrap();
        assert_eq!(stub.connections(), 1);
        let dot = usize::from(on == ".");
        assert_eq!(stub.messages().len(), 1 + dot);
    }
}

#[tokio::test]
async fn words_of_a_mail_system_are_bounded() {
    let line: &'static str = Box::leak(format!("550 {}", "x".repeat(900)).into_boxed_str());
    let (_stub, smtp) = with(&[("RCPT", Act::Say(line))]).await;
    assert_eq!(permanent(smtp.hand_over(&message()).await).words.chars().count(), 501);
    let (_stub, smtp) = with(&[(".", Act::Say("250 \u{202e}dne\u{1b}[2J"))]).await;
    assert_eq!(smtp.hand_over(&message()).await.unwrap().words, "dne [2J");
}

#[tokio::test]
async fn the_code_is_in_no_words_that_a_mail_system_repeats() {
    let refusal = Box::leak(format!("554 5.7.1 spam: {LINK} is listed").into_boxed_str());
    let (_stub, smtp) = with(&[(".", Act::Say(refusal))]).await;
    let failure = permanent(smtp.hand_over(&message()).await);
    assert_eq!(failure.words, "5.7.1 spam: https://id.example/accept#… is listed");
}

#[tokio::test]
async fn the_message_is_not_said_to_a_mail_system_that_has_not_asked_for_it() {
    for answer in ["250 fine", "334 what", "221 bye"] {
        let (stub, smtp) = with(&[("DATA", Act::Say(answer))]).await;
        let failure = transient(smtp.hand_over(&message()).await);
        assert_eq!(failure.stage, Stage::Data, "{failure}");
        // Neither as a message nor as commands.
        assert_eq!(stub.commands().last().map(String::as_str), Some("*DATA"));
        assert_eq!(stub.messages(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_connection_that_ends_before_the_message_leaves_no_doubt() {
    for on in ["greeting", "EHLO", "MAIL", "RCPT", "DATA"] {
        for act in [Act::Drop, Act::Last("421 shutting down"), Act::Last("what?")] {
            let (stub, smtp) = with(&[(on, act)]).await;
            transient(smtp.hand_over(&message()).await);
            assert_eq!(stub.messages(), Vec::<String>::new());
            // And the next try has a connection of its own.
            smtp.hand_over(&message()).await.unwrap();
            assert_eq!(stub.messages().len(), 1);
            assert_eq!(stub.connections(), 2);
        }
    }
}

#[tokio::test]
async fn a_lost_answer_to_the_message_is_unknown() {
    for act in
        [Act::Drop, Act::Last("what?"), Act::Last("25"), Act::Last("354 go on"), Act::Last("251 elsewhere")]
    {
        let (stub, smtp) = with(&[(".", act)]).await;
        assert_eq!(unknown(smtp.hand_over(&message()).await).stage, Stage::Content);
        // The mail system has it all the same.
        assert_eq!(stub.messages().len(), 1);
        smtp.hand_over(&message()).await.unwrap();
        assert_eq!(stub.connections(), 2);
    }
}

#[tokio::test]
async fn silence_is_not_waited_for_for_ever() {
    // Nothing is measured, and no answer comes too late: there is none.
    let soon = Duration::from_millis(200);
    for on in ["greeting", "EHLO", "MAIL", "RCPT", "DATA"] {
        let stub = Stub::start(Script { acts: vec![(on, Act::Hang)], ..Script::default() }).await;
        let smtp = Smtp::new(SmtpSettings { answer_within: soon, ..settings(&stub) }).unwrap();
        let failure = transient(smtp.hand_over(&message()).await);
        assert!(failure.words.contains("no answer within 200ms"), "{failure}");
    }
    let stub = Stub::start(Script { acts: vec![(".", Act::Hang)], ..Script::default() }).await;
    let smtp = Smtp::new(SmtpSettings { take_within: soon, ..settings(&stub) }).unwrap();
    let failure = unknown(smtp.hand_over(&message()).await);
    assert!(failure.words.contains("no answer within 200ms"), "{failure}");
    assert_eq!(stub.messages().len(), 1);
}

#[tokio::test]
async fn a_slow_mail_system_is_waited_for() {
    let acts = ["greeting", "MAIL", "RCPT", "."].map(|on| {
        (
            on,
            Act::Slowly(if on == "greeting" {
                "220-slow\r\n220 but sure"
            } else {
                "250-slow\r\n250 but sure"
            }),
        )
    });
    let (stub, smtp) = with(&acts).await;
    assert_eq!(smtp.hand_over(&message()).await.unwrap().words, "slow but sure");
    assert_eq!(stub.messages().len(), 1);
}

#[tokio::test]
async fn nobody_there_is_transient() {
    let stub = Stub::start(Script::default()).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for encryption in [Encryption::StartTls, Encryption::Tls, Encryption::None] {
        let settings = SmtpSettings { port: Some(port), encryption, ..settings(&stub) };
        let failure = transient(Smtp::new(settings).unwrap().hand_over(&message()).await);
        assert_eq!(failure.stage, Stage::Connect, "{failure}");
    }
}

#[tokio::test]
async fn connections_are_used_again_and_are_no_more_than_allowed() {
    let stub = Stub::start(Script::default()).await;
    let smtp = Arc::new(Smtp::new(SmtpSettings { connections: 2, ..settings(&stub) }).unwrap());
    let tasks: Vec<_> = (0..12)
        .map(|_| {
            let smtp = smtp.clone();
            tokio::spawn(async move { smtp.hand_over(&message()).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(stub.messages().len(), 12);
    assert!(stub.connections() <= 2, "{}", stub.connections());
}

#[tokio::test]
async fn a_connection_that_the_mail_system_has_closed_meanwhile_is_replaced() {
    let (stub, smtp) = with(&[("NOOP", Act::Last("421 idle for too long"))]).await;
    smtp.hand_over(&message()).await.unwrap();
    smtp.hand_over(&message()).await.unwrap();
    assert_eq!((stub.messages().len(), stub.connections()), (2, 2));
    // One that was not used for long enough is not even asked.
    let stub = Stub::start(Script::default()).await;
    let smtp = Smtp::new(SmtpSettings { idle: Duration::ZERO, ..settings(&stub) }).unwrap();
    smtp.hand_over(&message()).await.unwrap();
    smtp.hand_over(&message()).await.unwrap();
    assert_eq!(stub.connections(), 2);
    assert!(!stub.commands().contains(&"*NOOP".to_owned()));
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_no_connection_out_of_step() {
    let (stub, smtp) = with(&[("RCPT", Act::Hang)]).await;
    let message = message();
    {
        let mut sending = std::pin::pin!(smtp.hand_over(&message));
        loop {
            tokio::select! {
                biased;
                sent = &mut sending => panic!("{sent:?}"),
                () = tokio::task::yield_now() => {}
            }
            if stub.commands().iter().any(|command| command.starts_with("*RCPT")) {
                break;
            }
        }
    }
    smtp.hand_over(&message).await.unwrap();
    assert_eq!((stub.messages().len(), stub.connections()), (1, 2));
}

fn login() -> Option<Login> {
    Some(Login::Password { user: "guestlist".to_owned(), password: "geheim".to_owned() })
}

#[tokio::test]
async fn a_password_is_shown_on_encrypted_connections_only() {
    let offers: &[&str] = &["AUTH PLAIN LOGIN"];
    let stub = Stub::start(Script { offers, ..Script::default() }).await;
    let smtp = Smtp::new(SmtpSettings { login: login(), ..settings(&stub) }).unwrap();
    smtp.check().await.unwrap();
    smtp.hand_over(&message()).await.unwrap();
    // "\0guestlist\0geheim"
    let auth: Vec<_> = stub.commands().into_iter().filter(|command| command.contains("AUTH")).collect();
    assert_eq!(auth, ["*AUTH PLAIN AGd1ZXN0bGlzdABnZWhlaW0="]);
    assert_eq!(stub.connections(), 1);

    let plain = SmtpSettings { login: login(), encryption: Encryption::None, ..settings(&stub) };
    let error = Smtp::new(plain).unwrap_err().to_string();
    assert!(error.contains("encrypted connection") && !error.contains("geheim"), "{error}");
}

#[tokio::test]
async fn who_is_not_let_in_can_send_nothing_yet_and_no_message_is_given_up() {
    for (offers, acts, code) in [
        (&["AUTH PLAIN"][..], vec![("AUTH", Act::Say("535 5.7.8 wrong password")); 2], Some(535)),
        (&["AUTH PLAIN"], vec![("AUTH", Act::Say("454 try later")); 2], Some(454)),
        (&["AUTH CRAM-MD5"], vec![], None),
        (&[], vec![], None),
    ] {
        let stub = Stub::start(Script { offers, acts, ..Script::default() }).await;
        let smtp = Smtp::new(SmtpSettings { login: login(), ..settings(&stub) }).unwrap();
        let failure = transient(smtp.hand_over(&message()).await);
        assert_eq!((failure.stage, failure.code), (Stage::Login, code), "{failure}");
        assert_eq!(transient(smtp.check().await).stage, Stage::Login);
    }
    // A mail system that asks for it later.
    let (_stub, smtp) = with(&[("MAIL", Act::Say("530 authentication required"))]).await;
    let failure = transient(smtp.hand_over(&message()).await);
    assert_eq!((failure.stage, failure.code), (Stage::Sender, Some(530)));
    // And one that does not talk to this machine at all.
    let (_stub, smtp) = with(&[("greeting", Act::Last("554 not from there"))]).await;
    let failure = transient(smtp.hand_over(&message()).await);
    assert_eq!((failure.stage, failure.code), (Stage::Greeting, Some(554)));
}

/// Tokens with a number, and none after the second.
#[derive(Default)]
struct Tokens(AtomicUsize);

#[async_trait]
impl AccessTokens for Tokens {
    async fn token(&self) -> Result<String, String> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            number @ 0..2 => Ok(format!("token-{number}")),
            _ => Err("the issuer is away".to_owned()),
        }
    }
}

#[tokio::test]
async fn each_connection_signs_in_by_a_new_access_token() {
    let offers: &[&str] = &["AUTH XOAUTH2"];
    let stub = Stub::start(Script { offers, ..Script::default() }).await;
    let tokens = Login::Xoauth2 { user: "guestlist".to_owned(), tokens: Arc::new(Tokens::default()) };
    let settings = SmtpSettings { login: Some(tokens), idle: Duration::ZERO, ..settings(&stub) };
    let smtp = Smtp::new(settings).unwrap();
    smtp.hand_over(&message()).await.unwrap();
    smtp.hand_over(&message()).await.unwrap();
    let failure = transient(smtp.hand_over(&message()).await);
    assert_eq!((failure.stage, &*failure.words), (Stage::Login, "the issuer is away"));
    let auth: Vec<_> = stub.commands().into_iter().filter(|command| command.contains("AUTH")).collect();
    // "user=guestlist\x01auth=Bearer token-0\x01\x01"
    assert_eq!(
        auth,
        [
            "*AUTH XOAUTH2 dXNlcj1ndWVzdGxpc3QBYXV0aD1CZWFyZXIgdG9rZW4tMAEB",
            "*AUTH XOAUTH2 dXNlcj1ndWVzdGxpc3QBYXV0aD1CZWFyZXIgdG9rZW4tMQEB"
        ]
    );
}

#[tokio::test]
async fn an_address_in_another_script_goes_to_mail_systems_that_take_it() {
    let message = message_to("jörg@example.org");
    let (stub, smtp) = with(&[]).await;
    let result = smtp.hand_over(&message).await;
    assert!(result.as_ref().unwrap_err().is_about_the_address());
    assert!(permanent(result).words.contains("SMTPUTF8"));
    assert!(has_no_secret(&stub.commands()), "{:?}", stub.commands());

    let offers: &[&str] = &["8BITMIME", "SMTPUTF8"];
    let stub = Stub::start(Script { offers, ..Script::default() }).await;
    Smtp::new(settings(&stub)).unwrap().hand_over(&message).await.unwrap();
    let commands = stub.commands();
    assert!(commands.iter().any(|command| command.starts_with("*MAIL") && command.contains("SMTPUTF8")));
    assert!(commands.contains(&"*RCPT TO:<jörg@example.org>".to_owned()), "{commands:?}");
}

#[test]
fn settings_with_which_nothing_can_be_sent_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let broken = folder.path().join("broken.pem");
    std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let good = || SmtpSettings::new("mail.example");
    for (settings, said) in [
        (SmtpSettings { connections: 0, ..good() }, "at least one"),
        (SmtpSettings::new("smtp://mail.example"), "without scheme and port"),
        (SmtpSettings::new(""), "not the name"),
        (SmtpSettings { hello: Some("a\r\nMAIL".to_owned()), ..good() }, "introduce"),
        (SmtpSettings { ca: Some(empty), ..good() }, "there is none in it"),
        (SmtpSettings { ca: Some(broken), ..good() }, "TLS cannot be used"),
        (SmtpSettings { ca: Some(folder.path().join("none.pem")), ..good() }, "cannot be read"),
    ] {
        let error = Smtp::new(settings).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
