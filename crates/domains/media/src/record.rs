//! Records the result of a screening: hit counts, or a finding in a case with its exhibit in the vault.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;

use obhut_casework as casework;
use obhut_casework::for_domains::{Inside as _, Tx, audit, cases, facts, ids};
use obhut_casework::{Action, Casework, FileDigests, Result, Subject};
use obhut_hash::Compute;
use obhut_vault::Intake;
use sha2::{Digest as _, Sha256};

use crate::lists::count_hit;
use crate::matches::{self, Followed};
use crate::screen::Screened;

/// What was recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// The opaque id the caller gets, whatever the verdict.
    pub id: String,
    /// What to do with the upload: what screening said, or what follows from a person's decision about the
    /// same bytes of the same account.
    pub action: Action,
    /// The case, where there was a finding.
    pub case: Option<String>,
    /// The sealed exhibit, where the bytes were kept.
    pub exhibit: Option<String>,
}

/// The group of an upload without an account that makes a finding: the list entry it looks like or,
/// if no signed entry of a near kind matched, its bytes. So copies of one picture share a case and
/// are reviewed together. The group identifies no person.
pub fn group_without_account(screened: &Screened, bytes: &[u8]) -> String {
    let near = screened
        .matches
        .iter()
        .filter(|m| m.signed && is_near(m.kind));
    // The lowest, not the nearest: another copy is nearer to another entry of the same picture.
    let entry = near.map(|m| (m.list_id.as_str(), m.entry.as_str())).min();
    match entry {
        Some((list, entry)) => format!("uploads without an account, like {entry} of {list}"),
        None => {
            let digest = hex::encode(Sha256::digest(bytes));
            format!("uploads without an account, {digest}")
        }
    }
}

fn is_near(kind: &str) -> bool {
    obhut_hash::kinds::by_name(kind)
        .is_some_and(|k| !matches!(k.matching, obhut_hash::Matching::Exact))
}

/// Digests of bytes that are not to be kept, so that a report can name the file.
pub fn digests_of(bytes: &[u8], media_type: Option<&str>) -> FileDigests {
    let mut reader = io::Cursor::new(bytes);
    read_digests(&mut reader, bytes.len() as u64, media_type)
        .expect("reading from memory does not fail")
}

/// [`digests_of`] for a file too long for memory. The file is read once per digest and may change
/// meanwhile: call this before and after screening, and trust the digests only if both are equal.
///
/// # Errors
/// The file can't be read.
pub fn digests_of_file(path: &Path, media_type: Option<&str>) -> io::Result<FileDigests> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    read_digests(&mut file, bytes, media_type)
}

fn read_digests<R: io::Read + io::Seek>(
    reader: &mut R,
    bytes: u64,
    media_type: Option<&str>,
) -> io::Result<FileDigests> {
    let mut digest = |name: &str| {
        let kind = obhut_hash::kinds::by_name(name).expect("a kind of ours");
        let Compute::Bytes(compute) = kind.compute else {
            unreachable!("{name} is a digest of bytes")
        };
        reader.rewind()?;
        Ok::<_, io::Error>(compute(reader)?.to_hex())
    };
    Ok(FileDigests {
        md5: digest("md5")?,
        sha1: digest("sha1")?,
        sha256: digest("sha256")?,
        bytes,
        media_type: media_type.map(str::to_owned),
        exif: Vec::new(),
        pdq: None,
    })
}

/// Unsigned versions with a hit, each once. Sorted, so that concurrent requests lock rows in the same order.
fn unsigned(screened: &Screened) -> BTreeSet<(&str, &str)> {
    let hits = screened.matches.iter().filter(|m| !m.signed);
    hits.map(|m| (m.list_id.as_str(), m.version.as_str()))
        .collect()
}

async fn count_unsigned(tx: &mut Tx, screened: &Screened) -> Result<()> {
    for (list, version) in unsigned(screened) {
        count_hit(tx, list, version).await?;
    }
    Ok(())
}

