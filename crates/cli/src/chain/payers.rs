//! `obhut chain payers`: finds a site's payers and writes the report as files.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use obhut_app::bitcoin::{self, OutPoint, PayersReport, Question, hash_of_text};
use obhut_app::casework::{self, Act, Language};
use obhut_app::chain::TraceRequest;
use obhut_app::formats::chain_files;
use obhut_server::chain_report;
use serde_json::{Value, json};

use super::{open, print_problems, read_tags};
use crate::app_context::AppContext;
use crate::args::PayersArgs;
use crate::hints::{Usage, usage};
use crate::output::{Output, count};
use crate::whole_file::WholeFile;

/// Longest file of seeds, in bytes: room for about a million addresses. Our judgement.
const SEEDS_BYTES_MAX: u64 = 64 << 20;
/// Report files written in parallel. Our judgement.
const FILES_TOGETHER: usize = 2;

pub async fn payers(
    args: PayersArgs,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    // Files that cannot be read are refused before the index is opened and before a role is granted.
    let question = read_seeds(&args.seeds, output)?;
    let read = read_tags(&args.tags, output)?;
    let index = open(&args.index)?;
    let kept = match &args.case {
        None => None,
        Some(case) => {
            let casework = context.casework().await?;
            // Before `acting`, so that a mistyped id grants no role.
            casework::case(&casework, case).await?;
            let person = context
                .acting(&casework, args.by.as_deref(), Act::FollowMoney)
                .await?;
            Some((casework, person, case.clone()))
        }
    };
    let request = kept.as_ref().map(|(casework, person, case)| TraceRequest {
        casework,
        case,
        person,
    });
    // Nothing is written before this: a question without a legal basis leaves no folder behind.
    let (permission, report) =
        obhut_app::chain::payers(request.as_ref(), &index, &question, read.tags, &read.actors)
            .await?;
    let report = report.map_err(|problems| Usage(problems.join("; ")))?;
    let basis = permission.basis().map(|b| b.basis.clone());
    let names = args.tags.iter().filter_map(|p| p.file_name());
    let made = chain_report::ReportContext {
        case: args.case.clone(),
        basis,
        tags: names.map(|n| n.to_string_lossy().into_owned()).collect(),
    };
    let language = Language::german_if(args.german);
    let requests = args.out.join("requests");
    std::fs::create_dir_all(&requests)
        .with_context(|| format!("{} can't be made", args.out.display()))?;
    // If this report no longer names a service, an earlier run's request to it must not remain.
    clear_requests(&args.out, &requests)?;
    let inputs: Vec<PathBuf> = args
        .tags
        .iter()
        .cloned()
        .chain([args.seeds.clone()])
        .collect();
    let mut names = chain_files::names(&report);
    names.extend(["report.html".to_owned(), "report.json".to_owned()]);
    let write = |name: &String| -> anyhow::Result<()> {
        let mut out = WholeFile::create(&args.out.join(name), &inputs)?;
        match name.as_str() {
            "report.html" => {
                let page = chain_report::page(&report, &made, language);
                out.write_all(page.as_bytes())?;
            }
            "report.json" => chain_report::json(&report, &made, &mut out)?,
            table => chain_files::table(&report, table, &mut out)?,
        }
        out.finish()
    };
    for written in bitcoin::in_threads(FILES_TOGETHER, &names, write) {
        written?;
    }
    // Exhibits are made from the finished files, so a report that could not be written leaves no
    // exhibit.
    if let Some(request) = &request {
        for file in &names {
            let bytes = std::fs::read(args.out.join(file))?;
            obhut_app::chain::store_file(request, file, &bytes).await?;
        }
        output.remark(&format!(
            "{} kept as exhibits of {}",
            count(names.len() as u64, "file", "files"),
            request.case
        ));
    }
    summary(&report, &args.out, output)?;
    Ok(ExitCode::SUCCESS)
}

/// Deletes the request files of an earlier report in the same folder. Refuses a folder with CSV
/// files but no report: those are the user's.
fn clear_requests(out: &Path, folder: &Path) -> anyhow::Result<()> {
    // Every report has this file. If it is missing, the CSV files are the user's own.
    let reported = out.join("addresses.csv").exists();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "csv") {
            ensure!(
                reported,
                "{} contains CSV files without a report; name another folder with --out",
                folder.display()
            );
            std::fs::remove_file(&path)
                .with_context(|| format!("{} cannot be deleted", path.display()))?;
        }
    }
    Ok(())
}

