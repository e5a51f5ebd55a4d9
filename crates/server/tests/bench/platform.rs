//! A platform that takes signed events and checks each signature with its own HMAC.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use obhut_app::casework;
use obhut_app::casework::*;
use obhut_app::partners::filing::{self, DrainScope, RetryPolicy};
use obhut_app::partners::http::Http;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::http::Bench;

const SECRET: &[u8] = b"a secret of thirty-two bytes, no";

/// A platform's endpoint: keeps what arrives, and answers with `statuses` in turn, then with 200.
#[derive(Clone, Default)]
pub struct Platform {
    pub statuses: Arc<Mutex<VecDeque<u16>>>,
    got: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
}

async fn take(State(p): State<Platform>, headers: HeaderMap, body: Bytes) -> StatusCode {
    p.got.lock().unwrap().push((headers, body));
    let status = p.statuses.lock().unwrap().pop_front().unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}

impl Platform {
    pub async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new()
            .route("/events", axum::routing::post(take))
            .with_state(self.clone());
        tokio::spawn(async move {
            obhut_server::serve(
                listener,
                router,
                obhut_server::CONNECTIONS_MAX,
                std::future::pending(),
            )
            .await
        });
        format!("http://{address}/events")
    }

    /// Ids and bodies of the events that arrived since the last call. Checks each signature.
    pub fn read(&self) -> Vec<(String, Value)> {
        let got = std::mem::take(&mut *self.got.lock().unwrap());
        let text = |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_owned();
        got.iter()
            .map(|(headers, body)| {
                let id = text(headers, "webhook-id");
                let signed = [
                    format!("{id}.{}.", text(headers, "webhook-timestamp")).as_bytes(),
                    &body[..],
                ]
                .concat();
                let expected = base64::engine::general_purpose::STANDARD.encode(hmac(&signed));
                assert_eq!(text(headers, "webhook-signature"), format!("v1,{expected}"));
                (id, serde_json::from_slice(body).unwrap())
            })
            .collect()
    }
}

/// HMAC-SHA-256 by RFC 2104, written independently of the sender's.
fn hmac(message: &[u8]) -> Vec<u8> {
    let mut key = [0_u8; 64];
    key[..SECRET.len()].copy_from_slice(SECRET);
    let pad = |with: u8| key.map(|b| b ^ with);
    let inner = Sha256::new_with_prefix(pad(0x36))
        .chain_update(message)
        .finalize();
    Sha256::new_with_prefix(pad(0x5c))
        .chain_update(inner)
        .finalize()
        .to_vec()
}

pub async fn drain(b: &Bench) -> filing::DrainStats {
    drain_with(b, true, true).await
}

pub async fn drain_with(b: &Bench, now: bool, platform: bool) -> filing::DrainStats {
    let scope = DrainScope {
        worker: "worker",
        report: None,
        now,
        platform,
    };
    let http = Arc::new(Http::default());
    filing::drain(&b.casework, &http, &RetryPolicy::default(), scope)
        .await
        .unwrap()
}

pub async fn set_up(b: &Bench, url: &str) {
    let adam = b.person("Adam", Role::Administrator).await;
    let secret = base64::engine::general_purpose::STANDARD.encode(SECRET);
    let channel = Channel {
        destination: PLATFORM.into(),
        url: Some(url.into()),
        secret: Some(Sealed::new(format!("whsec_{secret}"))),
        ..Channel::default()
    };
    casework::set_channel(&b.casework, &channel, &adam)
        .await
        .unwrap();
}
