//! Alarm for a child in danger now, raised every 30 minutes until a report is approved, a person
//! decides not to report the case, the facts no longer say so, or the case is cleared on appeal.

use obhut_facts::{Facts, Level, Reason, RuleFile, RuleInput, Signals, at_risk};

use crate::database::Tx;
use crate::deadlines::{self, Deadline, DeadlineKind};
use crate::findings::FoundFiles;
use crate::{Casework, Result, alarms};

/// How long such a case may wait before its alarm, and between two alarms, in microseconds: 30
/// minutes. Our judgement.
const EVERY_MICROS: i64 = 30 * 60 * 1_000_000;
/// Microseconds of a minute.
const MINUTE_MICROS: i64 = 60 * 1_000_000;

/// Starts or ends the clock of a case after its facts were written; `reasons` are those of
/// [`rate`].
///
/// After an approval, new facts don't start the clock: they void the approval of a report that
/// isn't sent yet, and that raises a separate alarm. After a decision not to report, new facts
/// start the clock again.
pub(crate) async fn watch(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    reasons: &[Reason],
) -> Result<()> {
    if reasons.first().is_none_or(|r| r.level != Level::Now) {
        let because = "the facts don't say any more that a child is in danger now";
        return deadlines::end(
            tx,
            casework.now(),
            DeadlineKind::ChildInDanger,
            case,
            because,
        )
        .await;
    }
    if deadlines::runs_or_ended(tx, DeadlineKind::ChildInDanger, case, APPROVED).await? {
        return Ok(());
    }
    start(tx, casework, case).await
}

/// Starts the clock of a case, or of a report in the queue.
pub(crate) async fn start(tx: &mut Tx, casework: &Casework, subject: &str) -> Result<()> {
    deadlines::start(
        tx,
        casework,
        DeadlineKind::ChildInDanger,
        subject,
        casework.now() + EVERY_MICROS,
        "the facts say that a child is in danger now; 30 minutes are our target",
    )
    .await?;
    Ok(())
}

/// Why a clock ends: a report of the case was approved.
pub(crate) const APPROVED: &str = "a report was approved";
/// Why a clock ends: a person decided that there is nothing to report.
pub(crate) const NOT_REPORTED: &str = "decided not to report";
/// Why a clock ends: a report in the queue became a case, which has its own clock.
const OPENED: &str = "opened as a case";

/// Ends the clock of a report that became a case, and lets that of the case run on from it: for the
/// child nothing has begun again.
pub(crate) async fn opened(
    tx: &mut Tx,
    casework: &Casework,
    report: &str,
    case: &str,
) -> Result<()> {
    deadlines::carry(tx, DeadlineKind::ChildInDanger, report, case).await?;
    answered(tx, casework, report, OPENED).await
}

/// Ends the clock of a case, for one of the reasons above.
pub(crate) async fn answered(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    because: &str,
) -> Result<()> {
    deadlines::end(
        tx,
        casework.now(),
        DeadlineKind::ChildInDanger,
        case,
        because,
    )
    .await
}

/// The at-risk score of facts and files and the reasons for it, the most pressing first.
pub(crate) fn rate(facts: &Facts, found: FoundFiles) -> (u32, Vec<Reason>) {
    let mut files: Vec<_> = facts
        .files
        .values()
        .map(|file| RuleFile {
            annotations: file.annotations.clone(),
            ..RuleFile::default()
        })
        .collect();
    if files.len() < found.count {
        files.resize_with(found.count, RuleFile::default);
    }
    // Which of them matched doesn't change the rank.
    if let Some(file) = files.first_mut() {
        file.matched = found.matched;
    }
    let looked = RuleInput {
        facts,
        files,
        categorised: false,
        reporter: true,
        said: Signals::of(facts),
    };
    at_risk(&looked)
}

/// Raises the alarm of each case with a child in danger now that has waited half an hour, and again
/// every half hour, and one for all unopened reports in the queue. Returns the number raised.
pub async fn alarm_about_danger(casework: &Casework) -> Result<usize> {
    let now = casework.now();
    let mut count = 0;
    let due = deadlines::due(casework, DeadlineKind::ChildInDanger).await?;
    let (cases, queue): (Vec<_>, Vec<_>) = due
        .into_iter()
        .partition(|d| d.subject.starts_with("case-"));
    count += usize::from(alarm_about_queue(casework, &queue, now).await?);
    for deadline in cases {
        let mut tx = casework.db.begin().await?;
        // Two workers may see the same clock; only one raises the alarm. After a pause of the
        // server one alarm is raised, not one for each half hour.
        if deadlines::alarm_again(&mut tx, &deadline, now, now + EVERY_MICROS).await? {
            let text = format!(
                "a child may be in danger now: case {} has waited {} minutes; decide it, and approve its report",
                deadline.subject,
                (now - deadline.started_at) / MINUTE_MICROS
            );
            alarms::raise(&mut tx, now, "child-in-danger", &deadline.subject, &text).await?;
            count += 1;
        }
        tx.commit().await?;
    }
    Ok(count)
}

