//! A case: why it ranks where it does, its files, what is known, what is missing for a good report,
//! the form for a decision, and what was done so far.

use std::collections::BTreeMap;

use axum::extract::{DefaultBodyLimit, Path};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use obhut_app::casework::{
    self, Act, AsSeen, CaseDetail, CaseStatus, Category, Decision, DecisionRequest, Exhibit,
    Extent, Facts, Finding, PageDecision, Right, Ruling, Scores, SeenBefore,
};
use serde_json::Value;

use super::{Page, cases, reports, viewer};
use crate::console::{Moment, Sent, Visit, in_english, timeline, to_page};
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/cases/{case}",
    routes: |router| {
        router
            .route("/cases/{case}", get(show))
            .route(
                "/cases/{case}/decision",
                post(decide).layer(DefaultBodyLimit::max(FORM_BYTES_MAX)),
            )
            .route("/cases/{case}/reports", post(file))
    },
    listed: None,
};

/// Longest posted decision, in bytes. Our judgement: 10,000 characters of grounds, of three bytes
/// each in UTF-8, each percent-encoded as three, and a category for each of some hundred files.
const FORM_BYTES_MAX: usize = 128 << 10;
/// Longest grounds, in characters. Our judgement; casework keeps no more either.
const GROUNDS_CHARS_MAX: usize = 10_000;
/// Files shown with their own row. Our judgement: what a browser lays out immediately; the viewer
/// leads through all.
const FILES_SHOWN_MAX: usize = 200;
/// The scale of the categories offered (NCMEC's industry classification), and its values. Source:
/// CyberTipline schema of 2025-11-10, `industryClassification`.
const SCALE: &str = "ncmec-industry";
const CATEGORIES: [&str; 4] = ["A1", "A2", "B1", "B2"];

/// Grounds that can be chosen instead of written: name, ruling, what they say of the files.
const TEMPLATES: [(&str, Ruling, Says); 5] = [
    ("viewed-report", Ruling::Report, Says::Viewed),
    ("seen-before-report", Ruling::Report, Says::ReportedBefore),
    ("listed-report", Ruling::Report, Says::Listed),
    ("viewed-no-report", Ruling::NoReport, Says::Viewed),
    ("wrong-match", Ruling::NoReport, Says::Viewed),
];

/// What grounds say of the files, and so when they are offered and accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    /// The person has viewed all of them whole.
    Viewed,
    /// Not all were viewed by the person; of each that wasn't, another was viewed whole and decided
    /// to be reported that has the same bytes or matches the same list entry.
    ReportedBefore,
    /// One matches an entry of a signed list, and the person hasn't viewed all.
    Listed,
}

/// Everything the page is made from.
struct Shown {
    detail: CaseDetail,
    exhibits: Vec<FileSeen>,
    scores: Scores,
    names: BTreeMap<String, String>,
}

/// An exhibit, and what this person and others have seen of it.
struct FileSeen {
    exhibit: Exhibit,
    whole_by_me: bool,
    whole_by_others: bool,
    /// Who looked at it, and when.
    looks: Vec<(String, i64)>,
    /// A copy of it that was viewed in another case.
    before: Option<SeenBefore>,
}

async fn show(visit: Visit, Path(case): Path<String>) -> Response {
    let made = page(&visit, &case).await;
    visit.answer(made)
}

