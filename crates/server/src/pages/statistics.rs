//! How many cases came, were decided and were reported, day by day. Counts only; each row has its
//! unit, and counts of different units are never added.

use std::collections::BTreeMap;

use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use obhut_app::casework::{self, Act, DayCount};
use serde::Deserialize;

use super::Page;
use crate::console::{ColumnChart, KINDS_MAX, Visit, now};
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/statistics",
    routes: |router| router.route("/statistics", get(show)),
    listed: Some(("statistics", Act::SeeStatistics)),
};

/// The periods that can be chosen, in days; the first is shown unasked.
const PERIODS: [i64; 3] = [30, 7, 90];

#[derive(Deserialize)]
struct Asked {
    days: Option<String>,
}

async fn show(visit: Visit, Query(asked): Query<Asked>) -> Response {
    // Read as text: a wrong number shows the usual period instead of an error.
    let given = asked.days.as_deref().and_then(|d| d.parse().ok());
    let days = given.filter(|d| PERIODS.contains(d)).unwrap_or(PERIODS[0]);
    let made = page(&visit, days).await;
    visit.answer(made)
}

async fn page(visit: &Visit, days: i64) -> Result<Response, Fault> {
    visit.acting(Act::SeeStatistics)?;
    let casework = &visit.app.casework;
    let today = casework::day_of(now());
    let period = (today - days + 1, today);
    let cases = casework::cases_by_day(casework, period.0).await?;
    let found = casework::first_findings_by_day(casework, period.0).await?;
    let decided = casework::decisions_by_day(casework, period.0).await?;
    let filed = casework::filings_by_day(casework, period.0).await?;
    let outcomes = casework::outcome_counts(casework).await?;
    let source = |word: &str| match word {
        "media" | "payments" | "bitcoin" | "intake" | "person" => {
            visit.t(&format!("source-{word}"))
        }
        other => other.to_owned(),
    };
    let content = html! {
        h1 { (visit.t("statistics")) }
        nav.tabs aria-label=(visit.t("statistics-period")) {
            @for n in [7, 30, 90] {
                a href={ "/statistics?days=" (n) } aria-current=[(n == days).then_some("page")] { (visit.t_with("statistics-days", &[("n", n.into())])) }
            }
        }
        p.hint { (visit.t("statistics-utc")) " " (visit.t("statistics-test")) }
        (waiting(visit).await?)
        (counted(visit, period, "statistics-cases", &cases, &|_| String::new()))
        (counted(visit, period, "statistics-found", &found, &source))
        (counted(visit, period, "statistics-decided", &decided, &|word| visit.t(&format!("ruling-{word}"))))
        (counted(visit, period, "statistics-filed", &filed, &str::to_owned))
        section {
            h2 { (visit.t("statistics-outcomes")) }
            p.hint { (visit.t("statistics-outcomes-words")) }
            @if outcomes.is_empty() { p { (visit.t("statistics-no-outcome")) } }
            @else { div.scroll { table {
                thead { tr {
                    th scope="col" { (visit.t("statistics-from")) }
                    th scope="col" { (visit.t("statistics-outcome")) }
                    th.number scope="col" { (visit.t("statistics-count")) }
                } }
                tbody { @for of in &outcomes { @for (word, count) in &of.counts { tr {
                    td data-label=(visit.t("statistics-from")) { bdi { (of.source) } }
                    td data-label=(visit.t("statistics-outcome")) { code { (word) } }
                    td.number data-label=(visit.t("statistics-count")) { (count) }
                } } } }
            } } }
        }
    };
    Ok(visit.page(&visit.t("statistics"), content))
}

/// The ages up to which open cases are counted, in minutes, with the key of each name; the last key is
/// for the older ones. Our judgement: what a shift, a day, a weekend and a week leave behind.
const AGES: [(i64, &str); 4] = [
    (8 * 60, "waiting-8-hours"),
    (24 * 60, "waiting-day"),
    (3 * 24 * 60, "waiting-3-days"),
    (7 * 24 * 60, "waiting-week"),
];
const OLDER: &str = "waiting-longer";

