//! Two scores of a case, each with its reasons and kept apart: how much of what an officer needs is
//! there (completeness), and how much points to a child in danger now (at risk).
//!
//! The rules are tables, each rule with its source: [`COMPLETENESS`] below and [`crate::RISK`].
//! Points are our own judgement until feedback on reports allows better; they order work and prove
//! nothing.

use serde::Serialize;

use crate::risk::{Reason, RuleInput, at_risk, named};
use crate::{Account, IncidentKind, IncidentTag, ServiceKind};

/// A rule of the completeness score.
pub struct CompletenessRule {
    /// Its name.
    pub id: &'static str,
    /// What is missing when it doesn't hold, and how to add it.
    pub missing: &'static str,
    /// What it weighs.
    pub points: u32,
    /// Where it comes from.
    pub source: &'static str,
    /// True if the rule applies to the case. A rule that doesn't apply isn't counted.
    pub applies: fn(&RuleInput<'_>) -> bool,
    /// True when nothing is missing.
    pub holds: fn(&RuleInput<'_>) -> bool,
}

/// Something that an officer needs and the case doesn't have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Missing {
    /// The rule.
    pub rule: &'static str,
    /// What is missing, and how to add it.
    pub what: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
}

/// Both scores.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Scores {
    /// 0 to 100: the points of the rules that hold, in percent of those of all rules that apply.
    pub complete: u32,
    /// 0 to 100: how much points to a child in danger.
    pub at_risk: u32,
    /// What is missing, heaviest first.
    pub missing: Vec<Missing>,
    /// Why a child is at risk, the most pressing first: by level, then by points.
    pub reasons: Vec<Reason>,
    /// True if there is nothing an officer could act on.
    pub empty: bool,
}

const STANFORD: &str = "Stanford Internet Observatory, How to Fix the Online Child Exploitation Reporting System, 2024";
const USC: &str = "18 USC 2258A(b)";
const NCMEC: &str = "CyberTipline documentation of 2025-06-11";
const UK: &str = "SI 2026/268, Schedule 1";
const FATF: &str = "FATF, Detecting and disrupting online child sexual exploitation, 2025";

fn reported<'a>(l: &RuleInput<'a>) -> Option<&'a Account> {
    l.facts.reported.as_ref()
}

fn always(_: &RuleInput<'_>) -> bool {
    true
}

fn has_files(l: &RuleInput<'_>) -> bool {
    !l.files.is_empty()
}

fn has_ip(l: &RuleInput<'_>) -> bool {
    reported(l).is_some_and(|a| !a.ip_events.is_empty())
        || l.facts.files.values().any(|f| f.ip_event.is_some())
}

fn tagged(l: &RuleInput<'_>, tag: IncidentTag) -> bool {
    l.facts.tags.contains(&tag)
}

fn is(l: &RuleInput<'_>, kind: IncidentKind) -> bool {
    l.facts.incident == Some(kind)
}

