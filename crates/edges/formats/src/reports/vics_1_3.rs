//! A case as VICS 1.3 for forensic tools; written to a folder, encrypted, like a package.

use super::{Form, FormStatus, stays_here};
use crate::documents::vics_cases::{Version, render};

/// Project VIC's exchange format, version 1.3.
pub const FORM: Form = Form {
    name: "vics-1-3",
    title: "Forensic examiners: VICS 1.3",
    source: "Project VIC data model 1.3",
    status: FormStatus::Preview,
    write: |d| {
        let mut rendered = render(d, Version::OneThree);
        rendered.omitted.extend(stays_here(d));
        rendered
    },
};
