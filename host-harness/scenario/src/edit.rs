//! Writing lists into a YAML text, and changing nothing else of it.
//!
//! A file of somebody's is not serialized anew: that would lose their comments, their order and their
//! quotes. The parser tells where each node stands, and only these bytes are replaced. What comes out
//! is read again and must be what went in but for the lists; otherwise the text stays as it was.

pub(super) mod tree;

use std::ops::Range;

use serde_json::{Map, Value};

use tree::{Document, Node, Shape};

/// A step on the way to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Key(&'static str),
    Item(usize),
}

/// A list and the lines that it must have, in any order.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) path: Vec<Part>,
    pub(super) lines: Vec<String>,
}

/// The text with these lists. Keys at the end of a path may be missing.
pub(super) fn with_lists(source: &str, lists: &[List]) -> Result<String, String> {
    let before = Document::parse(source)?;
    let mut edits = Vec::new();
    let mut wanted = before.root.value();
    for list in lists {
        edits.extend(before.set(&list.path, &list.lines)?);
        *at(&mut wanted, &list.path) = sorted(list.lines.iter().cloned().map(Value::from).collect());
    }
    let text = apply(source, edits)?;
    let mut now = Document::parse(&text)?.root.value();
    for list in lists {
        let written = at(&mut now, &list.path);
        if let Value::Array(items) = written.take() {
            *written = sorted(items);
        }
    }
    if now == wanted { Ok(text) } else { Err("its layout is too unusual to write into".into()) }
}

/// The text with one more item at the end of the list `name`. `item` stands at the left margin.
pub(super) fn with_item(source: &str, name: &str, item: &str) -> Result<String, String> {
    let document = Document::parse(source)?;
    let (key, list) = document.root.field(name).ok_or_else(|| format!("it has no `{name}`"))?;
    let (indent, end) = match (list.shape, list.children.last()) {
        (Shape::BlockList, Some(last)) => (document.dash(last)?, last.range.end),
        (Shape::Nothing, _) => ("  ".to_owned(), document.colon(key)?),
        _ => return Err(format!("`{name}` is not written with a line for each item")),
    };
    let lines = item.trim_end().lines().map(|line| format!("{indent}{line}"));
    let place = document.line_end(end);
    let text = document.below(lines);
    apply(source, vec![(place..place, text)])
}

fn sorted(mut items: Vec<Value>) -> Value {
    items.sort_by_key(ToString::to_string);
    Value::Array(items)
}

/// The value at a path; what is missing is made.
fn at<'a>(value: &'a mut Value, path: &[Part]) -> &'a mut Value {
    path.iter().fold(value, |value, part| match part {
        Part::Key(name) => {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            &mut value[*name]
        }
        Part::Item(index) => {
            if value.get(*index).is_none() {
                *value = Value::Array(vec![Value::Null; index + 1]);
            }
            &mut value[*index]
        }
    })
}

type Edit = (Range<usize>, String);

fn apply(source: &str, mut edits: Vec<Edit>) -> Result<String, String> {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut text = String::with_capacity(source.len() + 1024);
    let mut done = 0;
    for (range, new) in edits {
        text += source.get(done..range.start).ok_or("two changes meet in it")?;
        text += &new;
        done = range.end;
    }
    text += source.get(done..).unwrap_or_default();
    Ok(text)
}

/// A line as an item in block style: quoted where it has to be.
fn item(line: &str) -> String {
    let plain = serde_saphyr::from_str::<Vec<Value>>(&format!("- {line}\n"));
    let is_plain = plain.is_ok_and(|items| items == [Value::from(line)]);
    if is_plain { line.to_owned() } else { quoted(line) }
}

/// Double quotes of JSON are double quotes of YAML.
fn quoted(line: &str) -> String {
    Value::from(line).to_string()
}

fn flow(lines: &[String]) -> String {
    format!("[{}]", lines.iter().map(|line| quoted(line)).collect::<Vec<_>>().join(", "))
}

