//! Tests of the project's structure: which files, names and tables belong where. Each message names
//! the remedy. docs/architecture.md describes the same.

mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;
use tree::{LAYERS, files, name_of, read, root, sources};

/// Names of files that say nothing of what is in them.
const NO_NAMES: &[&str] = &[
    "common",
    "utils",
    "util",
    "types",
    "model",
    "models",
    "core",
    "errors",
    "error",
    "config",
    "macros",
    "test-utils",
    "test_utils",
    "db",
    "api-client",
    "api_client",
    "plugins",
    "telemetry",
    "facade",
    "misc",
    "helpers",
];

/// Folder of a registry → the constant that each of its files must define; empty where a file only
/// needs a route. The registry's list is in the file next to the folder, and an entry has the name
/// of its file.
const REGISTRIES: &[(&str, &str)] = &[
    ("crates/kernels/hash/src/kinds", "KIND"),
    ("crates/edges/formats/src/reports", "FORM"),
    ("crates/edges/partners/src/destinations", "DESTINATION"),
    ("crates/kernels/typologies/src/indicators", "INDICATOR"),
    ("crates/kernels/chain/src/heuristics", "HEURISTIC"),
    ("crates/kernels/chain/src/coinjoins", "COINJOIN"),
    ("crates/server/src/api", ""),
    ("crates/server/src/pages", "PAGE"),
];

/// Path prefixes of the only files that may say `unsafe`.
const UNSAFE: &[&str] = &[
    "crates/kernels/hash/src/arch/",
    "crates/kernels/index/src/arch/",
    "crates/kernels/chain/src/map.rs",
    "crates/kernels/decode/src/sandbox.rs",
    "crates/kernels/decode/src/shared.rs",
];

/// Longest source file, in lines. Our judgement.
const LINES_MAX: usize = 900;

#[test]
fn every_file_of_a_registry_is_listed_under_its_own_name() {
    for (folder, entry) in REGISTRIES {
        let registry = read(&root().join(format!("{folder}.rs")));
        let depth = folder.matches('/').count() + 1;
        for file in files(folder)
            .into_iter()
            .filter(|f| f.ends_with(".rs") && f.matches('/').count() == depth)
            .filter(|f| !f.ends_with("/tests.rs"))
        {
            let stem = file
                .rsplit('/')
                .next()
                .unwrap()
                .trim_end_matches(".rs")
                .to_owned();
            assert!(
                registry.contains(&format!("mod {stem};")),
                "{file}: add `mod {stem};` to {folder}.rs"
            );
            if entry.is_empty() {
                assert!(
                    registry.contains(&format!("{stem}::")),
                    "{file}: add its routes to {folder}.rs"
                );
                continue;
            }
            assert!(
                registry.contains(&format!("{stem}::{entry}")),
                "{file}: add `{stem}::{entry}` to ALL in {folder}.rs"
            );
            let text = read(&root().join(&file));
            assert!(
                text.contains(&format!("pub const {entry}:"))
                    || text.contains(&format!("pub(crate) const {entry}:"))
                    || text.contains(&format!("pub(super) const {entry}:")),
                "{file}: give it its `const {entry}`"
            );
            if *entry == "DESTINATION" {
                let form = [
                    format!("reports::{stem}::FORM"),
                    format!("reports::{stem}::{{"),
                ];
                assert!(
                    form.iter().any(|f| text.contains(f)),
                    "{file}: name its form, `reports::{stem}::FORM`"
                );
            } else if *entry != "PAGE" {
                // In the entry itself: other items of the file may have a name as well.
                let after = text
                    .split(&format!("const {entry}"))
                    .nth(1)
                    .unwrap_or(&text);
                let name = after
                    .split("name: \"")
                    .nth(1)
                    .and_then(|n| n.split('"').next());
                assert!(
                    name.is_some_and(|n| n == stem || n == stem.replace('_', "-")),
                    "{file}: its name in the data must be \"{}\", like the file's",
                    stem.replace('_', "-")
                );
            }
        }
    }
}

#[test]
fn every_source_file_opens_with_a_sentence() {
    for file in sources() {
        let text = read(&root().join(&file));
        assert!(
            text.starts_with("//! "),
            "{file}: open it with one sentence that says what it turns into what"
        );
    }
}

