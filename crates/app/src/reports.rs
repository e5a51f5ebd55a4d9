//! Use cases of reports: check, draft, approve, file, send and show.

use obhut_casework as casework;
use std::sync::Arc;

use obhut_casework::{
    Account, Approval, Approved, Casework, CaseworkError, Channel, Dossier, Facts, Filing,
    FilingState, Missing, Next, Person, Reason, Report, ReportRow, Result, Signals,
};
use obhut_formats::reports::{
    self as forms, DETERMINATION, Documents, Form, Omitted, Remark, Rendered,
};
use obhut_partners::destinations;
use obhut_partners::filing::{self, DrainScope, DrainStats, RetryPolicy};
use obhut_partners::http::Http;
use serde::Serialize;

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

/// Source of the remarks on fields that may be about a child.
pub const ABOUT_CHILDREN: &str = "obhut, docs/handling.md";

fn stops(remarks: &[Remark]) -> Vec<Stop> {
    let stop = |r: &Remark| Stop {
        field: r.field.clone(),
        why: r.what.clone(),
        source: r.source,
    };
    remarks.iter().filter(|r| r.stops).map(stop).collect()
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
    remarks.extend(reports_a_child(whole.facts.expose()));
    remarks.extend(may_be_a_child(shown));
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
    let approvable = casework::begin_approval(casework, id, person, because, as_received).await?;
    let form = forms::by_name(approvable.destination()).ok_or_else(|| {
        CaseworkError::conflict(format!(
            "unknown destination {}; install a version that supports it",
            approvable.destination()
        ))
    })?;
    let report = approvable.report();
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
    let channel = casework::channel(casework, approvable.destination()).await?;
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

/// Recipients without an age on record whose own profile states an age under 18.
fn may_be_a_child(shown: &Dossier) -> Vec<Remark> {
    let recipients = shown.facts.expose().recipients.iter().enumerate();
    let young = |a: &Account| {
        let aged = a
            .person
            .as_ref()
            .is_some_and(|p| p.age.is_some() || p.born.is_some());
        let bio = a.bio.as_deref().filter(|_| !aged);
        bio.is_some_and(|b| Signals::of_text(b).youngest.is_some_and(|age| age < 18))
    };
    recipients
        .filter(|(_, a)| young(a))
        .map(|(n, _)| Remark {
            field: format!("facts.recipients[{n}]"),
            what:
                "may be a child, by what its profile says; record it in facts.victims if it is one"
                    .into(),
            source: ABOUT_CHILDREN,
            stops: false,
        })
        .collect()
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

/// The stops for suspects whose account is also recorded as a child's, and remarks about those that
/// share a name, an e-mail address or a number with a child. The latter don't stop the report,
/// because a child's relative may have the same ones.
fn reports_a_child(facts: &Facts) -> Vec<Remark> {
    let about = |field: String, suspect: &Account| {
        let children = || facts.victims.iter();
        let (what, stops) = if children().any(|c| same_id(suspect, c)) {
            (
                "the account reported is also recorded as a child's; remove it from one of the two",
                true,
            )
        } else if children().any(|c| shares_a_name(suspect, c)) {
            (
                "has a name, e-mail address or number in common with a child of the case; make sure that this isn't the child",
                false,
            )
        } else {
            return None;
        };
        Some(Remark {
            field,
            what: what.into(),
            source: ABOUT_CHILDREN,
            stops,
        })
    };
    let first = facts.reported.iter().map(|a| ("facts.reported".into(), a));
    let others = facts.also_reported.iter().enumerate();
    let others = others.map(|(n, a)| (format!("facts.also_reported[{n}]"), a));
    first
        .chain(others)
        .filter_map(|(field, suspect)| about(field, suspect))
        .collect()
}

/// True if both may be the same account by its id.
fn same_id(a: &Account, b: &Account) -> bool {
    let service = match (&a.service, &b.service) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        // If one of them names no service, they count as the same service: reporting a child as
        // the suspect is the worse error.
        _ => true,
    };
    let plain = |a: &Account| a.id.as_deref().map(casework::plain);
    service && a.id.is_some() && plain(a) == plain(b)
}

/// True if two accounts have a screen name, an e-mail address or a number in common.
fn shares_a_name(a: &Account, b: &Account) -> bool {
    let names = |account: &Account| -> Vec<String> {
        let person = || account.person.iter();
        let emails = person().flat_map(|p| &p.emails).map(|e| &e.address);
        let numbers = person().flat_map(|p| &p.phones).map(|n| &n.number);
        let all = account.screen_name.iter().chain(emails).chain(numbers);
        all.map(|n| casework::plain(n))
            .filter(|n| !n.is_empty())
            .collect()
    };
    let of_b = names(b);
    names(a).iter().any(|n| of_b.contains(n))
}

/// A remark on each field that names a child although the children's data are omitted. It stops a
/// report that never contains children's data; elsewhere a suspect may be called like a child.
fn about_children(destination: &str, whole: &Dossier, shown: &Dossier) -> Vec<Remark> {
    let remark = |field| {
        Remark {
        field,
        what: "names a child, or its account, e-mail address, number or birth date, although the children's data are omitted".into(),
        source: ABOUT_CHILDREN,
        stops: !casework::may_include_children(destination),
    }
    };
    let fields = names_a_child(whole, shown);
    fields.into_iter().map(remark).collect()
}

/// The fields of the facts in which a child's name, account, e-mail address, number or birth date
/// appears although the children's data are omitted.
fn names_a_child(whole: &Dossier, shown: &Dossier) -> Vec<String> {
    if shown.victims_left_out == 0 && shown.child_fields_left_out.is_empty() {
        return Vec::new();
    }
    let of = |child: &Account| {
        let person = child.person.iter();
        let addresses = person
            .clone()
            .flat_map(|p| &p.emails)
            .map(|e| e.address.clone());
        let numbers = person
            .clone()
            .flat_map(|p| &p.phones)
            .map(|n| n.number.clone());
        let names = child
            .id
            .iter()
            .chain(&child.screen_name)
            .chain(&child.display_names);
        let called = person.flat_map(|p| [&p.first_name, &p.last_name, &p.born]);
        // Latin names of one or two letters would be found in far too many texts.
        let called = called.flatten();
        let called = called.filter(|n| n.chars().count() > 2 || is_unspaced(n));
        // A name only as words: "Tom" isn't in "tomorrow".
        let words = called.flat_map(|n| Name::in_words(n));
        let names = names.cloned().chain(addresses).chain(numbers);
        let anywhere = names.map(|n| Name::Anywhere(casework::plain(&n)));
        anywhere.chain(words).collect::<Vec<_>>()
    };
    // Every account that was left out, recorded as a victim or not.
    let still: Vec<&Account> = accounts(shown.facts.expose());
    let gone = accounts(whole.facts.expose());
    let gone = gone
        .into_iter()
        .filter(|a| !still.iter().any(|s| same_account(a, s)));
    let children: Vec<Name> = gone.flat_map(of).filter(|n| !n.is_empty()).collect();
    let facts = serde_json::to_value(shown.facts.expose()).expect("facts are JSON");
    let fields = facts.as_object().into_iter().flatten();
    fields
        .filter(|(_, value)| names_one(value, &children))
        .map(|(field, _)| format!("facts.{field}"))
        .collect()
}

/// Every account that may be omitted as a child's, and the accounts linked to it.
fn accounts(facts: &Facts) -> Vec<&Account> {
    fn with_linked<'a>(account: &'a Account, all: &mut Vec<&'a Account>) {
        all.push(account);
        account.associated.iter().for_each(|a| with_linked(a, all));
    }
    let mut all = Vec::new();
    let linked = facts.reported.iter().chain(&facts.also_reported);
    let linked = linked.flat_map(|a| &a.associated);
    for account in facts.victims.iter().chain(&facts.recipients).chain(linked) {
        with_linked(account, &mut all);
    }
    all
}

