//! Transfers as they come: each answered from memory, kept in a journal that is on the disk at most
//! a tenth of a second later, and raised as an alert where two signals hold.
//!
//! Invariant: an answer's `durable_seq` covers only what would survive the loss of power now. A
//! caller sends again what isn't covered; the same transfer twice has the same answer.
//! The journal is sealed: it holds who paid whom.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use obhut_payments::{
    Assessment, DAY_MICROS, Language, Monitor, PartyKey, Policy, Relations, Role, Side, Transfer,
};
use obhut_vault::{Clock, Sealer};

use super::alerts::{NewAlert, shown};
use super::history::{ROW_BYTES, from_bytes, to_bytes};
use super::records::{Names, Record, Transfers, mark};
use crate::{Casework, CaseworkError, Result, Sealed};

/// The journal is written this often while something waits.
const FLUSH_EVERY: Duration = Duration::from_millis(40);
/// Longest wait before a failed write is tried again.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// Bytes that may wait for the journal; above it nothing more is taken.
const WAITING_BYTES_MAX: usize = 64 << 20;
/// A journal file is followed by another at this size, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Answers kept, so that the same transfer twice is told so.
const ANSWERS_MAX: usize = 4_000_000;
/// How much older than the newest a transfer may be, in days; older ones lie in no window.
const LATE_DAYS_MAX: i64 = 365;
/// How far ahead of the clock a transfer may be dated, in microseconds.
const AHEAD_MICROS_MAX: i64 = DAY_MICROS;
/// A payment dated longer ago than this has gone out; nothing can be held any more.
const GONE_MICROS: i64 = DAY_MICROS;
/// Longest frame of the journal, in bytes.
const FRAME_BYTES_MAX: usize = 2 * WAITING_BYTES_MAX;
/// What was raised longer ago than this before a start was put on record then.
const RAISED_AGAIN_MICROS: i64 = 2 * DAY_MICROS;

/// When a payment is held, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Holding {
    /// From this score on, 0 to 100.
    pub from_score: f64,
    /// So many hours, unless a person confirms it.
    pub hours: i64,
}

impl Default for Holding {
    fn default() -> Self {
        Self {
            from_score: 75.0,
            hours: 24,
        }
    }
}

/// What is to be done with a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Advice {
    /// Nothing was found.
    Allow,
    /// Let it go, and look at it.
    Review,
    /// Keep it until the time named, unless a person decides otherwise.
    Hold,
}

impl Advice {
    /// `allow`, `review` or `hold`.
    pub fn word(self) -> &'static str {
        match self {
            Advice::Allow => "allow",
            Advice::Review => "review",
            Advice::Hold => "hold",
        }
    }
}

/// The answer to a transfer. For whoever runs payments; never for the customer.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    /// What to do.
    pub advice: Advice,
    /// What was found, highest score first.
    pub found: Vec<Assessment>,
    /// When a hold ends.
    pub hold_until: Option<i64>,
    /// Its place in the journal.
    pub seq: u64,
    /// Everything up to here is on the disk.
    pub durable_seq: u64,
    /// It had been answered before.
    pub repeated: bool,
}

/// Why a transfer has no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LiveFault {
    /// The record can't be used; the sentence says why.
    Record(String),
    /// Another transfer has this id.
    OtherContent,
    /// The journal can't be written, or can't keep up.
    Journal(String),
}

struct Stored {
    mark: u32,
    seq: u64,
    advice: Advice,
    hold_until: Option<i64>,
    found: Vec<Assessment>,
}

struct State {
    monitor: Monitor,
    transfers: Transfers,
    answers: HashMap<u64, Stored>,
    order: VecDeque<u64>,
    seq: u64,
    newest: i64,
    /// What is to be put on record, the latest of each.
    raised: HashMap<(PartyKey, Side), Raised>,
    /// What was raised before, so that nobody is told the same with each payment.
    told: HashMap<(PartyKey, Side), f64>,
}

struct ReadyAlert {
    key: (PartyKey, Side),
    again: Raised,
    alert: NewAlert,
}

