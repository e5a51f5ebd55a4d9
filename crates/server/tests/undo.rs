//! Decisions made on a page take effect half a minute later, and can be taken back until then.

mod bench;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::http::StatusCode;
use bench::browser::Browser;
use bench::http::{Bench, bench_with};
use bench::*;
use obhut_app::casework::{self, *};
use obhut_server::Outside;

const START: i64 = 1_780_000_000_000_000;
const SECOND: i64 = 1_000_000;

struct World {
    b: Bench,
    clock: Arc<SetClock>,
}

impl World {
    async fn new() -> Self {
        let clock = Arc::new(SetClock(AtomicI64::new(START)));
        let outside = Outside {
            can_undo: true,
            ..Outside::default()
        };
        let b = bench_with(clock.clone(), outside).await;
        b.list_with(&picture(1), Action::Hold).await;
        Self { b, clock }
    }

    async fn case(&self, account: &str) -> String {
        let platform = self.b.key(&[Right::Screen], None).await;
        self.b
            .screen("?surface=public", &platform, account, picture(1))
            .await;
        case_of(&self.b.casework, account).await
    }

    /// Moves on, and lets take effect what is due.
    async fn after(&self, seconds: i64) -> usize {
        self.clock.0.fetch_add(seconds * SECOND, Ordering::Relaxed);
        casework::apply_due_decisions(&self.b.casework)
            .await
            .unwrap()
    }

    async fn decisions(&self, case: &str) -> Vec<Decision> {
        casework::decisions(&self.b.casework, case).await.unwrap()
    }
}

/// Decides a case on its page.
async fn decide(browser: &Browser<'_>, case: &str, ruling: &str, grounds: &str) -> StatusCode {
    let page = browser.get(&format!("/cases/{case}")).await.body;
    let fields = [("template", ""), ("ruling", ruling), ("grounds", grounds)];
    let answered = browser
        .fill(&page, &format!("/cases/{case}/decision"), &fields)
        .await;
    answered.status
}