/// True if both are the same account. Linked accounts are not compared, because some of them may
/// have been omitted.
fn same_account(a: &Account, b: &Account) -> bool {
    let bare = |account: &Account| Account {
        associated: Vec::new(),
        ..account.clone()
    };
    bare(a) == bare(b)
}

/// What a child is called, in the form of [`casework::plain`].
enum Name {
    /// An account, address or number. It is also found inside a longer word: a false alarm is only
    /// a remark, but a miss would name a child.
    Anywhere(String),
    /// A person's name. It is found only as whole, consecutive words.
    Words(Vec<String>),
}

impl Name {
    fn is_empty(&self) -> bool {
        match self {
            Self::Anywhere(text) => text.is_empty(),
            Self::Words(words) => words.is_empty(),
        }
    }

    /// A name as a whole, and each part of it that people use alone: "Anna" of "Anna Lena", but not
    /// "von" of "von der Heide".
    fn in_words(name: &str) -> Vec<Self> {
        if is_unspaced(name) {
            return vec![Self::Anywhere(casework::plain(name))];
        }
        let used = |part: &&str| {
            part.chars().count() > 2 && part.chars().next().is_some_and(char::is_uppercase)
        };
        let parts = name.split_whitespace().filter(used);
        let alone = parts.map(|part| Self::Words(vec![casework::plain(part)]));
        std::iter::once(Self::Words(words(name)))
            .chain(alone)
            .collect()
    }
}

/// True for a name of two or more characters in a script that puts no spaces between words: Chinese,
/// Japanese, Korean, Thai.
fn is_unspaced(name: &str) -> bool {
    let unspaced = |c: char| matches!(c, '\u{e00}'..='\u{e7f}' | '\u{1100}'..='\u{11ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}');
    name.chars().filter(|c| unspaced(*c)).count() >= 2
}

/// The words of a text, in the form in which names are compared.
fn words(text: &str) -> Vec<String> {
    // A combining mark belongs to the letter before it.
    let split = text
        .split(|c: char| !c.is_alphanumeric() && c != '-' && !matches!(c, '\u{300}'..='\u{36f}'));
    let plain = split.map(casework::plain);
    plain.filter(|w| !w.is_empty()).collect()
}

/// True if any text in `value` contains one of `names`.
fn names_one(value: &serde_json::Value, names: &[Name]) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => {
            let whole = casework::plain(text);
            let words = words(text);
            names.iter().any(|n| match n {
                Name::Anywhere(name) => whole.contains(name.as_str()),
                Name::Words(name) => {
                    words.windows(name.len()).any(|w| w == name) || whole == name.concat()
                }
            })
        }
        Value::Array(all) => all.iter().any(|v| names_one(v, names)),
        Value::Object(all) => all.values().any(|v| names_one(v, names)),
        _ => false,
    }
}
