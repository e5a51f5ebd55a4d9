//! Use cases of reports: check, draft, approve, file, send and show.

use obhut_casework as casework;
use obhut_media as media;
use std::sync::Arc;

use obhut_casework::{
    Approval, Approved, Casework, CaseworkError, Channel, Dossier, Filing, FilingState, Missing,
    Next, Person, Reason, Report, ReportRow, Result, Surface,
};
use obhut_formats::reports::{
    self as forms, DETERMINATION, Documents, Form, Omitted, Remark, Rendered,
};
use obhut_partners::destinations;
use obhut_partners::filing::{self, DrainScope, DrainStats, RetryPolicy};
use obhut_partners::http::Http;
use serde::Serialize;

pub use crate::children::ABOUT_CHILDREN;
use crate::children::{about_children, may_be_a_child, reports_a_child, sentences};
use crate::grounds::claims_a_view;

/// Result of checking a case against a destination.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Completeness score, 0 to 100.
    pub complete: u32,
    /// At-risk score, 0 to 100.
    pub at_risk: u32,
    /// Facts an officer would need that are missing.
    pub missing: Vec<Missing>,
    /// Reasons for the at-risk score.
    pub reasons: Vec<Reason>,
    /// Facts the report omits.
    pub omitted: Vec<Omitted>,
    /// What the receiver would miss or refuse, and what looks wrong in the case, by field.
    pub remarks: Vec<Remark>,
    /// True if the report contains nothing actionable.
    pub empty: bool,
    /// True if `stops` is empty. If `empty` is true, approval still needs a reason.
    pub acceptable: bool,
    /// What the receiver would refuse, what only a person can answer, a child reported as the
    /// suspect, and files that would go by mail without the authority's instruction. Each blocks
    /// approval, unless [`Stop::may_be_overridden`] is true and a reason is given. Missing facts
    /// don't block.
    pub stops: Vec<Stop>,
}

/// Why a report can't be approved as it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Stop {
    /// The field, in the destination's form or in the case file.
    pub field: String,
    /// What is wrong, and what to do.
    pub why: String,
    /// Source of the rule.
    pub source: &'static str,
}

impl Stop {
    /// True if the rule comes from NCMEC's documentation, which an officer may override with a
    /// reason. False for every other source: a schema, another receiver's rule, one of obhut's.
    pub fn may_be_overridden(&self) -> bool {
        self.source == obhut_formats::reports::ncmec::schema::DOCUMENTATION
    }
}

fn stops(remarks: &[Remark]) -> Vec<Stop> {
    let stop = |r: &Remark| Stop {
        field: r.field.clone(),
        why: r.what.clone(),
        source: r.source,
    };
    remarks.iter().filter(|r| r.stops).map(stop).collect()
}

/// Remarks on files that were found in a private message and are said to have been public.
fn public_in_private(shown: &Dossier) -> impl Iterator<Item = Remark> {
    let files = shown.files.iter();
    let odd = files.filter(|f| f.surface == Surface::PrivateMessage && f.public == Some(true));
    odd.map(|f| Remark {
        field: format!("facts.files.{}.publicly_available", f.key),
        what: "says that everyone could see the file, but it was found in a private message; make sure that one of the two isn't wrong".into(),
        source: "obhut, docs/reporting.md",
        stops: false,
    })
}

