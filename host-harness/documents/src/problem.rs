//! Tells what is wrong with a world file, and where.

use std::{
    borrow::Cow,
    fmt,
    path::{Path, PathBuf},
};

use serde_saphyr::{Budget, Error, Location, Spanned, budget::BudgetBreach};

use guestlist_contract::text;

/// The most problems of one file that are told; a file may be wrong in every line.
pub const MOST: usize = 50;

/// The most letters of what is wrong, and of what to do, in all problems of a file: each may quote a name of
/// any length.
const LETTERS: usize = 16_000;

/// The most letters of a line that are shown.
const WIDTH: usize = 120;

/// The longest name for which one that is like it is looked for, in bytes.
const LONGEST_NAME: usize = 255;

/// The most names that one that is wrong is compared with.
const COMPARED: usize = 10_000;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; 0 where it is not known.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// The mistake, in words.
    pub message: String,
    /// A way to mend it.
    pub help: Option<String>,
}

/// The problems of a world file. Written out, it shows the lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldError {
    /// The problems in the order of the file, at least one. Where there are more than 50, the first are here,
    /// and at the end one that says how many there are besides.
    pub problems: Vec<Problem>,
    /// The number of problems besides.
    left_out: usize,
    /// An excerpt for each problem whose line is to be shown.
    excerpts: Vec<Option<Excerpt>>,
    file: Option<PathBuf>,
}

impl WorldError {
    /// Takes these problems, in the order of their places; of very many only some.
    #[must_use]
    pub fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.line, problem.column));
        let left_out = problems.len().saturating_sub(MOST);
        if left_out > 0 {
            problems.truncate(MOST);
            let these = if left_out == 1 { "problem is" } else { "problems are" };
            problems.push(Problem::nowhere(format!("{left_out} more {these} not shown: mend these first")));
        }
        let longest = LETTERS / problems.len().max(2);
        for problem in &mut problems {
            problem.shorten(longest);
        }
        Self { problems, left_out, excerpts: Vec::new(), file: None }
    }

    /// The number of problems, those included that are not told.
    #[must_use]
    pub fn count(&self) -> usize {
        match self.left_out {
            0 => self.problems.len(),
            more => MOST.saturating_add(more),
        }
    }

    /// Takes what the parser of YAML has met.
    #[must_use]
    pub fn from_parser(error: &serde_saphyr::Error) -> Self {
        let place = error.location();
        if let Some((message, help)) = beyond(error) {
            return Self::new(vec![Problem::at(place, message).helped(help.to_owned())]);
        }
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
        let mut lines = (1u64..).zip(yaml.lines());
        let mut here = None;
        let excerpts = self.problems.iter().map(|problem| {
            if problem.line == 0 {
                return None;
            }
            // In the order of the file, and several in one line.
            while here.is_none_or(|(number, _)| number < problem.line) {
                here = Some(lines.next()?);
            }
            let (_, line) = here.filter(|(number, _)| *number == problem.line)?;
            Some(Excerpt::of(line, problem.column))
        });
        self.excerpts = excerpts.collect();
        self
    }

    /// The same problems, with the file to be named.
    #[must_use]
    pub fn in_file(mut self, path: &Path) -> Self {
        self.file = Some(path.to_owned());
        self
    }
}

