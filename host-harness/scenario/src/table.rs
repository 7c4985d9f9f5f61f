//! `for`: one scenario told for each row of a table.
//!
//! A row's values are written into the text where `$COLUMN` stands, scalar by scalar, so that every line stays
//! where it is and what comes out is read and checked like any other scenario.

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::edit::tree::{Document, Node, Shape};
use guestlist_documents::{Problem, WorldError, files::without_mark};

/// Most rows: each is played like a scenario of its own.
const ROWS_MAX: usize = 1_000;

/// The name of a row that is no mapping.
const ALONE: &str = "each";

/// A scenario for one row.
pub(super) struct Told {
    /// The row, from 1.
    pub(super) row: usize,
    pub(super) text: String,
    /// The label that tells it from the others, where its name does not.
    pub(super) label: Option<String>,
}

/// The part of a scenario that matters here.
#[derive(Deserialize)]
struct Head {
    #[serde(default, rename = "for")]
    rows: Option<Vec<Spanned<Value>>>,
    #[serde(default)]
    name: String,
}

type Row = Vec<(String, Value)>;

/// The scenario for each row; nothing where there is no table, or where the text is wrong otherwise.
pub(super) fn told(text: &str) -> Result<Vec<Told>, WorldError> {
    let text = without_mark(text);
    if !text.contains("for") {
        return Ok(Vec::new());
    }
    let Ok(Head { rows: Some(rows), name }) = guestlist_documents::yaml::read::<Head>(text) else {
        return Ok(Vec::new());
    };
    let wrong = |problem: Problem| WorldError::new(vec![problem]);
    let document = Document::parse(text).map_err(|why| wrong(Problem::nowhere(why)))?;
    let Some((key, list)) = document.root.field("for") else { return Ok(Vec::new()) };
    let place = document.place(key.range.start);
    let here = |message: &str| wrong(at(place, message.to_owned()));
    if rows.is_empty() {
        return Err(here("a table without rows tells nothing"));
    }
    if rows.len() > ROWS_MAX {
        return Err(here(&format!("the table has {} rows, and {ROWS_MAX} at most are told", rows.len())));
    }
    let table = rows.iter().map(row).collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    let columns: Vec<&str> = table.first().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    for (row, values) in rows.iter().zip(&table) {
        if !values.iter().map(|(name, _)| name.as_str()).eq(columns.iter().copied()) {
            let problem = Problem::with(row, "a row has other columns than the first".into());
            return Err(wrong(problem.helped(format!("the first has {}", listed(&columns)))));
        }
    }
    let mut scalars = Vec::new();
    for pair in document.root.children.chunks_exact(2) {
        if pair.first().is_some_and(|key| key.text != "for") {
            pair.iter().for_each(|node| marked(node, &mut scalars));
        }
    }
    let mut used = Vec::new();
    for node in &scalars {
        for column in names(&node.text) {
            if !columns.contains(&column) {
                let place = document.place(node.range.start);
                let problem = at(place, format!("the table has no column `{column}`"));
                return Err(wrong(problem.choose(column, columns.iter().copied())));
            }
            used.push(column);
        }
    }
    if let Some(idle) = columns.iter().find(|column| !used.contains(column)) {
        return Err(here(&format!("no text has `${idle}`, so the rows tell the same")));
    }
    let own_name = names(&name).next().is_some();
    let tell = |(index, row): (usize, &Row)| Told {
        row: index + 1,
        text: filled(text, &scalars, row),
        label: (!own_name).then(|| label(list.children.get(index), row)),
    };
    Ok(table.iter().enumerate().map(tell).collect())
}

/// The value of the column that is written first.
fn label(node: Option<&Node>, row: &Row) -> String {
    let first = node.and_then(|node| node.children.first()).map(|key| key.text.as_str());
    let cell = row.iter().find(|(name, _)| Some(name.as_str()) == first).or(row.first());
    cell.map(|(_, value)| plain(value)).unwrap_or_default()
}

fn at((line, column): (u64, u64), message: String) -> Problem {
    Problem { line, column, message, help: None }
}

fn listed(columns: &[&str]) -> String {
    columns.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ")
}

fn row(row: &Spanned<Value>) -> Result<Row, Problem> {
    match &row.value {
        Value::Object(fields) => {
            let odd = fields.keys().find(|name| names(&format!("${name}")).next() != Some(name.as_str()));
            match odd {
                Some(name) => {
                    let message = format!("`{name}` is no name of a column");
                    let help = "letters, digits and `-`, the first a letter";
                    Err(Problem::with(row, message).helped(help.into()))
                }
                None => Ok(fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect()),
            }
        }
        value => Ok(vec![(ALONE.to_owned(), value.clone())]),
    }
}

