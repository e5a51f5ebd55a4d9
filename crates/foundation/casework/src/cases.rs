//! Cases: what belongs together, and how far it has come.

use obhut_facts::{CaseStatus, FileDigests, Sealed, Surface, UploadFacts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::by_day::{self, DayCount};
use crate::children::is_blank;
use crate::database::{Columns, Tx, rows_in};
use crate::{
    Casework, CaseworkError, Next, Person, Result, Role, audit, channels, ids, outbox, sealed,
    work_queue,
};

/// What was screened, as far as the caller knows it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What belongs in one case: an account, a run over a folder, one upload.
    pub group: String,
    /// The account it came from.
    pub account: Option<Sealed<String>>,
    /// A path or a file's name.
    pub name: Option<Sealed<String>>,
    /// Where it was meant to be seen.
    pub surface: Surface,
    /// When it was uploaded, microseconds since 1970; `None` if unknown.
    pub uploaded_at: Option<i64>,
    /// True if the requester waits for the answer before anyone can see the upload.
    pub before_release: bool,
    /// What the platform knows about the upload.
    pub upload: UploadFacts,
    /// Digests of the file, where its bytes are not kept.
    pub digests: Option<Sealed<FileDigests>>,
}

/// The name of a new group, to which nothing belongs yet.
pub fn fresh_group() -> String {
    ids::new("group")
}

/// Every transition that [`advance`] makes; it refuses all others.
pub(crate) const TRANSITIONS: &[(CaseStatus, CaseStatus)] = &[
    (CaseStatus::Open, CaseStatus::Decided),
    (CaseStatus::Open, CaseStatus::Closed),
    (CaseStatus::Decided, CaseStatus::Decided),
    (CaseStatus::Decided, CaseStatus::Closed),
    (CaseStatus::Decided, CaseStatus::Reported),
    (CaseStatus::Decided, CaseStatus::Appealed),
    (CaseStatus::Reported, CaseStatus::Reported),
    (CaseStatus::Reported, CaseStatus::Appealed),
    (CaseStatus::Closed, CaseStatus::Decided),
    (CaseStatus::Closed, CaseStatus::Appealed),
    (CaseStatus::Appealed, CaseStatus::Cleared),
    (CaseStatus::Appealed, CaseStatus::Decided),
    (CaseStatus::Appealed, CaseStatus::Reported),
    (CaseStatus::Appealed, CaseStatus::Closed),
];

/// A case on record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Case {
    /// Id.
    pub id: String,
    /// How far it has come.
    pub status: CaseStatus,
    /// When it was opened, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub opened_at: i64,
    /// When it last changed, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub changed_at: i64,
    /// Number of files with findings.
    pub files: i64,
    /// The account it is about.
    #[serde(skip)]
    pub account: Option<Sealed<String>>,
    /// Nothing about it may reach the person concerned.
    pub embargoed: bool,
}

/// A case about to be opened by a person.
pub(crate) struct Opening<'a> {
    pub id: &'a str,
    pub group: &'a str,
    pub account: Option<&'a str>,
    /// End of the embargo, microseconds since 1970, and the authority that ordered it.
    pub embargo: Option<(Option<i64>, String)>,
}

/// The open case of a group. By the time a finding is written, this case may have been decided and
/// another one opened.
pub(crate) async fn open_case(casework: &Casework, subject: &Subject) -> Result<Option<String>> {
    let row = sqlx::query("SELECT id FROM cases WHERE group_key = $1 AND status = 'open'")
        .bind(group_key(casework, subject))
        .fetch_optional(casework.db.pool())
        .await?;
    row.map(|row| Columns::of(&row).text()).transpose()
}

/// Silence towards the person concerned until a date, or without a date until the authority lifts
/// it. One with a date can be lifted earlier.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Embargo {
    /// RFC 3339; without it only the authority ends the silence.
    #[schemars(extend("format" = "date-time"))]
    pub until: Option<String>,
    /// Who asked for it, and under which reference.
    pub authority: Option<String>,
}

