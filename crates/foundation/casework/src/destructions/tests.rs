//! Destruction by hand, and years of retention on a clock that can't be relied on.

use std::sync::Arc;

use obhut_facts::CaseStatus;

use super::*;
use crate::bench::{self, SetClock};
use crate::deadlines::{self, DeadlineKind, PRESERVE_MICROS};
use crate::retention_rules::{RetentionRule, set_retention_rule};
use crate::{NewHold, cases, extend_retention, place_hold, release_hold, running_time};

/// Begins in 2026.
const START: i64 = 1_770_000_000 * 1_000_000;

struct World {
    _folder: tempfile::TempDir,
    c: Casework,
    clock: Arc<SetClock>,
    officers: [Person; 2],
}

impl World {
    async fn new() -> Self {
        let (folder, c, clock) = bench::opened_at(START).await;
        let officer = async |name| {
            let roles = [Role::ReportingOfficer, Role::Administrator];
            crate::add_person(&c, name, &roles, "test").await.unwrap()
        };
        let officers = [officer("anna").await, officer("ben").await];
        Self {
            _folder: folder,
            c,
            clock,
            officers,
        }
    }

    async fn rule(&self, days: i64) {
        let rule = RetentionRule {
            filed_with: NEVER_FILED.into(),
            days,
            basis: "our policy, section 4".into(),
        };
        let [anna, _] = &self.officers;
        set_retention_rule(&self.c, &rule, anna).await.unwrap();
    }

    /// An exhibit of a new case, which has this status then.
    async fn exhibit(&self, case: &str, status: CaseStatus) -> String {
        let intake = obhut_vault::Intake {
            actor: "test".into(),
            purpose: "test".into(),
            case: Some(case.into()),
            source: None,
            media_type: None,
        };
        let exhibit = views::keep(&self.c, case.as_bytes(), intake).await.unwrap();
        let mut tx = self.c.db.begin().await.unwrap();
        bench::case(&mut tx, &self.c, case).await;
        let path: &[CaseStatus] = match status {
            CaseStatus::Reported => &[CaseStatus::Decided, CaseStatus::Reported],
            CaseStatus::Closed => &[CaseStatus::Closed],
            _ => &[],
        };
        for next in path {
            let now = self.c.now();
            cases::advance(&mut tx, now, case, *next).await.unwrap();
        }
        // As deciding it does.
        running_time::note(&mut tx, &self.c, case).await.unwrap();
        tx.commit().await.unwrap();
        exhibit.id
    }

    async fn there(&self, exhibit: &str) -> bool {
        self.c.vault.exhibit(exhibit).await.is_ok()
    }

    async fn hold<'a>(&'a self, subject: &'a str, until: Option<i64>) -> crate::Hold {
        let new = NewHold {
            subject,
            asked_by: "a court",
            reference: "AZ 1",
            until,
        };
        place_hold(&self.c, new, &self.officers[0]).await.unwrap()
    }

    async fn alarms_of(&self, kind: &str) -> usize {
        let alarms = crate::alarms(&self.c).await.unwrap();
        alarms.iter().filter(|a| a.kind == kind).count()
    }

    /// Vouches for the day that the clock shows; how many exhibits that is about.
    async fn vouch(&self, person: &Person) -> usize {
        let now = crate::rfc3339(self.c.now());
        let today = now.split('T').next().unwrap();
        vouch_for_date(&self.c, today, person).await.unwrap().len()
    }

    async fn waits_for(&self) -> String {
        let waiting = destructions(&self.c, false).await.unwrap();
        waiting[0].waits_for.clone().unwrap_or_default()
    }
}

#[tokio::test]
async fn what_was_never_filed_has_no_end_until_a_rule_is_set() {
    let w = World::new().await;
    let exhibit = w.exhibit("case-a", CaseStatus::Closed).await;
    w.clock.set(START + 5_000 * DAY_MICROS);
    assert_eq!(find_ended(&w.c).await.unwrap(), 0);
    assert_eq!(w.alarms_of("retention").await, 1);
    w.rule(90).await;
    assert_eq!(w.alarms_of("retention").await, 0, "the rule ends the alarm");
    assert_eq!(find_ended(&w.c).await.unwrap(), 1);
    assert_eq!(w.alarms_of("destruction").await, 1);
    assert!(w.there(&exhibit).await, "pending");
    // An extension by the case calls it off.
    let until = w.c.now() + DAY_MICROS;
    let [anna, _] = &w.officers;
    extend_retention(&w.c, "case-a", until, "a trial", anna)
        .await
        .unwrap();
    assert_eq!(find_ended(&w.c).await.unwrap(), 0);
    assert_eq!(w.alarms_of("destruction").await, 0);
    let all = destructions(&w.c, true).await.unwrap();
    assert!(all[0].cancelled_at.is_some(), "{all:?}");
}

