//! Every limit in the code says what it limits and where its number comes from.
//! docs/reference/limits.md lists those in crates/ whose names end in `_MAX`.

mod tree;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tree::{files, read, root, sources};

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

/// A constant whose name marks a limit.
struct Limit {
    name: String,
    /// As written in the source; `None` if it spans several lines.
    value: Option<String>,
    /// Its docstring.
    doc: String,
    /// Docstring and comments.
    comment: String,
}

fn limits_in(text: &str) -> Vec<Limit> {
    let (mut doc, mut comment) = (String::new(), String::new());
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("//") {
            comment += words;
            doc += words.strip_prefix('/').unwrap_or_default();
            continue;
        }
        // An attribute may come between a docstring and its constant.
        if line.starts_with("#[") {
            continue;
        }
        let constant = [
            "pub(crate) const ",
            "pub(super) const ",
            "pub const ",
            "const ",
        ]
        .iter()
        .find_map(|start| line.strip_prefix(start));
        if let Some(rest) = constant {
            let name = rest.split(':').next().unwrap_or_default();
            if ENDINGS.iter().any(|e| name.ends_with(e)) {
                let value = rest.strip_suffix(';').and_then(|r| r.split_once(" = "));
                found.push(Limit {
                    name: name.to_owned(),
                    value: value.map(|v| v.1.to_owned()),
                    doc: doc.trim().to_owned(),
                    comment: std::mem::take(&mut comment),
                });
            }
        }
        doc.clear();
        comment.clear();
    }
    found
}

fn without_origin(text: &str) -> Vec<String> {
    limits_in(text)
        .into_iter()
        .filter(|limit| !ORIGINS.iter().any(|o| limit.comment.contains(o)))
        .map(|limit| limit.name)
        .collect()
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
    // A comment belongs to the constant below it only.
    let second = format!("{judged}const LINE_BYTES_MAX: u64 = 1;\n");
    assert_eq!(without_origin(&second), ["LINE_BYTES_MAX"]);
}

/// The reference, made from the constants ending in `_MAX`: name, value, meaning, file. Also a
/// message for each of them that has no docstring.
fn page() -> (String, Vec<String>) {
    let (mut by_file, mut unexplained) = (BTreeMap::<String, String>::new(), Vec::new());
    for file in files("crates")
        .into_iter()
        .filter(|f| f.contains("/src/") && f.ends_with(".rs"))
    {
        for limit in limits_in(&read(&root().join(&file))) {
            let (name, doc) = (&limit.name, &limit.doc);
            let Some(value) = limit.value.filter(|_| name.ends_with("_MAX")) else {
                continue;
            };
            if doc.is_empty() {
                unexplained.push(format!(
                    "{file}: say what {name} limits, with its unit, in a docstring"
                ));
            }
            let row = by_file.entry(file.clone()).or_default();
            let _ = writeln!(row, "| `{name}` | `{value}` | {doc} |");
        }
    }
    let mut page = String::from(
        "# Limits\n\nGenerated from the constants by `cargo xtask docs`. What each means for input from outside is \
         explained in [Promises, limits, formats](../handling.md#limits-on-input).\n",
    );
    for (file, rows) in by_file {
        let short = file.trim_start_matches("crates/").replace("/src/", "/");
        let _ = write!(
            page,
            "\n## {short}\n\n| constant | value | meaning |\n|---|---|---|\n{rows}"
        );
    }
    (page, unexplained)
}

#[test]
fn the_limits_reference_is_current() {
    let (page, unexplained) = page();
    assert!(page.contains("`FACTS_BYTES_MAX`"), "the constants are read");
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    let path = root().join("docs/reference/limits.md");
    if std::env::var_os("OBHUT_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("docs/reference can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/reference/limits.md is out of date; `cargo xtask docs` writes it"
    );
}

/// The other direction: the table for users names no constant that is gone.
#[test]
fn every_limit_named_for_users_exists() {
    let sources: Vec<String> = files("crates")
        .into_iter()
        .filter(|f| f.ends_with(".rs"))
        .map(|f| read(&root().join(f)))
        .collect();
    let handling = read(&root().join("docs/handling.md"));
    for word in handling
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|w| w.ends_with("_MAX"))
    {
        assert!(
            sources.iter().any(|s| s.contains(word)),
            "docs/handling.md names {word}, which is gone"
        );
    }
}
