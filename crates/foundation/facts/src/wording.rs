//! How urgent a text reads: points for its words, for pairs of words and for the rules it meets.
//!
//! The points are fitted to invented reports, each with the tier an officer would put it in
//! (`fixtures/wording`, `cargo xtask wording`): a ridge regression of the tier on what a text
//! contains. They are a table that anyone can read, `wording.tsv`. Names of people and places, and
//! words for peoples and religions, are left out of it, so that no one ranks higher for who they
//! are.
//!
//! A text is read as a whole and in windows of three sentences, and what reads most urgent counts:
//! harmless sentences around an urgent window don't lower it. A text that reads harmless earns
//! nothing; it takes nothing from what the facts say ([`crate::at_risk`]).

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use crate::plain::normal;

/// One line for each value: its name, a tab, thousandths of a tier. First `set: base` and the
/// limits between the tiers, `set: 1` to `set: 4`; then words, `word~` for words that begin so, and
/// pairs of words; then `rule: NAME`; last `set: score`, what the rules' own score weighs.
const TABLE: &str = include_str!("wording.tsv");
/// Words below which a text is too short to be read. Our judgement.
const WORDS_MIN: usize = 3;
/// Words below which a text has too few for its wording to outweigh a rule that it meets. Chosen by
/// the order of the fitted reports: rules alone order those of about twenty words or more worse.
pub(crate) const SHORT_WORDS: usize = 14;
/// Thousandths of a tier that a text loses for each word it has less than [`SHORT_WORDS`]: a few
/// words are little evidence. Our judgement; the order of the fitted reports hardly changes with it.
const DOUBT: i32 = 60;
/// Words below which a window of sentences isn't read separately. Our judgement.
const WINDOW_WORDS_MIN: usize = 8;
/// Sentences in a window. Our judgement: who, what and when are seldom farther apart.
const WINDOW: usize = 3;
/// A text with fewer words counts as having this many: a word weighs one divided by the root of
/// their number. Our judgement: a word of a very short text would otherwise decide everything.
const LENGTH_MIN: usize = 8;
/// Letters of the prefix that longer words share, for German endings and compounds. Our judgement.
const PREFIX: usize = 5;
/// Scores of the values on the limits between the tiers: the lowest score of each level. Source:
/// the bands of the at-risk score.
const AT_LIMITS: [f64; 4] = [70.0, 40.0, 16.0, 4.0];
/// Thousandths of a tier above the highest limit at which the score is 100, and below the lowest at
/// which it is 0. Our judgement: few texts of the fitted sets read more urgent.
const ABOVE: f64 = 1_200.0;

struct Table {
    words: HashMap<u64, i32>,
    rules: HashMap<&'static str, i32>,
    score: i32,
    base: i32,
    limits: [i32; 4],
}

static FITTED: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        words: HashMap::new(),
        rules: HashMap::new(),
        score: 0,
        base: 0,
        limits: [0; 4],
    };
    for line in TABLE.lines() {
        let (name, value) = line.split_once('\t').expect("a name and its value");
        let value: i32 = value.parse().expect("thousandths of a tier");
        match name.split_once(": ") {
            Some(("set", "base")) => table.base = value,
            Some(("set", "score")) => table.score = value,
            Some(("set", limit)) => {
                let at: usize = limit.parse().expect("the number of a limit");
                table.limits[at - 1] = value;
            }
            Some((_, rule)) => drop(table.rules.insert(rule, value)),
            None => drop(table.words.insert(hash(name.as_bytes(), HASH_START), value)),
        }
    }
    table
});

/// The words of a text in plain form: lower case, umlauts written out, digits apart from letters,
/// numbers of three digits and more as `#`.
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

/// What each feature of a text with this many words is multiplied by.
pub fn share(words: usize) -> f64 {
    1.0 / (words.max(LENGTH_MIN) as f64).sqrt()
}

/// The texts that are read separately: the whole, and its windows of sentences.
pub fn readings(text: &str) -> Vec<Vec<String>> {
    let sentences: Vec<Vec<String>> = text
        .split(['.', '!', '?', '\n'])
        .map(words)
        .filter(|w| !w.is_empty())
        .collect();
    let mut all = vec![sentences.concat()];
    if sentences.len() > WINDOW {
        let windows = sentences.windows(WINDOW).map(<[_]>::concat);
        all.extend(windows.filter(|w| w.len() >= WINDOW_WORDS_MIN));
    }
    all
}

/// How urgent a text reads by its words alone, in thousandths of a tier; `None` if it is too short.
pub(crate) fn read(text: &str) -> Option<i32> {
    let readings = readings(text);
    let whole = readings[0].len();
    let of_words = readings.iter().filter(|r| r.len() >= WORDS_MIN);
    let doubt = DOUBT * SHORT_WORDS.saturating_sub(whole) as i32;
    Some(of_words.map(|r| of(r)).max()? - doubt)
}

