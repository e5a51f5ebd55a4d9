//! The part of the core that domains may use: transactions, the audit trail, alarms, sealed values.
//! A test bars the `src` folder of every crate outside `crates/domains` from naming this module,
//! except where app registers the domains.

use std::any::TypeId;
use std::sync::Arc;

use async_trait::async_trait;
use obhut_store::database::Database;
use obhut_vault::{Clock, Exhibit, LookupKey, Sealer};

pub use crate::casework::{Clearing, Domain, Gone, Removed, bytes_key};
pub use obhut_store::database::covered::{Covered, KeyColumn, by_id};
pub use obhut_store::database::{Columns, Tx, VALUES_MAX};
pub use obhut_store::migrations::Numbered;
pub use obhut_store::{changes, ids};

use crate::{Casework, Result};

/// Cases, within a transaction.
pub mod cases {
    use super::Tx;
    use crate::{Casework, Result, Subject};
    use obhut_facts::{CaseStatus, Facts};
    use std::collections::HashMap;

    /// The status of a case. Not found if there is no such case.
    pub async fn status(tx: &mut Tx, id: &str) -> Result<CaseStatus> {
        crate::cases::status(tx, id).await
    }

    /// Opens a case in a new group, stores its facts, and starts the reporting deadline.
    pub async fn open(
        tx: &mut Tx,
        casework: &Casework,
        id: &str,
        account: Option<&str>,
        known: &Facts,
        actor: &str,
    ) -> Result<()> {
        let opening = crate::cases::Opening {
            id,
            group: id,
            account,
            embargo: None,
        };
        crate::opening::open(tx, casework, &opening, known, actor).await
    }

    /// Cases with a decision to report, by the key of their account: the newest case of each
    /// account.
    pub async fn reported_accounts(
        tx: &mut Tx,
        keys: &[&String],
    ) -> Result<HashMap<String, String>> {
        crate::cases::reported_accounts(tx, keys).await
    }

    /// Locks a case row until the transaction ends. Redress takes this lock first; a transaction
    /// that changes several rows of a case must do the same to avoid a deadlock.
    pub async fn hold(tx: &mut Tx, id: &str) -> Result<()> {
        crate::cases::hold(tx, id).await
    }

    /// The open case of a group, if there is one.
    pub async fn open_case(casework: &Casework, subject: &Subject) -> Result<Option<String>> {
        crate::cases::open_case(casework, subject).await
    }

    /// The open case of a group of uploads, opened under the id `fresh` if there is none, and
    /// locked until the transaction ends. Opening it starts a provider's reporting deadline.
    pub async fn join_uploads(
        tx: &mut Tx,
        casework: &Casework,
        subject: &Subject,
        fresh: &str,
        actor: &str,
    ) -> Result<String> {
        let duty = crate::opening::Duty::Provider;
        crate::opening::hold_or_open(tx, casework, subject, fresh, actor, duty).await
    }

    /// The open case of a group of payments, opened under the id `fresh` if there is none, and
    /// locked until the transaction ends. Opening it starts a bank's reporting deadline.
    pub async fn join_payments(
        tx: &mut Tx,
        casework: &Casework,
        subject: &Subject,
        fresh: &str,
        actor: &str,
    ) -> Result<String> {
        let duty = crate::opening::Duty::Payments;
        crate::opening::hold_or_open(tx, casework, subject, fresh, actor, duty).await
    }
}

/// Sequences, within a transaction. They define the order of rows, independent of the wall clock.
pub mod counters {
    use super::Tx;
    use crate::Result;

    /// The next value of a counter created by a migration. The counter row stays locked until the
    /// transaction ends, so lock all other rows first.
    pub async fn next(tx: &mut Tx, of: &str) -> Result<i64> {
        obhut_store::changes::numbers(tx, of, 1).await
    }
}

/// Reports, within a transaction.
pub mod reports {
    use super::Tx;
    use crate::Result;

    /// True if a case has reports and none of them is a draft or approved.
    pub async fn all_taken_back(tx: &mut Tx, case: &str) -> Result<bool> {
        crate::reports::all_taken_back(tx, case).await
    }
}

/// API keys, for servers that keep them in memory.
pub mod api_keys {
    use super::Tx;
    use crate::{ApiKey, Result};
    use std::collections::HashMap;

    /// Keys that were not revoked, by the digest of their secret; the caller checks `expires_at`.
    pub async fn by_digest(tx: &mut Tx) -> Result<HashMap<String, ApiKey>> {
        crate::api_keys::by_digest(tx).await
    }

