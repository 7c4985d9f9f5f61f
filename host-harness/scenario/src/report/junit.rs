//! Reports as JUnit's XML: a `testsuite` for each folder, a `testcase` for each scenario.

use std::{
    collections::BTreeMap,
    path::{Component, Path},
    time::Duration,
};

use super::{Ending, Report, Sources, text::shown};
use crate::{CaseReport, SuiteError};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

pub(super) fn report(report: &Report, sources: &Sources<'_>) -> String {
    let mut folders: BTreeMap<&Path, Vec<&CaseReport>> = BTreeMap::new();
    for case in &report.cases {
        folders.entry(folder(&case.path)).or_default().push(case);
    }
    let mut out = format!(
        "{HEAD}<testsuites name=\"guestlist\" tests=\"{}\" failures=\"{}\" errors=\"0\" time=\"{}\">\n",
        report.cases.len(),
        report.failed(),
        seconds(report.time)
    );
    for (folder, cases) in folders {
        let failed = cases.iter().filter(|case| case.ending == Ending::Failed).count();
        out += &format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" time=\"{}\">\n",
            escaped(&folder.display().to_string()),
            cases.len(),
            seconds(cases.iter().map(|case| case.time).sum())
        );
        for case in cases {
            out += &testcase(case, folder, sources);
        }
        out += "  </testsuite>\n";
    }
    out + "</testsuites>\n"
}

fn testcase(case: &CaseReport, folder: &Path, sources: &Sources<'_>) -> String {
    let line = case.failures.first().map_or(case.line, |failure| failure.line);
    let head = format!(
        "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{line}\" time=\"{}\"",
        escaped(&case.name),
        escaped(&class(folder)),
        escaped(&case.path.display().to_string()),
        seconds(case.time)
    );
    let Some(first) = case.failures.first() else { return head + "/>\n" };
    let more = match case.failures.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let mut text = String::new();
    for failure in &case.failures {
        // Writing to a string cannot fail.
        let _ = shown(&mut text, &case.path, sources.text(case), failure);
    }
    let message = escaped(&format!("{}{more}", first.message));
    let text = escaped(&text);
    format!(
        "{head}>\n      <failure type=\"failure\" message=\"{message}\">{text}</failure>\n    </testcase>\n"
    )
}

pub(super) fn problems(error: &SuiteError) -> String {
    let count = error.places().count();
    let mut out = format!(
        "{HEAD}<testsuites name=\"guestlist\" tests=\"{count}\" failures=\"0\" errors=\"{count}\">\n  \
         <testsuite name=\"files\" tests=\"{count}\" failures=\"0\" errors=\"{count}\">\n"
    );
    for (path, problem) in error.places() {
        let path = escaped(&path.display().to_string());
        let help = problem.help.as_ref().map(|help| format!("help: {help}")).unwrap_or_default();
        out += &format!(
            "    <testcase name=\"{path}\" classname=\"files\" file=\"{path}\" line=\"{}\">\n      \
             <error type=\"file\" message=\"{}\">{}</error>\n    </testcase>\n",
            problem.line,
            escaped(&problem.message),
            escaped(&help)
        );
    }
    out + "  </testsuite>\n</testsuites>\n"
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// A folder as the name of a class: build servers take what is before a `.` for a package.
fn class(folder: &Path) -> String {
    let named = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_string_lossy().replace('.', "_")),
        _ => None,
    };
    let parts: Vec<_> = folder.components().filter_map(named).collect();
    if parts.is_empty() { "scenarios".to_owned() } else { parts.join("/") }
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

/// Escapes for attributes and for text. Most control characters cannot be in XML at all, not even as
/// references.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            // Parsers make spaces of them in an attribute.
            '\n' => out += "&#10;",
            '\r' => out += "&#13;",
            '\t' => out += "&#9;",
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::path::Path;

    use super::{class, escaped};

    #[test]
    fn the_name_of_a_class_has_no_dots() {
        for (folder, name) in
            [(".", "scenarios"), ("./bad", "bad"), ("../a.b/c", "a_b/c"), ("/work/rules", "work/rules")]
        {
            assert_eq!(class(Path::new(folder)), name);
        }
    }

    #[test]
    fn every_text_comes_back_from_xml_as_far_as_xml_can_say_it() {
        for (text, expected) in [
            ("a & b < c > \"d\" ']]>'", "a & b < c > \"d\" ']]>'"),
            ("two\nlines\r\n\tand a tab", "two\nlines\r\n\tand a tab"),
            ("\u{0}\u{1b}[2J\u{7f}\u{fffe}", "\u{fffd}\u{fffd}[2J\u{7f}\u{fffd}"),
            ("Ärger 🙂", "Ärger 🙂"),
        ] {
            let escaped = escaped(text);
            let xml = format!("<a b=\"{escaped}\">{escaped}</a>");
            let document = roxmltree::Document::parse(&xml).unwrap();
            let element = document.root_element();
            assert_eq!((element.attribute("b"), element.text()), (Some(expected), Some(expected)));
        }
    }
}
