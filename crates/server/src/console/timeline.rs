//! What happened when: a line with numbered points, and the list that says what each of them is.

use maud::{Markup, html};

use super::Visit;

/// Width of the drawing, in its own units.
const WIDE: f64 = 720.0;
/// Points nearer than this to the one before are set higher, so that both can be read.
const NEAR: f64 = 22.0;
/// Steps by which points that are near one another rise before they start again from the line.
const RISES: usize = 4;
/// Most moments that are drawn, the latest. Our judgement: with more the points overlap.
const MOMENTS_MAX: usize = 40;

/// Something that happened.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    /// When, in microseconds since 1970.
    pub at: i64,
    /// What, in the language of the page.
    pub what: String,
}

/// The line and its list, oldest first. What has the same words within the same minute is one point.
/// Nothing if there is only one.
pub(crate) fn timeline(visit: &Visit, mut moments: Vec<Moment>) -> Markup {
    const MINUTE: i64 = 60_000_000;
    moments.sort();
    // A folder of a thousand files is found within seconds: that is one point.
    moments.dedup_by(|b, a| a.at / MINUTE == b.at / MINUTE && a.what == b.what);
    let left_out = moments.len().saturating_sub(MOMENTS_MAX);
    let moments = &moments[left_out..];
    let (Some(first), Some(last)) = (moments.first(), moments.last()) else {
        return html! {};
    };
    if moments.len() < 2 {
        return html! {};
    }
    // At least 1: all may have happened in the same microsecond.
    let span = (last.at - first.at).max(1) as f64;
    let xs: Vec<f64> = moments
        .iter()
        .map(|m| 14.0 + (m.at - first.at) as f64 / span * (WIDE - 28.0))
        .collect();
    let heights = heights(&xs);
    let ground = 18.0 + heights.iter().fold(0.0_f64, |most, h| most.max(*h));
    let times = [first.at, last.at].map(|at| visit.shown_time(at));
    html! {
        section {
            h2 { (visit.t("timeline")) }
            svg.chart viewBox=(format!("0 0 {WIDE} {}", ground + 50.0)) role="img" aria-label=(visit.t("timeline-says")) {
                line.axis x1="4" y1=(ground) x2=(WIDE - 4.0) y2=(ground) {}
                @for (n, (x, up)) in xs.iter().zip(&heights).enumerate() {
                    @let y = ground - up;
                    line.axis x1=(format!("{x:.1}")) y1=(ground) x2=(format!("{x:.1}")) y2=(format!("{y:.1}")) {}
                    circle.point cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="10" { title { (moments[n].what) } }
                    text.mark x=(format!("{x:.1}")) y=(format!("{:.1}", y + 4.0)) text-anchor="middle" { (n + 1) }
                }
                text x="4" y=(ground + 40.0) { (times[0]) }
                text x=(WIDE - 4.0) y=(ground + 40.0) text-anchor="end" { (times[1]) }
            }
            @if left_out > 0 { p.hint { (visit.t_with("timeline-more", &[("n", left_out.into())])) } }
            details {
                summary { (visit.t("timeline-list")) " (" (moments.len()) ")" }
                ol { @for m in moments { li { (visit.time(m.at)) " · " bdi { (m.what) } } } }
            }
        }
    }
}

/// How far above the line each point is.
fn heights(xs: &[f64]) -> Vec<f64> {
    let mut heights = Vec::new();
    // Where the last point of each height is.
    let mut taken = [f64::NEG_INFINITY; RISES];
    for x in xs {
        let free = taken.iter().position(|last| x - last >= NEAR);
        let rise = free.unwrap_or(RISES - 1);
        taken[rise] = *x;
        heights.push(rise as f64 * NEAR);
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_near_one_another_stand_above_one_another() {
        for (xs, expected) in [
            (vec![14.0, 300.0, 706.0], vec![0.0, 0.0, 0.0]),
            (
                vec![14.0, 20.0, 25.0, 40.0],
                vec![0.0, NEAR, 2.0 * NEAR, 0.0],
            ),
            // More than fit: the topmost height is shared.
            (
                vec![1.0; 6],
                vec![0.0, NEAR, 2.0 * NEAR, 3.0 * NEAR, 3.0 * NEAR, 3.0 * NEAR],
            ),
        ] {
            assert_eq!(heights(&xs), expected, "{xs:?}");
        }
    }
}
