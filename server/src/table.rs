//! Who may do what: the one table of operations and what each needs.
//!
//! Every route names its operation, so that none exists without a line here, and the guard asks
//! before the route's own code runs. What the plugin demands by itself stands here, too: a test holds both equal.

use guestlist_contract::{
    rights::{HostPermissions, Rights},
    types::Permissions,
};

/// What an operation needs before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it says what anybody may know, or is guarded by a secret of its own (a code, a password, a link).
    Nothing,
    /// Somebody who is signed in, a person or a client. What it shows is their own.
    SignedIn,
    /// A permission of the contract in the organization. The plugin refuses, so that its trail says so.
    Permission(Permissions),
    /// A permission of the host in the organization.
    Host(HostPermissions),
    /// One of these in the organization.
    OneOf(&'static [Needs]),
}

impl Needs {
    /// The rights that it takes, all of them where one is enough; none where rights do not decide.
    #[must_use]
    pub fn rights(self) -> Rights {
        match self {
            Self::Nothing | Self::SignedIn => Rights::empty(),
            Self::Permission(permissions) => permissions.into(),
            Self::Host(host) => host.into(),
            Self::OneOf(several) => several.iter().map(|one| one.rights()).collect(),
        }
    }
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $word:literal: $needs:expr;)*) => {
        /// An operation of the server.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation {
            $($(#[$doc])* $name,)*
        }

        impl Operation {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name, as in logs and in the documentation.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// What it needs.
            #[must_use]
            pub const fn needs(self) -> Needs {
                match self {
                    $(Self::$name => $needs,)*
                }
            }
        }
    };
}

const fn may(permissions: Permissions) -> Needs {
    Needs::Permission(permissions)
}

const fn host(permissions: HostPermissions) -> Needs {
    Needs::Host(permissions)
}

/// Those who have to choose among groups and roles.
const CHOOSE: &[Needs] = &[
    may(Permissions::INVITE),
    may(Permissions::VIEW),
    host(HostPermissions::MANAGE_PEOPLE),
    host(HostPermissions::MANAGE_ROLES),
];

operations! {
    /// Says that the process runs.
    Live = "live": Needs::Nothing;
    /// Says whether the server can answer.
    Ready = "ready": Needs::Nothing;
    /// Says what the server is and can do.
    Describe = "server": Needs::Nothing;

    /// Says what is here, and leads on; the style sheet and the script of pages.
    Home = "home": Needs::Nothing;

    /// Takes a secret for a token.
    Token = "token": Needs::Nothing;
    /// Signs in with a password.
    SignIn = "sign-in": Needs::Nothing;
    /// Ends the session.
    SignOut = "sign-out": Needs::Nothing;
    /// Makes the first administrator, with a link.
    FirstStart = "first-start": Needs::Nothing;
    /// Says who one is, and what one may do.
    Me = "me": Needs::SignedIn;

    /// Invites people of the parent.
    Invite = "invite": may(Permissions::INVITE);
    /// Lists invitations, or shows one with its history.
    ViewInvitations = "view-invitations": may(Permissions::VIEW);
    /// Sends invitations again.
    Resend = "resend": may(Permissions::RESEND);
    /// Ends invitations, or takes them off the list.
    Revoke = "revoke": may(Permissions::REVOKE);
    /// Approves or rejects an invitation.
    Approve = "approve": may(Permissions::APPROVE);

    /// Lists one's own invitations.
    MyInvitations = "my-invitations": Needs::SignedIn;
    /// Shows the invitation of a code or of one's own, accepts or declines it. The plugin judges whose it is.
    Answer = "answer": Needs::Nothing;

    /// Reads people, members, groups and roles.
    ReadPeople = "read-people": host(HostPermissions::MANAGE_PEOPLE);
    /// Changes people, members and who is in which group and has which role.
    ManagePeople = "manage-people": host(HostPermissions::MANAGE_PEOPLE);
    /// Reads groups and roles. Whoever invites has to choose among them.
    ReadRoles = "read-roles": Needs::OneOf(CHOOSE);
    /// Changes groups and roles.
    ManageRoles = "manage-roles": host(HostPermissions::MANAGE_ROLES);
    /// Makes and revokes clients.
    ManageClients = "manage-clients": host(HostPermissions::MANAGE_ROLES);
    /// Reads and changes settings.
    ManageRules = "manage-rules": host(HostPermissions::MANAGE_RULES);
    /// Reads, makes, suspends, moves and deletes organizations below this one.
    ManageOrganizations = "manage-organizations": host(HostPermissions::MANAGE_ORGANIZATIONS);
    /// Reads the audit trail.
    ReadTrail = "read-trail": host(HostPermissions::READ_TRAIL);
}
