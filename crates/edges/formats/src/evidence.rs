//! The form in which exhibits leave for an authority: a BagIt bag (RFC 8493) with a CASE/UCO
//! account of where each file comes from, and a README with the commands that check it.

mod bag;
mod provenance;
mod timestamp;

pub use bag::{Bag, Digested, sha256};
pub use provenance::{Custody, Handling, Provenance, provenance};
pub use timestamp::{STAMP_BYTES_MAX, check_timestamp, time_certificates, timestamp_request};

/// The bag's README, in English.
const README: &str = include_str!("evidence/readme.txt");
/// The same, in German.
const LIESMICH: &str = include_str!("evidence/liesmich.txt");

/// What the READMEs name.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The export's id.
    pub export: &'a str,
    /// The age recipient.
    pub recipient: &'a str,
    /// The public key of the vault's log.
    pub log_key: &'a str,
    /// obhut's version.
    pub version: &'a str,
}

/// File names and contents of the READMEs.
pub fn readmes(named: Named<'_>) -> [(&'static str, String); 2] {
    let filled = |text: &str| {
        text.replace("{export}", named.export)
            .replace("{version}", named.version)
            .replace("{recipient}", named.recipient)
            .replace("{key}", named.log_key.trim())
    };
    [
        ("README.txt", filled(README)),
        ("LIESMICH.txt", filled(LIESMICH)),
    ]
}