/// Remarks about a case that was opened from an incoming report.
fn of_received(whole: &Dossier) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let facts = whole.facts.expose();
    for (received, own, field, what) in [
        (
            &facts.received_note,
            &facts.note,
            "facts.note",
            "the words of the incoming report aren't sent; state in facts.note, in your own words, what the receiver has to know",
        ),
        (
            &facts.received_urgent,
            &facts.urgent_because,
            "facts.urgent_because",
            "the incoming report's reason for urgency isn't sent; state in facts.urgent_because, in your own words, why the case is urgent",
        ),
    ] {
        if received.is_some() && own.is_none() {
            remarks.push(Remark {
                field: field.into(),
                what: what.into(),
                source: "obhut, docs/reporting.md",
                stops: false,
            });
        }
    }
    if whole.incoming > 0 {
        remarks.push(Remark {
            field: "facts".into(),
            what: "were read from an incoming report; check each field before you approve: a program can't tell a name from a remark".into(),
            source: "obhut, docs/reporting.md",
            stops: false,
        });
    }
    let words = facts.received_note.as_deref().unwrap_or_default();
    let of_account = words.lines().any(|l| l.starts_with("facts.reported."));
    if of_account && facts.reported.as_ref().is_none_or(|a| a.id.is_none()) {
        remarks.push(Remark {
            field: "facts.reported".into(),
            what: "the incoming report describes an account in words that don't look like an id; see facts.received_note, and enter the account".into(),
            source: "obhut, docs/reporting.md",
            stops: false,
        });
    }
    remarks
}

/// Checks two dossiers of one case: `whole` includes the children's data and gives the scores;
/// `shown` is what would be sent. `grounds` are those of the latest decision, empty if there is
/// none.
fn assess(
    form: &Form,
    whole: &Dossier,
    shown: &Dossier,
    grounds: &str,
    channel: &Channel,
) -> Check {
    // With the children's data: leaving them out must not make a case look less urgent.
    let scores = whole.scores();
    let checked = form.check(shown);
    let mut remarks = checked.remarks;
    remarks.extend(mails_files(channel, checked.attached));
    for fault in shown.facts.expose().faults(shown.made_at) {
        remarks.push(Remark {
            field: fault.field,
            what: fault.what.to_owned(),
            source: fault.source,
            stops: false,
        });
    }
    let unseen = whole.files.iter().all(|f| !f.viewed_whole);
    if !whole.files.is_empty() && unseen && claims_a_view(grounds) {
        remarks.push(Remark {
            field: "decision.grounds".into(),
            what: "claim that a file was viewed, but no complete view of any file of the case is on record, and the report says \"not viewed\"; view it, or decide again with correct grounds".into(),
            source: "obhut, docs/handling.md, promise 7",
            stops: false,
        });
    }
    remarks.extend(public_in_private(shown));
    remarks.extend(reports_a_child(whole.facts.expose()));
    remarks.extend(may_be_a_child(shown));
    remarks.extend(sentences(shown.facts.expose()));
    remarks.extend(of_received(whole));
    remarks.extend(about_children(form.name, whole, shown));
    Check {
        complete: scores.complete,
        at_risk: scores.at_risk,
        missing: scores.missing,
        reasons: scores.reasons,
        omitted: checked.omitted,
        acceptable: remarks.iter().all(|r| !r.stops),
        stops: stops(&remarks),
        remarks,
        // Of what is sent: omitted data can't make a report actionable.
        empty: shown.scores().empty,
    }
}

/// Scores a case and lists what the receiver of its report would refuse or miss. The case need not
/// be decided. The audit row is written before the dossier is assembled.
pub async fn check(
    casework: &Casework,
    case: &str,
    form: &Form,
    with_victims: bool,
    actor: &str,
) -> Result<Check> {
    let with_victims = with_victims && casework::may_include_children(form.name);
    casework::note(casework, actor, "report.check", case, form.name).await?;
    let whole = casework::dossier(casework, case, true).await?;
    let shown = match with_victims {
        true => whole.clone(),
        false => casework::dossier(casework, case, false).await?,
    };
    let decisions = casework::decisions(casework, case).await?;
    let grounds = decisions.last().map_or("", |d| d.grounds());
    let channel = casework::channel(casework, form.name).await?;
    Ok(assess(form, &whole, &shown, grounds, &channel))
}

/// Renders the report of a decided case as a draft. The audit row is written before the report is
/// returned.
///
/// # Errors
/// A conflict unless the latest decision is to report the case, and if that decision was
/// overturned on appeal.
pub async fn draft(
    casework: &Casework,
    case: &str,
    form: &Form,
    with_victims: bool,
    actor: &str,
) -> Result<(Report, Rendered)> {
    let with_victims = with_victims && casework::may_include_children(form.name);
    let report = casework::report(casework, case, with_victims, actor).await?;
    let rendered = report.render(form.renderer());
    Ok((report, rendered))
}

