//! The states of an invitation and the moves between them: the whole machine, and nothing else.
//!
//! ```text
//! awaiting-approval ──approve──▶ pending ◀─┐
//!   └ reject, revoke, expire     │  │ └────┘ resend (a new code)
//!     ▶ revoked, expired         │  └ decline, revoke, expire ▶ declined, revoked, expired
//!                                └claim─▶ accepting ◀─┐
//!                                          │  │ └─────┘ take over (the lease ran out)
//!                                          │  └ fail ▶ failed
//!                                          └ finish ▶ accepted
//! ```
//!
//! Every change of an invitation is one of these moves, made by one guarded statement of the store.

use crate::contract::imports::{storage::ClockGuard, types::State};

/// Everything that can happen to an invitation after it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// An approver other than the inviter approves it.
    Approve,
    /// An approver says no.
    Reject,
    /// The invitation gets a new code.
    Resend,
    /// An accept takes it: the point from which only forward is possible.
    Claim,
    /// A claim whose lease ran out is continued by somebody else.
    TakeOver,
    /// The grants are in place.
    Finish,
    /// The accept turned out after the claim not to be allowed, and nothing had been applied.
    Fail,
    /// The invitee says no.
    Decline,
    /// The invitation is taken back.
    Revoke,
    /// Its time has run out.
    Expire,
}

impl Move {
    /// Every move.
    pub const ALL: [Self; 10] = [
        Self::Approve,
        Self::Reject,
        Self::Resend,
        Self::Claim,
        Self::TakeOver,
        Self::Finish,
        Self::Fail,
        Self::Decline,
        Self::Revoke,
        Self::Expire,
    ];

    /// The states that it can start from.
    #[must_use]
    pub const fn from(self) -> &'static [State] {
        match self {
            Self::Approve | Self::Reject => &[State::AwaitingApproval],
            Self::Resend | Self::Claim | Self::Decline => &[State::Pending],
            Self::TakeOver | Self::Finish | Self::Fail => &[State::Accepting],
            Self::Revoke | Self::Expire => &[State::AwaitingApproval, State::Pending],
        }
    }

    /// The state that it ends in.
    #[must_use]
    pub const fn to(self) -> State {
        match self {
            Self::Approve | Self::Resend => State::Pending,
            Self::Claim | Self::TakeOver => State::Accepting,
            Self::Finish => State::Accepted,
            Self::Fail => State::Failed,
            Self::Decline => State::Declined,
            Self::Reject | Self::Revoke => State::Revoked,
            Self::Expire => State::Expired,
        }
    }

    /// The condition on the store's clock at the instant of the move.
    #[must_use]
    pub const fn clock(self) -> ClockGuard {
        match self {
            Self::Approve | Self::Reject | Self::Resend | Self::Claim | Self::Decline | Self::Revoke => {
                ClockGuard::BeforeExpiry
            }
            Self::TakeOver => ClockGuard::LeaseOver,
            // A claim made in time is brought to its end however long that takes.
            Self::Finish | Self::Fail => ClockGuard::None,
            Self::Expire => ClockGuard::AfterExpiry,
        }
    }

    /// The state after this move, or `None` where it is not allowed.
    #[must_use]
    pub fn apply(self, state: State) -> Option<State> {
        self.from().contains(&state).then(|| self.to())
    }
}

/// Tells whether some move leads from one state to the other.
#[must_use]
pub fn legal(from: State, to: State) -> bool {
    Move::ALL.iter().any(|by| by.apply(from) == Some(to))
}

/// Tells whether nothing follows any more.
#[must_use]
pub fn is_terminal(state: State) -> bool {
    Move::ALL.iter().all(|by| by.apply(state).is_none())
}

/// Tells whether it stands in the way of another invitation of the same account.
#[must_use]
pub fn is_active(state: State) -> bool {
    !is_terminal(state)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Row: from. Column: to. Both in the order of `STATES`.
    const LEGAL: [[u8; 8]; 8] = [
        // aw pe ac ok de re ex fa
        [0, 1, 0, 0, 0, 1, 1, 0], // awaiting-approval
        [0, 1, 1, 0, 1, 1, 1, 0], // pending
        [0, 0, 1, 1, 0, 0, 0, 1], // accepting
        [0, 0, 0, 0, 0, 0, 0, 0], // accepted
        [0, 0, 0, 0, 0, 0, 0, 0], // declined
        [0, 0, 0, 0, 0, 0, 0, 0], // revoked
        [0, 0, 0, 0, 0, 0, 0, 0], // expired
        [0, 0, 0, 0, 0, 0, 0, 0], // failed
    ];

    #[test]
    fn all_sixty_four_pairs_are_as_the_contract_says() {
        for (from, row) in STATES.into_iter().zip(LEGAL) {
            for (to, expected) in STATES.into_iter().zip(row) {
                assert_eq!(legal(from, to), expected == 1, "{from:?} -> {to:?}");
            }
        }
    }

    #[test]
    fn the_five_ends_absorb_and_the_other_three_are_active() {
        let ends = [State::Accepted, State::Declined, State::Revoked, State::Expired, State::Failed];
        for state in STATES {
            assert_eq!(is_terminal(state), ends.contains(&state), "{state:?}");
            assert_eq!(is_active(state), !ends.contains(&state), "{state:?}");
            for by in Move::ALL {
                assert!(!is_terminal(state) || by.apply(state).is_none(), "{by:?} leaves {state:?}");
            }
        }
    }

    #[test]
    fn a_claim_is_refused_at_the_expiry_and_an_expiry_is_refused_before_it() {
        for by in Move::ALL {
            let expected = match by {
                Move::Expire => ClockGuard::AfterExpiry,
                Move::TakeOver => ClockGuard::LeaseOver,
                Move::Finish | Move::Fail => ClockGuard::None,
                _ => ClockGuard::BeforeExpiry,
            };
            assert_eq!(by.clock(), expected, "{by:?}");
        }
    }
}
