//! Reports for authorities that have no public interface: a ZIP with a PDF that a person reads and
//! JSON that a program reads. The files are added, and the package is encrypted to the authority's
//! key, when it is sent (partners/src/hand_over.rs).
//!
//! A profile says what an authority asks for, in which language and order, and by which law. The
//! PDF begins with that list as a checklist.

use std::io::{Cursor, Write as _};

use obhut_facts::{Dossier, Language, Question, rfc3339};

use super::pdf::{self, Block};
use super::{dossier_json, german};
use crate::form::{Remark, Rendered, attached};

/// What an authority asks for, and how.
pub(crate) struct Profile {
    /// The destination's name.
    pub name: &'static str,
    /// Title of the document.
    pub title: &'static str,
    /// The language of the document.
    pub language: Language,
    /// The law or form the list follows.
    pub law: &'static str,
    /// What is asked for, in the authority's order.
    pub asks: &'static [Requirement],
    /// The questions that a person has to answer for this authority.
    pub questions: &'static [Question],
    /// Further requirements of the law; each remark says what to do.
    pub checks: fn(&Dossier) -> Vec<Remark>,
}

/// One thing asked for.
pub(crate) struct Requirement {
    /// In the authority's words.
    pub name: &'static str,
    /// True if the authority can't begin without it; the report isn't sent while it is missing.
    pub needed: bool,
    /// Takes the answers from the case, in the given language; empty if it has none.
    pub get: fn(&Dossier, Language) -> Vec<String>,
}

/// Renders the report as a ZIP without the files: they are added when it is sent.
pub(crate) fn render(d: &Dossier, profile: &Profile) -> Rendered {
    let mut remarks = (profile.checks)(d);
    let mut blocks = Vec::new();
    let (yes, no) = match profile.language {
        Language::German => ("Angaben im Einzelnen", "nicht bekannt"),
        Language::English => ("Details", "not known"),
    };
    blocks.push(Block::Title(profile.title.to_owned()));
    blocks.push(Block::Text(match profile.language {
        Language::German => format!("Meldung zu Fall {}, zusammengestellt am {}. Grundlage: {}. Ein Mensch hat entschieden, zu melden. Ein Treffer ist ein Hinweis, kein Beweis für Inhalt oder Vorsatz.", d.case, rfc3339(d.made_at), profile.law),
        Language::English => format!("Report about case {}, put together on {}. Basis: {}. A person decided to report. A match is a lead; it proves neither content nor intent.", d.case, rfc3339(d.made_at), profile.law),
    }));
    let answers: Vec<Vec<String>> = profile
        .asks
        .iter()
        .map(|a| (a.get)(d, profile.language))
        .collect();
    for (asked, answer) in profile.asks.iter().zip(&answers) {
        blocks.push(Block::Check(!answer.is_empty(), asked.name.to_owned()));
        if answer.is_empty() {
            remarks.push(Remark {
                field: asked.name.to_owned(),
                what: "is asked for, but the case doesn't have it".into(),
                source: profile.law,
                stops: asked.needed,
            });
        }
    }
    let facts = d.facts.expose();
    let has_words = facts.note.is_some() || facts.threads.iter().any(|t| !t.messages.is_empty());
    let elsewhere = match profile.language {
        Language::German => "nicht als eigene Angabe erfasst; siehe Freitext und Nachrichten unten",
        Language::English => {
            "not recorded as a field of its own; see the free text and messages below"
        }
    };
    blocks.push(Block::Heading(yes.to_owned()));
    for (asked, answer) in profile.asks.iter().zip(&answers) {
        let text = match answer.is_empty() {
            // Whether the free text contains it is unknown.
            true if has_words => elsewhere.to_owned(),
            true => no.to_owned(),
            false => answer.join("\n"),
        };
        blocks.push(Block::Field(asked.name.to_owned(), text));
    }
    blocks.push(Block::Heading(
        if profile.language == Language::German {
            "Alle Angaben"
        } else {
            "Everything on record"
        }
        .to_owned(),
    ));
    let mut value = dossier_json::case(d);
    lines(&value, "", String::new(), profile.language, &mut blocks);
    let pdf = pdf::document(&blocks, &format!("obhut · {} · {}", d.case, profile.name));
    // Added after the PDF is made: its checklist has the answers already. Who determined them, and
    // why, is disclosed to no one.
    let asked = d
        .determinations
        .iter()
        .filter(|m| profile.questions.contains(&m.question));
    let asked: serde_json::Map<_, _> = asked
        .map(|m| (m.question.word().to_owned(), m.answers.clone().into()))
        .collect();
    if !asked.is_empty() {
        value["determined"] = asked.into();
    }
    let json = serde_json::to_vec_pretty(&value).expect("a case is JSON");
    // The exhibits are added when it is sent (partners/src/hand_over.rs).
    Rendered {
        report: zip(&[("report.pdf".into(), pdf), ("report.json".into(), json)]),
        media_type: "application/zip",
        files: Vec::new(),
        attached: attached(d),
        remarks,
        omitted: dossier_json::omitted(d),
    }
}

