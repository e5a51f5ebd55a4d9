//! Decode, hash, search, judge by policy: the same for the command line and the server.
//!
//! [`Screener`] needs no database; [`crate::record`] puts what it found on record.

mod watch;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use obhut_decode::{
    Colour, Container, DecodeOptions, Format, Picture, Pool, Sampling, Unreadable, VideoFrame,
    VideoSeen,
};
use obhut_hash::{Compute, Digest, Kind, Matching, Perceptual, Pixels, kinds};

use obhut_casework::for_domains::{Inside as _, api_keys};
use obhut_casework::{Action, ApiKey, Casework, Purpose, Result};
use obhut_facts::words;

use crate::lists::{EntryHit, EntryLabel, LoadedList, Snapshot, Stretch, VideoFrameDigest, kept};
use crate::scan::io_reason;
use watch::Watch;

/// Leading bytes needed to detect a video.
const HEAD_BYTES: usize = 1_024;
/// What a live stream's frames are scaled to, in pixels.
const LIVE_SIZE: (u32, u32) = (512, 512);
/// Signed matches kept of one list for one digest, nearest first; as many unsigned ones are kept
/// too. Our judgement.
const MATCHES_OF_LIST_MAX: usize = 50;

words! {
    /// Verdict of screening a file.
    Verdict {
        /// Matches an entry of a signed list that isn't a list of harmless material.
        Match = "match",
        /// Matches a signed list of harmless material, and no other signed list.
        KnownHarmless = "known-harmless",
        /// Matches no signed list and has too little detail for at least one perceptual kind.
        LowQuality = "low-quality",
        /// Matches no signed list.
        NoMatch = "no-match",
        /// Could not be read, or only in part; never to be taken for "no match".
        Unreadable = "unreadable",
    }
}

/// Options of a screening.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ScreenOptions {
    /// Compare rotations by 90° and mirror images too.
    pub dihedral: bool,
    /// Decode JPEGs scaled down: faster, and PDQ differs by a few bits ([`DecodeOptions::fast`]).
    pub fast: bool,
}

/// An entry that a file matched.
#[derive(Clone, PartialEq, Debug)]
pub struct Match {
    /// The list's id; empty for a list read from a file.
    pub list_id: String,
    /// The list's name.
    pub list: String,
    /// The list's version.
    pub version: String,
    /// The entry's id.
    pub entry: String,
    /// Name of the hash kind.
    pub kind: &'static str,
    /// Bits that differ; 0 for exact kinds.
    pub distance_bits: u32,
    /// What the list is for.
    pub purpose: Purpose,
    /// The list's action.
    pub action: Action,
    /// The entry's category.
    pub label: EntryLabel,
    /// False if the entry is in an unsigned version, so that the hit only counts.
    pub signed: bool,
    /// The entry's number, for HMA's clients.
    pub content: i64,
    /// Which part of a video matched.
    pub stretch: Option<Stretch>,
}

