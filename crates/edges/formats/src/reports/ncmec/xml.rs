//! Writes elements in the order of the calls and checks each value against the schema before
//! writing it.
//!
//! Nothing is lost: a value that the service would refuse, and the full text of one that is too
//! long, go into the free text at the document's end, with the field they came from. A document
//! without free text lists those fields as omitted.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use serde::Serialize;

use super::super::{Omitted, Remark};
use super::{rules, schema};
use crate::tree::allowed;

/// Elements whose text is cut if it is too long; any other goes to the free text whole (`fitting`).
const CUT: [&str; 6] = [
    "escalateToHighPriority",
    "incidentDateTimeDescription",
    "vehicleDescription",
    "agencyName",
    "idType",
    "name",
];

/// A document being written, with its remarks and omitted facts.
pub(super) struct Xml {
    writer: Writer<Vec<u8>>,
    path: Vec<&'static str>,
    types: Vec<&'static str>,
    fields: Vec<String>,
    remarks: Vec<Remark>,
    omitted: Vec<Omitted>,
    left_over: Vec<(String, String)>,
}

/// Attributes: the name of each, the field it comes from, and its value.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str, Option<String>)];

impl Xml {
    /// A document whose root is `root`; its facts are those below `field`.
    pub fn document(root: &'static str, field: &str, content: impl FnOnce(&mut Self)) -> Self {
        let mut xml = Self {
            writer: Writer::new_with_indent(Vec::new(), b' ', 2),
            path: vec![root],
            types: vec![root],
            fields: vec![field.to_owned()],
            remarks: Vec::new(),
            omitted: Vec::new(),
            left_over: Vec::new(),
        };
        xml.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        xml.event(Event::Start(BytesStart::new(root)));
        content(&mut xml);
        xml.event(Event::End(BytesEnd::new(root)));
        xml
    }

    /// What `content` writes comes from this field of the facts.
    pub fn of(&mut self, field: impl Into<String>, content: impl FnOnce(&mut Self)) {
        self.fields.push(field.into());
        content(self);
        self.fields.pop();
    }

    /// Calls [`Self::of`] for each item, with the field `field[number]`, counted from 0.
    pub fn each<T>(&mut self, field: &str, items: &[T], mut content: impl FnMut(&mut Self, &T)) {
        for (number, item) in items.iter().enumerate() {
            self.of(format!("{field}[{number}]"), |x| content(x, item));
        }
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
        let of = self.enter(name);
        self.types.push(of);
        self.start(name, of, attributes);
        content(self);
        self.event(Event::End(BytesEnd::new(name)));
        self.types.pop();
        self.path.pop();
    }

    /// An element that has nothing but attributes.
    pub fn empty(&mut self, name: &'static str, attributes: Attributes<'_>) {
        let of = self.enter(name);
        let start = self.begin(name, of, attributes);
        self.event(Event::Empty(start));
        self.path.pop();
    }

    /// A value from a field, if there is one and the service takes it.
    pub fn value(&mut self, name: &'static str, field: &str, value: Option<impl ToString>) {
        self.value_with(name, field, &[], value);
    }

    /// A value that is itself the current field, as an item of [`Self::each`].
    pub fn item(&mut self, name: &'static str, value: impl ToString) {
        self.value(name, "", Some(value));
    }

    pub fn value_with(
        &mut self,
        name: &'static str,
        field: &str,
        attributes: Attributes<'_>,
        value: Option<impl ToString>,
    ) {
        let Some(text) = value.map(|v| v.to_string()) else {
            return;
        };
        let of = self.enter(name);
        match self.fitting(name, field, schema::text_type(of), text) {
            Some(text) => {
                self.start(name, of, attributes);
                self.event(Event::Text(BytesText::new(&text)));
                self.event(Event::End(BytesEnd::new(name)));
            }
            // The element isn't written, so its attributes go to the free text too.
            None => {
                for (_, field, value) in attributes {
                    if let Some(value) = value {
                        self.left_over(field, value);
                    }
                }
            }
        }
        self.path.pop();
    }

