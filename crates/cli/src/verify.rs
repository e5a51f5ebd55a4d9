//! `obhut verify`: compares everything on record with the vault's log, and writes nothing.

use std::process::ExitCode;

use obhut_app::casework::{self, Casework, Verified};
use obhut_app::partners::witnessing::{self, Asked};
use serde_json::json;

use crate::app_context::AppContext;
use crate::args::VerifyArgs;
use crate::hints::usage;
use crate::input;
use crate::output::{Output, count};
use crate::witnesses::{self, said, said_as_json};

/// Leftovers named on a terminal. Our judgement.
const LEFTOVERS_SHOWN_MAX: usize = 50;
/// Longest file with a key or a checkpoint, in bytes. Our judgement.
const FILE_BYTES_MAX: u64 = 16 << 10;

/// What was kept apart from the data folder.
#[derive(Default)]
pub struct Trust {
    log_key: Option<String>,
    checkpoint: Option<Vec<u8>>,
    ask_witnesses: bool,
}

pub async fn run(
    args: VerifyArgs,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let trust = Trust::of(&args)?;
    compare(&context.as_it_is().await?, trust, output).await
}

impl Trust {
    /// Reads the files that were kept apart.
    pub fn of(args: &VerifyArgs) -> anyhow::Result<Self> {
        let mut trust = Self {
            ask_witnesses: args.ask_witnesses,
            ..Self::default()
        };
        if let Some(file) = &args.log_key {
            let given = String::from_utf8(input::read(file, FILE_BYTES_MAX)?).unwrap_or_default();
            anyhow::ensure!(
                given.trim().contains('+'),
                usage!("{} holds no public key of a log", file.display())
            );
            trust.log_key = Some(given.trim().to_owned());
        }
        if let Some(file) = &args.at_least {
            trust.checkpoint = Some(input::read(file, FILE_BYTES_MAX)?);
        }
        Ok(trust)
    }
}

/// Compares a data folder with its log, and says what it found.
pub async fn compare(
    casework: &Casework,
    trust: Trust,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let key = casework::vault_key(casework);
    let refused = |place: &str, what: &str| -> anyhow::Result<ExitCode> {
        output.line(
            || json!({ "ok": false, "problems": [{ "place": place, "what": what }], "key": key }),
            || format!("1 PROBLEM\n  {place}: {what}"),
        )?;
        Ok(ExitCode::FAILURE)
    };
    if trust
        .log_key
        .as_ref()
        .is_some_and(|given| given != key.trim())
    {
        let what = "isn't the key given: this log is another vault's, or was rebuilt";
        return refused("log/key", what);
    }
    if let Some(checkpoint) = &trust.checkpoint
        && let Err(e) = casework::expect_checkpoint(casework, checkpoint)
    {
        return refused("--at-least", &e.to_string());
    }
    let bar = output.progress("vault, being compared with its log");
    let verified = casework::verify_as_it_is(casework).await;
    bar.finish_and_clear();
    let mut verified = verified?;
    let asked = match trust.ask_witnesses {
        true => ask_witnesses(casework, &mut verified).await?,
        false => Vec::new(),
    };
    let problems = &verified.vault.problems;
    let is_known = trust.log_key.is_some() || verified.with_keys;
    output.line(
        || {
            json!({ "ok": problems.is_empty(), "remarks": verified.vault.remarks, "entries": verified.vault.entries, "exhibits": verified.vault.exhibits, "rows": verified.rows, "waiting": verified.waiting, "unopened": verified.vault.unopened, "log_key_known": is_known, "with_private_keys": verified.with_keys, "problems": problems, "leftovers": verified.vault.leftovers, "key": key,
                    "witnesses": asked.iter().map(said_as_json).collect::<Vec<_>>() })
        },
        || {
            let witnesses: String = asked.iter().map(|a| format!("\n{}", said(a))).collect();
            text(&verified, is_known) + &witnesses
        },
    )?;
    // Leftovers alone are fine: an intake that was cut off before it was acknowledged leaves them.
    Ok(match problems.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Asks the witnesses on record; those that have seen another history are problems. Nothing is kept.
async fn ask_witnesses(casework: &Casework, verified: &mut Verified) -> anyhow::Result<Vec<Asked>> {
    let http = witnesses::client();
    let mut asked = Vec::new();
    for witness in casework::witnesses(casework).await? {
        if !witness.is_asked {
            continue;
        }
        let answer = witnessing::ask(casework, &http, &witness).await?;
        if let Err(fault) = &answer {
            let place = format!("witness {}", witness.name);
            let what = fault.to_string();
            match fault.is_of_history() {
                true => verified.vault.add_problem(place, what),
                false => verified
                    .vault
                    .add_remark(place, format!("has seen nothing: {what}")),
            }
        }
        asked.push(Asked { witness, answer });
    }
    Ok(asked)
}

fn text(verified: &Verified, is_known: bool) -> String {
    let seen = &verified.vault;
    let mut text = format!(
        "{}, {} and {} compared: ",
        count(seen.entries, "entry", "entries"),
        count(seen.exhibits, "exhibit", "exhibits"),
        count(verified.rows, "row", "rows")
    );
    if seen.problems.is_empty() {
        text += "everything agrees with the log";
        if verified.waiting > 0 {
            text += &format!("; {} more are noted and not in it yet", verified.waiting);
        }
    } else {
        text += &count(seen.problems.len() as u64, "PROBLEM", "PROBLEMS");
        for p in &seen.problems {
            text += &format!("\n  {}: {}", p.place, p.what);
        }
        let of_witnesses = seen
            .problems
            .iter()
            .all(|p| p.place.starts_with("witness "));
        text += if of_witnesses {
            "\nfind out which copy of the data folder holds the newest record, and change nothing in this one"
        } else {
            "\nchange nothing by hand: restore what is damaged or missing from a backup, have removed what isn't obhut's, then verify again; rows that can't be restored are taken as they are with `obhut vault accept`"
        };
    }
    for remark in seen.remarks.iter().take(LEFTOVERS_SHOWN_MAX) {
        text += &format!("\nnote: {} {}", remark.place, remark.what);
    }
    if seen.remarks.len() > LEFTOVERS_SHOWN_MAX {
        text += "\nnote: … and more; --json names all";
    }
    if seen.unopened > 0 {
        text += &format!(
            "\n{} of an older version can only be compared with the private keys",
            count(seen.unopened, "record", "records")
        );
    }
    if is_known && !verified.with_keys {
        text += "\nthe log is the one whose key was given; that a row was exchanged for another one in the database is seen only with the private keys";
    }
    if !is_known {
        text += "\nthis finds damage, not forgery: the private keys can't be read or used, and the log's public key was read from the folder itself; keep a copy of vault/log/key elsewhere, and name it with --log-key";
    }
    if !seen.leftovers.is_empty() {
        text += &format!(
            "\n{} named by no entry: probably left by what was cut off before it was acknowledged; nothing refers to them, and `obhut vault clean` deletes those older than a day:",
            count(seen.leftovers.len() as u64, "file is", "files are")
        );
        for name in seen.leftovers.iter().take(LEFTOVERS_SHOWN_MAX) {
            text += &format!("\n  {name}");
        }
        if seen.leftovers.len() > LEFTOVERS_SHOWN_MAX {
            text += "\n  … and more; --json names all";
        }
    }
    text
}
