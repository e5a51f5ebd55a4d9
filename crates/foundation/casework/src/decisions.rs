//! What a person decided about a case, and why.
//!
//! A [`Decision`] has no public constructor. It comes from [`crate::decide`], which requires a
//! person with the role, or from the row that `decide` wrote.

use std::collections::BTreeMap;

use obhut_facts::{CaseStatus, Category, words};
use serde::Serialize;

use crate::by_day::{self, DayCount};
use crate::cases::advance_from;
use crate::children::is_blank;
use crate::database::{Columns, Tx, rows_in};
use crate::deadlines::{self, DeadlineKind};
use crate::{
    Casework, CaseworkError, Person, Result, Role, alarms, audit, cases, changes, danger, findings,
    ids, running_time, sealed, views,
};

/// Longest grounds, in characters. Our judgement.
pub(crate) const GROUNDS_CHARS_MAX: usize = 10_000;
/// NCMEC's scale, and its values (CyberTipline schema of 2025-11-10, `industryClassification`).
const INDUSTRY: &str = "ncmec-industry";
const INDUSTRY_VALUES: [&str; 4] = ["A1", "A2", "B1", "B2"];
/// Most exhibits named in one message. Our judgement.
const NAMED_MAX: usize = 20;

words! {
    /// What was decided.
    Ruling {
        /// Report to an authority.
        Report = "report",
        /// Nothing to report.
        NoReport = "no-report",
    }
}

/// What a person wants to decide.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecisionRequest {
    /// Whether to report.
    pub ruling: Ruling,
    /// The grounds; refused if empty.
    pub grounds: String,
    /// Which category.
    pub category: Option<Category>,
}

/// A recorded decision of a person.
///
/// ```compile_fail
/// // Only `decide` can construct a decision: the fields are private.
/// let forged = obhut_casework::Decision { id: String::new() };
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Decision {
    id: String,
    case: String,
    person: String,
    name: String,
    ruling: Ruling,
    grounds: String,
    category: Option<Category>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    file_categories: BTreeMap<String, Category>,
    #[serde(serialize_with = "crate::clock::time")]
    decided_at: i64,
    /// Id of the decision it was carried over from.
    #[serde(skip)]
    rests_on: Option<String>,
}

impl Decision {
    /// The decision for which a person viewed the files: this one, or the one it was carried over
    /// from.
    fn review(&self) -> &str {
        self.rests_on.as_ref().unwrap_or(&self.id)
    }

    /// True if the ruling or a category differs.
    fn differs_from(&self, other: &Self) -> bool {
        self.ruling != other.ruling
            || self.category != other.category
            || self.file_categories != other.file_categories
    }

    /// True if it is the same decision as the one that this person requests now.
    pub(crate) fn is_as_asked(
        &self,
        person: &Person,
        request: &DecisionRequest,
        file_categories: &BTreeMap<String, Category>,
    ) -> bool {
        self.person == person.id
            && self.ruling == request.ruling
            && self.grounds == request.grounds.trim()
            && self.category == request.category
            && self.file_categories == *file_categories
    }

    /// Id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The case.
    pub fn case(&self) -> &str {
        &self.case
    }

    /// Id of the person who decided.
    pub fn person(&self) -> &str {
        &self.person
    }

    /// Name of the person who decided, as it was then.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What.
    pub fn ruling(&self) -> Ruling {
        self.ruling
    }

    /// Why.
    pub fn grounds(&self) -> &str {
        &self.grounds
    }

    /// Which category.
    pub fn category(&self) -> Option<&Category> {
        self.category.as_ref()
    }

    /// Categories of single exhibits, by the exhibit's id, if the decision names any.
    pub fn file_categories(&self) -> &BTreeMap<String, Category> {
        &self.file_categories
    }

    /// When, microseconds since 1970.
    pub fn decided_at(&self) -> i64 {
        self.decided_at
    }
}

/// Records what a reviewer decided, and moves the case on. Fails as [`decide_seen`] does.
pub async fn decide(
    casework: &Casework,
    case: &str,
    person: &Person,
    request: &DecisionRequest,
) -> Result<Decision> {
    decide_with_files(casework, case, person, request, BTreeMap::new()).await
}

/// Like [`decide`], with categories for single exhibits, each of which the person must have viewed
/// whole.
pub async fn decide_with_files(
    casework: &Casework,
    case: &str,
    person: &Person,
    request: &DecisionRequest,
    file_categories: BTreeMap<String, Category>,
) -> Result<Decision> {
    decide_seen(casework, case, person, request, file_categories, None).await
}

