//! Maps errors to exit codes and to hints: which command to run next.

use obhut_app::bitcoin;
use obhut_app::casework::{self, CaseworkError, Next};

/// A usage error found by the command line itself.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A [`Usage`] error with a formatted message.
macro_rules! usage {
    ($($message:tt)*) => {
        $crate::hints::Usage(format!($($message)*))
    };
}
pub(crate) use usage;

/// Something failed.
pub const FAILED: u8 = 1;
/// A value isn't valid.
const USAGE: u8 = 2;
/// A role, a right or a legal basis is missing.
const DENIED: u8 = 3;
/// What was named isn't on record.
const NOT_FOUND: u8 = 4;
/// Refused because of the current state.
const CONFLICT: u8 = 5;

/// The command that deals with an alarm, by its kind and subject.
pub fn alarm_hint(kind: &str, subject: &str) -> Option<String> {
    match (kind, subject) {
        ("destination", casework::PLATFORM) => Some("`obhut settings platform`".into()),
        ("destination", name) => Some(format!(
            "`obhut destination set {name}`, then `obhut destination resume {name}`"
        )),
        ("people", _) => Some("`obhut person add NAME --role appeals`".into()),
        ("retention", "never-filed") => Some("`obhut vault rule --days N --basis TEXT`".into()),
        ("retention", destination) => Some(format!(
            "`obhut vault rule --filed-with {destination} --days N --basis TEXT`"
        )),
        ("destruction", _) => Some("`obhut vault retention`".into()),
        ("child-in-danger", _) => Some("`obhut intake --queue`".into()),
        _ => None,
    }
}

/// For each kind of record that may be "not found": how to find the right id.
const WHERE: &[(&str, &str)] = &[
    ("alert", "`obhut payments alerts` lists them"),
    ("appeal", "`obhut case show` lists the appeals of a case"),
    ("case", "`obhut case list` lists them"),
    ("deadline", "`obhut deadline list` lists them"),
    ("evidence hold", "`obhut vault retention` lists them"),
    ("exhibit", "`obhut vault list` lists them"),
    ("export", "`obhut vault export` lists them"),
    ("hold", "`obhut payments hold list` lists them"),
    ("incoming report", "`obhut intake --queue` lists them"),
    ("key", "`obhut key list` shows all"),
    (
        "list",
        "`obhut list show` shows all, `obhut list import` makes one",
    ),
    ("list entry", "a finding names the entry that matched"),
    ("open alarm", "`obhut alarm list` lists the unseen ones"),
    (
        "open restoration",
        "`obhut appeal restorations` lists the measures to reverse",
    ),
    (
        "person",
        "`obhut person list` lists all people, `obhut person add` adds one",
    ),
    ("report", "`obhut report status` lists them"),
    ("route", "`obhut route list` lists them"),
];

/// Fields with an option of the same name; if one is invalid, the hint names the option.
const OPTIONS: &[&str] = &[
    "authority",
    "because",
    "grounds",
    "how",
    "officer",
    "owner",
    "purpose",
    "reason",
    "recipient",
    "right",
    "url",
];

/// The command to run next, if one is known.
pub fn hint(e: &anyhow::Error) -> Option<String> {
    // Libraries name no commands (CONTRIBUTING.md, Style 4); the next command is added here.
    if let Some(fault) = e.downcast_ref::<bitcoin::Fault>() {
        return of_chain(fault);
    }
    // anyhow finds the error below contexts that were added on the way.
    let e = e.downcast_ref::<CaseworkError>()?;
    if let CaseworkError::NotFound { what, .. } = e {
        let found = WHERE.iter().find(|(of, _)| of == what);
        return found.map(|(_, how)| (*how).to_owned());
    }
    if let CaseworkError::Invalid { field, .. } = e {
        return OPTIONS
            .contains(field)
            .then(|| format!("the option is --{field}"));
    }
    if let CaseworkError::Folder { why, .. } = e {
        // Only if another folder or database would help; the message is the only sign of that.
        if !why.contains("another folder") && !why.contains("belongs to") {
            return None;
        }
        return Some(
            "another data folder is named with --data, another database with --database".into(),
        );
    }
    Some(match e.next()? {
        Next::GiveRole { person, role } => {
            format!("`obhut person add \"{person}\" --role {role}` gives it")
        }
        Next::Decide { case } => {
            format!("`obhut case decide {case} --by NAME --ruling report --grounds …`")
        }
        Next::AddFacts { case } => format!("`obhut case facts {case}` prints what is known; `--from FILE.json` replaces it"),
        Next::Determine { case, question } => format!(
            "`obhut case determine {case} --question {question} --answer … --grounds … --by PERSON`; `obhut case determine --help` lists the answers"
        ),
        Next::AllowFilesByMail { destination } => format!(
            "`obhut destination set {destination} --media-instruction REFERENCE` records the instruction; `--folder DIR` places packages in a folder instead"
        ),
        Next::SetReporter => "`obhut settings reporter --service NAME` sets it".into(),
        Next::RecordNcaDuty => "`obhut settings reporter --nca-duty … --nca-unreported …` records it; `--help` says what each means".into(),
        Next::AddFactsOrOverride { case } => {
            format!(
                "`obhut case facts {case}` prints what is known, `--from FILE.json` replaces it; `--override REASON` approves it as it is"
            )
        }
        Next::ApproveAgain { report } => format!(
            "`obhut report approve {report} --by PERSON` approves it as it is now, then `obhut report send {report} --resume`"
        ),
        Next::Resume { report } => format!("if it was stopped, `obhut report send {report} --resume` sends it"),
        Next::RetractReports { case } => format!("`obhut case show {case}` lists its reports; `obhut report retract REPORT --reason … --by PERSON` retracts one"),
        Next::Approve { report } => format!("`obhut report approve {report} --by PERSON`"),
        Next::AddRoute => "--destination names one; `obhut route propose` shows possible routes, `obhut route add` records one".into(),
        Next::SetUpPlatform => "`obhut settings platform --url URL --secret-file FILE` sets it".into(),
        Next::LiftEmbargo { case } => {
            format!("`obhut case embargo {case} --lift --reason …` records that the authority has lifted it")
        }
        Next::RecordChainBasis { case } => {
            format!("record one with `obhut chain basis {case} --basis … --owner … --until …`")
        }
        Next::NameCase => "open one with `obhut case new`, record the basis with `obhut chain basis`, and name it with --case".into(),
        Next::ExtendDeadline => "`obhut deadline extend` sets a later date".into(),
        _ => return None,
    })
}

fn of_chain(fault: &bitcoin::Fault) -> Option<String> {
    match fault {
        bitcoin::Fault::NoIndex { .. } => Some("make it with `obhut chain index`".into()),
        _ => None,
    }
}

/// The exit code of an error; 1 for every error that isn't a usage error, a refusal or "not found".
pub fn exit_code(e: &anyhow::Error) -> u8 {
    // First, because a usage error may be the context of another error, for example when a file of
    // seeds isn't JSON.
    if e.downcast_ref::<Usage>().is_some() {
        return USAGE;
    }
    match e.downcast_ref::<CaseworkError>() {
        Some(CaseworkError::Denied { .. } | CaseworkError::NoLegalBasis) => DENIED,
        Some(CaseworkError::NotFound { .. }) => NOT_FOUND,
        Some(CaseworkError::Invalid { .. }) => USAGE,
        Some(CaseworkError::Conflict { .. }) => CONFLICT,
        _ => FAILED,
    }
}