/// Verdict of screening a file, and the reasons.
#[derive(Clone, PartialEq, Debug)]
pub struct Screened {
    /// In one word.
    pub verdict: Verdict,
    /// What policy makes of it.
    pub action: Action,
    /// Entries that matched, nearest first: for one digest at most 50 signed and 50 unsigned
    /// ones of each list.
    pub matches: Vec<Match>,
    /// Lowest quality of any perceptual kind, where one was computed; for several frames, the best
    /// frame's.
    pub quality: Option<u8>,
    /// PDQ of a picture as stored, or of the first frame of an animation with enough detail, in
    /// hexadecimal; `None` without enough detail, for a video, or if no list has PDQ entries.
    pub pdq: Option<String>,
    /// Media type by content, where known.
    pub media_type: Option<&'static str>,
    /// Why it could not be read, or only in part: a stable code, and a sentence.
    pub unreadable: Option<(&'static str, String)>,
    /// True if a person should look into the cause.
    pub suspicious: bool,
    /// True when no decoder could do its work, so that nothing is known about the file.
    pub decoder_failed: bool,
}

/// Screens files against lists in memory. Calls block; use as many threads as there are cores.
#[derive(Clone)]
pub struct Screener {
    pool: Arc<Pool>,
    kept: Arc<Snapshot>,
    now_s: i64,
    options: ScreenOptions,
}

/// Pixels from which files are dear to screen, together. Our judgement: more than a telephone's usual
/// picture has.
const DEAR_PIXELS_MIN: u64 = 16 << 20;
/// The same for one that may be animated, where the header doesn't state how many frames follow. Our
/// judgement: sixteen frames of it would be dear.
const DEAR_MOVING_PIXELS_MIN: u64 = DEAR_PIXELS_MIN / 16;
/// Bytes from which a file is dear, whatever it states. Our judgement: a byte a pixel.
const DEAR_BYTES_MIN: u64 = 16 << 20;

/// True if screening the files of one request may take much longer than an ordinary picture takes:
/// videos, large or many pictures, long animations or files. Guessed from their headers, before they
/// are decoded.
pub fn is_dear<'a>(files: impl IntoIterator<Item = &'a [u8]>) -> bool {
    let mut pixels = 0_u64;
    for bytes in files {
        pixels = pixels.saturating_add(pixels_to_expect(bytes));
    }
    pixels >= DEAR_PIXELS_MIN
}

fn pixels_to_expect(bytes: &[u8]) -> u64 {
    if Container::of(bytes).is_some() || bytes.len() as u64 >= DEAR_BYTES_MIN {
        return DEAR_PIXELS_MIN;
    }
    let Some(format) = Format::of(bytes) else {
        // ffprobe reads the beginning of a file that may be a video.
        return DEAR_MOVING_PIXELS_MIN;
    };
    match format.pixels_stated(bytes) {
        // What hides its size may have any.
        None => DEAR_PIXELS_MIN,
        Some(pixels) if format.may_be_animated(bytes) => {
            pixels.saturating_mul(DEAR_PIXELS_MIN / DEAR_MOVING_PIXELS_MIN)
        }
        Some(pixels) => pixels,
    }
}

/// Result of decoding a video.
type Decoded = std::result::Result<VideoSeen, Unreadable>;

/// Properties of a file besides its matches.
#[derive(Default)]
struct Seen {
    /// The best frame's quality; a frame's quality is the lowest of any kind.
    quality: Option<u8>,
    pdq: Option<String>,
    media_type: Option<&'static str>,
    unreadable: Option<Unreadable>,
    damaged: bool,
}

/// What the pixels of a picture or frame gave.
#[derive(Default)]
pub(crate) struct Searched {
    /// The lowest quality of any kind.
    pub quality: Option<u8>,
    /// PDQ, where its quality suffices.
    pub pdq: Option<String>,
}

impl Screener {
    /// A screener over lists read from files, without a database.
    pub fn new(pool: Arc<Pool>, lists: Vec<LoadedList>, options: ScreenOptions) -> Self {
        let kept = Arc::new(Snapshot::of_files(lists));
        Self {
            pool,
            kept,
            // Never compared: lists from files have no banks, so no content is disabled.
            now_s: 0,
            options,
        }
    }

    /// How many entries there are in all lists together.
    pub fn entries(&self) -> usize {
        self.kept.lists.iter().map(|l| l.len()).sum()
    }

    /// Screens a file. Videos of any length are decoded as they are read; other files longer than
    /// the decoder takes are compared by their exact digests.
    pub fn screen_file(&self, path: &Path) -> Screened {
        match self.read_and_screen(path) {
            Ok(screened) => screened,
            Err(e) => Screened::unreadable("input-output", io_reason(&e), false),
        }
    }