#[test]
fn no_file_is_too_long() {
    for file in sources() {
        let lines = read(&root().join(&file)).lines().count();
        assert!(
            lines <= LINES_MAX,
            "{file} has {lines} lines; split it by subject"
        );
    }
}

#[test]
fn names_say_something() {
    for file in sources() {
        let stem = file.rsplit('/').next().unwrap().trim_end_matches(".rs");
        assert!(
            !NO_NAMES.contains(&stem),
            "{file}: name the file after what it is about"
        );
        // In tests/, cargo would compile a file `foo.rs` as a separate test.
        assert!(
            stem != "mod" || file.contains("/tests/"),
            "{file}: put it beside its folder as foo.rs"
        );
    }
}

/// Folder with numbered migrations, and the source folder whose modules own their tables.
const MIGRATIONS: &[(&str, &str)] = &[
    (
        "crates/foundation/store/migrations",
        "crates/foundation/store/src",
    ),
    (
        "crates/foundation/casework/migrations",
        "crates/foundation/casework/src",
    ),
    (
        "crates/domains/media/migrations",
        "crates/domains/media/src",
    ),
    (
        "crates/domains/payments/migrations",
        "crates/domains/payments/src",
    ),
    (
        "crates/domains/intake/migrations",
        "crates/domains/intake/src",
    ),
    (
        "crates/domains/bitcoin/migrations",
        "crates/domains/bitcoin/src",
    ),
];

/// The file of the module that a migration is named after: `0037_payments_alerts.sql` belongs to
/// `payments/alerts.rs`, and `0003_lists.sql` to `lists.rs`.
fn owner_of(migration: &str, sources: &str) -> String {
    let stem = migration.rsplit('/').next().unwrap();
    let (number, name) = stem.trim_end_matches(".sql").split_once('_').unwrap();
    assert!(
        number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit()),
        "{migration}: name it NNNN_<module>.sql"
    );
    let whole = format!("{sources}/{name}.rs");
    let inner = name
        .split_once('_')
        .map(|(a, b)| format!("{sources}/{a}/{b}.rs"));
    match inner {
        _ if root().join(&whole).exists() => whole,
        Some(inner) if root().join(&inner).exists() => inner,
        _ => panic!(
            "{migration}: there is no module {name} in {sources}; name the file after the module that owns the table"
        ),
    }
}

/// The tables that statements name after one of these words.
fn tables_named(text: &str, after: &[&str]) -> BTreeSet<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        .windows(2)
        .filter(|w| after.contains(&w[0].trim_start_matches(['"', '('])))
        .map(|w| {
            w[1].split('(')
                .next()
                .unwrap()
                .trim_matches(['"', ')', ',', ';'])
                .to_owned()
        })
        .collect()
}

const NAMING: &[&str] = &["FROM", "INTO", "UPDATE", "JOIN", "REFERENCES"];

#[test]
fn each_table_is_named_by_exactly_one_module() {
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    let mut modules: Vec<(String, String)> = Vec::new();
    for (folder, sources) in MIGRATIONS {
        for file in files(folder).into_iter().filter(|f| f.ends_with(".sql")) {
            let owner = owner_of(&file, sources);
            for name in tables_named(&read(&root().join(&file)), &["TABLE"]) {
                let first = owners.entry(name.clone()).or_insert(owner.clone());
                assert_eq!(
                    *first, owner,
                    "{file} changes the table {name}, which is {first}'s: name the file after that module"
                );
            }
        }
        modules.extend(
            files(sources)
                .into_iter()
                .filter(|f| f.ends_with(".rs"))
                .map(|f| (f.clone(), read(&root().join(f)))),
        );
    }
    assert!(owners.len() >= 30, "the tables were not found: {owners:?}");
    for (table, owner) in &owners {
        let module = owner.trim_end_matches(".rs");
        for (file, text) in &modules {
            // A module's own files are the module.
            if file == owner || file.starts_with(&format!("{module}/")) {
                continue;
            }
            assert!(
                !tables_named(text, NAMING).contains(table),
                "{file} names the table {table}, which is {owner}'s; ask {owner} for a function"
            );
        }
    }
}

#[test]
fn a_table_named_outside_its_module_is_noticed() {
    for statement in [
        "sqlx::query(\"SELECT 1 FROM cases\")",
        "\"INSERT INTO cases (id) VALUES ($1)\"",
        "UPDATE cases SET x = 1",
        "FROM a JOIN cases ON",
    ] {
        assert!(
            tables_named(statement, NAMING).contains("cases"),
            "{statement}"
        );
    }
    assert!(!tables_named("the cases of a person", NAMING).contains("cases"));
}

