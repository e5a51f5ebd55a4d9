//! How much of the material a person has to see: counted each day, with a cap that only another person
//! can lift.

mod bench;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::http::StatusCode;
use bench::browser::Browser;
use bench::http::bench_at;
use bench::*;
use obhut_app::casework;
use obhut_app::casework::*;

/// Noon of a day in UTC.
const NOON: i64 = (20_000 * 24 + 12) * HOUR;
const HOUR: i64 = 3_600 * 1_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn looks_are_counted_and_only_another_person_lifts_the_cap() {
    let clock = Arc::new(SetClock(AtomicI64::new(NOON)));
    let b = bench_at(clock.clone()).await;
    b.list_with(&picture(1), Action::Hold).await;
    let platform = b.key(&[Right::Screen], None).await;
    b.screen("?surface=public", &platform, "u1", picture(1))
        .await;
    let case = case_of(&b.casework, "u1").await;
    let exhibit = casework::exhibits_of_case(&b.casework, &case)
        .await
        .unwrap()
        .remove(0)
        .id;
    let (rita, person) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let (ada, admin) = Browser::of(&b, "Adam", Role::Administrator).await;
    let path = format!("/cases/{case}/exhibits/{exhibit}");
    let look = async |look: &str| {
        let page = rita.get(&path).await.body;
        let token = page.split("data-token=\"").nth(1).unwrap();
        let token = token.split('"').next().unwrap();
        let asked = format!("token={token}&look={look}&purpose=");
        let page = rita.post(&path, asked).await.body;
        let at = page.split("<img src=\"").nth(1).expect("a look");
        let shown = rita.get(at.split('"').next().unwrap()).await;
        (shown.status, shown.body)
    };
    let today = async || {
        casework::looks_today(&b.casework, &person.id)
            .await
            .unwrap()
    };

    // Without a cap looks are counted; blurred ones are no exposure.
    for kind in ["whole", "whole", "blurred"] {
        assert_eq!(look(kind).await.0, StatusCode::OK, "{kind}");
    }
    assert_eq!((today().await.looks, today().await.left()), (2, None));
    assert!(
        rita.get("/")
            .await
            .body
            .contains("looked at files 2 times today")
    );

    casework::set_exposure_cap(&b.casework, Some(3), &admin)
        .await
        .unwrap();
    assert!(
        casework::set_exposure_cap(&b.casework, None, &person)
            .await
            .is_err()
    );
    assert_eq!(look("whole").await.0, StatusCode::OK);
    let views = async || casework::views(&b.casework, &exhibit).await.unwrap().len();
    let before = views().await;
    let (status, said) = look("whole").await;
    assert_eq!(status, StatusCode::CONFLICT);
    let viewer = rita.get(&path).await.body;
    assert!(
        viewer.contains("No more looks are allowed today") && !viewer.contains("value=\"whole\"")
    );
    assert!(said.contains("take a break"), "{said}");
    assert_eq!(views().await, before, "nothing was seen or recorded");
    // The command line and the API ask the same function.
    let other_way = casework::view(&b.casework, &exhibit, &person, "review", Extent::Part).await;
    assert!(matches!(other_way, Err(CaseworkError::Conflict { .. })));
    assert_eq!(look("blurred").await.0, StatusCode::OK);
    let paused = rita.get("/pause").await.body;
    assert!(paused.contains("No more looks are allowed today"));
    assert!(paused.contains("href=\"tel:08001110111\""));

    // Not by oneself, not without a reason.
    let own = casework::lift_exposure_cap(&b.casework, &person, 5, "urgent", &person).await;
    assert!(matches!(own, Err(CaseworkError::Denied { .. })));
    let people = ada.get("/people").await.body;
    let form = format!("/people/{}/looks", person.id);
    let bare = ada
        .fill(&people, &form, &[("more", "1"), ("because", " ")])
        .await;
    assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
    let lifted = ada
        .fill(
            &people,
            &form,
            &[("more", "1"), ("because", "a child can't wait")],
        )
        .await;
    assert_eq!(lifted.status, StatusCode::SEE_OTHER, "{}", lifted.body);
    assert_eq!(look("whole").await.0, StatusCode::OK);
    assert_eq!(look("whole").await.0, StatusCode::CONFLICT);
    let audit = casework::audit(&b.casework, Some(&person.id))
        .await
        .unwrap();
    let lift = audit.iter().find(|row| row.act == "exposure.lift").unwrap();
    assert!(lift.detail.contains("a child can't wait"));

    // A new day begins at midnight UTC; what was allowed before doesn't count any more.
    clock.0.store(NOON + 12 * HOUR, Ordering::Relaxed);
    let fresh = Exposure {
        looks: 0,
        cap: Some(3),
        more: 0,
    };
    assert_eq!(today().await, fresh);
}
