//! Many reports, a CyberTipline that misbehaves, and a sender that is killed again and again: each
//! report is filed exactly once, or stopped with an alarm. There are sixty reports by default;
//! `cargo xtask soak` sets another number in `OBHUT_SOAK_FILINGS`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use obhut_app::casework;
use obhut_app::casework::*;
use serde_json::Value;

mod bench;

use bench::Ended;

fn obhut() -> Command {
    Command::new(env!("CARGO_BIN_EXE_obhut"))
}

/// Makes `count` approved reports about one account each, for the CyberTipline at `address`.
async fn approved(folder: &Path, count: usize, address: &str) {
    let c = obhut_app::open(DataFolder::new(folder), None, Arc::new(SystemClock))
        .await
        .unwrap();
    let rita = casework::add_person(&c, "Rita", &[Role::Reviewer], "test")
        .await
        .unwrap();
    let olga = casework::add_person(
        &c,
        "Olga",
        &[Role::ReportingOfficer, Role::Administrator],
        "test",
    )
    .await
    .unwrap();
    casework::set_reporter(
        &c,
        &Reporter {
            email: "trust@example.com".into(),
            ..Reporter::default()
        },
        "test",
    )
    .await
    .unwrap();
    let channel = Channel {
        destination: "ncmec".into(),
        url: Some(format!("http://{address}/ispws")),
        user: Some("test".into()),
        secret: Some(Sealed::new("test".into())),
        ..Channel::default()
    };
    casework::set_channel(&c, &channel, &olga).await.unwrap();
    let request = DecisionRequest {
        ruling: Ruling::Report,
        grounds: "g".into(),
        category: None,
    };
    for n in 0..count {
        let json = format!(
            r#"{{"facts": {{"reported": {{"id": "user-{n}"}}, "places": [{{"place": "chat", "content": "x"}}]}}, "files": [FILES]}}"#
        );
        // One in 200 has a file: each file sent costs a read of the vault's whole log.
        let with_file = n % 200 == 0;
        let json = json.replace("FILES", if with_file { "{}" } else { "" });
        let file = CaseFile::from_json(json.as_bytes()).unwrap();
        let contents = if with_file {
            vec![Some(b"bytes".to_vec())]
        } else {
            Vec::new()
        };
        let case = casework::new_case(&c, &file, contents, "test")
            .await
            .unwrap()
            .case;
        let decision = casework::decide(&c, &case, &rita, &request).await.unwrap();
        let report = casework::file_report(&c, &decision, "ncmec", false, "test")
            .await
            .unwrap();
        obhut_app::reports::approve(&c, &report, &olga, None, false)
            .await
            .unwrap();
    }
}

fn asked(address: &str, path: &str) -> Value {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(
        &mut stream,
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )
    .unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stream, &mut text).unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

fn finished(address: &str) -> u64 {
    asked(address, "/standin/count")["finished"]
        .as_u64()
        .unwrap()
}

#[test]
fn killed_again_and_again_each_report_is_filed_exactly_once() {
    let soak = std::env::var("OBHUT_SOAK_FILINGS")
        .ok()
        .and_then(|n| n.parse().ok());
    // Sixty reports are few, but the sender is still killed: the test fails if it never was.
    let (count, kill_every) = match soak {
        // About a hundred kills, with 15 to 500 filings between them.
        Some(count) => (count, (count as u64 / 100).clamp(15, 500)),
        None => (60, 15_u64),
    };
    let begun = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let mut standin = obhut();
    standin.args([
        "--json",
        "testserver",
        "cybertip",
        "--listen",
        "127.0.0.1:0",
        "--lost",
        "10",
        "--twice",
        "10",
        "--errors",
        "5",
    ]);
    let mut standin = Ended(standin.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(standin.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = serde_json::from_str::<Value>(&line).unwrap()["listening"]
        .as_str()
        .unwrap()
        .to_owned();
    let data = folder.path().join("data");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(approved(&data, count, &address));
    println!("{count} approved after {:?}", begun.elapsed());

    let send = || {
        let mut send = obhut();
        send.arg("--data").arg(&data).args([
            "report",
            "send",
            "--at-once",
            "16",
            "--claim-seconds",
            "1",
        ]);
        Ended(
            send.stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        )
    };
    let mut kills = 0;
    let mut next = kill_every;
    // Five filings a second at least, after two minutes of grace.
    let deadline = Instant::now() + Duration::from_secs(120 + count as u64 / 5);
    loop {
        assert!(Instant::now() < deadline, "it doesn't come to an end");
        let mut sender = send();
        let done = loop {
            if sender.0.try_wait().unwrap().is_some() {
                break true;
            }
            if finished(&address) >= next {
                break false;
            }
            // Our judgement: often enough to kill in time, and seldom enough to leave the cores to
            // the sender.
            std::thread::sleep(Duration::from_millis(if soak.is_some() { 200 } else { 5 }));
        };
        if !done {
            // SIGKILL: the sender can't clean up.
            sender.0.kill().unwrap();
            sender.0.wait().unwrap();
            kills += 1;
            next = finished(&address) + kill_every;
            continue;
        }
        let waiting = runtime.block_on(async {
            let c = obhut_app::open(DataFolder::new(&data), None, Arc::new(SystemClock))
                .await
                .unwrap();
            casework::jobs_waiting(&c).await.unwrap()
        });
        if waiting == 0 {
            break;
        }
    }
    let held = asked(&address, "/standin");
    let mut accounts: Vec<String> = held["finished"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["account"].as_str().unwrap().to_owned())
        .collect();
    let filed = accounts.len();
    accounts.sort();
    accounts.dedup();
    // Each account has one report, so an account that occurs twice was filed twice.
    let double = filed - accounts.len();
    let (stopped, alarms) = runtime.block_on(async {
        let c = obhut_app::open(DataFolder::new(&data), None, Arc::new(SystemClock))
            .await
            .unwrap();
        let mut stopped = 0;
        for row in casework::report_rows(&c, None).await.unwrap() {
            match casework::filing(&c, &row.id).await.unwrap().unwrap().state {
                FilingState::Filed => {}
                FilingState::Stopped => stopped += 1,
                other => panic!("{} is {other}", row.id),
            }
        }
        (stopped, casework::alarms(&c).await.unwrap().len())
    });
    println!(
        "{filed} filed, {double} double, {stopped} stopped, {kills} kills, {:?}; {}",
        begun.elapsed(),
        held["requests"]
    );
    // None was filed twice and none was lost: each was filed or stopped, and each stopped one
    // raised an alarm.
    assert_eq!(
        (double, accounts.len() + stopped, alarms),
        (0, count, stopped)
    );
    assert!(kills > 0);
}

/// An operator must see why nothing arrived, not only that nothing did.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_does_not_answer_is_named_as_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    // Bound and dropped: the port refuses connections now.
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = unused.local_addr().unwrap().to_string();
    drop(unused);
    approved(folder.path(), 1, &address).await;
    let out = obhut()
        .arg("--data")
        .arg(folder.path())
        .args(["report", "send"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("isn't sent yet: "), "{said}");
    assert!(said.contains("connection refused"), "{said}");
}