/// Two people, and the pending days, before the operator's own rule ends; a hold wins.
#[tokio::test]
async fn an_exhibit_is_destroyed_on_two_peoples_word() {
    let w = World::new().await;
    let [anna, ben] = &w.officers;
    let open = w.exhibit("case-a", CaseStatus::Open).await;
    let refused = request_destruction(&w.c, &open, "a slip", anna).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("waits for a decision"), "{refused}");

    let exhibit = w.exhibit("case-b", CaseStatus::Closed).await;
    let ask = async |person, why| request_destruction(&w.c, &exhibit, why, person).await;
    assert!(ask(anna, " ").await.is_err(), "no reason");
    let hold = w.hold(&exhibit, None).await;
    let held = ask(anna, "a slip").await.unwrap_err().to_string();
    assert!(held.contains(&hold.id), "{held}");
    for person in &w.officers {
        release_hold(&w.c, &hold.id, "over", person).await.unwrap();
    }
    let asked = ask(anna, "a slip").await.unwrap();
    assert!(ask(anna, "a slip").await.is_err(), "the same person");

    w.clock.set(asked.not_before);
    assert_eq!(destroy_due(&w.c).await.unwrap(), 0);
    assert!(w.waits_for().await.contains("a second person"));
    ask(ben, "a slip indeed").await.unwrap();
    // Both have asked for it; that the date has passed is what the clock says.
    assert_eq!(destroy_due(&w.c).await.unwrap(), 0);
    assert!(w.waits_for().await.contains("vouch"));
    for person in &w.officers {
        assert_eq!(w.vouch(person).await, 1);
    }
    // A hold that is placed in time wins over both.
    let hold = w.hold("case-b", Some(asked.not_before + DAY_MICROS)).await;
    assert_eq!(destroy_due(&w.c).await.unwrap(), 0);
    assert!(w.waits_for().await.contains(&hold.id));
    w.clock.set(asked.not_before + DAY_MICROS);
    // The word of a person who has left no longer counts.
    crate::remove_person(&w.c, "ben", "test").await.unwrap();
    assert_eq!(destroy_due(&w.c).await.unwrap(), 0);
    let roles = [Role::ReportingOfficer];
    crate::add_person(&w.c, "ben", &roles, "test")
        .await
        .unwrap();
    assert_eq!(destroy_due(&w.c).await.unwrap(), 1);
    assert!(!w.there(&exhibit).await);
    assert!(w.there(&open).await);
    let all = destructions(&w.c, true).await.unwrap();
    assert!(all[0].log_index.is_some() && all[0].done_at.is_some());
    // Neither can be done about what is gone.
    assert!(ask(ben, "again").await.is_err());
    let hold = NewHold {
        subject: &exhibit,
        asked_by: "a court",
        reference: "AZ 2",
        until: None,
    };
    assert!(place_hold(&w.c, hold, anna).await.is_err());
    crate::seal_rows(&w.c).await.unwrap();
    let seen = crate::verify_vault(&w.c).await.unwrap();
    assert_eq!(seen.vault.problems, []);
}

/// Without a server nothing is observed: then it takes two people after the date.
#[tokio::test]
async fn time_that_nobody_observed_takes_two_people() {
    let w = World::new().await;
    let [anna, ben] = &w.officers;
    w.rule(90).await;
    let exhibit = w.exhibit("case-a", CaseStatus::Closed).await;
    w.clock.set(START + 91 * DAY_MICROS);
    find_ended(&w.c).await.unwrap();
    assert_eq!(w.vouch(anna).await, 0, "too early");
    w.clock.set(START + 99 * DAY_MICROS);
    assert_eq!(destroy_due(&w.c).await.unwrap(), 0);
    assert!(w.waits_for().await.contains("two people"));
    let wrong = vouch_for_date(&w.c, "2026-01-01", anna).await;
    assert!(wrong.unwrap_err().to_string().contains("the clock says"));
    for _ in 0..2 {
        assert_eq!(w.vouch(anna).await, 1);
    }
    assert_eq!(destroy_due(&w.c).await.unwrap(), 0, "one person twice");
    assert_eq!(w.vouch(ben).await, 1);
    assert_eq!(destroy_due(&w.c).await.unwrap(), 1);
    assert!(!w.there(&exhibit).await);
}

/// Regression: a destruction that was cut off after its entry in the log, and then called off, left
/// the file for ever, and verification failed.
#[tokio::test]
async fn a_destruction_that_has_begun_is_finished() {
    let w = World::new().await;
    let [anna, ben] = &w.officers;
    let exhibit = w.exhibit("case-a", CaseStatus::Closed).await;
    for person in [anna, ben] {
        request_destruction(&w.c, &exhibit, "a slip", person)
            .await
            .unwrap();
    }
    // As the vault does it, up to the entry.
    let file = w
        ._folder
        .path()
        .join(format!("vault/exhibits/{exhibit}.sealed"));
    let bytes = std::fs::read(&file).unwrap();
    let access = obhut_vault::Access {
        actor: "test".into(),
        purpose: "test".into(),
    };
    w.c.vault.erase(&exhibit, access).await.unwrap();
    std::fs::write(&file, bytes).unwrap();
    w.hold("case-a", None).await;
    find_ended(&w.c).await.unwrap();
    assert_eq!(destroy_due(&w.c).await.unwrap(), 1);
    assert!(!file.exists());
}

