//! Authorisation: which actor may perform which action. Pure; takes its data as arguments.
//!
//! [`ACTIONS`] lists for each action the right a key needs and the roles that permit it. A request
//! with a key needs both: the key's right and the person's role. HTTP and the command line check
//! every action of a person here, and so does tracing itself. Requests that aren't in the
//! table, by which a program reads, submits or curates something, need only the key's right. The
//! four-eyes rules are checked where the second person acts.

use crate::{ApiKey, CaseworkError, Next, Person, Result, Right, Role};

/// An action that needs authorisation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Action {
    /// Decide a case.
    DecideCase,
    /// Read what is known about a case.
    ReadFacts,
    /// Replace what is known about a case.
    SetFacts,
    /// Ask the platform for more about a case.
    AskPlatform,
    /// Determine what a destination asks a person for: the offence, the link with a country.
    Determine,
    /// Read a report in a destination's form before it is filed.
    ReadDraft,
    /// Put a report on record.
    FileReport,
    /// Approve a report that another person decided.
    ApproveReport,
    /// Send an approved report.
    SendReport,
    /// Retract a report.
    RetractReport,
    /// Record what a receiver says of a report.
    RecordOutcome,
    /// File an appeal on behalf of the person concerned.
    FileAppeal,
    /// Decide an appeal against another person's decision.
    DecideAppeal,
    /// Admit another appeal, because of new facts.
    AdmitAppeal,
    /// Make a notice for the person a case concerns.
    MakeNotice,
    /// See the content of a payment alert.
    ViewAlert,
    /// Confirm or end a hold.
    DecideHold,
    /// Set up and dispute hash lists.
    CurateLists,
    /// Sign a list's version.
    SignList,
    /// Open a case from an incoming report.
    OpenIncoming,
    /// See an exhibit, or put one in.
    ViewExhibit,
    /// Say how many exhibits a person may look at in a day.
    SetExposureCap,
    /// Allow another person more looks for today.
    LiftExposureCap,
    /// Put a case under embargo, or lift it.
    SetEmbargo,
    /// Record an authority's request, and extend or end deadlines.
    KeepDeadlines,
    /// Hold, release, extend and destroy exhibits.
    KeepEvidence,
    /// Ask for the export of exhibits, approve and write it.
    ExportEvidence,
    /// Say how long exhibits are kept.
    SetRetention,
    /// Make new keys for exhibits.
    RotateKeys,
    /// Say who witnesses and stamps the vault's log.
    SetWitnesses,
    /// Mark an alarm as seen.
    SeeAlarm,
    /// Resume a halted destination or a stopped report.
    ResumeSending,
    /// Set up destinations and routes.
    SetUpDestinations,
    /// Be the named officer of a destination's production address.
    AnswerForDestination,
    /// Record that what was taken from a cleared person was given back.
    RestoreAccount,
    /// Read who did what.
    ReadAudit,
    /// See the people, their roles and their keys.
    SeePeople,
    /// See the hash lists, without their entries.
    SeeLists,
    /// See how many cases, decisions and reports there are.
    SeeStatistics,
    /// See destinations, routes, settings, the vault's state and the system's.
    SeeOperation,
    /// Record a legal basis for following money.
    RecordBasis,
    /// Record whom an address is said to belong to.
    TagAddresses,
    /// Watch addresses of a case, or stop.
    WatchAddresses,
    /// Follow a case's money on the chain.
    FollowMoney,
}

/// A row of [`ACTIONS`].
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// The action.
    pub action: Action,
    /// The right a key needs; `None` if no key permits it.
    pub right: Option<Right>,
    /// Roles that permit it; one is enough.
    pub roles: &'static [Role],
}

const REVIEWER: &[Role] = &[Role::Reviewer];
const OFFICER: &[Role] = &[Role::ReportingOfficer];
const STEWARD: &[Role] = &[Role::ListSteward];
const ADMINISTRATOR: &[Role] = &[Role::Administrator];
// The order matters: `person_at_the_shell` grants the first role, and a refusal suggests it.
const EITHER: &[Role] = &[Role::ReportingOfficer, Role::Reviewer];
const REDRESS: &[Role] = &[Role::Reviewer, Role::Appeals];
const OVERSIGHT: &[Role] = &[Role::Auditor, Role::Administrator];
const LISTS: &[Role] = &[Role::ListSteward, Role::Administrator, Role::Auditor];
const OPERATION: &[Role] = &[Role::Administrator, Role::ReportingOfficer, Role::Auditor];
const CARE: &[Role] = &[Role::Administrator, Role::Reviewer];
const ADMIT: &[Role] = &[Role::Reviewer, Role::ReportingOfficer, Role::Appeals];

