//! A witness that says what it likes: nothing it says is kept unless it has signed it, and it is asked
//! only so often.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use obhut_casework::{
    self as casework, DataFolder, LogKey, NotCosigned, Refusal, Role, SystemClock, WitnessFault,
    WitnessFolder, WitnessSigner,
};
use obhut_partners::http::Http;
use obhut_partners::witnessing::ask_and_keep;
use tokio::io::AsyncWriteExt as _;

/// An answer of a witness, and how it is taken.
struct Case {
    says: fn(&[u8]) -> Response,
    fault: fn(&WitnessFault) -> bool,
}

fn size(text: &'static str) -> Response {
    let media_type = [(header::CONTENT_TYPE, "text/x.tlog.size")];
    (StatusCode::CONFLICT, media_type, text).into_response()
}

const CASES: &[Case] = &[
    Case {
        says: |_| "— witness.example/1 AAAAAAAAAAAAAAAA\n".into_response(),
        fault: |f| matches!(f, WitnessFault::Silent(_)),
    },
    Case {
        // The log's own signature, sent back.
        says: |body| {
            let text = String::from_utf8_lossy(body).into_owned();
            let line = text.rsplit("\n\n").next().unwrap().to_owned();
            line.into_response()
        },
        fault: |f| matches!(f, WitnessFault::Silent(_)),
    },
    Case {
        says: |_| size("18446744073709551615\n"),
        fault: |f| matches!(f, WitnessFault::Ahead { seen: u64::MAX, .. }),
    },
    Case {
        says: |_| size("18446744073709551616\n"),
        fault: |f| matches!(f, WitnessFault::Silent(_)),
    },
    Case {
        says: |_| size("-1\n"),
        fault: |f| matches!(f, WitnessFault::Silent(_)),
    },
    Case {
        // Another size each time.
        says: |body| match body.starts_with(b"old 0") {
            true => size("1\n"),
            false => size("0\n"),
        },
        fault: |f| matches!(f, WitnessFault::Silent(_)),
    },
    Case {
        says: |_| StatusCode::NOT_FOUND.into_response(),
        fault: |f| *f == WitnessFault::Unknown,
    },
    Case {
        says: |_| StatusCode::FORBIDDEN.into_response(),
        fault: |f| *f == WitnessFault::OtherKey,
    },
    Case {
        says: |_| StatusCode::UNPROCESSABLE_ENTITY.into_response(),
        fault: |f| matches!(f, WitnessFault::Fork(_)),
    },
    Case {
        says: |_| {
            (
                StatusCode::FOUND,
                [(header::LOCATION, "http://127.0.0.1:1/")],
            )
                .into_response()
        },
        fault: |f| matches!(f, WitnessFault::Silent(_)),
    },
    Case {
        says: |_| vec![b'x'; 5 << 20].into_response(),
        fault: |f| matches!(f, WitnessFault::Silent(_)),
    },
];

#[tokio::test]
async fn what_a_witness_has_not_signed_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = DataFolder::new(folder.path().join("data"));
    let c = casework::open_with(folder, None, Arc::new(SystemClock), Vec::new()).await;
    let c = c.unwrap();
    let person = casework::add_person(&c, "Ida", &[Role::Administrator], "test").await;
    let person = person.unwrap();
    let key = WitnessSigner::generate("witness.example/1").unwrap();
    let key = WitnessSigner::from_text(&key).unwrap().key();
    casework::seal_rows(&c).await.unwrap();
    let http = Arc::new(Http::default());
    for (n, case) in CASES.iter().enumerate() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        let says = case.says;
        let answer = async move |body: Bytes| {
            counted.fetch_add(1, Ordering::SeqCst);
            says(&body)
        };
        let app = axum::Router::new().route("/add-checkpoint", axum::routing::post(answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, app).await });
        let witness = casework::add_witness(&c, &url, &key, &person)
            .await
            .unwrap();
        let answer = ask_and_keep(&c, &http, &witness).await.unwrap();
        let fault = answer.expect_err("it has signed nothing");
        assert!((case.fault)(&fault), "{n}: {fault:?}");
        assert!(asked.load(Ordering::SeqCst) <= 4, "{n}");
        let witness = casework::witness(&c, "witness.example/1").await.unwrap();
        assert_eq!(casework::last_cosigned(&c, &witness).unwrap(), None, "{n}");
        serving.abort();
    }
    let alarms = casework::alarms(&c).await.unwrap();
    assert_eq!(
        alarms.len(),
        1,
        "one for what shows another history: {alarms:?}"
    );
}

