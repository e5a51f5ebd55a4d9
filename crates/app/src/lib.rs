//! The assembled system: every domain registered, one data folder opened.
//!
//! Use cases shared by command line and server are implemented here once, so that they can't
//! diverge.

#![deny(missing_docs)]

pub mod chain;
mod children;
pub mod export;
mod grounds;
pub mod reports;
mod seen;

use std::sync::Arc;

use obhut_casework::for_domains::Domain;
use obhut_casework::{Casework, Clock, DataFolder, Result};

pub use seen::seen_before;
pub use {
    obhut_bitcoin as bitcoin, obhut_casework as casework, obhut_formats as formats,
    obhut_intake as intake, obhut_media as media, obhut_partners as partners,
    obhut_payments as payments,
};

/// Every domain.
pub fn domains() -> Vec<Box<dyn Domain>> {
    vec![
        Box::new(media::Media),
        Box::new(payments::Payments),
        Box::new(bitcoin::Bitcoin),
        Box::new(intake::Intake),
    ]
}

/// Opens the data folder with every domain, and finishes interrupted erasures: an installation
/// without a server has no worker that would do so. An erasure that fails again is only logged.
///
/// # Errors
/// A folder or database that can't be used, keys that are missing, or a database of a newer
/// version.
pub async fn open(
    folder: DataFolder,
    database_url: Option<&str>,
    clock: Arc<dyn Clock>,
) -> Result<Casework> {
    let casework = obhut_casework::open_with(folder, database_url, clock, domains()).await?;
    // Both are tried, even if the first fails.
    for finished in [
        obhut_casework::finish_settlements(&casework).await,
        obhut_casework::finish_erasures(&casework).await,
    ] {
        if let Err(e) = finished {
            // Not fatal: the proof of erasure reports it as incomplete, and the command itself can
            // run.
            tracing::error!(cause = %e, "the erasure of a cleared case could not be finished; it is tried again at the next start");
        }
    }
    Ok(casework)
}

/// Opens the data folder for `obhut verify`: nothing in it is written, and the private keys are used
/// only if this user can read them.
///
/// # Errors
/// A folder or database that can't be read, or that another version wrote.
pub async fn open_to_verify(
    folder: DataFolder,
    database_url: Option<&str>,
    clock: Arc<dyn Clock>,
) -> Result<Casework> {
    obhut_casework::open_to_verify(folder, database_url, clock, domains()).await
}
