//! The at-risk score: how much points to a child in danger, each reason with its source.
//!
//! Every rule has a level, and each level has a band of the score. The highest level among a
//! report's reasons picks the band, so one reason of a higher level outranks any number of lower
//! ones. Within the band each reason, of whatever level, takes its share of what the others leave:
//! a further reason never lowers the score. Levels and points are our own judgement; they order
//! work and prove nothing.

use std::sync::LazyLock;

use serde::Serialize;

use crate::{Account, Facts, IncidentKind, IncidentTag, RiskFact, Signal, Signals, is_boilerplate};

/// What the rules of both scores look at.
pub struct RuleInput<'a> {
    /// What is known, children included.
    pub facts: &'a Facts,
    /// The files.
    pub files: Vec<RuleFile>,
    /// True if a file has a category with its scale, recorded or decided.
    pub categorised: bool,
    /// True if the reporter has an e-mail address.
    pub reporter: bool,
    /// What the texts among the facts say.
    pub said: Signals,
}

/// What the rules look at in a file.
#[derive(Clone, Debug, Default)]
pub struct RuleFile {
    /// Its bytes, or at least a digest, are on record.
    pub kept: bool,
    /// It is on a hash list.
    pub matched: bool,
    /// A person has seen all of it.
    pub viewed: bool,
    /// Its upload time is known.
    pub dated: bool,
    /// Its marks, in the CyberTipline's words.
    pub annotations: Vec<String>,
}

/// How pressing a reason is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The report was not understood, or only in part. It ranks above one that was understood and
    /// gives no reason.
    Unread,
    /// Files or material, and nothing that points to a child in danger.
    Known,
    /// Serious, and no particular child is known to be in danger.
    Concern,
    /// A child is harmed, coerced or groomed.
    Serious,
    /// A child is in danger now.
    Now,
}

impl Level {
    /// The lowest and the highest score of a report whose most pressing reason has this level. Our
    /// judgement.
    fn band(self) -> (u32, u32) {
        match self {
            Self::Unread => (1, 3),
            Self::Known => (4, 15),
            Self::Concern => (16, 39),
            Self::Serious => (40, 69),
            Self::Now => (70, 100),
        }
    }
}

/// A rule of the at-risk score.
pub struct RiskRule {
    /// Its name.
    pub id: &'static str,
    /// How pressing it is.
    pub level: Level,
    /// What it says when it holds.
    pub says: &'static str,
    /// The same in German.
    pub german: &'static str,
    /// What it weighs, 1 to 99: the percentage it takes of what the other reasons leave.
    pub points: u32,
    /// Where it comes from.
    pub source: &'static str,
    /// True when it holds.
    pub holds: fn(&RuleInput<'_>) -> bool,
}

/// Something that bears on a child's danger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reason {
    /// The rule.
    pub rule: &'static str,
    /// How pressing it is.
    pub level: Level,
    /// What it says.
    pub what: &'static str,
    /// The same in German.
    #[serde(skip)]
    pub german: &'static str,
    /// What it weighs.
    pub points: u32,
    /// Where the rule comes from.
    pub source: &'static str,
}

/// Points of the rules `known-material`, `material` and `files`. At most one of them holds.
const MATERIAL_POINTS: u32 = 30;
const STANFORD: &str = "Stanford Internet Observatory, How to Fix the Online Child Exploitation Reporting System, 2024";
const NCMEC: &str = "CyberTipline documentation of 2025-06-11";
const NCMEC_RISK: &str = "NCMEC, CyberTipline reports escalated as urgent, 2023";
const SEXTORTION: &str = "NCMEC, sextortion reports 2023 to 2025";
const FATF: &str = "FATF, Detecting and disrupting online child sexual exploitation, 2025";
const OURS: &str = "our judgement";
/// A report with at least this many files is about a collection. Our judgement: an ordinary report
/// has one to four (NCMEC's totals of 2025: 61.8 million files in 21.3 million reports).
const COLLECTION_FILES: usize = 10;
/// A child up to this age, in years, is an infant or toddler. Our judgement: NCMEC's annotation
/// `infant` names no age.
const INFANT_YEARS_MAX: u8 = 3;
/// A child below this age, in years, counts as prepubescent. Our judgement of where NCMEC's
/// category A (prepubescent) ends and B (pubescent) begins.
const PUBERTY_YEARS: u8 = 13;

