//! Transfers as they come: each is answered from memory and kept in a journal that is synced every
//! few hundredths of a second. A party is raised as an alert where two signals hold.
//!
//! Invariant: an answer's `durable_seq` covers only what would survive the loss of power now. The
//! caller must send again what it doesn't cover. A repeated transfer gets the same answer while it is
//! among the last `ANSWERS_MAX`; after a restart the answers are computed again from the journal.
//! The journal (`journal.rs`) is sealed: it holds who paid whom.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use obhut_facts::Language;
use obhut_typologies::{
    Assessment, DAY_MICROS, Fired, Monitor, PartyKey, Policy, Record, Relations, Role, Side,
    Transfer, Transfers, mark,
};
use obhut_vault::Clock;

use crate::alerts::{NewAlert, SESSIONS_MAX, Session, shown};
use crate::history::{ROW_BYTES, from_bytes, to_bytes};
use crate::journal::{Journal, JournalFault};
use obhut_casework::for_domains::Inside as _;
use obhut_casework::{Casework, CaseworkError, Result, Sealed, UploadFacts, rfc3339};

use crate::alerts::{add_sessions, record_alert, record_hold};

/// Recent answers, so that a repeated transfer gets the same one. Our judgement.
const ANSWERS_MAX: usize = 4_000_000;
/// How much older than the newest a transfer may be, in days; older ones are outside every window.
/// Our judgement.
const LATE_DAYS_MAX: i64 = 365;
/// How far ahead of the clock a transfer may be dated, in microseconds. Our judgement.
const AHEAD_MICROS_MAX: i64 = DAY_MICROS;
/// A payment dated longer ago than this has gone out; nothing can be held any more.
const GONE_MICROS: i64 = DAY_MICROS;
/// When the journal is played back, transfers received longer ago than this raise no alert. Theirs
/// are on record already, unless the process stopped, or the database failed, before that.
const RAISED_AGAIN_MICROS: i64 = 2 * DAY_MICROS;

/// Most sessions, of all senders together, that are kept while they wait for an alert; the oldest
/// are dropped first. Our judgement: a few hundred megabytes if they have about 500 bytes each.
const WAITING_MAX: usize = 500_000;

/// When a payment is held, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Holding {
    /// From this score on, 0 to 100.
    pub from_score: f64,
    /// Duration of a hold that no person confirms, in hours.
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
    /// Execute it, and review it.
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

/// The answer to a transfer. For the payment system; never for the customer.
#[derive(Clone, PartialEq, Debug)]
pub struct LiveAnswer {
    /// What to do.
    pub advice: Advice,
    /// What was found, highest score first.
    pub found: Vec<Assessment>,
    /// When the hold ends, microseconds since 1970; `None` unless the advice is to hold.
    pub hold_until: Option<i64>,
    /// Its place in the journal.
    pub seq: u64,
    /// Everything up to here is on the disk.
    pub durable_seq: u64,
    /// True if the transfer had been answered before.
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
    /// What is to be put on record: the latest assessment of each party and side.
    raised: HashMap<(PartyKey, Side), Raised>,
    /// Sessions of payments that no alert rests on yet.
    sessions: Sessions,
    /// Highest score raised so far, so that each payment doesn't raise the same alert again.
    alerted: HashMap<(PartyKey, Side), f64>,
}

/// Sessions that wait for an alert about their sender: an alert rests on a year of payments, and
/// the first of them come long before it.
#[derive(Default)]
struct Sessions {
    /// The waiting sessions of each sender, oldest first, each with its number.
    of: HashMap<PartyKey, VecDeque<(u64, Session)>>,
    /// How many wait.
    waiting: usize,
    /// Sender and number of each session, oldest first, including some that no longer wait.
    order: VecDeque<(PartyKey, u64)>,
    next: u64,
}

