//! The videos of a list, and which stretch of a query video matches which stretch of them.
//!
//! Two ways to match, both from the frames' digests alone:
//! - **as python-threatexchange counts**: the share of frames of one that are within the radius of
//!   any frame of the other; the radius is the list's own, or else the kind's. Low-quality and
//!   repeated frames are omitted. [`PERCENT_MIN`] of either video is a match.
//! - **by time**: frames may be further apart than the radius, but several different pictures must
//!   fit one offset and one speed, or three seconds of a still picture must be within the radius.
//!   This finds a clip that was cut out, re-encoded, cropped and slightly sped up.
//!
//! PDQ does not tolerate crops. Each query frame therefore has a second digest with edge padding, which moves a
//! cropped picture back into place; see [`pad_edges`].

use std::collections::HashMap;
use std::sync::Arc;

use obhut_hash::{Digest, Kind, Matching, kinds};
use obhut_index::{Bits256, Segments, distance};

use super::EntryLabel;
use super::entries::{DigestColumn, Names};
use super::loaded::{EntryHit, LoadedList};

/// Lowest percentage of matching frames that is a match, whatever their times; as
/// python-threatexchange's `VPDQ_QUERY_MATCH_THRESHOLD_PERCENT`.
pub const PERCENT_MIN: f64 = 80.0;
/// Largest distance of a pair of frames that counts as a support, in bits, unless the list's radius
/// is larger. Our judgement.
const SUPPORT_BITS_MAX: u32 = 66;
/// Largest distance of a strong support, in bits. Our judgement.
const STRONG_BITS_MAX: u32 = 48;
/// Different pictures that an alignment needs. Our judgement.
const PICTURES_MIN: usize = 2;
/// Total weight that an alignment needs: two pictures suffice if one is within the radius (the
/// list's own, or else the kind's) and the other is strong. Our judgement.
const WEIGHT_MIN: u32 = 5;
/// Seconds within the radius that suffice for a still picture. Our judgement.
const STILL_SECONDS_MIN: usize = 3;
/// How far a frame may be from the time that an alignment predicts, in seconds, either way. Our
/// judgement.
const SLACK_S: f32 = 0.55;
/// Speeds that are tried, in percent. Our judgement.
const SPEEDS: std::ops::RangeInclusive<u32> = 94..=106;
/// Supports per query digest, nearest first. Our judgement.
const SUPPORTS_OF_DIGEST_MAX: usize = 500;
/// Supports of one video that are used; if there are more, evenly spaced ones. Our judgement.
const SUPPORTS_OF_VIDEO_MAX: usize = 6_000;
/// Digests per neighbour search, two a frame; those of one search may share a walk over the
/// entries. Our judgement.
const DIGESTS_AT_ONCE: usize = 64;
/// Supports of one alignment that are weighed, nearest first. Our judgement.
const SUPPORTS_OF_ALIGNMENT_MAX: usize = 96;
/// Frames of each side that are compared for percentages; if there are more, evenly spaced ones. Our judgement.
const FRAMES_COMPARED_MAX: usize = 4_000;
/// Share of a side that remains after a crop of a tenth.
const SIDE_AFTER_CROP: f64 = 0.9;
/// Side of the picture that is hashed with padded edges, in pixels.
const PADDED_SIDE: usize = 256;

/// A frame of the query video.
#[derive(Clone, Copy)]
pub(crate) struct QueryFrame {
    pub time_s: f32,
    /// Its digest. Frames of too low quality have no `QueryFrame`.
    pub plain: Bits256,
    /// Its digest with padded edges.
    pub padded: Bits256,
    /// True for the one frame a second that vPDQ would hash; only these count in percentages.
    pub whole_second: bool,
}

/// A frame's digest computed elsewhere.
#[derive(Clone, Copy)]
pub struct VideoFrameDigest {
    /// Its digest.
    pub digest: Digest,
    /// Its quality, 0 to 100.
    pub quality: u8,
    /// When it is shown, in seconds.
    pub time_s: f32,
}

impl VideoFrameDigest {
    /// As a frame of the query video; none if its quality is too low or its digest isn't 256 bits
    /// long.
    pub(crate) fn query(&self, quality_min: u8) -> Option<QueryFrame> {
        let bits = Bits256::try_from(self.digest.as_bytes()).ok()?;
        (self.quality >= quality_min).then_some(QueryFrame {
            time_s: self.time_s,
            plain: bits,
            // HMA's clients send digests, not pixels, so the edges can't be padded.
            padded: bits,
            whole_second: true,
        })
    }
}

