//! Questions that only a person may answer: the offence, the danger, the link with a country. A
//! destination that asks one gets no report without the answer.

mod bench;

/// The domains the bench registers: all of them.
fn domains() -> Vec<Box<dyn obhut_casework::for_domains::Domain>> {
    obhut_app::domains()
}

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;

/// A case with these facts that Rita decided to report, and Olga, who may approve.
async fn decided(c: &Casework, facts: &str) -> (String, Decision, Person) {
    let file = CaseFile::from_json(format!("{{\"facts\": {facts}}}").as_bytes()).unwrap();
    let case = casework::new_case(c, &file, Vec::new(), "test")
        .await
        .unwrap()
        .case;
    let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
    let olga = new_person(c, "Olga", &[Role::ReportingOfficer]).await;
    let decision = casework::decide(c, &case, &rita, &decision(Ruling::Report))
        .await
        .unwrap();
    (case, decision, olga)
}

async fn approve(c: &Casework, report: &str, olga: &Person) -> Result<Approval> {
    obhut_app::reports::approve(c, report, olga, None, false).await
}

fn next(e: &CaseworkError) -> Option<&str> {
    match e.next() {
        Some(Next::Determine { question, .. }) => Some(question),
        _ => None,
    }
}

async fn determine(c: &Casework, case: &str, by: &Person, question: Question, answers: &[&str]) {
    let answers: Vec<_> = answers.iter().map(|a| (*a).to_owned()).collect();
    casework::determine(c, case, by, question, &answers, "g")
        .await
        .unwrap();
}

const FACTS: &str = r#"{"reported": {"id": "u-1", "location": {"country": "GB"}}, "threads": [{"id": "t", "messages": [{"text": "hi"}]}]}"#;

/// Regression: the package for the Bundeskriminalamt named a hash list's category where the offence
/// belongs.
#[tokio::test(flavor = "multi_thread")]
async fn the_bka_gets_a_report_only_after_a_person_determines_danger_and_offence() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let (case, decision, olga) = decided(c, FACTS).await;
        let report = casework::file_report(c, &decision, "package-bka", false, "t")
            .await
            .unwrap();
        let refused = approve(c, &report, &olga).await.unwrap_err();
        assert_eq!(next(&refused), Some("threat-de"), "{refused}");
        determine(c, &case, &olga, Question::ThreatDe, &["no"]).await;
        let refused = approve(c, &report, &olga).await.unwrap_err();
        assert_eq!(next(&refused), Some("offence-de"), "{refused}");
        determine(c, &case, &olga, Question::OffenceDe, &["184b", "184c"]).await;
        approve(c, &report, &olga).await.unwrap();
        // Another answer changes what would be sent: the approval is void.
        casework::require_sendable(c, &report).await.unwrap();
        determine(c, &case, &olga, Question::ThreatDe, &["yes"]).await;
        assert!(casework::require_sendable(c, &report).await.is_err());
        let made = casework::determinations(c, &case).await.unwrap();
        let answers: Vec<_> = made
            .iter()
            .map(|m| (m.question, m.answers.join(" ")))
            .collect();
        assert_eq!(
            answers,
            [
                (Question::OffenceDe, "184b 184c".to_owned()),
                (Question::ThreatDe, "yes".to_owned())
            ]
        );
    })
    .await;
}

/// Regression: a report to the NCA was approved without a record of which duty the provider has,
/// without a record that the content isn't already reported elsewhere, and without a link to the
/// UK.
#[tokio::test(flavor = "multi_thread")]
async fn the_nca_gets_a_report_only_under_a_recorded_duty_and_from_abroad_only_with_a_link() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let (case, decision, olga) = decided(c, FACTS).await;
        let report = casework::file_report(c, &decision, "package-nca", false, "t")
            .await
            .unwrap();
        let set = async |duty: Option<NcaDuty>, unreported: &str| {
            let mut reporter = casework::reporter(c).await.unwrap();
            reporter.nca_duty = duty;
            reporter.nca_unreported = unreported.into();
            casework::set_reporter(c, &reporter, "test").await.unwrap();
        };
        let stops = async || {
            let form = obhut_app::formats::reports::by_name("package-nca").unwrap();
            let check = obhut_app::reports::check(c, &case, form, false, "t")
                .await
                .unwrap();
            check.stops
        };
        let fields = |stops: &[obhut_app::reports::Stop]| {
            stops.iter().map(|s| s.field.clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            fields(&stops().await),
            ["reporter.nca_duty", "reporter.nca_unreported"]
        );
        assert!(approve(c, &report, &olga).await.is_err());
        set(Some(NcaDuty::NonUkProvider), "counsel, 2026-09-01").await;
        let asked = stops().await;
        assert_eq!(fields(&asked), ["determination.link-uk"]);
        // The link is proposed from the facts; only a person confirms it.
        assert!(
            asked[0]
                .why
                .contains("suspect-location from facts.reported"),
            "{asked:?}"
        );
        assert!(
            !asked[0].why.contains("GB"),
            "a field's name, never its content"
        );
        assert!(approve(c, &report, &olga).await.is_err());
        determine(c, &case, &olga, Question::LinkUk, &["none"]).await;
        assert!(
            approve(c, &report, &olga).await.is_err(),
            "without a link the report isn't the NCA's"
        );
        determine(c, &case, &olga, Question::LinkUk, &["suspect-location"]).await;
        approve(c, &report, &olga).await.unwrap();
        // A UK provider has to report even content without a link with the UK.
        set(Some(NcaDuty::UkProvider), "counsel, 2026-09-01").await;
        determine(c, &case, &olga, Question::LinkUk, &["none"]).await;
        assert_eq!(stops().await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_made_a_determination_never_decides_the_appeal_and_clearing_erases_it() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let (case, _, olga) = decided(c, FACTS).await;
        let anna = new_person(c, "Anna", &[Role::Reviewer]).await;
        let nina = new_person(c, "Nina", &[Role::Appeals]).await;
        assert!(
            casework::determine(c, &case, &nina, Question::ThreatDe, &["no".into()], "g")
                .await
                .is_err(),
            "the role appeals may not make determinations"
        );
        for (answers, grounds) in [
            (vec![], "g"),
            (vec!["A1".into()], "g"),
            (vec!["no".into()], " "),
        ] {
            refused(
                casework::determine(c, &case, &olga, Question::ThreatDe, &answers, grounds).await,
            );
        }
        determine(c, &case, &anna, Question::ThreatDe, &["no"]).await;
        let appeal = casework::file_appeal(c, &case, "not me", "test")
            .await
            .unwrap();
        let why = refused(
            casework::decide_appeal(c, &case, &appeal.id, &anna, AppealOutcome::Upheld, "g").await,
        );
        assert!(why.contains("determined something"), "{why}");
        uphold(c, &case, &appeal.id, &nina).await;
        assert_eq!(casework::determinations(c, &case).await.unwrap(), []);
        refused(
            casework::determine(c, &case, &olga, Question::ThreatDe, &["no".into()], "g").await,
        );
    })
    .await;
}
