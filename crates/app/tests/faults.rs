//! Regressions at the boundaries between crates, each as one scenario. A test's name states the
//! fault that was fixed.

mod bench;

use bench::*;
use obhut_app::payments::{Assessment, Fired, HoldState, NewAlert, ShownTransfer, score_of};
use obhut_app::{bitcoin, domains};
use obhut_casework as casework;
use obhut_casework::*;
use obhut_media as media;
use obhut_media::*;

fn transfer(n: i64) -> ShownTransfer {
    ShownTransfer {
        tx: Some(format!("t{n}")),
        at: 1_700_000_000_000_000 + n * 86_400_000_000,
        other: format!("R{}", n % 3),
        amount: "35.00".into(),
        currency: "EUR".into(),
        country: "PH".into(),
        in_band: true,
        night: false,
    }
}

/// An alert about a sender with the given number of payments.
fn alert(party: &str, payments: i64) -> NewAlert {
    let fired: Vec<Fired> = ["S01", "S03"]
        .iter()
        .map(|id| Fired::restored(id, 0, 1.0, [4.0, 4.0, 1.0, 9.0, 0.5]).unwrap())
        .collect();
    let timeline: Vec<ShownTransfer> = (0..payments).map(transfer).collect();
    NewAlert {
        party: Sealed::new(party.into()),
        assessment: Assessment {
            scenario: "buyer with many recipients",
            score: score_of(&fired),
            fired,
            first_at: timeline[0].at,
            last_at: timeline[timeline.len() - 1].at,
            at: timeline[timeline.len() - 1].at,
            n: payments as u32,
        },
        timeline,
        network: Vec::new(),
        rests_on: Vec::new(),
        sessions: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_kept_the_payments_of_the_first_alert() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let first = obhut_app::payments::record_alert(c, &alert("p", 27), "test")
            .await
            .unwrap()
            .unwrap();
        let facts = casework::facts(c, &first.case).await.unwrap();
        assert_eq!(facts.payments.len(), 27);
        assert_eq!(facts.reported.unwrap().id.as_deref(), Some("p"));
        let grown = obhut_app::payments::record_alert(c, &alert("p", 41), "test")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(grown.case, first.case);
        let facts = casework::facts(c, &first.case).await.unwrap();
        assert_eq!(facts.payments.len(), 41, "the facts follow the alert");
        assert_eq!(facts.occurred_at, Some(rfc3339(transfer(40).at)));
        // A value entered by a person wins; the other payments still come from the alert.
        let mut known = Facts::default();
        known.payments.push(Payment {
            id: Some("t3".into()),
            amount: "99.00".into(),
            ..Payment::default()
        });
        known.victims.push(Account {
            id: Some("p".into()),
            ..Account::default()
        });
        casework::set_facts(c, &first.case, &known, "test")
            .await
            .unwrap();
        let facts = casework::facts(c, &first.case).await.unwrap();
        assert_eq!((facts.payments.len(), facts.reported), (41, None));
        assert!(facts.payments.iter().any(|p| p.amount == "99.00"));
        assert_eq!(facts.victims.len(), 1);
        // The dossier, from which a report is rendered, has the same payments.
        let dossier = casework::dossier(c, &first.case, false).await.unwrap();
        assert_eq!(dossier.facts.expose().payments.len(), 41);
    })
    .await;
}

/// Records a legal basis that ends at `until` (microseconds since 1970), and watches an address
/// under it.
async fn watch(
    c: &Casework,
    case: &str,
    (network, address): (bitcoin::Network, &str),
    until: i64,
    person: &Person,
) {
    bitcoin::record_chain_basis(c, case, "order 1", "A. Officer", until, person)
        .await
        .unwrap();
    bitcoin::watch_addresses(c, case, network, &[address.to_owned()], person)
        .await
        .unwrap();
}

