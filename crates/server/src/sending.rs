//! Sends a report on a person's request.

use std::sync::Arc;

use obhut_app::casework::{self, Person};
use obhut_app::partners::filing::RetryPolicy;
use obhut_app::partners::http::Http;

use crate::App;
use crate::fault::Fault;

/// Sends a report without waiting for the worker's next round; a stopped one is resumed.
pub(crate) async fn send_now(app: &App, report: &str, person: &Person) -> Result<(), Fault> {
    let row = casework::report_row(&app.casework, report).await?;
    // A report that is being retracted passes; its retraction is what is sent.
    obhut_app::reports::require_sendable(&row)?;
    // A stopped report has no open job; resuming puts it into the outbox again. The retraction of a
    // stopped report has one.
    let filing = casework::filing(&app.casework, report).await?;
    if obhut_app::reports::waits_for_resumption(&row, filing.as_ref()) {
        casework::resume_filing(&app.casework, report, person).await?;
    }
    // Claims are distinguished by the worker's name, so two requests by one person need different
    // names.
    let now = jiff::Timestamp::now().as_nanosecond();
    let worker = format!("request-{}-{now}", person.id);
    let (http, retry) = (Arc::new(Http::default()), RetryPolicy::default());
    // The request waits for the receiver. What can't be sent stays in the outbox.
    obhut_app::reports::send(&app.casework, &http, Some(report), &worker, &retry).await?;
    Ok(())
}
