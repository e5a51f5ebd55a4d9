//! Attribution tags, and the rows of a payer report.

use serde::{Deserialize, Serialize};

/// An attribution tag: a claim that an address belongs to a service.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TagRecord {
    /// The address.
    pub address: String,
    /// Name of the service.
    pub label: String,
    /// Id of the actor, as in actor packs.
    pub actor: Option<String>,
    /// What the service does: `exchange`, `market`, `user`, …
    pub category: Option<String>,
    /// Source of the claim.
    pub source: String,
    /// When the claim was made or last checked.
    pub date: Option<String>,
    /// Confidence, 0 to 100, on TagPack's scale.
    pub confidence: u8,
    /// Applies to the address's whole cluster.
    pub for_cluster: bool,
    /// The TagPack it comes from.
    pub pack: String,
    /// Creator of the TagPack.
    pub creator: String,
}

/// An actor, as in GraphSense ActorPacks.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ActorRecord {
    /// As tags name it.
    pub id: String,
    /// What it is called.
    pub label: String,
    /// Its name in registers, where known.
    pub legal_name: Option<String>,
    /// Countries, ISO 3166.
    pub jurisdictions: Vec<String>,
    /// Where it can be looked up.
    pub uri: Option<String>,
}

/// A tag or an actor that could not be loaded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TagProblem {
    /// Which file.
    pub file: String,
    /// Which row, from 1; 0 for the file.
    pub row: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

/// A service.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Service {
    /// What it is called.
    pub label: String,
    /// What it does.
    pub category: Option<String>,
    /// Its name in registers, where an actor pack has it.
    pub legal_name: Option<String>,
    /// Countries, ISO 3166, where an actor pack has them.
    pub jurisdictions: Vec<String>,
    /// True if it can identify its customers when asked; a trace ends there.
    pub answers: bool,
    /// The highest confidence of its tags, 0 to 100.
    pub confidence: u8,
    /// Its tags whose addresses occur on the chain.
    pub tags: Vec<TagRecord>,
}

/// A cluster that tags of several services claim.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ContestedCluster {
    /// The services that claim it.
    pub services: Vec<String>,
    /// The service it is attributed to, if its tags have much higher confidence than the others'.
    pub taken_for: Option<String>,
}

/// A transaction output, in text form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct OutPoint {
    /// The transaction's id, as block explorers print it: hex, bytes reversed.
    pub txid: String,
    /// Index of the output in the transaction, from 0.
    pub vout: u32,
}

/// An address attributed to the site.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AddressRow {
    /// The address.
    pub address: String,
    /// Strength of the link: `strong` or `weak`.
    pub layer: &'static str,
    /// 0 to 100.
    pub confidence: u8,
    /// What links it.
    pub because: String,
}

/// An address that was not attributed to the site.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DoubtfulRow {
    /// The address.
    pub address: String,
    /// The link that was refused.
    pub because: String,
    /// Why it was refused.
    pub refused: String,
}

/// A payment to the site.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PaymentRow {
    /// The output.
    #[serde(flatten)]
    pub out: OutPoint,
    /// When: the timestamp of the block, which its miner sets.
    pub time: String,
    /// Height of the block.
    pub height: u64,
    /// Satoshi.
    pub amount_sat: u64,
    /// The site's address.
    pub to_address: String,
    /// True if a service paid the site directly.
    pub direct: bool,
    /// Where the coins may have left a service, nearest first.
    pub candidates: Vec<CandidateRow>,
    /// Number of paths of the trace that ended elsewhere: at a CoinJoin, at newly mined coins, at a
    /// limit, in this order.
    pub ends: [u32; 3],
    /// Number of the paying wallet, from 1, in the order of first payments. Payments with the same
    /// number may have one payer. A service that paid the site itself has a number too. Payments
    /// without a paying address share one.
    pub wallet: u32,
}

/// A candidate source of a payment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CandidateRow {
    /// The service's label, or `unnamed:` and an address of a wallet that behaves like one.
    pub service: String,
    /// Index in [`PayersReport::services`], from 0; none for an unnamed one.
    pub number: Option<usize>,
    /// The output with which the service paid its customer.
    pub out: OutPoint,
    /// When that was.
    pub time: String,
    /// Satoshi of that output.
    pub amount_sat: u64,
    /// The customer's address there.
    pub address: String,
    /// Number of transactions from that output to the payment.
    pub hops: u32,
    /// Number of other wallets between them.
    pub wallets: u32,
    /// 0 to 100.
    pub confidence: u8,
}

/// A service that payments lead to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ServiceRow {
    /// The service.
    #[serde(flatten)]
    pub service: Service,
    /// Payments that it made to the site itself.
    pub direct: usize,
    /// Payments with it among the candidates.
    pub behind: usize,
}

/// Where the site's money ended.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ArrivalRow {
    /// A service's label, `mix`, `unspent` or `limit`.
    pub end: String,
    /// Number of outputs summed up; 1 in [`PayersReport::arrivals`].
    pub outputs: u64,
    /// The output; none where the row is a sum.
    pub out: Option<OutPoint>,
    /// Satoshi by poison.
    pub poison_sat: u64,
    /// Satoshi by haircut, rounded.
    pub haircut_sat: u64,
    /// Satoshi by first in, first out.
    pub fifo_sat: u64,
}

/// The report.
#[derive(Clone, Debug, Serialize)]
pub struct PayersReport {
    /// The network's name: `mainnet`, `testnet`, `signet` or `regtest`.
    pub network: &'static str,
    /// Height, hash and time of the last block in the index.
    pub tip: (u64, String, String),
    /// Transactions, inputs, outputs, addresses in the index.
    pub sizes: [u64; 4],
    /// Number of seeds that occur on the chain.
    pub seeds: usize,
    /// What was ignored, and why.
    pub problems: Vec<String>,
    /// Clusters that tags of several services claim.
    pub contested: Vec<ContestedCluster>,
    /// Addresses of the site.
    pub addresses: Vec<AddressRow>,
    /// Addresses that may be the site's.
    pub doubtful: Vec<DoubtfulRow>,
    /// Payments, in the chain's order.
    pub payments: Vec<PaymentRow>,
    /// Payments that investigators made.
    pub own: Vec<OutPoint>,
    /// Outputs of at most a thousand satoshi: not payments.
    pub dust: Vec<OutPoint>,
    /// Number of outputs mined to the site, and of outputs it received in CoinJoins it took part
    /// in. Neither are payments.
    pub mined_and_mixed: (usize, usize),
    /// The lowest and the highest possible number of payers: one person may own all paying wallets,
    /// and each payment may be another person's.
    pub payers: (usize, usize),
    /// Number of paying wallets (clusters of linked addresses) plus services that paid the site
    /// themselves.
    pub wallets: usize,
    /// Named services that payments lead to.
    pub services: Vec<ServiceRow>,
    /// Wallets without a name that behave like services: `unnamed:` and an address, payments.
    pub unnamed: Vec<(String, usize)>,
    /// Where the money went, in sums.
    pub onward: Vec<ArrivalRow>,
    /// The outputs of those sums one by one, the largest first, at most 500.
    pub arrivals: Vec<ArrivalRow>,
}

impl PayersReport {
    /// Satoshi of all payments.
    pub fn total_sat(&self) -> u64 {
        // No overflow: u64 holds the supply of 2.1e15 satoshi eight thousand times.
        self.payments.iter().map(|p| p.amount_sat).sum()
    }
}
