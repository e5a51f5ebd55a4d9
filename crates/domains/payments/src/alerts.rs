//! Alerts on record: each belongs to a case, is shown with the figures behind it, and is recomputed
//! when a case it depends on is cleared.
//!
//! What is known of parties is sealed; the tables hold keyed digests. Holds end by themselves.

mod case_facts;
mod holds;

pub use holds::{Hold, HoldState, decide_hold, holds, record_hold};

use case_facts::{Known, facts_of};

use async_trait::async_trait;
use obhut_typologies::{
    Assessment, Country, Currency, Event, Fired, Role, SCENARIOS, Scenario, Side,
    indicators::{self, DependsOn},
    score_of,
};
use serde::{Deserialize, Serialize};

use obhut_casework::for_domains::{
    Clearing, Columns, Covered, Domain, Inside as _, Numbered, Removed, Tx, audit, cases, counters,
    facts, findings, ids, reports,
};
use obhut_casework::{
    CaseStatus, Casework, CaseworkError, Facts, FindingState, Result, Sealed, Subject, Surface,
    UploadFacts,
};
use obhut_facts::{Language, words};

/// Source of this domain's findings.
const SOURCE: &str = "payments";
/// Cool-down: a party of a decided case is re-alerted only when its newest transfer is at least
/// this long after the newest one of the last alert, in microseconds; 30 days, our judgement.
const COOL_DOWN_MICROS: i64 = 30 * 86_400 * 1_000_000;

words! {
    /// The status of an alert.
    AlertState {
        /// On record. It stays open when its case is decided.
        Open = "open",
        /// Its case was cleared, and what the alert said was deleted.
        Withdrawn = "withdrawn",
    }
}

/// Payments, as a domain of casework.
pub struct Payments;

/// Newest sessions kept with an alert. Our judgement: enough to show a habit, few enough to read.
pub(crate) const SESSIONS_MAX: usize = 50;

/// Reason given in the erasure proof for keeping the live journal.
const JOURNAL_KEPT: &str = "the bank's record of its own payments, which accuses no one; deleted at the end of its retention";

#[async_trait]
impl Domain for Payments {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn migrations(&self) -> &'static [Numbered] {
        crate::migrations::ALL
    }

    fn covered(&self) -> &'static [Covered] {
        crate::migrations::COVERED
    }

    async fn dossier_part(&self, tx: &mut Tx, casework: &Casework, case: &str) -> Result<Facts> {
        let rows = sqlx::query(
            "SELECT side, role, last_at, detail_sealed FROM payment_alerts
             WHERE case_id = $1 AND state = 'open' ORDER BY seq",
        )
        .bind(case)
        .fetch_all(&mut **tx)
        .await?;
        let mut known = Vec::new();
        for row in &rows {
            let mut c = Columns::of(row);
            let (side, role, last_at) = (c.text()?, c.text()?, c.int()?);
            known.push(Known {
                sends: side == Side::Sender.word(),
                victim: role == Role::PossibleVictim.word(),
                last_at,
                detail: detail(casework, &c.text()?)?,
            });
        }
        Ok(facts_of(&known))
    }

    async fn withdraw(
        &self,
        tx: &mut Tx,
        casework: &Casework,
        clearing: &Clearing<'_>,
    ) -> Result<Vec<Removed>> {
        let now = casework.now_micros();
        let mut removed = Vec::new();
        let alerts = sqlx::query("SELECT id, detail_sealed FROM payment_alerts WHERE case_id = $1")
            .bind(clearing.case)
            .fetch_all(&mut **tx)
            .await?;
        for row in &alerts {
            let mut c = Columns::of(row);
            let id = c.text()?;
            // The content is deleted. The keyed digest remains, so that the same transfers don't
            // raise an alert about this person again.
            let text = serde_json::to_string(&Detail::default()).expect("a detail is JSON");
            sqlx::query("UPDATE payment_alerts SET detail_sealed = $1, state = $2, changed_at = $3, score = 0, scenario = '', first_at = last_at WHERE id = $4")
                .bind(casework.seal_text(&text))
                .bind(AlertState::Withdrawn.word())
                .bind(now)
                .bind(&id)
                .execute(&mut **tx)
                .await?;
            audit::write(tx, now, "redress", "alert.withdraw", &id, clearing.case).await?;
        }
        // Active holds end with the case, and the transfer id is deleted. Its keyed digest remains, so
        // that the same transfer isn't held again.
        let holds = sqlx::query(
            "UPDATE payment_holds SET tx_sealed = '', changed_at = $1,
                state = CASE WHEN state IN ('held', 'confirmed') THEN 'released' ELSE state END,
                until_at = CASE WHEN state IN ('held', 'confirmed') AND until_at > $1 THEN $1 ELSE until_at END
             WHERE case_id = $2",
        )
        .bind(now)
        .bind(clearing.case)
        .execute(&mut **tx)
        .await?;
        if !alerts.is_empty() || holds.rows_affected() > 0 {
            removed.push(Removed::done("payments"));
            removed.push(Removed::kept("journal", JOURNAL_KEPT));
        }
        Ok(removed)
    }

    async fn finish_erasure(&self, casework: &Casework, _: &str) -> Result<()> {
        // Other alerts may have rested on this case; their scores are recomputed now.
        recount_associations(casework).await?;
        Ok(())
    }
}

