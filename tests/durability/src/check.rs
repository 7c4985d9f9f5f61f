//! Whether what is in a database may be there: every guarantee, asked of one organization after the other.
//!
//! A database has thousands of organizations, and nothing of one concerns another but its parent: so each is
//! looked at by itself, with the audit events that are its own.

use std::collections::BTreeMap;

use guestlist_contract::{
    audit::EventKind,
    code,
    notifications::Recipient,
    types::{InvitationKey, State, UserRef},
};
use guestlist_memory::{AuditEvent, Mail, MemoryHost, Realm, Snapshot};
use guestlist_testkit::guarantees::{self, ALWAYS, AT_REST, History, Told, Word};

use crate::{act::Letter, world::PARENT};

/// One organization and all that is known of it.
#[derive(Debug)]
pub struct Slice {
    pub organization: String,
    pub world: Snapshot,
    pub told: Vec<Word>,
}

/// Each child of the parent by itself, with its mails and with what was said of it.
#[must_use]
pub fn slices(realm: Realm, letters: &[Letter], told: &[Word]) -> Vec<Slice> {
    let mut realm = realm;
    let mut events: BTreeMap<String, Vec<AuditEvent>> = BTreeMap::new();
    for event in std::mem::take(&mut realm.audit) {
        if let Some(organization) = event.organization.clone() {
            events.entry(organization).or_default().push(event);
        }
    }
    let mut mails: BTreeMap<&str, Vec<Mail>> = BTreeMap::new();
    for letter in letters {
        mails.entry(&letter.organization).or_default().push(mail(letter));
    }
    let mut said: BTreeMap<&str, Vec<Word>> = BTreeMap::new();
    for word in told {
        said.entry(word.organization()).or_default().push(word.clone());
    }
    let children = realm.organizations.into_iter().filter(|(id, _)| id != PARENT);
    children
        .map(|(organization, place)| {
            let mut alone = Realm::default();
            alone.tenants.extend(realm.tenants.remove_entry(&organization));
            alone.audit = events.remove(&organization).unwrap_or_default();
            alone.organizations.insert(organization.clone(), place);
            let memory = MemoryHost::default();
            memory.set_realm(alone);
            let mut world = memory.snapshot();
            world.mails = mails.remove(organization.as_str()).unwrap_or_default();
            let told = said.remove(organization.as_str()).unwrap_or_default();
            Slice { organization, world, told }
        })
        .collect()
}

fn mail(letter: &Letter) -> Mail {
    let message = &letter.message;
    let nobody = || UserRef { organization: String::new(), id: String::new() };
    Mail {
        at: 0,
        to: if let Recipient::User(user) = &message.to { user.clone() } else { nobody() },
        address: String::new(),
        organization: letter.organization.clone(),
        invitation: message.invitation.clone(),
        version: message.version,
        template: None,
        kind: message.kind.clone(),
        subject: String::new(),
        inviter: message.inviter.clone(),
        code: message.code.clone(),
        link: None,
        expires_at: message.expires_at,
        language: message.language.clone(),
    }
}

/// The digests of codes that were mailed for an invitation.
#[must_use]
pub fn digests<'a>(letters: impl IntoIterator<Item = &'a Letter>, invitation: &str) -> Vec<String> {
    let of = letters.into_iter().filter(|letter| letter.message.invitation == invitation);
    of.filter_map(|letter| code::stored_digest(letter.message.code.as_ref()?)).collect()
}

impl Slice {
    /// Each promise that is broken, and how. `rest`: all calls have ended, and the sweep has run.
    #[must_use]
    pub fn broken(&self, rest: bool) -> Vec<String> {
        let history = self.history();
        let mut broken = guarantees::broken(&ALWAYS, &self.world, &history);
        if rest {
            broken.extend(guarantees::broken(&AT_REST, &self.world, &history));
        }
        broken.extend(self.lost_removals());
        broken.into_iter().map(|why| format!("{}: {why}", self.organization)).collect()
    }

    /// What was said, each with its place in the audit trail. What the trail says has happened binds as if
    /// it had been said: whether its answer arrived is all that a crash changes.
    fn history(&self) -> History {
        let mut history = Vec::new();
        for (index, event) in self.world.audit.iter().enumerate() {
            let key = || {
                let (organization, id) = (event.organization.clone()?, event.invitation.clone()?);
                Some(InvitationKey { organization, id })
            };
            let word = match event.kind {
                EventKind::InvitationRevoked => key().map(|key| Word::Ended(key, State::Revoked)),
                EventKind::InvitationDeclined => key().map(|key| Word::Ended(key, State::Declined)),
                EventKind::WorldMemberRemoved => {
                    event.subject.clone().map(|account| Word::Removed(self.organization.clone(), account))
                }
                _ => None,
            };
            history.extend(word.map(|word| Told { at: index + 1, word }));
        }
        let end = self.world.audit.len();
        let told = self.told.iter().filter(|word| !matches!(word, Word::Removed(..)));
        history.extend(told.map(|word| Told { at: end, word: word.clone() }));
        History(history)
    }

    /// I-ACK for what an administrator was told: each removal is in the trail.
    fn lost_removals(&self) -> Vec<String> {
        let mut removed: BTreeMap<&str, usize> = BTreeMap::new();
        for told in &self.told {
            if let Word::Removed(_, account) = told {
                *removed.entry(&account.id).or_default() += 1;
            }
        }
        let lost = removed.into_iter().filter_map(|(id, times)| {
            let is_theirs = |event: &&AuditEvent| {
                event.kind == EventKind::WorldMemberRemoved
                    && event.subject.as_ref().is_some_and(|subject| subject.id == id)
            };
            let happened = self.world.audit.iter().filter(is_theirs).count();
            (happened < times)
                .then(|| format!("I-ACK: {id} was removed {times} times, and the trail knows of {happened}"))
        });
        lost.collect()
    }
}
