//! Alerts about payments: two queues, and each alert with its timeline, its counterparties, its
//! numbers with their thresholds, and the sources. An alert names its party, so the page asks for a
//! person's key and records who viewed which alert.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post};
use maud::{Markup, html};
use obhut_app::casework::{Act, rfc3339};
use obhut_app::payments::{self, AlertDetail, AlertRow, ShownTransfer};

use super::{InPages as _, Language, Page, frame};
use crate::fault::Fault;
use crate::{App, access};

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/payments",
    route,
};

/// Most alerts shown of a queue, highest score first. Our judgement.
const ALERTS_MAX: i64 = 100;

fn route() -> MethodRouter<App> {
    get(login).merge(post(show))
}

async fn login(headers: HeaderMap) -> Response {
    login_form(Language::of(&headers), false)
}

/// Shows the queues, or one alert. The page carries the key in hidden fields, because a browser
/// sends no `Authorization` header.
async fn show(State(app): State<App>, headers: HeaderMap, form: String) -> Response {
    let language = Language::of(&headers);
    let (mut key, mut alert) = (String::new(), String::new());
    for (name, value) in url::form_urlencoded::parse(form.as_bytes()) {
        match name.as_ref() {
            "key" => key = value.trim().to_owned(),
            "alert" => alert = value.into_owned(),
            _ => {}
        }
    }
    // Checked as the API does it, so that the page never shows more than the API.
    let mut with_key = HeaderMap::new();
    if let Ok(value) = format!("Bearer {key}").parse() {
        with_key.insert(axum::http::header::AUTHORIZATION, value);
    }
    let person = match access::acting(&app, &with_key, Act::ViewAlert).await {
        Ok(person) => person,
        // Only a refused key brings back the form; an outage says nothing about the key.
        Err(fault) if fault.is_client_fault() => return login_form(language, true),
        Err(fault) => return fault.into_response(),
    };
    let page = if alert.is_empty() {
        queues(&app, language, &key).await
    } else {
        match obhut_app::payments::payment_alert(&app.casework, &alert, &person.id).await {
            Ok(details) => Ok(alert_page(&details, language, &key)),
            Err(e) => Err(Fault::from(e)),
        }
    };
    page.unwrap_or_else(Fault::into_response)
}

fn title(language: Language) -> &'static str {
    language.pick("Payments", "Zahlungen")
}

fn login_form(language: Language, refused: bool) -> Response {
    let t = |en, de| language.pick(en, de);
    let content = html! {
        h1 { (title(language)) }
        @if refused {
            p role="alert" class="warning" {
                (t("This key has no access to alerts, belongs to no person, or was revoked.", "Dieser Schlüssel hat keinen Zugriff auf Hinweise, gehört keiner Person oder wurde widerrufen."))
            }
        }
        form method="post" action="/payments" {
            label for="key" { (t("Your key with the right “decide”", "Ihr Schlüssel mit dem Recht „decide“")) }
            input id="key" name="key" type="password" autocomplete="off" required autofocus;
            button { (t("Show alerts", "Hinweise anzeigen")) }
        }
        p class="hint" { (t("Every view of an alert is recorded. The key is kept in the open page only and is gone when you close it.", "Jeder Blick auf einen Hinweis wird protokolliert. Der Schlüssel bleibt nur in der geöffneten Seite und ist weg, wenn Sie sie schließen.")) }
    };
    frame(language, title(language), content)
}

async fn queues(app: &App, language: Language, key: &str) -> Result<Response, Fault> {
    let t = |en, de| language.pick(en, de);
    // Two queues: possible victims need help and never appear among those to review.
    let victims = obhut_app::payments::payment_alerts(&app.casework, true, ALERTS_MAX).await?;
    let to_review = obhut_app::payments::payment_alerts(&app.casework, false, ALERTS_MAX).await?;
    let content = html! {
        h1 { (title(language)) }
        p { (t("An alert is a lead: two independent signals, nothing more.", "Ein Hinweis ist ein Ermittlungsansatz: zwei unabhängige Signale, nicht mehr.")) }
        section {
            h2 { (t("May need help", "Möglicherweise Opfer")) " (" (counted(victims.len())) ")" }
            p { (t("Talk to them first: each alert says how.", "Zuerst mit ihnen sprechen: Jeder Hinweis sagt, wie.")) }
            (table(&victims, language, key))
        }
        section {
            h2 { (t("To review", "Zu prüfen")) " (" (counted(to_review.len())) ")" }
            p { (t("Don't tell these customers about the alert.", "Diese Kunden nicht informieren.")) }
            (table(&to_review, language, key))
        }
    };
    Ok(frame(language, title(language), content))
}

/// The number of alerts shown, with a `+` if there may be more.
fn counted(shown: usize) -> String {
    match shown as i64 == ALERTS_MAX {
        true => format!("{shown}+"),
        false => shown.to_string(),
    }
}

