//! Hands out an exhibit to the destination of an approved report.

use crate::{Casework, CaseworkError, Result, audit, findings, reports};

/// The bytes of an exhibit, for the destination of an approved report of its case. The access is
/// recorded before the first byte is read.
///
/// # Errors
/// A conflict unless the report is approved and a finding of its case names the exhibit. Whether
/// the approval covers the exhibit is not checked: callers take it from the approved documents.
pub async fn exhibit_to_send(
    casework: &Casework,
    exhibit: &str,
    report: &str,
    worker: &str,
) -> Result<Vec<u8>> {
    let row = reports::report_row(casework, report).await?;
    // Any exhibit of the case passes here. The approved documents name those that go out, an
    // incoming report only if the approver chose it.
    let belongs = findings::findings(casework, &row.case)
        .await?
        .iter()
        .any(|f| f.exhibit.as_deref() == Some(exhibit));
    if row.status != "approved" || !belongs {
        return Err(CaseworkError::conflict(format!(
            "report {report} is not approved, or exhibit {exhibit} doesn't belong to its case; nothing is sent"
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