    fn read_and_screen(&self, path: &Path) -> io::Result<Screened> {
        let mut file = File::open(path)?;
        let bytes_max = self.pool.limits().input_bytes_max;
        let len = file.metadata()?.len();
        let mut head = Vec::with_capacity(HEAD_BYTES);
        file.by_ref()
            .take(HEAD_BYTES as u64)
            .read_to_end(&mut head)?;
        let container = Container::of(&head);
        if container.is_none() && len <= bytes_max {
            let mut bytes = head;
            bytes.reserve(len as usize);
            // One byte more than allowed shows that the file has grown since its length was read.
            file.by_ref().take(bytes_max + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 <= bytes_max {
                return Ok(self.screen_bytes(&bytes));
            }
        }
        let mut matches = Vec::new();
        for kind in self.kinds() {
            if let Compute::Bytes(compute) = kind.compute {
                // Each kind reads the whole file and leaves the position at its end.
                file.rewind()?;
                self.search(kind, &compute(&mut file)?, &mut matches);
            }
        }
        // The position no longer matters: the decoder opens the file a second time, through /proc.
        let seen = match container {
            Some(container) => self.see_video(container, &mut matches, |take| {
                self.pool.video(file, Sampling::FourASecond, take)
            }),
            None => Seen {
                unreadable: Some(Unreadable::TooLong {
                    bytes: len,
                    bytes_max,
                }),
                ..Seen::default()
            },
        };
        Ok(self.judge(matches, seen))
    }

    /// Screens a file's bytes.
    pub fn screen_bytes(&self, bytes: &[u8]) -> Screened {
        let mut matches = Vec::new();
        for kind in self.kinds() {
            if let Compute::Bytes(compute) = kind.compute {
                let digest = compute(&mut &bytes[..]).expect("reading from memory does not fail");
                self.search(kind, &digest, &mut matches);
            }
        }
        let needs_pixels = self
            .kinds()
            .any(|k| !matches!(k.compute, Compute::Bytes(_)));
        let container = Container::of(bytes);
        let seen = match (container, Format::of(bytes)) {
            (Some(container), _) => self.see_video(container, &mut matches, |take| {
                self.pool.video_bytes(bytes, Sampling::FourASecond, take)
            }),
            // Lists of byte digests alone need no pixels, so a file of unknown format isn't
            // decoded. A picture still is: a broken one must not pass for one that is on no list.
            (None, None) if !needs_pixels && !bytes.is_empty() => Seen::default(),
            // Players don't rely on the first bytes alone, so anything ffmpeg can play is treated as a video.
            (None, None) if bytes.len() >= HEAD_BYTES => {
                let seen = self.see_video(Container::Other, &mut matches, |take| {
                    self.pool.video_bytes(bytes, Sampling::FourASecond, take)
                });
                // Not a video after all. If it were reported as a broken video, every text or
                // archive would be held.
                match seen.unreadable {
                    Some(
                        Unreadable::CorruptVideo
                        | Unreadable::NoVideoStream
                        | Unreadable::NoVideoTools,
                    ) => Seen {
                        unreadable: Some(Unreadable::UnknownFormat),
                        ..Seen::default()
                    },
                    _ => seen,
                }
            }
            (None, format) => self.see_picture(bytes, format, &mut matches),
        };
        self.judge(matches, seen)
    }

    fn see_picture(&self, bytes: &[u8], format: Option<Format>, matches: &mut Vec<Match>) -> Seen {
        let mut seen = Seen {
            media_type: format.map(Format::media_type),
            ..Seen::default()
        };
        let mut see = |picture: &Picture| {
            seen.media_type = Some(picture.format.media_type());
            seen.damaged |= picture.damaged;
            let searched = self.search_pixels(pixels(picture), matches);
            seen.quality = seen.quality.max(searched.quality);
            seen.pdq = seen.pdq.take().or(searched.pdq);
            true
        };
        // Any frame of an animation may be the listed picture.
        let answer = if format.is_some_and(Format::may_move) {
            self.pool.frames(bytes, &mut see).map(|_| ())
        } else {
            // Pictures are compared as stored; rotations are left to `dihedral`.
            let options = DecodeOptions {
                upright: false,
                fast: self.options.fast,
            };
            self.pool.decode_with(bytes, options).map(|picture| {
                see(&picture);
            })
        };
        seen.unreadable = answer.err();
        seen
    }

    fn see_video(
        &self,
        container: Container,
        matches: &mut Vec<Match>,
        decode: impl FnOnce(&mut dyn FnMut(VideoFrame<'_>) -> bool) -> Decoded,
    ) -> Seen {
        let mut seen = Seen {
            media_type: Some(container.media_type()),
            ..Seen::default()
        };
        // Lists of byte digests alone need no frames.
        if self.kinds().all(|k| matches!(k.compute, Compute::Bytes(_))) {
            return seen;
        }
        let mut watch = Watch::new(self);
        let answer = decode(&mut |frame| {
            watch.see(&frame);
            true
        });
        seen.quality = watch.quality;
        // Also after an error: what the frames before it matched counts.
        watch.end(matches);
        match answer {
            Ok(video) => seen.damaged = video.damaged,
            Err(reason) => seen.unreadable = Some(reason),
        }
        seen
    }

    /// Screens one frame a second of a stream, as long as it lasts. `found` is called once for each
    /// entry as soon as it matches; screening stops when it returns false. `stall_max` is the
    /// longest wait for a frame.
    pub fn screen_live(
        &self,
        stream: OwnedFd,
        stall_max: Duration,
        mut found: impl FnMut(&Match) -> bool,
    ) -> Decoded {
        let mut watch = Watch::new(self);
        // `now` repeats the matches so far with every frame; the caller gets each entry once.
        // A match that only counts must not hide a later one by a signed digest of the same entry.
        let mut recorded: HashSet<(String, String, bool)> = HashSet::new();
        self.pool.live(stream, LIVE_SIZE, stall_max, &mut |frame| {
            watch.see(&frame);
            let mut matches = Vec::new();
            watch.now(&mut matches);
            matches
                .iter()
                .filter(|m| recorded.insert((m.list.clone(), m.entry.clone(), m.signed)))
                .all(&mut found)
        })
    }

    /// Every entry that a digest matches, however many there are.
    pub fn match_all(&self, kind: &'static Kind, digest: &Digest) -> Vec<Match> {
        let mut matches = Vec::new();
        for list in self.kept.lists.iter() {
            let hits = list.search(kind, digest);
            let hits = hits.iter().filter(|hit| !self.is_off(list, hit));
            matches.extend(hits.map(|hit| Match::of(list, kind, hit)));
        }
        sort(&mut matches);
        matches
    }

    /// What policy makes of entries that matched.
    pub fn judged(&self, matches: Vec<Match>) -> Screened {
        self.judge(matches, Seen::default())
    }

    /// Entries that a digest matches: of each list the 50 nearest signed and the 50 nearest
    /// unsigned ones. [`Screener::match_all`] returns all.
    pub fn match_digest(&self, kind: &'static Kind, digest: &Digest) -> Vec<Match> {
        let mut matches = Vec::new();
        self.search(kind, digest, &mut matches);
        sort(&mut matches);
        matches
    }

    pub(crate) fn search_pixels(&self, pixels: Pixels<'_>, matches: &mut Vec<Match>) -> Searched {
        let mut searched = Searched::default();
        for kind in self.kinds() {
            let (Compute::Pixels { one, eight }, Matching::Hamming { quality_min, .. }) =
                (kind.compute, kind.matching)
            else {
                continue;
            };
            let digests: Vec<Perceptual> = if self.options.dihedral {
                eight(pixels).into()
            } else {
                vec![one(pixels)]
            };
            let quality = digests[0].quality;
            // `judge` compares the lowest quality of any kind with the highest minimum of any kind.
            let lowest = searched.quality.map_or(quality, |l| l.min(quality));
            searched.quality = Some(lowest);
            if quality >= quality_min {
                if kind.name == "pdq" {
                    searched.pdq = Some(digests[0].digest.to_hex());
                }
                digests
                    .iter()
                    .for_each(|d| self.search(kind, &d.digest, matches));
            }
        }
        searched
    }

    /// The kinds any list has entries of, each once.
    fn kinds(&self) -> impl Iterator<Item = &'static Kind> {
        kinds::ALL.iter().copied().filter(|kind| {
            let mut lists = self.kept.lists.iter();
            lists.any(|l| l.kinds().any(|(k, _)| k.name == kind.name))
        })
    }

    pub(crate) fn lists(&self) -> impl Iterator<Item = &Arc<LoadedList>> {
        self.kept.lists.iter()
    }

    pub(crate) fn has_videos(&self) -> bool {
        self.lists().any(|list| list.videos().is_some())
    }

    pub(crate) fn is_off(&self, list: &LoadedList, hit: &EntryHit<'_>) -> bool {
        self.kept.banks.is_off(list.id(), hit.entry, self.now_s) || self.kept.is_disputed(list, hit)
    }

    fn search(&self, kind: &Kind, digest: &Digest, matches: &mut Vec<Match>) {
        for list in self.kept.lists.iter() {
            let hits = list.search(kind, digest);
            let hits = hits.into_iter().filter(|hit| !self.is_off(list, hit));
            // Entries that only count must not crowd out one that matches.
            let (signed, unsigned): (Vec<_>, Vec<_>) = hits.partition(|hit| hit.signed);
            for some in [signed, unsigned] {
                for hit in some.into_iter().take(MATCHES_OF_LIST_MAX) {
                    add_match(matches, Match::of(list, kind, &hit));
                }
            }
        }
    }

    /// The policy: a signed list may hold or block; a harmless entry hides no match; what can't be
    /// read is never "no match".
    fn judge(&self, mut matches: Vec<Match>, seen: Seen) -> Screened {
        let Seen {
            quality,
            pdq,
            media_type,
            unreadable,
            damaged,
        } = seen;
        sort(&mut matches);
        // An unsigned version only counts: one person alone must not be able to hold an upload.
        let counts = |m: &&Match| m.signed && m.purpose != Purpose::KnownHarmless;
        let quality_min = self
            .kinds()
            .filter_map(|k| match k.matching {
                Matching::Hamming { quality_min, .. } => Some(quality_min),
                Matching::Exact => None,
            })
            .max();
        let suspicious = damaged || unreadable.is_some_and(|u| u.is_suspicious());
        // The order matters: a match outweighs a harmless entry, and both outweigh damage.
        let (verdict, action) =
            if let Some(action) = matches.iter().filter(counts).map(|m| m.action).max() {
                (Verdict::Match, action)
            } else if matches
                .iter()
                .any(|m| m.signed && m.purpose == Purpose::KnownHarmless)
            {
                (Verdict::KnownHarmless, Action::Pass)
            } else if unreadable.is_some() || damaged {
                (
                    Verdict::Unreadable,
                    if suspicious {
                        Action::Hold
                    } else {
                        Action::Pass
                    },
                )
            } else if quality.is_some_and(|q| quality_min.is_some_and(|min| q < min)) {
                (Verdict::LowQuality, Action::Pass)
            } else {
                (Verdict::NoMatch, Action::Pass)
            };
        let because = match unreadable {
            Some(reason) => Some((reason.code(), reason.to_string())),
            None if damaged => Some((
                "damaged",
                "part of the picture is missing or broken".to_owned(),
            )),
            None => None,
        };
        Screened {
            verdict,
            action,
            matches,
            quality,
            pdq,
            media_type,
            unreadable: because,
            suspicious,
            decoder_failed: unreadable.is_some_and(|u| u.is_decoder_fault()),
        }
    }
}

/// A picture as the hash kinds take it.
///
/// # Panics
/// The samples don't fit the sides, which were then changed: the pool checks them.
pub fn pixels(picture: &Picture) -> Pixels<'_> {
    let (w, h) = (picture.width, picture.height);
    match picture.colour {
        Colour::Rgb => Pixels::new(w, h, &picture.samples),
        Colour::Grey => Pixels::grey(w, h, &picture.samples),
    }
    .expect("the pool has checked it")
}

/// A video's frame as the hash kinds take it.
///
/// # Panics
/// The luma isn't width × height bytes long.
pub fn frame_pixels<'a>(frame: &VideoFrame<'a>) -> Pixels<'a> {
    Pixels::grey(frame.width, frame.height, frame.luma).expect("as long as its sides say")
}

