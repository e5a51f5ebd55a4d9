//! What is known about a case, as the data every destination renders from.
//!
//! Invariant: what was viewed comes from the record of views; no argument can say it.
//! A dossier is looked at and checked by anybody with the right; only a [`crate::Report`], which has
//! a person's decision, becomes a document.

use std::collections::BTreeMap;

use crate::cases::{self, CaseStatus};
use crate::views::{self, FileDigests};
use crate::{
    Casework, Category, Facts, FileFacts, FinancialUnit, Finding, Reporter, Result, Sealed,
    Surface, filings,
};

/// A case as data.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dossier {
    /// Id of the case.
    pub case: String,
    /// How far it has come.
    pub status: CaseStatus,
    /// Who reports.
    pub reporter: Reporter,
    /// What is known.
    pub facts: Sealed<Facts>,
    /// Children were left out of the facts, because nobody asked for them.
    pub victims_left_out: usize,
    /// The reporting bank, where it has a financial intelligence unit.
    pub unit: Option<Sealed<FinancialUnit>>,
    /// The files, in the order they were found.
    pub files: Vec<ReportedFile>,
    /// The decision's category.
    pub category: Option<Category>,
    /// True when an entry of a signed list matched.
    pub matched: bool,
    /// True when somebody has decided the case.
    pub decided: bool,
    /// Nothing about it may reach the person concerned.
    pub embargoed: bool,
    /// When the first file was found, or the case was opened; microseconds since 1970.
    pub found_at: i64,
    /// When this was put together, microseconds since 1970.
    pub made_at: i64,
}

/// A file of a case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReportedFile {
    /// The exhibit; none when the bytes were not kept.
    pub exhibit: Option<String>,
    /// The key of its facts: the exhibit, or else the screening.
    pub key: String,
    /// Name it had.
    pub name: Option<Sealed<String>>,
    /// Digests of its bytes.
    pub digests: Option<Sealed<FileDigests>>,
    /// Media type.
    pub media_type: Option<String>,
    /// Where it was meant to be seen.
    pub surface: Surface,
    /// When it was uploaded, microseconds since 1970.
    pub uploaded_at: Option<i64>,
    /// When it was found, microseconds since 1970.
    pub found_at: i64,
    /// True when an entry of a signed list matched it.
    pub matched: bool,
    /// Somebody has seen all of it, by the record.
    pub viewed_whole: bool,
    /// Somebody has seen its metadata, by the record.
    pub viewed_metadata: bool,
    /// Earlier cases that had the same bytes.
    pub seen_before: Vec<String>,
    /// What else is known of it.
    pub facts: Sealed<FileFacts>,
}

impl Casework {
    /// What is known about a case. Children's data are left out unless asked for.
    pub async fn dossier(&self, case: &str, with_victims: bool) -> Result<Dossier> {
        let detail = self.case(case).await?;
        let mut facts = detail.facts.expose().clone();
        let victims_left_out = match with_victims {
            true => 0,
            false => std::mem::take(&mut facts.victims).len(),
        };
        let mut kept = BTreeMap::new();
        for finding in &detail.findings {
            if let Some(id) = &finding.exhibit
                && !kept.contains_key(id)
            {
                let mut tx = self.db.snapshot().await?;
                let viewed = views::viewed(&mut tx, id).await?;
                let digests = views::digests(&mut tx, self, id).await?;
                let before = views::same_bytes_before(&mut tx, id).await?;
                drop(tx);
                let mut earlier = Vec::new();
                for other in self.cases_of_exhibits(&before, case).await? {
                    // A cleared person's case is nobody's earlier one.
                    let mut tx = self.db.snapshot().await?;
                    if cases::status(&mut tx, &other).await? != CaseStatus::Cleared {
                        earlier.push(other);
                    }
                }
                let before = earlier;
                kept.insert(id.clone(), (viewed, digests, before));
            }
        }
        // Earlier reports about the same account are named to whoever gets this one.
        if let Some(reported) = &mut facts.reported {
            for number in filings::earlier_numbers(self, case).await? {
                if !reported.prior_reports.contains(&number) {
                    reported.prior_reports.push(number);
                }
            }
        }
        let mut files: Vec<ReportedFile> = Vec::new();
        for finding in &detail.findings {
            let matched = finding.listed;
            let known = |f: &&mut ReportedFile| f.key == key(finding);
            if let Some(file) = files.iter_mut().find(known) {
                file.matched |= matched;
                continue;
            }
            let exhibit = finding.exhibit.as_ref().and_then(|id| kept.get(id));
            let more = facts.files.get(key(finding)).cloned();
            let digests = exhibit.and_then(|(_, digests, _)| digests.clone());
            let media = digests.as_ref().and_then(|d| d.media_type.clone());
            let viewed = exhibit.map(|(viewed, ..)| *viewed).unwrap_or_default();
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
                seen_before: exhibit.map(|(.., b)| b.clone()).unwrap_or_default(),
                facts: Sealed::new(more.unwrap_or_default()),
            });
        }
        let found_at = files.iter().map(|f| f.found_at).min();
        Ok(Dossier {
            case: case.to_owned(),
            status: detail.case.status,
            reporter: self.reporter().await?,
            category: detail.decisions.last().and_then(|d| d.category().cloned()),
            decided: !detail.decisions.is_empty(),
            embargoed: detail.case.embargoed,
            matched: files.iter().any(|f| f.matched),
            found_at: found_at.unwrap_or(detail.case.opened_at),
            made_at: self.now(),
            facts: Sealed::new(facts),
            victims_left_out,
            unit: self.financial_unit().await?.map(Sealed::new),
            files,
        })
    }
}

fn key(finding: &Finding) -> &str {
    finding.exhibit.as_deref().unwrap_or(&finding.screening)
}
