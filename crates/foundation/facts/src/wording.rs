//! How urgent a text reads: what its words and pairs of words say for each of five tiers.
//!
//! What they say is fitted to invented reports, each with the tier an officer would put it in
//! (`fixtures/wording`, `cargo xtask wording`): for each tier a logistic regression of "is in this
//! tier" on what a text contains, rare words weighing more than common ones. A straight line from
//! tier 1 to tier 5 would fit worse, because words of known material aren't half-way between words
//! of danger and harmless ones. The result is a table that anyone can read, `wording.tsv`. Names of
//! people and places, and words for peoples and religions, are left out of it, so that no one ranks
//! higher for who they are.
//!
//! A text is read as a whole. If a passage of at least half of its sentences reads like danger now,
//! the text counts like it: harmless sentences, up to as many again, don't lower an urgent report. A
//! few sentences that read clearly like danger now, anywhere in the text, keep it among the reports
//! of a child who is harmed. A text that reads harmless earns nothing; it takes nothing from what the
//! facts say ([`crate::at_risk`]).

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use crate::plain::normal;

/// One line for each feature: its name, a tab, its rarity, and what it says for tiers 1 to 5, all
/// in tenths with blanks between them. Features are words, `word~` for words that begin with it, and
/// pairs of words. The first lines are settings: `set: bias`, what each tier has without any word,
/// and `set: unknown`, the rarity of a word that isn't in the table.
const TABLE: &str = include_str!("wording.tsv");
/// Words below which a text is too short to be read. Our judgement.
const WORDS_MIN: usize = 3;
/// Words below which a rule that holds because of a text counts in full, whatever the wording. Our
/// judgement: a cry for help has few words, and those are what the rules know.
pub(crate) const SHORT_WORDS: usize = 14;
/// Words below which a passage isn't read separately. Our judgement.
const PASSAGE_WORDS_MIN: usize = 8;
/// Most parts into which a text is cut for its passages: sentences, or as many neighbouring ones
/// joined as are needed. Our judgement: the time to read a text grows with their square.
const PARTS_MAX: usize = 8;
/// The smallest size of a text, by which what its words say is divided: a few words are little
/// evidence. About that of ten words. Our judgement: the order of the fitted reports hardly changes
/// from 10 to 30.
pub const SIZE_MIN: f32 = 20.0;
/// Most sentences that are read together wherever they are. Our judgement: who, what and when are
/// seldom farther apart.
const TOGETHER_MAX: usize = 4;
/// Words below which a single sentence isn't read separately. Our judgement.
const SENTENCE_WORDS_MIN: usize = 5;
/// Value from which a few sentences read clearly like danger now. Chosen by the order of the fitted
/// reports, which it lowers by 0.004: 2 in a hundred harmless ones have such sentences.
const CLEAR: i32 = -1_150;
/// The value that such sentences give their text at least: just above the limit of harm.
const CLEAR_GIVES: i32 = -2_490;
/// Letters of the prefix that longer words share, for German endings and compounds. Our judgement.
const PREFIX: usize = 5;
/// Tiers of urgency: danger now, a child harmed, offenders or unknown material, known material,
/// nothing.
const TIERS: usize = 5;
/// The value of a text that says nothing.
pub const SAYS_NOTHING: i32 = -5_000;
/// The limits between the tiers, half-way, as values: minus the tier, in thousandths, so that more
/// urgent is larger.
const LIMITS: [i32; 4] = [-1_500, -2_500, -3_500, -4_500];
/// Scores of the values on the limits between the tiers: the lowest score of each level. Source:
/// the bands of the at-risk score.
const AT_LIMITS: [f64; 4] = [70.0, 40.0, 16.0, 4.0];
/// The value from which a rule of danger now lifts a text to that level: it reads like harm to a
/// child, more urgent than most. Chosen by the fitted reports: in a sixth of those between it and
/// the level a child is in danger now, farther down in few.
const LIFTED_FROM: i32 = -2_000;

