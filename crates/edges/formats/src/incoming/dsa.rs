//! A notice under Article 16 of Regulation (EU) 2022/2065. The notifier is never the suspect.

use obhut_facts::{Facts, IncomingFormat, Sealed};

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
        let facts = Facts {
            occurred_at: own(value, "date"),
            places: pages(urls),
            note: own(value, "explanation"),
            ..Facts::default()
        };
        given.facts = Sealed::new(facts);
        Ok(given)
    },
};
