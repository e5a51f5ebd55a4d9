//! The course of a case: which decision, report, appeal and notice may follow which.

mod bench;

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;

const FACTS: &str = r#"{"reported": {"id": "u"}}"#;

/// Opens a case, brings it to a status and returns its id.
async fn at(b: &Bench, status: CaseStatus) -> String {
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let nina = b.person("Nina", &[Role::Appeals]).await;
    let case = b.case(FACTS).await;
    let appeal = async || {
        b.decide(&case, &rita, Ruling::NoReport).await;
        casework::file_appeal(&b.c, &case, "not me", "test")
            .await
            .unwrap()
    };
    match status {
        CaseStatus::Open => {}
        CaseStatus::Decided => drop(b.decide(&case, &rita, Ruling::Report).await),
        CaseStatus::Closed => drop(b.decide(&case, &rita, Ruling::NoReport).await),
        CaseStatus::Appealed => drop(appeal().await),
        CaseStatus::Cleared => {
            let appeal = appeal().await;
            casework::decide_appeal(&b.c, &case, &appeal.id, &nina, AppealOutcome::Upheld, "g")
                .await
                .unwrap();
        }
        CaseStatus::Reported => unreachable!("only an approval leads there; app's tests do that"),
    }
    assert_eq!(b.status(&case).await, status);
    case
}

const STATES: [CaseStatus; 5] = [
    CaseStatus::Open,
    CaseStatus::Decided,
    CaseStatus::Closed,
    CaseStatus::Appealed,
    CaseStatus::Cleared,
];

/// Status; whether a case in it may be decided, appealed and reported, and whether a person may
/// determine something about it.
#[tokio::test]
async fn each_status_allows_what_may_follow_it() {
    #[rustfmt::skip]
    let table = [
        (CaseStatus::Open,     [true,  false, false, true]),
        (CaseStatus::Decided,  [true,  true,  true,  true]),
        (CaseStatus::Closed,   [true,  true,  false, true]),
        // Only the decision on the appeal ends an open appeal. This case can't be reported because
        // its decision was not to report; an open appeal alone doesn't prevent a report.
        (CaseStatus::Appealed, [false, false, false, true]),
        (CaseStatus::Cleared,  [false, false, false, false]),
    ];
    for (status, [decide, appeal, report, determine]) in table {
        let b = bench().await;
        let rita = b.person("Rita", &[Role::Reviewer]).await;
        let case = at(&b, status).await;
        let made = casework::file_latest(&b.c, &case, "package", false, "test").await;
        assert_eq!(made.is_ok(), report, "{status}: report {made:?}");
        let answers = ["no".to_owned()];
        let made = casework::determine(&b.c, &case, &rita, Question::ThreatDe, &answers, "g").await;
        assert_eq!(made.is_ok(), determine, "{status}: determine {made:?}");
        let made = casework::decide(&b.c, &case, &rita, &request(Ruling::Report)).await;
        assert_eq!(made.is_ok(), decide, "{status}: decide {made:?}");
        // On another case: the decision above would change the status.
        let b = bench().await;
        let case = at(&b, status).await;
        let made = casework::file_appeal(&b.c, &case, "r", "test").await;
        assert_eq!(made.is_ok(), appeal, "{status}: appeal {made:?}");
    }
}

#[tokio::test]
async fn a_decision_needs_its_role_its_grounds_and_a_whole_category() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let olga = b.person("Olga", &[Role::ReportingOfficer]).await;
    let case = b.case(FACTS).await;
    let category = |scale: &str, value: &str| {
        Some(Category {
            scale: scale.into(),
            value: value.into(),
        })
    };
    let asked = |grounds: &str, category| DecisionRequest {
        ruling: Ruling::Report,
        grounds: grounds.into(),
        category,
    };
    let long = "x".repeat(10_001);
    for (by, request) in [
        (&olga, asked("g", None)),
        (&rita, asked(" \n", None)),
        (&rita, asked(&long, None)),
        (&rita, asked("g", category("", "A1"))),
        (&rita, asked("g", category("ncmec-industry", " "))),
    ] {
        refused(casework::decide(&b.c, &case, by, &request).await);
        assert_eq!(b.status(&case).await, CaseStatus::Open);
    }
    let made = casework::decide(&b.c, &case, &rita, &asked(" g ", category("s", "v")))
        .await
        .unwrap();
    assert_eq!((made.grounds(), made.name()), ("g", "Rita"));
    assert_eq!(made.category(), category("s", "v").as_ref());
    assert_eq!(casework::decisions(&b.c, &case).await.unwrap(), [made]);
    assert!(
        refused(casework::decide(&b.c, "case-0", &rita, &asked("g", None)).await)
            .contains("case-0")
    );
}

