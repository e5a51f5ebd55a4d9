//! The list entries a file matched, one row per entry, keyed by the id of the core's finding.
//!
//! A row names list, version and entry; it contains no digest.

use std::collections::BTreeMap;

use async_trait::async_trait;
use obhut_casework::for_domains::{
    Clearing, Columns, Covered, Domain, Inside as _, Numbered, Removed, Tx, alarms, audit,
    findings, uploads,
};
use obhut_casework::{
    Action, Casework, CaseworkError, FileDigests, Finding, MatchedEntry, Purpose, Result, Subject,
    UploadState,
};

use crate::lists;
use crate::screen::{Match, Screened};

/// Source of this domain's findings.
const SOURCE: &str = "media";
/// Strength of a match with an entry of a signed list.
const MATCHED: &str = "match";

/// Pictures, videos and lists, as a domain of casework.
pub struct Media;

#[async_trait]
impl Domain for Media {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn migrations(&self) -> &'static [Numbered] {
        crate::migrations::ALL
    }

    fn covered(&self) -> &'static [Covered] {
        crate::migrations::COVERED
    }

    async fn faults(&self, casework: &Casework) -> Result<Vec<(String, String)>> {
        lists::faults_of_files(casework).await
    }

    async fn leftovers(&self, casework: &Casework) -> Result<Vec<String>> {
        Ok(lists::unnamed_files(casework).await?.leftovers)
    }

    async fn opened(&self, casework: &Casework) -> Result<()> {
        if !casework.is_upgrading() {
            return Ok(());
        }
        lists::bind_old_signatures(casework).await?;
        lists::key_contents(casework).await
    }

    /// Adds the matched entries. A match of a disputed entry doesn't count as listed.
    async fn describe(&self, tx: &mut Tx, case: &str, of_case: &mut [Finding]) -> Result<()> {
        if of_case.iter().all(|f| f.source != SOURCE) {
            return Ok(());
        }
        let rows = sqlx::query(
            "SELECT m.finding, list_id, list, version, entry, hash_kind, distance, quality, purpose, action, scale,
                category FROM media_matches m WHERE m.case_id = $1",
        )
        .bind(case)
        .fetch_all(&mut **tx)
        .await?;
        let mut details = std::collections::HashMap::with_capacity(rows.len());
        for row in &rows {
            let mut c = Columns::of(row);
            let id = c.text()?;
            let detail = MatchedEntry {
                list_id: c.text()?,
                list: c.text()?,
                version: c.text()?,
                entry: c.text()?,
                kind: c.text()?,
                distance: c.int()?,
                quality: c.maybe_int()?,
                purpose: c.maybe_text()?.and_then(|w| Purpose::from_word(&w)),
                action: c.word(Action::from_word, "action")?,
                scale: c.text()?,
                category: c.text()?,
            };
            details.insert(id, detail);
        }
        // Many files of a case may match one entry: each entry is looked up once.
        let mut disputed = std::collections::HashMap::new();
        for finding in of_case.iter_mut().filter(|f| f.source == SOURCE) {
            let detail = details.remove(&finding.id);
            finding.matched =
                detail.ok_or_else(|| CaseworkError::unreadable("a match without its entry"))?;
            // An undecodable file has no entry that could be disputed.
            if finding.what != MATCHED {
                continue;
            }
            let (list, entry) = (&finding.matched.list_id, &finding.matched.entry);
            let known = disputed.get(&(list.clone(), entry.clone())).copied();
            let dispute = match known {
                Some(known) => known,
                None => lists::dispute_of(tx, list, entry).await?,
            };
            disputed.insert((list.clone(), entry.clone()), dispute);
            // Computed at every read, not stored: a dispute must also take effect in older cases.
            let exact = is_exact(&finding.matched.kind);
            finding.listed = !dispute.is_some_and(|d| d.covers(exact));
        }
        Ok(())
    }

    /// Disputes the entries that matched, in this installation only, and raises an alarm for each.
    /// For exact digests the dispute is only proposed, even if it was a perceptual digest of the
    /// same entry that matched; another person has to confirm it.
    async fn withdraw(
        &self,
        tx: &mut Tx,
        casework: &Casework,
        clearing: &Clearing<'_>,
    ) -> Result<Vec<Removed>> {
        // Rows without a list are undecodable files: no entry to dispute.
        let rows = sqlx::query(
            "SELECT DISTINCT list_id, list, entry, hash_kind FROM media_matches WHERE case_id = $1 AND list_id <> '' ORDER BY list_id, entry, hash_kind",
        )
        .bind(clearing.case)
        .fetch_all(&mut **tx)
        .await?;
        let reason = format!("appeal {} upheld", clearing.appeal);
        let now = casework.now_micros();
        for row in &rows {
            let mut c = Columns::of(row);
            let (list, name, entry, kind) = (c.text()?, c.text()?, c.text()?, c.text()?);
            let text = match is_exact(&kind) {
                true => {
                    lists::propose_dispute(tx, now, &list, &entry, &reason, clearing.person)
                        .await?;
                    format!(
                        "{reason}: entry {entry} of \"{name}\" is an exact digest and keeps matching; another person looks at it, and disputes it if it is wrong"
                    )
                }
                false => {
                    lists::dispute_near(tx, now, &list, &entry, &reason, clearing.person).await?;
                    format!(
                        "{reason}: what only looks like entry {entry} of \"{name}\" no longer matches here; an exact digest of the entry keeps matching until another person disputes it. Inform the list's owner; if the entry is right, another person lifts the dispute"
                    )
                }
            };
            alarms::raise(tx, now, "list-entry", &format!("{list}/{entry}"), &text).await?;
        }
        // The rows stay: they name list and entry, neither the person nor a digest.
        Ok(Vec::new())
    }

    async fn finish_erasure(&self, _: &Casework, _: &str) -> Result<()> {
        Ok(())
    }
}

