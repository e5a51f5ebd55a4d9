//! Elements in the order they are written, indented, escaped, and without characters XML forbids.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::super::Remark;

/// A document in the making, and what is to be said about it.
pub(super) struct Xml {
    writer: Writer<Vec<u8>>,
    path: Vec<&'static str>,
    remarks: Vec<Remark>,
}

type Attributes<'a> = &'a [(&'a str, Option<&'a str>)];

impl Xml {
    pub fn new() -> Self {
        let mut xml = Self {
            writer: Writer::new_with_indent(Vec::new(), b' ', 2),
            path: Vec::new(),
            remarks: Vec::new(),
        };
        xml.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        xml
    }

    pub fn element(&mut self, name: &'static str, content: impl FnOnce(&mut Self)) {
        self.element_with(name, &[], content);
    }

    pub fn element_with(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        content: impl FnOnce(&mut Self),
    ) {
        self.path.push(name);
        self.start(name, attributes);
        content(self);
        self.event(Event::End(BytesEnd::new(name)));
        self.path.pop();
    }

    /// An element with text. `chars_max` is the limit of the service's documentation; a longer text
    /// is written whole and remarked on: what is cut without a word is lost evidence.
    pub fn text(&mut self, name: &'static str, text: &str, chars_max: Option<usize>) {
        self.text_with(name, &[], text, chars_max);
    }

    pub fn text_with(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        text: &str,
        chars_max: Option<usize>,
    ) {
        self.path.push(name);
        let chars = text.chars().count();
        if let Some(max) = chars_max.filter(|max| chars > *max) {
            self.remark_here(format!(
                "has {chars} characters, the service takes {max}; shorten it in the facts"
            ));
        }
        let clean = self.clean(text);
        self.start(name, attributes);
        self.event(Event::Text(BytesText::new(&clean)));
        self.event(Event::End(BytesEnd::new(name)));
        self.path.pop();
    }

    pub fn maybe(&mut self, name: &'static str, text: Option<&str>, chars_max: Option<usize>) {
        if let Some(text) = text {
            self.text(name, text, chars_max);
        }
    }

    pub fn flag(&mut self, name: &'static str, value: Option<bool>) {
        self.maybe(name, value.map(|v| v.to_string()).as_deref(), None);
    }

    /// A point in time; one that is none is left out and remarked on.
    pub fn time(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            match valid_time(value) {
                Some(_) => self.text(name, value, None),
                None => self.remark(
                    name,
                    "is no time with a zone (2026-11-22T10:15:00Z) and is left out",
                ),
            }
        }
    }

    pub fn remark(&mut self, field: &str, what: &str) {
        let path = self.path.join("/");
        let field = if path.is_empty() {
            field.to_owned()
        } else {
            format!("{path}/{field}")
        };
        self.remarks.push(Remark {
            field,
            what: what.to_owned(),
        });
    }

    pub fn remarks(&mut self, more: Vec<Remark>) {
        for remark in more {
            if !self.remarks.contains(&remark) {
                self.remarks.push(remark);
            }
        }
    }

    pub fn finish(self) -> (String, Vec<Remark>) {
        let mut text = String::from_utf8(self.writer.into_inner()).expect("only text was written");
        text.push('\n');
        (text, self.remarks)
    }

    fn remark_here(&mut self, what: String) {
        self.remarks.push(Remark {
            field: self.path.join("/"),
            what,
        });
    }

    fn start(&mut self, name: &'static str, attributes: Attributes<'_>) {
        let mut start = BytesStart::new(name);
        for (key, value) in attributes {
            if let Some(value) = value {
                let clean = self.clean(value);
                start.push_attribute((*key, clean.as_str()));
            }
        }
        self.event(Event::Start(start));
    }

    /// XML 1.0 has no way to write most control characters.
    fn clean(&mut self, text: &str) -> String {
        let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        if text.chars().all(allowed) {
            return text.to_owned();
        }
        self.remark_here("has control characters, written as \u{fffd}".into());
        text.chars()
            .map(|c| if allowed(c) { c } else { '\u{fffd}' })
            .collect()
    }

    fn event(&mut self, event: Event<'_>) {
        self.writer
            .write_event(event)
            .expect("writing to memory does not fail");
    }
}

pub(super) fn valid_time(value: &str) -> Option<jiff::Timestamp> {
    value.parse().ok()
}
