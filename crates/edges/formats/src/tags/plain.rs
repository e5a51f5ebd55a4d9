//! Plain lists: one address a line and nothing else, the form in which bitcoin sanctions lists
//! circulate.

use obhut_facts::TagRecord;

use super::TagFile;

/// Lines examined to detect the format. Our judgement.
const LINES_LOOKED_AT: usize = 50;

pub(super) fn is(text: &str) -> bool {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .take(LINES_LOOKED_AT);
    // Base58 addresses have 26 characters at least, Bech32 has 90 at most (BIP 173).
    let address =
        |l: &str| (26..=90).contains(&l.len()) && l.bytes().all(|b| b.is_ascii_alphanumeric());
    lines.all(address)
}

pub(super) fn read(name: &str, text: &str) -> TagFile {
    // Only the file name can say that a list is OFAC's: the list itself has nothing but addresses.
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
                // `user` is not a service: a sanctioned party is never asked who its customers are.
                category: Some("user".into()),
                source: source.to_owned(),
                date: None,
                // The values of `authority_data` and `unknown` (CONFIDENCE in tags.rs).
                confidence: if sanctions { 60 } else { 5 },
                // The list names single addresses and says nothing about what was spent with them.
                for_cluster: false,
                pack: name.to_owned(),
                creator: String::new(),
            })
            .collect(),
        ..TagFile::default()
    }
}
