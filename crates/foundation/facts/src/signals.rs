//! What free text says of a child's danger, in German and English, by stated words.
//!
//! The rules find words; they understand nothing. They rank reports and are never an accusation. A
//! pattern is a sequence of words: `word*` matches any word with that prefix, `..` matches up to
//! six words. Text is read one sentence at a time. A negation shortly before a match cancels it,
//! and so does a denial such as "is not known" shortly after.

mod ages;
mod boilerplate;
mod children;
mod words;

use std::collections::HashMap;
use std::sync::OnceLock;

pub use boilerplate::is_boilerplate;
pub use words::TEXT_RULES;

use ages::{age_of, answered_age, names_an_adult};
use children::names_one_child;
use words::{MATERIAL, NEGATIONS};

use crate::plain::normal;
use crate::{Facts, Message, wording};

/// Characters read from all texts of one report together. Our judgement.
pub(crate) const CHARS_MAX: usize = 40_000;
/// Words that `..` may match. Our judgement.
const GAP_WORDS_MAX: usize = 6;
/// Words before a pattern in which a negation counts. Our judgement.
const NEGATION_WORDS: usize = 3;

/// Words of a call for help.
const CALLS: &[&str] = &["help", "hilfe", "hilf", "helft"];

/// Something a text can indicate. Few patterns show that a child is meant; the risk rules combine
/// most signals with [`Signal::Child`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Signal {
    /// A child is mentioned.
    Child,
    /// The text speaks of now, today or the next days.
    Soon,
    /// A meeting in person.
    Meeting,
    /// A person speaks of suicide or self-harm.
    SelfHarm,
    /// A person is harming or about to harm itself now.
    Attempt,
    /// A cry for help that doesn't say what happened.
    Cry,
    /// Sexual abuse or violence against a child in person.
    Abuse,
    /// A person lives or works with a child.
    Access,
    /// Streamed live.
    Live,
    /// Blackmail.
    Blackmail,
    /// A child is asked for pictures, or talked to about sex.
    Grooming,
    /// Paid, or to be paid, for pictures, shows or a child.
    Payment,
    /// Contact becomes closer or moves elsewhere.
    Escalation,
    /// A child is sold, lent or made to work.
    Trafficking,
    /// Pictures of a child are made.
    Production,
    /// A child is missing.
    Missing,
    /// A threat to kill or hurt a child.
    Threat,
    /// Many files are collected, traded or sold.
    Collection,
    /// The jargon of people who trade or collect material.
    Trade,
    /// An adult poses as a child.
    Posing,
    /// A search for children or for material.
    Search,
    /// The child made the pictures itself.
    SelfMade,
    /// Material that is known, matched or old.
    Known,
    /// An adult is mentioned: an age of 18 or more, a husband, an employee.
    Adult,
    /// One child is meant: "our son", "the girl", or a child that writes of its parents.
    OneChild,
    /// What often goes with harm to a child and proves nothing: secrets, pictures, gifts, fear, a
    /// room with a stranger.
    Circumstance,
}

/// Patterns for a signal, with source, example and counterexample.
pub struct TextRule {
    /// The signal that a match gives.
    pub signal: Signal,
    /// Patterns, lower case.
    pub patterns: &'static [&'static str],
    /// Patterns that count only if their sentence or the one before it mentions a child: alone,
    /// their words are too common.
    pub with_a_child: &'static [&'static str],
    /// Where the rule comes from.
    pub source: &'static str,
    /// A text that gives the signal.
    pub example: &'static str,
    /// A text with similar words that doesn't.
    pub counterexample: &'static str,
}

/// What the texts of a report say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Signals {
    bits: u32,
    /// The lowest age of a child in the texts and the victims' records, in years.
    pub youngest: Option<u8>,
    /// How urgent the texts read by their words ([`crate::wording`]); `None` if they have too few.
    pub(crate) wording: Option<wording::Reading>,
    /// True if the texts are too short for their wording to outweigh the rules.
    pub(crate) short: bool,
}

