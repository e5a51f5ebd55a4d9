//! The HTTP interface over a fresh casework, called without a port.

use axum::Router;
use axum::http::{Request, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;

pub struct Bench {
    pub app: Router,
    pub casework: Arc<Casework>,
    _folder: tempfile::TempDir,
}

pub async fn bench() -> Bench {
    bench_at(Arc::new(SystemClock)).await
}

/// Like [`bench`], with a given clock.
pub async fn bench_at(clock: Arc<dyn Clock>) -> Bench {
    bench_with(clock, obhut_server::Outside::default()).await
}

/// Like [`bench_at`], with what a server is given from outside.
pub async fn bench_with(clock: Arc<dyn Clock>, outside: obhut_server::Outside) -> Bench {
    let (casework, folder) = super::casework_at(clock).await;
    Bench {
        app: obhut_server::app_with(casework.clone(), pool(), outside),
        casework,
        _folder: folder,
    }
}

impl Bench {
    pub async fn person(&self, name: &str, role: Role) -> Person {
        casework::add_person(&self.casework, name, &[role], "test")
            .await
            .unwrap()
    }

    /// Sets who reports.
    pub async fn reporter(&self) {
        let reporter = Reporter {
            service: "Example".into(),
            email: "trust@example.com".into(),
            ..Reporter::default()
        };
        casework::set_reporter(&self.casework, &reporter, "test")
            .await
            .unwrap();
    }

    /// Decides a case, without a category.
    pub async fn rule(&self, person: &Person, case: impl AsRef<str>, ruling: Ruling) {
        let request = DecisionRequest {
            ruling,
            grounds: "g".into(),
            category: None,
        };
        casework::decide(&self.casework, case.as_ref(), person, &request)
            .await
            .unwrap();
    }

    pub async fn key(&self, rights: &[Right], person: Option<&Person>) -> String {
        casework::create_key(&self.casework, "test", rights, person, "test")
            .await
            .unwrap()
            .1
    }

    /// Imports a blocking list that holds the picture's MD5, signed by two people.
    pub async fn list(&self, picture: &[u8]) {
        self.list_with(picture, Action::Block).await;
    }

    pub async fn list_with(&self, picture: &[u8], action: Action) {
        let settings = ListSettings {
            name: "hotline".into(),
            owner: "Hotline".into(),
            purpose: Purpose::Assessed,
            basis: "law".into(),
            action,
        };
        let kind = obhut_hash::kinds::by_name("md5").unwrap();
        let obhut_hash::Compute::Bytes(compute) = kind.compute else {
            panic!()
        };
        let digest = compute(&mut &picture[..]).unwrap().to_hex();
        let csv =
            format!("kind,digest,category_scale,category,entry_id\nmd5,{digest},,,entry-one\n");
        media::import_list(&self.casework, &settings, csv.as_bytes(), "test")
            .await
            .unwrap();
        for name in ["Ada", "Grace"] {
            let person = self.person(name, Role::ListSteward).await;
            media::sign_list(&self.casework, "hotline", &person)
                .await
                .unwrap();
        }
    }

    /// Imports another list, with the MD5 of these bytes, signed by two people.
    pub async fn list_more(&self, bytes: &[u8]) {
        let settings = ListSettings {
            name: "second".into(),
            owner: "Hotline".into(),
            purpose: Purpose::Assessed,
            basis: "law".into(),
            action: Action::Hold,
        };
        let kind = obhut_hash::kinds::by_name("md5").unwrap();
        let digest = kind.of_bytes(bytes).unwrap().to_hex();
        let csv = format!("kind,digest,entry_id\nmd5,{digest},entry-two\n");
        media::import_list(&self.casework, &settings, csv.as_bytes(), "test")
            .await
            .unwrap();
        super::sign(&self.casework, "second").await;
    }

    pub async fn send(&self, request: Request<Body>) -> (StatusCode, header::HeaderMap, String) {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (
            parts.status,
            parts.headers,
            String::from_utf8(bytes.to_vec()).unwrap(),
        )
    }

    pub async fn get(&self, path: &str, key: Option<&str>) -> (StatusCode, String) {
        let mut request = Request::get(path);
        if let Some(key) = key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let (status, _, body) = self.send(request.body(Body::empty()).unwrap()).await;
        (status, body)
    }

    pub async fn screen(
        &self,
        query: &str,
        key: &str,
        account: &str,
        bytes: Vec<u8>,
    ) -> (StatusCode, Value) {
        let request = Request::post(format!("/v1/screen{query}"))
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header("Obhut-Account", account)
            .body(Body::from(bytes))
            .unwrap();
        let (status, _, body) = self.send(request).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    pub async fn call(&self, key: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let (status, _, text) = self.send(request).await;
        (
            status.as_u16(),
            serde_json::from_str(&text).unwrap_or(Value::Null),
        )
    }
}
