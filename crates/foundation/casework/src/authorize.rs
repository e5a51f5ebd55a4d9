//! Who may do what: the only gate, pure, the same for the command line, HTTP and pages.
//!
//! [`ACTIONS`] is the table: which right a key needs for an action, and which roles let a person do
//! it. A key never does more than its person may: its right *and* the person's role are needed. What
//! two people must do stays two people's everywhere; those rules stand where the second one acts.

use crate::{ApiKey, CaseworkError, Next, Person, Result, Right, Role};

/// Something a person, a key or a program wants to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Action {
    /// Decide a case.
    DecideCase,
    /// Read a report in a destination's form before it is filed.
    ReadDraft,
    /// Put a report on record.
    FileReport,
    /// Approve a report that another person decided.
    ApproveReport,
    /// Send an approved report.
    SendReport,
    /// Take a report back.
    RetractReport,
    /// Record what a receiver says of a report.
    RecordOutcome,
    /// File an appeal for somebody.
    FileAppeal,
    /// Decide an appeal against another person's decision.
    DecideAppeal,
    /// Make a notice for whom a case concerns.
    MakeNotice,
    /// See what an alert about payments says.
    ViewAlert,
    /// Confirm or end a hold.
    DecideHold,
    /// Follow a case's money on the chain.
    FollowMoney,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// What is to be done.
    pub action: Action,
    /// The right a key needs; none where no key may.
    pub right: Option<Right>,
    /// Any of these roles lets a person do it.
    pub roles: &'static [Role],
}

const REVIEWER: &[Role] = &[Role::Reviewer];
const OFFICER: &[Role] = &[Role::ReportingOfficer];
const EITHER: &[Role] = &[Role::ReportingOfficer, Role::Reviewer];

const fn gate(action: Action, roles: &'static [Role]) -> Gate {
    Gate {
        action,
        right: Some(Right::Decide),
        roles,
    }
}

/// Every action, and who may.
pub const ACTIONS: &[Gate] = &[
    gate(Action::DecideCase, REVIEWER),
    gate(Action::ReadDraft, EITHER),
    gate(Action::FileReport, EITHER),
    gate(Action::ApproveReport, OFFICER),
    gate(Action::SendReport, OFFICER),
    gate(Action::RetractReport, OFFICER),
    gate(Action::RecordOutcome, OFFICER),
    gate(Action::FileAppeal, EITHER),
    gate(Action::DecideAppeal, REVIEWER),
    gate(Action::MakeNotice, REVIEWER),
    gate(Action::ViewAlert, REVIEWER),
    gate(Action::DecideHold, REVIEWER),
    Gate {
        action: Action::FollowMoney,
        right: None,
        roles: REVIEWER,
    },
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
    /// Whoever sits at the command line, in this person's name.
    Shell(&'a Person),
    /// A program with a key, and the person it acts for.
    Key {
        /// The key.
        key: &'a ApiKey,
        /// Whose it is.
        person: Option<&'a Person>,
    },
    /// A part of this system that runs by itself.
    Worker,
    /// Anybody.
    Public,
}

/// What an action depends on beside who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing.
    Any,
    /// Following money: on a chain that is nobody's (a test network made on the spot) nothing is
    /// needed; on any other, a case with a legal basis that hasn't ended.
    Money {
        /// The chain is nobody's.
        nobodys: bool,
        /// A case is named.
        case: bool,
        /// It has a legal basis that hasn't ended.
        basis: bool,
    },
}

/// An error that says what is missing, unless the actor may do it.
pub fn authorize(actor: &Actor<'_>, action: Action, state: State) -> Result<()> {
    let gate = action.gate();
    let person = match actor {
        Actor::Shell(person) => *person,
        Actor::Key { key, person } => {
            match gate.right {
                Some(right) if key.has(right) => {}
                Some(right) => {
                    return Err(CaseworkError::denied(format!(
                        "this key has no right {right}"
                    )));
                }
                None => return Err(CaseworkError::denied("no key opens this")),
            }
            person.ok_or_else(|| {
                CaseworkError::denied("this key is nobody's; decisions need a person's key")
            })?
        }
        Actor::Worker | Actor::Public => {
            return Err(CaseworkError::denied("only a person may do this"));
        }
    };
    if person.removed {
        return Err(CaseworkError::denied(format!(
            "{} was removed and does nothing any more",
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
    authorize_state(action, state)
}

/// What an action depends on beside who asks; alone where there is nobody to ask about, as of a
/// command that opens no data folder.
pub fn authorize_state(_: Action, state: State) -> Result<()> {
    match state {
        State::Any
        | State::Money { nobodys: true, .. }
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
            "the case has no legal basis for following its money that hasn't ended; record one first",
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
                    let nobodys = Actor::Key {
                        key: &k,
                        person: None,
                    };
                    assert!(authorize(&nobodys, gate.action, State::Any).is_err());
                }
                let mut removed = p.clone();
                removed.removed = true;
                assert!(authorize(&Actor::Shell(&removed), gate.action, State::Any).is_err());
            }
            for nobody in [Actor::Worker, Actor::Public] {
                assert!(authorize(&nobody, gate.action, State::Any).is_err());
            }
        }
        assert_eq!(
            ACTIONS.len(),
            1 + Action::FollowMoney as usize,
            "each has its row"
        );
    }

    #[test]
    fn an_auditor_with_a_key_that_decides_may_none_of_it() {
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
    fn money_is_followed_for_a_case_with_a_basis_or_where_it_is_nobodys() {
        let p = person(&[Role::Reviewer]);
        for (nobodys, case, basis) in [
            (true, false, false),
            (true, true, false),
            (false, true, true),
            (false, true, false),
            (false, false, false),
        ] {
            let state = State::Money {
                nobodys,
                case,
                basis,
            };
            let done = authorize(&Actor::Shell(&p), Action::FollowMoney, state);
            assert_eq!(done.is_ok(), nobodys || (case && basis), "{state:?}");
        }
    }
}