#[tokio::test]
async fn decisions_keep_their_order_when_the_clock_goes_back() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let case = b.case(FACTS).await;
    b.decide(&case, &rita, Ruling::Report).await;
    b.pass(-DAY);
    b.decide(&case, &rita, Ruling::NoReport).await;
    let all = casework::decisions(&b.c, &case).await.unwrap();
    let rulings: Vec<_> = all.iter().map(Decision::ruling).collect();
    assert_eq!(rulings, [Ruling::Report, Ruling::NoReport]);
    assert!(all[0].decided_at() > all[1].decided_at());
}

/// A decision states how many files its person looked at; in a case without files that is 0.
#[tokio::test]
async fn a_decision_about_other_files_than_were_seen_is_refused() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let case = b.case(FACTS).await;
    let decide = async |files| {
        let none = std::collections::BTreeMap::new();
        casework::decide_seen(&b.c, &case, &rita, &request(Ruling::NoReport), none, files).await
    };
    let why = refused(decide(Some(1)).await);
    assert!(why.contains("0 files, not 1"), "{why}");
    assert_eq!(b.status(&case).await, CaseStatus::Open);
    decide(Some(0)).await.unwrap();
    assert_eq!(b.status(&case).await, CaseStatus::Closed);
}

#[tokio::test]
async fn one_appeal_a_decision_and_another_only_if_a_person_admits_it() {
    let b = bench().await;
    let nina = b.person("Nina", &[Role::Appeals]).await;
    let anna = b.person("Anna", &[Role::Appeals]).await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let case = at(&b, CaseStatus::Appealed).await;
    let open = casework::open_appeals(&b.c).await.unwrap();
    assert_eq!(open.len(), 1);
    let appeal = &open[0].id;
    assert_eq!(casework::case_of_appeal(&b.c, appeal).await.unwrap(), case);
    let reject = async |appeal: &str, by: &Person, grounds: &str| {
        casework::decide_appeal(&b.c, &case, appeal, by, AppealOutcome::Rejected, grounds).await
    };
    // Rita decided the case.
    assert!(refused(reject(appeal, &rita, "g").await).contains("decided this case"));
    refused(reject(appeal, &nina, " ").await);
    refused(reject("appeal-0", &nina, "g").await);
    let ended = reject(appeal, &nina, "g").await.unwrap();
    assert_eq!(ended.outcome, Some(AppealOutcome::Rejected));
    assert_eq!(b.status(&case).await, CaseStatus::Closed, "where it was");
    assert!(refused(reject(appeal, &anna, "g").await).contains("decided already"));
    assert!(
        refused(casework::file_appeal(&b.c, &case, "again", "test").await).contains("new facts")
    );
    // The person who decided the first may not admit the second.
    assert!(
        refused(casework::admit_appeal(&b.c, &case, "new", &nina).await).contains("another person")
    );
    casework::admit_appeal(&b.c, &case, "new", &anna)
        .await
        .unwrap();
    assert_eq!(b.status(&case).await, CaseStatus::Appealed);
    assert_eq!(casework::appeals(&b.c, &case).await.unwrap().len(), 2);
}

/// Status, measure; whether a notice of it would be true.
#[tokio::test]
async fn a_notice_says_only_what_happened() {
    use Measure::{AccountClosed, AppealRejected, Restored};
    for (status, measure, made) in [
        (CaseStatus::Open, AccountClosed, false),
        (CaseStatus::Decided, AccountClosed, true),
        (CaseStatus::Closed, AccountClosed, false),
        (CaseStatus::Decided, Restored, false),
        (CaseStatus::Decided, AppealRejected, false),
        (CaseStatus::Cleared, Restored, true),
        (CaseStatus::Cleared, AccountClosed, false),
        (CaseStatus::Cleared, AppealRejected, false),
    ] {
        let b = bench().await;
        let rita = b.person("Rita", &[Role::Reviewer]).await;
        let case = at(&b, status).await;
        for one in casework::restorations(&b.c, false).await.unwrap() {
            casework::finish_restoration(&b.c, &one.id, &rita)
                .await
                .unwrap();
        }
        let notice =
            casework::make_notice(&b.c, &case, measure, Language::English, "", &rita).await;
        assert_eq!(notice.is_ok(), made, "{status} {measure:?}: {notice:?}");
    }
}

