//! Files of tags: TagPack (YAML), ActorPack (YAML), CSV, plain lists of addresses.
//!
//! The format is detected from the content, never from the file name. A plain list is OFAC's if its
//! name says so (plain.rs). A row that can't be used is skipped and reported with its number;
//! broken YAML fails with line and column.

use obhut_facts::{ActorRecord, TagProblem, TagRecord};

mod actorpack;
mod plain;
mod table;
mod tagpack;

/// Longest file of tags, in bytes. Our judgement.
pub const FILE_BYTES_MAX: usize = 256 << 20;
/// Most tags in one file. Our judgement.
pub const TAGS_MAX: usize = 2_000_000;

/// The parsed contents of a tag file.
#[derive(Default, Debug)]
pub struct TagFile {
    /// Tags.
    pub tags: Vec<TagRecord>,
    /// Actors.
    pub actors: Vec<ActorRecord>,
    /// Rows that were skipped, fields that were ignored, and what the header lacks.
    pub problems: Vec<TagProblem>,
    /// Number of rows about other currencies; they are skipped.
    pub other_currencies: usize,
}

/// Confidence levels and their values, 0 to 100 (GraphSense TagPack, `confidence.csv`).
pub(crate) const CONFIDENCE: &[(&str, u8)] = &[
    ("override", 100),
    ("ownership", 100),
    ("ledger_immanent", 100),
    ("manual_transaction", 90),
    ("service_api", 70),
    ("forensic_investigation", 70),
    ("authority_data", 60),
    ("trusted_provider", 50),
    ("service_data", 50),
    ("forensic", 50),
    ("untrusted_transaction", 40),
    ("web_crawl", 20),
    ("heuristic", 10),
    ("unknown", 5),
];

/// The value of a confidence level, 0 to 100; `None` for an unknown one.
pub(crate) fn confidence(word: &str) -> Option<u8> {
    CONFIDENCE.iter().find(|c| c.0 == word).map(|c| c.1)
}

/// Reads a file of tags. `name` is its file name: problems show it, and tags of CSV and plain lists
/// take it as their pack and, if they have none, as their source. A plain list whose name contains
/// `ofac` or `sanction` is OFAC's; tags of any other plain list take the name as their label too.
///
/// # Errors
/// The file isn't UTF-8, is empty, too long or in no known format, or has too many tags.
pub fn read(name: &str, bytes: &[u8]) -> Result<TagFile, String> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(format!("it is longer than {FILE_BYTES_MAX} bytes"));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| format!("not valid UTF-8 at byte {}", e.valid_up_to()))?;
    let text = text.trim_start_matches('\u{feff}');
    let first = text
        .lines()
        .map(str::trim)
        .find(|l| !l.is_empty() && !l.starts_with('#'))
        .ok_or("it has nothing in it")?;
    // Strictest format first: TagPack takes what is left, and its error names TagPack and CSV.
    let file = if plain::is(text) {
        plain::read(name, text)
    } else if table::is(first) {
        table::read(name, text)
    } else if actorpack::is(text) {
        actorpack::read(name, text)?
    } else {
        tagpack::read(name, text)?
    };
    // Checked after reading: FILE_BYTES_MAX has already bounded the memory.
    if file.tags.len() > TAGS_MAX {
        return Err(format!("it has more than {TAGS_MAX} tags; split it"));
    }
    Ok(file)
}

/// A problem in a row, counted from 1; row 0 is the whole file.
pub(crate) fn problem(file: &str, row: usize, what: impl Into<String>) -> TagProblem {
    TagProblem {
        file: file.to_owned(),
        row,
        what: what.into(),
    }
}

