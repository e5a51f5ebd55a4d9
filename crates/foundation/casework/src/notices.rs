//! Notices to the person concerned, in German or English: what was done, why, and how to contest
//! it. A notice never mentions a list, an entry or a distance. Under an embargo no notice is made.
//!
//! A notice carries a code that files an appeal without a login, because a person who lost the
//! account lost the login too.

use obhut_facts::{AccountClosed, Facts, Language, words};
use serde::Serialize;

use crate::database::Columns;
use crate::{
    Appeal, AppealOutcome, Casework, CaseworkError, Person, Result, Role, Ruling, appeals, audit,
    cases, decisions, erasures, findings, ids, settings,
};

/// Longest message of an appeal, in characters. Our judgement.
const MESSAGE_CHARS_MAX: usize = 10_000;
/// Longest contact text in a notice, in characters. Our judgement.
const CONTACT_CHARS_MAX: usize = 500;

words! {
    /// What was done to a person's content or account.
    Measure {
        /// Content was taken down.
        ContentRemoved = "content-removed",
        /// The account was closed for a time.
        AccountSuspended = "account-suspended",
        /// The account was closed for good.
        AccountClosed = "account-closed",
        /// The appeal was upheld, and the measure is reversed.
        Restored = "restored",
        /// The appeal was rejected.
        AppealRejected = "appeal-rejected",
    }
}

/// A notice to the person concerned.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Notice {
    /// Id.
    pub id: String,
    /// The case.
    pub case: String,
    /// The code that files an appeal. Shown here once; only its keyed digest is stored.
    pub code: String,
    /// The text.
    pub text: String,
}

fn text(measure: Measure, language: Language, service: &str, contact: &str, code: &str) -> String {
    let what = match (measure, language) {
        (Measure::ContentRemoved, Language::German) => {
            "Wir haben Inhalte entfernt, die mit Ihrem Konto hochgeladen wurden."
        }
        (Measure::ContentRemoved, Language::English) => {
            "We have removed content that was uploaded with your account."
        }
        (Measure::AccountSuspended, Language::German) => {
            "Wir haben Ihr Konto vorübergehend gesperrt."
        }
        (Measure::AccountSuspended, Language::English) => {
            "We have temporarily suspended your account."
        }
        (Measure::AccountClosed, Language::German) => "Wir haben Ihr Konto geschlossen.",
        (Measure::AccountClosed, Language::English) => "We have closed your account.",
        (Measure::Restored, Language::German) => {
            "Ihrer Beschwerde wurde stattgegeben. Unsere Entscheidung war falsch; wir nehmen sie zurück und bitten um Entschuldigung. Was wir Dritten gemeldet haben, widerrufen wir dort."
        }
        (Measure::Restored, Language::English) => {
            "Your appeal was upheld. Our decision was wrong; we have reversed it and apologise. We are retracting our reports to others."
        }
        (Measure::AppealRejected, Language::German) => {
            "Ihre Beschwerde wurde von einer anderen Person geprüft. Die Entscheidung bleibt bestehen."
        }
        (Measure::AppealRejected, Language::English) => {
            "A different person reviewed your appeal. The decision is upheld."
        }
    };
    let decided = matches!(
        measure,
        Measure::ContentRemoved | Measure::AccountSuspended | Measure::AccountClosed
    );
    let reason = match (decided, language) {
        (false, _) => "",
        (true, Language::German) => {
            "\n\nBegründung: Eine Person hat geprüft und festgestellt, dass Inhalte Ihres Kontos gegen das Verbot von Darstellungen sexualisierter Gewalt gegen Kinder verstoßen. Die Entscheidung wurde nicht automatisiert getroffen."
        }
        (true, Language::English) => {
            "\n\nReason: A person has concluded that content violates the prohibition of child sexual abuse material. A person made this decision, not a program."
        }
    };
    let contact = match contact.trim() {
        "" => String::new(),
        contact => format!("\n\n{contact}"),
    };
    let how = match (measure, language) {
        (Measure::Restored, _) => String::new(),
        // Each decision has one appeal: a code would be refused.
        (Measure::AppealRejected, Language::German) => format!(
            "\n\nDamit ist das Beschwerdeverfahren bei uns beendet. Haben Sie neue Tatsachen, teilen Sie sie uns mit; eine Person entscheidet, ob wir den Fall noch einmal prüfen.{contact}\n\nSie können sich auch an ein Gericht oder eine zertifizierte außergerichtliche Streitbeilegungsstelle wenden."
        ),
        (Measure::AppealRejected, Language::English) => format!(
            "\n\nThis ends the appeal with us. If you have new facts, tell us; a person will decide whether we look at the case again.{contact}\n\nYou can also go to court or to an out-of-court dispute settlement body."
        ),
        (_, Language::German) => format!(
            "\n\nSie können Beschwerde einlegen. Eine andere Person entscheidet darüber. Ihr Konto brauchen Sie dafür nicht, nur diesen Code:\n\n    {code}{contact}\n\nSolange über die Beschwerde nicht entschieden ist, werden Daten Ihres Kontos nicht gelöscht. Sie können sich auch an ein Gericht oder eine zertifizierte außergerichtliche Streitbeilegungsstelle wenden."
        ),
        (_, Language::English) => format!(
            "\n\nYou can appeal. A different person will decide. You don't need your account for this, only this code:\n\n    {code}{contact}\n\nWhile the appeal is open, no data of your account will be deleted. You can also go to court or to an out-of-court dispute settlement body."
        ),
    };
    let from = match service.trim() {
        "" => String::new(),
        service => format!("\n\n{service}"),
    };
    format!("{what}{reason}{how}{from}\n")
}

