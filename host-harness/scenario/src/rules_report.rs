//! The report on what of the rules under test has decided.

use std::{fmt, path::PathBuf};

use guestlist_contract::text;
use serde::Serialize;

/// A report on what of the rules under test has decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RulesReport {
    /// Rules, parts of rules, settings and verdicts, in this order, and in that of the files.
    pub parts: Vec<RulePart>,
    /// The share of those that were tried that a scenario notices, in percent, rounded down: 100 means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<usize>,
    /// The number of times that scenarios were played again.
    pub playings: usize,
}

/// A rule, a part of one, a setting or a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RulePart {
    /// The kind of part.
    pub kind: PartKind,
    /// The world or scenario that it stands in; of a verdict there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The line; 0 where it is not known.
    pub line: u64,
    /// The organization whose it is.
    pub organization: String,
    /// The text of it.
    pub what: String,
    /// The number of times that it has decided about somebody. For a setting and for a part of a rule: the
    /// number of scenarios in which something else comes without it, where that was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<u64>,
    /// The number of scenarios that fail without it; absent where that was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noticed: Option<usize>,
    /// The reason why it was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untried: Option<String>,
}

/// The kinds of parts that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartKind {
    /// A whole rule of a scripted policy.
    Rule,
    /// A condition or a restriction of one.
    Part,
    /// A setting of a world that is another than the default.
    Setting,
    /// A verdict of a policy: whoever gets it is allowed instead.
    Verdict,
}

impl RulesReport {
    /// Finds what was tried and no scenario notices.
    pub fn unnoticed(&self) -> impl Iterator<Item = &RulePart> {
        self.parts.iter().filter(|part| part.noticed == Some(0))
    }
}

/// Says where it stands, whose it is, and what it says.
impl fmt::Display for RulePart {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(to, "{}:{}: ", text::line(&path.display().to_string()), self.line)?;
        }
        let kind = match self.kind {
            PartKind::Rule => "rule",
            PartKind::Part => "part",
            PartKind::Setting => "setting",
            PartKind::Verdict => "verdict",
        };
        write!(to, "{kind} of {}: {}", text::line(&self.organization), text::line(&self.what))
    }
}

/// A line for each, and what could be dropped at the end.
impl fmt::Display for RulesReport {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules: Vec<_> = self.parts.iter().filter(|part| part.kind == PartKind::Rule).collect();
        let decided = rules.iter().filter(|part| part.decided.is_some_and(|count| count > 0)).count();
        let percent = (decided * 100).checked_div(rules.len()).unwrap_or(100);
        writeln!(to, "{:<11}  {decided:>3} of {:>3}  {percent:>3} %  have decided", "rules", rules.len())?;
        for part in &self.parts {
            match (part.decided, part.noticed) {
                (Some(decided), None) => writeln!(to, "decided {decided:>5}  {part}")?,
                (Some(decided), Some(noticed)) => {
                    writeln!(to, "decided {decided:>5}  noticed by {noticed:>3}  {part}")?;
                }
                (None, _) => {}
            }
        }
        let Some(percent) = self.percent else { return Ok(()) };
        let tried = self.parts.iter().filter(|part| part.noticed.is_some()).count();
        let noticed = tried - self.unnoticed().count();
        writeln!(
            to,
            "{:<11}  {noticed:>3} of {tried:>3}  {percent:>3} %  cannot be dropped unnoticed",
            "tried"
        )?;
        self.unnoticed().try_for_each(|part| writeln!(to, "unnoticed {part}"))?;
        self.parts.iter().try_for_each(|part| match &part.untried {
            Some(why) => writeln!(to, "untried   {part}: {why}"),
            None => Ok(()),
        })
    }
}