/// What a person saw of a case before deciding it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AsSeen {
    /// How many files it had; `None` if not given.
    pub files: Option<usize>,
    /// Id of the latest decision, empty if there was none; `None` if not given.
    pub latest: Option<String>,
}

impl From<Option<usize>> for AsSeen {
    fn from(files: Option<usize>) -> Self {
        Self {
            files,
            latest: None,
        }
    }
}

/// Like [`decide_with_files`], for a case as the person saw it.
///
/// # Errors
/// Denied without the role reviewer; invalid without grounds or with too long ones, with half a
/// category or an unknown value, or with a category for an exhibit that isn't a file of the case.
///
/// A conflict if the case is reported, under appeal or cleared, if it is closed and the decision is
/// again not to report (unless an alarm says that the earlier one is in doubt), if an exhibit with a category wasn't viewed whole, or if the number of
/// files or the latest decision has changed: a file that no person looked at would be released, or
/// reported, or another person's decision overruled unseen. Also a
/// conflict if uploads without an account, of different files, would be released although the
/// person hasn't viewed each file whole: they are in one case because they look alike.
pub async fn decide_seen(
    casework: &Casework,
    case: &str,
    person: &Person,
    request: &DecisionRequest,
    file_categories: BTreeMap<String, Category>,
    seen: impl Into<AsSeen>,
) -> Result<Decision> {
    // Not from appealed: an open appeal is ended by its own decision only. Not from reported:
    // withdrawing the reports, as long as none was sent, puts the case back to decided
    // (`reports::retract_report`).
    let from = [CaseStatus::Open, CaseStatus::Decided, CaseStatus::Closed];
    let looked = Looked {
        file_categories,
        seen: seen.into(),
        from: &from,
        source: None,
    };
    decide_from(casework, case, person, request, looked).await
}

/// Whether [`decide_seen`] would record this decision now. Nothing is recorded.
///
/// # Errors
/// Those of [`decide_seen`].
pub(crate) async fn would_decide(
    casework: &Casework,
    case: &str,
    person: &Person,
    request: &DecisionRequest,
    file_categories: BTreeMap<String, Category>,
    seen: AsSeen,
) -> Result<()> {
    let looked = Looked {
        file_categories,
        seen,
        from: &[CaseStatus::Open, CaseStatus::Decided, CaseStatus::Closed],
        source: None,
    };
    // Dropped without a commit, the transaction is rolled back.
    drop(decided_within(casework, case, person, request, looked).await?);
    Ok(())
}

/// What a decision is based on, and in which statuses it may be made.
pub(crate) struct Looked<'a> {
    /// The category of single exhibits.
    pub file_categories: BTreeMap<String, Category>,
    /// What the person saw of the case.
    pub seen: AsSeen,
    /// The statuses in which the case may be decided.
    pub from: &'a [CaseStatus],
    /// The decision that is carried over; it has to be the latest of its case, and not contested.
    pub source: Option<&'a Decision>,
}

/// Like [`decide_seen`], but only from the statuses in `looked`.
pub(crate) async fn decide_from(
    casework: &Casework,
    case: &str,
    person: &Person,
    request: &DecisionRequest,
    looked: Looked<'_>,
) -> Result<Decision> {
    let (tx, decision) = decided_within(casework, case, person, request, looked).await?;
    tx.commit().await?;
    Ok(decision)
}