impl Signals {
    /// Signals of a case's texts (the first 40,000 characters of them) and of its victims' ages.
    pub fn of(facts: &Facts) -> Self {
        let mut signals = Self::of_victims(facts);
        let mut left = CHARS_MAX;
        let mut all = String::new();
        for text in texts(facts) {
            let text: String = text.chars().take(left).collect();
            left -= text.chars().count();
            signals.read(&text);
            if !is_boilerplate(&text) {
                all += &text;
                // A line break ends each text. Messages are short, so a window of sentences spans
                // several of them.
                all.push('\n');
            }
            if left == 0 {
                break;
            }
        }
        signals.wording = wording::read(&all);
        signals.short = wording::words(&all).len() < wording::SHORT_WORDS;
        signals
    }

    /// Signals of the victims' recorded ages alone, without any text.
    pub(crate) fn of_victims(facts: &Facts) -> Self {
        let mut signals = Self::default();
        for child in &facts.victims {
            let age = child.person.as_ref().and_then(|p| p.age);
            signals.age(age.and_then(|a| u8::try_from(a).ok()));
        }
        signals
    }

    /// Signals of one text, of any length.
    pub fn of_text(text: &str) -> Self {
        let mut signals = Self::default();
        signals.read(text);
        signals
    }

    /// How urgent the texts read by their words ([`wording::Reading::value`]), as if they said
    /// nothing if they have too few.
    pub fn worded(self) -> i32 {
        self.wording.map_or(wording::SAYS_NOTHING, |r| r.value)
    }

    /// True if the texts give this signal.
    pub fn has(self, signal: Signal) -> bool {
        self.bits & bit(signal) != 0
    }

    fn read(&mut self, text: &str) {
        let mut plain = ages::bracketed(&normal(text));
        for name in MATERIAL {
            if plain.contains(name) {
                plain = plain.replace(name, " csam ");
            }
        }
        // The full stop of a German ordinal doesn't end a sentence: "5. Klasse", "im 12. Stock".
        for noun in ["klass", "stock", "etage", "bezirk", "lebensjahr"] {
            if plain.contains(&format!(". {noun}")) {
                for digit in '0'..='9' {
                    plain = plain.replace(&format!("{digit}. {noun}"), &format!("{digit} {noun}"));
                }
            }
        }
        // Nothing but a call for help: within a longer text the words say little.
        let mut few = plain.split(|c: char| !c.is_alphanumeric());
        let few: Vec<&str> = few.by_ref().filter(|w| !w.is_empty()).take(4).collect();
        if few.len() <= 3 && few.iter().any(|w| CALLS.contains(w)) {
            self.bits |= bit(Signal::Cry);
        }
        let (mut asked, mut child_before) = (false, false);
        for sentence in plain.split(['.', '!', '?', '\n', ';', '|']) {
            let words: Vec<&str> = sentence
                .split(|c: char| !(c.is_alphanumeric() || c == '-'))
                .filter(|w| !w.is_empty())
                .collect();
            let (mut strong, weak) = found(&words);
            if names_one_child(&words) {
                strong |= bit(Signal::OneChild) | bit(Signal::Child);
            }
            let age = age_of(&words).or_else(|| asked.then(|| answered_age(&words)).flatten());
            let child = age.is_some() || strong & bit(Signal::Child) != 0;
            self.bits |= strong;
            // "Our daughter is 7. He rents her out.": the next sentence is still about the child.
            if child || child_before {
                self.bits |= weak;
            }
            child_before = child;
            self.age(age);
            if names_an_adult(&words) {
                self.bits |= bit(Signal::Adult);
            }
            asked = words
                .windows(2)
                .any(|w| matches!(w, ["how", "old"] | ["wie", "alt"]));
        }
    }

    fn age(&mut self, age: Option<u8>) {
        if let Some(age) = age.filter(|a| *a < 18) {
            self.bits |= bit(Signal::Child);
            self.youngest = Some(self.youngest.map_or(age, |y| y.min(age)));
        }
    }
}

