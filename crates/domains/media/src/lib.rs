//! Detection of known pictures and videos: hash lists, screening, recording of matches.
//!
//! Invariant: list versions are immutable and sealed; only what two people signed matches.
//! Invariant: no table, log line or error text contains a file's digest in the clear.

#![deny(missing_docs)]

mod lists;
mod matches;
mod migrations;
mod record;
mod rendition;
mod scan;
mod screen;

pub use lists::{
    Bank, CONTENT_ENABLED, CheckedList, Content, EntryLabel, HashList, Import, ListProblem,
    ListSettings, LoadedList, Stretch, VIDEO_PERCENT_MIN, VideoFrameDigest, Vote, VoteReason,
    add_content, add_entries, all_lists, approve_vote, bank, banks, checked_lists, compare_videos,
    content, create_bank, dispute_entry, import_list, lift_dispute, list, propose_vote,
    read_list_file, read_plain_list, remove_bank, remove_content, set_bank_ratio, set_content,
    set_list_distance, sign_list, sign_list_as_shown, votes, watch_changes,
};
pub use matches::{Media, findings_alike};
pub use obhut_decode::{
    Cancel, Container, DecodeOptions, Limits, Pool, Sampling, Unreadable, VideoFrame, VideoSeen,
    VideoTools, WorkerCommand,
};
pub use obhut_hash::{Compute, Digest, Kind, kinds};
pub use record::{Recorded, digests_of, digests_of_file, group_without_account, record};
pub use rendition::{blurred, sheet, whole};
pub use scan::{FoundFile, ScanProblem, scan};
pub use screen::{
    BankHit, Current, Match, ScreenOptions, Screened, Screener, Verdict, current, frame_pixels,
    is_dear, pixels, screener,
};

/// Entry points for fuzz/; not for other callers.
#[doc(hidden)]
pub mod probes {
    pub use crate::lists::probe_segment as segment;
}
