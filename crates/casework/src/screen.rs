//! Decode, hash, search, judge by policy: the same for the command line and the server.
//!
//! [`Screener`] needs no database; [`Casework::record`] puts what it found on record.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::Path;
use std::sync::Arc;

use obhut_decode::{Colour, Picture, Pool, Unreadable};
use obhut_hash::{Compute, Digest, Kind, Matching, Perceptual, Pixels, kinds};

use crate::database::words;
use crate::lists::{Action, EntryLabel, LoadedList, Purpose, count_hit};
use crate::scan::io_reason;
use crate::{Casework, CaseworkError, Result, Sealed, Surface, cases, findings, ids};

/// Matches kept of one list for one file, nearest first.
const MATCHES_OF_LIST_MAX: usize = 50;

words! {
    /// What screening a file came to.
    Verdict {
        /// An entry of a signed list.
        Match = "match",
        /// An entry of a list of harmless material, and of no other.
        KnownHarmless = "known-harmless",
        /// Too little in it to be told apart; no perceptual kind may match.
        LowQuality = "low-quality",
        /// On no list.
        NoMatch = "no-match",
        /// Could not be read, or only in part; never to be taken for "no match".
        Unreadable = "unreadable",
    }
}

/// How to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ScreenOptions {
    /// Compare turns and mirrors too.
    pub dihedral: bool,
}

/// An entry that a file matched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Match {
    /// The list's id; empty for a list read from a file.
    pub list_id: String,
    /// The list's name.
    pub list: String,
    /// The list's version.
    pub version: String,
    /// The entry.
    pub entry: String,
    /// Name of the hash kind.
    pub kind: &'static str,
    /// Bits that differ; 0 for exact kinds.
    pub distance_bits: u32,
    /// What the list is for.
    pub purpose: Purpose,
    /// What the list makes of it.
    pub action: Action,
    /// What the entry says.
    pub label: EntryLabel,
    /// False when the list only counts.
    pub signed: bool,
}

/// What screening a file came to, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Screened {
    /// In one word.
    pub verdict: Verdict,
    /// What policy makes of it.
    pub action: Action,
    /// All entries that matched, those of unsigned lists too; nearest first.
    pub matches: Vec<Match>,
    /// PDQ quality, where it was computed.
    pub quality: Option<u8>,
    /// Media type by content, where known.
    pub media_type: Option<&'static str>,
    /// Why it could not be read, or not whole: a code that stays the same, and a sentence.
    pub unreadable: Option<(&'static str, String)>,
    /// True when somebody should look at why.
    pub suspicious: bool,
}

/// Screens files against lists in memory. Calls block; use as many threads as there are cores.
#[derive(Clone)]
pub struct Screener {
    pool: Arc<Pool>,
    lists: Arc<Vec<Arc<LoadedList>>>,
    disputed: Arc<HashSet<(String, String)>>,
    options: ScreenOptions,
}

impl Screener {
    /// Against lists read from files, without a database.
    pub fn new(pool: Arc<Pool>, lists: Vec<LoadedList>, options: ScreenOptions) -> Self {
        let lists = Arc::new(lists.into_iter().map(Arc::new).collect());
        Self {
            pool,
            lists,
            disputed: Arc::default(),
            options,
        }
    }

    /// How many entries there are in all lists together.
    pub fn entries(&self) -> usize {
        self.lists.iter().map(|l| l.len()).sum()
    }

    /// Screens a file. Longer ones than the decoder takes are compared by their exact digests.
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
        if len <= bytes_max {
            let mut bytes = Vec::with_capacity(len as usize);
            file.by_ref().take(bytes_max + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 <= bytes_max {
                return Ok(self.screen_bytes(&bytes));
            }
        }
        let mut matches = Vec::new();
        for kind in self.kinds() {
            if let Compute::Bytes(compute) = kind.compute {
                file.rewind()?;
                self.search(kind, &compute(&mut file)?, &mut matches);
            }
        }
        let too_long = Unreadable::TooLong {
            bytes: len,
            bytes_max,
        };
        Ok(self.judge(matches, None, None, Some(too_long), false))
    }