/// A decision in a transaction that isn't committed yet.
// Long: one transaction.
async fn decided_within(
    casework: &Casework,
    case: &str,
    person: &Person,
    request: &DecisionRequest,
    looked: Looked<'_>,
) -> Result<(Tx, Decision)> {
    let Looked {
        file_categories,
        seen,
        from,
        source,
    } = looked;
    person.require(Role::Reviewer)?;
    let grounds = request.grounds.trim();
    if is_blank(grounds) || grounds.chars().count() > GROUNDS_CHARS_MAX {
        return Err(CaseworkError::invalid(
            "grounds",
            format!("a decision needs its grounds, 1 to {GROUNDS_CHARS_MAX} characters"),
        ));
    }
    let blank = |c: &Category| c.scale.trim().is_empty() || c.value.trim().is_empty();
    if request
        .category
        .iter()
        .chain(file_categories.values())
        .any(blank)
    {
        return Err(CaseworkError::invalid(
            "category",
            "a category needs both its scale and its value",
        ));
    }
    let unknown =
        |c: &&Category| c.scale == INDUSTRY && !INDUSTRY_VALUES.contains(&c.value.as_str());
    let mut categories = request.category.iter().chain(file_categories.values());
    if let Some(category) = categories.find(unknown) {
        let value: String = category.value.chars().take(20).collect();
        return Err(CaseworkError::invalid(
            "category",
            format!(
                "{INDUSTRY} has no value {value:?}; it has {}",
                INDUSTRY_VALUES.join(", ")
            ),
        ));
    }
    require_viewed(casework, case, person, file_categories.keys()).await?;
    let decision = Decision {
        id: ids::new("decision"),
        case: case.to_owned(),
        person: person.id.clone(),
        name: person.name.clone(),
        ruling: request.ruling,
        grounds: grounds.to_owned(),
        category: request.category.clone(),
        file_categories,
        decided_at: casework.now(),
        rests_on: source.map(|s| s.review().to_owned()),
    };
    let mut tx = casework.db.begin().await?;
    let to = match request.ruling {
        Ruling::Report => CaseStatus::Decided,
        Ruling::NoReport => CaseStatus::Closed,
    };
    if let Some(source) = source {
        require_latest(&mut tx, source).await?;
    }
    cases::hold(&mut tx, case).await?;
    // The alarm about a review in doubt asks for another decision, which may be the same.
    let confirms = to == CaseStatus::Closed
        && from.contains(&to)
        && cases::status(&mut tx, case).await? == to
        && alarms::unseen_since(&mut tx, IN_DOUBT, case)
            .await?
            .is_some();
    if !confirms {
        advance_from(&mut tx, casework.now(), case, from, to).await?;
        running_time::note(&mut tx, casework, case).await?;
    }
    // The case is locked: no file joins between this and the commit.
    if let Some(seen) = seen.files {
        let now = findings::count_of_case(&mut tx, case).await?;
        if now != seen {
            return Err(CaseworkError::conflict(format!(
                "case {case} has {now} files, not {seen}; look at it again before deciding"
            )));
        }
    }
    if let Some(seen) = &seen.latest {
        let latest = decisions_within(&mut tx, case).await?.pop();
        if latest.map_or_else(String::new, |d| d.id) != *seen {
            return Err(CaseworkError::conflict(format!(
                "another decision about case {case} was recorded meanwhile; look at it before deciding"
            )));
        }
    }
    if request.ruling == Ruling::NoReport {
        require_all_seen(&mut tx, case, person).await?;
    }
    let (due, why) = (DeadlineKind::Report, danger::NOT_REPORTED);
    match request.ruling {
        Ruling::NoReport => {
            danger::answered(&mut tx, casework, case, why).await?;
            deadlines::end(&mut tx, casework.now(), due, case, why).await?;
            // A case that isn't reported needs no further data about anyone.
            let asked = DeadlineKind::Information;
            deadlines::end(&mut tx, casework.now(), asked, case, why).await?;
        }
        Ruling::Report => deadlines::resume(&mut tx, due, case, why).await?,
    }
    let earlier = with_grounds(casework, &mut tx, case).await?;
    if earlier.last().is_some_and(|e| e.differs_from(&decision)) {
        alarm_carried(&mut tx, casework.now(), case).await?;
    }
    // After a decision not to report, what was sent may have to be retracted: the alarm stays.
    let settles = request.ruling == Ruling::Report || confirms;
    if settles && reviewed_independently(&mut tx, case, person).await? {
        alarms::end(&mut tx, casework.now(), IN_DOUBT, case, &person.id).await?;
    }
    // The case is locked, so the sequence follows the order of decisions.
    let seq = changes::numbers(&mut tx, "decisions", 1).await?;
    let (scale, value) = request
        .category
        .as_ref()
        .map_or(("", ""), |c| (&c.scale, &c.value));
    sqlx::query(
        "INSERT INTO decisions (id, case_id, person, name, ruling, grounds, scale, category, decided_at, seq, file_categories, rests_on)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(&decision.id)
    .bind(case)
    .bind(&decision.person)
    .bind(&decision.name)
    .bind(decision.ruling.word())
    .bind(sealed::seal_words(casework, &decision.grounds))
    .bind(scale)
    .bind(value)
    .bind(decision.decided_at)
    .bind(seq)
    .bind(file_categories_text(&decision))
    .bind(decision.rests_on.as_deref().unwrap_or_default())
    .execute(&mut *tx)
    .await?;
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "case.decide",
        case,
        decision.ruling.word(),
    )
    .await?;
    Ok((tx, decision))
}