/// How long open cases have waited.
async fn waiting(visit: &Visit) -> Result<Markup, Fault> {
    let ages = AGES.map(|(minutes, _)| minutes * 60_000_000);
    let counts = casework::queue_ages(&visit.app.casework, &ages).await?;
    let names = AGES.iter().map(|(_, key)| *key).chain([OLDER]);
    let columns: Vec<(String, Vec<i64>)> = names
        .zip(&counts)
        .map(|(key, count)| (visit.t(key), vec![*count]))
        .collect();
    let title = visit.t("waiting");
    Ok(html! {
        section {
            h2 { (title) }
            p { (visit.t_with("statistics-total", &[("n", counts.iter().sum::<i64>().into())])) }
            (ColumnChart { title: &title, kinds: &[], columns: &columns }.drawn())
            details {
                summary { (visit.t("as-table")) }
                div.scroll { table {
                    thead { tr {
                        th scope="col" { (visit.t("waiting-age")) }
                        th.number scope="col" { (visit.t("statistics-count")) }
                    } }
                    tbody { @for (name, count) in &columns { tr {
                        td data-label=(visit.t("waiting-age")) { (name) }
                        td.number data-label=(visit.t("statistics-count")) { (count[0]) }
                    } } }
                } }
            }
        }
    })
}

/// A chart of counts by day, and the table below it.
fn counted(
    visit: &Visit,
    (from, to): (i64, i64),
    title: &'static str,
    counts: &[DayCount],
    name: &dyn Fn(&str) -> String,
) -> Markup {
    // What a clock that ran ahead has dated is left out, from the sums as from the chart.
    let counts: Vec<&DayCount> = counts.iter().filter(|c| c.day <= to).collect();
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for c in &counts {
        *sums.entry(&c.what).or_default() += c.count;
    }
    let mut words: Vec<&str> = sums.keys().copied().collect();
    // The most frequent have a fill each in the chart; the rest is one kind more.
    words.sort_by_key(|word| std::cmp::Reverse(sums[word]));
    let is_cut = words.len() > KINDS_MAX;
    let apart = if is_cut { KINDS_MAX - 1 } else { words.len() };
    let mut kinds: Vec<String> = words[..apart].iter().map(|word| name(word)).collect();
    if is_cut {
        kinds.push(visit.t("statistics-others"));
    }
    let columns: Vec<(String, Vec<i64>)> = (from..=to)
        .map(|day| {
            let mut of_day = vec![0; kinds.len()];
            for c in counts.iter().filter(|c| c.day == day) {
                let kind = words.iter().position(|word| *word == c.what);
                of_day[kind.unwrap_or(apart).min(kinds.len() - 1)] += c.count;
            }
            (visit.day(day), of_day)
        })
        .collect();
    let total: i64 = sums.values().sum();
    let title = visit.t(title);
    html! {
        section {
            h2 { (title) }
            @if total == 0 { p { (visit.t("statistics-none")) } }
            @else {
                p { (visit.t_with("statistics-total", &[("n", total.into())])) }
                (ColumnChart { title: &title, kinds: &kinds, columns: &columns }.drawn())
                details {
                    summary { (visit.t("as-table")) }
                    div.scroll { table {
                        thead { tr {
                            th scope="col" { (visit.t("statistics-day")) }
                            @if kinds.len() > 1 { th scope="col" { (visit.t("statistics-kind")) } }
                            th.number scope="col" { (visit.t("statistics-count")) }
                        } }
                        tbody { @for c in counts.iter().rev() { tr {
                            td data-label=(visit.t("statistics-day")) { (visit.day(c.day)) }
                            @if kinds.len() > 1 { td data-label=(visit.t("statistics-kind")) { (name(&c.what)) } }
                            td.number data-label=(visit.t("statistics-count")) { (c.count) }
                        } } }
                    } }
                }
            }
        }
    }
}
