//! The core: findings of every kind, cases, decisions, reports as data, approvals, redress.
//!
//! Media, money and reports share one path: finding, case, decision, report, exhibit, audit.
//!
//! Invariant: casework never sends. It writes a row of the outbox; a worker hands it to partners.
//! Invariant: a [`Report`] can be built only from a [`Decision`], and a decision only by a person.
//! Invariant: each table is named by exactly one module.
//! Invariant: evidence leaves only through [`Casework::view`], which is logged before the first byte.

#![deny(missing_docs)]

mod alarms;
mod api_keys;
mod appeals;
mod approvals;
mod audit;
mod authorize;
mod case_file;
mod cases;
mod channels;
mod deadlines;
mod decisions;
mod domain;
mod dossier;
mod erasures;
mod facts;
mod filings;
mod findings;
pub mod for_domains;
mod legal_bases;
mod migrations;
mod notices;
mod outbox;
mod outcomes;
mod people;
mod policy;
mod repeats;
mod reports;
mod routes;
mod sealed;
mod settings;
mod views;

pub use obhut_store::clock::{maybe_time, time};
pub use obhut_store::{CaseworkError, DataFolder, Next, Result, Sealed, SystemClock, rfc3339};
pub(crate) use obhut_store::{changes, clock, database, ids};

pub use alarms::Alarm;
pub use api_keys::{ApiKey, Right};
pub use appeals::{Appeal, AppealOutcome};
pub use approvals::Approval;
pub use audit::AuditRow;
pub use authorize::{ACTIONS, Action as Act, Actor, Gate, State, authorize, authorize_state};
pub use case_file::{CASE_FILE_BYTES_MAX, CaseFile, CaseFileItem, CaseGroup, Embargo, NewCase};
pub use cases::{Case, CaseDetail, Subject, fresh_group};
pub use channels::Channel;
pub use deadlines::{Deadline, DeadlineKind};
pub use decisions::{Decision, DecisionRequest, Ruling};
pub use erasures::{Erasure, ErasureProof, Kept, Restoration, Restored};
pub use facts::{
    Account, AccountClosed, Address, Detection, Device, Email, FactFault, Facts, FactsError,
    FileCategory, FileFacts, Financial, FinancialAccount, FinancialParty, FinancialUnit,
    IdentityDocument, IncidentKind, IncidentTag, IpEvent, Jurisdiction, LawEnforcement, Location,
    Message, OriginalHash, Payment, Person as NamedPerson, Phone, Place, RiskFact, ServiceKind,
    Thread, Wallet,
};
pub use filings::{BEGINNINGS_MAX, Filing, FilingState};
pub use findings::{Finding, FindingRow, FindingState, MatchedEntry};
pub use legal_bases::LegalBasis;
pub use notices::{Language, Measure, Notice};
pub use obhut_facts::{
    COMPLETENESS, CaseStatus, Category, Dossier, FileDigests, Missing, RISK, Reason, ReportedFile,
    Reporter, RuleFile, RuleInput, Scores, Surface, at_risk, scores,
};
pub use obhut_vault::{Clock, Exhibit, Verification};
pub use outbox::{Claim, Job, JobKind};
pub use outcomes::{Outcome, OutcomeCounts};
pub use people::{Granted, Person, Role};
pub use policy::{Action, Purpose};
pub use repeats::Repeat;
pub use reports::{Report, ReportRow};
pub use routes::{PROPOSALS, Proposal, Route, Routing, routing};
pub use views::{Extent, View};

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use obhut_vault::{LookupKey, Sealer, Vault};

use database::Database;
use domain::Domain;
use obhut_store::FolderKeys;

/// Everything that is kept: one data folder, one database, one vault.
pub struct Casework {
    db: Database,
    folder: DataFolder,
    sealer: Arc<Sealer>,
    lookup: Arc<LookupKey>,
    vault: Vault,
    clock: Arc<dyn Clock>,
    domains: Vec<Box<dyn Domain>>,
    /// What domains keep in memory, one value of each type.
    memories: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Casework {
    /// Opens the data folder, making it, its keys and its tables on first use. Without
    /// `database_url` the database is a SQLite file in the folder.
    pub async fn open(
        folder: DataFolder,
        database_url: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        Self::open_with(folder, database_url, clock, Vec::new()).await
    }

    /// Like [`Casework::open`], with additional domains: their migrations run, and reports and redress
    /// include them.
    pub async fn open_with(
        folder: DataFolder,
        database_url: Option<&str>,
        clock: Arc<dyn Clock>,
        domains: Vec<Box<dyn Domain>>,
    ) -> Result<Self> {
        folder.prepare()?;
        let keys = folder.keys()?;
        Self::assemble(folder, database_url, clock, keys, domains).await
    }

    /// Every domain, those of this crate first.
    pub(crate) fn domains(&self) -> impl Iterator<Item = &dyn Domain> {
        let own = domain::OWN.iter().copied();
        own.chain(self.domains.iter().map(|d| &**d))
    }

    async fn assemble(
        folder: DataFolder,
        database_url: Option<&str>,
        clock: Arc<dyn Clock>,
        keys: FolderKeys,
        domains: Vec<Box<dyn Domain>>,
    ) -> Result<Self> {
        let mut owners = vec![obhut_store::migrations::ALL, migrations::ALL];
        owners.extend(domains.iter().map(|d| d.migrations()));
        if database_url.is_none() && folder.lost_its_database() {
            return Err(CaseworkError::Folder {
                path: folder.root().join("obhut.db").display().to_string(),
                why: "the database is missing or empty, though this data folder is in use; put it back from a backup, or name the PostgreSQL it belongs to".into(),
            });
        }
        let url = database_url.map_or_else(|| folder.sqlite_url(), str::to_owned);
        // One process copies and migrates; others wait for the lock and find it done.
        let upgrading = folder.hold_upgrade().await?;
        let db = Database::connect(&url, &owners, &|last| folder.copy_before(last)).await?;
        let lookup = settings::lookup_key(&db, &folder, &keys, clock.now_micros()).await?;
        drop(upgrading);
        let vault = Vault::new(
            folder.evidence_store()?,
            Arc::new(keys.vault),
            folder.evidence_lock(),
            clock.clone(),
        );
        let casework = Self {
            db,
            folder,
            sealer: Arc::new(keys.sealer),
            lookup: Arc::new(lookup),
            vault,
            clock,
            domains,
            memories: Mutex::default(),
        };
        for domain in casework.domains() {
            domain.opened(&casework).await?;
        }
        Ok(casework)
    }

    /// The data folder.
    pub fn folder(&self) -> &DataFolder {
        &self.folder
    }

    fn now(&self) -> i64 {
        self.clock.now_micros()
    }
}
