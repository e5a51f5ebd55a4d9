//! Records the alerts of a scan.

use obhut_casework::{Casework, Result, Sealed};
use obhut_typologies::{PartyKey, Transfers};

use crate::alerts::{NewAlert, record_alert, shown};
use crate::scan::ScanResult;

/// Records the alerts of a scan as `actor` and returns how many are on record. A party whose case was
/// decided is re-alerted only after the cool-down.
pub async fn record_scan(
    casework: &Casework,
    result: &ScanResult,
    transfers: &Transfers,
    actor: &str,
) -> Result<u64> {
    let name = |key| transfers.names.name(key);
    let mut n = 0;
    for found in &result.alerts {
        let (timeline, network) = shown(
            &found.events,
            name,
            |tx| transfers.tx_name(tx),
            |other| result.senders_of.get(&other).copied(),
        );
        let mut others: Vec<PartyKey> = found.events.iter().map(|e| e.other).collect();
        // Drops only neighbouring repeats; `confirmed_near` removes the rest from its result.
        others.dedup();
        let side = found.assessment.side();
        let last = found.events.iter().map(|e| e.at_micros).max();
        let near =
            result
                .relations
                .confirmed_near(found.party, side, &others, last.unwrap_or_default());
        let alert = NewAlert {
            party: Sealed::new(name(found.party)),
            assessment: found.assessment.clone(),
            timeline,
            network,
            rests_on: near.into_iter().map(|p| Sealed::new(name(p))).collect(),
            sessions: Vec::new(),
        };
        let alert_id = record_alert(casework, &alert, actor).await?;
        n += u64::from(alert_id.is_some());
    }
    Ok(n)
}