/// True for an account with an id or a screen name.
pub(crate) fn named(a: &Account) -> bool {
    let given = |t: &Option<String>| t.as_ref().is_some_and(|t| !t.trim().is_empty());
    given(&a.id) || given(&a.screen_name)
}

fn risky(l: &RuleInput<'_>, risk: RiskFact) -> bool {
    l.facts.risks.contains(&risk)
}

fn marked(l: &RuleInput<'_>, mark: &str) -> bool {
    l.files
        .iter()
        .any(|f| f.annotations.iter().any(|a| a == mark))
        || l.facts
            .files
            .values()
            .any(|f| f.annotations.iter().any(|a| a == mark))
}

fn tagged(l: &RuleInput<'_>, tag: IncidentTag) -> bool {
    l.facts.tags.contains(&tag)
}

fn is(l: &RuleInput<'_>, kind: IncidentKind) -> bool {
    l.facts.incident == Some(kind)
}

fn says(l: &RuleInput<'_>, signal: Signal) -> bool {
    l.said.has(signal)
}

/// True if the report is about a child at all, and not only about adults.
fn about_a_child(l: &RuleInput<'_>) -> bool {
    says(l, Signal::Child)
        || !l.facts.victims.is_empty()
        || tagged(l, IncidentTag::Sextortion)
        || tagged(l, IncidentTag::MinorToMinor)
        || matches!(
            l.facts.incident,
            Some(
                IncidentKind::Enticement
                    | IncidentKind::Molestation
                    | IncidentKind::Trafficking
                    | IncidentKind::Tourism
                    | IncidentKind::UnsolicitedObscene
            )
        )
}

/// True if one child is meant: a text gives its age, or a victim is on record, with or without
/// details.
fn identified(l: &RuleInput<'_>) -> bool {
    l.said.youngest.is_some() || !l.facts.victims.is_empty()
}

/// True if one child is meant: its age is known, or a text names it in the singular. False if a
/// text says that an adult poses as a child.
fn one_child(l: &RuleInput<'_>) -> bool {
    let meant = l.said.youngest.is_some() || says(l, Signal::OneChild);
    meant && !says(l, Signal::Posing)
}

/// True if a file is on a hash list, or a text says that the material is known.
fn is_known_material(l: &RuleInput<'_>) -> bool {
    says(l, Signal::Known) || l.files.iter().any(|f| f.matched)
}

/// True if every file is marked as a meme, as viral or as a drawing. One such file alone says
/// nothing about the other files.
fn is_all_memes(l: &RuleInput<'_>) -> bool {
    const MARKS: &[&str] = &["viral", "potentialMeme", "animeDrawingVirtualHentai"];
    let is_meme = |marks: &[String]| marks.iter().any(|m| MARKS.contains(&m.as_str()));
    let own = l.facts.files.values().all(|f| is_meme(&f.annotations));
    let files = l.files.iter().all(|f| is_meme(&f.annotations));
    (!l.facts.files.is_empty() || !l.files.is_empty()) && own && files
}

fn paid(l: &RuleInput<'_>) -> bool {
    !l.facts.payments.is_empty() || !l.facts.wallets.is_empty() || says(l, Signal::Payment)
}

