//! Addresses of a case that are watched, and what moved.

use std::collections::HashMap;

use obhut_casework::for_domains::{Columns, Inside as _, Tx, alarms, audit, cases, findings, ids};
use obhut_casework::{CaseStatus, Casework, CaseworkError, FindingState, Person, Result, Sealed};
use serde::Serialize;

use obhut_chain::Network;

use crate::bases::{begin_trace, chain_bases, goes_on, is_needs_no_basis, may_go_on};

/// Source of this domain's findings.
pub(crate) const SOURCE: &str = "chain";

/// A watched address.
#[derive(Clone, Debug)]
pub struct ChainWatch {
    /// Id of the case.
    pub case: String,
    /// The address, in the form of [`Key::text`](crate::Key::text).
    pub address: Sealed<String>,
}

/// A movement at a watched address, as it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, serde::Deserialize)]
pub struct MovementRow {
    /// The watched address.
    pub address: String,
    /// The transaction, as explorers print it.
    pub txid: String,
    /// Height of its block when it was recorded; a reorg may have moved the payment since.
    pub height: u64,
    /// Time in the block's header, set by its miner; RFC 3339.
    pub time: String,
    /// Amount that the address received or spent, in satoshi.
    pub amount_sat: u64,
    /// True if the address received, false if it spent.
    pub incoming: bool,
    /// Index of the output that paid the address, or of the input that spent from it, from 0.
    pub place: u32,
    /// True if its block was orphaned by a reorg and no other block contains it: it never happened.
    #[serde(default)]
    pub undone: bool,
}

/// An unreadable movement is an error: skipping it would hide a payment.
fn read_movement(text: &str) -> Result<MovementRow> {
    serde_json::from_str(text).map_err(|_| CaseworkError::unreadable("a movement on the chain"))
}

/// Deletes the watches and movements of a case and returns the number of rows.
pub(crate) async fn forget(tx: &mut Tx, case: &str) -> Result<u64> {
    let mut gone = 0;
    for sql in [
        "DELETE FROM chain_watches WHERE case_id = $1",
        "DELETE FROM chain_movements WHERE case_id = $1",
    ] {
        let done = sqlx::query(sql).bind(case).execute(&mut **tx).await?;
        gone += done.rows_affected();
    }
    Ok(gone)
}

