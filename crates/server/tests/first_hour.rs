//! Who gets in by the one-time address, and that the test list is the test picture's.

mod bench;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use bench::*;
use http_body_util::BodyExt as _;
use obhut_app::casework::{self, *};
use obhut_server::{FirstHour, Outside};
use tower::ServiceExt as _;

struct First {
    app: Router,
    casework: Arc<Casework>,
    path: String,
    _folder: tempfile::TempDir,
}

async fn first() -> First {
    let (casework, folder) = bench::casework().await;
    let first_hour = FirstHour::default();
    let path = first_hour.path();
    let outside = Outside {
        first_hour: Some(first_hour),
        ..Outside::default()
    };
    First {
        app: obhut_server::app_with(casework.clone(), pool(), outside),
        casework,
        path,
        _folder: folder,
    }
}

impl First {
    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn post(&self, fields: String, site: &str) -> (StatusCode, String) {
        let request = Request::post("/first").header("sec-fetch-site", site);
        self.send(request.body(Body::from(fields)).unwrap()).await
    }

    async fn people(&self) -> usize {
        casework::people(&self.casework).await.unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_printed_address_makes_people_and_makes_them_once() {
    let f = first().await;
    let code = f.path.split_once("code=").unwrap().1;
    let here = "same-origin";
    for wrong in ["", "0", &code[1..], &"0".repeat(32)] {
        let get = Request::get(format!("/first?code={wrong}"));
        let (status, page) = f.send(get.body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{wrong}");
        assert!(!page.contains(code));
        let fields = format!("code={wrong}&name=Eve&second=Mallory");
        assert_eq!(f.post(fields, here).await.0, StatusCode::FORBIDDEN);
    }
    let good = format!("code={code}&name=Ada&second=Grace");
    let from_elsewhere = f.post(good.clone(), "cross-site").await;
    assert_eq!(from_elsewhere.0, StatusCode::FORBIDDEN);
    for (name, second) in [
        ("Ada", "ada"),
        ("", "Grace"),
        ("Ada", "%E2%80%AEGrace"),
        ("Ada", ""),
    ] {
        let fields = format!("code={code}&name={name}&second={second}");
        let (status, page) = f.post(fields, here).await;
        assert_eq!(
            status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{name:?} {second:?} {page}"
        );
        // It can be corrected and sent again.
        assert!(page.contains(code));
    }
    assert_eq!(f.people().await, 0, "nobody is half made");
    let two = tokio::join!(f.post(good.clone(), here), f.post(good, here));
    let mut both = [two.0.0, two.1.0];
    both.sort();
    assert_eq!(both, [StatusCode::OK; 2], "a double click");
    assert_eq!(two.0.1, two.1.1, "both show the same keys");
    assert_eq!(f.people().await, 2);
    let keys = casework::keys(&f.casework).await.unwrap();
    let platform = keys.iter().find(|k| k.person.is_none()).unwrap();
    assert_eq!(platform.rights, [Right::Screen]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_first_hour_has_no_such_address() {
    let b = bench::http::bench().await;
    for path in ["/first", "/first?code="] {
        assert_eq!(b.get(path, None).await.0, StatusCode::FORBIDDEN);
    }
    assert_eq!(b.get("/first/steps", None).await.0, StatusCode::SEE_OTHER);
}

#[test]
fn the_test_list_is_that_of_the_test_picture() {
    let picture = include_bytes!("../assets/test-picture.png");
    let list = include_str!("../assets/test-list.csv");
    let rgb = image::load_from_memory(picture).unwrap().to_rgb8();
    let pixels = obhut_hash::Pixels::new(rgb.width(), rgb.height(), rgb.as_raw()).unwrap();
    let kind = |name| obhut_hash::kinds::by_name(name).unwrap();
    let pdq = kind("pdq").of_pixels(pixels).unwrap();
    assert!(list.contains(&format!("pdq,{},", pdq.digest.to_hex())));
    let md5 = kind("md5").of_bytes(picture).unwrap();
    assert!(list.contains(&format!("md5,{},", md5.to_hex())));
}
