//! Files of facts: what a policy was asked in a scenario, to ask it again.

use std::{io, path::Path};

use guestlist_contract::rules::{AcceptFacts, InviteFacts};
use guestlist_documents::files::{self, LONGEST_TEXT};
use guestlist_scenario::Report;
use guestlist_testkit::words::{self, Asked};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Failure;

/// One question, and where it comes from.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Which function is asked.
    judge: Asked,
    /// Where it was asked, as `rules/who-is-invited.yaml:7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// In the names of the policy's language.
    facts: Value,
}

/// Facts as the contract has them.
pub enum Facts {
    Invite(Box<InviteFacts>),
    Accept(Box<AcceptFacts>),
}

/// Writes down all that policies were asked in a run.
pub fn write(path: &Path, report: &Report) -> Result<(), Failure> {
    let mut all = Vec::new();
    for case in &report.cases {
        for step in &case.steps {
            all.extend(step.judgements.iter().map(|judgement| Question {
                judge: judgement.asked,
                at: Some(format!("{}:{}", case.path.display(), step.line)),
                facts: words::written(judgement.asked, &judgement.facts, judgement.language),
            }));
        }
    }
    let text = serde_json::to_string_pretty(&all)?;
    files::replace(path, text + "\n")
        .map_err(|error| format!("`{}` cannot be written: {error}", path.display()))?;
    eprintln!("{} questions written to {}", all.len(), path.display());
    Ok(())
}

/// Reads one question, or a list of them; `-` is standard input.
pub fn read(path: &Path) -> Result<Vec<Question>, Failure> {
    let shown = path.display();
    let read = match path.as_os_str() == "-" {
        true => files::read_text_from(io::stdin().lock(), LONGEST_TEXT),
        false => files::read_text(path, LONGEST_TEXT),
    };
    let text = read.map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    let value: Value = serde_json::from_str(files::without_mark(&text))
        .map_err(|error| format!("`{shown}` is no JSON: {error}"))?;
    let all = match value {
        Value::Array(all) => all,
        one => vec![one],
    };
    if all.is_empty() {
        return Err(format!("`{shown}` has no facts: it is an empty list").into());
    }
    let question = |(index, value): (usize, Value)| {
        serde_json::from_value(value).map_err(|error| {
            let help = "a question is `{ \"judge\": \"invite\" or \"accept\", \"facts\": .. }`";
            format!("`{shown}`, question {}: {error}; {help}", index + 1).into()
        })
    };
    all.into_iter().enumerate().map(question).collect()
}

impl Question {
    /// The function of the policy.
    pub fn function(&self) -> &'static str {
        match self.judge {
            Asked::Accept => "judge-accept",
            _ => "judge-invite",
        }
    }

    /// The facts, or the first that is wrong with them.
    pub fn facts(&self) -> Result<Facts, Failure> {
        let facts = words::read(self.judge, &self.facts)?;
        Ok(match self.judge {
            Asked::Accept => Facts::Accept(serde_json::from_value(facts)?),
            _ => Facts::Invite(serde_json::from_value(facts)?),
        })
    }
}
