//! Reports as commands to a GitHub workflow, which shows each failure beside its line.

use super::{Report, Sources, text::compared};
use crate::SuiteError;
use guestlist_contract::text::{line, lines};

pub(super) fn report(report: &Report, _: &Sources<'_>) -> String {
    let legend = if report.against.is_some() { "- before, + now" } else { "- expected, + came" };
    let mut out = String::new();
    for case in &report.cases {
        for failure in &case.failures {
            let mut message = format!("{}\n{}", failure.message, compared(failure, legend));
            if let Some(help) = &failure.help {
                message += &format!("help: {help}");
            }
            let path = case.path.display().to_string();
            out += &command(&path, failure.line, failure.column, &case.name, message.trim_end());
        }
    }
    out + &report.summary() + "\n"
}

pub(super) fn problems(error: &SuiteError) -> String {
    let mut out = String::new();
    for (path, problem) in error.places() {
        let help = problem.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        let (path, message) = (path.display().to_string(), format!("{}{help}", problem.message));
        out += &command(&path, problem.line, problem.column, "This file is wrong", &message);
    }
    out
}

fn command(path: &str, line: u64, column: u64, title: &str, message: &str) -> String {
    let place = if line > 0 { format!(",line={line},col={column}") } else { String::new() };
    format!("::error file={}{place},title={}::{}\n", property(path), property(title), data(message))
}

fn data(text: &str) -> String {
    lines(text).replace('%', "%25").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(&line(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn a_text_cannot_end_a_command_or_begin_one() {
        let shown = command(
            "a,b.yaml",
            3,
            5,
            "50%: done,\nreally\u{1b}\0",
            "one::two\r\n::error::three\u{202e}, 100%",
        );
        assert_eq!(
            shown,
            "::error file=a%2Cb.yaml,line=3,col=5,title=50%25%3A done%2C\\nreally\\u{1b}\\u{0}::one::two\\r%0A\
             ::error::three\\u{202e}, 100%25\n"
        );
        assert_eq!(command("a.yaml", 0, 0, "t", "m"), "::error file=a.yaml,title=t::m\n");
    }
}