/// A released migration is never edited: at every start the program compares the checksums of the
/// migrations that a database has run with its own.
#[test]
fn every_migration_is_listed_and_none_is_edited() {
    use sha2::{Digest as _, Sha256};
    let pinned = read(&root().join("xtask/migrations.sha256"));
    for (folder, sources) in MIGRATIONS {
        let list = read(&root().join(sources).join("migrations.rs"));
        for file in files(folder) {
            let name = file.rsplit('/').next().unwrap();
            assert!(
                list.contains(&format!("migrations/{name}\"")),
                "{file}: add it to ALL in {sources}/migrations.rs"
            );
            let digest: String = Sha256::digest(read(&root().join(&file)))
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            assert!(
                pinned.contains(&format!("{digest}  {file}\n")),
                "{file} was edited, or is new. A file that was released is never edited: put it back and add another. A new one: add the line\n{digest}  {file}\nto xtask/migrations.sha256"
            );
        }
    }
}

/// Number of the last migration before the vault's log covered the database.
const COVERED_SINCE: u32 = 78;

/// The tables of `COVERED` in a crate's migrations.rs.
fn covered_tables(list: &str) -> Vec<String> {
    let named = |before: &str| -> Vec<String> {
        let rest = list.split(before).skip(1);
        let quoted = rest.filter_map(|r| r.split('"').next());
        quoted.map(str::to_owned).collect()
    };
    [named("table: \""), named("by_id(\"")].concat()
}

/// The tables that a migration gives other columns.
fn altered(sql: &str) -> Vec<String> {
    let upper = sql.to_uppercase();
    let found = upper.match_indices("ALTER TABLE ");
    let after = found.map(|(at, what)| sql[at + what.len()..].split_whitespace());
    after
        .filter_map(|mut words| {
            let (table, act) = (words.next()?, words.next()?);
            ["ADD", "DROP", "RENAME"]
                .contains(&act.to_uppercase().as_str())
                .then(|| table.trim_matches('"').to_lowercase())
        })
        .collect()
}

/// The log commits to every column of a covered row: with one column more, each old row differs from
/// its leaf, and verification calls all of them changed.
#[test]
fn no_covered_table_gets_other_columns() {
    let covered: Vec<String> = MIGRATIONS
        .iter()
        .flat_map(|(_, sources)| covered_tables(&read(&root().join(sources).join("migrations.rs"))))
        .collect();
    assert!(covered.len() >= 30, "{covered:?}");
    for file in MIGRATIONS.iter().flat_map(|(folder, _)| files(folder)) {
        let number = file
            .rsplit('/')
            .next()
            .and_then(|name| name.get(..4)?.parse().ok());
        if number.is_none_or(|n: u32| n <= COVERED_SINCE) {
            continue;
        }
        for table in altered(&read(&root().join(&file))) {
            assert!(
                !covered.contains(&table),
                "{file}: {table} is covered by the vault's log; put the new columns into a table of their own, or let row_log.rs verify and seal its rows anew"
            );
        }
    }
    assert_eq!(
        altered("-- x\nalter table Cases add column a TEXT;\nCREATE TABLE b (c TEXT);"),
        ["cases"]
    );
    assert!(covered.iter().any(|t| t == "decisions") && covered.iter().any(|t| t == "lists"));
}

#[test]
fn unsafe_stays_where_it_is_allowed() {
    for file in sources()
        .into_iter()
        .filter(|f| !f.starts_with("xtask/tests/"))
    {
        let says = read(&root().join(&file)).lines().any(|l| {
            let code = l.split("//").next().unwrap_or_default();
            code.split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word == "unsafe")
        });
        assert!(
            !says || UNSAFE.iter().any(|u| file.starts_with(u)),
            "{file}: `unsafe` lives only in {UNSAFE:?}"
        );
    }
    let manifest: toml::Table = read(&root().join("Cargo.toml")).parse().unwrap();
    assert_eq!(
        manifest["workspace"]["lints"]["rust"]["unsafe_code"].as_str(),
        Some("deny")
    );
    for name in LAYERS.iter().map(|(folder, _)| name_of(folder)) {
        assert_eq!(
            tree::manifest(name)["lints"]["workspace"].as_bool(),
            Some(true),
            "crates/{name}: add `[lints] workspace = true`"
        );
    }
}

