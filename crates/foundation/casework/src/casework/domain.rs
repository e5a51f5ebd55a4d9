//! The interface between the core and the domains: media, payments, bitcoin, intake.
//!
//! Each domain keeps its own details about a case. A report is assembled from all of them, and
//! redress reaches all of them, because both go through this trait.
//!
//! Invariant: [`Domain::withdraw`] uses only the transaction it is given. The writer lock isn't
//! re-entrant, and the erasure must commit or roll back together with the appeal's decision.
//! Invariant: [`Domain::finish_erasure`] is idempotent; after an interruption it is run again.

use async_trait::async_trait;
use obhut_facts::Facts;
use obhut_store::Result;
use obhut_store::database::Tx;
use obhut_store::database::covered::Covered;
use obhut_store::migrations::Numbered;

use super::{Casework, Finding};

/// An item a domain held about a cleared person, and what happens to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Removed {
    /// Kind of data, or the id of an exhibit.
    pub what: String,
    /// When it is deleted.
    pub when: Gone,
}

/// What happens to the item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Gone {
    /// Deleted in this transaction.
    Done,
    /// Deleted at this time or soon after, microseconds since 1970: when the preservation period or
    /// the retention of a database copy ends. `i64::MAX` for an item that could not be examined,
    /// and so is never due.
    NotBefore(i64),
    /// Kept, for this reason.
    Kept(&'static str),
}

impl Removed {
    /// Deleted in this transaction.
    pub fn done(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            when: Gone::Done,
        }
    }

    /// Deleted at this time, microseconds since 1970.
    pub fn not_before(what: &str, at: i64) -> Self {
        Self {
            what: what.to_owned(),
            when: Gone::NotBefore(at),
        }
    }

    /// Kept, for this reason.
    pub fn kept(what: &str, because: &'static str) -> Self {
        Self {
            what: what.to_owned(),
            when: Gone::Kept(because),
        }
    }
}

/// The cleared case passed to [`Domain::withdraw`].
pub struct Clearing<'a> {
    /// The case.
    pub case: &'a str,
    /// The appeal that was upheld.
    pub appeal: &'a str,
    /// Id of the person who upheld the appeal.
    pub person: &'a str,
    /// End of the preservation period in microseconds since 1970; 0 if nothing was filed.
    pub kept_until: i64,
}

/// A domain: media, payments, bitcoin, intake.
#[async_trait]
pub trait Domain: Send + Sync {
    /// Stable name; queued work is stored under it.
    fn name(&self) -> &'static str;

    /// Migrations of its tables.
    fn migrations(&self) -> &'static [Numbered] {
        &[]
    }

    /// Those of its tables whose rows the vault's log covers.
    fn covered(&self) -> &'static [Covered] {
        &[]
    }

    /// What of its files outside the vault isn't what was recorded: the place, and what is wrong.
    async fn faults(&self, _: &Casework) -> Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }

    /// Its files outside the vault that nothing names, and that an interruption may have left: paths
    /// relative to the data folder.
    async fn leftovers(&self, _: &Casework) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Runs once after the data folder was opened and its tables were migrated.
    async fn opened(&self, _: &Casework) -> Result<()> {
        Ok(())
    }

    /// Fills in the details of the findings that belong to this domain.
    async fn describe(&self, _: &mut Tx, _case: &str, _findings: &mut [Finding]) -> Result<()> {
        Ok(())
    }

    /// The facts this domain contributes to a case, computed now. A stored value wins over them,
    /// whether a person or an upload supplied it.
    async fn dossier_part(&self, _: &mut Tx, _: &Casework, _case: &str) -> Result<Facts> {
        Ok(Facts::default())
    }

    /// True if the domain has something about an account outside of cases that a person would have
    /// to look at before deciding about the account, such as a report in the queue.
    async fn knows_account(&self, _: &mut Tx, _: &Casework, _account: &str) -> Result<bool> {
        Ok(false)
    }

    /// Deletes what the domain holds about the person of a cleared case, and lists what is deleted
    /// later or kept.
    async fn withdraw(
        &self,
        tx: &mut Tx,
        casework: &Casework,
        clearing: &Clearing<'_>,
    ) -> Result<Vec<Removed>>;

    /// Does the work that can't be part of [`Domain::withdraw`]'s transaction: files, the vault,
    /// recomputation.
    async fn finish_erasure(&self, casework: &Casework, case: &str) -> Result<()>;
}
