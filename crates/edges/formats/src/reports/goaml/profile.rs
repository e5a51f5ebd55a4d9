//! A unit's profile: a template, line by line, of the report that the unit accepts. docs/goaml.md
//! explains the syntax, so that a unit's own profile can be added without a new version of obhut.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use regex_lite::Regex;

/// A value that a template may ask for.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

impl Value {
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    fn get(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(self, |v, name| match v {
            Value::Map(map) => map.get(name),
            _ => None,
        })
    }

    fn is_something(&self) -> bool {
        match self {
            Value::Text(t) => !t.trim().is_empty(),
            Value::List(l) => !l.is_empty(),
            Value::Map(m) => m.values().any(Value::is_something),
        }
    }
}

/// Deepest nesting of elements and parts. Deeper indentation is refused; deeper parts are omitted.
/// Our judgement.
const DEPTH_MAX: usize = 40;
/// Lines of a profile that are taken for one report, those in parts and for each item of a list
/// counted each time. Our judgement: a case's facts have 4 MiB at most.
const STEPS_MAX: usize = 4_000_000;
/// Longest profile, in lines. Our judgement.
const LINES_MAX: usize = 2_000;

/// A parsed profile.
#[derive(Debug)]
pub(super) struct Profile {
    parts: BTreeMap<String, Vec<Line>>,
}

#[derive(Clone, Debug)]
struct Line {
    depth: usize,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// The lines of another part are inserted here.
    Part(String),
    Element(Element),
}

#[derive(Clone, Debug)]
struct Element {
    name: String,
    optional: bool,
    each: Option<String>,
    when: Option<String>,
    unless: Option<String>,
    value: Option<Source>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Source {
    Literal(String),
    /// The first of these paths that has a value.
    Paths(Vec<String>),
}

#[derive(Clone, Debug)]
enum Kind {
    Text(usize, usize),
    Int(i64),
    Date,
    Decimal,
    Words(Vec<String>),
    Pattern(String),
}

/// An element that is missing or invalid, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Missed {
    pub path: String,
    pub what: String,
}

impl Profile {
    /// Parses the text of a profile. `Err` says what is wrong, with the line if the fault has one.
    pub fn read(text: &str) -> Result<Profile, String> {
        let mut parts: BTreeMap<String, Vec<Line>> = BTreeMap::new();
        let mut open: Option<String> = None;
        for (n, line) in text.lines().enumerate() {
            let n = n + 1;
            if n > LINES_MAX {
                return Err(format!("it has more than {LINES_MAX} lines"));
            }
            let bad = |what: &str| format!("line {n}: {what}");
            let content = line.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let spaces = line.len() - line.trim_start().len();
            if spaces == 0 {
                let name = content
                    .strip_prefix("part ")
                    .ok_or_else(|| bad("a line without indent must be `part NAME`"))?;
                parts.insert(name.trim().to_owned(), Vec::new());
                open = Some(name.trim().to_owned());
                continue;
            }
            if spaces % 2 != 0 || spaces / 2 > DEPTH_MAX {
                return Err(bad("indent by two spaces a level"));
            }
            let lines = open
                .as_ref()
                .and_then(|o| parts.get_mut(o))
                .ok_or_else(|| bad("it is outside every part"))?;
            let what = match content.strip_prefix('@') {
                Some(part) => What::Part(part.trim().to_owned()),
                None => What::Element(element(content).map_err(|e| bad(&e))?),
            };
            lines.push(Line {
                depth: spaces / 2,
                what,
            });
        }
        if !parts.contains_key("report") {
            return Err("`part report` is missing".into());
        }
        // Checked after all parts are read: a part may be used above its definition.
        for lines in parts.values() {
            for line in lines {
                if let What::Part(name) = &line.what
                    && !parts.contains_key(name)
                {
                    return Err(format!("part {name} doesn't exist"));
                }
            }
        }
        Ok(Profile { parts })
    }

    /// Writes a report from the values; returns it with what is missing or doesn't fit.
    pub fn write(&self, values: &Value) -> (String, Vec<Missed>) {
        let mut writer = Writer {
            profile: self,
            root: values,
            out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"),
            missed: Vec::new(),
            path: Vec::new(),
            steps: 0,
        };
        let lines = &self.parts["report"];
        writer.lines(lines, values, 0);
        (writer.out, writer.missed)
    }
}

