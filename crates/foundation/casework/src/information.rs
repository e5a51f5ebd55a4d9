//! What a person asks the platform about a case, and what the platform answers: where the account
//! was used from, its addresses, further files.
//!
//! Each request has a deadline, so it is ended, extended and escalated like every other deadline.
//! The outbox sends it to the platform. Facts in an answer only add to what is on record
//! ([`UploadFacts::add_to`]).

use std::collections::HashSet;

use obhut_facts::{Facts, Surface, UploadFacts, words};
use serde::Serialize;

use crate::authorize::Action;
use crate::database::{Columns, Tx};
use crate::deadlines::DeadlineKind;
use crate::outbox::JobKind;
use crate::{
    Casework, CaseworkError, Next, Person, Result, alarms, audit, cases, channels, deadlines,
    facts, findings, ids, outbox, views,
};

/// Most uploads and files in one answer. Our judgement: an answer may come in parts.
const ITEMS_MAX: usize = 1_000;

words! {
    /// What the platform is asked for.
    Wanted {
        /// IP addresses and ports from which the account was used, with times.
        IpEvents = "ip-events",
        /// E-mail addresses of the account.
        Emails = "emails",
        /// Names the account shows.
        Names = "names",
        /// URLs of the posts.
        Links = "links",
        /// Other files of the account.
        Files = "files",
    }
}

/// A request to the platform.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct InformationRequest {
    /// Its id, which is that of its deadline.
    pub id: String,
    /// The case.
    pub case: String,
    /// What is wanted.
    pub wanted: Vec<Wanted>,
    /// Id of the person who asked.
    pub asked_by: String,
    /// When the answer is due, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub due_at: i64,
    /// When it ended, microseconds since 1970; none while it waits.
    #[serde(serialize_with = "crate::clock::maybe_time")]
    pub ended_at: Option<i64>,
    /// Why it ended: `answered`, `cleared`, `decided not to report`, or the reason that a person
    /// gave.
    pub ended_because: Option<String>,
}

/// What the platform answers, whole or in part.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct InformationAnswer {
    /// The account, for a case in which none is on record.
    pub account: Option<String>,
    /// Uses of the account, and what is known about its uploads.
    pub uploads: Vec<AnsweredUpload>,
    /// Further files.
    pub files: Vec<AnsweredFile>,
    /// True if nothing more follows.
    pub complete: bool,
}

/// One use of the account.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct AnsweredUpload {
    /// The screening it is about, if it is about an upload of the case.
    pub screening: Option<String>,
    /// What is known.
    pub facts: UploadFacts,
}

/// A further file.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct AnsweredFile {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its name.
    pub name: Option<String>,
    /// Where it was meant to be seen; public if the platform doesn't say.
    pub surface: Option<Surface>,
    /// What is known about its upload.
    pub facts: UploadFacts,
}

/// Asks the platform for more about a case, and returns the id of the request.
///
/// # Errors
/// Denied without a role that permits `Action::AskPlatform`. A conflict if no address of the
/// platform is set, or the case's person was cleared; invalid without anything wanted, or if the
/// answer is due already.
pub async fn ask_platform(
    casework: &Casework,
    case: &str,
    wanted: &[Wanted],
    due_at: i64,
    person: &Person,
) -> Result<String> {
    person.require_one(Action::AskPlatform.gate().roles)?;
    if wanted.is_empty() {
        return Err(CaseworkError::invalid("wanted", "say what is wanted"));
    }
    if due_at <= casework.now() {
        return Err(CaseworkError::invalid(
            "due_at",
            "the time the answer is due is in the past; the platform can't answer by then",
        ));
    }
    let mut wanted = wanted.to_vec();
    wanted.sort();
    wanted.dedup();
    let mut tx = casework.db.begin().await?;
    cases::hold(&mut tx, case).await?;
    cases::require_not_cleared(&mut tx, case).await?;
    if !channels::is_set(&mut tx, channels::PLATFORM).await? {
        return Err(CaseworkError::conflict(
            "no address of the platform is set, so it can't be asked; set one, or add what you know to the case's facts",
        )
        .then(Next::SetUpPlatform));
    }
    let basis = "asked of the platform";
    let id = deadlines::start(
        &mut tx,
        casework,
        DeadlineKind::Information,
        case,
        due_at,
        basis,
    )
    .await?;
    let words: Vec<_> = wanted.iter().map(|w| w.word()).collect();
    let words = words.join(" ");
    sqlx::query("INSERT INTO information_requests (deadline, case_id, wanted, asked_by) VALUES ($1, $2, $3, $4)")
        .bind(&id)
        .bind(case)
        .bind(&words)
        .bind(&person.id)
        .execute(&mut *tx)
        .await?;
    outbox::put(&mut tx, casework.now(), JobKind::Information, &id).await?;
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "case.ask-platform",
        case,
        &words,
    )
    .await?;
    tx.commit().await?;
    Ok(id)
}

