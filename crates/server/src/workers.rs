//! Background work of the server: sends reports, sends events to the platform, escalates deadlines,
//! completes erasures, ends retention, records alerts about live payments, has the vault's log cosigned and stamped,
//! and compares the CyberTipline's schema once a day.

use std::sync::Arc;
use std::time::{Duration, Instant};

use obhut_app::casework::{self, Casework, CaseworkError};
use obhut_app::partners::filing::{self, DrainScope, RetryPolicy, SendFault};
use obhut_app::partners::http::Http;
use obhut_app::partners::stamping::{self, STAMP_TIME_MAX};
use obhut_app::partners::witnessing::{self, WITNESS_TIME_MAX};
use obhut_app::payments::Live;

/// Pause between two rounds. Our judgement.
const ROUND: Duration = Duration::from_secs(5);
/// Pause between two looks for decisions whose time has come. Our judgement: a second
/// after thirty goes unnoticed.
const APPLY_EVERY: Duration = Duration::from_secs(1);
/// Pause between two turns of ranking cases. Our judgement: uploads use the database's writer
/// meanwhile.
const RANK_PAUSE: Duration = Duration::from_millis(50);
/// Pause between two turns of putting rows into the log. Our judgement: what is recorded can be
/// changed unnoticed for about as long.
const SEAL_EVERY: Duration = Duration::from_secs(1);
/// Pause after a turn that failed. Our judgement.
const SEAL_AGAIN: Duration = Duration::from_secs(30);
/// How often the CyberTipline's schema is compared: once a day. Our judgement.
const SCHEMA_EVERY: Duration = Duration::from_secs(86_400);
/// Pause after a comparison that wasn't possible: an hour. Our judgement.
const SCHEMA_AGAIN: Duration = Duration::from_secs(3_600);

/// How often what was counted is written down: an hour. Our judgement: a restart loses no more than
/// that, and the vault's log grows by an entry each time.
const COUNT_EVERY: Duration = Duration::from_secs(3_600);
/// How often all exhibits are looked at for their retention's end. Our judgement: their ends are days.
const LOOK_EVERY: Duration = Duration::from_secs(6 * 3_600);

/// How often witnesses are asked, if the log has grown. Our judgement: another history is noticed within
/// a minute.
const WITNESS_EVERY: Duration = Duration::from_secs(60);
/// How often they are asked even if it hasn't. Our judgement.
const WITNESS_ALL_EVERY: Duration = Duration::from_secs(3_600);
/// How often the log is stamped, in microseconds: once a day. Our judgement: authorities charge by the
/// stamp, and what a court asks for is the day.
const STAMP_EVERY_MICROS: u64 = 86_400 * 1_000_000;
/// Pause between two looks whether a stamp is due: an hour. Our judgement.
const STAMP_AGAIN: Duration = Duration::from_secs(3_600);

/// Pause between two rounds of recording the alerts that live payments raise. Our judgement.
const ALERTS_EVERY: Duration = Duration::from_millis(500);
/// How often associations are recomputed; until then a cleared case may still raise scores. Our
/// judgement.
const ASSOCIATIONS_EVERY: Duration = Duration::from_secs(20);

/// How often parties whose transfers are outside every window are freed from memory. Our judgement.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

/// Records the alerts that live payments raise. Runs until the future is dropped.
pub async fn watch_payments(casework: Arc<Casework>, live: Arc<Live>) {
    let mut counted: Option<Instant> = None;
    let mut forgot = Instant::now();
    loop {
        // Done rarely, because it goes through every party under the lock that requests need.
        if forgot.elapsed() >= FORGET_EVERY {
            forgot = Instant::now();
            live.forget();
        }
        if counted.is_none_or(|at| at.elapsed() >= ASSOCIATIONS_EVERY) {
            counted = Some(Instant::now());
            if let Err(e) = associations(&casework, &live).await {
                tracing::error!(cause = %e, "associations of payments couldn't be recomputed; retrying");
            }
        }
        // An alert that can't be recorded stays raised for a later round. Recording it twice
        // changes nothing.
        if let Err(e) = obhut_app::payments::record_raised(&casework, &live).await {
            tracing::error!(cause = %e, "an alert could not be recorded; it will be retried");
        }
        tokio::time::sleep(ALERTS_EVERY).await;
    }
}

