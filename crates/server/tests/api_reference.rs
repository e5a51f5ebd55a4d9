//! Compares docs/reference/api.md with the page generated from the OpenAPI document, and tests that
//! requests which can't be read are refused in JSON.

use std::fmt::Write as _;
use std::path::Path;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

mod bench;

/// The OpenAPI document, as a client gets it.
async fn document() -> Value {
    let (casework, _folder) = bench::casework().await;
    let app = obhut_server::app(casework, bench::pool());
    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    let answer = app.oneshot(request).await.unwrap();
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

fn reference(document: &Value) -> String {
    let mut text = String::from(
        "# HTTP API\n\nGenerated from the server's OpenAPI document (`GET /openapi.json`) by `cargo xtask docs`. \
         Send a key as `Authorization: Bearer KEY`; bodies and answers are JSON unless noted. \
         Errors are `{\"error\": code, \"message\": sentence}`.\n",
    );
    // serde_json sorts object keys, so the page does not change by chance.
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, call) in item.as_object().unwrap() {
            let _ = write!(text, "\n## {} {path}\n\n", method.to_uppercase());
            for part in ["summary", "description"] {
                if let Some(sentence) = call[part].as_str() {
                    let _ = write!(text, "{}\n\n", sentence.trim());
                }
            }
            for parameter in call["parameters"].as_array().into_iter().flatten() {
                let needed = match parameter["required"].as_bool() {
                    Some(true) => ", required",
                    _ => "",
                };
                let _ = writeln!(
                    text,
                    "- `{}` ({}{needed}): {}",
                    parameter["name"].as_str().unwrap(),
                    parameter["in"].as_str().unwrap(),
                    parameter["description"].as_str().unwrap_or_default().trim(),
                );
            }
            if call["parameters"].as_array().is_some_and(|p| !p.is_empty()) {
                text.push('\n');
            }
            text += "| status | meaning | body |\n|---|---|---|\n";
            for (status, answer) in call["responses"].as_object().unwrap() {
                let _ = writeln!(
                    text,
                    "| {status} | {} | {} |",
                    answer["description"].as_str().unwrap_or_default().trim(),
                    body(&answer["content"])
                );
            }
        }
    }
    text
}

/// Name of the body's schema, or its media type.
fn body(content: &Value) -> String {
    let Some((media_type, content)) = content.as_object().and_then(|c| c.iter().next()) else {
        return String::new();
    };
    let name = |schema: &Value| {
        let reference = schema["$ref"].as_str()?;
        Some(reference.rsplit('/').next().unwrap_or_default().to_owned())
    };
    let schema = &content["schema"];
    match (name(schema), name(&schema["items"])) {
        (Some(one), _) => format!("`{one}`"),
        (_, Some(many)) => format!("list of `{many}`"),
        _ => media_type.clone(),
    }
}

#[tokio::test]
async fn the_api_reference_is_current() {
    let reference = reference(&document().await);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/api.md");
    // Written by the test that compares, so that both use one generator.
    if std::env::var_os("OBHUT_WRITE_DOCS").is_some() {
        std::fs::write(&page, &reference).unwrap();
    }
    let stored = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        stored == reference,
        "docs/reference/api.md is out of date; `cargo xtask docs` writes it"
    );
}