/// Locks a case row until the transaction ends.
pub(crate) async fn hold(tx: &mut Tx, id: &str) -> Result<()> {
    // A write takes the row's lock on both databases; SQLite has no SELECT FOR UPDATE.
    sqlx::query("UPDATE cases SET changed_at = changed_at WHERE id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The open case of a group, created with the id `fresh` if there is none, and locked until the
/// transaction ends: no decision can happen while a finding is being added, and no finding joins a
/// case that has just been decided.
pub(crate) async fn hold_or_insert(
    tx: &mut Tx,
    casework: &Casework,
    subject: &Subject,
    fresh: &str,
) -> Result<String> {
    let key = group_key(casework, subject);
    let now = casework.now();
    // DO UPDATE, because DO NOTHING would return no id and lock no row.
    let opened = sqlx::query(
        "INSERT INTO cases (id, group_key, status, account_sealed, opened_at, changed_at) VALUES ($1, $2, 'open', $3, $4, $4)
         ON CONFLICT (group_key) WHERE status = 'open' DO UPDATE SET changed_at = $4 RETURNING id",
    )
    .bind(fresh)
    .bind(&key)
    .bind(subject.account.as_ref().map(|a| sealed::seal_text(casework, a.expose())))
    .bind(now)
    .fetch_one(&mut **tx)
    .await?;
    let id = Columns::of(&opened).text()?;
    if id == fresh {
        work_queue::insert(tx, &id, now).await?;
        let account = subject
            .account
            .as_ref()
            .map_or_else(String::new, |a| account_key(casework, a.expose()));
        sqlx::query("UPDATE cases SET account_key = $1 WHERE id = $2")
            .bind(account)
            .bind(&id)
            .execute(&mut **tx)
            .await?;
    }
    Ok(id)
}

/// Where a page of cases ended: when its last case was opened, microseconds since 1970, and its id.
pub type CasePlace = (i64, String);

const CASE_COLUMNS: &str =
    "id, status, opened_at, changed_at, account_sealed, embargo_until, embargo_sealed";

/// A case; `files` is 0.
pub(crate) async fn find(casework: &Casework, id: &str) -> Result<Option<Case>> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {CASE_COLUMNS} FROM cases WHERE id = $1"));
    let row = sqlx::query(sql)
        .bind(id)
        .fetch_optional(casework.db.pool())
        .await?;
    let now = casework.now();
    row.map(|row| case_of(casework, &row, now)).transpose()
}

/// Cases of one status, or of all, newest first: at most `most` of those that follow `before`.
/// `files` is 0 and `account` is none: to open a sealed name takes longer than all the rest.
pub(crate) async fn select(
    casework: &Casework,
    status: Option<CaseStatus>,
    before: Option<&CasePlace>,
    most: usize,
) -> Result<Vec<Case>> {
    // Two statements, each with its own index. In one, `$4 IS NULL OR status = $4` could use
    // neither.
    let of_status = match status {
        Some(_) => "status = $4 AND",
        None => "",
    };
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT id, status, opened_at, changed_at, CAST(NULL AS TEXT), embargo_until, embargo_sealed FROM cases WHERE {of_status} opened_at <= $1 AND (opened_at < $1 OR id < $2)
         ORDER BY opened_at DESC, id DESC LIMIT $3"
    ));
    let (opened_at, id) = match before {
        Some((opened_at, id)) => (*opened_at, id.as_str()),
        None => (i64::MAX, ""),
    };
    let mut query = sqlx::query(sql)
        .bind(opened_at)
        .bind(id)
        .bind(i64::try_from(most).unwrap_or(i64::MAX));
    if let Some(status) = status {
        query = query.bind(status.word());
    }
    let rows = query.fetch_all(casework.db.pool()).await?;
    let now = casework.now();
    rows.iter().map(|row| case_of(casework, row, now)).collect()
}

/// The cases about an account, by the name that the platform uses: at most `most`, newest first,
/// without their number of files.
pub async fn cases_about(casework: &Casework, account: &str, most: usize) -> Result<Vec<Case>> {
    let sql = format!(
        "SELECT {CASE_COLUMNS} FROM cases WHERE account_key = $1 ORDER BY opened_at DESC, id DESC LIMIT $2"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(account_key(casework, account))
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(casework.db.pool())
        .await?;
    let now = casework.now();
    rows.iter().map(|row| case_of(casework, row, now)).collect()
}

/// The number of cases of each status that occurs.
pub async fn case_counts(casework: &Casework) -> Result<Vec<(CaseStatus, i64)>> {
    let rows = sqlx::query("SELECT status, COUNT(*) FROM cases GROUP BY status ORDER BY status")
        .fetch_all(casework.db.pool())
        .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok((c.word(CaseStatus::from_word, "status")?, c.int()?))
        })
        .collect()
}

