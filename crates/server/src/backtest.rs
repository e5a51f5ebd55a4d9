//! A backtest as one HTML file: charts, each with the table it is drawn from. No script, no external
//! resource.

use maud::{DOCTYPE, Markup, html};
use obhut_app::payments::PartyKey;
use obhut_app::payments::backtest::{Backtest, Group, Removal, Sample, Totals};

const STYLE: &str = include_str!("../assets/style.css");

/// The report as an HTML page. `name` returns the name to show for a party.
pub fn page(b: &Backtest, removals: &[Removal], name: &dyn Fn(PartyKey) -> String) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Backtest – obhut" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body { main {
                h1 { "Thresholds on history" }
                p { (b.customers) " senders and recipients. Before: the thresholds as they are. After: " @if b.changes.is_empty() { "nothing changed" } @else { (b.changes.join(", ")) } "." }
                p class="notice" { "An alert is a lead, not a finding of guilt. " @if !b.labelled { "Without labels this report can't say how many alerts are right." } @else { "Precision is against the labels given; an alert about a party without a label counts as false." } }
                h2 { "Alerts" }
                (totals(b))
                h2 { "By score" }
                (histogram(&b.scores))
                h2 { "By corridor" }
                p class="hint" { "Alerts about suspects for each 10,000 senders. Destination countries are not scored; rates differ where amounts and habits do." }
                (rates(&b.corridors, b.labelled))
                h2 { "By currency" }
                (rates(&b.currencies, b.labelled))
                @if !removals.is_empty() {
                    h2 { "What each signal's removal costs" }
                    (removal_table(&b.after, removals))
                }
                h2 { "Just above the line" }
                (samples(&b.above, name))
                h2 { "Just below" }
                (samples(&b.below, name))
            } }
        }
    }
    .into_string()
}

fn share(x: Option<f64>) -> String {
    x.map_or_else(|| "–".into(), |x| format!("{:.1} %", x * 100.0))
}

fn totals(b: &Backtest) -> Markup {
    let row = |what: &str, f: &dyn Fn(&Totals) -> String| {
        html! { tr { td { (what) } td class="number" { (f(&b.before)) } td class="number" { (f(&b.after)) } } }
    };
    html! {
        table {
            thead { tr { th scope="col" {} th scope="col" class="number" { "before" } th scope="col" class="number" { "after" } } }
            tbody {
                (row("possible buyers", &|t| t.buyers.to_string()))
                (row("possible facilitators", &|t| t.facilitators.to_string()))
                (row("possible victims", &|t| t.victims.to_string()))
                @if b.labelled {
                    (row("precision of alerts about suspects", &|t| share(t.precision())))
                    (row("labelled parties found", &|t| format!("{} of {}", t.found, t.labels)))
                    (row("of those in the first 0.2 % of customers", &|t| format!("{} of {}", t.found_first, t.labels)))
                    (row("labelled victims found as possible victims", &|t| format!("{} of {}", t.victims_found, t.victim_labels)))
                    (row("labelled victims reported as suspects", &|t| t.victims_accused.to_string()))
                }
            }
        }
        p { (b.gained) " gained, " (b.lost) " lost." }
    }
}

