//! Evidence in and out: who saw which exhibit, how much of it, and when.
//!
//! Invariant: nothing but [`Casework::view`] hands out an exhibit's bytes, and it has written the
//! audit row and the vault's log entry before it has the first of them.

use serde::Serialize;

use crate::database::{Columns, Step, Tx, words};
use crate::{
    Casework, CaseworkError, Exhibit, Person, Result, Role, Verification, audit, cases, findings,
    ids,
};

pub(crate) const STEPS: &[Step] = &[Step {
    number: 10,
    sql: &[
        "CREATE TABLE views (
            id TEXT PRIMARY KEY, exhibit TEXT NOT NULL, person TEXT NOT NULL, extent TEXT NOT NULL,
            purpose TEXT NOT NULL, viewed_at BIGINT NOT NULL)",
        "CREATE INDEX views_by_exhibit ON views (exhibit)",
    ],
}];

words! {
    /// How much of a file a person has seen, by that person's own word.
    Extent {
        /// All of it.
        Whole = "whole",
        /// Some of it.
        Part = "part",
        /// Its metadata only.
        Metadata = "metadata",
        /// Nothing: the bytes were handed on, not looked at.
        Unseen = "unseen",
    }
}

/// What people have seen of an exhibit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Viewed {
    /// Somebody has seen all of it.
    pub whole: bool,
    /// Somebody has seen its metadata.
    pub metadata: bool,
}

impl Casework {
    /// Seals bytes as an exhibit of a case, or of none.
    pub async fn put_exhibit(
        &self,
        bytes: &[u8],
        case: Option<&str>,
        screening: Option<&str>,
        name: Option<&str>,
        media_type: Option<&str>,
        person: &Person,
    ) -> Result<Exhibit> {
        if let Some(case) = case {
            cases::status(&mut self.db.snapshot().await?, case).await?;
        }
        let exhibit = self
            .keep(
                bytes,
                obhut_vault::Intake {
                    actor: person.id.clone(),
                    purpose: "put in by hand".into(),
                    case: case.map(str::to_owned),
                    source: name.map(str::to_owned),
                    media_type: media_type.map(str::to_owned),
                },
            )
            .await?;
        let mut tx = self.db.begin().await?;
        if let Some(screening) = screening {
            findings::attach(&mut tx, screening, &exhibit.id).await?;
        }
        audit::write(
            &mut tx,
            self.now(),
            &person.id,
            "exhibit.put",
            &exhibit.id,
            case.unwrap_or("no case"),
        )
        .await?;
        tx.commit().await?;
        Ok(exhibit)
    }

    pub(crate) async fn keep(&self, bytes: &[u8], intake: obhut_vault::Intake) -> Result<Exhibit> {
        Ok(self.vault.put(bytes, intake).await?)
    }

    /// The bytes of an exhibit, for a reviewer and a purpose, after both have been recorded.
    pub async fn view(
        &self,
        exhibit: &str,
        person: &Person,
        purpose: &str,
        extent: Extent,
    ) -> Result<Vec<u8>> {
        person.require(Role::Reviewer)?;
        if purpose.trim().is_empty() {
            return Err(CaseworkError::refused(
                "say what the exhibit is needed for (--purpose)",
            ));
        }
        // Nothing is recorded about exhibits that aren't there.
        self.vault.exhibit(exhibit).await?;
        let mut tx = self.db.begin().await?;
        if extent != Extent::Unseen {
            sqlx::query(
                "INSERT INTO views (id, exhibit, person, extent, purpose, viewed_at) VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(ids::new("view"))
            .bind(exhibit)
            .bind(&person.id)
            .bind(extent.word())
            .bind(purpose)
            .bind(self.now())
            .execute(&mut *tx)
            .await?;
        }
        audit::write(
            &mut tx,
            self.now(),
            &person.id,
            "exhibit.view",
            exhibit,
            extent.word(),
        )
        .await?;
        tx.commit().await?;
        let access = obhut_vault::Access {
            actor: person.id.clone(),
            purpose: purpose.to_owned(),
        };
        Ok(self.vault.get(exhibit, access).await?)
    }

    /// All exhibits, oldest first.
    pub async fn exhibits(&self) -> Result<Vec<Exhibit>> {
        Ok(self.vault.list().await?)
    }

    /// One exhibit, without its content.
    pub async fn exhibit(&self, id: &str) -> Result<Exhibit> {
        Ok(self.vault.exhibit(id).await?)
    }

    /// Compares everything in the vault with its log.
    pub async fn verify_vault(&self) -> Verification {
        let mut seen = self.vault.verify().await;
        seen.leftovers.extend(self.folder.unfinished_evidence());
        seen
    }

    /// The public key that checks the vault's log.
    pub fn vault_key(&self) -> &str {
        self.vault.verifier_key()
    }
}

/// What people have seen of an exhibit, by the record.
pub(crate) async fn viewed(tx: &mut Tx, exhibit: &str) -> Result<Viewed> {
    let rows = sqlx::query("SELECT DISTINCT extent FROM views WHERE exhibit = $1")
        .bind(exhibit)
        .fetch_all(&mut **tx)
        .await?;
    let mut viewed = Viewed::default();
    for row in &rows {
        match Columns::of(row).word(Extent::from_word, "extent")? {
            Extent::Whole => viewed.whole = true,
            Extent::Metadata => viewed.metadata = true,
            Extent::Part | Extent::Unseen => {}
        }
    }
    Ok(viewed)
}
