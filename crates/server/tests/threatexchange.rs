//! Signals beside python-threatexchange's own signal types: what HMA would have computed of the same
//! files, and whether it would have called them alike.

use std::io::Cursor;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use http_body_util::BodyExt as _;
use obhut_casework::*;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// For each file of the folder its signals; then of each pair of pictures how they compare.
const PEER: &str = r#"
import json, os, sys
from threatexchange.signal_type.pdq.signal import PdqSignal
from threatexchange.signal_type.md5 import VideoMD5Signal
folder = sys.argv[1]
files = sorted(os.listdir(folder))
signals = []
for name in files:
    with open(os.path.join(folder, name), "rb") as file:
        data = file.read()
    signals.append({"pdq": PdqSignal.hash_from_bytes(data), "video_md5": VideoMD5Signal.hash_from_bytes(data)})
pairs = []
for a in signals:
    for b in signals:
        if a["pdq"] and b["pdq"]:
            result = PdqSignal.compare_hash(a["pdq"], b["pdq"])
            pairs.append([a["pdq"], b["pdq"], result.match])
print(json.dumps({"signals": signals, "pairs": pairs}))
"#;

fn picture(seed: u32, jpeg: bool) -> Vec<u8> {
    let rgb = image::RgbImage::from_fn(200, 150, |x, y| {
        let v = (x * (3 + seed % 5) + y * (7 + seed)) ^ (x * y * (seed + 1) / 50);
        image::Rgb([v as u8, (v >> 2) as u8, (x + seed * 40) as u8])
    });
    let mut out = Cursor::new(Vec::new());
    let format = if jpeg {
        image::ImageFormat::Bmp
    } else {
        image::ImageFormat::Png
    };
    rgb.write_to(&mut out, format).unwrap();
    out.into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_and_comparisons_are_python_threatexchanges() {
    let python = std::env::var_os("OBHUT_ORACLE_PYTHON").unwrap_or_default();
    let there = Command::new(&python)
        .args(["-c", "import threatexchange"])
        .output();
    if !there.is_ok_and(|out| out.status.success()) {
        println!("not present: python-threatexchange (cargo xtask test brings it)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut files: Vec<Vec<u8>> = (0..12).map(|n| picture(n, n % 3 == 0)).collect();
    // One picture in two wrappings, and one that says too little.
    files.push(picture(5, true));
    let mut flat = Cursor::new(Vec::new());
    let grey = image::RgbImage::from_pixel(90, 90, image::Rgb([80, 80, 80]));
    grey.write_to(&mut flat, image::ImageFormat::Png).unwrap();
    files.push(flat.into_inner());
    for (number, bytes) in files.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number:02}")), bytes).unwrap();
    }
    let out = Command::new(&python)
        .args(["-c", PEER])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let theirs: Value = serde_json::from_slice(&out.stdout).unwrap();

    let data = tempfile::tempdir().unwrap();
    let casework = Casework::open(DataFolder::new(data.path()), None, Arc::new(SystemClock));
    let casework = Arc::new(casework.await.unwrap());
    let test = std::env::current_exe().unwrap();
    let program: PathBuf = test
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("obhut-decode");
    let pool = Arc::new(Pool::new(WorkerCommand { program }, Limits::default()));
    let rights = [Right::Screen, Right::Findings];
    let (made, key) = casework
        .create_key("t", &rights, None, "test")
        .await
        .unwrap();
    casework
        .set_key_surface(&made.id, Surface::Public, "test")
        .await
        .unwrap();
    let app = obhut_server::app(casework, pool);
    let ask = async |path: &str, media: &str, body: Vec<u8>| -> Value {
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, media)
            .body(Body::from(body))
            .unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    };
    for (bytes, expected) in files.iter().zip(theirs["signals"].as_array().unwrap()) {
        for (field, name) in [("photo", "pdq"), ("video", "video_md5")] {
            let mut body = format!(
                "--b\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"a\"\r\n\r\n"
            )
            .into_bytes();
            body.extend(bytes);
            body.extend(b"\r\n--b--\r\n");
            let ours = ask("/h/hash", "multipart/form-data; boundary=b", body).await;
            assert_eq!(ours[name], expected[name]);
        }
    }
    let pairs = theirs["pairs"].as_array().unwrap();
    assert!(pairs.len() >= 100);
    for pair in pairs {
        let body = json!({"pdq": [pair[0], pair[1]]}).to_string().into_bytes();
        let ours = ask("/m/compare", "application/json", body).await;
        assert_eq!(ours["pdq"][0], pair[2], "{pair}");
    }
}
