//! The rules of both scores on facts that fulfil them and on facts that only resemble these. A few
//! rules of the at-risk score are missing here; see `each_rule_of_risk_holds_for_its_own_facts`.

use super::*;
use crate::{Facts, RISK, RiskFact, RuleFile, Signals, rules_that_hold};

fn looked(facts: &Facts, files: Vec<RuleFile>) -> RuleInput<'_> {
    RuleInput {
        facts,
        files,
        categorised: true,
        reporter: true,
        said: Signals::of(facts),
    }
}

#[test]
fn rules_have_sources_unique_ids_and_points_below_a_hundred() {
    let mut ids: Vec<_> = COMPLETENESS
        .iter()
        .map(|r| (r.id, r.source, r.points))
        .collect();
    assert!(
        ids.iter()
            .all(|(_, s, p)| !s.is_empty() && (1..100).contains(p))
    );
    ids.sort_unstable();
    assert!(ids.windows(2).all(|w| w[0].0 != w[1].0));
    let mut ids: Vec<_> = RISK.iter().map(|r| (r.id, r.source, r.points)).collect();
    // 100 points would leave nothing to other reasons; more would underflow `100 - points`.
    assert!(
        ids.iter()
            .all(|(_, s, p)| !s.is_empty() && (1..100).contains(p))
    );
    ids.sort_unstable();
    assert!(ids.windows(2).all(|w| w[0].0 != w[1].0));
}

#[test]
fn a_viral_duplicate_is_complete_and_low_in_risk() {
    let facts: Facts = serde_json::from_str(r#"{
        "occurred_at": "2026-01-01T00:00:00Z", "places": [{"place": "web-page"}],
        "jurisdiction": {"user_country": "DE"},
        "reported": {"id": "u", "person": {"emails": [{"address": "a@b.example"}]}, "devices": [{"kind": "IMEI", "value": "1"}],
            "ip_events": [{"address": "192.0.2.1", "at": "2026-01-01T00:00:00Z", "port": 1}]}}"#).unwrap();
    let file = RuleFile {
        kept: true,
        matched: true,
        viewed: true,
        dated: true,
        annotations: vec!["viral".into()],
    };
    let s = scores(&looked(&facts, vec![file]));
    assert_eq!((s.complete, s.at_risk), (100, 0), "{s:?}");
}

#[test]
fn a_child_in_danger_with_hardly_a_fact_is_high_in_risk_and_incomplete() {
    let facts: Facts = serde_json::from_str(
        r#"{"incident": "enticement", "tags": ["sextortion"], "risks": ["self-harm"]}"#,
    )
    .unwrap();
    let s = scores(&looked(&facts, Vec::new()));
    assert!(s.at_risk >= 70 && s.complete < 30, "{s:?}");
}

#[test]
fn more_reasons_never_lower_the_score() {
    let mut facts = Facts::default();
    let mut last = 0;
    for risk in RiskFact::ALL {
        facts.risks.push(*risk);
        let now = at_risk(&looked(&facts, Vec::new())).0;
        // Not strictly: in a band that is nearly full, a further reason may add less than a point.
        assert!(now >= last && now <= 100);
        last = now;
    }
}

#[test]
fn a_case_without_anything_actionable_is_empty() {
    // A tag alone gives police nothing to start from.
    let facts = Facts {
        tags: vec![IncidentTag::Spam],
        ..Facts::default()
    };
    assert!(scores(&looked(&facts, Vec::new())).empty);
}

/// `-` is a file without anything; letters say kept, matched, viewed, dated.
fn files(text: &str) -> Vec<RuleFile> {
    let one = |word: &str| RuleFile {
        kept: word.contains('k'),
        matched: word.contains('m'),
        viewed: word.contains('v'),
        dated: word.contains('d'),
        annotations: Vec::new(),
    };
    text.split_whitespace().map(one).collect()
}

