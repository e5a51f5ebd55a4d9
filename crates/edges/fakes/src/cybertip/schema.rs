//! The CyberTipline schema of 2025-11-10, checked as the service would check it.
//!
//! `schema.txt` follows the published XSD line by line and was written independently of the
//! client's table: a mistake in either shows when documents are checked against both. Content is
//! validated the way DTD validators do it: the names of an element's children, each followed by a
//! space, form one string, and the content model is a regular expression that has to match it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use jiff::civil;
use obhut_formats::tree::Node;
use regex_lite::{Captures, Regex};

/// One declaration per line; a line that begins with a space continues the one before.
///
/// `element` declares a global element, `type` a named type, `inner` an anonymous type within an
/// element, `words` a closed set of values, `pattern` a type with a regular expression.
/// The content is either a text type or, in parentheses, child elements: separated by `,` they come
/// in this order, by `|` one of them, by `&` in any order. `?`, `*` and `+` have the meaning that
/// DTDs give them. The type of a child follows a colon, in braces for an inner type; a child
/// without a type refers to the global element of its name. `=true` fixes the value. `@` marks an
/// attribute.
const TEXT: &str = include_str!("schema.txt");

static DECLARED: LazyLock<BTreeMap<String, Declared>> = LazyLock::new(|| {
    let lines = joined_lines();
    let made = lines.iter().map(|line| Declared::read(line));
    made.collect()
});
static PARTICLE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"([A-Za-z0-9]+)([?*+]?)(?::(\{[A-Za-z]+\}|[A-Za-z]+(?::[A-Za-z]+)?))?(=true)?")
});
static DOUBLE: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"));
// The empty groups make the zone group 7, as in `DATE_TIME`.
static DATE: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^(\d{4})-(\d\d)-(\d\d)()()()(Z|[+-]\d\d:\d\d)?$"));
static DATE_TIME: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d(?:\.\d+)?)(Z|[+-]\d\d:\d\d)?$")
});

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("patterns of our own are valid")
}

enum Content {
    Text(String),
    Elements {
        /// Matches the children's names, each followed by a space.
        model: Regex,
        /// Type of each child; true where the value is fixed to `true`.
        types: BTreeMap<String, (String, bool)>,
        /// True if the children may come in any order, each at most once.
        any_order: bool,
    },
    Words(Vec<String>),
    Pattern(Regex),
}

struct Declared {
    content: Content,
    /// Name, whether it is required, and type.
    attributes: Vec<(String, bool, String)>,
}

fn joined_lines() -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in TEXT.lines() {
        match (line.starts_with(' '), lines.last_mut()) {
            (true, Some(last)) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// Kind, name and the rest of a declaration.
fn head(line: &str) -> (&str, &str, &str) {
    let mut parts = line.splitn(3, ' ');
    let mut next = || parts.next().unwrap_or_default();
    (next(), next(), next())
}

/// The content of a declaration, and its attributes.
fn split_attributes(rest: &str) -> (&str, Vec<(String, bool, String)>) {
    let (content, attributes) = rest.split_once(" @").unwrap_or((rest, ""));
    let attributes = attributes
        .split(" @")
        .filter_map(|a| a.split_once(':'))
        .map(|(name, of)| {
            let required = !name.ends_with('?');
            let name = name.trim_end_matches('?');
            (name.to_owned(), required, of.to_owned())
        });
    (content, attributes.collect())
}

/// Name, occurrence, type and whether the value is fixed, of one child element in a content model.
fn particle<'t>(found: &'t Captures<'_>) -> (&'t str, &'t str, &'t str, bool) {
    let part = |n: usize| found.get(n).map_or("", |m| m.as_str());
    let of = match part(3) {
        "" => part(1),
        of => of,
    };
    (part(1), part(2), of, !part(4).is_empty())
}

impl Declared {
    /// A declaration with its key: elements have a prefix, and types none.
    fn read(line: &str) -> (String, Self) {
        let (kind, name, rest) = head(line);
        let key = match kind {
            "element" => format!("element {name}"),
            "inner" => format!("{{{name}}}"),
            _ => name.to_owned(),
        };
        let (content, attributes) = match kind {
            "words" => (words(rest), Vec::new()),
            "pattern" => {
                let whole = compiled(&format!("^(?:{rest})$"));
                (Content::Pattern(whole), Vec::new())
            }
            _ => {
                let (content, attributes) = split_attributes(rest);
                (elements_or_text(content), attributes)
            }
        };
        let made = Self {
            content,
            attributes,
        };
        (key, made)
    }
}

fn words(rest: &str) -> Content {
    Content::Words(rest.split('|').map(|w| w.trim().to_owned()).collect())
}

fn elements_or_text(content: &str) -> Content {
    if !content.starts_with('(') {
        return Content::Text(content.to_owned());
    }
    let mut types = BTreeMap::new();
    // `!` is the blank after a name until the separators, which have blanks, are replaced.
    let model = PARTICLE.replace_all(content, |found: &Captures<'_>| {
        let (name, occurs, of, fixed) = particle(found);
        types.insert(name.to_owned(), (of.to_owned(), fixed));
        format!("(?:{name}!){occurs}")
    });
    let any_order = content.contains(" & ");
    let mut model = model
        .replace(", ", "")
        .replace(" | ", "|")
        .replace(" & ", "|");
    if any_order {
        // Any order: `fault_in` checks that no name occurs twice.
        model.push('*');
    }
    Content::Elements {
        model: compiled(&format!("^{}$", model.replace('!', " "))),
        types,
        any_order,
    }
}

