//! Whether everything works, and what to do where it doesn't.

use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use obhut_app::casework::{self, Act, FilingState};
use obhut_app::media;
use obhut_app::partners::destinations;

use super::Page;
use crate::console::Visit;
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/system",
    routes: |router| router.route("/system", get(show)),
    listed: Some(("system", Act::SeeOperation)),
};

/// Jobs that wait from which on something is slow. Our judgement: a busy hour of a small platform.
const JOBS_MANY: i64 = 100;
/// Changed rows that aren't sealed from which on sealing is behind. Our judgement: a worker seals
/// them every few seconds.
const ROWS_MANY: i64 = 10_000;
/// Reports looked at in each state. Our judgement: whether it is one or a hundred, the remedy is the
/// same.
const FILINGS_MAX: usize = 100;

/// One thing that is looked at.
struct Check {
    /// Key of its name.
    what: &'static str,
    /// What was found.
    found: String,
    /// Key of what to do; `None` if it is well.
    remedy: Option<&'static str>,
}

async fn show(visit: Visit) -> Response {
    let made = page(&visit).await;
    visit.answer(made)
}

async fn page(visit: &Visit) -> Result<Response, Fault> {
    visit.acting(Act::SeeOperation)?;
    let checks = checks(visit).await?;
    let failed = checks.iter().filter(|c| c.remedy.is_some()).count();
    let content = html! {
        h1 { (visit.t("system")) }
        p role="status" class=(if failed > 0 { "warning" } else { "" }) {
            @if failed == 0 { (visit.t("system-well")) } @else { (visit.t_with("system-faults", &[("n", failed.into())])) }
        }
        div.scroll { table {
            thead { tr {
                th scope="col" { (visit.t("system-what")) }
                th scope="col" { (visit.t("system-found")) }
                th scope="col" { (visit.t("system-remedy")) }
            } }
            tbody { @for check in &checks { (row(visit, check)) } }
        } }
        p.hint { (visit.t("system-version")) " " (env!("CARGO_PKG_VERSION")) ". " (visit.t("system-shell")) " " code { "obhut vault verify" } }
    };
    Ok(visit.page(&visit.t("system"), content))
}

fn row(visit: &Visit, check: &Check) -> Markup {
    html! { tr {
        td data-label=(visit.t("system-what")) { (visit.t(check.what)) }
        td data-label=(visit.t("system-found")) { (check.found) }
        td data-label=(visit.t("system-remedy")) {
            @match check.remedy { Some(key) => b.warning { (visit.t(key)) }, None => (visit.t("system-nothing")) }
        }
    } }
}

// Long: one entry for each thing that is looked at.
async fn checks(visit: &Visit) -> Result<Vec<Check>, Fault> {
    let casework = &visit.app.casework;
    let n = |key: &'static str, n: i64| visit.t_with(key, &[("n", n.into())]);
    let mut all = Vec::new();
    let mut add = |what, found, remedy| {
        all.push(Check {
            what,
            found,
            remedy,
        });
    };
    let waiting = casework::jobs_waiting(casework).await?;
    add(
        "system-jobs",
        n("system-jobs-n", waiting),
        (waiting >= JOBS_MANY).then_some("system-jobs-many"),
    );
    let unsealed = casework::rows_unsealed(casework).await?;
    add(
        "system-rows",
        n("system-rows-n", unsealed),
        (unsealed >= ROWS_MANY).then_some("system-rows-many"),
    );
    let stopped = casework::filings_in(casework, FilingState::Stopped, FILINGS_MAX).await?;
    let stopped = stopped.len() as i64;
    add(
        "system-filings",
        n("system-filings-n", stopped),
        (stopped > 0).then_some("system-filings-stopped"),
    );
    let mut halted = Vec::new();
    for destination in destinations::ALL {
        let name = destination.form.name;
        if casework::channel(casework, name).await?.halted.is_some() {
            halted.push(name);
        }
    }
    add(
        "system-halted",
        match halted.is_empty() {
            true => visit.t("system-none"),
            false => halted.join(", "),
        },
        (!halted.is_empty()).then_some("system-halted-remedy"),
    );
    let routes = casework::routes(casework).await?.len() as i64;
    add(
        "routes",
        n("system-routes-n", routes),
        (routes == 0).then_some("routes-none"),
    );
    let lists = media::all_lists(casework).await?;
    let matching = lists.iter().filter(|l| l.matching_version.is_some());
    let matching = matching.count() as i64;
    add(
        "lists",
        n("system-lists-n", matching),
        (matching == 0).then_some("system-lists-none"),
    );
    let unsigned = lists.iter().filter(|l| l.unsigned).count() as i64;
    add(
        "system-unsigned",
        n("system-unsigned-n", unsigned),
        (unsigned > 0).then_some("system-unsigned-remedy"),
    );
    let witnesses = casework::witnesses(casework).await?;
    let asked = witnesses.iter().filter(|w| w.is_asked).count() as i64;
    add(
        "vault-witnesses",
        n("system-witnesses-n", asked),
        (asked == 0).then_some("system-witnesses-none"),
    );
    let alarms = casework::alarms(casework).await?.len() as i64;
    add(
        "alarms",
        n("system-alarms-n", alarms),
        (alarms > 0).then_some("system-alarms-remedy"),
    );
    Ok(all)
}