/// How urgent a text reads by its words, in thousandths of a tier: -1000 (a child in danger now) to
/// -5000 (nothing).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// The text.
    pub value: i32,
    /// The few sentences in it that read most urgent.
    pub clearest: i32,
}

/// What words say for each tier.
pub struct Table {
    features: HashMap<u64, Points>,
    bias: [f32; TIERS],
    unknown: f32,
}

struct Points {
    rarity: f32,
    tiers: [f32; TIERS],
}

static FITTED: LazyLock<Table> = LazyLock::new(|| Table::read(TABLE));

/// The words of a text in plain form: lower case, umlauts written out, digits apart from letters, `12`
/// as `#12`, and numbers of three digits and more as `#`.
pub fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for word in normal(text).split(|c: char| !c.is_alphanumeric()) {
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            let is_digit = first.is_ascii_digit();
            let end = rest
                .find(|c: char| c.is_ascii_digit() != is_digit)
                .unwrap_or(rest.len());
            let (part, more) = rest.split_at(end);
            all.push(match is_digit {
                true if part.len() < 3 => format!("#{}", part.trim_start_matches('0')),
                true => "#".to_owned(),
                false => part.to_owned(),
            });
            rest = more;
        }
    }
    all
}

/// What the table may have points for: the words, their prefixes, and pairs of words.
pub fn features(words: &[String]) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = words.iter().cloned().collect();
    all.extend(words.windows(2).map(|w| format!("{} {}", w[0], w[1])));
    all.extend(
        words
            .iter()
            .filter_map(|w| Some(format!("{}~", prefix(w)?))),
    );
    all
}

/// The words of each sentence.
fn sentences(text: &str) -> Vec<Vec<String>> {
    text.split(['.', '!', '?', '\n'])
        .map(words)
        .filter(|w| !w.is_empty())
        .collect()
}

/// Sentences joined, so that there are at most [`PARTS_MAX`].
fn parts(sentences: &[Vec<String>]) -> Vec<Vec<String>> {
    let joined = sentences.len().div_ceil(PARTS_MAX).max(1);
    sentences.chunks(joined).map(<[_]>::concat).collect()
}

/// The passages that have at least half of the parts, but not all.
fn passages(parts: &[Vec<String>]) -> impl Iterator<Item = Vec<String>> {
    let sizes = parts.len().div_ceil(2).max(1)..parts.len();
    let all = sizes.flat_map(|size| parts.windows(size).map(<[_]>::concat));
    all.filter(|words| words.len() >= PASSAGE_WORDS_MIN)
}

/// A few sentences, wherever they are.
fn together(sentences: &[Vec<String>]) -> impl Iterator<Item = Vec<String>> {
    let all = (1..=TOGETHER_MAX).flat_map(|n| sentences.windows(n).map(move |s| (n, s.concat())));
    let is_enough = |(n, words): &(usize, Vec<String>)| match n {
        1 => words.len() >= SENTENCE_WORDS_MIN,
        _ => words.len() >= PASSAGE_WORDS_MIN,
    };
    all.filter(is_enough).map(|(_, words)| words)
}

impl Table {
    /// Reads a table in the form of `wording.tsv`.
    ///
    /// # Panics
    ///
    /// If the text isn't such a table.
    pub fn read(text: &str) -> Self {
        let mut table = Self {
            features: HashMap::new(),
            bias: [0.0; TIERS],
            unknown: 0.0,
        };
        for line in text.lines() {
            let (name, values) = line.split_once('\t').expect("a name and its values");
            let values: Vec<f32> = values
                .split(' ')
                .map(|v| v.parse::<f32>().expect("tenths") / 10.0)
                .collect();
            match name {
                "set: bias" => table.bias = values.try_into().expect("a value for each tier"),
                "set: unknown" => table.unknown = values[0],
                _ => {
                    let points = Points {
                        rarity: values[0],
                        tiers: values[1..].try_into().expect("a value for each tier"),
                    };
                    let name = hash(name.as_bytes(), HASH_START);
                    table.features.insert(name, points);
                }
            }
        }
        table
    }

