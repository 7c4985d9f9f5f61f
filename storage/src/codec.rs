//! Writes the contract's types into columns.
//!
//! Words are those of the contract (`awaiting-approval`), so that whoever reads the database needs no
//! table of numbers. Lists and principals are JSON, always written the same way: texts are compared.

use guestlist_contract::types::{
    AcceptWith, Grant, GrantKind, MailState, MessageKind, Notify, Principal, State,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;

use crate::error::{Cause, DbError};

/// Writes a value as JSON, always the same for the same value.
pub(crate) fn json(value: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|error| DbError::Refused(not_json(&error)))
}

/// Reads what was written by [`json`].
pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, DbError> {
    serde_json::from_str(text).map_err(|error| DbError::Damaged(not_json(&error)))
}

/// Place where JSON is damaged. The error's own words quote what is there.
fn not_json(error: &serde_json::Error) -> Cause {
    let what = match error.classify() {
        Category::Syntax => "is no JSON",
        Category::Eof => "is JSON that ends too early",
        Category::Data | Category::Io => "is JSON of another shape than this program writes",
    };
    format!("a text {what}, at line {} column {}", error.line(), error.column()).into()
}

/// A type that has a word for each of its values.
pub(crate) trait Word: Sized + Copy + PartialEq + 'static {
    const WORDS: &'static [(Self, &'static str)];

    /// Meaning of the words, for errors.
    const FOR: &'static str;

    fn word(self) -> &'static str {
        let known = Self::WORDS.iter().find(|(value, _)| *value == self);
        known.map_or("", |(_, word)| word)
    }

    fn of(word: &str) -> Result<Self, DbError> {
        let known = Self::WORDS.iter().find(|(_, known)| *known == word);
        let unknown = || DbError::Damaged(format!("a text is no word for {}", Self::FOR).into());
        known.map(|(value, _)| *value).ok_or_else(unknown)
    }
}

impl Word for State {
    const FOR: &'static str = "a state";
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::AwaitingApproval, "awaiting-approval"),
        (Self::Pending, "pending"),
        (Self::Accepting, "accepting"),
        (Self::Accepted, "accepted"),
        (Self::Declined, "declined"),
        (Self::Revoked, "revoked"),
        (Self::Expired, "expired"),
        (Self::Failed, "failed"),
    ];
}

impl Word for AcceptWith {
    const FOR: &'static str = "what accepts";
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Invitee, "invitee"), (Self::InviteeAndCode, "invitee-and-code"), (Self::Code, "code")];
}

impl Word for Notify {
    const FOR: &'static str = "who is notified";
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Internal, "internal"), (Self::External, "external")];
}

impl Word for MailState {
    const FOR: &'static str = "the state of a mail";
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::None, "none"),
        (Self::Queued, "queued"),
        (Self::Sent, "sent"),
        (Self::Undeliverable, "undeliverable"),
    ];
}

impl Word for GrantKind {
    const FOR: &'static str = "a kind of grant";
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Group, "group"), (Self::Role, "role")];
}

/// The word of a message; `other:` comes before one that this version has no name for.
pub(crate) fn message(kind: &MessageKind) -> String {
    match kind {
        MessageKind::Invitation => "invitation".into(),
        MessageKind::Reminder => "reminder".into(),
        MessageKind::Expired => "expired".into(),
        MessageKind::Accepted => "accepted".into(),
        MessageKind::Declined => "declined".into(),
        MessageKind::ApprovalRequested => "approval-requested".into(),
        MessageKind::Failed => "failed".into(),
        MessageKind::Revoked => "revoked".into(),
        MessageKind::Other(other) => format!("other:{other}"),
    }
}

/// Reads what was written by [`message`].
pub(crate) fn message_of(word: &str) -> Result<MessageKind, DbError> {
    Ok(match word {
        "invitation" => MessageKind::Invitation,
        "reminder" => MessageKind::Reminder,
        "expired" => MessageKind::Expired,
        "accepted" => MessageKind::Accepted,
        "declined" => MessageKind::Declined,
        "approval-requested" => MessageKind::ApprovalRequested,
        "failed" => MessageKind::Failed,
        "revoked" => MessageKind::Revoked,
        other => match other.strip_prefix("other:") {
            Some(other) => MessageKind::Other(other.to_owned()),
            None => return Err(DbError::Damaged("a text is no word for a message".into())),
        },
    })
}

/// A length of time as the columns for planning a sweep have it: short enough to be added to any instant.
pub(crate) fn planned(length: u64) -> i64 {
    const LONGEST: i64 = 1_000_000_000_000_000;
    i64::try_from(length).unwrap_or(LONGEST).min(LONGEST)
}

/// Writes who acts.
pub(crate) fn principal(who: &Principal) -> Result<String, DbError> {
    json(who)
}

/// The text by which a grant is found in the JSON of a list of grants: no other text in it can look so,
/// because quotation marks inside of texts are written with a backslash.
pub(crate) fn grant_in_list(grant: &Grant) -> Result<String, DbError> {
    json(grant)
}

/// Text in lower case as far as ASCII goes: by this, user names are the same or not. A wider folding makes
/// strangers equal, as the Kelvin sign and the letter k.
pub(crate) fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}
