//! A notice under Article 16 of Regulation (EU) 2022/2065. The notifier is never the suspect.

use obhut_facts::{Account, Facts, IncomingFormat, Sealed, Understood};
use serde_json::Value;

use super::json::{own, pages, texts};
use super::{Format, empty};

pub(super) const FORMAT: Format = Format {
    is: |input| {
        input.json.as_ref().is_some_and(|v| {
            // JSON with an account comes from a web form: a notice names addresses.
            v.get("account").is_none()
                && (v["good_faith"].is_boolean()
                    || v["notifier"].is_object()
                    || v["notice_id"].is_string())
        })
    },
    read: |input| {
        let value = input.json.as_ref().expect("is() accepted the input");
        let mut given = empty(IncomingFormat::DsaNotice);
        given.number = own(value, "notice_id");
        let mut urls = texts(value, "urls");
        urls.extend(texts(value, "url"));
        let mut also = known(value, FIELDS);
        let author = &value["content_author"];
        let reported = match author {
            Value::Object(_) => {
                also &= known(author, AUTHOR_FIELDS);
                Account {
                    id: own(author, "account").or_else(|| own(author, "id")),
                    screen_name: own(author, "username"),
                    display_names: texts(author, "name"),
                    profile_urls: texts(author, "url"),
                    ..Account::default()
                }
            }
            _ => Account {
                id: own(value, "content_author"),
                ..Account::default()
            },
        };
        if !also {
            given.understood = Understood::Partly;
        }
        let facts = Facts {
            occurred_at: own(value, "date"),
            reported: Some(reported).filter(|a| *a != Account::default()),
            places: pages(urls),
            note: own(value, "explanation"),
            ..Facts::default()
        };
        given.facts = Sealed::new(facts);
        Ok(given)
    },
};

/// The fields of a notice that are read, and those that are left to the notifier: who notifies, and
/// in which belief, ranks nothing.
const FIELDS: &[&str] = &[
    "notice_id",
    "urls",
    "url",
    "date",
    "explanation",
    "content_author",
    "good_faith",
    "notifier",
];

/// The fields of who wrote the content.
const AUTHOR_FIELDS: &[&str] = &["account", "id", "username", "name", "url"];

/// True if an object says nothing in other fields than these.
fn known(value: &Value, fields: &[&str]) -> bool {
    let others = value.as_object().into_iter().flatten();
    let mut others = others.filter(|(name, _)| !fields.contains(&name.as_str()));
    others.all(|(_, v)| v.is_null())
}