/// An action that reads what programs with the right `cases` may read, too.
const fn reading(action: Action, roles: &'static [Role]) -> Gate {
    Gate {
        action,
        right: Some(Right::Cases),
        roles,
    }
}

const fn gate(action: Action, roles: &'static [Role]) -> Gate {
    Gate {
        action,
        right: Some(Right::Decide),
        roles,
    }
}

/// An action that no key permits, so that it can be performed only on the command line.
const fn at_the_shell(action: Action, roles: &'static [Role]) -> Gate {
    Gate {
        action,
        right: None,
        roles,
    }
}

/// Every action, and what it takes to perform it.
pub const ACTIONS: &[Gate] = &[
    gate(Action::DecideCase, REVIEWER),
    gate(Action::ReadDraft, EITHER),
    gate(Action::FileReport, EITHER),
    gate(Action::ApproveReport, OFFICER),
    gate(Action::SendReport, OFFICER),
    gate(Action::RetractReport, OFFICER),
    gate(Action::RecordOutcome, OFFICER),
    gate(Action::FileAppeal, EITHER),
    gate(Action::DecideAppeal, REDRESS),
    gate(Action::AdmitAppeal, ADMIT),
    gate(Action::MakeNotice, REVIEWER),
    gate(Action::ViewAlert, REVIEWER),
    gate(Action::DecideHold, REVIEWER),
    gate(Action::ReadFacts, EITHER),
    gate(Action::SetFacts, EITHER),
    gate(Action::AskPlatform, EITHER),
    gate(Action::Determine, EITHER),
    gate(Action::OpenIncoming, EITHER),
    gate(Action::ViewExhibit, REVIEWER),
    gate(Action::SeeAlarm, OFFICER),
    at_the_shell(Action::CurateLists, STEWARD),
    Gate {
        action: Action::SignList,
        right: Some(Right::Curate),
        roles: STEWARD,
    },
    at_the_shell(Action::SetExposureCap, ADMINISTRATOR),
    gate(Action::LiftExposureCap, CARE),
    gate(Action::SetEmbargo, OFFICER),
    gate(Action::KeepDeadlines, OFFICER),
    at_the_shell(Action::KeepEvidence, OFFICER),
    at_the_shell(Action::ExportEvidence, OFFICER),
    at_the_shell(Action::SetRetention, ADMINISTRATOR),
    at_the_shell(Action::RotateKeys, ADMINISTRATOR),
    at_the_shell(Action::SetWitnesses, ADMINISTRATOR),
    gate(Action::ResumeSending, OFFICER),
    gate(Action::SetUpDestinations, ADMINISTRATOR),
    at_the_shell(Action::AnswerForDestination, OFFICER),
    gate(Action::RestoreAccount, REVIEWER),
    reading(Action::ReadAudit, OVERSIGHT),
    reading(Action::SeePeople, OVERSIGHT),
    reading(Action::SeeLists, LISTS),
    reading(Action::SeeStatistics, Role::ALL),
    reading(Action::SeeOperation, OPERATION),
    at_the_shell(Action::RecordBasis, ADMINISTRATOR),
    at_the_shell(Action::TagAddresses, REVIEWER),
    at_the_shell(Action::WatchAddresses, REVIEWER),
    at_the_shell(Action::FollowMoney, REVIEWER),
];

impl Action {
    /// Its row of the table.
    pub fn gate(self) -> &'static Gate {
        ACTIONS
            .iter()
            .find(|g| g.action == self)
            .expect("every action has its row; a test walks them")
    }
}

/// Who wants to do something.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// A command-line user, acting as this person.
    Shell(&'a Person),
    /// A program with a key, and the person it acts for.
    Key {
        /// The key.
        key: &'a ApiKey,
        /// The person it acts for.
        person: Option<&'a Person>,
    },
    /// A background worker of this server.
    Worker,
    /// An unauthenticated caller.
    Public,
}

/// The state an action depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing.
    Any,
    /// Tracing. Regtest needs nothing; every other network needs a case with a legal basis that
    /// hasn't expired.
    Money {
        /// The network is regtest.
        needs_no_basis: bool,
        /// A case is named.
        case: bool,
        /// It has a legal basis that hasn't ended.
        basis: bool,
    },
}