    /// Screens a file's bytes.
    pub fn screen_bytes(&self, bytes: &[u8]) -> Screened {
        let mut matches = Vec::new();
        let mut needs_pixels = false;
        for kind in self.kinds() {
            match kind.compute {
                Compute::Bytes(compute) => {
                    let digest =
                        compute(&mut &bytes[..]).expect("reading from memory does not fail");
                    self.search(kind, &digest, &mut matches);
                }
                Compute::Pixels { .. } => needs_pixels = true,
            }
        }
        // Lists of byte digests alone need no pixels, but a broken picture is told all the same:
        // it must not pass for one that is on no list.
        if !needs_pixels && !bytes.is_empty() && obhut_decode::Format::of(bytes).is_none() {
            return self.judge(matches, None, None, None, false);
        }
        match self.pool.decode(bytes) {
            Err(reason) => {
                let media_type = obhut_decode::Format::of(bytes).map(|f| f.media_type());
                self.judge(matches, None, media_type, Some(reason), false)
            }
            Ok(picture) => {
                let quality = self.search_pixels(&picture, &mut matches);
                self.judge(
                    matches,
                    quality,
                    Some(picture.format.media_type()),
                    None,
                    picture.damaged,
                )
            }
        }
    }

    fn search_pixels(&self, picture: &Picture, matches: &mut Vec<Match>) -> Option<u8> {
        let pixels = pixels(picture);
        let mut lowest = None;
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
            lowest = Some(lowest.map_or(quality, |l: u8| l.min(quality)));
            if quality >= quality_min {
                digests
                    .iter()
                    .for_each(|d| self.search(kind, &d.digest, matches));
            }
        }
        lowest
    }

    /// The kinds any list has entries of, each once.
    fn kinds(&self) -> impl Iterator<Item = &'static Kind> {
        kinds::ALL.iter().copied().filter(|kind| {
            self.lists
                .iter()
                .any(|l| l.kinds().any(|k| k.name == kind.name))
        })
    }

    fn search(&self, kind: &Kind, digest: &Digest, matches: &mut Vec<Match>) {
        for list in self.lists.iter() {
            let hits = list.search(kind, digest).into_iter().filter(|hit| {
                self.disputed.is_empty()
                    || !self
                        .disputed
                        .contains(&(list.id().to_owned(), hit.entry.to_owned()))
            });
            for hit in hits.take(MATCHES_OF_LIST_MAX) {
                let known = matches.iter_mut().find(|m| {
                    m.entry == hit.entry
                        && m.kind == kind.name
                        && m.list == list.name()
                        && m.version == list.version()
                });
                if let Some(known) = known {
                    known.distance_bits = known.distance_bits.min(hit.distance_bits);
                    continue;
                }
                matches.push(Match {
                    list_id: list.id().to_owned(),
                    list: list.name().to_owned(),
                    version: list.version().to_owned(),
                    entry: hit.entry.to_owned(),
                    kind: kinds::by_name(kind.name).map_or("", |k| k.name),
                    distance_bits: hit.distance_bits,
                    purpose: list.purpose(),
                    action: list.action(),
                    label: hit.label.clone(),
                    signed: list.signed(),
                });
            }
        }
    }

    /// The policy: a signed list may hold or block; a harmless entry hides no match; what can't be
    /// read is never "no match".
    fn judge(
        &self,
        mut matches: Vec<Match>,
        quality: Option<u8>,
        media_type: Option<&'static str>,
        unreadable: Option<Unreadable>,
        damaged: bool,
    ) -> Screened {
        matches.sort_by(|a, b| {
            (a.distance_bits, &a.list, &a.entry, a.kind).cmp(&(
                b.distance_bits,
                &b.list,
                &b.entry,
                b.kind,
            ))
        });
        let counts = |m: &&Match| m.signed && m.purpose != Purpose::KnownHarmless;
        let quality_min = self
            .kinds()
            .filter_map(|k| match k.matching {
                Matching::Hamming { quality_min, .. } => Some(quality_min),
                Matching::Exact => None,
            })
            .max();
        let suspicious = damaged || unreadable.is_some_and(|u| u.is_suspicious());
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
            media_type,
            unreadable: because,
            suspicious,
        }
    }
}

/// A picture as the hash kinds take it.
pub fn pixels(picture: &Picture) -> Pixels<'_> {
    let (w, h) = (picture.width, picture.height);
    match picture.colour {
        Colour::Rgb => Pixels::new(w, h, &picture.samples),
        Colour::Grey => Pixels::grey(w, h, &picture.samples),
    }
    .expect("the pool has checked it")
}

impl Screened {
    /// A file that gave no bytes at all.
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
            media_type: None,
            unreadable: Some((code, because)),
            suspicious,
        }
    }

    /// True when a person should look: a match, or a picture that can't be read.
    pub fn makes_a_finding(&self) -> bool {
        self.verdict == Verdict::Match || (self.verdict == Verdict::Unreadable && self.suspicious)
    }
}