/// What a person should read in a report before approving it, because it may be about a child: the
/// remarks of [`check`] with the source [`ABOUT_CHILDREN`] that stop nothing.
///
/// # Errors
/// Not found for an unknown case.
pub async fn about_children_in(
    casework: &Casework,
    row: &ReportRow,
    actor: &str,
) -> Result<Vec<Remark>> {
    let Some(form) = forms::by_name(&row.destination) else {
        return Ok(Vec::new());
    };
    let check = check(casework, &row.case, form, row.with_victims, actor).await?;
    let about = check.remarks.into_iter();
    Ok(about
        .filter(|r| !r.stops && r.source == ABOUT_CHILDREN)
        .collect())
}

/// Approves a report: renders it, refuses what its receiver would refuse, and keeps the documents
/// as they will be sent. `because` says why it is sent although it contains nothing actionable or
/// breaks a rule of NCMEC's documentation. With `as_received`, the original reports that the case
/// was opened from go out with it; that needs a report with the children's data.
///
/// # Errors
/// Denied unless `person` is a reporting officer; not found for an unknown report. A conflict if
/// `person` made the latest decision, if there is nothing actionable and no `because`, for an
/// unknown destination, or for a report that can't be approved now. Also a conflict if any of
/// [`Check::stops`] blocks approval; it names each field. With `because`, stops for which
/// [`Stop::may_be_overridden`] is true don't block.
pub async fn approve(
    casework: &Casework,
    id: &str,
    person: &Person,
    because: Option<&str>,
    as_received: bool,
) -> Result<Approval> {
    approve_as_shown(casework, id, person, because, as_received, None).await
}

/// Identifies what a report says and where it goes, whenever it is rendered: two drafts of it are
/// the same if nothing of the case, the settings or the destination changed between them.
pub fn fingerprint(report: &Report, form: &Form, channel: &Channel) -> String {
    let mut report = report.clone();
    // The time of the draft itself isn't a change.
    report.dossier.made_at = 0;
    let rendered = report.render(form.renderer());
    let mut known = Documents::from(rendered).to_bytes();
    let to = [
        channel.address(),
        channel.url.clone().unwrap_or_default(),
        channel.user.clone().unwrap_or_default(),
        channel.recipient.clone().unwrap_or_default(),
        channel.production.to_string(),
    ];
    known.extend(to.join("\n").into_bytes());
    media::digests_of(&known, None).sha256
}

