//! What is known about a case, as the data every destination renders from.
//!
//! Invariant: what was viewed comes from the record of views; no argument can set it.
//! A dossier is read and checked by people with the right to do so; only a [`crate::Report`], which
//! has a person's decision, becomes a document.

use obhut_facts::{
    CaseStatus, Category, Dossier, Facts, FileDigests, FileFacts, ReportedFile, SEEN_BEFORE_MAX,
    Sealed, Surface,
};

use crate::views::Viewed;
use crate::{
    Casework, Decision, Finding, Result, appeals, case_detail, cases, children, determinations,
    findings, numbers, settings, views,
};

/// What a dossier contains besides a case's ordinary facts and files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Contents {
    /// What is known about the children concerned.
    pub victims: bool,
    /// The incoming reports the case was opened from, unchanged. They may name children.
    pub as_received: bool,
}

impl Contents {
    /// With or without the children's data, and without the incoming reports.
    pub fn victims(victims: bool) -> Self {
        Self {
            victims,
            as_received: false,
        }
    }
}

/// What is known about a case. Children's data are omitted unless requested.
pub async fn dossier(casework: &Casework, case: &str, with_victims: bool) -> Result<Dossier> {
    dossier_of(casework, case, Contents::victims(with_victims)).await
}

/// What is known about a case, with the contents that `with` names.
pub async fn dossier_of(casework: &Casework, case: &str, with: Contents) -> Result<Dossier> {
    let with_victims = with.victims;
    let detail = case_detail::case(casework, case).await?;
    let mut facts = detail.facts.expose().clone();
    let (victims_left_out, child_fields_left_out) = match with_victims {
        true => (0, Vec::new()),
        false => children::leave_out(&mut facts, casework.now()),
    };
    let signatures_left_out = obhut_facts::strip_signatures(&mut facts);
    // Reference earlier reports about the same account.
    if let Some(reported) = &mut facts.reported {
        for number in numbers::earlier_numbers(casework, case).await? {
            if !reported.prior_reports.contains(&number) {
                reported.prior_reports.push(number);
            }
        }
    }
    let (received, found): (Vec<_>, Vec<_>) = detail
        .findings
        .into_iter()
        .partition(findings::is_as_received);
    let incoming = received.len();
    let mut files = files(casework, case, &found, &facts, detail.decisions.last()).await?;
    let appealed_at = match detail.case.status {
        CaseStatus::Appealed => {
            appeals::open_since(&mut casework.db.snapshot().await?, case).await?
        }
        _ => None,
    };
    let found_at = files.iter().map(|f| f.found_at).min();
    if with.as_received {
        files.extend(self::files(casework, case, &received, &facts, None).await?);
    }
    Ok(Dossier {
        case: case.to_owned(),
        status: detail.case.status,
        reporter: settings::reporter(casework).await?,
        category: detail.decisions.last().and_then(|d| d.category().cloned()),
        decided: !detail.decisions.is_empty(),
        embargoed: detail.case.embargoed,
        appealed_at,
        matched: files.iter().any(|f| f.matched),
        found_at: found_at.unwrap_or(detail.case.opened_at),
        made_at: casework.now(),
        facts: Sealed::new(facts),
        signatures_left_out,
        victims_left_out,
        child_fields_left_out,
        unit: settings::financial_unit(casework).await?.map(Sealed::new),
        files,
        determinations: determinations::determinations(casework, case).await?,
        supplements: numbers::numbers_of(casework, case).await?,
        incoming,
    })
}

/// The files of a case, each once even if several entries matched.
async fn files(
    casework: &Casework,
    case: &str,
    found: &[Finding],
    facts: &Facts,
    decision: Option<&Decision>,
) -> Result<Vec<ReportedFile>> {
    let mut files: Vec<ReportedFile> = Vec::new();
    // Indexes of the files to which the decision's own category may apply.
    let mut seen = Vec::new();
    for finding in found {
        let matched = finding.listed;
        let exact = obhut_hash::kinds::by_name(&finding.matched.kind)
            .is_some_and(|k| matches!(k.matching, obhut_hash::Matching::Exact));
        let matched_exactly = matched && exact;
        let known = |f: &&mut ReportedFile| f.key == key(finding);
        // Several entries may match one file; a match on one signed list counts for the file.
        if let Some(file) = files.iter_mut().find(known) {
            file.matched |= matched;
            file.matched_exactly |= matched_exactly;
            continue;
        }
        let record = match &finding.exhibit {
            Some(id) => exhibit_record(casework, case, id, decision).await?,
            None => ExhibitRecord {
                digests: finding.digests.as_ref().map(|d| d.expose().clone()),
                ..ExhibitRecord::default()
            },
        };
        let more = facts.files.get(key(finding)).cloned().unwrap_or_default();
        let media = record.digests.as_ref().and_then(|d| d.media_type.clone());
        files.push(ReportedFile {
            exhibit: finding.exhibit.clone(),
            key: key(finding).to_owned(),
            name: finding.name.clone(),
            media_type: media.or_else(|| more.media_type.clone()),
            digests: record.digests.map(Sealed::new),
            surface: finding.surface,
            uploaded_at: finding.uploaded_at,
            found_at: finding.found_at,
            matched,
            matched_exactly,
            category: None,
            public: publicly_available(finding, &more),
            stopped: finding.stopped,
            as_received: findings::is_as_received(finding),
            viewed_whole: record.viewed.whole,
            viewed_copy: record.viewed_copy,
            viewed_metadata: record.viewed.metadata,
            seen_before: record.seen_before,
            seen_in_more: record.seen_in_more,
            facts: Sealed::new(more),
        });
        let file = files.last_mut().expect("just pushed");
        let named = decision.and_then(|d| d.file_categories().get(&file.key));
        file.category = recorded_category(file).or_else(|| named.cloned());
        // Whether the decision's own category applies to this file is known only after the loop.
        if file.category.is_none() && is_media(file) && record.viewed_by_who_decided {
            seen.push(files.len() - 1);
        }
    }
    // A decision's own category applies to one file. If its person viewed several, the decision has
    // to name each.
    if let [only] = seen[..] {
        files[only].category = decision.and_then(|d| d.category().cloned());
    }
    Ok(files)
}

