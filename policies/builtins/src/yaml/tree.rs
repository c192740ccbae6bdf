use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

/// How deep a document goes at most, as JSON does.
const DEPTH_MAX: usize = 128;

/// A place in a document.
pub(super) type Id = usize;

/// A document; what an anchor names is in it once.
pub(super) struct Tree {
    pub nodes: Vec<Node>,
    pub root: Id,
}

pub(super) enum Node {
    Scalar(Scalar),
    Sequence(Vec<Id>),
    Mapping(Vec<(Id, Id)>),
    Alias(Id),
}

pub(super) struct Scalar {
    pub text: String,
    /// Whether it stands without quotes, on its line.
    pub plain: bool,
    /// The type that is written before it, in short: `!!int`.
    pub tag: Option<String>,
}

/// Reads the first document, if there is one. The others must be ones too.
pub(super) fn read(text: &str) -> Result<Option<Tree>> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        nodes: Vec::new(),
        anchors: BTreeMap::new(),
        open_at: (!text.ends_with(['\r', '\n'])).then(|| text.chars().count()),
    };
    let mut first = None;
    loop {
        match reader.next()? {
            Event::StreamEnd => return Ok(first),
            Event::DocumentStart(_) => {
                let event = reader.next()?;
                let root = reader.node(event, 0)?;
                let nodes = std::mem::take(&mut reader.nodes);
                reader.anchors.clear();
                first.get_or_insert(Tree { nodes, root });
            }
            _ => {}
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    nodes: Vec<Node>,
    anchors: BTreeMap<usize, Id>,
    /// Where the text ends, in characters, if no line ends there.
    open_at: Option<usize>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>> {
        let next = self.parser.next_event().context("the text ends early")?;
        let (mut event, span) = next.map_err(|error| anyhow::anyhow!("{error}"))?;
        // The parser ends lines that the text does not end.
        if let Event::Scalar(text, ScalarStyle::Literal | ScalarStyle::Folded, ..) = &mut event
            && self.open_at == Some(span.end.index())
            && text.ends_with('\n')
        {
            text.to_mut().pop();
        }
        Ok(event)
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Id> {
        ensure!(depth < DEPTH_MAX, "the document is too deep");
        let id = self.nodes.len();
        match event {
            Event::Alias(anchor) => {
                let named = self
                    .anchors
                    .get(&anchor)
                    .context("the anchor is not known")?;
                self.nodes.push(Node::Alias(*named));
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.anchors.insert(anchor, id);
                self.nodes.push(Node::Scalar(Scalar {
                    text: text.into_owned(),
                    plain: matches!(style, ScalarStyle::Plain),
                    tag: tag.and_then(|tag| short(&tag)),
                }));
            }
            Event::SequenceStart(anchor, _) => {
                self.anchors.insert(anchor, id);
                self.nodes.push(Node::Sequence(Vec::new()));
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => items.push(self.node(event, depth + 1)?),
                    }
                }
                self.nodes[id] = Node::Sequence(items);
            }
            Event::MappingStart(anchor, _) => {
                self.anchors.insert(anchor, id);
                self.nodes.push(Node::Mapping(Vec::new()));
                let mut entries = Vec::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => break,
                        event => self.node(event, depth + 1)?,
                    };
                    let event = self.next()?;
                    entries.push((key, self.node(event, depth + 1)?));
                }
                self.nodes[id] = Node::Mapping(entries);
            }
            _ => bail!("the document is not whole"),
        }
        Ok(id)
    }
}

/// Gives a tag in short; `!` alone says nothing.
fn short(tag: &Tag) -> Option<String> {
    let whole = format!("{}{}", tag.handle, tag.suffix);
    match whole.strip_prefix("tag:yaml.org,2002:") {
        Some(name) => Some(format!("!!{name}")),
        None if whole == "!" => None,
        None => Some(whole),
    }
}