    /// True if the service would accept the value as `name` within an `outer` written here. Lengths
    /// aren't checked.
    pub fn takes_in(&self, outer: &'static str, name: &'static str, text: &str) -> bool {
        let of = schema::type_of(self.types.last().expect("a root"), outer);
        let of = schema::type_of(of, name);
        schema::misfit(text, schema::text_type(of)).is_none()
            && rules::refuses(name, text).is_none()
    }

    /// A fact the form has no place for goes into the free text at the end.
    pub fn left_over(&mut self, field: &str, value: &str) {
        let field = self.field(field);
        self.left_over.push((field, readable(value)));
    }

    /// As [`Self::left_over`], for a fact of several parts, which is written as JSON. An empty one
    /// is skipped.
    pub fn left_over_whole<T: Serialize + Default + PartialEq>(&mut self, field: &str, value: &T) {
        if *value != T::default() {
            let text = terse(value);
            self.left_over(field, &text);
        }
    }

    /// A fact that is left out of the document on purpose.
    pub fn omit(&mut self, field: &str, why: &str) {
        let field = self.field(field);
        self.omitted.push(Omitted {
            field,
            why: why.to_owned(),
        });
    }

    /// Ends the document with the free text: the given note and all left-over facts.
    pub fn end_with_left_over(&mut self, name: &'static str, field: &str, own: Option<&str>) {
        let mut text = own.unwrap_or_default().to_owned();
        let left = std::mem::take(&mut self.left_over);
        if !left.is_empty() {
            if !text.is_empty() {
                text += "\n\n";
            }
            text += "Further facts, by their field in the reporter's case file:\n";
            // In file details the path of the file is replaced with `file`: our ids mean nothing to
            // the reader.
            let root = self.fields.first().cloned().unwrap_or_default();
            let lines: Vec<_> = left
                .iter()
                .map(|(field, value)| match field.strip_prefix(&root) {
                    Some(rest) if root != "facts" => format!("file{rest}: {value}"),
                    _ => format!("{field}: {value}"),
                })
                .collect();
            text += &lines.join("\n");
        }
        if own.is_some() || !text.is_empty() {
            // additionalInfo has no length limit in the table, so nothing is cut here.
            self.value(name, field, Some(text));
        }
    }

    pub fn remark(&mut self, field: &str, what: &str, source: &'static str) {
        let path = self.path.join("/");
        let field = match path.is_empty() {
            true => field.to_owned(),
            false => format!("{path}/{field}"),
        };
        self.remarks.push(Remark {
            field,
            what: what.to_owned(),
            source,
            stops: false,
        });
    }

    /// The document, its remarks, and the facts it omits.
    pub fn finish(mut self) -> (String, Vec<Remark>, Vec<Omitted>) {
        // Where the document has no free text, what it would hold is omitted.
        if !self.left_over.is_empty() {
            for remark in &mut self.remarks {
                let to = "isn't in the report, which has no free text";
                remark.what = remark
                    .what
                    .replace("is in the free text at the end instead", to);
            }
        }
        for (field, _) in std::mem::take(&mut self.left_over) {
            self.omitted.push(Omitted {
                field,
                why: "this format has no field for it".into(),
            });
        }
        let mut text = String::from_utf8(self.writer.into_inner()).expect("only text was written");
        text.push('\n');
        (text, self.remarks, self.omitted)
    }

