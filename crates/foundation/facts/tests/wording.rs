//! The order in which reports of authors who weren't fitted are put, by the table as it is.

use obhut_facts::{Facts, RuleInput, Signals, at_risk};

const JUDGED: &[(&str, &str)] = &[
    (
        "judged-h",
        include_str!("../../../../fixtures/wording/judged-h.tsv"),
    ),
    (
        "judged-j",
        include_str!("../../../../fixtures/wording/judged-j.tsv"),
    ),
    (
        "judged-k",
        include_str!("../../../../fixtures/wording/judged-k.tsv"),
    ),
    (
        "judged-l",
        include_str!("../../../../fixtures/wording/judged-l.tsv"),
    ),
    (
        "judged-m",
        include_str!("../../../../fixtures/wording/judged-m.tsv"),
    ),
];

fn score(text: &str) -> u32 {
    let facts = Facts {
        note: Some(text.replace("\\n", "\n")),
        ..Facts::default()
    };
    let looked = RuleInput {
        facts: &facts,
        files: Vec::new(),
        categorised: false,
        reporter: true,
        said: Signals::of(&facts),
    };
    at_risk(&looked).0
}

/// Figures are in docs/performance.md; this bound only notices that something broke.
#[test]
fn reports_of_other_authors_are_mostly_in_order() {
    for (name, all) in JUDGED {
        let scored: Vec<(u8, u32)> = all
            .lines()
            .filter_map(|l| l.split_once('\t'))
            .map(|(tier, text)| (tier.parse().unwrap(), score(text)))
            .collect();
        let (mut good, mut pairs, mut grave) = (0, 0, 0);
        for (a, x) in &scored {
            for (b, y) in scored.iter().filter(|(b, _)| b > a) {
                pairs += 1;
                good += usize::from(x > y);
                grave += usize::from(x <= y && *a == 1 && *b >= 3);
            }
        }
        println!("{name}: {good} of {pairs} pairs in order, {grave} of tier 1 not above tier 3");
        assert!(pairs > 5_000);
        assert!(good * 100 > pairs * 93, "{name}: {good} of {pairs}");
    }
}

/// What was said is never taken from what the facts say.
#[test]
fn harmless_words_take_nothing_from_the_facts() {
    for json in [
        r#"{"tags": ["sextortion"]}"#,
        r#"{"risks": ["self-harm"], "victims": [{"person": {"age": 12}}]}"#,
        r#"{"incident": "material", "files": {}}"#,
    ] {
        let mut facts: Facts = serde_json::from_str(json).unwrap();
        let of = |facts: &Facts| {
            let looked = RuleInput {
                facts,
                files: Vec::new(),
                categorised: false,
                reporter: true,
                said: Signals::of(facts),
            };
            at_risk(&looked).0
        };
        let alone = of(&facts);
        facts.note = Some(
            "Dear team, I am writing my thesis about statistics of known material and would like to thank you for the brochures, which were already reported to be useful.".into(),
        );
        assert!(of(&facts) >= alone, "{json}");
    }
}

/// Regression: known material in calm words lost its reason, and tied with what says nothing.
#[test]
fn known_material_in_calm_words_keeps_its_reason() {
    let known = "Hash match of a known file, already reported to you last year by our team, no further action by us.";
    let thesis = "Hello, I would like to know whether you offer internships for students in the summer term, kind regards.";
    assert!(score(known) >= 4, "{}", score(known));
    assert!(score(known) > score(thesis));
}
