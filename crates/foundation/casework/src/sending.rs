//! Hands out an exhibit to the destination of an approved report: apart from [`crate::view`], the only way out.

use crate::{Casework, CaseworkError, Result, audit, findings, reports};

/// The bytes of an exhibit for the destination of an approved report it belongs to; its reading
/// is on record before the first byte leaves.
pub async fn exhibit_to_send(
    casework: &Casework,
    exhibit: &str,
    report: &str,
    worker: &str,
) -> Result<Vec<u8>> {
    let row = reports::report_row(casework, report).await?;
    // Which of them the approval covers is in its documents; what came in is covered only if it was chosen.
    let belongs = findings::findings(casework, &row.case)
        .await?
        .iter()
        .any(|f| f.exhibit.as_deref() == Some(exhibit));
    if row.status != "approved" || !belongs {
        return Err(CaseworkError::conflict(format!(
            "exhibit {exhibit} is of no approved report {report}; nothing is sent"
        )));
    }
    let purpose = format!("report {report} to {}", row.destination);
    audit::note(casework, worker, "exhibit.send", exhibit, &purpose).await?;
    let access = obhut_vault::Access {
        actor: worker.to_owned(),
        purpose,
    };
    Ok(casework.vault.get(exhibit, access).await?)
}
