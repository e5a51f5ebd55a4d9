//! What is done with reports, by whichever edge asks.

use obhut_casework::{Casework, Result};
use obhut_partners::destinations::{self, Check, Destination};

/// What an officer will miss, why a child may be in danger, what stays out. Nothing is made, and that
/// somebody looked is on record before anything is put together.
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
