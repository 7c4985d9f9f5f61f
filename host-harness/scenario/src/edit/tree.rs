//! A YAML text as nodes that know where they stand.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Nothing,
    Scalar,
    /// The text after `|` or `>`.
    Indented,
    Alias,
    BlockList,
    FlowList,
    BlockMap,
    FlowMap,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) shape: Shape,
    /// Its bytes, from the first to behind the last.
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
    /// Tells whether it has neither anchor nor tag.
    pub(crate) bare: bool,
    /// Items; or keys and values in turn.
    pub(crate) children: Vec<Node>,
}

impl Node {
    fn beginning_at(&self, at: usize) -> Option<&Node> {
        if self.range.start == at && self.shape != Shape::Nothing {
            return Some(self);
        }
        // What begins behind it is not in it.
        let inside = self.children.iter().filter(|child| child.range.contains(&at));
        inside.filter_map(|child| child.beginning_at(at)).next()
    }

    pub(crate) fn field(&self, name: &str) -> Option<(&Node, &Node)> {
        let is_map = matches!(self.shape, Shape::BlockMap | Shape::FlowMap);
        let mut pairs = self.children.chunks_exact(2).filter(|_| is_map);
        pairs.find_map(|pair| match pair {
            [key, value] if key.text == name => Some((key, value)),
            _ => None,
        })
    }

    pub(crate) fn value(&self) -> Value {
        match self.shape {
            Shape::Nothing => Value::Null,
            Shape::Scalar | Shape::Indented | Shape::Alias => Value::from(self.text.as_str()),
            Shape::BlockList | Shape::FlowList => self.children.iter().map(Self::value).collect(),
            Shape::BlockMap | Shape::FlowMap => {
                let pair = |pair: &[Node]| match pair {
                    [key, value] => Some((key.text.clone(), value.value())),
                    _ => None,
                };
                Value::Object(self.children.chunks_exact(2).filter_map(pair).collect())
            }
        }
    }
}

pub(crate) struct Document<'a> {
    pub(crate) source: &'a str,
    pub(crate) root: Node,
    /// The places where comments start.
    pub(crate) comments: Vec<usize>,
}

impl<'a> Document<'a> {
    pub(crate) fn parse(source: &'a str) -> Result<Self, String> {
        let mut reader = Reader { source, events: Parser::new_from_str(source), comments: Vec::new() };
        let root = loop {
            match reader.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                first => break reader.node(first)?,
            }
        };
        Ok(Self { source, root, comments: reader.comments })
    }

    /// The line and the column of a byte, from 1.
    pub(crate) fn place(&self, at: usize) -> (u64, u64) {
        let before = self.source.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line as u64, column as u64)
    }

    /// The outermost node that begins there.
    pub(crate) fn node_at(&self, place: (u64, u64)) -> Option<&Node> {
        let line = usize::try_from(place.0).ok()?.checked_sub(1)?;
        let start: usize = self.source.split_inclusive('\n').take(line).map(str::len).sum();
        let letters = usize::try_from(place.1).ok()?.checked_sub(1)?;
        let before = self.source.get(start..)?.chars().take(letters).map(char::len_utf8).sum::<usize>();
        self.root.beginning_at(start + before)
    }

    pub(crate) fn newline(&self) -> &'static str {
        if self.source.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// Lines that follow a line, each with its break before it.
    pub(crate) fn below(&self, lines: impl IntoIterator<Item = String>) -> String {
        lines.into_iter().map(|line| format!("{}{line}", self.newline())).collect()
    }

    pub(crate) fn line_start(&self, at: usize) -> usize {
        self.source.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |index| index + 1)
    }

    /// The end of a line, before its break.
    pub(crate) fn line_end(&self, at: usize) -> usize {
        let rest = self.source.get(at..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        at + line.strip_suffix('\r').unwrap_or(line).len()
    }

    /// Makes as many blanks as there is text before this place in its line.
    pub(crate) fn indent(&self, at: usize) -> String {
        let before = self.source.get(self.line_start(at)..at).unwrap_or_default();
        before.chars().map(|_| ' ').collect()
    }

    /// The blanks before the dash of an item.
    pub(crate) fn dash(&self, item: &Node) -> Result<String, String> {
        let line = self.source.get(self.line_start(item.range.start)..).unwrap_or_default();
        let rest = line.trim_start_matches(' ');
        let blanks = line.get(..line.len() - rest.len()).filter(|_| rest.starts_with("- "));
        blanks.map(str::to_owned).ok_or_else(|| "it has a list whose items are not written as `- ..`".into())
    }

    /// Behind the colon of a key.
    pub(crate) fn colon(&self, key: &Node) -> Result<usize, String> {
        let rest = self.source.get(key.range.end..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start().len();
        let is_there = rest.trim_start().starts_with(':');
        if is_there { Ok(key.range.end + blanks + 1) } else { Err(format!("`{}` has no colon", key.text)) }
    }
}

/// Turns events into nodes.
struct Reader<'a, P> {
    source: &'a str,
    events: P,
    comments: Vec<usize>,
}

