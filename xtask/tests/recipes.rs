//! Each recipe of CONTRIBUTING has a check that fails, with the remedy, when a step is forgotten.

mod tree;

use tree::{files, read, root};

type Check = fn() -> Vec<String>;

/// Recipe, as CONTRIBUTING's table calls it → its check here, or the name of the test that checks
/// it.
const CHECKS: &[(&str, Result<Check, &str>)] = &[
    (
        "a hash kind",
        Err("every_file_of_a_registry_is_listed_under_its_own_name"),
    ),
    ("a link rule for addresses (heuristic)", Ok(heuristics)),
    (
        "a CoinJoin pattern",
        Ok(|| registry("crates/kernels/chain/src/coinjoins", "COINJOIN")),
    ),
    (
        "a payment indicator",
        Err("every_file_of_a_registry_is_listed_under_its_own_name"),
    ),
    (
        "a transfer file format",
        Ok(|| modules("crates/edges/formats/src/transfers")),
    ),
    ("a goAML unit", Ok(goaml_profiles)),
    ("a report destination", Ok(destinations)),
    (
        "a format of incoming reports",
        Ok(|| registry("crates/edges/formats/src/incoming", "FORMAT")),
    ),
    (
        "a rule of a score",
        Err("rules_have_sources_unique_ids_and_points_below_a_hundred"),
    ),
    ("an API resource", Err("the_api_reference_is_current")),
    ("a page", Ok(pages)),
    (
        "a table, or a change of one",
        Err("every_migration_is_listed_and_none_is_edited"),
    ),
    ("a domain", Ok(domains)),
    (
        "something a person may do",
        Err("every_action_by_every_role_and_right"),
    ),
    ("a command", Err("the_command_reference_is_current")),
    (
        "a fake of a service",
        Ok(|| modules("crates/edges/fakes/src/lib.rs")),
    ),
    ("a parser of outside input", Ok(parsers)),
    ("a benchmark", Ok(benchmarks)),
    ("a limit", Err("the_limits_reference_is_current")),
    ("a word", Ok(words)),
];

/// First cells of the table of recipes.
fn recipes() -> Vec<String> {
    let text = read(&root().join("CONTRIBUTING.md"));
    let table = text
        .split("| you add |")
        .nth(1)
        .expect("the table of recipes");
    table
        .lines()
        .skip(2)
        .take_while(|l| l.starts_with('|'))
        .map(|l| l.split('|').nth(1).unwrap_or_default().trim().to_owned())
        .collect()
}

/// A promise without the test it names is only a sentence.
#[test]
fn every_promise_names_tests_that_exist() {
    let sources: Vec<String> = files("")
        .into_iter()
        .filter(|f| f.ends_with(".rs"))
        .map(|f| read(&root().join(f)))
        .collect();
    let page = read(&root().join("docs/handling.md"));
    let promises = page.split("## Limits on input").next().unwrap_or_default();
    let lines: Vec<_> = promises
        .lines()
        .filter(|l| l.starts_with("Tests: "))
        .collect();
    assert_eq!(lines.len(), 12, "one line of tests for each promise");
    for name in lines.iter().flat_map(|l| l.split('`').skip(1).step_by(2)) {
        let is_a_test = name.matches('_').count() > 1 && !name.contains(['.', ':', ' ']);
        assert!(
            !is_a_test || sources.iter().any(|s| s.contains(&format!("fn {name}("))),
            "docs/handling.md names the test {name}, which doesn't exist"
        );
    }
}

#[test]
fn every_recipe_has_a_check_and_passes_it() {
    let sources: Vec<String> = files("")
        .into_iter()
        .filter(|f| f.ends_with(".rs"))
        .map(|f| read(&root().join(f)))
        .collect();
    let known: Vec<_> = CHECKS
        .iter()
        .map(|(recipe, _)| (*recipe).to_owned())
        .collect();
    // In order as well, so that the table and CHECKS can be read next to each other.
    assert_eq!(
        recipes(),
        known,
        "a recipe of CONTRIBUTING without a check here, or the other way round"
    );
    for (recipe, check) in CHECKS {
        match check {
            Ok(check) => {
                let forgotten = check();
                assert!(forgotten.is_empty(), "{recipe}: {}", forgotten.join("; "));
            }
            // A renamed test would otherwise leave its recipe without a check.
            Err(test) => assert!(
                sources.iter().any(|s| s.contains(&format!("fn {test}("))),
                "{recipe}: the test {test} that checks it doesn't exist"
            ),
        }
    }
}

