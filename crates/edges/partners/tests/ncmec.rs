//! CyberTipline XML: every element in schema order, viewed flags from the record, victims only on
//! request. Where `xmllint` and the pinned schema are present, they have the last word.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use expect_test::expect_file;
use obhut_casework as casework;
use obhut_casework::*;
use obhut_fakes::cybertip::{documentation, schema as fake_schema};
use obhut_formats::reports::ncmec::{rules, schema as table};
use obhut_formats::reports::{self as destinations, Rendered};
use obhut_formats::tree;
use obhut_media as media;
use obhut_media::*;
use serde_json::Value;

mod generate;

struct Fixed;

impl Clock for Fixed {
    fn now_micros(&self) -> i64 {
        1_790_000_000_000_000
    }
}

/// Begins like a PNG: only pictures and videos have a category.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n and nothing more";
/// Facts with every field; all values are invented.
const FULL: &str = include_str!("../../formats/tests/facts_full.json");

async fn rendered(facts: &str, with_victims: bool, extent: Extent) -> Rendered {
    let case = Decided::new(facts, extent).await;
    case.rendered(with_victims).await
}

/// A case that was decided, whose facts can be changed.
struct Decided {
    _folder: tempfile::TempDir,
    casework: Casework,
    case: String,
    exhibit: String,
}

impl Decided {
    async fn new(facts: &str, extent: Extent) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let c = casework::open_with(
            DataFolder::new(folder.path()),
            None,
            Arc::new(Fixed),
            vec![Box::new(obhut_media::Media)],
        )
        .await
        .unwrap();
        let reporter = Reporter {
            service: "Example".into(),
            first_name: "Erika".into(),
            last_name: "Muster".into(),
            email: "trust@example.com".into(),
            contact_email: "police@example.com".into(),
            company_template: "Serve legal process by mail. <&>".into(),
            terms_of_service: "No abuse.".into(),
            legal_url: "https://example.com/legal".into(),
            industry_agreement: "IHS-2026-1".into(),
            ..Reporter::default()
        };
        casework::set_reporter(&c, &reporter, "test").await.unwrap();
        let screened = Screened {
            verdict: Verdict::Match,
            action: Action::Hold,
            matches: Vec::new(),
            quality: Some(100),
            pdq: None,
            media_type: Some("image/png"),
            unreadable: None,
            suspicious: false,
            decoder_failed: false,
        };
        let subject = Subject {
            group: "a".into(),
            account: Some(Sealed::new("user-1".into())),
            name: Some(Sealed::new("/srv/uploads/a & b.png".into())),
            surface: Surface::Public,
            uploaded_at: Some(1_789_999_000_000_000),
            before_release: false,
            upload: UploadFacts::default(),
            digests: None,
        };
        let recorded = media::record(&c, &screened, &subject, Some(PICTURE), "test")
            .await
            .unwrap();
        let (case, exhibit) = (recorded.case.unwrap(), recorded.exhibit.unwrap());
        // Facts name files by exhibit, and ids are random.
        let facts = Facts::from_json(facts.replace("EXHIBIT", &exhibit).as_bytes()).unwrap();
        casework::set_facts(&c, &case, &facts, "test")
            .await
            .unwrap();
        let rita = casework::add_person(&c, "Rita", &[Role::Reviewer], "test")
            .await
            .unwrap();
        casework::view(&c, &exhibit, &rita, "decision", extent)
            .await
            .unwrap();
        let request = DecisionRequest {
            ruling: Ruling::Report,
            grounds: "as assessed".into(),
            category: Some(Category {
                scale: "ncmec-industry".into(),
                value: "A2".into(),
            }),
        };
        casework::decide(&c, &case, &rita, &request).await.unwrap();
        Self {
            _folder: folder,
            casework: c,
            case,
            exhibit,
        }
    }

    async fn rendered(&self, with_victims: bool) -> Rendered {
        let report = casework::report(&self.casework, &self.case, with_victims, "test")
            .await
            .unwrap();
        let ncmec = destinations::by_name("ncmec").unwrap();
        // What was approved must be what is sent, so rendering may depend on nothing but the
        // report.
        let once = report.render(ncmec.renderer());
        assert_eq!(once, report.render(ncmec.renderer()), "render is pure");
        once
    }

    async fn with_facts(&self, facts: &Value) -> Option<Rendered> {
        let facts = Facts::from_json(facts.to_string().as_bytes()).ok()?;
        casework::set_facts(&self.casework, &self.case, &facts, "test")
            .await
            .unwrap();
        Some(self.rendered(true).await)
    }
}