fn bit(signal: Signal) -> u32 {
    1 << signal as u32
}

/// A word of a pattern.
enum Part {
    Word(String),
    Prefix(String),
    Gap,
}

struct Pattern {
    parts: Vec<Part>,
    signal: Signal,
    with_a_child: bool,
}

/// The patterns of every rule, by the first two bytes of their first word.
fn patterns() -> &'static HashMap<[u8; 2], Vec<Pattern>> {
    static PATTERNS: OnceLock<HashMap<[u8; 2], Vec<Pattern>>> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        let mut all: HashMap<_, Vec<Pattern>> = HashMap::new();
        for rule in TEXT_RULES {
            let strong = rule.patterns.iter().map(|p| (p, false));
            let weak = rule.with_a_child.iter().map(|p| (p, true));
            for (text, with_a_child) in strong.chain(weak) {
                let text = normal(text);
                let parts: Vec<Part> = text.split(' ').map(part).collect();
                let (Part::Word(first) | Part::Prefix(first)) = &parts[0] else {
                    unreachable!("a test sees that no pattern begins with a gap")
                };
                all.entry(key(first)).or_default().push(Pattern {
                    parts,
                    signal: rule.signal,
                    with_a_child,
                });
            }
        }
        all
    })
}

fn part(text: &str) -> Part {
    match text.strip_suffix('*') {
        _ if text == ".." => Part::Gap,
        Some(prefix) => Part::Prefix(prefix.to_owned()),
        None => Part::Word(text.to_owned()),
    }
}

fn key(word: &str) -> [u8; 2] {
    let bytes = word.as_bytes();
    [
        bytes.first().copied().unwrap_or(0),
        bytes.get(1).copied().unwrap_or(0),
    ]
}

/// The signals of a sentence: those that always count, and those that count only if this sentence
/// or the one before it mentions a child.
fn found(words: &[&str]) -> (u32, u32) {
    let (mut strong, mut weak) = (0, 0);
    for at in 0..words.len() {
        let Some(candidates) = patterns().get(&key(words[at])) else {
            continue;
        };
        let before = &words[at.saturating_sub(NEGATION_WORDS)..at];
        // "if I don't send more": what is demanded isn't denied.
        let demanded = words[at.saturating_sub(NEGATION_WORDS + 2)..at]
            .iter()
            .any(|w| matches!(*w, "if" | "unless" | "wenn" | "falls" | "sonst"));
        let negated = !demanded && before.iter().any(|w| NEGATIONS.contains(w));
        if negated || is_denied(&words[at + 1..]) || is_english_kind(words, at) {
            continue;
        }
        for pattern in candidates {
            let into = match pattern.with_a_child {
                true => &mut weak,
                false => &mut strong,
            };
            if *into & bit(pattern.signal) == 0 && matches_from(&pattern.parts, &words[at..]) {
                *into |= bit(pattern.signal);
            }
        }
    }
    (strong, weak)
}

/// True for the English word in "kind regards" or "this kind of", which is spelled like the German
/// word for a child.
fn is_english_kind(words: &[&str], at: usize) -> bool {
    // None of these comes before or after the German noun.
    const BEFORE: &[&str] = &[
        "this", "that", "of", "some", "any", "what", "every", "same", "other", "another", "is",
        "are", "be", "very", "so", "one", "which", "first", "only", "the", "a", "your", "how",
        "too",
    ];
    const AFTER: &[&str] = &[
        "of", "regards", "regard", "wishes", "words", "people", "man", "woman", "enough", "to",
        "help", "thing", // The header of a hash list: `kind,digest`.
        "digest",
    ];
    if words[at] != "kind" {
        return false;
    }
    let before = at.checked_sub(1).map(|before| words[before]);
    let after = words.get(at + 1);
    before.is_some_and(|w| BEFORE.contains(&w)) || after.is_some_and(|w| AFTER.contains(w))
}

