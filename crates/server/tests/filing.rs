//! From approval to receipt: the outbox is drained into a CyberTipline that misbehaves, and into
//! packages. Every report is filed exactly once, or stopped with an alarm; nothing in between.

#[path = "bench/filing.rs"]
mod bench;

use std::sync::Arc;
use std::time::Duration;

use obhut_app::casework;
use obhut_app::casework::*;
use obhut_app::partners::filing::{self, DrainScope, DrainStats, RetryPolicy};
use obhut_app::partners::http::Http;
use obhut_fakes::cybertip::FaultInjection;

use bench::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_report_with_a_file_is_filed_and_its_deadline_ends() {
    let b = Bench::new(FaultInjection {
        // One test of the whole path with answers in ISO-8859-1, which the service may send.
        latin1: true,
        ..FaultInjection::default()
    })
    .await;
    let report = b.approved("user-1", Some(b"bytes"), "ncmec").await;
    let case = casework::report_row(&b.casework, &report)
        .await
        .unwrap()
        .case;
    let due = casework::deadlines(&b.casework, Some(&case), false)
        .await
        .unwrap();
    assert_eq!(due[0].kind, DeadlineKind::Report);
    assert_eq!(
        b.drain().await,
        DrainStats {
            filed: 1,
            ..DrainStats::default()
        }
    );
    let filed = b.state(&report).await;
    assert_eq!(filed.state, FilingState::Filed);
    assert!(filed.receipt.unwrap().contains("Request-ID"));
    let finished = b.service.finished();
    assert_eq!(
        (
            finished.len(),
            finished[0].files,
            finished[0].account.as_str()
        ),
        (1, 1, "user-1")
    );
    let due = casework::deadlines(&b.casework, Some(&case), false)
        .await
        .unwrap();
    assert_eq!(
        due.iter().map(|d| d.kind).collect::<Vec<_>>(),
        [DeadlineKind::Preservation]
    );
    // At least a year (18 USC 2258A(h)), with a second of slack.
    assert!(due[0].due_at - due[0].started_at >= 365 * 86_400 * 1_000_000 - 1_000_000);
    // Reading the exhibit to send it is on record as `exhibit.send`, not as a person's view.
    let acts: Vec<_> = casework::audit(&b.casework, None)
        .await
        .unwrap()
        .into_iter()
        .map(|r| r.act)
        .collect();
    assert!(acts.contains(&"exhibit.send".to_owned()));
    assert!(
        b.service
            .xml(finished[0].number)
            .unwrap()
            .contains("<incidentSummary>")
    );
    // Nothing is left to do, and nothing is done twice.
    assert_eq!(b.drain().await, DrainStats::default());
    assert_eq!(b.service.finished().len(), 1);
    // A second case about the same account names the first report.
    let second = b.approved("user-1", None, "ncmec").await;
    b.drain().await;
    let number = finished[0].number;
    let xml = b
        .service
        .xml(b.state(&second).await.remote.parse().unwrap())
        .unwrap();
    assert!(
        xml.contains(&format!("<priorCTReports>{number}</priorCTReports>")),
        "{xml}"
    );
}

/// A small sample of what `cargo xtask soak` does a hundred thousand times, with the sender killed
/// now and then.
#[tokio::test(flavor = "multi_thread")]
async fn under_lost_answers_duplicates_and_errors_each_is_filed_exactly_once() {
    let faults = FaultInjection {
        lost_percent: 10,
        twice_percent: 10,
        error_percent: 5,
        code_percent: 3,
        md5_percent: 10,
        seed: 7,
        ..FaultInjection::default()
    };
    let b = Bench::new(faults).await;
    // Enough that lost answers, duplicates and errors happen with this seed, as is checked below.
    let count = 60;
    let mut reports = Vec::new();
    for n in 0..count {
        // Every fourth has a file, so that /upload and /fileinfo meet the faults as well.
        let content = (n % 4 == 0).then_some(&b"bytes of a file"[..]);
        reports.push(b.approved(&format!("user-{n}"), content, "ncmec").await);
    }
    // Two workers run concurrently, as in two processes.
    for _ in 0..50 {
        tokio::join!(b.drain_as("one"), b.drain_as("two"));
        if casework::jobs_waiting(&b.casework).await.unwrap() == 0 {
            break;
        }
    }
    assert_eq!(casework::jobs_waiting(&b.casework).await.unwrap(), 0);
    let mut accounts: Vec<_> = b
        .service
        .finished()
        .into_iter()
        .map(|f| f.account)
        .collect();
    accounts.sort();
    let mut expected: Vec<_> = (0..count).map(|n| format!("user-{n}")).collect();
    expected.sort();
    assert_eq!(accounts, expected, "{:?}", b.service.counts());
    for report in &reports {
        assert_eq!(b.state(report).await.state, FilingState::Filed);
    }
    let counts = b.service.counts();
    for what in ["lost", "twice", "503", "code 1000"] {
        assert!(
            counts.get(what).is_some_and(|n| *n > 0),
            "{what} did not happen: {counts:?}"
        );
    }
    assert!(casework::alarms(&b.casework).await.unwrap().is_empty());
}

