//! The console: signing in, the queue, a case, its evidence, its decision, its report.

mod bench;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use bench::browser::Browser;
use bench::http::{Bench, bench, bench_at};
use bench::*;
use obhut_app::casework;
use obhut_app::casework::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Uploads that matched, one case each; returns the cases in the order of the accounts.
async fn held(b: &Bench, accounts: &[&str]) -> Vec<String> {
    b.list_with(&picture(1), Action::Hold).await;
    let platform = b.key(&[Right::Screen], None).await;
    let mut cases = Vec::new();
    for account in accounts {
        b.screen("?surface=public", &platform, account, picture(1))
            .await;
        cases.push(case_of(&b.casework, account).await);
    }
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_session_every_page_leads_to_signing_in() {
    let b = bench().await;
    for path in [
        "/",
        "/cases",
        "/cases?status=closed",
        "/cases/case-1",
        "/cases/case-1/exhibits/exhibit-1",
        "/looks/0123",
        "/reports",
        "/reports/report-1",
        "/payments",
        "/payments/alert-1",
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (status, headers, body) = b.send(request).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{path}");
        let to: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        assert_eq!(headers[header::LOCATION], format!("/sign-in?to={to}"));
        assert!(body.is_empty());
    }
    for path in ["/sign-in", "/appeal"] {
        assert_eq!(b.get(path, None).await.0, StatusCode::OK, "{path}");
    }
    // A session's cookie opens no API, and a key's header no page.
    let (browser, _) = Browser::of(&b, "Rita", Role::Reviewer).await;
    assert_eq!(
        browser.get("/v1/cases").await.status,
        StatusCode::UNAUTHORIZED
    );
    let key = b.key(&[Right::Cases], None).await;
    assert_eq!(b.get("/cases", Some(&key)).await.0, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_persons_key_with_a_role_opens_a_session() {
    let b = bench().await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let good = b.key(&[Right::Cases, Right::Decide], Some(&rita)).await;
    let programs = b.key(&[Right::Cases], None).await;
    let none = b.person("Nora", Role::Reviewer).await;
    let without_role = b.key(&[Right::Cases, Right::Decide], Some(&none)).await;
    casework::withdraw_role(&b.casework, "Nora", Role::Reviewer, "test")
        .await
        .unwrap();
    let sign_in = async |key: &str, other_site: bool| {
        let mut request = Request::post("/sign-in").header(header::HOST, "obhut.example");
        if other_site {
            request = request.header("sec-fetch-site", "cross-site");
        }
        let request = request.body(Body::from(format!("key={key}&to=%2Fcases")));
        let (status, headers, page) = b.send(request.unwrap()).await;
        (status, headers.get(header::SET_COOKIE).cloned(), page)
    };
    let mut refusals = Vec::new();
    for key in ["", "obhut_00", &programs, &without_role] {
        let (status, cookie, page) = sign_in(key, false).await;
        assert_eq!((status, cookie), (StatusCode::FORBIDDEN, None), "{key}");
        refusals.push(page.replace("case", ""));
    }
    // None of the four answers says which it was.
    assert!(refusals.windows(2).all(|w| w[0] == w[1]));
    assert_eq!(sign_in(&good, true).await.0, StatusCode::FORBIDDEN);
    let (status, cookie, _) = sign_in(&good, false).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let cookie = cookie.unwrap();
    let cookie = cookie.to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(cookie.contains(part), "{cookie} lacks {part}");
    }
    assert!(!cookie.contains(&good));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_by_time_with_its_key_and_with_its_person() {
    let start = 1_780_000_000_000_000;
    let clock = Arc::new(SetClock(AtomicI64::new(start)));
    let b = bench_at(clock.clone()).await;
    let set = |minutes: i64| clock.0.store(start + minutes * MINUTE, Ordering::Relaxed);
    let opens = async |browser: &Browser<'_>| browser.get("/cases").await.status == StatusCode::OK;

    let (idle, _) = Browser::of(&b, "Rita", Role::Reviewer).await;
    assert!(opens(&idle).await);
    set(29);
    assert!(opens(&idle).await, "used within half an hour");
    set(58);
    assert!(opens(&idle).await, "and again");
    set(89);
    assert!(!opens(&idle).await, "not used for 31 minutes");

    let (long, _) = Browser::of(&b, "Sara", Role::Reviewer).await;
    for quarter in 1..48 {
        set(89 + quarter * 15);
        assert!(opens(&long).await, "{quarter}");
    }
    set(89 + 12 * 60 + 1);
    assert!(!opens(&long).await, "longer than a working day");

    let (early, _) = Browser::of(&b, "Uwe", Role::Reviewer).await;
    set(0);
    assert!(!opens(&early).await, "the clock was set back");
    set(89 + 12 * 60 + 2);

    let (gone, person) = Browser::of(&b, "Tom", Role::Reviewer).await;
    let keys = casework::keys(&b.casework).await.unwrap();
    let key = keys.iter().find(|k| k.person.as_ref() == Some(&person.id));
    casework::revoke_key(&b.casework, &key.unwrap().id, "test")
        .await
        .unwrap();
    assert!(!opens(&gone).await, "its key was revoked");

    let (removed, _) = Browser::of(&b, "Vera", Role::Reviewer).await;
    assert!(opens(&removed).await);
    casework::remove_person(&b.casework, "Vera", "test")
        .await
        .unwrap();
    assert!(!opens(&removed).await, "its person was removed");

    let (out, _) = Browser::of(&b, "Will", Role::Reviewer).await;
    let page = out.get("/").await.body;
    let answered = out.fill(&page, "/sign-out", &[]).await;
    assert_eq!(answered.to.as_deref(), Some("/sign-in"));
    assert!(!opens(&out).await, "signed out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_session_or_site_does_nothing() {
    let b = bench().await;
    let case = held(&b, &["u1"]).await.remove(0);
    let (rita, _) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let (sara, _) = Browser::of(&b, "Sara", Role::Reviewer).await;
    let decision = format!("/cases/{case}/decision");
    let page = rita.get(&format!("/cases/{case}")).await.body;
    let fields = [("template", ""), ("ruling", "no-report"), ("grounds", "g")];
    // Sara's session, Rita's page.
    let answered = sara.fill(&page, &decision, &fields).await;
    assert_eq!(answered.status, StatusCode::FORBIDDEN);
    let without = rita
        .post(&decision, "ruling=no-report&grounds=g".into())
        .await;
    assert_eq!(without.status, StatusCode::FORBIDDEN);
    let token = token_of(&page);
    let request = Request::post(&decision)
        .header(header::COOKIE, &rita.cookie)
        .header("sec-fetch-site", "cross-site")
        .body(Body::from(format!(
            "token={token}&ruling=no-report&grounds=g"
        )))
        .unwrap();
    assert_eq!(b.send(request).await.0, StatusCode::FORBIDDEN);
    let decisions = casework::decisions(&b.casework, &case).await.unwrap();
    assert!(decisions.is_empty());
    assert_eq!(
        rita.fill(&page, &decision, &fields).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_load_nothing_from_elsewhere() {
    let b = bench().await;
    let case = held(&b, &["u1"]).await.remove(0);
    let (rita, _) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let exhibits = casework::exhibits_of_case(&b.casework, &case)
        .await
        .unwrap();
    let viewer = format!("/cases/{case}/exhibits/{}", exhibits[0].id);
    for path in [
        "/",
        "/cases",
        &format!("/cases/{case}"),
        &viewer,
        "/reports",
        "/payments",
    ] {
        let request = Request::get(path)
            .header(header::COOKIE, &rita.cookie)
            .body(Body::empty())
            .unwrap();
        let (status, headers, page) = b.send(request).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(
            !policy.contains("inline") && !policy.contains("http"),
            "{policy}"
        );
        assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
        // What it loads is of this server, and is there.
        for attribute in ["src=\"", "<link rel=\"stylesheet\" href=\""] {
            for part in page.split(attribute).skip(1) {
                let address = part.split('"').next().unwrap();
                assert!(address.starts_with("/assets/"), "{path} loads {address}");
                assert_eq!(b.get(address, None).await.0, StatusCode::OK, "{address}");
            }
        }
        for inline in [" style=", " onclick", "<style", "javascript:"] {
            assert!(!page.contains(inline), "{path} has {inline}");
        }
        assert!(page.len() < 100_000, "{path} has {} bytes", page.len());
    }
}

/// The most pressing case comes first, then the one that has waited longest; each says why.
#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_in_order_and_says_why() {
    let b = bench().await;
    let cases = held(&b, &["u1", "u2", "u3"]).await;
    let urgent = Facts {
        risks: vec![RiskFact::MeetingPlanned],
        ..Facts::default()
    };
    casework::set_facts(&b.casework, &cases[2], &urgent, "test")
        .await
        .unwrap();
    let (rita, _) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let page = rita.get("/cases").await.body;
    let places: Vec<_> = [&cases[2], &cases[0], &cases[1]]
        .map(|case| page.find(case.as_str()).expect("every case is listed"))
        .into();
    assert!(places.is_sorted(), "{places:?}");
    let rule = RISK.iter().find(|r| page.contains(r.says));
    assert!(rule.is_some(), "{page}");
    assert!(page.contains("class=\"urgent\""));
    // Names are on the page of a case, whose reading is on record.
    assert!(!page.contains("u1<") && !page.contains("http://") && !page.contains("https://"));
    // In German, too.
    let german = Browser {
        language: "de",
        ..rita
    };
    let page = german.get("/cases").await.body;
    assert!(page.contains("lang=\"de\"") && page.contains(rule.unwrap().german));
}

/// Two people who ask for the next case get different ones.
#[tokio::test(flavor = "multi_thread")]
async fn no_two_people_get_one_case() {
    let b = bench().await;
    let cases = held(&b, &["u1", "u2", "u3"]).await;
    let mut given = Vec::new();
    let (rita, _) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let (sara, _) = Browser::of(&b, "Sara", Role::Reviewer).await;
    for browser in [&rita, &sara] {
        let page = browser.get("/cases").await.body;
        given.push(browser.fill(&page, "/cases/next", &[]).await.to.unwrap());
    }
    assert_ne!(given[0], given[1]);
    // Who has one says so to the other.
    assert!(
        sara.get(&given[0])
            .await
            .body
            .contains("Rita is working on this case")
    );
    // Skipping leads on, and the skipped case is free again.
    let page = rita.get(&given[0]).await.body;
    let skipped = rita.fill(&page, "/cases/next", &[]).await.to.unwrap();
    assert_eq!(skipped, format!("/cases/{}", cases[2]));
    let queued = casework::queued(&b.casework, &cases[0]).await.unwrap();
    assert_eq!(queued.unwrap().claimed_by, None);
}

/// Nothing is shown before it is asked for, once for each time it is asked, to who asked; and who
/// looked is on record before the pixels leave.
#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_shown_when_asked_for_and_each_look_is_on_record() {
    let b = bench().await;
    let case = held(&b, &["u1"]).await.remove(0);
    let (rita, _) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let (sara, _) = Browser::of(&b, "Sara", Role::Reviewer).await;
    let exhibits = casework::exhibits_of_case(&b.casework, &case)
        .await
        .unwrap();
    let exhibit = &exhibits[0].id;
    let path = format!("/cases/{case}/exhibits/{exhibit}");
    let views = async || casework::views(&b.casework, exhibit).await.unwrap();

    let page = rita.get(&path).await.body;
    assert!(!page.contains("<img") && !page.contains("blob:"), "{page}");
    assert!(views().await.is_empty());
    let token = token_of(&page);
    for (look, extent) in [("blurred", Extent::Blurred), ("whole", Extent::Whole)] {
        let page = rita
            .post(&path, format!("token={token}&look={look}&purpose="))
            .await
            .body;
        let at = page
            .split("<img src=\"")
            .nth(1)
            .expect("a look")
            .split('"')
            .next()
            .unwrap();
        let before = views().await.len();
        assert_eq!(
            sara.get(at).await.status,
            StatusCode::NOT_FOUND,
            "another's"
        );
        let shown = rita.get(at).await;
        assert_eq!(shown.status, StatusCode::OK);
        assert!(shown.body.contains("PNG"), "made by the decoder");
        assert_eq!(
            rita.get(at).await.status,
            StatusCode::NOT_FOUND,
            "a second time"
        );
        let views = views().await;
        assert_eq!(views.len(), before + 1);
        let last = views.last().unwrap();
        assert_eq!(last.extent, extent);
        assert!(last.purpose.contains(&case));
    }
    // The script's way: the address of a look, for the same form.
    let body =
        format!("token={token}&look=whole&exhibit={exhibit}&case={case}&purpose=second+look");
    let at = rita.post("/looks", body).await.body;
    assert_eq!(rita.get(&at).await.status, StatusCode::OK);
    assert_eq!(views().await.last().unwrap().purpose, "second look");
    // An officer sees no pixels, and no exhibit of another case is shown under this one.
    let (olga, _) = Browser::of(&b, "Olga", Role::ReportingOfficer).await;
    assert_eq!(olga.get(&path).await.status, StatusCode::FORBIDDEN);
    let other = rita.get(&format!("/cases/{case}/exhibits/exhibit-0")).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

/// From the queue to a filed report's approval: a reviewer looks and decides, an officer approves.
#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_decided_and_its_report_approved_on_pages() {
    let b = bench().await;
    let cases = held(&b, &["u1", "u2"]).await;
    let case = &cases[0];
    let (rita, person) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let path = format!("/cases/{case}");
    let decision = format!("{path}/decision");

    b.reporter().await;

    // Grounds that claim a view are offered only once the view is on record.
    let page = rita.get(&path).await.body;
    assert!(!page.contains("value=\"viewed-report\"") && page.contains("value=\"listed-report\""));
    let exhibit = casework::exhibits_of_case(&b.casework, case)
        .await
        .unwrap()
        .remove(0);
    casework::view(&b.casework, &exhibit.id, &person, "review", Extent::Whole)
        .await
        .unwrap();
    let page = rita.get(&path).await.body;
    assert!(page.contains("value=\"viewed-report\""));
    let category = format!("category:{}", exhibit.id);
    let fields = [
        ("template", "viewed-report"),
        (&category, "A1"),
        ("then", "next"),
    ];
    let answered = rita.fill(&page, &decision, &fields).await;
    // Straight to the next case.
    assert_eq!(answered.to, Some(format!("/cases/{}", cases[1])));
    // A second click, or the browser's way back: nothing is recorded twice.
    let again = rita.fill(&page, &decision, &fields).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let decisions = casework::decisions(&b.casework, case).await.unwrap();
    assert_eq!(decisions.len(), 1);
    assert_eq!(decisions[0].ruling(), Ruling::Report);
    assert_eq!(decisions[0].file_categories()[&exhibit.id].value, "A1");
    assert!(casework::queued(&b.casework, case).await.unwrap().is_none());
    // A page that was open meanwhile can't overrule it unseen.
    let (sara, _) = Browser::of(&b, "Sara", Role::Reviewer).await;
    let other = [("template", ""), ("ruling", "no-report"), ("grounds", "g")];
    let as_saras = page.replace(&token_of(&page), &token_of(&sara.get("/").await.body));
    let stale = sara.fill(&as_saras, &decision, &other).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);

    let page = rita.get(&path).await.body;
    let filed = rita
        .fill(
            &page,
            &format!("{path}/reports"),
            &[("destination", "package")],
        )
        .await;
    let report = filed.to.expect("the report's page");
    // Who decided doesn't approve, and a reviewer isn't asked to.
    let page = rita.get(&report).await.body;
    assert!(page.contains("waiting for approval") && !page.contains(&format!("{report}/approval")));
    let (olga, _) = Browser::of(&b, "Olga", Role::ReportingOfficer).await;
    assert!(olga.get("/reports").await.body.contains(&report));
    let page = olga.get(&report).await.body;
    let approved = olga.fill(&page, &format!("{report}/approval"), &[]).await;
    assert_eq!(
        approved.to.as_deref(),
        Some(report.as_str()),
        "{}",
        approved.body
    );
    let page = olga.get(&report).await.body;
    assert!(page.contains("approved") && page.contains("Approved by") && page.contains("Olga"));
}

/// The token of a page's forms.
fn token_of(page: &str) -> String {
    let token = page.split("name=\"token\" value=\"").nth(1).unwrap();
    token.split('"').next().unwrap().to_owned()
}

/// Names and texts from outside are text on a page, whatever they are.
#[tokio::test(flavor = "multi_thread")]
async fn texts_from_outside_stay_texts() {
    let b = bench().await;
    let case = held(&b, &["u1"]).await.remove(0);
    let nasty = "<script>alert(1)</script>\u{202e}\"'&\u{7}";
    let facts = Facts {
        note: Some(nasty.into()),
        threads: vec![Thread {
            messages: vec![Message {
                text: nasty.into(),
                ..Message::default()
            }],
            ..Thread::default()
        }],
        ..Facts::default()
    };
    casework::set_facts(&b.casework, &case, &facts, "test")
        .await
        .unwrap();
    let (rita, _) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let page = rita.get(&format!("/cases/{case}")).await.body;
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert(1)"));
    // Messages stay closed until a person opens them; names turn no line around.
    assert!(page.contains("<details><summary>Messages"));
    assert!(page.contains("<bdi>&lt;script"));
    // Odd addresses end on a page that says what to do.
    for (path, status) in [
        ("/cases?status=nonsense", StatusCode::BAD_REQUEST),
        ("/cases?after=1~2", StatusCode::BAD_REQUEST),
        ("/cases?after=x", StatusCode::BAD_REQUEST),
        ("/cases?id=nonsense", StatusCode::NOT_FOUND),
        ("/cases/case-0", StatusCode::NOT_FOUND),
        ("/reports/report-0", StatusCode::NOT_FOUND),
        ("/payments/alert-0", StatusCode::NOT_FOUND),
    ] {
        let answered = rita.get(path).await;
        assert_eq!(answered.status, status, "{path}");
        assert!(
            answered.body.contains("role=\"alert\""),
            "{path}: {}",
            answered.body
        );
    }
    assert_eq!(
        rita.get(&format!("/cases?id={case}")).await.to,
        Some(format!("/cases/{case}"))
    );
}
