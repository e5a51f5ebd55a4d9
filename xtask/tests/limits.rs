//! Every limit in the code says where its number comes from.

mod tree;

use tree::{read, root, sources};

/// Endings of names that mark a limit, an interval or a threshold.
const ENDINGS: &[&str] = &[
    "_MAX", "_MIN", "_DAYS", "_EVERY", "_LIMIT", "_SECONDS", "_TIMEOUT", "_WAIT",
];

/// Words that name an origin: a person's judgement, a document, or the layout of the data.
const ORIGINS: &[&str] = &[
    "judgement",
    "Source",
    "documentation",
    "schema",
    "own limit",
    "consensus",
    "Given by",
    "RFC",
    "BIP",
    "ISO",
    "USC",
    "ThreatExchange",
    "threatexchange",
    "http",
];

/// Names of limits in a source text whose comment names no origin.
fn without_origin(text: &str) -> Vec<String> {
    let mut comment = String::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("//") {
            comment.push_str(words);
            continue;
        }
        if line.starts_with("#[") {
            continue;
        }
        let item = line
            .strip_prefix("pub ")
            .or_else(|| line.strip_prefix("pub(crate) "))
            .or_else(|| line.strip_prefix("pub(super) "))
            .unwrap_or(line);
        if let Some(name) = item
            .strip_prefix("const ")
            .and_then(|rest| rest.split(':').next())
            && ENDINGS.iter().any(|e| name.ends_with(e))
            && !ORIGINS.iter().any(|o| comment.contains(o))
        {
            found.push(name.to_string());
        }
        comment.clear();
    }
    found
}

#[test]
fn every_limit_names_its_origin() {
    let mut bare = Vec::new();
    for path in sources() {
        if path.contains("/tests") || path.ends_with("tests.rs") {
            continue;
        }
        let names = without_origin(&read(&root().join(&path)));
        bare.extend(names.into_iter().map(|n| format!("{path}: {n}")));
    }
    assert!(
        bare.is_empty(),
        "these don't say where their number comes from; name the source in the comment, or write \
         \"Our judgement\" and what it balances:\n{}",
        bare.join("\n")
    );
}

#[test]
fn a_limit_without_an_origin_is_noticed() {
    let bare = "/// Longest file, in bytes.\npub(crate) const FILE_BYTES_MAX: u64 = 1;\n";
    assert_eq!(without_origin(bare), ["FILE_BYTES_MAX"]);
    let judged = "/// Longest file, in bytes. Our judgement.\nconst FILE_BYTES_MAX: u64 = 1;\n";
    assert!(without_origin(judged).is_empty());
}