/// The cases opened on each day from `from_day` on.
pub async fn cases_by_day(casework: &Casework, from_day: i64) -> Result<Vec<DayCount>> {
    by_day::counted(
        casework,
        "SELECT opened_at / $2, CAST('' AS TEXT), COUNT(*) FROM cases WHERE opened_at >= $1 GROUP BY opened_at / $2 ORDER BY 1",
        from_day,
    )
    .await
}

fn case_of(casework: &Casework, row: &sqlx::any::AnyRow, now: i64) -> Result<Case> {
    let mut c = Columns::of(row);
    let id = c.text()?;
    Ok(Case {
        files: 0,
        id,
        status: c.word(CaseStatus::from_word, "status")?,
        opened_at: c.int()?,
        changed_at: c.int()?,
        account: match c.maybe_text()? {
            Some(sealed) => Some(Sealed::new(sealed::open_text(casework, &sealed)?)),
            None => None,
        },
        embargoed: is_embargoed(c.maybe_int()?, c.maybe_text()?.is_some(), now),
    })
}

/// Opens a case; a conflict if one of its group is open already.
pub(crate) async fn open(
    tx: &mut Tx,
    casework: &Casework,
    opening: &Opening<'_>,
    actor: &str,
) -> Result<()> {
    let now = casework.now();
    let is_account = opening.account == Some(opening.group);
    let key = group_digest(casework, opening.group.as_bytes(), is_account);
    let (until, authority) = match &opening.embargo {
        Some((until, authority)) => (*until, Some(sealed::seal_text(casework, authority))),
        None => (None, None),
    };
    let opened = sqlx::query(
        "INSERT INTO cases (id, group_key, status, account_sealed, opened_at, changed_at, account_key, embargo_until, embargo_sealed)
         VALUES ($1, $2, 'open', $3, $4, $4, $5, $6, $7) ON CONFLICT (group_key) WHERE status = 'open' DO NOTHING",
    )
    .bind(opening.id)
    .bind(&key)
    .bind(opening.account.map(|a| sealed::seal_text(casework, a)))
    .bind(now)
    .bind(opening.account.map_or_else(String::new, |a| account_key(casework, a)))
    .bind(until)
    .bind(authority)
    .execute(&mut **tx)
    .await?;
    if opened.rows_affected() == 0 {
        let row = sqlx::query("SELECT id FROM cases WHERE group_key = $1 AND status = 'open'")
            .bind(&key)
            .fetch_one(&mut **tx)
            .await?;
        let open = Columns::of(&row).text()?;
        return Err(CaseworkError::conflict(format!(
            "case {open} of the same group is open; add to it, or leave \"group\" out of the file"
        ))
        .then(Next::AddFacts { case: open.clone() }));
    }
    work_queue::insert(tx, opening.id, now).await?;
    audit::write(tx, now, actor, "case.open", opening.id, "").await
}

/// Key that finds other cases of an account without storing its name.
pub(crate) fn account_key(casework: &Casework, account: &str) -> String {
    casework.lookup.keyed_digest("account", account.as_bytes())
}

/// Keyed digest of the group's name, which may be an account: the name can't be guessed from it.
pub(crate) fn group_key(casework: &Casework, subject: &Subject) -> String {
    let account = subject.account.as_ref().map(|a| a.expose());
    let is_account = account == Some(&subject.group);
    group_digest(casework, subject.group.as_bytes(), is_account)
}

fn group_digest(casework: &Casework, group: &[u8], is_account: bool) -> String {
    // A separate label: users choose account names, and one could equal the name of another group.
    let sort = match is_account {
        true => "case group",
        false => "case group that is no account",
    };
    casework.lookup.keyed_digest(sort, group)
}