/// A bound of the parser that the text is beyond, and what to do.
fn beyond(error: &serde_saphyr::Error) -> Option<(String, &'static str)> {
    const REPEATED: &str = "write out what is repeated with `&` and `*`";
    const NESTED: &str = "write it less nested";
    let bounds = Budget::default();
    let most = |number: usize, what: &str| format!("more than {number} {what}");
    Some(match error {
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::Depth { .. } => (most(bounds.max_depth, "levels are nested here"), NESTED),
            BudgetBreach::Documents { .. } => {
                (most(bounds.max_documents, "documents are in this file"), "one is enough: leave `---` out")
            }
            BudgetBreach::Anchors { .. } => {
                (most(bounds.max_anchors, "anchors (`&`) are in this file"), REPEATED)
            }
            BudgetBreach::Aliases { .. } => {
                (most(bounds.max_aliases, "aliases (`*`) are in this file"), REPEATED)
            }
            BudgetBreach::AliasAnchorRatio { .. } => {
                let times = bounds.alias_anchor_ratio_multiplier;
                (most(times, "aliases (`*`) for each anchor (`&`) are in this file"), REPEATED)
            }
            BudgetBreach::MergeKeys { .. } => {
                (most(bounds.max_merge_keys, "keys `<<` are in this file"), REPEATED)
            }
            BudgetBreach::RecordedAnchorEvents { .. } => {
                (most(bounds.max_recorded_anchor_events, "parts are marked with anchors (`&`)"), REPEATED)
            }
            BudgetBreach::RecordedAnchorBytes { .. } => {
                (most(bounds.max_recorded_anchor_bytes, "bytes are marked with anchors (`&`)"), REPEATED)
            }
            _ => return None,
        },
        Error::AliasReplayLimitExceeded { max_total_replayed_events: number, .. } => {
            (most(*number, "parts are repeated with aliases (`*`)"), REPEATED)
        }
        Error::AliasReplayStackDepthExceeded { max_depth, .. } => {
            (most(*max_depth, "aliases (`*`) lead from one to the next"), REPEATED)
        }
        _ => return None,
    })
}

/// Says what the parser says, for people who have never heard of it.
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
    /// A problem of a file as a whole.
    pub fn nowhere(message: String) -> Self {
        Self::at(None, message)
    }

    /// Something that is wrong at a place, where that is known.
    #[must_use]
    pub fn at(place: Option<Location>, message: String) -> Self {
        let (line, column) = place.map_or((0, 0), |place| (place.line(), place.column()));
        Self { line, column, message, help: None }
    }

    /// Something that is wrong with a value.
    #[must_use]
    pub fn with<T>(text: &Spanned<T>, message: String) -> Self {
        Self::at(Some(text.referenced), message)
    }

    /// Cuts it to what is read.
    fn shorten(&mut self, longest: usize) {
        for text in [&mut self.message].into_iter().chain(&mut self.help) {
            if let Cow::Owned(shorter) = text::cut(text, longest) {
                *text = shorter;
            }
        }
    }

    /// The same, and what to do.
    #[must_use]
    pub fn helped(self, help: String) -> Self {
        Self { help: Some(help), ..self }
    }

    /// Adds the nearest of the words that would have been right, and all of them.
    pub fn choose<'a>(self, wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Self {
        let mut right: Vec<_> = right.into_iter().collect();
        right.sort_unstable();
        right.dedup();
        let near = nearest(wrong, right.iter().copied());
        let near = near.map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
        let all: Vec<_> = right.iter().map(|name| format!("`{name}`")).collect();
        self.helped(format!("{near}there are {}", all.join(", ")))
    }

    /// Adds the nearest of the names that would have been right.
    pub fn suggest<'a>(self, wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Self {
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
            write!(to, "error: {}", text::line(&problem.message))?;
            if let Some(Some(Excerpt { text, before })) = self.excerpts.get(index) {
                let number = problem.line.to_string();
                let margin = " ".repeat(number.len());
                let before = " ".repeat(*before);
                write!(to, "\n{margin} |\n{number} | {text}\n{margin} | {before}^")?;
            }
            let file = self.file.as_ref().map(|file| file.display().to_string());
            match &file {
                Some(file) if problem.line > 0 => {
                    write!(to, "\n  at {}:{}:{}", text::line(file), problem.line, problem.column)?;
                }
                Some(file) => write!(to, "\n  in {}", text::line(file))?,
                None if problem.line > 0 => {
                    write!(to, "\n  at line {}, column {}", problem.line, problem.column)?;
                }
                None => {}
            }
            if let Some(help) = &problem.help {
                write!(to, "\n  help: {}", text::line(help))?;
            }
        }
        Ok(())
    }
}

/// The part of a line that can be shown around a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The part of the line.
    pub text: String,
    /// The number of letters of the text that are before the place.
    before: usize,
}

impl Excerpt {
    /// Around a column, from 1.
    pub fn of(line: &str, column: u64) -> Self {
        let at = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
        // A line may be as long as a file, and is not read to its end for this.
        let is_long = line.char_indices().nth(WIDTH).is_some();
        let start = if is_long { at.saturating_sub(WIDTH / 2) } else { 0 };
        let mut letters = line.chars().skip(start);
        let mut shown = if start > 0 { "..".to_owned() } else { String::new() };
        let mut before = None;
        for (index, letter) in (start..).zip(letters.by_ref().take(WIDTH)) {
            if index == at {
                before = Some(shown.chars().count());
            }
            shown += &text::line(letter.encode_utf8(&mut [0; 4]));
        }
        if letters.next().is_some() {
            shown += "..";
        }
        let before = before.unwrap_or_else(|| shown.chars().count());
        Self { text: shown, before }
    }
}

