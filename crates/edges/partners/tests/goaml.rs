//! Suspicious transaction reports: the same case in three profiles. What is missing is named and
//! stops the report; documents are validated against the units' own schemas where present.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use obhut_casework as casework;
use obhut_casework::*;
use obhut_formats::reports::{self as destinations, Rendered, goaml};

fn party(id: &str, client: bool) -> FinancialParty {
    FinancialParty {
        id: id.into(),
        client,
        first_name: Some("Pat".into()),
        last_name: Some("Example".into()),
        gender: Some("M".into()),
        born: Some("1980-02-03".into()),
        birth_place: Some("Town".into()),
        nationality: Some("AE".into()),
        residence: Some(if client { "AE" } else { "PH" }.into()),
        id_number: Some("784198000000001".into()),
        ssn: Some("1234567890123456".into()),
        occupation: Some("clerk".into()),
        source_of_wealth: Some("salary".into()),
        phones: vec![Phone {
            number: "501112233".into(),
            country_code: Some("+971".into()),
            ..Phone::default()
        }],
        addresses: vec![Address {
            street: Some("1 Example Road".into()),
            city: Some("Town".into()),
            country: Some("AE".into()),
            ..Address::default()
        }],
        documents: vec![IdentityDocument {
            kind: "PASSP".into(),
            number: "X1".into(),
            issued: Some("2020-01-15".into()),
            expires: Some("2030-01-14".into()),
            country: Some("AE".into()),
        }],
        ..FinancialParty::default()
    }
}

fn unit(profile: &str) -> FinancialUnit {
    let indonesian = profile.starts_with("indonesia");
    let word = |uae: &str, id: &str| Some(if indonesian { id } else { uae }.to_owned());
    FinancialUnit {
        profile: profile.into(),
        entity_id: 101,
        branch: Some("MAIN".into()),
        local_currency: if indonesian { "IDR" } else { "AED" }.into(),
        location: Some("Main branch".into()),
        transmode_code: word(
            if profile.starts_with("uae") {
                "ELCFT"
            } else {
                "A"
            },
            "KRM",
        ),
        funds_code: word(
            if profile.starts_with("uae") {
                "ELCFT"
            } else {
                "A"
            },
            "UT",
        ),
        report_code: word("STR", "LTKM"),
        indicators: match profile.split('-').next() {
            Some("uae") => vec!["CSAM1".into()],
            Some("plain") => vec!["-".into()],
            _ => Vec::new(),
        },
        officer: Some(party("officer", true)),
        address: party("x", true).addresses.pop(),
        ..FinancialUnit::default()
    }
}

fn facts(unit: &FinancialUnit) -> Facts {
    let pay = |n: usize, foreign: bool| Payment {
        id: Some(format!("T{n}")),
        at: Some(format!("2026-03-0{}T22:10:00Z", n + 1)),
        amount: "150.00".into(),
        currency: if foreign {
            "USD".into()
        } else {
            unit.local_currency.clone()
        },
        amount_local: foreign.then(|| "550.50".into()),
        from: Some("A1".into()),
        to: Some("B1".into()),
        ..Payment::default()
    };
    Facts {
        reported: Some(Account {
            id: Some("A1".into()),
            ..Account::default()
        }),
        payments: vec![pay(0, false), pay(1, true)],
        financial: Some(Financial {
            parties: vec![party("A1", true), party("B1", false)],
            ..Financial::default()
        }),
        ..Facts::default()
    }
}

async fn rendered(facts: &Facts, unit: Option<&FinancialUnit>) -> Rendered {
    let folder = tempfile::tempdir().unwrap();
    let c = casework::open_with(
        DataFolder::new(folder.path()),
        None,
        Arc::new(SystemClock),
        vec![Box::new(obhut_media::Media)],
    )
    .await
    .unwrap();
    if let Some(unit) = unit {
        casework::set_financial_unit(&c, unit, "test")
            .await
            .unwrap();
    }
    let file = CaseFile {
        group: CaseGroup::Alone,
        surface: Surface::Public,
        embargo: None,
        files: Vec::new(),
        facts: facts.clone(),
    };
    let case = casework::new_case(&c, &file, Vec::new(), "test")
        .await
        .unwrap()
        .case;
    let rita = casework::add_person(&c, "Rita", &[Role::Reviewer], "test")
        .await
        .unwrap();
    let request = DecisionRequest {
        ruling: Ruling::Report,
        grounds: "as assessed".into(),
        category: None,
    };
    casework::decide(&c, &case, &rita, &request).await.unwrap();
    let report = casework::report(&c, &case, true, "test").await.unwrap();
    let destination = destinations::by_name("goaml").unwrap();
    let once = report.render(destination.renderer());
    assert_eq!(
        once,
        report.render(destination.renderer()),
        "render is pure"
    );
    once
}

fn document(r: &Rendered) -> String {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&r.report)).unwrap();
    let mut text = String::new();
    let mut file = archive.by_name("report.xml").unwrap();
    std::io::Read::read_to_string(&mut file, &mut text).unwrap();
    text
}

fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../shared/data/goaml")
        .join(name);
    if !path.exists() {
        println!("not present: {name}");
    }
    path.exists().then_some(path)
}

// Published without a licence, so they are not in the repository.
const SCHEMAS: &[(&str, &str)] = &[
    ("uae-5.0.2", "goAMLSchema_5.0.2_fiu_original.xsd"),
    ("indonesia-4.0.2", "goAMLSchema_4.0.2_PPATK_ID.xsd"),
    ("plain-5.0.1", "goAMLSchema_5.0.1_thecury.xsd"),
];

