//! The contract in `wit/`, as the types and traits of the host's side, and what every host judges alike.
//!
//! The types are generated. [`Extension`] is the plugin as it looks from outside, [`TenantPolicy`] an
//! organization's own rules; the types can be written as JSON, for traces and for the command line. [`host`]
//! has the traits that a host implements; the other modules are the rules that the contract states in prose,
//! as functions: [`bounds`], [`lifecycle`], [`lookup`], [`paging`], [`code`], [`rights`], and the words
//! of the [audit trail](trail).

mod address;
pub mod bounds;
pub mod code;
pub mod facts;
mod failures;
pub mod host;
mod imports;
pub mod lifecycle;
pub mod lookup;
pub mod paging;
pub mod rights;
pub mod text;
pub mod trail;
#[cfg(test)]
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests, each of which reads what it compares with"
)]
mod wit;

/// The plugin's world.
#[allow(missing_docs)]
pub mod extension {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "extension",
        imports: { default: async | trappable },
        exports: { default: async },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

/// The world of an organization's own rules. It shares the plugin's `types`.
#[allow(missing_docs)]
pub mod tenant_policy {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "tenant-policy",
        exports: { default: async },
        with: { "guestlist:invitation/types@0.1.0": super::types },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

pub use extension::exports::guestlist::invitation as exports;
pub use extension::guestlist::invitation::{
    audit, directory, membership, notifications, policy, settings, storage, types,
};
pub use extension::{Extension, ExtensionPre};
pub use tenant_policy::exports::guestlist::invitation::rules;
pub use tenant_policy::{TenantPolicy, TenantPolicyPre};

pub use address::{AddressDomains, NotADomain, address_domain};
pub use failures::{ErrorCase, Failed, UnknownErrorCase};
pub use imports::{Function, UnknownFunction};

/// A failure of the host, as the errors of its functions carry it.
macro_rules! from_host_error {
    ($($error:ty),*) => {$(
        impl From<types::HostError> for $error {
            fn from(error: types::HostError) -> Self {
                Self::Host(error)
            }
        }
    )*};
}
from_host_error!(directory::LookupError, storage::StoreError, policy::PolicyError);

/// Every invitation.
impl Default for types::InvitationFilter {
    fn default() -> Self {
        Self {
            states: Vec::new(),
            grant: None,
            inviter: None,
            invitee: None,
            name_prefix: None,
            dismissed: None,
        }
    }
}

/// Flags are written as the list of their names: the generator derives nothing for them.
macro_rules! flags_as_names {
    ($flags:ty { $($name:literal => $flag:ident),* $(,)? }) => {
        impl serde::Serialize for $flags {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_seq([$(($name, Self::$flag)),*].into_iter().filter(|(_, flag)| self.contains(*flag)).map(|(name, _)| name))
            }
        }

        impl<'de> serde::Deserialize<'de> for $flags {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let mut flags = Self::empty();
                for name in <Vec<String>>::deserialize(from)? {
                    flags |= match name.as_str() {
                        $($name => Self::$flag,)*
                        _ => return Err(serde::de::Error::unknown_variant(&name, &[$($name),*])),
                    };
                }
                Ok(flags)
            }
        }
    };
}
flags_as_names!(types::Permissions {
    "INVITE" => INVITE, "VIEW" => VIEW, "REVOKE" => REVOKE, "RESEND" => RESEND, "APPROVE" => APPROVE,
    "SEE_CODE" => SEE_CODE, "ONBOARD" => ONBOARD,
});
flags_as_names!(settings::Notices {
    "EXPIRED" => EXPIRED, "ACCEPTED" => ACCEPTED, "DECLINED" => DECLINED, "APPROVAL_REQUESTED" => APPROVAL_REQUESTED,
    "FAILED" => FAILED, "REVOKED" => REVOKED,
});