/// An alert about to be put on record.
#[derive(Clone, Debug)]
pub struct NewAlert {
    /// The party's id, as the records have it.
    pub party: Sealed<String>,
    /// Its assessment.
    pub assessment: Assessment,
    /// Its last transfers, at most [`EVIDENCE_MAX`](crate::EVIDENCE_MAX), oldest first.
    pub timeline: Vec<ShownTransfer>,
    /// The counterparties of these, most transfers first.
    pub network: Vec<ShownOther>,
    /// Confirmed senders that the association rests on.
    pub rests_on: Vec<Sealed<String>>,
    /// What the platform knows of the sessions in which the party made these payments.
    pub sessions: Vec<Session>,
}

/// What a platform knows of the session in which a payment was made.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Session {
    /// Id of the transfer.
    pub tx: String,
    /// What is known; its time is the payment's, if the platform gives none.
    pub upload: UploadFacts,
}

/// A transfer as an alert shows it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ShownTransfer {
    /// Id of the transfer, if ids were kept.
    pub tx: Option<String>,
    /// When, microseconds since 1970.
    pub at: i64,
    /// The other party.
    pub other: String,
    /// Decimal text, rounded to the currency's minor unit: `35.00`.
    pub amount: String,
    /// ISO 4217.
    pub currency: String,
    /// The other party's country.
    pub country: String,
    /// In the price band.
    pub in_band: bool,
    /// Late in the evening or at night, where the sender is.
    pub night: bool,
}

/// A counterparty as an alert shows it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ShownOther {
    /// Its id.
    pub party: String,
    /// Transfers with it.
    pub n: u32,
    /// Number of different senders, if it is known to have several.
    pub senders: Option<u32>,
}

#[derive(Default, Serialize, Deserialize)]
struct Detail {
    party: String,
    fired: Vec<StoredFired>,
    timeline: Vec<ShownTransfer>,
    network: Vec<ShownOther>,
    /// Keyed digests of confirmed senders.
    #[serde(default)]
    rests_on: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sessions: Vec<Session>,
}

#[derive(Serialize, Deserialize)]
struct StoredFired {
    id: String,
    sentence: u8,
    strength: f64,
    values: [f64; 5],
}

/// An alert on record, without its sealed part (party, reasons and transfers).
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AlertRow {
    /// Id of the alert: `alert-…`.
    pub id: String,
    /// Id of its case.
    pub case: String,
    /// `sender` or `recipient`.
    pub side: String,
    /// What the party may be, such as `possible buyer`.
    pub role: String,
    /// Name of the scenario; empty after its case was cleared.
    pub scenario: String,
    /// 0 to 100.
    pub score: f64,
    /// Its status.
    pub state: AlertState,
    /// Time of the first transfer it rests on, microseconds since 1970; RFC 3339 in JSON.
    #[serde(serialize_with = "obhut_casework::time")]
    pub first_at: i64,
    /// Time of the last transfer it rests on, in the same form.
    #[serde(serialize_with = "obhut_casework::time")]
    pub last_at: i64,
    /// Time of its last change, in the same form.
    #[serde(serialize_with = "obhut_casework::time")]
    pub changed_at: i64,
}

