//! A live stream's segments, fetched as they appear and piped to a decoder (HLS, RFC 8216).

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use m3u8_rs::Playlist;
use url::Url;

use crate::fetch::{FetchFault, Fetcher};

/// Longest playlist, in bytes. Our judgement.
const PLAYLIST_BYTES_MAX: u64 = 1 << 20;
/// Longest segment, in bytes. Our judgement.
const SEGMENT_BYTES_MAX: u64 = 64 << 20;
/// How long a playlist may stay as it is before the stream counts as over. Our judgement.
const STILL_MAX: Duration = Duration::from_secs(60);
/// Failed requests for a playlist in a row before the stream is given up. Our judgement.
const FAILURES_MAX: u32 = 10;
/// A live stream is followed from this many segments before its end (RFC 8216, 6.3.3).
const BEHIND_MAX: usize = 3;

/// Fetches a stream's segments in order and writes them, until the stream ends, `go_on` returns
/// false, or the reader is gone. Of several variant streams the one with the lowest bitrate is
/// taken: the hash needs no more. Returns the number of segments skipped because their fetch
/// failed; those that left the playlist between two requests for it aren't counted. Fails if an
/// address may not be fetched, if the playlist isn't HLS or can't be reached any more, if a segment
/// is too long, refused or a byte range, or if the header of the segments can't be fetched.
// Long: a single loop whose state is in local variables.
pub fn follow(
    fetcher: &Fetcher,
    address: &str,
    to: &mut impl Write,
    go_on: impl Fn() -> bool,
) -> Result<u64, FetchFault> {
    let not_hls = FetchFault::NotAllowed("not an HLS playlist");
    let mut url = Url::parse(address).map_err(|_| FetchFault::NotAllowed("not a valid URL"))?;
    // The next segment by its number in the stream.
    let mut next: Option<u64> = None;
    let (mut skipped, mut failed) = (0, 0);
    let mut first = true;
    let mut initial: Option<String> = None;
    let mut changed = Instant::now();
    while go_on() {
        let text = match fetcher.get(url.as_str(), PLAYLIST_BYTES_MAX) {
            Ok(fetched) => {
                failed = 0;
                fetched.bytes
            }
            // One failed request does not end a stream.
            Err(e) if is_passing(&e) && next.is_some() && failed < FAILURES_MAX => {
                failed += 1;
                thread::sleep(Duration::from_secs(1));
                continue;
            }
            Err(e) => return Err(e),
        };
        let playlist = match m3u8_rs::parse_playlist_res(&text) {
            Ok(Playlist::MediaPlaylist(playlist)) => playlist,
            // Followed once only: a master playlist that names another could do so for ever.
            Ok(Playlist::MasterPlaylist(master)) if first => {
                // I-frame playlists (RFC 8216, 4.3.4.3) are for seeking, and their segments are
                // byte ranges.
                let variants = master.variants.iter().filter(|v| !v.is_i_frame);
                let least = variants
                    .min_by_key(|v| v.bandwidth)
                    .ok_or(not_hls.clone())?;
                url = url.join(&least.uri).map_err(|_| not_hls.clone())?;
                first = false;
                continue;
            }
            _ => return Err(not_hls),
        };
        let count = playlist.segments.len();
        // RFC 8216, 6.3.3: start no closer to the end than three target durations.
        let newest = match playlist.end_list {
            true => 0,
            false => count.saturating_sub(BEHIND_MAX) as u64,
        };
        let from = next.unwrap_or(playlist.media_sequence.saturating_add(newest));
        for (number, segment) in playlist.segments.iter().enumerate() {
            // The sequence number is the server's and may be close to the largest u64.
            let number = playlist.media_sequence.saturating_add(number as u64);
            if !go_on() || number < from {
                continue;
            }
            // Moved on before the fetch: a segment that fails is skipped, never asked for twice.
            next = Some(number.saturating_add(1));
            if segment.byte_range.is_some() {
                return Err(FetchFault::NotAllowed(
                    "its segments are byte ranges of files, which aren't supported",
                ));
            }
            changed = Instant::now();
            // Fragmented MP4 has its header in a separate file.
            if let Some(map) = &segment.map
                && initial.as_ref() != Some(&map.uri)
            {
                let head = url.join(&map.uri).map_err(|_| not_hls.clone())?;
                // Not skipped like a segment: without this header no later segment can be decoded.
                let bytes = fetcher.get(head.as_str(), SEGMENT_BYTES_MAX)?.bytes;
                if to.write_all(&bytes).is_err() {
                    return Ok(skipped);
                }
                initial = Some(map.uri.clone());
            }
            let segment = url.join(&segment.uri).map_err(|_| not_hls.clone())?;
            let bytes = match fetcher.get(segment.as_str(), SEGMENT_BYTES_MAX) {
                Ok(fetched) => fetched.bytes,
                // It has left the window already, or the server failed briefly: go on with the
                // next.
                Err(e) if is_passing(&e) => {
                    skipped += 1;
                    continue;
                }
                Err(e) => return Err(e),
            };
            if to.write_all(&bytes).is_err() {
                return Ok(skipped);
            }
        }
        if playlist.end_list || changed.elapsed() > STILL_MAX {
            return Ok(skipped);
        }
        // RFC 8216, 6.3.4 asks for half a target duration after an unchanged playlist. This wait is
        // at most two seconds, even if half a target duration is longer, so as not to fall behind.
        let wait = Duration::from_millis(playlist.target_duration.min(60) * 500);
        thread::sleep(wait.clamp(Duration::from_millis(200), Duration::from_secs(2)));
    }
    Ok(skipped)
}

/// Parses a playlist as [`follow`] does and resolves the addresses of its variants or segments.
/// For fuzzing.
#[doc(hidden)]
pub fn probe(bytes: &[u8]) {
    let url = Url::parse("https://example.org/live/index.m3u8").expect("a valid URL");
    match m3u8_rs::parse_playlist_res(bytes) {
        Ok(Playlist::MasterPlaylist(master)) => {
            for variant in master.variants {
                let _ = url.join(&variant.uri);
            }
        }
        Ok(Playlist::MediaPlaylist(playlist)) => {
            // A segment takes at least a byte of its playlist.
            assert!(playlist.segments.len() <= bytes.len());
            for segment in playlist.segments {
                let _ = url.join(&segment.uri);
            }
        }
        Err(_) => {}
    }
}

/// True for a fault after which the next request may succeed.
fn is_passing(e: &FetchFault) -> bool {
    // 404 and 410: a live window moves on, so a segment may be gone before it is fetched.
    matches!(
        e,
        FetchFault::Status(404 | 410 | 429 | 500..=599)
            | FetchFault::Unreachable
            | FetchFault::TooSlow
    )
}
