//! `--coverage` and `--coverage-min`: what of the contract a run has exercised.

use std::str::FromStr;

use clap::Args;
use guestlist_scenario::RulesReport;
use guestlist_testkit::coverage::Report;

/// Options about coverage.
#[derive(Args)]
pub struct CoverageArguments {
    /// Says which refusals, changes of state and errors of the host were reached, and which were not; and how
    /// often each scripted rule and each verdict of a policy has decided.
    #[arg(long)]
    coverage: bool,
    /// Says as well which rules, parts of rules, settings and verdicts could be dropped without a scenario
    /// noticing: plays again, without each of them, what it could concern.
    #[arg(long)]
    coverage_rules: bool,
    /// Fails below these percentages, as in `reasons=100,transitions=100,errors=100`; `rules=100` is about
    /// what `--coverage-rules` tries.
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    coverage_min: Vec<Least>,
}

/// A part and its percentage.
#[derive(Clone, Debug)]
struct Least {
    part: Part,
    percent: usize,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Reasons,
    Transitions,
    Errors,
    Rules,
}

impl FromStr for Least {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no minimum: write `reasons=100`, `transitions=100`, `errors=100` or `rules=100`"
            )
        };
        let (name, percent) = text.split_once('=').ok_or_else(wrong)?;
        let part = match name {
            "reasons" => Part::Reasons,
            "transitions" => Part::Transitions,
            "errors" => Part::Errors,
            "rules" => Part::Rules,
            _ => return Err(wrong()),
        };
        let percent = percent.parse().ok().filter(|percent| *percent <= 100).ok_or_else(wrong)?;
        Ok(Self { part, percent })
    }
}

impl CoverageArguments {
    /// Tells whether rules are to be left out and played again.
    pub fn tries_rules(&self) -> bool {
        self.coverage_rules || self.coverage_min.iter().any(|least| matches!(least.part, Part::Rules))
    }

    /// Tells whether anything is asked about rules.
    pub fn counts_rules(&self) -> bool {
        self.coverage || self.tries_rules()
    }

    /// The report, where it was asked for; and what is below its minimum. Of rules there is none where a
    /// scenario has failed.
    pub fn judge(&self, report: &Report, rules: Option<&RulesReport>) -> (Option<String>, Vec<String>) {
        let below = self.coverage_min.iter().filter_map(|least| {
            let (name, percent, missing) = match least.part {
                Part::Reasons => ("reasons", report.reasons.percent, report.reasons.missing.clone()),
                Part::Transitions => {
                    ("transitions", report.transitions.percent, report.transitions.missing.clone())
                }
                Part::Errors => ("errors", report.errors.percent, report.errors.missing.clone()),
                Part::Rules => {
                    let rules = rules?;
                    ("rules", rules.percent?, rules.unnoticed().map(ToString::to_string).collect())
                }
            };
            let missing = missing.join(", ");
            (percent < least.percent).then(|| {
                format!("coverage of {name} is {percent} %, below {} %; missing: {missing}", least.percent)
            })
        });
        let contract = if self.coverage { report.to_string() } else { String::new() };
        let rules = rules.filter(|_| self.coverage || self.coverage_rules).map(ToString::to_string);
        let shown = contract + &rules.unwrap_or_default();
        ((self.coverage || self.coverage_rules).then_some(shown), below.collect())
    }
}
