//! Carries a decision over to other open cases that have the same bytes and nothing else.
//!
//! Invariant: no decision is carried over to bytes that the person hasn't viewed whole, in some
//! copy, nor to a case that contains anything other than such bytes.

use std::collections::{BTreeMap, HashMap};

use obhut_facts::{
    Account, CaseStatus, Category, Facts, FileFacts, Person as NamedPerson, UPLOADED_WITH,
};

use crate::deadlines::{self, DeadlineKind};
use crate::decisions::{self, AsSeen, Decision, DecisionRequest, GROUNDS_CHARS_MAX, Looked};
use crate::{
    Casework, CaseworkError, Person, Result, cases, determinations, dossier, facts, findings, views,
};

/// Most cases decided in one call. Our judgement: a call ends within seconds.
const CASES_MAX: usize = 500;

/// The other open cases with the same bytes, decided or left.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AlsoDecided {
    /// Decided in the same way.
    pub decided: Vec<String>,
    /// Left as they are: they contain something else, or they changed meanwhile.
    pub left: Vec<String>,
    /// True if there are more cases than one call decides: call again for the rest.
    pub more: bool,
}

/// Checks, before a decision about this case is made, that it could be carried over.
///
/// # Errors
/// A conflict if the person has viewed no file of the case whole.
pub(crate) async fn require_seen(casework: &Casework, case: &str, person: &Person) -> Result<()> {
    let found = findings::findings(casework, case).await?;
    let mut tx = casework.db.snapshot().await?;
    for exhibit in found.into_iter().filter_map(|f| f.exhibit) {
        let (files, unseen) = views::unseen_by(&mut tx, &[exhibit], &person.id).await?;
        if files > 0 && unseen.is_empty() {
            return Ok(());
        }
    }
    Err(CaseworkError::conflict(format!(
        "{} has viewed no file of case {case} whole, so the decision can't be carried over to other cases with the same bytes; nothing was decided",
        person.name
    )))
}

/// Decides a case and carries the decision over. If the same person has just decided it in the same
/// way, that decision is carried over instead: a new one would void the reports approved on it.
///
/// # Errors
/// A conflict if the person has viewed no file of the case whole, and the errors of
/// [`crate::decide_seen`].
pub async fn decide_with_same_bytes(
    casework: &Casework,
    case: &str,
    person: &Person,
    request: &DecisionRequest,
    file_categories: BTreeMap<String, Category>,
    seen: impl Into<AsSeen>,
) -> Result<(Decision, AlsoDecided)> {
    // First: a refusal must not leave a decision behind.
    require_seen(casework, case, person).await?;
    let latest = decisions::decisions(casework, case).await?.pop();
    let decision = match latest.filter(|d| d.is_as_asked(person, request, &file_categories)) {
        Some(decision) => decision,
        None => {
            decisions::decide_seen(casework, case, person, request, file_categories, seen).await?
        }
    };
    let also = decide_same_bytes(casework, &decision, person).await?;
    Ok((decision, also))
}

/// Carries a decision over to the other open cases that hold only bytes which the person has viewed
/// whole in the decided case. Each gets a separate decision, which names the exhibit that was
/// viewed. Cases are decided one by one: those decided before an error stay decided.
///
/// # Errors
/// Those of [`crate::decide`], except that a case with a conflict is left and reported as left.
pub async fn decide_same_bytes(
    casework: &Casework,
    decision: &Decision,
    person: &Person,
) -> Result<AlsoDecided> {
    let seen = seen_files(casework, decision, person).await?;
    let mut also = AlsoDecided::default();
    for case in open_cases(casework, decision.case(), &seen).await? {
        // Only decided cases count, so that cases that are left don't block the ones after them.
        if also.decided.len() == CASES_MAX {
            also.more = true;
            break;
        }
        let Some((files, copies)) = only_those(casework, &case, &seen).await? else {
            also.left.push(case);
            continue;
        };
        let first = copies.values().next().map_or("", |s| s.exhibit.as_str());
        let request = DecisionRequest {
            ruling: decision.ruling(),
            grounds: carried(decision, &person.name, first),
            // None of this case's own files was viewed, so each is named with its category below.
            category: None,
        };
        let categories = copies
            .into_iter()
            .filter_map(|(exhibit, seen)| Some((exhibit, seen.category.clone()?)))
            .collect();
        // From open only: what another person has decided meanwhile stays as it is.
        let looked = Looked {
            file_categories: categories,
            seen: Some(files).into(),
            from: &[CaseStatus::Open],
            source: Some(decision),
        };
        let done = decisions::decide_from(casework, &case, person, &request, looked).await;
        match done {
            Ok(_) => also.decided.push(case),
            // Another person decided it, or a file joined.
            Err(CaseworkError::Conflict { .. }) => also.left.push(case),
            Err(e) => return Err(e),
        }
    }
    Ok(also)
}

/// The grounds of a decision that is carried over: the original grounds, cut if the whole would be
/// too long, and where the decision comes from.
fn carried(decision: &Decision, name: &str, exhibit: &str) -> String {
    let case = decision.case();
    let why = format!(
        "\n\nDecided with case {case}: the same bytes as {exhibit}, which {name} viewed whole."
    );
    let room = GROUNDS_CHARS_MAX.saturating_sub(why.chars().count());
    let own: String = decision.grounds().chars().take(room).collect();
    own + &why
}

