//! A case as VICS 2.0 for forensic tools; laid ready encrypted, like a package.

use super::{Destination, Status, stays_here};
use crate::packages;
use crate::vics_cases::{Version, render};

/// Project VIC's exchange form, version 2.0.
pub const DESTINATION: Destination = Destination {
    name: "vics",
    title: "Forensic examiners: VICS 2.0",
    source: "Project VIC data model 2.0",
    status: Status::Preview,
    render: |report| {
        let mut rendered = render(&report.dossier, Version::Two);
        rendered.omitted.extend(stays_here(&report.dossier));
        rendered
    },
    check: |d| {
        let mut rendered = render(d, Version::Two);
        rendered.omitted.extend(stays_here(d));
        rendered.into()
    },
    send: |errand| Box::pin(packages::send_document(errand, "json")),
    retract: |errand| Box::pin(packages::retract(errand)),
};