/// Everything that would be sent, as one text.
fn documents(r: &Rendered) -> String {
    let files = r.files.iter().map(|f| f.with_ids(1, "f"));
    std::iter::once(r.text().unwrap().to_owned())
        .chain(files)
        .collect::<Vec<_>>()
        .join("\n")
}

fn schema_file() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../shared/data/ncmec/cyber_tipline_2025-11-10_boostport.xsd");
    if !path.exists() {
        println!("not present: the CyberTipline schema");
        return None;
    }
    if Command::new("xmllint").arg("--version").output().is_err() {
        println!("not present: xmllint (cargo xtask test brings it)");
        return None;
    }
    Some(path)
}

fn validate(xml: &str) {
    let Some(schema) = schema_file() else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), xml).unwrap();
    let out = Command::new("xmllint")
        .arg("--noout")
        .arg("--schema")
        .arg(schema)
        .arg(file.path())
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}\n{xml}",
        String::from_utf8_lossy(&out.stderr)
    );
}

#[tokio::test]
async fn a_full_report_has_every_element_in_schema_order() {
    let r = rendered(FULL, true, Extent::Whole).await;
    assert_eq!(r.remarks, []);
    expect_file!["../../formats/tests/report_full.xml"].assert_eq(r.text().unwrap());
    let file = r.files[0].with_ids(4_711, "0123456789abcdef0123456789abcdef");
    expect_file!["../../formats/tests/file_full.xml"].assert_eq(&file);
    validate(r.text().unwrap());
    validate(&file);
}

#[tokio::test]
async fn the_smallest_report_is_valid_and_says_what_is_missing() {
    let r = rendered("{}", false, Extent::Unseen).await;
    validate(r.text().unwrap());
    validate(&r.files[0].with_ids(1, "f"));
    let fields: Vec<_> = r.remarks.iter().map(|m| m.field.as_str()).collect();
    assert_eq!(
        fields,
        ["report/internetDetails", "report/personOrUserReported"]
    );
}

#[tokio::test]
async fn victims_are_in_it_only_on_request() {
    let r = rendered(FULL, false, Extent::Whole).await;
    assert!(!r.text().unwrap().contains("<victim>") && !r.text().unwrap().contains("Jane"));
    validate(r.text().unwrap());
}

#[tokio::test]
async fn viewed_flags_come_from_the_record() {
    for (extent, file, exif) in [
        (Extent::Unseen, "false", Some("false")),
        (Extent::Part, "false", Some("false")),
        (Extent::Whole, "true", Some("false")),
        // "EXIF viewed" is allowed only with "file viewed". Here it is omitted, so that neither
        // flag has to be altered.
        (Extent::Metadata, "false", None),
    ] {
        let r = rendered("{}", false, extent).await;
        let xml = r.files[0].with_ids(1, "f");
        assert!(
            xml.contains(&format!("<fileViewedByEsp>{file}</fileViewedByEsp>")),
            "{extent}"
        );
        match exif {
            Some(exif) => assert!(
                xml.contains(&format!("<exifViewedByEsp>{exif}</exifViewedByEsp>")),
                "{extent}"
            ),
            None => assert!(!xml.contains("exifViewedByEsp"), "{extent}"),
        }
    }
}

