//! A case as VICS 2.0 for forensic tools; written to a folder, encrypted, like a package.

use super::{Form, FormStatus, stays_here};
use crate::documents::vics_cases::{Version, render};

/// Project VIC's exchange format, version 2.0.
pub const FORM: Form = Form {
    name: "vics",
    title: "Forensic examiners: VICS 2.0",
    source: "Project VIC data model 2.0",
    status: FormStatus::Preview,
    write: |d| {
        let mut rendered = render(d, Version::Two);
        rendered.omitted.extend(stays_here(d));
        rendered
    },
};