/// A witness that remembers, whose clock can be set.
#[tokio::test]
async fn a_witness_with_another_time_or_without_its_record_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::new(folder.path().join("data"));
    let c = casework::open_with(data, None, Arc::new(SystemClock), Vec::new()).await;
    let c = c.unwrap();
    let person = casework::add_person(&c, "Ida", &[Role::Administrator], "test").await;
    let person = person.unwrap();
    casework::seal_rows(&c).await.unwrap();
    let kept = folder.path().join("witness");
    let witness = WitnessFolder::open(&kept, Some("witness.example/1")).unwrap();
    let log = LogKey::from_text(casework::vault_key(&c)).unwrap();
    witness.trust(&log).unwrap();
    let (key, ahead) = (witness.key(), Arc::new(AtomicI64::new(0)));
    let (witness, clock) = (Arc::new(witness), ahead.clone());
    let answer = async move |body: Bytes| {
        let now = jiff::Timestamp::now().as_second() + clock.load(Ordering::SeqCst);
        match witness.add_checkpoint(&body, now) {
            Ok(line) => line.into_response(),
            Err(NotCosigned::Refused(Refusal::OtherSize(size))) => {
                let media_type = [(header::CONTENT_TYPE, "text/x.tlog.size")];
                (StatusCode::CONFLICT, media_type, format!("{size}\n")).into_response()
            }
            Err(other) => panic!("{other:?}"),
        }
    };
    let app = axum::Router::new().route("/add-checkpoint", axum::routing::post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let http = Arc::new(Http::default());
    casework::add_witness(&c, &url, &key, &person)
        .await
        .unwrap();
    let ask = async || {
        let witness = casework::witness(&c, "witness.example/1").await.unwrap();
        ask_and_keep(&c, &http, &witness).await.unwrap()
    };
    for wrong in [-200_000_000, -4_000, 4_000, i64::MAX - 2_000_000_000] {
        ahead.store(wrong, Ordering::SeqCst);
        assert!(
            matches!(ask().await, Err(WitnessFault::Silent(_))),
            "{wrong}"
        );
    }
    ahead.store(60, Ordering::SeqCst);
    let cosigned = ask().await.unwrap();
    // It loses its record, and the log grows.
    let logs = std::fs::read_dir(kept.join("logs")).unwrap();
    let place = logs.flatten().next().unwrap().path().join("checkpoint");
    std::fs::remove_file(place).unwrap();
    casework::seal_rows(&c).await.unwrap();
    let fault = ask().await.unwrap_err();
    let known = cosigned.head.size;
    assert_eq!(fault, WitnessFault::LostRecord { seen: 0, known });
    assert_eq!(casework::alarms(&c).await.unwrap().len(), 1);
    // Stopped and added again, it may start from nothing.
    casework::stop_witness(&c, "witness.example/1", "it lost its record", &person)
        .await
        .unwrap();
    casework::add_witness(&c, &url, &key, &person)
        .await
        .unwrap();
    casework::seal_rows(&c).await.unwrap();
    assert!(ask().await.is_ok());
    assert_eq!(casework::alarms(&c).await.unwrap(), []);
    assert_eq!(casework::verify_vault(&c).await.unwrap().vault.problems, []);
    serving.abort();
}

/// Regression: an answer that came byte by byte kept every other witness from being asked.
#[tokio::test]
async fn an_answer_that_never_ends_is_left() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
            let _ = stream.write_all(head).await;
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::new(folder.path().join("data"));
    let c = casework::open_with(data, None, Arc::new(SystemClock), Vec::new()).await;
    let c = c.unwrap();
    let person = casework::add_person(&c, "Ida", &[Role::Administrator], "test").await;
    let key = WitnessSigner::generate("witness.example/1").unwrap();
    let key = WitnessSigner::from_text(&key).unwrap().key();
    let witness = casework::add_witness(&c, &url, &key, &person.unwrap())
        .await
        .unwrap();
    let http = Arc::new(Http::within(Duration::from_millis(300)));
    let answer = ask_and_keep(&c, &http, &witness).await.unwrap();
    assert!(matches!(answer, Err(WitnessFault::Silent(_))), "{answer:?}");
    serving.abort();
}
