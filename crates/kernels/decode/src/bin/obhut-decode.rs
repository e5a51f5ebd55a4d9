//! A worker on its own, for tests and for programs that use this crate without `obhut`.
//!
//! `obhut-decode probe WHAT` enters the sandbox and then tries something that the sandbox forbids,
//! or, for `nothing`, exits.

use std::process::exit;

fn main() {
    // As OS strings: the arguments for ffmpeg contain paths, which need not be UTF-8.
    let mut raw = std::env::args_os().skip(1);
    if raw
        .next()
        .is_some_and(|a| a == obhut_decode::worker::VIDEO_ARGUMENT)
    {
        exit(obhut_decode::worker::run_video(raw));
    }
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some("probe") {
        exit(obhut_decode::worker::run(arguments));
    }
    let what = arguments.next().unwrap_or_default();
    // Half of what "allocate" below asks for.
    obhut_decode::worker::enter_sandbox(512 << 20).expect("the sandbox can be entered");
    match what.as_str() {
        // Proves that entering the sandbox alone ends no process.
        "nothing" => exit(0),
        "read-file" => drop(std::fs::read("/etc/hostname")),
        "write-file" => drop(std::fs::write("/tmp/obhut-probe", b"x")),
        // Port 9 (discard). It does not matter whether anything listens: the call itself is tried.
        "connect" => drop(std::net::TcpStream::connect("127.0.0.1:9")),
        "listen" => drop(std::net::TcpListener::bind("127.0.0.1:0")),
        "start-process" => drop(std::process::Command::new("/bin/true").spawn()),
        "start-thread" => drop(std::thread::Builder::new().spawn(|| ())),
        // Without `black_box` the compiler may leave the allocation out.
        "allocate" => drop(std::hint::black_box(vec![1_u8; 1 << 30])),
        _ => exit(2),
    }
    // Reaching this line means the sandbox did not stop the call.
    exit(0);
}
