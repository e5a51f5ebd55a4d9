//! The facts that alerts contribute to their case.

use obhut_casework::{
    Account, Detection, Facts, Financial, FinancialParty, Jurisdiction, Payment, ServiceKind,
    rfc3339,
};

use super::Detail;

/// Newest transfers of each alert that go into a case's facts. Our judgement.
const FACTS_PAYMENTS_MAX: usize = 200;

/// The parts of an alert that go into the facts of a case.
pub(super) struct Known {
    /// True if the alert is about what the party sends.
    pub sends: bool,
    pub victim: bool,
    pub last_at: i64,
    pub detail: Detail,
}

/// The facts that follow from the open alerts of a case. A possible victim is never the reported account,
/// even if another alert of the case suspects them.
pub(super) fn facts_of(alerts: &[Known]) -> Facts {
    let Some(last_at) = alerts.iter().map(|a| a.last_at).max() else {
        return Facts::default();
    };
    let mut facts = Facts {
        detected_by: Some(Detection::Automated),
        occurred_at: Some(rfc3339(last_at)),
        jurisdiction: Some(Jurisdiction {
            service: Some(ServiceKind::Payment),
            ..Jurisdiction::default()
        }),
        ..Facts::default()
    };
    let mut parties: Vec<FinancialParty> = Vec::new();
    for Known {
        sends,
        victim,
        detail,
        ..
    } in alerts
    {
        let party = &detail.party;
        let from = detail.timeline.len().saturating_sub(FACTS_PAYMENTS_MAX);
        for t in &detail.timeline[from..] {
            let (payer, payee) = if *sends {
                (party.clone(), t.other.clone())
            } else {
                (t.other.clone(), party.clone())
            };
            facts.payments.push(Payment {
                id: t.tx.clone(),
                at: Some(rfc3339(t.at)),
                amount: t.amount.clone(),
                currency: t.currency.clone(),
                from: Some(payer),
                to: Some(payee),
                ..Payment::default()
            });
        }
        // Only what the payments say about the other parties; people add what the bank knows.
        for t in detail.timeline.iter().filter(|t| !t.country.is_empty()) {
            if !parties.iter().any(|p| p.id == t.other) {
                parties.push(FinancialParty {
                    id: t.other.clone(),
                    country: Some(t.country.clone()),
                    ..FinancialParty::default()
                });
            }
        }
        let about = Account {
            id: Some(party.clone()),
            ..Account::default()
        };
        if !victim {
            let reported = facts.reported.get_or_insert(about);
            // A possible victim's sessions are left out: they may be a child's data.
            for session in &detail.sessions {
                session.upload.add_payment_to(reported);
                let of = |p: &&mut Payment| p.id.as_ref() == Some(&session.tx);
                if let Some(payment) = facts.payments.iter_mut().find(of) {
                    payment.note = session.upload.of_session();
                }
            }
        } else if !facts.victims.contains(&about) {
            facts.victims.push(about);
        }
    }
    // After the loop: the victim's alert may follow the one that suspects the same account.
    let victim = |a: &Account| facts.victims.iter().any(|v| v.id == a.id);
    if facts.reported.as_ref().is_some_and(victim) {
        facts.reported = None;
        // With the account go its sessions, which are in the payments' notes too.
        for payment in &mut facts.payments {
            payment.note = None;
        }
    }
    if !parties.is_empty() {
        facts.financial = Some(Financial {
            parties,
            ..Financial::default()
        });
    }
    facts
}