    /// The digest under which a key is stored.
    pub fn digest(secret: &str) -> String {
        crate::api_keys::digest(secret)
    }
}

/// Findings, within a transaction.
pub mod findings {
    use super::Tx;
    use crate::{Casework, FindingState, Result};

    pub use crate::findings::{AS_RECEIVED, File, GIVEN, NewFinding, UNREAD_REPORT};

    /// Inserts a finding and returns its id, under which a domain stores the details. Locks the
    /// case row.
    pub async fn write(tx: &mut Tx, casework: &Casework, found: &NewFinding<'_>) -> Result<String> {
        crate::findings::write(tx, casework, found).await
    }

    /// Updates state and strength of the finding with this case, source and subject; false if there
    /// is none.
    pub async fn set_state(
        tx: &mut Tx,
        found: &NewFinding<'_>,
        state: FindingState,
    ) -> Result<bool> {
        crate::findings::set_state(tx, found, state).await
    }

    /// Records what is known about a file. Call it before inserting the file's findings.
    pub async fn file(
        tx: &mut Tx,
        casework: &Casework,
        subject: &str,
        file: &File<'_>,
    ) -> Result<()> {
        crate::findings::file(tx, casework, subject, file).await
    }

    /// The first case with a finding of an exhibit.
    pub async fn case_of_exhibit(tx: &mut Tx, exhibit: &str) -> Result<Option<String>> {
        crate::findings::case_of_exhibit(tx, exhibit).await
    }
}

/// Clocks of reports in the queue that say a child is in danger now, within a transaction.
pub mod danger {
    use super::Tx;
    use crate::{Casework, Result};

    /// Starts the clock of an unopened report.
    pub async fn waits(tx: &mut Tx, casework: &Casework, report: &str) -> Result<()> {
        crate::danger::start(tx, casework, report).await
    }

    /// Ends the clock of a report that became a case. The case's clock runs on from it.
    pub async fn opened(tx: &mut Tx, casework: &Casework, report: &str, case: &str) -> Result<()> {
        crate::danger::opened(tx, casework, report, case).await
    }
}

/// What was decided before, within a transaction.
pub mod uploads {
    use super::Tx;
    use crate::{Casework, Result};

    pub use crate::uploads::DecidedFinding;

    /// Findings about the same bytes, by SHA-256, in decided cases of the same account; those of
    /// the case that was decided last come last.
    pub async fn decided_before(
        tx: &mut Tx,
        casework: &Casework,
        account: &str,
        sha256: &str,
    ) -> Result<Vec<DecidedFinding>> {
        crate::uploads::decided_before(tx, casework, account, sha256).await
    }
}

/// Facts, within a transaction.
pub mod facts {
    use super::Tx;
    use crate::{Casework, Result, Subject};

    /// Adds what the platform knows about an upload to the facts of its case. The caller must have
    /// locked the case.
    pub async fn add_upload(
        tx: &mut Tx,
        casework: &Casework,
        case: &str,
        subject: &Subject,
        exhibit: Option<&str>,
    ) -> Result<()> {
        crate::facts::add_upload(tx, casework, case, subject, exhibit).await
    }

    /// Ranks a case in the queue again, after what the domain contributes has changed.
    pub async fn rank(tx: &mut Tx, casework: &Casework, case: &str) -> Result<()> {
        let known = crate::facts::stored(tx, casework, case).await?;
        crate::facts::rank(tx, casework, case, &known).await?;
        Ok(())
    }
}

/// Exhibits, within a transaction.
pub mod views {
    use super::Tx;
    use crate::Result;

    /// Exhibits with these bytes, by the key of the bytes: key and exhibit.
    pub async fn exhibits_of_bytes(tx: &mut Tx, keys: &[&String]) -> Result<Vec<(String, String)>> {
        crate::views::exhibits_of_bytes(tx, keys).await
    }
}

/// The audit trail, within a transaction.
pub mod audit {
    pub use obhut_store::audit::write;
}

/// Alarms, within a transaction.
pub mod alarms {
    use super::Tx;
    use crate::Result;

    /// Raises an alarm, or updates the unseen one with the same kind and subject. `now` in
    /// microseconds since 1970; the text names ids, never evidence.
    pub async fn raise(tx: &mut Tx, now: i64, kind: &str, subject: &str, text: &str) -> Result<()> {
        crate::alarms::raise(tx, now, kind, subject, text).await
    }
}

