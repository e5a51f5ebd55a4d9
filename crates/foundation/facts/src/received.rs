//! The words of a report that came in: they rank the case it was opened from, and stay here.

use crate::{Account, Facts};

/// Moves the free texts into [`Facts::received_note`], and the reason for urgency into
/// [`Facts::received_urgent`]. Others wrote them; they may name a caller or a child, and no
/// report of ours contains those two fields.
pub fn keep_words_here(facts: &mut Facts) {
    let mut words: Vec<String> = facts.received_note.take().into_iter().collect();
    words.extend(facts.note.take());
    words.extend(facts.occurred_at_note.take());
    words.extend(facts.places.iter_mut().flat_map(|p| p.take_words()));
    let messages = facts.threads.iter_mut().flat_map(|t| t.messages.drain(..));
    words.extend(messages.map(|m| m.text));
    let accounts = facts
        .reported
        .iter_mut()
        .chain(&mut facts.also_reported)
        .chain(&mut facts.recipients)
        .chain(&mut facts.victims);
    accounts.for_each(|a| of_account(a, &mut words));
    words.extend(facts.files.values_mut().filter_map(|f| f.note.take()));
    words.retain(|w| !w.trim().is_empty());
    facts.received_note = (!words.is_empty()).then(|| words.join("\n"));
    if let Some(why) = facts.urgent_because.take() {
        facts.received_urgent = Some(why);
    }
}

fn of_account(account: &mut Account, words: &mut Vec<String>) {
    words.extend(account.note.take());
    for linked in &mut account.associated {
        of_account(linked, words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_of_a_free_text_is_left_outside() {
        let json = r#"{"note": "word", "occurred_at_note": "word", "urgent_because": "word",
            "places": [{"place": "chat", "content": "word", "note": "word"}, {"place": "web-page", "urls": ["https://e.example"], "note": "word"}],
            "reported": {"id": "a", "note": "word", "associated": [{"id": "b", "note": "word"}]},
            "also_reported": [{"note": "word"}], "recipients": [{"note": "word"}], "victims": [{"note": "word"}],
            "threads": [{"id": "t", "messages": [{"text": "word"}]}], "files": {"f": {"note": "word"}}}"#;
        let mut facts = Facts::from_json(json.as_bytes()).unwrap();
        keep_words_here(&mut facts);
        assert_eq!(
            facts.received_note.take().unwrap().matches("word").count(),
            12
        );
        assert_eq!(facts.received_urgent.take().as_deref(), Some("word"));
        let left = serde_json::to_string(&facts).unwrap();
        assert!(!left.contains("word"), "{left}");
        assert!(left.contains("https://e.example") && left.contains("\"id\":\"t\""));
    }
}
