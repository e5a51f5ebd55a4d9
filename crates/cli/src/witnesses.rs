//! `obhut vault witness`: those who cosign this vault's log.

use std::process::ExitCode;
use std::sync::Arc;

use obhut_app::casework::{self, Act, Cosigned, WitnessKey, rfc3339};
use obhut_app::partners::destinations;
use obhut_app::partners::http::Http;
use obhut_app::partners::witnessing::{self, Asked, WITNESS_TIME_MAX};
use serde_json::json;

use crate::app_context::{AppContext, shell_user};
use crate::args::WitnessesCommand;
use crate::hints::usage;
use crate::output::Output;

pub async fn run(
    command: WitnessesCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.existing().await?;
    match command {
        WitnessesCommand::Add { url, key, by } => {
            destinations::check_signer(&url)?;
            let key = WitnessKey::from_text(&crate::witness::key_of(&key)?)
                .map_err(|e| usage!("--key: {e}"))?;
            let person = context
                .acting(&casework, by.as_deref(), Act::SetWitnesses)
                .await?;
            let witness = casework::add_witness(&casework, &url, &key, &person).await?;
            output.remark(&format!(
                "{} is on record and is asked from now on",
                witness.name
            ));
            casework::seal_rows(&casework).await?;
            let answer = witnessing::ask_and_keep(&casework, &client(), &witness).await?;
            return answered(&[Asked { witness, answer }], output);
        }
        WitnessesCommand::Ask => {
            casework::seal_rows(&casework).await?;
            let asked = witnessing::ask_all(&casework, &client(), false).await?;
            if asked.is_empty() {
                output.remark("no witness is on record; `obhut vault witness add` names one");
            }
            return answered(&asked, output);
        }
        WitnessesCommand::List => {
            casework::note(&casework, &shell_user(), "witness.list", "vault", "").await?;
            let witnesses = casework::witnesses(&casework).await?;
            if witnesses.is_empty() {
                output.remark("no witness yet; `obhut vault witness add` names one");
            }
            for witness in &witnesses {
                let last = casework::last_cosigned(&casework, witness);
                output.line(
                    || {
                        let last = last.as_ref().ok().and_then(Option::as_ref);
                        json!({ "witness": witness.name, "url": witness.url, "key": witness.key.text(), "asked": witness.is_asked,
                                "size": last.map(|c| c.head.size), "cosigned_at": last.map(seen_at) })
                    },
                    || {
                        let asked = if witness.is_asked { "" } else { "  not asked any more" };
                        let last = match &last {
                            Ok(Some(last)) => format!("{} entries, {}", last.head.size, seen_at(last)),
                            Ok(None) => "nothing cosigned yet".to_owned(),
                            Err(e) => e.to_string(),
                        };
                        format!("{}  {}  {last}{asked}", witness.name, witness.url)
                    },
                )?;
            }
        }
        WitnessesCommand::Stop { name, reason, by } => {
            let person = context
                .acting(&casework, by.as_deref(), Act::SetWitnesses)
                .await?;
            casework::stop_witness(&casework, &name, &reason, &person).await?;
            output.line(
                || json!({ "witness": name, "asked": false }),
                || format!("{name} isn't asked any more; what it has cosigned stays on record"),
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn seen_at(cosigned: &Cosigned) -> String {
    rfc3339(cosigned.at.saturating_mul(1_000_000))
}

/// A client that waits as long as a witness may take.
pub fn client() -> Arc<Http> {
    Arc::new(Http::within(WITNESS_TIME_MAX))
}

/// Says what witnesses have answered. Exit code 1 if one hasn't cosigned.
fn answered(asked: &[Asked], output: &Output) -> anyhow::Result<ExitCode> {
    for asked in asked {
        output.line(|| said_as_json(asked), || said(asked))?;
    }
    Ok(match asked.iter().all(|a| a.answer.is_ok()) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// What a witness has answered, in words.
pub fn said(asked: &Asked) -> String {
    let name = &asked.witness.name;
    match &asked.answer {
        Ok(c) => format!(
            "{name} has cosigned {} entries, {}",
            c.head.size,
            seen_at(c)
        ),
        Err(fault) => format!("{name} hasn't cosigned: {fault}"),
    }
}

/// The same as JSON.
pub fn said_as_json(asked: &Asked) -> serde_json::Value {
    let name = &asked.witness.name;
    match &asked.answer {
        Ok(c) => json!({ "witness": name, "size": c.head.size, "cosigned_at": seen_at(c) }),
        Err(fault) => json!({ "witness": name, "refused": fault.to_string() }),
    }
}