impl Match {
    /// True for the same entry: of the same version of a list and the same kind, at any distance.
    pub(crate) fn is_entry_of(&self, other: &Self) -> bool {
        self.entry == other.entry
            && self.kind == other.kind
            && self.list == other.list
            && self.version == other.version
    }

    pub(crate) fn of(list: &LoadedList, kind: &Kind, hit: &EntryHit<'_>) -> Self {
        Self {
            list_id: list.id().to_owned(),
            list: list.name().to_owned(),
            version: list.version_of(hit.signed).to_owned(),
            entry: hit.entry.to_owned(),
            content: hit.content,
            kind: kinds::by_name(kind.name).map_or("", |k| k.name),
            distance_bits: hit.distance_bits,
            purpose: list.purpose(),
            action: list.action(),
            label: hit.label.clone(),
            signed: hit.signed,
            stretch: None,
        }
    }
}

/// An entry that matched in several ways is one match, with its nearest distance.
pub(crate) fn add_match(matches: &mut Vec<Match>, found: Match) {
    let known = matches.iter_mut().find(|m| m.is_entry_of(&found));
    match known {
        None => matches.push(found),
        Some(known) => {
            known.distance_bits = known.distance_bits.min(found.distance_bits);
            known.stretch = known.stretch.or(found.stretch);
        }
    }
}

