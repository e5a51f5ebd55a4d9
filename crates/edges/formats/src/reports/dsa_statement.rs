//! A statement of reasons for the European Commission's DSA Transparency Database (Article 24(5)
//! DSA): what the platform did, on what ground, and how the content was found.
//!
//! The database is public and takes no personal data: no account, address, file, digest or word of
//! the case is in the statement. It isn't a report: it ends neither a duty to report nor an alarm.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use obhut_facts::{AccountClosed, Detection, Dossier, Facts, Question};
use serde_json::{Map, Value, json};

use super::{DETERMINATION, Form, FormStatus, Omitted, Remark, Rendered, stays_here};
use crate::documents::dossier_json;

/// The DSA Transparency Database.
pub const FORM: Form = Form {
    name: "dsa-statement",
    title: "DSA Transparency Database: a statement of reasons",
    source: "DSA Transparency Database, API v1 as of 2026-06-24; Regulation (EU) 2022/2065, articles 17 and 24(5)",
    status: FormStatus::Preview,
    write,
};

const API: &str = "DSA Transparency Database, API v1";
/// Longest `illegal_content_legal_ground`, in characters. Source: the documentation of the DSA
/// Transparency Database.
const GROUND_CHARS_MAX: usize = 500;

fn write(d: &Dossier) -> Rendered {
    let facts = d.facts.expose();
    let mut out = Map::new();
    let mut remarks = Vec::new();
    for filled in [measures, ground, content, dates, source] {
        if let Err(stop) = filled(d, &mut out) {
            remarks.push(stop);
        }
    }
    if d.embargoed {
        remarks.push(stop(
            "embargo",
            "the database is public, and under an embargo nothing may reach the person concerned",
        ));
    }
    // A `puid` may have only letters, digits, - and _. A case's id fits, and reveals nothing.
    out.insert("puid".into(), d.case.clone().into());
    let mut text = serde_json::to_string_pretty(&out).expect("a map is JSON");
    text.push('\n');
    Rendered {
        report: text.into_bytes(),
        media_type: "application/json",
        files: Vec::new(),
        attached: Vec::new(),
        remarks,
        omitted: omitted(d, facts),
    }
}

fn stop(field: &str, what: &str) -> Remark {
    Remark {
        field: field.to_owned(),
        what: what.to_owned(),
        source: API,
        stops: true,
    }
}

fn omitted(d: &Dossier, facts: &Facts) -> Vec<Omitted> {
    let used = [
        "facts.removed",
        "facts.removed_at",
        "facts.occurred_at",
        "facts.detected_by",
    ];
    let why = "the database is public and takes no personal data";
    let mut omitted = dossier_json::left_out(facts, &used, why);
    for (field, is_known, why) in [
        (
            "facts.removed_at",
            facts.removed_at.is_some(),
            "only the day of the first measure is stated",
        ),
        (
            "facts.occurred_at",
            facts.occurred_at.is_some(),
            "only the day of the first upload is stated or, if that is unknown, the day of this field",
        ),
    ] {
        if is_known {
            omitted.push(Omitted {
                field: field.into(),
                why: why.into(),
            });
        }
    }
    if !d.files.is_empty() {
        omitted.push(Omitted {
            field: "files".into(),
            why: "only the type of the content is stated".into(),
        });
    }
    omitted.extend(stays_here(d));
    omitted
}

/// True for a measure that still holds.
fn is_closed(taken: Option<&AccountClosed>) -> bool {
    taken.is_some_and(AccountClosed::is_in_force)
}