impl Sessions {
    fn put(&mut self, sender: PartyKey, session: Session) {
        let of_sender = self.of.entry(sender).or_default();
        if of_sender.len() == SESSIONS_MAX {
            of_sender.pop_front();
            self.waiting -= 1;
        }
        of_sender.push_back((self.next, session));
        self.waiting += 1;
        self.order.push_back((sender, self.next));
        self.next += 1;
        while self.waiting > WAITING_MAX
            && let Some((oldest, number)) = self.order.pop_front()
        {
            self.drop_if_first(oldest, number);
        }
        // `take`, and senders with many payments, leave behind numbers of sessions that no longer
        // wait. The loop above removes them only when too many wait.
        if self.order.len() > 2 * WAITING_MAX {
            let of = &self.of;
            self.order.retain(|(sender, number)| {
                of.get(sender)
                    .and_then(|w| w.front())
                    .is_some_and(|first| first.0 <= *number)
            });
        }
    }

    fn drop_if_first(&mut self, sender: PartyKey, number: u64) {
        let Some(of_sender) = self.of.get_mut(&sender) else {
            return;
        };
        if of_sender.front().is_some_and(|first| first.0 == number) {
            of_sender.pop_front();
            self.waiting -= 1;
        }
        if of_sender.is_empty() {
            self.of.remove(&sender);
        }
    }

    fn take(&mut self, sender: PartyKey) -> Vec<Session> {
        let taken = self.of.remove(&sender).unwrap_or_default();
        self.waiting -= taken.len();
        taken.into_iter().map(|(_, session)| session).collect()
    }
}

struct ReadyAlert {
    key: (PartyKey, Side),
    again: Raised,
    party: Sealed<String>,
    /// `None` if only sessions came since the alert was recorded.
    alert: Option<NewAlert>,
}

#[derive(Clone, Default)]
struct Raised {
    /// `None` if nothing has changed but the sessions.
    assessment: Option<Assessment>,
    holds: Vec<(String, i64)>,
    sessions: Vec<Session>,
}

/// Answers live transfers. There is one of these for each data folder.
pub struct Live {
    state: Mutex<State>,
    journal: Journal,
    holding: Holding,
    clock: Arc<dyn Clock>,
}

impl Live {
    /// Opens the journal of a data folder and plays it back; what was never durable may be missing.
    ///
    /// # Errors
    /// It is damaged elsewhere than at its end, belongs to another key, or is in use.
    pub fn open(casework: &Casework, policy: Policy, holding: Holding) -> Result<Self> {
        let folder = casework.folder().root().join("payments");
        let now = casework.now_micros();
        let mut state = State {
            monitor: Monitor::new(policy, Relations::default()),
            transfers: Transfers::new(now).keeping_tx(),
            answers: HashMap::new(),
            order: VecDeque::new(),
            seq: 0,
            newest: i64::MIN,
            raised: HashMap::new(),
            sessions: Sessions::default(),
            alerted: HashMap::new(),
        };
        let journal = Journal::open(&folder, casework.sealer(), &mut |seq, entry| {
            let read = read_entry(entry, &mut state.transfers);
            let (transfer, received, session) = read.ok_or("it holds no transfer")?;
            // Raising too much is harmless, because recording an alert twice changes nothing.
            let raise = received > now - RAISED_AGAIN_MICROS;
            // The time received comes from the journal, so that a hold ends at the announced time.
            let taken = Taken {
                transfer: &transfer,
                seq,
                received,
                session: session.as_ref(),
            };
            take(&mut state, taken, &holding, raise);
            // Older than any window (a year): the entry may be deleted.
            Ok(transfer.at_micros < now - 366 * DAY_MICROS)
        })
        .map_err(|JournalFault { path, why }| CaseworkError::Folder {
            path: path.display().to_string(),
            why,
        })?;
        state.monitor.forget_stale(now);
        Ok(Self {
            state: Mutex::new(state),
            journal,
            holding,
            clock: casework.clock(),
        })
    }

    /// The last transfer on the disk, by its place in the journal; all before it are there too.
    pub fn durable_seq(&self) -> u64 {
        self.journal.durable_seq()
    }

    /// The last transfer taken, by its place in the journal.
    pub fn seq(&self) -> u64 {
        self.state().seq
    }

