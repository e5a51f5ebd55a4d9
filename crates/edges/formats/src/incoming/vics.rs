//! A VICS case as an incoming report: digests, names and series of its media. VICS has no field for
//! a suspect.

use obhut_facts::{
    Facts, FileFacts, IncidentKind, IncomingFormat, ParsedReport, Sealed, Understood,
};

use super::json::{items, own};
use super::{Format, Input, empty, put_digest};

pub(super) const FORMAT: Format = Format {
    is: |input| {
        input.json.as_ref().is_some_and(|v| {
            let context = v["@odata.context"]
                .as_str()
                .or(v["odata.metadata"].as_str());
            context.is_some_and(|c| c.contains("ProjectVic"))
        })
    },
    read,
};

/// Most media of one report whose names and notes are kept; the digests of all are kept. Our
/// judgement.
const MEDIA_FACTS_MAX: usize = 1_000;

fn read(input: &Input<'_>) -> Result<ParsedReport, String> {
    let value = input.json.as_ref().expect("is() accepted the input");
    let mut given = empty(IncomingFormat::Vics);
    let mut facts = Facts {
        incident: Some(IncidentKind::Material),
        ..Facts::default()
    };
    let cases = items(value, "value");
    // A list of media has no case around it.
    let media: Vec<_> = cases
        .iter()
        .flat_map(|c| match c["Media"].is_array() {
            true => items(c, "Media"),
            false => vec![*c],
        })
        .collect();
    given.number = cases.first().and_then(|c| own(c, "CaseNumber"));
    for (number, medium) in media.iter().enumerate() {
        for (kind, name) in [("md5", "MD5"), ("sha1", "SHA1")] {
            if let Some(digest) = own(medium, name) {
                put_digest(&mut given, kind, &digest);
            }
        }
        for other in items(medium, "AlternativeHashes") {
            let (kind, digest) = (own(other, "HashName"), own(other, "HashValue"));
            put_digest(
                &mut given,
                &kind.unwrap_or_default(),
                &digest.unwrap_or_default(),
            );
        }
        facts.series = facts.series.or_else(|| own(medium, "Series"));
        if number < MEDIA_FACTS_MAX {
            let known = FileFacts {
                original_name: own(medium, "RelativeFilePath"),
                media_type: own(medium, "MimeType"),
                note: own(medium, "Comments"),
                ..FileFacts::default()
            };
            facts.files.insert(format!("{:05}", number + 1), known);
        }
    }
    if media.is_empty() {
        given.understood = Understood::Partly;
    }
    given.facts = Sealed::new(facts);
    Ok(given)
}
