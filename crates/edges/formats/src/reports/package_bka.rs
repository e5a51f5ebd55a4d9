//! A package for the German Bundeskriminalamt under DSA art. 18, in German.
//!
//! No public form of the BKA was found; the list is what the provider knows of what police need to
//! begin, in their language.

use obhut_facts::Language;

use super::{Form, Status};
use crate::documents::packages::{self, Asked, Profile, ask};

/// Bundeskriminalamt.
pub const FORM: Form = Form {
    name: "package-bka",
    title: "Bundeskriminalamt (DE): a package to hand over",
    source: "Regulation (EU) 2022/2065, art. 18; no public form",
    status: Status::Preview,
    write: |d| packages::render(d, &PROFILE),
};

const PROFILE: Profile = Profile {
    name: "package-bka",
    title: "Meldung eines Verdachts nach Art. 18 DSA",
    language: Language::German,
    law: "Verordnung (EU) 2022/2065 (DSA), Art. 18",
    asks: &[
        Asked {
            name: "Meldende Stelle und Kontakt",
            needed: true,
            get: ask::contact,
        },
        Asked {
            name: "Gefahr für ein Kind",
            needed: false,
            get: ask::danger,
        },
        Asked {
            name: "Gegenstand",
            needed: false,
            get: ask::what,
        },
        Asked {
            name: "Tatzeit und Kenntnis",
            needed: true,
            get: ask::when,
        },
        Asked {
            name: "Dienst",
            needed: false,
            get: ask::platform,
        },
        Asked {
            name: "Konto und Bestandsdaten",
            needed: false,
            get: ask::account,
        },
        Asked {
            name: "IP-Adressen mit Port und Zeitpunkt",
            needed: false,
            get: ask::addresses,
        },
        Asked {
            name: "Telefon",
            needed: false,
            get: ask::phones,
        },
        Asked {
            name: "Geräte",
            needed: false,
            get: ask::devices,
        },
        Asked {
            name: "Fundstellen",
            needed: false,
            get: ask::urls,
        },
        Asked {
            name: "Inhalte",
            needed: false,
            get: ask::content,
        },
        Asked {
            name: "Art der Feststellung",
            needed: false,
            get: ask::detected,
        },
        Asked {
            name: "Prüfsummen",
            needed: false,
            get: ask::digests,
        },
        Asked {
            name: "Betroffene Kinder",
            needed: false,
            get: ask::children,
        },
        Asked {
            name: "Zahlungen und Rechnungsdaten",
            needed: false,
            get: ask::billing,
        },
    ],
};
