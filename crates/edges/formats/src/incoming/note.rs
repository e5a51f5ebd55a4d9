//! Notes of a telephone call as an incoming report: lines `Word: value` in German or English, then
//! what was said. Any other text is a note, too.

use obhut_facts::{
    Account, Facts, IncidentKind, IncidentTag, IncomingFormat, ParsedReport, Place, RiskFact,
    Sealed, Thread, Understood,
};

use super::{Format, Input, empty};

pub(super) const FORMAT: Format = Format {
    is: |input| !input.text.trim().is_empty(),
    read,
};

/// Lines searched for `Word: value`, from the top. Our judgement.
const HEAD_LINES_MAX: usize = 100;

/// Common words of German and English, and of reports: most sentences contain one.
const ORDINARY_WORDS: &[&str] = &[
    "the",
    "a",
    "an",
    "and",
    "or",
    "is",
    "are",
    "was",
    "to",
    "of",
    "in",
    "on",
    "for",
    "with",
    "from",
    "this",
    "that",
    "it",
    "he",
    "she",
    "they",
    "we",
    "i",
    "you",
    "my",
    "his",
    "her",
    "not",
    "no",
    "has",
    "have",
    "had",
    "at",
    "by",
    "as",
    "be",
    "who",
    "says",
    "user",
    "account",
    "file",
    "files",
    "match",
    "hash",
    "known",
    "please",
    "test",
    "der",
    "die",
    "das",
    "den",
    "dem",
    "ein",
    "eine",
    "einen",
    "einem",
    "einer",
    "und",
    "oder",
    "ist",
    "sind",
    "war",
    "zu",
    "im",
    "am",
    "auf",
    "für",
    "mit",
    "von",
    "bei",
    "er",
    "sie",
    "es",
    "wir",
    "ich",
    "du",
    "mein",
    "meine",
    "meiner",
    "sein",
    "seine",
    "ihr",
    "ihre",
    "nicht",
    "kein",
    "keine",
    "hat",
    "haben",
    "wird",
    "auch",
    "als",
    "bitte",
    "konto",
    "nutzer",
    "datei",
    "bild",
    "bilder",
    "treffer",
    "bekannt",
    "bekanntes",
    "sucht",
];
/// Fewest words by which a language is judged; a shorter text counts as readable. Our judgement.
const WORDS_MIN: usize = 3;

/// False if the text seems to be neither German nor English.
fn is_readable(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .collect();
    let ordinary = words.iter().filter(|w| ORDINARY_WORDS.contains(w)).count();
    // More than one in twenty, our judgement: a foreign text may hold "a" or "die" by chance.
    words.len() < WORDS_MIN || ordinary * 20 > words.len()
}

/// Headings of the reporter's data.
const REPORTER: &[&str] = &[
    "reporter",
    "reported by",
    "caller",
    "complainant",
    "melder",
    "melderin",
    "anrufer",
    "anruferin",
    "hinweisgeber",
    "hinweisgeberin",
];
/// Headings of the reported person's data.
const SUSPECT: &[&str] = &[
    "suspect",
    "reported",
    "reported person",
    "beschuldigter",
    "beschuldigte",
    "verdächtiger",
    "verdächtige",
    "gemeldet",
];

fn read(input: &Input<'_>) -> Result<ParsedReport, String> {
    let text = input.text;
    let mut given = empty(IncomingFormat::Note);
    let mut facts = Facts::default();
    let (mut account, mut service) = (None, None);
    let mut known_line = false;
    let mut of_reporter = false;
    for line in text.lines().take(HEAD_LINES_MAX) {
        // A heading says whose data the lines below it are, the reporter's or the suspect's, until
        // the next heading.
        let heading = line.trim().trim_end_matches(':').to_lowercase();
        if REPORTER.contains(&heading.as_str()) {
            of_reporter = true;
        } else if SUSPECT.contains(&heading.as_str()) {
            of_reporter = false;
        }
        let Some((word, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim().to_owned();
        // A field left empty in a template must not erase what an earlier line gave.
        if value.is_empty() {
            continue;
        }
        let listed = || value.split([',', ';']).map(|w| w.trim().to_lowercase());
        match word.trim().to_lowercase().as_str() {
            // The first one: a later one may be anyone's.
            "account" | "konto" if !of_reporter && account.is_none() => account = Some(value),
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
            _ => continue,
        }
        known_line = true;
    }
    // A language that isn't read here: a person has to look.
    if !known_line && !is_readable(text) {
        given.understood = Understood::No;
    }
    // A service alone identifies no account; the text of the note keeps it.
    if account.is_some() {
        facts.reported = Some(Account {
            id: account,
            service,
            ..Account::default()
        });
    }
    // The whole text, head lines included: a person can still see what was misread above.
    facts.note = Some(text.to_owned());
    given.facts = Sealed::new(facts);
    Ok(given)
}
