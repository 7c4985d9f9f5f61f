//! `guestlist policy eval`: asks a policy about facts in a file.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use guestlist_contract::text;
use guestlist_documents::files::{self, LARGEST_COMPONENT};
use guestlist_harness::policy::{Language, Log, Policies, PolicyUnavailable};
use guestlist_testkit::words;
use serde_json::{Value, json};

use super::{
    engine,
    facts::{self as questions, Facts},
};
use crate::{Done, Failure, Format, cache};

#[derive(Args)]
pub struct Arguments {
    /// The component.
    #[arg(value_name = "POLICY")]
    component: PathBuf,
    /// What it is asked: a file that `guestlist test --explain --write-facts FILE` has written, changed as you
    /// like; `-` reads standard input. Names may be those of any language.
    #[arg(long, value_name = "FILE")]
    facts: PathBuf,
    /// For people or for machines.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What came of one question.
struct Judged {
    function: &'static str,
    organization: String,
    at: Option<String>,
    /// Whom each verdict is about.
    names: Vec<String>,
    verdicts: Result<Vec<Value>, PolicyUnavailable>,
    fuel: Option<u64>,
    log: Log,
}

pub fn run(arguments: &Arguments) -> Result<Done, Failure> {
    let (path, shown) = (&arguments.component, arguments.component.display());
    let questions = questions::read(&arguments.facts)?;
    let wrong = |index: usize, error: &Failure| -> Failure {
        format!("`{}`, question {}: {error}", arguments.facts.display(), index + 1).into()
    };
    let mut asked = Vec::new();
    for (index, question) in questions.iter().enumerate() {
        asked.push((question, question.facts().map_err(|error| wrong(index, &error))?));
    }
    let bytes =
        files::read(path, LARGEST_COMPONENT).map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    let engine = engine()?;
    cache::announce(&engine, path, &bytes);
    let policy = Policies::new(&engine).load(&bytes, None).map_err(|error| format!("{shown}: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let mut all = Vec::new();
    for (question, facts) in asked {
        let (at, function) = (question.at.clone(), question.function());
        all.push(match facts {
            Facts::Invite(facts) => {
                let watched = runtime.block_on(policy.watch_invite(&facts));
                Judged {
                    function,
                    organization: facts.surroundings.organization,
                    at,
                    names: facts.candidates.into_iter().map(|candidate| candidate.name).collect(),
                    fuel: watched.ruling.as_ref().ok().and_then(|ruling| ruling.fuel),
                    verdicts: watched
                        .ruling
                        .map(|ruling| ruling.answer.iter().map(|one| json!(one)).collect()),
                    log: watched.log,
                }
            }
            Facts::Accept(facts) => {
                let watched = runtime.block_on(policy.watch_accept(&facts));
                Judged {
                    function,
                    organization: facts.surroundings.organization,
                    at,
                    names: vec![facts.invitee.name],
                    fuel: watched.ruling.as_ref().ok().and_then(|ruling| ruling.fuel),
                    verdicts: watched.ruling.map(|ruling| vec![json!(ruling.answer)]),
                    log: watched.log,
                }
            }
        });
    }
    let mut out = io::stdout().lock();
    match arguments.format {
        Format::Text => {
            let text: String = all.iter().map(|judged| judged.text(policy.language())).collect();
            write!(out, "{}", text::lines(&text))?;
        }
        Format::Json => {
            let all: Vec<_> = all.iter().map(|judged| judged.json(policy.language())).collect();
            writeln!(out, "{}", text::json(&serde_json::to_string_pretty(&all)?))?;
        }
    }
    Ok(if all.iter().all(|judged| judged.verdicts.is_ok()) { Done::Yes } else { Done::Refused })
}

impl Judged {
    fn text(&self, language: Option<Language>) -> String {
        let at = self.at.as_ref().map(|at| format!(", {at}")).unwrap_or_default();
        let mut text = format!("{} for {}{at}\n", self.function, self.organization);
        let mut line = |mark: &str, said: &str| {
            said.lines().for_each(|said| text.push_str(&format!("  {mark}{said}\n")));
        };
        match &self.verdicts {
            Ok(verdicts) => {
                for (name, verdict) in self.names.iter().zip(verdicts) {
                    line("", &format!("{name}: {}", words::shown_verdict(verdict, language)));
                }
            }
            Err(why) => line("", &why.to_string()),
        }
        self.log.printed.iter().for_each(|said| line("> ", said));
        if let Some(why) = self.log.why() {
            line("! ", &why);
        }
        text
    }

    fn json(&self, language: Option<Language>) -> Value {
        let verdicts = self.verdicts.as_ref().ok().map(|verdicts| {
            let one = |(name, verdict): (&String, &Value)| {
                json!({ "name": name, "verdict": words::written_verdict(verdict, language) })
            };
            self.names.iter().zip(verdicts).map(one).collect::<Vec<_>>()
        });
        json!({
            "judge": self.function.trim_start_matches("judge-"),
            "organization": self.organization,
            "at": self.at,
            "verdicts": verdicts,
            "unavailable": self.verdicts.as_ref().err().map(ToString::to_string),
            "failed": self.log.why(),
            "printed": self.log.printed,
            "fuel": self.fuel,
        })
    }
}