#[test]
fn no_test_is_switched_off_and_nothing_is_left_to_do() {
    for file in sources()
        .into_iter()
        .filter(|f| !f.starts_with("xtask/tests/"))
    {
        let text = read(&root().join(&file));
        for word in [
            "#[ignore",
            "todo!(",
            "unimplemented!(",
            "FIXME",
            "// TODO",
            "XXX",
        ] {
            assert!(
                !text.contains(word),
                "{file} says {word}: finish it, or say the limit where its user looks"
            );
        }
    }
}

/// True if a string in this line of code names a command or an option: the program's name with a
/// command, or a flag.
fn names_a_command(line: &str) -> bool {
    let code = line.trim_start();
    // The first bytes of a list file ("obhut list 1") aren't a command.
    if code.starts_with("//") || code.contains("MAGIC") {
        return false;
    }
    const COMMANDS: &[&str] = &[
        "alarm",
        "appeal",
        "case",
        "chain",
        "deadline",
        "destination",
        "intake",
        "list",
        "payments",
        "person",
        "report",
        "route",
        "serve",
        "settings",
        "vault",
    ];
    let quoted = code.split('"').skip(1).step_by(2);
    let names = |text: &str| {
        let after = text.split("obhut ").skip(1);
        let mut words = after.filter_map(|rest| rest.split_whitespace().next());
        words.any(|w| COMMANDS.contains(&w))
    };
    quoted.into_iter().any(|text| {
        names(text)
            || text.contains("`obhut ")
            || text.contains("(--")
            || text.contains("`--")
            || text.contains("; obhut ")
    })
}

/// HTTP clients and command-line users read the same messages.
#[test]
fn no_library_text_names_a_command_or_an_option() {
    for file in sources().into_iter().filter(|f| {
        f.starts_with("crates/")
            && f.contains("/src/")
            && !f.starts_with("crates/cli/")
            // A report about a chain is printed by the binary and says how to repeat it; pages say
            // what is done at the shell only.
            && !f.ends_with("server/src/chain_report.rs")
            && !f.contains("server/src/pages/")
    }) {
        for (at, line) in read(&root().join(&file)).lines().enumerate() {
            assert!(
                !names_a_command(line),
                "{file}:{}: a library's text names a command or an option; say what is wrong, and let crates/cli/src/hints.rs say what to type",
                at + 1
            );
        }
    }
    assert!(names_a_command(
        "    .ok_or(\"no case; `obhut case list` shows them\")"
    ));
    assert!(names_a_command("\"say why (--reason)\""));
    assert!(!names_a_command("/// `obhut case list` shows them"));
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    for file in files("").into_iter().filter(|f| f.ends_with(".md")) {
        let text = read(&root().join(&file));
        let folder = root().join(&file).parent().unwrap().to_owned();
        for part in text.split("](").skip(1) {
            let link = part
                .split(')')
                .next()
                .unwrap_or_default()
                .split('#')
                .next()
                .unwrap_or_default();
            if link.is_empty() || link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            assert!(
                folder.join(link).exists(),
                "{file}: the link to {link} leads nowhere"
            );
        }
    }
}

#[test]
fn every_fixture_has_its_origin_on_record() {
    let origins = read(&root().join("fixtures/ORIGINS.md"));
    let media = [
        "jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff", "heic", "avif", "mp4", "mov",
        "webm", "ts", "dat", "bin",
    ];
    for file in files("") {
        let extension = file.rsplit('.').next().unwrap_or_default().to_lowercase();
        let fixture = file.starts_with("fixtures/") && file != "fixtures/ORIGINS.md";
        let data = file.contains("/tests/") && !file.ends_with(".rs");
        if fixture || data || media.contains(&extension.as_str()) {
            assert!(
                origins.contains(&file),
                "{file} has no line in fixtures/ORIGINS.md: say where it comes from and that it is harmless"
            );
        }
    }
}

