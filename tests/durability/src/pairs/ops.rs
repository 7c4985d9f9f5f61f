//! Who may act at the same time as somebody else, and where that has an effect.

use guestlist_contract::{
    exports::{invitations::Owner, invitee::Handle},
    storage::{
        Batch, Change, ClockGuard, CodeChange, Delivery, DeliveryOutcome, Draft, Guard, LifetimeChange,
    },
    types::{
        AcceptWith, InvitationKey, MessageKind, Notify, Permissions, Principal, State, Step, StepOutcome,
        StepResult, Subject,
    },
};
use guestlist_harness::operations as op;
use serde::Serialize;

use super::scene::{Cast, Scene};
use crate::{
    act::{Act, Command, invite, list, list_mine, sweep},
    host::Dice,
    imports::Import,
    world,
};

/// What one of the two does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    Invite,
    List,
    Get,
    Resend,
    Revoke,
    RevokeAll,
    Approve,
    Reject,
    Accept,
    AcceptById,
    Decline,
    Introspect,
    ListMine,
    Sweep,
    RemoveMember,
    DeleteGroup,
    SetPermissions,
    // What follows are host calls.
    Insert,
    InsertOther,
    InsertReused,
    Recall,
    Claim,
    TakeOver,
    Renew,
    End,
    Expire,
    Finish,
    Fail,
    Due,
    Delivered,
    Retry,
    Apply,
    ApplyGrants,
    Close,
    Purge,
    ReadRow,
}

impl Op {
    /// What people and hosts do.
    pub const OPERATIONS: [Self; 17] = [
        Self::Invite,
        Self::List,
        Self::Get,
        Self::Resend,
        Self::Revoke,
        Self::RevokeAll,
        Self::Approve,
        Self::Reject,
        Self::Accept,
        Self::AcceptById,
        Self::Decline,
        Self::Introspect,
        Self::ListMine,
        Self::Sweep,
        Self::RemoveMember,
        Self::DeleteGroup,
        Self::SetPermissions,
    ];

    /// Host calls. The administration's changes are among them, because they are one transaction, too.
    pub const IMPORTS: [Self; 20] = [
        Self::Insert,
        Self::InsertOther,
        Self::InsertReused,
        Self::Recall,
        Self::Claim,
        Self::TakeOver,
        Self::Renew,
        Self::End,
        Self::Expire,
        Self::Finish,
        Self::Fail,
        Self::Due,
        Self::Delivered,
        Self::Retry,
        Self::Apply,
        Self::ApplyGrants,
        Self::Close,
        Self::Purge,
        Self::ReadRow,
        Self::RemoveMember,
    ];