/// The files' categories as they are stored: JSON, empty if there are none.
fn file_categories_text(decision: &Decision) -> String {
    match decision.file_categories.is_empty() {
        true => String::new(),
        false => serde_json::to_string(&decision.file_categories).expect("categories are JSON"),
    }
}

/// # Errors
/// A conflict if uploads of different files without an account are to be released, and the person
/// hasn't viewed each file whole.
pub(crate) async fn require_all_seen(tx: &mut Tx, case: &str, person: &Person) -> Result<()> {
    // Uploads of one account are that account's, and a person decides about them as about it.
    if cases::has_account(tx, case).await? {
        return Ok(());
    }
    let exhibits = findings::stopped_exhibits(tx, case).await?;
    let (files, unseen) = views::unseen_by(tx, &exhibits, &person.id).await?;
    if files < 2 || unseen.is_empty() {
        return Ok(());
    }
    Err(CaseworkError::conflict(format!(
        "case {case} has uploads of {files} different files without an account, and this decision releases all of them; {} has not viewed {} whole: {}",
        person.name,
        unseen.len(),
        unseen[..unseen.len().min(NAMED_MAX)].join(", "),
    )))
}

/// # Errors
/// Invalid if one isn't a file of the case; a conflict if the person hasn't viewed one whole.
async fn require_viewed(
    casework: &Casework,
    case: &str,
    person: &Person,
    exhibits: impl Iterator<Item = &String>,
) -> Result<()> {
    let exhibits: Vec<_> = exhibits.collect();
    if exhibits.is_empty() {
        return Ok(());
    }
    let found = findings::findings(casework, case).await?;
    let mut tx = casework.db.snapshot().await?;
    for exhibit in exhibits {
        let of_case = found
            .iter()
            .any(|f| f.exhibit.as_ref() == Some(exhibit) && !findings::is_as_received(f));
        if !of_case {
            return Err(CaseworkError::invalid(
                "file category",
                format!("{exhibit} is not a file of case {case}"),
            ));
        }
        // A copy with the same bytes will do: it is the same picture.
        let (_, unseen) =
            views::unseen_by(&mut tx, std::slice::from_ref(exhibit), &person.id).await?;
        if !unseen.is_empty() {
            return Err(CaseworkError::conflict(format!(
                "{} has not viewed {exhibit} whole, so its category can't be {0}'s; view it first",
                person.name
            )));
        }
    }
    Ok(())
}

/// The decisions of each day from `from_day` on, by ruling.
pub async fn decisions_by_day(casework: &Casework, from_day: i64) -> Result<Vec<DayCount>> {
    by_day::counted(
        casework,
        "SELECT decided_at / $2, ruling, COUNT(*) FROM decisions WHERE decided_at >= $1 GROUP BY decided_at / $2, ruling ORDER BY 1, 2",
        from_day,
    )
    .await
}

/// The decisions about a case, in the order in which they were recorded, independent of the
/// wall clock.
pub async fn decisions(casework: &Casework, case: &str) -> Result<Vec<Decision>> {
    let mut tx = casework.db.snapshot().await?;
    with_grounds(casework, &mut tx, case).await
}

async fn with_grounds(casework: &Casework, tx: &mut Tx, case: &str) -> Result<Vec<Decision>> {
    let stored = stored(tx, case).await?.into_iter();
    let opened = stored.map(|(decision, grounds)| {
        let grounds = sealed::open_words(casework, &grounds)?;
        Ok(Decision {
            grounds,
            ..decision
        })
    });
    opened.collect()
}

/// The same within a transaction, without their grounds, which are sealed.
pub(crate) async fn decisions_within(tx: &mut Tx, case: &str) -> Result<Vec<Decision>> {
    let stored = stored(tx, case).await?;
    Ok(stored.into_iter().map(|(decision, _)| decision).collect())
}

