//! The in-memory snapshot of the matching lists, swapped atomically when something changes.
//!
//! A screening keeps the snapshot it started with; swapping never blocks it. Only new files are
//! loaded, and on a separate thread, because a file may have millions of entries.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use super::contents::{self, BankStates};
use super::entries::Entries;
use super::files::Checker;
use super::loaded::{About, Contents, EntryHit, LoadedList};
use super::{Dispute, lists_on_record, segment, versions_of};
use obhut_casework::for_domains::{Inside as _, api_keys, changes};
use obhut_casework::{ApiKey, Casework, CaseworkError, Result};

/// How often the watcher checks for large files to open. Our judgement: an idle check costs almost
/// nothing.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// New files of one list are loaded while a request waits, up to this size together; above it the
/// watcher loads them, if one runs. Our judgement.
const OPENED_IN_REQUEST_BYTES_MAX: u64 = 8 << 20;

/// What matching needs, as it was on record at one moment.
#[derive(Default)]
pub(crate) struct Snapshot {
    number: i64,
    pub lists: Arc<Vec<Arc<LoadedList>>>,
    /// Lists that the watcher has opened and not published yet.
    opened: Arc<Vec<Arc<LoadedList>>>,
    /// Some new version is too large to be opened while a request waits.
    pending: bool,
    /// Entries that don't match, by list and entry.
    pub disputed: Arc<HashMap<(String, String), Dispute>>,
    pub banks: Arc<BankStates>,
    /// Valid API keys by the digest of their secret.
    pub keys: Arc<HashMap<String, ApiKey>>,
}

/// The cached snapshot of the lists, and its refresh lock.
#[derive(Default)]
struct SnapshotCache {
    kept: RwLock<Option<(Instant, Arc<Snapshot>)>>,
    refreshing: tokio::sync::Mutex<()>,
    /// Large files are opened by [`watch_changes`].
    watched: AtomicBool,
}

/// A version on record, with the digest of its file.
#[derive(Clone)]
pub(super) struct OnRecord {
    pub version: String,
    pub parent: Option<String>,
    pub contents: Contents,
    /// SHA-256 of its file's content before encryption, recorded at import.
    pub content: String,
}

impl Snapshot {
    /// Lists read from files, for one run.
    pub fn of_files(lists: Vec<LoadedList>) -> Self {
        Self {
            lists: Arc::new(lists.into_iter().map(Arc::new).collect()),
            ..Self::default()
        }
    }

    /// Whether a dispute stops this match.
    pub fn is_disputed(&self, list: &LoadedList, hit: &EntryHit<'_>) -> bool {
        if self.disputed.is_empty() {
            return false;
        }
        let known = (list.id().to_owned(), hit.entry.to_owned());
        let dispute = self.disputed.get(&known);
        dispute.is_some_and(|d| d.covers(hit.exact))
    }

    /// The longest prefix of a chain that is loaded already.
    fn longest(&self, about: &About, chain: &[OnRecord]) -> Option<&Arc<LoadedList>> {
        let is_of_chain = |list: &&Arc<LoadedList>| {
            list.about().id == about.id
                && list.files() <= chain.len()
                && chain[list.files() - 1].version == list.version()
        };
        // Including those the watcher has opened, so that publishing them reads no file.
        let all = self.lists.iter().chain(self.opened.iter());
        all.filter(is_of_chain).max_by_key(|list| list.files())
    }
}

/// The current snapshot. Each call asks the database whether something has changed; concurrent callers
/// share one query. Only new files are opened.
pub(crate) async fn kept(casework: &Casework) -> Result<Arc<Snapshot>> {
    let memory = casework.domain_state::<SnapshotCache>();
    // A snapshot begun after this shows every change that was committed before the request,
    // so all who wait for the lock can share one query.
    let arrived = Instant::now();
    let _turn = memory.refreshing.lock().await;
    let known = memory.kept.read().expect("no panic while held").clone();
    match known {
        Some((asked, kept)) if asked >= arrived => Ok(kept),
        known => {
            let known = known.map_or_else(Arc::default, |(_, kept)| kept);
            read_changes(casework, known, memory.watched.load(Ordering::Acquire)).await
        }
    }
}

