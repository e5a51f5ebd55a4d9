//! What an upheld appeal does to findings, file names and exhibits, which every domain shares.

use async_trait::async_trait;
use obhut_store::Result;
use obhut_store::database::Tx;

use crate::casework::{Casework, Clearing, Domain, Gone, Removed};
use crate::{erasing, findings, views};

/// The evidence of all domains.
pub(crate) struct Evidence;

#[async_trait]
impl Domain for Evidence {
    fn name(&self) -> &'static str {
        "evidence"
    }

    /// Withdraws the case's findings, deletes file names, and schedules the exhibits for erasure.
    async fn withdraw(
        &self,
        tx: &mut Tx,
        casework: &Casework,
        clearing: &Clearing<'_>,
    ) -> Result<Vec<Removed>> {
        let case = clearing.case;
        findings::withdraw(tx, case).await?;
        let mut exhibits = findings::exhibits(tx, case).await?;
        // An exhibit may belong to a case without a finding that names it.
        exhibits.extend(views::of_case(tx, case).await?);
        exhibits.sort_unstable();
        exhibits.dedup();
        // At least now: 0 means that nothing was filed.
        let when = Gone::NotBefore(clearing.kept_until.max(casework.now()));
        Ok(exhibits
            .into_iter()
            .map(|what| Removed {
                what,
                when: when.clone(),
            })
            .collect())
    }

    async fn finish_erasure(&self, casework: &Casework, case: &str) -> Result<()> {
        erasing::finish_erasures_of(casework, case).await?;
        Ok(())
    }
}