/// Every rule, the most pressing first.
pub const RISK: &[RiskRule] = &[
    RiskRule {
        id: "self-harm",
        level: Level::Now,
        points: 60,
        source: NCMEC_RISK,
        says: "the child speaks of suicide or self-harm",
        german: "das Kind spricht davon, sich etwas anzutun",
        holds: |l| risky(l, RiskFact::SelfHarm) || says(l, Signal::SelfHarm) && about_a_child(l),
    },
    RiskRule {
        id: "self-harm-now",
        level: Level::Now,
        points: 50,
        source: NCMEC_RISK,
        says: "someone is harming or about to harm themselves now",
        german: "jemand tut sich gerade etwas an oder ist kurz davor",
        // People who write this don't say how old they are.
        holds: |l| says(l, Signal::Attempt) && !says(l, Signal::Adult),
    },
    RiskRule {
        id: "meeting",
        level: Level::Now,
        points: 55,
        source: NCMEC_RISK,
        says: "a meeting with a child is planned soon",
        german: "ein Treffen mit einem Kind steht bevor",
        holds: |l| {
            risky(l, RiskFact::MeetingPlanned)
                || says(l, Signal::Meeting) && says(l, Signal::Soon) && about_a_child(l)
        },
    },
    RiskRule {
        id: "harm-now",
        level: Level::Now,
        points: 55,
        source: NCMEC_RISK,
        says: "a person who lives or works with a child harms it",
        german: "jemand aus dem Umfeld des Kindes tut ihm Gewalt an",
        holds: |l| {
            let access = risky(l, RiskFact::AccessToChild) || says(l, Signal::Access);
            let goes_on = is(l, IncidentKind::Molestation) && says(l, Signal::Soon);
            access && about_a_child(l) && (says(l, Signal::Abuse) || goes_on)
        },
    },
    RiskRule {
        id: "live-now",
        level: Level::Now,
        points: 55,
        source: FATF,
        says: "abuse is streamed live now, or announced",
        german: "Missbrauch wird gerade live übertragen oder ist angekündigt",
        holds: |l| {
            let live = risky(l, RiskFact::LiveStream) || says(l, Signal::Live);
            live && says(l, Signal::Soon) && (about_a_child(l) || risky(l, RiskFact::LiveStream))
        },
    },
    RiskRule {
        id: "missing",
        level: Level::Now,
        points: 50,
        source: NCMEC_RISK,
        says: "a child is missing",
        german: "ein Kind wird vermisst",
        holds: |l| says(l, Signal::Missing) && about_a_child(l),
    },
    RiskRule {
        id: "threat",
        level: Level::Now,
        points: 50,
        source: NCMEC_RISK,
        says: "violence against a child is announced",
        german: "jemand kündigt Gewalt gegen ein Kind an",
        holds: |l| says(l, Signal::Threat) && about_a_child(l),
    },
    RiskRule {
        id: "abuse-soon",
        level: Level::Now,
        points: 45,
        source: NCMEC_RISK,
        says: "abuse in person is happening now",
        german: "sexueller Missbrauch mit Körperkontakt, der andauert",
        holds: |l| says(l, Signal::Abuse) && says(l, Signal::Soon) && about_a_child(l),
    },
    RiskRule {
        id: "trafficking-now",
        level: Level::Now,
        points: 50,
        source: NCMEC_RISK,
        says: "a child is offered now",
        german: "ein Kind wird jetzt angeboten",
        holds: |l| {
            let trafficking = is(l, IncidentKind::Trafficking)
                || says(l, Signal::Trafficking) && about_a_child(l);
            trafficking && says(l, Signal::Soon)
        },
    },
    RiskRule {
        id: "child-in-reach",
        level: Level::Now,
        points: 15,
        source: OURS,
        says: "one child, the next days and a circumstance that often goes with harm are mentioned",
        german: "von einem bestimmten Kind, den nächsten Tagen und verdächtigen Umständen ist die Rede",
        // Danger has too many wordings to list; these three together are seldom harmless.
        holds: |l| one_child(l) && says(l, Signal::Soon) && says(l, Signal::Circumstance),
    },
    RiskRule {
        id: "molestation",
        level: Level::Serious,
        points: 40,
        source: NCMEC,
        says: "it is about abuse in person",
        german: "es geht um sexuellen Missbrauch mit Körperkontakt",
        holds: |l| {
            is(l, IncidentKind::Molestation)
                || is(l, IncidentKind::Tourism) && identified(l)
                || says(l, Signal::Abuse) && about_a_child(l)
        },
    },
    RiskRule {
        id: "trafficking",
        level: Level::Serious,
        points: 40,
        source: NCMEC,
        says: "it is about trafficking",
        german: "es geht um Menschenhandel",
        holds: |l| {
            is(l, IncidentKind::Trafficking) || says(l, Signal::Trafficking) && about_a_child(l)
        },
    },
    RiskRule {
        id: "access",
        level: Level::Serious,
        points: 35,
        source: STANFORD,
        says: "the reported person lives or works with children",
        german: "die gemeldete Person lebt oder arbeitet mit Kindern",
        holds: |l| {
            let more = [
                Signal::Grooming,
                Signal::Production,
                Signal::Abuse,
                Signal::Search,
            ];
            risky(l, RiskFact::AccessToChild)
                || says(l, Signal::Access) && more.into_iter().any(|s| says(l, s))
        },
    },
    RiskRule {
        id: "live",
        level: Level::Serious,
        points: 40,
        source: FATF,
        says: "abuse was streamed live",
        german: "Missbrauch wurde live übertragen",
        holds: |l| {
            risky(l, RiskFact::LiveStream)
                || marked(l, "liveStreaming")
                || says(l, Signal::Live) && about_a_child(l)
        },
    },
    RiskRule {
        id: "sextortion",
        level: Level::Serious,
        points: 40,
        source: SEXTORTION,
        says: "a child is blackmailed",
        german: "ein Kind wird erpresst",
        holds: |l| {
            tagged(l, IncidentTag::Sextortion) || says(l, Signal::Blackmail) && about_a_child(l)
        },
    },
    RiskRule {
        id: "sadistic",
        level: Level::Serious,
        points: 40,
        source: NCMEC,
        says: "sadistic online exploitation",
        german: "sadistische Ausbeutung im Internet",
        holds: |l| tagged(l, IncidentTag::Sadistic),
    },
    RiskRule {
        id: "meeting-someday",
        level: Level::Serious,
        points: 30,
        source: NCMEC_RISK,
        says: "a meeting with a child is mentioned",
        german: "von einem Treffen mit einem Kind ist die Rede",
        holds: |l| says(l, Signal::Meeting) && about_a_child(l),
    },
    RiskRule {
        id: "groomed",
        level: Level::Serious,
        points: 35,
        source: STANFORD,
        says: "a child is enticed, and one child is meant",
        german: "Cybergrooming gegenüber einem bestimmten Kind",
        holds: |l| {
            let entices = is(l, IncidentKind::Enticement) || says(l, Signal::Grooming);
            // An adult who poses as a child gives an age that belongs to no child.
            let claimed = says(l, Signal::Posing) && l.facts.victims.is_empty();
            entices && identified(l) && !claimed
        },
    },
    RiskRule {
        id: "payment-in-advance",
        level: Level::Serious,
        points: 30,
        source: FATF,
        says: "paid in advance, or for a show or a child",
        german: "es wurde im Voraus, für eine Übertragung oder für ein Kind bezahlt",
        holds: |l| {
            risky(l, RiskFact::PaymentInAdvance)
                || l.facts.payments.iter().any(|p| p.in_advance == Some(true))
                || says(l, Signal::Payment) && (identified(l) || says(l, Signal::Live))
        },
    },
    RiskRule {
        id: "infant",
        level: Level::Serious,
        points: 35,
        source: NCMEC,
        says: "an infant or toddler",
        german: "ein Säugling oder Kleinkind",
        holds: |l| {
            let young = l.said.youngest.is_some_and(|y| y <= INFANT_YEARS_MAX);
            risky(l, RiskFact::Infant) || marked(l, "infant") || young
        },
    },
    RiskRule {
        id: "escalating",
        level: Level::Serious,
        points: 30,
        source: STANFORD,
        says: "contact with a child becomes closer",
        german: "der Kontakt zu einem Kind wird enger",
        holds: |l| {
            let contact = is(l, IncidentKind::Enticement) || says(l, Signal::Grooming);
            risky(l, RiskFact::EscalatingContact)
                || says(l, Signal::Escalation) && contact && about_a_child(l)
        },
    },
    RiskRule {
        id: "young-child",
        level: Level::Serious,
        points: 25,
        source: NCMEC,
        says: "new pictures of a prepubescent child",
        german: "neue Aufnahmen eines Kindes vor der Pubertät",
        holds: |l| {
            let made = [Signal::SelfMade, Signal::Production]
                .into_iter()
                .any(|s| says(l, s))
                || risky(l, RiskFact::NewMaterial)
                || risky(l, RiskFact::SelfProduction)
                || marked(l, "possibleSelfProduction");
            let claimed = says(l, Signal::Posing) && l.facts.victims.is_empty();
            made && !claimed && l.said.youngest.is_some_and(|y| y < PUBERTY_YEARS)
        },
    },
    RiskRule {
        id: "child-and-soon",
        level: Level::Serious,
        points: 10,
        source: OURS,
        says: "a child's age and the next days are mentioned",
        german: "von einem Kind bestimmten Alters und den nächsten Tagen ist die Rede",
        holds: |l| {
            // Danger has too many wordings to list; an age and a time have few.
            l.said.youngest.is_some() && says(l, Signal::Soon) && !says(l, Signal::Posing)
        },
    },
    RiskRule {
        id: "child-and-circumstance",
        level: Level::Serious,
        points: 10,
        source: OURS,
        says: "one child and a circumstance that often goes with harm are mentioned",
        german: "von einem bestimmten Kind und verdächtigen Umständen ist die Rede",
        holds: |l| one_child(l) && says(l, Signal::Circumstance),
    },
    RiskRule {
        id: "danger-to-someone",
        level: Level::Concern,
        points: 10,
        source: OURS,
        says: "someone is in danger, and whether it is a child isn't said",
        german: "jemand ist in Gefahr; ob es ein Kind ist, steht nicht da",
        holds: |l| {
            let alone = [
                Signal::SelfHarm,
                Signal::Missing,
                Signal::Threat,
                Signal::Abuse,
                Signal::Blackmail,
            ];
            let soon = [Signal::Meeting, Signal::Live, Signal::Circumstance];
            let danger = alone.into_iter().any(|s| says(l, s))
                || says(l, Signal::Soon) && soon.into_iter().any(|s| says(l, s));
            danger && !about_a_child(l) && !says(l, Signal::Adult)
        },
    },
    RiskRule {
        id: "cry-for-help",
        level: Level::Concern,
        points: 25,
        source: OURS,
        says: "someone asks for help and doesn't say what happened",
        german: "jemand bittet um Hilfe und sagt nicht, was geschehen ist",
        // An adult may be the one it is about.
        holds: |l| says(l, Signal::Cry),
    },
    RiskRule {
        id: "new-material",
        level: Level::Concern,
        points: 45,
        source: STANFORD,
        says: "the material seems new",
        german: "das Material scheint neu zu sein",
        holds: |l| {
            let made = says(l, Signal::Production);
            let material = is(l, IncidentKind::Material) || !l.facts.files.is_empty();
            risky(l, RiskFact::NewMaterial)
                || made && (about_a_child(l) || material || says(l, Signal::Known))
        },
    },
    RiskRule {
        id: "self-production",
        level: Level::Concern,
        points: 40,
        source: NCMEC,
        says: "self-generated by the child",
        german: "vom Kind selbst aufgenommen",
        holds: |l| {
            risky(l, RiskFact::SelfProduction)
                || marked(l, "possibleSelfProduction")
                || says(l, Signal::SelfMade) && about_a_child(l)
        },
    },
    RiskRule {
        id: "enticement",
        level: Level::Concern,
        points: 40,
        source: NCMEC,
        says: "children are enticed",
        german: "Cybergrooming: jemand bahnt sexuellen Kontakt zu Kindern an",
        holds: |l| is(l, IncidentKind::Enticement) || says(l, Signal::Grooming) && about_a_child(l),
    },
    RiskRule {
        id: "child-named",
        level: Level::Concern,
        points: 35,
        source: STANFORD,
        says: "a child is named",
        german: "ein Kind ist benannt",
        holds: |l| {
            l.facts.victims.iter().any(|v| {
                named(v)
                    || v.person
                        .as_ref()
                        .is_some_and(|p| p.first_name.is_some() || p.last_name.is_some())
            })
        },
    },
    RiskRule {
        id: "tourism",
        level: Level::Concern,
        points: 40,
        source: NCMEC,
        says: "it is about travelling to abuse children",
        german: "es geht um Reisen zum Zweck des Missbrauchs",
        holds: |l| is(l, IncidentKind::Tourism),
    },
    RiskRule {
        id: "obscene-to-child",
        level: Level::Concern,
        points: 30,
        source: NCMEC,
        says: "obscene material was sent to a child",
        german: "einem Kind wurden pornographische Inhalte geschickt",
        holds: |l| is(l, IncidentKind::UnsolicitedObscene),
    },
    RiskRule {
        id: "harm",
        level: Level::Concern,
        points: 35,
        source: NCMEC,
        says: "physical harm is shown",
        german: "körperliche Verletzung ist zu sehen",
        holds: |l| marked(l, "physicalHarm") || marked(l, "violenceGore"),
    },
    RiskRule {
        id: "solicitation",
        level: Level::Concern,
        points: 30,
        source: NCMEC,
        says: "a person looks for children or for material",
        german: "jemand sucht Kinder oder fragt nach Missbrauchsdarstellungen",
        holds: |l| {
            tagged(l, IncidentTag::Solicitation)
                || says(l, Signal::Search) && (about_a_child(l) || says(l, Signal::Known))
        },
    },
    RiskRule {
        id: "posing",
        level: Level::Concern,
        points: 25,
        source: OURS,
        says: "a person poses as a child",
        german: "jemand gibt sich als Kind aus",
        holds: |l| says(l, Signal::Posing) && about_a_child(l),
    },
    RiskRule {
        id: "collection",
        level: Level::Concern,
        points: 30,
        source: STANFORD,
        says: "many files, or trade in them",
        german: "viele Dateien, oder Handel damit",
        holds: |l| {
            let many = l.files.len() >= COLLECTION_FILES || l.facts.files.len() >= COLLECTION_FILES;
            let material = is(l, IncidentKind::Material) || says(l, Signal::Known);
            let collects = says(l, Signal::Collection) && (material || about_a_child(l));
            many || collects || says(l, Signal::Trade)
        },
    },
    RiskRule {
        id: "payment",
        level: Level::Concern,
        points: 20,
        source: FATF,
        says: "money was paid",
        german: "es ist Geld geflossen",
        holds: |l| {
            paid(l)
                && (about_a_child(l) || is(l, IncidentKind::Material) || !says(l, Signal::Payment))
        },
    },
    RiskRule {
        id: "child-spoken-of",
        level: Level::Concern,
        points: 5,
        source: OURS,
        says: "a child is spoken of",
        german: "von einem Kind ist die Rede",
        holds: |l| says(l, Signal::Child) && !says(l, Signal::Known),
    },
    RiskRule {
        id: "urgent",
        level: Level::Concern,
        points: 20,
        source: NCMEC,
        says: "the reporter gave a reason for urgency",
        german: "jemand hat geschrieben, warum es eilt",
        holds: |l| {
            let given = [&l.facts.urgent_because, &l.facts.received_urgent];
            let mut given = given.into_iter().flatten();
            given.any(|why| !is_boilerplate(why)) && about_a_child(l)
        },
    },
    RiskRule {
        id: "unknown-file",
        level: Level::Known,
        points: 50,
        source: STANFORD,
        says: "a file has no match on record and isn't marked as viral",
        german: "zu einer Datei ist kein Treffer erfasst, und sie ist nicht als viral markiert",
        holds: |l| {
            l.files.iter().any(|f| f.kept && !f.matched)
                && !is_all_memes(l)
                && !marked(l, "generativeAi")
        },
    },
    RiskRule {
        id: "known-material",
        level: Level::Known,
        points: MATERIAL_POINTS,
        source: NCMEC,
        says: "it is about known material",
        german: "es geht um bekannte Missbrauchsdarstellungen",
        holds: |l| !is_all_memes(l) && is_known_material(l),
    },
    RiskRule {
        id: "material",
        level: Level::Known,
        points: MATERIAL_POINTS,
        source: NCMEC,
        says: "it is about material",
        german: "es geht um Missbrauchsdarstellungen",
        holds: |l| !is_all_memes(l) && !is_known_material(l) && is(l, IncidentKind::Material),
    },
    RiskRule {
        id: "files",
        level: Level::Known,
        points: MATERIAL_POINTS,
        source: NCMEC,
        says: "there are files",
        german: "es gibt Dateien",
        holds: |l| {
            let files = !l.files.is_empty() || !l.facts.files.is_empty();
            let material = is_known_material(l) || is(l, IncidentKind::Material);
            !is_all_memes(l) && !material && files
        },
    },
];

