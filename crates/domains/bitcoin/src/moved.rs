//! Records movements at watched addresses since the last processed block, and reverts those that a
//! reorg orphaned.
//!
//! Recording is idempotent: a run that is interrupted loses nothing and duplicates nothing.

use std::collections::HashSet;

use obhut_casework::{Casework, Result, rfc3339};
use obhut_chain::{Index, Key, Movement, Network, hash_of_text, hash_text};

use crate::watches::{
    MovementRow, chain_told, chain_watches, movements_of, record_movement, set_watermark,
    undo_movement,
};

/// How far back movements are searched again after a reorg, in blocks; our judgement.
const REORG_BLOCKS_MAX: u64 = 100;

/// What [`catch_up`] recorded.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Moved {
    /// Transaction ids of recorded movements that a reorg removed from the chain; one for each
    /// movement, so a transaction may occur several times.
    pub orphaned: Vec<String>,
    /// Number of findings raised, or opened again after a reorg.
    pub raised: u64,
}

/// The keys of all addresses that may be watched on a network now ([`chain_watches`]). An address
/// that can't be parsed is skipped.
pub async fn watched_keys(casework: &Casework, network: Network) -> Result<HashSet<Key>> {
    let watches = chain_watches(casework, network).await?;
    let keys = watches
        .iter()
        .filter_map(|w| Key::parse(w.address.expose(), network).ok());
    Ok(keys.collect())
}

/// Records movements at `watched` addresses up to the tip of the index, reverts orphaned ones, and
/// advances the watermark.
pub async fn catch_up(
    casework: &Casework,
    network: Network,
    index: &Index,
    watched: &HashSet<Key>,
) -> Result<Moved> {
    let (height, hash) = index.tip();
    let mut moved = Moved::default();
    let mut orphaned = false;
    let from = match chain_told(casework, network.name()).await? {
        // The first run records nothing and only sets the watermark: `payers` finds earlier
        // movements.
        None => height + 1,
        Some((processed, block)) => match index.block_hash(processed).map(|h| hash_text(&h)) {
            Some(same) if same == block => processed + 1,
            // A reorg happened since, or the index ends below the watermark.
            _ => {
                // An index that ends below the watermark proves nothing: it may only be behind.
                orphaned = processed <= height;
                processed.min(height).saturating_sub(REORG_BLOCKS_MAX)
            }
        },
    };
    if orphaned {
        for (id, m) in movements_of(casework, network.name()).await? {
            let there = hash_of_text(&m.txid).and_then(|id| index.find_transaction(&id));
            // Movements below `from` stay: after a deeper reorg the index has to be rebuilt.
            if there.is_none() && m.height >= from {
                undo_movement(casework, &id).await?;
                moved.orphaned.push(m.txid);
            }
        }
    }
    for m in index.movements(watched, from) {
        moved.raised += record_movement(casework, network.name(), &row_of(&m, network)).await?;
    }
    // Last: a crash before this repeats the blocks, and recording twice changes nothing.
    set_watermark(casework, network.name(), height, &hash_text(&hash)).await?;
    Ok(moved)
}

fn row_of(m: &Movement, network: Network) -> MovementRow {
    MovementRow {
        address: m.key.text(network),
        txid: hash_text(&m.tx),
        height: m.height,
        time: rfc3339(i64::from(m.time) * 1_000_000),
        amount_sat: m.satoshi,
        incoming: m.incoming,
        place: m.place,
        undone: false,
    }
}
