//! What is to be sent: rows that a worker claims, hands to partners, and marks as done.
//!
//! Invariant: a job is claimed by one worker at a time. A claim that isn't renewed expires, and
//! then another worker may claim the job.

use obhut_facts::words;
use serde::Serialize;

use crate::database::{Columns, Tx};
use crate::{Casework, CaseworkError, Result, ids};

words! {
    /// What sort of thing is to be sent.
    JobKind {
        /// An approved report; the subject is its id.
        Report = "report",
        /// The retraction of a report; the subject is the report's id.
        Retraction = "retraction",
        /// What was decided about uploads, for the platform; the subject is the case's id, `~` and
        /// random hex digits, so that each decision is a job of its own.
        Decision = "decision",
        /// A request to the platform for more about a case; the subject is the id of its deadline.
        Information = "information",
    }
}

/// The kinds that are events for the platform, as SQL: [`JobKind::Decision`] and
/// [`JobKind::Information`].
const EVENTS: &str = "('decision', 'information')";

/// A claimed job.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Job {
    /// Id.
    pub id: String,
    /// What is to be sent.
    pub kind: JobKind,
    /// What it is about: an id, as [`JobKind`] describes.
    pub subject: String,
    /// How often it was claimed, including this time. Reopening the job sets it back to 1 at most,
    /// and the next claim adds one.
    pub tries: i64,
    /// When it was queued or last reopened, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub put_at: i64,
}

/// Which jobs a worker asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim<'a> {
    /// Who asks.
    pub worker: &'a str,
    /// At most this many.
    pub jobs_max: i64,
    /// How long the claim holds, in microseconds.
    pub micros: i64,
    /// True to include jobs that wait for a later time, because a person wants them sent now.
    pub now: bool,
    /// Only jobs about this subject.
    pub subject: Option<&'a str>,
    /// True for events for the platform only, false for everything else. They are claimed
    /// separately, so that a platform that hangs doesn't hold up reports.
    pub platform: bool,
}

/// Queues a job. Does nothing if there is one of the same kind and subject, even if it is done:
/// [`again`] reopens a job.
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

/// Queues the decision about a case's uploads; each decision is a job of its own.
pub(crate) async fn put_decision(tx: &mut Tx, now: i64, case: &str) -> Result<()> {
    let subject = format!("{case}~{}", ids::random_hex(8));
    put(tx, now, JobKind::Decision, &subject).await
}

/// Marks every unfinished event for the platform as done, claimed ones included. Returns how many
/// of them were requests for information.
pub(crate) async fn drop_events(tx: &mut Tx, now: i64) -> Result<i64> {
    let row = sqlx::query("SELECT COUNT(*) FROM outbox WHERE kind = $1 AND done_at IS NULL")
        .bind(JobKind::Information.word())
        .fetch_one(&mut **tx)
        .await?;
    let asked = Columns::of(&row).int()?;
    let sql = sqlx::AssertSqlSafe(format!(
        "UPDATE outbox SET done_at = $1 WHERE kind IN {EVENTS} AND done_at IS NULL"
    ));
    sqlx::query(sql).bind(now).execute(&mut **tx).await?;
    Ok(asked)
}