impl AlertRow {
    /// Title of the scenario, worded as a suspicion ("possible …"); its stored name if this version
    /// has no such scenario, and empty after a clearing.
    pub fn title(&self, language: Language) -> &str {
        let entry = Scenario::by_name(&self.scenario);
        entry.map_or(&self.scenario, |s| language.pick(s.title.en, s.title.de))
    }
}

/// An alert with its sealed part.
#[derive(Clone, Debug)]
pub struct AlertDetail {
    /// The row.
    pub row: AlertRow,
    /// The party's id.
    pub party: Sealed<String>,
    /// What fired.
    pub fired: Vec<Fired>,
    /// Its last transfers, at most [`EVIDENCE_MAX`](crate::EVIDENCE_MAX), oldest first.
    pub timeline: Vec<ShownTransfer>,
    /// The counterparties of these, most transfers first.
    pub network: Vec<ShownOther>,
}

impl AlertDetail {
    /// The scenario's entry, where there is still one of that name.
    pub fn scenario(&self) -> Option<&'static Scenario> {
        Scenario::by_name(&self.row.scenario)
    }

    /// Title of the scenario; see [`AlertRow::title`].
    pub fn title(&self, language: Language) -> &str {
        self.row.title(language)
    }

    /// What the reader should do first.
    pub fn advice(&self, language: Language) -> &'static str {
        self.scenario()
            .map_or("", |s| language.pick(s.advice.en, s.advice.de))
    }
}

/// Transfers and counterparties as an alert shows them. `name` gives a party's id, `tx` a
/// transfer's, `senders_of` the number of a party's senders, if known.
pub fn shown(
    events: &[Event],
    name: impl Fn(obhut_typologies::PartyKey) -> String,
    tx: impl Fn(u64) -> Option<String>,
    senders_of: impl Fn(obhut_typologies::PartyKey) -> Option<u32>,
) -> (Vec<ShownTransfer>, Vec<ShownOther>) {
    let timeline = events
        .iter()
        .map(|e| ShownTransfer {
            tx: tx(e.tx),
            at: e.at_micros,
            other: name(e.other),
            amount: decimal(e.amount_minor, e.currency),
            currency: e.currency.code().to_owned(),
            country: country(e.country),
            in_band: e.is(Event::BAND),
            night: e.is(Event::NIGHT),
        })
        .collect();
    let mut others: Vec<(obhut_typologies::PartyKey, u32)> = Vec::new();
    // Linear is enough: callers pass at most EVIDENCE_MAX events.
    for e in events {
        match others.iter_mut().find(|o| o.0 == e.other) {
            Some(o) => o.1 += 1,
            None => others.push((e.other, 1)),
        }
    }
    others.sort_by_key(|o| std::cmp::Reverse(o.1));
    let network = others
        .into_iter()
        .map(|(party, n)| ShownOther {
            party: name(party),
            n,
            senders: senders_of(party),
        })
        .collect();
    (timeline, network)
}

fn country(c: Country) -> String {
    c.code()
}

/// Minor units as decimal text: `35.00`, `2150`.
pub fn decimal(minor: i64, currency: Currency) -> String {
    let digits = currency.entry().digits as usize;
    if digits == 0 {
        return minor.to_string();
    }
    // Amounts are above zero, so the remainder has no sign.
    let units = 10i64.pow(digits as u32);
    format!("{}.{:0digits$}", minor / units, minor % units)
}

fn party_key(casework: &Casework, party: &str) -> String {
    casework.keyed_digest("payment party", party.as_bytes())
}

