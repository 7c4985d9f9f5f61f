//! What `docs/guarantees.md` promises, asked of a rig.

pub use guestlist_model::guarantees::*;

use crate::rig::Rig;

/// I-SEC1 is asked as well, of everything that left the sandbox, when the rig is dropped.
pub fn always(rig: &Rig, history: &History) {
    let found = broken(&ALWAYS, &rig.host.snapshot(), history);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

pub fn at_rest(rig: &Rig, history: &History) {
    let found = broken(&AT_REST, &rig.host.snapshot(), history);
    assert!(found.is_empty(), "{}", found.join("\n"));
    rig.find_leaks();
}
