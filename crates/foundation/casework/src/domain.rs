//! What each domain owes every case: what it knows of it now, and its way out.
//!
//! Whatever finds something, pictures, payments, the chain or reports of others, keeps details of
//! its own. A report says what all of them know at that moment, and redress reaches all of them,
//! because both ask here and nowhere else.
//!
//! Invariant: [`Domain::withdraw`] uses the transaction it is given and nothing else: the writer's
//! place can't be taken twice, and what it does stands or falls with the appeal's decision.
//! Invariant: [`Domain::settle`] may be cut off anywhere and is run again until it ends.

use async_trait::async_trait;
use obhut_store::migrations::Numbered;

use crate::database::Tx;
use crate::{Casework, Facts, Result};

/// What became, or will become, of something that a domain held about a cleared person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Removed {
    /// What it is, in a word or the id of an exhibit.
    pub what: String,
    /// When it goes.
    pub when: Gone,
}

/// When something goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Gone {
    /// Within this transaction.
    Done,
    /// At that time, microseconds since 1970; the law asks to keep it until then.
    NotBefore(i64),
    /// Not at all, and by what right.
    Kept(&'static str),
}

impl Removed {
    /// What went within this transaction.
    pub fn done(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            when: Gone::Done,
        }
    }

    /// What goes at that time, microseconds since 1970.
    pub fn not_before(what: &str, at: i64) -> Self {
        Self {
            what: what.to_owned(),
            when: Gone::NotBefore(at),
        }
    }

    /// What stays, and by what right.
    pub fn kept(what: &str, because: &'static str) -> Self {
        Self {
            what: what.to_owned(),
            when: Gone::Kept(because),
        }
    }
}

/// A cleared case, as a domain is told of it.
pub struct Clearing<'a> {
    /// The case.
    pub case: &'a str,
    /// The appeal that was upheld.
    pub appeal: &'a str,
    /// Id of the person who upheld the appeal.
    pub person: &'a str,
    /// Until when what was filed is preserved; 0 where nothing was.
    pub kept_until: i64,
}

/// A domain that finds things.
#[async_trait]
pub trait Domain: Send + Sync {
    /// In a word, under which its unfinished work is on record.
    fn name(&self) -> &'static str;

    /// Every change of its tables.
    fn migrations(&self) -> &'static [Numbered] {
        &[]
    }

    /// What this domain knows of a case now. A person's word wins over it.
    async fn dossier_part(&self, _: &mut Tx, _: &Casework, _case: &str) -> Result<Facts> {
        Ok(Facts::default())
    }

    /// Takes what it holds about a cleared case's person out of the database, and says what goes
    /// later or stays.
    async fn withdraw(
        &self,
        tx: &mut Tx,
        casework: &Casework,
        clearing: &Clearing<'_>,
    ) -> Result<Vec<Removed>>;

    /// Ends what can't be done within that transaction: files, the vault, what rested on the case.
    async fn settle(&self, casework: &Casework, case: &str) -> Result<()>;
}

/// The domains that stand in this crate.
pub(crate) const OWN: &[&dyn Domain] = &[&crate::findings::Media];
