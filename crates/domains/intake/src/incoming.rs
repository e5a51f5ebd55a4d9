//! Incoming reports, as a hotline or a police unit receives them: deduplicated, linked to earlier
//! ones, and ranked by how much points to a child in danger.
//!
//! Invariant: no report is dropped or deleted because of its rank; an unreadable one becomes a case
//! marked unreadable.
//!
//! Tokens link reports: 64 bits of a keyed digest of an account, device, address, wallet,
//! conversation, series, file digest or report number. Without the key, values can't be guessed
//! from tokens.

use std::collections::HashMap;

use async_trait::async_trait;
use obhut_index::{Bits256, Segments};
use serde::Serialize;

use obhut_casework::for_domains::{
    Clearing, Columns, Domain, Inside as _, Numbered, Removed, Tx, VALUES_MAX, audit, cases,
    danger, findings, ids, views,
};
use obhut_casework::{CaseStatus, Casework, CaseworkError, Facts, Result, Sealed, Surface};
use obhut_facts::{IncomingFormat, ParsedReport, Understood};

mod places;
mod ranks;
mod tokens;

use places::{Known, Placed, place};
pub use ranks::Ranked;
use ranks::{KNOWN_ACCOUNT, combined, is_now, shown};
use tokens::{PreparedReport, prepare};

/// Source of this domain's findings.
const SOURCE: &str = "intake";
/// Most reports that one transaction takes in. Our judgement.
const CHUNK: usize = 5_000;
/// A token shared by this many reports is in general circulation and links no further ones. Our judgement.
const LINKS_MAX: i64 = 50;
/// Distance up to which two PDQ digests count as the same picture, in bits. The distance PDQ's
/// authors recommend (ThreatExchange, hashing.pdf).
const NEAR_BITS_MAX: u32 = 31;
/// Result for one incoming report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Incoming {
    /// `in-` and its number.
    pub id: String,
    /// Its format.
    pub format: IncomingFormat,
    /// Whether it was understood: in full, in part, or not at all.
    #[serde(serialize_with = "as_told")]
    pub understood: Understood,
    /// The first report with the same account, digests, conversations and times. For a report
    /// without an account, or with neither digests nor conversations: the first with the same
    /// bytes.
    pub duplicate_of: Option<String>,
    /// The first report with one of the same files from the same account; `None` for a duplicate.
    pub reupload_of: Option<String>,
    /// `group-` and the number of the group's first report; linked reports have the same group.
    pub group: String,
    /// An earlier case about the same account that was decided to be reported, or else an earlier
    /// case with the same bytes.
    pub earlier_case: Option<String>,
    /// 0 to 100: how much points to a child in danger.
    pub at_risk: u32,
    /// The heaviest facts behind that, five at most.
    pub reasons: Vec<Ranked>,
    /// Id of the case opened from it, if there is one.
    pub case: Option<String>,
    /// Why it can't be read. For a report loaded from the database it only refers to the case.
    pub unreadable: Option<String>,
}

/// `true`, `false` or `"partly"`.
fn as_told<S: serde::Serializer>(
    understood: &Understood,
    to: S,
) -> std::result::Result<S::Ok, S::Error> {
    match understood {
        Understood::Yes => to.serialize_bool(true),
        Understood::No => to.serialize_bool(false),
        Understood::Partly => to.serialize_str("partly"),
    }
}

/// A row of the queue.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct IncomingRow {
    /// Its place in the queue, from 1.
    pub rank: i64,
    /// The report.
    #[serde(flatten)]
    pub incoming: Incoming,
    /// When it came, microseconds since 1970.
    #[serde(skip)]
    pub came_at: i64,
}

/// Counts of an intake.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct TriageSummary {
    /// Reports taken in, duplicates included.
    pub taken: u64,
    /// Reports that duplicate an earlier one.
    pub duplicates: u64,
    /// Reports that repeat a file of the same account; duplicates don't count.
    pub reuploads: u64,
    /// Reports that joined the group of an earlier one, duplicates included.
    pub linked: u64,
    /// Unreadable reports; each is a case.
    pub unreadable: u64,
}

/// An intake under way, with the PDQ digests of earlier reports in memory.
pub struct IntakeRun<'a> {
    casework: &'a Casework,
    near: Segments,
    /// For each digest of `near`, the number of the report it first came with.
    near_seq: Vec<i64>,
    /// Counts so far.
    pub summary: TriageSummary,
}