fn histogram(scores: &[(u32, u32)]) -> Markup {
    // At least 1: without any alert the heights would be 0 / 0.
    let highest = scores
        .iter()
        .map(|s| s.0.max(s.1))
        .max()
        .unwrap_or(1)
        .max(1);
    let height = |n: u32| f64::from(n) / f64::from(highest) * 150.0;
    // The table begins with the first alert; the chart keeps the whole scale.
    let from = scores.iter().position(|s| s.0 + s.1 > 0).unwrap_or(0);
    html! {
        svg viewBox="0 0 720 200" role="img" aria-label="Alerts by score, before and after" class="chart" {
            line x1="10" y1="170" x2="710" y2="170" class="axis" {}
            @for (n, (before, after)) in scores.iter().enumerate() {
                @let x = 12.0 + n as f64 * 35.0;
                rect x=(x) y=(format!("{:.1}", 170.0 - height(*before))) width="14" height=(format!("{:.1}", height(*before))) class="bar before" {}
                rect x=(x + 15.0) y=(format!("{:.1}", 170.0 - height(*after))) width="14" height=(format!("{:.1}", height(*after))) class="bar after" {}
                text x=(x) y="186" { (n * 5) }
            }
            text x="10" y="14" { (highest) }
        }
        p class="hint" { "Pale: before. Full: after." }
        table {
            thead { tr { th scope="col" { "score" } th scope="col" class="number" { "before" } th scope="col" class="number" { "after" } } }
            tbody { @for (n, (before, after)) in scores.iter().enumerate().skip(from) {
                tr { td { (n * 5) "–" (n * 5 + 5) } td class="number" { (before) } td class="number" { (after) } }
            } }
        }
    }
}

fn rates(groups: &[Group], labelled: bool) -> Markup {
    // At least 1, as in `histogram`: without any alert the widths would be 0 / 0.
    let highest = groups
        .iter()
        .map(|g| g.rates().0.max(g.rates().1))
        .fold(1.0, f64::max);
    let width = |rate: f64| format!("{:.1}", rate / highest * 520.0);
    // Twenty fit a chart; the table below it has all.
    let shown = &groups[..groups.len().min(20)];
    html! {
        svg viewBox=(format!("0 0 720 {}", shown.len() * 24 + 10)) role="img" aria-label="Alerts for each 10,000 senders, before and after" class="chart" {
            @for (n, g) in shown.iter().enumerate() {
                @let y = n * 24 + 4;
                text x="4" y=(y + 14) { (g.name) }
                rect x="110" y=(y) width=(width(g.rates().0)) height="8" class="bar before" {}
                rect x="110" y=(y + 9) width=(width(g.rates().1)) height="8" class="bar after" {}
                text x="716" y=(y + 14) text-anchor="end" { (format!("{:.1}", g.rates().1)) }
            }
        }
        div class="scroll" { table {
            thead { tr {
                th scope="col" {} th scope="col" class="number" { "senders" } th scope="col" class="number" { "alerts before" } th scope="col" class="number" { "after" }
                th scope="col" class="number" { "per 10,000" }
                @if labelled { th scope="col" class="number" { "false per 10,000" } }
            } }
            tbody { @for g in groups { tr {
                td { (g.name) } td class="number" { (g.senders) } td class="number" { (g.before) } td class="number" { (g.after) }
                td class="number" { (format!("{:.1}", g.rates().1)) }
                @if labelled { td class="number" { (format!("{:.1}", g.after_false as f64 * 10_000.0 / g.senders.max(1) as f64)) } }
            } } }
        } }
    }
}

fn removal_table(with_all: &Totals, removals: &[Removal]) -> Markup {
    html! { table {
        thead { tr { th scope="col" { "without" } th scope="col" class="number" { "alerts" } th scope="col" class="number" { "precision" } th scope="col" class="number" { "labelled in the first 0.2 %" } } }
        tbody {
            tr { td { "nothing" } td class="number" { (with_all.alerts()) } td class="number" { (share(with_all.precision())) } td class="number" { (with_all.found_first) " of " (with_all.labels) } }
            @for r in removals { tr {
                td { (r.id) } td class="number" { (r.totals.alerts()) } td class="number" { (share(r.totals.precision())) } td class="number" { (r.totals.found_first) " of " (r.totals.labels) }
            } }
        }
    } }
}

fn samples(all: &[Sample], name: &dyn Fn(PartyKey) -> String) -> Markup {
    html! {
        @if all.is_empty() { p { "None." } } @else { table {
            thead { tr { th scope="col" { "party" } th scope="col" class="number" { "score" } th scope="col" { "why" } } }
            tbody { @for s in all { tr {
                td { code { (name(s.party)) } } td class="number" { (format!("{:.1}", s.score)) }
                td { (s.scenario) @for b in &s.because { br; (b) } }
            } } }
        } }
    }
}
