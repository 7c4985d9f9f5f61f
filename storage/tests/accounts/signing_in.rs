//! How people sign in.

use std::fmt::Debug;

use guestlist_contract::audit::{EventKind, Word};
use guestlist_storage::{AccountError, Identity, Login, NewClient, NewSession, NewToken, SignIn};

use super::desk::{DAY, Desk, HOUR, MINUTE, actor, ann, digest, user};

const PHC: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG";

/// Compiles only where a type has no `Debug`: with one it would be ambiguous.
macro_rules! has_no_debug {
    ($($of:ty),*) => {
        $(const _: fn() = || {
            trait Either<A> {
                fn meant() {}
            }
            struct WithDebug;
            impl<T: ?Sized> Either<()> for T {}
            impl<T: ?Sized + Debug> Either<WithDebug> for T {}
            let _ = <$of as Either<_>>::meant;
        };)*
    };
}
has_no_debug!(Login, NewClient, NewSession, NewToken);

#[tokio::test]
async fn a_password_is_found_by_the_user_name_whatever_its_case() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    let nothing = accounts.password_of("root", "ann").await.unwrap().unwrap();
    assert!(nothing.phc.is_none() && nothing.active, "she has none");
    accounts.set_password(&actor(), &ann(), PHC).await.unwrap();
    for name in ["ann", "ANN", "Ann"] {
        let login = accounts.password_of("root", name).await.unwrap().unwrap();
        assert_eq!((login.account, login.name.as_str()), (ann(), "Ann"));
        assert!(login.phc.as_deref() == Some(PHC) && login.active);
    }
    let other = PHC.replace("c29t", "b3Ro");
    accounts.set_password(&actor(), &ann(), &other).await.unwrap();
    let login = accounts.password_of("root", "ann").await.unwrap().unwrap();
    assert!(login.phc == Some(other));
    for (organization, name) in
        [("acme", "ann"), ("root", "an"), ("root", "ann\0"), ("root", "ann@example.com"), ("nowhere", "ann")]
    {
        let found = accounts.password_of(organization, name).await.unwrap();
        assert!(found.is_none(), "{organization} {name}: a guest signs in where they are resident");
    }
    desk.administration().set_user_active("root", "u-ann", false).await.unwrap();
    assert!(!accounts.password_of("root", "ann").await.unwrap().unwrap().active);
    assert!(accounts.remove_password(&actor(), &ann()).await.unwrap());
    assert!(!accounts.remove_password(&actor(), &ann()).await.unwrap());
    assert!(accounts.password_of("root", "ann").await.unwrap().unwrap().phc.is_none());
    let set = desk.events(EventKind::AccountPasswordSet).await;
    assert_eq!((set.len(), set[0].subject.clone()), (2, Some(ann())));
    assert_eq!(desk.events(EventKind::AccountPasswordRemoved).await.len(), 1);
}

#[tokio::test]
async fn what_is_no_phc_string_is_not_stored() {
    let desk = Desk::new().await;
    for wrong in ["", "correct horse battery staple", "hunter2", "$has space", "$ümlaut", &"$".repeat(1025)]
    {
        let said = desk.accounts().set_password(&actor(), &ann(), wrong).await.unwrap_err();
        assert!(matches!(said, AccountError::Invalid(_)), "{said}");
    }
    for nobody in [user("root", "u-nobody"), user("acme", "u-ann"), user("nowhere", "u-ann")] {
        let said = desk.accounts().set_password(&actor(), &nobody, PHC).await.unwrap_err();
        assert!(matches!(said, AccountError::NotFound(_)), "{said}");
    }
    assert!(desk.events(EventKind::AccountPasswordSet).await.is_empty());
}

