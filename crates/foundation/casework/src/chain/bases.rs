//! On what law a case's money may be followed, who answers for it, and what was made of it.

use serde::Serialize;

use crate::database::{Columns, Tx};
use crate::{
    CaseStatus, Casework, CaseworkError, Next, Person, Result, audit, cases, ids, legal_bases,
};

/// A legal basis for following a case's money.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ChainBasis {
    /// Id.
    pub id: String,
    /// The case.
    pub case: String,
    /// The law, the order, its number.
    pub basis: String,
    /// Who answers for it.
    pub owner: String,
    /// Who put it on record.
    pub person: String,
    /// When, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub recorded_at: i64,
    /// When it ends, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub ends_at: i64,
}

/// Whether nobody has decided that there is nothing in a case.
pub(super) fn goes_on(status: CaseStatus) -> bool {
    !matches!(status, CaseStatus::Closed | CaseStatus::Cleared)
}

/// Forgets on what law a case's money was followed; how many there were. The audit trail keeps that
/// there was one, by id, and whose it was.
pub(super) async fn forget(tx: &mut Tx, case: &str) -> Result<u64> {
    let gone = sqlx::query("DELETE FROM chain_bases WHERE case_id = $1")
        .bind(case)
        .execute(&mut **tx)
        .await?;
    Ok(gone.rows_affected())
}

async fn may_go_on(tx: &mut Tx, case: &str) -> Result<()> {
    let status = cases::status(tx, case).await?;
    if goes_on(status) {
        return Ok(());
    }
    Err(CaseworkError::conflict(format!(
        "case {case} is {}: its money isn't followed any more; new facts need a new case",
        status.word()
    )))
}

impl Casework {
    /// Puts on record on what law a case's money may be followed.
    pub async fn record_chain_basis(
        &self,
        case: &str,
        basis: &str,
        owner: &str,
        ends_at: i64,
        person: &Person,
    ) -> Result<ChainBasis> {
        let (basis, owner) = legal_bases::checked(basis, owner, ends_at, self.now())?;
        let entry = ChainBasis {
            id: ids::new("basis"),
            case: case.into(),
            basis: basis.into(),
            owner: owner.into(),
            person: person.id.clone(),
            recorded_at: self.now(),
            ends_at,
        };
        let mut tx = self.db.begin().await?;
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
        let now = self.now();
        audit::write(&mut tx, now, &person.id, "chain.basis", case, &entry.id).await?;
        tx.commit().await?;
        Ok(entry)
    }

    /// The bases of a case, newest first.
    pub async fn chain_bases(&self, case: &str) -> Result<Vec<ChainBasis>> {
        let rows = sqlx::query(
            "SELECT id, case_id, basis, owner, person, recorded_at, ends_at FROM chain_bases
             WHERE case_id = $1 ORDER BY recorded_at DESC, id",
        )
        .bind(case)
        .fetch_all(self.db.pool())
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

    /// Lets a person follow a case's money, and writes down that they do; refused without a basis that
    /// hasn't ended, unless the chain is nobody's (`needed` is false).
    pub async fn begin_trace(
        &self,
        case: &str,
        needed: bool,
        person: &Person,
    ) -> Result<Option<ChainBasis>> {
        may_go_on(&mut self.db.snapshot().await?, case).await?;
        let now = self.now();
        let mut bases = self.chain_bases(case).await?;
        bases.retain(|b| b.ends_at > now);
        let basis = bases.into_iter().next();
        if needed && basis.is_none() {
            return Err(CaseworkError::denied(format!(
                "case {case} has no legal basis for following its money that hasn't ended; record one first"
            )).then(Next::RecordChainBasis { case: case.to_owned() }));
        }
        let detail = basis.as_ref().map_or("no basis needed", |b| &b.id);
        self.note(&person.id, "chain.trace", case, detail).await?;
        Ok(basis)
    }
}
