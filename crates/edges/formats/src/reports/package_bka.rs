//! A package for the German Bundeskriminalamt under DSA art. 18, in German.
//!
//! No public form of the BKA was found; the list is our own: what police need to start, in their language.

use obhut_facts::Language;

use super::{Form, FormStatus};
use crate::documents::packages::{self, Profile, Requirement, ask};

/// Bundeskriminalamt.
pub const FORM: Form = Form {
    name: "package-bka",
    title: "Bundeskriminalamt (DE): a package to hand over",
    source: "Regulation (EU) 2022/2065, art. 18; no public form",
    status: FormStatus::Preview,
    write: |d| packages::render(d, &PROFILE),
};

// The time of the finding is always known, so only a missing contact can stop this report.
const PROFILE: Profile = Profile {
    name: "package-bka",
    title: "Meldung eines Verdachts nach Art. 18 DSA",
    language: Language::German,
    law: "Verordnung (EU) 2022/2065 (DSA), Art. 18",
    asks: &[
        Requirement {
            name: "Meldende Stelle und Kontakt",
            needed: true,
            get: ask::contact,
        },
        Requirement {
            name: "Gefahr für ein Kind",
            needed: false,
            get: ask::danger,
        },
        Requirement {
            name: "Gegenstand",
            needed: false,
            get: ask::what,
        },
        Requirement {
            name: "Tatzeit und Kenntnis",
            needed: true,
            get: ask::when,
        },
        Requirement {
            name: "Dienst",
            needed: false,
            get: ask::platform,
        },
        Requirement {
            name: "Konto und Bestandsdaten",
            needed: false,
            get: ask::account,
        },
        Requirement {
            name: "IP-Adressen mit Port und Zeitpunkt",
            needed: false,
            get: ask::addresses,
        },
        Requirement {
            name: "Telefon",
            needed: false,
            get: ask::phones,
        },
        Requirement {
            name: "Geräte",
            needed: false,
            get: ask::devices,
        },
        Requirement {
            name: "Fundstellen",
            needed: false,
            get: ask::urls,
        },
        Requirement {
            name: "Inhalte",
            needed: false,
            get: ask::content,
        },
        Requirement {
            name: "Art der Feststellung",
            needed: false,
            get: ask::detected,
        },
        Requirement {
            name: "Prüfsummen",
            needed: false,
            get: ask::digests,
        },
        Requirement {
            name: "Betroffene Kinder",
            needed: false,
            get: ask::children,
        },
        Requirement {
            name: "Zahlungen und Rechnungsdaten",
            needed: false,
            get: ask::billing,
        },
    ],
};