#[tokio::test]
async fn what_the_service_would_refuse_goes_to_the_free_text_and_is_named() {
    let facts = r#"{
        "platform": "a\u0001b",
        "occurred_at": "yesterday",
        "reported": {
            "display_names": ["PLACEHOLDER"],
            "profile_urls": ["https://example.com/white space"],
            "person": {"born": "the third of May", "age": 200, "emails": [{"address": "a@b.example", "kind": "Pigeon"}, {"address": "nobody"}],
                       "addresses": [{"country": "Atlantis"}],
                       "phones": [{"number": "1", "country_code": "0049", "extension": "x"}, {"number": "+49 1", "country_code": "+49"}]},
            "ip_events": [{"address": "not an address", "at": "noon"}, {"address": "::1", "event": "Nap", "at": "noon", "port": 70000}],
            "location": {"city": "Bonn"}
        },
        "places": [{"place": "email", "addresses": [{"address": "stranger@example.com"}]}],
        "files": {"EXHIBIT": {"annotations": ["viral", "made-up"]}},
        "payments": [{"amount": "50.00", "currency": "EUR", "to": "the wallet"}]
    }"#
    .replace("PLACEHOLDER", &"x".repeat(300));
    let r = rendered(&facts, false, Extent::Whole).await;
    validate(r.text().unwrap());
    validate(&r.files[0].with_ids(1, "f"));
    // None of it stops the report: one bad telephone number must not keep it from being filed.
    assert!(r.stopping().is_empty(), "{:?}", r.remarks);
    let fields: Vec<_> = r
        .remarks
        .iter()
        .map(|m| m.field.rsplit('/').next().unwrap_or_default())
        .collect();
    for field in [
        "platform",
        "incidentDateTime",
        "displayName",
        "profileUrl",
        "dateOfBirth",
        "age",
        "type",
        "email",
        "country",
        "countryCallingCode",
        "extension",
        "ipAddress",
        "eventName",
        "dateTime",
        "port",
        "estimatedLocation",
        "emailAddress",
        "fileAnnotations",
    ] {
        assert!(fields.contains(&field), "{field} is not among {fields:?}");
    }
    assert!(r.remarks.iter().all(|m| !m.source.is_empty()));
    // Nothing is lost: every refused value is in the free text.
    let all = documents(&r);
    for content in [
        "yesterday",
        &"x".repeat(300),
        "https://example.com/white space",
        "the third of May",
        "200",
        "Pigeon",
        "nobody",
        "Atlantis",
        "0049",
        "not an address",
        "noon",
        "Nap",
        "70000",
        "Bonn",
        "stranger@example.com",
        "made-up",
        "the wallet",
    ] {
        assert!(all.contains(content), "{content}");
    }
    // A remark names the field, never its value.
    let said: String = r.remarks.iter().map(ToString::to_string).collect();
    for content in [
        "Pigeon",
        "Atlantis",
        "yesterday",
        "not an address",
        "made-up",
    ] {
        assert!(!said.contains(content), "{content}");
    }
}

#[tokio::test]
async fn what_only_a_person_can_put_right_stops_the_report_by_field() {
    // A date in the future and a missing contact: any correction of ours would be invented.
    let case = Decided::new(r#"{"occurred_at": "2126-01-01T00:00:00Z"}"#, Extent::Whole).await;
    casework::set_reporter(&case.casework, &Reporter::default(), "test")
        .await
        .unwrap();
    let r = case.rendered(false).await;
    let stopping: Vec<_> = r.stopping().iter().map(|m| m.field.as_str()).collect();
    assert_eq!(
        stopping,
        [
            "report/incidentSummary/incidentDateTime",
            "report/reporter/reportingPerson/email"
        ]
    );
}

#[tokio::test]
async fn a_batched_report_takes_accounts_and_one_marked_file_and_names_the_rest() {
    let facts = r#"{"batched_accounts": ["a", "b", "c"], "note": "secret note", "reported": {"id": "u", "bio": "b"},
        "files": {"EXHIBIT": {"annotations": ["viral", "infant"], "note": "n", "original_name": "x.png"}}}"#;
    let r = rendered(facts, false, Extent::Whole).await;
    let xml = r.text().unwrap();
    validate(xml);
    validate(&r.files[0].with_ids(1, "f"));
    assert!(r.stopping().is_empty(), "{:?}", r.remarks);
    // The reported account and the three batched ones.
    assert_eq!(xml.matches("<espIdentifier>").count(), 4);
    assert!(!documents(&r).contains("secret note"));
    let left: Vec<_> = r.omitted.iter().map(|o| o.field.as_str()).collect();
    for field in ["facts.note", "facts.reported.bio"] {
        assert!(left.contains(&field), "{left:?}");
    }
    for field in [".note", ".original_name", ".annotations"] {
        assert!(
            left.iter()
                .any(|l| l.starts_with("facts.files.") && l.ends_with(field)),
            "{field} {left:?}"
        );
    }
    // A batched report needs an annotation that marks its file as viral or as a potential meme.
    let r = rendered(r#"{"batched_accounts": ["a"]}"#, false, Extent::Whole).await;
    assert!(
        r.stopping()
            .iter()
            .any(|m| m.field.contains("fileAnnotations"))
    );
}

/// The paths to all leaves of a JSON value.
fn leaves(value: &Value, way: Vec<String>, out: &mut Vec<Vec<String>>) {
    let with = |part: String| way.iter().cloned().chain([part]).collect::<Vec<_>>();
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, v)| leaves(v, with(name.clone()), out)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, v)| leaves(v, with(n.to_string()), out)),
        _ => out.push(way),
    }
}

