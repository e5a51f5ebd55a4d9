//! A package for the British National Crime Agency, by Schedule 1 of SI 2026/268.
//!
//! The regulations let providers report by portal or interface only; this is what is copied into the
//! portal, in its order. The interface's description isn't public.

use obhut_facts::Language;

use super::{Form, Status};
use crate::documents::packages::{self, Asked, Profile, ask};

/// National Crime Agency.
pub const FORM: Form = Form {
    name: "package-nca",
    title: "National Crime Agency (GB): what the portal asks for",
    source: "The Online Safety (CSEA Content Reporting by Regulated User-to-User Service Providers) Regulations 2026, SI 2026/268, Schedule 1",
    status: Status::Preview,
    write: |d| packages::render(d, &PROFILE),
};

const PROFILE: Profile = Profile {
    name: "package-nca",
    title: "Report to the National Crime Agency",
    language: Language::English,
    law: "SI 2026/268, Schedule 1",
    asks: &[
        Asked {
            name: "Contact of the provider",
            needed: true,
            get: ask::contact,
        },
        Asked {
            name: "Reasons for its priority",
            needed: false,
            get: ask::danger,
        },
        Asked {
            name: "Content reported",
            needed: true,
            get: ask::content,
        },
        Asked {
            name: "What it is about",
            needed: false,
            get: ask::what,
        },
        Asked {
            name: "Date and time",
            needed: true,
            get: ask::when,
        },
        Asked {
            name: "How it was detected",
            needed: false,
            get: ask::detected,
        },
        Asked {
            name: "Platform",
            needed: false,
            get: ask::platform,
        },
        Asked {
            name: "URL",
            needed: false,
            get: ask::urls,
        },
        Asked {
            name: "Account",
            needed: false,
            get: ask::account,
        },
        Asked {
            name: "IP addresses, with port",
            needed: false,
            get: ask::addresses,
        },
        Asked {
            name: "Log-in IP addresses of three months",
            needed: false,
            get: ask::logins,
        },
        Asked {
            name: "EXIF",
            needed: false,
            get: ask::exif,
        },
        Asked {
            name: "Billing",
            needed: false,
            get: ask::billing,
        },
        Asked {
            name: "Telephone and its verification",
            needed: false,
            get: ask::phones,
        },
        Asked {
            name: "Devices",
            needed: false,
            get: ask::devices,
        },
        Asked {
            name: "Hash",
            needed: false,
            get: ask::digests,
        },
        Asked {
            name: "Children concerned",
            needed: false,
            get: ask::children,
        },
    ],
};