/// Checks the main rules of deny.toml in every test run; `cargo deny check` checks all of them
/// where it is installed.
#[test]
fn every_dependency_has_a_licence_we_accept_and_comes_from_the_registry() {
    let deny: toml::Table = read(&root().join("deny.toml")).parse().unwrap();
    let allowed: BTreeSet<String> = deny["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap().to_owned())
        .collect();
    let banned: BTreeSet<String> = deny["bans"]["deny"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["crate"].as_str().unwrap().to_owned())
        .collect();
    // Only what this machine builds: packages of other systems are not downloaded by a build.
    let about = Command::new("rustc")
        .arg("-vV")
        .current_dir(root())
        .output()
        .unwrap();
    let about = String::from_utf8(about.stdout).unwrap();
    let host = about
        .lines()
        .find_map(|l| l.strip_prefix("host: "))
        .unwrap();
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            host,
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--locked",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(tree.status.success());
    let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
    let built: BTreeSet<&str> = tree.lines().filter_map(|l| l.split(' ').next()).collect();
    assert!(
        built.len() > 100,
        "cargo tree listed fewer packages than obhut has ever had"
    );
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        assert!(!banned.contains(name), "{name} is banned in deny.toml");
        let Some(source) = package["source"].as_str() else {
            continue;
        };
        // Metadata also names packages that none of our features builds.
        if !built.contains(name) {
            continue;
        }
        assert!(
            source.starts_with("registry+"),
            "{name} does not come from the registry"
        );
        let licence = package["license"]
            .as_str()
            .unwrap_or_default()
            .replace('/', " OR ");
        let expression = spdx::Expression::parse_mode(&licence, spdx::ParseMode::LAX)
            .unwrap_or_else(|e| panic!("{name}: \"{licence}\" is no licence expression: {e}"));
        let fine = expression.evaluate(|r| {
            allowed.contains(&r.license.to_string()) || allowed.contains(&r.to_string())
        });
        assert!(
            fine,
            "{name} is under \"{licence}\", which deny.toml does not allow"
        );
    }
}

/// Longest function without a `// Long:` comment, in lines. Our judgement.
const FUNCTION_LINES_MAX: usize = 80;

/// Functions above the limit without a `// Long:` comment: name and length.
fn long_functions(text: &str) -> Vec<(String, usize)> {
    let text = &text[..text.find("#[cfg(test)]\nmod ").unwrap_or(text.len())];
    let lines: Vec<&str> = text.lines().collect();
    let mut long = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let mut words = line.trim_start().split(' ');
        let name = words
            .find(|w| {
                ![
                    "pub",
                    "pub(crate)",
                    "pub(super)",
                    "const",
                    "async",
                    "unsafe",
                ]
                .contains(w)
            })
            .filter(|w| *w == "fn")
            .and_then(|_| words.next());
        // Skipped: a function on one line, or a trait's function without a body.
        let (Some(name), false) = (name, line.ends_with(['}', ';'])) else {
            continue;
        };
        let end = lines[at..].iter().position(|l| *l == format!("{indent}}}"));
        let says = at > 0 && lines[at - 1].trim_start().starts_with("// Long: ");
        // Comment lines don't count.
        let comment = |l: &&&str| l.trim_start().starts_with("//");
        let end = end.map(|end| end - lines[at..at + end].iter().filter(comment).count());
        if let Some(end) = end.filter(|end| end + 1 > FUNCTION_LINES_MAX && !says) {
            let name: String = name
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            long.push((name, end + 1));
        }
    }
    long
}

#[test]
fn a_long_function_says_why() {
    for file in sources()
        .into_iter()
        // bench_chain.rs holds a peer's source as text, whose `main` is long.
        .filter(|f| f.contains("/src/") && f != "xtask/src/bench_chain.rs")
    {
        let long = long_functions(&read(&root().join(&file)));
        assert!(
            long.is_empty(),
            "{file}: {long:?} lines, more than {FUNCTION_LINES_MAX}. Split it where a part has a name of its own; where it has none, say so on the line above: `// Long: one match arm per command.`"
        );
    }
    let body = "    x();\n".repeat(FUNCTION_LINES_MAX - 1);
    let long = format!("pub(crate) async fn f() {{\n{body}}}\n");
    assert_eq!(
        long_functions(&long),
        [("f".to_owned(), FUNCTION_LINES_MAX + 1)]
    );
    assert!(long_functions(&format!("// Long: a table.\n{long}")).is_empty());
    assert!(long_functions(&long.replacen("    x();\n", "", 1)).is_empty());
}
