//! `obhut list`: import, sign, show and dispute hash lists.

use std::process::ExitCode;

use obhut_app::casework::{Act, Action, Purpose};
use obhut_app::media::{self, CheckedList, HashList, Import, ListSettings};
use serde_json::json;

use crate::app_context::{AppContext, shell_user};
use crate::args::ListCommand;
use crate::input;
use crate::output::{Output, count};

/// Problems shown one by one on a terminal. Our judgement.
const PROBLEMS_SHOWN_MAX: usize = 20;
/// Longest list file, in bytes. Our judgement.
pub const FILE_BYTES_MAX: u64 = 4 << 30;

// Long: one match arm per command.
pub async fn run(
    command: ListCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match command {
        ListCommand::Import {
            name,
            owner,
            purpose,
            basis,
            action,
            file,
        } => {
            // Before the data folder is opened, so that a mistyped path creates none.
            let csv = input::read(&file, FILE_BYTES_MAX)?;
            // Known-harmless material must not stop an upload. On any other match the upload is
            // held, and a person can lift a hold.
            let default = if purpose == Purpose::KnownHarmless {
                Action::Pass
            } else {
                Action::Hold
            };
            let settings = ListSettings {
                name,
                owner,
                purpose,
                basis,
                action: action.unwrap_or(default),
            };
            let casework = context.casework().await?;
            let bar = output.progress("list, being read and sealed");
            let import = media::import_list(&casework, &settings, &csv, &shell_user()).await?;
            bar.finish_and_clear();
            report(&import, &file, output)?;
        }
        ListCommand::Add { name, file } => {
            let csv = input::read(&file, FILE_BYTES_MAX)?;
            let casework = context.casework().await?;
            let import = media::add_entries(&casework, &name, &csv, &shell_user()).await?;
            report(&import, &file, output)?;
        }
        ListCommand::Distance { name, distance, by } => {
            let casework = context.casework().await?;
            // Before `acting`, so that a mistyped name grants no role.
            media::list(&casework, &name).await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::CurateLists)
                .await?;
            let list = media::set_list_distance(&casework, &name, distance, &person.id).await?;
            output.line(|| show(&list), || describe(&list))?;
        }
        ListCommand::Sign { name, by } => {
            let casework = context.casework().await?;
            // Before `acting`, so that a mistyped name grants no role.
            media::list(&casework, &name).await?;
            let person = context.acting(&casework, Some(&by), Act::SignList).await?;
            let list = media::sign_list(&casework, &name, &person).await?;
            output.line(|| show(&list), || describe(&list))?;
        }
        ListCommand::Vote {
            name,
            entry,
            reason,
            by,
        } => {
            let casework = context.casework().await?;
            // Before `acting`, so that a mistyped name grants no role.
            media::list(&casework, &name).await?;
            let person = context
                .acting(&casework, Some(&by), Act::CurateLists)
                .await?;
            match reason {
                Some(reason) => {
                    media::propose_vote(&casework, &name, &entry, reason, &person).await?;
                }
                None => media::approve_vote(&casework, &name, &entry, &person).await?,
            }
            output.line(
                || json!({ "list": name, "entry": entry, "approved": reason.is_none() }),
                || match reason {
                    Some(reason) => format!("{entry} of \"{name}\": {reason}; another person approves it"),
                    None => format!("{entry} of \"{name}\": approved; `obhut list votes --json` gives what to pass on"),
                },
            )?;
        }
        ListCommand::Votes => {
            let casework = context.casework().await?;
            for vote in media::votes(&casework).await? {
                let state = match vote.approved_at {
                    Some(_) => "approved",
                    None => "waits for another person's approval",
                };
                output.line(
                    || serde_json::to_value(&vote).expect("a vote is JSON"),
                    || {
                        format!(
                            "{}: {} of \"{}\": {} ({state})",
                            vote.owner, vote.entry, vote.list, vote.reason
                        )
                    },
                )?;
            }
        }
        ListCommand::Disable {
            name,
            entry,
            reason,
            by,
        } => {
            let casework = context.casework().await?;
            // Before `acting`, so that a mistyped name grants no role.
            media::list(&casework, &name).await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::CurateLists)
                .await?;
            media::dispute_entry(&casework, &name, &entry, &reason, &person.id).await?;
            output.line(
                || json!({ "list": name, "entry": entry, "disabled": true }),
                || {
                    format!(
                        "{entry} of \"{name}\" no longer matches; `obhut list enable` lifts this"
                    )
                },
            )?;
        }
        ListCommand::Enable { name, entry, by } => {
            let casework = context.casework().await?;
            // Before `acting`, so that a mistyped name grants no role.
            media::list(&casework, &name).await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::CurateLists)
                .await?;
            media::lift_dispute(&casework, &name, &entry, &person.id).await?;
            output.line(
                || json!({ "list": name, "entry": entry, "disabled": false }),
                || format!("{entry} of \"{name}\" matches again"),
            )?;
        }
        ListCommand::Show { name } => {
            let casework = context.casework().await?;
            let mut lists = media::checked_lists(&casework).await?;
            if let Some(name) = name {
                // Fails for an unknown name, with a hint; printing nothing would not explain why.
                media::list(&casework, &name).await?;
                lists.retain(|l| l.list.name == name);
            }
            if lists.is_empty() {
                output.remark("no list is on record yet; `obhut list import` makes one");
            }
            let mut faulty = false;
            for CheckedList { list, fault } in &lists {
                output.line(|| show(list), || describe(list))?;
                if let Some(fault) = fault {
                    output.remark(&format!("\"{}\": {fault}", list.name));
                    faulty = true;
                }
            }
            if faulty {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(list: &HashList) -> serde_json::Value {
    serde_json::to_value(list).expect("a list is JSON")
}

fn describe(list: &HashList) -> String {
    let state = match (list.unsigned, &list.matching_version) {
        (false, _) => format!("signed by {}", list.signatures.join(" and ")),
        (true, None) => format!(
            "unsigned ({} of 2 signatures), so matches are only counted ({} so far); `obhut list sign \"{}\" --by PERSON`",
            list.signatures.len(),
            list.hits_counted,
            list.name
        ),
        // A version is a SHA-256: twelve hex digits are enough for a person; --json has them all.
        (true, Some(older)) => format!(
            "newest version unsigned ({} of 2 signatures); version {} continues to match",
            list.signatures.len(),
            &older[..12]
        ),
    };
    format!(
        "{}: purpose {}, from {}, {}, version {}, action {}; {state}{}",
        list.name,
        list.purpose,
        list.owner,
        count(list.entries, "entry", "entries"),
        &list.version[..12.min(list.version.len())],
        list.action,
        if list.disabled > 0 {
            format!("; {} disabled", count(list.disabled, "entry", "entries"))
        } else {
            String::new()
        },
    )
}

fn report(import: &Import, file: &std::path::Path, output: &Output) -> anyhow::Result<()> {
    // Row numbers, never content: digests of a list must not reach a terminal (docs/handling.md).
    for problem in import.problems.iter().take(PROBLEMS_SHOWN_MAX) {
        output.remark(&format!("{}: {problem}", file.display()));
    }
    if import.problems.len() > PROBLEMS_SHOWN_MAX {
        output.remark(&format!(
            "… and {} more rows; --json names all",
            import.problems.len() - PROBLEMS_SHOWN_MAX
        ));
    }
    output.line(
                    || json!({ "list": show(&import.list), "new_version": import.new_version, "problems": import.problems }),
                    || {
                        let what = if import.new_version { "imported" } else { "this file is already on record" };
                        let left_out = match import.problems.len() as u64 {
                            0 => String::new(),
                            n => format!(", {} left out", count(n, "row", "rows")),
                        };
                        format!(
                            "{}
    {what}: {}{left_out}",
                            describe(&import.list),
                            count(import.list.entries, "entry", "entries")
                        )
                    },
                )
}