/// Puts an alert on record. It joins the party's open case or opens one; after a decision the party
/// is re-alerted only after the cool-down. Recording the same alert twice changes nothing. Returns
/// `None` if the alert was suppressed.
pub async fn record_alert(
    casework: &Casework,
    alert: &NewAlert,
    actor: &str,
) -> Result<Option<AlertRow>> {
    let a = &alert.assessment;
    let key = party_key(casework, alert.party.expose());
    let mut detail = detail_of(casework, alert);
    let now = casework.now_micros();
    let mut tx = casework.begin().await?;
    casework.lock_for_alerts(&mut tx).await?;
    let row = sqlx::query(
        "SELECT id, case_id, last_at, detail_sealed FROM payment_alerts WHERE party_key = $1 AND side = $2
         ORDER BY seq DESC LIMIT 1",
    )
    .bind(&key)
    .bind(a.side().word())
    .fetch_optional(&mut *tx)
    .await?;
    // In hundredths: the column is an integer.
    let score = (a.score * 100.0).round() as i64;
    if let Some(row) = row {
        let mut c = Columns::of(&row);
        let (id, case, last, stored) = (c.text()?, c.text()?, c.int()?, c.text()?);
        // Locked: a decision in the same moment must not find evidence added after it.
        cases::hold(&mut tx, &case).await?;
        let status = cases::status(&mut tx, &case).await?;
        if status == CaseStatus::Open {
            let stored = casework.open_text(&stored)?;
            keep_sessions(&mut detail, &stored)?;
            // Sealing is randomised: only the text can be compared with what is on record.
            let text = serde_json::to_string(&detail).expect("a detail is JSON");
            // Compare the whole detail: a transfer that came late may have been added in the
            // middle, with `last_at` unchanged. A scan of older data never replaces newer results.
            if a.last_at >= last && stored != text {
                let found = findings::NewFinding {
                    case: &case,
                    subject: &id,
                    evidence: None,
                    strength: a.scenario,
                    source: SOURCE,
                };
                // Updates the finding's strength, which is the scenario.
                findings::set_state(&mut tx, &found, FindingState::Open).await?;
                sqlx::query(
                    "UPDATE payment_alerts SET score = $1, scenario = $2, role = $3, detail_sealed = $4,
                        first_at = $5, last_at = $6, changed_at = $7, state = 'open' WHERE id = $8",
                )
                .bind(score)
                .bind(a.scenario)
                .bind(a.role().word())
                .bind(casework.seal_text(&text))
                .bind(a.first_at)
                .bind(a.last_at)
                .bind(now)
                .bind(&id)
                .execute(&mut *tx)
                .await?;
            }
            let row = row_of(&mut tx, &id).await?;
            facts::rank(&mut tx, casework, &row.case).await?;
            tx.commit().await?;
            return Ok(Some(row));
        }
        // The cool-down applies after clearing, too: the row is found by the keyed digest it keeps.
        if a.last_at < last + COOL_DOWN_MICROS {
            return Ok(None);
        }
    }
    let text = serde_json::to_string(&detail).expect("a detail is JSON");
    let row = NewRow {
        alert,
        key: &key,
        sealed: &casework.seal_text(&text),
        score,
    };
    let id = insert(&mut tx, casework, &row, actor).await?;
    let row = row_of(&mut tx, &id).await?;
    facts::rank(&mut tx, casework, &row.case).await?;
    tx.commit().await?;
    Ok(Some(row))
}

/// Adds sessions to the party's open alert as a sender. Does nothing if it has none in an open
/// case.
pub(crate) async fn add_sessions(
    casework: &Casework,
    party: &Sealed<String>,
    sessions: &[Session],
) -> Result<()> {
    let mut tx = casework.begin().await?;
    casework.lock_for_alerts(&mut tx).await?;
    let row = sqlx::query(
        "SELECT id, case_id, detail_sealed FROM payment_alerts WHERE party_key = $1 AND side = $2 AND state = 'open'
         ORDER BY seq DESC LIMIT 1",
    )
    .bind(party_key(casework, party.expose()))
    .bind(Side::Sender.word())
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(()) };
    let mut c = Columns::of(&row);
    let (id, case, stored) = (c.text()?, c.text()?, c.text()?);
    cases::hold(&mut tx, &case).await?;
    if cases::status(&mut tx, &case).await? != CaseStatus::Open {
        return Ok(());
    }
    let stored = casework.open_text(&stored)?;
    let mut detail: Detail =
        serde_json::from_str(&stored).map_err(|_| CaseworkError::unreadable("an alert"))?;
    detail.sessions = sessions.to_vec();
    keep_sessions(&mut detail, &stored)?;
    let text = serde_json::to_string(&detail).expect("a detail is JSON");
    sqlx::query("UPDATE payment_alerts SET detail_sealed = $1, changed_at = $2 WHERE id = $3")
        .bind(casework.seal_text(&text))
        .bind(casework.now_micros())
        .bind(&id)
        .execute(&mut *tx)
        .await?;
    facts::rank(&mut tx, casework, &case).await?;
    tx.commit().await?;
    Ok(())
}

