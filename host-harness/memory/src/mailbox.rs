//! E-mails in people's mailboxes, and on their way there.

use guestlist_contract::types::{MessageKind, Principal, UserRef};
use serde::{Deserialize, Serialize};

/// An e-mail as it was delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mail {
    /// The time by the machine's clock.
    pub at: u64,
    /// The account that it was sent to.
    pub to: UserRef,
    /// Its address at that moment.
    pub address: String,
    /// The organization that sent it.
    pub organization: String,
    /// The invitation that it is about.
    pub invitation: String,
    /// Its version when this was written.
    pub version: u64,
    /// Absent: the host's own for the kind.
    pub template: Option<String>,
    /// The kind of message that it is.
    pub kind: MessageKind,
    /// The subject line.
    pub subject: String,
    /// The person or client whom it is from.
    pub inviter: Principal,
    /// Present exactly in invitations.
    pub code: Option<String>,
    /// The link with the code in its fragment.
    pub link: Option<String>,
    /// The time at which the invitation runs out.
    pub expires_at: Option<u64>,
    /// The language in which it is written; absent: the host's own choice.
    pub language: Option<String>,
}

/// The ways in which the e-mail system behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailMode {
    /// Every e-mail is delivered at once.
    #[default]
    Deliver,
    /// No e-mail is accepted: it is `unavailable`.
    Fail,
    /// Every e-mail is taken, and delivered by [`MemoryHost::settle_taken`](crate::MemoryHost::settle_taken).
    Take,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Mailbox {
    pub(super) mode: MailMode,
    pub(super) delivered: Vec<Mail>,
    /// Taken over and not delivered yet.
    pub(super) taken: Vec<Mail>,
    /// Mails of late: to whom, from which organization, and when by the store's clock, as far back as the
    /// limit looks.
    pub(super) posted: Vec<Posted>,
    /// Organizations whose mail is held back, and for whom.
    pub(super) waiting: Vec<Waiting>,
}

/// An organization whose mail to somebody is held back until it is its turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) to: UserRef,
    pub(super) organization: String,
    /// The time at which it has last tried. It is told to wait for a day at most, so one that does not come
    /// again after that keeps nobody waiting.
    pub(super) tried_at: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Posted {
    pub(super) to: UserRef,
    pub(super) organization: String,
    pub(super) at: u64,
}
