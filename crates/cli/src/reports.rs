//! `obhut report`: checks, drafts, files, approves, sends and retracts reports, and shows their status.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use obhut_app::casework::{
    self, Act, Casework, CaseworkError, Filing, FilingState, ReportRow, rfc3339,
};
use obhut_app::formats::reports as forms;
use obhut_app::partners::destinations;
use obhut_app::partners::filing::{self, RetryPolicy};
use obhut_app::partners::http::Http;
use obhut_app::reports::Filed;
use serde_json::{Value, json};

use crate::app_context::{AppContext, shell_user};
use crate::args::ReportCommand;
use crate::hints::usage;
use crate::output::{Output, count};
use crate::whole_file::write_private;

/// Who reads a draft or a filed report: the id of the person named by `by`, or the shell user.
///
/// Without `by` no role is needed: shell access already means access to the data.
async fn reader(
    context: &AppContext,
    casework: &Casework,
    by: Option<String>,
) -> anyhow::Result<String> {
    let Some(name) = by else {
        return Ok(shell_user());
    };
    let person = context
        .acting(casework, Some(&name), Act::ReadDraft)
        .await?;
    Ok(person.id)
}

// Long: one match arm per command.
pub async fn run(
    command: ReportCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    match command {
        ReportCommand::Draft {
            case,
            destination,
            out,
            with_victims,
            by,
        } => {
            let actor = reader(context, &casework, by).await?;
            draft(
                &casework,
                &case,
                &destination,
                &out,
                with_victims,
                &actor,
                output,
            )
            .await?;
        }
        ReportCommand::Check {
            case,
            destination,
            with_victims,
        } => check(&casework, &case, &destination, with_victims, output).await?,
        ReportCommand::File {
            case,
            destination,
            with_victims,
        } => {
            let form = match &destination {
                None => None,
                Some(name) => Some(forms::by_name(name).context(usage!("no such destination"))?),
            };
            let filed =
                obhut_app::reports::file(&casework, &case, form, with_victims, &shell_user())
                    .await?;
            for (id, name) in filed {
                output.line(
                    || json!({ "report": id, "case": case, "destination": name }),
                    || format!("{id} filed for {name}; a person other than the one who decided has to approve it: obhut report approve {id} --by PERSON"),
                )?;
            }
        }
        ReportCommand::Approve {
            report,
            by,
            destination,
            with_victims,
            because,
            as_received,
        } => {
            let report = match &destination {
                // Only if a case is named. A report or an unknown id is handled by the arm below,
                // which ignores --destination and --with-victims and refuses unknown ids.
                Some(name) if casework::case(&casework, &report).await.is_ok() => {
                    let known = casework::report_rows(&casework, Some(&report)).await?;
                    let waiting = known
                        .into_iter()
                        .find(|r| r.destination == *name && r.status == "draft");
                    match waiting {
                        // A second report for the same destination would be refused as already on record.
                        Some(row)
                            if with_victims
                                && !row.with_victims
                                && casework::may_include_children(name) =>
                        {
                            let why = format!(
                                "{0} was drafted without the children's data; retract it first (`obhut report retract {0} --reason …`), then approve again",
                                row.id
                            );
                            return Err(casework::CaseworkError::conflict(why).into());
                        }
                        Some(row) => row.id,
                        None => {
                            obhut_app::reports::file_one(
                                &casework,
                                &report,
                                name,
                                with_victims,
                                &shell_user(),
                            )
                            .await?
                        }
                    }
                }
                // A report whose sending was stopped may need another approval, so it counts as
                // waiting for one.
                _ => {
                    let stopped = stopped(&casework, &report).await?;
                    let waits = |r: &ReportRow| r.status == "draft" || stopped.contains(&r.id);
                    one(&casework, &report, waits).await?
                }
            };
            // Before `acting`, so that a mistyped id grants no role.
            let row = casework::report_row(&casework, &report).await?;
            let person = context
                .acting(&casework, Some(&by), Act::ApproveReport)
                .await?;
            let children = casework::facts(&casework, &row.case).await?.victims.len();
            // A note and not a question: the report can still be retracted before it is sent.
            // Printed before `approve`, so that it appears even if the approval is refused.
            if children > 0 && !casework::may_include_children(&row.destination) {
                output.remark(&format!(
                    "note: a report to {} never contains children's data",
                    row.destination
                ));
            } else if children > 0 && !row.with_victims {
                output.remark(&format!(
                    "note: the data of {} are omitted; to include them, retract this report before it is sent (`obhut report retract {report} --reason …`), then `obhut report approve {} --destination {} --with-victims --by PERSON`",
                    count(children as u64, "child", "children"),
                    row.case,
                    row.destination
                ));
            }
            let about = obhut_app::reports::about_children_in(&casework, &row, &person.id).await?;
            for remark in about {
                output.remark(&format!("note: {} {}", remark.field, remark.what));
            }
            let because = because.as_deref();
            let approval =
                obhut_app::reports::approve(&casework, &report, &person, because, as_received)
                    .await?;
            if let Some(destination) = destinations::by_name(&row.destination)
                && let Some(missing) =
                    (destination.missing)(&casework::channel(&casework, &row.destination).await?)
            {
                output.remark(&format!(
                    "the report waits: {0} isn't set up yet and needs {missing} (`obhut destination set {0}`); afterwards the report needs another approval",
                    row.destination
                ));
            }
            output.line(
                || serde_json::to_value(&approval).expect("an approval is JSON"),
                || format!("{report} approved by {}; it is in the outbox; `obhut report send` or a running server sends it", approval.name),
            )?;
        }
        ReportCommand::Send {
            report,
            resume,
            by,
            at_once,
            claim_seconds,
        } => {
            let retry = RetryPolicy {
                at_once: usize::from(at_once),
                claim: std::time::Duration::from_secs(claim_seconds.into()),
                ..RetryPolicy::default()
            };
            return send(context, &casework, report, resume, by, &retry, output).await;
        }
        ReportCommand::Supplement {
            report,
            with_victims,
        } => {
            let id =
                casework::file_supplement(&casework, &report, with_victims, &shell_user()).await?;
            // The newest filed report of the case to the same destination, which may be a later one
            // than the one named.
            let first = casework::report_row(&casework, &id).await?.supplements;
            output.line(
                || json!({ "report": id, "supplements": first }),
                || format!("{id} supplements {first}; it waits for another person's approval"),
            )?;
        }
        ReportCommand::Retract { report, reason, by } => {
            let report = one(&casework, &report, |r| {
                matches!(r.status.as_str(), "draft" | "approved")
            })
            .await?;
            // Before `acting`, so that a mistyped id grants no role.
            casework::report_row(&casework, &report).await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::RetractReport)
                .await?;
            let reason = match reason.is_empty() {
                true => "retracted at the command line".to_owned(),
                false => reason,
            };
            let status = casework::retract_report(&casework, &report, &reason, &person).await?;
            let case = casework::report_row(&casework, &report).await?.case;
            for other in casework::report_rows(&casework, Some(&case)).await? {
                if other.supplements == report && other.status == "approved" {
                    output.remark(&format!(
                        "note: its supplement {0} stays; to retract that too, `obhut report retract {0} --reason …`",
                        other.id
                    ));
                }
            }
            output.line(
                || json!({ "report": report, "status": status }),
                || match status.as_str() {
                    "withdrawn" => format!("{report} is withdrawn; it had not been sent"),
                    _ => format!("{report} is being retracted; `obhut report send` or a running server notifies its receiver, who has to acknowledge"),
                },
            )?;
        }
        ReportCommand::Acknowledge {
            report,
            how,
            arrived,
            by,
        } => {
            // Before `acting`, so that a mistyped id grants no role.
            casework::report_row(&casework, &report).await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::RetractReport)
                .await?;
            let status = match arrived {
                true => {
                    casework::acknowledge_arrival(&casework, &report, &how, &person).await?;
                    "filed"
                }
                false => {
                    casework::acknowledge_retraction(&casework, &report, &how, &person).await?;
                    "retracted"
                }
            };
            output.line(
                || json!({ "report": report, "status": status }),
                || format!("{report} is {status}: {how}"),
            )?;
        }
        ReportCommand::Status { report } => {
            let rows = rows(&casework, report.as_deref()).await?;
            if rows.is_empty() {
                output.remark("no report; `obhut report file` makes one from a decided case");
            }
            for row in rows {
                let filing = casework::filing(&casework, &row.id).await?;
                output.line(
                    || status_json(&row, filing.as_ref()),
                    || status_text(&row, filing.as_ref()),
                )?;
            }
        }
        ReportCommand::Show { report, by } => {
            let report = one(&casework, &report, |_| true).await?;
            let actor = reader(context, &casework, by).await?;
            let filed = obhut_app::reports::show(&casework, &report, &actor).await?;
            let row = casework::report_row(&casework, &report).await?;
            let filing = casework::filing(&casework, &report).await?;
            output.line(
                || shown_json(&row, filing.as_ref(), &filed),
                || shown_text(&row, filing.as_ref(), &filed),
            )?;
        }
        ReportCommand::Outcome {
            report,
            code,
            source,
        } => match (report, code, source) {
            (Some(report), Some(code), Some(source)) => {
                casework::add_outcome(&casework, &report, &source, code, &shell_user()).await?;
                output.line(
                    || json!({ "report": report, "code": code.word(), "source": source }),
                    || format!("{report}: {code}, says {source}"),
                )?;
            }
            (None, None, None) => {
                for counts in casework::outcome_counts(&casework).await? {
                    output.line(
                        || serde_json::to_value(&counts).expect("counts are JSON"),
                        || {
                            let all: Vec<_> = counts
                                .counts
                                .iter()
                                .map(|(c, n)| format!("{c} {n}"))
                                .collect();
                            format!("{}: {}", counts.source, all.join(", "))
                        },
                    )?;
                }
            }
            // With clap's `requires`, both options need a report, but a report doesn't need both.
            _ => anyhow::bail!(usage!(
                "name the report, its --code and the --source that states it; or nothing, to see the counts"
            )),
        },
    }
    Ok(ExitCode::SUCCESS)
}