fn without(value: &Value, way: &[String]) -> Value {
    let mut all = value.clone();
    let (last, before) = way.split_last().unwrap();
    let mut at = &mut all;
    for part in before {
        at = match part.parse::<usize>() {
            Ok(n) if at.is_array() => &mut at[n],
            _ => &mut at[part.as_str()],
        };
    }
    match at {
        Value::Array(items) => {
            items.remove(last.parse().unwrap());
        }
        Value::Object(fields) => {
            fields.remove(last);
        }
        _ => unreachable!(),
    }
    all
}

/// True for one of several equal items: without it, the others still say the same.
fn is_twice(value: &Value, way: &[String]) -> bool {
    let (last, before) = way.split_last().unwrap();
    let mut at = value;
    for part in before {
        at = match part.parse::<usize>() {
            Ok(n) if at.is_array() => &at[n],
            _ => &at[part.as_str()],
        };
    }
    let own = last.parse::<usize>().ok().filter(|_| at.is_array());
    own.is_some_and(|own| {
        let items = at.as_array().unwrap();
        items.iter().filter(|i| **i == items[own]).count() > 1
    })
}

fn dotted(way: &[String]) -> String {
    let mut out = "facts".to_owned();
    for part in way {
        match part.parse::<usize>() {
            Ok(n) => out += &format!("[{n}]"),
            Err(_) => out += &format!(".{part}"),
        }
    }
    out
}

/// The proof that no fact is dropped silently: remove any single one, and either a document changes
/// or the fact was named as omitted.
#[tokio::test]
async fn every_fact_is_in_a_document_or_named_as_omitted() {
    let schema: Value = serde_json::from_str(&CaseFile::schema()).unwrap();
    let case = Decided::new("{}", Extent::Whole).await;
    let mut all =
        vec![serde_json::from_str::<Value>(&FULL.replace("EXHIBIT", &case.exhibit)).unwrap()];
    // Every fact of every round costs two renderings: twelve rounds in an ordinary run.
    let rounds = if std::env::var("OBHUT_SOAK").is_ok() {
        300
    } else {
        12
    };
    for seed in 0..rounds {
        let mut facts = generate::facts(&schema, seed);
        let file: Value = facts["files"]
            .as_object()
            .and_then(|f| f.values().next().cloned())
            .unwrap_or_default();
        let mut files = serde_json::Map::new();
        if file.is_object() {
            files.insert(case.exhibit.clone(), file);
        }
        facts["files"] = Value::Object(files);
        all.push(facts);
    }
    let mut looked = 0;
    for facts in &all {
        let Some(whole) = case.with_facts(facts).await else {
            panic!("the schema made facts that aren't: {facts}")
        };
        let text = documents(&whole);
        let mut ways = Vec::new();
        leaves(facts, Vec::new(), &mut ways);
        for way in ways {
            let smaller = without(facts, &way);
            if is_twice(facts, &way) {
                continue;
            }
            let parse = |v: &Value| Facts::from_json(v.to_string().as_bytes()).ok();
            // `material` is the default, so removing it changes nothing.
            if way == ["incident"] && facts["incident"] == "material" {
                continue;
            }
            if parse(&smaller) == parse(facts) {
                continue;
            }
            let Some(less) = case.with_facts(&smaller).await else {
                continue;
            };
            looked += 1;
            let field = dotted(&way);
            // A prefix counts: an omitted parent names all that is below it.
            let named = whole
                .omitted
                .iter()
                .any(|o| field.starts_with(o.field.as_str()));
            assert!(
                named || documents(&less) != text,
                "{field} is neither in a document nor named\n{facts:#}"
            );
        }
    }
    // So that the skips above cannot empty the test.
    assert!(looked > 300, "{looked}");
}

