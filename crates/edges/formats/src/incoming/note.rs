//! Notes of a telephone call as an incoming report: lines `Word: value` in German or English, then
//! what was said. Any other text is a note, too.

use obhut_facts::{
    Account, Facts, IncidentKind, IncidentTag, IncomingFormat, ParsedReport, Place, RiskFact,
    Sealed, Signal, Signals, Thread, Understood,
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

/// The person whose data a heading or label announces, judged by one of its words or by all of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Reporter,
    Child,
    Suspect,
}

/// The reporter's words.
const REPORTER: &[&str] = &[
    "reporter",
    "reported by",
    "caller",
    "complainant",
    "melder",
    "melderin",
    "anrufer",
    "anruferin",
    "anrufers",
    "hinweisgeber",
    "hinweisgeberin",
    "my",
    "own",
    "mein",
    "meine",
    "meinem",
    "eigenes",
];
/// Words for the child concerned.
const CHILD: &[&str] = &[
    "victim",
    "victims",
    "child",
    "child's",
    "minor",
    "opfer",
    "opfers",
    "kind",
    "kindes",
    "geschaedigte",
    "geschaedigter",
    "geschaedigten",
    "betroffene",
    "betroffener",
    "betroffenen",
    "betroffenes",
    "minderjaehrige",
    "minderjaehriger",
    "minderjaehrigen",
    "daughter",
    "daughter's",
    "son",
    "son's",
    "niece",
    "nephew",
    "girl",
    "boy",
    "pupil",
    "kid",
    "tochter",
    "sohn",
    "sohnes",
    "nichte",
    "neffe",
    "neffen",
    "enkel",
    "enkels",
    "enkelin",
    "maedchen",
    "maedchens",
    "junge",
    "jungen",
    "schueler",
    "schuelers",
    "schuelerin",
];
/// Words for the person reported.
const SUSPECT: &[&str] = &[
    "suspect",
    "suspect's",
    "suspected",
    "offender",
    "perpetrator",
    "accused",
    "reported",
    "reported person",
    "beschuldigter",
    "beschuldigte",
    "beschuldigten",
    "verdaechtiger",
    "verdaechtige",
    "verdaechtigen",
    "tatverdaechtiger",
    "tatverdaechtige",
    "tatverdaechtigen",
    "taeter",
    "taeterin",
    "taeters",
    "gemeldet",
    "gemeldetes",
    "gemeldeter",
];
/// Values that forms have instead of an account.
const PLACEHOLDERS: &[&str] = &[
    "unknown",
    "not known",
    "unbekannt",
    "nicht bekannt",
    "unklar",
    "none",
    "keine",
    "keins",
    "keine angabe",
    "k.a.",
    "k. a.",
    "n/a",
    "na",
    "n.a.",
    "?",
    "see below",
    "siehe unten",
    "s.u.",
    "anonymous",
    "anonym",
];

/// Words before the name of a reporter, within any label: "account reported by".
const BY_REPORTER: &[&str] = &["reported by", "gemeldet von", "gemeldet durch"];

/// Words that may be in the label of the account that the note is about. With any other, it may be a
/// relative's or a witness's.
const OF_NO_PERSON: &[&str] = &[
    "account",
    "accounts",
    "konto",
    "kontos",
    "name",
    "id",
    "user",
    "username",
    "handle",
    "nr",
    "no",
    "number",
    "nummer",
    "profile",
    "profil",
    "nutzer",
    "nutzers",
    "benutzer",
    "benutzers",
    "kontoname",
    "the",
    "of",
    "der",
    "des",
    "das",
    "vom",
    "von",
];

/// The words in lower case, umlauts written out.
fn folded(words: &str) -> String {
    let lower = words.trim().to_lowercase();
    [("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")]
        .iter()
        .fold(lower, |words, (from, to)| words.replace(from, to))
}

/// Whose data the words are about. Words for a child are checked first, so that no label makes a
/// child the suspect.
fn whose(words: &str) -> Option<Whose> {
    let lower = folded(words);
    let words: Vec<&str> = lower
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .collect();
    let has = |set: &[&str]| set.contains(&lower.as_str()) || words.iter().any(|w| set.contains(w));
    // The reporter before the suspect: "reported by" contains "reported", a suspect's word.
    if has(CHILD) {
        Some(Whose::Child)
    } else if has(REPORTER) || BY_REPORTER.iter().any(|by| lower.contains(by)) {
        Some(Whose::Reporter)
    } else if has(SUSPECT) {
        Some(Whose::Suspect)
    } else {
        None
    }
}

fn is_heading(words: &str) -> bool {
    [REPORTER, CHILD, SUSPECT]
        .iter()
        .any(|set| set.contains(&folded(words).as_str()))
}

/// True if a label says nothing about whose account it is.
fn names_no_person(label: &str) -> bool {
    label
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .all(|w| OF_NO_PERSON.contains(&w) || w.chars().all(|c| c.is_ascii_digit()))
}

fn is_placeholder(value: &str) -> bool {
    let value = value.trim().to_lowercase();
    value.chars().all(|c| !c.is_alphanumeric()) || PLACEHOLDERS.contains(&value.as_str())
}

