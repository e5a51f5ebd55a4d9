//! The legal bases for tracing a case's money, and the permission to trace that follows from
//! one.

use obhut_casework as casework;
use obhut_casework::for_domains::{Columns, Inside as _, Tx, audit, cases, ids, legal_bases};
use obhut_casework::{
    Act, Actor, CaseStatus, Casework, CaseworkError, Next, Person, Result, Role, State, authorize,
    authorize_state,
};
use obhut_chain::Network;
use serde::Serialize;

/// A legal basis for following a case's money.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ChainBasis {
    /// Id of the basis: `basis-` and 16 hex digits.
    pub id: String,
    /// Id of the case.
    pub case: String,
    /// The law or the order, with its number.
    pub basis: String,
    /// Name of the person responsible for it.
    pub owner: String,
    /// Id of the person who put it on record.
    pub person: String,
    /// When it was put on record, microseconds since 1970.
    #[serde(serialize_with = "obhut_casework::time")]
    pub recorded_at: i64,
    /// When it ends, microseconds since 1970.
    #[serde(serialize_with = "obhut_casework::time")]
    pub ends_at: i64,
}

/// True unless a case was closed or cleared.
pub(crate) fn goes_on(status: CaseStatus) -> bool {
    !matches!(status, CaseStatus::Closed | CaseStatus::Cleared)
}

/// Deletes the legal bases of a case and returns their number. The audit trail keeps their ids and
/// who recorded them.
pub(crate) async fn forget(tx: &mut Tx, case: &str) -> Result<u64> {
    let gone = sqlx::query("DELETE FROM chain_bases WHERE case_id = $1")
        .bind(case)
        .execute(&mut **tx)
        .await?;
    Ok(gone.rows_affected())
}

pub(crate) async fn may_go_on(tx: &mut Tx, case: &str) -> Result<()> {
    let status = cases::status(tx, case).await?;
    if goes_on(status) {
        return Ok(());
    }
    Err(CaseworkError::conflict(format!(
        "case {case} is {}: its money isn't followed any more; new facts need a new case",
        status.word()
    )))
}

/// Records the legal basis on which a case's money may be traced. The caller checks the person's
/// role.
///
/// # Errors
/// The text or the owner is empty, `ends_at` isn't in the future, or the case is unknown, closed or
/// cleared.
pub async fn record_chain_basis(
    casework: &Casework,
    case: &str,
    basis: &str,
    owner: &str,
    ends_at: i64,
    person: &Person,
) -> Result<ChainBasis> {
    let (basis, owner) = legal_bases::checked(basis, owner, ends_at, casework.now_micros())?;
    let entry = ChainBasis {
        id: ids::new("basis"),
        case: case.into(),
        basis: basis.into(),
        owner: owner.into(),
        person: person.id.clone(),
        recorded_at: casework.now_micros(),
        ends_at,
    };
    let mut tx = casework.begin().await?;
    // In the transaction of the insert: the case may have been closed since the command began.
    may_go_on(&mut tx, case).await?;
    sqlx::query(
        "INSERT INTO chain_bases (id, case_id, basis, owner, person, recorded_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&entry.id)
    .bind(case)
    .bind(basis)
    .bind(owner)
    .bind(&person.id)
    .bind(entry.recorded_at)
    .bind(ends_at)
    .execute(&mut *tx)
    .await?;
    let now = casework.now_micros();
    audit::write(&mut tx, now, &person.id, "chain.basis", case, &entry.id).await?;
    tx.commit().await?;
    Ok(entry)
}

/// The bases of a case, newest first.
pub async fn chain_bases(casework: &Casework, case: &str) -> Result<Vec<ChainBasis>> {
    let rows = sqlx::query(
        "SELECT id, case_id, basis, owner, person, recorded_at, ends_at FROM chain_bases
         WHERE case_id = $1 ORDER BY recorded_at DESC, id",
    )
    .bind(case)
    .fetch_all(casework.pool())
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(ChainBasis {
                id: c.text()?,
                case: c.text()?,
                basis: c.text()?,
                owner: c.text()?,
                person: c.text()?,
                recorded_at: c.int()?,
                ends_at: c.int()?,
            })
        })
        .collect()
}

/// True for regtest, a local test network on which no one's money moves.
pub(crate) fn is_needs_no_basis(network: Network) -> bool {
    network == Network::Regtest
}

/// Proof that tracing is authorised, with its legal basis. [`crate::payers`] requires one, and only
/// [`Permission::without_a_case`] and [`begin_trace`], which check the authorisation, can create
/// it. Trap: [`crate::payers`] doesn't check which network and case a permission is for, so the
/// caller must use it only for those.
#[derive(Clone, Debug)]
pub struct Permission {
    basis: Option<ChainBasis>,
}

impl Permission {
    /// For regtest, which needs neither a case nor a data folder.
    ///
    /// # Errors
    /// Denied on every other network.
    pub fn without_a_case(network: Network) -> Result<Self> {
        let state = State::Money {
            needs_no_basis: is_needs_no_basis(network),
            case: false,
            basis: false,
        };
        authorize_state(state)?;
        Ok(Self { basis: None })
    }

    /// The legal basis the trace runs under; `None` if the network needs none and the case has
    /// none.
    pub fn basis(&self) -> Option<&ChainBasis> {
        self.basis.as_ref()
    }
}

/// Permits a person to trace a case's money and records that in the audit trail.
///
/// # Errors
/// The case is unknown, closed or cleared, the person lacks the role reviewer, or no legal basis is
/// in force. Regtest needs no basis.
pub async fn begin_trace(
    casework: &Casework,
    case: &str,
    network: Network,
    person: &Person,
) -> Result<Permission> {
    // Even on regtest, and even with a valid basis: closed and cleared cases are not traced.
    may_go_on(&mut casework.snapshot().await?, case).await?;
    let now = casework.now_micros();
    let mut bases = chain_bases(casework, case).await?;
    bases.retain(|b| b.ends_at > now);
    // Newest first: a trace runs under the basis recorded last.
    let basis = bases.into_iter().next();
    let state = State::Money {
        needs_no_basis: is_needs_no_basis(network),
        case: true,
        basis: basis.is_some(),
    };
    authorize(&Actor::Shell(person), Act::FollowMoney, state).map_err(|e| match basis {
        // The person has the role; only the legal basis is missing.
        None if person.roles.contains(&Role::Reviewer) => e.then(Next::RecordChainBasis {
            case: case.to_owned(),
        }),
        _ => e,
    })?;
    let detail = basis.as_ref().map_or("no basis needed", |b| &b.id);
    // Before any address is looked up: an interrupted trace is on record too.
    casework::note(casework, &person.id, "chain.trace", case, detail).await?;
    Ok(Permission { basis })
}
