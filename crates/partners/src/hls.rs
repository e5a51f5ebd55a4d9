//! A live stream's segments, fetched as they appear and piped to a decoder (HLS, RFC 8216).

use std::collections::HashSet;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use m3u8_rs::Playlist;
use url::Url;

use crate::fetch::{FetchFault, Fetcher};

/// Longest playlist, in bytes.
const PLAYLIST_BYTES_MAX: u64 = 1 << 20;
/// Longest segment, in bytes.
const SEGMENT_BYTES_MAX: u64 = 64 << 20;
/// How long a playlist may stay as it is before the stream counts as over.
const STILL_MAX: Duration = Duration::from_secs(60);
/// Segments before the newest with which watching begins.
const BEHIND_MAX: usize = 3;

/// Fetches a stream's segments in order and writes them, until the stream ends, `go_on` says
/// false, or nobody reads any more. Of several qualities the one with the fewest bits is taken:
/// the hash needs no more.
pub fn follow(
    fetcher: &Fetcher,
    address: &str,
    to: &mut impl Write,
    go_on: impl Fn() -> bool,
) -> Result<(), FetchFault> {
    let not_hls = FetchFault::NotAllowed("it is no HLS playlist");
    let mut url = Url::parse(address).map_err(|_| FetchFault::NotAllowed("it is no address"))?;
    let mut seen: HashSet<String> = HashSet::new();
    let mut first = true;
    let mut initial: Option<String> = None;
    let mut changed = Instant::now();
    while go_on() {
        let text = fetcher.get(url.as_str(), PLAYLIST_BYTES_MAX)?.bytes;
        let playlist = match m3u8_rs::parse_playlist_res(&text) {
            Ok(Playlist::MediaPlaylist(playlist)) => playlist,
            Ok(Playlist::MasterPlaylist(master)) if first => {
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
        let skip = if seen.is_empty() && !playlist.end_list {
            count.saturating_sub(BEHIND_MAX)
        } else {
            0
        };
        for (number, segment) in playlist.segments.iter().enumerate().skip(skip) {
            let name = format!(
                "{} {}",
                playlist.media_sequence + number as u64,
                segment.uri
            );
            if !go_on() || !seen.insert(name) {
                continue;
            }
            changed = Instant::now();
            // Fragmented MP4 has its head in a file of its own.
            if let Some(map) = &segment.map
                && initial.as_ref() != Some(&map.uri)
            {
                let head = url.join(&map.uri).map_err(|_| not_hls.clone())?;
                let bytes = fetcher.get(head.as_str(), SEGMENT_BYTES_MAX)?.bytes;
                if to.write_all(&bytes).is_err() {
                    return Ok(());
                }
                initial = Some(map.uri.clone());
            }
            let segment = url.join(&segment.uri).map_err(|_| not_hls.clone())?;
            let bytes = match fetcher.get(segment.as_str(), SEGMENT_BYTES_MAX) {
                Ok(fetched) => fetched.bytes,
                // It has left the window already; the next one is what counts.
                Err(FetchFault::Status(404 | 410)) => continue,
                Err(e) => return Err(e),
            };
            if to.write_all(&bytes).is_err() {
                return Ok(());
            }
        }
        if playlist.end_list || changed.elapsed() > STILL_MAX {
            return Ok(());
        }
        // RFC 8216, 6.3.4: not sooner than half a target duration; never so long that it is late.
        let wait = Duration::from_millis(playlist.target_duration * 500);
        thread::sleep(wait.clamp(Duration::from_millis(200), Duration::from_secs(2)));
    }
    Ok(())
}
