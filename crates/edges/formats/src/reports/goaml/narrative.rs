//! The facts of a payments case as sentences, German or English. They are used if the analyst has
//! written no narrative; `Financial::narrative` is sent as it is.

use std::collections::BTreeMap;

use obhut_facts::{Facts, Language};

/// Why the case is reported, as far as the facts say: number and sum of the payments, their first
/// and last day, and how many others paid or were paid.
pub(super) fn of(facts: &Facts, language: Language) -> String {
    let payments = &facts.payments;
    // By currency, because a sum over several would need exchange rates. Sorted, so that the text
    // is reproducible.
    let mut sums: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    let mut days: Vec<&str> = Vec::new();
    let mut others: Vec<&str> = Vec::new();
    let about = facts
        .reported
        .as_ref()
        .and_then(|r| r.id.as_deref())
        .unwrap_or_default();
    for p in payments {
        let sum = sums.entry(&p.currency).or_default();
        sum.0 += 1;
        // An amount that isn't a finite number adds 0; the check of the facts (facts/src/faults.rs)
        // reports it.
        let amount = p.amount.parse::<f64>().ok();
        sum.1 += amount.filter(|a| a.is_finite()).unwrap_or(0.0);
        // ISO 8601: the first ten characters are the day, and days sort as text.
        days.extend(p.at.as_deref().and_then(|t| t.get(..10)));
        for party in [&p.from, &p.to].into_iter().flatten() {
            if party != about && !others.contains(&party.as_str()) {
                others.push(party);
            }
        }
    }
    days.sort_unstable();
    let sums: Vec<String> = sums
        .iter()
        .map(|(currency, (n, sum))| match language {
            Language::German => format!(
                "{n} Zahlungen über zusammen {} {currency}",
                format!("{sum:.2}").replace('.', ",")
            ),
            Language::English => format!("{n} payments of {sum:.2} {currency} in all"),
        })
        .collect();
    let span = match (days.first(), days.last()) {
        (Some(first), Some(last)) => (*first, *last),
        _ => ("–", "–"),
    };
    if language == Language::German {
        format!(
            "Verdacht auf Bezahlung von sexueller Ausbeutung von Kindern oder verwandter Taten. {} zwischen {} und {}, mit {} anderen Beteiligten. Ein Mensch hat entschieden, zu melden. Ein Muster ist ein Hinweis, kein Beweis.",
            sums.join("; "),
            span.0,
            span.1,
            others.len()
        )
    } else {
        format!(
            "Suspected payment for the sexual exploitation of children or a related offence. {} between {} and {}, with {} other parties. A person decided to report. A pattern is a lead, not proof.",
            sums.join("; "),
            span.0,
            span.1,
            others.len()
        )
    }
}