struct Raised {
    assessment: Assessment,
    holds: Vec<(String, i64)>,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    seq: u64,
    stop: bool,
}

/// Live transfers; one for each data folder.
pub struct Live {
    state: Mutex<State>,
    waiting: Arc<(Mutex<Waiting>, Condvar)>,
    durable: Arc<AtomicU64>,
    failing: Arc<AtomicBool>,
    holding: Holding,
    clock: Arc<dyn Clock>,
    writer: Mutex<Option<JoinHandle<()>>>,
    _lock: File,
}

impl Live {
    /// Opens the journal of a data folder and plays it back; what was never durable is not in it.
    ///
    /// # Errors
    /// It is damaged elsewhere than at its end, belongs to another key, or is in use.
    pub fn open(casework: &Casework, policy: Policy, holding: Holding) -> Result<Self> {
        let folder = casework.folder.root().join("payments");
        let fault = |e: &io::Error| casework.folder.fault("payments", e);
        fs::create_dir_all(&folder).map_err(|e| fault(&e))?;
        let lock = File::create(folder.join("lock")).map_err(|e| fault(&e))?;
        lock.try_lock().map_err(|_| {
            CaseworkError::refused(
                "live payments of this data folder run in another process; end it first",
            )
        })?;
        let now = casework.now();
        let mut state = State {
            monitor: Monitor::new(policy, Relations::default()),
            transfers: Transfers::new(now).keeping_tx(),
            answers: HashMap::new(),
            order: VecDeque::new(),
            seq: 0,
            newest: i64::MIN,
            raised: HashMap::new(),
            told: HashMap::new(),
        };
        let files = journal_files(&folder).map_err(|e| fault(&e))?;
        let last = files.len().saturating_sub(1);
        for (n, (first, path)) in files.iter().enumerate() {
            if n == 0 {
                // Older files were let go of; their numbers stay.
                state.seq = first - 1;
            }
            if *first != state.seq + 1 {
                return Err(CaseworkError::Folder {
                    path: path.display().to_string(),
                    why: format!(
                        "it begins at {first}, the files before it end at {}; put the missing one back",
                        state.seq
                    ),
                });
            }
            let newest = play(path, &casework.sealer, n == last, now, &holding, &mut state)?;
            // A year and its parties: what is older than any window is let go of.
            if n != last && newest < now - 366 * DAY_MICROS {
                fs::remove_file(path).map_err(|e| fault(&e))?;
            }
        }
        state.monitor.forget_before(now);
        let durable = Arc::new(AtomicU64::new(state.seq));
        let waiting = Arc::new((
            Mutex::new(Waiting {
                seq: state.seq,
                ..Waiting::default()
            }),
            Condvar::new(),
        ));
        let failing = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            folder,
            sealer: casework.sealer.clone(),
            waiting: waiting.clone(),
            durable: durable.clone(),
            failing: failing.clone(),
            file: None,
        };
        let thread = std::thread::Builder::new()
            .name("payments-journal".into())
            .spawn(move || writer.run())
            .map_err(|e| fault(&e))?;
        Ok(Self {
            state: Mutex::new(state),
            waiting,
            durable,
            failing,
            holding,
            clock: casework.clock.clone(),
            writer: Mutex::new(Some(thread)),
            _lock: lock,
        })
    }

    /// Everything up to here is on the disk.
    pub fn durable_seq(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Transfers taken so far.
    pub fn seq(&self) -> u64 {
        self.state().seq
    }

    /// Answers a transfer.
    ///
    /// # Errors
    /// The record can't be used, its id belongs to another transfer, or nothing can be kept now.
    pub fn submit(&self, record: &Record<'_>) -> std::result::Result<Answer, LiveFault> {
        if self.failing.load(Ordering::Relaxed) {
            return Err(LiveFault::Journal(
                "the journal can't be written; is the disk full? Send again later".into(),
            ));
        }
        let mut state = self.state();
        let transfer = state.transfers.believe(record).map_err(LiveFault::Record)?;
        let tx = transfer.tx;
        let mark = mark(&transfer);
        if let Some(stored) = state.answers.get(&tx) {
            if stored.mark != mark {
                return Err(LiveFault::OtherContent);
            }
            return Ok(Answer {
                advice: stored.advice,
                found: stored.found.clone(),
                hold_until: stored.hold_until,
                seq: stored.seq,
                durable_seq: self.durable_seq(),
                repeated: true,
            });
        }
        if state.newest != i64::MIN
            && transfer.at_micros < state.newest - LATE_DAYS_MAX * DAY_MICROS
        {
            return Err(LiveFault::Record(format!(
                "its time is more than {LATE_DAYS_MAX} days before the newest"
            )));
        }
        let received = self.clock.now_micros();
        if transfer.at_micros > received + AHEAD_MICROS_MAX {
            return Err(LiveFault::Record(
                "its time is more than a day ahead of the clock".into(),
            ));
        }
        {
            let (lock, wake) = &*self.waiting;
            let mut waiting = lock.lock().expect("the journal's thread lives");
            if waiting.bytes.len() > WAITING_BYTES_MAX {
                return Err(LiveFault::Journal(
                    "the journal can't keep up with the disk; send again later".into(),
                ));
            }
            let name = |key| state.transfers.names.name(key);
            let tx_name = state.transfers.tx_name(tx).unwrap_or_default();
            append(
                &mut waiting.bytes,
                [&tx_name, &name(transfer.sender), &name(transfer.recipient)],
                &transfer,
                received,
            );
            waiting.seq += 1;
            wake.notify_one();
        }
        let answer = take(&mut state, &transfer, mark, &self.holding, received, true);
        Ok(Answer {
            durable_seq: self.durable_seq(),
            ..answer
        })
    }

    /// What has been raised since the last time, ready to be put on record.
    fn take_raised(&self) -> Vec<ReadyAlert> {
        let mut state = self.state();
        let raised = std::mem::take(&mut state.raised);
        let state = &*state;
        raised
            .into_iter()
            .map(|((party, side), raised)| {
                let again = Raised {
                    assessment: raised.assessment.clone(),
                    holds: raised.holds.clone(),
                };
                let (sent, received) = state.monitor.events(party);
                let events = if side == Side::Sender { sent } else { received };
                let from = events.len().saturating_sub(super::EVIDENCE_MAX);
                let events = &events[from..];
                let (timeline, network) = shown(
                    events,
                    |key| state.transfers.names.name(key),
                    |tx| state.transfers.tx_name(tx),
                    |other| state.monitor.senders_of(other),
                );
                let near = state.monitor.confirmed_near(party, side);
                let alert = NewAlert {
                    party: Sealed::new(state.transfers.names.name(party)),
                    assessment: raised.assessment,
                    timeline,
                    network,
                    rests_on: near
                        .into_iter()
                        .map(|p| Sealed::new(state.transfers.names.name(p)))
                        .collect(),
                };
                ReadyAlert {
                    key: (party, side),
                    again,
                    alert,
                }
            })
            .collect()
    }

    /// What couldn't be put on record waits for the next time.
    fn put_back(&self, ready: Vec<ReadyAlert>) {
        let mut state = self.state();
        for ready in ready {
            let mut holds = ready.again.holds;
            match state.raised.get_mut(&ready.key) {
                Some(newer) => newer.holds.append(&mut holds),
                None => {
                    let again = Raised {
                        assessment: ready.again.assessment,
                        holds,
                    };
                    state.raised.insert(ready.key, again);
                }
            }
        }
    }

    /// Says anew who stands in a confirmed case.
    pub fn set_confirmed(&self, parties: &[Sealed<String>]) {
        let mut state = self.state();
        let state = &mut *state;
        let keys: Vec<PartyKey> = parties
            .iter()
            .map(|p| state.transfers.names.key(super::Id::of(p.expose())))
            .collect();
        state.monitor.set_confirmed(keys);
    }

    /// Lets go of parties that lie in no window any more.
    pub fn forget(&self) {
        let now = self.clock.now_micros();
        let mut state = self.state();
        let state = &mut *state;
        state.monitor.forget_before(now);
        let monitor = &mut state.monitor;
        state.told.retain(|(party, _), _| monitor.knows(*party));
    }

    /// Waits until everything taken so far is on the disk.
    pub fn settle(&self) {
        let seq = self.seq();
        while self.durable_seq() < seq && !self.failing.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no answer panicked")
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let (lock, wake) = &*self.waiting;
        if let Ok(mut waiting) = lock.lock() {
            waiting.stop = true;
        }
        wake.notify_all();
        if let Some(thread) = self.writer.lock().ok().and_then(|mut w| w.take()) {
            let _ = thread.join();
        }
    }
}

