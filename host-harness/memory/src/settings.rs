//! Settings of an organization: the defaults, and changes to them.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use super::MemoryHost;
use guestlist_contract::{
    AddressDomains, bounds,
    host::{Call, Settings},
    settings::{self, Codes, Limits, Notices, Values},
    types::{self, AcceptWith, Grant, GrantKind, HostError, Notify},
};
use guestlist_documents::HumanDuration;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The settings of an organization that has changed none.
#[must_use]
pub fn default_settings() -> Values {
    Values {
        lifetime: 72 * HOUR,
        lifetime_min: MINUTE,
        lifetime_max: 72 * HOUR,
        allow_never: false,
        accept_with: AcceptWith::Invitee,
        notify: Notify::Internal,
        codes: Codes::InviteeOnly,
        limits: Limits { users: 100, grants: 50, name_bytes: 254 },
        lease: 30 * SECOND,
        takeovers_max: 3,
        mail_tries: 5,
        mail_retry: MINUTE,
        retention: 30 * DAY,
        resend_limit: 5,
        pending_limit: None,
        reminder_before: None,
        notices: Notices::empty(),
        ceiling: None,
        privileged: Vec::new(),
    }
}

/// A group or role as `group:g-help` or `role:r-admin`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct GrantName {
    /// Tells whether it is a role.
    pub is_role: bool,
    /// Its id.
    pub id: String,
}

impl GrantName {
    pub(super) fn grant(&self) -> Grant {
        let kind = if self.is_role { GrantKind::Role } else { GrantKind::Group };
        Grant { kind, id: self.id.clone() }
    }
}

impl TryFrom<String> for GrantName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("group", id)) => Ok(Self { is_role: false, id: id.to_owned() }),
            Some(("role", id)) => Ok(Self { is_role: true, id: id.to_owned() }),
            _ => Err(format!("`{text}` is no grant, as in `group:ID` or `role:ID`")),
        }
    }
}

/// Changes to settings; what is absent stays as it is. `null` lifts an optional bound.
///
/// Durations are written as in `72h`, grants as in `role:r-admin`, words as in the contract.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SettingsPatch {
    /// Lifetime where the request names none.
    pub lifetime: Option<HumanDuration>,
    /// The shortest that may be asked for.
    pub lifetime_min: Option<HumanDuration>,
    /// The longest that may be asked for.
    pub lifetime_max: Option<HumanDuration>,
    /// Invitations without an end are allowed.
    pub allow_never: Option<bool>,
    /// `invitee`, `invitee-and-code` or `code`.
    #[serde(deserialize_with = "accept_with")]
    #[schemars(with = "Option<String>")]
    pub accept_with: Option<AcceptWith>,
    /// `internal` or `external`.
    #[serde(deserialize_with = "notify")]
    #[schemars(with = "Option<String>")]
    pub notify: Option<Notify>,
    /// The people who may be shown codes: `invitee-only`, `see-code` or `see-code-even-alone`. Where it is
    /// not said, `notify: external` says `see-code` as well.
    #[serde(deserialize_with = "codes")]
    #[schemars(with = "Option<String>")]
    pub codes: Option<Codes>,
    /// Most users, grants and bytes of a name.
    pub limits: LimitsPatch,
    /// The longest that an accept may take.
    pub lease: Option<HumanDuration>,
    /// Take-overs before the sweep ends an accept.
    pub takeovers_max: Option<u32>,
    /// Tries for one e-mail.
    pub mail_tries: Option<u32>,
    /// Wait before the second try.
    pub mail_retry: Option<HumanDuration>,
    /// Ended invitations are kept for this long.
    pub retention: Option<HumanDuration>,
    /// Explicit resends of one invitation.
    pub resend_limit: Option<u32>,
    /// Active invitations; `null`: no limit.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<u32>")]
    pub pending_limit: Option<Option<u32>>,
    /// Remind so long before the end; `null`: do not.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<String>")]
    pub reminder_before: Option<Option<HumanDuration>>,
    /// Notices to send, out of `expired`, `accepted`, `declined`, `failed`, `revoked` and
    /// `approval-requested`.
    #[serde(deserialize_with = "notices")]
    #[schemars(with = "Option<Vec<String>>")]
    pub notices: Option<Notices>,
    /// The only grants that may be carried; `null`: any.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<Vec<String>>")]
    pub ceiling: Option<Option<Vec<Spanned<GrantName>>>>,
    /// Grants that need approval.
    #[schemars(with = "Option<Vec<String>>")]
    pub privileged: Option<Vec<Spanned<GrantName>>>,
    /// Places that invitations may lead to after accepting: absolute `https` URLs, and what lies below them.
    pub landings: Option<Vec<String>>,
    /// Domains of the addresses that may be invited, as in `[example.com, "*.example.org"]`; `null`: any. The
    /// host's own rule: the plugin learns only what it says of somebody.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<Vec<String>>")]
    pub address_domains: Option<Option<AddressDomains>>,
}