/// The first fault of a document, as a sentence; `None` if it follows the schema. It names
/// elements, attributes and types, never contents.
pub fn fault(document: &Node) -> Option<String> {
    match DECLARED.get(&format!("element {}", document.name)) {
        Some(declared) => fault_in(document, declared),
        None => Some("cvc-elt.1.a: cannot find the declaration of the root element".to_owned()),
    }
}

fn fault_in(node: &Node, declared: &Declared) -> Option<String> {
    let name = &node.name;
    for (attribute, text) in &node.attributes {
        match declared.attributes.iter().find(|(n, ..)| n == attribute) {
            None => {
                return Some(format!(
                    "cvc-complex-type.3.2.2: an attribute isn't allowed in element '{name}'"
                ));
            }
            Some((_, _, of)) => {
                if let Some(why) = fault_of_value(text, of) {
                    return Some(format!("{why} in attribute '{attribute}' of '{name}'"));
                }
            }
        }
    }
    let absent = declared
        .attributes
        .iter()
        .find(|(n, required, _)| *required && node.attribute(n).is_none());
    if let Some((attribute, ..)) = absent {
        return Some(format!(
            "cvc-complex-type.4: attribute '{attribute}' must appear on element '{name}'"
        ));
    }
    match &declared.content {
        Content::Elements {
            model,
            types,
            any_order,
        } => {
            let mut names = String::new();
            for child in &node.children {
                names.push_str(&child.name);
                names.push(' ');
            }
            let distinct: BTreeSet<&str> = node.children.iter().map(|c| c.name.as_str()).collect();
            let twice = *any_order && distinct.len() != node.children.len();
            if !model.is_match(&names) || twice {
                return Some(format!(
                    "cvc-complex-type.2.4: the content of element '{name}' is not complete, not in order or not allowed"
                ));
            }
            if !node.text.trim().is_empty() {
                return Some(format!(
                    "cvc-complex-type.2.3: element '{name}' can't have text"
                ));
            }
            node.children.iter().find_map(|child| {
                let (of, fixed) = types.get(&child.name)?;
                fault_in_child(child, of, *fixed)
            })
        }
        Content::Text(of) => fault_in_text(node, of),
        Content::Words(_) | Content::Pattern(_) => None,
    }
}

fn fault_in_child(child: &Node, of: &str, fixed: bool) -> Option<String> {
    // A child without a type refers to the global element of its name. No type has that name.
    let global = format!("element {of}");
    let declared = DECLARED.get(of).or_else(|| DECLARED.get(&global));
    match declared.map(|d| &d.content) {
        Some(Content::Elements { .. } | Content::Text(_)) => fault_in(child, declared?),
        _ if !child.attributes.is_empty() => Some(format!(
            "cvc-type.3.1.1: element '{}' can't have attributes",
            child.name
        )),
        // An empty element takes the fixed value.
        _ if fixed && child.children.is_empty() => {
            let given = child.text.trim();
            (!matches!(given, "" | "true" | "1"))
                .then(|| format!("cvc-elt.5.2.2.2.2: '{}' is fixed to true", child.name))
        }
        _ => fault_in_text(child, of),
    }
}

fn fault_in_text(node: &Node, of: &str) -> Option<String> {
    if !node.children.is_empty() {
        return Some(format!(
            "cvc-type.3.1.2: element '{}' can't have child elements",
            node.name
        ));
    }
    let why = fault_of_value(&node.text, of)?;
    Some(format!("{why} in element '{}'", node.name))
}