/// Prepends the sessions stored with the alert to the new ones, which are only those since the last
/// write. Keeps the last SESSIONS_MAX.
fn keep_sessions(detail: &mut Detail, stored: &str) -> Result<()> {
    let stored: Detail =
        serde_json::from_str(stored).map_err(|_| CaseworkError::unreadable("an alert"))?;
    let new = std::mem::replace(&mut detail.sessions, stored.sessions);
    for session in new {
        if !detail.sessions.contains(&session) {
            detail.sessions.push(session);
        }
    }
    let over = detail.sessions.len().saturating_sub(SESSIONS_MAX);
    detail.sessions.drain(..over);
    Ok(())
}

fn detail_of(casework: &Casework, alert: &NewAlert) -> Detail {
    let a = &alert.assessment;
    Detail {
        party: alert.party.expose().clone(),
        fired: a
            .fired
            .iter()
            .map(|f| StoredFired {
                id: f.indicator().id.to_owned(),
                sentence: f.sentence(),
                strength: f.strength,
                values: f.values,
            })
            .collect(),
        timeline: alert.timeline.clone(),
        network: alert.network.clone(),
        rests_on: alert
            .rests_on
            .iter()
            .map(|p| party_key(casework, p.expose()))
            .collect(),
        sessions: alert.sessions.clone(),
    }
}

/// A new alert to insert.
struct NewRow<'a> {
    alert: &'a NewAlert,
    key: &'a str,
    sealed: &'a str,
    score: i64,
}

/// Inserts a new alert and its finding into the party's open case, or opens one. Returns the
/// alert's id.
async fn insert(tx: &mut Tx, casework: &Casework, row: &NewRow<'_>, actor: &str) -> Result<String> {
    let (alert, now) = (row.alert, casework.now_micros());
    let a = &alert.assessment;
    let id = ids::new("alert");
    let subject = Subject {
        group: format!("payments:{}", alert.party.expose()),
        account: Some(alert.party.clone()),
        name: None,
        surface: Surface::Public,
        uploaded_at: None,
        before_release: false,
        upload: UploadFacts::default(),
        digests: None,
    };
    // Used only if the party has no open case; `join_payments` returns the one that counts.
    let unused = ids::new("case");
    let case = cases::join_payments(tx, casework, &subject, &unused, actor).await?;
    let found = findings::NewFinding {
        case: &case,
        subject: &id,
        evidence: None,
        strength: a.scenario,
        source: SOURCE,
    };
    findings::write(tx, casework, &found).await?;
    // Late: the counter's row stays locked until commit (`counters::next`).
    let seq = counters::next(tx, "alerts").await?;
    sqlx::query(
        "INSERT INTO payment_alerts (id, case_id, party_key, side, role, scenario, score, state, detail_sealed,
            first_at, last_at, made_at, changed_at, seq)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9, $10, $11, $11, $12)",
    )
    .bind(&id)
    .bind(&case)
    .bind(row.key)
    .bind(a.side().word())
    .bind(a.role().word())
    .bind(a.scenario)
    .bind(row.score)
    .bind(row.sealed)
    .bind(a.first_at)
    .bind(a.last_at)
    .bind(now)
    .bind(seq)
    .execute(&mut **tx)
    .await?;
    audit::write(
        tx,
        now,
        actor,
        "alert.record",
        &id,
        &format!("{} in {case}", a.scenario),
    )
    .await?;
    Ok(id)
}