/// Why the facts of a case with this many files contradict a measure; empty if they don't. A
/// measure against an account or content that isn't on record is contradicted too.
fn contradicted(measure: Measure, facts: &Facts, files: usize) -> &'static str {
    let account = facts.reported.as_ref();
    let undone = |taken: Option<&AccountClosed>| taken.is_some_and(|t| !t.is_in_force());
    match measure {
        Measure::ContentRemoved if facts.removed == Some(false) => {
            "the facts say that the content wasn't removed (facts.removed)"
        }
        Measure::AccountClosed if undone(account.and_then(|a| a.closed.as_ref())) => {
            "the facts say that the account wasn't closed, or was opened again (facts.reported.closed)"
        }
        Measure::AccountSuspended if undone(account.and_then(|a| a.suspended.as_ref())) => {
            "the facts say that the account wasn't suspended, or was opened again (facts.reported.suspended)"
        }
        Measure::AccountClosed | Measure::AccountSuspended
            if account.is_none_or(|a| a.id.is_none() && a.screen_name.is_none()) =>
        {
            "no account is on record (facts.reported)"
        }
        Measure::ContentRemoved if !has_content(facts, files) => {
            "neither a file nor a message, place or address is on record"
        }
        _ => "",
    }
}

fn has_content(facts: &Facts, files: usize) -> bool {
    files > 0 || !facts.threads.is_empty() || !facts.places.is_empty()
}

/// Why a notice about this measure would be untrue of the case; empty if it wouldn't.
async fn untrue(casework: &Casework, case: &str, measure: Measure) -> Result<&'static str> {
    let decisions = decisions::decisions(casework, case).await?;
    let appeals = appeals::appeals(casework, case).await?;
    let ended = |how: AppealOutcome| appeals.last().is_some_and(|a| a.outcome == Some(how));
    Ok(match measure {
        Measure::Restored if !ended(AppealOutcome::Upheld) => "no appeal about it was upheld",
        Measure::Restored if erasures::is_to_be_restored(casework, case).await? => {
            "the record of restorations says that the account isn't restored yet"
        }
        Measure::AppealRejected if !ended(AppealOutcome::Rejected) => {
            "no appeal about it was rejected"
        }
        Measure::Restored | Measure::AppealRejected => "",
        _ => match decisions.last().map(|d| d.ruling()) {
            None => "it is not decided, and no measure is taken without a person's decision",
            Some(Ruling::NoReport) => "a person decided that nothing is to be reported",
            Some(Ruling::Report) if ended(AppealOutcome::Upheld) => "an appeal about it was upheld",
            Some(Ruling::Report) => {
                let mut tx = casework.db.snapshot().await?;
                let files = findings::count_of_case(&mut tx, case).await?;
                drop(tx);
                contradicted(measure, &crate::facts::facts(casework, case).await?, files)
            }
        },
    })
}