/// "… is not known", "… nicht erkennbar": what comes before is denied.
fn is_denied(after: &[&str]) -> bool {
    const DENIED: &[&str] = &[
        "known",
        "planned",
        "visible",
        "apparent",
        "recognisable",
        "involved",
        "suspected",
        "bekannt",
        "geplant",
        "erkennbar",
        "ersichtlich",
        "beteiligt",
        "vorhanden",
        "gegeben",
    ];
    // One word more than the distance, for the denied word itself.
    let near = &after[..after.len().min(NEGATION_WORDS + 1)];
    near.windows(2).any(|w| {
        matches!(w[0], "not" | "nicht" | "isnt" | "arent" | "wasnt") && DENIED.contains(&w[1])
    })
}

fn matches_from(parts: &[Part], words: &[&str]) -> bool {
    match parts.split_first() {
        None => true,
        Some((Part::Gap, rest)) => {
            (0..=GAP_WORDS_MAX.min(words.len())).any(|skip| matches_from(rest, &words[skip..]))
        }
        Some((part, rest)) => words.split_first().is_some_and(|(word, after)| {
            let fits = match part {
                Part::Prefix(prefix) => word.starts_with(prefix.as_str()),
                Part::Word(plain) => word == plain,
                Part::Gap => unreachable!("matched above"),
            };
            fits && matches_from(rest, after)
        }),
    }
}

