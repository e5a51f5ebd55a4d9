//! What the tests over HTTP share: a fresh casework, decoders, pictures, forms, answers.

#![allow(dead_code)]

pub mod browser;
pub mod http;
pub mod platform;

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Response};
use http_body_util::BodyExt as _;
use obhut_app::casework::*;
use obhut_app::media::*;
use obhut_app::{casework, media};
use serde_json::Value;

pub fn pool() -> Arc<Pool> {
    let test = std::env::current_exe().unwrap();
    // Test programs are in deps/, the binaries one folder above.
    let built = test.parent().unwrap().parent().unwrap();
    let program: PathBuf = built.join("obhut-decode");
    assert!(
        program.exists(),
        "run `cargo build -p obhut-decode` first, or test the whole workspace"
    );
    Arc::new(Pool::new(WorkerCommand { program }, Limits::default()))
}

/// A casework in a temporary folder, deleted when the second value is dropped.
pub async fn casework() -> (Arc<Casework>, tempfile::TempDir) {
    casework_at(Arc::new(SystemClock)).await
}

/// Like [`casework`], with a given clock.
pub async fn casework_at(clock: Arc<dyn Clock>) -> (Arc<Casework>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let opened = obhut_app::open(DataFolder::new(folder.path()), None, clock);
    (Arc::new(opened.await.unwrap()), folder)
}

/// A key whose uploads are public.
pub async fn public_key(casework: &Casework, rights: &[Right]) -> String {
    let (made, key) = casework::create_key(casework, "test", rights, None, "test")
        .await
        .unwrap();
    casework::set_key_surface(casework, &made.id, Surface::Public, "test")
        .await
        .unwrap();
    key
}

/// Imports a list that blocks, and has two people sign it.
pub async fn signed_list(casework: &Casework, csv: &str) {
    let settings = ListSettings {
        name: "hotline".into(),
        owner: "Hotline".into(),
        purpose: Purpose::Assessed,
        basis: "law".into(),
        action: Action::Block,
    };
    media::import_list(casework, &settings, csv.as_bytes(), "test")
        .await
        .unwrap();
    sign(casework, "hotline").await;
}

pub async fn sign(casework: &Casework, list: &str) {
    // Two people, because a version takes effect only with two signatures.
    for name in ["Ada", "Grace"] {
        let person = casework::add_person(casework, name, &[Role::ListSteward], "test")
            .await
            .unwrap();
        media::sign_list(casework, list, &person).await.unwrap();
    }
}

/// A picture that differs for each seed.
pub fn picture(seed: u32) -> Vec<u8> {
    encoded(&scene(seed), image::ImageFormat::Png)
}

pub fn scene(seed: u32) -> image::RgbImage {
    image::RgbImage::from_fn(160, 120, |x, y| {
        // Detailed enough for PDQ; the seed changes the pattern, not just its colours.
        let v = (x * (3 + seed) + y * (7 + seed * 3)) ^ (x * y * (seed + 1) / 50);
        image::Rgb([v as u8, (v >> 2) as u8, (x + seed * 40) as u8])
    })
}

/// A picture with too little detail for PDQ.
pub fn flat() -> Vec<u8> {
    let grey = image::RgbImage::from_pixel(90, 90, image::Rgb([80, 80, 80]));
    encoded(&grey, image::ImageFormat::Png)
}

pub fn encoded(rgb: &image::RgbImage, format: image::ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    rgb.write_to(&mut out, format).unwrap();
    out.into_inner()
}

/// The Content-Type header of [`form`]: name and value.
pub const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=b");

/// A form of files (field, name, bytes) and texts.
pub fn form(files: &[(&str, &str, &[u8])], texts: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    let head = "--b\r\nContent-Disposition: form-data; name";
    for (name, text) in texts {
        body.extend(format!("{head}=\"{name}\"\r\n\r\n{text}\r\n").bytes());
    }
    for (field, name, bytes) in files {
        let head = format!("{head}=\"{field}\"; filename=\"{name}\"");
        body.extend(format!("{head}\r\nContent-Type: image/png\r\n\r\n").bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--b--\r\n");
    body
}

/// Status, headers and JSON, or the text if it isn't JSON.
pub async fn answer(response: Response<Body>) -> (u16, HeaderMap, Value) {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (parts.status.as_u16(), parts.headers, value)
}

/// The case about this account.
pub async fn case_of(c: &Casework, account: &str) -> String {
    for case in casework::cases(c, None).await.unwrap() {
        let case = casework::case(c, &case.id).await.unwrap().case;
        if case.account.is_some_and(|a| a.expose() == account) {
            return case.id;
        }
    }
    panic!("no case of {account}")
}

/// A clock that shows what a test sets, in microseconds.
pub struct SetClock(pub std::sync::atomic::AtomicI64);

impl Clock for SetClock {
    fn now_micros(&self) -> i64 {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// A minute, in microseconds.
pub const MINUTE: i64 = 60 * 1_000_000;