/// Every rule of the completeness score.
pub const COMPLETENESS: &[CompletenessRule] = &[
    CompletenessRule {
        id: "account",
        points: 20,
        source: USC,
        applies: always,
        missing: "no account is named (facts.reported.id or screen_name); police can hardly begin without one",
        holds: |l| reported(l).is_some_and(named) || !l.facts.batched_accounts.is_empty(),
    },
    CompletenessRule {
        id: "ip",
        points: 15,
        source: USC,
        applies: always,
        missing: "no IP address with its time (facts.reported.ip_events)",
        holds: |l| {
            reported(l).is_some_and(|a| a.ip_events.iter().any(|e| e.at.is_some()))
                || l.facts
                    .files
                    .values()
                    .any(|f| f.ip_event.as_ref().is_some_and(|e| e.at.is_some()))
        },
    },
    CompletenessRule {
        id: "port",
        points: 5,
        source: UK,
        applies: has_ip,
        missing: "an IP address has no port; users behind a shared address can't be identified without it",
        holds: |l| {
            reported(l)
                .into_iter()
                .flat_map(|a| &a.ip_events)
                .chain(l.facts.files.values().filter_map(|f| f.ip_event.as_ref()))
                .all(|e| e.port.is_some())
        },
    },
    CompletenessRule {
        id: "contact",
        points: 10,
        source: USC,
        applies: always,
        missing: "the account has neither an e-mail address nor a telephone number (facts.reported.person)",
        holds: |l| {
            reported(l)
                .and_then(|a| a.person.as_ref())
                .is_some_and(|p| !p.emails.is_empty() || !p.phones.is_empty())
        },
    },
    CompletenessRule {
        id: "time",
        points: 8,
        source: USC,
        applies: always,
        missing: "the time of the incident isn't stated (facts.occurred_at); the time of the first upload is used instead, or else the time it was found",
        holds: |l| l.facts.occurred_at.is_some(),
    },
    CompletenessRule {
        id: "place",
        points: 8,
        source: NCMEC,
        applies: always,
        missing: "no place is given (facts.places); NCMEC asks for at least one",
        holds: |l| !l.facts.places.is_empty() || !l.facts.threads.is_empty(),
    },
    CompletenessRule {
        id: "bytes",
        points: 10,
        source: STANFORD,
        applies: has_files,
        missing: "a file is not in the vault; seal it with the case",
        holds: |l| l.files.iter().all(|f| f.kept),
    },
    CompletenessRule {
        id: "upload-time",
        points: 4,
        source: STANFORD,
        applies: has_files,
        missing: "the upload time of a file isn't known (facts.files.….uploaded_at)",
        holds: |l| l.files.iter().all(|f| f.dated),
    },
    CompletenessRule {
        id: "seen-or-known",
        points: 6,
        source: "US v. Wilson, 9th Cir. 2021",
        applies: has_files,
        missing: "a file has no match on record, and no person viewed it; police may need a warrant to open it",
        holds: |l| l.files.iter().all(|f| f.viewed || f.matched),
    },
    CompletenessRule {
        id: "category",
        points: 5,
        source: NCMEC,
        applies: has_files,
        missing: "no file has a category with its scale",
        holds: |l| l.categorised || l.facts.files.values().any(|f| f.category.is_some()),
    },
    CompletenessRule {
        id: "words",
        points: 12,
        source: "ROOST Coop, issue 661",
        applies: |l| {
            l.files.is_empty()
                || l.facts.incident == Some(IncidentKind::Enticement)
                || l.facts.tags.contains(&IncidentTag::Sextortion)
        },
        missing: "no messages or other text are given (facts.threads, or a place's content)",
        holds: |l| {
            l.facts.threads.iter().any(|t| !t.messages.is_empty())
                || l.facts.note.is_some()
                || l.facts.places.iter().any(|p| p.content().is_some())
        },
    },
    CompletenessRule {
        id: "child",
        points: 6,
        source: "ROOST Coop, issue 846",
        applies: |l| {
            is(l, IncidentKind::Enticement)
                || tagged(l, IncidentTag::Sextortion)
                || is(l, IncidentKind::Molestation)
        },
        missing: "no child is described (facts.victims)",
        holds: |l| !l.facts.victims.is_empty(),
    },
    CompletenessRule {
        id: "country",
        points: 4,
        source: STANFORD,
        applies: always,
        missing: "the user's country isn't known (facts.jurisdiction.user_country or reported.location)",
        holds: |l| {
            l.facts
                .jurisdiction
                .as_ref()
                .is_some_and(|j| j.user_country.is_some())
                || reported(l)
                    .is_some_and(|a| a.location.as_ref().is_some_and(|l| l.country.is_some()))
        },
    },
    CompletenessRule {
        id: "device",
        points: 2,
        source: UK,
        applies: always,
        missing: "no device is named (facts.reported.devices)",
        holds: |l| reported(l).is_some_and(|a| !a.devices.is_empty()),
    },
    CompletenessRule {
        id: "payer",
        points: 5,
        source: FATF,
        applies: |l| {
            !l.facts.payments.is_empty()
                || l.facts
                    .jurisdiction
                    .as_ref()
                    .is_some_and(|j| j.service == Some(ServiceKind::Payment))
        },
        missing: "a payment doesn't say who paid whom, or when",
        holds: |l| {
            !l.facts.payments.is_empty()
                && l.facts
                    .payments
                    .iter()
                    .all(|p| p.from.is_some() && p.to.is_some() && p.at.is_some())
        },
    },
    CompletenessRule {
        id: "reporter",
        points: 5,
        source: NCMEC,
        applies: always,
        missing: "no contact: the reporter has no e-mail address",
        holds: |l| l.reporter,
    },
];

/// Both scores of a case.
pub fn scores(looked: &RuleInput<'_>) -> Scores {
    let (mut held, mut possible) = (0, 0);
    let mut missing = Vec::new();
    for rule in COMPLETENESS.iter().filter(|r| (r.applies)(looked)) {
        possible += rule.points;
        if (rule.holds)(looked) {
            held += rule.points;
        } else {
            missing.push((
                rule.points,
                Missing {
                    rule: rule.id,
                    what: rule.missing,
                    source: rule.source,
                },
            ));
        }
    }
    missing.sort_by_key(|(points, _)| std::cmp::Reverse(*points));
    let (at_risk, reasons) = at_risk(looked);
    let facts = looked.facts;
    // Decides `empty`. The approver of a report on an empty case has to give a reason.
    let somebody = reported(looked).is_some_and(|a| {
        named(a)
            || a.ip_events.iter().any(|e| !e.address.trim().is_empty())
            || a.person.as_ref().is_some_and(|p| *p != Default::default())
    });
    let something = looked.files.iter().any(|f| f.kept)
        || facts
            .threads
            .iter()
            .flat_map(|t| &t.messages)
            .any(|m| !m.text.trim().is_empty())
        || facts.places.iter().any(crate::Place::says_something)
        || !facts.wallets.is_empty()
        || !facts.payments.is_empty()
        || facts.victims.iter().any(named)
        || !facts.batched_accounts.is_empty()
        || facts.note.as_ref().is_some_and(|n| !n.trim().is_empty());
    // Rounded half up. `possible` is never 0, because some rules always apply.
    Scores {
        complete: (held * 100 + possible / 2) / possible,
        at_risk,
        missing: missing.into_iter().map(|(_, m)| m).collect(),
        reasons,
        empty: !somebody && !something,
    }
}

#[cfg(test)]
mod tests;
