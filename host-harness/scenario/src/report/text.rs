//! Reports for people: every failure with its line, as an editor would show it.

use std::{
    fmt::{self, Write},
    path::Path,
};

use super::{CaseReport, Ending, Report, Sources};
use crate::{Failure, SuiteError};
use guestlist_contract::text::{line, lines};
use guestlist_documents::Excerpt;
use guestlist_documents::yaml::flow;

pub(super) fn report(report: &Report, sources: &Sources<'_>) -> String {
    let mut out = String::new();
    let legend = if report.against.is_some() { "- before, + now" } else { "- expected, + came" };
    // Writing to a string cannot fail.
    let _ = report.cases.iter().try_for_each(|case| {
        if case.ending == Ending::Failed {
            let word = if report.against.is_some() { "DIFFERS" } else { "FAIL" };
            writeln!(out, "{word} {}\n  {}", path(&case.path), line(&case.name))?;
            for failure in &case.failures {
                with_legend(&mut out, &case.path, sources.text(case), failure, legend)?;
            }
        }
        explained(&mut out, case)
    });
    let _ = writeln!(out, "{}", report.summary());
    let disturbed: u64 = report.cases.iter().map(|case| case.disturbed).sum();
    if disturbed > 0 {
        let _ = writeln!(out, "{disturbed} playings with a failing host call");
    }
    out
}

pub(super) fn problems(error: &SuiteError) -> String {
    error.to_string()
}

/// Writes a path as it is shown in a line.
pub(super) fn path(path: &Path) -> String {
    line(&path.display().to_string()).into_owned()
}

/// A failure with its line of the file, as an editor would show it.
pub fn shown(to: &mut impl fmt::Write, path: &Path, text: &str, failure: &Failure) -> fmt::Result {
    with_legend(to, path, text, failure, "- expected, + came")
}

fn with_legend(
    to: &mut impl fmt::Write,
    file: &Path,
    text: &str,
    failure: &Failure,
    legend: &str,
) -> fmt::Result {
    let message = line(&failure.message);
    writeln!(to, "  {}:{}:{}: {message}", path(file), failure.line, failure.column)?;
    let index = usize::try_from(failure.line.saturating_sub(1)).ok();
    if let Some(line) = index.filter(|_| failure.line > 0).and_then(|index| text.lines().nth(index)) {
        writeln!(to, "    {} | {}", failure.line, Excerpt::of(line, failure.column).text)?;
    }
    for line in lines(&compared(failure, legend)).lines() {
        writeln!(to, "      {line}")?;
    }
    if let Some(help) = &failure.help {
        writeln!(to, "    help: {}", line(help))?;
    }
    Ok(())
}

/// Compares what should have come and what came: the lines that differ, and those around them.
pub(super) fn compared(failure: &Failure, legend: &str) -> String {
    match (&failure.expected, &failure.actual) {
        (Some(expected), Some(actual)) if expected.is_empty() => format!("{actual}\n"),
        (Some(expected), Some(actual)) => {
            let (expected, actual) = (format!("{expected}\n"), format!("{actual}\n"));
            let changes = similar::TextDiff::from_lines(&expected, &actual);
            let lines = changes.iter_all_changes().map(|change| format!("{}{change}", change.tag()));
            format!("{legend}\n{}", lines.collect::<String>())
        }
        _ => String::new(),
    }
}

/// Step by step, where it was asked for.
fn explained(to: &mut impl fmt::Write, case: &CaseReport) -> fmt::Result {
    if case.steps.is_empty() {
        return Ok(());
    }
    writeln!(to, "{}\n  {}", path(&case.path), line(&case.name))?;
    for step in &case.steps {
        writeln!(to, "  line {}: {}", step.line, line(&step.title))?;
        for entry in &step.trace {
            writeln!(to, "    {}", line(entry))?;
        }
        if let Some(answer) = &step.answer {
            writeln!(to, "    = {}", line(&flow(answer)))?;
        }
        for effect in &step.effects {
            writeln!(to, "    * {}", line(effect))?;
        }
        if step.host_calls > 0 {
            writeln!(to, "    fuel {}, host calls {}, memory {}", step.fuel, step.host_calls, step.memory)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{compared, shown};
    use crate::Failure;

    fn failure(expected: &str, actual: &str) -> Failure {
        Failure {
            line: 3,
            column: 5,
            message: "the answer is another".into(),
            expected: Some(expected.into()),
            actual: Some(actual.into()),
            help: None,
        }
    }

    #[test]
    fn a_difference_is_shown_line_by_line() {
        let shown = compared(&failure("a\nb", "a\nc"), "- one, + other");
        assert_eq!(shown, "- one, + other\n a\n-b\n+c\n");
        assert_eq!(compared(&failure("", "what came"), "- one, + other"), "what came\n");
    }

    #[test]
    fn a_terminal_is_not_steered() {
        let bad = "a\u{1b}[2J\r\u{202e}b";
        let failure = Failure { message: bad.into(), help: Some(bad.into()), ..failure(bad, "c") };
        let mut out = String::new();
        let written = shown(&mut out, Path::new(bad), &format!("1\n2\n{bad}"), &failure);
        assert!(written.is_ok() && !out.contains(['\u{1b}', '\r', '\u{202e}']), "{out:?}");
        assert_eq!(out.matches(r"a\u{1b}[2J\r\u{202e}b").count(), 4, "{out}");
        // A carriage return ends a line of a difference.
        assert!(out.contains("-a\\u{1b}[2J\\r-\\u{202e}b"), "{out}");
    }
}