async fn page(visit: &Visit, case: &str) -> Result<Response, Fault> {
    visit.require(Right::Cases)?;
    let person = visit.acting(Act::ReadFacts)?;
    let casework = &visit.app.casework;
    let detail = casework::case(casework, case).await?;
    // Before the page leaves: if the reading can't be recorded, nothing is shown.
    casework::note(casework, &person.id, "case.show", case, "page").await?;
    casework::note(casework, &person.id, "case.facts.show", case, "page").await?;
    let exhibits = files_seen(visit, case).await?;
    let people = casework::people(casework).await?;
    let shown = Shown {
        scores: casework::dossier(casework, case, true).await?.scores(),
        names: people.into_iter().map(|p| (p.id, p.name)).collect(),
        detail,
        exhibits,
    };
    let queued = casework::queued(casework, case).await?;
    let claimed_by = queued.and_then(|q| q.claimed_by);
    if claimed_by.as_ref() == Some(&person.id) {
        // Who works on it keeps it.
        casework::claim_case(casework, case, person).await?;
    }
    let claimed_by = claimed_by.filter(|by| *by != person.id);
    let pending = match visit.app.outside.can_undo {
        true => casework::pending_decision(casework, case).await?,
        false => None,
    };
    let theirs = pending.as_ref().filter(|row| row.person != person.id);
    let status = shown.detail.case.status;
    let content = html! {
        h1 { (visit.t("case")) " " code { (case) } }
        p {
            span class={ "status " (status.word()) } { (cases::status_of(visit, status)) }
            " · " (visit.t("case-opened")) " " (visit.time(shown.detail.case.opened_at))
            @if shown.detail.case.embargoed { " · " b { (visit.t("embargoed")) } }
        }
        @if let Some(by) = &claimed_by {
            p.warning role="status" { (visit.t_with("claimed", &[("name", shown.name(by).into())])) }
        }
        @if let Some(row) = theirs {
            p.warning role="status" { (visit.t_with("pending-theirs", &[("name", shown.name(&row.person).into())])) }
        }
        (risk(visit, &shown.scores))
        (files(visit, case, &shown))
        @if visit.may(Act::DecideCase) && can_be_decided(status) && pending.is_none() { (decision_form(visit, case, &shown, claimed_by.as_deref())) }
        (decisions(visit, &shown.detail.decisions))
        (reports::of_case(visit, case, status).await?)
        (happened(visit, &shown).await?)
        (missing(visit, &shown.scores))
        (known(visit, shown.detail.facts.expose()))
    };
    let title = visit.t_with("case-title", &[("case", case.into())]);
    Ok(visit.page(&title, content))
}

/// The exhibits of a case with what this person and others have seen of them.
async fn files_seen(visit: &Visit, case: &str) -> Result<Vec<FileSeen>, Fault> {
    let casework = &visit.app.casework;
    let person = &visit.session.person.id;
    let mut before = obhut_app::seen_before(casework, case).await?;
    let mut exhibits = Vec::new();
    for exhibit in casework::exhibits_of_case(casework, case).await? {
        let views = casework::views(casework, &exhibit.id).await?;
        let looks = views.iter().map(|v| (v.person.clone(), v.viewed_at));
        let looks = looks.collect();
        let whole = views.iter().filter(|v| v.extent == Extent::Whole);
        let (mine, others): (Vec<_>, Vec<_>) = whole.partition(|v| v.person == *person);
        exhibits.push(FileSeen {
            before: before.remove(&exhibit.id),
            exhibit,
            whole_by_me: !mine.is_empty(),
            whole_by_others: !others.is_empty(),
            looks,
        });
    }
    Ok(exhibits)
}

/// Which grounds hold for a case, as this person has seen it.
struct Holds {
    viewed: bool,
    reported_before: bool,
    listed: bool,
}

impl Holds {
    fn of(detail: &CaseDetail, files: &[FileSeen]) -> Self {
        let kept = detail.findings.iter().all(|f| f.exhibit.is_some());
        let viewed = !files.is_empty() && kept && files.iter().all(|f| f.whole_by_me);
        let reported = |f: &FileSeen| {
            let before = f.before.as_ref();
            before.is_some_and(|b| b.ruling == Ruling::Report)
        };
        let spared = files.iter().all(|f| f.whole_by_me || reported(f));
        Self {
            viewed,
            reported_before: kept && !viewed && spared && files.iter().any(reported),
            listed: !viewed
                && detail
                    .findings
                    .iter()
                    .any(|f| f.what == "match" && f.listed),
        }
    }

