//! The texts of pages in English and German, from `texts/en.ftl` and `texts/de.ftl` (Project Fluent,
//! syntax 1.0).
//!
//! Both are compiled in. Tests compare their keys with each other and with those that pages use, so
//! a key that is missing at run time is a bug; it is then shown as it is.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use obhut_app::casework::Language;

type Bundle = FluentBundle<FluentResource>;

const ENGLISH: &str = include_str!("../texts/en.ftl");
const GERMAN: &str = include_str!("../texts/de.ftl");

static BUNDLES: LazyLock<[Bundle; 2]> =
    LazyLock::new(|| [bundle("en", ENGLISH), bundle("de", GERMAN)]);

fn bundle(language: &str, source: &str) -> Bundle {
    let resource = FluentResource::try_new(source.to_owned()).expect("the texts are valid; tested");
    let language = language.parse().expect("a language tag");
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // Pages put names into <bdi>; in attributes the marks would be read aloud or copied.
    bundle.set_use_isolating(false);
    bundle
        .add_resource(resource)
        .expect("no key occurs twice; tested");
    bundle
}

/// The text of a key.
pub(crate) fn text(language: Language, key: &str) -> String {
    text_with(language, key, &[])
}

/// The text of a key with its values.
pub(crate) fn text_with(
    language: Language,
    key: &str,
    values: &[(&'static str, FluentValue<'_>)],
) -> String {
    let bundle = &BUNDLES[usize::from(language == Language::German)];
    let Some(pattern) = bundle.get_message(key).and_then(|m| m.value()) else {
        debug_assert!(false, "no text {key}");
        return key.to_owned();
    };
    let mut arguments = FluentArgs::new();
    for (name, value) in values {
        arguments.set(*name, value.clone());
    }
    let mut faults = Vec::new();
    let text = bundle.format_pattern(pattern, Some(&arguments), &mut faults);
    debug_assert!(faults.is_empty(), "{key}: {faults:?}");
    text.into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The key and the names of the values of each text.
    fn keys(source: &str) -> BTreeSet<(String, Vec<String>)> {
        let mut all: Vec<(String, Vec<String>)> = Vec::new();
        for line in source.lines() {
            let starts = line.starts_with(|c: char| c.is_ascii_alphabetic());
            if let (true, Some((key, _))) = (starts, line.split_once(" =")) {
                all.push((key.to_owned(), Vec::new()));
            }
            let Some((_, values)) = all.last_mut() else {
                continue;
            };
            for part in line.split('$').skip(1) {
                let name: String = part
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                values.push(name);
            }
        }
        let count = all.len();
        let all: BTreeSet<_> = all
            .into_iter()
            .map(|(key, mut values)| {
                values.sort();
                values.dedup();
                (key, values)
            })
            .collect();
        assert_eq!(all.len(), count, "a key occurs twice");
        all
    }

    #[test]
    fn both_languages_have_the_same_texts() {
        let (english, german) = (keys(ENGLISH), keys(GERMAN));
        let only: Vec<_> = english.symmetric_difference(&german).collect();
        assert!(only.is_empty(), "in one language only: {only:?}");
        for (key, values) in &english {
            for language in [Language::English, Language::German] {
                let values: Vec<_> = values.iter().map(|v| (leaked(v), 3.into())).collect();
                assert!(!text_with(language, key, &values).is_empty(), "{key}");
            }
        }
    }

    fn leaked(text: &str) -> &'static str {
        Box::leak(text.to_owned().into_boxed_str())
    }

    /// The keys that pages use, as `t("…")`, `t_with("…"`, or in a table marked `// texts`.
    #[test]
    fn pages_use_every_text_and_no_other() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut source = fs::read_to_string(folder.join("console.rs")).unwrap();
        for part in ["pages", "console"] {
            for entry in fs::read_dir(folder.join(part)).unwrap() {
                source += &fs::read_to_string(entry.unwrap().path()).unwrap();
            }
        }
        let known: BTreeSet<String> = keys(ENGLISH).into_iter().map(|(key, _)| key).collect();
        for call in ["t(\"", "t_with(\"", "text(language, \""] {
            for (at, _) in source.match_indices(call) {
                // Not the end of another name, as in `expect("`.
                let before = source[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    continue;
                }
                let key = source[at + call.len()..].split('"').next().unwrap();
                assert!(known.contains(key), "no text {key}");
            }
        }
        let unused: Vec<_> = known
            .iter()
            .filter(|key| !source.contains(&format!("\"{key}\"")))
            // Keys that are put together: `status-` and the word of a status.
            .filter(|key| {
                let stem = key.split_once('-').map_or("", |(stem, _)| stem);
                !source.contains(&format!("\"{stem}-{{"))
            })
            .collect();
        assert!(unused.is_empty(), "no page uses {unused:?}");
    }

    /// Words that pages put a stem before: `status-open`.
    #[test]
    fn every_word_of_the_core_has_its_text() {
        use obhut_app::casework::{
            Action, AppealOutcome, CaseStatus, DeadlineKind, Extent, FilingState, Purpose, Role,
            Ruling, Surface,
        };
        let known: BTreeSet<String> = keys(ENGLISH).into_iter().map(|(key, _)| key).collect();
        let words = |stem: &str, words: &[&str]| {
            for word in words {
                assert!(
                    known.contains(&format!("{stem}-{word}")),
                    "no text {stem}-{word}"
                );
            }
        };
        macro_rules! all {
            ($stem:literal, $of:ty) => {
                let of: Vec<_> = <$of>::ALL.iter().map(|w| w.word()).collect();
                words($stem, &of);
            };
        }
        all!("status", CaseStatus);
        all!("deadline", DeadlineKind);
        all!("surface", Surface);
        all!("ruling", Ruling);
        all!("extent", Extent);
        all!("filing", FilingState);
        all!("outcome", AppealOutcome);
        all!("appeal", AppealOutcome);
        all!("purpose", Purpose);
        all!("action", Action);
        all!("role", Role);
        let statuses = [
            "draft",
            "approved",
            "superseded",
            "withdrawn",
            "retracting",
            "retracted",
        ];
        words("report", &statuses);
    }

    /// What a page says is in the texts; only names that no language changes are written out.
    #[test]
    fn pages_have_no_text_of_their_own() {
        // Names, commands, paths of this project.
        let is_name = |text: &str| {
            let text = text.trim_start_matches(" – ");
            text.starts_with("obhut") || text.starts_with("examples/")
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages");
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let source = fs::read_to_string(&path).unwrap();
            let pages = source.split("#[cfg(test)]").next().unwrap();
            for markup in pages.split("html! {").skip(1) {
                for text in shown(markup) {
                    let says = text.chars().filter(|c| c.is_alphabetic()).count() > 1;
                    assert!(
                        !says || is_name(text),
                        "{}: {text:?} belongs into texts/en.ftl and de.ftl",
                        path.display()
                    );
                }
            }
        }
    }

    /// Literals that markup shows, up to its closing brace: those in no attribute, argument or arm.
    fn shown(markup: &str) -> Vec<&str> {
        let mut all = Vec::new();
        // For each open brace or parenthesis, whether an attribute's value or code is in it.
        let mut open = vec![false];
        let mut at = 0;
        while let Some(next) = markup[at..].find(['"', '{', '}', '(', ')']) {
            at += next;
            let lead = markup[..at].trim_end();
            match markup.as_bytes()[at] {
                b'{' => open.push(lead.ends_with('=')),
                // What is computed: keys of texts, or values.
                b'(' => open.push(true),
                b'}' | b')' => drop(open.pop()),
                _ => {
                    let start = at + 1;
                    at = start + markup[start..].find('"').expect("a literal ends");
                    let after = markup[at + 1..].trim_start();
                    let is_code = ["=", "(", ",", "|", "&", "=>"]
                        .iter()
                        .any(|end| lead.ends_with(end));
                    let is_pattern = after.starts_with("=>") || after.starts_with('|');
                    if !open.contains(&true) && !is_code && !is_pattern {
                        all.push(&markup[start..at]);
                    }
                }
            }
            if open.is_empty() {
                break;
            }
            at += 1;
        }
        all
    }

    #[test]
    fn a_text_in_markup_is_found() {
        let markup = r#" h1 { "Cases" } a href="/cases" class={ "status " (x) } id=(if y { "z" } else { "" }) { (t("case")) } } fn f() { "x" }"#;
        assert_eq!(shown(markup), ["Cases"]);
    }
}
