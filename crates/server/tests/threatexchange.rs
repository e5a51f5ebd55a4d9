//! Compares signals with those of python-threatexchange: what HMA would have computed from the same
//! files, and whether it would have matched them.

mod bench;

use std::process::Command;

use axum::body::Body;
use axum::http::{Request, header};
use obhut_app::casework::*;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// Prints the signals of each file in the folder, and whether each pair of pictures matches.
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
    // Lossless formats: both sides must decode to the same pixels for a fair comparison.
    let wrapped = |seed: u32| match seed % 3 {
        0 => bench::encoded(&bench::scene(seed), image::ImageFormat::Bmp),
        _ => bench::picture(seed),
    };
    let mut files: Vec<Vec<u8>> = (0..12).map(wrapped).collect();
    // One picture in a second format, and one with too little detail.
    files.push(bench::encoded(&bench::scene(5), image::ImageFormat::Bmp));
    files.push(bench::flat());
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

    let (casework, _folder) = bench::casework().await;
    let key = bench::public_key(&casework, &[Right::Screen, Right::Findings]).await;
    let app = obhut_server::app(casework, bench::pool());
    let ask = async |path: &str, media: &str, body: Vec<u8>| -> Value {
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, media)
            .body(Body::from(body))
            .unwrap();
        bench::answer(app.clone().oneshot(request).await.unwrap())
            .await
            .2
    };
    for (bytes, expected) in files.iter().zip(theirs["signals"].as_array().unwrap()) {
        for (field, name) in [("photo", "pdq"), ("video", "video_md5")] {
            let body = bench::form(&[(field, "a", bytes)], &[]);
            let ours = ask("/h/hash", bench::FORM.1, body).await;
            assert_eq!(ours[name], expected[name]);
        }
    }
    let pairs = theirs["pairs"].as_array().unwrap();
    // Pictures of low quality drop out; enough must remain.
    assert!(pairs.len() >= 100);
    for pair in pairs {
        let body = json!({"pdq": [pair[0], pair[1]]}).to_string().into_bytes();
        let ours = ask("/m/compare", "application/json", body).await;
        assert_eq!(ours["pdq"][0], pair[2], "{pair}");
    }
}