/// The columns that a text names.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).filter_map(names_in)
}

/// The name that a text begins with.
fn names_in(text: &str) -> Option<&str> {
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    let name = text.get(..end.unwrap_or(text.len()))?.trim_end_matches('-');
    name.starts_with(|letter: char| letter.is_ascii_alphabetic()).then_some(name)
}

/// The scalars that name columns.
fn marked<'a>(node: &'a Node, to: &mut Vec<&'a Node>) {
    if matches!(node.shape, Shape::Scalar | Shape::Indented) && names(&node.text).next().is_some() {
        to.push(node);
    }
    node.children.iter().for_each(|child| marked(child, to));
}

/// The text with the values of a row.
fn filled(text: &str, scalars: &[&Node], row: &Row) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for node in scalars {
        let start = start(text, node).max(from);
        let written = text.get(start..node.range.end).unwrap_or_default();
        out += text.get(from..start).unwrap_or_default();
        out += &value(&node.text, row).to_string();
        // What follows stays in its line.
        out.extend(std::iter::repeat_n('\n', written.matches('\n').count()));
        from = node.range.end;
    }
    out + text.get(from..).unwrap_or_default()
}

/// The place where a scalar begins: one over several lines with the sign before them, as in `about: >`.
fn start(text: &str, node: &Node) -> usize {
    let before = text.get(..node.range.start).unwrap_or_default();
    let is_sign = |at: &usize| {
        let rest = before.get(*at + 1..).unwrap_or_default();
        rest.contains('\n')
            && rest.chars().all(|letter| letter.is_whitespace() || "+-123456789".contains(letter))
    };
    let sign = before.rfind(['>', '|']).filter(is_sign);
    sign.filter(|_| matches!(node.shape, Shape::Indented)).unwrap_or(node.range.start)
}

/// A text that is a column alone becomes its value, whatever that is; else its words are put in.
fn value(text: &str, row: &Row) -> Value {
    if let Some(column) = text.strip_prefix('$')
        && let Some((_, value)) = row.iter().find(|(name, _)| name == column)
    {
        return value.clone();
    }
    let mut parts = text.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let named =
            names_in(part).and_then(|name| Some((name, row.iter().find(|(known, _)| known == name)?)));
        match named {
            Some((name, (_, value))) => {
                out += &plain(value);
                out += part.get(name.len()..).unwrap_or_default();
            }
            None => {
                out.push('$');
                out += part;
            }
        }
    }
    Value::from(out)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::told;

    #[test]
    fn values_stand_where_their_columns_are_named_and_lines_stay_where_they_are() {
        let text = "name: $who\nfor:\n  - { who: hana, comes: pending }\n  - { who: 'a: b', comes: { refused: x } }\n\
                    about: >\n  of $who\n  and more\nsteps: [{ $who: $comes }, \"$who's\"]\n";
        let told = told(text).unwrap();
        assert_eq!(told.len(), 2);
        let tail = |index: usize| told[index].text.lines().skip(4).collect::<Vec<_>>();
        let first =
            ["about: \"of hana and more\\n\"", "", "", "steps: [{ \"hana\": \"pending\" }, \"hana's\"]"];
        assert_eq!(tail(0), first);
        assert_eq!(tail(1)[3], "steps: [{ \"a: b\": {\"refused\":\"x\"} }, \"a: b's\"]");
        assert!(told[0].label.is_none() && told[1].row == 2);
    }

    #[test]
    fn what_is_wrong_with_a_table_is_said_with_its_place() {
        for (text, line, message) in [
            ("name: x\nfor: []\n", 2, "a table without rows"),
            ("name: $each\nfor: [a, { b: c }]\n", 2, "a row has other columns"),
            ("name: $eahc\nfor: [a]\n", 1, "the table has no column `eahc`"),
            ("name: x\nfor: [a]\n", 2, "no text has `$each`"),
            ("name: $a b\nfor: [{ 'a b': c }]\n", 2, "`a b` is no name of a column"),
        ] {
            let error = told(text).err().unwrap();
            let problem = &error.problems[0];
            assert!(problem.line == line && problem.message.contains(message), "{text}: {error}");
        }
        assert!(told("name: for nobody\n").unwrap().is_empty());
    }
}
