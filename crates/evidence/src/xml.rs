//! XML from outside, read strictly: a well-formed document without a document type, element by element.

mod decoded;

use std::borrow::Cow;
use std::io::BufRead;
use std::ops::ControlFlow;

use encoding_rs::{Encoding, UTF_8};
use quick_xml::escape::EscapeError;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

pub(crate) use self::decoded::Decoded;
use crate::limits::{TEXT_IN_REPORT_BYTES_MAX, XML_ATTRIBUTES_MAX, XML_DEPTH_MAX};
use crate::text::shown;

/// Bytes that are not an XML document as it is accepted here.
#[derive(Debug, thiserror::Error)]
pub enum XmlError {
    /// There is nothing.
    #[error("the XML report is empty")]
    Empty,
    /// The declared encoding is not known.
    #[error("the XML report declares the encoding `{encoding}`, which is not known")]
    UnknownEncoding {
        /// The encoding as it is declared, shortened.
        encoding: String,
    },
    /// The bytes are not of the encoding that they are said to be of.
    #[error("the XML report is not valid `{encoding}`")]
    Encoding {
        /// The encoding.
        encoding: &'static str,
    },
    /// There is a document type, the only place where entities can be defined.
    #[error("the XML report has a document type (`<!DOCTYPE`), which is refused")]
    DocumentType,
    /// An entity is used that XML does not define itself.
    #[error("the XML report uses the entity `{name}`, which is not one of XML's own")]
    Entity {
        /// The entity's name, shortened.
        name: String,
    },
    /// It is not well-formed.
    #[error("the XML report is not well-formed near byte `{at}`")]
    Syntax {
        /// Where, counted from 0 in its UTF-8 form.
        at: u64,
        /// What is wrong there.
        #[source]
        source: quick_xml::Error,
    },
    /// It ends before its elements do.
    #[error("the XML report ends inside of `{element}`: it is cut short")]
    Truncated {
        /// The innermost open element.
        element: String,
    },
    /// It does not begin with an element.
    #[error("the report is not XML: it does not begin with an element")]
    NotXml,
    /// There is not exactly one root element, with nothing beside it.
    #[error("the XML report has something beside its one root element, near byte `{at}`")]
    BesideRoot {
        /// Where, counted from 0 in its UTF-8 form.
        at: u64,
    },
    /// One tag or text is too long to be held.
    #[error("a tag or a text of the XML report has more than {TEXT_IN_REPORT_BYTES_MAX} bytes")]
    TextTooLong,
    /// It broke off while it was read.
    #[error("the XML report broke off while it was read")]
    Unreadable(#[source] std::io::Error),
    /// Elements are nested too deep.
    #[error("the XML report is nested deeper than {XML_DEPTH_MAX} elements")]
    TooDeep,
    /// An element has too many attributes.
    #[error(
        "the element `{element}` of the XML report has more than {XML_ATTRIBUTES_MAX} attributes"
    )]
    TooManyAttributes {
        /// The element.
        element: String,
    },
}

/// Turns bytes into text by their byte order mark, else by their declaration, else as UTF-8.
///
/// As everywhere on the web, `ISO-8859-1` is read as its superset windows-1252.
pub(crate) fn decode(raw: &[u8]) -> Result<Cow<'_, str>, XmlError> {
    let (encoding, mark_bytes) = encoding_of(raw)?;
    let text = encoding.decode_without_bom_handling_and_without_replacement(
        raw.get(mark_bytes..).unwrap_or_default(),
    );
    text.ok_or(XmlError::Encoding {
        encoding: encoding.name(),
    })
}

/// Returns the encoding that a document's first bytes tell, and how many of them only do that.
fn encoding_of(start: &[u8]) -> Result<(&'static Encoding, usize), XmlError> {
    match Encoding::for_bom(start) {
        Some(found) => Ok(found),
        None => Ok((declared_encoding(start)?, 0)),
    }
}

fn declared_encoding(raw: &[u8]) -> Result<&'static Encoding, XmlError> {
    match raw {
        [0, b'<', 0, b'?', ..] => return Ok(encoding_rs::UTF_16BE),
        [b'<', 0, b'?', 0, ..] => return Ok(encoding_rs::UTF_16LE),
        _ => {}
    }
    // The declaration is ASCII in every encoding that is left.
    let start: String = raw.iter().take(256).map(|byte| char::from(*byte)).collect();
    let Ok(Event::Decl(declaration)) = Reader::from_str(&start).read_event() else {
        return Ok(UTF_8);
    };
    let Some(Ok(label)) = declaration.encoding() else {
        return Ok(UTF_8);
    };
    Encoding::for_label(label.as_bytes()).ok_or_else(|| XmlError::UnknownEncoding {
        encoding: shown(&label),
    })
}

