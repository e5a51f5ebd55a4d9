//! Findings of every domain: subject, strength, and the case they belong to.
//!
//! A domain stores its details in its own table, keyed by the finding's id. What the core records
//! about a file is the same for every domain.
//!
//! Invariant: findings are numbered per case under the lock on the case row, so their order doesn't
//! depend on the wall clock.

use obhut_facts::{FileDigests, Sealed, Surface, words};

use crate::by_day::{self, DayCount};
use crate::casework::{Finding, MatchedEntry};
use crate::database::{Columns, Tx, rows_in};
use crate::{Casework, CaseworkError, Result, cases, ids, sealed};

/// Strength of an incoming report that could not be parsed.
pub const UNREAD_REPORT: &str = "report-unreadable";
/// Strength of an incoming report itself, stored as it was received.
pub const AS_RECEIVED: &str = "as-received";
/// Strength of a file submitted with a case file.
pub const GIVEN: &str = "given";
/// Source of findings a person submitted.
pub(crate) const PERSON: &str = "person";

/// True for an incoming report itself, parsed or not: the case was opened from it, and it isn't one
/// of the case's files.
pub fn is_as_received(finding: &Finding) -> bool {
    matches!(finding.what.as_str(), AS_RECEIVED | UNREAD_REPORT)
}

words! {
    /// State of a finding.
    FindingState {
        /// Valid.
        Open = "open",
        /// Its case was cleared on appeal, or the transaction behind it was orphaned by a reorg.
        Withdrawn = "withdrawn",
    }
}

/// A row of the findings table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FindingRow {
    /// Id, `finding-` and hexadecimal; key of the domain's details.
    pub id: String,
    /// Id of the screening, alert, movement or incoming report it is about.
    pub subject: String,
    /// The sealed exhibit.
    pub evidence: Option<String>,
    /// Strength, a word defined by the domain.
    pub strength: String,
    /// Name of the domain, or `person`.
    pub source: String,
    /// Sequence number within the case, from 1.
    pub seq: i64,
    /// Valid or withdrawn.
    pub state: FindingState,
}

/// The first findings of cases on each day from `from_day` on, by the domain they came from: where
/// cases come from.
pub async fn first_findings_by_day(casework: &Casework, from_day: i64) -> Result<Vec<DayCount>> {
    by_day::counted(
        casework,
        "SELECT found_at / $2, source, COUNT(*) FROM findings WHERE seq = 1 AND found_at >= $1 GROUP BY found_at / $2, source ORDER BY 1, 2",
        from_day,
    )
    .await
}

/// A finding to insert.
pub struct NewFinding<'a> {
    /// Id of the case.
    pub case: &'a str,
    /// Id of the screening, alert, movement or incoming report it is about.
    pub subject: &'a str,
    /// The sealed exhibit.
    pub evidence: Option<&'a str>,
    /// Strength, a word defined by the domain.
    pub strength: &'a str,
    /// Name of the domain, or `person`.
    pub source: &'a str,
}

/// What the core records about a file, in every domain.
pub struct File<'a> {
    /// A path or a file's name.
    pub name: Option<&'a str>,
    /// The audience the upload was meant for.
    pub surface: Surface,
    /// When it was uploaded, microseconds since 1970.
    pub uploaded_at: Option<i64>,
    /// The upload was held or blocked before anyone could see it.
    pub stopped: bool,
    /// Digests of the file, where its bytes are not kept.
    pub digests: Option<&'a FileDigests>,
}

