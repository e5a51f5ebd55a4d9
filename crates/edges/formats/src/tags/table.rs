//! CSV with the columns `address` and `label`, and optionally category, actor, source, date,
//! confidence, currency, cluster, creator.

use obhut_facts::TagRecord;

use super::{TagFile, confidence, is_bitcoin, problem};

pub(super) fn is(first: &str) -> bool {
    columns(first).is_some()
}

/// The separator and the columns' names, in lower case; `None` unless the line has a column
/// `address` and at least one other column.
fn columns(first: &str) -> Option<(u8, Vec<String>)> {
    [b',', b';', b'\t'].into_iter().find_map(|separator| {
        // Split without quoting rules: a column name with the
        // separator in it would shift the others.
        let names: Vec<String> = first
            .split(char::from(separator))
            .map(|n| n.trim().trim_matches('"').to_lowercase())
            .collect();
        (names.len() > 1 && names.iter().any(|n| n == "address")).then_some((separator, names))
    })
}

pub(super) fn read(name: &str, text: &str) -> TagFile {
    let mut file = TagFile::default();
    let first = text
        .lines()
        .find(|l| !l.trim().is_empty() && !l.trim().starts_with('#'))
        .unwrap_or_default();
    let Some((separator, names)) = columns(first) else {
        return file;
    };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    for (row, record) in (1..).zip(reader.records()) {
        let record = match record {
            Ok(record) => record,
            Err(e) => {
                file.problems
                    .push(problem(name, row, format!("{e}; ignored")));
                continue;
            }
        };
        let field = |wanted: &[&str]| {
            let at = names.iter().position(|n| wanted.contains(&n.as_str()))?;
            // Rows may end early (`flexible`), so a column may have no field here.
            let value = record.get(at)?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        // A missing currency counts as bitcoin.
        if field(&["currency", "network"]).is_some_and(|c| !is_bitcoin(&c)) {
            file.other_currencies += 1;
            continue;
        }
        let (Some(address), label) = (field(&["address"]), field(&["label", "name"])) else {
            file.problems
                .push(problem(name, row, "it has no address; ignored"));
            continue;
        };
        let Some(label) = label else {
            file.problems
                .push(problem(name, row, "it has no label; ignored"));
            continue;
        };
        let said = field(&["confidence"]);
        let sure = match said.as_deref() {
            // The value of TagPack's `unknown`.
            None => Some(5),
            Some(word) => confidence(word).or_else(|| word.parse().ok().filter(|n| *n <= 100)),
        };
        let Some(sure) = sure else {
            let what = "its confidence is neither a number from 0 to 100 nor a TagPack confidence level; ignored";
            file.problems.push(problem(name, row, what));
            continue;
        };
        // With any other word, or with none, the tag applies to the whole cluster, as in
        // tagpack.rs.
        let alone = ["no", "false", "0", "nein"];
        file.tags.push(TagRecord {
            address,
            label,
            actor: field(&["actor"]),
            category: field(&["category"]),
            source: field(&["source"]).unwrap_or_else(|| name.to_owned()),
            date: field(&["date", "lastmod"]),
            confidence: sure,
            for_cluster: field(&["cluster", "is_cluster_definer"])
                .is_none_or(|c| !alone.contains(&c.to_lowercase().as_str())),
            pack: name.to_owned(),
            creator: field(&["creator"]).unwrap_or_default(),
        });
    }
    file
}