/// The at-risk score of reasons, each with its level and its points (at most 100); 0 without any.
pub fn combined(reasons: impl Iterator<Item = (Level, u32)>) -> u32 {
    // Millionths, so that rounding in each step stays far below one point.
    let (mut left, mut highest) = (1_000_000_u64, None);
    for (level, points) in reasons {
        left = left * u64::from(100 - points) / 100;
        highest = highest.max(Some(level));
    }
    let Some(highest) = highest else { return 0 };
    let (low, high) = highest.band();
    low + ((u64::from(high - low) * (1_000_000 - left) + 500_000) / 1_000_000) as u32
}

/// The at-risk score, 0 to 100, by which incoming reports are ranked, and its reasons, most
/// pressing first.
///
/// Texts count by their wording ([`crate::wording`]), because a word of danger may also be in a
/// thesis or a complaint. A rule that holds only because of a text is listed at most at the
/// wording's level and adds no points; one of danger now lifts a text that reads like harm to a
/// child. If the wording gives no reason, only such rules of [`Level::Known`] are listed, and these
/// count. If the texts have only a few words, every such rule counts in full. What the facts say
/// without the texts is never lowered.
pub fn at_risk(looked: &RuleInput<'_>) -> (u32, Vec<Reason>) {
    let (score, all) = rules_that_hold(looked);
    let Some(read) = looked.said.wording else {
        return (score, all);
    };
    let without_texts = RuleInput {
        files: looked.files.clone(),
        said: Signals::of_victims(looked.facts),
        ..*looked
    };
    let worth = crate::wording::points(read, score);
    let mut reasons = match looked.said.short {
        true => all.clone(),
        false => rules_that_hold(&without_texts).1,
    };
    if let Some(wording) = of_wording(worth) {
        let more = all.into_iter().filter(|r| {
            let known = reasons.iter().any(|known| known.rule == r.rule);
            !known
        });
        let more: Vec<Reason> = more
            .map(|r| Reason {
                level: r.level.min(wording.level),
                points: 0,
                ..r
            })
            .collect();
        reasons.push(wording);
        reasons.extend(more);
    } else {
        // The lowest level of all: no wording can be too calm for it.
        let known = all.into_iter().filter(|r| r.level == Level::Known);
        let more: Vec<Reason> = known.filter(|r| !reasons.contains(r)).collect();
        reasons.extend(more);
    }
    sort(&mut reasons);
    let score = combined(reasons.iter().map(|r| (r.level, r.points)));
    (score, reasons)
}