/// Takes a transfer into the windows and says what it made of them.
fn take(
    state: &mut State,
    t: &Transfer,
    mark: u32,
    holding: &Holding,
    received: i64,
    raise: bool,
) -> Answer {
    state.seq += 1;
    state.newest = state.newest.max(t.at_micros);
    let observed = state.monitor.observe(t);
    let all = [
        (t.sender, observed.settled),
        (t.sender, observed.sender),
        (t.sender, observed.collector),
        (t.recipient, observed.recipient),
    ];
    let mut found: Vec<(PartyKey, Assessment)> = all
        .into_iter()
        .filter_map(|(party, a)| Some((party, a?)))
        .collect();
    found.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));
    let victim = found.iter().any(|f| f.1.role() == Role::PossibleVictim);
    let highest = found
        .iter()
        .filter(|f| f.1.role() != Role::PossibleVictim)
        .map(|f| f.1.score)
        .fold(0.0, f64::max);
    let (advice, hold_until) = if found.is_empty() {
        (Advice::Allow, None)
    } else if highest >= holding.from_score && !victim && t.at_micros > received - GONE_MICROS {
        (Advice::Hold, Some(received + holding.hours * 3_600_000_000))
    } else {
        // A possible victim is spoken to, not held.
        (Advice::Review, None)
    };
    if raise {
        // A hold belongs to the sender's case where the sender is what it rests on.
        let strong = |f: &&(PartyKey, Assessment)| {
            f.1.role() != Role::PossibleVictim && f.1.score >= holding.from_score
        };
        let holder = found
            .iter()
            .filter(strong)
            .find(|f| f.0 == t.sender)
            .or_else(|| found.iter().find(strong))
            .map(|f| (f.0, f.1.side()));
        for (party, assessment) in &found {
            let key = (*party, assessment.side());
            let told = state.told.get(&key).copied().unwrap_or(-1.0);
            let hold = hold_until.filter(|_| holder == Some(key));
            if assessment.score <= told + 0.5 && hold.is_none() {
                continue;
            }
            state.told.insert(key, assessment.score.max(told));
            let raised = state.raised.entry(key).or_insert_with(|| Raised {
                assessment: assessment.clone(),
                holds: Vec::new(),
            });
            raised.assessment = assessment.clone();
            if let Some(until) = hold {
                let tx = state.transfers.tx_name(t.tx).unwrap_or_default();
                raised.holds.push((tx, until));
            }
        }
    }
    state.answers.insert(
        t.tx,
        Stored {
            mark,
            seq: state.seq,
            advice,
            hold_until,
            found: found.iter().map(|f| f.1.clone()).collect(),
        },
    );
    state.order.push_back(t.tx);
    if state.order.len() > ANSWERS_MAX
        && let Some(oldest) = state.order.pop_front()
    {
        state.answers.remove(&oldest);
    }
    Answer {
        advice,
        found: found.into_iter().map(|f| f.1).collect(),
        hold_until,
        seq: state.seq,
        durable_seq: 0,
        repeated: false,
    }
}

