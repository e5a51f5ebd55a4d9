//! A case as an event for the operator's own system, after Standard Webhooks.

use obhut_facts::{Dossier, rfc3339};
use serde_json::json;

use super::{Form, FormStatus, Rendered};
use crate::documents::dossier_json;

/// The operator's own system.
pub const FORM: Form = Form {
    name: "webhook",
    title: "A system of your own, by webhook",
    source: "Standard Webhooks 1.0.0",
    status: FormStatus::Preview,
    write,
};

fn write(d: &Dossier) -> Rendered {
    let mut text = serde_json::to_string_pretty(
        // The event is the approval; the time of sending is in a header.
        &json!({ "type": "report.approved", "timestamp": rfc3339(d.made_at), "data": dossier_json::case(d) }),
    )
    .expect("a case is JSON");
    text.push('\n');
    Rendered {
        report: text.into_bytes(),
        media_type: "application/json",
        files: Vec::new(),
        attached: Vec::new(),
        remarks: Vec::new(),
        omitted: dossier_json::omitted(d),
    }
}