fn table(rows: &[AlertRow], language: Language, key: &str) -> Markup {
    let t = |en, de| language.pick(en, de);
    html! {
        @if rows.is_empty() {
            p { (t("None.", "Keine.")) }
        } @else { form.wide method="post" action="/payments" {
            input type="hidden" name="key" value=(key);
            table {
                thead { tr {
                    th scope="col" { (t("Score", "Punkte")) }
                    th scope="col" { (t("Pattern", "Muster")) }
                    th scope="col" { (t("Case", "Fall")) }
                    th scope="col" { (t("Last payment", "Letzte Zahlung")) }
                    th scope="col" { }
                } }
                tbody {
                    @for row in rows {
                        tr {
                            td data-label=(t("Score", "Punkte")) { (format!("{:.0}", row.score)) }
                            td data-label=(t("Pattern", "Muster")) { (scenario(row, language)) }
                            td data-label=(t("Case", "Fall")) { code { (row.case) } }
                            td data-label=(t("Last payment", "Letzte Zahlung")) { (&rfc3339(row.last_at)[..10]) }
                            td { button name="alert" value=(row.id) { (t("View", "Ansehen")) } }
                        }
                    }
                }
            }
        } }
    }
}

fn alert_button(alert: &str, key: &str, label: &str) -> Markup {
    html! {
        form method="post" action="/payments" {
            input type="hidden" name="key" value=(key);
            input type="hidden" name="alert" value=(alert);
            button { (label) }
        }
    }
}

fn scenario(row: &AlertRow, language: Language) -> &'static str {
    payments::Scenario::by_name(&row.scenario).map_or("", |s| language.pick(s.title.en, s.title.de))
}

fn alert_page(details: &[AlertDetail], language: Language, key: &str) -> Response {
    let t = |en, de| language.pick(en, de);
    let content = html! {
        (alert_button("", key, t("Back to the queues", "Zurück zu den Listen")))
        @for d in details {
            h1 { (scenario(&d.row, language)) }
            p { (t("Party", "Beteiligter")) " " code { (d.party.expose()) } " · " (t("case", "Fall")) " " code { (d.row.case) } " · " (format!("{:.0}", d.row.score)) " " (t("points", "Punkte")) }
            p class="notice" { (d.advice(language)) }
            h2 { (t("Why", "Warum")) }
            table {
                thead { tr {
                    th scope="col" { (t("Indicator", "Indikator")) }
                    th scope="col" { (t("Numbers and thresholds", "Zahlen und Schwellenwerte")) }
                    th scope="col" { (t("Source", "Quelle")) }
                } }
                tbody {
                    @for f in &d.fired {
                        tr {
                            td data-label=(t("Indicator", "Indikator")) { (f.indicator().id) " " (language.pick(f.indicator().title.en, f.indicator().title.de)) }
                            td data-label=(t("Numbers and thresholds", "Zahlen und Schwellenwerte")) { (payments::because(f, language)) }
                            td data-label=(t("Source", "Quelle")) { (f.indicator().source) " (" (f.indicator().date) ")" }
                        }
                    }
                }
            }
            h2 { (t("Payments", "Zahlungen")) }
            (timeline(&d.timeline, language))
            h2 { (t("Counterparties", "Gegenparteien")) }
            table {
                thead { tr {
                    th scope="col" { (t("Party", "Beteiligter")) }
                    th scope="col" { (t("Payments", "Zahlungen")) }
                    th scope="col" { (t("Senders to this party", "Absender insgesamt")) }
                } }
                tbody {
                    @for o in &d.network {
                        tr {
                            td data-label=(t("Party", "Beteiligter")) { code { (o.party) } }
                            td data-label=(t("Payments", "Zahlungen")) { (o.n) }
                            td data-label=(t("Senders to this party", "Absender insgesamt")) { @match o.senders { Some(n) => (n), None => "–" } }
                        }
                    }
                }
            }
        }
    };
    frame(language, title(language), content)
}

/// A chart of the transfers over time. Height shows the amount, on a separate scale for each
/// currency. The list below it has the same data.
fn timeline(all: &[ShownTransfer], language: Language) -> Markup {
    let t = |en, de| language.pick(en, de);
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
        svg viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(t("Amounts over time", "Beträge über die Zeit")) class="chart" {
            line x1="10" y1=(height - 20.0) x2=(width - 10.0) y2=(height - 20.0) class="axis" {}
            @for e in all {
                circle cx=(format!("{:.1}", x(e.at))) cy=(format!("{:.1}", y(e))) r="4" class=(if e.in_band { "point in" } else { "point" }) {}
            }
            text x="10" y=(height - 4.0) { (&rfc3339(first)[..10]) }
            text x=(width - 10.0) y=(height - 4.0) text-anchor="end" { (&rfc3339(last)[..10]) }
            text x="10" y="14" { (scales.join(" · ")) }
        }
        @if scales.len() > 1 {
            p class="hint" { (t("Each currency has a separate scale; the top of each is written above.", "Jede Währung hat ihre eigene Skala; deren oberes Ende steht oben.")) }
        }
        p class="hint" { (t("Filled points are in the published price band of their currency.", "Gefüllte Punkte liegen im veröffentlichten Preisband ihrer Währung.")) }
        details {
            summary { (t("The payments as a list", "Die Zahlungen als Liste")) " (" (all.len()) ")" }
            table {
                thead { tr {
                    th scope="col" { (t("When", "Wann")) }
                    th scope="col" { (t("To or from", "An oder von")) }
                    th scope="col" { (t("Amount", "Betrag")) }
                    th scope="col" { (t("Country", "Land")) }
                } }
                tbody {
                    @for e in all.iter().rev() {
                        tr {
                            td data-label=(t("When", "Wann")) { (rfc3339(e.at)) }
                            td data-label=(t("To or from", "An oder von")) { code { (e.other) } }
                            td data-label=(t("Amount", "Betrag")) { (e.amount) " " (e.currency) }
                            td data-label=(t("Country", "Land")) { (e.country) }
                        }
                    }
                }
            }
        }
    }
}