impl<'a, P, E> Reader<'a, P>
where
    P: Iterator<Item = Result<(Event<'a>, Span), E>>,
    E: std::fmt::Display,
{
    /// The next event that is no comment.
    fn next(&mut self) -> Result<(Event<'a>, Span), String> {
        loop {
            let (event, span) =
                self.events.next().ok_or("it ends too early")?.map_err(|error| error.to_string())?;
            match event {
                Event::Comment(..) => self.comments.push(bytes(&span)?.start),
                event => return Ok((event, span)),
            }
        }
    }

    fn node(&mut self, (event, span): (Event<'a>, Span)) -> Result<Node, String> {
        let range = bytes(&span)?;
        let leaf = |shape, range: Range<usize>, text: String, bare| Node {
            shape,
            range,
            text,
            bare,
            children: Vec::new(),
        };
        let written = self.source.get(range.clone()).unwrap_or_default();
        // Text after `|` ends somewhere in the blank lines below it.
        let tight = range.start..range.start + written.trim_end().len();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let shape = match style {
                    ScalarStyle::Plain if written.is_empty() => Shape::Nothing,
                    ScalarStyle::Literal | ScalarStyle::Folded => Shape::Indented,
                    _ => Shape::Scalar,
                };
                Ok(leaf(shape, tight, text.into_owned(), anchor == 0 && tag.is_none()))
            }
            Event::Alias(_) => Ok(leaf(Shape::Alias, tight, written.to_owned(), true)),
            Event::SequenceStart(style, anchor, tag) => {
                let shape = if style == StructureStyle::Flow { Shape::FlowList } else { Shape::BlockList };
                self.children(leaf(shape, range, String::new(), anchor == 0 && tag.is_none()))
            }
            Event::MappingStart(style, anchor, tag) => {
                let shape = if style == StructureStyle::Flow { Shape::FlowMap } else { Shape::BlockMap };
                self.children(leaf(shape, range, String::new(), anchor == 0 && tag.is_none()))
            }
            other => Err(format!("{other:?} is not expected here")),
        }
    }

    fn children(&mut self, mut parent: Node) -> Result<Node, String> {
        loop {
            let next = self.next()?;
            if matches!(next.0, Event::SequenceEnd | Event::MappingEnd) {
                // In block style the end is wherever the next thing begins.
                let last = parent.children.iter().map(|child| child.range.end).max();
                parent.range.end = match parent.shape {
                    Shape::FlowList | Shape::FlowMap => bytes(&next.1)?.end,
                    _ => last.unwrap_or(parent.range.end),
                };
                return Ok(parent);
            }
            let child = self.node(next)?;
            parent.children.push(child);
        }
    }
}

fn bytes(span: &Span) -> Result<Range<usize>, String> {
    span.byte_range().ok_or_else(|| "a place in it is unknown".into())
}
