//! A folder of messages, for development.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use guestlist_mail::{Folder, Kind, Language, Letter, Message, NotSent, Sender, Stage, Transport, compose};

fn link(number: usize) -> String {
    format!("https://id.example/accept?organization=acme&n={number}#code={}", "k3v9=".repeat(40))
}

fn message(number: usize) -> Message {
    let letter = Letter {
        link: Some(link(number)),
        inviter: Some("Jörg https://evil.example\r\nhttps://evil.example".to_owned()),
        ..Letter::new(Kind::Invitation, format!("guest{number}@example.org"), "Café Acme", "Guestlist")
    };
    let sender = Sender::new("Guestlist", "no-reply@id.example", None).unwrap();
    compose(&letter, Language::German, &sender).unwrap()
}

#[tokio::test]
async fn the_newest_is_listed_first_with_its_link_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("made/for/it");
    for number in 0..12 {
        // Each time as a process that was started again.
        Folder::open(&path).await.unwrap().hand_over(&message(number)).await.unwrap();
    }
    let kept = Folder::open(&path).await.unwrap().list().await.unwrap();
    assert_eq!(kept.len(), 12);
    for (number, kept) in (0..12).rev().zip(&kept) {
        assert_eq!(kept.subject, "Einladung in die Organisation Café Acme");
        assert_eq!(kept.to, format!("guest{number}@example.org"));
        assert_eq!(kept.links, [link(number)]);
    }
}

#[tokio::test]
async fn messages_that_come_at_once_are_all_kept_whole_and_for_their_owner_only() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("mails");
    let folders = [
        Arc::new(Folder::open(&path).await.unwrap()),
        // Another process.
        Arc::new(Folder::open(&path).await.unwrap()),
    ];
    let tasks: Vec<_> = (0..60)
        .map(|number| {
            let folder = folders[number % 2].clone();
            tokio::spawn(async move {
                let message = message(number);
                (folder.hand_over(&message).await.unwrap(), message.formatted())
            })
        })
        .collect();
    for task in tasks {
        let (handed_over, bytes) = task.await.unwrap();
        assert_eq!(std::fs::read(&handed_over.words).unwrap(), bytes);
    }
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 60);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        for kept in folders[0].list().await.unwrap() {
            assert_eq!(mode(&kept.path), 0o600);
        }
    }
}

#[tokio::test]
async fn what_is_no_message_is_not_in_the_way() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).await.unwrap();
    std::fs::write(place.path().join("0.eml"), b"").unwrap();
    std::fs::write(place.path().join("notes.txt"), b"https://id.example").unwrap();
    std::fs::write(place.path().join("9.part"), b"Subject: half").unwrap();
    folder.hand_over(&message(1)).await.unwrap();
    let kept = folder.list().await.unwrap();
    let subjects: Vec<_> = kept.iter().map(|kept| kept.subject.as_str()).collect();
    assert_eq!(subjects, ["Einladung in die Organisation Café Acme", ""]);
}

#[tokio::test]
async fn a_folder_that_is_gone_may_come_back() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("mails");
    let folder = Folder::open(&path).await.unwrap();
    std::fs::remove_dir(&path).unwrap();
    let error = folder.hand_over(&message(1)).await.unwrap_err();
    assert!(matches!(&error, NotSent::Transient(failure) if failure.stage == Stage::Connect), "{error}");
    assert!(folder.list().await.is_err());
    std::fs::write(&path, "a file").unwrap();
    assert!(Folder::open(&path).await.is_err());
}
