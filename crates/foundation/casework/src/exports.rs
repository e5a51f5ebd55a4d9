//! Exports: exhibits that leave with everything the vault's log says of them, for an authority.
//!
//! Invariant: bytes leave only after two people other than the one who asked have approved exactly
//! these exhibits for exactly this recipient, and after the reading is logged.

use std::io;

use obhut_facts::Sealed;
use obhut_vault::Proven;

use crate::by_day::DAY_MICROS;
use crate::children::is_blank;
use crate::database::{Columns, Tx};
use crate::retention::Known;
use crate::{
    Casework, CaseworkError, Next, Person, Result, Role, audit, ids, people, sealed, settings,
    verification, views,
};

/// People other than the one who asks. Our judgement: as many as have to release a hold.
const APPROVALS_MIN: usize = 2;
/// How long an approval counts, in microseconds: seven days. Our judgement.
const APPROVAL_MICROS: i64 = 7 * DAY_MICROS;
/// Exhibits in one export. Our judgement.
const EXHIBITS_MAX: usize = 10_000;

/// An export, asked for, approved or written.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Export {
    /// Id.
    pub id: String,
    /// The exhibit or the case that was asked for.
    pub subject: String,
    /// The exhibits it holds.
    pub exhibits: Vec<String>,
    /// The age recipient that they are encrypted to.
    pub recipient: String,
    /// Who receives it.
    pub handed_to: Sealed<String>,
    /// What for.
    pub purpose: Sealed<String>,
    /// Id of the person who asked for it.
    pub asked_by: String,
    /// When, microseconds since 1970.
    pub asked_at: i64,
    /// Ids of those who have approved it, with the time, microseconds since 1970.
    pub approved_by: Vec<(String, i64)>,
    /// When it was last written.
    pub written_at: Option<i64>,
}

/// An export to be asked for.
#[derive(Clone, Copy, Debug)]
pub struct NewExport<'a> {
    /// An exhibit, or a case with the exhibits it has now.
    pub subject: &'a str,
    /// The age recipient that they are encrypted to. Not checked here.
    pub recipient: &'a str,
    /// Who receives it.
    pub handed_to: &'a str,
    /// What for.
    pub purpose: &'a str,
}

/// Fails for an exhibit that was erased, or that is to be: it belongs to a person who was cleared.
async fn require_exportable(casework: &Casework, exhibits: &[String]) -> Result<()> {
    let mut tx = casework.db.snapshot().await?;
    let mut known = Known::rules(&mut tx).await?;
    for exhibit in exhibits {
        casework.vault.exhibit(exhibit).await?;
        if known.of_exhibit(&mut tx, exhibit).await?.is_none() {
            return Err(CaseworkError::conflict(format!(
                "exhibit {exhibit} isn't handed over: the person of its case was cleared, or an older version took it in"
            )));
        }
    }
    Ok(())
}