fn element(content: &str) -> Result<Element, String> {
    // Split at a colon between blanks: patterns and literals may contain a colon without them.
    let (content, kind) = match content.split_once(" : ") {
        Some((before, kind)) => (before, read_kind(kind.trim())?),
        // As long as the longest free texts of the built-in profiles, `reason` for example.
        None => (content, Kind::Text(0, 8_000)),
    };
    let (head, value) = match content.split_once(" = ") {
        Some((head, value)) => (head, Some(value.trim())),
        None => (content, None),
    };
    let value = value.map(|v| match v.strip_prefix('"') {
        Some(literal) => Source::Literal(literal.trim_end_matches('"').to_owned()),
        None => Source::Paths(v.split('|').map(|p| p.trim().to_owned()).collect()),
    });
    let mut words = head.split_whitespace();
    let name = words.next().unwrap_or_default();
    let (name, optional) = match name.strip_suffix('?') {
        Some(name) => (name, true),
        None => (name, false),
    };
    // The name goes into XML without being escaped.
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(fine) {
        return Err(format!("{name} isn't an element name"));
    }
    let mut out = Element {
        name: name.to_owned(),
        optional,
        each: None,
        when: None,
        unless: None,
        value,
        kind,
    };
    while let Some(word) = words.next() {
        let path = words.next().ok_or_else(|| format!("{word} needs a path"))?;
        let path = Some(path.to_owned());
        match word {
            "each" => out.each = path,
            "when" => out.when = path,
            "unless" => out.unless = path,
            _ => return Err(format!("{word} is none of each, when, unless")),
        }
    }
    Ok(out)
}

fn read_kind(text: &str) -> Result<Kind, String> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    Ok(match word {
        "text" => {
            let (low, high) = rest
                .split_once("..")
                .ok_or("text has a range, text 1..100")?;
            let number = |t: &str| {
                t.trim()
                    .parse()
                    .map_err(|_| "text has a range, text 1..100")
            };
            Kind::Text(number(low)?, number(high)?)
        }
        "int" => Kind::Int(rest.trim().parse().map_err(|_| "int has its least value")?),
        "date" => Kind::Date,
        "decimal" => Kind::Decimal,
        "words" => Kind::Words(rest.split_whitespace().map(str::to_owned).collect()),
        "pattern" => {
            // Compiled only to refuse a bad pattern early, with its line.
            Regex::new(rest).map_err(|_| "the pattern is invalid")?;
            Kind::Pattern(rest.to_owned())
        }
        _ => return Err(format!("unknown type {word}")),
    })
}

struct Writer<'a> {
    profile: &'a Profile,
    root: &'a Value,
    out: String,
    missed: Vec<Missed>,
    path: Vec<String>,
    /// Lines taken so far.
    steps: usize,
}

