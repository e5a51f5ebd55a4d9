//! A case in VICS, the exchange format of Project VIC, for the tools of forensic examiners.
//!
//! Readers compare the context exactly and expect it as the first key, so it is written first.
//! A category is written only if it is on a VICS scale, and none is translated: 0 and 5 have
//! opposite meanings in different tools.

use obhut_facts::{Dossier, ReportedFile, rfc3339};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::dossier_json;
use crate::form::{Omitted, Remark, Rendered};

/// The version that is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// 2.0: JSON's own booleans.
    Two,
    /// 1.3: booleans as the strings `True` and `False`.
    OneThree,
}

const SOURCE: &str = "Project VIC data model 2.0 (EDMX of 2024-09-23) and what IPED reads";

// Long: writes the elements in the order of the form.
pub(crate) fn render(d: &Dossier, version: Version) -> Rendered {
    let mut remarks = Vec::new();
    let facts = d.facts.expose();
    let mut media: Vec<Value> = Vec::new();
    for (number, file) in (1..).zip(&d.files) {
        match media_of(d, file, number, version) {
            Some(value) => media.push(value),
            None => remarks.push(Remark {
                field: format!("Media[{number}]/MD5"),
                what: "the file's bytes were not kept, so it has no MD5, by which VICS identifies files; the file is omitted".into(),
                source: SOURCE,
                stops: false,
            }),
        }
    }
    if media.is_empty() {
        remarks.push(Remark {
            field: "Media".into(),
            what: "no file of the case can be expressed in VICS, which is a format for media"
                .into(),
            source: SOURCE,
            stops: true,
        });
    }
    let id = guid(&d.case);
    let mut case = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            case.insert(name.to_owned(), value);
        }
    };
    let r = &d.reporter;
    let some = |t: &str| Some(t.to_owned()).filter(|t| !t.trim().is_empty());
    put("CaseID", id.into());
    put("CaseNumber", d.case.clone().into());
    put("ContactOrganization", some(&r.service).into());
    put(
        "ContactName",
        some(&format!("{} {}", r.first_name, r.last_name)).into(),
    );
    put("ContactEmail", some(&r.email).into());
    put("TotalMediaFiles", media.len().into());
    put("SourceApplicationName", "obhut".into());
    put("SourceApplicationVersion", env!("CARGO_PKG_VERSION").into());
    put("Media", media.into());
    let account = facts.reported.as_ref().and_then(|a| a.id.clone());
    if let Some(account) = account {
        put(
            "CaseMetadata",
            json!([{ "PropertyName": "Account", "PropertyValue": account }]),
        );
    }
    // The context first, regardless of map order.
    let (key, context) = match version {
        Version::Two => (
            "@odata.context",
            "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/Default/$metadata#Cases",
        ),
        Version::OneThree => (
            "odata.metadata",
            "http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Cases",
        ),
    };
    let value = serde_json::to_string_pretty(&[case]).expect("a case is JSON");
    let text = format!("{{\n\"{key}\": \"{context}\",\n\"value\": {value}\n}}\n");
    let mut used = vec!["facts.reported.id".to_owned()];
    for file in d.files.iter().filter(|f| f.digests.is_some()) {
        // In the loop: a series is written with each file, so without files it is omitted.
        used.push("facts.series".into());
        for field in [
            "original_name",
            "url",
            "uploaded_at",
            "annotations",
            "exif",
            "original_hashes",
            "note",
            "media_type",
        ] {
            used.push(format!("facts.files.{}.{field}", file.key));
        }
        if file
            .category
            .as_ref()
            .is_some_and(|c| c.scale.starts_with("vics"))
        {
            used.push(format!("facts.files.{}.category", file.key));
        }
    }
    let used: Vec<&str> = used.iter().map(String::as_str).collect();
    let mut omitted: Vec<Omitted> =
        dossier_json::left_out(facts, &used, "VICS has no field for it");
    let other = |f: &&ReportedFile| {
        let category = f.category.as_ref();
        category.is_some_and(|c| !c.scale.starts_with("vics"))
    };
    for file in d.files.iter().filter(other) {
        omitted.push(Omitted {
            field: format!("files.{}.category", file.key),
            why: "it is not on a VICS scale, and categories are not translated".into(),
        });
    }
    Rendered {
        report: text.into_bytes(),
        media_type: "application/json",
        files: Vec::new(),
        attached: Vec::new(),
        remarks,
        omitted,
    }
}

fn media_of(d: &Dossier, file: &ReportedFile, number: i32, version: Version) -> Option<Value> {
    let digests = file.digests.as_ref()?.expose();
    let facts = file.facts.expose();
    let truth = |v: bool| match version {
        Version::Two => Value::Bool(v),
        Version::OneThree => if v { "True" } else { "False" }.into(),
    };
    let category = file
        .category
        .as_ref()
        .filter(|c| c.scale.starts_with("vics"))
        .and_then(|c| c.value.parse::<u8>().ok());
    let marked = |mark: &str| facts.annotations.iter().any(|a| a == mark);
    let mut hashes =
        vec![json!({ "HashName": "SHA256", "HashValue": digests.sha256.to_ascii_uppercase() })];
    for other in &facts.original_hashes {
        hashes.push(json!({ "HashName": other.kind, "HashValue": other.value }));
    }
    let exifs: Vec<_> = facts
        .exif
        .iter()
        .map(|(n, v)| json!({ "PropertyName": n, "PropertyValue": v }))
        .collect();
    let name = facts
        .original_name
        .clone()
        .or_else(|| file.name.as_ref().map(|n| n.expose().clone()));
    // Unknown values are null here and removed by bare() below.
    let mut value = json!({
        "MediaID": number,
        "MD5": digests.md5.to_ascii_uppercase(),
        "SHA1": digests.sha1.to_ascii_uppercase(),
        "Category": category,
        // Written only if the file has the annotation; otherwise the value is unknown.
        "IsDistributed": marked("viral").then(|| truth(true)),
        "IsPrecategorized": truth(file.matched),
        "IsSuspected": truth(true),
        "SelfGenerated": marked("possibleSelfProduction").then(|| truth(true)),
        "Series": d.facts.expose().series,
        "Comments": facts.note,
        "Tags": Some(facts.annotations.join(";")).filter(|t| !t.is_empty()),
        "MediaSize": digests.bytes,
        "MimeType": file.media_type,
        "RelativeFilePath": file.exhibit,
        "DateUpdated": rfc3339(d.made_at),
        "AlternativeHashes": hashes,
        "Exifs": exifs,
        "MediaFiles": [{
            "MediaFileID": 1,
            "FileName": name,
            "FilePath": facts.url,
            "Created": facts.uploaded_at.clone().or_else(|| file.uploaded_at.map(rfc3339)),
        }],
    });
    dossier_json::bare(&mut value);
    Some(value)
}

/// A GUID derived from the SHA-256 of a text, so that the same case gives the same report. It is
/// marked as version 4, because readers require that, although its bits aren't random.
pub(crate) fn guid(text: &str) -> String {
    let mut bytes: [u8; 16] = Sha256::digest(text.as_bytes())[..16]
        .try_into()
        .expect("16 bytes");
    // The bits of version and variant in RFC 9562.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