fn summary(report: &PayersReport, out: &Path, output: &Output) -> anyhow::Result<()> {
    print_problems(report.problems.iter().cloned(), output);
    for c in &report.contested {
        output.remark(&format!(
            "one cluster is claimed for {}; it was attributed to {}",
            c.services.join(" and "),
            c.taken_for.as_deref().unwrap_or("none of them")
        ));
    }
    let found = report
        .payments
        .iter()
        .filter(|p| !p.candidates.is_empty())
        .count();
    let direct = report.payments.iter().filter(|p| p.direct).count();
    output.line(
        || {
            json!({
                "addresses": report.addresses.len(), "doubtful": report.doubtful.len(),
                "payments": report.payments.len(), "amount_sat": report.total_sat(),
                "direct": direct, "with_candidates": found,
                "wallets": report.wallets, "payers_min": report.payers.0, "payers_max": report.payers.1,
                "services": report.services.len(), "unnamed": report.unnamed.len(),
                "out": out,
            })
        },
        || {
            format!(
                "{}, {} doubtful\n{}, {:.8} BTC, from {}, by {} to {} payers; {direct} directly from a service\n{found} traced to a service or to a wallet that behaves like one: {}\nreport in {}\nAn address is not a person; every row is a lead.",
                count(report.addresses.len() as u64, "address", "addresses"),
                report.doubtful.len(),
                count(report.payments.len() as u64, "payment", "payments"),
                report.total_sat() as f64 / 1e8,
                count(report.wallets as u64, "wallet", "wallets"),
                report.payers.0,
                report.payers.1,
                led_to(report),
                out.display()
            )
        },
    )
}

/// Services with the payments that lead to them, and how many wallets have no name.
fn led_to(report: &PayersReport) -> String {
    let named = report
        .services
        .iter()
        .map(|s| format!("{} ({})", s.service.label, s.behind));
    let unnamed = report.unnamed.len() as u64;
    let unnamed =
        (unnamed > 0).then(|| format!("{} without a name", count(unnamed, "wallet", "wallets")));
    let all: Vec<String> = named.chain(unnamed).collect();
    if all.is_empty() {
        "none".into()
    } else {
        all.join(", ")
    }
}

/// Reads `{"seeds": [...], "own_payments": ["txid:vout"]}`, or a list of seeds alone. A seed is an
/// address, or an object with `address`.
fn read_seeds(path: &Path, output: &Output) -> anyhow::Result<Question> {
    let fault = || format!("{} can't be read", path.display());
    let length = std::fs::metadata(path).with_context(fault)?.len();
    ensure!(
        length <= SEEDS_BYTES_MAX,
        "{} is longer than {SEEDS_BYTES_MAX} bytes",
        path.display()
    );
    let text = std::fs::read_to_string(path).with_context(fault)?;
    let value: Value = serde_json::from_str(&text).with_context(|| {
        usage!(
            "{} isn't JSON; write {{\"seeds\": [\"address\"]}}",
            path.display()
        )
    })?;
    let list = |v: &Value, what: &str| -> anyhow::Result<Vec<String>> {
        let all = v
            .as_array()
            .with_context(|| usage!("{}: `{what}` isn't a list", path.display()))?;
        all.iter()
            .map(|a| {
                let address = a
                    .as_str()
                    .or_else(|| a.get("address").and_then(Value::as_str));
                address
                    .map(str::to_owned)
                    .with_context(|| usage!("{}: {a} in `{what}` isn't text", path.display()))
            })
            .collect()
    };
    let seeds = match &value {
        Value::Array(_) => list(&value, "seeds")?,
        _ => list(value.get("seeds").unwrap_or(&Value::Null), "seeds")?,
    };
    if let Value::Object(fields) = &value {
        let known = ["seeds", "own_payments", "note"];
        for name in fields.keys().filter(|n| !known.contains(&n.as_str())) {
            output.remark(&format!(
                "{}: unknown field `{name}`, ignored (known are `seeds`, `own_payments`, `note`)",
                path.display()
            ));
        }
    }
    let own = match value.get("own_payments") {
        None => Vec::new(),
        Some(v) => list(v, "own_payments")?,
    };
    let own_payments = own.iter().map(|text| {
        let parsed = text.rsplit_once(':').and_then(|(txid, vout)| {
            hash_of_text(txid)?;
            Some(OutPoint {
                txid: txid.to_lowercase(),
                vout: vout.parse().ok()?,
            })
        });
        parsed.with_context(|| {
            usage!(
                "{}: \"{text}\" in `own_payments` isn't txid:vout",
                path.display()
            )
        })
    });
    Ok(Question {
        seeds,
        own_payments: own_payments.collect::<anyhow::Result<_>>()?,
    })
}
