//! `obhut payments alerts`, `alert` and `hold`: lists and shows alerts, and lists, confirms and
//! releases holds.

use std::process::ExitCode;

use obhut_app::casework::{Act, rfc3339};
use obhut_app::formats::transfers::moment;
use obhut_app::payments::Language;
use serde_json::{Value, json};

use crate::app_context::AppContext;
use crate::args::HoldCommand;
use crate::hints::usage;
use crate::output::{Output, one_line};

pub(super) async fn list(
    victims: bool,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    // The 1,000 highest: more than a person works through. Our judgement.
    for row in obhut_app::payments::payment_alerts(&casework, victims, 1_000).await? {
        output.line(
            || serde_json::to_value(&row).expect("a row is JSON"),
            || {
                // The date: the first ten characters of RFC 3339.
                let last = &rfc3339(row.last_at)[..10];
                // The title says "possible": an alert is not an accusation.
                let title = row.title(Language::English);
                format!(
                    "{:>5.1}  {}  {}  {title}  until {last}",
                    row.score, row.id, row.case
                )
            },
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn show(
    id: &str,
    by: Option<&str>,
    german: bool,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    // Viewing needs a person too: every view of an alert is recorded under one (docs/payments.md).
    let person = context.acting(&casework, by, Act::ViewAlert).await?;
    let language = Language::german_if(german);
    for d in obhut_app::payments::payment_alert(&casework, id, &person.id).await? {
        output.line(
            || {
                let because: Vec<Value> = d
                    .fired
                    .iter()
                    .map(|f| json!({ "id": f.indicator().id, "because": obhut_app::payments::because(f, language), "source": f.indicator().source, "date": f.indicator().date, "weighs": f.weighs() }))
                    .collect();
                json!({
                    "alert": d.row, "party": d.party.expose(), "advice": d.advice(language),
                    "indicators": because, "timeline": d.timeline, "network": d.network,
                })
            },
            || {
                let title = d.title(language);
                let mut text = format!(
                    "{}  {title}  {:.1} of 100\nparty {}, case {}\n{}\n",
                    d.row.id, d.row.score, one_line(d.party.expose()), d.row.case, d.advice(language)
                );
                for f in &d.fired {
                    let i = f.indicator();
                    text += &format!("  {}  {}\n       {} ({})\n", i.id, obhut_app::payments::because(f, language), i.source, i.date);
                }
                let t = |en, de| if german { de } else { en };
                // The first 20 of each list; --json has all. Our judgement.
                text += t("  with\n", "  mit\n");
                for o in d.network.iter().take(20) {
                    let senders = o.senders.map_or_else(String::new, |n| if german { format!(", {n} Absender insgesamt") } else { format!(", {n} senders in all") });
                    text += &format!("    {:>4} {}  {}{senders}\n", o.n, t("payments", "Zahlungen"), o.party);
                }
                text += t("  payments, newest first\n", "  Zahlungen, neueste zuerst\n");
                for t in d.timeline.iter().rev().take(20) {
                    text += &format!("    {}  {:>12} {}  {}  {}\n", rfc3339(t.at), t.amount, t.currency, t.country, t.other);
                }
                text.trim_end().to_owned()
            },
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn hold(
    command: HoldCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    let decided = match command {
        HoldCommand::List => obhut_app::payments::holds(&casework).await?,
        HoldCommand::Confirm {
            hold,
            until,
            by,
            why,
        } => {
            let person = context
                .acting(&casework, by.as_deref(), Act::DecideHold)
                .await?;
            // A typing error here is a usage error, which takes the role back (AppContext::conclude).
            let until = moment(&until)
                .map_err(|_| usage!("{until}: write a time, 2026-03-01T12:00:00Z"))?;
            vec![
                obhut_app::payments::decide_hold(
                    &casework,
                    &hold,
                    &person,
                    Some(until.at_micros),
                    &why,
                )
                .await?,
            ]
        }
        HoldCommand::Release { hold, by, why } => {
            let person = context
                .acting(&casework, by.as_deref(), Act::DecideHold)
                .await?;
            vec![obhut_app::payments::decide_hold(&casework, &hold, &person, None, &why).await?]
        }
    };
    for h in decided {
        output.line(
            || json!({ "id": h.id, "case": h.case, "state": h.state, "until": rfc3339(h.until), "tx_id": h.transfer_id.expose() }),
            || format!("{}  {}  {} until {}  transfer {}", h.id, h.case, h.state, rfc3339(h.until), one_line(h.transfer_id.expose())),
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
