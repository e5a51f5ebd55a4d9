//! Validates documents against a unit's own XML schema, as far as goAML uses XML Schema: sequences,
//! choices, groups of both, named and anonymous types, restrictions of values. Extensions are
//! followed to their bases, up to `EXTENSIONS_MAX` types. Attributes are not checked.

use std::collections::BTreeMap;

use regex_lite::Regex;

use crate::tree::{self, Node};

/// Maximum number of faults reported per document. Our judgement.
const FAULTS_MAX: usize = 100;
/// Deepest nesting of elements. Our judgement.
const DEPTH_MAX: usize = 60;
/// Most types in a chain in which each extends the next. Our judgement. A type that extends itself
/// is refused before, when the schema is read.
const EXTENSIONS_MAX: usize = 16;

/// A schema.
pub(super) struct Schema {
    root: Node,
    compat: bool,
}

impl Schema {
    /// Parses the text of a schema. With `compat`, `^` and `$` in patterns are anchors; otherwise
    /// they are ordinary characters, as in XSD.
    pub fn read(text: &str, compat: bool) -> Result<Schema, String> {
        let root =
            tree::parse(text).map_err(|e| format!("the unit's schema can't be read: {e}"))?;
        if root.name != "schema" {
            return Err("the unit's schema isn't an XML schema".into());
        }
        if let Some(name) = refers_to_itself(&root) {
            return Err(format!("the unit's schema defines {name} by itself"));
        }
        Ok(Schema { root, compat })
    }

    /// The faults of a document, each as path and message, at most `FAULTS_MAX`; empty if the
    /// document is valid.
    pub fn faults(&self, document: &str) -> Vec<(String, String)> {
        let mut check = Check {
            types: self
                .root
                .children
                .iter()
                .filter(|n| matches!(n.name.as_str(), "complexType" | "simpleType"))
                .filter_map(|n| Some((n.attribute("name")?, n)))
                .collect(),
            groups: self
                .root
                .all("group")
                .filter_map(|n| Some((n.attribute("name")?, n)))
                .collect(),
            elements: self
                .root
                .all("element")
                .filter_map(|n| Some((n.attribute("name")?, n)))
                .collect(),
            compat: self.compat,
            faults: Vec::new(),
            path: Vec::new(),
        };
        let document = match tree::parse(document) {
            Ok(document) => document,
            Err(e) => return vec![(String::new(), e.to_string())],
        };
        match check.elements.get(document.name.as_str()).copied() {
            Some(declared) => check.element(declared, &document),
            None => check.fault(format!(
                "{} isn't a root element of the schema",
                document.name
            )),
        }
        check.faults
    }
}

/// The name of a type derived from itself, or of a group that contains itself: following either
/// would never end. (An element within itself is fine; the document's depth bounds it.)
fn refers_to_itself(root: &Node) -> Option<&str> {
    let named: BTreeMap<&str, &Node> = root
        .children
        .iter()
        .filter(|n| matches!(n.name.as_str(), "simpleType" | "complexType" | "group"))
        .filter_map(|n| Some((n.attribute("name")?, n)))
        .collect();
    named.keys().copied().find(|name| {
        // Everything that can be reached from one name; at most all names are visited.
        let mut open = vec![*name];
        let mut seen = Vec::new();
        while let Some(at) = open.pop() {
            for next in named.get(at).into_iter().flat_map(|node| references(node)) {
                if next == *name {
                    return true;
                }
                if !seen.contains(&next) {
                    seen.push(next);
                    open.push(next);
                }
            }
        }
        false
    })
}

/// Names that a type or group refers to, except through an element.
fn references(node: &Node) -> Vec<&str> {
    let mut names = Vec::new();
    for child in node.children.iter().filter(|c| c.name != "element") {
        let direct = match child.name.as_str() {
            "restriction" | "extension" => child.attribute("base"),
            "group" => child.attribute("ref"),
            _ => None,
        };
        names.extend(direct.map(local));
        let members = child.attribute("memberTypes").unwrap_or_default();
        names.extend(members.split_whitespace().map(local));
        names.extend(references(child));
    }
    names
}

struct Check<'a> {
    types: BTreeMap<&'a str, &'a Node>,
    groups: BTreeMap<&'a str, &'a Node>,
    elements: BTreeMap<&'a str, &'a Node>,
    compat: bool,
    faults: Vec<(String, String)>,
    path: Vec<String>,
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, n)| n)
}

