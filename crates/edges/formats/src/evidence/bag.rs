//! A BagIt bag (RFC 8493): manifests over files that the caller writes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

/// Collects what was written into a bag, and makes the files that describe it.
#[derive(Default)]
pub struct Bag {
    payload: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    bytes: u64,
}

impl Bag {
    /// Takes note of a file. Below `data/` it belongs to the payload. The path is relative to the
    /// bag; it has no line break and no `%`.
    pub fn add(&mut self, path: &str, bytes: &[u8]) {
        self.add_known(path, sha256(bytes), bytes.len() as u64);
    }

    /// Like [`Bag::add`], for a file whose SHA-256 (lower-case hexadecimal) and length are known.
    pub fn add_known(&mut self, path: &str, digest: String, bytes: u64) {
        let files = match path.starts_with("data/") {
            true => {
                self.bytes += bytes;
                &mut self.payload
            }
            false => &mut self.tags,
        };
        files.insert(path.to_owned(), digest);
    }

    /// The files that remain to be written, in this order: declaration, information, manifests.
    /// `info` has labels of RFC 8493, section 2.2.2, with values of one line.
    pub fn finish(mut self, info: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        let mut text = String::new();
        for (label, value) in info {
            let value = value.replace(['\r', '\n'], " ");
            text += &format!("{label}: {value}\n");
        }
        text += &format!("Payload-Oxum: {}.{}\n", self.bytes, self.payload.len());
        let mut files = vec![
            (
                "bagit.txt",
                "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n".to_owned(),
            ),
            ("bag-info.txt", text),
            ("manifest-sha256.txt", manifest(&self.payload)),
        ];
        for (name, text) in &files {
            self.add(name, text.as_bytes());
        }
        files.push(("tagmanifest-sha256.txt", manifest(&self.tags)));
        files
    }
}

/// Digests what is written through it.
pub struct Digested<W> {
    into: W,
    digest: Sha256,
    bytes: u64,
}

impl<W: Write> Digested<W> {
    /// Digests what goes into this.
    pub fn new(into: W) -> Self {
        Self {
            into,
            digest: Sha256::new(),
            bytes: 0,
        }
    }

    /// What it went into, the SHA-256 (lower-case hexadecimal) and the number of bytes.
    pub fn finish(self) -> (W, String, u64) {
        (self.into, hex::encode(self.digest.finalize()), self.bytes)
    }
}

impl<W: Write> Write for Digested<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.into.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

/// SHA-256, lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn manifest(files: &BTreeMap<String, String>) -> String {
    let lines = files.iter();
    lines
        .map(|(path, digest)| format!("{digest}  {path}\n"))
        .collect()
}
