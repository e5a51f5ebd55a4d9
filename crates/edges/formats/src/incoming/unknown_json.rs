//! JSON in an unknown format: not understood, but its sentences are kept for ranking.

use obhut_facts::{Facts, IncomingFormat, ParsedReport, Sealed, Understood};
use serde_json::Value;

use super::{Format, Input, empty};

/// Fewest words that make a string a sentence. Our judgement.
const SENTENCE_WORDS_MIN: usize = 3;
/// Longest note, in characters. Our judgement.
const NOTE_CHARS_MAX: usize = 20_000;

pub(super) const FORMAT: Format = Format {
    is: |input| input.json.is_some(),
    read,
};

fn read(input: &Input<'_>) -> Result<ParsedReport, String> {
    let value = input.json.as_ref().expect("is() accepted the input");
    let mut given = empty(IncomingFormat::Json);
    given.understood = Understood::No;
    let mut sentences = Vec::new();
    collect(value, &mut sentences);
    let note: String = sentences.join("\n").chars().take(NOTE_CHARS_MAX).collect();
    given.facts = Sealed::new(Facts {
        note: Some(note).filter(|n| !n.is_empty()),
        ..Facts::default()
    });
    Ok(given)
}

/// Collects the strings that are sentences. The parser's recursion limit bounds the depth.
fn collect<'a>(value: &'a Value, sentences: &mut Vec<&'a str>) {
    match value {
        Value::String(text) if text.split_whitespace().count() >= SENTENCE_WORDS_MIN => {
            sentences.push(text);
        }
        Value::Array(items) => items.iter().for_each(|v| collect(v, sentences)),
        Value::Object(fields) => fields.values().for_each(|v| collect(v, sentences)),
        _ => {}
    }
}