/// Whether everyone could see a file, as far as anything on record says so.
fn publicly_available(finding: &Finding, more: &FileFacts) -> Option<bool> {
    // The provider's word first. The surface says where the file was meant to be seen, not whether
    // it ever was.
    more.publicly_available
        .or_else(|| finding.stopped.then_some(false))
        .or_else(|| (finding.surface == Surface::PrivateMessage).then_some(false))
}

/// Pictures and videos: only they have categories.
fn is_media(file: &ReportedFile) -> bool {
    file.media_type
        .as_ref()
        .is_some_and(|m| m.starts_with("image/") || m.starts_with("video/"))
}

/// The category a person recorded for a file. A file that isn't known to be a picture or a video
/// has none, unless only its description is on record.
fn recorded_category(file: &ReportedFile) -> Option<Category> {
    let recorded = file.facts.expose().category.as_ref()?;
    (is_media(file) || file.exhibit.is_none()).then(|| Category {
        scale: recorded.scale.clone(),
        value: recorded.value.clone(),
    })
}

/// What is on record about an exhibit.
#[derive(Default)]
struct ExhibitRecord {
    viewed: Viewed,
    viewed_by_who_decided: bool,
    viewed_copy: Option<String>,
    digests: Option<FileDigests>,
    /// The first earlier cases with the same bytes, and whether there are more.
    seen_before: Vec<String>,
    seen_in_more: bool,
}

async fn exhibit_record(
    casework: &Casework,
    case: &str,
    exhibit: &str,
    decision: Option<&Decision>,
) -> Result<ExhibitRecord> {
    let mut tx = casework.db.snapshot().await?;
    let viewed = views::viewed(&mut tx, exhibit).await?;
    let viewed_by_who_decided = match decision {
        Some(d) => views::viewed_whole_by(&mut tx, exhibit, d.person(), d.decided_at()).await?,
        None => false,
    };
    let viewed_copy = match viewed.whole {
        true => None,
        false => views::viewed_copy(&mut tx, exhibit).await?,
    };
    let digests = views::digests(&mut tx, casework, exhibit).await?;
    // Released first: the calls below ask the pool for a connection.
    drop(tx);
    let mut seen_before = seen_before(casework, case, exhibit).await?;
    let seen_in_more = seen_before.len() > SEEN_BEFORE_MAX;
    seen_before.truncate(SEEN_BEFORE_MAX);
    Ok(ExhibitRecord {
        viewed,
        viewed_by_who_decided,
        viewed_copy,
        digests,
        seen_before,
        seen_in_more,
    })
}

/// The first cases that had the bytes of an exhibit before, without cleared ones: one more than a
/// report names, so that the caller sees whether there are more.
async fn seen_before(casework: &Casework, case: &str, exhibit: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut after = i64::MIN;
    loop {
        let mut tx = casework.db.snapshot().await?;
        let copies = views::same_bytes_before(&mut tx, exhibit, after).await?;
        drop(tx);
        let Some((last, _)) = copies.last() else {
            return Ok(found);
        };
        after = *last;
        let exhibits: Vec<String> = copies.into_iter().map(|(_, e)| e).collect();
        for other in findings::cases_of_exhibits(casework, &exhibits, case).await? {
            let mut tx = casework.db.snapshot().await?;
            let cleared = cases::status(&mut tx, &other).await? == CaseStatus::Cleared;
            if !cleared && !found.contains(&other) {
                found.push(other);
            }
            if found.len() > SEEN_BEFORE_MAX {
                return Ok(found);
            }
        }
    }
}

fn key(finding: &Finding) -> &str {
    finding.exhibit.as_deref().unwrap_or(&finding.screening)
}