fn name(seq: i64) -> String {
    format!("in-{seq}")
}

fn seq_of(id: &str) -> Option<i64> {
    id.strip_prefix("in-")?.parse().ok()
}

/// Reports of others, as a domain of casework.
pub struct Intake;

#[async_trait]
impl Domain for Intake {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn migrations(&self) -> &'static [Numbered] {
        crate::migrations::ALL
    }

    async fn knows_account(&self, tx: &mut Tx, casework: &Casework, account: &str) -> Result<bool> {
        let [by_id, by_name] = tokens::of_account(casework, account);
        let row = sqlx::query("SELECT 1 FROM incoming_tokens WHERE token = $1 OR token = $2")
            .bind(by_id)
            .bind(by_name)
            .fetch_optional(&mut **tx)
            .await?;
        Ok(row.is_some())
    }

    async fn withdraw(
        &self,
        tx: &mut Tx,
        _: &Casework,
        clearing: &Clearing<'_>,
    ) -> Result<Vec<Removed>> {
        let row = sqlx::query("SELECT COUNT(*) FROM incoming WHERE case_id = $1 OR rests_on = $1")
            .bind(clearing.case)
            .fetch_one(&mut **tx)
            .await?;
        let because = "a report made by another organisation, which is responsible for it; its rank is recomputed without this case";
        Ok(match Columns::of(&row).int()? {
            0 => Vec::new(),
            _ => vec![Removed::kept("reports of others", because)],
        })
    }

    async fn finish_erasure(&self, casework: &Casework, case: &str) -> Result<()> {
        recompute_incoming(casework, case).await?;
        Ok(())
    }
}

/// Begins an intake: loads the PDQ digests of earlier reports' pictures. Of pictures near each
/// other, only the first has its digest stored. Pictures that another run takes in after this
/// aren't compared with.
pub async fn begin_intake(casework: &Casework) -> Result<IntakeRun<'_>> {
    let (mut entries, mut near_seq) = (Vec::new(), Vec::new());
    // In the order of intake: the smallest position is the earliest report.
    let rows = sqlx::query("SELECT sealed FROM incoming_near ORDER BY first_seq")
        .fetch_all(casework.pool())
        .await?;
    let form = || CaseworkError::unreadable("near digests of incoming reports");
    for row in &rows {
        let sealed: Vec<u8> = sqlx::Row::try_get(row, 0)?;
        let bytes = casework.sealer().open(&sealed).ok_or_else(form)?;
        // 40 bytes each: the report's number (8) and its PDQ digest (32).
        let (whole, rest) = bytes.as_chunks::<40>();
        if !rest.is_empty() {
            return Err(form());
        }
        for one in whole {
            let (seq, bits) = one.split_at(8);
            near_seq.push(i64::from_be_bytes(seq.try_into().expect("8 bytes")));
            entries.push(Bits256::try_from(bits).expect("32 bytes"));
        }
    }
    Ok(IntakeRun {
        casework,
        near: Segments::new(entries),
        near_seq,
        summary: TriageSummary::default(),
    })
}

/// At most `rows_max` rows of the queue after the first `from`: the highest at-risk score first,
/// among equal ones those whose texts read more urgent, and then in the order they came in.
pub async fn incoming_queue(
    casework: &Casework,
    from: i64,
    rows_max: i64,
) -> Result<Vec<IncomingRow>> {
    let rows = sqlx::query("SELECT seq, format, understood, grp, duplicate_of, reupload_of, at_risk, reasons, rests_on, case_id, came_at FROM incoming ORDER BY at_risk DESC, worded DESC, seq LIMIT $1 OFFSET $2")
        .bind(rows_max)
        .bind(from)
        .fetch_all(casework.pool())
        .await?;
    rows.iter()
        .zip(from.saturating_add(1)..)
        .map(|(row, rank)| {
            Ok(IncomingRow {
                rank,
                incoming: read(row)?,
                came_at: sqlx::Row::try_get(row, 10)?,
            })
        })
        .collect()
}