#[tokio::test]
async fn a_notices_code_appeals_once_however_it_is_typed() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let case = at(&b, CaseStatus::Decided).await;
    let notice = |language| {
        casework::make_notice(
            &b.c,
            &case,
            Measure::AccountClosed,
            language,
            "write to us",
            &rita,
        )
    };
    let english = notice(Language::English).await.unwrap();
    let german = notice(Language::German).await.unwrap();
    assert_ne!(english.code, german.code);
    for (notice, word) in [
        (&english, "closed your account"),
        (&german, "Konto geschlossen"),
    ] {
        assert!(notice.text.contains(word) && notice.text.contains(&notice.code));
        assert!(notice.text.contains("write to us"));
    }
    assert!(
        refused(casework::appeal_by_code(&b.c, "00000-00000-00000-00000", "m").await)
            .contains("unknown code")
    );
    let typed = english.code.to_uppercase().replace('-', " ");
    casework::appeal_by_code(&b.c, &typed, "not me")
        .await
        .unwrap();
    assert_eq!(b.status(&case).await, CaseStatus::Appealed);
    refused(casework::appeal_by_code(&b.c, &german.code, "again").await);
}

/// Every status but `reported`: whether facts may still be put on record.
#[tokio::test]
async fn facts_are_replaced_only_as_they_were_read() {
    for status in STATES {
        let b = bench().await;
        let case = at(&b, status).await;
        let read = casework::facts(&b.c, &case).await.unwrap();
        let version = casework::facts_version(&read);
        let other = Facts::from_json(br#"{"note": "n"}"#).unwrap();
        let stale = casework::facts_version(&other);
        refused(casework::replace_facts(&b.c, &case, &stale, &other, "test").await);
        let done = casework::replace_facts(&b.c, &case, &version, &other, "test").await;
        assert_eq!(done.is_ok(), status != CaseStatus::Cleared, "{status}");
        // A second writer that read the same version is refused.
        refused(casework::replace_facts(&b.c, &case, &version, &read, "test").await);
    }
}

#[tokio::test]
async fn an_upheld_appeal_leaves_nothing_of_the_person_but_what_has_to_be_reversed() {
    let b = bench().await;
    let case = at(&b, CaseStatus::Cleared).await;
    let detail = casework::case(&b.c, &case).await.unwrap();
    assert_eq!(detail.facts.expose(), &Facts::default());
    assert!(detail.case.account.is_none());
    let proof = casework::erasure_proof(&b.c, &case).await.unwrap();
    assert!(proof.kept.iter().any(|k| k.what == "audit trail"));
    let open = at(&b, CaseStatus::Open).await;
    assert!(refused(casework::erasure_proof(&b.c, &open).await).contains("nothing"));
}

/// Former fault: after a decision not to report a case, its report deadline kept escalating.
#[tokio::test]
async fn what_is_not_to_be_reported_is_not_due() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let case = b.case(FACTS).await;
    let running = async || {
        let all = casework::deadlines(&b.c, Some(&case), false).await.unwrap();
        all.iter().map(|d| (d.kind, d.due_at)).collect::<Vec<_>>()
    };
    let before = running().await;
    assert_eq!(before, [(DeadlineKind::Report, START + DAY)]);
    b.decide(&case, &rita, Ruling::NoReport).await;
    assert_eq!(running().await, []);
    b.pass(2 * DAY);
    assert_eq!(casework::escalate_deadlines(&b.c).await.unwrap(), 0);
    // After a new decision the report is due when it was before: the time of awareness is the same.
    b.decide(&case, &rita, Ruling::Report).await;
    assert_eq!(running().await, before);
    assert_eq!(casework::escalate_deadlines(&b.c).await.unwrap(), 1);
}

