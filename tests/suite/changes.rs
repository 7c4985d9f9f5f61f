//! What becomes of an invitation when the world changes under it, in every state: the tables of
//! `docs/when-the-world-changes.md` are made here, by letting it happen.
//!
//! With `BLESS=1` in the environment the page is written instead of compared.

use std::{fmt::Write as _, sync::Arc};

use guestlist_contract::{
    Function,
    exports::{
        invitations::{ItemRefusal, Refusal},
        invitee::{Handle, InviteeRefusal},
    },
    types::{Grant, InvitationKey, Obstacle, Principal, State, StepOutcome},
};
use guestlist_harness::operations as op;
use guestlist_memory::NewUser;
use guestlist_testkit::{Fault, FaultPlan};

use crate::{
    guarantees::{History, always, at_rest},
    rig::*,
};

const ACME: Option<&str> = Some("acme");

#[derive(Clone, Copy, Debug)]
enum Change {
    Nothing,
    OrganizationSuspended,
    OrganizationDeleted,
    OrganizationMoved,
    InviteeDisabled,
    InviteeDeleted,
    InviteeRecreated,
    InviteeJoined,
    InviterWithoutRight,
    InviterDeleted,
    GroupDeleted,
}

const CHANGES: [Change; 11] = [
    Change::Nothing,
    Change::OrganizationSuspended,
    Change::OrganizationDeleted,
    Change::OrganizationMoved,
    Change::InviteeDisabled,
    Change::InviteeDeleted,
    Change::InviteeRecreated,
    Change::InviteeJoined,
    Change::InviterWithoutRight,
    Change::InviterDeleted,
    Change::GroupDeleted,
];

impl Change {
    fn words(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::OrganizationSuspended => "organization suspended",
            Self::OrganizationDeleted => "organization deleted",
            Self::OrganizationMoved => "organization moved under another parent",
            Self::InviteeDisabled => "invitee disabled",
            Self::InviteeDeleted => "invitee deleted",
            Self::InviteeRecreated => "invitee deleted, then created again under the same name",
            Self::InviteeJoined => "invitee made a member by another way",
            Self::InviterWithoutRight => "inviter may not invite any more",
            Self::InviterDeleted => "inviter deleted",
            Self::GroupDeleted => "one of two groups deleted",
        }
    }

    fn happens(self, rig: &Rig) {
        let host = &rig.host;
        let again = || NewUser {
            id: "u-alice-2".into(),
            name: "alice".into(),
            store: None,
            email: Some("alice@example.com".into()),
        };
        match self {
            Self::Nothing => Ok(()),
            Self::OrganizationSuspended => host.set_organization_active("acme", false),
            Self::OrganizationDeleted => host.delete_organization("acme"),
            Self::OrganizationMoved => host.move_organization("acme", Some("partner")),
            Self::InviteeDisabled => host.set_user_active("root", "u-alice", false),
            Self::InviteeDeleted => host.remove_user("root", "u-alice"),
            Self::InviteeRecreated => {
                host.remove_user("root", "u-alice").and_then(|()| host.add_user("root", again()))
            }
            // They may be one by the invitation already.
            Self::InviteeJoined => host.add_member("acme", &user("root", "u-alice")).or(Ok(())),
            Self::InviterWithoutRight => {
                host.set_permissions("acme", ann(), guestlist_contract::types::Permissions::VIEW)
            }
            Self::InviterDeleted => host.remove_user("acme", "u-ann"),
            Self::GroupDeleted => host.delete_group("acme", "g-ops"),
        }
        .unwrap_or_else(|error| panic!("{self:?}: {error}"));
    }

    /// Whoever signs in as the invited person after this.
    fn invitee(self) -> Principal {
        match self {
            Self::InviteeRecreated => Principal::User(user("root", "u-alice-2")),
            _ => alice(),
        }
    }
}

fn grants() -> [Grant; 2] {
    [group("g-help"), group("g-ops")]
}