/// Watches addresses for a case, besides those it already watches. Returns how many are new.
/// Addresses must be in the form of [`Key::text`](crate::Key::text): a movement is matched by that text, so
/// another spelling never raises a finding.
///
/// # Errors
/// The case is unknown, closed or cleared, the person lacks the role reviewer, or the case has no
/// legal basis in force; regtest needs none.
pub async fn watch_addresses(
    casework: &Casework,
    case: &str,
    network: Network,
    addresses: &[String],
    person: &Person,
) -> Result<usize> {
    // Checks role and legal basis, and writes to the audit trail before any address is stored.
    begin_trace(casework, case, network, person).await?;
    let mut tx = casework.begin().await?;
    // The case may have been closed or cleared since the permission was given.
    cases::hold(&mut tx, case).await?;
    may_go_on(&mut tx, case).await?;
    let mut new = 0;
    for address in addresses {
        let added = sqlx::query(
            "INSERT INTO chain_watches (id, case_id, network, address_key, address_sealed, person, recorded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (case_id, network, address_key) DO NOTHING",
        )
        .bind(ids::new("watch"))
        .bind(case)
        .bind(network.name())
        .bind(casework.keyed_digest("chain address", address.as_bytes()))
        .bind(casework.seal_text(address))
        .bind(&person.id)
        .bind(casework.now_micros())
        .execute(&mut *tx)
        .await?;
        new += added.rows_affected() as usize;
    }
    let detail = format!("{new} addresses");
    audit::write(
        &mut tx,
        casework.now_micros(),
        &person.id,
        "chain.watch",
        case,
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(new)
}

/// Stops watching all addresses of a case, on every network; returns how many there were. The
/// caller checks the person's role.
pub async fn unwatch(casework: &Casework, case: &str, person: &Person) -> Result<u64> {
    let mut tx = casework.begin().await?;
    let gone = sqlx::query("DELETE FROM chain_watches WHERE case_id = $1")
        .bind(case)
        .execute(&mut *tx)
        .await?
        .rows_affected();
    let detail = format!("{gone} addresses");
    audit::write(
        &mut tx,
        casework.now_micros(),
        &person.id,
        "chain.unwatch",
        case,
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(gone)
}

/// The watches on a network that may run now: those of cases that are neither closed nor cleared
/// and have a legal basis that hasn't ended. On regtest none is needed.
pub async fn chain_watches(casework: &Casework, network: Network) -> Result<Vec<ChainWatch>> {
    let rows = sqlx::query(
        "SELECT case_id, address_sealed FROM chain_watches WHERE network = $1 ORDER BY case_id, id",
    )
    .bind(network.name())
    .fetch_all(casework.pool())
    .await?;
    let mut watches: Vec<ChainWatch> = Vec::new();
    // Checked once per case, however many addresses it watches.
    let mut lawful: HashMap<String, bool> = HashMap::new();
    for row in &rows {
        let mut c = Columns::of(row);
        let case = c.text()?;
        if !lawful.contains_key(&case) {
            lawful.insert(case.clone(), is_lawful(casework, &case, network).await?);
        }
        if lawful[&case] {
            watches.push(ChainWatch {
                case,
                address: Sealed::new(casework.open_text(&c.text()?)?),
            });
        }
    }
    Ok(watches)
}

/// Whether a case's addresses may be watched now. Computed at every call: a watch pauses when its
/// legal basis ends, and resumes with a new one.
async fn is_lawful(casework: &Casework, case: &str, network: Network) -> Result<bool> {
    let now = casework.now_micros();
    let bases = chain_bases(casework, case).await?;
    let based = is_needs_no_basis(network) || bases.iter().any(|b| b.ends_at > now);
    let status = cases::status(&mut casework.snapshot().await?, case).await?;
    Ok(based && goes_on(status))
}

/// The cases that watch an address and may do so now.
async fn lawful_watchers(casework: &Casework, network: &str, address: &str) -> Result<Vec<String>> {
    let key = casework.keyed_digest("chain address", address.as_bytes());
    let rows = sqlx::query(
        "SELECT case_id FROM chain_watches WHERE network = $1 AND address_key = $2 ORDER BY case_id",
    )
    .bind(network)
    .bind(&key)
    .fetch_all(casework.pool())
    .await?;
    let of = Network::by_name(network)
        .ok_or_else(|| CaseworkError::unreadable("the network of a watch"))?;
    let mut lawful = Vec::new();
    for row in &rows {
        let case = Columns::of(row).text()?;
        // Another case's basis doesn't permit this one.
        if is_lawful(casework, &case, of).await? {
            lawful.push(case);
        }
    }
    Ok(lawful)
}

/// Raises a finding for each case that watches the address and may do so now. Recording the same
/// movement twice changes nothing. Returns how many findings are new or open again.
pub async fn record_movement(
    casework: &Casework,
    network: &str,
    movement: &MovementRow,
) -> Result<u64> {
    let lawful = lawful_watchers(casework, network, &movement.address).await?;
    let mut tx = casework.begin().await?;
    let mut raised = 0;
    for case in lawful {
        // Redress locks the case first as well; another order could deadlock.
        cases::hold(&mut tx, &case).await?;
        // The case may have been closed or cleared while this transaction waited for the lock.
        if !goes_on(cases::status(&mut tx, &case).await?) {
            continue;
        }
        let json = serde_json::to_string(movement).expect("a movement is JSON");
        // The height isn't part of the identity: after a reorg the same payment may be in another block.
        let m = movement;
        let what = format!(
            "{case}\n{}\n{}\n{}\n{}",
            m.address, m.txid, m.place, m.incoming
        );
        let key = casework.keyed_digest("chain movement", what.as_bytes());
        let id = ids::new("finding");
        // A movement that is on record changes no row, unless a reorg had undone it: it is back.
        let added = sqlx::query(
            "INSERT INTO chain_movements (id, case_id, movement_key, movement_sealed, found_at, network)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (movement_key) DO UPDATE SET undone_at = NULL, id = $1, movement_sealed = $4
             WHERE chain_movements.undone_at IS NOT NULL",
        )
        .bind(&id)
        .bind(&case)
        .bind(&key)
        .bind(casework.seal_text(&json))
        .bind(casework.now_micros())
        .bind(network)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if added == 1 {
            let found = findings::NewFinding {
                case: &case,
                subject: &key,
                evidence: None,
                strength: "movement",
                source: SOURCE,
            };
            // Back after a reorg: the withdrawn finding is opened again instead of adding a second one.
            if !findings::set_state(&mut tx, &found, FindingState::Open).await? {
                findings::write(&mut tx, casework, &found).await?;
            }
            let way = if m.incoming { "was paid" } else { "paid" };
            let text = format!(
                "a watched address of case {case} {way} at height {}",
                m.height
            );
            alarms::raise(&mut tx, casework.now_micros(), "chain-moved", &case, &text).await?;
            audit::write(
                &mut tx,
                casework.now_micros(),
                "follower",
                "finding.chain",
                &id,
                &case,
            )
            .await?;
            raised += 1;
        }
    }
    tx.commit().await?;
    Ok(raised)
}

/// The watermark of a network: height and hash of the last processed block; `None` before the first
/// run.
pub async fn chain_told(casework: &Casework, network: &str) -> Result<Option<(u64, String)>> {
    let row = sqlx::query("SELECT height, block FROM chain_told WHERE network = $1")
        .bind(network)
        .fetch_optional(casework.pool())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut c = Columns::of(&row);
    let height: i64 = c.int()?;
    Ok(Some((height.max(0) as u64, c.text()?)))
}

/// Sets the watermark of a network: its movements are recorded up to this block.
pub async fn set_watermark(
    casework: &Casework,
    network: &str,
    height: u64,
    block: &str,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO chain_told (network, height, block) VALUES ($1, $2, $3)
         ON CONFLICT (network) DO UPDATE SET height = $2, block = $3",
    )
    .bind(network)
    .bind(height as i64)
    .bind(block)
    .execute(casework.pool())
    .await?;
    Ok(())
}

/// Movements of a network that weren't orphaned, with their ids.
pub async fn movements_of(
    casework: &Casework,
    network: &str,
) -> Result<Vec<(String, MovementRow)>> {
    let rows = sqlx::query(
        "SELECT id, movement_sealed FROM chain_movements WHERE network = $1 AND undone_at IS NULL ORDER BY id",
    )
    .bind(network)
    .fetch_all(casework.pool())
    .await?;
    let mut all = Vec::new();
    for row in &rows {
        let mut c = Columns::of(row);
        let (id, text) = (c.text()?, casework.open_text(&c.text()?)?);
        all.push((id, read_movement(&text)?));
    }
    Ok(all)
}

/// Marks a movement whose block was orphaned and that no other block contains, withdraws its
/// finding and raises an alarm. Does nothing if the case was cleared.
///
/// # Errors
/// No movement has that id, or the database failed.
pub async fn undo_movement(casework: &Casework, id: &str) -> Result<()> {
    let mut tx = casework.begin().await?;
    let row = sqlx::query("SELECT case_id, movement_key FROM chain_movements WHERE id = $1")
        .bind(id)
        .fetch_one(&mut *tx)
        .await?;
    let mut c = Columns::of(&row);
    let (case, key) = (c.text()?, c.text()?);
    cases::hold(&mut tx, &case).await?;
    if cases::status(&mut tx, &case).await? == CaseStatus::Cleared {
        return Ok(());
    }
    let now = casework.now_micros();
    sqlx::query("UPDATE chain_movements SET undone_at = $1 WHERE id = $2")
        .bind(now)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    let found = findings::NewFinding {
        case: &case,
        subject: &key,
        evidence: None,
        strength: "movement",
        source: SOURCE,
    };
    // Withdrawn, not deleted: `movements` still lists it, marked.
    findings::set_state(&mut tx, &found, FindingState::Withdrawn).await?;
    let text = format!(
        "a movement alerted earlier in case {case} never happened: its block was orphaned by a reorg"
    );
    alarms::raise(&mut tx, now, "chain-undone", &case, &text).await?;
    audit::write(&mut tx, now, "follower", "finding.undone", id, &case).await?;
    tx.commit().await?;
    Ok(())
}

/// Movements of a case, most recently found first; orphaned ones remain, marked.
///
/// # Errors
/// `case` is empty, or a stored movement can't be read.
pub async fn movements(casework: &Casework, case: &str) -> Result<Vec<MovementRow>> {
    if case.is_empty() {
        return Err(CaseworkError::invalid("case", "name a case"));
    }
    let rows = sqlx::query(
        "SELECT movement_sealed, undone_at FROM chain_movements WHERE case_id = $1 ORDER BY found_at DESC, id",
    )
    .bind(case)
    .fetch_all(casework.pool())
    .await?;
    let mut all = Vec::new();
    for row in &rows {
        let mut c = Columns::of(row);
        let text = casework.open_text(&c.text()?)?;
        // From the column: the sealed row was written before the block was orphaned.
        let undone = c.maybe_int()?.is_some();
        all.push(MovementRow {
            undone,
            ..read_movement(&text)?
        });
    }
    Ok(all)
}