/// Percentage (0 to 100) of frames in `a` that match any in `b`, and of `b` in `a`, as python-threatexchange counts.
pub fn compare_videos(a: &[VideoFrameDigest], b: &[VideoFrameDigest]) -> (f64, f64) {
    let Some(kind) = kinds::by_name("vpdq") else {
        return (0.0, 0.0);
    };
    let frames = |of: &[VideoFrameDigest]| -> Vec<QueryFrame> {
        let good = of.iter().filter_map(|f| f.query(kind.quality_min()));
        good.collect()
    };
    let entry: Vec<Bits256> = frames(b).iter().map(|f| f.plain).collect();
    percentages(&frames(a), &entry, kind.radius_bits().unwrap_or(0))
}

/// Which part of a video matches which part of an entry.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Stretch {
    /// Where it begins in the video, in seconds.
    pub from_s: f32,
    /// Where it ends in the video, in seconds.
    pub to_s: f32,
    /// Where that begins in the entry, in seconds; none where the entry is a picture.
    pub entry_from_s: Option<f32>,
    /// Where that ends in the entry, in seconds.
    pub entry_to_s: Option<f32>,
    /// Percentage of the video's frames that match the entry.
    pub video_percent: f64,
    /// Percentage of the entry's frames that match the video.
    pub entry_percent: f64,
}

/// An entry that a video matched.
pub(crate) struct VideoHit<'a> {
    pub entry: &'a str,
    pub label: &'a EntryLabel,
    pub file: u32,
    pub row: u32,
    /// Nearest pair of frames, in bits.
    pub distance_bits: u32,
    pub stretch: Stretch,
}

impl<'a> VideoHit<'a> {
    /// This hit without its stretch, in the form that hits of other kinds have.
    pub fn as_entry(&self, list: &LoadedList) -> EntryHit<'a> {
        EntryHit {
            entry: self.entry,
            label: self.label,
            distance_bits: self.distance_bits,
            exact: false,
            signed: list.is_signed(self.file),
            content: list.content(self.file, self.row),
        }
    }
}

/// The videos of a list, whatever file they came in; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct VideoPart {
    kind: Option<&'static Kind>,
    frames: Segments,
    runs: Vec<Run>,
    videos: usize,
}

#[derive(Clone)]
struct Run {
    first_frame: u32,
    first_video: usize,
    file: u32,
    before: u32,
    videos: Arc<Videos>,
}

/// The videos of one file; frames in the order of videos and then of time.
struct Videos {
    names: Names,
    labels: Arc<Vec<EntryLabel>>,
    label_places: Vec<u32>,
    /// Row, within the column, of the frame that the file lists first for each video.
    rows: Vec<u32>,
    /// Place of each video's first frame, and the end of the last one.
    starts: Vec<u32>,
    times_s: Vec<f32>,
    digests: Vec<Bits256>,
}

impl VideoPart {
    pub fn with(
        mut self,
        column: DigestColumn,
        file: u32,
        before: u32,
        labels: &Arc<Vec<EntryLabel>>,
    ) -> Self {
        let kind = column.kind;
        let Matching::Hamming { quality_min, .. } = kind.matching else {
            return self;
        };
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut rows: Vec<Vec<u32>> = Vec::new();
        for (row, name) in column.names.iter().enumerate() {
            let place = *places.entry(name).or_insert_with(|| {
                rows.push(Vec::new());
                rows.len() - 1
            });
            rows[place].push(row as u32);
        }
        let mut videos = Videos {
            names: Names::default(),
            labels: labels.clone(),
            label_places: Vec::new(),
            rows: Vec::new(),
            starts: vec![0],
            times_s: Vec::new(),
            digests: Vec::new(),
        };
        for mut frames in rows {
            let first = frames[0];
            videos.names.push(column.names.get(first as usize));
            videos.label_places.push(column.labels[first as usize]);
            videos.rows.push(first);
            let time = |row: &u32| column.marks[*row as usize].time_s;
            frames.sort_by(|a, b| time(a).total_cmp(&time(b)));
            for row in frames {
                let mark = column.marks[row as usize];
                // A video without any good frame keeps its name, so that it can be disputed.
                if mark.quality >= quality_min {
                    videos.times_s.push(mark.time_s);
                    let digest = column.digests[row as usize];
                    let bits = Bits256::try_from(digest.as_bytes());
                    videos.digests.push(bits.expect("256 bits"));
                }
            }
            videos.starts.push(videos.digests.len() as u32);
        }
        let first_frame = self.frames.len() as u32;
        self.frames = self.frames.with(&videos.digests);
        self.kind = Some(kind);
        let first_video = self.videos;
        self.videos += videos.rows.len();
        self.runs.push(Run {
            first_frame,
            first_video,
            file,
            before,
            videos: Arc::new(videos),
        });
        self
    }

