//! Alerts about payments: two queues, and each alert with its timeline, its counterparties, its
//! numbers with their thresholds, and the sources. An alert names its party, so who viewed which
//! alert is on record.

use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use obhut_app::casework::{Act, rfc3339};
use obhut_app::payments::{self, AlertDetail, AlertRow, ShownTransfer};

use super::Page;
use crate::console::{Language, Visit};
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/payments",
    routes: |router| {
        router
            .route("/payments", get(show))
            .route("/payments/{alert}", get(show_alert))
    },
    listed: Some(("payments", Act::ViewAlert)),
};

/// Most alerts shown of a queue, highest score first. Our judgement.
const ALERTS_MAX: i64 = 100;

async fn show(visit: Visit) -> Response {
    let made = queues(&visit).await;
    visit.answer(made)
}

async fn show_alert(visit: Visit, Path(alert): Path<String>) -> Response {
    let made = async {
        let person = visit.acting(Act::ViewAlert)?;
        let casework = &visit.app.casework;
        let details = obhut_app::payments::payment_alert(casework, &alert, &person.id).await?;
        Ok(alert_page(&visit, &details))
    };
    visit.answer(made.await)
}

async fn queues(visit: &Visit) -> Result<Response, Fault> {
    visit.acting(Act::ViewAlert)?;
    let casework = &visit.app.casework;
    // Two queues: possible victims need help and never appear among those to review.
    let victims = obhut_app::payments::payment_alerts(casework, true, ALERTS_MAX).await?;
    let to_review = obhut_app::payments::payment_alerts(casework, false, ALERTS_MAX).await?;
    let content = html! {
        h1 { (visit.t("payments")) }
        p { (visit.t("payments-lead")) }
        section {
            h2 { (visit.t("payments-victims")) " (" (counted(victims.len())) ")" }
            p { (visit.t("payments-victims-first")) }
            (table(visit, &victims))
        }
        section {
            h2 { (visit.t("payments-review")) " (" (counted(to_review.len())) ")" }
            p { (visit.t("payments-no-tipping")) }
            (table(visit, &to_review))
        }
    };
    Ok(visit.page(&visit.t("payments"), content))
}

/// The number of alerts shown, with a `+` if there may be more.
fn counted(shown: usize) -> String {
    match shown as i64 == ALERTS_MAX {
        true => format!("{shown}+"),
        false => shown.to_string(),
    }
}

fn table(visit: &Visit, rows: &[AlertRow]) -> Markup {
    html! {
        @if rows.is_empty() {
            p { (visit.t("payments-none")) }
        } @else { div.scroll { table.rows {
            thead { tr {
                th.number scope="col" { (visit.t("payments-score")) }
                th scope="col" { (visit.t("payments-pattern")) }
                th scope="col" { (visit.t("case")) }
                th scope="col" { (visit.t("payments-last")) }
            } }
            tbody {
                @for row in rows {
                    tr {
                        td.number data-label=(visit.t("payments-score")) { (format!("{:.0}", row.score)) }
                        td data-label=(visit.t("payments-pattern")) { a href={ "/payments/" (row.id) } { (scenario(row, visit.language)) } }
                        td data-label=(visit.t("case")) { a href={ "/cases/" (row.case) } { code { (row.case) } } }
                        td data-label=(visit.t("payments-last")) { (visit.time(row.last_at)) }
                    }
                }
            }
        } } }
    }
}

fn scenario(row: &AlertRow, language: Language) -> &'static str {
    payments::Scenario::by_name(&row.scenario).map_or("", |s| language.pick(s.title.en, s.title.de))
}