    /// Answers a transfer. `session` is what the platform knows of the session in which the sender
    /// made it; it goes into the facts of the sender's case, if this transfer or a later one raises
    /// one.
    ///
    /// # Errors
    /// The record can't be used, its id belongs to another transfer, or the journal can't be
    /// written or can't keep up.
    pub fn submit(
        &self,
        record: &Record<'_>,
        session: Option<&UploadFacts>,
    ) -> std::result::Result<LiveAnswer, LiveFault> {
        let mut state = self.state();
        let transfer = state
            .transfers
            .validate(record)
            .map_err(LiveFault::Record)?;
        let tx = transfer.tx;
        // Before the limits below: a repeat gets its answer however old the payment is by now.
        if let Some(stored) = state.answers.get(&tx) {
            if stored.mark != mark(&transfer) {
                return Err(LiveFault::OtherContent);
            }
            return Ok(LiveAnswer {
                advice: stored.advice,
                found: stored.found.clone(),
                hold_until: stored.hold_until,
                seq: stored.seq,
                durable_seq: self.durable_seq(),
                repeated: true,
            });
        }
        // Subtracting from `i64::MIN` would overflow.
        if state.newest != i64::MIN
            && transfer.at_micros < state.newest - LATE_DAYS_MAX * DAY_MICROS
        {
            return Err(LiveFault::Record(format!(
                "its time is more than {LATE_DAYS_MAX} days before that of the newest transfer"
            )));
        }
        let received = self.clock.now_micros();
        if transfer.at_micros > received + AHEAD_MICROS_MAX {
            return Err(LiveFault::Record(
                "its time is more than a day ahead of the clock".into(),
            ));
        }
        let entry = entry_of(&state.transfers, &transfer, received, session);
        // Before `take` adds it to the windows: what cannot be kept must not count.
        // Under the lock, so that a replay takes the same order.
        let seq = self
            .journal
            .append(&entry)
            .map_err(|why| LiveFault::Journal(why.into()))?;
        let taken = Taken {
            transfer: &transfer,
            seq,
            received,
            session,
        };
        let answer = take(&mut state, taken, &self.holding, true);
        Ok(LiveAnswer {
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
                let again = raised.clone();
                let name = Sealed::new(state.transfers.names.name(party));
                let Some(assessment) = raised.assessment else {
                    return ReadyAlert {
                        key: (party, side),
                        again,
                        party: name,
                        alert: None,
                    };
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
                    party: name.clone(),
                    assessment,
                    timeline,
                    network,
                    rests_on: near
                        .into_iter()
                        .map(|p| Sealed::new(state.transfers.names.name(p)))
                        .collect(),
                    sessions: raised.sessions,
                };
                ReadyAlert {
                    key: (party, side),
                    again,
                    party: name,
                    alert: Some(alert),
                }
            })
            .collect()
    }

    /// Keeps for the next time what couldn't be put on record.
    fn put_back(&self, ready: Vec<ReadyAlert>) {
        let mut state = self.state();
        for ready in ready {
            let mut again = ready.again;
            match state.raised.get_mut(&ready.key) {
                // The newer assessment stays; the holds and sessions of both are needed.
                Some(newer) => {
                    newer.assessment = newer.assessment.take().or(again.assessment);
                    newer.holds.append(&mut again.holds);
                    newer.sessions.append(&mut again.sessions);
                }
                None => {
                    state.raised.insert(ready.key, again);
                }
            }
        }
    }

    /// Replaces the set of parties in confirmed cases.
    pub fn set_confirmed(&self, parties: &[Sealed<String>]) {
        let mut state = self.state();
        let state = &mut *state;
        let keys: Vec<PartyKey> = parties
            .iter()
            .map(|p| state.transfers.names.key(super::Id::of(p.expose())))
            .collect();
        state.monitor.set_confirmed(keys);
    }

    /// Frees parties without events in any window.
    pub fn forget(&self) {
        let now = self.clock.now_micros();
        let mut state = self.state();
        let state = &mut *state;
        state.monitor.forget_stale(now);
        let monitor = &mut state.monitor;
        state.alerted.retain(|(party, _), _| monitor.knows(*party));
    }

