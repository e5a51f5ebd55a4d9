//! The pages that show the whole: statistics, vault, set-up, system, and the signing of lists.

mod bench;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::http::StatusCode;
use bench::browser::Browser;
use bench::http::{bench, bench_at};
use bench::*;
use obhut_app::casework::{self, *};
use obhut_app::media::{self, ListSettings};

const PAGES: [&str; 4] = ["/statistics", "/vault", "/setup", "/system"];

#[tokio::test(flavor = "multi_thread")]
async fn each_page_is_for_those_whose_work_it_is() {
    let b = bench().await;
    for role in Role::ALL {
        let (browser, _) = Browser::of(&b, role.word(), *role).await;
        let start = browser.get("/").await.body;
        for page in PAGES {
            let overview = matches!(
                role,
                Role::Administrator | Role::ReportingOfficer | Role::Auditor
            );
            let may = overview || page == "/statistics";
            let expected = match may {
                true => StatusCode::OK,
                false => StatusCode::FORBIDDEN,
            };
            assert_eq!(browser.get(page).await.status, expected, "{role} {page}");
            let listed = start.contains(&format!("href=\"{page}\""));
            assert_eq!(listed, may, "{role} {page}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_counted_by_day_and_kind() {
    let b = bench().await;
    b.list_with(&picture(1), Action::Hold).await;
    let platform = b.key(&[Right::Screen], None).await;
    for account in ["u1", "u2", "u3"] {
        b.screen("?surface=public", &platform, account, picture(1))
            .await;
    }
    let (rita, person) = Browser::of(&b, "Rita", Role::Reviewer).await;
    b.rule(&person, case_of(&b.casework, "u1").await, Ruling::NoReport)
        .await;
    b.rule(&person, case_of(&b.casework, "u2").await, Ruling::NoReport)
        .await;
    b.rule(&person, case_of(&b.casework, "u3").await, Ruling::Report)
        .await;
    let page = rita.get("/statistics?days=7").await.body;
    // The sums, and the rows of the tables.
    assert_eq!(page.matches("3 in all.").count(), 3, "{page}");
    assert_eq!(page.matches("<tr><td data-label=\"Day\">").count(), 4);
    assert!(page.contains("pictures and videos"));
    // Seven columns wide, and none for a period that isn't offered.
    assert!(page.contains("width=\"80.0\""), "{page}");
    for other in ["?days=5000", "?days=x", "?days=-1", ""] {
        let page = rita.get(&format!("/statistics{other}")).await;
        assert!(page.body.contains("width=\"18.7\""), "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn open_cases_are_counted_by_how_long_they_have_waited() {
    let hour = 60 * MINUTE;
    let clock = Arc::new(SetClock(AtomicI64::new(1_780_000_000_000_000)));
    let b = bench_at(clock.clone()).await;
    let ages = [8 * hour, 24 * hour];
    let waiting = async || casework::queue_ages(&b.casework, &ages).await.unwrap();
    assert_eq!(waiting().await, [0, 0, 0]);
    b.list_with(&picture(1), Action::Hold).await;
    let platform = b.key(&[Right::Screen], None).await;
    for (hours, account) in [(0, "u1"), (1, "u2"), (16, "u3")] {
        clock.0.fetch_add(hours * hour, Ordering::Relaxed);
        b.screen("?surface=public", &platform, account, picture(1))
            .await;
    }
    assert_eq!(waiting().await, [1, 2, 0]);
    // To the microsecond: what is just as old as the limit is no younger than it.
    clock.0.fetch_add(8 * hour, Ordering::Relaxed);
    assert_eq!(waiting().await, [0, 1, 2]);
    let (rita, person) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let page = rita.get("/statistics").await.body;
    assert!(page.contains("How long open cases have waited"), "{page}");
    let case = case_of(&b.casework, "u3").await;
    b.rule(&person, &case, Ruling::NoReport).await;
    assert_eq!(waiting().await, [0, 0, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_setup_page_shows_no_secret_and_resumes_what_was_halted() {
    let b = bench().await;
    let channel = Channel {
        url: Some("https://user.example/hook/a-secret-path".into()),
        user: Some("the-user".into()),
        secret: Some(Sealed::new("the-password".into())),
        ..casework::channel(&b.casework, "ncmec").await.unwrap()
    };
    let admin = b.person("Ada", Role::Administrator).await;
    casework::set_channel(&b.casework, &channel, &admin)
        .await
        .unwrap();
    casework::halt_channel(&b.casework, "ncmec", "the password was refused")
        .await
        .unwrap();
    let (olga, _) = Browser::of(&b, "Olga", Role::ReportingOfficer).await;
    let page = olga.get("/setup").await.body;
    assert!(page.contains("the password was refused"), "{page}");
    for secret in ["the-password", "the-user", "a-secret-path"] {
        assert!(!page.contains(secret), "{secret}");
    }
    let system = olga.get("/system").await.body;
    assert!(system.contains("See Setup for the reason"), "{system}");
    let (auditor, _) = Browser::of(&b, "Aline", Role::Auditor).await;
    let seen = auditor.get("/setup").await.body;
    let resume = "/setup/destinations/ncmec/resumption";
    assert!(seen.contains("the password was refused") && !seen.contains(resume));
    let answered = olga.fill(&page, resume, &[]).await;
    assert_eq!(answered.to.as_deref(), Some("/setup"), "{}", answered.body);
    assert!(!olga.get("/setup").await.body.contains("was refused"));
    assert!(!olga.get("/system").await.body.contains("See Setup"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vault_page_shows_holds_and_the_log() {
    let b = bench().await;
    b.list_with(&picture(1), Action::Hold).await;
    let platform = b.key(&[Right::Screen], None).await;
    b.screen("?surface=public", &platform, "u1", picture(1))
        .await;
    let case = case_of(&b.casework, "u1").await;
    let (olga, person) = Browser::of(&b, "Olga", Role::ReportingOfficer).await;
    let (before, _) = casework::log_checkpoint(&b.casework).await.unwrap();
    let hold = NewHold {
        subject: &case,
        asked_by: "Police of <Examplestown>",
        reference: "AZ 4711",
        until: None,
    };
    casework::place_hold(&b.casework, hold, &person)
        .await
        .unwrap();
    let page = olga.get("/vault").await.body;
    assert!(page.contains(&case) && page.contains("Police of &lt;Examplestown&gt;"));
    let (after, _) = casework::log_checkpoint(&b.casework).await.unwrap();
    assert!(after.size >= before.size && after.size > 0);
    let root: String = after.root.iter().map(|b| format!("{b:02x}")).collect();
    assert!(page.contains(&root), "{page}");
}

/// A version that came in after the page was shown isn't signed.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_signed_as_it_was_shown() {
    let b = bench().await;
    let settings = ListSettings {
        name: "hotline".into(),
        owner: "Hotline".into(),
        purpose: Purpose::Assessed,
        basis: "law".into(),
        action: Action::Block,
    };
    let import = async |digest: &str| {
        let csv = format!("kind,digest\nmd5,{digest}\n");
        media::import_list(&b.casework, &settings, csv.as_bytes(), "test")
            .await
            .unwrap()
            .list
    };
    let first = import("0123456789abcdef0123456789abcdef").await;
    let steward = async |name: &str, right| {
        let person = b.person(name, Role::ListSteward).await;
        let key = b.key(&[Right::Cases, right], Some(&person)).await;
        Browser::signed_in(&b, &key).await
    };
    let path = format!("/lists/{}/signature", first.id);
    let ada = steward("Ada", Right::Curate).await;
    let shown = ada.get("/lists").await.body;
    assert!(shown.contains(&first.version), "{shown}");
    let without = steward("Nora", Right::Decide).await;
    assert!(!without.get("/lists").await.body.contains(&path));

    let second = import("fedcba9876543210fedcba9876543210").await;
    let stale = ada.fill(&shown, &path, &[]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "{}", stale.body);
    let list = async || media::list(&b.casework, "hotline").await.unwrap();
    assert!(list().await.signatures.is_empty());

    let shown = ada.get("/lists").await.body;
    let signed = ada.fill(&shown, &path, &[]).await;
    assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.body);
    assert!(list().await.unsigned, "one signature isn't enough");
    let again = ada.fill(&shown, &path, &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(!ada.get("/lists").await.body.contains(&path));
    let grace = steward("Grace", Right::Curate).await;
    let shown = grace.get("/lists").await.body;
    grace.fill(&shown, &path, &[]).await;
    assert_eq!(list().await.matching_version, Some(second.version));
    // An administrator sees the list and may not sign it.
    let admin = b.person("Alma", Role::Administrator).await;
    let key = b.key(&[Right::Cases, Right::Curate], Some(&admin)).await;
    let alma = Browser::signed_in(&b, &key).await;
    let forced = alma
        .post(
            &path,
            format!("token={}", token_of(&alma.get("/lists").await.body)),
        )
        .await;
    assert_eq!(forced.status, StatusCode::FORBIDDEN);
}

fn token_of(page: &str) -> &str {
    let rest = page.split("name=\"token\" value=\"").nth(1).unwrap();
    rest.split('"').next().unwrap()
}
