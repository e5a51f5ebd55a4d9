//! A package for the German Bundeskriminalamt under DSA art. 18, in German.
//!
//! The BKA publishes a guide to the fields of its portal, but no schema and no interface. `PROFILE`
//! begins with fields a) and b) of that guide. The other fields couldn't be obtained, so the rest
//! is our own choice: what police need to begin.
//!
//! Invariant: a person determines danger and offence. Neither follows from a hash list's category.

use obhut_facts::{Dossier, Language, Question};

use super::{DETERMINATION, Form, FormStatus, Remark};
use crate::documents::packages::{self, Profile, Requirement, ask};

/// Bundeskriminalamt.
pub const FORM: Form = Form {
    name: "package-bka",
    title: "Bundeskriminalamt (DE): a package to hand over",
    source: "Regulation (EU) 2022/2065, art. 18; BKA, fields a) and b) of its portal",
    status: FormStatus::Preview,
    write: |d| packages::render(d, &PROFILE),
};

/// The guide that describes the first two fields.
const GUIDE: &str = "BKA, Übermittlung von Verdachtsmeldungen gemäß Art. 18 DSA";

/// What a person has to determine before the report can be approved.
fn checks(d: &Dossier) -> Vec<Remark> {
    [
        (
            Question::ThreatDe,
            "the portal asks whether there is a danger to a person's life or safety that is likely to cause harm soon; a person answers yes or no",
        ),
        (
            Question::OffenceDe,
            "the portal asks for the field of crime; a person chooses the section of the Strafgesetzbuch, no category does",
        ),
    ]
    .into_iter()
    .filter(|(question, _)| d.determinations.iter().all(|m| m.question != *question))
    .map(|(question, what)| Remark {
        field: format!("{DETERMINATION}{question}"),
        what: what.to_owned(),
        source: GUIDE,
        stops: true,
    })
    .collect()
}

// The time of the finding is always known, so besides `checks` only a missing contact can stop this
// report.
const PROFILE: Profile = Profile {
    name: "package-bka",
    title: "Meldung eines Verdachts nach Art. 18 DSA",
    language: Language::German,
    law: "Verordnung (EU) 2022/2065 (DSA), Art. 18",
    questions: &[Question::ThreatDe, Question::OffenceDe],
    checks,
    asks: &[
        Requirement {
            name: "Gefährdungssachverhalt (ja/nein)",
            needed: false,
            get: ask::threat_de,
        },
        Requirement {
            name: "Deliktsbereich",
            needed: false,
            get: ask::offence_de,
        },
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