fn sort(matches: &mut [Match]) {
    // Ties are broken by name, so that the same file gives the same answer every time.
    matches.sort_by(|a, b| {
        (a.distance_bits, &a.list, &a.entry, a.kind).cmp(&(
            b.distance_bits,
            &b.list,
            &b.entry,
            b.kind,
        ))
    });
}

impl Screened {
    /// The result for a file that could not be read, without any match.
    pub fn unreadable(code: &'static str, because: String, suspicious: bool) -> Self {
        Self {
            verdict: Verdict::Unreadable,
            action: if suspicious {
                Action::Hold
            } else {
                Action::Pass
            },
            matches: Vec::new(),
            quality: None,
            pdq: None,
            media_type: None,
            unreadable: Some((code, because)),
            suspicious,
            decoder_failed: false,
        }
    }

    /// True when a person should look: a match, or a file that is unreadable for a
    /// suspicious reason.
    pub fn makes_a_finding(&self) -> bool {
        self.verdict == Verdict::Match || (self.verdict == Verdict::Unreadable && self.suspicious)
    }
}

/// Lists, disputes, banks and API keys as they were at one moment.
#[derive(Clone)]
pub struct Current {
    kept: Arc<Snapshot>,
    now_micros: i64,
}

/// An entry that a lookup through HMA's interface found.
#[derive(Clone, Debug)]
pub struct BankHit {
    /// What matched.
    pub found: Match,
    /// Share of lookups its bank takes part in, 0 to 1.
    pub ratio: f64,
}