/// Records a screening: hit counts for unsigned lists; for a match or a suspicious
/// unreadable file a finding in a case, and with `bytes` an exhibit. If a person released the same
/// bytes of the same account before, that decision is followed without a new finding.
///
/// # Errors
/// The upload's surface has no legal basis for screening, or the database or the vault failed.
pub async fn record(
    casework: &Casework,
    screened: &Screened,
    subject: &Subject,
    bytes: Option<&[u8]>,
    actor: &str,
) -> Result<Recorded> {
    // First: a private message without a legal basis must leave no trace, not even a count.
    casework::check_surface(casework, subject.surface).await?;
    let id = ids::new("screen");
    let unrecorded = |id, action| Recorded {
        id,
        action,
        case: None,
        exhibit: None,
    };
    if !screened.makes_a_finding() {
        // Most files match nothing and must not wait for the writer.
        if !unsigned(screened).is_empty() {
            let mut tx = casework.begin().await?;
            count_unsigned(&mut tx, screened).await?;
            tx.commit().await?;
        }
        return Ok(unrecorded(id, screened.action));
    }
    let follows = decided_before(casework, screened, subject, bytes).await?;
    let blocked;
    let screened = match follows {
        None => screened,
        Some(follows) if follows.action == Action::Pass => {
            let mut tx = casework.begin().await?;
            count_unsigned(&mut tx, screened).await?;
            let now = casework.now_micros();
            audit::write(&mut tx, now, actor, "upload.follow", &id, &follows.case).await?;
            tx.commit().await?;
            return Ok(unrecorded(id, follows.action));
        }
        // A new finding all the same: it is another upload, and the dossier names the account's
        // earlier reports.
        Some(follows) => {
            blocked = Screened {
                action: follows.action,
                ..screened.clone()
            };
            &blocked
        }
    };
    // Chosen now, because the exhibit's record names a case before one is opened.
    let fresh = ids::new("case");
    // Store the exhibit before the finding that references it, so that every recorded exhibit can be opened.
    // Its vault record names the case open now; the finding names the case it finally joins.
    let exhibit = match bytes {
        Some(bytes) => {
            let case = cases::open_case(casework, subject)
                .await?
                .unwrap_or_else(|| fresh.clone());
            Some(seal_exhibit(casework, &case, bytes, subject, screened, actor).await?)
        }
        None => None,
    };
    let mut tx = casework.begin().await?;
    count_unsigned(&mut tx, screened).await?;
    // Locks the case until the commit: no decision can fall between joining and the finding.
    let case = cases::join_uploads(&mut tx, casework, subject, &fresh, actor).await?;
    matches::write(
        &mut tx,
        casework,
        &case,
        &id,
        screened,
        subject,
        exhibit.as_deref(),
    )
    .await?;
    facts::add_upload(&mut tx, casework, &case, subject, exhibit.as_deref()).await?;
    // A crash before this leaves a sealed exhibit that no finding names, never the reverse.
    tx.commit().await?;
    Ok(Recorded {
        id,
        action: screened.action,
        case: Some(case),
        exhibit,
    })
}

/// The decision about the same bytes of the same account, if there is one to follow.
async fn decided_before(
    casework: &Casework,
    screened: &Screened,
    subject: &Subject,
    bytes: Option<&[u8]>,
) -> Result<Option<Followed>> {
    let (Some(account), Some(bytes)) = (&subject.account, bytes) else {
        return Ok(None);
    };
    let sha256 = hex::encode(Sha256::digest(bytes));
    // Read only: most findings have no earlier decision, and shouldn't wait for the writer twice.
    let mut tx = casework.snapshot().await?;
    matches::decided_before(&mut tx, casework, screened, account.expose(), &sha256).await
}

async fn seal_exhibit(
    casework: &Casework,
    case: &str,
    bytes: &[u8],
    subject: &Subject,
    screened: &Screened,
    actor: &str,
) -> Result<String> {
    let exhibit = casework
        .keep_screened(
            bytes,
            Intake {
                actor: actor.to_owned(),
                purpose: format!("the verdict of screening was {}", screened.verdict),
                case: Some(case.to_owned()),
                source: subject.name.as_ref().map(|n| n.expose().clone()),
                media_type: screened.media_type.map(str::to_owned),
            },
            screened.pdq.as_deref(),
        )
        .await?;
    Ok(exhibit.id)
}