    fn allow(&self, says: Says) -> bool {
        match says {
            Says::Viewed => self.viewed,
            Says::ReportedBefore => self.reported_before,
            Says::Listed => self.listed,
        }
    }
}

impl Shown {
    fn name(&self, person: &str) -> String {
        let name = self.names.get(person);
        name.map_or(person, String::as_str).to_owned()
    }
}

/// An appeal is decided on its own page, and a cleared case not at all.
fn can_be_decided(status: CaseStatus) -> bool {
    matches!(
        status,
        CaseStatus::Open | CaseStatus::Decided | CaseStatus::Closed
    )
}

fn risk(visit: &Visit, scores: &Scores) -> Markup {
    html! {
        section.risk {
            h2 { (visit.t("case-why")) }
            p {
                meter min="0" max="100" low="40" high="70" optimum="0" value=(scores.at_risk) aria-label=(visit.t("case-why")) {}
                " " b { (scores.at_risk) } " " (visit.t("of-hundred"))
            }
            @if scores.reasons.is_empty() { p.hint { (visit.t("queue-no-reason")) } }
            ul { @for reason in scores.reasons.iter().take(5) {
                li { (visit.language.pick(reason.what, reason.german)) " " small.hint { (reason.source) } }
            } }
        }
    }
}

fn files(visit: &Visit, case: &str, shown: &Shown) -> Markup {
    let more = visit.session.key.has(Right::Findings);
    let mut by_exhibit: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    let mut without = Vec::new();
    for finding in &shown.detail.findings {
        match finding.exhibit.as_deref() {
            Some(exhibit) => by_exhibit.entry(exhibit).or_default().push(finding),
            None => without.push(finding),
        }
    }
    html! {
        section {
            h2 { (visit.t("files")) " (" (shown.exhibits.len()) ")" }
            @if shown.exhibits.is_empty() { p { (visit.t("files-none")) } }
            @else {
                div.scroll { table.rows {
                    thead { tr {
                        th scope="col" { (visit.t("exhibit")) }
                        th scope="col" { (visit.t("file-kind")) }
                        th scope="col" { (visit.t("found-how")) }
                        th scope="col" { (visit.t("seen")) }
                    } }
                    tbody { @for (n, seen) in shown.exhibits.iter().take(FILES_SHOWN_MAX).enumerate() {
                        @let exhibit = &seen.exhibit;
                        tr {
                            td data-label=(visit.t("exhibit")) {
                                a href={ "/cases/" (case) "/exhibits/" (exhibit.id) } data-key=[(n == 0).then_some("v")] { (visit.t_with("file-n", &[("n", (n + 1).into())])) }
                            }
                            td data-label=(visit.t("file-kind")) {
                                (exhibit.intake.media_type.as_deref().unwrap_or("–")) ", " (viewer::size(visit, exhibit.bytes))
                            }
                            td data-label=(visit.t("found-how")) {
                                @for finding in by_exhibit.get(exhibit.id.as_str()).into_iter().flatten() { (found(visit, finding, more)) }
                            }
                            td data-label=(visit.t("seen")) { (visit.t(match (seen.whole_by_me, seen.whole_by_others) {
                                (true, _) => "seen-by-you",
                                (false, true) => "seen-by-others",
                                (false, false) => "seen-by-none",
                            })) (copy_seen(visit, seen)) }
                        }
                    } }
                } }
                @if shown.exhibits.len() > FILES_SHOWN_MAX { p.hint { (visit.t_with("files-more", &[("n", (shown.exhibits.len() - FILES_SHOWN_MAX).into())])) } }
            }
            @if !without.is_empty() {
                p.hint { (visit.t_with("files-not-kept", &[("n", without.len().into())])) }
            }
        }
    }
}