impl Current {
    fn now_s(&self) -> i64 {
        self.now_micros / 1_000_000
    }

    /// The API key with that secret, unless it was revoked or has expired.
    pub fn key(&self, secret: &str) -> Option<&ApiKey> {
        self.any_key(secret).filter(|key| self.is_valid(key))
    }

    /// The id of the API key with that secret, if it was revoked or has expired: for the record of
    /// who tried it.
    pub fn lapsed_key(&self, secret: &str) -> Option<&str> {
        let key = self.any_key(secret).filter(|key| !self.is_valid(key));
        key.map(|key| key.id.as_str())
    }

    fn any_key(&self, secret: &str) -> Option<&ApiKey> {
        self.kept.keys.get(&api_keys::digest(secret))
    }

    fn is_valid(&self, key: &ApiKey) -> bool {
        // Keys are cached and expiry changes no row, so it is checked at every use.
        key.revoked_at.is_none() && key.expires_at.is_none_or(|at| self.now_micros < at)
    }

    /// For each kind of each list: the list's name, the kind, and the number of entries. Frames of
    /// too low quality aren't counted.
    pub fn sizes(&self) -> Vec<(&str, &'static Kind, usize)> {
        let lists = self.kept.lists.iter();
        lists
            .flat_map(|list| list.kinds().map(move |(kind, n)| (list.name(), kind, n)))
            .collect()
    }

