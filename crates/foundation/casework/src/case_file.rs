//! A case from a file: all facts in one JSON document, with the files in the same folder.

use std::collections::BTreeMap;

use crate::database::Tx;
use obhut_facts::{Facts, FactsError, FileFacts, Surface, read_json, words};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cases::{Embargo, Opening, read_embargo};
use crate::{Casework, CaseworkError, Result, audit, findings, ids, opening, views};

/// Longest case file, in bytes. Our judgement.
pub const CASE_FILE_BYTES_MAX: usize = 64 << 20;
/// Most files in one case file. Our judgement.
const FILES_MAX: usize = 10_000;

words! {
    /// How findings are grouped into a case.
    CaseGroup {
        /// This case file alone.
        Alone = "alone",
        /// Everything that one account did.
        Account = "account",
        /// Everything of one series of material.
        Series = "series",
        /// One conversation.
        Thread = "thread",
    }
}

/// The content of a case file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// What holds it together; by default nothing but this file.
    #[serde(default = "alone")]
    pub group: CaseGroup,
    /// Where it was meant to be seen.
    #[serde(default = "public")]
    pub surface: Surface,
    /// Until when nothing about the case may reach the person concerned.
    #[serde(default)]
    pub embargo: Option<Embargo>,
    /// The files.
    #[serde(default)]
    pub files: Vec<CaseFileItem>,
    /// Facts that don't come from the files.
    #[serde(default)]
    pub facts: Facts,
}

fn alone() -> CaseGroup {
    CaseGroup::Alone
}

fn public() -> Surface {
    Surface::Public
}

/// A file of a case.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CaseFileItem {
    /// Path of its bytes, relative to the case file. With neither this nor `content`, only the
    /// description is recorded.
    pub path: Option<String>,
    /// Its bytes in base64, if the case file has no folder.
    pub content: Option<String>,
    /// The name it had.
    pub name: Option<String>,
    /// What is known about it.
    pub facts: FileFacts,
}

/// A case that was opened from a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NewCase {
    /// Its id.
    pub case: String,
    /// Exhibits in the order of the files; none for those without bytes.
    pub exhibits: Vec<Option<String>>,
}

impl CaseFile {
    /// From JSON; unknown fields are refused, so that a typo can't silently drop a victim.
    pub fn from_json(json: &[u8]) -> std::result::Result<Self, FactsError> {
        read_json(json, CASE_FILE_BYTES_MAX, "the case file")
    }

    /// The JSON schema of a case file, draft 2020-12.
    pub fn schema() -> String {
        serde_json::to_string_pretty(&schemars::schema_for!(Self)).expect("a schema is JSON")
    }
}

