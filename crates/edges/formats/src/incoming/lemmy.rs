//! A Lemmy report: `creator` reports; `post_creator`, `comment_creator` or
//! `private_message_creator` is reported.

use obhut_facts::{Account, Facts, IncomingFormat, ParsedReport, Sealed};

use super::json::{own, pages, texts};
use super::{Format, Input, empty};

/// Lemmy's report views of posts, comments and private messages.
pub(super) const FORMAT: Format = Format {
    is: |input| {
        input.json.as_ref().is_some_and(|v| {
            ["post_report", "comment_report", "private_message_report"]
                .iter()
                .any(|name| v[name].is_object())
        })
    },
    read,
};

fn read(input: &Input<'_>) -> Result<ParsedReport, String> {
    let value = input.json.as_ref().expect("is() accepted the input");
    let mut given = empty(IncomingFormat::Lemmy);
    let (kind, creator) = [
        ("post_report", "post_creator"),
        ("comment_report", "comment_creator"),
        ("private_message_report", "private_message_creator"),
    ]
    .into_iter()
    .find(|(kind, _)| value[kind].is_object())
    .expect("is() accepted the input");
    let report = &value[kind];
    given.number = own(report, "id");
    let person = &value[creator];
    let mut urls = texts(&value["post"], "ap_id");
    urls.extend(texts(&value["post"], "url"));
    urls.extend(texts(&value["comment"], "ap_id"));
    urls.extend(texts(report, "original_post_url"));
    urls.dedup();
    let mut notes = texts(report, "reason");
    for name in [
        "original_post_name",
        "original_post_body",
        "original_comment_text",
        "original_pm_text",
    ] {
        notes.extend(own(report, name));
    }
    let facts = Facts {
        occurred_at: own(report, "published"),
        reported: person.is_object().then(|| Account {
            id: own(person, "id"),
            screen_name: own(person, "name"),
            display_names: texts(person, "display_name"),
            profile_urls: texts(person, "actor_id"),
            ..Account::default()
        }),
        places: pages(urls),
        note: Some(notes.join("\n")).filter(|n| !n.is_empty()),
        ..Facts::default()
    };
    given.facts = Sealed::new(facts);
    Ok(given)
}
