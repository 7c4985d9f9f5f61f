//! Names for what has none that a person could write: invitations, codes, people.
//!
//! Ids and codes come from entropy. A scenario says `alice's invitation` instead, and everything that
//! it is shown says so, too.

use std::collections::BTreeMap;

use guestlist_contract::types::{InvitationKey, Principal, UserRef};
use guestlist_memory::Snapshot;

/// Names of the invitations of a scenario, and the codes that were handed out for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Invitations and their names, in the order in which they were made.
    invitations: Vec<(InvitationKey, String)>,
    /// The number of invitations of each user name.
    counts: BTreeMap<String, usize>,
    /// Codes from answers: those of external invitations are in no mail.
    shown: Vec<(InvitationKey, String)>,
}

impl Names {
    /// Names what is new.
    pub(super) fn learn(&mut self, world: &Snapshot) {
        // The trail has them in their order; the rows are sorted by their ids.
        let made = world.audit.iter().filter(|event| event.text() == "invitation.created");
        for event in made {
            let (Some(organization), Some(id)) = (&event.organization, &event.invitation) else { continue };
            let key = InvitationKey { organization: organization.clone(), id: id.clone() };
            if self.invitations.iter().any(|(known, _)| *known == key) {
                continue;
            }
            let row = world.invitations.iter().find(|row| row.invitation.key == key);
            let user = row.map_or("somebody", |row| row.invitation.name.as_str());
            let count = self.counts.entry(user.to_owned()).or_default();
            *count += 1;
            let name = match count {
                1 => format!("{user}'s invitation"),
                2 => format!("{user}'s 2nd invitation"),
                3 => format!("{user}'s 3rd invitation"),
                more => format!("{user}'s {more}th invitation"),
            };
            self.invitations.push((key, name));
        }
    }

    /// A code was in an answer.
    pub(super) fn show(&mut self, key: InvitationKey, code: String) {
        self.shown.push((key, code));
    }

    pub(super) fn key(&self, name: &str) -> Option<&InvitationKey> {
        self.invitations.iter().find(|(_, known)| known == name).map(|(key, _)| key)
    }

    /// The name of an invitation, by its id alone: ids are unique.
    pub(super) fn of(&self, id: &str) -> Option<&str> {
        self.invitations.iter().find(|(key, _)| key.id == id).map(|(_, name)| name.as_str())
    }

    /// The same, or the id where it has no name (yet).
    pub(super) fn or_id<'a>(&'a self, id: &'a str) -> &'a str {
        self.of(id).unwrap_or(id)
    }

    /// All names, for suggestions.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.invitations.iter().map(|(_, name)| name.as_str())
    }

    /// Every code that was handed out for an invitation, oldest first.
    pub(super) fn codes(&self, key: &InvitationKey, world: &Snapshot) -> Vec<String> {
        let mailed = world.mails.iter().filter(|mail| {
            (&mail.organization, &mail.invitation) == (&key.organization, &key.id) && mail.code.is_some()
        });
        let shown = self.shown.iter().filter(|(known, _)| known == key).map(|(_, code)| code.clone());
        mailed.filter_map(|mail| mail.code.clone()).chain(shown).collect()
    }
}

/// `ORGANIZATION/ID`.
pub(super) fn account(user: &UserRef) -> String {
    format!("{}/{}", user.organization, user.id)
}

/// Writes somebody as a scenario does.
pub(super) fn principal(who: &Principal) -> String {
    match who {
        Principal::User(user) => account(user),
        Principal::Client(id) => format!("client:{id}"),
        Principal::Anonymous => "anonymous".into(),
        Principal::System => "system".into(),
    }
}