/// The free texts of a case: reasons, notes, messages, and the content of places. Names, URLs,
/// profile texts, the analyst's narrative ([`crate::Financial`]), and the notes of threads, wallets
/// and linked accounts aren't read.
pub(crate) fn texts(facts: &Facts) -> impl Iterator<Item = &str> {
    let accounts = facts
        .reported
        .iter()
        .chain(&facts.also_reported)
        .chain(&facts.recipients)
        .chain(&facts.victims);
    let messages = facts.threads.iter().flat_map(|t| &t.messages);
    facts
        .urgent_because
        .as_deref()
        .into_iter()
        .chain(facts.note.as_deref())
        .chain(facts.received_note.as_deref())
        .chain(facts.received_urgent.as_deref())
        .chain(facts.occurred_at_note.as_deref())
        .chain(messages.map(|m: &Message| m.text.as_str()))
        .chain(facts.places.iter().filter_map(|p| p.content()))
        .chain(facts.places.iter().filter_map(|p| p.note()))
        .chain(accounts.filter_map(|a| a.note.as_deref()))
        .chain(facts.payments.iter().filter_map(|p| p.note.as_deref()))
        .chain(facts.files.values().filter_map(|f| f.note.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_its_example_and_not_its_counterexample() {
        for rule in TEXT_RULES {
            assert!(!rule.source.is_empty() && !rule.patterns.is_empty());
            let of = |text| Signals::of_text(text).has(rule.signal);
            assert!(of(rule.example), "{:?}: {}", rule.signal, rule.example);
            assert!(
                !of(rule.counterexample),
                "{:?}: {}",
                rule.signal,
                rule.counterexample
            );
            for pattern in rule.patterns.iter().chain(rule.with_a_child) {
                assert_eq!(*pattern, pattern.to_lowercase(), "patterns are lower case");
                assert!(!pattern.starts_with("..") && !pattern.trim().is_empty());
            }
        }
    }

    /// Regression: "child abuse images" left the child of "abuse images" behind, so that known
    /// material was about a child.
    #[test]
    fn no_name_of_material_hides_a_longer_one() {
        for (n, name) in MATERIAL.iter().enumerate() {
            let hidden = MATERIAL[n + 1..].iter().find(|later| later.contains(name));
            assert_eq!(hidden, None, "put it before {name}");
        }
        assert!(!Signals::of_text("child abuse images").has(Signal::Child));
    }

    /// The German word for a child is also part of English letters ("Kind regards") and of the
    /// header of a hash list.
    #[test]
    fn the_english_word_kind_is_not_a_child() {
        for (text, expected) in [
            ("Kind regards, the team", false),
            ("this user posts this kind of video", false),
            ("they are kind to everyone", false),
            ("kind,digest", false),
            ("what kind is it", false),
            ("ein Kind ist in Gefahr", true),
            ("Kind, 8 Jahre", true),
            ("er schreibt dem Kind jeden Abend", true),
            ("das Kind und seine Mutter", true),
        ] {
            let found = Signals::of_text(text).has(Signal::Child);
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_negation_takes_back_what_follows_it_closely() {
        for (text, expected) in [
            ("he wants to meet her", true),
            ("no meeting is planned", false),
            ("kein Treffen geplant", false),
            ("ein Treffen ist geplant", true),
            ("not known to us, but they want to meet", true),
            ("He isn't online. They meet.", true),
            ("they won't meet", false),
            ("they can't meet", false),
            ("if she doesn't meet him he posts it", true),
        ] {
            assert_eq!(
                Signals::of_text(text).has(Signal::Meeting),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn ages_of_children_are_found_and_other_numbers_are_not() {
        for (text, expected) in [
            ("wants to meet her tomorrow, 12", Some(12)),
            ("Treffen heute, Mädchen 12", Some(12)),
            ("my 12 year old", Some(12)),
            ("a 9-year-old boy", Some(9)),
            ("ein 13-jähriges Mädchen", Some(13)),
            ("18 months old", Some(1)),
            ("she is 14", Some(14)),
            ("aged 10", Some(10)),
            // Former fault: "girl" before a bare number was not recognised.
            ("the boy 12 sends selfies", Some(12)),
            ("the girl 12 sends selfies", Some(12)),
            ("Mädchen 12 schickt Selfies", Some(12)),
            ("ein Kind von 8 Jahren und eines von 5 Jahren", Some(5)),
            ("er geht in die 5. Klasse", Some(10)),
            ("in der 3. Klasse der Grundschule", Some(8)),
            ("hi, m14 hier", Some(14)),
            ("w13 sucht", Some(13)),
            ("Mia (13) writes", Some(13)),
            ("the poster (self-stated 11)", Some(11)),
            ("die Kleine (5) weint", Some(5)),
            ("im 12 pls help", Some(12)),
            ("ich heise Emre bin 10", Some(10)),
            ("i was 9 when it started", Some(9)),
            ("Mit 13 hat mich ein Mann angeschrieben", Some(13)),
            ("unsere Tochter Mia, 14, ist weg", Some(14)),
            ("a girl, looked twelve or thirteen", Some(12)),
            ("die Kleine sei sieben geworden", Some(7)),
            ("a boy of 10", Some(10)),
            ("pupil (f, Y9)", Some(14)),
            ("Nutzerin 402188 (12)", Some(12)),
            ("als ich 12 war", Some(12)),
            ("the list (page 12)", None),
            ("the report (12 files)", None),
            ("Emil (39) writes", None),
            ("(12)", None),
            ("er wohnt im 12. Stock", None),
            ("im 8. Lebensjahr", None),
            ("mit 12 Leuten", None),
            ("a choice of 10", None),
            ("the file m14 is large", None),
            ("they meet tomorrow at 12", None),
            ("12 files", None),
            ("um 14 Uhr", None),
            ("I am 34 years old", None),
            ("case 12345", None),
            ("", None),
        ] {
            assert_eq!(Signals::of_text(text).youngest, expected, "{text}");
        }
    }

    #[test]
    fn boilerplate_gives_no_reason() {
        for (text, expected) in [
            ("URGENT!!! please review asap", true),
            ("n/a", true),
            ("", true),
            ("Automatisch erstellt, bitte prüfen", true),
            // A dash is the commonest placeholder.
            ("-", true),
            ("urgent - please review", true),
            ("high-priority, CSAM/abuse", true),
            ("high-risk", false),
            ("the child is alone with him", false),
            ("Treffen heute", false),
        ] {
            assert_eq!(is_boilerplate(text), expected, "{text}");
        }
    }
}
