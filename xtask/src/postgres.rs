//! A PostgreSQL server for tests: in a temporary folder, on a free port of loopback, removed at the
//! end.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::setup::postgres_programs;

/// Longest time a fresh server may take to answer. Our judgement.
const START_MAX: Duration = Duration::from_secs(60);

pub struct Postgres {
    server: Child,
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
}

impl Postgres {
    pub fn start() -> Result<Self, String> {
        let programs = postgres_programs().ok_or("no PostgreSQL server is installed")?;
        let folder = tempfile::Builder::new()
            .prefix("obhut-postgres")
            .tempdir()
            .map_err(|e| e.to_string())?;
        // Another process may take the port before the server does; then the server ends, and
        // `wait` fails.
        let port = free_port()?;
        // Started by root, the server runs as the user postgres, who then needs the folder.
        if as_postgres() {
            let mut chown = Command::new("chown");
            crate::must(chown.arg("postgres").arg(folder.path()), "chown")?;
        }
        let data = folder.path().join("data");
        // Locale C: text sorts by bytes, as in SQLite, whatever the machine is set to.
        let mut initdb = command(&programs.join("initdb"));
        initdb
            .args([
                "--auth=trust",
                "--username=obhut",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
                "-D",
            ])
            .arg(&data);
        let made = initdb
            .stdin(Stdio::null())
            .output()
            .map_err(|e| format!("initdb: {e}"))?;
        if !made.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)));
        }
        let mut postgres = command(&programs.join("postgres"));
        // The socket goes into the folder too: not every user may write to /var/run/postgresql.
        postgres.arg("-D").arg(&data).arg("-k").arg(folder.path());
        // Durability is not what these tests are about, and the folder goes at the end.
        for option in [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".into(),
            "fsync=off".into(),
            "max_connections=200".into(),
        ] {
            postgres.args(["-c", &option]);
        }
        let server = postgres
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("postgres: {e}"))?;
        let mut postgres = Self {
            server,
            programs,
            folder,
            port,
        };
        postgres.wait()?;
        Ok(postgres)
    }

    /// Address of the server, without a database's name.
    pub fn url(&self) -> String {
        format!("postgres://obhut@127.0.0.1:{}", self.port)
    }

    fn wait(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + START_MAX;
        let port = self.port.to_string();
        loop {
            let ready = Command::new(self.programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &port])
                .status()
                .is_ok_and(|s| s.success());
            if ready {
                return Ok(());
            }
            // A server that has ended will never be ready; no need to wait out the minute.
            if let Ok(Some(status)) = self.server.try_wait() {
                return Err(format!("postgres ended before it was ready: {status}"));
            }
            if Instant::now() > deadline {
                return Err(format!("postgres did not answer within {START_MAX:?}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        let mut stop = command(&self.programs.join("pg_ctl"));
        // Immediate: the folder is deleted, so there is nothing to shut down in order.
        stop.args(["stop", "--mode=immediate", "--wait", "-D"])
            .arg(data)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if !stop.status().is_ok_and(|s| s.success()) {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }
}

/// True if this process runs as root. initdb and postgres refuse to run as root, and Debian's
/// package creates the user postgres for them.
fn as_postgres() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|o| o.stdout == b"0\n")
}

fn command(program: &Path) -> Command {
    if as_postgres() {
        let mut command = Command::new("setpriv");
        command
            .args([
                "--reuid=postgres",
                "--regid=postgres",
                "--init-groups",
                "--",
            ])
            .arg(program);
        // The user postgres may not be allowed to enter the current folder.
        command.current_dir("/");
        return command;
    }
    Command::new(program)
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    Ok(listener.local_addr().map_err(|e| e.to_string())?.port())
}
