//! Tracing the payers of a site under a legal basis, and storing the report with the case.

use obhut_bitcoin::{
    self as bitcoin, ActorRecord, Index, PayersReport, Permission, Question, Services, TagRecord,
};
use obhut_casework::{self as casework, Casework, Person, Result};

/// The case a trace is made for, and the person making it.
pub struct TraceRequest<'a> {
    /// The installation that holds the case.
    pub casework: &'a Casework,
    /// Id of the case: its legal basis permits the trace, and the report is stored with it.
    pub case: &'a str,
    /// The person making the trace; recorded in the audit trail.
    pub person: &'a Person,
}

/// Traces who paid a site, and returns the report with the permission the trace ran under.
///
/// With a request, the tags on record in the installation are added to `tags`.
///
/// # Errors
/// Outside regtest, denied without a request and for a case without a legal basis in force. On
/// every network, denied if the person lacks the role reviewer, and a conflict for a closed or
/// cleared case. The inner error lists why each seed is unusable; it occurs only if none of them
/// appears on the chain.
pub async fn payers(
    request: Option<&TraceRequest<'_>>,
    index: &Index,
    question: &Question,
    mut tags: Vec<TagRecord>,
    actors: &[ActorRecord],
) -> Result<(Permission, std::result::Result<PayersReport, Vec<String>>)> {
    let network = index.network();
    let permission = match request {
        None => Permission::without_a_case(network)?,
        Some(request) => {
            let (core, case) = (request.casework, request.case);
            let permission = bitcoin::begin_trace(core, case, network, request.person).await?;
            tags.extend(bitcoin::chain_tags(core).await?);
            permission
        }
    };
    // Only after the permission: without one nothing is looked up.
    let services = Services::new(index, &tags, actors);
    let report = bitcoin::payers(&permission, index, question, &services);
    Ok((permission, report))
}

/// Stores a file of the report as an exhibit of the case.
pub async fn store_file(request: &TraceRequest<'_>, file: &str, bytes: &[u8]) -> Result<()> {
    let media = match file.rsplit('.').next() {
        Some("html") => "text/html",
        Some("json") => "application/json",
        // Every other file of a report is CSV (docs/chain.md).
        _ => "text/csv",
    };
    let name = format!("chain report {file}");
    let (case, name) = (Some(request.case), Some(name.as_str()));
    casework::put_exhibit(
        request.casework,
        bytes,
        case,
        None,
        name,
        Some(media),
        request.person,
    )
    .await?;
    Ok(())
}