/// Loads large list files in the background. Requests keep using the previous versions until the new ones
/// are in memory. Runs until the future is dropped.
pub async fn watch_changes(casework: &Casework) {
    let memory = casework.domain_state::<SnapshotCache>();
    // From now on requests leave large files to this loop. Never reset: once this future is
    // dropped, large new versions are not opened any more.
    memory.watched.store(true, Ordering::Release);
    loop {
        let known = memory.kept.read().expect("no panic while held").clone();
        if let Some((_, known)) = known
            && known.pending
            && let Err(e) = open_pending(casework, known).await
        {
            tracing::error!(cause = %e, "a new version of a list could not be opened; the previous one continues to match");
            // A broken file stays broken: log about one line a second, not ten.
            tokio::time::sleep(10 * LOOK_EVERY).await;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn open_pending(casework: &Casework, known: Arc<Snapshot>) -> Result<()> {
    let memory = casework.domain_state::<SnapshotCache>();
    let mut tx = casework.snapshot().await?;
    let on_record = lists_on_record(&mut tx).await?;
    // Opening files can take seconds; no transaction stays open meanwhile.
    drop(tx);
    let mut lists = Vec::new();
    for (about, versions) in on_record {
        for (about, chain) in chains_of(about, versions) {
            lists.push(opened(casework, &known, about, chain).await?);
        }
    }
    // Publish: the next request uses them.
    let _turn = memory.refreshing.lock().await;
    let kept = memory.kept.read().expect("no panic while held").clone();
    let now = kept.map_or_else(Arc::default, |(_, kept)| kept);
    // The state as it is now: requests may have refreshed it while the files were opened.
    let ahead = Snapshot {
        number: now.number,
        lists: now.lists.clone(),
        opened: Arc::new(lists),
        disputed: now.disputed.clone(),
        banks: now.banks.clone(),
        keys: now.keys.clone(),
        pending: now.pending,
    };
    read_changes(casework, Arc::new(ahead), true).await?;
    Ok(())
}

async fn read_changes(
    casework: &Casework,
    known: Arc<Snapshot>,
    may_wait: bool,
) -> Result<Arc<Snapshot>> {
    let memory = casework.domain_state::<SnapshotCache>();
    // Before the transaction begins, so that the snapshot is never older than this time.
    let asked = Instant::now();
    let mut tx = casework.snapshot().await?;
    let number = changes::number(&mut tx).await?;
    // The common case: nothing has changed, and this one number was the whole query.
    let kept = if number == known.number && known.opened.is_empty() {
        known
    } else {
        let disputed = Arc::new(super::disputed(&mut tx).await?);
        let banks = Arc::new(contents::states(&mut tx).await?);
        let keys = Arc::new(api_keys::by_digest(&mut tx).await?);
        let on_record = lists_on_record(&mut tx).await?;
        drop(tx);
        let mut lists = Vec::new();
        let mut pending = Vec::new();
        for (about, versions) in on_record {
            for (about, chain) in chains_of(about, versions) {
                if may_wait
                    && bytes_to_open(casework, &known, &about, &chain) > OPENED_IN_REQUEST_BYTES_MAX
                {
                    // A new list matches nothing until the watcher has opened it; `serve` opens all
                    // lists on record before it listens.
                    pending.push(about.id);
                    continue;
                }
                lists.push(opened(casework, &known, about, chain).await?);
            }
        }
        // The previous version keeps matching until its successor is loaded.
        for old in known.lists.iter() {
            let is_there = |l: &Arc<LoadedList>| l.id() == old.id() && l.version() == old.version();
            if pending.iter().any(|id| id == old.id()) && !lists.iter().any(is_there) {
                lists.push(old.clone());
            }
        }
        Arc::new(Snapshot {
            number,
            lists: Arc::new(lists),
            opened: Arc::default(),
            disputed,
            banks,
            keys,
            pending: !pending.is_empty(),
        })
    };
    *memory.kept.write().expect("no panic while held") = Some((asked, kept.clone()));
    Ok(kept)
}

/// Bytes of the files to read before a chain is in memory.
fn bytes_to_open(casework: &Casework, known: &Snapshot, about: &About, chain: &[OnRecord]) -> u64 {
    let there = known.longest(about, chain).map_or(0, |list| list.files());
    // A missing file counts as empty here; opening it reports the fault.
    chain[there..]
        .iter()
        .filter_map(|v| fs::metadata(casework.folder().list_file(&about.id, &v.version)).ok())
        .map(|file| file.len())
        .sum()
}

/// Loads a chain of versions: reuses the longest part that is in memory already and opens the other
/// files.
async fn opened(
    casework: &Casework,
    known: &Snapshot,
    about: About,
    chain: Vec<OnRecord>,
) -> Result<Arc<LoadedList>> {
    let mut list = known.longest(&about, &chain).cloned();
    for next in &chain[list.as_ref().map_or(0, |list| list.files())..] {
        let path = casework.folder().list_file(&about.id, &next.version);
        let (checker, contents) = (Checker::of(casework), next.contents);
        let content = next.content.clone();
        let (so_far, id) = (list.take(), about.id.clone());
        let opening = move || -> Result<LoadedList> {
            let entries = open(&path, &checker, &content)?;
            Ok(match so_far {
                Some(list) => list.with(entries, contents),
                None => {
                    let about = About {
                        id,
                        version: entries.version.clone(),
                        ..About::default()
                    };
                    LoadedList::new(about, entries, contents)
                }
            })
        };
        // Decrypting and indexing take seconds: not on the threads that answer requests.
        let opened = tokio::task::spawn_blocking(opening).await;
        let mut opened = opened.map_err(|_| CaseworkError::unreadable("a list's file"))??;
        // A delta's file holds only its own SHA-256; its version on record covers its parent too.
        let mut described = opened.about().clone();
        described.version = next.version.clone();
        opened = opened.described(described);
        list = Some(Arc::new(opened));
    }
    let list = list.ok_or_else(|| CaseworkError::unreadable("a list without a version"))?;
    Ok(if *list.about() == about {
        list
    } else {
        Arc::new(list.described(about))
    })
}

/// An error about a version's file.
fn fault(path: &Path, why: String) -> CaseworkError {
    CaseworkError::Folder {
        path: path.display().to_string(),
        why,
    }
}

fn open(path: &Path, checker: &Checker, content: &str) -> Result<Entries> {
    let bytes = checker.read(path, content)?;
    segment::read(&bytes).map_err(|e| fault(path, format!("{e}; import the list again")))
}

/// Verifies the files of a version and its ancestors against the digests recorded at import, without
/// building the index.
pub(crate) async fn verify(casework: &Casework, id: &str, version: &str) -> Result<()> {
    let mut tx = casework.snapshot().await?;
    let all = versions_of(&mut tx, id, version).await?;
    drop(tx);
    let checker = Checker::of(casework);
    let files: Vec<_> = chain_of(version, &all)
        .into_iter()
        .map(|v| (casework.folder().list_file(id, &v.version), v.content))
        .collect();
    let reading = move || -> Result<()> {
        for (path, content) in &files {
            checker.read(path, content)?;
        }
        Ok(())
    };
    let read = tokio::task::spawn_blocking(reading).await;
    read.map_err(|_| CaseworkError::unreadable("a list's file"))?
}

/// The files of a version and of those it builds on, as one list.
pub(crate) async fn load(casework: &Casework, id: &str, version: &str) -> Result<LoadedList> {
    let mut tx = casework.snapshot().await?;
    let all = versions_of(&mut tx, id, version).await?;
    drop(tx);
    let chain = chain_of(version, &all);
    let about = About {
        id: id.to_owned(),
        version: version.to_owned(),
        ..About::default()
    };
    let list = opened(casework, &Snapshot::default(), about, chain).await?;
    Ok(LoadedList::clone(&list))
}

/// A version and those it builds on, the oldest first.
pub(super) fn chain_of(version: &str, newest_first: &[OnRecord]) -> Vec<OnRecord> {
    let mut wanted = Some(version.to_owned());
    let mut chain = Vec::new();
    for on_record in newest_first {
        if wanted.as_deref() == Some(&on_record.version) {
            wanted = on_record.parent.clone();
            chain.push(on_record.clone());
        }
    }
    chain.reverse();
    chain
}

/// The version chains to load for a list: the newest version, whose signed part matches and whose
/// unsigned part only counts; plus the signed version if the newest doesn't build on it.
fn chains_of(about: About, newest_first: Vec<OnRecord>) -> Vec<(About, Vec<OnRecord>)> {
    let Some(newest) = newest_first.first() else {
        return Vec::new();
    };
    let chain = chain_of(&newest.version, &newest_first);
    let described = |chain: &[OnRecord]| About {
        version: chain.last().map_or_else(String::new, |v| v.version.clone()),
        signed_files: about
            .signed_version
            .as_ref()
            .and_then(|signed| chain.iter().position(|v| v.version == *signed))
            .map_or(0, |place| place + 1),
        ..about.clone()
    };
    let newest = described(&chain);
    let mut opened = Vec::new();
    // A whole new file does not contain the signed version, which must keep matching.
    if newest.signed_files == 0
        && let Some(signed) = &about.signed_version
    {
        let older = chain_of(signed, &newest_first);
        opened.push((described(&older), older));
    }
    opened.push((newest, chain));
    opened
}
