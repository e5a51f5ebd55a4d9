//! An e-mail as an incoming report: a structured report or PDF that is attached to it or to a
//! message forwarded with it, or else its text. The sender is never the suspect.

use std::borrow::Cow;

use mail_parser::{Message, MessageParser};
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

/// Splits a mailbox in the mbox format into its mails. A mail begins with a line `From ADDRESS DATE`
/// at the start or after a blank line, and a header line after it: without these conditions a
/// sentence that begins with "From" would split a mail.
pub(super) fn each_mail(bytes: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let mut begins = Vec::new();
    let mut at = 0;
    let mut after_blank = true;
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    for (n, line) in lines.iter().enumerate() {
        let header = lines.get(n + 1).is_some_and(|next| {
            let name = next.split(|b| *b == b':').next().unwrap_or_default();
            let plain = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
            name.len() < next.len() && !name.is_empty() && name.iter().all(plain)
        });
        if after_blank && line.starts_with(b"From ") && header {
            begins.push(at);
        }
        after_blank = line.trim_ascii().is_empty();
        at += line.len();
    }
    if begins.first() != Some(&0) {
        return Vec::new();
    }
    begins.push(bytes.len());
    let mails = begins.windows(2).map(|w| &bytes[w[0]..w[1]]);
    mails.map(Cow::Borrowed).collect()
}

fn read(input: &Input<'_>) -> Result<ParsedReport, String> {
    let message = MessageParser::default()
        .parse(input.raw)
        .ok_or_else(|| "it begins like an e-mail but can't be parsed as one".to_owned())?;
    let mut all = Inside::default();
    all.gather(&message, 0);
    let Inside {
        attached,
        texts,
        is_cut,
    } = all;
    let text = texts.join("\n");
    // The attached report is used; the mail's own text is added to that report's note.
    if let Some(mut given) = archive::best(&attached) {
        let facts = given.facts.expose();
        let subject = message.subject().unwrap_or_default();
        let notes = [facts.note.as_deref().unwrap_or_default(), subject, &text];
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
        if is_cut && given.understood == Understood::Yes {
            given.understood = Understood::Partly;
        }
        return Ok(given);
    }
    let mut given = empty(IncomingFormat::Mail);
    let subject = message.subject().unwrap_or_default();
    let note = format!("{subject}\n{text}");
    if !attached.is_empty() || is_cut {
        given.understood = Understood::Partly;
    }
    given.facts = Sealed::new(Facts {
        note: Some(note.trim().to_owned()).filter(|n| !n.is_empty()),
        ..Facts::default()
    });
    Ok(given)
}

/// How many levels of messages forwarded inside one another are read. Our judgement.
const DEPTH_MAX: usize = 4;

/// What a message and those forwarded with it contain.
#[derive(Default)]
struct Inside {
    attached: Vec<Vec<u8>>,
    texts: Vec<String>,
    /// True if a message nested deeper than `DEPTH_MAX` was not read.
    is_cut: bool,
}

impl Inside {
    fn gather(&mut self, message: &Message<'_>, depth: usize) {
        if depth > DEPTH_MAX {
            self.is_cut = true;
            return;
        }
        if depth > 0 {
            self.texts.extend(message.subject().map(str::to_owned));
        }
        let mut bodies: Vec<String> = (0..message.text_body_count())
            .filter_map(|n| message.body_text(n))
            .map(|text| text.trim().to_owned())
            .collect();
        // The HTML version of the same text may say more: a plain one may only say "see HTML".
        for part in message
            .html_body
            .iter()
            .filter(|p| !message.text_body.contains(p))
        {
            let html = message.part(*part).and_then(|p| p.text_contents());
            bodies.extend(html.map(mail_parser::decoders::html::html_to_text));
        }
        self.texts
            .extend(bodies.into_iter().filter(|t| !t.trim().is_empty()));
        for part in message.attachments() {
            match part.message() {
                Some(inner) => self.gather(inner, depth + 1),
                None => self.attached.push(part.contents().to_vec()),
            }
        }
    }
}