/// One report that came in, with the facts read from it.
///
/// # Errors
/// Not found for an unknown id.
pub async fn incoming(casework: &Casework, id: &str) -> Result<(Incoming, Sealed<Facts>)> {
    let missing = || CaseworkError::NotFound {
        what: "incoming report",
        id: id.to_owned(),
    };
    let seq = seq_of(id).ok_or_else(missing)?;
    let row = sqlx::query("SELECT seq, format, understood, grp, duplicate_of, reupload_of, at_risk, reasons, rests_on, case_id, sealed FROM incoming WHERE seq = $1")
        .bind(seq)
        .fetch_optional(casework.pool())
        .await?
        .ok_or_else(missing)?;
    let sealed: Vec<u8> = sqlx::Row::try_get(&row, 10)?;
    let form = || CaseworkError::unreadable("an incoming report");
    let bytes = casework.sealer().open(&sealed).ok_or_else(form)?;
    let facts = tokens::facts(&bytes).ok_or_else(form)?;
    Ok((read(&row)?, Sealed::new(facts)))
}

/// Opens a case from an incoming report and returns the case's id. If a case was opened from the
/// report before, returns the id of that case.
///
/// # Errors
/// Not found for an unknown report; a conflict if another caller opens its case at the same time.
pub async fn case_of_incoming(casework: &Casework, id: &str, actor: &str) -> Result<String> {
    let (incoming, facts) = incoming(casework, id).await?;
    if let Some(case) = incoming.case {
        return Ok(case);
    }
    let seq = seq_of(id).expect("it was found");
    // The parser may have understood only part of what came in; the original goes with the case.
    let row = sqlx::query("SELECT sealed FROM incoming WHERE seq = $1")
        .bind(seq)
        .fetch_one(casework.pool())
        .await?;
    let sealed: Vec<u8> = sqlx::Row::try_get(&row, 0)?;
    let form = || CaseworkError::unreadable("an incoming report");
    let bytes = casework.sealer().open(&sealed).ok_or_else(form)?;
    // Before the transaction: a crash leaves an exhibit without a case, never the reverse.
    let exhibit = keep_raw(casework, tokens::raw(&bytes).ok_or_else(form)?, actor).await?;
    let mut tx = casework.begin().await?;
    let known = tokens::to_open(facts.expose(), incoming.format);
    let case = open_case(&mut tx, casework, &known, id, actor).await?;
    add_raw(
        casework,
        &mut tx,
        &case,
        findings::AS_RECEIVED,
        Some(&exhibit),
    )
    .await?;
    let taken = sqlx::query("UPDATE incoming SET case_id = $1 WHERE seq = $2 AND case_id = ''")
        .bind(&case)
        .bind(seq)
        .execute(&mut *tx)
        .await?;
    // Returning rolls the transaction back, and with it the case opened above.
    if taken.rows_affected() == 0 {
        return Err(CaseworkError::conflict(format!(
            "{id} became a case meanwhile; reload it"
        )));
    }
    danger::opened(&mut tx, casework, id, &case).await?;
    tx.commit().await?;
    Ok(case)
}

/// Keeps the bytes of a report as an exhibit; returns the exhibit's id.
async fn keep_raw(casework: &Casework, bytes: &[u8], actor: &str) -> Result<String> {
    let intake = obhut_vault::Intake {
        actor: actor.to_owned(),
        purpose: "a report of others, as it came in".into(),
        case: None,
        source: None,
        media_type: None,
    };
    Ok(casework.keep(bytes, intake).await?.id)
}

async fn add_raw(
    casework: &Casework,
    tx: &mut Tx,
    case: &str,
    what: &str,
    exhibit: Option<&str>,
) -> Result<()> {
    let screening = ids::new("screen");
    let file = findings::File {
        name: Some("report as it came in"),
        surface: Surface::Shared,
        uploaded_at: None,
        stopped: false,
        digests: None,
    };
    findings::file(tx, casework, &screening, &file).await?;
    let found = findings::NewFinding {
        case,
        subject: &screening,
        evidence: exhibit,
        strength: what,
        source: SOURCE,
    };
    findings::write(tx, casework, &found).await?;
    Ok(())
}

