//! What a message is, once somebody else reads it: with a parser and a finder of links of others.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use guestlist_mail::{Kind, Language, Letter, NotComposed, Sender, compose, text};
use linkify::LinkFinder;
use mail_parser::{Encoding, Message as Parsed, MessageParser, MimeHeaders, PartType};
use proptest::prelude::*;

const LINK: &str =
    "https://id.example/o/acme/accept?from=mail&lang=de#code=Zm9v.YmFy-_~'x%3D&organization=0197";

fn sender() -> Sender {
    Sender::new("Guestlist", "no-reply@id.example", Some("mail.id.example")).unwrap()
}

/// A letter with everything in it.
fn letter(kind: Kind) -> Letter {
    Letter {
        inviter: Some("Ines Vogel".to_owned()),
        invitee: Some("Jörg Weiß".to_owned()),
        groups: vec!["Auditors".to_owned(), "Board & Friends".to_owned()],
        roles: vec!["Reader".to_owned()],
        link: Some(LINK.to_owned()),
        // 2026-12-04T13:30:00Z
        expires_at: Some(1_796_391_000_000),
        lifetime: Some(72 * 3_600_000),
        utc_offset: 60,
        reason: Some("The audit begins on Monday".to_owned()),
        support: Some("Help desk, room 4".to_owned()),
        ..Letter::new(kind, "guest@example.org", "Acme", "Guestlist")
    }
}

fn bytes(letter: &Letter, language: Language) -> Vec<u8> {
    compose(letter, language, &sender()).unwrap().formatted()
}

fn parsed(bytes: &[u8]) -> Parsed<'_> {
    MessageParser::default().parse(bytes).unwrap()
}

fn plain<'a>(message: &'a Parsed<'_>) -> &'a str {
    let [PartType::Multipart(_), PartType::Text(text), PartType::Html(_)] = &bodies(message)[..] else {
        panic!("{message:?}")
    };
    text
}

fn html<'a>(message: &'a Parsed<'_>) -> &'a str {
    let [PartType::Multipart(_), PartType::Text(_), PartType::Html(html)] = &bodies(message)[..] else {
        panic!("{message:?}")
    };
    html
}

fn bodies<'a, 'x>(message: &'a Parsed<'x>) -> Vec<&'a PartType<'x>> {
    message.parts.iter().map(|part| &part.body).collect()
}

/// What a reader sees of HTML, with a mark in place of each element: programs that look for links end them there,
/// or go on. Both are tried.
fn shown(html: &str, mark: &str) -> String {
    let mut shown = String::new();
    for (at, part) in html.split('<').enumerate() {
        let text = if at == 0 { part } else { part.split_once('>').unwrap().1 };
        shown.push_str(mark);
        shown.push_str(text);
    }
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.iter().fold(shown, |shown, (entity, character)| shown.replace(entity, character))
}

fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    html.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// Whatever a mail program might make a link of.
fn links(text: &str) -> Vec<String> {
    let mut finder = LinkFinder::new();
    finder.url_must_have_scheme(false);
    finder.links(text).map(|link| link.as_str().to_owned()).collect()
}

