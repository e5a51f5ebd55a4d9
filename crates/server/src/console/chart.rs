//! Charts as SVG, drawn on the server: they print, and need no script. Each is above the table
//! that it is drawn from.

use maud::{Markup, html};

/// Width of the drawing, in its own units.
const WIDE: f64 = 720.0;
/// Height of the columns.
const HIGH: f64 = 140.0;
/// Room above the columns for the scale.
const ABOVE: f64 = 30.0;
/// Room below them for the names of the first and the last.
const BELOW: f64 = 36.0;
/// Longest name under a column, in characters. Our judgement: seven such names fit on a phone.
const NAME_CHARS_MAX: usize = 9;
/// Most columns that are all named. Our judgement: more names run into each other.
const NAMED_MAX: usize = 7;
/// Most kinds of one chart. Our judgement: the style sheet has this many fills that differ clearly.
pub(crate) const KINDS_MAX: usize = 5;

/// A chart of columns with stacked counts.
pub(crate) struct ColumnChart<'a> {
    /// What the chart shows, for people who have it read aloud.
    pub title: &'a str,
    /// The name of each kind, from the bottom up.
    pub kinds: &'a [String],
    /// The name of each column, and how many of each kind.
    pub columns: &'a [(String, Vec<i64>)],
}

impl ColumnChart<'_> {
    /// The chart with its legend.
    pub fn drawn(&self) -> Markup {
        let sums = self.columns.iter().map(|(_, n)| n.iter().sum::<i64>());
        // At least 1: without any count the heights would be 0 / 0.
        let highest = sums.max().unwrap_or(0).max(1) as f64;
        // Without a column the step isn't used, and mustn't be infinite.
        let step = (WIDE - 20.0) / self.columns.len().max(1) as f64;
        let ground = ABOVE + HIGH;
        let (first, last) = (self.columns.first(), self.columns.last());
        html! {
            svg.chart viewBox=(format!("0 0 {WIDE} {}", ground + BELOW)) role="img" aria-label=(self.title) {
                line.axis x1="10" y1=(ground) x2=(WIDE - 10.0) y2=(ground) {}
                line.axis x1="10" y1=(ABOVE) x2=(WIDE - 10.0) y2=(ABOVE) {}
                @for (n, (name, counts)) in self.columns.iter().enumerate() {
                    @let x = 10.0 + n as f64 * step;
                    @for (kind, (from, count)) in stacked(counts).into_iter().enumerate() {
                        @if count > 0 {
                            @let height = count as f64 / highest * HIGH;
                            @let top = ground - from as f64 / highest * HIGH - height;
                            rect class={ "bar kind-" (kind) } x=(format!("{:.1}", x + step * 0.1)) y=(format!("{top:.1}"))
                                width=(format!("{:.1}", step * 0.8)) height=(format!("{height:.1}")) {
                                title { (name) ": " (count) @if let Some(kind) = self.kinds.get(kind) { " " (kind) } }
                            }
                        }
                    }
                }
                text x="10" y=(ABOVE - 8.0) { (highest) }
                @if self.columns.len() <= NAMED_MAX {
                    @for (n, (name, _)) in self.columns.iter().enumerate() {
                        text x=(format!("{:.1}", 10.0 + (n as f64 + 0.5) * step)) y=(ground + BELOW - 8.0) text-anchor="middle" { (short(name)) }
                    }
                } @else {
                    // Days: the first and the last say which are between.
                    @if let Some((name, _)) = first { text x="10" y=(ground + BELOW - 8.0) { (name) } }
                    @if let Some((name, _)) = last { text x=(WIDE - 10.0) y=(ground + BELOW - 8.0) text-anchor="end" { (name) } }
                }
            }
            // One kind is named by the chart's title.
            @if self.kinds.len() > 1 {
                ul.legend { @for (n, kind) in self.kinds.iter().enumerate() {
                    li { svg.swatch viewBox="0 0 12 12" aria-hidden="true" { rect class={ "bar kind-" (n) } width="12" height="12" {} } " " (kind) }
                } }
            }
        }
    }
}

/// A name that fits under its column; the table has the whole.
fn short(name: &str) -> String {
    match name.chars().count() > NAME_CHARS_MAX {
        true => name.chars().take(NAME_CHARS_MAX - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

/// For each kind the count below it and its count.
fn stacked(counts: &[i64]) -> Vec<(i64, i64)> {
    let mut below = 0;
    let of = |count: &i64| {
        let from = below;
        below += count;
        (from, *count)
    };
    counts.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_column_has_the_whole_height_and_none_is_taller() {
        let columns = [
            ("a".to_owned(), vec![3, 1]),
            ("b".to_owned(), vec![0, 2]),
            ("c".to_owned(), vec![0, 0]),
        ];
        let kinds = ["x".to_owned(), "y".to_owned()];
        let chart = ColumnChart {
            title: "t",
            kinds: &kinds,
            columns: &columns,
        };
        let drawn = chart.drawn().into_string();
        let heights: Vec<&str> = drawn
            .split(" height=\"")
            .skip(1)
            .map(|h| h.split('"').next().unwrap())
            .collect();
        // 3 of 4, 1 of 4, 2 of 4, and the two swatches.
        assert_eq!(heights, ["105.0", "35.0", "70.0", "12", "12"]);
        let empty = ColumnChart {
            columns: &[],
            ..chart
        };
        assert!(!empty.drawn().into_string().contains("NaN"));
    }
}