async fn draft(
    casework: &Casework,
    case: &str,
    destination: &str,
    out: &Path,
    with_victims: bool,
    actor: &str,
    output: &Output,
) -> anyhow::Result<()> {
    let destination = forms::by_name(destination).context(usage!("no such destination"))?;
    let (report, rendered) =
        obhut_app::reports::draft(casework, case, destination, with_victims, actor).await?;
    write_private(out, &rendered.report)?;
    let mut files = Vec::new();
    for (number, file) in (1..).zip(&rendered.files) {
        let path = beside(out, number);
        // The receiver assigns the ids when the report is sent; 0 and "draft" are placeholders.
        write_private(&path, file.with_ids(0, "draft").as_bytes())?;
        files.push(path);
    }
    for remark in &rendered.remarks {
        output.remark(&labelled(remark));
    }
    output.line(
        || {
            json!({
                "case": case, "destination": destination.name, "out": out.to_string_lossy(),
                "files": files.iter().map(|f| f.to_string_lossy()).collect::<Vec<_>>(),
                "remarks": rendered.remarks.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "omitted": rendered.omitted,
                "attached": rendered.attached,
                "decided_by": report.decision.name(),
            })
        },
        || {
            format!(
                "{} and {}; nothing was sent",
                out.display(),
                count(
                    files.len() as u64,
                    "document about a file",
                    "documents about files"
                )
            )
        },
    )
}