    /// Where it has an effect, or sees one.
    #[must_use]
    pub fn scenes(self) -> &'static [Scene] {
        use Scene::{Awaiting, Claimed, Empty, Expired, Interrupted, Member, Pending, Revoked, Unsent};
        match self {
            Self::Invite => &[Empty, Expired],
            Self::List | Self::Get | Self::Introspect | Self::ListMine => &[Pending],
            Self::Resend => &[Pending, Expired, Unsent],
            Self::Revoke | Self::Decline => &[Pending],
            Self::RevokeAll => &[Pending, Awaiting],
            Self::Approve | Self::Reject => &[Awaiting],
            Self::Accept | Self::AcceptById => &[Pending, Member],
            Self::Sweep => &[Interrupted, Claimed, Unsent, Expired],
            Self::RemoveMember => &[Member, Interrupted],
            Self::DeleteGroup | Self::SetPermissions => &[Pending, Claimed],
            Self::Insert | Self::InsertOther | Self::InsertReused | Self::Recall => &[Empty, Expired],
            Self::Claim | Self::Renew | Self::End => &[Pending, Unsent],
            Self::TakeOver | Self::Finish | Self::Fail => &[Claimed, Interrupted],
            Self::Apply | Self::ApplyGrants | Self::Close => &[Claimed, Interrupted],
            Self::Expire => &[Expired],
            Self::Due | Self::Delivered | Self::Retry => &[Unsent],
            Self::Purge => &[Revoked],
            Self::ReadRow => &[Pending, Revoked],
        }
    }

    /// Why something may come of `inner` in the middle of this that comes of neither order; `None` where that
    /// is a mistake.
    #[must_use]
    pub fn admits(self, inner: Self) -> Option<&'static str> {
        use Op::{
            Accept, AcceptById, Approve, Decline, DeleteGroup, Get, Introspect, Invite, List, ListMine,
            RemoveMember, Resend, Revoke, RevokeAll, SetPermissions, Sweep,
        };
        match (self, inner) {
            (Accept | AcceptById | Sweep, RemoveMember | SetPermissions | DeleteGroup) => {
                Some("what is in the way after the claim ends the invitation, and before it does not")
            }
            (Accept, Resend | Sweep) => {
                Some("the trail still names an invitation whose code dies while it is looked up")
            }
            (Resend | Approve, SetPermissions) => Some(
                "what the caller may do was looked up before; whoever answers for the invitation is asked anew",
            ),
            (Invite, Accept | AcceptById | RemoveMember | SetPermissions | DeleteGroup) => {
                Some("who may be invited is looked up before the invitation is stored")
            }
            (
                Invite | Resend | Approve | Sweep,
                Accept | AcceptById | Decline | Revoke | RevokeAll | Resend | Sweep,
            ) => Some("a mail is on its way while its invitation goes on"),
            (Sweep, Invite) => Some("what is due is hidden from other sweeps, whatever becomes of it"),
            (Accept | AcceptById, Approve) => {
                Some("who approves meanwhile is told the state that it is in, and that is being accepted")
            }
            (Accept | AcceptById | Invite | Resend | Approve | Sweep, List | Get | Introspect | ListMine) => {
                Some("who looks meanwhile sees that it is being accepted, or that its mail is on its way")
            }
            _ => None,
        }
    }

    /// What to do, in this place, as the request `request`.
    #[must_use]
    pub fn command(self, cast: &Cast, request: &str) -> Command {
        let admin = |number| world::admin(&cast.organization, number);
        let alice = Principal::User(cast.alice.clone());
        let id = || cast.invitation.clone();
        let key = || Handle::Id(InvitationKey { organization: cast.organization.clone(), id: id() });
        let code = || Handle::Code(cast.code.clone());
        let reason = None;
        let (organization, caller, act) = match self {
            Self::Invite => (true, admin(1), self.invite(cast)),
            Self::List => (true, admin(1), list().into()),
            Self::Get => (true, admin(1), op::Get { id: id() }.into()),
            Self::Resend => (true, admin(1), op::Resend { ids: vec![id()] }.into()),
            Self::Revoke => (true, admin(1), op::Revoke { id: id(), reason }.into()),
            Self::RevokeAll => {
                let whose = Owner::Invitee(cast.alice.clone());
                (true, admin(2), op::RevokeAll { whose, reason }.into())
            }
            Self::Approve => (true, admin(2), op::Approve { id: id() }.into()),
            Self::Reject => (true, admin(2), op::Reject { id: id(), reason }.into()),
            Self::Accept => (false, alice, op::Accept { handle: code() }.into()),
            Self::AcceptById => (false, alice, op::Accept { handle: key() }.into()),
            Self::Decline => (false, alice, op::Decline { handle: key(), reason }.into()),
            Self::Introspect => (false, alice, op::Introspect { handle: code() }.into()),
            Self::ListMine => (false, alice, list_mine().into()),
            Self::Sweep => (true, Principal::System, sweep().into()),
            Self::RemoveMember => (true, Principal::System, Act::RemoveMember(cast.alice.clone())),
            Self::DeleteGroup => (true, Principal::System, Act::DeleteGroup("g-help".into())),
            Self::SetPermissions => {
                (true, Principal::System, Act::SetPermissions(admin(1), Permissions::empty()))
            }
            Self::Insert | Self::InsertOther | Self::InsertReused | Self::Recall => {
                (true, admin(1), Act::Import(self.import(cast, request)))
            }
            _ => (true, Principal::System, Act::Import(self.import(cast, request))),
        };
        let organization = organization.then(|| cast.organization.clone());
        let request = request.to_owned();
        Command { number: 0, at: 0, organization, caller, request, act }
    }

    fn invite(self, cast: &Cast) -> Act {
        invite(vec![cast.alice_name.clone()], vec![world::group("g-help")]).into()
    }

    fn import(self, cast: &Cast, request: &str) -> Import {
        let id = cast.invitation.clone();
        let member = StepResult { step: Step::Member, outcome: StepOutcome::Withheld };
        match self {
            Self::Insert => insert(cast, request, "one", 1),
            Self::InsertOther => insert(cast, request, "two", 1),
            // Another request under the same id.
            Self::InsertReused => insert(cast, request, "one", 2),
            Self::Recall => Import::Recall { operation: "one".into(), fingerprint: vec![1; 32] },
            Self::Claim => change(cast, request, State::Pending, State::Accepting),
            Self::TakeOver => change(cast, request, State::Accepting, State::Accepting),
            Self::Renew => change(cast, request, State::Pending, State::Pending),
            Self::End => change(cast, request, State::Pending, State::Revoked),
            Self::Expire => change(cast, request, State::Pending, State::Expired),
            Self::Finish => {
                let Import::Transition { id, guard, change } =
                    change(cast, request, State::Accepting, State::Accepted)
                else {
                    unreachable!("it is a change")
                };
                let change = Change { outcomes: Some(vec![member]), ..change };
                Import::Transition { id, guard, change }
            }
            Self::Fail => change(cast, request, State::Accepting, State::Failed),
            Self::Due => Import::Due { limit: 10, hold: 60_000 },
            Self::Delivered => settle(id, DeliveryOutcome::Delivered),
            Self::Retry => settle(id, DeliveryOutcome::Retry(60_000)),
            Self::Apply => {
                let group = |group| Step::Grant(world::group(group));
                let steps = std::iter::once(Step::Member).chain(world::GROUPS.map(group));
                Import::Apply { id, user: cast.alice.clone(), steps: steps.collect() }
            }
            Self::ApplyGrants => {
                let steps = vec![Step::Member, Step::Grant(world::group("g-ops"))];
                Import::Apply { id, user: cast.alice.clone(), steps }
            }
            Self::Close => Import::Close(id),
            Self::Purge => Import::Purge { retention: 1, limit: 10 },
            _ => Import::Get(id),
        }
    }
}