async fn associations(casework: &Casework, live: &Live) -> Result<(), CaseworkError> {
    obhut_app::payments::recount_associations(casework).await?;
    live.set_confirmed(&obhut_app::payments::confirmed_parties(casework).await?);
    Ok(())
}

/// Sends decisions about uploads and requests for information to the platform. Runs until the
/// future is dropped, separately from [`work`]: a platform that doesn't answer must not hold up
/// reports or alarms.
pub async fn notify_platform(casework: Arc<Casework>) {
    let http = Arc::new(Http::default());
    let started = jiff::Timestamp::now().as_microsecond();
    let worker = format!("platform-{}-{started}", std::process::id());
    loop {
        let draining = DrainScope {
            worker: &worker,
            platform: true,
            ..DrainScope::default()
        };
        let drained = filing::drain(&casework, &http, &RetryPolicy::default(), draining).await;
        if let Err(e) = drained {
            tracing::error!(cause = %e, "events couldn't be sent to the platform; retrying");
        }
        tokio::time::sleep(ROUND).await;
    }
}

/// Lets decisions made on pages take effect when their time has come. Runs until the future is
/// dropped.
pub async fn apply_decisions(casework: Arc<Casework>) {
    loop {
        if let Err(e) = casework::apply_due_decisions(&casework).await {
            tracing::error!(cause = %e, "decisions made on pages couldn't take effect; retrying");
            tokio::time::sleep(ROUND).await;
        }
        tokio::time::sleep(APPLY_EVERY).await;
    }
}

/// Ranks the open cases of a database that a version without a queue made, then ends.
pub async fn rank_cases(casework: Arc<Casework>) {
    loop {
        match casework::rank_open_cases(&casework).await {
            Ok(0) => return,
            Ok(_) => tokio::time::sleep(RANK_PAUSE).await,
            Err(e) => {
                tracing::error!(cause = %e, "open cases couldn't be ranked; retrying");
                tokio::time::sleep(ROUND).await;
            }
        }
    }
}

/// Runs the rounds of background work until the future is dropped.
pub async fn work(casework: Arc<Casework>) {
    let http = Arc::new(Http::default());
    // Process ids repeat. A worker renews claims by its name, so it must not reuse the name of a
    // dead worker.
    let started = jiff::Timestamp::now().as_microsecond();
    let worker = format!("server-{}-{started}", std::process::id());
    loop {
        if let Err(e) = round(&casework, &http, &worker).await {
            tracing::error!(cause = %e, "a round of work failed; retrying");
        }
        tokio::time::sleep(ROUND).await;
    }
}

async fn round(
    casework: &Arc<Casework>,
    http: &Arc<Http>,
    worker: &str,
) -> Result<(), CaseworkError> {
    let draining = DrainScope {
        worker,
        ..DrainScope::default()
    };
    // Reports are sent first: one that leaves now ends its deadline before the deadline could raise
    // an alarm.
    filing::drain(casework, http, &RetryPolicy::default(), draining).await?;
    casework::alarm_about_danger(casework).await?;
    casework::escalate_deadlines(casework).await?;
    casework::finish_settlements(casework).await?;
    // Every step may be interrupted; the next round takes it up again.
    casework::finish_erasures(casework).await?;
    obhut_app::payments::recount_associations(casework).await?;
    Ok(())
}

/// Puts what was recorded into the vault's log, each second. Runs until the future is dropped.
pub async fn seal_rows(casework: Arc<Casework>) {
    loop {
        if let Err(e) = casework::seal_rows(&casework).await {
            tracing::error!(cause = %e, "what was recorded can't be put into the vault's log; it is tried again");
            tokio::time::sleep(SEAL_AGAIN).await;
        }
        tokio::time::sleep(SEAL_EVERY).await;
    }
}

