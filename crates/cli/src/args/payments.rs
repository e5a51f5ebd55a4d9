//! Commands about payments: alerts from history, tests of thresholds, features, made-up data.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Subcommand)]
pub enum PaymentsCommand {
    /// Files of transfers to alerts, one JSON line a party, highest score first
    #[command(
        after_help = "Files are CSV, Parquet, or ISO 20022 (pacs.008.001.08/.10/.12, pain.001.001.09), told by what they are.\nColumns: tx_id, sender, receiver, ts, amount, currency; src_country, dst_country and others are optional (`obhut payments columns`).\nA time without a zone is UTC. Numeric amounts are rounded half to even. Both are counted.\nAn alert is a lead: nobody is reported or held by it."
    )]
    Scan(ScanArgs),
    /// Alerts on record, highest score first; possible victims are a queue of their own
    Alerts {
        /// The queue of possible victims
        #[arg(long)]
        victims: bool,
    },
    /// One alert, or all of a case: timeline, network, numbers against thresholds, sources
    Alert {
        /// The alert or its case
        id: String,
        /// Who looks; it is written down
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
        /// In German
        #[arg(long)]
        german: bool,
    },
    /// Payments that are or were held
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Changed thresholds on history: alerts gained and lost, before anything goes live
    #[command(
        after_help = "Everything that changes a threshold here (--without, --set, --band, --score-min) is compared with the thresholds as they are.\nThe report names parties: keep it where alerts are kept."
    )]
    Backtest(BacktestArgs),
    /// Rolling 30- and 90-day counts after each transfer, as Parquet
    Features(FeaturesArgs),
    /// Hold a goAML report against a unit's XML schema; says every place that doesn't fit
    GoamlCheck {
        /// The report, XML
        report: PathBuf,
        /// The unit's XML schema
        #[arg(long, value_name = "FILE")]
        schema: PathBuf,
        /// Take ^ and $ in the schema's patterns for anchors, as they were meant
        #[arg(long)]
        compat: bool,
    },
    /// Generate artificial transfers with known answers, for trying out
    Synthesize(SynthesizeArgs),
    /// The columns that files of transfers may have
    Columns,
    /// Every indicator: what is checked, with which thresholds, by whose publication
    Indicators,
}

#[derive(ClapArgs)]
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
    /// Read the age of senders; a protected attribute, off by default, never one of two signals
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
    /// Which column is which: sender=payer_account
    #[arg(long, value_name = "NAME=COLUMN")]
    pub map: Vec<String>,
    /// Write every problem there, one JSON line each
    #[arg(long, value_name = "FILE")]
    pub problems: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub struct ScanArgs {
    #[command(flatten)]
    pub read: ReadArgs,
    /// Where alerts go; - is standard output
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Look at everybody as of the end of that day (UTC) [default: at each transfer, the highest counts]
    #[arg(long, value_name = "DATE")]
    pub asof: Option<String>,
    /// Parties in confirmed cases, one id per line
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
        /// Who confirms it (role reviewer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
        /// Why
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Let a payment go
    Release {
        /// The hold
        hold: String,
        /// Who lets it go (role reviewer)
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
    /// What was planted, as CSV: party,label
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// About how many transfers
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
    /// Say what is planted and what isn't, and make nothing
    #[arg(long)]
    pub explain: bool,
}

#[derive(ClapArgs)]
pub struct BacktestArgs {
    #[command(flatten)]
    pub read: ReadArgs,
    /// The report: an HTML file with pictures and tables
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Parties known to be what is looked for, as CSV: party,label
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Parties shown above and below the line
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub samples: usize,
    /// Also run without each indicator in turn: what its removal costs
    #[arg(long)]
    pub each: bool,
    #[command(flatten)]
    pub policy: PolicyArgs,
}