/// A process may end between any two steps. The next worker first asks the service what was left.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_crash_leaves_is_settled_first() {
    let b = Bench::new(FaultInjection::default()).await;
    // Begun at the service and recorded; then the process ended.
    let report = b.approved("user-1", None, "ncmec").await;
    let filing = casework::open_filing(&b.casework, &report, "ncmec")
        .await
        .unwrap();
    // The service doesn't know this number, as if the report had expired there.
    let filing = casework::filing_begun(&b.casework, &filing, "4711", &b.at())
        .await
        .unwrap();
    b.drain().await;
    assert_eq!(b.state(&report).await.state, FilingState::Filed);
    // The last request was executed, and its answer was never recorded.
    let second = b.approved("user-2", None, "ncmec").await;
    b.drain().await;
    let number = b.state(&second).await.remote;
    let third = b.approved("user-3", None, "ncmec").await;
    let left = casework::open_filing(&b.casework, &third, "ncmec")
        .await
        .unwrap();
    // The number of a report that is finished there: as if the answer to /finish had been lost.
    let left = casework::filing_begun(&b.casework, &left, &number, &b.at())
        .await
        .unwrap();
    casework::filing_finishing(&b.casework, &left)
        .await
        .unwrap();
    b.drain().await;
    let settled = b.state(&third).await;
    assert_eq!(
        (settled.state, settled.remote),
        (FilingState::Filed, number)
    );
    assert_eq!(
        b.service.finished().len(),
        2,
        "it was not filed a second time"
    );
    // A worker that still believes it holds the claim is refused.
    assert!(
        casework::filing_finishing(&b.casework, &filing)
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_halt_the_destination_and_nothing_else() {
    let b = Bench::new(FaultInjection::default()).await;
    b.channel("wrong").await;
    let report = b.approved("user-1", None, "ncmec").await;
    assert_eq!(
        b.drain().await,
        DrainStats {
            halted: 1,
            ..DrainStats::default()
        }
    );
    assert_eq!(b.drain().await.halted, 1, "it is not even tried");
    // The second drain did not even ask.
    assert_eq!(b.service.counts().get("denied"), Some(&1));
    let alarms = casework::alarms(&b.casework).await.unwrap();
    assert_eq!(alarms.len(), 1);
    assert!(alarms[0].text.contains("resume it"));
    // New credentials are the remedy: the halt and its alarm end with them.
    b.channel("test").await;
    assert!(casework::alarms(&b.casework).await.unwrap().is_empty());
    assert_eq!(b.drain().await.filed, 1);
    assert_eq!(b.state(&report).await.state, FilingState::Filed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_would_be_refused_stops_alone_and_goes_on_when_put_right() {
    let b = Bench::new(FaultInjection::default()).await;
    casework::set_reporter(&b.casework, &Reporter::default(), "test")
        .await
        .unwrap();
    let refused = b.filed("user-1", None, "ncmec").await;
    let why = b.approve(&refused, None).await.unwrap_err().to_string();
    assert!(
        why.contains("reporter/reportingPerson/email"),
        "names the field: {why}"
    );
    // A person may override a rule of the documentation with a reason, which is on record.
    let report = refused;
    b.approve(&report, Some("agreed with NCMEC by telephone"))
        .await
        .unwrap();
    assert_eq!(b.drain().await.stopped, 1);
    assert_eq!(b.state(&report).await.state, FilingState::Stopped);
    assert_eq!(casework::alarms(&b.casework).await.unwrap().len(), 1);
    let reporter = Reporter {
        email: "trust@example.com".into(),
        ..Reporter::default()
    };
    casework::set_reporter(&b.casework, &reporter, "test")
        .await
        .unwrap();
    // The approved documents lack the e-mail address, so the report needs another approval.
    casework::resume_filing(&b.casework, &report, &b.olga)
        .await
        .unwrap();
    assert_eq!(b.drain().await.stopped, 1);
    b.approve(&report, None).await.unwrap();
    assert_eq!(b.drain().await.filed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn production_needs_credentials_and_an_officer() {
    let b = Bench::new(FaultInjection::default()).await;
    let mut channel = casework::channel(&b.casework, "ncmec").await.unwrap();
    channel.production = true;
    channel.officer = None;
    assert!(
        casework::set_channel(&b.casework, &channel, &b.olga)
            .await
            .is_err(),
        "no officer"
    );
    // The production address, set by hand with the production switch off.
    channel.production = false;
    channel.url = Some(obhut_app::partners::destinations::ncmec::PRODUCTION.into());
    casework::set_channel(&b.casework, &channel, &b.olga)
        .await
        .unwrap();
    b.approved("user-1", None, "ncmec").await;
    assert_eq!(b.drain().await.halted, 1);
    assert!(
        casework::alarms(&b.casework).await.unwrap()[0]
            .text
            .contains("named officer")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_is_given_up_on_and_settled() {
    let faults = FaultInjection {
        hang_percent: 100,
        hang: Duration::from_secs(30),
        ..FaultInjection::default()
    };
    let mut b = Bench::new(faults).await;
    // The service hangs for 30 s; a client that waits 150 ms keeps the test short.
    b.http = Arc::new(Http::with_patience(Duration::from_millis(150)));
    b.approved("user-1", None, "ncmec").await;
    let retry = RetryPolicy {
        tries: 2,
        ..retry()
    };
    let draining = DrainScope {
        worker: "w",
        report: None,
        now: true,
        platform: false,
    };
    let drained = filing::drain(&b.casework, &b.http, &retry, draining)
        .await
        .unwrap();
    assert_eq!(drained.deferred, 1);
    assert!(b.service.finished().is_empty());
}

/// If an appeal is upheld after the report was filed, a second report says that the first is
/// retracted, because the service accepts no change to a finished report.
#[tokio::test(flavor = "multi_thread")]
async fn an_upheld_appeal_reaches_the_receiver() {
    let b = Bench::new(FaultInjection::default()).await;
    let report = b.approved("user-1", Some(b"beach"), "ncmec").await;
    let case = casework::report_row(&b.casework, &report)
        .await
        .unwrap()
        .case;
    b.drain().await;
    let number = b.state(&report).await.remote;
    let appeal = casework::file_appeal(&b.casework, &case, "mine", "public")
        .await
        .unwrap();
    let nina = casework::add_person(&b.casework, "Nina", &[Role::Appeals], "test")
        .await
        .unwrap();
    casework::decide_appeal(
        &b.casework,
        &case,
        &appeal.id,
        &nina,
        AppealOutcome::Upheld,
        "harmless",
    )
    .await
    .unwrap();
    assert_eq!(
        casework::report_row(&b.casework, &report)
            .await
            .unwrap()
            .status,
        "retracting"
    );
    assert_eq!(b.drain().await.retracted, 1);
    let retracted = b.state(&report).await;
    assert_eq!(retracted.state, FilingState::Retracted);
    assert_eq!(
        casework::report_row(&b.casework, &report)
            .await
            .unwrap()
            .status,
        "retracted"
    );
    let finished = b.service.finished();
    assert_eq!(finished.len(), 2);
    let xml = b.service.xml(finished[1].number).unwrap();
    assert!(
        xml.contains(&format!("<priorCTReports>{number}</priorCTReports>"))
            && xml.contains("RETRACTION")
    );
    assert!(
        !xml.contains("user-1"),
        "it says nothing more about the person"
    );
    // A second drain sends nothing.
    assert_eq!(b.drain().await, DrainStats::default());
    // What was filed is preserved for its year; the proof says until when.
    let proof = casework::erasure_proof(&b.casework, &case).await.unwrap();
    // Complete only after the year: until then the exhibit stays in the vault.
    let exhibits = proof.erased.iter().filter(|e| e.exhibit != "database");
    // The file, the documents as they were approved, and the transcript of the filing.
    assert_eq!((proof.complete, exhibits.count()), (false, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_in_flight_is_retracted_before_it_is_finished() {
    let b = Bench::new(FaultInjection {
        error_percent: 100,
        ..FaultInjection::default()
    })
    .await;
    let report = b.approved("user-1", None, "ncmec").await;
    assert_eq!(b.drain().await.deferred, 1);
    assert_eq!(
        casework::retract_report(&b.casework, &report, "a mistake", &b.olga)
            .await
            .unwrap(),
        "retracting"
    );
    // The report was never begun at the service, so there is nothing to retract.
    let b2 = casework::filing(&b.casework, &report)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(b2.state, FilingState::Waiting);
    let drained = b.drain().await;
    assert_eq!((drained.filed, drained.retracted), (0, 1));
    assert_eq!(b.state(&report).await.state, FilingState::Retracted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_retracted_while_it_waited_is_never_filed() {
    let b = Bench::new(FaultInjection::default()).await;
    b.channel("wrong").await;
    let report = b.approved("user-1", None, "ncmec").await;
    assert_eq!(b.drain().await.halted, 1);
    casework::retract_report(&b.casework, &report, "a mistake", &b.olga)
        .await
        .unwrap();
    // With the right password again, only the retraction keeps the report from being filed.
    b.channel("test").await;
    assert_eq!(b.drain().await.filed, 0);
    assert!(b.service.finished().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_to_a_unit_goes_through_decision_approval_and_outbox_with_its_attachments() {
    let b = Bench::new(FaultInjection::default()).await;
    let party = |id: &str, client: bool| {
        serde_json::json!({
            "id": id, "client": client, "first_name": "Pat", "last_name": "Example", "gender": "M", "born": "1980-02-03",
            "nationality": "AE", "residence": "AE", "id_number": "7", "phones": [{"number": "501112233"}],
            "documents": [{"kind": "EID", "number": "7", "issued": "2020-01-01", "expires": "2030-01-01", "country": "AE"}]
        })
    };
    let unit = serde_json::json!({
        "profile": "uae-5.0.2", "entity_id": 101, "local_currency": "AED", "location": "Main branch",
        "transmode_code": "ELCFT", "funds_code": "ELCFT", "report_code": "STR", "indicators": ["CSAM1"], "german": true
    });
    let unit = FinancialUnit::from_json(unit.to_string().as_bytes()).unwrap();
    casework::set_financial_unit(&b.casework, &unit, "test")
        .await
        .unwrap();
    let file = serde_json::json!({
        "facts": {
            "reported": {"id": "A1"}, "financial": {"parties": [party("A1", true), party("B1", false)]},
            "payments": [{"id": "T1", "at": "2026-03-01T22:10:00Z", "amount": "35.00", "currency": "AED", "from": "A1", "to": "B1"}]
        },
        "files": [{"name": "statement.pdf"}]
    });
    let file = CaseFile::from_json(file.to_string().as_bytes()).unwrap();
    let attached = vec![Some(b"a statement".to_vec())];
    let case = casework::new_case(&b.casework, &file, attached, "test")
        .await
        .unwrap()
        .case;
    let request = DecisionRequest {
        ruling: Ruling::Report,
        grounds: "as assessed".into(),
        category: None,
    };
    let decision = casework::decide(&b.casework, &case, &b.rita, &request)
        .await
        .unwrap();
    let report = casework::file_report(&b.casework, &decision, "goaml", false, "test")
        .await
        .unwrap();
    // Rita decided and is not an officer: either rule refuses her.
    let own = obhut_app::reports::approve(&b.casework, &report, &b.rita, None, false).await;
    assert!(own.is_err(), "the investigator doesn't approve");
    let identity = age::x25519::Identity::generate();
    let folder = b.folder.path().join("unit");
    let channel = Channel {
        destination: "goaml".into(),
        recipient: Some(identity.to_public().to_string()),
        folder: Some(folder.to_string_lossy().into_owned()),
        ..Channel::default()
    };
    casework::set_channel(&b.casework, &channel, &b.olga)
        .await
        .unwrap();
    b.approve(&report, None).await.unwrap();
    assert_eq!(
        b.drain().await.filed,
        1,
        "{:?}",
        casework::alarms(&b.casework).await
    );
    let sealed = std::fs::read_dir(&folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let plain = age::decrypt(&identity, &std::fs::read(sealed).unwrap()).unwrap();
    let text = String::from_utf8_lossy(&plain);
    for part in [
        "report.xml",
        "files/001-",
        "a statement",
        "<transactionnumber>T1</transactionnumber>",
        "Ein Muster ist ein Hinweis, kein Beweis",
        "<indicator>CSAM1</indicator>",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

/// Validates a XARF document against the published schemas.
fn fits_xarf(document: &[u8]) {
    const CHECK: &str = r#"
import json, sys, pathlib
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
folder = pathlib.Path(sys.argv[1])
docs = [json.loads(p.read_text()) for p in folder.glob("xarf_v4.2_*.schema.json")]
registry = Registry().with_resources([(d["$id"], Resource.from_contents(d)) for d in docs])
schema = next(d for d in docs if d["$id"].endswith("content-csam.json"))
faults = list(Draft202012Validator(schema, registry=registry).iter_errors(json.load(sys.stdin)))
print("\n".join(f"{list(e.path)}: {e.message}" for e in faults))
sys.exit(bool(faults))
"#;
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/europe");
    let python = std::env::var_os("OBHUT_ORACLE_PYTHON");
    let (Some(python), true) = (python, folder.exists()) else {
        println!("not present: the XARF schemas, or OBHUT_ORACLE_PYTHON");
        return;
    };
    let mut check = std::process::Command::new(python)
        .args(["-c", CHECK])
        .arg(folder)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut check.stdin.take().unwrap(), document).unwrap();
    let out = check.wait_with_output().unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stdout)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_encrypted_or_not_written_at_all() {
    let b = Bench::new(FaultInjection::default()).await;
    for destination in [
        "package",
        "package-bka",
        "package-nca",
        "leads",
        "vics",
        "vics-1-3",
        "xarf",
    ] {
        let picture = b"\x89PNG\r\n\x1a\n";
        let report = b.approved("user-1", Some(picture), destination).await;
        assert_eq!(
            b.drain().await.halted,
            1,
            "{destination}: no key, no package"
        );
        let identity = age::x25519::Identity::generate();
        let folder = b.folder.path().join("ready");
        let channel = Channel {
            destination: destination.into(),
            recipient: Some(identity.to_public().to_string()),
            folder: Some(folder.to_string_lossy().into_owned()),
            ..Channel::default()
        };
        casework::set_channel(&b.casework, &channel, &b.olga)
            .await
            .unwrap();
        // Approved before a receiver was set: the receiver is part of what is approved.
        assert_eq!(b.drain().await.stopped, 1);
        b.approve(&report, None).await.unwrap();
        assert_eq!(
            b.drain().await.filed,
            1,
            "{destination}: {:?}",
            casework::alarms(&b.casework).await
        );
        let files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.to_string_lossy().contains(&report))
            .collect();
        assert_eq!(files.len(), 1);
        let sealed = std::fs::read(&files[0]).unwrap();
        let plain = age::decrypt(&identity, &sealed).unwrap();
        match destination {
            "vics" => assert!(plain.starts_with(b"{\n\"@odata.context\"")),
            "vics-1-3" => assert!(plain.starts_with(b"{\n\"odata.metadata\"")),
            "xarf" => {
                assert!(String::from_utf8_lossy(&plain).contains("\"csam\""));
                fits_xarf(&plain);
            }
            // Leads say that the reporter keeps the files; the ZIP once held every exhibit.
            "leads" => {
                let text = String::from_utf8_lossy(&plain);
                assert!(text.contains("lead.json") && !text.contains("files/"));
            }
            _ => {
                assert!(plain.starts_with(b"PK"));
                let text = String::from_utf8_lossy(&plain);
                assert!(
                    text.contains("%PDF")
                        && text.contains("report.json")
                        && text.contains("files/001-")
                );
            }
        }
        // The retraction stays open until the authority's acknowledgement is on record.
        casework::retract_report(&b.casework, &report, "a mistake", &b.olga)
            .await
            .unwrap();
        // The text of the retraction is in the folder, but its receipt isn't acknowledged yet.
        assert_eq!(b.drain().await.deferred, 1);
        assert_eq!(
            casework::report_row(&b.casework, &report)
                .await
                .unwrap()
                .status,
            "retracting"
        );
        casework::acknowledge_retraction(&b.casework, &report, "by telephone, 22 Nov", &b.olga)
            .await
            .unwrap();
        assert_eq!(
            casework::report_row(&b.casework, &report)
                .await
                .unwrap()
                .status,
            "retracted"
        );
        assert_eq!(b.drain().await, DrainStats::default());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_compared_and_the_same() {
    let b = Bench::new(FaultInjection::default()).await;
    assert_eq!(
        filing::compare_schema(&b.casework, &b.http).await.unwrap(),
        0
    );
    assert!(
        filing::service_status(&b.casework, &b.http)
            .await
            .unwrap()
            .contains("Remote User : test")
    );
    assert!(casework::alarms(&b.casework).await.unwrap().is_empty());
}

/// What was approved is what is sent: changed facts need a new approval.
#[tokio::test(flavor = "multi_thread")]
async fn facts_changed_after_approval_are_not_sent() {
    let b = Bench::new(FaultInjection::default()).await;
    let report = b.approved("user-1", None, "ncmec").await;
    let case = casework::report_row(&b.casework, &report)
        .await
        .unwrap()
        .case;
    // Another person is named now: the worst thing that could slip past an approval.
    let other = Facts::from_json(br#"{"reported": {"id": "somebody-else"}}"#).unwrap();
    casework::set_facts(&b.casework, &case, &other, "test")
        .await
        .unwrap();
    assert_eq!(b.drain().await.stopped, 1);
    assert!(
        b.state(&report)
            .await
            .why
            .unwrap()
            .contains("changed after")
    );
    assert!(b.service.finished().is_empty());
    // Resuming alone doesn't help; another person's approval does.
    casework::resume_filing(&b.casework, &report, &b.olga)
        .await
        .unwrap();
    assert_eq!(b.drain().await.stopped, 1);
    assert!(
        obhut_app::reports::approve(&b.casework, &report, &b.rita, None, false)
            .await
            .is_err()
    );
    b.approve(&report, None).await.unwrap();
    assert_eq!(b.drain().await.filed, 1);
    assert_eq!(b.service.finished()[0].account, "somebody-else");
    assert!(
        casework::alarms(&b.casework).await.unwrap().is_empty(),
        "what was put right leaves no alarm"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_production_address_is_known_however_it_is_written() {
    use obhut_app::partners::destinations::ncmec::is_production;
    for address in [
        "https://REPORT.cybertip.org/ispws",
        "https://report.cybertip.org:443/x",
        "https://report.cybertip.org./ispws",
    ] {
        assert!(is_production(address), "{address}");
    }
    // The test host shares the domain, so comparing a suffix would be wrong.
    assert!(
        !is_production("https://exttest.cybertip.org/ispws")
            && !is_production("http://127.0.0.1:1/ispws")
    );
}

/// If a person said "now" while the service was down, the server once asked it every five seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_deferred_by_a_person_s_now_waits_its_time() {
    let b = Bench::new(FaultInjection {
        error_percent: 100,
        ..FaultInjection::default()
    })
    .await;
    b.approved("user-1", None, "ncmec").await;
    let retry = RetryPolicy {
        tries: 1,
        first: Duration::from_secs(3_600),
        most: Duration::from_secs(3_600),
        ..retry()
    };
    for (now, deferred) in [(true, 1), (false, 0)] {
        let draining = DrainScope {
            worker: "w",
            report: None,
            now,
            platform: false,
        };
        let drained = filing::drain(&b.casework, &b.http, &retry, draining)
            .await
            .unwrap();
        assert_eq!(drained.deferred, deferred, "now: {now}");
    }
}

/// What changes after a report was filed goes out as a supplement, with another approval.
#[tokio::test(flavor = "multi_thread")]
async fn a_supplement_names_the_report_it_adds_to() {
    let b = Bench::new(FaultInjection::default()).await;
    let c = &b.casework;
    let report = b.approved("user-1", None, "ncmec").await;
    let supplement = async || casework::file_supplement(c, &report, false, "t").await;
    let refused = supplement().await.unwrap_err().to_string();
    assert!(refused.contains("isn't filed"), "{refused}");
    b.drain().await;
    let refused = supplement().await.unwrap_err().to_string();
    assert!(refused.contains("nothing has changed"), "{refused}");
    let row = casework::report_row(c, &report).await.unwrap();
    let mut facts = casework::facts(c, &row.case).await.unwrap();
    facts.note = Some("a second address is known now".into());
    casework::set_facts(c, &row.case, &facts, "t")
        .await
        .unwrap();
    let second = supplement().await.unwrap();
    let twice = supplement().await.unwrap_err().to_string();
    assert!(twice.contains("not filed yet"), "{twice}");
    b.approve(&second, None).await.unwrap();
    assert_eq!(b.drain().await.filed, 1);
    let (first, second) = (b.state(&report).await.remote, b.state(&second).await.remote);
    assert_ne!(first, second);
    let xml = b.service.xml(second.parse().unwrap()).unwrap();
    for text in [
        "a second address is known now".to_owned(),
        format!("<priorCTReports>{first}</priorCTReports>"),
        format!("supplements CyberTipline report {first}"),
    ] {
        assert!(xml.contains(&text), "{text}: {xml}");
    }
    assert!(
        !b.service
            .xml(first.parse().unwrap())
            .unwrap()
            .contains("supplements")
    );
    // What the supplement said no longer counts as a change.
    let again = supplement().await.unwrap_err().to_string();
    assert!(again.contains("nothing has changed"), "{again}");
    // A supplement that hasn't left is withdrawn with the report it adds to; the first report
    // stays.
    facts.note = Some("and a third".into());
    casework::set_facts(c, &row.case, &facts, "t")
        .await
        .unwrap();
    let third = supplement().await.unwrap();
    b.approve(&third, None).await.unwrap();
    let newest = casework::report_row(c, &third).await.unwrap().supplements;
    casework::retract_report(c, &newest, "r", &b.olga)
        .await
        .unwrap();
    let status = async |report: &str| casework::report_row(c, report).await.unwrap().status;
    assert_eq!(
        (status(&third).await, status(&report).await),
        ("withdrawn".to_owned(), "approved".to_owned())
    );
    // An upheld appeal takes back the first report and its supplement.
    let kim = casework::add_person(c, "Kim", &[Role::Appeals], "t")
        .await
        .unwrap();
    let appeal = casework::file_appeal(c, &row.case, "r", "t").await.unwrap();
    casework::decide_appeal(c, &row.case, &appeal.id, &kim, AppealOutcome::Upheld, "g")
        .await
        .unwrap();
    let rows = casework::report_rows(c, Some(&row.case)).await.unwrap();
    let retracting = rows.iter().filter(|r| r.status == "retracting").count();
    assert_eq!((retracting, rows.len()), (2, 3), "{rows:?}");
}

/// Regression: if the process ended right after it had placed a package, the package wasn't
/// retracted, and the reason was "it had not been placed in the folder".
#[tokio::test(flavor = "multi_thread")]
async fn a_placed_package_that_was_not_recorded_is_retracted() {
    let b = Bench::new(FaultInjection::default()).await;
    let folder = b.folder.path().join("ready");
    let channel = Channel {
        destination: "package".into(),
        recipient: Some(age::x25519::Identity::generate().to_public().to_string()),
        folder: Some(folder.to_string_lossy().into_owned()),
        ..Channel::default()
    };
    casework::set_channel(&b.casework, &channel, &b.olga)
        .await
        .unwrap();
    for placed in [false, true] {
        let user = format!("user-{placed}");
        let report = b.approved(&user, None, "package").await;
        // A worker has begun it, and nothing of that is on record. It fails here, because a file is
        // where the folder should be.
        std::fs::write(&folder, b"").unwrap();
        b.drain().await;
        std::fs::remove_file(&folder).unwrap();
        std::fs::create_dir(&folder).unwrap();
        if placed {
            std::fs::write(folder.join(format!("{report}.zip.age")), b"sealed").unwrap();
        }
        casework::retract_report(&b.casework, &report, "a mistake", &b.olga)
            .await
            .unwrap();
        b.drain().await;
        let retraction = folder.join(format!("{report}-retraction.txt.age"));
        assert_eq!(retraction.exists(), placed);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