#[tokio::test]
async fn each_profile_writes_a_report_its_unit_takes() {
    for (profile, schema) in SCHEMAS {
        let mut unit = unit(profile);
        unit.schema = shared(schema).map(|p| std::fs::read_to_string(p).unwrap());
        // The published schemas write ^ and $ as anchors, which XML Schema reads as characters.
        unit.schema_compat = true;
        let r = rendered(&facts(&unit), Some(&unit)).await;
        assert_eq!(r.remarks, [], "{profile}\n{}", document(&r));
        let text = document(&r);
        assert!(text.contains("<transactionnumber>T0</transactionnumber>"));
        assert!(text.contains("<foreign_currency_code>USD</foreign_currency_code>"));
        assert!(text.contains("A pattern is a lead, not proof"));
        if *profile == "uae-5.0.2" {
            assert!(text.contains("<indicator>CSAM1</indicator>"));
        }
    }
}

#[tokio::test]
async fn the_units_schema_says_the_same_to_xmllint() {
    let Some(schema) = shared("goAMLSchema_5.0.2_xerces_patched.xsd") else {
        return;
    };
    let unit = unit("uae-5.0.2");
    let folder = tempfile::tempdir().unwrap();
    let text = document(&rendered(&facts(&unit), Some(&unit)).await);
    // Both validators must refuse as well as accept; agreeing on valid documents shows little.
    let broken = text.replace("<amount_local>150.00", "<amount_local>much");
    let ours = std::fs::read_to_string(&schema).unwrap();
    for (n, (text, fine)) in [(text, true), (broken, false)].iter().enumerate() {
        let path = folder.path().join(format!("{n}.xml"));
        std::fs::write(&path, text).unwrap();
        let out = std::process::Command::new("xmllint")
            .args(["--noout", "--nonet", "--schema"])
            .args([&schema, &path])
            .output()
            .expect("xmllint is installed by cargo xtask setup");
        assert_eq!(
            out.status.success(),
            *fine,
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        assert_eq!(
            goaml::check_document(&ours, true, text).unwrap().is_empty(),
            *fine
        );
    }
}

#[test]
fn published_samples_are_taken_and_an_anchored_schema_only_in_compatibility_mode() {
    let (Some(samples), Some(original)) = (
        shared("samples"),
        shared("goAMLSchema_5.0.2_fiu_original.xsd"),
    ) else {
        return;
    };
    let schema = std::fs::read_to_string(original).unwrap();
    let mut n = 0;
    for sample in std::fs::read_dir(samples).unwrap() {
        let path = sample.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let faults = goaml::check_document(&schema, true, &text).unwrap();
        assert_eq!(faults, [], "{}", path.display());
        let strict = goaml::check_document(&schema, false, &text).unwrap();
        assert!(
            strict.iter().any(|f| f.1.contains("pattern")),
            "{}",
            path.display()
        );
        n += 1;
    }
    // An empty folder would pass without reading a sample.
    assert!(n > 5);
}

#[tokio::test]
async fn whatever_is_missing_stops_the_report_and_is_named() {
    let unit = unit("uae-5.0.2");
    let whole = facts(&unit);
    let check = async |facts: &Facts, word: &str| {
        let r = rendered(facts, Some(&unit)).await;
        let said: Vec<String> = r.stopping().iter().map(|m| m.to_string()).collect();
        assert!(said.iter().any(|s| s.contains(word)), "{word}: {said:?}");
    };
    let mut f = whole.clone();
    f.financial.as_mut().unwrap().parties[0].last_name = None;
    check(&f, "from_person/last_name").await;
    let mut f = whole.clone();
    f.financial.as_mut().unwrap().parties[0].last_name = Some("Пример".into());
    check(&f, "plain Latin letters").await;
    let mut f = whole.clone();
    f.payments[1].amount_local = None;
    check(&f, "transaction[1]/amount_local").await;
    let mut f = whole.clone();
    f.payments.clear();
    check(&f, "transaction").await;
    let mut f = whole.clone();
    // One character more than the UAE profile allows for the reason.
    f.financial.as_mut().unwrap().narrative = Some("x".repeat(8_001));
    check(&f, "8000 at most").await;
    // A possible victim is never the subject of a report.
    let mut f = whole.clone();
    f.victims = f.reported.take().into_iter().collect();
    check(&f, "helped, not reported").await;
    // No unit set up at all: the first thing an operator meets.
    let r = rendered(&whole, None).await;
    assert!(
        r.stopping()
            .iter()
            .any(|m| m.what.contains("unit is configured"))
    );
}

#[tokio::test]
async fn an_authoritys_own_profile_needs_no_new_version() {
    let mut unit = unit("own");
    let own = "part report\n  report\n    number = reference : text 1..40\n    sums each transactions\n      sum = amount_local : decimal\n    kind = \"X\" : words X Y\n    about? when subjects\n      name each subjects = last_name\n";
    unit.own_profile = Some(own.into());
    let r = rendered(&facts(&unit), Some(&unit)).await;
    let text = document(&r);
    assert_eq!(r.remarks, [], "{text}");
    assert!(
        text.contains("<sum>550.50</sum>")
            && text.contains("<kind>X</kind>")
            && text.contains("<name>Example</name>")
    );
    for (bad, word) in [
        ("report\n", "without indent"),
        ("part report\n   x\n", "two spaces"),
        ("part report\n  x : wurds\n", "unknown type"),
        ("part report\n  @nothing\n", "part nothing doesn't exist"),
        ("part other\n  x\n", "part report"),
        ("part report\n  x with y\n", "none of each"),
    ] {
        let why = goaml::check_profile(bad).unwrap_err();
        assert!(why.contains(word), "{bad}: {why}");
    }
    for (name, text) in goaml::PROFILES {
        assert_eq!(goaml::check_profile(text), Ok(()), "{name}");
    }
}