impl Document<'_> {
    /// The changes that give the list at `path` these lines.
    fn set(&self, path: &[Part], lines: &[String]) -> Result<Vec<Edit>, String> {
        let (mut node, mut key, mut in_flow) = (&self.root, None, false);
        let mut parts = path.iter();
        while let Some(part) = parts.next() {
            in_flow |= matches!(node.shape, Shape::FlowMap | Shape::FlowList);
            match part {
                Part::Key(name) => match (node.field(name), node.shape) {
                    (Some((name, value)), _) => (node, key) = (value, Some(name)),
                    (None, Shape::BlockMap | Shape::FlowMap) => {
                        return self.add(node, &names(name, parts.as_slice())?, lines);
                    }
                    (None, Shape::Nothing) => {
                        let key = key.ok_or("it is empty")?;
                        return self.fill(key, &names(name, parts.as_slice())?, lines, in_flow);
                    }
                    (None, _) => return Err(format!("`{name}` does not stand where it belongs")),
                },
                Part::Item(index) => {
                    let missing = || format!("a list is not written out: it has no item {}", index + 1);
                    node = node.children.get(*index).ok_or_else(missing)?;
                    key = None;
                }
            }
        }
        let key = key.ok_or("a list has no name")?;
        match node.shape {
            Shape::Nothing => self.fill(key, &[], lines, in_flow),
            Shape::BlockList if node.bare => self.change(key, node, lines),
            Shape::FlowList if node.bare => self.replace(key, node, lines, in_flow),
            _ => Err(format!("`{}` is written in an unusual way", key.text)),
        }
    }

    /// A field that a mapping has not.
    fn add(&self, map: &Node, names: &[&str], lines: &[String]) -> Result<Vec<Edit>, String> {
        let first = map.children.first();
        if map.shape == Shape::FlowMap {
            let at = map.range.start + 1;
            let rest = self.source.get(at..).unwrap_or_default();
            let end = match (first, rest.starts_with(char::is_whitespace)) {
                (None, true) => "",
                (None, false) => " ",
                (Some(_), true) => ",",
                (Some(_), false) => ", ",
            };
            return Ok(vec![(at..at, format!(" {}{end}", inline(names, lines)))]);
        }
        let first = first.ok_or("a mapping is empty")?;
        let text = block(names, lines, &self.indent(first.range.start));
        if std::ptr::eq(map, &self.root) {
            // Behind the comments at the end.
            let (at, newline) = (self.source.len(), self.newline());
            let text = self.below(text);
            let text = if self.source.ends_with('\n') { text.trim_start() } else { &text };
            return Ok(vec![(at..at, format!("{text}{newline}"))]);
        }
        let at = self.line_end(map.range.end);
        Ok(vec![(at..at, self.below(text))])
    }

    /// The value of a key that has none.
    fn fill(&self, key: &Node, names: &[&str], lines: &[String], in_flow: bool) -> Result<Vec<Edit>, String> {
        let colon = self.colon(key)?;
        if in_flow || (lines.is_empty() && names.is_empty()) {
            let text = if names.is_empty() { flow(lines) } else { format!("{{ {} }}", inline(names, lines)) };
            return Ok(vec![(colon..colon, format!(" {text}"))]);
        }
        let indent = format!("{}  ", self.indent(key.range.start));
        let at = self.line_end(colon);
        Ok(vec![(at..at, self.below(block(names, lines, &indent)))])
    }

    /// Another list for `[..]`.
    fn replace(&self, key: &Node, list: &Node, lines: &[String], in_flow: bool) -> Result<Vec<Edit>, String> {
        if self.comments.iter().any(|at| list.range.contains(at)) {
            return Err(format!("there are comments within the brackets of `{}`", key.text));
        }
        if in_flow || lines.is_empty() {
            return Ok(vec![(list.range.clone(), flow(lines))]);
        }
        let mut edits = vec![(self.colon(key)?..list.range.end, String::new())];
        edits.extend(self.fill(key, &[], lines, false)?.into_iter().map(|(_, text)| {
            let at = self.line_end(list.range.end);
            (at..at, text)
        }));
        Ok(edits)
    }

    /// Line by line: what still holds stays as it is written, with its comments.
    fn change(&self, key: &Node, list: &Node, lines: &[String]) -> Result<Vec<Edit>, String> {
        let mut new: Vec<&String> = lines.iter().collect();
        let mut gone = Vec::new();
        for item in &list.children {
            match new.iter().position(|line| **line == item.text) {
                Some(index) => {
                    new.remove(index);
                }
                None => gone.push(item),
            }
        }
        let last = list.children.last().ok_or("a list is empty")?;
        let indent = self.dash(last)?;
        let mut new = new.into_iter();
        let mut edits = Vec::new();
        for gone in gone {
            edits.push(match new.next() {
                Some(_) if gone.shape != Shape::Scalar || !gone.bare => {
                    return Err(format!("`{}` has an item that is written in an unusual way", key.text));
                }
                Some(line) => (gone.range.clone(), item(line)),
                None => {
                    let end = self.line_end(gone.range.end);
                    let rest = self.source.get(end..).unwrap_or_default();
                    let newline = rest.len() - rest.trim_start_matches('\r').trim_start_matches('\n').len();
                    let newline = newline.min(self.newline().len());
                    (self.line_start(gone.range.start)..end + newline, String::new())
                }
            });
        }
        let more: Vec<_> = new.map(|line| format!("{indent}- {}", item(line))).collect();
        if !more.is_empty() {
            let at = self.line_end(last.range.end);
            edits.push((at..at, self.below(more)));
        }
        if lines.is_empty() {
            let colon = self.colon(key)?;
            edits.push((colon..colon, " []".into()));
        }
        Ok(edits)
    }
}