/// What the simulation knows of an exhibit, by days of true time.
struct Truth {
    exhibit: String,
    case: String,
    begun: i64,
    ends: i64,
    holds: Vec<(i64, i64)>,
    /// Days on which obhut didn't run, or the clock was wrong, since it came in.
    disturbed: i64,
    gone: Option<i64>,
}

/// Years of retention with holds, extensions, restarts, and a clock that jumps ahead and back.
/// Nothing goes early, and what stays longer has its reason. `cargo xtask soak` runs five years.
#[tokio::test]
// Long: one day after another.
async fn years_of_retention_destroy_nothing_early() {
    let days = match option_env!("OBHUT_SOAK") {
        Some(_) => 5 * 365,
        None => 500,
    };
    let mut dice = fastrand::Rng::with_seed(17);
    let w = World::new().await;
    w.rule(60).await;
    let mut truths: Vec<Truth> = Vec::new();
    let (mut offset, mut back_on, mut down_until) = (0, 0, 0);
    for day in 1..=days {
        let jumped = if offset == 0 && dice.f64() < 0.01 {
            back_on = day + dice.i64(1..40);
            offset = [-700, -30, 30, 400, 3_000][dice.usize(..5)];
            offset
        } else if offset != 0 && day >= back_on {
            -std::mem::take(&mut offset)
        } else {
            0
        };
        w.clock.set(START + (day + offset) * DAY_MICROS);
        if dice.f64() < 0.005 {
            down_until = day + dice.i64(1..20);
        }
        let runs = day >= down_until;
        if runs {
            let drifted = jumped * DAY_MICROS;
            running_time::count_running(&w.c, DAY_MICROS, drifted)
                .await
                .unwrap();
        }
        if !runs || offset != 0 {
            for t in &mut truths {
                t.disturbed += 1;
            }
        }
        if dice.f64() < 0.05 {
            let case = format!("case-{day}");
            let filed = dice.f64() < 0.5;
            let status = match filed {
                true => CaseStatus::Reported,
                false => CaseStatus::Closed,
            };
            let exhibit = w.exhibit(&case, status).await;
            if filed {
                let mut tx = w.c.db.begin().await.unwrap();
                let until = w.c.now() + PRESERVE_MICROS;
                let kind = DeadlineKind::Preservation;
                deadlines::start(&mut tx, &w.c, kind, &case, until, "law")
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
            }
            truths.push(Truth {
                exhibit,
                case,
                begun: day,
                ends: day + if filed { 365 } else { 60 },
                holds: Vec::new(),
                // Its dates are the clock's.
                disturbed: i64::from(offset != 0) * days,
                gone: None,
            });
        }
        // People act while the clock is right.
        let alive: Vec<usize> = (0..truths.len())
            .filter(|t| truths[*t].gone.is_none())
            .collect();
        if offset == 0 && !alive.is_empty() && dice.f64() < 0.04 {
            let t = &mut truths[alive[dice.usize(..alive.len())]];
            let length = dice.i64(5..200);
            let until = w.c.now() + length * DAY_MICROS;
            if dice.f64() < 0.5 {
                w.hold(&t.exhibit, Some(until)).await;
                t.holds.push((day, day + length));
            } else {
                let [anna, _] = &w.officers;
                extend_retention(&w.c, &t.case, until, "a trial", anna)
                    .await
                    .unwrap();
                t.ends = t.ends.max(day + length);
            }
        }
        if !runs || day % 2 == 0 {
            continue;
        }
        find_ended(&w.c).await.unwrap();
        destroy_due(&w.c).await.unwrap();
        for t in truths.iter_mut().filter(|t| t.gone.is_none()) {
            if w.there(&t.exhibit).await {
                continue;
            }
            t.gone = Some(day);
            let name = format!("{} of day {}, gone on {day}", t.case, t.begun);
            assert!(day >= t.ends, "{name}, before day {}", t.ends);
            let held = t.holds.iter().any(|(from, to)| (*from..*to).contains(&day));
            assert!(!held, "{name}, though held");
        }
    }
    let waiting = destructions(&w.c, false).await.unwrap();
    let (mut gone, mut late) = (0, 0);
    for t in &truths {
        let held = t.holds.iter().map(|(_, to)| *to).max().unwrap_or(0);
        // The pending days, and a day or two until obhut looks.
        let due = t.ends.max(held) + 7 + 3;
        match t.gone {
            Some(day) => {
                gone += 1;
                let reason = t.disturbed + due;
                assert!(day <= reason, "{} on day {day}, due {due}", t.case);
                late += i64::from(day > due);
            }
            None if due + t.disturbed < days => {
                let why = waiting.iter().find(|d| d.exhibit == t.exhibit);
                let why = why.and_then(|d| d.waits_for.as_deref()).unwrap_or_default();
                assert!(why.contains("two people"), "{}: {why:?}", t.case);
            }
            None => {}
        }
    }
    assert!(
        gone > days / 60,
        "{gone} of {} gone, {late} late",
        truths.len()
    );
}
