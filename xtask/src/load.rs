//! Sends requests of one kind over keep-alive connections, as fast as answers come or at a fixed
//! rate, and times each.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A server on loopback; dropping this value ends it.
pub struct Serving {
    child: Child,
    /// Where it listens.
    pub address: String,
}

impl Serving {
    /// Starts the program on that data folder and waits until it says where it listens.
    pub fn start(obhut: &Path, data: &Path, more: &[&str]) -> Result<Self, String> {
        let mut child = Command::new(obhut)
            .arg("--data")
            .arg(data)
            .args(["serve", "--listen", "127.0.0.1:0", "--json"])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| e.to_string())?;
        let stdout = child.stdout.take();
        let mut serving = Self {
            child,
            address: String::new(),
        };
        let mut first = String::new();
        BufReader::new(stdout.ok_or("no pipe")?)
            .read_line(&mut first)
            .map_err(|e| e.to_string())?;
        let answer: serde_json::Value = serde_json::from_str(&first).map_err(|e| e.to_string())?;
        answer["listening"]
            .as_str()
            .ok_or("no address")?
            .clone_into(&mut serving.address);
        Ok(serving)
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Results of a run.
pub struct Run {
    pub per_second: f64,
    pub median_ms: f64,
    pub p99_ms: f64,
    pub failed: usize,
}

/// Sends `requests` requests over `connections` connections; `request` makes the bytes of each.
pub fn run(
    address: &str,
    connections: usize,
    requests: usize,
    request: impl Fn(usize) -> Vec<u8> + Sync,
) -> Result<Run, String> {
    run_paced(address, connections, requests, f64::INFINITY, request)
}

/// Like [`run`], but at a fixed rate. Each request is timed from when it was due, so that a stall
/// counts for all requests that would have waited (no coordinated omission).
pub fn run_paced(
    address: &str,
    connections: usize,
    requests: usize,
    due_per_second: f64,
    request: impl Fn(usize) -> Vec<u8> + Sync,
) -> Result<Run, String> {
    let started = Instant::now();
    let (times, failed) = timed(address, connections, requests, due_per_second, request)?;
    let mut times: Vec<f64> = times.into_iter().map(|(_, ms)| ms).collect();
    let seconds = started.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    Ok(Run {
        per_second: times.len() as f64 / seconds,
        median_ms: times[times.len() / 2],
        p99_ms: times[times.len() * 99 / 100],
        failed,
    })
}

/// The number and the time of each request, in milliseconds, in no order; and how many weren't
/// answered with 200.
pub fn timed(
    address: &str,
    connections: usize,
    requests: usize,
    due_per_second: f64,
    request: impl Fn(usize) -> Vec<u8> + Sync,
) -> Result<(Vec<(usize, f64)>, usize), String> {
    let next = AtomicUsize::new(0);
    let failed = AtomicUsize::new(0);
    let started = Instant::now();
    let times: Result<Vec<Vec<(usize, f64)>>, String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| {
                    work(
                        address,
                        &next,
                        &failed,
                        requests,
                        (started, due_per_second),
                        &request,
                    )
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|w| w.join().map_err(|_| "a connection panicked".to_owned())?)
            .collect()
    });
    Ok((times?.into_iter().flatten().collect(), failed.into_inner()))
}

fn work(
    address: &str,
    next: &AtomicUsize,
    failed: &AtomicUsize,
    requests: usize,
    (begun, due_per_second): (Instant, f64),
    request: &impl Fn(usize) -> Vec<u8>,
) -> Result<Vec<(usize, f64)>, String> {
    let say = |e: std::io::Error| e.to_string();
    let mut stream = TcpStream::connect(address).map_err(say)?;
    // With Nagle's algorithm the kernel's delay would be measured, not the server.
    stream.set_nodelay(true).map_err(say)?;
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .map_err(say)?;
    let mut answers = BufReader::new(stream.try_clone().map_err(say)?);
    let mut times = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= requests {
            return Ok(times);
        }
        let bytes = request(number);
        // At an infinite rate every request is due now.
        let due = begun + Duration::from_secs_f64(number as f64 / due_per_second);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // Timed from when it was due: a server that stalls must not make the following requests
        // look fast.
        let started = if due_per_second.is_finite() {
            due
        } else {
            Instant::now()
        };
        stream.write_all(&bytes).map_err(say)?;
        let status = answer(&mut answers).map_err(say)?;
        times.push((number, started.elapsed().as_secs_f64() * 1e3));
        if status != 200 {
            failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Reads one answer and returns its status.
fn answer(from: &mut impl std::io::BufRead) -> std::io::Result<u16> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|s| s.parse().ok());
    let mut length = 0;
    loop {
        line.clear();
        from.read_line(&mut line)?;
        let head = line.trim().to_ascii_lowercase();
        if head.is_empty() {
            break;
        }
        if let Some(value) = head.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    // The body has to be read, or the next answer on this connection begins inside it.
    std::io::copy(&mut from.take(length), &mut std::io::sink())?;
    status.ok_or_else(|| std::io::Error::other("no status"))
}

/// A request with a JSON or other body.
pub fn post(path: &str, key: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend(body);
    bytes
}