    fn enter(&mut self, name: &'static str) -> &'static str {
        self.path.push(name);
        schema::type_of(self.types.last().expect("a root"), name)
    }

    fn field(&self, field: &str) -> String {
        let mut path = self.fields.join(".");
        if !field.is_empty() {
            path = format!("{path}.{field}");
        }
        path
    }

    /// The value in the form that the service takes. `None` if the service would refuse it; the
    /// value then goes to the free text, with a remark.
    fn fitting(
        &mut self,
        name: &str,
        field: &str,
        of: &'static str,
        text: String,
    ) -> Option<String> {
        // Cleaned before every check, so that lengths are those of the text that is written.
        let whole = self.clean(&text);
        let text = match of {
            // A time with a zone in another notation is rewritten in the one that the schema takes.
            "time"
                if schema::misfit(&whole, of).is_some()
                    || whole.parse::<jiff::Timestamp>().is_err() =>
            {
                match whole.trim().parse::<jiff::Timestamp>() {
                    Ok(time) => time.to_string(),
                    Err(_) => {
                        return self.refuse(
                            field,
                            &text,
                            "isn't a time with a zone, like 2026-11-22T10:15:00Z",
                            schema::SCHEMA,
                        );
                    }
                }
            }
            _ => whole,
        };
        if let Some(why) = schema::misfit(&text, of) {
            return self.refuse(field, &text, &why, schema::SCHEMA);
        }
        if let Some(why) = rules::refuses(name, &text) {
            return self.refuse(field, &text, why, schema::DOCUMENTATION);
        }
        let chars = text.chars().count();
        match schema::chars_max(of).filter(|max| chars > *max) {
            None => Some(text),
            // Only free text and elements that the schema requires may be cut: a cut id or address
            // would be that of another account.
            Some(max) if !CUT.contains(&name) => {
                let why = format!("has {chars} characters, the service takes {max}");
                self.refuse(field, &text, &why, schema::DOCUMENTATION)
            }
            Some(max) => {
                let what = format!(
                    "has {chars} characters, the service takes {max}; the full text is in the free text at the end"
                );
                self.here(what, schema::DOCUMENTATION);
                self.left_over(field, &text);
                // Cut by characters, as the documentation counts; a cut by bytes could split a
                // character.
                Some(text.chars().take(max).collect())
            }
        }
    }

    fn refuse(
        &mut self,
        field: &str,
        text: &str,
        why: &str,
        source: &'static str,
    ) -> Option<String> {
        self.here(
            format!("{why}; it is in the free text at the end instead"),
            source,
        );
        self.left_over(field, text);
        None
    }

    fn here(&mut self, what: String, source: &'static str) {
        self.remarks.push(Remark {
            field: self.path.join("/"),
            what,
            source,
            stops: false,
        });
    }

    fn start(&mut self, name: &'static str, of: &'static str, attributes: Attributes<'_>) {
        let start = self.begin(name, of, attributes);
        self.event(Event::Start(start));
    }

    fn begin(
        &mut self,
        name: &'static str,
        of: &'static str,
        attributes: Attributes<'_>,
    ) -> BytesStart<'static> {
        let mut start = BytesStart::new(name);
        for (key, field, value) in attributes {
            let Some(value) = value else { continue };
            let attribute = schema::type_of(of, &format!("@{key}"));
            self.path.push(key);
            if let Some(value) = self.fitting(key, field, attribute, value.clone()) {
                start.push_attribute((*key, value.as_str()));
            }
            self.path.pop();
        }
        start
    }

    /// The text with U+FFFD in place of each character that XML 1.0 doesn't allow, such as most
    /// control characters. A remark says so.
    fn clean(&mut self, text: &str) -> String {
        if text.chars().all(allowed) {
            return text.to_owned();
        }
        self.here(
            "has control characters, written as \u{fffd}".into(),
            "XML 1.0, 2.2",
        );
        printable(text)
    }

    fn event(&mut self, event: Event<'_>) {
        self.writer
            .write_event(event)
            .expect("writing to memory does not fail");
    }
}

/// A structured fact as one line of JSON, without empty values.
pub(super) fn terse<T: Serialize>(value: &T) -> String {
    fn bare(value: &mut serde_json::Value) -> bool {
        match value {
            serde_json::Value::Null => true,
            serde_json::Value::Array(items) => {
                items.iter_mut().for_each(|i| {
                    bare(i);
                });
                items.is_empty()
            }
            serde_json::Value::Object(fields) => {
                fields.retain(|_, v| !bare(v));
                fields.is_empty()
            }
            _ => false,
        }
    }
    let mut value = serde_json::to_value(value).expect("facts are JSON");
    bare(&mut value);
    value.to_string()
}

fn printable(text: &str) -> String {
    let one = |c: char| if allowed(c) { c } else { '\u{fffd}' };
    text.chars().map(one).collect()
}

/// Writes characters that XML can't carry as `\u{…}`: they are part of the fact.
fn readable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match allowed(c) {
            true => out.push(c),
            false => out += &format!("\\u{{{:x}}}", u32::from(c)),
        }
    }
    out
}
