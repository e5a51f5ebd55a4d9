//! Asking who paid a site, with a legal basis, and keeping the answer with its case.

use obhut_bitcoin::{
    self as bitcoin, ActorRecord, Index, PayersReport, Permission, Question, Services, TagRecord,
};
use obhut_casework::{self as casework, Casework, Person, Result};

/// The case a question is asked for, and who asks.
pub struct Asker<'a> {
    /// Where the case is.
    pub casework: &'a Casework,
    /// The case.
    pub case: &'a str,
    /// Who asks.
    pub person: &'a Person,
}

/// A site's payers, and what allowed the question. Within a case its own tags count too.
///
/// # Errors
/// Without a case on a chain that has real people on it; without a legal basis that hasn't ended.
/// Inside, what is wrong with the seeds where none of them is on the chain.
pub async fn payers(
    asker: Option<&Asker<'_>>,
    index: &Index,
    question: &Question,
    mut tags: Vec<TagRecord>,
    actors: &[ActorRecord],
) -> Result<(Permission, std::result::Result<PayersReport, Vec<String>>)> {
    let network = index.network();
    let permission = match asker {
        None => Permission::without_a_case(network)?,
        Some(asker) => {
            let (core, case) = (asker.casework, asker.case);
            let permission = bitcoin::begin_trace(core, case, network, asker.person).await?;
            tags.extend(bitcoin::chain_tags(core).await?);
            permission
        }
    };
    let services = Services::new(index, &tags, actors);
    let report = bitcoin::payers(&permission, index, question, &services);
    Ok((permission, report))
}

/// Keeps a file of the answer as an exhibit of the case.
pub async fn keep(asker: &Asker<'_>, file: &str, bytes: &[u8]) -> Result<()> {
    let media = match file.rsplit('.').next() {
        Some("html") => "text/html",
        Some("json") => "application/json",
        _ => "text/csv",
    };
    let name = format!("chain report {file}");
    let (case, name) = (Some(asker.case), Some(name.as_str()));
    casework::put_exhibit(
        asker.casework,
        bytes,
        case,
        None,
        name,
        Some(media),
        asker.person,
    )
    .await?;
    Ok(())
}