/// Counts how long this process runs, and looks for exhibits whose retention has ended. Runs until
/// the future is dropped.
pub async fn watch_retention(casework: Arc<Casework>) {
    // One process counts: two that ran side by side would count each hour twice. Held until this one
    // ends; then another's turn comes.
    let _turn = loop {
        match casework.folder().turn_to_count() {
            Ok(Some(turn)) => break turn,
            Ok(None) => {}
            Err(e) => tracing::error!(cause = %e, "the time can't be counted; it is tried again"),
        }
        tokio::time::sleep(SEAL_AGAIN).await;
    };
    let clock = || jiff::Timestamp::now().as_microsecond();
    let (mut counted, mut said) = (Instant::now(), clock());
    let mut looked: Option<Instant> = None;
    loop {
        if looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            looked = Some(Instant::now());
            if let Err(e) = casework::find_ended(&casework).await {
                tracing::error!(cause = %e, "exhibits whose retention has ended can't be looked for; it is tried again");
            }
        }
        if let Err(e) = casework::destroy_due(&casework).await {
            tracing::error!(cause = %e, "an exhibit that is due can't be destroyed; it is tried again");
        }
        tokio::time::sleep(COUNT_EVERY).await;
        let (elapsed, now) = (micros(counted.elapsed()), clock());
        let drifted = now.saturating_sub(said).saturating_sub(elapsed);
        if let Err(e) = casework::count_running(&casework, elapsed, drifted).await {
            tracing::error!(cause = %e, "how long obhut runs can't be recorded; it is tried again");
            continue;
        }
        (counted, said) = (Instant::now(), now);
    }
}

/// Has witnesses cosign the vault's log: at the start, whenever it has grown, and each hour. Runs until the future is dropped, apart
/// from everything else: a witness that doesn't answer must not hold up anything.
pub async fn ask_witnesses(casework: Arc<Casework>) {
    let http = Arc::new(Http::within(WITNESS_TIME_MAX));
    let mut asked_all: Option<Instant> = None;
    loop {
        // An older copy of the folder has an older cosignature, too, of its own head: at the start, and
        // now and then, every witness is asked whether it has seen more.
        let only_changed = asked_all.is_some_and(|at| at.elapsed() < WITNESS_ALL_EVERY);
        match witnessing::ask_all(&casework, &http, only_changed).await {
            Ok(_) if !only_changed => asked_all = Some(Instant::now()),
            Ok(_) => {}
            Err(e) => {
                tracing::error!(cause = %e, "witnesses can't be asked; it is tried again");
            }
        }
        tokio::time::sleep(WITNESS_EVERY).await;
    }
}

/// Has the vault's log stamped with the time once a day, if an authority is on record. Runs until the
/// future is dropped.
pub async fn ask_time_authority(casework: Arc<Casework>) {
    let http = Arc::new(Http::within(STAMP_TIME_MAX));
    loop {
        if let Err(e) = stamp_if_due(&casework, &http).await {
            tracing::error!(cause = %e, "the vault's log can't be stamped; it is tried again in an hour");
        }
        tokio::time::sleep(STAMP_AGAIN).await;
    }
}

async fn stamp_if_due(casework: &Casework, http: &Arc<Http>) -> Result<(), CaseworkError> {
    let newest = casework::last_stamped(casework).await?;
    let now = jiff::Timestamp::now().as_microsecond();
    // Also after a clock was set back: a day that hasn't come yet keeps no stamp away for long.
    let is_due = newest.is_none_or(|at| (now - at).unsigned_abs() >= STAMP_EVERY_MICROS);
    if !is_due {
        return Ok(());
    }
    match stamping::stamp_head(casework, http).await {
        Ok(Some(_)) => casework::stamped(casework).await,
        Ok(None) => Ok(()),
        Err(e) => {
            casework::stamping_failed(casework, newest, &e).await?;
            Err(e)
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Compares the CyberTipline's schema with the built-in one, once a day. Runs until the future is
/// dropped, separately from [`work`]: a service that doesn't answer must not hold up reports or
/// alarms.
pub async fn watch_schema(casework: Arc<Casework>) {
    let http = Arc::new(Http::default());
    loop {
        let pause = match compare(&casework, &http).await {
            true => SCHEMA_EVERY,
            false => SCHEMA_AGAIN,
        };
        tokio::time::sleep(pause).await;
    }
}

/// Compares once. Returns true if the next comparison can wait a day, false if it should follow in
/// an hour.
async fn compare(casework: &Casework, http: &Arc<Http>) -> bool {
    let Ok(channel) = casework::channel(casework, "ncmec").await else {
        return false;
    };
    // The service is not contacted before credentials are set, nor while the destination is halted.
    if channel.user.is_none() || channel.halted.is_some() {
        return false;
    }
    match filing::compare_schema(casework, http).await {
        Ok(_) => true,
        // Asking again doesn't make wrong credentials right: tomorrow is soon enough.
        Err(SendFault::Denied(why)) => {
            tracing::warn!("the CyberTipline's schema can't be asked for: {why}");
            true
        }
        Err(fault) => {
            tracing::warn!("the CyberTipline's schema can't be compared: {fault}");
            false
        }
    }
}
