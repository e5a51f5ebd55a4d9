//! Exhibits of any length, in and out as streams.

use std::io;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use obhut_facts::FileDigests;
use obhut_vault::Digesting;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::views::{self, Extent};
use crate::{Casework, Exhibit, Person, Result, content};

/// Content up to this length is taken in as one piece. Our judgement: pictures are, and what is
/// longer needs separate threads for two digests.
const IN_ONE_PIECE_BYTES_MAX: usize = 8 << 20;

/// What is read in one piece. Our judgement.
const PIECE_BYTES: usize = 1 << 20;

/// Where content that a person adds belongs.
#[derive(Clone, Copy, Debug, Default)]
pub struct AddedTo<'a> {
    /// The case.
    pub case: Option<&'a str>,
    /// The screening whose findings without an exhibit get it.
    pub screening: Option<&'a str>,
    /// Its file name.
    pub name: Option<&'a str>,
    /// Its media type, used if the content doesn't show one.
    pub media_type: Option<&'a str>,
}

/// Like [`crate::put_exhibit`], for content of up to 64 GiB, in little memory.
///
/// # Errors
/// As [`crate::put_exhibit`]; invalid content that can't be read or is longer, and then nothing of it
/// is kept.
pub async fn put_exhibit_from(
    casework: &Casework,
    content: impl AsyncRead + Unpin,
    to: AddedTo<'_>,
    person: &Person,
) -> Result<Exhibit> {
    let mut intake = views::by_hand(casework, to.case, to.name, to.media_type, person).await?;
    let mut content = Box::pin(pieces(content));
    let mut head = Vec::new();
    let mut is_whole = false;
    while head.len() <= IN_ONE_PIECE_BYTES_MAX && !is_whole {
        match content.next().await {
            Some(Ok(piece)) => head.extend_from_slice(&piece),
            Some(Err(e)) => return Err(obhut_vault::VaultError::Content(e).into()),
            None => is_whole = true,
        }
    }
    let exhibit = match is_whole {
        true => views::keep(casework, &head, intake).await?,
        false => {
            intake.media_type = content::media_type(whole_text(&head), to.media_type);
            // Where a file has these fields, they are at its beginning.
            let exif = content::exif(&head);
            let digests = ["md5", "sha1"].map(|kind| {
                Digesting::start(move |content| {
                    let kind = obhut_hash::kinds::by_name(kind).expect("a kind of ours");
                    let digest = kind.of_reader(content).expect("a digest of bytes");
                    digest.expect("a channel doesn't fail").to_hex()
                })
            });
            let head = stream::iter([Ok(Bytes::from(head))]);
            let mut each = head.chain(content).inspect(|piece| {
                if let Ok(piece) = piece {
                    digests.iter().for_each(|d| d.update(piece));
                }
            });
            let exhibit = casework.vault.put_stream(&mut each, intake).await?;
            drop(each);
            let [md5, sha1] = digests.map(Digesting::finish);
            let digests = FileDigests {
                md5,
                sha1,
                sha256: exhibit.sha256.clone(),
                bytes: exhibit.bytes,
                media_type: exhibit.intake.media_type.clone(),
                exif,
                pdq: None,
            };
            views::keep_digests(casework, &exhibit, &digests).await?;
            exhibit
        }
    };
    views::added(casework, &exhibit, to.case, to.screening, person).await?;
    Ok(exhibit)
}

/// Like [`crate::view`], piece by piece, in little memory. Each piece is authentic; that they were
/// everything is certain only when this succeeds. Returns the number of bytes.
///
/// # Errors
/// As [`crate::view`]; or `hand_out` failed, which leaves a view `failed`.
pub async fn view_into(
    casework: &Casework,
    exhibit: &str,
    person: &Person,
    purpose: &str,
    extent: Extent,
    mut hand_out: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<u64> {
    views::require_statable(extent)?;
    let record = views::before_reading(casework, exhibit, person, purpose, extent).await?;
    let mut bytes = 0;
    let counted = |piece: &[u8]| {
        bytes += piece.len() as u64;
        hand_out(piece)
    };
    let access = views::access(person, purpose);
    casework.vault.read(exhibit, access, counted).await?;
    if extent != Extent::Unseen {
        views::set_extent(casework, &record, extent).await?;
    }
    Ok(bytes)
}

/// What a reader gives; ends after an error.
fn pieces(from: impl AsyncRead + Unpin) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(from), |from| async {
        let mut from = from?;
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        while piece.len() < PIECE_BYTES {
            match from.read_buf(&mut piece).await {
                Ok(0) if piece.is_empty() => return None,
                Ok(0) => break,
                Ok(_) => {}
                Err(e) => return Some((Err(e), None)),
            }
        }
        Some((Ok(piece.freeze()), Some(from)))
    })
}

/// Without a character at the end that was cut in two: text would not be taken for text with it.
fn whole_text(head: &[u8]) -> &[u8] {
    match std::str::from_utf8(head) {
        Err(e) if e.error_len().is_none() => &head[..e.valid_up_to()],
        _ => head,
    }
}