    /// A screener over these lists.
    pub fn screener(&self, pool: Arc<Pool>, options: ScreenOptions) -> Screener {
        Screener {
            pool,
            kept: self.kept.clone(),
            now_s: self.now_s(),
            options,
        }
    }

    /// Entries of banks that a digest matches; with `disabled`, entries of disabled contents too.
    pub fn lookup(&self, kind: &'static Kind, digest: &Digest, disabled: bool) -> Vec<BankHit> {
        let mut hits = Vec::new();
        for list in self.kept.lists.iter() {
            let ratio = self.kept.banks.ratios.get(list.id()).copied();
            // A list that HMA's interface never touched has no row and takes part in every lookup.
            let ratio = ratio.unwrap_or(1_000_000);
            // A removed bank, see `BankStates::ratios`.
            if ratio < 0 {
                continue;
            }
            for hit in list.search(kind, digest) {
                let off = !disabled && self.kept.banks.is_off(list.id(), hit.entry, self.now_s());
                // Disputed entries never match, even where disabled contents are asked for.
                if off || self.kept.is_disputed(list, &hit) {
                    continue;
                }
                hits.push(BankHit {
                    found: Match::of(list, kind, &hit),
                    ratio: ratio as f64 / 1e6,
                });
            }
        }
        // Signals of one content share its number. It is returned once, at its nearest distance.
        hits.sort_by_key(|hit| (hit.found.distance_bits, hit.found.content));
        // A set, because two signals of one content need not be neighbours.
        let mut seen = std::collections::HashSet::new();
        hits.retain(|hit| seen.insert((hit.found.list_id.clone(), hit.found.content)));
        hits
    }

    /// [`Current::lookup`] of a video's frames.
    pub fn lookup_video(&self, frames: &[VideoFrameDigest], disabled: bool) -> Vec<BankHit> {
        let mut hits = Vec::new();
        for list in self.kept.lists.iter() {
            let ratio = self.kept.banks.ratios.get(list.id()).copied();
            let ratio = ratio.unwrap_or(1_000_000);
            let Some(videos) = list.videos().filter(|_| ratio >= 0) else {
                continue;
            };
            let quality_min = videos.kind().quality_min();
            let query: Vec<_> = frames.iter().filter_map(|f| f.query(quality_min)).collect();
            for hit in videos.search(&query, list.about().distance_bits) {
                let entry = hit.as_entry(list);
                let off = !disabled && self.kept.banks.is_off(list.id(), hit.entry, self.now_s());
                if off || self.kept.is_disputed(list, &entry) {
                    continue;
                }
                let mut found = Match::of(list, videos.kind(), &entry);
                found.stretch = Some(hit.stretch);
                hits.push(BankHit {
                    found,
                    ratio: ratio as f64 / 1e6,
                });
            }
        }
        hits
    }

    /// The lists of this snapshot.
    pub fn lists(&self) -> impl Iterator<Item = &LoadedList> {
        self.kept.lists.iter().map(|list| &**list)
    }
}

/// The current lists, disputes, banks and API keys.
pub async fn current(casework: &Casework) -> Result<Current> {
    Ok(Current {
        kept: kept(casework).await?,
        now_micros: casework.now_micros(),
    })
}

/// A screener over the lists on record as they are now. Cheap when nothing has changed.
pub async fn screener(
    casework: &Casework,
    pool: Arc<Pool>,
    options: ScreenOptions,
) -> Result<Screener> {
    Ok(current(casework).await?.screener(pool, options))
}