/// Every source file belongs to its crate; one without a `mod` line would never be compiled.
#[test]
fn no_source_file_is_forgotten() {
    for file in files("crates") {
        let Some((_, inside)) = file.split_once("/src/") else {
            continue;
        };
        if !file.ends_with(".rs")
            || matches!(inside, "lib.rs" | "main.rs")
            || inside.starts_with("bin/")
        {
            continue;
        }
        let stem = inside
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .trim_end_matches(".rs");
        let folder = file.rsplit_once('/').expect("below src").0;
        let parents = [
            format!("{folder}.rs"),
            format!("{folder}/lib.rs"),
            format!("{folder}/main.rs"),
        ];
        let line = format!("mod {stem};");
        assert!(
            parents
                .iter()
                .any(|p| root().join(p).exists() && read(&root().join(p)).contains(&line)),
            "{file} is never compiled: add `{line}` to the file above it"
        );
    }
}

fn stems(folder: &str) -> Vec<String> {
    // Only files directly in the folder: a subfolder belongs to the entry with the same name.
    let depth = folder.matches('/').count() + 1;
    files(folder)
        .into_iter()
        .filter(|f| f.ends_with(".rs") && f.matches('/').count() == depth)
        .map(|f| {
            f.rsplit('/')
                .next()
                .expect("a name")
                .trim_end_matches(".rs")
                .to_owned()
        })
        .collect()
}

/// Helper files beside the entries; they need no entry themselves.
const HELPERS: &[&str] = &["tests", "inside"];

/// Files of a registry's folder that its list doesn't name.
fn registry(folder: &str, entry: &str) -> Vec<String> {
    let list = read(&root().join(format!("{folder}.rs")));
    stems(folder)
        .into_iter()
        .filter(|stem| !HELPERS.contains(&stem.as_str()))
        .filter(|stem| !list.contains(&format!("{stem}::{entry}")))
        .map(|stem| format!("add `{stem}::{entry}` to {folder}.rs"))
        .collect()
}

/// Heuristics without their list entry, their example or their row in the documents.
fn heuristics() -> Vec<String> {
    let folder = "crates/kernels/chain/src/heuristics";
    let mut forgotten = registry(folder, "HEURISTIC");
    for (page, remedy) in [
        ("docs/chain.md", "a row in the table of rules"),
        (
            "crates/kernels/chain/tests/heuristics.rs",
            "an example of what it links and what it doesn't",
        ),
    ] {
        let text = read(&root().join(page));
        for stem in stems(folder)
            .iter()
            .filter(|s| *s != "tests" && !text.contains(*s))
        {
            forgotten.push(format!("{page} needs {remedy} for {stem}"));
        }
    }
    forgotten
}

/// Report forms without their list entry or their place in the documents.
fn destinations() -> Vec<String> {
    let folder = "crates/edges/formats/src/reports";
    let mut forgotten = registry(folder, "FORM");
    let page = read(&root().join("docs/reporting.md")).to_lowercase();
    for stem in stems(folder) {
        let name = stem.replace('_', "-");
        if !page.contains(&name) {
            forgotten.push(format!(
                "docs/reporting.md needs a row in the table of destinations for {name}"
            ));
        }
    }
    forgotten
}

/// Pages that anyone may open: signing in, the one-time address of the first hour, and the form of the
/// person concerned.
const OPEN_PAGES: &[&str] = &["appeal", "first", "sign_in"];

/// Pages without their list entry, or that anyone may open.
fn pages() -> Vec<String> {
    let folder = "crates/server/src/pages";
    let mut forgotten = registry(folder, "PAGE");
    for stem in stems(folder) {
        let text = read(&root().join(folder).join(format!("{stem}.rs")));
        if OPEN_PAGES.contains(&stem.as_str()) {
            continue;
        }
        // Every handler that a route names takes one of the two; both need a session.
        let handlers = text.split("\nasync fn ").skip(1);
        let open = handlers
            .map(|h| h.split('{').next().unwrap_or_default())
            .filter(|head| head.contains("-> Response"))
            .find(|head| !head.contains("visit: Visit") && !head.contains("sent: Sent"));
        if let Some(head) = open {
            let name = head.split('(').next().unwrap_or_default();
            forgotten.push(format!(
                "{stem}: take a `Visit` or `Sent` in `{name}`, or name the page in OPEN_PAGES here and say why anyone may see it"
            ));
        }
        let asks = ["visit.acting(", "visit.require("];
        if !asks.iter().any(|a| text.contains(a)) && stem != "start" {
            forgotten.push(format!(
                "{stem}: check with `visit.acting` or `visit.require` what the person may do"
            ));
        }
    }
    forgotten
}

