//! Every form on the same cases: its content, the exhibits it attaches, and what it names as
//! omitted.

use std::io::{Cursor, Read as _};

use expect_test::{Expect, expect};
use obhut_facts::{
    Category, Determination, Dossier, Facts, FileDigests, FileFacts, NcaDuty, Question,
    ReportedFile, Reporter, Sealed, Surface,
};

use super::*;

mod omitted;

/// 2026-09-21T14:13:20Z.
const MADE: i64 = 1_790_000_000_000_000;

fn case(facts: &str) -> Dossier {
    Dossier {
        reporter: Reporter {
            service: "Example".into(),
            first_name: "Erika".into(),
            last_name: "Muster".into(),
            email: "trust@example.com".into(),
            industry_agreement: "IHS-2026-1".into(),
            nca_duty: Some(NcaDuty::UkProvider),
            nca_unreported: "counsel, 2026-01-01".into(),
            ..Reporter::default()
        },
        decided: true,
        found_at: MADE,
        made_at: MADE,
        ..Dossier::of("case-1", Facts::from_json(facts.as_bytes()).unwrap())
    }
}

/// A matched picture that a person has viewed.
fn picture() -> ReportedFile {
    ReportedFile {
        exhibit: Some("exhibit-1".into()),
        key: "exhibit-1".into(),
        name: Some(Sealed::new("a.png".into())),
        digests: Some(Sealed::new(FileDigests {
            md5: "0123456789abcdef0123456789abcdef".into(),
            sha1: "0123456789abcdef0123456789abcdef01234567".into(),
            sha256: "0000000000000000000000000000000000000000000000000000000000000001".into(),
            bytes: 1_234,
            media_type: Some("image/png".into()),
            exif: vec![("Make".into(), "Camera".into())],
            pdq: Some("9c5b4f2ed8a1637e9c5b4f2ed8a1637e9c5b4f2ed8a1637e9c5b4f2ed8a1637e".into()),
        })),
        media_type: Some("image/png".into()),
        surface: Surface::Public,
        uploaded_at: Some(MADE),
        found_at: MADE,
        matched: true,
        matched_exactly: true,
        category: Some(Category {
            scale: "ncmec-industry".into(),
            value: "A1".into(),
        }),
        public: Some(false),
        stopped: true,
        as_received: false,
        viewed_whole: true,
        viewed_copy: None,
        viewed_metadata: false,
        seen_before: Vec::new(),
        seen_in_more: false,
        facts: Sealed::new(FileFacts::default()),
    }
}

const SMALL: &str = r#"{"reported": {"id": "user-1", "ip_events": [{"address": "192.0.2.1", "port": 4433, "at": "2026-09-20T06:15:00Z", "event": "Upload"}]},
    "places": [{"place": "web-page", "urls": ["https://example.com/p"]}], "detected_by": "hash-match", "occurred_at": "2026-09-20T06:15:00Z",
    "payments": [{"amount": "50.00", "currency": "EUR"}]}"#;

fn with_picture(facts: &str) -> Dossier {
    let mut d = case(facts);
    d.files.push(picture());
    d.matched = true;
    d
}

fn written(form: &str, d: &Dossier) -> Rendered {
    let form = by_name(form).unwrap();
    let once = (form.write)(d);
    assert!(once == (form.write)(d), "{}: rendering is pure", form.name);
    once
}

/// A member of a ZIP as text.
fn member(zip: &[u8], name: &str) -> String {
    let mut archive = ::zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    let mut text = String::new();
    archive
        .by_name(name)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}

fn check(form: &str, d: &Dossier, expected: &Expect) {
    let rendered = written(form, d);
    let text = match rendered.media_type {
        "application/zip" => member(&rendered.report, "report.json"),
        _ => String::from_utf8(rendered.report).unwrap(),
    };
    expected.assert_eq(&text);
}