/// Former fault: after a mistyped time of awareness was corrected, the deadline still followed the
/// mistyped one.
#[tokio::test]
async fn a_corrected_time_of_awareness_moves_the_report_s_deadline() {
    let b = bench().await;
    let olga = b.person("Olga", &[Role::ReportingOfficer]).await;
    let case = b
        .case(r#"{"known_at": "yesterday", "reported": {"id": "u"}}"#)
        .await;
    let running = async || {
        let all = casework::deadlines(&b.c, Some(&case), false).await.unwrap();
        let all: Vec<_> = all
            .iter()
            .filter(|d| d.kind == DeadlineKind::Report)
            .collect();
        (all[0].id.clone(), all[0].due_at)
    };
    let (id, due) = running().await;
    assert_eq!(due, START + DAY, "an unreadable time counts as now");
    let known = async |at: i64| {
        let facts = format!(
            r#"{{"known_at": "{}", "reported": {{"id": "u"}}}}"#,
            rfc3339(at)
        );
        let facts = Facts::from_json(facts.as_bytes()).unwrap();
        casework::set_facts(&b.c, &case, &facts, "test")
            .await
            .unwrap();
    };
    known(START - DAY / 2).await;
    assert_eq!(running().await.1, START + DAY / 2);
    // A deadline that a person has extended stays.
    casework::extend_deadline(&b.c, &id, START + 3 * DAY, "agreed", &olga)
        .await
        .unwrap();
    known(START - DAY).await;
    assert_eq!(running().await.1, START + 3 * DAY);
}

/// Two former faults. An ended deadline could be extended. The case of a cleared person kept an
/// authority's name for ever.
#[tokio::test]
async fn an_ended_deadline_is_not_extended_and_a_cleared_case_forgets_it() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let olga = b.person("Olga", &[Role::ReportingOfficer]).await;
    let nina = b.person("Nina", &[Role::Appeals]).await;
    let case = b.case(FACTS).await;
    let due = START + 30 * DAY;
    let id = casework::add_authority_request(&b.c, &case, "Police Bonn", "4711", due, None, &olga)
        .await
        .unwrap();
    b.decide(&case, &rita, Ruling::Report).await;
    let appeal = casework::file_appeal(&b.c, &case, "not me", "test")
        .await
        .unwrap();
    let upheld = AppealOutcome::Upheld;
    casework::decide_appeal(&b.c, &case, &appeal.id, &nina, upheld, "right")
        .await
        .unwrap();
    let basis = async || {
        let all = casework::deadlines(&b.c, Some(&case), true).await.unwrap();
        all.iter().find(|d| d.id == id).unwrap().basis.clone()
    };
    assert_eq!(basis().await, "Police Bonn", "it binds us until it ends");
    casework::end_deadline(&b.c, &id, "answered", &olga)
        .await
        .unwrap();
    assert_eq!(basis().await, "cleared");
    let extended = casework::extend_deadline(&b.c, &id, due + DAY, "more", &olga).await;
    assert!(refused(extended).contains("ended already"));
}

/// Two former faults. The deadline about a child in danger could be extended to the next century. A
/// person who may not file an appeal could "admit" a first one, and then decide it alone.
#[tokio::test]
async fn what_only_the_case_ends_is_not_put_off_and_a_first_appeal_is_filed() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let olga = b.person("Olga", &[Role::ReportingOfficer]).await;
    let nina = b.person("Nina", &[Role::Appeals]).await;
    let case = b
        .case(r#"{"reported": {"id": "u"}, "risks": ["meeting-planned"]}"#)
        .await;
    let all = casework::deadlines(&b.c, Some(&case), false).await.unwrap();
    let danger = all.iter().find(|d| d.kind == DeadlineKind::ChildInDanger);
    let id = &danger.unwrap().id;
    for tried in [
        casework::extend_deadline(&b.c, id, START + 30 * DAY, "later", &olga).await,
        casework::end_deadline(&b.c, id, "seen", &olga).await,
    ] {
        assert!(refused(tried).contains("child in danger"));
    }
    b.decide(&case, &rita, Ruling::Report).await;
    let admitted = casework::admit_appeal(&b.c, &case, "new facts", &nina).await;
    assert!(refused(admitted).contains("is filed, not admitted"));
}