/// Like [`approve`], for a person who was shown a draft with this [`fingerprint`].
///
/// # Errors
/// Those of [`approve`], and a conflict if the report would now be another.
// Long: one approval in sequence.
pub async fn approve_as_shown(
    casework: &Casework,
    id: &str,
    person: &Person,
    because: Option<&str>,
    as_received: bool,
    shown: Option<&str>,
) -> Result<Approval> {
    let approvable = casework::begin_approval(casework, id, person, because, as_received).await?;
    let form = forms::by_name(approvable.destination()).ok_or_else(|| {
        CaseworkError::conflict(format!(
            "unknown destination {}; install a version that supports it",
            approvable.destination()
        ))
    })?;
    let report = approvable.report();
    let channel = casework::channel(casework, approvable.destination()).await?;
    let now = match (shown, as_received) {
        (None, _) => None,
        (Some(_), false) => Some(fingerprint(report, form, &channel)),
        // What was shown is the report itself, without the originals that come with it. They come
        // only with the children's data.
        (Some(_), true) => {
            let case = &report.dossier.case;
            let (plain, _) = draft(casework, case, form, true, &person.id).await?;
            Some(fingerprint(&plain, form, &channel))
        }
    };
    if shown != now.as_deref() {
        return Err(CaseworkError::conflict(format!(
            "report {id} is no longer what was shown: the case, a setting or the destination has changed; read it again, then approve it"
        )));
    }
    let mut rendered = report.render(form.renderer());
    // From the record: a report without the children's data doesn't say which account is a child's.
    let facts = casework::facts(casework, &report.dossier.case).await?;
    rendered.remarks.extend(reports_a_child(&facts));
    if !casework::may_include_children(approvable.destination()) {
        let case = &report.dossier.case;
        let whole = casework::dossier(casework, case, true).await?;
        let about = about_children(approvable.destination(), &whole, &report.dossier);
        rendered.remarks.extend(about);
    }
    let attached = rendered.attached.len();
    rendered.remarks.extend(mails_files(&channel, attached));
    let stops = stops(&rendered.remarks);
    let has_reason = approvable.because().is_some();
    let blocking: Vec<_> = stops
        .iter()
        .filter(|s| !(has_reason && s.may_be_overridden()))
        .map(|s| format!("{}: {} ({})", s.field, s.why, s.source))
        .collect();
    if !blocking.is_empty() {
        let case = report.dossier.case.clone();
        let asked = stops
            .iter()
            .find_map(|s| s.field.strip_prefix(DETERMINATION));
        return Err(CaseworkError::conflict(format!(
            "report {id} can't be approved as it is: {}",
            blocking.join("; ")
        ))
        .then(match asked {
            // First: without a recorded duty to report to the National Crime Agency, no answer
            // about the case would unblock the report.
            _ if stops.iter().any(|s| s.field.starts_with("reporter.nca_")) => Next::RecordNcaDuty,
            Some(question) => Next::Determine {
                case,
                question: question.to_owned(),
            },
            // Before `AddFacts`: remarks about missing facts name their fields themselves, but
            // nothing else says how to allow files by mail.
            None if stops.iter().any(|s| s.field == MEDIA_INSTRUCTION) => Next::AllowFilesByMail {
                destination: approvable.destination().to_owned(),
            },
            None => Next::AddFacts { case },
        }));
    }
    let documents = Documents::from(rendered).to_bytes();
    let destination = approvable.destination();
    let has_test_service = destinations::by_name(destination).is_some_and(|d| d.has_test_service);
    let approved = Approved {
        documents: &documents,
        overrides: !stops.is_empty(),
        for_test: has_test_service && !channel.production,
    };
    casework::approve_report(casework, &approvable, person, approved).await
}

/// A report as it was approved, and every word exchanged with its destination.
#[derive(Debug, Serialize)]
pub struct Filed {
    /// The documents that were approved; `None` if it isn't approved, or was approved by a version
    /// that kept no documents.
    pub documents: Option<Documents>,
    /// What was sent and what came back, attempt by attempt.
    pub exchanges: Vec<serde_json::Value>,
}

/// Reads back what was approved, sent and received. Each reading is logged first.
///
/// # Errors
/// Not found for an unknown report; a conflict if documents or an exchange differ from what was put
/// on record, or if this version can't read the documents.
pub async fn show(casework: &Casework, report: &str, actor: &str) -> Result<Filed> {
    casework::report_row(casework, report).await?;
    let purpose = "report shown";
    let documents = match casework::approval(casework, report).await? {
        None => None,
        Some(_) => match casework::approved_documents(casework, report, actor, purpose).await {
            Ok(bytes) => Some(Documents::from_bytes(&bytes).ok_or_else(|| {
                CaseworkError::conflict(format!(
                    "the documents approved as report {report} aren't in a form this version reads"
                ))
            })?),
            // Approved by an older version: no documents were kept, but the rest can be shown.
            // Documents that differ from those approved are another conflict, which is returned.
            Err(e) if matches!(e.next(), Some(Next::ApproveAgain { .. })) => None,
            Err(e) => return Err(e),
        },
    };
    let mut exchanges = Vec::new();
    for exchange in casework::exchanges(casework, report).await? {
        let words =
            casework::exchange_words(casework, report, exchange.seq, actor, purpose).await?;
        let calls: serde_json::Value = serde_json::from_slice(&words)
            .map_err(|_| casework::CaseworkError::unreadable("an exchange of the report"))?;
        exchanges.push(serde_json::json!({
            "seq": exchange.seq,
            "exhibit": exchange.exhibit,
            "sha256": exchange.sha256,
            "calls": calls,
        }));
    }
    Ok(Filed {
        documents,
        exchanges,
    })
}