/// Rule, facts, files, and the result: `missing`, `held`, or `other` if the rule doesn't apply.
#[rustfmt::skip]
const COMPLETE: &[(&str, &str, &str, &str)] = &[
    ("account", r#"{}"#, "", "missing"),
    ("account", r#"{"reported": {}}"#, "", "missing"),
    ("account", r#"{"reported": {"id": " "}}"#, "", "missing"),
    ("account", r#"{"reported": {"id": "u"}}"#, "", "held"),
    ("account", r#"{"reported": {"screen_name": "u"}}"#, "", "held"),
    ("account", r#"{"batched_accounts": ["u"]}"#, "", "held"),
    ("ip", r#"{}"#, "", "missing"),
    ("ip", r#"{"reported": {"ip_events": [{"address": "192.0.2.1"}]}}"#, "", "missing"),
    ("ip", r#"{"reported": {"ip_events": [{"address": "192.0.2.1", "at": "2026-01-01T00:00:00Z"}]}}"#, "", "held"),
    ("ip", r#"{"files": {"f": {"ip_event": {"address": "192.0.2.1", "at": "2026-01-01T00:00:00Z"}}}}"#, "k", "held"),
    ("port", r#"{}"#, "", "other"),
    ("port", r#"{"reported": {"ip_events": [{"address": "192.0.2.1"}]}}"#, "", "missing"),
    ("port", r#"{"reported": {"ip_events": [{"address": "192.0.2.1", "port": 1}, {"address": "192.0.2.2"}]}}"#, "", "missing"),
    ("port", r#"{"reported": {"ip_events": [{"address": "192.0.2.1", "port": 1}]}}"#, "", "held"),
    ("port", r#"{"files": {"f": {"ip_event": {"address": "192.0.2.1"}}}}"#, "", "missing"),
    ("contact", r#"{"reported": {"person": {}}}"#, "", "missing"),
    ("contact", r#"{"reported": {"person": {"emails": [{"address": "a@example.org"}]}}}"#, "", "held"),
    ("contact", r#"{"reported": {"person": {"phones": [{"number": "1"}]}}}"#, "", "held"),
    ("time", r#"{}"#, "", "missing"),
    ("time", r#"{"occurred_at": "2026-01-01T00:00:00Z"}"#, "", "held"),
    ("place", r#"{}"#, "", "missing"),
    ("place", r#"{"places": [{"place": "web-page"}]}"#, "", "held"),
    ("place", r#"{"threads": [{}]}"#, "", "held"),
    ("bytes", r#"{}"#, "", "other"),
    ("bytes", r#"{}"#, "k -", "missing"),
    ("bytes", r#"{}"#, "k k", "held"),
    ("upload-time", r#"{}"#, "", "other"),
    ("upload-time", r#"{}"#, "d -", "missing"),
    ("upload-time", r#"{}"#, "d", "held"),
    ("seen-or-known", r#"{}"#, "", "other"),
    ("seen-or-known", r#"{}"#, "v -", "missing"),
    ("seen-or-known", r#"{}"#, "v m", "held"),
    ("words", r#"{}"#, "k", "other"),
    ("words", r#"{}"#, "", "missing"),
    ("words", r#"{"incident": "enticement"}"#, "k", "missing"),
    ("words", r#"{"tags": ["sextortion"]}"#, "k", "missing"),
    ("words", r#"{"threads": [{}]}"#, "", "missing"),
    ("words", r#"{"threads": [{"messages": [{"text": "t"}]}]}"#, "", "held"),
    ("words", r#"{"note": "n"}"#, "", "held"),
    ("child", r#"{}"#, "", "other"),
    ("child", r#"{"incident": "enticement"}"#, "", "missing"),
    ("child", r#"{"incident": "molestation"}"#, "", "missing"),
    ("child", r#"{"tags": ["sextortion"]}"#, "", "missing"),
    ("child", r#"{"tags": ["sextortion"], "victims": [{}]}"#, "", "held"),
    ("country", r#"{"jurisdiction": {"provider_country": "DE"}}"#, "", "missing"),
    ("country", r#"{"jurisdiction": {"user_country": "DE"}}"#, "", "held"),
    ("country", r#"{"reported": {"location": {"city": "Bonn"}}}"#, "", "missing"),
    ("country", r#"{"reported": {"location": {"country": "DE"}}}"#, "", "held"),
    ("device", r#"{"reported": {}}"#, "", "missing"),
    ("device", r#"{"reported": {"devices": [{"kind": "IMEI", "value": "1"}]}}"#, "", "held"),
    ("payer", r#"{}"#, "", "other"),
    ("payer", r#"{"jurisdiction": {"service": "hosting"}}"#, "", "other"),
    ("payer", r#"{"jurisdiction": {"service": "payment"}}"#, "", "missing"),
    ("payer", r#"{"payments": [{"amount": "1.00", "from": "a", "to": "b"}]}"#, "", "missing"),
    ("payer", r#"{"payments": [{"amount": "1.00", "from": "a", "at": "2026-01-01T00:00:00Z"}]}"#, "", "missing"),
    ("payer", r#"{"payments": [{"amount": "1.00", "to": "b", "at": "2026-01-01T00:00:00Z"}]}"#, "", "missing"),
    ("payer", r#"{"payments": [{"amount": "1.00", "from": "a", "to": "b", "at": "2026-01-01T00:00:00Z"}]}"#, "", "held"),
];

#[test]
fn each_rule_of_completeness_applies_and_holds_for_its_own_facts() {
    for (rule, facts, of, expected) in COMPLETE {
        let facts: Facts = serde_json::from_str(facts).unwrap_or_else(|e| panic!("{facts}: {e}"));
        let input = looked(&facts, files(of));
        let rule = COMPLETENESS.iter().find(|r| r.id == *rule).unwrap();
        let found = match ((rule.applies)(&input), (rule.holds)(&input)) {
            (false, _) => "other",
            (true, true) => "held",
            (true, false) => "missing",
        };
        assert_eq!(found, *expected, "{}: {facts:?} {of}", rule.id);
        let listed = scores(&input).missing.iter().any(|m| m.rule == rule.id);
        assert_eq!(listed, *expected == "missing", "{}", rule.id);
    }
}

/// The reporter comes from the settings, and a category may come from the decision. These facts
/// have neither.
#[test]
fn a_category_and_a_reporter_may_be_missing() {
    let facts = Facts::default();
    for (of, categorised, reporter, expected) in [
        ("k", false, false, "category reporter"),
        ("k", true, false, "reporter"),
        ("k", false, true, "category"),
        ("", false, true, ""),
    ] {
        let input = RuleInput {
            categorised,
            reporter,
            ..looked(&facts, files(of))
        };
        let all = scores(&input).missing;
        let both = all
            .iter()
            .map(|m| m.rule)
            .filter(|r| ["category", "reporter"].contains(r));
        assert_eq!(both.collect::<Vec<_>>().join(" "), expected);
    }
}

/// Facts, the annotations of a kept and matched file, if there is one, and exactly the reasons that
/// hold, the most pressing first.
#[rustfmt::skip]
const RISKS: &[(&str, &str, &str)] = &[
    (r#"{}"#, "", ""),
    (r#"{"urgent_because": "  "}"#, "", ""),
    (r#"{"urgent_because": "URGENT, please review"}"#, "", ""),
    (r#"{"urgent_because": "see the watches"}"#, "", ""),
    (r#"{"urgent_because": "a child is alone there"}"#, "", "urgent child-spoken-of"),
    (r#"{"risks": ["self-harm"]}"#, "", "self-harm"),
    (r#"{"note": "the girl says she will kill herself"}"#, "", "self-harm child-spoken-of"),
    (r#"{"note": "he says he will kill himself"}"#, "", "danger-to-someone"),
    (r#"{"note": "my husband says he will kill himself"}"#, "", ""),
    (r#"{"note": "i took all the pills"}"#, "", "self-harm-now danger-to-someone"),
    (r#"{"note": "my husband took all the pills"}"#, "", ""),
    (r#"{"note": "i want it to stop"}"#, "", "cry-for-help"),
    (r#"{"note": "please help me"}"#, "", "cry-for-help"),
    (r#"{"note": "please help me to reset the password"}"#, "", ""),
    (r#"{"note": "make it stop, he is 40 and comes every night"}"#, "", "cry-for-help danger-to-someone"),
    (r#"{"note": "Alle Tabletten gegen Kopfschmerzen sind reduziert"}"#, "", ""),
    (r#"{"note": "ich spring vor den zug"}"#, "", "self-harm-now"),
    (r#"{"note": "I'm going to jump on a call"}"#, "", ""),
    (r#"{"risks": ["meeting-planned"]}"#, "", "meeting"),
    (r#"{"note": "they want to meet tomorrow"}"#, "", "danger-to-someone"),
    (r#"{"note": "two adults want to meet tomorrow"}"#, "", ""),
    (r#"{"note": "they want to meet tomorrow. I am 34 years old"}"#, "", ""),
    (r#"{"note": "he wants to meet the girl"}"#, "", "meeting-someday child-and-circumstance enticement child-spoken-of"),
    (r#"{"note": "he wants to meet the girl tomorrow"}"#, "", "meeting child-in-reach meeting-someday child-and-circumstance enticement child-spoken-of"),
    (r#"{"note": "Emil (9) is scared. Back on Friday."}"#, "", "child-in-reach child-and-soon child-and-circumstance child-spoken-of"),
    (r#"{"note": "Emil (9) is scared"}"#, "", "child-and-circumstance child-spoken-of"),
    (r#"{"note": "the girl is scared. He comes back on Friday"}"#, "", "child-in-reach child-and-circumstance child-spoken-of"),
    (r#"{"note": "the girl is scared"}"#, "", "child-and-circumstance child-spoken-of"),
    (r#"{"note": "children are scared. He comes back on Friday"}"#, "", "child-spoken-of"),
    (r#"{"note": "Emil (39) is scared. Back on Friday."}"#, "", "danger-to-someone"),
    (r#"{"risks": ["access-to-child"]}"#, "", "access"),
    (r#"{"incident": "molestation"}"#, "", "molestation"),
    (r#"{"incident": "molestation", "risks": ["access-to-child"], "note": "today"}"#, "", "harm-now molestation access"),
    (r#"{"incident": "tourism"}"#, "", "tourism"),
    (r#"{"incident": "trafficking"}"#, "", "trafficking"),
    (r#"{"incident": "trafficking", "note": "tonight"}"#, "", "trafficking-now trafficking"),
    (r#"{"risks": ["live-stream"]}"#, "", "live"),
    (r#"{"risks": ["live-stream"], "note": "right now"}"#, "", "live-now live"),
    (r#"{}"#, "liveStreaming", "live known-material"),
    (r#"{"tags": ["sextortion"]}"#, "", "sextortion"),
    (r#"{"tags": ["sadistic"]}"#, "", "sadistic"),
    (r#"{"note": "the boy has been missing since noon"}"#, "", "missing child-spoken-of"),
    (r#"{"note": "he threatens to kill the child"}"#, "", "threat child-and-circumstance child-spoken-of"),
    (r#"{"risks": ["new-material"]}"#, "", "new-material"),
    (r#"{"risks": ["new-material"], "victims": [{"person": {"age": 9}}]}"#, "", "young-child new-material"),
    (r#"{"risks": ["new-material"], "victims": [{"person": {"age": 13}}]}"#, "", "new-material"),
    (r#"{"risks": ["payment-in-advance"]}"#, "", "payment-in-advance"),
    (r#"{"payments": [{"amount": "1.00", "in_advance": true}]}"#, "", "payment-in-advance payment"),
    (r#"{"payments": [{"amount": "1.00", "in_advance": false}]}"#, "", "payment"),
    (r#"{"wallets": [{"chain": "bitcoin", "address": "a"}]}"#, "", "payment"),
    (r#"{"risks": ["infant"]}"#, "", "infant"),
    (r#"{}"#, "infant", "infant known-material"),
    (r#"{"victims": [{"person": {"age": 3}}]}"#, "", "infant"),
    (r#"{"risks": ["escalating-contact"]}"#, "", "escalating"),
    (r#"{"incident": "enticement"}"#, "", "enticement"),
    (r#"{"incident": "enticement", "victims": [{"id": "v"}]}"#, "", "groomed enticement child-named"),
    (r#"{"incident": "unsolicited-obscene"}"#, "", "obscene-to-child"),
    (r#"{"risks": ["self-production"]}"#, "", "self-production"),
    (r#"{}"#, "possibleSelfProduction", "self-production known-material"),
    (r#"{"victims": [{}]}"#, "", ""),
    (r#"{"victims": [{"id": "v"}]}"#, "", "child-named"),
    (r#"{"victims": [{"person": {"first_name": "A"}}]}"#, "", "child-named"),
    (r#"{"victims": [{"person": {"last_name": "A"}}]}"#, "", "child-named"),
    (r#"{"victims": [{"person": {"age": 9}}]}"#, "", ""),
    (r#"{}"#, "physicalHarm", "harm known-material"),
    (r#"{"tags": ["solicitation"]}"#, "", "solicitation"),
    (r#"{"incident": "material"}"#, "", "material"),
    (r#"{}"#, "viral", ""),
];

#[test]
fn each_rule_of_risk_holds_for_its_own_facts() {
    let mut seen = std::collections::BTreeSet::new();
    let mut wrong = Vec::new();
    for (facts, annotation, expected) in RISKS {
        let facts: Facts = serde_json::from_str(facts).unwrap_or_else(|e| panic!("{facts}: {e}"));
        let mut of = files(if annotation.is_empty() { "" } else { "km" });
        for file in &mut of {
            file.annotations = annotation.split_whitespace().map(str::to_owned).collect();
        }
        let (_, reasons) = rules_that_hold(&looked(&facts, of));
        let mut ids: Vec<_> = reasons.iter().map(|r| r.rule).collect();
        // A victim's age also gives `child-spoken-of`; rows with victims leave it out.
        if !facts.victims.is_empty() {
            ids.retain(|r| *r != "child-spoken-of");
        }
        seen.extend(ids.iter().copied());
        if ids.join(" ") != *expected {
            wrong.push(format!(
                "{:?} {annotation}: {} and not {expected}",
                facts.note,
                ids.join(" ")
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // abuse-soon, posing, collection and files have no row here.
    // app/tests/ranking.rs has whole reports, and tests the order they are put in, not the rules.
    assert!(seen.len() > 20, "{seen:?}");
}

/// A kept file that is on no list may be new, unless it is marked as circulating, drawn or
/// generated.
#[test]
fn an_unknown_file_counts_unless_it_is_in_circulation() {
    for (of, annotation, expected) in [
        ("k", "", true),
        ("-", "", false),
        ("km", "", false),
        ("k", "viral", false),
        ("k", "potentialMeme", false),
        ("k", "generativeAi", false),
        ("k", "animeDrawingVirtualHentai", false),
        ("k", "bestiality", true),
    ] {
        let mut of = files(of);
        of[0].annotations = annotation.split_whitespace().map(str::to_owned).collect();
        let facts = Facts::default();
        let (_, reasons) = at_risk(&looked(&facts, of));
        let counts = reasons.iter().any(|r| r.rule == "unknown-file");
        assert_eq!(counts, expected, "{annotation}");
    }
}

/// Levels are bands: many lesser reasons stay below one of a higher level.
#[test]
fn a_more_pressing_reason_outweighs_any_number_of_others() {
    let band = |json: &str| {
        let facts: Facts = serde_json::from_str(json).unwrap();
        at_risk(&looked(&facts, Vec::new())).0
    };
    let many = r#"{"tags": ["solicitation"], "risks": ["new-material", "self-production"], "incident": "unsolicited-obscene",
        "payments": [{"amount": "1.00"}], "note": "he poses as a girl and trades a large collection"}"#;
    assert!(band(many) < band(r#"{"tags": ["sadistic"]}"#));
    let serious = r#"{"tags": ["sextortion", "sadistic"], "incident": "trafficking", "risks": ["infant", "access-to-child", "live-stream"]}"#;
    assert!(band(serious) < band(r#"{"risks": ["self-harm"]}"#));
    assert!(band(serious) > band(r#"{"tags": ["sextortion"]}"#));
}

/// What makes a report actionable, and what only looks like it.
#[test]
fn a_report_is_empty_without_anything_to_act_on() {
    for (facts, of, empty) in [
        (r#"{}"#, "", true),
        (r#"{}"#, "-", true),
        (r#"{}"#, "k", false),
        (r#"{"reported": {"id": ""}}"#, "", true),
        (r#"{"reported": {"id": "u"}}"#, "", false),
        (
            r#"{"reported": {"ip_events": [{"address": " "}]}}"#,
            "",
            true,
        ),
        (
            r#"{"reported": {"ip_events": [{"address": "192.0.2.1"}]}}"#,
            "",
            false,
        ),
        (r#"{"reported": {"person": {}}}"#, "", true),
        (r#"{"reported": {"person": {"age": 40}}}"#, "", false),
        (r#"{"threads": [{"messages": [{"text": " "}]}]}"#, "", true),
        (r#"{"threads": [{"messages": [{"text": "t"}]}]}"#, "", false),
        (r#"{"places": [{"place": "web-page"}]}"#, "", true),
        (
            r#"{"places": [{"place": "web-page", "urls": ["https://example.org"]}]}"#,
            "",
            false,
        ),
        (
            r#"{"wallets": [{"chain": "bitcoin", "address": "a"}]}"#,
            "",
            false,
        ),
        (r#"{"payments": [{"amount": "1.00"}]}"#, "", false),
        (r#"{"victims": [{}]}"#, "", true),
        (r#"{"victims": [{"id": "v"}]}"#, "", false),
        (r#"{"batched_accounts": ["u"]}"#, "", false),
        (r#"{"note": " "}"#, "", true),
        (r#"{"note": "n"}"#, "", false),
    ] {
        let facts: Facts = serde_json::from_str(facts).unwrap_or_else(|e| panic!("{facts}: {e}"));
        assert_eq!(
            scores(&looked(&facts, files(of))).empty,
            empty,
            "{facts:?} {of}"
        );
    }
}

/// Points of the reasons together: each takes its share of what the others leave, within the band
/// of the highest level.
#[test]
fn points_add_up_to_less_than_their_sum() {
    for (facts, expected) in [
        (r#"{}"#, 0),
        (r#"{"risks": ["self-harm"]}"#, 88), // 70 + 30 × 0.6
        (r#"{"risks": ["self-harm", "meeting-planned"]}"#, 95), // 70 + 30 × (1 - 0.4 × 0.45)
        (r#"{"tags": ["solicitation"]}"#, 23), // 16 + 23 × 0.3
    ] {
        let facts: Facts = serde_json::from_str(facts).unwrap();
        assert_eq!(
            at_risk(&looked(&facts, Vec::new())).0,
            expected,
            "{facts:?}"
        );
    }
}
