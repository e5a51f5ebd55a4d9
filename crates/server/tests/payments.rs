//! Payments as they come, over HTTP: answers with reasons, repeated and invalid transfers, alerts
//! that open cases, holds that end, cleared cases that lower scores, and one sentence for the
//! customer.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use obhut_app::casework;
use obhut_app::casework::*;
use obhut_app::payments::{Holding, Live, Policy};
use obhut_server::Outside;
use serde_json::{Value, json};
use tower::ServiceExt as _;

mod bench;

struct Bench {
    app: Router,
    casework: Arc<Casework>,
    live: Arc<Live>,
    folder: tempfile::TempDir,
    bank: String,
    rita: String,
    rita_person: Person,
    olga_person: Person,
}

const DAY: i64 = 86_400;

impl Bench {
    async fn new() -> Self {
        let (casework, folder) = bench::casework().await;
        Self::over(casework, folder).await
    }

    async fn over(casework: Arc<Casework>, folder: tempfile::TempDir) -> Self {
        let live = Arc::new(Live::open(&casework, Policy::default(), Holding::default()).unwrap());
        let rita_person = casework::add_person(&casework, "Rita", &[Role::Reviewer], "test")
            .await
            .unwrap();
        let roles = [Role::Reviewer, Role::ReportingOfficer, Role::Administrator];
        let olga_person = casework::add_person(&casework, "Olga", &roles, "test")
            .await
            .unwrap();
        let bank = casework::create_key(&casework, "bank", &[Right::Payments], None, "test")
            .await
            .unwrap()
            .1;
        let both = [Right::Cases, Right::Decide];
        let rita = casework::create_key(&casework, "rita", &both, Some(&rita_person), "test")
            .await
            .unwrap()
            .1;
        let outside = Outside {
            payments: Some(live.clone()),
            ..Outside::default()
        };
        Self {
            app: obhut_server::app_with(casework.clone(), bench::pool(), outside),
            casework,
            live,
            folder,
            bank,
            rita,
            rita_person,
            olga_person,
        }
    }

    async fn call(&self, key: &str, method: &str, path: &str, body: String) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        let (status, _, value) =
            bench::answer(self.app.clone().oneshot(request).await.unwrap()).await;
        (status, value)
    }

    async fn pay(&self, body: &Value) -> (u16, Value) {
        self.call(&self.bank, "POST", "/v1/payments", body.to_string())
            .await
    }

    /// Makes the payments of a buyer of live-streamed abuse, up to now; returns the last answer.
    async fn buyer(&self, sender: &str, shared: &str) -> Value {
        let now = jiff::Timestamp::now().as_second();
        let mut last = Value::Null;
        // Days ago, with uneven gaps, all within 90 days; the last one is today.
        let days = [
            80, 77, 76, 69, 68, 55, 54, 52, 39, 36, 22, 20, 19, 11, 9, 4, 3, 0,
        ];
        for (n, day) in days.iter().enumerate() {
            // Six recipients in turn, one of them shared with other senders.
            let receiver = match n % 6 {
                0 => shared.to_owned(),
                n => format!("{sender}-r{n}"),
            };
            let at = jiff::Timestamp::from_second(now - day * DAY).unwrap();
            let mut payment = transfer(
                &format!("{sender}-{n}"),
                sender,
                &receiver,
                &at.to_string(),
                "35.00",
            );
            payment["upload"] = json!({ "ip": format!("198.51.100.{n}"), "port": 4000 + n, "session": format!("s-{n}") });
            let (status, answer) = self.pay(&payment).await;
            assert_eq!(status, 200, "{answer}");
            last = answer;
        }
        last
    }
}

