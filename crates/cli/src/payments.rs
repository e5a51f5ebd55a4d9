//! `obhut payments`: turns transfers into alerts, and shows what other thresholds would have done.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use obhut_app::casework::rfc3339;
use obhut_app::formats::reports::goaml;
use obhut_app::formats::transfers::features_file::BySender;
use obhut_app::formats::transfers::{COLUMNS, Mapping, Reader, moment};
use obhut_app::payments::{
    Alert, Band, COUNTRY_NOTE, Counted, Currency, History, Id, Language, PartyKey, Policy,
    Relations, Transfer, Transfers, end_of_day, indicators, scan_history,
};
use obhut_fakes::transfers::files as made_files;
use obhut_fakes::transfers::{PLANTED, Recipe, synthesize as make_up};
use serde_json::{Value, json};

use crate::app_context::{AppContext, shell_user};
use crate::args::{FeaturesArgs, PaymentsCommand, PolicyArgs, ReadArgs, ScanArgs, SynthesizeArgs};
use crate::hints::{Usage, usage};
use crate::output::Output;
use crate::whole_file::WholeFile;

mod alerts;
mod backtest;

/// The error if the history doesn't fit on the disk for temporary files.
const TMPDIR_FULL: &str = "history could not be kept in temporary files; give TMPDIR more space";

pub async fn run(
    command: PaymentsCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match command {
        PaymentsCommand::Scan(a) => scan(a, context, output).await,
        PaymentsCommand::Alerts { victims } => alerts::list(victims, context, output).await,
        PaymentsCommand::Alert { id, by, german } => {
            alerts::show(&id, by.as_deref(), german, context, output).await
        }
        PaymentsCommand::Hold(command) => alerts::hold(command, context, output).await,
        PaymentsCommand::Backtest(a) => backtest::run(a, output),
        PaymentsCommand::Features(a) => features(a, output),
        PaymentsCommand::Synthesize(a) => synthesize(a, output),
        PaymentsCommand::GoamlCheck {
            report,
            schema,
            compat,
        } => goaml_check(&report, &schema, compat, output),
        PaymentsCommand::Columns => columns(output),
        PaymentsCommand::Indicators => list_indicators(output),
    }
}

