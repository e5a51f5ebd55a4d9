//! A report from the AT Protocol. `reportedBy` and `createdBy` are the reporter, never the suspect.

use obhut_facts::{Account, Facts, IncidentKind, IncidentTag, IncomingFormat, Sealed};
use serde_json::Value;

use super::json::{own, pages, texts};
use super::{Format, empty};

/// A report as `com.atproto.moderation.createReport` returns it.
pub(super) const FORMAT: Format = Format {
    is: |input| {
        input
            .json
            .as_ref()
            .is_some_and(|v| v["reasonType"].is_string() && v["subject"].is_object())
    },
    read: |input| {
        let value = input.json.as_ref().expect("is() accepted the input");
        let mut given = empty(IncomingFormat::Atproto);
        given.number = own(value, "id");
        let mut facts = about(value);
        facts.note = own(value, "reason");
        let kind = value["reasonType"].as_str().unwrap_or_default();
        let kind = kind.rsplit('#').next().unwrap_or_default();
        match kind {
            "reasonChildSafetyCSAM" => facts.incident = Some(IncidentKind::Material),
            "reasonChildSafetyGroom" => facts.incident = Some(IncidentKind::Enticement),
            "reasonChildSafetySextortion" => facts.tags.push(IncidentTag::Sextortion),
            // Privacy, endangerment, harassment and others match no kind of incident.
            _ => {}
        }
        given.facts = Sealed::new(facts);
        Ok(given)
    },
};

/// Account and addresses of the subject. `reportedBy` and `createdBy` are the reporter, never the
/// suspect.
pub(super) fn about(value: &Value) -> Facts {
    let subject = &value["subject"];
    let uri = own(subject, "uri");
    let did = own(subject, "did").or_else(|| {
        let rest = uri.as_deref()?.strip_prefix("at://")?;
        Some(rest.split('/').next()?.to_owned())
    });
    let mut urls: Vec<String> = uri.into_iter().collect();
    urls.extend(
        texts(value, "subjectBlobCids")
            .into_iter()
            .map(|cid| format!("ipld://{cid}")),
    );
    Facts {
        occurred_at: own(value, "createdAt"),
        reported: did.map(|id| Account {
            id: Some(id),
            ..Account::default()
        }),
        places: pages(urls),
        ..Facts::default()
    }
}
