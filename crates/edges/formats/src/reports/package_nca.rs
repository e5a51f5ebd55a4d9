//! A package for the British National Crime Agency, by Schedule 1 of SI 2026/268.
//!
//! The regulations let providers report by portal or interface only; this is what is copied into the
//! portal, in its order. The interface's description isn't public.

use obhut_facts::Language;

use super::{Form, FormStatus};
use crate::documents::packages::{self, Profile, Requirement, ask};

/// National Crime Agency.
pub const FORM: Form = Form {
    name: "package-nca",
    title: "National Crime Agency (GB): what the portal asks for",
    source: "The Online Safety (CSEA Content Reporting by Regulated User-to-User Service Providers) Regulations 2026, SI 2026/268, Schedule 1",
    status: FormStatus::Preview,
    write: |d| packages::render(d, &PROFILE),
};

// Only a missing contact or missing content can stop this report: a time is always known.
const PROFILE: Profile = Profile {
    name: "package-nca",
    title: "Report to the National Crime Agency",
    language: Language::English,
    law: "SI 2026/268, Schedule 1",
    asks: &[
        Requirement {
            name: "Contact of the provider",
            needed: true,
            get: ask::contact,
        },
        Requirement {
            name: "Reasons for its priority",
            needed: false,
            get: ask::danger,
        },
        Requirement {
            name: "Content reported",
            needed: true,
            get: ask::content,
        },
        Requirement {
            name: "What it is about",
            needed: false,
            get: ask::what,
        },
        Requirement {
            name: "Date and time",
            needed: true,
            get: ask::when,
        },
        Requirement {
            name: "How it was detected",
            needed: false,
            get: ask::detected,
        },
        Requirement {
            name: "Platform",
            needed: false,
            get: ask::platform,
        },
        Requirement {
            name: "URL",
            needed: false,
            get: ask::urls,
        },
        Requirement {
            name: "Account",
            needed: false,
            get: ask::account,
        },
        Requirement {
            name: "IP addresses, with port",
            needed: false,
            get: ask::addresses,
        },
        Requirement {
            name: "Log-in IP addresses of three months",
            needed: false,
            get: ask::logins,
        },
        Requirement {
            name: "EXIF",
            needed: false,
            get: ask::exif,
        },
        Requirement {
            name: "Billing",
            needed: false,
            get: ask::billing,
        },
        Requirement {
            name: "Telephone and its verification",
            needed: false,
            get: ask::phones,
        },
        Requirement {
            name: "Devices",
            needed: false,
            get: ask::devices,
        },
        Requirement {
            name: "Hash",
            needed: false,
            get: ask::digests,
        },
        Requirement {
            name: "Children concerned",
            needed: false,
            get: ask::children,
        },
    ],
};
