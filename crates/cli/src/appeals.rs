//! `obhut appeal`: files and decides appeals, makes notices, lists measures to reverse, and proves
//! erasure.

use std::process::ExitCode;

use anyhow::Context as _;
use obhut_app::casework::{self, Act, rfc3339};
use serde_json::json;

use crate::app_context::{AppContext, shell_user};
use crate::args::AppealCommand;
use crate::hints::usage;
use crate::output::Output;

// Long: one match arm per command.
pub async fn run(
    command: AppealCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    match command {
        AppealCommand::Open {
            case,
            code,
            reason,
            admitted_by,
        } => {
            let appeal = match (&case, &code) {
                // A notice's code identifies the case, so clap refuses a case and a code together.
                (_, Some(code)) => casework::appeal_by_code(&casework, code, &reason).await?,
                (Some(case), None) if admitted_by.is_some() => {
                    // Before `acting`, so that a mistyped id grants no role.
                    casework::case(&casework, case).await?;
                    let person = context
                        .acting(&casework, admitted_by.as_deref(), Act::AdmitAppeal)
                        .await?;
                    casework::admit_appeal(&casework, case, &reason, &person).await?
                }
                (Some(case), None) => {
                    casework::file_appeal(&casework, case, &reason, &shell_user()).await?
                }
                (None, None) => anyhow::bail!(usage!(
                    "name the case, or give the code of a notice with --code"
                )),
            };
            output.line(
                || serde_json::to_value(&appeal).expect("an appeal is JSON"),
                || {
                    format!(
                        "{} filed; someone other than the person who decided {} must decide it: obhut appeal decide {} --by PERSON --outcome upheld|rejected --grounds …",
                        appeal.id, appeal.case, appeal.id
                    )
                },
            )?;
        }
        AppealCommand::Decide {
            appeal,
            by,
            outcome,
            grounds,
        } => {
            // Before `acting`, so that a mistyped id grants no role.
            let case = casework::case_of_appeal(&casework, &appeal).await?;
            let person = context
                .acting(&casework, Some(&by), Act::DecideAppeal)
                .await?;
            let decided =
                casework::decide_appeal(&casework, &case, &appeal, &person, outcome, &grounds)
                    .await?;
            output.line(
                || serde_json::to_value(&decided).expect("an appeal is JSON"),
                || {
                    let next = match outcome.word() {
                        "upheld" => format!("; measures to reverse: obhut appeal restorations; the proof of erasure: obhut appeal proof {case}"),
                        _ => String::new(),
                    };
                    format!("{} {outcome} by {}{next}", decided.id, person.name)
                },
            )?;
        }
        AppealCommand::Show { appeal, by } => {
            // Before `acting`, so that a mistyped id grants no role.
            casework::case_of_appeal(&casework, &appeal).await?;
            let person = context
                .acting(&casework, Some(&by), Act::DecideAppeal)
                .await?;
            let (shown, reason) = casework::read_appeal(&casework, &appeal, &person).await?;
            output.line(
                || {
                    let mut value = serde_json::to_value(&shown).expect("an appeal is JSON");
                    value["reason"] = reason.expose().clone().into();
                    value
                },
                || {
                    format!(
                        "{}  {} since {}\n\n{}",
                        shown.id,
                        shown.case,
                        rfc3339(shown.filed_at),
                        reason.expose()
                    )
                },
            )?;
        }
        AppealCommand::List => {
            for appeal in casework::open_appeals(&casework).await? {
                output.line(
                    || serde_json::to_value(&appeal).expect("an appeal is JSON"),
                    || {
                        format!(
                            "{}  {} since {}",
                            appeal.id,
                            appeal.case,
                            rfc3339(appeal.filed_at)
                        )
                    },
                )?;
            }
        }
        AppealCommand::Notice {
            case,
            measure,
            language,
            contact,
            by,
        } => {
            // Before `acting`, so that a mistyped id grants no role.
            casework::case(&casework, &case).await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::MakeNotice)
                .await?;
            let notice =
                casework::make_notice(&casework, &case, measure, language, &contact, &person)
                    .await?;
            output.line(
                || serde_json::to_value(&notice).expect("a notice is JSON"),
                || notice.text.clone(),
            )?;
        }
        AppealCommand::Restorations { done, by } => match done {
            Some(id) => {
                let person = context
                    .acting(&casework, by.as_deref(), Act::RestoreAccount)
                    .await?;
                // An unknown id is refused here, and then the role is taken back
                // (AppContext::conclude).
                casework::finish_restoration(&casework, &id, &person).await?;
                output.line(
                    || json!({ "restoration": id, "done": true }),
                    || format!("{id} is done"),
                )?;
            }
            None => {
                for one in casework::restorations(&casework, false).await? {
                    let account = one.account.as_ref().map(|a| a.expose().clone());
                    output.line(
                        || {
                            let mut value =
                                serde_json::to_value(&one).expect("a restoration is JSON");
                            value["account"] = account.clone().into();
                            value
                        },
                        || {
                            let account = account.as_deref().unwrap_or("(no account named)");
                            format!("{}  {} of {account}, {}", one.id, one.what, one.case)
                        },
                    )?;
                }
            }
        },
        AppealCommand::Proof { case } => {
            let proof = casework::erasure_proof(&casework, &case).await?;
            let value = serde_json::to_value(&proof).context("a proof is JSON")?;
            output.line(
                || value.clone(),
                || serde_json::to_string_pretty(&value).expect("a proof is JSON"),
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
