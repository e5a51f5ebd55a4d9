//! What domains may use of the core, and nobody else: transactions, the audit trail, alarms, sealed
//! values. A test bars everybody but `crates/domains` from naming this module.

use std::sync::Arc;

use async_trait::async_trait;
use obhut_store::database::Database;
use obhut_vault::{Clock, Sealer};

pub use crate::domain::{Clearing, Domain, Gone, Removed};
pub use obhut_store::database::{Columns, Tx};
pub use obhut_store::ids;
pub use obhut_store::migrations::Numbered;

use crate::{Casework, Result};

/// Cases, within a transaction.
pub mod cases {
    use super::Tx;
    use crate::{CaseStatus, Casework, Result, Subject};

    /// How far a case has come; an error where there is none of that id.
    pub async fn status(tx: &mut Tx, id: &str) -> Result<CaseStatus> {
        crate::cases::status(tx, id).await
    }

    /// The open case of a group of payments, opened under the id `fresh` where there is none, and held
    /// against everybody else until the transaction ends. A bank's duty to report runs from then.
    pub async fn join_payments(
        tx: &mut Tx,
        casework: &Casework,
        subject: &Subject,
        fresh: &str,
        actor: &str,
    ) -> Result<String> {
        let duty = crate::cases::Duty::Payments;
        crate::cases::hold_or_open(tx, casework, subject, fresh, actor, duty).await
    }
}

/// Numbers that only grow, within a transaction: the order of things, whatever the clock says.
pub mod counters {
    use super::Tx;
    use crate::Result;

    /// The next number of a counter that a migration made. The counter is held until the transaction
    /// ends: take it after every row that others may hold.
    pub async fn next(tx: &mut Tx, of: &str) -> Result<i64> {
        obhut_store::changes::numbers(tx, of, 1).await
    }
}

/// Reports, within a transaction.
pub mod reports {
    use super::Tx;
    use crate::Result;

    /// True when there were reports of a case and each was taken back.
    pub async fn all_taken_back(tx: &mut Tx, case: &str) -> Result<bool> {
        crate::reports::all_taken_back(tx, case).await
    }
}

/// The audit trail, within a transaction.
pub mod audit {
    pub use obhut_store::audit::write;
}

/// What a person must look at.
pub mod alarms {
    use super::Tx;
    use crate::Result;

    /// Raises an alarm; one about the same that nobody has seen yet is brought up to date. `now` in
    /// microseconds since 1970; the text names ids, never evidence.
    pub async fn raise(tx: &mut Tx, now: i64, kind: &str, subject: &str, text: &str) -> Result<()> {
        crate::alarms::raise(tx, now, kind, subject, text).await
    }
}

/// Legal bases.
pub mod legal_bases {
    use crate::Result;

    /// Text and owner of a legal basis as they are kept.
    ///
    /// # Errors
    /// Where they say nothing, or it has ended by `now`, in microseconds since 1970.
    pub fn checked<'a>(
        basis: &'a str,
        owner: &'a str,
        ends_at: i64,
        now: i64,
    ) -> Result<(&'a str, &'a str)> {
        crate::legal_bases::checked(basis, owner, ends_at, now)
    }
}

/// The inside of a [`Casework`].
#[async_trait]
pub trait Inside {
    /// A transaction that may write.
    async fn begin(&self) -> Result<Tx>;
    /// A transaction that only reads.
    async fn snapshot(&self) -> Result<Tx>;
    /// For statements outside a transaction.
    fn pool(&self) -> &sqlx::AnyPool;
    /// Microseconds since 1970.
    fn now_micros(&self) -> i64;
    /// Text sealed for the database.
    fn seal_text(&self, text: &str) -> String;
    /// The text again.
    ///
    /// # Errors
    /// Where it was changed, or sealed under another key.
    fn open_text(&self, sealed: &str) -> Result<String>;
    /// The clock that this casework goes by.
    fn clock(&self) -> Arc<dyn Clock>;
    /// The key that seals, for files of a domain's own.
    fn sealer(&self) -> Arc<Sealer>;
    /// By which equal things are found again; `label` keeps uses apart.
    fn keyed_digest(&self, label: &str, bytes: &[u8]) -> String;
}

#[async_trait]
impl Inside for Casework {
    async fn begin(&self) -> Result<Tx> {
        self.db.begin().await
    }

    async fn snapshot(&self) -> Result<Tx> {
        self.db.snapshot().await
    }

    fn pool(&self) -> &sqlx::AnyPool {
        Database::pool(&self.db)
    }

    fn now_micros(&self) -> i64 {
        self.now()
    }

    fn seal_text(&self, text: &str) -> String {
        Casework::seal_text(self, text)
    }

    fn open_text(&self, sealed: &str) -> Result<String> {
        Casework::open_text(self, sealed)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    fn sealer(&self) -> Arc<Sealer> {
        self.sealer.clone()
    }

    fn keyed_digest(&self, label: &str, bytes: &[u8]) -> String {
        self.lookup.keyed_digest(label, bytes)
    }
}