#[test]
fn an_invitation_says_who_invites_to_what_until_when_and_why_one_gets_it() {
    let bytes = bytes(&letter(Kind::Invitation), Language::English);
    let message = parsed(&bytes);
    assert_eq!(message.subject(), Some("Invitation to join the Acme organization"));
    assert_eq!(
        plain(&message).replace("\r\n", "\n"),
        format!(
            "Ines Vogel has invited you to join the Acme organization.\n\n\
             Groups: Auditors, Board & Friends\nRoles: Reader\n\
             Valid until: 4 December 2026, 14:30 UTC+01:00 (72 hours)\n\
             Reason given: The audit begins on Monday\n\n\
             Accept Invitation:\n{LINK}\n\n\
             If you do not want to join, you need not do anything.\n\n\
             -- \nGuestlist sent this e-mail because somebody in the Acme organization has invited the account with \
             this address. It was sent automatically. Please do not reply.\n\nHelp desk, room 4\n"
        )
    );
    let html = html(&message);
    let shown = shown(html, "");
    for said in [
        "Ines Vogel has invited you to join the Acme organization.",
        "Groups: Auditors, Board & Friends",
        "Valid until: 4 December 2026, 14:30 UTC+01:00 (72 hours)",
        "Accept Invitation",
        LINK,
        "Help desk, room 4",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let escaped = LINK.replace('&', "&amp;").replace('\'', "&#39;");
    assert_eq!(attributes(html, "href"), [&escaped, &escaped]);
    assert!(html.contains("<html lang=\"en\">") && html.contains("content=\"light dark\""));
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    let letter = Letter { organization: "a=b c=\"d\" <e f=g>".to_owned(), ..letter(Kind::Invitation) };
    let bytes = bytes(&letter, Language::German);
    let message = parsed(&bytes);
    let html = html(&message);
    let (mut elements, mut names) = (BTreeSet::new(), BTreeSet::new());
    for element in html.split('<').skip(1).map(|part| part.split('>').next().unwrap()) {
        elements.insert(element.split(' ').next().unwrap().trim_start_matches('/'));
        names.extend(element.split("=\"").map(|before| before.rsplit([' ', '"']).next().unwrap()));
    }
    elements.retain(|name| !matches!(*name, "!DOCTYPE" | "html" | "head" | "meta" | "title" | "body"));
    assert_eq!(elements, ["a", "bdi", "br", "div", "h1", "p", "strong"].into());
    for name in ["href", "style", "content", "name", "lang", "charset"] {
        assert!(names.contains(name), "{name}: {names:?}");
    }
    let loading = ["src", "srcset", "background", "onclick", "onload", "http-equiv", "f"];
    assert!(names.is_disjoint(&loading.into()), "{names:?}");
    assert!(!html.contains("url(") && !html.contains("@import"));
}

#[test]
fn every_kind_is_said_in_every_language_and_each_differently() {
    let mut subjects = BTreeSet::new();
    for language in Language::ALL {
        for kind in Kind::ALL {
            let bytes = bytes(&letter(kind), language);
            let message = parsed(&bytes);
            let subject = message.subject().unwrap();
            assert!(subject.contains("Acme") && !subject.contains(['{', '}']), "{subject}");
            let (text, html) = (plain(&message), html(&message));
            assert!(text.contains("Acme") && text.contains(LINK) && !text.contains(['{', '}']), "{text}");
            // The invitee's name is for everybody else; in the text and in HTML alike.
            let is_to_invitee = matches!(kind, Kind::Invitation | Kind::Reminder);
            assert_eq!(text.contains("Jörg Weiß"), !is_to_invitee, "{text}");
            assert_eq!(html.contains("Jörg Weiß"), !is_to_invitee, "{html}");
            assert_eq!(
                text.contains("UTC+01:00"),
                is_to_invitee || kind == Kind::ApprovalRequested,
                "{text}"
            );
            subjects.insert(subject.to_owned());
        }
    }
    assert_eq!(subjects.len(), Language::ALL.len() * Kind::ALL.len());
}

#[test]
fn texts_have_no_markup_and_are_written_in_each_language() {
    let mut keys = BTreeSet::new();
    for entry in text::ALL {
        assert!(keys.insert(entry.key), "{}", entry.key);
        assert_eq!(entry.texts.iter().map(|(language, _)| *language).collect::<Vec<_>>(), Language::ALL);
        for (language, text) in entry.texts {
            assert!(
                !text.trim().is_empty() && !text.contains(['<', '>', '&', '\n']),
                "{language:?} {}",
                entry.key
            );
            let mut named = entry.placeholders.to_vec();
            let mut found: Vec<_> =
                text.split('{').skip(1).map(|rest| rest.split_once('}').unwrap().0).collect();
            named.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, named, "{language:?} {}", entry.key);
        }
    }
    assert!(keys.contains("invitation_subject"));
}

#[test]
fn messages_have_ids_of_their_own_at_the_domain_of_the_server() {
    let ids: BTreeSet<_> = (0..20)
        .map(|_| parsed(&bytes(&letter(Kind::Expired), Language::English)).message_id().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 20);
    assert!(ids.iter().all(|id| id.ends_with("@mail.id.example")), "{ids:?}");
}

#[test]
fn only_what_can_be_sent_is_composed() {
    let with = |change: fn(&mut Letter)| {
        let mut letter = letter(Kind::Invitation);
        change(&mut letter);
        compose(&letter, Language::English, &sender()).map(|_| ()).unwrap_err()
    };
    assert_eq!(with(|letter| letter.link = None), NotComposed::NoLink);
    for link in [
        "",
        "id.example/accept",
        "javascript:alert(1)",
        "HTTPS:id.example",
        "https://",
        "https:///accept",
        "https://id.example/a b",
        "https://id.example/\r\nBcc: all@example.org",
        "https://id.example/\"onclick=",
        "https://id.example/<b>",
        "https://bücher.example/",
    ] {
        let letter = Letter { link: Some(link.to_owned()), ..letter(Kind::Reminder) };
        assert_eq!(
            compose(&letter, Language::English, &sender()).unwrap_err(),
            NotComposed::Link,
            "{link:?}"
        );
    }
    for address in [
        "",
        "guest",
        "guest@",
        "@example.org",
        "guest@example.org\r\nBcc: all@example.org",
        "guest@example.org, all@example.org",
        "Guest <guest@example.org>",
        "guest example@example.org",
        "guest@exa_mple..org",
        &format!("{}@example.org", "g".repeat(250)),
    ] {
        let letter = Letter { to: address.to_owned(), ..letter(Kind::Reminder) };
        let error = compose(&letter, Language::English, &sender()).unwrap_err();
        assert!(matches!(&error, NotComposed::Address(_)), "{address:?}: {error}");
        assert!(!error.to_string().contains(['\r', '\n']), "{error}");
    }
    assert!(matches!(
        Sender::new("A", "a@b.example", Some("b.example>\r\nX: y")),
        Err(NotComposed::Domain(_))
    ));
    assert!(matches!(Sender::new("A", "a@b.example\n", None), Err(NotComposed::Address(_))));
}