/// Keeps further uploads from joining the case. A person or the platform has said whose uploads
/// these are, and the next upload without an account may be another person's.
pub(crate) async fn close_group(tx: &mut Tx, casework: &Casework, id: &str) -> Result<()> {
    let key = group_digest(casework, fresh_group().as_bytes(), false);
    sqlx::query("UPDATE cases SET group_key = $1 WHERE id = $2 AND account_key = ''")
        .bind(key)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// True if the case is about an account.
pub(crate) async fn has_account(tx: &mut Tx, id: &str) -> Result<bool> {
    let row = sqlx::query("SELECT 1 FROM cases WHERE id = $1 AND account_key <> ''")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.is_some())
}

/// Moves a case to a status and returns the one it had. A conflict if [`TRANSITIONS`] lacks the
/// step. If the step is a decision and a platform is set up, queues the decision for the platform.
pub(crate) async fn advance(tx: &mut Tx, now: i64, id: &str, to: CaseStatus) -> Result<CaseStatus> {
    let from = status(tx, id).await?;
    if !TRANSITIONS.contains(&(from, to)) {
        return Err(CaseworkError::conflict(match (from, to) {
            (CaseStatus::Appealed, CaseStatus::Appealed) => {
                format!("an appeal of case {id} is open already")
            }
            _ => format!("case {id} is {from}; from there it can't become {to}"),
        }));
    }
    // Another transaction may have changed it since it was read.
    let moved =
        sqlx::query("UPDATE cases SET status = $1, changed_at = $2 WHERE id = $3 AND status = $4")
            .bind(to.word())
            .bind(now)
            .bind(id)
            .bind(from.word())
            .execute(&mut **tx)
            .await?;
    if moved.rows_affected() != 1 {
        return Err(CaseworkError::conflict(format!(
            "case {id} was changed by another user meanwhile; reload it"
        )));
    }
    if from == CaseStatus::Open {
        work_queue::remove(tx, id).await?;
    }
    // An approval or an open appeal changes nothing for the platform, and neither does a rejected
    // appeal.
    let decides = match to {
        CaseStatus::Cleared => true,
        CaseStatus::Decided | CaseStatus::Closed => from != CaseStatus::Appealed,
        CaseStatus::Open | CaseStatus::Reported | CaseStatus::Appealed => false,
    };
    if decides && channels::is_set(tx, channels::PLATFORM).await? {
        outbox::put_decision(tx, now, id).await?;
    }
    Ok(from)
}