#[tokio::test]
async fn who_is_deleted_leaves_nothing_to_sign_in_with() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    accounts.set_password(&actor(), &ann(), PHC).await.unwrap();
    accounts.begin_session(&actor(), &desk.session(1)).await.unwrap();
    let identity = Identity { issuer: "https://idp.example".into(), subject: "1".into() };
    accounts.link_identity(&actor(), &ann(), &identity).await.unwrap();
    desk.administration().remove_user("root", "u-ann").await.unwrap();
    assert!(accounts.password_of("root", "ann").await.unwrap().is_none());
    assert_eq!(accounts.resume_session(&digest(1)).await.unwrap(), None);
    assert_eq!(accounts.account_of("root", &identity).await.unwrap(), None);
    // Another person of the same name is another account.
    desk.add_user("root", "u-ann2", "ann").await;
    assert!(accounts.password_of("root", "ann").await.unwrap().unwrap().phc.is_none());
}

#[tokio::test]
async fn attempts_are_written_down_without_a_name() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    accounts.note_sign_in(&actor(), "root", Some(&ann()), SignIn::Refused(Word::WrongSecret)).await.unwrap();
    accounts.note_sign_in(&actor(), "root", None, SignIn::Refused(Word::NotFound)).await.unwrap();
    accounts.note_sign_in(&actor(), "root", Some(&ann()), SignIn::Done).await.unwrap();
    let refused = desk.events(EventKind::AccountSignInRefused).await;
    let told: Vec<_> = refused.iter().map(|event| (event.subject.clone(), event.word)).collect();
    assert_eq!(told, [(Some(ann()), Some(Word::WrongSecret)), (None, Some(Word::NotFound))]);
    assert!(refused.iter().all(|event| event.name.is_none() && event.about.is_none()));
    assert_eq!(desk.events(EventKind::AccountSignedIn).await.len(), 1);
}

#[tokio::test]
async fn a_session_goes_on_while_it_is_used_and_ends_in_any_case() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    let begun = accounts.begin_session(&actor(), &desk.session(1)).await.unwrap();
    assert_eq!((begun.idle_until, begun.ends_at), (desk.now() + 10 * MINUTE, desk.now() + HOUR));
    assert_eq!((begun.account, begun.root.as_str()), (ann(), "root"));
    // Each nine minutes: the absolute end comes all the same.
    for _ in 0..6 {
        desk.pass(9 * MINUTE);
        let resumed = accounts.resume_session(&digest(1)).await.unwrap().unwrap();
        assert_eq!(resumed.seen_at, desk.now());
        assert_eq!(resumed.idle_until, (desk.now() + 10 * MINUTE).min(begun.ends_at));
    }
    desk.pass(6 * MINUTE - 1);
    assert!(accounts.resume_session(&digest(1)).await.unwrap().is_some());
    desk.pass(1);
    assert_eq!(accounts.resume_session(&digest(1)).await.unwrap(), None);
    let over = desk.events(EventKind::AccountSignedOut).await;
    assert_eq!((over.len(), over[0].word), (1, Some(Word::Expired)));
    // Nobody used this one.
    accounts.begin_session(&actor(), &desk.session(2)).await.unwrap();
    desk.pass(10 * MINUTE);
    assert_eq!(accounts.resume_session(&digest(2)).await.unwrap(), None);
    assert_eq!(accounts.resume_session(&digest(3)).await.unwrap(), None);
}

#[tokio::test]
async fn a_use_is_written_down_once_a_minute() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    let begun = accounts.begin_session(&actor(), &desk.session(1)).await.unwrap();
    desk.pass(MINUTE - 1);
    assert_eq!(accounts.resume_session(&digest(1)).await.unwrap().unwrap().seen_at, begun.seen_at);
    desk.pass(1);
    assert_eq!(accounts.resume_session(&digest(1)).await.unwrap().unwrap().seen_at, desk.now());
    // A short one at least ten times.
    let short = NewSession { idle: 1000, ..desk.session(2) };
    accounts.begin_session(&actor(), &short).await.unwrap();
    desk.pass(100);
    assert_eq!(accounts.resume_session(&digest(2)).await.unwrap().unwrap().seen_at, desk.now());
}