#[test]
fn a_domain_in_another_script_is_written_as_mail_systems_know_it() {
    let letter = Letter { to: "gast@bücher.example".to_owned(), ..letter(Kind::Invitation) };
    let message = compose(&letter, Language::English, &sender()).unwrap();
    assert_eq!(message.envelope().to()[0].to_string(), "gast@xn--bcher-kva.example");
}

#[test]
fn long_lists_are_cut_and_what_has_no_name_is_said_to_have_none() {
    let groups = (0..50).map(|number| format!("G{number}")).collect();
    let letter =
        Letter { groups, inviter: None, organization: "\u{202e}".to_owned(), ..letter(Kind::Invitation) };
    let bytes = bytes(&letter, Language::German);
    let message = parsed(&bytes);
    assert!(plain(&message).contains("G18, G19, und 30 weitere"), "{}", plain(&message));
    assert!(plain(&message).starts_with("Jemand hat Sie in die Organisation (ohne Namen) eingeladen."));
    assert!(shown(html(&message), "").contains("G18, G19, und 30 weitere"));
}

#[test]
fn what_looks_like_an_encoded_word_in_a_name_stays_as_it_is() {
    // "https://evil.example"
    let name = "=?utf-8?B?aHR0cHM6Ly9ldmlsLmV4YW1wbGU=?=";
    for organization in [name.to_owned(), format!("{name} أ"), format!("a{name}")] {
        let letter = Letter { organization, ..letter(Kind::Invitation) };
        let sender = Sender::new(name, "no-reply@id.example", None).unwrap();
        let bytes = compose(&letter, Language::English, &sender).unwrap().formatted();
        let message = parsed(&bytes);
        let (subject, from) = (message.subject().unwrap(), message.from().unwrap().first().unwrap());
        for shown in [subject, from.name().unwrap()] {
            assert!(shown.contains("utf-8?B?") && !shown.contains("evil"), "{shown}");
        }
    }
}

/// Names of people who mean harm, and any other text.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r\nBcc: all@evil.example\r\n".to_owned()),
        Just("\r\n\r\n<html>".to_owned()),
        Just("\n.\n".to_owned()),
        Just("\r".to_owned()),
        Just("=?utf-8?B?RXZpbA==?=".to_owned()),
        Just("=0D=0ABcc: x@evil.example".to_owned()),
        Just("evil.example".to_owned()),
        Just("https://evil.example/?a=b#c".to_owned()),
        Just("mailto:x@evil.example".to_owned()),
        Just("www.evil.example".to_owned()),
        Just("evil。example".to_owned()),
        Just("\u{202e}elpmaxe.live\u{202c}".to_owned()),
        Just("ev\u{ad}il.ex\u{200b}ample".to_owned()),
        Just("<a href=\"https://evil.example\">here</a>".to_owned()),
        Just("\"><script>alert(1)</script>".to_owned()),
        Just("<!-- ".to_owned()),
        Just("&lt;b&gt;".to_owned()),
        Just("\" <all@evil.example>, \"".to_owned()),
        Just("(comment)".to_owned()),
        Just("{organization}".to_owned()),
        Just("أحمد".to_owned()),
        Just("\0\u{7}\u{1b}[31m".to_owned()),
        Just(" ".to_owned()),
        "\\PC{0,20}",
        "[a-z]{1,8}",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200e}' | '\u{200f}' | '\u{2066}' | '\u{2067}')
}