fn occurs(node: &Node) -> (usize, usize) {
    let number = |name: &str| node.attribute(name).and_then(|v| v.parse().ok());
    let max = match node.attribute("maxOccurs") {
        Some("unbounded") => usize::MAX,
        _ => number("maxOccurs").unwrap_or(1),
    };
    (number("minOccurs").unwrap_or(1), max)
}

impl<'a> Check<'a> {
    fn fault(&mut self, what: impl Into<String>) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push((self.path.join("/"), what.into()));
        }
    }

    fn element(&mut self, declared: &'a Node, found: &Node) {
        if self.path.len() > DEPTH_MAX {
            return self.fault("it is too deep");
        }
        self.path.push(found.name.clone());
        let inline = declared
            .child("complexType")
            .or(declared.child("simpleType"));
        let named = declared.attribute("type").map(local);
        match (inline, named) {
            (Some(of), _) => self.typed(of, found),
            (None, Some(name)) => match self.types.get(name).copied() {
                Some(of) => self.typed(of, found),
                None => self.builtin(name, found.text.trim()),
            },
            // Without a type any content is valid (xs:anyType).
            (None, None) => {}
        }
        self.path.pop();
    }

    fn typed(&mut self, of: &'a Node, found: &Node) {
        if of.name == "simpleType" {
            if !found.children.is_empty() {
                return self.fault("takes text alone");
            }
            return self.simple(of, found.text.trim());
        }
        if let Some(extension) = of
            .child("simpleContent")
            .and_then(|c| c.child("extension").or(c.child("restriction")))
        {
            let base = local(extension.attribute("base").unwrap_or_default());
            return match self.types.get(base).copied() {
                Some(base) => self.typed(base, found),
                None => self.builtin(base, found.text.trim()),
            };
        }
        let mut bodies = vec![of];
        // The content of an extension comes after that of its base, which may extend another.
        while let Some(extension) = bodies
            .last()
            .and_then(|b| b.child("complexContent"))
            .and_then(|c| c.child("extension"))
            && bodies.len() < EXTENSIONS_MAX
        {
            *bodies.last_mut().expect("it begins with one") = extension;
            let base = extension.attribute("base").map(local);
            match base.and_then(|b| self.types.get(b).copied()) {
                Some(base) => bodies.push(base),
                None => break,
            }
        }
        let mut at = 0;
        for body in bodies.into_iter().rev() {
            if let Some(particle) = particle(body) {
                at = self.particle(particle, &found.children, at);
            }
        }
        if let Some(more) = found.children.get(at) {
            let name = more.name.clone();
            self.fault(format!("{name} is not expected here"));
        }
    }

    /// Matches a particle of the schema against `all` from `at` on; returns where the next one
    /// begins.
    fn particle(&mut self, p: &'a Node, all: &[Node], mut at: usize) -> usize {
        let (min, max) = occurs(p);
        let mut times = 0;
        // One name ahead decides: XML Schema forbids models that
        // need more (Unique Particle Attribution).
        while times < max {
            let next = all.get(at).map(|n| n.name.as_str());
            let begins = next.is_some_and(|n| self.begins(p, n));
            if !begins && (times >= min || self.may_be_nothing(p)) {
                break;
            }
            let before = at;
            at = self.once(p, all, at);
            times += 1;
            // The particle matched nothing: `unbounded` would never end.
            if at == before {
                break;
            }
        }
        at
    }

    fn once(&mut self, p: &'a Node, all: &[Node], mut at: usize) -> usize {
        match p.name.as_str() {
            "element" => {
                let name = element_name(p);
                match all.get(at) {
                    Some(found) if found.name == name => {
                        let declared = self.declared(p);
                        self.element(declared, found);
                        at + 1
                    }
                    _ => {
                        self.fault(format!("{name} is missing"));
                        at
                    }
                }
            }
            "choice" => {
                let next = all.get(at).map(|n| n.name.as_str());
                let picked = particles(p).find(|c| next.is_some_and(|n| self.begins(c, n)));
                match picked {
                    Some(picked) => self.particle(picked, all, at),
                    None => {
                        let names: Vec<&str> = particles(p).flat_map(first_name).collect();
                        self.fault(format!("one of {} is missing", names.join(", ")));
                        at
                    }
                }
            }
            "all" => {
                let mut left: Vec<&'a Node> = particles(p).collect();
                while let Some(next) = all.get(at) {
                    let Some(n) = left.iter().position(|c| self.begins(c, &next.name)) else {
                        break;
                    };
                    let picked = left.remove(n);
                    at = self.particle(picked, all, at);
                }
                for missing in left {
                    if !self.may_be_nothing(missing) {
                        self.fault(format!("{} is missing", element_name(missing)));
                    }
                }
                at
            }
            "group" => match self.group(p) {
                Some(inner) => self.particle(inner, all, at),
                None => at,
            },
            // May run past the end; get() then finds nothing left.
            "any" => at + 1,
            _ => {
                for inner in particles(p) {
                    at = self.particle(inner, all, at);
                }
                at
            }
        }
    }

    fn declared(&self, p: &'a Node) -> &'a Node {
        p.attribute("ref")
            .and_then(|r| self.elements.get(local(r)).copied())
            .unwrap_or(p)
    }

    fn group(&self, p: &Node) -> Option<&'a Node> {
        let name = local(p.attribute("ref")?);
        particle(self.groups.get(name).copied()?)
    }

    fn begins(&self, p: &Node, name: &str) -> bool {
        match p.name.as_str() {
            "element" => element_name(p) == name,
            "choice" | "all" => particles(p).any(|c| self.begins(c, name)),
            "group" => self.group(p).is_some_and(|g| self.begins(g, name)),
            "any" => true,
            _ => {
                for inner in particles(p) {
                    if self.begins(inner, name) {
                        return true;
                    }
                    if !self.may_be_nothing(inner) {
                        return false;
                    }
                }
                false
            }
        }
    }

    fn may_be_nothing(&self, p: &Node) -> bool {
        if occurs(p).0 == 0 {
            return true;
        }
        match p.name.as_str() {
            "element" | "any" => false,
            "choice" => particles(p).any(|c| self.may_be_nothing(c)),
            "group" => self.group(p).is_none_or(|g| self.may_be_nothing(g)),
            _ => particles(p).all(|c| self.may_be_nothing(c)),
        }
    }

    fn simple(&mut self, of: &'a Node, text: &str) {
        if let Some(union) = of.child("union") {
            let before = self.faults.len();
            let members = union.attribute("memberTypes").unwrap_or_default();
            for member in members.split_whitespace() {
                // One matching member is enough, so the faults of the previous member do not count.
                self.faults.truncate(before);
                match self.types.get(local(member)).copied() {
                    Some(member) => self.simple(member, text),
                    None => self.builtin(local(member), text),
                }
                if self.faults.len() == before {
                    return;
                }
            }
            return;
        }
        let Some(restriction) = of.child("restriction") else {
            return;
        };
        let base = local(restriction.attribute("base").unwrap_or_default());
        match self.types.get(base).copied() {
            Some(base) => self.simple(base, text),
            None => self.builtin(base, text),
        }
        let mut words = restriction.all("enumeration").peekable();
        if words.peek().is_some() && !words.any(|w| w.attribute("value") == Some(text)) {
            self.fault("is none of the unit's words");
        }
        let mut patterns = restriction.all("pattern").peekable();
        if patterns.peek().is_some() {
            let compat = self.compat;
            // Several patterns of one restriction are alternatives (XML Schema Part 2, 4.3.4).
            let fits = patterns
                .filter_map(|p| p.attribute("value"))
                .any(|p| fits(p, text, compat));
            if !fits {
                self.fault("does not fit the unit's pattern");
            }
        }
        let length = text.chars().count();
        for facet in &restriction.children {
            let value = facet.attribute("value").unwrap_or_default();
            let bound: Option<usize> = value.parse().ok();
            let broken = match facet.name.as_str() {
                "minLength" => bound.is_some_and(|b| length < b),
                "maxLength" => bound.is_some_and(|b| length > b),
                "length" => bound.is_some_and(|b| length != b),
                "minInclusive" => below(text, value),
                "maxInclusive" => below(value, text),
                "minExclusive" => !below(value, text),
                "maxExclusive" => !below(text, value),
                // Leading zeros count here, though not in XML Schema.
                "totalDigits" => {
                    bound.is_some_and(|b| text.bytes().filter(u8::is_ascii_digit).count() > b)
                }
                "fractionDigits" => {
                    let fraction = text.split_once('.').map_or(0, |(_, f)| f.len());
                    bound.is_some_and(|b| fraction > b)
                }
                _ => false,
            };
            if broken {
                self.fault(format!("breaks {} {value}", facet.name));
            }
        }
    }

    fn builtin(&mut self, name: &str, text: &str) {
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let fine = match name {
            "int" | "integer" | "long" | "short" => digits(unsigned),
            "positiveInteger" | "nonNegativeInteger" | "unsignedInt" => digits(text),
            "decimal" | "double" | "float" => {
                let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
                digits(whole) && digits(fraction)
            }
            "boolean" => matches!(text, "true" | "false" | "0" | "1"),
            "dateTime" => text.contains('T') && crate::transfers::moment(text).is_ok(),
            // The first ten bytes may end inside a character.
            "date" => text
                .get(..10)
                .is_some_and(|day| crate::transfers::moment(day).is_ok()),
            _ => true,
        };
        if !fine {
            self.fault(format!("isn't a valid {name}"));
        }
    }
}

