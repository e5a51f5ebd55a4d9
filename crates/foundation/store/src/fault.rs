//! The error type of the core, by kind. Messages carry ids, never content.
//!
//! Messages name no command and no header, because HTTP clients and command-line users read the same
//! text. The way forward is a [`Next`] value that each edge renders for its own surface.

use obhut_vault::VaultError;

/// An error of the core. Each kind maps to one HTTP status and one exit code.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CaseworkError {
    /// The caller lacks a role, a right or a legal basis.
    #[error("{why}")]
    Denied {
        /// What is missing.
        why: String,
        /// What the caller can do next, if known.
        next: Option<Next>,
    },
    /// Nothing with that name or id is on record.
    #[error("no {what} \"{id}\" on record")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// Its name or id.
        id: String,
    },
    /// The input is invalid.
    #[error("{why}")]
    Invalid {
        /// Name of the invalid field.
        field: &'static str,
        /// What is wrong with it, and what would be right.
        why: String,
    },
    /// Refused because of the current state.
    #[error("{why}")]
    Conflict {
        /// The rule and the current state.
        why: String,
        /// What the caller can do next, if known.
        next: Option<Next>,
    },
    /// Private messages are screened only while a legal basis for it is on record.
    #[error(
        "private messages are not screened: no legal basis with owner and end date is on record"
    )]
    NoLegalBasis,
    /// The database does not answer, or can't be opened. The request is fine and may be retried.
    #[error("{why}; nothing was changed")]
    Unavailable {
        /// What doesn't answer.
        why: String,
    },
    /// The connection broke while a change was being committed.
    #[error("{why}; it isn't known whether the change was made: check before you repeat it")]
    Uncertain {
        /// What doesn't answer.
        why: String,
    },
    /// The database refused a statement; nothing was changed.
    #[error("the database failed: {why}; nothing was changed")]
    Database {
        /// The driver's message.
        why: String,
    },
    /// A file of the data folder can't be used.
    #[error("{path}: {why}")]
    Folder {
        /// The file.
        path: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// Stored data don't have the form this version writes.
    #[error(
        "{what} is not in a form this version reads; was it changed by hand or by a newer version?"
    )]
    Corrupt {
        /// What can't be read.
        what: String,
    },
}

/// What the caller can do next; each edge renders it for its own surface.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Next {
    /// Give a person a role.
    GiveRole {
        /// The person's name.
        person: String,
        /// The role that is missing, as it is written.
        role: &'static str,
    },
    /// Have a person decide the case.
    Decide {
        /// The case.
        case: String,
    },
    /// Add facts to a case that is open.
    AddFacts {
        /// The case.
        case: String,
    },
    /// Have a person determine what a destination asks for.
    Determine {
        /// The case.
        case: String,
        /// The question, as it is written.
        question: String,
    },
    /// Record that the authority wants files by mail, or hand packages over in a folder.
    AllowFilesByMail {
        /// The destination.
        destination: String,
    },
    /// Record the provider's duty to report to the National Crime Agency.
    RecordNcaDuty,
    /// Add facts, or approve the report as it is, with a reason.
    AddFactsOrOverride {
        /// The case.
        case: String,
    },
    /// Approve a report as it is now, and send it again.
    ApproveAgain {
        /// The report.
        report: String,
    },
    /// Send an approved report whose sending was stopped.
    Resume {
        /// The report.
        report: String,
    },
    /// Retract the reports of a case.
    RetractReports {
        /// The case.
        case: String,
    },
    /// Approve a draft.
    Approve {
        /// The report.
        report: String,
    },
    /// Name a destination, or record a route with its legal basis.
    AddRoute,
    /// Say who reports.
    SetReporter,
    /// Set the platform's address and secret.
    SetUpPlatform,
    /// Record the authority's statement that ends an embargo.
    LiftEmbargo {
        /// The case.
        case: String,
    },
    /// Record a legal basis for following a case's money.
    RecordChainBasis {
        /// The case.
        case: String,
    },
    /// Name the case for which money is followed.
    NameCase,
    /// Extend a deadline instead of ending it.
    ExtendDeadline,
}

impl CaseworkError {
    /// True if the database does not answer; the request may be retried.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// What to do next, if known.
    pub fn next(&self) -> Option<&Next> {
        match self {
            Self::Denied { next, .. } | Self::Conflict { next, .. } => next.as_ref(),
            _ => None,
        }
    }

    /// The caller lacks a role, a right or a legal basis.
    pub fn denied(why: impl Into<String>) -> Self {
        Self::Denied {
            why: why.into(),
            next: None,
        }
    }

    /// Refused because of the current state.
    pub fn conflict(why: impl Into<String>) -> Self {
        Self::Conflict {
            why: why.into(),
            next: None,
        }
    }

    /// A value isn't valid.
    pub fn invalid(field: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            why: why.into(),
        }
    }

    /// Stored data has an unknown form.
    pub fn unreadable(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    /// Attaches what to do next. Has no effect on kinds other than `Denied` and `Conflict`.
    pub fn then(mut self, how: Next) -> Self {
        if let Self::Denied { next, .. } | Self::Conflict { next, .. } = &mut self {
            *next = Some(how);
        }
        self
    }
}

impl From<sqlx::Error> for CaseworkError {
    fn from(e: sqlx::Error) -> Self {
        let why = e.to_string();
        match e {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::Io(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable {
                why: format!("the database does not answer: {why}"),
            },
            // 22021, character_not_in_repertoire. A Rust string is valid UTF-8, so only U+0000,
            // which PostgreSQL can't store, raises it.
            sqlx::Error::Database(e) if e.code().as_deref() == Some("22021") => {
                Self::invalid("text", "a text contains a zero byte, which can't be stored")
            }
            // 40P01, deadlock_detected; 40001, serialization_failure: PostgreSQL undid this change for
            // the sake of another.
            sqlx::Error::Database(e) if matches!(e.code().as_deref(), Some("40P01" | "40001")) => {
                Self::Unavailable {
                    why: "another change had the same rows; nothing was changed, try again".into(),
                }
            }
            _ => Self::Database { why },
        }
    }
}

impl From<VaultError> for CaseworkError {
    fn from(e: VaultError) -> Self {
        match e {
            VaultError::NotFound(id) => Self::NotFound {
                what: "exhibit",
                id,
            },
            // Not NotFound: the log proves that the exhibit existed.
            VaultError::Erased(_) => Self::conflict(e.to_string()),
            VaultError::Ring(e) => Self::Folder {
                path: "keys".into(),
                why: e.to_string(),
            },
            VaultError::Content(_) | VaultError::TooLong => Self::Invalid {
                field: "content",
                why: e.to_string(),
            },
            VaultError::TooLongForMemory(_) => Self::conflict(e.to_string()),
            VaultError::HandOut(e) => Self::Folder {
                path: "the output".into(),
                why: e.to_string(),
            },
            VaultError::Cosignature(_) => Self::Unavailable { why: e.to_string() },
            VaultError::Store(_)
            | VaultError::Lock(_)
            | VaultError::Sealed(_)
            | VaultError::Tampered(_) => Self::Folder {
                path: "vault".into(),
                why: e.to_string(),
            },
            // `VaultError` is non-exhaustive; a new kind counts as damage until it has a line here.
            _ => Self::Corrupt {
                what: e.to_string(),
            },
        }
    }
}

/// Shorthand of this crate.
pub type Result<T> = std::result::Result<T, CaseworkError>;
