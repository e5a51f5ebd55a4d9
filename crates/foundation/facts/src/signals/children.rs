//! Whether a sentence is about one child.

use super::is_english_kind;

/// Articles and possessives, Swiss and Austrian ones too.
const BEFORE: &[&str] = &[
    "my", "our", "her", "his", "their", "a", "the", "this", "that", "one", "whose", "mein",
    "meine", "meiner", "meinem", "meinen", "unser", "unsere", "unserer", "unserem", "unseren",
    "sein", "seine", "seiner", "seinem", "seinen", "ihr", "ihre", "ihrer", "ihrem", "ihren", "ein",
    "eine", "einer", "einem", "einen", "eines", "die", "der", "das", "den", "dem", "des", "dieses",
    "diese", "diesem", "mi", "mini", "min", "s", "d", "em", "de", "unse", "use", "uese", "am",
    "vom", "zum", "zur", "beim",
];
/// Words for one child.
const CHILD: &[&str] = &[
    "daughter",
    "son",
    "sister",
    "brother",
    "niece",
    "nephew",
    "granddaughter",
    "grandson",
    "stepdaughter",
    "stepson",
    "goddaughter",
    "godson",
    "girl",
    "boy",
    "child",
    "kid",
    "toddler",
    "baby",
    "infant",
    "teen",
    "teenager",
    "minor",
    "pupil",
    "schoolgirl",
    "schoolboy",
    "lad",
    "lass",
    "preteen",
    "classmate",
    "kiddo",
    "sis",
    "bro",
    "tochter",
    "sohn",
    "schwester",
    "bruder",
    "nichte",
    "neffe",
    "enkel",
    "enkelin",
    "enkelkind",
    "patenkind",
    "stieftochter",
    "stiefsohn",
    "stiefkind",
    "pflegekind",
    "maedchen",
    "maedchens",
    "junge",
    "jungen",
    "kind",
    "kindes",
    "kleine",
    "kleinen",
    "kleiner",
    "baby",
    "saeugling",
    "schuelerin",
    "schuelers",
    "schueler",
    "maedel",
    "bub",
    "buben",
    "buam",
    "bueb",
    "bua",
    "meitli",
    "minderjaehrige",
    "minderjaehrigen",
    "minderjaehriger",
    "jugendliche",
    "jugendlichen",
    "mitschuelerin",
    "geschwisterkind",
    "schwesterchen",
    "bruederchen",
    "kumpel",
    "konfirmandin",
    "konfirmand",
    "spielerin",
    "goettikind",
    "gottekind",
];

/// A child in the singular with an article or a possessive: "our son", "the little girl".
pub(super) fn names_one_child(words: &[&str]) -> bool {
    words.iter().enumerate().any(|(at, word)| {
        CHILD.contains(word)
            && !is_english_kind(words, at)
            && words[at.saturating_sub(3)..at]
                .iter()
                .any(|w| BEFORE.contains(w))
    })
}
