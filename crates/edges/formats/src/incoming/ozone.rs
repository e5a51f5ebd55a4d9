//! An Ozone moderation event, above all a divert event: a moderator hands content to another
//! system.

use obhut_facts::{IncomingFormat, Sealed};

use super::atproto::about;
use super::json::own;
use super::{Format, empty};

/// Any of Ozone's `modEvent…` types, not only `modEventDivert`.
pub(super) const FORMAT: Format = Format {
    is: |input| {
        input.json.as_ref().is_some_and(|v| {
            let kind = v["event"]["$type"].as_str().unwrap_or_default();
            kind.starts_with("tools.ozone.moderation.defs#modEvent")
        })
    },
    read: |input| {
        let value = input.json.as_ref().expect("is() accepted the input");
        let mut given = empty(IncomingFormat::Ozone);
        let mut facts = about(value);
        facts.note = own(&value["event"], "comment");
        given.number = own(value, "id");
        given.facts = Sealed::new(facts);
        Ok(given)
    },
};