/// Regression: two cases watched one address, and the legal basis of one had ended. That case still
/// got findings, because the other's basis was in force.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_went_on_under_another_cases_legal_basis() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let rita = new_person(c, "Rita", &[Role::Reviewer, Role::Administrator]).await;
        let now = b.clock.now_micros();
        let mut cases = Vec::new();
        for seconds in [60, 600] {
            let file = CaseFile::from_json(b"{}").unwrap();
            let case = casework::new_case(c, &file, Vec::new(), "test")
                .await
                .unwrap()
                .case;
            let until = now + seconds * 1_000_000;
            watch(
                c,
                &case,
                (bitcoin::Network::Testnet, "tb1qexample"),
                until,
                &rita,
            )
            .await;
            cases.push(case);
        }
        let movement = |txid: &str| bitcoin::MovementRow {
            address: "tb1qexample".into(),
            txid: txid.into(),
            height: 1,
            time: "2026-01-01T00:00:00Z".into(),
            amount_sat: 1,
            incoming: true,
            place: 0,
            undone: false,
        };
        let record = async |txid: &str| {
            bitcoin::record_movement(c, "testnet", &movement(txid))
                .await
                .unwrap()
        };
        assert_eq!(record("00").await, 2);
        b.clock.pass(120);
        assert_eq!(
            record("01").await,
            1,
            "only the case whose basis is current"
        );
        let of = async |case: &str| bitcoin::movements(c, case).await.unwrap().len();
        assert_eq!((of(&cases[0]).await, of(&cases[1]).await), (1, 2));
        // A closed case isn't watched either.
        casework::decide(c, &cases[1], &rita, &decision(Ruling::NoReport))
            .await
            .unwrap();
        assert_eq!(record("02").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_of_erasure_was_false() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let row = obhut_app::payments::record_alert(c, &alert("p", 5), "test")
            .await
            .unwrap()
            .unwrap();
        let case = row.case;
        let (rita, olga) = (
            new_person(c, "Rita", &[Role::Reviewer]).await,
            new_person(c, "Olga", &[Role::Reviewer]).await,
        );
        watch(
            c,
            &case,
            (bitcoin::Network::Regtest, "bc1qexample"),
            i64::MAX / 2,
            &rita,
        )
        .await;
        let movement = bitcoin::MovementRow {
            address: "bc1qexample".into(),
            txid: "00".into(),
            height: 1,
            time: "2026-01-01T00:00:00Z".into(),
            amount_sat: 1,
            incoming: true,
            place: 0,
            undone: false,
        };
        assert_eq!(
            bitcoin::record_movement(c, "regtest", &movement)
                .await
                .unwrap(),
            1
        );
        let until = i64::MAX / 2;
        obhut_app::payments::record_hold(c, "t4", &case, until)
            .await
            .unwrap();
        let loose =
            casework::put_exhibit(c, b"notes", Some(&case), None, Some("n.txt"), None, &rita)
                .await
                .unwrap();
        casework::decide(c, &case, &rita, &decision(Ruling::NoReport))
            .await
            .unwrap();
        uphold_appeal(c, &case, &olga).await;
        let proof = casework::erasure_proof(c, &case).await.unwrap();
        assert!(proof.complete, "{proof:?}");
        let named = |what: &str| proof.erased.iter().find(|e| e.exhibit == what);
        assert!(named(&loose.id).unwrap().done_at.is_some());
        assert!(named("watches").unwrap().done_at.is_some());
        assert!(proof.kept.iter().any(|k| k.what == "journal"));
        assert!(
            bitcoin::chain_watches(c, bitcoin::Network::Regtest)
                .await
                .unwrap()
                .is_empty()
        );
        assert!(bitcoin::movements(c, &case).await.unwrap().is_empty());
        assert!(bitcoin::chain_bases(c, &case).await.unwrap().is_empty());
        let hold = &obhut_app::payments::holds(c).await.unwrap()[0];
        assert_eq!(
            (hold.state, hold.transfer_id.expose().as_str()),
            (HoldState::Released, "")
        );
        assert!(
            casework::view(c, &loose.id, &rita, "look", Extent::Whole)
                .await
                .is_err()
        );
        assert!(casework::facts(c, &case).await.unwrap().payments.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_defeated_four_eyes() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        signed(c, "hotline", &[("one", &known)]).await;
        let recorded = media::record(c, &screen(c, &known).await, &subject("a"), None, "server")
            .await
            .unwrap();
        let case = recorded.case.unwrap();
        let roles = [Role::Reviewer, Role::ReportingOfficer];
        let (rita, olga) = (
            new_person(c, "Rita", &roles).await,
            new_person(c, "Olga", &roles).await,
        );
        // Fourteen years ahead and back: by the clock, the first decision would be the last.
        b.clock.pass(14 * 366 * 86_400);
        casework::decide(c, &case, &rita, &decision(Ruling::Report))
            .await
            .unwrap();
        b.clock.pass(-14 * 366 * 86_400);
        let second = casework::decide(c, &case, &olga, &decision(Ruling::Report))
            .await
            .unwrap();
        let decisions = casework::decisions(c, &case).await.unwrap();
        assert_eq!(
            decisions.last().unwrap().id(),
            second.id(),
            "later is later"
        );
        let report = casework::file_latest(c, &case, "ncmec", false, "test")
            .await
            .unwrap();
        let own = obhut_app::reports::approve(c, &report, &olga, None, false).await;
        assert!(own.is_err(), "Olga decided last, so she can't approve");
        obhut_app::reports::approve(c, &report, &rita, None, false)
            .await
            .unwrap();
        // The trail is in the order in which things happened, too.
        let acts: Vec<_> = casework::audit(c, Some(&case)).await.unwrap();
        let newest = acts.iter().find(|a| a.act == "case.decide").unwrap();
        assert_eq!(newest.actor, olga.id, "newest first");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_did_not_bind_what_it_signs() {
    on_each_database_broken(async |b: Bench| {
        let c = &b.casework;
        let (known, other) = (picture(1), picture(2));
        signed(c, "hotline", &[("one", &known)]).await;
        let matching = media::list(c, "hotline").await.unwrap();
        // A second version without signatures.
        media::import_list(c, &assessed("hotline"), &csv(&[("two", &other)]), "test")
            .await
            .unwrap();
        let newest = media::list(c, "hotline").await.unwrap();
        let file = |version: &str| {
            b.folder
                .path()
                .join("lists")
                .join(&matching.id)
                .join(format!("{version}.age"))
        };
        // The unsigned version's sealed file under the signed version's name: both files are
        // genuine, so only the digest on record reveals the swap.
        std::fs::copy(file(&newest.version), file(&matching.version)).unwrap();
        // A new process, with nothing cached.
        let again = obhut_app::open(
            DataFolder::new(b.folder.path()),
            b.url.as_deref(),
            b.clock.clone(),
        )
        .await
        .unwrap();
        let opened = media::screener(&again, pool(), ScreenOptions::default()).await;
        let e = opened
            .err()
            .expect("nothing is matched with a swapped file");
        assert!(e.to_string().contains("swapped"), "{e}");
        let shown = media::checked_lists(&again).await.unwrap();
        assert!(shown[0].list.signatures.is_empty() && shown[0].list.unsigned);
        assert!(shown[0].fault.is_some());
        let ada = steward(&again, "Ada").await;
        assert!(media::list(&again, "hotline").await.unwrap().unsigned);
        std::fs::copy(file(&newest.version), file(&matching.version)).unwrap();
        drop(ada);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_sealing_key_broke_every_lookup() {
    on_each_database_broken(async |b: Bench| {
        let keys = b.folder.path().join("keys");
        let lookup = std::fs::read_to_string(keys.join("lookup.key")).unwrap();
        let sealing = std::fs::read_to_string(keys.join("sealing.age")).unwrap();
        assert!(!sealing.contains(lookup.trim()), "one key, one use");
        let reopen = async || {
            obhut_app::open(
                DataFolder::new(b.folder.path()),
                b.url.as_deref(),
                b.clock.clone(),
            )
            .await
        };
        reopen().await.unwrap();
        // A lost key is not regenerated: with a new key, no stored digest would match.
        std::fs::remove_file(keys.join("lookup.key")).unwrap();
        let lost = reopen().await.err().map(|e| e.to_string());
        // On SQLite the folder shows that it is in use; on PostgreSQL only the database does.
        if b.folder.path().join("obhut.db").exists() {
            assert!(lost.unwrap().contains("lookup.key"));
            assert!(!keys.join("lookup.key").exists());
        } else {
            assert!(lost.is_some(), "the database knows another key");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_missing_in_the_middle_never_reached_the_report() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let mut late = alert("p", 20);
        // From the middle: first and last transfer, which a shortcut might compare, stay the same.
        late.timeline.remove(10);
        let first = obhut_app::payments::record_alert(c, &late, "test")
            .await
            .unwrap()
            .unwrap();
        // The same score, the same last transfer; one more in the middle.
        obhut_app::payments::record_alert(c, &alert("p", 20), "test")
            .await
            .unwrap();
        assert_eq!(
            casework::facts(c, &first.case)
                .await
                .unwrap()
                .payments
                .len(),
            20
        );
        // Facts that are shown and set again unchanged still belong to the alerts and follow them.
        let shown = casework::facts(c, &first.case).await.unwrap();
        casework::set_facts(c, &first.case, &shown, "test")
            .await
            .unwrap();
        obhut_app::payments::record_alert(c, &alert("p", 25), "test")
            .await
            .unwrap();
        let facts = casework::facts(c, &first.case).await.unwrap();
        assert_eq!(facts.payments.len(), 25);
        assert_eq!(facts.occurred_at, Some(rfc3339(transfer(24).at)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_jump_raised_one_alert_repeatedly() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        b.clock.pass(14 * 366 * 86_400);
        let old = obhut_app::payments::record_alert(c, &alert("p", 5), "test")
            .await
            .unwrap()
            .unwrap();
        b.clock.pass(-14 * 366 * 86_400);
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        casework::decide(c, &old.case, &rita, &decision(Ruling::NoReport))
            .await
            .unwrap();
        // After the cool-down: re-alerted, once.
        let mut ids = Vec::new();
        for _ in 0..3 {
            let again = obhut_app::payments::record_alert(c, &alert("p", 60), "test")
                .await
                .unwrap()
                .unwrap();
            ids.push(again.id);
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "the same alert twice changes nothing");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleared_case_took_new_data_and_its_duty_to_report_went_on() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let file = CaseFile::from_json(br#"{"facts": {"reported": {"id": "x"}}}"#).unwrap();
        let case = casework::new_case(c, &file, Vec::new(), "test")
            .await
            .unwrap()
            .case;
        let (rita, olga) = (
            new_person(c, "Rita", &[Role::Reviewer, Role::ReportingOfficer]).await,
            new_person(c, "Olga", &[Role::Reviewer]).await,
        );
        casework::decide(c, &case, &rita, &decision(Ruling::Report))
            .await
            .unwrap();
        uphold_appeal(c, &case, &olga).await;
        let running = casework::deadlines(c, Some(&case), false).await.unwrap();
        assert!(running.is_empty(), "{running:?}");
        let put = casework::put_exhibit(c, b"x", Some(&case), None, None, None, &rita).await;
        assert!(refused(put).contains("overturned"));
        let facts = casework::set_facts(c, &case, &Facts::default(), "test").await;
        assert!(refused(facts).contains("overturned"));
        let asked =
            casework::add_authority_request(c, &case, "police", "r", i64::MAX / 2, None, &rita)
                .await;
        assert!(refused(asked).contains("overturned"));
        let kept: Vec<_> = casework::erasure_proof(c, &case).await.unwrap().kept;
        assert!(kept.iter().any(|k| k.what == "audit trail"));
        assert!(matches!(
            casework::erasure_proof(c, "case-nope").await,
            Err(CaseworkError::NotFound { .. })
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_file_of_a_list_could_not_be_put_back() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        signed(c, "hotline", &[("one", &known)]).await;
        let list = media::list(c, "hotline").await.unwrap();
        let file = format!("lists/{}/{}.age", list.id, list.version);
        std::fs::remove_file(b.folder.path().join(file)).unwrap();
        let import = media::import_list(c, &assessed("hotline"), &csv(&[("one", &known)]), "test")
            .await
            .unwrap();
        assert!(!import.new_version, "the same version, whole again");
        let again = obhut_app::open(
            DataFolder::new(b.folder.path()),
            b.url.as_deref(),
            b.clock.clone(),
        )
        .await
        .unwrap();
        assert_eq!(screen(&again, &known).await.verdict, Verdict::Match);
    })
    .await;
}

/// The report says whether a person viewed the file, so viewing it invalidates the approval.
#[tokio::test(flavor = "multi_thread")]
async fn a_view_after_the_approval_changed_what_was_sent() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        signed(c, "hotline", &[("one", &known)]).await;
        let screened = screen(c, &known).await;
        let recorded = media::record(c, &screened, &subject("a"), Some(&known), "server").await;
        let recorded = recorded.unwrap();
        let (case, exhibit) = (recorded.case.unwrap(), recorded.exhibit.unwrap());
        let (rita, olga) = (
            new_person(c, "Rita", &[Role::Reviewer]).await,
            new_person(c, "Olga", &[Role::ReportingOfficer]).await,
        );
        casework::decide(c, &case, &rita, &decision(Ruling::Report))
            .await
            .unwrap();
        let report = casework::file_latest(c, &case, "ncmec", false, "test")
            .await
            .unwrap();
        obhut_app::reports::approve(c, &report, &olga, None, false)
            .await
            .unwrap();
        // As approved it can be sent; only the view below changes that.
        casework::require_sendable(c, &report).await.unwrap();
        casework::view(c, &exhibit, &rita, "checking", Extent::Whole)
            .await
            .unwrap();
        let changed = casework::require_sendable(c, &report).await;
        assert!(refused(changed).contains("changed after"));
        obhut_app::reports::approve(c, &report, &olga, None, false)
            .await
            .unwrap();
        casework::require_sendable(c, &report).await.unwrap();
        let shown = obhut_app::reports::show(c, &report, "worker")
            .await
            .unwrap();
        let file = shown.documents.unwrap().files[0].with_ids(1, "f");
        assert!(file.contains("<fileViewedByEsp>true<"));
    })
    .await;
}

/// Regression: if no server ran, an erasure that a killed command had left unfinished stayed so.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_was_cut_off_waited_for_a_server() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let json = r#"{"facts": {"reported": {"id": "x"}}, "files": [{"name": "n", "content": "bm90ZXM="}]}"#;
        let file = CaseFile::from_json(json.as_bytes()).unwrap();
        let filed = casework::new_case(c, &file, vec![Some(b"notes".to_vec())], "test").await;
        let case = filed.unwrap().case;
        let (rita, olga) = (
            new_person(c, "Rita", &[Role::Reviewer]).await,
            new_person(c, "Olga", &[Role::Reviewer]).await,
        );
        casework::raise_alarm(c, "chain-moved", &case, "a watched address moved")
            .await
            .unwrap();
        casework::decide(c, &case, &rita, &decision(Ruling::NoReport))
            .await
            .unwrap();
        uphold_appeal(c, &case, &olga).await;
        // Clearing the case ends its alarms, and the proof says what is kept.
        assert!(casework::alarms(c).await.unwrap().is_empty());
        let kept = casework::erasure_proof(c, &case).await.unwrap().kept;
        for what in ["findings", "reports"] {
            assert!(kept.iter().any(|k| k.what.starts_with(what)), "{what}: {kept:?}");
        }
        let url = b
            .url
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", b.folder.path().join("obhut.db").display()));
        let pool = sqlx::AnyPool::connect(&url).await.unwrap();
        // As after a kill between the decision and the work that follows it.
        sqlx::query("UPDATE settlements SET done_at = NULL")
            .execute(&pool)
            .await
            .unwrap();
        pool.close().await;
        assert!(!casework::erasure_proof(c, &case).await.unwrap().complete);
        let again = obhut_app::open(
            DataFolder::new(b.folder.path()),
            b.url.as_deref(),
            b.clock.clone(),
        )
        .await
        .unwrap();
        assert!(casework::erasure_proof(&again, &case).await.unwrap().complete);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_id_was_answered_with_another_case() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let file = CaseFile::from_json(b"{}").unwrap();
        casework::new_case(c, &file, Vec::new(), "test")
            .await
            .unwrap();
        // An empty id is a wildcard in some statements; it must match no case.
        for none in [
            casework::case(c, "").await.map(|_| ()),
            casework::dossier(c, "", false).await.map(|_| ()),
            casework::facts(c, "").await.map(|_| ()),
        ] {
            assert!(
                matches!(none, Err(CaseworkError::NotFound { .. })),
                "{none:?}"
            );
        }
        let (key, _) = casework::create_key(c, "k", &[Right::Screen], None, "test")
            .await
            .unwrap();
        casework::revoke_key(c, &key.id, "test").await.unwrap();
        // Revoking it again is a conflict; "not found" would be wrong.
        let again = casework::revoke_key(c, &key.id, "test").await;
        assert!(refused(again).contains("revoked already"));
    })
    .await;
}