/// The address that takes back the decision shown on a page.
fn undo_of(page: &str) -> String {
    let rest = page
        .split("action=\"/undo/")
        .nth(1)
        .expect("it can be undone");
    format!("/undo/{}", rest.split('"').next().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_takes_effect_half_a_minute_later_and_once() {
    let w = World::new().await;
    let (case, other) = (w.case("u1").await, w.case("u2").await);
    let (rita, _) = Browser::of(&w.b, "Rita", Role::Reviewer).await;
    let page = rita.get(&format!("/cases/{case}")).await.body;
    let decision = format!("/cases/{case}/decision");
    let fields = [
        ("template", ""),
        ("ruling", "report"),
        ("grounds", "g & <h>"),
        ("then", "next"),
    ];
    let decided = rita.fill(&page, &decision, &fields).await;
    assert_eq!(
        decided.to.as_deref(),
        Some(format!("/cases/{other}").as_str())
    );
    // A double click, and the browser's way back.
    let again = rita.fill(&page, &decision, &fields).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.body);
    let another = [("template", ""), ("ruling", "no-report"), ("grounds", "x")];
    let changed = rita.fill(&page, &decision, &another).await;
    assert_eq!(changed.status, StatusCode::CONFLICT);
    for path in ["/".to_owned(), format!("/cases/{other}")] {
        assert!(
            rita.get(&path).await.body.contains("action=\"/undo/"),
            "{path}"
        );
    }
    assert!(
        !rita
            .get(&format!("/cases/{case}"))
            .await
            .body
            .contains(&decision)
    );
    assert_eq!(w.after(29).await, 0);
    assert!(w.decisions(&case).await.is_empty());
    assert_eq!(w.after(1).await, 1);
    let made = w.decisions(&case).await;
    assert_eq!((made.len(), made[0].grounds()), (1, "g & <h>"));
    assert_eq!(w.after(300).await, 0);
    assert_eq!(w.decisions(&case).await.len(), 1);
    assert!(!rita.get("/").await.body.contains("action=\"/undo/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_never_takes_effect() {
    let w = World::new().await;
    let case = w.case("u1").await;
    let (rita, _) = Browser::of(&w.b, "Rita", Role::Reviewer).await;
    let (sara, _) = Browser::of(&w.b, "Sara", Role::Reviewer).await;
    // She has opened the case before Rita decides it.
    let opened = sara.get(&format!("/cases/{case}")).await.body;
    assert_eq!(
        decide(&rita, &case, "report", "g").await,
        StatusCode::SEE_OTHER
    );
    let page = rita.get("/").await.body;
    let undo = undo_of(&page);
    // Another person sees nothing of it, can't undo it and can't decide meanwhile.
    let theirs = sara.get("/").await.body;
    assert!(!theirs.contains("/undo/"));
    let token = theirs.split("name=\"token\" value=\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap();
    let forced = sara.post(&undo, format!("token={token}")).await;
    assert_eq!(forced.status, StatusCode::CONFLICT);
    let fields = [("template", ""), ("ruling", "no-report"), ("grounds", "h")];
    let decision = format!("/cases/{case}/decision");
    let meanwhile = sara.fill(&opened, &decision, &fields).await;
    assert_eq!(meanwhile.status, StatusCode::CONFLICT);
    let undone = rita.fill(&page, &undo, &[]).await;
    assert_eq!(
        undone.to.as_deref(),
        Some(format!("/cases/{case}").as_str())
    );
    assert_eq!(w.after(60).await, 0);
    assert!(w.decisions(&case).await.is_empty());
    // Then it is decided again, and too late to undo.
    assert_eq!(
        decide(&rita, &case, "no-report", "h").await,
        StatusCode::SEE_OTHER
    );
    let page = rita.get("/").await.body;
    assert_eq!(w.after(31).await, 1);
    let late = rita.fill(&page, &undo_of(&page), &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert_eq!(w.decisions(&case).await.len(), 1);
}

/// What is wrong is said when it is decided, and what goes wrong later isn't lost.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_take_effect_says_why_and_keeps_the_words() {
    let w = World::new().await;
    let case = w.case("u1").await;
    let (rita, person) = Browser::of(&w.b, "Rita", Role::Reviewer).await;
    assert_eq!(
        decide(&rita, &case, "report", "").await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(w.after(60).await, 0);

    assert_eq!(
        decide(&rita, &case, "report", "my words").await,
        StatusCode::SEE_OTHER
    );
    // At the command line another person decides in the half minute.
    let tom = w.b.person("Tom", Role::Reviewer).await;
    w.b.rule(&tom, &case, Ruling::NoReport).await;
    assert_eq!(w.after(31).await, 0);
    assert_eq!(w.decisions(&case).await.len(), 1);
    let page = rita.get("/").await.body;
    assert!(
        page.contains("It did not take effect") && page.contains("my words"),
        "{page}"
    );
    let alarms = casework::alarms(&w.b.casework).await.unwrap();
    assert!(
        alarms
            .iter()
            .any(|a| a.subject == case && a.text.contains("take effect"))
    );
    // It is put away by its person, and doesn't keep them from another decision.
    assert_eq!(
        decide(&rita, &case, "report", "again").await,
        StatusCode::SEE_OTHER
    );
    let page = rita.get("/").await.body;
    assert_eq!(page.matches("action=\"/undo/").count(), 2);
    assert_eq!(w.after(31).await, 1);
    let page = rita.get("/").await.body;
    rita.fill(&page, &undo_of(&page), &[]).await;
    assert!(!rita.get("/").await.body.contains("my words"));

    // A role that was withdrawn in the half minute.
    let second = w.case("u2").await;
    assert_eq!(
        decide(&rita, &second, "report", "g").await,
        StatusCode::SEE_OTHER
    );
    casework::withdraw_role(&w.b.casework, &person.name, Role::Reviewer, "test")
        .await
        .unwrap();
    assert_eq!(w.after(31).await, 0);
    assert!(w.decisions(&second).await.is_empty());
}

/// Killed between claiming a decision and recording it, or between recording and deleting it.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_in_between_neither_loses_nor_doubles_it() {
    let w = World::new().await;
    let case = w.case("u1").await;
    let (rita, person) = Browser::of(&w.b, "Rita", Role::Reviewer).await;
    assert_eq!(
        decide(&rita, &case, "report", "g").await,
        StatusCode::SEE_OTHER
    );
    let pending = casework::pending_decisions(&w.b.casework, &person.id).await;
    let made = casework::open_pending(&w.b.casework, &pending.unwrap()[0]).unwrap();
    // As if it had been recorded and not deleted: the same decision is on record.
    let request = DecisionRequest {
        ruling: made.ruling().unwrap(),
        grounds: made.grounds.clone(),
        category: None,
    };
    casework::decide(&w.b.casework, &case, &person, &request)
        .await
        .unwrap();
    assert_eq!(w.after(31).await, 1);
    assert_eq!(w.decisions(&case).await.len(), 1, "not twice");
    // Two servers at the same time.
    let second = w.case("u2").await;
    assert_eq!(
        decide(&rita, &second, "no-report", "h").await,
        StatusCode::SEE_OTHER
    );
    w.clock.0.fetch_add(31 * SECOND, Ordering::Relaxed);
    let (a, b) = tokio::join!(
        casework::apply_due_decisions(&w.b.casework),
        casework::apply_due_decisions(&w.b.casework)
    );
    assert_eq!(a.unwrap() + b.unwrap(), 1);
    assert_eq!(w.decisions(&second).await.len(), 1);
}

/// Regression: an officer filed and approved a report half a minute before a decision not to report
/// took effect; a double click was a conflict; what a stolen key decided last took effect.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_filed_while_a_decision_is_about_to_take_effect() {
    let w = World::new().await;
    let case = w.case("u1").await;
    let (rita, person) = Browser::of(&w.b, "Rita", Role::Reviewer).await;
    w.b.rule(&person, &case, Ruling::Report).await;
    assert_eq!(
        decide(&rita, &case, "no-report", "g").await,
        StatusCode::SEE_OTHER
    );
    let file = async || casework::file_latest(&w.b.casework, &case, "ncmec", false, "test").await;
    let e = file().await.unwrap_err().to_string();
    assert!(e.contains("half a minute"), "{e}");
    // Another reviewer sees that it is decided, and gets no form.
    let (sara, _) = Browser::of(&w.b, "Sara", Role::Reviewer).await;
    let page = sara.get(&format!("/cases/{case}")).await.body;
    assert!(page.contains("Rita has decided this case"), "{page}");
    assert!(!page.contains(&format!("/cases/{case}/decision")));
    assert_eq!(w.after(31).await, 1);
    assert!(
        file().await.is_err(),
        "the latest decision is not to report"
    );

    let second = w.case("u2").await;
    let page = rita.get(&format!("/cases/{second}")).await.body;
    let path = format!("/cases/{second}/decision");
    let fields = [("template", ""), ("ruling", "report"), ("grounds", "h")];
    let click = async || rita.fill(&page, &path, &fields).await.status;
    let (a, b, c) = tokio::join!(click(), click(), click());
    assert_eq!([a, b, c], [StatusCode::SEE_OTHER; 3]);
    let keys = casework::keys(&w.b.casework).await.unwrap();
    let key = keys.iter().find(|k| k.person.as_ref() == Some(&person.id));
    casework::revoke_key(&w.b.casework, &key.unwrap().id, "test")
        .await
        .unwrap();
    assert_eq!(w.after(31).await, 0);
    assert!(w.decisions(&second).await.is_empty());
}