fn shown_json(row: &ReportRow, filing: Option<&Filing>, filed: &Filed) -> Value {
    let mut value = status_json(row, filing);
    let documents = filed.documents.as_ref();
    value["documents"] = json!({
        "report": documents.and_then(|d| d.text()),
        "files": documents.map_or_else(Vec::new, |d| d.files.iter().map(|f| f.with_ids(0, "draft")).collect()),
        "attached": documents.map(|d| &d.attached),
    });
    value["exchanges"] = filed.exchanges.clone().into();
    value
}

fn shown_text(row: &ReportRow, filing: Option<&Filing>, filed: &Filed) -> String {
    let mut text = status_text(row, filing);
    match &filed.documents {
        None => text += "\nno documents are on record with its approval",
        Some(documents) => {
            text += "\n\napproved:\n";
            text += documents
                .text()
                .unwrap_or("(a ZIP package, not shown here; `obhut report draft` writes one from the case as it is now)");
            for file in &documents.files {
                text += "\n\n";
                text += &file.with_ids(0, "draft");
            }
            for file in &documents.attached {
                text += &format!("\nattached: {}", file.exhibit);
            }
        }
    }
    for exchange in &filed.exchanges {
        for call in exchange["calls"].as_array().into_iter().flatten() {
            let part = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
            text += &format!(
                "\n\n{} {}\nsent:\n{}\nreceived (HTTP {}):\n{}",
                part("at"),
                part("what"),
                part("sent"),
                call["status"],
                part("received")
            );
        }
    }
    text
}

async fn check(
    casework: &Casework,
    case: &str,
    destination: &str,
    with_victims: bool,
    output: &Output,
) -> anyhow::Result<()> {
    let destination = forms::by_name(destination).context(usage!("no such destination"))?;
    let check =
        obhut_app::reports::check(casework, case, destination, with_victims, &shell_user()).await?;
    output.line(
        || serde_json::to_value(&check).expect("a check is JSON"),
        || {
            let mut text = format!("complete {} of 100, at risk {} of 100", check.complete, check.at_risk);
            for reason in &check.reasons {
                text += &format!("\n  at risk: {} ({})", reason.what, reason.source);
            }
            for missing in &check.missing {
                text += &format!("\n  missing: {} ({})", missing.what, missing.source);
            }
            for remark in &check.remarks {
                text += &format!("\n  {}", labelled(remark));
            }
            for omitted in &check.omitted {
                text += &format!("\n  omitted: {}: {}", omitted.field, omitted.why);
            }
            if check.empty {
                text += "\n  it contains nothing actionable; add facts, or approve it with `obhut report approve … --override REASON`";
            }
            text
        },
    )
}

