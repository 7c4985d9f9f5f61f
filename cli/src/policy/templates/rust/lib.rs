//! Who may be invited: people of the help desk, for a day at most.

// Lets tests hear of panics and of what is printed.
#[cfg(target_arch = "wasm32")]
#[macro_use]
mod debug;
#[cfg(target_arch = "wasm32")]
mod heap;

wit_bindgen::generate!({ path: "wit", world: "tenant-policy" });

use exports::guestlist::invitation::rules::{AcceptFacts, Candidate, Guest, InviteFacts};
use guestlist::invitation::types::{Narrowed, Verdict};

/// The group of the parent organization whose people may be invited.
const HELP_DESK: &str = "Help desk";

/// A day, in milliseconds.
const LONGEST: u64 = 24 * 60 * 60 * 1000;

struct Policy;
export!(Policy);

impl Guest for Policy {
    fn judge_invite(facts: InviteFacts) -> Vec<Verdict> {
        let judge = |candidate| invite(&facts, candidate);
        facts.candidates.iter().map(judge).collect()
    }

    fn judge_accept(facts: AcceptFacts) -> Verdict {
        if is_of_help_desk(&facts.invitee) {
            Verdict::Allow
        } else {
            Verdict::Refuse("You are not of the help desk any more.".into())
        }
    }
}

fn invite(facts: &InviteFacts, candidate: &Candidate) -> Verdict {
    if !is_of_help_desk(candidate) {
        return Verdict::Refuse("Only people of the help desk can be invited.".into());
    }
    // No lifetime means: for ever.
    if facts.lifetime.is_none_or(|lifetime| lifetime > LONGEST) {
        return Verdict::AllowWith(Narrowed {
            grants: (0..).zip(&facts.grants).map(|(index, _)| index).collect(),
            lifetime: Some(LONGEST),
            signed_in_only: false,
        });
    }
    Verdict::Allow
}

fn is_of_help_desk(candidate: &Candidate) -> bool {
    let groups = &candidate.groups;
    groups.iter().any(|group| group.display_name == HELP_DESK)
}
