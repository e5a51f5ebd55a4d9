//! The core: findings of every kind, cases, decisions, reports as data, approvals, redress.
//!
//! Media, money and reports share one path: finding, case, decision, report, exhibit, audit.
//!
//! Invariant: casework never sends. It writes jobs to the outbox; a worker claims and sends them.
//! Invariant: a [`Report`] can be built only from a [`Decision`], and only a person can make a
//! decision.
//! Invariant: each table is named by exactly one module.
//! Invariant: an exhibit's bytes leave only through [`crate::view`], [`crate::view_into`],
//! [`crate::view_blurred`] (a rendition), [`crate::exhibit_to_send`], [`crate::approved_documents`] and
//! [`crate::exchange_words`]. Each of them logs the access before it reads the first byte.

#![deny(missing_docs)]

mod acceptances;
mod accepted;
mod acknowledgements;
mod alarms;
mod api_keys;
mod appeals;
mod approvals;
mod audit;
mod authorize;
mod backup;
#[cfg(test)]
mod bench;
mod by_day;
mod case_detail;
mod case_file;
mod cases;
mod casework;
mod channels;
mod children;
mod content;
mod danger;
mod deadlines;
mod decisions;
mod destructions;
mod determinations;
mod dossier;
mod erasing;
mod erasures;
mod evidence;
mod exchanges;
mod exports;
mod exposure;
mod facts;
mod filed;
mod filings;
mod findings;
pub mod for_domains;
mod holds;
mod information;
mod key_rotation;
mod key_uses;
mod legal_bases;
mod long_exhibits;
mod migrations;
mod notices;
mod numbers;
mod open;
mod opening;
mod outbox;
mod outcomes;
mod pending_decisions;
mod people;
mod policy;
mod ranking;
mod redress;
mod repeats;
mod report;
mod reports;
mod resuming;
mod retention;
mod retention_rules;
mod routes;
mod row_comparison;
mod row_log;
mod running_time;
mod same_bytes;
mod sealed;
mod seen_before;
mod sending;
mod sessions;
mod settings;
mod supplements;
mod timestamps;
mod undo;
mod uploads;
mod vault_log;
mod verification;
mod views;
mod witnesses;
mod words;
mod work_queue;

pub use obhut_store::clock::{maybe_time, time};
pub use obhut_store::{
    CaseworkError, DataFolder, Next, NotCosigned, Result, Sealed, SystemClock, WitnessFolder,
    WitnessedLog, rfc3339,
};
pub(crate) use obhut_store::{changes, clock, database, ids};

