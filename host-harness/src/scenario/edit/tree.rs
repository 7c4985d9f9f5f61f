//! A YAML text as nodes that know where they stand.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Nothing,
    Scalar,
    /// After `|` or `>`.
    Indented,
    Alias,
    BlockList,
    FlowList,
    BlockMap,
    FlowMap,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) shape: Shape,
    /// From its first byte to behind its last.
    pub(super) range: Range<usize>,
    pub(super) text: String,
    /// It has neither anchor nor tag.
    pub(super) bare: bool,
    /// Items; or keys and values in turn.
    pub(super) children: Vec<Node>,
}

impl Node {
    pub(super) fn field(&self, name: &str) -> Option<(&Node, &Node)> {
        let is_map = matches!(self.shape, Shape::BlockMap | Shape::FlowMap);
        let mut pairs = self.children.chunks_exact(2).filter(|_| is_map);
        pairs.find_map(|pair| match pair {
            [key, value] if key.text == name => Some((key, value)),
            _ => None,
        })
    }

    pub(super) fn value(&self) -> Value {
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

pub(super) struct Document<'a> {
    pub(super) source: &'a str,
    pub(super) root: Node,
    /// Where comments start.
    pub(super) comments: Vec<usize>,
}

impl<'a> Document<'a> {
    pub(super) fn parse(source: &'a str) -> Result<Self, String> {
        let mut reader = Reader { source, events: Parser::new_from_str(source), comments: Vec::new() };
        let root = loop {
            match reader.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                first => break reader.node(first)?,
            }
        };
        Ok(Self { source, root, comments: reader.comments })
    }

    pub(super) fn newline(&self) -> &'static str {
        if self.source.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// Lines that follow a line, each with its break before it.
    pub(super) fn below(&self, lines: impl IntoIterator<Item = String>) -> String {
        lines.into_iter().map(|line| format!("{}{line}", self.newline())).collect()
    }

    pub(super) fn line_start(&self, at: usize) -> usize {
        self.source.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |index| index + 1)
    }

    /// Before the break of the line.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let rest = self.source.get(at..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        at + line.strip_suffix('\r').unwrap_or(line).len()
    }

    /// As many blanks as there is text before this place in its line.
    pub(super) fn indent(&self, at: usize) -> String {
        let before = self.source.get(self.line_start(at)..at).unwrap_or_default();
        before.chars().map(|_| ' ').collect()
    }

    /// The blanks before the dash of an item.
    pub(super) fn dash(&self, item: &Node) -> Result<String, String> {
        let line = self.source.get(self.line_start(item.range.start)..).unwrap_or_default();
        let rest = line.trim_start_matches(' ');
        let blanks = line.get(..line.len() - rest.len()).filter(|_| rest.starts_with("- "));
        blanks.map(str::to_owned).ok_or_else(|| "it has a list whose items are not written as `- ..`".into())
    }

    /// Behind the colon of a key.
    pub(super) fn colon(&self, key: &Node) -> Result<usize, String> {
        let rest = self.source.get(key.range.end..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start().len();
        let is_there = rest.trim_start().starts_with(':');
        if is_there { Ok(key.range.end + blanks + 1) } else { Err(format!("`{}` has no colon", key.text)) }
    }
}

/// From events to nodes.
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