/// Raises one alarm for all reports in the queue: there may be thousands, and the next step is the
/// same for each.
async fn alarm_about_queue(casework: &Casework, queue: &[Deadline], now: i64) -> Result<bool> {
    // This runs every few seconds; with an empty queue it must not wait for the database's writer.
    if queue.is_empty() {
        return Ok(false);
    }
    let mut tx = casework.db.begin().await?;
    let mut waiting = Vec::new();
    for deadline in queue {
        if deadlines::alarm_again(&mut tx, deadline, now, now + EVERY_MICROS).await? {
            waiting.push(deadline);
        }
    }
    let oldest = waiting.iter().min_by_key(|d| d.started_at);
    if let Some(oldest) = oldest {
        let text = format!(
            "a child may be in danger now: {}, {} for {} minutes; look at the queue",
            match waiting.len() {
                1 => "1 report waits unopened in the queue".to_owned(),
                n => format!("{n} reports wait unopened in the queue"),
            },
            oldest.subject,
            (now - oldest.started_at) / MINUTE_MICROS
        );
        alarms::raise(&mut tx, now, "child-in-danger", "queue", &text).await?;
    }
    tx.commit().await?;
    Ok(oldest.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench;

    const CASE: &str = "case-1";

    fn facts(json: &str) -> Facts {
        serde_json::from_str(json).unwrap()
    }

    async fn write(casework: &Casework, json: &str) {
        let mut tx = casework.db.begin().await.unwrap();
        watch(
            &mut tx,
            casework,
            CASE,
            &rate(&facts(json), FoundFiles::default()).1,
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    const DANGER: &str = r#"{"risks": ["meeting-planned"]}"#;

    #[tokio::test]
    async fn a_child_in_danger_is_re_alerted_every_half_hour_until_answered() {
        let (_folder, c, clock) = bench::opened_at(0).await;
        write(&c, DANGER).await;
        // Writing the facts again doesn't restart the clock.
        clock.set(EVERY_MICROS - 1);
        write(&c, DANGER).await;
        assert_eq!(alarm_about_danger(&c).await.unwrap(), 0);
        for times in 1..=3 {
            clock.set(times * EVERY_MICROS);
            assert_eq!(alarm_about_danger(&c).await.unwrap(), 1);
            assert_eq!(
                alarm_about_danger(&c).await.unwrap(),
                0,
                "once in a half hour"
            );
            let alarms = crate::alarms(&c).await.unwrap();
            assert_eq!(alarms.len(), 1);
            let waited = format!("case {CASE} has waited {} minutes", 30 * times);
            assert!(alarms[0].text.contains(&waited), "{alarms:?}");
        }
        let mut tx = c.db.begin().await.unwrap();
        answered(&mut tx, &c, CASE, APPROVED).await.unwrap();
        tx.commit().await.unwrap();
        clock.set(9 * EVERY_MICROS);
        write(&c, DANGER).await;
        clock.set(99 * EVERY_MICROS);
        assert_eq!(alarm_about_danger(&c).await.unwrap(), 0, "approved");
    }

    #[tokio::test]
    async fn facts_that_are_put_right_end_the_clock_and_start_it_again() {
        let (_folder, c, clock) = bench::opened_at(0).await;
        write(&c, "{}").await;
        clock.set(2 * EVERY_MICROS);
        assert_eq!(alarm_about_danger(&c).await.unwrap(), 0, "no danger");
        write(&c, DANGER).await;
        write(&c, "{}").await;
        clock.set(4 * EVERY_MICROS);
        assert_eq!(alarm_about_danger(&c).await.unwrap(), 0, "put right");
        write(&c, DANGER).await;
        clock.set(5 * EVERY_MICROS);
        assert_eq!(alarm_about_danger(&c).await.unwrap(), 1);
    }
}