impl Writer<'_> {
    /// Writes lines of one level with everything below each; true if a value of the case was among
    /// them.
    fn lines(&mut self, lines: &[Line], here: &Value, nested: usize) -> bool {
        // A part may insert itself; the recursion must end.
        if nested > DEPTH_MAX {
            return false;
        }
        let mut any = false;
        let Some(level) = lines.first().map(|l| l.depth) else {
            return false;
        };
        let mut at = 0;
        while at < lines.len() {
            // A part that inserts itself twice doubles at each level.
            self.steps += 1;
            if self.steps > STEPS_MAX {
                if self.steps == STEPS_MAX + 1 {
                    self.miss("report", "the profile writes too many elements");
                }
                return any;
            }
            let line = &lines[at];
            let below = lines[at + 1..]
                .iter()
                .take_while(|l| l.depth > level)
                .count();
            let children = &lines[at + 1..=at + below];
            at += 1 + below;
            match &line.what {
                What::Part(name) => {
                    let part = self.profile.parts[name].clone();
                    any |= self.lines(&part, here, nested + 1);
                }
                What::Element(e) => any |= self.element(e, children, here, nested),
            }
        }
        any
    }

    fn look<'v>(&self, here: &'v Value, path: &str) -> Option<&'v Value>
    where
        Self: 'v,
    {
        here.get(path).filter(|v| v.is_something())
    }

    fn has(&self, here: &Value, path: &str) -> bool {
        self.look(here, path).is_some() || self.root.get(path).is_some_and(Value::is_something)
    }

    fn element(&mut self, e: &Element, children: &[Line], here: &Value, nested: usize) -> bool {
        if e.when.as_ref().is_some_and(|p| !self.has(here, p))
            || e.unless.as_ref().is_some_and(|p| self.has(here, p))
        {
            return false;
        }
        if let Some(path) = &e.each {
            let list = match here.get(path).or_else(|| self.root.get(path)) {
                Some(Value::List(list)) => list.clone(),
                _ => Vec::new(),
            };
            if list.is_empty() && !e.optional {
                self.miss(&e.name, "there must be one at least");
            }
            let mut any = false;
            for (n, one) in list.iter().enumerate() {
                self.path.push(format!("{}[{n}]", e.name));
                any |= self.one(e, children, one, nested, true);
                self.path.pop();
            }
            return any;
        }
        self.path.push(e.name.clone());
        let any = self.one(e, children, here, nested, false);
        self.path.pop();
        any
    }

    fn one(
        &mut self,
        e: &Element,
        children: &[Line],
        here: &Value,
        nested: usize,
        is_item: bool,
    ) -> bool {
        if children.is_empty() {
            return self.leaf(e, here, is_item);
        }
        let (start, missed) = (self.out.len(), self.missed.len());
        self.indent();
        let _ = writeln!(self.out, "<{}>", e.name);
        let any = self.lines(children, here, nested + 1);
        self.indent();
        let _ = writeln!(self.out, "</{}>", e.name);
        if !any && e.optional {
            // The element contains no value of the case: it is omitted, and so are the remarks
            // about what it lacks.
            self.out.truncate(start);
            self.missed.truncate(missed);
        }
        any
    }

    fn leaf(&mut self, e: &Element, here: &Value, is_item: bool) -> bool {
        let (text, literal) = match &e.value {
            Some(Source::Literal(text)) => (Some(text.clone()), true),
            Some(Source::Paths(paths)) => {
                let found = paths.iter().find_map(|p| {
                    let value = match p.strip_prefix('.') {
                        // A lone dot is the item itself, for a list of texts.
                        Some("") => Some(here),
                        _ => self.look(here, p).or_else(|| self.root.get(p)),
                    };
                    match value {
                        Some(Value::Text(t)) if !t.trim().is_empty() => Some(t.trim().to_owned()),
                        _ => None,
                    }
                });
                (found, false)
            }
            None if is_item => match here {
                Value::Text(t) => (Some(t.clone()), false),
                _ => (None, false),
            },
            None => (Some(String::new()), true),
        };
        let Some(text) = text else {
            if !e.optional {
                self.miss("", "is required, and nothing is known of it");
            }
            return false;
        };
        let text = match fit(&text, &e.kind) {
            Ok(text) => text,
            Err(why) => {
                // Written all the same: the draft shows what has
                // to be corrected, and nothing is sent.
                self.miss("", &why);
                text
            }
        };
        self.indent();
        let _ = writeln!(self.out, "<{}>{}</{}>", e.name, escape(&text), e.name);
        // A literal is not a value of the case, so it must not keep an optional element in the
        // report.
        !literal
    }

    fn miss(&mut self, name: &str, what: &str) {
        let mut path = self.path.join("/");
        if !name.is_empty() {
            path = format!("{path}/{name}");
        }
        self.missed.push(Missed {
            path,
            what: what.to_owned(),
        });
    }

    fn indent(&mut self) {
        for _ in 1..self.path.len() {
            self.out.push_str("  ");
        }
    }
}