/// Appends every field with its path, for readers of a print-out. `name` is the field of `value`.
fn lines(
    value: &serde_json::Value,
    name: &str,
    path: String,
    language: Language,
    blocks: &mut Vec<Block>,
) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, v) in fields {
                let path = match (language, path.is_empty()) {
                    (Language::English, true) => name.clone(),
                    (Language::English, false) => format!("{path}.{name}"),
                    (Language::German, true) => german::field(name).to_owned(),
                    (Language::German, false) => format!("{path} › {}", german::field(name)),
                };
                lines(v, name, path, language, blocks);
            }
        }
        serde_json::Value::Array(items) => {
            for (n, v) in items.iter().enumerate() {
                let path = match language {
                    Language::English => format!("{path}[{n}]"),
                    // People count from one.
                    Language::German => format!("{path} {}", n + 1),
                };
                lines(v, name, path, language, blocks);
            }
        }
        serde_json::Value::String(text) => {
            let text = match language {
                Language::English => text,
                Language::German => german::value(name, text),
            };
            blocks.push(Block::Field(path, text.to_owned()));
        }
        serde_json::Value::Bool(so) if language == Language::German => {
            let text = if *so { "ja" } else { "nein" };
            blocks.push(Block::Field(path, text.to_owned()));
        }
        other => blocks.push(Block::Field(path, other.to_string())),
    }
}

/// Writes a ZIP; the same parts give the same bytes.
pub fn zip(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // Not compressed: the bytes then don't depend on a compressor's version.
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .unix_permissions(0o600);
    for (name, bytes) in parts {
        writer
            .start_file(name.as_str(), options)
            .expect("memory takes it");
        writer.write_all(bytes).expect("memory takes it");
    }
    writer.finish().expect("memory takes it").into_inner()
}

/// What profiles ask a case for.
pub(crate) mod ask {
    use obhut_facts::{
        Detection, Determination, Dossier, IncidentKind, IncidentTag, IpEvent, Language, NcaDuty,
        Question, rfc3339,
    };

    fn incident(kind: IncidentKind, language: Language) -> String {
        match (language, kind) {
            (Language::English, kind) => kind.word(),
            (Language::German, IncidentKind::Material) => "Missbrauchsdarstellungen",
            (Language::German, IncidentKind::Trafficking) => "Kinderhandel",
            (Language::German, IncidentKind::Tourism) => {
                "Reisen zum Zweck des sexuellen Missbrauchs von Kindern"
            }
            (Language::German, IncidentKind::Molestation) => {
                "sexueller Missbrauch mit Körperkontakt"
            }
            (Language::German, IncidentKind::MisleadingDomain) => "irreführender Domainname",
            (Language::German, IncidentKind::MisleadingWords) => "irreführende Worte oder Bilder",
            (Language::German, IncidentKind::Enticement) => "Cybergrooming",
            (Language::German, IncidentKind::UnsolicitedObscene) => {
                "unaufgeforderte Zusendung pornographischer Inhalte an ein Kind"
            }
        }
        .to_owned()
    }

