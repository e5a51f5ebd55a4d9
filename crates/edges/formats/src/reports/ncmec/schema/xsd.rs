//! Reads an XSD into the form of the schema table, and compares the one the service publishes with
//! ours.

use std::collections::BTreeMap;

use super::{Attribute, Order, PINNED, Particle, Schema, Type};
use crate::tree::{self, Node};

/// How the schema that the service publishes differs from the one this version writes: one sentence
/// for each difference. New closed sets of words aren't listed.
pub fn differences(xsd: &str) -> Vec<String> {
    let Ok(root) = tree::parse(xsd) else {
        return vec!["the schema the service publishes isn't XML".into()];
    };
    let theirs = read_xsd(&root);
    let mut said = Vec::new();
    for (name, ours) in &PINNED.types {
        match theirs.types.get(name) {
            None => said.push(format!("{name} is gone")),
            Some(now) => compare(name, ours, now, &mut said),
        }
    }
    for name in theirs
        .types
        .keys()
        .filter(|n| !PINNED.types.contains_key(*n))
    {
        said.push(format!("{name} is new"));
    }
    for (name, ours) in &PINNED.words {
        let now = theirs
            .words
            .get(name)
            .map(Vec::as_slice)
            .unwrap_or_default();
        for word in now.iter().filter(|w| !ours.contains(w)) {
            said.push(format!("{name} has the new word \"{word}\""));
        }
        for word in ours.iter().filter(|w| !now.contains(w)) {
            said.push(format!("{name} no longer has the word \"{word}\""));
        }
    }
    said
}

fn compare(name: &str, ours: &Type, now: &Type, said: &mut Vec<String>) {
    let names = |t: &Type| -> Vec<String> {
        let particles = t.particles.iter().flat_map(|p| &p.names);
        let attributes = t.attributes.iter().map(|a| format!("@{}", a.name));
        particles
            .map(|(n, _)| n.clone())
            .chain(attributes)
            .collect()
    };
    let (old, new) = (names(ours), names(now));
    let before = said.len();
    for one in new.iter().filter(|n| !old.contains(n)) {
        said.push(format!("{name} has the new {one}"));
    }
    for one in old.iter().filter(|n| !new.contains(n)) {
        said.push(format!("{name} no longer has {one}"));
    }
    // A name added or removed shifts all others: comparing the rest would only repeat it.
    if said.len() > before {
        return;
    }
    if old != new && ours.order == Order::Sequence {
        said.push(format!("{name} has another order"));
    }
    // Lengths are in the documentation only.
    let plain = |of: &str| match of
        .strip_prefix('s')
        .is_some_and(|n| n.parse::<u32>().is_ok())
    {
        true => "s".to_owned(),
        false => of.to_owned(),
    };
    let shape = |t: &Type| -> Vec<String> {
        let mut shape: Vec<_> = t
            .particles
            .iter()
            .map(|p| {
                let names: Vec<_> = p
                    .names
                    .iter()
                    .map(|(n, of)| format!("{n}:{}", plain(of)))
                    .collect();
                format!("{} {} {}", names.join("|"), p.min, p.many)
            })
            .collect();
        shape.extend(
            t.attributes
                .iter()
                .map(|a| format!("@{}:{} {}", a.name, plain(&a.of), a.required)),
        );
        shape.push(plain(&t.text));
        shape
    };
    for (old, new) in shape(ours).iter().zip(shape(now)).filter(|(a, b)| *a != b) {
        said.push(format!("{name}: {old} has become {new}"));
    }
}

