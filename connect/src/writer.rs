//! The directory as the grant log needs it: look, add, remove.
//!
//! Three functions, because that is what LDAP, SCIM and the like have in common. What some of them can do
//! better (remember for whom a membership was made, say whether it was there before) is in the answers,
//! so that a better directory gives better guarantees through the same trait.

use async_trait::async_trait;

use guestlist_contract::types::{HostError, Step, UserRef};

/// The account that gets something, the place, and the invitation on account of which it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipient {
    /// The inviting organization.
    pub organization: String,
    /// The invitation.
    pub invitation: String,
    /// The account that was invited, in its resident organization.
    pub user: UserRef,
}

/// The view that a directory has of a membership or grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The membership or grant is not there.
    Absent,
    /// The membership or grant is there, and the directory keeps no mark that says on whose account.
    Unmarked,
    /// The membership or grant is there, and its mark names this invitation.
    ThisInvitation,
    /// The membership or grant is there, in a directory that keeps marks, and its mark does not name this
    /// invitation.
    AnotherWay,
}

/// The outcome of adding something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The membership or grant is there now. A directory that cannot tell whether it was there before answers
    /// this too.
    Added,
    /// The membership or grant was there already, and certainly not by an earlier try of this very call.
    /// Nothing was changed.
    Present,
    /// The group or role does not exist, or the account does not.
    NoSuchTarget,
    /// Another local user has the name that the member would get.
    NameTaken,
    /// A group or role for somebody who is not a member.
    NotAMember,
}

/// A directory of users and groups that shares no transaction with the log.
///
/// Errors say whether an effect is possible: `unavailable`, `throttled`, `denied` and `invalid` promise
/// that nothing was applied and that nothing will be; `outcome-unknown` and `other` promise nothing. A
/// request whose answer did not come is `outcome-unknown`, always.
///
/// A future that is dropped may leave its request under way. [`Options::lands_within`] is the promise of
/// the host when it has landed at the latest.
///
/// [`Options::lands_within`]: super::Options::lands_within
#[async_trait]
pub trait MemberWriter: Send + Sync {
    /// Tells what is there of each of `steps`, in order; one answer each. For an account, a group or a role
    /// that does not exist, nothing is there. Reads only, and from the place that is written to: a replica
    /// that lags behind makes a grant that is there look as if it had been removed.
    async fn look(&self, to: &Recipient, steps: &[Step]) -> Result<Vec<Presence>, HostError>;

    /// Ensures that the membership or grant is there: repeating it has no second effect. Something that is
    /// there is left as it is, with its mark. A grant to somebody who is not a member is refused.
    ///
    /// A directory with room for it stores the id of the invitation as a mark.
    async fn add(&self, to: &Recipient, step: &Step) -> Result<Written, HostError>;

    /// Takes it away: from a directory that keeps marks only what carries the mark of this invitation. What
    /// is not there is no error. A member is removed as an administrator would remove them, with everything
    /// that they hold as a member.
    async fn remove(&self, to: &Recipient, step: &Step) -> Result<(), HostError>;
}
