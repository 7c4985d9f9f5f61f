//! No question that cannot be answered with no: each is asked of a world that was broken on purpose.

use std::panic::{AssertUnwindSafe, catch_unwind};

use guestlist_contract::{
    audit::EventKind,
    types::{MailState, MessageKind, Notify, Permissions, Principal, State, Step},
};
use guestlist_memory::{AuditEvent, MemberView, OutboxEntry, OutboxView, Snapshot, StoredInvitation};

use crate::{
    asking::{self, Case},
    guarantees::{ALWAYS, AT_REST, History, Told, Word, always, at_rest, broken},
    rig::*,
};

fn gus() -> Principal {
    Principal::User(user("partner", "p-gus"))
}

/// Alice has accepted, Bob has got a second mail, Carol's was revoked, and Gus was removed again.
async fn lived() -> Case {
    let grants = [group("g-help"), role("r-audit")];
    let mut case = Case::new(Rig::new(), Some("acme"), ann(), asking::list());
    let mut keys = Vec::new();
    for name in ["alice", "bob", "carol@example.com", "gus"] {
        case.ask = asking::invite(request(&[name], &grants));
        done(&mut case).await;
        keys.push(case.rig.host.snapshot().mails.pop().unwrap().invitation);
    }
    for ask in [asking::resend(keys[1].clone()), asking::revoke(keys[2].clone()), asking::list()] {
        case.ask = ask;
        done(&mut case).await;
    }
    case.organization = None;
    for (caller, id) in [(alice(), &keys[0]), (gus(), &keys[3])] {
        case.caller = caller;
        case.ask = asking::accept(case.rig.code_of(id));
        done(&mut case).await;
    }
    case.rig.host.remove_member("acme", &user("partner", "p-gus")).unwrap();
    case.history.note(&case.rig.host, Word::Removed("acme".into(), user("partner", "p-gus")));
    case.rig.settle().await;
    case
}

async fn done(case: &mut Case) {
    assert_eq!(case.ask(None).await.words.unwrap(), ["ok"]);
}

fn row<'a>(world: &'a mut Snapshot, name: &str) -> &'a mut StoredInvitation {
    world.invitations.iter_mut().find(|row| row.invitation.name == name).unwrap()
}

fn alices(world: &mut Snapshot) -> &mut MemberView {
    let members = &mut world.organizations.get_mut("acme").unwrap().members;
    members.iter_mut().find(|member| member.account.id == "u-alice").unwrap()
}

fn event<'a>(world: &'a mut Snapshot, event: &str, name: &str) -> &'a mut AuditEvent {
    let id = row(world, name).invitation.key.id.clone();
    let is_it = |known: &&mut AuditEvent| known.text() == event && known.invitation.as_ref() == Some(&id);
    world.audit.iter_mut().find(is_it).unwrap()
}

/// The event happens once more, now, to somebody's invitation.
fn again(world: &mut Snapshot, what: &str, name: &str) {
    let mut event = event(world, what, "alice").clone();
    event.invitation = Some(row(world, name).invitation.key.id.clone());
    event.grant = Some(group("g-vault"));
    world.audit.push(event);
}

/// The code of Bob's first mail.
fn older(history: &History) -> String {
    let older = history.0.iter().find_map(|told| match &told.word {
        Word::Resent(_, older) => older.first().cloned(),
        _ => None,
    });
    older.unwrap()
}

/// A message of an invitation is in the outbox.
fn waits(world: &mut Snapshot, id: &str, kind: MessageKind, due_at: u64) {
    let entry = OutboxEntry { invitation: id.to_owned(), kind, version: 1, due_at, tries: 0, taken: false };
    world.outbox.push(OutboxView { organization: "acme".into(), entry });
}

type Damage = fn(&mut Snapshot, &mut History);