fn alert_page(visit: &Visit, details: &[AlertDetail]) -> Response {
    let language = visit.language;
    let content = html! {
        p { a href="/payments" data-key="u" { (visit.t("payments-back")) } }
        @for d in details {
            h1 { (scenario(&d.row, language)) }
            p { (visit.t("payments-party")) " " code { (d.party.expose()) } " · " (visit.t("case")) " " a href={ "/cases/" (d.row.case) } { code { (d.row.case) } } " · " (visit.t_with("payments-points", &[("n", (d.row.score.round() as i64).into())])) }
            p class="notice" { (d.advice(language)) }
            h2 { (visit.t("payments-why")) }
            table {
                thead { tr {
                    th scope="col" { (visit.t("payments-indicator")) }
                    th scope="col" { (visit.t("payments-numbers")) }
                    th scope="col" { (visit.t("source")) }
                } }
                tbody {
                    @for f in &d.fired {
                        tr {
                            td data-label=(visit.t("payments-indicator")) { (f.indicator().id) " " (language.pick(f.indicator().title.en, f.indicator().title.de)) }
                            td data-label=(visit.t("payments-numbers")) { (payments::because(f, language)) }
                            td data-label=(visit.t("source")) { (f.indicator().source) " (" (f.indicator().date) ")" }
                        }
                    }
                }
            }
            h2 { (visit.t("payments")) }
            (timeline(visit, &d.timeline))
            h2 { (visit.t("payments-others")) }
            table {
                thead { tr {
                    th scope="col" { (visit.t("payments-party")) }
                    th scope="col" { (visit.t("payments")) }
                    th scope="col" { (visit.t("payments-senders")) }
                } }
                tbody {
                    @for o in &d.network {
                        tr {
                            td data-label=(visit.t("payments-party")) { code { (o.party) } }
                            td data-label=(visit.t("payments")) { (o.n) }
                            td data-label=(visit.t("payments-senders")) { @match o.senders { Some(n) => (n), None => "–" } }
                        }
                    }
                }
            }
        }
    };
    visit.page(&visit.t("payments"), content)
}

/// A chart of the transfers over time. Height shows the amount, on a separate scale for each
/// currency. The list below it has the same data.
fn timeline(visit: &Visit, all: &[ShownTransfer]) -> Markup {
    let (width, height) = (720.0, 200.0);
    let first = all.first().map_or(0, |x| x.at);
    // A single transfer would otherwise divide by zero.
    let last = all.last().map_or(1, |x| x.at).max(first + 1);
    // A float only for the height of the point; the list has the exact text.
    let amount = |x: &ShownTransfer| x.amount.parse::<f64>().unwrap_or(0.0);
    let mut highest = std::collections::BTreeMap::<&str, f64>::new();
    for transfer in all {
        let of_currency = highest.entry(&transfer.currency).or_insert(1.0);
        *of_currency = of_currency.max(amount(transfer));
    }
    let scales: Vec<_> = highest
        .iter()
        .map(|(code, most)| format!("{most:.0} {code}"))
        .collect();
    let x = |at: i64| 10.0 + (at - first) as f64 / (last - first) as f64 * (width - 20.0);
    let y = |e: &ShownTransfer| {
        height - 20.0 - amount(e) / highest[e.currency.as_str()] * (height - 40.0)
    };
    html! {
        svg viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(visit.t("payments-chart")) class="chart" {
            line x1="10" y1=(height - 20.0) x2=(width - 10.0) y2=(height - 20.0) class="axis" {}
            @for e in all {
                circle cx=(format!("{:.1}", x(e.at))) cy=(format!("{:.1}", y(e))) r="4" class=(if e.in_band { "point in" } else { "point" }) {}
            }
            text x="10" y=(height - 4.0) { (&rfc3339(first)[..10]) }
            text x=(width - 10.0) y=(height - 4.0) text-anchor="end" { (&rfc3339(last)[..10]) }
            text x="10" y="14" { (scales.join(" · ")) }
        }
        @if scales.len() > 1 {
            p class="hint" { (visit.t("payments-scales")) }
        }
        p class="hint" { (visit.t("payments-filled")) }
        details {
            summary { (visit.t("payments-list")) " (" (all.len()) ")" }
            table {
                thead { tr {
                    th scope="col" { (visit.t("when")) }
                    th scope="col" { (visit.t("payments-to-from")) }
                    th scope="col" { (visit.t("payments-amount")) }
                    th scope="col" { (visit.t("payments-country")) }
                } }
                tbody {
                    @for e in all.iter().rev() {
                        tr {
                            td data-label=(visit.t("when")) { (visit.time(e.at)) }
                            td data-label=(visit.t("payments-to-from")) { code { (e.other) } }
                            td data-label=(visit.t("payments-amount")) { (e.amount) " " (e.currency) }
                            td data-label=(visit.t("payments-country")) { (e.country) }
                        }
                    }
                }
            }
        }
    }
}