/// Says how many reports another sender holds: a killed one holds them until its claim ends.
async fn say_what_is_held(casework: &Casework, output: &Output) -> anyhow::Result<()> {
    let (held, until) = casework::jobs_held(casework).await?;
    if held > 0 {
        output.remark(&format!(
            "{} held by another sender until {}; if none is running, one was killed: send again then",
            count(held as u64, "report is", "reports are"),
            casework::rfc3339(until)
        ));
    }
    Ok(())
}

async fn send(
    context: &AppContext,
    casework: &Arc<Casework>,
    report: Option<String>,
    resume: bool,
    by: Option<String>,
    retry: &RetryPolicy,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let wanted = match &report {
        None => Vec::new(),
        Some(_) => rows(casework, report.as_deref()).await?,
    };
    anyhow::ensure!(
        report.is_none() || !wanted.is_empty(),
        "no report of this case is on record; `obhut report file` makes one"
    );
    for row in &wanted {
        // A single report that can't be sent is an error; among several reports it is skipped.
        if wanted.len() == 1 {
            obhut_app::reports::require_sendable(row)?;
        }
        let filing = casework::filing(casework, &row.id).await?;
        // Only a stopped filing waits for a person to resume it; a deferred one is retried anyway,
        // and so is a retraction.
        if resume && obhut_app::reports::waits_for_resumption(row, filing.as_ref()) {
            let person = context
                .acting(casework, by.as_deref(), Act::ResumeSending)
                .await?;
            casework::resume_filing(casework, &row.id, &person).await?;
        }
    }
    let http = Arc::new(Http::default());
    // Claims are held under this name. The time is part of it because process ids are reused.
    let worker = format!(
        "command-{}-{}",
        std::process::id(),
        jiff::Timestamp::now().as_microsecond()
    );
    let mut all = filing::DrainStats::default();
    let one_by_one: Vec<Option<&str>> = match wanted.is_empty() {
        true => vec![None],
        false => wanted.iter().map(|r| Some(r.id.as_str())).collect(),
    };
    for report in one_by_one {
        all += obhut_app::reports::send(casework, &http, report, &worker, retry).await?;
    }
    // Reports and filings are read again, because sending has changed them.
    let mut still_stopped = false;
    for row in &wanted {
        let row = &casework::report_row(casework, &row.id).await?;
        let filing = casework::filing(casework, &row.id).await?;
        // `all.stopped` counts only this run, but a report that an earlier run stopped hasn't been
        // sent either, so the command fails for it too.
        let state = filing.as_ref().map(|f| f.state);
        still_stopped |= state == Some(FilingState::Stopped);
        output.line(
            || status_json(row, filing.as_ref()),
            || status_text(row, filing.as_ref()),
        )?;
        // Not for a stopped retraction, which is retried automatically.
        if state == Some(FilingState::Stopped) && row.status == "approved" {
            hint_for_stopped(casework, row, output).await;
        }
    }
    if wanted.is_empty() {
        output.line(
            || json!({ "filed": all.filed, "retracted": all.retracted, "deferred": all.deferred, "stopped": all.stopped, "halted": all.halted }),
            || format!("{} filed, {} retracted, {} deferred, {} stopped, {} of halted destinations", all.filed, all.retracted, all.deferred, all.stopped, all.halted),
        )?;
    }
    say_what_is_held(casework, output).await?;
    for deferral in &all.deferrals {
        output.remark(&format!(
            "{} isn't sent yet: {}; a running server tries again, or run `obhut report send {}`",
            deferral.report, deferral.why, deferral.report
        ));
    }
    for alarm in casework::alarms(casework).await? {
        output.remark(&format!("alarm {}: {}", alarm.id, alarm.text));
    }
    // Deferred counts as failed: a script must notice that the report has not arrived yet.
    let well = all.stopped == 0 && all.halted == 0 && all.deferred == 0 && !still_stopped;
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Prints the next commands for a stopped report.
async fn hint_for_stopped(casework: &Casework, row: &ReportRow, output: &Output) {
    if let Err(e) = casework::require_sendable(casework, &row.id).await
        && let Some(next) = crate::hints::hint(&e.into())
    {
        output.remark(&next);
        return;
    }
    let id = &row.id;
    output.remark(&format!(
        "once the cause is fixed: `obhut report send {id} --resume`"
    ));
    if casework::is_handed_over(&row.destination) {
        output.remark(&format!(
            "if {} received it anyway: `obhut report acknowledge {id} --arrived --how WHO`",
            row.destination
        ));
    }
}

/// The reports an argument names: one by its id, or all of a case. Without an argument, all.
async fn rows(casework: &Casework, named: Option<&str>) -> anyhow::Result<Vec<ReportRow>> {
    match named {
        None => Ok(casework::report_rows(casework, None).await?),
        // Ids carry their kind as a prefix, so one argument can name either.
        Some(id) if id.starts_with("case-") => {
            // Fails for an unknown case; without this check it would look like a case without
            // reports.
            casework::case(casework, id).await?;
            Ok(casework::report_rows(casework, Some(id)).await?)
        }
        Some(id) => Ok(vec![casework::report_row(casework, id).await?]),
    }
}

/// Ids of the approved reports whose sending was stopped, among those an argument names.
async fn stopped(casework: &Casework, named: &str) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for row in rows(casework, Some(named)).await? {
        let filing = casework::filing(casework, &row.id).await?;
        if row.status == "approved" && filing.is_some_and(|f| f.state == FilingState::Stopped) {
            found.push(row.id);
        }
    }
    Ok(found)
}