const DAMAGES: &[(&str, Damage)] = &[
    ("I-MEM", |world, _| row(world, "alice").invitation.state = State::Failed),
    ("I-MEM", |world, _| alices(world).invitation = Some("no such".into())),
    ("I-MEM", |world, _| world.invitations.retain(|row| row.invitation.name != "alice")),
    ("I-MEM", |world, _| again(world, "member.added", "carol@example.com")),
    ("I-ONE", |world, _| {
        let twice = alices(world).clone();
        world.organizations.get_mut("acme").unwrap().members.push(twice);
    }),
    ("I-ONE", |world, _| {
        let twice = event(world, "member.added", "alice").clone();
        world.audit.push(twice);
    }),
    ("I-ORPHAN", |world, _| world.organizations.get_mut("acme").unwrap().members.clear()),
    ("I-ORPHAN", |world, _| world.organizations.get_mut("acme").unwrap().groups.clear()),
    ("I-REV", |world, _| again(world, "member.added", "carol@example.com")),
    ("I-GONE", |world, _| again(world, "member.added", "gus")),
    ("I-STATE", |world, _| row(world, "bob").invitation.state = State::Declined),
    ("I-STATE", |world, _| again(world, "invitation.claimed", "carol@example.com")),
    ("I-STATE", |world, _| event(world, "invitation.claimed", "alice").kind = EventKind::InvitationRenewed),
    ("I-UNIQ", |world, _| {
        let mut other = row(world, "bob").clone();
        other.invitation.key.id = "other".into();
        world.invitations.push(other);
    }),
    ("I-SUBJ", |world, _| alices(world).account = user("root", "u-dave")),
    ("I-SUBJ", |world, _| event(world, "invitation.claimed", "alice").actor = bob()),
    ("I-LEAST", |world, _| {
        let id = row(world, "alice").invitation.key.id.clone();
        let log = world.applied.get_mut("acme").unwrap().get_mut(&id).unwrap();
        log.steps.push(Step::Grant(group("g-vault")));
    }),
    ("I-LEAST", |world, _| {
        let id = row(world, "alice").invitation.key.id.clone();
        alices(world).groups.insert("g-vault".into(), Some(id));
    }),
    ("I-LEAST", |world, _| world.organizations.get_mut("acme").unwrap().permissions.clear()),
    ("I-LEAST", |world, _| {
        let mut deleted = event(world, "grant.added", "alice").clone();
        (deleted.kind, deleted.invitation) = (EventKind::WorldGroupDeleted, None);
        world.audit.insert(0, deleted);
    }),
    ("I-TEN", |world, _| event(world, "invitation.revoked", "carol@example.com").organization = None),
    ("I-TEN", |world, _| {
        let request = event(world, "invitation.revoked", "carol@example.com").request_id.clone();
        let mut other = event(world, "invitation.created", "carol@example.com").clone();
        (other.request_id, other.organization, other.invitation) = (request, Some("beta".into()), None);
        world.audit.push(other);
    }),
    ("I-TEN", |world, history| {
        let mut key = row(world, "bob").invitation.key.clone();
        key.organization = "beta".into();
        history.0.push(Told { at: 0, word: Word::Shown("acme".into(), vec![key]) });
    }),
    ("I-TTL", |world, _| {
        let end = row(world, "alice").invitation.expires_at.unwrap();
        event(world, "invitation.claimed", "alice").at = end;
    }),
    ("I-SEC2", |world, history| {
        let older = older(history);
        row(world, "bob").codes.push(older);
    }),
    // Whoever was shown the new code needs no mail: it is dead at once.
    ("I-SEC2", |world, history| {
        let older = older(history);
        let bobs = row(world, "bob");
        (bobs.invitation.notify, bobs.invitation.mail) = (Notify::External, MailState::None);
        bobs.codes.push(older);
    }),
    // It works for another invitation.
    ("I-SEC2", |world, history| {
        let older = older(history);
        row(world, "carol@example.com").codes.push(older);
    }),
    // Nobody was told of this resend, and its mail has arrived.
    ("I-SEC2", |world, _| row(world, "bob").code_versions = vec![1]),
    ("I-AUD", |world, _| row(world, "bob").invitation.version += 1),
    ("I-AUD", |world, _| again(world, "invitation.created", "bob")),
    ("I-AUD", |world, _| world.invitations.retain(|row| row.invitation.name != "bob")),
    ("I-ACK", |world, _| row(world, "alice").invitation.outcomes.clear()),
    ("I-ACK", |world, _| row(world, "carol@example.com").invitation.state = State::Pending),
    ("I-ACK", |world, _| world.invitations.retain(|row| row.invitation.name != "bob")),
    ("I-ACK", |world, _| world.mails.clear()),
    ("I-REST", |world, _| row(world, "alice").invitation.state = State::Accepting),
    // The policy is silent; but the end of the invitation has come, or it is another organization's policy.
    ("I-REST", |world, history| {
        history.0.push(Told { at: 0, word: Word::Silent("acme".into()) });
        row(world, "alice").invitation.state = State::Accepting;
        row(world, "alice").invitation.expires_at = Some(world.store_now);
    }),
    ("I-REST", |world, history| {
        history.0.push(Told { at: 0, word: Word::Silent("beta".into()) });
        row(world, "alice").invitation.state = State::Accepting;
    }),
    ("I-REST", |world, _| drop(row(world, "alice").invitation.outcomes.pop())),
    ("I-REST", |world, _| drop(alices(world).roles.remove("r-audit"))),
    ("I-LIVE", |world, _| {
        let id = row(world, "bob").invitation.key.id.clone();
        waits(world, &id, MessageKind::Invitation, 0);
    }),
    // A code is sent until it arrives; and what is in the way of one is not in the way of another, nor of what
    // its inviter is told.
    ("I-LIVE", |world, _| {
        let id = row(world, "bob").invitation.key.id.clone();
        waits(world, &id, MessageKind::Invitation, u64::MAX);
    }),
    ("I-LIVE", |world, history| {
        let id = row(world, "bob").invitation.key.id.clone();
        let key = row(world, "alice").invitation.key.clone();
        waits(world, &id, MessageKind::Invitation, 0);
        history.0.push(Told { at: 0, word: Word::Obstructed(key) });
    }),
    ("I-LIVE", |world, history| {
        let key = row(world, "alice").invitation.key.clone();
        waits(world, &key.id, MessageKind::Accepted, 0);
        history.0.push(Told { at: 0, word: Word::Obstructed(key) });
    }),
    ("I-LIVE", |world, _| row(world, "bob").invitation.mail = MailState::None),
    ("I-LIVE", |world, _| row(world, "bob").codes = vec!["0".repeat(64)]),
];