/// Makes every job due that waits for a later time. Claimed jobs stay with their workers.
pub(crate) async fn due_now(tx: &mut Tx) -> Result<()> {
    sqlx::query("UPDATE outbox SET next_at = 0 WHERE done_at IS NULL AND next_at > 0")
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Removes a job for which nothing can have been sent. False if there is no such job.
pub(crate) async fn withdraw(tx: &mut Tx, now: i64, kind: JobKind, subject: &str) -> Result<bool> {
    // `tries = 0`: once claimed, a worker may have sent something. A done job with 0 tries was
    // stopped unsent (`done_unsent`).
    let gone = sqlx::query(
        "DELETE FROM outbox WHERE kind = $1 AND subject = $2 AND tries = 0 AND (done_at IS NOT NULL OR claimed_until < $3)",
    )
    .bind(kind.word())
    .bind(subject)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(gone.rows_affected() > 0)
}

/// Marks a job as done within the transaction of what it did.
pub(crate) async fn done(tx: &mut Tx, now: i64, job: &Job, worker: &str) -> Result<()> {
    let done = sqlx::query(
        "UPDATE outbox SET done_at = $1 WHERE id = $2 AND claimed_by = $3 AND done_at IS NULL",
    )
    .bind(now)
    .bind(&job.id)
    .bind(worker)
    .execute(&mut **tx)
    .await?;
    // The error rolls back the caller's transaction, because another worker may have the job by
    // now.
    if done.rows_affected() == 0 {
        return Err(CaseworkError::conflict(format!(
            "job {} is no longer this worker's",
            job.id
        )));
    }
    Ok(())
}

/// Like [`done`], for a job whose worker stopped before it sent anything. If that was the first
/// claim, the job counts as never begun.
pub(crate) async fn done_unsent(tx: &mut Tx, now: i64, job: &Job, worker: &str) -> Result<()> {
    done(tx, now, job, worker).await?;
    sqlx::query("UPDATE outbox SET tries = 0 WHERE id = $1 AND tries = 1")
        .bind(&job.id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// True if a worker has claimed the job about a subject, and the claim hasn't expired.
pub(crate) async fn is_claimed(
    tx: &mut Tx,
    now: i64,
    kind: JobKind,
    subject: &str,
) -> Result<bool> {
    let row = sqlx::query(
        "SELECT 1 FROM outbox WHERE kind = $1 AND subject = $2 AND done_at IS NULL AND claimed_until > $3",
    )
    .bind(kind.word())
    .bind(subject)
    .bind(now)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.is_some())
}

/// Marks the job about a subject as done even if a worker has claimed it: a person handled it.
pub(crate) async fn done_about(tx: &mut Tx, now: i64, kind: JobKind, subject: &str) -> Result<()> {
    sqlx::query(
        "UPDATE outbox SET done_at = $1 WHERE kind = $2 AND subject = $3 AND done_at IS NULL",
    )
    .bind(now)
    .bind(kind.word())
    .bind(subject)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Marks the job about a subject as done and begun, because a person confirmed the delivery: it
/// can't be withdrawn any more.
pub(crate) async fn delivered_by_hand(
    tx: &mut Tx,
    now: i64,
    kind: JobKind,
    subject: &str,
) -> Result<()> {
    done_about(tx, now, kind, subject).await?;
    sqlx::query("UPDATE outbox SET tries = 1 WHERE kind = $1 AND subject = $2 AND tries = 0")
        .bind(kind.word())
        .bind(subject)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Reopens a job that ended without success. The time after which it is given up counts from now.
/// `tries`, which sets the pause between tries, goes back to 1 at most. It stays 0 if the job was
/// never begun, so that the job can still be withdrawn.
pub(crate) async fn again(tx: &mut Tx, now: i64, kind: JobKind, subject: &str) -> Result<()> {
    sqlx::query("UPDATE outbox SET done_at = NULL, claimed_until = 0, next_at = 0, put_at = $3, tries = CASE WHEN tries > 1 THEN 1 ELSE tries END WHERE kind = $1 AND subject = $2")
        .bind(kind.word())
        .bind(subject)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Like [`claim`]: up to `jobs_max` due jobs about any subject, for `micros`, without events for
/// the platform.
pub async fn claim_jobs(
    casework: &Casework,
    worker: &str,
    jobs_max: i64,
    micros: i64,
) -> Result<Vec<Job>> {
    let claim = Claim {
        worker,
        jobs_max,
        micros,
        now: false,
        subject: None,
        platform: false,
    };
    self::claim(casework, &claim).await
}

/// Claims the jobs that are due earliest, and of those the oldest. Returns them in that order. A
/// retraction waits while its report is being sent or is due: what it would take back isn't there
/// yet.
pub async fn claim(casework: &Casework, claim: &Claim<'_>) -> Result<Vec<Job>> {
    let now = casework.now();
    let mut tx = casework.db.begin().await?;
    // The conditions are repeated outside the subquery, because PostgreSQL checks them again
    // after it has waited for another worker's row lock.
    let sql = sqlx::AssertSqlSafe(format!(
        "UPDATE outbox SET claimed_by = $1, claimed_until = $2, tries = tries + 1
         WHERE id IN (SELECT id FROM outbox WHERE done_at IS NULL AND claimed_until < $3 AND next_at <= $5
                AND ($6 = '' OR subject = $6)
                AND NOT (kind = 'retraction' AND EXISTS (SELECT 1 FROM outbox own WHERE own.kind = 'report' AND own.subject = outbox.subject
                    AND own.done_at IS NULL AND (own.claimed_until >= $3 OR own.next_at <= $5)))
                AND CASE WHEN kind IN {EVENTS} THEN 1 ELSE 0 END = $7 ORDER BY next_at, put_at, id LIMIT $4)
           AND done_at IS NULL AND claimed_until < $3
         RETURNING id, kind, subject, tries, put_at, next_at"
    ));
    let rows = sqlx::query(sql)
        .bind(claim.worker)
        .bind(now + claim.micros)
        .bind(now)
        .bind(claim.jobs_max)
        .bind(if claim.now { i64::MAX } else { now })
        .bind(claim.subject.unwrap_or_default())
        .bind(i64::from(claim.platform))
        .fetch_all(&mut *tx)
        .await?;
    tx.commit().await?;
    let jobs = rows.iter().map(|row| {
        let mut c = Columns::of(row);
        let job = Job {
            id: c.text()?,
            kind: c.word(JobKind::from_word, "kind of job")?,
            subject: c.text()?,
            tries: c.int()?,
            put_at: c.int()?,
        };
        Ok((c.int()?, job))
    });
    let mut jobs: Vec<(i64, Job)> = jobs.collect::<Result<_>>()?;
    // RETURNING has no order in either database.
    jobs.sort_by(|(a, one), (b, other)| {
        (a, one.put_at, &one.id).cmp(&(b, other.put_at, &other.id))
    });
    Ok(jobs.into_iter().map(|(_, job)| job).collect())
}

/// Releases a claim; the job waits until `next_at`, microseconds since 1970.
pub async fn defer_job(casework: &Casework, job: &Job, worker: &str, next_at: i64) -> Result<()> {
    // A lost claim isn't an error: then another worker has the job and sets the time.
    sqlx::query("UPDATE outbox SET claimed_until = 0, next_at = $1 WHERE id = $2 AND claimed_by = $3 AND done_at IS NULL")
        .bind(next_at)
        .bind(&job.id)
        .bind(worker)
        .execute(casework.db.pool())
        .await?;
    Ok(())
}

/// Releases a claim as if it had never been made: the try isn't counted.
pub async fn release_job(casework: &Casework, job: &Job, worker: &str) -> Result<()> {
    sqlx::query("UPDATE outbox SET claimed_until = 0, tries = tries - 1 WHERE id = $1 AND claimed_by = $2 AND done_at IS NULL")
        .bind(&job.id)
        .bind(worker)
        .execute(casework.db.pool())
        .await?;
    Ok(())
}

/// Extends a worker's running claims to `micros` from now; expired ones stay expired.
pub async fn renew_jobs(casework: &Casework, worker: &str, micros: i64) -> Result<()> {
    let now = casework.now();
    sqlx::query("UPDATE outbox SET claimed_until = $1 WHERE claimed_by = $2 AND done_at IS NULL AND claimed_until > $3")
        .bind(now + micros)
        .bind(worker)
        .bind(now)
        .execute(casework.db.pool())
        .await?;
    Ok(())
}

/// True while a claim holds and is this worker's.
pub async fn holds_job(casework: &Casework, job: &Job, worker: &str) -> Result<bool> {
    let row = sqlx::query("SELECT COUNT(*) FROM outbox WHERE id = $1 AND claimed_by = $2 AND claimed_until > $3 AND done_at IS NULL")
        .bind(&job.id)
        .bind(worker)
        .bind(casework.now())
        .fetch_one(casework.db.pool())
        .await?;
    Ok(Columns::of(&row).int()? == 1)
}

/// Marks a job as done; a conflict if another worker has claimed it since, or it is done already.
pub async fn finish_job(casework: &Casework, job: &Job, worker: &str) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    done(&mut tx, casework.now(), job, worker).await?;
    tx.commit().await?;
    Ok(())
}

/// How many jobs wait or are claimed.
pub async fn jobs_waiting(casework: &Casework) -> Result<i64> {
    let row = sqlx::query("SELECT COUNT(*) FROM outbox WHERE done_at IS NULL")
        .fetch_one(casework.db.pool())
        .await?;
    Columns::of(&row).int()
}

/// How many jobs about reports other workers hold, and until when the last of them is theirs, in
/// microseconds since 1970. A worker that was killed holds its jobs until then.
pub async fn jobs_held(casework: &Casework) -> Result<(i64, i64)> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT COUNT(*), COALESCE(MAX(claimed_until), 0) FROM outbox WHERE done_at IS NULL AND claimed_until >= $1 AND kind NOT IN {EVENTS}"
    ));
    let row = sqlx::query(sql)
        .bind(casework.now())
        .fetch_one(casework.db.pool())
        .await?;
    let mut c = Columns::of(&row);
    Ok((c.int()?, c.int()?))
}

#[cfg(test)]
mod tests {
    //! Who may have a job when: claims that hold, run out, are deferred, renewed and finished.

    use super::*;
    use crate::bench::{self, SetClock};
    use std::sync::Arc;

    const HOLDS: i64 = 1_000;

    /// A data folder with jobs about these subjects, queued one microsecond apart from 0 on. Its
    /// clock shows 100.
    async fn with_jobs(subjects: &[&str]) -> (tempfile::TempDir, Casework, Arc<SetClock>) {
        let (folder, casework, clock) = bench::opened_at(0).await;
        let mut tx = casework.db.begin().await.unwrap();
        for (at, subject) in (0..).zip(subjects) {
            put(&mut tx, at, JobKind::Report, subject).await.unwrap();
        }
        tx.commit().await.unwrap();
        // After 0, because a claim is free once its end is before now, and a new job's end is 0.
        clock.set(100);
        (folder, casework, clock)
    }

    async fn claimed(casework: &Casework, worker: &str) -> Vec<Job> {
        claim_jobs(casework, worker, 10, HOLDS).await.unwrap()
    }

    fn subjects(jobs: &[Job]) -> Vec<&str> {
        jobs.iter().map(|j| j.subject.as_str()).collect()
    }

    #[tokio::test]
    async fn a_subject_is_put_in_once_for_each_kind() {
        let (_folder, c, _) = with_jobs(&["a", "a", "b"]).await;
        let mut tx = c.db.begin().await.unwrap();
        put(&mut tx, 5, JobKind::Retraction, "a").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(jobs_waiting(&c).await.unwrap(), 3);
    }

    /// Times around the end of a claim that was made at 100 for 1,000 microseconds, and whether
    /// another worker gets the job then.
    #[tokio::test]
    async fn a_claim_holds_until_it_runs_out() {
        let (_folder, c, clock) = with_jobs(&["a"]).await;
        let first = claimed(&c, "first").await.remove(0);
        assert_eq!(first.tries, 1);
        for (now, free, holds) in [
            (101, false, true),
            (1_099, false, true),
            (1_100, false, false),
        ] {
            clock.set(now);
            assert_eq!(!claimed(&c, "second").await.is_empty(), free, "at {now}");
            assert_eq!(
                holds_job(&c, &first, "first").await.unwrap(),
                holds,
                "at {now}"
            );
        }
        clock.set(1_101);
        let second = claimed(&c, "second").await.remove(0);
        assert_eq!((second.id.as_str(), second.tries), (first.id.as_str(), 2));
        assert!(holds_job(&c, &second, "second").await.unwrap());
        // The first worker comes back too late: its result isn't accepted.
        let late = finish_job(&c, &first, "first").await.unwrap_err();
        assert!(
            late.to_string().contains("no longer this worker's"),
            "{late}"
        );
        assert_eq!(jobs_waiting(&c).await.unwrap(), 1);
        finish_job(&c, &second, "second").await.unwrap();
        assert_eq!(jobs_waiting(&c).await.unwrap(), 0);
        clock.set(10_000);
        assert!(claimed(&c, "third").await.is_empty(), "done is done");
    }

    #[tokio::test]
    async fn a_renewed_claim_holds_on_and_one_that_ran_out_stays_so() {
        let (_folder, c, clock) = with_jobs(&["a"]).await;
        let job = claimed(&c, "first").await.remove(0);
        clock.set(1_000);
        renew_jobs(&c, "first", HOLDS).await.unwrap();
        clock.set(1_999);
        assert!(holds_job(&c, &job, "first").await.unwrap());
        clock.set(2_000);
        renew_jobs(&c, "first", HOLDS).await.unwrap();
        assert!(!holds_job(&c, &job, "first").await.unwrap());
        clock.set(2_001);
        assert_eq!(claimed(&c, "second").await.len(), 1);
    }

    #[tokio::test]
    async fn the_oldest_come_first_and_deferred_ones_when_their_time_comes() {
        let (_folder, c, clock) = with_jobs(&["a", "b", "c"]).await;
        let two = claim_jobs(&c, "first", 2, HOLDS).await.unwrap();
        assert_eq!(subjects(&two), ["a", "b"]);
        defer_job(&c, &two[0], "first", 5_000).await.unwrap();
        // A worker can't defer a job that another one has claimed.
        defer_job(&c, &two[1], "second", 0).await.unwrap();
        assert_eq!(subjects(&claimed(&c, "second").await), ["c"]);
        clock.set(4_999);
        assert_eq!(subjects(&claimed(&c, "third").await), ["b", "c"]);
        // A person wants this one sent now.
        let claim = Claim {
            worker: "person",
            jobs_max: 10,
            micros: 1,
            now: true,
            subject: Some("a"),
            platform: false,
        };
        assert_eq!(subjects(&super::claim(&c, &claim).await.unwrap()), ["a"]);
        clock.set(5_001);
        assert_eq!(subjects(&claimed(&c, "fourth").await), ["a"]);
    }

    /// What no worker has begun can be withdrawn; what one has begun may have left.
    #[tokio::test]
    async fn only_a_job_never_begun_is_withdrawn() {
        let (_folder, c, clock) = with_jobs(&["a", "b"]).await;
        claim_jobs(&c, "first", 1, HOLDS).await.unwrap();
        clock.set(50_000);
        let mut tx = c.db.begin().await.unwrap();
        for (subject, gone) in [("a", false), ("b", true), ("b", false)] {
            let withdrawn = withdraw(&mut tx, 50_000, JobKind::Report, subject).await;
            assert_eq!(withdrawn.unwrap(), gone, "{subject}");
        }
    }

    #[tokio::test]
    async fn a_job_handled_by_a_person_is_done_and_can_be_put_in_again() {
        let (_folder, c, clock) = with_jobs(&["a"]).await;
        claimed(&c, "first").await;
        let mut tx = c.db.begin().await.unwrap();
        done_about(&mut tx, 200, JobKind::Report, "a")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(jobs_waiting(&c).await.unwrap(), 0);
        let mut tx = c.db.begin().await.unwrap();
        again(&mut tx, 300, JobKind::Report, "a").await.unwrap();
        tx.commit().await.unwrap();
        clock.set(301);
        let job = claimed(&c, "second").await.remove(0);
        assert_eq!(job.put_at, 300, "its retries start over");
    }
}