/// Whether a hash kind, by its name on record, names one file and no other.
fn is_exact(kind: &str) -> bool {
    obhut_hash::kinds::by_name(kind)
        .is_some_and(|k| matches!(k.matching, obhut_hash::Matching::Exact))
}

/// An earlier decision that applies to an upload.
pub(crate) struct Followed {
    /// The case it was about.
    pub case: String,
    /// Pass or block.
    pub action: Action,
}

/// What a person decided about the same bytes of the same account. A decision not to report covers
/// only the entries that had matched then; if another entry matches now, the question is open
/// again.
pub(crate) async fn decided_before(
    tx: &mut Tx,
    casework: &Casework,
    screened: &Screened,
    account: &str,
    sha256: &str,
) -> Result<Option<Followed>> {
    let before = uploads::decided_before(tx, casework, account, sha256).await?;
    let Some(last) = before.last() else {
        return Ok(None);
    };
    let case = last.case.clone();
    if last.state == UploadState::Remove {
        let action = Action::Block;
        return Ok(Some(Followed { case, action }));
    }
    let mut judged = Vec::new();
    for found in &before {
        if found.state != UploadState::Release {
            continue;
        }
        let rows = sqlx::query(
            "SELECT list_id, entry, hash_kind, distance FROM media_matches WHERE finding = $1",
        )
        .bind(&found.finding)
        .fetch_all(&mut **tx)
        .await?;
        for row in &rows {
            let mut c = Columns::of(row);
            judged.push((c.text()?, c.text()?, c.text()?, c.int()?));
        }
    }
    let mut signed = screened.matches.iter().filter(|m| m.signed);
    // Kind and distance must be equal too: an entry that was near then and is exact now is new
    // evidence.
    let covered = signed.all(|m| {
        judged.iter().any(|(list, entry, kind, distance)| {
            *list == m.list_id
                && *entry == m.entry
                && kind == m.kind
                && *distance == i64::from(m.distance_bits)
        })
    });
    // Without a row the earlier findings came from another domain, so no match was judged then.
    let action = Action::Pass;
    Ok((covered && !judged.is_empty()).then_some(Followed { case, action }))
}