fn transfer(tx: &str, sender: &str, receiver: &str, ts: &str, amount: &str) -> Value {
    json!({
        "tx_id": tx, "sender": sender, "receiver": receiver, "ts": ts, "amount": amount, "currency": "EUR",
        "src_country": "DE", "dst_country": "PH"
    })
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_is_answered_with_reasons_and_becomes_a_case_of_its_own() {
    let b = Bench::new().await;
    let (status, first) = b
        .pay(&transfer("t", "somebody", "other", &now(), "35.00"))
        .await;
    assert_eq!((status, first["decision"].as_str()), (200, Some("allow")));
    let last = b.buyer("buyer", "pool").await;
    assert_ne!(last["decision"], "allow");
    let found = &last["found"][0];
    assert_eq!(found["role"], "possible buyer");
    assert!(found["reasons"].as_array().unwrap().len() >= 2);
    // One sentence for the customer, the same whatever was found.
    assert_eq!(first["customer_text"], last["customer_text"]);
    obhut_app::payments::record_raised(&b.casework, &b.live)
        .await
        .unwrap();
    // A second time: recording must not open a second alert.
    obhut_app::payments::record_raised(&b.casework, &b.live)
        .await
        .unwrap();
    let (_, alerts) = b
        .call(&b.rita, "GET", "/v1/payments/alerts", String::new())
        .await;
    assert_eq!(alerts.as_array().unwrap().len(), 1, "{alerts}");
    let id = alerts[0]["id"].as_str().unwrap();
    let (_, detail) = b
        .call(
            &b.rita,
            "GET",
            &format!("/v1/payments/alerts/{id}"),
            String::new(),
        )
        .await;
    let detail = &detail[0];
    assert_eq!(detail["party"], "buyer");
    assert_eq!(detail["timeline"].as_array().unwrap().len(), 18);
    assert_eq!(detail["timeline"][0]["tx_id"], "buyer-0");
    assert!(detail["indicators"][0]["source"].as_str().unwrap().len() > 3);
    // A key with the right `payments` alone sees no alerts.
    assert_eq!(
        b.call(&b.bank, "GET", "/v1/payments/alerts", String::new())
            .await
            .0,
        403
    );
    let case = casework::case(&b.casework, detail["case"].as_str().unwrap())
        .await
        .unwrap();
    let facts = case.facts.expose();
    assert_eq!(facts.payments.len(), 18);
    // What the platform said about the sessions of these payments is in the facts.
    let reported = facts.reported.as_ref().unwrap();
    let last = reported.ip_events.last().unwrap();
    assert_eq!(
        (last.address.as_str(), last.port),
        ("198.51.100.17", Some(4017))
    );
    assert_eq!(
        (last.event.as_deref(), &last.at),
        (Some("Other"), &facts.payments[17].at)
    );
    assert_eq!(
        facts.payments[17].note.as_deref(),
        Some("made with session s-17")
    );
    // Sessions from before the alert are included too, because the alert rests on their payments.
    assert_eq!(reported.ip_events.len(), 18);
    // They stay even if a person replaces the facts.
    let mut more = facts.clone();
    more.reported.as_mut().unwrap().screen_name = Some("name".into());
    more.reported.as_mut().unwrap().ip_events.clear();
    casework::set_facts(&b.casework, &case.case.id, &more, "test")
        .await
        .unwrap();
    let facts = casework::facts(&b.casework, &case.case.id).await.unwrap();
    assert_eq!(facts.reported.unwrap().ip_events, reported.ip_events);
    let audit = casework::audit(&b.casework, None).await.unwrap();
    assert!(
        audit
            .iter()
            .any(|a| a.act == "alert.view" && a.actor == b.rita_person.id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_twice_is_answered_as_repeated_and_another_under_its_id_refused() {
    let b = Bench::new().await;
    let one = transfer("t1", "a", "b", &now(), "35.00");
    let (_, first) = b.pay(&one).await;
    let (_, again) = b.pay(&one).await;
    assert_eq!(
        (first["seq"].as_u64(), again["seq"].as_u64()),
        (Some(1), Some(1))
    );
    assert_eq!(again["repeated"], true);
    let mut other = one.clone();
    other["amount"] = "36.00".into();
    assert_eq!(b.pay(&other).await.0, 409);
    for (field, value, word) in [
        ("currency", "EUX", "currency"),
        ("amount", "-1", "amount"),
        ("amount", "ten", "amount"),
        ("ts", "2026-02-30T00:00:00Z", "ts"),
        // More than a year older than the newest transfer, so outside every window.
        ("ts", "2001-01-01T00:00:00Z", "newest"),
        ("sender", "", "sender"),
        ("src_country", "Germany", "src_country"),
    ] {
        let mut bad = transfer("t2", "a", "b", &now(), "35.00");
        bad[field] = value.into();
        let (status, answer) = b.pay(&bad).await;
        assert_eq!(status, 422, "{field}={value}: {answer}");
        let text = answer.to_string();
        assert!(text.contains(word), "{text}");
    }
    assert_eq!(
        b.call(&b.bank, "POST", "/v1/payments", "{".into()).await.0,
        400
    );
    // A refused record must not use up a sequence number.
    assert_eq!(b.live.seq(), 1, "nothing of it was taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn arrays_and_messages_are_answered_item_by_item() {
    let b = Bench::new().await;
    let mut bad = transfer("t2", "a", "b", &now(), "35.00");
    bad["currency"] = "???".into();
    let (status, answers) = b
        .pay(&json!([
            transfer("t1", "a", "b", &now(), "35.00"),
            bad,
            transfer("t3", "a", "c", &now(), "5.00")
        ]))
        .await;
    assert_eq!(status, 200);
    let decisions: Vec<&str> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["decision"].as_str().unwrap())
        .collect();
    assert_eq!(decisions, ["allow", "none", "allow"]);
    assert!(answers[1]["problem"].as_str().unwrap().contains("currency"));
    let tx = |id: &str, amount: &str| {
        format!(
            "<CdtTrfTxInf><PmtId><EndToEndId>{id}</EndToEndId></PmtId><IntrBkSttlmAmt Ccy=\"EUR\">{amount}</IntrBkSttlmAmt><Dbtr><Nm>A</Nm></Dbtr><DbtrAcct><Id><IBAN>DE02120300000000202051</IBAN></Id></DbtrAcct><Cdtr><Nm>B</Nm></Cdtr></CdtTrfTxInf>"
        )
    };
    let message = format!(
        "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08\"><FIToFICstmrCdtTrf><GrpHdr><CreDtTm>{}</CreDtTm><NbOfTxs>2</NbOfTxs></GrpHdr>{}{}</FIToFICstmrCdtTrf></Document>",
        now(),
        tx("x1", "12.00"),
        tx("x2", "-1"),
    );
    let (status, answers) = b.call(&b.bank, "POST", "/v1/payments", message).await;
    assert_eq!(status, 200, "{answers}");
    assert_eq!(answers[0]["tx_id"], "x1");
    assert_eq!(answers[0]["decision"], "allow");
    assert_eq!(
        (
            answers[1]["tx_id"].as_str(),
            answers[1]["decision"].as_str()
        ),
        (Some("x2"), Some("none"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_ends_by_itself_unless_a_person_confirms_it() {
    let b = Bench::new().await;
    // Others pay the same recipient, from three countries: the pattern becomes strong enough to
    // hold.
    for (n, country) in ["AU", "GB", "SE"].iter().enumerate() {
        let at =
            jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() - 85 * DAY + n as i64)
                .unwrap();
        let mut t = transfer(
            &format!("p{n}"),
            &format!("payer{n}"),
            "pool",
            &at.to_string(),
            "40.00",
        );
        t["src_country"] = (*country).into();
        b.pay(&t).await;
    }
    let last = b.buyer("buyer", "pool").await;
    assert_eq!(last["decision"], "hold", "{last}");
    assert!(last["hold_until"].as_str().unwrap() > now().as_str());
    obhut_app::payments::record_raised(&b.casework, &b.live)
        .await
        .unwrap();
    let (_, holds) = b
        .call(&b.rita, "GET", "/v1/payments/holds", String::new())
        .await;
    let holds = holds.as_array().unwrap();
    let held: Vec<&Value> = holds.iter().filter(|h| h["state"] == "held").collect();
    assert!(!held.is_empty(), "{holds:?}");
    let id = held[0]["id"].as_str().unwrap();
    // A hold whose time is over has ended without a person's decision and can't be released. This
    // one lasted until one microsecond after the start of 1970.
    let case = held[0]["case"].as_str().unwrap();
    obhut_app::payments::record_hold(&b.casework, "over", case, 1)
        .await
        .unwrap();
    let holds = obhut_app::payments::holds(&b.casework).await.unwrap();
    let over = holds
        .iter()
        .find(|h| h.transfer_id.expose() == "over")
        .unwrap();
    assert_eq!(over.state.word(), "ended");
    let late =
        obhut_app::payments::decide_hold(&b.casework, &over.id, &b.rita_person, None, "too late")
            .await;
    assert!(late.is_err_and(|e| e.to_string().contains("may have been executed")));
    let path = format!("/v1/payments/holds/{id}");
    let until = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() + 3 * DAY)
        .unwrap()
        .to_string();
    let far = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() + 90 * DAY)
        .unwrap()
        .to_string();
    let ask = async |until: &str, why: &str| {
        b.call(
            &b.rita,
            "POST",
            &path,
            json!({"until": until, "why": why}).to_string(),
        )
        .await
    };
    // 90 days: more than the 30 that a person may confirm.
    assert_eq!(ask(&far, "looked at").await.0, 422);
    assert_eq!(ask(&until, " ").await.0, 422);
    let (status, confirmed) = ask(&until, "looked at").await;
    assert_eq!(
        (status, confirmed["state"].as_str()),
        (200, Some("confirmed"))
    );
    let (_, released) = b
        .call(&b.rita, "POST", &path, json!({"why": "family"}).to_string())
        .await;
    assert_eq!(released["state"], "released");
    assert_eq!(ask(&until, "again").await.0, 409, "what was let go is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn clearing_a_case_lowers_the_scores_that_rested_on_it() {
    let b = Bench::new().await;
    b.buyer("first", "common").await;
    obhut_app::payments::record_raised(&b.casework, &b.live)
        .await
        .unwrap();
    let alerts = obhut_app::payments::payment_alerts(&b.casework, false, 10)
        .await
        .unwrap();
    let case = alerts[0].case.clone();
    let request = DecisionRequest {
        ruling: Ruling::Report,
        grounds: "as assessed".into(),
        category: None,
    };
    casework::decide(&b.casework, &case, &b.rita_person, &request)
        .await
        .unwrap();
    let confirmed = obhut_app::payments::confirmed_parties(&b.casework)
        .await
        .unwrap();
    assert_eq!(confirmed.len(), 1);
    // As the server's worker does every 20 seconds.
    b.live.set_confirmed(&confirmed);
    // A second sender pays a recipient of the first: the association raises the score, and is
    // named.
    b.buyer("second", "common").await;
    obhut_app::payments::record_raised(&b.casework, &b.live)
        .await
        .unwrap();
    let of = async |party: &str| {
        for row in obhut_app::payments::payment_alerts(&b.casework, false, 10)
            .await
            .unwrap()
        {
            let d = obhut_app::payments::payment_alert(&b.casework, &row.id, "test")
                .await
                .unwrap()
                .remove(0);
            if d.party.expose() == party {
                return d;
            }
        }
        panic!("no alert of {party}");
    };
    let before = of("second").await;
    assert!(before.fired.iter().any(|f| f.indicator().id == "R02"));
    let appeal = casework::file_appeal(&b.casework, &case, "mine", "public")
        .await
        .unwrap();
    casework::decide_appeal(
        &b.casework,
        &case,
        &appeal.id,
        &b.olga_person,
        AppealOutcome::Upheld,
        "harmless",
    )
    .await
    .unwrap();
    // An upheld appeal triggers recomputation immediately.
    let after = of("second").await;
    assert!(!after.fired.iter().any(|f| f.indicator().id == "R02"));
    assert!(after.row.score < before.row.score);
    let open = obhut_app::payments::payment_alerts(&b.casework, false, 10)
        .await
        .unwrap();
    assert!(
        open.iter().all(|a| a.case != case),
        "a cleared person's alert is closed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_possible_victim_waits_in_another_queue_and_is_never_reported() {
    let b = Bench::new().await;
    let start = jiff::Timestamp::now().as_second() - 3 * DAY;
    let mut last = Value::Null;
    // Rising amounts to one new recipient within 25 hours: the published signs of blackmail.
    for (n, amount) in ["40.00", "80.00", "120.00", "200.00"].iter().enumerate() {
        let at = jiff::Timestamp::from_second(start + n as i64 * 30_000).unwrap();
        last = b
            .pay(&transfer(
                &format!("v{n}"),
                "young",
                "blackmailer",
                &at.to_string(),
                amount,
            ))
            .await
            .1;
    }
    assert_eq!(last["decision"], "review", "{last}");
    assert_eq!(last["found"][0]["role"], "possible victim");
    obhut_app::payments::record_raised(&b.casework, &b.live)
        .await
        .unwrap();
    assert!(
        obhut_app::payments::payment_alerts(&b.casework, false, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let victims = obhut_app::payments::payment_alerts(&b.casework, true, 10)
        .await
        .unwrap();
    assert_eq!(victims.len(), 1);
    let case = casework::case(&b.casework, &victims[0].case).await.unwrap();
    assert!(case.facts.expose().reported.is_none());
    assert_eq!(case.facts.expose().victims[0].id.as_deref(), Some("young"));
    let request = DecisionRequest {
        ruling: Ruling::Report,
        grounds: "as assessed".into(),
        category: None,
    };
    let case = &victims[0].case;
    let decision = casework::decide(&b.casework, case, &b.rita_person, &request)
        .await
        .unwrap();
    let filed = casework::file_report(&b.casework, &decision, "goaml", false, "test").await;
    assert!(filed.is_err_and(|e| e.to_string().contains("helped, not reported")));
    let detail = &obhut_app::payments::payment_alert(&b.casework, &victims[0].id, "test")
        .await
        .unwrap()[0];
    assert!(
        detail
            .advice(obhut_app::payments::Language::German)
            .contains("Hilfe")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_everything_durable_is_there_and_a_torn_end_is_cut() {
    let b = Bench::new().await;
    let last = b.buyer("buyer", "pool").await;
    b.live.wait_until_durable();
    let Bench {
        app,
        casework,
        live,
        folder,
        ..
    } = b;
    drop(app);
    drop(live);
    let journal = std::fs::read_dir(folder.path().join("payments"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.to_string_lossy().contains("journal-"))
        .unwrap();
    let whole = std::fs::read(&journal).unwrap();
    assert!(
        !String::from_utf8_lossy(&whole).contains("buyer"),
        "who paid whom is sealed"
    );
    let mut torn = whole.clone();
    // A frame that announces 200 bytes and has three: what a power failure leaves.
    torn.extend([200, 0, 0, 0, 1, 2, 3]);
    std::fs::write(&journal, &torn).unwrap();
    let live = Live::open(&casework, Policy::default(), Holding::default()).unwrap();
    assert_eq!((live.seq(), live.durable_seq()), (18, 18));
    assert_eq!(std::fs::read(&journal).unwrap(), whole);
    drop(live);
    // A changed bit in the middle isn't a torn end.
    let mut changed = whole.clone();
    // Followed by a whole journal, so that cutting it off as a torn end would lose transfers.
    changed[40] ^= 1;
    changed.extend(&whole);
    std::fs::write(&journal, &changed).unwrap();
    let fault = Live::open(&casework, Policy::default(), Holding::default());
    assert!(fault.is_err_and(|e| e.to_string().contains("byte 0")));
    std::fs::write(&journal, &whole).unwrap();
    let b = Bench::over(casework, folder).await;
    // Another transfer under the last one's id is refused, so the ids survived the restart.
    assert_eq!(last["seq"], 18);
    let (status, _) = b
        .pay(&transfer(
            "buyer-17",
            "buyer",
            "buyer-r5",
            "2026-01-01",
            "1.00",
        ))
        .await;
    assert_eq!(status, 409);
}

/// A payment's session comes in the header or in the body, valid or not.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_a_session_is_checked_and_its_value_not_repeated() {
    let b = Bench::new().await;
    let send = async |header: &str, body: &Value| {
        let request = Request::post("/v1/payments")
            .header(header::AUTHORIZATION, format!("Bearer {}", b.bank))
            .header("obhut-upload", header)
            .body(Body::from(body.to_string()))
            .unwrap();
        let (status, _, value) = bench::answer(b.app.clone().oneshot(request).await.unwrap()).await;
        (status, value.to_string())
    };
    let one = transfer("t", "a", "b", &now(), "35.00");
    let wrong = r#"{"ip":"300.1.1.1"}"#;
    let mut wrong_inside = one.clone();
    wrong_inside["upload"] = serde_json::from_str(wrong).unwrap();
    let several = json!([one, wrong_inside]);
    let mut positions = one.clone();
    positions["upload"] = json!(["192.0.2.1"]);
    for (header, body, expected, said) in [
        (r#"{"ip":"192.0.2.1"}"#, &several, 400, "of each"),
        ("{}", &positions, 400, "upload has an unknown field"),
        // An invalid session doesn't keep the payment from being assessed.
        (wrong, &one, 200, "ip isn't"),
        ("{}", &wrong_inside, 200, "ip isn't"),
        (r#"{"ip":"192.0.2.1"}"#, &one, 200, "allow"),
    ] {
        let (status, text) = send(header, body).await;
        assert_eq!(status, expected, "{text}");
        assert!(text.contains(said) && !text.contains("300.1"), "{text}");
    }
    let (status, answers) = b.pay(&several).await;
    assert_eq!((status, &answers[0]["repeated"]), (200, &json!(true)));
    assert_eq!(answers[1]["decision"], "allow");
    let wrong = answers[1]["upload_problem"].as_str().unwrap();
    assert!(wrong.contains("ip isn't"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_disk_refuses_nothing_is_taken_and_nothing_taken_is_lost() {
    let b = Bench::new().await;
    let (folder, away) = (
        b.folder.path().join("payments"),
        b.folder.path().join("away"),
    );
    // Simulates a full disk. Unlike a read-only folder, this stops root as well.
    std::fs::rename(&folder, &away).unwrap();
    let mut taken: Vec<Value> = Vec::new();
    let mut n = 0;
    // Sends until a request gets the wanted status: 503 while the journal can't be written, then
    // 200.
    let mut send_until = async |wanted: u16, taken: &mut Vec<Value>| {
        // The writer notices the fault only at its next write, some 20 milliseconds later.
        for _ in 0..20_000 {
            n += 1;
            let one = transfer(&format!("d{n}"), "a", "b", &now(), "35.00");
            let (status, answer) = b.pay(&one).await;
            if status == 200 {
                assert!(answer["durable_seq"].as_u64().unwrap() <= taken.len() as u64);
                taken.push(one);
            } else {
                assert_eq!(status, 503, "{answer}");
                assert!(answer.to_string().contains("disk"), "{answer}");
            }
            if status == wanted {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("never answered {wanted}");
    };
    send_until(503, &mut taken).await;
    assert_eq!(
        b.live.durable_seq(),
        0,
        "nothing is called durable that isn't"
    );
    std::fs::rename(&away, &folder).unwrap();
    let before = std::time::Instant::now();
    while b.live.durable_seq() == 0 && before.elapsed().as_secs() < 30 {
        tokio::task::yield_now().await;
    }
    send_until(200, &mut taken).await;
    b.live.wait_until_durable();
    assert_eq!(b.live.durable_seq(), taken.len() as u64);
    let Bench {
        app,
        casework,
        live,
        folder,
        ..
    } = b;
    drop((app, live));
    let b = Bench::over(casework, folder).await;
    for (n, one) in taken.iter().enumerate() {
        let (_, answer) = b.pay(one).await;
        assert_eq!(
            (answer["repeated"].as_bool(), answer["seq"].as_u64()),
            (Some(true), Some(n as u64 + 1))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_both_queues_and_names_only_in_an_alert() {
    let b = Bench::new().await;
    b.buyer("buyer", "pool").await;
    obhut_app::payments::record_raised(&b.casework, &b.live)
        .await
        .unwrap();
    let session = casework::begin_session(&b.casework, &b.rita).await.unwrap();
    let page = async |path: &str| {
        let request = Request::get(path)
            .header(header::ACCEPT_LANGUAGE, "de")
            .header(
                header::COOKIE,
                format!("obhut-session={}", session.expose()),
            )
            .body(Body::empty())
            .unwrap();
        let answer = b.app.clone().oneshot(request).await.unwrap();
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 22)
            .await
            .unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    let queues = page("/payments").await;
    assert!(queues.contains("Möglicherweise Opfer (0)") && queues.contains("Zu prüfen (1)"));
    // Names appear only in an alert, whose view is recorded.
    assert!(!queues.contains(">buyer<"), "no party in the list");
    let alert = obhut_app::payments::payment_alerts(&b.casework, false, 1)
        .await
        .unwrap()
        .remove(0);
    let one = page(&format!("/payments/{}", alert.id)).await;
    assert!(one.contains("<svg") && one.contains("buyer") && one.contains("AMLC"));
    // In the queue the case ranks as its page says.
    let queued = casework::queued(&b.casework, &alert.case).await.unwrap();
    let dossier = casework::dossier(&b.casework, &alert.case, true).await;
    let scores = dossier.unwrap().scores();
    assert!(scores.at_risk > 0);
    assert_eq!(queued.unwrap().at_risk, scores.at_risk);
    assert!(!one.contains("http://"));
}
