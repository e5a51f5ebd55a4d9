//! Plain lists: one address a line and nothing else, as the sanctions lists for bitcoin are passed on.

use obhut_facts::TagRecord;

use super::TagFile;

/// Lines examined to detect the format.
const LINES_LOOKED_AT: usize = 50;

pub(super) fn is(text: &str) -> bool {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .take(LINES_LOOKED_AT);
    let address =
        |l: &str| (26..=90).contains(&l.len()) && l.bytes().all(|b| b.is_ascii_alphanumeric());
    lines.all(address)
}

pub(super) fn read(name: &str, text: &str) -> TagFile {
    let sanctions =
        name.to_lowercase().contains("sanction") || name.to_lowercase().contains("ofac");
    let (label, source) = if sanctions {
        (
            "OFAC sanctions list",
            "https://sanctionslist.ofac.treas.gov",
        )
    } else {
        (name, name)
    };
    let tags = text.lines().map(str::trim).filter(|l| !l.is_empty());
    TagFile {
        tags: tags
            .map(|address| TagRecord {
                address: address.to_owned(),
                label: label.to_owned(),
                actor: None,
                // Who is sanctioned isn't asked for customers.
                category: Some("user".into()),
                source: source.to_owned(),
                date: None,
                confidence: if sanctions { 60 } else { 5 },
                for_cluster: false,
                pack: name.to_owned(),
                creator: String::new(),
            })
            .collect(),
        ..TagFile::default()
    }
}