    pub fn kind(&self) -> &'static Kind {
        self.kind.expect("made with a column")
    }

    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    pub fn has_entry(&self, entry: &str) -> bool {
        self.runs
            .iter()
            .any(|run| run.videos.names.iter().any(|e| e == entry))
    }

    /// The entry whose first frame is in row `row_of(file)` of its file.
    pub fn entry_at(&self, row_of: impl Fn(u32) -> Option<u32>) -> Option<&str> {
        self.runs.iter().find_map(|run| {
            let row = row_of(run.file)?.checked_sub(run.before)?;
            let place = run.videos.rows.iter().position(|r| *r == row)?;
            Some(run.videos.names.get(place))
        })
    }

    /// Entries that the frames match, in either way.
    pub fn search(&self, query: &[QueryFrame], radius_bits: Option<u32>) -> Vec<VideoHit<'_>> {
        let Matching::Hamming {
            radius_bits: own, ..
        } = self.kind().matching
        else {
            return Vec::new();
        };
        let radius_bits = radius_bits.unwrap_or(own);
        let both: Vec<Bits256> = query.iter().flat_map(|f| [f.plain, f.padded]).collect();
        let wide = SUPPORT_BITS_MAX.max(radius_bits);
        let mut supports: HashMap<usize, Vec<Support>> = HashMap::new();
        for (chunk, some) in both.chunks(DIGESTS_AT_ONCE).enumerate() {
            for (number, hits) in self.frames.within_each(some, wide).into_iter().enumerate() {
                // Two digests a frame, plain and padded: half of this is the frame's number.
                let place = chunk * DIGESTS_AT_ONCE + number;
                // Our judgement: bounds the work for a frame that is near much of the list.
                for hit in hits.into_iter().take(SUPPORTS_OF_DIGEST_MAX) {
                    let run = self.run_of_frame(hit.position);
                    let frame = hit.position - run.first_frame;
                    // A video without good frames shares its start with the next; the last of them has the frame.
                    let video = run.videos.starts.partition_point(|s| *s <= frame) - 1;
                    let of_video = supports.entry(run.first_video + video).or_default();
                    of_video.push(Support {
                        query: (place / 2) as u32,
                        frame,
                        distance_bits: hit.distance_bits,
                    });
                }
            }
        }
        for of_video in supports.values_mut() {
            thin(of_video, SUPPORTS_OF_VIDEO_MAX);
        }
        let mut found: Vec<VideoHit<'_>> = supports
            .iter()
            .filter_map(|(video, supports)| self.judge(*video, supports, query, radius_bits))
            .collect();
        // The map's order is random; the answer must not be.
        found.sort_by(|a, b| (a.distance_bits, a.entry).cmp(&(b.distance_bits, b.entry)));
        found
    }

    fn run_of_frame(&self, frame: u32) -> &Run {
        &self.runs[self.runs.partition_point(|run| run.first_frame <= frame) - 1]
    }

    fn judge(
        &self,
        video: usize,
        supports: &[Support],
        query: &[QueryFrame],
        radius_bits: u32,
    ) -> Option<VideoHit<'_>> {
        let run = &self.runs[self.runs.partition_point(|run| run.first_video <= video) - 1];
        let (videos, place) = (&run.videos, video - run.first_video);
        let frames = videos.starts[place] as usize..videos.starts[place + 1] as usize;
        let (video_percent, entry_percent) =
            percentages(query, &videos.digests[frames.clone()], radius_bits);
        let nearest = supports.iter().map(|s| s.distance_bits).min()?;
        let spans = if video_percent.max(entry_percent) >= PERCENT_MIN {
            let near = supports.iter().filter(|s| s.distance_bits <= radius_bits);
            // The limits in `search` may have dropped every near support; the video still matches
            // by its percentages.
            spans(near.copied(), query, videos)
                .or_else(|| spans(supports.iter().copied(), query, videos))?
        } else {
            best_alignment(supports, query, videos, radius_bits)?
        };
        let ((from_s, to_s), (entry_from_s, entry_to_s)) = spans;
        Some(VideoHit {
            entry: videos.names.get(place),
            label: &videos.labels[videos.label_places[place] as usize],
            file: run.file,
            row: run.before + videos.rows[place],
            distance_bits: nearest,
            stretch: Stretch {
                from_s,
                to_s,
                entry_from_s: Some(entry_from_s),
                entry_to_s: Some(entry_to_s),
                video_percent,
                entry_percent,
            },
        })
    }
}

