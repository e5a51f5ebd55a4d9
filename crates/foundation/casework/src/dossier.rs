//! What is known about a case, as the data every destination renders from.
//!
//! Invariant: what was viewed comes from the record of views; no argument can say it.
//! A dossier is read and checked by people with the right to do so; only a [`crate::Report`], which has
//! a person's decision, becomes a document.

use obhut_facts::{CaseStatus, Dossier, Facts, FileDigests, ReportedFile, Sealed};

use crate::views::Viewed;
use crate::{Casework, Finding, Result, case_detail, cases, filings, findings, settings, views};

/// What is known about a case. Children's data are omitted unless requested.
pub async fn dossier(casework: &Casework, case: &str, with_victims: bool) -> Result<Dossier> {
    let detail = case_detail::case(casework, case).await?;
    let mut facts = detail.facts.expose().clone();
    let victims_left_out = match with_victims {
        true => 0,
        false => std::mem::take(&mut facts.victims).len(),
    };
    // Reference earlier reports about the same account.
    if let Some(reported) = &mut facts.reported {
        for number in filings::earlier_numbers(casework, case).await? {
            if !reported.prior_reports.contains(&number) {
                reported.prior_reports.push(number);
            }
        }
    }
    let files = files(casework, case, &detail.findings, &facts).await?;
    let found_at = files.iter().map(|f| f.found_at).min();
    Ok(Dossier {
        case: case.to_owned(),
        status: detail.case.status,
        reporter: settings::reporter(casework).await?,
        category: detail.decisions.last().and_then(|d| d.category().cloned()),
        decided: !detail.decisions.is_empty(),
        embargoed: detail.case.embargoed,
        matched: files.iter().any(|f| f.matched),
        found_at: found_at.unwrap_or(detail.case.opened_at),
        made_at: casework.now(),
        facts: Sealed::new(facts),
        victims_left_out,
        unit: settings::financial_unit(casework).await?.map(Sealed::new),
        files,
    })
}

/// The files of a case, each once even if several entries matched.
async fn files(
    casework: &Casework,
    case: &str,
    found: &[Finding],
    facts: &Facts,
) -> Result<Vec<ReportedFile>> {
    let mut files: Vec<ReportedFile> = Vec::new();
    for finding in found {
        let matched = finding.listed;
        let known = |f: &&mut ReportedFile| f.key == key(finding);
        // Several entries may match one file; a match on one signed list counts for the file.
        if let Some(file) = files.iter_mut().find(known) {
            file.matched |= matched;
            continue;
        }
        let exhibit = match &finding.exhibit {
            Some(id) => Some(exhibit_record(casework, case, id).await?),
            None => None,
        };
        let more = facts.files.get(key(finding)).cloned();
        let (viewed, digests, seen_before) = exhibit.unwrap_or_default();
        let media = digests.as_ref().and_then(|d| d.media_type.clone());
        files.push(ReportedFile {
            exhibit: finding.exhibit.clone(),
            key: key(finding).to_owned(),
            name: finding.name.clone(),
            media_type: media.or_else(|| more.as_ref().and_then(|m| m.media_type.clone())),
            digests: digests.map(Sealed::new),
            surface: finding.surface,
            uploaded_at: finding.uploaded_at,
            found_at: finding.found_at,
            matched,
            viewed_whole: viewed.whole,
            viewed_metadata: viewed.metadata,
            seen_before,
            facts: Sealed::new(more.unwrap_or_default()),
        });
    }
    Ok(files)
}

/// Views, digests, and earlier cases with the same bytes.
type ExhibitRecord = (Viewed, Option<FileDigests>, Vec<String>);

async fn exhibit_record(casework: &Casework, case: &str, exhibit: &str) -> Result<ExhibitRecord> {
    let mut tx = casework.db.snapshot().await?;
    let viewed = views::viewed(&mut tx, exhibit).await?;
    let digests = views::digests(&mut tx, casework, exhibit).await?;
    let before = views::same_bytes_before(&mut tx, exhibit).await?;
    // Released first: the calls below ask the pool for a connection.
    drop(tx);
    let mut earlier = Vec::new();
    for other in findings::cases_of_exhibits(casework, &before, case).await? {
        // Ignore cases of cleared persons.
        let mut tx = casework.db.snapshot().await?;
        if cases::status(&mut tx, &other).await? != CaseStatus::Cleared {
            earlier.push(other);
        }
    }
    Ok((viewed, digests, earlier))
}

fn key(finding: &Finding) -> &str {
    finding.exhibit.as_deref().unwrap_or(&finding.screening)
}