pub(super) fn digest(cast: &Cast, request: &str) -> Vec<u8> {
    let salt = request.bytes().fold(cast.run, |salt, byte| salt.wrapping_mul(257).wrapping_add(byte.into()));
    let mut dice = Dice::new(salt);
    (0..32).map(|_| dice.roll() as u8).collect()
}

fn settle(invitation: String, outcome: DeliveryOutcome) -> Import {
    let kind = MessageKind::Invitation;
    Import::Settle(vec![Delivery { invitation, version: 1, kind, outcome }])
}

/// One change of the row that the scene has left: by then it has been changed so often.
fn change(cast: &Cast, request: &str, from: State, to: State) -> Import {
    let version = if from == State::Accepting { 2 } else { 1 };
    let clock = match (from, to) {
        (State::Accepting, State::Accepting) => ClockGuard::LeaseOver,
        (_, State::Accepting) => ClockGuard::BeforeExpiry,
        (_, State::Expired) => ClockGuard::AfterExpiry,
        _ => ClockGuard::None,
    };
    let code = match (from, to) {
        (State::Pending, State::Pending) => CodeChange::Replace(digest(cast, request)),
        _ => CodeChange::Keep,
    };
    let change = Change {
        operation: request.to_owned(),
        to,
        lease: (to == State::Accepting).then_some(30_000),
        code,
        lifetime: LifetimeChange::Keep,
        reason: None,
        word: None,
        adopt: false,
        outcomes: None,
        count_resend: false,
        messages: if from == to && to == State::Pending { vec![MessageKind::Invitation] } else { vec![] },
        hold: 60_000,
    };
    Import::Transition {
        id: cast.invitation.clone(),
        guard: Guard { version, states: vec![from], clock },
        change,
    }
}

fn insert(cast: &Cast, request: &str, operation: &str, fingerprint: u8) -> Import {
    let draft = Draft {
        position: 0,
        id: format!("made-by-{request}"),
        subject: Subject::User(cast.alice.clone()),
        name: cast.alice_name.clone(),
        grants: None,
        lifetime: Some(3_600_000),
        accept_with: AcceptWith::Invitee,
        code: Some(digest(cast, request)),
        approval: None,
        replaces: None,
    };
    Import::Insert(Batch {
        operation: operation.to_owned(),
        fingerprint: vec![fingerprint; 32],
        parent: world::PARENT.into(),
        grants: vec![world::group("g-help")],
        notify: Notify::Internal,
        template: None,
        language: None,
        landing: None,
        metadata: Vec::new(),
        active_limit: None,
        announce: false,
        report_expired: false,
        hold: 60_000,
        drafts: vec![draft],
        refused: Vec::new(),
    })
}