/// Inserts a finding and returns its id. Locks the case row.
pub(crate) async fn write(
    tx: &mut Tx,
    casework: &Casework,
    found: &NewFinding<'_>,
) -> Result<String> {
    cases::hold(tx, found.case).await?;
    let id = ids::new("finding");
    sqlx::query(
        "INSERT INTO findings (id, case_id, subject, evidence, strength, source, seq, state, found_at)
         VALUES ($1, $2, $3, $4, $5, $6, (SELECT COALESCE(MAX(seq), 0) + 1 FROM findings WHERE case_id = $2), 'open', $7)",
    )
    .bind(&id)
    .bind(found.case)
    .bind(found.subject)
    .bind(found.evidence)
    .bind(found.strength)
    .bind(found.source)
    .bind(casework.now())
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

/// Updates state and strength of the finding with this case, source and subject; false if there is
/// none. Locks the case row first, in the same order as redress.
pub(crate) async fn set_state(
    tx: &mut Tx,
    found: &NewFinding<'_>,
    state: FindingState,
) -> Result<bool> {
    cases::hold(tx, found.case).await?;
    let done = sqlx::query(
        "UPDATE findings SET state = $1, strength = $5 WHERE case_id = $2 AND source = $3 AND subject = $4",
    )
    .bind(state.word())
    .bind(found.case)
    .bind(found.source)
    .bind(found.subject)
    .bind(found.strength)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Records what the core knows about a file. Call it before inserting the file's findings.
pub(crate) async fn file(
    tx: &mut Tx,
    casework: &Casework,
    subject: &str,
    file: &File<'_>,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO found_files (subject, name_sealed, surface, uploaded_at, stopped, digests_sealed)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(subject)
    .bind(file.name.map(|n| sealed::seal_text(casework, n)))
    .bind(file.surface.word())
    .bind(file.uploaded_at)
    .bind(i64::from(file.stopped))
    .bind(file.digests.map(|d| {
        let json = serde_json::to_string(d).expect("digests are JSON");
        sealed::seal_text(casework, &json)
    }))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Sets the exhibit of a screening's findings that have none yet.
pub(crate) async fn attach(tx: &mut Tx, screening: &str, exhibit: &str) -> Result<()> {
    sqlx::query("UPDATE findings SET evidence = $1 WHERE subject = $2 AND evidence IS NULL")
        .bind(exhibit)
        .bind(screening)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The first case with a finding of an exhibit.
pub(crate) async fn case_of_exhibit(tx: &mut Tx, exhibit: &str) -> Result<Option<String>> {
    let row = sqlx::query(
        "SELECT case_id FROM findings WHERE evidence = $1 AND case_id IS NOT NULL ORDER BY found_at, id LIMIT 1",
    )
    .bind(exhibit)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| Columns::of(&row).text()).transpose()
}

/// The cases with a finding of an exhibit, withdrawn ones included.
pub(crate) async fn all_cases_of_exhibit(tx: &mut Tx, exhibit: &str) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT DISTINCT case_id FROM findings WHERE evidence = $1 AND case_id IS NOT NULL ORDER BY case_id",
    )
    .bind(exhibit)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(|row| Columns::of(row).text()).collect()
}

/// The case of a screened file, if there was a finding about it.
pub(crate) async fn case_of_file(tx: &mut Tx, screening: &str) -> Result<Option<String>> {
    let row = sqlx::query(
        "SELECT f.case_id FROM findings f JOIN found_files file ON file.subject = f.subject
         WHERE f.subject = $1 AND f.case_id IS NOT NULL LIMIT 1",
    )
    .bind(screening)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| Columns::of(&row).text()).transpose()
}

/// The exhibit of a screened file, if its bytes were kept.
pub(crate) async fn exhibit_of_file(tx: &mut Tx, screening: &str) -> Result<Option<String>> {
    let row = sqlx::query(
        "SELECT evidence FROM findings WHERE subject = $1 AND evidence IS NOT NULL LIMIT 1",
    )
    .bind(screening)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| Columns::of(&row).text()).transpose()
}

/// The exhibits of a case's uploads that were held or blocked before anyone could see them.
pub(crate) async fn stopped_exhibits(tx: &mut Tx, case: &str) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT DISTINCT f.evidence FROM findings f JOIN found_files file ON file.subject = f.subject
         WHERE f.case_id = $1 AND f.evidence IS NOT NULL AND file.stopped = 1",
    )
    .bind(case)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(|row| Columns::of(row).text()).collect()
}

/// True if a valid finding of the case has this exhibit.
pub(crate) async fn is_evidence(tx: &mut Tx, case: &str, exhibit: &str) -> Result<bool> {
    let row = sqlx::query(
        "SELECT 1 FROM findings WHERE evidence = $1 AND case_id = $2 AND state = 'open' LIMIT 1",
    )
    .bind(exhibit)
    .bind(case)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.is_some())
}

/// The screenings of each of these cases, in the order of their findings.
pub(crate) async fn screenings(
    tx: &mut Tx,
    cases: &[&str],
) -> Result<std::collections::HashMap<String, Vec<String>>> {
    // Files that came with a case file or in the platform's answer were never uploaded to be
    // screened.
    let sql = format!(
        "SELECT f.case_id, f.subject, MIN(f.seq) AS first FROM findings f JOIN found_files file ON file.subject = f.subject
         WHERE f.case_id IN ({{values}}) AND f.source <> '{PERSON}' GROUP BY f.case_id, f.subject ORDER BY f.case_id, first"
    );
    let mut found = std::collections::HashMap::<String, Vec<String>>::new();
    for row in &rows_in(tx, &sql, cases).await? {
        let mut c = Columns::of(row);
        found.entry(c.text()?).or_default().push(c.text()?);
    }
    Ok(found)
}

