//! What a person decided and can still take back, on top of each of their pages.

use maud::{Markup, html};
use obhut_app::casework::{PendingDecision, PendingState, open_pending};

use super::{Visit, in_english, now};

/// Most that are shown. Our judgement: a person decides fewer in half a minute.
const SHOWN_MAX: usize = 5;

/// The notice; nothing without such decisions.
pub(super) fn notice(visit: &Visit) -> Markup {
    html! {
        @for (n, row) in visit.pending.iter().rev().take(SHOWN_MAX).enumerate() {
            // The key takes back the latest.
            aside.notice role="status" aria-label=(visit.t("pending-title")) { (one(visit, row, n == 0)) }
        }
    }
}

fn one(visit: &Visit, row: &PendingDecision, is_latest: bool) -> Markup {
    let made = open_pending(&visit.app.casework, row).ok();
    let ruling = made.as_ref().and_then(|made| made.ruling().ok());
    // Below zero for the second in which the worker hasn't come to it yet.
    let seconds = (row.due_at - now()).max(0).div_euclid(1_000_000);
    html! {
        a href={ "/cases/" (row.case) } { code { (row.case) } } ": "
        @if let Some(ruling) = ruling { (visit.t(&format!("ruling-{}", ruling.word()))) ". " }
        @match row.state {
            PendingState::Refused => {
                b.warning { (visit.t("pending-refused")) } " " (in_english(visit.language, &row.why))
                @if let Some(made) = &made { p.quoted { bdi { (made.grounds) } } }
            }
            _ => span data-seconds=(seconds) { (visit.t_with("pending-soon", &[("n", seconds.into())])) },
        }
        " "
        form.inline method="post" action={ "/undo/" (row.id) } {
            (visit.token())
            @match row.state {
                PendingState::Refused => button.quiet { (visit.t("pending-seen")) },
                _ => button.quiet data-key=[is_latest.then_some("z")] { (visit.t("pending-undo")) },
            }
        }
    }
}
