//! Whether the texts of a report are read at all: in German or English, and not too long.

use whatlang::{Detector, Lang};

use crate::Facts;
use crate::signals::{CHARS_MAX, texts};

/// Letters from which a language can be detected. Our judgement: in shorter texts names and abbreviations
/// outweigh the words.
const LETTERS_MIN: usize = 20;
/// Letters from which the language of a single sentence is detected. Our judgement: a sentence within a
/// line is more often a fragment than a line is.
const SENTENCE_LETTERS_MIN: usize = 40;
/// Characters after which a text is cut, at the end of a line, so that a passage in another language
/// isn't outweighed by the rest. Our judgement.
const PASSAGE_CHARS: usize = 300;
/// Confidence from which a passage counts as another language. Our judgement: of the 3,350 invented
/// reports in German and English (`fixtures/wording`), 7 are taken for another language.
const CONFIDENCE_MIN: f64 = 0.9;

/// Whether the rules and points for free text read all of a report's texts: false if they
/// have more than 40,000 characters, or if a passage is in a language other than German and
/// English. A passage of a few words counts as read.
pub fn texts_are_read(facts: &Facts) -> bool {
    let mut chars = 0;
    // Messages of a few words are judged together.
    let mut passage = String::new();
    for text in texts(facts) {
        chars += text.chars().count();
        if chars > CHARS_MAX {
            return false;
        }
        for line in text.lines() {
            if letters(line) >= LETTERS_MIN && is_foreign(line) {
                return false;
            }
            // A sentence in another language within a line of English ones.
            let mut sentences = line.split_inclusive(['.', '!', '?']);
            if sentences.any(|s| {
                s.len() < line.len() && letters(s) >= SENTENCE_LETTERS_MIN && is_foreign(s)
            }) {
                return false;
            }
            passage.push_str(line);
            passage.push('\n');
            if passage.len() >= PASSAGE_CHARS {
                if is_foreign(&passage) {
                    return false;
                }
                passage.clear();
            }
        }
    }
    !is_foreign(&passage)
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

/// True for a text that is neither German nor English, as far as the library can detect it.
fn is_foreign(text: &str) -> bool {
    let all = letters(text);
    // Up to U+024F letters are Latin. In other scripts a word has few letters, and which of two
    // languages it is doesn't matter.
    let latin = text
        .chars()
        .filter(|c| c.is_alphabetic() && *c <= '\u{24f}')
        .count();
    if latin * 2 < all {
        return all >= LETTERS_MIN / 4;
    }
    if all < LETTERS_MIN {
        return false;
    }
    let Some(likeliest) = whatlang::detect(text).map(|f| f.lang()) else {
        return false;
    };
    if matches!(likeliest, Lang::Deu | Lang::Eng) {
        return false;
    }
    // Compared again with German and English alone: that it might as well be Catalan as Spanish
    // makes it no less foreign.
    let three = Detector::with_allowlist(vec![Lang::Deu, Lang::Eng, likeliest]);
    let found = three.detect(text);
    found.is_some_and(|f| f.lang() == likeliest && f.confidence() >= CONFIDENCE_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> bool {
        let messages = texts.iter().map(|t| crate::Message {
            text: (*t).to_owned(),
            ..crate::Message::default()
        });
        let facts = Facts {
            threads: vec![crate::Thread {
                messages: messages.collect(),
                ..crate::Thread::default()
            }],
            ..Facts::default()
        };
        texts_are_read(&facts)
    }

    #[test]
    fn another_language_is_not_read() {
        for (text, expected) in [
            (
                "My daughter is 12 and meets him tomorrow at the station.",
                true,
            ),
            (
                "Meine Tochter ist 12 und trifft ihn morgen am Bahnhof.",
                true,
            ),
            ("lol u home rn? cant talk mum is here brb", true),
            ("ey digga was geht, bin grad aufm weg zu dir", true),
            ("ok", true),
            ("", true),
            (
                "https://example.org/a/b?c=d user_4711 2026-11-29T10:00:00Z",
                true,
            ),
            (
                "Ma fille de 12 ans a rendez-vous demain avec un homme rencontré sur un jeu.",
                false,
            ),
            (
                "La niña tiene doce años y el hombre quiere verla mañana.",
                false,
            ),
            (
                "Mijn dochter van twaalf heeft morgen afgesproken met hem.",
                false,
            ),
            (
                "Моей дочери двенадцать лет, и завтра она встречается с ним",
                false,
            ),
            ("ابنتي عمرها اثنا عشر عاما وستلتقي برجل غدا", false),
            ("我女儿十二岁明天要见他", false),
            (
                "The form says this is about a child. La niña tiene doce años y el hombre quiere verla mañana en la estación. Please look at it soon, the sender is waiting.",
                false,
            ),
            // A sentence in a form whose other lines are English.
            (
                "Report type: grooming\nDescription of the incident:\nLa niña tiene doce años y el hombre quiere verla mañana.\nSent by the form",
                false,
            ),
        ] {
            assert_eq!(read(&[text]), expected, "{text}");
        }
        // No message has enough letters, all together have.
        assert!(!read(&[
            "ven mañana",
            "no le digas nada",
            "a tu madre",
            "te espero allí"
        ]));
        assert!(read(&["come here", "tell nobody", "not your mum", "ok?"]));
    }

    /// Of the invented reports, which are German or English.
    #[test]
    fn few_reports_are_taken_for_another_language() {
        let folder =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fixtures/wording");
        let (mut all, mut wrong) = (0, Vec::new());
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|e| e != "tsv") {
                continue;
            }
            for line in std::fs::read_to_string(path).unwrap().lines() {
                let (_, text) = line.split_once('\t').unwrap();
                all += 1;
                if !read(&[&text.replace("\\n", "\n")]) {
                    wrong.push(text.to_owned());
                }
            }
        }
        assert!(
            all > 3_000 && wrong.len() <= all / 200,
            "{}: {wrong:#?}",
            wrong.len()
        );
    }

    #[test]
    fn what_is_behind_the_limit_is_not_read() {
        let long = "These are plain English words. ".repeat(CHARS_MAX / 31);
        assert!(read(&[&long]));
        assert!(!read(&[
            &long,
            "He wants to meet her tomorrow at the station."
        ]));
    }
}