/// Recomputes the ranks that relied on a case whose person has been cleared; returns how many.
pub async fn recompute_incoming(casework: &Casework, case: &str) -> Result<u64> {
    let mut tx = casework.begin().await?;
    // Reports that are being taken in may rest on the case, too.
    casework.lock_for_intake(&mut tx).await?;
    let rows = sqlx::query("SELECT seq, reasons FROM incoming WHERE rests_on = $1")
        .bind(case)
        .fetch_all(&mut *tx)
        .await?;
    for row in &rows {
        let mut c = Columns::of(row);
        let (seq, reasons) = (c.int()?, c.text()?);
        // Only this reason came from the cleared case; the others are in the report.
        let left: Vec<_> = reasons
            .split(',')
            .filter(|r| !r.is_empty() && *r != KNOWN_ACCOUNT)
            .collect();
        sqlx::query("UPDATE incoming SET at_risk = $1, reasons = $2, rests_on = '' WHERE seq = $3")
            .bind(i64::from(combined(left.iter().copied())))
            .bind(left.join(","))
            .bind(seq)
            .execute(&mut *tx)
            .await?;
    }
    if !rows.is_empty() {
        audit::write(
            &mut tx,
            casework.now_micros(),
            "redress",
            "incoming.recompute",
            case,
            &format!("{} reports", rows.len()),
        )
        .await?;
    }
    tx.commit().await?;
    Ok(rows.len() as u64)
}

fn read(row: &sqlx::any::AnyRow) -> Result<Incoming> {
    let mut c = Columns::of(row);
    let seq = c.int()?;
    let format = c.word(IncomingFormat::from_word, "format")?;
    let understood = c.word(Understood::from_word, "understood")?;
    let group = c.int()?;
    let duplicate_of = c.maybe_int()?.map(name);
    let reupload_of = c.maybe_int()?.map(name);
    let at_risk = c.int()? as u32;
    let reasons = c.text()?;
    let some = |t: String| Some(t).filter(|t| !t.is_empty());
    Ok(Incoming {
        id: name(seq),
        format,
        understood,
        duplicate_of,
        reupload_of,
        group: format!("group-{group}"),
        at_risk,
        reasons: shown(&reasons),
        earlier_case: some(c.text()?),
        case: some(c.text()?),
        unreadable: (format == IncomingFormat::Unreadable).then(|| "see its case".to_owned()),
    })
}

async fn open_case(
    tx: &mut Tx,
    casework: &Casework,
    known: &Facts,
    incoming: &str,
    actor: &str,
) -> Result<String> {
    let case = ids::new("case");
    let account = known.reported.as_ref().and_then(|a| a.id.as_deref());
    cases::open(tx, casework, &case, account, known, actor).await?;
    let found = findings::NewFinding {
        case: &case,
        subject: incoming,
        evidence: None,
        strength: "report",
        source: SOURCE,
    };
    findings::write(tx, casework, &found).await?;
    audit::write(
        tx,
        casework.now_micros(),
        actor,
        "incoming.case",
        incoming,
        &case,
    )
    .await?;
    Ok(case)
}