    fn tag(tag: IncidentTag, language: Language) -> String {
        match (language, tag) {
            (Language::English, tag) => tag.word(),
            (Language::German, IncidentTag::Sextortion) => "Erpressung mit Bildern",
            (Language::German, IncidentTag::Solicitation) => "Nachfrage nach Material",
            (Language::German, IncidentTag::MinorToMinor) => "unter Minderjährigen",
            (Language::German, IncidentTag::Spam) => "wahllos verschickt",
            (Language::German, IncidentTag::Sadistic) => "sadistische Ausbeutung",
        }
        .to_owned()
    }

    fn seen_words(language: Language) -> (&'static str, &'static str) {
        match language {
            Language::German => (", von uns angesehen", ", von uns nicht angesehen"),
            Language::English => (", viewed by us", ", not viewed by us"),
        }
    }

    fn some(text: &str) -> Vec<String> {
        match text.trim() {
            "" => Vec::new(),
            text => vec![text.to_owned()],
        }
    }

    fn event(e: &IpEvent, language: Language) -> String {
        let (port, at) = match language {
            Language::German => ("Port", "um"),
            Language::English => ("port", "at"),
        };
        let port = e.port.map_or_else(String::new, |p| format!(" {port} {p}"));
        let at =
            e.at.as_deref()
                .map_or_else(String::new, |t| format!(" {at} {t}"));
        let what = e
            .event
            .as_deref()
            .map_or_else(String::new, |t| format!(" ({t})"));
        format!("{}{port}{at}{what}", e.address)
    }

    pub fn contact(d: &Dossier, _: Language) -> Vec<String> {
        let r = &d.reporter;
        let person = format!("{} {}", r.first_name, r.last_name);
        [r.service.as_str(), &person, &r.email, &r.contact_email]
            .iter()
            .flat_map(|t| some(t))
            .collect()
    }

    pub fn what(d: &Dossier, language: Language) -> Vec<String> {
        let facts = d.facts.expose();
        let mut all: Vec<String> = facts
            .incident
            .iter()
            .map(|i| incident(*i, language))
            .collect();
        all.extend(facts.tags.iter().map(|t| tag(*t, language)));
        // A case with files but without a kind or a tag is about material, the default of a case
        // file.
        if all.is_empty() && !d.files.is_empty() {
            all.push(incident(IncidentKind::Material, language));
        }
        all
    }

    pub fn when(d: &Dossier, language: Language) -> Vec<String> {
        let facts = d.facts.expose();
        let mut all: Vec<String> = facts.occurred_at.iter().cloned().collect();
        all.extend(facts.known_at.iter().map(|t| match language {
            Language::German => format!("Kenntnis: {t}"),
            Language::English => format!("known: {t}"),
        }));
        // The time found is always known, so `when` never stops a report, even if it is `needed`.
        all.push(match language {
            Language::German => format!("gefunden: {}", rfc3339(d.found_at)),
            Language::English => format!("found: {}", rfc3339(d.found_at)),
        });
        all
    }

    pub fn content(d: &Dossier, language: Language) -> Vec<String> {
        let file = |f: &obhut_facts::ReportedFile| {
            let name = f
                .name
                .as_ref()
                .map_or(language.pick("(no name)", "(ohne Namen)"), |n| n.expose());
            let size = f.digests.as_ref().map_or_else(String::new, |d| {
                let unit = language.pick("bytes", "Bytes");
                format!(", {} {unit}", d.expose().bytes)
            });
            let seen = if f.viewed_whole {
                seen_words(language).0
            } else {
                seen_words(language).1
            };
            let category = f
                .category
                .as_ref()
                .map_or_else(String::new, |c| format!(", {}: {}", c.scale, c.value));
            format!("{name}{size}{category}{seen}")
        };
        let mut all: Vec<String> = d.files.iter().map(file).collect();
        for thread in &d.facts.expose().threads {
            all.push(match language {
                Language::German => format!(
                    "Chatverlauf {}: {} Nachrichten",
                    thread.id.as_deref().unwrap_or("(ohne Kennung)"),
                    thread.messages.len()
                ),
                Language::English => format!(
                    "conversation {}: {} messages",
                    thread.id.as_deref().unwrap_or("(no id)"),
                    thread.messages.len()
                ),
            });
        }
        all
    }

