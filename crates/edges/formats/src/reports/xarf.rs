//! A case as XARF v4.2: `content/csam` if it has files, `content/csem` if it has only words.
//! Neither contains a file.

use obhut_facts::{Detection, Dossier, IncidentKind, IncidentTag, Place, ReportedFile};
use serde_json::{Map, Value, json};

use super::{Form, FormStatus, Remark, Rendered, stays_here};
use crate::documents::dossier_json;
use crate::documents::vics_cases::guid;

/// Extended Abuse Reporting Format.
pub const FORM: Form = Form {
    name: "xarf",
    title: "Hosting providers and hotlines: XARF 4.2",
    source: "XARF v4.2, content/csam and content/csem",
    status: FormStatus::Preview,
    write,
};

const SOURCE: &str = "XARF v4.2";
const UNKNOWN_DETECTION: &str =
    "is required: how the provider became aware isn't stated (facts.detected_by)";
/// Longest name of an organisation, in characters. XARF schema 4.2.
const ORG_CHARS_MAX: usize = 200;

// Long: writes the elements in the order of the form.
fn write(d: &Dossier) -> Rendered {
    let facts = d.facts.expose();
    let mut remarks = Vec::new();
    let mut stop = |field: &str, what: &str| {
        remarks.push(Remark {
            field: field.to_owned(),
            what: what.to_owned(),
            source: SOURCE,
            stops: true,
        });
    };
    let mut out = Map::new();
    let mut used = vec!["facts.detected_by".to_owned()];
    let r = &d.reporter;
    let domain = r
        .email
        .rsplit_once('@')
        .map(|(_, d)| d.to_ascii_lowercase());
    if r.service.trim().is_empty() {
        stop(
            "reporter/org",
            "is required; the reporter has no service name",
        );
    }
    if domain.is_none() {
        stop(
            "reporter/contact",
            "is required; the reporter has no e-mail address",
        );
    }
    let org: String = r.service.chars().take(ORG_CHARS_MAX).collect();
    let who = json!({ "org": org, "contact": r.email, "domain": domain.unwrap_or_default() });
    out.insert("xarf_version".into(), "4.2.0".into());
    // The prefix keeps it apart from the VICS id of the same case.
    out.insert("report_id".into(), guid(&format!("xarf {}", d.case)).into());
    let known = facts
        .occurred_at
        .as_deref()
        .and_then(|t| t.parse::<jiff::Timestamp>().ok());
    let found =
        jiff::Timestamp::from_microsecond(d.found_at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    // A time that can't be read is named as omitted, and the check of the facts says why.
    if known.is_some() {
        used.push("facts.occurred_at".into());
    }
    // The report needs a time; the one at which it was found is always known.
    let when = known.unwrap_or(found);
    out.insert("timestamp".into(), when.to_string().into());
    out.insert("reporter".into(), who.clone());
    // XARF separates who found it from who sends it; here both are the provider.
    out.insert("sender".into(), who);

    let address = facts.places.iter().find_map(|p| match p {
        Place::WebPage { urls, .. } => urls.iter().find(|u| is_url(u)),
        _ => None,
    });
    let url = address.cloned().or_else(|| {
        let mut of_files = d.files.iter();
        of_files.find_map(|f| {
            let url = f.facts.expose().url.clone().filter(|u| is_url(u))?;
            used.push(format!("facts.files.{}.url", f.key));
            Some(url)
        })
    });
    if url.is_none() {
        stop(
            "url",
            "is required: no web page of the case has a complete address (facts.places)",
        );
    }
    let events = facts
        .reported
        .iter()
        .flat_map(|a| a.ip_events.iter().enumerate());
    let events = events.map(|(n, e)| (format!("facts.reported.ip_events[{n}]"), e));
    let of_files = facts.files.iter().filter_map(|(key, f)| {
        let event = f.ip_event.as_ref()?;
        Some((format!("facts.files.{key}.ip_event"), event))
    });
    let event = events
        .chain(of_files)
        .find(|(_, e)| e.address.parse::<std::net::IpAddr>().is_ok());
    let host = url
        .as_deref()
        .and_then(|u| url::Url::parse(u).ok())
        .and_then(|u| u.host_str().map(str::to_owned));
    // An IP address names the source; the host only says where the content is, so it comes second.
    match (event, &host) {
        (Some((field, event)), _) => {
            out.insert("source_identifier".into(), event.address.clone().into());
            used.push(format!("{field}.address"));
            if let Some(port) = event.port.filter(|p| (1..=65_535).contains(p)) {
                out.insert("source_port".into(), port.into());
                used.push(format!("{field}.port"));
            }
        }
        (None, Some(host)) => {
            out.insert("source_identifier".into(), host.clone().into());
        }
        (None, None) => stop(
            "source_identifier",
            "is required: an IP address or the host of an address",
        ),
    }
    out.insert("category".into(), "content".into());
    out.insert("url".into(), url.clone().into());
    // A domain name only: neither an IP address nor a name without a dot such as `localhost`.
    if let Some(host) = host.filter(|h| h.contains('.') && h.parse::<std::net::IpAddr>().is_err()) {
        out.insert("domain".into(), host.to_ascii_lowercase().into());
    }
    if d.files.is_empty() {
        match words(d, &mut out) {
            Ok(said) => used.push(said),
            Err((field, what)) => stop(field, what),
        }
    } else {
        let shown = &shown_file(d).key;
        used.extend(["media_type", "category"].map(|f| format!("facts.files.{shown}.{f}")));
        if let Err((field, what)) = media(d, &mut out, &mut used) {
            stop(field, what);
        }
    }
    if !d.files.is_empty() {
        let file = shown_file(d);
        let mut say = |field: &str, what: &str| {
            remarks.push(Remark {
                field: field.to_owned(),
                what: what.to_owned(),
                source: SOURCE,
                stops: false,
            });
        };
        let marks = &file.facts.expose().annotations;
        if marks
            .iter()
            .any(|m| m == "animeDrawingVirtualHentai" || m == "potentialMeme")
        {
            say(
                "classification",
                "the file is marked as a drawing or a meme, which XARF can't say; consider whether it belongs in this report",
            );
        }
        if out
            .get("hash_values")
            .and_then(Value::as_object)
            .is_none_or(|h| h.values().all(Value::is_null))
        {
            say(
                "hash_values",
                "no MD5, SHA-1 or SHA-256 of the file is on record",
            );
        }
    }
    let known = facts
        .reported
        .iter()
        .flat_map(|a| [&a.suspended, &a.closed])
        .flatten();
    // A reopened account doesn't count as suspended.
    let is_closed = obhut_facts::AccountClosed::is_in_force;
    let closed = known.map(is_closed).reduce(|a, b| a || b);
    if !d.files.is_empty() {
        out.insert("account_suspended".into(), closed.into());
        out.insert("content_removed".into(), facts.removed.into());
        used.push("facts.removed".into());
        // XARF has one field for suspension and closure: with both on record it doesn't say which.
        let of = |a: &obhut_facts::Account| (a.suspended.is_some(), a.closed.is_some());
        match facts.reported.as_ref().map(of) {
            Some((true, false)) => used.push("facts.reported.suspended.done".into()),
            Some((false, true)) => used.push("facts.reported.closed.done".into()),
            _ => {}
        }
    }
    let mut value = Value::Object(out);
    dossier_json::bare(&mut value);
    let mut text = serde_json::to_string_pretty(&value).expect("it is JSON");
    text.push('\n');
    let mut omitted = dossier_json::left_out(
        facts,
        &used.iter().map(String::as_str).collect::<Vec<_>>(),
        "XARF has no field for it",
    );
    // The report has only one of several URLs, so its fields are taken off the list here.
    omitted.retain(|o| {
        url.as_deref()
            .is_none_or(|_| !is_the_url(&o.field, facts, url.as_deref()))
    });
    omitted.extend(stays_here(d));
    if !d.files.is_empty() {
        omitted.push(super::Omitted {
            field: "files".into(),
            why: "XARF never contains files, and it has the digests of only one: the first with a category".into(),
        });
    }
    Rendered {
        report: text.into_bytes(),
        media_type: "application/json",
        files: Vec::new(),
        attached: Vec::new(),
        remarks,
        omitted,
    }
}

/// True for the fields of the URL that the report carries: the URL itself and the kind of its
/// place.
fn is_the_url(field: &str, facts: &obhut_facts::Facts, url: Option<&str>) -> bool {
    facts.places.iter().enumerate().any(|(n, p)| match p {
        Place::WebPage { urls, .. } => urls
            .iter()
            .position(|u| Some(u.as_str()) == url)
            .is_some_and(|at| {
                field == format!("facts.places[{n}].urls[{at}]")
                    || field == format!("facts.places[{n}].place")
            }),
        _ => false,
    })
}

/// True for a complete URL: with scheme and host, without white space.
fn is_url(text: &str) -> bool {
    !text.chars().any(char::is_whitespace) && url::Url::parse(text).is_ok_and(|u| u.has_host())
}

/// The file that the report describes: the first one with a category that doesn't only supplement
/// the report; else the first one with a category; else the first one.
fn shown_file(d: &Dossier) -> &ReportedFile {
    let classified = || d.files.iter().filter(|f| f.category.is_some());
    let reported = classified().find(|f| !f.facts.expose().supplemental);
    reported
        .or_else(|| classified().next())
        .unwrap_or(&d.files[0])
}

/// The digests of a file whose bytes weren't kept, as the case file states them, in XARF's names.
/// The fields they came from are appended to `used`.
fn stated(file: &ReportedFile, used: &mut Vec<String>) -> Value {
    let facts = file.facts.expose();
    let hex =
        |s: &str, digits: usize| s.len() == digits && s.bytes().all(|b| b.is_ascii_hexdigit());
    let mut found = Map::new();
    for (n, hash) in facts.original_hashes.iter().enumerate() {
        let kind = hash.kind.to_ascii_lowercase().replace('-', "");
        let digits = match kind.as_str() {
            "md5" => 32,
            "sha1" => 40,
            "sha256" => 64,
            _ => continue,
        };
        if hex(&hash.value, digits) && !found.contains_key(&kind) {
            found.insert(kind, hash.value.clone().into());
            used.push(format!("facts.files.{}.original_hashes[{n}]", file.key));
        }
    }
    if let Some(sha256) = facts.sha256.as_ref().filter(|s| hex(s, 64)) {
        found.insert("sha256".into(), sha256.clone().into());
        used.push(format!("facts.files.{}.sha256", file.key));
    }
    Value::Object(found)
}

// Long: writes the elements in the order of the form.
fn media(
    d: &Dossier,
    out: &mut Map<String, Value>,
    used: &mut Vec<String>,
) -> Result<(), (&'static str, &'static str)> {
    let facts = d.facts.expose();
    out.insert("type".into(), "csam".into());
    let file = shown_file(d);
    let of_file = file.category.clone().map(|c| (c.scale, c.value));
    let class = match of_file {
        Some((scale, value))
            if scale == "ncmec-industry" && ["A1", "A2", "B1", "B2"].contains(&value.as_str()) =>
        {
            value
        }
        Some((scale, value))
            if scale == "interpol-baseline"
                && matches!(
                    value.to_ascii_lowercase().as_str(),
                    "baseline" | "yes" | "true"
                ) =>
        {
            "baseline".into()
        }
        // A category isn't translated: a value means nothing outside its scale.
        Some(_) => {
            return Err((
                "classification",
                "the category is on another scale; XARF takes A1 to B2 (ncmec-industry) or baseline (interpol-baseline)",
            ));
        }
        None => {
            return Err((
                "classification",
                "is required: no file of the case has a category. View one whole and decide with its category, or name the category of each",
            ));
        }
    };
    out.insert("classification".into(), class.into());
    let method = match facts.detected_by {
        Some(Detection::Person | Detection::Authority) => "manual_review",
        Some(Detection::UserReport) => "user_report",
        Some(Detection::Automated) => "automated_scan",
        Some(Detection::HashMatch) => "hash_match",
        None if d.matched => "hash_match",
        // The case doesn't state it, but the record of views shows that a person looked.
        None if d.files.iter().any(|f| f.viewed_whole) => "manual_review",
        None => return Err(("detection_method", UNKNOWN_DETECTION)),
    };
    out.insert("detection_method".into(), method.into());
    let kinds: Vec<&str> = d
        .files
        .iter()
        .filter_map(|f| f.media_type.as_deref())
        .map(|m| m.split('/').next().unwrap_or_default())
        .collect();
    let one = match kinds.first() {
        Some(first)
            if kinds.iter().all(|k| k == first)
                && ["image", "video", "audio", "text"].contains(first) =>
        {
            Some(*first)
        }
        Some(_) => Some("mixed"),
        None => None,
    };
    out.insert("media_type".into(), one.into());
    let hashes = match &file.digests {
        Some(digests) => {
            let digests = digests.expose();
            json!({ "md5": digests.md5, "sha1": digests.sha1, "sha256": digests.sha256 })
        }
        None => stated(file, used),
    };
    out.insert("hash_values".into(), hashes);
    Ok(())
}

/// Fills in `content/csem`, for a case without files. Returns the field that says what happened.
///
/// # Errors
/// The field that can't be filled truthfully, and why.
fn words(
    d: &Dossier,
    out: &mut Map<String, Value>,
) -> Result<String, (&'static str, &'static str)> {
    let facts = d.facts.expose();
    out.insert("type".into(), "csem".into());
    let tagged = |tag| facts.tags.iter().position(|t| *t == tag);
    // Tags are more specific than the kind of incident, so they come first.
    let (kind, said) = if let Some(n) = tagged(IncidentTag::Sextortion) {
        ("sextortion", format!("facts.tags[{n}]"))
    } else if let Some(n) = tagged(IncidentTag::Solicitation) {
        ("solicitation", format!("facts.tags[{n}]"))
    } else {
        let kind = match facts.incident {
            Some(IncidentKind::Trafficking) => "trafficking",
            Some(IncidentKind::Enticement) => "grooming",
            // The other words (distribution, production, possession) say what a person did with
            // material, and no material is on record.
            _ => {
                return Err((
                    "exploitation_type",
                    "is required: for a case without files, XARF takes grooming (facts.incident enticement), trafficking, sextortion and solicitation (facts.tags); report anything else another way",
                ));
            }
        };
        (kind, "facts.incident".to_owned())
    };
    out.insert("exploitation_type".into(), kind.into());
    let method = match facts.detected_by {
        Some(Detection::Authority) => "law_enforcement_referral",
        Some(Detection::UserReport) => "user_report",
        Some(Detection::Automated) => "behavioral_analysis",
        Some(Detection::Person) => "manual_review",
        Some(Detection::HashMatch) => {
            return Err((
                "detection_method",
                "is required: facts.detected_by says that a file matched a list, and the case has no file",
            ));
        }
        None => return Err(("detection_method", UNKNOWN_DETECTION)),
    };
    out.insert("detection_method".into(), method.into());
    let messages: usize = facts.threads.iter().map(|t| t.messages.len()).sum();
    if messages > 0 {
        out.insert("evidence_type".into(), json!(["chat_logs"]));
        let unit = if messages == 1 { "message" } else { "messages" };
        let text = format!("{messages} {unit}; the words themselves are with the reporter");
        out.insert("description".into(), text.into());
    }
    Ok(said)
}
