//! What is done with reports, by whichever edge asks.

use obhut_casework::{Casework, Result};
use obhut_partners::destinations::{self, Check, Destination};

/// Checks a report without rendering it: what is missing, why a child may be at risk, which facts are
/// omitted. The audit row is written before the dossier is assembled.
pub async fn check(
    casework: &Casework,
    case: &str,
    destination: &Destination,
    with_victims: bool,
    actor: &str,
) -> Result<Check> {
    casework
        .note(actor, "report.check", case, destination.name)
        .await?;
    let whole = casework.dossier(case, true).await?;
    let shown = match with_victims {
        true => whole.clone(),
        false => casework.dossier(case, false).await?,
    };
    Ok(destinations::check(destination, &whole, &shown))
}