    fn detection(by: Detection, language: Language) -> &'static str {
        match (language, by) {
            (Language::English, by) => by.word(),
            (Language::German, Detection::HashMatch) => "Hashabgleich",
            (Language::German, Detection::Person) => "durch eigene Mitarbeitende",
            (Language::German, Detection::UserReport) => {
                "Meldung einer Nutzerin oder eines Nutzers"
            }
            (Language::German, Detection::Automated) => "automatisiert, auf andere Weise",
            (Language::German, Detection::Authority) => "Anfrage einer Behörde",
        }
    }

    pub fn detected(d: &Dossier, language: Language) -> Vec<String> {
        let mut all: Vec<String> = d
            .facts
            .expose()
            .detected_by
            .iter()
            .map(|v| detection(*v, language).to_owned())
            .collect();
        if d.matched {
            all.push(detection(Detection::HashMatch, language).to_owned());
        }
        // The case file may name the hash match as well.
        all.dedup();
        all
    }

    pub fn platform(d: &Dossier, _: Language) -> Vec<String> {
        let facts = d.facts.expose();
        some(facts.platform.as_deref().unwrap_or(&d.reporter.service))
    }

    pub fn urls(d: &Dossier, _: Language) -> Vec<String> {
        let facts = d.facts.expose();
        let mut all = Vec::new();
        for place in &facts.places {
            if let obhut_facts::Place::WebPage { urls, .. } = place {
                all.extend(urls.iter().cloned());
            }
        }
        all.extend(d.files.iter().filter_map(|f| f.facts.expose().url.clone()));
        all
    }

    pub fn account(d: &Dossier, language: Language) -> Vec<String> {
        let facts = d.facts.expose();
        let Some(a) = &facts.reported else {
            return Vec::new();
        };
        let mut all: Vec<String> = Vec::new();
        for (name, value) in [
            (language.pick("id", "Kennung"), &a.id),
            (language.pick("name", "Name"), &a.screen_name),
            (language.pick("service", "Dienst"), &a.service),
        ] {
            all.extend(value.iter().map(|v| format!("{name}: {v}")));
        }
        if let Some(person) = &a.person {
            let name = [person.first_name.as_deref(), person.last_name.as_deref()];
            all.extend(some(
                &name.iter().flatten().copied().collect::<Vec<_>>().join(" "),
            ));
            all.extend(person.emails.iter().map(|e| e.address.clone()));
        }
        all
    }

    pub fn phones(d: &Dossier, language: Language) -> Vec<String> {
        let people = d
            .facts
            .expose()
            .reported
            .iter()
            .filter_map(|a| a.person.as_ref());
        people
            .flat_map(|p| &p.phones)
            .map(|p| {
                let code = p.country_code.as_deref().unwrap_or_default();
                let verified = if p.verified == Some(true) {
                    language.pick(" (verified)", " (verifiziert)")
                } else {
                    ""
                };
                format!("{code} {}{verified}", p.number)
            })
            .collect()
    }

    pub fn addresses(d: &Dossier, language: Language) -> Vec<String> {
        let facts = d.facts.expose();
        let own = facts.reported.iter().flat_map(|a| &a.ip_events);
        let files = d
            .files
            .iter()
            .filter_map(|f| f.facts.expose().ip_event.clone());
        own.map(|e| event(e, language))
            .chain(files.map(|e| event(&e, language)))
            .collect()
    }

    pub fn logins(d: &Dossier, language: Language) -> Vec<String> {
        let facts = d.facts.expose();
        // All recorded log-ins of the reported account, not only those of the three months that the
        // NCA asks for.
        let own = facts.reported.iter().flat_map(|a| &a.ip_events);
        own.filter(|e| e.event.as_deref() == Some("Login"))
            .map(|e| event(e, language))
            .collect()
    }

    pub fn exif(d: &Dossier, _: Language) -> Vec<String> {
        d.files
            .iter()
            .flat_map(|f| f.facts.expose().exif.clone())
            .map(|(n, v)| format!("{n}: {v}"))
            .collect()
    }

    pub fn billing(d: &Dossier, _: Language) -> Vec<String> {
        let facts = d.facts.expose();
        let people = facts.reported.iter().filter_map(|a| a.person.as_ref());
        let mut all: Vec<String> = people
            .flat_map(|p| &p.addresses)
            .map(|a| {
                [&a.street, &a.zip, &a.city, &a.country]
                    .into_iter()
                    .flatten()
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ")
            })
            .collect();
        all.extend(facts.payments.iter().map(|p| {
            format!(
                "{} {} {} → {}",
                p.amount,
                p.currency,
                p.from.as_deref().unwrap_or("?"),
                p.to.as_deref().unwrap_or("?")
            )
        }));
        all
    }

    pub fn digests(d: &Dossier, _: Language) -> Vec<String> {
        let kept = d.files.iter().filter_map(|f| f.digests.as_ref()).map(|d| {
            let d = d.expose();
            let pdq = d.pdq.iter().map(|pdq| format!(", PDQ {pdq}"));
            format!(
                "SHA-256 {}, MD5 {}{}",
                d.sha256,
                d.md5,
                pdq.collect::<String>()
            )
        });
        // A digest stated in the case file is used only if none was computed here.
        let said = d
            .files
            .iter()
            .filter(|f| f.digests.is_none())
            .filter_map(|f| f.facts.expose().sha256.as_ref())
            .map(|s| format!("SHA-256 {s}"));
        kept.chain(said).collect()
    }

    pub fn danger(d: &Dossier, language: Language) -> Vec<String> {
        let facts = d.facts.expose();
        let mut all: Vec<String> = facts.urgent_because.iter().cloned().collect();
        all.extend(
            d.scores()
                .reasons
                .iter()
                .map(|r| (language.pick(r.what, r.german)).to_owned()),
        );
        all
    }

    pub fn children(d: &Dossier, language: Language) -> Vec<String> {
        let one = |v: &obhut_facts::Account| {
            let person = v.person.as_ref();
            let age = person.and_then(|p| p.age).map_or_else(String::new, |a| {
                format!(", {} {a}", language.pick("age", "Alter"))
            });
            let name = person
                .and_then(|p| p.first_name.clone())
                .or_else(|| v.screen_name.clone())
                .or_else(|| v.id.clone());
            format!(
                "{}{age}",
                name.unwrap_or_else(|| language.pick("(no name)", "(ohne Namen)").into())
            )
        };
        let known = d.facts.expose().victims.iter().map(one);
        // "Not known" would be untrue: they are on record, and this report omits them.
        let withheld = (d.victims_left_out > 0).then(|| match language {
            Language::German => format!(
                "{} erfasst, in dieser Meldung nicht enthalten; beim Anbieter zu erfragen",
                d.victims_left_out
            ),
            Language::English => format!(
                "{} on record, not included in this report; ask the provider",
                d.victims_left_out
            ),
        });
        known.chain(withheld).collect()
    }

    fn determined(d: &Dossier, question: Question) -> Vec<String> {
        let made = d.determinations.iter().find(|m| m.question == question);
        made.map(Determination::texts).unwrap_or_default()
    }

    pub fn threat_de(d: &Dossier, _: Language) -> Vec<String> {
        determined(d, Question::ThreatDe)
    }

    pub fn offence_de(d: &Dossier, _: Language) -> Vec<String> {
        determined(d, Question::OffenceDe)
    }

    pub fn link_uk(d: &Dossier, _: Language) -> Vec<String> {
        match d.reporter.nca_duty {
            Some(NcaDuty::UkProvider) => {
                vec!["not needed: the provider is a UK provider (s. 66(1))".into()]
            }
            _ => determined(d, Question::LinkUk),
        }
    }

    pub fn devices(d: &Dossier, _: Language) -> Vec<String> {
        let devices = d.facts.expose().reported.iter().flat_map(|a| &a.devices);
        devices.map(|v| format!("{} {}", v.kind, v.value)).collect()
    }
}
