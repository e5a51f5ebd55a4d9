//! A witness that says what it likes: nothing it says is kept unless it has signed it, and it is asked
//! only so often.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use obhut_casework::{
    self as casework, DataFolder, Role, SystemClock, WitnessFault, WitnessSigner,
};
use obhut_partners::http::Http;
use obhut_partners::witnessing::ask_and_keep;

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
