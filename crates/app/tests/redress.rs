//! Appeals: what an open one stops, what an upheld one undoes, what a rejected one leaves.

mod bench;

/// Those of casework alone.
fn domains() -> Vec<Box<dyn obhut_casework::for_domains::Domain>> {
    obhut_app::domains()
}

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;
use obhut_media as media;

/// A case that Rita decided to report; its report is filed, and Olga can approve it.
struct Filed {
    case: String,
    rita: Person,
    olga: Person,
    request: DecisionRequest,
    decision: Decision,
    filed: String,
}

async fn filed(c: &Casework) -> Filed {
    let known = picture(1);
    signed(c, "hotline", &[("one", &known)]).await;
    let recorded = media::record(c, &screen(c, &known).await, &subject("a"), None, "server")
        .await
        .unwrap();
    let case = recorded.case.unwrap();
    let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
    let olga = new_person(c, "Olga", &[Role::ReportingOfficer, Role::Reviewer]).await;
    let request = decision(Ruling::Report);
    let decision = casework::decide(c, &case, &rita, &request).await.unwrap();
    let filed = casework::file_report(c, &decision, "ncmec", false, "test")
        .await
        .unwrap();
    Filed {
        case,
        rita,
        olga,
        request,
        decision,
        filed,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upheld_appeal_withdraws_what_has_not_left() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let Filed {
            case, olga, filed, ..
        } = filed(c).await;
        obhut_app::reports::approve(c, &filed, &olga, None, false)
            .await
            .unwrap();
        uphold_appeal(c, &case, &olga).await;
        // Approved and in the outbox, but withdrawn before a worker could claim it.
        assert_eq!(casework::claim_jobs(c, "w", 10, 1).await.unwrap(), []);
    })
    .await;
}

/// While an appeal is open, the account must not be reported, nor the case decided again.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_appeal_is_decided_before_anything_else() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let Filed {
            case,
            rita,
            olga,
            request,
            decision,
            filed,
        } = filed(c).await;
        let appeal = casework::file_appeal(c, &case, "no", "public")
            .await
            .unwrap();
        assert!(
            refused(casework::file_report(c, &decision, "other", false, "test").await)
                .contains("appeal")
        );
        assert!(
            refused(obhut_app::reports::approve(c, &filed, &olga, None, false).await)
                .contains("appeal")
        );
        assert!(refused(casework::decide(c, &case, &rita, &request).await).contains("appeal"));
        casework::decide_appeal(c, &case, &appeal.id, &olga, AppealOutcome::Upheld, "g")
            .await
            .unwrap();
        assert!(refused(casework::report(c, &case, false, "test").await).contains("overturned"));
        assert!(
            refused(casework::file_report(c, &decision, "other", false, "test").await)
                .contains("overturned")
        );
        assert!(
            refused(obhut_app::reports::approve(c, &filed, &olga, None, false).await)
                .contains("withdrawn")
        );
        // Never approved, so never in the outbox.
        assert_eq!(casework::claim_jobs(c, "w", 10, 1).await.unwrap(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_appeal_leaves_all_as_it_was() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let Filed {
            case, olga, filed, ..
        } = filed(c).await;
        let appeal = casework::file_appeal(c, &case, "no", "public")
            .await
            .unwrap();
        casework::decide_appeal(
            c,
            &case,
            &appeal.id,
            &olga,
            AppealOutcome::Rejected,
            "as assessed",
        )
        .await
        .unwrap();
        assert_eq!(
            casework::case(c, &case).await.unwrap().case.status,
            CaseStatus::Decided
        );
        obhut_app::reports::approve(c, &filed, &olga, None, false)
            .await
            .unwrap();
        // The approval that an open appeal refuses went through this time.
        assert_eq!(casework::jobs_waiting(c).await.unwrap(), 1);
    })
    .await;
}