/// What was done: at least one measure.
fn measures(d: &Dossier, out: &mut Map<String, Value>) -> Result<(), Remark> {
    let facts = d.facts.expose();
    if facts.removed == Some(true) {
        let removed = json!(["DECISION_VISIBILITY_CONTENT_REMOVED"]);
        out.insert("decision_visibility".into(), removed);
    }
    let account = facts.reported.as_ref();
    match account {
        Some(a) if is_closed(a.closed.as_ref()) => {
            out.insert(
                "decision_account".into(),
                "DECISION_ACCOUNT_TERMINATED".into(),
            );
        }
        Some(a) if is_closed(a.suspended.as_ref()) => {
            out.insert(
                "decision_account".into(),
                "DECISION_ACCOUNT_SUSPENDED".into(),
            );
        }
        _ => {}
    }
    match out.is_empty() {
        false => Ok(()),
        true => Err(stop(
            "decision_visibility",
            "no measure is on record: facts.removed, facts.reported.closed or facts.reported.suspended",
        )),
    }
}

/// Why it was done: the law, which a person names, and what makes the content illegal.
fn ground(d: &Dossier, out: &mut Map<String, Value>) -> Result<(), Remark> {
    out.insert(
        "decision_ground".into(),
        "DECISION_GROUND_ILLEGAL_CONTENT".into(),
    );
    out.insert(
        "category".into(),
        "STATEMENT_CATEGORY_PROTECTION_OF_MINORS".into(),
    );
    let of = |question| d.determinations.iter().find(|m| m.question == question);
    let Some(named) = of(Question::GroundDsa) else {
        return Err(stop(
            &format!("{DETERMINATION}{}", Question::GroundDsa),
            "a statement names the law the decision rests on; a person says which",
        ));
    };
    let mut laws = named.texts();
    // If a person has named a national provision, it is added: it is more specific than the
    // directive.
    let german = of(Question::OffenceDe).filter(|m| m.answers.iter().all(|a| a != "other"));
    laws.extend(german.iter().flat_map(|m| m.texts()));
    let laws: String = laws.join("; ").chars().take(GROUND_CHARS_MAX).collect();
    out.insert("illegal_content_legal_ground".into(), laws.into());
    let material = named.answers.iter().any(|a| a == "material");
    let explained = match material {
        true => {
            "A person at the provider assessed the content as child sexual abuse material, the distribution and possession of which the law named prohibits."
        }
        false => {
            "A person at the provider assessed the conduct as the solicitation of a child for sexual purposes, which the law named prohibits."
        }
    };
    out.insert("illegal_content_explanation".into(), explained.into());
    let mut keywords = BTreeSet::new();
    if material {
        let generated = d.files.iter().any(|f| {
            f.facts
                .expose()
                .annotations
                .iter()
                .any(|a| a == "generativeAi")
        });
        keywords.insert(match generated {
            true => "KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL_DEEPFAKE",
            false => "KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL",
        });
    }
    // What the person named, not what the facts suggest.
    if named.answers.iter().any(|a| a == "solicitation") {
        keywords.insert("KEYWORD_GROOMING_SEXUAL_ENTICEMENT_MINORS");
    }
    out.insert("category_specification".into(), json!(keywords));
    Ok(())
}

/// The types of the content.
fn content(d: &Dossier, out: &mut Map<String, Value>) -> Result<(), Remark> {
    let mut kinds = BTreeSet::new();
    for file in &d.files {
        let kind = file.media_type.as_deref().unwrap_or_default();
        let word = match kind.split('/').next().unwrap_or_default() {
            "image" => "CONTENT_TYPE_IMAGE",
            "video" => "CONTENT_TYPE_VIDEO",
            "audio" => "CONTENT_TYPE_AUDIO",
            "text" => "CONTENT_TYPE_TEXT",
            _ => continue,
        };
        kinds.insert(word);
        let annotations = &file.facts.expose().annotations;
        if annotations.iter().any(|a| a == "generativeAi") {
            kinds.insert("CONTENT_TYPE_SYNTHETIC_MEDIA");
        }
    }
    if d.facts
        .expose()
        .threads
        .iter()
        .any(|t| !t.messages.is_empty())
    {
        kinds.insert("CONTENT_TYPE_TEXT");
    }
    if kinds.is_empty() {
        return Err(stop(
            "content_type",
            "is required: the case has neither a file of a known type nor a message",
        ));
    }
    out.insert("content_type".into(), json!(kinds));
    Ok(())
}

/// The day in UTC, as in 2026-01-31.
fn day(at: jiff::Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string()
}

