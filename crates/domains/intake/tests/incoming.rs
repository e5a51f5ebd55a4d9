//! Incoming reports: deduplicated, linked, ranked; an unreadable one becomes a case; none is dropped.

#[path = "../../../app/tests/bench/mod.rs"]
mod bench;

/// Intake, and media for the lists the harness uses.
fn domains() -> Vec<Box<dyn obhut_casework::for_domains::Domain>> {
    vec![Box::new(obhut_media::Media), Box::new(obhut_intake::Intake)]
}

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;
use obhut_intake::*;

fn given(format: IncomingFormat, facts: &str, digests: &[&str]) -> ParsedReport {
    let facts = Facts::from_json(facts.as_bytes()).unwrap();
    ParsedReport {
        format,
        understood: match format {
            IncomingFormat::Unreadable => Understood::No,
            _ => Understood::Yes,
        },
        number: None,
        raw: Sealed::new(format!("{facts:?}{digests:?}").into_bytes()),
        facts: Sealed::new(facts),
        digests: digests
            .iter()
            .map(|d| ("md5".to_owned(), (*d).to_owned()))
            .collect(),
        near: Vec::new(),
        unreadable: None,
    }
}

fn account(id: &str, more: &str) -> String {
    format!(r#"{{"reported": {{"id": "{id}"}}{more}}}"#)
}

/// A made-up PDQ; `flips` of its 256 bits differ from the one of the same seed without flips. With 20
/// it is still within the distance that links.
fn near(seed: u8, flips: usize) -> [u8; 32] {
    let mut bits = [0; 32];
    for (n, byte) in bits.iter_mut().enumerate() {
        *byte = seed
            .wrapping_mul(37)
            .wrapping_add((n as u8).wrapping_mul(seed | 1))
            .rotate_left(u32::from(seed % 7));
    }
    bits.iter_mut().take(flips).for_each(|byte| *byte ^= 1);
    bits
}

async fn take(c: &Casework, all: Vec<ParsedReport>) -> Vec<Incoming> {
    obhut_intake::begin_intake(c)
        .await
        .unwrap()
        .take(all, "test")
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_reuploads_and_links() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let form = IncomingFormat::Form;
        let first = account("a", r#", "occurred_at": "2026-01-01T00:00:00Z""#);
        let later = account("a", r#", "occurred_at": "2026-02-01T00:00:00Z""#);
        let came = take(
            c,
            vec![
                given(form, &first, &["d1"]),
                given(form, &first, &["d1"]),
                given(form, &later, &["d1"]),
                given(form, &account("b", ""), &["d1"]),
                given(form, &account("c", ""), &["d2"]),
                given(
                    form,
                    r#"{"threads": [{"id": "t"}], "reported": {"id": "c"}}"#,
                    &[],
                ),
            ],
        )
        .await;
        assert_eq!(came[1].duplicate_of.as_deref(), Some("in-1"));
        assert_eq!(
            (
                came[2].duplicate_of.as_deref(),
                came[2].reupload_of.as_deref()
            ),
            (None, Some("in-1")),
            "a report of its own, marked as a re-upload"
        );
        assert_eq!(
            (&came[3].reupload_of, &came[3].group),
            (&None, &came[0].group),
            "the same file of another account is linked"
        );
        assert_ne!(came[4].group, came[0].group);
        assert_eq!(came[5].group, came[4].group, "the same account");
        // A later run finds the same on record.
        let again = take(
            c,
            vec![
                given(form, &first, &["d1"]),
                given(
                    form,
                    r#"{"threads": [{"id": "t"}], "reported": {"id": "a"}}"#,
                    &[],
                ),
            ],
        )
        .await;
        assert_eq!(again[0].duplicate_of.as_deref(), Some("in-1"));
        // The conversation links the reports of both accounts, including those on record.
        let queue = obhut_intake::incoming_queue(c, 0, 100).await.unwrap();
        assert_eq!(queue.len(), 8, "nothing is dropped");
        let groups: std::collections::BTreeSet<_> =
            queue.iter().map(|r| r.incoming.group.clone()).collect();
        assert_eq!(groups.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn near_pictures_are_linked_and_viral_ones_only_fifty_times() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let with = |id: &str, bits| {
            let mut one = given(IncomingFormat::Form, &account(id, ""), &[]);
            one.near = vec![bits];
            one
        };
        let came = take(
            c,
            vec![
                with("a", near(3, 0)),
                with("b", near(3, 20)),
                with("c", near(101, 0)),
            ],
        )
        .await;
        assert_eq!(came[0].group, came[1].group);
        assert_ne!(came[0].group, came[2].group);
        let later = take(c, vec![with("d", near(3, 10))]).await;
        assert_eq!(later[0].group, came[0].group, "found on record");
        // The second picture of a report whose first one is on record.
        let mut both = with("e", near(3, 0));
        both.near.push(near(150, 0));
        let came = take(c, vec![both, with("f", near(150, 4))]).await;
        assert_eq!(came[1].group, came[0].group, "linked by the second picture");
        let later = take(c, vec![with("g", near(150, 2))]).await;
        assert_eq!(later[0].group, came[0].group, "found on record");
        // A digest links only the first fifty reports that have it (`LINKS_MAX`): a file that more
        // accounts share is in general circulation.
        let viral = (0..100)
            .map(|n| {
                given(
                    IncomingFormat::Form,
                    &account(&format!("v{n}"), ""),
                    &["viral"],
                )
            })
            .collect();
        let came = take(c, viral).await;
        let groups: std::collections::BTreeSet<_> = came.iter().map(|r| r.group.clone()).collect();
        assert_eq!(
            groups.len(),
            51,
            "the first fifty are linked, the others stand alone"
        );
        // The same for a near picture. In an earlier version all reports of one chunk became one
        // group.
        let viral = (0..100).map(|n| with(&format!("w{n}"), near(77, 0)));
        let came = take(c, viral.collect()).await;
        let groups: std::collections::BTreeSet<_> = came.iter().map(|r| r.group.clone()).collect();
        assert_eq!(groups.len(), 51, "a near digest, too");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_at_risk_come_first_with_at_most_five_facts() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let many = r#", "incident": "enticement", "tags": ["sextortion", "sadistic", "solicitation"], "risks": ["self-harm", "meeting-planned", "infant"], "urgent_because": "now""#;
        take(c, vec![
            given(IncomingFormat::Form, &account("a", ""), &["d1"]),
            given(IncomingFormat::Form, &account("b", many), &[]),
            given(IncomingFormat::Form, &account("c", r#", "tags": ["sextortion"]"#), &[]),
            given(IncomingFormat::Form, &account("d", ""), &["d1"]),
        ]).await;
        let queue = obhut_intake::incoming_queue(c, 0, 10).await.unwrap();
        let order: Vec<_> = queue.iter().map(|r| r.incoming.id.as_str()).collect();
        // Among equal ranks the earlier report comes first.
        assert_eq!(order, ["in-2", "in-3", "in-1", "in-4"]);
        assert_eq!(queue[0].incoming.reasons.len(), 5);
        let risks: Vec<_> = queue.iter().map(|r| r.incoming.at_risk).collect();
        // Levels: now (from 70), serious (40 to 69), known (up to 15).
        assert!(risks[0] > 70 && (40..70).contains(&risks[1]) && risks[2] < 16, "{risks:?}");
        assert_eq!(obhut_intake::incoming_queue(c, 0, 10).await.unwrap(), queue, "the order is reproducible");
    })
    .await;
}

/// Reports of the same score came in the order of arrival, although their texts don't read alike.
#[tokio::test(flavor = "multi_thread")]
async fn among_equal_scores_the_text_that_reads_more_urgent_comes_first() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let notes = [
            "Thank you for the newsletter about roses and bees.",
            "The bicycle seller never answered, please return my money for the bicycle.",
            "When will the library open on the holiday weekend this year?",
            "The moderators removed my comment about the film and I complain.",
            "A reminder that the invoice for the hosting is due.",
        ];
        let noted = |(n, note): (usize, &&str)| {
            let more = format!(r#", "note": "{note}""#);
            given(IncomingFormat::Form, &account(&format!("n{n}"), &more), &[])
        };
        take(c, notes.iter().enumerate().map(noted).collect()).await;
        let queue = obhut_intake::incoming_queue(c, 0, 10).await.unwrap();
        let mut order = Vec::new();
        for row in &queue {
            let (_, facts) = obhut_intake::incoming(c, &row.incoming.id).await.unwrap();
            let said = Signals::of(facts.expose());
            order.push((row.incoming.at_risk, said.worded()));
        }
        let same = order
            .windows(2)
            .filter(|w| w[0].0 == w[1].0 && w[0].1 != w[1].1);
        assert!(same.count() > 0, "{order:?}");
        assert!(order.windows(2).all(|w| w[0] >= w[1]), "{order:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_a_case_and_any_other_can_become_one() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let mut broken = given(IncomingFormat::Unreadable, "{}", &[]);
        broken.unreadable = Some("not well-formed XML".into());
        // Cut off in the middle of a tag.
        broken.raw = Sealed::new(b"<repo".to_vec());
        let came = take(
            c,
            vec![broken, given(IncomingFormat::Note, &account("a", ""), &[])],
        )
        .await;
        let case = came[0].case.clone().unwrap();
        assert!(
            casework::facts(c, &case)
                .await
                .unwrap()
                .note
                .unwrap()
                .contains("could not be read")
        );
        let opened = obhut_intake::case_of_incoming(c, "in-2", "test")
            .await
            .unwrap();
        assert_eq!(
            obhut_intake::case_of_incoming(c, "in-2", "test")
                .await
                .unwrap(),
            opened,
            "opening it again gives the same case"
        );
        assert_eq!(
            casework::facts(c, &opened)
                .await
                .unwrap()
                .reported
                .unwrap()
                .id
                .as_deref(),
            Some("a")
        );
        assert!(
            obhut_intake::incoming(c, "in-99").await.is_err()
                && obhut_intake::incoming(c, "nonsense").await.is_err()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_in_an_earlier_case_are_named() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let file = CaseFile::from_json(br#"{"files": [{}]}"#).unwrap();
        let case = casework::new_case(c, &file, vec![Some(b"known".to_vec())], "test")
            .await
            .unwrap()
            .case;
        let mut one = given(IncomingFormat::Form, &account("a", ""), &[]);
        let sha256 = casework::dossier(c, &case, false).await.unwrap().files[0]
            .digests
            .as_ref()
            .unwrap()
            .expose()
            .sha256
            .clone();
        let mut other = one.clone();
        one.digests.push(("sha256".into(), sha256));
        // Senders have digests of different kinds.
        other.digests.push(("md5".into(), md5_hex(b"known")));
        for came in take(c, vec![one, other]).await {
            assert_eq!(came.earlier_case.as_deref(), Some(case.as_str()));
        }
    })
    .await;
}

/// When a decision was wrong, ranks that relied on it are recomputed without it.
#[tokio::test(flavor = "multi_thread")]
async fn ranks_based_on_a_cleared_case_are_recomputed() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let file = CaseFile::from_json(br#"{"facts": {"reported": {"id": "a"}}}"#).unwrap();
        let case = casework::new_case(c, &file, Vec::new(), "test")
            .await
            .unwrap()
            .case;
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        let olga = new_person(c, "Olga", &[Role::Reviewer]).await;
        let request = decision(Ruling::Report);
        casework::decide(c, &case, &rita, &request).await.unwrap();
        let came = take(
            c,
            vec![given(
                IncomingFormat::Form,
                &account("a", r#", "tags": ["solicitation"]"#),
                &["d"],
            )],
        )
        .await;
        let before = came[0].at_risk;
        assert_eq!(came[0].earlier_case.as_deref(), Some(case.as_str()));
        uphold_appeal(c, &case, &olga).await;
        // The points for the known account are gone; those of the report itself remain.
        let row = &obhut_intake::incoming_queue(c, 0, 1).await.unwrap()[0].incoming;
        let reasons: Vec<_> = row.reasons.iter().map(|r| r.rule.as_str()).collect();
        assert_eq!(
            (row.earlier_case.as_deref(), reasons),
            (None, vec!["solicitation", "files"])
        );
        assert!(row.at_risk < before);
    })
    .await;
}

/// A report of a child in danger once waited in the queue for a day and raised no alarm.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_in_danger_in_the_queue_alarms_until_the_report_is_opened() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let olga = new_person(c, "Olga", &[Role::ReportingOfficer]).await;
        let alarmed = async || {
            b.clock.pass(30 * 60);
            let raised = casework::alarm_about_danger(c).await.unwrap();
            let alarms = casework::alarms(c).await.unwrap();
            for alarm in &alarms {
                casework::see_alarm(c, &alarm.id, &olga).await.unwrap();
            }
            let texts: Vec<_> = alarms.into_iter().map(|a| a.text).collect();
            (raised, texts.join("\n"))
        };
        let danger = r#", "risks": ["meeting-planned"]"#;
        take(c, vec![given(IncomingFormat::Xarf, &account("a", ""), &[])]).await;
        assert_eq!(alarmed().await.0, 0);
        let came = take(
            c,
            vec![
                given(IncomingFormat::Xarf, &account("b", danger), &["1"]),
                given(IncomingFormat::Xarf, &account("b", danger), &["1"]),
                given(IncomingFormat::Xarf, &account("c", danger), &["2"]),
            ],
        )
        .await;
        assert!(came[1].duplicate_of.is_some());
        let (raised, text) = alarmed().await;
        assert_eq!(raised, 1, "one for the queue: {text}");
        assert!(
            text.contains("2 reports") && text.contains("30 minutes"),
            "{text}"
        );
        let case = case_of_incoming(c, &came[0].id, "test").await.unwrap();
        // An opened report alarms as a case, separately from the queue.
        let (raised, text) = alarmed().await;
        assert_eq!(raised, 2, "{text}");
        assert!(
            text.contains("1 report waits") && text.contains(&case),
            "{text}"
        );
        // It has waited since the report came, not since it was opened.
        let waited = format!("case {case} has waited 60 minutes");
        assert!(text.contains(&waited), "{text}");
        case_of_incoming(c, &came[2].id, "test").await.unwrap();
        let (raised, text) = alarmed().await;
        assert_eq!((raised, text.contains("queue")), (2, false), "{text}");
    })
    .await;
}

/// A second report with the same account and file once said that the child was in danger. The first
/// didn't say so, the second counted as its duplicate, and no alarm was raised.
#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_that_says_more_raises_its_alarm() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let danger = r#", "risks": ["meeting-planned"]"#;
        take(
            c,
            vec![given(IncomingFormat::Xarf, &account("a", ""), &["1"])],
        )
        .await;
        let came = take(
            c,
            vec![given(IncomingFormat::Xarf, &account("a", danger), &["1"])],
        )
        .await;
        assert!(came[0].duplicate_of.is_some());
        b.clock.pass(30 * 60);
        assert_eq!(casework::alarm_about_danger(c).await.unwrap(), 1);
    })
    .await;
}