#[tokio::test]
async fn every_question_can_be_answered_with_no() {
    let case = lived().await;
    always(&case.rig, &case.history);
    at_rest(&case.rig, &case.history);
    let questions = [ALWAYS.as_slice(), AT_REST.as_slice()].concat();
    for (index, (name, damage)) in DAMAGES.iter().enumerate() {
        let (mut world, mut history) = (case.rig.host.snapshot(), case.history.clone());
        damage(&mut world, &mut history);
        let found = broken(&questions, &world, &history);
        let prefix = format!("{name}: ");
        assert!(found.iter().any(|why| why.starts_with(&prefix)), "damage {index}, {name}: {found:#?}");
    }
    for (name, _) in questions {
        assert!(DAMAGES.iter().any(|(damaged, _)| *damaged == name), "{name} was never answered with no");
    }
}

/// What the promises leave open is no violation of them.
#[tokio::test]
async fn what_may_wait_is_not_found_fault_with() {
    let case = lived().await;
    let questions = [ALWAYS.as_slice(), AT_REST.as_slice()].concat();
    let allowed: [(&str, Damage); 4] = [
        // It goes out when what is in the way is gone.
        ("I-LIVE", |world, history| {
            let key = row(world, "bob").invitation.key.clone();
            waits(world, &key.id, MessageKind::Invitation, 0);
            history.0.push(Told { at: 0, word: Word::Obstructed(key) });
        }),
        // The run that was about to send it was lost.
        ("I-LIVE", |world, _| {
            let id = row(world, "alice").invitation.key.id.clone();
            waits(world, &id, MessageKind::Accepted, u64::MAX);
        }),
        // The older code lives until the new mail has arrived.
        ("I-SEC2", |world, history| {
            let older = older(history);
            let bobs = row(world, "bob");
            bobs.invitation.mail = MailState::Queued;
            bobs.codes.insert(0, older);
            bobs.code_versions.insert(0, 1);
        }),
        ("I-REST", |world, history| {
            history.0.push(Told { at: 0, word: Word::Silent("acme".into()) });
            let now = world.store_now;
            row(world, "alice").invitation.state = State::Accepting;
            row(world, "alice").invitation.expires_at = Some(now + 1);
        }),
    ];
    for (name, change) in allowed {
        let (mut world, mut history) = (case.rig.host.snapshot(), case.history.clone());
        change(&mut world, &mut history);
        let found = broken(&questions, &world, &history);
        assert!(!found.iter().any(|why| why.starts_with(name)), "{name}: {found:#?}");
    }
}

#[tokio::test]
async fn a_code_that_is_stored_is_found() {
    let rig = Rig::new();
    let (_, code) = rig.invited("alice", &[]).await;
    let clean = rig.host.fork();
    rig.find_leaks();
    // Whatever is done to the world is written into the audit trail.
    rig.host.set_permissions("root", Principal::Client(code), Permissions::VIEW).unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| rig.find_leaks())).expect_err("a leak");
    assert!(panic.downcast::<String>().unwrap().starts_with("I-SEC1"));
    rig.host.restore(&clean);
}