/// Puts a reported case back to decided, because none of its reports was sent; does nothing in
/// another status. Not a row of [`TRANSITIONS`], because then [`advance`] could take the step for a
/// report that was sent.
pub(crate) async fn back_to_decided(tx: &mut Tx, now: i64, id: &str) -> Result<()> {
    sqlx::query("UPDATE cases SET status = $1, changed_at = $2 WHERE id = $3 AND status = $4")
        .bind(CaseStatus::Decided.word())
        .bind(now)
        .bind(id)
        .bind(CaseStatus::Reported.word())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Like [`advance`], but only from one of these statuses: an open appeal is ended by its own
/// decision and by nothing else.
pub(crate) async fn advance_from(
    tx: &mut Tx,
    now: i64,
    id: &str,
    from: &[CaseStatus],
    to: CaseStatus,
) -> Result<CaseStatus> {
    require_status(tx, id, from).await?;
    advance(tx, now, id, to).await
}

/// Fails for a cleared case: no new data is stored about a person who was wrongly accused.
pub(crate) async fn require_not_cleared(tx: &mut Tx, id: &str) -> Result<()> {
    if status(tx, id).await? == CaseStatus::Cleared {
        return Err(CaseworkError::conflict(format!(
            "the decision about case {id} was overturned on appeal; no new data is stored about it"
        )));
    }
    Ok(())
}

pub(crate) async fn require_status(tx: &mut Tx, id: &str, allowed: &[CaseStatus]) -> Result<()> {
    let now = status(tx, id).await?;
    if allowed.contains(&now) {
        return Ok(());
    }
    if now == CaseStatus::Reported {
        return Err(CaseworkError::conflict(format!(
            "case {id} is reported; retract its reports. If none of them was sent, the case can then be decided again"
        ))
        .then(Next::RetractReports {
            case: id.to_owned(),
        }));
    }
    Err(CaseworkError::conflict(match now {
        CaseStatus::Appealed => format!("an appeal about case {id} is open; it is decided first"),
        CaseStatus::Cleared => format!(
            "the decision about case {id} was overturned on appeal; nothing is reported any more"
        ),
        CaseStatus::Open => format!("case {id} is not decided yet"),
        other => format!("case {id} is {other}; this can't be done from there"),
    }))
}

/// Cases with a decision to report, by the key of their account: the newest case of each account.
pub(crate) async fn reported_accounts(
    tx: &mut Tx,
    keys: &[&String],
) -> Result<std::collections::HashMap<String, String>> {
    // Oldest first, so that the newest case of an account remains.
    let sql = "SELECT account_key, id FROM cases WHERE status IN ('decided', 'reported') AND account_key IN ({values}) ORDER BY opened_at";
    let mut found = std::collections::HashMap::new();
    for row in &rows_in(tx, sql, keys).await? {
        let mut c = Columns::of(row);
        found.insert(c.text()?, c.text()?);
    }
    Ok(found)
}

/// Deletes the account of a case, and its embargo if that has expired. Returns true if an embargo
/// is still in force.
pub(crate) async fn forget_account(tx: &mut Tx, now: i64, id: &str) -> Result<bool> {
    // Empty keys do not collide: the unique index covers open cases only.
    sqlx::query(
        "UPDATE cases SET account_sealed = NULL, group_key = '', account_key = '' WHERE id = $1",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "UPDATE cases SET embargo_sealed = NULL, embargo_until = NULL WHERE id = $1 AND embargo_until <= $2",
    )
    .bind(id)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let row = sqlx::query("SELECT embargo_sealed FROM cases WHERE id = $1")
        .bind(id)
        .fetch_one(&mut **tx)
        .await?;
    Ok(Columns::of(&row).maybe_text()?.is_some())
}

pub(crate) async fn status(tx: &mut Tx, id: &str) -> Result<CaseStatus> {
    Ok(status_since(tx, id).await?.0)
}

/// Status of a case, and when the case last changed, microseconds since 1970: a new finding changes
/// it too.
pub(crate) async fn status_since(tx: &mut Tx, id: &str) -> Result<(CaseStatus, i64)> {
    let row = sqlx::query("SELECT status, changed_at FROM cases WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?;
    let row = row.ok_or_else(|| missing(id))?;
    let mut c = Columns::of(&row);
    Ok((c.word(CaseStatus::from_word, "status")?, c.int()?))
}

/// The id, status and last change of cases that aren't open, in the order of last change and id:
/// those after the place (`since`, `after`), at most `most`.
pub(crate) async fn changed_since(
    tx: &mut Tx,
    since: i64,
    after: &str,
    most: usize,
) -> Result<Vec<(String, CaseStatus, i64)>> {
    // Not a row-value comparison: the index serves `changed_at >= $1`, and the rest only drops rows
    // of that same microsecond.
    let rows = sqlx::query(
        "SELECT id, status, changed_at FROM cases WHERE changed_at >= $1 AND (changed_at > $1 OR id > $2) AND status <> 'open' ORDER BY changed_at, id LIMIT $3",
    )
    .bind(since)
    .bind(after)
    .bind(most as i64)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok((
                c.text()?,
                c.word(CaseStatus::from_word, "status")?,
                c.int()?,
            ))
        })
        .collect()
}

/// The decided cases of an account: id and status.
pub(crate) async fn decided_of_account(
    tx: &mut Tx,
    casework: &Casework,
    account: &str,
) -> Result<Vec<(String, CaseStatus)>> {
    let rows =
        sqlx::query("SELECT id, status FROM cases WHERE account_key = $1 AND status <> 'open'")
            .bind(account_key(casework, account))
            .fetch_all(&mut **tx)
            .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok((c.text()?, c.word(CaseStatus::from_word, "status")?))
        })
        .collect()
}

/// True until the embargo's date or, if it has none, until it is lifted.
fn is_embargoed(until: Option<i64>, sealed: bool, now: i64) -> bool {
    // The sealed authority exists for every embargo, empty if only a date was given.
    match (sealed, until) {
        (false, _) => false,
        (true, Some(until)) => now < until,
        (true, None) => true,
    }
}

pub(crate) fn missing(id: &str) -> CaseworkError {
    CaseworkError::NotFound {
        what: "case",
        id: id.to_owned(),
    }
}

