//! The two worlds that a component may be let in as: what each exports, and an example to compare with.

use crate::artifacts::BUNDLED;
use guestlist_contract::host::Operation;

use super::names::exported_by;

/// A policy that judges nothing, made by the build from the contract.
static POLICY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tenant-policy.wasm"));

/// The world that a component is loaded into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum World {
    /// The plugin.
    Extension,
    /// An organization's own rules.
    TenantPolicy,
}

impl World {
    /// The interfaces that the world asks for.
    pub(super) fn exports(self) -> &'static [&'static str] {
        match self {
            Self::Extension => &["invitations", "invitee", "maintenance"],
            Self::TenantPolicy => &["rules"],
        }
    }

    /// Finds the world that asks for an interface.
    pub(super) fn exporting(interface: &str) -> Option<Self> {
        [Self::Extension, Self::TenantPolicy].into_iter().find(|world| world.exports().contains(&interface))
    }

    /// The functions of one of these interfaces.
    pub(super) fn functions(self, interface: &str) -> Vec<&'static str> {
        match self {
            Self::Extension => Operation::ALL
                .into_iter()
                .filter(|operation| exported_by(*operation) == interface)
                .map(Operation::name)
                .collect(),
            Self::TenantPolicy => vec!["judge-invite", "judge-accept"],
        }
    }

    /// A component of this very contract.
    pub(super) fn example(self) -> &'static [u8] {
        match self {
            Self::Extension => BUNDLED,
            Self::TenantPolicy => POLICY,
        }
    }
}