// Long: the sequential steps of one command.
async fn scan(args: ScanArgs, context: &AppContext, output: &Output) -> anyhow::Result<ExitCode> {
    let policy = policy(&args.policy)?;
    // The file of confirmed parties is an input too, so --out must not overwrite it.
    let mut inputs = args.read.files.clone();
    inputs.extend(args.confirmed.clone());
    if args.read.problems.as_ref() == Some(&args.out) && args.out != Path::new("-") {
        return Err(Usage("--out and --problems name the same file".into()).into());
    }
    // Created before reading, so that an unwritable output is noticed before years of history are
    // read.
    let mut out = WholeFile::create(&args.out, &inputs)?;
    let asof = args.asof.as_deref().map(day_end).transpose()?;
    let mut transfers = Transfers::new(now());
    // Transfer ids are shown in cases only; a plain scan does not spend memory on them.
    let casework = if args.open_cases {
        transfers = transfers.keeping_tx();
        Some(context.casework().await?)
    } else {
        None
    };
    let mut confirmed: Vec<PartyKey> = match &args.confirmed {
        None => Vec::new(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("{} can't be read", path.display()))?;
            text.lines()
                .map(str::trim)
                .filter(|l| !l.is_empty())
                .map(|l| transfers.names.key(Id::of(l)))
                .collect()
        }
    };
    if let Some(casework) = &casework {
        for party in obhut_app::payments::confirmed_parties(casework).await? {
            confirmed.push(transfers.names.key(Id::of(party.expose())));
        }
    }
    let mut history = History::new(false);
    let mut after = 0u64;
    let failed = read_all(&args.read, &mut transfers, output, &mut |t| {
        if asof.is_some_and(|asof| t.at_micros > asof) {
            after += 1;
        } else {
            history.push(&t);
        }
    })?;
    if failed && transfers.counted.read == 0 {
        // Nothing was read, so an existing output file stays as it is.
        return Ok(ExitCode::FAILURE);
    }
    transfers.counted.notices.after_asof = after;
    let result =
        scan_history(history, &policy, Relations::new(confirmed), asof).context(TMPDIR_FULL)?;
    for found in &result.alerts {
        let alert = Alert {
            party: transfers.names.name(found.party),
            assessment: found.assessment.clone(),
        };
        writeln!(out, "{}", alert_json(&alert, Language::English))?;
    }
    // Finished before cases are opened: if anything fails below, the alerts are in the file.
    out.finish()?;
    // After a crash here the scan can be repeated: recording an alert twice changes nothing.
    if let Some(casework) = &casework {
        let n =
            obhut_app::payments::record_scan(casework, &result, &transfers, &shell_user()).await?;
        output.remark(&format!(
            "{n} alerts on record; `obhut payments alerts` lists them, `--victims` those who may need help"
        ));
    }
    report(&transfers.counted, output);
    let by = |role: &str| {
        result
            .alerts
            .iter()
            .filter(|a| a.assessment.role().word() == role)
            .count()
    };
    output.remark(&format!(
        "{} alerts of {} senders and {} recipients: {} possible buyers, {} possible facilitators, {} possible victims",
        result.alerts.len(),
        result.senders,
        result.recipients,
        by("possible buyer"),
        by("possible facilitator"),
        by("possible victim"),
    ));
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn features(args: FeaturesArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let mut transfers = Transfers::new(now());
    let mut out = WholeFile::create(&args.out, &args.read.files)?;
    let mut by_sender = BySender::new(Policy::default());
    let mut row = 0;
    let failed = read_all(&args.read, &mut transfers, output, &mut |t| {
        by_sender.push(row, &t);
        row += 1;
    })?;
    let cant = || format!("{} can't be written", args.out.display());
    if failed && transfers.counted.read == 0 {
        return Ok(ExitCode::FAILURE);
    }
    let rows = by_sender
        .write(out.file()?, &transfers.names)
        .with_context(cant)?;
    out.finish()?;
    report(&transfers.counted, output);
    output.remark(&format!("{rows} rows in {}", args.out.display()));
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn synthesize(args: SynthesizeArgs, output: &Output) -> anyhow::Result<ExitCode> {
    if args.explain {
        output.line(|| json!({ "planted": PLANTED }), || PLANTED.to_owned())?;
        return Ok(ExitCode::SUCCESS);
    }
    // At most half of 100,000 senders can be planted. contains() also refuses NaN, which clap
    // accepts as a number.
    if !(0.0..=50_000.0).contains(&args.planted) || !(0.0..=1.0).contains(&args.night) {
        return Err(
            Usage("--planted must be between 0 and 50000, --night between 0 and 1".into()).into(),
        );
    }
    let recipe = Recipe {
        transfers: args.transfers,
        seed: args.seed,
        planted_per_100k: args.planted,
        night: args.night,
        ..Recipe::default()
    };
    let path = args.out.context(usage!("say where with --out FILE"))?;
    let kind = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    if !["csv", "parquet", "xml"].contains(&kind) {
        bail!(
            "{}: its name ends in .csv, .parquet or .xml",
            path.display()
        );
    }
    // Before anything is written: the labels would replace the transfers.
    anyhow::ensure!(
        args.labels.as_ref() != Some(&path),
        usage!("--out and --labels name the same file; give each its own")
    );
    let made = make_up(&recipe);
    let cant = || format!("{} can't be written", path.display());
    match kind {
        "parquet" => {
            let mut out = WholeFile::create(&path, &[])?;
            made_files::parquet(&made, out.file()?).with_context(cant)?;
            out.finish()?;
        }
        kind => {
            let mut out = WholeFile::create(&path, &[])?;
            match kind {
                "xml" => made_files::pacs_008(&made, &mut out),
                _ => made_files::csv(&made, &mut out),
            }
            .with_context(cant)?;
            out.finish()?;
        }
    }
    if let Some(path) = args.labels {
        let mut out = WholeFile::create(&path, &[])?;
        writeln!(out, "party,label")?;
        for (party, label) in &made.labels {
            writeln!(out, "{party},{label}")?;
        }
        out.finish()?;
    }
    output.remark(&format!(
        "{} artificial transfers, {} planted parties; `--explain` says what is planted",
        made.transfers.len(),
        made.labels.len()
    ));
    Ok(ExitCode::SUCCESS)
}

/// An alert as the line that docs/payments.md specifies; the score is rounded to hundredths.
pub fn alert_json(alert: &Alert, language: Language) -> Value {
    let a = &alert.assessment;
    let indicators: Vec<Value> = a
        .fired
        .iter()
        .map(|f| json!({ "id": f.indicator().id, "because": obhut_app::payments::because(f, language) }))
        .collect();
    json!({
        "party": alert.party,
        "side": a.side().word(),
        "role": a.role().word(),
        "score": (a.score * 100.0).round() / 100.0,
        "scenario": a.scenario,
        "indicators": indicators,
        "first_ts": rfc3339(a.first_at),
        "last_ts": rfc3339(a.last_at),
    })
}

/// Reads every file and, if any record was read, writes `--problems`. True if a file could not be
/// read to its end.
fn read_all(
    args: &ReadArgs,
    transfers: &mut Transfers,
    output: &Output,
    put: &mut dyn FnMut(Transfer),
) -> anyhow::Result<bool> {
    let mapping = Mapping::from_pairs(&args.map).map_err(anyhow::Error::msg)?;
    let mut reader = Reader::new(mapping);
    let progress = output.progress("transfers");
    let mut failed = false;
    let mut n = 0u64;
    for path in &args.files {
        let read = reader.read(path, transfers, &mut |t| {
            n += 1;
            // Our judgement: often enough for a person, and too rarely to slow down reading.
            if n.is_multiple_of(65_536) {
                progress.set_position(n);
            }
            put(t);
        });
        // The other files are still read: a broken one must not hide the alerts in them.
        if let Err(fault) = read {
            output.error(&fault.into());
            failed = true;
        }
    }
    progress.finish_and_clear();
    if let Some(path) = args
        .problems
        .as_ref()
        .filter(|_| transfers.counted.read > 0)
    {
        let mut out = WholeFile::create(path, &args.files)?;
        for p in &transfers.counted.kept {
            writeln!(
                out,
                "{}",
                json!({ "file": p.file, "record": p.record, "why": p.why })
            )?;
        }
        out.finish()?;
    }
    Ok(failed)
}

/// Problems shown on the terminal; the file of --problems has these and the rest, up to 100,000.
/// Our judgement.
const SHOWN_MAX: usize = 10;

fn report(counted: &Counted, output: &Output) {
    for p in counted.kept.iter().take(SHOWN_MAX) {
        output.remark(&p.to_string());
    }
    if counted.problems > SHOWN_MAX as u64 {
        output.remark(&format!(
            "… and {} more; --problems FILE writes them down",
            counted.problems - SHOWN_MAX as u64
        ));
    }
    output.remark(&format!(
        "{} read = {} processed + {} problems",
        counted.read, counted.processed, counted.problems
    ));
    let n = &counted.notices;
    for (count, what) in [
        (n.zone_missing, "times had no zone and were read as UTC"),
        (
            n.rounded,
            "amounts were rounded to the minor unit, half to even",
        ),
        (
            n.sorted_files,
            "files were not in order of time and were sorted",
        ),
        (
            n.after_asof,
            "transfers are after the requested day and were ignored",
        ),
        (n.country_missing, COUNTRY_NOTE),
    ] {
        if count > 0 {
            output.remark(&format!("notice: {count} {what}"));
        }
    }
}

pub fn policy(args: &PolicyArgs) -> anyhow::Result<Policy> {
    let mut policy = Policy::default();
    // `--without S06,` leaves an empty id behind.
    for id in args.without.iter().filter(|id| !id.trim().is_empty()) {
        policy.switch(id.trim(), false).map_err(usage)?;
    }
    // Age is a protected attribute, so S10 is read only on request (docs/payments.md).
    if args.with_age {
        policy.switch("S10", true)?;
    }
    for pair in &args.set {
        let (name, value) = pair
            .split_once('=')
            .with_context(|| usage!("{pair}: write NAME=VALUE, for example S03.median=60"))?;
        let value = value
            .trim()
            .parse()
            .map_err(|_| Usage(format!("{pair}: the value isn't a number")))?;
        policy.set(name.trim(), value).map_err(usage)?;
    }
    for pair in &args.band {
        let (currency, band) = band(pair)
            .with_context(|| usage!("{pair}: write CUR=FROM-TO, for example EUR=10-150"))?;
        policy.set_band(currency, band)?;
    }
    if let Some(score) = args.score_min {
        if !(0.0..=100.0).contains(&score) {
            return Err(Usage("--score-min must be between 0 and 100".into()).into());
        }
        policy.score_min = score;
    }
    Ok(policy)
}

fn band(pair: &str) -> Option<(Currency, Band)> {
    let (code, range) = pair.split_once('=')?;
    let (low, high) = range.split_once('-')?;
    let currency = Currency::new(code.trim().as_bytes())?;
    let minor = |text: &str| {
        let value: f64 = text.trim().parse().ok()?;
        obhut_app::payments::amount_minor_from_f64(value, currency.entry().digits)
    };
    let band = Band {
        low_minor: minor(low)?.0,
        high_minor: minor(high)?.0,
        source: "changed on the command line",
        date: "",
    };
    Some((currency, band))
}

fn usage(e: impl std::fmt::Display) -> Usage {
    Usage(e.to_string())
}

fn day_end(text: &str) -> anyhow::Result<i64> {
    let bad = || format!("{text}: write a date, 2026-03-01");
    // moment() also takes a time of day, which would silently become the end of that day.
    if text.trim().len() != 10 {
        return Err(Usage(bad()).into());
    }
    let at = moment(text).map_err(|_| Usage(bad()))?;
    // div_euclid rounds down, also before 1970.
    Ok(end_of_day(at.at_micros.div_euclid(86_400_000_000)))
}

fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// Longest report or schema, in bytes. Our judgement.
const GOAML_BYTES_MAX: u64 = 64 << 20;

fn goaml_check(
    report: &Path,
    schema: &Path,
    compat: bool,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let text = |path: &Path| -> anyhow::Result<String> {
        String::from_utf8(crate::input::read(path, GOAML_BYTES_MAX)?).map_err(|e| {
            usage!(
                "{}: not valid UTF-8 at byte {}",
                path.display(),
                e.utf8_error().valid_up_to()
            )
            .into()
        })
    };
    let faults = goaml::check_document(&text(schema)?, compat, &text(report)?)
        .map_err(anyhow::Error::msg)?;
    for (path, why) in &faults {
        output.line(
            || json!({ "path": path, "why": why }),
            || format!("{path}: {why}"),
        )?;
    }
    if faults.is_empty() {
        output.remark("the report is valid against the schema");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

fn columns(output: &Output) -> anyhow::Result<ExitCode> {
    for c in COLUMNS {
        output.line(
            || json!({ "name": c.name, "also": c.also, "required": c.required, "what": c.what }),
            || {
                let need = if c.required { "required" } else { "optional" };
                format!("{:<20} {need}  {}", c.name, c.what)
            },
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list_indicators(output: &Output) -> anyhow::Result<ExitCode> {
    use indicators::Counts;
    for i in indicators::ALL {
        let counts = match i.counts {
            Counts::Signal(_) => "signal",
            Counts::Association => "association, never one of two signals",
            Counts::Shown => "shown, never counted",
        };
        let thresholds: Vec<Value> = i
            .thresholds
            .iter()
            .map(|t| json!({ "name": t.name, "value": t.value, "unit": t.unit.word(), "published": t.published }))
            .collect();
        output.line(
            || {
                json!({
                    "id": i.id, "title": i.title.en, "titel": i.title.de, "check": i.check, "counts": counts,
                    "on": i.on, "weight": i.weight, "needs": i.needs, "source": i.source, "date": i.date,
                    "thresholds": thresholds,
                })
            },
            || {
                let list: Vec<String> = i
                    .thresholds
                    .iter()
                    .map(|t| {
                        let proposal = if t.published { "" } else { " (proposal)" };
                        let text = format!("{}={} {}", t.name, t.value, t.unit.word());
                        format!("{}{proposal}", text.trim_end())
                    })
                    .collect();
                let off = if i.on { "" } else { "; off by default" };
                format!(
                    "{}  {}\n     {}\n     {counts}{off}; {}\n     {} ({})",
                    i.id,
                    i.title.en,
                    i.check,
                    if list.is_empty() { "no thresholds".into() } else { list.join(", ") },
                    i.source,
                    i.date,
                )
            },
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