/// The end in microseconds since 1970, and the authority that ordered it, empty if none is named.
/// Fails if both are missing or the end isn't RFC 3339.
pub(crate) fn read_embargo(embargo: &Embargo) -> Result<(Option<i64>, String)> {
    let until = embargo
        .until
        .as_deref()
        .map(|t| t.parse::<jiff::Timestamp>())
        .transpose();
    let until = until.map_err(|_| {
        CaseworkError::invalid(
            "embargo.until",
            "embargo.until isn't a time with a zone, like 2026-11-22T10:15:00Z",
        )
    })?;
    let authority = embargo.authority.clone().unwrap_or_default();
    if until.is_none() && is_blank(&authority) {
        return Err(CaseworkError::invalid(
            "embargo",
            "an embargo needs an end date, or the authority that will lift it",
        ));
    }
    Ok((until.map(|t| t.as_microsecond()), authority))
}

async fn has_embargo(tx: &mut Tx, case: &str) -> Result<bool> {
    let row = sqlx::query("SELECT 1 FROM cases WHERE id = $1 AND embargo_sealed IS NOT NULL")
        .bind(case)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.is_some())
}

/// Puts a case under embargo, or lifts it with `None`. The reason names the authority that ordered
/// it.
///
/// # Errors
/// Denied without the role reporting-officer; invalid without a reason, with an end that is past or
/// isn't RFC 3339, or with neither an end nor an authority; a conflict for a new embargo on a
/// cleared case, and for lifting an embargo that the case doesn't have.
pub async fn set_embargo(
    casework: &Casework,
    case: &str,
    embargo: Option<&Embargo>,
    reason: &str,
    person: &Person,
) -> Result<()> {
    person.require(Role::ReportingOfficer)?;
    if is_blank(reason) {
        return Err(CaseworkError::invalid(
            "reason",
            match embargo {
                Some(_) => "name the authority that ordered it",
                None => "name the authority that lifted it, or say why it ends",
            },
        ));
    }
    let read = embargo.map(read_embargo).transpose()?;
    // With a mistyped year there would be no embargo, and the person could learn of the case.
    if let Some((Some(until), _)) = &read
        && *until <= casework.now()
    {
        return Err(CaseworkError::invalid(
            "until",
            "the end of the embargo is in the past",
        ));
    }
    let mut tx = casework.db.begin().await?;
    hold(&mut tx, case).await?;
    // Lifting stays possible: an embargo outlives the clearing.
    if read.is_some() {
        require_not_cleared(&mut tx, case).await?;
    }
    status(&mut tx, case).await?;
    if read.is_none() && !has_embargo(&mut tx, case).await? {
        return Err(CaseworkError::conflict(format!(
            "case {case} is under no embargo"
        )));
    }
    let (until, authority) = match &read {
        Some((until, authority)) => (*until, Some(sealed::seal_text(casework, authority))),
        None => (None, None),
    };
    sqlx::query("UPDATE cases SET embargo_until = $1, embargo_sealed = $2 WHERE id = $3")
        .bind(until)
        .bind(authority)
        .bind(case)
        .execute(&mut *tx)
        .await?;
    let act = if read.is_some() {
        "case.embargo"
    } else {
        "case.embargo.lift"
    };
    audit::write(&mut tx, casework.now(), &person.id, act, case, reason).await?;
    tx.commit().await?;
    Ok(())
}

/// A conflict while the case is under embargo.
pub(crate) async fn require_no_embargo(casework: &Casework, case: &str) -> Result<()> {
    let mut tx = casework.db.snapshot().await?;
    require_no_embargo_within(&mut tx, casework.now(), case).await
}

/// Like [`require_no_embargo`], within a transaction.
pub(crate) async fn require_no_embargo_within(tx: &mut Tx, now: i64, case: &str) -> Result<()> {
    let row = sqlx::query("SELECT embargo_until, embargo_sealed FROM cases WHERE id = $1")
        .bind(case)
        .fetch_optional(&mut **tx)
        .await?;
    let row = row.ok_or_else(|| missing(case))?;
    let mut c = Columns::of(&row);
    let (until, sealed) = (c.maybe_int()?, c.maybe_text()?);
    if is_embargoed(until, sealed.is_some(), now) {
        return Err(CaseworkError::conflict(format!(
            "case {case} is under embargo: nothing about it may reach the person concerned yet, until its end date, or until a person records that the authority has lifted it"
        )).then(Next::LiftEmbargo { case: case.to_owned() }));
    }
    Ok(())
}

