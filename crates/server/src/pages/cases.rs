//! The list of cases with their status, number of files and time of opening. Shows no evidence and
//! no name.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post};
use maud::{Markup, html};
use obhut_app::casework::{self, ApiKey, Case, CaseStatus, Right, rfc3339};

use super::{InPages as _, Language, Page, frame};
use crate::fault::Fault;
use crate::{App, access, asked};

/// The first page.
pub(crate) const PAGE: Page = Page { path: "/", route };

fn route() -> MethodRouter<App> {
    get(ask).merge(post(show))
}

/// Shows the cases to a client that sends a key, and the form that asks for a key to all others: a
/// browser doesn't send an `Authorization` header unasked.
async fn ask(State(app): State<App>, headers: HeaderMap) -> Response {
    let language = Language::of(&headers);
    match access::require(&app, &headers, Right::Cases).await {
        Ok(key) => {
            let shown = cases(&app, &key, language);
            shown.await.unwrap_or_else(Fault::into_response)
        }
        Err(_) => login_form(language, false),
    }
}

async fn show(State(app): State<App>, headers: HeaderMap, form: String) -> Response {
    let language = Language::of(&headers);
    // Not decoded: a key has no character that a form would escape.
    let key = form
        .split('&')
        .find_map(|pair| pair.strip_prefix("key="))
        .unwrap_or_default();
    // A space pasted along with the key arrives as +.
    match access::authenticate_secret(&app, key.trim_matches('+'), Right::Cases).await {
        Ok((key, _)) => {
            let shown = cases(&app, &key, language);
            shown.await.unwrap_or_else(Fault::into_response)
        }
        // One message for a key that is unknown, revoked, or lacks the right or the role, so that a
        // guess reveals nothing.
        Err(e) if e.is_client_fault() => login_form(language, true),
        Err(e) => e.into_response(),
    }
}

fn login_form(language: Language, refused: bool) -> Response {
    let t = |en, de| language.pick(en, de);
    let content = html! {
        h1 { (t("Cases", "Fälle")) }
        @if refused {
            p role="alert" class="warning" {
                (t("This key has no access to cases, or it was revoked.", "Dieser Schlüssel hat keinen Zugriff auf Fälle oder wurde widerrufen."))
            }
        }
        form method="post" action="/" {
            label for="key" { (t("Key with the right “cases”", "Schlüssel mit dem Recht „cases“")) }
            input id="key" name="key" type="password" autocomplete="off" required autofocus;
            button { (t("Show cases", "Fälle anzeigen")) }
        }
        p class="hint" {
            (t("Create keys with", "Schlüssel erstellen:")) " " code { "obhut key create --right cases" } ". "
            (t("The key is not stored in this browser.", "Der Schlüssel wird in diesem Browser nicht gespeichert."))
        }
    };
    frame(language, t("Cases", "Fälle"), content)
}

async fn cases(app: &App, key: &ApiKey, language: Language) -> Result<Response, Fault> {
    asked::note(app, key, asked::LIST_CASES, 1).await?;
    // The page shows only counts and dates, so the view isn't recorded, unlike that of an alert.
    let cases = casework::cases_before(&app.casework, None, None, CASES_MAX).await?;
    let counts = casework::case_counts(&app.casework).await?;
    Ok(frame(
        language,
        language.pick("Cases", "Fälle"),
        table(&cases, &counts, language),
    ))
}

/// Most cases shown, newest first. Our judgement: an older case is looked up by its id.
const CASES_MAX: usize = 500;

fn table(cases: &[Case], counts: &[(CaseStatus, i64)], language: Language) -> Markup {
    let t = |en, de| language.pick(en, de);
    let of_status = |status| {
        counts
            .iter()
            .filter(move |c| c.0 == status)
            .map(|c| c.1)
            .sum::<i64>()
    };
    let (open, all) = (
        of_status(CaseStatus::Open),
        counts.iter().map(|c| c.1).sum::<i64>(),
    );
    html! {
        h1 { (t("Cases", "Fälle")) }
        @if cases.is_empty() {
            p { (t("No cases yet: nothing has matched so far.", "Noch keine Fälle: Bisher gab es keinen Treffer.")) }
        } @else {
            p { (open) " " (t("of", "von")) " " (all) " " (t("wait for a person's decision.", "warten auf die Entscheidung eines Menschen.")) }
            @if all > cases.len() as i64 {
                p class="hint" { (t("The newest are shown:", "Die neuesten sind zu sehen:")) " " (cases.len()) ". " code { "obhut case list" } " " (t("lists all.", "zeigt alle.")) }
            }
            div class="scroll" {
                table {
                    thead { tr {
                        th scope="col" { (t("Case", "Fall")) }
                        th scope="col" { (t("Status", "Status")) }
                        th scope="col" class="number" { (t("Files", "Dateien")) }
                        th scope="col" { (t("Opened (UTC)", "Eröffnet (UTC)")) }
                    } }
                    tbody {
                        @for case in cases {
                            tr {
                                td { code { (case.id) } }
                                td { span class=(format!("status {}", case.status)) { (status(case.status, language)) } }
                                td class="number" { (case.files) }
                                td { time datetime=(rfc3339(case.opened_at)) { (rfc3339(case.opened_at).replace('T', " ").trim_end_matches('Z')) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn status(status: CaseStatus, language: Language) -> &'static str {
    match status {
        CaseStatus::Open => language.pick("open", "offen"),
        CaseStatus::Decided => language.pick("to be reported", "zu melden"),
        CaseStatus::Reported => language.pick("reported", "gemeldet"),
        CaseStatus::Closed => language.pick("closed", "geschlossen"),
        CaseStatus::Appealed => language.pick("appealed", "Beschwerde"),
        CaseStatus::Cleared => language.pick("cleared", "entlastet"),
    }
}
