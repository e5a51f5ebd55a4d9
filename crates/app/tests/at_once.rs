//! Two people, or a person and a worker, act at the same moment: what one of them did is never lost
//! or contradicted. On SQLite writers take turns anyway; on PostgreSQL they don't.

mod bench;

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;

fn domains() -> Vec<Box<dyn casework::for_domains::Domain>> {
    obhut_app::domains()
}

/// A case that Rita decided to report, and its draft for NCMEC.
async fn drafted(c: &Casework, account: &str, rita: &Person) -> (String, String) {
    let text = format!(r#"{{"facts": {{"reported": {{"id": "{account}"}}}}}}"#);
    let file = CaseFile::from_json(text.as_bytes()).unwrap();
    let new = casework::new_case(c, &file, Vec::new(), "test").await;
    let case = new.unwrap().case;
    let decided = casework::decide(c, &case, rita, &decision(Ruling::Report))
        .await
        .unwrap();
    let report = casework::file_report(c, &decided, "ncmec", false, "test")
        .await
        .unwrap();
    (case, report)
}

/// Regression: the later of two extensions replaced the longer one.
#[tokio::test(flavor = "multi_thread")]
async fn the_longer_of_two_extensions_stays() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        let olga = new_person(c, "Olga", &[Role::ReportingOfficer]).await;
        for n in 0..10 {
            let (case, _) = drafted(c, &format!("user-{n}"), &rita).await;
            let due = b.clock.now_micros() + 1_000_000;
            let asked = casework::add_authority_request(c, &case, "police", "1", due, None, &olga);
            let id = asked.await.unwrap();
            let extend = async |more: i64| {
                casework::extend_deadline(c, &id, due + more, "they asked", &olga).await
            };
            let (longer, shorter) = tokio::join!(extend(9_000_000), extend(5_000_000));
            longer.unwrap();
            let known = casework::deadlines(c, Some(&case), false).await.unwrap();
            let known = known.iter().find(|d| d.id == id).unwrap();
            assert_eq!(known.due_at, due + 9_000_000, "{shorter:?}");
        }
    })
    .await;
}

/// Regression: a report approved while an appeal was being rejected left its case undecided about
/// it, so that it could be decided again as if nothing had gone out.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_and_a_rejected_appeal_agree() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        let olga = new_person(c, "Olga", &[Role::ReportingOfficer]).await;
        let nina = new_person(c, "Nina", &[Role::Appeals]).await;
        for n in 0..15 {
            let (case, report) = drafted(c, &format!("user-{n}"), &rita).await;
            let appeal = casework::file_appeal(c, &case, "not me", "t")
                .await
                .unwrap();
            let rejected = AppealOutcome::Rejected;
            let (decided, approved) = tokio::join!(
                casework::decide_appeal(c, &case, &appeal.id, &nina, rejected, "g"),
                obhut_app::reports::approve(c, &report, &olga, None, false)
            );
            decided.unwrap();
            let status = casework::case(c, &case).await.unwrap().case.status;
            let expected = match approved {
                Ok(_) => CaseStatus::Reported,
                // The case changed between the rendering and the approval.
                Err(_) => CaseStatus::Decided,
            };
            assert_eq!(status, expected, "{approved:?}");
        }
    })
    .await;
}

/// Regression: an approval begun before a report was filed, and ended after, replaced the record of
/// what had been sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_filed_meanwhile_is_not_approved_again() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        let olga = new_person(c, "Olga", &[Role::ReportingOfficer]).await;
        let (case, report) = drafted(c, "user-1", &rita).await;
        obhut_app::reports::approve(c, &report, &olga, None, false)
            .await
            .unwrap();
        let facts = r#"{"reported": {"id": "user-1"}, "note": "more"}"#;
        let facts = Facts::from_json(facts.as_bytes()).unwrap();
        casework::set_facts(c, &case, &facts, &olga.id)
            .await
            .unwrap();
        let again = casework::begin_approval(c, &report, &olga, None, false)
            .await
            .unwrap();
        let approve = async || {
            let approved = Approved {
                documents: b"{}",
                overrides: false,
                for_test: false,
            };
            casework::approve_report(c, &again, &olga, approved).await
        };
        let job = casework::claim_jobs(c, "w", 1, 60_000_000)
            .await
            .unwrap()
            .remove(0);
        assert!(refused(approve().await).contains("is being sent"));
        let filing = casework::open_filing(c, &report, "ncmec").await.unwrap();
        let at = FilingAddress {
            host: "https://ncmec.example".into(),
            test: false,
        };
        let begun = casework::filing_begun(c, &filing, "7", &at).await.unwrap();
        let finishing = casework::filing_finishing(c, &begun).await.unwrap();
        casework::filing_filed(c, &finishing, "7", "received", &job, "w")
            .await
            .unwrap();
        assert!(refused(approve().await).contains("supplement"));
    })
    .await;
}
