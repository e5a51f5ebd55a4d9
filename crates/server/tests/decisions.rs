//! Decisions and approvals on pages: what is recorded is what was shown, once, and true.

mod bench;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use bench::browser::Browser;
use bench::http::{Bench, bench};
use bench::*;
use obhut_app::casework;
use obhut_app::casework::*;

/// A case about an upload that matched, and its exhibit.
async fn held(b: &Bench, account: &str) -> (String, String) {
    let platform = b.key(&[Right::Screen], None).await;
    b.screen("?surface=public", &platform, account, picture(1))
        .await;
    let case = case_of(&b.casework, account).await;
    let exhibits = casework::exhibits_of_case(&b.casework, &case)
        .await
        .unwrap();
    (case, exhibits[0].id.clone())
}

async fn viewed(b: &Bench, exhibit: &str, person: &Person) {
    casework::view(&b.casework, exhibit, person, "review", Extent::Whole)
        .await
        .unwrap();
}

/// A case without files, from facts alone.
async fn without_files(b: &Bench) -> String {
    let file = CaseFile::from_json(br#"{"facts":{"note":"made up"}}"#).unwrap();
    let made = casework::new_case(&b.casework, &file, vec![], "test").await;
    made.unwrap().case
}

async fn decisions(b: &Bench, case: &str) -> Vec<Decision> {
    casework::decisions(&b.casework, case).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_decisions_at_the_same_time_are_one_and_a_refusal() {
    let b = bench().await;
    b.list_with(&picture(1), Action::Hold).await;
    let (rita, _) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let (sami, _) = Browser::of(&b, "Sami", Role::Reviewer).await;
    for (n, account) in ["u1", "u2", "u3"].into_iter().enumerate() {
        let (case, _) = held(&b, account).await;
        let (path, decision) = (format!("/cases/{case}"), format!("/cases/{case}/decision"));
        let (one, other) = (rita.get(&path).await.body, sami.get(&path).await.body);
        let report = [("template", ""), ("ruling", "report"), ("grounds", "g")];
        let none = [("template", "listed-report")];
        let (a, z) = tokio::join!(
            rita.fill(&one, &decision, &report),
            sami.fill(&other, &decision, &none)
        );
        let mut statuses = [a.status, z.status];
        statuses.sort();
        let expected = [StatusCode::SEE_OTHER, StatusCode::CONFLICT];
        assert_eq!(statuses, expected, "{n}");
        assert_eq!(decisions(&b, &case).await.len(), 1);
    }
    // The same one twice is one, and not refused.
    let (case, _) = held(&b, "u4").await;
    let decision = format!("/cases/{case}/decision");
    let page = rita.get(&format!("/cases/{case}")).await.body;
    let fields = [("template", "listed-report")];
    let (a, z) = tokio::join!(
        rita.fill(&page, &decision, &fields),
        rita.fill(&page, &decision, &fields)
    );
    assert_eq!([a.status, z.status], [StatusCode::SEE_OTHER; 2]);
    assert_eq!(decisions(&b, &case).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_grounds_are_offered_and_accepted_only_if_true() {
    let b = bench().await;
    b.list_with(&picture(1), Action::Hold).await;
    let (rita, person) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let offers = |page: &str| -> Vec<&'static str> {
        let all = [
            "viewed-report",
            "listed-report",
            "viewed-no-report",
            "wrong-match",
        ];
        let offered = all.into_iter();
        offered
            .filter(|name| page.contains(&format!("value=\"{name}\"")))
            .collect()
    };
    // Without a match nothing is said of lists, without files nothing of views.
    let bare = without_files(&b).await;
    let page = rita.get(&format!("/cases/{bare}")).await.body;
    assert_eq!(offers(&page), Vec::<&str>::new());
    for template in ["viewed-report", "listed-report", "seen-before-report"] {
        let decision = format!("/cases/{bare}/decision");
        let answered = rita.fill(&page, &decision, &[("template", template)]).await;
        assert_eq!(answered.status, StatusCode::CONFLICT, "{template}");
    }
    assert!(decisions(&b, &bare).await.is_empty());

    let (case, exhibit) = held(&b, "u1").await;
    let (path, decision) = (format!("/cases/{case}"), format!("/cases/{case}/decision"));
    assert_eq!(offers(&rita.get(&path).await.body), ["listed-report"]);
    viewed(&b, &exhibit, &person).await;
    let page = rita.get(&path).await.body;
    assert_eq!(
        offers(&page),
        ["viewed-report", "viewed-no-report", "wrong-match"]
    );
    // Each keeps its key, whatever else is offered.
    for (key, name) in [
        ("1", "viewed-report"),
        ("4", "viewed-no-report"),
        ("5", "wrong-match"),
    ] {
        assert!(
            page.contains(&format!("value=\"{name}\" data-key=\"{key}\"")),
            "{name}"
        );
    }
    // A file that joins the case while the page is open was not viewed.
    let platform = b.key(&[Right::Screen], None).await;
    let nearly = encoded(&scene(1), image::ImageFormat::Bmp);
    b.list_more(&nearly).await;
    b.screen("?surface=public", &platform, "u1", nearly).await;
    let stale = rita
        .fill(&page, &decision, &[("template", "viewed-no-report")])
        .await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "{}", stale.body);
    assert!(decisions(&b, &case).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_contradicts_itself_is_not_decided() {
    let b = bench().await;
    b.list_with(&picture(1), Action::Hold).await;
    let (rita, person) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let (case, exhibit) = held(&b, "u1").await;
    viewed(&b, &exhibit, &person).await;
    let decision = format!("/cases/{case}/decision");
    let page = rita.get(&format!("/cases/{case}")).await.body;
    let category = format!("category:{exhibit}");
    for fields in [
        [("template", "viewed-report"), ("ruling", "no-report")],
        [("template", "viewed-no-report"), (category.as_str(), "A1")],
    ] {
        let answered = rita.fill(&page, &decision, &fields).await;
        assert_eq!(
            answered.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{fields:?}"
        );
    }
    assert!(decisions(&b, &case).await.is_empty());
    // A category that comes later is another decision, not a second click.
    let report = [("template", "viewed-report")];
    rita.fill(&page, &decision, &report).await;
    let page = rita.get(&format!("/cases/{case}")).await.body;
    let with_category = [("template", "viewed-report"), (category.as_str(), "A1")];
    let answered = rita.fill(&page, &decision, &with_category).await;
    assert_eq!(answered.status, StatusCode::SEE_OTHER, "{}", answered.body);
    let all = decisions(&b, &case).await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[1].file_categories()[&exhibit].value, "A1");
    assert!(
        all[1].grounds().contains(&case),
        "the grounds name their case"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_works_on_a_case_is_not_overtaken_by_accident() {
    let b = bench().await;
    b.list_with(&picture(1), Action::Hold).await;
    let (case, _) = held(&b, "u1").await;
    let (rita, _) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let (sami, _) = Browser::of(&b, "Sami", Role::Reviewer).await;
    let before = sami.get(&format!("/cases/{case}")).await.body;
    let queue = rita.get("/cases").await.body;
    rita.fill(&queue, "/cases/next", &[]).await;
    let decision = format!("/cases/{case}/decision");
    let fields = [("template", "listed-report")];
    let answered = sami.fill(&before, &decision, &fields).await;
    assert_eq!(answered.status, StatusCode::CONFLICT);
    let now = sami.get(&format!("/cases/{case}")).await.body;
    assert!(now.contains("Decide it although Rita is working on it."));
    let knowingly = [("template", "listed-report"), ("despite_claim", "yes")];
    let answered = sami.fill(&now, &decision, &knowingly).await;
    assert_eq!(answered.status, StatusCode::SEE_OTHER);
}

/// An officer approves the document on the page, or nothing.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_shown_is_approved() {
    let b = bench().await;
    b.list_with(&picture(1), Action::Hold).await;
    b.reporter().await;
    let (_, person) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let (olga, _) = Browser::of(&b, "Olga", Role::ReportingOfficer).await;
    let (case, _) = held(&b, "u1").await;
    b.rule(&person, &case, Ruling::Report).await;
    for destination in ["package", "ncmec"] {
        let report =
            obhut_app::reports::file_one(&b.casework, &case, destination, false, &person.id)
                .await
                .unwrap();
        let path = format!("/reports/{report}");
        let approval = format!("{path}/approval");
        let page = olga.get(&path).await.body;
        let mut facts = casework::facts(&b.casework, &case).await.unwrap();
        facts.note = Some(format!("added after the page for {destination}"));
        casework::set_facts(&b.casework, &case, &facts, "test")
            .await
            .unwrap();
        let reason = [("because", "test")];
        let stale = olga.fill(&page, &approval, &reason).await;
        assert_eq!(stale.status, StatusCode::CONFLICT, "{destination}");
        assert!(
            stale.body.contains("no longer what was shown"),
            "{}",
            stale.body
        );
        // Read again, it is approved, however much later.
        let page = olga.get(&path).await.body;
        let answered = olga.fill(&page, &approval, &reason).await;
        assert_eq!(answered.status, StatusCode::SEE_OTHER, "{}", answered.body);
    }
}

/// A draft whose case was decided in another way can still be opened, and retracted.
#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_is_void_can_be_opened() {
    let b = bench().await;
    b.list_with(&picture(1), Action::Hold).await;
    let (_, person) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let (olga, _) = Browser::of(&b, "Olga", Role::ReportingOfficer).await;
    let (case, exhibit) = held(&b, "u1").await;
    b.rule(&person, &case, Ruling::Report).await;
    let report = obhut_app::reports::file_one(&b.casework, &case, "package", false, &person.id)
        .await
        .unwrap();
    viewed(&b, &exhibit, &person).await;
    b.rule(&person, &case, Ruling::NoReport).await;
    let path = format!("/reports/{report}");
    let page = olga.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains(&format!("{path}/approval")));
    let retraction = format!("{path}/retraction");
    let answered = olga
        .fill(&page.body, &retraction, &[("reason", "void")])
        .await;
    assert_eq!(answered.status, StatusCode::SEE_OTHER, "{}", answered.body);
    assert!(!olga.get("/reports").await.body.contains(&path));
}

/// A look is on record only if pixels leave, for an exhibit of the case that is named.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_recorded_as_seen_that_was_not() {
    let b = bench().await;
    b.list_with(&picture(1), Action::Hold).await;
    let (case, exhibit) = held(&b, "u1").await;
    let (rita, _) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let page = rita
        .get(&format!("/cases/{case}/exhibits/{exhibit}"))
        .await
        .body;
    let token = page.split("data-token=\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap();
    let ask = async |case: &str, purpose: &str| {
        let body =
            format!("token={token}&look=whole&case={case}&exhibit={exhibit}&purpose={purpose}");
        rita.post("/looks", body).await
    };
    assert_eq!(ask("case-nonsense", "").await.status, StatusCode::NOT_FOUND);
    let long = "p".repeat(501);
    assert_eq!(ask(&case, &long).await.status, StatusCode::BAD_REQUEST);
    let address = ask(&case, "").await.body;
    let request = Request::builder()
        .method(Method::HEAD)
        .uri(&address)
        .header(header::COOKIE, &rita.cookie)
        .body(Body::empty())
        .unwrap();
    assert_eq!(b.send(request).await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert!(
        casework::views(&b.casework, &exhibit)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(rita.get(&address).await.status, StatusCode::OK);
    assert_eq!(
        casework::views(&b.casework, &exhibit).await.unwrap().len(),
        1
    );
}

/// The original of an incoming report goes out if the officer asks for it, with the report on the
/// page; where that goes is part of what was shown.
#[tokio::test(flavor = "multi_thread")]
async fn the_original_and_the_destination_belong_to_what_is_approved() {
    let b = bench().await;
    let (_, person) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let (olga, officer) = Browser::of(&b, "Olga", Role::ReportingOfficer).await;
    b.reporter().await;
    let mut intake = obhut_app::intake::begin_intake(&b.casework).await.unwrap();
    let parsed = obhut_app::formats::incoming::read(b"Account: user-17\nA neighbour reports it.");
    let came = intake.take(vec![parsed], "test").await.unwrap();
    let case = obhut_app::intake::case_of_incoming(&b.casework, &came[0].id, "test")
        .await
        .unwrap();
    b.rule(&person, &case, Ruling::Report).await;
    let report = obhut_app::reports::file_one(&b.casework, &case, "package", true, &person.id)
        .await
        .unwrap();
    let (path, approval) = (
        format!("/reports/{report}"),
        format!("/reports/{report}/approval"),
    );
    let page = olga.get(&path).await.body;
    let admin = b.person("Adam", Role::Administrator).await;
    let mut channel = casework::channel(&b.casework, "package").await.unwrap();
    channel.folder = Some("/tmp/packages".into());
    channel.officer = Some(officer.id.clone());
    casework::set_channel(&b.casework, &channel, &admin)
        .await
        .unwrap();
    let fields = [("because", "test"), ("as_received", "yes")];
    let stale = olga.fill(&page, &approval, &fields).await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "it would go elsewhere");
    let page = olga.get(&path).await.body;
    assert!(page.contains("/tmp/packages"));
    let answered = olga.fill(&page, &approval, &fields).await;
    assert_eq!(answered.status, StatusCode::SEE_OTHER, "{}", answered.body);
}
