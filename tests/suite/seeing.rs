//! Who is shown a code besides its invitee: where the organization's setting and the caller's permission
//! both say so, on each of the ways on which a code could reach a caller.

use guestlist_contract::{
    exports::invitations::{InviteRequest, Invited, Refusal},
    types::{InvitationKey, MailState, Notify, Permissions, Principal, State},
};
use guestlist_harness::operations as op;

use crate::rig::*;

const ACME: Option<&str> = Some("acme");

/// Settings and permissions, and whether a caller sees codes.
const CASES: [(&str, bool, bool); 6] = [
    ("invitee-only", false, false),
    ("invitee-only", true, false),
    ("see-code", false, false),
    ("see-code", true, true),
    ("see-code-even-alone", false, false),
    ("see-code-even-alone", true, true),
];

/// Ben has every permission but for the one in question.
fn allow(rig: &Rig, codes: &str, permitted: bool) {
    rig.host.change_settings("acme", &patch(&format!(r#"{{ "codes": "{codes}" }}"#))).unwrap();
    let all = Permissions::all();
    let given = if permitted { all } else { all ^ Permissions::SEE_CODE };
    rig.host.set_permissions("acme", ben(), given).unwrap();
}

fn key(id: &str) -> InvitationKey {
    InvitationKey { organization: "acme".into(), id: id.into() }
}

async fn resend(rig: &Rig, who: Principal, id: &str) -> Result<Invited, Refusal> {
    let answer = rig.run(ACME, who, op::Resend { ids: vec![id.into()] }).await.unwrap().answer;
    let answer = answer.unwrap().remove(0);
    rig.shown_on_purpose(answer.as_ref().ok().and_then(|invited| invited.code.clone()));
    answer
}

#[tokio::test]
async fn an_invite_shows_codes_to_those_who_may_see_them_once() {
    for (codes, permitted, sees) in CASES {
        let rig = Rig::new();
        allow(&rig, codes, permitted);
        let keyed = InviteRequest {
            idempotency_key: Some("k".into()),
            ..externally(request(&["alice", "erin"], &[]))
        };
        let events = rig.host.audit().len();
        let answer = rig.invite_as("acme", ben(), keyed.clone()).await;
        if !sees {
            assert_eq!(answer, Err(Refusal::MayNotSeeCode), "{codes} {permitted}");
            assert!(rig.host.snapshot().invitations.is_empty(), "{codes} {permitted}");
            let event = rig.host.audit().pop().unwrap();
            assert_eq!(
                (rig.host.audit().len(), event.detail().as_deref()),
                (events + 1, Some("may-not-see-code"))
            );
            continue;
        }
        let first = answer.unwrap();
        assert!(first.iter().flatten().all(|invited| invited.code.is_some()) && first.len() == 2);
        let again = rig.invite_as("acme", ben(), keyed.clone()).await.unwrap();
        assert!(again.iter().flatten().all(|invited| invited.existed && invited.code.is_none()), "once");
        // Whoever may see none any more is refused, also where it would be the same request.
        allow(&rig, "invitee-only", permitted);
        assert_eq!(rig.invite_as("acme", ben(), keyed).await, Err(Refusal::MayNotSeeCode));
    }
}

/// Where the organization's own setting is `external`, and the request names nothing.
#[tokio::test]
async fn the_setting_shows_no_more_than_the_request() {
    let rig = Rig::new();
    rig.host.change_settings("acme", &patch(r#"{ "notify": "external" }"#)).unwrap();
    allow(&rig, "see-code", false);
    assert_eq!(rig.invite_as("acme", ben(), request(&["alice"], &[])).await, Err(Refusal::MayNotSeeCode));
    let internal = InviteRequest { notify: Some(Notify::Internal), ..request(&["alice"], &[]) };
    let invited = rig.invite_as("acme", ben(), internal).await.unwrap().remove(0).unwrap();
    assert_eq!((invited.code, invited.mail), (None, MailState::Sent), "by mail they may");
}

#[tokio::test]
async fn a_resend_shows_a_code_to_those_who_may_see_it_and_else_changes_nothing() {
    for (codes, permitted, sees) in CASES {
        let rig = Rig::new();
        let first = rig.invite(externally(request(&["alice"], &[]))).await.unwrap().remove(0).unwrap();
        allow(&rig, codes, permitted);
        let before = rig.host.snapshot();
        let answer = resend(&rig, ben(), &first.id).await;
        if sees {
            assert!(rig.accept(alice(), &answer.unwrap().code.unwrap()).await.is_ok());
            continue;
        }
        assert_eq!(answer, Err(Refusal::MayNotSeeCode), "{codes} {permitted}");
        assert_eq!(rig.host.snapshot().invitations, before.invitations, "{codes} {permitted}");
        assert!(rig.accept(alice(), &first.code.unwrap()).await.is_ok(), "the one that was shown works on");
    }
}

#[tokio::test]
async fn what_expired_is_invited_anew_by_those_who_may_see_its_code() {
    for (codes, permitted, sees) in CASES {
        let rig = Rig::new();
        let first = rig.invite(externally(request(&["alice"], &[]))).await.unwrap().remove(0).unwrap();
        rig.host.advance(HOURS_72);
        allow(&rig, codes, permitted);
        let answer = resend(&rig, ben(), &first.id).await;
        match sees {
            true => assert!(rig.accept(alice(), &answer.unwrap().code.unwrap()).await.is_ok()),
            false => assert_eq!(answer, Err(Refusal::MayNotSeeCode), "{codes} {permitted}"),
        }
    }
}

/// Whoever may approve does so; only the code is not theirs to see.
#[tokio::test]
async fn an_approval_succeeds_and_shows_the_code_to_those_who_may_see_it() {
    for (codes, permitted, sees) in CASES {
        let rig = Rig::new();
        rig.host.change_settings("acme", &patch(r#"{ "privileged": ["group:g-ops"] }"#)).unwrap();
        let asked = externally(request(&["alice"], &[group("g-ops")]));
        let waiting = rig.invite(asked).await.unwrap().remove(0).unwrap();
        assert_eq!((waiting.state, waiting.code), (State::AwaitingApproval, None));
        allow(&rig, codes, permitted);
        let approve = op::Approve { id: waiting.id.clone() };
        let approved = rig.run(ACME, ben(), approve).await.unwrap().answer.unwrap();
        rig.shown_on_purpose(approved.code.clone());
        assert_eq!((approved.state, approved.mail), (State::Pending, MailState::None));
        assert_eq!(approved.code.is_some(), sees, "{codes} {permitted}");
        assert_eq!(rig.row(&key(&waiting.id)).approver, Some(ben()));
        // Its invitee sees it in any case, and whoever may see codes brings them one.
        let mine = op::ListMine { states: vec![], after: None, limit: 9 };
        assert_eq!(rig.run(None, alice(), mine).await.unwrap().answer.unwrap().items.len(), 1);
        let code = match approved.code {
            Some(code) => code,
            None => {
                rig.host.change_settings("acme", &patch(r#"{ "codes": "see-code" }"#)).unwrap();
                resend(&rig, ann(), &waiting.id).await.unwrap().code.unwrap()
            }
        };
        assert!(rig.accept(alice(), &code).await.is_ok(), "{codes} {permitted}");
    }
}

/// Whatever is allowed: what is mailed is mailed.
#[tokio::test]
async fn what_the_plugin_mails_it_shows_to_nobody() {
    let rig = Rig::new();
    allow(&rig, "see-code-even-alone", true);
    let invited = rig.invite_as("acme", ben(), request(&["alice"], &[])).await.unwrap().remove(0).unwrap();
    assert_eq!((invited.code, invited.mail), (None, MailState::Sent));
    assert_eq!(resend(&rig, ben(), &invited.id).await.unwrap().code, None);
}
