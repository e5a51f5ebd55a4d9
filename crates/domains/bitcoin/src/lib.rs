//! Money on the bitcoin chain: from seeds and tags to payers and the services that can name them.
//!
//! What the chain's structure shows comes from the kernel; the names of services come from tags,
//! which name their source. This crate combines the two, and every row says which part comes from
//! where.

#![deny(missing_docs)]

mod bases;
mod migrations;
mod moved;
mod payers;
mod proof;
mod services;
mod tags;
mod watches;

pub use bases::{ChainBasis, Permission, begin_trace, chain_bases, record_chain_basis};
pub use moved::{Moved, catch_up, watched_keys};
pub use obhut_chain::heuristics::{self, Heuristic, Strength};
pub use obhut_chain::{
    AddressFault, Build, Coin, Fault, Followed, Index, IndexInfo, Key, Movement, NETWORKS, Network,
    Progress, Proof, Transaction, Why, build, coinjoins, coinjoins_of_block, follow, hash_of_text,
    hash_text, in_threads, index_info, is_there, site, source_of_funds, why,
};
pub use obhut_facts::{
    ActorRecord, AddressRow, ArrivalRow, CandidateRow, ContestedCluster, DoubtfulRow, OutPoint,
    PayersReport, PaymentRow, Service, ServiceRow, TagProblem, TagRecord,
};
pub use payers::{Question, payers};
pub use proof::{ProofFault, explain_link, proof};
pub use services::Services;
pub use tags::{add_chain_tags, chain_tags};
pub use watches::{
    ChainWatch, MovementRow, chain_told, chain_watches, movements, movements_of, record_movement,
    set_watermark, undo_movement, unwatch, watch_addresses,
};

#[doc(hidden)]
pub use obhut_chain::probes::block as probe_block;

use async_trait::async_trait;

use obhut_casework::for_domains::{Clearing, Covered, Domain, Numbered, Removed, Tx};
use obhut_casework::{Casework, Result};

/// The chain, as a domain of casework.
pub struct Bitcoin;

#[async_trait]
impl Domain for Bitcoin {
    fn name(&self) -> &'static str {
        watches::SOURCE
    }

    fn migrations(&self) -> &'static [Numbered] {
        migrations::ALL
    }

    fn covered(&self) -> &'static [Covered] {
        migrations::COVERED
    }

    async fn withdraw(
        &self,
        tx: &mut Tx,
        _: &Casework,
        clearing: &Clearing<'_>,
    ) -> Result<Vec<Removed>> {
        // Findings and exhibits of the case belong to the core, which withdraws them.
        let mut removed = Vec::new();
        for (what, gone) in [
            ("watches", watches::forget(tx, clearing.case).await?),
            ("legal bases", bases::forget(tx, clearing.case).await?),
        ] {
            if gone > 0 {
                removed.push(Removed::done(what));
            }
        }
        Ok(removed)
    }

    /// Nothing to do: exhibits, the only data outside the database, belong to the core.
    async fn finish_erasure(&self, _: &Casework, _: &str) -> Result<()> {
        Ok(())
    }
}
