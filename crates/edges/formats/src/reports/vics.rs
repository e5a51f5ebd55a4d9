//! A case as VICS 2.0 for forensic tools; laid ready encrypted, like a package.

use super::{Form, Status, stays_here};
use crate::documents::vics_cases::{Version, render};

/// Project VIC's exchange form, version 2.0.
pub const FORM: Form = Form {
    name: "vics",
    title: "Forensic examiners: VICS 2.0",
    source: "Project VIC data model 2.0",
    status: Status::Preview,
    write: |d| {
        let mut rendered = render(d, Version::Two);
        rendered.omitted.extend(stays_here(d));
        rendered
    },
};