/// The rules that hold, texts counted like facts, and the score of all of them together.
pub fn rules_that_hold(looked: &RuleInput<'_>) -> (u32, Vec<Reason>) {
    let mut reasons: Vec<Reason> = RISK
        .iter()
        .filter(|rule| (rule.holds)(looked))
        .map(|rule| Reason {
            rule: rule.id,
            level: rule.level,
            what: rule.says,
            german: rule.german,
            points: rule.points,
            source: rule.source,
        })
        .collect();
    sort(&mut reasons);
    let score = combined(reasons.iter().map(|r| (r.level, r.points)));
    (score, reasons)
}

fn sort(reasons: &mut [Reason]) {
    // Stable: among equals the order of the table decides.
    reasons.sort_by_key(|r| std::cmp::Reverse((r.level, r.points)));
}

/// How the names of the rules of wordings begin; their score follows.
const WORDING: &str = "wording-";

/// What a reason says, in English and German, by the name of its rule; `None` for an unknown one.
pub fn rule_says(rule: &str) -> Option<(&'static str, &'static str)> {
    if let Some(known) = RISK.iter().find(|known| known.id == rule) {
        return Some((known.says, known.german));
    }
    let score = rule.strip_prefix(WORDING)?.parse().ok()?;
    of_wording(score).map(|reason| (reason.what, reason.german))
}