pub use crate::casework::{Casework, Finding, MatchedEntry};
pub use acceptances::{Differences, accept_differences, differences};
pub use acknowledgements::{acknowledge_arrival, acknowledge_retraction};
pub use alarms::{Alarm, alarms, first_alarms, raise_alarm};
pub use api_keys::{
    ApiKey, Right, create_key, create_key_until, key, keys, revoke_key, rotate_api_key,
    set_key_surface,
};
pub use appeals::{
    Appeal, AppealOutcome, appeals, case_of_appeal, file_appeal, open_appeals, read_appeal,
};
pub use approvals::{
    Approvable, Approval, Approved, approval, approve_report, approved_documents, begin_approval,
    require_sendable,
};
pub use audit::{AuditRow, audit, note};
pub use authorize::{ACTIONS, Action as Act, Actor, Gate, State, authorize, authorize_state};
pub use backup::{DUMP, Manifest, back_up, backup_manifest, check_backup, restore_backup};
pub use by_day::{DayCount, day_of};
pub use case_detail::{CaseDetail, case, cases, cases_before};
pub use case_file::{CASE_FILE_BYTES_MAX, CaseFile, CaseFileItem, CaseGroup, NewCase, new_case};
pub use cases::{
    Case, CasePlace, Embargo, Subject, case_counts, cases_about, cases_by_day, fresh_group,
    set_embargo,
};
pub use channels::{
    Channel, PLATFORM, channel, channel_at, forget_platform, halt_channel, replace_channel,
    resume_channel, set_channel,
};
pub use children::{is_invisible, last_digits, plain, spelt};
pub use danger::alarm_about_danger;
pub use deadlines::{
    Deadline, DeadlineKind, add_authority_request, deadlines, deadlines_due, end_deadline,
    escalate_deadlines, extend_deadline,
};
pub use decisions::{
    AsSeen, Decision, DecisionRequest, IN_DOUBT, Ruling, decide, decide_seen, decide_with_files,
    decisions, decisions_by_day, see_alarm,
};
pub use destructions::{
    Destruction, PENDING_MICROS, destroy_due, destructions, find_ended, request_destruction,
    vouch_for_date,
};
pub use determinations::{determinations, determine};
pub use erasing::{finish_erasures, finish_settlements};
pub use erasures::{
    Erasure, ErasureProof, Kept, Restoration, Restored, erasure_proof, finish_restoration,
    restorations,
};
pub use exchanges::{Exchange, exchange_words, exchanges, keep_exchange};
pub use exports::{
    Export, NewExport, approve_export, export, export_to_write, export_written, exports, prove,
    prove_for_export, read_for_export, request_export, sign_export,
};
pub use exposure::{Exposure, set_exposure_cap};
pub use facts::{fact_faults, facts, facts_version, replace_facts, set_facts};
pub use filings::{
    Filing, FilingAddress, FilingState, RETRACTION_OF, SUBMISSIONS_MAX, filed_for_test, filing,
    filing_addressed, filing_begun, filing_filed, filing_finishing, filing_retracted,
    filing_stopped, filings_by_day, filings_in, follow_up_filed, open_filing, restart_filing,
    supersede_test_filing,
};
pub use findings::{
    FindingRow, FindingState, finding_rows, findings, first_findings_by_day, is_as_received,
};
pub use holds::{Hold, NewHold, extend_retention, hold, holds, place_hold, release_hold};
pub use information::{
    AnsweredFile, AnsweredUpload, InformationAnswer, InformationRequest, PlatformQuestion, Wanted,
    answer_information, ask_platform, information_requests, question_for_platform,
};
pub use key_rotation::{forget_former_keys, rotate_keys};
pub use key_uses::{key_uses, note_key_use};
pub use legal_bases::{LegalBasis, check_surface, legal_bases, record_legal_basis};
pub use long_exhibits::{AddedTo, put_exhibit_from, view_into};
pub use notices::{Measure, Notice, appeal_by_code, make_notice};
pub use obhut_facts::{
    Account, AccountClosed, Address, Detection, Device, Email, FactFault, Facts, FactsError,
    FileCategory, FileFacts, Financial, FinancialAccount, FinancialParty, FinancialUnit,
    IdentityDocument, IncidentKind, IncidentTag, IpEvent, Jurisdiction, LawEnforcement, Location,
    Message, OriginalHash, Payment, Person as NamedPerson, Phone, Place, RiskFact, ServiceKind,
    Thread, UploadFacts, Wallet, read_json,
};
pub use obhut_facts::{
    COMPLETENESS, CaseStatus, Category, Determination, Dossier, FileDigests, Missing, NcaDuty,
    Question, RISK, Reason, ReportedFile, Reporter, RuleFile, RuleInput, Scores, Surface, at_risk,
    rule_says, scores,
};
pub use obhut_facts::{Language, Signals, Strict, dates_in, sentences};
pub use obhut_vault::{
    Clock, Cosigned, Event, EventKind, Exhibit, LogHead, LogKey, Proven, Refusal, Rewrapped,
    SUBMISSION_BYTES_MAX, Submission, Submitted, Verification, WitnessKey, WitnessSigner,
};
pub use open::{open, open_to_verify, open_with};
pub use outbox::{
    Claim, Job, JobKind, claim, claim_jobs, defer_job, finish_job, holds_job, jobs_held,
    jobs_waiting, release_job, renew_jobs,
};
pub use outcomes::{Outcome, OutcomeCounts, add_outcome, outcome_counts};
pub use pending_decisions::{PendingDecision, PendingState, pending_decision, pending_decisions};
pub use people::{
    Granted, Person, Role, add_person, check_name, people, person, person_at_the_shell,
    remove_person, take_back_grant, withdraw_role,
};
pub use policy::{Action, Purpose, Receiver, has_test_service, is_handed_over};
pub use ranking::rank_open_cases;
pub use redress::{admit_appeal, decide_appeal};
pub use repeats::{Repeat, begin_repeat, end_repeat};
pub use report::{Report, report, report_with};
pub use reports::{
    ReportRow, file_latest, file_report, may_include_children, report_row, report_rows,
    reports_of_status, retract_report,
};
pub use resuming::{RESUMED, resume_filing};
pub use retention::{Retention, retention};
pub use retention_rules::{
    Keeping, NEVER_FILED, RetentionRule, retention_rules, set_retention_rule,
};
pub use routes::{
    PROPOSALS, Proposal, Receivers, Route, Routing, add_route, remove_route, routes, routing,
    routing_for,
};
pub use row_log::{rows_unsealed, seal_rows};
pub use running_time::count_running;
pub use same_bytes::{AlsoDecided, decide_same_bytes, decide_with_same_bytes};
pub use seen_before::{SeenBefore, seen_before};
pub use sending::exhibit_to_send;
pub use supplements::file_supplement;
pub use undo::{
    PageDecision, UNDO_MICROS, apply_due_decisions, decide_later, open_pending, take_back,
};
pub use uploads::{
    DecidedUploads, EarlierDecision, UploadState, UploadStatus, earlier_decisions, upload_status,
    uploads_decided, uploads_of_case,
};
pub use vault_log::{log_file, vault_key};
pub use verification::{
    Verified, delete_leftovers, expect_checkpoint, verify_as_it_is, verify_vault,
};
pub use views::{
    Extent, ViewRecord, exhibit, exhibits, exhibits_named, exhibits_of_case, lift_exposure_cap,
    looks_today, put_exhibit, view, view_blurred, view_rendered, views,
};
pub use work_queue::{
    QueuePlace, Queued, URGENT_SCORE, claim_case, claim_next, queue, queue_ages, queued,
    release_case,
};

pub use dossier::{Contents, dossier, dossier_of};
pub use sessions::{Session, begin_session, end_session, session};
pub use settings::{
    TimeAuthority, change_reporter, financial_unit, reporter, set_financial_unit, set_reporter,
};
pub use timestamps::{
    Timestamp, keep_timestamp, last_stamped, set_time_authority, stamped, stamping_failed,
    time_authority, timestamps,
};
pub use witnesses::{
    Witness, WitnessFault, add_witness, cosigned, in_time, is_near_now, keep_cosigned,
    last_cosigned, log_checkpoint, stop_witness, submission, witness, witness_failed, witnesses,
};