/// Creates the draft report of the latest decision for a destination, or for each destination the
/// routes give. Returns the id and destination of each.
///
/// # Errors
/// A conflict if no route matches, if the latest decision isn't to report the case or was
/// overturned on appeal, if the destination already has an approved report or a draft from that
/// decision, or if it takes only reports about a suspect and the case has none. Drafts made before
/// the failure stay.
pub async fn file(
    casework: &Casework,
    case: &str,
    destination: Option<&Form>,
    with_victims: bool,
    actor: &str,
) -> Result<Vec<(String, String)>> {
    let names: Vec<String> = match destination {
        Some(form) => vec![form.name.to_owned()],
        None => {
            let routing = obhut_casework::routing_for(casework, case).await?;
            routing.to.into_iter().map(|r| r.destination).collect()
        }
    };
    if names.is_empty() {
        return Err(CaseworkError::conflict(
            "no route matches this case; name a destination, or record a route with its legal basis",
        )
        .then(Next::AddRoute));
    }
    let mut filed = Vec::with_capacity(names.len());
    // A separate transaction each: what was filed before a failure stays filed.
    for name in names {
        let id = file_one(casework, case, &name, with_victims, actor).await?;
        filed.push((id, name));
    }
    Ok(filed)
}

/// Creates the draft report of the latest decision for one destination, and returns its id. Once
/// production is switched on, an earlier report that only the test service has is superseded.
pub async fn file_one(
    casework: &Casework,
    case: &str,
    destination: &str,
    with_victims: bool,
    actor: &str,
) -> Result<String> {
    casework::supersede_test_filing(casework, case, destination, actor).await?;
    casework::file_latest(casework, case, destination, with_victims, actor).await
}

/// Checks that a report may be sent.
///
/// # Errors
/// A conflict unless the report is approved or being retracted.
pub fn require_sendable(row: &ReportRow) -> Result<()> {
    match row.status.as_str() {
        "approved" | "retracting" => Ok(()),
        "draft" => Err(not_sendable(row).then(Next::Approve {
            report: row.id.clone(),
        })),
        _ => Err(not_sendable(row)),
    }
}

/// True if sending the report was stopped, so that a person has to resume it. The retraction of a
/// stopped report needs no resuming.
pub fn waits_for_resumption(row: &ReportRow, filing: Option<&Filing>) -> bool {
    row.status == "approved" && filing.is_some_and(|f| f.state == FilingState::Stopped)
}

fn not_sendable(row: &ReportRow) -> CaseworkError {
    CaseworkError::conflict(format!(
        "report {} has status {}; only approved reports and retractions are sent",
        row.id, row.status
    ))
}

/// Sends one report, or everything in the outbox except events for the platform, including jobs put
/// off until later. `worker` must be unique among workers.
pub async fn send(
    casework: &Arc<Casework>,
    http: &Arc<Http>,
    report: Option<&str>,
    worker: &str,
    retry: &RetryPolicy,
) -> Result<DrainStats> {
    let draining = DrainScope {
        worker,
        report,
        now: true,
        platform: false,
    };
    filing::drain(casework, http, retry, draining).await
}

/// The field of a destination's settings that allows files by mail.
const MEDIA_INSTRUCTION: &str = "media_instruction";

/// The stop for files that would go by mail without the authority's written instruction.
fn mails_files(channel: &Channel, attached: usize) -> Option<Remark> {
    let instructed = |c: &Channel| {
        c.media_instruction
            .as_ref()
            .is_some_and(|i| !i.trim().is_empty())
    };
    let stops = channel.mail_to.is_some() && attached > 0 && !instructed(channel);
    stops.then(|| Remark {
        field: MEDIA_INSTRUCTION.into(),
        what: format!(
            "{attached} {} would go by mail; that needs the authority's written instruction on record. Or hand the package over in a folder",
            if attached == 1 { "file" } else { "files" }
        ),
        source: "obhut, docs/reporting.md",
        stops: true,
    })
}