/// A reason in words.
pub fn reasons(a: &Assessment, language: Language) -> Vec<(&'static str, String)> {
    a.fired
        .iter()
        .map(|f| (f.indicator().id, f.because(language)))
        .collect()
}

fn append(out: &mut Vec<u8>, names: [&String; 3], t: &Transfer, received: i64) {
    for name in names {
        out.extend((name.len() as u16).to_le_bytes());
        out.extend(name.as_bytes());
    }
    out.extend(to_bytes(t));
    out.extend(received.to_le_bytes());
}

/// Journal files with the number of their first transfer, in order.
fn journal_files(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.file_name().and_then(|n| n.to_str()).and_then(|n| {
            n.strip_prefix("journal-")?
                .strip_suffix(".sealed")?
                .parse()
                .ok()
        });
        if let Some(number) = number {
            files.push((number, path));
        }
    }
    files.sort();
    Ok(files)
}

/// Plays a file back; the time of its newest transfer. What stands torn at the end of the last file
/// was never durable and is cut off.
fn play(
    path: &Path,
    sealer: &Sealer,
    last: bool,
    now: i64,
    holding: &Holding,
    state: &mut State,
) -> Result<i64> {
    let fault = |why: String| CaseworkError::Folder {
        path: path.display().to_string(),
        why,
    };
    let file = File::open(path).map_err(|e| fault(e.to_string()))?;
    let length = file.metadata().map_err(|e| fault(e.to_string()))?.len();
    let mut file = io::BufReader::with_capacity(1 << 20, file);
    let mut at = 0u64;
    let mut newest = i64::MIN;
    while at < length {
        let frame = read_frame(&mut file, length - at);
        let Some((bytes, sealed)) = frame.map_err(|e| fault(e.to_string()))? else {
            if !last {
                return Err(fault(format!(
                    "it is damaged at byte {at}; put it back from a backup"
                )));
            }
            cut(path, at).map_err(|e| fault(e.to_string()))?;
            break;
        };
        let Some(plain) = sealer.open(&sealed) else {
            // A torn write can leave a whole length and half a frame, but nothing behind it.
            if last && at + bytes == length {
                cut(path, at).map_err(|e| fault(e.to_string()))?;
                break;
            }
            return Err(fault(format!(
                "it can't be opened at byte {at}; was it changed, or is the key in keys/ another?"
            )));
        };
        let mut rest = plain.as_slice();
        while !rest.is_empty() {
            let (transfer, received) = read_transfer(&mut rest, &mut state.transfers)
                .ok_or_else(|| fault(format!("the frame at byte {at} has another form")))?;
            newest = newest.max(transfer.at_micros);
            let raise = received > now - RAISED_AGAIN_MICROS;
            let mark = mark(&transfer);
            take(state, &transfer, mark, holding, received, raise);
        }
        at += bytes;
    }
    Ok(newest)
}

