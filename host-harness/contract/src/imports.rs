//! The list of all host functions. Names, signatures and whether repeating one could do harm stand
//! here once; the link to the sandbox, the layer around each call and the admission check are
//! generated from it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Hands the list to a macro. Of each function: how its method in the layer is written (`plain`, or
/// `special` where it is not generated, or the list in its arguments that the items of its answer belong
/// to, where those can fail by themselves), whether it is a `read` or an `effect`, its names as an enum
/// case, in the layer, in the trait and in the contract, and its signature.
#[doc(hidden)]
#[macro_export]
macro_rules! with_imports {
    ($then:ident) => {
        $then! {
            directory "guestlist:invitation/directory@0.1.0" {
                plain read DirectoryGetOrganization directory_get_organization get_organization "get-organization" (id: String) -> Result<Option<Organization>, HostError>;
                [names] read DirectoryFindUsers directory_find_users find_users "find-users" (organization: String, userstore_domain: Option<String>, names: Vec<String>) -> Result<Vec<Result<Found, HostError>>, LookupError>;
                plain read DirectoryGetUsers directory_get_users get_users "get-users" (organization: String, accounts: Vec<UserRef>) -> Result<Vec<Option<User>>, HostError>;
                plain read DirectoryStanding directory_standing standing "standing" (organization: String, who: Principal) -> Result<Option<Permissions>, HostError>;
            }
            membership "guestlist:invitation/membership@0.1.0" {
                plain read MembershipResolve membership_resolve resolve "resolve" (organization: String, inviter: Principal, grants: Vec<Grant>) -> Result<Vec<Option<Resolved>>, HostError>;
                plain read MembershipEligible membership_eligible eligible "eligible" (organization: String, users: Vec<UserRef>, grants: Vec<Grant>) -> Result<Vec<Eligibility>, HostError>;
                plain effect MembershipApply membership_apply apply "apply" (organization: String, invitation: String, user: UserRef, steps: Vec<Step>) -> Result<Vec<StepOutcome>, HostError>;
                plain effect MembershipClose membership_close close "close" (organization: String, invitation: String) -> Result<Vec<StepResult>, HostError>;
            }
            storage "guestlist:invitation/storage@0.1.0" {
                plain read StorageRecall storage_recall recall "recall" (organization: String, operation: String, fingerprint: Vec<u8>) -> Result<Vec<Recorded>, StoreError>;
                [batch.drafts] effect StorageInsert storage_insert insert "insert" (organization: String, batch: Batch) -> Result<Vec<Result<Inserted, StoreError>>, StoreError>;
                plain read StorageGet storage_get get "get" (key: InvitationKey) -> Result<Invitation, StoreError>;
                plain effect StorageDismiss storage_dismiss dismiss "dismiss" (key: InvitationKey) -> Result<Invitation, StoreError>;
                plain read StorageByCode storage_by_code by_code "by-code" (code: Vec<u8>) -> Result<Option<Invitation>, HostError>;
                special effect StorageTransition storage_transition transition "transition" (key: InvitationKey, guard: Guard, change: Change) -> Result<Transitioned, StoreError>;
                plain read StorageList storage_list list "list" (organization: String, filter: InvitationFilter, page: PageRequest) -> Result<Page, StoreError>;
                plain read StorageMine storage_mine mine "mine" (states: Vec<State>, after: Option<String>, limit: u32) -> Result<Page, StoreError>;
                plain effect StorageDue storage_due due "due" (organization: String, limit: u32, hold: u64) -> Result<Vec<DueItem>, HostError>;
                plain effect StorageSettle storage_settle settle "settle" (organization: String, deliveries: Vec<Delivery>) -> Result<(), HostError>;
                plain effect StoragePurge storage_purge purge "purge" (organization: String, retention: u64, limit: u32) -> Result<u32, HostError>;
            }
            notifications "guestlist:invitation/notifications@0.1.0" {
                [messages] effect NotificationsSend notifications_send send "send" (organization: String, template: Option<String>, messages: Vec<Message>) -> Result<Vec<Result<Sent, SendError>>, HostError>;
            }
            audit "guestlist:invitation/audit@0.1.0" {
                plain effect AuditRecordRefusals audit_record_refusals record_refusals "record-refusals" (organization: Option<String>, refusals: Vec<Refusal>) -> Result<(), HostError>;
            }
            policy "guestlist:invitation/policy@0.1.0" {
                plain read PolicyDecideInvite policy_decide_invite decide_invite "decide-invite" (facts: InviteFacts) -> Result<Vec<Verdict>, PolicyError>;
                plain read PolicyDecideAccept policy_decide_accept decide_accept "decide-accept" (facts: AcceptFacts) -> Result<Verdict, PolicyError>;
            }
            settings "guestlist:invitation/settings@0.1.0" {
                plain read SettingsGet settings_get get "get" (organization: String) -> Result<Values, HostError>;
            }
            random "wasi:random/random@0.2.6" {
                special read RandomGetRandomBytes random_get_random_bytes get_random_bytes "get-random-bytes" (len: u64) -> Vec<u8>;
            }
        }
    };
}

macro_rules! is_effect {
    (read) => {
        false
    };
    (effect) => {
        true
    };
}

macro_rules! functions {
    ($($interface:ident $id:literal { $($how:tt $kind:ident $variant:ident $name:ident $method:ident $wit:literal ( $($arg:ident: $ty:ty),* ) -> $ret:ty;)* })*) => {
        /// A function that a host lends the plugin, named interface first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "each is named as in the contract")]
        pub enum Function {
            $($($variant,)*)*
        }

        impl Function {
            /// Every function, in the order of the contract.
            pub const ALL: &[Self] = &[$($(Self::$variant,)*)*];

            /// Interface and function as in the contract: `storage.by-code`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $($(Self::$variant => concat!(stringify!($interface), ".", $wit),)*)*
                }
            }

            /// The names of its arguments, as in a trace.
            #[must_use]
            pub fn arguments(self) -> &'static [&'static str] {
                match self {
                    $($(Self::$variant => &[$(stringify!($arg)),*],)*)*
                }
            }

            /// Tells whether a call without an answer leaves it open if something has happened. After a
            /// time-out an effect is `outcome-unknown`; a read is `unavailable`.
            #[must_use]
            pub fn is_effect(self) -> bool {
                match self {
                    $($(Self::$variant => is_effect!($kind),)*)*
                }
            }

            /// The interface with its package and version: `guestlist:invitation/storage@0.1.0`.
            #[must_use]
            pub fn interface(self) -> &'static str {
                match self {
                    $($(Self::$variant => $id,)*)*
                }
            }
        }
    };
}
with_imports!(functions);

impl Function {
    /// The name within its interface: `by-code`.
    #[must_use]
    pub fn short_name(self) -> &'static str {
        self.name().split_once('.').map_or("", |(_, function)| function)
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text names no host function.
#[derive(Debug, thiserror::Error)]
#[error("there is no host function `{0}`; names are written as in `storage.by-code`")]
pub struct UnknownFunction(String);

impl FromStr for Function {
    type Err = UnknownFunction;

    fn from_str(name: &str) -> Result<Self, UnknownFunction> {
        let found = Self::ALL.iter().copied().find(|function| function.name() == name);
        found.ok_or_else(|| UnknownFunction(name.to_owned()))
    }
}

impl Serialize for Function {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Function {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}