/// Reads an XSD into the form of the table. Only what the CyberTipline schema uses is read: named
/// and anonymous types, sequences, choices, `all`, enumerations, and values with attributes.
fn read_xsd(root: &Node) -> Schema {
    let mut schema = Schema {
        types: BTreeMap::new(),
        words: BTreeMap::new(),
    };
    // First find the types that are nothing but text: elements of these are plain values.
    let mut plain: BTreeMap<String, String> = BTreeMap::new();
    for node in root.all("complexType").chain(root.all("simpleType")) {
        let name = node.attribute("name").unwrap_or_default().to_owned();
        if node.name == "simpleType" {
            let restriction = node.child("restriction");
            let words: Vec<_> = restriction
                .into_iter()
                .flat_map(|r| r.all("enumeration"))
                .filter_map(|e| e.attribute("value").map(str::to_owned))
                .collect();
            // Types with a pattern keep their names: the validator
            // has a rule for each (schema.rs, value).
            let pattern = restriction.is_some_and(|r| r.child("pattern").is_some());
            if !words.is_empty() {
                schema.words.insert(name, words);
            } else if !pattern {
                let base = restriction
                    .and_then(|r| r.attribute("base"))
                    .unwrap_or_default();
                plain.insert(name, base_type(base, &BTreeMap::new()));
            }
        } else if let Some(extension) = node
            .child("simpleContent")
            .and_then(|c| c.child("extension"))
            && extension.child("attribute").is_none()
        {
            let base = extension.attribute("base").unwrap_or_default();
            plain.insert(name, base_type(base, &BTreeMap::new()));
        }
    }
    for node in root.all("complexType") {
        let name = node.attribute("name").unwrap_or_default();
        if !plain.contains_key(name) {
            read_complex(name, node, &plain, &mut schema);
        }
    }
    for node in root.all("element") {
        let name = node.attribute("name").unwrap_or_default();
        if let Some(complex) = node.child("complexType") {
            read_complex(name, complex, &plain, &mut schema);
        }
    }
    schema
}

fn base_type(name: &str, plain: &BTreeMap<String, String>) -> String {
    let local = name.rsplit(':').next().unwrap_or_default();
    if name.contains(':') {
        match local {
            "string" => "s",
            "boolean" => "bool",
            "dateTime" => "time",
            other => other,
        }
        .to_owned()
    } else {
        plain
            .get(local)
            .cloned()
            .unwrap_or_else(|| local.to_owned())
    }
}

fn read_complex(name: &str, node: &Node, plain: &BTreeMap<String, String>, schema: &mut Schema) {
    let mut made = Type {
        order: Order::Empty,
        text: String::new(),
        particles: Vec::new(),
        attributes: Vec::new(),
    };
    let mut holder = node;
    for (word, order) in [
        ("sequence", Order::Sequence),
        ("all", Order::All),
        ("choice", Order::One),
    ] {
        if let Some(group) = node.child(word) {
            made.order = order;
            for one in &group.children {
                match one.name.as_str() {
                    "element" => made.particles.push(read_element(name, one, plain, schema)),
                    "choice" => {
                        let mut joined = Particle {
                            names: Vec::new(),
                            min: 1,
                            many: false,
                        };
                        for alternative in one.all("element") {
                            let p = read_element(name, alternative, plain, schema);
                            joined.names.extend(p.names);
                            // A choice may be missing if one of its elements may.
                            joined.min = joined.min.min(p.min);
                            joined.many |= p.many;
                        }
                        made.particles.push(joined);
                    }
                    _ => {}
                }
            }
        }
    }
    if let Some(extension) = node
        .child("simpleContent")
        .and_then(|c| c.child("extension"))
    {
        made.order = Order::Text;
        made.text = base_type(extension.attribute("base").unwrap_or_default(), plain);
        holder = extension;
    }
    for attribute in holder.all("attribute") {
        made.attributes.push(Attribute {
            name: attribute.attribute("name").unwrap_or_default().to_owned(),
            of: base_type(attribute.attribute("type").unwrap_or_default(), plain),
            required: attribute.attribute("use") == Some("required"),
        });
    }
    schema.types.insert(name.to_owned(), made);
}

fn read_element(
    parent: &str,
    node: &Node,
    plain: &BTreeMap<String, String>,
    schema: &mut Schema,
) -> Particle {
    let (name, of) = match (node.attribute("ref"), node.attribute("name")) {
        (Some(name), _) => (name, name.to_owned()),
        (None, name) => {
            let name = name.unwrap_or_default();
            let of = match (node.attribute("type"), node.child("complexType")) {
                (Some(of), _) => base_type(of, plain),
                (None, Some(complex)) => {
                    // An anonymous type is named after its element; the name `platform` occurs
                    // twice.
                    let own = match (parent, name) {
                        ("associatedAccount", "platform") => "associatedPlatform",
                        (_, name) => name,
                    };
                    read_complex(own, complex, plain, schema);
                    own.to_owned()
                }
                (None, None) => "s".to_owned(),
            };
            // `true` is the schema table's type for an element that can only be true.
            let fixed = node.attribute("fixed") == Some("true");
            (name, if fixed { "true".to_owned() } else { of })
        }
    };
    Particle {
        names: vec![(name.to_owned(), of)],
        min: u8::from(node.attribute("minOccurs") != Some("0")),
        many: node.attribute("maxOccurs") == Some("unbounded"),
    }
}
