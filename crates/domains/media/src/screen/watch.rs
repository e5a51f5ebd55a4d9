//! Screens a video while it is decoded: frames one by one against lists of pictures, and all frames
//! together against lists of videos.

use obhut_decode::VideoFrame;
use obhut_hash::{Compute, Kind, Matching, Pixels, kinds};
use obhut_index::Bits256;

use super::{Match, Screener, add_match, frame_pixels};
use crate::lists::{QueryFrame, Stretch, pad_edges};

/// Newest frames of a live stream that are compared again with each new one. At one frame a second
/// they cover half a minute.
const NOW_FRAMES: usize = 30;

pub(crate) struct Watch<'a> {
    screener: &'a Screener,
    /// Frames good enough to compare: all of a file, or only the newest of a stream. Empty without
    /// lists of videos.
    frames: Vec<QueryFrame>,
    /// Best quality of any frame.
    pub quality: Option<u8>,
    /// Matched entries of picture lists, and how many whole seconds each matched.
    pictures: Vec<(Match, u64)>,
    last_s: f32,
    whole_frames: u64,
}

impl<'a> Watch<'a> {
    pub fn new(screener: &'a Screener) -> Self {
        Self {
            screener,
            frames: Vec::new(),
            quality: None,
            pictures: Vec::new(),
            last_s: 0.0,
            whole_frames: 0,
        }
    }

    pub fn see(&mut self, frame: &VideoFrame<'_>) {
        self.last_s = frame.timestamp_s as f32;
        let has_videos = self.screener.has_videos();
        // Pictures are looked for once a second; only videos need more.
        if !frame.whole_second && !has_videos {
            return;
        }
        let Some((one, quality_min)) = frame_kind() else {
            return;
        };
        let found = one(frame_pixels(frame));
        self.quality = self.quality.max(Some(found.quality));
        if frame.whole_second {
            self.whole_frames += 1;
            self.see_as_picture(frame);
        }
        if found.quality < quality_min || !has_videos {
            return;
        }
        let (w, h) = (frame.width as usize, frame.height as usize);
        // PDQ does not tolerate shifts; the second digest finds frames of a cropped video.
        let wider = pad_edges(w, h, frame.luma);
        let side = (wider.len() as f64).sqrt() as u32;
        let padded = one(Pixels::grey(side, side, &wider).expect("square"));
        let bits = |d: obhut_hash::Digest| Bits256::try_from(d.as_bytes()).expect("256 bits");
        self.frames.push(QueryFrame {
            time_s: self.last_s,
            plain: bits(found.digest),
            padded: bits(padded.digest),
            whole_second: frame.whole_second,
        });
    }

    /// Compares a frame with lists of pictures.
    fn see_as_picture(&mut self, frame: &VideoFrame<'_>) {
        let mut matches = Vec::new();
        self.screener
            .search_pixels(frame_pixels(frame), &mut matches);
        for found in matches {
            let at = self.last_s;
            let known = self
                .pictures
                .iter_mut()
                .find(|(m, _)| m.is_entry_of(&found));
            let (known, seconds) = match known {
                Some(known) => known,
                None => {
                    self.pictures.push((found.clone(), 0));
                    self.pictures.last_mut().expect("just pushed")
                }
            };
            // At most once a frame, and only frames on a whole second get here, so this counts
            // seconds.
            *seconds += 1;
            known.distance_bits = known.distance_bits.min(found.distance_bits);
            // `see` has counted this frame already, so the divisor is at least 1.
            known.stretch = Some(Stretch {
                from_s: known.stretch.map_or(at, |s| s.from_s),
                to_s: at,
                entry_from_s: None,
                entry_to_s: None,
                video_percent: *seconds as f64 * 100.0 / self.whole_frames as f64,
                entry_percent: 100.0,
            });
        }
    }

    /// Adds everything that matched, once the video is over.
    pub fn end(mut self, matches: &mut Vec<Match>) {
        for (mut found, seconds) in std::mem::take(&mut self.pictures) {
            if let Some(stretch) = &mut found.stretch {
                // The share of all frames, not of those seen up to the last match.
                stretch.video_percent = seconds as f64 * 100.0 / self.whole_frames as f64;
            }
            add_match(matches, found);
        }
        self.search(&self.frames, matches);
    }

    /// Adds the matches so far, for a stream without a known end.
    pub fn now(&mut self, matches: &mut Vec<Match>) {
        matches.extend(self.pictures.iter().map(|(found, _)| found.clone()));
        // A stream has no end: memory and the time of each search must not grow with its length.
        let newest = self.frames.len().saturating_sub(NOW_FRAMES);
        self.frames.drain(..newest);
        self.search(&self.frames, matches);
    }

    fn search(&self, frames: &[QueryFrame], matches: &mut Vec<Match>) {
        if frames.is_empty() {
            return;
        }
        for list in self.screener.lists() {
            let Some(videos) = list.videos() else {
                continue;
            };
            for hit in videos.search(frames, list.about().distance_bits) {
                let entry = hit.as_entry(list);
                if self.screener.is_off(list, &entry) {
                    continue;
                }
                let mut found = Match::of(list, videos.kind(), &entry);
                found.stretch = Some(hit.stretch);
                add_match(matches, found);
            }
        }
    }
}

type OfFrame = fn(Pixels<'_>) -> obhut_hash::Perceptual;

/// How a frame is hashed, and the quality it needs.
fn frame_kind() -> Option<(OfFrame, u8)> {
    let of = |kind: &&Kind| match (kind.compute, kind.matching) {
        (Compute::Frames(one), Matching::Hamming { quality_min, .. }) => Some((one, quality_min)),
        _ => None,
    };
    kinds::ALL.iter().find_map(of)
}