/// Encrypts and tokenises the reports in parallel: this takes most of the time, and reports are
/// independent.
async fn prepare_all(casework: &Casework, given: Vec<ParsedReport>) -> Vec<PreparedReport> {
    let sealer = casework.sealer();
    let lookup = casework.lookup();
    tokio::task::spawn_blocking(move || {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // At least 1, because `chunks` panics on 0.
        let part = given.len().div_ceil(cores).max(1);
        let mut prepared = Vec::with_capacity(given.len());
        std::thread::scope(|scope| {
            let parts: Vec<_> = given
                .chunks(part)
                .map(|part| {
                    let (sealer, lookup) = (&sealer, &lookup);
                    scope.spawn(move || {
                        part.iter()
                            .map(|g| prepare(g, sealer, lookup))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            for part in parts {
                // Joined in the given order: a report's place becomes its number.
                prepared.extend(part.join().expect("preparing doesn't panic"));
            }
        });
        prepared
    })
    .await
    .expect("preparing doesn't panic")
}

/// Opens a case for a report that could not be parsed; its bytes are the only content.
async fn open_unparsed_case(
    tx: &mut Tx,
    casework: &Casework,
    seq: i64,
    why: &str,
    exhibit: Option<&str>,
    actor: &str,
) -> Result<String> {
    let known = Facts {
        note: Some(format!(
            "This report ({}) came in and could not be read: {why}. Its bytes are an exhibit of this case.",
            name(seq)
        )),
        ..Facts::default()
    };
    let opened = open_case(tx, casework, &known, &name(seq), actor).await?;
    add_raw(casework, tx, &opened, findings::UNREAD_REPORT, exhibit).await?;
    sqlx::query("UPDATE incoming SET case_id = $1 WHERE seq = $2")
        .bind(&opened)
        .bind(seq)
        .execute(&mut **tx)
        .await?;
    Ok(opened)
}

impl IntakeRun<'_> {
    /// Takes reports in, in order; returns the result for each. Reports are committed in chunks of
    /// up to 5,000: after an error, the chunks before it stay on record.
    pub async fn take(&mut self, given: Vec<ParsedReport>, actor: &str) -> Result<Vec<Incoming>> {
        let mut all = Vec::with_capacity(given.len());
        let mut given = given.into_iter();
        loop {
            let chunk: Vec<ParsedReport> = given.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(all);
            }
            all.extend(self.chunk(chunk, actor).await?);
        }
    }

    // Long: one database transaction; the order of statements matters.
    async fn chunk(&mut self, given: Vec<ParsedReport>, actor: &str) -> Result<Vec<Incoming>> {
        let casework = self.casework;
        let prepared = prepare_all(casework, given).await;
        // What can't be read is kept as an exhibit before anything else: its bytes are all there is.
        let mut exhibits = Vec::new();
        for p in prepared.iter().filter(|p| p.unreadable.is_some()) {
            exhibits.push(keep_raw(casework, &p.raw, actor).await?);
        }
        let mut exhibits = exhibits.into_iter();
        let mut tx = casework.begin().await?;
        // Two concurrent intakes would assign the same numbers.
        casework.lock_for_intake(&mut tx).await?;
        let row = sqlx::query("SELECT COALESCE(MAX(seq), 0) FROM incoming")
            .fetch_one(&mut *tx)
            .await?;
        let first = Columns::of(&row).int()? + 1;
        let near_hits = self.near_hits(&prepared, first);
        let known = known_tokens(&mut tx, &prepared, &near_hits.firsts).await?;
        let earlier = earlier_cases(&mut tx, &prepared).await?;
        let placed = place(&prepared, first, known, &near_hits.firsts, &earlier);
        let now = casework.now_micros();
        write_rows(&mut tx, now, &prepared, &placed).await?;
        write_tokens(&mut tx, &placed.tokens).await?;
        // This moves earlier reports; those of this chunk were written with their final group.
        for (from, into) in &placed.merged {
            sqlx::query("UPDATE incoming SET grp = $1 WHERE grp = $2")
                .bind(into)
                .bind(from)
                .execute(&mut *tx)
                .await?;
        }
        let mut came = Vec::with_capacity(prepared.len());
        for (p, row) in prepared.iter().zip(&placed.rows) {
            let case = match &p.unreadable {
                None => None,
                Some(why) => {
                    self.summary.unreadable += 1;
                    let exhibit = exhibits.next();
                    Some(
                        open_unparsed_case(
                            &mut tx,
                            casework,
                            row.seq,
                            why,
                            exhibit.as_deref(),
                            actor,
                        )
                        .await?,
                    )
                }
            };
            // A duplicate raises no alarm if the first report raised one. If the first report did
            // not say that a child is in danger now, a duplicate that says so raises one.
            let now_in_danger = row.reasons.first().is_some_and(|r| is_now(r));
            let is_raised = match row.duplicate_of {
                Some(first) if now_in_danger => raised(&mut tx, first).await?,
                _ => false,
            };
            if now_in_danger && case.is_none() && !is_raised {
                danger::waits(&mut tx, casework, &name(row.seq)).await?;
            }
            self.summary.taken += 1;
            self.summary.duplicates += u64::from(row.duplicate_of.is_some());
            self.summary.reuploads += u64::from(row.reupload_of.is_some());
            self.summary.linked += u64::from(row.group != row.seq);
            came.push(Incoming {
                id: name(row.seq),
                format: p.format,
                understood: p.understood,
                duplicate_of: row.duplicate_of.map(name),
                reupload_of: row.reupload_of.map(name),
                group: format!("group-{}", row.group),
                earlier_case: row.rests_on.clone(),
                at_risk: row.at_risk,
                reasons: shown(&row.reasons.join(",")),
                case,
                unreadable: p.unreadable.clone(),
            });
        }
        if !near_hits.fresh.is_empty() {
            let mut bytes = Vec::with_capacity(near_hits.fresh.len() * 40);
            for (seq, bits) in &near_hits.fresh {
                bytes.extend(seq.to_be_bytes());
                bytes.extend(bits);
            }
            sqlx::query("INSERT INTO incoming_near (first_seq, sealed) VALUES ($1, $2)")
                .bind(first)
                .bind(casework.sealer().seal(&bytes))
                .execute(&mut *tx)
                .await?;
        }
        audit::write(
            &mut tx,
            now,
            actor,
            "incoming.take",
            &name(first),
            &format!("{} reports", prepared.len()),
        )
        .await?;
        tx.commit().await?;
        // Added only after the commit: a chunk that was rolled back must not be searched.
        let more: Vec<_> = near_hits.fresh.iter().map(|(_, bits)| *bits).collect();
        self.near = self.near.with(&more);
        self.near_seq
            .extend(near_hits.fresh.iter().map(|(seq, _)| *seq));
        Ok(came)
    }

    /// For each report, the first reports with near digests; and all digests that no earlier digest
    /// is near. Only the latter are searched later, so that a picture in wide circulation is stored
    /// once.
    fn near_hits(&self, prepared: &[PreparedReport], first: i64) -> NearHits {
        let mut hits = NearHits {
            firsts: vec![Vec::new(); prepared.len()],
            fresh: Vec::new(),
        };
        let mut open = Vec::new();
        let queries: Vec<(usize, Bits256)> = prepared
            .iter()
            .enumerate()
            .flat_map(|(at, p)| p.near.iter().map(move |bits| (at, *bits)))
            .collect();
        let bits: Vec<_> = queries.iter().map(|(_, bits)| *bits).collect();
        for ((at, bits), found) in queries
            .iter()
            .zip(self.near.within_each(&bits, NEAR_BITS_MAX))
        {
            // The earliest report, not the nearest: the picture's token is under its number.
            match found.iter().map(|h| h.position).min() {
                Some(position) => hits.firsts[*at].push(self.near_seq[position as usize]),
                None => open.push((*at, *bits)),
            }
        }
        // Of the digests that match none on record, the first of each picture in this chunk
        // represents the later ones.
        let mut own = Segments::new(Vec::new());
        let mut own_seq: Vec<i64> = Vec::new();
        let mut waiting: Vec<(i64, Bits256)> = Vec::new();
        for (at, bits) in open {
            let seq = first + at as i64;
            let known = own
                .within(&bits, NEAR_BITS_MAX)
                .iter()
                .map(|h| own_seq[h.position as usize])
                .min();
            let known = known.or_else(|| {
                let near = |(_, other): &&(i64, Bits256)| {
                    obhut_index::distance(other, &bits) <= NEAR_BITS_MAX
                };
                waiting.iter().find(near).map(|(seq, _)| *seq)
            });
            match known {
                Some(other) => hits.firsts[at].push(other),
                None => {
                    waiting.push((seq, bits));
                    hits.fresh.push((seq, bits));
                    // Our judgement: up to 256 are compared one by one, because each addition to
                    // the index rebuilds one of its runs.
                    if waiting.len() == 256 {
                        own = own.with(&waiting.iter().map(|(_, b)| *b).collect::<Vec<_>>());
                        own_seq.extend(waiting.drain(..).map(|(seq, _)| seq));
                    }
                }
            }
        }
        hits
    }
}

struct NearHits {
    firsts: Vec<Vec<i64>>,
    fresh: Vec<(i64, Bits256)>,
}

/// What is on record about the tokens of these reports.
async fn known_tokens(
    tx: &mut Tx,
    prepared: &[PreparedReport],
    near: &[Vec<i64>],
) -> Result<HashMap<i64, Known>> {
    let mut wanted: Vec<i64> = prepared
        .iter()
        .flat_map(|p| p.links.iter().chain(&p.reuploads).chain([&p.same]).copied())
        .chain(near.iter().flatten().map(|seq| tokens::near_token(*seq)))
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut known = HashMap::new();
    for part in wanted.chunks(VALUES_MAX) {
        // Numbers only, and made by us: no submitted text is in the statement.
        let list = part
            .iter()
            .map(i64::to_string)
            .collect::<Vec<_>>()
            .join(",");
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT t.token, t.seq, i.grp, t.seen FROM incoming_tokens t JOIN incoming i ON i.seq = t.seq WHERE t.token IN ({list})"
        ));
        for row in &sqlx::query(sql).fetch_all(&mut **tx).await? {
            let mut c = Columns::of(row);
            let token = c.int()?;
            known.insert(
                token,
                Known {
                    seq: c.int()?,
                    group: c.int()?,
                    seen: c.int()?,
                },
            );
        }
    }
    Ok(known)
}

