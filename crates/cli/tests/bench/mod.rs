//! Helpers for tests of the binary: a temporary folder with a data folder in it, pictures, lists
//! and chains.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use image::{ImageFormat, Rgb, RgbImage, imageops};
use serde_json::Value;

/// Every file below a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => all.push(path),
        }
    }
    all.sort();
    all
}

/// A process that is killed when the test ends, even if it panics.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A fake CyberTipline that ends with the test, and its address.
pub fn cybertipline(b: &Bench) -> (Ended, String) {
    let arguments = [
        "--json",
        "testserver",
        "cybertip",
        "--listen",
        "127.0.0.1:0",
    ];
    let mut command = b.command(&arguments);
    let mut service = Ended(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(service.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let answer = serde_json::from_str::<Value>(&line).unwrap();
    (service, answer["url"].as_str().unwrap().to_owned())
}

pub struct Bench {
    pub folder: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A copy of everything in the folder.
    pub fn copied(&self) -> Self {
        let new = Self::new();
        for file in files(self.folder.path()) {
            let name = file.strip_prefix(self.folder.path()).unwrap();
            std::fs::create_dir_all(new.folder.path().join(name).parent().unwrap()).unwrap();
            std::fs::copy(&file, new.folder.path().join(name)).unwrap();
        }
        new
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_obhut"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("OBHUT_DATA", self.path("data"));
        // A developer's own database must never be written to by a test.
        command.env_remove("OBHUT_DATABASE");
        command
    }

    pub fn obhut(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn mode(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(self.path(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    }

    /// Writes a picture that differs for each seed; returns its name.
    pub fn picture(&self, name: &str, seed: u32) -> String {
        self.write(name, &png(&scene(seed)));
        name.to_owned()
    }

    pub fn turned(&self, name: &str, seed: u32) {
        self.write(name, &png(&imageops::rotate90(&scene(seed))));
    }

    pub fn digest(&self, kind: &str, name: &str) -> String {
        let out = self.obhut(&["hash", "--json", "--kind", kind, name]);
        json(ok(&out))[0]["digest"].as_str().unwrap().to_owned()
    }

    pub fn import(&self, name: &str, file: &str) {
        ok(&self.obhut(&[
            "list",
            "import",
            "--name",
            name,
            "--owner",
            "Hotline",
            "--purpose",
            "assessed",
            "--basis",
            "law",
            file,
        ]));
    }
}

pub fn png(rgb: &RgbImage) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    rgb.write_to(&mut out, ImageFormat::Png).unwrap();
    out.into_inner()
}

fn scene(seed: u32) -> RgbImage {
    RgbImage::from_fn(200, 150, |x, y| {
        // Arithmetic, not random numbers: a new version of a library must not change the digests.
        let v = (x * (3 + seed) + y * (7 + seed * 3)) ^ (x * y * (seed + 1) / 50);
        Rgb([v as u8, (v >> 2) as u8, (x + seed * 40) as u8])
    })
}

#[track_caller]
pub fn ok(out: &Output) -> &Output {
    assert!(
        out.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    out
}

#[track_caller]
pub fn json(out: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&out.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

/// Rows of a CSV file, each as values by column name; the last column may contain commas.
pub fn rows(bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut all = text.lines();
    let head: Vec<&str> = all.next().unwrap().split(',').collect();
    all.map(|l| {
        let fields = l.splitn(head.len(), ',').map(str::to_owned);
        head.iter().map(|h| (*h).to_owned()).zip(fields).collect()
    })
    .collect()
}

/// A case with nothing in it.
pub fn new_case(b: &Bench) -> String {
    b.write("case.json", b"{}");
    let new = ["--json", "case", "new", "--from", "case.json"];
    let made = json(ok(&b.obhut(&new))).remove(0);
    let id = made["case"].as_str().or(made["id"].as_str());
    id.unwrap().to_owned()
}

/// The offset in bytes at which each record of a node's block file ends; `key` is its xor.dat.
pub fn record_ends(blk: &[u8], key: &[u8]) -> Vec<usize> {
    let plain = |n: usize| blk[n] ^ key[n % 8];
    let (mut at, mut ends) = (0, Vec::new());
    // A record begins with regtest's magic, fabfb5da; after the last one comes only padding.
    while at < blk.len() && plain(at) == 0xfa {
        let size: Vec<u8> = (at + 4..at + 8).map(plain).collect();
        at += 8 + u32::from_le_bytes(size.try_into().unwrap()) as usize;
        ends.push(at);
    }
    ends
}

/// Indexes a regtest chain's blocks.
pub fn index_chain(b: &Bench, blocks: &str, index: &str) -> Output {
    let paths = ["--blocks", blocks, "--index", index];
    b.obhut(&[&["chain", "index", "--network", "regtest"], &paths[..]].concat())
}

/// What a command printed, on both streams.
pub fn text(out: &Output) -> String {
    let both = [&out.stdout[..], &out.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// Python with `cryptography`; `None` where the test command didn't bring it.
pub fn python() -> Option<PathBuf> {
    let found = std::env::var_os("OBHUT_TEST_MOTO").map(PathBuf::from);
    if found.is_none() {
        println!("not present: Python with cryptography (cargo xtask test brings it)");
    }
    found
}

/// What verify.py says.
pub fn verify_py(python: &Path, b: &Bench, arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../verify/verify.py");
    let mut command = Command::new(python);
    command.arg(script).args(arguments);
    command.current_dir(b.path("")).output().unwrap()
}

/// Sends a request to a server on this machine; returns the whole answer.
pub fn ask(address: &str, head: &str, body: impl AsRef<[u8]>) -> String {
    use std::io::Read as _;
    let body = body.as_ref();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    )
    .unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