/// Each decision without its grounds, and those as they are stored.
async fn stored(tx: &mut Tx, case: &str) -> Result<Vec<(Decision, String)>> {
    let rows = sqlx::query(
        "SELECT id, case_id, person, name, ruling, grounds, scale, category, file_categories, decided_at, rests_on
         FROM decisions WHERE case_id = $1 ORDER BY seq",
    )
    .bind(case)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            let grounds = Columns::at_place(row, 5).text()?;
            let decision = Decision {
                id: c.text()?,
                case: c.text()?,
                person: c.text()?,
                name: c.text()?,
                ruling: c.word(Ruling::from_word, "ruling")?,
                grounds: c.text().map(|_| String::new())?,
                category: match (c.text()?, c.text()?) {
                    (scale, _) if scale.is_empty() => None,
                    (scale, value) => Some(Category { scale, value }),
                },
                file_categories: match c.text()?.as_str() {
                    "" => BTreeMap::new(),
                    json => serde_json::from_str(json)
                        .map_err(|_| CaseworkError::unreadable("categories of a decision"))?,
                },
                decided_at: c.int()?,
                rests_on: Some(c.text()?).filter(|d| !d.is_empty()),
            };
            Ok((decision, grounds))
        })
        .collect()
}

/// Seals the grounds that an older release kept as they were written.
pub(crate) async fn seal_old_grounds(casework: &Casework, tx: &mut Tx) -> Result<()> {
    let rows = sqlx::query("SELECT id, grounds FROM decisions")
        .fetch_all(&mut **tx)
        .await?;
    for row in &rows {
        let mut c = Columns::of(row);
        let (id, grounds) = (c.text()?, c.text()?);
        sqlx::query("UPDATE decisions SET grounds = $1 WHERE id = $2")
            .bind(sealed::seal_words(casework, &grounds))
            .bind(id)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// The latest decision about a case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latest {
    /// Its sequence number, which orders the decisions of all cases independently of the clock.
    pub seq: i64,
    /// What.
    pub ruling: Ruling,
    /// When, microseconds since 1970.
    pub decided_at: i64,
}

/// The latest decision about each of these cases, for those that have one.
pub(crate) async fn latest(
    tx: &mut Tx,
    cases: &[&str],
) -> Result<std::collections::HashMap<String, Latest>> {
    // Later ones replace earlier ones.
    let sql = "SELECT case_id, seq, ruling, decided_at FROM decisions WHERE case_id IN ({values}) ORDER BY seq";
    let mut found = std::collections::HashMap::new();
    for row in &rows_in(tx, sql, cases).await? {
        let mut c = Columns::of(row);
        let case = c.text()?;
        let latest = Latest {
            seq: c.int()?,
            ruling: c.word(Ruling::from_word, "ruling")?,
            decided_at: c.int()?,
        };
        found.insert(case, latest);
    }
    Ok(found)
}

/// Kind of the alarm about a decision that is based on the same review as one that was changed or
/// overturned.
pub const IN_DOUBT: &str = "carried-decision";

/// Raises an alarm for each other case whose latest decision is based on the same review as the
/// decision about this case, which was changed or overturned.
pub(crate) async fn alarm_carried(tx: &mut Tx, now: i64, case: &str) -> Result<()> {
    let own = decisions_within(tx, case).await?;
    let Some(changed) = own.last() else {
        return Ok(());
    };
    let mut others = latest_resting_on(tx, changed.review()).await?;
    if let Some(source) = &changed.rests_on
        && let Some(of) = case_of(tx, source).await?
    {
        // Locked, so that the decision isn't carried to another case unseen by this.
        cases::hold(tx, &of).await?;
        // If that case was decided again since, its decision is based on another review.
        let latest = decisions_within(tx, &of).await?;
        if latest.last().is_some_and(|d| d.id == *source) {
            others.push(of);
        }
    }
    others.retain(|other| other != case);
    others.sort();
    others.dedup();
    for other in others {
        if cases::status(tx, &other).await? == CaseStatus::Cleared {
            continue;
        }
        let text = format!(
            "the decision about case {other} is based on the same review as that about case {case}, which was found wrong or changed. View its files, and decide it again or retract its reports. No report of it is approved or sent until another person who has viewed its files decides again to report it, or this alarm is marked as seen"
        );
        alarms::raise(tx, now, IN_DOUBT, &other, &text).await?;
    }
    Ok(())
}

/// The case of a decision.
async fn case_of(tx: &mut Tx, decision: &str) -> Result<Option<String>> {
    let row = sqlx::query("SELECT case_id FROM decisions WHERE id = $1")
        .bind(decision)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| Columns::of(&row).text()).transpose()
}

