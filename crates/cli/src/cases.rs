//! `obhut case` and `obhut report`: look, decide, appeal; draft, file, approve.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use obhut_casework::{CaseDetail, Category, DecisionRequest, Facts, Finding, Role, rfc3339};
use obhut_partners::destinations;
use serde_json::json;

use crate::args::{CaseCommand, ReportCommand};
use crate::input;
use crate::output::{Output, count};
use crate::setting::{Setting, acting, somebody};

/// Longest facts file, in bytes.
const FACTS_BYTES_MAX: u64 = 4 << 20;

pub async fn run(
    command: CaseCommand,
    setting: &Setting,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = setting.casework().await?;
    match command {
        CaseCommand::List { status } => {
            let cases = casework.cases(status).await?;
            if cases.is_empty() {
                output.remark("no case; `obhut screen` and the HTTP interface open one where they find something");
            }
            for case in &cases {
                output.line(
                    || serde_json::to_value(case).expect("a case is JSON"),
                    || {
                        format!(
                            "{}  {:<8} {}, opened {}",
                            case.id,
                            case.status.word(),
                            count(case.files as u64, "file", "files"),
                            rfc3339(case.opened_at)
                        )
                    },
                )?;
            }
        }
        CaseCommand::Show { case } => {
            casework.note(&somebody(), "case.show", &case, "").await?;
            let detail = casework.case(&case).await?;
            output.line(|| show(&detail), || describe(&detail))?;
        }
        CaseCommand::Decide {
            case,
            by,
            ruling,
            grounds,
            scale,
            category,
        } => {
            // Nobody gets a role for a case that isn't there.
            casework.case(&case).await?;
            let person = acting(&casework, Some(&by), Role::Reviewer, output).await?;
            let category = scale
                .zip(category)
                .map(|(scale, value)| Category { scale, value });
            let decision = casework
                .decide(
                    &case,
                    &person,
                    &DecisionRequest {
                        ruling,
                        grounds,
                        category,
                    },
                )
                .await?;
            output.line(
                || serde_json::to_value(&decision).expect("a decision is JSON"),
                || {
                    format!(
                        "{} decided {case}: {} ({})",
                        decision.name(),
                        decision.ruling(),
                        decision.id()
                    )
                },
            )?;
        }
        CaseCommand::Facts { case, from } => match from {
            Some(file) => {
                let bytes = input::read(&file, FACTS_BYTES_MAX)?;
                let facts = Facts::from_json(&bytes).with_context(|| file.display().to_string())?;
                casework.set_facts(&case, &facts, &somebody()).await?;
                output.line(
                    || json!({ "case": case, "facts": "set" }),
                    || format!("the facts of {case} are set"),
                )?;
            }
            None => {
                casework
                    .note(&somebody(), "case.facts.show", &case, "")
                    .await?;
                casework.case(&case).await?;
                let facts = serde_json::to_value(casework.facts(&case).await?)?;
                output.line(
                    || facts.clone(),
                    || serde_json::to_string_pretty(&facts).expect("facts are JSON"),
                )?;
            }
        },
        CaseCommand::Appeal { case, reason } => {
            let appeal = casework.file_appeal(&case, &reason, &somebody()).await?;
            output.line(
                || serde_json::to_value(&appeal).expect("an appeal is JSON"),
                || format!("{} filed; somebody who did not decide {case} decides it: obhut case decide-appeal {case} {} …", appeal.id, appeal.id),
            )?;
        }
        CaseCommand::DecideAppeal {
            case,
            appeal,
            by,
            outcome,
            grounds,
        } => {
            let person = acting(&casework, Some(&by), Role::Reviewer, output).await?;
            let appeal = casework
                .decide_appeal(&case, &appeal, &person, outcome, &grounds)
                .await?;
            output.line(
                || serde_json::to_value(&appeal).expect("an appeal is JSON"),
                || format!("{} {outcome} by {}", appeal.id, person.name),
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(detail: &CaseDetail) -> serde_json::Value {
    let findings: Vec<_> = detail
        .findings
        .iter()
        .map(|f| {
            let mut value = serde_json::to_value(f).expect("a finding is JSON");
            value["name"] = f.name.as_ref().map(|n| n.expose().clone()).into();
            value
        })
        .collect();
    let mut value = serde_json::to_value(&detail.case).expect("a case is JSON");
    value["account"] = detail
        .case
        .account
        .as_ref()
        .map(|a| a.expose().clone())
        .into();
    value["findings"] = findings.into();
    value["decisions"] = serde_json::to_value(&detail.decisions).expect("decisions are JSON");
    value["appeals"] = serde_json::to_value(&detail.appeals).expect("appeals are JSON");
    value
}

fn describe(detail: &CaseDetail) -> String {
    let mut text = format!(
        "{}  {}, opened {}",
        detail.case.id,
        detail.case.status,
        rfc3339(detail.case.opened_at)
    );
    if let Some(account) = &detail.case.account {
        text += &format!(", account {}", account.expose());
    }
    for f in &detail.findings {
        let name = f.name.as_ref().map_or("(no name)", |n| n.expose());
        let kept = f
            .exhibit
            .as_ref()
            .map_or_else(String::new, |e| format!(", exhibit {e}"));
        text += &match f.list.is_empty() {
            true => format!("\n  {name}: unreadable ({}){kept}", f.what),
            false => format!(
                "\n  {name}: {} {} at {}, {} bits{}{kept}",
                f.list,
                f.entry,
                f.kind,
                f.distance,
                category(f)
            ),
        };
    }
    for d in &detail.decisions {
        text += &format!("\n  {} decided {}: {}", d.name(), d.ruling(), d.grounds());
    }
    for a in &detail.appeals {
        let outcome = a.outcome.map_or("open", |o| o.word());
        text += &format!("\n  appeal {}: {outcome}", a.id);
    }
    if detail.decisions.is_empty() {
        text += &format!(
            "\nnext: obhut case decide {} --by NAME --ruling report|no-report --grounds …",
            detail.case.id
        );
    }
    text
}

fn category(f: &Finding) -> String {
    if f.category.is_empty() {
        String::new()
    } else {
        format!(", {} {}", f.scale, f.category)
    }
}

pub async fn report(
    command: ReportCommand,
    setting: &Setting,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = setting.casework().await?;
    match command {
        ReportCommand::Draft {
            case,
            destination,
            out,
            with_victims,
            by,
        } => {
            let destination = destinations::by_name(&destination).context("no such destination")?;
            let actor = match by {
                Some(name) => {
                    acting(&casework, Some(&name), Role::ReportingOfficer, output)
                        .await?
                        .id
                }
                None => somebody(),
            };
            let report = casework.report(&case, with_victims, &actor).await?;
            let rendered = (destination.render)(&report);
            write_private(&out, rendered.report.as_bytes())?;
            let mut files = Vec::new();
            for (number, file) in (1..).zip(&rendered.files) {
                let path = beside(&out, number);
                // The receiver gives the ids when the report is sent; 0 and "draft" stand for them.
                write_private(&path, file.with_ids(0, "draft").as_bytes())?;
                files.push(path);
            }
            for remark in &rendered.remarks {
                output.remark(&format!("remark: {remark}"));
            }
            output.line(
                || {
                    json!({
                        "case": case, "destination": destination.name, "out": out.to_string_lossy(),
                        "files": files.iter().map(|f| f.to_string_lossy()).collect::<Vec<_>>(),
                        "remarks": rendered.remarks.iter().map(ToString::to_string).collect::<Vec<_>>(),
                        "decided_by": report.decision.name(),
                    })
                },
                || format!("{} and {}; nothing was sent",
                        out.display(),
                        count(files.len() as u64, "document about a file", "documents about files")),
            )?;
        }
        ReportCommand::File { case, destination } => {
            let detail = casework.case(&case).await?;
            let decision = detail
                .decisions
                .last()
                .context("nobody has decided this case yet")?;
            let id = casework
                .file_report(decision, &destination, &somebody())
                .await?;
            output.line(
                || json!({ "report": id, "case": case, "destination": destination }),
                || format!("{id} filed; another person than {} approves it: obhut report approve {id} --by PERSON", decision.name()),
            )?;
        }
        ReportCommand::Approve { report, by } => {
            let person = acting(&casework, Some(&by), Role::ReportingOfficer, output).await?;
            let approval = casework.approve_report(&report, &person).await?;
            output.line(
                || serde_json::to_value(&approval).expect("an approval is JSON"),
                || format!("{report} approved by {}; it waits in the outbox (this version sends nothing yet)", approval.name),
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn beside(out: &Path, number: usize) -> PathBuf {
    let stem = out
        .file_stem()
        .map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    out.with_file_name(format!("{stem}.file-{number:03}.xml"))
}

/// Writes with mode 0600; an older file of that name is replaced, with its mode.
pub fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let fault = || format!("{} can't be written", path.display());
    let partial = path.with_file_name(format!(
        ".{}.{}.partial",
        path.file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        std::process::id()
    ));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&partial).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(e) = written.and_then(|()| fs::rename(&partial, path)) {
        let _ = fs::remove_file(&partial);
        return Err(e).with_context(fault);
    }
    Ok(())
}
