//! The organization's settings, as far as they can be worked with.

use guestlist_rules::judge;

use crate::{
    Capabilities,
    contract::{
        exports::{invitations::Refusal, invitee::InviteeRefusal, maintenance::SweepRefusal},
        imports::{
            settings::{self, Values},
            types::{self, HostError},
        },
    },
};

/// The reason why there are no settings to work with.
pub enum Unfit {
    /// The host failed.
    Failed(HostError),
    /// The settings contradict each other; how.
    Contradictory(String),
}

/// The settings of an organization, if they make sense as a whole.
///
/// # Errors
/// [`Unfit`]
pub fn of(host: &impl Capabilities, organization: &str) -> Result<Values, Unfit> {
    let values = host.settings(organization).map_err(Unfit::Failed)?;
    fit(&values)?;
    Ok(values)
}

/// Refuses settings that do not make sense as a whole.
///
/// # Errors
/// [`Unfit::Contradictory`]
pub fn fit(values: &Values) -> Result<(), Unfit> {
    judge(&guestlist_rules::settings!(values, types, settings)).map_err(Unfit::Contradictory)
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Failed(error) => Self::Host(error),
            Unfit::Contradictory(how) => Self::ContradictorySettings(how),
        }
    }
}

/// Keeps what is wrong from somebody whom the organization has invited: it is for its administrators to read.
impl From<Unfit> for InviteeRefusal {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Failed(error) => Self::Host(error),
            Unfit::Contradictory(_) => {
                Self::Host(HostError::Invalid("the organization's settings contradict each other".into()))
            }
        }
    }
}

impl From<Unfit> for SweepRefusal {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Failed(error) => Self::Host(error),
            Unfit::Contradictory(how) => Self::Invalid(how),
        }
    }
}
