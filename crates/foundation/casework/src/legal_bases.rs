//! Which surfaces may be screened, and the legal basis that private messages need.

use obhut_facts::Surface;

use crate::database::Columns;
use crate::{Casework, CaseworkError, Result, audit, ids};

/// A legal basis for screening a surface.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct LegalBasis {
    /// Id.
    pub id: String,
    /// The surface that it permits screening.
    pub surface: Surface,
    /// The law and its section.
    pub basis: String,
    /// Who answers for it.
    pub owner: String,
    /// When it was recorded, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub recorded_at: i64,
    /// When it ends, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub ends_at: i64,
}

/// Trims the text and owner of a legal basis. Invalid if either is empty, or if `ends_at` isn't
/// after `now`.
pub(crate) fn checked<'a>(
    basis: &'a str,
    owner: &'a str,
    ends_at: i64,
    now: i64,
) -> Result<(&'a str, &'a str)> {
    let (basis, owner) = (basis.trim(), owner.trim());
    if basis.is_empty() || owner.is_empty() {
        return Err(CaseworkError::invalid(
            "text",
            "a legal basis needs its text and its owner",
        ));
    }
    if ends_at <= now {
        return Err(CaseworkError::invalid(
            "until",
            "a legal basis must end in the future",
        ));
    }
    Ok((basis, owner))
}

/// Puts a legal basis on record. `ends_at`, microseconds since 1970, must be in the future; basis
/// and owner must not be empty.
pub async fn record_legal_basis(
    casework: &Casework,
    surface: Surface,
    basis: &str,
    owner: &str,
    ends_at: i64,
    actor: &str,
) -> Result<LegalBasis> {
    let (basis, owner) = checked(basis, owner, ends_at, casework.now())?;
    let entry = LegalBasis {
        id: ids::new("basis"),
        surface,
        basis: basis.into(),
        owner: owner.into(),
        recorded_at: casework.now(),
        ends_at,
    };
    let mut tx = casework.db.begin().await?;
    sqlx::query(
        "INSERT INTO legal_bases (id, surface, basis, owner, recorded_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&entry.id)
    .bind(surface.word())
    .bind(&entry.basis)
    .bind(&entry.owner)
    .bind(entry.recorded_at)
    .bind(entry.ends_at)
    .execute(&mut *tx)
    .await?;
    audit::write(
        &mut tx,
        casework.now(),
        actor,
        "basis.record",
        &entry.id,
        surface.word(),
    )
    .await?;
    tx.commit().await?;
    Ok(entry)
}

/// All legal bases on record, newest first, including those that have ended.
pub async fn legal_bases(casework: &Casework) -> Result<Vec<LegalBasis>> {
    let rows = sqlx::query(
        "SELECT id, surface, basis, owner, recorded_at, ends_at FROM legal_bases ORDER BY recorded_at DESC, id",
    )
    .fetch_all(casework.db.pool())
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(LegalBasis {
                id: c.text()?,
                surface: c.word(Surface::from_word, "surface")?,
                basis: c.text()?,
                owner: c.text()?,
                recorded_at: c.int()?,
                ends_at: c.int()?,
            })
        })
        .collect()
}

/// Fails for private messages unless a legal basis for them is on record and has not ended.
pub async fn check_surface(casework: &Casework, surface: Surface) -> Result<()> {
    if surface != Surface::PrivateMessage {
        return Ok(());
    }
    // Checked against the clock on each call, because no event marks the end of a basis.
    let row = sqlx::query("SELECT COUNT(*) FROM legal_bases WHERE surface = $1 AND ends_at > $2")
        .bind(surface.word())
        .bind(casework.now())
        .fetch_one(casework.db.pool())
        .await?;
    if Columns::of(&row).int()? == 0 {
        return Err(CaseworkError::NoLegalBasis);
    }
    Ok(())
}