/// Asks for an export; two others have to approve it.
///
/// # Errors
/// Denied without the role reporting-officer; invalid without a receiver or a purpose; not found for
/// an unknown exhibit or case; a conflict for an erased exhibit, one of a cleared person, a case
/// without exhibits, and one with more than 10,000.
pub async fn request_export(
    casework: &Casework,
    new: NewExport<'_>,
    person: &Person,
) -> Result<Export> {
    person.require(Role::ReportingOfficer)?;
    if is_blank(new.handed_to) {
        return Err(CaseworkError::invalid("to", "say who receives the export"));
    }
    if is_blank(new.purpose) {
        return Err(CaseworkError::invalid(
            "purpose",
            "say what the export is needed for",
        ));
    }
    if settings::reporter(casework)
        .await?
        .service
        .trim()
        .is_empty()
    {
        return Err(CaseworkError::conflict(
            "the export has to say who hands it over, and the reporter's service isn't set",
        )
        .then(Next::SetReporter));
    }
    let exhibits = views::exhibits_named(casework, new.subject).await?;
    let exhibits: Vec<String> = exhibits.into_iter().map(|e| e.id).collect();
    require_exportable(casework, &exhibits).await?;
    if exhibits.is_empty() || exhibits.len() > EXHIBITS_MAX {
        return Err(CaseworkError::conflict(format!(
            "{} has {} exhibits; an export holds 1 to {EXHIBITS_MAX}",
            new.subject,
            exhibits.len()
        )));
    }
    let id = ids::new("export");
    let now = casework.now();
    let mut tx = casework.db.begin().await?;
    sqlx::query("INSERT INTO exports (id, subject, exhibits, recipient, handed_to, purpose, asked_by, asked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(&id)
        .bind(new.subject)
        .bind(exhibits.join(" "))
        .bind(new.recipient)
        .bind(sealed::seal_text(casework, new.handed_to.trim()))
        .bind(sealed::seal_text(casework, new.purpose.trim()))
        .bind(&person.id)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    audit::write(&mut tx, now, &person.id, "export.request", &id, new.subject).await?;
    tx.commit().await?;
    export(casework, &id).await
}

/// Approves an export for one person.
///
/// # Errors
/// Denied without the role reporting-officer; not found; a conflict for the person who asked for it.
pub async fn approve_export(casework: &Casework, id: &str, person: &Person) -> Result<Export> {
    person.require(Role::ReportingOfficer)?;
    let known = export(casework, id).await?;
    if known.asked_by == person.id {
        return Err(CaseworkError::conflict(format!(
            "{} has asked for export {id}; two others have to approve it",
            person.name
        )));
    }
    let now = casework.now();
    let mut tx = casework.db.begin().await?;
    sqlx::query(
        "INSERT INTO export_approvals (export, person, given_at) VALUES ($1, $2, $3)
         ON CONFLICT (export, person) DO UPDATE SET given_at = $3",
    )
    .bind(id)
    .bind(&person.id)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    audit::write(&mut tx, now, &person.id, "export.approve", id, "").await?;
    tx.commit().await?;
    export(casework, id).await
}

/// An export that may be written by this person now.
///
/// # Errors
/// Denied for another person than the one who asked; a conflict while approvals are missing, for an
/// exhibit that isn't there any more or whose person was cleared, and if the database doesn't agree
/// with the vault's log.
pub async fn export_to_write(casework: &Casework, id: &str, person: &Person) -> Result<Export> {
    person.require(Role::ReportingOfficer)?;
    // Rows that something else has written must not speak for those who approved it.
    let whole = verification::begin_whole(casework).await?;
    let known = may_write(casework, id, person).await?;
    // Before the first byte: an export that can't be whole isn't begun.
    require_exportable(casework, &known.exhibits).await?;
    // Held until here: nothing else can have written what was read.
    drop(whole);
    Ok(known)
}

async fn may_write(casework: &Casework, id: &str, person: &Person) -> Result<Export> {
    let known = export(casework, id).await?;
    if known.asked_by != person.id {
        return Err(CaseworkError::denied(format!(
            "export {id} was asked for by another person, who writes it"
        )));
    }
    let now = casework.now();
    let mut valid = 0;
    for (person, at) in &known.approved_by {
        let approver = people::person(casework, person).await?;
        // An approval of someone who has left since counts no more.
        let may = !approver.removed && approver.roles.contains(&Role::ReportingOfficer);
        valid += usize::from(may && (0..APPROVAL_MICROS).contains(&(now - at)));
    }
    let missing = APPROVALS_MIN.saturating_sub(valid);
    if missing == 0 {
        return Ok(known);
    }
    Err(CaseworkError::conflict(format!(
        "export {id} needs {missing} more approval{} from others than the one who asked; an approval counts for seven days",
        if missing == 1 { "" } else { "s" }
    )))
}

/// The bytes of an exhibit of an approved export. The reading is recorded before the first byte is
/// read.
///
/// # Errors
/// As [`export_to_write`], but for the comparison with the log; a conflict for an exhibit that isn't part of the export, or was erased.
pub async fn read_for_export(
    casework: &Casework,
    id: &str,
    exhibit: &str,
    person: &Person,
    hand_out: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<obhut_vault::Exhibit> {
    let known = may_write(casework, id, person).await?;
    if !known.exhibits.iter().any(|e| e == exhibit) {
        return Err(CaseworkError::conflict(format!(
            "exhibit {exhibit} isn't part of export {id}"
        )));
    }
    let described = casework.vault.exhibit(exhibit).await?;
    audit::note(casework, &person.id, "exhibit.export", exhibit, id).await?;
    let access = obhut_vault::Access {
        actor: person.id.clone(),
        purpose: format!(
            "export {id} to {}: {}",
            known.handed_to.expose(),
            known.purpose.expose()
        ),
    };
    casework.vault.read(exhibit, access, hand_out).await?;
    Ok(described)
}

/// What the log says of an exhibit of an approved export, entry by entry, until the head that this
/// checkpoint names; the same checkpoint is under each proof, with what witnesses have added to it.
///
/// # Errors
/// The log isn't what it was, or hasn't grown from this head.
pub async fn prove_for_export(
    casework: &Casework,
    exhibit: &str,
    head: obhut_vault::LogHead,
    note: &[u8],
) -> Result<Vec<Proven>> {
    Ok(casework.vault.prove_until(exhibit, head, note).await?)
}

/// Every entry about an exhibit in the vault's log, each with its proof; for an erased one, too.
///
/// # Errors
/// Not found; or the log isn't what it was.
pub async fn prove(casework: &Casework, exhibit: &str, actor: &str) -> Result<Vec<Proven>> {
    let proven = casework.vault.prove(exhibit).await?;
    audit::note(casework, actor, "exhibit.prove", exhibit, "").await?;
    Ok(proven)
}

/// The log's signature over an export: over the SHA-256 of the manifest that covers everything else
/// in it, hexadecimal.
pub fn sign_export(casework: &Casework, id: &str, manifest_sha256: &str) -> String {
    casework
        .vault
        .signed("obhut export", &[id, manifest_sha256])
}

/// Records that an export was written.
pub async fn export_written(casework: &Casework, id: &str, person: &Person) -> Result<()> {
    let now = casework.now();
    let mut tx = casework.db.begin().await?;
    sqlx::query("UPDATE exports SET written_at = $1 WHERE id = $2")
        .bind(now)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    audit::write(&mut tx, now, &person.id, "export.write", id, "").await?;
    tx.commit().await?;
    Ok(())
}

const COLUMNS: &str =
    "id, subject, exhibits, recipient, handed_to, purpose, asked_by, asked_at, written_at";

async fn read(casework: &Casework, tx: &mut Tx, row: &sqlx::any::AnyRow) -> Result<Export> {
    let mut c = Columns::of(row);
    let id = c.text()?;
    let rows = sqlx::query(
        "SELECT person, given_at FROM export_approvals WHERE export = $1 ORDER BY given_at, person",
    )
    .bind(&id)
    .fetch_all(&mut **tx)
    .await?;
    let mut approved_by = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut c = Columns::of(row);
        approved_by.push((c.text()?, c.int()?));
    }
    Ok(Export {
        id,
        subject: c.text()?,
        exhibits: c.text()?.split(' ').map(str::to_owned).collect(),
        recipient: c.text()?,
        handed_to: Sealed::new(sealed::open_text(casework, &c.text()?)?),
        purpose: Sealed::new(sealed::open_text(casework, &c.text()?)?),
        asked_by: c.text()?,
        asked_at: c.int()?,
        written_at: c.maybe_int()?,
        approved_by,
    })
}

/// An export.
///
/// # Errors
/// Not found if it is unknown.
pub async fn export(casework: &Casework, id: &str) -> Result<Export> {
    let mut tx = casework.db.snapshot().await?;
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM exports WHERE id = $1"));
    let row = sqlx::query(sql).bind(id).fetch_optional(&mut *tx).await?;
    let row = row.ok_or_else(|| CaseworkError::NotFound {
        what: "export",
        id: id.to_owned(),
    })?;
    read(casework, &mut tx, &row).await
}

/// All exports, oldest first.
pub async fn exports(casework: &Casework) -> Result<Vec<Export>> {
    let mut tx = casework.db.snapshot().await?;
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM exports ORDER BY asked_at, id"
    ));
    let rows = sqlx::query(sql).fetch_all(&mut *tx).await?;
    let mut exports = Vec::with_capacity(rows.len());
    for row in &rows {
        exports.push(read(casework, &mut tx, row).await?);
    }
    Ok(exports)
}