/// Labels of a block of contact data. Under such a block an account may be the caller's.
const CONTACTS: &[&str] = &[
    "e-mail",
    "email",
    "mail",
    "telefon",
    "tel",
    "phone",
    "telephone",
    "mobil",
    "mobile",
    "handy",
];

fn heading_of(label: &str) -> String {
    label.trim().trim_end_matches('.').to_lowercase()
}

/// True if a text speaks of suicide or self-harm: then its account may be that of the person in
/// need.
fn speaks_of_self_harm(text: &str) -> bool {
    Signals::of_text(text).has(Signal::SelfHarm)
}

/// The accounts that the lines of a note name.
#[derive(Default)]
struct Accounts {
    /// The first account under a label or heading of the suspect.
    suspect: Option<String>,
    /// The first account under no such label or heading; a later one may be anyone's.
    plain: Option<String>,
    /// The children's accounts.
    children: Vec<String>,
    /// Names and accounts of the children, in lower case.
    child_names: Vec<String>,
    /// True if a label of the suspect has a value that isn't an account, or an account's label has
    /// words that aren't known here.
    unread: bool,
}

impl Accounts {
    /// Reads one line. `section` says whose data the last heading announced. Returns true if the
    /// line named an account that isn't the reporter's.
    fn take(&mut self, label: &str, value: &str, section: Option<Whose>) -> bool {
        let lower = label.trim().to_lowercase();
        let mut words = lower.split(|c: char| !c.is_alphanumeric());
        let of_account = words.any(|w| matches!(w, "account" | "konto"));
        // "he said to the child: …" is a sentence and not a label. Four words: our judgement.
        let short = lower.split_whitespace().count() <= 4;
        let by_label = match of_account && short || is_heading(&lower) {
            true => whose(label),
            false => None,
        };
        if !(of_account && short) && by_label.is_none() || is_placeholder(value) {
            return false;
        }
        // A remark in brackets may name the person: "Konto: melder5 (Melder)".
        let note = value.split_once('(').map(|(_, note)| note);
        let whose = note.and_then(whose).or(by_label).or(section);
        let value = value.split('(').next().unwrap_or(value).trim();
        let one_word = !value.is_empty() && !value.contains(char::is_whitespace);
        match whose {
            Some(Whose::Reporter) => false,
            Some(Whose::Child) => {
                if of_account {
                    self.children.push(value.to_owned());
                }
                self.child_names.push(value.to_lowercase());
                of_account
            }
            Some(Whose::Suspect) if of_account || one_word => {
                self.suspect.get_or_insert_with(|| value.to_owned());
                true
            }
            // A name or a description: a person has to read it.
            Some(Whose::Suspect) => {
                self.unread = true;
                false
            }
            // "Account mother: …", "Account on the tablet: …"
            None if !names_no_person(&lower) => {
                self.unread = true;
                true
            }
            None => {
                self.plain.get_or_insert_with(|| value.to_owned());
                true
            }
        }
    }

    /// The suspect's account; never one that the note gives as a child's. `may_be_others` means that
    /// one whose owner isn't stated may be anybody's.
    fn reported(&self, may_be_others: bool) -> Option<String> {
        let plain = self.plain.iter().filter(|_| !may_be_others);
        let all = self.suspect.iter().chain(plain);
        let mut own = all.filter(|a| !self.child_names.contains(&a.to_lowercase()));
        own.next().cloned()
    }
}

fn read(input: &Input<'_>) -> Result<ParsedReport, String> {
    let text = input.text;
    let mut given = empty(IncomingFormat::Note);
    let mut facts = Facts::default();
    let mut accounts = Accounts::default();
    let mut service = None;
    let mut known_line = false;
    let mut section = None;
    let mut has_contacts = false;
    for line in text.lines().take(HEAD_LINES_MAX) {
        // A heading says whose data the lines below it are, until the next heading.
        let heading = line.trim().trim_end_matches(':').to_lowercase();
        if is_heading(&heading) {
            section = whose(&heading);
        }
        let Some((word, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim().to_owned();
        // A field left empty in a template must not erase what an earlier line gave.
        if value.is_empty() {
            continue;
        }
        has_contacts |= section.is_none() && CONTACTS.contains(&heading_of(word).as_str());
        let listed = || value.split([',', ';']).map(|w| w.trim().to_lowercase());
        match word.trim().to_lowercase().as_str() {
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
            _ if accounts.take(word, &value, section) => {}
            _ => continue,
        }
        known_line = true;
    }
    // The note is in a language that isn't read here: a person has to look.
    if !known_line && !is_readable(text) {
        given.understood = Understood::No;
    }
    let may_be_others = has_contacts || speaks_of_self_harm(text);
    let account = accounts.reported(may_be_others);
    let not_stated = accounts.plain.is_some() && may_be_others;
    if (accounts.unread || not_stated) && accounts.suspect.is_none() {
        given.understood = Understood::Partly;
    }
    // A service alone identifies no account; the text of the note keeps it.
    if account.is_some() {
        facts.reported = Some(Account {
            id: account,
            service,
            ..Account::default()
        });
    }
    facts
        .victims
        .extend(accounts.children.into_iter().map(|id| Account {
            id: Some(id),
            ..Account::default()
        }));
    // The whole text, head lines included: a person can still see what was misread above.
    facts.note = Some(text.to_owned());
    given.facts = Sealed::new(facts);
    Ok(given)
}