/// The name that is most like `wrong`, if one is like it at all.
pub fn nearest<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if wrong.len() > LONGEST_NAME {
        return None;
    }
    let most = (wrong.chars().count() / 3).max(2);
    // A letter has up to four bytes: what is much longer or shorter is not like it, and need not be compared.
    let near = |name: &&str| name.len() <= LONGEST_NAME && name.len().abs_diff(wrong.len()) <= most * 4;
    let distances = right.into_iter().filter(near).take(COMPARED).map(|name| (distance(wrong, name), name));
    distances.filter(|(distance, _)| *distance <= most).min().map(|(_, name)| name)
}

/// The number of letters that have to be changed, added or left out.
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
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn at(line: u64, column: u64, message: &str) -> Problem {
        Problem { line, column, message: message.into(), help: None }
    }

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(nearest("u-bbo", ["u-alice", "u-bob"]), Some("u-bob"));
        assert_eq!(nearest("zzzzzz", ["u-alice", "u-bob"]), None);
        let long = "a".repeat(LONGEST_NAME + 1);
        assert_eq!(nearest(&long, [long.as_str()]), None, "the time for it grows with its square");
    }

    #[test]
    fn a_place_is_shown_however_far_to_the_right_it_is() {
        for column in [1, 59, 121, 65_535, 65_536, 65_537, 1 << 20, u64::MAX] {
            let line = format!("{}x{}", " ".repeat(70_000), "y".repeat(70_000));
            let shown = WorldError::new(vec![at(1, column, "wrong")]).in_source(&line).to_string();
            assert!(shown.len() < 600 && shown.ends_with(&format!("column {column}")), "{shown}");
        }
        let shown = WorldError::new(vec![at(2, 65_537, "wrong")]);
        let shown = shown.in_source(&format!("a\n{}zz: 1\nb", " ".repeat(65_536))).to_string();
        let lines: Vec<_> = shown.lines().collect();
        let (line, caret) = (lines[2].strip_prefix("2 | "), lines[3].strip_prefix("  | "));
        assert_eq!(line.map(|line| line.replace(' ', "")).as_deref(), Some("..zz:1"));
        assert_eq!(line.and_then(|line| line.find("zz")), caret.and_then(|caret| caret.find('^')));
    }

    #[test]
    fn a_caret_stands_below_its_letter_among_those_that_are_escaped() {
        let shown = WorldError::new(vec![at(1, 4, "wrong")]).in_source("a\u{1b}\u{202e}zz").to_string();
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[2], r"1 | a\u{1b}\u{202e}zz");
        assert_eq!(lines[2].find("zz"), lines[3].find('^'));
    }

    #[test]
    fn what_is_told_of_a_file_is_bounded_and_the_rest_is_counted() {
        let key = "k".repeat(10_000);
        let problems = (0..2_000).map(|column| at(1, column * 15 + 1, &format!("unknown field `{key}`")));
        let error = WorldError::new(problems.map(|problem| problem.helped(key.clone())).collect());
        let shown = error.clone().in_source(&"x".repeat(31_000)).to_string();
        assert!(shown.len() < 80_000, "{} bytes", shown.len());
        assert!(shown.ends_with("error: 1950 more problems are not shown: mend these first"), "{shown}");
        assert_eq!((error.count(), error.problems.len()), (2_000, MOST + 1));
        assert_eq!(WorldError::new(vec![at(1, 1, "one")]).count(), 1);
    }

    #[test]
    fn what_is_wrong_does_not_steer_a_terminal() {
        let error = WorldError::new(vec![at(1, 1, "no `a\u{1b}[2J\nerror: b`").helped("\u{202e}".into())]);
        let shown = error.in_source("\u{9b}").in_file(Path::new("a\n.yaml")).to_string();
        assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{shown:?}");
        assert_eq!(shown.lines().count(), 6, "{shown}");
    }
}
