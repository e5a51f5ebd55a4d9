//! Packages by mail: encrypted, once, and with files only where the authority has asked for them in
//! writing.

#[path = "bench/filing.rs"]
mod bench;

use base64::Engine as _;
use obhut_app::casework;
use obhut_app::casework::*;
use obhut_fakes::cybertip::FaultInjection;
use obhut_fakes::smtp::{Faults, MailServer};

use bench::Bench;

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Starts a mail server, and sets up an authority that gets its packages through it. Returns the
/// server and the authority's key.
async fn by_mail(
    b: &Bench,
    faults: Faults,
    instruction: Option<&str>,
) -> (MailServer, age::x25519::Identity) {
    let server = MailServer::new(Some(("u", "p")), faults);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sessions = server.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = sessions.clone();
            tokio::spawn(async move { server.session(stream).await });
        }
    });
    let identity = age::x25519::Identity::generate();
    let channel = Channel {
        destination: "package".into(),
        url: Some(format!("smtp://{address}")),
        user: Some("u".into()),
        secret: Some(Sealed::new("p\n".into())),
        recipient: Some(identity.to_public().to_string()),
        mail_to: Some("desk@police.example".into()),
        media_instruction: instruction.map(str::to_owned),
        ..Channel::default()
    };
    casework::set_channel(&b.casework, &channel, &b.olga)
        .await
        .unwrap();
    (server, identity)
}

/// The attachment of a message, decrypted.
fn opened(text: &str, identity: &age::x25519::Identity) -> Vec<u8> {
    let part = text
        .split("Content-Disposition: attachment")
        .nth(1)
        .unwrap();
    let body = part
        .split_once("\r\n\r\n")
        .unwrap()
        .1
        .split("\r\n--")
        .next()
        .unwrap();
    let plain: String = body.split_whitespace().collect();
    let sealed = base64::engine::general_purpose::STANDARD
        .decode(plain)
        .unwrap();
    age::decrypt(identity, &sealed).unwrap()
}

