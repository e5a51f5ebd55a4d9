//! The parsers of outside input that are fuzzed, each as a function of bytes that must neither
//! panic nor hang. The bodies of some HTTP requests are not among them.
//!
//! `tests/replay.rs` feeds each target its corpus and two thousand small mutations of it. `cargo
//! xtask soak` does the same for a given time, and cargo-fuzz (`fuzz/libfuzzer/`) adds coverage
//! guidance.

#![deny(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

/// A parser, with the name of its corpus.
pub struct Target {
    /// Its name: the folder below fuzz/corpus/.
    pub name: &'static str,
    /// The parser.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "list_csv",
        run: |bytes| {
            let (list, problems) = obhut_media::read_list_file("fuzz", bytes);
            // Each entry or problem takes at least a byte of input. A file that is refused as a
            // whole has one problem more.
            assert!(list.len() <= bytes.len() && problems.len() <= bytes.len() + 1);
        },
    },
    Target {
        name: "list_segment",
        run: obhut_media::probes::segment,
    },
    Target {
        name: "facts",
        run: |bytes| {
            let _ = obhut_casework::Facts::from_json(bytes);
        },
    },
    Target {
        name: "picture",
        run: obhut_decode::probes::picture,
    },
    Target {
        name: "worker_answer",
        run: obhut_decode::probes::answer,
    },
    Target {
        name: "container",
        run: obhut_decode::probes::container,
    },
    Target {
        name: "s3_event",
        run: obhut_server::probes::event,
    },
    Target {
        name: "form",
        run: obhut_server::probes::form,
    },
    Target {
        name: "video_signal",
        run: obhut_server::probes::video_signal,
    },
    Target {
        name: "playlist",
        run: obhut_partners::hls::probe,
    },
    Target {
        name: "case_file",
        run: |bytes| {
            let _ = obhut_casework::CaseFile::from_json(bytes);
        },
    },
    Target {
        name: "incoming",
        run: |bytes| {
            // Input is never dropped: `split` returns at least one part, and each part is either
            // parsed or marked unreadable.
            let parts = obhut_formats::incoming::split(bytes);
            assert!(!parts.is_empty());
            for part in parts {
                let given = obhut_formats::incoming::read(&part);
                let unreadable = given.format == obhut_intake::IncomingFormat::Unreadable;
                assert_eq!(unreadable, given.unreadable.is_some());
            }
        },
    },
    Target {
        name: "block",
        run: obhut_bitcoin::probe_block,
    },
    Target {
        name: "tags",
        run: |bytes| {
            if let Ok(file) = obhut_formats::tags::read("fuzz", bytes) {
                assert!(file.tags.len() <= bytes.len());
            }
        },
    },
    Target {
        name: "transfers",
        run: |bytes| {
            // Only on Linux: the reader takes a path, and the probe passes the path of a file in
            // memory.
            #[cfg(target_os = "linux")]
            obhut_formats::transfers::probe(bytes);
            let _ = bytes;
        },
    },
    Target {
        name: "goaml",
        run: |bytes| {
            use obhut_formats::reports::goaml;
            if let Ok(text) = std::str::from_utf8(bytes) {
                let _ = goaml::check_profile(text);
                // One input holds schema and document, so that mutations can change whether they
                // fit.
                let (schema, document) = text.split_once("\n===\n").unwrap_or((text, "<report/>"));
                let _ = goaml::check_document(schema, true, document);
                let _ = goaml::check_document(schema, false, document);
            }
        },
    },
    Target {
        name: "cybertip_xml",
        run: |bytes| {
            if let Ok(text) = std::str::from_utf8(bytes)
                && let Ok(node) = obhut_formats::tree::parse(text)
            {
                use obhut_formats::reports::ncmec::{rules, schema};
                let _ = schema::faults(&node);
                let _ = schema::differences(text);
                let _ = rules::faults(&node, jiff::Timestamp::UNIX_EPOCH);
                let _ = rules::batched_file_faults(&node);
            }
        },
    },
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|t| t.name == name)
}

/// The folder of a target's corpus.
pub fn corpus_folder(target: &Target) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    folder.join(target.name)
}

/// The corpus inputs, sorted by file name.
pub fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = fs::read_dir(corpus_folder(target))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
        .iter()
        .filter_map(|file| fs::read(file).ok())
        .collect()
}

/// An endless sequence of small mutations of corpus inputs; the same seed gives the same sequence.
pub struct Changes {
    corpus: Vec<Vec<u8>>,
    state: u64,
}

impl Changes {
    /// Panics if the corpus is empty.
    pub fn new(corpus: Vec<Vec<u8>>, seed: u64) -> Self {
        assert!(
            !corpus.is_empty(),
            "a target needs at least one input to begin with"
        );
        Self {
            corpus,
            state: seed | 1,
        }
    }

    fn number(&mut self, below: usize) -> usize {
        // xorshift64 (Marsaglia), small and the same everywhere. Its state must not be zero, so
        // `new` sets the lowest bit of the seed.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        // max(1), because an input may be empty. Bits are dropped so that neighbouring states give
        // different numbers; how many is our judgement.
        (self.state >> 20) as usize % below.max(1)
    }
}

impl Iterator for Changes {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let which = self.number(self.corpus.len());
        let mut bytes = self.corpus[which].clone();
        for _ in 0..=self.number(4) {
            let at = self.number(bytes.len());
            match self.number(7) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.number(8),
                1 if !bytes.is_empty() => {
                    // Boundary values, a sign bit, and the delimiters of CSV and JSON.
                    const TELLING: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'"', b',', b'\n'];
                    bytes[at] = TELLING[self.number(TELLING.len())];
                }
                2 => bytes.truncate(at),
                3 => {
                    let len = self.number(16);
                    let more: Vec<u8> = (0..len).map(|_| self.number(256) as u8).collect();
                    bytes.splice(at..at, more);
                }
                4 if !bytes.is_empty() => {
                    let end = (at + self.number(32)).min(bytes.len());
                    bytes.drain(at..end);
                }
                5 => {
                    let other = self.number(self.corpus.len());
                    let from = self.number(self.corpus[other].len());
                    let len = self.number(64);
                    let piece: Vec<u8> = self.corpus[other]
                        .iter()
                        .skip(from)
                        .take(len)
                        .copied()
                        .collect();
                    bytes.splice(at..at, piece);
                }
                _ => {
                    // Four 0xff bytes: the largest possible length or count.
                    for byte in bytes.iter_mut().skip(at).take(4) {
                        *byte = 0xff;
                    }
                }
            }
        }
        Some(bytes)
    }
}