/// The valid findings about these exhibits: case and finding.
pub(crate) async fn of_exhibits(tx: &mut Tx, exhibits: &[String]) -> Result<Vec<(String, String)>> {
    let sql = "SELECT case_id, id FROM findings WHERE state = 'open' AND case_id IS NOT NULL AND evidence IN ({values})";
    let rows = rows_in(tx, sql, exhibits).await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok((c.text()?, c.text()?))
        })
        .collect()
}

/// The cases in which valid findings are about these exhibits: case and exhibit, each once.
pub(crate) async fn cases_of(tx: &mut Tx, exhibits: &[String]) -> Result<Vec<(String, String)>> {
    let sql = "SELECT DISTINCT case_id, evidence FROM findings WHERE state = 'open' AND case_id IS NOT NULL AND evidence IN ({values})";
    pairs(&rows_in(tx, sql, exhibits).await?)
}

/// The valid findings of a case that have an exhibit: finding and exhibit, in order.
pub(crate) async fn with_evidence(tx: &mut Tx, case: &str) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query(
        "SELECT id, evidence FROM findings WHERE case_id = $1 AND state = 'open' AND evidence IS NOT NULL ORDER BY seq",
    )
    .bind(case)
    .fetch_all(&mut **tx)
    .await?;
    pairs(&rows)
}

/// Case and exhibit of these findings, for those that are valid and have an exhibit.
pub(crate) async fn located(
    tx: &mut Tx,
    ids: &[&String],
) -> Result<std::collections::HashMap<String, (String, String)>> {
    let sql = "SELECT id, case_id, evidence FROM findings WHERE state = 'open' AND case_id IS NOT NULL AND evidence IS NOT NULL AND id IN ({values})";
    let rows = rows_in(tx, sql, ids).await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok((c.text()?, (c.text()?, c.text()?)))
        })
        .collect()
}

fn pairs(rows: &[sqlx::any::AnyRow]) -> Result<Vec<(String, String)>> {
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok((c.text()?, c.text()?))
        })
        .collect()
}

/// Withdraws the findings of a case. Deletes the names and digests of their files, and the subjects
/// and strengths of findings that aren't about a file.
pub(crate) async fn withdraw(tx: &mut Tx, case: &str) -> Result<()> {
    // The subjects of file findings stay: they are random ids, and the file names stored under them
    // are deleted.
    for sql in [
        "UPDATE findings SET state = 'withdrawn' WHERE case_id = $1",
        "UPDATE findings SET subject = id, strength = '' WHERE case_id = $1
            AND NOT EXISTS (SELECT 1 FROM found_files WHERE found_files.subject = findings.subject)",
        "UPDATE found_files SET name_sealed = NULL, digests_sealed = NULL WHERE subject IN (SELECT subject FROM findings WHERE case_id = $1)",
    ] {
        sqlx::query(sql).bind(case).execute(&mut **tx).await?;
    }
    Ok(())
}

/// The exhibits of a case's findings.
pub(crate) async fn exhibits(tx: &mut Tx, case: &str) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT DISTINCT evidence FROM findings WHERE case_id = $1 AND evidence IS NOT NULL",
    )
    .bind(case)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(|row| Columns::of(row).text()).collect()
}