/// Ann's invitation of Alice, and its code where there is one.
async fn in_state(state: State) -> (Rig, InvitationKey, String) {
    let rig = Rig::new();
    if state == State::AwaitingApproval {
        rig.host.change_settings("acme", &patch(r#"{ "privileged": ["group:g-ops"] }"#)).unwrap();
        let id = rig.invite(request(&["alice"], &grants())).await.unwrap().remove(0).unwrap().id;
        return (rig, InvitationKey { organization: "acme".into(), id }, String::new());
    }
    let (key, code) = rig.invited("alice", &grants()).await;
    (rig, key, code)
}

/// An accept that broke off after its claim: before anything was applied, or after.
async fn interrupted(fault: Fault) -> (Rig, InvitationKey, String) {
    let (rig, key, code) = in_state(State::Pending).await;
    let crash = FaultPlan::once(Function::MembershipApply, 1, fault);
    let accept = op::Accept { handle: Handle::Code(code.clone()) };
    assert!(rig.run_with(Arc::new(crash), None, alice(), accept).await.is_err());
    assert_eq!(rig.row(&key).state, State::Accepting);
    (rig, key, code)
}

fn word(state: State) -> &'static str {
    match state {
        State::AwaitingApproval => "awaiting-approval",
        State::Pending => "pending",
        State::Accepting => "accepting",
        State::Accepted => "accepted",
        State::Declined => "declined",
        State::Revoked => "revoked",
        State::Expired => "expired",
        State::Failed => "failed",
    }
}

fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotPermitted => "`not-permitted`".into(),
        Refusal::OrganizationNotActive => "`organization-not-active`".into(),
        Refusal::UnknownGrants(_) => "`unknown-grants`".into(),
        Refusal::InProgress(_) => "`in-progress`".into(),
        Refusal::WrongState(state) => format!("`wrong-state({})`", word(*state)),
        Refusal::NotInvitable(item) => format!("`not-invitable({})`", item_refused(item)),
        other => panic!("an unforeseen refusal: {other:?}"),
    }
}

fn item_refused(refusal: &ItemRefusal) -> &'static str {
    match refusal {
        ItemRefusal::NotAParentUser => "not-a-parent-user",
        ItemRefusal::AlreadyMember => "already-member",
        ItemRefusal::ActiveInvitation(_) => "active-invitation",
        ItemRefusal::Obstacle(obstacle) => in_the_way(obstacle),
        other => panic!("an unforeseen refusal: {other:?}"),
    }
}

fn in_the_way(obstacle: &Obstacle) -> &'static str {
    match obstacle {
        Obstacle::OrganizationNotActive => "organization-not-active",
        Obstacle::OrganizationMoved => "organization-moved",
        Obstacle::InviteeNotActive => "invitee-not-active",
        Obstacle::InviterNotEntitled => "inviter-not-entitled",
        Obstacle::NameTaken => "name-taken",
        other => panic!("an unforeseen obstacle: {other:?}"),
    }
}

fn turned_away(refusal: &InviteeRefusal) -> String {
    match refusal {
        InviteeRefusal::NotUsable => "`not-usable`".into(),
        InviteeRefusal::InProgress(_) => "`in-progress`".into(),
        InviteeRefusal::Obstacle(obstacle) => format!("`{}`", in_the_way(obstacle)),
        other => panic!("an unforeseen refusal: {other:?}"),
    }
}

/// The end of an invitation, and what became of the steps where it was accepted.
fn end(rig: &Rig, key: &InvitationKey) -> String {
    let row = rig.row(key);
    let steps: Vec<_> = row
        .outcomes
        .iter()
        .map(|result| match result.outcome {
            StepOutcome::Applied => "applied",
            StepOutcome::AlreadyPresent => "already-present",
            StepOutcome::WasRemoved => "was-removed",
            StepOutcome::NoSuchTarget => "no-such-target",
            other => panic!("an unforeseen outcome: {other:?}"),
        })
        .collect();
    let reason = row.reason.filter(|_| row.state == State::Failed);
    match (reason, steps.is_empty()) {
        (Some(reason), _) => format!("{}: `{reason}`", word(row.state)),
        (None, true) => word(row.state).into(),
        (None, false) => format!("{}: {}", word(row.state), steps.join(", ")),
    }
}

async fn accepted(rig: &Rig, who: Principal, key: &InvitationKey, code: &str) -> String {
    match rig.accept(who, code).await {
        Ok(_) => end(rig, key),
        Err(refusal) => turned_away(&refusal),
    }
}

async fn administered(rig: &Rig, what: &str, key: &InvitationKey) -> String {
    let id = || key.id.clone();
    let done = match what {
        "approve" => rig.run(ACME, ben(), op::Approve { id: id() }).await.unwrap().answer.map(|_| "pending"),
        "reject" => {
            let reject = op::Reject { id: id(), reason: None };
            rig.run(ACME, ben(), reject).await.unwrap().answer.map(|()| "revoked")
        }
        "revoke" => {
            let revoke = op::Revoke { id: id(), reason: None };
            rig.run(ACME, ben(), revoke).await.unwrap().answer.map(|()| "revoked")
        }
        "resend" => {
            let resend = op::Resend { ids: vec![id()] };
            let answer = rig.run(ACME, ben(), resend).await.unwrap().answer;
            answer.and_then(|mut items| items.remove(0)).map(|_| "new code")
        }
        other => panic!("{other}"),
    };
    done.map_or_else(|refusal| refused(&refusal), str::to_owned)
}

