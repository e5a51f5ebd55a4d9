//! `obhut serve`: runs the HTTP interface until a signal ends it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use obhut_app::partners::fetch::{AllowList, Fetcher};
use obhut_app::partners::s3::S3;
use obhut_app::payments::{Holding, Live};
use obhut_app::{casework, media};
use obhut_server::{FirstHour, INNER_CONNECTIONS_MAX, Outside, Tls};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app_context::{self, AppContext};
use crate::args::{LogForm, ServeArgs};
use crate::hints::usage;
use crate::input;
use crate::output::Output;

/// Longest file with a key, in bytes. Our judgement.
const KEY_FILE_BYTES_MAX: u64 = 4_096;

pub async fn run(
    args: ServeArgs,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    serve(
        args,
        context,
        output,
        |bound| listening(bound, output),
        stopped(),
    )
    .await
}

/// The addresses that are listened on.
pub struct Bound {
    /// `--listen`.
    pub public: SocketAddr,
    hma: Option<SocketAddr>,
    admin: Option<SocketAddr>,
    /// Path and query of the one-time address for setting up an empty installation.
    first_hour: Option<String>,
    is_tls: bool,
}

impl Bound {
    /// The public address, with its scheme.
    fn shown(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.public)
    }
}

/// Prints the addresses.
fn listening(bound: &Bound, output: &Output) -> anyhow::Result<()> {
    output.line(
        || {
            let mut value = serde_json::json!({ "listening": bound.public.to_string() });
            if let Some(address) = bound.hma {
                value["hma"] = address.to_string().into();
            }
            if let Some(address) = bound.admin {
                value["admin"] = address.to_string().into();
            }
            if let Some(path) = &bound.first_hour {
                value["first_hour"] = format!("{}{path}", bound.shown()).into();
            }
            value
        },
        || {
            let hma = bound.hma.map_or_else(String::new, |address| {
                format!(", for HMA's clients on http://{address}")
            });
            let admin = bound.admin.map_or_else(String::new, |address| {
                format!(", for operators on http://{address}")
            });
            let shown = bound.shown();
            let listening = format!("listening on {shown}{hma}{admin}");
            match &bound.first_hour {
                Some(path) => format!(
                    "{listening}; Ctrl-C stops it\nnobody is on record yet. Open this address in a browser to set obhut up; it works once:\n  {shown}{path}"
                ),
                None => format!("{listening}; keys by `obhut key create`; Ctrl-C stops it"),
            }
        },
    )
}

/// Serves until `end`. `ready` is called once, when every address is bound.
// Long: start-up, serving and shutdown in sequence.
pub async fn serve(
    args: ServeArgs,
    context: &AppContext,
    output: &Output,
    ready: impl FnOnce(&Bound) -> anyhow::Result<()>,
    end: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<ExitCode> {
    if args.log == LogForm::Text {
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_max_level(tracing::Level::WARN)
            .with_target(false)
            .init();
    }
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => Some(Arc::new(Tls::read(certificate, key)?)),
        _ => None,
    };
    let casework = context.casework().await?;
    let pool = app_context::pool()?;
    if app_context::video_tools().is_none() {
        output.remark("note: ffmpeg and ffprobe aren't both on the search path, so videos will be held as unreadable if a list has entries for pictures or videos");
    }
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    // Before a port is bound: a machine that cannot start decoders must not accept uploads.
    pool.start_ahead(workers)
        .context("no decoder could be started")?;
    // Lists are in memory before the first request comes.
    media::current(&casework).await?;
    let watching = casework.clone();
    let watcher = tokio::spawn(async move { media::watch_changes(&watching).await });
    let working = tokio::spawn(obhut_server::workers::work(casework.clone()));
    let ranking = tokio::spawn(obhut_server::workers::rank_cases(casework.clone()));
    let deciding = tokio::spawn(obhut_server::workers::apply_decisions(casework.clone()));
    let telling = tokio::spawn(obhut_server::workers::notify_platform(casework.clone()));
    let comparing = tokio::spawn(obhut_server::workers::watch_schema(casework.clone()));
    let sealing = tokio::spawn(obhut_server::workers::seal_rows(casework.clone()));
    let keeping = tokio::spawn(obhut_server::workers::watch_retention(casework.clone()));
    let witnessed = tokio::spawn(obhut_server::workers::ask_witnesses(casework.clone()));
    let renewing = tls
        .clone()
        .map(|tls| tokio::spawn(async move { tls.watch().await }));
    let stamping = tokio::spawn(obhut_server::workers::ask_time_authority(casework.clone()));
    let mut outside = outside(&args)?;
    let mut payments = None;
    if args.payments {
        let policy = crate::payments::policy(&args.policy)?;
        let holding = Holding {
            from_score: args.hold_from,
            hours: args.hold_hours,
        };
        // Checked before the journal is opened: opening replays it, which takes time.
        anyhow::ensure!(
            (0.0..=100.0).contains(&holding.from_score),
            usage!("--hold-from must be between 0 and 100")
        );
        let live = Arc::new(Live::open(&casework, policy, holding)?);
        payments = Some(tokio::spawn(obhut_server::workers::watch_payments(
            casework.clone(),
            live.clone(),
        )));
        outside.payments = Some(live);
    }
    if casework::people(&casework).await?.is_empty() {
        outside.first_hour = Some(FirstHour::default());
    }
    let first_hour = outside.first_hour.as_ref().map(FirstHour::path);
    raise_descriptors();
    let interfaces = obhut_server::interfaces(casework.clone(), pool, outside);
    let listener = listen(args.listen, "--listen").await?;
    let address = listener.local_addr()?;
    // One channel for both listeners; dropping `open` wakes every receiver.
    let (open, ended) = watch::channel(());
    let hma = match (args.hma, &args.hma_key_file) {
        (Some(address), Some(file)) => {
            let key = read_key(file)?;
            // Otherwise a wrong key would only be noticed when each client's requests fail.
            let known = casework::key(&casework, &key).await?;
            anyhow::ensure!(
                known.is_some_and(|key| key.surface.is_some()),
                "{}: this key is unknown, revoked, expired or says no surface; `obhut key create --right screen --right findings --right curate --surface public` makes one",
                file.display()
            );
            let listener = listen(address, "--hma").await?;
            let address = listener.local_addr()?;
            let hosts = hosts(address, args.hma_host);
            let app = obhut_server::with_shared_key(interfaces.hma, &key, hosts);
            let most = INNER_CONNECTIONS_MAX;
            let serving = obhut_server::serve(listener, app, most, until(ended.clone()));
            Some((address, tokio::spawn(serving)))
        }
        _ => None,
    };
    let admin = match args.admin {
        Some(address) => {
            let listener = listen(address, "--admin").await?;
            let address = listener.local_addr()?;
            let app = obhut_server::only_from_here(
                interfaces.admin,
                hosts(address, args.admin_host.clone()),
            );
            Some((
                address,
                tokio::spawn(obhut_server::serve_apart(
                    listener,
                    app,
                    until(ended.clone()),
                )),
            ))
        }
        None => None,
    };
    // After both addresses are bound: a script reads the port from this line and connects.
    ready(&Bound {
        public: address,
        hma: hma.as_ref().map(|(address, _)| *address),
        admin: admin.as_ref().map(|(address, _)| *address),
        first_hour,
        is_tls: tls.is_some(),
    })?;
    let most = obhut_server::CONNECTIONS_MAX;
    let signal = tokio::spawn(async move {
        end.await;
        drop(open);
    });
    match tls.clone() {
        Some(tls) => {
            obhut_server::serve_over_tls(listener, tls, interfaces.public, most, until(ended))
                .await;
        }
        None => obhut_server::serve(listener, interfaces.public, most, until(ended)).await,
    }
    for (_, serving) in [hma, admin].into_iter().flatten() {
        serving.await?;
    }
    // A report that is being sent is cut off: its claim ends within two minutes, and another worker
    // then continues.
    watcher.abort();
    working.abort();
    ranking.abort();
    deciding.abort();
    telling.abort();
    comparing.abort();
    sealing.abort();
    keeping.abort();
    witnessed.abort();
    stamping.abort();
    if let Some(renewing) = renewing {
        renewing.abort();
    }
    if let Some(payments) = payments {
        payments.abort();
    }
    signal.abort();
    Ok(ExitCode::SUCCESS)
}

