//! What one person viewed and reported, no other has to view: same bytes, and copies that look like
//! the same entry of a list.

mod bench;

use bench::browser::Browser;
use bench::http::{Bench, bench};
use bench::*;
use obhut_app::casework;
use obhut_app::casework::*;

/// A list of PDQ digests of these scenes, signed.
async fn listed(b: &Bench, scenes: std::ops::Range<u32>) {
    let pdq = obhut_hash::kinds::by_name("pdq").unwrap();
    let mut csv = "kind,digest,category_scale,category,entry_id\n".to_owned();
    for n in scenes {
        let scene = scene(n);
        let pixels = obhut_hash::Pixels::new(160, 120, scene.as_raw()).unwrap();
        let digest = pdq.of_pixels(pixels).unwrap().digest.to_hex();
        csv += &format!("pdq,{digest},,,scene-{n}\n");
    }
    signed_list(&b.casework, &csv).await;
}

/// A copy of a scene with other bytes, which matches the same entry.
fn copy(n: u32, brighter: u8) -> Vec<u8> {
    let mut copy = scene(n);
    for pixel in copy.pixels_mut() {
        pixel.0 = pixel.0.map(|v| v.saturating_add(brighter));
    }
    encoded(&copy, image::ImageFormat::Png)
}

async fn uploaded(b: &Bench, key: &str, account: &str, bytes: Vec<u8>) -> String {
    b.screen("?surface=public", key, account, bytes).await;
    case_of(&b.casework, account).await
}

async fn only_exhibit(b: &Bench, case: &str) -> String {
    let exhibits = casework::exhibits_of_case(&b.casework, case).await.unwrap();
    assert_eq!(exhibits.len(), 1);
    exhibits[0].id.clone()
}

/// Views a case's only file whole and reports the case.
async fn viewed_and_reported(b: &Bench, case: &str, person: &Person) {
    let exhibit = only_exhibit(b, case).await;
    casework::view(&b.casework, &exhibit, person, "review", Extent::Whole)
        .await
        .unwrap();
    b.rule(person, case, Ruling::Report).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_what_was_viewed_and_reported_need_not_be_viewed() {
    let b = bench().await;
    listed(&b, 1..4).await;
    let platform = b.key(&[Right::Screen], None).await;
    let (rita, person) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let (sara, _) = Browser::of(&b, "Sara", Role::Reviewer).await;

    let first = uploaded(&b, &platform, "u1", copy(1, 0)).await;
    let same = uploaded(&b, &platform, "u2", copy(1, 0)).await;
    let near = uploaded(&b, &platform, "u3", copy(1, 9)).await;
    let other = uploaded(&b, &platform, "u4", copy(2, 0)).await;
    let offer = "value=\"seen-before-report\"";
    let page = async |case: &str| sara.get(&format!("/cases/{case}")).await.body;
    // Decided without a view: that spares no one.
    b.rule(&person, &first, Ruling::Report).await;
    for case in [&same, &near] {
        assert!(!page(case).await.contains(offer));
    }
    viewed_and_reported(&b, &first, &person).await;
    for (case, says) in [
        (&same, "The same bytes were viewed by "),
        (&near, "A file matching the same list entry was viewed by "),
    ] {
        let page = page(case).await;
        assert!(page.contains(offer) && page.contains(says), "{page}");
        assert!(page.contains(&format!("href=\"/cases/{first}\"")));
    }
    assert!(!page(&other).await.contains(offer));

    // The grounds claim no view, and the report says that the file was not viewed.
    let case = page(&near).await;
    let decision = format!("/cases/{near}/decision");
    let answered = sara
        .fill(&case, &decision, &[("template", "seen-before-report")])
        .await;
    assert_eq!(answered.status, axum::http::StatusCode::SEE_OTHER);
    let decisions = casework::decisions(&b.casework, &near).await.unwrap();
    assert_eq!(decisions[0].ruling(), Ruling::Report);
    let form = obhut_app::formats::reports::by_name("package").unwrap();
    let check = obhut_app::reports::check(&b.casework, &near, form, false, "test")
        .await
        .unwrap();
    let claims = check.remarks.iter().find(|r| r.field == "decision.grounds");
    assert_eq!(claims, None);
    // Not viewed, so it spares no one else either: the first still does.
    assert!(
        page(&same)
            .await
            .contains(&format!("href=\"/cases/{first}\""))
    );

    // When the decision was appealed, people look for themselves.
    casework::file_appeal(&b.casework, &first, "it is mine", "test")
        .await
        .unwrap();
    assert!(!page(&same).await.contains(offer));
    let _ = rita;
}

/// What was viewed and not reported is shown, and offers no grounds to report.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_what_was_not_reported_offers_no_report() {
    let b = bench().await;
    listed(&b, 1..2).await;
    let platform = b.key(&[Right::Screen], None).await;
    let (rita, person) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let first = uploaded(&b, &platform, "u1", copy(1, 0)).await;
    let near = uploaded(&b, &platform, "u2", copy(1, 9)).await;
    let exhibit = only_exhibit(&b, &first).await;
    casework::view(&b.casework, &exhibit, &person, "review", Extent::Whole)
        .await
        .unwrap();
    b.rule(&person, &first, Ruling::NoReport).await;
    let page = rita.get(&format!("/cases/{near}")).await.body;
    assert!(page.contains("A file matching the same list entry was viewed by "));
    assert!(!page.contains("value=\"seen-before-report\""));
}

/// NCMEC's totals of 2022 were 49.4 million files, 26.4 million of them with different bytes, 18.8
/// million that don't look alike (Source: NCMEC, CyberTipline data 2022). A stream in these
/// proportions is decided by a person who views a file only if no copy was viewed before.
#[tokio::test(flavor = "multi_thread")]
async fn three_of_five_views_are_spared_on_a_stream_with_ncmecs_duplicates() {
    const FILES: u32 = 49;
    const DIFFERENT: u32 = 26;
    const UNLIKE: u32 = 19;
    let b = bench().await;
    listed(&b, 1..UNLIKE + 1).await;
    let platform = b.key(&[Right::Screen], None).await;
    let (browser, person) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let mut views = 0;
    for n in 0..FILES {
        let different = n % DIFFERENT;
        let (scene, brighter) = (different % UNLIKE, different / UNLIKE * 9);
        let bytes = copy(scene + 1, brighter as u8);
        let case = uploaded(&b, &platform, &format!("u{n}"), bytes).await;
        let page = browser.get(&format!("/cases/{case}")).await.body;
        if page.contains("value=\"seen-before-report\"") {
            b.rule(&person, &case, Ruling::Report).await;
        } else {
            viewed_and_reported(&b, &case, &person).await;
            views += 1;
        }
    }
    assert_eq!(views, UNLIKE, "each group was viewed once");
    assert!(f64::from(FILES - views) >= 0.6 * f64::from(FILES));
}