#[tokio::test]
async fn a_session_of_somebody_who_is_suspended_ends_for_good() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    accounts.begin_session(&actor(), &desk.session(1)).await.unwrap();
    desk.administration().set_user_active("root", "u-ann", false).await.unwrap();
    assert_eq!(accounts.resume_session(&digest(1)).await.unwrap(), None, "at once");
    let said = accounts.begin_session(&actor(), &desk.session(2)).await.unwrap_err();
    assert_eq!(said, AccountError::NotActive);
    desk.administration().set_user_active("root", "u-ann", true).await.unwrap();
    assert_eq!(accounts.resume_session(&digest(1)).await.unwrap(), None, "it does not come back");
    let over = desk.events(EventKind::AccountSignedOut).await;
    assert_eq!((over.len(), over[0].word), (1, Some(Word::NotActive)));
    accounts.begin_session(&actor(), &desk.session(2)).await.unwrap();
    desk.administration().delete_organization("root").await.unwrap();
    assert_eq!(accounts.resume_session(&digest(2)).await.unwrap(), None, "her organization is gone");
}

#[tokio::test]
async fn sessions_are_ended_one_by_one_or_all_but_one() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    for number in 1..=4 {
        accounts.begin_session(&actor(), &desk.session(number)).await.unwrap();
    }
    let said = accounts.begin_session(&actor(), &desk.session(1)).await.unwrap_err();
    assert!(matches!(said, AccountError::Taken(_)), "{said}");
    assert!(accounts.end_session(&actor(), &digest(1)).await.unwrap());
    assert!(!accounts.end_session(&actor(), &digest(1)).await.unwrap());
    assert_eq!(accounts.end_sessions_of(&actor(), &ann(), Some(&digest(2))).await, Ok(2));
    assert!(accounts.resume_session(&digest(2)).await.unwrap().is_some());
    assert_eq!(accounts.end_sessions_of(&actor(), &ann(), None).await, Ok(1));
    assert_eq!(accounts.end_sessions_of(&actor(), &ann(), None).await, Ok(0));
    assert_eq!(desk.events(EventKind::AccountSignedOut).await.len(), 3);
    assert_eq!(desk.events(EventKind::AccountSignedIn).await.len(), 4);
    for wrong in
        [NewSession { idle: 0, ..desk.session(9) }, NewSession { lifetime: 5000 * DAY, ..desk.session(9) }]
    {
        let said = accounts.begin_session(&actor(), &wrong).await.unwrap_err();
        assert!(matches!(said, AccountError::Invalid(_)), "{said}");
    }
}

#[tokio::test]
async fn an_identity_signs_in_as_one_account_of_a_root() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    let identity = Identity { issuer: "https://idp.example".into(), subject: "248289761001".into() };
    let cid = user("acme", "u-cid");
    accounts.link_identity(&actor(), &cid, &identity).await.unwrap();
    accounts.link_identity(&actor(), &cid, &identity).await.unwrap();
    let said = accounts.link_identity(&actor(), &ann(), &identity).await.unwrap_err();
    assert!(matches!(said, AccountError::Taken(_)), "of another organization of the same root: {said}");
    let found = accounts.account_of("root", &identity).await.unwrap().unwrap();
    assert_eq!((found.account, found.name.as_str(), found.active), (cid.clone(), "cid", true));
    assert_eq!(accounts.account_of("other", &identity).await.unwrap(), None);
    // In another root it may be somebody else.
    desk.add_user("branch", "u-cid", "cid").await;
    accounts.link_identity(&actor(), &user("branch", "u-cid"), &identity).await.unwrap();
    assert_eq!(
        accounts.account_of("other", &identity).await.unwrap().unwrap().account.organization,
        "branch"
    );
    assert_eq!(accounts.identities_of(&cid).await.unwrap(), std::slice::from_ref(&identity));
    assert_eq!(desk.events(EventKind::AccountIdentityLinked).await.len(), 2);
    // What moves to another root does not take its identities there.
    desk.administration().move_organization("acme", Some("other")).await.unwrap();
    assert_eq!(accounts.account_of("root", &identity).await.unwrap(), None);
    assert_eq!(
        accounts.account_of("other", &identity).await.unwrap().unwrap().account.organization,
        "branch"
    );
    assert!(accounts.unlink_identity(&actor(), &cid, &identity).await.unwrap());
    assert!(!accounts.unlink_identity(&actor(), &cid, &identity).await.unwrap());
    assert_eq!(desk.events(EventKind::AccountIdentityUnlinked).await.len(), 1);
}
