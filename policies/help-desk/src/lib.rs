//! Who may be invited into an organization: people of the help desk, in office hours, and into production
//! for a day at most.

#[cfg(target_arch = "wasm32")]
#[macro_use]
mod debug;
#[cfg(target_arch = "wasm32")]
mod heap;

wit_bindgen::generate!({ path: "wit", world: "tenant-policy" });

use exports::guestlist::invitation::rules::{
    AcceptFacts, Candidate, Guest, InviteFacts, NamedGrant, Surroundings,
};
use guestlist::invitation::types::{GrantKind, Narrowed, Verdict};

/// The group of the parent organization whose people may be invited.
const HELP_DESK: &str = "Help desk";

/// What the names of groups begin with that let somebody into production.
const PRODUCTION: &str = "prod-";

/// Invitations into production are valid for no longer.
const PRODUCTION_LIFETIME: u64 = 24 * HOUR;

/// From the first to before the last, in the organization's local time.
const OFFICE_HOURS: std::ops::Range<u64> = 8..18;

const HOUR: u64 = 60 * 60 * 1000;
const DAY: u64 = 24 * HOUR;

struct Policy;
export!(Policy);

impl Guest for Policy {
    fn judge_invite(facts: InviteFacts) -> Vec<Verdict> {
        facts.candidates.iter().map(|candidate| invite(&facts, candidate)).collect()
    }

    fn judge_accept(facts: AcceptFacts) -> Verdict {
        accept(&facts)
    }
}

fn invite(facts: &InviteFacts, candidate: &Candidate) -> Verdict {
    if !is_office_hour(&facts.surroundings) {
        return refuse("Invitations are made from Monday to Friday, between 8 and 18 o'clock.");
    }
    if !is_of_help_desk(candidate) {
        return refuse("Only people of the help desk can be invited.");
    }
    let too_long = facts.lifetime.is_none_or(|lifetime| lifetime > PRODUCTION_LIFETIME);
    if too_long && facts.grants.iter().any(is_production) {
        return Verdict::AllowWith(Narrowed {
            grants: (0..).zip(&facts.grants).map(|(index, _)| index).collect(),
            lifetime: Some(PRODUCTION_LIFETIME),
            signed_in_only: false,
        });
    }
    Verdict::Allow
}

/// They may accept at any hour; but whoever has left the help desk since may not.
fn accept(facts: &AcceptFacts) -> Verdict {
    if !is_of_help_desk(&facts.invitee) {
        return refuse("You are not of the help desk any more.");
    }
    Verdict::Allow
}

fn is_of_help_desk(candidate: &Candidate) -> bool {
    candidate.groups.iter().any(|group| group.display_name == HELP_DESK)
}

fn is_production(grant: &NamedGrant) -> bool {
    grant.grant.kind == GrantKind::Group && grant.display_name.starts_with(PRODUCTION)
}

fn is_office_hour(surroundings: &Surroundings) -> bool {
    let offset = i64::from(surroundings.utc_offset_minutes) * 60 * 1000;
    let local = surroundings.now.saturating_add_signed(offset);
    // Day 0 was a Thursday; of these, Monday is 0.
    let weekday = (local / DAY + 3) % 7;
    weekday < 5 && OFFICE_HOURS.contains(&(local % DAY / HOUR))
}

fn refuse(why: &str) -> Verdict {
    Verdict::Refuse(why.into())
}

#[cfg(test)]
mod tests;