/// The requests about a case, the first asked first.
pub async fn information_requests(
    casework: &Casework,
    case: &str,
) -> Result<Vec<InformationRequest>> {
    let rows = sqlx::query("SELECT deadline FROM information_requests WHERE case_id = $1")
        .bind(case)
        .fetch_all(casework.db.pool())
        .await?;
    let mut all = Vec::with_capacity(rows.len());
    let mut tx = casework.db.snapshot().await?;
    for row in &rows {
        let id = Columns::of(row).text()?;
        let (request, started_at, _) = read(&mut tx, &id).await?;
        all.push((started_at, request));
    }
    all.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    Ok(all.into_iter().map(|(_, request)| request).collect())
}

/// A request in the form in which it is sent to the platform.
pub struct PlatformQuestion {
    /// The request.
    pub request: InformationRequest,
    /// The reported account, unless it is a child's.
    pub account: Option<String>,
    /// Screenings of the case.
    pub screenings: Vec<String>,
}

/// A request to be sent; none once it has ended.
pub async fn question_for_platform(
    casework: &Casework,
    id: &str,
) -> Result<Option<PlatformQuestion>> {
    let mut tx = casework.db.snapshot().await?;
    let (request, ..) = read(&mut tx, id).await?;
    if request.ended_at.is_some() {
        return Ok(None);
    }
    let known = facts::within(&mut tx, casework, &request.case).await?;
    let mut screenings = findings::screenings(&mut tx, &[&request.case]).await?;
    Ok(Some(PlatformQuestion {
        account: account_of(&known),
        screenings: screenings.remove(&request.case).unwrap_or_default(),
        request,
    }))
}

/// The account a case is about; never a child's.
fn account_of(known: &Facts) -> Option<String> {
    let id = known.reported.as_ref()?.id.clone()?;
    let is_child = known.victims.iter().any(|v| v.id.as_ref() == Some(&id));
    (!is_child).then_some(id)
}

async fn read(tx: &mut Tx, id: &str) -> Result<(InformationRequest, i64, Option<String>)> {
    let row = sqlx::query(
        "SELECT case_id, wanted, asked_by, answer_key FROM information_requests WHERE deadline = $1",
    )
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?
    .ok_or_else(|| CaseworkError::NotFound {
        what: "request for information",
        id: id.to_owned(),
    })?;
    let deadline = deadlines::find(tx, id).await?;
    let mut c = Columns::of(&row);
    let case = c.text()?;
    let wanted = c.text()?;
    let wanted = wanted.split(' ').filter_map(Wanted::from_word).collect();
    let request = InformationRequest {
        id: id.to_owned(),
        case,
        wanted,
        asked_by: c.text()?,
        due_at: deadline.due_at,
        ended_at: deadline.ended_at,
        ended_because: deadline.ended_because,
    };
    Ok((request, deadline.started_at, c.maybe_text()?))
}

