//! The flow of a site's money as a graph: services, wallets, the site, destinations. The widths of
//! the bands show amounts. If a column has too many rows, the smallest share one, so that the graph
//! stays readable.

use std::collections::BTreeMap;

use maud::{Markup, html};
use obhut_app::bitcoin::PayersReport;

use super::{Words, about_btc, btc, day, end_name, short};

/// Most rows in a column; if there are more nodes, the smallest share the last row. Our judgement.
const ROWS_MAX: usize = 18;
// Units of the viewBox; browsers scale the picture as a whole.
const WIDTH: f64 = 1_000.0;
const HEAD: f64 = 28.0;
const ROW: f64 = 34.0;
const COLUMNS_X: [f64; 4] = [10.0, 320.0, 600.0, 790.0];
const BOX: f64 = 200.0;
/// The widest band, in units of the viewBox. Our judgement.
const BAND_MAX: f64 = 22.0;
/// The narrowest band, in units of the viewBox: thinner ones vanish in print. Our judgement.
const BAND_MIN: f64 = 0.8;

/// A box of the graph: one row of a column.
#[derive(Default)]
struct Node {
    label: String,
    title: String,
    satoshi: u64,
    payments: usize,
    first: String,
    last: String,
}

impl Node {
    fn add(&mut self, satoshi: u64, time: &str) {
        self.satoshi += satoshi;
        self.payments += 1;
        if self.first.is_empty() || time < self.first.as_str() {
            time.clone_into(&mut self.first);
        }
        if time > self.last.as_str() {
            time.clone_into(&mut self.last);
        }
    }
}

/// Draws the graph as SVG.
pub(super) fn draw(r: &PayersReport, w: Words) -> Markup {
    let flow = Flow::of(r, w);
    let rows = flow.columns.iter().map(Vec::len).max().unwrap_or(1);
    // The column with the most rows sets the height; the rows of the other columns are spread over
    // it.
    let height = HEAD + rows as f64 * ROW + 10.0;
    let most = flow
        .bands
        .iter()
        .map(|b| b.satoshi)
        .max()
        .unwrap_or(1)
        .max(1) as f64;
    let middle = |column: usize, row: usize| {
        let n = flow.columns[column].len() as f64;
        let room = height - HEAD - 10.0;
        HEAD + room * (row as f64 + 0.5) / n
    };
    let heads = [
        w.t("services", "Dienste"),
        w.t("payers' wallets", "Wallets der Zahler"),
        w.t("the site", "die Website"),
        w.t("went to (haircut)", "ging an (Haircut)"),
    ];
    let label = w.t(
        "Money from services through wallets to the site and on, widths by amount; the table below has the same data",
        "Geld von Diensten über Wallets zur Seite und weiter, Breite nach Betrag; die Tabelle darunter enthält dieselben Angaben",
    );
    html! {
        div class="scroll" {
        svg viewBox=(format!("0 0 {WIDTH} {height:.0}")) role="img" aria-label=(label) class="chart flow" style=(format!("min-width:760px;max-height:{:.0}px", height.max(400.0))) {
            @for (n, head) in heads.iter().enumerate() {
                text x=(COLUMNS_X[n]) y="16" class="head" { (head) }
            }
            @for b in &flow.bands {
                @let (x1, y1) = (COLUMNS_X[b.from.0] + width(b.from.0), middle(b.from.0, b.from.1));
                @let (x2, y2) = (COLUMNS_X[b.to.0], middle(b.to.0, b.to.1));
                @let bend = (x1 + x2) / 2.0;
                path d=(format!("M{x1:.1},{y1:.1} C{bend:.1},{y1:.1} {bend:.1},{y2:.1} {x2:.1},{y2:.1}"))
                    class="band" fill="none" stroke-opacity="0.35"
                    stroke-width=(format!("{:.1}", (b.satoshi as f64 / most * BAND_MAX).max(BAND_MIN))) {
                    title { (btc(b.satoshi)) " BTC" }
                }
            }
            @for (column, nodes) in flow.columns.iter().enumerate() {
                @for (row, node) in nodes.iter().enumerate() {
                    @let y = middle(column, row);
                    g {
                        rect x=(COLUMNS_X[column]) y=(format!("{:.1}", y - 14.0)) width=(width(column)) height="28" rx="4" class="node" {}
                        text x=(COLUMNS_X[column] + 6.0) y=(format!("{:.1}", y - 2.0)) text-anchor="start" { (node.label) }
                        text x=(COLUMNS_X[column] + 6.0) y=(format!("{:.1}", y + 10.0)) text-anchor="start" class="small" style="font-size:9px" {
                            (about_btc(node.satoshi)) @if node.payments > 0 { " · " (node.payments) "×" }
                            @if column != 2 && !node.first.is_empty() { " · " (day(&node.first)) @if day(&node.first) != day(&node.last) { "…" (without_year(day(&node.first), day(&node.last))) } }
                        }
                        title { (node.title) " · " (btc(node.satoshi)) " BTC" }
                    }
                }
            }
        }
        }
    }
}

fn width(column: usize) -> f64 {
    // The site's column has one box with a short label; the width saved goes to the bands.
    if column == 2 { 120.0 } else { BOX }
}

/// Column and row.
type Spot = (usize, usize);

struct Band {
    from: Spot,
    to: Spot,
    satoshi: u64,
}