/// Cases that were decided to be reported, by the key of their account; and cases that hold the
/// same bytes and aren't cleared, by the key of the bytes.
async fn earlier_cases(
    tx: &mut Tx,
    prepared: &[PreparedReport],
) -> Result<HashMap<String, String>> {
    let mut keys: Vec<&String> = prepared
        .iter()
        .filter_map(|p| p.account_key.as_ref())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let mut earlier = cases::reported_accounts(tx, &keys).await?;
    // The same bytes in an earlier case, whatever the account.
    let mut keys: Vec<&String> = prepared.iter().flat_map(|p| &p.bytes_keys).collect();
    keys.sort_unstable();
    keys.dedup();
    // One map holds keys of accounts and of bytes: digests under different labels don't collide.
    for (key, exhibit) in views::exhibits_of_bytes(tx, &keys).await? {
        if earlier.contains_key(&key) {
            continue;
        }
        if let Some(case) = findings::case_of_exhibit(tx, &exhibit).await?
            && cases::status(tx, &case).await? != CaseStatus::Cleared
        {
            earlier.insert(key, case);
        }
    }
    Ok(earlier)
}

/// True if a report on record is at the level that raises an alarm.
async fn raised(tx: &mut Tx, seq: i64) -> Result<bool> {
    let row = sqlx::query("SELECT reasons FROM incoming WHERE seq = $1")
        .bind(seq)
        .fetch_optional(&mut **tx)
        .await?;
    let Some(row) = row else {
        return Ok(false);
    };
    let reasons = Columns::of(&row).text()?;
    let first = reasons.split(',').next().unwrap_or_default();
    Ok(is_now(first))
}