/// Where a copy of a file was viewed, by whom, and what came of it.
fn copy_seen(visit: &Visit, file: &FileSeen) -> Markup {
    html! {
        @if let Some(before) = &file.before {
            br;
            (visit.t_with(if before.same_bytes { "seen-same-bytes" } else { "seen-alike" }, &[("name", before.name.as_str().into())]))
            ": " (visit.t(&format!("ruling-{}", before.ruling.word())))
            @if let Some(category) = &before.category { " (" (category.value) ")" }
            ", " (visit.time(before.decided_at)) ", "
            a href={ "/cases/" (before.case) } { code { (before.case) } }
        }
    }
}

/// How a file was found. Which list, entry and distance only for a key that may know.
fn found(visit: &Visit, finding: &Finding, more: bool) -> Markup {
    let matched = &finding.matched;
    html! {
        div {
            (match finding.what.as_str() {
                "match" => visit.t("found-match"),
                "given" => visit.t("found-given"),
                "as-received" | "report-unreadable" => visit.t("found-report"),
                _ => visit.t("found-unreadable"),
            })
            ", " (visit.t(&format!("surface-{}", finding.surface.word())))
            @if more && !matched.list.is_empty() {
                ": " bdi { (matched.list) } ", " (matched.kind) ", "
                (visit.t_with("distance", &[("n", matched.distance.into())]))
                @if !matched.category.is_empty() { ", " bdi { (matched.category) } }
            }
        }
    }
}

fn decision_form(visit: &Visit, case: &str, shown: &Shown, claimed_by: Option<&str>) -> Markup {
    let seen: Vec<_> = shown.exhibits.iter().filter(|f| f.whole_by_me).collect();
    let holds = Holds::of(&shown.detail, &shown.exhibits);
    // What was looked at has to be what is decided.
    let latest = shown.detail.decisions.last().map_or("", Decision::id);
    // Each template keeps its key, so that a habit never means something else.
    let offered = TEMPLATES.iter().enumerate();
    let offered: Vec<_> = offered
        .filter(|(_, (.., says))| holds.allow(*says))
        .collect();
    html! {
        section {
            h2 { (visit.t("decide")) }
            @if holds.reported_before { p.hint { (visit.t("decide-seen-before")) } }
            @else if !holds.viewed && !shown.exhibits.is_empty() { p.hint { (visit.t("decide-not-seen")) } }
            form.decide method="post" action={ "/cases/" (case) "/decision" } {
                (visit.token())
                input type="hidden" name="files" value=(shown.detail.case.files);
                input type="hidden" name="latest" value=(latest);
                fieldset {
                    legend { (visit.t("decide-grounds-ready")) }
                    @for (n, (name, ruling, _)) in offered {
                        label.choice {
                            input type="radio" name="template" value=(name) data-key=(n + 1);
                            " " b { (visit.t(&format!("ruling-{}", ruling.word()))) } ": " (ready_grounds(visit, name, case))
                        }
                    }
                    label.choice {
                        input type="radio" name="template" value="" data-key="0" checked;
                        " " (visit.t("decide-own-grounds"))
                    }
                }
                fieldset {
                    legend { (visit.t("decide-own")) }
                    @for ruling in [Ruling::Report, Ruling::NoReport] {
                        label.choice { input type="radio" name="ruling" value=(ruling.word()); " " (visit.t(&format!("ruling-{}", ruling.word()))) }
                    }
                    label for="grounds" { (visit.t("grounds")) }
                    textarea id="grounds" name="grounds" rows="3" maxlength=(GROUNDS_CHARS_MAX) data-key="g" data-focus {}
                }
                @if !seen.is_empty() {
                    fieldset {
                        legend { (visit.t("decide-categories")) }
                        @for (n, file) in shown.exhibits.iter().enumerate().filter(|(_, f)| f.whole_by_me) {
                            label { (visit.t_with("file-n", &[("n", (n + 1).into())])) " "
                                select name={ "category:" (file.exhibit.id) } {
                                    option value="" { "–" }
                                    @for value in CATEGORIES { option value=(value) { (value) } }
                                }
                            }
                        }
                    }
                    label.choice { input type="checkbox" name="same_bytes" value="yes"; " " (visit.t("decide-same-bytes")) }
                }
                @if let Some(by) = claimed_by {
                    label.choice { input type="checkbox" name="despite_claim" value="yes" required; " " (visit.t_with("decide-despite-claim", &[("name", shown.name(by).into())])) }
                }
                div.buttons {
                    button name="then" value="next" data-key="Enter" { (visit.t("decide-and-next")) }
                    button.quiet name="then" value="stay" data-key="x" { (visit.t("decide-and-stay")) }
                }
            }
            form.inline method="post" action="/cases/next" {
                (visit.token())
                input type="hidden" name="after" value=(case);
                button.quiet data-key="n" { (visit.t("skip-case")) }
            }
        }
    }
}

