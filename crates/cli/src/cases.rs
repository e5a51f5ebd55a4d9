//! `obhut case`: opens, lists, shows and decides cases; sets their facts and embargo.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use base64::Engine as _;
use obhut_app::casework::{
    self, Act, AlsoDecided, CASE_FILE_BYTES_MAX, CaseDetail, CaseFile, Casework, Category,
    DecisionRequest, Embargo, Facts, Finding, NewCase, rfc3339,
};
use serde_json::json;

use crate::app_context::{AppContext, shell_user};
use crate::args::CaseCommand;
use crate::hints::usage;
use crate::input;
use crate::output::{Output, count, one_line};

/// Longest facts file, in bytes. Our judgement.
const FACTS_BYTES_MAX: u64 = 4 << 20;
/// Longest file of a case, in bytes. Our judgement.
const EXHIBIT_BYTES_MAX: u64 = 256 << 20;

// Long: one match arm per command.
pub async fn run(
    command: CaseCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    // Before the data folder is opened: printing the schema must not create one.
    if let CaseCommand::New { schema: true, .. } = command {
        std::io::Write::write_fmt(
            &mut std::io::stdout().lock(),
            format_args!("{}\n", CaseFile::schema()),
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    let casework = context.casework().await?;
    match command {
        CaseCommand::New { from, .. } => {
            let path = from.context(usage!("name the case file with --from"))?;
            let made = new(&casework, &path).await?;
            let kept = made.exhibits.iter().flatten().count();
            output.line(
                || serde_json::to_value(&made).expect("a case is JSON"),
                || {
                    format!(
                        "{} opened, {} sealed; next: obhut report check {} --destination ncmec",
                        made.case,
                        count(kept as u64, "file", "files"),
                        made.case
                    )
                },
            )?;
        }
        CaseCommand::List { status } => {
            let cases = casework::cases(&casework, status).await?;
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
            // Before anything is shown: after a crash the audit trail may have a view that didn't
            // happen, but it never lacks one that did.
            casework::note(&casework, &shell_user(), "case.show", &case, "").await?;
            let detail = casework::case(&casework, &case).await?;
            output.line(|| show(&detail), || describe(&detail))?;
            let exhibits: BTreeSet<_> = detail
                .findings
                .iter()
                .filter_map(|f| f.exhibit.as_ref())
                .collect();
            for exhibit in exhibits {
                for e in casework::earlier_decisions(&casework, &case, exhibit).await? {
                    let at = rfc3339(e.decided_at);
                    output.line(
                        || json!({ "exhibit": exhibit, "same_bytes_in": e.case, "ruling": e.ruling.word(), "decided_at": at }),
                        || format!("the bytes of {exhibit} are also in {}, decided {} on {at}", e.case, e.ruling),
                    )?;
                }
            }
            for (exhibit, seen) in obhut_app::seen_before(&casework, &case).await? {
                let how = if seen.same_bytes {
                    "has the same bytes as"
                } else {
                    "looks like"
                };
                output.line(
                    || json!({ "exhibit": exhibit, "seen_before": seen }),
                    || {
                        format!(
                            "{exhibit} {how} {} of {}, which {} viewed whole and decided {} on {}",
                            seen.exhibit,
                            seen.case,
                            seen.name,
                            seen.ruling,
                            rfc3339(seen.decided_at)
                        )
                    },
                )?;
            }
            for row in casework::report_rows(&casework, Some(&case)).await? {
                let filing = casework::filing(&casework, &row.id).await?;
                output.line(
                    || crate::reports::status_json(&row, filing.as_ref()),
                    || crate::reports::status_text(&row, filing.as_ref()),
                )?;
            }
            for made in casework::determinations(&casework, &case).await? {
                output.line(
                    || json!({ "determination": made }),
                    || {
                        format!(
                            "{} determined {}: {} ({})",
                            made.name,
                            made.question,
                            made.texts().join("; "),
                            one_line(&made.grounds)
                        )
                    },
                )?;
            }
            for asked in casework::information_requests(&casework, &case).await? {
                let wanted: Vec<_> = asked.wanted.iter().map(|w| w.word()).collect();
                let state = match &asked.ended_because {
                    Some(because) => format!("ended: {}", one_line(because)),
                    None => format!("due {}", rfc3339(asked.due_at)),
                };
                output.line(
                    || json!({ "request": asked }),
                    || {
                        format!(
                            "{}  the platform was asked for {}, {state}",
                            asked.id,
                            wanted.join(", ")
                        )
                    },
                )?;
            }
            for alert in obhut_app::payments::alerts_of_case(&casework, &case).await? {
                output.line(
                    || serde_json::json!({ "alert": alert }),
                    || {
                        format!(
                            "alert {}: {}, {} of 100, {}; `obhut payments alert {}` shows it",
                            alert.id, alert.scenario, alert.score, alert.state, alert.id
                        )
                    },
                )?;
            }
        }
        CaseCommand::Decide {
            case,
            by,
            ruling,
            grounds,
            scale,
            category,
            file_category,
            files,
            same_bytes,
        } => {
            // Before `acting`, so that a mistyped id grants no role.
            casework::case(&casework, &case).await?;
            let person = context
                .acting(&casework, Some(&by), Act::DecideCase)
                .await?;
            let category = scale
                .zip(category)
                .map(|(scale, value)| Category { scale, value });
            let request = DecisionRequest {
                ruling,
                grounds,
                category,
            };
            let categories = file_category.into_iter().collect();
            let (decision, also) = if same_bytes {
                let (decision, also) = casework::decide_with_same_bytes(
                    &casework, &case, &person, &request, categories, files,
                )
                .await?;
                (decision, Some(also))
            } else {
                let decision =
                    casework::decide_seen(&casework, &case, &person, &request, categories, files);
                (decision.await?, None)
            };
            output.line(
                || {
                    let mut value = serde_json::to_value(&decision).expect("a decision is JSON");
                    if let Some(also) = &also {
                        value["also_decided"] = also.decided.clone().into();
                        value["left_open"] = also.left.clone().into();
                        value["more"] = also.more.into();
                    }
                    value
                },
                || {
                    let mut text = format!(
                        "{} decided {case}: {} ({})",
                        decision.name(),
                        decision.ruling(),
                        decision.id()
                    );
                    if let Some(also) = &also {
                        text += &of_the_same_bytes(also);
                    }
                    text
                },
            )?;
        }
        CaseCommand::Determine {
            case,
            question,
            answer,
            grounds,
            by,
        } => {
            casework::case(&casework, &case).await?;
            let person = context.acting(&casework, Some(&by), Act::Determine).await?;
            let made =
                casework::determine(&casework, &case, &person, question, &answer, &grounds).await?;
            output.line(
                || serde_json::to_value(&made).expect("a determination is JSON"),
                || {
                    format!(
                        "{} determined for {case}: {}",
                        made.name,
                        made.texts().join("; ")
                    )
                },
            )?;
        }
        CaseCommand::Ask {
            case,
            wanted,
            due,
            by,
        } => {
            casework::case(&casework, &case).await?;
            let due_at = crate::routes::time(&due)?;
            let person = context
                .acting(&casework, Some(&by), Act::AskPlatform)
                .await?;
            let id = casework::ask_platform(&casework, &case, &wanted, due_at, &person).await?;
            output.line(
                || json!({ "request": id }),
                || format!("{id}: a running `obhut serve` asks the platform, which answers with POST /v1/information/{id}"),
            )?;
        }
        CaseCommand::Facts { case, from } => match from {
            Some(file) => {
                let bytes = input::read(&file, FACTS_BYTES_MAX)?;
                let facts = Facts::from_json(&bytes).with_context(|| file.display().to_string())?;
                casework::set_facts(&casework, &case, &facts, &shell_user()).await?;
                output.line(
                    || json!({ "case": case, "facts": "set" }),
                    || format!("the facts of {case} are set"),
                )?;
            }
            None => {
                // Before anything is shown, as in `case show`.
                casework::note(&casework, &shell_user(), "case.facts.show", &case, "").await?;
                casework::case(&casework, &case).await?;
                let facts = serde_json::to_value(casework::facts(&casework, &case).await?)?;
                output.line(
                    || facts.clone(),
                    || serde_json::to_string_pretty(&facts).expect("facts are JSON"),
                )?;
            }
        },
        CaseCommand::Views { case } => {
            let detail = casework::case(&casework, &case).await?;
            let exhibits: BTreeSet<_> = detail
                .findings
                .iter()
                .filter_map(|f| f.exhibit.as_ref())
                .collect();
            for exhibit in exhibits {
                for view in casework::views(&casework, exhibit).await? {
                    let person = casework::person(&casework, &view.person).await?;
                    output.line(
                        || {
                            let mut value = serde_json::to_value(&view).expect("a view is JSON");
                            value["exhibit"] = exhibit.as_str().into();
                            value["name"] = person.name.as_str().into();
                            value
                        },
                        || {
                            let at = rfc3339(view.viewed_at);
                            format!(
                                "{exhibit}  {} saw {} at {at}: {}",
                                person.name, view.extent, view.purpose
                            )
                        },
                    )?;
                }
            }
        }
        CaseCommand::Embargo {
            case,
            until,
            authority,
            lift,
            reason,
            by,
        } => {
            // Before `acting`, so that a mistyped id grants no role.
            casework::case(&casework, &case).await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::SetEmbargo)
                .await?;
            let embargo = Embargo { until, authority };
            let given = (!lift).then_some(&embargo);
            // `set_embargo` refuses an empty reason; the authority that ordered the embargo serves
            // as the reason.
            let reason = match (reason.is_empty(), &embargo.authority) {
                (true, Some(authority)) => authority.clone(),
                _ => reason,
            };
            casework::set_embargo(&casework, &case, given, &reason, &person).await?;
            output.line(
                || json!({ "case": case, "embargo": !lift }),
                || match lift {
                    true => format!("{case} is no longer under embargo"),
                    false => format!(
                        "{case} is under embargo: nothing about it reaches the person concerned"
                    ),
                },
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens a case from its case file and the files it names.
async fn new(casework: &Casework, path: &Path) -> anyhow::Result<NewCase> {
    let json = input::read(path, CASE_FILE_BYTES_MAX as u64)?;
    let file = CaseFile::from_json(&json).with_context(|| path.display().to_string())?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut contents = Vec::new();
    for (number, item) in file.files.iter().enumerate() {
        contents.push(match (&item.path, &item.content) {
            (Some(_), Some(_)) => {
                anyhow::bail!(usage!("files[{number}] has both a path and content; give one of them"))
            }
            (Some(name), None) => {
                // Case files may come from other parties: a path must not reach files outside the
                // case file's folder.
                let inside = Path::new(name).components().all(|c| matches!(c, std::path::Component::Normal(_) | std::path::Component::CurDir));
                anyhow::ensure!(inside, usage!("files[{number}].path leads out of the case file's folder; put the file inside that folder"));
                Some(input::read(&folder.join(name), EXHIBIT_BYTES_MAX)?)
            }
            (None, Some(text)) => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim());
                Some(
                    bytes
                        .ok()
                        .with_context(|| usage!("files[{number}].content isn't valid base64"))?,
                )
            }
            (None, None) => None,
        });
    }
    Ok(casework::new_case(casework, &file, contents, &shell_user()).await?)
}

fn show(detail: &CaseDetail) -> serde_json::Value {
    let findings: Vec<_> = detail
        .findings
        .iter()
        .map(|f| {
            let mut value = serde_json::to_value(f).expect("a finding is JSON");
            // Serde omits sealed names, so every place that shows one is explicit in the code.
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
    if detail.case.embargoed {
        text += ", under embargo";
    }
    if let Some(account) = &detail.case.account {
        text += &format!(", account {}", one_line(account.expose()));
    }
    for f in &detail.findings {
        let name = f
            .name
            .as_ref()
            .map_or_else(|| "(no name)".to_owned(), |n| one_line(n.expose()));
        let kept = f
            .exhibit
            .as_ref()
            .map_or_else(String::new, |e| format!(", exhibit {e}"));
        text += &match f.matched.list.is_empty() {
            true if f.what == "given" => format!("\n  {name}: added with the case{kept}"),
            true if f.what == "as-received" => format!("\n  {name}{kept}"),
            true => format!("\n  {name}: unreadable ({}){kept}", f.what),
            false => format!(
                "\n  {name}: {} {} at {}, {} bits{}{kept}",
                f.matched.list,
                f.matched.entry,
                f.matched.kind,
                f.matched.distance,
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
    if f.matched.category.is_empty() {
        String::new()
    } else {
        format!(", {} {}", f.matched.scale, f.matched.category)
    }
}

/// What was done with other cases that have the same bytes, as further lines of output.
fn of_the_same_bytes(also: &AlsoDecided) -> String {
    let mut text = match also.decided.len() {
        0 => "\nno other open case has these bytes and nothing else".to_owned(),
        1 => format!("\nalso decided: {}", also.decided[0]),
        n => format!("\nalso decided: {n} cases with the same bytes"),
    };
    if !also.left.is_empty() {
        text += &format!(
            "\nleft open, because they contain other files or have changed in the meantime: {}",
            also.left.join(", ")
        );
    }
    if also.more {
        text += "\nthere are more; give the same command again";
    }
    text
}