/// The id of the single report an argument names: the id itself, unchecked, or the only report of
/// the case that `fits`.
async fn one(
    casework: &Casework,
    named: &str,
    fits: impl Fn(&ReportRow) -> bool,
) -> anyhow::Result<String> {
    // The caller's next step checks whether the report exists and which state it is in.
    if !named.starts_with("case-") {
        return Ok(named.to_owned());
    }
    let all = rows(casework, Some(named)).await?;
    let states: Vec<_> = all
        .iter()
        .map(|r| format!("{} is {}", r.id, r.status))
        .collect();
    let found: Vec<_> = all.into_iter().filter(|r| fits(r)).collect();
    match found.as_slice() {
        [one] => Ok(one.id.clone()),
        // Exit code 5, not 2: the case was named correctly, its reports are in another state.
        [] if !states.is_empty() => Err(CaseworkError::conflict(format!(
            "{}; no report of {named} is waiting for this step",
            states.join(", ")
        ))
        .into()),
        [] => anyhow::bail!(
            "no such report of {named} is on record; `obhut report file {named} --destination NAME` makes one"
        ),
        several => {
            let ids: Vec<_> = several
                .iter()
                .map(|r| format!("{} ({})", r.id, r.destination))
                .collect();
            anyhow::bail!(usage!("{named} has several: {}; name one", ids.join(", ")))
        }
    }
}

pub(crate) fn status_json(row: &ReportRow, filing: Option<&Filing>) -> Value {
    let mut value = serde_json::to_value(row).expect("a report is JSON");
    value["report"] = row.id.as_str().into();
    value["filing"] = filing.map(|f| f.state.word()).into();
    value["number"] = filing
        .map(|f| f.remote.clone())
        .filter(|r| !r.is_empty())
        .into();
    value["filed_at"] = filing.and_then(|f| f.filed_at).map(rfc3339).into();
    value["receipt"] = filing.and_then(|f| f.receipt.clone()).into();
    value["why"] = filing.and_then(|f| f.why.clone()).into();
    value["host"] = filing
        .map(|f| f.host.clone())
        .filter(|h| !h.is_empty())
        .into();
    value["test"] = filing.map(|f| f.test).into();
    value
}

pub(crate) fn status_text(row: &ReportRow, filing: Option<&Filing>) -> String {
    let mut text = format!("{}  {} to {}", row.id, row.status, row.destination);
    if let Some(filing) = filing {
        text += &format!(", {}", filing.state);
        if filing.test {
            text += " with the test service only: nothing has been reported";
        }
        for more in [&filing.receipt, &filing.why].into_iter().flatten() {
            text += &format!(": {more}");
        }
    }
    text
}

fn beside(out: &Path, number: usize) -> PathBuf {
    let stem = out
        .file_stem()
        .map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    out.with_file_name(format!("{stem}.file-{number:03}.xml"))
}

/// A remark, labelled by whether it stops the report. It doesn't say "refused", because the
/// receiver would accept some reports that are stopped here.
fn labelled(remark: &forms::Remark) -> String {
    let does = if remark.stops { "stops it" } else { "remark" };
    format!("{does}: {remark}")
}