/// # Errors
/// A conflict unless this is the latest decision of its case, and neither contested nor overturned.
async fn require_latest(tx: &mut Tx, decision: &Decision) -> Result<()> {
    // The case is locked until the commit, so that a later change to it finds the decision that was
    // carried over.
    cases::hold(tx, &decision.case).await?;
    require_valid_review(tx, &decision.case).await?;
    let status = cases::status(tx, &decision.case).await?;
    let contested = matches!(status, CaseStatus::Appealed | CaseStatus::Cleared);
    let decisions = decisions_within(tx, &decision.case).await?;
    if contested || decisions.last().is_none_or(|d| d.id != decision.id) {
        return Err(CaseworkError::conflict(format!(
            "the decision about case {} was changed or contested; it isn't carried over any further",
            decision.case
        )));
    }
    Ok(())
}

/// Marks an alarm as seen.
///
/// # Errors
/// Not found if it is unknown or was seen already. A conflict for an alarm about a review in doubt
/// if the person made one of the decisions that it is about.
pub async fn see_alarm(casework: &Casework, id: &str, person: &Person) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    let case = alarms::subject_of(&mut tx, id, IN_DOUBT).await?;
    if let Some(case) = case
        && is_in_doubt(&mut tx, &case, person).await?
    {
        return Err(CaseworkError::conflict(format!(
            "{} made a decision that this alarm is about; another person has to look at it",
            person.name
        )));
    }
    alarms::see(&mut tx, casework.now(), id, &person.id).await?;
    audit::write(&mut tx, casework.now(), &person.id, "alarm.seen", id, "").await?;
    tx.commit().await?;
    Ok(())
}

/// True if this person made one of the decisions that an unseen alarm about a carried decision is
/// about.
async fn is_in_doubt(tx: &mut Tx, case: &str, person: &Person) -> Result<bool> {
    let Some(since) = alarms::unseen_since(tx, IN_DOUBT, case).await? else {
        return Ok(false);
    };
    // Decisions that were carried over count whatever their time, because the clock may have been
    // set back since.
    let in_doubt = |d: &Decision| d.decided_at <= since || d.rests_on.is_some();
    let decisions = decisions_within(tx, case).await?;
    Ok(decisions
        .iter()
        .any(|d| in_doubt(d) && d.person == person.id))
}

/// True if the alarm about a carried decision is unseen, and this person made none of the decisions
/// that it is about and has viewed every file of the case. False if no file of the case is kept.
async fn reviewed_independently(tx: &mut Tx, case: &str, person: &Person) -> Result<bool> {
    let unseen = alarms::unseen_since(tx, IN_DOUBT, case).await?;
    if unseen.is_none() || is_in_doubt(tx, case, person).await? {
        return Ok(false);
    }
    let exhibits = findings::exhibits(tx, case).await?;
    let (_, unseen) = views::unseen_by(tx, &exhibits, &person.id).await?;
    Ok(!exhibits.is_empty() && unseen.is_empty())
}

/// # Errors
/// A conflict while an alarm says that the decision about this case is based on a review that was
/// overturned.
pub(crate) async fn require_valid_review(tx: &mut Tx, case: &str) -> Result<()> {
    match alarms::unseen_since(tx, IN_DOUBT, case).await? {
        None => Ok(()),
        Some(_) => Err(CaseworkError::conflict(format!(
            "the decision about case {case} is based on the same review as another, which was found wrong or changed. Another person has to view its files and decide it again; if the decision is right, mark the alarm as seen"
        ))),
    }
}

/// # Errors
/// A conflict if this person, who wants to approve a report, is the one who marked the alarm about
/// the case's carried decision as seen.
pub(crate) async fn require_other_than_seer(
    tx: &mut Tx,
    case: &str,
    person: &Person,
) -> Result<()> {
    match alarms::was_seen_by(tx, IN_DOUBT, case, &person.id).await? {
        false => Ok(()),
        true => Err(CaseworkError::conflict(format!(
            "{} marked the alarm about the decision of case {case} as seen; another person has to approve its reports",
            person.name
        ))),
    }
}

/// The cases whose latest decision was carried over from this one.
async fn latest_resting_on(tx: &mut Tx, decision: &str) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT case_id FROM decisions d WHERE rests_on = $1
         AND seq = (SELECT MAX(seq) FROM decisions other WHERE other.case_id = d.case_id) ORDER BY seq",
    )
    .bind(decision)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(|row| Columns::of(row).text()).collect()
}