/// The reason for a text whose wording has this score, 0 to 100; `None` below the score of the
/// lowest level that gives a reason.
pub fn of_wording(score: u32) -> Option<Reason> {
    static IDS: LazyLock<Vec<String>> =
        LazyLock::new(|| (0..=100).map(|n| format!("{WORDING}{n}")).collect());
    let levels = [Level::Now, Level::Serious, Level::Concern, Level::Known];
    let level = levels.into_iter().find(|l| score >= l.band().0)?;
    let (low, high) = level.band();
    let (what, german) = match level {
        Level::Now => (
            "it is worded like reports of a child in danger now",
            "die Wortwahl gleicht der von Meldungen über ein Kind, das jetzt in Gefahr ist",
        ),
        Level::Serious => (
            "it is worded like reports of a child who is harmed, coerced or groomed",
            "die Wortwahl gleicht der von Meldungen über ein Kind, dem etwas angetan wird",
        ),
        Level::Concern => (
            "it is worded like reports of offenders or material",
            "die Wortwahl gleicht der von Meldungen über Täter oder Missbrauchsdarstellungen",
        ),
        _ => (
            "it is worded like reports of known material",
            "die Wortwahl gleicht der von Meldungen über bekannte Missbrauchsdarstellungen",
        ),
    };
    Some(Reason {
        rule: IDS.get(score as usize)?,
        level,
        what,
        german,
        // Alone, it gives just this score.
        points: ((score - low) * 100 / (high - low).max(1)).min(99),
        source: "the reports in fixtures/wording",
    })
}