/// Changes to the limits.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LimitsPatch {
    /// Most users in a request.
    pub users: Option<u32>,
    /// Most grants in a request.
    pub grants: Option<u32>,
    /// Longest name.
    pub name_bytes: Option<u32>,
}

/// The keys, as they are written.
macro_rules! keys {
    ($($field:ident $key:literal,)*) => {
        impl SettingsPatch {
            /// The keys that it gives with another value than the default.
            pub fn changed(&self) -> Vec<&'static str> {
                let mut keys = Vec::new();
                $(
                    let alone = Self { $field: self.$field.clone(), ..Self::default() };
                    if alone.changes() {
                        keys.push($key);
                    }
                )*
                keys
            }

            /// Leaves a key out.
            pub fn forget(&mut self, key: &str) {
                match key {
                    $($key => self.$field = Default::default(),)*
                    _ => {}
                }
            }
        }
    };
}
keys! {
    lifetime "lifetime",
    lifetime_min "lifetime-min",
    lifetime_max "lifetime-max",
    allow_never "allow-never",
    accept_with "accept-with",
    notify "notify",
    codes "codes",
    limits "limits",
    lease "lease",
    takeovers_max "takeovers-max",
    mail_tries "mail-tries",
    mail_retry "mail-retry",
    retention "retention",
    resend_limit "resend-limit",
    pending_limit "pending-limit",
    reminder_before "reminder-before",
    notices "notices",
    ceiling "ceiling",
    privileged "privileged",
    landings "landings",
    address_domains "address-domains",
}

impl SettingsPatch {
    /// Tells whether an organization that has only this is another than one that has changed nothing.
    fn changes(&self) -> bool {
        let (mut with, without) = (default_settings(), default_settings());
        self.apply(&mut with);
        let domains = self.address_domains.as_ref().is_some_and(Option::is_some);
        with != without || domains || self.landings.as_ref().is_some_and(|landings| !landings.is_empty())
    }
}

/// Judges settings as a whole, as the plugin does.
///
/// # Errors
/// The first that is out of its bounds or contradicts another, and what to do.
pub fn judge(values: &Values) -> Result<(), String> {
    guestlist_rules::judge(&guestlist_rules::settings!(values, types, settings))
}

pub(super) fn set<T>(value: &mut T, change: Option<T>) {
    if let Some(change) = change {
        *value = change;
    }
}

impl SettingsPatch {
    /// Each place where invitations may lead can be one.
    pub(super) fn judge_landings(&self) -> Result<(), String> {
        let bad = self.landings.iter().flatten().find(|url| bounds::landing(url).is_err());
        bad.map_or(Ok(()), |url| Err(format!("`{url}` in `landings` is no absolute `https` URL")))
    }