/// A frame and how many bytes it takes; nothing where it is torn.
fn read_frame(file: &mut impl io::Read, left: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    let mut length = [0; 4];
    if left < 4 {
        return Ok(None);
    }
    file.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length == 0 || length > FRAME_BYTES_MAX || length as u64 > left - 4 {
        return Ok(None);
    }
    let mut sealed = vec![0; length];
    file.read_exact(&mut sealed)?;
    Ok(Some((4 + length as u64, sealed)))
}

fn cut(path: &Path, at: u64) -> io::Result<()> {
    tracing::warn!(
        "the payments journal ended in the middle of a write; {at} bytes of its last file are whole"
    );
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(at)?;
    file.sync_all()
}

fn read_transfer(rest: &mut &[u8], transfers: &mut Transfers) -> Option<(Transfer, i64)> {
    let mut keys = [0u64; 3];
    for (n, key) in keys.iter_mut().enumerate() {
        let (length, more) = rest.split_at_checked(2)?;
        let length = usize::from(u16::from_le_bytes(length.try_into().ok()?));
        let (name, more) = more.split_at_checked(length)?;
        let id = super::Id::of(std::str::from_utf8(name).ok()?);
        *rest = more;
        *key = if n == 0 {
            transfers
                .tx_names
                .get_or_insert_with(Names::default)
                .key(id)
                .0
                + 1
        } else {
            transfers.names.key(id).0
        };
    }
    let (row, more) = rest.split_at_checked(ROW_BYTES)?;
    *rest = more;
    let (received, more) = rest.split_at_checked(8)?;
    *rest = more;
    let transfer = Transfer {
        tx: keys[0],
        sender: PartyKey(keys[1]),
        recipient: PartyKey(keys[2]),
        ..from_bytes(row.try_into().ok()?)
    };
    Some((transfer, i64::from_le_bytes(received.try_into().ok()?)))
}