#[test]
// Long: a snapshot.
fn a_webhook_carries_all_of_the_case_that_may_be_disclosed() {
    check(
        "webhook",
        &with_picture(SMALL),
        &expect![[r#"
            {
              "data": {
                "case": "case-1",
                "facts": {
                  "detected_by": "hash-match",
                  "occurred_at": "2026-09-20T06:15:00Z",
                  "payments": [
                    {
                      "amount": "50.00",
                      "currency": "EUR"
                    }
                  ],
                  "places": [
                    {
                      "place": "web-page",
                      "urls": [
                        "https://example.com/p"
                      ]
                    }
                  ],
                  "reported": {
                    "id": "user-1",
                    "ip_events": [
                      {
                        "address": "192.0.2.1",
                        "at": "2026-09-20T06:15:00Z",
                        "event": "Upload",
                        "port": 4433
                      }
                    ]
                  }
                },
                "files": [
                  {
                    "bytes": 1234,
                    "category": {
                      "scale": "ncmec-industry",
                      "value": "A1"
                    },
                    "exhibit": "exhibit-1",
                    "exif": [
                      [
                        "Make",
                        "Camera"
                      ]
                    ],
                    "facts": {
                      "supplemental": false
                    },
                    "found_at": "2026-09-21T14:13:20Z",
                    "known": "an automated comparison found this file on a list of known material",
                    "md5": "0123456789abcdef0123456789abcdef",
                    "media_type": "image/png",
                    "name": "a.png",
                    "pdq": "9c5b4f2ed8a1637e9c5b4f2ed8a1637e9c5b4f2ed8a1637e9c5b4f2ed8a1637e",
                    "publicly_available": false,
                    "sha1": "0123456789abcdef0123456789abcdef01234567",
                    "sha256": "0000000000000000000000000000000000000000000000000000000000000001",
                    "surface": "public",
                    "uploaded_at": "2026-09-21T14:13:20Z",
                    "viewed_metadata": false,
                    "viewed_whole": true
                  }
                ],
                "found_at": "2026-09-21T14:13:20Z",
                "made_at": "2026-09-21T14:13:20Z",
                "reporter": {
                  "email": "trust@example.com",
                  "first_name": "Erika",
                  "last_name": "Muster",
                  "service": "Example"
                }
              },
              "timestamp": "2026-09-21T14:13:20Z",
              "type": "report.approved"
            }
        "#]],
    );
}

/// The same case as the webhook's event, field by field, and the exhibit with it.
#[test]
fn a_package_carries_the_same_case_and_its_exhibit() {
    let d = with_picture(SMALL);
    let package = written("package", &d);
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let event = String::from_utf8(written("webhook", &d).report).unwrap();
    assert_eq!(
        json(&member(&package.report, "report.json")),
        json(&event)["data"]
    );
    let exhibits: Vec<_> = package
        .attached
        .iter()
        .map(|a| a.exhibit.as_str())
        .collect();
    assert_eq!(exhibits, ["exhibit-1"]);
}

/// Facts, upload time of the first file; the report's time, and a part of its description.
#[test]
fn the_incidents_time_is_what_is_said_or_the_first_upload_or_the_finding() {
    let said = r#"{"reported": {"id": "u"}, "occurred_at": "2026-09-20T06:15:00Z"}"#;
    let nothing = r#"{"reported": {"id": "u"}}"#;
    let uploaded = Some(MADE - 3_600_000_000);
    for (facts, uploaded_at, time, note) in [
        (said, uploaded, "2026-09-20T06:15:00Z", ""),
        (nothing, uploaded, "2026-09-21T13:13:20Z", "first upload"),
        (nothing, None, "2026-09-21T14:13:20Z", "is not known"),
    ] {
        let mut d = with_picture(facts);
        d.files[0].uploaded_at = uploaded_at;
        let mut later = picture();
        later.uploaded_at = Some(MADE);
        d.files.extend(uploaded_at.map(|_| later));
        let xml = String::from_utf8(written("ncmec", &d).report).unwrap();
        let of = |name: &str| {
            let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap_or_default();
            rest.split('<').next().unwrap_or_default().to_owned()
        };
        assert_eq!(of("incidentDateTime"), time, "{facts}");
        let described = of("incidentDateTimeDescription");
        assert!(
            described.contains(note) && described.is_empty() == note.is_empty(),
            "{described}"
        );
    }
}

#[test]
fn xarf_has_no_picture_inside() {
    check(
        "xarf",
        &with_picture(SMALL),
        &expect![[r#"
        {
          "category": "content",
          "classification": "A1",
          "detection_method": "hash_match",
          "domain": "example.com",
          "hash_values": {
            "md5": "0123456789abcdef0123456789abcdef",
            "sha1": "0123456789abcdef0123456789abcdef01234567",
            "sha256": "0000000000000000000000000000000000000000000000000000000000000001"
          },
          "media_type": "image",
          "report_id": "8181f5fc-c652-4661-a0de-e20d2280e3be",
          "reporter": {
            "contact": "trust@example.com",
            "domain": "example.com",
            "org": "Example"
          },
          "sender": {
            "contact": "trust@example.com",
            "domain": "example.com",
            "org": "Example"
          },
          "source_identifier": "192.0.2.1",
          "source_port": 4433,
          "timestamp": "2026-09-20T06:15:00Z",
          "type": "csam",
          "url": "https://example.com/p",
          "xarf_version": "4.2.0"
        }
    "#]],
    );
    // A case without files: content/csem.
    check(
        "xarf",
        &case(
            r#"{"incident": "enticement", "tags": ["sextortion"], "reported": {"id": "user-1"}, "detected_by": "user-report",
            "threads": [{"id": "t", "messages": [{"text": "hi"}]}], "places": [{"place": "web-page", "urls": ["https://example.com/p"]}]}"#,
        ),
        &expect![[r#"
            {
              "category": "content",
              "description": "1 message; the words themselves are with the reporter",
              "detection_method": "user_report",
              "domain": "example.com",
              "evidence_type": [
                "chat_logs"
              ],
              "exploitation_type": "sextortion",
              "report_id": "8181f5fc-c652-4661-a0de-e20d2280e3be",
              "reporter": {
                "contact": "trust@example.com",
                "domain": "example.com",
                "org": "Example"
              },
              "sender": {
                "contact": "trust@example.com",
                "domain": "example.com",
                "org": "Example"
              },
              "source_identifier": "example.com",
              "timestamp": "2026-09-21T14:13:20Z",
              "type": "csem",
              "url": "https://example.com/p",
              "xarf_version": "4.2.0"
            }
        "#]],
    );
}

#[test]
// Long: two snapshots.
fn vics_lists_the_media_with_their_digests() {
    check(
        "vics",
        &with_picture(SMALL),
        &expect![[r#"
        {
        "@odata.context": "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/Default/$metadata#Cases",
        "value": [
          {
            "CaseID": "ba225b98-95ea-4b5e-901e-a5320527c9d9",
            "CaseMetadata": [
              {
                "PropertyName": "Account",
                "PropertyValue": "user-1"
              }
            ],
            "CaseNumber": "case-1",
            "ContactEmail": "trust@example.com",
            "ContactName": "Erika Muster",
            "ContactOrganization": "Example",
            "Media": [
              {
                "AlternativeHashes": [
                  {
                    "HashName": "SHA256",
                    "HashValue": "0000000000000000000000000000000000000000000000000000000000000001"
                  }
                ],
                "DateUpdated": "2026-09-21T14:13:20Z",
                "IsPrecategorized": true,
                "IsSuspected": true,
                "MD5": "0123456789ABCDEF0123456789ABCDEF",
                "MediaFiles": [
                  {
                    "Created": "2026-09-21T14:13:20Z",
                    "FileName": "a.png",
                    "MediaFileID": 1
                  }
                ],
                "MediaID": 1,
                "MediaSize": 1234,
                "MimeType": "image/png",
                "RelativeFilePath": "exhibit-1",
                "SHA1": "0123456789ABCDEF0123456789ABCDEF01234567"
              }
            ],
            "SourceApplicationName": "obhut",
            "SourceApplicationVersion": "0.1.0",
            "TotalMediaFiles": 1
          }
        ]
        }
    "#]],
    );
    check(
        "vics-1-3",
        &with_picture(SMALL),
        &expect![[r#"
        {
        "odata.metadata": "http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Cases",
        "value": [
          {
            "CaseID": "ba225b98-95ea-4b5e-901e-a5320527c9d9",
            "CaseMetadata": [
              {
                "PropertyName": "Account",
                "PropertyValue": "user-1"
              }
            ],
            "CaseNumber": "case-1",
            "ContactEmail": "trust@example.com",
            "ContactName": "Erika Muster",
            "ContactOrganization": "Example",
            "Media": [
              {
                "AlternativeHashes": [
                  {
                    "HashName": "SHA256",
                    "HashValue": "0000000000000000000000000000000000000000000000000000000000000001"
                  }
                ],
                "DateUpdated": "2026-09-21T14:13:20Z",
                "IsPrecategorized": "True",
                "IsSuspected": "True",
                "MD5": "0123456789ABCDEF0123456789ABCDEF",
                "MediaFiles": [
                  {
                    "Created": "2026-09-21T14:13:20Z",
                    "FileName": "a.png",
                    "MediaFileID": 1
                  }
                ],
                "MediaID": 1,
                "MediaSize": 1234,
                "MimeType": "image/png",
                "RelativeFilePath": "exhibit-1",
                "SHA1": "0123456789ABCDEF0123456789ABCDEF01234567"
              }
            ],
            "SourceApplicationName": "obhut",
            "SourceApplicationVersion": "0.1.0",
            "TotalMediaFiles": 1
          }
        ]
        }
    "#]],
    );
}

/// A report without files once said "distribution", whatever had happened. A report is now stopped
/// before approval if the standard has no word for what happened. Facts; the word, or the field
/// that stops.
#[test]
fn xarf_says_what_happened_or_refuses() {
    for (facts, expected) in [
        (r#""tags": ["sextortion"]"#, Ok("sextortion")),
        (r#""tags": ["solicitation", "spam"]"#, Ok("solicitation")),
        (r#""incident": "enticement""#, Ok("grooming")),
        (r#""incident": "trafficking""#, Ok("trafficking")),
        (r#""incident": "tourism""#, Err("exploitation_type")),
        (r#""incident": "molestation""#, Err("exploitation_type")),
        (
            r#""incident": "unsolicited-obscene""#,
            Err("exploitation_type"),
        ),
        (r#""incident": "material""#, Err("exploitation_type")),
        (r#""tags": ["spam"]"#, Err("exploitation_type")),
        (
            r#""incident": "enticement", "detected_by": "hash-match""#,
            Err("detection_method"),
        ),
        (
            r#""incident": "enticement", "threads": [{"id": "t"}]"#,
            Ok("grooming"),
        ),
    ] {
        let by = match facts.contains("detected_by") {
            true => "",
            false => r#""detected_by": "person", "#,
        };
        let known = r#""places": [{"place": "web-page", "urls": ["https://example.com/p"]}]"#;
        let rendered = written("xarf", &case(&format!("{{{facts}, {by}{known}}}")));
        let stops: Vec<_> = rendered
            .remarks
            .iter()
            .filter(|r| r.stops)
            .map(|r| r.field.as_str())
            .collect();
        let json: serde_json::Value = serde_json::from_slice(&rendered.report).unwrap();
        // No message is on record.
        assert!(json["evidence_type"].is_null() && json["description"].is_null());
        match expected {
            Ok(word) => assert_eq!(
                (json["exploitation_type"].as_str(), stops),
                (Some(word), vec![])
            ),
            Err(field) => assert_eq!(stops, [field], "{facts}"),
        }
    }
}

/// Facts, and the fields that stop a statement of reasons.
#[test]
fn a_statement_of_reasons_stops_at_what_it_cannot_say() {
    let found = r#""detected_by": "person", "occurred_at": "2026-09-21T06:00:00Z", "threads": [{"messages": [{"text": "hi"}]}]"#;
    let closed = r#""closed": {"done": true, "at": "2026-09-21T07:00:00Z"}"#;
    for (facts, stops) in [
        (
            format!(r#"{found}, "reported": {{"id": "u", {closed}}}"#),
            "",
        ),
        (found.to_owned(), "decision_visibility application_date"),
        // An account that is open again isn't restricted.
        (
            format!(
                r#"{found}, "reported": {{"id": "u", "suspended": {{"done": true, "at": "2026-09-21T07:00:00Z", "reopened_at": "2026-09-22T07:00:00Z"}}}}"#
            ),
            "decision_visibility application_date",
        ),
        (
            format!(r#"{found}, "removed": true, "removed_at": "2026-09-19T00:00:00Z""#),
            "application_date",
        ),
        (
            format!(r#""detected_by": "person", "reported": {{"id": "u", {closed}}}"#),
            "content_type content_date",
        ),
    ] {
        let mut d = case(&format!("{{{facts}}}"));
        let answer = |question, answer: &str| Determination {
            question,
            answers: vec![answer.into()],
            grounds: "g".into(),
            name: "Rita".into(),
            determined_at: MADE,
        };
        d.determinations = vec![
            answer(Question::GroundDsa, "solicitation"),
            answer(Question::OffenceDe, "other"),
        ];
        let rendered = written("dsa-statement", &d);
        let fields: Vec<_> = rendered.remarks.iter().map(|r| r.field.as_str()).collect();
        assert_eq!(fields.join(" "), stops, "{facts}");
        let json: serde_json::Value = serde_json::from_slice(&rendered.report).unwrap();
        // "Another offence" names no law.
        let ground = json["illegal_content_legal_ground"].as_str().unwrap();
        assert!(
            !ground.contains("andere") && ground.contains("Article 6"),
            "{ground}"
        );
    }
}

/// Regression: a private message, which was public at no time, counted as an upload that a program
/// had stopped, on the day it was found.
#[test]
fn a_statement_says_that_an_upload_was_stopped_only_if_it_was() {
    for (stopped, decision, dated) in [
        (true, "AUTOMATED_DECISION_PARTIALLY", true),
        (false, "AUTOMATED_DECISION_NOT_AUTOMATED", false),
    ] {
        let mut d = case(
            r#"{"detected_by": "hash-match", "occurred_at": "2026-09-21T06:00:00Z", "removed": true}"#,
        );
        d.files = vec![ReportedFile {
            stopped,
            ..picture()
        }];
        let rendered = written("dsa-statement", &d);
        let json: serde_json::Value = serde_json::from_slice(&rendered.report).unwrap();
        assert_eq!(json["automated_decision"], decision);
        assert_eq!(json["application_date"].is_string(), dated, "{json}");
    }
}

/// The category once came from one file and the digests from another.
#[test]
fn xarf_names_the_digests_of_the_file_with_the_category() {
    let mut d = with_picture(SMALL);
    let mut unseen = picture();
    unseen.key = "exhibit-0".into();
    unseen.category = None;
    let mut digests = unseen.digests.unwrap().expose().clone();
    digests.md5 = "f".repeat(32);
    unseen.digests = Some(Sealed::new(digests));
    d.files.insert(0, unseen);
    let json: serde_json::Value = serde_json::from_slice(&written("xarf", &d).report).unwrap();
    assert_eq!(
        json["hash_values"]["md5"],
        "0123456789abcdef0123456789abcdef"
    );
    // A file that only supplements the report isn't the one that it describes.
    let mut supplement = picture();
    let facts = r#"{"supplemental": true}"#;
    supplement.facts = Sealed::new(serde_json::from_str(facts).unwrap());
    supplement.category.as_mut().unwrap().value = "B2".into();
    d.files.insert(0, supplement);
    // If the bytes weren't kept, only the digests in the case file are given.
    let facts = r#"{"original_hashes": [{"kind": "MD5", "value": "00000000000000000000000000000007"}], "annotations": ["potentialMeme"]}"#;
    d.files[2].facts = Sealed::new(serde_json::from_str(facts).unwrap());
    d.files[2].digests = None;
    let rendered = written("xarf", &d);
    let json: serde_json::Value = serde_json::from_slice(&rendered.report).unwrap();
    assert_eq!(json["classification"], "A1");
    assert_eq!(
        json["hash_values"],
        serde_json::json!({"md5": "00000000000000000000000000000007"})
    );
    assert!(
        rendered
            .remarks
            .iter()
            .any(|r| !r.stops && r.what.contains("a meme"))
    );
}

/// A reopened account was once called suspended.
#[test]
fn xarf_knows_that_an_account_is_open_again() {
    for (reopened, suspended) in [
        ("", true),
        (r#", "reopened_at": "2026-09-21T00:00:00Z""#, false),
    ] {
        let json = format!(
            r#"{{"detected_by": "person", "reported": {{"id": "u", "suspended": {{"done": true, "at": "2026-09-20T00:00:00Z"{reopened}}}}}, "places": [{{"place": "web-page", "urls": ["https://example.com/p"]}}]}}"#
        );
        let report = written("xarf", &with_picture(&json)).report;
        let json: serde_json::Value = serde_json::from_slice(&report).unwrap();
        assert_eq!(json["account_suspended"], suspended);
    }
}

/// Form, number of exhibits attached.
#[test]
fn each_form_attaches_what_its_destination_may_have() {
    for (form, exhibits) in [
        ("goaml", 1),
        ("leads", 0),
        ("ncmec", 1),
        ("package", 1),
        ("package-bka", 1),
        ("package-nca", 1),
        ("vics", 0),
        ("vics-1-3", 0),
        ("webhook", 0),
        ("xarf", 0),
    ] {
        let rendered = written(form, &with_picture(SMALL));
        assert_eq!(rendered.attached.len(), exhibits, "{form}");
        // An incoming report is attached only if a person chose it; otherwise it is named as
        // omitted.
        let mut d = with_picture(SMALL);
        d.incoming = 1;
        let omitted = written(form, &d).omitted;
        assert!(
            omitted.iter().any(|o| o.field == "reports of others"),
            "{form}"
        );
    }
}

/// No form discloses names of lists, grounds, an embargo or views; each names them as omitted.
#[test]
fn what_stays_here_is_named_by_every_form() {
    let mut d = with_picture(SMALL);
    d.embargoed = true;
    d.victims_left_out = 2;
    d.signatures_left_out = vec!["facts.places[0].urls[0]".into()];
    for form in ALL {
        let omitted = (form.write)(&d).omitted;
        let fields: Vec<_> = omitted.iter().map(|o| o.field.as_str()).collect();
        for field in [
            "facts.places[0].urls[0]",
            "facts.victims",
            "findings",
            "decision.grounds",
            "embargo",
            "views",
        ] {
            assert!(fields.contains(&field), "{}: {field}", form.name);
        }
    }
}

/// No document contains the settings about the provider's agreements with others.
#[test]
fn agreements_of_the_provider_are_sent_to_no_one() {
    for form in ALL {
        let rendered = (form.write)(&with_picture(SMALL));
        let text = match rendered.media_type {
            "application/zip" if form.name.starts_with("package") => {
                member(&rendered.report, "report.json")
            }
            _ => String::from_utf8_lossy(&rendered.report).into_owned(),
        };
        for secret in ["IHS-2026-1", "counsel"] {
            assert!(!text.contains(secret), "{}: {secret}", form.name);
        }
    }
}

/// Duty, who established that no arrangement applies, determined link; fields that stop the report.
#[test]
fn the_ncas_package_stops_without_duty_and_link() {
    let link = "determination.link-uk";
    #[rustfmt::skip]
    #[expect(clippy::type_complexity, reason = "the line above says what each is")]
    let table: &[(Option<NcaDuty>, &str, &[&str], &[&str])] = &[
        (None, "", &[], &["reporter.nca_duty", "reporter.nca_unreported"]),
        (Some(NcaDuty::UkProvider), " ", &[], &["reporter.nca_unreported"]),
        (Some(NcaDuty::UkProvider), "counsel", &[], &[]),
        (Some(NcaDuty::UkProvider), "counsel", &["none"], &[]),
        (Some(NcaDuty::NonUkProvider), "counsel", &[], &[link]),
        (Some(NcaDuty::NonUkProvider), "counsel", &["none"], &[link]),
        (Some(NcaDuty::NonUkProvider), "counsel", &["place", "child-location"], &[]),
    ];
    for (duty, unreported, answers, stops) in table {
        let mut d = with_picture(SMALL);
        d.reporter.nca_duty = *duty;
        d.reporter.nca_unreported = (*unreported).into();
        if !answers.is_empty() {
            d.determinations.push(determined(Question::LinkUk, answers));
        }
        let rendered = written("package-nca", &d);
        let fields: Vec<_> = rendered
            .stopping()
            .iter()
            .map(|r| r.field.clone())
            .collect();
        assert_eq!(fields, *stops, "{duty:?} {unreported:?} {answers:?}");
    }
}

fn determined(question: Question, answers: &[&str]) -> Determination {
    Determination {
        question,
        answers: answers.iter().map(|a| (*a).to_owned()).collect(),
        grounds: "g".into(),
        name: "Olga".into(),
        determined_at: MADE,
    }
}

/// Facts, and the field that suggests a link with the United Kingdom. Proposals name fields, never
/// their content.
#[test]
fn a_link_with_the_united_kingdom_is_proposed_from_recorded_countries() {
    #[rustfmt::skip]
    let table = [
        (r#"{}"#, "No recorded country suggests one"),
        (r#"{"reported": {"location": {"country": "GB"}}}"#, "suspect-location from facts.reported"),
        (r#"{"reported": {"location": {"country": "uk"}}}"#, "suspect-location from facts.reported"),
        (r#"{"reported": {"location": {"country": "DE"}}}"#, "No recorded country suggests one"),
        (r#"{"reported": {"person": {"phones": [{"number": "1", "country_code": "+44"}]}}}"#, "suspect-location from facts.reported"),
        (r#"{"also_reported": [{"person": {"addresses": [{"country": "GB"}]}}]}"#, "suspect-location from facts.also_reported"),
        (r#"{"victims": [{"location": {"country": "GB"}}]}"#, "child-location from facts.victims"),
        (r#"{"places": [{"place": "offline", "addresses": [{"country": "GB"}]}]}"#, "place from facts.places"),
    ];
    for (facts, expected) in table {
        let mut d = case(facts);
        d.reporter.nca_duty = Some(NcaDuty::NonUkProvider);
        let stops = written("package-nca", &d);
        let link = stops
            .remarks
            .iter()
            .find(|r| r.field == "determination.link-uk")
            .unwrap();
        assert!(link.what.contains(expected), "{facts}: {}", link.what);
        assert!(!link.what.contains("GB"), "{}", link.what);
    }
}

#[test]
fn the_bkas_package_says_danger_and_offence_in_german() {
    let mut d = with_picture(SMALL);
    let stopping = |d: &Dossier| {
        let rendered = written("package-bka", d);
        rendered
            .stopping()
            .iter()
            .map(|r| r.field.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        stopping(&d),
        ["determination.threat-de", "determination.offence-de"]
    );
    d.determinations = vec![
        determined(Question::OffenceDe, &["184b"]),
        determined(Question::ThreatDe, &["no"]),
    ];
    assert_eq!(stopping(&d), Vec::<String>::new());
    // The JSON has both answers too, but not the link, which is another authority's question.
    d.determinations
        .push(determined(Question::LinkUk, &["place"]));
    let json = member(&written("package-bka", &d).report, "report.json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let expected = serde_json::json!({"offence-de": ["184b"], "threat-de": ["no"]});
    assert_eq!(json["determined"], expected);
    assert!(!json.to_string().contains("Olga"), "names stay here");
}
