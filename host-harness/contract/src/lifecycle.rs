//! The life of an invitation as tables, for whoever implements the store: which states follow which, what
//! each change is called in the audit trail, and how long a message makes sense.

use crate::{
    audit::EventKind,
    types::{MessageKind, State},
};

/// Every state, in the order of the contract.
pub const STATES: [State; 8] = [
    State::AwaitingApproval,
    State::Pending,
    State::Accepting,
    State::Accepted,
    State::Declined,
    State::Revoked,
    State::Expired,
    State::Failed,
];

/// The time at which a message is due that never falls due by itself: later than any instant that a clock
/// shows or a store holds, in milliseconds since 1970.
pub const NEVER: u64 = u64::MAX >> 2;

/// Tells whether an invitation may go from one state to another: the table at `types.state` in the contract.
///
/// Every pair that is not in it is illegal, whoever asks. Terminal states lead nowhere.
#[must_use]
pub fn legal(from: State, to: State) -> bool {
    matches!(
        (from, to),
        (State::AwaitingApproval, State::Pending | State::Revoked | State::Expired)
            | (
                State::Pending,
                State::Pending | State::Accepting | State::Declined | State::Revoked | State::Expired
            )
            | (State::Accepting, State::Accepting | State::Accepted | State::Failed)
    )
}

/// Tells whether nothing leads on from here.
#[must_use]
pub fn is_terminal(state: State) -> bool {
    !matches!(state, State::AwaitingApproval | State::Pending | State::Accepting)
}

/// Tells whether a message still makes sense when the invitation is in this state: nobody is told of a dead
/// code, or asked about what has been decided.
#[must_use]
pub fn makes_sense(kind: &MessageKind, state: State) -> bool {
    match kind {
        MessageKind::Invitation | MessageKind::Reminder => state == State::Pending,
        MessageKind::ApprovalRequested => state == State::AwaitingApproval,
        _ => true,
    }
}

/// The name of a change of state in the audit trail; `adopted` where it has another inviter by it.
#[must_use]
pub fn event(from: State, to: State, adopted: bool) -> EventKind {
    match (from, to) {
        (State::AwaitingApproval, State::Pending) => EventKind::InvitationApproved,
        (State::Accepting, State::Accepting) => EventKind::InvitationTakenOver,
        (_, State::Accepting) => EventKind::InvitationClaimed,
        (_, State::AwaitingApproval | State::Pending) if adopted => EventKind::InvitationAdopted,
        (_, State::AwaitingApproval | State::Pending) => EventKind::InvitationRenewed,
        (_, State::Accepted) => EventKind::InvitationAccepted,
        (_, State::Declined) => EventKind::InvitationDeclined,
        (_, State::Revoked) => EventKind::InvitationRevoked,
        (_, State::Expired) => EventKind::InvitationExpired,
        (_, State::Failed) => EventKind::InvitationFailed,
    }
}
