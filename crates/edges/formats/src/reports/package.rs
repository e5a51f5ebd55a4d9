//! A package for any authority without its own interface: PDF, JSON and files, in English.

use obhut_facts::Language;

use super::{Form, FormStatus};
use crate::documents::packages::{self, Profile, Requirement, ask};

/// Any authority.
pub const FORM: Form = Form {
    name: "package",
    title: "Any authority: a package to hand over",
    source: "obhut's own list, after CyberTipline, SI 2026/268 and DSA art. 18",
    status: FormStatus::Preview,
    write: |d| packages::render(d, &PROFILE),
};

// A missing `needed` item stops the report; any other is only named as missing (packages.rs).
const PROFILE: Profile = Profile {
    name: "package",
    title: "Report of suspected child sexual abuse",
    language: Language::English,
    law: "obhut's own list",
    questions: &[],
    checks: |_| Vec::new(),
    asks: &[
        Requirement {
            name: "Reporter and contact",
            needed: true,
            get: ask::contact,
        },
        Requirement {
            name: "Danger to a child",
            needed: false,
            get: ask::danger,
        },
        Requirement {
            name: "What it is about",
            needed: false,
            get: ask::what,
        },
        Requirement {
            name: "When",
            needed: true,
            get: ask::when,
        },
        Requirement {
            name: "Account",
            needed: false,
            get: ask::account,
        },
        Requirement {
            name: "IP addresses with port and time",
            needed: false,
            get: ask::addresses,
        },
        Requirement {
            name: "Telephone",
            needed: false,
            get: ask::phones,
        },
        Requirement {
            name: "Devices",
            needed: false,
            get: ask::devices,
        },
        Requirement {
            name: "Addresses of the content",
            needed: false,
            get: ask::urls,
        },
        Requirement {
            name: "Content",
            needed: false,
            get: ask::content,
        },
        Requirement {
            name: "How it was detected",
            needed: false,
            get: ask::detected,
        },
        Requirement {
            name: "Digests",
            needed: false,
            get: ask::digests,
        },
        Requirement {
            name: "Children concerned",
            needed: false,
            get: ask::children,
        },
        Requirement {
            name: "Payments and billing",
            needed: false,
            get: ask::billing,
        },
    ],
};