/// The value in the notation of its kind, or why it doesn't fit. A date is written in UTC, without
/// a zone.
fn fit(text: &str, kind: &Kind) -> Result<String, String> {
    match kind {
        Kind::Text(low, high) => {
            let n = text.chars().count();
            if n > *high {
                return Err(format!("has {n} characters, {high} at most"));
            }
            if n < *low {
                return Err(format!("has {n} characters, {low} at least"));
            }
            Ok(text.to_owned())
        }
        Kind::Int(least) => match text.parse::<i64>() {
            Ok(n) if n >= *least => Ok(text.to_owned()),
            _ => Err(format!("isn't an integer of at least {least}")),
        },
        Kind::Date => {
            let at = crate::transfers::moment(text)
                .map_err(|_| "isn't a date like 2026-03-01 or 2026-03-01T10:00:00Z".to_owned())?;
            let stamp = jiff::Timestamp::from_microsecond(at.at_micros)
                .map_err(|_| "isn't a date".to_owned())?;
            Ok(stamp.strftime("%Y-%m-%dT%H:%M:%S").to_string())
        }
        Kind::Decimal => match text.parse::<f64>() {
            // f64 also parses `1e5` and `-1`: XML Schema's decimal
            // has no exponent, an amount no sign.
            Ok(n) if n.is_finite() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') => {
                Ok(text.to_owned())
            }
            _ => Err("isn't an amount like 35.00".into()),
        },
        Kind::Words(words) => {
            if words.iter().any(|w| w == text) {
                Ok(text.to_owned())
            } else {
                Err(format!("is none of the unit's words: {}", words.join(" ")))
            }
        }
        Kind::Pattern(pattern) => {
            // The whole value must fit, as in XML Schema.
            let fits = Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|r| r.is_match(text));
            if fits {
                Ok(text.to_owned())
            } else {
                Err(format!(
                    "does not fit {pattern}; write it in plain Latin letters"
                ))
            }
        }
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // XML 1.0 has no way to write most control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t') => {}
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::Array(all) => Value::List(all.iter().map(value).collect()),
            serde_json::Value::Object(map) => Value::Map(
                map.iter()
                    .map(|(name, v)| (name.clone(), value(v)))
                    .collect(),
            ),
            serde_json::Value::String(text) => Value::text(text),
            other => Value::text(other.to_string()),
        }
    }

    /// A profile with a mistake, and the message that its author gets.
    #[test]
    fn mistakes_are_named_by_line() {
        for (text, expected) in [
            (
                "report",
                "line 1: a line without indent must be `part NAME`",
            ),
            ("  a", "line 1: it is outside every part"),
            ("part report\n   a", "line 2: indent by two spaces a level"),
            ("# only a comment", "`part report` is missing"),
            ("part person\n  a", "`part report` is missing"),
            ("part report\n  @person", "part person doesn't exist"),
            ("part report\n  a-b", "line 2: a-b isn't an element name"),
            ("part report\n  a each", "line 2: each needs a path"),
            (
                "part report\n  a while b",
                "line 2: while is none of each, when, unless",
            ),
            (
                "part report\n  a = x : number",
                "line 2: unknown type number",
            ),
            (
                "part report\n  a = x : text 5",
                "line 2: text has a range, text 1..100",
            ),
            (
                "part report\n  a = x : int",
                "line 2: int has its least value",
            ),
            (
                "part report\n  a = x : pattern (",
                "line 2: the pattern is invalid",
            ),
        ] {
            assert_eq!(
                Profile::read(text).err().as_deref(),
                Some(expected),
                "{text:?}"
            );
        }
        let long = "part report\n".to_owned() + &"  a\n".repeat(LINES_MAX);
        assert!(
            Profile::read(&long)
                .err()
                .is_some_and(|e| e.contains("more than"))
        );
    }

    /// Regression: a part that inserts itself twice was written 2⁴¹ times.
    #[test]
    fn a_profile_that_has_no_end_is_ended() {
        let profile = Profile::read("part report\n  a? = x\n  @report\n  @report").unwrap();
        let (_, missed) = profile.write(&value(&json!({})));
        assert!(missed.iter().any(|m| m.what.contains("too many")));
    }

    /// One line of a profile, values, the element written, and whether something is missed.
    #[test]
    fn each_kind_of_line_writes_its_element() {
        let values = value(&json!({
            "name": "Ada <Lovelace>", "n": 7, "amount": "35.00", "day": "2026-03-01", "list": [{"x": "1"}, {"x": "2"}],
            "yes": true, "empty": "",
        }));
        for (line, written, missed) in [
            ("a = name", "<a>Ada &lt;Lovelace&gt;</a>", false),
            ("a = \"fixed\"", "<a>fixed</a>", false),
            ("a = nothing|name", "<a>Ada &lt;Lovelace&gt;</a>", false),
            ("a? = nothing", "", false),
            ("a = nothing : text 1..5", "", true),
            ("a = name : text 1..5", "", true),
            ("a = n : int 1", "<a>7</a>", false),
            ("a = n : int 8", "", true),
            ("a = amount : decimal", "<a>35.00</a>", false),
            ("a = name : decimal", "", true),
            ("a = day : date", "<a>2026-03-01", false),
            ("a = name : date", "", true),
            ("a = n : words 7 8", "<a>7</a>", false),
            ("a = n : words 8 9", "", true),
            ("a = n : pattern [0-9]", "<a>7</a>", false),
            ("a = n : pattern [a-z]", "", true),
            ("a each list\n    b = x", "<b>2</b>", false),
            ("a when yes\n    b = name", "<b>Ada", false),
            ("a when nothing\n    b = name", "", false),
            ("a unless yes\n    b = name", "", false),
            ("a unless nothing\n    b = name", "<b>Ada", false),
        ] {
            let profile = Profile::read(&format!("part report\n  {line}")).unwrap();
            let (text, all) = profile.write(&values);
            match written {
                // A value that doesn't fit is written all the same, so that its author sees it.
                "" if missed => {}
                "" => assert!(
                    !text.contains("<a>") && !text.contains("<b>"),
                    "{line}: {text}"
                ),
                part => assert!(text.contains(part), "{line}: {text}"),
            }
            assert_eq!(!all.is_empty(), missed, "{line}: {} missed", all.len());
        }
    }
}
