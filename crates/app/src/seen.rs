//! What was viewed already: by its bytes, and by the list entry that it looks like.

use std::collections::BTreeMap;

use obhut_casework::{self as casework, Casework, Result, SeenBefore};

/// For exhibits of a case, a file of another case that was viewed whole and decided about, so that
/// no one has to view this one ([`casework::seen_before`], [`obhut_media::findings_alike`]).
///
/// # Errors
/// The database can't be read.
pub async fn seen_before(casework: &Casework, case: &str) -> Result<BTreeMap<String, SeenBefore>> {
    let alike = obhut_media::findings_alike(casework, case).await?;
    casework::seen_before(casework, case, &alike).await
}
