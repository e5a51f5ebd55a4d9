//! A package for any authority without its own interface: PDF, JSON and files, in English.

use obhut_facts::Language;

use super::{Form, Status};
use crate::documents::packages::{self, Asked, Profile, ask};

/// Any authority.
pub const FORM: Form = Form {
    name: "package",
    title: "Any authority: a package to hand over",
    source: "obhut's own list, after CyberTipline, SI 2026/268 and DSA art. 18",
    status: Status::Preview,
    write: |d| packages::render(d, &PROFILE),
};

const PROFILE: Profile = Profile {
    name: "package",
    title: "Report of suspected child sexual abuse",
    language: Language::English,
    law: "obhut's own list",
    asks: &[
        Asked {
            name: "Reporter and contact",
            needed: true,
            get: ask::contact,
        },
        Asked {
            name: "Danger to a child",
            needed: false,
            get: ask::danger,
        },
        Asked {
            name: "What it is about",
            needed: false,
            get: ask::what,
        },
        Asked {
            name: "When",
            needed: true,
            get: ask::when,
        },
        Asked {
            name: "Account",
            needed: false,
            get: ask::account,
        },
        Asked {
            name: "IP addresses with port and time",
            needed: false,
            get: ask::addresses,
        },
        Asked {
            name: "Telephone",
            needed: false,
            get: ask::phones,
        },
        Asked {
            name: "Devices",
            needed: false,
            get: ask::devices,
        },
        Asked {
            name: "Addresses of the content",
            needed: false,
            get: ask::urls,
        },
        Asked {
            name: "Content",
            needed: false,
            get: ask::content,
        },
        Asked {
            name: "How it was detected",
            needed: false,
            get: ask::detected,
        },
        Asked {
            name: "Digests",
            needed: false,
            get: ask::digests,
        },
        Asked {
            name: "Children concerned",
            needed: false,
            get: ask::children,
        },
        Asked {
            name: "Payments and billing",
            needed: false,
            get: ask::billing,
        },
    ],
};
