//! Commands about money on the bitcoin chain.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

#[derive(Subcommand)]
pub enum ChainCommand {
    /// Read a node's block files into an index, or take what is new into one that there is
    #[command(
        after_help = "--blocks is the folder `blocks` of a node that keeps all blocks (not pruned): blk*.dat, rev*.dat, xor.dat.\nThe index takes about 150 bytes an input, a fifth of real blocks' size. A build that is cut off starts anew.\nA node may go on writing meanwhile only with --follow."
    )]
    Index(IndexArgs),
    /// From addresses of a site to every payment to it, and to the services that can name the payers
    #[command(
        after_help = "Writes addresses.csv, doubtful.csv, payments.csv, requests/<service>.csv, report.json and report.html.\nOutside regtest it is made only for a case with a legal basis on record (`obhut chain basis`).\nAn address is not a person, and every row is a lead."
    )]
    Payers(PayersArgs),
    /// The shortest list of transactions and rules that ties two addresses
    Why(WhyArgs),
    /// Transactions in which several people pay together
    Mixes(MixesArgs),
    /// One transaction as the index has it
    Show {
        /// Folder of the index
        #[arg(long, value_name = "DIR")]
        index: PathBuf,
        /// The transaction, as explorers print it
        txid: String,
    },
    /// Every rule that ties addresses and every form of mix: formula, source, measured error
    Rules,
    /// Put on record on what law a case's money may be followed
    Basis {
        /// The case
        case: String,
        /// The law and section, or the order
        #[arg(long, value_name = "TEXT")]
        basis: String,
        /// Who answers for it
        #[arg(long, value_name = "NAME")]
        owner: String,
        /// Until when: a date or a time with its zone
        #[arg(long, value_name = "TIME")]
        until: String,
        /// Who records it (role administrator)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Put the agency's own tags on record; they stay in its database
    Tag {
        /// TagPack, ActorPack, CSV or a plain list
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Who brings them (role reviewer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Watch a case's addresses; `obhut chain index --follow` raises a finding when one moves
    Watch(WatchAddressesArgs),
    /// What moved at a case's watched addresses, newest first
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
    /// Whose blocks
    #[arg(long, value_enum)]
    pub network: NetworkName,
    /// The node's folder `blocks`
    #[arg(long, value_name = "DIR")]
    pub blocks: PathBuf,
    /// Folder of the index; it is made where there is none
    #[arg(long, value_name = "DIR")]
    pub index: PathBuf,
    /// Keep following new blocks until stopped; remove blocks orphaned by a reorg; report movements at watched addresses
    #[arg(long)]
    pub follow: bool,
    /// End following at this height
    #[arg(long, value_name = "HEIGHT", requires = "follow")]
    pub until: Option<u64>,
    /// Threads [default: one a core]
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
    /// Whose addresses are whose: TagPack, ActorPack, CSV, plain lists; may be given more than once. With
    /// --case the agency's own tags count too
    #[arg(long, value_name = "FILE", required_unless_present = "case")]
    pub tags: Vec<PathBuf>,
    /// Folder for the report
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The case it is made for; the report is kept there as exhibits
    #[arg(long, value_name = "ID")]
    pub case: Option<String>,
    /// Who asks (role reviewer); with --case it is written down
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
    /// Another
    #[arg(value_name = "B")]
    pub to: String,
    /// Write there what is needed to check each step without this software, as JSON
    #[arg(long, value_name = "FILE")]
    pub proof: Option<PathBuf>,
    /// Where the block files are now, for --proof [default: where they lay when the index was built]
    #[arg(long, value_name = "DIR")]
    pub blocks: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub struct MixesArgs {
    /// Folder of the index
    #[arg(long, value_name = "DIR", required_unless_present = "block")]
    pub index: Option<PathBuf>,
    /// A single block as raw bytes instead; input amounts and addresses are unknown then
    #[arg(long, value_name = "FILE", conflicts_with = "index")]
    pub block: Option<PathBuf>,
    /// Write there instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub struct WatchAddressesArgs {
    /// The case
    #[arg(long, value_name = "ID")]
    pub case: String,
    /// Whose chain
    #[arg(long, value_enum)]
    pub network: NetworkName,
    /// Addresses
    #[arg(value_name = "ADDRESS", required_unless_present_any = ["report", "end"])]
    pub addresses: Vec<String>,
    /// All addresses of a report: its addresses.csv
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Watch none of the case's addresses any more
    #[arg(long, conflicts_with_all = ["addresses", "report"])]
    pub end: bool,
    /// Who asks (role reviewer)
    #[arg(long, value_name = "PERSON")]
    pub by: Option<String>,
}

#[derive(ClapArgs)]
pub struct SynthesizeChainArgs {
    /// Folder for the chain: blocks in `blocks`, and seeds.json and tags.csv
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// About how many inputs
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub inputs: u64,
    /// The same seed makes the same chain
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Addresses of the site that is paid
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub site: u64,
}