/// Legal bases.
pub mod legal_bases {
    use crate::Result;

    /// Trims the text and owner of a legal basis, and checks them.
    ///
    /// # Errors
    /// Invalid if text or owner is blank, or if `ends_at` isn't after `now`, both in microseconds
    /// since 1970.
    pub fn checked<'a>(
        basis: &'a str,
        owner: &'a str,
        ends_at: i64,
        now: i64,
    ) -> Result<(&'a str, &'a str)> {
        crate::legal_bases::checked(basis, owner, ends_at, now)
    }
}

/// Access to the internals of a [`Casework`].
#[async_trait]
pub trait Inside {
    /// A transaction that may write.
    async fn begin(&self) -> Result<Tx>;
    /// A transaction that only reads.
    async fn snapshot(&self) -> Result<Tx>;
    /// The connection pool, for statements outside a transaction.
    fn pool(&self) -> &sqlx::AnyPool;
    /// Microseconds since 1970.
    fn now_micros(&self) -> i64;
    /// Text sealed for the database.
    fn seal_text(&self, text: &str) -> String;
    /// Opens text sealed by [`Inside::seal_text`].
    ///
    /// # Errors
    /// The text was changed, or sealed under another key.
    fn open_text(&self, sealed: &str) -> Result<String>;
    /// Serialises intakes, which assign positions in the queue.
    async fn lock_for_intake(&self, tx: &mut Tx) -> Result<()>;
    /// Serialises writers of alerts, which look for a party's alert before they write one.
    async fn lock_for_alerts(&self, tx: &mut Tx) -> Result<()>;
    /// Seals bytes as an exhibit.
    async fn keep(&self, bytes: &[u8], intake: obhut_vault::Intake) -> Result<Exhibit>;
    /// Like [`Inside::keep`], with the PDQ that screening has computed.
    async fn keep_screened(
        &self,
        bytes: &[u8],
        intake: obhut_vault::Intake,
        pdq: Option<&str>,
    ) -> Result<Exhibit>;
    /// The lookup key, for work on other threads.
    fn lookup(&self) -> Arc<LookupKey>;
    /// The clock that this casework uses.
    fn clock(&self) -> Arc<dyn Clock>;
    /// The sealing key, for files that a domain stores itself.
    fn sealer(&self) -> Arc<Sealer>;
    /// False if the data folder was opened for checks without its private keys.
    fn has_keys(&self) -> bool;
    /// True if what an older release left may be brought up to date: the log covers nothing yet.
    fn is_upgrading(&self) -> bool;
    /// Keyed digest for lookups; `label` separates uses.
    fn keyed_digest(&self, label: &str, bytes: &[u8]) -> String;
    /// In-memory state of a domain, one value per type, alive as long as this handle.
    fn domain_state<T: Default + Send + Sync + 'static>(&self) -> Arc<T>;
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
        crate::sealed::seal_text(self, text)
    }

    fn open_text(&self, sealed: &str) -> Result<String> {
        crate::sealed::open_text(self, sealed)
    }

    async fn lock_for_intake(&self, tx: &mut Tx) -> Result<()> {
        self.db.lock_for_intake(tx).await
    }

    async fn lock_for_alerts(&self, tx: &mut Tx) -> Result<()> {
        self.db.lock_for_alerts(tx).await
    }

    async fn keep(&self, bytes: &[u8], intake: obhut_vault::Intake) -> Result<Exhibit> {
        crate::views::keep(self, bytes, intake).await
    }

    async fn keep_screened(
        &self,
        bytes: &[u8],
        intake: obhut_vault::Intake,
        pdq: Option<&str>,
    ) -> Result<Exhibit> {
        crate::views::keep_screened(self, bytes, intake, pdq).await
    }

    fn lookup(&self) -> Arc<LookupKey> {
        self.lookup.clone()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    fn has_keys(&self) -> bool {
        self.has_keys
    }

    fn is_upgrading(&self) -> bool {
        self.is_upgrading.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn sealer(&self) -> Arc<Sealer> {
        self.sealer.clone()
    }

    fn keyed_digest(&self, label: &str, bytes: &[u8]) -> String {
        self.lookup.keyed_digest(label, bytes)
    }

    fn domain_state<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        // A std mutex suffices: it is held for a look-up, never across an await.
        let mut all = self.domain_state.lock().expect("no panic while held");
        let memory = all
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::new(T::default()));
        memory.clone().downcast().expect("the type is its key")
    }
}