fn fault_of_value(text: &str, of: &str) -> Option<String> {
    let valid = match DECLARED.get(of).map(|d| &d.content) {
        Some(Content::Words(words)) => words.iter().any(|w| w == text),
        Some(Content::Pattern(pattern)) => pattern.is_match(text),
        Some(Content::Text(base)) => return fault_of_value(text, base),
        Some(Content::Elements { .. }) => false,
        None => is_of_base_type(text.trim(), of),
    };
    (!valid).then(|| format!("cvc-datatype-valid.1: a value isn't of type '{of}'"))
}

/// Whether a text, trimmed, is a value of a built-in type (XML Schema, part 2).
fn is_of_base_type(text: &str, of: &str) -> bool {
    match of {
        "xs:string" | "xs:token" => true,
        "xs:boolean" => ["true", "false", "1", "0"].contains(&text),
        "xs:int" => text.parse::<i32>().is_ok(),
        "xs:long" => text.parse::<i64>().is_ok(),
        "xs:double" => ["INF", "-INF", "NaN"].contains(&text) || DOUBLE.is_match(text),
        "xs:date" => is_moment(text, &DATE),
        "xs:dateTime" => is_moment(text, &DATE_TIME),
        _ => false,
    }
}

/// Whether a text is a valid date, with a time if groups 4 to 6 of the pattern have one and a zone
/// if group 7 has one.
fn is_moment(text: &str, pattern: &Regex) -> bool {
    let Some(found) = pattern.captures(text) else {
        return false;
    };
    let part = |n: usize| found.get(n).map_or("", |m| m.as_str());
    let number = |n: usize| part(n).parse::<i16>().unwrap_or_default();
    let (month, day) = (number(2) as i8, number(3) as i8);
    if civil::Date::new(number(1), month, day).is_err() {
        return false;
    }
    let seconds: f64 = part(6).parse().unwrap_or_default();
    let midnight = number(4) == 24 && number(5) == 0 && seconds == 0.0;
    let clock = midnight || (number(4) < 24 && number(5) < 60 && seconds < 60.0);
    let zone = part(7).get(1..).and_then(|z| z.split_once(':'));
    let zone = zone.is_none_or(|(hours, minutes)| {
        let minutes: i16 = minutes.parse().unwrap_or(99);
        let all = hours.parse::<i16>().unwrap_or(99) * 60 + minutes;
        minutes < 60 && all <= 14 * 60
    });
    clock && zone
}

/// The schema as an XSD, as `/ispws/xsd` serves it.
pub fn as_xsd() -> String {
    let lines = joined_lines();
    let inner: BTreeMap<&str, &str> = lines
        .iter()
        .map(|l| head(l))
        .filter(|(kind, ..)| *kind == "inner")
        .map(|(_, name, rest)| (name, rest))
        .collect();
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" elementFormDefault=\"qualified\">\n",
    );
    for line in &lines {
        let (kind, name, rest) = head(line);
        // Writing to a String never fails.
        let _ = match kind {
            "element" => writeln!(
                out,
                "<xs:element name=\"{name}\"><xs:complexType>{}</xs:complexType></xs:element>",
                complex(rest, &inner)
            ),
            "type" if rest == "xs:double" => {
                writeln!(
                    out,
                    "<xs:simpleType name=\"{name}\"><xs:restriction base=\"{rest}\"/></xs:simpleType>"
                )
            }
            "type" => writeln!(
                out,
                "<xs:complexType name=\"{name}\">{}</xs:complexType>",
                complex(rest, &inner)
            ),
            "words" => {
                let words = rest.split('|').map(str::trim);
                let listed: String = words
                    .map(|w| format!("<xs:enumeration value=\"{w}\"/>"))
                    .collect();
                writeln!(
                    out,
                    "<xs:simpleType name=\"{name}\"><xs:restriction base=\"xs:string\">{listed}</xs:restriction></xs:simpleType>"
                )
            }
            "pattern" => writeln!(
                out,
                "<xs:simpleType name=\"{name}\"><xs:restriction base=\"xs:string\"><xs:pattern value=\"{rest}\"/></xs:restriction></xs:simpleType>"
            ),
            _ => Ok(()),
        };
    }
    out + "</xs:schema>\n"
}