/// Makes packages go to another authority from now on.
async fn to_another_address(b: &Bench) {
    let mut channel = casework::channel(&b.casework, "package").await.unwrap();
    channel.mail_to = Some("another@elsewhere.example".into());
    casework::set_channel(&b.casework, &channel, &b.olga)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_arrives_encrypted_and_says_nothing_of_the_case() {
    let b = Bench::new(FaultInjection::default()).await;
    let faults = Faults {
        busy: vec![1],
        ..Faults::default()
    };
    let (server, identity) = by_mail(&b, faults, None).await;
    let report = b.approved("user-NAMED", None, "package").await;
    assert_eq!(b.drain().await.filed, 1);
    let messages = server.messages();
    assert_eq!(messages.len(), 1, "refused for the moment, then taken");
    let message = &messages[0];
    assert_eq!(message.to, "desk@police.example");
    assert!(!message.text.contains("NAMED") && message.text.contains(&report));
    let package = opened(&message.text, &identity);
    assert!(package.starts_with(b"PK"));
    // The retraction is sent once, to the same authority, although another address is set now. It
    // stays open until it is acknowledged.
    to_another_address(&b).await;
    casework::retract_report(&b.casework, &report, "a mistake", &b.olga)
        .await
        .unwrap();
    for _ in 0..2 {
        b.drain().await;
    }
    let messages = server.messages();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[1].to, "desk@police.example");
    let retraction = opened(&messages[1].text, &identity);
    assert!(retraction.starts_with(b"RETRACTION"));
    assert_eq!(b.state(&report).await.state, FilingState::Filed);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_by_mail_only_with_the_authoritys_written_instruction() {
    let b = Bench::new(FaultInjection::default()).await;
    let (server, _) = by_mail(&b, Faults::default(), None).await;
    let report = b.filed("user-1", Some(PICTURE), "package").await;
    let refused = b.approve(&report, None).await.unwrap_err().to_string();
    assert!(refused.contains("1 file would go by mail"), "{refused}");
    assert_eq!(server.messages().len(), 0);
    let (server, identity) = by_mail(&b, Faults::default(), Some("letter of 2026-11-01")).await;
    b.approve(&report, None).await.unwrap();
    assert_eq!(b.drain().await.filed, 1);
    let package = opened(&server.messages()[0].text, &identity);
    assert!(String::from_utf8_lossy(&package).contains("files/001-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_not_confirmed_is_not_sent_again() {
    let b = Bench::new(FaultInjection::default()).await;
    let faults = Faults {
        lost: vec![1],
        ..Faults::default()
    };
    let (server, _) = by_mail(&b, faults, None).await;
    let report = b.approved("user-1", None, "package").await;
    assert_eq!(b.drain().await.stopped, 1);
    b.drain().await;
    assert_eq!(server.messages().len(), 1);
    let why = b.state(&report).await.why.unwrap();
    assert!(why.contains("may have arrived"), "{why}");
    // The authority is notified of the retraction, because the message may have arrived.
    casework::retract_report(&b.casework, &report, "a mistake", &b.olga)
        .await
        .unwrap();
    for _ in 0..2 {
        b.drain().await;
    }
    assert_eq!(server.messages().len(), 2);
    assert!(
        server.messages()[1]
            .text
            .contains(&format!("{report}-retraction"))
    );
    // How long what this authority has is kept, no law says.
    let ada = casework::add_person(&b.casework, "Ada", &[Role::Administrator], "test")
        .await
        .unwrap();
    let rule = casework::RetentionRule {
        filed_with: "package".into(),
        days: 30,
        basis: "an agreement with the police".into(),
    };
    casework::set_retention_rule(&b.casework, &rule, &ada)
        .await
        .unwrap();
    // A message isn't sent again either if the process was killed before the answer; a person
    // decides.
    let report = b.approved("user-4", None, "package").await;
    let row = casework::report_row(&b.casework, &report).await.unwrap();
    let filing = casework::open_filing(&b.casework, &report, &row.destination)
        .await
        .unwrap();
    let sending = Some("its message is being handed to the mail server");
    casework::filing_addressed(&b.casework, &filing, "mailto:desk@police.example", sending)
        .await
        .unwrap();
    assert_eq!(b.drain().await.stopped, 1);
    assert_eq!(server.messages().len(), 2);
    casework::resume_filing(&b.casework, &report, &b.olga)
        .await
        .unwrap();
    assert_eq!((b.drain().await.filed, server.messages().len()), (1, 3));
    // If instead the authority says that the message arrived, nothing is sent again.
    let arrived = "Ms Keller, by telephone";
    let not_stopped = casework::acknowledge_arrival(&b.casework, &report, arrived, &b.olga).await;
    assert!(not_stopped.is_err());
    let report = b.approved("user-5", None, "package").await;
    let filing = casework::open_filing(&b.casework, &report, "package").await;
    casework::filing_addressed(
        &b.casework,
        &filing.unwrap(),
        "mailto:desk@police.example",
        sending,
    )
    .await
    .unwrap();
    assert_eq!(b.drain().await.stopped, 1);
    let blank = casework::acknowledge_arrival(&b.casework, &report, " ", &b.olga).await;
    assert!(blank.is_err());
    casework::acknowledge_arrival(&b.casework, &report, arrived, &b.olga)
        .await
        .unwrap();
    let filed = b.state(&report).await;
    assert_eq!(filed.state, FilingState::Filed);
    assert_eq!(filed.receipt.as_deref(), Some(arrived));
    let row = casework::report_row(&b.casework, &report).await.unwrap();
    let due = casework::deadlines(&b.casework, Some(&row.case), false)
        .await
        .unwrap();
    let kept: Vec<_> = due
        .iter()
        .filter(|d| d.kind == DeadlineKind::Preservation)
        .map(|d| d.basis.as_str())
        .collect();
    assert_eq!(kept, ["an agreement with the police"]);
    let alarms = casework::alarms(&b.casework).await.unwrap();
    assert!(alarms.iter().all(|a| a.subject != report), "{alarms:?}");
    b.drain().await;
    assert_eq!(server.messages().len(), 3);
    // A package that arrived is retracted, not withdrawn.
    let status = casework::retract_report(&b.casework, &report, "a mistake", &b.olga).await;
    assert_eq!(status.unwrap(), "retracting");
    b.drain().await;
    let messages = server.messages();
    assert!(messages.len() == 4 && messages[3].text.contains(&format!("{report}-retraction")));
    let again = casework::acknowledge_arrival(&b.casework, &report, arrived, &b.olga).await;
    assert!(again.is_err(), "it is being retracted");
    // A mailbox that doesn't exist stops the report; a wrong password halts the destination.
    let faults = Faults {
        unknown: vec![1],
        ..Faults::default()
    };
    by_mail(&b, faults, None).await;
    b.approved("user-2", None, "package").await;
    assert_eq!(b.drain().await.stopped, 1);
    let mut channel = casework::channel(&b.casework, "package").await.unwrap();
    channel.secret = Some(Sealed::new("wrong".into()));
    casework::set_channel(&b.casework, &channel, &b.olga)
        .await
        .unwrap();
    b.approved("user-3", None, "package").await;
    assert_eq!(b.drain().await.halted, 1);
}

/// A message that may have arrived is retracted at the address it was sent to, whatever has changed
/// since.
#[tokio::test(flavor = "multi_thread")]
async fn an_unconfirmed_message_is_remembered() {
    let b = Bench::new(FaultInjection::default()).await;
    let faults = Faults {
        lost: vec![1],
        ..Faults::default()
    };
    let (server, _) = by_mail(&b, faults, None).await;
    let report = b.approved("user-1", None, "package").await;
    assert_eq!(b.drain().await.stopped, 1);
    // Another approval doesn't send it a second time.
    let row = casework::report_row(&b.casework, &report).await.unwrap();
    let mut facts = casework::facts(&b.casework, &row.case).await.unwrap();
    facts.note = Some("more".into());
    casework::set_facts(&b.casework, &row.case, &facts, "test")
        .await
        .unwrap();
    b.approve(&report, None).await.unwrap();
    assert_eq!(b.drain().await.stopped, 1);
    assert_eq!(server.messages().len(), 1);
    let why = b.state(&report).await.why.unwrap();
    assert!(why.contains("may have arrived"), "{why}");
    // Nor does switching to another way of delivery: it would hide the first message from a later
    // retraction.
    let folder = tempfile::tempdir().unwrap();
    let by_mail = casework::channel(&b.casework, "package").await.unwrap();
    let channel = Channel {
        folder: Some(folder.path().display().to_string()),
        mail_to: None,
        ..by_mail.clone()
    };
    casework::set_channel(&b.casework, &channel, &b.olga)
        .await
        .unwrap();
    facts.note = Some("even more".into());
    casework::set_facts(&b.casework, &row.case, &facts, "test")
        .await
        .unwrap();
    b.approve(&report, None).await.unwrap();
    assert_eq!(b.drain().await.stopped, 1);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    casework::set_channel(&b.casework, &by_mail, &b.olga)
        .await
        .unwrap();
    // The first address is remembered after the destination's address has changed.
    to_another_address(&b).await;
    casework::retract_report(&b.casework, &report, "a mistake", &b.olga)
        .await
        .unwrap();
    let alarms = casework::alarms(&b.casework).await.unwrap();
    assert!(alarms.iter().all(|a| a.kind != "filing"), "{alarms:?}");
    b.drain().await;
    let messages = server.messages();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[1].to, "desk@police.example");
    assert!(messages[1].text.contains(&format!("{report}-retraction")));
}