/// The account a case is about, if known.
pub(crate) async fn account(casework: &Casework, id: &str) -> Result<Option<Sealed<String>>> {
    let found = find(casework, id).await?;
    Ok(found.ok_or_else(|| missing(id))?.account)
}

/// Other cases about the same account, oldest first.
pub(crate) async fn cases_of_account(casework: &Casework, case: &str) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT other.id FROM cases own JOIN cases other ON other.account_key = own.account_key
         WHERE own.id = $1 AND own.account_key <> '' AND other.id <> own.id ORDER BY other.opened_at",
    )
    .bind(case)
    .fetch_all(casework.db.pool())
    .await?;
    rows.iter().map(|row| Columns::of(row).text()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench;

    /// The table as properties: nothing returns to `open`, a cleared person
    /// stays cleared, and no report is approved from anywhere but a decision.
    #[test]
    fn the_table_of_transitions_keeps_its_promises() {
        for (from, to) in TRANSITIONS {
            assert_ne!(*to, CaseStatus::Open);
            assert_ne!(*from, CaseStatus::Cleared);
            // From reported: another destination. From appealed: a rejected appeal puts it back.
            if *to == CaseStatus::Reported {
                assert!(matches!(
                    from,
                    CaseStatus::Decided | CaseStatus::Reported | CaseStatus::Appealed
                ));
            }
            if *to == CaseStatus::Cleared {
                assert_eq!(*from, CaseStatus::Appealed);
            }
        }
        for status in CaseStatus::ALL {
            let reachable =
                *status == CaseStatus::Open || TRANSITIONS.iter().any(|(_, to)| to == status);
            assert!(reachable, "{status} can't be reached");
        }
    }

    /// Every pair of statuses: a step in the table succeeds, any other is refused and changes
    /// nothing.
    #[tokio::test]
    async fn every_step_is_in_the_table_or_refused() {
        let (_folder, c) = bench::opened().await;
        for from in CaseStatus::ALL {
            for to in CaseStatus::ALL {
                let id = crate::ids::new("case");
                let mut tx = c.db.begin().await.unwrap();
                bench::case(&mut tx, &c, &id).await;
                // Bypasses the table on purpose, to start from every status.
                sqlx::query("UPDATE cases SET status = $1 WHERE id = $2")
                    .bind(from.word())
                    .bind(&id)
                    .execute(&mut *tx)
                    .await
                    .unwrap();
                let went = advance(&mut tx, 0, &id, *to).await;
                let listed = TRANSITIONS.contains(&(*from, *to));
                assert_eq!(went.is_ok(), listed, "{from} to {to}");
                let now = status(&mut tx, &id).await.unwrap();
                assert_eq!(now, if listed { *to } else { *from });
                tx.commit().await.unwrap();
            }
        }
    }

    /// A case takes nothing new once it is cleared, and a condition on its status names why it
    /// fails.
    #[tokio::test]
    async fn a_condition_on_the_status_holds_for_each() {
        let (_folder, c) = bench::opened().await;
        let mut tx = c.db.begin().await.unwrap();
        bench::case(&mut tx, &c, "case-1").await;
        for status in CaseStatus::ALL {
            sqlx::query("UPDATE cases SET status = $1")
                .bind(status.word())
                .execute(&mut *tx)
                .await
                .unwrap();
            let takes_data = require_not_cleared(&mut tx, "case-1").await;
            assert_eq!(takes_data.is_ok(), *status != CaseStatus::Cleared);
            for allowed in CaseStatus::ALL {
                let met = require_status(&mut tx, "case-1", &[*allowed]).await;
                assert_eq!(met.is_ok(), status == allowed, "{status}, {allowed}");
                let Err(why) = met else { continue };
                let names = match status {
                    CaseStatus::Appealed => "an appeal",
                    CaseStatus::Cleared => "overturned",
                    CaseStatus::Open => "not decided yet",
                    other => other.word(),
                };
                assert!(why.to_string().contains(names), "{why}");
            }
        }
    }
}
