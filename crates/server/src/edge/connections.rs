//! Accepts connections and bounds them: how many are open, how long one may stay silent, and how
//! long stopping may take.
//!
//! At the limit the connection that has been waiting longest is closed for the new one. Waiting
//! means that it hasn't sent a whole request yet, or none with a key that opens something, or doesn't
//! take its answer. So
//! connections that say nothing, or say it slowly, cost those who do speak nothing.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;

use super::tls::Tls;

/// Longest wait for a request's whole header, and longest silence between two requests. Our
/// judgement: proxies keep idle connections for a minute; here they may be closed earlier, which
/// they handle.
const HEADER_TIME_MAX: Duration = Duration::from_secs(30);
/// Longest header, in bytes, with all fields. Our judgement: twice what nginx accepts by default.
const HEADER_BYTES_MAX: usize = 64 << 10;
/// A client that takes longer to receive its answer may be closed for another one. Our judgement: an
/// exhibit of 256 MiB takes 25 seconds at 10 MB a second.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// Longest time for the requests under way once the server is asked to stop; what remains is cut
/// off. Our judgement: below the ten seconds that container managers wait.
const STOP_TIME_MAX: Duration = Duration::from_secs(8);
/// Pause after a connection couldn't be accepted. Our judgement: descriptors are short, and trying
/// without a pause would use a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A connection, as its requests see it.
pub(crate) struct Connection {
    /// True from when a request is whole, or its key is known, to the end of its answer.
    at_work: AtomicBool,
    /// Since when the client has an answer to receive.
    answered: Mutex<Option<Instant>>,
    close: Notify,
}

impl Connection {
    /// The request has a key that opens something, or is whole: it isn't closed for another any more.
    pub fn works(&self) {
        self.at_work.store(true, Ordering::Relaxed);
    }

    fn waits(&self) {
        self.at_work.store(false, Ordering::Relaxed);
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn answers(&self) {
        self.works();
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        *answered = Some(Instant::now());
    }

    /// True if it may be closed for another one.
    fn is_idle(&self) -> bool {
        let answered = *self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        !self.at_work.load(Ordering::Relaxed)
            || answered.is_some_and(|at| at.elapsed() >= ANSWER_TIME_MAX)
    }
}

type Open = Arc<Mutex<BTreeMap<u64, Arc<Connection>>>>;

/// Serves requests until `stopped` completes; then finishes those under way for at most
/// [`STOP_TIME_MAX`].
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    app: Router,
    connections_max: usize,
    stopped: impl Future<Output = ()>,
) {
    let open: Open = Open::default();
    let (stop, stopping) = watch::channel(());
    let mut running = JoinSet::new();
    let mut number = 0;
    let mut stopped = pin!(stopped);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => break,
        };
        // Finished ones are collected here, so that the set doesn't grow.
        while running.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        number += 1;
        let Some(connection) = admitted(&open, number, connections_max) else {
            // All are at work: closing the new one is the only answer left.
            continue;
        };
        let (app, stopping, open) = (app.clone(), stopping.clone(), open.clone());
        // Taken for each connection: a renewed certificate counts from the next one on.
        let acceptor = tls.as_ref().map(|tls| tls.acceptor());
        running.spawn(async move {
            match acceptor {
                None => one(stream, app, connection, stopping).await,
                Some(acceptor) => {
                    if let Some(stream) = greeted(&acceptor, stream, &connection, &stopping).await {
                        one(stream, app, connection, stopping).await;
                    }
                }
            }
            lock(&open).remove(&number);
        });
    }
    // Dropping the sender wakes every connection; each then finishes its request.
    drop(stop);
    let finishing = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_TIME_MAX, finishing)
        .await
        .is_err()
    {
        running.shutdown().await;
    }
}

/// A place for a new connection; at the limit the one that has waited longest is closed for it.
fn admitted(open: &Open, number: u64, connections_max: usize) -> Option<Arc<Connection>> {
    let connection = Arc::new(Connection {
        at_work: AtomicBool::new(false),
        answered: Mutex::default(),
        close: Notify::new(),
    });
    let mut open = lock(open);
    if open.len() >= connections_max {
        // Numbers rise, so the first is the oldest.
        let oldest = open
            .iter()
            .find(|(_, c)| c.is_idle())
            .map(|(number, _)| *number)?;
        let closed = open.remove(&oldest)?;
        closed.close.notify_one();
    }
    open.insert(number, connection.clone());
    Some(connection)
}

fn lock(open: &Open) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Connection>>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The connection after its TLS handshake; `None` if there is none in time, if another connection
/// takes the place, or if the server stops.
async fn greeted(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    connection: &Connection,
    stopping: &watch::Receiver<()>,
) -> Option<TlsStream<TcpStream>> {
    let mut stopping = stopping.clone();
    let greeting = tokio::time::timeout(HEADER_TIME_MAX, acceptor.accept(stream));
    tokio::select! {
        // Errors are the client's: it broke off, or speaks no TLS.
        greeted = greeting => greeted.ok()?.ok(),
        () = connection.close.notified() => None,
        _ = stopping.changed() => None,
    }
}

/// Serves one connection until it ends, is closed for another, or the server stops.
async fn one(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    app: Router,
    connection: Arc<Connection>,
    mut stopping: watch::Receiver<()>,
) {
    let known = connection.clone();
    let service = tower::service_fn(move |request: Request<_>| {
        let (app, known) = (app.clone(), known.clone());
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(known.clone());
            let answer = app.oneshot(request).await?;
            // From here on the client only receives.
            known.answers();
            let answering = Answering(known);
            let answer = answer.map(|body| {
                Body::new(body.map_err(move |e| {
                    // Kept by the body until it has been sent.
                    let _ = &answering;
                    e
                }))
            });
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME_MAX)
        .max_buf_size(HEADER_BYTES_MAX);
    let service = TowerToHyperService::new(service);
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service));
    let mut stops = false;
    loop {
        tokio::select! {
            // Errors are the client's: it broke off, or sent no HTTP.
            _ = serving.as_mut() => return,
            () = connection.close.notified() => return,
            // An error is the sign: the sender is gone, nothing is ever sent.
            _ = stopping.changed(), if !stops => {
                stops = true;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Dropped with an answer's body; its connection then waits again.
struct Answering(Arc<Connection>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.waits();
    }
}