/// The file findings of a case in order, with their domain's details.
pub(crate) async fn of_case(tx: &mut Tx, casework: &Casework, case: &str) -> Result<Vec<Finding>> {
    let rows = sqlx::query(
        "SELECT f.id, f.subject, f.strength, f.source, f.evidence, f.found_at, file.name_sealed, file.surface,
            file.uploaded_at, file.stopped, file.digests_sealed
         FROM findings f JOIN found_files file ON file.subject = f.subject WHERE f.case_id = $1 ORDER BY f.seq",
    )
    .bind(case)
    .fetch_all(&mut **tx)
    .await?;
    let mut of_case = rows
        .iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(Finding {
                id: c.text()?,
                screening: c.text()?,
                what: c.text()?,
                matched: MatchedEntry::default(),
                source: c.text()?,
                exhibit: c.maybe_text()?,
                found_at: c.int()?,
                name: match c.maybe_text()? {
                    Some(sealed) => Some(Sealed::new(sealed::open_text(casework, &sealed)?)),
                    None => None,
                },
                surface: c.word(Surface::from_word, "surface")?,
                uploaded_at: c.maybe_int()?,
                stopped: c.int()? != 0,
                digests: match c.maybe_text()? {
                    Some(sealed) => Some(digests(casework, &sealed)?),
                    None => None,
                },
                listed: false,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    for domain in casework.domains() {
        domain.describe(tx, case, &mut of_case).await?;
    }
    Ok(of_case)
}

fn digests(casework: &Casework, sealed: &str) -> Result<Sealed<FileDigests>> {
    let json = sealed::open_text(casework, sealed)?;
    let digests =
        serde_json::from_str(&json).map_err(|_| CaseworkError::unreadable("digests of a file"))?;
    Ok(Sealed::new(digests))
}

/// The file findings of a case in order, with their domain's details.
pub async fn findings(casework: &Casework, case: &str) -> Result<Vec<Finding>> {
    of_case(&mut casework.db.snapshot().await?, casework, case).await
}

/// All findings of a case, of every domain, in order.
pub async fn finding_rows(casework: &Casework, case: &str) -> Result<Vec<FindingRow>> {
    let rows = sqlx::query(
        "SELECT id, subject, evidence, strength, source, seq, state FROM findings WHERE case_id = $1 ORDER BY seq",
    )
    .bind(case)
    .fetch_all(casework.db.pool())
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(FindingRow {
                id: c.text()?,
                subject: c.text()?,
                evidence: c.maybe_text()?,
                strength: c.text()?,
                source: c.text()?,
                seq: c.int()?,
                state: c.word(FindingState::from_word, "state")?,
            })
        })
        .collect()
}

/// The cases, except `except`, that have valid findings with these exhibits.
pub(crate) async fn cases_of_exhibits(
    casework: &Casework,
    exhibits: &[String],
    except: &str,
) -> Result<Vec<String>> {
    let mut cases = Vec::new();
    for exhibit in exhibits {
        let rows = sqlx::query(
            "SELECT DISTINCT case_id FROM findings WHERE evidence = $1 AND case_id <> $2 AND state = 'open' ORDER BY case_id",
        )
        .bind(exhibit)
        .bind(except)
        .fetch_all(casework.db.pool())
        .await?;
        for row in &rows {
            let case = Columns::of(row).text()?;
            if !cases.contains(&case) {
                cases.push(case);
            }
        }
    }
    Ok(cases)
}

/// Number of files of a case.
pub(crate) async fn count_of_case(tx: &mut Tx, case: &str) -> Result<usize> {
    let row = sqlx::query(
        "SELECT COUNT(DISTINCT f.subject) FROM findings f JOIN found_files file ON file.subject = f.subject
         WHERE case_id = $1",
    )
    .bind(case)
    .fetch_one(&mut **tx)
    .await?;
    Ok(usize::try_from(Columns::of(&row).int()?).unwrap_or_default())
}

/// The files of a case, as far as its rank needs them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct FoundFiles {
    /// How many; no more than [`RANKED_FILES_MAX`] are counted.
    pub count: usize,
    /// One of them matched an entry of a list.
    pub matched: bool,
}

/// Files that count for a rank. Our judgement: beyond some dozens, more files change nothing.
const RANKED_FILES_MAX: i64 = 100;

/// The files of a case, for its rank.
pub(crate) async fn found_files(tx: &mut Tx, case: &str) -> Result<FoundFiles> {
    let row = sqlx::query(
        "SELECT COUNT(*), COALESCE(MAX(matched), 0) FROM (
            SELECT subject, MAX(CASE strength WHEN 'match' THEN 1 ELSE 0 END) AS matched FROM findings
            WHERE case_id = $1 AND evidence IS NOT NULL GROUP BY subject LIMIT $2) AS files",
    )
    .bind(case)
    .bind(RANKED_FILES_MAX)
    .fetch_one(&mut **tx)
    .await?;
    let mut c = Columns::of(&row);
    Ok(FoundFiles {
        count: usize::try_from(c.int()?).unwrap_or_default(),
        matched: c.int()? != 0,
    })
}

/// Number of files of each of these cases, for those with at least one.
pub(crate) async fn finding_counts(
    casework: &Casework,
    cases: &[&str],
) -> Result<std::collections::HashMap<String, i64>> {
    let sql = "SELECT case_id, COUNT(DISTINCT f.subject) FROM findings f JOIN found_files file ON file.subject = f.subject
         WHERE case_id IN ({values}) GROUP BY case_id";
    let mut connection = casework.db.pool().acquire().await?;
    let mut counts = std::collections::HashMap::new();
    for row in &rows_in(&mut connection, sql, cases).await? {
        let mut c = Columns::of(row);
        counts.insert(c.text()?, c.int()?);
    }
    Ok(counts)
}