    /// How urgent a text reads; `None` if it is too short.
    pub fn reading(&self, text: &str) -> Option<Reading> {
        let sentences = sentences(text);
        let whole = sentences.concat();
        if whole.len() < WORDS_MIN {
            return None;
        }
        let parts = parts(&sentences);
        let passages = passages(&parts).map(|p| self.of(&p));
        let urgent = passages.filter(|value| *value >= LIMITS[0]);
        let value = urgent.fold(self.of(&whole), i32::max);
        let clearest = together(&sentences).map(|w| self.of(&w)).max();
        let clearest = clearest.unwrap_or(value);
        Some(Reading {
            value: match clearest >= CLEAR {
                true => value.max(CLEAR_GIVES),
                false => value,
            },
            clearest,
        })
    }

    /// Minus the expected tier of these words, in thousandths.
    fn of(&self, words: &[String]) -> i32 {
        let mut own: Vec<u64> = Vec::with_capacity(words.len());
        let mut more: Vec<u64> = Vec::with_capacity(2 * words.len());
        for (n, word) in words.iter().enumerate() {
            let word_hash = hash(word.as_bytes(), HASH_START);
            own.push(word_hash);
            if let Some(next) = words.get(n + 1) {
                more.push(hash(next.as_bytes(), hash(b" ", word_hash)));
            }
            if let Some(prefix) = prefix(word) {
                more.push(hash(b"~", hash(prefix.as_bytes(), HASH_START)));
            }
        }
        for all in [&mut own, &mut more] {
            all.sort_unstable();
            all.dedup();
        }
        let known = own.iter().chain(&more);
        let known: Vec<&Points> = known.filter_map(|h| self.features.get(h)).collect();
        let unknown = own.iter().filter(|h| !self.features.contains_key(h));
        // Words that aren't known make the others say less: the text is about something else.
        let size = known.iter().map(|p| p.rarity * p.rarity).sum::<f32>()
            + unknown.count() as f32 * self.unknown * self.unknown;
        let share = 1.0 / size.sqrt().max(SIZE_MIN);
        let says = |tier: usize| {
            let sum: f32 = known.iter().map(|p| p.tiers[tier]).sum();
            (self.bias[tier] + share * sum).exp()
        };
        let chances: Vec<f32> = (0..TIERS).map(says).collect();
        let all: f32 = chances.iter().sum();
        let weighed = (1_u8..).zip(&chances).map(|(tier, c)| f32::from(tier) * c);
        (-1_000.0 * weighed.sum::<f32>() / all).round() as i32
    }
}

/// How urgent a text reads by its words alone ([`Table::reading`]).
pub(crate) fn read(text: &str) -> Option<Reading> {
    FITTED.reading(text)
}

fn prefix(word: &str) -> Option<&str> {
    let end = word.char_indices().nth(PREFIX)?.0;
    Some(&word[..end])
}

