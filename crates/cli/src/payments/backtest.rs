//! `obhut payments backtest`: compares the alerts that current and changed thresholds would raise.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use obhut_app::payments::backtest::{self, Labels, Places, Removal, Run, compare};
use obhut_app::payments::{
    History, Id, Policy, Relations, ScanResult, Transfers, indicators, scan_history,
};
use serde_json::json;

use super::{TMPDIR_FULL, now, policy, read_all, report};
use crate::args::BacktestArgs;
use crate::output::Output;
use crate::whole_file::WholeFile;

// Long: the sequential steps of one command.
pub(super) fn run(args: BacktestArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let changed = policy(&args.policy)?;
    let mut inputs = args.read.files.clone();
    inputs.extend(args.labels.clone());
    let mut out = WholeFile::create(&args.out, &inputs)?;
    let plain = Policy::default();
    let mut transfers = Transfers::new(now());
    let mut places = Places::default();
    let mut all = History::new(false);
    let failed = read_all(&args.read, &mut transfers, output, &mut |t| {
        places.note(&t);
        all.push(&t);
    })?;
    if failed && transfers.counted.read == 0 {
        return Ok(ExitCode::FAILURE);
    }
    let mut labels = Labels::default();
    if let Some(path) = &args.labels {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} can't be read", path.display()))?;
        let head = text.lines().next().unwrap_or_default();
        let columns: Vec<_> = head
            .split(',')
            .map(|c| c.trim().trim_matches('"'))
            .collect();
        // Without this check any file would be accepted, and the figures would look like a result.
        anyhow::ensure!(
            columns == ["party", "label"],
            "{}: its first line isn't party,label",
            path.display()
        );
        for line in text.lines().skip(1) {
            let (party, label) = line.split_once(',').unwrap_or((line, ""));
            let party = party.trim().trim_matches('"');
            if !party.is_empty() {
                let key = transfers.names.key(Id::of(party));
                // Counted separately: if a rule names a labelled victim as a suspect, that is an
                // error, not a hit.
                if label.contains("victim") {
                    labels.victims.insert(key);
                } else {
                    labels.suspects.insert(key);
                }
            }
        }
    }
    let mut run_with = |policy: &Policy| -> anyhow::Result<ScanResult> {
        let history = all.again().context(TMPDIR_FULL)?;
        // Keep every score and apply the limit afterwards, so that parties just below it are known.
        let policy = policy.clone().with_score_min(0.0);
        // A backtest opens no data folder, so no confirmed parties are known.
        scan_history(history, &policy, Relations::default(), None).context(TMPDIR_FULL)
    };
    let (before, after) = (run_with(&plain)?, run_with(&changed)?);
    fn of(found: &ScanResult, line: f64) -> Run<'_> {
        Run { found, line }
    }
    let changes: Vec<String> = args
        .policy
        .without
        .iter()
        .map(|id| format!("without {id}"))
        .chain(args.policy.set.iter().cloned())
        .chain(args.policy.band.iter().map(|b| format!("band {b}")))
        .chain(args.policy.score_min.map(|s| format!("score from {s}")))
        .collect();
    let result = compare(
        &of(&before, plain.score_min),
        &of(&after, changed.score_min),
        &places,
        &labels,
        changes,
        args.samples,
    );
    let mut removals = Vec::new();
    if args.each {
        let fired = backtest::fired(&after);
        for i in indicators::ALL {
            // Without confirmed parties only signals add to a score, and removing a signal that
            // never fired changes nothing.
            let counts = matches!(i.counts, indicators::Counts::Signal(_));
            if !counts || !fired.contains_key(i.id) {
                continue;
            }
            let mut without = changed.clone();
            without.switch(i.id, false)?;
            let found = run_with(&without)?;
            let totals =
                backtest::totals(&of(&found, changed.score_min), &labels, places.customers());
            removals.push(Removal {
                id: i.id.into(),
                totals,
            });
        }
    }
    let page = obhut_server::backtest::page(&result, &removals, &|key| transfers.names.name(key));
    out.write_all(page.as_bytes())?;
    out.finish()?;
    report(&transfers.counted, output);
    let totals = |t: &backtest::Totals| {
        json!({ "possible_buyers": t.buyers, "possible_facilitators": t.facilitators, "possible_victims": t.victims,
            "precision": t.precision(), "labels": t.labels, "labels_found": t.found, "labels_in_first_look": t.found_first,
            "victim_labels": t.victim_labels, "victims_found": t.victims_found, "victims_told_as_suspects": t.victims_accused })
    };
    let group = |g: &backtest::Group| json!({ "name": g.name, "senders": g.senders, "before": g.before, "after": g.after, "after_false": g.after_false });
    output.line(
        || {
            json!({
                "before": totals(&result.before), "after": totals(&result.after), "gained": result.gained, "lost": result.lost,
                "corridors": result.corridors.iter().map(group).collect::<Vec<_>>(),
                "currencies": result.currencies.iter().map(group).collect::<Vec<_>>(),
                "without": removals.iter().map(|r| json!({ "id": r.id, "totals": totals(&r.totals) })).collect::<Vec<_>>(),
            })
        },
        || {
            let mut text = format!(
                "alerts: {} before, {} after; {} gained, {} lost; charts in {}",
                result.before.alerts(),
                result.after.alerts(),
                result.gained,
                result.lost,
                args.out.display()
            );
            if result.labelled {
                text += &format!(
                    "\nlabelled parties in the first 0.2 % of customers: {} before, {} after, of {}",
                    result.before.found_first, result.after.found_first, result.after.labels
                );
            }
            for r in &removals {
                text += &format!(
                    "\nwithout {}: {} alerts, {} in the first 0.2 %",
                    r.id,
                    r.totals.alerts(),
                    r.totals.found_first
                );
            }
            text
        },
    )?;
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
