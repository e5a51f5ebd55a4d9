//! Commands about payments: alerts from history, tests of thresholds, features, synthetic data.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Subcommand)]
pub enum PaymentsCommand {
    /// Scan files of transfers; writes one JSON line per alerted party, highest score first
    #[command(
        after_help = "Files are CSV, Parquet, or ISO 20022 (pacs.008.001.08/.10/.12, pain.001.001.09), detected by content.\nColumns: tx_id, sender, receiver, ts, amount, currency; src_country, dst_country and others are optional (`obhut payments columns`).\nA time without a zone is taken as UTC, and numeric amounts are rounded half to even; the output counts both.\nAn alert is a lead: it neither files a report nor holds a payment."
    )]
    Scan(ScanArgs),
    /// List open alerts, highest score first, at most 1,000 (possible victims: --victims)
    Alerts {
        /// The queue of possible victims
        #[arg(long)]
        victims: bool,
    },
    /// One alert, or all of a case: timeline, network, values and their thresholds, sources
    Alert {
        /// The alert or its case
        id: String,
        /// Person viewing it; recorded (role reviewer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
        /// In German
        #[arg(long)]
        german: bool,
    },
    /// Payments that are or were held
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Backtest changed thresholds: which alerts would be gained and lost
    #[command(
        after_help = "Everything that changes a threshold here (--without, --set, --band, --score-min) is compared with the current thresholds.\nThe report names parties: keep it where alerts are kept."
    )]
    Backtest(BacktestArgs),
    /// Rolling 30- and 90-day counts after each transfer, as Parquet
    Features(FeaturesArgs),
    /// Validate a goAML report against a unit's XML schema; lists every violation
    GoamlCheck {
        /// The report, XML
        report: PathBuf,
        /// The unit's XML schema
        #[arg(long, value_name = "FILE")]
        schema: PathBuf,
        /// Treat ^ and $ in the schema's patterns as anchors (XSD takes them literally)
        #[arg(long)]
        compat: bool,
    },
    /// Generate artificial transfers with known answers, for trying out
    Synthesize(SynthesizeArgs),
    /// The columns that files of transfers may have
    Columns,
    /// Every indicator: its check, thresholds and source
    Indicators,
}

#[derive(ClapArgs, Default)]
pub struct PolicyArgs {
    /// Switch indicators off, by their ids: S06,S11
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub without: Vec<String>,
    /// Change a threshold: S03.median=60, in the unit that `obhut payments indicators` names
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Change the price band of a currency: EUR=10-150
    #[arg(long, value_name = "CUR=FROM-TO")]
    pub band: Vec<String>,
    /// Use the age of senders (S10): a protected attribute, shown but never counted
    #[arg(long)]
    pub with_age: bool,
    /// Lowest score that makes an alert, 0 to 100
    #[arg(long, value_name = "SCORE")]
    pub score_min: Option<f64>,
}

#[derive(ClapArgs)]
pub struct ReadArgs {
    /// Files of transfers
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Map a field to your column name, e.g. sender=payer_account; repeatable
    #[arg(long, value_name = "NAME=COLUMN")]
    pub map: Vec<String>,
    /// Write problems to FILE, one JSON line each (the first 100,000)
    #[arg(long, value_name = "FILE")]
    pub problems: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub struct ScanArgs {
    #[command(flatten)]
    pub read: ReadArgs,
    /// Output file for alerts; - for standard output
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Assess every party at the end of this day (UTC) [default: after each transfer; the highest score counts]
    #[arg(long, value_name = "DATE")]
    pub asof: Option<String>,
    /// File of parties in confirmed cases, one id per line
    #[arg(long, value_name = "FILE")]
    pub confirmed: Option<PathBuf>,
    /// Put the alerts on record; each joins its party's case or opens one
    #[arg(long)]
    pub open_cases: bool,
    #[command(flatten)]
    pub policy: PolicyArgs,
}

#[derive(Subcommand)]
pub enum HoldCommand {
    /// List holds, newest first
    List,
    /// Confirm a hold until a time; an unconfirmed hold ends automatically
    Confirm {
        /// The hold
        hold: String,
        /// Until when, at most 30 days ahead
        #[arg(long, value_name = "TIME")]
        until: String,
        /// Person confirming it (role reviewer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
        /// Why
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Release a payment
    Release {
        /// The hold
        hold: String,
        /// Person releasing it (role reviewer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
        /// Why
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
}

#[derive(ClapArgs)]
pub struct FeaturesArgs {
    #[command(flatten)]
    pub read: ReadArgs,
    /// The Parquet file
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(ClapArgs)]
pub struct SynthesizeArgs {
    /// The file: .csv, .parquet or .xml (pacs.008.001.08)
    #[arg(long, value_name = "FILE", required_unless_present = "explain")]
    pub out: Option<PathBuf>,
    /// Output file of the planted parties, as CSV: party,label
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Approximate number of transfers
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=50_000_000))]
    pub transfers: u64,
    /// The same seed makes the same data
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Planted parties for each 100,000 senders
    #[arg(long, default_value_t = 200.0, value_name = "N")]
    pub planted: f64,
    /// Share of planted buyers' payments made at night
    #[arg(long, default_value_t = 0.5, value_name = "SHARE")]
    pub night: f64,
    /// Write nothing; explain what is planted and what isn't
    #[arg(long)]
    pub explain: bool,
}

#[derive(ClapArgs)]
pub struct BacktestArgs {
    #[command(flatten)]
    pub read: ReadArgs,
    /// The report: an HTML file with charts and tables
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Known parties (ground truth), as CSV: party,label
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Parties shown on each side of the score limit
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub samples: usize,
    /// Also run without each indicator in turn: what its removal costs
    #[arg(long)]
    pub each: bool,
    #[command(flatten)]
    pub policy: PolicyArgs,
}
