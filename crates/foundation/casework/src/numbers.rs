//! Numbers under which the CyberTipline has reports of a case or of an account.

use crate::{Casework, FilingState, Result, cases, filings, reports};

/// The numbers under which earlier reports of this case, and of other cases about the same account,
/// were filed. Numbers of a test service are left out: they mean nothing in production.
pub(crate) async fn earlier_numbers(casework: &Casework, case: &str) -> Result<Vec<i64>> {
    let mut numbers = numbers_of(casework, case).await?;
    for other in cases::cases_of_account(casework, case).await? {
        numbers.extend(numbers_of(casework, &other).await?);
    }
    Ok(numbers)
}

/// The numbers under which the CyberTipline has reports of a case: those that are numeric. Other
/// destinations have no numeric ids, and the CyberTipline takes only its own numbers.
pub(crate) async fn numbers_of(casework: &Casework, case: &str) -> Result<Vec<i64>> {
    let mut numbers = Vec::new();
    for row in reports::report_rows(casework, Some(case)).await? {
        let filing = filings::filing(casework, &row.id).await?;
        let filed = filing.filter(|f| f.state == FilingState::Filed && !f.test);
        numbers.extend(filed.and_then(|f| f.remote.parse::<i64>().ok()));
    }
    Ok(numbers)
}
