//! What a letter says, as data.

/// Why a letter is written: the kinds of message of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// To the invitee, with the code in the link.
    Invitation,
    /// To the invitee, shortly before the expiry, without a code.
    Reminder,
    /// To the inviter: the invitee is a member.
    Accepted,
    /// To the inviter: the invitee said no.
    Declined,
    /// To the inviter: nobody answered in time.
    Expired,
    /// To the inviter: it was claimed, turned out not to be allowed, and nobody became a member.
    Failed,
    /// To the inviter: somebody has taken it back or not approved it.
    Revoked,
    /// To those who may approve.
    ApprovalRequested,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Invitation,
        Self::Reminder,
        Self::Accepted,
        Self::Declined,
        Self::Expired,
        Self::Failed,
        Self::Revoked,
        Self::ApprovalRequested,
    ];
}

/// What a letter says. Names may be anything that people write: [`compose`](crate::compose()) makes them harmless.
///
/// It has no `Debug`, because the link of an invitation has the code in it.
///
/// ```
/// use guestlist_mail::{Kind, Letter};
///
/// let letter = Letter {
///     inviter: Some("Ines Vogel".to_owned()),
///     groups: vec!["Auditors".to_owned()],
///     link: Some("https://id.example/accept#code=k3v9".to_owned()),
///     ..Letter::new(Kind::Invitation, "guest@example.org", "Acme", "Guestlist")
/// };
/// ```
#[derive(Clone)]
pub struct Letter {
    /// Why it is written.
    pub kind: Kind,
    /// The address of who gets it, and nothing else: `guest@example.org`.
    pub to: String,
    /// The name of the inviting organization.
    pub organization: String,
    /// The display name of who invites; absent: it says "somebody".
    pub inviter: Option<String>,
    /// The name of who is invited. Shown to everybody but themselves.
    pub invitee: Option<String>,
    /// The names of the groups that the invitation carries.
    pub groups: Vec<String>,
    /// The names of the roles that the invitation carries.
    pub roles: Vec<String>,
    /// Where the button leads: an absolute `https` or `http` URL in ASCII, at most 2048 bytes. An invitation needs
    /// it, and has its code in the fragment, so that the code is in no server's log. The others need not have one.
    pub link: Option<String>,
    /// The first instant at which it is no longer valid, in milliseconds since 1970-01-01T00:00:00Z.
    pub expires_at: Option<u64>,
    /// How long it is valid in all, in milliseconds: shown in brackets after the moment.
    pub lifetime: Option<u64>,
    /// The organization's distance from UTC, in minutes east of it: moments are told in its time.
    pub utc_offset: i32,
    /// Why it was declined, revoked, failed, or needs approval: somebody's words.
    pub reason: Option<String>,
    /// The name under which people know the server.
    pub server: String,
    /// Where people find help, in the operator's words. An address in it may become a link, unlike one in a name.
    pub support: Option<String>,
}

impl Letter {
    /// A letter with what each has; the rest is added with `..`.
    #[must_use]
    pub fn new(
        kind: Kind,
        to: impl Into<String>,
        organization: impl Into<String>,
        server: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            to: to.into(),
            organization: organization.into(),
            inviter: None,
            invitee: None,
            groups: Vec::new(),
            roles: Vec::new(),
            link: None,
            expires_at: None,
            lifetime: None,
            utc_offset: 0,
            reason: None,
            server: server.into(),
            support: None,
        }
    }
}