async fn decide(Path(case): Path<String>, sent: Sent) -> Response {
    let made = decided(&sent, &case).await;
    sent.visit.answer(made)
}

/// The categories of single files.
fn categories(sent: &Sent) -> BTreeMap<String, Category> {
    let given = sent.with_prefix("category:");
    let given = given.filter(|(_, value)| !value.is_empty());
    given
        .map(|(exhibit, value)| {
            let category = Category {
                scale: SCALE.into(),
                value: value.into(),
            };
            (exhibit.to_owned(), category)
        })
        .collect()
}

async fn decided(sent: &Sent, case: &str) -> Result<Response, Fault> {
    let visit = &sent.visit;
    let person = visit.acting(Act::DecideCase)?;
    let casework = &visit.app.casework;
    let request = request(visit, sent, case)?;
    let categories = categories(sent);
    if request.ruling == Ruling::NoReport && !categories.is_empty() {
        return Err(Fault::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "a category says that a file is apparent abuse material; leave the categories out, or report the case",
        ));
    }
    // A double click, or the browser's way back: the same decision is already on record.
    let as_asked = |latest: Option<&Decision>| {
        latest.is_some_and(|d| {
            d.person() == person.id
                && d.ruling() == request.ruling
                && d.grounds() == request.grounds
                && *d.file_categories() == categories
        })
    };
    let latest = async || Ok::<_, Fault>(casework::decisions(casework, case).await?.pop());
    let same_bytes = sent.get("same_bytes") == "yes";
    let files = casework::case(casework, case).await?.case.files;
    let joined = sent
        .get("files")
        .parse()
        .is_ok_and(|seen: i64| seen != files as i64);
    if same_bytes || joined || !as_asked(latest().await?.as_ref()) {
        require_ready_grounds(visit, sent, case).await?;
        let queued = casework::queued(casework, case).await?;
        let claimed_by = queued.and_then(|q| q.claimed_by);
        if claimed_by.is_some_and(|by| by != person.id) && sent.get("despite_claim") != "yes" {
            return Err(Fault::new(
                StatusCode::CONFLICT,
                "refused",
                "another person is working on this case; open it again, and say that you decide it all the same",
            ));
        }
        let seen = AsSeen {
            files: sent.get("files").parse().ok(),
            latest: Some(sent.get("latest").to_owned()),
        };
        if visit.app.outside.can_undo {
            let made = PageDecision::new(
                case,
                (person, &visit.session.key),
                &request,
                categories,
                seen,
                same_bytes,
            );
            casework::decide_later(casework, &made, person).await?;
            return gone_on(visit, sent, case).await;
        }
        let (request, categories) = (&request, categories.clone());
        let made = match same_bytes {
            true => {
                casework::decide_with_same_bytes(casework, case, person, request, categories, seen)
                    .await
                    .map(|_| ())
            }
            false => casework::decide_seen(casework, case, person, request, categories, seen)
                .await
                .map(|_| ()),
        };
        // Of two that came at the same time, the other one may have been this very decision.
        if let Err(refused) = made
            && (same_bytes || !as_asked(latest().await?.as_ref()))
        {
            return Err(refused.into());
        }
    }
    gone_on(visit, sent, case).await
}

