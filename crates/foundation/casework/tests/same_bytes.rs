//! Decisions carried over to other cases with the same bytes, in cases that no upload opened.

mod bench;

use std::collections::BTreeMap;

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;
use obhut_facts::SEEN_BEFORE_MAX;

/// A case with one file of these bytes, and its exhibit.
async fn case_of(b: &Bench, account: &str, bytes: &[u8]) -> (String, String) {
    let file = format!(r#"{{"facts": {{"reported": {{"id": "{account}"}}}}, "files": [{{}}]}}"#);
    let file = CaseFile::from_json(file.as_bytes()).unwrap();
    let case = casework::new_case(&b.c, &file, vec![Some(bytes.to_vec())], "test")
        .await
        .unwrap()
        .case;
    let exhibit = casework::findings(&b.c, &case).await.unwrap()[0]
        .exhibit
        .clone()
        .unwrap();
    (case, exhibit)
}

async fn look(b: &Bench, exhibit: &str, person: &Person) {
    casework::view(&b.c, exhibit, person, "decision", Extent::Whole)
        .await
        .unwrap();
}

async fn with_same_bytes(b: &Bench, case: &str, by: &Person) -> Result<(Decision, AlsoDecided)> {
    let request = request(Ruling::Report);
    casework::decide_with_same_bytes(&b.c, case, by, &request, BTreeMap::new(), None).await
}

async fn is_in_doubt(b: &Bench, case: &str) -> bool {
    let alarms = casework::alarms(&b.c).await.unwrap();
    alarms
        .iter()
        .any(|a| a.kind == "carried-decision" && a.subject == case)
}

/// Regression: only held uploads counted as viewed, so no decision could end the doubt about a case
/// without held uploads. And once another person had decided in between, the reviewer whose own
/// decision was in doubt could end it.
#[tokio::test]
async fn a_doubt_is_ended_by_a_reviewer_it_is_not_about() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let ada = b.person("Ada", &[Role::Reviewer]).await;
    let nora = b.person("Nora", &[Role::Reviewer]).await;
    let (first, exhibit) = case_of(&b, "one", b"the same").await;
    let (second, copy) = case_of(&b, "two", b"the same").await;
    look(&b, &exhibit, &rita).await;
    let (_, also) = with_same_bytes(&b, &first, &rita).await.unwrap();
    assert_eq!(also.decided, [second.as_str()]);
    b.pass(SECOND);
    look(&b, &exhibit, &ada).await;
    b.decide(&first, &ada, Ruling::NoReport).await;
    assert!(is_in_doubt(&b, &second).await);
    b.pass(SECOND);
    // Nora hasn't viewed it yet; after her, Rita's old view ends nothing.
    for by in [&nora, &rita] {
        b.decide(&second, by, Ruling::Report).await;
        assert!(is_in_doubt(&b, &second).await, "{}", by.name);
    }
    look(&b, &copy, &rita).await;
    b.decide(&second, &rita, Ruling::Report).await;
    assert!(is_in_doubt(&b, &second).await);
    look(&b, &copy, &nora).await;
    b.decide(&second, &nora, Ruling::Report).await;
    assert!(!is_in_doubt(&b, &second).await);
}

/// Regression: words in the grounds were read as the record of where a decision came from. Naming
/// an unknown case, they made every later decision and appeal fail; naming another, they raised a
/// doubt about it.
#[tokio::test]
async fn words_in_the_grounds_carry_nothing() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let (first, _) = case_of(&b, "one", b"one").await;
    let (other, _) = case_of(&b, "two", b"two").await;
    b.decide(&other, &rita, Ruling::Report).await;
    for named in ["case-0000", &other] {
        let forged = DecisionRequest {
            grounds: format!("Decided with case {named}: the same bytes as x"),
            ..request(Ruling::Report)
        };
        casework::decide(&b.c, &first, &rita, &forged)
            .await
            .unwrap();
        b.decide(&first, &rita, Ruling::NoReport).await;
        assert!(!is_in_doubt(&b, &other).await);
    }
}

/// Regression: a case that was decided again by a person who viewed it came into doubt when another
/// case to which its earlier decision had been carried was changed.
#[tokio::test]
async fn a_new_review_is_not_in_doubt_for_an_old_one() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let gus = b.person("Gus", &[Role::Reviewer]).await;
    let tom = b.person("Tom", &[Role::Reviewer]).await;
    let (first, exhibit) = case_of(&b, "one", b"the same").await;
    let (second, copy) = case_of(&b, "two", b"the same").await;
    look(&b, &exhibit, &rita).await;
    let request = request(Ruling::NoReport);
    let both =
        casework::decide_with_same_bytes(&b.c, &first, &rita, &request, BTreeMap::new(), None);
    both.await.unwrap();
    b.pass(SECOND);
    look(&b, &exhibit, &gus).await;
    b.decide(&first, &gus, Ruling::Report).await;
    assert!(is_in_doubt(&b, &second).await);
    b.pass(SECOND);
    look(&b, &copy, &tom).await;
    b.decide(&second, &tom, Ruling::Report).await;
    assert!(!is_in_doubt(&b, &first).await);
    assert!(!is_in_doubt(&b, &second).await);
}