/// Inserts the findings of a screening: one per matched entry of a signed list, or one without an
/// entry for an undecodable file.
pub(crate) async fn write(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    screening: &str,
    screened: &Screened,
    subject: &Subject,
    exhibit: Option<&str>,
) -> Result<()> {
    let now = casework.now_micros();
    // The caller has counted hits of unsigned versions; they must not become findings.
    let signed = screened.matches.iter().filter(|m| m.signed).map(Some);
    let mut rows: Vec<Option<&Match>> = signed.collect();
    if rows.is_empty() {
        // An undecodable file without a match gets one finding without an entry.
        rows.push(None);
    }
    let unread = screened
        .unreadable
        .as_ref()
        .map_or(MATCHED, |(code, _)| code);
    // Digests of bytes that aren't kept; those of an exhibit are with the exhibit.
    let digests = subject.digests.as_ref().map(|d| FileDigests {
        pdq: screened.pdq.clone(),
        ..d.expose().clone()
    });
    let file = findings::File {
        name: subject.name.as_ref().map(|n| n.expose().as_str()),
        surface: subject.surface,
        uploaded_at: subject.uploaded_at,
        stopped: subject.before_release && screened.action != Action::Pass,
        digests: digests.as_ref(),
    };
    // Before the findings, which refer to it.
    findings::file(tx, casework, screening, &file).await?;
    for m in rows {
        let found = findings::NewFinding {
            case,
            subject: screening,
            evidence: exhibit,
            strength: if m.is_some() { MATCHED } else { unread },
            source: SOURCE,
        };
        let id = findings::write(tx, casework, &found).await?;
        // The columns are NOT NULL: a finding without an entry has empty texts.
        sqlx::query(
            "INSERT INTO media_matches (finding, case_id, list_id, list, version, entry, hash_kind, distance, quality,
                purpose, action, scale, category)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(id)
        .bind(case)
        .bind(m.map_or("", |m| &m.list_id))
        .bind(m.map_or("", |m| &m.list))
        .bind(m.map_or("", |m| &m.version))
        .bind(m.map_or("", |m| &m.entry))
        .bind(m.map_or("", |m| m.kind))
        .bind(m.map_or(0, |m| i64::from(m.distance_bits)))
        .bind(screened.quality.map(i64::from))
        .bind(m.map(|m| m.purpose.word()))
        .bind(screened.action.word())
        .bind(m.map_or("", |m| &m.label.scale))
        .bind(m.map_or("", |m| &m.label.category))
        .execute(&mut **tx)
        .await?;
    }
    let detail = format!("{} in {case}", screened.verdict);
    audit::write(tx, now, "screening", "finding.record", screening, &detail).await
}

/// Entries of a case that are looked up. Our judgement: as many as a page shows files.
const ENTRIES_MAX: usize = 200;
/// Files that look like one entry, beyond which no more are looked up. Our judgement: if none of a
/// thousand was viewed, the next hardly was.
const FILES_MAX: i64 = 1_000;

/// For findings of a case, the findings of other cases that match the same entry of the same list.
/// An entry that is disputed counts for none: its copies may be of another picture.
pub async fn findings_alike(
    casework: &Casework,
    case: &str,
) -> Result<BTreeMap<String, Vec<String>>> {
    let mut tx = casework.snapshot().await?;
    let rows = sqlx::query(
        "SELECT finding, list_id, entry FROM media_matches WHERE case_id = $1 AND list_id <> '' ORDER BY finding",
    )
    .bind(case)
    .fetch_all(&mut *tx)
    .await?;
    let mut entries: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for row in &rows {
        let mut c = Columns::of(row);
        let (finding, list, entry) = (c.text()?, c.text()?, c.text()?);
        entries.entry((list, entry)).or_default().push(finding);
    }
    let mut alike: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for ((list, entry), own) in entries.into_iter().take(ENTRIES_MAX) {
        if lists::dispute_of(&mut tx, &list, &entry).await?.is_some() {
            continue;
        }
        let rows = sqlx::query(
            "SELECT finding FROM media_matches WHERE list_id = $1 AND entry = $2 AND case_id <> $3 ORDER BY finding LIMIT $4",
        )
        .bind(&list)
        .bind(&entry)
        .bind(case)
        .bind(FILES_MAX)
        .fetch_all(&mut *tx)
        .await?;
        let others: Result<Vec<String>> = rows.iter().map(|row| Columns::of(row).text()).collect();
        let others = others?;
        for finding in own {
            alike.entry(finding).or_default().extend_from_slice(&others);
        }
    }
    Ok(alike)
}