/// The hosts under which HMA's clients may reach an address.
fn hosts(address: SocketAddr, named: Vec<String>) -> Vec<String> {
    let mut hosts = named;
    hosts.extend([address.to_string(), format!("localhost:{}", address.port())]);
    // A client leaves out the port that its scheme implies.
    if address.port() == 80 {
        hosts.extend([address.ip().to_string(), "localhost".into()]);
    }
    hosts
}

/// Raises the number of descriptors to what the system allows: each connection needs one, and
/// systems start processes with 1,024.
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    // If it can't be raised, connections beyond it are refused, and the others served.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
}

/// Ends when its sender is dropped.
async fn until(mut ended: watch::Receiver<()>) {
    // Nothing is ever sent; this returns, with an error, when the sender is dropped.
    let _ = ended.changed().await;
}

pub async fn listen(address: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} can't be listened on; choose another with {option}"))
}

fn read_key(file: &Path) -> anyhow::Result<String> {
    let bytes = input::read(file, KEY_FILE_BYTES_MAX)?;
    let text = String::from_utf8(bytes).ok();
    let key = text.map(|t| t.trim().to_owned()).filter(|k| !k.is_empty());
    key.with_context(|| format!("{} holds no key", file.display()))
}

/// The outside services that the operator allows requests to use: URL prefixes and an object store.
fn outside(args: &ServeArgs) -> anyhow::Result<Outside> {
    let allowed = AllowList::new(args.fetch_from.iter().map(String::as_str));
    let allowed = allowed.map_err(|e| usage!("--fetch-from: {e}"))?;
    let fetcher = (!allowed.is_empty()).then(|| Arc::new(Fetcher::new(allowed)));
    let s3 = match &args.s3 {
        Some(endpoint) => {
            // From the environment: other users of the machine can read a process's arguments.
            let secret = |name: &str| {
                std::env::var(name).with_context(|| format!("--s3 needs {name} in the environment"))
            };
            let (key, secret) = (
                secret("AWS_ACCESS_KEY_ID")?,
                secret("AWS_SECRET_ACCESS_KEY")?,
            );
            let store = S3::new(endpoint, &args.s3_region, &key, &secret);
            let store = store.map_err(|e| anyhow::anyhow!("--s3: {e}"))?;
            Some(Arc::new(store.with_facts(args.s3_facts)))
        }
        None => None,
    };
    Ok(Outside {
        fetcher,
        s3,
        payments: None,
        first_hour: None,
        can_undo: true,
    })
}

/// Returns on Ctrl-C or SIGTERM.
pub async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
            return;
        }
    }
    let _ = interrupt.await;
}
