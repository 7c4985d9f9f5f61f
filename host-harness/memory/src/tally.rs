//! Counts how often each rule and each verdict of a policy was given, and holds verdicts that are not let
//! through: for those who ask what of the rules their tests would miss.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{MutexGuard, PoisonError},
};

use super::{MemoryHost, Rule};
use guestlist_contract::types::{Approval, Verdict};

/// Most different rules, and verdicts, that are counted: a component may say something new each time.
const MOST: usize = 1_000;

/// A verdict other than `allow`, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Given {
    /// The organization whose rule it is from.
    pub organization: String,
    /// The verdict as text, as in `refuse: not bob`.
    pub verdict: String,
}

/// Counts of what has decided.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// The number of decisions by organization, and by the rule as JSON.
    pub rules: BTreeMap<(String, String), u64>,
    /// The number of times that each verdict was given.
    pub verdicts: BTreeMap<Given, u64>,
    /// Let through as `allow`.
    overruled: BTreeSet<Given>,
}

impl Tally {
    /// Notes a verdict and the rule that it is from, and answers with what is let through.
    pub(super) fn decided(&mut self, organization: &str, rule: Option<&Rule>, verdict: Verdict) -> Verdict {
        if let Some(rule) = rule {
            count(&mut self.rules, (organization.to_owned(), written(rule)));
        }
        let Some(word) = word(&verdict) else { return verdict };
        let given = Given { organization: organization.to_owned(), verdict: word };
        let verdict = if self.overruled.contains(&given) { Verdict::Allow } else { verdict };
        count(&mut self.verdicts, given);
        verdict
    }
}

fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    if counts.len() < MOST || counts.contains_key(&key) {
        *counts.entry(key).or_default() += 1;
    }
}

/// A rule as a key: rules that say the same are the same.
pub fn written(rule: &Rule) -> String {
    serde_json::to_string(rule).unwrap_or_default()
}

fn word(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Allow => None,
        Verdict::AllowWith(_) => Some("allow with less".into()),
        Verdict::RequireApproval(Approval { reason, narrowed: None }) => {
            Some(format!("require approval: {reason}"))
        }
        Verdict::RequireApproval(Approval { reason, .. }) => {
            Some(format!("require approval of less: {reason}"))
        }
        Verdict::Refuse(why) => Some(format!("refuse: {why}")),
        Verdict::Other(text) => Some(format!("other: {text}")),
    }
}

impl MemoryHost {
    /// Shows what has decided so far. Nobody decides while it is held.
    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets through as `allow` whoever gets this verdict.
    pub fn overrule(&self, given: Given) {
        self.tally().overruled.insert(given);
    }
}