/// Where a person goes from a case that they decided.
async fn gone_on(visit: &Visit, sent: &Sent, case: &str) -> Result<Response, Fault> {
    match sent.get("then") {
        "next" => cases::claim_next(visit, "").await,
        _ => Ok(to_page(&format!("/cases/{case}"))),
    }
}

/// Ready grounds in the language of the page. They name the case, because they may be carried over to
/// another one with the same bytes.
fn ready_grounds(visit: &Visit, name: &str, case: &str) -> String {
    visit.t_with(&format!("grounds-{name}"), &[("case", case.into())])
}

/// Fails if the ready grounds that were chosen don't hold, or no longer.
async fn require_ready_grounds(visit: &Visit, sent: &Sent, case: &str) -> Result<(), Fault> {
    let chosen = sent.get("template");
    let Some((.., says)) = TEMPLATES.iter().find(|(name, ..)| *name == chosen) else {
        return Ok(());
    };
    let detail = casework::case(&visit.app.casework, case).await?;
    if Holds::of(&detail, &files_seen(visit, case).await?).allow(*says) {
        return Ok(());
    }
    Err(Fault::new(
        StatusCode::CONFLICT,
        "refused",
        "the grounds you chose don't hold for this case, or no longer: a file joined it, or what they rest on has changed; open the case again",
    ))
}

/// The ruling and grounds of the form: those of the template that was chosen, with what the person
/// adds, or a person's own.
fn request(visit: &Visit, sent: &Sent, case: &str) -> Result<DecisionRequest, Fault> {
    let template = sent.get("template");
    let own = sent.get("grounds").trim();
    let own_ruling = Ruling::from_word(sent.get("ruling"));
    let (ruling, grounds) = match TEMPLATES.iter().find(|(name, ..)| *name == template) {
        Some((_, ruling, _)) if own_ruling.is_some_and(|own| own != *ruling) => {
            return Err(Fault::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "the ready grounds say one thing and your own choice another; choose one of them",
            ));
        }
        Some((name, ruling, _)) => {
            let ready = ready_grounds(visit, name, case);
            let all = [ready.as_str(), own];
            let said: Vec<_> = all.into_iter().filter(|t| !t.is_empty()).collect();
            (Some(*ruling), said.join("\n"))
        }
        None => (own_ruling, own.to_owned()),
    };
    let ruling = ruling.ok_or_else(|| {
        Fault::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "choose whether to report the case, and say why",
        )
    })?;
    Ok(DecisionRequest {
        ruling,
        grounds,
        category: None,
    })
}

fn decisions(visit: &Visit, all: &[Decision]) -> Markup {
    html! {
        @if !all.is_empty() {
            section {
                h2 { (visit.t("decisions")) }
                ol.history { @for d in all {
                    li {
                        (visit.time(d.decided_at())) " · " bdi { (d.name()) } " · "
                        b { (visit.t(&format!("ruling-{}", d.ruling().word()))) }
                        @for (exhibit, category) in d.file_categories() { " · " code { (exhibit) } " " (category.value) }
                        br; bdi { (d.grounds()) }
                    }
                } }
            }
        }
    }
}

/// The case as a line of time.
async fn happened(visit: &Visit, shown: &Shown) -> Result<Markup, Fault> {
    let (case, detail) = (&shown.detail.case, &shown.detail);
    let mut all = Vec::new();
    let mut add = |at, what| all.push(Moment { at, what });
    for finding in &detail.findings {
        if let Some(at) = finding.uploaded_at {
            add(at, visit.t("timeline-uploaded"));
        }
        add(finding.found_at, visit.t("timeline-found"));
    }
    add(case.opened_at, visit.t("timeline-opened"));
    for file in &shown.exhibits {
        for (person, at) in &file.looks {
            let name = shown.name(person);
            add(*at, visit.t_with("timeline-look", &[("name", name.into())]));
        }
    }
    for d in &detail.decisions {
        let ruling = visit.t(&format!("ruling-{}", d.ruling().word()));
        let values = [("name", d.name().into()), ("ruling", ruling.into())];
        add(d.decided_at(), visit.t_with("timeline-decided", &values));
    }
    for appeal in &detail.appeals {
        add(appeal.filed_at, visit.t("timeline-appeal"));
    }
    for row in casework::report_rows(&visit.app.casework, Some(&case.id)).await? {
        let filing = casework::filing(&visit.app.casework, &row.id).await?;
        if let Some(at) = filing.and_then(|f| f.filed_at) {
            let to = [("to", row.destination.as_str().into())];
            add(at, visit.t_with("timeline-filed", &to));
        }
    }
    Ok(timeline(visit, all))
}