    /// Makes the changes to what the plugin sees.
    pub fn apply(&self, to: &mut Values) {
        let milliseconds = |duration: Option<HumanDuration>| duration.map(|duration| duration.0);
        let grants = |names: &Vec<Spanned<GrantName>>| names.iter().map(|name| name.value.grant()).collect();
        set(&mut to.lifetime, milliseconds(self.lifetime));
        set(&mut to.lifetime_min, milliseconds(self.lifetime_min));
        set(&mut to.lifetime_max, milliseconds(self.lifetime_max));
        set(&mut to.allow_never, self.allow_never);
        set(&mut to.accept_with, self.accept_with);
        set(&mut to.notify, self.notify);
        let implied = (self.notify == Some(Notify::External) && to.codes == Codes::InviteeOnly)
            .then_some(Codes::SeeCode);
        set(&mut to.codes, self.codes.or(implied));
        set(&mut to.limits.users, self.limits.users);
        set(&mut to.limits.grants, self.limits.grants);
        set(&mut to.limits.name_bytes, self.limits.name_bytes);
        set(&mut to.lease, milliseconds(self.lease));
        set(&mut to.takeovers_max, self.takeovers_max);
        set(&mut to.mail_tries, self.mail_tries);
        set(&mut to.mail_retry, milliseconds(self.mail_retry));
        set(&mut to.retention, milliseconds(self.retention));
        set(&mut to.resend_limit, self.resend_limit);
        set(&mut to.pending_limit, self.pending_limit);
        set(&mut to.reminder_before, self.reminder_before.map(milliseconds));
        set(&mut to.notices, self.notices);
        set(&mut to.ceiling, self.ceiling.as_ref().map(|names| names.as_ref().map(grants)));
        set(&mut to.privileged, self.privileged.as_ref().map(grants));
    }

    /// Every grant that it names.
    pub fn grants(&self) -> impl Iterator<Item = &Spanned<GrantName>> {
        let ceiling = self.ceiling.iter().flatten().flatten();
        ceiling.chain(self.privileged.iter().flatten())
    }
}

/// Tells `null` from an absent key.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// One of a few words.
fn word<T: Copy, E: serde::de::Error>(text: &str, words: &[(&str, T)]) -> Result<T, E> {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        E::custom(format!("unknown value `{text}`, expected one of {}", known.join(", ")))
    })
}

fn accept_with<'de, D: Deserializer<'de>>(from: D) -> Result<Option<AcceptWith>, D::Error> {
    let words = [
        ("invitee", AcceptWith::Invitee),
        ("invitee-and-code", AcceptWith::InviteeAndCode),
        ("code", AcceptWith::Code),
    ];
    word(&String::deserialize(from)?, &words).map(Some)
}

fn notify<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Notify>, D::Error> {
    word(&String::deserialize(from)?, &[("internal", Notify::Internal), ("external", Notify::External)])
        .map(Some)
}

fn codes<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Codes>, D::Error> {
    let words = [
        ("invitee-only", Codes::InviteeOnly),
        ("see-code", Codes::SeeCode),
        ("see-code-even-alone", Codes::SeeCodeEvenAlone),
    ];
    word(&String::deserialize(from)?, &words).map(Some)
}

fn notices<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Notices>, D::Error> {
    let words = [
        ("expired", Notices::EXPIRED),
        ("accepted", Notices::ACCEPTED),
        ("declined", Notices::DECLINED),
        ("approval-requested", Notices::APPROVAL_REQUESTED),
        ("failed", Notices::FAILED),
        ("revoked", Notices::REVOKED),
    ];
    let mut all = Notices::empty();
    for text in Vec::<String>::deserialize(from)? {
        all |= word(&text, &words)?;
    }
    Ok(Some(all))
}

#[async_trait]
impl Settings for MemoryHost {
    async fn get(&self, call: &Call, organization: String) -> Result<Values, HostError> {
        let realm = self.lock();
        realm.concerns(call, &organization)?;
        // The store's work goes on for an organization that was deleted, so its settings stay.
        Ok(realm
            .organizations
            .get(&organization)
            .map_or_else(default_settings, |place| place.settings.clone()))
    }
}