/// At most `most` open alerts, highest score first: either those of possible victims, or all
/// others. The two queues are never mixed.
pub async fn payment_alerts(
    casework: &Casework,
    victims: bool,
    most: i64,
) -> Result<Vec<AlertRow>> {
    let rows = sqlx::query("SELECT id, case_id, side, role, scenario, score, state, first_at, last_at, changed_at FROM payment_alerts WHERE state = 'open' AND (role = $1) = $2
         ORDER BY score DESC, id LIMIT $3")
    .bind(Role::PossibleVictim.word())
    .bind(victims)
    .bind(most)
    .fetch_all(casework.pool())
    .await?;
    let mut open = Vec::new();
    for row in rows {
        open.push(read_row(&mut Columns::of(&row))?);
    }
    Ok(open)
}

/// The alerts of a case, highest score first, without their sealed part.
pub async fn alerts_of_case(casework: &Casework, case: &str) -> Result<Vec<AlertRow>> {
    let rows = sqlx::query(
        "SELECT id, case_id, side, role, scenario, score, state, first_at, last_at, changed_at FROM payment_alerts
         WHERE case_id = $1 ORDER BY score DESC, id",
    )
    .bind(case)
    .fetch_all(casework.pool())
    .await?;
    rows.iter()
        .map(|row| read_row(&mut Columns::of(row)))
        .collect()
}

/// The alert with this id, or all alerts of the case with this id, including their sealed part.
/// Each view is in the audit trail before anything is returned.
///
/// # Errors
/// No alert has that id or is in that case.
pub async fn payment_alert(
    casework: &Casework,
    id: &str,
    person: &str,
) -> Result<Vec<AlertDetail>> {
    let mut tx = casework.begin().await?;
    let rows = sqlx::query("SELECT id, case_id, side, role, scenario, score, state, first_at, last_at, changed_at, detail_sealed FROM payment_alerts WHERE id = $1 OR case_id = $1 ORDER BY score DESC")
    .bind(id)
    .fetch_all(&mut *tx)
    .await?;
    let mut out = Vec::new();
    for row in rows {
        let mut c = Columns::of(&row);
        let row = read_row(&mut c)?;
        let detail = detail(casework, &c.text()?)?;
        // In one transaction with the reading: no view goes unrecorded.
        audit::write(
            &mut tx,
            casework.now_micros(),
            person,
            "alert.view",
            &row.id,
            "",
        )
        .await?;
        out.push(AlertDetail {
            row,
            party: Sealed::new(detail.party.clone()),
            fired: fired_of(&detail),
            timeline: detail.timeline,
            network: detail.network,
        });
    }
    tx.commit().await?;
    if out.is_empty() {
        return Err(CaseworkError::NotFound {
            what: "alert",
            id: id.to_owned(),
        });
    }
    Ok(out)
}

fn detail(casework: &Casework, sealed: &str) -> Result<Detail> {
    serde_json::from_str(&casework.open_text(sealed)?)
        .map_err(|_| CaseworkError::unreadable("the detail of an alert"))
}

/// Parties of cases that a person decided to report, unless all reports of the case were taken back
/// or an appeal is pending. Associations depend on these alone; a possible victim is never among them.
pub async fn confirmed_parties(casework: &Casework) -> Result<Vec<Sealed<String>>> {
    let rows = sqlx::query(
        "SELECT case_id, detail_sealed FROM payment_alerts WHERE state = 'open' AND role <> $1",
    )
    .bind(Role::PossibleVictim.word())
    .fetch_all(casework.pool())
    .await?;
    let mut tx = casework.snapshot().await?;
    let mut confirmed = Vec::new();
    for row in rows {
        let mut c = Columns::of(&row);
        let case = c.text()?;
        let status = cases::status(&mut tx, &case).await?;
        if matches!(status, CaseStatus::Decided | CaseStatus::Reported)
            && !reports::all_taken_back(&mut tx, &case).await?
        {
            confirmed.push(Sealed::new(detail(casework, &c.text()?)?.party));
        }
    }
    Ok(confirmed)
}

/// Recomputes the alerts whose associations rested on parties that are no longer confirmed: their
/// case was appealed, closed or cleared, or its reports were taken back. Returns how many changed.
/// Called when a case is cleared, and periodically while the server runs. An association is kept as
/// it is until the last case it rested on is gone, and then dropped.
pub async fn recount_associations(casework: &Casework) -> Result<u64> {
    let confirmed: Vec<String> = confirmed_parties(casework)
        .await?
        .iter()
        .map(|p| party_key(casework, p.expose()))
        .collect();
    let mut tx = casework.begin().await?;
    let rows = sqlx::query(
        "SELECT id, case_id, party_key, detail_sealed FROM payment_alerts WHERE state = 'open'",
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut changed = 0;
    for row in rows {
        let mut c = Columns::of(&row);
        let (id, case, party, stored) = (c.text()?, c.text()?, c.text()?, c.text()?);
        let mut detail = self::detail(casework, &stored)?;
        // Withdraw alerts of cleared cases; needed for cases cleared by an older version.
        let cleared = cases::status(&mut tx, &case).await? == CaseStatus::Cleared;
        let before = (detail.fired.len(), detail.rests_on.len());
        // The stored digests decide: the party's transfers are not at hand here.
        detail.rests_on.retain(|p| confirmed.contains(p));
        let near = !detail.rests_on.is_empty();
        let listed = confirmed.contains(&party);
        detail.fired.retain(|f| match rests(&f.id) {
            Some(DependsOn::NearbyConfirmed) => near,
            Some(DependsOn::OwnConfirmed) => listed,
            None => true,
        });
        // Called periodically: without a change there is nothing to write or audit.
        if (detail.fired.len(), detail.rests_on.len()) == before && !cleared {
            continue;
        }
        if cleared {
            // What was known of a cleared person goes; a keyed digest stays, so that the same
            // pattern doesn't accuse them again.
            detail = Detail::default();
        }
        // Associations are never signals, so what remains still fulfils the scenario. The alert
        // stays open even if its score is now below the lowest that raises one.
        let score = (score_of(&fired_of(&detail)) * 100.0).round() as i64;
        let state = if cleared {
            AlertState::Withdrawn
        } else {
            AlertState::Open
        };
        let text = serde_json::to_string(&detail).expect("a detail is JSON");
        // Only the alert that was read: a clearing or newer evidence in the same moment stays, and
        // the next recount looks at it.
        let written = sqlx::query("UPDATE payment_alerts SET score = $1, detail_sealed = $2, state = $3, changed_at = $4 WHERE id = $5 AND state = 'open' AND detail_sealed = $6")
            .bind(score)
            .bind(casework.seal_text(&text))
            .bind(state.word())
            .bind(casework.now_micros())
            .bind(&id)
            .bind(&stored)
            .execute(&mut *tx)
            .await?;
        if written.rows_affected() == 0 {
            continue;
        }
        changed += 1;
        audit::write(
            &mut tx,
            casework.now_micros(),
            "payments",
            "alert.recount",
            &id,
            state.word(),
        )
        .await?;
    }
    tx.commit().await?;
    Ok(changed)
}

async fn row_of(tx: &mut Tx, id: &str) -> Result<AlertRow> {
    let row = sqlx::query("SELECT id, case_id, side, role, scenario, score, state, first_at, last_at, changed_at FROM payment_alerts WHERE id = $1")
        .bind(id)
        .fetch_one(&mut **tx)
        .await?;
    read_row(&mut Columns::of(&row))
}

fn read_row(c: &mut Columns<'_>) -> Result<AlertRow> {
    let (id, case, side, role, scenario) = (c.text()?, c.text()?, c.text()?, c.text()?, c.text()?);
    let (score, state) = (c.int()?, c.text()?);
    Ok(AlertRow {
        id,
        case,
        side,
        role,
        scenario,
        score: score as f64 / 100.0,
        state: AlertState::from_word(&state)
            .ok_or_else(|| CaseworkError::unreadable("an alert"))?,
        first_at: c.int()?,
        last_at: c.int()?,
        changed_at: c.int()?,
    })
}

/// The case association an indicator depends on, if any.
fn rests(id: &str) -> Option<DependsOn> {
    indicators::ALL.iter().find(|i| i.id == id)?.depends_on
}

fn fired_of(detail: &Detail) -> Vec<Fired> {
    detail
        .fired
        .iter()
        .filter_map(|f| Fired::restored(&f.id, f.sentence, f.strength, f.values))
        .collect()
}

/// The names of all scenarios.
pub fn scenario_names() -> impl Iterator<Item = &'static str> {
    SCENARIOS.iter().map(|s| s.name)
}
