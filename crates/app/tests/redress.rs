//! Appeals: what an open one stops, what an upheld one undoes, what a rejected one leaves.

mod bench;

/// The domains the bench registers: all of them.
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
        let nina = new_person(c, "Nina", &[Role::Reviewer]).await;
        uphold_appeal(c, &case, &nina).await;
        // Approved and in the outbox, but withdrawn before a worker could claim it.
        assert_eq!(casework::claim_jobs(c, "w", 10, 1).await.unwrap(), []);
    })
    .await;
}

/// An appeal doesn't stop a report: the report mentions the appeal, and is retracted if the appeal
/// is upheld.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_appeal_is_mentioned_and_stops_no_report() {
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
        let nina = new_person(c, "Nina", &[Role::Appeals]).await;
        let appeal = casework::file_appeal(c, &case, "no", "public")
            .await
            .unwrap();
        casework::file_report(c, &decision, "webhook", false, "test")
            .await
            .unwrap();
        obhut_app::reports::approve(c, &filed, &olga, None, false)
            .await
            .unwrap();
        let shown = obhut_app::reports::show(c, &filed, "test").await.unwrap();
        let documents = shown.documents.unwrap();
        assert!(documents.text().unwrap().contains("has appealed against"));
        // Until the appeal is decided, the case can't be decided again.
        assert!(refused(casework::decide(c, &case, &rita, &request).await).contains("appeal"));
        let uphold = async |person| {
            casework::decide_appeal(c, &case, &appeal.id, person, AppealOutcome::Upheld, "g").await
        };
        // Neither the person who decided the case nor the one who approved may decide the appeal.
        assert!(refused(uphold(&rita).await).contains("decided this case"));
        assert!(refused(uphold(&olga).await).contains("approved a report"));
        uphold(&nina).await.unwrap();
        assert!(refused(casework::report(c, &case, false, "test").await).contains("overturned"));
        assert!(
            refused(casework::file_report(c, &decision, "other", false, "test").await)
                .contains("overturned")
        );
        // Approved and in the outbox, but withdrawn before a worker could claim it.
        assert_eq!(casework::claim_jobs(c, "w", 10, 1).await.unwrap(), []);
    })
    .await;
}

/// Regression: the code of a rejected appeal was accepted again and again.
#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_appeal_for_each_decision() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let Filed {
            case, rita, olga, ..
        } = filed(c).await;
        let nina = new_person(c, "Nina", &[Role::Appeals]).await;
        let measure = Measure::ContentRemoved;
        let notice = casework::make_notice(c, &case, measure, Language::German, "x", &rita)
            .await
            .unwrap();
        let appeal = casework::appeal_by_code(c, &notice.code, "not me")
            .await
            .unwrap();
        casework::decide_appeal(
            c,
            &case,
            &appeal.id,
            &nina,
            AppealOutcome::Rejected,
            "as assessed",
        )
        .await
        .unwrap();
        let again = casework::appeal_by_code(c, &notice.code, "not me!").await;
        assert!(refused(again).contains("new facts"));
        assert_eq!(
            casework::case(c, &case).await.unwrap().case.status,
            CaseStatus::Decided
        );
        // New facts allow a second appeal. The person who admits it must be neither the one who
        // decided the case nor the one who rejected the first appeal.
        for touched in [&rita, &nina] {
            assert!(
                casework::admit_appeal(c, &case, "new facts", touched)
                    .await
                    .is_err()
            );
        }
        let second = casework::admit_appeal(c, &case, "new facts", &olga)
            .await
            .unwrap();
        assert_ne!(second.id, appeal.id);
        // The person who admitted the appeal found the new facts convincing, so another person must
        // decide it.
        let rejected = AppealOutcome::Rejected;
        let own = casework::decide_appeal(c, &case, &second.id, &olga, rejected, "g").await;
        assert!(refused(own).contains("admitted"));
    })
    .await;
}

/// Regression: an upheld appeal disabled an exact digest for all uploads, on one person's decision
/// and without an alarm.
#[tokio::test(flavor = "multi_thread")]
async fn an_exact_digest_is_disabled_by_two_people() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        signed(c, "hotline", &[("one", &known)]).await;
        let screened = screen(c, &known).await;
        let recorded = media::record(c, &screened, &subject("a"), Some(&known), "server").await;
        let case = recorded.unwrap().case.unwrap();
        let (rita, nina) = (
            new_person(c, "Rita", &[Role::Reviewer]).await,
            new_person(c, "Nina", &[Role::Reviewer, Role::ListSteward]).await,
        );
        casework::decide(c, &case, &rita, &decision(Ruling::Report))
            .await
            .unwrap();
        uphold_appeal(c, &case, &nina).await;
        assert_eq!(
            screen(c, &known).await.verdict,
            media::Verdict::Match,
            "the entry still matches"
        );
        let alarms = casework::alarms(c).await.unwrap();
        assert!(
            alarms.iter().any(|a| a.text.contains("exact digest")),
            "{alarms:?}"
        );
        let own = media::dispute_entry(c, "hotline", "one", "wrong", &nina.id).await;
        assert!(refused(own).contains("another person"));
        // She can't withdraw the proposal first and then dispute the entry alone, either.
        let lifted = media::lift_dispute(c, "hotline", "one", &nina.id).await;
        assert!(refused(lifted).contains("another person"));
        media::dispute_entry(c, "hotline", "one", "wrong", &rita.id)
            .await
            .unwrap();
        assert_ne!(screen(c, &known).await.verdict, media::Verdict::Match);
    })
    .await;
}

