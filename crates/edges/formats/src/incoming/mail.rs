//! An e-mail: the structured report or PDF attached to it, or else its text; messages attached to
//! it are not read. The sender is never the suspect.

use mail_parser::MessageParser;
use obhut_facts::{Facts, IncomingFormat, ParsedReport, Sealed, Understood};

use super::{Format, Input, archive, empty};

/// Lines searched for header fields, from the top; three known ones make it an e-mail. Our
/// judgement.
const HEAD_LINES_MAX: usize = 20;

pub(super) const FORMAT: Format = Format { is, read };

fn is(input: &Input<'_>) -> bool {
    let mut headers = 0;
    for line in input.text.lines().take(HEAD_LINES_MAX) {
        let name = line
            .split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        match name.as_str() {
            "from" | "to" | "subject" | "date" | "received" | "return-path" | "message-id"
            | "mime-version" | "content-type" => headers += 1,
            "" => break,
            _ => {}
        }
    }
    headers >= 3
}

fn read(input: &Input<'_>) -> Result<ParsedReport, String> {
    let message = MessageParser::default()
        .parse(input.text.as_bytes())
        .ok_or_else(|| "it begins like an e-mail and isn't one".to_owned())?;
    let attached: Vec<Vec<u8>> = message
        .attachments()
        .filter(|part| !part.is_message())
        .map(|part| part.contents().to_vec())
        .collect();
    let text = message.body_text(0).unwrap_or_default().trim().to_owned();
    // The attached report counts; the mail's own text is added to its note.
    if let Some(mut given) = archive::best(&attached) {
        let facts = given.facts.expose();
        let notes = [facts.note.as_deref().unwrap_or_default(), &text];
        let note = notes
            .into_iter()
            .filter(|n| !n.is_empty())
            .collect::<Vec<_>>()
            .join("\n");
        let facts = Facts {
            note: Some(note).filter(|n| !n.is_empty()),
            ..facts.clone()
        };
        given.facts = Sealed::new(facts);
        return Ok(given);
    }
    let mut given = empty(IncomingFormat::Mail);
    let subject = message.subject().unwrap_or_default();
    let note = format!("{subject}\n{text}");
    if !attached.is_empty() {
        given.understood = Understood::Partly;
    }
    given.facts = Sealed::new(Facts {
        note: Some(note.trim().to_owned()).filter(|n| !n.is_empty()),
        ..Facts::default()
    });
    Ok(given)
}