/// The invited person, invited once more by name.
async fn invited_again(rig: &Rig) -> String {
    match rig.invite_as("acme", ben(), request(&["alice"], &[group("g-help")])).await {
        Err(refusal) => refused(&refusal),
        Ok(mut items) => match items.remove(0) {
            Ok(_) => "invited".into(),
            Err(refusal) => format!("`{}`", item_refused(&refusal)),
        },
    }
}

/// What the sweep makes of it in time.
async fn left_alone(rig: &Rig, key: &InvitationKey) -> String {
    rig.host.advance(HOURS_72);
    rig.sweep("acme").await;
    end(rig, key)
}

fn table(columns: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut text =
        format!("| what happens | {} |\n|---|{}\n", columns.join(" | "), "---|".repeat(columns.len()));
    for (change, row) in CHANGES.into_iter().zip(rows) {
        writeln!(text, "| {} | {} |", change.words(), row.join(" | ")).unwrap();
    }
    text
}

async fn awaiting() -> String {
    let mut rows = Vec::new();
    for change in CHANGES {
        let (rig, key, _) = in_state(State::AwaitingApproval).await;
        change.happens(&rig);
        let mut row = Vec::new();
        for what in ["approve", "reject", "revoke"] {
            let world = rig.fork();
            row.push(administered(&world, what, &key).await);
            always(&world, &History::default());
        }
        row.push(invited_again(&rig.fork()).await);
        row.push(left_alone(&rig, &key).await);
        rows.push(row);
    }
    table(&["approve", "reject", "revoke", "invite the name again", "left alone"], rows)
}

async fn pending() -> String {
    let mut rows = Vec::new();
    for change in CHANGES {
        let (rig, key, code) = in_state(State::Pending).await;
        change.happens(&rig);
        let mut row = Vec::new();
        let world = rig.fork();
        row.push(accepted(&world, change.invitee(), &key, &code).await);
        let history = History::default();
        always(&world, &history);
        at_rest(&world, &history);

        let world = rig.fork();
        let decline = op::Decline { handle: Handle::Code(code), reason: None };
        let declined = world.run(None, change.invitee(), decline).await.unwrap().answer;
        row.push(declined.map_or_else(|refusal| turned_away(&refusal), |()| end(&world, &key)));
        for what in ["resend", "revoke"] {
            row.push(administered(&rig.fork(), what, &key).await);
        }
        row.push(invited_again(&rig.fork()).await);
        row.push(left_alone(&rig, &key).await);
        rows.push(row);
    }
    table(&["accept", "decline", "resend", "revoke", "invite the name again", "left alone"], rows)
}

async fn accepting() -> String {
    let mut rows = Vec::new();
    for change in CHANGES {
        let mut row = Vec::new();
        let (rig, key, code) = interrupted(Fault::CrashBefore).await;
        change.happens(&rig);
        row.push(accepted(&rig.fork(), change.invitee(), &key, &code).await);
        row.push(administered(&rig.fork(), "revoke", &key).await);
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let (rig, key, _) = interrupted(fault).await;
            change.happens(&rig);
            rig.host.advance(60_000);
            rig.sweep("acme").await;
            row.push(end(&rig, &key));
            let history = History::default();
            always(&rig, &history);
            at_rest(&rig, &history);
        }
        rows.push(row);
    }
    table(&["accept", "revoke", "sweep, nothing applied yet", "sweep, everything applied"], rows)
}

/// Whatever happens, an invitation that has ended stays as it is.
async fn ended() {
    for change in CHANGES {
        let (rig, key, code) = in_state(State::Pending).await;
        rig.accept(alice(), &code).await.unwrap();
        let (before, members) = (rig.row(&key), rig.host.members("acme").len());
        change.happens(&rig);
        if let Ok(again) = rig.accept(change.invitee(), &code).await {
            assert!(again.repeated, "{change:?}");
        }
        rig.host.advance(HOURS_72);
        rig.sweep("acme").await;
        assert_eq!(rig.row(&key), before, "I-STATE: {change:?}");
        assert!(rig.host.members("acme").len() <= members, "I-GONE: {change:?}");
    }
}

#[tokio::test]
async fn the_page_says_what_happens() {
    ended().await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/when-the-world-changes.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut written = page.clone();
    for (name, table) in
        [("awaiting", awaiting().await), ("pending", pending().await), ("accepting", accepting().await)]
    {
        let (from, to) = (format!("<!-- {name} -->\n"), "<!-- end -->");
        let start = written.find(&from).expect("a place for the table") + from.len();
        let length = written[start..].find(to).expect("its end");
        written.replace_range(start..start + length, &table);
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &written).unwrap();
    }
    assert!(
        std::env::var_os("BLESS").is_some() || page == written,
        "docs/when-the-world-changes.md says otherwise; this is what happens:\n{written}"
    );
}
