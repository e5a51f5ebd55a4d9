//! Commands about money on the bitcoin chain.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

#[derive(Subcommand)]
pub enum ChainCommand {
    /// Build an index from a node's block files, or append new blocks to an existing one
    #[command(
        after_help = "--blocks is the folder `blocks` of a node that keeps all blocks (not pruned): blk*.dat, rev*.dat, xor.dat.\nThe index takes about 150 bytes an input, a fifth of real blocks' size. An interrupted build starts over.\nWithout --follow, stop the node first or copy its files."
    )]
    Index(IndexArgs),
    /// Find every payment to a site and the services that can identify its payers
    #[command(
        after_help = "Writes addresses.csv, doubtful.csv, payments.csv, requests/<service>.csv, report.json and report.html.\nOutside regtest it is made only for a case with a legal basis on record (`obhut chain basis`).\nAn address is not a person, and every row is a lead."
    )]
    Payers(PayersArgs),
    /// Show how two addresses are linked: the shortest list found of transactions and their rules
    Why(WhyArgs),
    /// CoinJoins: transactions in which several people pay together
    Mixes(MixesArgs),
    /// One transaction as the index has it
    Show {
        /// Folder of the index
        #[arg(long, value_name = "DIR")]
        index: PathBuf,
        /// The transaction, as explorers print it
        txid: String,
    },
    /// Every link rule and CoinJoin pattern: formula, source, measured error
    Rules,
    /// Record the legal basis for tracing a case's money
    Basis {
        /// The case
        case: String,
        /// The law and section, or the order
        #[arg(long, value_name = "TEXT")]
        basis: String,
        /// Person responsible for it
        #[arg(long, value_name = "NAME")]
        owner: String,
        /// Last day (UTC), or a time with a zone
        #[arg(long, value_name = "TIME")]
        until: String,
        /// Person recording it (role administrator)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Put the agency's own tags on record; they stay in its database
    Tag {
        /// TagPack, ActorPack, CSV or a plain list
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Person acting (role reviewer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Watch a case's addresses; `obhut chain index --follow` records a finding when coins move
    Watch(WatchAddressesArgs),
    /// Movements at a case's watched addresses, most recently found first
    Moves {
        /// The case
        case: String,
    },
    /// Generate an artificial chain without signatures, for trying out and for benchmarks
    Synthesize(SynthesizeChainArgs),
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NetworkName {
    Mainnet,
    Testnet,
    Signet,
    Regtest,
}

#[derive(ClapArgs)]
pub struct IndexArgs {
    /// Network
    #[arg(long, value_enum)]
    pub network: NetworkName,
    /// The node's folder `blocks`
    #[arg(long, value_name = "DIR")]
    pub blocks: PathBuf,
    /// Folder of the index; created if missing
    #[arg(long, value_name = "DIR")]
    pub index: PathBuf,
    /// Keep following new blocks until stopped; remove blocks orphaned by a reorg; report movements at watched addresses
    #[arg(long)]
    pub follow: bool,
    /// Stop at this height
    #[arg(long, value_name = "HEIGHT", requires = "follow")]
    pub until: Option<u64>,
    /// Threads, at most 64 [default: one per core]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

#[derive(ClapArgs)]
pub struct PayersArgs {
    /// Folder of the index
    #[arg(long, value_name = "DIR")]
    pub index: PathBuf,
    /// The site's known addresses: {"seeds": ["…"], "own_payments": ["txid:vout"]}
    #[arg(long, value_name = "FILE")]
    pub seeds: PathBuf,
    /// Files that say who owns which addresses: TagPack, ActorPack, CSV, plain lists; may be given more than once. With
    /// --case the agency's own tags count too
    #[arg(long, value_name = "FILE", required_unless_present = "case")]
    pub tags: Vec<PathBuf>,
    /// Folder for the report
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Case; the report's files become its exhibits
    #[arg(long, value_name = "ID")]
    pub case: Option<String>,
    /// Person acting (role reviewer); recorded if --case is given
    #[arg(long, value_name = "PERSON")]
    pub by: Option<String>,
    /// The report's page in German
    #[arg(long)]
    pub german: bool,
}

#[derive(ClapArgs)]
pub struct WhyArgs {
    /// Folder of the index
    #[arg(long, value_name = "DIR")]
    pub index: PathBuf,
    /// An address
    #[arg(value_name = "A")]
    pub from: String,
    /// The other address
    #[arg(value_name = "B")]
    pub to: String,
    /// Write a proof to FILE (JSON): everything needed to verify each step without obhut
    #[arg(long, value_name = "FILE")]
    pub proof: Option<PathBuf>,
    /// Current folder of the block files, for --proof [default: the folder the index was built from]
    #[arg(long, value_name = "DIR")]
    pub blocks: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub struct MixesArgs {
    /// Folder of the index
    #[arg(long, value_name = "DIR", required_unless_present = "block")]
    pub index: Option<PathBuf>,
    /// Read a single raw block instead of an index; the amounts and addresses of inputs are then unknown
    #[arg(long, value_name = "FILE", conflicts_with = "index")]
    pub block: Option<PathBuf>,
    /// Output file [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub struct WatchAddressesArgs {
    /// The case
    #[arg(long, value_name = "ID")]
    pub case: String,
    /// Network
    #[arg(long, value_enum)]
    pub network: NetworkName,
    /// Addresses
    #[arg(value_name = "ADDRESS", required_unless_present_any = ["report", "end"])]
    pub addresses: Vec<String>,
    /// All addresses of a report: its addresses.csv
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Stop watching all addresses of the case
    #[arg(long, conflicts_with_all = ["addresses", "report"])]
    pub end: bool,
    /// Person acting (role reviewer)
    #[arg(long, value_name = "PERSON")]
    pub by: Option<String>,
}

#[derive(ClapArgs)]
pub struct SynthesizeChainArgs {
    /// Folder for the chain: blocks in `blocks`, and seeds.json and tags.csv
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Approximate number of inputs
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub inputs: u64,
    /// The same seed makes the same chain
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Number of addresses of the site
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub site: u64,
}
