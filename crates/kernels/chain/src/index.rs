//! Queries of a finished index.

mod movements;
mod proof;
mod view;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use crate::chain::{Chain, names};
use crate::files::Hash;
use crate::forest::{Files, Forest};
use crate::heuristics;
use crate::manifest::Lock;
use crate::rule_set;
use crate::{Fault, Key, Network};

pub use movements::Movement;
pub use proof::Proof;
pub use view::{Coin, Transaction};

/// Blocks at the tip that a reorg may still orphan; they stay outside the base of the columns and
/// of the strong forest. Our judgement.
pub(crate) const STRONG_TAIL_BLOCKS: u64 = 100;
/// Blocks at the tip outside the base of the weak forest, a week of them. Change rules look at how
/// an output is spent later, so their answers for newer blocks still change. Our judgement.
pub(crate) const WEAK_TAIL_BLOCKS: u64 = 1_008;
/// A change rule never merges two clusters that both have more addresses than this. Our judgement.
pub const WEAK_GUARD_MEMBERS: u32 = 10_000;

/// What an index holds, as its manifest says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IndexInfo {
    /// Height and hash of the last block.
    pub tip: (u64, Hash),
    /// How many transactions, inputs, outputs and addresses.
    pub sizes: [u64; 4],
    /// Unions that the guard (`WEAK_GUARD_MEMBERS`) refused during the build.
    pub refused_joins: u64,
}

/// Reads what an index holds from its manifest, without opening or locking it. Fails without an
/// index, or if the manifest is damaged or of another version or rule set.
pub fn index_info(folder: &Path) -> Result<IndexInfo, Fault> {
    let m = rule_set::manifest(folder)?;
    let c = m.counts;
    Ok(IndexInfo {
        tip: (c.blocks.saturating_sub(1), m.tip),
        sizes: [c.txs, c.ins, c.outs, c.addresses],
        refused_joins: m.refused,
    })
}

/// An index.
pub struct Index {
    pub(crate) chain: Chain,
    /// The bases of the strong and the weak forest, until the first query completes them.
    base: Mutex<Option<[Forest; 2]>>,
    forests: OnceLock<[Forest; 2]>,
    /// The first transactions above the strong and the weak base.
    from: (u64, u64),
    network: Network,
    blocks_folder: PathBuf,
    folder: PathBuf,
    tip: Hash,
    _lock: Lock,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Index({}, {:?})", self.network.name(), self.chain.counts)
    }
}

impl Index {
    /// Opens a finished index. While it is open, any process that would append to it or replace it
    /// fails with [`Fault::Busy`]. So does this call while such a process is at work. Also fails
    /// without an index, if its manifest is damaged or of another version or rule set, and if a
    /// column is missing or too short.
    pub fn open(folder: &Path) -> Result<Self, Fault> {
        if !folder.exists() {
            return Err(Fault::NoIndex {
                folder: folder.to_owned(),
                begun: false,
            });
        }
        // Before the manifest is read: a follower must not replace it between reading and mapping.
        let lock = Lock::shared(folder)?;
        let manifest = rule_set::manifest(folder)?;
        let chain = Chain::open(folder, &manifest)?;
        let columns = manifest.columns(folder);
        let io = || Fault::io(&columns);
        let of = |name: &str| Files::named(&columns, name);
        let (strong, weak) = (manifest.strong.1, manifest.weak.1);
        let strong = Forest::open(&of(names::STRONG), strong, manifest.links.0).map_err(io())?;
        let weak = Forest::open(&of(names::WEAK), weak, manifest.links.1)
            .map_err(io())?
            .guarded(WEAK_GUARD_MEMBERS);
        Ok(Self {
            from: (
                chain.first_tx(manifest.strong.0),
                chain.first_tx(manifest.weak.0),
            ),
            chain,
            // Completed by the first query that needs a forest, not on opening.
            base: Mutex::new(Some([strong, weak])),
            forests: OnceLock::new(),
            network: manifest.network,
            blocks_folder: manifest.blocks_folder,
            folder: folder.to_owned(),
            tip: manifest.tip,
            _lock: lock,
        })
    }

    /// Both forests; the first call adds the unions of the newest blocks.
    fn forests(&self) -> &[Forest; 2] {
        self.forests.get_or_init(|| {
            let mut base = self.base.lock().expect("lock poisoned");
            let [mut strong, mut weak] = base.take().expect("it is taken once");
            let (chain, end) = (&self.chain, self.chain.counts.txs);
            // Two starting points: the weak base ends further below the tip.
            for tx in self.from.0..end {
                heuristics::strong_unions(chain, tx, |union| strong.union(union));
            }
            for tx in self.from.1..end {
                // The guard applies to change links only.
                heuristics::strong_unions(chain, tx, |union| weak.union_always(union));
            }
            for tx in self.from.1..end {
                // After all common inputs, as in a build: no change link where a stronger one exists.
                if let Some(union) = heuristics::weak_union(chain, tx) {
                    weak.union(union);
                }
            }
            [strong, weak]
        })
    }

    pub(crate) fn strong(&self) -> &Forest {
        &self.forests()[0]
    }

    pub(crate) fn weak(&self) -> &Forest {
        &self.forests()[1]
    }

    /// The network of its blocks.
    pub fn network(&self) -> Network {
        self.network
    }

    /// The index's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of its block files, as recorded by the build or as set since.
    pub fn blocks_folder(&self) -> &Path {
        &self.blocks_folder
    }

    /// Sets the folder that block files are read from; it is not stored in the index.
    pub fn set_blocks_folder(&mut self, folder: &Path) {
        folder.clone_into(&mut self.blocks_folder);
    }

    /// Height and hash of the last block.
    pub fn tip(&self) -> (u64, Hash) {
        (self.chain.counts.blocks.saturating_sub(1), self.tip)
    }

    /// Seconds since 1970 of the last block, as its miner said.
    pub fn tip_time(&self) -> u32 {
        self.chain
            .counts
            .blocks
            .checked_sub(1)
            .map_or(0, |n| self.chain.block(n).time)
    }

    /// How many transactions, inputs, outputs and addresses it holds.
    pub fn sizes(&self) -> [u64; 4] {
        let c = &self.chain.counts;
        [c.txs, c.ins, c.outs, c.addresses]
    }

    /// The number of an address in this index; `None` if the chain never paid it.
    pub fn find(&self, key: &Key) -> Option<u32> {
        self.chain.find(key)
    }

    /// The script or key of the address with that number. Panics beyond the last address.
    pub fn key(&self, address: u32) -> Key {
        self.chain.key(address)
    }

    /// The address with that number in its usual text form. Panics beyond the last address.
    pub fn address_text(&self, address: u32) -> String {
        self.key(address).text(self.network)
    }
}
