//! `vault accept`: what differs between rows and log, and two people's word that it stays so.

use std::process::ExitCode;

use obhut_app::casework::{self, Differences};
use serde_json::json;

use crate::app_context::AppContext;
use crate::output::{Output, count};

pub async fn run(
    code: Option<String>,
    reason: Option<String>,
    by: Option<String>,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.existing().await?;
    let Some(code) = code else {
        let found = casework::differences(&casework).await?;
        output.line(|| json!({ "differences": found }), || named(&found))?;
        return Ok(ExitCode::SUCCESS);
    };
    // Of people who have the role already: an unknown name mustn't become the second person here.
    let person = casework::person(&casework, &by.unwrap_or_default()).await?;
    let because = reason.unwrap_or_default();
    let accepted = casework::accept_differences(&casework, &code, &because, &person).await?;
    output.line(
        || json!({ "accepted": accepted }),
        || match accepted.accepted_by.len() {
            0 | 1 => format!(
                "{} accepts it; a second person has to accept it, too: obhut vault accept {code} --reason TEXT --by PERSON",
                person.name
            ),
            _ => format!(
                "accepted by {}: the rows are taken as they are, and `obhut verify` remarks on it",
                accepted.accepted_by.join(" and ")
            ),
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

fn named(found: &Differences) -> String {
    if found.code.is_empty() {
        return "the database's rows agree with the vault's log; there is nothing to accept".into();
    }
    let lines = found.problems.iter();
    let lines: Vec<_> = lines.map(|p| format!("{}: {}", p.place, p.what)).collect();
    let by = match found.accepted_by.is_empty() {
        true => String::new(),
        false => format!("\naccepted so far by {}", found.accepted_by.join(", ")),
    };
    format!(
        "{}\nthe rows as they are now:\n  {}\n{} between the database and the vault's log. Find out who changed the rows, and put them back if you can (from a backup). If they have to stay as they are, two administrators say so: obhut vault accept {} --reason TEXT --by PERSON{by}",
        lines.join("\n"),
        found.rows.join("\n  "),
        count(lines.len() as u64, "difference", "differences"),
        found.code
    )
}