/// A file that the person has viewed whole.
struct Seen {
    exhibit: String,
    category: Option<Category>,
}

/// The files of the decided case that the person has viewed whole, by each exhibit with the same
/// bytes.
async fn seen_files(
    casework: &Casework,
    decision: &Decision,
    person: &Person,
) -> Result<HashMap<String, Seen>> {
    let files = dossier::dossier(casework, decision.case(), true)
        .await?
        .files;
    let mut tx = casework.db.snapshot().await?;
    let mut seen = HashMap::new();
    for file in files {
        let Some(exhibit) = file.exhibit else {
            continue;
        };
        let (_, unseen) =
            views::unseen_by(&mut tx, std::slice::from_ref(&exhibit), &person.id).await?;
        if !unseen.is_empty() {
            continue;
        }
        // Only the category that this decision gives: one in the facts may be another person's.
        let named = decision
            .file_categories()
            .get(&exhibit)
            .or(decision.category());
        let category = file.category.as_ref().filter(|c| Some(*c) == named);
        for copy in views::same_bytes(&mut tx, &exhibit).await? {
            let file = Seen {
                exhibit: exhibit.clone(),
                category: category.cloned(),
            };
            seen.entry(copy).or_insert(file);
        }
    }
    Ok(seen)
}

/// The other open cases with one of these exhibits.
async fn open_cases(
    casework: &Casework,
    but: &str,
    seen: &HashMap<String, Seen>,
) -> Result<Vec<String>> {
    let exhibits: Vec<String> = seen.keys().cloned().collect();
    let mut tx = casework.db.snapshot().await?;
    let found = findings::of_exhibits(&mut tx, &exhibits).await?;
    let mut others: Vec<String> = found.into_iter().map(|(case, _)| case).collect();
    others.sort_unstable();
    others.dedup();
    let mut open = Vec::new();
    for case in others {
        if case != but && cases::status(&mut tx, &case).await? == CaseStatus::Open {
            open.push(case);
        }
    }
    Ok(open)
}

/// The number of files of a case and, for each of its exhibits, the file that was viewed; `None` if
/// the case holds anything else.
async fn only_those<'a>(
    casework: &Casework,
    case: &str,
    seen: &'a HashMap<String, Seen>,
) -> Result<Option<(usize, BTreeMap<String, &'a Seen>)>> {
    let rows = findings::finding_rows(casework, case).await?;
    let mut copies = BTreeMap::new();
    for row in &rows {
        let Some(exhibit) = &row.evidence else {
            return Ok(None);
        };
        let Some(file) = seen.get(exhibit) else {
            return Ok(None);
        };
        copies.insert(exhibit.clone(), file);
    }
    if says_more(facts::facts(casework, case).await?) || has_more(casework, case, &copies).await? {
        return Ok(None);
    }
    let files = findings::count_of_case(&mut casework.db.snapshot().await?, case).await?;
    Ok(Some((files, copies)))
}

/// True if the facts say anything besides what uploads add automatically: the account, its screen
/// name and e-mail addresses, and when, from where and under which URL the files were uploaded.
fn says_more(mut facts: Facts) -> bool {
    if let Some(account) = &mut facts.reported {
        account.id = None;
        // A sentence as a name is more than a name.
        account
            .screen_name
            .take_if(|n| !n.contains(char::is_whitespace));
        account
            .ip_events
            .retain(|e| e.event.as_deref() != Some("Upload"));
        if let Some(person) = &mut account.person {
            person.emails.clear();
        }
        account.person.take_if(|p| *p == NamedPerson::default());
    }
    facts.reported.take_if(|a| *a == Account::default());
    for file in facts.files.values_mut() {
        file.ip_event = None;
        file.session = None;
        file.url = None;
        file.uploaded_at = None;
        file.note.take_if(|n| n.starts_with(UPLOADED_WITH));
    }
    facts.files.retain(|_, f| *f != FileFacts::default());
    facts != Facts::default()
}

/// True if the case has anything that a person has to look at separately: another case or a report
/// in the queue about its account, an embargo, an exhibit that isn't a file of its findings, a
/// person's determination, or a deadline other than the one for its report.
async fn has_more(
    casework: &Casework,
    case: &str,
    copies: &BTreeMap<String, &Seen>,
) -> Result<bool> {
    let known = cases::find(casework, case).await?;
    let exhibits = views::of_case(&mut casework.db.snapshot().await?, case).await?;
    let due = deadlines::deadlines(casework, Some(case), false).await?;
    if let Some(account) = known.as_ref().and_then(|c| c.account.as_ref()) {
        let mut tx = casework.db.snapshot().await?;
        for domain in casework.domains() {
            if domain
                .knows_account(&mut tx, casework, account.expose())
                .await?
            {
                return Ok(true);
            }
        }
    }
    if !cases::cases_of_account(casework, case).await?.is_empty() {
        return Ok(true);
    }
    Ok(known.is_none_or(|c| c.embargoed)
        || exhibits.iter().any(|e| !copies.contains_key(e))
        || due.iter().any(|d| d.kind != DeadlineKind::Report)
        || !determinations::determinations(casework, case)
            .await?
            .is_empty())
}