/// Any case that the case file's schema allows gives documents that are valid by the service's
/// schema. `cargo xtask soak` runs ten thousand.
#[tokio::test]
async fn generated_cases_make_valid_documents() {
    let schema: Value = serde_json::from_str(&CaseFile::schema()).unwrap();
    let case = Decided::new("{}", Extent::Whole).await;
    let count = if std::env::var("OBHUT_SOAK").is_ok() {
        10_000
    } else {
        600
    };
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    let mut took = std::time::Duration::ZERO;
    let mut kinds = std::collections::BTreeSet::new();
    let ncmec = destinations::by_name("ncmec").unwrap();
    let now = jiff::Timestamp::from_microsecond(Fixed.now_micros()).unwrap();
    for seed in 0..count {
        let mut facts = match seed {
            0 => serde_json::from_str(FULL).unwrap(),
            seed => generate::facts(&schema, 1_000 + seed),
        };
        let file = facts["files"]
            .as_object()
            .and_then(|f| f.values().next().cloned());
        facts["files"] = Value::Object(
            file.map(|f| (case.exhibit.clone(), f))
                .into_iter()
                .collect(),
        );
        let facts = Facts::from_json(facts.to_string().as_bytes()).expect("the schema makes facts");
        casework::set_facts(&case.casework, &case.case, &facts, "test")
            .await
            .unwrap();
        let report = casework::report(&case.casework, &case.case, true, "test")
            .await
            .unwrap();
        let begun = std::time::Instant::now();
        let r = report.render(ncmec.renderer());
        let _ = report.dossier.scores();
        took += begun.elapsed();
        for (n, text) in std::iter::once(r.text().unwrap().to_owned())
            .chain(r.files.iter().map(|f| f.with_ids(1, "f")))
            .enumerate()
        {
            let node = tree::parse(&text).unwrap();
            assert_eq!(table::faults(&node), [], "seed {seed}\n{text}");
            assert_eq!(fake_schema::fault(&node), None, "seed {seed}\n{text}");
            // Two readings of one documentation agree: the client's and the fake's.
            let theirs = documentation::objection(&node, now.as_second());
            let ours = rules::faults(&node, now);
            assert_eq!(
                ours.is_empty(),
                theirs.is_none(),
                "seed {seed}: {ours:?} {theirs:?}"
            );
            // What the rules would refuse is reported beforehand.
            for fault in rules::faults(&node, now) {
                assert!(
                    r.remarks.iter().any(|m| m.stops && m.field == fault.path),
                    "{fault:?}"
                );
            }
            node.walk(&mut |n| {
                kinds.insert(n.name.clone());
            });
            let path = folder.path().join(format!("{seed}-{n}.xml"));
            std::fs::write(&path, text).unwrap();
            files.push(path);
        }
    }
    println!(
        "{count} cases, render and scores {:?} each",
        took / count as u32
    );
    // Every element of the schema occurs in some case, except `fileName`, which would only repeat
    // the original name.
    let never: Vec<_> = table::elements()
        .into_iter()
        .filter(|e| !kinds.contains(*e))
        .collect();
    assert_eq!(never, ["fileName"]);
    let Some(xsd) = schema_file() else { return };
    // xmllint reads the schema once per start, not once per document.
    for part in files.chunks(400) {
        let out = Command::new("xmllint")
            .arg("--noout")
            .arg("--schema")
            .arg(&xsd)
            .args(part)
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
                .lines()
                .filter(|l| !l.ends_with("validates"))
                .collect::<Vec<_>>()
                .join("\n")
        );
    }
}

