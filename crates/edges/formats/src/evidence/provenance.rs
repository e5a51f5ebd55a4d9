//! Where exhibits come from and who handled them, in CASE (caseontology.org) and UCO.

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What an export's account begins with.
#[derive(Clone, Copy, Debug)]
pub struct Provenance<'a> {
    /// The export's id.
    pub export: &'a str,
    /// Who hands the evidence over.
    pub from: &'a str,
    /// Who receives it.
    pub to: &'a str,
    /// What for.
    pub purpose: &'a str,
    /// obhut's version.
    pub version: &'a str,
}

/// An exhibit and its history.
#[derive(Clone, Debug)]
pub struct Custody {
    /// The exhibit's id: 32 hexadecimal digits.
    pub exhibit: String,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
    /// Length of its content.
    pub bytes: u64,
    /// Its media type, where known.
    pub media_type: Option<String>,
    /// Its name or the place where it was found.
    pub source: Option<String>,
    /// Its case.
    pub case: Option<String>,
    /// What was done with it, in the order of the log.
    pub history: Vec<Handling>,
}

/// An entry about an exhibit.
#[derive(Clone, Debug)]
pub struct Handling {
    /// Index of the entry in the vault's log.
    pub index: u64,
    /// What happened: `put`, `read`, `erase`.
    pub what: String,
    /// When, microseconds since 1970.
    pub at: i64,
    /// Who did it.
    pub by: String,
    /// What for.
    pub purpose: String,
}

/// An identifier as CASE wants it, with a UUID: the same for the same name.
fn id(of: &str, name: &str) -> String {
    let digest = hex::encode(Sha256::digest(format!("obhut {of} {name}")));
    // As version 5 of RFC 9562, which is made of names as well: UCO's shapes know none above it.
    format!(
        "kb:{of}-{}-{}-5{}-8{}-{}",
        &digest[..8],
        &digest[8..12],
        &digest[13..16],
        &digest[17..20],
        &digest[20..32]
    )
}

fn time(micros: i64) -> Value {
    let at = Timestamp::from_microsecond(micros).unwrap_or_default();
    json!({ "@type": "xsd:dateTime", "@value": at.to_string() })
}

/// The account of an export, as JSON-LD.
pub fn provenance(about: Provenance<'_>, exhibits: &[Custody]) -> Value {
    let tool = id("tool", about.version);
    let mut graph = vec![
        json!({
            "@id": tool, "@type": "uco-tool:Tool",
            "uco-core:name": "obhut", "uco-tool:version": about.version,
        }),
        json!({
            "@id": id("investigation", about.export), "@type": "case-investigation:Investigation",
            "uco-core:name": about.export,
            "uco-core:description": format!("Handed over by {} to {}: {}", about.from, about.to, about.purpose),
        }),
    ];
    let mut people: Vec<&str> = Vec::new();
    for custody in exhibits {
        let file = id("file", &custody.exhibit);
        let hash = json!({
            "@id": id("hash", &custody.exhibit), "@type": "uco-types:Hash",
            "uco-types:hashMethod": "SHA256",
            "uco-types:hashValue": { "@type": "xsd:hexBinary", "@value": custody.sha256.to_uppercase() },
        });
        let mut content = json!({
            "@id": id("content", &custody.exhibit), "@type": "uco-observable:ContentDataFacet",
            "uco-observable:hash": hash,
            "uco-observable:sizeInBytes": integer(custody.bytes),
        });
        if let Some(media_type) = &custody.media_type {
            content["uco-observable:mimeType"] = json!(media_type);
        }
        let mut named = json!({
            "@id": id("name", &custody.exhibit), "@type": "uco-observable:FileFacet",
            "uco-observable:sizeInBytes": integer(custody.bytes),
        });
        if let Some(source) = &custody.source {
            named["uco-observable:fileName"] = json!(source);
        }
        graph.push(json!({
            "@id": file, "@type": "uco-observable:File",
            "uco-core:name": custody.exhibit,
            "uco-core:hasFacet": [content, named],
        }));
        let mut record = json!({
            "@id": id("provenance", &custody.exhibit), "@type": "case-investigation:ProvenanceRecord",
            "case-investigation:exhibitNumber": custody.exhibit,
            "uco-core:object": { "@id": file },
        });
        if let Some(case) = &custody.case {
            record["uco-core:description"] = json!(format!("Case {case}"));
        }
        graph.push(record);
        for handling in &custody.history {
            if !people.contains(&handling.by.as_str()) {
                people.push(&handling.by);
            }
            graph.push(json!({
                "@id": id("action", &handling.index.to_string()), "@type": "case-investigation:InvestigativeAction",
                "uco-core:name": format!("{} (entry {} of the log)", handling.what, handling.index),
                "uco-core:description": handling.purpose,
                "uco-action:startTime": time(handling.at),
                "uco-action:performer": { "@id": id("identity", &handling.by) },
                "uco-action:instrument": { "@id": tool },
                "uco-action:object": { "@id": file },
            }));
        }
    }
    for person in people {
        graph.push(json!({
            "@id": id("identity", person), "@type": "uco-identity:Identity", "uco-core:name": person,
        }));
    }
    json!({ "@context": context(), "@graph": graph })
}

fn integer(number: u64) -> Value {
    json!({ "@type": "xsd:integer", "@value": number.to_string() })
}

/// The namespaces of CASE 1.4 and UCO 1.4.
fn context() -> Value {
    let mut context = json!({
        "kb": "http://example.org/kb/",
        "case-investigation": "https://ontology.caseontology.org/case/investigation/",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    });
    for part in ["action", "core", "identity", "observable", "tool", "types"] {
        context[format!("uco-{part}")] = json!(format!(
            "https://ontology.unifiedcyberontology.org/uco/{part}/"
        ));
    }
    context
}