/// Regressions of the document: two types of one name, of which one overwrote the other; answers
/// without a description; two operations of one id; files as lists of numbers; missing refusals
/// that any body can meet.
#[tokio::test]
async fn the_document_is_whole() {
    let document = document().await;
    let mut ids = std::collections::BTreeSet::new();
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations += 1;
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} twice");
            let responses = operation["responses"].as_object().unwrap();
            let mut contents: Vec<&Value> = responses.values().map(|r| &r["content"]).collect();
            for (status, response) in responses {
                let said = response["description"].as_str().unwrap_or_default();
                assert!(!said.is_empty(), "{method} {path} {status}");
            }
            if let Some(body) = operation.get("requestBody") {
                for status in ["400", "413", "415"] {
                    assert!(responses.contains_key(status), "{method} {path} {status}");
                }
                contents.push(&body["content"]);
            }
            for content in contents.into_iter().filter_map(Value::as_object) {
                for (media, content) in content {
                    let numbers = content["schema"]["items"]["type"] == "integer";
                    assert!(!numbers, "{method} {path}: {media}");
                }
            }
        }
    }
    assert!(operations > 60);
    let mut names = std::collections::BTreeMap::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for part in text.split("ToSchema").skip(1) {
            let Some((_, named)) = part.split_once("struct ") else {
                continue;
            };
            let name: String = named.chars().take_while(|c| c.is_alphanumeric()).collect();
            let file = path.file_name().unwrap().to_owned();
            let other = names.insert(name.clone(), file.clone());
            assert!(
                other.is_none_or(|other| other == file),
                "{name} is in two files, and one overwrites the other: give it another name"
            );
        }
    }
    assert!(names.len() > 50, "{}", names.len());
}

/// serde reads a struct from an array too: `["no-report", "seen"]` was once a decision. An empty
/// body was a report, and a case each time. The last page of the queue panicked.
#[tokio::test]
async fn what_is_no_request_is_refused() {
    let b = bench::http::bench().await;
    let olga = b.person("Olga", obhut_app::casework::Role::Reviewer).await;
    let rights = [
        obhut_app::casework::Right::Intake,
        obhut_app::casework::Right::Cases,
        obhut_app::casework::Right::Decide,
        obhut_app::casework::Right::Findings,
    ];
    let key = b.key(&rights, Some(&olga)).await;
    for (path, body, expected) in [
        (
            "/v1/cases/case-0/decisions",
            r#"["no-report","seen",null,{},null,false]"#,
            400,
        ),
        ("/v1/match", r#"[[["md5","00"]]]"#, 400),
        ("/v1/intake", "", 400),
        ("/v1/intake", " \r\n", 400),
        ("/v1/intake?from=9223372036854775807", "GET", 200),
    ] {
        let method = if body == "GET" { "GET" } else { "POST" };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json")
            .body(Body::from(if body == "GET" { "" } else { body }))
            .unwrap();
        let (status, _, answer) = b.send(request).await;
        assert_eq!(status.as_u16(), expected, "{path} {body}: {answer}");
    }
}

/// A query that can't be read was once answered in plain text; clients read errors as JSON.
#[tokio::test]
async fn a_query_that_cannot_be_read_is_refused_in_json() {
    let b = bench::http::bench().await;
    let olga = b.person("Olga", obhut_app::casework::Role::Reviewer).await;
    let rights = [
        obhut_app::casework::Right::Screen,
        obhut_app::casework::Right::Cases,
        obhut_app::casework::Right::Decide,
    ];
    let key = b.key(&rights, Some(&olga)).await;
    for path in [
        "/v1/intake?rows=many",
        "/v1/intake?unknown=1",
        "/v1/payments/alerts?queue=a&queue=b",
        "/v1/cases?limit=x",
        "/v1/screen?since=x&until=y",
        "/v1/cases/case-0/check/ncmec?with_victims=maybe",
        "/v1/cases/case-0/reports/ncmec/draft?with_victims=maybe",
        "/v1/cases/%ff",
        "/v1/reports/%ff/transcript",
        "/v1/cases/case%00",
    ] {
        let (status, body) = b.get(path, Some(&key)).await;
        let body: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}: {body}"));
        assert_eq!(
            (status.as_u16(), &body["error"]),
            (400, &"bad-request".into()),
            "{path}: {body}"
        );
    }
}

/// A body that was too long was once refused in plain text where the handler takes bytes.
#[tokio::test]
async fn a_body_that_is_too_long_is_refused_in_json() {
    let b = bench::http::bench().await;
    let key = b.key(&[obhut_app::casework::Right::Intake], None).await;
    let request = Request::post("/v1/intake")
        .header("Authorization", format!("Bearer {key}"))
        .body(Body::from(vec![b' '; (64 << 20) + 1]))
        .unwrap();
    let (status, _, body) = b.send(request).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status.as_u16(), &body["error"]), (413, &"too-long".into()));
}