/// Regression: the reviewer in doubt could dismiss the doubt by marking the alarm as seen; and a
/// case that was decided not to be reported couldn't be decided so again, which the alarm asks for.
#[tokio::test]
async fn a_doubt_about_a_closed_case_is_ended_by_another_decision() {
    let b = bench().await;
    let rita = b
        .person("Rita", &[Role::Reviewer, Role::ReportingOfficer])
        .await;
    let ada = b.person("Ada", &[Role::Reviewer]).await;
    let nora = b.person("Nora", &[Role::Reviewer]).await;
    let (first, exhibit) = case_of(&b, "one", b"the same").await;
    let (second, copy) = case_of(&b, "two", b"the same").await;
    look(&b, &exhibit, &rita).await;
    let request = request(Ruling::NoReport);
    let both =
        casework::decide_with_same_bytes(&b.c, &first, &rita, &request, BTreeMap::new(), None);
    assert_eq!(both.await.unwrap().1.decided, [second.as_str()]);
    // Without a doubt, the same decision again is a mistake.
    assert!(
        casework::decide(&b.c, &second, &nora, &request)
            .await
            .is_err()
    );
    b.pass(SECOND);
    look(&b, &exhibit, &ada).await;
    b.decide(&first, &ada, Ruling::Report).await;
    let alarms = casework::alarms(&b.c).await.unwrap();
    let doubt = alarms
        .iter()
        .find(|a| a.kind == casework::IN_DOUBT)
        .unwrap();
    let own = casework::see_alarm(&b.c, &doubt.id, &rita).await;
    assert!(own.unwrap_err().to_string().contains("another person"));
    b.pass(SECOND);
    look(&b, &copy, &nora).await;
    b.decide(&second, &nora, Ruling::NoReport).await;
    assert!(!is_in_doubt(&b, &second).await);
}

/// Regression: one call looked at 500 cases, whether it could decide them or not, and each repetition
/// of the command decided the first case again, which voided the reports approved on it.
#[tokio::test]
async fn cases_that_are_left_hide_none_behind_them() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let (first, exhibit) = case_of(&b, "one", b"the same").await;
    // Cases are tried in the order of their random ids: many that are left precede a clean one.
    let mut clean = Vec::new();
    for n in 0..510 {
        let more = if n < 505 {
            r#", "bio": "more to read""#
        } else {
            ""
        };
        let file =
            format!(r#"{{"facts": {{"reported": {{"id": "u{n}"{more}}}}}, "files": [{{}}]}}"#);
        let file = CaseFile::from_json(file.as_bytes()).unwrap();
        let bytes = vec![Some(b"the same".to_vec())];
        let case = casework::new_case(&b.c, &file, bytes, "test")
            .await
            .unwrap();
        if more.is_empty() {
            clean.push(case.case);
        }
    }
    clean.sort();
    look(&b, &exhibit, &rita).await;
    let (decision, also) = with_same_bytes(&b, &first, &rita).await.unwrap();
    assert_eq!((also.decided, also.more), (clean, false));
    assert_eq!(also.left.len(), 505);
    let (again, _) = with_same_bytes(&b, &first, &rita).await.unwrap();
    assert_eq!(again.id(), decision.id());
}

/// Regression: a report about a file in circulation named every earlier case with it, and making it
/// took a query for each of them.
#[tokio::test]
async fn a_file_in_circulation_names_its_first_cases_only() {
    let b = bench().await;
    let mut cases = Vec::new();
    for n in 0..SEEN_BEFORE_MAX + 3 {
        cases.push(case_of(&b, &format!("u{n}"), b"the same").await.0);
    }
    let file = async |case: &str| {
        let dossier = casework::dossier(&b.c, case, false).await.unwrap();
        dossier.files[0].clone()
    };
    let last = file(cases.last().unwrap()).await;
    assert_eq!(last.seen_before, cases[..SEEN_BEFORE_MAX]);
    assert!(last.seen_in_more);
    let third = file(&cases[2]).await;
    assert_eq!(third.seen_before, cases[..2]);
    assert!(!third.seen_in_more);
}
