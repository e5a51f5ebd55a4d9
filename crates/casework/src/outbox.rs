//! What is to be sent: rows that a worker claims, hands to partners, and marks as done.
//!
//! Invariant: a job is claimed by one worker at a time; a claim that isn't kept runs out, and then
//! another worker may take the job.

use serde::Serialize;

use crate::database::{Columns, Step, Tx, words};
use crate::{Casework, CaseworkError, Result, ids};

pub(crate) const STEPS: &[Step] = &[Step {
    number: 13,
    sql: &[
        "CREATE TABLE outbox (
            id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, put_at BIGINT NOT NULL,
            claimed_by TEXT NOT NULL, claimed_until BIGINT NOT NULL, tries BIGINT NOT NULL,
            done_at BIGINT, UNIQUE (kind, subject))",
        "CREATE INDEX outbox_waiting ON outbox (done_at, claimed_until)",
    ],
}];

words! {
    /// What sort of thing is to be sent.
    JobKind {
        /// An approved report; the subject is its id.
        Report = "report",
        /// The retraction of a report; the subject is the report's id.
        Retraction = "retraction",
    }
}

/// A claimed job.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Job {
    /// Id.
    pub id: String,
    /// What sort.
    pub kind: JobKind,
    /// About what.
    pub subject: String,
    /// How often it was claimed, this time included.
    pub tries: i64,
}

/// Puts a job in; the same kind and subject only once.
pub(crate) async fn put(tx: &mut Tx, now: i64, kind: JobKind, subject: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO outbox (id, kind, subject, put_at, claimed_by, claimed_until, tries) VALUES ($1, $2, $3, $4, '', 0, 0)
         ON CONFLICT (kind, subject) DO NOTHING",
    )
    .bind(ids::new("job"))
    .bind(kind.word())
    .bind(subject)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes a job out that nobody has begun; true when it was still there.
pub(crate) async fn withdraw(tx: &mut Tx, now: i64, kind: JobKind, subject: &str) -> Result<bool> {
    let gone = sqlx::query(
        "DELETE FROM outbox WHERE kind = $1 AND subject = $2 AND done_at IS NULL AND tries = 0 AND claimed_until < $3",
    )
    .bind(kind.word())
    .bind(subject)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(gone.rows_affected() > 0)
}

impl Casework {
    /// Claims up to `jobs_max` jobs for `micros`, oldest first.
    pub async fn claim_jobs(&self, worker: &str, jobs_max: i64, micros: i64) -> Result<Vec<Job>> {
        let now = self.now();
        let rows = sqlx::query(
            "UPDATE outbox SET claimed_by = $1, claimed_until = $2, tries = tries + 1
             WHERE id IN (SELECT id FROM outbox WHERE done_at IS NULL AND claimed_until < $3 ORDER BY put_at, id LIMIT $4)
               AND done_at IS NULL AND claimed_until < $3
             RETURNING id, kind, subject, tries",
        )
        .bind(worker)
        .bind(now + micros)
        .bind(now)
        .bind(jobs_max)
        .fetch_all(self.db.pool())
        .await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok(Job {
                    id: c.text()?,
                    kind: c.word(JobKind::from_word, "kind of job")?,
                    subject: c.text()?,
                    tries: c.int()?,
                })
            })
            .collect()
    }

    /// Marks a job as done; refused when the claim has run out and another worker has it.
    pub async fn finish_job(&self, job: &Job, worker: &str) -> Result<()> {
        let done = sqlx::query(
            "UPDATE outbox SET done_at = $1 WHERE id = $2 AND claimed_by = $3 AND done_at IS NULL",
        )
        .bind(self.now())
        .bind(&job.id)
        .bind(worker)
        .execute(self.db.pool())
        .await?;
        if done.rows_affected() == 0 {
            return Err(CaseworkError::refused(format!(
                "job {} is no longer this worker's",
                job.id
            )));
        }
        Ok(())
    }

    /// How many jobs wait or are under way.
    pub async fn jobs_waiting(&self) -> Result<i64> {
        let row = sqlx::query("SELECT COUNT(*) FROM outbox WHERE done_at IS NULL")
            .fetch_one(self.db.pool())
            .await?;
        Columns::of(&row).int()
    }
}