/// Checks that `actor` may perform `action`, and that `state` permits it.
///
/// # Errors
/// [`CaseworkError::Denied`], which says what is missing.
pub fn authorize(actor: &Actor<'_>, action: Action, state: State) -> Result<()> {
    let gate = action.gate();
    let person = match actor {
        Actor::Shell(person) => *person,
        Actor::Key { key, person } => {
            match gate.right {
                Some(right) if key.has(right) => {}
                Some(right) => {
                    return Err(CaseworkError::denied(format!(
                        "this key lacks the right {right}; use one that has it"
                    )));
                }
                None => {
                    return Err(CaseworkError::denied(
                        "no key is enough for this; it is done on the server's command line",
                    ));
                }
            }
            person.ok_or_else(|| {
                CaseworkError::denied("this key belongs to no person; use a key of a person")
            })?
        }
        Actor::Worker | Actor::Public => {
            return Err(CaseworkError::denied("only a person may do this"));
        }
    };
    // Before the roles, which removal withdraws: the refusal must name the true reason.
    if person.removed {
        return Err(CaseworkError::denied(format!(
            "{} has been removed and can no longer act",
            person.name
        )));
    }
    if !gate.roles.iter().any(|r| person.roles.contains(r)) {
        let roles: Vec<_> = gate.roles.iter().map(|r| r.word()).collect();
        return Err(CaseworkError::denied(format!(
            "{} has no role {}",
            person.name,
            roles.join(" or ")
        ))
        .then(Next::GiveRole {
            person: person.name.clone(),
            role: gate.roles[0].word(),
        }));
    }
    authorize_state(state)
}

/// Checks the state alone, for commands that open no data folder and so have no person on record.
pub fn authorize_state(state: State) -> Result<()> {
    match state {
        State::Any
        | State::Money {
            needs_no_basis: true,
            ..
        }
        | State::Money {
            case: true,
            basis: true,
            ..
        } => Ok(()),
        State::Money { case: false, .. } => Err(CaseworkError::denied(
            "money on this network is followed only for a case with a legal basis on record",
        )
        .then(Next::NameCase)),
        State::Money { basis: false, .. } => Err(CaseworkError::denied(
            "the case has no current legal basis for tracing its money; record one first",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(roles: &[Role]) -> Person {
        Person {
            id: "person-1".into(),
            name: "P".into(),
            roles: roles.to_vec(),
            removed: false,
        }
    }

    fn key(rights: &[Right]) -> ApiKey {
        ApiKey {
            id: "key-1".into(),
            name: "k".into(),
            rights: rights.to_vec(),
            person: None,
            surface: None,
            made_at: 0,
            revoked_at: None,
            expires_at: None,
        }
    }

    /// The whole table, actor by actor: with a key both the right and the role are needed.
    #[test]
    fn every_action_by_every_role_and_right() {
        for gate in ACTIONS {
            for role in Role::ALL {
                let p = person(&[*role]);
                let may = gate.roles.contains(role);
                let shell = authorize(&Actor::Shell(&p), gate.action, State::Any);
                assert_eq!(shell.is_ok(), may, "{:?} {role}", gate.action);
                for right in Right::ALL {
                    let k = key(&[*right]);
                    let with = Actor::Key {
                        key: &k,
                        person: Some(&p),
                    };
                    assert_eq!(
                        authorize(&with, gate.action, State::Any).is_ok(),
                        may && gate.right == Some(*right),
                        "{:?} {role} {right}",
                        gate.action
                    );
                    let needs_no_basis = Actor::Key {
                        key: &k,
                        person: None,
                    };
                    assert!(authorize(&needs_no_basis, gate.action, State::Any).is_err());
                }
                let mut removed = p.clone();
                removed.removed = true;
                assert!(authorize(&Actor::Shell(&removed), gate.action, State::Any).is_err());
            }
            for nobody in [Actor::Worker, Actor::Public] {
                assert!(authorize(&nobody, gate.action, State::Any).is_err());
            }
        }
        // Holds because FollowMoney is the last variant.
        assert_eq!(
            ACTIONS.len(),
            1 + Action::FollowMoney as usize,
            "each has its row"
        );
    }

    #[test]
    fn an_auditor_is_refused_everything_even_with_a_decide_key() {
        let auditor = person(&[Role::Auditor]);
        let k = key(&[Right::Decide]);
        for gate in ACTIONS {
            let actor = Actor::Key {
                key: &k,
                person: Some(&auditor),
            };
            let e = authorize(&actor, gate.action, State::Any).unwrap_err();
            assert!(matches!(e, CaseworkError::Denied { .. }), "{e}");
        }
    }

    #[test]
    fn tracing_needs_a_case_with_a_basis_except_on_regtest() {
        let p = person(&[Role::Reviewer]);
        for (needs_no_basis, case, basis) in [
            (true, false, false),
            (true, true, false),
            (false, true, true),
            (false, true, false),
            (false, false, false),
        ] {
            let state = State::Money {
                needs_no_basis,
                case,
                basis,
            };
            let done = authorize(&Actor::Shell(&p), Action::FollowMoney, state);
            assert_eq!(done.is_ok(), needs_no_basis || (case && basis), "{state:?}");
        }
    }
}