/// What was screened, as far as the caller knows it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What belongs into one case: an account, a run over a folder, one upload.
    pub group: String,
    /// The account it came from.
    pub account: Option<Sealed<String>>,
    /// A path or a file's name.
    pub name: Option<Sealed<String>>,
    /// Where it was meant to be seen.
    pub surface: Surface,
    /// When it was uploaded, microseconds since 1970; now, where unknown.
    pub uploaded_at: Option<i64>,
}

/// The name of a group that nothing else belongs to yet.
pub fn fresh_group() -> String {
    ids::new("group")
}

/// What was put on record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// The opaque id the caller gets, whatever the verdict.
    pub id: String,
    /// The case, where there was a finding.
    pub case: Option<String>,
    /// The sealed exhibit, where the bytes were kept.
    pub exhibit: Option<String>,
}

/// The versions that only count and had a hit, each once.
fn unsigned(screened: &Screened) -> HashSet<(&str, &str)> {
    let hits = screened.matches.iter().filter(|m| !m.signed);
    hits.map(|m| (m.list_id.as_str(), m.version.as_str()))
        .collect()
}

impl Casework {
    /// A screener over the lists on record as they are now. Cheap when nothing has changed.
    pub async fn screener(&self, pool: Arc<Pool>, options: ScreenOptions) -> Result<Screener> {
        let lists = self.current_lists().await?;
        let disputed = Arc::new(self.disputed().await?);
        Ok(Screener {
            pool,
            lists,
            disputed,
            options,
        })
    }

    /// Puts what was found on record: counts for unsigned lists; for a match or an unreadable
    /// picture a finding in a case, and with `bytes` an exhibit in the vault.
    pub async fn record(
        &self,
        screened: &Screened,
        subject: &Subject,
        bytes: Option<&[u8]>,
        actor: &str,
    ) -> Result<Recorded> {
        self.check_surface(subject.surface).await?;
        let id = ids::new("screen");
        if !screened.makes_a_finding() {
            let unsigned = unsigned(screened);
            if !unsigned.is_empty() {
                let mut tx = self.db.begin().await?;
                for (list, version) in unsigned {
                    count_hit(&mut tx, list, version).await?;
                }
                tx.commit().await?;
            }
            return Ok(Recorded {
                id,
                case: None,
                exhibit: None,
            });
        }
        let fresh = ids::new("case");
        // The exhibit before the finding that names it: what is on record can be opened. Its own
        // record says the case as it is now; the finding says the one it has joined.
        let exhibit = match bytes {
            Some(bytes) => {
                let case = cases::open_case(self, subject)
                    .await?
                    .unwrap_or_else(|| fresh.clone());
                Some(
                    self.seal_exhibit(&case, bytes, subject, screened, actor)
                        .await?,
                )
            }
            None => None,
        };
        let mut tx = self.db.begin().await?;
        for (list, version) in unsigned(screened) {
            count_hit(&mut tx, list, version).await?;
        }
        let case = cases::hold_or_open(&mut tx, self, subject, &fresh, actor).await?;
        findings::write(
            &mut tx,
            self,
            &case,
            &id,
            screened,
            subject,
            exhibit.as_deref(),
            self.now(),
        )
        .await?;
        tx.commit().await?;
        Ok(Recorded {
            id,
            case: Some(case),
            exhibit,
        })
    }

    async fn seal_exhibit(
        &self,
        case: &str,
        bytes: &[u8],
        subject: &Subject,
        screened: &Screened,
        actor: &str,
    ) -> Result<String> {
        let exhibit = self
            .keep(
                bytes,
                obhut_vault::Intake {
                    actor: actor.to_owned(),
                    purpose: format!("screening came to the verdict {}", screened.verdict),
                    case: Some(case.to_owned()),
                    source: subject.name.as_ref().map(|n| n.expose().clone()),
                    media_type: screened.media_type.map(str::to_owned),
                },
            )
            .await?;
        Ok(exhibit.id)
    }

    pub(crate) fn seal_text(&self, text: &str) -> String {
        hex::encode(self.sealer.seal(text.as_bytes()))
    }

    pub(crate) fn open_text(&self, sealed: &str) -> Result<String> {
        hex::decode(sealed)
            .ok()
            .and_then(|bytes| self.sealer.open(&bytes))
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| CaseworkError::Form("a sealed text".into()))
    }
}