/// Regression: an entry with an exact and a perceptual digest lost both on one person's decision,
/// whichever of them had matched.
#[tokio::test(flavor = "multi_thread")]
async fn an_exact_digest_beside_a_perceptual_one_needs_two_people_too() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        let pdq = pdq_hex(&known);
        let mut list = csv(&[("one", &known)]);
        list.extend(format!("pdq,{pdq},,,one\n").bytes());
        signed_list(c, "hotline", &list).await;
        // The same picture in other bytes.
        let rgb = image::load_from_memory(&known).unwrap().to_rgb8();
        let mut looks_like = std::io::Cursor::new(Vec::new());
        rgb.write_to(&mut looks_like, image::ImageFormat::Bmp)
            .unwrap();
        let looks_like = looks_like.into_inner();
        let screened = screen(c, &looks_like).await;
        assert_eq!(screened.matches.len(), 1);
        let of_a = subject("a");
        let recorded = media::record(c, &screened, &of_a, Some(&looks_like), "server").await;
        let case = recorded.unwrap().case.unwrap();
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        let nina = new_person(c, "Nina", &[Role::Reviewer, Role::ListSteward]).await;
        casework::decide(c, &case, &rita, &decision(Ruling::Report))
            .await
            .unwrap();
        uphold_appeal(c, &case, &nina).await;
        assert_eq!(screen(c, &known).await.verdict, media::Verdict::Match);
        assert_ne!(screen(c, &looks_like).await.verdict, media::Verdict::Match);
        let own = media::dispute_entry(c, "hotline", "one", "wrong", &nina.id).await;
        assert!(refused(own).contains("another person"));
        media::dispute_entry(c, "hotline", "one", "wrong", &rita.id)
            .await
            .unwrap();
        assert_ne!(screen(c, &known).await.verdict, media::Verdict::Match);
    })
    .await;
}

/// A vote that informs a list's owner that an entry is wrong needs two people, and says nothing about a
/// case.
#[tokio::test(flavor = "multi_thread")]
async fn a_vote_for_a_list_s_owner_needs_two_people() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        signed(c, "hotline", &[("one", &picture(1))]).await;
        let (nina, olga) = (
            new_person(c, "Nina", &[Role::ListSteward]).await,
            new_person(c, "Olga", &[Role::ListSteward]).await,
        );
        let reason = media::VoteReason::NotAbuse;
        let early = media::propose_vote(c, "hotline", "one", reason, &nina).await;
        assert!(refused(early).contains("dispute it first"));
        media::dispute_entry(c, "hotline", "one", "a beach", &nina.id)
            .await
            .unwrap();
        media::propose_vote(c, "hotline", "one", reason, &nina)
            .await
            .unwrap();
        let own = media::approve_vote(c, "hotline", "one", &nina).await;
        assert!(refused(own).contains("another person"));
        media::approve_vote(c, "hotline", "one", &olga)
            .await
            .unwrap();
        let votes = media::votes(c).await.unwrap();
        assert!(votes[0].approved_at.is_some());
        let text = serde_json::to_string(&votes).unwrap();
        assert!(
            text.contains("not-abuse") && !text.contains("beach") && !text.contains("Nina"),
            "{text}"
        );
        // Another reason needs another approval, and lifting the dispute withdraws the vote.
        let reason = media::VoteReason::WrongCategory;
        media::propose_vote(c, "hotline", "one", reason, &olga)
            .await
            .unwrap();
        assert_eq!(media::votes(c).await.unwrap()[0].approved_at, None);
        media::lift_dispute(c, "hotline", "one", &nina.id)
            .await
            .unwrap();
        assert_eq!(media::votes(c).await.unwrap(), []);
        // Disputing the entry again, for any reason, doesn't bring back the old vote.
        media::dispute_entry(c, "hotline", "one", "another", &nina.id)
            .await
            .unwrap();
        assert_eq!(media::votes(c).await.unwrap(), []);
        let late = media::approve_vote(c, "hotline", "one", &nina).await;
        assert!(refused(late).contains("propose the vote again"));
    })
    .await;
}

/// Regression: if an earlier dispute of the entry had been lifted, the person who upheld the appeal
/// could dispute it alone.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_lifted_before_is_proposed_again() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        signed(c, "hotline", &[("one", &known)]).await;
        media::dispute_entry(c, "hotline", "one", "wrong", "test")
            .await
            .unwrap();
        media::lift_dispute(c, "hotline", "one", "test")
            .await
            .unwrap();
        let screened = screen(c, &known).await;
        let recorded = media::record(c, &screened, &subject("a"), Some(&known), "server").await;
        let case = recorded.unwrap().case.unwrap();
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        let nina = new_person(c, "Nina", &[Role::Reviewer, Role::ListSteward]).await;
        casework::decide(c, &case, &rita, &decision(Ruling::Report))
            .await
            .unwrap();
        uphold_appeal(c, &case, &nina).await;
        let own = media::dispute_entry(c, "hotline", "one", "wrong", &nina.id).await;
        assert!(refused(own).contains("another person"));
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
        // The approval put the report into the outbox.
        assert_eq!(casework::jobs_waiting(c).await.unwrap(), 1);
    })
    .await;
}