/// Writes what waits, a frame at a time, each synced before it counts.
struct Writer {
    folder: PathBuf,
    sealer: Arc<Sealer>,
    waiting: Arc<(Mutex<Waiting>, Condvar)>,
    durable: Arc<AtomicU64>,
    failing: Arc<AtomicBool>,
    file: Option<(File, u64)>,
}

impl Writer {
    fn run(mut self) {
        loop {
            let (bytes, seq) = {
                let (lock, wake) = &*self.waiting;
                let Ok(mut waiting) = lock.lock() else { return };
                while waiting.bytes.is_empty() && !waiting.stop {
                    let Ok(woken) = wake.wait(waiting) else {
                        return;
                    };
                    waiting = woken;
                }
                if waiting.bytes.is_empty() {
                    return;
                }
                (std::mem::take(&mut waiting.bytes), waiting.seq)
            };
            let first = self.durable.load(Ordering::Acquire) + 1;
            let sealed = self.sealer.seal(&bytes);
            while let Err(e) = self.write(&sealed, first) {
                self.failing.store(true, Ordering::Relaxed);
                tracing::error!(cause = %e, "the payments journal can't be written; nothing more is taken until it can");
                self.file = None;
                std::thread::sleep(RETRY_EVERY);
                let stop = self.waiting.0.lock().is_ok_and(|w| w.stop);
                if stop {
                    return;
                }
            }
            self.failing.store(false, Ordering::Relaxed);
            self.durable.store(seq, Ordering::Release);
            // Whoever comes within this time shares the next write.
            std::thread::sleep(FLUSH_EVERY);
        }
    }

    fn write(&mut self, sealed: &[u8], first: u64) -> io::Result<()> {
        if self.file.as_ref().is_none_or(|f| f.1 > FILE_BYTES_MAX) {
            let path = self.folder.join(format!("journal-{first:020}.sealed"));
            let file = OpenOptions::new().create(true).append(true).open(&path)?;
            // What a failed attempt left there was never acknowledged.
            file.set_len(0)?;
            file.sync_all()?;
            File::open(&self.folder)?.sync_all()?;
            self.file = Some((file, 0));
        }
        let (file, length) = self.file.as_mut().expect("a file is open");
        let mut frame = Vec::with_capacity(sealed.len() + 4);
        frame.extend((sealed.len() as u32).to_le_bytes());
        frame.extend(sealed);
        let written = file.write_all(&frame).and_then(|()| file.sync_data());
        if let Err(e) = written {
            // Half a frame must not stand before a whole one.
            let _ = file.set_len(*length);
            return Err(e);
        }
        *length += frame.len() as u64;
        Ok(())
    }
}

impl Casework {
    /// Puts on record what live transfers have raised; how many alerts.
    ///
    /// # Errors
    /// The database failed; what was raised waits for the next time.
    pub async fn record_raised(&self, live: &Live) -> Result<u64> {
        let mut n = 0;
        let mut ready = live.take_raised();
        while let Some(one) = ready.pop() {
            match self.record_one(&one).await {
                Ok(told) => n += u64::from(told),
                Err(e) => {
                    ready.push(one);
                    live.put_back(ready);
                    return Err(e);
                }
            }
        }
        Ok(n)
    }

    async fn record_one(&self, ready: &ReadyAlert) -> Result<bool> {
        let Some(row) = self.record_alert(&ready.alert, "payments").await? else {
            return Ok(false);
        };
        for (tx, until) in &ready.again.holds {
            self.record_hold(tx, &row.case, *until).await?;
        }
        Ok(true)
    }
}
