//! What is wrong with a world file, and where.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde_saphyr::{Location, Spanned};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; 0 where it is not known.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Everything that is wrong with a world file. Written out, it shows the lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldError {
    /// At least one, in the order of the file.
    pub problems: Vec<Problem>,
    lines: Vec<String>,
    file: Option<PathBuf>,
}

impl WorldError {
    pub(crate) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.line, problem.column));
        Self { problems, lines: Vec::new(), file: None }
    }

    pub(crate) fn from_parser(error: &serde_saphyr::Error) -> Self {
        let place = error.location();
        let text = error.without_snippet().to_string();
        // The place is shown with the line; the parser says it once more in the text.
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
        let problem = match message.split_once(", expected ") {
            Some((wrong, expected)) if wrong.starts_with("unknown ") => {
                let expected = expected.trim_start_matches("one of ");
                let right: Vec<_> = expected.split([',', ' ', '`']).filter(|name| !name.is_empty()).collect();
                let name = wrong.split('`').nth(1).unwrap_or_default();
                let problem = Problem::at(place, wrong.to_owned());
                match nearest(name, right.iter().copied()) {
                    Some(name) => problem.helped(format!("did you mean `{name}`?")),
                    None => problem.helped(format!("there are {}", right.join(", "))),
                }
            }
            _ => in_words(place, message),
        };
        Self::new(vec![problem])
    }

    /// The same problems, with the lines of the file to be shown.
    #[must_use]
    pub fn in_source(mut self, yaml: &str) -> Self {
        self.lines = yaml.lines().map(str::to_owned).collect();
        self
    }

    /// The same problems, with the file to be named.
    #[must_use]
    pub fn in_file(mut self, path: &Path) -> Self {
        self.file = Some(path.to_owned());
        self
    }
}

/// What the parser says, for people who have never heard of it.
fn in_words(place: Option<Location>, message: &str) -> Problem {
    let twice = message.strip_prefix("duplicate mapping key: ").and_then(|rest| rest.split(',').next());
    let (text, help) = match message {
        _ if let Some(key) = twice => (format!("`{key}` is there twice"), "keep one of them"),
        _ if message.contains("expected sequence") => {
            ("a list is expected here".into(), "write `[one, another]`, or `- one` on lines of their own")
        }
        _ if message.contains("expected mapping") => {
            ("a mapping is expected here".into(), "write `key: value`, or `{ key: value }`")
        }
        _ if message.contains("multiple YAML documents") => {
            ("the file has more than one document".into(), "put what follows `---` into a file of its own")
        }
        _ => return Problem::at(place, message.to_owned()),
    };
    Problem::at(place, text).helped(help.to_owned())
}

impl Problem {
    /// Of a file as a whole.
    pub(crate) fn nowhere(message: String) -> Self {
        Self::at(None, message)
    }

    pub(crate) fn at(place: Option<Location>, message: String) -> Self {
        let (line, column) = place.map_or((0, 0), |place| (place.line(), place.column()));
        Self { line, column, message, help: None }
    }

    pub(crate) fn with<T>(text: &Spanned<T>, message: String) -> Self {
        Self::at(Some(text.referenced), message)
    }

    pub(crate) fn helped(self, help: String) -> Self {
        Self { help: Some(help), ..self }
    }

    /// Adds the nearest of the words that would have been right, and all of them.
    pub(crate) fn choose<'a>(self, wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Self {
        let mut right: Vec<_> = right.into_iter().collect();
        right.sort_unstable();
        right.dedup();
        let near = nearest(wrong, right.iter().copied());
        let near = near.map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
        let all: Vec<_> = right.iter().map(|name| format!("`{name}`")).collect();
        self.helped(format!("{near}there are {}", all.join(", ")))
    }

    /// Adds the nearest of the names that would have been right.
    pub(crate) fn suggest<'a>(self, wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(wrong, right) {
            Some(name) => self.helped(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

impl std::error::Error for WorldError {}

impl fmt::Display for WorldError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(to)?;
            }
            write!(to, "error: {}", problem.message)?;
            let shown = usize::try_from(problem.line.saturating_sub(1)).ok();
            let line = shown.filter(|_| problem.line > 0).and_then(|index| self.lines.get(index));
            if let Some(line) = line {
                let caret = usize::try_from(problem.column).unwrap_or(1);
                let number = problem.line.to_string();
                let margin = " ".repeat(number.len());
                write!(to, "\n{margin} |\n{number} | {line}\n{margin} | {:>caret$}", "^")?;
            }
            match &self.file {
                Some(file) if problem.line > 0 => {
                    write!(to, "\n  at {}:{}:{}", file.display(), problem.line, problem.column)?;
                }
                Some(file) => write!(to, "\n  in {}", file.display())?,
                None if problem.line > 0 => {
                    write!(to, "\n  at line {}, column {}", problem.line, problem.column)?;
                }
                None => {}
            }
            if let Some(help) = &problem.help {
                write!(to, "\n  help: {help}")?;
            }
        }
        Ok(())
    }
}

/// The name that is most like `wrong`, if one is like it at all.
pub(crate) fn nearest<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (wrong.chars().count() / 3).max(2);
    let distances = right.into_iter().map(|name| (distance(wrong, name), name));
    distances.filter(|(distance, _)| *distance <= most).min().map(|(_, name)| name)
}

/// How many letters have to be changed, added or left out.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut next = vec![index + 1];
        for ((above, diagonal), candidate) in row.iter().skip(1).zip(&row).zip(&other) {
            let left = next.last().copied().unwrap_or_default();
            let change = diagonal + usize::from(letter != *candidate);
            next.push(change.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(nearest("u-bbo", ["u-alice", "u-bob"]), Some("u-bob"));
        assert_eq!(nearest("zzzzzz", ["u-alice", "u-bob"]), None);
    }
}