/// The table's validator and `xmllint` accept and refuse the same documents.
#[tokio::test]
async fn the_validator_accepts_what_xmllint_accepts() {
    let Some(xsd) = schema_file() else { return };
    let r = rendered(FULL, true, Extent::Whole).await;
    let texts = [r.text().unwrap().to_owned(), r.files[0].with_ids(1, "f")];
    let folder = tempfile::tempdir().unwrap();
    let mut chance = generate::Chance(77);
    let mut both = [0, 0];
    for round in 0..150 {
        let text = &texts[round % 2];
        let lines: Vec<&str> = text.lines().collect();
        // Past the declaration and the start of the root; never its last line.
        let at = 2 + chance.below(lines.len() - 3);
        let mut changed: Vec<String> = lines.iter().map(|l| l.to_string()).collect();
        match chance.below(5) {
            0 => {
                changed.remove(at);
            }
            1 => {
                let line = changed[at].clone();
                changed.insert(at, line);
            }
            2 => changed.swap(at, at - 1),
            3 => {
                changed[at] = changed[at]
                    .replace("true", "perhaps")
                    .replace("2026", "26")
                    .replace("DE", "QQ")
            }
            _ => changed[at] = changed[at].replacen('>', " odd=\"1\">", 1),
        }
        let changed = changed.join("\n");
        let Ok(node) = tree::parse(&changed) else {
            continue;
        };
        // The lengths come from the documentation; the XML schema does not limit them.
        let ours = table::faults(&node)
            .iter()
            .all(|f| f.what.contains("characters"));
        let path = folder.path().join(format!("{round}.xml"));
        std::fs::write(&path, &changed).unwrap();
        let out = Command::new("xmllint")
            .arg("--noout")
            .arg("--schema")
            .arg(&xsd)
            .arg(&path)
            .output()
            .unwrap();
        assert_eq!(
            ours,
            out.status.success(),
            "{}\n{:?}\n{changed}",
            String::from_utf8_lossy(&out.stderr),
            table::faults(&node)
        );
        assert_eq!(fake_schema::fault(&node).is_none(), ours, "{changed}");
        both[usize::from(ours)] += 1;
    }
    // Enough refused documents, or agreement would mean little.
    assert!(both[0] > 30, "{both:?}");
}

/// Values that are put into one place of a document: valid in some other place, or nowhere.
const VALUES: &[&str] = &[
    "",
    " ",
    "x",
    "true",
    "0",
    "false ",
    "1",
    "-1",
    "99999999999",
    "1.5",
    "1e3",
    "inf",
    "INF",
    "2026-02-29",
    "2026-02-28",
    "2026-02-28Z",
    "2026-12-01T24:00:00Z",
    "2026-12-01T24:00:01Z",
    "2026-12-01T23:59:60Z",
    "2026-12-01T10:00:00",
    "2026-12-01T10:00:00.25+14:00",
    "2026-12-01T10:00:00+14:01",
    "2026-12-01 10:00:00Z",
    "DE",
    "QQ",
    "TX",
    "+49",
    "+4915",
    "12a",
    "Mobile",
    "Upload",
    "A1",
    "EXIF",
    "Supplemental Reported",
    "VIRAL_POTENTIAL_MEME",
    "Linked",
];

/// Adds the paths to a document's elements to `found`, the document's own path included.
fn ways(node: &tree::Node, way: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
    found.push(way.clone());
    for (n, child) in node.children.iter().enumerate() {
        way.push(n);
        ways(child, way, found);
        way.pop();
    }
}

/// Makes one change to a document, in a random place.
fn change(document: &mut tree::Node, chance: &mut generate::Chance) {
    let mut all = Vec::new();
    ways(document, &mut Vec::new(), &mut all);
    let names: Vec<&str> = table::elements();
    let way = &all[chance.below(all.len())];
    let node = way.iter().fold(document, |node, n| &mut node.children[*n]);
    let value = VALUES[chance.below(VALUES.len())].to_owned();
    let at = chance.below(node.children.len().max(1));
    let longer = "\u{fc}".repeat([60, 101, 256, 257, 2_100, 3_001][chance.below(6)]);
    match chance.below(10) {
        0 if !node.children.is_empty() => drop(node.children.remove(at)),
        1 if !node.children.is_empty() => node.children.insert(at, node.children[at].clone()),
        2 if at > 0 => node.children.swap(at, at - 1),
        3 => node.children.insert(
            at.min(node.children.len()),
            tree::Node {
                name: names[chance.below(names.len())].to_owned(),
                text: value,
                ..tree::Node::default()
            },
        ),
        4 => node.name = names[chance.below(names.len())].to_owned(),
        5 if !node.attributes.is_empty() => {
            let which = chance.below(node.attributes.len());
            node.attributes[which].1 = value;
        }
        6 if !node.attributes.is_empty() => {
            let which = chance.below(node.attributes.len());
            node.attributes.remove(which);
        }
        7 => {
            let known = ["type", "verified", "timestamp", "hashType", "reason", "odd"];
            let name = known[chance.below(known.len())];
            if node.attribute(name).is_none() {
                node.attributes.push((name.to_owned(), value));
            }
        }
        8 if node.children.is_empty() => node.text = longer,
        _ => node.text = value,
    }
}

