//! `--coverage` and `--coverage-min`: what of the contract a run has exercised.

use std::str::FromStr;

use clap::Args;
use guestlist_harness::coverage::Report;

/// What is asked about coverage.
#[derive(Args)]
pub struct CoverageArguments {
    /// Says which refusals, changes of state and errors of the host were reached, and which were not.
    #[arg(long)]
    coverage: bool,
    /// Fails below these percentages, as in `reasons=100,transitions=100,errors=100`.
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
}

impl FromStr for Least {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no minimum: write `reasons=100`, `transitions=100` or `errors=100`");
        let (name, percent) = text.split_once('=').ok_or_else(wrong)?;
        let part = match name {
            "reasons" => Part::Reasons,
            "transitions" => Part::Transitions,
            "errors" => Part::Errors,
            _ => return Err(wrong()),
        };
        let percent = percent.parse().ok().filter(|percent| *percent <= 100).ok_or_else(wrong)?;
        Ok(Self { part, percent })
    }
}

impl CoverageArguments {
    /// The report, where it was asked for; and what is below its minimum.
    pub fn judge(&self, report: &Report) -> (Option<String>, Vec<String>) {
        let below = self.coverage_min.iter().filter_map(|least| {
            let (name, part) = match least.part {
                Part::Reasons => ("reasons", &report.reasons),
                Part::Transitions => ("transitions", &report.transitions),
                Part::Errors => ("errors", &report.errors),
            };
            let missing = part.missing.join(", ");
            (part.percent < least.percent).then(|| {
                format!(
                    "coverage of {name} is {} %, below {} %; missing: {missing}",
                    part.percent, least.percent
                )
            })
        });
        (self.coverage.then(|| report.to_string()), below.collect())
    }
}