/// One step through a document. An empty element opens and closes.
pub(crate) enum Step {
    Open(Element),
    Close,
}

/// An element's start.
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Where a document's text comes from, in UTF-8.
pub(crate) trait Text: BufRead {
    /// Is told that the next tag or text begins.
    fn begin(&mut self);
}

impl Text for &[u8] {
    fn begin(&mut self) {}
}

/// Walks through the elements of one document; namespaces and text are passed over.
pub(crate) struct Document<T> {
    reader: Reader<T>,
    buffer: Vec<u8>,
    open: Vec<String>,
    root_seen: bool,
}

impl<T: Text> Document<T> {
    pub(crate) fn new(text: T) -> Self {
        let mut reader = Reader::from_reader(text);
        reader.config_mut().expand_empty_elements = true;
        Self {
            reader,
            buffer: Vec::new(),
            open: Vec::new(),
            root_seen: false,
        }
    }

    /// Returns the next step, or nothing at the document's proper end.
    pub(crate) fn next(&mut self) -> Result<Option<Step>, XmlError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let step = loop {
            buffer.clear();
            self.reader.get_mut().begin();
            if let ControlFlow::Break(step) = self.event(&mut buffer)? {
                break step;
            }
        };
        self.buffer = buffer;
        Ok(step)
    }

    fn event(&mut self, buffer: &mut Vec<u8>) -> Result<ControlFlow<Option<Step>>, XmlError> {
        let event = self
            .reader
            .read_event_into(buffer)
            .map_err(|source| self.at_fault(source))?;
        let is_inside = !self.open.is_empty();
        Ok(match event {
            Event::Start(start) => ControlFlow::Break(Some(Step::Open(self.start(&start)?))),
            Event::End(_) => {
                self.open.pop();
                ControlFlow::Break(Some(Step::Close))
            }
            Event::Eof => ControlFlow::Break(self.end()?),
            Event::DocType(_) => return Err(XmlError::DocumentType),
            Event::GeneralRef(reference) if is_inside => {
                check_reference(&reference)?;
                ControlFlow::Continue(())
            }
            Event::CData(_) if is_inside => ControlFlow::Continue(()),
            Event::Text(text) if is_inside || text.trim().is_empty() => ControlFlow::Continue(()),
            Event::GeneralRef(_) | Event::CData(_) | Event::Text(_) => {
                return Err(self.beside_root());
            }
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {
                ControlFlow::Continue(())
            }
        })
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<Element, XmlError> {
        if self.open.is_empty() && self.root_seen {
            return Err(self.beside_root());
        }
        if self.open.len() == XML_DEPTH_MAX {
            return Err(XmlError::TooDeep);
        }
        let name = start.local_name().as_ref().to_owned();
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            if attributes.len() == XML_ATTRIBUTES_MAX {
                return Err(XmlError::TooManyAttributes {
                    element: shown(&name),
                });
            }
            let attribute = attribute.map_err(|source| self.at_fault(source.into()))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|source| self.at_fault(source))?;
            attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        self.root_seen = true;
        self.open.push(name.clone());
        Ok(Element { name, attributes })
    }

    fn end(&self) -> Result<Option<Step>, XmlError> {
        match self.open.last() {
            Some(element) => Err(XmlError::Truncated {
                element: shown(element),
            }),
            None if self.root_seen => Ok(None),
            None => Err(XmlError::Empty),
        }
    }

    fn beside_root(&self) -> XmlError {
        if self.root_seen {
            XmlError::BesideRoot {
                at: self.reader.buffer_position(),
            }
        } else {
            XmlError::NotXml
        }
    }

    fn at_fault(&self, source: quick_xml::Error) -> XmlError {
        match source {
            quick_xml::Error::Escape(EscapeError::UnrecognizedEntity(_, name)) => {
                XmlError::Entity { name: shown(&name) }
            }
            quick_xml::Error::Io(error) => decoded::fault(&error)
                .unwrap_or_else(|| XmlError::Unreadable(std::io::Error::other(error.to_string()))),
            source => XmlError::Syntax {
                at: self.reader.buffer_position(),
                source,
            },
        }
    }
}

/// Accepts character references and the five entities of XML itself.
fn check_reference(reference: &BytesRef<'_>) -> Result<(), XmlError> {
    let name: &str = reference;
    let known = if reference.is_char_ref() {
        matches!(reference.resolve_char_ref(), Ok(Some(_)))
    } else {
        matches!(name, "lt" | "gt" | "amp" | "apos" | "quot")
    };
    if known {
        Ok(())
    } else {
        Err(XmlError::Entity { name: shown(name) })
    }
}