/// The client's table and the fake's schema were written independently: each finds a fault in a
/// changed document if, and only if, the other does.
#[tokio::test]
async fn two_readings_of_the_schema_judge_changed_documents_alike() {
    let r = rendered(FULL, true, Extent::Whole).await;
    let mut whole: Vec<tree::Node> = [r.text().unwrap().to_owned(), r.files[0].with_ids(1, "f")]
        .iter()
        .map(|text| tree::parse(text).unwrap())
        .collect();
    // The schema also declares the service's answers.
    whole.push(tree::parse("<reportDoneResponse><responseCode>0</responseCode><reportId>1</reportId><files><fileId>a</fileId></files></reportDoneResponse>").unwrap());
    let mut chance = generate::Chance(78);
    let mut refused = [0, 0, 0];
    for round in 0..20_000 {
        let mut node = whole[round % whole.len()].clone();
        change(&mut node, &mut chance);
        let ours = table::faults(&node);
        let lengths = ours
            .iter()
            .filter(|f| f.source == table::DOCUMENTATION)
            .count();
        let schema = ours.len() - lengths;
        let theirs = fake_schema::fault(&node);
        assert_eq!(
            schema > 0,
            theirs.is_some(),
            "{ours:?} {theirs:?}\n{node:#?}"
        );
        let long = documentation::objection_to_length(&node);
        if schema == 0 {
            assert_eq!(lengths > 0, long.is_some(), "{ours:?} {long:?}");
        }
        let kind = match (schema, lengths) {
            (0, 0) => 0,
            (0, _) => 1,
            _ => 2,
        };
        refused[kind] += 1;
    }
    // Enough of each, or agreement would mean little.
    assert!(refused.iter().all(|n| *n > 200), "{refused:?}");
}

/// Boundary values, each in its element: the client and the fake judge every one alike.
#[tokio::test]
async fn the_client_and_the_fake_read_the_documentation_alike() {
    let r = rendered(FULL, true, Extent::Whole).await;
    let now = jiff::Timestamp::from_microsecond(Fixed.now_micros()).unwrap();
    let documents = [r.text().unwrap().to_owned(), r.files[0].with_ids(1, "f")];
    let changes: &[(&str, &str)] = &[
        ("2026-09-20T06:15:00Z", "2126-09-20T06:15:00Z"),
        ("2026-09-20T07:00:00Z", "2026-09-20T09:30:00Z"),
        ("2026-09-20T10:00:00Z", "2026-09-20T08:30:00Z"),
        ("2026-01-02T03:04:05Z", "2126-01-02T03:04:05Z"),
        ("1986-02-03", "2186-02-03"),
        ("j@example.com", "j@localhost"),
        ("j@example.com", "j@b@example.com"),
        (">user-1<", "> <"),
        (">IMEI<", "><"),
        ("<priorCTReports>1<", "<priorCTReports>0<"),
        ("<priorCTReport>3<", "<priorCTReport>-3<"),
        (">DE</countryCode>", ">US</countryCode>"),
        (">443<", ">70000<"),
        ("192.0.2.1<", "192.0.2.300<"),
        ("https://example.com/jd", "https://example.com/j d"),
        ("https://example.com/jd", "https://example.com/jd?token=1"),
        ("<age>40<", "<age>151<"),
        (">52.5<", ">92.5<"),
        ("verified=\"true\"", "verified=\"false\""),
        (
            "<email type=\"Work\">o@example.com",
            "<email type=\"Work\">o",
        ),
        ("<fileViewedByEsp>true", "<fileViewedByEsp>false"),
        ("<exifViewedByEsp>false", "<exifViewedByEsp>true"),
        (
            "<fileRelevance>Reported",
            "<fileRelevance>Supplemental Reported",
        ),
    ];
    let mut refused = 0;
    let mut unchanged = Vec::new();
    for (from, to) in changes {
        let mut hit = false;
        for document in &documents {
            let changed = document.replace(from, to);
            if changed == *document {
                continue;
            }
            hit = true;
            let node = tree::parse(&changed).unwrap();
            let ours = rules::faults(&node, now);
            let theirs = documentation::objection(&node, now.as_second());
            assert_eq!(
                ours.is_empty(),
                theirs.is_none(),
                "{from} -> {to}: {ours:?} {theirs:?}"
            );
            refused += u32::from(theirs.is_some());
        }
        if !hit {
            unchanged.push(from);
        }
    }
    assert!(unchanged.is_empty(), "not in the documents: {unchanged:?}");
    assert!(refused > 15, "{refused}");
}