/// Makes a notice for the person a case concerns, with a code to appeal with.
///
/// # Errors
/// Denied without the role reviewer; invalid if `contact` has more than 500 characters. A conflict
/// under an embargo, and for a notice that would be untrue: one about a measure if there is no
/// decision to report, if an appeal was upheld, or if the facts contradict the measure; one about
/// an appeal if the last appeal didn't end that way, or if the account isn't restored yet.
pub async fn make_notice(
    casework: &Casework,
    case: &str,
    measure: Measure,
    language: Language,
    contact: &str,
    person: &Person,
) -> Result<Notice> {
    person.require(Role::Reviewer)?;
    cases::require_no_embargo(casework, case).await?;
    if contact.chars().count() > CONTACT_CHARS_MAX {
        return Err(CaseworkError::invalid(
            "contact",
            format!("the contact text has at most {CONTACT_CHARS_MAX} characters"),
        ));
    }
    let says_why_not = untrue(casework, case, measure).await?;
    if !says_why_not.is_empty() {
        return Err(CaseworkError::conflict(format!(
            "this notice would be untrue of case {case}: {says_why_not}"
        )));
    }
    // In groups of five, because it is read out and typed. 80 bits, so that it can't be guessed.
    let raw = ids::random_hex(10);
    let code = [&raw[..5], &raw[5..10], &raw[10..15], &raw[15..]].join("-");
    let id = ids::new("notice");
    let service = settings::reporter(casework).await?.service;
    let notice = Notice {
        text: text(measure, language, &service, contact, &code),
        id: id.clone(),
        case: case.to_owned(),
        code: code.clone(),
    };
    // Only the keyed digest of the code is stored, so that a copy of the database isn't enough to
    // appeal.
    let mut tx = casework.db.begin().await?;
    cases::hold(&mut tx, case).await?;
    cases::status(&mut tx, case).await?;
    // Again: the authority's order may have been recorded since.
    cases::require_no_embargo_within(&mut tx, casework.now(), case).await?;
    sqlx::query("INSERT INTO notices (id, case_id, measure, language, code_key, made_by, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(&id)
        .bind(case)
        .bind(measure.word())
        .bind(language.word())
        .bind(self::code_key(casework, &code))
        .bind(&person.id)
        .bind(casework.now())
        .execute(&mut *tx)
        .await?;
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "notice.make",
        case,
        measure.word(),
    )
    .await?;
    tx.commit().await?;
    Ok(notice)
}

/// Files an appeal with the code of a notice, without login, and keeps the first 10,000 characters
/// of the message. Errors name neither case nor appeal, because the caller is an outsider; the
/// returned [`Appeal`] names both.
///
/// # Errors
/// Invalid without a message. A conflict for an unknown code, and if an appeal is open or decided.
pub async fn appeal_by_code(casework: &Casework, code: &str, message: &str) -> Result<Appeal> {
    let message: String = message.chars().take(MESSAGE_CHARS_MAX).collect();
    let row = sqlx::query("SELECT case_id FROM notices WHERE code_key = $1")
        .bind(self::code_key(casework, code))
        .fetch_optional(casework.db.pool())
        .await?;
    let row =
        row.ok_or_else(|| CaseworkError::conflict("unknown code; please check the notice"))?;
    let case = Columns::of(&row).text()?;
    match appeals::file_appeal(casework, &case, &message, "code of a notice").await {
        // Reworded: our own messages name cases and appeals by ids that no outsider should learn.
        Err(CaseworkError::Conflict { .. }) => Err(CaseworkError::conflict(
            match appeals::open_since(&mut casework.db.snapshot().await?, &case).await? {
                Some(_) => "an appeal is open already; a person will decide it",
                None => {
                    "an appeal was decided already; another one needs new facts: write to the provider"
                }
            },
        )),
        filed => filed,
    }
}

/// Keyed digest of a code's letters and digits in lower case: hyphens and spaces don't matter.
fn code_key(casework: &Casework, code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    casework
        .lookup
        .keyed_digest("notice code", plain.to_ascii_lowercase().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_say_reason_and_way_in_both_languages_and_nothing_of_matching() {
        for measure in Measure::ALL {
            for language in Language::ALL {
                let text = text(
                    *measure,
                    *language,
                    "Example",
                    "https://example.com/appeal",
                    "a-b",
                );
                // A notice must not reveal that a list was involved, or who was informed.
                for word in [
                    "hash", "list", "Liste", "match", "Treffer", "NCMEC", "digest", "distance",
                ] {
                    assert!(
                        !text.to_lowercase().contains(&word.to_lowercase()),
                        "{word} in {text}"
                    );
                }
                // A notice shows its code only if an appeal with it would be accepted.
                let contested = !matches!(measure, Measure::Restored | Measure::AppealRejected);
                assert_eq!(contested, text.contains("a-b"), "{text}");
            }
        }
    }
}