fn of(words: &[String]) -> i32 {
    let mut hashes: Vec<u64> = Vec::with_capacity(3 * words.len());
    for (n, word) in words.iter().enumerate() {
        let own = hash(word.as_bytes(), HASH_START);
        hashes.push(own);
        if let Some(next) = words.get(n + 1) {
            hashes.push(hash(next.as_bytes(), hash(b" ", own)));
        }
        if let Some(prefix) = prefix(word) {
            hashes.push(hash(b"~", hash(prefix.as_bytes(), HASH_START)));
        }
    }
    hashes.sort_unstable();
    hashes.dedup();
    let sum: i32 = hashes.iter().filter_map(|h| FITTED.words.get(h)).sum();
    (f64::from(sum) * share(words.len())) as i32
}

fn prefix(word: &str) -> Option<&str> {
    let end = word.char_indices().nth(PREFIX)?.0;
    Some(&word[..end])
}

const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, 64 bits: fast, and for thousands of features a collision is unlikely. What an attacker
/// could make collide would only change the rank of the attacker's own text.
fn hash(bytes: &[u8], start: u64) -> u64 {
    bytes.iter().fold(start, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The score, 0 to 100, of a text, from how urgent it reads ([`read`]), the rules that it meets and
/// the score that these give it.
pub(crate) fn points<'a>(read: i32, rules: impl Iterator<Item = &'a str>, score: u32) -> u32 {
    let of_rules: i32 = rules.filter_map(|r| FITTED.rules.get(r)).sum();
    let of_score = FITTED.score * score as i32 / 100;
    let value = FITTED.base + read + of_rules + of_score;
    // A rule of danger now, in a text that reads like harm to a child: an alarm too many is better
    // than one that is missing. The order of the fitted reports stays as good.
    let [now, serious, ..] = FITTED.limits;
    let raised = match score >= AT_LIMITS[0] as u32 && value >= serious {
        true => value.max(now + (value - serious) * 3 / 10),
        false => value,
    };
    at(raised, FITTED.limits)
}

/// The score of a value between these limits, both in thousandths of a tier.
fn at(value: i32, limits: [i32; 4]) -> u32 {
    let value = f64::from(value);
    let limits = limits.map(f64::from);
    let between = |low: (f64, f64), high: (f64, f64)| {
        let part = (value - low.0) / (high.0 - low.0).max(1.0);
        low.1 + part * (high.1 - low.1)
    };
    let on = |n: usize| (limits[n], AT_LIMITS[n]);
    let score = if value >= limits[0] {
        between(on(0), (limits[0] + ABOVE, 100.0))
    } else if let Some(n) = (1..4).find(|n| value >= limits[*n]) {
        between(on(n), on(n - 1))
    } else {
        // Below every tier: nothing.
        between((limits[3] - ABOVE, 0.0), on(3))
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

    /// The fast way from words to the table is the slow one.
    #[test]
    fn hashes_are_those_of_the_features() {
        let words = words("The girl, 12, meets somebody tomorrow; the girl is alone");
        let slow: i32 = features(&words)
            .iter()
            .filter_map(|f| FITTED.words.get(&hash(f.as_bytes(), HASH_START)))
            .sum();
        let slow = (f64::from(slow) * share(words.len())) as i32;
        assert_eq!(of(&words), slow);
        assert_ne!(slow, 0);
    }

    #[test]
    fn another_sentence_never_lowers_what_was_read() {
        let urgent =
            "My daughter is 12. He wants to meet her tomorrow at the station. Please help.";
        let alone = read(urgent).unwrap();
        for more in [
            "Kind regards from the trust and safety team of a large company, reference 4711.",
            "This is an exercise for students who write a thesis about statistics.",
            "Known material, matched by hash, already reported.",
        ] {
            for text in [format!("{urgent}\n{more}"), format!("{more}\n{urgent}")] {
                assert!(read(&text).unwrap() >= alone - 1, "{more}");
            }
        }
        assert_eq!(read("Hi there"), None);
    }

    #[test]
    fn a_score_rises_with_its_value_from_limit_to_limit() {
        let limits = [-1_500, -2_500, -3_200, -4_000];
        for (value, expected) in [(-1_500, 70), (-2_500, 40), (-3_200, 16), (-4_000, 4)] {
            assert_eq!(at(value, limits), expected);
            assert!(at(value - 1, limits) < expected);
        }
        assert_eq!((at(0, limits), at(-6_000, limits)), (100, 0));
        let all: Vec<u32> = (-6_000..0).map(|v| at(v, limits)).collect();
        assert!(all.is_sorted());
    }
}