fn missing(visit: &Visit, scores: &Scores) -> Markup {
    html! {
        section {
            h2 { (visit.t("missing")) }
            p { (visit.t_with("complete", &[("n", scores.complete.into())])) }
            ul { @for missing in &scores.missing {
                li { (in_english(visit.language, missing.what)) " " small.hint { (missing.source) } }
            } }
        }
    }
}

/// What is known, as a tree. Messages and what is known of children stay closed until a person opens
/// them.
pub(super) fn known(visit: &Visit, facts: &Facts) -> Markup {
    let mut value = serde_json::to_value(facts).expect("facts are JSON");
    let closed = ["victims", "threads"];
    let mut taken = Vec::new();
    if let Value::Object(fields) = &mut value {
        for name in closed {
            taken.extend(
                fields
                    .remove(name)
                    .filter(|v| !is_nothing(v))
                    .map(|v| (name, v)),
            );
        }
    }
    html! {
        section {
            h2 { (visit.t("known")) }
            @if is_nothing(&value) && taken.is_empty() { p { (visit.t("known-nothing")) } }
            (tree(visit, &value))
            @for (name, value) in &taken {
                details {
                    summary { (visit.t(&format!("known-{name}"))) }
                    (tree(visit, value))
                }
            }
        }
    }
}

/// Without a value: what nothing is known about isn't shown.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(is_nothing),
        Value::Object(fields) => fields.values().all(is_nothing),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn tree(visit: &Visit, value: &Value) -> Markup {
    html! {
        @match value {
            Value::Object(fields) => {
                dl.facts { @for (name, value) in fields.iter().filter(|(_, v)| !is_nothing(v)) {
                    // The names of the fields are those of the API and of case files.
                    dt lang="en" { (name.replace('_', " ")) }
                    dd { (tree(visit, value)) }
                } }
            }
            Value::Array(items) => {
                @let scalar = items.iter().all(|i| !i.is_object() && !i.is_array());
                @if scalar { @for (n, item) in items.iter().enumerate() { @if n > 0 { ", " } (tree(visit, item)) } }
                @else { ol { @for item in items.iter().filter(|i| !is_nothing(i)) { li { (tree(visit, item)) } } } }
            }
            Value::String(text) => bdi { (text) },
            Value::Bool(yes) => (visit.t(if *yes { "yes" } else { "no" })),
            Value::Number(number) => (number),
            Value::Null => "–",
        }
    }
}

/// Puts reports on record: for one destination, or for each that the routes give.
async fn file(Path(case): Path<String>, sent: Sent) -> Response {
    let visit = &sent.visit;
    let made = async {
        let person = visit.acting(Act::FileReport)?;
        let form = match sent.get("destination") {
            "" => None,
            name => Some(reports::form(name)?),
        };
        let with_victims = sent.get("with_victims") == "yes";
        let casework = &visit.app.casework;
        let made =
            obhut_app::reports::file(casework, &case, form, with_victims, &person.id).await?;
        Ok(match made.as_slice() {
            [(only, _)] => to_page(&format!("/reports/{only}")),
            _ => to_page(&format!("/cases/{case}")),
        })
    };
    visit.answer(made.await)
}
