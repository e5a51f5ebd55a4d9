//! Detects grounds of a decision that claim a file was viewed; `reports` compares the claim with
//! the recorded views.

/// Words that say a file was seen, in English and German.
const SEEN: &[&str] = &[
    "i saw",
    "we saw",
    "i have seen",
    "we have seen",
    "i've seen",
    "i viewed",
    "we viewed",
    "viewed by me",
    "have viewed",
    "i watched",
    "we watched",
    "have watched",
    "i looked at",
    "we looked at",
    "i reviewed the image",
    "i reviewed the picture",
    "i reviewed the video",
    "content seen",
    "contents seen",
    "file seen",
    "files seen",
    "picture seen",
    "video seen",
    "was seen",
    "were seen",
    "gesehen",
    "angesehen",
    "angeschaut",
    "gesichtet",
    "betrachtet",
];
/// Negations: as one of the two words before the phrase, they cancel the claim.
const NOT: &[&str] = &[
    "not", "never", "nicht", "nie", "ohne", "un", "haven't", "didn't", "nobody",
];

/// True if a text contains a phrase of [`SEEN`] that starts a word and isn't negated. This misses
/// some claims and finds some false ones, so it may only cause a remark.
pub(crate) fn claims_a_view(grounds: &str) -> bool {
    let text = grounds.to_lowercase();
    SEEN.iter().any(|seen| {
        text.match_indices(seen).any(|(at, _)| {
            let before = &text[..at];
            // "vorgesehen", "ungesehen": a part of another word.
            let whole = !before.ends_with(char::is_alphabetic);
            let mut words = before.split_whitespace().rev().take(2);
            whole
                && !words.any(|w| {
                    NOT.contains(&w.trim_matches(|c: char| !c.is_alphabetic() && c != '\''))
                })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_say_so_claim_a_view() {
        for (grounds, expected) in [
            ("I saw it: a child", true),
            ("We have seen the whole video.", true),
            ("Bild angesehen, eindeutig", true),
            ("Selbst gesichtet", true),
            ("matches a verified entry; content seen", true),
            ("as seen by the hotline", false),
            ("as assessed by the hotline", false),
            ("a match; not viewed", false),
            ("nicht angesehen", false),
            ("ungesehen gemeldet", false),
            ("wie vorgesehen", false),
            ("", false),
        ] {
            assert_eq!(claims_a_view(grounds), expected, "{grounds}");
        }
    }
}