/// True if `a` is less than `b`: compared as numbers if both are, otherwise as texts, which works
/// for dates of the same form.
fn below(a: &str, b: &str) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a < b,
        _ => a < b,
    }
}

fn particle(of: &Node) -> Option<&Node> {
    of.children
        .iter()
        .find(|n| matches!(n.name.as_str(), "sequence" | "choice" | "all" | "group"))
}

fn particles(p: &Node) -> impl Iterator<Item = &Node> {
    p.children.iter().filter(|n| {
        matches!(
            n.name.as_str(),
            "element" | "sequence" | "choice" | "all" | "group" | "any"
        )
    })
}

fn element_name(p: &Node) -> &str {
    p.attribute("name")
        .or_else(|| p.attribute("ref").map(local))
        .unwrap_or_default()
}

fn first_name(p: &Node) -> Option<&str> {
    match p.name.as_str() {
        "element" => Some(element_name(p)),
        _ => particles(p).next().and_then(first_name),
    }
}

/// True if the whole text matches. XML Schema anchors a pattern at both ends, and `^` and `$` are
/// ordinary characters in it; with `compat` they are anchors.
fn fits(pattern: &str, text: &str, compat: bool) -> bool {
    let meant = if compat {
        let inner = pattern.strip_prefix('^').unwrap_or(pattern);
        let inner = inner.strip_suffix('$').unwrap_or(inner);
        mended(inner)
    } else {
        literal_anchors(pattern)
    };
    match Regex::new(&format!("^(?:{meant})$")) {
        Ok(regex) => regex.is_match(text),
        // An invalid pattern refuses nothing in compatibility mode, everything without it.
        Err(_) => compat,
    }
}

