//! HTML pages. Each page has one file and one entry in [`ALL`].

use axum::Router;
use axum::http::header;
use axum::routing::get;
use obhut_app::casework::{self, Act};

use crate::App;
use crate::console::Listed;

mod appeal;
mod appeals;
mod audit;
mod case;
mod cases;
mod first;
mod incoming;
mod lists;
mod pause;
mod payments;
mod people;
mod report;
mod reports;
mod setup;
mod sign_in;
mod start;
mod statistics;
mod steps;
mod system;
mod vault;
mod viewer;

pub use first::FirstHour;

/// Every page, in the order of the navigation.
const ALL: &[&Page] = &[
    &start::PAGE,
    &cases::PAGE,
    &case::PAGE,
    &viewer::PAGE,
    &incoming::PAGE,
    &reports::PAGE,
    &report::PAGE,
    &appeals::PAGE,
    &payments::PAGE,
    &lists::PAGE,
    &vault::PAGE,
    &statistics::PAGE,
    &setup::PAGE,
    &system::PAGE,
    &first::PAGE,
    &steps::PAGE,
    &people::PAGE,
    &audit::PAGE,
    &pause::PAGE,
    &sign_in::PAGE,
    &appeal::PAGE,
];

/// A page, with the routes its forms post to.
pub(crate) struct Page {
    pub path: &'static str,
    pub routes: fn(Router<App>) -> Router<App>,
    /// Its name in the navigation, and what a person has to be allowed to do to find it there.
    pub listed: Option<(&'static str, Act)>,
}

/// The pages of the navigation, in their order.
pub(crate) fn navigation() -> Vec<Listed> {
    let listed = ALL
        .iter()
        .filter_map(|page| Some((page.path, page.listed?)));
    listed
        .map(|(path, (name, act))| Listed { path, name, act })
        .collect()
}

pub(crate) fn routes() -> Router<App> {
    let assets = [
        (
            "/assets/icon.svg",
            "image/svg+xml",
            include_str!("../assets/icon.svg"),
        ),
        (
            "/assets/style.css",
            "text/css; charset=utf-8",
            include_str!("../assets/style.css"),
        ),
        (
            "/assets/keys.js",
            "text/javascript; charset=utf-8",
            include_str!("../assets/keys.js"),
        ),
        (
            "/assets/viewer.js",
            "text/javascript; charset=utf-8",
            include_str!("../assets/viewer.js"),
        ),
    ];
    let router = assets
        .into_iter()
        .fold(Router::new(), |router, (path, kind, text)| {
            router.route(
                path,
                get(async move || ([(header::CONTENT_TYPE, kind)], text)),
            )
        });
    ALL.iter()
        .fold(router, |router, page| (page.routes)(router))
}

/// Codes that are checked at the same time. Our judgement: a flood of guesses then leaves the
/// database to others. Guessing needs no delay: a code has 80 bits, so at ten thousand a second the
/// first of a million notices would be found after two million years.
pub(crate) const CODES_AT_ONCE_MAX: usize = 4;

/// Files an appeal with the code of a notice.
pub(crate) async fn appeal_by_code(
    app: &App,
    code: &str,
    message: &str,
) -> Result<(), crate::fault::Fault> {
    let _turn = app.codes.acquire().await;
    casework::appeal_by_code(&app.casework, code, message).await?;
    Ok(())
}