/// A frame of the video that is near a frame of an entry.
#[derive(Clone, Copy)]
struct Support {
    query: u32,
    frame: u32,
    distance_bits: u32,
}

/// Keeps at most `max`, evenly spaced.
fn thin<T>(items: &mut Vec<T>, max: usize) {
    let len = items.len();
    if len > max {
        let mut place = 0;
        items.retain(|_| {
            place += 1;
            // Rises exactly `max` times in `len` steps.
            place * max / len > (place - 1) * max / len
        });
    }
}

type Spans = ((f32, f32), (f32, f32));

fn spans(
    supports: impl Iterator<Item = Support>,
    query: &[QueryFrame],
    videos: &Videos,
) -> Option<Spans> {
    supports
        .map(|s| {
            let (q, e) = (
                query[s.query as usize].time_s,
                videos.times_s[s.frame as usize],
            );
            ((q, q), (e, e))
        })
        .reduce(|(a, b), (c, d)| ((a.0.min(c.0), a.1.max(c.1)), (b.0.min(d.0), b.1.max(d.1))))
}

/// The stretch whose supports fit one speed and one offset best, if they suffice for a match.
fn best_alignment(
    supports: &[Support],
    query: &[QueryFrame],
    videos: &Videos,
    radius_bits: u32,
) -> Option<Spans> {
    // One pair of frames never suffices.
    if supports.len() < PICTURES_MIN {
        return None;
    }
    let mut best: Option<(u32, Spans)> = None;
    let mut placed: Vec<(f32, Support)> = Vec::with_capacity(supports.len());
    for speed in SPEEDS {
        let speed = speed as f32 / 100.0;
        placed.clear();
        placed.extend(supports.iter().map(|s| {
            let at = query[s.query as usize].time_s * speed;
            (videos.times_s[s.frame as usize] - at, *s)
        }));
        placed.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut from = 0;
        for to in 0..placed.len() {
            while placed[to].0 - placed[from].0 > 2.0 * SLACK_S {
                from += 1;
            }
            // Only a window that can't grow further is looked at.
            let full = placed
                .get(to + 1)
                .is_none_or(|next| next.0 - placed[from].0 > 2.0 * SLACK_S);
            if !full || to + 1 - from < PICTURES_MIN {
                continue;
            }
            let aligned: Vec<Support> = placed[from..=to].iter().map(|(_, s)| *s).collect();
            let weight = weigh(&aligned, query, videos, radius_bits);
            // Strictly more: among equals the first speed wins, so the answer is reproducible.
            if weight > best.map_or(0, |(w, _)| w)
                && let Some(spans) = spans(aligned.into_iter(), query, videos)
            {
                best = Some((weight, spans));
            }
        }
    }
    best.map(|(_, spans)| spans)
}

