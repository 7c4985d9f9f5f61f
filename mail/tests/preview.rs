//! Writes what the e-mails look like, for people to look at: `tmp/mail-preview/index.html` in the target folder.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{fmt::Write, fs, path::Path};

use guestlist_mail::{Kind, Language, Letter, Sender, compose};
use mail_parser::MessageParser;

#[test]
fn each_kind_can_be_looked_at_in_each_language() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mail-preview");
    fs::create_dir_all(&folder).unwrap();
    let sender = Sender::new("Guestlist", "no-reply@id.example", None).unwrap();
    let mut index = String::from("<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>E-mails</title>\n<ul>\n");
    for language in Language::ALL {
        for kind in Kind::ALL {
            let is_answer =
                matches!(kind, Kind::Declined | Kind::Failed | Kind::Revoked | Kind::ApprovalRequested);
            let letter = Letter {
                inviter: Some("Ines Vogel".to_owned()),
                invitee: Some("Jörg Weiß".to_owned()),
                groups: vec![
                    "Auditors".to_owned(),
                    "https://evil.example <b>".to_owned(),
                    "أحمد 1".to_owned(),
                ],
                roles: vec!["Reader".to_owned()],
                link: Some(
                    "https://id.example/o/acme/accept#code=k3v9XbQ2mT7wZ4rL8nP1sD6fH0jC5gYa".to_owned(),
                ),
                expires_at: Some(1_796_391_000_000),
                lifetime: Some(72 * 3_600_000),
                utc_offset: 60,
                reason: is_answer.then(|| "The audit begins on Monday".to_owned()),
                support: Some("Help: support@id.example".to_owned()),
                ..Letter::new(kind, "guest@example.org", "Acme", "Guestlist")
            };
            let bytes = compose(&letter, language, &sender).unwrap().formatted();
            let message = MessageParser::default().parse(&bytes).unwrap();
            let html = message.body_html(0).unwrap();
            assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>\r\n"), "{html}");
            let name = format!("{kind:?}.{}", language.tag());
            fs::write(folder.join(format!("{name}.html")), html.as_bytes()).unwrap();
            fs::write(folder.join(format!("{name}.txt")), message.body_text(0).unwrap().as_bytes()).unwrap();
            fs::write(folder.join(format!("{name}.eml")), &bytes).unwrap();
            let links = ["html", "txt", "eml"].map(|form| format!("<a href=\"{name}.{form}\">{form}</a>"));
            writeln!(index, "<li>{name}: {}", links.join(", ")).unwrap();
        }
    }
    fs::write(folder.join("index.html"), index).unwrap();
}