const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, 64 bits: fast, and for tens of thousands of features a collision is unlikely. What an attacker
/// could make collide would only change the rank of the attacker's own text.
fn hash(bytes: &[u8], start: u64) -> u64 {
    bytes.iter().fold(start, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The score, 0 to 100, of a text, from how urgent it reads ([`read`]) and the score that the rules
/// it meets give it.
pub(crate) fn points(reading: Reading, rules: u32) -> u32 {
    let says_now = rules >= AT_LIMITS[0] as u32;
    // The rule's words may be in an urgent sentence among harmless ones.
    let value = match says_now && reading.clearest >= LIMITS[0] {
        true => reading.value.max(CLEAR_GIVES),
        false => reading.value,
    };
    // A false alarm is better than a missed one. A fifth of the order is kept, so that lifted texts
    // stay below most that read like danger now by themselves; how much is our judgement.
    let lifted = match says_now && value >= LIFTED_FROM {
        true => value.max(LIMITS[0] + (value - LIFTED_FROM) / 5),
        false => value,
    };
    at(lifted)
}

/// The score of a value.
fn at(value: i32) -> u32 {
    let value = f64::from(value);
    let limits = LIMITS.map(f64::from);
    let between = |low: (f64, f64), high: (f64, f64)| {
        let part = (value - low.0) / (high.0 - low.0);
        low.1 + part * (high.1 - low.1)
    };
    let on = |n: usize| (limits[n], AT_LIMITS[n]);
    let score = if value >= limits[0] {
        between(on(0), (-1_000.0, 100.0))
    } else if let Some(n) = (1..4).find(|n| value >= limits[*n]) {
        between(on(n), on(n - 1))
    } else {
        between((-5_000.0, 0.0), on(3))
    };
    score.clamp(0.0, 100.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_the_table_spells_them() {
        for (text, expected) in [
            (
                "Sie ist 12, trifft ihn morgen!",
                "sie ist #12 trifft ihn morgen",
            ),
            ("Mädchen, 9J.", "maedchen #9 j"),
            ("can't   wait 20:15", "cant wait #20 #15"),
            ("case 4711/2026", "case # #"),
            ("", ""),
        ] {
            assert_eq!(words(text).join(" "), expected, "{text}");
        }
    }

    /// Words hashed directly have the keys that the names of their features have.
    #[test]
    fn hashes_are_those_of_the_features() {
        let words = words("The girl, 12, meets somebody tomorrow; the girl is alone");
        let table = "set: bias\t0 0 0 0 0\nset: unknown\t90\n";
        let lines: Vec<String> = features(&words)
            .iter()
            .map(|f| format!("{f}\t100 30 0 0 0 0\n"))
            .collect();
        let n = lines.len() as f32;
        let table = Table::read(&(table.to_owned() + &lines.concat()));
        // Each of n features says 3 for tier 1, and their size is 10 times the root of n.
        let says = (0.3 * n.sqrt()).exp();
        let expected = -1_000.0 * (says + 14.0) / (says + 4.0);
        assert_eq!(table.of(&words), expected.round() as i32);
    }

    #[test]
    fn another_sentence_never_lowers_what_was_read() {
        let urgent =
            "My daughter is 12. He wants to meet her tomorrow at the station. Please help.";
        let alone = read(urgent).unwrap().value;
        for more in [
            "Kind regards from the trust and safety team of a large company, reference 4711.",
            "This is an exercise for students who write a thesis about statistics.",
            "Known material, matched by hash, already reported.",
        ] {
            for text in [format!("{urgent}\n{more}"), format!("{more}\n{urgent}")] {
                let now = read(&text).unwrap().value;
                assert!(now >= alone - 1, "{more}: {alone} {now}");
            }
        }
        assert_eq!(read("Hi there"), None);
        // Regression: harmless sentences around an urgent one made the text harmless.
        let polite = "I am quite happy with the new app, only the letters are small. ".repeat(30);
        let text = format!("{polite}{urgent} {polite}");
        assert!(read(&text).unwrap().value >= CLEAR_GIVES);
        assert!(read(&polite).unwrap().value < LIMITS[2]);
    }

    #[test]
    fn a_score_rises_with_its_value_from_limit_to_limit() {
        for (value, expected) in [(-1_500, 70), (-2_500, 40), (-3_500, 16), (-4_500, 4)] {
            assert_eq!(at(value), expected);
            assert!(at(value - 1) < expected);
        }
        assert_eq!((at(-1_000), at(-5_000)), (100, 0));
        let all: Vec<u32> = (-5_000..=-1_000).map(at).collect();
        assert!(all.is_sorted());
    }
}
