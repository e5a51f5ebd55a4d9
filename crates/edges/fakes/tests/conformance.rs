//! The requests of public CyberTipline clients, as their sources build them, against the fake: a
//! report with one file is filed, and another is retracted. Described, not copied; run it alone with
//! `cargo xtask conformance`.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use http_body_util::BodyExt as _;
use obhut_fakes::cybertip::{CyberTip, FaultInjection, Login};
use obhut_formats::tree;
use tower::ServiceExt as _;

/// How a client words its requests.
struct Client {
    /// Where its source is.
    source: &'static str,
    /// What precedes the root of a document.
    declaration: &'static str,
    /// Attributes of the root.
    attributes: &'static str,
    /// Content-Type of documents.
    media: &'static str,
    /// Boundary of forms with parts.
    boundary: &'static str,
    /// Headers of the part with the report's number, besides its name.
    of_id: &'static str,
    /// Headers of the part with the file, besides its name.
    of_file: &'static str,
    /// The part with the file comes first.
    file_first: bool,
    /// `/finish` and `/retract` get a form with parts, and not an urlencoded one.
    parts_only: bool,
}

const PLAIN: Client = Client {
    source: "",
    declaration: "",
    attributes: "",
    media: "text/xml; charset=utf-8",
    boundary: "b",
    of_id: "",
    of_file: "; filename=\"a.jpg\"\r\nContent-Type: application/octet-stream",
    file_first: false,
    parts_only: false,
};

const CLIENTS: &[Client] = &[
    Client {
        source: "https://github.com/Boostport/ncmec-go (Go, mime/multipart)",
        boundary: "7d1c6f2f0b3b4b0f8d5e4a2c9b1f6e3d2c1b0a9f8e7d6c5b4a3928171605",
        ..PLAIN
    },
    Client {
        source: "https://github.com/ello/ncmec_reporting (Ruby, Faraday and Nokogiri)",
        declaration: "<?xml version=\"1.0\"?>\n",
        boundary: "-----------RubyMultipartPost-a1b2c3",
        of_file: "; filename=\"a.jpg\"\r\nContent-Length: 5\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: binary",
        parts_only: true,
        ..PLAIN
    },
    Client {
        source: "https://github.com/usips/xf2-ncmec (PHP, curl)",
        declaration: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        boundary: "------------------------d74496d66958873e",
        of_file: "; filename=\"attachment.data\"\r\nContent-Type: application/octet-stream",
        parts_only: true,
        ..PLAIN
    },
    Client {
        source: "https://github.com/Nachtalb/ncmec-cybertip (Python, httpx and lxml)",
        declaration: "<?xml version='1.0' encoding='utf-8'?>\n",
        boundary: "1f3870be274f6c49b3e31a0c6728957f",
        of_file: "; filename=\"file\"\r\nContent-Type: application/octet-stream",
        ..PLAIN
    },
    Client {
        source: "https://github.com/LumeWeb/ncmec (Go, encoding/xml with a schema's address)",
        declaration: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        attributes: " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:noNamespaceSchemaLocation=\"https://report.cybertip.org/ispws/xsd\"",
        of_file: "; filename=\"/srv/uploads/a.jpg\"\r\nContent-Type: application/octet-stream",
        ..PLAIN
    },
    Client {
        source: "https://github.com/Johannes-Andersen/CyberTipline-Tools (TypeScript, fetch and FormData)",
        media: "text/xml; charset=UTF-8",
        boundary: "----formdata-undici-013243567812",
        of_file: "; filename=\"blob\"\r\nContent-Type: image/png",
        parts_only: true,
        ..PLAIN
    },
    Client {
        source: "a form whose file comes before the number, which RFC 7578 allows",
        media: "application/xml",
        file_first: true,
        ..PLAIN
    },
];

impl Client {
    fn document(&self, root: &str, inside: &str) -> String {
        let (before, attributes) = (self.declaration, self.attributes);
        format!("{before}<{root}{attributes}>{inside}</{root}>")
    }

    fn parts(&self, id: &str, with_file: bool) -> (String, String) {
        let b = self.boundary;
        let named = |name: &str, more: &str, value: &str| {
            format!(
                "--{b}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}\r\n"
            )
        };
        let mut parts = vec![named("id", self.of_id, id)];
        if with_file {
            parts.push(named("file", self.of_file, "hello"));
        }
        if self.file_first {
            parts.reverse();
        }
        let body = format!("{}--{b}--\r\n", parts.concat());
        (format!("multipart/form-data; boundary={b}"), body)
    }

    fn ending(&self, id: &str) -> (String, String) {
        match self.parts_only {
            true => self.parts(id, false),
            false => (
                "application/x-www-form-urlencoded".into(),
                format!("id={id}"),
            ),
        }
    }
}

const REPORT: &str = "<incidentSummary><incidentType>Child Sex Trafficking</incidentType><incidentDateTime>2026-01-01T00:00:00Z</incidentDateTime></incidentSummary><reporter><reportingPerson><email>a@example.com</email></reportingPerson></reporter>";

async fn call(app: &Router, path: &str, media: &str, body: String) -> tree::Node {
    let login = base64::engine::general_purpose::STANDARD.encode("u:p");
    let method = if media.is_empty() { "GET" } else { "POST" };
    let request = Request::builder()
        .method(method)
        .uri(format!("/ispws{path}"))
        .header("authorization", format!("Basic {login}"))
        .header("content-type", media)
        .body(Body::from(body))
        .unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    tree::parse(std::str::from_utf8(&bytes).unwrap()).unwrap()
}

#[tokio::test]
async fn the_requests_of_public_clients_are_understood() {
    for client in CLIENTS {
        let login = Login {
            user: "u".into(),
            password: "p".into(),
        };
        let now = Arc::new(|| 1_790_000_000_000_000);
        let service = CyberTip::new(login, FaultInjection::default(), now);
        let app = service.router();
        let answered = async |path: &str, (media, body): (String, String)| {
            let node = call(&app, path, &media, body).await;
            let code = node.text_of("responseCode").unwrap_or_default();
            assert_eq!(code, "0", "{}: {path}: {node:?}", client.source);
            node
        };
        let document =
            |root: &str, inside: &str| (client.media.to_owned(), client.document(root, inside));
        let text = |node: &tree::Node, name: &str| node.text_of(name).unwrap().to_owned();

        let status = answered("/status", (String::new(), String::new())).await;
        // The answer to /status has no report number.
        assert_eq!(status.text_of("reportId"), None);
        let id = text(
            &answered("/submit", document("report", REPORT)).await,
            "reportId",
        );
        let uploaded = answered("/upload", client.parts(&id, true)).await;
        // MD5 of "hello".
        assert_eq!(text(&uploaded, "hash"), "5d41402abc4b2a76b9719d911017c592");
        let file = text(&uploaded, "fileId");
        let details = format!(
            "<reportId>{id}</reportId><fileId>{file}</fileId><originalFileName>a.jpg</originalFileName>"
        );
        answered("/fileinfo", document("fileDetails", &details)).await;
        let done = answered("/finish", client.ending(&id)).await;
        assert_eq!(done.name, "reportDoneResponse");
        let second = text(
            &answered("/submit", document("report", REPORT)).await,
            "reportId",
        );
        answered("/retract", client.ending(&second)).await;
        assert_eq!(service.finished_count(), 1);
        println!("understood: {}", client.source);
    }
}