/// Opens a case from a file. `contents` has the bytes of its files, in the same order, and `None`
/// for a file of which only the description is recorded.
///
/// # Errors
/// Invalid if the numbers of files and contents differ, there are too many files, the embargo can't
/// be read, or the group lacks its key; a conflict if a case of the same group is open.
// Long: writes all rows of one case.
pub async fn new_case(
    casework: &Casework,
    file: &CaseFile,
    contents: Vec<Option<Vec<u8>>>,
    actor: &str,
) -> Result<NewCase> {
    if file.files.len() > FILES_MAX || contents.len() != file.files.len() {
        return Err(CaseworkError::invalid(
            "files",
            match file.files.len() == contents.len() {
                true => format!("a case file has at most {FILES_MAX} files"),
                false => format!(
                    "{} files are listed, and {} contents were given",
                    file.files.len(),
                    contents.len()
                ),
            },
        ));
    }
    if file.surface == Surface::PrivateMessage {
        // A private message that was reported to the provider may be passed on in a report. A legal
        // basis is needed only for screening private messages.
        audit::note(
            casework,
            actor,
            "case.private-message",
            "-",
            "given by a person",
        )
        .await?;
    }
    // Before the transaction: the vault's records name the case.
    let case = ids::new("case");
    let account = file.facts.reported.as_ref().and_then(|a| a.id.clone());
    let group = group(file, &case)?;
    let embargo = match &file.embargo {
        None => None,
        Some(embargo) => Some(read_embargo(embargo)?),
    };
    // The vault cannot roll back: a case refused below leaves its exhibits behind, logged.
    let mut exhibits = Vec::new();
    let mut keyed: BTreeMap<String, FileFacts> = BTreeMap::new();
    let mut rows = Vec::new();
    for (item, content) in file.files.iter().zip(contents) {
        let exhibit = match &content {
            None => None,
            Some(bytes) => {
                let intake = obhut_vault::Intake {
                    actor: actor.to_owned(),
                    purpose: "added with its case".into(),
                    case: Some(case.clone()),
                    source: item.name.clone().or_else(|| item.path.clone()),
                    media_type: item.facts.media_type.clone(),
                };
                Some(views::keep(casework, bytes, intake).await?.id)
            }
        };
        let screening = ids::new("screen");
        let key = exhibit.clone().unwrap_or_else(|| screening.clone());
        keyed.insert(key, item.facts.clone());
        rows.push((screening, exhibit.clone(), item));
        exhibits.push(exhibit);
    }
    let mut facts = file.facts.clone();
    // The file may also hold facts about exhibits that exist already.
    facts.files.extend(keyed);
    let mut tx = casework.db.begin().await?;
    let opened = Opening {
        id: &case,
        group: &group,
        account: account.as_deref(),
        embargo,
    };
    opening::open(&mut tx, casework, &opened, &facts, actor).await?;
    for (screening, exhibit, item) in &rows {
        add_file(
            &mut tx,
            casework,
            file,
            &case,
            screening,
            exhibit.as_deref(),
            item,
        )
        .await?;
    }
    let detail = format!("{} files", rows.len());
    audit::write(&mut tx, casework.now(), actor, "case.new", &case, &detail).await?;
    tx.commit().await?;
    Ok(NewCase { case, exhibits })
}

/// The name of the case's group. Only its keyed digest is stored.
fn group(file: &CaseFile, case: &str) -> Result<String> {
    let account = file.facts.reported.as_ref().and_then(|a| a.id.clone());
    Ok(match file.group {
        CaseGroup::Alone => case.to_owned(),
        // Without a prefix, as screening groups uploads: its findings join this case.
        CaseGroup::Account => needed("facts.reported.id", account)?,
        CaseGroup::Series => format!(
            "series:{}",
            needed("facts.series", file.facts.series.clone())?
        ),
        CaseGroup::Thread => {
            let id = file.facts.threads.first().and_then(|t| t.id.clone());
            format!("thread:{}", needed("facts.threads[0].id", id)?)
        }
    })
}

/// Records a submitted file as a finding.
async fn add_file(
    tx: &mut Tx,
    casework: &Casework,
    file: &CaseFile,
    case: &str,
    screening: &str,
    exhibit: Option<&str>,
    item: &CaseFileItem,
) -> Result<()> {
    // An unreadable time is named by `Facts::faults`.
    let uploaded = item
        .facts
        .uploaded_at
        .as_deref()
        .and_then(|t| t.parse::<jiff::Timestamp>().ok());
    let name = item.name.as_deref().or(item.path.as_deref());
    let of_file = findings::File {
        name,
        surface: file.surface,
        uploaded_at: uploaded.map(|t| t.as_microsecond()),
        // We stopped nothing here. Whether everyone could see the file is in its facts
        // (`publicly_available`), which come first.
        stopped: false,
        digests: None,
    };
    findings::file(tx, casework, screening, &of_file).await?;
    let found = findings::NewFinding {
        case,
        subject: screening,
        evidence: exhibit,
        strength: findings::GIVEN,
        source: findings::PERSON,
    };
    findings::write(tx, casework, &found).await?;
    Ok(())
}

fn needed(field: &str, value: Option<String>) -> Result<String> {
    value
        .filter(|v| !v.trim().is_empty())
        .ok_or_else(|| CaseworkError::invalid("group", format!("that group needs {field}")))
}