    /// Waits until everything taken so far is on the disk, or the journal can't be written.
    pub fn wait_until_durable(&self) {
        let seq = self.seq();
        // A failing journal retries without end; waiting for it would hang the caller.
        while self.durable_seq() < seq && !self.journal.is_failing() {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no answer panicked")
    }
}

/// A transfer that is in the journal.
struct Taken<'a> {
    transfer: &'a Transfer,
    /// Its place in the journal.
    seq: u64,
    /// When it came, microseconds since 1970.
    received: i64,
    session: Option<&'a UploadFacts>,
}

/// Adds a transfer to the windows and returns the answer; the caller fills in `durable_seq`. If
/// `raise`, what was found waits to be put on record.
// Long: one critical section.
fn take(state: &mut State, taken: Taken<'_>, holding: &Holding, raise: bool) -> LiveAnswer {
    let (t, seq, received) = (taken.transfer, taken.seq, taken.received);
    state.seq = seq;
    state.newest = state.newest.max(t.at_micros);
    let observed = state.monitor.observe(t);
    let all = [
        (t.sender, observed.after_silence),
        (t.sender, observed.sender),
        (t.sender, observed.sender_as_recipient),
        (t.recipient, observed.recipient),
    ];
    let mut found: Vec<(PartyKey, Assessment)> = all
        .into_iter()
        .filter_map(|(party, a)| Some((party, a?)))
        .collect();
    found.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));
    // On either side: a possible victim's payment isn't held, even if the other party scores high.
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
        // The score is too low, the payment has gone out, or the party may be a victim, to whom
        // someone should speak instead.
        (Advice::Review, None)
    };
    if let Some(session) = taken.session {
        let mut upload = session.clone();
        upload.at.get_or_insert_with(|| rfc3339(t.at_micros));
        let tx = state.transfers.tx_name(t.tx).unwrap_or_default();
        state.sessions.put(t.sender, Session { tx, upload });
    }
    if raise {
        // A hold belongs to the sender's case if it rests on the sender's score.
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
            // Below zero, so that even a score of 0 counts as new.
            let alerted = state.alerted.get(&key).copied().unwrap_or(-1.0);
            let hold = hold_until.filter(|_| holder == Some(key));
            // Half a point, our judgement: fewer updates of an alert whose score only creeps up.
            let is_new = assessment.score > alerted + 0.5 || hold.is_some();
            // Sessions go to the alert about the party as a sender, never to the recipient's.
            let own = *party == t.sender && assessment.side() == Side::Sender;
            let sessions = match own {
                true => state.sessions.take(t.sender),
                false => Vec::new(),
            };
            if !is_new && sessions.is_empty() {
                continue;
            }
            let raised = state.raised.entry(key).or_default();
            raised.sessions.extend(sessions);
            if !is_new {
                continue;
            }
            state.alerted.insert(key, assessment.score.max(alerted));
            raised.assessment = Some(assessment.clone());
            if let Some(until) = hold {
                let tx = state.transfers.tx_name(t.tx).unwrap_or_default();
                raised.holds.push((tx, until));
            }
        }
    }
    state.answers.insert(
        t.tx,
        Stored {
            mark: mark(t),
            seq,
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
    LiveAnswer {
        advice,
        found: found.into_iter().map(|f| f.1).collect(),
        hold_until,
        seq,
        durable_seq: 0,
        repeated: false,
    }
}

/// The reason an indicator fired, as a sentence.
pub fn because(fired: &Fired, language: Language) -> String {
    let text = fired.because();
    language.pick(text.en, text.de)
}

/// The reasons of an assessment, heaviest first: id of the indicator and a sentence.
pub fn reasons(a: &Assessment, language: Language) -> Vec<(&'static str, String)> {
    a.fired
        .iter()
        .map(|f| (f.indicator().id, because(f, language)))
        .collect()
}

/// A transfer with its names, as the journal keeps it: three texts with their lengths (2 bytes),
/// the transfer, when it came, and what is known of its session, as JSON to the entry's end.
fn entry_of(
    transfers: &Transfers,
    t: &Transfer,
    received: i64,
    session: Option<&UploadFacts>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(160);
    let tx = transfers.tx_name(t.tx).unwrap_or_default();
    let names = &transfers.names;
    for name in [tx, names.name(t.sender), names.name(t.recipient)] {
        // At most ID_BYTES_MAX (256) bytes each, which `validate` checked.
        out.extend((name.len() as u16).to_le_bytes());
        out.extend(name.as_bytes());
    }
    out.extend(to_bytes(t));
    out.extend(received.to_le_bytes());
    if let Some(session) = session {
        out.extend(serde_json::to_vec(session).expect("facts of an upload are JSON"));
    }
    out
}

fn read_entry(
    mut rest: &[u8],
    transfers: &mut Transfers,
) -> Option<(Transfer, i64, Option<UploadFacts>)> {
    let mut name = || {
        let (length, more) = rest.split_at_checked(2)?;
        let length = usize::from(u16::from_le_bytes(length.try_into().ok()?));
        let (name, more) = more.split_at_checked(length)?;
        rest = more;
        Some(super::Id::of(std::str::from_utf8(name).ok()?))
    };
    let (tx, sender, recipient) = (name()?, name()?, name()?);
    let (row, rest) = rest.split_at_checked(ROW_BYTES)?;
    let (received, session) = rest.split_at_checked(8)?;
    let session = match session {
        [] => None,
        json => Some(serde_json::from_slice(json).ok()?),
    };
    // The keys in the row are those of the process that wrote it; this process looks up its own by
    // name.
    let transfer = Transfer {
        tx: transfers.tx(tx),
        sender: transfers.names.key(sender),
        recipient: transfers.names.key(recipient),
        ..from_bytes(row.try_into().ok()?)
    };
    let received = i64::from_le_bytes(received.try_into().ok()?);
    Some((transfer, received, session))
}

/// Puts on record what live transfers have raised; returns the number of alerts recorded.
///
/// # Errors
/// The database failed; what was raised waits for the next time.
pub async fn record_raised(casework: &Casework, live: &Live) -> Result<u64> {
    let mut n = 0;
    let mut ready = live.take_raised();
    while let Some(one) = ready.pop() {
        match record_one(casework, &one).await {
            Ok(alerted) => n += u64::from(alerted),
            Err(e) => {
                // Put back even if only a hold failed: recording the alert again changes nothing.
                ready.push(one);
                live.put_back(ready);
                return Err(e);
            }
        }
    }
    Ok(n)
}

async fn record_one(casework: &Casework, ready: &ReadyAlert) -> Result<bool> {
    let Some(alert) = &ready.alert else {
        add_sessions(casework, &ready.party, &ready.again.sessions).await?;
        return Ok(false);
    };
    // Suppressed after a decision: its holds have no open case and are not recorded.
    let Some(row) = record_alert(casework, alert, "payments").await? else {
        return Ok(false);
    };
    for (tx, until) in &ready.again.holds {
        record_hold(casework, tx, &row.case, *until).await?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(n: u64) -> Session {
        Session {
            tx: n.to_string(),
            upload: UploadFacts::default(),
        }
    }

    /// Regression: sessions that had been pushed out still counted as waiting, so one busy sender
    /// pushed out the sessions of all others.
    #[test]
    fn only_waiting_sessions_push_out_the_oldest() {
        let mut sessions = Sessions::default();
        sessions.put(PartyKey(1), session(0));
        for n in 0..3 * WAITING_MAX as u64 {
            sessions.put(PartyKey(2), session(n));
        }
        assert_eq!(sessions.waiting, 1 + SESSIONS_MAX);
        assert!(sessions.order.len() <= 2 * WAITING_MAX);
        assert_eq!(sessions.take(PartyKey(1)).len(), 1);
        for sender in 10..10 + WAITING_MAX as u64 {
            sessions.put(PartyKey(sender), session(sender));
        }
        assert_eq!(sessions.waiting, WAITING_MAX);
        assert!(sessions.take(PartyKey(2)).is_empty(), "the oldest go first");
        assert_eq!(sessions.take(PartyKey(10)).len(), 1);
    }
}
