//! Asking witnesses to cosign the vault's log (C2SP tlog-witness).

use std::sync::Arc;
use std::time::Duration;

use obhut_casework::{self as casework, Casework, CaseworkError, Cosigned, Witness, WitnessFault};

use crate::http::{Answered, Body, Http};

/// Longest time of a call to a witness. Our judgement: others are asked after it.
pub const WITNESS_TIME_MAX: Duration = Duration::from_secs(10);
/// How often one is asked with another size before it is left for this time. Our judgement: a second
/// request follows what the first one answers, and another program may be in between.
const TRIES_MAX: usize = 4;
/// The media type of an answer that names a size. Source: C2SP tlog-witness.
const SIZE_TYPE: &str = "text/x.tlog.size";

/// Asks a witness to cosign the log's head, from what it cosigned last. Nothing is stored here.
///
/// # Errors
/// The log can't be read, or isn't what was signed. What keeps the witness from cosigning is in the
/// answer.
pub async fn ask(
    casework: &Casework,
    http: &Arc<Http>,
    witness: &Witness,
) -> Result<Result<Cosigned, WitnessFault>, CaseworkError> {
    // What is on record isn't believed: a witness says itself how much it has seen.
    let last = casework::last_cosigned(casework, witness).ok().flatten();
    let known = last.map_or(0, |c| c.head.size);
    let mut old = known;
    let url = format!("{}/add-checkpoint", witness.url);
    for _ in 0..TRIES_MAX {
        let Some(submitted) = casework::submission(casework, old).await? else {
            let (head, _) = casework::log_checkpoint(casework).await?;
            let has = head.size;
            return Ok(Err(WitnessFault::Ahead { seen: old, has }));
        };
        let body = Body::Bytes {
            media_type: "application/octet-stream",
            bytes: submitted.body.clone(),
        };
        let answered = match http.call(url.clone(), None, body).await {
            Ok(answered) => answered,
            Err(why) => return Ok(Err(WitnessFault::Silent(why))),
        };
        match answered.status {
            200 => {
                let joined = casework::cosigned(casework, witness, &submitted, &answered.text());
                let joined = joined.map_err(|e| WitnessFault::Silent(e.to_string()));
                return Ok(joined.and_then(|c| casework::in_time(casework, c)));
            }
            409 => match size_in(&answered) {
                // It has seen as many and has something against them: another tree of that size.
                Some(seen) if seen == submitted.head.size && seen == old => {
                    return Ok(Err(WitnessFault::Fork(seen)));
                }
                // It has cosigned more, and doesn't know it any more.
                Some(seen) if seen < known => {
                    return Ok(Err(WitnessFault::LostRecord { seen, known }));
                }
                Some(seen) => old = seen,
                None => return Ok(Err(unclear(&answered))),
            },
            422 => return Ok(Err(WitnessFault::Fork(old))),
            404 => return Ok(Err(WitnessFault::Unknown)),
            403 => return Ok(Err(WitnessFault::OtherKey)),
            _ => return Ok(Err(unclear(&answered))),
        }
    }
    let what = "it names another size each time it is asked";
    Ok(Err(WitnessFault::Silent(what.into())))
}

fn unclear(answered: &Answered) -> WitnessFault {
    WitnessFault::Silent(format!("it answers with status {}", answered.status))
}

/// The size that an answer names.
fn size_in(answered: &Answered) -> Option<u64> {
    let is_size = answered.media_type.split(';').next() == Some(SIZE_TYPE);
    let text = answered.text();
    let digits = text.strip_suffix('\n').filter(|_| is_size)?;
    let size: u64 = digits.parse().ok()?;
    (size.to_string() == digits).then_some(size)
}

/// Asks a witness, and keeps what it cosigns or raises an alarm if one is due.
///
/// # Errors
/// As [`ask`]; or the database failed.
pub async fn ask_and_keep(
    casework: &Casework,
    http: &Arc<Http>,
    witness: &Witness,
) -> Result<Result<Cosigned, WitnessFault>, CaseworkError> {
    let answer = ask(casework, http, witness).await?;
    match &answer {
        Ok(cosigned) => casework::keep_cosigned(casework, witness, cosigned).await?,
        Err(fault) => casework::witness_failed(casework, witness, fault).await?,
    }
    Ok(answer)
}

/// A witness that was asked.
pub struct Asked {
    /// The witness.
    pub witness: Witness,
    /// What it has cosigned, or why it hasn't.
    pub answer: Result<Cosigned, WitnessFault>,
}

/// Asks each witness on record, and keeps what they cosign. `only_changed` leaves out those that have
/// cosigned the log's head already.
///
/// # Errors
/// The log can't be read, or the database failed.
pub async fn ask_all(
    casework: &Casework,
    http: &Arc<Http>,
    only_changed: bool,
) -> Result<Vec<Asked>, CaseworkError> {
    let mut asked = Vec::new();
    for witness in casework::witnesses(casework).await? {
        if !witness.is_asked {
            continue;
        }
        let last = casework::last_cosigned(casework, &witness).ok().flatten();
        if let (true, Some(last)) = (only_changed, last)
            && casework::log_checkpoint(casework).await?.0 == last.head
        {
            continue;
        }
        let answer = ask_and_keep(casework, http, &witness).await?;
        asked.push(Asked { witness, answer });
    }
    Ok(asked)
}