proptest! {
    #[test]
    fn no_name_adds_a_header_a_link_or_an_element(
        kind in prop::sample::select(Kind::ALL.to_vec()),
        language in prop::sample::select(Language::ALL.to_vec()),
        organization in hostile(),
        inviter in hostile(),
        invitee in hostile(),
        groups in prop::collection::vec(hostile(), 0..3),
        roles in prop::collection::vec(hostile(), 0..3),
        reason in hostile(),
        server in hostile(),
    ) {
        let letter = Letter {
            organization,
            inviter: Some(inviter),
            invitee: Some(invitee),
            groups,
            roles,
            reason: Some(reason),
            server: server.clone(),
            ..letter(kind)
        };
        let sender = Sender::new(&server, "no-reply@id.example", None).unwrap();
        let bytes = compose(&letter, language, &sender).unwrap().formatted();
        prop_assert!(bytes.is_ascii());
        let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
        prop_assert!(lines.iter().all(|line| line.len() <= 998));
        prop_assert!(lines[..lines.len() - 1].iter().all(|line| line.ends_with(b"\r")));

        let message = parsed(&bytes);
        let headers: Vec<_> = message.headers().iter().map(|header| header.name().to_owned()).collect();
        prop_assert_eq!(
            headers,
            ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
        );
        let from: Vec<_> = message.from().unwrap().iter().map(|from| from.address().unwrap()).collect();
        prop_assert_eq!(from, ["no-reply@id.example"]);
        let to: Vec<_> = message.to().unwrap().iter().map(|to| (to.name(), to.address().unwrap())).collect();
        prop_assert_eq!(to, [(None, "guest@example.org")]);
        let subject = message.subject().unwrap();
        prop_assert!(!subject.contains(is_control), "{:?}", subject);
        prop_assert_eq!(links(subject), Vec::<String>::new());

        prop_assert_eq!(message.parts.len(), 3);
        for part in &message.parts[1..] {
            prop_assert_eq!(part.encoding, Encoding::QuotedPrintable);
            prop_assert_eq!(part.content_type().unwrap().attribute("charset"), Some("utf-8"));
            prop_assert_eq!(part.headers().len(), 2);
        }
        let text = plain(&message);
        prop_assert_eq!(text.lines().filter(|line| *line == LINK).count(), 1);
        prop_assert!(!text.contains(|c: char| is_control(c) && c != '\r' && c != '\n'), "{:?}", text);
        let others: String = text.lines().filter(|line| *line != LINK).flat_map(|line| [line, "\n"]).collect();
        prop_assert_eq!(links(&others), Vec::<String>::new());

        let html = html(&message);
        let elements = |html: &str| html.matches('<').count();
        let harmless = compose(&harmless(&letter), language, &sender).unwrap().formatted();
        prop_assert_eq!(elements(html), elements(self::html(&parsed(&harmless))), "{}", html);
        let escaped = LINK.replace('&', "&amp;").replace('\'', "&#39;");
        prop_assert_eq!(attributes(html, "href"), [&escaped, &escaped]);
        for mark in ["", " "] {
            let shown = shown(html, mark).replace(LINK, " ");
            prop_assert_eq!(links(&shown), Vec::<String>::new());
        }
    }

    #[test]
    fn the_server_is_the_only_one_whom_a_message_is_from(name in hostile()) {
        let sender = Sender::new(&name, "no-reply@id.example", None).unwrap();
        let bytes = compose(&letter(Kind::Invitation), Language::English, &sender).unwrap().formatted();
        let message = parsed(&bytes);
        prop_assert_eq!(message.headers().len(), 8);
        let shown = message.from().unwrap().first().unwrap().name().unwrap_or_default();
        prop_assert!(!shown.contains(is_control) && !shown.contains("Evil"), "{:?}", shown);
        let from: Vec<_> = message.from().unwrap().iter().map(|from| from.address().unwrap()).collect();
        prop_assert_eq!(from, ["no-reply@id.example"]);
    }
}

/// The same letter from people who mean no harm: something stands wherever something stood.
fn harmless(letter: &Letter) -> Letter {
    let named = |names: &[String]| names.iter().map(|_| "Name".to_owned()).collect();
    let reason = letter.reason.clone().filter(|reason| {
        // Nothing is left of a reason that nobody could see.
        let bytes = bytes(
            &Letter {
                reason: Some(reason.clone()),
                ..Letter::new(Kind::Declined, "guest@example.org", "Acme", "Guestlist")
            },
            Language::English,
        );
        plain(&parsed(&bytes)).contains("Reason given")
    });
    Letter {
        organization: "Acme".to_owned(),
        inviter: Some("Ines".to_owned()),
        invitee: Some("Jörg".to_owned()),
        groups: named(&letter.groups),
        roles: named(&letter.roles),
        reason: reason.map(|_| "Reason".to_owned()),
        server: "Guestlist".to_owned(),
        ..letter.clone()
    }
}
