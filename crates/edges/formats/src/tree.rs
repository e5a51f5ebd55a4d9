//! Parses untrusted XML into a tree, with limits and no DOCTYPE: responses, reports, schemas.

use std::fmt;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

/// Deepest nesting of elements. Our judgement.
const DEPTH_MAX: usize = 64;
/// Most elements in one document. Our judgement.
const ELEMENTS_MAX: usize = 200_000;

/// An element. Namespace prefixes are cut off: no format read here needs them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Names and values of its attributes.
    pub attributes: Vec<(String, String)>,
    /// Its own text, untrimmed, without that of its children.
    pub text: String,
    /// The elements in it.
    pub children: Vec<Node>,
}

/// Why a document is refused. It names positions, never contents.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TreeFault {
    /// Not well-formed.
    Malformed {
        /// Byte at which it was noticed.
        at: u64,
    },
    /// It has a document type, which could define entities.
    DocumentType,
    /// An undeclared entity.
    Entity,
    /// Nested too deep, or too many elements.
    TooMuch,
}

impl fmt::Display for TreeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { at } => write!(f, "not well-formed XML, noticed at byte {at}"),
            Self::DocumentType => write!(f, "a document type is not allowed"),
            Self::Entity => write!(f, "an undeclared entity"),
            Self::TooMuch => write!(
                f,
                "more than {ELEMENTS_MAX} elements, or nested deeper than {DEPTH_MAX}"
            ),
        }
    }
}

impl std::error::Error for TreeFault {}

impl Node {
    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|c| c.name == name)
    }

    /// All children of that name, in document order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The text of the first child of that name, trimmed.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|c| c.text.trim())
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// Visits this element and all its descendants, in document order.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Node)) {
        visit(self);
        self.children.iter().for_each(|c| c.walk(visit));
    }
}

/// Parses a whole document.
///
/// # Errors
/// The document isn't well-formed, has a DOCTYPE or an undeclared entity, or exceeds a limit.
// Long: a single pass whose state is in local variables.
pub fn parse(text: &str) -> Result<Node, TreeFault> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Node> = Vec::new();
    let mut root = None;
    let mut elements = 0;
    loop {
        let at = reader.buffer_position();
        let malformed = TreeFault::Malformed { at };
        let event = reader.read_event().map_err(|_| malformed.clone())?;
        let closed = match event {
            Event::Start(start) => {
                elements += 1;
                // walk() and dropping a Node recurse, so the depth must be bounded.
                if open.len() == DEPTH_MAX || elements > ELEMENTS_MAX {
                    return Err(TreeFault::TooMuch);
                }
                if root.is_some() {
                    return Err(malformed);
                }
                open.push(begin(&start).ok_or(malformed)?);
                None
            }
            Event::Empty(start) => {
                elements += 1;
                if elements > ELEMENTS_MAX {
                    return Err(TreeFault::TooMuch);
                }
                if root.is_some() {
                    return Err(malformed);
                }
                Some(begin(&start).ok_or(malformed)?)
            }
            Event::End(_) => Some(open.pop().ok_or(malformed)?),
            Event::Text(piece) => {
                let piece = piece.xml10_content();
                match open.last_mut() {
                    Some(node) => node.text.push_str(&piece),
                    None if piece.trim().trim_start_matches('\u{feff}').is_empty() => {}
                    None => return Err(malformed),
                }
                None
            }
            Event::CData(piece) => {
                let node = open.last_mut().ok_or(malformed)?;
                node.text.push_str(&piece.xml10_content());
                None
            }
            Event::GeneralRef(entity) => {
                let node = open.last_mut().ok_or(malformed.clone())?;
                let piece = match entity.resolve_char_ref() {
                    // The parser resolves `&#0;`, a character that XML 1.0 does not have.
                    Ok(Some(c)) if allowed(c) => c,
                    Ok(None) => match entity.xml10_content().as_ref() {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => return Err(TreeFault::Entity),
                    },
                    _ => return Err(malformed),
                };
                node.text.push(piece);
                None
            }
            Event::DocType(_) => return Err(TreeFault::DocumentType),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => None,
            Event::Eof => break,
        };
        if let Some(node) = closed {
            match open.last_mut() {
                Some(parent) => parent.children.push(node),
                None => root = Some(node),
            }
        }
    }
    let end = TreeFault::Malformed {
        at: reader.buffer_position(),
    };
    // The parser accepts control characters in text; XML 1.0 does not.
    if !open.is_empty() || text.chars().any(|c| !allowed(c)) {
        return Err(end);
    }
    root.ok_or(end)
}

/// True for a character that XML 1.0 allows.
pub fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn begin(start: &BytesStart<'_>) -> Option<Node> {
    let local = |name: &str| name.rsplit(':').next().unwrap_or_default().to_owned();
    let mut node = Node {
        name: local(start.name().0),
        ..Node::default()
    };
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let name = attribute.key.0;
        // Namespace declarations and schema locations aren't content.
        if name == "xmlns" || name.starts_with("xmlns:") || name.starts_with("xsi:") {
            continue;
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
        node.attributes.push((local(name), value.into_owned()));
    }
    Some(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_a_tree() {
        let node =
            parse("<?xml version=\"1.0\"?><a x='1'>t<b/>&amp;&#65;<![CDATA[<]]></a>").unwrap();
        assert_eq!(node.text, "t&A<");
        assert_eq!(node.attribute("x"), Some("1"));
        assert!(node.child("b").is_some());
    }

    #[test]
    fn malformed_documents_are_refused() {
        for (text, fault) in [
            ("", "not well-formed"),
            ("<a>", "not well-formed"),
            ("<a></b>", "not well-formed"),
            ("<a/><b/>", "not well-formed"),
            ("<a/>text", "not well-formed"),
            ("<a>&#0;</a>", "not well-formed"),
            ("<a>\u{1}</a>", "not well-formed"),
            (
                "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>",
                "document type",
            ),
            ("<a>&e;</a>", "an undeclared entity"),
        ] {
            let said = parse(text).unwrap_err().to_string();
            assert!(said.contains(fault), "{text}: {said}");
        }
        // Well-formed, and deeper than DEPTH_MAX.
        let deep = "<a>".repeat(100) + &"</a>".repeat(100);
        assert_eq!(parse(&deep), Err(TreeFault::TooMuch));
    }
}
