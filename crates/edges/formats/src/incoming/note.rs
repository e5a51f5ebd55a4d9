//! Notes of a telephone call as a report that came in: lines `Word: value` in German or English,
//! then what was said. Any other text is a note, too.

use obhut_facts::{
    Account, Facts, IncidentKind, IncidentTag, IncomingFormat, ParsedReport, Place, RiskFact,
    Sealed, Thread,
};

use super::{Format, empty};

pub(super) const FORMAT: Format = Format {
    is: |text| !text.trim().is_empty(),
    read,
};

/// Lines looked at for words with a meaning. Our judgement.
const HEAD_LINES_MAX: usize = 100;

fn read(text: &str) -> Result<ParsedReport, String> {
    // English in UTF-16 without a byte order mark is valid UTF-8, with a NUL after each letter.
    if text.chars().any(|c| c == '\0') {
        return Err("it contains a null byte, so it isn't text".into());
    }
    let mut given = empty(IncomingFormat::Note);
    let mut facts = Facts::default();
    let (mut account, mut service) = (None, None);
    for line in text.lines().take(HEAD_LINES_MAX) {
        let Some((word, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim().to_owned();
        // An empty line of a template must not erase what an earlier line gave.
        if value.is_empty() {
            continue;
        }
        let listed = || value.split([',', ';']).map(|w| w.trim().to_lowercase());
        match word.trim().to_lowercase().as_str() {
            "account" | "konto" => account = Some(value),
            "service" | "dienst" => service = Some(value),
            "url" | "address" | "adresse" => facts.places.push(Place::WebPage {
                urls: vec![value],
                third_party: None,
                note: None,
            }),
            "time" | "zeit" => facts.occurred_at = Some(value),
            "thread" | "verlauf" => facts.threads.push(Thread {
                id: Some(value),
                ..Thread::default()
            }),
            "urgent" | "dringend" => facts.urgent_because = Some(value),
            "number" | "nummer" => given.number = Some(value),
            "series" | "serie" => facts.series = Some(value),
            "about" | "thema" => {
                for word in listed() {
                    facts.incident = facts.incident.or(IncidentKind::from_word(&word));
                    facts.tags.extend(IncidentTag::from_word(&word));
                    facts.risks.extend(RiskFact::from_word(&word));
                }
            }
            "risk" | "gefahr" => facts
                .risks
                .extend(listed().filter_map(|w| RiskFact::from_word(&w))),
            _ => {}
        }
    }
    // A service alone identifies no account; the text of the note keeps it.
    if account.is_some() {
        facts.reported = Some(Account {
            id: account,
            service,
            ..Account::default()
        });
    }
    // With its head lines: what was misread above can still be read by a person.
    facts.note = Some(text.to_owned());
    given.facts = Sealed::new(facts);
    Ok(given)
}