/// The content of an `xs:complexType` element.
fn complex(rest: &str, inner: &BTreeMap<&str, &str>) -> String {
    let (content, attributes) = split_attributes(rest);
    let attributes: String = attributes
        .iter()
        .map(|(name, required, of)| {
            let usage = if *required { "required" } else { "optional" };
            format!("<xs:attribute name=\"{name}\" type=\"{of}\" use=\"{usage}\"/>")
        })
        .collect();
    match content.strip_prefix('(').and_then(|c| c.strip_suffix(')')) {
        None => format!(
            "<xs:simpleContent><xs:extension base=\"{content}\">{attributes}</xs:extension></xs:simpleContent>"
        ),
        Some("") => attributes,
        Some(listed) => {
            // A choice within a sequence has its own parentheses.
            let kind = match () {
                () if listed.contains(" & ") => "all",
                () if listed.contains(" | ") && !listed.contains('(') => "choice",
                () => "sequence",
            };
            let written = PARTICLE.replace_all(listed, |found: &Captures<'_>| {
                element(particle(found), inner)
            });
            let written = written
                .replace('(', "<xs:choice>")
                .replace(')', "</xs:choice>");
            let written = written
                .replace(">, <", "><")
                .replace("> | <", "><")
                .replace("> & <", "><");
            format!("<xs:{kind}>{written}</xs:{kind}>{attributes}")
        }
    }
}

fn element(
    (name, occurs, of, fixed): (&str, &str, &str, bool),
    inner: &BTreeMap<&str, &str>,
) -> String {
    let occurs = match occurs {
        "?" => " minOccurs=\"0\"",
        "*" => " minOccurs=\"0\" maxOccurs=\"unbounded\"",
        "+" => " maxOccurs=\"unbounded\"",
        _ => "",
    };
    let fixed = if fixed { " fixed=\"true\"" } else { "" };
    let own = of.strip_prefix('{').and_then(|o| o.strip_suffix('}'));
    match own.and_then(|own| inner.get(own)) {
        Some(rest) => format!(
            "<xs:element name=\"{name}\"{occurs}><xs:complexType>{}</xs:complexType></xs:element>",
            complex(rest, inner)
        ),
        None if of == name && DECLARED.contains_key(&format!("element {name}")) => {
            format!("<xs:element ref=\"{name}\"{occurs}/>")
        }
        None => format!("<xs:element name=\"{name}\" type=\"{of}\"{occurs}{fixed}/>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use obhut_formats::tree;

    #[test]
    fn each_fault_is_named_and_a_valid_document_has_none() {
        for (xml, expected) in [
            ("<report><reporter/></report>", "cvc-complex-type.2.4"),
            ("<nothing/>", "cvc-elt.1.a"),
            (
                "<fileDetails><reportId>x</reportId><fileId>a</fileId></fileDetails>",
                "cvc-datatype-valid.1: a value isn't of type 'xs:long' in element 'reportId'",
            ),
            (
                "<fileDetails><reportId>1</reportId><fileId>a</fileId><potentialMeme>true</potentialMeme><fileAnnotations/></fileDetails>",
                "cvc-complex-type.2.4",
            ),
            (
                "<fileDetails><reportId>1</reportId><fileId>a</fileId><fileAnnotations><viral/><viral/></fileAnnotations></fileDetails>",
                "cvc-complex-type.2.4",
            ),
            (
                "<fileDetails><reportId>1</reportId><fileId>a</fileId><fileAnnotations><viral>false</viral></fileAnnotations></fileDetails>",
                "cvc-elt.5.2.2.2.2",
            ),
            (
                "<fileDetails><reportId>1</reportId><fileId>a</fileId><originalFileHash>00</originalFileHash></fileDetails>",
                "cvc-complex-type.4: attribute 'hashType'",
            ),
            (
                "<fileDetails><reportId>1</reportId><fileId>a</fileId><deviceId><idType>a</idType><idValue>b</idValue><dateTime>2026-02-30T00:00:00Z</dateTime></deviceId></fileDetails>",
                "xs:dateTime",
            ),
            (
                "<fileDetails x='1'><reportId>1</reportId><fileId>a</fileId></fileDetails>",
                "cvc-complex-type.3.2.2",
            ),
            (
                "<fileDetails><reportId>1</reportId><fileId>a</fileId><fileAnnotations><viral/><infant>1</infant></fileAnnotations></fileDetails>",
                "",
            ),
        ] {
            let fault = fault(&tree::parse(xml).unwrap()).unwrap_or_default();
            assert!(fault.contains(expected), "{xml}: {fault}");
            assert_eq!(fault.is_empty(), expected.is_empty(), "{xml}: {fault}");
        }
    }
}
