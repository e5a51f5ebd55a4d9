//! What a person determines about a case because a destination asks for it: legal questions that no
//! program answers.

use serde::{Deserialize, Serialize};

use crate::words;

words! {
    /// A question that only a person answers.
    Question {
        /// Which offence it is under the German criminal code; for the Bundeskriminalamt.
        OffenceDe = "offence-de",
        /// Whether a person's life or safety is in danger and harm is likely soon; for the
        /// Bundeskriminalamt.
        ThreatDe = "threat-de",
        /// What links the content with the United Kingdom; for the National Crime Agency.
        LinkUk = "link-uk",
        /// The legal basis of a measure; for the DSA Transparency Database.
        GroundDsa = "ground-dsa",
    }
}

/// An answer: its word, and its text in the destination's language.
pub type Answer = (&'static str, &'static str);

/// Sections of the Strafgesetzbuch with their titles, as amended up to 2024-06-28. Which one
/// applies depends on the child's age and on what was done; the category on a hash list gives
/// neither.
const OFFENCES_DE: &[Answer] = &[
    ("176", "§ 176 StGB, Sexueller Missbrauch von Kindern"),
    (
        "176a",
        "§ 176a StGB, Sexueller Missbrauch von Kindern ohne Körperkontakt mit dem Kind",
    ),
    (
        "176b",
        "§ 176b StGB, Vorbereitung des sexuellen Missbrauchs von Kindern",
    ),
    (
        "176c",
        "§ 176c StGB, Schwerer sexueller Missbrauch von Kindern",
    ),
    (
        "176e",
        "§ 176e StGB, Verbreitung und Besitz von Anleitungen zu sexuellem Missbrauch von Kindern",
    ),
    (
        "184b",
        "§ 184b StGB, Verbreitung, Erwerb und Besitz kinderpornographischer Inhalte",
    ),
    (
        "184c",
        "§ 184c StGB, Verbreitung, Erwerb und Besitz jugendpornographischer Inhalte",
    ),
    ("other", "andere Straftat; siehe Freitext"),
];

/// The portal's field a), "Gefährdungssachverhalt (ja/nein)" (BKA, Übermittlung von
/// Verdachtsmeldungen gemäß Art. 18 DSA).
const THREAT_DE: &[Answer] = &[("yes", "ja"), ("no", "nein")];

/// Online Safety Act 2023, section 70(6)(a) to (d).
const LINKS_UK: &[Answer] = &[
    (
        "place",
        "the place where the content was published, generated, uploaded or shared (s. 70(6)(a))",
    ),
    (
        "nationality",
        "the nationality of a person suspected of the related offence (s. 70(6)(b))",
    ),
    (
        "suspect-location",
        "the location of a person suspected of the related offence (s. 70(6)(c))",
    ),
    (
        "child-location",
        "the location of a child who is a suspected victim (s. 70(6)(d))",
    ),
    ("none", "no link with the United Kingdom"),
];

/// Articles of Directive 2011/93/EU, which each member state transposes in its own provisions.
const GROUNDS_DSA: &[Answer] = &[
    (
        "material",
        "the national provisions that transpose Article 5 of Directive 2011/93/EU, offences concerning child sexual abuse material",
    ),
    (
        "solicitation",
        "the national provisions that transpose Article 6 of Directive 2011/93/EU, solicitation of children for sexual purposes",
    ),
];

impl Question {
    /// The answers it takes.
    pub fn answers(self) -> &'static [Answer] {
        match self {
            Self::OffenceDe => OFFENCES_DE,
            Self::ThreatDe => THREAT_DE,
            Self::LinkUk => LINKS_UK,
            Self::GroundDsa => GROUNDS_DSA,
        }
    }

    /// The text of an answer, in the destination's language; none for an unknown word.
    pub fn text(self, answer: &str) -> Option<&'static str> {
        let mut answers = self.answers().iter();
        answers.find(|a| a.0 == answer).map(|a| a.1)
    }

    /// Why these answers are refused: none given, one unknown, one given twice, or two that exclude
    /// each other. None if they are accepted.
    pub fn refuses(self, answers: &[String]) -> Option<String> {
        let words: Vec<_> = self.answers().iter().map(|a| a.0).collect();
        if answers.is_empty() || answers.iter().any(|a| !words.contains(&a.as_str())) {
            return Some(format!("{self} takes: {}", words.join(", ")));
        }
        let alone = match self {
            Self::OffenceDe | Self::GroundDsa => false,
            Self::ThreatDe => true,
            Self::LinkUk => answers.iter().any(|a| a == "none"),
        };
        let twice = (1..answers.len()).any(|n| answers[..n].contains(&answers[n]));
        ((alone && answers.len() > 1) || twice)
            .then(|| format!("{self}: these answers exclude each other, or one is given twice"))
    }
}

/// What a person determined.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Determination {
    /// What was asked.
    pub question: Question,
    /// The answers, as words of the question.
    pub answers: Vec<String>,
    /// Why.
    pub grounds: String,
    /// Name of the person at that time.
    pub name: String,
    /// When, microseconds since 1970.
    #[serde(serialize_with = "crate::time::time")]
    pub determined_at: i64,
}

impl Determination {
    /// The answers in the destination's language.
    pub fn texts(&self) -> Vec<String> {
        let text = |a: &String| {
            self.question
                .text(a)
                .map_or_else(|| a.clone(), str::to_owned)
        };
        self.answers.iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_of_their_question_and_go_together() {
        #[rustfmt::skip]
        let table: &[(Question, &[&str], bool)] = &[
            (Question::OffenceDe, &["184b"], true),
            (Question::OffenceDe, &["184b", "184c"], true),
            (Question::OffenceDe, &["184b", "184b"], false),
            (Question::OffenceDe, &["A1"], false),
            (Question::OffenceDe, &[], false),
            (Question::ThreatDe, &["yes"], true),
            (Question::ThreatDe, &["yes", "no"], false),
            (Question::ThreatDe, &["184b"], false),
            (Question::LinkUk, &["place", "child-location"], true),
            (Question::LinkUk, &["none"], true),
            (Question::LinkUk, &["none", "place"], false),
        ];
        for (question, answers, taken) in table {
            let answers: Vec<_> = answers.iter().map(|a| (*a).to_owned()).collect();
            let refused = question.refuses(&answers);
            assert_eq!(
                refused.is_none(),
                *taken,
                "{question} {answers:?} {refused:?}"
            );
        }
    }
}