async fn write_rows(
    tx: &mut Tx,
    now: i64,
    prepared: &[PreparedReport],
    placed: &Placed,
) -> Result<()> {
    // 500 rows of 13 values: 6,500 in a statement, where SQLite takes 32,766.
    for (prepared, rows) in prepared
        .chunks(VALUES_MAX)
        .zip(placed.rows.chunks(VALUES_MAX))
    {
        let mut sql = String::from(
            "INSERT INTO incoming (seq, format, came_at, grp, duplicate_of, reupload_of, at_risk, reasons, rests_on, case_id, sealed, understood, worded) VALUES ",
        );
        for n in 0..rows.len() {
            let places: Vec<_> = (1..=13).map(|k| format!("${}", n * 13 + k)).collect();
            let comma = if n > 0 { "," } else { "" };
            sql += &format!("{comma}({})", places.join(","));
        }
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (p, row) in prepared.iter().zip(rows) {
            query = query
                .bind(row.seq)
                .bind(p.format.word())
                .bind(now)
                .bind(row.group)
                .bind(row.duplicate_of)
                .bind(row.reupload_of)
                .bind(i64::from(row.at_risk))
                .bind(row.reasons.join(","))
                .bind(row.rests_on.clone().unwrap_or_default())
                .bind("")
                .bind(&p.sealed)
                .bind(p.understood.word())
                .bind(i64::from(p.worded));
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

async fn write_tokens(tx: &mut Tx, tokens: &[(i64, i64, i64)]) -> Result<()> {
    for part in tokens.chunks(VALUES_MAX) {
        // Integers of our making, so they may be part of the statement's text.
        let values: Vec<_> = part
            .iter()
            .map(|(t, seq, seen)| format!("({t},{seq},{seen})"))
            .collect();
        // On conflict only the count grows: the token stays with the report it first came with.
        let sql = format!(
            "INSERT INTO incoming_tokens (token, seq, seen) VALUES {} ON CONFLICT (token) DO UPDATE SET seen = incoming_tokens.seen + excluded.seen",
            values.join(",")
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
