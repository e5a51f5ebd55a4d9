//! `obhut vault hold`, `release`, `extend`, `destroy`, `retention` and `rule`: how long exhibits are
//! kept.

use std::process::ExitCode;

use obhut_app::casework::{
    self, Act, Casework, Destruction, Hold, Keeping, NEVER_FILED, NewHold, RetentionRule, rfc3339,
};
use serde_json::json;

use crate::app_context::AppContext;
use crate::args::VaultCommand;
use crate::hints::usage;
use crate::output::{Output, count};
use crate::routes::time;

// Long: one match arm per command.
pub async fn run(
    command: VaultCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    match command {
        VaultCommand::Hold {
            subject,
            asked_by,
            reference,
            until,
            by,
        } => {
            let until = until.as_deref().map(time).transpose()?;
            // Before `acting`, which may grant a role: an unknown id must not.
            exhibits(&casework, &subject).await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::KeepEvidence)
                .await?;
            let new = NewHold {
                subject: &subject,
                asked_by: &asked_by,
                reference: &reference,
                until,
            };
            let hold = casework::place_hold(&casework, new, &person).await?;
            output.line(
                || of_hold(&hold),
                || {
                    let end = match hold.until {
                        Some(until) => format!("until {}", rfc3339(until)),
                        None => "until two people release it".into(),
                    };
                    format!("{}: {subject} is held {end}", hold.id)
                },
            )?;
        }
        VaultCommand::Release { hold, reason, by } => {
            casework::hold(&casework, &hold).await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::KeepEvidence)
                .await?;
            let hold = casework::release_hold(&casework, &hold, &reason, &person).await?;
            output.line(
                || of_hold(&hold),
                || match hold.released_at {
                    Some(_) => format!("{} has ended", hold.id),
                    None => format!(
                        "{} stays in force until a second person releases it: `obhut vault release {} --reason … --by PERSON`",
                        hold.id, hold.id
                    ),
                },
            )?;
        }
        VaultCommand::Extend {
            subject,
            until,
            reason,
            by,
        } => {
            let until = time(&until)?;
            exhibits(&casework, &subject).await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::KeepEvidence)
                .await?;
            casework::extend_retention(&casework, &subject, until, &reason, &person).await?;
            output.line(
                || json!({ "subject": subject, "until": rfc3339(until) }),
                || format!("{subject} is kept at least until {}", rfc3339(until)),
            )?;
        }
        VaultCommand::Destroy {
            due: true,
            today,
            by,
            ..
        } => due(&casework, today.as_deref(), by.as_deref(), context, output).await?,
        VaultCommand::Destroy {
            subject,
            reason,
            today,
            by,
            ..
        } => {
            anyhow::ensure!(today.is_none(), usage!("--today goes with --due"));
            let subject = subject.unwrap_or_default();
            let of_subject = exhibits(&casework, &subject).await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::KeepEvidence)
                .await?;
            for exhibit in of_subject {
                let reason = reason.as_deref().unwrap_or_default();
                let asked =
                    casework::request_destruction(&casework, &exhibit, reason, &person).await?;
                show(&asked, output)?;
            }
        }
        VaultCommand::Retention { subject: None } => overview(&casework, output).await?,
        VaultCommand::Retention {
            subject: Some(subject),
        } => {
            for exhibit in exhibits(&casework, &subject).await? {
                let retention = casework::retention(&casework, &exhibit).await?;
                output.line(
                    || json!({ "retention": retention }),
                    || {
                        let end = match retention.ends_at {
                            Some(end) => format!("until {}", rfc3339(end)),
                            None => "indefinitely".into(),
                        };
                        let keepings = retention.keepings.iter().map(text);
                        format!(
                            "{exhibit} is kept {end}{}",
                            keepings.collect::<Vec<_>>().concat()
                        )
                    },
                )?;
            }
        }
        VaultCommand::Rule {
            filed_with,
            days,
            basis,
            by,
        } => {
            let person = context
                .acting(&casework, by.as_deref(), Act::SetRetention)
                .await?;
            let rule = RetentionRule {
                filed_with: filed_with.unwrap_or_else(|| NEVER_FILED.into()),
                days,
                basis,
            };
            casework::set_retention_rule(&casework, &rule, &person).await?;
            show_rule(&rule, output)?;
        }
        _ => unreachable!("other commands are run elsewhere"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn due(
    casework: &Casework,
    today: Option<&str>,
    by: Option<&str>,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<()> {
    let person = context.acting(casework, by, Act::KeepEvidence).await?;
    casework::find_ended(casework).await?;
    if let Some(today) = today {
        let vouched = casework::vouch_for_date(casework, today, &person).await?;
        if vouched.is_empty() {
            output.remark("nothing is due today, so there is nothing to vouch for");
        }
        for exhibit in vouched {
            output.line(
                || json!({ "vouched_for": exhibit, "by": person.id }),
                || format!("{} vouches for the date of {exhibit}", person.name),
            )?;
        }
    }
    let destroyed =
        casework::destroy_due(casework).await? + casework::finish_erasures(casework).await?;
    let waiting = casework::destructions(casework, false).await?;
    output.line(
        || json!({ "destroyed": destroyed, "waiting": waiting.len() }),
        || {
            format!(
                "{} destroyed, {} waiting",
                count(destroyed as u64, "exhibit", "exhibits"),
                waiting.len()
            )
        },
    )?;
    for destruction in waiting {
        show(&destruction, output)?;
    }
    Ok(())
}

/// The exhibits a subject names: itself, or those of a case.
async fn exhibits(casework: &Casework, subject: &str) -> anyhow::Result<Vec<String>> {
    let named = casework::exhibits_named(casework, subject).await?;
    Ok(named.into_iter().map(|e| e.id).collect())
}

async fn overview(casework: &Casework, output: &Output) -> anyhow::Result<()> {
    output.line(
        || json!({ "rule": { "filed_with": "ncmec", "days": 365, "basis": "18 USC 2258A(h), PL 118-59" } }),
        || "filed with ncmec: 365 days (18 USC 2258A(h), PL 118-59)".into(),
    )?;
    let rules = casework::retention_rules(casework).await?;
    for rule in &rules {
        show_rule(rule, output)?;
    }
    if rules.iter().all(|r| r.filed_with != NEVER_FILED) {
        output.remark(
            "no rule says how long exhibits are kept that were never filed; `obhut vault rule --days N --basis TEXT` records one",
        );
    }
    for hold in casework::holds(casework, false).await? {
        output.line(
            || of_hold(&hold),
            || {
                let end = match hold.until {
                    Some(until) => format!("until {}", rfc3339(until)),
                    None => "until it is released".into(),
                };
                format!(
                    "{}  {} held {end} for {} ({})",
                    hold.id,
                    hold.subject,
                    hold.asked_by.expose(),
                    hold.reference.expose()
                )
            },
        )?;
    }
    for destruction in casework::destructions(casework, false).await? {
        show(&destruction, output)?;
    }
    Ok(())
}

fn show_rule(rule: &RetentionRule, output: &Output) -> anyhow::Result<()> {
    output.line(
        || json!({ "rule": rule }),
        || {
            let which = match rule.filed_with.as_str() {
                NEVER_FILED => "never filed".into(),
                destination => format!("filed with {destination}"),
            };
            format!(
                "{which}: {} ({})",
                count(rule.days.unsigned_abs(), "day", "days"),
                rule.basis
            )
        },
    )
}

fn show(destruction: &Destruction, output: &Output) -> anyhow::Result<()> {
    output.line(
        || json!({ "destruction": destruction }),
        || {
            let waits = match &destruction.waits_for {
                Some(why) => why.as_str(),
                None => "it is due",
            };
            let mut people = destruction.confirmed_by.clone();
            people.extend(destruction.asked_by.clone());
            people.sort_unstable();
            people.dedup();
            format!(
                "{} is to be destroyed ({}; {} of 2 people): {waits}",
                destruction.exhibit,
                destruction.because,
                people.len()
            )
        },
    )
}

fn text(keeping: &Keeping) -> String {
    let end = match keeping.until {
        Some(until) => format!("until {}", rfc3339(until)),
        None => "indefinitely".into(),
    };
    format!("\n  {end}: {}", keeping.because)
}

fn of_hold(hold: &Hold) -> serde_json::Value {
    json!({ "hold": {
        "id": hold.id, "subject": hold.subject, "asked_by": hold.asked_by.expose(),
        "reference": hold.reference.expose(), "until": hold.until.map(rfc3339),
        "placed_by": hold.placed_by, "placed_at": rfc3339(hold.placed_at),
        "released_by": hold.released_by, "released_at": hold.released_at.map(rfc3339),
    } })
}