/// Adds the platform's answer to the case: its facts to the case's facts, its files as exhibits.
/// `digest` identifies the answer's bytes. A complete answer that is sent again changes nothing, so
/// a platform that got no response may repeat it.
///
/// # Errors
/// A conflict if the request has ended, if the case's person was cleared, or if a file on record
/// was erased meanwhile; invalid for too many items, for an upload of another case, for one with
/// neither an account nor a file, for an account that isn't the case's or can't be taken, and for
/// names without the account if a child is on record.
// Long: checks everything before anything is sealed.
pub async fn answer_information(
    casework: &Casework,
    id: &str,
    answer: &InformationAnswer,
    digest: &str,
    actor: &str,
) -> Result<()> {
    if answer.uploads.len() + answer.files.len() > ITEMS_MAX {
        return Err(CaseworkError::invalid(
            "uploads",
            format!(
                "an answer has at most {ITEMS_MAX} uploads and files; send the rest in another"
            ),
        ));
    }
    let digest = casework.lookup.keyed_digest("answer", digest.as_bytes());
    let mut tx = casework.db.snapshot().await?;
    let (request, _, answered) = read(&mut tx, id).await?;
    if answered.as_ref() == Some(&digest) {
        return Ok(());
    }
    let case = request.case.as_str();
    require_open(&request)?;
    cases::require_not_cleared(&mut tx, case).await?;
    let of_case = account(&mut tx, casework, case, answer).await?;
    let mut uploads = Vec::with_capacity(answer.uploads.len());
    for (number, upload) in answer.uploads.iter().enumerate() {
        let exhibit = match &upload.screening {
            Some(screening) => {
                if findings::case_of_file(&mut tx, screening).await?.as_deref() != Some(case) {
                    return Err(CaseworkError::invalid(
                        "uploads",
                        format!("uploads[{number}] names an upload that isn't one of this request"),
                    ));
                }
                findings::exhibit_of_file(&mut tx, screening).await?
            }
            None => None,
        };
        if of_case.is_none() && exhibit.is_none() {
            return Err(CaseworkError::invalid(
                "uploads",
                format!(
                    "uploads[{number}] names neither an account nor a file that is on record; name one"
                ),
            ));
        }
        uploads.push((exhibit, &upload.facts));
    }
    let mut known = Vec::with_capacity(answer.files.len());
    for file in &answer.files {
        known.push(on_record(&mut tx, casework, case, file).await?.is_some());
    }
    // Sealing asks for another connection: with this one held, several answers would block one another.
    drop(tx);
    let mut answering = Answering {
        request: id,
        case,
        answer,
        uploads,
        files: Vec::with_capacity(answer.files.len()),
        digest: &digest,
        actor,
    };
    // Sealed before the transaction: the vault can't roll back.
    for (file, known) in answer.files.iter().zip(known) {
        let own = match known {
            true => None,
            false => match seal(casework, case, file, actor).await {
                Ok(exhibit) => Some(exhibit),
                Err(e) => {
                    erase_unused(casework, &answering, &HashSet::new()).await?;
                    return Err(e);
                }
            },
        };
        answering.files.push((own, file));
    }
    let used = match take(casework, &answering).await {
        Ok(used) => used,
        // Refused: what was sealed for it must not stay with the case.
        Err(e @ (CaseworkError::Conflict { .. } | CaseworkError::Invalid { .. })) => {
            erase_unused(casework, &answering, &HashSet::new()).await?;
            return Err(e);
        }
        // The database failed: the answer may be on record, and then its files must be kept.
        Err(e) => return Err(e),
    };
    erase_unused(casework, &answering, &used).await
}