struct Flow {
    columns: [Vec<Node>; 4],
    bands: Vec<Band>,
}

impl Flow {
    // Long: collects the nodes and bands of all columns, from left to right.
    fn of(r: &PayersReport, w: Words) -> Self {
        let none = w.t("none found", "keiner gefunden");
        let (mut sources, mut wallets): (BTreeMap<String, Node>, BTreeMap<u32, Node>) =
            (BTreeMap::new(), BTreeMap::new());
        // The source of a payment is its nearest candidate. All wallets without a name count as one
        // source.
        let source = |p: &obhut_app::bitcoin::PaymentRow| match p.candidates.first() {
            Some(c) if c.number.is_some() => c.service.clone(),
            Some(_) => w.t("unnamed", "unbenannt").to_owned(),
            None if p.ends[0] > 0 => w.t("a CoinJoin", "ein CoinJoin").to_owned(),
            None => none.to_owned(),
        };
        let mut site = Node {
            label: w.t("the site", "die Website").into(),
            title: w.t("the site", "die Website").into(),
            ..Node::default()
        };
        for p in &r.payments {
            let name = source(p);
            let node = sources.entry(name.clone()).or_insert_with(|| Node {
                label: short(&name),
                title: name.clone(),
                ..Node::default()
            });
            node.add(p.amount_sat, &p.time);
            site.add(p.amount_sat, &p.time);
            // A direct payment has no wallet between service and site.
            if !p.direct {
                let node = wallets.entry(p.wallet).or_default();
                node.add(p.amount_sat, &p.time);
            }
        }
        let (sources, source_rows) = rows(sources, w);
        let numbered: BTreeMap<u32, Node> = wallets
            .into_iter()
            .map(|(wallet, node)| {
                let label = format!("{} {wallet}", w.t("wallet", "Wallet"));
                let title = label.clone();
                (
                    wallet,
                    Node {
                        label,
                        title,
                        ..node
                    },
                )
            })
            .collect();
        let (wallets, wallet_rows) = rows(numbered, w);
        let mut bands: BTreeMap<(Spot, Spot), u64> = BTreeMap::new();
        for p in &r.payments {
            // `source` named the rows above too, so every payment has one.
            let from = (0, source_rows[&source(p)]);
            if p.direct {
                *bands.entry((from, (2, 0))).or_default() += p.amount_sat;
            } else {
                let wallet = (1, wallet_rows[&p.wallet]);
                *bands.entry((from, wallet)).or_default() += p.amount_sat;
                *bands.entry((wallet, (2, 0))).or_default() += p.amount_sat;
            }
        }
        let ends: BTreeMap<String, Node> = r
            .onward
            .iter()
            .filter(|a| a.haircut_sat > 0)
            .map(|a| {
                let node = Node {
                    label: short(&end_name(&a.end, w)),
                    title: a.end.clone(),
                    satoshi: a.haircut_sat,
                    ..Node::default()
                };
                (a.end.clone(), node)
            })
            .collect();
        let (ends, end_rows) = rows(ends, w);
        // Haircut amounts, because they add up; poison counts one coin at several ends.
        for a in r.onward.iter().filter(|a| a.haircut_sat > 0) {
            *bands.entry(((2, 0), (3, end_rows[&a.end]))).or_default() += a.haircut_sat;
        }
        Self {
            columns: [sources, wallets, vec![site], ends],
            bands: bands
                .into_iter()
                .map(|((from, to), satoshi)| Band { from, to, satoshi })
                .collect(),
        }
    }
}

/// A column's rows, largest first, and the row of each key. If there are too many, the smallest
/// share the last row.
fn rows<K: Ord + Clone>(nodes: BTreeMap<K, Node>, w: Words) -> (Vec<Node>, BTreeMap<K, usize>) {
    let mut order: Vec<(K, Node)> = nodes.into_iter().collect();
    // A stable sort: equal amounts stay in the order of their keys, so the same report gives the
    // same page.
    order.sort_by_key(|(_, node)| std::cmp::Reverse(node.satoshi));
    // One row fewer, to leave room for the row that the rest share.
    let alone = if order.len() > ROWS_MAX {
        ROWS_MAX - 1
    } else {
        order.len()
    };
    let mut places = BTreeMap::new();
    let mut rest = Node::default();
    let mut grouped = 0;
    let mut shown = Vec::new();
    for (n, (key, node)) in order.into_iter().enumerate() {
        if n < alone {
            places.insert(key, n);
            shown.push(node);
        } else {
            places.insert(key, alone);
            grouped += 1;
            rest.satoshi += node.satoshi;
            rest.payments += node.payments;
            if rest.first.is_empty() || (!node.first.is_empty() && node.first < rest.first) {
                rest.first = node.first;
            }
            rest.last = rest.last.max(node.last);
        }
    }
    if grouped > 0 {
        rest.label = format!("{grouped} {}", w.t("smaller ones", "kleinere"));
        rest.title.clone_from(&rest.label);
        shown.push(rest);
    }
    (shown, places)
}

/// The last day, without its year if both days are in the same year, otherwise with a two-digit
/// year.
fn without_year<'a>(first: &str, last: &'a str) -> &'a str {
    match (first.split_once('-'), last.split_once('-')) {
        (Some((a, _)), Some((b, rest))) if a == b => rest,
        _ => last.get(2..).unwrap_or(last),
    }
}
