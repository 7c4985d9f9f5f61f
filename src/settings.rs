//! The organization's settings, as far as they can be worked with.

use guestlist_rules::{Codes, Settings, judge};

use crate::{
    Capabilities,
    contract::{
        exports::{invitations::Refusal, invitee::InviteeRefusal, maintenance::SweepRefusal},
        imports::{
            settings::{self, Values},
            types::{AcceptWith, HostError, Notify},
        },
    },
};

/// Why there are no settings to work with.
pub enum Unfit {
    /// The host failed.
    Failed(HostError),
    /// They contradict each other; how.
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
    judge(&judged(values)).map_err(Unfit::Contradictory)
}

fn judged(values: &Values) -> Settings {
    Settings {
        lifetime: values.lifetime,
        lifetime_min: values.lifetime_min,
        lifetime_max: values.lifetime_max,
        code_alone: values.accept_with == AcceptWith::Code,
        external: values.notify == Notify::External,
        codes: match values.codes {
            settings::Codes::InviteeOnly => Codes::InviteeOnly,
            settings::Codes::SeeCode => Codes::SeeCode,
            settings::Codes::SeeCodeEvenAlone => Codes::SeeCodeEvenAlone,
        },
        users: values.limits.users,
        name_bytes: values.limits.name_bytes,
        lease: values.lease,
        mail_tries: values.mail_tries,
        mail_retry: values.mail_retry,
        retention: values.retention,
        reminder_before: values.reminder_before,
    }
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Failed(error) => Self::Host(error),
            Unfit::Contradictory(how) => Self::ContradictorySettings(how),
        }
    }
}

/// What is wrong is for the organization's administrators to read, not for somebody it has invited.
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