/// An answer that is being taken.
struct Answering<'a> {
    request: &'a str,
    case: &'a str,
    answer: &'a InformationAnswer,
    /// Each with the exhibit it is about, if there is one.
    uploads: Vec<(Option<String>, &'a UploadFacts)>,
    /// Each with the exhibit that was sealed for it, unless its bytes were on record.
    files: Vec<(Option<String>, &'a AnsweredFile)>,
    digest: &'a str,
    actor: &'a str,
}

async fn seal(casework: &Casework, case: &str, file: &AnsweredFile, actor: &str) -> Result<String> {
    let intake = obhut_vault::Intake {
        actor: actor.to_owned(),
        purpose: "sent by the platform, as asked".into(),
        case: Some(case.to_owned()),
        source: file.name.clone(),
        media_type: None,
    };
    Ok(views::keep(casework, &file.bytes, intake).await?.id)
}

/// The exhibit of the case's findings that has the file's bytes. An exhibit that another answer has
/// sealed and not recorded yet doesn't count: it is erased if that answer is refused.
async fn on_record(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    file: &AnsweredFile,
) -> Result<Option<String>> {
    for exhibit in views::of_bytes(tx, casework, case, &file.bytes).await? {
        if findings::is_evidence(tx, case, &exhibit).await? {
            return Ok(Some(exhibit));
        }
    }
    Ok(None)
}

/// Erases what was sealed for an answer and isn't used.
async fn erase_unused(
    casework: &Casework,
    answering: &Answering<'_>,
    used: &HashSet<String>,
) -> Result<()> {
    let sealed = answering.files.iter().filter_map(|(own, _)| own.as_ref());
    for exhibit in sealed.filter(|e| !used.contains(*e)) {
        views::unkeep(casework, exhibit, "its answer was not taken").await?;
    }
    Ok(())
}

/// Records an answer whose files are sealed. Returns the exhibits that it uses of those that were
/// sealed for it: none if the answer is on record already.
// Long: one transaction.
async fn take(casework: &Casework, answering: &Answering<'_>) -> Result<HashSet<String>> {
    let Answering {
        request: id,
        case,
        answer,
        digest,
        actor,
        ..
    } = *answering;
    let mut used = HashSet::new();
    let mut tx = casework.db.begin().await?;
    cases::hold(&mut tx, case).await?;
    // Read again under the case's lock: another answer, or a person, may have changed any of it
    // meanwhile.
    let (request, _, answered) = read(&mut tx, id).await?;
    if answered.as_deref() == Some(digest) {
        return Ok(used);
    }
    require_open(&request)?;
    cases::require_not_cleared(&mut tx, case).await?;
    let account = account(&mut tx, casework, case, answer).await?;
    let account = account.as_deref();
    if account.is_some() {
        facts::add(&mut tx, casework, case, |known| {
            UploadFacts::default().add_to(known, account, None);
        })
        .await?;
        cases::close_group(&mut tx, casework, case).await?;
    }
    for (exhibit, given) in &answering.uploads {
        facts::add(&mut tx, casework, case, |known| {
            given.add_to(known, account, exhibit.as_deref());
        })
        .await?;
    }
    for (own, file) in &answering.files {
        let there = on_record(&mut tx, casework, case, file).await?;
        let exhibit = there.as_ref().or(own.as_ref()).ok_or_else(|| {
            CaseworkError::conflict(format!(
                "a file of {case} was erased meanwhile; send the answer again"
            ))
        })?;
        facts::add(&mut tx, casework, case, |known| {
            file.facts.add_to(known, account, Some(exhibit));
        })
        .await?;
        if there.is_none() {
            add_file(&mut tx, casework, case, exhibit, file).await?;
            used.insert(exhibit.clone());
        }
    }
    let now = casework.now();
    if answer.complete {
        deadlines::end_one(&mut tx, now, id, "answered").await?;
        sqlx::query("UPDATE information_requests SET answer_key = $1 WHERE deadline = $2")
            .bind(digest)
            .bind(id)
            .execute(&mut *tx)
            .await?;
        let text = format!(
            "the platform has answered what was asked about {case}; look at its facts and exhibits"
        );
        alarms::raise(&mut tx, now, "information", case, &text).await?;
    }
    let detail = format!(
        "{}: {} uploads, {} files",
        id,
        answer.uploads.len(),
        answer.files.len()
    );
    audit::write(&mut tx, now, actor, "case.information", case, &detail).await?;
    tx.commit().await?;
    Ok(used)
}

/// Records a file as a finding of the case, like the files of a case file. A report would leave out
/// a file without a finding.
async fn add_file(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    exhibit: &str,
    file: &AnsweredFile,
) -> Result<()> {
    let screening = ids::new("screen");
    let of_file = findings::File {
        name: file.name.as_deref(),
        surface: file.surface.unwrap_or(Surface::Public),
        uploaded_at: file.facts.at_micros(),
        stopped: false,
        digests: None,
    };
    findings::file(tx, casework, &screening, &of_file).await?;
    let found = findings::NewFinding {
        case,
        subject: &screening,
        evidence: Some(exhibit),
        strength: findings::GIVEN,
        source: findings::PERSON,
    };
    findings::write(tx, casework, &found).await?;
    Ok(())
}

fn require_open(request: &InformationRequest) -> Result<()> {
    // Without the reason, which an officer wrote and which the platform must not read.
    match request.ended_at {
        None => Ok(()),
        Some(_) => Err(CaseworkError::conflict(format!(
            "request {} has ended; nothing more is taken for it",
            request.id
        ))),
    }
}

/// Longest name of an account in an answer, in bytes; the same limit as for the header
/// `Obhut-Account`. Our judgement.
const ACCOUNT_BYTES_MAX: usize = 1_024;

/// The account the answer is about: the case's own or, if none is on record, the one that the
/// answer names. It may be a child's.
async fn account(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    answer: &InformationAnswer,
) -> Result<Option<String>> {
    let refused = |why: &str| {
        Err(CaseworkError::invalid(
            "account",
            format!("the account {why}"),
        ))
    };
    let known = facts::within(tx, casework, case).await?;
    let of_case = known.reported.as_ref().and_then(|a| a.id.clone());
    let Some(given) = &answer.account else {
        let names = |u: &UploadFacts| u.screen_name.is_some() || u.email.is_some();
        let all = answer.uploads.iter().map(|u| &u.facts);
        let named = all.chain(answer.files.iter().map(|f| &f.facts)).any(names);
        if of_case.is_none() && !known.victims.is_empty() && named {
            // Without the account, the name and address may be the child's.
            return refused(
                "must be named: a child is on record, and the answer has a name or an e-mail address",
            );
        }
        return Ok(of_case);
    };
    if given.trim() != given
        || given.is_empty()
        || given.len() > ACCOUNT_BYTES_MAX
        || given.contains(char::is_control)
    {
        return refused(
            "must have 1 to 1,024 bytes, no control characters, and no white space before or after it",
        );
    }
    if of_case.as_ref().is_some_and(|id| id != given) {
        return refused("isn't the one the request is about");
    }
    let mut ids = known.victims.iter().filter_map(|v| v.id.as_ref());
    if ids.any(|id| id != given && id.eq_ignore_ascii_case(given)) {
        return refused("differs from a child's account on record only in upper and lower case");
    }
    if of_case.is_none() {
        // Uploads without an account may be by several people, and must not become one person's.
        let screenings = findings::screenings(tx, &[case]).await?;
        if screenings.get(case).is_some_and(|s| s.len() > 1) {
            return refused(
                "can't be named for several uploads without one: they may be by several people; give each upload's name and e-mail address instead",
            );
        }
    }
    Ok(Some(given.clone()))
}