/// The weight of supports that fit one alignment; 0 if they do not suffice for a match.
fn weigh(aligned: &[Support], query: &[QueryFrame], videos: &Videos, radius_bits: u32) -> u32 {
    let mut aligned = aligned.to_vec();
    aligned.sort_by_key(|s| (s.distance_bits, s.query, s.frame));
    // Cut, because the loop compares each with all kept before it; the nearest weigh most.
    aligned.truncate(SUPPORTS_OF_ALIGNMENT_MAX);
    let second = |s: &Support| query[s.query as usize].time_s as u32;
    let mut pictures: Vec<Support> = Vec::new();
    let mut still: Vec<u32> = Vec::new();
    let mut weight = 0;
    for support in aligned {
        let digest = &videos.digests[support.frame as usize];
        // Seconds, not frames: four frames of one second show no more than one.
        if support.distance_bits <= radius_bits && !still.contains(&second(&support)) {
            still.push(second(&support));
        }
        // Frames of one second, or of one scene, are one piece of evidence.
        let new = pictures.iter().all(|p| {
            second(p) != second(&support)
                && distance(&videos.digests[p.frame as usize], digest) > radius_bits
        });
        if new {
            pictures.push(support);
            weight += match support.distance_bits {
                d if d <= radius_bits => 3,
                d if d <= STRONG_BITS_MAX => 2,
                _ => 1,
            };
        }
    }
    let moving = pictures.len() >= PICTURES_MIN && weight >= WEIGHT_MIN;
    if moving || still.len() >= STILL_SECONDS_MIN {
        // Among stretches of a still picture the longest wins.
        weight.max(still.len() as u32)
    } else {
        0
    }
}

/// The percentage of each side's frames that are within the radius of any frame of the other, as in
/// python-threatexchange's `vpdq_brute_matcher.py`. Repeated frames count once.
fn percentages(query: &[QueryFrame], entry: &[Bits256], radius_bits: u32) -> (f64, f64) {
    let once = |digests: Vec<Bits256>| {
        let mut digests = digests;
        // Sorted so that `dedup` drops all repeats. Thinning then picks evenly among pictures, not
        // along time.
        digests.sort_unstable();
        digests.dedup();
        thin(&mut digests, FRAMES_COMPARED_MAX);
        digests
    };
    let whole = query.iter().filter(|f| f.whole_second).map(|f| f.plain);
    let (query, entry) = (once(whole.collect()), once(entry.to_vec()));
    let share = |of: &[Bits256], among: &[Bits256]| {
        let near = |a: &&Bits256| among.iter().any(|b| distance(a, b) <= radius_bits);
        let count = of.iter().filter(near).count();
        // Without a single good frame the share is 0, not NaN.
        if of.is_empty() {
            0.0
        } else {
            count as f64 * 100.0 / of.len() as f64
        }
    };
    (share(&query, &entry), share(&entry, &query))
}

/// A frame scaled to a square of [`PADDED_SIDE`] pixels a side, its edges padded by what a crop of
/// a tenth removes. Takes and returns 8-bit luma, row by row.
pub(crate) fn pad_edges(width: usize, height: usize, luma: &[u8]) -> Vec<u8> {
    let inner = (PADDED_SIDE as f64 * SIDE_AFTER_CROP).round() as usize;
    let border = (PADDED_SIDE - inner) / 2;
    let place = |at: usize, side: usize| {
        let within = at.saturating_sub(border).min(inner - 1);
        let from = within * side / inner;
        // `within` < `inner`, so `from` < `side`, and the bounds of clamp never cross.
        (from, ((within + 1) * side / inner).clamp(from + 1, side))
    };
    let columns: Vec<_> = (0..PADDED_SIDE).map(|x| place(x, width)).collect();
    let mut out = Vec::with_capacity(PADDED_SIDE * PADDED_SIDE);
    for y in 0..PADDED_SIDE {
        let (top, bottom) = place(y, height);
        // A small picture is enlarged: neighbouring rows of the output often show the same rows of the input.
        if y > 0 && place(y - 1, height) == (top, bottom) {
            out.extend_from_within(out.len() - PADDED_SIDE..);
            continue;
        }
        for (left, right) in &columns {
            // A frame has at most a million pixels, so the sum of a cell fits into 32 bits.
            let rows = luma[top * width..bottom * width].chunks_exact(width);
            let sum: u32 = rows
                .flat_map(|row| &row[*left..*right])
                .map(|v| u32::from(*v))
                .sum();
            out.push((sum / ((bottom - top) * (right - left)) as u32) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_padded_and_the_middle_keeps_its_place() {
        let luma: Vec<u8> = (0..120 * 90).map(|i| (i % 120 * 2) as u8).collect();
        let out = pad_edges(120, 90, &luma);
        assert_eq!(out.len(), PADDED_SIDE * PADDED_SIDE);
        assert_eq!(out[0], out[10]);
        // Column 128 of 256 shows column 60 of 120, whose value is 120.
        assert!(out[128].abs_diff(120) <= 3, "{}", out[128]);
        assert_eq!(pad_edges(1, 1, &[7]), vec![7; PADDED_SIDE * PADDED_SIDE]);
    }
}
