//! CyberTipline XML: every element in schema order, viewed flags from the record, victims only on
//! request. Where `xmllint` and the pinned schema are present, they have the last word.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use expect_test::expect_file;
use obhut_casework::*;
use obhut_partners::{Rendered, destinations};

struct Fixed;

impl Clock for Fixed {
    fn now_micros(&self) -> i64 {
        1_790_000_000_000_000
    }
}

/// Every field there is, all invented.
const FULL: &str = include_str!("facts_full.json");

async fn rendered(facts: &str, with_victims: bool, extent: Extent) -> Rendered {
    let folder = tempfile::tempdir().unwrap();
    let c = Casework::open(DataFolder::new(folder.path()), None, Arc::new(Fixed))
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
    };
    c.set_reporter(&reporter, "test").await.unwrap();
    let screened = Screened {
        verdict: Verdict::Match,
        action: Action::Hold,
        matches: Vec::new(),
        quality: Some(100),
        media_type: Some("image/png"),
        unreadable: None,
        suspicious: false,
        is_ours: false,
    };
    let subject = Subject {
        group: "a".into(),
        account: Some(Sealed::new("user-1".into())),
        name: Some(Sealed::new("/srv/uploads/a & b.png".into())),
        surface: Surface::Public,
        uploaded_at: Some(1_789_999_000_000_000),
    };
    let recorded = c
        .record(&screened, &subject, Some(b"bytes"), "test")
        .await
        .unwrap();
    let (case, exhibit) = (recorded.case.unwrap(), recorded.exhibit.unwrap());
    let facts = Facts::from_json(facts.replace("EXHIBIT", &exhibit).as_bytes()).unwrap();
    c.set_facts(&case, &facts, "test").await.unwrap();
    let rita = c
        .add_person("Rita", &[Role::Reviewer], "test")
        .await
        .unwrap();
    c.view(&exhibit, &rita, "decision", extent).await.unwrap();
    let request = DecisionRequest {
        ruling: Ruling::Report,
        grounds: "as assessed".into(),
        category: Some(Category {
            scale: "ncmec-industry".into(),
            value: "A2".into(),
        }),
    };
    c.decide(&case, &rita, &request).await.unwrap();
    let report = c.report(&case, with_victims, "test").await.unwrap();
    let ncmec = destinations::by_name("ncmec").unwrap();
    let once = (ncmec.render)(&report);
    assert_eq!(once, (ncmec.render)(&report), "render is pure");
    once
}

fn schema() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/ncmec/cyber_tipline_2025-11-10_boostport.xsd");
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
    let Some(schema) = schema() else { return };
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
    expect_file!["report_full.xml"].assert_eq(&r.report);
    let file = r.files[0].with_ids(4_711, "0123456789abcdef0123456789abcdef");
    expect_file!["file_full.xml"].assert_eq(&file);
    validate(&r.report);
    validate(&file);
}

#[tokio::test]
async fn the_smallest_report_is_valid_and_says_what_is_missing() {
    let r = rendered("{}", false, Extent::Unseen).await;
    validate(&r.report);
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
    assert!(!r.report.contains("<victim>") && !r.report.contains("Jane"));
    validate(&r.report);
}

#[tokio::test]
async fn viewed_flags_come_from_the_record() {
    for (extent, file, exif) in [
        (Extent::Unseen, "false", Some("false")),
        (Extent::Part, "false", Some("false")),
        (Extent::Whole, "true", Some("false")),
        // "EXIF viewed" may stand only beside "file viewed": it is left out, neither is bent.
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
async fn what_the_schema_would_refuse_is_left_out_and_named() {
    let facts = r#"{
        "platform": "a\u0001b",
        "reported": {
            "display_names": ["PLACEHOLDER"],
            "person": {"born": "yesterday", "emails": [{"address": "a@b.example", "kind": "Pigeon"}],
                       "addresses": [{"country": "Atlantis"}],
                       "phones": [{"number": "1", "country_code": "0049", "extension": "x"}]},
            "ip_events": [{"address": "not an address"}, {"address": "::1", "event": "Nap", "at": "noon"}],
            "location": {"city": "Bonn"}
        },
        "files": {"EXHIBIT": {"annotations": ["viral", "made-up"]}},
        "places": [{"place": "chat"}]
    }"#
    .replace("PLACEHOLDER", &"x".repeat(300));
    let r = rendered(&facts, false, Extent::Whole).await;
    validate(&r.report);
    validate(&r.files[0].with_ids(1, "f"));
    let fields: Vec<_> = r
        .remarks
        .iter()
        .map(|m| m.field.rsplit('/').next().unwrap_or_default())
        .collect();
    for field in [
        "platform",
        "displayName",
        "dateOfBirth",
        "@type",
        "country",
        "phone",
        "ipAddress",
        "eventName",
        "dateTime",
        "countryCode",
        "fileAnnotations",
    ] {
        assert!(fields.contains(&field), "{field} is not among {fields:?}");
    }
    // A remark names the field, never what stands in it.
    let all: String = r.remarks.iter().map(ToString::to_string).collect();
    for content in [
        "Pigeon",
        "Atlantis",
        "yesterday",
        "not an address",
        "made-up",
    ] {
        assert!(!all.contains(content), "{content}");
    }
}