/// Escapes the hyphen in `9-+`, `9-\+` and `9-_`: after a range it means itself.
fn mended(pattern: &str) -> String {
    pattern
        .replace("9-\\+", "9\\-\\+")
        .replace("9-+", "9\\-+")
        .replace("9-_", "9\\-_")
}

fn literal_anchors(pattern: &str) -> String {
    let mut out = String::new();
    let (mut inside, mut escaped) = (false, false);
    for c in pattern.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => inside = true,
            ']' => inside = false,
            // Inside brackets `^` negates and `$` is an ordinary character anyway.
            '^' | '$' if !inside => out.push('\\'),
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Schemas whose validation would never end, and a date that is cut inside a character.
    #[test]
    fn hostile_schemas_and_values_are_refused() {
        let schema = |body: &str| {
            let text = format!("<schema><element name=\"r\" type=\"a\"/>{body}</schema>");
            Schema::read(&text, false)
        };
        for body in [
            r#"<simpleType name="a"><restriction base="a"/></simpleType>"#,
            r#"<simpleType name="a"><restriction base="b"/></simpleType><simpleType name="b"><restriction base="a"/></simpleType>"#,
            r#"<simpleType name="a"><union memberTypes="string a"/></simpleType>"#,
            r#"<group name="g"><sequence><group ref="g"/></sequence></group>"#,
            r#"<complexType name="a"><simpleContent><extension base="a"/></simpleContent></complexType>"#,
        ] {
            let refused = schema(body).err().unwrap_or_default();
            assert!(refused.contains("by itself"), "{body}: {refused}");
        }
        let dates =
            schema(r#"<simpleType name="a"><restriction base="date"/></simpleType>"#).unwrap();
        for (text, fine) in [
            ("2026-03-01", true),
            ("2026-03-01Z", true),
            ("2026-03", false),
            ("aééééé", false),
            ("2026-03-0é", false),
        ] {
            let faults = dates.faults(&format!("<r>{text}</r>"));
            assert_eq!(faults.is_empty(), fine, "{text}: {faults:?}");
        }
        // An element within itself is ordinary.
        let nested = r#"<complexType name="a"><sequence><element name="r" type="a" minOccurs="0"/></sequence></complexType>"#;
        assert!(
            schema(nested)
                .unwrap()
                .faults("<r><r><r/></r></r>")
                .is_empty()
        );
        // An extension of an extension: the content of all three, the base's first.
        let own = |name: &str, base: &str, element: &str| {
            format!(
                r#"<complexType name="{name}"><complexContent><extension base="{base}"><sequence><element name="{element}" type="string"/></sequence></extension></complexContent></complexType>"#
            )
        };
        let extended = format!(
            r#"<element name="r" type="c"/><complexType name="a"><sequence><element name="x" type="string"/></sequence></complexType>{}{}"#,
            own("b", "a", "y"),
            own("c", "b", "z")
        );
        let extended = schema(&extended).unwrap();
        let faults = extended.faults("<r><x/><y/><z/></r>");
        assert!(faults.is_empty(), "{faults:?}");
        assert!(!extended.faults("<r><y/><z/></r>").is_empty());
    }

    const SCHEMA: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
      <xs:element name="report"><xs:complexType><xs:sequence>
        <xs:element name="id"><xs:simpleType><xs:restriction base="xs:int"><xs:minInclusive value="1"/></xs:restriction></xs:simpleType></xs:element>
        <xs:choice><xs:element name="a" type="name"/><xs:sequence><xs:element name="b" minOccurs="0" type="xs:string"/><xs:element name="c" type="xs:boolean"/></xs:sequence></xs:choice>
        <xs:element name="d" minOccurs="0" maxOccurs="2" type="xs:dateTime"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:simpleType name="name"><xs:restriction base="xs:string"><xs:pattern value="^[a-z]*$"/><xs:maxLength value="3"/></xs:restriction></xs:simpleType>
    </xs:schema>"#;

    fn check(compat: bool, inner: &str, want: &[&str]) {
        let schema = Schema::read(SCHEMA, compat).unwrap();
        let got = schema.faults(&format!("<report>{inner}</report>"));
        let said: Vec<String> = got.into_iter().map(|(p, w)| format!("{p}: {w}")).collect();
        assert_eq!(said, want, "{inner}");
    }

    #[test]
    fn documents_are_validated_against_the_schema() {
        check(true, "<id>1</id><a>abc</a>", &[]);
        check(true, "<id>1</id><c>true</c><d>2026-01-01T00:00:00</d>", &[]);
        check(true, "<id>1</id><b/><c>1</c>", &[]);
        check(
            true,
            "<id>0</id><a>abc</a>",
            &["report/id: breaks minInclusive 1"],
        );
        check(true, "<a>abc</a>", &["report: id is missing"]);
        check(
            true,
            "<id>1</id><d>x</d>",
            &[
                "report: one of a, b is missing",
                "report/d: isn't a valid dateTime",
            ],
        );
        check(
            true,
            "<id>1</id><a>abcd</a>",
            &["report/a: breaks maxLength 3"],
        );
        check(
            true,
            "<id>1</id><a>A</a>",
            &["report/a: does not fit the unit's pattern"],
        );
        check(
            true,
            "<id>1</id><a>a</a><x/>",
            &["report: x is not expected here"],
        );
    }

    #[test]
    fn anchors_are_literal_without_the_compatibility_mode() {
        // Strict: the pattern begins with a literal `^`, which `abc` does not have.
        check(
            false,
            "<id>1</id><a>abc</a>",
            &["report/a: does not fit the unit's pattern"],
        );
    }
}
