//! Blessing: what came is written into the scenario as what must come.
//!
//! Only lists of effects are written. A wrong answer, e-mail or audit event stays a failure: somebody has
//! said what it must be, and nobody but them takes it back.

use std::{fs, io};

use serde_saphyr::Spanned;

use super::{
    came::{Came, place},
    edit::{List, Part, with_lists},
    format::{Outcome, Scenario, Step, Text},
    report::{CaseReport, Ending},
    suite::{Case, is_inside, root},
};
use guestlist_documents::files::{self, LONGEST_TEXT};

/// The reason why nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotBlessed {
    /// The scenario failed.
    #[error("it failed, and effects are written only where everything else came as it says")]
    Failed,
    /// The story ends in more ways than one list of effects can tell.
    #[error(
        "the schedules of its race end with different effects; say with `answer`, `audit` or `succeed` what holds in all"
    )]
    ManyEnds,
    /// One text is told in many ways.
    #[error("it is told for each row of a table, and one list of effects does not fit all rows")]
    Table,
    /// The text is not touched where it could be damaged.
    #[error(
        "its effects cannot be written safely: {0}; write `expect:` and `effects:` on lines of their own"
    )]
    Layout(String),
    /// The file was edited by somebody while the scenario ran.
    #[error("the file was changed while it ran: run it again")]
    Changed,
    /// The file is a link, and nothing is written through one.
    #[error("it is a link: play the file that it leads to")]
    Link,
    /// Reading or writing failed.
    #[error("it cannot be written: {0}")]
    Io(#[from] io::Error),
}

impl Case {
    /// Writes what came into the file: the effects of the whole story, and those of steps that list
    /// theirs. The scenario must have been run with [`Options::bless`](super::Options::bless). Answers
    /// whether the file was changed.
    ///
    /// # Errors
    /// Why nothing was written; the file is as it was then.
    pub fn bless(&self, report: &CaseReport) -> Result<bool, NotBlessed> {
        if report.ending != Ending::Passed {
            return Err(NotBlessed::Failed);
        }
        if self.row.is_some() {
            return Err(NotBlessed::Table);
        }
        let Some(text) = self.blessed(&report.came)? else { return Ok(false) };
        if fs::symlink_metadata(&self.path)?.is_symlink() || !is_inside(&root(&self.path), &self.path) {
            return Err(NotBlessed::Link);
        }
        if files::read_text(&self.path, LONGEST_TEXT)? != *self.text {
            return Err(NotBlessed::Changed);
        }
        files::replace(&self.path, text)?;
        Ok(true)
    }

    /// The text with what came; `None` where it says so already.
    pub(super) fn blessed(&self, came: &Came) -> Result<Option<String>, NotBlessed> {
        let mut lists = Vec::new();
        for (path, list) in written(&self.scenario) {
            let Some(lines) = came.asked.get(&place(list)) else { continue };
            if !says(list, lines) {
                lists.push(List { path, lines: lines.clone() });
            }
        }
        let end = self.scenario.expect.as_ref().and_then(|expect| expect.value.effects.as_ref());
        if let (None, Some(lines)) = (end, &came.end) {
            if came.many_ends {
                return Err(NotBlessed::ManyEnds);
            }
            lists.push(List { path: vec![Part::Key("expect"), Part::Key("effects")], lines: lines.clone() });
        }
        if lists.is_empty() {
            return Ok(None);
        }
        with_lists(&self.text, &lists).map(Some).map_err(NotBlessed::Layout)
    }
}

/// Tells whether a list has these lines, in whatever order.
fn says(list: &Spanned<Vec<Text>>, lines: &[String]) -> bool {
    let mut said: Vec<&str> = list.value.iter().map(|line| line.value.as_str()).collect();
    let mut came: Vec<&str> = lines.iter().map(String::as_str).collect();
    said.sort_unstable();
    came.sort_unstable();
    said == came
}

type Written<'a> = (Vec<Part>, &'a Spanned<Vec<Text>>);

/// All lists of effects in a scenario, and where they are.
fn written(scenario: &Scenario) -> Vec<Written<'_>> {
    let mut lists = Vec::new();
    of_outcome(Vec::new(), scenario.expect.as_ref(), &mut lists);
    of_steps(&[Part::Key("given")], &scenario.given, &mut lists);
    of_steps(&[Part::Key("steps")], &scenario.steps, &mut lists);
    lists
}

fn of_steps<'a>(path: &[Part], steps: &'a [Spanned<Step>], lists: &mut Vec<Written<'a>>) {
    for (index, step) in steps.iter().enumerate() {
        let here = [path, &[Part::Item(index)]].concat();
        if let Some(race) = &step.value.race {
            of_steps(&[&here[..], &[Part::Key("race"), Part::Key("of")]].concat(), &race.of, lists);
        }
        of_outcome(here, step.value.expect.as_ref(), lists);
    }
}

fn of_outcome<'a>(mut path: Vec<Part>, expect: Option<&'a Spanned<Outcome>>, lists: &mut Vec<Written<'a>>) {
    if let Some(list) = expect.and_then(|expect| expect.value.effects.as_ref()) {
        path.extend([Part::Key("expect"), Part::Key("effects")]);
        lists.push((path, list));
    }
}