/// Files that the module above doesn't declare.
fn modules(above: &str) -> Vec<String> {
    let (folder, file) = match above.strip_suffix("/lib.rs") {
        Some(folder) => (folder, above.to_owned()),
        None => (above, format!("{above}.rs")),
    };
    let list = read(&root().join(&file));
    stems(folder)
        .into_iter()
        .filter(|stem| stem != "lib" && !list.contains(&format!("mod {stem};")))
        .map(|stem| format!("add `mod {stem};` to {file}"))
        .collect()
}

fn goaml_profiles() -> Vec<String> {
    let list = read(&root().join("crates/edges/formats/src/reports/goaml.rs"));
    files("crates/edges/formats/src/reports/goaml/profiles")
        .into_iter()
        .filter_map(|f| f.rsplit('/').next().map(str::to_owned))
        .filter(|name| !list.contains(&format!("profiles/{name}")))
        .map(|name| format!("name profiles/{name} in goaml.rs"))
        .collect()
}

fn domains() -> Vec<String> {
    let app = read(&root().join("crates/app/src/lib.rs"));
    let registered = app.split("fn domains()").nth(1).unwrap_or_default();
    files("crates/domains")
        .into_iter()
        .filter(|f| f.ends_with("Cargo.toml"))
        .filter_map(|f| f.split('/').nth(2).map(str::to_owned))
        .filter(|name| !registered.contains(&format!("{name}::")))
        .map(|name| format!("register {name} in `domains()` of crates/app/src/lib.rs"))
        .collect()
}

fn parsers() -> Vec<String> {
    let (targets, soak) = (
        read(&root().join("fuzz/src/lib.rs")),
        read(&root().join("xtask/src/soak.rs")),
    );
    let mut forgotten = Vec::new();
    for name in targets
        .split("name: \"")
        .skip(1)
        .filter_map(|t| t.split('"').next())
    {
        for (there, remedy) in [
            (
                root().join(format!("fuzz/corpus/{name}")).is_dir(),
                format!("put inputs into fuzz/corpus/{name}/"),
            ),
            (
                root()
                    .join(format!("fuzz/libfuzzer/src/{name}.rs"))
                    .exists(),
                format!("add fuzz/libfuzzer/src/{name}.rs"),
            ),
            (
                soak.contains(&format!("\"{name}\"")),
                format!("add \"{name}\" to TARGETS in xtask/src/soak.rs"),
            ),
        ] {
            if !there {
                forgotten.push(remedy);
            }
        }
    }
    forgotten
}

fn benchmarks() -> Vec<String> {
    let list = read(&root().join("xtask/src/bench.rs"));
    stems("xtask/src")
        .into_iter()
        .filter(|stem| stem.starts_with("bench_") && !list.contains(&format!("{stem}::run")))
        .map(|stem| format!("add {stem}::run to ALL in xtask/src/bench.rs"))
        .collect()
}

fn words() -> Vec<String> {
    let text = read(&root().join("docs/glossary.md"));
    let mut seen = Vec::new();
    let mut twice = Vec::new();
    for cell in text
        .lines()
        .filter(|l| l.starts_with("| "))
        .filter_map(|l| l.split('|').nth(1))
    {
        for word in cell
            .split(',')
            .map(|w| w.split('(').next().unwrap_or_default().trim().to_owned())
        {
            if seen.contains(&word) && word != "role" {
                twice.push(format!("{word} is in docs/glossary.md twice"));
            }
            seen.push(word);
        }
    }
    twice
}

#[test]
fn a_forgotten_step_is_noticed() {
    assert!(
        registry("crates/kernels/hash/src/kinds", "NOTHING")
            .iter()
            .any(|r| r.contains("md5::NOTHING"))
    );
    assert!(modules("crates/edges/formats/src/reports/ncmec").is_empty());
}