fn read(at: &Option<String>) -> Option<jiff::Timestamp> {
    at.as_deref()?.parse().ok()
}

/// When the content was posted, and when the measure took effect; both are days in UTC.
fn dates(d: &Dossier, out: &mut Map<String, Value>) -> Result<(), Remark> {
    let facts = d.facts.expose();
    let of_micros = |micros: i64| jiff::Timestamp::from_microsecond(micros).ok();
    let uploaded = d.files.iter().filter_map(|f| {
        let said = read(&f.facts.expose().uploaded_at);
        said.or_else(|| f.uploaded_at.and_then(of_micros))
    });
    let Some(posted) = uploaded.min().or_else(|| read(&facts.occurred_at)) else {
        return Err(stop(
            "content_date",
            "is required: neither the time of an upload nor facts.occurred_at is on record",
        ));
    };
    out.insert("content_date".into(), day(posted).into());
    let account = facts
        .reported
        .iter()
        .flat_map(|a| [&a.closed, &a.suspended]);
    let begun = account
        .flatten()
        .filter(|c| is_closed(Some(c)))
        .filter_map(|c| read(&c.at));
    // A stopped upload was never visible: the measure took effect when the file was found.
    let stopped = !d.files.is_empty() && d.files.iter().all(|f| f.stopped);
    let held = stopped.then(|| of_micros(d.found_at)).flatten();
    let removed = read(&facts.removed_at)
        .or(held)
        .filter(|_| facts.removed == Some(true));
    match removed.into_iter().chain(begun).min() {
        Some(from) if day(from) < day(posted) => Err(stop(
            "application_date",
            "the measure is dated before the content; correct one of the two",
        )),
        Some(from) => {
            out.insert("application_date".into(), day(from).into());
            Ok(())
        }
        None => Err(stop(
            "application_date",
            "is required: the day of the measure isn't on record (facts.removed_at, or the \"at\" of the account's closing)",
        )),
    }
}

/// How the content was found, and who decided.
fn source(d: &Dossier, out: &mut Map<String, Value>) -> Result<(), Remark> {
    let detection = d
        .facts
        .expose()
        .detected_by
        .or_else(|| d.matched.then_some(Detection::HashMatch));
    let Some(detection) = detection else {
        return Err(stop(
            "source_type",
            "is required: how the provider became aware isn't stated (facts.detected_by)",
        ));
    };
    let (source, automated, found) = match detection {
        // A user's report isn't necessarily a notice under Article 16.
        Detection::UserReport => (
            "SOURCE_TYPE_OTHER_NOTIFICATION",
            false,
            "A user reported the content.",
        ),
        Detection::Authority => (
            "SOURCE_TYPE_OTHER_NOTIFICATION",
            false,
            "An authority pointed out the content.",
        ),
        Detection::Person => (
            "SOURCE_VOLUNTARY",
            false,
            "A person at the provider found the content.",
        ),
        Detection::Automated => (
            "SOURCE_VOLUNTARY",
            true,
            "Automated means found the content.",
        ),
        Detection::HashMatch => (
            "SOURCE_VOLUNTARY",
            true,
            "An automated comparison with a list of known material found the content.",
        ),
    };
    out.insert("source_type".into(), source.into());
    out.insert(
        "automated_detection".into(),
        if automated { "Yes" } else { "No" }.into(),
    );
    // A person decides every case; a program may have held the upload until then.
    let held = d.files.iter().any(|f| f.stopped) && automated;
    let decision = match held {
        true => "AUTOMATED_DECISION_PARTIALLY",
        false => "AUTOMATED_DECISION_NOT_AUTOMATED",
    };
    out.insert("automated_decision".into(), decision.into());
    let viewed = match d
        .files
        .iter()
        .any(|f| f.viewed_whole || f.viewed_copy.is_some())
    {
        true => " A person viewed it and decided.",
        false => " A person decided.",
    };
    out.insert("decision_facts".into(), format!("{found}{viewed}").into());
    Ok(())
}
