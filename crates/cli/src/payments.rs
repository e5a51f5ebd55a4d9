//! `obhut payments`: transfers to alerts, and what thresholds would do.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use obhut_casework::payments::backtest::{self, Labels, Places, Removal, Run, compare};
use obhut_casework::payments::synthesize::{PLANTED, Recipe, synthesize as make_up};
use obhut_casework::payments::{
    Alert, Band, COUNTRY_NOTE, Counted, Currency, History, Id, Language, NewAlert, PartyKey,
    Policy, Relations, ScanResult, Transfer, Transfers, end_of_day, indicators, scan_history,
    shown,
};
use obhut_casework::{Casework, Role, Sealed, rfc3339};
use obhut_partners::destinations::goaml;
use obhut_partners::transfers::features_file::BySender;
use obhut_partners::transfers::made_files;
use obhut_partners::transfers::{COLUMNS, Mapping, Reader, moment};
use serde_json::{Value, json};

use crate::args::{
    BacktestArgs, FeaturesArgs, HoldCommand, PaymentsCommand, PolicyArgs, ReadArgs, ScanArgs,
    SynthesizeArgs,
};
use crate::output::Output;
use crate::setting::{Setting, acting, somebody};

pub async fn run(
    command: PaymentsCommand,
    setting: &Setting,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match command {
        PaymentsCommand::Scan(a) => scan(a, setting, output).await,
        PaymentsCommand::Alerts { victims } => alerts(victims, setting, output).await,
        PaymentsCommand::Alert { id, by, german } => {
            alert(&id, by.as_deref(), german, setting, output).await
        }
        PaymentsCommand::Hold(command) => hold(command, setting, output).await,
        PaymentsCommand::Backtest(a) => run_backtest(a, output),
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

async fn scan(args: ScanArgs, setting: &Setting, output: &Output) -> anyhow::Result<ExitCode> {
    let policy = policy(&args.policy)?;
    let mut inputs = args.read.files.clone();
    inputs.extend(args.confirmed.clone());
    if args.read.problems.as_ref() == Some(&args.out) && args.out != Path::new("-") {
        bail!("--out and --problems name the same file");
    }
    let mut out = Out::new(&args.out, &inputs)?;
    let asof = args.asof.as_deref().map(day_end).transpose()?;
    let mut transfers = Transfers::new(now());
    let casework = if args.open_cases {
        transfers = transfers.keeping_tx();
        Some(setting.casework().await?)
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
        for party in casework.confirmed_parties().await? {
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
        // Nothing was read: what stood under the output's name stays.
        return Ok(ExitCode::FAILURE);
    }
    transfers.counted.notices.after_asof = after;
    let result = scan_history(history, &policy, Relations::new(confirmed), asof)
        .context("history could not be kept in temporary files; give TMPDIR more space")?;
    for found in &result.alerts {
        let alert = Alert {
            party: transfers.names.name(found.party),
            assessment: found.assessment.clone(),
        };
        writeln!(out, "{}", alert_json(&alert, Language::English))?;
    }
    out.finish()?;
    if let Some(casework) = &casework {
        let n = put_on_record(casework, &result, &transfers).await?;
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

fn run_backtest(args: BacktestArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let changed = policy(&args.policy)?;
    let mut inputs = args.read.files.clone();
    inputs.extend(args.labels.clone());
    let mut out = Out::new(&args.out, &inputs)?;
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
        for line in text.lines().skip(1) {
            let (party, label) = line.split_once(',').unwrap_or((line, ""));
            let party = party.trim().trim_matches('"');
            if !party.is_empty() {
                let key = transfers.names.key(Id::of(party));
                if label.contains("victim") {
                    labels.victims.insert(key);
                } else {
                    labels.suspects.insert(key);
                }
            }
        }
    }
    let space = "history could not be kept in temporary files; give TMPDIR more space";
    let mut run = |policy: &Policy| -> anyhow::Result<ScanResult> {
        let history = all.again().context(space)?;
        let policy = policy.clone().with_score_min(0.0);
        scan_history(history, &policy, Relations::default(), None).context(space)
    };
    let (before, after) = (run(&plain)?, run(&changed)?);
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
            let counts = matches!(i.counts, indicators::Counts::Signal(_));
            if !counts || !fired.contains_key(i.id) {
                continue;
            }
            let mut without = changed.clone();
            without.switch(i.id, false)?;
            let found = run(&without)?;
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
                "alerts: {} before, {} after; {} gained, {} lost; pictures in {}",
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

fn features(args: FeaturesArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let mut transfers = Transfers::new(now());
    let (partial, out) = partial_of(&args.out, &args.read.files)?;
    let mut by_sender = BySender::new(Policy::default());
    let mut row = 0;
    let failed = read_all(&args.read, &mut transfers, output, &mut |t| {
        by_sender.push(row, &t);
        row += 1;
    })?;
    let cant = || format!("{} can't be written", args.out.display());
    if failed && transfers.counted.read == 0 {
        if let Some(partial) = &partial {
            let _ = std::fs::remove_file(partial);
        }
        return Ok(ExitCode::FAILURE);
    }
    let rows = by_sender.write(out, &transfers.names).with_context(cant)?;
    if let Some(partial) = &partial {
        put_in_place(partial, &args.out)?;
    }
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
    if !(0.0..=50_000.0).contains(&args.planted) || !(0.0..=1.0).contains(&args.night) {
        bail!("--planted lies between 0 and 50000, --night between 0 and 1");
    }
    let recipe = Recipe {
        transfers: args.transfers,
        seed: args.seed,
        planted_per_100k: args.planted,
        night: args.night,
        ..Recipe::default()
    };
    let path = args.out.context("say where with --out FILE")?;
    let kind = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    if !["csv", "parquet", "xml"].contains(&kind) {
        bail!(
            "{}: its name ends in .csv, .parquet or .xml",
            path.display()
        );
    }
    let made = make_up(&recipe);
    let cant = || format!("{} can't be written", path.display());
    match kind {
        "parquet" => made_files::parquet(&made, File::create(&path).with_context(cant)?)
            .with_context(cant)?,
        kind => {
            let mut out = Out::new(&path, &[])?;
            match kind {
                "xml" => made_files::pacs_008(&made, &mut out),
                _ => made_files::csv(&made, &mut out),
            }
            .with_context(cant)?;
            out.finish()?;
        }
    }
    if let Some(path) = args.labels {
        let mut out = Out::new(&path, &[])?;
        writeln!(out, "party,label")?;
        for (party, label) in &made.labels {
            writeln!(out, "{party},{label}")?;
        }
        out.finish()?;
    }
    output.remark(&format!(
        "{} made-up transfers, {} planted parties; `--explain` says what is planted",
        made.transfers.len(),
        made.labels.len()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Puts alerts on record; those of decided cases are told anew only after a while.
async fn put_on_record(
    casework: &Casework,
    result: &ScanResult,
    transfers: &Transfers,
) -> anyhow::Result<u64> {
    let name = |key| transfers.names.name(key);
    let mut n = 0;
    for found in &result.alerts {
        let (timeline, network) = shown(
            &found.events,
            name,
            |tx| transfers.tx_name(tx),
            |other| result.senders_of.get(&other).copied(),
        );
        let mut others: Vec<PartyKey> = found.events.iter().map(|e| e.other).collect();
        others.dedup();
        let side = found.assessment.side();
        let near = result.relations.confirmed_near(found.party, side, &others);
        let alert = NewAlert {
            party: Sealed::new(name(found.party)),
            assessment: found.assessment.clone(),
            timeline,
            network,
            rests_on: near.into_iter().map(|p| Sealed::new(name(p))).collect(),
        };
        let told = casework.record_alert(&alert, &somebody()).await?;
        n += u64::from(told.is_some());
    }
    Ok(n)
}

async fn alerts(victims: bool, setting: &Setting, output: &Output) -> anyhow::Result<ExitCode> {
    let casework = setting.casework().await?;
    for row in casework.payment_alerts(victims, 1_000).await? {
        output.line(
            || serde_json::to_value(&row).expect("a row is JSON"),
            || {
                let last = &rfc3339(row.last_at)[..10];
                format!(
                    "{:>5.1}  {}  {}  {}  until {last}",
                    row.score, row.id, row.case, row.scenario
                )
            },
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn alert(
    id: &str,
    by: Option<&str>,
    german: bool,
    setting: &Setting,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = setting.casework().await?;
    let person = acting(&casework, by, Role::Reviewer, output).await?;
    let language = if german {
        Language::German
    } else {
        Language::English
    };
    for d in casework.payment_alert(id, &person.id).await? {
        output.line(
            || {
                let because: Vec<Value> = d
                    .fired
                    .iter()
                    .map(|f| json!({ "id": f.indicator().id, "because": f.because(language), "source": f.indicator().source, "date": f.indicator().date, "weighs": f.weighs() }))
                    .collect();
                json!({
                    "alert": d.row, "party": d.party.expose(), "advice": d.advice(language),
                    "indicators": because, "timeline": d.timeline, "network": d.network,
                })
            },
            || {
                let mut text = format!(
                    "{}  {}  {:.1} of 100\nparty {}, case {}\n{}\n",
                    d.row.id, d.row.scenario, d.row.score, d.party.expose(), d.row.case, d.advice(language)
                );
                for f in &d.fired {
                    let i = f.indicator();
                    text += &format!("  {}  {}\n       {} ({})\n", i.id, f.because(language), i.source, i.date);
                }
                let t = |en, de| if german { de } else { en };
                text += t("  with\n", "  mit\n");
                for o in d.network.iter().take(20) {
                    let senders = o.senders.map_or_else(String::new, |n| if german { format!(", {n} Absender insgesamt") } else { format!(", {n} senders in all") });
                    text += &format!("    {:>4} {}  {}{senders}\n", o.n, t("payments", "Zahlungen"), o.party);
                }
                text += t("  payments, newest first\n", "  Zahlungen, neueste zuerst\n");
                for t in d.timeline.iter().rev().take(20) {
                    text += &format!("    {}  {:>12} {}  {}  {}\n", rfc3339(t.at), t.amount, t.currency, t.country, t.other);
                }
                text.trim_end().to_owned()
            },
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn hold(
    command: HoldCommand,
    setting: &Setting,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = setting.casework().await?;
    let decided = match command {
        HoldCommand::List => casework.holds().await?,
        HoldCommand::Confirm {
            hold,
            until,
            by,
            why,
        } => {
            let person = acting(&casework, by.as_deref(), Role::Reviewer, output).await?;
            let until = moment(&until)
                .map_err(|_| anyhow::anyhow!("{until}: write a time, 2026-03-01T12:00:00Z"))?;
            vec![
                casework
                    .decide_hold(&hold, &person, Some(until.at_micros), &why)
                    .await?,
            ]
        }
        HoldCommand::Release { hold, by, why } => {
            let person = acting(&casework, by.as_deref(), Role::Reviewer, output).await?;
            vec![casework.decide_hold(&hold, &person, None, &why).await?]
        }
    };
    for h in decided {
        output.line(
            || json!({ "id": h.id, "case": h.case, "state": h.state, "until": rfc3339(h.until), "tx_id": h.tx.expose() }),
            || format!("{}  {}  {} until {}  transfer {}", h.id, h.case, h.state, rfc3339(h.until), h.tx.expose()),
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// An alert as the line that is promised in the documents.
pub fn alert_json(alert: &Alert, language: Language) -> Value {
    let a = &alert.assessment;
    let indicators: Vec<Value> = a
        .fired
        .iter()
        .map(|f| json!({ "id": f.indicator().id, "because": f.because(language) }))
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

/// Reads every file; true when one could not be read as a whole.
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
            if n.is_multiple_of(65_536) {
                progress.set_position(n);
            }
            put(t);
        });
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
        let mut out = Out::new(path, &args.files)?;
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

/// Problems shown on the terminal; the rest are in the file of --problems.
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
        (n.zone_missing, "times had no zone and were taken for UTC"),
        (
            n.rounded,
            "amounts were rounded to the minor unit, half to even",
        ),
        (
            n.sorted_files,
            "files were in no order in time and were sorted",
        ),
        (
            n.after_asof,
            "transfers lie after the day asked for and were left out",
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
    for id in args.without.iter().filter(|id| !id.trim().is_empty()) {
        policy.switch(id.trim(), false)?;
    }
    if args.with_age {
        policy.switch("S10", true)?;
    }
    for pair in &args.set {
        let (name, value) = pair
            .split_once('=')
            .with_context(|| format!("{pair}: write NAME=VALUE, for example S03.median=60"))?;
        let value = value
            .trim()
            .parse()
            .with_context(|| format!("{pair}: the value is no number"))?;
        policy.set(name.trim(), value)?;
    }
    for pair in &args.band {
        let (currency, band) = band(pair)
            .with_context(|| format!("{pair}: write CUR=FROM-TO, for example EUR=10-150"))?;
        policy.set_band(currency, band)?;
    }
    if let Some(score) = args.score_min {
        if !(0.0..=100.0).contains(&score) {
            bail!("--score-min lies between 0 and 100");
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
        obhut_casework::payments::amount_minor_from_f64(value, currency.entry().digits)
    };
    let band = Band {
        low_minor: minor(low)?.0,
        high_minor: minor(high)?.0,
        source: "changed on the command line",
        date: "",
    };
    Some((currency, band))
}

fn day_end(text: &str) -> anyhow::Result<i64> {
    let bad = || format!("{text}: write a date, 2026-03-01");
    if text.trim().len() != 10 {
        bail!(bad());
    }
    let at = moment(text).map_err(|_| anyhow::Error::msg(bad()))?;
    Ok(end_of_day(at.at_micros.div_euclid(86_400_000_000)))
}

/// A file that appears whole under its name, or not at all; what stood there stays until then.
struct Out {
    partial: Option<(PathBuf, PathBuf)>,
    to: Box<dyn Write>,
}

impl Out {
    /// `inputs` are never written over.
    fn new(path: &Path, inputs: &[PathBuf]) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self {
                partial: None,
                to: Box::new(BufWriter::new(std::io::stdout())),
            });
        }
        let (partial, file) = partial_of(path, inputs)?;
        Ok(Self {
            partial: partial.map(|partial| (partial, path.to_owned())),
            to: Box::new(BufWriter::new(file)),
        })
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.to.flush()?;
        self.to = Box::new(std::io::sink());
        match self.partial.take() {
            Some((partial, path)) => put_in_place(&partial, &path),
            None => Ok(()),
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        if let Some((partial, _)) = &self.partial {
            let _ = std::fs::remove_file(partial);
        }
    }
}

/// Where to write meanwhile, and that file; no other place where the name is a device or a pipe,
/// which nothing may be put in the place of.
fn partial_of(path: &Path, inputs: &[PathBuf]) -> anyhow::Result<(Option<PathBuf>, File)> {
    let cant = || format!("{} can't be written", path.display());
    if let Ok(own) = std::fs::canonicalize(path) {
        let same = |i: &&PathBuf| std::fs::canonicalize(i).is_ok_and(|i| i == own);
        if inputs.iter().find(same).is_some() {
            bail!("{} is read; write to another file", path.display());
        }
        if own.is_dir() {
            bail!("{} is a folder; name a file", path.display());
        }
        if !own.is_file() {
            let file = File::options().write(true).open(path).with_context(cant)?;
            return Ok((None, file));
        }
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = PathBuf::from(partial);
    let file = File::create(&partial).with_context(cant)?;
    Ok((Some(partial), file))
}

fn put_in_place(partial: &Path, path: &Path) -> anyhow::Result<()> {
    // Through a link the file it leads to is replaced, not the link.
    let to = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    std::fs::rename(partial, to).with_context(|| format!("{} can't be written", path.display()))
}

fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// Longest report or schema, in bytes.
const GOAML_BYTES_MAX: u64 = 64 << 20;

fn goaml_check(
    report: &Path,
    schema: &Path,
    compat: bool,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let text = |path: &Path| -> anyhow::Result<String> {
        String::from_utf8(crate::input::read(path, GOAML_BYTES_MAX)?)
            .map_err(|_| anyhow::anyhow!("{}: it is no UTF-8", path.display()))
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
        output.remark("it fits the schema");
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
