//! What was sent for a report and what came back, word for word: sealed exhibits, in order.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::database::Columns;
use crate::{Casework, CaseworkError, Result, audit, reports, views};

/// One exchange with a destination, on record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Exchange {
    /// Its number among the exchanges of the report, from 1.
    pub seq: i64,
    /// The exhibit that holds what was sent and received.
    pub exhibit: String,
    /// SHA-256 of the exhibit's bytes.
    pub sha256: String,
    /// When it was put on record, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub happened_at: i64,
}

/// Seals what was sent and received in one attempt. `bytes` must contain no credentials and must
/// name files only by reference, because nothing is removed here.
pub async fn keep_exchange(
    casework: &Casework,
    report: &str,
    bytes: &[u8],
    worker: &str,
) -> Result<()> {
    let row = reports::report_row(casework, report).await?;
    let intake = obhut_vault::Intake {
        actor: worker.to_owned(),
        purpose: format!("what was sent for report {report}, and what came back"),
        case: Some(row.case),
        source: None,
        media_type: Some("application/json".into()),
    };
    let exhibit = views::keep(casework, bytes, intake).await?;
    let mut tx = casework.db.begin().await?;
    // Locked, so that two workers don't take the same number.
    reports::find_held(&mut tx, report).await?;
    sqlx::query(
        "INSERT INTO exchanges (report, seq, exhibit, sha256, happened_at)
         VALUES ($1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM exchanges WHERE report = $1), $2, $3, $4)",
    )
    .bind(report)
    .bind(&exhibit.id)
    .bind(&exhibit.sha256)
    .bind(casework.now())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The exchanges of a report, in order.
pub async fn exchanges(casework: &Casework, report: &str) -> Result<Vec<Exchange>> {
    let rows = sqlx::query(
        "SELECT seq, exhibit, sha256, happened_at FROM exchanges WHERE report = $1 ORDER BY seq",
    )
    .bind(report)
    .fetch_all(casework.db.pool())
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(Exchange {
                seq: c.int()?,
                exhibit: c.text()?,
                sha256: c.text()?,
                happened_at: c.int()?,
            })
        })
        .collect()
}

/// What was sent and received in the exchange `seq` of a report. The access is audited before it is
/// read.
///
/// # Errors
/// Not found if the report has no such exchange; a conflict if its exhibit isn't what was put on
/// record.
pub async fn exchange_words(
    casework: &Casework,
    report: &str,
    seq: i64,
    actor: &str,
    purpose: &str,
) -> Result<Vec<u8>> {
    // Looked up here, because a caller that could name the exhibit could read any exhibit.
    let all = exchanges(casework, report).await?;
    let found = all.into_iter().find(|e| e.seq == seq);
    let exchange = found.ok_or_else(|| CaseworkError::NotFound {
        what: "exchange",
        id: format!("{seq} of report {report}"),
    })?;
    audit::note(casework, actor, "report.read", report, purpose).await?;
    let access = obhut_vault::Access {
        actor: actor.to_owned(),
        purpose: purpose.to_owned(),
    };
    let bytes = casework.vault.get(&exchange.exhibit, access).await?;
    if hex::encode(Sha256::digest(&bytes)) != exchange.sha256 {
        return Err(CaseworkError::conflict(format!(
            "exhibit {} is not what was put on record for report {report}",
            exchange.exhibit
        )));
    }
    Ok(bytes)
}