/// The keys that are missing.
fn names(first: &'static str, rest: &[Part]) -> Result<Vec<&'static str>, String> {
    let mut names = vec![first];
    for part in rest {
        match part {
            Part::Key(name) => names.push(name),
            Part::Item(_) => return Err(format!("`{first}` has no items")),
        }
    }
    Ok(names)
}

/// `expect: { effects: [..] }`
fn inline(names: &[&str], lines: &[String]) -> String {
    let (last, outer) = names.split_last().unwrap_or((&"", &[]));
    let list = format!("{last}: {}", flow(lines));
    outer.iter().rev().fold(list, |inner, name| format!("{name}: {{ {inner} }}"))
}

/// The same in lines; without names the items alone.
fn block(names: &[&str], lines: &[String], indent: &str) -> Vec<String> {
    let mut indent = indent.to_owned();
    let mut text = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let nothing = if lines.is_empty() && index + 1 == names.len() { " []" } else { "" };
        text.push(format!("{indent}{name}:{nothing}"));
        indent += "  ";
    }
    text.extend(lines.iter().map(|line| format!("{indent}- {}", item(line))));
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const END: [Part; 2] = [Part::Key("expect"), Part::Key("effects")];

    fn write(source: &str, path: &[Part], lines: &[&str]) -> Result<String, String> {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        with_lists(source, &[List { path: path.to_vec(), lines }])
    }

    #[test]
    fn a_list_is_written_in_the_style_of_its_file() {
        for (before, lines, after) in [
            // Missing.
            (
                "a: 1 # one\n",
                &["x: y", "z"][..],
                "a: 1 # one\nexpect:\n  effects:\n    - \"x: y\"\n    - z\n",
            ),
            ("a: 1", &[], "a: 1\nexpect:\n  effects: []\n"),
            ("a: 1\n\n# end\n", &["z"], "a: 1\n\n# end\nexpect:\n  effects:\n    - z\n"),
            ("a: 1\r\n", &["z"], "a: 1\r\nexpect:\r\n  effects:\r\n    - z\r\n"),
            ("{ a: 1 }\n", &["z"], "{ expect: { effects: [\"z\"] }, a: 1 }\n"),
            // The key alone.
            ("expect: # soon\nb: 2\n", &["z"], "expect: # soon\n  effects:\n    - z\nb: 2\n"),
            ("expect:\n  effects:\nb: 2\n", &["z"], "expect:\n  effects:\n    - z\nb: 2\n"),
            ("expect:\n  effects:\n", &[], "expect:\n  effects: []\n"),
            // Beside others.
            (
                "expect:\n  mails: [] # none\nb: 2\n",
                &["z"],
                "expect:\n  mails: [] # none\n  effects:\n    - z\nb: 2\n",
            ),
            ("expect: {mails: []}\n", &["z"], "expect: { effects: [\"z\"], mails: []}\n"),
            ("expect: {}\n", &["z"], "expect: { effects: [\"z\"] }\n"),
            // In brackets.
            (
                "expect: { effects: [], mails: [] }\n",
                &["z: z"],
                "expect: { effects: [\"z: z\"], mails: [] }\n",
            ),
            (
                "expect:\n  effects: [] # nothing\n  mails: []\n",
                &["z"],
                "expect:\n  effects: # nothing\n    - z\n  mails: []\n",
            ),
            ("expect:\n  effects: [a,\n    b]\n", &[], "expect:\n  effects: []\n"),
            // In lines: what stays keeps its place, quotes and comment.
            (
                "expect:\n  effects:\n  # why\n  - 'a' # first\n  - b # second\n  - c\n\nb: 2\n",
                &["a", "d: d", "e", "c"],
                "expect:\n  effects:\n  # why\n  - 'a' # first\n  - \"d: d\" # second\n  - c\n  - e\n\nb: 2\n",
            ),
            (
                "expect:\n  effects:\n    - a\n    - b\n  mails: []\n",
                &["b"],
                "expect:\n  effects:\n    - b\n  mails: []\n",
            ),
            ("expect:\n  effects: # all\n    - a\n    - b", &[], "expect:\n  effects: [] # all\n"),
        ] {
            assert_eq!(write(before, &END, lines).as_deref(), Ok(after), "{before}");
            assert_eq!(write(after, &END, lines).as_deref(), Ok(after), "again {before}");
        }
    }

    #[test]
    fn lists_of_steps_are_found() {
        let path = [Part::Key("steps"), Part::Item(1), Part::Key("expect"), Part::Key("effects")];
        let before = "steps:\n  - sweep: {}\n  - sweep: {}\n    expect:\n      effects: []\n  - sweep: {}\n";
        let after =
            "steps:\n  - sweep: {}\n  - sweep: {}\n    expect:\n      effects:\n        - z\n  - sweep: {}\n";
        assert_eq!(write(before, &path, &["z"]).as_deref(), Ok(after));
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        for source in [
            "a: &none []\nexpect: { effects: *none }\n",
            "expect:\n  effects: &none []\nb: *none\n",
            "expect:\n  effects: [ # why\n    a ]\n",
            "expect:\n  effects:\n    - >-\n      a\n",
            "expect:\n  effects:\n    -\n      a\n",
            "a: 1\n...\n",
            "expect: 5\n",
            "expect: [",
            "",
        ] {
            let written = write(source, &END, &["z: z"]);
            assert!(written.is_err(), "{source} became {written:?}");
        }
    }

    #[test]
    fn an_item_goes_below_the_last_one() {
        let before = "steps:\n  - sweep: {} # one\n\nexpect: {}\n";
        let after = "steps:\n  - sweep: {} # one\n  - get: x\n    as: ann\n\nexpect: {}\n";
        assert_eq!(with_item(before, "steps", "- get: x\n  as: ann\n").as_deref(), Ok(after));
        assert_eq!(with_item("steps:\nb: 2\n", "steps", "- c").as_deref(), Ok("steps:\n  - c\nb: 2\n"));
        assert!(with_item("steps: [a]\n", "steps", "- b").is_err());
        assert!(with_item("a: 1\n", "steps", "- b").is_err());
    }
}