/// True for any of bitcoin's names, in any case.
pub(crate) fn is_bitcoin(currency: &str) -> bool {
    ["btc", "xbt", "bitcoin"].contains(&currency.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(text: &str, expected: Expect) {
        let text = match read("file", text.as_bytes()) {
            Err(why) => why,
            Ok(file) => {
                let tags = file.tags.iter().map(|t| {
                    format!(
                        "{} {} {:?} {:?} {} {} {}\n",
                        t.address,
                        t.label,
                        t.actor,
                        t.category,
                        t.confidence,
                        t.for_cluster,
                        t.source
                    )
                });
                let actors = file
                    .actors
                    .iter()
                    .map(|a| format!("{} {:?} {:?}\n", a.id, a.legal_name, a.jurisdictions));
                let problems = file
                    .problems
                    .iter()
                    .map(|p| format!("{}: {}\n", p.row, p.what));
                let others = format!("{} other currencies", file.other_currencies);
                tags.chain(actors).chain(problems).chain([others]).collect()
            }
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn a_packs_header_applies_to_its_tags() {
        // The third tag is in another currency: it is counted and is not a problem.
        check(
            "title: T\ncreator: C\nconfidence: service_data\ncurrency: BTC\nlastmod: 2021-11-12\nsource: https://a.example\ncategory: exchange\nis_cluster_definer: true\ntags:\n- address: a\n  label: X\n  actor: x\n- address: b\n  label: Y\n  confidence: ownership\n  is_cluster_definer: false\n- address: c\n  label: Z\n  currency: ETH\n",
            expect![[r#"
                a X Some("x") Some("exchange") 50 true https://a.example
                b Y None Some("exchange") 100 false https://a.example
                1 other currencies"#]],
        );
    }

    #[test]
    fn invalid_rows_are_reported_and_skipped() {
        check(
            "title: T\ncreator: C\nshape: odd\ncurrency: BTC\nsource: s\ntags:\n- address: a\n- address: b\n  label: B\n  confidence: sure\n- label: C\n- address: d\n  label: D\n  colour: red\n- address: e\n  label: E\n- just words\n",
            expect![[r#"
                d D None None 5 true s
                e E None None 5 true s
                0: unknown field `shape` in the header, ignored
                0: `confidence` is neither in the header nor in every tag, but the schema requires it
                1: it has no label; ignored
                2: "sure" isn't a TagPack confidence level; ignored
                3: it has no address; ignored
                4: unknown field `colour`, ignored
                6: it isn't a mapping; ignored
                0 other currencies"#]],
        );
    }

    #[test]
    fn a_broken_pack_is_reported_with_its_line() {
        check(
            "title: T\ntags:\n- address: 'a\n",
            expect!["it isn't YAML; line 3, column 12: error: line 3 column 12: unclosed quote"],
        );
        check(
            "title: T\ncreator: C\n",
            expect![["it is a pack without `tags`"]],
        );
        check(
            "just words\n",
            expect![
                "it is neither a TagPack (YAML with `title`, `creator`, `tags`) nor CSV with columns `address` and `label`"
            ],
        );
        check("", expect![["it has nothing in it"]]);
    }

    #[test]
    fn tables_and_plain_lists() {
        // Semicolons and empty fields at the end, as spreadsheets write them.
        check(
            "Address;Label;Category;Confidence;Source\na;X;exchange;80;letter 7\nb;;;;\n",
            expect![[r#"
                a X None Some("exchange") 80 true letter 7
                2: it has no label; ignored
                0 other currencies"#]],
        );
        // The file's name says nothing about sanctions, so the tags get the lowest confidence.
        check(
            "123WBUDmSJv4GctdVEz6Qq6z8nXSKrJ4KX\n125W5ek3DT6Zqy5S2iPt4FHQdNMCbZA3FU\n",
            expect![[r#"
                123WBUDmSJv4GctdVEz6Qq6z8nXSKrJ4KX file None Some("user") 5 false file
                125W5ek3DT6Zqy5S2iPt4FHQdNMCbZA3FU file None Some("user") 5 false file
                0 other currencies"#]],
        );
        check(
            "title: A\ncreator: C\nactors:\n- id: x\n  uri: https://x.example\n  label: X\n  jurisdictions: [DE, MT]\n  context: '{\"legal_name\": \"X GmbH\"}'\n- label: nameless\n",
            expect![[r#"
                x Some("X GmbH") ["DE", "MT"]
                2: it has no id; ignored
                0 other currencies"#]],
        );
    }
}
